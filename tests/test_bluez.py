"""The BlueZ ring: the product's own commands on a real BlueZ, for every kind of band that it knows.

`tests/bluez/guest` is the machine, `tests/bluez/ring.py` what runs there. Only the radio waves are not real.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.cli.app import system_now
from hipsync.life import office_days
from hipsync.model import MINUTE, Epoch
from hipsync.registry import drivers

FOLDER = Path(__file__).parent / "bluez"
NO_GUEST = 77
ADDRESS = "C8:0F:10:80:D0:21"
KEY = "00112233445566778899aabbccddeeff"


@dataclass(frozen=True, slots=True)
class Care:
    """What the ring must know of a kind of band."""

    name: str | None = None
    """What it advertises, where that is told in full."""
    remembers: timedelta = timedelta(days=2)
    """How far back its memory goes; the ring gives it no older minutes."""


CARE = {"huami": Care("Mi Smart Band 5"), "infinitime": Care("InfiniTime")}


@pytest.mark.bluez
@pytest.mark.parametrize("kind", sorted(drivers()))
def test_a_band_is_found_paired_read_and_buzzed_through_bluez(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    driver, care = drivers()[kind], CARE.get(kind, Care())
    life = _life(system_now(), care.remembers)
    told = _ring(kind, life, tmp_path)
    with capsys.disabled():
        print(f"\n{kind}: {told['seconds']}; connects (seconds, attempts): {told['connects']}")

    (found,) = json.loads(told["said"]["scan"])["devices"]
    assert found["address"] == ADDRESS
    assert found["drivers"][0] == kind
    assert care.name in {None, found["name"]}
    stored = told["stored"]
    if driver.abilities.history is None:
        today = life[-1].start.date()
        walked = sum(epoch.steps for epoch in life if epoch.start.date() == today)
        assert [steps for _, steps in stored["sync"]["counters"]][-1] == walked
        assert not stored["again"]["epochs"]
    else:
        _same_minutes(stored["sync"]["epochs"], life)
        assert stored["again"]["epochs"] == stored["sync"]["epochs"]
        assert told["said"]["again"] == "wrist: nothing new\n"
    if driver.nudge is not None:
        felt = "\n".join(told["shown"])
        assert ("Here I am" if driver.abilities.text else "it buzzes") in felt


def _life(now: datetime, remembers: timedelta) -> list[Epoch]:
    """An office day, yesterday's too, up to now."""
    days = office_days(now.date() - timedelta(days=1), 2, ZoneInfo("UTC"))
    return [epoch for epoch in days if epoch.start >= now - remembers and epoch.end <= now]


def _ring(kind: str, life: Sequence[Epoch], folder: Path) -> Any:
    """What `ring.py` told; skips where there can be no guest."""
    with (folder / "minutes.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "steps"])
        rows.writerows([epoch.start.isoformat(), epoch.steps] for epoch in life)
    key = folder / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    inside: list[str | Path] = [sys.executable, FOLDER / "ring.py", kind, folder / "minutes.csv", key]
    done = subprocess.run([FOLDER / "guest", *inside], capture_output=True, text=True, check=False)
    if done.returncode == NO_GUEST:
        pytest.skip(f"no guest with BlueZ: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _same_minutes(stored: Sequence[tuple[int, int, int]], life: Sequence[Epoch]) -> None:
    """Each slot holds the steps of its minutes, none with steps is missing, and only the running slot may be."""
    assert stored
    walked = {int(epoch.start.timestamp()): epoch.steps for epoch in life}
    for start, length, steps in stored:
        assert steps == sum(walked.get(start + 60 * i, 0) for i in range(length)), datetime.fromtimestamp(start, UTC)
    end = max(start + 60 * length for start, length, _ in stored)
    assert sum(steps for *_, steps in stored) == sum(steps for start, steps in walked.items() if start < end)
    assert life[-1].end.timestamp() - end < 3600


def test_a_slot_that_lost_steps_is_noticed() -> None:
    life = [Epoch(datetime(2026, 11, 20, 10, tzinfo=UTC) + i * MINUTE, MINUTE, i) for i in range(20)]
    start = int(life[0].start.timestamp())
    _same_minutes([(start, 15, 105)], life)  # 0 + 1 + ... + 14
    for wrong in ([(start, 15, 104)], [(start + 900, 5, 85)], []):
        with pytest.raises(AssertionError):
            _same_minutes(wrong, life)
