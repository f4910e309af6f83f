"""Bands that talk only over a bond, on a real BlueZ: the passkey typed at a terminal, a wrong one, a bond that is lost.

`tests/bluez/bond.py` is what runs in the guest; the band's side is Bumble's, and makes keys as a band does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from support.guest import said_in_guest

FOLDER = Path(__file__).parent
TIMEOUT_S = 600
WATCH = ("watch", "watch sync", "watch buzz")
"""What is done with a Garmin watch, which shows a passkey while its pairing screen is open."""


@pytest.mark.bluez
def test_a_band_that_wants_a_bond_gets_it_through_bluez(capsys: pytest.CaptureFixture[str]) -> None:
    said = said_in_guest([sys.executable, FOLDER / "bond.py"], TIMEOUT_S)
    told: dict[str, dict[str, Any]] = json.loads(said.splitlines()[-1])
    with capsys.disabled():
        print(f"\nbonds: { ({what: each['seconds'] for what, each in told.items()}) }")

    for what, why in (("nobody", "asks for a passkey, and nobody answered"), ("wrong", "the passkey was wrong")):
        assert told[what]["status"] == 1
        assert why in last_line(told[what])
        assert (told[what]["bands"], told[what]["bonded"]) == ([], False), what
    for what in ("right", "watch"):
        assert "Your band shows six digits; you have 30 s. Digits: " in told[what]["said"]
    for what in ("right", "sync", "again", "healed", "just works", "just works sync", "held sync", *WATCH):
        assert told[what]["status"] == 0, told[what]
        assert told[what]["bonded"], what
        assert len(told[what]["bands"]) == 1, what
    (found,) = json.loads(told["held scan"]["said"])["devices"]
    assert (found["name"], found["connected"], found["rssi_dbm"]) == ("LH716", True, None)
    assert (found["drivers"][0], found["paired"]) == ("fitpro", True)
    assert told["held sync"]["said"] == "other: nothing new\n"
    assert "Digits" not in told["just works"]["said"]

    assert told["lost"]["status"] == 1
    assert "most likely the band has lost the bond" in last_line(told["lost"])
    assert "`hipsync pair C8:0F:10:80:D0:21 --again` makes a new one" in last_line(told["lost"])
    assert told["lost"]["said"].count("\n") == 1
    assert told["again"]["bands"] == told["right"]["bands"], "the same band, not a second one"


def last_line(told: dict[str, Any]) -> str:
    """The error with which a command ended, on one line: a terminal had it on several."""
    said = " ".join(str(told["said"]).split())
    return said[said.rindex("hipsync: ") :]
