"""`web`: serve the page, live, to a browser on this computer.

`hipsync.report.web` is the site and guards it; this module says what the site shows, and what its buttons do.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.errors import ConfigError, HipsyncError

if TYPE_CHECKING:
    from hipsync.core.days import Zones
    from hipsync.store import Store

TYPED_S, OPENED_S = 600, 60
"""Seconds for which a ticket works: one that the person opens, and one that is handed to the browser."""
LONGEST_MESSAGE = 200
"""The most characters of a message on the page."""


@click.command("web")
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), help="Another one each time if you name none; safer so."
)
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
@click.pass_obj
def web_command(app: App, port: int, opened: bool) -> None:
    """Open the page: day, week, month, and what is now.

    It is served on this computer alone, until Ctrl-C.

    \b
    hipsync web
    hipsync web --open
    """
    try:
        import uvicorn

        from hipsync.host.peer import is_strangers
        from hipsync.report.door import Door
        from hipsync.report.web import application
    except ImportError as error:
        raise ConfigError(f"`hipsync web` needs more ({error.name}): pip install 'hipsync[web]'") from error
    app.existing_store().close()
    app.config()
    with _listening(port) as listening:
        server = listening.getsockname()
        door = Door(time.monotonic)
        address = f"http://127.0.0.1:{server[1]}/?ticket="
        click.echo(
            f"Open {address}{door.ticket(TYPED_S)}\n"
            "It opens the page once, within 10 minutes, and is for you alone. Ctrl-C ends the page."
        )
        if opened:
            click.launch(f"{address}{door.ticket(OPENED_S)}")
        site = application(Site(app), server[1], door, lambda client: is_strangers(client, server), clears=port != 0)
        config = uvicorn.Config(
            site,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # else a stranger would say himself where he comes from
            timeout_graceful_shutdown=2,
            lifespan="off",
        )
        uvicorn.Server(config).run(sockets=[listening])


def _listening(port: int) -> socket.socket:
    """Return a socket that listens on this port of 127.0.0.1; 0 is any that is free. Raises `HipsyncError`."""
    listening = socket.socket()
    try:
        if sys.platform == "win32":  # there SO_REUSEADDR would let another program take the port away
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()  # a browser that opens the address at once waits, and is answered
    except OSError as error:
        listening.close()
        raise HipsyncError(f"port {port} cannot be used ({error.strerror}): give another with --port") from error
    return listening


class Site:
    """The port `hipsync.report.web.Backend` on the database, opened for each request because a service writes to it."""

    def __init__(self, app: App) -> None:
        self._app = app

    def page(self, span: str, when: str, token: str, said: str) -> str:
        from hipsync.cli.prompts import standing
        from hipsync.core.period import period_summary
        from hipsync.history.summaries import summarise_days
        from hipsync.report.page import page_html
        from hipsync.report.web import REFRESH_S, above
        from hipsync.text import clean

        app, now = self._app, self._app.now()
        with app.existing_store() as store:
            zones = app.zones(store)
            today = zones.date_of(now)
            days = days_of(span, when, today)
            shown = [day for day in days if day <= today] or days[:1]
            rule = app.rule()
            period = period_summary(summarise_days(store, rule, zones, shown, now))
            earlier = days_of(span, (days[0] - timedelta(days=1)).isoformat(), today)
            previous = None
            if span != "day":
                previous = period_summary(summarise_days(store, rule, zones, earlier[: len(shown)], now))
            later = days[-1] + timedelta(days=1)
            top = above(
                self._line(store),
                clean(said, LONGEST_MESSAGE),
                token,
                unanswered=standing(store, now) is not None,
                paused=store.pause(now) is not None,
                span=span,
                neighbours=(earlier[0].isoformat(), later.isoformat() if later <= today else ""),
            )
            learned = "" if span == "day" else _learned(app, store, zones)
            weeks = _weeks(app, store, zones, days[-1]) if span == "month" else ""
        refresh = f"{REFRESH_S}; url=../{span}/today" if today in days else ""
        return page_html(period, now, previous=previous, learned=learned, weeks=weeks, above=top, refresh=refresh)

    def _line(self, store: Store) -> str:
        """Return what `hipsync status` says first."""
        from hipsync.cli.status import now_at
        from hipsync.service.status_text import sentences

        return sentences(now_at(self._app, store))[0]

    def act(self, what: str) -> str:
        from hipsync.cli.prompts import NO_OPEN_REMINDER, notify_service, pause_end, standing
        from hipsync.model import Answer, Pause
        from hipsync.service.answers import answer_prompt

        app, now = self._app, self._app.now()
        answers = {"done": Answer.DONE, "snooze": Answer.SNOOZED, "skip": Answer.SKIPPED, "standing": Answer.STANDING}
        with app.existing_store(to_write=True) as store:
            zones = app.zones(store)
            if what in answers:
                prompt = standing(store, now)
                if prompt is None:
                    raise ConfigError(NO_OPEN_REMINDER)
                answer_prompt(store, prompt, answers[what], now, app.config().snooze)
                outcome = f"{prompt.exercise}: {answers[what].value}."
            elif what in {"pause", "resume"}:
                until = pause_end((), now, zones) if what == "pause" else now
                store.add_pause(Pause(now, until))
                outcome = f"Paused until {zones.local(until):%H:%M}." if what == "pause" else "Reminders come again."
            else:
                raise ConfigError(f"there is no {what!r} to do")
            notify_service(store)
        return outcome


def _learned(app: App, store: Store, zones: Zones) -> str:
    """Return what was learned of reminders up to now, as a section of the page."""
    from hipsync.history.learned import learned_by
    from hipsync.report.page.learned import learned_section

    config = app.config()
    return learned_section(learned_by(store, config.rule, zones, app.now()), adapts=config.adapt)


def _weeks(app: App, store: Store, zones: Zones, last: date) -> str:
    """Return how the weeks up to this day went, as a section of the page."""
    from hipsync.history.weeks import weeks_until
    from hipsync.report.page.weeks import weeks_section

    return weeks_section(weeks_until(store, app.rule(), zones, last, app.now()))


def days_of(span: str, when: str, today: date) -> Sequence[date]:
    """Return the days meant by the words `when`; `span` is "day", "week" or "month". Raises `ConfigError`."""
    from hipsync.cli.dates import day_of, month_of, week_of

    return [day_of(when, today)] if span == "day" else (week_of if span == "week" else month_of)(when, today)
