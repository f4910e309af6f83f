"""`hipsync run` in real time: what it costs to leave it running.

    uv run python -m bench.service [MINUTES]        20 by default

Two processes are watched through /proc, beside one that serves the simulated bands:

- **three bands**: the service as `hipsync run` builds it, with a Mi Band and a FitPro band, which are contacted now and
  then, and a PineTime, which stays connected and is heard every minute. Bumble's Bluetooth host stands in for BlueZ,
  runs in the same process and is counted with it;
- **no Bluetooth**: the command itself, with two bands paired and no way to reach them: it listens and tries again.
  There is no simulation in this process, so its memory is hipsync's own.

CPU is that of the process. Wake-ups are its voluntary context switches: how often it went to sleep and came back.
Memory is what is resident after one minute, half of the time and all of it; it may not grow.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.exercises import Move
from hipsync.host.clock import SystemClock
from hipsync.model import Prompt, Where
from hipsync.office_day import office_days
from hipsync.store import Store

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
KINDS = ("huami", "fitpro", "infinitime")
MINUTES = 20
APART_S = 60
"""Seconds between samples. At the first one the imports and the first contacts are over."""
HIPSYNC = "from hipsync.__main__ import main; main()"
TICKS = os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    """What one process has used since it began; memory, files and threads are as they are now."""

    at_s: float
    cpu_s: float
    wakes: int
    resident_kib: int
    files: int
    threads: int


def sample(pid: int) -> Sample:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    wakes = 0
    for task in tasks:
        with contextlib.suppress(OSError):
            held = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
            wakes += int(held["voluntary_ctxt_switches"])
    return Sample(
        time.monotonic(),
        (int(fields[11]) + int(fields[12])) / TICKS,
        wakes,
        int(status["VmRSS"].split()[0]),
        len(list(Path(f"/proc/{pid}/fd").iterdir())),
        len(tasks),
    )


# ------------------------------------------------------------------ the processes


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  real time is what is measured


async def bands() -> None:
    """Serve the bands until the end of input, and print the transport by which they are reached."""
    from hipsync.radio.simulation import serve
    from hipsync.registry import simulator

    zone = ZoneInfo("UTC")
    life = office_days(now().date() - timedelta(days=7), 9, zone)
    made = [simulator(kind)(life, now=now(), zone=zone, secret=KEY) for kind in KINDS]
    async with serve(made, "tcp-server:127.0.0.1:0", now) as transport:
        print(transport, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def three_bands(database: Path, transport: str) -> None:
    """Run the service as `cli/run.py` builds it, on the simulated radio at `transport`."""
    from hipsync.radio.bleak_radio import BleakRadio
    from hipsync.radio.simulation import bumble_adapter
    from hipsync.registry import drivers
    from hipsync.service.daemon import run
    from hipsync.service.service import Service
    from hipsync.service.state import settings_of
    from hipsync.settings.config import Config

    async def nowhere(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        return []

    with Store.open(database) as store:
        async with bumble_adapter(transport) as adapter:
            radio = BleakRadio(adapter)
            service = Service(
                store, settings_of(Config(), "UTC"), radio=radio, drivers=drivers(), secret=lambda _: KEY,
                deliver=nowhere, now=now, hear=radio.hear,
            )  # fmt: skip
            await run(service, SystemClock())


def paired(database: Path, kinds: Sequence[str]) -> None:
    with Store.open(database) as store:
        for number, kind in enumerate(kinds, 1):
            store.add_band(
                name=kind,
                driver=kind,
                address=f"C0:00:00:00:00:{number:02X}",
                advertised_name=kind,
                now=now(),
                vouches=True,
            )


# ------------------------------------------------------------------ the figures


def measure(folder: Path, minutes: float) -> dict[str, list[Sample]]:
    """Return the samples of each process by its name, a minute apart."""
    mine, theirs = folder / "bands.db", folder / "nobody.db"
    paired(mine, KINDS)
    paired(theirs, KINDS[::2])
    script = [sys.executable, "-m", "bench.service"]
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context(
            subprocess.Popen([*script, "--bands"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        assert holder.stdin is not None
        assert holder.stdout is not None
        stack.callback(holder.stdin.close)
        transport = holder.stdout.readline().strip()
        nowhere = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/nobody"}
        log = stack.enter_context((folder / "log").open("w"))
        watched = {
            "three bands": subprocess.Popen([*script, "--service", str(mine), transport], stdout=log, stderr=log),
            "no Bluetooth": subprocess.Popen(
                [sys.executable, "-c", HIPSYNC, "--db", str(theirs), "run"], stdout=log, stderr=log, env=nowhere
            ),
        }
        samples: dict[str, list[Sample]] = {name: [] for name in watched}
        began = time.monotonic()
        try:
            for minute in range(1, round(minutes) + 1):
                time.sleep(max(began + minute * APART_S - time.monotonic(), 0))
                for name, process in watched.items():
                    assert process.poll() is None, (name, (folder / "log").read_text())
                    samples[name].append(sample(process.pid))
        finally:
            for process in watched.values():
                process.send_signal(signal.SIGTERM)
            for process in watched.values():
                process.wait()
    with Store.read(mine) as store:
        for band in store.bands():
            print(f"# {band.name}: {len(store.syncs(band.id))} contacts", file=sys.stderr)
    return samples


def table(samples: dict[str, list[Sample]]) -> str:
    heads = ("% of a core", "CPU s/h", "wake-ups/min", "MiB after 1 min", "half", "end", "files", "threads")
    lines = [" " * 12 + "".join(f"{head:>{len(head) + 2}}" for head in heads)]
    for name, found in samples.items():
        first, half, last = found[0], found[len(found) // 2], found[-1]
        passed = last.at_s - first.at_s
        share, wakes = (last.cpu_s - first.cpu_s) / passed, (last.wakes - first.wakes) / passed * 60
        memory = [each.resident_kib / 1024 for each in (first, half, last)]
        cells = [f"{share * 100:.2f}", f"{share * 3600:.1f}", f"{wakes:.1f}", *(f"{mib:.1f}" for mib in memory)]
        cells += [f"{first.files}-{last.files}", f"{first.threads}-{last.threads}"]
        lines.append(f"{name:<12}" + "".join(f"{c:>{len(head) + 2}}" for c, head in zip(cells, heads, strict=True)))
    return "\n".join(lines)


def main(words: Sequence[str]) -> None:
    match words:
        case ["--bands"]:
            asyncio.run(bands())
        case ["--service", database, transport]:
            asyncio.run(three_bands(Path(database), transport))
        case [] | [_]:
            with tempfile.TemporaryDirectory(prefix="hipsync-bench-") as folder:
                print(table(measure(Path(folder), float(words[0]) if words else MINUTES)))
        case _:
            sys.exit("usage: python -m bench.service [MINUTES]")


if __name__ == "__main__":
    main(sys.argv[1:])
