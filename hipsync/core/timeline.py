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
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.counters import SLOT_COUNTER_MINUTES, Growth, before_first, differences, midnight_s, spread
from hipsync.core.days import Zones
from hipsync.core.nights import Edges, Nights, edges_of
from hipsync.core.unplaced import UnplacedSteps, clusters, settled
from hipsync.model import (
    MINUTE,
    RIDES,
    STEPS_A_MINUTE,
    Counter,
    Epoch,
    MinuteEpochs,
    Posture,
    State,
    Wear,
    Workout,
    is_possible,
)

MISSING, AWAKE, ASLEEP, NOT_WORN, STILL, MOVING = range(6)
"""Codes of a minute. STILL and MOVING are for minutes of a slot, whose steps are known only for the slot as a whole.
MOVING is also every minute of a ride, whatever its steps."""
_LEFT_OPEN = frozenset({MISSING, NOT_WORN})
"""The codes of a minute about which any band that was worn decides."""
_IS_STILL = bytes(code in {AWAKE, STILL} for code in range(256))
"""A table for `bytes.translate`: 1 for the codes of a minute that is still if it has no steps."""

STANDING, ALIVE, VOUCHED, SLOT_END, RIDING, RIDE_END, UPRIGHT, SEATED, USED, STOOD, HEARD = (
    1 << bit for bit in range(11)
)
"""Flags of a minute, which can be combined.

STANDING: the band says, by its state, that its wearer stood. ALIVE: there is a step, or the band says that its wearer
is awake; a heart rate is no sign of life, because sleepers have one, and nor is a posture. VOUCHED: the minute comes
from a band that vouches for all its minutes (`Source.vouches`), so its stillness is that of a person. HEARD: another
band found a heart rate, or said itself that it was worn, that its wearer slept or was awake, within `WORD_MINUTES` of
the minute. SLOT_END: the last minute of a slot. RIDING: the band says that its wearer rode a bicycle, or rowed; the
minute is MOVING. RIDE_END: the last minute of a ride that a band recorded as a whole. UPRIGHT: a band says that its
wearer stood, walked or ran. SEATED: a band says that its wearer sat or lay. Both together come from bands that
contradict each other, and say nothing (`posture`). USED: this computer was used, at a desk for sitting; no band says
that, so `timeline` never sets it. STOOD: as STANDING, but for where posture is trusted: there a posture that the band
gives beside its state speaks in place of that, as in UPRIGHT and SEATED.
"""

FINE_MINUTES = 5
"""Epochs up to this long are treated as single minutes, longer ones as slots."""
COARSE_MINUTES = 30
COARSE = COARSE_MINUTES * MINUTE
"""Epochs longer than this give only a number of steps for the day: they are too coarse to judge sitting by."""
STILL_STEPS = 20
"""A slot with fewer steps than this is still. An epoch with this many or more is neither asleep nor not worn, whatever
a band says."""
DOUBTFUL_MINUTES = 180
"""Stillness that lasts at least this long is doubtful unless its minutes are `VOUCHED`: the band may lie on a table."""
NIGHT_MINUTES = 90
"""As `DOUBTFUL_MINUTES`, for stillness that begins at night (`hipsync.core.nights`): most likely somebody is in bed."""
WORD_MINUTES = 30
"""How far a heart rate and a band's own word reach, where a band's minutes do not say whether it was worn.

A run of stillness is vouched for if one of them lies within so many minutes of each of its minutes. The word that it
was taken off is believed for so long, too."""
HEART_WINDOW_MINUTES, HEART_ENOUGH_MINUTES, HEART_GAP_MINUTES = 120, 96, 10
"""When a missing heart rate means that the band was taken off.

It does if there is none for more than 10 minutes, but there was one in at least 96 of the 120 minutes before.
"""

