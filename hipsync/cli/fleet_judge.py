"""`fleet judge`: the days of all wearers, judged where something new is known."""

from __future__ import annotations

import click

from hipsync.cli.app import App
from hipsync.cli.fleet_place import connected_fleet, fleet_conninfo
from hipsync.cli.saying import say, tell_json


@click.command("judge")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="How many processors may work on it."
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def judge_command(app: App, processes: int, as_json: bool) -> None:
    """Judge the days for which bands have reported something new.

    It may run on several computers at once, and be cut off anywhere: the next one goes on. A day is judged once more
    when it is over.

    \b
    hipsync fleet judge
    hipsync fleet judge --processes 4
    """
    with connected_fleet(app) as database:
        from hipsync.fleet.queue import Queue
        from hipsync.fleet.workers import judge_by

        now = database.ready("judge")
        queue = Queue(database)
        queue.mark_outdated()
        before = queue.waiting(now)
        judge_by(fleet_conninfo(app), processes, now)
        left = queue.waiting(now).days
    days, wearers = before.days - left, before.wearers
    if as_json:
        tell_json({"version": 1, "days": days, "wearers": wearers, "left": left})
        return
    say(f"Judged {days} {'day' if days == 1 else 'days'} of {wearers} {'wearer' if wearers == 1 else 'wearers'}.")
    if left:
        say(f"{left} more became dirty meanwhile: the next `hipsync fleet judge` takes them.")
