"""Settings and hooks for all tests."""

import gc
import os

from hypothesis import settings

from support.shared import pytest_configure, pytest_runtest_setup, pytest_terminal_summary

__all__ = [
    "pytest_collection_finish",
    "pytest_configure",
    "pytest_runtest_setup",
    "pytest_terminal_summary",
    "pytest_xdist_auto_num_workers",
]

settings.register_profile("full", deadline=None, max_examples=100)  # a deadline is a test of timing
settings.register_profile("short", settings.get_profile("full"), max_examples=20)
settings.load_profile("short")  # .ci/run tries the properties at full size too, with --hypothesis-profile=full


def pytest_collection_finish() -> None:
    """Spare all that was collected, half a million objects, the garbage collections while tests run."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of processes for `-n auto`: one more than processors, because many tests mostly wait.

    They wait for processes, simulated radios and time-outs. `PYTEST_XDIST_AUTO_NUM_WORKERS` has its usual effect.
    """
    return int(os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") or (os.cpu_count() or 1) + 1)
