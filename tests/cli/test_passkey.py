"""What is typed at a terminal when a band asks, and what is made of it."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import closing

import pytest

from hipsync.cli.passkey import Terminal


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[[str], None]]:
    person, terminal = pty.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        def types(text: str) -> None:
            os.write(person, text.encode())

        yield types
        os.close(person)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["123456\n"], 123456),
        (["000 042\n"], 42),
        (["12345x\n", "1234567\n", "-1\n", "\u0663\u0663\n", "7\n"], 7),
        (["\n"], None),
        (["\x04"], None),
    ],
)
async def test_a_passkey_is_typed_until_it_is_one(
    typing: Callable[[str], None], typed: Sequence[str], expected: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in typed:
        typing(each)
    async with asyncio.timeout(10):
        assert await Terminal().passkey() == expected
    assert capsys.readouterr().out.count("It must be six digits.") == len(typed) - 1


@pytest.mark.parametrize(("typed", "expected"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False)])
async def test_a_number_is_agreed_to_by_a_word(typing: Callable[[str], None], typed: str, expected: bool) -> None:
    typing(typed)
    async with asyncio.timeout(10):
        assert await Terminal().agrees(42) is expected


async def test_a_pin_is_what_was_typed(typing: Callable[[str], None]) -> None:
    typing("0000\n")
    async with asyncio.timeout(10):
        assert await Terminal().pin() == "0000"


async def test_a_question_that_is_called_off_waits_for_nothing(
    typing: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    asking = asyncio.ensure_future(Terminal().passkey())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert "called off" in capsys.readouterr().out


async def test_where_there_is_no_terminal_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open(os.devnull)) as nothing:  # noqa: ASYNC230, PTH123
        monkeypatch.setattr(sys, "stdin", nothing)
        person = Terminal()
        questions: list[Awaitable[object]] = [person.passkey(), person.pin(), person.agrees(42)]
        assert [await each for each in questions] == [None, None, False]
