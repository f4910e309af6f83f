"""The family to copy keeps every rule and is not registered, and a copy of it changes nothing but files of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest

import hipsync_devices
from hipsync.errors import MalformedPacket
from hipsync.testing.rules import RULES, Case, Rule
from hipsync_devices._blueprint import DRIVER, packets
from hipsync_devices._blueprint.packets import Frame, Slot
from hipsync_devices._blueprint.sim import BlueprintBand

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
NAME = "copied"
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.ring)])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_it_keeps_the_rule(rule: Rule, every: int) -> None:
    rule(Case(DRIVER, BlueprintBand, every=every))


def test_it_is_not_registered() -> None:
    points = [*entry_points(group="hipsync.drivers"), *entry_points(group="hipsync.simulators")]
    assert points
    assert not [point for point in points if "_blueprint" in point.value]


def test_the_answer_to_a_fetch_is_slots_and_how_many_there_were() -> None:
    assert Frame.decode(bytes.fromhex("03 9051a569 2a00 1c")) == (packets.FETCH, bytes.fromhex("9051a5692a00"))
    assert packets.decode_fetched(bytes.fromhex("9051a569 2a00")) == Slot(NINE, 42)
    assert Slot(NINE, 42).encode().hex() == "9051a5692a00"
    assert packets.decode_fetched(bytes.fromhex("0701")) == 0x0107
    with pytest.raises(MalformedPacket):
        packets.decode_fetched(bytes.fromhex("9151a569 2a00"))  # a second past nine


# ------------------------------------------------------------------ a copy of it


@pytest.mark.ring
def test_the_whole_suite_passes_with_a_copy_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its folder and its two entry points are new; what is generated is generated anew by the documented command."""
    if not (SHARED / "vectors").exists():
        pytest.skip("shared/vectors is not beside this repository: without it no evidence can be measured")
    repository = tmp_path / "repository"
    copy_repository(repository)
    (tmp_path / "shared").symlink_to(SHARED)
    add_family(repository)
    python = environment(tmp_path, repository)
    done(repository, python, "-m", "evidence", "--write")
    workers = ["-n", "2"] if find_spec("xdist") else []
    said = done(repository, python, "-m", "pytest", "-q", *workers)
    done(repository, python, "-m", "pytest", "-q", "-m", "ring", "-k", NAME, *workers)  # its full sizes, too
    with capsys.disabled():
        print(f"\nwith {NAME}: {said.strip().splitlines()[-1]}")
    assert f"| `{NAME}` | Blueprint | 10 min |" in (repository / "docs" / "evidence.md").read_text()


def copy_repository(target: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def add_family(repository: Path) -> None:
    """What somebody does who copies the blueprint."""
    families = repository / "devices" / Path(hipsync_devices.__file__).parent.name
    shutil.copytree(families / "_blueprint", families / NAME)
    for file in (families / NAME).glob("*.py"):
        file.write_text(file.read_text().replace("_blueprint", NAME))
    project = repository / "pyproject.toml"
    text = project.read_text()
    for group, value in (("drivers", "DRIVER"), ("simulators", "BlueprintBand")):
        head = f'[project.entry-points."hipsync.{group}"]\n'
        module = f"hipsync_devices.{NAME}" + (".sim" if group == "simulators" else "")
        text = text.replace(head, f'{head}{NAME} = "{module}:{value}"\n')
    project.write_text(text)


def environment(folder: Path, repository: Path) -> Path:
    """The interpreter of a new environment with the same versions of everything, and with that repository."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not here")
    venv = folder / "environment"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], check=True)
    python = venv / "bin" / "python"
    frozen = subprocess.run(
        [uv, "pip", "freeze", "--quiet", "--exclude-editable", "--python", sys.executable],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    versions = folder / "versions.txt"
    versions.write_text("".join(f"{line}\n" for line in exact(frozen)))
    install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    for words in (["-r", str(versions)], ["--no-deps", "-e", str(repository)]):
        if subprocess.run([*install, "--offline", *words], capture_output=True, check=False).returncode:
            subprocess.run([*install, *words], check=True)
    return python


def exact(frozen: str) -> Iterator[str]:
    """The lines that name a version, but hipsync's own."""
    for line in frozen.splitlines():
        if "==" in line and not line.startswith("hipsync=="):
            yield line


def done(repository: Path, python: Path, *words: str) -> str:
    """What a command said, which must succeed."""
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "VIRTUAL_ENV"))}
    ended = subprocess.run(
        [str(python), *words], cwd=repository, capture_output=True, text=True, check=False, env={**env, "PATH": path}
    )
    assert ended.returncode == 0, f"{words}\n{ended.stdout[-6000:]}\n{ended.stderr[-2000:]}"
    return ended.stdout
