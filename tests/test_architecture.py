"""The house stays the house: who may import whom, what a wheel holds, what `today` drags in."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Collection
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from hipsync.abilities import Abilities
from hipsync.store import Store
from support.builders import MONDAY, day
from support.repository import ROOT

HIPSYNC = ROOT / "hipsync"
FAMILIES = ROOT / "devices" / "hipsync_devices"

SHELL = {"asyncio", "bleak", "click", "sqlite3", "time", "socket", "os", "pathlib", "bumble", "threading"}
VALUES_ONLY = sorted((HIPSYNC / "core").glob("*.py")) + [
    HIPSYNC / f"{name}.py" for name in ("model", "errors", "driver", "simulated", "office_day")
]
ONLY_IN = {
    "bleak": {"radio"},
    "bleak_retry_connector": {"radio"},
    "bumble": {"radio"},
    "dbus_fast": {"radio", "host"},
    "apscheduler": {"service"},
    "click": {"cli"},
    "textual": {"cli"},
    "aiomqtt": {"home"},
    "paho": {"home"},
    "aioesphomeapi": {"radio"},
    "bleak_esphome": {"radio"},
    "habluetooth": {"radio"},
    "psycopg": {"fleet"},
}


@cache
def imports(file: Path) -> Collection[str]:
    """Names of all modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def tops(file: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(file)}


@pytest.mark.parametrize("file", VALUES_ONLY, ids=lambda file: str(file.relative_to(HIPSYNC)))
def test_the_core_does_no_io(file: Path) -> None:
    assert not tops(file) & SHELL


@pytest.mark.parametrize("file", sorted(FAMILIES.rglob("*.py")), ids=lambda file: str(file.relative_to(FAMILIES)))
def test_a_driver_sees_the_interface_only(file: Path) -> None:
    assert not tops(file) & SHELL
    allowed = {"hipsync.driver", "hipsync.model", "hipsync.errors"}
    if file.name.startswith("sim"):
        allowed.add("hipsync.simulated")
    assert {name for name in imports(file) if name.split(".")[0] == "hipsync"} <= allowed
    if not file.name.startswith("sim"):
        assert not any(name.endswith(".sim") for name in imports(file))


@pytest.mark.parametrize(("library", "places"), ONLY_IN.items())
def test_a_library_has_its_one_place(library: str, places: set[str]) -> None:
    users = {file.relative_to(HIPSYNC).parts[0] for file in HIPSYNC.rglob("*.py") if library in tops(file)}
    assert users <= places


def test_hipsync_never_names_a_driver() -> None:
    assert not [file for file in HIPSYNC.rglob("*.py") if "hipsync_devices" in tops(file)]


def test_every_family_is_registered() -> None:
    folders = {
        folder.name for folder in FAMILIES.iterdir() if (folder / "__init__.py").exists() and folder.name[0] != "_"
    }
    for group in ("hipsync.drivers", "hipsync.simulators"):
        registered = {point.name for point in entry_points(group=group)}
        assert folders <= registered, (
            f"{group} is stale: `uv sync --reinstall-package hipsync` reads pyproject.toml anew"
        )


def run(code: str) -> list[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "devices")])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": path}
    )
    return done.stdout.split()


HEAVY = {
    "apscheduler",
    "asyncio",
    "bleak",
    "bumble",
    "cryptography",
    "desktop_notifier",
    "difflib",
    "hashlib",
    "logging",
    "platformdirs",
    "socket",
    "sqlite_utils",
    "subprocess",
    "tempfile",
    "tomllib",
    "tzlocal",
}
"""Packages and modules that take milliseconds to import, and that a command for which people wait does without."""


def loaded_by(*words: str) -> set[str]:
    """Return the names of the modules that a command has imported when it ends."""
    code = (
        "import sys\n"
        f"sys.argv = ['hipsync', *{words!r}]\n"
        "from hipsync.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)\n"
    )
    return set(run(code))


def a_database(path: Path) -> str:
    with Store.open(path) as store:
        band = store.add_band(name="band", driver="none", now=MONDAY)
        store.append(band.id, day("30m sit"))
        store.note_zone(MONDAY, "Europe/London")
    return str(path)


