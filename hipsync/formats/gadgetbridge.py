"""What Gadgetbridge stored, read from its database or from the ZIP that it exports; neither is changed.

Devices are rows of the table DEVICE, known by their address in IDENTIFIER. Samples have seconds since 1970, in some
tables milliseconds. Each family knows its own tables of samples, with a driver (`Driver.gadgetbridge`) or without one
(`Undriven.gadgetbridge`); others are left alone.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections import ChainMap, Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from hipsync.core.counters import midnight_s
from hipsync.core.days import Zones
from hipsync.driver import MIDNIGHT, Abilities, LeftOut, Row, Samples, SleepTable, Slept
from hipsync.errors import InputError
from hipsync.formats.gadgetbridge_file import copied
from hipsync.formats.gadgetbridge_sleep import with_sleep
from hipsync.formats.gadgetbridge_workouts import COLUMNS, KINDS, TABLE
from hipsync.formats.landing import Landed, Landing
from hipsync.formats.meaning import wrong_epoch
from hipsync.instants import is_believed
from hipsync.model import Band, BandId, Charge, Epoch, Info, Reading, Workout, WorkoutKind
from hipsync.store import Store
from hipsync.store.file import lenient_text
from hipsync.store.imports import NewBand
from hipsync.store.staging import Staging
from hipsync.text import clean

LONGEST_CELL = 2**20
"""How many bytes a cell of the database may have. A name and a version have some dozens."""
TIME = "with a time that cannot be"
TWICE = "of a time that another row tells too"
WRONG = "with what cannot be"
"""Why a row is left out, whatever its table."""
MILLISECONDS = 10**11
"""A number from here on is milliseconds since 1970: in seconds it would be the year 5138."""
EARLIEST = datetime(2014, 1, 1, tzinfo=UTC)
"""Samples before this are dropped. No band of these families existed then; a clock that was never set says 1970 or
2000."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""The time given to what an export says about a band, so that whatever the band itself says later is newer."""
BATCH = 10_000
"""How many epochs are stored at a time."""


class Family(Protocol):
    """A family of bands, with or without a driver, as far as an import needs it."""

    @property
    def abilities(self) -> Abilities:
        """What its minutes say."""
        ...

    @property
    def gadgetbridge(self) -> Mapping[str, Samples]:
        """How to read its samples, by the name of the table that holds them."""
        ...


class Device(NamedTuple):
    """A band in Gadgetbridge's database, whose samples a family knows."""

    number: int
    address: str
    name: str
    driver: str
    """The key of the family that knows most of its rows."""
    firmware: str | None
    tables: Mapping[str, int]
    """How many rows it has in each table of samples in which it has any."""
    key: bytes | None
    """The band's key, if the export has it."""


