"""The computer's clock is set while `hipsync run` runs: back, forward, by hours, by years. And the process is stopped.

libfaketime gives the process another wall clock, from a file that the test changes while it runs; time passes as ever.
Each test prints its figures: `pytest -m ring -n 0 -s tests/cases/test_clock_jump.py`.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from support.machine import Machine

pytestmark = pytest.mark.ring

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
WATCHDOG_S = 180
"""Seconds of the watchdog: so many that it asks for no more looks than there are without it."""
WATCHED_S = 125.0
"""Seconds for which the service is watched after its clock was set: two minutes, and a bit more for the last look."""
MOST_MB, EXTRA_MB, ENDS_WITHIN_S = 120, 15, 5.0
"""The most memory, and how much more of it a step may cost; seconds within which SIGTERM must be obeyed."""
TO_1972 = datetime(2026, 11, 29, tzinfo=UTC) - datetime(1972, 1, 1, tzinfo=UTC)


class Run:
    """A running service, and what it tells its supervisor."""

    def __init__(
        self, process: subprocess.Popen[str], supervisor: socket.socket, environment: Mapping[str, str]
    ) -> None:
        self.process, self._supervisor, self.environment = process, supervisor, environment
        self.texts: list[str] = []
        """What it said of itself so far."""

    def looks(self, seconds: float, *, only_one: bool = False) -> list[float]:
        """Return when the service looked in the next `seconds`, as seconds from now; with `only_one` the first only."""
        began, seen = time.monotonic(), list[float]()
        while (passed := time.monotonic() - began) < seconds and not (only_one and seen):
            if self.process.poll() is not None:
                raise RuntimeError(f"the service ended with {self.process.returncode}")
            try:
                told = self._supervisor.recv(4096).decode()
            except TimeoutError:
                continue
            self.texts.append(told)
            if "WATCHDOG=1" in told:
                seen.append(passed)
        return seen

    def until_it_waits(self) -> None:
        """Return once the process has used no time of a processor for two seconds: a look takes some, a wait none."""
        end, last, since = time.monotonic() + 60, "", time.monotonic()
        while time.monotonic() - since < 2:
            used = " ".join(Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[11:13])
            if used != last:
                last, since = used, time.monotonic()
            assert time.monotonic() < end, "it is always busy"
            time.sleep(0.05)

    def most_mb(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def ends_within_s(self) -> float:
        """Send SIGTERM, and return the seconds until the process has ended; it must end well."""
        began = time.monotonic()
        self.process.terminate()
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, errors
        return time.monotonic() - began


@contextmanager
def running(tmp_path: Path, machine: Machine, clock: str) -> Generator[Run, None, None]:
    """Run `hipsync run` with a simulated band and a faked clock that begins at this offset."""
    with machine.process("--db", str(machine.database), "pair", "--simulate", "huami") as pairing:
        _, errors = pairing.communicate(timeout=60)
    if pairing.returncode:
        raise RuntimeError(errors)
    address = tmp_path / "notify"
    (tmp_path / "clock").write_text(f"{clock}\n")
    faked = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(tmp_path / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    supervised = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000)}
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as supervisor:
        supervisor.bind(str(address))
        supervisor.settimeout(0.1)
        with machine.process("run", env={**faked, **supervised}) as service:
            try:
                yield Run(service, supervisor, faked)
            finally:
                service.kill()


def asked(machine: Machine, run: Run, *words: str) -> Mapping[str, Sequence[Mapping[str, str]]]:
    """Return what another command prints as JSON, on the same faked clock."""
    with machine.process(*words, "--json", env=run.environment) as command:
        told, errors = command.communicate(timeout=60)
    assert told, errors
    found: Mapping[str, Sequence[Mapping[str, str]]] = json.loads(told)
    return found


class Case(NamedTuple):
    """The clock is set from one offset to another, as libfaketime writes them."""

    before: str
    after: str
    by: timedelta


CASES = {
    "back 2 h": Case("+0", "-2h", timedelta(hours=-2)),
    "forward 1 h": Case("+0", "+1h", timedelta(hours=1)),
    "forward 400 days": Case("+0", "+400d", timedelta(days=400)),
    "forward 400 days, then back": Case("+400d", "+0", timedelta(days=-400)),
    "from 1972 to now": Case(f"-{TO_1972.days}d", "+0", timedelta(days=TO_1972.days)),
}


@pytest.mark.skipif(LIBRARY is None, reason="libfaketimeMT.so.1 is not installed (Debian's package faketime)")
@pytest.mark.parametrize("name", CASES)
def test_a_clock_that_is_set_delays_no_look_takes_no_memory_and_is_told(tmp_path: Path, name: str) -> None:
    """agronholm/apscheduler #526, #1066 and #35: a scheduler whose clock is set far forward lists every run it missed.

    A computer without a battery for its clock begins years ago, `hipsync run` starts at login, and NTP sets the time.
    One that keeps local time in its clock for another system begins hours ahead, and is set back.
    """
    case, machine = CASES[name], Machine(tmp_path)
    with running(tmp_path, machine, case.before) as run:
        assert run.looks(60, only_one=True), "it does not look at all"
        before_mb = run.most_mb()
        (tmp_path / "clock").write_text(f"{case.after}\n")
        looks = run.looks(WATCHED_S)
        most_mb = run.most_mb()
        steps = asked(machine, run, "status")["clock_steps"]
        findings = asked(machine, run, "doctor")["findings"]
        ended_s = run.ends_within_s()
    gaps = [later - earlier for earlier, later in zip([0.0, *looks], [*looks, WATCHED_S], strict=True)]
    print(
        f"{name}: {len(looks) / WATCHED_S * 60:.1f} looks a minute, {max(gaps):.0f} s between two at most,"
        f" {most_mb} MiB (before {before_mb}), SIGTERM obeyed in {ended_s:.1f} s"
    )
    assert max(gaps) <= 60
    assert most_mb <= min(before_mb + EXTRA_MB, MOST_MB)
    assert ended_s <= ENDS_WITHIN_S
    (step,) = steps
    by = datetime.fromisoformat(step["became"]) - datetime.fromisoformat(step["was"])
    assert abs(by - case.by) <= timedelta(seconds=2)
    dated = f"{datetime.fromisoformat(step['became']):%Y-%m-%d}"
    assert [
        each for each in findings if each["what"] == "clock" and "was put" in each["text"] and dated in each["text"]
    ]


@pytest.mark.skipif(LIBRARY is None, reason="libfaketimeMT.so.1 is not installed (Debian's package faketime)")
def test_a_process_that_was_stopped_looks_at_once_and_says_nothing_about_the_clock(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    with running(tmp_path, machine, "+0") as run:
        assert run.looks(60, only_one=True)
        run.until_it_waits()
        run.process.send_signal(signal.SIGSTOP)
        time.sleep(40)  # longer than it waits between two looks
        run.process.send_signal(signal.SIGCONT)
        (look,) = run.looks(25, only_one=True)  # one that waits anew would take 30 s
        steps = asked(machine, run, "status")["clock_steps"]
        ended_s = run.ends_within_s()
    print(f"stopped for 40 s: a look after {look:.1f} s, SIGTERM obeyed in {ended_s:.1f} s")
    assert steps == []
