"""Sitting stretches and the breaks between them, found on a timeline.

A stretch is the time since the last real movement: 20 steps within 5 minutes, or steps in 3 of the last 15 minutes. The
rule is written out in docs/rule.md, "Written out", so that any two programs that follow it agree in every minute. This
module does not know the prompt hours and decides about no prompt; it only finds when a stretch reached an age.

Each minute becomes one character, its *effect* on a stretch, and a stretch is what one regular expression finds in
them: counted minutes, with holes of up to ten between them, and what comes then.

    minutes   sit sit .. (missing) sit sit walk walk sit .. asleep
    effects    .   .  ..     _      .   .   x    x    .  ..   z
              |<------ stretch ------->|<break>||<- stretch ->|
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.columns import both, runs, table
from hipsync.core.timeline import (
    ALIVE,
    ASLEEP,
    AWAKE,
    COARSE_MINUTES,
    IS_COUNTED,
    MISSING,
    MOVING,
    NOT_WORN,
    SEATED,
    SLOT_END,
    UPRIGHT,
    Timeline,
    instant_of,
    minute_of,
    posture,
)
from hipsync.model import Break, Desk, EndedBy, Prompt, Stretch

STANDING_MINUTES = 2
"""So many minutes upright in a row end a stretch, where posture is trusted."""
WAIVED_STEPS, WAIVED_MINUTES = 20, 5
"""Fewer steps than these in a minute are stray ones, if the computer was used in each of these many minutes up to it,
itself included: hands that type move a wrist. Where posture is trusted, steps of any number end no stretch if the
wearer sat or lay in all of these minutes."""
LISTED_MINUTES = 8
"""Stretches shorter than this are pauses while moving about, and are not listed. Shorter runs of minutes without a step
do not count as sitting."""
SURE_MOVING_MINUTES = 1
"""If at most this many of the last 60 minutes have steps, being still means sitting in 87 % of cases (docs/rule.md)."""
SURE_WINDOW_MINUTES = 60
SHORT_SLOT_MINUTES = 15
"""A prompt may follow a slot shorter than this only if at most `SHORT_SLOTS_BUSY` slots of the last hour have steps
(F1 0.77, docs/rule.md)."""
SHORT_SLOTS_BUSY = 3
"""How many short slots of the last hour may have steps before a prompt is put off."""
MOVED_WITHIN = timedelta(minutes=10)
"""A break that begins within this time of a prompt is put down to the prompt. Without such a break, the prompt counts
as ignored."""

_COUNTS, _MOVES, _STANDS, _SLEEPS, _IS_OFF, _HOLE = b".x|z-_"
"""The effects of a minute on a stretch, a character each: it counts, it is real movement, it is the second one upright
or later where posture is trusted; the wearer sleeps, the band is off, or nothing is known."""
_ENDED_BY = {
    _MOVES: EndedBy.MOVING,
    _STANDS: EndedBy.STANDING,
    _SLEEPS: EndedBy.ASLEEP,
    _IS_OFF: EndedBy.NOT_WORN,
    _HOLE: EndedBy.UNKNOWN,
}
_EFFECT = table(lambda code: {MISSING: _HOLE, ASLEEP: _SLEEPS, NOT_WORN: _IS_OFF, MOVING: _MOVES}.get(code, _COUNTS))
"""The effect of a minute by its code alone, as if it had no steps."""
_STOOD_UP = table(lambda effect: _STANDS if effect == _COUNTS else effect)
_IS_AWAKE = table(lambda code: code == AWAKE)
_IS_UPRIGHT = table(lambda flags: posture(flags) == UPRIGHT)
_IS_SEATED = table(lambda flags: posture(flags) == SEATED)


class Rule(NamedTuple):
    """What ends a sitting stretch, and how old one may get before a prompt is due.

    The evidence for the defaults is in docs/rule.md, "The defaults".
    """

    limit_minutes: int = 60
    """The age at which a prompt is due, in counted minutes."""
    break_steps: int = 20
    """At least this many steps within `break_window_minutes` end a stretch."""
    break_window_minutes: int = 5
    moves: int = 3
    """At least this many minutes with steps within `move_window_minutes` end a stretch; with 0, they do not."""
    move_window_minutes: int = 15
    bridge_minutes: int = 10
    """Up to this many missing minutes in a row only suspend the count; more end the stretch."""
    trust_posture: bool = False
    """Whether a posture that a band itself reports is believed. If so, two upright minutes in a row end a stretch,
    steps of somebody who sat or lay all the while end none, and a minute's posture decides whether it counts as
    sitting."""
    desk: Desk = Desk.SITTING
    """How the wearer works at this computer. Only with SITTING does its use waive stray steps (`Timeline.used`); with
    OFF it is not asked for either."""


class Bouts(NamedTuple):
    """All stretches and breaks of a timeline, each in order of time."""

    stretches: Sequence[Stretch]
    breaks: Sequence[Break]
    age: int
    """Counted minutes of the stretch that runs at the end of the timeline; 0 if none does."""


def bouts(line: Timeline, rule: Rule) -> Bouts:
    """All stretches and breaks of a timeline. The last stretch is still running if nothing ended it."""
    effects, age = _effects(line, rule), 0
    stretches: list[Stretch] = []
    breaks: list[Break] = []
    for found in re.finditer(_pattern(rule.bridge_minutes), effects):
        (start, end), (ended, after) = found.span("stretch"), found.span("ended")
        by = _ENDED_BY[effects[ended]] if ended < after else None
        minutes = effects.count(_COUNTS, start, end)
        stretches.append(_stretch(line, rule, effects, start, end, minutes, by))
        if by in {EndedBy.MOVING, EndedBy.STANDING} and minutes >= LISTED_MINUTES:
            first, last = instant_of(line.first + ended), instant_of(line.first + after)
            breaks.append(Break(first, last, sum(line.steps[ended:after])))
        age = 0 if by else minutes
    return Bouts(stretches, breaks, age)


def _pattern(bridge: int) -> bytes:
    """The regular expression for a stretch and what comes then, among effects; `bridge` missing minutes end none.

    The group `stretch` reaches from its first counted minute to its last, with its holes; its age is how many of them
    are counted. One missing minute more than `bridge` ends it. The group `ended` is the break with which a stretch
    ends, or one minute of what else ended it, or nothing where the stretch still runs.
    """
    holes = rb"(?:_{1,%d}\.+)*" % bridge if bridge else b""
    return rb"(?P<stretch>\.+%b)_{0,%d}(?P<ended>[x|]+|[z_-]|\Z)" % (holes, bridge)


def _effects(line: Timeline, rule: Rule) -> bytes:
    """The effect of each minute. Only minutes with steps are looked at one by one."""
    effects, stepped = bytearray(line.code.translate(_EFFECT)), bytes(map(bool, line.steps))
    for start, end in runs(line.code.translate(_IS_AWAKE)):
        for at in _moving(line, rule, stepped, start, end):
            effects[at] = _MOVES
    if rule.trust_posture:
        upright = both(line.flags.translate(_IS_UPRIGHT), line.code.translate(IS_COUNTED))
        for start, end in runs(upright, STANDING_MINUTES):
            stood = slice(start + STANDING_MINUTES - 1, end)
            effects[stood] = effects[stood].translate(_STOOD_UP)
    return bytes(effects)


def _moving(line: Timeline, rule: Rule, stepped: bytes, start: int, end: int) -> Iterator[int]:
    """The places of real movement in the run `[start, end)` of minutes that are awake and in no slot.

    `stepped` has a 1 for each minute with steps. No window reaches back over the start of the run.
    """
    waives = rule.trust_posture or 1 in line.used
    places: list[int] = []  # those with steps
    at = stepped.find(1, start, end)
    while at >= 0:
        places.append(at)
        often = 0 < rule.moves <= len(places) and places[-rule.moves] > at - rule.move_window_minutes
        if (often or _walked(line, rule, at, start)) and not (waives and _is_waived(line, rule, at, start)):
            yield at
        at = stepped.find(1, at + 1, end)


def _is_waived(line: Timeline, rule: Rule, at: int, since: int) -> bool:
    """Whether the steps of a minute are those of an arm, and so end no stretch.

    They are if the wearer sat in all minutes up to it, or if they are few and somebody types.
    """
    first = at - WAIVED_MINUTES + 1
    if rule.trust_posture and 0 not in line.flags[max(first, since) : at + 1].translate(_IS_SEATED):
        return True
    return line.steps[at] < WAIVED_STEPS and line.used[max(first, 0) : at + 1] == b"\1" * WAIVED_MINUTES


def _stretch(
    line: Timeline, rule: Rule, effects: bytes, start: int, end: int, minutes: int, by: EndedBy | None
) -> Stretch:
    """The stretch at the places `[start, end)`, of which so many `minutes` count."""
    due = _due(line, rule, effects, start, end) if minutes >= rule.limit_minutes else None
    return Stretch(
        start=instant_of(line.first + start),
        end=instant_of(line.first + end),
        minutes=minutes,
        ended_by=by,
        due=None if due is None else instant_of(line.first + due + 1),
        sure=due is not None and is_sure(line, due),
        doubtful=line.doubtful.count(1, start, end) * 2 >= minutes,
    )


def _due(line: Timeline, rule: Rule, effects: bytes, start: int, end: int) -> int | None:
    """The first place in `[start, end)` after which a prompt is due; None if there is none."""
    counted = [at for at in range(start, end) if effects[at] == _COUNTS]
    return next((at for at in counted[max(rule.limit_minutes, 1) - 1 :] if may_prompt(line, at)), None)


def _walked(line: Timeline, rule: Rule, at: int, since: int) -> bool:
    """Whether the minute at place `at` completes a walk: it has steps, and the window up to it has `break_steps`.

    The window is `break_window_minutes` long, and minutes before the place `since` do not count.
    """
    return (
        bool(line.steps[at])
        and sum(line.steps[max(at - rule.break_window_minutes + 1, since) : at + 1]) >= rule.break_steps
    )


def first_walk(line: Timeline, rule: Rule, start: int) -> int | None:
    """The first place, from `start` on, whose minute completes a walk; None if there is none.

    A slot with enough steps completes a walk in its last minute.
    """
    since = start
    for at in range(start, len(line.code)):
        code = line.code[at]
        if code == MOVING and line.flags[at] & SLOT_END:
            return at
        if code == AWAKE and _walked(line, rule, at, since):
            return at
        if code != AWAKE:
            since = at + 1
    return None


def may_prompt(line: Timeline, at: int) -> bool:
    """Whether a prompt may come at the end of the minute at this place.

    A slot must be complete, and no longer than `COARSE_MINUTES`. For a short slot, at most `SHORT_SLOTS_BUSY` slots of
    the last hour may have steps.
    """
    width = line.width[at]
    if line.code[at] == AWAKE:
        return True
    if width > COARSE_MINUTES or not line.flags[at] & SLOT_END:
        return False
    return width >= SHORT_SLOT_MINUTES or _with_steps(line, at) <= SHORT_SLOTS_BUSY


def is_sure(line: Timeline, at: int) -> bool:
    """Whether, at the end of the minute at this place, being still most likely means sitting."""
    return _with_steps(line, at) <= SURE_MOVING_MINUTES


def _with_steps(line: Timeline, at: int) -> int:
    """How many of the 60 minutes up to and including this place have steps."""
    return sum(map(bool, line.steps[max(at - SURE_WINDOW_MINUTES + 1, 0) : at + 1]))


def reached(line: Timeline, stretch: Stretch, origin: datetime, minutes: int) -> int | None:
    """The first place for a prompt once `minutes` counted minutes of the stretch have passed since `origin`.

    The prompt comes at the end of that minute. None if they have not passed yet, or if no prompt may come since then.
    """
    count = 0
    start = max(minute_of(max(stretch.start, origin)), line.first) - line.first
    for at in range(start, minute_of(stretch.end) - line.first):
        count += line.code[at] != MISSING
        if count >= minutes and line.code[at] != MISSING and may_prompt(line, at):
            return at
    return None


def signs_of_life(line: Timeline, start: int, end: int) -> Iterator[int]:
    """The places in `[start, end)` with a step or a band's report that its wearer is awake, in order."""
    return (at for at in range(max(start, 0), min(end, len(line.flags))) if line.flags[at] & ALIVE)


def alive_since(line: Timeline, start: int) -> bool:
    """Whether there is a sign of life at this place of the timeline or later."""
    return next(signs_of_life(line, start, len(line.flags)), None) is not None


def moved_after(prompt: Prompt, breaks: Iterable[datetime]) -> datetime | None:
    """The start of the break that a prompt brought about; None if there is none.

    `breaks` are the starts of all breaks, in order. The first one counts that lies at or after the first showing, and
    at most `MOVED_WITHIN` after the last one.
    """
    until = (prompt.last_shown or prompt.at) + MOVED_WITHIN
    return next((start for start in breaks if prompt.at <= start <= until), None)


def usual_minutes(lengths: Sequence[int]) -> int | None:
    """W50, the usual length of a stretch: half of the sitting time lies in stretches of this length or less.

    `lengths` are in minutes. None if there are none.
    """
    half, passed = sum(lengths) / 2, 0
    for length in sorted(lengths):
        passed += length
        if passed >= half:
            return length
    return None
