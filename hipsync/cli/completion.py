"""What the Tab key offers for words that only this computer knows: its bands, its plans, and the kinds of bands.

A shell calls this while somebody types. So nothing here fails, writes a file or takes long.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.errors import HipsyncError

if TYPE_CHECKING:
    from hipsync.store import Store

PLAIN = re.compile(r"[^\W_][\w .:@%+-]*")
"""A name that a shell reads as words and nothing else. bash puts what is offered into the line as it stands, so a name
such as `$(reboot)`, which a stranger's band may advertise, would be run by whoever presses Tab and Enter."""


def band_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's
    """Return the names of bands that begin with what was typed; none if the database cannot be read.

    Names that are not `PLAIN` are left out.
    """
    names = _read(ctx, lambda store: [band.name for band in store.bands()])
    return [name for name in names if PLAIN.fullmatch(name) and name.startswith(incomplete)]


def plan_numbers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's
    """Return the numbers of plans that begin with what was typed; none if the database cannot be read."""
    numbers = _read(ctx, lambda store: [str(plan.number) for plan in store.plans()])
    return [number for number in numbers if number.startswith(incomplete)]


def _read(ctx: click.Context, words: Callable[[Store], list[str]]) -> list[str]:
    """Return words of the database that the options name; none if it cannot be read, or there is none."""
    app = App()
    given = ctx.find_root().params.get("db")
    app.db_path = given if isinstance(given, Path) else None
    try:
        store = app.read_store()
        if store is None:
            return []
        with store:
            return words(store)
    except HipsyncError:
        return []


def kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's
    """Return the keys of drivers that begin with what was typed. No driver is imported for it."""
    from hipsync.registry import kinds as installed_kinds

    return [kind for kind in installed_kinds() if kind.startswith(incomplete)]
