"""What a command logs on standard error. Only the command line sets up logging; the rest of hipsync only logs."""

from __future__ import annotations

import logging
import sys
from typing import Any

from hipsync.cli.quiet import CHATTY_LIBRARIES
from hipsync.text import one_line


def log_everything() -> None:
    """Log all that hipsync does, with the name of each module, as `hipsync -v` asks."""
    _log(logging.DEBUG, _SafeLines("%(asctime)s %(name)s %(message)s"))


def log_events() -> None:
    """Log what happens to bands and prompts, one line each with the local time, as `hipsync run` does."""
    _log(logging.INFO, _SafeLines("%(asctime)s %(message)s", "%H:%M:%S"))


class _SafeLines(logging.Formatter):
    """Makes one line of each record, and lines that are safe to show of a traceback.

    Names of bands, errors of devices and words of other libraries are strangers' texts. They must neither steer the
    terminal, nor the one in which somebody reads the journal, nor look like another record.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802  logging's name
        lines = super().formatException(ei).splitlines()
        indents = (len(line) - len(line.lstrip(" ")) for line in lines)
        return "\n".join(f"{' ' * (2 + indent)}{one_line(line)}" for indent, line in zip(indents, lines, strict=True))


def _log(level: int, lines: logging.Formatter) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(lines)
    logging.basicConfig(level=level, handlers=[handler])
    _quieten_libraries()


def _quieten_libraries() -> None:
    sys.unraisablehook = sys.__unraisablehook__
    for name in ("asyncio", *CHATTY_LIBRARIES):
        logging.getLogger(name).propagate = True
    for name in CHATTY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
