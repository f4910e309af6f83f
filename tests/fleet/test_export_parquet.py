"""The export for researchers holds what Postgres holds of each wearer, and a second one writes only what changed."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hipsync.cli import hipsync
from hipsync.cli.app import App
from hipsync.core.summary import KINDS
from hipsync.fleet.folders import MARK, kept_folder
from hipsync.fleet.month_files import metadata_of, read_month
from hipsync.model import MINUTE, Counter, Epoch, Posture, Reading, State, Wear, Workout, WorkoutKind
from support.builders import day as drawn
from support.postgres import Postgres
from support.ward import Put, hand, put

parquet: Any = pytest.importorskip("pyarrow.parquet")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
LIVED = "7h sleep, 30m walk, 70m sit, 10m walk, 3h sit, 1h walk, 2h off, 20m gap, 4h sit, 30m walk 3, 4h sit"
FIRST = datetime(2026, 3, 30, tzinfo=UTC)


def lived() -> list[Reading]:
    """Four days, of which the last one is of the next month, and readings of all kinds, also across its begin."""
    midnight = datetime(2026, 4, 1, tzinfo=UTC)
    return [
        *[each for at in range(4) for each in drawn(LIVED, FIRST + at * DAY) if each.end <= NOW],
        Epoch(midnight - 10 * MINUTE, 30 * MINUTE, 40, 3, 71, State.WALKING, 4, posture=Posture.UPRIGHT),
        Epoch(FIRST + 9 * HOUR, 15 * MINUTE, 0, state=State.SITTING, inferred=True),
        Counter(midnight, 900), Counter(midnight + MINUTE, 950), Wear(FIRST + HOUR, worn=True),
        Workout(WorkoutKind.ROWING, FIRST + HOUR, FIRST + 2 * HOUR),
    ]  # fmt: skip


def exported(tmp_path: Path, fleet: Postgres, *words: str, login: str = "owner") -> Result:
    settings = tmp_path / "config.toml"
    settings.write_text(f'[fleet]\ndsn = "{fleet.dsn(login)}"\n')
    settings.chmod(0o600)
    variables = {"PGSSLMODE": None, "PGCONNECT_TIMEOUT": None, "PGAPPNAME": None}
    command = ["--config", str(settings), "fleet", "export", "parquet", *words]
    return CliRunner().invoke(hipsync, command, env=variables, obj=App(lambda: NOW))


def came(tmp_path: Path, fleet: Postgres) -> tuple[int, int, int]:
    """How many files an export wrote, left as they were, and removed."""
    done = exported(tmp_path, fleet, str(tmp_path / "study"), "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["left"] == []
    return told["written"], told["same"], told["removed"]


def rows(tmp_path: Path, wearer: str) -> list[dict[str, Any]]:
    files = sorted((tmp_path / "study" / f"wearer={wearer}").glob("*.parquet"))
    return [row for file in files for row in parquet.ParquetFile(file).read().to_pylist()]


@pytest.fixture
def two(fleet: Postgres) -> Sequence[Put]:
    """Two wearers, of whom the first one gave his band to the second one within an epoch of half an hour."""
    first = put(fleet, "P-1", lived(), NOW, FIRST.date())
    second = put(fleet, "P-2", drawn("3h walk 7", FIRST), NOW, FIRST.date(), number=1)
    given = datetime(2026, 4, 1, 0, 5, tzinfo=UTC)
    with fleet.owner() as db:
        db.execute("UPDATE hipsync.worn SET until = %s WHERE wearer = %s", [given, first.wearer])
        hand(db, first.band, second.wearer, given)
    return first, second


SUMS = """
    SELECT count(*), sum(x.steps), sum(x.heart_rate), sum(x.length) FROM hipsync.worn AS w
    JOIN hipsync.wearers AS who ON who.id = w.wearer JOIN hipsync.band_days AS d ON d.band = w.band,
    unnest((d.epochs).start, (d.epochs).length, (d.epochs).steps, (d.epochs).heart_rate)
        AS x (start, length, steps, heart_rate)
    WHERE pseudonym = %s
        AND d.day::timestamp AT TIME ZONE 'UTC' + make_interval(mins => x.start) >= w.since
        AND d.day::timestamp AT TIME ZONE 'UTC' + make_interval(mins => x.start + x.length)
            <= coalesce(w.until, 'infinity')
