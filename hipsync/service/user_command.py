"""Shows a prompt through a command of the user's, which may be wrong, slow or deaf.

The one rule: whatever the command does, it ends in time, and why it did not show the prompt is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence

from hipsync.host import transient
from hipsync.host.transient import Transient
from hipsync.service.notice import LONGEST
from hipsync.text import clean

log = logging.getLogger(__name__)

MANAGER_WITHIN_S = 3.0
"""Seconds that systemd may take to start a user's command and to end it, beyond the time that the command has."""


async def run_command(argv: Sequence[str], payload: Mapping[str, object], timeout_s: float) -> str | None:
    """Run the user's command without a shell, with the payload as JSON on its stdin. Return None if it succeeded.

    It succeeds if it exits with 0 within `timeout_s` seconds. After that it is killed, with all that it started. What
    it prints is discarded. Otherwise why it failed is logged and returned, in words that go after "prompts.command: ".

    Under the systemd unit it runs in a unit of its own, outside the service's sandbox (`hipsync.host.transient`).
    """
    why = await _run(argv, json.dumps(payload).encode() + b"\n", timeout_s) if argv else "it is empty"
    if why is not None and argv:
        log.warning("%s (prompts.command) %s", clean(argv[0], LONGEST), why)
    return why


async def _run(argv: Sequence[str], lines: bytes, timeout_s: float) -> str | None:
    """Run a command with these bytes on its stdin. Return why it failed, or None."""
    unit = transient.unit(argv, timeout_s)
    if unit is not None and shutil.which(argv[0]) is None:
        return "does not start: there is no such program"
    if unit is not None and not transient.has_bus():
        return "does not start: systemd is asked by the session's D-Bus, and there is none (install dbus-user-session)"
    begun = time.monotonic()
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *(argv if unit is None else unit.start), stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
    )
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:  # asyncio would kill it, but not what it has started meanwhile
        with contextlib.suppress(OSError, ValueError):
            await _ended(await starting, unit)
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        return f"does not start: {error}"
    slow = f"was stopped: it took more than {timeout_s:g} s"
    try:
        async with asyncio.timeout(timeout_s if unit is None else timeout_s + MANAGER_WITHIN_S):
            await process.communicate(lines)
    except TimeoutError:
        return slow
    finally:
        await _ended(process, unit)
    if unit is not None and process.returncode and time.monotonic() - begun >= timeout_s:
        return slow
    if unit is not None and process.returncode == transient.NOT_STARTED:
        return "does not start: it is no program that this system can run"
    return f"exited with {process.returncode}" if process.returncode else None


async def _ended(process: Process, unit: Transient | None = None) -> None:
    """Kill a process that still runs, with its group, because a script's children would live on otherwise.

    A unit is stopped: what runs in it is not a child of the process that waits for it.
    """
    if process.returncode is None:
        if unit is not None:
            stopping = await asyncio.create_subprocess_exec(*unit.stop, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
            await stopping.wait()
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
