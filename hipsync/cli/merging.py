"""What a person is asked and told when all that another computer holds is merged with what is here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.cli.saying import say
from hipsync.errors import ConfigError
from hipsync.text import counted

if TYPE_CHECKING:
    from hipsync.formats.archive import Archive
    from hipsync.store import Store


def remove_forgotten(app: App, store: Store, archives: Sequence[Archive], *, yes: bool) -> None:
    """Remove the bands, with their data, that were removed on the computers that archives come from.

    A person is asked first, unless they said `yes`. Raises `ConfigError` where nobody can be asked, `click.Abort` if
    they refuse, `InputError` if an archive cannot be merged, and `StoreError`.
    """
    from hipsync.formats.archive import heed_each_other

    heed_each_other(archives)
    found = sorted((each for archive in archives for each in archive.to_remove(store)), key=lambda each: each[1])
    removed = {band.id: (band, at) for band, at in found}.values()
    if not removed:
        return
    names = ", ".join(repr(band.name) for band, _ in removed)
    one = len(removed) == 1
    removed_with, it = ("was removed with its data", "it") if one else ("were removed with their data", "them")
    if not yes:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ConfigError(
                f"{names} {removed_with} on the other computer, and would be here: give --yes to "
                "`hipsync import json` or `hipsync db merge`"
            )
        click.confirm(f"{names} {removed_with} there. Remove {it} here, too?", abort=True)
    keys = app.keys()
    keys.check()
    for band, at in removed:
        keys.forget(band)
        store.forget(band.id, at, with_data=True)  # as there, so that a band that was paired again since comes along
        say(f"{band.name!r} is removed with its data.")


def say_more(store: Store, archive: Archive) -> None:
    """Say how much was new beside minutes, and which bands were removed, so that nothing of them was taken."""
    if archive.changed:
        are = "is" if archive.changed == 1 else "are"
        say(f"{counted(archive.changed, 'other entry', 'other entries')}, such as reminders, {are} new.")
    for name in archive.left_out(store):
        say(f"Left out: {name!r}, which was removed with its data.")
