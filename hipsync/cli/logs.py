"""What a command logs on standard error. Only the command line sets up logging; the rest of hipsync only logs."""

from __future__ import annotations

import logging
import sys

CHATTY_LIBRARIES = ("apscheduler", "bleak", "bleak_retry_connector", "bumble", "dbus_fast")
"""Libraries of which only warnings are logged: at DEBUG they log every byte that they write, even a band's key."""


def log_everything() -> None:
    """Log all that hipsync does, with the name of each module, as `hipsync -v` asks."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    _quieten_libraries()


def log_events() -> None:
    """Log what happens to bands and prompts, one line each with the local time, as `hipsync run` does."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    _quieten_libraries()


def _quieten_libraries() -> None:
    for name in CHATTY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
