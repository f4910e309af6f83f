"""The file in which a plain status bar reads what `hipsync status --line` prints, kept by the running service.

It is replaced as a whole and only when its line changes, its owner alone can read it, and it is there only while the
service runs and knows what to say. The one rule: whatever is the matter with the file, the service goes on.
"""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType
from typing import Self

from hipsync.private import own_folder, refuse_shared, replacing

log = logging.getLogger(__name__)


class LineFile:
    """The file with the line. As a context manager it takes away what a killed service left, and at the end its own."""

    def __init__(self, file: Path | None) -> None:
        """With None there is no such file."""
        self._file = file
        self._line: str | None = None
        """What the file says; None if it is not there, or is not ours."""
        self._failing = False

    def __enter__(self) -> Self:
        """Take a file away that is there already."""
        self.remove()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the file away."""
        self.remove()

    def show(self, line: str) -> None:
        """Let the file say this line. That it cannot be written is logged once, until it can."""
        if self._file is None or (line == self._line and self._file.exists()):
            return
        try:
            own_folder(self._file.parent)
            with replacing(self._file) as fresh:
                fresh.write_text(f"{line}\n", "utf-8")
        except OSError as error:
            level = logging.DEBUG if self._failing else logging.WARNING
            log.log(level, "no line for status bars: %s: %s", self._file, error.strerror)
            self._line, self._failing = None, True
        else:
            self._line, self._failing = line, False

    def remove(self) -> None:
        """Take the file away, because nobody knows what it should say."""
        self._line = None
        if self._file is not None:
            try:
                refuse_shared(self._file.parent)
                self._file.unlink(missing_ok=True)
            except OSError as error:
                log.debug("the line for status bars is left alone: %s: %s", self._file, error.strerror)
