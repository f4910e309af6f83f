"""Opens the page of an exercise for the button "Show me" of a notice: `hipsync exercise NAME --page` in a process.

The page serves itself until it is closed, so that the service opens no port. Under systemd that process runs in a unit
of its own, outside the service's sandbox, which no browser could live in.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence

from hipsync.host.transient import detached
from hipsync.report.one_page import LASTS_S
from hipsync.text import clean

log = logging.getLogger(__name__)

GRACE_S = 60
"""Seconds beyond the life of a page after which systemd ends its unit."""


class ShowMe:
    """Opens pages, and waits for their processes to end."""

    def __init__(self, command: Sequence[str]) -> None:
        """`command` is how hipsync itself is started, with its database and settings, up to the subcommand."""
        self._command = command
        self._running: set[asyncio.Task[None]] = set()

    def __call__(self, exercise: str) -> asyncio.Task[None]:
        """Open a page on the event loop; return the task that ends when the process of the page does."""
        task = asyncio.get_running_loop().create_task(self._open(exercise))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _open(self, exercise: str) -> None:
        argv = [*self._command, "exercise", exercise, "--page"]
        outside = detached(argv, LASTS_S + GRACE_S, "an exercise, shown by hipsync")
        try:
            process = await asyncio.create_subprocess_exec(
                *(argv if outside is None else outside),
                stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            log.warning("the page of %s does not open: %s", clean(exercise), error)
            return
        if code := await process.wait():
            log.warning("the page of %s did not open: it exited with %d", clean(exercise), code)
