"""`hipsync bands`: listed, renamed, given another key, forgotten."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hipsync.abilities import Abilities
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
        "desk-band  huami  battery 87 %  synced 02 Mar 12:00\nnew-band   huami  battery -     synced never\n"
    )
    row = {
        "name": "desk-band", "driver": "huami", "address": "C0:00", "simulated": False, "battery_percent": 87,
        "firmware": "V1.0\x1b[2J", "last_sync": "2026-03-02T12:00:00+00:00",
    }  # fmt: skip
    assert found(machine, "bands", "--json")["bands"][0] == row
    assert found(machine, "bands", "show", "desk-band", "--json")["band"] == row
    assert machine.told("bands", "show", "C0:00").splitlines() == [
        "  Name      desk-band", "  Family    huami", "  Address   C0:00", "  Battery   87 %",
        "  Firmware  V1.0[2J", "  Synced    Mon 02 Mar 2026, 12:00",
        ("  Does      Keeps every minute, counts live while connected. Reminders on the wrist, "
        "in words. Reports wear, sleep, heart rate and battery."),
    ]  # fmt: skip


def test_what_a_band_itself_has_shown_is_told_and_not_what_others_of_its_family_do(machine: Machine) -> None:
    with Store.open(machine.database) as store:
        watch = store.add_band(name="watch", driver="garmin", now=NOW, address="C4:00:00:00:00:01").id
        store.note_abilities(watch, Abilities(live=True, buzz=True), family=Abilities())
        store.add_band(name="a file", driver="csv", now=NOW)
    assert machine.told("bands", "show", "watch").splitlines()[-1] == (
        "  Does      Keeps nothing, counts live while connected. Reminders on the wrist."
    )
    assert "Does" not in machine.told("bands", "show", "a file")


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


@pytest.mark.skipif(os.name != "posix", reason="modes as POSIX has them")
def test_a_file_of_keys_that_others_can_write_is_refused_before_anything_is_changed(machine: Machine) -> None:
    machine.band()
    kept = machine.data / "keys.json"
    KeyFile(kept).set("desk-band", KEY)
    kept.chmod(0o666)
    for words in (("rename", "desk-band", "left"), ("forget", "desk-band", "--yes")):
        assert machine.refused("bands", *words, code=2) == (
            f"{kept} can be written by others: it could give a band another key; chmod 600 it"
        )
    assert found(machine, "bands", "--json")["bands"][0]["name"] == "desk-band"


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
        "'renamed' is removed with its data.\n"
    )
    assert holders(machine) == []
    assert json.loads((machine.data / "keys.json").read_text()) == {"other": KEY[::-1].hex()}
    for database in (str(machine.database), copy):
        told = json.loads(machine.told("--db", database, "bands", "--json"))
        assert [band["name"] for band in told["bands"]] == ["other"]
        assert machine.told("--db", database, "db", "check") == "Database OK.\n"
    assert found(machine, "today", "--json")["steps"] == 5


def test_a_band_forgotten_without_its_data_is_still_in_the_day(machine: Machine) -> None:
    machine.band([Epoch(MONDAY, MINUTE, 5)])
    KeyFile(machine.data / "keys.json").set("desk-band", KEY)
    assert (
        machine.told("bands", "forget", "desk-band", "--yes")
        == "'desk-band' is removed. Its data stay; `--with-data` deletes them too.\n"
    )
    assert json.loads((machine.data / "keys.json").read_text()) == {}
    assert found(machine, "today", "--json")["steps"] == 5
    assert (
        machine.refused("sync", code=2)
        == "no band yet: `hipsync pair` adds your band, `hipsync demo` shows how it works"
    )


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


def test_a_forgotten_band_is_forgotten_with_what_it_handed_over_and_with_a_bond_that_hipsync_made(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped: list[str] = []

    async def drop_bond(address: str) -> bool:
        dropped.append(address)
        return True

    monkeypatch.setattr("hipsync.radio.bluez.drop_bond", drop_bond)
    keys = KeyFile(machine.data / "keys.json")
    for name, address in (("ours", "C0:01"), ("theirs", "C0:02")):
        machine.band(name=name, address=address)
        keys.keep("huami", address, b"a token")
    keys.note_bond("huami", "C0:01")
    for name in ("ours", "theirs"):
        machine.told("bands", "forget", name, "--yes")
    assert dropped == ["C0:01"]
    assert json.loads((machine.data / "secrets.json").read_text()) == {}


def test_a_key_that_a_person_gives_takes_the_place_of_what_the_band_handed_over(machine: Machine) -> None:
    machine.band(address="C0:01")
    keys, file = KeyFile(machine.data / "keys.json"), machine.home / "key"
    keys.keep("huami", "C0:01", b"a token")
    file.write_text(KEY.hex())
    file.chmod(0o600)
    machine.told("bands", "key", "desk-band", "--key-file", str(file))
    with Store.read(machine.database) as store:
        assert keys.secret(store.bands()[0]) == KEY
