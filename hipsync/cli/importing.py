"""`import`: the past comes in, from hipsync's own files and from the exports of other programs.

What a file is, is found out (`hipsync.formats.gathering`), or said by the first word. All files of a command are read
whole before the first row is stored, and are stored whole or not at all.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import click

from hipsync.cli.app import App, checked_name, host_zone
from hipsync.cli.files import READABLE, Borrowed, as_path, reading
from hipsync.cli.saying import complain, say
from hipsync.errors import ConfigError, InputError, ZoneWanted
from hipsync.host.zone import named_zone
from hipsync.text import counted

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from click._termui_impl import ProgressBar

    from hipsync.core.days import Zones
    from hipsync.formats.containers import Part
    from hipsync.formats.gathering import Gathering, Taken
    from hipsync.formats.landing import Landed
    from hipsync.formats.written_dates import DateOrder, Doubt
    from hipsync.store import Store

BAR = 24
"""How long the bar of an import is: with its words it fits a narrow terminal."""
FIND = "files"
"""The command that is run where the first word is no kind."""
OF_KIND = {
    "apple": ("Import Apple Health: export.zip, or the XML in it.", "export.zip"),
    "colmi": ("Import the database of colmi_r02_client.", "ring_data.sqlite"),
    "fitbit": ("Import Fitbit: Google Takeout, Google Health, Fitabase.", "takeout.zip"),
    "garmin": ("Import Garmin: FIT files, or the account's export.", "GARMIN/MONITOR"),
    "mifitness": ("Import Mi Fitness: the account's export.", "export.zip"),
    "samsung": ("Import Samsung Health: its folder of CSVs.", "samsunghealth_folder"),
    "zepp": ("Import Zepp, formerly Mi Fit: the account's export.", "unpacked_folder"),
}
"""The kinds that are other programs' exports and read in one way: the help of each, and a file for an example."""
ONE_FILE = frozenset({"csv", "json", "parquet", "gadgetbridge"})
"""The kinds that are one file, and no folder."""


class Kinds(click.Group):
    """The kinds of files as commands. A first word that is no kind is a file, whose kind is found out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.list_commands(ctx), "--help", "-h"}:
            args = [FIND, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in super().list_commands(ctx) if name != FIND]


@click.group("import", cls=Kinds, subcommand_metavar="[KIND] FILE...")
def import_command() -> None:
    """Import your past: files of other programs, or of hipsync.

    What a file is, is found out: a ZIP, a folder, a gzip or a file by itself, of several kinds at once. Say the kind
    if it is not (a file that is called like one is `./csv`). A second import of the same adds nothing.

    `--zone` says where you lived, for local times; `--dates dmy` or `mdy` what comes first in 4/12; `--with-keys` takes
    the keys of Gadgetbridge's bands, too.

    \b
    hipsync import export.zip
    hipsync import takeout.zip Gadgetbridge.zip
    hipsync import csv minutes.csv --zone Europe/London
    """


_files = click.argument("files", nargs=-1, required=True, type=READABLE, metavar="FILE...")
_zone = click.option("--zone", help="In which you lived then (an IANA name), for files with local times.")
_dates = click.option(
    "--dates", type=click.Choice(["dmy", "mdy"]), help="Whether the day or the month comes first, as in 4/12/2026."
)
_with_keys = click.option("--with-keys", is_flag=True, help="Take the bands' keys of Gadgetbridge as well.")


@import_command.command(FIND, hidden=True)
@_files
@_zone
@_dates
@_with_keys
@click.pass_obj
def import_files_command(
    app: App, files: tuple[Path, ...], zone: str | None, dates: str | None, with_keys: bool
) -> None:
    """Import files whose kind is found out."""
    import_files(app, files, None, zone=zone, dates=dates, with_keys=with_keys)


@import_command.command("csv")
@_files
@click.option("--band", help="Whose minutes they are: a new name makes a new band.  [default: csv]")
@click.option("--zone", help="Of timestamps without an offset (an IANA name).")
@_dates
@click.pass_obj
def import_csv_command(
    app: App, files: tuple[Path, ...], band: str | None, zone: str | None, dates: str | None
) -> None:
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
    second import of the same file adds nothing. Files that a spreadsheet wrote are taken too, with semicolons or tabs,
    and with its own dates.
    """
    import_files(app, files, "csv", zone=zone, dates=dates, band=None if band is None else checked_name(band))


