"""The person in front of the computer during a pairing."""

from __future__ import annotations


class Nobody:
    """Whoever must not be asked: it implements `hipsync.radio.bluez_agent.Person`, and fails whatever it is asked."""

    async def passkey(self) -> int | None:
        raise AssertionError

    async def pin(self) -> str | None:
        raise AssertionError

    async def agrees(self, passkey: int) -> bool:
        raise AssertionError

    def shown(self, text: str) -> None:
        raise AssertionError
