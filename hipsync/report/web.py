"""The page, live, for one person on this computer.

Every program and every user of the computer can reach the port, and any web page in a browser can send requests to
it. So every request must meet three conditions. Its sender knows the secret that `hipsync web` prints, which a cookie
stores. The request is addressed to this host and port. If it changes something, it comes from this page and carries
a token that the page contains.
"""

from __future__ import annotations

import hashlib
import hmac
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
from hipsync.report.page import policy

SPANS = ("day", "week", "month")
REFRESH_S = 60
"""Seconds after which the browser reloads the page of today."""
LONGEST_FORM_BYTES = 4096
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Backend(Protocol):
    """What the site shows, and what it can do. Its methods are called from several threads."""

    def page(self, span: str, when: str, token: str, notice: str, /) -> str:
        """The HTML of the day, week or month (`span`) that contains `when`, a date as people write it.

        Its forms carry `token`, and it shows `notice`, the outcome of the last form. Raises `HipsyncError`.
        """
        ...

    def act(self, what: str, /) -> str:
        """Carry out `what` (done, snooze, skip, pause, resume); return the outcome in a line. Raises `HipsyncError`."""
        ...


def application(backend: Backend, port: int, secret: str) -> Starlette:
    """The web application for 127.0.0.1 and this port, for whoever knows the secret."""
    guard = _Guard(port, secret)

    async def index(_: Request) -> Response:
        return RedirectResponse("/day/today", 303)

    async def show(request: Request) -> Response:
        span, when = request.path_params["span"], request.path_params["when"]
        if span not in SPANS:
            return _plain("there is no such page", 404)
        notice = request.query_params.get("said", "")
        try:
            page = await run_in_threadpool(backend.page, span, when, guard.token, notice)
        except HipsyncError as error:
            return _plain(str(error), 404 if isinstance(error, ConfigError) else 503)
        return HTMLResponse(page)

    async def act(request: Request) -> Response:
        form = await _form(request)
        if form is None:
            return _plain("that is too much", 413)
        if not guard.is_ours(form.get("token", "")):
            return _plain("this page is too old: load it anew", 403)
        try:
            notice = await run_in_threadpool(backend.act, request.path_params["what"])
        except HipsyncError as error:
            notice = str(error)
        return RedirectResponse(f"/day/today?said={quote(notice)}", 303)

    return Starlette(
        routes=[
            Route("/", guard.guarded(index), methods=["GET"]),
            Route("/do/{what}", guard.guarded(act), methods=["POST"]),
            Route("/{span}/{when}", guard.guarded(show), methods=["GET"]),
        ]
    )


Handler = Callable[[Request], Awaitable[Response]]


class _Guard:
    """Decides which requests are let in."""

    def __init__(self, port: int, secret: str) -> None:
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._secret, self._cookie = secret, f"hipsync-{port}"
        self.token = hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()

    def is_ours(self, token: str) -> bool:
        """Whether a form carries the token of a page that this site served."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def guarded(self, handler: Handler) -> Handler:
        """Wrap a handler so that it gets only the requests that are let in; others get a refusal."""

        async def answer(request: Request) -> Response:
            response = self._refusal(request) or await handler(request)
            response.headers.update(HEADERS)
            return response

        return answer

    def _refusal(self, request: Request) -> Response | None:
        """The answer to a request that is not let in; None if it is let in.

        A request with the secret in its address is answered with a cookie and a redirect to the address without it.
        """
        host = request.headers.get("host", "")
        if host not in self._hosts:
            return _plain("hipsync answers at 127.0.0.1 alone", 421)
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
        changes = request.method == "POST"
        if (changes or origin is not None) and origin != f"http://{host}":
            return _plain("another page may not ask", 403)
        if site not in ({"same-origin"} if changes else {"same-origin", "none"}):
            return _plain("another page may not ask", 403)
        if (given := request.query_params.get("token")) is not None and self._knows(given):
            entered = RedirectResponse(request.url.path, 303)
            entered.set_cookie(self._cookie, self._secret, httponly=True, samesite="strict")
            return entered
        if not self._knows(request.cookies.get(self._cookie, "")):
            return _plain("open the address that `hipsync web` printed: it holds the key to this page", 403)
        return None

    def _knows(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._secret.encode())


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
    buttons = [("done", "Done"), ("snooze", "Snooze"), ("skip", "Skip")] if unanswered else []
    buttons.append(("resume", "Resume") if paused else ("pause", "Pause for an hour"))
    forms = "".join(
        f'<form method="post" action="/do/{what}"><input type="hidden" name="token" value="{escape(token)}">'
        f"<button>{label}</button></form>"
        for what, label in buttons
    )
    before, after = neighbours
    pages = [(f"/{span}/{before}", "earlier")]
    if after:
        pages.append((f"/{span}/{after}", "later"))
    pages += [("/day/today", "today"), ("/week/today", "this week"), ("/month/today", "this month")]
    links = " ".join(f'<a href="{escape(address)}">{name}</a>' for address, name in pages)
    status = f' <span role="status">{escape(notice)}</span>' if notice else ""
    return f'<nav class="now" aria-label="Now"><p>Now: {escape(line)}.{status}</p>{forms}<span>{links}</span></nav>\n'
