"""Settings and hooks for all tests."""

import os

from hypothesis import settings

from support.shared import pytest_configure, pytest_runtest_setup, pytest_terminal_summary

__all__ = [
    "pytest_configure",
    "pytest_runtest_setup",
    "pytest_terminal_summary",
    "pytest_xdist_auto_num_workers",
]

settings.register_profile("any machine", deadline=None)  # a deadline is a test of timing
settings.load_profile("any machine")


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of processes for `-n auto`: one more than processors, because many tests mostly wait.

    They wait for processes, simulated radios and time-outs. `PYTEST_XDIST_AUTO_NUM_WORKERS` has its usual effect.
    """
    return int(os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") or (os.cpu_count() or 1) + 1)
