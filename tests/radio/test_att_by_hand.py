"""What a client without Bleak finds in the GATT table of each simulated band, by raw requests of ATT.

The numbers are those of Bluetooth Assigned Numbers, 3.4 (services), 3.8 (characteristics), 3.10 (members: Anhui Huami
has FEE0 and FEE1, Tencent FEE7, and FEEA is Swirl's, whose number MoYoung uses), written here by hand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from bumble import att, core, hci
from bumble.device import Connection

from hipsync.driver import Advertisement
from hipsync.host.clock import FastClock
from hipsync.model import Epoch
from hipsync.radio.simulation.central import central
from hipsync.radio.simulation.peripheral import advertising
from hipsync.radio.simulation.radio import simulated_radio
from hipsync.registry import simulator
from hipsync.simulated import SimulatedBand
from support.plain_band import FIRST, OWN, PlainBand, without_traces

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY = bytes(range(16))
PRIMARY, CHARACTERISTIC, SETTINGS = core.UUID(0x2800), core.UUID(0x2803), core.UUID(0x2902)

SERVICES = {
    "huami": {0x1800, 0x1801, 0x180A, 0x180D, 0xFEE0, 0xFEE1, 0x1802, 0x1811},
    "huawei": {0x1800, 0x1801, 0x180A, 0xFE86},
    "infinitime": {0x1800, 0x1801, 0x180A, 0x1805, 0x1811, 0x180F, 0x1802, 0x180D},
    "banglejs": {0x1800, 0x1801},
    "colmi": {0x1800, 0x1801, 0x180A},
    "fitpro": {0x1800, 0x1801, 0x180F, 0x180A},
    "lefun": {0x1800, 0x1801, 0x18D0},
    "moyoung": {0x1800, 0x1801, 0x180A, 0x180F, 0x180D, 0xFEEA, 0xFEE7},
    "sig": {0x1800, 0x1801, 0x180A, 0x180F, 0x180D, 0x1814, 0x1805, 0x1803, 0x1802},
}
"""The services of two bytes of each family's band, from the sheets in `docs/protocols`."""
CHARACTERISTICS = {
    "huami": {0x2A2B, 0x2A46, 0x2A06, 0x2A25, 0x2A27, 0x2A28},
    "huawei": {0xFE01, 0xFE02, 0x2A28},
    "infinitime": {0x2A2B, 0x2A46, 0x2A19, 0x2A06, 0x2A37, 0x2A26},
    "banglejs": {0x2A00},
    "colmi": {0x2A26, 0x2A27},
    "fitpro": {0x2A19, 0x2A29, 0x2A26},
    "lefun": {0x2D00, 0x2D01},
    "moyoung": {0xFEE1, 0xFEE2, 0xFEE3, 0x2A19, 0x2A29, 0x2A28},
    "sig": {0x2A37, 0x2A38, 0x2A39, 0x2A53, 0x2A54, 0x2A19, 0x2A06, 0x2A2B},
}
"""Characteristics of two bytes that each family's band has."""


def band_of(key: str) -> SimulatedBand:
    life: Sequence[Epoch] = []
    zone = ZoneInfo("UTC")
    made = simulator(key)
    return made(life, now=NOW, zone=zone, secret=KEY) if key == "huami" else made(life, now=NOW, zone=zone)


def by_hand(band: SimulatedBand, story: Callable[[Connection], Awaitable[None]]) -> None:
    """Run a story with a bare connection to a band, on which nothing was discovered."""

    async def connected(clock: FastClock) -> None:
        async with simulated_radio([band], now=clock.now) as simulated:
            controller = simulated.air.adapter_controller("by hand")
            async with central(controller, controller, "F0:00:00:00:00:02", 23) as own:
                connection = await own.connect(hci.Address(FIRST))
                await story(connection)
                await connection.disconnect()
            simulated.air.take_off(controller)

    without_traces(connected)


async def found_by_value(connection: Connection, number: int) -> bool:
    """Whether Find By Type Value finds a primary service with this 16-bit UUID."""
    answer = await connection.gatt_client.send_request(
        att.ATT_Find_By_Type_Value_Request(
            starting_handle=1,
            ending_handle=0xFFFF,
            attribute_type=PRIMARY,
            attribute_value=number.to_bytes(2, "little"),
        )
    )
    return isinstance(answer, att.ATT_Find_By_Type_Value_Response)


