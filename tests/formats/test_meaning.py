"""An import takes what can be right: it is refused as a whole for a row that cannot, and an export writes none such."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.errors import InputError
from hipsync.formats.csv_minutes import export_csv, import_table, read_csv
from hipsync.formats.json_archive import export_json, import_json, read_json
from hipsync.formats.meaning import COLUMNS
from hipsync.instants import AHEAD
from hipsync.model import (
    MINUTE,
    Answer,
    Charge,
    Counter,
    DeskTime,
    Draw,
    Epoch,
    Exercise,
    Inactivity,
    Info,
    Label,
    Outing,
    Pause,
    Presence,
    PresenceSpan,
    Prompt,
    State,
    Trial,
    Wear,
    Where,
    Workout,
    WorkoutKind,
)
from hipsync.store import Store
from hipsync.store.migrations import FIRST_TABLES
from hipsync.store.rows import LATER, TIMES, WITHOUT
from hipsync.store.zones import Abroad
from support.builders import MONDAY
from support.machine import Machine
from support.stored import HOUR, NOW, minute

Archive = dict[str, Any]
AT = int(NOW.timestamp())
LATEST = AT + int(AHEAD.total_seconds())


def filled(store: Store) -> None:
    """One row in every table that an archive holds."""
    band = store.add_band(name="left", driver="huami", address="C0:00:00:00:00:01", advertised_name="Mi", now=MONDAY)
    store.append(band.id, [
        minute(0, 30, heart_rate=80), Counter(NOW, 3), Wear(NOW, True), Charge(NOW, 9, True), Inactivity(NOW),
        Info(NOW, "1.0", "2", "AA:BB"), Workout(WorkoutKind.CYCLING, NOW - HOUR, NOW),
    ])  # fmt: skip
    said = Prompt(NOW, NOW, "hip-extension", True, (Where.DESKTOP,), 1, NOW, Answer.SNOOZED, NOW, NOW + HOUR)
    store.add_prompt(said._replace(sitting_minutes=60))
    store.add_label(Label(NOW, State.STANDING))
    store.stand_at_desk(DeskTime(NOW, NOW + HOUR))
    store.add_presence([PresenceSpan(NOW - MINUTE, NOW, Presence.USED)])
    store.add_pause(Pause(NOW, NOW + HOUR))
    store.add_exercise(Exercise(NOW, "hip-extension", "guided"))
    store.add_trial(Trial(NOW, "a5"))
    store.add_draw(Draw(MONDAY, NOW, NOW, withheld=True))
    store.note_zone(MONDAY, "Europe/London")
    store.note_import(band.id, NOW, "zepp", "watch", Abroad(MONDAY, NOW, "Europe/Rome"))
    gone = store.add_band(name="gone", driver="huami", address="C0:00:00:00:00:02", now=MONDAY)
    store.forget(gone.id, NOW, with_data=True)
    plan = store.add_plan(Outing.RUN, (1, 3), time(18), NOW)
    store.skip_plan(plan, date(2026, 3, 5))
    store.remove_plan(plan, NOW)


def archive(now: datetime = NOW) -> Archive:
    found: Archive = json.loads(written(now))
    return found


@cache
def written(now: datetime) -> str:
    with Store.in_memory() as store:
        filled(store)
        out = io.StringIO()
        export_json(store, out, None, None, now)
        return out.getvalue()


def refusal(changed: Archive | str) -> str:
    """Why an archive is refused; nothing of it is in the database then."""
    text = changed if isinstance(changed, str) else json.dumps(changed)
    with pytest.raises(InputError) as caught, read_json(io.StringIO(text), NOW):
        pass
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return str(caught.value)


def taken(changed: Archive) -> str:
    """What an archive that is imported is exported as."""
    out = io.StringIO()
    with Store.in_memory() as store, read_json(io.StringIO(json.dumps(changed)), NOW) as read:
        import_json(store, read, NOW)
        export_json(store, out, None, None, NOW)
    return out.getvalue()


def test_every_table_of_an_archive_has_a_row_here_and_every_column_a_meaning() -> None:
    whole = archive()
    assert all(len(whole[table]) == 1 for table in ("bands", *TIMES, "epochs"))
    assert COLUMNS.keys() == TIMES.keys()
    with Store.in_memory() as store:
        for table, columns in COLUMNS.items():
            with store.transaction() as db:
                names = {str(column[1]) for column in db.execute(f"PRAGMA table_info({table})")}
            assert columns.keys() == names - {"id"}
    assert len(FIRST_TABLES) > 10
    assert json.loads(taken(whole)) == whole


BAD_CELLS: Mapping[tuple[str, str], tuple[object, ...]] = {
    ("zones", "zone"): ("Mars/Base", "", "Europe", "../../etc/passwd", "Europe/London\0", 7, None, "\x1b[31m"),
    ("counters", "steps"): (-1, 2**40, "3", 3.0, True, None, float("nan"), 10**400),
    ("wears", "worn"): (2, -1, True, "1", None),
    ("charges", "percent"): (-1, 101, 255, None),
    ("charges", "charging"): (7, "yes", False),
    ("infos", "firmware"): ("\x1b[2J", "a\nb", "x" * 300, 5),
    ("infos", "serial"): ("\u202e", ["AA"]),
    ("plans", "outing"): ("swim", "", None, 1),
    ("plans", "days"): ("", "thu,tue", "tue,tue", "tue, thu", "tuesday", ",", None, 2),
    ("plans", "clock"): ("24:00", "7:30", "18:00:00", "18", "1800", "noon", None, 1800),
    ("plans", "skipped"): ("2026-02-30", "20260305", "soon", "", "2150-01-01", 20260305),
    ("plans", "removed"): ("soon", 1.5, True),
    ("workouts", "start"): (AT, AT + 1, AT - 86400, -1, "soon", None),
    ("workouts", "until"): (AT - 3600, AT + 86400 - 3600, None),
    ("workouts", "kind"): ("sleeping", "Cycling", 4, None),
    ("prompts", "exercise"): ("\x1b[31mred", "", "x" * 65, None, 4),
    ("prompts", "sure"): (7, None, True),
    ("prompts", "shown_where"): ("moon", "desktop moon", "desktop  band", " desktop", "desktop desktop", None, 1),
    ("prompts", "shown"): (-1, 10**6, None),
    ("prompts", "answer"): ("maybe", 1, ""),
    ("prompts", "occasion"): ("birthday", None),
    ("prompts", "sitting_minutes"): (0, -1, 60 * 24 * 32, "an hour"),
    ("prompts", "snoozed_until"): (AT + 51 * 86400, -1, 10**14, "soon"),
    ("labels", "says"): ("lying", "sitting", 5, None),
    ("presence", "start"): (AT - 59, AT - 3660, AT, -1, 2**70, "2026", 1.5, True, None),
    ("presence", "until"): (AT + 30, AT - 60, AT + 3600, None),
    ("presence", "state"): ("away", "unknown", 5, None),
    ("desks", "until"): (AT - 1, AT + 9 * 86400, 10**14, 4_102_444_800, None),
    ("pauses", "until"): (AT - 1, AT + 9 * 86400, 10**14, 4_102_444_800, None),
    ("trials", "seed"): ("", "\x1b[2J", "x" * 65, 7, None),
    ("draws", "withheld"): (2, -1, "1", True, None),
    ("draws", "due"): (-1, "noon", None, 10**14),
    ("exercises", "name"): ("\x1b]0;x\x07", "", None),
    ("exercises", "how"): ("by magic", None),
    ("exercises", "hurt"): (7, 2, -1, None, "no", True),
    ("epochs", "steps"): (-1, 301, "many", "7", True, 3.0, None, [3], 10**400, float("nan"), float("inf")),
    ("epochs", "length"): (0, 30, 90, 86_460, -60, "60"),
    ("epochs", "heart_rate"): (0, -1, 301, 10**15),
    ("epochs", "intensity"): (-1, 2**40),
    ("epochs", "kind"): (-1, 2**40),
    ("epochs", "state"): ("dozing", 1, "", None),
    ("epochs", "inferred"): (7, True, "1"),
    ("epochs", "band"): ("nobody", None, 4, ["left"]),
    ("epochs", "timestamp"): ("2026-03-02T00:00:30+00:00", "2026-03-02T00:00:00", "0001-01-01T00:00:00+14:00", 5, None),
    ("bands", "name"): ("\x1b[2J", "", None, "x" * 65),
    ("bands", "driver"): ("", "\x1b", None),
    ("bands", "address"): ("", "\x1b", 7),
    ("bands", "advertised_name"): ("\x1b[2J", None),
    ("bands", "simulated"): (1, "yes", None),
    ("bands", "vouches"): (7, None),
    ("bands", "added"): ("2026-03-02T00:00:00", "soon", "0001-01-01T00:00:00+14:00", "2150-01-01T00:00:00+00:00", 4),
    **{(table, "band"): ("nobody", None, 1, ["left"]) for table in TIMES if "band" in COLUMNS[table]},
    **{
        (table, column): (-1, 10**14, 2**70, 4_102_444_800, "2026", 1.5, True)
        for table, columns in COLUMNS.items()
        for column, each in columns.items()
        if each.stamp
    },
}
"""What cannot stand in a column, by table and column."""


@pytest.mark.parametrize(("table", "column"), sorted(BAD_CELLS))
def test_a_cell_that_cannot_be_right_is_named_and_the_file_refused(table: str, column: str) -> None:
    for cell in BAD_CELLS[table, column]:
        changed = archive()
        changed[table][0][column] = cell
        message = refusal(changed)
        where = "line 1: " if table == "epochs" else f"{table}, row 1: "
        assert message.startswith(where), (cell, message)


@pytest.mark.parametrize("table", TIMES)
def test_a_column_that_is_not_there_is_missed_and_none_is_added(table: str) -> None:
    for column, each in COLUMNS[table].items():
        changed = archive()
        del changed[table][0][column]
        if each.needed:
            assert refusal(changed) == f"{table}, row 1: {column} is missing"
        else:
            assert json.loads(taken(changed))[table][0].get(column) == WITHOUT.get(column)
    changed = archive()
    changed[table][0]["mood"] = 3
    assert refusal(changed) == f"{table}, row 1: there is no column 'mood': the file is of another version of hipsync"


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, column) for table, columns in COLUMNS.items() for column, each in columns.items() if each.stamp],
)
def test_five_minutes_ahead_is_now_in_every_table_and_a_second_more_is_the_future(table: str, column: str) -> None:
    changed = archive()
    changed[table][0][column] = LATEST
    if table in {"pauses", "desks"}:
        changed[table][0]["until"] = LATEST
    assert json.loads(taken(changed))[table][0][column] == LATEST
    changed[table][0][column] = LATEST + 1
    assert refusal(changed) == (f"{table}, row 1: {column} is 2026-03-02T12:05:01+00:00, which lies in the future")


@pytest.mark.parametrize(("minutes", "allowed"), [(5, True), (6, False), (1200, False)])
def test_an_epoch_or_a_band_of_the_future_refuses_the_archive(minutes: int, allowed: bool) -> None:
    for table, column in (("epochs", "timestamp"), ("bands", "added")):
        changed = archive()
        changed[table][0][column] = (NOW + minutes * MINUTE).isoformat()
        if allowed:
            assert json.loads(taken(changed))[table][0][column] == (NOW + minutes * MINUTE).isoformat()
        else:
            assert "lies in the future" in refusal(changed)


@pytest.mark.parametrize("table", sorted(LATER))
def test_the_archive_of_a_version_that_did_not_know_a_table_is_taken(table: str) -> None:
    changed = archive()
    del changed[table]
    assert json.loads(taken(changed)) == {**changed, table: []}
    del changed["pauses"]
    assert refusal(changed) == "pauses is missing: the file is no export of hipsync, or was changed"


def test_two_rows_that_contradict_each_other_are_both_named_and_two_equal_ones_are_one() -> None:
    for table in TIMES:
        changed = archive()
        changed[table].append(dict(changed[table][0]))
        assert len(json.loads(taken(changed))[table]) == 1
    changed = archive()
    changed["zones"].append({**changed["zones"][0], "zone": "Europe/Rome"})
    assert refusal(changed) == "zones, row 2: row 2 contradicts row 1, which has the same host and since"
    changed = archive()
    changed["epochs"].append({**changed["epochs"][0], "steps": 31})
    assert "contradicts" in refusal(changed)


def test_what_is_no_json_of_a_row_is_refused_in_one_line() -> None:
    whole = json.dumps(archive())
    for row in ("[]", "7", "null", '"x"', "[" * 100_000, '{"a":' * 100_000, "-", "1" * 5000, "1" * 300_000, "NaN"):
        assert refusal(whole.replace('"pauses": [{', f'"pauses": [{row}, {{', 1))
        assert refusal(whole.replace('"epochs": [{', f'"epochs": [{row}, {{', 1))
    assert refusal(whole + "{}") == "the file was cut off while it was written, or goes on after its end"
    assert refusal(whole.replace('"version": 1', '"version": true')).startswith("this is not a file of")


def test_a_file_that_is_cut_off_anywhere_is_refused() -> None:
    whole = json.dumps(archive())
    for end in range(len(whole)):
        assert refusal(whole[:end])


Change = Callable[[Archive], object]
CELLS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20)
    | st.sampled_from(["left", "Europe/Rome", "done", "band", AT, AT + 300, 0, 1])
    | st.lists(st.integers(), max_size=2)
)  # fmt: skip


@settings(deadline=None)
@given(st.data())
def test_whatever_an_archive_holds_is_refused_or_comes_back_the_same(data: st.DataObject) -> None:
    changed = archive()
    table = data.draw(st.sampled_from(["bands", *TIMES, "epochs"]))
    column = data.draw(st.sampled_from(sorted(changed[table][0])))
    changed[table][0][column] = data.draw(CELLS)
    out = io.StringIO()
    with Store.in_memory() as store:
        try:
            read = read_json(io.StringIO(json.dumps(changed)), NOW)
        except InputError:
            return
        with read:
            import_json(store, read, NOW)
        export_json(store, out, None, None, NOW)
        assert len(store.prompts(MONDAY, NOW + HOUR)) + len(store.exercises(MONDAY, NOW + HOUR)) <= 2
        assert store.pause(NOW) is None or store.zones()
    came = json.loads(out.getvalue())[table][0]
    for name, cell in changed[table][0].items():
        if (table, name) in {("epochs", "timestamp"), ("bands", "added")}:
            assert datetime.fromisoformat(came[name]) == datetime.fromisoformat(str(cell))
        elif not (name == "inferred" and cell == 0) and cell is not None:
            assert came[name] == cell


# ------------------------------------------------------------------ what goes out can come in


def test_rows_of_the_future_stay_in_the_store_and_the_export_without_them_comes_in(tmp_path: Path) -> None:
    machine = Machine(tmp_path, NOW)
    year = timedelta(days=365)
    with Store.open(machine.database) as store:
        filled(store)
        band = store.bands()[0].id
        store.add_band(name="of the future", driver="huami", now=NOW + year)
        later = NOW + year
        store.append(band, [Epoch(later, MINUTE, 5), Counter(later, 9), Wear(later, False), Charge(later, 1)])
        store.add_exercise(Exercise(later, "hip-extension", "manual"))
        store.note_zone(later, "Europe/Rome")
    for form, rows in (("csv", "1 row"), ("json", "6 rows")):
        out = machine.home / f"out.{form}"
        done = machine.type("export", "--format", form, "-o", str(out))
        assert done.exit_code == 0
        assert done.stderr.splitlines() == [
            f"1 row in {out}", f"Left out: {rows} that cannot be right, or with a time in the future."
        ]  # fmt: skip
        other = ("--db", str(tmp_path / f"{form}.db"))
        assert "1 new" in machine.told(*other, "import", form, str(out)).replace("lines: ", "").replace("epochs: ", "")
    with Store.open(machine.database) as store:
        assert len(list(store.all_epochs(None, None))) == 2
    with Store.open(tmp_path / "json.db") as store:
        assert [(band.name, band.added) for band in store.bands()] == [("left", MONDAY), ("of the future", NOW)]


# ------------------------------------------------------------------ CSV

HEAD = "timestamp,steps,length,intensity,heart_rate,state,kind,inferred,band"


@pytest.mark.parametrize(("minutes", "allowed"), [(5, True), (6, False), (20 * 60, False)])
def test_a_line_of_the_future_refuses_a_csv_file(tmp_path: Path, minutes: int, allowed: bool) -> None:
    machine = Machine(tmp_path, NOW)
    rows = tmp_path / "rows.csv"
    at = (NOW + minutes * MINUTE).isoformat()
    rows.write_text(f"timestamp,steps\n{MONDAY.isoformat()},4\n{at},5\n")
    if allowed:
        assert machine.told("import", "csv", str(rows)) == "2 lines read: 2 new.\n"
    else:
        assert machine.refused("import", "csv", str(rows), code=1) == (
            f"{rows}: line 3: {at!r} lies in the future: it is 2026-03-02 12:00 UTC by this computer's clock; "
            "nothing was imported"
        )
        assert machine.files() == ["rows.csv"]


WORDS = [
    "",
    "0",
    "1",
    "7",
    "-1",
    "NaN",
    "1e3",
    "9" * 400,
    "300",
    "60",
    "86400",
    "asleep",
    "left",
    "\x1b[2J",
    "=1",
    "'=1",
]
CSV_CELLS = st.sampled_from(WORDS) | st.text(
    st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=12
)


@settings(deadline=None)
@given(st.lists(st.lists(CSV_CELLS, min_size=8, max_size=8), min_size=1, max_size=4))
def test_whatever_a_csv_line_holds_is_refused_or_comes_back(lines: list[list[str]]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEAD.split(","))
    table.writerows([(MONDAY + at * MINUTE).isoformat(), *cells] for at, cells in enumerate(lines))
    try:
        read = read_csv(io.BytesIO(text.getvalue().encode()), band=None, zone=None, now=NOW)
    except InputError:
        return
    first, second = io.StringIO(), io.StringIO()
    with Store.in_memory() as store, Store.in_memory() as other:
        with read:
            import_table(store, read, NOW)
        assert export_csv(store, first, None, None, NOW) == (len(lines), 0)
        with read_csv(io.BytesIO(first.getvalue().encode()), band=None, zone=None, now=NOW) as again:
            import_table(other, again, NOW)
        export_csv(other, second, None, None, NOW)
    assert sorted(second.getvalue().splitlines()) == sorted(first.getvalue().splitlines())


def test_what_one_band_of_a_file_reports_is_not_said_of_the_others(tmp_path: Path) -> None:
    """A band that reports no wear must not vouch for its stillness because another one in the file does."""
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "timestamp,steps,heart_rate,state,band\n"
        "2026-03-02T00:00Z,0,,asleep,sleeper\n2026-03-02T00:00Z,0,60,,heart\n2026-03-02T00:00Z,0,,,bare\n"
    )
    machine = Machine(tmp_path, NOW)
    machine.told("import", "csv", str(rows))
    expected = {"sleeper": (True, True), "heart": (True, False), "bare": (False, False)}
    found: list[dict[str, tuple[bool, bool]]] = []
    forms = ["csv"]
    if pyarrow():
        forms.append("parquet")
    for form in forms:
        out, other = tmp_path / f"out.{form}", tmp_path / f"{form}.db"
        assert machine.type("export", "--format", form, "-o", str(out)).exit_code == 0
        machine.told("--db", str(other), "import", form, str(out))
        with Store.read(other) as store:
            found.append({band.name: (band.vouches, band.reports_wear) for band in store.bands()})
    assert found == [expected] * len(forms)


def pyarrow() -> bool:
    try:
        __import__("pyarrow")
    except ImportError:
        return False
    return True


@pytest.mark.parametrize("states", [False, True])
def test_csv_and_parquet_say_the_same_of_the_only_band(tmp_path: Path, states: bool) -> None:
    """A band that reports wear and was worn all the time has no state; one that does not report it has none either."""
    pytest.importorskip("pyarrow")
    machine = Machine(tmp_path, NOW)
    with Store.open(machine.database) as store:
        band = store.add_band(name="b", driver="csv", now=MONDAY, vouches=states, reports_wear=states)
        store.append(band.id, [minute(0, 3), minute(1)])
    for form in ("csv", "parquet"):
        out, other = tmp_path / f"out.{form}", tmp_path / f"{form}.db"
        assert machine.type("export", "--format", form, "-o", str(out)).exit_code == 0
        machine.told("--db", str(other), "import", form, str(out))
        with Store.read(other) as store:
            assert [(band.vouches, band.reports_wear) for band in store.bands()] == [(states, states)], form


# ------------------------------------------------------------------ Parquet

NOT_RIGHT: Mapping[str, tuple[str, object]] = {
    "steps beyond human pace": ("steps", 301),
    "negative steps": ("steps", -1),
    "half a step": ("steps", 3.5),
    "no number": ("steps", float("nan")),
    "a heart rate": ("heart_rate", 301),
    "a state": ("state", "dozing"),
    "a length": ("length", 90),
    "inferred": ("inferred", 7),
    "a name": ("band", "\x1b[2J"),
    "the future": ("timestamp", NOW + 6 * MINUTE),
    "half a minute": ("timestamp", MONDAY + timedelta(seconds=30)),
    "another time of the same minute": ("timestamp", MONDAY),
}


@pytest.mark.parametrize("what", NOT_RIGHT)
def test_a_row_of_parquet_that_cannot_be_right_is_named(tmp_path: Path, what: str) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    good = {
        "timestamp": MONDAY,
        "steps": 4,
        "length": 60,
        "heart_rate": 80,
        "state": "walking",
        "inferred": 0,
        "band": "b",
    }
    column, cell = NOT_RIGHT[what]
    second = {**good, "timestamp": MONDAY + MINUTE, "steps": 5, column: cell}
    file = tmp_path / "rows.parquet"
    kinds = {name: arrow.float64() for name in good if isinstance(second[name], float)}
    columns = {name: arrow.array([good[name], second[name]], kinds.get(name)) for name in good}
    parquet.write_table(arrow.table(columns), file)
    machine = Machine(tmp_path, NOW)
    message = machine.refused("import", "parquet", str(file), code=1)
    assert message.startswith(f"{file}: row ")
    assert ("contradicts" in message) == (what == "another time of the same minute")
    assert message.endswith("; nothing was imported")
    assert machine.files() == ["rows.parquet"]


def test_the_fifth_minute_ahead_is_taken_from_parquet(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "rows.parquet"
    parquet.write_table(arrow.Table.from_pylist([{"timestamp": NOW + 5 * MINUTE, "steps": 4, "band": "b"}]), file)
    assert Machine(tmp_path, NOW).told("import", "parquet", str(file)) == "1 line read: 1 new.\n"


# ------------------------------------------------------------------ Fitabase


def test_rows_of_the_future_in_a_file_of_fitabase_are_left_out_and_counted(tmp_path: Path) -> None:
    machine = Machine(tmp_path, datetime(2016, 4, 12, 12, tzinfo=UTC))
    file = tmp_path / "minuteSteps.csv"
    file.write_text(
        "Id,ActivityMinute,Steps\n1,4/12/2016 12:00:00 PM,7\n1,4/12/2016 12:05:00 PM,8\n1,4/12/2016 12:06:00 PM,9\n"
    )
    assert machine.told("import", "fitbit", str(file), "--zone", "UTC").splitlines() == [
        "fitbit 1: 2 rows read: 2 new.", "Left out: 1 row with a time in the future."
    ]  # fmt: skip
