"""`hipsync pair`: at a terminal, in a pipe, and with simulated bands."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import pytest
from bleak.backends.device import BLEDevice

from hipsync.cli.pairing import PairingTerminal
from hipsync.driver import Advertisement, Driver, Secret
from hipsync.errors import ConfigError
from hipsync.host.interrupt import run_until_interrupted
from hipsync.radio import bleak_radio
from hipsync.radio.scan import NearbyDevice
from hipsync.registry import drivers
from hipsync.report.family_words import FIRST, family_lines
from hipsync.store import Store
from hipsync.store.keys import KeyFile
from support.machine import Machine
from support.stored import NOW

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
IN_REACH = [
    NearbyDevice(address, strength, Advertisement(name), BLEDevice(address, name, None))
    for address, strength, name in (("C0:01", -60, "Mi Smart Band 5"), ("C0:02", None, None))
]


@pytest.mark.parametrize("driver", drivers().values(), ids=lambda driver: driver.key)
@pytest.mark.parametrize("need", ["none", "own", "given"])
def test_what_a_family_means_is_shown_whole_in_lines_that_fit(
    driver: Driver, need: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [*family_lines(driver, need), FIRST]
    PairingTerminal().show_family("a band", lines)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    told = " ".join(shown.split())
    for label, text in lines:
        assert f"{label} {' '.join(text.split())}" in told
    assert lines[0][0] == "Keeps"


def test_each_kind_of_family_is_told_what_follows_from_what_it_keeps() -> None:
    known = drivers()
    told = {key: dict(family_lines(known[key], "none")) for key in known}
    assert told["huami"]["Keeps"].startswith("every minute")
    assert told["banglejs"]["So"] == "reminders come up to 10 min late, and a short break may not show."
    assert told["fitpro"]["So"].startswith("reminders come up to 15 min late")
    assert told["colmi"]["Keeps"] == "steps by the hour: too long to see sitting by."
    assert "while hipsync is connected" in told["colmi"]["So"]
    for live in ("infinitime", "moyoung", "sig"):
        assert told[live]["Keeps"].startswith("nothing.")
        assert "never sitting" in told[live]["So"]
    for key in ("xiaomi", "huawei"):
        assert told[key]["Keeps"].startswith("every minute")


def test_what_still_has_to_be_installed_for_a_family_is_said_before_anything_is_asked() -> None:
    driver = replace(drivers()["garmin"], missing_extra=lambda: "garmin")
    assert (
        "Needs",
        "the extra garmin for its stored minutes; `hipsync doctor` names the command.",
    ) in [*family_lines(driver, "none")]
    assert not any(label == "Needs" for label, _ in family_lines(replace(driver, missing_extra=lambda: None), "none"))


def test_words_of_a_driver_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    PairingTerminal().show_family("\x1b[2Jband", [("Note", "press \x1b[2Jthe button")])
    assert capsys.readouterr().out == "\n[2Jband\n  Note      press [2Jthe button\n\n"


def test_help_key_says_where_a_key_is_found(tmp_path: Path) -> None:
    told = Machine(tmp_path).told("pair", "--help-key")
    assert "32 letters and digits" in " ".join(told.split())
    assert all(len(line) <= 80 for line in told.splitlines())
    assert max(map(len, told.splitlines())) <= 100


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
    [("choose", "there are several bands: give the address of one"), ("key", "--help-key says where it is.")],
)
async def test_in_a_pipe_nobody_is_asked(question: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    person = PairingTerminal()
    with pytest.raises(ConfigError) as caught:
        await (person.choose(IN_REACH) if question == "choose" else person.ask_key())
    assert str(caught.value).endswith(why)


@pytest.mark.parametrize("question", ["has_buzzed", "name_for", "choose", "ask_key"])
def test_ctrl_c_pressed_once_ends_a_question_while_the_loop_runs(
    question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the person is still asked")

    def can_be_asked(_: PairingTerminal) -> bool:
        return True

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(PairingTerminal, "_can_be_asked", can_be_asked)
    monkeypatch.setattr(click, "prompt", pressed)
    monkeypatch.setattr(click, "confirm", pressed)
    person = PairingTerminal()
    asked = {
        "has_buzzed": person.has_buzzed,
        "name_for": lambda: person.name_for("left"),
        "choose": lambda: person.choose([]),
        "ask_key": person.ask_key,
    }
    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(asked[question]())


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


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_count_goes_on_in_one_line_of_a_terminal(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    person = PairingTerminal()
    counts: Sequence[tuple[int, int | None]] = ((7, 1440), (720, 1440), (2000, 1440), (2001, None))
    for count, of in counts:
        person.show_count(count, of)
    person.show_step("Saved 2,001 minutes")
    person.show("Ready.")
    told = capsys.readouterr()
    assert told.err.count("\n") == 0
    if is_terminal:
        assert "7 of about 1,440" in told.err
        assert "2,000 of about" not in told.err, "more than all of it"
        assert told.err.endswith("2,001\r\x1b[K")
    else:
        assert told.err == ""
    assert told.out.count("\n") == 2


# ------------------------------------------------------------------ a simulated band


@pytest.mark.ring
def test_a_simulated_band_is_paired_fetched_and_fetched_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    with machine.process("pair", "--simulate", "huami", "--name", "left") as process:
        out, error = process.communicate()
    assert (process.returncode, error) == (0, ""), out
    assert " minutes, " in out
    assert "Practice band ready, in a database of its own:" in out
    assert [line.split()[:3] for line in out.splitlines()[-2:]] == [
        ["hipsync", "--demo", "today"], ["hipsync", "--demo", "run"],
    ]  # fmt: skip
    assert machine.files() == ["data/hipsync/practice/hipsync.db", "data/hipsync/practice/keys.json"]
    with machine.process(
        "--demo", "bands", "--json"
    ) as process:  # by the same clock: what lies ahead of one's own is not believed
        out, _ = process.communicate()
    (row,) = json.loads(out)["bands"]
    assert (row["name"], row["simulated"], row["battery_percent"]) == ("left", True, 87)
    with Store.read(machine.data / "practice" / "hipsync.db") as store:
        before = len(list(store.all_epochs(None, None)))
    assert before > 6 * 24 * 60
    with machine.process("--demo", "sync", "left") as process:
        out, error = process.communicate()
    assert (process.returncode, error) == (0, ""), out
    assert out.startswith("left: ")
    assert machine.refused("--demo", "pair", code=2).startswith("a real band is not kept beside a simulated one")
    assert not machine.database.exists(), "the user's own database"


def test_two_simulated_bands_of_different_kinds_are_paired_and_one_of_a_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bleak_radio, "REMEMBERED_DAYS", 1)
    machine = Machine(tmp_path, NOW)
    for kind in ("infinitime", "lefun"):
        assert machine.type("pair", "--simulate", kind, "--name", kind).exit_code == 0
    assert machine.refused("pair", "--simulate", "lefun", code=2).startswith("'lefun' is already paired")
    with Store.read(machine.data / "practice" / "hipsync.db") as store:
        assert [(band.name, band.address) for band in store.bands()] == [
            ("infinitime", "C0:00:00:00:00:01"),
            ("lefun", "C0:00:00:00:00:02"),
        ]


def test_practice_leaves_a_real_band_and_its_key_alone(tmp_path: Path) -> None:
    machine = Machine(tmp_path, NOW)
    machine.band(name="Mi Smart Band 5")
    KeyFile(machine.data / "keys.json").set("Mi Smart Band 5", KEY)
    assert machine.type("pair", "--simulate", "huami").exit_code == 0
    assert json.loads((machine.data / "keys.json").read_text()) == {"Mi Smart Band 5": KEY.hex()}
    assert [each["simulated"] for each in json.loads(machine.told("bands", "--json"))["bands"]] == [False]
    assert [each["simulated"] for each in json.loads(machine.told("--demo", "bands", "--json"))["bands"]] == [True]
    assert machine.type("--demo", "--db", "x.db", "today").exit_code == 2
