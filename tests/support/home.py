"""What is known at noon of somebody who sits, for tests of what the home is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.summary import DaySummary
from hipsync.history.summaries import summarise
from hipsync.model import Band, Pause, Prompt
from hipsync.service.now import Now, now_of
from hipsync.service.state import Families, State, settings_of, state_of
from hipsync.settings.config import Config
from hipsync.store import Store
from support.builders import MONDAY, day

NOON = MONDAY + timedelta(hours=12)
LONDON = settings_of(Config(), "Europe/London")


class AtNoon(NamedTuple):
    """What the service knows then."""

    state: State
    now: Now
    today: DaySummary
    band: Band


def at_noon(
    drawing: str = "7h sleep, 4h walk 20, 10m walk, 50m sit",
    *,
    at: datetime = NOON,
    prompt: Prompt | None = None,
    pause: Pause | None = None,
    zone: str = "Europe/London",
) -> AtNoon:
    """What is known at an instant of a Monday in winter, in this zone, that was as drawn from midnight of UTC on."""
    settings = replace(LONDON, host_zone=zone)
    with Store.in_memory() as store:
        band = store.add_band(name="band", driver="huami", address="C0:00", now=MONDAY, vouches=True)
        if drawing:
            store.append(band.id, day(drawing))
        store.note_zone(MONDAY, zone)
        if prompt is not None:
            store.add_prompt(prompt)
        if pause is not None:
            store.add_pause(pause)
        state = state_of(store, settings, at, Families())
        today = summarise(store, settings.rule, state.zones, state.zones.date_of(at), at)
        return AtNoon(state, now_of(state, at, running=True), today, band)
