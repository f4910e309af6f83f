"""Minutes as CSV, in and out. What is exported is imported again without loss; the columns are in docs/contract.md.

A file is checked line by line before anything is stored, and an error names the line. Other formats use this module's
columns, checks and `MinuteTable`, so that all imports are stored in the same way.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache, partial
from types import TracebackType
from typing import IO, BinaryIO, NamedTuple, Self, TypeVar
from zoneinfo import ZoneInfo

from hipsync.errors import InputError, ZoneWanted
from hipsync.formats.csv_dialect import COLUMNS, Dialect, dialect_of, number, rows_of
from hipsync.formats.known_cells import KnownCells
from hipsync.formats.landing import Landed, Landing, stored
from hipsync.formats.meaning import (
    HEART_RATES,
    INTENSITIES,
    KINDS,
    LONGEST_MINUTES,
    YEARS,
    starts,
    wrong_epoch,
    wrong_start,
)
from hipsync.formats.replayed import Replayed
from hipsync.formats.written_dates import WRITE_IT, DateOrder, Dates, Doubt, has_date, unasked
from hipsync.model import MINUTE, STEPS_A_MINUTE, Band, BandId, Epoch, Posture, State
from hipsync.store import Store
from hipsync.store.file import instant
from hipsync.store.imports import NewBand
from hipsync.store.readings import epoch_of_row
from hipsync.store.staging import Staging, Value
from hipsync.text import clean

FORMULA = re.compile(r"'*[=+@\t\r\uff1d\uff0b\uff20\uff0d-]")
"""How a text begins that a spreadsheet takes for a formula (OWASP, "CSV Injection"), in full width too, with any
number of apostrophes before it. An export puts one more in front of such a name, and an import takes one away."""
UNNAMED = "csv"
"""The name of the band for lines that do not name one."""
_NUMBERS = ("steps", "length", "intensity", "heart_rate", "kind", "inferred")
_Word = TypeVar("_Word", bound=StrEnum)


class MinuteTable:
    """The minutes of a file, which are all checked before one of them is stored: a context manager that forgets them.

    Of a minute that the file holds twice, one is kept; two that contradict each other are refused.
    """

    def __init__(self, word: str = "line", *, wear: bool = False) -> None:
        """`word` is what the file calls a row. `wear` says that it has states, and so says when a band is not worn."""
        self.epochs = Staging(word)
        self.wear = wear
        self._arriving: dict[str, BandId] = {}
        self.zone: str | None = None
        """The zone of the local times in the file, an IANA name; None if it has none."""
        self.unended = False
        """Whether the last line of the file has no end, so that its last cell may have been cut off."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.epochs.__exit__(kind, error, trace)

    def add(self, band: str, epoch: Epoch, number: int) -> None:
        """Add the epoch of the row with this number. Raises `InputError` if an earlier row contradicts it."""
        self.epochs.add(band, epoch, number)

    def lines(self) -> int:
        """How many rows there are, without those that repeat an earlier one."""
        return self.epochs.count()

    def load(self, landing: Landing) -> None:
        """As `Read.load`."""
        for name, able in self.abilities().items():
            into = csv_band(landing.store, name, able, landing.now)
            self._arriving[name] = landing.load(partial(self.epochs.epoch_rows, name), into)

    def land(self, landing: Landing) -> list[Landed]:
        """As `Read.land`. Bands that are missing are added."""
        bounds, landed = self.epochs.bounds(), list[Landed]()
        abroad = None if self.zone is None or bounds is None else landing.days_abroad(*bounds, self.zone)
        for name, able in self.abilities().items():
            landed.append(landing.land(self._arriving[name], csv_band(landing.store, name, able, landing.now)))
            if abroad is not None:
                landing.store.note_import(landed[-1].band.id, landing.now, "csv", name, abroad)
        return landed

    def abilities(self) -> dict[str, Abilities]:
        """What each band of the file reports, by its name.

        A column of states belongs to the one band of a file, even if all its cells are empty: then the band was worn by
        somebody awake. In a file of several bands it may be there for another one, so it counts for those that have a
        state in it. Heart rates count for the band that has them.
        """
        said = self.epochs.bands()
        found: dict[str, Abilities] = {}
        for name, each in said.items():
            wear = self.wear and (each.states or len(said) == 1)
            found[name] = Abilities(wear or each.states or each.heart_rates, wear)
        return found


