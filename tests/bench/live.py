"""How long a person waits for the first picture of `hipsync live`, on a year of data, beside a bare Textual app.

*Ours*: the process `hipsync --db YEAR.db live` on a terminal of 80 by 24, from its start until the terminal was sent
what stands at the foot of the screen.

*Baseline*: the process of `bare_screen.py`, a Textual app that shows one label, from its start until the terminal was
sent that label.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time
from pathlib import Path
from statistics import median

from bench import year
from bench.figure import Figure, alternating
from bench.today import environment, script

RUNS = 10
BARE = Path(__file__).with_name("bare_screen.py")
LONGEST_S = 30.0


def figures(folder: Path, minutes: int = year.MINUTES, runs: int = RUNS) -> list[Figure]:
    path = year.database(folder, minutes)
    ours = script(folder, "hipsync.__main__", "--db", str(path), "live")
    shutil.copy(BARE, folder)
    theirs = script(folder, "bare_screen")
    around = {**environment(folder), "TERM": "xterm-256color", "LANG": "C.UTF-8"}

    def run(command: list[str], shown: bytes) -> float:
        return milliseconds(command, shown, around)

    run(ours, b"quit")  # compiles
    run(theirs, b"bare")
    own, bare = alternating(lambda: run(ours, b"quit"), lambda: run(theirs, b"bare"), runs)
    return [Figure("live: first picture, against a bare Textual app", median(own), "ms", median(bare), 1.5)]


def milliseconds(command: list[str], shown: bytes, environment: dict[str, str]) -> float:
    """Return the milliseconds from the start of a command until its terminal was sent `shown`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        sent = b""
        try:
            while shown not in sent:
                left = LONGEST_S - (time.perf_counter() - began)
                if left <= 0 or not select.select([ours], [], [], left)[0]:
                    raise RuntimeError(f"it shows nothing: {sent[-500:]!r}")
                sent += os.read(ours, 65536)
            return 1e3 * (time.perf_counter() - began)
        finally:
            process.kill()
            os.close(ours)
