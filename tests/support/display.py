"""A real X server that shows nothing, for a test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

needs_x11 = pytest.mark.skipif(not all(map(shutil.which, ("Xvfb", "xdotool"))), reason="needs Xvfb and xdotool")


class Display(NamedTuple):
    """A display, and the process of its server."""

    name: str
    server: subprocess.Popen[bytes]


@contextmanager
def display(*options: str) -> Generator[Display]:
    """A display that runs during the block; `options` are Xvfb's."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "320x200x24", "-noreset", "-nolisten", "tcp", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        try:
            yield Display(f":{server.stdout.readline().decode().strip()}", server)
        finally:
            server.terminate()
