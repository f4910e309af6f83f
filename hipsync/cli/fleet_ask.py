"""`fleet ask`: one of the named questions, as a table, as CSV or as JSON."""

from __future__ import annotations

import click

from hipsync.cli import exits
from hipsync.cli.app import App
from hipsync.cli.fleet_place import connected_fleet
from hipsync.cli.saying import say, tell_json, tell_rows
from hipsync.errors import ConfigError


@click.command("ask")
@click.argument("name", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="For spreadsheets: a line a row.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--weeks", type=click.IntRange(1, 520), help="For so many weeks, this one among them.")
@click.pass_context
def fleet_ask_command(ctx: click.Context, name: str | None, as_csv: bool, as_json: bool, weeks: int | None) -> None:
    """Ask one of the questions; without a name, list them.

    The answer has what your login may see, in order of the pseudonym.

    \b
    hipsync fleet ask
    hipsync fleet ask attention
    hipsync fleet ask weeks --weeks 12 --csv > weeks.csv
    """
    app: App = ctx.obj
    if as_csv and as_json:
        raise ConfigError("--csv and --json exclude each other: choose one")
    from hipsync.fleet import asking

    if name is None:
        tell_rows([(each, asked.line) for each, asked in asking.QUESTIONS.items()])
        return
    asked, now = asking.question(name), app.now()
    with connected_fleet(app) as database, database.snapshot(now) as snapshot:
        answer = asked.ask(snapshot, now, weeks)
    if as_json:
        tell_json(asking.as_json(name, now, answer))
    elif as_csv:
        click.echo(asking.as_csv(asked, answer), nl=False)
    else:
        tell_rows(answer.table)
        for line in answer.lines:
            say(line)
    if not answer.rows and name != "attention":
        ctx.exit(exits.NOTHING_KNOWN)
