"""A whole database as one JSON file, written and read without loss, in bounded memory.

::

    {"version": 1, "bands": [...], "zones": [...], "counters": [...], ..., "epochs": [
    {"timestamp": ..., "steps": ..., ...},
    ...
    ]}

The first line is everything but the epochs. Each epoch has its own line, so that a file of years is read line by line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import IO

from hipsync.errors import InputError
from hipsync.formats.csv_minutes import Imported, cells_of, epoch_of
from hipsync.model import BandId, Epoch
from hipsync.store import Store
from hipsync.store.rows import TIMES
from hipsync.text import Json, clean, json_of

VERSION = 1
HEAD_END = ', "epochs": ['
"""The end of the first line."""
END = "]}"
"""The last line."""
BATCH = 10_000
"""How many epochs are stored at a time."""
LONGEST_HEAD, LONGEST_LINE = 512 * 2**20, 10_000
"""How many characters the first line, or any other, may have before it is refused."""
BAND = ("name", "driver", "address", "advertised_name", "simulated", "vouches", "reports_wear", "added")


def export_json(store: Store, file: IO[str], since: datetime | None, until: datetime | None) -> int:
    """Write all that the database has of `[since, until)`, and every band and zone; return how many epochs there were.

    None means no bound.
    """
    bands = [
        {
            "name": band.name, "driver": band.driver, "address": band.address, "advertised_name": band.advertised_name,
            "simulated": band.simulated, "vouches": band.vouches, "reports_wear": band.reports_wear,
            "added": band.added.isoformat(),
        }
        for band in store.bands()
    ]  # fmt: skip
    head = {"version": VERSION, "bands": bands}
    head |= {table: list(store.rows_of(table, since, until)) for table in TIMES}
    file.write(json.dumps(head).removesuffix("}") + HEAD_END)
    count = 0
    for count, (name, epoch) in enumerate(store.all_epochs(since, until), 1):
        row = {column: cell for column, cell in cells_of(name, epoch).items() if cell is not None}
        file.write((",\n" if count > 1 else "\n") + json.dumps(row))
    file.write(f"\n{END}\n")
    return count


Head = Mapping[str, Sequence[Json]]
"""Everything in a file but its epochs: the rows of `bands` and of the tables in `TIMES`, by table."""


def import_json(store: Store, file: IO[str], head: Head | None = None) -> Imported:
    """Store all of a file that `export_json` wrote, or nothing; return what became of its epochs.

    If `read_head` was called already, `head` is its result. Raises `InputError` and `StoreError`.
    """
    head = head or read_head(file)
    with store.transaction():
        bands = _bands(store, head["bands"])
        for table in TIMES:
            for row in head[table]:
                if not isinstance(row, dict):
                    raise InputError(f"{table} holds what is no row")
                store.put_row(table, row, bands)
        lines = new = 0
        for batch in _batches(_epochs(file, bands)):
            lines += sum(len(epochs) for epochs in batch.values())
            new += sum(store.append(band, epochs).new for band, epochs in batch.items())
    return Imported(lines, new, lines - new)


def read_head(file: IO[str]) -> Head:
    """Read the first line of a file that `export_json` wrote. Raises `InputError` if it is not such a file."""
    line = file.readline(LONGEST_HEAD).rstrip("\n")
    try:
        head = json_of(line.removesuffix(HEAD_END) + "}") if line.endswith(HEAD_END) else None
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("version") != VERSION:
        raise InputError("this is no file that `hipsync export --format json` wrote, or it is of another version")
    rows: dict[str, Sequence[Json]] = {}
    for name in ("bands", *TIMES):
        table = head.get(name)
        if not isinstance(table, list):
            raise InputError(f"{name} is missing: the file is no export of hipsync, or was changed")
        rows[name] = table
    return rows


def _bands(store: Store, rows: Sequence[Json]) -> dict[str, BandId]:
    """Add the bands of the file that are missing, and return the numbers of all its bands, by name.

    Raises `InputError`, also if a name belongs to a band of another kind.
    """
    found: dict[str, BandId] = {}
    for row in rows:
        match row:
            case {
                "name": str(name), "driver": str(driver), "address": str() | None as address,
                "advertised_name": str(shown), "simulated": bool(simulated),
                "vouches": bool(vouches), "reports_wear": bool(reports_wear),
                "added": str(added),
            }:  # fmt: skip
                pass
            case _:
                raise InputError(f"that is no band: {row!r:.100}")
        if not name or clean(name) != name or clean(driver) != driver or clean(address or "") != (address or ""):
            raise InputError(f"a band cannot be called {name!r:.80}")
        try:
            since = datetime.fromisoformat(added).astimezone(UTC)
        except (ValueError, OverflowError) as error:  # overflow: in UTC it lies before the year 1, or after 9999
            raise InputError(f"{added!r:.60} is no instant") from error
        known = next((band for band in store.bands() if band.name == name), None)
        if known is not None and (known.driver != driver or known.simulated != simulated):
            raise InputError(f"there is a band {name!r} already, of another kind: rename it (`hipsync bands rename`)")
        known = known or store.add_band(
            name=name, driver=driver, address=address, advertised_name=shown, now=since, simulated=simulated,
            vouches=vouches, reports_wear=reports_wear,
        )  # fmt: skip
        found[name] = known.id
    return found


def _epochs(file: IO[str], bands: Mapping[str, BandId]) -> Iterator[tuple[BandId, Epoch]]:
    """The epochs after the first line. Raises `InputError`, also if the last line is missing."""
    number = 1
    while line := file.readline(LONGEST_LINE):
        number += 1
        text = line.rstrip("\n").removesuffix(",")
        if text == END:
            return
        try:
            row = json_of(text)
        except ValueError as error:
            raise InputError(
                f"line {number} is no epoch: the file was changed, or cut off while it was written"
            ) from error
        match row:
            case {"band": str(band), **cells} if band in bands:
                yield bands[band], epoch_of({str(column): str(cell) for column, cell in cells.items()}, number)
            case _:
                raise InputError(f"line {number} names no band of the file")
    raise InputError("the file was cut off while it was written: its last line is missing")


def _batches(epochs: Iterator[tuple[BandId, Epoch]]) -> Iterator[Mapping[BandId, list[Epoch]]]:
    """The epochs in batches, grouped by band."""
    while part := list(islice(epochs, BATCH)):
        found: dict[BandId, list[Epoch]] = {}
        for band, epoch in part:
            found.setdefault(band, []).append(epoch)
        yield found
