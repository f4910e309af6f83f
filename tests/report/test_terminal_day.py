"""What machines and people are shown of a day."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.summary import BandOfDay, DaySummary, PromptOutcome, day_summary
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import Answer, Epoch, Exercise, Occasion, Prompt, Where
from hipsync.report.json_csv import day_json
from hipsync.report.terminal_day import ASCII_MARKS, day_text
from hipsync.text import length
from support.builders import MONDAY, day

SCHEMA = json.loads(Path(__file__).with_name("day.schema.json").read_text())
EPOCHS = day("7h sleep, 30m walk, 90m sit, 10m walk, 20m off, 45m sit, 5m stand, 1h gap, 30m sit")


def summary(
    epochs: list[Epoch] = EPOCHS, *, zone: str = "UTC", when: date = date(2026, 3, 2), now: datetime | None = None
) -> DaySummary:
    span = Zones([], zone).day(when)
    line = timeline([Source(epochs)], minute_of(span.start) - 60, minute_of(span.end), ZoneInfo(zone))
    at = MONDAY + timedelta(hours=8, minutes=30)
    prompts = [
        Prompt(
            at, at, "hip-extension", sure=True, where=(Where.DESKTOP, Where.BAND), answer=Answer.DONE,
            answered_at=at + timedelta(minutes=2),
        )
    ]  # fmt: skip
    return day_summary(
        line,
        bouts(line, Rule()),
        span,
        now or span.end,
        limit_minutes=60,
        bands=[BandOfDay("desk-band", simulated=False, resolution_minutes=1)],
        prompts=prompts,
        exercises=[Exercise(at, "hip-extension", "prompt")],
    )


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "Asia/Kathmandu"])
@pytest.mark.parametrize("epochs", [EPOCHS, []], ids=["a day", "nothing"])
def test_json_fits_its_schema(zone: str, epochs: list[Epoch]) -> None:
    jsonschema.validate(json.loads(json.dumps(day_json(summary(epochs, zone=zone)))), SCHEMA)


def test_json_says_what_the_contract_says() -> None:
    found = json.loads(json.dumps(day_json(summary())))
    assert found["from"] == "2026-03-02T00:00:00+00:00"
    assert found["minutes"] == {"sitting": 165, "up": 40, "standing": 5, "asleep": 420, "not_worn": 20, "unknown": 790}
    first = found["stretches"][0]
    assert (first["from"], first["to"], first["minutes"]) == (
        "2026-03-02T07:30:00+00:00",
        "2026-03-02T09:00:00+00:00",
        90,
    )
    assert (first["ended_by"], first["due"], first["prompted"]) == ("moving", "2026-03-02T08:30:00+00:00", True)
    assert found["prompts"][0] == {
        "at": "2026-03-02T08:30:00+00:00", "due": "2026-03-02T08:30:00+00:00",
        "sitting_minutes": None, "occasion": "sitting", "exercise": "hip-extension",
        "where": ["desktop", "band"], "sure": "high", "shown": 1, "answer": "done",
        "answered_at": "2026-03-02T08:32:00+00:00", "moved_within_minutes": None,
    }  # fmt: skip
    assert [hour["hour"] for hour in found["hours"]] == [f"{hour:02}:00" for hour in range(24)]


def test_text_fits_80_columns_and_has_no_escapes_unless_asked() -> None:
    plain = day_text(summary())
    asked = summary().prompts[0].prompt._replace(where=(Where.TERMINAL, Where.DESKTOP, Where.BAND), answer=None)
    for occasion in Occasion:
        listed = [PromptOutcome(asked._replace(occasion=occasion), None)]
        assert max(map(len, day_text(summary()._replace(prompts=listed)).splitlines())) <= 80
    assert "\x1b" not in plain
    assert "\x1b[" in day_text(summary(), style="colour")


def test_ascii_marks_are_ascii_and_distinct() -> None:
    day_text(summary(), marks=ASCII_MARKS).encode("ascii")
    assert len(set(ASCII_MARKS.values())) == 6


def test_the_25_hours_of_the_autumn_change_fit_too() -> None:
    night = day("25h sleep", datetime(2026, 10, 24, 23, tzinfo=UTC))
    autumn = summary(night, zone="Europe/London", when=date(2026, 10, 25), now=datetime(2026, 10, 27, tzinfo=UTC))
    lines = day_text(autumn, marks=ASCII_MARKS).splitlines()
    assert "  " + "z" * 75 in lines
    assert max(map(len, lines)) <= 80


def test_the_strip_shows_a_cell_for_every_twenty_minutes() -> None:
    epochs = day("7h sleep, 40m walk, 80m sit, 20m walk, 20m off, 40m sit, 20m stand")
    strip = day_text(summary(epochs), marks=ASCII_MARKS).splitlines()[4]
    assert strip == "  zzzzzzzzzzzzzzzzzzzzz^^####^-##|" + "." * 40


def test_lengths_are_said_as_people_say_them() -> None:
    assert [length(minutes) for minutes in (5, 60, 545)] == ["5 min", "1 h", "9 h 05"]


def test_a_day_without_data_says_how_to_get_some() -> None:
    assert "nothing is known" in day_text(summary([]))
    assert "hipsync sync" in day_text(summary([]))