class Abilities(NamedTuple):
    """What a band reports beside steps: see `Band.vouches` and `Band.reports_wear`."""

    vouches: bool
    reports_wear: bool


class Imported(NamedTuple):
    """What became of the lines of a file that was imported."""

    lines: int
    new: int
    same: int
    """How many epochs of the file changed nothing, because the database had them already."""

    @classmethod
    def of(cls, landed: Sequence[Landed]) -> Self:
        """The sum over the bands of a file."""
        lines, new = sum(each.epochs for each in landed), sum(each.new for each in landed)
        return cls(lines, new, lines - new)


class Exported(NamedTuple):
    """What became of the rows of a database that was exported."""

    epochs: int
    left_out: int
    """How many rows cannot be right, such as those of the future; no import would take them."""


def read_csv(
    file: BinaryIO,
    *,
    band: str | None,
    zone: ZoneInfo | None,
    now: datetime | None,
    dates: DateOrder | None = None,
    ask: Callable[[Doubt], DateOrder] = unasked,
) -> MinuteTable:
    """Read the minutes of a whole CSV file; the caller closes the result. Raises `InputError`, which names the line.

    `zone` is the zone of timestamps without an offset; `ZoneWanted` is raised if it is None. The lines belong to
    `band` if it is given, else to the band in the column of that name, else to the band `csv`. A line that lies in
    the future at `now` is an error. `dates` says whether the day or the month comes first in dates with slashes; if
    it is None, and the file does not tell it, `ask` is called once.
    """
    with kept(MinuteTable()) as table, Replayed(file) as replayed:
        # without a zone its first row is refused, so nobody is asked about its dates
        dialect = dialect_of(replayed, dates, None if zone is None else ask)
        replayed.settle()
        starts = Starts(zone, now, Dates(dialect.order))
        _fill(table, replayed, dialect, band, starts)
        table.zone = zone.key if zone is not None and starts.has_local_times else None
        table.lines()
    return table


@contextmanager
def kept(table: MinuteTable) -> Generator[MinuteTable, None, None]:
    """During the block a table is filled; it is closed only if that fails."""
    try:
        yield table
    except BaseException as error:
        table.__exit__(type(error), error, None)
        raise


def import_table(store: Store, table: MinuteTable, now: datetime) -> Imported:
    """Store all minutes of a file, or none; return what became of them. Bands that are missing are added.

    Raises `InputError` if a name belongs to a band that is not from such an import, and `StoreError`.
    """
    (landed,) = stored(store, [table], now)
    return Imported.of(landed)


def epochs_of_csv(file: BinaryIO, zone: ZoneInfo | None) -> list[Epoch]:
    """Read the epochs of a CSV file, in order of time, also those of the future. Raises `InputError`.

    `zone` is the zone of timestamps without an offset, which are an error if it is None.
    """
    with read_csv(file, band=UNNAMED, zone=zone, now=None) as table:
        return list(table.epochs.epochs(UNNAMED))


def csv_band(store: Store, name: str, able: Abilities, now: datetime) -> Band | NewBand:
    """The imported band of this name; a new one if it is missing.

    Raises `InputError` if the name belongs to a band that is not from such an import.
    """
    band = next((band for band in store.bands() if band.name == name), None)
    if band is None:
        return NewBand(name, "csv", now, able.vouches, able.reports_wear)
    if band.driver != "csv":
        raise InputError(f"the band {name!r} is not one of an import: give another name with --band")
    store.amend_band(band.id, vouches=able.vouches, reports_wear=able.reports_wear)
    return band


