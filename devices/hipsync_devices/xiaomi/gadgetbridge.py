"""The minutes of Xiaomi's own bands in Gadgetbridge's database, and the nights beside them.

A minute has steps and a heart rate. Its kind is Gadgetbridge's own code, not the band's, and mostly says nothing; no
minute says whether the band was worn. Source: docs/protocols/gadgetbridge-db.md, sections 4 and 5; xiaomi.md, 10, 11
and 17.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise

from hipsync.driver import LeftOut, Row, Samples, SleepTable, Slept
from hipsync.model import Epoch
from hipsync_devices.samples import KINDS, NIGHT, UNCOUNTED, WRONG_SPAN, Counted, beats, by_minute, instant_in

AWAKE = 5
"""The code of a stage in which the wearer lay awake; 2, 3 and 4 are deep, light and REM sleep."""


def epochs(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Epoch | LeftOut]:
    """Yield an epoch for each minute that has rows with steps."""
    return by_minute((at, _counted(row)) for at, row in rows)


def _counted(row: Row) -> Counted | LeftOut:
    steps = row["STEPS"]
    if steps is None or steps < 0:
        return LeftOut(UNCOUNTED)
    return Counted(steps, beats(row["HEART_RATE"]), KINDS.get(row["RAW_KIND"] or 0))


def nights(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Slept | LeftOut]:
    """Yield each sleep, from falling asleep to waking. Nobody knows what the flag `IS_AWAKE` means: it is not used."""
    for at, row in rows:
        woke = instant_in(row["WAKEUP_TIME"])
        if woke is None or not at < woke <= at + NIGHT:
            yield LeftOut(WRONG_SPAN)
        else:
            yield Slept(at, woke)


def stages(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Slept | LeftOut]:
    """Yield the times awake within a sleep: a stage lasts until the next one begins."""
    for (at, row), (after, _) in pairwise(rows):
        if row["STAGE"] == AWAKE:
            yield Slept(at, after, asleep=False)


TABLES: Mapping[str, Samples] = {
    "XIAOMI_ACTIVITY_SAMPLE": Samples(
        ("STEPS", "RAW_KIND", "HEART_RATE"),
        epochs,
        (
            SleepTable("XIAOMI_SLEEP_TIME_SAMPLE", ("WAKEUP_TIME",), nights),
            SleepTable("XIAOMI_SLEEP_STAGE_SAMPLE", ("STAGE",), stages),
        ),
    ),
}
