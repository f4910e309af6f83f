"""Presence as the service watches it: asked once a minute, stored seldom, and on real parts by what the kernel says."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import shutil
import subprocess
from collections.abc import Callable, Generator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hipsync.errors import StoreError
from hipsync.host.clock import FastClock, VirtualTimeLoop
from hipsync.host.presence.computer import Computer
from hipsync.host.presence.seen import Seen
from hipsync.model import MINUTE, Presence, PresenceSpan
from hipsync.service.presence import PresenceWatch
from hipsync.store import Store
from support.builders import MONDAY
from support.display import display, needs_x11
from support.private_bus import needs_dbus, private_bus


def lived(minutes: int, inputs: list[float], store: Store, wanted: Callable[[float], bool] = lambda _: True) -> int:
    """Watch a computer with input at these seconds for some minutes from Monday 00:00:30; return how often it asked."""
    loop = VirtualTimeLoop()
    clock = FastClock(loop, MONDAY + timedelta(seconds=30))
    asked = 0

    def second() -> float:
        return (clock.now() - MONDAY).total_seconds()

    async def look() -> Seen:
        nonlocal asked
        asked += 1
        before = [at for at in inputs if at <= second()]
        return Seen(idle_s=second() - before[-1] if before else 9999.0)

    async def watch() -> None:
        watched = PresenceWatch(store, clock, look, lambda: wanted(second()))
        async with watched.watching():
            await asyncio.sleep(minutes * 60)

    with contextlib.closing(loop):
        loop.run_until_complete(watch())
    return asked


def known(store: Store) -> dict[datetime, Presence]:
    spans = store.presences(MONDAY, MONDAY + timedelta(days=2))
    return {
        each.start + n * MINUTE: each.presence for each in spans for n in range((each.until - each.start) // MINUTE)
    }


@pytest.mark.parametrize("seed", range(3))
def test_each_minute_is_what_input_made_it(seed: int) -> None:
    chance = random.Random(seed)
    inputs = sorted(chance.uniform(0, 7200) for _ in range(60))
    with Store.in_memory() as store:
        assert lived(120, inputs, store) == 120
        found = known(store)
    assert sorted(found) == [MONDAY + minute * MINUTE for minute in range(1, 120)]
    for minute in range(1, 120):
        used = any(minute * 60 <= at <= minute * 60 + 57 for at in inputs)
        assert found[MONDAY + minute * MINUTE] is (Presence.USED if used else Presence.IDLE), minute


def test_while_it_is_switched_off_nobody_asks_and_nothing_is_known() -> None:
    with Store.in_memory() as store:
        assert lived(60, [], store, lambda second: not 600 <= second < 1800) == 40
        minutes = [(at - MONDAY) // MINUTE for at in known(store)]
    assert minutes == [*range(1, 10), *range(31, 60)]


def test_it_is_written_every_ten_minutes_and_when_the_service_judges_and_nothing_is_lost_meanwhile() -> None:
    class Full(Store):
        """A database that cannot be written for a while."""

        full, writes, minutes = False, 0, 0

        def add_presence(self, spans: Sequence[PresenceSpan]) -> None:
            if self.full:
                raise StoreError("the disk is full")
            Full.writes += 1
            Full.minutes += len(spans)
            super().add_presence(spans)

    with Full.in_memory() as store:
        lived(62, [], store)
        assert Full.writes == 7, "six times in an hour, and at the end"
        assert Full.minutes == 61, "each minute once"
        Full.full = True
        loop = VirtualTimeLoop()
        clock = FastClock(loop, MONDAY + timedelta(hours=6, seconds=30))

        async def look() -> Seen:
            return Seen(idle_s=0)

        async def watch() -> None:
            watched = PresenceWatch(store, clock, look, lambda: True)
            async with watched.watching():
                await asyncio.sleep(25 * 60)
                with pytest.raises(StoreError):
                    watched.store()
                Full.full = False
                watched.store()
                assert Full.writes == 8

        with contextlib.closing(loop):
            loop.run_until_complete(watch())
        later = [at for at in known(store) if at >= MONDAY + timedelta(hours=6)]
        assert later == [MONDAY + timedelta(hours=6) + minute * MINUTE for minute in range(1, 25)]


# ------------------------------------------------------------------ on real parts

MOCK = "/usr/bin/python3"
"""Debian's own Python, for which the package python3-dbusmock is."""


@contextlib.contextmanager
def mocked_logind(address: str) -> Generator[Callable[..., None]]:
    """python-dbusmock's logind with a session of this user at seat0; yields a function that calls it."""
    service = ("busctl", f"--address={address}", "call", "org.freedesktop.login1")
    command = [MOCK, "-m", "dbusmock", "--system", "--template", "logind"]
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": address}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as mock:

        def call(path: str, *words: str) -> None:
            subprocess.run([*service, f"/org/freedesktop/login1{path}", *words], check=True, capture_output=True)

        for _ in range(100):
            with contextlib.suppress(subprocess.CalledProcessError):
                call("", "org.freedesktop.DBus.Mock", "AddSession", "ssusb", "1", "seat0", str(os.getuid()), "me", "1")
                break
            subprocess.run(["sleep", "0.1"], check=True)
        try:
            yield call
        finally:
            mock.terminate()


def has_mock() -> bool:
    done = subprocess.run([MOCK, "-c", "import dbusmock"], check=False, capture_output=True)
    return done.returncode == 0


@pytest.mark.ring
@needs_dbus
@needs_x11
@pytest.mark.skipif(
    not all(map(shutil.which, ("busctl", MOCK))) or not has_mock(),
    reason="needs busctl and Debian's python3-dbusmock",
)
async def test_on_real_parts_what_is_seen_and_what_it_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real X server with real events, and logind by python-dbusmock's template; the cost of a day of asking."""
    for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with (
        private_bus(tmp_path) as address,
        display() as screen,
    ):
        monkeypatch.setenv("DISPLAY", screen.name)
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        with mocked_logind(address) as call:
            computer = Computer(lambda: MONDAY, platform="linux")
            seen = [await computer.look()]
            session = "/session/1"
            call(session, "org.freedesktop.login1.Session", "SetLockedHint", "b", "1")
            seen.append(await computer.look())
            call(session, "org.freedesktop.login1.Session", "SetLockedHint", "b", "0")
            await asyncio.sleep(1.2)
            seen.append(await computer.look())
            subprocess.run(["xdotool", "key", "a"], check=True)  # noqa: ASYNC221  an instant
            seen.append(await computer.look())
            assert [each.locked for each in seen] == [False, True, False, False]
            assert seen[2].idle_s is not None
            assert seen[2].idle_s > 1
            assert seen[3].idle_s is not None
            assert seen[3].idle_s < 1
            before, times = resource.getrusage(resource.RUSAGE_SELF), 300
            for _ in range(times):
                await computer.look()
            after = resource.getrusage(resource.RUSAGE_SELF)
            spent_s = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / times
            share = spent_s / 60
            with capsys.disabled():
                print(
                    f"\nlogind, Mutter (not there) and X11, asked once a minute: {spent_s * 1000:.2f} ms of CPU each,"
                )
                print(f"{share:.4%} of a core; what was seen: {seen}")
            assert share < 0.0005
            call(session, "org.freedesktop.DBus.Properties", "Set", "ssv", "org.freedesktop.login1.Session", "Remote", "b", "1")  # fmt: skip  # noqa: E501
            assert await computer.look() == Seen()
            computer.close()
