"""The page, live, for one person on this computer.

`hipsync.report.guard` decides which requests are let in. The word in the address is the first half of the key, so all
addresses in a page are relative to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import parse_qs, quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from hipsync.errors import ConfigError, HipsyncError
from hipsync.report.door import Door
from hipsync.report.guard import HEADERS, LONGEST_FORM_BYTES, OF_THE_SCRIPT, TICKET_WANTED, TOO_OLD, Client, Guard

PAIR, PAIRS = "pair/now", "pair-"
"""Where a band is added, and how the names of the forms there begin, after which this page is shown again."""
VIEWS = ("day", "week", "month", "exercises", "pair")


class Backend(Protocol):
    """What the site shows, and what it can do. Its methods are called from several threads."""

    def first(self) -> str:
        """The view and date, joined by a slash, to which whoever enters is led."""
        ...

    def page(self, view: str, when: str, key: str, notice: str, /) -> str:
        """The HTML of the day, week or month (`view`) that contains `when`, a date as people write it.

        For "exercises", `when` is the name of the first one, or "all". For "pair" there is one page, on which a band is
        added. Its forms carry `key`, and it shows `notice`, the outcome of the last form. Raises `HipsyncError`.
        """
        ...

    def act(self, what: str, form: Mapping[str, str], /) -> str:
        """Carry out `what` (done, snooze, skip, standing, pause, resume, exercised); return the outcome in a line.

        What begins with `PAIRS` is of the page where a band is added; its outcome may be empty. Raises `HipsyncError`.
        """
        ...


def application(
    backend: Backend,
    port: int,
    door: Door,
    is_strangers: Callable[[Client], bool] = lambda _: False,
    *,
    clears: bool = False,
) -> Starlette:
    """The web application for 127.0.0.1 and this port, for whoever holds a ticket or the key of the door.

    `is_strangers` says whether another user of the computer sent a request; none of theirs is let in. With `clears`,
    whoever enters has the browser drop what an earlier server left at this port, such as a worker that would read the
    page: that is for a port which is always the same.
    """
    pages = _Pages(backend, door, Guard(port, door, is_strangers), clears=clears)
    guarded = pages.guarded
    return Starlette(
        routes=[
            Route("/", guarded(pages.enter, for_key=False), methods=["GET"]),
            Route("/{word}/do/{what}", guarded(pages.act), methods=["POST"]),
            Route("/{word}/{view}/{when}", guarded(pages.show), methods=["GET"]),
            Route("/{word:path}", guarded(pages.nothing), methods=["GET", "POST"]),
        ]
    )


Handler = Callable[[Request], Awaitable[Response]]


class _Pages:
    """What each address answers."""

    def __init__(self, backend: Backend, door: Door, guard: Guard, *, clears: bool) -> None:
        self._backend, self._door, self._guard, self._clears = backend, door, guard, clears

    def guarded(self, handler: Handler, *, for_key: bool = True) -> Handler:
        """Wrap a handler so that it gets only the requests that are let in; others get a refusal.

        With `for_key`, those without the key are not let in either.
        """

        async def answer(request: Request) -> Response:
            client = None if request.client is None else (request.client.host, request.client.port)
            refused = await run_in_threadpool(self._guard.refusal, request.method, request.headers, client)
            if refused is not None:
                response = _plain(*refused)
            elif for_key and not self._holds_key(request):
                response = _plain(TICKET_WANTED, 403)
            else:
                response = await handler(request)
            response.headers.update(HEADERS)
            return response

        return answer

    def _holds_key(self, request: Request) -> bool:
        word = request.path_params["word"].partition("/")[0]
        return self._guard.holds_key(word, request.headers.getlist("cookie"))

    async def enter(self, request: Request) -> Response:
        """Answer whoever hands in a ticket with the cookie, and with a redirect to the first page."""
        if request.method != "GET":
            return _plain("a ticket is for who looks at the page", 403)
        refused = self._guard.ticket_refusal(request.query_params.get("ticket"), request.headers)
        if refused is not None:
            return _plain(*refused)
        first = await run_in_threadpool(self._backend.first)
        entered = RedirectResponse(f"/{self._door.word}/{first}", 303)
        entered.set_cookie(
            self._guard.cookie_name, self._door.cookie, path=f"/{self._door.word}", httponly=True, samesite="strict"
        )
        if self._clears:
            entered.headers["Clear-Site-Data"] = '"storage"'
        return entered

    async def show(self, request: Request) -> Response:
        """Answer with a page."""
        view, when = request.path_params["view"], request.path_params["when"]
        if view not in VIEWS:
            return _plain("there is no such page", 404)
        notice = request.query_params.get("said", "")
        try:
            page = await run_in_threadpool(self._backend.page, view, when, self._door.token, notice)
        except HipsyncError as error:
            return _plain(str(error), 404 if isinstance(error, ConfigError) else 503)
        return HTMLResponse(page)

    async def act(self, request: Request) -> Response:
        """Carry out what a form or a script of ours says."""
        form = await _form(request)
        if form is None:
            return _plain("that is too much", 413)
        if not self._guard.knows(form):
            return _plain(TOO_OLD, 403)
        what = request.path_params["what"]
        try:
            notice = await run_in_threadpool(self._backend.act, what, form)
        except HipsyncError as error:
            notice = str(error)
        if OF_THE_SCRIPT in request.headers:
            return PlainTextResponse(notice)
        shown = PAIR if what.startswith(PAIRS) else "day/today"
        said = f"?said={quote(notice)}" if notice else ""
        return RedirectResponse(f"/{self._door.word}/{shown}{said}", 303)

    async def nothing(self, _: Request) -> Response:
        """Answer that there is no such page."""
        return _plain("there is no such page", 404)


async def _form(request: Request) -> dict[str, str] | None:
    """Read the last value of each field of a form; None if the form is longer than `LONGEST_FORM_BYTES`."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM_BYTES:
            return None
    return {key: values[-1] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(f"{text}\n", status)
