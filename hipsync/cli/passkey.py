"""The questions that bonding with a band asks at the terminal: a passkey, a PIN, or whether two numbers are the same.

A band or BlueZ may call a question off while somebody types. So every question can be cancelled, and none blocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

import click

from hipsync.cli.saying import say
from hipsync.errors import ConfigError
from hipsync.radio.bluez_agent import MOST_PASSKEY
from hipsync.text import clean

LONGEST_PIN = 16
"""The most characters of a PIN: BlueZ takes 1 to 16 (its doc/agent-api.txt)."""


def passkey_of(text: str) -> int:
    """Return the passkey that somebody typed, with or without blanks. Raises `ConfigError` if it is none."""
    digits = text.replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and int(digits) <= MOST_PASSKEY):
        raise ConfigError("six digits, please")
    return int(digits)


class Terminal:
    """The port `radio.bluez_agent.Person` at a terminal; where there is no terminal, nobody answers."""

    def __init__(self) -> None:
        self.there = sys.stdin.isatty()

    async def passkey(self) -> int | None:
        question = "Your band shows six digits; you have 30 s. Digits: "
        while (line := await self._line(question)) is not None:
            with contextlib.suppress(ConfigError):
                return passkey_of(line)
            question = "It must be six digits. Digits: "
        return None

    async def pin(self) -> str | None:
        line = await self._line("The band wants a PIN (see its manual; often 0000). PIN: ")
        return clean(line, LONGEST_PIN) or None if line is not None else None

    async def agrees(self, passkey: int) -> bool:
        line = await self._line(f"Does the band show {passkey:06}? [y/N] ")
        return line is not None and line.strip().lower() in {"y", "yes"}

    def shown(self, text: str) -> None:
        say(f"Type this on the band: {clean(text)}")

    async def _line(self, question: str) -> str | None:
        """Return the line that is typed; None for an empty one, at the end of input, or where there is no terminal."""
        if not self.there:
            return None
        click.echo(question, nl=False)
        loop = asyncio.get_running_loop()
        typed = asyncio.Event()
        loop.add_reader(sys.stdin, typed.set)
        try:
            await typed.wait()
            return sys.stdin.readline(1000).rstrip("\r\n") or None
        except asyncio.CancelledError:
            say("\nThe pairing was called off.")
            raise
        finally:
            loop.remove_reader(sys.stdin)
