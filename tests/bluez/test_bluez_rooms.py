"""A real BlueZ beside a proxy in another room: each band on the way that reaches it, two bands at once.

`tests/bluez/rooms.py` is what runs in the guest.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from bluez.rooms import ADDRESSES, BANDS
from support.guest import said_in_guest

TIMEOUT_S = 600


@pytest.fixture(scope="module")
def told() -> Any:
    """One boot for all."""
    return json.loads(said_in_guest([sys.executable, "-m", "bluez.rooms"], TIMEOUT_S).splitlines()[-1])


def heard(scan: Any) -> dict[str, str | None]:
    """By whom each band was heard best: the name of a proxy, or None for this computer."""
    names = {address: name for name, address in ADDRESSES.items()}
    return {names[each["address"]]: each.get("proxy") for each in json.loads(scan["out"])["devices"]}


@pytest.mark.bluez
def test_a_scan_hears_with_the_adapter_and_with_the_proxy(told: Any) -> None:
    assert heard(told["without"]) == {"desk": None, "stairs": None}
    assert heard(told["scan"]) == {"desk": None, "attic": "attic", "stairs": "attic"}
    lines = {line.split()[0]: line for line in told["shown"]["out"].splitlines()}
    assert {name: lines[address].endswith("by attic") for name, address in ADDRESSES.items()} == {
        "desk": False, "attic": True, "stairs": True,
    }  # fmt: skip


@pytest.mark.bluez
@pytest.mark.parametrize("name", BANDS)
def test_each_band_is_paired_and_read_on_its_way(name: str, told: Any) -> None:
    of = told["bands"][name]
    for what in ("pair", "sync"):
        assert of[what]["status"] == 0, of[what]
    assert len(of["stored"]["epochs"]) > 20
    assert sum(steps for *_, steps in of["stored"]["epochs"]) > 1000


@pytest.mark.bluez
def test_the_adapter_and_the_proxy_hold_a_band_each_at_once(told: Any) -> None:
    assert "error" not in told["met"], told["met"]
    assert told["met"]["free"] == {"desk": 2, "attic": 2}, "one of the three connections of the proxy, and no more"


@pytest.mark.bluez
def test_doctor_finds_both_in_order(told: Any) -> None:
    found = {each["what"]: each for each in json.loads(told["doctor"]["out"])["findings"]}
    assert found["bluetooth"]["verdict"] == found["proxy attic"]["verdict"] == "fine"
    assert found["proxy attic"]["text"] == "it hears bands, 3 of its 3 connections free"
