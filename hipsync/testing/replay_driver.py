"""A driver against a capture: it is given what the band said, and must do what the host did."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from hipsync.conversation.capture import HOST, Capture, Line, Place
from hipsync.conversation.session import Commit, Conversation, collect, meet
from hipsync.driver import Driver, Session
from hipsync.errors import DeviceError, LinkLost, NoReply, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import Reading
from hipsync.testing.direct import Kept

Varies = Mapping[str, Callable[[bytes], bytes] | None]
"""By characteristic: the part of a value that is compared; None compares nothing."""

Story = Callable[[Conversation, Session, Commit], Awaitable[object]]
"""What is done in the conversation, in place of `open` and `sync`."""

ERRORS: Mapping[str, type[DeviceError]] = {kind.__name__: kind for kind in (LinkLost, NoReply, NotAuthorised)}
"""What a radio raises, besides `DeviceError` itself."""


def shown(sign: str, place: Place, data: bytes) -> str:
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
    """What is compared of a value."""
    part = varies.get(place[0], bytes)
    return None if part is None else part(data)


async def readings_of(
    told: Capture, driver: Driver, secret: bytes | None, story: Story | None, varies: Varies, clock: FastClock
) -> list[Reading]:
    connection, kept = Replayed(told, clock, varies), Kept()
    conversation = Conversation(connection, zone=told.zone, now=clock.now)
    session = Session(name=told.name, secret=secret, since=told.since, erase=told.erase)
    for uuid in told.subscribed:
        connection.given(uuid)
        await conversation.subscribe(uuid)
    speaking = asyncio.ensure_future(connection.speak())
    try:
        if story is not None:
            await story(conversation, session, kept.commit)
        else:
            if told.opened:
                await meet(driver, conversation, session, kept.commit)
            await collect(driver, conversation, session, kept.commit)
    except DeviceError as error:
        connection.settle(type(error).__name__)
        if told.ended == "well":
            raise
    else:
        connection.settle(None)
    finally:
        speaking.cancel()
        await asyncio.wait({speaking})
    return kept.readings


class Replayed:
    """A `session.Connection` to what is in a capture."""

    def __init__(self, told: Capture, clock: FastClock, varies: Varies) -> None:
        self.lost = asyncio.Event()
        self._told, self._clock, self._varies = told, clock, varies
        self._host = [line for line in told.lines if line.sign in HOST]
        self._next = 0
        self._moved = asyncio.Event()
        self._callbacks: dict[str, Callable[[bytes], None]] = {}
        self._given: set[str] = set()
        self._deviation: AssertionError | None = None

    @property
    def write_size(self) -> int:
        return self._told.write_size

    def has(self, characteristic: str, service: str | None = None) -> bool:
        if service is None:
            return any(characteristic == each for each, _ in self._told.has)
        return (characteristic, service) in self._told.has

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        return (await self._do("=", (characteristic, service))).data

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        await self._do(">!" if response else ">", (characteristic, service), data)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self._callbacks[characteristic] = callback
        if characteristic in self._given:
            self._given.discard(characteristic)
        else:
            await self._do("+", (characteristic, None))

    async def stop_notify(self, characteristic: str) -> None:
        await self._do("-", (characteristic, None))
        self._callbacks.pop(characteristic, None)

    async def bond(self) -> None:
        await self._do("bond", ("", None))

    def given(self, characteristic: str) -> None:
        """It is subscribed to already: no line says so."""
        self._given.add(characteristic)

    async def speak(self) -> None:
        """What the band says, each line when its time has come and the host has done what stands above it."""
        done = 0
        for line in self._told.lines:
            if line.sign in HOST:
                done += 1
                continue
            while self._next < done:
                self._moved.clear()
                await self._moved.wait()
            await self._clock.sleep_until(self._told.start + line.at)
            if line.sign == "lost":
                self.lost.set()
            elif callback := self._callbacks.get(line.place[0]):
                callback(line.data)

    async def _do(self, sign: str, place: Place, data: bytes = b"") -> Line:
        """The line that says so, when it was over. Raises what came of it, and `AssertionError` if no line does."""
        if self.lost.is_set():
            raise LinkLost("the connection has ended")
        line = self._host[self._next] if self._next < len(self._host) else None
        if line is None:
            if self._told.ended == "cut":
                self.lost.set()
                raise LinkLost("the capture was cut here")
            raise self._deviated(f"after the last line the driver {shown(sign, place, data)}")
        said, wanted = part(place, data, self._varies), part(line.place, line.data, self._varies)
        same_data = sign not in {">", ">!"} or said == wanted
        if (sign, place) != (line.sign, line.place) or not same_data:
            raise self._deviated(
                f"line {line.number}: the host {shown(line.sign, line.place, line.data)}; "
                f"the driver {shown(sign, place, data)}"
            )
        self._next += 1
        self._moved.set()
        await self._clock.sleep_until(self._told.start + line.at + line.took)
        if line.error is not None:
            raise ERRORS.get(line.error, DeviceError)(f"line {line.number}: {line.error}")
        return line

    def _deviated(self, what: str) -> AssertionError:
        self._deviation = AssertionError(what)
        return self._deviation

    def settle(self, error: str | None) -> None:
        """The driver is done. Raises `AssertionError` if the capture says that it was not."""
        if self._deviation is not None:
            raise self._deviation
        if error is None and self._next < len(self._host):
            line = self._host[self._next]
            raise AssertionError(
                f"line {line.number}: the host {shown(line.sign, line.place, line.data)}; the driver had ended"
            )
        ended = self._told.ended
        if ended not in {"well", "cut"} and error != ended:
            raise AssertionError(f"the conversation ended with {ended}; the driver's with {error or 'no error'}")
