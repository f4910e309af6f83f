"""A device at a band's address that does not know the band's key: what it is given, and what is taken from it.

It accepts every proof, for it cannot judge one. The classic login proves nothing about the band, so its minutes are
taken (docs/security.md says so). In the newer one, what an endpoint seals proves that the band knows its key.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.dialogue import dialogue
from hipsync.driver import Session
from hipsync.errors import NotAuthorised
from hipsync.host.clock import FastClock
from hipsync.model import Charge, Epoch
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.huami import DRIVER, endpoints, packets
from hipsync_devices.huami.endpoints import Proof
from hipsync_devices.huami.sim_2021 import MiBand7
from support.builders import day

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OURS, THEIRS = bytes.fromhex("00112233445566778899aabbccddeeff"), bytes(16)
LIVED = day("40m sit, 10m walk, 50m sit", NOON - timedelta(minutes=100))


class Impostor(MiBand7):
    """It has another key, and takes every proof."""

    plain = False
    """Whether it does not seal what it says is sealed."""

    def _judge_proof(self, payload: bytes) -> None:
        Proof.decode(payload)
        assert self._agreed is not None
        self._authenticated = True
        self.send(endpoints.LOGIN, bytes([packets.RESPONSE, endpoints.PROOF, packets.SUCCESS]))
        self._assembly.keys = self._agreed[0]

    def _take(self, chunk: bytes) -> None:
        if chunk[1] & 8 and self._authenticated:  # it cannot read this, and guesses that it is the battery's request
            sealed, self.services_sealed = self.services_sealed, {} if self.plain else self.services_sealed
            self._serve(endpoints.BATTERY, bytes([endpoints.ASK]))
            self.services_sealed = sealed
        else:
            super()._take(chunk)


def met(band: MiBand7, written: list[tuple[str, bytes]] | None = None) -> MemoryStore:
    """What is stored of a band; what was written to it is appended to `written`, also if this fails."""
    store = MemoryStore()

    async def told(clock: FastClock) -> None:
        connection = DirectConnection(band, clock.now)
        talk, session = conversation(connection, clock), Session(name=band.name, secret=OURS)
        try:
            async with dialogue(DRIVER, talk, session, store.commit) as opened:
                await opened.fetch(store.commit)
        finally:
            if written is not None:
                written.extend(connection.written)

    run(told, NOON)
    return store


def an(kind: type[MiBand7], key: bytes, *, battery_sealed: bool = True) -> MiBand7:
    band = kind(LIVED, now=NOON, zone=ZoneInfo("UTC"), secret=key)
    band.services_sealed[endpoints.BATTERY] = battery_sealed
    return band


@pytest.mark.parametrize("plain", [False, True], ids=["sealed with another key", "not sealed"])
def test_what_the_band_seals_must_be_sealed_with_its_key(plain: bool) -> None:
    impostor = an(Impostor, THEIRS)
    assert isinstance(impostor, Impostor)
    impostor.plain = plain
    with pytest.raises(NotAuthorised, match="does not know the band's key"):
        met(impostor)


def test_the_band_itself_proves_that_it_knows_its_key() -> None:
    band = an(MiBand7, OURS)
    store = met(band)
    assert [charge.percent for charge in store.of(Charge)] == [band.battery.percent]
    assert sum(epoch.steps or 0 for epoch in store.of(Epoch)) == sum(epoch.steps or 0 for epoch in LIVED)


@pytest.mark.parametrize("battery_sealed", [False, True])
def test_the_key_is_never_sent(battery_sealed: bool) -> None:
    for kind, key in ((MiBand7, OURS), (Impostor, THEIRS)):
        band = an(kind, key, battery_sealed=battery_sealed)
        written: list[tuple[str, bytes]] = []
        with contextlib.suppress(NotAuthorised):
            met(band, written)
        said = b"".join(data for _, data in written)
        assert len(said) > 80, "the login was said"
        assert OURS not in said
        assert OURS[::-1] not in said


def test_who_says_that_nothing_is_sealed_is_believed() -> None:
    """The limit of this: the list of what is sealed is not sealed itself, and recorded bands seal nothing we read."""
    assert met(an(Impostor, THEIRS, battery_sealed=False)).of(Epoch) != []
