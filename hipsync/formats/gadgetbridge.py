"""What Gadgetbridge stored, read from its database or from the ZIP that it exports; neither is changed.

Devices are rows of the table DEVICE, known by their address in IDENTIFIER. Samples have seconds since 1970, in some
tables milliseconds. Each family's driver knows its own table of samples (`Driver.gadgetbridge`); others are left alone.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, count, islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from hipsync.driver import Driver, Row, Samples
from hipsync.errors import ConfigError, InputError
from hipsync.instants import is_believed
from hipsync.model import Band, Charge, Epoch, Info, Reading
from hipsync.store import Store
from hipsync.store.keys import parsed_key
from hipsync.text import Json, clean, json_of

MAGIC = b"SQLite format 3\0"
MOST_BYTES = 4 * 2**30
"""The largest database in a ZIP that is read: a year of minutes takes some 30 MB."""
MILLISECONDS = 10**11
"""A number from here on is milliseconds since 1970: in seconds it would be the year 5138."""
EARLIEST = datetime(2014, 1, 1, tzinfo=UTC)
"""Samples before this are dropped. No band of these families existed then; a clock that was never set says 1970 or
2000."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""The time given to what an export says about a band, so that whatever the band itself says later is newer."""
BATCH = 10_000
"""How many epochs are stored at a time."""


class Device(NamedTuple):
    """A band in Gadgetbridge's database, whose samples a driver knows."""

    number: int
    address: str
    name: str
    driver: str
    """The key of the driver that knows most of its rows."""
    firmware: str | None
    tables: Mapping[str, int]
    """How many rows it has in each table of samples in which it has any."""
    key: bytes | None
    """The band's key, if the export has it."""


