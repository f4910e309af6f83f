"""What a computer tells the wearer's others of one day, as a small message: written from the store, and read again.

A message is JSON, compressed. It holds a UTC day of one band, what the wearer did and was told on a UTC day, or what
lasts: zones, trials, imports, and the marks of removed bands. Rows are kept in columns, which compress well: a band's
day of minutes takes some two thousand bytes. What is read becomes an `Archive`, so that it is checked and merged by the
rules of `import json`, and by no other.

Bytes that come from a broker are a stranger's: whoever may write there can send anything. The one rule: nothing is
unpacked, built or stored of a message before its size is known to be bounded.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

from hipsync.errors import InputError
from hipsync.formats.archive import Archive
from hipsync.formats.json_archive import band_row, checked_band_row
from hipsync.formats.meaning import END, wrong_epoch, wrong_row, wrong_start
from hipsync.model import DAY, MINUTE, Band, Epoch, Posture, State
from hipsync.store import Store
from hipsync.store.rows import TIMES
from hipsync.text import Json, clean, json_of

FORM = 2
"""The number of this form. It is raised when a column or a table is added that older versions do not know."""
LONGEST_BYTES = 131_072
"""The most bytes of a message: sixty times a day of minutes."""
LONGEST_JSON = 2_000_000
"""The most bytes that a message may have when it is unpacked."""
MOST_ROWS = 20_000
"""The most rows of one table in a message: a live band's counter is stored a few times a minute."""
OF_BAND = ("counters", "wears", "charges", "inactivities", "workouts", "infos")
"""The tables, beside epochs, of which a band's day has rows."""
OF_WEARER = ("prompts", "exercises", "pauses", "labels", "presence", "desks", "draws")
"""The tables of which a wearer's day has rows."""
LASTING = ("zones", "trials", "imports", "forgotten", "plans")
"""The tables whose rows are told whatever their day."""
EPOCH = ("start", "length", "steps", "intensity", "heart_rate", "state", "kind", "inferred", "posture")
"""The columns of epochs, without those that have no value. `start` is in minutes since the one before, or for the first
since the day began; `inferred` is 0 or 1."""
LARGEST = 2**40
"""No number in a message may be larger."""
HOUR_S, LATE_S = 3600, 900
"""Seconds of an hour, and those after it within which its presence is stored for sure: it waits in memory at first."""
NOT_OURS = "it is no message of hipsync"
Content = Mapping[str, Json]
"""What a message says, before it is packed."""


class Received(NamedTuple):
    """What a message holds; the caller closes the archive."""

    archive: Archive
    digest: str
    left_out: int
    """How many rows lie in the future by this computer's clock, so that they are not taken yet."""


# -------------------------------------------------------------------- from the store


def band_days(store: Store, day: date, now: datetime) -> list[tuple[Band, Content]]:
    """What each band told on a UTC day, for the bands that told anything. Raises `StoreError`."""
    start = _midnight(day)
    with store.snapshot():
        bands = {band.name: band for band in store.bands()}
        found: dict[str, dict[str, Json]] = {name: {} for name in bands}
        epochs: dict[str, list[Sequence[Json]]] = {}
        for name, epoch in store.all_epochs(start, start + DAY):
            if wrong_epoch(epoch, now) is None:
                epochs.setdefault(name, []).append(_cells(epoch, start))
        for name, cells in epochs.items():
            columns = dict(zip(EPOCH, map(list, zip(*cells, strict=True)), strict=True))
            columns["start"] = _apart(columns["start"])
            found[name]["epochs"] = {
                name: each for name, each in columns.items() if any(cell is not None for cell in each)
            }
        for table in OF_BAND:
            for name, rows in _by_band(_rows_of(store, table, start, now)).items():
                found[name][table] = _columns(rows)
    # Without its address: who has not paired a band cannot call it, and must not try. The identity tells it apart.
    return [
        (band, {"band": {**band_row(band, now), "address": None}, **found[name]})
        for name, band in bands.items()
        if found[name]
    ]


def wearer_day(store: Store, day: date, now: datetime) -> Content:
    """What the wearer did and was told on a UTC day; empty if nothing. Raises `StoreError`."""
    start = _midnight(day)
    with store.snapshot():
        tables = {table: _columns(_rows_of(store, table, start, now)) for table in OF_WEARER}
    return {table: columns for table, columns in tables.items() if columns}


def lasting(store: Store, now: datetime) -> Content:
    """What lasts, whatever its day. Raises `StoreError`."""
    with store.snapshot():
        tables = {table: _columns(_rows_of(store, table, None, now)) for table in LASTING}
        named = {row["band"] for row in store.rows_of("imports", None, None)}
        bands = [{**band_row(band, now), "address": None} for band in store.bands() if band.name in named]
    return {**({"bands": list[Json](bands)} if bands else {}), **{name: each for name, each in tables.items() if each}}


