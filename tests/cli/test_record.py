"""`hipsync sync --record FILE`: what is asked, written and refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hipsync.driver import OPENED
from hipsync.model import Counter, Epoch
from hipsync.radio import bleak_radio
from hipsync.registry import drivers
from hipsync.store import Store
from hipsync.store.keys import KeyFile
from hipsync.testing import capture, replay
from support.machine import Machine
from support.stored import NOW


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose simulated bands remember a day, not a week: each kind of packet comes in that too."""
    monkeypatch.setattr(bleak_radio, "REMEMBERED_DAYS", 1)
    return Machine(tmp_path, NOW)


def paired(machine: Machine, kind: str) -> None:
    done = machine.type("--db", str(machine.database), "pair", "--simulate", kind, "--name", "Kim's wrist")
    assert done.exit_code == 0, done.output
    machine.now += timedelta(minutes=61)


@pytest.mark.parametrize("kind", [pytest.param("fitpro", marks=pytest.mark.ring), "huami", "infinitime"])
def test_a_sync_is_written_down_for_its_owner_alone_and_replays(machine: Machine, kind: str) -> None:
    paired(machine, kind)
    file = machine.home / "talk.txt"
    done = machine.type("sync", "--record", str(file), "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].startswith(f"{file}: ")
    assert done.stdout.endswith(" lines; it replays\n")
    assert file.stat().st_mode & 0o777 == 0o600
    told = capture(file)
    readings = replay(told, drivers()[kind])
    with Store.read(machine.database) as store:
        (band,) = store.bands()
        stored = list(store.epochs(band.id, NOW - timedelta(days=9), machine.now))
    new = {each.start: each.steps for each in readings if isinstance(each, Epoch)}
    assert (kind == "infinitime") == (not new)
    assert new.items() <= {each.start: each.steps for each in stored}.items()
    text = file.read_text()
    key = KeyFile(machine.data / "keys.json").secret(band)
    assert (key is None) == (kind != "huami")
    assert key is None or key.hex() not in text
    assert "Kim" not in text
    assert str(band.address) not in text
    assert told.name == ""  # it replays without


def test_it_asks_and_no_means_nothing_happens(machine: Machine) -> None:
    paired(machine, "infinitime")
    file = machine.home / "talk.txt"
    with Store.read(machine.database) as store:
        (band,) = store.bands()
        before = len(store.syncs(band.id))
    done = machine.type("sync", "--record", str(file), stdin="n\n")
    assert done.exit_code == 1
    assert "It will not hold the band's key" in done.stderr
    assert not file.exists()
    with Store.read(machine.database) as store:
        assert len(store.syncs(band.id)) == before


@pytest.mark.parametrize("kind", ["garmin", "xiaomi"])
def test_a_band_whose_bytes_tell_whose_it_is_is_recorded_by_what_its_driver_has_opened(
    machine: Machine, kind: str
) -> None:
    paired(machine, kind)
    file = machine.home / "talk.txt"
    done = machine.type("sync", "--record", str(file), "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith(" lines; it replays\n")
    told = capture(file)
    assert {line.place[0] for line in told.lines} == {OPENED}
    assert [each for each in replay(told, drivers()[kind]) if isinstance(each, Epoch)]


def test_a_file_that_is_there_is_not_overwritten(machine: Machine) -> None:
    machine.band()
    file = machine.home / "talk.txt"
    file.write_text("mine")
    link = machine.home / "link.txt"
    link.symlink_to(machine.home / "nowhere")
    for taken in (file, link):
        assert machine.refused("sync", "--record", str(taken), "--yes", code=2) == (
            f"{taken} is there already: name a file that is not"
        )
    assert file.read_text() == "mine"


def test_a_place_where_no_file_can_be_is_refused_before_anything_is_done(machine: Machine) -> None:
    machine.band()
    nowhere = machine.home / "no" / "talk.txt"
    assert machine.refused("sync", "--record", str(nowhere), "--yes", code=2) == (
        f"there is no folder {nowhere.parent}: name a file in one that is there"
    )
    long = machine.home / ("x" * 300)
    assert machine.refused("sync", "--record", str(long), "--yes", code=2) == (
        f"{long} cannot be written: File name too long"
    )


def test_one_band_is_recorded_at_a_time(machine: Machine) -> None:
    machine.band()
    machine.band(name="other", address="C0:02")
    assert machine.refused("sync", "--record", str(machine.home / "talk.txt"), "--yes", code=2) == (
        "--record takes the conversation with one band: name it, `hipsync sync NAME --record FILE`"
    )


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can write")
def test_a_file_that_cannot_be_written_costs_the_file_alone(machine: Machine) -> None:
    paired(machine, "infinitime")
    done = machine.type("sync", "--record", "/proc/talk.txt", "--yes")
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "hipsync: /proc/talk.txt cannot be written: No such file or directory; what the band sent is stored"
    ]
    with Store.read(machine.database) as store:
        (band,) = store.bands()
        assert store.since(band.id)[Counter] == machine.now
