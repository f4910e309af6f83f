"""A month of somebody's ordinary life, and the service living through it on a virtual clock.

`script(first, days)` returns what happens. `live(script, kinds)` runs the `Service` of `hipsync run` through it, woken
as in the demo, and returns a `Month`: what was shown and what the radio did. The minutes are the script's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Connection
from hipsync.core.exercises import Move
from hipsync.driver import Driver, Session
from hipsync.driver import Link as Port
from hipsync.errors import NoReply
from hipsync.host.clock import FastClock, VirtualTimeLoop
from hipsync.model import Answer, Band, Counter, Epoch, Pause, Prompt, Reading, State, Where
from hipsync.office_day import office_day
from hipsync.registry import drivers, simulator
from hipsync.service.answers import answer_prompt
from hipsync.service.plan import next_wake
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.simulated import SimulatedBand
from hipsync.store import Store
from hipsync.testing.direct import DirectConnection

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HOME = "Europe/London"
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
WRONG = bytes(16)
LIVE = "infinitime"
"""The kind of band that remembers nothing, and sends its count while it is connected."""
STEPS = "00030001-78fc-48fe-8e23-433b3a1942d0"
"""The step counter of InfiniTime: four bytes, little-endian."""
ANSWERS: Sequence[tuple[Answer, timedelta] | None] = (
    (Answer.DONE, timedelta(minutes=2)),
    None,
    (Answer.SNOOZED, timedelta(minutes=1)),
    None,
    (Answer.SKIPPED, timedelta(minutes=3)),
)


class Window(NamedTuple):
    """A time from `start` up to `end`, which is not in it."""

    start: datetime
    end: datetime

    def __contains__(self, instant: object) -> bool:
        return isinstance(instant, datetime) and self.start <= instant < self.end


@dataclass(slots=True)
class Script:
    """What happens in the month, in UTC. Windows in one list do not overlap."""

    life: list[Epoch]
    zones: list[tuple[datetime, str]]
    asleep: list[Window]
    """When the host sleeps."""
    dead: list[Window]
    """When the battery of the first band is empty; the other bands go on."""
    wrong: list[Window]
    """When the keys that the service has are wrong, as after pairing a band with its maker's app."""
    pauses: list[Pause]

    @property
    def start(self) -> datetime:
        return self.zones[0][0]

    @property
    def end(self) -> datetime:
        return self.life[-1].end

    @property
    def zones_west(self) -> list[datetime]:
        """When a journey set the local time back."""
        moves = itertools.pairwise(self.zones)
        return [at for (_, left), (at, there) in moves if _wall(at, there) < _wall(at, left)]

    def zone(self, instant: datetime) -> ZoneInfo:
        return ZoneInfo(next(zone for since, zone in reversed(self.zones) if since <= instant))

    def local(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone(instant))


