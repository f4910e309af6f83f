"""`fleet export parquet`: minutes for researchers, in a folder."""

from __future__ import annotations

from pathlib import Path

import click

from hipsync.cli import exits
from hipsync.cli.app import App
from hipsync.cli.fleet_place import connected_fleet
from hipsync.cli.saying import complain, say, tell_json


@click.group("export")
def fleet_export_command() -> None:
    """Minutes for researchers.

    \b
    hipsync fleet export parquet study
    """


@fleet_export_command.command("parquet")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def fleet_export_parquet_command(ctx: click.Context, folder: Path, as_json: bool) -> None:
    """Write a folder for each wearer, with a file a month.

    Months are those of UTC. Another export writes only what changed, and removes the folders of wearers who are no
    more.

    \b
    hipsync fleet export parquet study
    """
    app: App = ctx.obj
    from hipsync.formats.parquet_minutes import library

    library()
    with connected_fleet(app) as database, database.snapshot(app.now()) as snapshot:
        from hipsync.fleet.exporting import export

        told = export(snapshot, folder)
    if as_json:
        tell_json({"version": 1, **told._asdict()})
    else:
        say(f"{told.written} files were written, {told.same} are as they were, {told.removed} were removed.")
    if told.left:
        for each in told.left:
            complain(f"{each} is of a wearer who is no more, and holds files that no export wrote: remove it")
        ctx.exit(exits.FAILED)
