"""The rule on secrets that are born at a pairing: nobody is ever locked out of their band.

The band asks for a tap, hands something over, and from some step on lets in only whoever has that. If hipsync is killed
there, the next pairing must get in all the same. The one rule: what was kept is all that outlives a kill.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.simulated import SimulatedBand
from hipsync.testing.case import ENDS_WITHIN, NOON, Case
from hipsync.testing.direct import DirectConnection, MemoryStore, run


class Killed(BaseException):
    """Ends everything that a driver does, as the end of its process would."""


@dataclass
class Fate:
    """Counts what passes between hipsync and the band or the disk, and kills hipsync at one of these instants."""

    dies_at: int | None = None
    passed: int = 0

    def step(self) -> None:
        """Let one more thing happen. Raises `Killed` in its place if hipsync dies then, or is dead."""
        if self.dies_at is not None and self.passed >= self.dies_at:
            raise Killed
        self.passed += 1


class _Mortal(DirectConnection):
    """A direct connection whose end at hipsync dies when its fate says so."""

    def __init__(self, band: SimulatedBand, now: Callable[[], datetime], fate: Fate) -> None:
        super().__init__(band, now)
        self._fate = fate

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        self._fate.step()
        return await super().read(characteristic, service)

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        self._fate.step()
        await super().write(characteristic, data, response, service)


def a_secret_survives_a_kill_at_any_instant(case: Case) -> None:
    """If hipsync is killed in place of, before or after any write, read or keeping of a pairing, the next one gets in.

    After it, a session in which nobody is there to tap gets in too. A driver that keeps no secret is not judged.
    """
    whole, store = Fate(), MemoryStore()
    run(lambda clock: _paired(case, case.band(), clock, store, whole), NOON)
    if store.secret is None:
        return
    for instant in case.some(range(whole.passed + 1)):
        run(partial(_killed_and_paired, case, instant=instant), NOON)


async def _killed_and_paired(case: Case, clock: FastClock, instant: int) -> None:
    band, store = case.band(), MemoryStore()
    with contextlib.suppress(Killed):
        await _paired(case, band, clock, store, Fate(instant))
    store.batches.clear()  # nothing is stored before the driver has logged in
    try:
        await _paired(case, band, clock, store, Fate())
        session = case.session(band, store)
        assert session.secret is not None, "a pairing kept no secret, and its driver keeps one"
        await _met(case, DirectConnection(band, clock.now), clock, replace(session, pairing=False), store)
    except DeviceError as error:
        raise AssertionError(f"locked out after a kill at instant {instant} of the pairing: {error}") from error


async def _paired(case: Case, band: SimulatedBand, clock: FastClock, store: MemoryStore, fate: Fate) -> None:
    """Pair a band. Raises `DeviceError`, and `Killed`."""

    async def keep(secret: bytes) -> None:
        fate.step()  # before it is on disk
        await store.keep(secret)
        fate.step()  # after that

    session = replace(case.session(band, store), pairing=True, keep=keep)
    await _met(case, _Mortal(band, clock.now, fate), clock, session, store)


async def _met(
    case: Case, connection: DirectConnection, clock: FastClock, session: Session, store: MemoryStore
) -> None:
    talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
    try:
        async with (
            asyncio.timeout(ENDS_WITHIN.total_seconds()),
            dialogue(case.driver, talk, session, store.commit),
        ):
            pass
    finally:
        connection.drop()