def _fill(table: MinuteTable, file: Replayed, dialect: Dialect, band: str | None, starts: Starts) -> None:
    """Check and add each line of a file. Raises `InputError` at the first line that is wrong."""
    known, epochs, before = KnownCells[Value](), table.epochs, set[str]()

    def unended() -> None:
        table.unended = True
        before.update(epochs.names())

    table.wear = "state" in dialect.columns.places
    line, stamp = 0, ""
    for line, stamp, cells in rows_of(file, dialect, unended):
        try:
            at_s = starts.read(stamp.strip())
            values = known.values(cells)
            if values is None:
                row = _row(cells)
                _, values = epochs.values_of(band or _name(row), _epoch(row, instant(at_s)))
                known.learn(cells, values)
        except InputError as error:
            raise type(error)(f"line {line}: {error}") from error
        epochs.add_values(at_s, values, line)
    cut = {"timestamp": dialect.is_short(stamp), "band": _is_cut_name(epochs.names(), before)}
    if table.unended and cut.get(dialect.last_column):
        raise InputError(f"line {line} does not end, nor does its last cell: the file was cut off while written")


def _row(cells: Sequence[str]) -> dict[str, str]:
    """The cells of a row by their columns, without its timestamp."""
    row = {column: cell.strip() for column, cell in zip(COLUMNS[1:], cells, strict=True)}
    return row | {column: number(row[column]) for column in _NUMBERS}


def _is_cut_name(names: Collection[str], before: Collection[str]) -> bool:
    """Whether the last row of a file has a new name that may be half of one `before`, or none as the only row."""
    return any(name == UNNAMED or old.startswith(name) for name in set(names) - set(before) for old in before)


@contextmanager
def located(where: str) -> Generator[None, None, None]:
    """During the block, the message of an `InputError` gets the place in the file in front."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _name(row: Mapping[str, str]) -> str:
    name = row.get("band") or UNNAMED
    if name.startswith("'") and FORMULA.match(name):
        name = name[1:]
    return checked_band(name)


@lru_cache(maxsize=1000)
def checked_band(name: str) -> str:
    """Return the name of a band in a file. Raises `InputError` if no band can have it."""
    if not name or clean(name) != name:
        raise InputError(f"band {name[:80]!r} is too long, or holds characters that cannot be seen")
    return name


class Starts:
    """The timestamps of a file's rows, which are read one after the other."""

    def __init__(self, zone: ZoneInfo | None, now: datetime | None, dates: Dates | None = None) -> None:
        """`zone` is that of timestamps without an offset, and `now` the time after which they lie in the future.

        `dates` reads those that are not in ISO 8601; without it they are an error.
        """
        self._zone, self._now, self._allowed, self._dates = zone, now, starts(now), dates
        self._before: datetime | None = None
        self.has_local_times = False
        """Whether the zone was needed."""

    def read(self, text: str) -> int:
        """The start of the next row, in seconds since 1970. Raises `InputError`."""
        try:
            written = datetime.fromisoformat(text)
        except ValueError as error:
            if self._dates is None:
                raise InputError(f"{text[:80]!r} is not a timestamp: {WRITE_IT}") from error
            if self._zone is None and has_date(text):
                raise InputError(_no_offset(text)) from error
            written = self._dates.read(text)
        try:
            start = written if written.tzinfo is not None else self._of_zone(written, text)
            exact_s = start.timestamp()
            at_s = int(exact_s)
            if at_s != exact_s or at_s not in self._allowed:
                raise InputError(f"{text!r} {wrong_start(start.astimezone(UTC), self._now)}")
        except OverflowError as error:  # in UTC it lies before the year 1 or after the year 9999
            raise InputError(f"{text!r} is not in the years {YEARS[0]} to {YEARS[-1]} of UTC") from error
        self._before = start
        return at_s

    def _of_zone(self, written: datetime, text: str) -> datetime:
        if self._zone is None:
            raise ZoneWanted(_no_offset(text))
        self.has_local_times = True
        return _local(written, self._zone, self._before)


def _no_offset(text: str) -> str:
    return f"{text!r} has no offset from UTC: add one, or say --zone Europe/London"