_OFF = frozenset({State.NOT_WORN, State.CHARGING})
_WORDS = frozenset(State) - _OFF
"""What a band says only while somebody wears it."""
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
    """Those of one minute may be in `minutes` instead, which takes less time."""
    counters: Sequence[Counter] = ()
    wears: Sequence[Wear] = ()
    vouches: bool = False
    """Whether the band vouches for all its minutes, so that its stillness is never doubtful. If not, that is a fact of
    each minute: what was heard near it (`HEARD`)."""
    reports_wear: bool = False
    """Whether the band's minutes say when it is not worn. If not, a missing heart rate may show it, and a `Wear` is
    believed for `WORD_MINUTES`."""
    workouts: Sequence[Workout] = ()
    minutes: MinuteEpochs = MinuteEpochs()

    def all_minutes(self) -> MinuteEpochs:
        """All epochs of one minute, those in `epochs` and those in `minutes`."""
        listed = [epoch for epoch in self.epochs if epoch.length == MINUTE]
        if not listed:
            return self.minutes
        return MinuteEpochs(
            [*self.minutes.starts, *(minute_of(epoch.start) for epoch in listed)],
            [*self.minutes.steps, *(epoch.steps for epoch in listed)],
            [*self.minutes.states, *(epoch.state for epoch in listed)],
            [*self.minutes.postures, *(epoch.posture for epoch in listed)],
            [*self.minutes.pulses, *(bool(epoch.heart_rate) for epoch in listed)],
        )


class Timeline(NamedTuple):
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
    doubtful: bytes = b""
    """A byte a minute: 1 in a long stillness that nothing vouches for, in which the band may lie on a table."""
    unplaced: Sequence[tuple[int, int]] = ()
    """Pairs of (minute, steps): the steps count for the day in which that minute lies, but for no single minute."""
    clusters: Sequence[tuple[int, int]] = ()
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


def timeline(
    sources: Sequence[Source], first: int, last: int, zone: ZoneInfo | Zones, edges: Edges | None = None
) -> Timeline:
    """All sources merged into one timeline of the minutes `[first, last)`, counted from 1970.

    Readings before and after these minutes are used, but not shown. `zone` is where the bands' clocks were, at whose
    midnight counters are reset. An epoch with more steps than anybody makes is left out, as if it had not come.
    `edges` tells of the days before, by which it is night sooner or later; without it, the timeline's own minutes do.
    """
    zones = zone if isinstance(zone, Zones) else Zones([], zone.key)
    size = max(last - first, 0)
    line = Timeline(first, bytearray(size), array("H", [0]) * size, [0] * size, bytearray(size))
    slept = bytearray(size)
    unplaced: list[UnplacedSteps] = []
    for source in sources:
        minutes = source.all_minutes()
        unworn = _unworn(source, minutes, last)
        growths = list(differences(source.counters, zones))
        vouched = VOUCHED if source.vouches else 0
        _place_minutes(line, slept, minutes, vouched, unworn)
        _place_longer(line, slept, unplaced, source.epochs, vouched, unworn, _counted_times(source, growths))
        growths[:0] = [each for each in before_first(source.counters, zones) if not _is_told(source, minutes, each)]
        _place_counters(line, unplaced, growths, vouched, zones)
    for source in sources:
        _place_rides(line, source.workouts)
        if not source.vouches:
            _place_words(line, source)
    for at, (flags, asleep) in enumerate(zip(line.flags, slept, strict=True)):
        if flags & RIDING:
            _ride(line, at)
        elif asleep and line.steps[at] < STILL_STEPS and line.code[at] in {AWAKE, STILL}:
            line.code[at] = ASLEEP
    return line._replace(
        doubtful=_doubtful(line, Nights(edges or edges_of(line.steps, first), zones)),
        unplaced=settled(unplaced, line.steps, line.first),
        clusters=clusters(unplaced),
    )


def _counted_times(source: Source, growths: Sequence[Growth]) -> list[tuple[datetime, datetime]]:
    """The times `[start, end)` in which a band's counter was read often; empty if the band reports no coarse epochs.

    `growths` are those of its counter. A coarse epoch inside such a time repeats steps that the counter has given
    already, so the epoch is left out.
    """
    if not growths or not any(epoch.length > COARSE for epoch in source.epochs):
        return []
    counted: list[tuple[datetime, datetime]] = []
    for start_s, end_s, _, known in growths:
        if known and end_s - start_s <= SLOT_COUNTER_MINUTES * 60:
            start, end = datetime.fromtimestamp(start_s, UTC), datetime.fromtimestamp(end_s, UTC)
            begun = counted.pop()[0] if counted and counted[-1][1] == start else start
            counted.append((begun, end))
    return counted


