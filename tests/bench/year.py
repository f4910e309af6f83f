"""A year of a made-up wearer's minutes, as the driver of a Mi Band would report them, and a database that holds it.

uv run python -m bench.year 2026-11-22 > worker.csv       four weeks up to that day, for `hipsync import csv`
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from hipsync.model import BandId, Epoch, State
from hipsync.office_day import office_days
from hipsync.store import Store

MINUTES = 365 * 1440
BATCH = 2000
"""Minutes that a band sends in one round, and hipsync stores in one transaction."""
EVENING = 18
"""The local hour at which the data end, so that the last day has its night, its work and most of its stretches."""
KINDS = {State.ASLEEP: 0x70, State.NOT_WORN: 0x73, State.SITTING: 0x50, State.WALKING: 0x01, State.CYCLING: 0x01}
"""The codes that a Mi Band has for these states; it has none for cycling, so that is walking."""


@cache
def system_now() -> datetime:
    """Return the whole minute in which this process first asked: about what `hipsync today` will take for now."""
    return datetime.now(UTC).replace(second=0, microsecond=0)  # noqa: TID251  the product's own clock is what counts


@cache
def zone_of(now: datetime) -> str:
    """Return a zone in which it is between 18:00 and 19:00 now, so that the hour of the run makes no difference."""
    east = (EVENING - now.hour + 11) % 24 - 11
    return f"Etc/GMT{-east:+d}"  # POSIX's sign: west is positive


@cache
def epochs(minutes: int = MINUTES) -> Sequence[Epoch]:
    """Return the last `minutes` of an office worker's life, always the same on the same day.

    Each has an intensity and a kind, and a heart rate too, except the twelve a day under the shower.
    """
    now = system_now()
    zone = ZoneInfo(zone_of(now))
    days = minutes // 1440 + 3
    life = office_days(now.astimezone(zone).date() - timedelta(days=days - 1), days, zone)
    past = [epoch for epoch in life if epoch.end <= now][-minutes:]
    return [
        epoch._replace(kind=KINDS[epoch.state or (State.WALKING if epoch.steps else State.SITTING)]) for epoch in past
    ]


def opened(path: Path) -> tuple[Store, BandId]:
    """Make a database with one band and no readings, and return both."""
    store = Store.open(path)
    now = system_now()
    band = store.add_band(name="band", driver="huami", now=now, simulated=True, vouches=True, reports_wear=True)
    store.note_zone(now - timedelta(days=400), zone_of(now))
    return store, band.id


def append(store: Store, band: BandId, readings: Sequence[Epoch]) -> None:
    for at in range(0, len(readings), BATCH):
        store.append(band, readings[at : at + BATCH])


def database(folder: Path, minutes: int = MINUTES) -> Path:
    """Return the path of a database with that many minutes, which is made unless it is there."""
    path = folder / f"{minutes}.db"
    if not path.exists():
        store, band = opened(path)
        with store:
            append(store, band, epochs(minutes))
    return path


def main(last: str) -> None:
    """Print four weeks of the same life as CSV, up to the end of the day `last` in London."""
    days = 28
    begin = date.fromisoformat(last) - timedelta(days=days - 1)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["timestamp", "steps", "heart_rate", "state"])
    for epoch in office_days(begin, days, ZoneInfo("Europe/London")):
        out.writerow([epoch.start.isoformat(), epoch.steps, epoch.heart_rate, epoch.state])


if __name__ == "__main__":
    main(*sys.argv[1:])
