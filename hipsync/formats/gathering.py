"""Which kind of export a file is, and what several files of several kinds hold, checked before it is stored."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self
from zoneinfo import ZoneInfo

from hipsync.core.days import Zones
from hipsync.driver import Driver
from hipsync.errors import InputError
from hipsync.formats.containers import Part
from hipsync.formats.csv_dialect import is_of_minutes
from hipsync.formats.csv_minutes import read_csv
from hipsync.formats.gadgetbridge import Family, GadgetbridgeExport, ReadDevices, opened_export, stage_devices
from hipsync.formats.gadgetbridge_file import LARGEST_DEVICE_FILE, device_of, is_of_gadgetbridge, key_in
from hipsync.formats.json_archive import read_json
from hipsync.formats.landing import Read
from hipsync.formats.parquet_minutes import read_parquet
from hipsync.formats.past.forms import FORMS, form_of
from hipsync.formats.past.imported import PastRead
from hipsync.formats.past.reading import HEAD_BYTES, Form, Head, Reading
from hipsync.formats.written_dates import DateOrder, Doubt, unasked
from hipsync.store.file import MAGIC
from hipsync.store.staging import Staging

PARQUET = b"PAR1"
OWN_JSON = b'{"version": '
KINDS: Mapping[str, str] = {
    "csv": "CSV of minutes",
    "json": "hipsync's own JSON",
    "parquet": "Parquet of minutes",
    "gadgetbridge": "Gadgetbridge",
    **{form.key: form.label for form in FORMS},
    "fitbit": "Fitbit",
}
"""The kinds of exports, by their words on the command line, and their names for people. A kind may have several forms.
"""


@dataclass
class Circumstances:
    """All that is known beside the files when they are read: who reads them, when, and what was asked for."""

    now: datetime
    families: Mapping[str, Family]
    drivers: Mapping[str, Driver]
    zones: Callable[[], Zones]
    """Returns where the wearer was at which time."""
    zone: ZoneInfo | None = None
    """The zone of local times; None if it is not known."""
    band: str | None = None
    """The band of a CSV's lines; None for the one that they name."""
    dates: DateOrder | None = None
    """Whether the day or the month comes first in a CSV; None if that is not known."""
    asked: Callable[[Doubt], DateOrder] = unasked
    """Asks a person which of two dates is meant. Raises `InputError` where nobody can answer."""


class Taken(NamedTuple):
    """What was read of one kind."""

    kind: str
    read: Read
    one: str
    """What a row is called: line or row."""
    names_bands: bool
    """Whether people are told what became of each band."""


