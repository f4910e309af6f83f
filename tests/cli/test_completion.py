"""The Tab key in the shells that people use, as the README installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.machine import Machine
from support.repository import ROOT

SCRIPTS = Path(sys.executable).parent
"""Where `hipsync` is installed."""

BASH = """
eval "$(_HIPSYNC_COMPLETE=bash_source hipsync)"
COMP_WORDS=({words}) COMP_CWORD={last}
_hipsync_completion hipsync
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
FISH = """
_HIPSYNC_COMPLETE=fish_source hipsync | source
complete --do-complete '{line}'
"""
ZSH = """
autoload -Uz compinit && compinit -u -D
eval "$(_HIPSYNC_COMPLETE=zsh_source hipsync)"
words=({words}) CURRENT={last}
_describe() {{ print -l -- ${{(P)3}}; }}  # -V unsorted NAME -U
compadd() {{ print -l -- ${{(P)@[-1]}}; }}
_hipsync_completion
"""


def offered(shell: str, script: str, machine: Machine) -> set[str]:
    """The first word of each line that the shell would offer."""
    done = subprocess.run(
        [shell, "-c", script],
        env={**os.environ, **machine.environment, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {line.split("\t")[0].split(":")[0] for line in done.stdout.splitlines()}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_commands_bands_and_kinds(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.band()
    machine.band(name="left wrist", address="C0:01")
    assert offered("bash", BASH.format(words="hipsync to", last=1), machine) == {"today"}
    assert offered("bash", BASH.format(words="hipsync sync d", last=2), machine) == {"desk-band"}
    assert offered("bash", BASH.format(words="hipsync bands rename l", last=3), machine) == {"left wrist"}
    kinds = offered("bash", BASH.format(words="hipsync demo --band co", last=3), machine)
    assert "colmi" in kinds
    assert all(kind.startswith("co") for kind in kinds)


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_fish_completes_commands_and_bands(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.band()
    assert "today" in offered("fish", FISH.format(line="hipsync to"), machine)
    assert offered("fish", FISH.format(line="hipsync sync d"), machine) == {"desk-band"}


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
def test_zsh_completes_commands_and_bands(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.band()
    assert "today" in offered("zsh", ZSH.format(words="hipsync to", last=2), machine)
    assert "desk-band" in offered("zsh", ZSH.format(words="hipsync sync d", last=3), machine)


def test_without_a_database_nothing_is_offered_and_none_is_made(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    if shutil.which("bash") is not None:
        assert offered("bash", BASH.format(words="hipsync sync x", last=2), machine) == {""}
    assert machine.files() == []


def test_the_readme_says_how(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    for shell in ("bash", "zsh", "fish"):
        assert f"_HIPSYNC_COMPLETE={shell}_source hipsync" in readme
