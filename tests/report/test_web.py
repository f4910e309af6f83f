"""`hipsync web`: for who holds its key, at this address alone, and changed by its own page only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest

from hipsync.cli.app import App
from hipsync.cli.site import Site
from hipsync.model import Answer, Prompt
from hipsync.report.door import Door
from hipsync.report.web import application
from hipsync.store import Store
from support.builders import MONDAY, day
from support.machine import Machine
from support.parsed_page import Parsed

PORT = 4690
HOST = f"127.0.0.1:{PORT}"
CLIENT = ("127.0.0.1", 50000)


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    text: str


class Browser:
    """Asks the application as a server would; keeps its cookie. `~` in a path stands for the word of the key."""

    def __init__(self, machine: Machine) -> None:
        self.app = App(lambda: machine.now)
        self.app.db_path, self.app.config_path = machine.database, None
        self.clock = 0.0
        self.door = Door(lambda: self.clock)
        self.strangers: list[tuple[str, int]] = []
        self.site = application(Site(self.app), PORT, self.door, self.strangers.__contains__)
        self.cookie: str | None = None

    def get(self, path: str, **headers: str) -> Got:
        return self.ask("GET", path, headers)

    def post(self, path: str, form: Mapping[str, str] | bytes, **headers: str) -> Got:
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        return self.ask("POST", path, {"origin": f"http://{HOST}", **headers}, body)

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Got:
        sent = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookie is not None:
            sent["cookie"] = self.cookie
        where, _, query = path.replace("~", f"/{self.door.word}").partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": where, "raw_path": where.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": CLIENT, "server": ("127.0.0.1", PORT),
        }  # fmt: skip
        parts = [body[at : at + 1000] for at in range(0, len(body), 1000)] or [b""]
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def send(message: Any) -> None:
            messages.append(message)

        asyncio.run(self.site(scope, receive, send))
        got = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        if (given := got.get("set-cookie")) is not None:
            self.cookie = "; ".join(f"{key}={value.value}" for key, value in SimpleCookie(given).items())
        return Got(messages[0]["status"], got, b"".join(each.get("body", b"") for each in messages[1:]).decode())

    def enter(self) -> None:
        assert self.get(f"/?ticket={self.door.ticket(60)}").status == 303

    def token(self) -> str:
        found = re.search(r'name="key" value="(\w+)"', self.get("~/day/today").text)
        assert found is not None
        return found[1]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Somebody has been sitting for 70 minutes, and a prompt stands."""
    machine = Machine(tmp_path)
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    machine.band(day("8h sleep, 1h walk, 70m sit", MONDAY))
    with Store.open(machine.database) as store:
        store.add_prompt(
            Prompt(machine.now - timedelta(minutes=5), machine.now - timedelta(minutes=5), "hip-extension", True)
        )
    return machine


@pytest.fixture
def browser(machine: Machine) -> Browser:
    return Browser(machine)


def test_who_has_a_ticket_enters_and_is_shown_the_day(browser: Browser) -> None:
    entered = browser.get(f"/?ticket={browser.door.ticket(60)}")
    assert (entered.status, entered.headers["location"]) == (303, f"/{browser.door.word}/day/today")
    assert f"HttpOnly; Path=/{browser.door.word}; SameSite=strict" in entered.headers["set-cookie"]
    shown = browser.get("~/day/today")
    assert shown.status == 200
    assert ">Monday 2 March 2026</h1>" in shown.text
    assert "<strong>sitting, since " in shown.text
    Parsed(shown.text)
    assert shown.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    for path in (
        "~/week/today",
        "~/month/today",
        "~/exercises/all",
        "~/week/2026-02-01",
        "~/day/yesterday",
        "~/month/november",
    ):
        assert browser.get(path).status == 200, path


