"""Gathers what the home is told: what the service knows already, and what the store has of the day and the bands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hipsync.history.summaries import summarise
from hipsync.home.discovery import Announced
from hipsync.home.messages import Known, band_state, known_of, pressing, state_message
from hipsync.service.now import Now
from hipsync.service.state import State
from hipsync.store import Store
from hipsync.text import Json, clean
from hipsync.together.topics import band_key


class Told(NamedTuple):
    """What is told at one instant."""

    state: Mapping[str, Json]
    bands: Mapping[Announced, Mapping[str, Json]]


class Telling:
    """Keeps what the service knew last, and makes messages of it when they are sent."""

    def __init__(self, store: Store, families: Mapping[str, str]) -> None:
        """`families` are what people call the families of bands, by the keys of their drivers."""
        self._store, self._families = store, families
        self._last: tuple[State, Known] | None = None

    def note(self, state: State, now: Now) -> None:
        """Note what the service knows now."""
        self._last = state, known_of(state, now)

    def pressing(self) -> tuple[Json, ...] | None:
        """What of it cannot wait; None if nothing is known yet."""
        return None if self._last is None else pressing(self._last[1])

    def told(self, host: str) -> Told | None:
        """What is told now, by this host; None if nothing is known yet. Raises `StoreError`."""
        if self._last is None:
            return None
        state, known = self._last
        at, zones = known.now.at, state.zones
        today = summarise(self._store, state.settings.rule, zones, zones.date_of(at), at)
        bands = {
            self._announced(each.band.name, each.band.driver, band_key(each.band)): band_state(
                each, self._store.newest_charge(each.band.id, now=at), zones
            )
            for each in state.contacts
        }
        return Told(state_message(known, today, host), bands)

    def _announced(self, name: str, driver: str, key: str) -> Announced:
        return Announced(key, clean(name) or driver, self._families.get(driver, driver))
