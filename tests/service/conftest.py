"""What the tests of the running service share: a database with somebody who sits, and short waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipsync.model import MINUTE, Epoch
from hipsync.service import alarm
from hipsync.store import Store
from support.running_service import CLOCK, SECOND


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The running service looks and tries again within fractions of a second."""
    monkeypatch.setattr(alarm, "AT_MOST_EVERY", 0.02 * SECOND)
    monkeypatch.setattr(alarm, "AFTER_FAILURE", 0.1 * SECOND)
    monkeypatch.setattr(alarm, "LOOK_EVERY", 0.05 * SECOND)
    monkeypatch.setattr(alarm, "LISTEN_EVERY", 0.05 * SECOND)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database in which somebody has been sitting for an hour and a half, without a prompt so far."""
    path = tmp_path / "hipsync.db"
    now = CLOCK.now()
    minute = now.replace(second=0, microsecond=0)
    with Store.open(path) as store:
        band = store.add_band(name="data", driver="csv", now=now, vouches=True, reports_wear=True)
        walked = [Epoch(minute - (100 - i) * MINUTE, MINUTE, 100, heart_rate=90) for i in range(10)]
        sat = [Epoch(minute - (90 - i) * MINUTE, MINUTE, 0, heart_rate=60) for i in range(90)]
        store.append(band.id, walked + sat)
    return path