@import_command.command("gadgetbridge")
@_files
@_with_keys
@click.pass_obj
def import_gadgetbridge_command(app: App, files: tuple[Path, ...], with_keys: bool) -> None:
    """Import what Gadgetbridge exports: a ZIP or a database.

    \b
    hipsync import gadgetbridge Gadgetbridge.zip
    hipsync import gadgetbridge Gadgetbridge.db --with-keys

    The file is not changed. Its bands become bands of yours, with the names that they have there; a second import adds
    what is new. Paired they are not: `hipsync pair` does that, and goes on with what was imported. This is also the way
    for watches that hipsync does not reach, such as a Huawei Watch GT 4: `hipsync scan` names them.
    """
    import_files(app, files, "gadgetbridge", with_keys=with_keys)


@import_command.command("json")
@_files
@click.option("--yes", is_flag=True, help="Do not ask before a band is removed that was removed there.")
@click.pass_obj
def import_json_command(app: App, files: tuple[Path, ...], yes: bool) -> None:
    """Import what `hipsync export --format json` wrote.

    It holds everything: bands, minutes, reminders, exercises. What is here already merges with it: of a minute the
    larger numbers stay, of a reminder the answer.

    \b
    hipsync import json hipsync.json
    """
    import_files(app, files, "json", yes=yes)


@import_command.command("parquet")
@_files
@click.pass_obj
def import_parquet_command(app: App, files: tuple[Path, ...]) -> None:
    """Import the minutes of a Parquet file.

    `hipsync export --format parquet` wrote it; the extra `parquet` reads it.

    \b
    hipsync import parquet minutes.parquet
    """
    import_files(app, files, "parquet")


def _command_of(kind: str, text: str, example: str) -> click.Command:
    @_files
    @_zone
    @click.pass_obj
    def command(app: App, files: tuple[Path, ...], zone: str | None) -> None:
        import_files(app, files, kind, zone=zone)

    more = f"\n\n\b\nhipsync import {kind} {example}\n\n"
    more += "Each source in it becomes a band; a second import adds what is new. docs/imports.md says more."
    return click.command(kind, help=text + more)(command)


for _kind, (_text, _example) in OF_KIND.items():
    import_command.add_command(_command_of(_kind, _text, _example))


def import_files(
    app: App,
    files: Sequence[Path],
    kind: str | None,
    *,
    zone: str | None = None,
    dates: str | None = None,
    band: str | None = None,
    with_keys: bool = False,
    yes: bool = False,
) -> None:
    """Import files of a kind, or of whatever kinds they are found to be, and say what came of it.

    Where the zone of local times is wanted and not given, a person at a terminal is asked once. Raises `InputError`,
    `ConfigError` and `StoreError`, and then nothing was imported.
    """
    from zoneinfo import ZoneInfo

    from hipsync.formats.gathering import Circumstances, Gathering
    from hipsync.formats.written_dates import DateOrder
    from hipsync.registry import drivers, families

    def zones() -> Zones:
        store = app.read_store()
        if store is None:
            return app.zones(None)
        with store:
            return app.zones(store)

    circumstances = Circumstances(app.now(), families(), drivers(), zones, band=band, asked=_asked_order)
    circumstances.dates = None if dates is None else DateOrder(dates)
    circumstances.zone = None if zone is None else ZoneInfo(named_zone(zone))
    with _in_place(files, kind) as places:
        while True:
            try:
                with Gathering(circumstances) as gathering:
                    _read(gathering, places, kind)
                    _store(app, gathering, with_keys=with_keys, yes=yes)
            except ZoneWanted as wanted:
                circumstances.zone = ZoneInfo(_asked_zone(wanted))
            else:
                return


