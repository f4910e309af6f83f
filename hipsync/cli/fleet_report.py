"""`fleet report`: pages for a clinic, in a folder."""

from __future__ import annotations

from pathlib import Path

import click

from hipsync.cli.app import App
from hipsync.cli.fleet_place import connected_fleet
from hipsync.cli.saying import say
from hipsync.text import counted


@click.command("report")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--names", type=click.Path(path_type=Path), help="CSV with the columns pseudonym and name.")
@click.pass_obj
def fleet_report_command(app: App, folder: Path, names: Path | None) -> None:
    """Write pages: one with all wearers, and one for each.

    The first one says who needs a word, and why. They are files for you alone, in place of the ones that an earlier
    report wrote there. With `--names`, the names stand in them too.

    \b
    hipsync fleet report ward
    hipsync fleet report ward --names names.csv
    """
    from hipsync.fleet.names import names_of

    named, now = {} if names is None else names_of(names), app.now()
    with connected_fleet(app) as database, database.snapshot(now) as snapshot:
        from hipsync.fleet.reporting import report

        told = report(snapshot, folder, named, now)
    say(
        f"{counted(told.wearers, 'wearer').capitalize()}, {told.attention or 'nobody'} to speak to: {folder}/index.html"
    )
    if told.nameless:
        say(f"{counted(told.nameless, 'name')} of nobody who is there: look at the pseudonyms in {names}.")
