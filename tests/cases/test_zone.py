"""A computer without a named zone, and `$TZ` in forms that are no name (cases 01 and 03)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hipsync.host import zone
from hipsync.model import MINUTE, Epoch
from hipsync.store import Store
from support.machine import Machine

RIGHT = Path("/usr/share/zoneinfo/right/Europe/Rome")
NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
COMMANDS = (
    ["today"], ["day", "2026-11-20"], ["week"], ["month"], ["status"], ["prompts"], ["bands"], ["pause", "1h"],
    ["export", "--output", "out.csv"], ["db", "check"], ["run"],
)  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path, NINE)
    with Store.open(machine.database) as store:
        band = store.add_band(name="a", driver="csv", now=NINE)
        store.append(band.id, [Epoch(NINE, MINUTE, 0), Epoch(NINE + MINUTE, MINUTE, 34)])
    machine.now = NINE + 2 * MINUTE
    return machine


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(zone, "ETC", tmp_path / "etc")
    monkeypatch.delenv("TZ", raising=False)
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc"


@pytest.mark.parametrize(
    ("tz", "until"),
    [
        ("CET-1CEST,M3.5.0,M10.5.0/3", "up to 10:02"),
        ("Antarctica/Troll", "up to 09:02"),
        ("US/East-Indiana", "up to 04:02"),
        ("UTC-3", "up to 12:02"),
        ("", "up to 09:02"),
    ],
)
def test_the_times_of_a_day_are_those_of_tz(machine: Machine, tz: str, until: str) -> None:
    assert machine.told("day", "2026-11-20", env={"TZ": tz}).splitlines()[0].endswith(f"a, {until}")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("kind", ["none", "dangling", "nonsense"])
def test_no_command_ends_in_a_traceback(
    machine: Machine, etc: Path, words: list[str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(machine.home)
    del machine.environment["TZ"]
    if kind == "dangling":
        (etc / "localtime").symlink_to("/usr/share/zoneinfo/Foo/Bar")
    done = machine.type(*words, env={"TZ": "nonsense"} if kind == "nonsense" else None)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    said = [line for line in done.stderr.splitlines() if line != "2 rows in out.csv"]
    assert len(said) <= 1 + (words == ["run"]), "one clear line"
    assert all(line.startswith("hipsync: ") for line in said)


@pytest.mark.skipif(not RIGHT.exists(), reason="no zones with leap seconds here")
def test_a_zone_with_leap_seconds_shows_the_minutes_of_one_without(machine: Machine) -> None:
    """In a process of its own: the C library counts leap seconds for the whole of it."""
    with machine.process("day", "2026-11-20", env={"TZ": "right/Europe/Rome"}) as day:
        out, err = day.communicate(timeout=60)
    assert (out.splitlines()[0].split()[-3:], err) == (["up", "to", "10:02"], "")


def test_utc_is_said_once_where_nothing_names_a_zone(machine: Machine, etc: Path) -> None:
    del machine.environment["TZ"]
    done = machine.type("day", "2026-11-20")
    assert (done.exit_code, etc.exists()) == (0, True)
    assert done.stderr == (
        "hipsync: nothing names this computer's time zone, so times are in UTC: set TZ or link /etc/localtime\n"
    )
    assert done.stdout.splitlines()[0].endswith("a, up to 09:02")


def test_a_link_to_no_zone_says_what_to_do(machine: Machine, etc: Path) -> None:
    del machine.environment["TZ"]
    (etc / "localtime").symlink_to("/usr/share/zoneinfo/Foo/Bar")
    said = machine.refused("day", "2026-11-20", code=2)
    assert said.endswith("names Foo/Bar: set TZ or link /etc/localtime, as in TZ=Europe/Rome")


@pytest.mark.parametrize(
    ("link", "tz", "said"),
    [
        (None, None, "set TZ or link /etc/localtime"),
        ("/usr/share/zoneinfo/Foo/Bar", None, "set TZ or link /etc/localtime"),
        (None, "nonsense", "TZ='nonsense' is not understood"),
    ],
)
def test_doctor_looks_at_the_zone(machine: Machine, etc: Path, link: str | None, tz: str | None, said: str) -> None:
    del machine.environment["TZ"]
    if link:
        (etc / "localtime").symlink_to(link)
    done = machine.type("doctor", env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/x", **({"TZ": tz} if tz else {})})
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("warn  clock")]
    assert said in line
