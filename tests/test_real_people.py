"""Real minutes of real people against a second calculation that was written from the text of the rule alone."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import independent
import real_people
from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.summary import day_summary
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import MINUTE, Epoch, State
from hipsync.report.json_csv import day_json

pytestmark = pytest.mark.skipif(not real_people.SOURCE.exists(), reason="shared/data is not beside this repository")


def epochs_of(rows: list[real_people.Row]) -> list[Epoch]:
    return [
        Epoch(row.at, MINUTE, row.steps, row.intensity, row.heart_rate, State(row.state) if row.state else None)
        for row in rows
    ]


@pytest.mark.parametrize(
    ("zone", "vouches"),
    [("UTC", True), ("Europe/London", False)],
    ids=["a band that reports wear", "one that does not"],
)
def test_two_people_with_holes_agree_with_the_independent_calculation(zone: str, vouches: bool) -> None:
    for person, week in list(real_people.weeks().items())[1:3]:
        rows = real_people.with_holes(week, seed=1)
        agree(person, rows, zone, vouches=vouches)


def agree(person: str, rows: list[real_people.Row], zone: str, *, vouches: bool) -> None:
    now = rows[-1].at + timedelta(days=2)
    line = timeline(
        [Source(epochs_of(rows), vouches=vouches, reports_wear=True)],
        minute_of(rows[0].at) - 1440,
        minute_of(now),
        ZoneInfo(zone),
    )
    found, zones = bouts(line, Rule()), Zones([], zone)
    table = {row.at: (row.steps, row.state) for row in rows}
    for i in range(8):
        day = rows[0].at.date() + timedelta(days=i)
        ours = json.loads(json.dumps(day_json(day_summary(line, found, zones.day(day), now, limit=60))))
        theirs = independent.day_of_minutes(table, day, zone=ZoneInfo(zone), now=now, vouches=vouches)
        same_day(ours, theirs, f"{person} {day}")


def same_day(ours: dict[str, Any], theirs: independent.Day, what: str) -> None:
    """Every figure of `day --json` that follows from minutes."""
    figures = {key: value for key, value in theirs.items() if key not in {"stretches", "prompts"}}
    assert {key: ours[key] for key in figures} == figures, what
    stretches: list[dict[str, Any]] = ours["stretches"]
    shared = [{key: value for key, value in s.items() if key not in {"due", "prompted"}} for s in stretches]
    assert shared == theirs["stretches"], f"{what}: stretches"
    assert [s["due"] for s in stretches if s["due"]] == [p["at"] for p in theirs["prompts"]], f"{what}: prompts due"
