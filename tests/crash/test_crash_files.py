"""The crash ring of bands that forget whole files: whatever is cut or killed, the next sync brings all minutes.

The band lives in another process, and forgets each file that hipsync lets it forget. Two hundred runs a family are in
`.ci/run --long`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from crash.band import NOW, OF_FILES
from crash.process import Process, process

TWO_FILES = 1440
"""The minutes of a day from noon to noon, which stand in two files."""


@dataclass
class FileRing:
    """What the runs with a band that forgets whole files came to."""

    runs: int = 0
    interrupted: int = 0
    """In the middle: some minutes were stored, and some not."""
    forgetting: int = 0
    """Runs that were struck after the band had been told to forget something, and before everything was stored."""
    short: int = 0
    """Runs after which the next sync did not bring the rest."""


def covered(path: Path) -> set[int]:
    """The minutes that are stored, of epochs of any length."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT start / 60, length FROM epochs").fetchall()
    minutes = {start + i for start, length in rows for i in range(length)}
    assert len(minutes) == sum(length for _, length in rows), "a minute is there twice"
    return minutes


def synced(client: Process, line: str, kill_after_s: float | None = None) -> tuple[str, float]:
    """Sync once, killed after so many seconds from when the radio is open; return how it ended, and its seconds."""
    client.tell(line)
    pid, said = int(client.hear()), client.hear()
    began = time.monotonic()
    if kill_after_s is not None and said == "open":
        time.sleep(kill_after_s)  # the point of the crash, not a wait for something
        with suppress(ProcessLookupError):  # it was done already
            os.kill(pid, signal.SIGKILL)
    while not said.startswith("ended"):
        said = client.hear()
    return said, time.monotonic() - began


def file_ring(folder: Path, family: str, runs: int, minutes: int = OF_FILES) -> FileRing:
    everything = {int(NOW.timestamp()) // 60 - minutes + i for i in range(minutes)}
    notifications = 300 * minutes // OF_FILES
    found, longest_s = FileRing(), 0.0
    with process("crash.band") as band, process("crash.client") as client:
        for run in range(-1, runs):  # the first one is not struck: it shows how long a whole sync takes
            chance, path = random.Random(run), folder / f"{family}-{run}.db"
            kill = run >= 0 and chance.random() < 0.7
            cut = chance.randrange(notifications) if run >= 0 and not kill else -1
            band.tell(f"new {family} {run} {cut} {minutes}")
            line = f"{family} {band.hear()} {path} right"
            said, seconds = synced(client, line, chance.random() * longest_s if kill else None)
            if run < 0:
                assert (said, covered(path)) == ("ended 0", everything)
                longest_s = seconds
                continue
            there = covered(path)
            band.tell("held")
            forgotten = json.loads(band.hear())
            found.runs += 1
            found.interrupted += bool(there) and there != everything
            found.forgetting += bool(forgotten) and there != everything
            said, _ = synced(client, line)
            found.short += (said, covered(path)) != ("ended 0", everything)
    return found


@pytest.mark.parametrize("family", ["xiaomi", "garmin"])
def test_a_crash_between_files_loses_nothing(family: str, tmp_path: Path) -> None:
    found = file_ring(tmp_path, family, 1, minutes=TWO_FILES)
    assert (found.runs, found.short) == (1, 0)


@pytest.mark.ring
@pytest.mark.parametrize("family", ["xiaomi", "garmin"])
def test_two_hundred_crashes_between_files_lose_nothing(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = file_ring(tmp_path, family, 200)
    with capsys.disabled():
        print(f"\ncrash ring, {family}: {found}")
    assert (found.runs, found.short) == (200, 0)
    assert found.forgetting >= 10, "too few runs were hit between two files to prove anything"
