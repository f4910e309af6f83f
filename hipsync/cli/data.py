"""Data in and out: `import` and `export`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hipsync.cli.app import App, checked_name
from hipsync.cli.review import checked_zone, day_of
from hipsync.errors import InputError

EXIT_NOTHING_KNOWN = 3


@click.group("import")
def import_command() -> None:
    """Take in minutes from elsewhere.

    \b
    hipsync import csv minutes.csv
    hipsync import gadgetbridge Gadgetbridge.zip
    """


@import_command.command("csv")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--band", help="Whose minutes they are: a new name makes a new band.  [default: csv]")
@click.option("--zone", help="Of timestamps without an offset (an IANA name).")
@click.pass_obj
def import_csv_command(app: App, file: Path, band: str | None, zone: str | None) -> None:
    """Take in a CSV file; nothing at all if one line of it is wrong.

    \b
    hipsync import csv minutes.csv --band office --zone Europe/London

    Such as

    \b
    timestamp,steps,heart_rate,state
    2026-11-20T09:00:00+00:00,0,71,sitting
    2026-11-20T09:01:00+00:00,34,90,walking

    Optional columns: length (seconds, default 60), intensity, heart_rate, state (asleep, not_worn, charging,
    sitting, standing, walking, running, cycling or empty). A second import of the same file adds nothing.
    """
    from zoneinfo import ZoneInfo

    from hipsync.tables import import_table, read_csv

    name = None if band is None else checked_name(band)
    where = None if zone is None else ZoneInfo(checked_zone(zone))
    try:
        with file.open("rb") as lines:
            table = read_csv(lines, band=name, zone=where)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error
    except InputError as error:
        raise InputError(f"{file}: {error}; nothing was imported") from error
    with app.open_store() as store:
        done = import_table(store, table, app.now())
    click.echo(f"{done.lines:,} lines: {done.new:,} new, {done.same:,} known already.")


@import_command.command("gadgetbridge")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--with-keys", is_flag=True, help="Take the bands' keys as well, where the export holds them.")
@click.pass_obj
def import_gadgetbridge_command(app: App, file: Path, with_keys: bool) -> None:
    """Take in what Gadgetbridge stored: its database, or the ZIP that it exports.

    \b
    hipsync import gadgetbridge Gadgetbridge.zip
    hipsync import gadgetbridge Gadgetbridge.db --with-keys

    The file is not changed. Its bands become bands of yours, with the names that they have there; a second import adds
    what is new. Paired they are not: `hipsync pair` does that, and goes on with what was imported.
    """
    from hipsync.gadgetbridge import opened, taken
    from hipsync.registry import drivers

    known = drivers()
    with opened(file, known) as source:
        devices = source.devices()
        if not devices:
            raise InputError(f"{file} holds no minutes of a band that a driver knows (`hipsync drivers`)")
        rows = sum(sum(device.tables.values()) for device in devices)
        hidden = not sys.stderr.isatty()
        bar = click.progressbar(length=rows, label="Importing", file=sys.stderr, hidden=hidden)
        with app.open_store() as store, bar:
            found = taken(store, source, known, app.now(), bar.update)
        for each in found:
            click.echo(f"{each.band.name}: {each.epochs:,} epochs, {each.new:,} of them new.")
            if with_keys and each.key is not None:
                app.keys().set(each.band.name, each.key)
                click.echo(f"{each.band.name}: its key was taken.")
        if source.dropped:
            click.echo(f"Left out: {source.dropped:,} rows with a time that cannot be.")
        for table, count in sorted(source.unknown().items()):
            click.echo(f"Left out: {count:,} rows of {table}, which no driver knows.")


@click.command("export")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--since", metavar="DATE", help="From this day on.")
@click.option("--until", metavar="DATE", help="Up to this day, not included.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the terminal.")
@click.pass_context
def export_command(ctx: click.Context, form: str, since: str | None, until: str | None, output: Path | None) -> None:
    """Write all minutes as CSV or JSON; `import csv` takes the CSV again without loss.

    \b
    hipsync export -o minutes.csv
    hipsync export --format json --since 2026-11-01
    """
    from hipsync.tables import export_csv, export_json

    app: App = ctx.obj
    with app.existing_store() as store:
        zones = app.zones(store)
        today = zones.date_of(app.now())
        start = None if since is None else zones.day(day_of(since, today)).start
        end = None if until is None else zones.day(day_of(until, today)).start
        write = export_csv if form == "csv" else export_json
        try:
            with click.open_file(output or "-", "w", encoding="utf-8") as file:
                count = write(store, file, start, end)
        except OSError as error:
            if output is None:  # click ends quietly when the reader of a pipe has gone
                raise
            raise InputError(f"{output} cannot be written: {error.strerror}; name another file with -o") from error
        if output is not None:
            click.echo(f"{count:,} rows in {output}", err=True)
    if not count:
        ctx.exit(EXIT_NOTHING_KNOWN)
