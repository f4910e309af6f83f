"""Records one connection for `hipsync sync --record`, and removes what identifies the band or its owner.

A `Recording` stands between a driver and its connection, and keeps what passes in memory, up to `MOST_LINES`. A longer
capture ends there, and says so. The one rule: only `Recording.capture` may leave this machine. That capture replaces:

| what | by what |
|---|---|
| the login of a band that has a key | nothing: everything up to the end of the login is left out, because a challenge and its answer let anybody try keys at leisure. The later conversation stays as it was, encrypted if the band encrypts it |
| the login of a family that seals, and whatever it seals (`Driver.sealed`) | the messages as its driver has opened them (`Session.opened`), on a characteristic that no band has |
| the key, wherever else its bytes occur | zeros |
| the band's address, as bytes in either order, within a System ID, or as text | zeros; in text the digit 0 |
| its serial number, and the values of the characteristics Serial Number, System ID and Device Name | the same |
| the name that the user gave to the band | nothing |
| the name that the band advertises | nothing (`without_name`), unless the driver needs the name: then the digits of an address at its end become zeros |
| the text of an error | the name of its class |

The band's readings stay with their times. So does what the host wrote: the clock, the zone and its requests. A value
that was changed keeps its length, but a checksum over it no longer fits.
"""  # noqa: E501  a table

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from hipsync.conversation.capture import Capture, Line, Place
from hipsync.conversation.session import Connection
from hipsync.driver import OPENED, Abilities, Dialogue, Driver, Link, Message, Session
from hipsync.errors import DeviceError
from hipsync.model import Answer, Info, Reading

T = TypeVar("T")

MOST_LINES = 200_000
"""The most lines in a capture. A month of minutes in packets of 20 bytes takes a tenth of them."""
SERIAL_NUMBER, SYSTEM_ID, DEVICE_NAME = (
    f"0000{short}-0000-1000-8000-00805f9b34fb" for short in ("2a25", "2a23", "2a00")
)
OPENED_PLACE: Place = (OPENED, None)
SHORTEST_REDACTED = 4
"""The length of the shortest text that is removed wherever it occurs. Shorter ones occur by chance."""


