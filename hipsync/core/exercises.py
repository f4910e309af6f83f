"""The hip exercises as data, and which one comes next.

How and when they are done is in docs/rule.md, "The exercises, and when", which names the sheets of hospitals and
charities behind them. They are not medical advice: `SAFETY` is shown with every first run and every guided exercise.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from hipsync.model import Occasion

if TYPE_CHECKING:
    from hipsync.core.figures import Chair, Key, View

WRIST = 20
"""How many characters every band with a screen shows at a glance."""
SAFETY = "Not medical advice. Stop if it hurts, and hold on to something if your balance is poor."


class When(StrEnum):
    """When an exercise is good to do."""

    HOUR = "hour"
    """After an hour of sitting."""
    MORNING = "morning"
    """First thing after getting up."""
    WARMUP = "warmup"
    """Before walking, running or sport."""
    COOLDOWN = "cooldown"
    """After cycling or rowing, which keep the hips bent."""


class Move(NamedTuple):
    """An exercise that can be done. One that somebody did is a `model.Exercise`."""

    name: str
    title: str
    line: str
    """One short line for a prompt: what it is, how long it takes, what it needs. Others may see it too."""
    why: str
    steps: tuple[str, ...]
    when: tuple[When, ...]
    tags: tuple[str, ...]
    repetitions: int
    """How many times it is done on each side."""
    sides: int
    """2 if it is done on the left and on the right, else 1."""
    hold_s: int
    """Seconds to hold the position at the end of each repetition; 0 if the movement does not stop there."""
    drawing: str
    """The exercise in plain ASCII, at most 9 lines of 30 columns."""
    short: str = ""
    """The title in at most 20 characters, for lists and for the wrist; empty if the title itself is that short, or if
    nobody gave a shorter one."""
    poses: tuple[Key, ...] = ()
    """The movement of an exercise of the user's own, in two poses or more; those of hipsync are in `core.figures`."""
    view: View = "side"
    """From where such a movement is seen."""
    chair: Chair | None = None
    """The chair beside it; None for none."""


MOVES: tuple[Move, ...] = (
    Move(
        name="hip-extension",
        title="Standing hip extension",
        line="Standing hip extension, 2 minutes, with a chair.",
        why="Sitting keeps the hips bent; this opens them, so that your lower back need not do it for them.",
        steps=(
            "Stand behind a chair and hold its back, toes forward, trunk tall.",
            "Soften the knee you stand on.",
            "Take the other leg straight back a short way, without arching your back.",
            "Stay there for two seconds, then lower it slowly.",
            "Eight times, then the other leg.",
        ),
        when=(When.HOUR, When.MORNING, When.WARMUP, When.COOLDOWN),
        tags=("standing", "extension"),
        repetitions=8,
        sides=2,
        hold_s=2,
        drawing=r"""
       O
       |\___
       |    |
       |    |
      /|    |____
     / |    |    |
 <-_/  |    |    |
       |_   |    |
""".strip("\n"),
        short="Hip extension",
    ),
    Move(
        name="hip-flexor-stretch",
        title="Hip-flexor stretch",
        line="Hip-flexor stretch, 1 minute, standing.",
        why="The muscles at the front of the hip shorten while you sit; this lengthens them again.",
        steps=(
            "Take a long step forward; hold on to something if you feel unsteady.",
            "Tuck your pelvis under, and keep the back leg straight.",
            "Shift forward until the front of the back hip pulls mildly.",
            "Stay for thirty seconds without bouncing, and breathe.",
            "Then the other side.",
        ),
        when=(When.HOUR, When.MORNING, When.COOLDOWN),
        tags=("standing", "extension", "stretch"),
        repetitions=1,
        sides=2,
        hold_s=30,
        drawing=r"""
          O
          |\
          | \
          |_
        _/  \__
      _/       |
    _/         |
 __/           |_
""".strip("\n"),
        short="Hip-flexor stretch",
    ),
    Move(
        name="hip-rotation",
        title="Standing hip circles",
        line="Standing hip circles, 1 minute, with a chair.",
        why="Turning is the movement a hip makes least of in a chair; small circles bring it back.",
        steps=(
            "Stand on one leg and hold on to a chair or a worktop.",
            "Lift the other knee in front of you, only as high as is easy.",
            "Draw five slow, small circles with the knee.",
            "Five more the other way round.",
            "Then the other leg.",
        ),
        when=(When.HOUR, When.WARMUP),
        tags=("standing", "rotation", "internal-rotation", "external-rotation"),
        repetitions=5,
        sides=2,
        hold_s=0,
        drawing=r"""
            O
     ______/|\
    |       | |
    |       |___   .-->.
 ___|       |   | (     )
|   |       |   |  '<--'
|   |       |   |_
|   |       |_
""".strip("\n"),
        short="Hip circles",
    ),
    Move(
        name="seated-hip-opening",
        title="Seated hip opening",
        line="Seated hip opening, 1 minute, in your chair.",
        why="It turns both hips outwards without your having to stand up.",
        steps=(
            "Sit forward on the chair, feet flat, trunk tall.",
            "Let both knees part and both feet roll outwards.",
            "Stay for ten seconds.",
            "Bring the knees back together.",
            "Five times.",
        ),
        when=(When.HOUR,),
        tags=("seated", "rotation", "external-rotation"),
        repetitions=5,
        sides=1,
        hold_s=10,
        drawing=r"""
           O
          /|\
         | | |
      ___|_|_|___
     /___________\
 <- /  |       |  \ ->
   |   |       |   |
  _|   |       |   |_
""".strip("\n"),
        short="Seated hip opening",
    ),
    Move(
        name="seated-inward-rotation",
        title="Seated inward rotation",
        line="Seated inward rotation, 1 minute, in your chair.",
        why="It turns the hip inwards, which sitting with the legs still never does.",
        steps=(
            "Sit tall with both feet flat and the knees a hand apart.",
            "Keep one knee where it is, and take that foot outwards, slowly.",
            "Bring it back just as slowly.",
            "Eight times, then the other foot.",
        ),
        when=(When.HOUR,),
        tags=("seated", "rotation", "internal-rotation"),
        repetitions=8,
        sides=2,
        hold_s=0,
        drawing=r"""
           O
          /|\
         | | |
       __|_|_|__
      |_________|
        |    \
        |     \
       _|      \_ -->
""".strip("\n"),
        short="Seated rotation",
    ),
)
"""The exercises that come with hipsync, in the order of `exercise --list`."""

