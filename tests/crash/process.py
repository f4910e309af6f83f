"""The two other processes of the crash rings: each answers a line with a line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from support.repository import TESTS


@dataclass
class Process:
    """A helper that answers a line with a line."""

    child: subprocess.Popen[str]

    def tell(self, line: str) -> None:
        self._pipe(self.child.stdin).write(line + "\n")
        self._pipe(self.child.stdin).flush()

    def hear(self) -> str:
        line = self._pipe(self.child.stdout).readline()
        assert line, "the other process died"
        return line.strip()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


@contextmanager
def process(module: str) -> Generator[Process, None, None]:
    path = os.pathsep.join(map(str, (TESTS.parent, TESTS.parent / "devices", TESTS)))
    with subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as child:
        try:
            yield Process(child)
        finally:
            child.kill()
