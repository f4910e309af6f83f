"""Which driver recognises which advertisement."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from hipsync.driver import Advertisement
from hipsync.registry import claimants, drivers
from hipsync_devices.gatt import uuid16

HUAMI, EDDYSTONE, MOYOUNG, LEFUN = uuid16(0xFEE0), uuid16(0xFEAA), uuid16(0xFEEA), uuid16(0x18D0)
HEART, RUNNING, POWER, CADENCE, BODY, WEIGHT = map(uuid16, (0x180D, 0x1814, 0x1818, 0x1816, 0x181B, 0x181D))
MI_BEACON = uuid16(0xFE95)
NORDIC_UART = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"


class Row(NamedTuple):
    """An advertisement, and the keys of the drivers that should recognise it."""

    what: str
    right: str
    name: str | None = None
    services: frozenset[str] = frozenset()
    service_data: tuple[str, ...] = ()


ROWS = [
    Row("Mi Band 2 without a scan response", "huami", services=frozenset({HUAMI})),
    Row("Mi Band 1S (Gadgetbridge #529)", "-", "MI1S", frozenset({HUAMI})),
    Row("Mi Band 2 (Gadgetbridge #529)", "huami", "MI Band 2", frozenset({HUAMI})),
    Row("Mi Smart Band 4C, a Redmi Band", "-", "Mi Smart Band 4C"),
    Row("Mi Band 4C", "-", "Mi Band 4C"),
    Row("Amazfit GTR 2e", "huami", "Amazfit GTR 2e"),
    Row("earphones", "-", "Zepp Earphones"),
    Row("Redmi Smart Band 4C", "-", "Redmi Smart Band 4C"),
    Row("Xiaomi Smart Band 8", "xiaomi", "Xiaomi Smart Band 8 ABCD"),
    Row("Xiaomi Smart Band 9", "xiaomi", "Xiaomi Smart Band 9 1234"),
    Row("Huawei Band 8", "huawei", "HUAWEI Band 8-A1B"),
    Row("Honor Band 4", "huawei", "honor Band 4-A1B"),
    Row("Huawei Watch GT 4, of classic Bluetooth alone", "-", "HUAWEI WATCH GT 4-A1B"),
    Row("Mi Band 8 by a short name", "-", "Mi Band 8"),
    Row("Amazfit GTR 3 Pro (amazfish #571)", "-", "Amazfit GTR 3 Pro"),
    Row("Amazfit Band 7", "-", "Amazfit Band 7"),
    Row("Amazfit Bip 6", "-", "Amazfit Bip 6"),
    Row("Amazfit Active", "-", "Amazfit Active"),
    Row("Amazfit Pace", "-", "Amazfit Watch"),
    Row("Amazfit Smart Scale", "-", "Amazfit Smart Scale", frozenset({WEIGHT, HUAMI})),
    Row("Xiaomi scale", "-", "MIBCS", frozenset({BODY})),
    Row("Mi scale without a name", "huami", services=frozenset({WEIGHT, HUAMI})),
    Row("lamp or sensor with FE95 (core #179275, #181625)", "-", "yeelink", service_data=(MI_BEACON,)),
    Row("phone with Eddystone", "-", services=frozenset({EDDYSTONE})),
    Row("Colmi R02", "colmi", "R02_A1B2"),
    Row("Colmi R09 with its maker's name", "colmi", "COLMI R09_0A0B"),
    Row("Colmi R10", "colmi", "R10_1234"),
    Row("Yawell R05", "colmi", "R05_1234"),
    Row("SR02 of another maker", "-", "SR02_1234"),
    Row("speaker", "-", "R20_Speaker"),
    Row("printer", "-", "R50_Printer"),
    Row("printer with hex digits", "-", "R50_12AB"),
    Row("handheld with the name of a ring's model", "-", "R10_Pro"),
    Row("H59 of another maker", "-", "H59_Lamp"),
    Row("ring's name in lower case", "-", "r02_a1b2"),
    Row("projector", "-", "M4 Max projector"),
    Row("FitPro M6", "fitpro", "M6"),
    Row("FitPro M4 with its address", "fitpro", "M4 1A2B"),
    Row("tablet", "-", "M6-Pad"),
    Row("mouse", "-", "M4_Mouse"),
    Row("Watch7", "fitpro", "Watch7"),
    Row("service of MoYoung alone", "moyoung", services=frozenset({MOYOUNG})),
    Row("InfiniTime", "infinitime", "InfiniTime"),
    Row("boot loader of a PineTime", "-", "MCUBOOT"),
    Row("name with a NUL behind it (core #26522)", "infinitime", "InfiniTime\0"),
    Row("name with a space behind it (core #26522)", "huami", "Mi Smart Band 5 "),
    Row("strap with an emoji in its name (bleson #48, #76)", "sig", "\U0001f602 strap", frozenset({HEART})),
    Row("treadmill", "sig", "Treadmill", frozenset({RUNNING})),
    Row("power meter of a bicycle", "-", "Kickr", frozenset({POWER, CADENCE})),
    Row("Bangle.js", "banglejs", "Bangle.js a1b2"),
    Row("gadget for a Bangle.js", "-", "Bangle.js-dock"),
    Row("Bangle.js with a NUL behind it", "banglejs", "Bangle.js\0\0"),
    Row("ring with a NUL behind it", "colmi", "R02_A1B2\0"),
    Row("Bangle.js in lower case", "-", "bangle.js 1234"),
    Row("Bangle.js that its owner renamed", "-", "My Watch", frozenset({NORDIC_UART})),
    Row("PineTime that lists the pulse, from 1.15", "infinitime", "InfiniTime", frozenset({HEART})),
    Row("Mi Band 5 that broadcasts the pulse", "huami", "Mi Smart Band 5", frozenset({HUAMI, HEART})),
    Row("service of Lefun alone", "lefun", services=frozenset({LEFUN})),
]


def takers(advertisement: Advertisement) -> str:
    """Return the keys of the drivers that recognise it; generic ones only if no other does, a dash for none."""
    found = claimants(advertisement, drivers())
    return ",".join(driver.key for driver in [each for each in found if not each.generic] or found) or "-"


@pytest.mark.parametrize("row", [pytest.param(row, id=row.what) for row in ROWS])
def test_a_device_is_taken_by_the_driver_that_knows_it_and_by_no_other(row: Row) -> None:
    """core #179275 and #181625 (a service that others use), amazfish #571 (GTR 3 Pro), Gadgetbridge #529 (a Mi
    Band 2 taken for a Mi Band 1), colmi #6 and kin, bleson #48 and #76, core #26522 (odd names), and upper and lower
    case."""
    data = dict.fromkeys(row.service_data, b"\0")
    assert takers(Advertisement(row.name, row.services, data)) == row.right
