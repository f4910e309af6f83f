"""Standard services: bytes that others recorded, and what is made of any bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.errors import MalformedPacket
from hipsync_devices import gatt
from hipsync_devices.gatt import uuid16
from hipsync_devices.sig import packets
from hipsync_devices.sig.packets import HeartRate, Level, Pace
from support import shared

SPOKEN = {  # tests of RonanB96/bluetooth-sig-python at 27bdb3d, unless a line says otherwise
    "hr-80": "0050",
    "hr-200-u16": "01c800",
    "hr-75-contact-energy": "0e4b8000",
    "hr-90-rr": "105a00080010",
    "hr-nocontact-80": "0450",
    "hr-85": "0055",  # NordicSemiconductor/Android-BLE-Common-Library at c078e25, HeartRateMeasurementDataCallbackTest
    "hr-255-nocontact": "04ff",  # the same
    "hr-42": "002a",  # zacharyedwardbull/pycycling at 7d80ae2, test_heart_rate_service.py
    "hr-movisens": "16485401ec02",  # movisens/SmartGattLib at 67a2348, HeartRateMeasurementTest.java
    "hr-contact-only": "0600",  # polarofficial/polar-ble-sdk at 8fb5311, BleHrClientTest.kt
    "hr-100": "0064",  # NordicSemiconductor/Android-nRF-Toolbox at 3271714, HRSDataParserTest.kt
    "hr-bangle-gatthrm": "0600",  # espruino/BangleApps at 0fe18ed, apps/bootgatthrm/boot.js, the initial value
    "rsc-basic": "008002b4",
    "rsc-stride": "018002b45500",
    "rsc-dist": "028002b410270000",
    "rsc-fast": "008005dc",
    "rsc-mandatory": "00800250",  # NordicSemiconductor/Android-nRF-Toolbox at 3271714, RSCSDataParserTest.kt
    "bat-42": "2a",  # zacharyedwardbull/pycycling at 7d80ae2, test_battery_service.py
    "bat-44": "2c",  # movisens/SmartGattLib at 67a2348, BatteryLevelTest.java
    "bat-100": "64",  # NordicSemiconductor/Android-BLE-Common-Library at c078e25, BatteryLevelDataCallbackTest
    "bat-0": "00",  # zacharyedwardbull/pycycling at 7d80ae2, test_battery_service.py
    "cts-2025": "e907010f0e1e2d032101",
    "cts-midnight": "e9070101000000010000",
    "dt-2018": "e20704110f3300",  # NordicSemiconductor/Android-BLE-Common-Library at c078e25, DateTimeDataCallbackTest
    "ias-mild": "01",
    "ias-high": "02",
}
"""What the codec knows."""
LEFT_ALONE = {  # by characteristic; the same sources
    "bsl-wrist": (0x2A38, "02"),
    "bsl-ear": (0x2A38, "05"),
    "rscf-all": (0x2A54, "1f00"),
    "rscf-13": (0x2A54, "0d00"),
    "sccp-ok": (0x2A55, "100101"),
    "lti-1-dst": (0x2A0F, "0404"),
    "lti-minus1": (0x2A0F, "fc00"),
    "tz-15min": (0x2A0E, "01"),
    "dst-4": (0x2A0D, "04"),
    "rti-ntp": (0x2A14, "01020503"),
    "ans-email": (0x2A46, "01034a6f686e"),
    "ans-mask": (0x2A47, "2a00"),
    "ans-cp": (0x2A44, "0001"),
    "pnp-usb": (0x2A50, "02ac0520020100"),
    "pams-feat-hr": (0x2B3B, "0000000001000000"),
    "pams-scas-min": (0x2B40, "c000010002000a00000001000000"),
    "pams-gai-min": (0x2B3C, "c0000000010002000a00000001000000"),
    "pams-cp-enq": (0x2B43, "01"),
    "sedentary-30": (0x2B4F, "1e00"),
}
"""What hipsync needs nothing of, or (PAMS) nobody can decode with certainty: `test_sig_by_hand.py` offers it to the
driver, which touches none of it."""
RECORDED = shared.VECTORS / "infinitime-banglejs-sig.json"


def vector(name: str) -> bytes:
    return bytes.fromhex(SPOKEN[name])


def test_every_published_vector_of_the_family_is_used_here() -> None:
    published = [v for v in json.loads(RECORDED.read_text())["vectors"] if v["family"] == "sig"]
    assert {v["id"]: v["hex"] for v in published if v["id"] not in LEFT_ALONE} == SPOKEN
    assert {v["id"]: (int(v["uuid"], 16), v["hex"]) for v in published if v["id"] not in SPOKEN} == LEFT_ALONE
    source = Path(__file__).read_text()
    assert [name for name in SPOKEN if source.count(f'"{name}"') < 2] == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hr-80", HeartRate(80)),
        ("hr-75-contact-energy", HeartRate(75, contact=True, energy_kj=128)),
        ("hr-90-rr", HeartRate(90, intervals=(2048, 4096))),
        ("hr-nocontact-80", HeartRate(80, contact=False)),
        ("hr-85", HeartRate(85)),
        ("hr-255-nocontact", HeartRate(255, contact=False)),
        ("hr-42", HeartRate(42)),
        ("hr-movisens", HeartRate(72, contact=True, intervals=(340, 748))),
        ("hr-contact-only", HeartRate(0, contact=True)),
        ("hr-100", HeartRate(100)),
        ("hr-bangle-gatthrm", HeartRate(0, contact=True)),
    ],
)
def test_a_heart_rate_is_as_its_flags_say(name: str, expected: HeartRate) -> None:
    assert HeartRate.decode(vector(name)) == expected
    assert expected.packet() == vector(name)


def test_a_rate_below_256_may_come_in_two_bytes() -> None:
    assert HeartRate.decode(vector("hr-200-u16")) == HeartRate(200)
    assert HeartRate(300).packet() == bytes.fromhex("012c01")


@pytest.mark.parametrize(
    ("flags", "contact"), [("00", None), ("02", None), ("04", False), ("06", True), ("e4", False), ("e2", None)]
)
def test_contact_counts_only_where_the_sensor_says_that_it_feels_it(flags: str, contact: bool | None) -> None:
    assert HeartRate.decode(bytes.fromhex(flags + "50")).contact is contact


def test_a_full_energy_counter_and_a_lone_byte_at_the_end_are_no_errors() -> None:
    assert HeartRate.decode(bytes.fromhex("1e50ffff540199")) == HeartRate(80, True, 65_535, (340,))


@pytest.mark.parametrize("data", ["", "00", "01c8", "0850", "085080"])
def test_a_heart_rate_of_another_length_is_malformed(data: str) -> None:
    with pytest.raises(MalformedPacket) as caught:
        HeartRate.decode(bytes.fromhex(data))
    assert caught.value.packet == bytes.fromhex(data)


@pytest.mark.parametrize(
    ("name", "mps", "expected"),
    [
        ("rsc-basic", 2.5, Pace(640, 180)),
        ("rsc-stride", 2.5, Pace(640, 180, stride_cm=85)),
        ("rsc-dist", 2.5, Pace(640, 180, distance_dm=10_000)),
        ("rsc-fast", 5.5, Pace(1408, 220)),
        ("rsc-mandatory", 2.5, Pace(640, 80)),
    ],
)
def test_a_pace_is_as_its_flags_say(name: str, mps: float, expected: Pace) -> None:
    assert Pace.decode(vector(name)) == expected
    assert expected.speed / 256 == mps
    assert expected.packet() == vector(name)


def test_the_third_flag_of_a_pace_is_running() -> None:
    assert Pace.decode(bytes.fromhex("048002b4")).running
    assert Pace.decode(bytes.fromhex("e08002b4")) == Pace(640, 180)  # reserved flags


def test_bytes_that_no_flag_announces_are_ignored() -> None:
    assert HeartRate.decode(bytes.fromhex("005000")) == HeartRate(80)
    assert HeartRate.decode(bytes.fromhex("0850800011")) == HeartRate(80, energy_kj=128)
    assert Pace.decode(bytes.fromhex("008002b400")) == Pace(640, 180)
    assert Pace.decode(bytes.fromhex("028002b41027000099")) == Pace(640, 180, distance_dm=10_000)


@pytest.mark.parametrize("data", ["", "008002", "018002b4", "018002b455", "028002b4102700", "038002b45500"])
def test_a_pace_of_another_length_is_malformed(data: str) -> None:
    with pytest.raises(MalformedPacket):
        Pace.decode(bytes.fromhex(data))


@pytest.mark.parametrize(("name", "percent"), [("bat-42", 42), ("bat-44", 44), ("bat-100", 100), ("bat-0", 0)])
def test_a_battery_level_is_one_byte(name: str, percent: int) -> None:
    assert gatt.percent(vector(name)) == percent


@pytest.mark.parametrize(("data", "level"), [("", None), ("65", None), ("ff", None), ("2a00", 42)])
def test_no_battery_is_above_a_hundred_percent(data: str, level: int | None) -> None:
    assert gatt.percent(bytes.fromhex(data)) == level


def test_the_levels_of_an_alert() -> None:
    assert packets.level(vector("ias-mild")) is Level.MILD
    assert packets.level(vector("ias-high")) is Level.HIGH
    assert packets.level(b"\0") is Level.NONE
    with pytest.raises(MalformedPacket):
        packets.level(b"\3")


def test_a_time_is_the_wall_clock() -> None:
    # 33/256 s are 128.9 ms; a Wednesday
    local = datetime(2025, 1, 15, 14, 30, 45, 129_000, tzinfo=UTC)
    assert packets.wall_clock(local) == vector("cts-2025")
    assert packets.wall_clock_of(vector("cts-2025")) == datetime(2025, 1, 15, 14, 30, 45)  # noqa: DTZ001


def test_the_weekday_of_a_time_is_not_looked_at() -> None:
    # it says Monday; 1 January 2025 was a Wednesday
    assert packets.wall_clock_of(vector("cts-midnight")) == datetime(2025, 1, 1)  # noqa: DTZ001


def test_a_date_time_is_the_beginning_of_a_current_time() -> None:
    assert packets.wall_clock_of(vector("dt-2018")) == datetime(2018, 4, 17, 15, 51)  # noqa: DTZ001


@pytest.mark.parametrize(
    "data", ["e20704110f33", "00000411 0f3300", "e20700110f3300", "e20704000f3300", "e207041f0f3300"]
)
def test_an_unknown_or_impossible_time_is_malformed(data: str) -> None:
    with pytest.raises(MalformedPacket):
        packets.wall_clock_of(bytes.fromhex(data))


@pytest.mark.parametrize("decode", [HeartRate.decode, Pace.decode, gatt.percent, packets.level, packets.wall_clock_of])
@given(data=st.binary(max_size=24))
def test_any_bytes_decode_or_are_malformed_and_carried(decode: Callable[[bytes], object], data: bytes) -> None:
    failures: list[MalformedPacket] = []
    try:
        decode(data)
    except MalformedPacket as malformed:
        failures.append(malformed)
    assert [failure.packet for failure in failures] in ([], [data])


WORD = st.integers(0, 0xFFFF)


@given(st.builds(HeartRate, WORD, st.none() | st.booleans(), st.none() | WORD, st.lists(WORD, max_size=9).map(tuple)))
def test_a_heart_rate_comes_back_as_it_went(rate: HeartRate) -> None:
    assert HeartRate.decode(rate.packet()) == rate


@given(
    st.builds(Pace, WORD, st.integers(0, 255), st.booleans(), st.none() | WORD, st.none() | st.integers(0, 0xFFFF_FFFF))
)
def test_a_pace_comes_back_as_it_went(pace: Pace) -> None:
    assert Pace.decode(pace.packet()) == pace


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)))  # noqa: DTZ001
def test_a_time_comes_back_to_the_second(local: datetime) -> None:
    assert packets.wall_clock_of(packets.wall_clock(local)) == local.replace(microsecond=0)


def test_numbers_are_on_the_bluetooth_base() -> None:
    assert packets.RSC_MEASUREMENT == uuid16(0x2A53) == "00002a53-0000-1000-8000-00805f9b34fb"
