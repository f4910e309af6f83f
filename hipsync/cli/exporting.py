"""`export`: everything goes out, as CSV, JSON or Parquet. The formats are in `hipsync.formats`."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import click

from hipsync.cli import exits
from hipsync.cli.app import App
from hipsync.cli.dates import day_of
from hipsync.cli.files import STANDARD, WRITABLE, as_text, written
from hipsync.cli.saying import say
from hipsync.errors import ConfigError, InputError
from hipsync.text import counted

if TYPE_CHECKING:
    from hipsync.formats.csv_minutes import Exported
    from hipsync.store import Store


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
