"""A Bangle.js played by hand, for tests of its driver: each line written to it gets the answer that the test gives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Conversation, collect, meet, nudge
from hipsync.driver import Message, Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Answer, Epoch, State
from hipsync.testing.direct import MemoryStore, run
from hipsync_devices.banglejs import DRIVER

WRITE, NOTIFY = "6e400002-b5a3-f393-e0a9-e50e24dcca9e", "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND, MINUTE, TEN = timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=10)
GREETING = b'\r\n{"t":"status","bat":85,"chg":0}\r\n\r\n{"t":"ver","fw":"2v29","hw":2}\r\n'
ASK = b"\x10Bluetooth.println("
HELLO = b'\r\n{"t":"hip","v":"2v29","now":1772442000000,"west":0,"bat":85,"chg":false}\r\n'
"""The greeting of a watch whose clock says 2026-03-02 09:00:00 UTC."""
# two days before 2026-03-02 09:00 UTC, and five minutes later, in milliseconds: 2026-02-28 09:05
FETCH = b'\x10GB({"t":"actfetch","ts":1772269500000})\n'
START = b'\r\n{"t":"actfetch","state":"start"}\r\n'
# the blocks end at 08:10 and 08:20 UTC
BLOCKS = (
    b'\r\n{"t":"act","ts":1772439000000,"stp":12,"hrm":0,"mov":304,"act":"UNKNOWN"}\r\n'
    b'\r\n{"t":"act","ts":1772439600000,"stp":640,"hrm":93.5,"mov":1480,"act":"WALKING"}\r\n'
)
END = b'\r\n{"t":"actfetch","state":"end","count":2}\r\n'
TWO = [
    Epoch(NINE - 60 * MINUTE, TEN, 12, 304, None, None, 0),
    Epoch(NINE - 50 * MINUTE, TEN, 640, 1480, 94, State.WALKING, 2),
]


class Hand:
    """A watch that gives each answer once, at once, to a line that begins as the answer says, in any order."""

    def __init__(self, *answers: tuple[bytes, bytes], greeting: bytes = GREETING, write_size: int = 20) -> None:
        self.lost = asyncio.Event()
        self.write_size = write_size
        self.answers, self.greeting = list(answers), greeting
        self.told: list[bytes] = []
        self.pieces: list[tuple[bytes, bool]] = []
        self.callback: Callable[[bytes], None] | None = None
        self._line = b""

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return characteristic in {WRITE, NOTIFY}

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        raise AssertionError("there is nothing to read")

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        assert characteristic == WRITE
        self.pieces.append((data, response))
        self._line += data
        if self._line.endswith(b"\n"):
            line, self._line = self._line, b""
            self.told.append(line)
            for answer in self.answers:
                if line.startswith(answer[0]):
                    self.answers.remove(answer)
                    self.say(answer[1])
                    return

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self.callback = callback
        self.say(self.greeting)

    def say(self, text: bytes, size: int = 20) -> None:
        """Notify a text in packets of `size` bytes, wherever that cuts it."""
        assert self.callback is not None
        for at in range(0, len(text), size):
            self.callback(text[at : at + size])

    async def stop_notify(self, characteristic: str) -> None:
        self.callback = None

    async def bond(self) -> None:
        raise AssertionError("a watch needs no pairing")


@dataclass
class Told:
    kept: MemoryStore = field(default_factory=MemoryStore)
    error: DeviceError | None = None
    ended: datetime = NINE


Says = Sequence[tuple[float, bytes]]
SINCE_EIGHT = Session(since={Epoch: NINE - 50 * MINUTE})
"""A session in which epochs are stored up to 08:10, so that blocks from 07:10 on are wanted."""


def met(watch: Hand, session: Session = SINCE_EIGHT, *, start: datetime = NINE, zone: str = "UTC") -> Told:
    told = Told()

    async def story(clock: FastClock) -> None:
        talk = Conversation(watch, zone=ZoneInfo(zone), now=clock.now)
        try:
            await meet(DRIVER, talk, session, told.kept.commit)
            await collect(DRIVER, talk, session, told.kept.commit)
        except DeviceError as error:
            told.error = error
        told.ended = clock.now()

    run(story, start)
    return told


def synced(*answers: tuple[bytes, bytes], greeting: bytes = GREETING) -> Told:
    return met(Hand((ASK, HELLO), (ASK, HELLO), *answers, greeting=greeting))


def watched(watch: Hand, says: Says, length: timedelta, start: datetime = NINE) -> Told:
    """Watch for `length`. `says` are seconds from the beginning, and the text that the watch sends then."""
    told = Told()

    async def story(clock: FastClock) -> None:
        talk = Conversation(watch, zone=ZoneInfo("UTC"), now=clock.now)
        for after_s, text in says:
            asyncio.get_running_loop().call_later(after_s, watch.say, text)
        assert DRIVER.watch is not None
        with contextlib.suppress(TimeoutError):
            try:
                async with asyncio.timeout(length.total_seconds()):
                    async with contextlib.aclosing(DRIVER.watch(talk.view(), Session())) as batches:
                        async for batch in batches:
                            await told.kept.commit(batch)
            except DeviceError as error:
                told.error = error
        told.ended = clock.now()

    run(story, start)
    return told


def nudged(watch: Hand, message: Message, says: Says) -> tuple[Answer | DeviceError | None, datetime]:
    async def story(clock: FastClock) -> tuple[Answer | DeviceError | None, datetime]:
        talk = Conversation(watch, zone=ZoneInfo("UTC"), now=clock.now)
        for after_s, text in says:
            asyncio.get_running_loop().call_later(after_s, watch.say, text)
        try:
            return await nudge(DRIVER, talk, Session(), message), clock.now()
        except DeviceError as error:
            return error, clock.now()

    return run(story, NINE)