class GadgetbridgeExport:
    """An open database of Gadgetbridge."""

    def __init__(
        self,
        db: sqlite3.Connection,
        families: Mapping[str, Family],
        keys: Mapping[str, bytes],
        zones: Callable[[], Zones] | None = None,
    ) -> None:
        """`zones` returns where the wearer was at which time; without it, every midnight is that of UTC."""
        self._db, self._keys = db, keys
        self._zones = cache(zones or (lambda: Zones([], "UTC")))
        self._samples = {
            table: (key, samples) for key, family in families.items() for table, samples in family.gadgetbridge.items()
        }
        self.left_out: Counter[str] = Counter()
        """How many rows were left out so far, by the reason."""

    def devices(self) -> list[Device]:
        """The devices with samples that a family knows.

        Raises `InputError` if this is not a database of Gadgetbridge, or is of a version that hipsync does not know.
        """
        tables = self._tables()
        if {"bands", "epochs", "prompts"} <= tables:
            raise InputError("this is a database of hipsync: `hipsync db merge FILE` takes it over")
        if "DEVICE" not in tables:
            raise InputError("this is no database of Gadgetbridge: it has no table DEVICE")
        self._check("DEVICE", ("_id", "IDENTIFIER", "NAME"))
        counts: dict[int, dict[str, int]] = {}
        for table in self._samples.keys() & tables:
            columns = [column for column in self._samples[table][1].columns if column != MIDNIGHT]
            self._check(table, ("TIMESTAMP", "DEVICE_ID", *columns))
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
        """Tables of activity samples that no family knows, and how many rows they have."""
        found: dict[str, int] = {}
        for table in self._tables() - self._samples.keys():
            if table.endswith("ACTIVITY_SAMPLE") and table.isidentifier():
                ((rows,),) = self._rows(f'SELECT count(*) FROM "{table}"')  # noqa: S608  an identifier
                found |= {table: int(rows)} if rows else {}
        return found

    def epochs(self, device: Device, now: datetime) -> Iterator[Epoch]:
        """A device's epochs, table by table, in order of time. Raises `InputError`.

        If a table has none, each of its rows counts as left out.
        """
        for table, rows in device.tables.items():
            before, found_any = self.left_out.total(), False
            samples = self._samples[table][1]
            epochs = samples.epochs(self._stamped(table, samples.columns, device, now, self.left_out))
            for sleep in samples.sleep:
                epochs = with_sleep(epochs, self._slept(sleep, device, now))
            for found in epochs:
                if isinstance(found, LeftOut):
                    self.left_out[found.why] += found.rows
                elif wrong_epoch(found, now) is None:
                    found_any = True
                    yield found
                else:
                    self.left_out[WRONG] += 1
            if not found_any and (unsaid := rows - (self.left_out.total() - before)) > 0:
                self.left_out[f"of {table}, none of which is a minute"] += unsaid

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

    def workouts(self, device: Device, now: datetime) -> Iterator[Workout]:
        """A device's workouts, without those that cannot be right; Gadgetbridge may fill in an end later.

        Raises `InputError`.
        """
        if TABLE not in self._tables() or not {"DEVICE_ID", *COLUMNS} <= self._columns(TABLE):
            return
        sql = f'SELECT {", ".join(COLUMNS)} FROM {TABLE} WHERE "DEVICE_ID" = ? ORDER BY {COLUMNS[0]}'  # noqa: S608  ours
        for began, ended, code in self._rows(sql, device.number):
            if (start := self._at(began, now)) is None or (end := self._at(ended, now)) is None:
                continue
            kind = KINDS.get(code, WorkoutKind.OTHER)
            workout = Workout(kind, start.replace(microsecond=0), end.replace(microsecond=0))
            if workout.is_possible:
                yield workout
            else:
                self.left_out[WRONG] += 1

    def _slept(self, sleep: SleepTable, device: Device, now: datetime) -> Iterator[Slept | LeftOut]:
        """When the wearer of a device slept, by one table; nothing if the database lacks it.

        Rows of a table that has samples too are counted with these, and not once more.
        """
        left_out = Counter[str]() if sleep.name in self._samples else self.left_out
        if {"TIMESTAMP", "DEVICE_ID"} <= self._columns(sleep.name):
            yield from sleep.spans(self._stamped(sleep.name, sleep.columns, device, now, left_out))

    def _stamped(
        self, table: str, columns: Sequence[str], device: Device, now: datetime, left_out: Counter[str]
    ) -> Iterator[tuple[datetime, Row]]:
        """The rows of a device with their instants, in order; those with a time that cannot be right are counted.

        They are counted in `left_out`. A column that the table lacks is None in each row, and `MIDNIGHT` is what it
        stands for.
        """
        there = self._columns(table)
        cells_of = ", ".join(f'"{column}"' if column in there else "NULL" for column in columns)
        at = f'iif("TIMESTAMP" >= {MILLISECONDS}, "TIMESTAMP" / 1000.0, "TIMESTAMP")'
        sql = f'SELECT "TIMESTAMP", {cells_of} FROM "{table}" WHERE "DEVICE_ID" = ? ORDER BY {at}'  # noqa: S608  ours
        with _translated():
            for stamp, *cells in self._db.execute(sql, (device.number,)):
                if not all(cell is None or isinstance(cell, int) for cell in (stamp, *cells)):
                    raise InputError(f"{table} holds {[stamp, *cells]!r:.100} where numbers belong")
                if (instant := _believed(stamp, now)) is None:
                    left_out[TIME] += 1
                else:
                    row = dict(zip(columns, cells, strict=True))
                    yield instant, row | {MIDNIGHT: self._midnight(instant)} if MIDNIGHT in row else row

    def _midnight(self, instant: datetime) -> int:
        """The last midnight before an instant where the wearer was then, in seconds since 1970."""
        return midnight_s(int(instant.timestamp()) - 1, self._zones().at(instant))

    def _at(self, stamp: object, now: datetime) -> datetime | None:
        """The instant of a row; None if it cannot be right, and then the row is counted in `left_out`."""
        if (at := _believed(stamp, now)) is None:
            self.left_out[TIME] += 1
        return at

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


def stage_devices(
    export: GadgetbridgeExport,
    minutes: Staging,
    now: datetime,
    on_progress: Callable[[int], object],
) -> None:
    """Read the epochs of all devices into `minutes`, by the device's number. Raises `InputError`.

    Two tables may tell of the same time: both are joined, so that a second import changes nothing.
    `on_progress` is called with the number of epochs after each batch.
    """
    told = 0
    for device in export.devices():
        epochs = export.epochs(device, now)
        while batch := list(islice(epochs, BATCH)):
            for epoch in batch:
                minutes.add_joined(str(device.number), epoch)
            told += len(batch)
            on_progress(len(batch))
    if twice := told - minutes.count():
        export.left_out[TWICE] += twice


