"""Compares a day that hipsync summed up with the same day by the independent calculation."""

from __future__ import annotations

from typing import Any

from hipsync.model import MINUTE, Epoch, State
from support import independent, real_people


def epochs_of(rows: list[real_people.Row]) -> list[Epoch]:
    return [
        Epoch(row.at, MINUTE, row.steps, row.intensity, row.heart_rate, State(row.state) if row.state else None)
        for row in rows
    ]


def same_day(ours: dict[str, Any], theirs: independent.Day, what: str) -> None:
    """Assert that every figure of `day --json` that follows from minutes is the same; `what` names the day if not."""
    figures = {key: value for key, value in theirs.items() if key not in {"stretches", "prompts"}}
    assert {key: ours[key] for key in figures} == figures, what
    stretches: list[dict[str, Any]] = ours["stretches"]
    shared = [{key: value for key, value in s.items() if key not in {"due", "prompted"}} for s in stretches]
    assert shared == theirs["stretches"], f"{what}: stretches"
    assert [s["due"] for s in stretches if s["due"]] == [p["at"] for p in theirs["prompts"]], f"{what}: prompts due"
