"""Shows a notice on a terminal: a card or one line, in which no word can steer the terminal."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import TextIO

from hipsync.report.card import NARROWEST
from hipsync.report.pen import Pen, pen_for
from hipsync.service.notice import Notice

log = logging.getLogger(__name__)


def to_terminal(notice: Notice, stream: TextIO, card: Callable[[Pen], Sequence[str]] | None = None) -> bool:
    """Write a notice, with a bell if it is strong; return whether it went to a terminal.

    It is one line; on a terminal that is wide enough, what `card` makes for it. Nothing in the words can steer the
    terminal, and characters that it cannot show become question marks. A stream that is closed makes it False.
    """
    text = notice.line
    encoding = stream.encoding or "utf-8"
    try:
        terminal = stream.isatty()
        if card is not None and terminal:
            pen = pen_for(stream, colour=not os.environ.get("NO_COLOR"))
            text = "\n".join(card(pen)) if pen.columns >= NARROWEST else text
        bell = "\a" if notice.strong and terminal else ""
        stream.write(f"{bell}{text.encode(encoding, 'replace').decode(encoding)}\n")
        stream.flush()
    except (OSError, ValueError) as error:  # ValueError: somebody closed it
        log.debug("the terminal is gone: %s", error)
        return False
    return terminal
