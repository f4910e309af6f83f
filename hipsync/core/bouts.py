"""Sitting stretches and the breaks between them: the rule of `science.md` section 1, minute by minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.timeline import (
    ALIVE,
    ASLEEP,
    AWAKE,
    COARSE,
    FINE,
    MISSING,
    MOVING,
    NOT_WORN,
    SLOT_END,
    STANDING,
    STILL,
    Timeline,
    instant_of,
    minute_of,
)
from hipsync.model import Break, EndedBy, Prompt, Stretch

LISTED = 8
"""Minutes: shorter stretches are pauses within moving about. The same 8 as in the kinds of minutes."""
SURE_MOVES = 1
"""Minutes with steps in the last hour up to which still most likely means sitting: right in 87 % (measured)."""
SURE_WINDOW = 60
TEN_MINUTE_SLOTS = 15
"""Slots shorter than this prompt only when at most three of the hour's hold any step (F1 0.77, measured)."""
TEN_MINUTE_BUSY = 3
MOVED_WITHIN = timedelta(minutes=10)
"""A break that begins this soon after a prompt was its doing; without one it was ignored (product.md section 5)."""


class Rule(NamedTuple):
    """What ends a sitting stretch. The defaults and their evidence: `config.py`."""

    limit: int = 60
    break_steps: int = 20
    break_window: int = 5
    moves: int = 3
    move_window: int = 15
    bridge: int = 10
    trust_posture: bool = False


class Bouts(NamedTuple):
    """Stretches and breaks in order of time, and the age of the stretch that runs at the end (0: none does)."""

    stretches: Sequence[Stretch]
    breaks: Sequence[Break]
    age: int


def bouts(line: Timeline, rule: Rule) -> Bouts:
    """All stretches and breaks of a line. The last one runs on if nothing ended it."""
    walk = _Walk(line, rule)
    for at in range(len(line.code)):
        walk.minute(at)
    return walk.result()


class _Walk:
    """The rule as a machine that is fed one minute at a time."""

    def __init__(self, line: Timeline, rule: Rule) -> None:
        self.line, self.rule = line, rule
        self.stretches: list[Stretch] = []
        self.breaks: list[Break] = []
        self.age = 0
        self._start = 0
        self._end = 0  # after the last counted minute
        self._due: int | None = None
        self._missing = 0
        self._window_from = 0  # neither window reaches back over a minute that is not counted
        self._break_from: int | None = None
        self._break_end = 0

    def minute(self, at: int) -> None:
        code = self.line.code[at]
        if code == MISSING:
            self._missing += 1
            self._window_from = at + 1
            if self._missing > self.rule.bridge:
                self._close(EndedBy.UNKNOWN)
        elif code in {ASLEEP, NOT_WORN}:
            self._missing = 0
            self._window_from = at + 1
            self._close(EndedBy.ASLEEP if code == ASLEEP else EndedBy.NOT_WORN)
        else:
            self._missing = 0
            if self._moves(at, code):
                self._close(EndedBy.MOVING, broken_at=at)
            elif self._stands(at):
                self._close(EndedBy.STANDING)
            else:
                self._count(at)
            if code in {STILL, MOVING}:
                self._window_from = at + 1
        if self._break_end <= at:
            self._finish_break()

    def _moves(self, at: int, code: int) -> bool:
        if code != AWAKE:
            return code == MOVING
        steps = self.line.steps
        if not steps[at]:
            return False
        rule = self.rule
        if _walked(self.line, rule, at, self._window_from):
            return True
        recent = steps[max(at - rule.move_window + 1, self._window_from) : at + 1]
        return bool(rule.moves) and sum(map(bool, recent)) >= rule.moves

    def _stands(self, at: int) -> bool:
        flags = self.line.flags
        return self.rule.trust_posture and at > 0 and bool(flags[at] & flags[at - 1] & STANDING)

    def _count(self, at: int) -> None:
        if self.age == 0:
            self._start, self._due = at, None
        self.age += 1
        self._end = at + 1
        if self._due is None and self.age >= self.rule.limit and may_prompt(self.line, at):
            self._due = at

    def _close(self, by: EndedBy, broken_at: int | None = None) -> None:
        if self.age:
            stretch = self._stretch(by)
            self.stretches.append(stretch)
            if broken_at is not None and stretch.minutes >= LISTED:
                self._break_from = broken_at
        self.age = 0
        if broken_at is not None and self._break_from is not None:
            self._break_end = broken_at + 1

    def _finish_break(self) -> None:
        if self._break_from is not None:
            line, start, end = self.line, self._break_from, self._break_end
            first, last = instant_of(line.first + start), instant_of(line.first + end)
            self.breaks.append(Break(first, last, sum(line.steps[start:end])))
            self._break_from = None

    def _stretch(self, by: EndedBy | None) -> Stretch:
        line, due = self.line, self._due
        doubtful = sum(line.doubtful[self._start : self._end])
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
        self._finish_break()
        if self.age:
            self.stretches.append(self._stretch(None))
        return Bouts(self.stretches, self.breaks, self.age)


