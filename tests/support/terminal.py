"""A person at a terminal of 24 lines: commands are typed, questions answered, and all that is shown is read."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping

from support.machine import COMMAND, Machine
from support.repository import ROOT

LONGEST_S = 90.0


def typed(
    machine: Machine, *words: str, answers: Mapping[str, str] | None = None, columns: int = 80
) -> tuple[int, str]:
    """Type `hipsync WORDS`, and the answer to each question whose text is a key of `answers`, each time it is asked.

    Return the exit code, and what the terminal showed, without what moves its cursor.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    path = os.pathsep.join([str(ROOT), str(ROOT / "devices")])
    around = {
        **os.environ,
        **machine.environment,
        "PYTHONPATH": path,
        "TERM": "xterm",
        "NO_COLOR": "1",
        "COLUMNS": f"{columns}",
    }
    shown, answered, end = "", 0, time.monotonic() + LONGEST_S
    with subprocess.Popen([*COMMAND, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=around) as process:
        os.close(theirs)
        try:
            while select.select([ours], [], [], max(end - time.monotonic(), 0))[0]:
                try:
                    part = os.read(ours, 65536)
                except OSError:  # Linux's end of a pty
                    break
                if not part:
                    break
                shown += part.decode("utf-8", "replace")
                for question, answer in (answers or {}).items():
                    if shown[answered:].rstrip().endswith(question):
                        os.write(ours, answer.encode())
                        answered = len(shown)
            return process.wait(10), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[^\n]*\r(?!\n)", "", shown).replace("\r\n", "\n")
        finally:
            process.kill()
            os.close(ours)
