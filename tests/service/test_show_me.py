"""The button "Show me" of a notice opens the exercise in a browser, in a process of its own, and answers nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipsync.core.exercises import MOVES
from hipsync.model import Answer, Prompt
from hipsync.service.delivery import Delivery
from hipsync.service.show_me import ShowMe
from hipsync.settings.config import Config
from hipsync.store import Store
from support.machine import Machine
from support.notice_server import INTERFACE, Desk
from support.private_bus import needs_dbus, on_the_bus

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
MOVE = next(move for move in MOVES if move.name == "hip-rotation")


@needs_dbus
@pytest.mark.parametrize("label", ["Show me", ""])
async def test_the_button_and_a_click_on_the_notice_show_the_exercise_and_answer_nothing(
    session: str, label: str
) -> None:
    desk, shown = Desk(), asyncio.Queue[str]()
    with Store.in_memory() as store:
        prompt = store.add_prompt(Prompt(AT, AT, MOVE.name, sure=True))
        delivery = Delivery(store, lambda: AT, Config(), shown.put_nowait)
        async with on_the_bus(session, INTERFACE, desk.reply) as bus:
            await delivery.deliver(prompt, MOVE, strong=False)
            actions = desk.notices[-1][5]
            assert isinstance(actions, list)
            labels = [each for each in actions[1::2] if each]  # pyright: ignore[reportUnknownVariableType]
            assert labels == ["Show me", "Done", "Snooze 10 min", "Skip"], "GNOME shows the first three"
            await desk.press(bus, label)
            async with asyncio.timeout(20):
                assert await shown.get() == "hip-rotation"
        assert store.prompt(prompt).answer is None


async def test_it_starts_hipsync_itself_on_the_same_database(tmp_path: Path) -> None:
    program, told = tmp_path / "program.py", tmp_path / "told"
    program.write_text(f"import json, pathlib, sys\npathlib.Path({str(told)!r}).write_text(json.dumps(sys.argv[1:]))\n")
    async with asyncio.timeout(20):
        await ShowMe([sys.executable, str(program), "--db", "a b.db"])("hip-rotation")
    assert json.loads(told.read_text()) == ["--db", "a b.db", "exercise", "hip-rotation", "--page"]


@pytest.mark.parametrize("command", [["/no/such/program"], [sys.executable, "-c", "raise SystemExit(2)"]])
async def test_one_that_does_not_open_is_logged_and_nothing_else(
    command: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(20):
        await ShowMe(command)("hip-rotation")
    (record,) = (each for each in caplog.records if each.name == "hipsync.service.show_me")
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("the page of hip-rotation d")


BROWSER = """
import http.cookiejar, pathlib, re, sys, urllib.parse, urllib.request
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
page = opener.open(sys.argv[1], timeout=20)
text, at = page.read().decode(), page.geturl()
key = re.search('data-key="(\\\\w+)"', text)[1]
origin = re.match("http://[^/]+", at)[0]
def do(what, **form):
    body = urllib.parse.urlencode({"key": key, **form}).encode()
    where, told = urllib.parse.urljoin(at, "../do/" + what), {"Origin": origin, "X-Hipsync": key}
    asked = urllib.request.Request(where, body, told)
    return opener.open(asked, timeout=20).read().decode()
said = do("exercised", name="hip-rotation", hurt="no")
pathlib.Path(__file__).with_name("seen").write_text(re.search("<title>(.*?)</title>", text)[1] + "|" + said)
do("closed")
"""


@pytest.mark.enable_socket
def test_the_page_answers_the_reminder_that_asked_for_it_and_the_command_ends_with_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    now = datetime.now(UTC)  # noqa: TID251  the program under test reads it too
    machine.band()
    with Store.open(machine.database) as store:
        at = now - timedelta(minutes=5)
        store.add_prompt(Prompt(at, at, "hip-rotation", sure=True))
    place = tmp_path / "bin"
    place.mkdir()
    (place / "browser.py").write_text(BROWSER)
    (place / "xdg-open").write_text(f'#!/bin/sh\nexec {sys.executable} -IS {place / "browser.py"} "$@"\n')
    (place / "xdg-open").chmod(0o755)
    path = f"{place}{os.pathsep}{os.environ['PATH']}"
    with machine.process("exercise", "hip-rotation", "--page", env={"PATH": path}) as process:
        told, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert told.startswith("Open http://127.0.0.1:")
    assert (place / "seen").read_text() == "Standing hip circles - hipsync|Saved: standing hip circles."
    with Store.read(machine.database) as store:
        (prompt,) = store.prompts(now - timedelta(hours=1), now + timedelta(hours=1))
        assert prompt.answer is Answer.DONE
