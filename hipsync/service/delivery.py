"""Where `hipsync run` shows a prompt: this terminal, the desktop, a command of the user's; and a remark: not there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime

from hipsync.core.exercises import Move
from hipsync.model import Answer, Prompt, Remark, Where
from hipsync.report.json_csv import prompt_json
from hipsync.service.answers import answer_prompt
from hipsync.service.notify import notice_of, remark_of, run_command, to_desktop, to_terminal
from hipsync.settings.config import Config
from hipsync.store import Store

COMMAND_WITHIN_S = 10.0
"""A hook that takes longer is stopped: the next prompt must not wait for it."""


class Delivery:
    """Shows prompts, and writes down what the buttons of a notice answer."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        config: Config,
    ) -> None:
        self._store, self._now = store, now
        self.config = config
        """May be replaced while the service runs."""

    async def deliver(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        notice = notice_of(prompt, move, strong=strong)
        where: list[Where] = []
        if to_terminal(notice, sys.stdout):
            where.append(Where.TERMINAL)
        if self.config.desktop and await to_desktop(notice, lambda answer: self._answered(prompt, answer)):
            where.append(Where.DESKTOP)
        if self.config.command:
            from zoneinfo import ZoneInfo

            payload = {"version": 1, **prompt_json(prompt, ZoneInfo("UTC"))}
            if await run_command(self.config.command, payload, COMMAND_WITHIN_S):
                where.append(Where.COMMAND)
        return where

    async def tell(self, remark: Remark) -> None:
        """On this terminal and the desktop, without buttons: there is nothing to answer."""
        notice = remark_of(remark)
        to_terminal(notice, sys.stdout)
        if self.config.desktop:
            await to_desktop(notice, None)

    def _answered(self, prompt: Prompt, answer: Answer) -> None:
        answer_prompt(self._store, prompt, answer, self._now(), self.config.snooze)
