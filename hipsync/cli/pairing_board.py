"""What a pairing tells and asks where nobody sits at a terminal: a board that the page shows, and is answered on.

A pairing runs in a thread with an event loop of its own, and the site answers its browser in others. Between them
stands the `Board`. Nothing of it is stored, and a key that was typed is on it no longer than it takes to hand it on.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from hipsync.cli.app import checked_name
from hipsync.cli.passkey import LONGEST_PIN, passkey_of
from hipsync.errors import ConfigError
from hipsync.report.page.pair import Asked, Found, Kind, PairingShown, Told
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.report.family_words import Line
    from hipsync.service.pairing_ports import InReach

LONGEST_LINE, LONGEST_ANSWER = 1000, 100
KEY_WITHIN_S, NAME_WITHIN_S, FELT_WITHIN_S, BOND_WITHIN_S = 600.0, 600.0, 60.0, 60.0
"""Seconds for which each question waits. While the last two are asked, the band is connected."""
OVER = "that question is over"
T = TypeVar("T")


class Board:
    """What was told so far, and the question that waits for an answer. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown = PairingShown(busy=True)
        self._questions = 0
        self._answer: concurrent.futures.Future[str] | None = None
        self._call_off: Callable[[], object] | None = None

    @contextlib.contextmanager
    def stoppable(self) -> Generator[None]:
        """Let `stop` cancel the task that runs the block."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in a task
        with self._lock:
            self._call_off = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            yield
        finally:
            with self._lock:
                self._call_off = None

    def stop(self) -> None:
        """Call off what the board shows, if it is not over."""
        with self._lock:
            if self._call_off is not None:
                self._call_off()

    @property
    def shown(self) -> PairingShown:
        """The board as it is now."""
        with self._lock:
            return self._shown

    def count(self, epochs: int, of: int | None) -> None:
        """Show how many epochs have been fetched, of about how many; None if nobody knows."""
        with self._lock:
            self._shown = self._shown._replace(fetched=(epochs, of))

    def end(self, *, found: Sequence[Found] | None = None, failed: str = "", paired: str = "") -> None:
        """Show what came of it: the bands that were found, why it failed, or the name of the band that is paired."""
        with self._lock:
            self._shown = self._shown._replace(busy=False, fetched=None, found=found, failed=failed, paired=paired)

    def tell(self, *lines: Told) -> None:
        """Show more lines, and no count."""
        with self._lock:
            self._shown = self._shown._replace(told=(*self._shown.told, *lines), fetched=None)

    async def ask(self, kind: Kind, text: str, within_s: float, *, proposed: str = "", wrong: str = "") -> str | None:
        """Ask a question and return the answer, trimmed; None if there is none within `within_s` seconds."""
        answer: concurrent.futures.Future[str] = concurrent.futures.Future()
        with self._lock:
            self._questions += 1
            self._answer = answer
            self._shown = self._shown._replace(asked=Asked(self._questions, kind, text, proposed, wrong), fetched=None)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(answer), within_s)
        except TimeoutError:
            return None
        finally:
            with self._lock:
                self._answer = None
                self._shown = self._shown._replace(asked=None)

    def answer(self, question: str, text: str) -> None:
        """Answer a question by its number. Raises `ConfigError` if it does not wait any more."""
        with self._lock:
            asked, waiting, self._answer = self._shown.asked, self._answer, None
            if asked is None or waiting is None or question != str(asked.number):
                self._answer = waiting
                raise ConfigError(OVER)
            self._shown = self._shown._replace(asked=None)
        waiting.set_result(text.strip()[:LONGEST_ANSWER])


class PagePerson:
    """The ports `service.pairing_ports.Person` and `radio.bluez_agent.Person` for somebody who looks at a board."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def show(self, line: str) -> None:
        self._board.tell(Told("line", clean(line, LONGEST_LINE)))

    def show_family(self, name: str, lines: Iterable[Line]) -> None:
        told = [Told("family", clean(text, LONGEST_LINE), label) for label, text in lines]
        self._board.tell(Told("name", clean(name)), *told)

    def show_step(self, line: str) -> None:
        self._board.tell(Told("step", clean(line, LONGEST_LINE)))

    def show_count(self, epochs: int, of: int | None) -> None:
        self._board.count(epochs, of)

    async def has_buzzed(self) -> bool | None:
        said = await self._board.ask("felt", "Did it buzz?", FELT_WITHIN_S)
        return None if said is None else said == "yes"

    async def name_for(self, proposed: str) -> str:
        return await self._until_it_is(checked_name, "name", "A name for it", NAME_WITHIN_S, proposed) or proposed

    async def choose(self, devices: Sequence[InReach]) -> InReach:
        raise ConfigError(f"{len(devices)} bands are nearby: choose one")  # the page pairs a band that was chosen

    def given_key(self) -> bytes | None:
        return None

    async def ask_key(self) -> bytes:
        from hipsync.store.keys import parsed_key

        key = await self._until_it_is(parsed_key, "key", "The band's key", KEY_WITHIN_S)
        if key is None:
            raise ConfigError("this band needs its key, and nobody gave it")
        return key

    async def passkey(self) -> int | None:
        return await self._until_it_is(passkey_of, "passkey", "The band shows six digits", BOND_WITHIN_S)

    async def pin(self) -> str | None:
        said = await self._board.ask("pin", "The band's PIN (see its manual; often 0000)", BOND_WITHIN_S)
        return clean(said or "", LONGEST_PIN) or None

    async def agrees(self, passkey: int) -> bool:
        return await self._board.ask("agrees", f"Does the band show {passkey:06}?", BOND_WITHIN_S) == "yes"

    def shown(self, text: str) -> None:
        self._board.tell(Told("line", f"Type this on the band: {clean(text)}"))

    async def _until_it_is(
        self, read: Callable[[str], T], kind: Kind, text: str, within_s: float, proposed: str = ""
    ) -> T | None:
        """Ask until `read` takes the answer, and return what it makes of it; None if no answer comes."""
        wrong = ""
        while (said := await self._board.ask(kind, text, within_s, proposed=proposed, wrong=wrong)) is not None:
            try:
                return read(said)
            except ConfigError as error:
                wrong = str(error)
        return None
