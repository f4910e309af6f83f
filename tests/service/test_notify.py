"""A prompt reaches a terminal, the desktop, a command; each says truly whether it did, and none holds up the rest."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import pty
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import pytest
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from hipsync.core.exercises import next_exercise
from hipsync.model import Answer, BandId, Occasion, Prompt, Remark, Trouble, Where
from hipsync.service import notify
from hipsync.service.delivery import Delivery
from hipsync.service.notify import (
    Asking,
    Notice,
    buttons_of,
    notice_of,
    on_desktop,
    remark_of,
    run_command,
    to_desktop,
    to_terminal,
    why_no_notices,
    withdraw,
)
from hipsync.settings.config import Config
from hipsync.store import Store
from support.private_bus import needs_dbus, on_the_bus, private_bus

NOTICE = Notice("Time to move", "Stand up.")
STRONG = Notice("Time to move", "Stand up.", strong=True)
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
PAYLOAD = {"version": 1, "exercise": "hip-extension", "name": "Zoë \n 手"}


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


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-S", "-c", code, *arguments]


async def test_a_command_gets_the_prompt_as_json_on_stdin_and_its_arguments_as_they_are(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read() + repr(sys.argv[2:]))"
    assert await run_command(python(code, str(out), "$HOME; exit 1", "* `id`"), PAYLOAD, 10) is None
    line, _, arguments = out.read_text().partition("\n")
    assert json.loads(line) == PAYLOAD
    assert arguments == "['$HOME; exit 1', '* `id`']", "a shell had them"


@pytest.mark.parametrize("status", [1, 2, 255])
async def test_a_command_that_fails_did_not_deliver(status: int, caplog: pytest.LogCaptureFixture) -> None:
    assert await run_command(python(f"raise SystemExit({status})"), PAYLOAD, 10) == f"exited with {status}"
    assert f"(prompts.command) exited with {status}" in caplog.text


async def test_a_command_that_reads_nothing_delivers_by_its_exit_code() -> None:
    big = {"version": 1, "text": "x" * 1_000_000}  # more than a pipe holds
    assert await run_command(["true"], big, 10) is None
    assert await run_command(["false"], big, 10) == "exited with 1"


@pytest.mark.parametrize(
    "argv",
    [["/nowhere/at-all"], ["/etc/passwd"], ["nul\0byte"], ["/"]],
    ids=["absent", "no program", "nul", "a folder"],
)
async def test_a_command_that_does_not_start_is_said(argv: list[str], caplog: pytest.LogCaptureFixture) -> None:
    assert (await run_command(argv, PAYLOAD, 10) or "").startswith("does not start: ")
    assert "(prompts.command) does not start" in caplog.text


async def test_a_prompt_that_the_command_did_not_show_is_not_shown_by_it_and_the_trouble_is_told() -> None:
    move = next_exercise(["hip-extension"], [], [], [])
    assert move is not None
    fails = Config(desktop=False, command=("false",))
    with Store.in_memory() as store:
        delivery = Delivery(store, lambda: AT, fails)
        assert Where.COMMAND not in await delivery.deliver(Prompt(AT, AT, move.name, sure=True), move, strong=False)
        assert delivery.trouble() == "false (prompts.command) exited with 1; that was at 2026-03-02 10:00 UTC"
        delivery.config = replace(fails, command=("true",))
        assert delivery.trouble() is None, "another command is set"
        assert Where.COMMAND in await delivery.deliver(Prompt(AT, AT, move.name, sure=True), move, strong=False)
        delivery.config = fails
        assert delivery.trouble() is None


async def test_a_quiet_prompt_runs_no_command_and_rings_no_bell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    move = next_exercise(["hip-extension"], [], [], [])
    assert move is not None
    ran, screen = tmp_path / "ran", io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", screen)
    with Store.in_memory() as store:
        delivery = Delivery(store, lambda: AT, Config(desktop=False, command=("touch", str(ran))))
        prompt = Prompt(AT, AT, move.name, sure=True)
        assert await delivery.deliver_quietly(prompt, move, strong=True) == [Where.TERMINAL]
        assert not ran.exists()
        assert "\a" not in screen.getvalue()
        assert await delivery.deliver(prompt, move, strong=True) == [Where.TERMINAL, Where.COMMAND]
        assert ran.exists()
        assert "\a" in screen.getvalue()


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
async def test_in_a_unit_a_command_that_cannot_be_started_outside_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd" / "private").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("SYSTEMD_EXEC_PID", str(os.getpid()))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    assert (await run_command(["true"], PAYLOAD, 1) or "").startswith("does not start: systemd is asked by the session")
    assert await run_command(["/nowhere/at-all"], PAYLOAD, 1) == "does not start: there is no such program"
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'nobody'}")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (await run_command(["/bin/true"], PAYLOAD, 1) or "").startswith("does not start: ")


async def test_no_command_delivers_nothing() -> None:
    assert await run_command([], PAYLOAD, 10) == "it is empty"


async def test_megabytes_of_output_neither_block_nor_show(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import sys; [print('x' * 1000) or print('y' * 1000, file=sys.stderr) for _ in range(5000)]"
    assert await run_command(python(code), PAYLOAD, 10) is None
    assert capfd.readouterr() == ("", "")


def alive(pid: int) -> bool:
    """Not gone, and not a zombie that only waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
