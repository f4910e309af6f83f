"""The file that Gadgetbridge exported, a database or a ZIP with one, copied to where it can be read without harm.

A ZIP is a stranger's: it may unpack to any size. Of its other files only the bands' keys are read.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from hipsync.errors import ConfigError, InputError
from hipsync.store.file import MAGIC
from hipsync.store.keys import parsed_key
from hipsync.text import Json, json_of

UNPACKED_OF_ANY, UNPACKED_A_BYTE = 64 * 2**20, 50
"""How many bytes a ZIP may unpack to: so many, and so many more for each of its bytes. A database of minutes is packed
to a tenth; only what was made to fill a disk is packed to a thousandth."""
LARGEST_DEVICE_FILE = 2**20
"""How many bytes the file for a device may have."""
PACKED_BY = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""How the files in a ZIP may be packed. These are unpacked piece by piece, and Gadgetbridge writes no other."""


def copied(file: Path, to: Path) -> Mapping[str, bytes]:
    """Copy the database in a file, and return the bands' keys by address, as far as the file has them.

    Raises `InputError`.
    """
    try:
        return _copied(file, to) if _is_database(file) else _extracted(file, to)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # encrypted, or a new method
        raise InputError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def is_of_gadgetbridge(file: Path) -> bool:
    """Whether a database has Gadgetbridge's table of devices. What cannot be read has not."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as db:
            return bool(db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'DEVICE'").fetchall())
    except (sqlite3.Error, UnicodeDecodeError):
        return False


def device_of(name: str) -> str | None:
    """The address in the name of a file that Gadgetbridge writes for each device, without folders; None in another."""
    if name.startswith("device_") and name.endswith(".json"):
        return name.removeprefix("device_").removesuffix(".json").upper()
    return None


def _is_database(file: Path) -> bool:
    """Whether a file begins as SQLite's do. Raises `InputError` if it is no ZIP either, and `OSError`."""
    with file.open("rb") as opened_file:
        if opened_file.read(len(MAGIC)) == MAGIC:
            return True
    if not zipfile.is_zipfile(file):
        raise InputError(f"{file} is neither a database nor a ZIP: give what Gadgetbridge exported")
    return False


def _copied(file: Path, to: Path) -> Mapping[str, bytes]:
    """Copy a database and its log; return no keys: a bare database has none. Raises `OSError`."""
    shutil.copyfile(file, to)
    log = file.with_name(f"{file.name}-wal")
    if log.is_file():
        shutil.copyfile(log, to.with_name(f"{to.name}-wal"))
    return {}


def _extracted(file: Path, to: Path) -> Mapping[str, bytes]:
    """Copy the first database out of a ZIP; return the keys in its device files, by address. Raises `InputError`."""
    keys: dict[str, bytes] = {}
    found, room = False, UNPACKED_OF_ANY + UNPACKED_A_BYTE * file.stat().st_size
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            base = member.filename.rpartition("/")[2]
            if member.is_dir() or member.compress_type not in PACKED_BY:
                continue
            address = device_of(base)
            if address is not None and member.file_size < min(LARGEST_DEVICE_FILE, room):
                room -= member.file_size
                if (key := key_in(archive.read(member))) is not None:
                    keys[address] = key
            elif not found:
                with archive.open(member) as source:
                    if source.read(len(MAGIC)) == MAGIC:
                        _written(source, to, room)
                        found = True
    if not found:
        raise InputError(f"{file} holds no database: give what Gadgetbridge exported")
    return keys


def _written(source: IO[bytes], to: Path, room: int) -> None:
    """Copy a database whose first bytes, `MAGIC`, were read already. Raises `InputError` if it is over `room`."""
    size = len(MAGIC)
    with to.open("wb") as copy:
        copy.write(MAGIC)
        while part := source.read(2**20):
            size += len(part)
            if size > room:
                raise InputError(
                    f"the database in this ZIP unpacks to over {room >> 20:,} MiB: no real one is packed so"
                )
            copy.write(part)


def key_in(text: bytes) -> bytes | None:
    """The key in a file for a device, at any depth of its JSON; None if there is none."""
    try:
        todo: list[Json] = [json_of(text)]
    except ValueError:
        return None
    while todo:
        match todo.pop():
            case {"authkey": str(key)}:
                with contextlib.suppress(ConfigError):
                    return parsed_key(key)
            case dict() as members:
                todo += members.values()
            case list() as items:
                todo += items
            case _:
                pass
    return None
