"""FitPro bands: bytes that others recorded, against the codec and the simulated band."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.errors import MalformedPacket
from hipsync_devices.fitpro import packets
from hipsync_devices.fitpro.packets import Ack, Data, Heart, Pulse, Sleep, Slot, Steps, Total
from support import shared

GB = "Freeyourgadget/Gadgetbridge at f0e0428e"
VECTORS = {  # by the id in the collection; the frame, and where it is from
    "fit-steps-20210920": (
        "cd0031150102002c2b3400058045071a09c8bb067955062609e8b0e47115059b0a08a4dc7b8506670a28b416763506160a48ac57",
        f"capture, {GB}, FitProTests.java",
    ),
    "fit-sleep-20210831": (
        "cd002915010300242b1f0008000f0003001e0002002d0001003c0001004b0001005a00010069000200780002",
        f"capture, {GB}, FitProTests.java",
    ),
    "fit-find-on": ("cd000612010b000101", f"{GB}, FitProConstants.java"),
    "fit-info": ("cd00051a01100000", f"{GB}, FitProConstants.java"),
    "fit-vib-off": ("cd0009120108000400000000", f"{GB}, FitProConstants.java"),
    "fit-time": ("cd0009120101000455f83690", f"{GB}, FitProConstants.java, captured"),
    "fit-hr": ("cd001115010e000c2b04000100014394625c4853", f"{GB}, FitProConstants.java, captured"),
    "fit-day-207": ("cd001115010c000c0000000000cf0000007c0003", "capture, notes on board LJ737"),
    "fit-day-17990": ("cd001115010c000c5cc500004646000031310161", "capture, HiWatch tests"),
    "fit-hr-ultra2": ("cd001115010e000c5cc500010000e1786354774b", "capture, HiWatch tests"),
    "fit-ack-find": ("dc0005120b000901", "capture, notes on board LJ737"),
    "fit-ack-notif": ("dc00051212002601", "capture, notes on board LJ737"),
    "fit-ack-host": ("dc00051501001401", f"derived from {GB}, FitProDeviceSupport.java"),
    "fit-notify": (
        "cd0023120112001e0100004d657368436f72653a544553542046524f4d2045535033322d5333",
        "capture, notes on board LJ737",
    ),
    "fit-enable": ("cd0011120107000c010101010101010101010101", "capture, notes on board LJ737"),
}
COLLECTION = shared.VECTORS / "colmi-moyoung-fitpro-lefun.json"


def vector(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name][0])


def payload(name: str) -> bytes:
    frame = packets.decode_frame(vector(name))
    assert isinstance(frame, Data)
    return frame.payload


def test_every_published_vector_of_the_family_is_used_here() -> None:
    published = json.loads(COLLECTION.read_text())["vectors"]
    ours = {each["id"]: each["frames"] for each in published if each["family"] == "fitpro"}
    assert ours == {name: [frame] for name, (frame, _) in VECTORS.items()}
    source = Path(__file__).read_text()
    assert [name for name in VECTORS if source.count(f'"{name}"') < 2] == []


# ------------------------------------------------------------------ frames


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("fit-find-on", packets.find(on=True)),
        ("fit-info", Data(0x1A, 0x10)),
        ("fit-vib-off", packets.vibration(on=False)),
        ("fit-notify", packets.notification("MeshCore:TEST FROM ESP32-S3")),
        ("fit-enable", packets.notifications()),
        ("fit-time", Data(0x12, 0x01, bytes.fromhex("55f83690"))),
        ("fit-ack-find", Ack(0x12, 0x0B, 9)),
        ("fit-ack-notif", Ack(0x12, 0x12, 38)),
        ("fit-ack-host", Ack(0x15, 0x01, 20)),
    ],
)
def test_a_recorded_frame_is_written_and_read(name: str, frame: packets.Frame) -> None:
    assert frame.encode() == vector(name)
    assert packets.decode_frame(vector(name)) == frame


@pytest.mark.parametrize("name", VECTORS)
def test_a_frame_announces_its_size_in_three_bytes(name: str) -> None:
    assert packets.frame_size(vector(name)[:3]) == len(vector(name))
    assert packets.frame_size(vector(name)[:2]) is None


def test_an_acknowledgement_counts_the_bytes_of_the_frame() -> None:
    assert packets.find(on=True).total == 9  # fit-ack-find
    assert packets.notification("MeshCore:TEST FROM ESP32-S3").total == 38  # fit-ack-notif


# ------------------------------------------------------------------ what the band remembers


def test_the_steps_of_an_evening() -> None:
    evening = Steps(
        date(2021, 9, 20),
        (
            Slot(78, 2052, 1818, 47878),
            Slot(79, 1941, 1574, 45284),
            Slot(80, 1809, 1435, 42204),
            Slot(81, 1976, 1639, 46102),
            Slot(82, 1891, 1558, 44119),
        ),
    )
    assert Steps.decode(payload("fit-steps-20210920")) == evening
    assert evening.encode() == payload("fit-steps-20210920")


def test_what_follows_the_slots_or_the_total_of_a_day_is_ignored() -> None:
    steps, total = Steps(date(2026, 3, 2), (Slot(36, 120),)), Total(date(2026, 3, 2), 120)
    assert Steps.decode(steps.encode() + b"\7") == steps
    assert Total.decode(total.encode() + b"\7") == total


def test_a_slot_by_hand() -> None:
    # 310 = 0x136 steps, active 5, 240 = 0x00f0 m, slot 36, mode 1, 12340 = 0x03034 calories
    word = bytes.fromhex("136500f004883034")
    assert Steps.decode(b"\x00\x00\x00\x01" + word) == Steps(None, (Slot(36, 310, 240, 12340),))


def test_the_sleep_of_a_night() -> None:
    night = ((15, 3), (30, 2), (45, 1), (60, 1), (75, 1), (90, 1), (105, 2), (120, 2))
    assert Sleep.decode(payload("fit-sleep-20210831")) == Sleep(date(2021, 8, 31), night)
    assert Sleep(date(2021, 8, 31), night).encode() == payload("fit-sleep-20210831")


@pytest.mark.parametrize(
    ("name", "heart"),
    [
        ("fit-hr", Heart(date(2021, 8, 4), (Pulse(82836, 98, (92, 72), 83),))),
        ("fit-hr-ultra2", Heart(date(2046, 6, 5), (Pulse(57720, 99, (84, 119), 75),))),
    ],
)
def test_a_measurement_of_the_heart(name: str, heart: Heart) -> None:
    assert Heart.decode(payload(name)) == heart
    assert heart.encode() == payload(name)


@pytest.mark.parametrize(
    ("name", "total"),
    [("fit-day-207", Total(None, 207, 124, 3)), ("fit-day-17990", Total(date(2046, 6, 5), 17990, 12593, 353))],
)
def test_the_total_of_a_day_whose_date_is_wrong(name: str, total: Total) -> None:
    assert Total.decode(payload(name)) == total
    assert total.encode() == payload(name)


@pytest.mark.parametrize(
    ("data", "wall"),
    [
        (payload("fit-time"), datetime(2021, 7, 28, 3, 26, 16)),  # noqa: DTZ001  a band's wall clock
        # by hand: 26<<26 | 7<<22 | 16<<17 | 15<<12 | 48<<6
        (bytes.fromhex("69e0fc00"), datetime(2026, 7, 16, 15, 48)),  # noqa: DTZ001
    ],
)
def test_a_time_is_a_wall_clock_in_32_bits(data: bytes, wall: datetime) -> None:
    assert packets.decode_time(data) == wall
    assert packets.encode_time(wall) == data


# ------------------------------------------------------------------ any value, any bytes

DAYS = st.none() | st.dates(date(2000, 1, 1), date(2063, 12, 31))
SLOT = st.builds(
    Slot,
    st.integers(0, 95),
    st.integers(0, 0xFFF),
    st.integers(0, 0xFFFF),
    st.integers(0, 0x7FFFF),
    st.integers(0, 15),
    st.integers(0, 3),
)
SLOTS = st.lists(SLOT, max_size=96, unique_by=lambda slot: slot.number).map(lambda slots: tuple(sorted(slots)))
BYTE = st.integers(0, 255)
PULSE = st.builds(Pulse, st.integers(0, 2**32 - 1), BYTE, st.tuples(BYTE, BYTE), BYTE)
NUMBER = st.integers(0, 2**32 - 1)


@given(st.builds(Data, BYTE, BYTE, st.binary(max_size=60)) | st.builds(Ack, BYTE, BYTE, st.integers(0, 0xFFFF), BYTE))
def test_a_frame_is_read_as_it_was_written(frame: packets.Frame) -> None:
    assert packets.decode_frame(frame.encode()) == frame


@given(
    st.builds(Steps, DAYS, SLOTS)
    | st.builds(Sleep, DAYS, st.lists(st.tuples(st.integers(0, 0xFFFF), BYTE), max_size=9).map(tuple))
    | st.builds(Heart, DAYS, st.lists(PULSE, max_size=9).map(tuple))
    | st.builds(Total, DAYS, NUMBER, NUMBER, st.integers(0, 0xFFFF))
)
def test_what_a_band_remembers_is_read_as_it_was_written(value: Steps | Sleep | Heart | Total) -> None:
    assert type(value).decode(value.encode()) == value


@given(st.datetimes(datetime(2000, 1, 1), datetime(2063, 12, 31, 23, 59)).map(lambda at: at.replace(microsecond=0)))  # noqa: DTZ001
def test_a_time_is_read_as_it_was_written(wall: datetime) -> None:
    assert packets.decode_time(packets.encode_time(wall)) == wall


DECODERS: tuple[Callable[[bytes], object], ...] = (
    packets.decode_frame, packets.frame_size, packets.decode_time, packets.notification_text,
    Steps.decode, Sleep.decode, Heart.decode, Total.decode,
)  # fmt: skip


@given(
    st.sampled_from(DECODERS),
    st.binary(max_size=40) | st.builds(bytes.__add__, st.sampled_from([b"\xcd", b"\xdc\0\5"]), st.binary(max_size=9)),
)
def test_any_bytes_are_read_or_are_a_malformed_packet_that_carries_them(
    decode: Callable[[bytes], object], data: bytes
) -> None:
    with suppress(MalformedPacket):
        decode(data)
        return
    with pytest.raises(MalformedPacket) as malformed:
        decode(data)
    assert malformed.value.packet == data


@pytest.mark.parametrize(
    "frame",
    ["", "cd", "cd0005", "aa00051a01100000", "cd00051a02100000", "cd00061a0110000000", "cd00061a011000",
     "dc000612010b000101", "cdffff1a01100000"],
)  # fmt: skip
def test_what_is_not_one_frame_is_malformed(frame: str) -> None:
    with pytest.raises(MalformedPacket):
        packets.decode_frame(bytes.fromhex(frame))


@pytest.mark.parametrize(
    "items",
    [
        "2b340002136500f004883034",  # two announced, one sent
        "2b340002136500f004883034136500f004883034",  # slot 36 twice
        "2b340001136500f00c083034",  # slot 96
        "2b34",
    ],
)
def test_what_is_not_the_slots_of_a_day_is_malformed(items: str) -> None:
    with pytest.raises(MalformedPacket):
        Steps.decode(bytes.fromhex(items))
