"""The page, live, for one person on this computer.

Every program and every user of the computer can reach the port, and any web page in a browser can send requests to
it. So every request must meet four conditions. It comes from a program of this user, as far as the system tells. It is
addressed to this host and port. It holds the key that `hipsync.report.door` sells for a ticket. If it changes
something, it comes from this page and carries a token that the page contains.

The word in the address is the first half of the key, so all addresses in a page are relative to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Protocol
from urllib.parse import parse_qs, quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from hipsync.errors import ConfigError, HipsyncError
from hipsync.report.door import Door, same
from hipsync.report.page import policy

SPANS = ("day", "week", "month")
REFRESH_S = 60
"""Seconds after which the browser reloads the page of today."""
LONGEST_FORM_BYTES = 4096
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


ANOTHER_PAGE = "another page may not ask"
TICKET_WANTED = "open the address that `hipsync web` printed: it holds the ticket to this page"
TICKET_USED = (
    "this address is too old, or was opened before: it opens the page once. Stop `hipsync web` with Ctrl-C and start "
    "it again for a new one. If nobody opened it before you, do that at once: somebody else did"
)


class Backend(Protocol):
    """What the site shows, and what it can do. Its methods are called from several threads."""

    def page(self, span: str, when: str, token: str, notice: str, /) -> str:
        """The HTML of the day, week or month (`span`) that contains `when`, a date as people write it.

        Its forms carry `token`, and it shows `notice`, the outcome of the last form. Raises `HipsyncError`.
        """
        ...

    def act(self, what: str, /) -> str:
        """Carry out `what` (done, snooze, skip, standing, pause, resume); return the outcome in a line.

        Raises `HipsyncError`.
        """
        ...


Client = tuple[str, int]
"""The address and port of whoever sent a request."""


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
    guard = _Guard(port, door, is_strangers, clears=clears)

    async def show(request: Request) -> Response:
        span, when = request.path_params["span"], request.path_params["when"]
        if span not in SPANS:
            return _plain("there is no such page", 404)
        notice = request.query_params.get("said", "")
        try:
            page = await run_in_threadpool(backend.page, span, when, door.token, notice)
        except HipsyncError as error:
            return _plain(str(error), 404 if isinstance(error, ConfigError) else 503)
        return HTMLResponse(page)

    async def act(request: Request) -> Response:
        form = await _form(request)
        if form is None:
            return _plain("that is too much", 413)
        if not same(form.get("token", ""), door.token):
            return _plain("this page is too old: load it again", 403)
        try:
            notice = await run_in_threadpool(backend.act, request.path_params["what"])
        except HipsyncError as error:
            notice = str(error)
        return RedirectResponse(f"/{door.word}/day/today?said={quote(notice)}", 303)

    async def nothing(_: Request) -> Response:
        return _plain("there is no such page", 404)

    return Starlette(
        routes=[
            Route("/", guard.guarded(guard.enter, for_key=False), methods=["GET"]),
            Route("/{word}/do/{what}", guard.guarded(act), methods=["POST"]),
            Route("/{word}/{span}/{when}", guard.guarded(show), methods=["GET"]),
            Route("/{word:path}", guard.guarded(nothing), methods=["GET", "POST"]),
        ]
    )


Handler = Callable[[Request], Awaitable[Response]]


class _Guard:
    """Decides which requests are let in."""

    def __init__(self, port: int, door: Door, is_strangers: Callable[[Client], bool], *, clears: bool) -> None:
        self._host, self._cookie = f"127.0.0.1:{port}", f"hipsync-{port}"
        self._door, self._is_strangers, self._clears = door, is_strangers, clears

    def guarded(self, handler: Handler, *, for_key: bool = True) -> Handler:
        """Wrap a handler so that it gets only the requests that are let in; others get a refusal.

        With `for_key`, those without the key are not let in either.
        """

        async def answer(request: Request) -> Response:
            response = await self._refusal(request)
            if response is None and for_key and not self._holds_key(request):
                response = _plain(TICKET_WANTED, 403)
            response = response or await handler(request)
            response.headers.update(HEADERS)
            return response

        return answer

    async def enter(self, request: Request) -> Response:
        """Answer whoever hands in a ticket with the cookie, and with a redirect to the page of today."""
        ticket = request.query_params.get("ticket")
        if ticket is None:
            return _plain(TICKET_WANTED, 403)
        if request.method != "GET" or "prefetch" in request.headers.get("sec-purpose", ""):
            return _plain("a ticket is for who looks at the page", 403)  # and is not used up by a look ahead
        if request.headers.get("sec-fetch-site", "none") != "none":
            return _plain(ANOTHER_PAGE, 403)  # not even one of this port, which may be left from another server
        if not self._door.takes(ticket):
            return _plain(TICKET_USED, 403)
        entered = RedirectResponse(f"/{self._door.word}/day/today", 303)
        entered.set_cookie(
            self._cookie, self._door.cookie, path=f"/{self._door.word}", httponly=True, samesite="strict"
        )
        if self._clears:
            entered.headers["Clear-Site-Data"] = '"storage"'
        return entered

    async def _refusal(self, request: Request) -> Response | None:
        """The answer to a request that is not let in, whatever it holds; None for one that is."""
        client = request.client
        if client is None or await run_in_threadpool(self._is_strangers, (client.host, client.port)):
            return _plain("this page belongs to another user of this computer", 403)
        host = request.headers.get("host", "")
        if host != self._host:
            return _plain("hipsync answers at 127.0.0.1 alone", 421)
        return _plain(ANOTHER_PAGE, 403) if _is_of_another_page(request, f"http://{host}") else None

    def _holds_key(self, request: Request) -> bool:
        pairs = (pair.strip().partition("=") for pair in ";".join(request.headers.getlist("cookie")).split(";"))
        return self._door.opens(
            request.path_params["word"].partition("/")[0], [value for name, _, value in pairs if name == self._cookie]
        )


def _is_of_another_page(request: Request, ours: str) -> bool:
    """Whether another page than those of the origin `ours` sent a request, or a script of whatever page.

    Browsers say so in headers that no script can change (W3C, "Fetch Metadata Request Headers"). A worker that another
    server left at this port is a script too; it could read an answer that the browser fetched ahead for it.
    """
    headers, changes = request.headers, request.method == "POST"
    if (changes or "origin" in headers) and headers.get("origin") != ours:
        return True
    if headers.get("sec-fetch-site", "same-origin") not in ({"same-origin"} if changes else {"same-origin", "none"}):
        return True
    return (
        headers.get("sec-fetch-dest", "document") != "document"
        or headers.get("sec-fetch-mode", "navigate") != "navigate"
        or "service-worker-navigation-preload" in headers
    )


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


def above(
    line: str, notice: str, token: str, *, unanswered: bool, paused: bool, span: str, neighbours: tuple[str, str]
) -> str:
    """The HTML above the page: what the service is doing now, buttons, and links to other pages.

    `unanswered` says whether a prompt waits for an answer. `neighbours` are the dates of the pages before and after
    this one; the second is empty if there is none.
    """
    buttons = (
        [("done", "Done"), ("snooze", "Snooze"), ("skip", "Skip"), ("standing", "I was standing")] if unanswered else []
    )
    buttons.append(("resume", "Resume") if paused else ("pause", "Pause for an hour"))
    forms = "".join(
        f'<form method="post" action="../do/{what}"><input type="hidden" name="token" value="{escape(token)}">'
        f"<button>{label}</button></form>"
        for what, label in buttons
    )
    before, after = neighbours
    pages = [(f"../{span}/{before}", "earlier")]
    if after:
        pages.append((f"../{span}/{after}", "later"))
    pages += [("../day/today", "today"), ("../week/today", "this week"), ("../month/today", "this month")]
    links = " ".join(f'<a href="{escape(address)}">{name}</a>' for address, name in pages)
    status = f' <span role="status">{escape(notice)}</span>' if notice else ""
    return f'<nav class="now" aria-label="Now"><p>{escape(line)}{status}</p>{forms}<span>{links}</span></nav>\n'
