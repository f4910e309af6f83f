r"""What several bands reported becomes one gapless line of minutes.

Minutes are whole minutes of UTC, counted from 1970; columns have one entry for each. Everything that this module
decides is written in docs/rule.md, "Coarse and mixed data" and "Wear and doubtful stillness". It knows nothing
of stretches.

    epochs of a minute   |1|1|1|1|1|1|1|1|1|1|      one row for each minute: laid at once where no other source tells
    slots                |        15         |      up to 30 minutes: still or not, as a whole
    counter              x     x   x         x      read at instants; differences are spread over minutes
                          \_________________/
    Timeline             one code and one number of steps for each minute

The way of one minute: a band's epoch has a byte in `MinuteEpochs.said`. `_place_piece` turns it into a code and flags,
by `unworn_minutes` too; where another source tells of the minute as well, `_claim` decides. Then rides make it one of
movement, sleep makes it asleep, and `_doubtful` marks it if it lies in a long stillness that nothing vouches for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from operator import not_
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.columns import both, either, fill, runs, table
from hipsync.core.counters import SLOT_COUNTER_MINUTES, Growth, before_first, differences, midnight_s, spread
from hipsync.core.days import Zones
from hipsync.core.nights import Edges, Nights, edges_of
from hipsync.core.said import IS_TOLD, OFF, WORDS, by_said
from hipsync.core.unplaced import UnplacedSteps, clusters, settled
from hipsync.core.wear import WORD_MINUTES, unworn_minutes, words_of
from hipsync.model import (
    MINUTE,
    NOT_TOLD,
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
    said,
)

MISSING, AWAKE, ASLEEP, NOT_WORN, STILL, MOVING = range(6)
"""Codes of a minute. MISSING is 0, as every minute of a new timeline is, so that a column tells by `any` and `rstrip`
where something is known. STILL and MOVING are for minutes of a slot, whose steps are known only for the slot as a
whole. MOVING is also every minute of a ride, whatever its steps."""
_LEFT_OPEN = frozenset({MISSING, NOT_WORN})
"""The codes of a minute about which any band that was worn decides."""
IS_COUNTED = table(lambda code: code in {AWAKE, STILL, MOVING})
"""The codes of a minute in which somebody was awake and wore a band."""
_IS_STILL = table(lambda code: code in {AWAKE, STILL})
"""The codes of a minute that is still if it has no steps."""
_FALLS_ASLEEP = table(lambda code: ASLEEP if code in {AWAKE, STILL} else code)
"""What a code becomes where a band says that its wearer slept."""

STANDING, ALIVE, VOUCHED, SLOT_END, RIDING, UPRIGHT, SEATED, STOOD = (1 << bit for bit in range(8))
"""Flags of a minute, which can be combined.