class GadgetbridgeExport:
    """An open database of Gadgetbridge."""

    def __init__(self, db: sqlite3.Connection, drivers: Mapping[str, Driver], keys: Mapping[str, bytes]) -> None:
        self._db, self._keys = db, keys
        self._samples = {
            table: (key, samples) for key, driver in drivers.items() for table, samples in driver.gadgetbridge.items()
        }
        self.dropped = 0
        """How many rows were left out because their time cannot be right."""

    def devices(self) -> list[Device]:
        """The devices with samples that a driver knows.

        Raises `InputError` if this is not a database of Gadgetbridge, or is of a version that hipsync does not know.
        """
        tables = self._tables()
        if "DEVICE" not in tables:
            raise InputError("this is no database of Gadgetbridge: it has no table DEVICE")
        self._check("DEVICE", ("_id", "IDENTIFIER", "NAME"))
        counts: dict[int, dict[str, int]] = {}
        for table in self._samples.keys() & tables:
            self._check(table, ("TIMESTAMP", "DEVICE_ID", *self._samples[table][1].columns))
            for number, rows in self._rows(f'SELECT "DEVICE_ID", count(*) FROM "{table}" GROUP BY 1'):  # noqa: S608  ours
                counts.setdefault(number, {})[table] = rows
        alias = '"ALIAS"' if "ALIAS" in self._columns("DEVICE") else "NULL"
        found: list[Device] = []
        sql = f'SELECT "_id", "IDENTIFIER", "NAME", {alias} FROM "DEVICE"'  # noqa: S608  ours
        for number, identifier, own_name, given_name in self._rows(sql):
            rows_by_table = counts.get(number, {})
            if rows_by_table:
                name = clean(str(given_name or "")) or clean(str(own_name or "")) or "band"
                most = max(rows_by_table, key=rows_by_table.__getitem__)
                address = clean(str(identifier)).upper()
                found.append(
                    Device(
                        number, address, name, self._samples[most][0], self._firmware(number, tables), rows_by_table,
                        self._keys.get(address),
                    )
                )  # fmt: skip
        return found

    def unknown(self) -> dict[str, int]:
        """Tables of activity samples that no driver knows, and how many rows they have."""
        found: dict[str, int] = {}
        for table in self._tables() - self._samples.keys():
            if table.endswith("ACTIVITY_SAMPLE") and table.isidentifier():
                ((rows,),) = self._rows(f'SELECT count(*) FROM "{table}"')  # noqa: S608  an identifier
                found |= {table: int(rows)} if rows else {}
        return found

    def epochs(self, device: Device, now: datetime) -> Iterator[Epoch]:
        """A device's epochs, table by table, in order of time. Raises `InputError`."""
        for table in device.tables:
            samples = self._samples[table][1]
            yield from samples.epochs(self._stamped(table, samples, device, now))

    def charges(self, device: Device, now: datetime) -> Iterator[Charge]:
        """A device's battery readings. Raises `InputError`."""
        if "BATTERY_LEVEL" not in self._tables() or not {"TIMESTAMP", "LEVEL"} <= self._columns("BATTERY_LEVEL"):
            return
        for stamp, level in self._rows(
            'SELECT "TIMESTAMP", "LEVEL" FROM "BATTERY_LEVEL" WHERE "DEVICE_ID" = ?', device.number
        ):
            at = self._at(stamp, now)
            if at is not None and isinstance(level, int) and 0 <= level <= 100:
                yield Charge(at.replace(microsecond=0), level)

    def _stamped(self, table: str, samples: Samples, device: Device, now: datetime) -> Iterator[tuple[datetime, Row]]:
        """The rows of a device with their instants, in order; those with a time that cannot be right are counted."""
        columns = ", ".join(f'"{column}"' for column in samples.columns)
        sql = f'SELECT "TIMESTAMP", {columns} FROM "{table}" WHERE "DEVICE_ID" = ? ORDER BY "TIMESTAMP"'  # noqa: S608
        with _translated():
            for stamp, *cells in self._db.execute(sql, (device.number,)):
                if not all(cell is None or isinstance(cell, int) for cell in (stamp, *cells)):
                    raise InputError(f"{table} holds {[stamp, *cells]!r:.100} where numbers belong")
                if (at := self._at(stamp, now)) is not None:
                    yield at, dict(zip(samples.columns, cells, strict=True))

    def _at(self, stamp: object, now: datetime) -> datetime | None:
        """The instant of a row; None if it cannot be right, and then the row is counted in `dropped`."""
        at = _instant(stamp)
        if at is not None and at >= EARLIEST and is_believed(at, now):
            return at
        self.dropped += 1
        return None

    def _firmware(self, number: int, tables: set[str]) -> str | None:
        table = "DEVICE_ATTRIBUTES"
        if table not in tables or not {"DEVICE_ID", "FIRMWARE_VERSION1", "VALID_FROM_UTC"} <= self._columns(table):
            return None
        sql = f'SELECT "FIRMWARE_VERSION1" FROM "{table}" WHERE "DEVICE_ID" = ? ORDER BY "VALID_FROM_UTC" DESC LIMIT 1'  # noqa: S608
        rows = self._rows(sql, number)
        return clean(str(rows[0][0])) or None if rows else None

    def _tables(self) -> set[str]:
        return {str(name) for (name,) in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def _columns(self, table: str) -> set[str]:
        return {str(column[1]) for column in self._rows(f'PRAGMA table_info("{table}")')}

    def _check(self, table: str, columns: Sequence[str]) -> None:
        if missing := set(columns) - self._columns(table):
            raise InputError(
                f"the table {table} has no column {min(missing)}: this hipsync does not know that version of "
                "Gadgetbridge's database"
            )

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with _translated():
            return self._db.execute(sql, values).fetchall()


class ImportedDevice(NamedTuple):
    """What was imported from one device."""

    band: Band
    epochs: int
    new: int
    """How many of the epochs were new."""
    key: bytes | None
    """The band's key, if the export has it. It is not stored."""


def import_devices(
    store: Store,
    export: GadgetbridgeExport,
    drivers: Mapping[str, Driver],
    now: datetime,
    on_progress: Callable[[int], object],
) -> list[ImportedDevice]:
    """Store all that an export has of all devices, or nothing; return what was imported from each.

    A paired band is found by its address. One that was imported before is found by the address that the import stored
    as its serial number. Others are added. `on_progress` is called with the number of epochs after each batch. Raises
    `InputError` and `StoreError`.
    """
    found: list[ImportedDevice] = []
    with store.transaction():
        for device in export.devices():
            band = _band(store, device, drivers[device.driver], now)
            stored = new = 0
            for batch in _batches(export.epochs(device, now)):
                new += store.append(band.id, batch).new
                stored += len(batch)
                on_progress(len(batch))
            others: list[Reading] = [*export.charges(device, now)]
            if band.address is None:
                others.append(Info(BEGINNING, device.firmware, None, device.address))
            store.append(band.id, others)
            found.append(ImportedDevice(band, stored, new, device.key))
    return found


def _band(store: Store, device: Device, driver: Driver, now: datetime) -> Band:
    """Return the band for a device, which was paired or imported before; else add one under a name that is free."""
    for band in store.bands():
        if band.driver == device.driver and not band.simulated:
            info = store.newest_info(band.id)
            if device.address in {(band.address or "").upper(), info.serial if info is not None else None}:
                return band
    names = {band.name for band in store.bands()}
    name = next(each for each in chain([device.name], (f"{device.name} {n}" for n in count(2))) if each not in names)
    able = driver.abilities
    return store.add_band(
        name=name, driver=device.driver, advertised_name=device.name, now=now,
        vouches=able.wear or able.sleep or able.heart_rate, reports_wear=able.wear,
    )  # fmt: skip


def _batches(epochs: Iterator[Epoch]) -> Iterator[list[Epoch]]:
    while batch := list(islice(epochs, BATCH)):
        yield batch


@contextlib.contextmanager
def opened_export(file: Path, drivers: Mapping[str, Driver]) -> Generator[GadgetbridgeExport, None, None]:
    """Open the database in a file or in a ZIP, after copying it to a private folder. Raises `InputError`."""
    with tempfile.TemporaryDirectory(prefix="hipsync-") as folder:
        copy = Path(folder) / "Gadgetbridge"
        try:
            keys = _extracted(file, copy) if zipfile.is_zipfile(file) else _copied(file, copy)
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # encrypted, or a new method
            raise InputError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
        with _translated():
            db = sqlite3.connect(f"file:{copy}?mode=rw", uri=True)  # writable: SQLite then reads a log beside it
        with contextlib.closing(db):
            db.execute("PRAGMA trusted_schema = OFF")
            yield GadgetbridgeExport(db, drivers, keys)


def _copied(file: Path, to: Path) -> Mapping[str, bytes]:
    """Copy a database and its log; return no keys: a bare database has none. Raises `InputError` and `OSError`."""
    with file.open("rb") as opened_file:
        if opened_file.read(len(MAGIC)) != MAGIC:
            raise InputError(f"{file} is neither a database nor a ZIP: give what Gadgetbridge exported")
    shutil.copyfile(file, to)
    log = file.with_name(f"{file.name}-wal")
    if log.is_file():
        shutil.copyfile(log, to.with_name(f"{to.name}-wal"))
    return {}


def _extracted(file: Path, to: Path) -> Mapping[str, bytes]:
    """Copy the first database out of a ZIP; return the keys in its device files, by address. Raises `InputError`."""
    keys: dict[str, bytes] = {}
    found = False
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            base = member.filename.rpartition("/")[2]
            if base.startswith("device_") and base.endswith(".json") and member.file_size < 2**20:
                key = _key_in(archive.read(member))
                if key is not None:
                    keys[base.removeprefix("device_").removesuffix(".json").upper()] = key
            elif not found and not member.is_dir():
                with archive.open(member) as source:
                    if source.read(len(MAGIC)) == MAGIC:
                        _written(source, to)
                        found = True
    if not found:
        raise InputError(f"{file} holds no database: give what Gadgetbridge exported")
    return keys


def _written(source: IO[bytes], to: Path) -> None:
    """Copy a database whose first bytes, `MAGIC`, were read already. Raises `InputError` if it is too large."""
    size = len(MAGIC)
    with to.open("wb") as copy:
        copy.write(MAGIC)
        while part := source.read(2**20):
            size += len(part)
            if size > MOST_BYTES:
                raise InputError("the database in this ZIP is larger than any that Gadgetbridge makes")
            copy.write(part)


def _key_in(text: bytes) -> bytes | None:
    """The key in a device file of the ZIP, at any depth of its JSON; None if there is none."""
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


def _instant(stamp: object) -> datetime | None:
    """An instant that a table has in seconds or milliseconds; None for what is neither."""
    if not isinstance(stamp, int):
        return None
    try:
        return datetime.fromtimestamp(stamp / 1000 if stamp >= MILLISECONDS else stamp, UTC)
    except (OverflowError, ValueError, OSError):
        return None


@contextlib.contextmanager
def _translated() -> Generator[None, None, None]:
    """During the block, SQLite's errors become an `InputError`."""
    try:
        yield
    except (sqlite3.Error, OverflowError) as error:
        raise InputError(f"the database cannot be read: {error}") from error
