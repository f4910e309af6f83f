"""A prompt reaches a command of the user's, which holds up nothing, and says truly whether it was shown."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hipsync.core.exercises import next_exercise
from hipsync.model import Prompt, Where
from hipsync.service.delivery import Delivery
from hipsync.service.user_command import run_command
from hipsync.settings.config import Config
from hipsync.store import Store

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
PAYLOAD = {"version": 1, "exercise": "hip-extension", "name": "Zoë \n 手"}


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
