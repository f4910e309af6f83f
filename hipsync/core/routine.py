"""An exercise as a guide leads through it: rounds, repetitions and phases by one clock, and what a person does to it.

A round is what is done without a stop, mostly one leg; between two of them the guide waits, so that there is time to
turn round. The clock of a round starts at 0 and decides everything: what is said, how full a bar is, which moment of
the picture is shown. So none of them can drift. The terminal and the page both go by this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hipsync.core.exercises import Move
from hipsync.core.figures import Figure, Key, Orbit, Round, length_s
from hipsync.core.own_figures import figure_of

MOVING_S = 3
"""Seconds to move into a position and out of it again where no figure says so: the sheets ask for slow movements."""
OWN_PACE = "Follow the steps, at your own pace"


class Phase(NamedTuple):
    """A part of a repetition in which one thing is done."""

    cue: str
    seconds: float
    begin_s: float
    """The moment of the picture's cycle at which the phase begins."""
    end_s: float
    """The moment of the picture's cycle at which it ends: a long hold shows the same as a short one."""
    held: bool
    """Whether nothing moves."""


class Routine(NamedTuple):
    """An exercise as it is led through."""

    phases: Sequence[Phase]
    """The phases of one repetition; empty if everybody goes at their own pace, and nothing is timed."""
    repetitions: int
    rounds: Sequence[Round]
    cycle_s: float
    """How long a cycle of the picture takes; 0 without a picture."""

    @property
    def repetition_s(self) -> float:
        """How long one repetition takes."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def round_s(self) -> float:
        """How long one round takes."""
        return self.repetition_s * self.repetitions

    @property
    def seconds(self) -> float:
        """How long all of it takes, without the stops between rounds."""
        return self.round_s * len(self.rounds)


class Moment(NamedTuple):
    """Where somebody is in a routine. The first one is `Moment()`."""

    round: int = 0
    """The number of rounds before this one; that of all rounds once the last is over."""
    seconds: float = 0
    """How far the clock of the round is."""
    running: bool = False
    finished: int = 0
    """How many rounds were gone through, and not skipped."""


class Place(NamedTuple):
    """What a moment of a round means."""

    repetition: int
    phase: Phase
    into_s: float
    """How much of the phase is over."""

    @property
    def picture_s(self) -> float:
        """The moment of the picture's cycle."""
        share = self.into_s / self.phase.seconds if self.phase.seconds else 0
        return self.phase.begin_s + (self.phase.end_s - self.phase.begin_s) * share


def routine_of(move: Move) -> Routine:
    """How an exercise is led through: by its figure, else by the length of its hold, else at everybody's own pace."""
    figure = figure_of(move)
    if figure is not None:
        phases = _phases(figure, move.hold_s)
        return Routine(phases, move.repetitions, figure.rounds, length_s(figure))
    rounds = [Round("")] if move.sides == 1 else [Round("one side"), Round("the other side")]
    if not move.hold_s:
        return Routine([], move.repetitions, rounds, 0)
    held = [("Slowly there", MOVING_S, False), ("Stay", move.hold_s, True), ("Slowly back", MOVING_S, False)]
    return Routine([Phase(cue, seconds, 0, 0, still) for cue, seconds, still in held], move.repetitions, rounds, 0)


def _phases(figure: Figure, hold_s: float) -> Sequence[Phase]:
    movement = figure.movement
    if isinstance(movement, Orbit):
        return [Phase(movement.cue, movement.seconds, 0, movement.seconds, held=False)]
    phases: list[Phase] = []
    at = 0.0
    for number, key in enumerate(movement):
        after = movement[(number + 1) % len(movement)]
        if key.hold_s:
            phases.append(Phase(key.stay, _held_s(key, number, hold_s), at, at + key.hold_s, held=True))
        at += key.hold_s
        phases.append(Phase(after.go, after.go_s, at, at + after.go_s, held=False))
        at += after.go_s
    return phases


def _held_s(key: Key, number: int, hold_s: float) -> float:
    """How long a pose is held: the far end, which is the second, for as long as the exercise says."""
    return hold_s if number == 1 and hold_s else key.hold_s


def place_of(routine: Routine, moment: Moment) -> Place:
    """What a moment means in a routine that has phases. The end of a round is the end of its last repetition."""
    each = routine.repetition_s
    repetition = min(int(moment.seconds / each), routine.repetitions - 1)
    left = moment.seconds - repetition * each
    for phase in routine.phases[:-1]:
        if left < phase.seconds:
            return Place(repetition, phase, left)
        left -= phase.seconds
    return Place(repetition, routine.phases[-1], min(left, routine.phases[-1].seconds))


def is_over(routine: Routine, moment: Moment) -> bool:
    """Whether the last round is over."""
    return moment.round >= len(routine.rounds)


def after(routine: Routine, moment: Moment, elapsed_s: float) -> Moment:
    """The moment so many seconds later: nothing changes while the guide waits, and it waits after each round."""
    if not moment.running or not routine.phases:
        return moment
    seconds = moment.seconds + elapsed_s
    if seconds < routine.round_s:
        return moment._replace(seconds=seconds)
    return Moment(moment.round + 1, finished=moment.finished + 1)


def toggled(routine: Routine, moment: Moment) -> Moment:
    """What follows when somebody starts, stops or goes on; at their own pace, a round that runs is finished by it."""
    if moment.running and not routine.phases:
        return Moment(moment.round + 1, finished=moment.finished + 1)
    return moment._replace(running=not moment.running)


def skipped(moment: Moment) -> Moment:
    """What follows when somebody leaves the rest of a round out: the next one waits."""
    return Moment(moment.round + 1, finished=moment.finished)


def repeated(routine: Routine, moment: Moment) -> Moment:
    """What follows when somebody wants a repetition once more: it starts anew, or the one before if it just did."""
    if not routine.phases:
        return moment
    place = place_of(routine, moment)
    into = moment.seconds - place.repetition * routine.repetition_s
    repetition = place.repetition - (into < 1)
    return moment._replace(seconds=max(repetition, 0) * routine.repetition_s)


def picture_s(routine: Routine, moment: Moment) -> float:
    """The moment of the picture's cycle; in a round that goes backwards, counted from its end."""
    if not routine.phases or not routine.cycle_s:
        return 0
    shown = place_of(routine, moment).picture_s
    number = min(moment.round, len(routine.rounds) - 1)
    return routine.cycle_s - shown if routine.rounds[number].backwards else shown
