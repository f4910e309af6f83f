"""A whole database as one JSON file, written and read without loss, in bounded memory.

::

    {"version": 1, "bands": [...], "zones": [...], "counters": [...], ..., "epochs": [
    {"timestamp": ..., "steps": ..., ...},
    ...
    ]}

The first line is everything but the epochs, and each epoch has its own line. A reader need not care: it takes one row
after the other, wherever lines end. Every row is checked before the first one is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import IO

from hipsync.errors import InputError
from hipsync.formats.archive import Archive
from hipsync.formats.csv_dialect import COLUMNS
from hipsync.formats.csv_minutes import Exported, Imported, Starts, cells_of, epoch_of, located
from hipsync.formats.json_stream import JsonStream, Text
from hipsync.formats.known_cells import KnownCells
from hipsync.formats.landing import stored
from hipsync.formats.meaning import BEGINNING, END, wrong_epoch, wrong_row
from hipsync.instants import is_believed, latest
from hipsync.model import Band, Epoch
from hipsync.store import Store
from hipsync.store.identities import is_identity
from hipsync.store.rows import LATER, TIMES
from hipsync.store.staging import Staging, Value, Values
from hipsync.text import Json, clean, is_visible

VERSION = 1
CUT_OFF = "the file was cut off while it was written, or goes on after its end"
NO_EXPORT = "this is not a file of `hipsync export --format json`, or it is of another version"
LONGEST_NUMBER = 20
"""How many characters of a number are looked at."""
NUMBERS = frozenset({"steps", "length", "intensity", "heart_rate", "kind", "inferred"})
"""The columns of an epoch that hold whole numbers; the others hold texts."""


def export_json(store: Store, file: IO[str], since: datetime | None, until: datetime | None, now: datetime) -> Exported:
    """Write all that the database has of `[since, until)`, and every band and zone; return how many epochs there were.

    None means no bound. What no import would take is left out and counted: rows of the future, and such that cannot be.
    """
    left_out = 0
    with store.snapshot():
        file.write(json.dumps({"version": VERSION, "bands": [band_row(band, now) for band in store.bands()]})[:-1])
        for table in TIMES:
            file.write(f', "{table}": [')
            between = ""
            for row in store.rows_of(table, since, until):
                if wrong_row(table, row, now) is None:
                    file.write(between + json.dumps(row))
                    between = ", "
                else:
                    left_out += 1
            file.write("]")
        file.write(', "epochs": [')
        count = 0
        for name, epoch in store.all_epochs(since, until):
            if wrong_epoch(epoch, now) is None:
                row = {column: cell for column, cell in cells_of(name, epoch).items() if cell is not None}
                file.write((",\n" if count else "\n") + json.dumps(row))
                count += 1
            else:
                left_out += 1
        file.write("\n]}\n")
    return Exported(count, left_out)


def band_row(band: Band, now: datetime) -> Mapping[str, Json]:
    """A band as a row. One that was added by a clock that was ahead was added by now, as it is there."""
    added = band.added if is_believed(band.added, now) else now.astimezone(UTC).replace(microsecond=0)
    return {
        "name": band.name, "driver": band.driver, "address": band.address, "advertised_name": band.advertised_name,
        "simulated": band.simulated, "vouches": band.vouches, "reports_wear": band.reports_wear,
        "added": added.isoformat(), "identity": band.identity,
    }  # fmt: skip


def read_json(file: Text, now: datetime) -> Archive:
    """Read and check a whole file that `export_json` wrote; the caller closes the result.

    Raises `InputError`, which names the row, for a file that is none, that was cut off, or that holds what cannot be.
    """
    archive = Archive()
    try:
        _fill(archive.rows, JsonStream(file), now)
    except BaseException as error:
        archive.__exit__(type(error), error, None)
        raise
    return archive


def import_json(store: Store, archive: Archive, now: datetime) -> Imported:
    """Store all that an archive holds, or nothing; return what became of its epochs.

    Raises `InputError` if the database has a band of one of its names and of another kind, and `StoreError`.
    """
    (landed,) = stored(store, [archive], now)
    return Imported.of(landed)


def _fill(rows: Staging, stream: JsonStream, now: datetime) -> None:
    """Read and check all that a stream holds. Raises `InputError`."""
    if not (stream.passes("{") and stream.passes('"version"') and stream.passes(":")):
        raise InputError(NO_EXPORT)
    version = stream.value("the version")
    if version != VERSION or isinstance(version, bool):
        raise InputError(NO_EXPORT)
    bands: set[str] = set()
    missing = ["bands", *TIMES, "epochs"]
    while not (LATER.issuperset(missing) and stream.passes("}")):
        missing.remove(table := _next_table(stream, missing))
        if table == "epochs":
            epochs = _Epochs(rows, bands, now)
            for item in _items(stream, table):
                try:
                    at_s, values = epochs.read(item)
                except InputError as error:
                    raise InputError(f"line {stream.line}: {error}") from error
                rows.add_values(at_s, values, stream.line)
            continue
        for number, item in enumerate(_items(stream, table), 1):
            with located(f"{table}, row {number}"):
                row = _row(item, "this is no row")
                checked = checked_band_row(row, now) if table == "bands" else _checked_row(table, row, bands, now)
                rows.add_row(table, checked, number)
            if table == "bands":
                bands.add(str(row["name"]))
    if not stream.at_end():
        raise InputError(CUT_OFF)
    rows.count()


class _Epochs:
    """Reads the epochs of a file, and checks each distinct cell of them once."""

    def __init__(self, rows: Staging, bands: set[str], now: datetime) -> None:
        """The epochs are of one of these bands, and go to `rows`."""
        self._rows, self._bands, self._starts = rows, bands, Starts(None, now)
        self._known = KnownCells[Value]()
        self._forms: set[tuple[object, ...]] = set()
        """How many cells a row had that was right, and their types: true is no number, though it is equal to 1."""

    def read(self, item: Json) -> tuple[int, Values]:
        """The epoch of an item as `Staging.add_values` takes it. Raises `InputError`."""
        row = _row(item, "that is no epoch")
        stamp, *_ = cells = tuple(map(row.get, COLUMNS))
        form = len(row), *map(type, cells)
        values = self._known.values(cells[1:]) if stamp and form in self._forms else None
        if values is None:
            at_s, values = self._rows.values_of(*_epoch(row, self._bands, self._starts))
            self._known.learn(cells[1:], values)
            self._forms.add(form)
            return at_s, values
        return self._starts.read(str(stamp)), values


def _row(item: Json, otherwise: str) -> Mapping[str, Json]:
    if not isinstance(item, dict):
        raise InputError(otherwise)
    return item


def _next_table(stream: JsonStream, missing: Sequence[str]) -> str:
    """Pass the name and the first bracket of the next table, one of those that are `missing` yet; return the name.

    They may come in any order, but that of the bands comes first, because rows of others name them.

    Raises `InputError` if none of them follows.
    """
    if stream.passes(","):
        for table in missing[:1] if missing[:1] == ["bands"] else missing:
            if stream.passes(f'"{table}"') and stream.passes(":") and stream.passes("["):
                return table
    needed = [table for table in missing if table not in LATER]
    raise InputError(f"{needed[0]} is missing: the file is no export of hipsync, or was changed" if needed else CUT_OFF)


def _items(stream: JsonStream, table: str) -> Iterator[Json]:
    """The items of a list whose first bracket was read. Raises `InputError` if it does not end."""
    if stream.passes("]"):
        return
    while True:
        yield stream.value("no epoch" if table == "epochs" else f"no row of {table}")
        if not stream.passes(","):
            if stream.passes("]"):
                return
            raise InputError(f"line {stream.line}: {table} does not end: the file was cut off while it was written")


def _checked_row(table: str, row: Mapping[str, Json], bands: set[str], now: datetime) -> Mapping[str, Json]:
    """Return a row of one of `TIMES`. Raises `InputError` if it cannot be right."""
    if isinstance(name := row.get("band"), str) and name not in bands:
        raise InputError(f"it names a band that is not in the file: {clean(name, 40)!r}")
    if (why := wrong_row(table, row, now)) is not None:
        raise InputError(why)
    return row


def checked_band_row(row: Mapping[str, Json], now: datetime) -> Mapping[str, Json]:
    """Return the row of a band. Raises `InputError` if it cannot be right."""
    match row:
        case {
            "name": str(name), "driver": str(driver), "address": str() | None as address,
            "advertised_name": str(shown), "simulated": bool(), "vouches": bool(), "reports_wear": bool(),
            "added": str(added), **more,
        } if not more.keys() - {"identity"}:  # fmt: skip
            identity = more.get("identity")
        case _:
            raise InputError(f"that is no band: {clean(repr(row), 80)}")
    if not name or clean(name) != name:
        raise InputError(f"a band cannot be called {name[:80]!r}")
    if (
        not driver
        or clean(driver) != driver
        or not is_visible(shown)
        or address == ""
        or clean(address or "") != (address or "")
        or not (identity is None or (isinstance(identity, str) and is_identity(identity)))
    ):
        raise InputError("its driver, address, identity or shown name is too long, or holds what cannot be seen")
    try:
        since = datetime.fromisoformat(added)
        since = since.astimezone(UTC) if since.tzinfo is not None else END
    except (ValueError, OverflowError):  # overflow: in UTC it lies before the year 1, or after 9999
        since = END
    if not BEGINNING <= since < END:
        raise InputError(f"{added[:60]!r} is no instant of the years {BEGINNING.year} to {END.year - 1} with an offset")
    if since > latest(now):
        raise InputError(f"it was added at {added!r}, which lies in the future")
    return row


def _epoch(row: Mapping[str, Json], bands: set[str], starts: Starts) -> tuple[str, Epoch]:
    """The name of a row's band, and its epoch. Raises `InputError`."""
    name = row.get("band")
    if not isinstance(name, str) or name not in bands:
        raise InputError("it names no band of the file")
    cells = {column: _cell(column, cell) for column, cell in row.items() if column != "band"}
    return name, epoch_of(cells, starts)


def _cell(column: str, cell: Json) -> str:
    """A cell as the CSV has it. Raises `InputError` if it is not of the kind that belongs there."""
    if isinstance(cell, str) and column not in NUMBERS and cell:
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool) and column in NUMBERS and abs(cell) < 10**LONGEST_NUMBER:
        return str(cell)
    raise InputError(f"{column[:40]} is {clean(_short(cell), 40)}, which does not belong there")


def _short(cell: Json) -> str:
    return "a number without end" if isinstance(cell, int) and abs(cell) >= 10**LONGEST_NUMBER else repr(cell)