"""


def test_its_sums_are_those_in_postgres(fleet: Postgres, two: Sequence[Put], tmp_path: Path) -> None:
    assert two
    assert came(tmp_path, fleet) == (4, 0, 0)
    for wearer in ("P-1", "P-2"):
        found = rows(tmp_path, wearer)
        sums = (len(found), *(sum(row[name] or 0 for row in found) for name in ("steps", "heart_rate", "length")))
        with fleet.owner() as db:
            count, *others = db.execute(SUMS.encode(), [wearer]).fetchone() or (0,)
        assert sums == (count, *(each or 0 for each in others))
        assert count > 500
        assert [row["start"] for row in found] == sorted(row["start"] for row in found)


def test_each_row_is_what_the_band_said_within_the_wearers_time(
    fleet: Postgres, two: Sequence[Put], tmp_path: Path
) -> None:
    came(tmp_path, fleet)
    given = datetime(2026, 4, 1, 0, 5, tzinfo=UTC)
    epochs = sorted(each for each in lived() if isinstance(each, Epoch))
    his = {"P-1": [each for each in epochs if each.end <= given],
           "P-2": [*drawn("3h walk 7", FIRST), *[each for each in epochs if each.start >= given]]}  # fmt: skip
    for wearer, said in his.items():
        want = [
            (each.start, each.length // MINUTE, each.steps, each.intensity, each.heart_rate, each.state, each.posture,
             each.inferred)
            for each in said
        ]  # fmt: skip
        names = ("start", "length", "steps", "intensity", "heart_rate", "state", "posture", "inferred")
        found = [tuple(row[name] for name in names) for row in rows(tmp_path, wearer)]
        assert sorted(found, key=repr) == sorted(want, key=repr)
    assert {row["band"] for row in rows(tmp_path, "P-2")} == {two[0].band, two[1].band}
    told = metadata_of(tmp_path / "study" / "wearer=P-2" / "2026-04.parquet")
    assert (
        told["others"] == [{"worn": 3, "day": "2026-04-01", "counters": [], "wears": [], "workouts": []}][:0]
    )  # both counts were read while it was the other one's
    first = metadata_of(tmp_path / "study" / "wearer=P-1" / "2026-04.parquet")["others"]
    assert [(each["counters"], each["wears"], each["workouts"]) for each in first] == [([[0, 900], [60, 950]], [], [])]  # type: ignore[union-attr,index,call-overload]


def test_a_row_says_how_all_of_its_minutes_were_judged(fleet: Postgres, two: Sequence[Put], tmp_path: Path) -> None:
    came(tmp_path, fleet)
    kinds = {day.start + at * MINUTE: KINDS[code].value for day in two[0].days for at, code in enumerate(day.kinds)}
    for row in rows(tmp_path, "P-1"):
        within = {kinds.get(row["start"] + at * MINUTE) for at in range(row["length"])}
        assert row["judged"] == (within.pop() if len(within) == 1 else None)
    assert {row["judged"] for row in rows(tmp_path, "P-1")} >= {"sitting", "up", "asleep", "not_worn"}


def test_a_second_export_writes_only_the_months_that_changed(
    fleet: Postgres, two: Sequence[Put], tmp_path: Path
) -> None:
    came(tmp_path, fleet)
    files = sorted((tmp_path / "study").rglob("*.parquet"))
    before = {file: file.stat().st_ino for file in files}
    assert came(tmp_path, fleet) == (0, 4, 0)
    assert {file: file.stat().st_ino for file in files} == before
    with fleet.owner() as db:
        db.execute("UPDATE hipsync.band_days SET changed = changed + interval '1 second' WHERE band = %s AND day = %s",
                   [two[1].band, FIRST.date()])  # fmt: skip
    assert came(tmp_path, fleet) == (1, 3, 0)
    with fleet.owner() as db:
        db.execute("UPDATE hipsync.judged AS j SET kinds = other.kinds FROM hipsync.judged AS other"
                   " WHERE j.wearer = %s AND j.day = '2026-03-30' AND other.wearer = j.wearer"
                   " AND other.day = '2026-03-31'", [two[0].wearer])  # fmt: skip
    assert came(tmp_path, fleet) == (1, 3, 0)
    with fleet.owner() as db:  # a local day that lies in two months of UTC
        db.execute("UPDATE hipsync.wearers SET zone = 'America/New_York' WHERE id = %s", [two[0].wearer])
    assert came(tmp_path, fleet) == (2, 2, 0)
    (tmp_path / "study" / "wearer=P-1" / "2026-03.parquet").write_bytes(b"PAR1 cut off")
    assert came(tmp_path, fleet) == (1, 3, 0)
    with fleet.owner() as db:
        db.execute("DELETE FROM hipsync.band_days WHERE day >= '2026-04-01'")
    assert came(tmp_path, fleet)[2] == 2


def test_of_a_wearer_who_was_erased_nothing_is_left(fleet: Postgres, two: Sequence[Put], tmp_path: Path) -> None:
    came(tmp_path, fleet)
    half = tmp_path / "study" / "wearer=P-1" / ".2026-03.parquet.0123456789abcdef.new"
    half.write_bytes(b"of a killed one")
    with fleet.owner() as db:
        db.execute("DELETE FROM hipsync.wearers WHERE id = %s", [two[0].wearer])
    assert came(tmp_path, fleet) == (0, 2, 2)
    assert sorted(each.name for each in (tmp_path / "study").iterdir()) == [MARK, "wearer=P-2"]
    (tmp_path / "study" / "wearer=P-2" / "notes.txt").write_text("mine")
    with fleet.owner() as db:
        db.execute("UPDATE hipsync.wearers SET pseudonym = 'P-3'")
    done = exported(tmp_path, fleet, str(tmp_path / "study"))
    assert done.exit_code == 1
    assert "wearer=P-2 is of a wearer who is no more" in done.output
    assert [each.name for each in (tmp_path / "study" / "wearer=P-2").iterdir()] == ["notes.txt"]


def test_who_judges_may_export_too_and_who_sees_nobody_removes_nobody(
    fleet: Postgres, two: Sequence[Put], tmp_path: Path
) -> None:
    assert two
    with fleet.owner() as db:
        db.execute("GRANT hipsync_judge TO stranger")
    try:
        done = exported(tmp_path, fleet, str(tmp_path / "study"), login="stranger")
        assert (done.exit_code, done.output[:1]) == (0, "4"), done.output
        with fleet.owner() as db:
            db.execute("DROP POLICY judge ON hipsync.wearers")
        done = exported(tmp_path, fleet, str(tmp_path / "study"), login="stranger")
    finally:
        with fleet.owner() as db:
            db.execute("REVOKE hipsync_judge FROM stranger")
    assert (done.exit_code, "sees no wearer" in done.output) == (1, True)
    assert len([*(tmp_path / "study").rglob("*.parquet")]) == 4


def test_it_is_for_its_owner_alone_and_goes_into_no_other_folder(
    fleet: Postgres, two: Sequence[Put], tmp_path: Path
) -> None:
    assert two
    came(tmp_path, fleet)
    study = tmp_path / "study"
    assert {stat.S_IMODE(each.stat().st_mode) for each in (study, *study.rglob("*"))} == {0o700, 0o600}
    with kept_folder(study, "the months of hipsync fleet export parquet"):
        done = exported(tmp_path, fleet, str(study))
    assert (done.exit_code, "another process fills" in done.output) == (2, True)
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    (other / "notes.txt").write_text("mine")
    done = exported(tmp_path, fleet, str(other))
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert [each.name for each in other.iterdir()] == ["notes.txt"]


def test_a_file_is_read_back_as_it_was_written(fleet: Postgres, two: Sequence[Put], tmp_path: Path) -> None:
    assert two
    came(tmp_path, fleet)
    columns, told = read_month(tmp_path / "study" / "wearer=P-1" / "2026-03.parquet")
    table = [row for row in rows(tmp_path, "P-1") if row["start"] < datetime(2026, 4, 1, tzinfo=UTC)]
    assert [datetime.fromtimestamp(60 * at, UTC) for at in columns.start] == [row["start"] for row in table]
    assert (columns.steps, columns.posture) == ([row["steps"] for row in table], [row["posture"] for row in table])
    assert (told["wearer"], told["zone"], told["month"]) == ("P-1", "Europe/London", "2026-03")


def test_without_any_wearer_there_is_an_empty_folder(fleet: Postgres, tmp_path: Path) -> None:
    done = exported(tmp_path, fleet, str(tmp_path / "study"))
    assert (done.exit_code, done.output) == (0, "0 files were written, 0 are as they were, 0 were removed.\n")
    assert date(2026, 4, 1) > FIRST.date()
