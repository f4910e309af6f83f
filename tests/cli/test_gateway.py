"""`hipsync gateway run` refuses settings that cannot be meant, in one line each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def shared(machine: Machine) -> Machine:
    """A machine whose settings say that a gateway reminds, and shares with the wearer's other computers."""
    machine.band()
    for key in ("gateway.prompt", "gateway.share"):
        machine.told("config", "set", key, "true")
    machine.told("config", "set", "fleet.dsn", "host=/nowhere")
    return machine


def test_who_is_not_reminded_is_not_shared_with_either(shared: Machine) -> None:
    shared.told("config", "set", "gateway.prompt", "false")
    said = shared.refused("gateway", "run", code=2)
    assert said == "gateway.share is for one wearer's computers: `hipsync config set gateway.prompt true`, too"


def test_one_way_to_share_is_enough(shared: Machine) -> None:
    for key, value in (("mqtt.host", "127.0.0.1"), ("mqtt.wearer", "anna"), ("mqtt.share", "everything")):
        shared.told("config", "set", key, value)
    said = shared.refused("gateway", "run", code=2)
    assert said == "gateway.share and mqtt.share are two ways for one thing: `hipsync config set mqtt.share state`"


def test_a_database_has_to_be_named(shared: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT", "PGUSER"):
        monkeypatch.delenv(name, raising=False)
    shared.told("config", "set", "fleet.dsn", "")
    assert shared.refused("gateway", "run", code=2).startswith("no fleet's database is named: ")


def test_days_that_would_come_back_are_not_erased(shared: Machine) -> None:
    said = shared.refused("db", "erase", "--to", "2030-01-01", "--yes", code=2)
    assert said.startswith("these days would come back from your other computers: on each `hipsync config set gateway.")
    shared.told("config", "set", "gateway.share", "false")
    shared.told("db", "erase", "--to", "2020-01-01", "--yes")


@pytest.mark.parametrize(
    ("others", "text"), [(["laptop"], "shares with laptop"), ([], "shares; no other computer is online")]
)
def test_status_says_with_whom_it_shares_though_there_is_no_home(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, others: list[str], text: str
) -> None:
    machine.band()
    home = {"broker": None, "connected": False, "home_assistant": None, "trouble": None, "sharing": others}

    def service(_: object) -> dict[str, object]:
        return {"process": 7, "judges": True, "trouble": None, "home": home}

    monkeypatch.setattr("hipsync.cli.status._service", service)
    assert text in [line.removeprefix("  Home").strip() for line in machine.told("status").splitlines()]
    assert json.loads(machine.told("status", "--json"))["home"] == home