class ReadDevices:
    """The devices of an export, with the minutes of `stage_devices`, ready to be stored: see `landing.Read`.

    A paired band is found by its address. One that was imported before is found by the address that the import stored
    as its serial number. Others are added.
    """

    def __init__(
        self, export: GadgetbridgeExport, minutes: Staging, families: Mapping[str, Family], now: datetime
    ) -> None:
        self._export, self._minutes, self._families, self._now = export, minutes, families, now
        self._arriving: dict[int, BandId] = {}
        self.keys: dict[str, bytes] = {}
        """The keys that the export has, by the name of the band that was stored. They are not stored."""

    def load(self, landing: Landing) -> None:
        """As `Read.load`."""
        for device in self._export.devices():
            into = self._band(landing.store, device)
            self._arriving[device.number] = landing.load(partial(self._minutes.epoch_rows, str(device.number)), into)

    def land(self, landing: Landing) -> list[Landed]:
        """As `Read.land`. Raises `InputError`."""
        found: list[Landed] = []
        for device in self._export.devices():
            landed = landing.land(self._arriving[device.number], self._band(landing.store, device))
            self._store_others(landing.store, device, landed.band)
            if device.key is not None:
                self.keys[landed.band.name] = device.key
            found.append(landed)
        return found

    def _band(self, store: Store, device: Device) -> Band | NewBand:
        return _band(store, device, self._families[device.driver], self._now)

    def _store_others(self, store: Store, device: Device, band: Band) -> None:
        others: Iterator[Reading] = chain(
            self._export.charges(device, self._now), self._export.workouts(device, self._now)
        )
        while some := list(islice(others, BATCH)):
            store.append(band.id, some)
        if band.address is None:
            store.append(band.id, [Info(BEGINNING, device.firmware, None, device.address)])


def _band(store: Store, device: Device, family: Family, now: datetime) -> Band | NewBand:
    """The band for a device, which was paired or imported before; else a new one under a name that is free."""
    for band in store.bands():
        if band.driver == device.driver and not band.simulated:
            info = store.newest_info(band.id)
            if device.address in {(band.address or "").upper(), info.serial if info is not None else None}:
                return band
    names = {band.name for band in store.bands()}
    name = next(each for each in chain([device.name], (f"{device.name} {n}" for n in count(2))) if each not in names)
    wear = family.abilities.wear
    return NewBand(
        name=name, driver=device.driver, advertised_name=device.name, now=now, vouches=wear, reports_wear=wear
    )


@contextlib.contextmanager
def opened_export(
    file: Path,
    families: Mapping[str, Family],
    zones: Callable[[], Zones] | None = None,
    keys: dict[str, bytes] | None = None,
) -> Generator[GadgetbridgeExport, None, None]:
    """Open the database in a file or in a ZIP, after copying it to a private folder. Raises `InputError`.

    `zones` is as in `GadgetbridgeExport`; `keys` are those that are found beside it, by address, as long as it is open.
    """
    with tempfile.TemporaryDirectory(prefix="hipsync-") as folder:
        copy = Path(folder) / "Gadgetbridge"
        held = ChainMap(dict(copied(file, copy)), keys if keys is not None else {})
        with _translated():
            db = sqlite3.connect(f"file:{copy}?mode=rw", uri=True)  # writable: SQLite then reads a log beside it
        with contextlib.closing(db):
            db.text_factory = lenient_text
            db.execute("PRAGMA trusted_schema = OFF")
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
            yield GadgetbridgeExport(db, families, held, zones)


def _instant(stamp: object) -> datetime | None:
    """An instant that a table has in seconds or milliseconds; None for what is neither."""
    if not isinstance(stamp, int):
        return None
    try:
        return datetime.fromtimestamp(stamp / 1000 if stamp >= MILLISECONDS else stamp, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _believed(stamp: object, now: datetime) -> datetime | None:
    """The instant that a table has; None for one that cannot be right."""
    at = _instant(stamp)
    return at if at is not None and at >= EARLIEST and is_believed(at, now) else None


@contextlib.contextmanager
def _translated() -> Generator[None, None, None]:
    """During the block, SQLite's errors become an `InputError`."""
    try:
        yield
    except (sqlite3.Error, OverflowError) as error:
        raise InputError(f"the database cannot be read: {error}") from error
    except UnicodeDecodeError as error:  # SQLite's words on a schema that is no text
        raise InputError("the database cannot be read: its schema is damaged") from error