class Place(NamedTuple):
    """A file or folder: what the person calls it, and where it is."""

    name: str
    path: Path
    is_one_of_many: bool = False
    """Whether it lies in a folder with others that was given."""

    def files(self) -> list[Place]:
        """The file itself, or those in the folder. Raises `InputError`."""
        from hipsync.formats.containers import files_in

        if not self.path.is_dir():
            return [self]
        return [Place(str(file), file, is_one_of_many=True) for file in files_in(self.path)]


@contextmanager
def _in_place(files: Sequence[Path], kind: str | None) -> Generator[list[Place], None, None]:
    """During the block, each file or folder has a path: for `-`, a copy of standard input has it.

    Raises `InputError` for a pipe or a device, and for a folder where a kind is given that is one file.
    """
    with contextlib.ExitStack() as stack:
        yield [
            Place(str(file), file if file.is_dir() and kind not in ONE_FILE else stack.enter_context(as_path(file)))
            for file in files
        ]


def _read(gathering: Gathering, places: Sequence[Place], kind: str | None) -> None:
    """Read all files, with a bar, and say what each was found to be. Raises `InputError` and `ZoneWanted`."""
    from hipsync.formats.gathering import KINDS

    files = [(place, place.files()) for place in places]
    size = sum(file.path.stat().st_size for _, inner in files for file in inner)
    hidden = not (size and sys.stderr.isatty())
    with click.progressbar(length=size, label="Importing", width=BAR, file=sys.stderr, hidden=hidden) as bar:
        found = [
            (place.name, {each for file in inner for each in _kinds_in(gathering, file, kind, bar)})
            for place, inner in files
        ]
    for place, kinds in found:
        if not kinds:
            what = "no export that hipsync knows" if kind is None else f"no file of {KINDS[kind]}"
            raise InputError(f"{place} is {what} (`hipsync import --help` lists them); nothing was imported")
        if kind is None:
            say(f"{place}: {', '.join(sorted(kinds))}")


def _kinds_in(gathering: Gathering, file: Place, kind: str | None, bar: ProgressBar[int]) -> set[str]:
    """Read what lies in a file, and return the names of its kinds. Raises `InputError` and `ZoneWanted`."""
    from hipsync.formats.containers import parts_of
    from hipsync.formats.gathering import KINDS, is_database

    found, start, size = set[str](), bar.pos, file.path.stat().st_size

    def moved(share: float) -> None:
        bar.update(max(0, int(start + size * share) - bar.pos))

    with refused_whole(file.name):
        if kind == "gadgetbridge" or (kind is None and not file.is_one_of_many and is_database(file.path)):
            gathering.take_gadgetbridge(file.path, file.name, moved)
            found.add(KINDS["gadgetbridge"])
        else:
            for part in parts_of(file.path, file.name):
                with refused_whole(part.name):
                    one_of_many = file.is_one_of_many or part.is_inside
                    taken = gathering.take(_moving(part, bar), kind, is_one_of_many=one_of_many)
                if taken is not None:
                    found.add(taken)
    moved(1)
    return found


def _store(app: App, gathering: Gathering, *, with_keys: bool, yes: bool) -> None:
    """Store all that was read, and say what came of it."""
    from hipsync.cli.merging import remove_forgotten
    from hipsync.formats.archive import Archive
    from hipsync.formats.landing import stored
    from hipsync.host.lock import only_import

    if sys.stderr.isatty():
        click.echo("Storing ...", err=True)  # of years it takes a minute
    archives = [taken.read for taken in gathering.taken if isinstance(taken.read, Archive)]
    with only_import(app.database), app.open_store() as store:
        remove_forgotten(app, store, archives, yes=yes)
        landed = stored(store, [taken.read for taken in gathering.taken], app.now(), host_zone)
        for taken, bands in zip(gathering.taken, landed, strict=True):
            _say_stored(app, store, taken, bands, with_keys=with_keys)
    _say_left_out(gathering)


