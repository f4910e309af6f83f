"""What hipsync writes is its owner's alone: whatever the umask, and whatever others have put into a shared folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from pathlib import Path

import pytest

from hipsync.errors import ConfigError
from hipsync.host.lock import only_instance
from hipsync.private import replacing
from hipsync.store.keys import KeyFile
from support.builders import MONDAY, day
from support.machine import Machine

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Generator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_every_file_is_0600_and_every_folder_of_ours_0700(umask: int, machine: Machine) -> None:
    machine.band(day("8h sleep, 1h walk, 70m sit", MONDAY))
    machine.told("config", "set", "prompts.snooze", "15m")
    KeyFile(machine.data / "keys.json").set("desk-band", bytes(16))
    machine.told("db", "backup")
    assert machine.type("export", "--format", "json", "-o", str(machine.home / "all.json")).exit_code == 0
    assert machine.type("export", "-o", str(machine.home / "all.csv")).exit_code == 0
    machine.told("today", "--html", str(machine.home / "day.html"))
    machine.told("month", "--html", str(machine.home / "month.html"))
    with only_instance(machine.database):
        written = {str(file): stat.S_IMODE(file.stat().st_mode) for file in machine.home.rglob("*") if file.is_file()}
    assert {"keys.json", "config.toml", "hipsync.db", "hipsync.db.run", "all.csv", "month.html"} <= {
        Path(file).name for file in written
    }
    assert {file: oct(mode) for file, mode in written.items() if mode != 0o600} == {}
    ours = [machine.data, machine.data / "backups", machine.settings.parent]
    assert [oct(stat.S_IMODE(folder.stat().st_mode)) for folder in ours] == ["0o700"] * 3


@pytest.mark.parametrize(
    "words",
    [("export", "-o"), ("export", "--format", "json", "-o"), ("today", "--html"), ("week", "--html")],
    ids=" ".join,
)
@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can make links of another user")
def test_no_link_that_somebody_planted_is_followed(words: tuple[str, ...], machine: Machine) -> None:
    """In /tmp another user puts links to a file of ours where the output, or a draft of it, may be made."""
    machine.band(day("8h sleep, 1h walk, 70m sit", MONDAY))
    precious = machine.home / "precious"
    precious.write_text("keep")
    shared = machine.home / "tmp"
    shared.mkdir()
    out = shared / "out"
    for planted in (out, shared / "out.new", shared / f".out.{os.getpid()}.new"):
        planted.symlink_to(precious)
        os.chown(planted, 65534, 65534, follow_symlinks=False)
    assert machine.type(*words, str(out)).exit_code == 0
    assert precious.read_text() == "keep"
    assert not out.is_symlink()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert (shared / "out.new").is_symlink(), "and what is not ours is left alone"


def test_a_link_of_ours_is_written_through(machine: Machine) -> None:
    machine.band(day("8h sleep, 1h walk, 70m sit", MONDAY))
    real, link, second = machine.home / "real.csv", machine.home / "link.csv", machine.home / "second.csv"
    link.symlink_to(second)
    second.symlink_to("real.csv")
    assert machine.type("export", "-o", str(link)).exit_code == 0
    assert real.read_text().startswith("timestamp,")
    assert link.is_symlink()
    assert second.is_symlink()


def test_a_draft_that_nobody_could_foresee_is_all_that_lies_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("older")
    seen: list[str] = []

    def fail() -> None:
        with replacing(file) as fresh:
            seen.append(fresh.name)
            fresh.write_text("half")
            raise ConfigError("no")

    for _ in range(2):
        with pytest.raises(ConfigError):
            fail()
    assert file.read_text() == "older"
    assert list(tmp_path.iterdir()) == [file]
    assert len(set(seen)) == 2


def test_a_lock_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")
    (tmp_path / "hipsync.db.run").symlink_to(precious)
    with pytest.raises(Exception, match="cannot be made"), only_instance(tmp_path / "hipsync.db"):
        pass
    assert precious.read_text() == "keep"
