"""`trial`: find out whether reminders help, by withholding one in ten of them."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import click

from hipsync.cli.app import App
from hipsync.cli.saying import say, tell_json
from hipsync.core.days import BEGINNING_OF_TIME
from hipsync.core.shares import Share
from hipsync.core.trial import Compared
from hipsync.history.trial_outcomes import trial_outcomes
from hipsync.history.weeks import weeks_until
from hipsync.instants import latest
from hipsync.report.json_csv import trial_json, weeks_json
from hipsync.report.terminal_trial import trial_lines
from hipsync.report.terminal_weeks import each_week_lines

SHARE = 0.1
"""The share of due reminders that `hipsync trial start` has withheld: one in ten costs little, and tells in months."""


@click.group("trial", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def trial_command(ctx: click.Context, as_json: bool) -> None:
    """Find out whether reminders help you.

    One in ten, drawn at random, is withheld, and what you do is compared.

    It also shows, without a trial too, how the last weeks went.

    \b
    hipsync trial start
    hipsync trial stop
    hipsync trial
    """
    if ctx.invoked_subcommand is None:
        _report(ctx.obj, as_json=as_json)


def _report(app: App, *, as_json: bool) -> None:
    """Print what was found since the first draw, whether a trial runs, and how the weeks went."""
    now, found, since, weeks = app.now(), Compared(Share(0, 0), Share(0, 0), 0), None, None
    with contextlib.ExitStack() as stack:
        store = app.read_store(to_write=True)
        zones = app.zones(store)
        if store is not None:
            stack.enter_context(store)
            end = latest(now) + timedelta(seconds=1)
            draws = store.draws(BEGINNING_OF_TIME, end)
            if draws:
                since = zones.local(draws[0].at)
                found = trial_outcomes(store, app.rule(), zones, draws[0].at, end, now)
            weeks = weeks_until(store, app.rule(), zones, zones.date_of(now), now)
    if as_json:
        head = {"share": app.config().trial or None, "since": None if since is None else since.isoformat()}
        told = None if weeks is None else weeks_json(weeks)
        tell_json({"version": 1, **head, **trial_json(found), "weeks": told})
        return
    say(state_of_trial(app))
    if since is None:
        say("No reminder has been due in a trial yet.")
    else:
        say(f"Since {since.day} {since:%B %Y}:")
        say("\n".join(f"  {line}" for line in trial_lines(found)))
    if weeks is not None:
        say("\n".join(["", *each_week_lines(weeks)]))


@trial_command.command("start")
@click.pass_obj
def start_command(app: App) -> None:
    """Withhold one due reminder in ten from now on.

    \b
    hipsync trial start

    A withheld reminder is shown nowhere, and nothing else is shown until your next break. `hipsync config set
    prompts.trial 0.2` withholds one in five.
    """
    from hipsync.cli.config import change_setting

    if not app.config().trial:
        change_setting(app, "prompts.trial", str(SHARE))
    say(state_of_trial(app))
    say("Which ones are drawn at random. `hipsync trial` compares, `hipsync trial stop` ends it.")


@trial_command.command("stop")
@click.pass_obj
def stop_command(app: App) -> None:
    """Withhold nothing any more; what was found so far stays.

    \b
    hipsync trial stop
    """
    from hipsync.cli.config import change_setting

    if app.config().trial:
        change_setting(app, "prompts.trial", "off")
    say(state_of_trial(app))


def state_of_trial(app: App) -> str:
    """Return in words whether a trial runs, by the settings. Raises `ConfigError`."""
    share = app.config().trial
    if not share:
        return "No trial runs: every reminder that is due is shown."
    return f"A trial runs: {round(share * 100)} % of the reminders that are due are withheld."
