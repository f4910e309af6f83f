"""The sitting rule and the day's figures calculated a second time, from the text alone, to judge hipsync by.

The module was written from `docs/rule.md` and `docs/contract.md` by someone who had not seen hipsync's own calculation,
and it imports nothing of that. It is slow and plain on purpose: one list of minutes is walked again for each question.
Where the two calculations differ, the text decides. Where the text is silent, `DECISIONS` says what was chosen here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from statistics import median
from typing import Literal, NamedTuple, TypedDict
from zoneinfo import ZoneInfo

DECISIONS = """
1. A piece cut at the end of its day has `ended_by` null; the later piece, which holds the end, says what ended it.
2. A piece is cut at the day's very end, though the last minutes before midnight be missing ones.
3. `usual_stretch_minutes` is taken of the stretches that `longest_minutes` looks at (whole lengths, of those that end
   or run on in the day, the doubtful left out), and is the least length L such that stretches of L or less hold at
   least half of the time. Nothing is interpolated.
4. `complete_until` is the end of the newest row inside the day, null if it holds none. A row is known even if doubtful.
5. `hours` covers the whole day, also the hours of today that are to come: those are all zero.
6. `breaks` counts breaks after doubtful stretches too; the text leaves these out of four figures, not of this one.
7. A stretch is doubtful when at least half of its counted minutes lie in doubtful runs (holes do not weigh).
8. A doubtful minute is `unknown` even where the band said `standing`: the first match wins.
9. Steps of doubtful minutes count for the day (there are none: their steps are zero).
10. A walk begun after the band was off, or after a hole that had ended the stretch, is no break: it ends nothing.
11. The 20 steps that beat asleep and not worn, and the 60 minutes looked at for `sure`, stay so whatever `break_steps`
    and `limit`.
12. A stretch that outlives the prompt hours counts anew in the next ones, from its first sign of life there; but it is
    one stretch still, and one prompt is all that it gets.
13. Due without a sign of life in the last 180 minutes is due at the first one after, if the stretch still runs.
14. A slot's steps are a sign of life at its last minute; before it the slot counts for nothing where a stretch has to
    be heard of first.
15. A day that the rows begin within is none of the 7 days whose hours are known: its first steps may be older.
"""

MINUTE = timedelta(minutes=1)
BRIDGE = 10  # missing minutes in a row that pause the count
LISTED = 8  # counted minutes: shorter stretches are not listed, shorter zero runs are not sitting
DAY = timedelta(days=1)
AT_NIGHT = 90  # as below, for a run that begins at night
DOUBTFUL = 180  # zero minutes in a row, from a band that does not report wear, sleep or heart rate

Rows = Mapping[datetime, tuple[int, str | None]]
"""By the UTC start of a minute, its steps and the band's state, named as in `import csv`; a missing row has no key."""
Postures = Mapping[datetime, str]
"""By the UTC start of a minute, the posture that the band gives beside its state, named as in `import csv`."""
Condition = Literal["counted", "riding", "asleep", "not_worn", "missing"]
Kind = Literal["sitting", "up", "standing", "asleep", "not_worn", "unknown"]
KINDS: tuple[Kind, ...] = ("sitting", "up", "standing", "asleep", "not_worn", "unknown")
Ended = Literal["moving", "standing", "asleep", "not_worn", "unknown"]
ENDS: dict[Condition, Ended] = {
    "counted": "moving",
    "riding": "moving",
    "asleep": "asleep",
    "not_worn": "not_worn",
    "missing": "unknown",
}


class Rule(NamedTuple):
    """The default rule, with lengths in minutes. `moves` 0 switches its clause off; `repeat` is for the vectors."""

    limit: int = 60
    break_steps: int = 20
    break_window: int = 5
    moves: int = 3
    moves_window: int = 15
    repeat: int | None = None
    standing_ends: bool = False  # the three parts of trusting a posture
    sitting_waives: bool = False
    posture_totals: bool = False


