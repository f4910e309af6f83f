"""The paper on exercises is true: its examples load, its tables name every exercise and every key."""

from __future__ import annotations

import re
import tomllib

import pytest

from hipsync.core.exercises import MOVES, Move, next_exercise
from hipsync.core.own_figures import figure_of
from hipsync.core.routine import routine_of
from hipsync.core.skeleton import Grip, Hang, Plant, Swing
from hipsync.errors import ConfigError
from hipsync.settings.config import Config
from hipsync.settings.file import parsed
from hipsync.settings.own import EXERCISE_KEYS
from hipsync.settings.poses import POSE_KEYS
from support.repository import ROOT

PAPER = (ROOT / "docs" / "exercises.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAPER, re.DOTALL)


def loaded(text: str) -> tuple[Config, Move]:
    config = parsed(tomllib.loads(text), "the example")
    (move,) = config.own
    return config, move


def test_the_one_without_a_picture_loads_and_comes_in_its_turn() -> None:
    config, move = loaded(EXAMPLES[0])
    assert (move.name, figure_of(move), [*routine_of(move).phases]) == ("wall-slide", None, [])
    assert next_exercise(config.exercises, (), config.exercises[:3], (), config.own) == move


def test_the_one_with_a_picture_loads_moves_and_takes_the_minute_that_its_line_says() -> None:
    config, move = loaded(EXAMPLES[1])
    figure, routine = figure_of(move), routine_of(move)
    assert figure is not None
    assert figure.moving == {"left", "right"}
    assert [phase.cue for phase in routine.phases] == [
        "Sit tall",
        "Lean forward, stand up",
        "Stand tall",
        "Sit down slowly",
    ]
    assert routine.seconds == 8 * (1 + 2 + 1 + 2)
    assert "1 minute" in move.line
    assert next_exercise(config.exercises, (), config.exercises[:3], (), config.own) == move
    assert len(EXAMPLES) == 2


def test_the_refusal_is_what_the_program_says() -> None:
    (said,) = re.findall(r"```text\n(exercises\.own: .*?)\n```", PAPER)
    with pytest.raises(ConfigError) as caught:
        loaded(EXAMPLES[1].replace("left_arm = { flex = 8, elbow = 8 }", "left_arm = { flex = 8, elbow = 170 }"))
    assert str(caught.value) == f"the example: {said}"


def test_it_names_each_exercise_and_whether_it_is_suggested() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| ([^|]+) \|$", PAPER, re.MULTILINE))
    assert [*rows] == [move.name for move in MOVES]
    assert tuple(name for name, suggested in rows.items() if suggested == "yes") == Config().exercises


@pytest.mark.parametrize("key", [*POSE_KEYS, *EXERCISE_KEYS])
def test_it_names_each_key_of_an_exercise_and_of_a_pose(key: str) -> None:
    assert f"`{key}`" in PAPER or f"\n{key} = " in PAPER or f"[[exercises.own.{key}]]" in PAPER


@pytest.mark.parametrize("limb", [Plant, Swing, Grip, Hang])
def test_it_names_each_key_of_a_limb(limb: type[Plant | Swing | Grip | Hang]) -> None:
    named = [{*re.findall(r"`([a-z]+)`", row)} for row in PAPER.splitlines() if row.startswith("| a")]
    assert {*limb._fields} in named
