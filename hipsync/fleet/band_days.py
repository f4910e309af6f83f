"""Which bands of a gateway are shipped, and a band-day as Postgres takes it. Values in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hipsync.model import Band
from hipsync.store.band_days import COLUMNS, BandDay
from hipsync.store.identities import NAMED, mark_of


class Shipped(NamedTuple):
    """A band that is shipped."""

    band: Band
    mark: str
    """By what all gateways know it: a hash of its kind and address."""


def shipped(bands: Sequence[Band]) -> list[Shipped]:
    """The bands that are shipped, in the order in which all gateways take them, so that none waits for another.

    Not shipped are simulated bands, and those of which no more is known than a name that somebody gave: another gateway
    may call another band so.
    """
    found = [
        Shipped(band, mark_of(band.driver, band.identity))
        for band in bands
        if not band.simulated and band.identity is not None and not band.identity.startswith(NAMED)
    ]
    return sorted(found, key=lambda each: each.mark)


def as_arrays(day: BandDay) -> list[str]:
    """The columns of a band-day, in the order of `COLUMNS`, each as the text of an array of Postgres."""
    return [_array(column) for table in COLUMNS for column in day.tables[table]]


def _array(column: str) -> str:
    """A JSON array of numbers, words without quotes in them, and nulls as the text of an array of Postgres."""
    return "{" + column[1:-1].replace("null", "NULL") + "}"
