"""Adds a band from the page: one pairing at a time, in a thread of its own, by the same steps as `hipsync pair`."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hipsync.cli.app import App
from hipsync.cli.pairing import pair_band
from hipsync.cli.pairing_board import Board, PagePerson
from hipsync.cli.scan import signal_text
from hipsync.errors import ConfigError, HipsyncError
from hipsync.report.page.pair import Found, Offered, PairingShown, Told
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.model import Band
    from hipsync.service.which_band import Wanted

log = logging.getLogger(__name__)

ENDS_WITHIN_S = 5.0
"""Seconds that a pairing has to let go of the band when the site ends."""


class PagePairing:
    """The pairing that the page shows, which runs or ran last. Every method may be called from any thread."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._board: Board | None = None
        self._thread: threading.Thread | None = None

    @property
    def database(self) -> Path:
        """The database in which bands are added."""
        return self._app.database

    def shown(self) -> PairingShown:
        """What the page shows of it now."""
        return PairingShown() if self._board is None else self._board.shown

    def offered(self) -> Offered:
        """What the page offers besides a search. Raises `StoreError`."""
        from hipsync.host.autostart import installed
        from hipsync.host.lock import running
        from hipsync.registry import drivers

        app = self._app
        paired = {band.driver for band in _bands(app)}
        practice = [(each.key, each.label) for each in drivers().values() if each.key not in paired]
        can_remind = not app.is_practice and not running(app.database) and not installed()
        return Offered(practice if app.db_path is not None else (), reminders=can_remind)

    def act(self, what: str, form: Mapping[str, str]) -> str:
        """Carry out what a form of the page says, and return its outcome in a line, which may be empty.

        Raises `HipsyncError`.
        """
        match what:
            case "pair-look":
                self._start(self._look)
            case "pair-band":
                self._start(lambda board: self._pair(board, form.get("address", ""), again=form.get("again") == "yes"))
            case "pair-practice":
                self._start(lambda board: self._practise(board, form.get("kind", "")))
            case "pair-answer":
                self._answer(form)
            case "pair-stop":
                if self._board is not None:
                    self._board.stop()
            case "pair-reminders":
                from hipsync.cli.service import install

                return " ".join(install(self._app))
            case _:
                raise ConfigError(f"there is no {what!r} to do")
        return ""

    def close(self) -> None:
        """End what runs, and wait until it has let go of the band."""
        if self._thread is not None and self._board is not None:
            self._board.stop()
            self._thread.join(ENDS_WITHIN_S)

    def _answer(self, form: Mapping[str, str]) -> None:
        if self._board is None:
            raise ConfigError("nothing was asked")
        self._board.answer(form.get("question", ""), form.get("answer", ""))

    def _start(self, work: Callable[[Board], Awaitable[None]]) -> None:
        """Run `work` in a thread of its own. Raises `ConfigError` if something runs already."""
        with self._lock:
            if self._board is not None and self._board.shown.busy:
                raise ConfigError("the search or pairing before is not over yet: wait for it, or stop it")
            self._board = Board()
            self._thread = threading.Thread(
                target=asyncio.run, args=(self._run(self._board, work),), name="pairing", daemon=True
            )
            self._thread.start()

    async def _run(self, board: Board, work: Callable[[Board], Awaitable[None]]) -> None:
        try:
            with board.stoppable():
                await work(board)
        except asyncio.CancelledError:
            board.end(failed="Stopped.")
        except HipsyncError as error:
            board.end(failed=str(error))
        except Exception:  # a driver is strangers' code
            log.exception("a bug in hipsync or in a driver")
            board.end(failed="a bug in hipsync or in a driver: `hipsync -v pair` shows where")

    async def _look(self, board: Board) -> None:
        from hipsync.cli.rooms import opened_beside_service
        from hipsync.radio.scan import scan
        from hipsync.registry import claimants, drivers, refusal
        from hipsync.service.pairing import LISTEN_S
        from hipsync.service.which_band import recognised

        known, names = drivers(), {band.address: band.name for band in _bands(self._app)}
        async with opened_beside_service(self._app) as radio:
            seen = await scan(radio.adapter, LISTEN_S)
        for each in seen:
            if (why := refusal(each.advertisement, known)) is not None:
                board.tell(Told("line", f"{clean(each.advertisement.name or '') or each.address}: {why}"))
        board.end(
            found=[
                Found(
                    each.address,
                    clean(each.advertisement.name or "") or each.address,
                    claimants(each.advertisement, known)[0].label,
                    signal_text(each).strip(),
                    names.get(each.address, ""),
                )
                for each in recognised(seen, known)
            ]
        )

    async def _pair(self, board: Board, address: str, *, again: bool) -> None:
        from hipsync.service.which_band import Wanted

        if not address:
            raise ConfigError("which band?")
        await self._paired(board, Wanted(address, again=again))

    async def _practise(self, board: Board, kind: str) -> None:
        from hipsync.service.which_band import Wanted

        if kind not in dict(self.offered().practice):
            raise ConfigError(f"there is no practice band {clean(kind)!r} to pair here")
        await self._paired(board, Wanted(), kind)

    async def _paired(self, board: Board, wanted: Wanted, simulate: str | None = None) -> None:
        from hipsync.service.control_client import look

        person, before = PagePerson(board), _bands(self._app)
        try:
            band = await pair_band(self._app, wanted, person, person, simulate)
        except asyncio.CancelledError:
            new = [band.name for band in _bands(self._app) if band.id not in {each.id for each in before}]
            board.end(failed=f"Stopped. {new[0]!r} is paired; `hipsync sync` fetches the rest." if new else "Stopped.")
            return
        await asyncio.to_thread(look, self._app.database)
        board.end(paired=band.name)


def _bands(app: App) -> Sequence[Band]:
    """The bands of the database, of which there are none where there is none. Raises `StoreError`."""
    store = app.read_store()
    if store is None:
        return ()
    with store:
        return store.bands()
