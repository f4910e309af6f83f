"""The files with the still figures of exercises, which notice servers show beside a reminder.

A server reads such a file itself, so it lies in the folder of the login session, where every program of the user may
read. The one rule: whatever is the matter with a file, the notice comes without a figure.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from hipsync.private import own_folder, replacing

if TYPE_CHECKING:
    from hipsync.core.exercises import Move

log = logging.getLogger(__name__)


class FigureFiles:
    """The files with figures, each written when it is first needed."""

    def __init__(self, folder: Path | None) -> None:
        """With None there are no such files."""
        self._folder = folder
        self._failing = False

    def of(self, move: Move) -> Path | None:
        """The file with the still figure of an exercise; None if it has no figure, or the file cannot be written."""
        from hipsync.core.own_figures import figure_of

        figure = figure_of(move)
        if figure is None or self._folder is None:
            return None
        from hipsync.report.figure_icon import icon

        file, drawn = self._folder / f"{move.name}.svg", icon(figure).encode()
        try:
            own_folder(self._folder)
            if not (file.is_file() and file.read_bytes() == drawn):
                with replacing(file) as fresh:
                    fresh.write_bytes(drawn)
        except OSError as error:
            log.log(
                logging.DEBUG if self._failing else logging.WARNING,
                "no figure in notices: %s: %s",
                file,
                error.strerror,
            )
            self._failing = True
            return None
        self._failing = False
        return file
