"""What simulated bands share: time, a wall clock, a client, faults, and a wearer who walks.

A simulated band is put together from these parts, none of which knows any family. What a band counts, answers and sends
is written in its family's own `sim.py`::

    self._time = Time(given["now"], self._coming)                the instant up to which the band has lived
    self.wall_clock = WallClock(self._time, given)               the band's own clock, which may be wrong
    self._client = Client(self._time, self._live, ...)           the connected client, and what waits to be sent to it
    self._walk = walk(life)                                      the steps that the wearer will take
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, NotRequired, TypedDict
from zoneinfo import ZoneInfo

from hipsync.model import MINUTE, Epoch
from hipsync.simulated import Characteristic, HangUp, Notification, Property, Refused

READ_NOT_PERMITTED, WRITE_NOT_PERMITTED, REQUEST_NOT_SUPPORTED = 0x02, 0x03, 0x06
INVALID_LENGTH, UNLIKELY_ERROR, OUT_OF_RANGE = 0x0D, 0x0E, 0xFF
"""ATT error codes (Bluetooth Core Specification, volume 3, part F, 3.4.1.1, and its supplement, part B)."""
BOOT = datetime(2000, 1, 1)  # noqa: DTZ001  a wall clock
"""The wall-clock time, without a zone, at which many bands start again after a restart that cleared their clock."""
FIRST, LAST = datetime(1900, 1, 1), datetime(9900, 1, 1)  # noqa: DTZ001  wall clocks
"""The range of wall-clock times to which a client can set a simulated band; Python reckons up to the year 9999 only."""
GAIT = timedelta(seconds=2)
"""The interval at which a simulated band counts the steps of a walk; real bands report about once a second."""


class Given(TypedDict):
    """The keyword arguments that the simulated bands of all families share; `secret` is None for a band without a key.

    The life of the wearer comes before them, and each family may add keywords of its own.
    """

    now: datetime
    zone: ZoneInfo
    secret: NotRequired[bytes | None]
    clock_error: NotRequired[timedelta]
    """How far the band's clock is ahead of the wearer's; 0 by default."""


# ------------------------------------------------------------------ time


Event = tuple[datetime, Callable[[], None]]
"""The instant at which something will happen to a simulated band, and the function to call then."""


class Time:
    """The instant up to which a simulated band has lived, and the events that come next.

    `coming` is called before each event and returns the events to come; several at one instant run in its order.
    """

    def __init__(self, now: datetime, coming: Callable[[], Sequence[Event]]) -> None:
        self.now = now
        self._coming = coming

    def pass_until(self, end: datetime) -> None:
        """Run all events up to and including `end` in order of time, then set `now` to `end` if it is not later yet.

        Each event may change what comes next. Of several events at one instant, the one listed first runs first.
        """
        while (event := self._next()) is not None and event[0] <= end:
            self.now = max(self.now, event[0])
            event[1]()
        self.now = max(self.now, end)

    def next_at(self) -> datetime | None:
        """Return the instant of the next event; None if no event is to come."""
        event = self._next()
        return None if event is None else event[0]

    def _next(self) -> Event | None:
        coming = self._coming()
        return coming[0] if len(coming) == 1 else min(coming, key=itemgetter(0), default=None)


class WallClock:
    """A band's own clock: it shows the local time that it was last set to, and knows neither zones nor summer time."""

    def __init__(self, time: Time, given: Given) -> None:
        self._time = time
        offset = given["now"].astimezone(given["zone"]).utcoffset() or timedelta()
        self._ahead = offset + given.get("clock_error", timedelta())
        """How far the clock is ahead of UTC."""

    def __call__(self, at: datetime | None = None) -> datetime:
        """Return what the clock shows at an instant, without a zone. If `at` is None, it is the band's present."""
        return (self._time.now if at is None else at).replace(tzinfo=None) + self._ahead

    def instant(self, wall: datetime) -> datetime:
        """Return the instant, in UTC, at which the clock shows `wall` if nobody sets it before then."""
        return (wall - self._ahead).replace(tzinfo=UTC)

    def set(self, wall: datetime) -> None:
        """Set the clock; a time before `FIRST` or after `LAST` counts as these, so that days from then on exist too."""
        self._ahead = min(max(wall, FIRST), LAST) - self._time.now.replace(tzinfo=None)


# ------------------------------------------------------------------ the client


