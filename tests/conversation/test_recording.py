"""A conversation is written down without what tells whose band it is, and replays."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from families.known import family
from hipsync.conversation import recording
from hipsync.conversation.capture import Capture, Line, capture_of
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.recording import Recording, redacted
from hipsync.conversation.session import collect
from hipsync.driver import Abilities, Driver, Link, Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Counter, Epoch, Info, Reading
from hipsync.registry import drivers, simulator
from hipsync.testing import DirectConnection, MemoryStore, conversation, replay, run
from hipsync.testing.rules import KEY, NOON, Case

ADDRESS = "C8:0F:10:80:D0:21"
OCTETS = bytes.fromhex("c80f1080d021")
NORDIC = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
TELLS = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
MILLISECOND = timedelta(milliseconds=1)
"""What a capture's times are written to."""


RECORDED = sorted(key for key, driver in drivers().items() if not driver.sealed)
"""The families whose bytes are recorded as they pass; `test_opened.py` has the others."""


def recorded(key: str, zone: str = "UTC", cut_after: int | None = None) -> tuple[MemoryStore, Capture]:
    """What was stored of a morning, and the capture, as it comes out of its file."""
    driver = drivers()[key]
    case = Case(driver, simulator(key))

    async def story(clock: FastClock) -> tuple[MemoryStore, Capture]:
        band, kept, record = case.band(NOON, zone), MemoryStore(), Recording(ADDRESS, clock.now)
        direct = DirectConnection(band, clock.now)
        if cut_after is not None:
            direct.cut_after(cut_after)
        heard = record.driver(driver)
        talk = conversation(direct, clock, zone)
        talk.connection = record.connection(direct)
        with contextlib.suppress(DeviceError):
            async with dialogue(heard, talk, case.session(band, kept), kept.commit) as opened:
                await opened.fetch(kept.commit)
        direct.drop()
        assert record.capture is not None
        return kept, capture_of(record.capture.text())

    return run(story, NOON)


def epochs(readings: Sequence[Reading]) -> list[Epoch]:
    return [reading for reading in readings if isinstance(reading, Epoch)]


def _at(reading: Reading) -> datetime:
    return reading.start if isinstance(reading, Epoch) else reading.at


def _timeless(reading: Reading) -> tuple[object, ...]:
    return (type(reading), *(each for each in reading if not isinstance(each, datetime)))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("key", RECORDED)
def test_a_morning_of_each_family_replays(key: str, zone: str) -> None:
    kept, told = recorded(key, zone)
    again = replay(told, drivers()[key])
    assert epochs(again) == epochs(kept.readings)
    if told.opened:
        assert [_timeless(each) for each in again] == [_timeless(each) for each in kept.readings]
        assert all(abs(_at(a) - _at(b)) < 2 * MILLISECOND for a, b in zip(again, kept.readings, strict=True))
    assert capture_of(told.text()) == told


@pytest.mark.parametrize("key", [key for key in RECORDED if not family(key).stored_coarser])
def test_the_simulated_band_repeats_itself(key: str) -> None:
    kept, told = recorded(key)
    again = simulator(key)(epochs(kept.readings), now=told.start, zone=told.zone, secret=None if told.opened else KEY)
    login = None if told.opened else (drivers()[key], KEY)
    known = family(key)
    replay(told, again, streams=known.streams, varies=dict.fromkeys(known.counters), login=login)


@pytest.mark.parametrize("key", RECORDED)
def test_a_driver_that_says_something_else_is_named_with_its_line(key: str) -> None:
    _, told = recorded(key)
    number, line = next((i, line) for i, line in enumerate(told.lines) if line.sign in {">", ">!", "="})
    other = line._replace(data=line.data + b"\x99") if line.data and line.sign != "=" else line._replace(sign="bond")
    changed = replace(told, lines=[*told.lines[:number], other, *told.lines[number + 1 :]])
    with pytest.raises(AssertionError, match=rf"line {line.number}: the host .*; the driver (wrote|read)"):
        replay(changed, drivers()[key])


@pytest.mark.parametrize("key", RECORDED)
def test_a_driver_that_ends_too_early_or_goes_on_is_named(key: str) -> None:
    _, told = recorded(key)
    extra = Line(told.lines[-1].at, ">", (NORDIC, None), b"\x01", number=999)
    with pytest.raises(AssertionError, match=r"line 999: the host wrote to .* 01; the driver had ended"):
        replay(replace(told, lines=[*told.lines, extra]), drivers()[key])
    last = max(i for i, line in enumerate(told.lines) if line.sign not in {"<", "lost"})
    with pytest.raises(AssertionError, match="after the last line the driver "):
        replay(replace(told, lines=told.lines[:last]), drivers()[key])


