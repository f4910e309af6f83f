"""`hipsync` without a command: the live screen on a terminal, three choices on a new machine, else a few lines."""

from __future__ import annotations

import sys

import click

from hipsync.cli.app import App, is_missing
from hipsync.cli.saying import say

CHOICES = """Welcome. hipsync reads your fitness band, and says when an hour of sitting calls for a hip exercise.

  1  Add my band            hipsync pair
  2  Show me a made-up day  hipsync demo
  3  Import a file          hipsync import --help
"""
NEXT = "Next: `hipsync today`, `hipsync exercise`; `hipsync --help` lists all commands."


def bare(ctx: click.Context, app: App) -> None:
    """Show what somebody wants who types `hipsync` and nothing more."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if is_missing(app.database):
        _choose(ctx, asks=terminal)
        return
    from hipsync.cli.live import is_installed, show

    app.look_after_database()
    if terminal and is_installed():
        show(app)
        return
    from hipsync.cli.status import status_command

    ctx.invoke(status_command)
    say(f"\n{NEXT}")


def _choose(ctx: click.Context, *, asks: bool) -> None:
    say(CHOICES)
    if not asks:
        return
    chosen = click.prompt("Which one?", type=click.Choice(["1", "2", "3", "q"]), default="q", show_default=False)
    match chosen:
        case "1":
            from hipsync.cli.pairing import pair_command

            ctx.invoke(pair_command)
        case "2":
            from hipsync.cli.run import demo_command

            ctx.invoke(demo_command)
        case "3":
            from hipsync.cli.importing import import_command

            with click.Context(import_command, info_name="hipsync import", parent=None) as inner:
                click.echo(import_command.get_help(inner))
        case _:
            pass
