"""A driver against a capture: it receives what the band sent, and must do what the host did.

What is compared is said at `hipsync.testing.replay.replay`. This module knows no family of bands. The one rule: where
the driver does anything else, or ends too early or too late, an `AssertionError` names the line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from hipsync.conversation.capture import HOST, Capture, Line, Place
from hipsync.conversation.session import Commit, Conversation, collect, meet
from hipsync.driver import Driver, Session
from hipsync.errors import DeviceError, LinkLost, NoReply, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import Reading
from hipsync.testing.direct import MemoryStore

Varies = Mapping[str, Callable[[bytes], bytes] | None]
"""By characteristic, the function that returns the part of a value to compare; None compares nothing."""

Story = Callable[[Conversation, Session, Commit], Awaitable[object]]
"""Runs in a conversation in place of `open` and `sync`; what it commits are the readings that `replay` returns."""

ERRORS: Mapping[str, type[DeviceError]] = {kind.__name__: kind for kind in (LinkLost, NoReply, NotAuthorised)}
"""The errors that a radio raises, by the names that a capture has for them; any other name is a `DeviceError`."""


def shown(sign: str, place: Place, data: bytes) -> str:
    """What a host did, in words."""
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
    """The part of a value that is compared; None if nothing of it is."""
    cut = varies.get(place[0], bytes)
    return None if cut is None else cut(data)


async def readings_of(
    capture: Capture, driver: Driver, secret: bytes | None, story: Story | None, varies: Varies, clock: FastClock
) -> list[Reading]:
    """Run a driver through a capture; its readings. Raises as `replay` says."""
    connection, store = Replayed(capture, clock, varies), MemoryStore()
    conversation = Conversation(connection, zone=capture.zone, now=clock.now)
    session = Session(name=capture.name, secret=secret, since=capture.since, erase=capture.erase)
    for uuid in capture.subscribed:
        connection.subscribed_before(uuid)
        await conversation.subscribe(uuid)
    sending = asyncio.ensure_future(connection.send())
    try:
        if story is not None:
            await story(conversation, session, store.commit)
        else:
            if capture.opened:
                await meet(driver, conversation, session, store.commit)
            await collect(driver, conversation, session, store.commit)
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
    """A connection whose other end is a capture; for `session.Conversation`."""

    def __init__(self, capture: Capture, clock: FastClock, varies: Varies) -> None:
        self.lost = asyncio.Event()
        self._capture, self._clock, self._varies = capture, clock, varies
        self._host = [line for line in capture.lines if line.sign in HOST]
        self._next = 0
        """Position in `_host` of what the driver must do next."""
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
        """Note that a characteristic is subscribed to already, which no line says."""
        self._subscribed_before.add(characteristic)

    async def send(self) -> None:
        """Send what the band sent, each line when its time has come and the host has done what stands above it."""
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
        """The capture's line for what the driver does, after the time that it took.

        Raises the error that the line gives, and `AssertionError` where the capture has something else here.
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
        """Raises `AssertionError` unless the conversation ended here in the capture too, and with the same `error`."""
        if self._deviation is not None:
            raise self._deviation
        if error is None and self._next < len(self._host):
            line = self._host[self._next]
            raise AssertionError(
                f"line {line.number}: the host {shown(line.sign, line.place, line.data)}; the driver had ended"
            )
        ended = self._capture.ended
        if ended not in {"well", "cut"} and error != ended:
            raise AssertionError(f"the conversation ended with {ended}; the driver's with {error or 'no error'}")
