r"""What several bands reported becomes one gapless line of minutes.

Everything that this module decides is written in `science.md` section 1, "coarse and mixed data", and section 2, items
2 and 3. Minutes are whole minutes of UTC, counted from the epoch of Unix; arrays hold one entry a minute.

    Mi Band          |1|1|1|1|1|1|1|1|1|1|          a row a minute
    slots            |        15         |          up to 30 minutes: still or not, as a whole
    counter          x     x   x             x      read at instants; differences are spread over minutes
                      \_____________________/
    Timeline         one state, one number of steps for each minute
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.model import MINUTE, Counter, Epoch, State, Wear

MISSING, AWAKE, ASLEEP, NOT_WORN, STILL, MOVING = range(6)
"""Codes of a minute. STILL and MOVING are those of a slot, whose steps nobody knows minute by minute."""

STANDING, ALIVE, VOUCHED, SLOT_END, RIDING = 1, 2, 4, 8, 16
"""Flags of a minute. ALIVE: a step, a heart rate or the band's own word that its wearer is awake. VOUCHED: a band was
worn that reports wear, sleep or heart rate, so that stillness is somebody's. SLOT_END: the slot is complete here.
RIDING: a band's word that its wearer is on a bicycle."""

FINE = 5
"""Minutes: epochs up to this long are minutes, longer ones slots."""
COARSE = 30
"""Minutes: epochs longer than this give totals only."""
SLOT_COUNTER = 15
"""Minutes: counter readings further apart than this leave the time between unknown."""
CLOCKS_APART = timedelta(minutes=1)
"""How far a band's midnight may be from the host's: its clock is set to whole seconds, and then drifts."""
STILL_STEPS = 20
"""A slot with fewer is still; a minute with as many is not asleep, whatever a band says (science.md section 1)."""
DOUBTFUL_RUN = 180
"""Minutes without a step, vouched for by nobody, that are doubtful (science.md section 2, item 3)."""
HEART_WINDOW, HEART_ENOUGH, HEART_GAP = 120, 96, 10
"""Minutes: a heart rate in 8 of 10 of the 2 hours before makes its absence for over 10 mean: not worn."""

_OFF = frozenset({State.NOT_WORN, State.CHARGING})
_AWAKE_WORDS = frozenset({State.SITTING, State.STANDING, State.WALKING, State.RUNNING, State.CYCLING})


class Source(NamedTuple):
    """What one band reported, each list in order of time."""

    epochs: Sequence[Epoch]
    counters: Sequence[Counter] = ()
    wears: Sequence[Wear] = ()
    vouches: bool = False
    """It reports wear, sleep or heart rate itself."""
    reports_wear: bool = False


@dataclass(slots=True)
class Timeline:
    """Minutes `[first, first + len(code))`."""

    first: int
    code: bytearray
    flags: bytearray
    steps: list[int]
    width: bytearray
    """Length in minutes of the epoch that decided; 0 where missing."""
    doubtful: bytearray = field(default_factory=bytearray)
    unplaced: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """(minute, steps) that belong to a day, but to no minute."""

    @property
    def last(self) -> int:
        """The first minute after the line."""
        return self.first + len(self.code)

    def until(self, last: int) -> Timeline:
        """The line without what comes after: minutes `[first, last)`."""
        size = last - self.first
        return Timeline(
            self.first,
            self.code[:size],
            self.flags[:size],
            self.steps[:size],
            self.width[:size],
            self.doubtful[:size],
            [(minute, steps) for minute, steps in self.unplaced if minute < last],
        )

    def known_until(self) -> int | None:
        """The first minute after the newest known one."""
        size = len(self.code.rstrip(b"\0"))
        return self.first + size if size else None


class _Rest(NamedTuple):
    """Steps that belong to no minute; they count for the day of `minute`.

    What finer sources told of minutes `[start, end)` is the same steps; of a piece of a minute nobody else tells.
    """

    start: int
    end: int
    minute: int
    steps: int
    gap: bool = False
    """Of a counter; else of a coarse epoch."""


def minute_of(instant: datetime) -> int:
    """The minute in which an instant lies."""
    return int(instant.timestamp()) // 60


def instant_of(minute: int) -> datetime:
    """The instant at which a minute begins."""
    return datetime.fromtimestamp(minute * 60, UTC)


def timeline(sources: Sequence[Source], first: int, last: int, zone: ZoneInfo) -> Timeline:
    """One line for minutes `[first, last)`, whatever the sources hold beyond; `zone`'s midnight resets counters."""
    size = max(last - first, 0)
    line = Timeline(first, bytearray(size), bytearray(size), [0] * size, bytearray(size))
    slept = bytearray(size)
    rest: list[_Rest] = []
    for source in sources:
        unworn = _taken_off(source.wears, last) if source.reports_wear else _unworn_by_heart(source)
        vouched = VOUCHED if source.vouches else 0
        held = _held(source, zone)
        for epoch in source.epochs:
            if epoch.length <= COARSE * MINUTE or not any(a <= epoch.start and epoch.end <= b for a, b in held):
                _place(line, slept, rest, epoch, vouched, unworn)
        _place_counters(line, rest, source.counters, vouched, zone)
    for at in range(size):
        if slept[at] and line.steps[at] < STILL_STEPS and line.code[at] in {AWAKE, STILL}:
            line.code[at] = ASLEEP
    _settle(line, rest)
    line.doubtful = _doubtful(line)
    return line


