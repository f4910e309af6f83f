"""`hipsync pair`: at a terminal, in a pipe, and with simulated bands."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from bleak.backends.device import BLEDevice

from hipsync.cli.pairing import PairingTerminal
from hipsync.driver import Advertisement
from hipsync.errors import ConfigError
from hipsync.radio.scan import NearbyDevice
from hipsync.registry import drivers
from hipsync.service.pairing import LET_GO, WHAT_A_TAP_DOES, WHERE_KEYS_COME_FROM
from hipsync.store import Store
from support.machine import Machine
from support.stored import NOW

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
IN_REACH = [
    NearbyDevice(address, strength, Advertisement(name), BLEDevice(address, name, None))
    for address, strength, name in (("C0:01", -60, "Mi Smart Band 5"), ("C0:02", None, None))
]


@pytest.mark.parametrize(
    "advice", [LET_GO, WHAT_A_TAP_DOES, WHERE_KEYS_COME_FROM, *(driver.advice for driver in drivers().values())]
)
def test_advice_is_shown_whole_in_lines_that_fit(advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    PairingTerminal().advise(advice)
    shown = capsys.readouterr().out
    assert " ".join(shown.split()) == " ".join(advice.split())
    assert max(map(len, shown.splitlines()), default=0) <= 80


def test_advice_of_a_driver_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    PairingTerminal().advise("press \x1b[2Jthe button")
    assert capsys.readouterr().out == "press [2Jthe button\n"


async def test_several_bands_are_listed_and_one_is_chosen_by_its_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)

    def types_2(question: str, **_: object) -> int:
        return 2

    monkeypatch.setattr(click, "prompt", types_2)
    assert await PairingTerminal().choose(IN_REACH) is IN_REACH[1]
    assert capsys.readouterr().out == "1  C0:01    -60 dBm  Mi Smart Band 5\n2  C0:02  connected  (no name)\n"


@pytest.mark.parametrize(
    ("question", "why"),
    [("choose", "several bands are in reach: give the address of one"), ("key", "give a file with it (--key-file)")],
)
async def test_in_a_pipe_nobody_is_asked(question: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    person = PairingTerminal()
    with pytest.raises(ConfigError) as caught:
        await (person.choose(IN_REACH) if question == "choose" else person.ask_key())
    assert str(caught.value).endswith(why)


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o644, 1)])
def test_a_key_is_read_from_its_file_and_a_file_that_others_can_read_is_named(
    mode: int, warnings: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "key"
    file.write_text(KEY.hex())
    file.chmod(mode)
    assert PairingTerminal(file).given_key() == KEY
    assert capsys.readouterr().err.count(f"hipsync: {file} can be read by others") == warnings
    assert PairingTerminal().given_key() is None


@pytest.mark.parametrize(("is_terminal", "shown"), [(True, "\r7 minutes\r1,440 minutes\r"), (False, "")])
def test_the_count_goes_on_in_one_line_of_a_terminal(
    is_terminal: bool, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    person = PairingTerminal()
    counts: Sequence[int] = (7, 1440)
    for count in counts:
        person.show_count(count)
    person.show("Stored 1,440 epochs.")
    person.show("It should have buzzed just now.")
    told = capsys.readouterr()
    assert told.err == shown
    assert told.out.count("\n") == 2


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
    with machine.process(
        "bands", "--json"
    ) as process:  # by the same clock: what lies ahead of one's own is not believed
        out, _ = process.communicate()
    (row,) = json.loads(out)["bands"]
    assert (row["name"], row["simulated"], row["battery_percent"]) == ("left", True, 87)
    with Store.read(machine.database) as store:
        before = len(list(store.all_epochs(None, None)))
    assert before > 6 * 24 * 60
    with machine.process("sync", "left") as process:
        out, error = process.communicate()
    assert (process.returncode, error) == (0, ""), out
    assert out.startswith("left: ")
    assert machine.refused("pair", code=2).startswith("a simulated band is not kept beside a real one")


def test_two_simulated_bands_of_different_kinds_are_paired_and_one_of_a_kind(tmp_path: Path) -> None:
    machine = Machine(tmp_path, NOW)
    for kind in ("infinitime", "lefun"):
        assert machine.type("pair", "--simulate", kind, "--name", kind).exit_code == 0
    assert machine.refused("pair", "--simulate", "lefun", code=2).startswith("C0:00:00:00:00:02 is paired already")
    with Store.read(machine.database) as store:
        assert [(band.name, band.address) for band in store.bands()] == [
            ("infinitime", "C0:00:00:00:00:01"),
            ("lefun", "C0:00:00:00:00:02"),
        ]
