"""`web`: serve the page, live, to a browser on this computer.

`hipsync.report.web` is the site and guards it; this module says what the site shows, and what its buttons do.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.errors import ConfigError, HipsyncError

if TYPE_CHECKING:
    from hipsync.store import Store

PORT = 4690
LONGEST_MESSAGE = 200
"""The most characters of a message on the page."""


@click.command("web")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
@click.pass_obj
def web_command(app: App, port: int, opened: bool) -> None:
    """Show the page live on this computer: day, week, month, and what is now. Ctrl-C ends it.

    \b
    hipsync web
    hipsync web --port 0 --open
    """
    try:
        import uvicorn

        from hipsync.report.web import application
    except ImportError as error:
        raise ConfigError(f"`hipsync web` needs more ({error.name}): pip install 'hipsync[web]'") from error
    app.existing_store().close()
    app.config()
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
            listening.listen()  # a browser that opens the address at once waits, and is answered
        except OSError as error:
            raise HipsyncError(f"port {port} cannot be used ({error.strerror}): give another with --port") from error
        port, secret = listening.getsockname()[1], secrets.token_urlsafe(24)
        address = f"http://127.0.0.1:{port}/?token={secret}"
        click.echo(f"Open {address}\nIt is for you alone: who has this address sees your data. Ctrl-C ends it.")
        if opened:
            click.launch(address)
        site = application(Site(app), port, secret)
        config = uvicorn.Config(
            site, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=2, lifespan="off"
        )
        uvicorn.Server(config).run(sockets=[listening])


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
        refresh = f"{REFRESH_S}; url=/{span}/today" if today in days else ""
        return page_html(period, now, previous=previous, above=top, refresh=refresh)

    def _line(self, store: Store) -> str:
        """Return the line of `hipsync status --line`, from a running service if there is one."""
        from hipsync.service.control_client import ask
        from hipsync.service.plan import state_of
        from hipsync.service.status_text import status_line
        from hipsync.text import clean

        app = self._app
        try:
            answer = ask(app.database, {"do": "line"}, 0.5)
        except HipsyncError:
            answer = None
        if answer is not None:
            return clean(str(answer.get("line")), LONGEST_MESSAGE)
        now = app.now()
        return status_line(state_of(store, app.settings(), now, frozenset()), now)

    def act(self, what: str) -> str:
        from hipsync.cli.prompts import notify_service, pause_end, standing
        from hipsync.model import Answer, Pause
        from hipsync.service.answers import answer_prompt

        app, now = self._app, self._app.now()
        answers = {"done": Answer.DONE, "snooze": Answer.SNOOZED, "skip": Answer.SKIPPED}
        with app.existing_store(to_write=True) as store:
            zones = app.zones(store)
            if what in answers:
                prompt = standing(store, now)
                if prompt is None:
                    raise ConfigError("no prompt stands that could be answered")
                answer_prompt(store, prompt, answers[what], now, app.config().snooze)
                outcome = f"{prompt.exercise}: {answers[what].value}."
            elif what in {"pause", "resume"}:
                until = pause_end((), now, zones) if what == "pause" else now
                store.add_pause(Pause(now, until))
                outcome = f"Paused until {zones.local(until):%H:%M}." if what == "pause" else "Prompts come again."
            else:
                raise ConfigError(f"there is no {what!r} to do")
            notify_service(store)
        return outcome


def days_of(span: str, when: str, today: date) -> Sequence[date]:
    """Return the days meant by the words `when`; `span` is "day", "week" or "month". Raises `ConfigError`."""
    from hipsync.cli.dates import day_of, month_of, week_of

    return [day_of(when, today)] if span == "day" else (week_of if span == "week" else month_of)(when, today)
