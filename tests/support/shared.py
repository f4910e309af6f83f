"""Where the tests find recorded bytes and real minutes: in this repository, and in an optional folder beside it.

`VECTORS` and `DATA` are committed, so a test that reads them runs on every clone and never skips. The larger data
(eleven people for a month, posture sensors) lie in `../shared/data`, or in the folder `data` of the one that the
environment variable `HIPSYNC_SHARED` names. A test that wants them carries the mark `needs_shared("FILE")`: without the
file it skips, and one line at the end of the run counts such tests. With `HIPSYNC_SHARED_MUST=1` it fails instead.

The hooks that do so are here too; `conftest.py` hands them to pytest.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.repository import ROOT, TESTS

VECTORS = TESTS / "vectors"
"""The folder of bytes that other people recorded or published, by file of several families."""
DATA = TESTS / "data"
"""The folder of real minutes that are committed: a week of three people, and Garmin's monitoring files."""
LARGER = Path(os.environ.get("HIPSYNC_SHARED") or ROOT.parent / "shared") / "data"
"""The folder of the larger data, which need not exist."""
WANT = "../shared/data (larger data)"
"""What a test was skipped for, if this module skipped it."""


def needs_shared(*names: str) -> pytest.MarkDecorator:
    """Return the mark for a test that reads these files of `LARGER`."""
    return pytest.mark.needs_shared(*names)


def missing(names: Sequence[str]) -> list[str]:
    """Return those of the names that are no files in `LARGER`."""
    return [name for name in names if not (LARGER / name).exists()]


# ------------------------------------------------------------------ pytest's hooks


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs_shared(*names): reads these files of ../shared/data; skips without them")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    wanted = [name for mark in item.iter_markers("needs_shared") for name in mark.args]
    if absent := missing(wanted):
        reason = f"for want of {WANT}: {', '.join(absent)}"
        if os.environ.get("HIPSYNC_SHARED_MUST") == "1":
            pytest.fail(f"{reason}, which HIPSYNC_SHARED_MUST=1 asks for", pytrace=False)
        pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    count = sum(f"for want of {WANT}" in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.write_line(f"{count} test{'s' * (count > 1)} skipped for want of {WANT}")
