"""Stored minutes of the newer Huami generation: each round is acknowledged, to be kept or forgotten, and not before it
is stored.

The answers of the fetch control are those that `docs/protocols/huami.md` sections 6.6 and 6.9 give for a Mi Band 7.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import View
from hipsync.driver import Session
from hipsync.errors import NoReply, NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import Epoch, Reading
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.huami import DRIVER
from hipsync_devices.huami.packets import DATA, FETCH
from hipsync_devices.huami.sim_2021 import MiBand7
from support.builders import day

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
LIVED = day("40m sit, 10m walk, 50m sit", NOON - timedelta(minutes=100))
SECOND = timedelta(seconds=1)


def a_band(**more: object) -> MiBand7:
    return MiBand7(LIVED, now=NOON, zone=ZoneInfo("UTC"), secret=KEY, **more)  # type: ignore[arg-type]  # a test's shorthand


def by_hand(band: MiBand7, story: Callable[[View], Awaitable[None]]) -> None:
    """The driver logs in; the rest is said by hand."""

    async def told(clock: FastClock) -> None:
        talk = conversation(DirectConnection(band, clock.now), clock)
        session = Session(name=band.name, secret=KEY)
        async with dialogue(DRIVER, talk, session, MemoryStore().commit):
            with talk.viewing() as link:
                await link.subscribe(FETCH, DATA)
                await story(link)

    run(told, NOON)


async def asked(link: View, request: str) -> str:
    await link.write(FETCH, bytes.fromhex(request))
    return (await link.notification(FETCH, timeout=SECOND)).data.hex()


SINCE = "0101ea0703020b320000"
"""The stored minutes since 11:50 UTC."""
TEN = "1001010a000000ea0703020b32000000"
"""Ten of them, from 11:50 on; 16 bytes."""


def test_a_round_that_is_owed_an_acknowledgement_keeps_the_next_one_waiting() -> None:
    async def story(link: View) -> None:
        assert await asked(link, SINCE) == TEN
        assert (await asked(link, "02"))[:6] == "100201"
        assert await asked(link, SINCE) == "100132"
        assert await asked(link, "0309") == "100301"
        assert await asked(link, SINCE) == TEN

    by_hand(band := a_band(), story)
    assert len(band.memory()) == 100


def test_what_is_acknowledged_to_be_dropped_is_forgotten_and_a_bare_acknowledgement_is_not_understood() -> None:
    async def story(link: View) -> None:
        await asked(link, SINCE)
        await asked(link, "02")
        with pytest.raises(NoReply):
            await asked(link, "03")
        assert await asked(link, "0301") == "100301"

    by_hand(band := a_band(), story)
    assert [minute.minute for minute in band.erased] == list(range(50, 60))
    assert len(band.memory()) == 90


def synced(band: MiBand7, *, erase: bool, kept: MemoryStore, key: bytes = KEY) -> list[str]:
    """What the driver wrote to the fetch control, and "stored" where a batch of epochs was."""
    said: list[str] = []

    async def told(clock: FastClock) -> None:
        connection = DirectConnection(band, clock.now)
        talk = conversation(connection, clock)
        session = Session(name=band.name, secret=key, erase=erase)

        async def commit(batch: Sequence[Reading]) -> None:
            await kept.commit(batch)
            connection.written.append((FETCH, b"stored"))

        try:
            async with dialogue(DRIVER, talk, session, MemoryStore().commit) as opened:
                await opened.fetch(commit)
        finally:
            said.extend(
                "stored" if data == b"stored" else data.hex() for uuid, data in connection.written if uuid == FETCH
            )

    run(told, NOON)
    return said


@pytest.mark.parametrize(("erase", "word"), [(False, "0309"), (True, "0301")])
def test_each_round_is_acknowledged_when_it_is_stored(erase: bool, word: str) -> None:
    band, kept = a_band(round_minutes=60), MemoryStore()
    said = synced(band, erase=erase, kept=kept)
    assert [(epoch.start, epoch.steps) for epoch in kept.of(Epoch)] == [(epoch.start, epoch.steps) for epoch in LIVED]
    around = [said[at - 1 : at + 2] for at, what in enumerate(said) if what == "stored"]
    assert around == [["02", "stored", word]] * 2  # 60 minutes, then 40
    assert len(band.memory()) == (0 if erase else 100)


def test_a_round_that_could_not_be_stored_is_not_acknowledged() -> None:
    band, kept = a_band(), MemoryStore()
    kept.fail_at = 0
    with pytest.raises(OSError, match="disk full"):
        synced(band, erase=True, kept=kept)
    assert len(band.memory()) == 100
    assert band.owed


def test_a_wrong_key_is_refused() -> None:
    with pytest.raises(NotAuthorised, match="key"):
        synced(a_band(), erase=False, kept=MemoryStore(), key=KEY[::-1])