class Gathering:
    """Everything that some files hold: a context manager that forgets it."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._of = circumstances
        self._stack = ExitStack()
        self._past: dict[str, PastRead] = {}
        self._reading = Reading(circumstances.zone, circumstances.now, circumstances.drivers)
        self._exports: list[GadgetbridgeExport] = []
        self.taken: list[Taken] = []
        self.keys: dict[str, bytes] = {}
        """The keys of bands that lie beside databases of Gadgetbridge in ZIPs, by address."""
        self.left_alone = 0
        """How many files were of no kind that hipsync knows."""
        self.is_unended = False
        """Whether the last line of a CSV has no end, so that its last cell may have been cut off."""
        self.damaged: list[str] = []
        """The names of files that were left out because they are damaged."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def left_out(self) -> list[tuple[str, int]]:
        """Why rows were left out, as the end of a sentence that begins "3 rows", and how many; then unknown tables."""
        counts, tables = Counter(self._reading.left_out), Counter[str]()
        for export in self._exports:
            counts += export.left_out
            tables += export.unknown()
        return [
            *sorted(counts.items()),
            *((f"of {table}, which no driver reads", rows) for table, rows in sorted(tables.items())),
        ]

    def take(self, part: Part, kind: str | None, *, is_one_of_many: bool) -> str | None:
        """Read a part of the kind that is given, or that it is found to be. Returns its name; None for no known one.

        A damaged part is left out and counted where it `is_one_of_many` and its form has many. Raises `InputError`, and
        `ZoneWanted` if its times are local and no zone is known.
        """
        forms = [form for form in FORMS if form.key == kind] if kind is not None else FORMS
        form = next((form for form in forms if form.fits(part.head)), None)
        if form is None and kind is None and part.head.start.startswith(MAGIC):
            return self._take_database(part, is_one_of_many=is_one_of_many)
        if form is None and kind is None and (address := device_of(part.head.name)) is not None:
            self._take_key(address, part)
            return None
        found = _own_kind(part.head) if kind is None else kind if kind in READERS else None
        if form is not None:
            try:
                with part.opened() as file:
                    self._past_of(form).add(form, file, part.head)
            except InputError:
                if not (is_one_of_many and form.is_one_of_many):
                    raise
                self.damaged.append(part.name)
            return form.label
        if found is None:
            self.left_alone += 1
            return None
        with part.opened() as file:
            READERS[found](self, file)
        return KINDS[found]

    def _take_database(self, part: Part, *, is_one_of_many: bool) -> str | None:
        """Read a database if it is Gadgetbridge's. One of another program among many files is left alone."""
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="hipsync-")))
        copy = folder / "database"
        with part.opened() as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, 2**20)
        if is_one_of_many and not is_of_gadgetbridge(copy):
            self.left_alone += 1
            return None
        self.take_gadgetbridge(copy, part.name)
        return KINDS["gadgetbridge"]

    def _take_key(self, address: str, part: Part) -> None:
        """Read the file that Gadgetbridge writes for a device, which may hold its key."""
        with part.opened() as file:
            text = file.read(LARGEST_DEVICE_FILE)
        if (key := key_in(text)) is not None:
            self.keys[address] = key

    def take_gadgetbridge(self, path: Path, name: str, told: Callable[[float], object] = lambda _: None) -> None:
        """Read a database of Gadgetbridge, or the ZIP with one, that is called `name`. Raises `InputError`.

        `told` is called with the part of its rows that was read, from 0 to 1.
        """
        of = self._of
        try:
            export = self._stack.enter_context(opened_export(path, of.families, of.zones, self.keys))
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from error
        minutes = self._stack.enter_context(Staging())
        if not (devices := export.devices()):
            others = ", ".join(f"{count:,} rows of {table}" for table, count in sorted(export.unknown().items()))
            raise InputError(
                f"{name} holds no minutes of a band that a driver knows (`hipsync drivers`)"
                + (f"; it has {others}" if others else "")
            )
        rows, read = sum(sum(device.tables.values()) for device in devices), 0

        def moved(count: int) -> None:
            nonlocal read
            read += count
            told(min(1, read / max(rows, 1)))

        stage_devices(export, minutes, of.now, moved)
        self._exports.append(export)
        self.taken.append(
            Taken("gadgetbridge", ReadDevices(export, minutes, of.families, of.now), "row", names_bands=True)
        )

    def take_csv(self, file: BinaryIO) -> None:
        """Read hipsync's own CSV. Raises `InputError`."""
        of = self._of
        read = read_csv(file, band=of.band, zone=of.zone, now=of.now, dates=of.dates, ask=of.asked)
        table = self._stack.enter_context(read)
        self.is_unended |= table.unended
        self.taken.append(Taken("csv", table, "line", names_bands=False))

    def take_json(self, file: BinaryIO) -> None:
        """Read hipsync's own JSON. Raises `InputError`."""
        with io.TextIOWrapper(file, encoding="utf-8", newline="\n") as text:
            archive = self._stack.enter_context(read_json(text, self._of.now))
        self.taken.append(Taken("json", archive, "row", names_bands=False))

    def take_parquet(self, file: BinaryIO) -> None:
        """Read hipsync's own Parquet. Raises `InputError`, and `ConfigError` without the extra."""
        with tempfile.TemporaryFile() as copy:  # it is read out of order
            shutil.copyfileobj(file, copy, 2**20)
            copy.seek(0)
            table = self._stack.enter_context(read_parquet(copy, self._of.now))
        self.taken.append(Taken("parquet", table, "line", names_bands=False))

    def _past_of(self, form: Form) -> PastRead:
        """What was read so far of the forms of this key."""
        if (read := self._past.get(form.key)) is None:
            read = self._stack.enter_context(PastRead(form.key, form.label, self._reading))
            self._past[form.key] = read
            self.taken.append(Taken(form.key, read, "row", names_bands=True))
        return read


READERS: Mapping[str, Callable[[Gathering, BinaryIO], None]] = {
    "csv": Gathering.take_csv,
    "json": Gathering.take_json,
    "parquet": Gathering.take_parquet,
}
"""How the kinds that are hipsync's own are read."""


def is_database(file: Path) -> bool:
    """Whether a file is itself an SQLite database of no form. Raises `OSError`."""
    with file.open("rb") as opened:
        start = opened.read(HEAD_BYTES)
    return start.startswith(MAGIC) and form_of(Head(file.name, start)) is None


def _own_kind(head: Head) -> str | None:
    """Which of `READERS` a file is for; None if for none."""
    if head.start.startswith(PARQUET):
        return "parquet"
    if head.start.startswith(OWN_JSON):
        return "json"
    return "csv" if is_of_minutes(head.start) else None
