"""Both ends of Xiaomi's frames by the letter of the sheet: what the rows of the collection do not reach.

The bytes are written by hand from docs/protocols/xiaomi.md, sections 3, 4 and 10, in its notation; a few are those of
`vectors/xiaomi.json`. Each end is held against them by itself, so that a slip that both share would show.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from struct import pack
from typing import Any

import pytest

from hipsync.errors import MalformedPacket, NoReply, UnexpectedReply
from hipsync.model import MINUTE, Epoch
from hipsync_devices.xiaomi import files, sim_files, sim_frames, v1, v2
from hipsync_devices.xiaomi.cipher import Keys
from hipsync_devices.xiaomi.files import FileId
from hipsync_devices.xiaomi.sim_messages import SessionKeys
from hipsync_devices.xiaomi.v1 import WireV1
from hipsync_devices.xiaomi.v2 import WireV2
from hipsync_devices.xiaomi.wire import Heard, Kind, Packet
from support.shared import VECTORS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY, PHONE, BAND = bytes.fromhex("00112233445566778899aabbccddeeff"), bytes(range(16)), bytes(range(16, 32))
ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row for row in json.loads((VECTORS / "xiaomi.json").read_text("utf-8"))["vectors"]
}


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


class End:
    """The frames of a simulated band, what it sends and what it hears."""

    def __init__(self, made: type[sim_frames.FramesV1 | sim_frames.FramesV2], room: int = 64) -> None:
        self.sent: list[str] = []
        self.heard: list[str] = []
        self.frames = made(self._send, self._hear, lambda: room, lambda: NOON)

    def _send(self, _: str, data: bytes) -> None:
        self.sent.append(data.hex())

    def _hear(self, data: bytes, _: bool) -> None:
        self.heard.append(data.hex())

    def write(self, *packets: str, uuid: str = v1.TO_BAND) -> list[str]:
        """Write packets to the band, and return what it sends to that."""
        self.sent.clear()
        for packet in packets:
            self.frames.write(uuid, raw(packet))
        return list(self.sent)

    def says(self, message: bytes) -> list[str]:
        self.sent.clear()
        self.frames.say(message, sealed=False)
        return list(self.sent)


def written(wire: WireV1 | WireV2) -> list[str]:
    out = [packet.data.hex() for packet in wire.out]
    wire.out.clear()
    return out


def hears(wire: WireV1 | WireV2, text: str, uuid: str = v1.TO_BAND) -> list[Heard]:
    return list(wire.hear(Packet(uuid, raw(text)), NOON))


# ------------------------------------------------------------------ section 3: the simulated band


def test_a_band_takes_a_message_in_parts() -> None:
    """row v1-chunk, as the third of three parts."""
    band = End(sim_frames.FramesV1)
    assert band.write("000000000300") == ["00000101"]
    assert band.write("01000802", "0200ff") == []
    assert band.write(ROWS["v1-chunk"]["bytes"]) == ["00000100"]
    assert band.heard == ["0802" + "ff" + "aabbcc"]


def test_a_band_asks_for_the_parts_that_are_missing_when_the_last_one_came() -> None:
    band = End(sim_frames.FramesV1)
    band.write("000000000400")
    assert band.write("0100aa") == []
    assert band.write("0400dd") == ["00000105" + "0200" + "0300"]
    assert band.write("0300cc", "0200bb") == ["00000100"]
    assert band.heard == ["aabbccdd"]


@pytest.mark.parametrize(("size", "parts"), [(58, 1), (59, 2), (62, 2), (63, 3)])
def test_a_band_cuts_what_does_not_fit_with_six_bytes_more(size: int, parts: int) -> None:
    message = bytes(range(size))
    band = End(sim_frames.FramesV1)
    (first,) = band.says(message)
    if parts == 1:
        assert first == "00000202" + message.hex()
        return
    count = -(-size // 62)
    assert first == "00000000" + pack("<H", count).hex()
    sent = band.write("00000101", uuid=v1.TO_PHONE)
    assert sent == [pack("<H", n + 1).hex() + message[n * 62 : n * 62 + 62].hex() for n in range(count)]


def test_a_band_sends_again_the_parts_that_are_asked_for_and_no_other() -> None:
    band = End(sim_frames.FramesV1)
    message = bytes(62) + bytes([1]) * 62 + bytes([2]) * 3
    band.says(message)
    band.write("00000101", uuid=v1.TO_PHONE)
    assert band.write("000001050200", uuid=v1.TO_PHONE) == ["0200" + "01" * 62]
    assert band.write("0000010503000100", uuid=v1.TO_PHONE) == ["0300020202", "0100" + "00" * 62]
    assert band.write("00000100", uuid=v1.TO_PHONE) == []
    assert band.says(b"\x08\x02") == ["000002020802"], "the one before is over"


def test_a_band_takes_the_low_half_of_a_counter_that_goes_on_beyond_it() -> None:
    """The index is 16 bits, the counter in the nonce 32: after 65535 messages they differ."""
    theirs, ours = SessionKeys.of(KEY, PHONE, BAND), Keys.agreed(KEY, PHONE, BAND)
    for counter in (0x01FF, 0xFFFF):
        band = End(sim_frames.FramesV1)
        assert isinstance(band.frames, sim_frames.FramesV1)
        band.frames.keys, band.frames.counter = theirs, counter
        index = pack("<H", counter + 1 & 0xFFFF).hex()
        assert band.write("00000201" + index + ours.seal_v1(counter + 1, raw("08021001")).hex()) == ["00000300"]
        assert band.heard == ["08021001"]


# ------------------------------------------------------------------ section 3: our end


def wire_v1(size: int = 64) -> WireV1:
    wire = WireV1(size)
    wire.keys = Keys.agreed(KEY, PHONE, BAND)
    return wire


@pytest.mark.parametrize(("size", "single"), [(58, True), (59, False)])
def test_we_cut_what_does_not_fit_with_six_bytes_more(size: int, single: bool) -> None:
    wire = WireV1(64)
    wire.say(bytes(size), NOON, sealed=False)
    assert written(wire) == (["00000202" + "00" * size] if single else ["000000000100"])


@pytest.mark.parametrize("counter", [0x01FF, 0xFFFF])
def test_we_say_the_low_half_of_our_counter(counter: int) -> None:
    wire = wire_v1()
    wire.counter = counter
    wire.say(raw("08021001"), NOON)
    (said,) = written(wire)
    assert said[:12] == "00000201" + pack("<H", counter + 1 & 0xFFFF).hex()
    sealed = raw(said[12:])
    assert SessionKeys.of(KEY, PHONE, BAND).unccm(counter + 1, sealed) == raw("08021001")


def test_we_send_again_the_parts_that_are_asked_for_and_no_other() -> None:
    wire = WireV1(64)
    wire.say(bytes(62) + bytes([1]) * 62 + bytes([2]) * 3, NOON, sealed=False)
    assert written(wire) == ["000000000300"]
    hears(wire, "00000101")
    assert written(wire) == ["0100" + "00" * 62, "0200" + "01" * 62, "0300020202"]
    hears(wire, "0000010502000300")
    assert written(wire) == ["0200" + "01" * 62, "0300020202"]
    assert not wire.idle
    hears(wire, "00000100")
    assert wire.idle


@pytest.mark.parametrize("refusal", ["00000301", "00000102"], ids=["a status", "the word"])
def test_a_message_that_the_band_refuses_is_an_error(refusal: str) -> None:
    wire = WireV1(64)
    wire.say(raw("08021001"), NOON, sealed=False)
    with pytest.raises(UnexpectedReply):
        hears(wire, refusal)


def test_a_message_that_came_is_over() -> None:
    wire = WireV1(64)
    wire.say(raw("08021001"), NOON, sealed=False)
    hears(wire, ROWS["v1-single-ack"]["bytes"])
    assert wire.idle


def test_parts_may_come_in_any_order() -> None:
    wire = WireV1(64)
    hears(wire, "000000000300", v1.TO_PHONE)
    assert hears(wire, "0300cc", v1.TO_PHONE) == hears(wire, "0100aa", v1.TO_PHONE) == []
    (heard,) = hears(wire, "0200bb", v1.TO_PHONE)
    assert heard.payload == raw("aabbcc")


def test_we_ask_for_no_more_parts_than_fit_into_a_write() -> None:
    wire = WireV1(20)
    hears(wire, "000000001400", v1.TO_PHONE)
    hears(wire, "0100aa", v1.TO_PHONE)
    written(wire)
    wire.late(NOON + timedelta(seconds=5))
    assert written(wire) == ["00000105" + "".join(pack("<H", number).hex() for number in range(2, 10))]


def test_three_wrong_tags_in_a_row_end_the_connection_and_two_do_not() -> None:
    wire = wire_v1()
    right = SessionKeys.of(KEY, PHONE, BAND).ccm(raw("08021001")).hex()
    wrong = "000002018adbc6120b42b70a71b6671c84c6780c8481"  # row session-v1-battery, of other keys
    for _ in range(2):
        assert hears(wire, wrong, v1.TO_PHONE) == hears(wire, wrong, v1.TO_PHONE) == []
        assert [each.payload for each in hears(wire, "00000201" + right, v1.TO_PHONE)] == [raw("08021001")]
    assert hears(wire, wrong, v1.TO_PHONE) == hears(wire, wrong, v1.TO_PHONE) == []
    with pytest.raises(MalformedPacket):
        hears(wire, wrong, v1.TO_PHONE)


# ------------------------------------------------------------------ section 4: the simulated band


def frame(kind: int, number: int, payload: str = "") -> str:
    """A frame whose checksum is reckoned here, by the polynomial of the sheet (8005, reflected)."""
    crc = 0
    for bit in (byte >> place & 1 for byte in raw(payload) for place in range(8)):
        crc = crc >> 1 ^ (0xA001 if crc & 1 ^ bit else 0)
    return (b"\xa5\xa5" + pack("<BBHH", kind, number, len(payload) // 2, crc)).hex() + payload


def test_the_example_of_the_sheet_is_reckoned_so() -> None:
    assert frame(3, 2, "0102bfaf6820") == "a5a50302060043fc0102bfaf6820"


def a_band_of_the_second() -> End:
    band = End(sim_frames.FramesV2, room=244)
    assert isinstance(band.frames, sim_frames.FramesV2)
    band.frames.is_open = True
    return band


def test_a_band_acknowledges_what_came_before_and_delivers_it_once() -> None:
    band = a_band_of_the_second()
    assert band.write(frame(3, 0, "0101aa"), uuid=v2.TO_BAND) == [frame(1, 0)]
    assert band.write(frame(3, 0, "0101aa"), uuid=v2.TO_BAND) == [frame(1, 0)]
    assert band.write(frame(3, 2, "0101cc"), uuid=v2.TO_BAND) == []
    assert band.write(frame(3, 1, "0101bb"), uuid=v2.TO_BAND) == [frame(1, 1)]
    assert band.heard == ["aa", "bb"]


def test_a_band_takes_a_receipt_for_all_frames_up_to_it() -> None:
    """AstroBox acknowledges so."""
    band = a_band_of_the_second()
    sent = [packet for number in range(6) for packet in band.says(bytes([number]))]
    assert sent == [frame(3, number, f"0101{number:02x}") for number in range(3)]
    assert band.write(frame(1, 2), uuid=v2.TO_BAND) == [frame(3, number, f"0101{number:02x}") for number in (3, 4, 5)]
    assert band.write(frame(1, 3), uuid=v2.TO_BAND) == []
    band.sent.clear()
    ((at, again),) = band.frames.coming()
    assert at == NOON + timedelta(seconds=6)
    again()
    assert band.sent == [frame(3, number, f"0101{number:02x}") for number in (4, 5)], "what was acknowledged is over"


def test_a_band_finds_the_frame_behind_a_damaged_one() -> None:
    band = a_band_of_the_second()
    damaged = frame(3, 0, "0101" + "11" * 20)[:-2] + "12"
    hidden = damaged[:16] + "0101" + frame(3, 0, "0101aa") + "00" * 20
    assert band.write(hidden, uuid=v2.TO_BAND) == [frame(1, 0)]
    assert band.heard == ["aa"]


# ------------------------------------------------------------------ section 4: our end


def wire_v2() -> WireV2:
    wire = WireV2(244)
    wire.begin(NOON)
    written(wire)
    return wire


def begun(window: int) -> WireV2:
    """A wire whose band has answered with a window of so many frames."""
    wire = wire_v2()
    hears(wire, frame(2, 0, "02" + "010300" + "03020f" + "030200" + pack("<H", window).hex()), v2.TO_PHONE)
    written(wire)
    return wire


@pytest.mark.parametrize(("window", "most"), [(1, 1), (3, 3), (32, 3)])
def test_no_more_frames_are_on_the_way_than_the_band_takes_and_never_more_than_three(window: int, most: int) -> None:
    wire = begun(window)
    for number in range(5):
        wire.say(bytes([number]), NOON, sealed=False)
    assert len(written(wire)) == most


def test_a_frame_that_is_wanted_comes_again_with_those_behind_it() -> None:
    wire = begun(3)
    for number in range(3):
        wire.say(bytes([number]), NOON, sealed=False)
    written(wire)
    hears(wire, frame(0, 1), v2.TO_PHONE)
    assert written(wire) == [frame(3, number, f"0101{number:02x}") for number in (1, 2)]


def test_behind_a_frame_that_was_given_up_the_next_one_is_expected() -> None:
    wire = begun(3)
    assert hears(wire, frame(3, 5, "0101aa"), v2.TO_PHONE) == []
    assert [each.payload for each in hears(wire, frame(3, 5, "0101aa"), v2.TO_PHONE)] == [b"\xaa"]
    assert [each.payload for each in hears(wire, frame(3, 6, "0101bb"), v2.TO_PHONE)] == [b"\xbb"]


@pytest.mark.parametrize(("channel", "kind"), [(1, Kind.MESSAGE), (2, Kind.FILE), (5, Kind.FILE), (3, None)])
def test_files_come_on_either_of_two_channels(channel: int, kind: Kind | None) -> None:
    heard = hears(begun(3), frame(3, 0, f"{channel:02x}01aa"), v2.TO_PHONE)
    assert [each.kind for each in heard] == ([] if kind is None else [kind])


def test_a_band_that_never_acknowledges_is_given_up() -> None:
    wire = begun(3)
    wire.say(b"\1", NOON, sealed=False)
    for number in range(1, 4):
        wire.late(NOON + number * timedelta(seconds=10))
    with pytest.raises(NoReply):
        wire.late(NOON + timedelta(seconds=40))


# ------------------------------------------------------------------ section 10: the minutes


def minutes(head: str, bitmap: str, records: str) -> list[Epoch]:
    whole = raw(head + "00" + bitmap + records)
    id_ = FileId.decode(raw(head))
    return files.decode_minutes(id_, files.body_of(whole + pack("<I", zlib.crc32(whole)), id_))


V3, V4 = "90ac6869040300", "90ac6869040400"


@pytest.mark.parametrize("bit", range(9, 14))
def test_a_count_in_each_of_fourteen_bits_is_read_whole_and_is_more_than_anybody_makes(bit: int) -> None:
    """Bits 13 to 0 are steps: 50 with a high bit beside them is no 50, but a minute of which nothing is known."""
    record = pack("<H", 1 << bit | 50).hex() + "0000" + "3200" + "0000"
    assert [each.steps for each in minutes(V3, "9000000000", "3200" + record)] == [50, 0, 50, 0]


@pytest.mark.parametrize("bit", range(9))
def test_a_count_in_the_lower_bits_is_that_count(bit: int) -> None:
    assert [each.steps for each in minutes(V3, "9000000000", pack("<H", 1 << bit).hex())] == [1 << bit]


def test_bit_fourteen_brings_a_byte_only_where_its_part_is_valid() -> None:
    first = [each.steps for each in minutes(V3, "b000000000", "1140" + "65" + "1200")]
    assert first == [17, 18], "the second part is valid: a byte more"
    assert [each.steps for each in minutes(V3, "9000000000", "1140" + "1200")] == [17, 18], "it is not: none"


def test_a_pulse_of_0_or_255_is_none() -> None:
    read = minutes(V3, "9000c00000", "110000" + "1100ff" + "110048")
    assert [each.heart_rate for each in read] == [None, None, 72]


@pytest.mark.parametrize(("version", "name"), [(1, "day-v1-full"), (3, "day-v3-full"), (4, "day-v4-extra-each")])
def test_a_band_writes_minutes_with_the_bitmap_and_the_lengths_of_the_rows(version: int, name: str) -> None:
    """Of the record of 17 steps: its steps, heart rate and, behind an unusual rise, the byte more."""
    row = raw(ROWS[name]["bytes"])
    long, bits = {1: (10, 4), 3: (12, 5), 4: (16, 6)}[version]
    day = sim_files.DayFile(1768467600, 4, version)
    for steps, pulse in ((0, 61), (17, 77), (300, 110)):
        day.add(Epoch(NOON, MINUTE, steps, heart_rate=pulse))
    file = day.whole()
    assert file[: 8 + bits] == row[: 8 + bits], "its id, a zero and the bitmap"
    records = file[8 + bits : -4]
    assert len(records) == 3 * long + 1, "the last pulse rose by more than thirty"
    theirs = row[8 + bits :]
    extra = theirs[1] >> 6 & 1
    second = theirs[long + extra : 2 * long + extra]
    mine = records[long : 2 * long]
    assert (mine[0], mine[1] & 0x3F) == (second[0], second[1] & 0x3F) == (17, 0)
    assert mine[6] == second[6] == 77
    last = records[2 * long :]
    assert last[:2] == pack("<H", 300 | 0x4000)
    behind = {1: 10, 3: 12, 4: 12}[version]
    assert last[behind] == 120, "by our rule ten more than the pulse; it stands behind stress, before light"


def test_what_a_band_writes_has_the_checksum_of_all_before_it() -> None:
    file = sim_files.DayFile(1768467600, 4, 3).whole()
    assert file[-4:] == zlib.crc32(file[:-4]).to_bytes(4, "little")
    assert replace(sim_files.DayFile(1768467600, 4, 3), version=1).whole()[:7].hex() == "90ac6869040100"
