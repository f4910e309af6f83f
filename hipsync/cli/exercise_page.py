"""`exercise --page`: the guided exercise in the browser, on a page of its own that is served until it is closed.

The button "Show me" of a notice starts this command too. Everything it needs is in the standard library.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import click

from hipsync.cli.app import App
from hipsync.core.exercises import Move
from hipsync.errors import ConfigError
from hipsync.report.page.document import Served

TYPED_S, OPENED_S = 600, 60
"""Seconds for which a ticket works: one that the person opens, and one that is handed to the browser."""


def open_page(app: App, moves: Sequence[Move]) -> None:
    """Serve the page with these exercises, the first one in view, and open it in the browser."""
    from hipsync.cli.listening import listening_at
    from hipsync.host.peer import is_strangers
    from hipsync.report.door import Door
    from hipsync.report.one_page import Server

    with listening_at(0) as socket:
        own = socket.getsockname()
        door = Door(time.monotonic)
        server = Server(_Exercises(app, moves), socket, door, lambda client: is_strangers(client, own))
        address = f"http://127.0.0.1:{own[1]}/?ticket="
        click.echo(
            f"Open {address}{door.ticket(TYPED_S)}\n"
            "It opens the page once, within 10 minutes, and is for you alone. It ends when you close the page."
        )
        click.launch(f"{address}{door.ticket(OPENED_S)}")
        server.serve()


class _Exercises:
    """The port `hipsync.report.one_page.OnePage`."""

    def __init__(self, app: App, moves: Sequence[Move]) -> None:
        self._app, self._moves = app, moves

    def page(self, served: Served) -> str:
        from hipsync.report.page.exercise import exercises_html

        return exercises_html(self._moves, served=served)

    def act(self, what: str, form: Mapping[str, str]) -> str:
        if what != "exercised":
            raise ConfigError(f"there is no {what!r} to do")
        return exercised(self._app, self._moves, form)


def exercised(app: App, moves: Sequence[Move], form: Mapping[str, str]) -> str:
    """Store the exercise that a page says was done, and return what came of it, in a line. Raises `HipsyncError`."""
    from hipsync.cli.exercised import store_exercise
    from hipsync.cli.prompts import advice_after_pain

    move = next((move for move in moves if move.name == form.get("name")), None)
    if move is None:
        raise ConfigError("there is no such exercise")
    hurt = form.get("hurt") == "yes"
    store_exercise(app, move.name, hurt=hurt)
    name = f"{move.title[:1].lower()}{move.title[1:]}"
    return " ".join(advice_after_pain(app, name).split("\n")) if hurt else f"Saved: {name}."