@pytest.mark.parametrize("how", ["too slow", "the service stops"])
async def test_a_command_that_hangs_is_killed_with_its_children(
    how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(tmp_path / "pids")
    script = f"sleep 60 & echo $! $$ > {tmp_path / 'pids'}; wait"
    task = asyncio.ensure_future(run_command(["sh", "-c", script], PAYLOAD, 0.5 if how == "too slow" else 60))
    pids = [int(word) for word in (await asyncio.to_thread((tmp_path / "pids").read_text)).split()]
    begun = time.monotonic()
    if how == "too slow":
        assert await task == "was stopped: it took more than 0.5 s"
        assert "sh (prompts.command) was stopped: it took more than 0.5 s" in caplog.text
    else:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert time.monotonic() - begun < 5
    for _ in range(100):  # the kernel ends the child in its own time
        if not any(alive(pid) for pid in pids):
            break
        await asyncio.sleep(0.01)
    assert [pid for pid in pids if alive(pid)] == []


INTERFACE = "org.freedesktop.Notifications"
INTROSPECTION = f"""<node><interface name="{INTERFACE}">
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{{sv}}" name="hints" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
<arg type="s" direction="out"/><arg type="s" direction="out"/></method>
<signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
<signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
</interface></node>"""


class Desk:
    """A notice server, and the person in front of it."""

    def __init__(self) -> None:
        self.notices: list[list[object]] = []
        self.closed: list[int] = []
        self.can = ["actions", "body"]
        self.fails = False
        self.silent = False

    def reply(self, message: Message) -> Message | bool | None:
        if self.silent:
            return True
        if self.fails and message.member == "Notify":
            return Message.new_error(message, "org.freedesktop.Notifications.Error", "too many")
        match message.member:
            case "Introspect":
                return Message.new_method_return(message, "s", [INTROSPECTION])
            case "GetServerInformation":
                return Message.new_method_return(message, "ssss", ["desk", "test", "1", "1.2"])
            case "GetCapabilities":
                return Message.new_method_return(message, "as", [self.can])
            case "Notify":
                self.notices.append(message.body)
                return Message.new_method_return(message, "u", [len(self.notices)])
            case "CloseNotification":
                self.closed.append(message.body[0])
                return Message.new_method_return(message)
            case _:
                return None

    async def press(self, bus: MessageBus, label: str) -> None:
        """The button with this label, on the newest notice."""
        actions = self.notices[-1][5]
        assert isinstance(actions, list)
        labelled: list[str] = actions  # pyright: ignore[reportUnknownVariableType]
        key = labelled[labelled.index(label) - 1]
        signal = Message.new_signal("/org/freedesktop/Notifications", INTERFACE, "ActionInvoked", "us", [1, key])
        await bus.send(signal)  # pyright: ignore[reportUnknownMemberType]


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[str, None]:
    """A session bus, at the end without connections of ours."""
    with private_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address
        desktop = notify._desktops.pop(asyncio.get_running_loop(), None)  # pyright: ignore[reportPrivateUsage]
        if desktop is not None:
            notify._hang_up(desktop)  # pyright: ignore[reportPrivateUsage]
        await asyncio.sleep(0)


def asking(answered: Callable[[Answer], None], of: datetime = AT) -> Asking:
    return Asking(of, buttons_of(timedelta(minutes=10)), answered)


def nothing(answer: Answer) -> None:
    pytest.fail(f"nobody pressed {answer}")


@needs_dbus
async def test_a_desktop_notice_carries_the_words_and_three_buttons(session: str) -> None:
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(Notice("Time to \x1bmove", "Stand up."), asking(nothing))
    (notice,) = desk.notices
    assert (notice[0], notice[3], notice[4]) == ("hipsync", "Time to move", "Stand up.")
    actions = notice[5]
    assert isinstance(actions, list)
    assert [label for label in actions[1::2] if label] == ["Done", "Snooze 10 min", "Skip"]  # pyright: ignore[reportUnknownVariableType]
    hints = notice[6]
    assert isinstance(hints, dict)
    assert hints["urgency"].value == 1, "do-not-disturb would not hold it"  # pyright: ignore[reportUnknownMemberType]


@needs_dbus
async def test_a_strong_notice_is_as_urgent_as_a_gentle_one_and_sounds(session: str) -> None:
    """A second showing, too, is held by do-not-disturb, and delivered after it."""
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(NOTICE, asking(nothing))
        assert await to_desktop(STRONG, asking(nothing))
    gentle, strong = [str(notice[6]) for notice in desk.notices]
    urgency = "'urgency': <dbus_fast.signature.Variant ('y', 1)>"
    assert urgency in gentle
    assert urgency in strong
    assert ("sound" in gentle, "sound" in strong) == (False, True)


@needs_dbus
async def test_a_plain_notice_has_no_buttons(session: str) -> None:
    desk = Desk()
    remark = Remark(BandId(1), Trouble.BATTERY, "Charge desk-\x1bband: 9 %")
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(remark_of(remark), None)
    (notice,) = desk.notices
    assert (notice[3], notice[4]) == ("Battery low", "Charge desk-band: 9 %")
    actions = notice[5]
    assert isinstance(actions, list)
    assert [label for label in actions[1::2] if label] == []  # pyright: ignore[reportUnknownVariableType]


@needs_dbus
async def test_a_name_cannot_write_markup_into_a_notice(session: str) -> None:
    """The body is markup, the title is not (Desktop Notifications Specification 1.2, "Basic Design" and "Markup")."""
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(Notice("Sit & <b>", 'Charge <a href="x">R&D</a>: 9 %'), None)
        assert await to_desktop(Notice("Time to move", "&" * 300), None)
    first, long = desk.notices
    assert (first[3], first[4]) == ("Sit & <b>", 'Charge &lt;a href="x"&gt;R&amp;D&lt;/a&gt;: 9 %')
    assert long[4] == "&amp;" * 200, "the cut is never in the middle of an entity"


@needs_dbus
@pytest.mark.parametrize(
    ("label", "answer"), [("Done", Answer.DONE), ("Snooze 10 min", Answer.SNOOZED), ("Skip", Answer.SKIPPED)]
)
async def test_a_button_answers(label: str, answer: Answer, session: str) -> None:
    desk, pressed = Desk(), asyncio.Queue[Answer]()
    async with on_the_bus(session, INTERFACE, desk.reply) as bus:
        assert await to_desktop(NOTICE, asking(pressed.put_nowait))
        await desk.press(bus, label)
        async with asyncio.timeout(5):
            assert await pressed.get() is answer
    assert pressed.empty()


async def test_without_a_session_bus_one_warning_is_said_and_then_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'nothing'}")
    for _ in range(3):
        assert not await to_desktop(NOTICE, asking(nothing))
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert "no desktop notice: FileNotFoundError" in caplog.text
    assert "`hipsync doctor` says more" in caplog.text


