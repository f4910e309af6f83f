"""`hipsync doctor`: what it finds, how bad that is, and what it says to do."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from hipsync.abilities import Abilities
from hipsync.host.lock import only_instance
from hipsync.model import MINUTE, Counter, Epoch
from hipsync.store import Store
from support.builders import MONDAY
from support.machine import Machine
from support.stored import NOW

NOWHERE = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
"""A computer without Bluetooth."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


def verdicts(machine: Machine, env: dict[str, str] | None = None) -> dict[str, tuple[str, str]]:
    nowhere = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
    done = machine.type("doctor", "--json", env={**nowhere, **(env or {})})
    assert done.exit_code == 1, "there is no Bluetooth here, and that is bad"
    return {row["what"]: (row["verdict"], row["text"]) for row in json.loads(done.stdout)["findings"]}


def test_doctor_says_what_is_missing_and_what_to_do(machine: Machine) -> None:
    told = verdicts(machine)
    assert told["bluetooth"][0] == "bad"
    assert told["settings"] == ("fine", "defaults")
    assert told["database"] == (
        "look", "none yet. `hipsync pair` makes it, and so does `hipsync import`"
    )  # fmt: skip
    assert told["clock"] == ("fine", "Mon 02 Mar 12:00, Europe/London")
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
    assert told["settings"] == (
        "bad",
        f"{machine.settings}: there is no table [siting]: do you mean sitting?; `hipsync config edit` opens them",
    )
    assert told["keys"] == (
        "bad", f"{machine.data / 'keys.json'} cannot be read: mend or remove it, and give the keys again"
    )  # fmt: skip
    (machine.data / "keys.json").write_text("{}")
    (machine.data / "keys.json").chmod(0o640)
    assert verdicts(machine)["keys"][0] == "look"
    (machine.data / "keys.json").chmod(0o660)
    assert verdicts(machine)["keys"] == (
        "bad", f"{machine.data / 'keys.json'} can be written by others: it could give a band another key; chmod 600 it"
    )  # fmt: skip
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
    assert told["desk-band"] == ("bad", "it has no key: `hipsync bands key desk-band --key-file FILE`")
    assert told["watch"] == ("fine", "synced Mon 02 Mar 12:00")
    assert told["ring"][0] == "look"
    assert told["ring"][1].startswith("last synced Mon 02 Mar 12:00, 2 attempts failed since: no connection")
    assert "\x1b" not in told["ring"][1]
    assert told["sensor"] == ("look", "never synced. `hipsync sync sensor`")
    assert told["stranger"][0] == "bad"
    assert "import" not in told


