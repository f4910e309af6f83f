r"""What several bands reported becomes one gapless line of minutes.

Minutes are whole minutes of UTC, counted from 1970; arrays have one entry for each. Everything that this module
decides is written in docs/rule.md, "Coarse and mixed data" and "Wear and doubtful stillness". It knows nothing
of stretches.

    epochs of a minute   |1|1|1|1|1|1|1|1|1|1|      one row for each minute
    slots                |        15         |      up to 30 minutes: still or not, as a whole
    counter              x     x   x         x      read at instants; differences are spread over minutes
                          \_________________/
    Timeline             one code and one number of steps for each minute
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.counters import SLOT_COUNTER_MINUTES, Growth, before_first, differences, midnight_s, spread
from hipsync.core.days import Zones
from hipsync.core.nights import Nights, needed_from
from hipsync.core.unplaced import UnplacedSteps, clusters, settled
from hipsync.model import MINUTE, RIDES, Counter, Epoch, Posture, State, Wear, Workout, is_possible

MISSING, AWAKE, ASLEEP, NOT_WORN, STILL, MOVING = range(6)
"""Codes of a minute. STILL and MOVING are for minutes of a slot, whose steps are known only for the slot as a whole.
MOVING is also every minute of a ride, whatever its steps."""

STANDING, ALIVE, VOUCHED, SLOT_END, RIDING, RIDE_END, UPRIGHT, SEATED, USED, STOOD = (1 << bit for bit in range(10))
"""Flags of a minute, which can be combined.

STANDING: the band says, by its state, that its wearer stood. ALIVE: there is a step, or the band says that its wearer
is awake; a heart rate is no sign of life, because sleepers have one, and nor is a posture. VOUCHED: the minute comes
from a band that reports wear, sleep or heart rate, so its stillness is that of a person. SLOT_END: the last minute of a
slot. RIDING: the band says that its wearer rode a bicycle, or rowed; the minute is MOVING. RIDE_END: the last minute of
a ride that a band recorded as a whole. UPRIGHT: a band says that its wearer stood, walked or ran. SEATED: a band says
that its wearer sat or lay. Both together come from bands that contradict each other, and say nothing (`posture`). USED:
this computer was used, at a desk for sitting; no band says that, so `timeline` never sets it. STOOD: as STANDING, but
for where posture is trusted: there a posture that the band gives beside its state speaks in place of that, as in
UPRIGHT and SEATED.
"""

FINE_MINUTES = 5
"""Epochs up to this long are treated as single minutes, longer ones as slots."""
COARSE_MINUTES = 30
"""Epochs longer than this give only a number of steps for the day: they are too coarse to judge sitting by."""
STILL_STEPS = 20
"""A slot with fewer steps than this is still. An epoch with this many or more is neither asleep nor not worn, whatever
a band says."""
DOUBTFUL_MINUTES = 180
"""Stillness that lasts at least this long is doubtful unless its minutes are `VOUCHED`: the band may lie on a table."""
NIGHT_MINUTES = 90
"""As `DOUBTFUL_MINUTES`, for stillness that begins at night (`hipsync.core.nights`): most likely somebody is in bed."""
HEART_WINDOW_MINUTES, HEART_ENOUGH_MINUTES, HEART_GAP_MINUTES = 120, 96, 10
"""When a missing heart rate means that the band was taken off.

