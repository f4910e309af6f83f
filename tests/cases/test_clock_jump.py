"""A clock that is set far forward while the service runs."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from support.machine import Machine

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
BEHIND_DAYS = 1400
WATCHDOG_S, LOOK_WITHIN_S, MOST_MB = 20, 60.0, 120
"""Seconds of the watchdog, in which the service looks twice; seconds to wait for a look; and the most memory."""


class Step(NamedTuple):
    """What was seen of the service after its clock was set forward."""

    looked_after_s: float | None
    """Seconds until it looked; None if it did not in time, or needed too much memory before."""
    most_mb: int


def resident_mb(process: subprocess.Popen[str]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text("ascii")
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def looks(supervisor: socket.socket, process: subprocess.Popen[str]) -> Iterator[bool]:
    """Yield ten times a second whether the service has looked since the last time."""
    while process.poll() is None:
        try:
            yield b"WATCHDOG=1" in supervisor.recv(4096)
        except TimeoutError:
            yield False


def stepped(process: subprocess.Popen[str], supervisor: socket.socket, clock: Path) -> Step:
    started = time.monotonic()
    for looked in looks(supervisor, process):
        if time.monotonic() - started > LOOK_WITHIN_S:
            raise TimeoutError("the service does not look at all")
        if looked:
            break
    clock.write_text("+0\n")
    jumped, most = time.monotonic(), 0
    for looked in looks(supervisor, process):
        most = max(most, resident_mb(process))
        after = time.monotonic() - jumped
        if looked:
            return Step(after, most)
        if after > LOOK_WITHIN_S or most > MOST_MB:
            return Step(None, most)
    raise RuntimeError(f"the service ended with {process.returncode}")


@pytest.mark.ring
@pytest.mark.skipif(LIBRARY is None, reason="libfaketimeMT.so.1 is not installed (Debian's package faketime)")
@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="APScheduler goes through every run of an interval job that was missed"
)
def test_a_clock_that_is_set_forward_by_years_delays_no_look_and_takes_no_memory(tmp_path: Path) -> None:
    """agronholm/apscheduler #526, #1066 and #35: a scheduler whose clock is set far forward lists every run it missed.

    A computer without a battery for its clock begins years ago, `hipsync run` starts at login, and NTP sets the time.
    """
    machine = Machine(tmp_path)
    with machine.process("pair", "--simulate", "huami") as pairing:
        _, errors = pairing.communicate(timeout=60)
    if pairing.returncode:
        raise RuntimeError(errors)
    clock, address = tmp_path / "clock", tmp_path / "notify"
    clock.write_text(f"-{BEHIND_DAYS}d\n")
    faked = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NOTIFY_SOCKET": str(address),
        "WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000),
    }
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as supervisor:
        supervisor.bind(str(address))
        supervisor.settimeout(0.1)
        with machine.process("run", env=faked) as service:
            try:
                step = stepped(service, supervisor, clock)
            finally:
                service.kill()
    assert step.most_mb <= MOST_MB
    assert step.looked_after_s is not None
