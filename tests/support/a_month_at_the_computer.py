"""A month of somebody who sits at a computer, and the service living through it on a virtual clock.

`script(first, days)` says what the wearer and the computer do, minute by minute. `live(script, ...)` runs the `Service`
of `hipsync run` through it, and returns what was shown, when and where, and what the radio did.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Connection
from hipsync.core.exercises import Move
from hipsync.core.policy import Busy
from hipsync.core.speaking import Here
from hipsync.errors import NotHeard
from hipsync.host.clock import FastClock, VirtualTimeLoop
from hipsync.model import (
    Answer,
    Band,
    BandId,
    Counter,
    Epoch,
    Pause,
    Presence,
    PresenceSpan,
    Prompt,
    Reading,
    State,
    Where,
)
from hipsync.registry import drivers, simulator
from hipsync.service.answers import answer_prompt
from hipsync.service.plan import next_wake
from hipsync.service.service import Service
from hipsync.service.state import Settings
from hipsync.simulated import SimulatedBand
from hipsync.store import Store
from hipsync.store.readings import Appended
from support.a_month import KEY, Link, Window

LONDON = ZoneInfo("Europe/London")
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
LATE = 5 * SECOND
"""How late the service wakes: what a band that is watched sends at a whole minute has come by then."""
ANSWERS: Sequence[tuple[Answer, timedelta] | None] = (
    (Answer.DONE, 2 * MINUTE),
    None,
    (Answer.SNOOZED, MINUTE),
    None,
    (Answer.SKIPPED, 3 * MINUTE),
    None,
    (Answer.SNOOZED, 4 * MINUTE),
)
"""What the wearer does after the first showing of one reminder after the other."""


class Desk(NamedTuple):
    """What the computer does in one minute."""

    idle: int
    """Minutes since the last input."""
    busy: Busy | None
    locked: bool


@dataclass(slots=True)
class Script:
    """What happens, in UTC."""

    start: datetime
    end: datetime
    life: list[Epoch] = field(default_factory=list[Epoch])
    typed: set[datetime] = field(default_factory=set[datetime])
    """Minutes with input."""
    calls: list[Window] = field(default_factory=list[Window])
    films: list[Window] = field(default_factory=list[Window])
    undisturbed: list[Window] = field(default_factory=list[Window])
    locked: list[Window] = field(default_factory=list[Window])
    pauses: list[Pause] = field(default_factory=list[Pause])
    away: list[Window] = field(default_factory=list[Window])
    """When the band is out of reach."""
    desks: dict[datetime, Desk] = field(default_factory=dict[datetime, Desk])

    def local(self, at: datetime) -> datetime:
        return at.astimezone(LONDON)

    def desk(self, at: datetime) -> Desk:
        return self.desks[at.replace(second=0, microsecond=0)]


CALLS = {
    0: [("09:10", "09:25"), ("11:00", "11:50"), ("12:05", "13:05"), ("15:40", "17:20")],
    1: [("10:00", "10:12"), ("10:25", "11:00"), ("13:10", "14:40"), ("16:10", "16:15")],
    2: [("08:40", "10:30"), ("12:20", "12:45"), ("14:30", "15:00"), ("21:40", "22:20")],
    3: [("09:45", "11:30"), ("12:00", "13:50"), ("16:00", "17:00")],
    4: [("10:05", "10:50"), ("11:20", "12:40"), ("17:00", "18:10")],
    5: [("10:30", "11:15"), ("20:00", "21:10")],
    6: [("15:00", "17:30")],
}
"""By weekday, when a program listens to a microphone: across lunch, across a locked screen, past the end of the
hours."""
LOCKED = {
    0: [("10:20", "10:40"), ("11:40", "12:00"), ("12:28", "13:26")],
    1: [("09:00", "09:35"), ("12:30", "13:35"), ("15:10", "15:50")],
    2: [("10:20", "10:50"), ("12:40", "13:30"), ("18:00", "19:30")],
    3: [("08:30", "09:20"), ("13:00", "13:20"), ("17:00", "17:45")],
    4: [("12:35", "13:40"), ("14:30", "15:55")],
    5: [("12:00", "14:30")],
    6: [("10:00", "10:50"), ("16:00", "18:30")],
}
EVENINGS_WITHOUT = {1, 9}
"""The days, by their number from 0, on whose evening nobody touches the computer from 17:30 on."""
DO_NOT_DISTURB = {2: ("13:40", "17:45"), 16: ("09:30", "12:20")}
FILMS = {0: ("20:00", "21:50"), 10: ("20:15", "22:40"), 19: ("18:30", "21:00")}
PAUSES = {
    0: ("14:10", "15:20"),
    2: ("15:10", "15:50"),
    4: ("10:40", "11:45"),
    8: ("09:00", "11:30"),
    13: ("16:00", "17:10"),
}
AWAY = {6: ("15:10", "16:50"), 12: ("09:00", "11:10"), 15: ("16:05", "16:40")}


def local(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), LONDON).astimezone(UTC)


def windows(day: date, spans: Sequence[tuple[str, str]]) -> list[Window]:
    return [Window(local(day, start), local(day, end)) for start, end in spans]


def script(first: date, days: int) -> Script:
    """Return what happens from the midnight of `first` on. What is numbered beyond `days` does not happen."""
    told = Script(local(first, "00:00"), local(first + days * DAY, "00:00"))
    for number in range(days):
        day = first + number * DAY
        told.calls += windows(day, CALLS[day.weekday()])
        told.locked += windows(day, [("00:00", "07:30"), *LOCKED[day.weekday()], ("23:05", "23:59")])
        for dated, into in ((DO_NOT_DISTURB, told.undisturbed), (FILMS, told.films), (AWAY, told.away)):
            into.extend(windows(day, [dated[number]] if number in dated else []))
        told.pauses += [Pause(*each) for each in windows(day, [PAUSES[number]] if number in PAUSES else [])]
        told.life.extend(_lived(day, number))
        told.typed.update(_typed(told, day, number))
    told.desks = dict(_desks(told))
    return told


def _lived(day: date, number: int) -> Iterator[Epoch]:
    """Each minute of a day: nights, walks, and sitting between them for a quarter of an hour to some hours."""
    chance = random.Random(f"life {number}")
    at, end = local(day, "00:00"), local(day + DAY, "00:00")
    rises, sleeps = local(day, f"06:{chance.randint(40, 59)}"), local(day, f"23:{chance.randint(0, 40):02}")
    while at < end:
        if not rises <= at < sleeps:
            yield Epoch(at, MINUTE, 0, 1, 52, State.ASLEEP)
            at += MINUTE
            continue
        for _ in range(chance.randint(2, 9)):
            yield Epoch(at, MINUTE, chance.randint(30, 110), 80, 95, State.WALKING)
            at += MINUTE
        for _ in range(chance.choice([15, 35, 52, 58, 63, 70, 80, 95, 120, 160])):
            if at >= sleeps:
                break
            stray = chance.randint(2, 9) if chance.random() < 0.03 else 0
            yield Epoch(at, MINUTE, stray, 20, 66, State.SITTING)
            at += MINUTE


def _typed(told: Script, day: date, number: int) -> Iterator[datetime]:
    """The minutes of a day with input: spells of typing, and pauses of a minute to half an hour between them."""
    chance = random.Random(f"input {number}")
    walks = {each.start for each in told.life if each.steps >= 20}
    shut = [*told.locked, *told.films]
    until = "17:30" if number in EVENINGS_WITHOUT else "22:50"
    at, end = local(day, "07:45"), local(day, until)
    while at < end:
        for _ in range(chance.choice([1, 2, 4, 9, 15, 30, 45])):
            if at < end and at not in walks and not any(at in window for window in shut):
                yield at
            at += MINUTE
        at += chance.choice([1, 1, 1, 2, 2, 3, 5, 8, 11, 25]) * MINUTE
        if any(at in call for call in told.calls) and chance.random() < 0.5:
            at += 20 * MINUTE


def _desks(told: Script) -> Iterator[tuple[datetime, Desk]]:
    at, last = told.start, told.start - 600 * MINUTE
    while at <= told.end:
        last = at if at in told.typed else last
        kinds = ((Busy.CALL, told.calls), (Busy.FULL_SCREEN, told.films), (Busy.DO_NOT_DISTURB, told.undisturbed))
        busy = next((kind for kind, spans in kinds if any(at in window for window in spans)), None)
        yield at, Desk((at - last) // MINUTE, busy, any(at in window for window in told.locked))
        at += MINUTE


class Given(NamedTuple):
    """What was shown at one moment."""

    at: datetime
    notice: bool
    band: bool


@dataclass(slots=True)
class Lived:
    given: list[Given]
    prompts: list[Prompt]
    told_until: list[tuple[datetime, datetime]]
    """(when, up to when the band had told of its wearer by then), in order."""
    counters: list[tuple[datetime, Counter]]
    """(when it was stored, a total of the band's steps), in order."""
    calls: list[datetime]
    """When the radio called the band."""
    wakes: list[datetime]
    looks: list[datetime]


@dataclass(slots=True)
class Wrist:
    """A radio that reaches one band, and records its calls."""

    told: Script
    band: SimulatedBand
    now: Callable[[], datetime]
    calls: list[datetime] = field(default_factory=list[datetime])
    told_until: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])
    counted: list[tuple[datetime, int]] = field(default_factory=list[tuple[datetime, int]])

    @contextlib.asynccontextmanager
    async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
        del band
        self.calls.append(self.now())
        if any(self.now() in window for window in self.told.away):
            raise NotHeard("out of reach")
        await asyncio.sleep(2)
        self.told_until.append((self.now(), self.now().replace(second=0, microsecond=0)))
        link = Link(self.band, self.now, self.counted)
        try:
            yield link
        finally:
            link.drop()

    async def hear(self, bands: Sequence[Band]) -> set[BandId]:
        away = any(self.now() in window for window in self.told.away)
        return set() if away else {band.id for band in bands}


