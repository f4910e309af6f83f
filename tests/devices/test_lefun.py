"""Lefun bands: bytes that others recorded, against the codec and the simulated band."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch
from hipsync.simulated import HangUp, Notification, Refused, Shown
from hipsync_devices import gatt
from hipsync_devices.lefun import DRIVER, packets
from hipsync_devices.lefun.packets import Frame, Info, Piece, Record, Total
from hipsync_devices.lefun.sim import Faults, LefunBand
from support import shared

FT100 = "capture, 0xless/FT100_fitness_bracelet_reversing"
VECTORS = {  # by the id in the collection; the frame, and where it is from
    "lef-req-09": ("ab040990", FT100),
    "lef-rep-09": ("5a0509011a", FT100),
    "lef-req-00": ("ab04000c", FT100),
    "lef-rep-00": ("5a1400ff2714f15031390201023219544a445016", FT100),
    "lef-req-03": ("ab0403ee", FT100),
    "lef-rep-03": ("5a05032362", FT100),
    "lef-req-06": ("ab050600a2", FT100),
    "lef-rep-06": ("5a09060000a0321479", FT100),
    "lef-22-get": ("ab05220058", FT100),
    "lef-hr-start": ("ab050f014e", "capture, note on an SB7+"),
    "lef-13-none": ("5a12130200000000000000000000000000de", "constructed from Gadgetbridge's layout, not captured"),
}
SHEET = {  # constructed in the protocol sheet, with its check byte
    "find": ("ab040990", Frame(0x09)),
    "battery": ("ab0403ee", Frame(0x03)),
    "time": ("ab0b04011a07100f3000a8", packets.set_time(datetime(2026, 7, 16, 15, 48))),  # noqa: DTZ001  a wall clock
    "records of today": ("ab051300b1", Frame(0x13, b"\0")),
    "total of today": ("ab05120075", Frame(0x12, b"\0")),
    "text": ("ab0f17020101" + b"Stand up".hex() + "39", Frame(0x17, packets.pieces("Stand up")[0].encode())),
    "sit reminder": ("ab060b013c52", Frame(0x0B, b"\1\x3c")),
}
COLLECTION = shared.VECTORS / "colmi-moyoung-fitpro-lefun.json"
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def vector(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name][0])


def params(name: str) -> bytes:
    return Frame.decode(vector(name)).params


def test_every_published_vector_of_the_family_is_used_here() -> None:
    published = json.loads(COLLECTION.read_text())["vectors"]
    ours = {each["id"]: each["frames"] for each in published if each["family"] == "lefun"}
    assert ours == {name: [frame] for name, (frame, _) in VECTORS.items()}
    source = Path(__file__).read_text()
    assert [name for name in VECTORS if source.count(f'"{name}"') < 2] == []


# ------------------------------------------------------------------ frames


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("lef-req-09", Frame(0x09)),
        ("lef-rep-09", Frame(0x09, b"\1", packets.REPLY)),
        ("lef-req-00", Frame(0x00)),
        ("lef-req-03", Frame(0x03)),
        ("lef-rep-03", Frame(0x03, b"\x23", packets.REPLY)),
        ("lef-req-06", Frame(0x06, b"\0")),
        ("lef-rep-06", Frame(0x06, bytes([0, 0, 160, 50, 20]), packets.REPLY)),
        ("lef-22-get", Frame(0x22, b"\0")),
        ("lef-hr-start", Frame(0x0F, b"\1")),
        ("lef-13-none", Frame(0x13, Record(2).encode(), packets.REPLY)),
        ("lef-rep-00", Frame(0x00, bytes.fromhex("ff2714f15031390201023219544a4450"), packets.REPLY)),
    ],
)
def test_a_recorded_frame_is_written_and_read(name: str, frame: Frame) -> None:
    assert frame.encode() == vector(name)
    assert Frame.decode(vector(name)) == frame
    assert Frame.decode(vector(name).ljust(20, b"\0")) == frame  # padded, as some bands do


@pytest.mark.parametrize("name", SHEET)
def test_an_example_of_the_sheet_is_written_and_read(name: str) -> None:
    data, frame = bytes.fromhex(SHEET[name][0]), SHEET[name][1]
    assert frame.encode() == data
    assert Frame.decode(data) == frame


def test_every_changed_bit_is_noticed() -> None:
    for name in VECTORS:
        for bit in range(8 * len(vector(name))):
            if bit // 8 == 1:
                continue  # of the length: then another byte is the check
            changed = bytearray(vector(name))
            changed[bit // 8] ^= 1 << bit % 8
            with pytest.raises(MalformedPacket):
                Frame.decode(bytes(changed))


@pytest.mark.parametrize("data", ["", "5a", "5a0403", "5a00000000", "5b0509011a", "5a15" + "00" * 19, "5a0609011a"])
def test_what_is_no_frame_is_malformed(data: str) -> None:
    with pytest.raises(MalformedPacket):
        Frame.decode(bytes.fromhex(data))


# ------------------------------------------------------------------ what it says


def test_the_versions_of_an_ft100_and_its_battery() -> None:
    assert Info.decode(params("lef-rep-00")) == Info("0102", "3219")
    assert gatt.percent(params("lef-rep-03")) == 35


def test_a_day_without_records_is_one_answer_of_zeros() -> None:
    assert Record.decode(params("lef-13-none")) == Record(2)


def test_a_record_and_a_total_by_hand() -> None:
    # third of 17 of yesterday: 2026-07-15 08:30, 310 steps, 240 m, 12 340 calories
    data = bytes.fromhex("01 11 03 1a070f 081e 0136 00f0 3034")
    record = Record(1, 17, 3, datetime(2026, 7, 15, 8, 30), 310, 240, 12340)  # noqa: DTZ001
    assert Record.decode(data) == record
    assert record.encode() == data
    # today, 2026-07-16: 70 000 steps, 49 km, 2 100 000
    data = bytes.fromhex("00 1a0710 00011170 0000bf68 00200b20")
    total = Total(0, date(2026, 7, 16), 70000, 49000, 2_100_000)
    assert Total.decode(data) == total
    assert total.encode() == data


def test_a_total_without_data_has_no_day() -> None:
    assert Total.decode(bytes.fromhex("03 ffffff") + bytes(12)) == Total(3, None)


@pytest.mark.parametrize(
    "data",
    [
        "00 11 00 1a070f 081e 0136 00f0 3034",  # the 0th of 17
        "00 11 12 1a070f 081e 0136 00f0 3034",  # the 18th
        "00 11 03 1a0d0f 081e 0136 00f0 3034",  # a 13th month
        "00 11 03 1a070f 181e 0136 00f0 3034",  # 24:30
        "00 00 00 1a070f 081e 0136 00f0 3034",  # none, and yet something
        "00 11 03",
    ],
)
def test_what_is_no_record_is_malformed(data: str) -> None:
    with pytest.raises(MalformedPacket):
        Record.decode(bytes.fromhex(data))


# ------------------------------------------------------------------ words


def test_a_text_is_cut_into_pieces_of_13_bytes_between_characters() -> None:
    assert packets.pieces("") == [Piece(1, 1, b"")]
    assert packets.pieces("Stand up") == [Piece(1, 1, b"Stand up")]
    # 12 letters and an e with an accent of two bytes
    cut = packets.pieces("abcdefghijkl\u00e9xyz")
    assert cut == [Piece(2, 1, b"abcdefghijkl"), Piece(2, 2, "\u00e9xyz".encode())]


@given(st.text(max_size=400))
def test_the_pieces_of_a_text_are_the_text_as_far_as_it_fits(text: str) -> None:
    cut = packets.pieces(text)
    whole = b"".join(piece.text for piece in cut)
    assert len(whole) <= 254
    assert text.encode(errors="replace").startswith(whole)
    assert len(text.encode(errors="replace")) - len(whole) < 4 or len(whole) > 250
    assert [piece.number for piece in cut] == list(range(1, len(cut) + 1))
    for piece in cut:
        piece.text.decode()
        assert len(Frame(0x17, piece.encode()).encode()) <= 20


# ------------------------------------------------------------------ any value, any bytes

BYTE, U16, U32 = st.integers(0, 255), st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1)
MINUTES = st.datetimes(datetime(2000, 1, 1), datetime(2255, 12, 31)).map(lambda at: at.replace(second=0, microsecond=0))  # noqa: DTZ001
RECORDS = st.builds(Record, BYTE) | st.integers(1, 255).flatmap(
    lambda total: st.builds(Record, BYTE, st.just(total), st.integers(1, total), MINUTES, U16, U16, U16)
)
TOTALS = st.builds(Total, BYTE, st.none()) | st.builds(
    Total, BYTE, st.dates(date(2000, 1, 1), date(2254, 12, 31)), U32, U32, U32
)
PIECES = st.integers(1, 255).flatmap(
    lambda count: st.builds(Piece, st.just(count), st.integers(1, count), st.binary(max_size=13), BYTE)
)


@given(st.builds(Frame, BYTE, st.binary(max_size=16), st.sampled_from([packets.REQUEST, packets.REPLY])), st.binary())
def test_a_frame_is_read_as_it_was_written(frame: Frame, padding: bytes) -> None:
    assert Frame.decode(frame.encode() + padding) == frame


@given(RECORDS | TOTALS | PIECES)
def test_a_value_is_read_as_it_was_written(value: Record | Total | Piece) -> None:
    assert type(value).decode(value.encode()) == value


@given(st.datetimes(datetime(2000, 1, 1), datetime(2255, 12, 31)).map(lambda at: at.replace(microsecond=0)))  # noqa: DTZ001
def test_a_time_is_read_as_it_was_written(wall: datetime) -> None:
    assert packets.decode_time(packets.encode_time(wall)) == wall


DECODERS: tuple[Callable[[bytes], object], ...] = (
    Frame.decode, Info.decode, Record.decode, Total.decode, Piece.decode, gatt.percent, packets.decode_time,
)  # fmt: skip


@given(
    st.sampled_from(DECODERS),
    st.binary(max_size=24) | st.binary(min_size=14, max_size=14) | st.binary(min_size=16, max_size=16),
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


# ------------------------------------------------------------------ the matcher


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Lefun", True), ("LEFUN", True), ("FT100", True), ("SB7+", True), ("Bohemic", True), ("Vivitar", True),
        ("Lefunny", False), ("SB77", False), ("Mi Band 2", False), ("LH716", False), ("", False),
    ],
)  # fmt: skip
def test_a_band_is_told_by_its_name(name: str, ours: bool) -> None:
    assert DRIVER.matches(Advertisement(name=name)) == ours


def test_a_band_is_told_by_its_service() -> None:
    assert DRIVER.matches(Advertisement(services=frozenset({"000018d0-0000-1000-8000-00805f9b34fb"})))


# ------------------------------------------------------------------ the simulated band, without the driver


def worn(*lived: Epoch, now: datetime = NINE, pads: bool = False, slot: timedelta = 30 * MINUTE) -> LefunBand:
    """Connected and subscribed, by a client that is not ours."""
    band = LefunBand(lived, now=now, zone=ZoneInfo("UTC"), pads=pads, slot=slot)
    band.connected(now)
    band.on_subscribe(packets.NOTIFY, subscribed=True, now=now)
    return band


def told(band: LefunBand, now: datetime = NINE) -> list[str]:
    return [event.data.hex() for event in band.advance(now) if isinstance(event, Notification)]


def asked(band: LefunBand, data: str, now: datetime = NINE) -> list[str]:
    band.write(packets.WRITE, packets.SERVICE, bytes.fromhex(data), now)
    return told(band, now)


@pytest.mark.parametrize(
    ("request_", "reply"),
    [("lef-req-09", "lef-rep-09"), ("lef-req-00", "lef-rep-00"), ("lef-req-03", "lef-rep-03"),
     ("lef-req-06", "lef-rep-06")],
)  # fmt: skip
def test_the_band_answers_as_it_was_recorded(request_: str, reply: str) -> None:
    band = worn()
    band.battery = 35
    assert asked(band, VECTORS[request_][0]) == [VECTORS[reply][0]]
    padded = worn(pads=True)
    padded.battery = 35
    assert asked(padded, VECTORS[request_][0]) == [VECTORS[reply][0].ljust(40, "0")]


def test_the_band_has_no_records_of_a_day_on_which_it_was_not_worn() -> None:
    assert asked(worn(), Frame(0x13, b"\2").encode().hex()) == [VECTORS["lef-13-none"][0]]


def test_the_band_buzzes_and_shows_what_it_is_told() -> None:
    band = worn()
    assert asked(band, VECTORS["lef-req-09"][0]) == [VECTORS["lef-rep-09"][0]]
    assert asked(band, SHEET["text"][0]) == []  # a text is not answered
    for number, text in ((1, b"abcdefghijklm"), (2, b"nop")):
        band.write(packets.WRITE, "", Frame(0x17, bytes([2, 2, number]) + text).encode(), NINE)
    asked(band, Frame(0x17, b"\x14\1\1\1hello").encode().hex())  # as the maker's app writes to an FT100
    assert band.shown == [Shown(NINE, text) for text in ("", "Stand up", "abcdefghijklmnop", "hello")]


def test_the_band_keeps_its_settings() -> None:
    band = worn()
    assert asked(band, SHEET["sit reminder"][0]) == [Frame(0x0B, b"\1\1", packets.REPLY).encode().hex()]
    assert asked(band, Frame(0x0B, b"\0").encode().hex()) == [Frame(0x0B, b"\0\x3c", packets.REPLY).encode().hex()]
    asked(band, Frame(0x02, b"\1\1\1\1").encode().hex())
    asked(band, Frame(0x02, b"\1\xff\0\xff").encode().hex())  # FF keeps
    assert asked(band, Frame(0x02, b"\0").encode().hex()) == [Frame(0x02, b"\0\1\0\1", packets.REPLY).encode().hex()]


@pytest.mark.parametrize(
    "nonsense",
    [
        VECTORS["lef-22-get"][0],  # old firmware ignores it
        VECTORS["lef-hr-start"][0],  # nothing was recorded of what it measures
        "ab040991",  # a wrong check byte
        "5a0509011a",  # what a band says
        "ab1509" + "00" * 17,
        "",
        "ff",
        Frame(0x04, b"\1\x1a\x0d\1\0\0\0").encode().hex(),  # a thirteenth month
        Frame(0x7E).encode().hex(),
    ],
)
def test_what_the_band_does_not_understand_it_passes_over(nonsense: str) -> None:
    band = worn()
    assert asked(band, nonsense) == []
    assert band.shown == []
    assert band.wall_clock() == NINE.replace(tzinfo=None)


def test_the_band_takes_its_clock() -> None:
    band = worn()
    assert asked(band, SHEET["time"][0]) == [Frame(0x04, b"\1\1", packets.REPLY).encode().hex()]
    assert band.wall_clock() == datetime(2026, 7, 16, 15, 48)  # noqa: DTZ001  a wall clock


def test_the_band_tells_its_records_and_its_total() -> None:
    life = Epoch(NINE - 90 * MINUTE, MINUTE, 30), Epoch(NINE - 5 * MINUTE, MINUTE, 60)
    band = worn(*life)
    replies = [Frame.decode(bytes.fromhex(each)).params.hex() for each in asked(band, SHEET["records of today"][0])]
    # 07:30: 30 steps, 21 m, 900; 08:30: 60 steps, 42 m, 1800
    assert replies == ["000201" + "1a0302071e" + "001e00150384", "000202" + "1a0302081e" + "003c002a0708"]
    (total,) = asked(band, SHEET["total of today"][0])
    assert Frame.decode(bytes.fromhex(total)).params.hex() == "001a0302" + "0000005a" + "0000003f" + "00000a8c"
    (yesterday,) = asked(band, Frame(0x12, b"\1").encode().hex())
    assert Frame.decode(bytes.fromhex(yesterday)).params.hex() == "01ffffff" + "00" * 12


def test_the_band_tells_its_total_every_two_seconds_of_a_walk_and_nothing_of_rest() -> None:
    band = worn(Epoch(NINE, MINUTE, 60))
    walk = [Frame.decode(bytes.fromhex(each)) for each in told(band, NINE + MINUTE)]
    assert [Total.decode(frame.params).steps for frame in walk] == list(range(2, 62, 2))
    assert {frame.command for frame in walk} == {0x12}
    assert told(band, NINE + 5 * MINUTE) == []


def test_a_band_that_restarts_loses_its_clock_and_the_link() -> None:
    band = worn(Epoch(NINE - 90 * MINUTE, MINUTE, 30))
    band.reboot(NINE)
    assert band.advance(NINE) == [HangUp()]
    assert band.wall_clock() == datetime(2000, 1, 1)  # noqa: DTZ001
    band.connected(NINE)
    band.on_subscribe(packets.NOTIFY, subscribed=True, now=NINE)
    wall = packets.set_time(NINE.replace(tzinfo=None)).encode()
    asked(band, wall.hex())
    assert len(asked(band, SHEET["records of today"][0])) == 1


def test_what_cannot_be_read_or_written_is_refused() -> None:
    with pytest.raises(Refused):
        worn().read(packets.NOTIFY, "", NINE)
    with pytest.raises(Refused):
        worn().write(packets.NOTIFY, "", b"", NINE)


def test_single_notifications_are_lost_doubled_and_withheld() -> None:
    band = worn(Epoch(NINE, MINUTE, 30))
    band.faults = Faults(lose={0}, double={1}, stall_at=3)
    steps = [Total.decode(Frame.decode(bytes.fromhex(each)).params).steps for each in told(band, NINE + MINUTE)]
    assert steps == [2, 2, 3]
    band = worn(Epoch(NINE, MINUTE, 30))
    band.faults = Faults(hang_up_at=1)
    assert band.advance(NINE + timedelta(seconds=4))[1:] == [HangUp()]