def _wall(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


class Shown(NamedTuple):
    at: datetime
    due: datetime
    again: bool
    strong: bool


class Counted(NamedTuple):
    """A total of steps as the live band's driver told it."""

    told: datetime
    """When the driver told it; it waits until a burst of them is over."""
    at: datetime
    """The second for which it holds."""
    steps: int


@dataclass(slots=True)
class Month:
    shown: list[Shown] = field(default_factory=list[Shown])
    prompts: list[Prompt] = field(default_factory=list[Prompt])
    calls: dict[str, list[datetime]] = field(default_factory=dict[str, list[datetime]])
    """When the radio called each band, by kind, whether the band answered or not."""
    links: dict[str, list[Window]] = field(default_factory=dict[str, list[Window]])
    heard: list[tuple[datetime, int]] = field(default_factory=list[tuple[datetime, int]])
    """The totals of steps that the live band sent, each with the second at which it arrived."""
    counted: list[Counted] = field(default_factory=list[Counted])
    """Those that its driver told the service of, which are all that anybody can judge by."""
    buzzed: dict[str, int] = field(default_factory=dict[str, int])


JOURNEYS = {10: "America/New_York", 14: HOME, 18: "Asia/Tokyo", 21: HOME}
"""The new zone by the number of the day, from 0, at whose local midnight the wearer arrives there."""
DEAD, WRONG_KEY = (23, 24, 25), 7
PAUSES = {1: (time(9), time(11, 30)), 15: (time(14), time(18))}
LIDS = {2: (time(14, 5), time(15, 20)), 9: (time(10), time(10, 40)), 16: (time(15), time(15, 25))}
LATE_RISERS = 5
"""On every fifth day the host is opened long after its wearer sat down."""


def script(first: date, days: int) -> Script:
    """Return a script of nights, closed lids, pauses and journeys. Those numbered beyond `days` do not happen."""
    zone = HOME
    life: list[Epoch] = []
    told = Script([], [], [], [], [], [])
    for number in range(days):
        day = first + timedelta(days=number)
        zone = JOURNEYS.get(number, zone)
        where = ZoneInfo(zone)

        def at(clock: time, day: date = day, where: ZoneInfo = where) -> datetime:
            return datetime.combine(day, clock, where).astimezone(UTC)

        today = office_day(day, where, seed=number)
        while life and life[-1].end < today[0].start:  # going west the day is longer: the wearer sleeps
            life.append(Epoch(life[-1].end, MINUTE, 0, 0, 55, State.ASLEEP))
        life += [epoch for epoch in today if not life or epoch.start >= life[-1].end]
        if not number or number in JOURNEYS:
            told.zones.append((at(time(0)), zone))
        opened = time(9, 20) if number % LATE_RISERS == LATE_RISERS - 1 else time(7, 10)
        told.asleep.append(Window(at(time(0, 5)), at(opened)))
        if number in LIDS:
            told.asleep.append(Window(*(at(clock) for clock in LIDS[number])))
        if number in PAUSES:
            told.pauses.append(Pause(*(at(clock) for clock in PAUSES[number])))
        if number in DEAD:
            told.dead.append(Window(at(time(0)), at(time(23, 59, 59))))
        if number == WRONG_KEY:
            told.wrong.append(Window(at(time(0)), at(time(0)) + DAY))
    told.life = life
    if told.dead:
        told.dead = [Window(told.dead[0].start, told.dead[-1].end)]
    return told


class Link(DirectConnection):
    """A connection that records the step counter."""

    def __init__(self, band: SimulatedBand, now: Callable[[], datetime], told: list[tuple[datetime, int]]) -> None:
        super().__init__(band, now)
        self._told = told

    def _hear(self, characteristic: str, data: bytes) -> None:
        if characteristic == STEPS:
            self._told.append((self._now().replace(microsecond=0), int.from_bytes(data, "little")))

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        data = await super().read(characteristic, service)
        self._hear(characteristic, data)
        return data

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        def heard(data: bytes) -> None:
            self._hear(characteristic, data)
            callback(data)

        await super().start_notify(characteristic, heard)


class Wrist:
    """A radio that reaches the bands by their kind, and records its calls and links."""

    def __init__(
        self,
        told: Script,
        month: Month,
        now: Callable[[], datetime],
        bands: dict[str, SimulatedBand],
        reached_after: timedelta,
    ) -> None:
        self.told, self.month, self.now, self.bands = told, month, now, bands
        self._reached_after_s = reached_after.total_seconds()
        self.open: dict[str, Link] = {}
        self.mortal = next(iter(bands))

    @contextlib.asynccontextmanager
    async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
        kind = band.driver
        started = self.now()
        self.month.calls[kind].append(started)
        if kind == self.mortal and any(started in window for window in self.told.dead):
            await asyncio.sleep(20)
            raise NoReply("out of reach")
        await asyncio.sleep(self._reached_after_s)
        assert kind not in self.open, "two connections to one band at once"
        link = self.open[kind] = Link(self.bands[kind], self.now, self.month.heard)
        try:
            yield link
        finally:
            link.drop()
            del self.open[kind]
            self.month.links[kind].append(Window(started, self.now()))

    def drop(self, *kinds: str) -> None:
        for kind in kinds or tuple(self.open):
            if kind in self.open:
                self.open[kind].drop()


Batches = Callable[[Port, Session], AsyncGenerator[Sequence[Reading], None]]
"""The type of `Driver.sync` and `Driver.watch`."""


def recorded(driver: Driver, counted: list[Counted], now: Callable[[], datetime]) -> Driver:
    """The same driver, which writes down each total of steps that it tells."""

    def recording(batches: Batches | None) -> Batches | None:
        if batches is None:
            return None

        async def yielded(link: Port, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
            async with contextlib.aclosing(batches(link, session)) as open_batches:
                async for batch in open_batches:
                    totals = [each for each in batch if isinstance(each, Counter)]
                    counted.extend(Counted(now(), each.at.replace(microsecond=0), each.steps) for each in totals)
                    yield batch

        return yielded

    return replace(driver, sync=recording(driver.sync), watch=recording(driver.watch))


@dataclass(slots=True)
class Ahead:
    """The part of the script that is still to come, and the answers that the wearer is going to give."""

    zones: list[tuple[datetime, str]]
    asleep: list[Window]
    pauses: list[Pause]
    answers: list[tuple[datetime, Prompt, Answer]] = field(default_factory=list[tuple[datetime, Prompt, Answer]])

    def happen(self, service: Service, now: datetime) -> None:
        """Carry out the journeys, pauses and answers whose time has come."""
        store = service.store
        while self.zones and self.zones[0][0] <= now:
            _, zone = self.zones.pop(0)
            service.settings = replace(service.settings, host_zone=zone)
            store.note_zone(now, zone)
        while self.pauses and self.pauses[0].at <= now:
            store.add_pause(self.pauses.pop(0))
        for at, prompt, answer in [each for each in self.answers if each[0] <= now]:
            self.answers.remove((at, prompt, answer))
            answer_prompt(store, prompt, answer, now)

    def instants(self) -> list[datetime]:
        """Return when the next journey, pause, sleep of the host and each answer are to happen."""
        return [
            *(at for at, _, _ in self.answers),
            *(window.start for window in self.asleep[:1]),
            *(at for at, _ in self.zones[:1]),
            *(pause.at for pause in self.pauses[:1]),
        ]


def live(told: Script, kinds: Sequence[str], reached_after: timedelta = timedelta(seconds=2)) -> Month:
    """Run the service through the script with a band of each kind. The first one's battery is empty for a while.

    A band that is called is connected `reached_after` later.
    """
    loop = VirtualTimeLoop()
    try:
        return loop.run_until_complete(_live(told, kinds, reached_after, loop))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _live(told: Script, kinds: Sequence[str], reached_after: timedelta, loop: VirtualTimeLoop) -> Month:
    clock = FastClock(loop, told.start)
    now = clock.now
    month = Month(calls={kind: [] for kind in kinds}, links={kind: [] for kind in kinds})
    home = ZoneInfo(told.zones[0][1])
    bands = {kind: simulator(kind)(told.life, now=now(), zone=home, secret=KEY) for kind in kinds}
    wrist = Wrist(told, month, now, bands, reached_after)
    known = {kind: drivers()[kind] for kind in kinds}
    if LIVE in known:
        known[LIVE] = recorded(known[LIVE], month.counted, now)
    ahead = Ahead(told.zones[1:], list(told.asleep), list(told.pauses))
    chosen = itertools.cycle(ANSWERS)

    async def shown(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        del move
        month.shown.append(Shown(now(), prompt.due, prompt.shown > 1, strong))
        if prompt.shown == 1 and (planned := next(chosen)) is not None:
            ahead.answers.append((now() + planned[1], prompt, planned[0]))
        return [Where.TERMINAL]

    def secret(_: Band) -> bytes:
        return WRONG if any(now() in window for window in told.wrong) else KEY

    with Store.in_memory() as store:
        for kind in kinds:
            able = known[kind].abilities
            store.add_band(
                name=kind, driver=kind, address=kind, now=now(), simulated=True,
                vouches=able.wear, reports_wear=able.wear,
            )  # fmt: skip
        settings = settings_of(Config(morning=False), home.key)
        service = Service(store, settings, radio=wrist, drivers=known, secret=secret, deliver=shown, now=now)
        service.live.attend()
        if told.dead:
            loop.call_later((told.dead[0].start - now()).total_seconds(), wrist.drop, wrist.mortal)
        try:
            while now() < told.end:
                ahead.happen(service, now())
                if ahead.asleep and ahead.asleep[0].start <= now():
                    window = ahead.asleep.pop(0)
                    wrist.drop()
                    loop.jump((window.end - now()).total_seconds())
                    continue
                state = await service.wake(now())
                wake = min([next_wake(state, now()), told.end, *ahead.instants()])
                await clock.sleep_until(max(wake, now() + timedelta(seconds=1)))
        finally:
            await service.leave()
        month.prompts = store.prompts(told.start, told.end)
    month.buzzed = {kind: len(band.shown) for kind, band in bands.items()}
    return month
