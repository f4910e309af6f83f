"""What the README says to type exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from hipsync.cli import COMMANDS, hipsync
from support.repository import ROOT

README = (ROOT / "README.md").read_text()
TYPED = sorted(
    set(
        re.findall(
            r"hipsync((?: [a-z]+)+)",
            "\n".join(
                re.findall(r"^    (.*)$|`(.*?)`", README, re.MULTILINE)
                and [a or b for a, b in re.findall(r"^    (.*)$|`(.*?)`", README, re.MULTILINE)]
            ),
        )
    )
)


@pytest.mark.parametrize("words", TYPED)
def test_a_command_of_the_readme_exists(words: str) -> None:
    first, *rest = words.split()
    assert first in COMMANDS
    second = rest[:1] if first in {"bands", "db", "config", "import", "service"} else []
    done = CliRunner().invoke(hipsync, [first, *second, "--help"])
    assert done.exit_code == 0, done.output


def commands(group: click.Group, path: str) -> Iterator[tuple[str, str]]:
    """Every command, with its help."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        yield f"{path} {name}", command.help or ""
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


@pytest.mark.parametrize(("path", "told"), [*commands(hipsync, "hipsync")])
def test_the_help_of_every_command_has_an_example(path: str, told: str) -> None:
    assert re.search(rf"(?m)^ *{path}\b", told)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(hipsync, [command, "--help"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Usage: ")
