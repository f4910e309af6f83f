"""A wearer's month as a file of Parquet, for DuckDB, pandas and their like, and back again.

Its metadata have what the file was made of, so that the next export knows whether it has to be made anew. It needs the
extra `parquet`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hipsync.core.summary import KINDS
from hipsync.errors import InputError
from hipsync.fleet.months import Columns
from hipsync.formats.parquet_minutes import library
from hipsync.model import STATES
from hipsync.private import replacing
from hipsync.text import Json, clean, json_of

KEY = b"hipsync"
"""The key of the metadata under which all of it stands, as JSON."""
UNITS: Mapping[str, str] = {
    "start": "begin, UTC",
    "length": "min",
    "intensity": "the band's own scale",
    "heart_rate": "beats/min",
    "state": "as the band said",
    "posture": "as the band said",
    "judged": "as hipsync judged all of its minutes",
    "inferred": "the band did not send the row itself",
    "band": "its number in the fleet",
}
WORDS: Mapping[str, list[str]] = {
    "state": [str(state) for state in STATES if state is not None],
    "judged": [kind.value for kind in KINDS],
}
"""The words of the columns that hold places in a list."""


def write_month(file: Path, columns: Columns, metadata: Mapping[str, Json]) -> None:
    """Write a file for its owner alone, whole or not at all. Raises `OSError`, and `ConfigError` without pyarrow."""
    arrow, parquet = library()
    told = json.dumps(metadata, separators=(",", ":")).encode()
    schema = _schema(arrow).with_metadata({KEY: told})
    given: Sequence[list[Any]] = columns
    arrays = [_array(arrow, field, column) for field, column in zip(schema, given, strict=True)]
    with replacing(file) as fresh, fresh.open("wb") as opened:
        parquet.write_table(
            arrow.Table.from_arrays(arrays, schema=schema),
            opened,
            compression="zstd",
            use_dictionary=[name for name in schema.names if name != "start"],
            column_encoding={"start": "DELTA_BINARY_PACKED"},  # minutes follow each other: a hundredth of the size
        )


def _schema(arrow: Any) -> Any:
    words = arrow.dictionary(arrow.int8(), arrow.string())
    kinds = {
        "start": arrow.timestamp("s", tz="UTC"), "length": arrow.int16(), "steps": arrow.int32(),
        "intensity": arrow.int32(), "heart_rate": arrow.int32(), "state": words, "posture": words, "judged": words,
        "inferred": arrow.bool_(), "band": arrow.int64(),
    }  # fmt: skip
    return arrow.schema(
        [
            arrow.field(name, kind, metadata={"unit": UNITS[name]} if name in UNITS else None)
            for name, kind in kinds.items()
        ]
    )


def _array(arrow: Any, field: Any, column: list[Any]) -> Any:
    if field.name in WORDS:
        return arrow.DictionaryArray.from_arrays(arrow.array(column, arrow.int8()), WORDS[field.name])
    if field.name == "start":
        return arrow.array([60 * minute for minute in column], arrow.int64()).cast(field.type)
    if field.name == "posture":
        return arrow.array(column, arrow.string()).dictionary_encode().cast(field.type)
    return arrow.array(column, field.type)


def metadata_of(file: Path) -> Mapping[str, Json]:
    """What `write_month` was told of a file. Raises `InputError` if it is none of ours, or cannot be read."""
    arrow, parquet = library()
    try:
        found: dict[bytes, bytes] = parquet.read_schema(file).metadata or {}
        told = json_of(found.get(KEY, b""))
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{file} is no month of a fleet: {clean(str(error), 160)}") from error
    if not isinstance(told, dict):
        raise InputError(f"{file} is no month of a fleet")
    return told


def read_month(file: Path) -> tuple[Columns, Mapping[str, Json]]:
    """The rows of a file that `write_month` wrote, and what it was told of them. Raises `InputError`."""
    arrow, parquet = library()
    told = metadata_of(file)
    try:
        table = parquet.read_table(file, partitioning=None)
        return Columns(*(_column(arrow, name, table.column(name).combine_chunks()) for name in Columns._fields)), told
    except (arrow.ArrowException, OSError, ValueError, KeyError) as error:
        raise InputError(f"{file} is no month of a fleet: {clean(str(error), 160)}") from error


def _column(arrow: Any, name: str, column: Any) -> list[Any]:
    if name == "start":
        seconds: list[int] = column.cast(arrow.timestamp("s", tz="UTC")).cast(arrow.int64()).to_pylist()
        return [at // 60 for at in seconds]
    found: list[Any] = column.to_pylist()
    if name in WORDS:
        places: dict[str | None, int | None] = {None: None, **{word: at for at, word in enumerate(WORDS[name])}}
        return [places[word] for word in found]
    return found
