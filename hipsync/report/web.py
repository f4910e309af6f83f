"""The page, live, for one person on this computer.

Every program and every user of the computer can reach the port, and any web page that is open in a browser can send
requests to it. So whoever asks must know the secret that `hipsync web` prints (a cookie keeps it), the request must be
for this address and, if it changes something, come from this page with a token of its own.
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
"""How often the page of today is loaded anew."""
LONGEST_FORM = 4096
"""Bytes."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class View(Protocol):
    """What is shown, and what can be done about it; called from several threads."""

    def page(self, span: str, when: str, token: str, said: str) -> str:
        """The page of the day, week or month that holds `when`, a date as people say it. Raises `HipsyncError`.

        With forms that carry the token, and with what the last one said.
        """
        ...

    def act(self, what: str) -> str:
        """done, snooze, skip, pause or resume; what came of it. Raises `HipsyncError`."""
        ...


def application(view: View, port: int, secret: str) -> Starlette:
    """The site at 127.0.0.1 and this port, for who knows the secret."""
    door = _Door(port, secret)

    async def index(_: Request) -> Response:
        return RedirectResponse("/day/today", 303)

    async def show(request: Request) -> Response:
        span, when = request.path_params["span"], request.path_params["when"]
        if span not in SPANS:
            return _plain("there is no such page", 404)
        said = request.query_params.get("said", "")
        try:
            page = await run_in_threadpool(view.page, span, when, door.token, said)
        except HipsyncError as error:
            return _plain(str(error), 404 if isinstance(error, ConfigError) else 503)
        return HTMLResponse(page)

    async def act(request: Request) -> Response:
        form = await _form(request)
        if form is None:
            return _plain("that is too much", 413)
        if not door.is_ours(form.get("token", "")):
            return _plain("this page is too old: load it anew", 403)
        try:
            said = await run_in_threadpool(view.act, request.path_params["what"])
        except HipsyncError as error:
            said = str(error)
        return RedirectResponse(f"/day/today?said={quote(said)}", 303)

    return Starlette(
        routes=[
            Route("/", door.guarded(index), methods=["GET"]),
            Route("/do/{what}", door.guarded(act), methods=["POST"]),
            Route("/{span}/{when}", door.guarded(show), methods=["GET"]),
        ]
    )


Handler = Callable[[Request], Awaitable[Response]]


class _Door:
    def __init__(self, port: int, secret: str) -> None:
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._secret, self._cookie = secret, f"hipsync-{port}"
        self.token = hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()

    def is_ours(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token.encode())

    def guarded(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            response = self._refusal(request) or await handler(request)
            response.headers.update(HEADERS)
            return response

        return answer

    def _refusal(self, request: Request) -> Response | None:
        """Also the way in: an address with the secret, which becomes a cookie."""
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
    """None if it is longer than ours are."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            return None
    return {key: values[-1] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(f"{text}\n", status)


def above(line: str, said: str, token: str, *, stands: bool, paused: bool, span: str, steps: tuple[str, str]) -> str:
    """The now line with its buttons, and the ways to other pages; `steps`: the dates before and after."""
    buttons = [("done", "Done"), ("snooze", "Snooze"), ("skip", "Skip")] if stands else []
    buttons.append(("resume", "Resume") if paused else ("pause", "Pause for an hour"))
    forms = "".join(
        f'<form method="post" action="/do/{what}"><input type="hidden" name="token" value="{escape(token)}">'
        f"<button>{label}</button></form>"
        for what, label in buttons
    )
    before, after = steps
    ways = [(f"/{span}/{before}", "earlier")]
    if after:
        ways.append((f"/{span}/{after}", "later"))
    ways += [("/day/today", "today"), ("/week/today", "this week"), ("/month/today", "this month")]
    links = " ".join(f'<a href="{escape(where)}">{name}</a>' for where, name in ways)
    told = f' <span role="status">{escape(said)}</span>' if said else ""
    return f'<nav class="now" aria-label="Now"><p>Now: {escape(line)}.{told}</p>{forms}<span>{links}</span></nav>\n'
