"""The commands with Bluetooth proxies: what people read of them, and what a service that runs does with its own."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.cli.app import system_now
from hipsync.model import Epoch
from hipsync.office_day import office_days
from hipsync.registry import simulator
from hipsync.simulated import SimulatedBand
from hipsync.store import Store
from support.house_thread import HouseThread, house_thread
from support.machine import Machine
from support.plain_band import FIRST, SECOND_BAND
from support.proxy import KEY, PASSIVE

pytestmark = pytest.mark.enable_socket

NOWHERE = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}


def band(kind: str = "lefun") -> SimulatedBand:
    now = system_now()
    life = office_days(now.date() - timedelta(days=1), 3, ZoneInfo("UTC"))
    return simulator(kind)(life, now=now, zone=ZoneInfo("UTC"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path / "home", datetime.now(UTC))  # noqa: TID251  the bands live in real time
    found.data.mkdir(mode=0o700, parents=True)
    (found.home / "run").mkdir(mode=0o700)
    return found


def set_up(machine: Machine, settings: str) -> None:
    machine.settings.parent.mkdir(parents=True, exist_ok=True)
    machine.settings.write_text(settings)
    machine.settings.chmod(0o600)


@pytest.fixture
def home(machine: Machine) -> Generator[HouseThread]:
    with house_thread([band()]) as house:
        set_up(machine, house.settings())
        yield house


def findings(machine: Machine) -> dict[str, list[tuple[str, str]]]:
    """What doctor says of proxies and of Bluetooth."""
    found: dict[str, list[tuple[str, str]]] = {}
    for each in json.loads(machine.type("doctor", "--json", env=NOWHERE).stdout)["findings"]:
        if each["what"].startswith(("proxy", "proxies", "bluetooth")):
            found.setdefault(each["what"], []).append((each["verdict"], each["text"]))
    return found


def until(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_band_in_another_room_is_scanned_paired_and_synced(machine: Machine, home: HouseThread) -> None:
    (line,) = machine.told("scan", "--seconds", "1").splitlines()
    assert line.split() == [FIRST, "-60", "dBm", "lefun", "Lefun", "by", "bedroom"]
    (listed,) = json.loads(machine.told("scan", "--seconds", "1", "--json"))["devices"]
    assert listed["proxy"] == "bedroom"
    paired = machine.type("pair", FIRST, "--name", "left")
    assert paired.exit_code == 0, paired.output
    assert machine.type("sync", "left").exit_code == 0
    with Store.read(machine.database) as store:
        (left,) = store.bands()
        epochs = list(store.epochs(left.id, datetime(2020, 1, 1, tzinfo=UTC), machine.now))
    assert len(epochs) > 10
    assert all(isinstance(each, Epoch) for each in epochs)


def test_what_is_wrong_with_a_proxy_is_said_where_it_matters(machine: Machine, home: HouseThread) -> None:
    machine.type("pair", FIRST, "--name", "left")
    home.proxy.features = int(PASSIVE)
    refused = machine.refused("sync", "left", code=1)
    assert "bedroom hears it: it makes no connections: set `active: true`" in refused
    home.do(home.proxy.die())
    assert "bedroom: nothing answers at 127.0.0.1:" in machine.refused("scan", "--seconds", "1", code=4)
    assert "bedroom: nothing answers at 127.0.0.1:" in machine.refused("sync", "left", code=4)


def test_a_proxy_that_dies_in_the_middle_of_a_sync_is_named(machine: Machine, home: HouseThread) -> None:
    machine.type("pair", FIRST, "--name", "left")
    asked = home.proxy.asked["BluetoothGATTWriteRequest"]
    home.proxy.on_write = home.air.reception().stall  # the band answers nothing more, so that the sync goes on
    with machine.process("sync", "left", env=NOWHERE) as process:
        until(lambda: home.proxy.asked["BluetoothGATTWriteRequest"] > asked)
        home.do(home.proxy.die())
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "bedroom: the connection to 127.0.0.1:" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("what", ["clear", "encrypted", "passive", "full", "adopted", "dead"])
def test_doctor_says_how_it_stands_with_each_proxy(what: str, machine: Machine, tmp_path: Path) -> None:
    with house_thread([band()]) as house:
        more: dict[str, str] = {}
        match what:
            case "encrypted":
                house.proxy.key = KEY
                key = tmp_path / "key"
                key.write_text(KEY)
                key.chmod(0o600)
                more["key_file"] = f'"{key}"'
            case "passive":
                house.proxy.features = int(PASSIVE)
            case "full":
                house.proxy.slots = 0
            case "adopted":
                house.proxy.adopted = True
            case "dead":
                house.do(house.proxy.die())
            case _:
                pass
        set_up(machine, house.settings(**more))
        found = findings(machine)
    said = {
        "clear": ("fine", "it hears bands, 3 of its 3 connections free"),
        "encrypted": ("fine", "it hears bands, 3 of its 3 connections free"),
        "passive": ("look", "it hears bands and makes no connections: set `active: true`"),
        "full": ("look", "it hears bands, 0 of its 0 connections free"),
        "adopted": ("look", "it is connected, and tells another program what it hears"),
        "dead": ("look", "nothing answers at 127.0.0.1:"),
    }[what]
    verdict, text = found["proxy bedroom"][0]
    assert verdict == said[0]
    assert text.startswith(said[1])
    readable = [text for _, text in found["proxy bedroom"] if "can be read in your network" in text]
    assert bool(readable) == (what in {"clear", "full"})
    assert found["bluetooth"] == [("fine", "this computer's own is not used (radio.local)")]


def test_with_a_proxy_beside_it_a_missing_adapter_is_no_failure(machine: Machine, home: HouseThread) -> None:
    set_up(machine, home.settings(local="true"))
    assert [verdict for verdict, _ in findings(machine)["bluetooth"]] == ["look"]
    (line,) = machine.told("scan", "--seconds", "1", env=NOWHERE).splitlines()
    assert line.endswith("by bedroom")


def test_without_the_extra_one_line_says_which(
    machine: Machine, home: HouseThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    found = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return None if name == "bleak_esphome" else found(name, package)

    monkeypatch.setattr("importlib.util.find_spec", find)
    for name in [name for name in sys.modules if name.startswith("hipsync.radio.proxies")]:
        monkeypatch.delitem(sys.modules, name)
    said = "Bluetooth proxies need an extra (bleak-esphome): `"
    assert machine.refused("scan", code=2).startswith(said)
    assert machine.refused("pair", FIRST, code=2).startswith(said)
    assert findings(machine)["proxies"][0][1].startswith(said)


@contextlib.contextmanager
def running(machine: Machine) -> Generator[Any]:
    with machine.process("run", env=NOWHERE) as process:
        try:
            until(lambda: any((machine.home / "run").rglob("*.sock")))
            yield process
        finally:
            process.terminate()
            process.wait(20)


def proxies(machine: Machine) -> list[dict[str, Any]]:
    """How it stands with the proxies, by `status --json`."""
    found: list[dict[str, Any]] = json.loads(machine.type("status", "--json").stdout)["proxies"]
    return found


def test_a_service_tells_of_its_proxies_and_lends_them(machine: Machine) -> None:
    with house_thread([band(), band("colmi")]) as house:
        set_up(machine, house.settings())
        assert machine.type("pair", FIRST, "--name", "left").exit_code == 0
        assert proxies(machine) == [], "no service runs"
        with running(machine):
            until(lambda: bool(proxies(machine)) and proxies(machine)[0]["hears"])
            (fact,) = proxies(machine)
            assert (fact["name"], fact["encrypted"], fact["connects"], fact["trouble"]) == (
                "bedroom",
                False,
                True,
                None,
            )
            assert findings(machine)["proxy bedroom"][0][1].startswith("it hears bands, ")
            lines = machine.told("scan", "--seconds", "1").splitlines()
            assert {line.split()[0] for line in lines} == {FIRST, SECOND_BAND}
            until(lambda: bool(proxies(machine)) and proxies(machine)[0]["hears"])
            assert machine.type("pair", SECOND_BAND, "--name", "right").exit_code == 0
            until(lambda: bool(proxies(machine)) and proxies(machine)[0]["hears"])
            house.do(house.proxy.die())
            until(lambda: "bedroom: " in machine.type("status").stdout)
            assert findings(machine)["proxy bedroom"][0][0] == "look"
            house.do(house.proxy.start())
            until(lambda: bool(proxies(machine)) and proxies(machine)[0]["hears"])
            set_up(machine, "")
            machine.told("config", "set", "sitting.limit", "45m")  # the service reads all settings then
            until(lambda: proxies(machine) == [])
