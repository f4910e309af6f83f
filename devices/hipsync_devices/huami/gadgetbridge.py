"""The minutes of Huami bands in Gadgetbridge's database, which has the kind byte as the band sent it.

While live heart rate is on, Gadgetbridge adds rows of its own every second: without intensity (-1), off the whole
minute, and with a kind that the band never sent. They give the minute a heart rate if the band gave it none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

from hipsync.driver import LeftOut, Row, Samples
from hipsync.model import MINUTE, STEPS_A_MINUTE, Epoch
from hipsync_devices.huami.packets import HEART_RATES, NEWER_STATES, STATES, STEPPING
from hipsync_devices.samples import UNCOUNTED

COLUMNS = ("RAW_INTENSITY", "STEPS", "RAW_KIND", "HEART_RATE")
LIVE, IMPOSSIBLE = "of live heart rate", "with what no such band sends"
"""Why a row is left out."""


def epochs(rows: Iterator[tuple[datetime, Row]], *, newer: bool) -> Iterator[Epoch | LeftOut]:
    """Yield an epoch for each minute that has rows of the band, as `packets.decode_records` makes them.

    -1 means "not measured"; a row without kind or steps is left out. The band's own rows begin at whole minutes, except
    those of a Mi Band 1, which may lie at any second: then a minute can have two, whose steps are added.
    """
    for start, part in groupby(rows, key=lambda each: each[0].replace(second=0, microsecond=0)):
        own: list[Row] = []
        live: list[Row] = []
        for at, row in part:
            if at != start and row["RAW_INTENSITY"] in {None, -1}:
                live.append(row)
            elif (why := _no_minute(row)) is not None:
                yield LeftOut(why)
            else:
                own.append(row)
        lent = _heart_rate(live) if own and _heart_rate(own) is None else None
        if unused := len(live) - (lent is not None):
            yield LeftOut(LIVE, unused)
        if own:
            yield _minute(start, own, lent, newer=newer)


def _no_minute(row: Row) -> str | None:
    """Why a row of the band is no minute; None if it is one."""
    steps, kind = row["STEPS"], row["RAW_KIND"]
    if steps is None or kind is None or steps < 0 or kind < 0:
        return UNCOUNTED
    return None if steps <= 0xFF and kind <= 0xFF else IMPOSSIBLE


def _minute(start: datetime, own: Sequence[Row], lent: int | None, *, newer: bool) -> Epoch:
    """The epoch of one minute from the band's own rows, of which the one with the most steps says what was done.

    `lent` is a heart rate for a minute to which the band gave none.
    """
    states, stepping = (NEWER_STATES, NEWER_STATES) if newer else (STATES, STEPPING)
    main = max(own, key=lambda row: row["STEPS"] or 0)
    total, most = sum(row["STEPS"] or 0 for row in own), main["STEPS"] or 0
    steps, kind, intensity = (total if total <= STEPS_A_MINUTE else most), main["RAW_KIND"] or 0, main["RAW_INTENSITY"]
    return Epoch(
        start,
        MINUTE,
        steps,
        intensity if intensity is not None and 0 <= intensity <= 0xFF else None,
        lent or _heart_rate(own),
        stepping[kind] if steps else states[kind],
        kind,
    )


def _heart_rate(rows: Sequence[Row]) -> int | None:
    """The last heart rate in some rows; None if they have none."""
    bytes_of = [bpm for row in rows if (bpm := row["HEART_RATE"]) is not None and 0 <= bpm <= 0xFF]
    return next((beats for bpm in reversed(bytes_of) if (beats := HEART_RATES[bpm]) is not None), None)


TABLES: Mapping[str, Samples] = {
    "MI_BAND_ACTIVITY_SAMPLE": Samples(COLUMNS, partial(epochs, newer=False)),
    "HUAMI_EXTENDED_ACTIVITY_SAMPLE": Samples(COLUMNS, partial(epochs, newer=True)),
}
