"""`hipsync scan`: which devices in reach are listed, and what is shown of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice

from hipsync.driver import Advertisement
from hipsync.radio import scan as scanning
from hipsync.radio.scan import NearbyDevice
from support.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A computer with three devices in reach: a band that is paired, a lamp, and a watch that is connected."""
    in_reach = [
        NearbyDevice(address, rssi_dbm, Advertisement(name), BLEDevice(address, name, None))
        for address, rssi_dbm, name in (
            ("C0:00", -48, "Mi Smart Band 5"), ("C0:01", -60, "Lamp"), ("C0:02", None, "InfiniTime"),
        )
    ]  # fmt: skip

    async def scan(*_: object) -> Sequence[NearbyDevice]:
        return in_reach

    monkeypatch.setattr(scanning, "scan", scan)
    machine = Machine(tmp_path)
    machine.band(address="C0:00")
    return machine


def test_a_known_model_that_no_driver_takes_is_listed_with_the_reason(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scan(*_: object) -> Sequence[NearbyDevice]:
        name = "HUAWEI WATCH GT 4-A1B"
        return [NearbyDevice("C0:07", -51, Advertisement(name), BLEDevice("C0:07", name, None))]

    monkeypatch.setattr(scanning, "scan", scan)
    why = "not reachable over Bluetooth LE: import from Gadgetbridge (`hipsync import gadgetbridge FILE`)"
    assert machine.told("scan") == f"C0:07    -51 dBm  -             HUAWEI WATCH GT 4-A1B     {why}\n"
    (listed,) = json.loads(machine.told("scan", "--json"))["devices"]
    assert (listed["drivers"], listed["reason"]) == ([], why)


def test_bands_are_listed_with_signal_driver_and_whether_they_are_paired(machine: Machine) -> None:
    assert machine.told("scan").splitlines() == [
        "C0:00    -48 dBm  huami         Mi Smart Band 5           paired",
        "C0:02  connected  infinitime    InfiniTime",
    ]


def test_with_all_what_no_driver_takes_is_listed_too(machine: Machine) -> None:
    assert "C0:01    -60 dBm  -             Lamp" in machine.told("scan", "--all").splitlines()


def test_json_has_every_driver_that_would_take_a_device(machine: Machine) -> None:
    listed = json.loads(machine.told("scan", "--json"))
    assert listed["version"] == 1
    assert listed["devices"][1] == {
        "address": "C0:02", "name": "InfiniTime", "rssi_dbm": None, "connected": True, "drivers": ["infinitime"],
        "paired": False,
    }  # fmt: skip
    assert (listed["devices"][0]["rssi_dbm"], listed["devices"][0]["paired"]) == (-48, True)