def digest_of(content: Content) -> str:
    """A digest of what a message says. That of a band's day is the same whatever the band is called."""
    said = {name: each for name, each in content.items() if name != "band"}
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def packed(content: Content) -> bytes:
    """The message that says this."""
    text = json.dumps({"form": FORM, **content}, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode(), 9)


def _rows_of(store: Store, table: str, start: datetime | None, now: datetime) -> list[dict[str, Json]]:
    """The rows of a table on the day that begins at `start`, or all of them; without what no computer would take."""
    rows = store.rows_of(table, start, None if start is None else start + DAY)
    return [dict(row) for row in rows if wrong_row(table, row, now) is None and not _grows(table, row, now)]


def _grows(table: str, row: Mapping[str, object], now: datetime) -> bool:
    """Whether a span of presence may still be lengthened, since its hour is not over: each length would be a row."""
    start = row.get("start")
    return table == "presence" and isinstance(start, int) and start // HOUR_S >= (now.timestamp() - LATE_S) // HOUR_S


def _by_band(rows: Iterable[Mapping[str, Json]]) -> dict[str, list[dict[str, Json]]]:
    found: dict[str, list[dict[str, Json]]] = {}
    for row in rows:
        found.setdefault(str(row["band"]), []).append({name: cell for name, cell in row.items() if name != "band"})
    return found