class Computer:
    """The scripted computer, as the service asks it."""

    def __init__(self, told: Script, store: Store, now: Callable[[], datetime]) -> None:
        self.told, self.store, self.now = told, store, now
        self.looks: list[datetime] = []
        self._stored = told.start

    async def look(self) -> Here:
        self.looks.append(self.now())
        desk = self.told.desk(self.now())
        return Here(desk.busy, desk.locked, 60.0 * desk.idle)

    def store_presence(self) -> None:
        """Store what each minute was that has passed since, as `PresenceWatch` does when the service judges."""
        spans: list[PresenceSpan] = []
        while self._stored + MINUTE <= self.now():
            locked = self.told.desk(self._stored).locked
            used = Presence.USED if self._stored in self.told.typed else Presence.IDLE
            spans.append(PresenceSpan(self._stored, self._stored + MINUTE, Presence.LOCKED if locked else used))
            self._stored += MINUTE
        if spans:
            self.store.add_presence(spans)


@dataclass(slots=True)
class Wearer:
    """Who answers some reminders, and pauses them at times."""

    store: Store
    pauses: list[Pause]
    answers: list[tuple[datetime, Prompt, Answer]] = field(default_factory=list[tuple[datetime, Prompt, Answer]])
    met: set[datetime] = field(default_factory=set[datetime])

    def meet(self, said: Sequence[Prompt]) -> None:
        """Decide how to answer each reminder that was not there before."""
        for prompt in said:
            if prompt.at not in self.met:
                planned = ANSWERS[len(self.met) % len(ANSWERS)]
                self.met.add(prompt.at)
                if planned is not None:
                    self.answers.append((prompt.at + planned[1], prompt, planned[0]))

    def act(self, now: datetime) -> bool:
        """Do what is to be done by now, and return whether that was anything."""
        acted = False
        while self.pauses and self.pauses[0].at <= now:
            self.store.add_pause(self.pauses.pop(0))
            acted = True
        for each in [each for each in self.answers if each[0] <= now]:
            self.answers.remove(each)
            answer_prompt(self.store, each[1], each[2], now)
            acted = True
        return acted

    def instants(self) -> list[datetime]:
        return [*(at for at, _, _ in self.answers), *(pause.at for pause in self.pauses[:1])]


