"""`today`, `day`, `week` and `month`: show how long the wearer sat, as text, JSON, CSV or a page.

People wait for these commands. So each import is in the function that needs it; `python -m bench today` measures
what is left.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Generator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from hipsync.cli import exits
from hipsync.cli.app import App, band_named
from hipsync.cli.completion import band_names
from hipsync.cli.dates import MINUS, day_of, month_of, week_of
from hipsync.cli.saying import tell_json
from hipsync.errors import ConfigError

if TYPE_CHECKING:
    from hipsync.core.days import Day, Zones
    from hipsync.core.period import PeriodSummary
    from hipsync.core.summary import DaySummary
    from hipsync.core.trial import Compared
    from hipsync.core.weeks import Weeks
    from hipsync.model import Band
    from hipsync.report.page import View
    from hipsync.report.pen import Pen
    from hipsync.report.period_facts import PeriodKind
    from hipsync.store import Store


MONDAY = 0


class Asked(NamedTuple):
    """The options that `today`, `day`, `week` and `month` share; without any, they show text for the terminal."""

    band: str | None
    zone: str | None
    plain: bool
    as_json: bool
    as_csv: bool
    html: Path | None
    open_page: bool


Command = Callable[..., None]


class DateCommand(click.Command):
    """A command whose argument may be a number of days or weeks ago, such as -3, which is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments as click does, with a true minus sign in place of the hyphen of such numbers."""
        return super().parse_args(ctx, [re.sub(r"^-(?=[0-9]+$)", MINUS, arg) for arg in args])


def _options(command: Command) -> Command:
    """Add the options of `Asked` to a command."""
    for option in (
        click.option("--open", "open_page", is_flag=True, help="With --html: show it in the browser."),
        click.option(
            "--html",
            type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
            help="Write a page with charts here.",
        ),
        click.option("--zone", help="Show local times of this zone (an IANA name) instead."),
        click.option("--band", shell_complete=band_names, help="Of one band only."),
        click.option("--plain", is_flag=True, help="One fact a line, in words."),
        click.option("--csv", "as_csv", is_flag=True, help="For spreadsheets: a row a day."),
        click.option("--json", "as_json", is_flag=True, help="For programs: the same numbers as JSON."),
    ):
        command = option(command)
    return command


def _asked(options: dict[str, Any]) -> Asked:
    """Return the options as they were given. Raises `ConfigError` if they exclude each other."""
    asked = Asked(**options)
    if sum([asked.plain, asked.as_json, asked.as_csv, asked.html is not None]) > 1:
        raise ConfigError("--plain, --json, --csv and --html exclude each other: choose one")
    if asked.open_page and asked.html in {None, Path("-")}:
        raise ConfigError("--open needs a page to show: add --html FILE")
    return asked


@click.command("today")
@click.option("--hours", is_flag=True, help="A row for each hour, a column for each minute.")
@_options
@click.pass_context
def today_command(ctx: click.Context, /, *, hours: bool, **options: Any) -> None:
    """How much you sat today, and whether you got up.

    \b
    hipsync today
    hipsync today --hours
    hipsync today --plain
    hipsync today --json
    """
    show_day(ctx, "today", _asked(options), hours=hours)


@click.command("day", cls=DateCommand)
@click.argument("when", default="today", metavar="[DATE]")
@click.option("--hours", is_flag=True, help="A row for each hour, a column for each minute.")
@_options
@click.pass_context
def day_command(ctx: click.Context, /, when: str, *, hours: bool, **options: Any) -> None:
    """One day: 2026-11-20, yesterday, -3 (days ago), mon.

    \b
    hipsync day yesterday
    hipsync day -3 --json
    hipsync day mon --html monday.html --open
    """
    show_day(ctx, when, _asked(options), hours=hours)


@click.command("week", cls=DateCommand)
@click.argument("when", nargs=-1, metavar="[DATE]")
@_options
@click.pass_context
def week_command(ctx: click.Context, /, when: tuple[str, ...], **options: Any) -> None:
    """A week, beside the one before it.

    DATE is a day of it, last, -2 (weeks ago), or 2026-W47.

    \b
    hipsync week
    hipsync week last
    hipsync week 2026-11-20 --csv
    """
    show_days(ctx, "week", " ".join(when) or "this", _asked(options))


@click.command("month", cls=DateCommand)
@click.argument("when", nargs=-1, metavar="[DATE]")
@_options
@click.pass_context
def month_command(ctx: click.Context, /, when: tuple[str, ...], **options: Any) -> None:
    """A month, as a calendar.

    DATE is 2026-11, november, last, -2 (months ago), or a day of it.

    \b
    hipsync month
    hipsync month november --json
    hipsync month last --html november.html
    """
    show_days(ctx, "month", " ".join(when) or "this", _asked(options))


# ------------------------------------------------------------------ what is shown


def show_day(ctx: click.Context, when: str, asked: Asked, *, hours: bool) -> None:
    """Show the day that `when` means; end with `exits.NOTHING_KNOWN` if nothing is known of it.

    With `hours`, the text has a row for each hour. Raises `ConfigError` if something else than text is asked for.
    """
    if hours and (asked.plain or asked.as_json or asked.as_csv or asked.html is not None):
        raise ConfigError("--hours is a text for the terminal: leave out --plain, --json, --csv and --html")
    app: App = ctx.obj
    summary = summary_of(app, when, asked.band, asked.zone)
    if asked.as_json:
        from hipsync.report.json_csv import day_json

        tell_json(day_json(summary))
    elif asked.as_csv:
        _echo_csv([summary])
    elif asked.plain:
        from hipsync.report.terminal_day import day_facts

        click.echo("\n".join(day_facts(summary, app.goals())))
    elif asked.html is not None:
        from hipsync.core.period import period_summary

        _write_page(app, asked.html, "day", period_summary([summary]), None, None, open_page=asked.open_page)
    else:
        click.echo(_day_text(app, summary, hours=hours, of_all=asked.band is None), nl=False)
    if summary.complete_until is None:
        ctx.exit(exits.NOTHING_KNOWN)


def show_days(ctx: click.Context, kind: PeriodKind, when: str, asked: Asked) -> None:
    """Show the week or month that `when` means; end with `exits.NOTHING_KNOWN` if nothing is known of it."""
    app: App = ctx.obj
    period, before = period_of(app, kind, when, asked.band, asked.zone)
    trial = _trial_in(app, period, asked.band, asked.zone) if kind == "month" and not asked.as_csv else None
    weeks = _weeks_of(app, period, asked.band, asked.zone) if kind == "month" and not asked.as_csv else None
    if asked.as_json:
        from hipsync.report.json_csv import period_json

        tell_json(period_json(period, kind, before, trial, weeks))
    elif asked.as_csv:
        _echo_csv(period.days)
    elif asked.html is not None:
        _write_page(app, asked.html, kind, period, before, weeks, open_page=asked.open_page)
    else:
        _echo_period(app, kind, period, before, _more_lines(trial, weeks), plain=asked.plain)
    if period.complete_until is None:
        ctx.exit(exits.NOTHING_KNOWN)


def _more_lines(trial: Compared | None, weeks: Weeks | None) -> Sequence[Sequence[str]]:
    groups: list[Sequence[str]] = []
    if trial is not None:
        from hipsync.report.terminal_trial import trial_lines

        groups.append(list(trial_lines(trial)))
    if weeks is not None:
        from hipsync.report.terminal_weeks import weeks_lines

        groups.append(list(weeks_lines(weeks)))
    return groups


def _day_text(app: App, summary: DaySummary, *, hours: bool, of_all: bool) -> str:
    from hipsync.cli.app import host_zone
    from hipsync.report.terminal_day import day_text, hours_text

    zone = host_zone()
    if hours:
        return hours_text(summary, pen_of(app), zone=zone, hint=_hint(app, summary))
    note = _monday_note(app, summary) if of_all else ""
    return day_text(summary, pen_of(app), goals=app.goals(), zone=zone, note=note, hint=_hint(app, summary))


def _hint(app: App, shown: DaySummary | PeriodSummary) -> str:
    """Return what somebody can do who has no data of these days, by the bands there are; empty if there are data."""
    if shown.complete_until is not None:
        return ""
    from hipsync.driver import LONGEST_EPOCH_TO_JUDGE_BY
    from hipsync.registry import abilities_of, drivers

    bands, known = [], drivers()
    store = app.read_store()
    if store is not None:
        with store:
            bands = store.bands()
    keeps = [able.history for band in bands if (able := abilities_of(band, known)) is not None]
    longest = LONGEST_EPOCH_TO_JUDGE_BY
    hints = (
        (not bands, f"{app.to_begin}."),
        (
            any(kept and kept <= longest for kept in keeps),
            "`hipsync sync` fetches what your band has.",
        ),
        (any(kept and kept > longest for kept in keeps), "Minutes come only while hipsync runs."),
        (any(not kept for kept in keeps), "Your band keeps nothing: leave hipsync running."),
        (len(keeps) < len(bands), "`hipsync import` reads a file."),
    )
    return " ".join(hint for holds, hint in hints if holds)


def _monday_note(app: App, summary: DaySummary) -> str:
    """Return what is said of the last week, on the Monday after it; empty on other days."""
    is_today = summary.until < summary.end
    if not is_today or summary.date.weekday() != MONDAY or summary.complete_until is None:
        return ""
    from hipsync.report.terminal_week import monday_note

    week, before = period_of(app, "week", "last", None, None)
    return "" if before is None else monday_note(week, before)


def _echo_period(
    app: App,
    kind: PeriodKind,
    period: PeriodSummary,
    before: PeriodSummary | None,
    more: Sequence[Sequence[str]],
    *,
    plain: bool,
) -> None:
    if plain:
        from hipsync.report.period_facts import period_facts

        click.echo("\n".join(period_facts(period, kind, before, more)))
    elif kind == "week":
        from hipsync.report.terminal_week import week_text

        click.echo(week_text(period, pen_of(app), before=before, more=more, hint=_hint(app, period)), nl=False)
    else:
        from hipsync.report.terminal_month import month_text

        click.echo(month_text(period, pen_of(app), more=more, hint=_hint(app, period)), nl=False)


def pen_of(app: App) -> Pen:
    """What standard output can show."""
    from hipsync.report.pen import pen_for

    return pen_for(sys.stdout, colour=app.colour)


def _echo_csv(days: Sequence[DaySummary]) -> None:
    import csv

    from hipsync.report.json_csv import days_csv

    csv.writer(sys.stdout, lineterminator="\n").writerows(days_csv(days))


def _write_page(
    app: App,
    file: Path,
    view: View,
    period: PeriodSummary,
    before: PeriodSummary | None,
    weeks: Weeks | None,
    *,
    open_page: bool,
) -> None:
    """Write a page with charts. Raises `ConfigError` if it cannot."""
    from hipsync.cli.files import write_page
    from hipsync.report.page import page_html
    from hipsync.report.page.weeks import weeks_section

    page = page_html(period, app.now(), view, goals=app.goals(), previous=before, more=weeks_section(weeks))
    write_page(file, page, open_page=open_page)


# ------------------------------------------------------------------ what is known


def summary_of(app: App, when: str, band: str | None, zone: str | None) -> DaySummary:
    """Return the summary of the day that `when` means; an empty one if there is no database. Raises `HipsyncError`."""
    from hipsync.history.summaries import summarise

    with _opened(app, band, zone) as (store, zones, only):
        day = day_of(when, zones.date_of(app.now()))
        if store is None:
            return _nothing(app, zones.day(day))
        return summarise(store, app.rule(), zones, day, app.now(), only)


def period_of(
    app: App, kind: PeriodKind, when: str, band: str | None, zone: str | None
) -> tuple[PeriodSummary, PeriodSummary | None]:
    """Return the week that `when` means and the week before it, or a month and None. Raises `HipsyncError`."""
    from hipsync.core.period import period_summary
    from hipsync.history.summaries import summarise_days

    with _opened(app, band, zone, to_write=True) as (store, zones, only):
        dates = (week_of if kind == "week" else month_of)(when, zones.date_of(app.now()))
        earlier = [day - timedelta(weeks=1) for day in dates] if kind == "week" else []
        asked = [*earlier, *dates]
        if store is None:
            days = [_nothing(app, zones.day(day)) for day in asked]
        else:
            days = summarise_days(store, app.rule(), zones, asked, app.now(), only)
        before = period_summary(days[: len(earlier)]) if earlier else None
        return period_summary(days[len(earlier) :]), before


def _trial_in(app: App, period: PeriodSummary, band: str | None, zone: str | None) -> Compared | None:
    """Return what a trial found in a period; None if nothing was drawn in it. Raises `HipsyncError`."""
    start, end = period.days[0].start, period.days[-1].end
    with _opened(app, band, zone) as (store, zones, only):
        if store is None or not store.draws(start, end):
            return None
        from hipsync.history.trial_outcomes import trial_outcomes

        return trial_outcomes(store, app.rule(), zones, start, end, app.now(), only)


def _weeks_of(app: App, period: PeriodSummary, band: str | None, zone: str | None) -> Weeks | None:
    """Return how the weeks up to the end of a period went; None if no week is known. Raises `HipsyncError`."""
    with _opened(app, band, zone, to_write=True) as (store, zones, only):
        if store is None:
            return None
        from hipsync.history.weeks import weeks_until

        return weeks_until(store, app.rule(), zones, period.days[-1].date, app.now(), only, period.days)


@contextlib.contextmanager
def _opened(
    app: App, band: str | None, zone: str | None, *, to_write: bool = False
) -> Generator[tuple[Store | None, Zones, Band | None], None, None]:
    """Yield the store, if there is one, the zones that divide the days, and the one band that is asked for, if any.

    Raises `ConfigError` if there is no such band or zone, and `StoreError`.
    """
    from hipsync.core.days import Zones
    from hipsync.host.zone import named_zone

    where = None if zone is None else named_zone(zone)
    with contextlib.ExitStack() as stack:
        store = app.read_store(to_write=to_write)
        if store is not None:
            stack.enter_context(store)
        elif band is not None:
            raise ConfigError(f"no band {band!r}: you have none yet")
        zones = app.zones(store) if where is None else Zones([], where, app.day_start())
        yield store, zones, None if store is None or band is None else band_named(store, band)


def _nothing(app: App, span: Day) -> DaySummary:
    """Return the summary of a day of which nothing is known."""
    from hipsync.core.bouts import bouts
    from hipsync.core.summary import day_summary
    from hipsync.core.timeline import minute_of, timeline

    rule = app.rule()
    nothing = timeline([], minute_of(span.start), minute_of(span.end), span.zone)
    return day_summary(nothing, bouts(nothing, rule), span, app.now(), limit_minutes=rule.limit_minutes)