def _columns(rows: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """Rows as columns; empty without rows."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _cells(epoch: Epoch, start: datetime) -> list[Json]:
    at, length, steps, intensity, heart_rate, state, kind, inferred, posture = epoch
    return [
        (at - start) // MINUTE, length // MINUTE, steps, intensity, heart_rate, None if state is None else str(state),
        kind, int(inferred), None if posture is None else str(posture),
    ]  # fmt: skip


def _apart(starts: Sequence[Json]) -> list[Json]:
    """The first of some whole numbers, and how far each of the others is from the one before it."""
    whole = [each for each in starts if isinstance(each, int)]
    return [later - earlier for earlier, later in pairwise([0, *whole])]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


# -------------------------------------------------------------------- from a message


def unpacked(payload: bytes) -> Content:
    """What a message says. Raises `InputError` if it is none, is too large, or is of a newer hipsync."""
    if len(payload) > LONGEST_BYTES:
        raise InputError(f"it has more than {LONGEST_BYTES:,} bytes")
    opening = zlib.decompressobj()
    try:
        text = opening.decompress(payload, LONGEST_JSON + 1)
    except zlib.error as error:
        raise InputError(NOT_OURS) from error
    if len(text) > LONGEST_JSON:
        raise InputError(f"it has more than {LONGEST_JSON:,} bytes when it is unpacked")
    if not opening.eof or opening.unused_data:
        raise InputError(f"{NOT_OURS}, or was cut off")
    try:
        content = json_of(text)
    except ValueError as error:
        raise InputError(NOT_OURS) from error
    form = content.get("form") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(form, int) or isinstance(form, bool) or form < 1:
        raise InputError(NOT_OURS)
    if form > FORM:
        raise InputError(f"a newer hipsync sent it (form {form}, this one knows {FORM}): upgrade hipsync here")
    return {name: each for name, each in content.items() if name != "form"}


def received_band_day(payload: bytes, day: date, now: datetime) -> Received:
    """What a message says that a band told on a UTC day. Raises `InputError` if it cannot be right."""
    content = unpacked(payload)
    _refuse_unknown(content, ("band", "epochs", *OF_BAND))
    row = content.get("band")
    if not isinstance(row, dict):
        raise InputError("it names no band")
    band = checked_band_row(row, now)
    if band["address"] is not None:
        raise InputError("it has the address of a band, which no computer tells")
    return _received(content, [band], OF_BAND, day, now)


def received_wearer_day(payload: bytes, day: date, now: datetime) -> Received:
    """What a message says of the wearer on a UTC day. Raises `InputError` if it cannot be right."""
    content = unpacked(payload)
    _refuse_unknown(content, OF_WEARER)
    return _received(content, [], OF_WEARER, day, now)


def received_lasting(payload: bytes, now: datetime) -> Received:
    """What a message says that lasts. Raises `InputError` if it cannot be right."""
    content = unpacked(payload)
    _refuse_unknown(content, ("bands", *LASTING))
    rows = content.get("bands", [])
    if not isinstance(rows, list) or len(rows) > MOST_ROWS:
        raise InputError("its bands are no list of them")
    bands: list[Mapping[str, Json]] = []
    for row in rows:
        if not isinstance(row, dict) or row.get("address") is not None:
            raise InputError("its bands are no bands, or have an address")
        bands.append(checked_band_row(row, now))
    return _received(content, bands, LASTING, None, now)


def _received(
    content: Content, bands: Sequence[Mapping[str, Json]], tables: Sequence[str], day: date | None, now: datetime
) -> Received:
    """What a message says. With a `day` its rows are of that UTC day, and of the one band if there is one.

    Raises `InputError` if it cannot be right, or says nothing: no computer tells that.
    """
    if not bands and not any(cells for name in tables for cells in _table(name, content).values()):
        raise InputError("it says nothing")
    archive, left_out = Archive(), 0
    try:
        for number, band in enumerate(bands, 1):
            archive.rows.add_row("bands", band, number)
        of = {str(band["name"]) for band in bands}
        if day is not None and "epochs" in content:
            left_out += _add_epochs(archive, str(bands[0]["name"]), content, day, now)
        for table in tables:
            more = {"band": next(iter(of))} if table in OF_BAND else {}
            for number, row in enumerate(_rows(table, content), 1):
                left_out += not _added(archive, table, {**row, **more}, number, of, day, now)
        archive.rows.count()  # so that epochs that contradict each other are refused here
    except BaseException as error:
        archive.__exit__(type(error), error, None)
        raise
    return Received(archive, digest_of(content), left_out)


def _added(
    archive: Archive, table: str, row: Mapping[str, Json], number: int, bands: set[str], day: date | None, now: datetime
) -> bool:
    """Add a row of a table, and return whether it was: not if it lies in the future. Raises `InputError`."""
    if (why := wrong_row(table, row, END)) is not None:
        raise InputError(f"{table}, row {number}: {why}")
    if "band" in row and row["band"] not in bands:
        raise InputError(f"{table}, row {number}: it names a band that is not in the message")
    at = row[TIMES[table]]
    if day is not None and not (isinstance(at, int) and 0 <= at - _midnight(day).timestamp() < DAY.total_seconds()):
        raise InputError(f"{table}, row {number}: it is of another day")
    if wrong_row(table, row, now) is not None:
        return False
    archive.rows.add_row(table, row, number)
    return True


def _add_epochs(archive: Archive, band: str, content: Content, day: date, now: datetime) -> int:
    """Add the epochs of a band's day, and return how many lie in the future, which are left out.

    Raises `InputError` if one cannot be right.
    """
    start, left_out = _midnight(day), 0
    for number, row in enumerate(_rows("epochs", content), 1):
        epoch = _epoch(row, start)
        start = start if epoch is None else epoch.start
        is_of_day = epoch is not None and epoch.start < _midnight(day) + DAY
        why = wrong_epoch(epoch, None) if epoch is not None and is_of_day else "that is no epoch of the day"
        if epoch is None or why is not None:
            raise InputError(f"epochs, row {number}: {why}")
        if wrong_start(epoch.start, now) is None:
            archive.rows.add(band, epoch, number)
        else:
            left_out += 1
    return left_out


def _epoch(row: Mapping[str, Json], start: datetime) -> Epoch | None:
    """The epoch of a row, counted from an instant `start`; None if its cells are of wrong types, or too large."""
    cells = {name: row.get(name) for name in EPOCH}
    if row.keys() - set(EPOCH) or any(isinstance(cell, bool | float | list | dict) for cell in cells.values()):
        return None
    if any(isinstance(cell, int) and abs(cell) > LARGEST for cell in cells.values()):
        return None
    match cells:
        case {
            "start": int(at), "length": int(length), "steps": int(steps), "intensity": int() | None as intensity,
            "heart_rate": int() | None as heart_rate, "kind": int() | None as kind, "inferred": 0 | 1 as inferred,
            "state": str() | None as state, "posture": str() | None as posture,
        } if 0 <= at < DAY // MINUTE and 0 < length <= DAY // MINUTE:  # fmt: skip
            pass
        case _:
            return None
    if state not in {None, *State} or posture not in {None, *Posture}:
        return None
    return Epoch(
        start + at * MINUTE, length * MINUTE, steps, intensity, heart_rate, None if state is None else State(state),
        kind, bool(inferred), None if posture is None else Posture(posture),
    )  # fmt: skip


def _rows(table: str, content: Content) -> Iterator[dict[str, Json]]:
    """The rows of a table in a message; a cell that is null is left out. Raises `InputError` as `_table` does."""
    columns = _table(table, content)
    for cells in zip(*columns.values(), strict=True):
        yield {name: cell for name, cell in zip(columns, cells, strict=True) if cell is not None}


def _table(table: str, content: Content) -> dict[str, list[Json]]:
    """The cells of a table in a message, by column: equally many in each. Raises `InputError` if they are not."""
    told = content.get(table, {})
    if not isinstance(told, dict) or not all(isinstance(cells, list) for cells in told.values()):
        raise InputError(f"{clean(table, 40)} are no columns")
    columns = {name: cells for name, cells in told.items() if isinstance(cells, list)}
    lengths = {len(cells) for cells in columns.values()}
    if len(lengths) > 1 or max(lengths, default=0) > MOST_ROWS:
        raise InputError(f"the columns of {clean(table, 40)} are not of one length, or too long")
    return columns


def _refuse_unknown(content: Content, known: Sequence[str]) -> None:
    if unknown := content.keys() - set(known):
        raise InputError(f"hipsync knows no {clean(min(unknown), 40)!r} in it")