def _is_told(source: Source, minutes: MinuteEpochs, growth: Growth) -> bool:
    """Whether a band reports epochs of the time in which its counter grew."""
    start, end = datetime.fromtimestamp(growth.start_s, UTC), datetime.fromtimestamp(growth.end_s, UTC)
    return any(growth.start_s < minute * 60 + 60 and minute * 60 < growth.end_s for minute in minutes.starts) or any(
        start < epoch.end and epoch.start < end for epoch in source.epochs
    )


def _told(state: State | None, posture: Posture | None) -> int:
    """The flags of a minute of which a band says this."""
    flags = 0 if state is None else _SAID.get(state, 0)
    return flags if posture is None else flags & ~_POSTURES | _HELD[posture]


def _place_minutes(
    line: Timeline, slept: bytearray, minutes: MinuteEpochs, vouched: int, unworn: frozenset[int]
) -> None:
    """Enter epochs of one minute into the timeline.

    `vouched` is the flag of their source, and `unworn` are the minutes without the band. A day has 1,440 of them, so
    one that no other source has decided about is entered without a call.
    """
    first, codes, flags_of, steps_of, widths = line.first, line.code, line.flags, line.steps, line.width
    asleep, always_worn = State.ASLEEP, not unworn and _OFF.isdisjoint(minutes.states)
    told = list(zip(minutes.states, minutes.postures, strict=True))
    said = {each: vouched | _told(*each) for each in set(told)}
    each_said = map(said.__getitem__, told)
    for minute, steps, state, mark in zip(minutes.starts, minutes.steps, minutes.states, each_said, strict=True):
        at = minute - first
        if not 0 <= at < len(codes) or not 0 <= steps <= STEPS_A_MINUTE:
            continue
        flags = mark | ALIVE if steps else mark
        off = not always_worn and steps < STILL_STEPS and (state in _OFF or minute in unworn)
        if off or codes[at] != MISSING:
            _claim(line, at, NOT_WORN if off else AWAKE, 1, steps, flags)
        else:
            codes[at], widths[at], steps_of[at], flags_of[at] = AWAKE, 1, steps, flags
        if state is asleep:
            slept[at] = 1


def _place_longer(
    line: Timeline,
    slept: bytearray,
    unplaced: list[UnplacedSteps],
    epochs: Sequence[Epoch],
    vouched: int,
    unworn: frozenset[int],
    counted: Sequence[tuple[datetime, datetime]],
) -> None:
    """Enter the epochs of more than one minute into the timeline; `counted` are the times that a counter covers."""
    for epoch in epochs:
        if epoch.length == MINUTE or not is_possible(epoch.steps, epoch.length):
            continue
        if epoch.length <= COARSE:
            _place_slot(line, slept, epoch, vouched, unworn)
            continue
        told = any(start <= epoch.start and epoch.end <= end for start, end in counted)
        if not told and (epoch.state not in _OFF or epoch.steps >= STILL_STEPS):
            first, end = minute_of(epoch.start), minute_of(epoch.end)
            unplaced.append(UnplacedSteps(first, end, end - 1, epoch.steps))


def _place_slot(line: Timeline, slept: bytearray, epoch: Epoch, flags: int, unworn: frozenset[int]) -> None:
    """Enter an epoch of some minutes, or a slot; `flags` are those of its source."""
    start, width = minute_of(epoch.start), epoch.length // MINUTE
    flags |= _told(epoch.state, epoch.posture)
    moving = epoch.steps >= STILL_STEPS
    slot = width > FINE_MINUTES
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
    if before in _LEFT_OPEN:
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


def _place_words(line: Timeline, source: Source) -> None:
    """Mark the minutes around each heart rate, and around each word of the band that somebody wears it.

    Such words are that its wearer slept, sat, stood, walked, ran or rode, and that the band is worn.
    """
    minutes = source.all_minutes()
    heard = {
        minute
        for minute, state, pulse in zip(minutes.starts, minutes.states, minutes.pulses, strict=True)
        if pulse or state in _WORDS
    }
    for epoch in source.epochs:
        if epoch.length > MINUTE and (epoch.heart_rate or epoch.state in _WORDS):
            heard.update(range(minute_of(epoch.start), minute_of(epoch.end)))
    heard.update(minute_of(wear.at) for wear in source.wears if wear.worn)
    marked = line.first
    for minute in sorted(heard):
        for each in range(max(minute - WORD_MINUTES, marked), min(minute + WORD_MINUTES + 1, line.last)):
            line.flags[each - line.first] |= HEARD
        marked = max(marked, minute + WORD_MINUTES + 1)


