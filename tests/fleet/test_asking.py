"""The named questions to a fleet: what they answer is what hipsync says of the same days, and nobody is ranked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from hipsync.cli import hipsync
from hipsync.cli.app import App
from hipsync.core.band_troubles import LOW_PERCENT
from hipsync.core.period import awake_minutes, period_summary
from hipsync.core.weeks import KNOWN_DAY_MINUTES, KNOWN_DAYS, week
from hipsync.fleet.answers import SideRow
from hipsync.fleet.asking import QUESTIONS, Answer, as_csv
from hipsync.fleet.before_after import before_after
from hipsync.model import MINUTE, Charge, Epoch, Kind, Reading
from support.builders import day as drawn
from support.postgres import Postgres
from support.ward import Put, hand, put

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
"""A Thursday."""
SCHEMA = json.loads((Path(__file__).parent / "ask.schema.json").read_text())


def living(spells: int) -> str:
    """A day with so many spells of 70 minutes, and otherwise of half an hour."""
    left = 1010 - 80 * spells
    return ", ".join(["7h sleep, 10m walk", *["70m sit, 10m walk"] * spells, *["30m sit, 10m walk"] * (left // 40),
                      f"{left % 40}m walk"])  # fmt: skip


def lived(days: Sequence[str], until: datetime = NOW) -> list[Reading]:
    """These days, of which the last one is that of `until`, up to then."""
    first = until.replace(hour=0) - (len(days) - 1) * DAY
    return [each for at, day in enumerate(days) for each in drawn(day, first + at * DAY) if each.end <= until]


def asked(tmp_path: Path, fleet: Postgres, *words: str, now: datetime = NOW, login: str = "owner") -> Result:
    settings = tmp_path / "config.toml"
    settings.write_text(f'[fleet]\ndsn = "{fleet.dsn(login)}"\n')
    settings.chmod(0o600)
    variables = {"PGSSLMODE": None, "PGCONNECT_TIMEOUT": None, "PGAPPNAME": None}
    command = ["--config", str(settings), "fleet", "ask", *words]
    return CliRunner().invoke(hipsync, command, env=variables, obj=App(lambda: now))


def rows_of(tmp_path: Path, fleet: Postgres, *words: str, now: datetime = NOW, login: str = "owner") -> list[Any]:
    done = asked(tmp_path, fleet, *words, "--json", now=now, login=login)
    assert done.exit_code in {0, 3}, done.output
    told = json.loads(done.output)
    jsonschema.validate(told, SCHEMA)
    assert (told["question"], told["at"]) == (words[0], now.isoformat())
    for row in told["rows"]:
        assert row.keys() == {*QUESTIONS[words[0]].columns}
    return list(told["rows"])


def by(rows: Sequence[Any], *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(row[key] for key in keys) for row in rows]


MONTH = [
    living(2), living(1), "24h off", living(4), "9h sleep, 3h sit, 12h gap", living(0), living(3),
    *[living(1)] * 3, *["24h off"] * 4, *[living(2)] * 4,
]  # fmt: skip
"""Eighteen days up to a Thursday: two weeks, of which the second has too little, and the present one."""


@pytest.fixture
def anna(fleet: Postgres) -> Put:
    return put(fleet, "P-0001", lived(MONTH), NOW, date(2026, 3, 16))


def test_days_are_what_hipsync_says_of_them(fleet: Postgres, anna: Put, tmp_path: Path) -> None:
    found = rows_of(tmp_path, fleet, "days")
    assert [date.fromisoformat(row["day"]) for row in found] == [day.date for day in anna.days]
    for row, day in zip(found, anna.days, strict=True):
        assert [row[kind.value] for kind in Kind] == [day.minutes[kind] for kind in Kind]
        assert row["has_data"] == (awake_minutes(day.minutes) >= KNOWN_DAY_MINUTES)
        assert by([row], "longest_minutes", "over_30", "over_limit", "breaks", "steps") == [
            (day.longest_minutes, day.over_30, day.over_limit, day.breaks, day.steps)
        ]
    assert [row["over_limit"] for row in found[:4]] == [2, 1, 0, 4]


def test_weeks_are_sums_of_days_and_known_as_those_of_one_wearer_are(
    fleet: Postgres, anna: Put, tmp_path: Path
) -> None:
    found = rows_of(tmp_path, fleet, "weeks")
    assert by(found, "week", "is_over") == [("2026-03-16", True), ("2026-03-23", True), ("2026-03-30", False)]
    for row, at in zip(found, (0, 7, 14), strict=True):
        days = anna.days[at : at + 7]
        whole = period_summary(days)
        assert by([row], "sitting_minutes", "awake_minutes", "longest_minutes", "breaks", "over_30", "over_limit") == [
            (whole.minutes[Kind.SITTING], whole.awake_minutes, whole.longest_minutes, whole.breaks, whole.over_30,
             whole.over_limit)
        ]  # fmt: skip
        enough = sum(awake_minutes(day.minutes) >= KNOWN_DAY_MINUTES for day in days)
        assert by([row], "days_with_data", "has_data") == [(enough, enough >= KNOWN_DAYS)]
        if at < 14:
            known = week(days, anna.days[at + 7])
            assert row["has_data"] == (known is not None)
            if known is not None:
                assert row["sitting_minutes_a_day"] == round((known.sitting.value or 0) * 16 * 60)
    assert [row["has_data"] for row in found] == [True, False, False]
    assert found[0]["breaks_an_hour"] == pytest.approx(found[0]["breaks"] * 60 / found[0]["sitting_minutes"], abs=0.006)


def test_a_week_is_that_of_the_wearers_own_calendar(fleet: Postgres, tmp_path: Path) -> None:
    """In Tokyo it is Monday already when it is Sunday evening in London, and the server is asked in any zone."""
    sunday = datetime(2026, 3, 29, 20, tzinfo=UTC)
    for number, (name, zone) in enumerate([("east", "Asia/Tokyo"), ("west", "Europe/London")]):
        put(fleet, name, lived(["24h sit"] * 3, sunday), sunday, date(2026, 3, 27), zone=zone, number=number)
    found = rows_of(tmp_path, fleet, "weeks", "--weeks", "2", now=sunday)
    assert by(found, "wearer", "week", "is_over") == [
        ("east", "2026-03-23", True), ("east", "2026-03-30", False), ("west", "2026-03-23", False)
    ]  # fmt: skip


def test_who_needs_a_word_is_told_with_the_reason(fleet: Postgres, tmp_path: Path) -> None:
    stories: dict[str, list[Reading]] = {
        f"{usual}-to-{usual + 1}": lived([*[living(usual)] * 28, *[living(usual + 1)] * 7, living(1)])
        for usual in (1, 2)
    }
    stories["7-in-a-week-to-10"] = lived([*[living(1)] * 28, *[living(1)] * 4, *[living(2)] * 3, living(1)])
    stories["too-few-days"] = lived([*[living(1)] * 28, *["24h off"] * 4, *[living(4)] * 3, living(1)])
    silent = NOW - 3 * DAY
    stories["silent"] = lived([living(1)] * 2, silent)
    stories["nearly-silent"] = lived([living(1)] * 2, silent + MINUTE)
    stories["low"] = [*lived([living(1)]), Charge(NOW - 2 * HOUR, 80), Charge(NOW - HOUR, LOW_PERCENT)]
    stories["low-once"] = [*lived([living(1)]), Charge(NOW - 2 * HOUR, 5), Charge(NOW - HOUR, LOW_PERCENT + 1)]
    stories["low-on-the-charger"] = [*lived([living(1)]), Charge(NOW - HOUR, 5, charging=True)]
    for number, (name, readings) in enumerate(stories.items()):
        days = len({each.start.date() for each in readings if isinstance(each, Epoch)})
        end = silent if "silent" in name else NOW
        put(fleet, name, readings, NOW, end.date() - (days - 1) * DAY, number=number)
    found = rows_of(tmp_path, fleet, "attention")
    assert by(found, "wearer", "reason", "value", "usual") == [
        ("1-to-2", "spells", 14.0, 7.0),
        ("2-to-3", "spells", 21.0, 14.0),
        ("low", "battery", float(LOW_PERCENT), None),
        ("silent", "no data", None, None),
    ]
    assert [row["why"] for row in found] == [
        "14 spells over 60 min in 7 days, 7 as a rule",
        "21 spells over 60 min in 7 days, 14 as a rule",
        f"battery of band {found[2]['band']}: 15 %, on Thu 2 Apr 11:00 UTC",
        "no data for 3 days, since Mon 30 Mar 12:00 UTC",
    ]
    table = asked(tmp_path, fleet, "attention").output.splitlines()
    assert [line.split()[0] for line in table] == ["wearer", "1-to-2", "2-to-3", "low", "silent"]
    with fleet.owner() as db:
        db.execute("UPDATE hipsync.wearers SET left_on = '2026-04-01'")
    assert asked(tmp_path, fleet, "attention").output == "Nobody needs a word.\n"


def test_who_never_had_any_data_needs_a_word_three_days_after_he_was_added(fleet: Postgres, tmp_path: Path) -> None:
    with fleet.owner() as db:
        for name, added in (("long", NOW - 3 * DAY), ("new", NOW - 3 * DAY + MINUTE)):
            db.execute("INSERT INTO hipsync.wearers (pseudonym, zone, added) VALUES (%s, 'UTC', %s)", [name, added])
    assert by(rows_of(tmp_path, fleet, "attention"), "wearer", "reason", "at", "why") == [
        ("long", "no data", None, "no data yet")
    ]


def test_a_band_that_went_on_to_another_wearer_tells_of_each_his_own_time(fleet: Postgres, tmp_path: Path) -> None:
    first = put(fleet, "first", [*lived([living(1)] * 9), Charge(NOW - 5 * DAY, 90), Charge(NOW - HOUR, 40)], NOW,
                date(2026, 3, 25))  # fmt: skip
    handed = NOW - 4 * DAY
    with fleet.owner() as db:
        db.execute("UPDATE hipsync.worn SET until = %s", [handed])
        db.execute("INSERT INTO hipsync.wearers (pseudonym, zone) VALUES ('second', 'Europe/London')")
        (second,) = db.execute("SELECT max(id) FROM hipsync.wearers").fetchone() or (0,)
        hand(db, first.band, second, handed)
        db.execute("SELECT set_config('hipsync.now', %s, false)", [NOW.isoformat()])
        every = db.execute("SELECT wearer, heard, percent, is_worn, gateways FROM hipsync.handed ORDER BY 1").fetchall()
    assert [(who, percent, worn, by) for who, _, percent, worn, by in every] == [
        ("first", 90, False, ["ward_1"]), ("second", 40, True, ["ward_1"])
    ]  # fmt: skip
    found = rows_of(tmp_path, fleet, "bands")
    assert by(found, "wearer", "heard", "battery_percent") == [("second", found[0]["heard"], 40)]
    assert datetime.fromisoformat(found[0]["heard"]) == NOW
    assert by(rows_of(tmp_path, fleet, "attention"), "wearer", "reason", "why") == [
        ("first", "no data", "no data for 4 days, since Sun 29 Mar 12:00 UTC")
    ]


def test_each_is_compared_with_himself_or_it_is_said_why_not(fleet: Postgres, tmp_path: Path) -> None:
    """Nine weeks: four before, that of the treatment (a Wednesday), four after. The other one has no such day."""
    days = [*[living(4), living(5), living(3), living(6)] * 7, *[living(2)] * 7, *[living(0), living(1)] * 14]
    until = datetime(2026, 4, 2, tzinfo=UTC)
    readings = [
        each for at, day in enumerate(days) for each in drawn(day, datetime(2026, 1, 26, tzinfo=UTC) + at * DAY)
    ]
    helped = put(fleet, "P-2", readings, until, date(2026, 1, 26), treated=date(2026, 2, 25))
    put(fleet, "P-10", lived([living(1)] * 3), NOW, date(2026, 3, 31), number=1)
    put(fleet, "P-3", lived([living(1)] * 18), NOW, date(2026, 3, 16), number=2, treated=date(2026, 3, 23))
    found = rows_of(tmp_path, fleet, "before-after")
    assert by(found, "wearer", "compared", "weeks_before", "weeks_after", "why_not") == [
        ("P-10", False, 0, 0, "no day of treatment is set"),
        ("P-2", True, 4, 4, None),
        ("P-3", False, 1, 1, "1 week with data before, 1 after: 4 of each are needed"),
    ]
    first, last = helped.days[:28], helped.days[35:63]
    for side, part in (("before", first), ("after", last)):
        whole = period_summary(part)
        share = whole.minutes[Kind.SITTING] / whole.awake_minutes
        assert found[1][f"sitting_minutes_{side}"] == round(share * 960)
        assert by(found, f"kept_{side}", f"kept_{side}_of")[1] == (whole.over_30 - whole.over_limit, whole.over_30)
    assert found[1]["kept_says"] == "higher"
    assert found[1]["sitting_low"] <= found[1]["sitting_difference"] <= found[1]["sitting_high"]
    told = asked(tmp_path, fleet, "before-after").output.splitlines()
    assert told[1].split()[:3] == ["P-2", "2026-02-25", "4+4"]
    assert told[3] == "P-10 is not compared: no day of treatment is set"
    near = rows_of(tmp_path, fleet, "before-after", "--weeks", "3")
    assert by(near, "weeks_before", "weeks_after") == [(0, 0), (3, 3), (1, 1)]


def side(week: int, side: str, sitting: int) -> SideRow:
    monday = date(2026, 1, 5) + timedelta(weeks=week)
    return SideRow("A", date(2026, 2, 2), monday, side, True, sitting, 6000, 60, 20, 10, 60)  # type: ignore[arg-type]


def test_weeks_without_data_are_on_no_side() -> None:
    rows = [side(at, "before", 3000) for at in range(4)] + [side(at, "after", 2000) for at in range(4, 8)]
    (found,) = before_after(rows)
    assert (found.weeks_before, found.weeks_after, found.sitting.earlier.value, found.why_not) == (4, 4, 0.5, "")
    rows[0] = rows[0]._replace(has_data=False, sitting=6000)
    (found,) = before_after(rows)
    assert (found.weeks_before, found.sitting.earlier.value) == (3, 0.5)
    assert found.why_not == "3 weeks with data before, 4 after: 4 of each are needed"


def test_what_a_login_may_not_see_is_in_no_answer(fleet: Postgres, anna: Put, tmp_path: Path) -> None:
    put(fleet, "P-0002", lived(MONTH[-8:]), NOW, date(2026, 3, 26), number=1)
    with fleet.owner() as db:
        db.execute("GRANT hipsync_doctor TO stranger")
        db.execute("INSERT INTO hipsync.care SELECT 'stranger', id FROM hipsync.wearers WHERE pseudonym = 'P-0002'")
    try:
        for name in QUESTIONS:
            every = {row["wearer"] for row in rows_of(tmp_path, fleet, name)}
            mine = {row["wearer"] for row in rows_of(tmp_path, fleet, name, login="stranger")}
            assert mine == every & {"P-0002"}
            assert every >= ({"P-0001", "P-0002"} if name != "attention" else set())
    finally:
        with fleet.owner() as db:
            db.execute("REVOKE hipsync_doctor FROM stranger")
    assert anna.days


def test_a_login_without_the_right_is_told_so_in_a_line(fleet: Postgres, tmp_path: Path) -> None:
    for login in ("ward_1", "stranger"):
        done = asked(tmp_path, fleet, "weeks", login=login)
        assert (done.exit_code, done.output.count("\n")) == (1, 1), done.output


def test_of_nobody_it_says_so(fleet: Postgres, tmp_path: Path) -> None:
    for name, question in QUESTIONS.items():
        done = asked(tmp_path, fleet, name)
        assert (done.exit_code, done.output.count("\n")) == (0 if name == "attention" else 3, 1)
        assert rows_of(tmp_path, fleet, name) == []
        assert asked(tmp_path, fleet, name, "--csv").output == ",".join(question.columns) + "\n"


def test_a_table_fits_a_terminal_and_its_csv_says_the_same(fleet: Postgres, anna: Put, tmp_path: Path) -> None:
    with fleet.owner() as db:
        db.execute("UPDATE hipsync.wearers SET treated = '2026-03-23'")
    assert anna.days
    later = NOW + 4 * DAY
    for name in QUESTIONS:
        assert max(map(len, asked(tmp_path, fleet, name, now=later).output.splitlines())) <= 80
        table = list(csv.DictReader(io.StringIO(asked(tmp_path, fleet, name, "--csv", now=later).output)))
        assert [row["wearer"] for row in table] == [row["wearer"] for row in rows_of(tmp_path, fleet, name, now=later)]
        assert table


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "'=1", "\uff1d1", "\t=1"])
def test_no_cell_of_the_csv_can_be_a_formula(text: str) -> None:
    row = dict.fromkeys(QUESTIONS["bands"].columns) | {
        "wearer": text,
        "kind": text,
        "gateways": [text, "b"],
        "band": -5,
    }
    (found,) = csv.DictReader(io.StringIO(as_csv(QUESTIONS["bands"], Answer([row], (), ()))))
    assert found["wearer"] == found["kind"] == f"'{text}"
    assert found["gateways"] == f"'{text} b"
    assert found["band"] == "-5"


def test_the_questions_are_listed_and_a_wrong_one_is_told_the_like(tmp_path: Path, fleet: Postgres) -> None:
    done = asked(tmp_path, fleet)
    assert (done.exit_code, [line.split()[0] for line in done.output.splitlines()]) == (0, [*QUESTIONS])
    wrong = asked(tmp_path, fleet, "week")
    assert (wrong.exit_code, wrong.output) == (2, "hipsync: there is no question 'week': did you mean `weeks`?\n")
    strange = asked(tmp_path, fleet, "SELECT 1")
    assert (strange.exit_code, strange.output.count("\n")) == (2, 1)
    assert "attention" in strange.output
    assert asked(tmp_path, fleet, "weeks", "--csv", "--json").exit_code == 2
