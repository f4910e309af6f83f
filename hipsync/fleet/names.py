"""The names that belong to pseudonyms, from a file on this computer: CSV with the columns `pseudonym` and `name`.

They are shown on pages and stored nowhere else. A file that others can read is refused, and a name comes into a page
without characters that nobody sees.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from hipsync.errors import InputError
from hipsync.private import refuse_readable
from hipsync.text import one_line

LONGEST = 200
"""How many characters of a name are shown."""
MOST_BYTES = 16 * 2**20
COLUMNS = ("pseudonym", "name")


def names_of(file: Path) -> dict[str, str]:
    """The name of each pseudonym. Raises `InputError`, and `ConfigError` if others can read the file."""
    try:
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(file, flags), "rb") as opened:
            refuse_readable(file, opened.fileno(), "it holds names")
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
    if len(content) > MOST_BYTES:
        raise InputError(f"{file} is longer than {MOST_BYTES // 2**20} MiB, which no list of names is")
    try:
        return _read(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8: save it as UTF-8, or CSV UTF-8") from error
    except (InputError, csv.Error) as error:
        raise InputError(f"{file}: {error}") from error


def _read(text: str) -> dict[str, str]:
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in head else ",", strict=True)
    columns = [cell.strip().lower() for cell in next(reader, [""])]
    if sorted(columns) != sorted(COLUMNS):
        raise InputError("the first line must be `pseudonym,name`")
    places = [columns.index(name) for name in COLUMNS]
    found: dict[str, str] = {}
    for row in reader:
        if not any(row):
            continue
        if len(row) != len(COLUMNS):
            raise InputError(f"line {reader.line_num} has {len(row)} cells, not {len(COLUMNS)}")
        pseudonym, name = (one_line(row[place], LONGEST) for place in places)
        if found.setdefault(pseudonym, name) != name:
            raise InputError(f"line {reader.line_num} gives {one_line(pseudonym, 64)!r} a second name")
    return found