TRUSTING = Rule(standing_ends=True, sitting_waives=True, posture_totals=True)
UPRIGHT = {"standing", "walking", "running", "upright"}
SEATED = {"sitting", "lying"}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of sitting: indices `[first, end)` into the line of minutes; `end` is after its last counted minute."""

    first: int
    end: int
    minutes: int
    ended_by: Ended | None
    ended_at: int | None  # the minute whose age is 0 again
    doubtful: bool


class Due(NamedTuple):
    """A prompt that is due when the minute with this index is complete."""

    minute: int
    sure: Literal["high", "medium"]


def condition(row: tuple[int, str | None] | None) -> Condition:
    if row is None:
        return "missing"
    steps, state = row
    if state == "cycling":
        return "riding"
    if steps >= 20:  # they beat asleep, not worn and charging
        return "counted"
    if state in {"not_worn", "charging"}:
        return "not_worn"
    return "asleep" if state == "asleep" else "counted"


def ridden(rows: Rows, rides: Sequence[tuple[datetime, datetime]]) -> Rows:
    """Return the rows with the minutes of rides `[start, end)`, rounded to whole minutes, half a minute inwards."""
    found = dict(rows)
    for start, end in rides:
        minute = start.replace(second=0) + (MINUTE if start.second >= 30 else timedelta())
        stop = end.replace(second=0) + (MINUTE if end.second > 30 else timedelta())
        while minute < stop:
            before = rows.get(minute)
            worn = before is not None and condition(before) != "not_worn"
            found[minute] = (before[0] if before is not None and worn else 0, "cycling")
            minute += MINUTE
    return found


class Line:
    """Whole minutes in a row from `origin`, judged by `rule`, up to `now` or until nothing more can happen."""

    def __init__(
        self,
        rows: Rows,
        now: datetime,
        rule: Rule,
        *,
        vouches: bool,
        zone: ZoneInfo | None = None,
        postures: Postures | None = None,
    ) -> None:
        now = now.replace(second=0, microsecond=0)
        past = {at: row for at, row in rows.items() if at < now}
        self.rule = rule
        self.origin = min(past, default=now)
        end = min(now, max(past, default=now) + (BRIDGE + 2) * MINUTE)  # as far as the gap that ends a stretch
        self.rows = [past.get(self.origin + i * MINUTE) for i in range((end - self.origin) // MINUTE)]
        self.postures = [(postures or {}).get(self.origin + i * MINUTE) for i in range(len(self.rows))]
        self.conditions: list[Condition] = [condition(row) for row in self.rows]
        self.steps = [
            row[0] if row and what != "not_worn" else 0 for row, what in zip(self.rows, self.conditions, strict=True)
        ]  # those of a band that is off count for nothing
        self.zero_run = self._zero_runs()
        self.zone = zone or ZoneInfo("UTC")
        self.doubtful = [False if vouches else doubtful for doubtful in self._doubtful()]
        self.breaking = [self._brk(t) for t in range(len(self.rows))]
        self.ages = self._ages()
        self._found: Sequence[Stretch] | None = None

    def _zero_runs(self) -> list[int]:
        """Return for each minute the length of the run of counted zero-step minutes that it lies in, else 0."""
        still = [c == "counted" and s == 0 for c, s in zip(self.conditions, self.steps, strict=True)]
        runs: list[int] = []
        for is_still, group in groupby(still):
            length = len(list(group))
            runs += [length if is_still else 0] * length
        return runs

    def _doubtful(self) -> list[bool]:
        walks: dict[date, list[int]] = {}  # of each day from 4:00 to 4:00, the clock at its minutes with steps
        for t, steps in enumerate(self.steps):
            if steps:
                day, clock = self._four(t)
                walks.setdefault(day, []).append(clock)
        if self.rows and self._four(0)[1]:
            walks.pop(self._four(0)[0], None)  # the line begins within that day
        found: list[bool] = []
        for run, group in groupby(enumerate(self.zero_run), key=lambda minute: minute[1]):
            minutes = [t for t, _ in group]
            long = run >= DOUBTFUL or (run >= AT_NIGHT and self._at_night(minutes[0], walks))
            found += [long] * len(minutes)
        return found

    def _at_night(self, t: int, walks: Mapping[date, Sequence[int]]) -> bool:
        day, clock = self._four(t)
        known = [walks[day - back * DAY] for back in range(1, 15) if day - back * DAY in walks]
        begins, ends = 18 * 60.0, 3 * 60.0  # 22:00 and 7:00
        if len(known) >= 7:
            begins, ends = median(max(clocks) for clocks in known), median(min(clocks) for clocks in known)
        return clock >= begins or clock < ends

    def _four(self, t: int) -> tuple[date, int]:
        """Return the day, from 4:00 to 4:00 by the wall clock, of a minute, and its minutes after 4:00."""
        wall = (self.origin + t * MINUTE).astimezone(self.zone).replace(tzinfo=None) - timedelta(hours=4)
        return wall.date(), wall.hour * 60 + wall.minute

    def _brk(self, t: int) -> bool:
        window: list[int] = []  # steps from t backwards, not past a minute that is not counted
        for i in range(t, max(-1, t - max(self.rule.break_window, self.rule.moves_window)), -1):
            if self.conditions[i] != "counted":
                break
            window.append(self.steps[i])
        if not window or window[0] < 1:
            return False
        if self.rule.sitting_waives and self._sat(t):
            return False
        walked = sum(window[: self.rule.break_window]) >= self.rule.break_steps
        moves = sum(steps >= 1 for steps in window[: self.rule.moves_window])
        return walked or 0 < self.rule.moves <= moves

    def _said(self, t: int) -> str | None:
        """Return what was said of the posture in a counted minute: "sitting", "upright" or nothing."""
        row = self.rows[t] if t >= 0 else None
        if row is None or self.conditions[t] != "counted":
            return None
        word = self.postures[t] or row[1]
        return "upright" if word in UPRIGHT else "sitting" if word in SEATED else None

    def _sat(self, t: int) -> bool:
        """Whether all of the last 5 minutes, as far back as they are counted without a gap, were sat through."""
        for i in range(t, max(-1, t - 5), -1):
            if self.conditions[i] != "counted":
                break
            if self._said(i) != "sitting":
                return False
        return True

    def _stood(self, t: int) -> bool:
        return self.rule.standing_ends and self._said(t) == self._said(t - 1) == "upright"

    def _ages(self) -> list[int]:
        ages: list[int] = []
        age = missing = 0
        for t, (what, brk) in enumerate(zip(self.conditions, self.breaking, strict=True)):
            missing = missing + 1 if what == "missing" else 0
            if what == "missing":
                age = age if missing <= BRIDGE else 0
            elif what == "counted" and not brk and not self._stood(t):
                age += 1
            else:
                age = 0
            ages.append(age)
        return ages

    def stretches(self) -> Sequence[Stretch]:
        """Return every stretch, of whatever length, in order."""
        if self._found is None:
            self._found = tuple(self._stretches())
        return self._found

    def _stretches(self) -> Iterator[Stretch]:
        t = 0
        while t < len(self.ages):
            if self.ages[t] == 0:
                t += 1
                continue
            first = t
            while t < len(self.ages) and self.ages[t] >= 1:
                t += 1
            counted = [i for i in range(first, t) if self.conditions[i] == "counted"]
            unsure = sum(self.doubtful[i] for i in counted)
            over = t < len(self.ages)
            ended_by = ENDS[self.conditions[t]] if over else None
            if over and self.conditions[t] == "counted" and not self.breaking[t]:
                ended_by = "standing"
            ended_at = t if over else None
            yield Stretch(first, counted[-1] + 1, len(counted), ended_by, ended_at, 2 * unsure >= len(counted))

    def prompts(self) -> list[Due]:
        """Return the prompts that are due by the rule alone, without prompt hours, pauses and signs of life."""
        due: list[Due] = []
        for t, age in enumerate(self.ages):
            first = age == self.rule.limit
            again = self.rule.repeat and age > self.rule.limit and (age - self.rule.limit) % self.rule.repeat == 0
            if self.conditions[t] == "counted" and (first or again):
                moves = sum(steps >= 1 for steps in self.steps[max(0, t - 59) : t + 1])
                due.append(Due(t, "high" if moves <= 1 else "medium"))
        return due

    def kind(self, at: datetime) -> Kind:
        t = (at - self.origin) // MINUTE
        if not 0 <= t < len(self.rows) or self.conditions[t] == "missing" or self.doubtful[t]:
            return "unknown"
        row, what = self.rows[t], self.conditions[t]
        if what in {"not_worn", "asleep"}:
            return "not_worn" if what == "not_worn" else "asleep"
        state, posture = row[1] if row else None, self.postures[t] if self.rule.posture_totals else None
        if what == "counted" and (posture or state) == "standing":
            return "standing"
        if self.rule.posture_totals and (said := self._said(t)) is not None:
            return "sitting" if said == "sitting" and self.steps[t] < 20 else "up"
        return "sitting" if self.zero_run[t] >= LISTED else "up"


def taken_off(minutes: Mapping[datetime, tuple[int, bool]]) -> set[datetime]:
    """Return the minutes in which a band was off by its heart rate ("Wear and doubtful stillness", item 1).

    `minutes` says of each row how many steps it has, and whether it has a heart rate.
    """
    off: set[datetime] = set()
    for first in minutes:
        if minutes[first][1] or not minutes.get(first - MINUTE, (0, True))[1]:
            continue  # it has a heart rate, or lies inside a gap
        gap = [first]
        while not minutes.get(gap[-1] + MINUTE, (0, True))[1]:
            gap.append(gap[-1] + MINUTE)
        heard = sum(minutes.get(first - i * MINUTE, (0, False))[1] for i in range(1, 121))
        if len(gap) > 10 and heard >= 0.8 * 120:
            off.update(at for at in gap if not _in_walk(minutes, at))
    return off


def _in_walk(minutes: Mapping[datetime, tuple[int, bool]], at: datetime) -> bool:
    """Whether the minute lies between two steps, or is one, of 5 minutes in a row with 20 steps."""
    for back in range(5):
        five = [minutes.get(at + (i - back) * MINUTE, (0, True))[0] for i in range(5)]
        if sum(five) >= 20 and any(five[: back + 1]) and any(five[back:]):
            return True
    return False


Whole = TypedDict("Whole", {"from": str, "to": str, "minutes": int})
StretchEntry = TypedDict(
    "StretchEntry",
    {"from": str, "to": str, "minutes": int, "ended_by": str | None, "doubtful": bool, "whole": Whole | None},
)
HourEntry = TypedDict(
    "HourEntry",
    {
        "hour": str,
        "from": str,
        "sitting": int,
        "up": int,
        "standing": int,
        "asleep": int,
        "not_worn": int,
        "unknown": int,
    },
)


class PromptEntry(TypedDict):
    at: str
    sure: str


class Day(TypedDict):
    """The fields of `day --json` that follow from the minutes, and the prompts that were due."""

    complete_until: str | None
    minutes: dict[Kind, int]
    steps: int
    stretches: list[StretchEntry]
    longest_minutes: int
    over_30: int
    over_limit: int
    breaks: int
    usual_stretch_minutes: int | None
    hours: list[HourEntry]
    prompts: list[PromptEntry]


LIFE = 180  # minutes: no prompt without a sign of life this recently


class Call(NamedTuple):
    """A prompt that the person should get."""

    due: datetime
    owed: datetime
    """When it should be shown: at `due`, or at the first sign of life after that if one was missing."""
    over: datetime | None
    """The start of the minute that ends the stretch; None if the data end first."""


def calls(
    line: Line,
    alive: Callable[[int], bool],
    in_hours: Callable[[datetime], bool],
    at_lunch: Callable[[datetime], bool],
    limit: int = 60,
) -> list[Call]:
    """Return what is due with hours, lunch and signs of life (section 2, item 1); `alive` takes a minute's index."""
    found: list[Call] = []
    for stretch in line.stretches():
        end = line.origin + stretch.ended_at * MINUTE if stretch.ended_at is not None else None
        counted = [i for i in range(stretch.first, stretch.end) if line.conditions[i] == "counted"]
        open_at = {i: in_hours(line.origin + i * MINUTE) for i in counted}
        for is_open, group in groupby(counted, key=open_at.__getitem__):
            minutes = list(group)
            if not is_open:
                continue
            if minutes[0] != stretch.first:
                heard = next((n for n, i in enumerate(minutes) if alive(i)), len(minutes))
                minutes = minutes[heard:]
            late = minutes[limit - 1 :]
            owed = next((i for i in late if any(map(alive, range(max(0, i + 1 - LIFE), i + 1)))), None)
            if owed is None:
                continue
            due, owed_at = (line.origin + (i + 1) * MINUTE for i in (late[0], owed))
            if in_hours(due) and not at_lunch(due):
                found.append(Call(due, owed_at, end))
                break
    return found


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return start and end of the local day in UTC, half-open: 23, 24 or 25 hours."""
    utc = ZoneInfo("UTC")
    start, end = (datetime.combine(d, time(0), zone).astimezone(utc) for d in (day, day + timedelta(days=1)))
    return start, end


def day_of_minutes(
    rows: Rows,
    day: date,
    *,
    zone: ZoneInfo,
    now: datetime,
    vouches: bool,
    rule: Rule | None = None,
    postures: Postures | None = None,
) -> Day:
    """Return what `day --json` must say of one band's minutes. `now` and the keys of `rows` are aware datetimes."""
    rule = rule or Rule()
    line = Line(rows, now, rule, vouches=vouches, zone=zone, postures=postures)
    start, end = bounds(day, zone)
    until = max(start, min(end, now.replace(second=0, microsecond=0)))

    def local(at: datetime) -> str:
        return at.astimezone(zone).isoformat()

    def at(index: int) -> datetime:
        return line.origin + index * MINUTE

    instants = [start + i * MINUTE for i in range((until - start) // MINUTE)]
    inside = range((start - line.origin) // MINUTE, (until - line.origin) // MINUTE)  # indices, may leave the line
    listed = [s for s in line.stretches() if s.minutes >= LISTED]
    own = [s for s in listed if s.end - 1 in inside and not s.doubtful]
    lengths = [s.minutes for s in own]
    known = [i for i in inside if 0 <= i < len(line.rows) and line.rows[i] is not None]
    return Day(
        complete_until=local(at(known[-1] + 1)) if known else None,
        minutes=kinds(line, instants),
        steps=sum(line.steps[i] for i in known if line.conditions[i] != "not_worn"),
        stretches=pieces(line, listed, inside, (start, end), zone),
        longest_minutes=max(lengths, default=0),
        over_30=sum(length >= 30 for length in lengths),
        over_limit=sum(length >= rule.limit for length in lengths),
        breaks=sum(s.ended_by in {"moving", "standing"} and s.ended_at in inside for s in listed),
        usual_stretch_minutes=usual(lengths),
        hours=hours(line, (start, until, end), zone),
        prompts=[
            PromptEntry(at=local(at(p.minute + 1)), sure=p.sure)
            for p in line.prompts()
            if start <= at(p.minute + 1) < end
        ],
    )


def kinds(line: Line, instants: Sequence[datetime]) -> dict[Kind, int]:
    found = [line.kind(at) for at in instants]
    return {kind: found.count(kind) for kind in KINDS}


def pieces(
    line: Line, listed: Sequence[Stretch], inside: range, day: tuple[datetime, datetime], zone: ZoneInfo
) -> list[StretchEntry]:
    start, end = day
    found: list[StretchEntry] = []
    for s in listed:
        counted = sum(i in inside and line.conditions[i] == "counted" for i in range(s.first, s.end))
        if not counted:
            continue
        began, ended = (line.origin + i * MINUTE for i in (s.first, s.end))
        cut = began < start or ended > end
        whole_from, whole_to, piece_from, piece_to = (
            at.astimezone(zone).isoformat() for at in (began, ended, max(began, start), min(ended, end))
        )
        found.append(
            {
                "from": piece_from,
                "to": piece_to,
                "minutes": counted,
                "ended_by": s.ended_by if ended <= end else None,
                "doubtful": s.doubtful,
                "whole": {"from": whole_from, "to": whole_to, "minutes": s.minutes} if cut else None,
            }
        )
    return found


def usual(lengths: Sequence[int]) -> int | None:
    """Return W50 in minutes: stretches of this length or less make up half of the time. None without stretches."""
    for length in sorted(lengths):
        if 2 * sum(one for one in lengths if one <= length) >= sum(lengths):
            return length
    return None


def hours(line: Line, day: tuple[datetime, datetime, datetime], zone: ZoneInfo) -> list[HourEntry]:
    start, until, end = day
    found: list[HourEntry] = []
    hour = start
    while hour < end:
        stop = min(hour + 60 * MINUTE, end)
        counts = kinds(line, [hour + i * MINUTE for i in range(max(0, (min(stop, until) - hour) // MINUTE))])
        local = hour.astimezone(zone)
        found.append(
            {
                "hour": local.strftime("%H:%M"),
                "from": local.isoformat(),
                "sitting": counts["sitting"],
                "up": counts["up"],
                "standing": counts["standing"],
                "asleep": counts["asleep"],
                "not_worn": counts["not_worn"],
                "unknown": counts["unknown"],
            }
        )
        hour = stop
    return found


def slot_prompts(slots: Sequence[int | None], width: int) -> list[int]:
    """Return the indices of slots at whose end a prompt is due. `width` is 10, 15 or 30 minutes; None is not known."""
    needed, busy_at_most = {10: (6, 3), 15: (4, 4), 30: (2, 2)}[width]
    due: list[int] = []
    still: list[int] = []
    said = False
    for index, steps in enumerate(slots):
        if steps is None or steps >= 20:
            still, said = [], False
            continue
        still.append(steps)
        busy = sum(steps >= 1 for steps in still[-needed:])
        if len(still) >= needed and busy <= busy_at_most and not said:
            due.append(index)
            said = True
    return due


def slot_calls(
    slots: Sequence[tuple[datetime, int]],
    width: int,
    in_hours: Callable[[datetime], bool],
    at_lunch: Callable[[datetime], bool],
) -> list[Call]:
    """Return what `calls` does, for a band whose slots come without a gap and say nothing but steps."""
    needed, busy_at_most = {10: (6, 3), 15: (4, 4), 30: (2, 2)}[width]
    length = width * MINUTE
    found: list[Call] = []
    for is_still, group in groupby(slots, key=lambda slot: slot[1] < 20):
        run = list(group)
        if not is_still:
            continue
        over = run[-1][0] + length if run[-1] != slots[-1] else None
        counting, dropped = (run[0][0] if in_hours(run[0][0]) else None), False
        for n, (start, steps) in enumerate(run):
            end = start + length
            if not in_hours(start):
                counting, dropped = None, False
                continue
            if counting is None and steps:
                counting = end - MINUTE
            last = run[max(0, n + 1 - LIFE // width) : n + 1]
            lived = any(steps for _, steps in last) or end - run[0][0] < LIFE * MINUTE  # or walked just before
            busy = sum(steps >= 1 for _, steps in run[max(0, n + 1 - needed) : n + 1])
            if dropped or counting is None or end - counting < needed * length or busy > busy_at_most or not lived:
                continue
            if in_hours(end) and not at_lunch(end):
                found.append(Call(end, end, over))
                break
            dropped = True
    return found


def counter_rows(readings: Sequence[tuple[datetime, int]]) -> dict[datetime, tuple[int, str | None]]:
    """Return the minutes of a running total (section 1, "Counters"); over 5 minutes apart there are none."""
    steps: dict[datetime, int] = {}
    covered: dict[datetime, timedelta] = {}
    for (before, low), (after, high) in pairwise(readings):
        if not timedelta() < after - before <= 5 * MINUTE:
            continue
        count = high - low if high >= low else high
        starts = [before.replace(second=0, microsecond=0)]
        while starts[-1] + MINUTE < after:
            starts.append(starts[-1] + MINUTE)
        lengths = [min(after, at + MINUTE) - max(before, at) for at in starts]
        shares = [count * (length / (after - before)) for length in lengths]
        whole = [int(share) for share in shares]
        by_rest = sorted(range(len(starts)), key=lambda i: (whole[i] - shares[i], i))
        for i in by_rest[: count - sum(whole)]:
            whole[i] += 1
        for at, more, length in zip(starts, whole, lengths, strict=True):
            steps[at] = steps.get(at, 0) + more
            covered[at] = covered.get(at, timedelta()) + length
    return {at: (count, None) for at, count in steps.items() if covered[at] >= MINUTE / 2}