async def services(connection: Connection) -> list[bytes]:
    """Return the value of each service's declaration, as Read By Group Type gives them."""
    values: list[bytes] = []
    handle = 1
    while handle <= 0xFFFF:
        answer = await connection.gatt_client.send_request(
            att.ATT_Read_By_Group_Type_Request(
                starting_handle=handle, ending_handle=0xFFFF, attribute_group_type=PRIMARY
            )
        )
        if not isinstance(answer, att.ATT_Read_By_Group_Type_Response):
            break
        values += [value for _, _, value in answer.attributes]
        handle = answer.attributes[-1][1] + 1
    return values


async def attributes(connection: Connection, kind: core.UUID) -> list[bytes]:
    """Return the value of each attribute of a type, as Read By Type gives them."""
    values: list[bytes] = []
    handle = 1
    while handle <= 0xFFFF:
        answer = await connection.gatt_client.send_request(
            att.ATT_Read_By_Type_Request(starting_handle=handle, ending_handle=0xFFFF, attribute_type=kind)
        )
        if not isinstance(answer, att.ATT_Read_By_Type_Response):
            break
        values += [value for _, value in answer.attributes]
        handle = answer.attributes[-1][0] + 1
    return values


def numbers(values: Sequence[bytes]) -> list[int]:
    return [int.from_bytes(value, "little") for value in values if len(value) == 2]


BASE = bytes.fromhex("fb349b5f8000008000100000")
"""The first twelve of the sixteen bytes, as sent, of a 128-bit UUID that only repeats a 16-bit one."""


@pytest.mark.parametrize("key", sorted(SERVICES))
def test_a_client_that_knows_two_bytes_finds_each_service_once(key: str) -> None:
    async def story(connection: Connection) -> None:
        said = await services(connection)
        assert sorted(numbers(said)) == sorted(SERVICES[key])
        assert not [value.hex() for value in said if len(value) == 16 and value.startswith(BASE)]
        for number in SERVICES[key]:
            assert await found_by_value(connection, number), f"{number:04X}"
        assert not await found_by_value(connection, 0x183E)

    by_hand(band_of(key), story)


@pytest.mark.parametrize("key", sorted(CHARACTERISTICS))
def test_a_client_that_knows_two_bytes_finds_each_characteristic(key: str) -> None:
    async def story(connection: Connection) -> None:
        declared = [value[3:] for value in await attributes(connection, CHARACTERISTIC)]  # properties, handle, UUID
        assert CHARACTERISTICS[key] <= set(numbers(declared))
        assert not [value.hex() for value in declared if len(value) == 16 and value.startswith(BASE)]
        assert await attributes(connection, SETTINGS), "no Client Characteristic Configuration of two bytes"

    by_hand(band_of(key), story)


def test_a_vendor_s_own_number_stays_whole() -> None:
    async def story(connection: Connection) -> None:
        assert [value for value in await services(connection) if len(value) == 16] == [
            bytes.fromhex("6e400001b5a3f393e0a9e50e24dcca9e")[::-1]
        ]

    band = PlainBand()
    assert OWN in {service.uuid for service in band.services()}
    by_hand(band, story)


@pytest.mark.parametrize(
    ("key", "structures"),
    [
        ("huami", "0303e0fe"),
        ("infinitime", "02010603030d18110723d1bcea5f782315deef121230150000"),  # derived by others from its source
        ("moyoung", "0303eafe"),
        ("sig", "05030d181418"),
    ],
)
def test_a_band_advertises_two_bytes_of_what_has_two(key: str, structures: str) -> None:
    """`03` is the list of 16-bit services (Core Specification Supplement, part A, 1.1)."""
    advert, response = advertising(band_of(key).advertisement())
    assert bytes.fromhex(structures) in advert + response


def test_a_scan_response_has_what_does_not_fit_the_advertisement() -> None:
    said = Advertisement(name="B", services=frozenset({OWN, "0000fee0-0000-1000-8000-00805f9b34fb"}))
    assert (
        advertising(said)[0].hex()
        == "0201060303e0fe1107" + bytes.fromhex("6e400001b5a3f393e0a9e50e24dcca9e")[::-1].hex()
    )