def _held(source: Source, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """When a band's own counter was read without a longer gap.

    Its coarse epochs of that time say nothing more, but for a few steps that were spread over their edges.
    """
    if not any(epoch.length > COARSE * MINUTE for epoch in source.epochs):
        return []
    held: list[tuple[datetime, datetime]] = []
    for start_s, end_s, _ in _differences(source.counters, zone):
        if end_s - start_s <= SLOT_COUNTER * 60:
            start, end = datetime.fromtimestamp(start_s, UTC), datetime.fromtimestamp(end_s, UTC)
            begun = held.pop()[0] if held and held[-1][1] == start else start
            held.append((begun, end))
    return held


def _place(
    line: Timeline,
    slept: bytearray,
    rest: list[_Rest],
    epoch: Epoch,
    flags: int,
    unworn: frozenset[int],
) -> None:
    start = minute_of(epoch.start)
    width = int(epoch.length.total_seconds()) // 60
    if width > COARSE:
        if epoch.state not in _OFF:
            rest.append(_Rest(start, start + width, start + width - 1, epoch.steps))
        return
    off = epoch.state in _OFF or start in unworn
    if epoch.state is State.STANDING:
        flags |= STANDING
    elif epoch.state is State.CYCLING:
        flags |= RIDING
    if epoch.heart_rate or epoch.state in _AWAKE_WORDS:
        flags |= ALIVE
    slot = width > FINE
    code = NOT_WORN if off else AWAKE if not slot else MOVING if epoch.steps >= STILL_STEPS else STILL
    for minute in range(start, start + width):
        at = minute - line.first
        if 0 <= at < len(line.code):
            end = minute == start + width - 1
            steps = epoch.steps if end else 0
            _claim(line, at, code, width, steps, flags | (ALIVE if steps else 0) | (SLOT_END if slot and end else 0))
            if epoch.state is State.ASLEEP:
                slept[at] = 1


def _claim(line: Timeline, at: int, code: int, width: int, steps: int, flags: int) -> None:
    """The finest source decides, among equals the one with most steps; one that was not worn only if it is alone."""
    held = line.code[at]
    if code == NOT_WORN:
        if held == MISSING:
            line.code[at], line.width[at] = code, width
        return
    if held in {MISSING, NOT_WORN}:
        line.code[at], line.width[at], line.steps[at], line.flags[at] = code, width, steps, flags
        return
    shared = (line.flags[at] | flags) & (ALIVE | VOUCHED | RIDING)
    if width < line.width[at] or (width == line.width[at] and steps > line.steps[at]):
        line.code[at], line.width[at], line.steps[at], line.flags[at] = code, width, steps, flags
    line.flags[at] |= shared


def _place_counters(line: Timeline, rest: list[_Rest], counters: Sequence[Counter], flags: int, zone: ZoneInfo) -> None:
    """Differences over up to 5 minutes are spread, up to 15 make a slot, and longer ones only count for the day."""
    minutes: dict[int, list[int]] = defaultdict(lambda: [0, 0, 1])  # steps, seconds covered, width
    for start_s, end_s, steps in _differences(counters, zone):
        length_s = end_s - start_s
        width = -(-length_s // 60)
        if length_s > SLOT_COUNTER * 60:
            midnight = datetime.fromtimestamp(end_s, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
            begun_s = max(start_s, int(midnight.timestamp()))  # a reset in between leaves what came before unknown
            rest.append(_Rest(min(-(-begun_s // 60), end_s // 60), end_s // 60, end_s // 60, steps, gap=True))
        elif length_s > FINE * 60:
            start, end = (start_s + 30) // 60, (end_s + 29) // 60  # a minute of which it knows more than half
            code = MOVING if steps >= STILL_STEPS else STILL
            for minute in range(max(start, line.first), min(end, line.last)):
                is_end = minute == end - 1
                alive = ALIVE if is_end and steps else 0
                mark = flags | alive | (SLOT_END if is_end else 0)
                _claim(line, minute - line.first, code, end - start, steps if is_end else 0, mark)
        else:
            for minute, share, covered_s in _spread(start_s, end_s, steps):
                entry = minutes[minute]
                entry[0] += share
                entry[1] += covered_s
                entry[2] = max(entry[2], width)
    for minute, (steps, covered_s, width) in sorted(minutes.items()):
        if covered_s < 30:  # less than half of it is known
            if steps:
                rest.append(_Rest(minute, minute, minute, steps, gap=True))
        elif line.first <= minute < line.last:
            _claim(line, minute - line.first, AWAKE, width, steps, flags | (ALIVE if steps else 0))


def _differences(counters: Sequence[Counter], zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """(start, end, steps) in seconds between neighbouring readings.

    Local midnight resets a counter: what it shows now was walked since, also if after a long gap it shows more than
    before. If it fell within a day the band restarted, nobody knows when, and the time between stays unknown.
    """

    def day(instant: datetime) -> date:
        return instant.astimezone(zone).date()

    for before, after in pairwise(counters):
        steps = after.steps - before.steps
        if steps < 0:
            if day(before.at - CLOCKS_APART) == day(after.at + CLOCKS_APART):
                continue
            steps = after.steps
        elif after.at - before.at > SLOT_COUNTER * MINUTE and day(before.at) != day(after.at):
            steps = after.steps
        if after.at > before.at:
            yield int(before.at.timestamp()), int(after.at.timestamp()), steps


def _spread(start_s: int, end_s: int, steps: int) -> list[tuple[int, int, int]]:
    """(minute, steps, seconds) in proportion, in whole steps, the largest remainder first; the sum is kept."""
    touched = range(start_s // 60, -(-end_s // 60))
    covered = [min(end_s, minute * 60 + 60) - max(start_s, minute * 60) for minute in touched]
    length_s = end_s - start_s
    shares = [steps * seconds // length_s for seconds in covered]
    by_remainder = sorted(range(len(shares)), key=lambda i: -(steps * covered[i] % length_s))
    for i in by_remainder[: steps - sum(shares)]:
        shares[i] += 1
    return list(zip(touched, shares, covered, strict=True))


def _settle(line: Timeline, rest: list[_Rest]) -> None:
    """Steps of long gaps and coarse epochs, less what finer sources told of the same minutes, the shortest first.

    Gaps before epochs: an hour that reaches into a gap has some of its steps there, nobody knows how many, so each step
    of the gap goes to one hour at most. What no hour claims counts where the gap ends.
    Of two as long the one with most steps, like everywhere: two bands that tell hours do not double them.
    """
    settled: list[_Rest] = []
    gaps: list[tuple[_Rest, list[int]]] = []  # with what no hour has taken for its own yet
    for each in sorted(rest, key=lambda each: (not each.gap, each.end - each.start, -each.steps)):
        start, end, minute, steps, gap = each
        inside = range(max(start, line.first) - line.first, max(min(end, line.last) - line.first, 0))
        steps -= sum(line.steps[at] for at in inside)
        steps -= sum(other.steps for other in settled if other.gap == gap and start <= other.start < other.end <= end)
        if steps <= 0 or not line.first <= minute < line.last:
            continue
        settled.append(each._replace(steps=steps))
        if gap:
            gaps.append((each, [steps]))
            continue
        line.unplaced.append((minute, steps))
        for other, left in gaps:
            if start < max(other.end, other.start + 1) and other.start < end:
                shared = min(steps, left[0])
                steps, left[0] = steps - shared, left[0] - shared
    line.unplaced += [(gap.minute, left[0]) for gap, left in gaps if left[0]]


def _taken_off(wears: Sequence[Wear], last: int) -> frozenset[int]:
    """Whole minutes between taking the band off and putting it on."""
    unworn: set[int] = set()
    for wear, after in pairwise([*wears, None]):
        if wear is not None and not wear.worn:
            unworn.update(range(minute_of(wear.at) + 1, last if after is None else minute_of(after.at)))
    return frozenset(unworn)


def _unworn_by_heart(source: Source) -> frozenset[int]:
    """Minutes without a heart rate of a band that had one nearly always: it was taken off."""
    rows = {minute_of(epoch.start): bool(epoch.heart_rate) for epoch in source.epochs if epoch.length.seconds == 60}
    if not any(rows.values()):
        return frozenset()
    unworn: set[int] = set()
    gap: list[int] = []
    for minute in [*sorted(rows), -1]:
        if minute >= 0 and not rows[minute] and (not gap or gap[-1] == minute - 1):
            gap.append(minute)
            continue
        if len(gap) > HEART_GAP:
            before = sum(rows.get(m, False) for m in range(gap[0] - HEART_WINDOW, gap[0]))
            if before >= HEART_ENOUGH:
                unworn.update(gap)
        gap = [minute] if minute >= 0 and not rows[minute] else []
    return frozenset(unworn)


def _doubtful(line: Timeline) -> bytearray:
    doubtful = bytearray(len(line.code))
    for start, end in zero_runs(line, vouched=False):
        if end - start >= DOUBTFUL_RUN:
            doubtful[start:end] = b"\1" * (end - start)
    return doubtful


def zero_runs(line: Timeline, *, vouched: bool = True) -> Iterator[tuple[int, int]]:
    """Maximal runs `[start, end)` of awake, worn minutes without a step, as places in the line.

    With `vouched=False` only of minutes that nobody vouches for.
    """
    start: int | None = None
    for at, (code, steps, flags) in enumerate(zip(line.code, line.steps, line.flags, strict=True)):
        still = (code in {AWAKE, STILL}) and not steps and (vouched or not flags & VOUCHED)
        if still and start is None:
            start = at
        elif not still and start is not None:
            yield start, at
            start = None
    if start is not None:
        yield start, len(line.code)