def _say_stored(app: App, store: Store, taken: Taken, bands: Sequence[Landed], *, with_keys: bool) -> None:
    """Say what came of one kind of files, and take over the keys of its bands if they are wanted."""
    from hipsync.cli.merging import say_more
    from hipsync.formats.archive import Archive
    from hipsync.formats.gadgetbridge import ReadDevices

    if not taken.names_bands:
        say(stored_words(sum(each.epochs for each in bands), sum(each.new for each in bands), taken.one))
        if isinstance(taken.read, Archive):
            say_more(store, taken.read)
        return
    if not bands:
        say(stored_words(0, 0, taken.one))
    for each in bands:
        say(f"{each.band.name}: {stored_words(each.epochs, each.new, taken.one)}")
        if with_keys and isinstance(taken.read, ReadDevices) and each.band.name in taken.read.keys:
            app.keys().set(each.band.name, taken.read.keys[each.band.name])
            say(f"{each.band.name}: its key was taken.")


def _say_left_out(gathering: Gathering) -> None:
    """Say what of the files was not imported."""
    for why, rows in gathering.left_out():
        say(f"Left out: {counted(rows, 'row')} {why}.")
    if gathering.is_unended:
        say("The last line has no end. If the file was cut off while it was written, import all of it once more.")
    if gathering.damaged:
        say(f"Left out: {counted(len(gathering.damaged), 'damaged file')}, such as {gathering.damaged[0]}.")
    if gathering.left_alone:
        say(f"Left alone: {counted(gathering.left_alone, 'file')} of other kinds.")


def _asked_zone(wanted: InputError) -> str:
    """Ask the person in which zone they lived; return its name. Raises `wanted` where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise wanted
    say("The times in it are local, and it does not say where.")
    while True:
        try:
            return named_zone(str(click.prompt("In which time zone did you live then?", default=host_zone())))
        except ConfigError as error:
            complain(str(error))


def _asked_order(doubt: Doubt) -> DateOrder:
    """Ask which of two dates is meant. Raises `InputError` where nobody can answer."""
    from hipsync.formats.written_dates import DateOrder, unasked

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return unasked(doubt)
    orders = {"1": DateOrder.MDY, "2": DateOrder.DMY}
    say(f"\nIs {doubt.text} (1) the {doubt.if_month_first} or (2) the {doubt.if_day_first}?", err=True)
    return orders[click.prompt("Which one?", type=click.Choice(list(orders)), err=True)]


@contextmanager
def refused_whole(name: str) -> Generator[None, None, None]:
    """During the block, an `InputError` names the file and says that nothing was imported."""
    try:
        with reading(Path(name)):
            yield
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not text in UTF-8; nothing was imported") from error
    except InputError as error:
        said = str(error)
        if said.startswith(name) or "; nothing was imported" in said:
            raise
        raise type(error)(f"{name}: {said}; nothing was imported") from error


def _moving(part: Part, bar: ProgressBar[int]) -> Part:
    """A part whose reading moves a progress bar, by the bytes that it takes in its container."""

    @contextmanager
    def opened_part() -> Generator[BinaryIO, None, None]:
        with part.opened() as source:
            yield io.BufferedReader(_ProgressFile(source, bar, part.packed / max(part.size, 1)), 2**16)

    return part._replace(opened=opened_part)


def stored_words(read: int, new: int, one: str) -> str:
    """What came of an import: "525,600 minutes read: 525,600 new"."""
    if not read:
        return f"{counted(read, one)} read."
    return f"{counted(read, one)} read: {new:,} new{'' if new == read else f', {read - new:,} already stored'}."


class _ProgressFile(Borrowed):
    """A file whose reading moves a progress bar, by `share` for each byte."""

    def __init__(self, file: BinaryIO, bar: ProgressBar[int], share: float) -> None:
        super().__init__(file)
        self._bar, self._share, self._rest = bar, share, 0.0

    def readinto(self, buffer: WriteableBuffer) -> int:
        length = super().readinto(buffer)
        moved, self._rest = divmod(self._rest + length * self._share, 1)
        self._bar.update(int(moved))
        return length