def test_doctor_names_the_command_that_a_watch_still_needs(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(machine.database) as store:
        band = store.add_band(name="watch", driver="garmin", now=NOW, address="C4:00:00:00:00:01")
        store.note_sync(band.id, NOW, NOW, 3, None)
    assert verdicts(machine)["watch"] == ("fine", "synced Mon 02 Mar 12:00")
    monkeypatch.setattr("hipsync_devices.garmin.is_available", lambda: False)
    monkeypatch.setattr("hipsync.cli.doctor.with_extra", "install {}".format)
    assert verdicts(machine)["watch"] == ("look", "its stored minutes need the extra garmin: `install garmin`")


def test_doctor_says_what_follows_if_a_band_gave_no_minutes_though_its_family_keeps_some(machine: Machine) -> None:
    with Store.open(machine.database) as store:
        watch = store.add_band(name="watch", driver="garmin", now=NOW, address="C4:00:00:00:00:01").id
        store.note_sync(watch, NOW, NOW, 0, None)
        store.note_abilities(watch, Abilities(live=True), family=Abilities())
        time = store.add_band(name="time", driver="infinitime", now=NOW, address="C0:01").id
        store.note_sync(time, NOW, NOW, 0, None)
    told = verdicts(machine)
    assert told["watch"] == ("look", "synced Mon 02 Mar 12:00, and gave no stored minutes: leave hipsync running")
    assert told["time"] == ("fine", "synced Mon 02 Mar 12:00")


def test_doctor_shows_a_contact_that_a_wrong_clock_dated(machine: Machine) -> None:
    wrong = NOW + timedelta(days=366)
    with Store.open(machine.database) as store:
        watch = store.add_band(name="watch", driver="infinitime", address="C0:01", now=NOW).id
        store.note_sync(watch, NOW, NOW, 0, None)
        store.note_sync(watch, wrong, wrong, 0, None)
    told = verdicts(machine)
    assert told["watch"] == ("fine", "synced Mon 02 Mar 12:00")
    assert told["clock"][0] == "look"
    assert told["clock"][1].startswith("watch: a contact is dated 2027-03-03 12:00, in the future")


def test_doctor_shows_what_a_live_band_sent_by_a_wrong_clock(machine: Machine) -> None:
    with Store.open(machine.database) as store:
        watch = store.add_band(name="watch", driver="infinitime", address="C0:01", now=NOW).id
        store.append(watch, [Counter(NOW + timedelta(days=366), 5)])
    done = machine.type("doctor")
    assert "the newest data are from 2027-03-03 12:00 UTC, in the future: set the clock" in done.stdout


def test_doctor_says_whether_anything_can_prompt(machine: Machine) -> None:
    no_bus = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={machine.home}/nobody"}
    told = verdicts(machine, no_bus)
    assert told["service"] == (
        "look", "not running, so no reminders. `hipsync service install`, or `hipsync run`"
    )  # fmt: skip
    assert told["notices"][0] == "look"
    assert told["notices"][1].startswith(
        "no notices here, because no notice server answers: reminders come on your band"
    )
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
    told_of = f"{machine.database} is not a database: give another file with --db FILE, or restore a copy"
    assert told["database"] == ("bad", told_of)
    assert told["clock"] == ("bad", "this host believes it is 1970-03-02: set its clock before bands are set by it")


def test_doctor_shows_what_this_computer_says_of_its_use(machine: Machine, tmp_path: Path) -> None:
    nobody = f"unix:path={tmp_path}/nobody"
    alone = {"DBUS_SESSION_BUS_ADDRESS": nobody, "DBUS_SYSTEM_BUS_ADDRESS": nobody, "DISPLAY": ""}

    def computer() -> list[str]:
        found = json.loads(machine.type("doctor", "--json", env=alone).stdout)["findings"]
        return [f"{each['verdict']}: {each['text']}" for each in found if each["what"] == "computer"]

    assert computer() == ["fine: does not show whether you are at it; your band alone decides"]
    machine.settings.parent.mkdir(parents=True, exist_ok=True)
    machine.settings.write_text('[sitting]\ndesk = "off"\n')
    machine.settings.chmod(0o600)
    assert computer() == ['fine: it is not asked whether it is used: sitting.desk is "off"']
    machine.settings.write_text("[sitting]\ndesk = 7\n")
    assert computer() == [], "the settings are wrong, and that is said"


def test_doctor_names_what_fails_first_and_one_next_step(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text("[sitting]\nlimit = 1\n")
    machine.settings.chmod(0o600)
    lines = machine.told("doctor", code=1, env=NOWHERE).splitlines()
    words = [line.split()[0] for line in lines if line and not line.startswith("Next")]
    assert words[0] == "fail"
    assert words == sorted(words, key=["fail", "warn", "ok"].index)
    assert lines[-1] == "Next step: `hipsync config edit`"
    machine.settings.unlink()
    assert machine.told("doctor", code=1, env=NOWHERE).splitlines()[-1] == (
        "Next step: `sudo systemctl start bluetooth`"
    ), "without Bluetooth no band can be paired"


def test_doctor_names_its_checks_as_people_do_and_keeps_columns(tmp_path: Path) -> None:
    machine = Machine(tmp_path, NOW)
    machine.band(name="Mi Smart Band 5")
    lines = machine.told("doctor", code=1, env=NOWHERE).splitlines()
    rows = [line for line in lines if line and not line.startswith("Next")]
    names = {line[6:23].rstrip() for line in rows}
    assert {"Bluetooth", "desktop", "this computer", "practice bands", "Mi Smart Band 5"} <= names
    assert {line[21:23] for line in rows} == {"  "}, "each text begins in the same column"
    assert "`hipsync bands key 'Mi Smart Band 5' --key-file FILE`" in "\n".join(rows)


def test_doctor_asks_for_no_key_of_a_practice_band(tmp_path: Path) -> None:
    machine = Machine(tmp_path, NOW)
    with Store.open(machine.database) as store:
        band = store.add_band(
            name="practice", driver="huami", address="C0:01", advertised_name="Mi Smart Band 5", simulated=True, now=NOW
        )
        store.note_sync(band.id, NOW, NOW, 1, None)
    told = {each["what"]: each for each in json.loads(machine.told("doctor", "--json", env=NOWHERE))["findings"]}
    assert told["practice"]["text"] == "synced Mon 02 Mar 12:00"


def test_doctor_needs_no_bluetooth_where_every_band_is_simulated(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    with Store.open(machine.database) as store:
        store.add_band(name="practice", driver="huami", address="C0:01", simulated=True, now=machine.now)
        store.add_band(name="a file", driver="csv", now=machine.now)
    found = {each["what"]: each["verdict"] for each in json.loads(machine.type("doctor", "--json").stdout)["findings"]}
    assert found["bluetooth"] == "fine"
    with Store.open(machine.database) as store:
        store.add_band(name="real", driver="huami", address="C0:02", now=machine.now)
    told = json.loads(machine.type("doctor", "--json").stdout)["findings"]
    assert next(each["text"] for each in told if each["what"] == "bluetooth") != "not needed"


def test_a_watch_that_was_paired_as_a_strap_is_told_so(machine: Machine) -> None:
    """docs/protocols/names.md: a Zepp watch that broadcasts was taken as a strap, while its family did not know it."""
    with Store.open(machine.database) as store:
        for number, name in enumerate(("Amazfit Balance", "Polar H10 12345678", "Amazfit Bip 6-1A2B")):
            store.add_band(
                name=name, driver="sig", address=f"C0:0{number}", advertised_name=name, now=NOW - timedelta(days=9)
            )
        store.add_band(name="mine", driver="huami", address="C0:09", advertised_name="Amazfit Bip 6", now=NOW)
    done = machine.type("doctor", "--json")
    found = [row for row in json.loads(done.stdout)["findings"] if "was paired as a sensor" in row["text"]]
    assert [(row["what"], row["verdict"]) for row in found] == [
        ("Amazfit Balance", "look"), ("Amazfit Bip 6-1A2B", "look")
    ]  # fmt: skip
    assert "`hipsync pair C0:00 --again` reads all of it, and its data stay" in found[0]["text"]
