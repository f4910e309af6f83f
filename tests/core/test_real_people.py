"""Real minutes of real people against a second calculation that was written from the text of the rule alone."""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.summary import day_summary
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.report.json_csv import day_json
from support import independent, real_people
from support.same_day import epochs_of, same_day


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
        ours = json.loads(json.dumps(day_json(day_summary(line, found, zones.day(day), now, limit_minutes=60))))
        theirs = independent.day_of_minutes(table, day, zone=ZoneInfo(zone), now=now, vouches=vouches)
        same_day(ours, theirs, f"{person} {day}")