def live(told: Script, kind: str, settings: Settings) -> Lived:
    """Run the service through the script with one band of a kind."""
    loop = VirtualTimeLoop()
    try:
        return loop.run_until_complete(_live(told, kind, settings, FastClock(loop, told.start)))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _live(told: Script, kind: str, settings: Settings, clock: FastClock) -> Lived:
    band = simulator(kind)(told.life, now=clock.now(), zone=LONDON, secret=KEY)
    wrist = Wrist(told, band, clock.now)
    noticed: list[datetime] = []

    async def shown(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        del prompt, move, strong
        noticed.append(clock.now())
        return [Where.DESKTOP]

    with Store.in_memory() as store:
        able = drivers()[kind].abilities
        store.add_band(
            name=kind, driver=kind, address=kind, now=clock.now(), simulated=True,
            vouches=able.wear, reports_wear=able.wear,
        )  # fmt: skip
        counters = note_counters(store, clock.now)
        computer, wearer = Computer(told, store, clock.now), Wearer(store, list(told.pauses))
        service = Service(
            store, settings, radio=wrist, drivers=drivers(), secret=lambda _: KEY, deliver=shown, now=clock.now,
            hear=wrist.hear, passed=clock.passed, look_here=computer.look, store_presence=computer.store_presence,
        )  # fmt: skip
        try:
            wakes = await _through(told, service, wearer, clock)
        finally:
            await service.leave()
        prompts = store.prompts(told.start, told.end)
    buzzed = sorted(each.at for each in band.shown if each.text)
    given = together(noticed, buzzed)
    return Lived(given, prompts, wrist.told_until, counters, wrist.calls, wakes, computer.looks)


def note_counters(store: Store, now: Callable[[], datetime]) -> list[tuple[datetime, Counter]]:
    """Return a list to which each counter is added when it is stored: a driver tells one of a burst of many."""
    counters: list[tuple[datetime, Counter]] = []
    append = store.append

    def noting(band: BandId, readings: Sequence[Reading]) -> Appended:
        counters.extend((now(), each) for each in readings if isinstance(each, Counter))
        return append(band, readings)

    store.append = noting  # type: ignore[method-assign]
    return counters


async def _through(told: Script, service: Service, wearer: Wearer, clock: FastClock) -> list[datetime]:
    """Wake the service whenever it asks for it, as `hipsync run` does, and return when that was."""
    now = clock.now
    wakes: list[datetime] = []
    listened = wake_at = now()
    while now() < told.end:
        acted = wearer.act(now())
        if now() - listened >= MINUTE:
            listened = now()
            acted = await service.listen() or acted
        if wake_at <= now():
            service.live.attend()
            wakes.append(now())
            state = await service.wake(now())
            wearer.meet(state.said)
            wake_at = next_wake(state, now())
        elif acted:
            wake_at = next_wake(service.state(now()), now())
        instants = [wake_at, told.end, *wearer.instants()]
        if told.away:
            instants.append(listened + MINUTE)
        await clock.sleep_until(max(min(instants) + LATE, now() + SECOND))
    return wakes


def together(noticed: Sequence[datetime], buzzed: Sequence[datetime]) -> list[Given]:
    """Return what was given at each moment: a notice and a vibration within half a minute are one."""
    found: list[Given] = []
    for at, is_notice in sorted([*((at, True) for at in noticed), *((at, False) for at in buzzed)]):
        if found and at - found[-1].at < MINUTE / 2 and (found[-1].band if is_notice else not found[-1].band):
            found[-1] = Given(found[-1].at, notice=True, band=True)
        else:
            found.append(Given(at, is_notice, not is_notice))
    return found
