"""What a command logs on standard error. Logging is set up by the command line alone: no other room does."""

from __future__ import annotations

import logging
import sys

CHATTY_LIBRARIES = ("apscheduler", "bleak", "bleak_retry_connector", "bumble", "dbus_fast")
"""At DEBUG these log every byte that they write, and one of those writes may be a band's key: warnings must do."""


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
