"""The simulated Bangle.js without the driver: what any client hears from it; and live steps with the driver."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import Conversation, nudge
from hipsync.driver import Message, Session
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Answer, Counter, Epoch
from hipsync.simulated import Notification, Refused
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync_devices.banglejs import DRIVER
from hipsync_devices.banglejs.packets import NOTIFY, UART, WRITE, Button
from hipsync_devices.banglejs.sim import Bangle
from hipsync_devices.banglejs.sim_console import InputBuffer

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIFE = [Epoch(NOON + (i - 60) * MINUTE, MINUTE, 10 + i % 7) for i in range(180)]


def bangle(**more: Any) -> Bangle:
    return Bangle(LIFE, now=NOON, zone=ZoneInfo("UTC"), **more)


class Phone:
    """Somebody who writes to the watch and listens, twice a second."""

    def __init__(self, band: Bangle, *, listens: bool = True, mtu: int = 131) -> None:
        self.band, self.now = band, NOON
        band.mtu = mtu
        band.connected(NOON)
        self.packets: list[bytes] = []
        if listens:
            band.on_subscribe(NOTIFY, True, NOON)

    def hear(self, seconds: float = 3) -> bytes:
        """All that it says in so long."""
        before, until = len(self.packets), self.now + seconds * SECOND
        while self.now < until:
            self.now += SECOND / 2
            self.packets += [said.data for said in self.band.advance(self.now) if isinstance(said, Notification)]
        return b"".join(self.packets[before:])

    def say(self, data: bytes, seconds: float = 3) -> bytes:
        self.band.write(WRITE, UART, data, self.now)
        return self.hear(seconds)


GREETING = (
    b'\r\n{"t":"status","bat":85,"chg":0}\r\n\r\n{"t":"ver","fw":"2v29","hw":2}\r\n'
    b'\r\n{"t":"force_calendar_sync","ids":[]}\r\n'
)


def test_its_clock_is_no_whole_number_of_milliseconds() -> None:
    """Espruino's `Date.now()` is a float, "accurate to fractions of a millisecond"."""
    phone = Phone(bangle())
    told = phone.say(b'\x10Bluetooth.println(JSON.stringify({t:"x",now:Date.now()}))\n')
    assert re.search(rb'"now":\d{13}\.\d', told)


def test_it_greets_two_seconds_after_the_link_is_up_and_only_who_listens() -> None:
    phone = Phone(bangle())
    assert phone.hear(1.5) == b""
    assert phone.hear(1) == GREETING
    late = Phone(bangle(), listens=False)
    late.hear()
    late.band.on_subscribe(NOTIFY, True, late.now)
    assert late.hear(10) == b""


@pytest.mark.parametrize(("mtu", "hardware", "longest"), [(23, 2, 20), (131, 2, 128), (517, 2, 128), (517, 1, 50)])
def test_a_packet_is_as_long_as_the_link_and_the_watch_allow(mtu: int, hardware: int, longest: int) -> None:
    phone = Phone(bangle(hardware=hardware), mtu=mtu)
    phone.say(b'\x10GB({"t":"actfetch","ts":1000})\n', 5)
    assert max(len(packet) for packet in phone.packets) == longest


def test_without_dle_it_echoes_and_prompts() -> None:
    phone = Phone(bangle(android=None))
    assert phone.say(b"1+1\n") == b"1+1\r\n=undefined\r\n>"
    assert phone.say(b"\x101+1\n") == b""


def test_a_line_with_an_open_bracket_swallows_the_next_until_ctrl_c() -> None:
    phone = Phone(bangle())
    phone.say(b'\x10GB({"t":"act","stp":tru\n')
    phone.say(b'\x10GB({"t":"act","stp":0,"hrm":0})\n')
    assert phone.band.asked == []
    phone.say(b'\x03\x10GB({"t":"act","stp":0,"hrm":0})\n')
    assert phone.band.asked == [{"t": "act", "stp": 0, "hrm": 0}]


def test_a_watch_that_is_not_programmable_takes_strict_calls_alone_and_no_ctrl_c_before_them() -> None:
    phone = Phone(bangle(programmable=False))
    phone.hear()
    call = b'GB({"t":"act","stp":0,"hrm":0})\n'
    ctrl_c, semicolon, torn = b"\x03" + call, call.replace(b")\n", b");\n"), call[:9] + b"\n"
    for ignored in (b"1+1\n", b"\x10Bangle.buzz(400,1)\n", ctrl_c, semicolon, torn):
        assert phone.say(ignored) == b""
    assert (phone.band.asked, phone.band.shown) == ([], [])
    phone.say(b"\x10" + call)
    phone.say(call)
    assert len(phone.band.asked) == 2


def test_a_busy_watch_says_stop_beyond_three_eighths_and_go_on_when_it_has_read() -> None:
    phone = Phone(bangle())
    phone.hear()
    phone.band.load_app(phone.now)
    assert phone.say(b"\x10" + b"a" * 767, 0.5) == b""
    assert phone.say(b"a", 0.5) == b"\x13\x11", "769 of 2048 bytes, and half a second later all are read"