def _walked(line: Timeline, rule: Rule, at: int, since: int) -> bool:
    """The first clause of the rule, 20 steps within 5 minutes, of a minute with steps; `since`: no further back."""
    return bool(line.steps[at]) and sum(line.steps[max(at - rule.break_window + 1, since) : at + 1]) >= rule.break_steps


def first_walk(line: Timeline, rule: Rule, start: int) -> int | None:
    """The first place from `start` on at whose end somebody has walked; of a slot that moved, its last minute."""
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
    """Whether enough is known at the end of this minute: a slot is complete, and ten-minute slots are quiet."""
    width = line.width[at]
    if width <= FINE:
        return True
    if width > COARSE or not line.flags[at] & SLOT_END:
        return False
    return width >= TEN_MINUTE_SLOTS or _with_steps(line, at) <= TEN_MINUTE_BUSY


def is_sure(line: Timeline, at: int) -> bool:
    """Whether still most likely means sitting, at the end of this minute."""
    return _with_steps(line, at) <= SURE_MOVES


def _with_steps(line: Timeline, at: int) -> int:
    return sum(map(bool, line.steps[max(at - SURE_WINDOW + 1, 0) : at + 1]))


def reached(line: Timeline, stretch: Stretch, origin: datetime, minutes: int) -> int | None:
    """The place in the line at whose end `minutes` counted minutes of the stretch have passed since `origin`."""
    count = 0
    start = max(minute_of(max(stretch.start, origin)), line.first) - line.first
    for at in range(start, minute_of(stretch.end) - line.first):
        count += line.code[at] != MISSING
        if count >= minutes and line.code[at] != MISSING and may_prompt(line, at):
            return at
    return None


def signs_of_life(line: Timeline, start: int, end: int) -> Iterator[int]:
    """Places in `[start, end)` of the line with a step, a heart rate, or a band's word that its wearer is awake."""
    return (at for at in range(max(start, 0), min(end, len(line.flags))) if line.flags[at] & ALIVE)


def alive_since(line: Timeline, start: int) -> bool:
    """Whether there is a sign of life from this place in the line on."""
    return next(signs_of_life(line, start, len(line.flags)), None) is not None


def moved_after(prompt: Prompt, breaks: Iterable[datetime]) -> datetime | None:
    """When the break began that a prompt brought about; `breaks` are the starts of all, in order."""
    until = (prompt.last_shown or prompt.at) + MOVED_WITHIN
    return next((start for start in breaks if prompt.at <= start <= until), None)


def usual_minutes(lengths: Sequence[int]) -> int | None:
    """W50: stretches of this length or less hold half of the sitting time. None if there are none."""
    half, held = sum(lengths) / 2, 0
    for length in sorted(lengths):
        held += length
        if held >= half:
            return length
    return None
