"""`hipsync fleet` as somebody types it, to a real Postgres and to none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hipsync.cli import hipsync
from hipsync.cli.app import App
from hipsync.errors import ConfigError
from hipsync.fleet.place import DEFAULTS, conninfo
from hipsync.model import MINUTE, Epoch
from hipsync.settings.config import Fleet
from hipsync.store import Store
from hipsync.store.identities import mark_of
from support.builders import MONDAY
from support.postgres import Postgres

NOTHING_ERASED = {"erased": 0, "elsewhere": 0, "rows_erased_here": 0}


def said(tmp_path: Path, dsn: str, *words: str, environment: dict[str, str] | None = None) -> Result:
    settings = tmp_path / "config.toml"
    settings.write_text(f'[fleet]\ndsn = "{dsn}"\n')
    settings.chmod(0o600)
    variables = {"PGSSLMODE": None, "PGCONNECT_TIMEOUT": None, "PGAPPNAME": None, **(environment or {})}
    arguments = ["--config", str(settings), "--db", str(tmp_path / "hipsync.db"), "fleet", *words]
    return CliRunner().invoke(hipsync, arguments, env=variables, obj=App())


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "hipsync.db") as store:
        band = store.add_band(name="wrist", driver="huami", now=MONDAY, address="C0:00:00:00:00:01")
        store.append(band.id, [Epoch(MONDAY, MINUTE, 5)])
        store.add_band(name="named", driver="csv", now=MONDAY)
    return tmp_path


def test_it_is_made_once_and_then_is_there(server: Postgres, tmp_path: Path) -> None:
    with server.owner() as db:
        db.execute("DROP SCHEMA IF EXISTS hipsync CASCADE")
    assert said(tmp_path, server.dsn(), "init").output == "The fleet's database is made.\n"
    again = said(tmp_path, server.dsn(), "init")
    assert (again.exit_code, again.output) == (0, "The fleet's database is there already, and as it should be.\n")


def test_a_gateway_ships_and_is_told_what_came_of_it(fleet: Postgres, heard: Path) -> None:
    first, again = (said(heard, fleet.dsn("ward_1"), "ship", "--json") for _ in range(2))
    assert json.loads(first.output) == {
        "version": 1,
        "there": 0,
        "new": 1,
        "changed": 0,
        "same": 0,
        "left_out": 1,
        **NOTHING_ERASED,
    }
    assert json.loads(again.output) == {
        "version": 1,
        "there": 1,
        "new": 0,
        "changed": 0,
        "same": 0,
        "left_out": 1,
        **NOTHING_ERASED,
    }
    assert "1 were there already." in said(heard, fleet.dsn("ward_1"), "ship").output


def test_a_band_of_another_site_is_told_and_holds_up_no_other(fleet: Postgres, heard: Path) -> None:
    with fleet.owner() as db:
        db.execute(
            "INSERT INTO hipsync.bands (mark, driver, vouches, reports_wear, site)"
            " VALUES (%s, 'huami', false, false, 'south')",
            [mark_of("huami", "C0:00:00:00:00:01")],
        )
    with Store.open(heard / "hipsync.db") as store:
        for number in (2, 3):
            band = store.add_band(name=f"n{number}", driver="huami", now=MONDAY, address=f"C0:00:00:00:00:0{number}")
            store.append(band.id, [Epoch(MONDAY, MINUTE, 5)])
    done = said(heard, fleet.dsn("ward_1"), "ship")
    assert (done.exit_code, "2 band-days are new there" in done.output) == (1, True), done.output
    assert "Not stored there: 1 band-day of bands of another site; forget those bands here" in done.output
    again = said(heard, fleet.dsn("ward_1"), "ship", "--json")
    assert (again.exit_code, json.loads(again.output)["elsewhere"], json.loads(again.output)["there"]) == (1, 1, 2)


def test_check_says_what_works(fleet: Postgres, tmp_path: Path) -> None:
    done = said(tmp_path, fleet.dsn("ward_1"), "check", "--json")
    found = {each["what"]: (each["verdict"], each["text"]) for each in json.loads(done.output)["findings"]}
    assert done.exit_code == 0
    assert {what: verdict for what, (verdict, _) in found.items()} == dict.fromkeys(
        ("server", "way", "schema", "login", "clock"), "fine"
    )
    assert found["server"][1].endswith("as ward_1")
    owner = said(tmp_path, fleet.dsn(), "check")
    assert (owner.exit_code, "a login of its own" in owner.output) == (0, True)


def test_check_says_what_does_not_work(fleet: Postgres, tmp_path: Path) -> None:
    done = said(tmp_path, fleet.dsn("stranger"), "check")
    assert done.exit_code == 1
    assert "hipsync fleet init" in done.output


def test_a_schema_of_another_version_is_refused(fleet: Postgres, heard: Path) -> None:
    with fleet.owner() as db:
        db.execute("UPDATE hipsync.version SET number = 99")
    for words in (["ship"], ["init"]):
        done = said(heard, fleet.dsn(), *words)
        assert (done.exit_code, "schema 99" in done.output) == (1, True)


@pytest.mark.parametrize(
    ("dsn", "says", "code"),
    [
        ("", "no fleet's database is named", 2),
        ("host=/nowhere/at/all dbname=x", "cannot be reached", 1),
        ("hots=db", "no connection string", 2),
        ("service=nothing-of-this-name", "not found", 1),
        ("host=db password=secret-horse", "must hold no password", 2),
        ("postgresql://anna:secret-horse@db/fleet", "must hold no password", 2),
    ],
)
def test_what_is_wrong_is_one_line_without_a_password(heard: Path, dsn: str, says: str, code: int) -> None:
    done = said(heard, dsn, "ship")
    assert (done.exit_code, done.output.count("\n")) == (code, 1), done.output
    assert says in done.output
    assert "secret" not in done.output


def test_the_server_has_to_prove_its_name_but_where_somebody_says_otherwise() -> None:
    environment: dict[str, str] = {}
    assert conninfo(Fleet("host=db"), environment) == "host=db"
    assert environment == DEFAULTS
    assert environment["PGSSLMODE"] == "verify-full"
    chosen = {"PGSERVICE": "fleet", "PGSSLMODE": "verify-ca"}
    assert conninfo(Fleet(), chosen) == ""
    assert chosen["PGSSLMODE"] == "verify-ca"


def test_nothing_is_connected_to_that_nobody_named() -> None:
    with pytest.raises(ConfigError, match=r"fleet\.dsn"):
        conninfo(Fleet(), {})
