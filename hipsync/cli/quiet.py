"""What Python and libraries would print of their own accord, and nobody asked for: it is kept off standard error.

`hipsync.cli.logs` shows it again. The two are apart because logging takes milliseconds to import, and people wait for
commands that log nothing.
"""

from __future__ import annotations

import sys
import warnings

CHATTY_LIBRARIES = ("apscheduler", "bleak", "bleak_retry_connector", "bumble", "dbus_fast")
"""Libraries of which only warnings are logged: at DEBUG they log every byte that they write, even a band's key."""


def quieten_python() -> None:
    """Keep Python from printing tracebacks of its own: those of what Ctrl-C ended, for example."""
    sys.unraisablehook = lambda _: None
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def quieten_libraries() -> None:
    """Keep libraries from logging tracebacks of their own, such as asyncio those of tasks that Ctrl-C ended.

    A command that logs (`-v`, `run`) shows them again.
    """
    import logging

    for name in ("asyncio", *CHATTY_LIBRARIES):
        logging.getLogger(name).propagate = False
        logging.getLogger(name).addHandler(logging.NullHandler())
