"""A page that serves itself lets in one browser of one person, does what it is there for, and ends with the browser."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from collections.abc import Generator, Mapping
from urllib.parse import urlencode

import pytest

from hipsync.errors import ConfigError
from hipsync.report import one_page
from hipsync.report.door import Door
from hipsync.report.one_page import PAGE, Answer, Server
from hipsync.report.page.document import Served, document

CLIENT = ("127.0.0.1", 50000)


class Page:
    """The port, with what it was told."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def page(self, served: Served) -> str:
        return document("a page", "<h1>Hello</h1>", served=served)

    def act(self, what: str, form: Mapping[str, str]) -> str:
        if what != "exercised":
            raise ConfigError(f"there is no {what!r} to do")
        self.done.append((what, form.get("name", "")))
        return "Saved."


class Browser:
    """Asks the server, and keeps its cookie. `~` stands for the word of the key."""

    def __init__(self) -> None:
        self.page, self.door, self.strangers = Page(), Door(time.monotonic), list[tuple[str, int]]()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.server = Server(self.page, self.listening, self.door, self.strangers.__contains__)
        self.cookies: list[str] = []

    def ask(self, method: str, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        own = {"host": f"127.0.0.1:{self.port}"}
        if method == "POST":
            own["origin"] = f"http://127.0.0.1:{self.port}"
        sent = {**own, **{name.replace("_", "-"): value for name, value in headers.items()}}
        address = path.replace("~", f"/{self.door.word}")
        got = self.server.answer(method, address, sent, self.cookies, CLIENT, urlencode(form or {}).encode())
        for name, value in got.headers:
            if name == "Set-Cookie":
                self.cookies = [value.split(";")[0]]
        return got

    def enter(self) -> Answer:
        return self.ask("GET", f"/?ticket={self.door.ticket(60)}")


@pytest.fixture
def browser(socket_enabled: None) -> Generator[Browser]:
    browser = Browser()
    yield browser
    browser.listening.close()


def test_a_ticket_opens_the_page_once(browser: Browser) -> None:
    ticket = browser.door.ticket(60)
    entered = browser.ask("GET", f"/?ticket={ticket}")
    assert (entered.status, dict(entered.headers)["Location"]) == (303, f"/{browser.door.word}/{PAGE}")
    assert "HttpOnly" in dict(entered.headers)["Set-Cookie"]
    assert browser.ask("GET", f"/?ticket={ticket}").status == 403
    page = browser.ask("GET", f"~/{PAGE}")
    assert (page.status, page.kind) == (200, "text/html")
    assert f'data-key="{browser.door.token}" data-closes="yes"' in page.text
    assert 'class="bar"' not in page.text, "there are no other views to go to"


def test_nobody_else_sees_anything(browser: Browser) -> None:
    for path in ("/", "/?ticket=x", f"~/{PAGE}", f"/x/{PAGE}"):
        assert browser.ask("GET", path).status == 403
    browser.enter()
    assert browser.ask("GET", f"~/{PAGE}", host="evil.example").status == 421
    assert browser.ask("GET", f"~/{PAGE}", origin="http://evil.example").status == 403
    assert browser.ask("GET", f"~/{PAGE}", sec_fetch_site="cross-site").status == 403
    assert browser.ask("GET", f"~/{PAGE}", sec_fetch_dest="empty").status == 403
    assert browser.ask("GET", "~/etc/passwd").status == 404
    browser.strangers.append(CLIENT)
    assert browser.ask("GET", f"~/{PAGE}").status == 403


def test_only_who_knows_the_secret_of_the_page_changes_something(browser: Browser) -> None:
    browser.enter()
    form = {"key": browser.door.token, "name": "hip-extension"}
    for wrong in ({}, {"key": "wrong"}, {"key": browser.door.cookie}):
        assert browser.ask("POST", "~/do/exercised", wrong).status == 403
    assert browser.ask("POST", "~/do/exercised", form, origin="null").status == 403
    assert browser.page.done == []
    assert browser.ask("POST", "~/do/exercised", form, x_hipsync=browser.door.token) == Answer(200, "Saved.")
    assert browser.page.done == [("exercised", "hip-extension")]
    assert browser.ask("POST", "~/do/erase", form).text == "there is no 'erase' to do"


def test_it_ends_when_the_page_is_closed_but_not_when_it_is_loaded_anew(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_page, "CLOSED_FOR_S", 1.0)
    serving = threading.Thread(target=browser.server.serve)
    serving.start()
    browser.enter()
    closed = {"key": browser.door.token}
    assert browser.ask("POST", "~/do/closed", closed).status == 200
    assert browser.ask("GET", f"~/{PAGE}").status == 200  # loaded anew, within the second
    serving.join(2.5)
    assert serving.is_alive()
    browser.ask("POST", "~/do/closed", closed)
    serving.join(10)
    assert not serving.is_alive()


def test_it_ends_after_its_time_whoever_looks(browser: Browser) -> None:
    began = time.monotonic()
    browser.server.serve(lasts_s=0.5)
    assert time.monotonic() - began >= 0.5
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", browser.port), 1).close()


def test_over_http_it_says_the_same_and_outlives_silent_and_endless_callers(browser: Browser) -> None:
    serving = threading.Thread(target=browser.server.serve, kwargs={"lasts_s": 6})
    serving.start()
    silent = socket.create_connection(("127.0.0.1", browser.port))  # browsers open some for later
    try:
        connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=5)
        connection.request("GET", f"/?ticket={browser.door.ticket(60)}")
        got = connection.getresponse()
        assert got.status == 303
        cookie = (got.getheader("Set-Cookie") or "").split(";")[0]
        assert got.getheader("Content-Security-Policy", "").endswith("frame-ancestors 'none'")
        got.read()
        connection.request("GET", got.getheader("Location", ""), headers={"Cookie": cookie})
        page = connection.getresponse()
        text = page.read().decode()
        assert (page.status, page.getheader("Cache-Control")) == (200, "no-store")
        assert "<h1>Hello</h1>" in text
        assert page.getheader("Content-Type") == "text/html; charset=utf-8"
        assert re.fullmatch(r"\d+", page.getheader("Content-Length", ""))
        connection.request("POST", "/x/do/exercised", body=b"x" * 100_000)
        assert connection.getresponse().status == 413
    finally:
        silent.close()
        serving.join(20)