def _local(written: datetime, zone: ZoneInfo, before: datetime | None) -> datetime:
    """A local time with its zone: in an hour that comes twice, the first one, unless the rows have passed it already.

    Raises `InputError` for a time that the clock skipped.
    """
    first, second = (written.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != written:
        raise InputError(f"{written.isoformat()} does not exist in {zone.key}: the clock skipped it")
    again = before is not None and first.astimezone(UTC) <= before < second.astimezone(UTC)
    return second if again else first


def epoch_of(row: Mapping[str, str], starts: Starts) -> Epoch:
    """The epoch of a row. Raises `InputError`."""
    if unknown := row.keys() - set(COLUMNS):
        raise InputError(f"unknown column {min(unknown)[:40]!r}")
    if "timestamp" not in row:
        raise InputError("the timestamp is missing")
    return _epoch(row, instant(starts.read(row["timestamp"])))


def _epoch(row: Mapping[str, str], start: datetime) -> Epoch:
    minutes, rest = divmod(_number(row, "length", range(60, LONGEST_MINUTES * 60 + 1)) or 60, 60)
    if rest:
        raise InputError(f"length {minutes * 60 + rest} is not a whole number of minutes, in seconds")
    steps = _number(row, "steps", range(STEPS_A_MINUTE * minutes + 1))
    if steps is None:
        raise InputError("steps are missing: leave out lines of which nothing is known")
    return Epoch(
        start,
        minutes * MINUTE,
        steps,
        _number(row, "intensity", INTENSITIES),
        _number(row, "heart_rate", HEART_RATES),
        _word(row, "state", State),
        _number(row, "kind", KINDS),
        bool(_number(row, "inferred", range(2))),
        _word(row, "posture", Posture),
    )


def _number(row: Mapping[str, str], column: str, likely: range) -> int | None:
    text = row.get(column, "")
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,12}", text) or int(text) not in likely:
        raise InputError(f"{column} {text[:40]!r} is not a whole number from {likely[0]} to {likely[-1]}")
    return int(text)


def _word(row: Mapping[str, str], column: str, words: type[_Word]) -> _Word | None:
    text = row.get(column, "")
    try:
        return words(text) if text else None
    except ValueError as error:
        raise InputError(f"there is no {column} {text[:40]!r}: known are {', '.join(words)}, or nothing") from error


def export_csv(store: Store, file: IO[str], since: datetime | None, until: datetime | None, now: datetime) -> Exported:
    """Write every epoch that starts in `[since, until)` as CSV, in order of time; return how many there were.

    None means no bound. A name that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    columns = said_columns(store)
    file.write(_line(columns))
    known, allowed = KnownCells[str](), starts(now)
    count = left_out = 0
    for name, row in store.epoch_rows(since, until):
        band, at_s, length, steps, *others = row
        cells = steps, length, *others, band
        texts = known.values(cells) if at_s in allowed else None
        if texts is None:
            epoch = epoch_of_row(row)
            if wrong_epoch(epoch, now) is not None:
                left_out += 1
                continue
            texts = _texts(cells_of(f"'{name}" if FORMULA.match(name) else name, epoch), columns)
            known.learn(cells, texts)
        file.write(",".join((instant(at_s).isoformat(), *texts)))
        count += 1
    return Exported(count, left_out)


def _texts(cells: Mapping[str, str | int | None], columns: Sequence[str]) -> tuple[str, ...]:
    """What stands behind a row's timestamp: each number that `KnownCells` knows, then the rest of the line."""
    numbers = (cells[column] for column in columns[1:5])
    return *("" if number is None else str(number) for number in numbers), _line([cells[name] for name in columns[5:]])


def _line(cells: Sequence[object]) -> str:
    """Two or more cells as a line of a CSV file, or as the end of one."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def said_columns(store: Store) -> list[str]:
    """The columns of a table of minutes: states if a band says when it is not worn, postures if a band gives one."""
    unsaid: set[str] = set()
    if not store.has_states() and not any(band.reports_wear for band in store.bands()):
        unsaid.add("state")
    if not store.has_postures():
        unsaid.add("posture")
    return [column for column in COLUMNS if column not in unsaid]


def cells_of(band: str, epoch: Epoch) -> dict[str, str | int | None]:
    """An epoch as a row of the CSV, by column; None for an empty cell."""
    return {
        "timestamp": epoch.start.isoformat(),
        "steps": epoch.steps,
        "length": int(epoch.length.total_seconds()),
        "intensity": epoch.intensity,
        "heart_rate": epoch.heart_rate,
        "state": epoch.state,
        "posture": epoch.posture,
        "kind": epoch.kind,
        "inferred": 1 if epoch.inferred else None,
        "band": band,
    }
