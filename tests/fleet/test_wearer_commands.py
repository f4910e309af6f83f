"""The commands that say who takes part and who wears what, and that judge, as a person calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hipsync.cli import hipsync
from hipsync.cli.app import App
from hipsync.model import MINUTE, Epoch
from hipsync.store import Store
from support.builders import MONDAY
from support.postgres import Postgres


def said(folder: Path, fleet: Postgres, *words: str, login: str = "owner") -> Result:
    settings = folder / "config.toml"
    settings.write_text(f'[fleet]\ndsn = "{fleet.dsn(login)}"\n')
    settings.chmod(0o600)
    arguments = ["--config", str(settings), "--db", str(folder / "hipsync.db"), "fleet", *words]
    variables = {"PGSSLMODE": None, "PGCONNECT_TIMEOUT": None, "PGAPPNAME": None}
    return CliRunner().invoke(hipsync, arguments, env=variables, obj=App())


@pytest.fixture
def here(fleet: Postgres, tmp_path: Path) -> Path:
    """The folder of a gateway that has shipped a day of one band."""
    with Store.open(tmp_path / "hipsync.db") as store:
        band = store.add_band(name="mi", driver="huami", now=MONDAY, address="C0:00:00:00:00:01", vouches=True)
        store.append(band.id, [Epoch(MONDAY + at * MINUTE, MINUTE, 0) for at in range(600, 720)])
        store.add_band(name="simulated", driver="huami", now=MONDAY, simulated=True)
    assert said(tmp_path, fleet, "ship", login="ward_1").exit_code == 0
    return tmp_path


def test_from_a_band_to_a_judged_day(fleet: Postgres, here: Path) -> None:
    assert said(here, fleet, "wearer", "add", "P-014", "--zone", "Europe/London", "--limit", "45m").exit_code == 0
    done = said(here, fleet, "hand", "mi", "P-014", "--since", "2026-01-01")
    assert (done.exit_code, done.output.endswith("from 2026-01-01 00:00 on.\n")) == (0, True), done.output
    judged = said(here, fleet, "judge", "--processes", "2", "--json")
    assert json.loads(judged.output) == {"version": 1, "days": 1, "wearers": 1, "left": 0}
    assert said(here, fleet, "judge").output == "Judged 0 days of 0 wearers.\n"
    with fleet.owner() as db:
        row = db.execute(
            "SELECT day::text, sitting, limit_minutes, over_limit, complete FROM hipsync.judged"
        ).fetchone()
    assert row == ("2026-03-02", 120, 45, 1, True)
    (wearer,) = json.loads(said(here, fleet, "wearer", "list", "--json").output)["wearers"]
    assert (wearer["pseudonym"], wearer["zone"], wearer["limit_minutes"], len(wearer["bands"])) == (
        "P-014", "Europe/London", 45, 1,
    )  # fmt: skip
    listed = said(here, fleet, "wearer", "list").output
    assert wearer["bands"][0][:12] in listed
    assert "C0:00" not in listed


def test_a_band_is_handed_on_by_its_address_or_its_mark_and_taken_back(fleet: Postgres, here: Path) -> None:
    for pseudonym in ("P-1", "P-2"):
        said(here, fleet, "wearer", "add", pseudonym, "--zone", "Europe/London")
    said(here, fleet, "hand", "c0:00:00:00:00:01", "P-1", "--since", "2026-01-01")
    with fleet.owner() as db:
        ((mark,),) = db.execute("SELECT mark FROM hipsync.bands").fetchall()
    on = said(here, fleet, "hand", mark[:8], "P-2", "--since", "2026-07-02T14:30")
    assert "from 2026-07-02 14:30 on, and P-1 wore it until then" in on.output
    early = said(here, fleet, "hand", "mi", "P-1", "--since", "2026-05-01")
    assert (early.exit_code, "from a later time on" in early.output) == (2, True), early.output
    assert said(here, fleet, "hand", "mi", "--back", "--since", "2026-08-01").exit_code == 0
    with fleet.owner() as db:
        rows = db.execute(
            "SELECT pseudonym, (since AT TIME ZONE 'UTC')::text, (until AT TIME ZONE 'UTC')::date::text"
            " FROM hipsync.worn JOIN hipsync.wearers AS p ON p.id = wearer ORDER BY since"
        ).fetchall()
    assert rows[0] == ("P-1", "2026-01-01 00:00:00", "2026-07-02")
    assert rows[1][:2] == ("P-2", "2026-07-02 13:30:00")
    again = said(here, fleet, "hand", "mi", "--back", "--since", "2026-09-01")
    assert (again.exit_code, "nobody wears band" in again.output) == (2, True)


def test_who_has_left_wears_nothing_any_more(fleet: Postgres, here: Path) -> None:
    said(here, fleet, "wearer", "add", "P-1", "--zone", "America/New_York")
    said(here, fleet, "hand", "mi", "P-1", "--since", "2026-01-01")
    assert said(here, fleet, "wearer", "change", "P-1", "--left", "2026-05-01").exit_code == 0
    with fleet.owner() as db:
        rows = db.execute("SELECT (until AT TIME ZONE 'UTC')::text FROM hipsync.worn").fetchall()
    assert rows == [("2026-05-01 04:00:00",)]
    again = said(here, fleet, "hand", "mi", "P-1", "--since", "2026-06-01")
    assert (again.exit_code, "takes part no more by then" in again.output) == (2, True), again.output
    assert said(here, fleet, "wearer", "change", "P-1", "--left", "2025-05-01").exit_code == 0
    with fleet.owner() as db:
        assert db.execute("SELECT count(*) FROM hipsync.worn").fetchone() == (0,)


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        (["wearer", "add", "P 1"], "is no pseudonym", 2),
        (["wearer", "add", "<b>", "--zone", "UTC"], "is no pseudonym", 2),
        (["wearer", "add", "P-0"], "already", 2),
        (["wearer", "add", "P-3", "--zone", "Europe/Lodon"], "did you mean Europe/London", 2),
        (["wearer", "add", "P-3", "--limit", "5m"], "--limit 5m: must lie between 10m and 240m", 2),
        (["wearer", "change", "P-9", "--limit", "30m"], "no wearer 'P-9'", 2),
        (["wearer", "change", "P-0"], "nothing is to be changed", 2),
        (["wearer", "change", "P-0", "--treated", "soon"], "not a date", 2),
        (["hand", "mi", "P-9"], "no wearer 'P-9'", 2),
        (["hand", "mi"], "name the wearer", 2),
        (["hand", "mi", "P-0", "--back"], "name the wearer", 2),
        (["hand", "simulated", "P-0"], "neither a band of this computer", 2),
        (["hand", "abcdef0", "P-0"], "no band abcdef0", 2),
        (["hand", "mi", "P-0", "--since", "2026-03-02T99:00"], "is no time", 2),
        (["hand", "mi", "P-0", "--since", "2026-03-02", "--until", "2026-03-01"], "ends after its begin", 2),
        (["judge", "--processes", "0"], "0 is not in the range", 2),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(fleet: Postgres, here: Path, words: list[str], says: str, code: int) -> None:
    said(here, fleet, "wearer", "add", "P-0", "--zone", "UTC")
    done = said(here, fleet, *words)
    assert (done.exit_code, says in done.output) == (code, True), done.output
    assert done.output.startswith(("hipsync: ", "Usage:"))
    with fleet.owner() as db:
        assert db.execute("SELECT count(*) FROM hipsync.worn").fetchone() == (0,)
        assert db.execute("SELECT pseudonym, limit_minutes FROM hipsync.wearers").fetchall() == [("P-0", 60)]


def test_who_may_not_is_told_so(fleet: Postgres, here: Path) -> None:
    done = said(here, fleet, "judge", login="ward_1")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert 'may not judge: the owner of the database says `GRANT hipsync_judge TO "ward_1"`' in done.output
    for words in (["wearer", "list"], ["wearer", "add", "P-1"], ["hand", "mi", "P-1"]):
        done = said(here, fleet, *words, login="ward_1")
        assert (done.exit_code, "does not allow" in done.output) == (1, True), done.output
