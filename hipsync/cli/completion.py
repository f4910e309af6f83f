"""What the Tab key offers for words that only this computer knows: its bands, and the kinds of bands with a driver.

A shell calls this while somebody types. So nothing here fails, writes a file or takes long.
"""

from __future__ import annotations

import re
from pathlib import Path

import click

from hipsync.cli.app import App
from hipsync.errors import HipsyncError

PLAIN = re.compile(r"[^\W_][\w .:@%+-]*")
"""A name that a shell reads as words and nothing else. bash puts what is offered into the line as it stands, so a name
such as `$(reboot)`, which a stranger's band may advertise, would be run by whoever presses Tab and Enter."""


def band_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's
    """Return the names of bands that begin with what was typed; none if the database cannot be read.

    Names that are not `PLAIN` are left out.
    """
    app = App()
    given = ctx.find_root().params.get("db")
    app.db_path = given if isinstance(given, Path) else None
    try:
        store = app.read_store()
        if store is None:
            return []
        with store:
            names = [band.name for band in store.bands() if PLAIN.fullmatch(band.name)]
            return [name for name in names if name.startswith(incomplete)]
    except HipsyncError:
        return []


def kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's
    """Return the keys of drivers that begin with what was typed. No driver is imported for it."""
    from hipsync.registry import kinds as installed_kinds

    return [kind for kind in installed_kinds() if kind.startswith(incomplete)]
