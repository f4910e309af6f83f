"""`today` and `day`: the path that people wait for, so it imports as little as it can."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App, band_of
from hipsync.errors import ConfigError

if TYPE_CHECKING:
    from hipsync.days import Day
    from hipsync.summary import DaySummary

EXIT_NOTHING_KNOWN = 3
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
YEARS = range(1970, 3000)
"""Days of other years are slips of the pen, and the calendar has an end."""


def day_of(text: str, today: date) -> date:
    """A date as people say it: 2026-11-20, today, yesterday, -3, mon (the last one). Raises `ConfigError`."""
    word = text.strip().lower()
    if word in {"today", "yesterday"}:
        return today - timedelta(days=word == "yesterday")
    if word.startswith("-") and word[1:].isdecimal() and len(word) <= 5:
        return today - timedelta(days=int(word[1:]))
    for number, name in enumerate(WEEKDAYS):
        if word in {name, name[:3]}:
            return today - timedelta(days=(today.weekday() - number) % 7)
    try:
        day = date.fromisoformat(word)
    except ValueError as error:
        message = f"{text!r} is no date: use one like 2026-11-20, today, yesterday, -3 (days ago) or mon"
        raise ConfigError(message) from error
    if day.year not in YEARS:
        raise ConfigError(f"{text!r} is too far away: the years {YEARS[0]} to {YEARS[-1]} are known")
    return day


Command = Callable[..., None]


def _options(command: Command) -> Command:
    """What `today` and `day` share."""
    for option in (
        click.option("--zone", help="Show local times of this zone (an IANA name) instead."),
        click.option("--band", help="Of one band only."),
        click.option("--plain", is_flag=True, help="One fact a line, in words."),
        click.option("--json", "as_json", is_flag=True, help="For programs: the same numbers as JSON."),
    ):
        command = option(command)
    return command


@click.command("today")
@_options
@click.pass_context
def today_command(ctx: click.Context, as_json: bool, plain: bool, band: str | None, zone: str | None) -> None:
    """Say how much you sat today, and whether you got up.

    \b
    hipsync today
    hipsync today --plain
    hipsync today --json
    """
    show(ctx, "today", as_json=as_json, plain=plain, band=band, zone=zone)


@click.command("day", context_settings={"ignore_unknown_options": True})
@click.argument("when", default="today", metavar="[DATE]")
@_options
@click.pass_context
def day_command(ctx: click.Context, when: str, as_json: bool, plain: bool, band: str | None, zone: str | None) -> None:
    """Show one day: 2026-11-20, yesterday, -3 (days ago), mon.

    \b
    hipsync day yesterday
    hipsync day -3 --json
    """
    show(ctx, when, as_json=as_json, plain=plain, band=band, zone=zone)


def show(ctx: click.Context, when: str, *, as_json: bool, plain: bool, band: str | None, zone: str | None) -> None:
    app: App = ctx.obj
    summary = summary_of(app, when, band, zone)
    if as_json:
        from hipsync.report import day_json

        click.echo(json.dumps(day_json(summary), indent=1))
    elif plain:
        from hipsync.report import day_facts

        click.echo("\n".join(day_facts(summary)))
    else:
        click.echo(text(app, summary), nl=False)
    if summary.complete_until is None:
        ctx.exit(EXIT_NOTHING_KNOWN)


def summary_of(app: App, when: str, band: str | None, zone: str | None) -> DaySummary:
    """The summary of a day; of nothing if there is no database, which is not made. Raises `HipsyncError`."""
    from hipsync.days import Zones
    from hipsync.review import summarise

    where = None if zone is None else checked_zone(zone)
    with contextlib.ExitStack() as stack:
        store = app.read_store()
        if store is not None:
            stack.enter_context(store)
        zones = app.zones(store) if where is None else Zones([], where, app.config().day_start)
        day = day_of(when, zones.date_of(app.now()))
        if store is not None:
            only = None if band is None else band_of(store, band)
            return summarise(store, app.rule(), zones, day, app.now(), only)
    if band is not None:
        raise ConfigError(f"no band {band!r} is known: there is none yet")
    return _nothing(app, zones.day(day))


def _nothing(app: App, span: Day) -> DaySummary:
    from hipsync.bouts import bouts
    from hipsync.summary import day_summary
    from hipsync.timeline import minute_of, timeline

    rule = app.rule()
    nothing = timeline([], minute_of(span.start), minute_of(span.end), span.zone)
    return day_summary(nothing, bouts(nothing, rule), span, app.now(), limit=rule.limit)


def checked_zone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(f"{name!r} is no time zone: use an IANA name such as Europe/London") from error


def text(app: App, summary: DaySummary) -> str:
    from hipsync.report import ASCII_MARKS, UNICODE_MARKS, day_text

    encoding = (sys.stdout.encoding or "ascii").lower()
    marks = UNICODE_MARKS if encoding.startswith("utf") else ASCII_MARKS
    return day_text(summary, style="colour" if app.colour else "plain", marks=marks)
