"""What a rule of the kit is applied to: a driver, the simulator that makes its bands, and an office morning.

The one rule: the same case makes the same bands, so that a rule that fails once fails again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from hipsync.conversation.dialogue import OpenDialogue, dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Driver, Session
from hipsync.model import Epoch, Reading
from hipsync.office_day import office_days
from hipsync.simulated import SimulatedBand, Simulator
from hipsync.testing.direct import MemoryStore

T = TypeVar("T")

NOON = datetime(2026, 11, 20, 12, 0, 20, tzinfo=UTC)
"""The instant at which most rules connect to the band. It is on a Friday, and not on a full minute, because a real
connection hardly ever is."""
ADDRESS = "C0:00:00:00:00:01"
MORNING = timedelta(hours=4)
"""How much of the past the band has in its memory in most rules. More would only take longer."""
AHEAD = timedelta(hours=6)
"""How much of the future the wearer lives: longer than any rule goes on. More would only take longer."""
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
"""The key of every simulated band that needs one."""
DIGITS = 6
"""How many digits a band shows for its pairing."""
ENDS_WITHIN = timedelta(hours=2)
"""The virtual time within which a conversation must end, whatever the band sends."""
WATCHED_FOR = timedelta(minutes=45)
"""The virtual time for which a band that the service stays connected to is watched in each conversation."""


@cache
def _days(first: date, zone: ZoneInfo) -> Sequence[Epoch]:
    """Return three office days; rules make hundreds of bands with the same ones."""
    return office_days(first, 3, zone, seed=1)


@cache
def _life(now: datetime, zone: str, remembers: timedelta) -> Sequence[Epoch]:
    where = ZoneInfo(zone)
    days = _days(now.astimezone(where).date() - timedelta(days=1), where)
    return [epoch for epoch in days if now - remembers <= epoch.start < now + AHEAD]


@dataclass(slots=True)
class Case:
    """What a rule is applied to: a driver, and the simulator that makes its bands."""

    driver: Driver
    simulator: Simulator
    kept: MemoryStore = field(default_factory=MemoryStore)
    """An empty store in memory that the caller's own rules may use. The rules of this module do not touch it."""
    every: int = 1
    """A rule that tries many places in turn tries one in `every` of them; by default all."""
    offset: int = 0
    """The first place that is tried of so many; another one for each driver lets all kinds of places be tried."""

    def some(self, places: Sequence[T]) -> Sequence[T]:
        """Return the places that a rule tries: one in `every`, from number `offset % every` on."""
        return places[self.offset % self.every :: self.every] or places[:1]

    def band(self, now: datetime = NOON, zone: str = "UTC", remembers: timedelta = MORNING) -> SimulatedBand:
        """Create a simulated band on an office worker's wrist, with this much of the past in its memory.

        `zone` is the name of the wearer's time zone.
        """
        return self.band_of(self.life(now, zone, remembers), now, zone)

    def band_of(self, life: Sequence[Epoch], now: datetime = NOON, zone: str = "UTC") -> SimulatedBand:
        """Create a simulated band whose wearer lives this life."""
        where = ZoneInfo(zone)
        idle = self.simulator(life[:1], now=now, zone=where, secret=KEY)
        needs = self.driver.secret(idle.advertisement()) != "none"
        return self.simulator(life, now=now, zone=where, secret=KEY if needs else None)

    def life(self, now: datetime, zone: str, remembers: timedelta = MORNING) -> list[Epoch]:
        """Return the wearer's epochs, from `remembers` before `now` to `AHEAD` after it."""
        return list(_life(now, zone, remembers))

    def session(self, band: SimulatedBand, store: MemoryStore) -> Session:
        """Create the session that the service would create for a band, from what is in `store`.

        While nothing is stored of a band that was given no key, it is being paired.
        """
        advertisement = band.advertisement()
        needs = self.driver.secret(advertisement) != "none"
        since: dict[type[Reading], datetime] = {}
        for reading in store.readings:
            at = reading.end if isinstance(reading, Epoch) else reading.at
            since[type(reading)] = max(at, since.get(type(reading), at))
        return Session(
            name=advertisement.name or "",
            secret=KEY if needs and store.secret is None else store.secret,
            since=since,
            pairing=not needs and not store.batches,
            address=ADDRESS,
            keep=store.keep,
            passkey=partial(passkey_shown, band),
        )

    async def sync(
        self, conversation: Conversation, session: Session, store: MemoryStore, watched: timedelta = WATCHED_FOR
    ) -> None:
        """Log in and fetch what is new. A band that the service stays connected to is also watched, for `watched`.

        Raises `DeviceError`, and `TimeoutError` after `ENDS_WITHIN`.
        """
        async with (
            asyncio.timeout(ENDS_WITHIN.total_seconds()),
            dialogue(self.driver, conversation, session, store.commit) as talk,
        ):
            await talk.fetch(store.commit)
            if talk.held:
                await watched_for(talk, store, watched)


async def passkey_shown(band: SimulatedBand, _: timedelta) -> int | None:
    """Return the last six digits that a band has shown, as its wearer types them (`Session.passkey`); None for none."""
    shown = [each.text for each in band.shown if len(each.text) == DIGITS and each.text.isdecimal()]
    return int(shown[-1]) if shown else None


async def watched_for(talk: OpenDialogue, store: MemoryStore, length: timedelta) -> None:
    """Store what the band sends in the next time of this length, if it can be watched. Raises `DeviceError`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(length.total_seconds()):
            await talk.watch(store.commit)