@dataclass(slots=True)
class Faults:
    """What goes wrong with the packets that a simulated band sends, by their numbers; each family says how it numbers.

    Packets in `lose` do not arrive, those in `double` arrive twice, and at `hang_up_at` the band ends the connection.
    """

    lose: set[int] = field(default_factory=set[int])
    double: set[int] = field(default_factory=set[int])
    stall_at: int | None = None
    """From the packet with this number on, the band sends nothing; None if it never falls silent."""
    hang_up_at: int | None = None

    def copies(self, number: int) -> int:
        """Return how many times the packet with this number arrives: 0, 1 or 2."""
        return 0 if number in self.lose else 2 if number in self.double else 1


class Client:
    """The client that is connected to a simulated band: what it may read and write, its subscriptions, its queue.

    The methods that take `now` are those of `hipsync.simulated.SimulatedBand`, and those of a `ClientBand` call them.
    Each of them first calls `live(now)`, which brings the band's life up to that instant.
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
        """Both are by characteristic: `_readable()` returns the values that can be read now, and `_writable` has the
        function to call with a written value."""
        self._forget = forget
        """Called when a connection begins or ends, so that the band forgets what belongs to one connection."""
        self.subscribed: set[str] = set()
        self.sent = 0
        """The number of notifications since the connection began, including those lost on the way."""
        self._waiting: list[tuple[datetime, Notification | HangUp]] = []

    def connected(self, now: datetime) -> None:
        self._live(now)
        self.forget()

    disconnected = connected

    def forget(self) -> None:
        """Forget everything that belongs to one connection, in this object and in the band."""
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
        """Queue a notification for the client, due `after` from now; without a subscription it is dropped.

        `faults` number the notifications from 0 in each connection.
        """
        if characteristic not in self.subscribed:
            return
        number, self.sent, faults = self.sent, self.sent + 1, faults or Faults()
        if number == faults.hang_up_at:
            self.hang_up()
        elif faults.stall_at is None or number < faults.stall_at:
            notification = (self._time.now + after, Notification(characteristic, data))
            self._waiting += [notification] * faults.copies(number)

    def recall(self, characteristic: str, begin: bytes) -> None:
        """Take back the notifications of a characteristic that begin so and are still waiting to be sent."""
        self._waiting = [
            (at, each)
            for at, each in self._waiting
            if isinstance(each, HangUp) or each.characteristic != characteristic or not each.data.startswith(begin)
        ]

    def hang_up(self) -> None:
        """End the connection once the notifications that are already due have been sent."""
        self._waiting.append((self._time.now, HangUp()))

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        self._live(now)
        now = self._time.now
        due = [each for at, each in self._waiting if at <= now]
        self._waiting = [(at, each) for at, each in self._waiting if at > now]
        return due

    def wake_at(self) -> datetime | None:
        """Return the earliest instant at which the band may have something to send.

        None if nothing waits to be sent and either the client has no subscription or no event is to come.
        """
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
    """Return a characteristic with the properties that say what a client may do with it."""
    return Characteristic(uuid, frozenset(properties))


# ------------------------------------------------------------------ the wearer


class Walked(NamedTuple):
    """The steps that a band counts at one instant, which the wearer took in the two seconds before it (`GAIT`)."""

    at: datetime
    steps: int


def walk(life: Sequence[Epoch]) -> deque[Walked]:
    """Return the steps of a life in order of time, counted every `GAIT` and spread evenly over each epoch.

    The last steps of an epoch are counted at its end.
    """
    return deque(sorted(counted for epoch in life if epoch.steps for counted in _steps_of(epoch)))


@lru_cache(maxsize=2**14)
def _steps_of(epoch: Epoch) -> Sequence[Walked]:
    """Return the steps of an epoch, which tests let hundreds of bands live through."""
    parts = enumerate(shares(epoch.steps, epoch.length // GAIT), 1)
    return [Walked(epoch.start + part * GAIT, count) for part, count in parts if count]


def shares(total: int, parts: int) -> list[int]:
    """Split a whole number into `parts` whole numbers that differ by at most one and add up to `total`."""
    return [total * (part + 1) // parts - total * part // parts for part in range(parts)]


def minutes(life: Sequence[Epoch]) -> deque[Epoch]:
    """Split a life into minutes, in order of time; all steps of an epoch go into its last minute."""
    out: list[Epoch] = []
    for epoch in life:
        if epoch.length == MINUTE:
            out.append(epoch)
            continue
        still = [
            epoch._replace(start=epoch.start + i * MINUTE, length=MINUTE, steps=0)
            for i in range(epoch.length // MINUTE)
        ]
        out += [*still[:-1], still[-1]._replace(steps=epoch.steps)] if still else []
    return deque(sorted(out, key=lambda epoch: epoch.start))
