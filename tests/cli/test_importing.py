"""`import FILE...`: what a file is is found out, several of several kinds are one import, and the zone is asked for."""

from __future__ import annotations

import gzip
import io
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipsync.host.lock import only_import
from hipsync.model import ZoneChange
from hipsync.store import Store
from support.machine import Machine

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_RECORD = (
    ' <Record type="HKQuantityTypeIdentifierStepCount" sourceName="{source}" unit="count"'
    ' creationDate="2026-11-20 09:00:00 +0000" startDate="2026-11-20 08:00:00 +0000"'
    ' endDate="2026-11-20 08:01:00 +0000" value="{steps}"/>\n'
)
APPLE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<HealthData locale="it_IT">\n'
    + _RECORD.format(source="Watch", steps=90)
    + _RECORD.format(source="iPhone", steps=70)
    + "</HealthData>\n"
)
ZEPP = "\ufeffdate,time,steps\n2026-11-20,09:00,60\n2026-11-20,09:01,40\n"
CSV = "timestamp,steps\n2026-11-20T10:00Z,5\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


def file(machine: Machine, name: str, content: str | bytes) -> str:
    path = machine.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def zipped(machine: Machine, name: str, files: dict[str, str]) -> str:
    with zipfile.ZipFile(machine.home / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, content in files.items():
            archive.writestr(inner, content)
    return str(machine.home / name)


def steps(machine: Machine) -> dict[tuple[str, str], int]:
    with Store.read(machine.database) as store:
        return {(name, f"{epoch.start:%H:%M}"): epoch.steps for name, epoch in store.all_epochs(None, None)}


def test_what_a_file_is_is_found_out_and_said_and_a_second_import_adds_nothing(machine: Machine) -> None:
    export = zipped(machine, "esportazione.zip", {"apple_health_export/esportazione.xml": APPLE, "route.gpx": "<gpx/>"})
    assert machine.told("import", export).splitlines() == [
        f"{export}: Apple Health",
        "Watch: 1 row read: 1 new.",
        "iPhone: 1 row read: 1 new.",
        "Left alone: 1 file of other kinds.",
    ]
    assert machine.told("import", "apple", export).splitlines()[:2] == [
        "Watch: 1 row read: 0 new, 1 already stored.",
        "iPhone: 1 row read: 0 new, 1 already stored.",
    ]
    assert steps(machine) == {("Watch", "08:00"): 90, ("iPhone", "08:00"): 70}
    assert '"steps": 90' in machine.told("day", "2026-11-20", "--json")  # one source a minute, never two added


def test_files_of_several_kinds_are_one_import_in_any_order(machine: Machine) -> None:
    files = [
        file(machine, "export.xml", APPLE),
        file(machine, "ACTIVITY_MINUTE_1.csv", ZEPP),
        file(machine, "rows.csv.gz", gzip.compress(CSV.encode())),
    ]
    machine.told("import", "--zone", "Europe/London", *files)
    found = steps(machine)
    assert found == {
        ("Watch", "08:00"): 90, ("iPhone", "08:00"): 70, ("csv", "10:00"): 5,
        ("Zepp", "09:00"): 60, ("Zepp", "09:01"): 40,
    }  # fmt: skip
    other = Machine(machine.home / "other", NOW)
    other.told("import", *reversed(files), "--zone", "Europe/London")
    assert steps(other) == found


def test_one_wrong_file_among_several_leaves_nothing_behind(machine: Machine) -> None:
    good, wrong = file(machine, "export.xml", APPLE), file(machine, "rows.csv", CSV.replace(",5", ",many"))
    line = machine.refused("import", good, wrong, code=1)
    assert line.startswith(f"{wrong}: line 2: steps 'many' is not a whole number")
    assert sorted(machine.files()) == ["export.xml", "rows.csv"]


def test_a_folder_is_all_that_lies_in_it(machine: Machine) -> None:
    file(machine, "past/a/export.xml", APPLE)
    file(machine, "past/rows.csv", CSV)
    file(machine, "past/notes.txt", "nothing")
    told = machine.told("import", str(machine.home / "past"))
    assert told.splitlines()[0] == f"{machine.home / 'past'}: Apple Health, CSV of minutes"
    assert "Left alone: 1 file of other kinds." in told
    assert len(steps(machine)) == 3


def test_a_kind_that_is_named_is_the_only_one_that_is_read(machine: Machine) -> None:
    export, rows = file(machine, "past/export.xml", APPLE), file(machine, "past/rows.csv", CSV)
    assert "Left alone: 1 file of other kinds." in machine.told("import", "apple", str(machine.home / "past"))
    assert ("csv", "10:00") not in steps(machine)
    assert machine.refused("import", "apple", export, rows, code=1).startswith(f"{rows} is no file of Apple Health")


def gadgetbridge(machine: Machine, name: str = "Gadgetbridge.db") -> bytes:
    """A database of Gadgetbridge with one minute of a Mi Band."""
    path = machine.home / name
    machine.home.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(
            """CREATE TABLE DEVICE (_id INTEGER, IDENTIFIER TEXT, NAME TEXT);
            CREATE TABLE MI_BAND_ACTIVITY_SAMPLE
                (TIMESTAMP INTEGER, DEVICE_ID INTEGER, RAW_INTENSITY INTEGER, STEPS INTEGER, RAW_KIND INTEGER,
                 HEART_RATE INTEGER);
            INSERT INTO DEVICE VALUES (1, 'C8:0F:10:80:D0:21', 'Band');
            INSERT INTO MI_BAND_ACTIVITY_SAMPLE VALUES (1763625600, 1, 20, 33, 1, 70);"""
        )
    return path.read_bytes()


def foreign() -> bytes:
    """A database of another program."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE notes (id INTEGER)")
    return db.serialize()


def test_a_zip_with_a_database_in_it_is_read_whole(machine: Machine) -> None:
    key = "0123456789abcdef0123456789abcdef"
    content = gadgetbridge(machine)
    with zipfile.ZipFile(machine.home / "all.zip", "w") as archive:
        for name, inner in (
            ("a.sqlite", foreign()), ("Gadgetbridge.db", content), ("export.xml", APPLE), ("rows.csv", CSV),
            ("device_C8:0F:10:80:D0:21.json", f'{{"authkey": "{key}"}}'),
        ):  # fmt: skip
            archive.writestr(name, inner)
    told = machine.told("import", str(machine.home / "all.zip"), "--with-keys").splitlines()
    assert told[0] == f"{machine.home / 'all.zip'}: Apple Health, CSV of minutes, Gadgetbridge"
    assert {"Band: 1 row read: 1 new.", "Band: its key was taken.", "Left alone: 1 file of other kinds."} <= set(told)
    assert {name for name, _ in steps(machine)} == {"Band", "Watch", "iPhone", "csv"}


@pytest.mark.parametrize("packed", ["gzip", "zip in a zip"])
def test_a_database_may_be_packed_in_any_way(machine: Machine, packed: str) -> None:
    content = gadgetbridge(machine)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("database/Gadgetbridge", content)
    if packed == "gzip":
        export = file(machine, "Gadgetbridge.db.gz", gzip.compress(content))
    else:
        export = str(machine.home / "outer.zip")
        with zipfile.ZipFile(export, "w") as archive:
            archive.writestr("inner.zip", inner.getvalue())
    assert "Band: 1 row read: 1 new." in machine.told("import", export)


def test_a_foreign_database_is_left_alone_among_others_and_refused_by_itself(machine: Machine) -> None:
    notes = file(machine, "past/notes.sqlite", foreign())
    file(machine, "past/rows.csv", CSV)
    assert "Left alone: 1 file of other kinds." in machine.told("import", str(machine.home / "past"))
    assert "this is no database of Gadgetbridge" in machine.refused("import", notes, code=1)


@pytest.mark.parametrize("words", [["import"], ["import", "apple"]])
def test_a_file_of_no_kind_is_one_line(machine: Machine, words: list[str]) -> None:
    notes = file(machine, "notes.txt", "nothing to see")
    what = "no export that hipsync knows" if len(words) == 1 else "no file of Apple Health"
    line = machine.refused(*words, notes, code=1)
    assert line == f"{notes} is {what} (`hipsync import --help` lists them); nothing was imported"


def test_a_first_word_that_is_a_kind_is_the_kind_and_no_file(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(machine.home)
    file(machine, "csv", CSV)
    assert machine.type("import", "csv").exit_code == 2  # a file is missing
    assert machine.told("import", "./csv") == "csv: CSV of minutes\n1 line read: 1 new.\n"
    file(machine, "files", CSV)
    assert machine.told("import", "files").startswith("files: CSV of minutes\n"), "no kind has this name"


def test_standard_input_is_found_out_too(machine: Machine) -> None:
    done = machine.type("import", "-", stdin=CSV)
    assert (done.exit_code, done.stdout) == (0, "-: CSV of minutes\n1 line read: 1 new.\n")


# ------------------------------------------------------------------ the zone


def test_without_a_terminal_a_zone_that_is_wanted_is_one_line(machine: Machine) -> None:
    minutes = file(machine, "ACTIVITY_MINUTE_1.csv", ZEPP)
    assert machine.refused("import", minutes, code=1) == (
        f"{minutes}: its times are local and it does not say where: add --zone, such as --zone Europe/London;"
        " nothing was imported"
    )
    assert machine.files() == ["ACTIVITY_MINUTE_1.csv"]


def test_the_zone_of_an_import_is_stored_and_used_for_its_days_and_no_others(machine: Machine) -> None:
    minutes = file(machine, "ACTIVITY_MINUTE_1.csv", ZEPP)
    with Store.open(machine.database) as store:
        store.note_zone(NOW, "Europe/London")
    for _ in range(2):
        machine.told("import", minutes, "--zone", "America/New_York")
        midnight = datetime(2026, 11, 20, tzinfo=UTC)  # in London, where the day would else begin
        with Store.read(machine.database) as store:
            assert store.zones() == [
                ZoneChange(datetime(1970, 1, 1, tzinfo=UTC), "Europe/London"),
                ZoneChange(midnight, "America/New_York"),
                ZoneChange(midnight + timedelta(days=1, hours=5), "Europe/London"),
            ]
    assert "(America/New_York)" in machine.told("day", "2026-11-20")
    assert steps(machine) == {("Zepp", "14:00"): 60, ("Zepp", "14:01"): 40}


def test_the_zone_of_a_csv_is_stored_and_used_for_its_days_too(machine: Machine) -> None:
    rows = file(machine, "rows.csv", "timestamp,steps\n2026-11-20T08:00,5\n")
    assert "has no offset from UTC: add one, or say --zone" in machine.refused("import", rows, code=1)
    machine.told("import", rows, "--zone", "Asia/Tokyo")
    with Store.read(machine.database) as store:
        assert [change.zone for change in store.zones()] == ["Europe/London", "Asia/Tokyo", "Europe/London"]
    assert "(Asia/Tokyo)" in machine.told("day", "2026-11-20")


def test_earlier_days_keep_their_zone_after_an_import_with_local_times(machine: Machine) -> None:
    earlier = APPLE.replace("2026-11-20 08", "2026-06-20 08")
    machine.told("import", file(machine, "export.xml", earlier))
    before = machine.told("day", "2026-06-20")
    machine.told("import", file(machine, "ACTIVITY_MINUTE_1.csv", ZEPP), "--zone", "Asia/Tokyo")
    assert machine.told("day", "2026-06-20") == before


def test_a_zone_is_not_that_of_files_of_another_form_in_the_same_command(machine: Machine) -> None:
    apple = file(machine, "export.xml", APPLE.replace("2026-11-20 08", "2026-06-20 08"))
    machine.told("import", apple)
    before = machine.told("day", "2026-06-20")
    minutes = file(machine, "ACTIVITY_MINUTE_1.csv", ZEPP)
    machine.told("import", apple, minutes, "--zone", "Asia/Tokyo")
    assert machine.told("day", "2026-06-20") == before


def test_a_zone_is_that_of_all_sources_though_one_ends_earlier(machine: Machine) -> None:
    rows = ["1,11/19/2026 9:00:00 AM,60", "2,11/19/2026 9:00:00 AM,60", "2,11/20/2026 9:00:00 AM,60"]
    minutes = "\r\n".join(["Id,ActivityMinute,Steps", *rows, ""])
    machine.told("import", file(machine, "minuteStepsNarrow_merged.csv", minutes), "--zone", "Asia/Tokyo")
    assert "(Asia/Tokyo)" in machine.told("day", "2026-11-19")
    assert "(Asia/Tokyo)" in machine.told("day", "2026-11-20")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_export_that_has_grown_brings_the_zone_to_its_new_days_in_any_order(
    machine: Machine, order: tuple[int, int]
) -> None:
    parts = (ZEPP, ZEPP + "2026-11-21,09:00,60\n")
    for number in order:
        rows = file(machine, f"ACTIVITY_MINUTE_{number}.csv", parts[number])
        machine.told("import", rows, "--zone", "Asia/Tokyo")
    for day in ("2026-11-20", "2026-11-21"):
        assert "(Asia/Tokyo)" in machine.told("day", day)


def test_a_zone_that_does_not_exist_is_one_line(machine: Machine) -> None:
    minutes = file(machine, "ACTIVITY_MINUTE_1.csv", ZEPP)
    assert "Mars/Base" in machine.refused("import", minutes, "--zone", "Mars/Base", code=2)


# ------------------------------------------------------------------ beside others


def test_a_name_that_a_real_band_has_is_not_taken(machine: Machine) -> None:
    machine.band(name="Watch")
    export = file(machine, "export.xml", APPLE)
    for _ in range(2):
        machine.told("import", export)
        with Store.read(machine.database) as store:
            assert [band.name for band in store.bands()] == ["Watch", "Watch, Apple Health", "iPhone"]
    machine.told("bands", "join", "Watch, Apple Health", "Watch", "--yes")
    assert steps(machine) == {("Watch", "08:00"): 90, ("iPhone", "08:00"): 70}


def test_a_source_stays_in_its_band_whatever_that_is_called_or_joined_with(machine: Machine) -> None:
    """An export grows, and is imported every month."""
    machine.band(name="mine")
    export = file(machine, "export.xml", APPLE)
    machine.told("import", export)
    machine.told("bands", "rename", "iPhone", "phone")
    machine.told("bands", "join", "Watch", "mine", "--yes")
    assert machine.told("import", export).splitlines()[1:] == [
        "mine: 1 row read: 0 new, 1 already stored.",
        "phone: 1 row read: 0 new, 1 already stored.",
    ]
    with Store.read(machine.database) as store:
        assert [band.name for band in store.bands()] == ["mine", "phone"]


@pytest.mark.parametrize(
    ("words", "why"),
    [(["Watch", "Watch"], "that is one band"), (["Watch", "iPhone"], "'Watch' is paired"), (["no", "Watch"], "no")],
)
def test_bands_that_cannot_be_joined_are_one_line(machine: Machine, words: list[str], why: str) -> None:
    machine.band(name="Watch")
    machine.told("import", file(machine, "export.xml", APPLE))
    assert why in machine.refused("bands", "join", *words, "--yes", code=2)


def test_two_imports_at_once_are_refused(machine: Machine) -> None:
    rows = file(machine, "rows.csv", CSV)
    machine.told("import", rows)
    with only_import(machine.database):
        assert machine.refused("import", rows, code=2).startswith(
            f"another import into {machine.database} is under way (process "
        )


def test_a_database_that_was_imported_is_sound(machine: Machine) -> None:
    machine.told("import", file(machine, "export.xml", APPLE))
    assert machine.told("db", "check") == "Database OK.\n"
    with Store.read(machine.database) as store:
        assert [band.driver for band in store.bands()] == ["csv", "csv"]
        assert store.newest() == NOW - timedelta(hours=27, minutes=59)


def test_a_source_of_which_all_is_left_out_becomes_no_band(machine: Machine) -> None:
    file = machine.home / "heart_rate-2026-02-20.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[{"dateTime": "02/20/26 08:00:00", "value": {"bpm": 64, "confidence": 2}}]')
    said = machine.type("import", "fitbit", str(file))
    assert said.exit_code == 0
    assert said.stdout.startswith("no rows read.\nLeft out: 1 row ")
    assert machine.type("bands", "list", "--json").stdout.count('"name"') == 0