def test_what_does_not_fit_the_buffer_is_lost_without_a_word() -> None:
    waiting = InputBuffer(1024)
    waiting.put(b"a" * 1000)
    waiting.put(b"b" * 100)
    assert (waiting.lost, waiting.take()) == (76, b"a" * 1000 + b"b" * 24)


def test_live_reports_are_deltas_and_an_app_that_is_loaded_ends_them() -> None:
    phone = Phone(bangle())
    phone.hear()
    said = phone.say(b'\x10GB({"t":"act","hrm":false,"stp":true,"int":60})\n', 125)
    # asked at 12:00:03; the minutes that end at 12:01 and 12:02 have 10 + 60 % 7 and 10 + 61 % 7 steps
    assert said.count(b'"rt":1') == 2
    assert b'{"t":"act","stp":14,"hrm":0,"rt":1}' in said
    assert b'{"t":"act","stp":15,"hrm":0,"rt":1}' in said
    phone.band.load_app(phone.now)
    assert phone.hear(300) == b""


def test_a_block_is_told_when_it_ends_and_the_battery_after_it() -> None:
    phone = Phone(bangle())
    phone.hear(30)
    # minutes 60 to 69: 100 and, by sevens, 4 5 6 0 1 2 3 4 5 6
    assert phone.hear(600) == (
        b'\r\n{"t":"act","stp":136,"hrm":0,"mov":0.0,"act":"UNKNOWN"}\r\n\r\n{"t":"status","bat":85,"chg":0}\r\n'
    )


def test_a_message_buzzes_every_four_seconds_for_a_minute_until_it_is_taken_away() -> None:
    notify = b'\x10GB({"t":"notify","id":5,"title":"Time","body":"to move"})\n'
    phone = Phone(bangle())
    phone.hear()
    phone.say(notify, 90)
    assert [shown.text for shown in phone.band.shown] == ["Time to move"]
    # half a second after it came at 12:00:03
    assert phone.band.buzzes == [NOON + (3.5 + 4 * i) * SECOND for i in range(16)]
    phone.say(notify, 6)
    phone.say(b'\x10GB({"t":"notify-","id":5})\n', 60)
    assert len(phone.band.buzzes) == 18
    phone.say(notify.replace(b":5,", b":0,"), 60)
    assert len(phone.band.buzzes) == 18, "number 0 is never shown"


def test_nothing_is_to_be_read() -> None:
    with pytest.raises(Refused):
        bangle().read(NOTIFY, UART, NOON)


# ------------------------------------------------------------------ with the driver


def watched(
    band: Bangle, length: timedelta, then: tuple[float, Callable[[datetime], None]] | None = None
) -> MemoryStore:
    """`then`: after so many seconds this happens."""
    kept = MemoryStore()

    async def story(clock: FastClock) -> None:
        connection = DirectConnection(band, clock.now)
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        if then is not None:
            after_s, happens = then
            asyncio.get_running_loop().call_later(after_s, lambda: happens(clock.now()))
        assert DRIVER.watch is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(length.total_seconds()):
                async with contextlib.aclosing(DRIVER.watch(talk.view(), Session())) as batches:
                    async for batch in batches:
                        await kept.commit(batch)
        connection.drop()

    run(story, NOON)
    return kept


def test_live_steps_are_those_that_were_walked() -> None:
    kept = watched(bangle(), 20 * MINUTE + 40 * SECOND)
    assert kept.of(Counter)[-1].steps == sum(epoch.steps for epoch in LIFE[60:80])
    assert [(epoch.start, epoch.steps) for epoch in kept.of(Epoch)] == [
        (NOON, sum(epoch.steps for epoch in LIFE[60:70])),
        (NOON + 10 * MINUTE, sum(epoch.steps for epoch in LIFE[70:80])),
    ]


def test_live_steps_go_on_after_an_app_was_loaded() -> None:
    band = bangle()
    counters = watched(band, 10 * MINUTE - SECOND, then=(200, band.load_app)).of(Counter)
    # the last report came after 180 s; silence is noticed 75 s later, and the count begins again
    again = [counter.at for counter in counters if counter.at > NOON + 200 * SECOND and counter.steps == 0]
    assert timedelta(0) <= again[0] - (NOON + 255 * SECOND) < SECOND
    # asked at 12:04:15: the minutes that end at 12:05 to 12:09
    assert counters[-1].steps == sum(epoch.steps for epoch in LIFE[64:69])


@pytest.mark.parametrize(
    ("button", "answer", "buzzes"),
    [(Button.OPEN, Answer.DONE, 2), (Button.DISMISS, Answer.SNOOZED, 2), (None, None, 15)],
)  # fmt: skip
def test_a_nudge_is_felt_and_answered(button: Button | None, answer: Answer | None, buzzes: int) -> None:
    band = bangle(answer=button)

    async def story(clock: FastClock) -> Answer | None:
        connection = DirectConnection(band, clock.now)
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        found = await nudge(DRIVER, talk, Session(), Message("Time to move", "Hip extension"))
        connection.drop()
        return found

    assert run(story, NOON) == answer
    assert [shown.text for shown in band.shown] == ["Time to move Hip extension"]
    assert len(band.buzzes) == buzzes