@pytest.mark.parametrize("key", ["fitpro", "huami"])
def test_a_conversation_that_was_cut_replays_to_the_cut(key: str) -> None:
    kept, told = recorded(key, cut_after=12)
    assert told.ended == "LinkLost"
    assert told.lines[-1].sign == "lost" or told.lines[-1].error == "LinkLost"
    assert epochs(replay(told, drivers()[key])) == epochs(kept.readings)


@pytest.mark.parametrize("key", ["fitpro", "huami"])
def test_a_driver_that_fails_in_the_same_way_but_sooner_is_named(key: str) -> None:
    _, told = recorded(key, cut_after=12)
    extra = Line(told.lines[-1].at, ">", (NORDIC, None), b"\x01", number=999)
    with pytest.raises(AssertionError, match=r"line 999: the host wrote to .* 01; the driver had ended"):
        replay(replace(told, lines=[*told.lines, extra]), drivers()[key])


# ------------------------------------------------------------------ what is taken out


def said(*values: bytes, sign: str = "<", uuid: str = TELLS) -> Capture:
    lines = [Line(timedelta(seconds=i), sign, (uuid, None), value) for i, value in enumerate(values)]
    return Capture("x", NOON, ZoneInfo("UTC"), lines)


@pytest.mark.parametrize(
    "form",
    [
        OCTETS, OCTETS[::-1], bytes.fromhex("c80f10fffe80d021"), bytes.fromhex("21d080feff100fc8"),
        b"C80F1080D021", b"c80f1080d021", b"C8:0F:10:80:D0:21", b"c8:0f:10:80:d0:21",
        b"c8-0f-10-80-d0-21", b"C8_0F_10_80_D0_21", b"21:D0:80:10:0F:C8", b"21d080100fc8",
        KEY, KEY[::-1], KEY.hex().encode(), KEY.hex().upper().encode(), b"SN-1234567",
    ],
)  # fmt: skip
def test_key_address_and_serial_number_are_nowhere(form: bytes) -> None:
    told = redacted(said(b"\x07" + form + b"\x09"), key=KEY, address=ADDRESS, serials=["SN-1234567"])
    (line,) = told.lines
    assert len(line.data) == len(form) + 2
    assert form not in line.data
    assert set(line.data[1:-1]) <= {0, ord("0")}
    assert (line.data[0], line.data[-1]) == (7, 9)


def test_what_a_band_says_of_its_serial_number_is_blank_whatever_it_is() -> None:
    serial, system_id = recording.SERIAL_NUMBER, recording.SYSTEM_ID
    assert redacted(said(b"9F", sign="=", uuid=serial), key=None, address=None, serials=[]).lines[0].data == b"00"
    told = redacted(said(bytes(range(1, 9)), sign="=", uuid=system_id), key=None, address=None, serials=[])
    assert told.lines[0].data == bytes(8)


def test_what_a_band_calls_itself_is_blank() -> None:
    """It may be a person's name: some bands can be given one."""
    told = redacted(said(b"Anna's watch", sign="=", uuid=recording.DEVICE_NAME), key=None, address=None, serials=[])
    assert told.lines[0].data == b"0" * 12


@pytest.mark.parametrize(
    ("name", "left"), [("Bangle.js a1b2", "Bangle.js 0000"), ("R02_D021", "R02_0000"), ("MI Band 2", "MI Band 2")]
)
def test_a_name_loses_the_digits_of_an_address(name: str, left: str) -> None:
    assert redacted(replace(said(), name=name), key=None, address=None, serials=[]).name == left


@pytest.mark.parametrize("key", RECORDED)
def test_nothing_of_a_key_or_of_a_login_with_it_is_in_a_capture(key: str) -> None:
    """Every six bytes of the key, and of whatever the host wrote before the login was over."""
    driver = drivers()[key]
    case = Case(driver, simulator(key))

    async def story(clock: FastClock) -> tuple[list[bytes], str, bool]:
        band, kept, record = case.band(), MemoryStore(), Recording(ADDRESS, clock.now)
        direct, heard = DirectConnection(band, clock.now), record.driver(driver)
        talk = conversation(direct, clock)
        talk.connection = record.connection(direct)
        session = case.session(band, kept)
        async with dialogue(heard, talk, session, kept.commit) as opened:
            login = [data for _, data in direct.written]
            await opened.fetch(kept.commit)
        direct.drop()
        assert record.capture is not None
        return login, record.capture.text(), session.secret is not None

    login, text, secret = run(story, NOON)
    written = [KEY, *login] if secret else [KEY]
    assert not [part for data in written for part in _sixes(data) if part.hex() in text]


def _sixes(data: bytes) -> list[bytes]:
    return [data[i : i + 6] for i in range(len(data) - 5)]


