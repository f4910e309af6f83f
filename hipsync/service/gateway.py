"""A gateway: contacts the bands of many wearers now and then, and judges nothing of what they send.

It is given no place to show anything, and nothing that asks what a wearer does at this computer: what cannot be done
need not be forbidden. Bands that keep nothing are stayed connected to, as `live` does it.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from hipsync.errors import StoreError
from hipsync.model import Band
from hipsync.service.collecting import Collecting
from hipsync.service.contact import Visits
from hipsync.service.plan import collect_at
from hipsync.service.state import Contacts

AT_ONCE = 4
"""How many bands are contacted at the same time, beside those that are stayed connected to. An adapter holds some seven
connections; and a visit that had to wait for fifty others would not end in time."""
WITHIN = timedelta(seconds=90)
"""How long a wake waits for one of its contacts to end. Those that take longer go on in their own tasks."""


class Gateway(Collecting):
    """Contacts bands when they are due, a few at a time."""

    judges = False
    _begun: tuple[Visits, ...] = ()
    """The visits whose end was not looked at yet, each by itself."""

    def look(self, now: datetime) -> tuple[datetime, None]:
        """When to wake next, by what is known at `now`; nothing is judged. Raises `StoreError`."""
        self.connector.retry_new_keys()
        instants = [self._due(each, now) for each in self.contacts(now) if not each.live]
        return max(now, min(instants, default=now + self.settings.at_least_every)), None

    def planned(self, band: Band, now: datetime) -> tuple[Contacts, datetime] | None:
        contacts = next((each for each in self.contacts(now) if each.band.id == band.id), None)
        return None if contacts is None else (contacts, self._due(contacts, now))

    async def wake(self, now: datetime) -> None:
        """Contact bands that are due, the one that has waited longest first, and return when one contact has ended.

        A band that fails, or whose driver does, is logged and tried again later. The next wake contacts the others.
        Raises `StoreError` if a contact did, after which nothing is lost. A band that shows that it stores no minutes
        is stayed with from then on, so call `leave` at the end.
        """
        self.store.note_zone(now, self.settings.host_zone, self.settings.host, in_use=False)
        due = sorted((self._due(each, now), each.band.id, each) for each in self.contacts(now) if not each.live)
        room = max(AT_ONCE - len(self.connector.visits()), 0)
        for at, _, contacts in due[:room]:
            if at <= now:
                self._begin(contacts)
        if under_way := self.connector.visits():
            await asyncio.wait(under_way, timeout=WITHIN.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        self._look_at_ended()

    def _due(self, contacts: Contacts, now: datetime) -> datetime:
        return collect_at(contacts, self.settings.at_least_every, now)

    def _begin(self, contacts: Contacts) -> None:
        visits = Visits()
        visits.release.set()  # nothing is to be shown: it disconnects when it has fetched everything
        self._begun = (*self._begun, visits)
        self.connector.visit(contacts, visits)

    def _look_at_ended(self) -> None:
        ended = [each for each in self._begun if not each.fetching]
        self._begun = tuple(each for each in self._begun if each.fetching)
        self.live.attend()  # a band may have shown that it keeps nothing
        failures: list[StoreError] = [each.failure for each in ended if each.failure is not None]
        if failures:
            raise failures[0]
