"""Where `hipsync run` shows a prompt: in this terminal, on the desktop, at home, and by a command of the user's.

A prompt can be answered by the buttons of its desktop notice; the answer goes into the store like any other. A remark
on a band is shown in the terminal and on the desktop alone. What a notice says is known to
`hipsync.service.notice`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from hipsync.core.exercises import Move
from hipsync.instants import latest
from hipsync.model import MINUTE, Answer, Occasion, Prompt, Remark, Where
from hipsync.report.card import card
from hipsync.report.json_csv import prompt_json
from hipsync.service.answers import answer_prompt, standing_prompt
from hipsync.service.desktop import Asking, on_desktop, to_desktop, withdraw
from hipsync.service.figure_files import FigureFiles
from hipsync.service.home_port import Home
from hipsync.service.notice import Notice, buttons_of, notice_of, remark_of
from hipsync.service.terminal import to_terminal
from hipsync.service.user_command import run_command
from hipsync.settings.config import Config
from hipsync.store import Store

log = logging.getLogger(__name__)

COMMAND_WITHIN_S = 10.0
"""Seconds after which the user's command is stopped: the next prompt must not wait for it."""


class Delivery:
    """Shows prompts and remarks where the user's settings want them, and stores the answers of a notice's buttons."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        config: Config,
        show_me: Callable[[str], object] | None = None,
        figures: Path | None = None,
    ) -> None:
        """`show_me` opens the page of an exercise; None if notices have no button for it.

        `figures` is the folder for the figures of desktop notices; None if they have none.
        """
        self._store, self._now, self._show_me = store, now, show_me
        self._figures = FigureFiles(figures)
        self.home: Home | None = None
        """Home automation that is shown prompts, too; None if there is none."""
        self.config = config
        """The user's settings, which may be replaced while the service runs."""
        self._failed: tuple[Sequence[str], datetime, str] | None = None
        """The user's command that failed for the last prompt, when, and why; None if it did not."""

    async def deliver(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        """Show a prompt wherever the settings allow, and return where it was shown. A `strong` one makes a sound."""
        where = await self._show(prompt, move, strong)
        if self.home is not None and await self.home.show(prompt, move, strong):
            where.append(Where.MQTT)
        if self.config.command:
            from zoneinfo import ZoneInfo

            payload = {"version": 1, **prompt_json(prompt, ZoneInfo("UTC"))}
            why = await run_command(self.config.command, payload, COMMAND_WITHIN_S)
            self._failed = None if why is None else (self.config.command, self._now(), why)
            if why is None:
                where.append(Where.COMMAND)
        return where

    async def deliver_quietly(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        """Show a prompt where nothing can be heard: not at home nor by the user's command, which may do anything."""
        del strong
        return await self._show(prompt, move, strong=False)

    async def speaks(self, occasion: Occasion, is_there: bool) -> bool:
        """Whether this computer is the one to show a reminder of an occasion; `is_there`: whether somebody is at it."""
        return self.home is None or await self.home.speaks(occasion, is_there=is_there)

    async def _show(self, prompt: Prompt, move: Move, strong: bool) -> list[Where]:
        notice = notice_of(prompt, move, strong=strong)
        where: list[Where] = []
        snooze = self.config.snooze // MINUTE
        if to_terminal(
            notice, sys.stdout, lambda pen: card(_heading(prompt, notice), move, snooze, prompt.sitting_minutes, pen)
        ):
            where.append(Where.TERMINAL)
        show = None if self._show_me is None else partial(self._show_me, move.name)
        asking = Asking(prompt.due, buttons_of(self.config.snooze), partial(self._store_answer, prompt), show)
        if self.config.desktop and await to_desktop(replace(notice, picture=self._figures.of(move)), asking):
            where.append(Where.DESKTOP)
        return where

    def open(self) -> Collection[datetime]:
        """When the prompts fell due whose notices may be on the desktop now."""
        return on_desktop()

    async def withdraw(self, of: Collection[datetime]) -> None:
        """Take the notices of the prompts that fell due at these instants away."""
        await withdraw(of)

    def trouble(self) -> str | None:
        """Why the user's command did not show the last prompt; None if it did, or if another is set by now."""
        if self._failed is None or self._failed[0] != self.config.command:
            return None
        command, at, why = self._failed
        return f"{command[0]} (prompts.command) {why}; that was at {at:%Y-%m-%d %H:%M} UTC"

    async def show_remark(self, remark: Remark) -> None:
        """Show a remark on a band, without buttons: it asks nothing."""
        notice = remark_of(remark)
        to_terminal(notice, sys.stdout)
        if self.config.desktop:
            await to_desktop(notice, None)

    async def show_damage(self) -> None:
        """Show that the database is damaged: the log and `hipsync status` say how."""
        notice = Notice("The database is damaged", "`hipsync db check` says how, `hipsync db restore FILE` mends it")
        to_terminal(notice, sys.stdout)
        if self.config.desktop:
            await to_desktop(notice, None)

    def _store_answer(self, prompt: Prompt, answer: Answer) -> None:
        """Store the answer of a button, unless it comes too late: after another answer, or for an earlier prompt."""
        since = min(prompt.at, prompt.due)  # by now another computer may be known to have shown it earlier
        standing = standing_prompt(self._store.prompts(since, latest(self._now()) + timedelta(seconds=1)))
        if standing is None or standing.key != prompt.key:
            log.info("a notice was answered too late: %s", answer)
            return
        answer_prompt(self._store, prompt, answer, self._now(), self.config.snooze)


def _heading(prompt: Prompt, notice: Notice) -> str:
    """The title of a card, which only its reader sees."""
    return "Time to get up" if prompt.occasion is Occasion.SITTING and prompt.sure else notice.title
