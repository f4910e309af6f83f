"""Two weeks of plans, rides and rows, and the service that lives through them on a virtual clock.

`script(first, days)` says what happens, by the local clock of London. `live(script)` gives it to the service as
readings of an import, and returns what was shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.exercises import Move
from hipsync.host.clock import FastClock
from hipsync.model import Answer, Epoch, Occasion, Outing, Pause, Prompt, State, Where, Workout, WorkoutKind
from hipsync.service.answers import answer_prompt
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.testing.direct import run
from support.world import World

LONDON = ZoneInfo("Europe/London")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OFTEN = 15 * MINUTE
"""How often the import brings what has come since; while somebody rides or runs, every minute."""

WALKS = {day: [("07:00", "07:10")] for day in range(5)} | {5: [("06:30", "06:40")], 6: [("09:00", "09:10")]}
"""By weekday, when somebody walks: first of all out of bed."""
RUNS = {1: ("18:00", "18:40"), 3: ("17:44", "18:20")}
"""On Thursdays it begins too early for its warm-up."""
RIDES = {
    0: [("08:10", "08:35")],
    2: [("12:20", "12:50"), ("17:20", "17:55"), ("19:00", "19:09")],
    4: [("17:10", "17:25")],
    5: [("21:30", "22:30")],
    6: [("10:00", "10:30")],
}
"""By weekday, when the band says of each minute that its wearer rode."""
ROWS = {0: [("19:00", "19:30")], 4: [("16:00", "16:45")], 5: [("16:05", "16:14")], 6: [("00:40", "03:20")]}
"""By weekday, the workouts that come as a whole, soon after they are over."""
PAUSES = {4: [("12:00", "12:35"), ("16:30", "17:00")], 5: [("15:00", "15:05")]}
ASLEEP = {**dict.fromkeys(range(5), ("23:00", "07:00")), 5: ("23:00", "06:30"), 6: ("04:00", "09:00")}
PLANS: Sequence[tuple[Outing, tuple[int, ...], str]] = (
    (Outing.RUN, (1, 3), "18:00"),
    (Outing.WALK, (1,), "18:05"),
    (Outing.WALK, (0, 1, 2, 3, 4), "12:40"),
    (Outing.GYM, (5,), "07:00"),
    (Outing.WALK, (6,), "01:30"),
    (Outing.WALK, (0,), "08:02"),
)


class Span(NamedTuple):
    start: datetime
    end: datetime

    def __contains__(self, instant: object) -> bool:
        return isinstance(instant, datetime) and self.start <= instant < self.end


@dataclass
class Script:
    start: datetime
    end: datetime
    minutes: list[Epoch] = field(default_factory=list[Epoch])
    rides: list[Span] = field(default_factory=list[Span])
    rows: list[Workout] = field(default_factory=list[Workout])
    pauses: list[Pause] = field(default_factory=list[Pause])
    busy: list[Span] = field(default_factory=list[Span])
    """When the import brings what has come every minute."""

    def deliveries(self) -> Iterator[datetime]:
        """When the import brings what has come since, in order."""
        at = self.start + MINUTE
        while at <= self.end:
            if not (at - self.start) % OFTEN or any(at in span for span in self.busy):
                yield at
            at += MINUTE


class Shown(NamedTuple):
    at: datetime
    occasion: Occasion
    due: datetime
    exercise: str
    line: str


def local(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), LONDON).astimezone(UTC)


def script(first: date, days: int) -> Script:
    """Return what happens from the midnight of `first` on: hours at a desk, with a short walk in every other."""
    told = Script(local(first, "00:00"), local(first + days * DAY, "00:00"))
    walks: list[Span] = []
    asleep: list[Span] = []
    for number in range(days):
        day = first + number * DAY
        weekday, before = day.weekday(), day - DAY
        night, morning = ASLEEP[weekday]
        asleep.append(Span(local(day if night < morning else before, night), local(day, morning)))
        walks += [Span(local(day, start), local(day, end)) for start, end in WALKS[weekday]]
        if weekday in RUNS:
            running = Span(*(local(day, clock) for clock in RUNS[weekday]))
            walks.append(running)
            told.busy.append(Span(running.start - 5 * MINUTE, running.end))
        told.rides += [Span(local(day, start), local(day, end)) for start, end in RIDES.get(weekday, ())]
        told.rows += [
            Workout(WorkoutKind.ROWING_MACHINE, local(day, start), local(day, end))
            for start, end in ROWS.get(weekday, ())
        ]
        told.pauses += [Pause(local(day, start), local(day, end)) for start, end in PAUSES.get(weekday, ())]
    told.busy += [Span(ride.start, ride.end + 5 * MINUTE) for ride in told.rides]
    told.minutes = [
        _minute(told, walks, asleep, told.start + n * MINUTE) for n in range((told.end - told.start) // MINUTE)
    ]
    return told


def _minute(told: Script, walks: Sequence[Span], asleep: Sequence[Span], at: datetime) -> Epoch:
    if any(at in span for span in asleep):
        return Epoch(at, MINUTE, 0, heart_rate=50, state=State.ASLEEP)
    if any(at in span for span in told.rides):
        return Epoch(at, MINUTE, 0, heart_rate=120, state=State.CYCLING)
    there = at.astimezone(LONDON)
    stretched = there.hour % 2 == 0 and 3 <= there.minute < 6
    return Epoch(at, MINUTE, 140 if any(at in span for span in walks) else 90 if stretched else 0, heart_rate=70)


def live(told: Script, skipped: date | None = None) -> list[Shown]:
    """Return what the service shows. `skipped` is the date on which the first plan is left out.

    The wearer answers each prompt for sitting at once, and no other.
    """
    shown: list[Shown] = []
    deliveries = set(told.deliveries())

    async def through(clock: FastClock) -> None:
        world = World(clock)
        store = world.store

        async def deliver(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
            shown.append(Shown(clock.now(), prompt.occasion, prompt.due, prompt.exercise, move.line))
            if prompt.occasion is Occasion.SITTING:
                answer_prompt(store, prompt, Answer.DONE, clock.now())
            return [Where.DESKTOP]

        world.service = Service(
            store, settings_of(Config(), LONDON.key), radio=world.wrist, drivers={}, secret=lambda _: None,
            deliver=deliver, now=clock.now,
        )  # fmt: skip
        band = store.add_band(name="import", driver="csv", now=told.start, vouches=True, reports_wear=True).id
        plans = [store.add_plan(outing, days, time.fromisoformat(at), told.start) for outing, days, at in PLANS]
        if skipped is not None:
            store.skip_plan(plans[0], skipped)
        minutes, rows, pauses = list(told.minutes), list(told.rows), list(told.pauses)
        for at in sorted({*deliveries, *(pause.at for pause in told.pauses)}):
            await world.run_until(at)
            while pauses and pauses[0].at <= at:
                store.add_pause(pauses.pop(0))
            if at in deliveries:
                came = [each for each in minutes if each.end <= at]
                store.append(band, [*came, *(row for row in rows if row.end <= at)])
                minutes, rows = minutes[len(came) :], [row for row in rows if row.end > at]

    run(through, told.start)
    return shown
