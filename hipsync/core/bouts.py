"""Sitting stretches and the breaks between them, found minute by minute on a timeline.

A stretch is the time since the last real movement: 20 steps within 5 minutes, or steps in 3 of the last 15 minutes. The
rule is written out in docs/rule.md, "Written out", so that any two programs that follow it agree in every minute. This
module does not know the prompt hours and decides about no prompt; it only finds when a stretch reached an age.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.timeline import (
    ALIVE,
    ASLEEP,
    AWAKE,
    COARSE_MINUTES,
    FINE_MINUTES,
    MISSING,
    MOVING,
    SEATED,
    SLOT_END,
    STILL,
    UPRIGHT,
    USED,
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
_COUNTED = frozenset({AWAKE, STILL, MOVING})


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
    """How the wearer works at this computer. Only with SITTING does its use waive stray steps (the flag `USED`); with
    OFF it is not asked for either."""


class Bouts(NamedTuple):
    """All stretches and breaks of a timeline, each in order of time."""

    stretches: Sequence[Stretch]
    breaks: Sequence[Break]
    age: int
    """Counted minutes of the stretch that runs at the end of the timeline; 0 if none does."""


def bouts(line: Timeline, rule: Rule) -> Bouts:
    """All stretches and breaks of a timeline. The last stretch is still running if nothing ended it."""
    machine = _RuleMachine(line, rule)
    for at in range(len(line.code)):
        machine.minute(at)
    return machine.result()


class _RuleMachine:
    """The rule as a state machine that is fed the minutes of a timeline, one place after another."""

    def __init__(self, line: Timeline, rule: Rule) -> None:
        self.line, self.rule = line, rule
        self._codes, self._steps, self._flags = line.code, line.steps, line.flags  # at hand for each minute
        self.stretches: list[Stretch] = []
        self.breaks: list[Break] = []
        self.age = 0
        self._start = 0
        self._end = 0  # the place after the last counted minute
        self._due: int | None = None
        self._missing = 0
        self._window_from = 0  # no window of the rule reaches back over a minute that is not counted
        self._upright = 0  # minutes upright in a row; always 0 where posture is not trusted
        self._break_from: int | None = None
        self._break_end = 0

    def minute(self, at: int) -> None:
        """Feed the minute at the next place."""
        code = self._codes[at]
        counted = code in _COUNTED
        if self.rule.trust_posture:
            self._upright = self._upright + 1 if counted and posture(self._flags[at]) == UPRIGHT else 0
        if counted:
            self._missing = 0
            if code == MOVING or (code == AWAKE and self._steps[at] and self._is_moving(at)):
                self._close(EndedBy.MOVING, broken_at=at)
            elif self._upright >= STANDING_MINUTES:
                self._close(EndedBy.STANDING, broken_at=at)
            else:
                self._count(at)
            if code != AWAKE:
                self._window_from = at + 1
        elif code == MISSING:
            self._missing += 1
            self._window_from = at + 1
            if self._missing > self.rule.bridge_minutes:
                self._close(EndedBy.UNKNOWN)
        else:
            self._missing = 0
            self._window_from = at + 1
            self._close(EndedBy.ASLEEP if code == ASLEEP else EndedBy.NOT_WORN)
        if self._break_from is not None and self._break_end <= at:
            self._finish_break()

    def _is_moving(self, at: int) -> bool:
        """Whether a minute with steps, which is in no slot, is one of real movement."""
        rule = self.rule
        if self._is_waived(at):
            return False
        if _walked(self.line, rule, at, self._window_from):
            return True
        recent = self._steps[max(at - rule.move_window_minutes + 1, self._window_from) : at + 1]
        return bool(rule.moves) and sum(map(bool, recent)) >= rule.moves

    def _is_waived(self, at: int) -> bool:
        """Whether the steps of a minute are those of an arm, and so end no stretch.

        They are if the wearer sat in all minutes up to it, or if they are few and somebody types.
        """
        return (self.rule.trust_posture and self._sat(at)) or self._typed(at)

    def _sat(self, at: int) -> bool:
        recent = self._flags[max(at - WAIVED_MINUTES + 1, self._window_from) : at + 1]
        return all(posture(flags) == SEATED for flags in recent)

    def _typed(self, at: int) -> bool:
        recent = self._flags[max(at - WAIVED_MINUTES + 1, 0) : at + 1]
        few = self._steps[at] < WAIVED_STEPS
        return few and len(recent) == WAIVED_MINUTES and all(flags & USED for flags in recent)

    def _count(self, at: int) -> None:
        if self.age == 0:
            self._start, self._due = at, None
        self.age += 1
        self._end = at + 1
        if self._due is None and self.age >= self.rule.limit_minutes and may_prompt(self.line, at):
            self._due = at

    def _close(self, by: EndedBy, broken_at: int | None = None) -> None:
        """End the running stretch, if there is one; `broken_at` is the place of the movement that ends it."""
        if self.age:
            stretch = self._stretch(by)
            self.stretches.append(stretch)
            if broken_at is not None and stretch.minutes >= LISTED_MINUTES:
                self._break_from = broken_at
        self.age = 0
        if broken_at is not None and self._break_from is not None:
            self._break_end = broken_at + 1

    def _finish_break(self) -> None:
        """Record the break that has just ended, if there is one."""
        if self._break_from is not None:
            line, start, end = self.line, self._break_from, self._break_end
            first, last = instant_of(line.first + start), instant_of(line.first + end)
            self.breaks.append(Break(first, last, sum(line.steps[start:end])))
            self._break_from = None

    def _stretch(self, by: EndedBy | None) -> Stretch:
        line, due = self.line, self._due
        doubtful = line.doubtful.count(1, self._start, self._end)
        return Stretch(
            start=instant_of(line.first + self._start),
            end=instant_of(line.first + self._end),
            minutes=self.age,
            ended_by=by,
            due=None if due is None else instant_of(line.first + due + 1),
            sure=due is not None and is_sure(line, due),
            doubtful=doubtful * 2 >= self.age,
        )

    def result(self) -> Bouts:
        """Finish, and return the stretches and breaks that were found. Call it once, after the last minute."""
        self._finish_break()
        if self.age:
            self.stretches.append(self._stretch(None))
        return Bouts(self.stretches, self.breaks, self.age)


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
    if width <= FINE_MINUTES:
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
