"""`today`, `day`, `week` and `month`: the path that people wait for, so it imports as little as it can."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Generator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from hipsync.cli import exits
from hipsync.cli.app import App, band_of
from hipsync.cli.completion import band_names
from hipsync.cli.dates import day_of, month_of, week_of
from hipsync.errors import ConfigError

if TYPE_CHECKING:
    from hipsync.core.days import Day, Zones
    from hipsync.core.period import PeriodSummary
    from hipsync.core.summary import DaySummary
    from hipsync.model import Band
    from hipsync.report.terminal_day import Style
    from hipsync.report.terminal_period import PeriodKind
    from hipsync.store import Store


class Asked(NamedTuple):
    """How the days are to be told; without any of it, as text for the terminal."""

    band: str | None
    zone: str | None
    plain: bool
    as_json: bool
    as_csv: bool
    html: Path | None
    open_page: bool


Command = Callable[..., None]


def _options(command: Command) -> Command:
    """What the four share."""
    for option in (
        click.option("--open", "open_page", is_flag=True, help="With --html: show it in the browser."),
        click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with charts here."),
        click.option("--zone", help="Show local times of this zone (an IANA name) instead."),
        click.option("--band", shell_complete=band_names, help="Of one band only."),
        click.option("--plain", is_flag=True, help="One fact a line, in words."),
        click.option("--csv", "as_csv", is_flag=True, help="For spreadsheets: a row a day."),
        click.option("--json", "as_json", is_flag=True, help="For programs: the same numbers as JSON."),
    ):
        command = option(command)
    return command


def _asked(options: dict[str, Any]) -> Asked:
    asked = Asked(**options)
    if sum([asked.plain, asked.as_json, asked.as_csv, asked.html is not None]) > 1:
        raise ConfigError("--plain, --json, --csv and --html exclude each other: choose one")
    if asked.open_page and asked.html is None:
        raise ConfigError("--open needs a page to show: add --html FILE")
    return asked


@click.command("today")
@_options
@click.pass_context
def today_command(ctx: click.Context, /, **options: Any) -> None:
    """Say how much you sat today, and whether you got up.

    \b
    hipsync today
    hipsync today --plain
    hipsync today --json
    """
    show_day(ctx, "today", _asked(options))


@click.command("day", context_settings={"ignore_unknown_options": True})
@click.argument("when", default="today", metavar="[DATE]")
@_options
@click.pass_context
def day_command(ctx: click.Context, /, when: str, **options: Any) -> None:
    """Show one day: 2026-11-20, yesterday, -3 (days ago), mon.

    \b
    hipsync day yesterday
    hipsync day -3 --json
    hipsync day mon --html monday.html --open
    """
    show_day(ctx, when, _asked(options))


@click.command("week", context_settings={"ignore_unknown_options": True})
@click.argument("when", nargs=-1, metavar="[DATE]")
@_options
@click.pass_context
def week_command(ctx: click.Context, /, when: tuple[str, ...], **options: Any) -> None:
    """Show a week, Monday to Sunday, beside the one before: the one of a day, last, -2 (weeks ago), 2026-W47.

    \b
    hipsync week
    hipsync week last
    hipsync week 2026-11-20 --csv
    """
    show_days(ctx, "week", " ".join(when) or "this", _asked(options))


@click.command("month", context_settings={"ignore_unknown_options": True})
@click.argument("when", nargs=-1, metavar="[DATE]")
@_options
@click.pass_context
def month_command(ctx: click.Context, /, when: tuple[str, ...], **options: Any) -> None:
    """Show a month, a line a day: 2026-11, november, last, -2 (months ago), or the one of a day.

    \b
    hipsync month
    hipsync month november --json
    hipsync month last --html november.html
    """
    show_days(ctx, "month", " ".join(when) or "this", _asked(options))


# ------------------------------------------------------------------ what is shown


def show_day(ctx: click.Context, when: str, asked: Asked) -> None:
    app: App = ctx.obj
    summary = summary_of(app, when, asked.band, asked.zone)
    if asked.as_json:
        from hipsync.report.json_csv import day_json

        click.echo(json.dumps(day_json(summary), indent=1))
    elif asked.as_csv:
        _echo_csv([summary])
    elif asked.plain:
        from hipsync.report.terminal_day import day_facts

        click.echo("\n".join(day_facts(summary)))
    elif asked.html is not None:
        from hipsync.core.period import period_summary

        _write_page(app, asked.html, period_summary([summary]), None, open_page=asked.open_page)
    else:
        click.echo(text(app, summary), nl=False)
    if summary.complete_until is None:
        ctx.exit(exits.NOTHING_KNOWN)


def show_days(ctx: click.Context, of: PeriodKind, when: str, asked: Asked) -> None:
    app: App = ctx.obj
    period, before = period_of(app, of, when, asked.band, asked.zone)
    if asked.as_json:
        from hipsync.report.json_csv import period_json

        click.echo(json.dumps(period_json(period, before), indent=1))
    elif asked.as_csv:
        _echo_csv(period.days)
    elif asked.html is not None:
        _write_page(app, asked.html, period, before, open_page=asked.open_page)
    else:
        from hipsync.report.terminal_day import ASCII_MARKS, UNICODE_MARKS
        from hipsync.report.terminal_period import period_facts, period_text

        if asked.plain:
            click.echo("\n".join(period_facts(period, of, before)))
        else:
            marks = UNICODE_MARKS if _shows_unicode() else ASCII_MARKS
            told = period_text(period, of, before=before, style=_style(app), marks=marks, columns=_columns())
            click.echo(told, nl=False)
    if period.complete_until is None:
        ctx.exit(exits.NOTHING_KNOWN)


def text(app: App, summary: DaySummary) -> str:
    from hipsync.report.terminal_day import ASCII_MARKS, UNICODE_MARKS, day_text

    marks = UNICODE_MARKS if _shows_unicode() else ASCII_MARKS
    return day_text(summary, style=_style(app), marks=marks, columns=_columns())


def _style(app: App) -> Style:
    return "colour" if app.colour else "plain"


def _shows_unicode() -> bool:
    """Whether the terminal or file takes more than ASCII. Under LANG=C Python writes UTF-8 all the same (PEP 538)."""
    import os

    encoded = (sys.stdout.encoding or "ascii").lower().startswith("utf")
    said = os.environ.get("LC_ALL") or ""
    if not said:
        ctype = os.environ.get("LC_CTYPE", "")
        said = ctype if ctype not in {"", "C.UTF-8", "C.utf8"} else os.environ.get("LANG", "")  # Python's own two
    plain = said in {"", "C", "POSIX"} and sys.platform != "win32" and "PYTHONIOENCODING" not in os.environ
    return encoded and not plain


def _columns() -> int:
    """Of the terminal; 80 where there is none, so that what is piped does not depend on where it was typed."""
    if not sys.stdout.isatty():
        return 80
    import shutil

    return shutil.get_terminal_size().columns


def _echo_csv(days: Sequence[DaySummary]) -> None:
    import csv

    from hipsync.report.json_csv import days_csv

    csv.writer(sys.stdout, lineterminator="\n").writerows(days_csv(days))


def _write_page(app: App, file: Path, period: PeriodSummary, before: PeriodSummary | None, *, open_page: bool) -> None:
    """Whole, or not at all. Raises `ConfigError` where it cannot be written."""
    import os

    from hipsync.report.page import page_html

    page = page_html(period, app.now(), previous=before)
    fresh = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        try:
            fresh.write_text(page, encoding="utf-8")
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror or error}; name another file") from error
    click.echo(f"written: {file}")
    if open_page:
        click.launch(file.absolute().as_uri())


# ------------------------------------------------------------------ what is known


def summary_of(app: App, when: str, band: str | None, zone: str | None) -> DaySummary:
    """The summary of a day; of nothing if there is no database, which is not made. Raises `HipsyncError`."""
    from hipsync.history.summaries import summarise

    with _known(app, band, zone) as (store, zones, only):
        day = day_of(when, zones.date_of(app.now()))
        if store is None:
            return _nothing(app, zones.day(day))
        return summarise(store, app.rule(), zones, day, app.now(), only)


def period_of(
    app: App, of: PeriodKind, when: str, band: str | None, zone: str | None
) -> tuple[PeriodSummary, PeriodSummary | None]:
    """A week with the one before it, or a month. Raises `HipsyncError`."""
    from hipsync.core.period import period_summary
    from hipsync.history.summaries import summarise_days

    with _known(app, band, zone, to_write=True) as (store, zones, only):
        dates = (week_of if of == "week" else month_of)(when, zones.date_of(app.now()))
        earlier = [day - timedelta(weeks=1) for day in dates] if of == "week" else []
        asked = [*earlier, *dates]
        if store is None:
            days = [_nothing(app, zones.day(day)) for day in asked]
        else:
            days = summarise_days(store, app.rule(), zones, asked, app.now(), only)
        before = period_summary(days[: len(earlier)]) if earlier else None
        return period_summary(days[len(earlier) :]), before


@contextlib.contextmanager
def _known(
    app: App, band: str | None, zone: str | None, *, to_write: bool = False
) -> Generator[tuple[Store | None, Zones, Band | None], None, None]:
    """The store if there is one, the days of the zone that was asked for, and the band that was."""
    from hipsync.core.days import Zones

    where = None if zone is None else checked_zone(zone)
    with contextlib.ExitStack() as stack:
        store = app.read_store(to_write=to_write)
        if store is not None:
            stack.enter_context(store)
        elif band is not None:
            raise ConfigError(f"no band {band!r} is known: there is none yet")
        zones = app.zones(store) if where is None else Zones([], where, app.config().day_start)
        yield store, zones, None if store is None or band is None else band_of(store, band)


def _nothing(app: App, span: Day) -> DaySummary:
    from hipsync.core.bouts import bouts
    from hipsync.core.summary import day_summary
    from hipsync.core.timeline import minute_of, timeline

    rule = app.rule()
    nothing = timeline([], minute_of(span.start), minute_of(span.end), span.zone)
    return day_summary(nothing, bouts(nothing, rule), span, app.now(), limit_minutes=rule.limit_minutes)


def checked_zone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(f"{name!r} is no time zone: use an IANA name such as Europe/London") from error
