"""`desk`: whether the user sits or stands at this computer now; the setting `sitting.desk` says what is usual.

Whoever stands at the keyboard for an hour says so, so that typing waives no steps in that time. The command writes that
into the database and lets a running service look there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.cli.prompts import notify_service, pause_end
from hipsync.cli.saying import say
from hipsync.errors import ConfigError
from hipsync.model import MINUTE, Desk, DeskTime

if TYPE_CHECKING:
    from datetime import datetime

    from hipsync.store import Store


@click.command("desk")
@click.argument("words", nargs=-1, metavar="[standing [for 1h | until 14:00] | sitting]")
@click.pass_obj
def desk_command(app: App, words: tuple[str, ...]) -> None:
    """Say that you stand at the computer for a while.

    It is an hour if you do not say how long; `sitting` ends it.

    \b
    hipsync desk                          how it is now
    hipsync desk standing
    hipsync desk standing for 2h
    hipsync desk standing until 14:00
    hipsync desk sitting

    While you sit and type, a few steps that a wrist counts end no sitting spell. While you stand they do.
    """
    usual = app.config().rule.desk
    if usual is Desk.OFF:
        raise ConfigError('this computer is not asked whether it is used: sitting.desk is "off"')
    match [word.lower() for word in words]:
        case []:
            with app.existing_store() as store:
                say(_now_words(app, store, usual))
        case ["sitting"]:
            with app.existing_store(to_write=True) as store:
                _stand(store, app.now(), app.now())
                say(_now_words(app, store, usual))
        case ["standing", *rest]:
            with app.existing_store(to_write=True) as store:
                now = app.now()
                _stand(store, now, pause_end(rest[1:] if rest[:1] == ["for"] else rest, now, app.zones(store)))
                say(_now_words(app, store, usual))
        case _:
            raise ConfigError(f"{' '.join(words)!r} is neither standing nor sitting")


def _stand(store: Store, at: datetime, until: datetime) -> None:
    store.stand_at_desk(DeskTime(at, until))
    notify_service(store)


def _now_words(app: App, store: Store, usual: Desk) -> str:
    """The line that says how the user works now."""
    now = app.now()
    times = [time for time in store.desk_times(now, now + MINUTE) if time.at <= now]
    if times:
        until = app.zones(store).local(max(time.until for time in times))
        return f"At the desk: standing, until {until:%a %d %b %H:%M}; `hipsync desk sitting` ends it sooner."
    return f"At the desk: {usual.value} (sitting.desk)."
