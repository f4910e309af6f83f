"""Settings as people type them: a time without quotes (case 39), and hours of a night shift (case 40)."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.prompting import Reason, next_hours, quiet_at
from hipsync.settings.config import Config
from hipsync.settings.file import as_toml, parsed
from hipsync.settings.values import windows_by_weekday
from support.machine import Machine
from support.stored import NOW

SIX, TEN = time(6), time(22)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
UTC_ONLY = Zones([], "UTC")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


def held(machine: Machine) -> Config:
    return parsed(tomllib.loads(machine.settings.read_text()), "held")


@pytest.mark.parametrize(
    ("key", "value", "setting", "means"),
    [
        ("day.start", "04:00", "day_start", time(4)),
        ("day.start", "4:00", "day_start", time(4)),
        ("day.start", '"04:00"', "day_start", time(4)),
        ("sitting.limit", "45", "rule.limit_minutes", 45),
        ("prompts.snooze", "15", "snooze", timedelta(minutes=15)),
        ("prompts.repeat", "30", "policy.repeat_minutes", 30),
        ("sync.at_least_every", "90", "at_least_every", timedelta(minutes=90)),
        ("prompts.lunch", "off", "policy.lunch", ()),
        ("prompts.lunch", "12:30-13:30", "policy.lunch", ((time(12, 30), time(13, 30)),)),
        ("therapist.name", "12:30", "therapist_name", "12:30"),
        ("therapist.name", "2026-11-20", "therapist_name", "2026-11-20"),
        ("therapist.name", "2026-11-20T12:30:00Z", "therapist_name", "2026-11-20T12:30:00Z"),
        ("therapist.name", "true", "therapist_name", "true"),
        ("therapist.name", "nan", "therapist_name", "nan"),
        ("therapist.name", "[Ada]", "therapist_name", "[Ada]"),
        ("therapist.name", '"Ada"', "therapist_name", "Ada"),
        ("therapist.name", r'"\e"', "therapist_name", r'"\e"'),  # TOML 1.1, which the reader of the file may not know
        ("therapist.phone", "0612345", "therapist_phone", "0612345"),
        ("therapist.phone", "+390612345", "therapist_phone", "+390612345"),
        ("therapist.phone", "112", "therapist_phone", "112"),
        ("prompts.stronger", "false", "policy.stronger", False),
        ("prompts.command", '["a b", "c"]', "command", ("a b", "c")),
    ],
)
def test_a_setting_is_taken_as_it_is_typed(machine: Machine, key: str, value: str, setting: str, means: object) -> None:
    assert machine.told("config", "set", key, value).startswith(f"{key} is {value} now")
    found: object = held(machine)
    for name in setting.split("."):
        found = getattr(found, name)
    assert found == means


@pytest.mark.parametrize("value", ["25:00", "04:00:00", "4", "true", "2026-11-20", "x\n[prompts]\ncommand=['a']"])
def test_what_is_no_time_of_the_day_is_refused_as_such(machine: Machine, value: str) -> None:
    said = machine.refused("config", "set", "day.start", value, code=2)
    assert said.startswith("day.start = ")
    assert said.endswith('must be a time such as "08:00"; nothing was changed') or "must be text in quotes" in said
    assert machine.files() == []


# ------------------------------------------------------------------ hours over midnight


def test_a_night_shift_from_monday_to_friday_ends_on_saturday_morning() -> None:
    nights = windows_by_weekday({"mon-fri": "22:00-06:00"})
    assert nights == {
        0: ((TEN, time.max),),
        **dict.fromkeys((1, 2, 3, 4), ((time.min, SIX), (TEN, time.max))),
        5: ((time.min, SIX),),
    }


def test_a_night_over_sunday_ends_on_monday_and_a_day_keeps_its_own_spans() -> None:
    assert windows_by_weekday({"sun": "22:00-06:00", "mon": "10:00-12:00", "tue": "off"}) == {
        6: ((TEN, time.max),), 0: ((time.min, SIX), (time(10), time(12))), 1: (),
    }  # fmt: skip


def test_the_order_of_the_days_in_the_table_does_not_matter() -> None:
    assert windows_by_weekday({"sat": "off", "fri": "22:00-06:00"}) == windows_by_weekday(
        {"fri": "22:00-06:00", "sat": "off"}
    )


def test_midnight_as_an_end_is_the_end_of_the_day() -> None:
    assert (
        windows_by_weekday({"mon": "22:00-00:00"})
        == {0: ((TEN, time.max),)}
        == windows_by_weekday({"mon": "22:00-24:00"})
    )


def test_the_night_shift_can_be_set_shown_and_read_again(machine: Machine) -> None:
    machine.told("config", "set", "prompts.hours", '{ mon-fri = "22:00-06:00" }')
    shown = parsed(tomllib.loads(machine.told("config", "show")), "shown")
    assert shown.policy.hours == windows_by_weekday({"mon-fri": "22:00-06:00"})
    assert parsed(tomllib.loads(as_toml(shown)), "again") == shown


@pytest.mark.parametrize(
    ("hours", "inside"),
    [(21.5, False), (22, True), (24, True), (29.9, True), (30, False), (46, True), (5, False),
     (4 * 24 + 22, True), (5 * 24 + 5, True), (5 * 24 + 6, False), (5 * 24 + 23, False), (7 * 24 + 3, False)],
)  # fmt: skip
def test_prompts_come_in_the_night_shift_and_not_outside_it(hours: float, inside: bool) -> None:
    """Counted from Monday 00:00; the shift begins on the evenings of Monday to Friday."""
    policy = Policy(hours=windows_by_weekday({"mon-fri": "22:00-06:00"}))
    reason = quiet_at(MONDAY + timedelta(hours=hours), policy, UTC_ONLY)
    assert reason is (None if inside else Reason.OUTSIDE_HOURS)


def test_a_lunch_over_midnight_is_one_lunch(machine: Machine) -> None:
    machine.told("config", "set", "prompts.lunch", "23:30-00:30")
    machine.told("config", "set", "prompts.hours", '{ mon-sun = "22:00-06:00" }')
    policy = held(machine).policy
    for minutes, reason in ((-31, None), (-30, Reason.LUNCH), (0, Reason.LUNCH), (29, Reason.LUNCH), (30, None)):
        assert quiet_at(MONDAY + timedelta(days=1, minutes=minutes), policy, UTC_ONLY) is reason
    before = MONDAY + timedelta(hours=23, minutes=45)
    assert next_hours(policy, UTC_ONLY, before) == MONDAY + timedelta(days=1, minutes=30), "and not at its midnight"
