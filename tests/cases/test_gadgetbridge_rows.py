"""Rows of Gadgetbridge that say nothing, or nonsense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cases.kit import DAY, HOUR, Sample, write_gadgetbridge
from hipsync.model import MINUTE, State
from hipsync.store import Store
from support.machine import Machine

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
START = NOON - 3 * HOUR


def second(number: int) -> datetime:
    return START + timedelta(seconds=number)


ROWS = [
    Sample(START, 0, 0, 112, 255),
    Sample(second(60), 18, 0, 112, 63),
    *(Sample(second(100 + i), -1 if i != 2 else 2941, -1, 1, -1) for i in range(9)),
    Sample(second(120), 80, 100, 1, 254),
    Sample(second(180), -1, -1, -1, -1),
    Sample(second(240), 40, 200, 1, 255),
    Sample(second(300), 40, 256, 1, 90),
    Sample(datetime(2000, 4, 29, 9, 2, tzinfo=UTC), 20, 500, 1, 80),
    Sample(NOON + 10 * DAY, 20, 50, 1, 80),
]


def test_rows_of_minus_one_and_impossible_ones_are_left_out_and_the_others_are_kept(tmp_path: Path) -> None:
    """Gadgetbridge #1154 (rows every second with -1 and one high intensity), Gadgetbridge #91 (steps of -1, and a stamp
    in 2000), Gadgetbridge #1335 (a row in the future), and pulses of 255 and 254."""
    source = tmp_path / "gadgetbridge.db"
    write_gadgetbridge(source, "Amazfit Bip Watch", ROWS)
    machine = Machine(tmp_path, NOON)
    done = machine.type("import", "gadgetbridge", str(source))
    assert done.exit_code == 0, done.output
    assert "2 rows with a time that cannot be" in done.output
    with Store.open(machine.database) as store:
        (band,) = store.bands()
        kept = store.epochs(band.id, NOON - 40 * 365 * DAY, NOON + 40 * DAY)
    assert [((e.start - START) // MINUTE, e.steps, e.intensity, e.heart_rate, e.state) for e in kept] == [
        (0, 0, 0, None, State.ASLEEP),
        (1, 0, 18, 63, State.ASLEEP),
        (2, 100, 80, 254, State.WALKING),
        (4, 200, 40, None, State.WALKING),
    ]