def test_the_page_of_a_month_tells_how_the_weeks_went_and_no_other_does(browser: Browser, machine: Machine) -> None:
    week = [each for at in range(9) for each in day("8h sleep, 9h walk 30, 7h off", MONDAY + at * timedelta(days=1))]
    machine.band(week, name="other-band")
    machine.now = MONDAY + timedelta(days=8)
    browser.enter()
    told = "weeks with data: 1 of the last 12; 8 are needed to compare"
    assert [told in browser.get(f"~/{span}/today").text for span in ("month", "week", "day")] == [True, False, False]
    assert told not in browser.get("~/month/february").text


def test_a_port_that_stays_the_same_is_cleared_of_what_another_server_left(machine: Machine) -> None:
    browser = Browser(machine)
    assert "clear-site-data" not in browser.get(f"/?ticket={browser.door.ticket(60)}").headers
    browser.site = application(Site(browser.app), PORT, browser.door, clears=True)
    assert browser.get(f"/?ticket={browser.door.ticket(60)}").headers["clear-site-data"] == '"storage"'
    assert "clear-site-data" not in browser.get("~/day/today").headers


def test_every_address_on_a_page_keeps_the_word(browser: Browser) -> None:
    """It is the first half of the key: an address without it would lead out of the site."""
    browser.enter()
    for path in ("~/day/today", "~/week/yesterday", "~/month/today", "~/day/2026-02-01"):
        page = browser.get(path).text
        addresses = re.findall(r'(?:href|action)="([^"]*)"', page) + re.findall(r'content="\d+; url=([^"]*)"', page)
        assert len(addresses) > 3
        for address in addresses:
            whole = urljoin(f"http://{HOST}/{browser.door.word}{path[1:]}", address)
            assert whole.startswith(f"http://{HOST}/{browser.door.word}/"), whole
            if "/do/" not in whole:
                assert browser.get(whole.removeprefix(f"http://{HOST}")).status == 200, whole


def test_a_ticket_works_once_and_for_a_short_time(browser: Browser) -> None:
    used, old = browser.door.ticket(60), browser.door.ticket(60)
    browser.clock = 59.9
    assert browser.get(f"/?ticket={used}").status == 303
    browser.cookie = None
    assert browser.get(f"/?ticket={used}").status == 403
    assert "somebody else did" in browser.get(f"/?ticket={used}").text
    browser.clock = 60.0
    assert browser.get(f"/?ticket={old}").status == 403
    assert browser.cookie is None


@pytest.mark.parametrize(
    ("method", "headers"),
    [("HEAD", {}), ("GET", {"sec_purpose": "prefetch;prerender"}), ("GET", {"sec_fetch_site": "same-origin"}),
     ("GET", {"sec_fetch_dest": "empty"}), ("GET", {"host": "evil.example"})],
)  # fmt: skip
def test_a_ticket_is_used_up_only_by_a_person_who_opens_it(
    method: str, headers: dict[str, str], browser: Browser
) -> None:
    ticket = browser.door.ticket(60)
    assert browser.ask(method, f"/?ticket={ticket}", headers).status in {403, 421}
    assert browser.cookie is None
    assert browser.get(f"/?ticket={ticket}").status == 303


def test_who_holds_no_key_or_half_of_it_sees_nothing(browser: Browser) -> None:
    for path in ("/", "~/day/today", "/?ticket=", "~/day/today?ticket=wrong", "/day/today", f"/{'x' * 32}/day/today"):
        got = browser.get(path)
        assert (got.status, browser.cookie) == (403, None), path
        assert "Sitting" not in got.text
    assert browser.post("~/do/done", {"key": browser.door.token}).status == 403
    browser.cookie = f"hipsync-{PORT}=wrong"
    assert browser.get("~/day/today").status == 403
    browser.enter()
    for word in ("", "x" * 32, browser.door.word[:-1], browser.door.cookie):
        assert browser.get(f"/{word}/day/today").status == 403, "the cookie alone"


def test_a_cookie_that_another_port_has_added_does_no_harm(browser: Browser) -> None:
    browser.enter()
    for cookies in (f"hipsync-{PORT}=evil; {browser.cookie}", f"{browser.cookie}; hipsync-{PORT}=evil; =; x"):
        assert browser.get("~/day/today", cookie=cookies).status == 200, cookies


