"""`import` and `export`: minutes from elsewhere come in, and everything goes out.

The formats are in `hipsync.formats`. Every import is one transaction: a file that is refused leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Generator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import click

from hipsync.cli import exits
from hipsync.cli.app import App, checked_name
from hipsync.cli.dates import day_of
from hipsync.cli.files import READABLE, STANDARD, WRITABLE, Borrowed, as_path, as_text, opened, reading, written
from hipsync.cli.saying import say
from hipsync.errors import ConfigError, InputError
from hipsync.host.zone import named_zone
from hipsync.text import counted

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from click._termui_impl import ProgressBar

    from hipsync.core.days import Zones
    from hipsync.formats.csv_minutes import Exported
    from hipsync.store import Store

BAR = 24
"""How long the bar of an import is: with its words it fits a narrow terminal."""


@click.group("import")
def import_command() -> None:
    """Import data from a file.

    \b
    hipsync import csv minutes.csv
    hipsync import gadgetbridge Gadgetbridge.zip
    """


@import_command.command("csv")
@click.argument("file", type=READABLE)
@click.option("--band", help="Whose minutes they are: a new name makes a new band.  [default: csv]")
@click.option("--zone", help="Of timestamps without an offset (an IANA name).")
@click.pass_obj
def import_csv_command(app: App, file: Path, band: str | None, zone: str | None) -> None:
    """Import a CSV file of minutes.

    If one line is wrong, nothing is imported.

    \b
    hipsync import csv minutes.csv --band office --zone Europe/London

    Such as

    \b
    timestamp,steps,heart_rate,state
    2026-11-20T09:00:00+00:00,0,71,sitting
    2026-11-20T09:01:00+00:00,34,90,walking

    Optional columns: length (seconds, default 60), intensity, heart_rate, state (asleep, not_worn, charging,
    sitting, standing, walking, running, cycling or empty), posture (sitting, standing, upright, lying or empty). A
    second import of the same file adds nothing.
    """
    from zoneinfo import ZoneInfo

    from hipsync.formats.csv_minutes import import_table, read_csv

    name = None if band is None else checked_name(band)
    where = None if zone is None else ZoneInfo(named_zone(zone))
    with refused_whole(file), with_bar(file) as lines:
        table = read_csv(lines, band=name, zone=where, now=app.now())
    with table, app.open_store() as store:
        done = import_table(store, table, app.now())
    say(_stored(done.lines, done.new, "line"))


@import_command.command("gadgetbridge")
@click.argument("file", type=READABLE)
@click.option("--with-keys", is_flag=True, help="Take the bands' keys as well, where the export holds them.")
@click.pass_obj
def import_gadgetbridge_command(app: App, file: Path, with_keys: bool) -> None:
    """Import what Gadgetbridge exports: a ZIP or a database.

    \b
    hipsync import gadgetbridge Gadgetbridge.zip
    hipsync import gadgetbridge Gadgetbridge.db --with-keys

    The file is not changed. Its bands become bands of yours, with the names that they have there; a second import adds
    what is new. Paired they are not: `hipsync pair` does that, and goes on with what was imported. This is also the way
    for watches that hipsync does not reach, such as a Huawei Watch GT 4: `hipsync scan` names them.
    """
    from hipsync.formats.gadgetbridge import import_devices, opened_export, stage_devices
    from hipsync.registry import families
    from hipsync.store.staging import Staging

    def zones() -> Zones:
        store = app.read_store()
        if store is None:
            return app.zones(None)
        with store:
            return app.zones(store)

    known, now = families(), app.now()
    with as_path(file) as path, opened_export(path, known, zones) as source, Staging() as minutes:
        devices = source.devices()
        if not devices:
            others = ", ".join(f"{count:,} rows of {table}" for table, count in sorted(source.unknown().items()))
            raise InputError(
                f"{file} holds no minutes of a band that a driver knows (`hipsync drivers`)"
                + (f"; it has {others}" if others else "")
            )
        rows = sum(sum(device.tables.values()) for device in devices)
        hidden = not sys.stderr.isatty()
        with click.progressbar(length=rows, label="Importing", width=BAR, file=sys.stderr, hidden=hidden) as bar:
            stage_devices(source, minutes, now, bar.update)
        with app.open_store() as store:
            found = import_devices(store, source, minutes, known, now)
        for each in found:
            say(f"{each.band.name}: {_stored(each.epochs, each.new, 'row')}")
            if with_keys and each.key is not None:
                app.keys().set(each.band.name, each.key)
                say(f"{each.band.name}: its key was taken.")
        for why, count in sorted(source.left_out.items()):
            say(f"Left out: {counted(count, 'row')} {why}.")
        for table, count in sorted(source.unknown().items()):
            say(f"Left out: {counted(count, 'row')} of {table}, which no driver reads.")


@import_command.command("fitbit")
@click.argument("files", nargs=-1, required=True, type=READABLE)
@click.option("--zone", required=True, help="In which the wearer lived (an IANA name): the files have local times.")
@click.pass_obj
def import_fitbit_command(app: App, files: tuple[Path, ...], zone: str) -> None:
    """Import minutes of Fitbits, as Fitabase exports them.

    If one line is wrong, nothing is imported.

    \b
    hipsync import fitbit minuteStepsNarrow_merged.csv --zone America/New_York
    hipsync import fitbit minute*.csv heartrate_seconds*.csv --zone Europe/Rome

    Steps are needed; intensity, sleep and heart rate are taken with them. Each person becomes a band.
    """
    from zoneinfo import ZoneInfo

    from hipsync.formats.csv_minutes import import_table
    from hipsync.formats.fitbit import FitabaseExport

    minutes = FitabaseExport(ZoneInfo(named_zone(zone)), app.now())
    for file in files:
        with refused_whole(file), with_bar(file) as lines:
            minutes.add(lines)
    with minutes.table() as table, app.open_store() as store:
        people = len(table.abilities())
        done = import_table(store, table, app.now())
    say(f"{counted(people, 'person', 'people')}. {_stored(done.lines, done.new, 'minute')}")
    if minutes.skipped:
        say(f"Left out: {counted(minutes.skipped, 'row')} with a time that does not exist in {zone}.")
    if minutes.ahead:
        say(f"Left out: {counted(minutes.ahead, 'row')} with a time in the future.")


@import_command.command("json")
@click.argument("file", type=READABLE)
@click.pass_obj
def import_json_command(app: App, file: Path) -> None:
    """Import what `hipsync export --format json` wrote.

    It holds everything: bands, minutes, reminders, exercises.

    \b
    hipsync import json hipsync.json
    """
    from hipsync.formats.json_archive import import_json, read_json

    with refused_whole(file), with_bar(file) as lines, io.TextIOWrapper(lines, encoding="utf-8", newline="\n") as text:
        archive = read_json(text, app.now())
    with archive, refused_whole(file), app.open_store() as store:
        done = import_json(store, archive)
    say(_stored(done.lines, done.new, "row"))


@import_command.command("parquet")
@click.argument("file", type=READABLE)
@click.pass_obj
def import_parquet_command(app: App, file: Path) -> None:
    """Import the minutes of a Parquet file.

    `hipsync export --format parquet` wrote it; the extra `parquet` reads it.

    \b
    hipsync import parquet minutes.parquet
    """
    from hipsync.formats.csv_minutes import import_table
    from hipsync.formats.parquet_minutes import read_parquet

    with refused_whole(file), as_path(file) as path, opened(path) as rows:
        table = read_parquet(rows, app.now())
    with table, app.open_store() as store:
        done = import_table(store, table, app.now())
    say(_stored(done.lines, done.new, "line"))


@click.command("export")
@click.option("--format", "form", type=click.Choice(["csv", "json", "parquet"]), default="csv", show_default=True)
@click.option("--since", metavar="DATE", help="From this day on.")
@click.option("--until", metavar="DATE", help="Up to this day, not included.")
@click.option("-o", "--output", type=WRITABLE, default=STANDARD, help="A file instead of the terminal.")
@click.pass_context
def export_command(ctx: click.Context, form: str, since: str | None, until: str | None, output: Path) -> None:
    """Save your data as CSV, JSON or Parquet.

    CSV and Parquet hold the minutes, JSON everything. `import` takes each again without loss.

    \b
    hipsync export -o minutes.csv
    hipsync export --format json --since 2026-11-01
    hipsync export --format parquet -o minutes.parquet
    """
    app: App = ctx.obj
    if form == "parquet" and output == STANDARD and (sys.stdout.isatty() or not _was_given(ctx, "output")):
        raise ConfigError("Parquet needs a file: add `-o FILE`")
    with app.existing_store() as store:
        zones = app.zones(store)
        today = zones.date_of(app.now())
        start = None if since is None else zones.day(day_of(since, today)).start
        end = None if until is None else zones.day(day_of(until, today)).start
        try:
            with written(output) as file:
                done = _export(store, form, file, Span(start, end, app.now()))
        except OSError as error:
            if output == STANDARD:
                raise
            raise InputError(f"{output} cannot be written: {error.strerror}; name another file with -o") from error
    if output != STANDARD:
        say(f"{counted(done.epochs, 'row')} in {output}", err=True)
    if done.left_out:
        say(f"Left out: {counted(done.left_out, 'row')} that cannot be right, or with a time in the future.", err=True)
    if not done.epochs:
        ctx.exit(exits.NOTHING_KNOWN)


class Span(NamedTuple):
    """What is exported: what lies in `[start, end)`, of which None is no bound, and is believed `now`."""

    start: datetime | None
    end: datetime | None
    now: datetime


def _export(store: Store, form: str, file: BinaryIO, span: Span) -> Exported:
    """Write the rows of a span in one of the forms; return how many there were. Raises `OSError`."""
    if form == "parquet":
        from hipsync.formats.parquet_minutes import export_parquet

        return export_parquet(store, file, *span)
    from hipsync.formats.csv_minutes import export_csv
    from hipsync.formats.json_archive import export_json

    with as_text(file) as text:
        return (export_csv if form == "csv" else export_json)(store, text, *span)


def _was_given(ctx: click.Context, option: str) -> bool:
    return ctx.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT


@contextlib.contextmanager
def refused_whole(file: Path) -> Generator[None, None, None]:
    """During the block, an `InputError` names the file and says that nothing was imported."""
    try:
        with reading(file):
            yield
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not text in UTF-8; nothing was imported") from error
    except InputError as error:
        said = str(error)
        if said.startswith(f"{file} "):
            raise
        raise InputError(f"{file}: {said}; nothing was imported") from error


def with_bar(file: Path) -> io.BufferedReader:
    """Open a file whose reading moves a progress bar, if standard error is a terminal. Raises `InputError`."""
    source = opened(file)
    size = 0 if file == STANDARD else file.stat().st_size
    hidden = not (size and sys.stderr.isatty())
    bar = click.progressbar(length=size, label="Importing", width=BAR, file=sys.stderr, hidden=hidden)
    return io.BufferedReader(_ProgressFile(source, bar), 2**16)


def _stored(read: int, new: int, one: str) -> str:
    """What came of an import: "525,600 minutes read: 525,600 new"."""
    if not read:
        return f"{counted(read, one)} read."
    return f"{counted(read, one)} read: {new:,} new{'' if new == read else f', {read - new:,} already stored'}."


class _ProgressFile(Borrowed):
    """A file whose reading moves a progress bar; it is closed with this one."""

    def __init__(self, file: BinaryIO, bar: ProgressBar[int]) -> None:
        super().__init__(file)
        self._bar = bar
        bar.render_progress()

    def readinto(self, buffer: WriteableBuffer) -> int:
        length = super().readinto(buffer)
        self._bar.update(length)
        return length

    def close(self) -> None:
        if not self.closed:
            self._bar.render_finish()
            self._file.close()
        super().close()
