"""After the system's sleep the service looks at once: logind's word, from a logind that is played."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from hipsync.host.sleep import calling_on_wake
from support.private_bus import needs_dbus, on_the_bus, private_bus

LOGIN = "org.freedesktop.login1"


async def tell(bus: MessageBus, sleeps: bool, interface: str = f"{LOGIN}.Manager") -> None:
    await bus.send(  # pyright: ignore[reportUnknownMemberType]
        Message(
            path="/org/freedesktop/login1", interface=interface, member="PrepareForSleep", signature="b",
            body=[sleeps], message_type=MessageType.SIGNAL,
        )
    )  # fmt: skip


@needs_dbus
async def test_it_looks_after_each_sleep_and_for_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[None] = []
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        async with (
            on_the_bus(address, LOGIN, lambda _: None) as logind,
            on_the_bus(address, "org.example.stranger", lambda _: None) as stranger,
            calling_on_wake(lambda: looks.append(None)),
            asyncio.timeout(20),
        ):
            woken = 0
            while not looks:  # until its rule is known to the bus
                await tell(logind, sleeps=False)
                woken += 1
                await asyncio.sleep(0.05)
            for _ in range(20):
                await tell(logind, sleeps=True)
                await tell(logind, sleeps=False, interface="org.example.Other")
                await tell(stranger, sleeps=False)
            before = len(looks)
            await tell(logind, sleeps=False)
            woken += 1
            while len(looks) == before:  # noqa: ASYNC110  what is awaited is a list, as a reader of this test sees it
                await asyncio.sleep(0.01)
    assert len(looks) <= woken


async def test_without_a_bus_nothing_is_told_and_nothing_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    async with calling_on_wake(lambda: pytest.fail("nobody slept")):
        await asyncio.sleep(0.05)
