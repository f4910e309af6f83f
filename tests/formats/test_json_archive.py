"""Everything goes out into one file and comes in again, the same bytes; what was changed is refused as a whole."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from hipsync.errors import InputError
from hipsync.formats.csv_minutes import Imported
from hipsync.formats.json_archive import export_json, import_json, read_json
from hipsync.model import (
    MINUTE,
    Answer,
    DeskTime,
    Draw,
    Epoch,
    Exercise,
    Label,
    Outing,
    Pause,
    Posture,
    Presence,
    PresenceSpan,
    Prompt,
    State,
    Trial,
    Where,
)
from hipsync.store import Store
from hipsync.store.rows import TIMES
from hipsync.store.zones import Abroad
from support.builders import MONDAY
from support.machine import Machine
from support.stored import GOOD, HOUR, NOW


def filled(store: Store, days: int = 1) -> None:
    """Two bands, one of every reading, and what was said and done."""
    noise = random.Random(7)
    one = store.add_band(
        name="desk-band", driver="huami", address="C0:00:00:00:00:01", advertised_name="Mi Band", now=NOW,
        vouches=True, reports_wear=True,
    )  # fmt: skip
    two = store.add_band(name="left", driver="infinitime", now=NOW)
    states, postures = [None, *State], [None, *Posture]
    store.append(one.id, [
        Epoch(MONDAY + n * MINUTE, MINUTE, noise.randrange(150) if noise.random() < 0.2 else 0, noise.randrange(99),
              noise.choice([None, 60]), noise.choice(states), noise.choice([None, 0x73]), noise.random() < 0.1,
              noise.choice(postures))
        for n in range(1440 * days)
    ])  # fmt: skip
    store.append(two.id, GOOD)
    for number in range(days):
        at = MONDAY + number * 24 * HOUR + 10 * HOUR
        store.add_prompt(
            Prompt(
                at,
                at,
                "hip-extension",
                number % 2 == 0,
                (Where.DESKTOP, Where.BAND),
                2,
                at + MINUTE,
                Answer.DONE,
                at + MINUTE,
            )
        )
        store.add_exercise(Exercise(at + MINUTE, "hip-extension", "guided", hurt=False))
    store.add_label(Label(NOW, State.STANDING))
    store.stand_at_desk(DeskTime(NOW, NOW + HOUR))
    store.add_presence([PresenceSpan(NOW - MINUTE, NOW, Presence.USED)])
    store.add_pause(Pause(NOW, NOW + HOUR))
    store.add_plan(Outing.RUN, (1, 3), time(18), NOW)
    store.add_trial(Trial(NOW, "0f" * 16))
    for number in range(3):
        store.add_draw(Draw(MONDAY + number * HOUR, NOW + number * HOUR, NOW, withheld=number == 1))
    store.note_zone(MONDAY, "Europe/London")
    store.note_zone(NOW, "Asia/Kathmandu", "laptop")
    store.note_import(two.id, NOW, "zepp", "watch", Abroad(MONDAY, NOW, "Europe/Rome"))
    gone = store.add_band(name="gone", driver="huami", address="C0:00:00:00:00:02", now=NOW)
    store.forget(gone.id, NOW, with_data=True)


LATER = MONDAY + timedelta(days=400)
"""A time at which all that `filled` stores was."""


def exported(store: Store) -> str:
    out = io.StringIO()
    export_json(store, out, None, None, LATER)
    return out.getvalue()


def imported(store: Store, text: str, now: datetime = LATER) -> Imported:
    with read_json(io.StringIO(text), now) as archive:
        return import_json(store, archive, NOW)


def test_what_went_out_and_came_in_goes_out_the_same() -> None:
    with Store.in_memory() as store, Store.in_memory() as other:
        filled(store, days=3)
        text = exported(store)
        done = imported(other, text)
        assert (done.lines, done.new) == (4322, 4322)
        assert exported(other) == text
        for table in TIMES:
            assert list(other.rows_of(table, None, None)) == list(store.rows_of(table, None, None)), table
            assert list(store.rows_of(table, None, None)), f"{table} is not tried"
        assert imported(other, text).new == 0
        assert exported(other) == text


@pytest.mark.ring
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_year_goes_out_and_comes_in_and_goes_out_the_same(form: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, LATER)
    with Store.open(machine.database) as store:
        filled(store, days=365)
    first, second = tmp_path / f"first.{form}", tmp_path / f"second.{form}"
    assert machine.type("export", "--format", form, "-o", str(first)).exit_code == 0
    other = str(tmp_path / "other.db")
    assert machine.type("--db", other, "import", form, str(first)).exit_code == 0
    assert machine.type("--db", other, "export", "--format", form, "-o", str(second)).exit_code == 0
    assert first.read_bytes() == second.read_bytes()


def test_it_is_an_object_with_a_version_that_every_program_reads() -> None:
    with Store.in_memory() as store:
        filled(store)
        archive = json.loads(exported(store))
        assert archive["version"] == 1
        assert list(archive) == ["version", "bands", *TIMES, "epochs"]
        assert [band["name"] for band in archive["bands"]] == ["desk-band", "left"]
        assert len(archive["epochs"]) == 1442
        assert archive["prompts"][0]["occasion"] == "sitting"
    with Store.in_memory() as nothing:
        assert json.loads(exported(nothing))["epochs"] == []


def test_a_part_is_what_lies_in_it() -> None:
    with Store.in_memory() as store:
        filled(store, days=3)
        out = io.StringIO()
        assert export_json(store, out, MONDAY + 24 * HOUR, MONDAY + 48 * HOUR, LATER).epochs == 1440
        archive = json.loads(out.getvalue())
        assert len(archive["prompts"]) == len(archive["exercises"]) == 1
        assert (len(archive["zones"]), len(archive["counters"])) == (2, 0)


NEW: dict[str, list[object]] = {"labels": [], "presence": [], "desks": []}
"""The tables that version 0.2 did not have."""


def test_an_export_from_before_a_table_was_added_is_whole_without_it() -> None:
    with Store.in_memory() as store, Store.in_memory() as other:
        filled(store)
        older = {name: rows for name, rows in json.loads(exported(store)).items() if name not in NEW}
        assert imported(other, json.dumps(older)).new == 1442
        assert {**json.loads(exported(other)), **NEW} == {**older, **NEW}
        with pytest.raises(InputError, match="goes on after its end"):
            imported(other, json.dumps({**older, **NEW, "more": []}))


REPLACED = {
    "another version": ('"version": 1', '"version": 2'),
    "a column of the future": ('"exercise": "hip-extension"', '"exercise": "hip-extension", "mood": 3'),
    "words for numbers": ('"steps": 3}', '"steps": "many"}'),
    "a band that is not there": ('"band": "left", "at"', '"band": "nobody", "at"'),
    "a name that steers": ('"name": "left"', '"name": "le\\u001b[2Jft"'),
    "a posture without a word": ('"posture": "lying"', '"posture": "kneeling"'),
    "too many steps": ('"steps": 30,', '"steps": 30000,'),
    "a table is missing": ('"pauses": ', '"breaks": '),
    "an epoch before 1970": ('"timestamp": "2026-03-02T00:00:00+00:00"', '"timestamp": "1970-01-01T00:00:00+14:00"'),
    "a band before the year 1": ('"added": "2026-03-02T12:00:00+00:00"', '"added": "0001-01-01T00:00:00+14:00"'),
}
"""A piece of a file, and what somebody made of it."""


def changed(what: str, text: str) -> str:
    match what:
        case "cut off":
            return text[: len(text) // 2]
        case "the end is missing":
            return text.rsplit("]}", 1)[0]
        case "a list":
            return "[]"
        case _:
            return text.replace(*REPLACED[what], 1)


def test_an_export_of_a_version_without_trials_is_taken() -> None:
    with Store.in_memory() as store, Store.in_memory() as other:
        filled(store)
        whole = json.loads(exported(store))
        old = {table: rows for table, rows in whole.items() if table not in {"trials", "draws"}}
        with read_json(io.StringIO(json.dumps(old)), LATER) as archive:
            import_json(other, archive, NOW)
        assert json.loads(exported(other)) == {**whole, "trials": [], "draws": []}
        for more in ('"trials": [], "trials": []', '"moods": []'):
            text = json.dumps(old)[:-1] + f", {more}}}"
            with pytest.raises(InputError), read_json(io.StringIO(text), LATER):
                pass


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("cut off", "is no epoch: the file was changed, or cut off"),
        ("the end is missing", "was cut off while it was written"),
        ("another version", "is of another version"),
        ("a column of the future", "prompts, row 1: there is no column 'mood': the file is of another version"),
        ("words for numbers", "counters, row 1: steps is 'many', not a whole number from 0 to 4,294,967,296"),
        ("a band that is not there", "names a band that is not in the file"),
        ("a name that steers", "a band cannot be called"),
        ("too many steps", "steps '30000' is not a whole number"),
        ("a table is missing", "pauses is missing"),
        ("an epoch before 1970", "is not in the years 1970 to 2099 of UTC"),
        ("a band before the year 1", "bands, row 1: '0001-01-01T00:00:00.14:00' is no instant of the years 1970 to"),
        ("a list", "this is not a file of `hipsync export"),
    ],
)
def test_what_was_changed_is_refused_as_a_whole(what: str, message: str) -> None:
    with Store.in_memory() as store, Store.in_memory() as other:
        filled(store)
        text = exported(store)
        spoilt = changed(what, text)
        assert spoilt != text
        before = exported(other)
        with pytest.raises(InputError, match=message):
            imported(other, spoilt)
        assert exported(other) == before


def test_where_its_lines_end_makes_no_difference() -> None:
    with Store.in_memory() as store, Store.in_memory() as other:
        filled(store)
        text = exported(store)
        assert imported(other, json.dumps(json.loads(text), indent=2)).new == 1442
        assert exported(other) == text
        for pretty in (json.dumps(json.loads(text)), text.replace("\n", "\r\n")):
            assert imported(other, pretty) == Imported(1442, 0, 1442)


def test_what_is_no_export_makes_no_database(tmp_path: Path) -> None:
    machine = Machine(tmp_path, NOW)
    (tmp_path / "diary.json").write_text("dear diary")
    assert "this is not a file of" in machine.refused("import", "json", str(tmp_path / "diary.json"), code=1)
    assert machine.files() == ["diary.json"]


def test_a_band_of_another_kind_is_not_mixed_in() -> None:
    with Store.in_memory() as store, Store.in_memory() as other:
        filled(store)
        other.add_band(name="left", driver="huami", now=NOW)
        with pytest.raises(InputError, match="there is a band 'left' already, of another kind"):
            imported(other, exported(store))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path, LATER)
    with Store.open(machine.database) as store:
        filled(store)
    return machine


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_each_form_is_written_whole_and_comes_in_again(form: str, machine: Machine) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    out = machine.home / f"out.{form}"
    out.write_text("older, and readable by all")
    out.chmod(0o644)
    assert machine.type("export", "--format", form, "-o", str(out)).exit_code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in machine.home.iterdir() if path.name.startswith("out")] == [out.name]
    other = ("--db", str(machine.home / "other.db"))
    assert "1,442 new" in machine.told(*other, "import", form, str(out)).replace("epochs: ", "")
    csv = machine.told("export")
    assert machine.told(*other, "export") == csv


def test_parquet_names_units_and_is_no_text(machine: Machine) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert machine.refused("export", "--format", "parquet", code=2).startswith("Parquet needs a file")
    out = machine.home / "out.parquet"
    assert machine.type("export", "--format", "parquet", "-o", str(out)).exit_code == 0
    schema = parquet.read_schema(out)
    assert schema.field("heart_rate").metadata == {b"unit": b"beats/min"}
    out.write_text("dear diary")
    message = machine.refused("import", "parquet", str(out), code=1)
    assert "the file is no Parquet" in message
    assert message.endswith("nothing was imported")


@pytest.mark.parametrize("at", [10**14, -(10**12), -1], ids=["no year", "before the year 1", "1969"])
def test_parquet_of_another_age_is_refused(machine: Machine, at: int) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    stamps = arrow.array([at], arrow.int64()).cast(arrow.timestamp("s", tz="UTC"))
    file = machine.home / "minutes.parquet"
    parquet.write_table(arrow.table({"timestamp": stamps, "steps": [1], "band": ["desk"]}), file)
    message = machine.refused("import", "parquet", str(file), code=1)
    assert "not in the years 1970 to 2099 of UTC" in message
    assert message.endswith("nothing was imported")


def test_without_the_extra_one_line_says_what_to_do(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    out = str(machine.home / "out.parquet")
    assert machine.refused("export", "--format", "parquet", "-o", out, code=2) == (
        "Parquet needs an extra: `uv sync --extra parquet`"
    )


Spoil = Callable[[Path], object]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_that_fails_leaves_what_was_there(
    form: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = machine.home / "out"
    out.write_text("the export of yesterday")

    def torn(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "epoch_rows", torn)
    assert machine.type("export", "--format", form, "-o", str(out)).exit_code == 130
    assert out.read_text() == "the export of yesterday"
    assert [path.name for path in machine.home.iterdir() if path.name.startswith("out")] == ["out"]


def test_an_import_that_is_interrupted_leaves_what_was_there(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    out = machine.home / "out.json"
    machine.type("export", "--format", "json", "-o", str(out))
    other = ("--db", str(machine.home / "other.db"))
    machine.told(*other, "import", "json", str(out))
    with Store.open(machine.home / "other.db") as store:
        store.erase(MONDAY, MONDAY + timedelta(hours=1))
    before = machine.told(*other, "export")

    def torn(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "merge", torn)
    assert machine.type(*other, "import", "json", str(out)).exit_code == 130
    assert machine.told(*other, "export") == before


def test_the_tables_may_come_in_another_order() -> None:
    """As after a program that sorts them; that of the bands comes first, because others name them."""
    with Store.in_memory() as store, Store.in_memory() as other:
        filled(store)
        archive = json.loads(exported(store))
        tables = [name for name in archive if name not in {"version", "bands"}]
        moved = {name: archive[name] for name in ("version", "bands", *reversed(tables))}
        imported(other, json.dumps(moved))
        assert exported(other) == exported(store)