KNOWN: frozenset[str] = frozenset(word for move in MOVES for word in (move.name, *move.tags))
"""The names and tags that `exercises.set` and `exercises.avoid` may contain."""


def chosen(
    names: Sequence[str], avoid: Sequence[str] = (), hurt: Sequence[str] = (), own: Sequence[Move] = ()
) -> Sequence[Move]:
    """The exercises that any of `names` selects, in that order, each once.

    `names` and `avoid` are names or tags, and `hurt` are names of exercises that have hurt. What `avoid` or `hurt`
    selects is left out. `own` are the user's own exercises, which are added to `MOVES`.
    """
    found = [move for name in names for move in (*MOVES, *own) if name == move.name or name in move.tags]
    return [move for move in dict.fromkeys(found) if move.name not in hurt and not {move.name, *move.tags} & {*avoid}]


def next_exercise(
    names: Sequence[str], avoid: Sequence[str], done: Sequence[str], hurt: Sequence[str], own: Sequence[Move] = ()
) -> Move | None:
    """The chosen exercise that was done longest ago, or never; None if there is none to choose from.

    `done` are names in order of time, the newest last. Among those never done, the order of `names` decides. The
    other arguments are those of `chosen`.
    """
    last_used = {name: position for position, name in enumerate(done)}
    return min(chosen(names, avoid, hurt, own), key=lambda move: last_used.get(move.name, -1), default=None)


def wrist_name(move: Move) -> str:
    """The name of an exercise in at most `WRIST` characters; empty if not even the first word of its title fits.

    A title that is too long, as one of the user's own exercises may be, is cut at the end of a word.
    """
    name = ""
    for word in (move.short or move.title).split():
        if len(longer := f"{name} {word}".strip()) > WRIST:
            break
        name = longer
    return name.rstrip(",;:")


def moves_for(when: When, own: Sequence[Move] = ()) -> Sequence[Move]:
    """The exercises that suit `when`: first those of `MOVES`, then those of `own`."""
    return [move for move in (*MOVES, *own) if when in move.when]


def warm_up(avoid: Sequence[str], hurt: Sequence[str], own: Sequence[Move] = ()) -> Move | None:
    """A rotation, then an extension, as one exercise with the name of the first; None if none is left to choose from.

    The arguments are those of `chosen`.
    """
    good = chosen([move.name for move in moves_for(When.WARMUP, own)], avoid, hurt, own)
    found = [next((move for move in good if tag in move.tags), None) for tag in ("rotation", "extension")]
    parts = [move for move in dict.fromkeys(found) if move is not None]
    if len(parts) < 2:
        return next(iter([*parts, *good]), None)
    first, then = parts
    return first._replace(
        title=f"{first.title}, then {_inside(then.title)}",
        line=f"{first.line} Then {_inside(then.line)}",
        short=wrist_name(first),
    )


def _inside(sentence: str) -> str:
    """A sentence as it goes on after another word."""
    return sentence[:1].lower() + sentence[1:]


OCCASIONS = {
    Occasion.SITTING: When.HOUR,
    Occasion.MORNING: When.MORNING,
    Occasion.AFTER_RIDE: When.COOLDOWN,
    Occasion.WARM_UP: When.WARMUP,
}


def names_for(occasion: Occasion, names: Sequence[str], own: Sequence[Move] = ()) -> Sequence[str]:
    """What a prompt's exercise is chosen from: the user's `names` for sitting, else all that suit the occasion."""
    return names if occasion is Occasion.SITTING else [move.name for move in moves_for(OCCASIONS[occasion], own)]
