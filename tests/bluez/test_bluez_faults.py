"""Bluetooth breaks under `hipsync run`, on a real BlueZ: no minute is lost or doubled, and it recovers by itself.

`tests/bluez/faults.py` is what runs in the guest; the expectation is summed from the made-up minutes alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bluez.faults import life
from hipsync.model import Epoch
from support.guest import said_in_guest

TIMEOUT_S = 2000
KEY = "00112233445566778899aabbccddeeff"
LATE_S = 75
"""What a band counts, it may tell a minute later."""


@pytest.mark.bluez
def test_no_minute_is_lost_or_doubled_whatever_happens_to_bluetooth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    said = said_in_guest([sys.executable, "-m", "bluez.faults", str(key)], TIMEOUT_S)
    told: dict[str, Any] = json.loads(said.splitlines()[-1])
    with capsys.disabled():
        print(f"\n{table(told)}")

    assert told["alive"], "one process from the beginning to the end"
    assert max(told["before"]) < len(told["memory"]["epochs"]) * 0.9, "both transfers were in their middle"
    for name, fault in told["faults"].items():
        assert fault["noticed"], f"{name}: nobody was told"
        assert all(why for _, why in fault["noticed"].values()), name
        assert None not in fault["recovered"].values(), f"{name}: it did not recover"
    walked = life(datetime.fromisoformat(told["now"]))
    same_minutes(told["memory"]["epochs"], walked, told["ended"])
    counted(told["live"]["counters"], walked)


def same_minutes(stored: Sequence[tuple[int, int, int]], walked: Sequence[Epoch], ended: float) -> None:
    """Every minute from the first one that is held up to the end, once, with its steps."""
    steps = {int(epoch.start.timestamp()): epoch.steps for epoch in walked}
    starts = [start for start, _, _ in stored]
    assert starts == [*range(min(steps), starts[-1] + 60, 60)]
    assert all(length == 1 and count == steps[start] for start, length, count in stored)
    assert ended - starts[-1] < 60 + LATE_S


def counted(counters: Sequence[tuple[int, int]], walked: Sequence[Epoch]) -> None:
    """Each count is that of the day up to when it was told."""
    assert len(counters) > 10
    for at, count in counters:
        day = datetime.fromtimestamp(at, UTC).date()
        so_far = [(epoch.end.timestamp(), epoch.steps) for epoch in walked if epoch.start.date() == day]
        least = sum(steps for end, steps in so_far if end <= at - LATE_S)
        most = sum(steps for end, steps in so_far if end <= at + 60)
        assert least <= count <= most, datetime.fromtimestamp(at, UTC)


def table(told: dict[str, Any]) -> str:
    rows = [f"{'fault':<20}{'band':<8}{'told after s':>13}{'back after s':>13}  why"]
    for name, fault in told["faults"].items():
        for band, back in fault["recovered"].items():
            after, why = fault["noticed"].get(band, ("-", "it was not called meanwhile"))
            rows.append(f"{name:<20}{band:<8}{after:>13}{back or '-':>13}  {why}")
    stored = {name: len(told[name][kind]) for name, kind in (("memory", "epochs"), ("live", "counters"))}
    return "\n".join([*rows, f"stored: {stored['memory']:,} minutes, {stored['live']} counts"])


def test_a_minute_that_is_lost_or_wrong_is_noticed() -> None:
    walked = life(datetime(2026, 11, 20, 10, tzinfo=UTC))[:200]
    good = [(int(epoch.start.timestamp()), 1, epoch.steps) for epoch in walked]
    ended = walked[-1].end.timestamp() + 30
    same_minutes(good, walked, ended)
    for wrong in (good[:50] + good[51:], [*good[:50], (good[50][0], 1, good[50][2] + 1), *good[51:]], good[1:]):
        with pytest.raises(AssertionError):
            same_minutes(wrong, walked, ended)
    with pytest.raises(AssertionError):
        same_minutes(good, walked, ended + 200)
