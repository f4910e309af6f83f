"""Minutes as Parquet, in and out, for pandas, DuckDB and their like. The columns are those of the CSV.

It needs the extra `parquet`; pyarrow is loaded only when a file is written or read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from itertools import islice
from typing import Any, BinaryIO

from hipsync.errors import ConfigError, InputError
from hipsync.formats.csv_dialect import COLUMNS, NEEDED_COLUMNS
from hipsync.formats.csv_minutes import (
    Exported,
    MinuteTable,
    Starts,
    checked_band,
    epoch_of,
    kept,
    located,
    said_columns,
)
from hipsync.formats.known_cells import KnownCells
from hipsync.formats.meaning import YEARS, wrong_epoch
from hipsync.host.installed import with_extra
from hipsync.model import Epoch
from hipsync.store import Store
from hipsync.store.staging import Staging, Value, Values
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
ROWS_IN_ANY_FILE, ROWS_A_BYTE = 1_000_000, 4
"""How many rows a file may have: so many, and so many more for each of its bytes. Minutes that differ take a quarter of
a byte or more, however well they are packed; equal rows take none."""
MOST_UNPACKED = 256 * 2**20
"""How many bytes a group of rows may have when it is unpacked: a million rows of all columns take some 80 MiB."""
UNPACKED_OF_ANY, UNPACKED_A_ROW = 2**20, 300
"""How many bytes one column of a group may have when it is unpacked: so many, and so many more for each row. A name has
64 characters."""
LONGEST_TEXT = 1000
"""How many bytes a text may have. It is read once for all rows that have it, so that none is copied a million times."""
TEXTS = ("state", "posture", "band")


def export_parquet(
    store: Store, file: BinaryIO, since: datetime | None, until: datetime | None, now: datetime
) -> Exported:
    """Write every epoch that starts in `[since, until)` to a file, in order of time; return how many there were.

    None means no bound. Raises `ConfigError` if pyarrow is not installed.
    """
    arrow, parquet = library()
    kinds = {
        "timestamp": arrow.timestamp("s", tz="UTC"), "steps": arrow.int32(), "length": arrow.int32(),
        "intensity": arrow.int32(), "heart_rate": arrow.int16(), "state": arrow.string(), "posture": arrow.string(),
        "kind": arrow.int64(), "inferred": arrow.bool_(), "band": arrow.string(),
    }  # fmt: skip
    columns = said_columns(store)
    schema = arrow.schema(
        [arrow.field(name, kinds[name], metadata={"unit": UNITS[name]} if name in UNITS else None) for name in columns]
    )
    count = left_out = 0
    epochs = store.all_epochs(since, until)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while batch := list(islice(epochs, BATCH)):
            rows = [_row(name, epoch) for name, epoch in batch if wrong_epoch(epoch, now) is None]
            count, left_out = count + len(rows), left_out + len(batch) - len(rows)
            writer.write_table(arrow.table([[row[name] for row in rows] for name in columns], schema=schema))
    return Exported(count, left_out)


def read_parquet(file: BinaryIO, now: datetime) -> MinuteTable:
    """Read the minutes of a file that `export_parquet` wrote; the caller closes the result.

    Raises `InputError`, and `ConfigError` if pyarrow is not installed.
    """
    arrow, parquet = library()
    number, starts, known = 0, Starts(None, now), KnownCells[Value]()
    with kept(MinuteTable("row")) as table:
        try:
            whole = parquet.ParquetFile(file)
            _check_size(whole.metadata, file.seek(0, 2))
            _check_columns(arrow, whole.schema_arrow)
            table.wear = "state" in whole.schema_arrow.names
            texts = [name for name in TEXTS if name in whole.schema_arrow.names]
            source = parquet.ParquetFile(file, metadata=whole.metadata, read_dictionary=texts)
            for batch in source.iter_batches(BATCH):
                _check_texts(batch)
                for row in batch.to_pylist():
                    number += 1
                    with located(f"row {number}"):
                        at_s, values = _values(row, starts, known, table.epochs)
                    table.epochs.add_values(at_s, values, number)
                if number > BATCH + 2 * table.lines():
                    raise InputError(f"most of the first {number:,} rows repeat others: minutes come once")
        except OverflowError as error:  # Python knows the years 1 to 9999
            raise InputError(
                f"after row {number:,} a timestamp is not in the years {YEARS[0]} to {YEARS[-1]} of UTC"
            ) from error
        except (arrow.ArrowException, OSError, MemoryError) as error:
            raise InputError(f"the file is no Parquet: {clean(str(error), 160)}") from error
        table.lines()
    return table


def _check_size(metadata: Any, size: int) -> None:
    """Raise `InputError` if a file of so many bytes promises more than such a file can hold."""
    if metadata.num_rows > ROWS_IN_ANY_FILE + ROWS_A_BYTE * size:
        raise InputError(f"it says that it holds {metadata.num_rows:,} rows, too many for a file of {size:,} bytes")
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        largest = max((group.column(at).total_uncompressed_size for at in range(group.num_columns)), default=0)
        if group.total_byte_size > MOST_UNPACKED or largest > UNPACKED_OF_ANY + UNPACKED_A_ROW * group.num_rows:
            raise InputError(
                f"row group {number + 1} unpacks to {group.total_byte_size:,} bytes for {group.num_rows:,} rows,"
                " which is too much: write groups of at most a million rows"
            )


def _check_columns(arrow: Any, schema: Any) -> None:
    """Raise `InputError` for a column that is not of the CSV, or that is of a kind that no such column has."""
    names = schema.names
    if unknown := [name for name in names if name not in COLUMNS]:
        raise InputError(f"unknown column {clean(unknown[0], 40)!r}: known are {', '.join(COLUMNS)}")
    if missing := [name for name in (*NEEDED_COLUMNS, "band") if name not in names]:
        raise InputError(f"the column {missing[0]!r} is missing")
    if len(set(names)) < len(names):
        raise InputError("a column is there twice")
    for column in schema:
        kind = column.type.value_type if arrow.types.is_dictionary(column.type) else column.type
        strange = isinstance(kind, arrow.BaseExtensionType) or arrow.types.is_nested(kind)
        if strange or arrow.types.is_binary(kind) or arrow.types.is_large_binary(kind):
            raise InputError(
                f"the column {column.name!r} holds {clean(str(column.type), 40)}, which does not belong there"
            )


def _check_texts(batch: Any) -> None:
    """Raise `InputError` if a text is too long, before it is copied for each row that has it."""
    for name in TEXTS:
        column: Any = batch.column(name) if name in batch.schema.names else None
        texts: list[object] = column.dictionary.to_pylist() if hasattr(column, "dictionary") else []
        if any(len(text) > LONGEST_TEXT for text in texts if isinstance(text, str)):
            raise InputError(f"a text in the column {name!r} has more than {LONGEST_TEXT:,} characters")


def _row(band: str, epoch: Epoch) -> Mapping[str, object]:
    return {
        "timestamp": epoch.start, "steps": epoch.steps, "length": int(epoch.length.total_seconds()),
        "intensity": epoch.intensity, "heart_rate": epoch.heart_rate, "state": epoch.state,
        "posture": epoch.posture, "kind": epoch.kind, "inferred": epoch.inferred, "band": band,
    }  # fmt: skip


def _values(row: Mapping[str, Any], starts: Starts, known: KnownCells[Value], epochs: Staging) -> tuple[int, Values]:
    """The epoch of a row as `Staging.add_values` takes it. Raises `InputError`."""
    at: object = row["timestamp"]
    cells = tuple(map(row.get, COLUMNS[1:]))
    if isinstance(at, datetime) and (values := known.values(cells)) is not None:
        return starts.read(at.isoformat()), values
    at_s, values = epochs.values_of(*_epoch(row, starts))
    known.learn(cells, values)  # a column of Parquet is of one type, so none of its 1 is true
    return at_s, values


def _epoch(row: Mapping[str, Any], starts: Starts) -> tuple[str, Epoch]:
    at, name, inferred = row["timestamp"], row["band"], row.get("inferred")
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise InputError("there is no timestamp with a zone")
    if not isinstance(name, str):
        raise InputError("no band is named")
    if not (inferred is None or inferred in {0, 1}):
        raise InputError(f"inferred is {str(inferred)[:40]!r}, neither true nor false")
    cells = {key: str(cell) for key, cell in row.items() if cell is not None and key not in {"timestamp", "band"}}
    cells["inferred"] = "1" if inferred else ""
    return checked_band(name), epoch_of({**cells, "timestamp": at.isoformat()}, starts)


def library() -> tuple[Any, Any]:
    """Import `pyarrow` and `pyarrow.parquet` and return them. Raises `ConfigError` if they are not installed."""
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ConfigError(f"Parquet needs an extra: `{with_extra('parquet')}`") from error
