"""`live`: one screen that stays: how long the wearer has sat, the day, an open reminder, and keys to answer it."""

from __future__ import annotations

import sys

import click

from hipsync.cli.app import App
from hipsync.errors import ConfigError


@click.command("live")
@click.pass_obj
def live_command(app: App) -> None:
    """One screen: how long you've sat, today, keys.

    \b
    hipsync live
    hipsync             the same, on a terminal
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("`hipsync live` is for a terminal: `hipsync status` says the same in lines")
    if not is_installed():
        from hipsync.host.installed import with_extra

        raise ConfigError(f"the live screen needs an extra (textual): `{with_extra('live')}`")
    show(app)


def is_installed() -> bool:
    """Whether the library that draws the screen is there."""
    from importlib.util import find_spec

    return find_spec("textual") is not None


def show(app: App) -> None:
    """Show the screen until the person leaves it. Raises `HipsyncError` if there is nothing that could be shown."""
    from hipsync.cli.live_screen import Live, look_at

    Live(app, look_at(app, 0)).run()