def test_another_user_of_the_computer_is_refused_whatever_he_holds(browser: Browser) -> None:
    browser.enter()
    ticket, token = browser.door.ticket(60), browser.token()
    browser.strangers.append(CLIENT)
    assert browser.get("~/day/today").status == 403
    assert browser.post("~/do/done", {"key": token}).status == 403
    assert browser.get(f"/?ticket={ticket}").status == 403
    browser.strangers.clear()
    assert browser.get(f"/?ticket={ticket}").status == 303, "and has not used up the ticket"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", f"127.0.0.1:{PORT + 1}", f"evil.example:{PORT}", "", f"{HOST}.evil.example",
     f"localhost:{PORT}", f"[::1]:{PORT}"],
)  # fmt: skip
def test_another_host_is_refused_also_with_the_key(host: str, browser: Browser) -> None:
    """A name that an attacker lets point to 127.0.0.1 would else be one origin with his page. And `localhost` may be
    ::1, where another user may listen at the same port."""
    browser.enter()
    assert browser.get("~/day/today", host=host).status == 421
    assert browser.get(f"/?ticket={browser.door.ticket(60)}", host=host).status == 421
    assert browser.get("/no/such/page/here", host=host).status == 421
    assert browser.post("~/do/done", {"key": browser.token()}, host=host, origin=f"http://{host}").status == 421


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": f"https://{HOST}"},
     {"origin": "http://127.0.0.1:4691"}, {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"},
     {"sec_fetch_dest": "iframe"}, {"sec_fetch_dest": "empty"}, {"sec_fetch_mode": "same-origin"},
     {"service_worker_navigation_preload": "true"}],
)  # fmt: skip
def test_another_page_may_not_ask(headers: dict[str, str], browser: Browser) -> None:
    browser.enter()
    token = browser.token()
    assert browser.post("~/do/done", {"key": token}, **headers).status == 403
    assert browser.get("~/day/today", **headers).status == 403
    assert browser.ask("POST", "~/do/done", {}, urlencode({"key": token}).encode()).status == 403, "no origin at all"


def test_a_script_of_ours_says_the_secret_and_no_other_can(browser: Browser, machine: Machine) -> None:
    browser.enter()
    fetched = {"sec_fetch_dest": "empty", "sec_fetch_mode": "cors", "sec_fetch_site": "same-origin"}
    key = browser.token()
    assert browser.get("~/day/today", **fetched).status == 403
    for wrong in ("", "wrong", browser.door.word, browser.door.cookie):
        assert browser.get("~/day/today", x_hipsync=wrong, **fetched).status == 403
        assert browser.post("~/do/done", {"key": key}, x_hipsync=wrong, **fetched).status == 403
    assert browser.get("~/day/today", x_hipsync=key, **fetched).status == 200
    for site in ("cross-site", "same-site", "none"):
        assert (
            browser.post("~/do/done", {"key": key}, x_hipsync=key, **{**fetched, "sec_fetch_site": site}).status == 403
        )
    assert browser.get("~/day/today", x_hipsync=key, **{**fetched, "sec_fetch_site": "cross-site"}).status == 403
    assert browser.get(f"/?ticket={browser.door.ticket(60)}", x_hipsync=key, **fetched).status == 403
    told = browser.post("~/do/exercised", {"key": key, "name": "hip-extension"}, x_hipsync=key, **fetched)
    assert (told.status, told.text) == (200, "Saved: standing hip extension.")
    with Store.read(machine.database) as store:
        assert [(each.name, each.how) for each in store.exercises(MONDAY, machine.now + timedelta(1))] == [
            ("hip-extension", "guided")
        ]
        (prompt,) = store.prompts(MONDAY, machine.now)
        assert prompt.answer is Answer.DONE, "it answers the reminder that asked for it"


