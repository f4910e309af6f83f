"""The files with figures for notices: private, whole, as they are drawn now, and missed by nobody if they cannot be."""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from hipsync.core.exercises import MOVES, Move
from hipsync.core.figures import FIGURES
from hipsync.host.paths import figures_dir
from hipsync.report.figure_icon import icon
from hipsync.service.figure_files import FigureFiles

MOVE = MOVES[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "figures"


@pytest.mark.parametrize("move", MOVES, ids=[move.name for move in MOVES])
def test_each_exercise_of_ours_has_one(move: Move, folder: Path) -> None:
    file = FigureFiles(folder).of(move)
    assert file is not None
    assert file == folder / f"{move.name}.svg"
    assert file.read_text() == icon(FIGURES[move.name])


def test_only_its_owner_can_read_it_and_it_is_written_once(folder: Path) -> None:
    files = FigureFiles(folder)
    file = files.of(MOVE)
    assert file is not None
    first = file.stat()
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file, folder)] == [0o600, 0o700]
    assert files.of(MOVE) == file
    assert FigureFiles(folder).of(MOVE) == file
    assert file.stat() == first


def test_one_of_another_version_or_one_that_was_damaged_is_drawn_anew(folder: Path) -> None:
    file = FigureFiles(folder).of(MOVE)
    assert file is not None
    file.write_text("<svg")
    FigureFiles(folder).of(MOVE)
    assert file.read_text() == icon(FIGURES[MOVE.name])


def test_without_a_figure_or_a_folder_there_is_none(folder: Path) -> None:
    assert FigureFiles(folder).of(MOVE._replace(name="mine")) is None
    assert FigureFiles(None).of(MOVE) is None
    assert not folder.exists()


@pytest.mark.parametrize(
    ("system", "found"), [("linux", Path("/run/user/7/hipsync/figures")), ("darwin", None), ("win32", None)]
)
def test_there_is_a_folder_where_servers_show_such_files(
    system: str, found: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.setattr("sys.platform", system)
    assert figures_dir() == found


def file_in_the_way(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("")


def link_elsewhere(folder: Path) -> None:
    elsewhere = folder.parents[1] / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)


def others_may_write(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)


def folder_in_its_place(folder: Path) -> None:
    (folder / f"{MOVE.name}.svg").mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)


@pytest.mark.parametrize("obstacle", [file_in_the_way, link_elsewhere, others_may_write, folder_in_its_place])
def test_what_cannot_be_written_is_logged_once(
    obstacle: Callable[[Path], None], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "hipsync.service.figure_files")
    obstacle(folder)
    before = sorted(folder.parents[1].rglob("*"))
    files = FigureFiles(folder)
    assert [files.of(MOVE), files.of(MOVE)] == [None, None]
    assert sorted(folder.parents[1].rglob("*")) == before
    (warned,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warned.startswith(f"no figure in notices: {folder}/{MOVE.name}.svg: ")