It does if there is none for more than 10 minutes, but there was one in at least 96 of the 120 minutes before.
"""

_OFF = frozenset({State.NOT_WORN, State.CHARGING})
_SAID = {
    State.SITTING: ALIVE | SEATED,
    State.STANDING: ALIVE | UPRIGHT | STANDING | STOOD,
    State.WALKING: ALIVE | UPRIGHT,
    State.RUNNING: ALIVE | UPRIGHT,
    State.CYCLING: ALIVE | RIDING,
}
"""The flags of a minute of which a band says this."""
_HELD = {
    Posture.SITTING: SEATED,
    Posture.LYING: SEATED,
    Posture.STANDING: UPRIGHT | STOOD,
    Posture.UPRIGHT: UPRIGHT,
}
"""The flags of a minute of which a band gives this posture, in place of those of its state in `_POSTURES`."""
_POSTURES = UPRIGHT | SEATED | STOOD


class Source(NamedTuple):
    """What one band reported for a range of time; each list is in order of time."""

    epochs: Sequence[Epoch]
    counters: Sequence[Counter] = ()
    wears: Sequence[Wear] = ()
    vouches: bool = False
    """Whether the band reports wear, sleep or heart rate itself, so that its stillness is never doubtful."""
    reports_wear: bool = False
    """Whether the band says itself when it is not worn; if not, a missing heart rate may show it."""
    workouts: Sequence[Workout] = ()


@dataclass(slots=True)
class Timeline:
    """One code, set of flags and number of steps for each minute of `[first, last)`.

    All arrays are as long as `code`. A *place* is an index into them: minute `m` is at place `m - first`.
    """

    first: int
    """The first minute, counted from 1970-01-01 00:00 UTC."""
    code: bytearray
    flags: array[int]
    steps: list[int]
    """All steps of a slot stand at its last minute."""
    width: bytearray
    """Length in minutes of the epoch that decided about a minute; 0 where none did."""
    doubtful: bytearray = field(default_factory=bytearray)
    """A byte a minute: 1 in a long stillness without the flag `VOUCHED`, in which the band may lie on a table."""
    unplaced: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Pairs of (minute, steps): the steps count for the day in which that minute lies, but for no single minute."""
    clusters: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Ranges `[start, end)` of minutes, in order, whose unplaced steps depend on each other and on all minutes in them.
    What is missing of a range because the timeline is too short makes its steps wrong."""

    @property
    def last(self) -> int:
        """The first minute after the timeline."""
        return self.first + len(self.code)

    def until(self, last: int) -> Timeline:
        """A copy that ends earlier: minutes `[first, last)` of this timeline."""
        size = last - self.first
        return Timeline(
            self.first,
            self.code[:size],
            self.flags[:size],
            self.steps[:size],
            self.width[:size],
            self.doubtful[:size],
            [(minute, steps) for minute, steps in self.unplaced if minute < last],
            self.clusters,
        )

    def known_until(self) -> int | None:
        """The first minute after the newest one that is not missing; None if all are."""
        size = len(self.code.rstrip(b"\0"))
        return self.first + size if size else None


def minute_of(instant: datetime) -> int:
    """The minute in which an instant lies, counted from 1970-01-01 00:00 UTC."""
    return int(instant.timestamp()) // 60


def instant_of(minute: int) -> datetime:
    """The instant at which a minute begins."""
    return datetime.fromtimestamp(minute * 60, UTC)


def timeline(sources: Sequence[Source], first: int, last: int, zone: ZoneInfo | Zones) -> Timeline:
    """All sources merged into one timeline of the minutes `[first, last)`, counted from 1970.

    Readings before and after these minutes are used, but not shown. `zone` is where the bands' clocks were, at whose
    midnight counters are reset. An epoch with more steps than anybody makes is left out, as if it had not come.
    """
    zones = zone if isinstance(zone, Zones) else Zones([], zone.key)
    size = max(last - first, 0)
    line = Timeline(first, bytearray(size), array("H", [0]) * size, [0] * size, bytearray(size))
    slept = bytearray(size)
    unplaced: list[UnplacedSteps] = []
    for source in sources:
        unworn = _taken_off(source.wears, last) if source.reports_wear else _unworn_by_heart(source)
        vouched = VOUCHED if source.vouches else 0
        growths = list(differences(source.counters, zones))
        counted = _counted_times(source, growths)
        for epoch in filter(_is_possible, source.epochs):
            coarse = epoch.length > COARSE_MINUTES * MINUTE
            if not coarse or not any(start <= epoch.start and epoch.end <= end for start, end in counted):
                _place(line, slept, unplaced, epoch, vouched, unworn)
        growths[:0] = before_first(source.counters, source.epochs, zones)
        _place_counters(line, unplaced, growths, vouched, zones)
    for source in sources:
        _place_rides(line, source.workouts)
    for at in range(size):
        if line.flags[at] & RIDING:
            _ride(line, at)
        elif slept[at] and line.steps[at] < STILL_STEPS and line.code[at] in {AWAKE, STILL}:
            line.code[at] = ASLEEP
    line.unplaced = settled(unplaced, line.steps, line.first)
    line.clusters = clusters(unplaced)
    line.doubtful = _doubtful(line, zones)
    return line


def _counted_times(source: Source, growths: Sequence[Growth]) -> list[tuple[datetime, datetime]]:
    """The times `[start, end)` in which a band's counter was read often; empty if the band reports no coarse epochs.

    `growths` are those of its counter. A coarse epoch inside such a time repeats steps that the counter has given
    already, so the epoch is left out.
    """
    if not any(epoch.length > COARSE_MINUTES * MINUTE for epoch in source.epochs):
        return []
    counted: list[tuple[datetime, datetime]] = []
    for start_s, end_s, _, known in growths:
        if known and end_s - start_s <= SLOT_COUNTER_MINUTES * 60:
            start, end = datetime.fromtimestamp(start_s, UTC), datetime.fromtimestamp(end_s, UTC)
            begun = counted.pop()[0] if counted and counted[-1][1] == start else start
            counted.append((begun, end))
    return counted


def _is_possible(epoch: Epoch) -> bool:
    return is_possible(epoch.steps, epoch.length)


def _place(
    line: Timeline,
    slept: bytearray,
    unplaced: list[UnplacedSteps],
    epoch: Epoch,
    flags: int,
    unworn: frozenset[int],
) -> None:
    """Enter one epoch into the timeline; `flags` are those of its source, `unworn` the minutes without the band."""
    start = minute_of(epoch.start)
    width = int(epoch.length.total_seconds()) // 60
    if width > COARSE_MINUTES:
        if epoch.state not in _OFF or epoch.steps >= STILL_STEPS:
            unplaced.append(UnplacedSteps(start, start + width, start + width - 1, epoch.steps))
        return
    if epoch.state is not None:
        flags |= _SAID.get(epoch.state, 0)
    if epoch.posture is not None:
        flags = flags & ~_POSTURES | _HELD[epoch.posture]
    slot = width > FINE_MINUTES
    moving = epoch.steps >= STILL_STEPS
    off = not moving and (epoch.state in _OFF or start in unworn)
    code = NOT_WORN if off else AWAKE if not slot else MOVING if moving else STILL
    for minute in range(start, start + width):
        at = minute - line.first
        if 0 <= at < len(line.code):
            end = minute == start + width - 1
            steps = epoch.steps if end else 0
            _claim(line, at, code, width, steps, flags | (ALIVE if steps else 0) | (SLOT_END if slot and end else 0))
            if epoch.state is State.ASLEEP:
                slept[at] = 1


def _claim(line: Timeline, at: int, code: int, width: int, steps: int, flags: int) -> None:
    """Enter one minute of a source, unless a better source has decided about it already.

    The finest source decides; among equals the one with most steps. A band that was not worn decides only about
    minutes that no other band reports.
    """
    before = line.code[at]
    if code == NOT_WORN:
        if before == MISSING:
            line.code[at], line.width[at] = code, width
        return
    if before in {MISSING, NOT_WORN}:
        line.code[at], line.width[at], line.steps[at], line.flags[at] = code, width, steps, flags
        return
    shared = (line.flags[at] | flags) & (ALIVE | VOUCHED | RIDING | UPRIGHT | SEATED)
    if width < line.width[at] or (width == line.width[at] and steps > line.steps[at]):
        line.code[at], line.width[at], line.steps[at], line.flags[at] = code, width, steps, flags
    line.flags[at] |= shared


def posture(flags: int) -> int | None:
    """What the flags of a minute say of its wearer's posture: UPRIGHT or SEATED, or None if that is not known."""
    said = flags & (UPRIGHT | SEATED)
    return said if said in {UPRIGHT, SEATED} else None


