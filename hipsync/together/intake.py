"""Takes in what the wearer's other computers tell, one part after the other, in a thread.

The store is locked for some hundredths of a second at a time: a part is a day at most. What cannot be right is refused
with one line in the log for ten minutes, however much of it comes. The one rule: what a broker says can delete nothing
here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256

from hipsync.ending import in_thread
from hipsync.errors import HipsyncError, InputError
from hipsync.formats.shared import (
    Received,
    digest_of,
    received_band_day,
    received_lasting,
    received_wearer_day,
    unpacked,
)
from hipsync.model import Band
from hipsync.store import Store
from hipsync.store.identities import mark_of
from hipsync.together.held import Held
from hipsync.together.topics import Kind, Part, Topics

log = logging.getLogger(__name__)

MOST_HOSTS = 10
"""The most computers of one wearer that are believed in: anybody who may write there can name a thousand."""
MOST_BANDS = 50
"""The most bands in the store up to which another computer may add one."""
MOST_WAITING = 2000
"""The most parts that wait to be taken in."""
MOST_KNOWN = 10_000
"""The most payloads that are known to have been taken in."""
TOLD_AGAIN_S = 600.0
"""Seconds after which it is said again of a host that what it tells is refused; those of which nothing was ever taken
in count as one."""


class Intake:
    """What was heard and is taken in, and what that says of removed bands."""

    def __init__(self, store: Store, topics: Topics, now: Callable[[], datetime], passed: Callable[[], float]) -> None:
        """`now` and `passed` are as in `Clock`."""
        self._store, self._topics, self._now, self._passed = store, topics, now, passed
        self.held = Held(topics.host)
        self._waiting: dict[Part, bytes] = {}
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._hosts: set[str] = set()
        self._known: dict[Part, tuple[bytes, str]] = {}
        """The payload of each part that was taken in whole last, as a digest of its bytes, and that of what it says."""
        self._told_s: dict[str, float] = {}
        self._removals: dict[str, Mapping[str, datetime]] = {}
        """By host, when bands were removed with their data there, by their marks."""
        self.is_whole = True
        """Whether all that was heard was taken in; if not, all that the channel keeps is to be asked for again."""

    def put(self, part: Part, payload: bytes) -> None:
        """Let a part wait to be taken in; of one part the last payload counts."""
        if part.host not in self._hosts and len(self._hosts) >= MOST_HOSTS:
            return
        if len(self._waiting) < MOST_WAITING or part in self._waiting:
            self._waiting[part] = payload
            self._is_empty.clear()
        else:
            self.is_whole = False

    def begin_anew(self) -> None:
        """Take in again whatever comes: an older copy may have taken the place of the store since it came last."""
        self._known, self.is_whole = {}, True

    def forget_held(self) -> None:
        """Forget what the channel holds: another connection may lead to one that lost it."""
        self.held = Held(self._topics.host)

    async def take_next(self) -> bool | None:
        """Take in one part, and return whether anything changed in the store; None if nothing waits."""
        if not self._waiting:
            self._is_empty.set()
            return None
        part = next(iter(self._waiting))
        payload = self._waiting.pop(part)
        if not payload:
            self.held.note(part, None)
            return False
        bytes_digest = sha256(payload).digest()
        known, digest = self._known.get(part, (b"", ""))
        if known == bytes_digest:
            self.held.note(part, digest)
            return False
        try:
            digest, changed = await in_thread(lambda: self._take(part, payload))
        except InputError as error:
            self.held.note(part, None)
            self._say(part.host, f"{self._topics.part_topic(part)} is not taken: {error}")
            return False
        except HipsyncError as error:  # the store is locked or full: the service meets and reports it
            log.debug("what %s sent is not stored yet: %s", part.host, error)
            self.is_whole = False
            return False
        self._hosts.add(part.host)  # not before: nobody takes another's place by garbage
        if digest:
            self.held.note(part, digest)
            self._known = {} if len(self._known) >= MOST_KNOWN else self._known
            self._known[part] = bytes_digest, digest
        return changed > 0

    async def until_taken(self) -> None:
        """Wait until nothing waits to be taken in."""
        await self._is_empty.wait()

    def removed(self) -> list[tuple[Band, datetime]]:
        """The bands that are here and were removed with their data on another computer, and when. Raises `StoreError`.

        They stay until their wearer removes them here, too, and nothing of them is told.
        """
        marks: dict[str, datetime] = {}
        for removals in self._removals.values():
            marks |= {mark: max(at, marks.get(mark, at)) for mark, at in removals.items()}
        bands = self._store.bands() if marks else []  # it is asked each second
        found = ((band, marks.get(mark_of(band.driver, band.identity))) for band in bands)
        return [(band, at) for band, at in found if at is not None and band.added <= at]

    def _take(self, part: Part, payload: bytes) -> tuple[str, int]:
        """Take in a part, and return the digest of what it says, and how many rows changed anything.

        The digest is empty where rows were left out, so that the part is looked at again. Raises `InputError`, and
        `StoreError`.
        """
        if part.host == self._topics.host:
            return digest_of(unpacked(payload)), 0
        received = self._received(part, payload)
        with received.archive as archive:
            if part.kind is Kind.LASTS:
                self._removals[part.host] = archive.removals()
            changed = archive.take(self._store, MOST_BANDS)
        if not received.left_out:
            return received.digest, changed
        self.is_whole = False
        self._say(part.host, f"{received.left_out} rows of it lie in the future: one of the two clocks is wrong")
        return "", changed

    def _received(self, part: Part, payload: bytes) -> Received:
        now = self._now()
        if part.day is None:
            return received_lasting(payload, now)
        if part.kind is Kind.SAID:
            return received_wearer_day(payload, part.day, now)
        return received_band_day(payload, part.day, now)

    def _say(self, host: str, why: str) -> None:
        among = host if host in self._hosts else ""
        passed, before = self._passed(), self._told_s.get(among)
        is_new = before is None or passed - before >= TOLD_AGAIN_S
        if is_new:
            self._told_s[among] = passed
        log.log(logging.WARNING if is_new else logging.DEBUG, "what the computer %s sends: %s", host, why)
