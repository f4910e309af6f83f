"""Bangle.js: what others published, read by the codec and met by the simulated watch."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch
from hipsync.simulated import Notification
from hipsync_devices.banglejs import commands, packets
from hipsync_devices.banglejs.console import Lines
from hipsync_devices.banglejs.packets import Block, FetchEnded, Measured, Other, Status, Text, Version, decode
from hipsync_devices.banglejs.sim import Bangle
from hipsync_devices.banglejs.sim_health import Record
from support import shared

COLLECTION = shared.VECTORS / "infinitime-banglejs-sig.json"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MET = NOON + timedelta(seconds=5)
"""The watch has greeted by then."""
NOTIFY = (  # bj-notify, EspruinoDocs at 60ae9bb
    "4742287b2274223a226e6f74696679222c226964223a313537353437393834392c22737263223a2248616e676f757473222c227469746c65223a"
    "2241204e616d65222c22626f6479223a226d65737361676520636f6e74656e7473227d29"
)
CHANGED = (  # bj-notify-mod, EspruinoDocs at 60ae9bb
    "4742287b2274223a226e6f746966797e222c226964223a313537353437393834392c22626f6479223a2274686973206368616e676564227d29"
)
CALL = (  # bj-call, EspruinoDocs at 60ae9bb
    "4742287b2274223a2263616c6c222c22636d64223a22696e636f6d696e67222c226e616d65223a226e616d65222c"
    "226e756d626572223a222b343431323334313233313233227d29"
)
SET_TIME = "73657454696d652831373030353536363031293b452e73657454696d655a6f6e6528312e30293b"  # bj-settime, ZSWatch
FETCH_ALL = "4742287b2274223a226163746665746368222c227473223a307d29"  # bj-actfetch-0, ZSWatch
STATUS = "7b2274223a22737461747573222c22626174223a38352c22766f6c74223a342e317d0d0a"  # bj-status, ZSWatch
VERSION = "7b2274223a22766572222c226677223a22312e322e33222c226877223a2235227d0d0a"  # bj-ver, ZSWatch
INFO = "7b2274223a22696e666f222c226d7367223a2248656c6c6f20576f726c64227d0d0a"  # bj-info, EspruinoDocs at 60ae9bb
HEALTH2 = "00285c5f3d3333004f00"  # bj-health2, BangleApps at 0fe18ed
EVAL = "100120147072696e74282748656c6c6f20576f726c642729"  # bj-packet-eval, Espruino at c5ff787
NO_GB = (  # bj-noGB, Gadgetbridge at a0948ee
    "3e556e636175676874205265666572656e63654572726f723a2022474222206973206e6f7420646566696e65640d0a"
)
ACT_OFF = "4742287b743a22616374222c7374703a302c68726d3a302c696e743a307d29"  # bj-act-off, BangleApps at 0fe18ed
CSV = (  # bj-csv-5s, Gadgetbridge at a0948ee: a file of the recorder app, which never comes as an object
    "54696d652c4c617469747564652c4c6f6e6769747564652c416c7469747564652c4865617274726174652c436f6e666964656e63652c"
    "536f757263652c53746570732c426174746572792050657263656e746167652c4261747465727920566f6c746167652c4368617267696e670a"
    "313731303631303734302c2d36352e3939393030302c31302e31323330302c2c39322c35302c2c302c39362c332e33303634343533313234392c"
    "66616c7365"
)


def read(hex_: str) -> list[packets.Message]:
    return [decode(line) for line in Lines().feed(bytes.fromhex(hex_))]


def told(band: Bangle, data: bytes, at: datetime = MET) -> bytes:
    """What a watch says within three seconds of a write, flow control and all."""
    band.write(packets.WRITE, packets.UART, data, at)
    said = band.advance(at + timedelta(seconds=3))
    return b"".join(event.data for event in said if isinstance(event, Notification))


def heard(**more: object) -> Bangle:
    """A watch that is connected and listened to, and has greeted."""
    life = [Epoch(NOON + (i - 60) * MINUTE, MINUTE, i) for i in range(60)]
    band = Bangle(life, now=NOON, zone=ZoneInfo("UTC"), **more)  # type: ignore[arg-type]
    band.connected(NOON)
    band.on_subscribe(packets.NOTIFY, True, NOON)
    band.advance(MET)
    return band


def call(hex_: str) -> bytes:
    return b"\x10" + bytes.fromhex(hex_) + b"\n"


def test_lines_of_the_watch_are_read() -> None:
    assert read(STATUS) == [Status(85)]
    assert read(VERSION) == [Version("1.2.3", "5")]
    assert read(INFO) == [Other("info")]
    assert read(NO_GB) == [Text('>Uncaught ReferenceError: "GB" is not defined')]
    (missing,) = read(NO_GB)
    assert isinstance(missing, Text)
    assert missing.no_android
    assert {type(message) for message in read(CSV + "0a")} == {Text}


def test_a_message_is_shown_as_it_was_published() -> None:
    band = heard()
    told(band, call(NOTIFY))
    assert [shown.text for shown in band.shown] == ["A Name message contents"]
    told(band, call(CHANGED), MET + timedelta(seconds=10))
    told(band, call(CALL), MET + timedelta(seconds=20))
    assert [asked["t"] for asked in band.asked] == ["notify", "notify~", "call"]
    assert (band.asked[1]["body"], band.asked[2]["number"]) == ("this changed", "+441234123123")
    # our own has the same head, and members that may be empty
    ours = commands.command_of(commands.notify(1575479849, "A Name", "message contents")[1:-1], strict=True)
    theirs = commands.command_of(bytes.fromhex(NOTIFY), strict=True)
    assert ours is not None
    assert theirs is not None
    assert {name: ours[name] for name in theirs if name != "src"} == {
        "t": "notify", "id": 1575479849, "title": "A Name", "body": "message contents",
    }  # fmt: skip


def test_clock_and_zone_are_set_as_it_was_published() -> None:
    at = datetime(2023, 11, 21, 8, 50, 1, tzinfo=UTC)
    assert (commands.set_time(at) + commands.set_zone(timedelta(hours=1))).encode().hex() == SET_TIME
    band = heard()
    told(band, call(SET_TIME))
    assert band.clock() == at + timedelta(seconds=3)
    assert band.offset == timedelta(hours=1)
    deaf = heard(programmable=False)
    told(deaf, call(SET_TIME))
    assert deaf.clock() == MET + timedelta(seconds=3)


@pytest.mark.parametrize(("health", "blocks"), [(43, 6), (34, 0)])
def test_a_fetch_of_everything_misses_the_first_month_of_an_old_library(health: int, blocks: int) -> None:
    assert commands.fetch(datetime(1970, 1, 1, tzinfo=UTC)) == call(FETCH_ALL)
    said = [decode(line) for line in Lines().feed(told(heard(health=health), call(FETCH_ALL)))]
    assert said[-1] == FetchEnded(blocks)
    # the minutes of the first ten have 0 to 9 steps
    first = [message for message in said if isinstance(message, Block)][:1]
    assert first == [Block(NOON - 50 * MINUTE, Measured(45, 0, 0, "UNKNOWN"))][:blocks]


def test_a_record_of_the_watch_s_file_is_read_and_written() -> None:
    record = Record(40, 92, 95, 488, 51, charging=False, temperature=25.5, altitude=79, activity="UNKNOWN")
    assert Record.decode(bytes.fromhex(HEALTH2)) == record
    assert record.encode().hex() == HEALTH2
    assert record.bpm == 93.5


def test_a_binary_packet_does_not_disturb_the_command_after_it() -> None:
    assert told(heard(), bytes.fromhex(EVAL)) == b"\x06"
    band = heard()
    told(band, bytes.fromhex(EVAL) + call(NOTIFY))
    assert [asked["t"] for asked in band.asked] == ["notify"]


def test_no_command_of_ours_begins_as_a_binary_packet() -> None:
    ours = [commands.HELLO, commands.BUZZ, commands.live(30), commands.fetch(NOON), commands.notify(1, "\x01", "\x01")]
    assert [command[:2] for command in ours] == [b"\x10B", b"\x10B", b"\x10G", b"\x10G", b"\x10G"]


def test_names_without_quotes_are_for_a_programmable_watch() -> None:
    off = {"t": "act", "stp": 0, "hrm": 0, "int": 0}
    assert commands.command_of(bytes.fromhex(ACT_OFF), strict=False) == off
    assert commands.command_of(bytes.fromhex(ACT_OFF), strict=True) is None
    for programmable, calls in ((True, [off]), (False, [])):
        band = heard(programmable=programmable)
        told(band, call(ACT_OFF))
        assert band.asked == calls


def test_a_watch_without_the_app_says_so() -> None:
    assert told(heard(android=None), call(NOTIFY)) == bytes.fromhex(NO_GB)


MEASURED = st.builds(
    Measured,
    st.integers(0, 0xFFFF),
    st.integers(0, 510).map(lambda halves: halves / 2),
    st.integers(0, 2040),
    st.none() | st.sampled_from(packets.ACTIVITIES),
)
MINUTES = st.integers(0, 50 * 365 * 1440).map(lambda minutes: packets.EARLIEST + minutes * MINUTE)
HELLO = st.builds(
    packets.Hello,
    st.text(),
    MINUTES,
    st.integers(-720, 840).map(lambda minutes: timedelta(minutes=minutes)),
    st.builds(Status, st.integers(0, 100), st.booleans()),
    st.none() | st.builds(packets.ZoneSet, MINUTES, st.integers(-720, 840).map(lambda m: timedelta(minutes=m))),
)
MESSAGES = (
    st.builds(Block, MINUTES, MEASURED)
    | st.builds(packets.BlockEnded, MEASURED)
    | st.builds(packets.Walked, st.integers(0, 0xFFFF), st.integers(0, 255))
    | st.builds(Status, st.integers(0, 100), st.none() | st.booleans())
    | st.builds(Version, st.text(), st.just("2"))
    | st.just(packets.FetchStarted())
    | st.builds(FetchEnded, st.integers(0, 5000))
    | st.builds(packets.Pressed, st.integers(1, 2**31), st.sampled_from(packets.Button))
    | HELLO
)


@given(MESSAGES)
def test_a_message_is_what_was_written(message: packets.Message) -> None:
    assert not isinstance(message, Other | Text)
    expected = message
    if isinstance(message, Version):  # the hardware is a number on a Bangle.js
        assert b'"hw":2' in message.encode()
        expected = message
        line = message.encode().replace(b'"hw":2', b'"hw":"2"')
        assert decode(line) == expected
    assert decode(message.encode()) == expected


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda data: b'{"t":"act",' + data + b"}"))
def test_any_line_is_a_message_or_malformed(line: bytes) -> None:
    try:
        decode(line)
    except MalformedPacket as error:
        carried = error.packet
    else:
        carried = line
    assert carried == line


@pytest.mark.parametrize(
    "line",
    [b"{" + b'"a":{' * 5000, b'{"t":["act"]}', b'{"t":"act","stp":-1}', b'{"t":"act","stp":NaN}', b'{"t":"ver"}',
     b'{"t":"act","stp":1,"rt":[]}', b'{"t":"act","stp":1e999}', b'{"t":"act","stp":1,"ts":1700556601000}'],
)  # fmt: skip
def test_a_line_that_cannot_be_meant_is_malformed_and_carried(line: bytes) -> None:
    with pytest.raises(MalformedPacket) as raised:
        decode(line)
    assert raised.value.packet == line


@pytest.mark.parametrize("odd", [b'"hrm":300', b'"hrm":"x"', b'"mov":-1', b'"mov":1e9', b'"act":7', b'"act":null'])
def test_the_steps_of_a_block_stand_whatever_else_it_says(odd: bytes) -> None:
    block = decode(b'{"t":"act","ts":1772439000000,"stp":12,' + odd + b"}")
    assert isinstance(block, packets.Block)
    assert block.measured == Measured(12)


@pytest.mark.parametrize(
    ("power", "status"),
    [
        (b'"bat":255,"chg":false', Status(None, charging=False)),
        (b'"bat":null,"chg":"no"', Status(None)),
        (b'"bat":87.4,"chg":1', Status(87, charging=True)),
    ],
)
def test_clock_zone_and_note_of_a_watch_stand_whatever_it_says_of_its_battery(power: bytes, status: Status) -> None:
    line = b'{"t":"hip","v":7,"now":1772437800767.6423,"west":0,' + power + b',"z":{"at":1772437800000.5,"from":60}}'
    hello = decode(line)
    assert isinstance(hello, packets.Hello)
    assert (hello.firmware, hello.status) == (None, status)
    assert hello.zone_set is not None


@given(st.binary(min_size=10, max_size=10) | st.binary(max_size=12))
def test_a_record_of_any_bytes_is_read_or_malformed(data: bytes) -> None:
    if len(data) == 10 and data[7] >> 5 <= 5:
        record = Record.decode(data)
        assert Record.decode(record.encode()) == record
    else:
        with pytest.raises(MalformedPacket) as raised:
            Record.decode(data)
        assert raised.value.packet == data


def test_no_vector_of_the_family_is_left_unused() -> None:
    here = Path(__file__).read_text().replace('"\n    "', "")
    vectors = [v for v in json.loads(COLLECTION.read_text())["vectors"] if v["family"] == "banglejs"]
    assert len(vectors) == 13
    assert [v["id"] for v in vectors if v["id"] not in here] == []
    assert [v["id"] for v in vectors if v["hex"] not in here] == []