def test_today_imports_nothing_heavy(tmp_path: Path) -> None:
    loaded = loaded_by("--db", a_database(tmp_path / "some.db"), "today", "--json")
    assert "hipsync.core.summary" in loaded
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    assert not loaded & {
        "hipsync.settings.file",
        "hipsync.core.exercises",
        "hipsync.store.migrations",
        "hipsync.core.prompting",
        "hipsync.conversation.session",
    }


def test_the_line_of_a_status_bar_imports_no_day_and_no_socket_while_no_service_runs(tmp_path: Path) -> None:
    loaded = loaded_by("--db", a_database(tmp_path / "some.db"), "status", "--line")
    assert "hipsync.service.status_text" in loaded
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    assert not loaded & {
        "hipsync.settings.file",
        "hipsync.core.exercises",
        "hipsync.core.period",
        "hipsync.core.ribbon",
        "hipsync.store.migrations",
        "hipsync.registry",
        "hipsync.service.control_client",
    }


def test_status_imports_no_driver_and_no_socket_while_no_service_runs(tmp_path: Path) -> None:
    """What a band can do was stored when it was paired; a driver is asked only for one of which that is not known."""
    path = a_database(tmp_path / "some.db")
    with Store.open(Path(path)) as store:
        watch = store.add_band(name="watch", driver="huami", address="C0:00", now=MONDAY)
        store.note_abilities(watch.id, Abilities(), family=Abilities(live=True))
    loaded = loaded_by("--db", path, "status")
    assert "hipsync.core.band_troubles" in loaded
    assert not {name.split(".")[0] for name in loaded} & {
        *HEAVY,
        "hipsync_devices",
        "xml",
        "socket",
        "asyncio",
        "email",
    }
    assert not loaded & {"hipsync.registry", "hipsync.settings.file", "hipsync.service.control_client"}


def test_the_line_of_a_status_bar_imports_no_store_where_there_is_no_database(tmp_path: Path) -> None:
    loaded = loaded_by("--db", str(tmp_path / "none.db"), "status", "--line")
    assert "hipsync.cli.status" in loaded
    assert not loaded & {"sqlite3", "hipsync.store", "hipsync.model", "hipsync.core.prompting"}


def test_drivers_import_no_simulator() -> None:
    code = "from hipsync.registry import drivers\nimport sys\ndrivers()\nprint(*sys.modules)"
    assert not [name for name in run(code) if name.startswith("hipsync_devices") and name.endswith(".sim")]


@pytest.mark.parametrize("proxies", [False, True])
def test_the_packages_for_proxies_are_imported_once_one_is_set(proxies: bool) -> None:
    """Everything that `hipsync run` imports for its radio, which it opens here as it does there."""
    settings = "RadioSettings('', False, (Proxy('127.0.0.1', port=1),))" if proxies else "RadioSettings()"
    code = (
        "import asyncio, sys, hipsync.cli.run, hipsync.service.daemon, hipsync.radio.first_meeting\n"
        "from zoneinfo import ZoneInfo\n"
        "from hipsync.cli.app import system_now\n"
        "from hipsync.radio.bleak_radio import opened_radio\n"
        "from hipsync.radio.opened import RadioSettings\n"
        "from hipsync.settings.config import Proxy\n"
        "async def main():\n"
        f"    async with opened_radio([], None, ZoneInfo('UTC'), system_now, {settings}): pass\n"
        "asyncio.run(main())\n"
        "print(*sys.modules)\n"
    )
    loaded = set(run(code))
    for name in ("hipsync.radio.proxies", "bleak_esphome", "aioesphomeapi", "habluetooth", "google.protobuf"):
        assert (name in loaded) == proxies, name


@pytest.mark.ring
def test_the_wheel_holds_the_two_packages_and_nothing_else(tmp_path: Path) -> None:
    """Built from the source distribution, as whoever packages hipsync does."""
    subprocess.run(["uv", "build", "--quiet", "--out-dir", str(tmp_path)], cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    tops = {Path(name).parts[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"hipsync", "hipsync_devices"}
    (source,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {Path(*Path(name).parts[1:]).as_posix() for name in archive.getnames()}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert {name for name in tracked if name.startswith(("hipsync/", "devices/", "docs/", "tests/"))} <= names
