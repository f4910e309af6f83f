"""Colmi rings: bytes that others recorded, against the codec and the simulated ring."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch
from hipsync.simulated import Notification
from hipsync_devices.colmi import DRIVER, packets
from hipsync_devices.colmi.packets import Battery, Big, Frame, HeartSettings, StepsHeader, StepsRecord, Totals, Walking
from hipsync_devices.colmi.sim import ColmiRing
from support import shared

# by the id in the collection. From tahnok/colmi_r02_client at 9e08383f (tests, partly captured; MYSTERIES.md),
# smittytone/RingCLI at 3cc884d9 (captured), SneakyZippy/Colmi_Rxx_flutter_companion at 0e4249b6 (sniffed from the
# maker's app and an R11C), vlordier/colmismartring at 9f830d19 (captured), ophirr/ColmiSmartRing at 07528e40 (a test)
BATTERY_64 = "03400000000000000000000000000043"  # colmi-battery-64
BATTERY_96 = "03600000000000000000000000000063"  # colmi-battery-96
SET_TIME_MIDNIGHT = "01240101000000010000000000000028"  # colmi-settime-utc-midnight
SET_TIME_SNIFF = "012512151016310100000000000000a5"  # colmi-settime-sniff
CAPS = "01000100220000000001003001001066"  # colmi-settime-caps
SET_TIME_REPLY = ["2ff40000000000000000000000000023", "01000000020000000001002001003055"]  # colmi-settime-sniff-reply
STEPS_REQUEST = "43000f005f01000000000000000000b2"  # colmi-steps-request
TOTALS_REQUEST = "48000000000000000000000000000048"  # colmi-48-request
TOTALS = "4800046e00000000a021000351001bea"  # colmi-48-sniff
SINGLE = ["43f00101000000000000000000000035", "432410155c0001790015001000000087"]  # colmi-steps-single
MULTI5 = [  # colmi-steps-multi5
    "43f00501000000000000000000000039", "43230813100005c80030001b000000a9", "43230813140105b618aa046903000083",
    "432308131802053804e1009500000052", "432308131c030505026c004800000060", "432308134c0405ef016300440000006d",
]  # fmt: skip
R11C = [  # colmi-steps-sniff-r11c
    "43f00401000000000000000000000038", "43251215180004630025001400000047", "432512151c0104b30173005a00000031",
    "43251215200204e2019200640000008e", "432512152403040b0c44037f02000099",
]  # fmt: skip
NO_STEPS, NO_PULSES = (
    "43ff0000000000000000000000000042",
    "15ff0000000000000000000000000014",
)  # colmi-steps-nodata, colmi-hr-nodata
LIVE = [  # colmi-live-series
    "7312000039000cea00002f00000000e3", "731200003a000d240000300000000020", "731200003b000d5e000030000000005b",
    "731200003d000dd200003200000000d3", "731200003e000e0c0000330000000010", "731200003f000e46000034000000004c",
    "731200003f000e46000034000000004c", "7312000041000eba00003500000000c3", "7312000042000ef400003600000000ff",
    "7312000043000f2e000037000000003c",
]  # fmt: skip
LIVE_3055 = "7312000bef0222090007cf0000000082"  # colmi-live-3055
EVENT_BATTERY = "730c1500000000000000000000000094"  # colmi-73-batt21
PHONE, PREFERENCES = (
    "04020a506978656c20396100000000cc",
    "0a020000001baf3c785a0000000000e4",
)  # colmi-phone-name, colmi-prefs
PULSES = [  # colmi-hr-day-20240810
    "15001805000000000000000000000032", "150180adb6660000000000000000005f",
    *(f"15{i:02x}{'00' * 13}{0x15 + i:02x}" for i in range(2, 0x0F)),
    "150f000059000000000000000000007d", "1510006b000000000000000000000090", "15116000000000000000000000006bf1",
    "15120000000000000000000000000027", "15130000000000000000000050000078", "1514000000000000000000460000006f",
    "1515000000000000000000000000002a", "1516000000000000000000000000002b", "1517000000000000000000000000002c",
]  # fmt: skip
COLLECTION = shared.VECTORS / "colmi-moyoung-fitpro-lefun.json"
NOW = datetime(2025, 12, 15, 10, 16, 31, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def payload(text: str) -> bytes:
    return packets.decode_frame(bytes.fromhex(text)).payload


def test_the_whole_collection_is_read_without_an_error_and_written_back() -> None:
    vectors = [each for each in json.loads(COLLECTION.read_text())["vectors"] if each["family"] == "colmi"]
    assert len(vectors) >= 29
    for vector in vectors:
        for frame in map(bytes.fromhex, vector["frames"]):
            decoded = packets.decode_big(frame) if frame[0] == packets.BIG else packets.decode_frame(frame)
            assert decoded.encode() == frame, vector["id"]
    ours = {frame for vector in vectors for frame in vector["frames"]}
    assert ours >= {BATTERY_64, *MULTI5, *R11C, *LIVE, *PULSES, PHONE, PREFERENCES, CAPS}


def test_battery_time_and_settings_mean_what_others_say() -> None:
    assert Battery.decode(payload(BATTERY_64)) == Battery(64, charging=False)
    assert Battery.decode(payload(BATTERY_96)) == Battery(96, charging=False)
    for wall, text in ((datetime(2024, 1, 1), SET_TIME_MIDNIGHT), (datetime(2025, 12, 15, 10, 16, 31), SET_TIME_SNIFF)):  # noqa: DTZ001  wall clocks
        assert packets.set_time(wall).encode().hex() == text
        assert packets.time_of(payload(text)) == wall
    for text, enabled, minutes in (
        ("1601013c000000000000000000000054", True, 60),  # colmi-hrset-on60
        ("1601023c000000000000000000000055", False, 60),  # colmi-hrset-off60
        ("1601011e05000000000000000000003b", True, 30),  # colmi-hrset-on30
    ):
        assert HeartSettings.decode(payload(text)) == HeartSettings(enabled, minutes)
    assert HeartSettings.decode(payload("16020100000000000000000000000019")).enabled  # colmi-hrset-write-ack
    assert packets.measured(payload("6901004e0000000000000000000000b8")) == (1, 0, 78)  # colmi-rt-hr-78
    assert packets.measured(payload("6901010000000000000000000000006b")) == (1, 1, 0)  # colmi-rt-hr-err1
    assert packets.phone("Pixel 9a").encode().hex() == PHONE


def records(answer: Sequence[str]) -> list[StepsRecord]:
    header, *parts = [packets.steps_of(payload(each)) for each in answer]
    assert header == StepsHeader(len(parts))
    return [part for part in parts if isinstance(part, StepsRecord)]


def test_steps_by_the_hour_mean_what_others_say() -> None:
    assert packets.steps_request(0).encode().hex() == STEPS_REQUEST
    assert packets.steps_request(1).encode().hex() == "43010f005f01000000000000000000b3"
    assert records(SINGLE) == [StepsRecord(date(2024, 10, 15), 92, 0, 1, 121, 21, 16)]
    assert [(r.quarter, r.steps, r.metres, r.calories * 10) for r in records(MULTI5)] == [
        (16, 48, 27, 2000), (20, 1194, 873, 63260), (24, 225, 149, 10800), (28, 108, 72, 5170), (76, 99, 68, 4950),
    ]  # fmt: skip
    assert {r.day for r in records(MULTI5)} == {date(2023, 8, 13)}
    assert sum(r.steps for r in records(R11C)) == Totals.decode(payload(TOTALS)).steps == 1134
    assert packets.steps_of(payload(NO_STEPS)) is None
    for record, text in zip(records(R11C), R11C[1:], strict=True):
        assert Frame(packets.STEPS, record.payload()).encode().hex() == text


def test_totals_and_what_it_says_by_itself() -> None:
    assert Totals.decode(payload(TOTALS)) == Totals(1134, 0, 40993, 849, 27)
    assert Frame(packets.TOTALS).encode().hex() == TOTALS_REQUEST
    walked = [packets.event_of(payload(each)) for each in LIVE]
    assert [each.steps for each in walked if isinstance(each, Walking)] == [57, 58, 59, 61, 62, 63, 63, 65, 66, 67]
    assert walked[0] == Walking(57, 3306, 47)
    assert packets.event_of(payload(LIVE_3055)) == Walking(3055, 139785, 1999)
    assert packets.event_of(payload(EVENT_BATTERY)) == Battery(21, charging=False)
    assert packets.event_of(bytes([4]) + bytes(13)) is None


def test_a_day_of_pulses() -> None:
    told = packets.heart_day([payload(each) for each in PULSES])
    assert told is not None
    assert (told.asked, told.interval, len(told.pulses)) == (1723248000, 5, 288)
    assert packets.day_asked(told.asked) == date(2024, 8, 10)
    found = {f"{i // 12:02}:{i % 12 * 5:02}": bpm for i, bpm in enumerate(told.pulses) if bpm}
    assert found == {"15:00": 89, "16:00": 107, "17:00": 96, "18:00": 107, "20:00": 80, "21:00": 70}
    assert [each.encode().hex() for each in told.frames()] == PULSES
    assert packets.heart_day([payload(NO_PULSES)]) is None


def test_long_packets() -> None:
    assert packets.decode_big(bytes.fromhex("bc280100bf4000")) == Big(packets.PULSES, b"\0")  # colmi-bigdata-empty
    assert Big(packets.OXYGEN, b"\xff").encode().hex() == "bc2a0100ff00ff"  # colmi-bigdata-req-spo2
    assert Big(packets.SLEEP).encode().hex() == "bc270000ffff"  # colmi-bigdata-sleep-req-empty


NAMES = ["R02_A1B2", "COLMI R07_1234", "R11C_00FF", "H59_3C41", "COLMI R10_0000"]


@pytest.mark.parametrize("name", NAMES)
def test_a_ring_is_known_by_its_name(name: str) -> None:
    assert DRIVER.matches(Advertisement(name=name))


@pytest.mark.parametrize("name", ["R2_A1B2", "LH716", "R02", "", "Xiaomi R02_"])
def test_other_names_are_not_taken(name: str) -> None:
    assert not DRIVER.matches(Advertisement(name=name))


# ------------------------------------------------------------------ the simulated ring, to any client


def ring(life: Sequence[Epoch] = (), now: datetime = NOW) -> ColmiRing:
    band = ColmiRing(life, now=now, zone=ZoneInfo("UTC"))
    band.connected(now)
    band.on_subscribe(packets.NOTIFY, True, now)
    band.on_subscribe(packets.BIG_NOTIFY, True, now)
    return band


def said(band: ColmiRing, request: str, uuid: str = packets.WRITE) -> list[str]:
    """What it says within a second."""
    now = band.time
    band.write(uuid, "", bytes.fromhex(request), now)
    return [each.data.hex() for each in band.advance(now + SECOND) if isinstance(each, Notification)]


def test_the_maker_s_app_finds_an_r11c() -> None:
    """Its requests, and what a real one answered."""
    morning = {6: 37, 7: 115, 8: 146, 9: 836}
    start = NOW.replace(hour=0, minute=0, second=0)
    life = [Epoch(start + timedelta(hours=h, minutes=m), MINUTE, s) for h, n in morning.items() for m, s in ((5, n),)]
    band = ring(life)
    assert said(band, SET_TIME_SNIFF) == SET_TIME_REPLY
    assert said(band, SET_TIME_SNIFF) == SET_TIME_REPLY[1:]
    told = said(band, STEPS_REQUEST)
    assert told[0] == R11C[0]
    assert [replace(r, calories=0, metres=0) for r in records(told)] == [
        replace(r, calories=0, metres=0) for r in records(R11C)
    ]
    (totals,) = said(band, TOTALS_REQUEST)
    assert Totals.decode(payload(totals)).steps == 1134
    assert said(band, PHONE) == ["04000000000000000000000000000004"]
    assert payload(said(band, PREFERENCES)[0])[0] == packets.SET
    assert payload(said(band, Frame(packets.PREFERENCES, b"\1").encode().hex())[0])[4] == 27  # the age in PREFERENCES
    assert said(band, "bc2a0100ff00ff", packets.BIG_WRITE) == ["bc2a0100bf4000"]
    assert said(band, "bc270000ffff", packets.BIG_WRITE) == ["bc270100bf4000"]


def test_it_answers_other_clients_as_a_ring_does() -> None:
    band = ring()
    assert said(band, "03000000000000000000000000000003") == [BATTERY_64]
    assert said(band, STEPS_REQUEST) == [NO_STEPS]
    assert said(band, Frame(packets.HEART_LOG, (1765756800).to_bytes(4, "little")).encode().hex()) == [NO_PULSES]
    assert said(band, "16010000000000000000000000000017") == ["1601011e000000000000000000000036"]
    assert said(band, "1602013c000000000000000000000055") == ["16020100000000000000000000000019"]
    assert said(band, "16010000000000000000000000000017") == ["1601013c000000000000000000000054"]
    assert said(band, "5055aa0000000000000000000000004f") == ["5055aa0000000000000000000000004f"]
    assert said(band, Frame(packets.MEASURE, b"\1\1").encode().hex())[0].startswith("690100")
    assert said(band, "6a01000000000000000000000000006b") == ["6a01000000000000000000000000006b"]  # enough
    assert said(band, "06000000000000000000000000000006") == ["86ee0000000000000000000000000074"]
    assert said(band, Frame(packets.REALTIME_HEART, b"\1").encode().hex())[0].startswith("9eee")
    assert said(band, "03000000000000000000000000000004") == []  # a wrong sum
    assert said(band, "0300") == []
    assert len(band.flashes) == 1
    assert band.shown == []


def test_a_measurement_is_six_answers_a_second_apart_unless_it_is_ended() -> None:
    """As tahnok/colmi_r02_client's README shows of a real ring (`get-real-time heart-rate`: six numbers)."""
    band = ring([Epoch(NOW, MINUTE, 60)])
    band.write(packets.WRITE, "", Frame(packets.MEASURE, b"\1\1").encode(), NOW)
    came = [
        len([each for each in band.advance(NOW + number * SECOND) if isinstance(each, Notification)])
        for number in range(1, 12)
    ]
    assert came == [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]  # and it reports no walk meanwhile
    band.write(packets.WRITE, "", Frame(packets.MEASURE, b"\3\1").encode(), band.time)
    assert len(band.advance(band.time + 2 * SECOND)) == 2
    assert said(band, Frame(packets.MEASURED, b"\3").encode().hex())[0].startswith("6a03")
    assert [each for each in band.advance(band.time + 9 * SECOND) if isinstance(each, Notification)] == []
    band.charge(band.time, on=True)
    band.advance(band.time + SECOND)
    assert said(band, Frame(packets.MEASURE, b"\1\1").encode().hex()) == [
        "6901010000000000000000000000006b"
    ]  # rt-hr-err1


