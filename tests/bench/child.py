"""What one command costs: the CPU time of its process, and the most memory that it had resident.

The command is a child of a small process, which this file is when it is run. It cannot be one of the benchmark or of
the tests, which hold a year of rows: a new process starts with the peak of the one that made it, and keeps it when it
becomes another program (getrusage(2): "resource usage metrics are preserved across an execve(2)").
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

A_MIB = 2**20 if sys.platform == "darwin" else 2**10
"""How many units of `ru_maxrss` are a MiB: it counts bytes on macOS, else KiB."""


class Child(NamedTuple):
    """What a process took, in user and system mode together."""

    cpu_s: float
    peak_mib: float


def child(command: Sequence[str]) -> Child:
    """Run a command to its end. Raises `CalledProcessError`, with what it wrote to standard error, if it fails."""
    small = [sys.executable, __file__, *command]
    return Child(*json.loads(subprocess.run(small, check=True, capture_output=True).stdout))


def main(command: list[str]) -> int:
    """Run a command, whose standard output is dropped; print the values of its `Child`, and return its exit code."""
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=silent)
    _, status, used = os.wait4(pid, 0)
    print(json.dumps(Child(used.ru_utime + used.ru_stime, used.ru_maxrss / A_MIB)))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
