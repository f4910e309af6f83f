"""Which bands of a gateway are shipped, and a band-day as Postgres takes it. Values in, values out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from hipsync.model import Band
from hipsync.store.band_days import COLUMNS, BandDay
from hipsync.store.identities import mark_of

_ADDRESS = re.compile("(?:[0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}")
"""An address of Bluetooth, or what macOS gives in its place, as identities have them."""


class Shipped(NamedTuple):
    """A band that is shipped."""

    band: Band
    mark: str
    """By what all gateways know it: a hash of its kind and address."""


class Parcel(NamedTuple):
    """A band-day on its way."""

    one: Shipped
    day: BandDay
    digest: bytes
    """What its receipt will say: `digest_of` all that is there of that band and day with this one."""


def digest_of(days: Sequence[BandDay]) -> bytes:
    """Sixteen bytes that stand for all that a gateway has of one band and day; mostly that is one band-day."""
    if len(days) == 1:
        return days[0].digest()
    return sha256(b"".join(day.digest() for day in days)).digest()[:16]


def shipped(bands: Sequence[Band]) -> list[Shipped]:
    """The bands that are shipped, in the order in which all gateways take them, so that none waits for another.

    Not shipped are simulated bands, and those that were never met by an address: what a name or the source of an import
    is called, that of another wearer may be called, too, and then two people would become one.
    """
    found = [
        Shipped(band, mark_of(band.driver, band.identity))
        for band in bands
        if not band.simulated and band.identity is not None and _ADDRESS.fullmatch(band.identity)
    ]
    return sorted(found, key=lambda each: each.mark)


def as_arrays(day: BandDay) -> list[str]:
    """The columns of a band-day, in the order of `COLUMNS`, each as the text of an array of Postgres."""
    return [_array(column) for table in COLUMNS for column in day.tables[table]]


def _array(column: str) -> str:
    """A JSON array of numbers, words without quotes in them, and nulls as the text of an array of Postgres."""
    return "{" + column[1:-1].replace("null", "NULL") + "}"
