"""`fleet`: what many wearers' bands reported comes together in one Postgres; docs/fleet.md is its paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hipsync.cli import exits
from hipsync.cli.app import App
from hipsync.cli.fleet_access import fleet_care_command, fleet_computer_command, fleet_site_command
from hipsync.cli.fleet_ask import fleet_ask_command
from hipsync.cli.fleet_erase import fleet_erase_command
from hipsync.cli.fleet_export import fleet_export_command
from hipsync.cli.fleet_judge import judge_command
from hipsync.cli.fleet_obeying import obey_fleet
from hipsync.cli.fleet_place import connected_fleet
from hipsync.cli.fleet_report import fleet_report_command
from hipsync.cli.fleet_wearers import hand_command, wearer_command
from hipsync.cli.saying import say, tell_json
from hipsync.text import counted

if TYPE_CHECKING:
    from hipsync.fleet.shipping import Told

ELSEWHERE = (
    "{} of bands of another site; forget those bands here, or let the owner of the database say of which site this"
    " computer is, with `hipsync fleet site`"
)
MADE = {
    "made": "The fleet's database is made.",
    "brought up": "The fleet's database is brought up to this version.",
    "there": "The fleet's database is there already, and as it should be.",
}


@click.group("fleet")
def fleet_command() -> None:
    """Many wearers: bring what bands reported to one Postgres.

    \b
    hipsync config set fleet.dsn 'host=db.example.org dbname=fleet user=ward-3'
    hipsync fleet check
    hipsync fleet ship
    """


@fleet_command.command("init")
@click.pass_obj
def fleet_init_command(app: App) -> None:
    """Make the tables, or bring older ones up, as their owner.

    \b
    hipsync fleet init
    """
    with connected_fleet(app) as database:
        made = database.create()
    say(MADE[made])


@fleet_command.command("check")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def fleet_check_command(ctx: click.Context, as_json: bool) -> None:
    """Connect, and say what works and what does not.

    It looks at the way, the tables, the login and the clocks.

    \b
    hipsync fleet check
    hipsync fleet check --json
    """
    app: App = ctx.obj
    with connected_fleet(app) as database:
        facts = database.facts()
    from hipsync.cli.doctor import SHOWN
    from hipsync.fleet.checking import findings

    found = list(findings(facts, app.now()))
    if as_json:
        tell_json({"version": 1, "findings": [each._asdict() for each in found]})
    else:
        for each in found:
            word, colour = SHOWN[each.verdict]
            say(f"{click.style(word, fg=colour)}{'':<{6 - len(word)}}{each.what}: {each.text}", indent=8)
    if any(each.verdict == "bad" for each in found):
        ctx.exit(exits.FAILED)


@fleet_command.command("ship")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def fleet_ship_command(ctx: click.Context, as_json: bool) -> None:
    """Bring to Postgres what it lacks of what the bands here reported.

    It may run while the service runs, as often as you like, and be cut off anywhere.

    \b
    hipsync fleet ship
    """
    app: App = ctx.obj
    with app.existing_store() as store, connected_fleet(app) as database:
        from hipsync.fleet.shipping import ship

        obeyed = obey_fleet(app, store, database)
        told = ship(store, database, app.now())
    if as_json:
        tell_json({"version": 1, **told._asdict(), "rows_erased_here": obeyed.rows})
    else:
        _say_shipped(told)
    if told.elsewhere:
        ctx.exit(exits.FAILED)


def _say_shipped(told: Told) -> None:
    say(
        f"{told.new} band-days are new there, {told.changed} were completed, {told.same} brought nothing new;"
        f" {told.there} were there already."
    )
    if told.left_out:
        say(f"Bands without an address stay here: {told.left_out}.")
    if told.erased:
        say(f"Not stored there, because their wearers are erased: {counted(told.erased, 'band-day')}.")
    if told.elsewhere:
        say(f"Not stored there: {ELSEWHERE.format(counted(told.elsewhere, 'band-day'))}.")


fleet_command.add_command(judge_command)
fleet_command.add_command(wearer_command)
fleet_command.add_command(hand_command)
fleet_command.add_command(fleet_care_command)
fleet_command.add_command(fleet_site_command)
fleet_command.add_command(fleet_computer_command)
fleet_command.add_command(fleet_erase_command)
fleet_command.add_command(fleet_ask_command)
fleet_command.add_command(fleet_export_command)
fleet_command.add_command(fleet_report_command)
