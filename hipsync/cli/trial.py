"""`trial`: find out whether reminders help, by withholding one in ten of them."""

from __future__ import annotations

import click

from hipsync.cli.app import App

SHARE = 0.1
"""The share of due reminders that `hipsync trial start` has withheld: one in ten costs little, and tells in months."""


@click.group("trial", invoke_without_command=True)
@click.pass_context
def trial_command(ctx: click.Context) -> None:
    """Find out whether reminders help you: withhold one in ten, drawn at random, and compare.

    \b
    hipsync trial start
    hipsync trial stop
    hipsync trial
    """
    if ctx.invoked_subcommand is None:
        click.echo(state_of_trial(ctx.obj))


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
    click.echo(state_of_trial(app))
    click.echo("Which ones are drawn at random. `hipsync trial` compares, `hipsync trial stop` ends it.")


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
    click.echo(state_of_trial(app))


def state_of_trial(app: App) -> str:
    """Return in words whether a trial runs, by the settings. Raises `ConfigError`."""
    share = app.config().trial
    if not share:
        return "No trial runs: every reminder that is due is shown."
    return f"A trial runs: {round(share * 100)} % of the reminders that are due are withheld."
