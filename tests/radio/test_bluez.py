"""What only BlueZ knows, from one that is played: bonds, and its own end. No hardware."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hipsync.radio.bluez import bonded, drop_bond, identity, watching_for_its_end
from support.played_bluez import ADDRESS, BAND, OTHER, played
from support.private_bus import needs_dbus, on_the_bus, private_bus

pytestmark = needs_dbus


async def test_a_bond_is_known_and_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with played(tmp_path, monkeypatch) as bluez:
        assert await bonded(ADDRESS.lower())
        assert not await bonded("C8:0F:10:80:D0:22")
        assert await drop_bond(ADDRESS)
        assert ("RemoveDevice", [BAND]) in bluez.called
        assert ("RemoveDevice", [OTHER]) not in bluez.called
        assert not await drop_bond("C8:0F:10:80:D0:23")


async def test_a_bonded_band_that_changes_its_address_is_known_by_the_one_it_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = "5E:01:02:03:04:05"
    async with played(tmp_path, monkeypatch) as bluez:
        assert await identity(ADDRESS) == ADDRESS
        assert await identity(private) == private
        bluez.resolved[BAND] = "D0:00:00:00:00:01"  # and the path stays
        assert await identity(ADDRESS) == "D0:00:00:00:00:01"
        assert await bonded("D0:00:00:00:00:01")
        assert await bonded(ADDRESS)
        bluez.resolved[OTHER] = "D0:00:00:00:00:02"
        assert await identity("C8:0F:10:80:D0:22") == "C8:0F:10:80:D0:22", "it is not bonded"


async def test_the_end_of_bluez_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        async with AsyncExitStack() as bluez:
            await bluez.enter_async_context(on_the_bus(address, "org.bluez", lambda _: None))
            async with watching_for_its_end(ended):
                assert not ended.is_set()
                await bluez.aclose()
                async with asyncio.timeout(20):
                    await ended.wait()


async def test_without_a_bus_there_is_no_end_to_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'nothing'}")
    ended = asyncio.Event()
    async with watching_for_its_end(ended):
        assert not ended.is_set()
