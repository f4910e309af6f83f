"""A folder that a program copies to other computers is known by what such programs leave in it, or by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipsync.host.synchronised import synchroniser_of
from hipsync.model import MINUTE
from support.builders import MONDAY
from support.machine import Machine
from support.stored import minute


@pytest.mark.parametrize(
    ("sign", "program"),
    [
        (".stfolder", "Syncthing"),
        (".dropbox.cache", "Dropbox"),
        (".sync_0a1b2c.db", "Nextcloud or ownCloud"),
        (".sync", "Resilio Sync"),
    ],
)
def test_a_sign_in_any_folder_above_is_seen(sign: str, program: str, tmp_path: Path) -> None:
    database = tmp_path / "copied" / "deep" / "hipsync.db"
    database.parent.mkdir(parents=True)
    assert synchroniser_of(database) is None
    (tmp_path / "copied" / sign).touch()
    assert synchroniser_of(database) == program


@pytest.mark.parametrize(
    ("folder", "program"),
    [("Dropbox", "Dropbox"), ("OneDrive - Work", "OneDrive"), ("Nextcloud", "Nextcloud"), ("Dropboxes", None)],
)
def test_so_is_the_name_of_a_folder(folder: str, program: str | None, tmp_path: Path) -> None:
    assert synchroniser_of(tmp_path / folder / "data" / "hipsync.db") == program


def test_a_person_may_be_called_like_such_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "mega"
    assert synchroniser_of(home / "hipsync.db") == "MEGA"
    monkeypatch.setenv("HOME", str(home))
    assert synchroniser_of(home / "hipsync.db") is None


def test_doctor_warns_of_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path, MONDAY)
    machine.band([minute(0, 3)])
    machine.now = MONDAY + MINUTE
    assert "seems to copy" not in machine.type("doctor").stdout
    (machine.data / ".stfolder").mkdir()
    assert f"Syncthing seems to copy {machine.data}, and may copy half of it" in machine.type("doctor").stdout