def test_an_exercise_that_hurt_is_not_suggested_again_and_one_that_is_none_is_refused(
    browser: Browser, machine: Machine
) -> None:
    browser.enter()
    key = browser.token()
    told = browser.post("~/do/exercised", {"key": key, "name": "hip-rotation", "hurt": "yes"}, x_hipsync=key)
    assert "won't suggest standing hip circles" in told.text
    assert (
        browser.post("~/do/exercised", {"key": key, "name": "../x"}, x_hipsync=key).text == "there is no such exercise"
    )
    with Store.read(machine.database) as store:
        assert store.hurt() == ["hip-rotation"]


def test_the_buttons_do_what_the_commands_do(browser: Browser, machine: Machine) -> None:
    browser.enter()
    token = browser.token()
    done = browser.post("~/do/done", {"key": token})
    assert (done.status, done.headers["location"]) == (
        303,
        f"/{browser.door.word}/day/today?said=Saved%3A%20standing%20hip%20extension.",
    )
    assert "Saved: standing hip extension." in browser.get(done.headers["location"]).text
    with Store.read(machine.database) as store:
        (prompt,) = store.prompts(MONDAY, machine.now)
        assert prompt.answer is Answer.DONE
        assert [each.name for each in store.exercises(MONDAY, machine.now + timedelta(1))] == ["hip-extension"]
    assert "no%20open%20reminder" in browser.post("~/do/skip", {"key": token}).headers["location"]
    browser.post("~/do/pause", {"key": token})
    with Store.read(machine.database) as store:
        pause = store.pause(machine.now)
        assert pause is not None
        assert pause.until == machine.now + timedelta(hours=1)
    assert ">Resume reminders<" in browser.get("~/day/today").text
    browser.post("~/do/resume", {"key": token})
    assert ">Pause for an hour<" in browser.get("~/day/today").text


def test_a_form_without_its_token_changes_nothing(browser: Browser, machine: Machine) -> None:
    browser.enter()
    for token in ("", "wrong", browser.door.cookie, browser.door.word):
        assert browser.post("~/do/done", {"key": token}).status == 403
    with Store.read(machine.database) as store:
        assert [prompt.answer for prompt in store.prompts(MONDAY, machine.now)] == [None]


def test_nothing_is_changed_by_a_link(browser: Browser) -> None:
    browser.enter()
    token = browser.token()
    for path in ("~/do/done", f"~/do/done?token={token}"):
        assert browser.get(path).status in {404, 405}


def test_what_is_not_there_and_what_is_too_much(browser: Browser) -> None:
    browser.enter()
    assert browser.get("~/year/today").status == 404
    assert browser.get("~/day/../../etc/passwd").status == 404
    assert browser.get("~/day/someday").status == 404
    assert browser.get("~/week/-300000").status == 404
    assert "is not a date" in browser.get("~/day/someday").text
    assert browser.post("~/do/done", b"x" * 100_000).status == 413
    assert "there%20is%20no" in browser.post("~/do/erase", {"key": browser.token()}).headers["location"]


def test_what_was_said_is_text(browser: Browser) -> None:
    browser.enter()
    page = browser.get("~/day/today?said=%3Cscript%3Ealert(1)%3C/script%3E").text
    assert "<script>alert" not in page
    assert 'role="status">&lt;script&gt;alert(1)' in page


def test_without_the_extra_one_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    assert machine.refused("web", code=2).startswith("the page needs an extra (uvicorn): `")


# ------------------------------------------------------------------ for real


@pytest.fixture
def served(tmp_path: Path) -> Generator[tuple[str, int]]:
    """Its address, and its process."""
    machine = Machine(tmp_path)
    machine.band(day("8h sleep, 1h walk, 70m sit", MONDAY))
    with machine.process("web", "--port", "0", env={"PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("Open ").strip()
        yield address, process.pid
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


@pytest.mark.ring
@pytest.mark.enable_socket
def test_it_is_served_on_loopback_alone_and_its_port_is_told(served: tuple[str, int]) -> None:
    address, pid = served
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?ticket=[\w-]{32}", address)
    port = int(address.split(":")[2].split("/")[0])
    sockets = {
        line.split()[1] for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"
    }
    assert f"0100007F:{port:04X}" in sockets
    assert f"00000000:{port:04X}" not in sockets
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    page = opener.open(address, timeout=10).read().decode()
    assert "<main " in page
    with pytest.raises(urllib.error.HTTPError, match="421"):
        opener.open(urllib.request.Request(address, headers={"Host": "evil.example"}), timeout=10)  # noqa: S310  loopback


@pytest.mark.ring
@pytest.mark.enable_socket
@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium here")
def test_a_browser_shows_it_and_says_nothing(served: tuple[str, int], tmp_path: Path) -> None:
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}",
         "--dump-dom", served[0]],
        capture_output=True, text=True, timeout=120, check=True, env={**os.environ},
    )  # fmt: skip
    assert '<section class="now' in done.stdout
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []


