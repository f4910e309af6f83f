"""When and where each reminder has to be shown at a computer, calculated from docs/rule.md alone.

It imports nothing of hipsync. It walks through whole minutes; what is shown in a minute is predicted for that minute.
With a band that stays connected it walks through the instants at which the service looked, for between two of them much
may be told.
Where the text is silent, `DECISIONS` says what was chosen here.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from support.independent import LIFE, Line, Rows, Rule

DECISIONS = """
1. The window for an early reminder is judged by the minutes that are known, and those since then as if all were sat
   through. It opens and closes with that count, not with the true one. They are no sign of life.
2. What would be due at lunch or outside the hours by the lower limit is not early; by the whole limit it is still due.
3. Whatever is shown is shown inside the hours, not at lunch and not in a pause: the notice of a held reminder and a
   second showing wait for the end of lunch and pause as a first one does. What fell due at lunch is dropped.
4. The notice of a held reminder is not shown on a locked screen: its first look is one that finds neither busy nor
   locked. Away without a lock it is shown as a notice, for the band has spoken already.
5. A natural pause with the last input 10 minutes ago or longer (the end of a long call) is away: the band alone speaks.
6. That nobody moved within ten minutes is known when the minutes until then are: no earlier is a reminder ignored.
7. The two showings of a reminder count from its last notice if it was held; a snooze counts from its answer.
8. A snooze is a sign of life: what was snoozed is shown at its end without another one.
9. A reminder is shown twice at most, be the second showing one after a snooze or the stronger one.
10. The length of a stretch when it was shown is that of its known minutes.
"""

MINUTE = timedelta(minutes=1)
FRESH = 3 * MINUTE
AWAY = 10
LOOK_BEFORE = 150 * timedelta(seconds=1)


class Place(StrEnum):
    BAND = "band alone"
    NOTICE = "notice"
    BOTH = "both"


class Seen(NamedTuple):
    """What a look at the computer finds: minutes since the last input, None if that is not known, and what goes on."""

    idle: int | None = None
    busy: bool = False
    locked: bool = False

    @property
    def away(self) -> bool:
        return self.locked or (self.idle is not None and self.idle >= AWAY)


class Said(NamedTuple):
    """What the wearer does after the first showing, so long after it: "done", "skipped" or "snoozed"."""

    what: str
    after: timedelta


class Showing(NamedTuple):
    minute: datetime
    place: Place
    due: datetime
    number: int
    """1 for the first showing, 2 for the second one."""
    owed: bool = False
    """Whether it is the notice of one that was held."""
    sitting: int = 0
    """Minutes of the stretch when it was first shown."""
    early: bool = False


@dataclass(slots=True)
class Told:
    """What happens, and what the service could know of it."""

    line: DeskLine
    alive: Callable[[int], bool]
    known: Callable[[datetime], datetime]
    """The end of the minutes that the band has told of before an instant."""
    seen: Callable[[datetime], Seen]
    in_hours: Callable[[datetime], bool]
    at_lunch: Callable[[datetime], bool]
    pauses: Sequence[tuple[datetime, datetime]]
    answers: Callable[[int], Said | None]
    """By the number of the reminder, from 0."""
    end: datetime
    vibrates: bool
    """Whether a band vibrates, and may."""
    stays: bool = False
    """Whether the band stays connected."""
    looks: Sequence[datetime] = ()
    """When the service looked at what a band has told that stays connected."""
    so_far: Callable[[datetime, datetime], int | None] = lambda _, __: None
    """The steps of a minute as they were told before an instant, if more may be told of it later."""
    limit: int = 60
    early: int = 10


class DeskLine(Line):
    """A line of minutes in which the use of the computer waives stray steps ("Written out", stray steps)."""

    def __init__(self, rows: Rows, now: datetime, rule: Rule, *, vouches: bool, used: set[datetime]) -> None:
        self.used = used
        super().__init__(rows, now, rule, vouches=vouches, zone=ZoneInfo("UTC"))

    def _brk(self, t: int) -> bool:
        five = [self.origin + (t - n) * MINUTE for n in range(5)]
        if self.steps[t] < self.rule.break_steps and all(at in self.used for at in five):
            return False
        return super()._brk(t)

    @contextmanager
    def so_far(self, t: int, steps: int | None) -> Generator[None]:
        """Judge minute t by the steps that are known of it so far; no later one may be asked about meanwhile."""
        kept = self.steps[t], self.ages[t]
        if steps is not None and self.conditions[t] == "counted":
            self.steps[t] = steps
            self.ages[t] = 0 if self._brk(t) else 1 + (self.ages[t - 1] if t else 0)
        yield
        self.steps[t], self.ages[t] = kept

    def began(self, t: int) -> int:
        """Return the first minute of the stretch that minute t lies in."""
        while t > 0 and self.ages[t - 1] >= 1:
            t -= 1
        return t


@dataclass(slots=True)
class Open:
    """A reminder that was shown of a stretch."""

    stretch: int
    due: datetime
    first: datetime
    last: datetime
    answer: Said | None
    showings: int = 1
    owes: bool = False

    def answered(self, now: datetime) -> bool:
        """Whether the showing that was last has been answered: only the first ones are."""
        return self.showings == 1 and self.answer is not None and self.first + self.answer.after <= now

    def snoozed_until(self, snooze: timedelta) -> datetime | None:
        if self.answer is None or self.answer.what != "snoozed":
            return None
        return self.first + self.answer.after + snooze


@dataclass(slots=True)
class Twin:
    told: Told
    found: list[Showing] = field(default_factory=list[Showing])
    calls: list[datetime] = field(default_factory=list[datetime])
    """The minutes in which the band has to be called so that a reminder may come early."""
    waits: int = 0
    """How many minutes something that was due could not be shown because of what the computer said."""
    _open: Open | None = None
    _called: set[int] = field(default_factory=set[int])
    _before: tuple[datetime, Seen] | None = None

    def run(self) -> list[Showing]:
        for now in self.told.looks if self.told.stays else self._minutes():
            if (shown := self._minute(now)) is not None:
                self.found.append(shown)
        return self.found

    def _minutes(self) -> Iterator[datetime]:
        now = self.told.line.origin + MINUTE
        while now < self.told.end:
            yield now
            now += MINUTE

    def _minute(self, now: datetime) -> Showing | None:
        told = self.told
        if not told.in_hours(now) or told.at_lunch(now) or any(start <= now < end for start, end in told.pauses):
            return None
        last = self._index(self._news(now)) - 1
        if last < 0 or last >= len(told.line.ages):
            return None
        with told.line.so_far(last, told.so_far(now, told.line.origin + last * MINUTE)):
            return self._judged(now, last)

    def _judged(self, now: datetime, last: int) -> Showing | None:
        """Return what is shown now, by the minutes up to `last`."""
        if self._open is not None and self._open.stretch == self._stretch(last):
            return self._again(now, self._open, last)
        if (due := self._due(self.told.limit, last, now)) is not None:
            return self._first(now, due, last)
        return self._sooner(now, last)

    def _news(self, now: datetime) -> datetime:
        """Return the end of what is known when this minute's look is judged: a band that is called tells at once."""
        if self.told.stays:
            return min(now.replace(second=0, microsecond=0), self.told.known(now))
        return min(now, self.told.known(now + MINUTE))

    def _index(self, at: datetime) -> int:
        return (at - self.told.line.origin) // MINUTE

    def _stretch(self, t: int) -> int | None:
        line = self.told.line
        return line.began(t) if 0 <= t < len(line.ages) and line.ages[t] >= 1 else None

    def _counts(self, last: int, now: datetime) -> list[int]:
        """Return the minutes of the stretch that count for a reminder, those after `last` as if sat through."""
        line, told = self.told.line, self.told
        begun = self._stretch(last)
        counted = [i for i in range(last + 1 if begun is None else begun, last + 1) if line.conditions[i] == "counted"]
        counted += range(last + 1, self._index(now))
        opened = next((n for n in range(len(counted), 0, -1) if not self._open_at(counted[n - 1])), 0)
        minutes = counted[opened:]
        if opened == 0:
            return minutes
        heard = next((n for n, i in enumerate(minutes) if i <= last and told.alive(i)), len(minutes))
        return minutes[heard:]

    def _open_at(self, i: int) -> bool:
        return self.told.in_hours(self.told.line.origin + i * MINUTE)

    def _due(self, limit: int, last: int, now: datetime) -> datetime | None:
        """Return when the reminder fell due by the known minutes; None if it did not, or was dropped."""
        counted = [i for i in self._counts(last, now) if i <= last]
        late = counted[limit - 1 :]
        heard = next((i for i in late if any(map(self.told.alive, range(max(0, i + 1 - LIFE), i + 1)))), None)
        if heard is None:
            return None
        due = self.told.line.origin + (late[0] + 1) * MINUTE
        return due if self.told.in_hours(due) and not self.told.at_lunch(due) else None

    def _look(self, now: datetime) -> tuple[Seen, bool]:
        """Return what a look finds, and whether that is a natural pause."""
        seen = self.told.seen(now)
        pause = False
        if not seen.busy and not seen.locked:
            before = self._before
            ended = before is not None and now - before[0] <= LOOK_BEFORE and (before[1].busy or before[1].locked)
            pause = ended or (seen.idle is not None and 1 <= seen.idle < AWAY)
        self._before = now, seen
        return seen, pause

    def _place(self, seen: Seen) -> Place | None:
        """Return where what is due is shown; None if it has to wait."""
        if seen.busy:
            place = Place.BAND if self.told.vibrates else None
        elif seen.away and self.told.vibrates:
            place = Place.BAND
        elif seen.locked:
            place = None
        else:
            place = Place.BOTH if self.told.vibrates else Place.NOTICE
        self.waits += place is None
        return place

    def _first(self, now: datetime, due: datetime, last: int) -> Showing | None:
        seen, _ = self._look(now)
        place = self._place(seen)
        return self._show_first(now, due, last, place, seen) if place is not None else None

    def _show_first(
        self, now: datetime, due: datetime, last: int, place: Place, seen: Seen, *, early: bool = False
    ) -> Showing:
        begun = self.told.line.began(last)
        answer = self.told.answers(sum(each.number == 1 and not each.owed for each in self.found))
        self._open = Open(begun, due, now, now, answer, owes=seen.busy)
        length = sum(self.told.line.conditions[i] == "counted" for i in range(begun, last + 1))
        return Showing(now, place, due, 1, sitting=length, early=early)

    def _sooner(self, now: datetime, last: int) -> Showing | None:
        """Show a reminder early, if it may and this is a natural pause."""
        told = self.told
        before = self._index(told.known(now)) - 1
        if not self._is_open(before, now) and not self._is_open(last, now):
            return None
        seen, pause = self._look(now)
        if not pause:
            return None
        begun = self._stretch(before)
        stretch = before + 1 if begun is None else begun
        if not told.stays and stretch not in self._called:
            self._called.add(stretch)
            self.calls.append(now)
        if now - self._news(now) >= FRESH or self._due(told.limit - self._early, last, now) is None:
            return None
        place = self._place(seen)
        return self._show_first(now, now, last, place, seen, early=True) if place is not None else None

    @property
    def _early(self) -> int:
        return min(self.told.early, self.told.limit // 2)

    def _is_open(self, last: int, now: datetime) -> bool:
        """Whether the reminder may come early, if its wearer sat through all that follows on minute `last`."""
        told = self.told
        counted = self._counts(last, now)
        if not told.limit - self._early <= len(counted) < told.limit:
            return False
        opens = told.line.origin + (counted[told.limit - self._early - 1] + 1) * MINUTE
        return told.in_hours(opens) and not told.at_lunch(opens)

    def _again(self, now: datetime, shown: Open, last: int) -> Showing | None:
        """Show the notice of what was held, or the reminder once more."""
        if shown.owes and not shown.answered(now):
            seen, _ = self._look(now)
            if seen.busy or seen.locked:
                return None
            shown.owes, shown.last = False, now
            return Showing(now, Place.NOTICE, shown.due, shown.showings, owed=True)
        if not self._is_due_again(now, shown, last):
            return None
        seen, _ = self._look(now)
        place = self._place(seen)
        if place is None:
            return None
        shown.showings, shown.last, shown.owes = 2, now, seen.busy
        return Showing(now, place, shown.due, 2)

    def _is_due_again(self, now: datetime, shown: Open, last: int) -> bool:
        if shown.showings > 1:
            return False
        if shown.answered(now):
            until = shown.snoozed_until(10 * MINUTE)
            return until is not None and now >= until
        if self._news(now) <= shown.last + 10 * MINUTE:
            return False
        return any(self.told.alive(i) for i in range(self._index(shown.last), last + 1))