def _unworn(source: Source, minutes: MinuteEpochs, last: int) -> frozenset[int]:
    """The minutes without the band, up to `last`, by what it says of wear or by its heart rates."""
    if source.reports_wear:
        return _taken_off(source.wears, last, last)
    return _unworn_by_heart(minutes) | _taken_off(source.wears, last, WORD_MINUTES)


def _taken_off(wears: Sequence[Wear], last: int, reach: int) -> frozenset[int]:
    """Whole minutes between taking the band off and putting it on, `reach` of them at most.

    They go up to `last` if it was not put on again.
    """
    unworn: set[int] = set()
    for wear, after in pairwise([*wears, None]):
        if wear is not None and not wear.worn:
            first, end = minute_of(wear.at) + 1, last if after is None else minute_of(after.at)
            unworn.update(range(first, min(end, first + reach)))
    return frozenset(unworn)


def _unworn_by_heart(minutes: MinuteEpochs) -> frozenset[int]:
    """The minutes in which a band was off, inferred from a heart rate that was nearly always there and then stopped.

    Minutes in which somebody walked are left out: see `_walked_minutes`.
    """
    if not any(minutes.pulses):
        return frozenset()
    pulses = dict(zip(minutes.starts, map(bool, minutes.pulses), strict=True))
    unworn: set[int] = set()
    gap: list[int] = []
    for minute in [*sorted(pulses), -1]:
        if minute >= 0 and not pulses[minute] and (not gap or gap[-1] == minute - 1):
            gap.append(minute)
            continue
        if len(gap) > HEART_GAP_MINUTES:
            before = sum(pulses.get(m, False) for m in range(gap[0] - HEART_WINDOW_MINUTES, gap[0]))
            if before >= HEART_ENOUGH_MINUTES:
                unworn.update(gap)
        gap = [minute] if minute >= 0 and not pulses[minute] else []
    return frozenset(unworn - _walked_minutes(minutes) if unworn else unworn)


def _walked_minutes(minutes: MinuteEpochs) -> set[int]:
    """The minutes of each walk: within 5 minutes at least `STILL_STEPS` steps, from its first to its last step.

    A band that counts so many is on its wearer, even if it finds no heart rate.
    """
    steps = {minute: steps for minute, steps in zip(minutes.starts, minutes.steps, strict=True) if steps}
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
    minutes = source.all_minutes()
    heartless = {each for each, pulse in zip(minutes.starts, minutes.pulses, strict=True) if not pulse}
    while minute - 1 in heartless:
        minute -= 1
    return minute


def _doubtful(line: Timeline, nights: Nights) -> bytes:
    """The array `Timeline.doubtful`: 1 in each long run without a step for which nothing vouches.

    Such a run has no minute with the flag `VOUCHED`, and one without the flag `HEARD`. A run that begins in the night
    is long sooner than one that begins in the day.
    """
    doubtful = bytearray(len(line.code))
    for start, end in zero_runs(line, vouched=False):
        if end - start < NIGHT_MINUTES or all(flags & HEARD for flags in line.flags[start:end]):
            continue
        if end - start >= DOUBTFUL_MINUTES or nights.contain(line.first + start):
            doubtful[start:end] = b"\1" * (end - start)
    return bytes(doubtful)


def zero_runs(line: Timeline, *, vouched: bool = True) -> Iterator[tuple[int, int]]:
    """Maximal runs `[start, end)` of awake, worn minutes without a step, as places in the timeline.

    With `vouched=False`, minutes with the flag `VOUCHED` do not belong to a run. Research calls such runs zero-step
    bouts. They are a different measure from stretches (docs/rule.md, "Words of the field").
    """
    still = bytearray(line.code.translate(_IS_STILL))
    for at, (steps, flags) in enumerate(zip(line.steps, line.flags, strict=True)):
        if steps or (flags & VOUCHED and not vouched):
            still[at] = 0
    start = still.find(1)
    while start >= 0:
        end = still.find(0, start)
        end = end if end >= 0 else len(still)
        yield start, end
        start = still.find(1, end)
