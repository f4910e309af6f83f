"""What simulated bands share: time, a wall clock, a client, faults, and a wearer who walks.

A simulated band is put together from these parts, and none of them knows a family. What the band counts, answers and
sends is its own::

    self._time = Time(given["now"], self._coming)                up to when the band has lived
    self.wall_clock = WallClock(self._time, given)               what it takes for the time
    self._client = Client(self._time, self._live, ...)           who is connected, and what waits to be sent
    self._walk = walk(life)                                      the steps that its wearer will take
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import NamedTuple, NotRequired, TypedDict
from zoneinfo import ZoneInfo

from hipsync.model import MINUTE, Epoch
from hipsync.simulated import Characteristic, HangUp, Notification, Property, Refused

READ_NOT_PERMITTED, WRITE_NOT_PERMITTED, REQUEST_NOT_SUPPORTED = 0x02, 0x03, 0x06
INVALID_LENGTH, UNLIKELY_ERROR, OUT_OF_RANGE = 0x0D, 0x0E, 0xFF
"""ATT error codes (Bluetooth Core Specification, volume 3, part F, 3.4.1.1, and its supplement, part B)."""
BOOT = datetime(2000, 1, 1)  # noqa: DTZ001  a wall clock
"""Where the wall clock of many bands begins after it was lost."""
GAIT = timedelta(seconds=2)
"""How often the steps of a walk are counted; real bands report about once a second."""


class Given(TypedDict):
    """The keywords that make a band of any family, besides its wearer's life and what its own constructor names."""

    now: datetime
    zone: ZoneInfo
    secret: NotRequired[bytes | None]
    clock_error: NotRequired[timedelta]
    """How far the band's clock is ahead of the wearer's; 0 by default."""


# ------------------------------------------------------------------ time


Event = tuple[datetime, Callable[[], None]]
"""When something will happen, and what to call then."""


class Time:
    """The instant up to which a band has lived, and what comes next in its life."""

    def __init__(self, now: datetime, coming: Callable[[], Iterable[Event]]) -> None:
        self.now = now
        self._coming = coming

    def pass_until(self, end: datetime) -> None:
        """Let everything happen that comes by `end`, in order of time; each event may change what comes next.

        Of events at the same instant the first in `coming` happens first.
        """
        while (event := self._next()) is not None and event[0] <= end:
            self.now = max(self.now, event[0])
            event[1]()
        self.now = max(self.now, end)

    def next_at(self) -> datetime | None:
        """When the next event comes; None if there will be none."""
        event = self._next()
        return None if event is None else event[0]

    def _next(self) -> Event | None:
        return min(self._coming(), key=itemgetter(0), default=None)


class WallClock:
    """A band's own clock: local time by its last setting. It knows neither zone nor summer time."""

    def __init__(self, time: Time, given: Given) -> None:
        self._time = time
        offset = given["now"].astimezone(given["zone"]).utcoffset() or timedelta()
        self._ahead = offset + given.get("clock_error", timedelta())
        """How far the clock is ahead of UTC."""

    def __call__(self, at: datetime | None = None) -> datetime:
        """What the clock shows at an instant, or now; without a zone."""
        return (self._time.now if at is None else at).replace(tzinfo=None) + self._ahead

    def instant(self, wall: datetime) -> datetime:
        """The instant at which the clock shows `wall`, unless it is set before."""
        return (wall - self._ahead).replace(tzinfo=UTC)

    def set(self, wall: datetime) -> None:
        self._ahead = wall - self._time.now.replace(tzinfo=None)


# ------------------------------------------------------------------ the client


@dataclass(slots=True)
class Faults:
    """What goes wrong on the air, by the number of a packet. Each family says where its numbers begin."""

    lose: set[int] = field(default_factory=set[int])
    double: set[int] = field(default_factory=set[int])
    stall_at: int | None = None
    """From this packet on the band is silent."""
    hang_up_at: int | None = None

    def copies(self, number: int) -> int:
        """How often a packet arrives."""
        return 0 if number in self.lose else 2 if number in self.double else 1


