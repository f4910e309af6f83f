"""What the Tab key offers for words that only this machine knows: its bands, and the kinds that are installed.

A shell asks while somebody types, so that nothing here fails, writes or takes long.
"""

from __future__ import annotations

from pathlib import Path

import click

from hipsync.cli.app import App
from hipsync.errors import HipsyncError


def band_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's
    app = App()
    given = ctx.find_root().params.get("db")
    app.db_path = given if isinstance(given, Path) else None
    try:
        store = app.read_store()
        if store is None:
            return []
        with store:
            return [band.name for band in store.bands() if band.name.startswith(incomplete)]
    except HipsyncError:
        return []


def kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's
    from hipsync.registry import kinds as known

    return [kind for kind in known() if kind.startswith(incomplete)]
