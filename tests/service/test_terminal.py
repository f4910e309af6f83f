"""A prompt reaches a terminal as a card or a line; the words cannot steer it, and one that is gone is no error."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import pytest

from hipsync.core.exercises import next_exercise
from hipsync.model import Occasion, Prompt
from hipsync.service.notice import Notice, notice_of
from hipsync.service.terminal import to_terminal

NOTICE = Notice("Time to move", "Stand up.")
STRONG = Notice("Time to move", "Stand up.", strong=True)
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(("sure", "title"), [(True, "Time to move"), (False, "Time to move?")])
def test_a_doubtful_prompt_asks(sure: bool, title: str) -> None:
    move = next_exercise(["hip-extension"], [], [], [])
    assert move is not None
    notice = notice_of(Prompt(AT, AT, move.name, sure), move)
    assert (notice.title, notice.body, notice.strong) == (title, move.line, False)


def test_a_prompt_for_another_occasion_says_so() -> None:
    move = next_exercise(["hip-extension"], [], [], [])
    assert move is not None
    asked = Prompt(AT, AT, move.name, sure=True, occasion=Occasion.MORNING)
    assert notice_of(asked, move).title == "Good morning. Two minutes for your hips?"
    after = notice_of(asked._replace(occasion=Occasion.AFTER_RIDE), move)
    assert (after.title, after.body) == ("After your ride: two minutes for your hips?", move.line)


@contextmanager
def terminal() -> Generator[tuple[TextIO, int]]:
    """A stream that is a terminal, and where to read what a person sees on it."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        yield stream, ours
    os.close(ours)


def test_a_terminal_shows_one_line_and_a_strong_one_rings() -> None:
    with terminal() as (stream, seen):
        assert to_terminal(NOTICE, stream)
        assert os.read(seen, 1000) == b"Time to move. Stand up.\r\n"
        assert to_terminal(STRONG, stream)
        assert os.read(seen, 1000) == b"\aTime to move. Stand up.\r\n"


def test_a_wide_terminal_shows_the_card_and_all_else_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    with terminal() as (stream, seen):
        assert to_terminal(NOTICE, stream, lambda pen: ["a", f"{pen.columns}"])
        assert os.read(seen, 1000) == b"a\r\n60\r\n"
        monkeypatch.setenv("COLUMNS", "59")
        assert to_terminal(NOTICE, stream, lambda _: pytest.fail("it is too narrow"))
        assert os.read(seen, 1000) == b"Time to move. Stand up.\r\n"
    stream = io.StringIO()
    assert not to_terminal(NOTICE, stream, lambda _: pytest.fail("it is no terminal"))
    assert stream.getvalue() == "Time to move. Stand up.\n"


def test_a_file_gets_the_line_without_a_bell_but_nobody_saw_it() -> None:
    stream = io.StringIO()
    assert not to_terminal(STRONG, stream)
    assert stream.getvalue() == "Time to move. Stand up.\n"


def test_words_cannot_steer_the_terminal_nor_fill_it() -> None:
    stream = io.StringIO()
    to_terminal(Notice("\x1b[2J\r\nmove", "x" * 10_000), stream)
    assert stream.getvalue() == f"[2Jmove. {'x' * 200}\n"


def test_what_a_terminal_cannot_show_becomes_a_question_mark() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    to_terminal(Notice("Zoë", "手"), stream)
    assert raw.getvalue() == b"Zo?. ?\n"


def test_a_terminal_that_is_gone_is_no_error() -> None:
    closed = io.StringIO()
    closed.close()
    assert not to_terminal(NOTICE, closed)
    with terminal() as (stream, _):
        pass
    assert not to_terminal(NOTICE, stream)
    with Path("/dev/full").open("w") as full:
        assert not to_terminal(NOTICE, full)
        with suppress(OSError):
            full.close()


def test_a_title_that_asks_needs_no_full_stop() -> None:
    assert Notice("Good morning. Two minutes for your hips?", "Hip circles.").line == (
        "Good morning. Two minutes for your hips? Hip circles."
    )
    assert Notice("Time to move", "Sitting since 15:09.").line == "Time to move. Sitting since 15:09."
