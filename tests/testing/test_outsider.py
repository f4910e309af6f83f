"""A driver from a package of its own, installed beside hipsync: the worked example of devices/README."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import pytest

from support.machine import COMMAND
from support.repository import ROOT, TESTS

PACKAGE = TESTS / "outsider"
KIT = """
from hipsync.registry import drivers, simulator
from hipsync.testing import check_driver
check_driver(drivers()["tally"], simulator("tally"))
print("every rule is kept")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the package was installed into, by uv and without a network."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not here")
    folder = tmp_path_factory.mktemp("outsider")
    source = shutil.copytree(PACKAGE, folder / "source")  # what a build leaves behind stays out of the tree
    words = ["--offline", "--no-deps", "--python", sys.executable, "--target", str(folder / "site"), str(source)]
    done = subprocess.run([uv, "pip", "install", "--quiet", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def told(installed: Path, *words: str | Path, command: list[str] | None = None) -> str:
    path = os.pathsep.join(str(each) for each in (installed / "site", ROOT, ROOT / "devices"))
    done = subprocess.run(
        [*(command or COMMAND), *words],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path, "HOME": str(installed)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_it_is_listed_among_the_drivers(installed: Path) -> None:
    rows = {row["key"]: row for row in json.loads(told(installed, "drivers", "--json"))["drivers"]}
    assert rows.keys() > {"huami", "sig", "tally"}
    assert rows["tally"]["label"] == "Tally"
    assert rows["tally"]["abilities"]["live"] is True
    assert rows["tally"]["abilities"]["history_minutes"] is None
    assert rows["tally"]["proof"]["level"] == "not stated"
    listed = " ".join(told(installed, "drivers").split())
    assert "tally Tally Keeps nothing, counts live while connected. Reports battery." in listed


@pytest.mark.ring
def test_it_keeps_every_rule_of_the_kit(installed: Path) -> None:
    assert told(installed, command=[sys.executable, "-c", KIT]) == "every rule is kept\n"


@pytest.mark.ring
def test_a_simulated_one_is_paired_read_and_recorded(installed: Path) -> None:
    database, file = installed / "some.db", installed / "talk.txt"
    told(installed, "--db", database, "pair", "--simulate", "tally")
    said = told(installed, "--db", database, "sync", "--record", file, "--yes")
    assert said == f"Tally: its counter, as it is now\n{file}: 1 lines; it replays\n"
    assert file.read_text().endswith(" = 2a19 50\n")  # 80 percent


def test_it_takes_no_more_than_a_hundred_lines() -> None:
    """Of driver and simulated band, without blank lines."""
    files = (PACKAGE / "src").rglob("*.py")
    lines = [line for file in files for line in file.read_text().splitlines() if line.strip()]
    assert 50 < len(lines) <= 100


def test_the_guide_shows_it_as_it_is() -> None:
    guide = (ROOT / "docs" / "adding-a-band.md").read_text()
    example = guide.split("## A worked example")[1].split("\n## ")[0]
    shown = re.findall(r"(?:^    .*\n|^\n(?=    ))+", example, re.MULTILINE)
    code = [dedent(block).strip("\n") for block in shown if "uv pip" not in block]
    sources = [file.read_text() for file in (*PACKAGE.glob("pyproject.toml"), *PACKAGE.rglob("*.py"))]
    assert len(code) >= 4
    assert [
        block for block in code if not any(block in source or indent(block, "    ") in source for source in sources)
    ] == []
