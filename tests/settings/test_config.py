"""The settings' defaults, and that each has its reason beside it."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from datetime import time, timedelta

import pytest

from hipsync.core.bouts import Rule
from hipsync.core.policy import BandText, Busy, Policy
from hipsync.model import Desk
from hipsync.settings.config import Config


def test_the_defaults_are_those_of_the_contract() -> None:
    assert Config() == Config(
        rule=Rule(
            limit_minutes=60, break_steps=20, break_window_minutes=5, moves=3, trust_posture=False, desk=Desk.SITTING
        ),
        policy=Policy(
            limit_minutes=60,
            repeat_minutes=None,
            early_minutes=10,
            hold=(Busy.CALL, Busy.FULL_SCREEN, Busy.DO_NOT_DISTURB),
            hours={
                **dict.fromkeys(range(5), ((time(8), time(22)),)),
                **dict.fromkeys((5, 6), ((time(9), time(22)),)),
            },
            lunch=((time(12, 30), time(13, 30)),),
            stronger=True,
        ),
        activitywatch=False,
        snooze=timedelta(minutes=10),
        desktop=True,
        band=True,
        band_text=BandText.NEUTRAL,
        command=(),
        day_start=time(0),
        at_most_every=timedelta(minutes=10),
        at_least_every=timedelta(minutes=240),
        erase=False,
        exercises=("hip-extension", "hip-flexor-stretch", "hip-rotation"),
        avoid=(),
        own=(),
        morning=True,
        therapist_name="",
        therapist_phone="",
        therapist_url="",
    )


def reasons() -> dict[str, str]:
    """The text under each setting of `Config`, "" where there is none."""
    (found,) = ast.parse(inspect.getsource(Config)).body
    assert isinstance(found, ast.ClassDef)
    return {
        node.target.id: str(after.value.value)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        else ""
        for node, after in zip(found.body, [*found.body[1:], None], strict=True)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def test_every_default_says_what_it_is_or_why() -> None:
    assert [name for name, reason in reasons().items() if not reason] == []
    assert reasons().keys() == {each.name for each in fields(Config)}


@pytest.mark.parametrize(
    "setting", ["limit_minutes", "break_steps", "break_window_minutes", "moves", "trust_posture", "desk"]
)
def test_every_setting_of_the_rule_says_so_too(setting: str) -> None:
    assert f"- `{setting}`: " in reasons()["rule"]


@pytest.mark.parametrize("setting", [each.name for each in fields(Policy)])
def test_every_setting_of_the_policy_says_so_too(setting: str) -> None:
    assert f"- `{setting}`: " in reasons()["policy"]