class Recording:
    """Records one connection. The service uses what `connection` and `driver` return in place of their arguments."""

    def __init__(self, address: str | None, now: Callable[[], datetime]) -> None:
        self.address, self.now = address, now
        self._connection: Recorded | None = None
        self._driver_key = ""
        self._session, self._zone = Session(), ZoneInfo("UTC")
        self._logged_in = False
        self._ended = "cut"
        self._serials: set[str] = set()
        self._is_sealed = False

    def connection(self, connection: Connection) -> Connection:
        """Return the connection to use in place of this one."""
        self._connection = Recorded(connection, self.now)
        return self._connection

    def driver(self, driver: Driver) -> Driver:
        """Return the driver to use in place of this one. It lets the recording know when the login is over."""
        begin = driver.begin
        if begin is not None:

            def begun(link: Link, session: Session) -> Dialogue:
                return _Noted(self, driver, begin, link, session)

            return replace(driver, begin=begun)

        async def opened(link: Link, session: Session) -> Sequence[Reading]:
            self.begun(driver, link, session)
            return await self.opened(driver.open(link, session), last=driver.sync is None)

        async def synced(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
            if driver.sync is not None:
                async with contextlib.aclosing(self.synced(driver.sync(link, session))) as batches:
                    async for batch in batches:
                        yield batch

        return replace(driver, open=opened, sync=None if driver.sync is None else synced)

    def begun(self, driver: Driver, link: Link, session: Session) -> None:
        """Note which driver talks, and with what it was given."""
        self._driver_key, self._session, self._zone = driver.key, session, link.zone
        self._is_sealed = driver.sealed
        if driver.sealed and self._connection is not None:
            self._connection.seal()

    def opened_message(self, sign: str, data: bytes) -> None:
        """Record a message that a driver has opened; `sign` is ">" if it is the host's, and "<" if it is the band's."""
        if self._connection is not None and self._is_sealed:
            self._connection.opened(sign, data)

    def note_secret(self, secret: bytes) -> None:
        """Note a secret that was born in the recorded connection, which is then left out as any key is."""
        self._session = replace(self._session, secret=secret)

    async def opened(self, login: Awaitable[Sequence[Reading]], *, last: bool) -> Sequence[Reading]:
        """Await a login, and return what it returns. `last` says that nothing else of the driver is recorded."""
        with self._noting_end(last=last):
            readings = await login
            self._read(readings)
        self._logged_in = True
        if self._connection is not None and self._session.secret is not None and not self._is_sealed:
            self._connection.forget()
        return readings

    async def synced(self, batches: AsyncGenerator[Sequence[Reading], None]) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield what a fetch yields, which is the last that is recorded."""
        with self._noting_end(last=True):
            async with contextlib.aclosing(batches):
                async for batch in batches:
                    self._read(batch)
                    yield batch

    def _read(self, readings: Iterable[Reading]) -> None:
        self._serials |= {each.serial for each in readings if isinstance(each, Info) and each.serial}

    @contextlib.contextmanager
    def _noting_end(self, *, last: bool) -> Generator[None, None, None]:
        """Record how the block ends. Stop recording after an error, or if this is the `last` part of a sync."""
        try:
            yield
        except DeviceError as error:
            self.stop(type(error).__name__)
            raise
        except BaseException:  # the block was cancelled, or what it read could not be stored
            self.stop("cut")
            raise
        if last:
            self.stop("well")

    def stop(self, how: str) -> None:
        """End the recording: `well`, `cut`, or by the name of an error."""
        self._ended = how
        if self._connection is not None:
            self._connection.stop()

    @property
    def capture(self) -> Capture | None:
        """What was recorded, redacted; None if the driver was never opened on a connection."""
        if (recorded := self._connection) is None or not self._driver_key:
            return None
        secret = self._session.secret
        whole = Capture(
            driver=self._driver_key,
            start=recorded.start,
            zone=self._zone,
            lines=recorded.lines if self._logged_in or secret is None or self._is_sealed else (),
            write_size=recorded.size,
            name=self._session.name,
            opened=secret is None or self._is_sealed,
            subscribed=recorded.subscribed,
            since=self._session.since,
            erase=self._session.erase,
            has=frozenset(place for place, there in recorded.asked.items() if there),
            has_not=frozenset(place for place, there in recorded.asked.items() if not there),
            ended="cut" if recorded.cut else self._ended,
        )
        return redacted(whole, key=secret, address=self.address, serials=self._serials)


class _Noted:
    """A dialogue that passes every call on to another one, and lets a recording know of it."""

    def __init__(
        self,
        recording: Recording,
        driver: Driver,
        begin: Callable[[Link, Session], Dialogue],
        link: Link,
        session: Session,
    ) -> None:
        self._recording, self._keep = recording, session.keep
        recording.begun(driver, link, session)
        self._inner = begin(link, replace(session, keep=self._kept, opened=recording.opened_message))

    async def _kept(self, secret: bytes) -> None:
        self._recording.note_secret(secret)
        await self._keep(secret)

    @property
    def abilities(self) -> Abilities:
        return self._inner.abilities

    async def listen(self) -> None:
        await self._inner.listen()

    async def open(self) -> Sequence[Reading]:
        readings = await self._recording.opened(self._inner.open(), last=False)
        if self.abilities.history is None:
            self._recording.stop("well")
        return readings

    def sync(self) -> AsyncGenerator[Sequence[Reading], None]:
        return self._recording.synced(self._inner.sync())

    def watch(self) -> AsyncGenerator[Sequence[Reading], None]:
        return self._inner.watch()

    async def nudge(self, message: Message) -> Answer | None:
        return await self._inner.nudge(message)


class Recorded:
    """A connection that passes every call on to another one, and records it."""

    def __init__(self, connection: Connection, now: Callable[[], datetime]) -> None:
        self._inner, self._now = connection, now
        self.start = _to_the_millisecond(now())
        self.size = connection.write_size
        self.lines: list[Line] = []
        self.subscribed: frozenset[str] = frozenset()
        """The characteristics that the host is subscribed to at the start of the recording."""
        self.asked: dict[Place, bool] = {}
        """For each characteristic that the driver asked about, whether the band has it."""
        self.cut = self._stopped = self._sealed = False

    def seal(self) -> None:
        """Record nothing but opened messages."""
        self.lines.clear()
        self.asked = {(OPENED, None): True}
        self._sealed = True

    def opened(self, sign: str, data: bytes) -> None:
        """Record an opened message. The recording begins with the first one, as if the host had subscribed to them."""
        if not self.lines and not self._stopped:
            self.start = _to_the_millisecond(self._now())
            self._append(Line(self._at(), "+", OPENED_PLACE))
        self._append(Line(self._at(), sign, OPENED_PLACE, data))

    def forget(self) -> None:
        """Discard all lines and start the recording again from now, with the present subscriptions."""
        for line in self.lines:
            if line.sign == "+" and line.error is None:
                self.subscribed |= {line.place[0]}
            elif line.sign == "-":
                self.subscribed -= {line.place[0]}
        self.lines.clear()
        self.start, self.cut = _to_the_millisecond(self._now()), False

    def stop(self) -> None:
        """Stop recording. If the connection is lost by then, add a last line that says so."""
        if self.lost.is_set():
            self._append(Line(self._at(), "lost"))
        self._stopped = True

    @property
    def lost(self) -> asyncio.Event:
        return self._inner.lost

    @property
    def write_size(self) -> int:
        return self._inner.write_size

    def has(self, characteristic: str, service: str | None = None) -> bool:
        there = self._inner.has(characteristic, service)
        if not self._stopped and not self._sealed:
            self.asked[characteristic, service] = there
        return there

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        return await self._recorded("=", (characteristic, service), self._inner.read(characteristic, service))

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        work = self._inner.write(characteristic, data, response, service)
        await self._recorded(">!" if response else ">", (characteristic, service), work, data)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        def arrived(data: bytes) -> None:
            self._append(Line(self._at(), "<", (characteristic, None), bytes(data)))
            callback(data)

        await self._recorded("+", (characteristic, None), self._inner.start_notify(characteristic, arrived))

    async def stop_notify(self, characteristic: str) -> None:
        await self._recorded("-", (characteristic, None), self._inner.stop_notify(characteristic))

    async def bond(self) -> None:
        await self._recorded("bond", ("", None), self._inner.bond())

    def _at(self) -> timedelta:
        return _to_the_millisecond(self._now()) - self.start

    def _append(self, line: Line) -> int | None:
        """Append a line and return its position. Returns None if recording has stopped or the capture is full."""
        if self._stopped or self.cut or (self._sealed and line.place != OPENED_PLACE and line.sign != "lost"):
            return None
        if len(self.lines) >= MOST_LINES:
            self.cut = True
            return None
        self.lines.append(line)
        return len(self.lines) - 1

    async def _recorded(self, sign: str, place: Place, work: Awaitable[T], written: bytes = b"") -> T:
        """Await `work`, an action of the host, and return its result.

        The line for it is appended when it begins, and completed when it ends.
        """
        line = Line(self._at(), sign, place, written)
        position = self._append(line)
        try:
            result = await work
        except DeviceError as error:
            self._complete(position, line._replace(error=type(error).__name__))
            raise
        except asyncio.CancelledError:  # the link was lost, or a deadline has passed
            self._complete(position, line._replace(error="LinkLost" if self.lost.is_set() else "NoReply"))
            raise
        read = result if isinstance(result, bytes) else written
        self._complete(position, line._replace(data=read))
        return result

    def _complete(self, position: int | None, line: Line) -> None:
        if position is not None and position < len(self.lines):
            self.lines[position] = line._replace(took=max(self._at() - line.at, timedelta()))


# ------------------------------------------------------------------ what is taken out


def redacted(capture: Capture, *, key: bytes | None, address: str | None, serials: Collection[str]) -> Capture:
    """Return a capture without what identifies the band, as the table at the top of this module says.

    `key` and `address` are None if the band has none. `serials` are the serial numbers that it reported.
    """
    secrets = [*_keys(key), *_addresses(address), *(form for serial in serials for form in _texts(serial))]

    def without(line: Line) -> Line:
        if line.sign == "=" and line.place[0] in {SERIAL_NUMBER, SYSTEM_ID, DEVICE_NAME}:
            return line._replace(data=_blank(line.data, text=line.place[0] != SYSTEM_ID))
        data = line.data
        for form, text in secrets:
            data = data.replace(form, _blank(form, text=text))
        return line._replace(data=data)

    return replace(
        capture,
        lines=[without(line) for line in capture.lines],
        name=re.sub(r"(?<=[ _-])[0-9A-Fa-f:]{4,}$", lambda digits: "0" * len(digits[0]), capture.name),
        notes={**capture.notes, "redacted": "login with a key, key, address, serial number, the band's names"},
    )


def without_name(capture: Capture) -> Capture:
    """Return a capture without the name that the band advertises."""
    return replace(capture, name="")


Form = tuple[bytes, bool]
"""Bytes to remove, and whether they are text."""


def _blank(data: bytes, *, text: bool) -> bytes:
    return (b"0" if text else b"\0") * len(data)


def _keys(key: bytes | None) -> list[Form]:
    return [] if key is None else [(key, False), (key[::-1], False), *_texts(key.hex())]


def _addresses(address: str | None) -> list[Form]:
    """Return all forms of a Bluetooth address to remove. For None and for an identifier of macOS there are none.

    A band cannot send such an identifier, because only its host knows it.
    """
    digits = (address or "").replace(":", "")
    if not re.fullmatch("[0-9A-Fa-f]{12}", digits):
        return []
    octets = bytes.fromhex(digits)
    system_id = octets[:3] + b"\xff\xfe" + octets[3:]
    forms = [octets, octets[::-1], system_id, system_id[::-1]]
    written = [order.hex(mark) if mark else order.hex() for order in (octets, octets[::-1]) for mark in ("", *":-_ ")]
    return [*((form, False) for form in forms), *(form for text in written for form in _texts(text))]


def _texts(text: str) -> list[Form]:
    forms = dict.fromkeys((text, text.lower(), text.upper()))
    return [(form.encode(), True) for form in forms if len(form) >= SHORTEST_REDACTED]


def _to_the_millisecond(instant: datetime) -> datetime:
    """Return the last whole millisecond up to an instant: the replay's clock then shows the one that the host's did."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
