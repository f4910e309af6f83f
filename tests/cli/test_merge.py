"""`db merge` and `import json`: what another computer's database holds comes into this one, once."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hipsync.model import MINUTE, Answer, Counter, Prompt
from hipsync.service.answers import answer_prompt
from hipsync.store import VERSION, Store
from hipsync.store.migrations import FIRST_TABLES
from support.builders import MONDAY
from support.machine import COMMAND, Machine
from support.stored import NOW, minute

ADDRESS = "C0:00:00:00:00:01"


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "here", NOW)
    machine.band([minute(at, 3) for at in range(60)], address=ADDRESS)
    machine.now = NOW
    return machine


@pytest.fixture
def there(tmp_path: Path) -> Machine:
    """A computer that knows the same band by another name, and later minutes of it."""
    machine = Machine(tmp_path / "there", NOW)
    band = machine.band([minute(at, 3) for at in range(30, 90)], name="at home", address=ADDRESS)
    machine.now = NOW
    with Store.open(machine.database) as store:
        store.append(band, [Counter(NOW - MINUTE, 7)])
        prompt = store.add_prompt(Prompt(NOW - MINUTE, NOW - MINUTE, "hip-extension", sure=True))
        answer_prompt(store, prompt, Answer.DONE, NOW)
    return machine


def copy_of(machine: Machine, name: str = "copy.db") -> Path:
    copy = machine.home / name
    machine.told("db", "backup", str(copy))
    return copy


def exported(machine: Machine, *of: str) -> dict[str, Any]:
    done = machine.type(*of, "export", "--format", "json")
    assert done.exit_code in {0, 3}, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_the_other_computer_has_comes_once_and_under_the_name_of_here(here: Machine, there: Machine) -> None:
    copy = copy_of(there)
    before = copy.read_bytes()
    assert (
        here.told("db", "merge", str(copy))
        == "60 rows read: 30 new, 30 already stored.\n3 other entries, such as reminders, are new.\n"
    )
    assert here.told("db", "merge", str(copy)) == "60 rows read: 0 new, 60 already stored.\n"
    assert copy.read_bytes() == before
    assert [file.name for file in copy.parent.glob("copy*")] == ["copy.db"]
    whole = exported(here)
    assert [band["name"] for band in whole["bands"]] == ["desk-band"]
    assert (len(whole["epochs"]), len(whole["counters"])) == (90, 1)
    assert [(each["answer"], each["due"]) for each in whole["prompts"]] == [("done", int(NOW.timestamp()) - 60)]


def test_it_is_what_an_import_of_the_other_s_export_is(here: Machine, there: Machine, tmp_path: Path) -> None:
    mine, text = copy_of(here, "mine.db"), tmp_path / "all.json"
    assert there.type("export", "--format", "json", "-o", str(text)).exit_code == 0
    here.told("db", "merge", str(copy_of(there)))
    here.told("--db", str(mine), "import", "json", str(text))
    assert exported(here) == exported(here, "--db", str(mine))


def test_a_file_whose_newest_rows_are_in_a_log_beside_it_is_refused(here: Machine, there: Machine) -> None:
    before = exported(here)
    with Store.open(there.database) as store:
        store.append(store.bands()[0].id, [minute(100, 3)])
        assert here.refused("db", "merge", str(there.database), code=1) == (
            f"{there.database} is in use, or was not closed: part of it is in hipsync.db-wal; copy it with "
            "`hipsync db backup FILE` where it is in use, and give that copy"
        )
    assert exported(here) == before


def test_the_log_is_found_too_where_the_file_is_a_link_to_a_database_in_use(
    here: Machine, there: Machine, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(there.database)
    with Store.open(there.database) as store:
        store.append(store.bands()[0].id, [minute(100, 3)])
        assert "part of it is in hipsync.db-wal" in here.refused("db", "merge", str(link), code=1)
    here.told("db", "merge", str(link))
    assert len(exported(here)["epochs"]) == 91


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_at_once(here: Machine, tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    done = subprocess.run(
        [*COMMAND, "--db", str(here.database), "db", "merge", str(pipe)],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.endswith("is no regular file: give a copy that `hipsync db backup FILE` made")


def test_a_copy_of_an_older_hipsync_is_taken_and_stays_as_it_is(here: Machine, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as db:
        db.executescript(";".join(FIRST_TABLES) + ";")
        db.execute(
            "INSERT INTO bands VALUES (1, 'old', 'huami', ?, 'Mi', 0, 1, 1, ?)", (ADDRESS, int(MONDAY.timestamp()))
        )
        db.execute("INSERT INTO epochs VALUES (1, ?, 1, 9, NULL, NULL, 0, NULL)", (int(MONDAY.timestamp()),))
        db.executescript("CREATE TABLE _sqlite_migrations (migration_set TEXT, name TEXT, applied_at TEXT);")
        db.execute("INSERT INTO _sqlite_migrations VALUES ('hipsync', 'm001_first', '2026-01-01')")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    before = old.read_bytes()
    assert here.told("db", "merge", str(old)) == "1 row read: 1 new.\n"
    assert old.read_bytes() == before
    assert exported(here)["epochs"][0]["steps"] == 9


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("no database", "is damaged, or no database"),
        ("another program's", "is no database of hipsync"),
        ("a newer hipsync's", "was made by a newer hipsync"),
        ("cut off", "is damaged, or no database"),
    ],
)
def test_what_is_no_whole_database_of_hipsync_is_one_line_and_changes_nothing(
    made: str, said: str, here: Machine, there: Machine
) -> None:
    before, file = exported(here), copy_of(there)
    match made:
        case "no database":
            file.write_text("steps\n")
        case "another program's":
            file.unlink()
            with closing(sqlite3.connect(file)) as db:
                db.execute("CREATE TABLE diary (day TEXT)")
        case "a newer hipsync's":
            with closing(sqlite3.connect(file)) as db:
                db.execute(f"PRAGMA user_version = {VERSION + 1}")
        case _:
            file.write_bytes(file.read_bytes()[: 4096 * 5])
    done = here.type("db", "merge", str(file))
    assert done.exit_code in {1, 2}
    (line,) = done.stderr.splitlines()
    assert said in line
    assert exported(here) == before


@pytest.mark.parametrize("words", [("import",), ("import", "gadgetbridge")])
def test_import_says_by_what_a_database_of_hipsync_is_taken_over(
    words: tuple[str, ...], here: Machine, there: Machine
) -> None:
    copy = copy_of(there)
    assert here.refused(*words, str(copy), code=1) == (
        f"{copy}: this is a database of hipsync: `hipsync db merge FILE` takes it over; nothing was imported"
    )


def test_a_copy_that_cannot_be_brought_up_to_date_is_named_as_the_person_knows_it(
    here: Machine, there: Machine
) -> None:
    copy = copy_of(there)
    with closing(sqlite3.connect(copy)) as db:
        db.executescript("DROP TABLE _sqlite_migrations; PRAGMA user_version = 2")
    assert here.refused("db", "merge", str(copy), code=1).startswith(f"{copy} refused: ")


def test_one_other_entry_is_said_as_one(here: Machine, there: Machine) -> None:
    here.told("db", "merge", str(copy_of(there)))
    with Store.open(there.database) as store:
        store.append(store.bands()[0].id, [Counter(NOW, 8)])
    assert here.told("db", "merge", str(copy_of(there, "second.db"))) == (
        "60 rows read: 0 new, 60 already stored.\n1 other entry, such as reminders, is new.\n"
    )


def test_the_database_itself_and_a_missing_file_are_refused(here: Machine) -> None:
    assert here.refused("db", "merge", str(here.database), code=2) == (
        f"{here.database} is the database itself: give that of another computer"
    )
    assert here.type("db", "merge", str(here.home / "none.db")).exit_code == 2


def test_what_was_removed_there_is_removed_here_after_a_question(here: Machine, there: Machine) -> None:
    here.told("db", "backup")
    there.told("bands", "forget", "at home", "--with-data", "--yes")
    copy = copy_of(there)
    assert here.refused("db", "merge", str(copy), code=2) == (
        "'desk-band' was removed with its data on the other computer, and would be here: give --yes to "
        "`hipsync import json` or `hipsync db merge`"
    )
    assert len(exported(here)["epochs"]) == 60
    assert here.told("db", "merge", "--yes", str(copy)) == (
        "'desk-band' is removed with its data.\nno rows read.\n2 other entries, such as reminders, are new.\n"
    )
    assert exported(here)["bands"] == []
    (backup,) = (here.data / "backups").glob("*.db")
    assert exported(here, "--db", str(backup))["epochs"] == []


def test_a_band_that_was_removed_there_and_paired_again_comes_with_what_it_has_since(
    here: Machine, there: Machine
) -> None:
    there.told("bands", "forget", "at home", "--with-data", "--yes")
    there.now = NOW + 10 * MINUTE
    with Store.open(there.database) as store:
        again = store.add_band(name="again", driver="huami", address=ADDRESS, now=there.now)
        store.append(again.id, [minute(100, 3)])
    here.now = NOW + 20 * MINUTE
    here.told("db", "merge", "--yes", str(copy_of(there)))
    assert len(exported(here)["epochs"]) == 1
    there.now = NOW + 30 * MINUTE
    there.told("db", "merge", str(copy_of(here)))
    assert len(exported(there)["epochs"]) == 1
    assert exported(here) == exported(there)


@pytest.mark.parametrize("removed_first", [True, False])
def test_of_files_that_one_command_takes_over_the_order_does_not_matter(
    removed_first: bool, here: Machine, there: Machine, tmp_path: Path
) -> None:
    files = [tmp_path / f"{name}.json" for name in ("there", "here")]
    there.told("bands", "forget", "at home", "--with-data", "--yes")
    for machine, file in zip((there, here), files, strict=True):
        file.write_text(json.dumps(exported(machine)))
    third = Machine(tmp_path / "third", NOW)
    given = [str(file) for file in (files if removed_first else files[::-1])]
    assert "Left out: 'desk-band', which was removed with its data." in third.told("import", "json", *given)
    assert exported(third)["bands"] == exported(third)["epochs"] == []


def test_what_was_removed_here_is_left_out_and_that_is_said(here: Machine, there: Machine) -> None:
    here.told("bands", "forget", "desk-band", "--with-data", "--yes")
    copy = copy_of(there)
    assert here.told("db", "merge", str(copy)) == (
        "no rows read.\n2 other entries, such as reminders, are new.\n"
        "Left out: 'at home', which was removed with its data.\n"
    )
    assert exported(here)["bands"] == []
    assert [each["answer"] for each in exported(here)["prompts"]] == ["done"], (
        "it was said to the person, not to a band"
    )


def test_rows_of_the_other_that_make_no_sense_stay_there(here: Machine, there: Machine) -> None:
    copy = copy_of(there)
    with closing(sqlite3.connect(copy)) as db:
        db.execute("UPDATE epochs SET steps = 'many' WHERE start < ?", (MONDAY.timestamp() + 60 * 80,))
        db.execute("UPDATE epochs SET start = start + 31536000 WHERE start = ?", (MONDAY.timestamp() + 60 * 89,))
        db.execute("UPDATE prompts SET exercise = 'hip\x1b[31m'")
        db.commit()
    assert here.told("db", "merge", str(copy)) == "9 rows read: 9 new.\n3 other entries, such as reminders, are new.\n"
    assert here.told("db", "check") == "Database OK.\n"


def test_two_databases_that_an_older_version_filled_from_each_other_can_join_their_bands(here: Machine) -> None:
    with Store.open(here.database) as store:
        twin = store.add_band(name="at home", driver="huami", address=ADDRESS, now=NOW).id
        other = store.add_band(name="other", driver="huami", address="C0:00:00:00:00:02", now=NOW)
        store.append(twin, [minute(70, 3)])
    assert "is paired" in here.refused("bands", "join", "other", "desk-band", "--yes", code=2)
    assert here.told("bands", "join", "at home", "desk-band", "--yes") == (
        "'at home' is now part of 'desk-band': 1 row were new there.\n"
    )
    assert [band["name"] for band in exported(here)["bands"]] == ["desk-band", other.name]
