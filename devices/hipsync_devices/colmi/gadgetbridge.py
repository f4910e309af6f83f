"""The steps of a Colmi ring in Gadgetbridge's database, as hours, because no ring was seen to record finer slots.

Its nights stand in a table of their own. An hour of which it slept only a part is not called asleep. Source:
docs/protocols/gadgetbridge-db.md, sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial

from hipsync.driver import LeftOut, Row, Samples, SleepTable, Slept
from hipsync_devices.colmi.hours import HOUR
from hipsync_devices.samples import BEGINNING, NIGHT, WRONG_SPAN, instant_in, summed


def nights(rows: Iterator[tuple[datetime, Row]]) -> Iterator[Slept | LeftOut]:
    """Yield each sleep, from falling asleep to the last full hour before waking."""
    for at, row in rows:
        woke = instant_in(row["WAKEUP_TIME"])
        if woke is None or not at < woke <= at + NIGHT:
            yield LeftOut(WRONG_SPAN)
        elif (hour := woke - (woke - BEGINNING) % HOUR) > at:
            yield Slept(at, hour)


TABLES: Mapping[str, Samples] = {
    "COLMI_ACTIVITY_SAMPLE": Samples(
        ("STEPS",),
        partial(summed, length=HOUR),
        (SleepTable("COLMI_SLEEP_SESSION_SAMPLE", ("WAKEUP_TIME",), nights),),
    )
}