async def connections(bus: MessageBus) -> int:
    """How many the bus has, all in all."""
    names = await bus.call(
        Message("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", member="ListNames")
    )
    assert names is not None
    return sum(name.startswith(":") for name in names.body[0])


@needs_dbus
async def test_without_a_notice_server_nothing_is_delivered_and_no_connection_left(
    session: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with on_the_bus(session, "org.example.Other", lambda _: None) as bus:
        for _ in range(3):
            assert not await to_desktop(NOTICE, asking(nothing))
        assert await connections(bus) == 1
    assert "no desktop notice" in caplog.text


@needs_dbus
async def test_a_server_that_refuses_or_hangs_did_not_deliver_and_may_come_back(
    session: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notify, "DESKTOP_WITHIN_S", 0.3)
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        desk.fails = True
        assert not await to_desktop(NOTICE, asking(nothing))
        desk.fails, desk.silent = False, True
        assert not await to_desktop(NOTICE, asking(nothing))
        desk.silent = False
        assert await to_desktop(NOTICE, asking(nothing))
        desk.fails = True
        assert not await to_desktop(NOTICE, asking(nothing))
    warnings = [
        record
        for record in caplog.records
        if record.name == "hipsync.service.notify" and record.levelno >= logging.WARNING
    ]
    assert len(warnings) == 2, "the first of each streak"


@needs_dbus
async def test_doctor_is_told_whether_notices_can_be_seen_and_answered(session: str) -> None:
    desk = Desk()
    assert (await why_no_notices() or "").startswith("no notice server answers")
    async with on_the_bus(session, INTERFACE, desk.reply) as bus:
        before = await connections(bus)
        assert await why_no_notices() is None
        desk.can = ["body"]
        assert (await why_no_notices() or "").startswith("the notice server shows no buttons")
        async with asyncio.timeout(5):  # a bus takes a moment to see that one has hung up
            while await connections(bus) != before:  # noqa: ASYNC110  the bus tells nobody
                await asyncio.sleep(0.01)
    assert desk.notices == []


@needs_dbus
async def test_a_bus_that_comes_later_is_found_where_systemd_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert not await to_desktop(NOTICE, asking(nothing))
    with private_bus(tmp_path) as address:
        assert (tmp_path / "bus").is_socket()
        desk = Desk()
        async with on_the_bus(address, INTERFACE, desk.reply):
            assert await to_desktop(NOTICE, asking(nothing))
        assert len(desk.notices) == 1
        monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
        notify._hang_up(notify._desktops.pop(asyncio.get_running_loop()))  # pyright: ignore[reportPrivateUsage]


@needs_dbus
async def test_where_there_are_no_buttons_the_words_say_how_to_answer(session: str) -> None:
    desk = Desk()
    desk.can = ["body"]
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(Notice("Time to move", "Stand up."), asking(nothing))
        assert await to_desktop(Notice("Charge desk-band", "9 %."), None)
    assert [notice[4] for notice in desk.notices] == [
        "Stand up. Answer: hipsync done, snooze or skip.",
        "9 %.",
    ]


@needs_dbus
async def test_a_press_of_another_program_s_notice_answers_nothing_and_ours_still_does(session: str) -> None:
    desk, answers = Desk(), list[Answer]()
    async with on_the_bus(session, INTERFACE, desk.reply) as bus:
        assert await to_desktop(NOTICE, asking(answers.append))
        for number, key in ((77, "default"), (4_000_000_000, "x" * 10_000)):
            signal = Message.new_signal(
                "/org/freedesktop/Notifications", INTERFACE, "ActionInvoked", "us", [number, key]
            )
            await bus.send(signal)  # pyright: ignore[reportUnknownMemberType]
        await desk.press(bus, "Done")
        async with asyncio.timeout(5):
            while not answers:  # noqa: ASYNC110  what is awaited is a list
                await asyncio.sleep(0.01)
    assert answers == [Answer.DONE]


@needs_dbus
async def test_a_second_showing_takes_the_place_of_the_first_and_all_are_withdrawn(session: str) -> None:
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(NOTICE, asking(nothing))
        assert await to_desktop(STRONG, asking(nothing))
        assert (desk.closed, list(on_desktop())) == ([1], [AT])
        assert await to_desktop(NOTICE, asking(nothing, AT + timedelta(hours=1)))
        await withdraw([AT])
        await withdraw([AT, AT - timedelta(days=1)])
        assert (desk.closed, list(on_desktop())) == ([1, 2], [AT + timedelta(hours=1)])
        await withdraw(on_desktop())
        assert (desk.closed, list(on_desktop())) == ([1, 2, 3], [])


@needs_dbus
async def test_a_notice_that_cannot_be_withdrawn_is_no_error(session: str) -> None:
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(NOTICE, asking(nothing))
    await withdraw(on_desktop())
    assert list(on_desktop()) == []


async def test_a_late_press_changes_nothing() -> None:
    with Store.in_memory() as store:
        delivery = Delivery(store, lambda: AT + timedelta(minutes=20), Config())
        first = store.add_prompt(Prompt(AT, AT, "hip-extension", sure=True, answer=Answer.DONE, answered_at=AT))
        delivery._store_answer(first, Answer.SKIPPED)  # pyright: ignore[reportPrivateUsage]
        assert store.prompt(first).answer is Answer.DONE
        old = store.add_prompt(Prompt(AT + timedelta(minutes=1), AT, "hip-extension", sure=True, answer=Answer.IGNORED))
        new = store.add_prompt(Prompt(AT + timedelta(minutes=9), AT, "hip-extension", sure=True))
        delivery._store_answer(old, Answer.DONE)  # pyright: ignore[reportPrivateUsage]
        assert store.prompt(old).answer is Answer.IGNORED
        delivery._store_answer(new, Answer.DONE)  # pyright: ignore[reportPrivateUsage]
        assert store.prompt(new).answer is Answer.DONE
