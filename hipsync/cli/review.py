"""`today` and `day`: the path that people wait for, so it imports as little as it can."""

from __future__ import annotations

import json
import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.errors import ConfigError

if TYPE_CHECKING:
    from hipsync.summary import DaySummary

EXIT_NOTHING_KNOWN = 3
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def day_of(text: str, today: date) -> date:
    """A date as people say it: 2026-11-20, today, yesterday, -3, mon (the last one). Raises `ConfigError`."""
    word = text.strip().lower()
    if word in {"today", "yesterday"}:
        return today - timedelta(days=word == "yesterday")
    if word.startswith("-") and word[1:].isdecimal() and len(word) <= 5:
        return today - timedelta(days=int(word[1:]))
    if word[:3] in WEEKDAYS and len(word) <= 9:
        return today - timedelta(days=(today.weekday() - WEEKDAYS.index(word[:3])) % 7)
    try:
        return date.fromisoformat(word)
    except ValueError as error:
        message = f"{text!r} is no date: use one like 2026-11-20, today, yesterday, -3 (days ago) or mon"
        raise ConfigError(message) from error


@click.command("today")
@click.option("--json", "as_json", is_flag=True, help="For programs: the same numbers as JSON.")
@click.option("--zone", help="Show local times of this zone (an IANA name) instead.")
@click.pass_context
def today_command(ctx: click.Context, as_json: bool, zone: str | None) -> None:
    """Say how much you sat today, and whether you got up."""
    show(ctx, "today", as_json=as_json, zone=zone)


@click.command("day", context_settings={"ignore_unknown_options": True})
@click.argument("when", default="today", metavar="[DATE]")
@click.option("--json", "as_json", is_flag=True, help="For programs: the same numbers as JSON.")
@click.option("--zone", help="Show local times of this zone (an IANA name) instead.")
@click.pass_context
def day_command(ctx: click.Context, when: str, as_json: bool, zone: str | None) -> None:
    r"""Show one day: 2026-11-20, yesterday, -3 (days ago), mon.

    \b
    hipsync day yesterday
    hipsync day -3 --json
    """
    show(ctx, when, as_json=as_json, zone=zone)


def show(ctx: click.Context, when: str, *, as_json: bool, zone: str | None) -> None:
    app: App = ctx.obj
    summary = summary_of(app, when, zone)
    if as_json:
        from hipsync.report import day_json

        click.echo(json.dumps(day_json(summary), indent=1))
    else:
        click.echo(text(app, summary), nl=False)
    if summary.complete_until is None:
        ctx.exit(EXIT_NOTHING_KNOWN)


def summary_of(app: App, when: str, zone: str | None) -> DaySummary:
    """The summary of a day; of nothing if there is no database, which is not made."""
    from hipsync.bouts import bouts
    from hipsync.days import Zones
    from hipsync.review import summarise
    from hipsync.summary import day_summary
    from hipsync.timeline import minute_of, timeline

    now, rule = app.now(), app.rule()
    store = app.read_store()
    zones = app.zones(store) if zone is None else Zones([], checked_zone(zone), app.config().day_start)
    day = day_of(when, zones.date_of(now))
    if store is not None:
        with store:
            return summarise(store, rule, zones, day, now)
    span = zones.day(day)
    nothing = timeline([], minute_of(span.start), minute_of(span.end), span.zone)
    return day_summary(nothing, bouts(nothing, rule), span, now, limit=rule.limit)


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
