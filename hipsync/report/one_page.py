"""Serves one page to one browser on this computer, with the standard library alone, until it is closed.

The same guard and the same key as for `hipsync web` let nobody else in. The server ends with its page: a few seconds
after the browser has closed it, or when its time is over.
"""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

from hipsync.errors import HipsyncError
from hipsync.report.door import Door
from hipsync.report.guard import HEADERS, LONGEST_FORM_BYTES, TICKET_WANTED, TOO_OLD, Client, Guard
from hipsync.report.page.document import Served

LASTS_S = 1800
"""Seconds after which the server ends whatever the browser does."""
CLOSED_FOR_S = 5
"""Seconds for which a page that was closed may come back: a browser closes it when it is loaded anew too."""
WAITS_S = 10
"""Seconds that a connection may say nothing: browsers open some for later."""
PAGE = "exercises/all"
"""The address of the page below the word of the key, so that its addresses are as on the site."""


class OnePage(Protocol):
    """What is served, and what it can do. Its methods are called from several threads."""

    def page(self, served: Served, /) -> str:
        """The HTML of the page."""
        ...

    def act(self, what: str, form: Mapping[str, str], /) -> str:
        """Carry out `what`; return the outcome in a line. Raises `HipsyncError`."""
        ...


class Answer(NamedTuple):
    """What a request gets."""

    status: int
    text: str
    kind: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = ()


class Server:
    """One page at a socket that listens, and when its browser closed it."""

    def __init__(
        self, page: OnePage, listening: socket.socket, door: Door, is_strangers: Callable[[Client], bool]
    ) -> None:
        """`listening` is a socket of 127.0.0.1; `is_strangers` says whether another user sent a request."""
        self._page, self._door = page, door
        self._guard = Guard(listening.getsockname()[1], door, is_strangers)
        self._closed_at: float | None = None
        self._server = _Threads(listening, self.answer)

    def serve(self, lasts_s: float = LASTS_S) -> None:
        """Serve until the page is closed, or for so many seconds."""
        end = time.monotonic() + lasts_s
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
        thread.start()
        try:
            while time.monotonic() < end and not self._is_closed():
                time.sleep(0.2)
        finally:
            self._server.shutdown()
            self._server.server_close()

    def _is_closed(self) -> bool:
        return self._closed_at is not None and time.monotonic() - self._closed_at > CLOSED_FOR_S

    def answer(
        self, method: str, address: str, headers: Mapping[str, str], cookies: list[str], client: Client, body: bytes
    ) -> Answer:
        """What a request gets. The names of headers are lower case."""
        refused = self._guard.refusal(method, headers, client)
        if refused is not None:
            return Answer(refused.status, f"{refused.text}\n")
        split = urlsplit(address)
        if method == "GET" and split.path == "/":
            tickets = parse_qs(split.query).get("ticket")
            return self._enter(tickets[-1] if tickets else None, headers)
        word, _, path = split.path.removeprefix("/").partition("/")
        if not self._guard.holds_key(word, cookies):
            return Answer(403, f"{TICKET_WANTED}\n")
        if method == "POST" and path.startswith("do/"):
            return self._act(path.removeprefix("do/"), body)
        if method == "GET" and path == PAGE:
            self._closed_at = None
            return Answer(200, self._page.page(Served(self._door.token, views=False)), "text/html")
        return Answer(404, "there is no such page\n")

    def _enter(self, ticket: str | None, headers: Mapping[str, str]) -> Answer:
        refused = self._guard.ticket_refusal(ticket, headers)
        if refused is not None:
            return Answer(refused.status, f"{refused.text}\n")
        word = self._door.word
        cookie = f"{self._guard.cookie_name}={self._door.cookie}; HttpOnly; Path=/{word}; SameSite=strict"
        return Answer(303, "", headers=(("Location", f"/{word}/{PAGE}"), ("Set-Cookie", cookie)))

    def _act(self, what: str, body: bytes) -> Answer:
        form = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        if not self._guard.knows(form):
            return Answer(403, f"{TOO_OLD}\n")
        if what == "closed":
            self._closed_at = time.monotonic()
            return Answer(200, "")
        try:
            return Answer(200, self._page.act(what, form))
        except HipsyncError as error:
            return Answer(200, str(error))


Answers = Callable[[str, str, Mapping[str, str], list[str], Client, bytes], Answer]


class _Threads(http.server.ThreadingHTTPServer):
    """A thread for each connection, on a socket that listens already."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, answers: Answers) -> None:
        super().__init__(listening.getsockname(), _handler(answers), bind_and_activate=False)
        self.socket.close()
        self.socket = listening


def _handler(answers: Answers) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = WAITS_S

        def do_GET(self) -> None:
            self._give(b"")

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isascii() or not length.isdigit() or int(length) > LONGEST_FORM_BYTES:
                self._send(Answer(413, "that is too much\n"))
                return
            self._give(self.rfile.read(int(length)))

        def _give(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            cookies = self.headers.get_all("cookie") or []
            client = (str(self.client_address[0]), int(self.client_address[1]))
            self._send(answers(self.command, self.path, headers, cookies, client, body))

        def _send(self, answer: Answer) -> None:
            sent = answer.text.encode()
            self.send_response_only(answer.status)
            own = (("Content-Type", f"{answer.kind}; charset=utf-8"), ("Content-Length", str(len(sent))))
            for name, value in (*HEADERS.items(), *own, *answer.headers):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name
            """Print nothing: an address holds half of the key."""

    return Handler
