"""Captures (`hipsync.capture`) against both ends of the wire.

    readings = replay(capture(path), DRIVER)        the driver says what the host said, and this is what it made of it
    replay(capture(path), band)                     the simulated band says what the band said

Whatever differs is an `AssertionError` that names the line and both byte strings. Times are virtual: nothing waits.

**The driver** is given what the band said when it said it, each time after all that the host had done before; it must
do what the host did, in that order, to the end. It runs `open` and `sync`, or `sync` alone where the login is left out,
or a `story` of the caller's: `nudge`, or a part of a published log that is no whole conversation.

**The simulated band** is given what the host did, when it did it. What it answers to reads, and what it notifies on
each characteristic, must come in the same order and be the same, whenever it comes: another band is faster. A band is
made of what the driver read::

    readings = replay(told, DRIVER)
    life = [reading for reading in readings if isinstance(reading, Epoch)]
    replay(told, MyBand(life, now=told.start, zone=told.zone), varies={BATTERY: None, CLOCK: lambda data: data[:4]})

Deterministic are: refusals and acknowledgements, what a memory holds, how it is cut into packets. Not: levels of
batteries, running counters, challenges, versions, and whatever comes by itself. `varies` names those by characteristic,
with a function that gives the part to compare, or None for no part of it, then not even whether it comes. It works for
the driver's writes too. `streams` are characteristics whose notifications are one run of bytes, however it is cut.
Where the login is left out, `login` is a driver with a key of the caller's, which logs in before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import overload

from hipsync.capture import HOST, Capture, Line, Place, capture_of
from hipsync.clock import FastClock
from hipsync.driver import Driver, Session
from hipsync.errors import DeviceError, LinkLost, NoReply, NotAuthorised
from hipsync.model import Reading
from hipsync.session import Commit, Conversation, collect, meet
from hipsync.simulated import HangUp, Refused, SimulatedBand
from hipsync.testing.direct import DirectConnection, Kept, run

Varies = Mapping[str, Callable[[bytes], bytes] | None]
"""By characteristic: the part of a value that is compared; None compares nothing."""

Story = Callable[[Conversation, Session, Commit], Awaitable[object]]
"""What is done in the conversation, in place of `open` and `sync`."""

ERRORS: Mapping[str, type[DeviceError]] = {kind.__name__: kind for kind in (LinkLost, NoReply, NotAuthorised)}
"""What a radio raises, besides `DeviceError` itself."""

PATIENCE = timedelta(seconds=30)
"""After the last line, for a band that is slower than the one that was recorded."""


def capture(path: str | Path) -> Capture:
    """A capture from its file. Raises `ValueError`, which names file and line, and `OSError`."""
    try:
        return capture_of(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


@overload
def replay(
    told: Capture,
    end: Driver,
    *,
    secret: bytes | None = None,
    story: Story | None = None,
    varies: Varies | None = None,
) -> list[Reading]: ...


@overload
def replay(
    told: Capture,
    end: SimulatedBand,
    *,
    varies: Varies | None = None,
    streams: Collection[str] = (),
    login: tuple[Driver, bytes] | None = None,
) -> None: ...


def replay(
    told: Capture,
    end: Driver | SimulatedBand,
    *,
    secret: bytes | None = None,
    story: Story | None = None,
    varies: Varies | None = None,
    streams: Collection[str] = (),
    login: tuple[Driver, bytes] | None = None,
) -> list[Reading] | None:
    """Raises `AssertionError` where either end differs from the capture, and what the driver raises of itself.

    A conversation that ended in an error must do so again; then what came before it is returned.
    """
    if isinstance(end, Driver):
        return run(lambda clock: _driver(told, end, secret, story, varies or {}, clock), told.start)
    _band(told, end, varies or {}, streams, login)
    return None


def _shown(sign: str, place: Place, data: bytes) -> str:
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


def _part(place: Place, data: bytes, varies: Varies) -> bytes | None:
    """What is compared of a value."""
    part = varies.get(place[0], bytes)
    return None if part is None else part(data)


# ------------------------------------------------------------------ the driver


async def _driver(
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
            raise self._deviated(f"after the last line the driver {_shown(sign, place, data)}")
        said, wanted = _part(place, data, self._varies), _part(line.place, line.data, self._varies)
        same_data = sign not in {">", ">!"} or said == wanted
        if (sign, place) != (line.sign, line.place) or not same_data:
            raise self._deviated(
                f"line {line.number}: the host {_shown(line.sign, line.place, line.data)}; "
                f"the driver {_shown(sign, place, data)}"
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
                f"line {line.number}: the host {_shown(line.sign, line.place, line.data)}; the driver had ended"
            )
        ended = self._told.ended
        if ended not in {"well", "cut"} and error != ended:
            raise AssertionError(f"the conversation ended with {ended}; the driver's with {error or 'no error'}")


# ------------------------------------------------------------------ the simulated band


LONG = 64
"""Bytes: more are not shown of a value."""
LOGIN = timedelta(minutes=1)
"""Before the capture; a simulated band asks for no tap."""


async def _logged_in(told: Capture, band: SimulatedBand, login: tuple[Driver, bytes], clock: FastClock) -> None:
    connection = DirectConnection(band, clock.now, mtu=told.write_size + 3)
    driver, secret = login
    conversation = Conversation(connection, zone=told.zone, now=clock.now)
    await meet(driver, conversation, Session(name=told.name, secret=secret), Kept().commit)
    connection.leave()


def _band(
    told: Capture,
    band: SimulatedBand,
    varies: Varies,
    streams: Collection[str],
    login: tuple[Driver, bytes] | None,
) -> None:
    said: dict[str, list[bytes]] = {}
    subscribed = set(told.subscribed)
    services = {each.uuid: service.uuid for service in reversed(band.services()) for each in service.characteristics}

    def hear(until: datetime) -> None:
        while (wake := band.wake_at()) is not None and wake < until:
            listen(max(wake, told.start))
            if band.wake_at() == wake:
                break
        listen(until)

    def listen(now: datetime) -> None:
        for event in band.advance(now):
            if not isinstance(event, HangUp) and event.characteristic in subscribed:
                said.setdefault(event.characteristic, []).append(event.data)

    if login is None:
        band.mtu = told.write_size + 3
        band.connected(told.start)
    else:
        run(lambda clock: _logged_in(told, band, login, clock), told.start - LOGIN)
    for uuid in told.subscribed:
        band.on_subscribe(uuid, True, told.start)
    now = told.start
    for line in told.lines:
        now = max(now, told.start + line.at)
        hear(now)
        if line.sign in HOST and line.sign != "bond":
            (subscribed.add if line.sign == "+" else subscribed.discard if line.sign == "-" else bool)(line.place[0])
            _host(line, band, services, varies, now)
            listen(now)
    hear(now + PATIENCE)
    band.disconnected(now + PATIENCE)
    _same(_joined(told.lines, streams), {**said, **{each: [b"".join(said.get(each, []))] for each in streams}}, varies)


def _host(line: Line, band: SimulatedBand, services: Mapping[str, str], varies: Varies, now: datetime) -> None:
    """Do what the host did; the band must answer as it did."""
    uuid, service = line.place[0], line.place[1] or services.get(line.place[0])
    refused = False
    answer = b""
    if service is None:
        raise AssertionError(f"line {line.number}: the simulated band has no characteristic {uuid}")
    try:
        match line.sign:
            case "+" | "-":
                band.on_subscribe(uuid, line.sign == "+", now)
            case "=":
                answer = band.read(uuid, service, now)
            case _:
                band.write(uuid, service, line.data, now)
    except Refused:
        refused = line.sign != ">"
    if refused != (line.error is not None):
        raise AssertionError(
            f"line {line.number}: the band {'answered' if refused else 'refused'}, the simulated one did not"
        )
    if line.sign == "=" and not refused and _part(line.place, answer, varies) != _part(line.place, line.data, varies):
        raise AssertionError(f"line {line.number}: read from {uuid}, the band said {_both(line.data, answer)}")


def _joined(lines: Sequence[Line], streams: Collection[str]) -> list[Line]:
    """The lines with all that was notified on a stream in the first of its own."""
    joined: list[Line] = []
    at: dict[str, int] = {}
    for line in lines:
        uuid = line.place[0]
        if line.sign != "<" or uuid not in streams:
            joined.append(line)
        elif uuid in at:
            joined[at[uuid]] = joined[at[uuid]]._replace(data=joined[at[uuid]].data + line.data)
        else:
            at[uuid] = len(joined)
            joined.append(line)
    return joined


def _both(band: bytes, simulated: bytes | None) -> str:
    """Both, from a little before the first difference on if they are long."""
    if simulated is None:
        return f"{band.hex()}; the simulated one nothing"
    at = next((i for i, (a, b) in enumerate(zip(band, simulated, strict=False)) if a != b), 0)
    begin = max(at - 8, 0) if max(len(band), len(simulated)) > LONG else 0
    end = begin + LONG
    where = f" (from byte {begin} on)" if begin or end < len(band) else ""
    return f"{band[begin:end].hex()}; the simulated one {simulated[begin:end].hex()}{where}"


def _same(lines: Sequence[Line], said: Mapping[str, Sequence[bytes]], varies: Varies) -> None:
    """On each characteristic the same notifications in the same order."""
    heard = {uuid: list(values) for uuid, values in said.items() if varies.get(uuid, bytes) is not None}
    for line in lines:
        uuid = line.place[0]
        if line.sign != "<" or varies.get(uuid, bytes) is None:
            continue
        value = heard[uuid].pop(0) if heard.get(uuid) else None
        if value is None or _part(line.place, value, varies) != _part(line.place, line.data, varies):
            raise AssertionError(f"line {line.number}: on {uuid} the band said {_both(line.data, value)}")
    for uuid, values in heard.items():
        if values:
            raise AssertionError(f"after the last line the simulated band said {values[0].hex()} on {uuid}")
