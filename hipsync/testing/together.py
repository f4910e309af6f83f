"""The rules on what goes on at the same time over one connection: nothing disturbs anything else.

A simulated band that is `Complaining` counts what its client does wrong, and these rules read its count. The one rule:
the link is without a fault and slow, so that whatever is wrong is the driver's doing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

from hipsync.conversation.dialogue import OpenDialogue, dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Message
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Epoch
from hipsync.simulated import Complaining, SimulatedBand
from hipsync.testing.case import ENDS_WITHIN, NOON, Case, watched_for
from hipsync.testing.direct import DirectConnection, MemoryStore, run

A_WRITE_S = 0.02
"""Seconds that each write takes: a connection interval or two."""
DELAYS_S = (0.0, 0.03, 0.11, 0.25, 0.6, 1.5)
"""Seconds from the begin of a fetch or a watch to a nudge beside it."""
IDLE = timedelta(minutes=30)
"""How long a connection is held open on which nobody fetches, watches or nudges."""
TOGETHER = timedelta(minutes=10)
"""How long a band is watched while it is nudged."""
NUDGE = Message("Time to move", "Stand up and walk a few steps", asks=False)


class SlowConnection(DirectConnection):
    """A direct connection over which a write takes time, so that others may come between two of them."""

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        await asyncio.sleep(A_WRITE_S)
        await super().write(characteristic, data, response, service)


def nothing_is_answered_twice(case: Case) -> None:
    """A band that is fetched from, watched and nudged at once gets one answer to each question, one acknowledgement."""
    _check_together(case, "twice")


def a_message_is_never_interleaved(case: Case) -> None:
    """The parts of a message reach the band one after another, whatever else is sent and whoever is called off.

    And a fetch brings what it brings alone, and each nudge is noticed. A driver without a dialogue is nudged only
    while it watches a band that hipsync stays connected to, and no nudge is called off: hipsync does no more with it.
    """
    _check_together(case, "interleaved")


def _check_together(case: Case, what: Literal["twice", "interleaved"]) -> None:
    usual = run(lambda clock: _together(case, clock, None, what), NOON)
    for delay_s in case.some(DELAYS_S):
        came = run(partial(_together, case, delay_s=delay_s, what=what), NOON)
        assert came == usual, f"a nudge {delay_s:g} s after the begin: a fetch brings other epochs then"


async def _together(
    case: Case, clock: FastClock, delay_s: float | None, what: Literal["twice", "interleaved"]
) -> dict[tuple[datetime, timedelta], int]:
    """Fetch and then watch, each with three nudges beside it, of which the second one is called off on the way.

    Without `delay_s` there is no nudge. Returns the steps of what is stored of the time up to `NOON`.
    """
    band, store = case.band(), MemoryStore()
    connection = SlowConnection(band, clock.now)
    talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
    try:
        async with (
            asyncio.timeout(ENDS_WITHIN.total_seconds()),
            dialogue(case.driver, talk, case.session(band, store), store.commit) as opened,
        ):
            beside_fetch = delay_s if opened.begun is not None else None
            await _both(opened.fetch(store.commit), _nudged(opened, band, beside_fetch))
            if opened.begun is not None or opened.held:
                await _both(watched_for(opened, store, TOGETHER), _nudged(opened, band, delay_s))
    except DeviceError as error:
        raise AssertionError(f"a nudge {delay_s} s after the begin: {error}") from error
    finally:
        connection.drop()
    _check_no_complaint(band, what)
    return {(epoch.start, epoch.length): epoch.steps for epoch in store.of(Epoch) if epoch.end <= NOON}


async def _both(main: Coroutine[object, object, None], beside: Coroutine[object, object, None]) -> None:
    """Run two coroutines at once, to the end of both. If one fails, end the other one and raise what was raised."""
    works = [asyncio.ensure_future(main), asyncio.ensure_future(beside)]
    try:
        await asyncio.gather(*works)
    finally:
        for work in works:
            work.cancel()
        await asyncio.wait(works)


async def _nudged(opened: OpenDialogue, band: SimulatedBand, delay_s: float | None) -> None:
    if delay_s is None or not opened.can_nudge:
        return
    await asyncio.sleep(delay_s)
    for called_off in (False, opened.begun is not None, False):
        before, work = len(band.shown), asyncio.ensure_future(opened.nudge(NUDGE))
        if called_off:
            await asyncio.sleep(delay_s)
            work.cancel()
            await asyncio.wait({work})
        else:
            await work
            assert len(band.shown) > before, f"nobody felt a nudge {delay_s:g} s after the begin"


def a_band_that_asks_is_answered_in_time(case: Case) -> None:
    """A band is acknowledged and answered within its time-outs while nobody fetches or watches, and stays connected."""

    async def story(clock: FastClock) -> None:
        band, store = case.band(), MemoryStore()
        if not isinstance(band, Complaining):
            return
        connection = SlowConnection(band, clock.now)
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        try:
            async with dialogue(case.driver, talk, case.session(band, store), store.commit) as opened:
                await asyncio.sleep(IDLE.total_seconds())
                _check_no_complaint(band, "late", "twice")
                assert not connection.lost.is_set(), "the band gave up a connection on which nobody did anything"
                await opened.fetch(store.commit)
                await watched_for(opened, store, TOGETHER)
        except DeviceError as error:
            _check_no_complaint(band, "late", "twice")
            raise AssertionError(f"a connection to a band that asks ended, because {error}") from error
        finally:
            connection.drop()
        _check_no_complaint(band, "late", "twice")

    run(story, NOON)


def _check_no_complaint(band: SimulatedBand, *kinds: str) -> None:
    complaints: Sequence[str] = []
    if isinstance(band, Complaining):
        complaints = [f"{each.at:%H:%M:%S} {each.text}" for each in band.complaints if each.what in kinds]
    assert not complaints, f"{len(complaints)} times {' or '.join(kinds)}: {complaints[0]}"
