"""The minutes and nights of Huawei's and Honor's bands in Gadgetbridge's database, also of those that no radio reaches.

One table has both. Each span is stored twice, from its start to its end and back; the second way is passed over. No
minute says whether the band was worn. Source: docs/protocols/huawei.md, section 15.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from hipsync.driver import LeftOut, Row, Samples, SleepTable, Slept
from hipsync.model import MINUTE, Epoch
from hipsync_devices.samples import NIGHT, UNCOUNTED, WRONG_SPAN, Counted, beats, by_minute, instant_in

TABLE = "HUAWEI_ACTIVITY_SAMPLE"
MINUTES, SLEEPS = 0x0B, frozenset({0x0A, 0x0D})
"""The values of `SOURCE` for minutes, and for spans of sleep."""
ASLEEP = frozenset({6, 7})
"""The kinds of light and deep sleep."""
OTHER, NO_MINUTE = "that are neither minutes nor sleep", "that say to be a minute, and are none"
"""Why a row is left out."""


def epochs(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Epoch | LeftOut]:
    """Yield an epoch for each minute: one that is listed without steps was still, one that is not listed is unknown."""
    return by_minute((at, found) for at, row in rows if (found := _counted(at, row)) is not None)


def _counted(at: datetime, row: Row) -> Counted | LeftOut | None:
    """What a row says as a minute; None for a row of sleep, and for one that goes back in time."""
    source, end, steps = row["SOURCE"], instant_in(row["OTHER_TIMESTAMP"]), row["STEPS"]
    if source in SLEEPS:
        return None
    if source != MINUTES:
        return LeftOut(OTHER)
    if end is not None and end <= at:
        return None
    if end != at + MINUTE:
        return LeftOut(NO_MINUTE)
    return LeftOut(UNCOUNTED) if steps is None or steps < 0 else Counted(steps, _beats(row["HEART_RATE"]))


def _beats(cell: int | None) -> int | None:
    """The heart rate in a cell: -1 is none, and Gadgetbridge stored rates from 128 on as signed bytes."""
    return beats(cell + 256 if cell is not None and cell < -1 else cell)


def nights(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Slept | LeftOut]:
    """Yield each span of sleep of a band. Spans may overlap."""
    for at, row in rows:
        end = instant_in(row["OTHER_TIMESTAMP"])
        if row["SOURCE"] not in SLEEPS or row["RAW_KIND"] not in ASLEEP or (end is not None and end <= at):
            continue
        if end is None or end > at + NIGHT:
            yield LeftOut(WRONG_SPAN)
        else:
            yield Slept(at, end)


TABLES: Mapping[str, Samples] = {
    TABLE: Samples(
        ("OTHER_TIMESTAMP", "SOURCE", "STEPS", "HEART_RATE"),
        epochs,
        (SleepTable(TABLE, ("OTHER_TIMESTAMP", "SOURCE", "RAW_KIND"), nights),),
    ),
}
