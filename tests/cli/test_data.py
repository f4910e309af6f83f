"""`import`, `export`, `db`, `config`: a user's data go in and out whole, or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hipsync.store import Store
from support.machine import Machine
from support.stored import NOW, minute
from support.terminal import typed

TWO = "timestamp,steps,band\n2026-03-02T00:00Z,1,left\n2026-03-02T00:00Z,2,right\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


def file(machine: Machine, content: str | bytes, name: str = "rows.csv") -> str:
    path = machine.home / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def steps(machine: Machine) -> dict[str, int]:
    with Store.read(machine.database) as store:
        return {name: epoch.steps for name, epoch in store.all_epochs(None, None)}


def test_an_import_says_what_came_and_a_second_one_brings_nothing(machine: Machine) -> None:
    rows = file(machine, TWO)
    assert machine.told("import", "csv", rows) == "2 lines read: 2 new.\n"
    assert machine.told("import", "csv", rows) == "2 lines read: 0 new, 2 already stored.\n"
    assert steps(machine) == {"left": 1, "right": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty: its first line must name columns, at least timestamp,steps; nothing was imported"),
        (TWO + "2026-03-02T00:01Z,-1,left\n", "line 4: steps '-1' is not a whole number from 0 to 300; nothing was"),
        (TWO + "2026-03-02T00:01Z,1,le", "line 4 does not end, nor does its last cell: the file was cut off while"),
        (TWO + "2026-03-02T00:00Z,3,right\n", "line 4 contradicts line 3, which is about the same time: remove one"),
        (TWO.encode("utf-16")[:-1], "the file is not text in UTF-16: export it as UTF-8; nothing was imported"),
        (TWO + "2026-03-02T00:01,1,left\n", "line 4: '2026-03-02T00:01' has no offset from UTC: add one, or say --z"),
        (TWO + "2026-03-02T00:01Z,1,\x1b[2J\n", "line 4: band '\\x1b[2J' is too long, or holds characters that cann"),
    ],
)
def test_a_refused_import_leaves_no_band_and_on_a_new_machine_no_database(
    machine: Machine, content: str | bytes, said: str
) -> None:
    rows = file(machine, content)
    line = machine.refused("import", "csv", rows, code=1)
    assert line.startswith(f"{rows}: {said}")
    assert line.count("nothing was imported") == 1
    assert machine.files() == ["rows.csv"]
    machine.band(name="there")
    machine.refused("import", "csv", rows, code=1)
    with Store.read(machine.database) as store:
        assert [band.name for band in store.bands()] == ["there"]


def test_an_import_that_the_database_refuses_leaves_nothing_of_its_other_bands(machine: Machine) -> None:
    machine.band(name="right")
    assert machine.refused("import", "csv", file(machine, TWO), code=1) == (
        "the band 'right' is not one of an import: give another name with --band"
    )
    with Store.read(machine.database) as store:
        assert [band.name for band in store.bands()] == ["right"]
    assert steps(machine) == {}


@pytest.mark.parametrize(("name", "why"), [("none.csv", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_one_line(machine: Machine, name: str, why: str) -> None:
    path = machine.home / name
    assert machine.refused("import", "csv", str(path), code=1) == f"{path} cannot be read: {why}"
    assert machine.files() == []


def test_local_times_are_those_of_the_zone(machine: Machine) -> None:
    machine.now = datetime(2026, 7, 1, 12, tzinfo=UTC)
    rows = file(machine, "timestamp,steps\n2026-07-01T09:00,7\n")
    assert machine.told("import", "csv", rows, "--zone", "Europe/London", "--band", "mine")
    assert machine.told("export") == (
        "timestamp,steps,length,intensity,heart_rate,kind,inferred,band\n2026-07-01T08:00:00+00:00,7,60,,,,,mine\n"
    )


IN_DOUBT = "Date;Time;Steps\r\n4/12/2016;9:00;5\r\n5/12/2016;9:01;6\r\n"


def test_dates_of_which_nothing_tells_the_order_are_asked_about_on_a_terminal(machine: Machine) -> None:
    rows = file(machine, IN_DOUBT)
    code, shown = typed(machine, "import", "csv", rows, "--zone", "Europe/London", answers={"(1, 2):": "2\n"})
    assert code == 0
    assert "Is 4/12/2016 (1) the 12th of April or (2) the 4th of December?\nWhich one? (1, 2): 2\n" in shown
    assert shown.endswith("2 lines read: 2 new.\n")
    assert "2016-12-04T09:00:00+00:00,5," in machine.told("export")


def test_elsewhere_the_option_is_named_and_takes_the_place_of_the_question(machine: Machine) -> None:
    rows = file(machine, IN_DOUBT)
    assert machine.refused("import", "csv", rows, "--zone", "Europe/London", code=1) == (
        f"{rows}: 4/12/2016 may be the 12th of April (then add --dates mdy) or the 4th of December (--dates dmy);"
        " nothing was imported"
    )
    assert machine.files() == ["rows.csv"]
    words = ["import", "csv", "-", "--zone", "Europe/London", "--dates", "mdy"]
    assert machine.type(*words, stdin=IN_DOUBT).stdout == "2 lines read: 2 new.\n"
    assert "2016-04-12T08:00:00+00:00,5," in machine.told("export")


def test_a_last_line_without_an_end_is_taken_with_a_word_about_it(machine: Machine) -> None:
    assert machine.told("import", "csv", file(machine, TWO[:-1])) == (
        "2 lines read: 2 new.\n"
        "The last line has no end. If the file was cut off while it was written, import all of it once more.\n"
    )
    assert machine.told("import", "csv", file(machine, TWO)) == "2 lines read: 0 new, 2 already stored.\n"


def test_a_posture_of_a_file_counts_from_when_it_is_trusted(machine: Machine) -> None:
    """Of 20 still minutes they stood in the 10 first; a band that says states vouches for them."""
    words = ["standing"] * 10 + ["lying"] * 10
    lines = [f"2026-03-01T09:{at:02}Z,0,,{word}\n" for at, word in enumerate(words)]
    machine.told("import", "csv", file(machine, "timestamp,steps,state,posture\n" + "".join(lines)))
    for trusted, standing in ((False, 0), (True, 10), (False, 0)):
        machine.told("config", "set", "sitting.trust_posture", str(trusted).lower())
        for _ in range(2):  # judged, and from the table of judged days
            day = json.loads(machine.told("week", "2026-03-01", "--json"))["days"][-1]
            assert (day["minutes"]["standing"], day["minutes"]["sitting"]) == (standing, 20 - standing)


def test_what_is_exported_can_be_imported_on_another_machine(machine: Machine, tmp_path: Path) -> None:
    machine.band([minute(at, at % 200, heart_rate=60 + at % 5) for at in range(500)], name="caf\u00e9")
    out = machine.home / "out.csv"
    done = machine.type("export", "-o", str(out))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"500 rows in {out}\n")
    other = Machine(tmp_path / "other", NOW)
    assert other.told("import", "csv", str(out)) == "500 lines read: 500 new.\n"
    assert other.told("export") == machine.told("export") == out.read_text("utf-8")


def test_an_export_is_of_the_days_that_were_asked_for(machine: Machine) -> None:
    machine.band([minute(0, 1), minute(24 * 60, 2), minute(48 * 60, 3)])
    told = machine.told("export", "--since", "2026-03-03", "--until", "2026-03-04", "--format", "json")
    assert [row["steps"] for row in json.loads(told)["epochs"]] == [2]
    assert machine.told("export", "--since", "2027-01-01", code=3).count("\n") == 1


def test_an_export_that_cannot_be_written_is_one_line(machine: Machine) -> None:
    machine.band([minute(0)])
    path = machine.home / "none" / "out.csv"
    assert machine.refused("export", "-o", str(path), code=1) == (
        f"{path} cannot be written: No such file or directory; name another file with -o"
    )