def test_a_login_that_failed_leaves_nothing() -> None:
    driver = drivers()["huami"]
    case = Case(driver, simulator("huami"))

    async def story(clock: FastClock) -> Capture | None:
        band, kept, record = case.band(), MemoryStore(), Recording(ADDRESS, clock.now)
        direct = DirectConnection(band, clock.now)
        talk = conversation(direct, clock)
        talk.connection = record.connection(direct)
        session = replace(case.session(band, kept), secret=bytes(16))
        with pytest.raises(DeviceError):
            async with dialogue(record.driver(driver), talk, session, kept.commit):
                raise AssertionError("it was let in")
        direct.drop()
        return record.capture

    told = run(story, NOON)
    assert told is not None
    assert (list(told.lines), told.opened, told.ended) == ([], False, "NotAuthorised")


# ------------------------------------------------------------------ bounds


def test_a_capture_that_grows_too_long_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_LINES", 20)
    kept, told = recorded("fitpro")
    assert len(told.lines) == 20
    assert told.ended == "cut"
    assert len(kept.readings) > 10  # the sync went on
    replay(told, drivers()["fitpro"])


def test_a_batch_that_is_not_stored_is_not_followed_by_the_word_that_lets_the_band_forget() -> None:
    written: list[str] = []

    async def opened(link: Link, session: Session) -> Sequence[Reading]:
        return [Info(link.now(), serial="SN-1234567")]

    async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
        yield [Counter(link.now(), 5)]
        written.append("forget")

    driver = Driver("x", "x", Abilities(), lambda _: "none", lambda _: True, opened, sync)
    band = simulator("sig")([], now=NOON, zone=ZoneInfo("UTC"))

    async def story(clock: FastClock) -> None:
        record, kept = Recording(None, clock.now), MemoryStore()
        direct = DirectConnection(band, clock.now)
        talk = conversation(direct, clock)
        talk.connection = record.connection(direct)
        kept.fail_at = 0
        with pytest.raises(OSError, match="disk full"):
            await collect(record.driver(driver), talk, Session(), kept.commit)
        direct.drop()

    run(story, NOON)
    assert written == []


# ------------------------------------------------------------------ the form


def test_a_capture_is_read_as_it_is_written_by_hand() -> None:
    told = capture_of(
        "# hipsync capture 1\n"
        "# driver: huami\n"
        "# source: a log\n"
        "# a remark\n"
        "# zone: Europe/London\n"
        "# start: 2026-11-20T12:00:20+01:00\n"
        "# has: 00000004-0000-3512-2118-0009af100700\n"
        "\n"
        "0 > 00000004 01 01   # the request\n"
        "0.25+1.5 = 180f/2a19 ! NoReply\n"
        "2 < 00000004 .\n"
        "3 lost\n"
    )
    fetch = ("00000004-0000-3512-2118-0009af100700", None)
    battery = ("00002a19-0000-1000-8000-00805f9b34fb", "0000180f-0000-1000-8000-00805f9b34fb")
    second = timedelta(seconds=1)
    assert list(told.lines) == [
        Line(0 * second, ">", fetch, b"\x01\x01", number=9),
        Line(second / 4, "=", battery, error="NoReply", took=1.5 * second, number=10),
        Line(2 * second, "<", fetch, number=11),
        Line(3 * second, "lost", number=12),
    ]
    assert told.start == datetime(2026, 11, 20, 11, 0, 20, tzinfo=UTC)
    assert (told.write_size, told.opened, told.notes) == (20, True, {"source": "a log"})
    assert told.has == {fetch}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("0.1 ? 2a19 00", "line 6: '\\?' is none of"),
        ("0.1 > 2a1 00", "line 6: '2a1' is no characteristic"),
        ("0.1 > 00000007 00", "line 6: 0 UUIDs in the head begin with 00000007, not one"),
        ("0.1 > 2a19 0", "line 6: non-hexadecimal"),
        ("x > 2a19 00", "line 6: could not convert"),
        ("0.1", "line 6: not enough values"),
        ("# since: Naps 2026-01-01T00:00:00Z", "line 6: 'Naps'"),
        ("# since: Epoch 2026-01-01", "line 6: 2026-01-01 has no offset"),
    ],
)
def test_a_capture_that_is_none_names_its_line(line: str, why: str) -> None:
    head = "# hipsync capture 1\n# driver: x\n# zone: UTC\n# start: 2026-11-20T12:00:20+00:00\n\n"
    with pytest.raises(ValueError, match=why):
        capture_of(head + line)


def test_a_capture_without_its_head_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 1: it must be `# hipsync capture 1`"):
        capture_of("0 > 2a19 00\n")
    with pytest.raises(ValueError, match="the head does not say driver, start, zone"):
        capture_of("# hipsync capture 1\n")
