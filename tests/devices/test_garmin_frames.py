"""Garmin's frames and rows by the letter of the sheet: what the rows of the collection do not reach.

The bytes are written by hand from docs/protocols/garmin.md, sections 4, 5 and 9, in its notation.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hipsync.errors import MalformedPacket
from hipsync_devices.garmin import cobs, gfdi, monitoring, multilink, reliable, sim_fit
from hipsync_devices.garmin.gfdi import Answer, Clock, Device, Frame
from hipsync_devices.garmin.monitoring import Activity, At
from hipsync_devices.garmin.multilink import Registered
from hipsync_devices.garmin.reliable import Ends, Packet

CREATED = datetime(2026, 11, 20, 6, tzinfo=UTC)


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


# ------------------------------------------------------------------ COBS


@pytest.mark.parametrize("held", ["05112233", "0411220400", "00", "03110011"])
def test_a_code_that_leads_beyond_its_bytes_or_nowhere_is_refused(held: str) -> None:
    """The first one says that four bytes follow, and three do."""
    with pytest.raises(MalformedPacket):
        cobs.decode(raw(held))


def test_a_frame_may_be_as_long_as_the_receiver_of_garmin_and_no_longer() -> None:
    longest = bytes([1, 2, 3]) * 5300
    assert len(cobs.encode(longest)) < 16 * 1024
    assert list(cobs.Stream().take(cobs.encode(longest))) == [longest]
    with pytest.raises(MalformedPacket):
        list(cobs.Stream().take(b"\0" + b"\x01" * (16 * 1024 + 1)))


# ------------------------------------------------------------------ Multi-Link


def test_a_message_is_cut_into_writes_that_begin_with_the_handle_and_fit() -> None:
    assert list(multilink.pieces(0x24, bytes(range(40)), 20)) == [
        b"\x24" + bytes(range(19)), b"\x24" + bytes(range(19, 38)), b"\x24" + bytes([38, 39]),
    ]  # fmt: skip


@pytest.mark.parametrize(("flags", "is_reliable"), [("00", False), ("01", True), ("02", False), ("03", True)])
def test_bit_0_of_the_flags_says_that_a_handle_is_reliable(flags: str, is_reliable: bool) -> None:
    told = multilink.decode_control(raw("0001" + "0200000000000000" + "0100" + "00" + "85" + flags + "07"))
    assert told == Registered(raw("0200000000000000"), 1, 0, 0x85, is_reliable, 7)


# ------------------------------------------------------------------ the reliable form


def test_numbers_of_either_side_are_modulo_64() -> None:
    ends = Ends(0x85)
    sent = [Packet.decode(packet) for packet in ends.send(bytes(65), 3)]
    assert [packet.number for packet in sent] == [*range(64), 0]
    assert {(packet.handle, packet.expected) for packet in sent} == {(0x85, 0)}
    for number in [*range(64), 0, 1]:
        assert ends.take(Packet(0x85, 0, number, b"?")) == b"?", number
    assert ends.expected == 2


@pytest.mark.parametrize(
    ("packet", "handle", "expected", "number"), [("d0c2ff", 0x85, 3, 2), ("92cdffdea2", 0x81, 11, 13)]
)
def test_the_vendors_own_packets_are_read_and_written(packet: str, handle: int, expected: int, number: int) -> None:
    read = Packet.decode(raw(packet))
    assert read == Packet(handle, expected, number, raw(packet)[2:])
    assert read.encode() == raw(packet)


def test_a_packet_without_a_payload_acknowledges_and_uses_no_number_up() -> None:
    ends = Ends(0x85)
    assert ends.take(Packet(0x85, 1, 0)) == b""
    assert ends.expected == 0
    assert Packet.decode(ends.acknowledgement()).payload == b""
    assert len(ends.acknowledgement()) == reliable.HEAD


# ------------------------------------------------------------------ GFDI


def crc(data: bytes) -> bytes:
    """CRC-16/ARC, bit by bit."""
    out = 0
    for bit in (byte >> place & 1 for byte in data for place in range(8)):
        out = out >> 1 ^ (0xA001 if out & 1 ^ bit else 0)
    return out.to_bytes(2, "little")


@pytest.mark.parametrize("transaction", [0, 1, 15, 16, 31])
def test_the_compact_form_has_the_transaction_in_bits_8_to_12(transaction: int) -> None:
    """5043, whose low byte counts from 5000."""
    body = raw("0800") + bytes([43, 0x80 | transaction]) + raw("aabb")
    frame = Frame(5043, raw("aabb"), transaction)
    assert frame.encode() == body + crc(body)
    assert Frame.decode(body + crc(body)) == frame


def test_bits_13_and_14_are_no_part_of_the_transaction() -> None:
    body = raw("0600") + bytes([43, 0x80 | 0x60 | 3])
    assert Frame.decode(body + crc(body)) == Frame(5043, b"", 3)


def test_an_answer_names_the_message_in_either_form() -> None:
    assert Answer.decode(raw("b313" + "00" + "aa")) == Answer(5043, 0, b"\xaa")
    assert Answer.decode(raw("2b85" + "02")) == Answer(5043, 2)


def test_who_a_watch_is_and_who_we_are_to_it() -> None:
    watch = Device.decode(raw("9600" + "6f0b" + "d2029649" + "8505" + "2c01" + "01410142" + "0143"))
    assert (watch.protocol, watch.software, watch.version) == (150, 1413, "14.13")
    assert watch._replace(software=1405).version == "14.05"
    for protocol, flag in ((150, b"\1"), (199, b"\1"), (200, b"\0"), (99, b"\0")):
        said = gfdi.host(watch._replace(protocol=protocol), name="a", maker="b", model="c", software=1)
        assert said.rest == flag, "1 for a watch of protocol 1.xx"


@pytest.mark.parametrize("hours", [-10, -1, 0, 5.75, 14])
def test_the_clock_is_written_with_an_offset_that_may_be_behind(hours: float) -> None:
    offset = timedelta(hours=hours)
    clock = Clock(0x12345678, CREATED, offset)
    written = clock.encode()
    assert written[:4] == raw("78563412")
    assert int.from_bytes(written[4:8], "little") == (CREATED - datetime(1989, 12, 31, tzinfo=UTC)).total_seconds()
    assert int.from_bytes(written[8:12], "little", signed=True) == hours * 3600
    assert written[12:] == bytes(8)
    assert Clock.decode(written) == clock


def test_the_time_is_told_by_event_16_and_the_bytes_of_an_authentication_come_back() -> None:
    assert gfdi.event(gfdi.Event.TIME_UPDATED) == Frame(5030, raw("1000"))
    assert gfdi.authenticated(raw("0102030405060708")) == raw("00" + "0102030405")


# ------------------------------------------------------------------ rows of minutes, by the simulated writer


def told(*rows: bytes, start: datetime = CREATED) -> monitoring.Monitoring:
    head = [sim_fit.file_id(32, 1, start), sim_fit.INFO.row(sim_fit.seconds(start), sim_fit.seconds(start))]
    found = monitoring.decode(sim_fit.written([*head, *rows]))
    assert found is not None
    return found


def moving(minutes: int, cycles: int, activity: int, intensity: int = 0) -> bytes:
    at = sim_fit.seconds(CREATED + timedelta(minutes=minutes))
    return sim_fit.MOVING.row(cycles, 60_000, at & 0xFFFF, activity | intensity << 5)


def test_the_low_sixteen_bits_of_a_time_go_round_and_the_time_goes_on() -> None:
    """They go round each 18 hours: the file begins before, the row stands behind."""
    turn = (sim_fit.seconds(CREATED) | 0xFFFF) + 1
    start = datetime(1989, 12, 31, tzinfo=UTC) + timedelta(seconds=turn - 120)
    rows = sim_fit.MOVING.row(50, 60_000, (turn + 60) & 0xFFFF, Activity.WALKING)
    (run,) = told(rows, start=start).runs
    assert (run.start, run.end - run.start, run.steps) == (start, timedelta(minutes=3), 50)


@pytest.mark.parametrize("intensity", range(8))
@pytest.mark.parametrize("activity", [0, 1, 6, 8, 16, 30])
def test_activity_is_in_five_bits_and_intensity_in_three(activity: int, intensity: int) -> None:
    (run,) = told(moving(5, 10, activity, intensity)).runs
    assert (run.activity, run.intensity) == (activity, intensity)


def test_a_total_that_falls_was_begun_anew_and_counts_from_nothing() -> None:
    runs = told(moving(1, 100, 6), moving(2, 130, 6), moving(3, 20, 6)).runs
    assert [run.steps for run in runs] == [100, 30, 20]


def test_several_rows_of_one_time_close_one_run_and_bring_their_steps() -> None:
    runs = told(moving(2, 100, 6), moving(2, 40, 1), moving(3, 110, 6)).runs
    assert [(run.end - CREATED, run.steps) for run in runs] == [
        (timedelta(minutes=2), 140), (timedelta(minutes=3), 10),
    ]  # fmt: skip


def test_a_run_of_more_than_a_day_is_none() -> None:
    late = sim_fit.TOTAL.row(sim_fit.seconds(CREATED + timedelta(hours=25)), 40, 60_000, 6)
    after = sim_fit.TOTAL.row(sim_fit.seconds(CREATED + timedelta(hours=25, minutes=1)), 60, 60_000, 6)
    (run,) = told(late, after).runs
    assert (run.start - CREATED, run.steps) == (timedelta(hours=25), 20)


def test_a_pulse_of_0_is_none() -> None:
    at = sim_fit.seconds(CREATED + timedelta(minutes=1)) & 0xFFFF
    assert told(sim_fit.PULSE.row(at, 0)).heart_rates == []
    assert told(sim_fit.PULSE.row(at, 61)).heart_rates == [At(CREATED + timedelta(minutes=1), 61)]


def test_the_writer_s_checksum_is_that_of_the_sheet() -> None:
    """`123456789` gives bb3d, and nothing gives 0."""
    assert sim_fit.checksum(b"123456789") == gfdi.crc16(b"123456789") == 0xBB3D
    assert sim_fit.checksum(b"") == 0
    assert sim_fit.checksum(bytes(range(256))) == int.from_bytes(crc(bytes(range(256))), "little")


def test_numbers_that_are_large_are_written_without_a_sign() -> None:
    assert sim_fit.PULSE.row(0xFFFE, 0xFE) == bytes([3]) + raw("feff" + "fe")
    assert sim_fit.TOTAL.row(0xFFFF_FFFE, 1, 2, 6)[1:5] == raw("feffffff")
