"""No line that people read is wider than their terminal: a terminal breaks it within a word, and tables fall apart."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from hipsync.cli import COMMANDS, hipsync
from hipsync.cli.app import App
from hipsync.cli.saying import tell_json
from hipsync.model import MINUTE, Answer, Prompt, Where
from hipsync.report.pen import aligned, folded, wide
from hipsync.store import Store
from support.builders import day
from support.machine import Machine
from support.terminal import typed

LIVED = "7h sleep, 1h walk, 70m sit, 20m walk, 50m sit, 5m walk, 2h sit, 30m walk, 3h sit, 1h walk"
NAME = "The band that I wear on my left wrist"
COMMANDS_OF_A_DAY = (
    "status", "today", "today --hours", "week", "month", "why", "reminders", "doctor", "bands", "trial", "db check",
    f"bands show '{NAME}'", "bands show nobody", "desk standing", "pause 2h", "status", "plan add run tue,thu 18:00",
    "plan list", "trial start", "exercise --list", "exercise nope", "done", "sync", "pair --help-key", "config set x 1",
)  # fmt: skip
ON_AN_EMPTY_MACHINE = (
    "", "status", "today", "doctor", "bands", "done", "sync", "pair", "drivers", "todya", "day 2026-13-01",
)  # fmt: skip


def lived_today(machine: Machine) -> None:
    """A day that ends now, with a reminder that was answered and one that waits; the band cannot be reached."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)  # noqa: TID251  the command looks at the clock
    lived = day(LIVED, now - timedelta(hours=16))
    machine.band(lived, name=NAME)
    with Store.open(machine.database) as store:
        for at, answer in ((now - 5 * MINUTE * 60, Answer.MOVED), (now - MINUTE * 100, None)):
            up_at = None if answer is None else at + 8 * MINUTE
            places = (Where.TERMINAL, Where.DESKTOP, Where.BAND)
            store.add_prompt(Prompt(at, at, "hip-extension", True, places, answer=answer, answered_at=up_at, shown=2))
        band = store.bands()[0].id
        store.note_sync(band, now - MINUTE, now - MINUTE, 0, None)
        store.note_sync(band, now, now, 0, "no connection: bring the band close, wake it, and try again in a moment")


def too_wide(shown: str, columns: int) -> list[str]:
    """The lines that a terminal has to break, but for a single word, such as the path of a file."""
    lines = (line.rstrip() for line in shown.splitlines())
    return [line for line in lines if wide(line) > columns and len(line.split()) > 1]


@pytest.mark.parametrize("command", ["status", "week", "reminders", "doctor", "today --hours", "done"])
def test_no_line_is_wider_than_a_narrow_terminal(command: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    lived_today(machine)
    assert too_wide(typed(machine, *shlex.split(command), columns=50)[1], 50) == []


@pytest.mark.ring
@pytest.mark.parametrize("columns", [50, 80, 120])
def test_no_line_of_any_command_is_wider_than_its_terminal(columns: int, tmp_path: Path) -> None:
    lived, empty = Machine(tmp_path / "lived"), Machine(tmp_path / "empty")
    lived_today(lived)
    for machine, commands in ((lived, COMMANDS_OF_A_DAY), (empty, ON_AN_EMPTY_MACHINE)):
        for command in commands:
            _, shown = typed(machine, *shlex.split(command), columns=columns, answers={"q):": "q\n"})
            assert "Traceback" not in shown, shown
            assert too_wide(shown, columns) == [], command


def shown_to_80_columns(command: click.Command, name: str, above: click.Context | None = None) -> click.Context:
    """The context of a command with its own settings: click keeps the first `--help` that it makes for a command."""
    settings: dict[str, Any] = {**command.context_settings, "terminal_width": 80}
    return click.Context(command, above, info_name=name, **settings)


def helps(command: click.Command, name: str, above: click.Context | None = None) -> list[tuple[str, str]]:
    """What `--help` prints of a command, and of each one in it, in a terminal of 80 columns."""
    with shown_to_80_columns(command, name, above) as context:
        context.obj = App()
        inner = command.commands.items() if isinstance(command, click.Group) else ()
        return [(name, command.get_help(context)), *(each for key, one in inner for each in helps(one, key, context))]


def all_helps() -> list[tuple[str, str]]:
    with shown_to_80_columns(hipsync, "hipsync") as context:
        context.obj = App()
        found = [("hipsync", hipsync.get_help(context))]
        for name in COMMANDS:
            command = hipsync.get_command(context, name)
            assert command is not None
            found += helps(command, name, context)
    return found


def test_help_fits_eighty_columns_and_no_line_of_a_list_is_cut() -> None:
    found = all_helps()
    assert [(name, line) for name, text in found for line in text.splitlines() if len(line) > 80] == []
    assert [
        (name, line)
        for name, text in found
        for line in text.splitlines()
        if line.endswith("...") and "Usage:" not in line
    ] == []


def test_a_line_is_folded_between_words() -> None:
    assert folded("  Band       synced 00:00, battery 87 %", 26, 13) == [
        "  Band       synced 00:00,", "             battery 87 %",
    ]  # fmt: skip
    assert folded("short", 80) == ["short"]
    assert folded("", 80) == [""]


def test_a_command_in_backticks_stays_whole_where_it_fits() -> None:
    assert folded("no key: `hipsync bands key left`.", 26) == ["no key:", "`hipsync bands key left`."]
    assert folded("no key: `hipsync bands key left`.", 20) == ["no key: `hipsync", "bands key left`."]


def test_a_word_that_is_wider_than_the_terminal_stays_whole() -> None:
    assert folded("it is at /home/somebody/hipsync.db now", 12) == ["it is at", "/home/somebody/hipsync.db", "now"]


def test_rows_stand_in_columns_also_with_characters_that_take_two() -> None:
    rows = [("\u5c0f\u7c73", "87 %"), ("left", "-")]
    assert aligned(rows, 80) == ["\u5c0f\u7c73  87 %", "left  -"]
    assert aligned([("Mi Smart Band 5", "huami", "87 %")], 16) == ["Mi Smart Band 5", "  huami  87 %"]
    assert aligned([], 80) == []


# ------------------------------------------------------------------ JSON is for programs


def test_no_line_of_json_is_broken_in_a_narrow_terminal(tmp_path: Path) -> None:
    code, shown = typed(Machine(tmp_path), "status", "--json", columns=20)
    assert code == 0
    assert json.loads(shown)["state"] == "no band"


def test_json_has_a_line_for_each_value_and_for_each_object_of_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    content = {
        "version": 1,
        "name": "B\u00e4nd \n",
        "days": [{"at": [1, 2]}, {}],
        "none": [],
        "words": ["a"],
        "one": {"x": None},
    }
    tell_json(content)
    shown = capsys.readouterr().out
    assert json.loads(shown) == content
    assert shown.splitlines() == [
        "{",
        ' "version": 1,',
        ' "name": "B\\u00e4nd \\n",',
        ' "days": [',
        '  {"at": [1, 2]},',
        "  {}",
        " ],",
        ' "none": [],',
        ' "words": ["a"],',
        ' "one": {"x": null}',
        "}",
    ]
