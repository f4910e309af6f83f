"""What a band itself has shown that it can do decides how it is contacted, whatever the rest of its family can do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from hipsync.abilities import Abilities
from hipsync.core.policy import Busy
from hipsync.core.prompting import Due
from hipsync.core.speaking import Here
from hipsync.driver import Driver
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE
from hipsync.service.plan import contact_at
from hipsync.service.state import Families, Running, families_of, state_of
from hipsync.store import Store
from hipsync.testing.direct import run
from hipsync_devices.garmin import DRIVER as GARMIN
from hipsync_devices.garmin import fit
from hipsync_devices.garmin.sim import GarminWatch
from support.builders import day
from support.handles_band import DRIVER as HANDLES
from support.handles_band import HandlesBand
from support.world import HOUR, KEY, NINE, SETTINGS, UTC_ZONE, World, world_after

WATCH = "garmin"


def watch_after(story: Callable[[World], Awaitable[None]], drawing: str) -> World:
    """The world after the story of one Garmin watch, whose connection is let go of."""
    watch = GarminWatch([*day(drawing, NINE)], now=NINE, zone=UTC_ZONE, secret=KEY)
    return world_after(story, {WATCH: GARMIN}, **{WATCH: watch})


def test_a_watch_whose_stored_minutes_cannot_be_read_is_stayed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its family stores minutes, so it is contacted as one that does, until it has shown that it gives none."""
    monkeypatch.setattr(fit, "is_available", lambda: False)
    world = watch_after(lambda world: world.run_until(NINE + 80 * MINUTE), "5m walk 100, 90m sit")
    (band,) = world.store.bands()
    assert band.abilities == Abilities(live=True, buzz=True, text=True, answers=True, battery=True)
    assert [65 <= minute <= 68 for minute, _ in world.said] == [True]
    assert len(world.wrist.calls) == 2, "the contact that showed it, and the one that stays"
    assert len(world.counters()) >= 60


def test_a_watch_whose_stored_minutes_can_be_read_again_is_let_go_and_asked_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fit, "is_available", lambda: False)

    async def story(world: World) -> None:
        await world.run_until(NINE + 30 * MINUTE)
        monkeypatch.undo()
        world.wrist.open[WATCH].drop()
        await world.run_until(NINE + 90 * MINUTE)
        assert world.wrist.open == {}

    world = watch_after(story, "5m walk 100, 120m sit")
    (band,) = world.store.bands()
    assert band.abilities is not None
    assert band.abilities.history == MINUTE
    assert len(world.store.epochs(band.id, NINE, NINE + HOUR)) >= 30


def test_a_band_that_was_forgotten_to_be_live_is_known_again_without_a_connection() -> None:
    families = Families(live={"colmi"}, mute={"colmi"})
    with Store.in_memory() as store:
        for kind, able in (("colmi", None), ("huami", None), ("colmi", Abilities(MINUTE, live=True, buzz=True)),
                           ("huami", Abilities(live=True))):  # fmt: skip
            band = store.add_band(name=f"{kind} {able}", driver=kind, address="C0", now=NINE)
            store.note_abilities(band.id, able, family=Abilities())
        found = [(each.live, each.nudges) for each in state_of(store, SETTINGS, NINE, families).contacts]
    assert found == [(True, False), (False, True), (False, True), (True, False)]


def test_what_its_driver_says_of_fetches_is_kept_for_a_band_that_stores_minutes_and_for_no_other() -> None:
    families = families_of({WATCH: GARMIN})
    with Store.in_memory() as store:
        for number, able in enumerate((None, Abilities(MINUTE, live=True), Abilities(live=True))):
            band = store.add_band(name=str(number), driver=WATCH, address="C0", now=NINE)
            store.note_abilities(band.id, able, family=Abilities())
        spacings = [each.spacing for each in state_of(store, SETTINGS, NINE, families).contacts]
    assert spacings == [GARMIN.spacing, GARMIN.spacing, None]
    assert GARMIN.spacing is not None
    assert GARMIN.spacing.least == 15 * MINUTE


@pytest.mark.parametrize(("buzzes", "asked"), [(True, True), (False, False)])
def test_a_band_that_cannot_vibrate_is_not_asked_for_a_reminder_that_only_a_band_may_show(
    buzzes: bool, asked: bool
) -> None:
    """In a call the notice waits, so only a band that vibrates would be of use now."""
    now = NINE + 70 * MINUTE
    here = Running(here=Here(busy=Busy.CALL))
    with Store.in_memory() as store:
        band = store.add_band(name="b", driver="any", address="C0", now=NINE, vouches=True, reports_wear=True).id
        store.note_abilities(band, Abilities(MINUTE, buzz=buzzes), family=Abilities())
        store.append(band, day("5m walk 100, 60m sit", NINE))
        store.note_sync(band, NINE + 65 * MINUTE, NINE + 65 * MINUTE, 65, None)
        state = state_of(store, SETTINGS, now, Families(), here)
        assert isinstance(state.expected, Due)
        (contacts,) = state.contacts
        assert (contact_at(contacts._replace(attempted=now - 11 * MINUTE), state, now) <= now) == asked


def test_a_band_tells_at_each_connection_what_it_can_do() -> None:
    """A band that has lost its motor, say by a new firmware, is not counted on any more."""

    async def lived(clock: FastClock) -> list[Abilities | None]:
        found: list[Abilities | None] = []
        band = HandlesBand([*day("60m walk 60", NINE)], now=NINE, zone=UTC_ZONE, secret=KEY)
        known: dict[str, Driver] = {"handles": HANDLES}
        world = World(clock, known=known, handles=band)
        (stored,) = world.store.bands()
        for _ in range(2):
            async with world.service.connector.talk(stored):
                found += [each.abilities for each in world.store.bands()]
            world.store.note_abilities(stored.id, Abilities(HOUR), family=Abilities())
        await world.service.leave()
        return found

    found = run(lived, NINE)
    assert found == [Abilities(live=True, buzz=True, battery=True)] * 2
