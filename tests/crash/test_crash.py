"""The crash ring: whatever is cut or killed, the minutes in the database and those on the band are all there are.

The band lives in another process and deletes what is acknowledged. The same ring with commit and resume swapped must
lose minutes, or it proves nothing.
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

from crash.band import MINUTES, NOW
from crash.process import process

ALL = {int(NOW.timestamp()) // 60 - MINUTES + i for i in range(MINUTES)}
LONGEST_S = 0.6
"""A whole sync takes about this long from when its radio is open."""


def stored(path: Path) -> set[int]:
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT start / 60 FROM epochs").fetchall()
    minutes = {minute for (minute,) in rows}
    assert len(minutes) == len(rows), "a minute is there twice"
    return minutes


@dataclass
class Ring:
    """What the runs came to."""

    runs: int = 0
    killed: int = 0
    cut: int = 0
    interrupted: int = 0
    """In the middle: some minutes had been erased from the band, and some not."""
    lost: int = 0
    """Runs after which a minute was neither stored nor on the band."""


def ring(folder: Path, runs: int, order: str, *, recover_every: int = 10) -> Ring:
    found = Ring()
    with process("crash.band") as band, process("crash.client") as client:
        for run in range(runs):
            chance = random.Random(run)
            path = folder / f"{order}-{run}.db"
            kill = chance.random() < 0.5
            band.tell(f"new huami {run} {-1 if kill else chance.randrange(150)} {MINUTES}")
            transport = band.hear()
            client.tell(f"huami {transport} {path} {order}")
            pid = int(client.hear())
            said = client.hear()
            if kill and said == "open":
                time.sleep(chance.random() * LONGEST_S)  # the point of the crash, not a wait for something
                with suppress(ProcessLookupError):  # it was done already
                    os.kill(pid, signal.SIGKILL)
            while not said.startswith("ended"):
                said = client.hear()
            band.tell("held")
            memory = json.loads(band.hear())
            there = stored(path)
            found.runs += 1
            found.killed += said == f"ended {-signal.SIGKILL}"
            found.cut += said == "ended 1"
            found.interrupted += bool(memory["erased"]) and bool(memory["held"])
            found.lost += there | set(memory["held"]) != ALL
            if order == "right" and run % recover_every == 0:
                client.tell(f"huami {transport} {path} right")
                while not (said := client.hear()).startswith("ended"):
                    pass
                assert said == "ended 0"
                assert stored(path) == ALL, "the next sync did not bring the rest"
    return found


def test_a_few_crashes_lose_nothing(tmp_path: Path) -> None:
    found = ring(tmp_path, 6, "right", recover_every=1)
    assert (found.runs, found.lost) == (6, 0)


@pytest.mark.long
def test_two_hundred_crashes_lose_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = ring(tmp_path, 200, "right")
    with capsys.disabled():
        print(f"\ncrash ring: {found}")
    assert (found.runs, found.lost) == (200, 0)
    assert found.interrupted >= 40, "too few runs were hit in the middle to prove anything"


@pytest.mark.ring
def test_the_ring_notices_when_commit_and_resume_are_swapped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ring(tmp_path, 40, "swapped")
    with capsys.disabled():
        print(f"\ncrash ring, swapped on purpose: {found}")
    assert found.lost > 0
