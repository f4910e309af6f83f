"""`status --line`: a few words for a status bar, once or whenever they change.

A running service is asked, because it knows what is not in the database yet. Bars start the command every few seconds,
so it imports nothing that it does not need.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from hipsync.cli.app import App
from hipsync.errors import HipsyncError
from hipsync.text import Json, clean

if TYPE_CHECKING:
    from hipsync.service.now import Now
    from hipsync.store import Store

LONGEST_TEXT = 300
"""The most characters that are shown of what a service answers, and of why a band was not reached."""
ASK_EVERY_S, READ_EVERY_S = 5, 30
"""How many seconds pass between two looks while a service answers, and between two at the database."""


def line_of(app: App, *, as_json: bool) -> str:
    """Return what a status bar shows now. Raises `HipsyncError`."""
    return _written(_by_service(app) or _by_database(app), as_json=as_json)


def lines_of(app: App, *, as_json: bool, wait: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """Yield what a status bar shows, now and whenever it has changed, for ever. Raises `HipsyncError`.

    `wait` passes so many seconds between two looks: the process is there for the bar alone, and has nothing else to do.
    """
    before = None
    while True:
        answer = _by_service(app)
        line = _written(answer or _by_database(app), as_json=as_json)
        if line != before:
            yield line
            before = line
        wait(READ_EVERY_S if answer is None else ASK_EVERY_S)


def _written(shown: Mapping[str, Json], *, as_json: bool) -> str:
    return json.dumps(shown) if as_json else str(shown["text"])


def _by_database(app: App) -> Mapping[str, Json]:
    """Return what a status bar shows, from the database."""
    store = app.read_store()
    if store is None:
        return {"text": "no band", "tooltip": "No band yet.", "class": "off", "percentage": 0}
    from hipsync.service.status_text import bar

    with store:
        return {**bar(now_at(app, store))}


def _by_service(app: App) -> Mapping[str, Json] | None:
    """Return what a running service would show in a status bar; None if none runs, or it does not answer."""
    from hipsync.host.lock import running

    if not running(app.database):
        return None
    from hipsync.service.control_client import ask

    with contextlib.suppress(HipsyncError):
        match ask(app.database, {"do": "line"}, 0.5):
            case {"bar": {"text": str(text), "tooltip": str(tooltip), "class": str(style), "percentage": int(share)}}:
                words = [clean(line, LONGEST_TEXT) for line in tooltip.splitlines()]
                shown = {"text": clean(text, LONGEST_TEXT), "tooltip": "\n".join(words), "class": clean(style)}
                return {**shown, "percentage": share}
            case _:
                pass
    return None


def now_at(app: App, store: Store) -> Now:
    """Return what is known now, without importing a driver: a band counts as live if it has shown that itself.

    Raises `HipsyncError`.
    """
    from hipsync.host.lock import running
    from hipsync.service.now import now_of
    from hipsync.service.state import Families, state_of

    now = app.now()
    return now_of(state_of(store, app.settings(), now, Families()), now, running=running(app.database))
