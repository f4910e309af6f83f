"""What the store knows of each band that decides whether something is wrong with it.

`hipsync.core.band_troubles` judges these facts; the service and `hipsync status` read them here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hipsync.core.band_troubles import CHARGED_PERCENT, BandFacts
from hipsync.core.days import BEGINNING_OF_TIME
from hipsync.instants import is_believed
from hipsync.model import Counter, Epoch, Trouble, Wear
from hipsync.service.state import LastTry

if TYPE_CHECKING:
    from hipsync.service.state import Contacts
    from hipsync.store import Store


def facts_of(store: Store, contacts: Sequence[Contacts], now: datetime) -> list[BandFacts]:
    """The facts about each of these bands from which its troubles are judged at `now`. Raises `StoreError`.

    A band that was added by a clock that was ahead, and has sent nothing, counts as added when it was first tried in
    vain.
    """
    found: list[BandFacts] = []
    for each in contacts:
        band, since = each.band, store.since(each.band.id, now=now)
        marks = [at for kind, at in since.items() if kind in {Epoch, Counter, Wear}]
        if is_believed(band.added, now):
            marks.append(band.added)
        newest = max(marks, default=None) or store.in_vain_since(band.id, BEGINNING_OF_TIME, now=now) or now
        remarked = store.remarked(band.id, now=now)
        low = remarked.get(Trouble.BATTERY)
        found.append(
            BandFacts(
                band=band.id,
                name=band.name,
                newest=newest,
                in_vain=store.in_vain_since(band.id, newest, now=now),
                charge=store.newest_charge(band.id, now=now),
                recharged=low is not None and store.charged(band.id, low, CHARGED_PERCENT, now=now),
                refused=each.last_try is LastTry.REFUSED,
                reached=each.reached,
                remarked=remarked,
            )
        )
    return found
