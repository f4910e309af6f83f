"""What a gateway erases because the owner of the fleet's database did, before it ships; and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hipsync.cli.app import App
from hipsync.cli.saying import say
from hipsync.text import counted

if TYPE_CHECKING:
    from hipsync.fleet.database import Database
    from hipsync.fleet.obeying import Obeyed
    from hipsync.model import Band
    from hipsync.store import Store


def obey_fleet(app: App, store: Store, database: Database) -> Obeyed:
    """Erase here what is erased there, and say it on standard error, with what the user has to see to.

    Raises `FleetError`, also if the clocks disagree, and `StoreError`.
    """
    from hipsync.fleet.obeying import obey
    from hipsync.fleet.shipping import refuse_apart

    refuse_apart(app.now(), database.ready())
    obeyed = obey(store, database, app.now(), lambda band: _forget_keys(app, band))
    if obeyed.erasures:
        where = f"{counted(obeyed.rows, 'row')} here, also in {counted(obeyed.backups, 'backup')}"
        say(f"Erased, because the owner of the fleet's database erased it there: {where}.", err=True)
    if obeyed.erasures and app.config().mqtt.host:
        say("Your broker may keep topics of it: `hipsync mqtt forget` takes back all.", err=True)
    if obeyed.kept:
        say(f"Not erased, delete yourself: {', '.join(map(str, obeyed.kept))}.", err=True)
    return obeyed


def _forget_keys(app: App, band: Band) -> None:
    """Delete what the computer keeps of a band beside its database: its key, and a bond that hipsync made."""
    from hipsync.cli.bands import drop_bond_of

    keys = app.keys()
    if band.address is not None and keys.kept(band.driver, band.address).bond:
        drop_bond_of(band.address)
    keys.forget(band)
