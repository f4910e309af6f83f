"""A day from the store: as much around it is loaded as its stretches need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.core.summary import DaySummary
from hipsync.history.summaries import summarise
from hipsync.model import MINUTE, Epoch, Kind, State
from hipsync.store import Store
from support.builders import MONDAY, day

DEFAULT = Rule()
TUESDAY = date(2026, 3, 3)


NOW = MONDAY + timedelta(days=5)


def tuesday(epochs: Sequence[Epoch], now: datetime = NOW, rule: Rule = DEFAULT) -> DaySummary:
    """Of a band that has a heart rate, but does not report wear."""
    with Store.in_memory() as store:
        band = store.add_band(name="band", driver="none", now=MONDAY, vouches=True)
        store.append(band.id, epochs)
        return summarise(store, rule, Zones([], "UTC"), TUESDAY, now)


def test_a_trusted_posture_decides_what_is_sitting() -> None:
    """Every fourth minute of the hour has 5 steps: no still run is long enough, but its wearer said to have sat."""
    hour = [
        Epoch(MONDAY + timedelta(days=1, hours=9) + at * MINUTE, MINUTE, 5 * (at % 4 == 0), state=State.SITTING)
        for at in range(60)
    ]
    assert tuesday(hour).minutes[Kind.SITTING] == 0
    trusted = tuesday(hour, rule=Rule(trust_posture=True))
    assert (trusted.minutes[Kind.SITTING], [piece.minutes for piece in trusted.stretches]) == (60, [60])


def with_pulse(drawing: str, start: datetime) -> list[Epoch]:
    return [epoch._replace(heart_rate=60) for epoch in day(drawing, start)]


def test_a_stretch_that_began_eleven_hours_before_midnight_is_whole() -> None:
    found = tuesday(with_pulse("3m walk, 13h sit, 3m walk", MONDAY + timedelta(hours=12, minutes=57)))
    (piece,) = found.stretches
    assert piece.minutes == 120
    assert piece.whole is not None
    assert (piece.whole.start, piece.whole.minutes) == (MONDAY + timedelta(hours=13), 780)


def test_a_stretch_that_ends_eleven_hours_after_midnight_is_whole() -> None:
    found = tuesday(with_pulse("3m walk, 13h sit, 3m walk", MONDAY + timedelta(days=1, hours=21, minutes=57)))
    (piece,) = found.stretches
    assert piece.minutes == 120
    assert piece.whole is not None
    assert (piece.whole.end, piece.whole.minutes) == (MONDAY + timedelta(days=2, hours=11), 780)


def test_a_band_taken_off_in_the_evening_is_known_by_the_pulse_before_it() -> None:
    """Taken off at 18:30; what tells is the pulse of the two hours before, though they end long before midnight."""
    worn = with_pulse("6h sit, 30m walk", MONDAY + timedelta(hours=12))
    off = day("690m sit", MONDAY + timedelta(hours=18, minutes=30))
    found = tuesday([*worn, *off])
    assert found.minutes[Kind.NOT_WORN] == 360
    assert found.minutes[Kind.SITTING] == 0