def test_it_tells_of_a_walk_as_it_happens_now_and_then_twice() -> None:
    band = ring([Epoch(NOW + timedelta(seconds=29), MINUTE, 60)])
    out = band.advance(NOW + 2 * MINUTE)
    walks = [packets.event_of(payload(each.data.hex())) for each in out if isinstance(each, Notification)]
    steps = [each.steps for each in walks if isinstance(each, Walking)]
    assert sorted(set(steps)) == list(range(2, 61, 2))
    assert len(steps) == 34  # each seventh twice


# ------------------------------------------------------------------ any bytes


COUNT = st.integers(0, 0xFFFF)
TOTAL = st.integers(0, 0xFFFFFF)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(0, 95), st.integers(0, 9), COUNT, COUNT, COUNT)
def test_a_record_is_read_as_it_was_written(day: date, quarter: int, n: int, cal: int, steps: int, metres: int) -> None:
    record = StepsRecord(day, quarter, n, 10, cal, steps, metres)
    assert packets.steps_of(packets.decode_frame(Frame(packets.STEPS, record.payload()).encode()).payload) == record


@given(TOTAL, TOTAL, TOTAL, TOTAL, COUNT)
def test_totals_are_read_as_they_were_written(steps: int, running: int, cal: int, metres: int, active: int) -> None:
    totals = Totals(steps, running, cal, metres, active)
    assert Totals.decode(totals.payload()) == totals
    assert packets.event_of(Walking(steps, cal, metres).payload()) == Walking(steps, cal, metres)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001  wall clocks
def test_a_time_is_read_as_it_was_written(wall: datetime) -> None:
    assert packets.time_of(packets.set_time(wall).payload) == wall.replace(microsecond=0)


@given(st.binary(max_size=40), st.integers(0, 255))
def test_a_long_packet_is_read_as_it_was_written(data: bytes, number: int) -> None:
    assert packets.decode_big(Big(number, data).encode()) == Big(number, data)


@given(st.binary(max_size=20) | st.binary(min_size=15, max_size=15).map(lambda b: b + bytes([sum(b) & 0xFF])))
def test_any_bytes_are_a_value_or_malformed(data: bytes) -> None:
    def pulses(each: bytes) -> object:
        return packets.heart_day([each] * 24)

    decoders: Sequence[Callable[[bytes], object]] = (
        packets.steps_of, Totals.decode, Battery.decode, HeartSettings.decode, packets.time_of, packets.event_of,
        packets.measured, packets.decode_big, pulses,
    )  # fmt: skip
    inner = data
    with suppress(MalformedPacket):
        inner = packets.decode_frame(data).payload
    for decode in decoders:
        for each in (data, inner):
            try:
                decode(each)
            except MalformedPacket as problem:
                assert isinstance(problem.packet, bytes)  # noqa: PT017