STANDING: the band says, by its state, that its wearer stood. ALIVE: there is a step, or the band says that its wearer
is awake; a heart rate is no sign of life, because sleepers have one, and nor is a posture. VOUCHED: the minute comes
from a band that vouches for all its minutes (`Source.vouches`), so its stillness is that of a person. SLOT_END: the
last minute of a slot. RIDING: the band says that its wearer rode a bicycle, or rowed; the minute is MOVING. UPRIGHT: a
band says that its wearer stood, walked or ran. SEATED: a band says that its wearer sat or lay. Both together come from
bands that contradict each other, and say nothing (`posture`). STOOD: as STANDING, but for where posture is trusted:
there a posture that the band gives beside its state speaks in place of that, as in UPRIGHT and SEATED; it counts only
where no other band contradicts it.
"""

FINE_MINUTES = 5
"""Epochs up to this long are treated as single minutes, longer ones as slots."""
COARSE_MINUTES = 30
COARSE = COARSE_MINUTES * MINUTE
"""Epochs longer than this give only a number of steps for the day: they are too coarse to judge sitting by."""
STILL_STEPS = 20
"""A slot with fewer steps than this is still, and so is a minute in which a trusted posture is seated. An epoch with
this many or more is neither asleep nor not worn, whatever a band says."""
DOUBTFUL_MINUTES = 180
"""Stillness that lasts at least this long is doubtful unless its minutes are `VOUCHED`: the band may lie on a table."""
NIGHT_MINUTES = 90
"""As `DOUBTFUL_MINUTES`, for stillness that begins at night (`hipsync.core.nights`): most likely somebody is in bed."""
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


def _flags_of(state: State | None, posture: Posture | None) -> int:
    """The flags of a minute of which a band says this."""
    flags = 0 if state is None else _SAID.get(state, 0)
    return flags if posture is None else flags & ~_POSTURES | _HELD[posture]


_CODE = by_said(lambda state, _posture, _pulse: NOT_WORN if state in OFF else AWAKE)
_FLAGS = by_said(lambda state, posture, _pulse: _flags_of(state, posture))
_SLEPT = by_said(lambda state, _posture, _pulse: state is State.ASLEEP)
_ALIVE_IF = table(lambda stepped: ALIVE if stepped else 0)
_IS_NOT_WORN = table(lambda code: code == NOT_WORN)
_IS_WORN = table(lambda code: code != NOT_WORN)
IS_RIDING = table(lambda flags: bool(flags & RIDING))
_IS_NOT_VOUCHED = table(lambda flags: not flags & VOUCHED)


class Source(NamedTuple):
    """What one band reported for a range of time; each list is in order of time."""

    epochs: Sequence[Epoch]
    """Those of one minute may all be in `minutes` instead, which takes less time."""
    counters: Sequence[Counter] = ()
    wears: Sequence[Wear] = ()
    vouches: bool = False
    """Whether the band vouches for all its minutes, so that its stillness is never doubtful. If not, that is a fact of
    each minute: what was heard near it (`WORD_MINUTES`)."""
    reports_wear: bool = False
    """Whether the band's minutes say when it is not worn. If not, a missing heart rate may show it, and a `Wear` is
    believed for `WORD_MINUTES`."""
    workouts: Sequence[Workout] = ()
    minutes: MinuteEpochs = MinuteEpochs()

    def all_minutes(self) -> MinuteEpochs:
        """The epochs of one minute: those in `minutes`, or if `epochs` has any, these alone."""
        listed = [epoch for epoch in self.epochs if epoch.length == MINUTE]
        return _columns(listed) if listed else self.minutes


class Timeline(NamedTuple):
    """One code, set of flags and number of steps for each minute of `[first, last)`.

    All columns are as long as `code`. A *place* is an index into them: minute `m` is at place `m - first`.
    """

    first: int
    """The first minute, counted from 1970-01-01 00:00 UTC."""
    code: bytearray
    flags: bytearray
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
    used: bytes = b""
    """A byte a minute: 1 where this computer was used, at a desk for sitting. No band says that: `timeline` leaves it
    empty, which means nowhere."""
    ride_ends: frozenset[int] = frozenset()
    """The last minutes, counted from 1970, of the rides that a band recorded as a whole."""

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
            self.used[:size],
            self.ride_ends,
        )

    def known_until(self) -> int | None:
        """The first minute after the newest one that is not missing; None if all are."""
        size = len(self.code.rstrip(b"\0"))
        return self.first + size if size else None


def _columns(epochs: Sequence[Epoch]) -> MinuteEpochs:
    """Some epochs of one minute as columns; at least one. Of two epochs of one minute, that with more steps counts."""
    known: dict[int, tuple[int, int]] = {}
    for start, _, steps, _, pulse, state, _, _, posture in sorted(epochs, key=lambda epoch: epoch.steps):
        known[minute_of(start)] = steps, said(state, posture, pulse)
    told = [known.get(minute, (0, NOT_TOLD)) for minute in range(min(known), max(known) + 1)]
    return MinuteEpochs(min(known), [steps for steps, _ in told], bytes(word for _, word in told))


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
    line = Timeline(first, bytearray(size), bytearray(size), [0] * size, bytearray(size))
    slept, heard = bytearray(size), bytearray(size)
    unplaced: list[UnplacedSteps] = []
    for source in sources:
        minutes = _possible(source.all_minutes())
        worn = [(minute_of(wear.at), wear.worn) for wear in source.wears]
        unworn = unworn_minutes(minutes, worn, last, reports_wear=source.reports_wear)
        growths = list(differences(source.counters, zones))
        vouched = VOUCHED if source.vouches else 0
        _place_minutes(line, slept, minutes, vouched, unworn)
        _place_longer(line, slept, unplaced, source.epochs, vouched, unworn, _counted_times(source, growths))
        growths[:0] = [each for each in before_first(source.counters, zones) if not _is_told(source, minutes, each)]
        _place_counters(line, unplaced, growths, vouched, zones)
        if not source.vouches:
            for start, end in [*words_of(minutes, worn), *_words_of_slots(source.epochs)]:
                fill(heard, start - WORD_MINUTES - first, end + WORD_MINUTES - first)
    ride_ends = _place_rides(line, [workout for source in sources for workout in source.workouts])
    _fall_asleep(line, slept)
    return line._replace(
        doubtful=_doubtful(line, heard, Nights(edges or edges_of(line.steps, first), zones)),
        unplaced=settled(unplaced, line.steps, line.first),
        clusters=clusters(unplaced),
        ride_ends=ride_ends,
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
    first, last = growth.start_s // 60 - minutes.first, -(-growth.end_s // 60) - minutes.first
    return 1 in minutes.said[max(first, 0) : max(last, 0)].translate(IS_TOLD) or any(
        start < epoch.end and epoch.start < end for epoch in source.epochs
    )


def _possible(minutes: MinuteEpochs) -> MinuteEpochs:
    """Epochs of one minute without those of more steps than anybody makes, as if these had not come."""
    if min(minutes.steps, default=0) >= 0 and max(minutes.steps, default=0) <= STEPS_A_MINUTE:
        return minutes
    told = [0 <= steps <= STEPS_A_MINUTE for steps in minutes.steps]
    return MinuteEpochs(
        minutes.first,
        [steps * is_told for steps, is_told in zip(minutes.steps, told, strict=True)],
        bytes(word if is_told else NOT_TOLD for word, is_told in zip(minutes.said, told, strict=True)),
    )


def _place_minutes(
    line: Timeline, slept: bytearray, minutes: MinuteEpochs, vouched: int, unworn: frozenset[int]
) -> None:
    """Enter epochs of one minute into the timeline, each run of them at once.

    `vouched` is the flag of their source, and `unworn` are the minutes without the band.
    """
    shift = minutes.first - line.first
    for begin, after in runs(minutes.said.translate(IS_TOLD)):
        start, end = max(begin, -shift), min(after, len(line.code) - shift)
        if start < end:
            words, steps = minutes.said[start:end], list(minutes.steps[start:end])
            _place_piece(line, slept, start + shift, words, steps, vouched, unworn)


def _place_piece(
    line: Timeline,
    slept: bytearray,
    at: int,
    words: bytes,
    steps: list[int],
    vouched: int,
    unworn: frozenset[int],
) -> None:
    """Enter epochs of minutes in a row, from the place `at` on: what the band said of each, and its steps."""
    size = len(words)
    code = bytearray(words.translate(_CODE))
    if unworn:
        begin = line.first + at
        code = bytearray(NOT_WORN if begin + place in unworn else each for place, each in enumerate(code))
    alive = bytes(map(bool, steps)).translate(_ALIVE_IF)
    flags = bytearray(either(words.translate(_FLAGS), alive, bytes([vouched]) * size))
    for start, end in runs(code.translate(_IS_NOT_WORN)):
        for place in range(start, end):
            if steps[place] >= STILL_STEPS:
                code[place] = AWAKE
            else:
                steps[place], flags[place] = 0, _of_ride(flags[place])
    here = slice(at, at + size)
    slept[here] = either(slept[here], both(words.translate(_SLEPT), code.translate(_IS_WORN)))
    if any(line.code[here]):
        for place in range(size):
            _claim(line, at + place, code[place], 1, steps[place], flags[place])
    else:
        line.code[here], line.width[here], line.steps[here], line.flags[here] = code, b"\1" * size, steps, flags


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
        if not told and (epoch.state not in OFF or epoch.steps >= STILL_STEPS):
            first, end = minute_of(epoch.start), minute_of(epoch.end)
            unplaced.append(UnplacedSteps(first, end, end - 1, epoch.steps))


def _place_slot(line: Timeline, slept: bytearray, epoch: Epoch, flags: int, unworn: frozenset[int]) -> None:
    """Enter an epoch of some minutes, or a slot; `flags` are those of its source."""
    start, width = minute_of(epoch.start), epoch.length // MINUTE
    flags |= _flags_of(epoch.state, epoch.posture)
    moving = epoch.steps >= STILL_STEPS
    slot = width > FINE_MINUTES
    off = not moving and (epoch.state in OFF or start in unworn)
    code = NOT_WORN if off else AWAKE if not slot else MOVING if moving else STILL
    for minute in range(start, start + width):
        at = minute - line.first
        if 0 <= at < len(line.code):
            end = minute == start + width - 1
            steps = epoch.steps if end else 0
            _claim(line, at, code, width, steps, flags | (ALIVE if steps else 0) | (SLOT_END if slot and end else 0))
            if epoch.state is State.ASLEEP and not moving and not off:
                slept[at] = 1


def _claim(line: Timeline, at: int, code: int, width: int, steps: int, flags: int) -> None:
    """Enter one minute of a source, unless a better source has decided about it already.

    The finest source decides; among equals the one with most steps, or else the one that came first. What another one
    says of life, of a ride, of standing and of the posture is kept. A band that was not worn decides only about minutes
    that no other band reports.
    """
    before = line.code[at]
    if code == NOT_WORN:
        if before == MISSING:
            line.code[at], line.width[at] = code, width
        line.flags[at] |= _of_ride(flags)
        return
    if before in _LEFT_OPEN:
        flags |= _of_ride(line.flags[at])
        line.code[at], line.width[at], line.steps[at], line.flags[at] = code, width, steps, flags
        return
    shared = (line.flags[at] | flags) & ~SLOT_END
    if width < line.width[at] or (width == line.width[at] and steps > line.steps[at]):
        line.code[at], line.width[at], line.steps[at], line.flags[at] = code, width, steps, flags
    line.flags[at] |= shared


def _of_ride(flags: int) -> int:
    """What counts of the flags of a minute without the band: that somebody rode, in spite of it."""
    return flags & (RIDING | ALIVE) if flags & RIDING else 0


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


def _place_rides(line: Timeline, workouts: Iterable[Workout]) -> frozenset[int]:
    """Make the minutes of rides those of movement, whatever else is known of them; return the ends of recorded ones.

    Recorded rides begin and end on whole minutes, rounded half a minute inwards. Other rides are minutes of which a
    band says so. Other workouts make steps of their own and mark nothing.
    """
    ends: set[int] = set()
    for workout in workouts:
        if workout.kind in RIDES and workout.is_possible:
            start, end = (int(workout.start.timestamp()) + 30) // 60, (int(workout.end.timestamp()) + 29) // 60
            for minute in range(max(start, line.first), min(end, line.last)):
                line.flags[minute - line.first] |= RIDING | ALIVE
            if start < end:
                ends.add(end - 1)
    for start, end in runs(line.flags.translate(IS_RIDING)):
        for at in range(start, end):
            _ride(line, at)
    return frozenset(ends)


def _words_of_slots(epochs: Sequence[Epoch]) -> list[tuple[int, int]]:
    """As `words_of`, for the epochs of more than a minute."""
    return [
        (minute_of(epoch.start), minute_of(epoch.end))
        for epoch in epochs
        if epoch.length > MINUTE and ((epoch.heart_rate or 0) > 0 or epoch.state in WORDS)
    ]


def _ride(line: Timeline, at: int) -> None:
    """Make a minute of a ride one of movement, also if all else that bands report makes it missing, asleep or not worn.

    It has no posture. Where it was the last of a still slot, it is no end of a slot any more: nobody walked there.
    """
    line.flags[at] &= ~(STANDING | _POSTURES | (SLOT_END if line.code[at] == STILL else 0))
    line.code[at] = MOVING


def _fall_asleep(line: Timeline, slept: bytearray) -> None:
    """Make the still minutes asleep in which a band says that its wearer slept, but for those of many steps."""
    for start, end in runs(slept):
        asleep = line.code[start:end].translate(_FALLS_ASLEEP)
        if max(line.steps[start:end]) >= STILL_STEPS:
            for place, steps in enumerate(line.steps[start:end]):
                if steps >= STILL_STEPS:
                    asleep[place] = line.code[start + place]
        line.code[start:end] = asleep


def _doubtful(line: Timeline, heard: bytearray, nights: Nights) -> bytes:
    """The column `Timeline.doubtful`: 1 in each long run without a step for which nothing vouches.

    Such a run has no minute with the flag `VOUCHED`, and one that is not in the column `heard`. A run that begins in
    the night is long sooner than one that begins in the day.
    """
    doubtful = bytearray(len(line.code))
    for start, end in zero_runs(line, NIGHT_MINUTES, vouched=False):
        if 0 in heard[start:end] and (end - start >= DOUBTFUL_MINUTES or nights.contain(line.first + start)):
            fill(doubtful, start, end)
    return bytes(doubtful)


def zero_runs(line: Timeline, at_least: int = 1, *, vouched: bool = True) -> Iterator[tuple[int, int]]:
    """Maximal runs `[start, end)` of awake, worn minutes without a step, as places in the timeline.

    They are at least so many minutes long. With `vouched=False`, minutes with the flag `VOUCHED` do not belong to one.
    Research calls such runs zero-step bouts. They are a different measure from stretches (docs/rule.md, "Words of the
    field").
    """
    still = both(line.code.translate(_IS_STILL), bytes(map(not_, line.steps)))
    return runs(still if vouched else both(still, line.flags.translate(_IS_NOT_VOUCHED)), at_least)
