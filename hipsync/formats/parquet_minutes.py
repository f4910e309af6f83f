"""Minutes as Parquet, in and out, for pandas, DuckDB and their like. The columns are those of the CSV.

It needs the extra `parquet`; pyarrow is loaded only when a file is written or read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from hipsync.errors import ConfigError, InputError
from hipsync.formats.csv_minutes import YEARS, MinuteTable, epoch_of
from hipsync.model import Epoch
from hipsync.store import Store
from hipsync.text import clean

BATCH = 50_000
"""How many rows are written or read at a time."""
UNITS: Mapping[str, str] = {
    "timestamp": "begin, UTC",
    "length": "s",
    "intensity": "the band's own scale",
    "heart_rate": "beats/min",
    "kind": "the band's own code",
}
"""Units of columns, which are written into the file."""


def export_parquet(store: Store, to: Path, since: datetime | None, until: datetime | None) -> int:
    """Write every epoch that starts in `[since, until)` to a file, in order of time; return how many there were.

    None means no bound. Raises `ConfigError` if pyarrow is not installed.
    """
    arrow, parquet = _library()
    kinds = {
        "timestamp": arrow.timestamp("s", tz="UTC"), "steps": arrow.int32(), "length": arrow.int32(),
        "intensity": arrow.int32(), "heart_rate": arrow.int16(), "state": arrow.string(), "kind": arrow.int64(),
        "inferred": arrow.bool_(), "band": arrow.string(),
    }  # fmt: skip
    schema = arrow.schema(
        [
            arrow.field(name, kind, metadata={"unit": UNITS[name]} if name in UNITS else None)
            for name, kind in kinds.items()
        ]
    )
    count, epochs = 0, store.all_epochs(since, until)
    with parquet.ParquetWriter(to, schema, compression="zstd") as writer:
        while batch := list(islice(epochs, BATCH)):
            count += len(batch)
            columns = [[row[name] for row in map(_row, batch)] for name in kinds]
            writer.write_table(arrow.table(columns, schema=schema))
    return count


def read_parquet(file: Path) -> MinuteTable:
    """Read the minutes of a file that `export_parquet` wrote.

    Raises `InputError`, and `ConfigError` if pyarrow is not installed.
    """
    arrow, parquet = _library()
    by_band: dict[str, list[Epoch]] = {}
    lines, states, beats = 0, False, False
    try:
        for batch in parquet.ParquetFile(file).iter_batches(BATCH):
            for row in batch.to_pylist():
                lines += 1
                name, epoch = _epoch(row, lines)
                by_band.setdefault(name, []).append(epoch)
                states, beats = states or epoch.state is not None, beats or epoch.heart_rate is not None
    except OverflowError as error:  # Python knows the years 1 to 9999
        raise InputError(
            f"after row {lines:,} a timestamp is not in the years {YEARS[0]} to {YEARS[-1]} of UTC"
        ) from error
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"the file is no Parquet: {clean(str(error), 160)}") from error
    return MinuteTable(lines, by_band, states, beats)


def _row(named: tuple[str, Epoch]) -> Mapping[str, object]:
    band, epoch = named
    return {
        "timestamp": epoch.start, "steps": epoch.steps, "length": int(epoch.length.total_seconds()),
        "intensity": epoch.intensity, "heart_rate": epoch.heart_rate, "state": epoch.state, "kind": epoch.kind,
        "inferred": epoch.inferred, "band": band,
    }  # fmt: skip


def _epoch(row: Mapping[str, Any], number: int) -> tuple[str, Epoch]:
    at, name = row.get("timestamp"), row.get("band")
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise InputError(f"row {number} has no timestamp with a zone")
    if not isinstance(name, str) or not name or clean(name) != name:
        raise InputError(f"row {number} names no band")
    cells = {key: str(cell) for key, cell in row.items() if cell is not None and key not in {"timestamp", "band"}}
    cells["inferred"] = "1" if row.get("inferred") else ""
    return name, epoch_of({**cells, "timestamp": at.isoformat()}, number)


def _library() -> tuple[Any, Any]:
    """Import `pyarrow` and `pyarrow.parquet` and return them. Raises `ConfigError` if they are not installed."""
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ConfigError("Parquet needs more: pip install 'hipsync[parquet]'") from error