def _place_counters(
    line: Timeline, unplaced: list[UnplacedSteps], growths: Sequence[Growth], flags: int, zones: Zones
) -> None:
    """Enter the growth of a counter between its readings.

    Growth within 5 minutes is spread over these minutes. Growth within 15 minutes makes a slot. All other growth, and
    that around an impossible count, counts only for the day.
    """
    minutes: dict[int, list[int]] = defaultdict(lambda: [0, 0, 1])  # steps, seconds covered, width
    for start_s, end_s, steps, known in growths:
        length_s = end_s - start_s
        width = -(-length_s // 60)
        if not known or length_s > SLOT_COUNTER_MINUTES * 60:
            clock = zones.at(datetime.fromtimestamp(start_s, UTC))
            begun_s = max(start_s, midnight_s(end_s, clock))  # a reset in between leaves what came before unknown
            unplaced.append(
                UnplacedSteps(min(-(-begun_s // 60), end_s // 60), end_s // 60, end_s // 60, steps, gap=True)
            )
        elif length_s > FINE_MINUTES * 60:
            start, end = (start_s + 30) // 60, (end_s + 29) // 60  # minutes of which more than half is covered
            code = MOVING if steps >= STILL_STEPS else STILL
            for minute in range(max(start, line.first), min(end, line.last)):
                is_end = minute == end - 1
                alive = ALIVE if is_end and steps else 0
                mark = flags | alive | (SLOT_END if is_end else 0)
                _claim(line, minute - line.first, code, end - start, steps if is_end else 0, mark)
        else:
            for minute, share, covered_s in spread(start_s, end_s, steps):
                entry = minutes[minute]
                entry[0] += share
                entry[1] += covered_s
                entry[2] = max(entry[2], width)
    for minute, (steps, covered_s, width) in sorted(minutes.items()):
        if covered_s < 30:  # less than half of it is known
            if steps:
                unplaced.append(UnplacedSteps(minute, minute, minute, steps, gap=True))
        elif line.first <= minute < line.last:
            _claim(line, minute - line.first, AWAKE, width, steps, flags | (ALIVE if steps else 0))


def _place_rides(line: Timeline, workouts: Sequence[Workout]) -> None:
    """Mark the minutes of the rides that a band recorded, whatever else is known of them.

    Begin and end are rounded to whole minutes, half a minute inwards. Other workouts make steps of their own and mark
    nothing.
    """
    for workout in workouts:
        if workout.kind in RIDES and workout.is_possible:
            start, end = (int(workout.start.timestamp()) + 30) // 60, (int(workout.end.timestamp()) + 29) // 60
            for minute in range(max(start, line.first), min(end, line.last)):
                line.flags[minute - line.first] |= RIDING | ALIVE | (RIDE_END if minute == end - 1 else 0)


def _ride(line: Timeline, at: int) -> None:
    """Make a minute of a ride one of movement, also if all else that bands report makes it missing, asleep or not worn.

    It has no posture. Where it was the last of a still slot, it is no end of a slot any more: nobody walked there.
    """
    line.flags[at] &= ~(STANDING | _POSTURES | (SLOT_END if line.code[at] == STILL else 0))
    line.code[at] = MOVING


def _taken_off(wears: Sequence[Wear], last: int) -> frozenset[int]:
    """Whole minutes between taking the band off and putting it on; up to `last` if it was not put on again."""
    unworn: set[int] = set()
    for wear, after in pairwise([*wears, None]):
        if wear is not None and not wear.worn:
            unworn.update(range(minute_of(wear.at) + 1, last if after is None else minute_of(after.at)))
    return frozenset(unworn)


def _unworn_by_heart(source: Source) -> frozenset[int]:
    """The minutes in which a band was off, inferred from a heart rate that was nearly always there and then stopped.

    Only epochs of one minute are looked at. Minutes in which somebody walked are left out: see `_walked_minutes`.
    """
    epochs = [epoch for epoch in source.epochs if epoch.length == MINUTE]
    rows = {minute_of(epoch.start): bool(epoch.heart_rate) for epoch in epochs}
    if not any(rows.values()):
        return frozenset()
    unworn: set[int] = set()
    gap: list[int] = []
    for minute in [*sorted(rows), -1]:
        if minute >= 0 and not rows[minute] and (not gap or gap[-1] == minute - 1):
            gap.append(minute)
            continue
        if len(gap) > HEART_GAP_MINUTES:
            before = sum(rows.get(m, False) for m in range(gap[0] - HEART_WINDOW_MINUTES, gap[0]))
            if before >= HEART_ENOUGH_MINUTES:
                unworn.update(gap)
        gap = [minute] if minute >= 0 and not rows[minute] else []
    return frozenset(unworn - _walked_minutes(epochs) if unworn else unworn)


def _walked_minutes(epochs: Sequence[Epoch]) -> set[int]:
    """The minutes of each walk: within 5 minutes at least `STILL_STEPS` steps, from its first to its last step.

    A band that counts so many is on its wearer, even if it finds no heart rate. All epochs are one minute long.
    """
    steps = {minute_of(epoch.start): epoch.steps for epoch in epochs if epoch.steps}
    walked: set[int] = set()
    for start in steps:
        stepped = [minute for minute in range(start, start + FINE_MINUTES) if minute in steps]
        if sum(map(steps.__getitem__, stepped)) >= STILL_STEPS:
            walked.update(range(start, stepped[-1] + 1))
    return walked


def heartless_since(source: Source, minute: int) -> int:
    """The first of the minutes without a heart rate that end just before `minute`, or `minute` if there are none.

    Only epochs of one minute are looked at, as where a missing heart rate shows that a band was taken off.
    """
    for epoch in reversed(source.epochs):
        start = minute_of(epoch.start)
        if start >= minute or epoch.length != MINUTE:
            continue
        if start < minute - 1 or epoch.heart_rate:
            break
        minute = start
    return minute


def _doubtful(line: Timeline, zones: Zones) -> bytearray:
    """The array `Timeline.doubtful`: 1 in each long run without a step and without the flag `VOUCHED`.

    A run that begins in the night is long sooner than one that begins in the day.
    """
    doubtful, nights = bytearray(len(line.code)), Nights(line.steps, line.first, zones)
    for start, end in zero_runs(line, vouched=False):
        if end - start >= DOUBTFUL_MINUTES or (end - start >= NIGHT_MINUTES and nights.contain(line.first + start)):
            doubtful[start:end] = b"\1" * (end - start)
    return doubtful


def nights_need(line: Timeline, since: int, zones: Zones) -> int:
    """The first minute whose steps can matter for what is doubtful from the minute `since` on; `since` if none can."""
    runs = [
        line.first + start for start, end in zero_runs(line, vouched=False) if _may_be_night(line, start, end, since)
    ]
    return min([since, *(needed_from(start, zones) for start in runs)])


def _may_be_night(line: Timeline, start: int, end: int, since: int) -> bool:
    return NIGHT_MINUTES <= end - start < DOUBTFUL_MINUTES and line.first + end > since


def zero_runs(line: Timeline, *, vouched: bool = True) -> Iterator[tuple[int, int]]:
    """Maximal runs `[start, end)` of awake, worn minutes without a step, as places in the timeline.

    With `vouched=False`, minutes with the flag `VOUCHED` do not belong to a run. Research calls such runs zero-step
    bouts. They are a different measure from stretches (docs/rule.md, "Words of the field").
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
