"""Tests a driver against a capture: the driver receives what the band sent, and must do what the host did.

The docstring of `hipsync.testing.replay.replay` says what is compared. This module knows no family of bands. The one
rule: if the driver does anything else, or ends too early or too late, an `AssertionError` names the line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from hipsync.conversation.capture import HOST, Capture, Line, Place
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.conversation.stored import Commit
from hipsync.driver import OPENED, Driver, Session
from hipsync.errors import DeviceError, LinkLost, NoReply, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import Reading
from hipsync.testing.direct import MemoryStore

Varies = Mapping[str, Callable[[bytes], bytes] | None]
"""By characteristic, a function that returns the part of a value to compare. None compares nothing."""

Story = Callable[[Conversation, Session, Commit], Awaitable[object]]
"""A function that runs in a conversation in place of `open` and `sync`. `replay` returns the readings it commits."""

ERRORS: Mapping[str, type[DeviceError]] = {kind.__name__: kind for kind in (LinkLost, NoReply, NotAuthorised)}
"""The errors that a radio raises, by their names in a capture. Any other name stands for `DeviceError`."""


def shown(sign: str, place: Place, data: bytes) -> str:
    """Describe in words what a host did. `sign` is one of `capture.HOST`."""
    words = {
        "+": "subscribed to",
        "-": "ended its subscription to",
        ">": "wrote to",
        ">!": "wrote, for a response, to",
        "=": "read",
        "bond": "bonded",
    }
    where = "/".join(uuid for uuid in reversed(place) if uuid)
    return f"{words[sign]} {where} {data.hex() if sign in {'>', '>!'} else ''}".strip()


def part(place: Place, data: bytes, varies: Varies) -> bytes | None:
    """Return the part of a value that is compared, or None if no part of it is."""
    cut = varies.get(place[0], bytes)
    return None if cut is None else cut(data)


async def readings_of(
    capture: Capture, driver: Driver, secret: bytes | None, story: Story | None, varies: Varies, clock: FastClock
) -> list[Reading]:
    """Play a capture to a driver and return its readings. Raises as `replay` does."""
    connection, store = Replayed(capture, clock, varies), MemoryStore()
    conversation = Conversation(connection, zone=capture.zone, now=clock.now)
    session = Session(name=capture.name, secret=secret, since=capture.since, erase=capture.erase)
    session = replace(session, is_opened=any(uuid == OPENED for uuid, _ in capture.has))
    for uuid in capture.subscribed:
        connection.subscribed_before(uuid)
        await conversation.subscribe(uuid)
    sending = asyncio.ensure_future(connection.send())
    try:
        if story is not None:
            await story(conversation, session, store.commit)
        else:
            async with dialogue(driver, conversation, session, store.commit, log_in=capture.opened) as talk:
                await talk.fetch(store.commit)
    except DeviceError as error:
        connection.check_end(type(error).__name__)
        if capture.ended == "well":
            raise
    else:
        connection.check_end(None)
    finally:
        sending.cancel()
        await asyncio.wait({sending})
    return store.readings


class Replayed:
    """A connection for `session.Conversation` whose other end is a capture."""

    def __init__(self, capture: Capture, clock: FastClock, varies: Varies) -> None:
        self.lost = asyncio.Event()
        self._capture, self._clock, self._varies = capture, clock, varies
        self._host = [line for line in capture.lines if line.sign in HOST]
        self._next = 0
        """The position in `_host` of what the driver must do next."""
        self._moved = asyncio.Event()
        self._callbacks: dict[str, Callable[[bytes], None]] = {}
        self._subscribed_before: set[str] = set()
        self._deviation: AssertionError | None = None

    @property
    def write_size(self) -> int:
        return self._capture.write_size

    def has(self, characteristic: str, service: str | None = None) -> bool:
        if service is None:
            return any(characteristic == each for each, _ in self._capture.has)
        return (characteristic, service) in self._capture.has

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        return (await self._do("=", (characteristic, service))).data

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        await self._do(">!" if response else ">", (characteristic, service), data)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self._callbacks[characteristic] = callback
        if characteristic in self._subscribed_before:
            self._subscribed_before.discard(characteristic)
        else:
            await self._do("+", (characteristic, None))

    async def stop_notify(self, characteristic: str) -> None:
        await self._do("-", (characteristic, None))
        self._callbacks.pop(characteristic, None)

    async def bond(self) -> None:
        await self._do("bond", ("", None))

    def subscribed_before(self, characteristic: str) -> None:
        """Expect no line for the next subscription to this characteristic, because it dates from before the capture."""
        self._subscribed_before.add(characteristic)

    async def send(self) -> None:
        """Send what the band sent: each line at its time, but not before the driver has done all that precedes it."""
        done = 0
        for line in self._capture.lines:
            if line.sign in HOST:
                done += 1
                continue
            while self._next < done:
                self._moved.clear()
                await self._moved.wait()
            await self._clock.sleep_until(self._capture.start + line.at)
            if line.sign == "lost":
                self.lost.set()
            elif callback := self._callbacks.get(line.place[0]):
                callback(line.data)

    async def _do(self, sign: str, place: Place, data: bytes = b"") -> Line:
        """Compare what the driver does with the capture's next line, wait as long as it took then, and return the line.

        Raises `AssertionError` if the line is different, the error that the line names, and `LinkLost` after the end of
        the link or of a capture that was cut.
        """
        if self.lost.is_set():
            raise LinkLost("the connection has ended")
        line = self._host[self._next] if self._next < len(self._host) else None
        if line is None:
            if self._capture.ended == "cut":
                self.lost.set()
                raise LinkLost("the capture was cut here")
            raise self._deviated(f"after the last line the driver {shown(sign, place, data)}")
        ours, theirs = part(place, data, self._varies), part(line.place, line.data, self._varies)
        same_data = sign not in {">", ">!"} or ours == theirs
        if (sign, place) != (line.sign, line.place) or not same_data:
            raise self._deviated(
                f"line {line.number}: the host {shown(line.sign, line.place, line.data)}; "
                f"the driver {shown(sign, place, data)}"
            )
        self._next += 1
        self._moved.set()
        await self._clock.sleep_until(self._capture.start + line.at + line.took)
        if line.error is not None:
            raise ERRORS.get(line.error, DeviceError)(f"line {line.number}: {line.error}")
        return line

    def _deviated(self, what: str) -> AssertionError:
        self._deviation = AssertionError(what)
        return self._deviation

    def check_end(self, error: str | None) -> None:
        """Raise `AssertionError` if the driver deviated, ended with lines left, or ended with another error.

        `error` is the class name of the error that ended it, or None. If the capture was cut, or ended well, an error
        is not compared, and lines may be left after it.
        """
        if self._deviation is not None:
            raise self._deviation
        ended = self._capture.ended
        if self._next < len(self._host) and error in {None, ended}:
            line = self._host[self._next]
            raise AssertionError(
                f"line {line.number}: the host {shown(line.sign, line.place, line.data)}; the driver had ended"
            )
        if ended not in {"well", "cut"} and error != ended:
            raise AssertionError(f"the conversation ended with {ended}; the driver's with {error or 'no error'}")
