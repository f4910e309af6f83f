"""The rule that a spoilt transfer is made good: what was whole is kept, nothing is doubled, and the rest comes later.

A radio loses no single packet of an open link, but systems that are busy drop notifications, and firmware repeats or
tears them. The one rule: after one more contact without a fault, what is stored is what a faultless contact stores.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Epoch
from hipsync.simulated import SimulatedBand
from hipsync.testing.case import NOON, Case
from hipsync.testing.direct import DirectConnection, MemoryStore, run

MOST_TRIED = 12
"""The most notifications of a conversation that are spoilt in turn; of longer ones some are left out."""
SHORT = timedelta(minutes=1)
"""The time between the contact with a fault and the one without."""

Fault = Callable[[bytes], Sequence[bytes]]
FAULTS: dict[str, Fault] = {
    "lost": lambda _: [],
    "doubled": lambda data: [data, data],
    "torn": lambda data: [data[: len(data) // 2]],
}
"""What arrives in place of one notification, by what it is called."""


def a_spoilt_transfer_is_made_good(case: Case) -> None:
    """If any one notification is lost, doubled or torn, the next contact has all epochs, and no step was doubled.

    A band that stores nothing has no transfer, and is not judged.
    """
    if case.driver.abilities.history is None:
        return
    usual, count = run(lambda clock: _fetched(case, case.band(), clock), NOON)
    for number in case.some(range(0, count, max(count // MOST_TRIED, 1))):
        for name, fault in FAULTS.items():
            came = run(partial(_twice, case, number=number, fault=fault), NOON)
            assert came == usual, f"notification {number} {name}: {_difference(usual, came)}"


Steps = dict[tuple[datetime, timedelta], int]


def _difference(usual: Steps, came: Steps) -> str:
    wrong = {key: (steps, came.get(key)) for key, steps in usual.items() if came.get(key) != steps}
    more = {key: steps for key, steps in came.items() if key not in usual}
    return f"{len(wrong)} epochs are missing or differ {list(wrong.items())[:2]}, {len(more)} are too many"


async def _twice(case: Case, clock: FastClock, number: int, fault: Fault) -> Steps:
    band, store = case.band(), MemoryStore()
    with contextlib.suppress(DeviceError):
        await _fetched(case, band, clock, store, number, fault)
    await clock.sleep_until(clock.now() + SHORT)
    steps, _ = await _fetched(case, band, clock, store)
    return steps


async def _fetched(
    case: Case,
    band: SimulatedBand,
    clock: FastClock,
    store: MemoryStore | None = None,
    number: int | None = None,
    fault: Fault = FAULTS["lost"],
) -> tuple[Steps, int]:
    """Fetch once, and return the steps of what is stored of the time up to `NOON`, and how many notifications came.

    The notification with this number, counted from 0, is spoilt. Raises `DeviceError`.
    """
    store = MemoryStore() if store is None else store
    connection = DirectConnection(band, clock.now)
    heard = 0

    def spoilt(data: bytes) -> Sequence[bytes]:
        nonlocal heard
        heard += 1
        return fault(data) if heard - 1 == number else [data]

    connection.spoil = spoilt
    talk, session = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now), case.session(band, store)
    try:
        async with dialogue(case.driver, talk, session, store.commit) as opened:
            await opened.fetch(store.commit)
    finally:
        connection.drop()
    best: Steps = {}
    for epoch in store.of(Epoch):
        if epoch.steps and epoch.end <= NOON:
            key = (epoch.start, epoch.length)
            best[key] = max(epoch.steps, best.get(key, 0))
    return best, heard
