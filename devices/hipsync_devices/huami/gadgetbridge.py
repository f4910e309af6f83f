"""The minutes of Huami bands in Gadgetbridge's database, which has the kind byte as the band sent it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial

from hipsync.driver import Row, Samples
from hipsync.model import MINUTE, Epoch
from hipsync_devices.huami.packets import HEART_RATES, NEWER_STATES, STATES, STEPPING

COLUMNS = ("RAW_INTENSITY", "STEPS", "RAW_KIND", "HEART_RATE")


def epochs(rows: Iterator[tuple[datetime, Row]], *, newer: bool) -> Iterator[Epoch]:
    """Yield an epoch of a minute for each row, as `packets.decode_records` makes them.

    -1 means "not measured"; a row without kind or steps is left out. Stamps are cut to the whole minute, because those
    of a Mi Band 1 may be at any second. Of two rows in one minute the store takes the one with more steps.
    """
    states, stepping = (NEWER_STATES, NEWER_STATES) if newer else (STATES, STEPPING)
    for at, row in rows:
        steps, kind, intensity, bpm = row["STEPS"], row["RAW_KIND"], row["RAW_INTENSITY"], row["HEART_RATE"]
        if steps is None or kind is None or not (0 <= steps <= 0xFF and 0 <= kind <= 0xFF):
            continue
        yield Epoch(
            at.replace(second=0, microsecond=0),
            MINUTE,
            steps,
            intensity if intensity is not None and 0 <= intensity <= 0xFF else None,
            HEART_RATES[bpm] if bpm is not None and 0 <= bpm <= 0xFF else None,
            stepping[kind] if steps else states[kind],
            kind,
        )


TABLES: Mapping[str, Samples] = {
    "MI_BAND_ACTIVITY_SAMPLE": Samples(COLUMNS, partial(epochs, newer=False)),
    "HUAMI_EXTENDED_ACTIVITY_SAMPLE": Samples(COLUMNS, partial(epochs, newer=True)),
}