BROWSER = """
import http.cookiejar, pathlib, sys, time, urllib.request
home = pathlib.Path(__file__).parent
(home / "open").touch()
while not (home / "go").exists():
    time.sleep(0.05)
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
page = opener.open(sys.argv[1], timeout=20).read()
(home / "page.new").write_bytes(page)
(home / "page.new").rename(home / "page")
while (home / "go").exists():
    time.sleep(0.05)
"""
STRANGER = """
import os, socket, sys
os.setuid(65534)
line = socket.socket()
line.connect(("127.0.0.1", int(sys.argv[1])))
asked = ["GET " + sys.argv[2] + " HTTP/1.1", "Host: 127.0.0.1:" + sys.argv[1], "Connection: close", "", ""]
line.sendall("\\r\\n".join(asked).encode())
print(line.recv(15).decode())
"""


def arguments() -> set[str]:
    """Every word in the arguments of every process of this computer, as any of its users reads them."""
    words: set[str] = set()
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words |= set(file.read_bytes().decode(errors="replace").split("\0"))
    return words


@pytest.mark.enable_socket
@pytest.mark.skipif(sys.platform != "linux", reason="reads the processes of Linux")
def test_what_the_browsers_arguments_show_works_once_and_for_nobody_else(machine: Machine) -> None:
    """A browser that takes its time, while other users of the computer read its arguments."""
    place = machine.home / "bin"
    place.mkdir()
    (place / "browser.py").write_text(BROWSER)
    (place / "xdg-open").write_text(f'#!/bin/sh\nexec {sys.executable} -IS {place / "browser.py"} "$@"\n')
    (place / "xdg-open").chmod(0o755)
    path = f"{place}{os.pathsep}{os.environ['PATH']}"
    with machine.process("web", "--open", env={"PYTHONUNBUFFERED": "1", "PATH": path}) as process:
        assert process.stdout is not None
        printed = process.stdout.readline().removeprefix("Open ").strip()
        port = int(printed.split(":")[2].split("/")[0])
        wait_for(place / "open")
        (handed,) = (word for word in arguments() if word.startswith(f"http://127.0.0.1:{port}/"))
        assert handed != printed
        assert not [word for word in arguments() if printed in word]
        if os.getuid() == 0:
            done = subprocess.run(
                [sys.executable, "-ISc", STRANGER, str(port), handed.removeprefix(f"http://127.0.0.1:{port}")],
                capture_output=True, text=True, timeout=30, check=True,
            )  # fmt: skip
            assert done.stdout.split()[1] == "403", "another user of the computer was quicker, and got in"
        (place / "go").touch()
        wait_for(place / "page")
        assert "<main " in (place / "page").read_text()
        for word in arguments():
            if f"127.0.0.1:{port}" in word:
                with pytest.raises(urllib.error.HTTPError, match="403"):
                    urllib.request.urlopen(word, timeout=10)  # noqa: S310  loopback
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    (place / "go").unlink()


def wait_for(file: Path) -> None:
    end = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < end, f"{file.name} did not come"
        time.sleep(0.05)


def test_a_port_that_is_taken_is_one_line(machine: Machine, socket_enabled: None) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert machine.refused("web", "--port", str(port), code=1) == (
            f"port {port} cannot be used (Address already in use): give another with --port"
        )
