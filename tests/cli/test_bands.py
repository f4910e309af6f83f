"""Bands on the command line: listed, renamed, forgotten; a simulated one paired and fetched; doctor, drivers."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hipsync.host.lock import only_instance
from hipsync.model import MINUTE, Charge, Epoch, Info
from hipsync.store import Store
from hipsync.store.keys import KeyFile
from support.builders import MONDAY, day
from support.machine import Machine
from support.stored import GOOD, NOW, SECOND

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
MARKER = "SERIAL-31337-XYZZY"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


def found(machine: Machine, *words: str, code: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(machine.told(*words, code=code))
    return told


def test_bands_are_listed_with_battery_firmware_and_last_sync(machine: Machine) -> None:
    held = machine.band()
    machine.band(name="new-band", address="C0:02")
    with Store.open(machine.database) as store:
        store.append(held, [Charge(NOW, 87), Info(NOW, firmware="V1.0\x1b[2J")])
        store.note_sync(held, NOW, NOW, 5, None)
        store.note_sync(held, NOW + MINUTE, NOW + MINUTE, 0, "out of reach")
    assert machine.told("bands") == (
        "desk-band           huami       battery 87 %   synced 02 Mar 12:00\n"
        "new-band            huami       battery ?      synced never\n"
    )
    row = {
        "name": "desk-band", "driver": "huami", "address": "C0:00", "simulated": False, "battery_percent": 87,
        "firmware": "V1.0\x1b[2J", "last_sync": "2026-03-02T12:00:00+00:00",
    }  # fmt: skip
    assert found(machine, "bands", "--json")["bands"][0] == row
    assert found(machine, "bands", "show", "desk-band", "--json")["band"] == row
    assert machine.told("bands", "show", "C0:00").splitlines() == [
        "name: desk-band", "driver: huami", "address: C0:00", "simulated: False", "battery percent: 87",
        "firmware: V1.0[2J", "last sync: 2026-03-02T12:00:00+00:00",
    ]  # fmt: skip


def test_a_band_is_renamed_with_its_key_and_its_data(machine: Machine) -> None:
    machine.band([Epoch(MONDAY, MINUTE, 5)])
    machine.band(name="taken", address="C0:02")
    KeyFile(machine.data / "keys.json").set("desk-band", KEY)
    assert machine.refused("bands", "rename", "desk-band", "taken", code=2) == (
        "there is a band 'taken' already: choose another name"
    )
    assert machine.told("bands", "rename", "desk-band", "left wrist") == "'desk-band' is now 'left wrist'.\n"
    assert json.loads((machine.data / "keys.json").read_text()) == {"left wrist": KEY.hex()}
    assert found(machine, "today", "--json", "--band", "left wrist")["steps"] == 5


def test_a_band_s_key_is_given_by_a_file_and_a_file_that_others_read_is_warned_of(machine: Machine) -> None:
    machine.band()
    file = machine.home / "key"
    file.write_text("0x00112233445566778899AABBCCDDEEFF\n")
    file.chmod(0o644)
    done = machine.type("bands", "key", "desk-band", "--key-file", str(file))
    assert (done.exit_code, done.stdout) == (0, "The key is kept.\n")
    assert done.stderr == f"hipsync: {file} can be read by others: chmod 600 it, for who has the key has the band\n"
    kept = machine.data / "keys.json"
    assert json.loads(kept.read_text()) == {"desk-band": KEY.hex()}
    assert kept.stat().st_mode & 0o777 == 0o600


def holders(machine: Machine) -> list[str]:
    return [name for name in machine.files() if MARKER.encode() in (machine.home / name).read_bytes()]


def test_a_band_forgotten_with_its_data_is_nowhere_any_more(machine: Machine) -> None:
    held = machine.band(name="mine")
    machine.band([Epoch(MONDAY, MINUTE, 5)], name="other", address="C0:02")
    machine.now = NOW
    with Store.open(machine.database) as store:
        store.append(held, [*GOOD, Info(NOW + SECOND, serial=MARKER)])
    keys = KeyFile(machine.data / "keys.json")
    keys.set("mine", KEY)
    keys.set("other", KEY[::-1])
    copy = machine.told("db", "backup").strip()
    machine.told("bands", "rename", "mine", "renamed")
    assert holders(machine) == ["data/hipsync/backups/hipsync-20260302T120000.db", "data/hipsync/hipsync.db"]
    assert machine.told("bands", "forget", "renamed", "--with-data", "--yes") == (
        "'renamed' is forgotten with its data.\n"
    )
    assert holders(machine) == []
    assert json.loads((machine.data / "keys.json").read_text()) == {"other": KEY[::-1].hex()}
    for database in (str(machine.database), copy):
        told = json.loads(machine.told("--db", database, "bands", "--json"))
        assert [band["name"] for band in told["bands"]] == ["other"]
        assert machine.told("--db", database, "db", "check") == "No damage found.\n"
    assert found(machine, "today", "--json")["steps"] == 5


def test_a_band_forgotten_without_its_data_is_still_in_the_day(machine: Machine) -> None:
    machine.band([Epoch(MONDAY, MINUTE, 5)])
    KeyFile(machine.data / "keys.json").set("desk-band", KEY)
    assert machine.told("bands", "forget", "desk-band", "--yes") == "'desk-band' is forgotten; its data are kept.\n"
    assert json.loads((machine.data / "keys.json").read_text()) == {}
    assert found(machine, "today", "--json")["steps"] == 5
    assert machine.refused("sync", code=2) == "no band is paired yet: `hipsync pair` does that"


def test_forgetting_asks_first(machine: Machine) -> None:
    machine.band()
    assert machine.type("bands", "forget", "desk-band", "--with-data", stdin="\n").exit_code == 1
    assert found(machine, "bands", "--json")["bands"][0]["address"] == "C0:00"


def test_a_name_that_steers_a_terminal_reaches_none(machine: Machine) -> None:
    evil = "\x1b]0;owned\x07\x9b2Jband\u202e\r\n"
    machine.band(day("7h sleep, 1h walk, 70m sit"), name=evil)
    for words in (["bands"], ["status"], ["today"], ["today", "--plain"], ["export"], ["today", "--json"]):
        told = machine.told(*words)
        assert "]0;owned2Jband" in told or words == ["status", "--json"]
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(told)
    with machine.process("sync", evil, env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}) as process:
        out, error = process.communicate()
    assert process.returncode == 2
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(out + error)


# ------------------------------------------------------------------ a simulated band


@pytest.mark.ring
def test_a_simulated_band_is_paired_fetched_and_fetched_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    with machine.process("pair", "--simulate", "huami", "--name", "left") as process:
        out, error = process.communicate()
    assert (process.returncode, error) == (0, ""), out
    assert "The band is called 'left'." in out
    assert "It should have buzzed just now." in out
    assert machine.files() == ["data/hipsync/hipsync.db", "data/hipsync/keys.json"]
    (row,) = found(machine, "bands", "--json")["bands"]
    assert (row["name"], row["simulated"], row["battery_percent"]) == ("left", True, 87)
    with Store.read(machine.database) as store:
        before = len(list(store.all_epochs(None, None)))
    assert before > 6 * 24 * 60
    with machine.process("sync", "left") as process:
        out, error = process.communicate()
    assert (process.returncode, error) == (0, ""), out
    assert out.startswith("left: ")
    assert machine.refused("pair", code=2).startswith("a simulated band is not kept beside a real one")


def test_two_simulated_bands_of_different_kinds_are_paired_and_one_of_a_kind(machine: Machine) -> None:
    for kind in ("infinitime", "lefun"):
        assert machine.type("pair", "--simulate", kind, "--name", kind).exit_code == 0
    assert machine.refused("pair", "--simulate", "lefun", code=2).startswith("C0:00:00:00:00:02 is paired already")
    with Store.read(machine.database) as store:
        assert [(band.name, band.address) for band in store.bands()] == [
            ("infinitime", "C0:00:00:00:00:01"),
            ("lefun", "C0:00:00:00:00:02"),
        ]


# ------------------------------------------------------------------ drivers, doctor


def test_drivers_are_listed_with_what_they_can_do(machine: Machine) -> None:
    told = {row["key"]: row for row in found(machine, "drivers", "--json")["drivers"]}
    assert {"huami", "infinitime"} <= told.keys()
    assert told["huami"]["abilities"]["history_minutes"] == 1
    assert told["infinitime"]["abilities"]["history_minutes"] is None
    assert told["infinitime"]["abilities"]["live"] is True
    listed = machine.told("drivers")
    assert "infinitime    " in listed
    assert max(len(line) for line in listed.splitlines()) <= 80
    assert "keeps history, 10 min a slot; live, buzz" in listed
    assert all(row["proof"]["level"] in {"recorded", "firmware", "published"} for row in told.values())
    assert told["huami"]["proof"]["vectors"]["recorded"] > 10


def verdicts(machine: Machine, env: dict[str, str] | None = None) -> dict[str, tuple[str, str]]:
    nowhere = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
    done = machine.type("doctor", "--json", env={**nowhere, **(env or {})})
    assert done.exit_code == 1, "there is no Bluetooth here, and that is bad"
    return {row["what"]: (row["verdict"], row["text"]) for row in json.loads(done.stdout)["findings"]}


def test_doctor_says_what_is_missing_and_what_to_do(machine: Machine) -> None:
    told = verdicts(machine)
    assert told["bluetooth"][0] == "bad"
    assert told["settings"] == ("fine", "the defaults (no file)")
    assert told["database"] == (
        "look", f"none yet at {machine.database}: `hipsync pair` or `hipsync import csv` makes it"
    )  # fmt: skip
    assert told["clock"] == ("fine", "2026-03-02 12:00 UTC, zone Europe/London")
    assert machine.files() == []


def test_doctor_finds_what_is_wrong(machine: Machine) -> None:
    machine.band([Epoch(NOW + timedelta(hours=3), MINUTE, 5)])
    machine.now = NOW
    machine.database.chmod(0o644)
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text("[siting]\n")
    (machine.data / "keys.json").write_text("{")
    told = verdicts(machine)
    assert told["permissions"] == ("look", f"others may read {machine.database}: chmod 600 it")
    assert told["settings"] == ("bad", f"{machine.settings}: there is no table [siting]: do you mean sitting?")
    assert told["keys"] == (
        "bad", f"{machine.data / 'keys.json'} cannot be read: mend or remove it, and give the keys again"
    )  # fmt: skip
    (machine.data / "keys.json").write_text("{}")
    (machine.data / "keys.json").chmod(0o640)
    assert verdicts(machine)["keys"][0] == "look"
    text = machine.type("doctor").stdout
    assert "the newest data are from 2026-03-02 15:01 UTC, in the future: set the clock" in text


def test_doctor_says_how_it_stands_with_each_band(machine: Machine) -> None:
    machine.band([Epoch(NOW, MINUTE, 5)])
    machine.now = NOW + timedelta(hours=3)
    with Store.open(machine.database) as store:
        fetched = store.add_band(name="watch", driver="infinitime", address="C0:01", now=NOW).id
        store.note_sync(fetched, NOW, NOW, 0, None)
        lost = store.add_band(name="ring", driver="colmi", address="C0:02", now=NOW).id
        store.note_sync(lost, NOW, NOW, 0, None)
        store.note_sync(lost, NOW + MINUTE, NOW + MINUTE, 0, "no connection\x1b[2J")
        store.note_sync(lost, NOW + 3 * MINUTE, NOW + 3 * MINUTE, 0, "no connection\x1b[2J")
        store.add_band(name="sensor", driver="sig", address="C0:03", now=NOW)
        store.add_band(name="stranger", driver="unheard-of", address="C0:04", now=NOW)
        store.add_band(name="import", driver="csv", now=NOW)
    told = verdicts(machine)
    assert told["desk-band"] == ("bad", "it has no key: `hipsync bands key desk-band`")
    assert told["watch"] == ("fine", "last reached Mon 02 Mar 12:00")
    assert told["ring"][0] == "look"
    assert told["ring"][1].startswith("last reached Mon 02 Mar 12:00, 2 attempts failed since: no connection")
    assert "\x1b" not in told["ring"][1]
    assert told["sensor"] == ("look", "it was never fetched: `hipsync sync sensor`")
    assert told["stranger"][0] == "bad"
    assert "import" not in told


def test_doctor_says_whether_anything_can_prompt(machine: Machine) -> None:
    no_bus = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={machine.home}/nobody"}
    told = verdicts(machine, no_bus)
    assert told["service"] == (
        "look", "it does not run, so nothing prompts: `hipsync service install`, or `hipsync run`"
    )  # fmt: skip
    assert told["notices"][0] == "look"
    assert told["notices"][1].startswith("no notice server answers (")
    unit = machine.home / "config" / "systemd" / "user" / "hipsync.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Unit]")
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text("[prompts]\ndesktop = false\n")
    told = verdicts(machine, no_bus)
    assert told["service"] == ("bad", f"installed ({unit}), and does not run: `hipsync service start`, then `logs`")
    assert told["notices"] == ("fine", "switched off (prompts.desktop)")
    machine.data.mkdir(parents=True)
    with only_instance(machine.database):
        assert verdicts(machine, no_bus)["service"] == ("fine", "it runs")


def test_doctor_knows_a_damaged_database_and_a_clock_that_was_never_set(machine: Machine) -> None:
    machine.data.mkdir(parents=True)
    machine.database.write_text("dear diary\n" * 100)
    machine.now = MONDAY.replace(year=1970)
    told = verdicts(machine)
    assert told["database"] == ("bad", f"{machine.database} is not a database: give another file with --db FILE")
    assert told["clock"] == ("bad", "this host believes it is 1970-03-02: set its clock before bands are set by it")
