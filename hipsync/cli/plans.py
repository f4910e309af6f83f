"""`plan`: walks, runs and visits to the gym that are planned for every week, so that a warm-up is proposed before them.

A command writes into the database, and then lets a running service look there.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.cli.completion import plan_numbers
from hipsync.cli.prompts import notify_service
from hipsync.cli.saying import say, tell_json
from hipsync.errors import ConfigError
from hipsync.model import WEEKDAYS, Outing, Plan

if TYPE_CHECKING:
    from datetime import datetime

    from hipsync.core.days import Zones
    from hipsync.store import Store


@click.group("plan")
def plan_command() -> None:
    """Plan a walk, a run or the gym, with a warm-up before.

    The reminder to warm up comes ten minutes before.

    \b
    hipsync plan add run tue,thu 18:00
    hipsync plan list
    hipsync plan skip 1       leave it out once
    hipsync plan remove 1
    """


@plan_command.command("add")
@click.argument("outing", type=click.Choice([outing.value for outing in Outing]), metavar="run|walk|gym")
@click.argument("days", metavar="DAYS")
@click.argument("clock", metavar="TIME")
@click.pass_obj
def plan_add_command(app: App, outing: str, days: str, clock: str) -> None:
    """Plan something for some days of every week, at a local time.

    \b
    hipsync plan add run tue,thu 18:00
    hipsync plan add walk mon-fri 12:30

    The reminder comes ten minutes before, also outside your reminder hours, but not in a pause.
    """
    from hipsync.settings.values import time_of_day, weekdays

    on, at = weekdays(days), time_of_day(clock)
    with app.existing_store(to_write=True) as store:
        plan = store.add_plan(Outing(outing), on, at, app.now())
        notify_service(store)
    say(f"Added plan {plan.number}: {_words(plan)}.")


@plan_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def plan_list_command(app: App, as_json: bool) -> None:
    """List what is planned, and when it is next.

    \b
    hipsync plan list
    hipsync plan list --json
    """
    with contextlib.ExitStack() as stack:
        store = app.read_store()
        if store is not None:
            stack.enter_context(store)
        now, zones, plans = app.now(), app.zones(store), [] if store is None else store.plans()
    if as_json:
        tell_json({"version": 1, "plans": [_row(plan, zones, now) for plan in plans]})
        return
    for plan in plans:
        click.echo(f"{_line(plan)}{_skipped(plan, zones, now)}")
    if not plans:
        say("Nothing is planned: `hipsync plan add run tue,thu 18:00` plans a run.")


@plan_command.command("remove")
@click.argument("number", type=int, shell_complete=plan_numbers)
@click.pass_obj
def plan_remove_command(app: App, number: int) -> None:
    """Plan something no more; its number is that of `plan list`.

    \b
    hipsync plan remove 1
    """
    with app.existing_store(to_write=True) as store:
        plan = _plan(store, number)
        store.remove_plan(plan, app.now())
        notify_service(store)
    say(f"Removed plan {plan.number}: {_words(plan)}.")


@plan_command.command("skip")
@click.argument("number", type=int, shell_complete=plan_numbers)
@click.pass_obj
def plan_skip_command(app: App, number: int) -> None:
    """Leave a plan out once, the next time that it would be.

    \b
    hipsync plan skip 1
    """
    from hipsync.core.plans import next_date

    with app.existing_store(to_write=True) as store:
        now, zones, plan = app.now(), app.zones(store), _plan(store, number)
        if _is_skipped(plan, zones, now):
            raise ConfigError(f"plan {number} is left out on {plan.skipped} already, and only its next time can be")
        day = next_date(plan, zones, now)
        if day is None:
            raise ConfigError(f"plan {number} has no next time")
        store.skip_plan(plan, day)
        notify_service(store)
    say(f"Left out once, on {day:%a %d %b}: plan {plan.number}, {_words(plan)}.")


def _plan(store: Store, number: int) -> Plan:
    """Return the plan of this number. Raises `ConfigError` if there is none."""
    for plan in store.plans():
        if plan.number == number:
            return plan
    raise ConfigError(f"there is no plan {number}: `hipsync plan list` shows their numbers")


def _line(plan: Plan) -> str:
    """Return a line of the list of plans, in columns."""
    return f"{plan.number:<3} {plan.outing.value:<4} {plan.clock:%H:%M}  {_days(plan)}"


def _words(plan: Plan) -> str:
    """Return a plan as part of a sentence, such as "run at 18:00, Tue, Thu"."""
    return f"{plan.outing.value} at {plan.clock:%H:%M}, {_days(plan)}"


def _days(plan: Plan) -> str:
    return ", ".join(WEEKDAYS[day].capitalize() for day in plan.days)


def _skipped(plan: Plan, zones: Zones, now: datetime) -> str:
    """Return the words that say that a plan is left out on a day to come; empty if it is not."""
    return f"  not on {plan.skipped:%a %d %b}" if _is_skipped(plan, zones, now) else ""


def _is_skipped(plan: Plan, zones: Zones, now: datetime) -> bool:
    """Return whether the user has asked to skip the next outing of a plan."""
    from hipsync.core.plans import next_date

    return plan.skipped is not None and plan.skipped == next_date(plan._replace(skipped=None), zones, now)


def _row(plan: Plan, zones: Zones, now: datetime) -> dict[str, object]:
    """Return a plan as a program reads it."""
    from hipsync.core.plans import starts

    following = next(iter(starts([plan], zones, now)), None)
    return {
        "number": plan.number,
        "outing": plan.outing.value,
        "days": [WEEKDAYS[day] for day in plan.days],
        "time": f"{plan.clock:%H:%M}",
        "skipped": plan.skipped.isoformat() if plan.skipped and _is_skipped(plan, zones, now) else None,
        "next": None if following is None else zones.local(following).isoformat(),
    }
