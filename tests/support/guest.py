"""Runs a command in the guest with a real BlueZ, which `tests/bluez/guest` boots."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.repository import TESTS

GUEST = TESTS / "bluez" / "guest"
NO_GUEST = 77
"""The exit status of `GUEST` where no guest can run; the last line of its stderr says why."""
MUST = "HIPSYNC_BLUEZ_MUST"
"""This environment variable is set where a guest has been seen to run: one that does not run then is a failure."""


def said_in_guest(command: Sequence[str | Path], timeout_s: int) -> str:
    """Run a command in the guest and return its stdout. Skip the test where there is no guest, unless `MUST` is set.

    A command that fails, or that takes longer than `timeout_s`, fails the test with all that it wrote.
    """
    words = [GUEST, "--timeout", str(timeout_s), *command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == NO_GUEST and MUST not in os.environ:
        pytest.skip(f"no guest with BlueZ: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
