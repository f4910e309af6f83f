"""What machines and people are shown of a day."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.ribbon import Shade
from hipsync.core.summary import BandOfDay, DaySummary, PromptOutcome, day_summary
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import Answer, Epoch, Exercise, Occasion, Prompt, Where
from hipsync.report.json_csv import day_json
from hipsync.report.pen import ASCII_GLYPHS, GLYPHS, Pen
from hipsync.report.terminal_day import day_text, hours_text
from hipsync.text import length
from support.builders import MONDAY, day

SCHEMA = json.loads(Path(__file__).with_name("day.schema.json").read_text())
EPOCHS = day("7h sleep, 30m walk, 90m sit, 10m walk, 20m off, 45m sit, 5m stand, 1h gap, 30m sit")


def summary(
    epochs: list[Epoch] = EPOCHS, *, zone: str = "UTC", when: date = date(2026, 3, 2), now: datetime | None = None
) -> DaySummary:
    span = Zones([], zone).day(when)
    line = timeline(
        [Source(epochs)], minute_of(span.start) - 60, minute_of(min(now or span.end, span.end)), ZoneInfo(zone)
    )
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


def lines_of(told: DaySummary, **pen: object) -> list[str]:
    return day_text(told, Pen(**pen)).splitlines()  # type: ignore[arg-type]


@pytest.mark.parametrize("columns", [40, 50, 80, 120, 200])
def test_text_fits_its_columns_and_has_no_escapes_unless_asked(columns: int) -> None:
    asked = summary().prompts[0].prompt._replace(where=(Where.TERMINAL, Where.DESKTOP, Where.BAND), answer=None)
    for occasion in Occasion:
        listed = [PromptOutcome(asked._replace(occasion=occasion), None)] * 6
        told = summary()._replace(prompts=listed)
        assert max(map(len, lines_of(told, columns=columns))) <= columns
        coloured = day_text(told, Pen(256, columns=columns)).splitlines()
        assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == lines_of(told, columns=columns)
    assert "\x1b" not in day_text(summary())
    assert "\x1b[33m" in day_text(summary(), Pen(16))
    assert "\x1b[38;5;136m" in day_text(summary(), Pen(256))


def test_ascii_is_ascii_and_its_glyphs_are_distinct() -> None:
    for told in (day_text(summary(), Pen(unicode=False)), hours_text(summary(), Pen(unicode=False))):
        told.encode("ascii")
    assert len(set(ASCII_GLYPHS.values())) == len(set(GLYPHS.values())) == len(Shade)


def test_the_answer_stands_first_and_is_all_that_is_bold() -> None:
    head, _, first, numbers, *_ = lines_of(summary())
    assert head == "Monday 2 March 2026" + " " * 39 + "desk-band, up to 11:50"
    assert first == "   1 spell over 60 min. The longest spell was 1 h 30 (07:30-09:00)."
    assert numbers == "   2 h 45 sitting of 3 h 30 awake (78 %), 1 break"
    bold = [line for line in day_text(summary(), Pen(16)).splitlines() if "\x1b[1m" in line]
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line).strip()[:9] for line in bold] == ["Monday 2 ", "1 spell o"]


def test_the_ribbon_has_six_hours_a_row_and_words_for_nights() -> None:
    # 7h sleep, 30m walk, 90m sit, 10m walk, 20m off, 45m sit, 5m stand, 1h gap, 30m sit: to 11:50
    told = lines_of(summary())
    at = told.index("   asleep until 07:00")
    assert told[at + 1 : at + 3] == [
        "   06          07          08          09          10          11",
        "   ············▁▁▁▁▁▁▄▄▄▄▄▄▄▄▄▄▄▄██████▁▁╌╌╌╌▄▄▄▄▄▄▄▄▄▂????????????▄▄▄▄▄▄??",
    ]
    assert told[at + 3] == " " * 33 + "△", "a reminder at 08:30 that nobody got up from within ten minutes"
    assert told[at + 4] == "   no data from 11:50"


def test_a_narrow_terminal_has_three_hours_a_row_and_a_very_narrow_one_lists_alone() -> None:
    assert "   06          07          08" in lines_of(summary(), columns=50)
    assert not [line for line in lines_of(summary(), columns=39) if "▄" in line]
    assert max(map(len, lines_of(summary(), columns=160))) <= 160


def test_a_whole_day_leaves_its_first_line_on_a_screen_of_24() -> None:
    busy = day("6h sleep, 30m walk, " + "70m sit, 5m walk, " * 13 + "30m sleep")
    told = summary(busy)
    outcomes = [PromptOutcome(told.prompts[0].prompt, 3)] * 7
    assert len(lines_of(told._replace(prompts=outcomes), lines=24)) <= 23


def test_the_day_that_goes_on_says_what_to_do_now() -> None:
    sat = day("7h sleep, 30m walk, 50m sit")
    at = sat[-1].end
    assert lines_of(summary(sat, now=at))[2] == "   Sitting for 50 min, since 07:30. Get up by 08:30."
    longer = day("7h sleep, 30m walk, 62m sit")
    told = summary(longer, now=longer[-1].end)
    open_ = told.prompts[0].prompt._replace(answer=None, answered_at=None)
    asked = told._replace(prompts=[PromptOutcome(open_, None)])
    assert lines_of(asked)[2] == "   Sitting for 1 h 02, since 07:30. Time to get up: standing hip extension."
    assert lines_of(asked)[-1] == "   hipsync exercise  shows you how.   Or: hipsync done | snooze | skip"
    assert lines_of(told)[2] == "   Sitting for 1 h 02, since 07:30. Done at 08:32."
    assert lines_of(told._replace(prompts=[]))[2] == "   Sitting for 1 h 02, since 07:30. That is over 60 min."


@pytest.mark.parametrize(
    ("drawing", "first"),
    [
        ("7h sleep, 30m walk", "You are up, since 07:00. No spell over 60 min today."),
        ("7h sleep, 30m walk, 40m sit, 3m walk", "You are up, since 08:10. No spell over 60 min today."),
        ("7h sleep", "Asleep since 00:00."),
        ("7h sleep, 9h walk, 70m off", "Your band is off your wrist, since 16:00. No spell over 60 min today."),
        ("7h sleep, 30m walk, 3h gap", "No data since 07:30. No spell over 60 min today."),
        ("7h sleep, 30m walk, 4m sit", "Sitting for 4 min, since 07:30. Get up by 08:30."),
    ],
)
def test_whoever_does_not_sit_is_told_so(drawing: str, first: str) -> None:
    minutes = sum(
        int(part.strip()[:-1]) * (60 if part.strip()[-1] == "h" else 1) for part in re.findall(r"\d+[hm]", drawing)
    )
    told = summary(day(drawing), now=MONDAY + timedelta(minutes=minutes))._replace(prompts=[])
    assert lines_of(told)[2] == f"   {first}"


def test_the_25_hours_of_the_autumn_change_fit_too() -> None:
    night = day("25h sit 5", datetime(2026, 10, 24, 23, tzinfo=UTC))
    autumn = summary(night, zone="Europe/London", when=date(2026, 10, 25), now=datetime(2026, 10, 27, tzinfo=UTC))
    lines = lines_of(autumn, unicode=False)
    assert lines.count("   " + "_" * 72) == 4
    assert max(map(len, lines)) <= 80


def test_an_hour_a_row_says_how_many_minutes_of_it_were_sat() -> None:
    told = hours_text(summary()).splitlines()
    assert told[4].split() == [":00", ":10", ":20", ":30", ":40", ":50", "sat"]
    assert told[5] == "   07  " + "▁" * 30 + "▄" * 30 + "  30 min"
    assert told[6] == "   08  " + "▄" * 30 + "█" * 30 + "  60 min"
    assert told[7] == "   09  " + "▁" * 10 + "╌" * 20 + "▄" * 30 + "  30 min"


def test_lengths_are_said_as_people_say_them() -> None:
    assert [length(minutes) for minutes in (5, 60, 545)] == ["5 min", "1 h", "9 h 05"]


def test_a_day_without_data_says_how_to_get_some() -> None:
    assert lines_of(summary([]))[2] == "   No data for Mon 2 Mar."
    assert "hipsync sync" in day_text(summary([]))
    assert lines_of(summary([], now=MONDAY + timedelta(hours=9)))[2] == "   No data yet today."


def test_a_spell_in_which_the_band_may_be_off_is_not_called_sitting() -> None:
    told = summary(day("8h walk, 5h sit"), now=MONDAY + timedelta(hours=13))
    text = day_text(told)
    assert told.running is not None
    assert told.running.doubtful
    assert "   No movement since " in text
    assert "Sitting for" not in text