class Client:
    """The client of a band: what it may read and write, what it subscribed to, and what waits to be sent to it.

    Its methods are those of a `hipsync.simulated.SimulatedBand`, and those of a `ClientBand` call them. Each first calls
    `live`, which lets the band live until now.
    """

    def __init__(
        self,
        time: Time,
        live: Callable[[datetime], None],
        readable: Callable[[], Mapping[str, bytes]] = dict[str, bytes],
        writable: Mapping[str, Callable[[bytes], None]] | None = None,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        self._time, self._live = time, live
        self._readable, self._writable = readable, writable or {}
        """By characteristic: the values that can be read now, and what to call with a value that is written."""
        self._forget = forget
        """Called when a connection begins or ends: the band forgets what belongs to one."""
        self.subscribed: set[str] = set()
        self.sent = 0
        """Notifications since the connection began, lost ones included."""
        self._waiting: list[tuple[datetime, Notification | HangUp]] = []

    def connected(self, now: datetime) -> None:
        self._live(now)
        self.forget()

    disconnected = connected

    def forget(self) -> None:
        """Forget all that belongs to one connection, in the client and in the band."""
        self.subscribed.clear()
        self._waiting.clear()
        self.sent = 0
        self._forget()

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        self._live(now)
        (self.subscribed.add if subscribed else self.subscribed.discard)(characteristic)

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        del service
        self._live(now)
        values = self._readable()
        if characteristic not in values:
            raise Refused(READ_NOT_PERMITTED)
        return values[characteristic]

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        del service
        self._live(now)
        if characteristic not in self._writable:
            raise Refused(WRITE_NOT_PERMITTED)
        self._writable[characteristic](data)

    def send(
        self, characteristic: str, data: bytes, *, after: timedelta = timedelta(), faults: Faults | None = None
    ) -> None:
        """Queue a notification, if the client subscribed to it. `faults` number them from 0 in each connection."""
        if characteristic not in self.subscribed:
            return
        number, self.sent, faults = self.sent, self.sent + 1, faults or Faults()
        if number == faults.hang_up_at:
            self.hang_up()
        elif faults.stall_at is None or number < faults.stall_at:
            notification = (self._time.now + after, Notification(characteristic, data))
            self._waiting += [notification] * faults.copies(number)

    def hang_up(self) -> None:
        """End the connection after what already waits."""
        self._waiting.append((self._time.now, HangUp()))

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        self._live(now)
        now = self._time.now
        due = [each for at, each in self._waiting if at <= now]
        self._waiting = [(at, each) for at, each in self._waiting if at > now]
        return due

    def wake_at(self) -> datetime | None:
        """When the band next has something to send, at the earliest; None if nobody subscribed to anything."""
        if self._waiting:
            return min(at for at, _ in self._waiting)
        return self._time.next_at() if self.subscribed else None


class ClientBand:
    """The side of a simulated band that faces its connection: what `SimulatedBand` asks of it, done by a `Client`.

    These are methods, not attributes, so that a family or a test overrides the ones to which it has something to add.
    """

    _client: Client

    def connected(self, now: datetime) -> None:
        self._client.connected(now)

    def disconnected(self, now: datetime) -> None:
        self._client.disconnected(now)

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        self._client.on_subscribe(characteristic, subscribed, now)

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        return self._client.read(characteristic, service, now)

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        self._client.write(characteristic, service, data, now)

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        return self._client.advance(now)

    def wake_at(self) -> datetime | None:
        return self._client.wake_at()


def can(uuid: str, *properties: Property) -> Characteristic:
    """A characteristic, and what a client can do with it."""
    return Characteristic(uuid, frozenset(properties))


# ------------------------------------------------------------------ the wearer


class Walked(NamedTuple):
    """Steps that are counted at one instant; they were walked in the two seconds before it."""

    at: datetime
    steps: int


def walk(life: Sequence[Epoch]) -> deque[Walked]:
    """The steps of a life in order, spread evenly over each epoch; the last of an epoch are counted at its end."""
    counted = (
        Walked(epoch.start + part * GAIT, count)
        for epoch in life
        if epoch.steps
        for part, count in enumerate(shares(epoch.steps, epoch.length // GAIT), 1)
        if count
    )
    return deque(sorted(counted))


def shares(total: int, parts: int) -> list[int]:
    """A number of steps in so many almost equal parts, which add up to it."""
    return [total * (part + 1) // parts - total * part // parts for part in range(parts)]


def minutes(life: Sequence[Epoch]) -> deque[Epoch]:
    """The minutes of a life in order; the steps of a longer epoch lie in its last minute."""
    out: list[Epoch] = []
    for epoch in life:
        still = [
            epoch._replace(start=epoch.start + i * MINUTE, length=MINUTE, steps=0)
            for i in range(epoch.length // MINUTE)
        ]
        out += [*still[:-1], still[-1]._replace(steps=epoch.steps)] if still else []
    return deque(sorted(out, key=lambda epoch: epoch.start))
