"""What strangers do: files to import, clients of the socket, requests to the page, programs that get prompts."""

from __future__ import annotations

import http.cookiejar
import importlib
import json
import os
import random
import re
import signal
import socket
import sqlite3
import urllib.request
import zipfile
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Any

from campaign import judge
from campaign.kinds import LeftOut, kind
from campaign.processes import Command
from campaign.run import ALWAYS, NEVER, OFFICE, Run, stamp, wall


def refused(run: Run, *words: str, may_pass: bool = False) -> None:
    """Import something: it is refused in a line, or taken whole; whatever reads the database then ends in order."""
    before = run.rows("SELECT count(*), sum(start), sum(steps) FROM epochs")
    command = run.do("import", *words)
    run.outcome.hit = True
    if command.code or not may_pass:
        if command.code == 0:
            run.broke(f"it was taken: {command.said().strip()[:200]}")
        else:
            run.one_line(command)
        if run.rows("SELECT count(*), sum(start), sum(steps) FROM epochs") != before:
            run.broke("a part of it was stored")
    if may_pass:
        run.readers()
    for name in set(judge.stored(run.db)) - {OFFICE}:
        run.sql("DELETE FROM epochs WHERE band = (SELECT id FROM bands WHERE name = ?)", name)
    run.judge()


@kind("import csv of a hostile file")
def hostile_csv(run: Run) -> None:
    run.office()
    good, path = "2026-03-02T09:00:00+00:00", run.folder / "hostile.csv"
    cell = run.chance.choice(
        (
            f"{good},-1", f"{good},301", f"{good},1e9", f"{good},NaN", f"{good},{'9' * 5000}", f"{good},\uff11\uff12",
            "1970-01-01T00:00:00+14:00,1", "9999-12-31T23:59:00-14:00,1", "0001-01-01T00:00:00+00:00,1",
            "2026-03-02T09:00:30+00:00,1", "2026-03-02T09:00:00+25:00,1", "soon,1", f"{good},\x00", f"{good},1,2,3,4,5",
            f"{good}", '"', f'"{good},1', f"{good},5\n{good},6", "2026-02-30T09:00:00+00:00,1", "-2026-03-02T09:00,1",
        )
    )  # fmt: skip
    rows = [f"{stamp(run.now_minute - 5000 + at)},{at % 90}" for at in range(200)]
    rows.insert(run.chance.randrange(200), cell)
    content = "\n".join(["timestamp,steps", *rows, ""]).encode()
    match run.chance.randrange(6):
        case 0:
            content = content.replace(b"steps", run.chance.choice((b"st\xffeps", b"paces", b"steps,steps", b"")), 1)
        case 1:
            content = run.chance.randbytes(5000)
        case 2:
            content = content[:99] + b"\xff\xfe" + content[99:]
        case _:
            pass
    path.write_bytes(content)
    refused(run, "csv", str(path), "--band", run.chance.choice(("guest", OFFICE)))


@kind("import of files that grow: one endless line, zeros, equal rows", quick=False)
def endless_file(run: Run) -> None:
    run.office()
    path = run.folder / "endless"
    form = run.chance.choice(("csv", "json"))
    with path.open("wb") as file:
        file.write(b"timestamp,steps\n" if form == "csv" else b'{"version": 1, "bands": [')
        if run.chance.random() < 0.5:
            file.truncate(600 << 20)  # zeros, that take no room on the disk
        else:
            for _ in range(300):
                file.write(b'"' * (1 << 20) if form == "csv" else b"[" * (1 << 20))
    refused(run, form, str(path))


@kind("import json of an export with a cell edited")
def hostile_json(run: Run) -> None:
    """Whatever is taken, every command ends in order afterwards."""
    run.office()
    at = "2026-03-02T09:00:00+00:00"
    head: dict[str, Any] = {
        "version": 1,
        "bands": [
            {"name": "guest", "driver": "csv", "address": None, "advertised_name": "", "simulated": False,
             "vouches": False, "reports_wear": False, "added": at},
        ],
        "zones": [{"since": at, "zone": "Europe/London"}],
        "counters": [{"band": "guest", "at": at, "steps": 5}],
        "wears": [{"band": "guest", "at": at, "worn": True}],
        "charges": [{"band": "guest", "at": at, "percent": 50, "charging": None}],
        "inactivities": [{"band": "guest", "at": at}],
        "infos": [{"band": "guest", "at": at, "firmware": "1", "hardware": None, "serial": None}],
        "syncs": [{"band": "guest", "started": at, "ended": at, "epochs": 3, "error": None}],
        "prompts": [
            {"at": at, "due": at, "exercise": "hip-extension", "sure": True, "shown_where": "desktop", "shown": 1,
             "last_shown": at, "answer": "done", "answered_at": at, "snoozed_until": None, "occasion": "sitting"},
        ],
        "exercises": [{"at": at, "name": "hip-extension", "how": "guided", "hurt": False}],
        "pauses": [{"at": at, "until": at}],
        "remarks": [{"band": "guest", "what": "battery", "at": at}],
    }  # fmt: skip
    table = run.chance.choice([key for key in head if key != "version"])
    row: dict[str, Any] = head[table][0]
    cells: tuple[Any, ...] = (
        10**14, -1, "Mars/Base", "maybe", "\x1b[31mred", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
        "x" * 100_000, None, [], {}, 1.5, "", True, "\ud800", 2**63, "1e999",
    )  # fmt: skip
    row[run.chance.choice(list(row))] = run.chance.choice(cells)
    path = run.folder / "hostile.json"
    epochs = "\n" + json.dumps({"band": "guest", "timestamp": at, "steps": 3, "length": 60}) + "\n]}\n"
    path.write_text(json.dumps(head).removesuffix("}") + ', "epochs": [' + epochs)
    refused(run, "json", str(path), may_pass=True)


@kind("import gadgetbridge of a hostile database or ZIP")
def hostile_gadgetbridge(run: Run) -> None:
    run.office()
    path = run.folder / "Gadgetbridge.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE DEVICE (_id INTEGER PRIMARY KEY, NAME, MANUFACTURER, IDENTIFIER, TYPE, MODEL, ALIAS, TYPE_NAME)")  # fmt: skip  # noqa: E501
        name = run.chance.choice(("guest", "\x1b[31mx", b"\xff\xfe", "", "x" * 10_000, None, 7, OFFICE))
        db.execute("INSERT INTO DEVICE VALUES (1, ?, 'Huami', ?, 1, NULL, NULL, 'MIBAND5')", (name, name))
        db.execute("CREATE TABLE MI_BAND_ACTIVITY_SAMPLE (TIMESTAMP, DEVICE_ID, USER_ID, RAW_INTENSITY, STEPS, RAW_KIND, HEART_RATE)")  # fmt: skip  # noqa: E501
        values = (2**62, -5, "x", None, b"\xff", 1e300, 10**14, 0)
        for at in range(300):
            cells: list[object] = [run.now_minute * 60 - 90_000 + at * 60, 1, 1, 5, at % 90, 1, 70]
            if run.chance.random() < 0.2:
                cells[run.chance.choice((0, 3, 4, 5, 6))] = run.chance.choice(values)
            db.execute("INSERT INTO MI_BAND_ACTIVITY_SAMPLE VALUES (?, ?, ?, ?, ?, ?, ?)", cells)
    if run.chance.random() < 0.4:
        content = bytearray(path.read_bytes())
        for _ in range(20):
            content[run.chance.randrange(len(content))] ^= 0xFF
        path.write_bytes(content)
    if run.chance.random() < 0.4:
        zipped = run.folder / "Gadgetbridge.zip"
        with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(
                path, run.chance.choice(("database/Gadgetbridge", "../../Gadgetbridge", "database/Gadgetbridge"))
            )
        if run.chance.random() < 0.3:
            zipped.write_bytes(zipped.read_bytes()[: run.chance.randrange(60, 900)])
        path = zipped
    refused(run, "gadgetbridge", str(path), may_pass=True)


@kind("import of bombs: a ZIP of two gibibytes, a Parquet file of ten million equal rows", quick=False)
def bombs(run: Run) -> None:
    run.office()
    if run.chance.random() < 0.5:
        bomb = run.job.folder / "bomb.zip"
        if not bomb.exists():
            zeros = bytes(1 << 20)
            with (
                zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
                archive.open("database/Gadgetbridge", "w", force_zip64=True) as file,
            ):
                file.write(b"SQLite format 3\0")
                for _ in range(2048):
                    file.write(zeros)
        refused(run, "gadgetbridge", str(bomb))
        return
    try:
        pa: Any = importlib.import_module("pyarrow")
        pq: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise LeftOut("pyarrow is not installed") from error
    bomb = run.job.folder / "bomb.parquet"
    if not bomb.exists():
        rows = 1_000_000
        schema = pa.schema({"timestamp": pa.timestamp("s", "UTC"), "steps": pa.int64(), "band": pa.string()})
        stamps = pa.array([run.now_minute * 60 - 86400] * rows, pa.timestamp("s", "UTC"))
        with pq.ParquetWriter(bomb, schema) as file:
            part = pa.table([stamps, [1] * rows, ["x"] * rows], schema)
            for _ in range(10):
                file.write_table(part)
    refused(run, "parquet", str(bomb))


@kind("import of what is no file: a FIFO, a folder, a device, a link to nowhere")
def no_file(run: Run) -> None:
    run.office()
    path = run.folder / "thing"
    ways: list[Callable[[], object]] = [
        partial(os.mkfifo, path), path.mkdir, lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to("/nowhere"), lambda: path.symlink_to(path), lambda: path.write_bytes(b""),
    ]  # fmt: skip
    run.chance.choice(ways)()
    form = run.chance.choice(("csv", "json", "gadgetbridge", "parquet"))
    refused(run, form, str(path))


# ------------------------------------------------------------------ the socket of the service


@kind("strangers at the socket of the service: noise, long lines, half questions, too many")
def control_socket(run: Run) -> None:
    run.pair(still=70)
    run.configure_hook()
    service = run.start("run")
    sockets = run.until(lambda: list(run.folder.glob("hipsync/*.sock")), 5)
    clients: list[socket.socket] = []
    for _ in range(run.chance.choice((3, 12, 40))):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(1)
        with suppress(OSError):
            client.connect(str(sockets[0]))
            client.send(_question(run.chance))
            if run.chance.random() < 0.5:
                client.close()
        clients.append(client)
    run.outcome.hit = not service.ended()
    for client in clients:
        client.close()
    asked = run.until(lambda: _answers(run), 20)
    if not asked:
        run.broke("the service does not answer any more")
    run.until(lambda: not run.told()["held"], 5)
    if service.ended():
        run.broke(f"the service ended: {service.said()[-300:]}")
    run.stop(service)
    run.settle()


def _question(chance: random.Random) -> bytes:
    return chance.choice(
        (
            b"", b"\n", b"{", chance.randbytes(200), chance.randbytes(20_000), b"[" * 15_000 + b"\n", b"null\n",
            b'{"do": "sync"}\n', b'{"do": "sync", "band": "band", "since": "soon"}\n', b'{"do": 1e999}\n',
            b'{"do": "sync", "band": "\\ud800", "since": null}\n', b'{"do": "buzz", "band": "nobody"}\n',
            b'{"do": "sync", "band": "band", "since": "0001-01-01T00:00:00+23:00"}\n', b'{"do": "reload"}\n' * 50,
            b'{"do": "status"}\n', b'{"do": "look"}\n', b'{"do": "' + b"x" * 16_000,
        )
    )  # fmt: skip


def _answers(run: Run) -> bool:
    command = run.do("status", "--json")
    return command.code == 0 and json.loads(command.out.read_text()).get("running") is True


# ------------------------------------------------------------------ the page


@contextmanager
def page(run: Run) -> Generator[tuple[Command, str, int], None, None]:
    """Run `hipsync web`; yields it, the address that it printed, and its port."""
    command = run.start("web", "--port", "0")
    run.until(lambda: "http://" in command.out.read_text(), 20)
    found = re.search(r"http://127\.0\.0\.1:(\d+)/\S*", command.out.read_text())
    if found is None:
        raise RuntimeError(f"no page: {command.said()}")
    yield command, found[0], int(found[1])
    run.stop(command)
    run.must(command, 0, 130, -signal.SIGTERM)


@kind("strangers at the page: foreign Host, huge headers, slow requests, bad tokens, noise")
def web_page(run: Run) -> None:
    run.office()
    with page(run) as (command, address, port):
        slow: list[socket.socket] = []
        for _ in range(run.chance.randrange(4, 12)):
            answer = _asked(port, _request(run.chance, port), slow)
            status = answer.split(b" ", 2)[1:2]
            if status == [b"200"] or b"<html" in answer.lower():
                run.broke(f"a stranger got a page: {answer[:100]!r}")
        run.outcome.hit = not command.ended()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        try:
            with browser.open(address, timeout=10) as answer:
                if answer.status != 200 or b"<html" not in answer.read().lower():
                    run.broke(f"the owner got no page: {answer.status}")
        except OSError as error:
            run.broke(f"the owner got no page: {error}")
        for each in slow:
            each.close()
    run.judge()


def _request(chance: random.Random, port: int) -> bytes:
    host = chance.choice((f"127.0.0.1:{port}", f"evil.example:{port}", "127.0.0.1", "", f"localhost:{port}"))
    path = chance.choice(
        (
            "/day/today",
            "/",
            "/?token=" + "x" * 32,
            "/?token=%ff%fe",
            "/do/pause",
            "/../../etc/passwd",
            "/day/%00",
            "/x" * 2000,
        )
    )
    more = chance.choice(
        ("", f"Cookie: hipsync-{port}=x\r\n", "X: " + "y" * 100_000 + "\r\n", "Origin: http://evil.example\r\n",
         "Cookie: \xff\r\n",
         "Content-Length: 99999999999\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n",
         "X: y\r\n" * 500)
    )  # fmt: skip
    method = chance.choice(("GET", "POST", "HEAD", "PUT", "OPTIONS", "\x00\x01", "GET " * 9))
    whole = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode("latin-1")
    return chance.choice((whole, whole, whole, whole[: len(whole) // 2], chance.randbytes(500), b""))


def _asked(port: int, request: bytes, slow: list[socket.socket]) -> bytes:
    """Send a request and return the answer; a half one stays open, as a slow client's."""
    client = socket.create_connection(("127.0.0.1", port), timeout=2)
    slow.append(client)
    try:
        client.sendall(request)
        if not request.endswith(b"\r\n\r\n"):
            return b""
        client.settimeout(0.5)
        return client.recv(65536)
    except OSError:
        return b""


# ------------------------------------------------------------------ where prompts go


def prompted(run: Run, *, at_most_s: float = 4.0, env: dict[str, str] | None = None) -> None:
    """Let the service show a prompt, end it in the middle or after it, and see that everything was fetched."""
    service = run.start("run", env=env or {})
    run.outcome.hit = bool(run.until(lambda: run.rows("SELECT 1 FROM prompts") or service.ended(), at_most_s))
    service.ended(run.chance.random() * 0.5)
    if service.ended():
        run.broke(f"the service ended: {service.said()[-300:]}")
    run.stop(service)
    run.settle()


@kind("the command for prompts fails, hangs, is missing, floods, or dies")
def hook_fails(run: Run) -> None:
    run.pair(still=70)
    ends = ("exit 3", "sleep 60", "kill -9 $$", "yes", "exec 0<&-; sleep 60", "sleep 60 & exit 0", "printf '\\377'")
    if run.chance.random() < 0.7:
        run.configure_hook(end=run.chance.choice(ends))
    else:
        (run.home / "text").write_text("no program")
        run.configure(ALWAYS, command=[run.chance.choice(("/nowhere", str(run.home), str(run.home / "text"), ""))])
    prompted(run)


@kind("no server for notices, one that is silent, or one that talks noise")
def notice_server_gone(run: Run) -> None:
    run.pair(still=70)
    run.configure(ALWAYS, command=run.hook(), desktop=True)
    bus = run.folder / "bus"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(bus))
        way = run.chance.choice(("gone", "deaf", "noise", "none"))
        if way in {"deaf", "noise"}:
            server.listen()
        clients: list[socket.socket] = []
        if way == "noise":
            import threading

            def noise() -> None:
                with suppress(OSError):
                    while True:
                        client, _ = server.accept()
                        clients.append(client)
                        client.sendall(run.chance.randbytes(200) + b"\r\n")

            threading.Thread(target=noise, daemon=True).start()
        address = "" if way == "none" else f"unix:path={bus}"
        prompted(run, env={"DBUS_SESSION_BUS_ADDRESS": address})
        server.close()
        for client in clients:
            client.close()


@kind("nobody may be prompted: outside the hours, in a pause, or after a walk")
def quiet_time(run: Run) -> None:
    """Killed and started again at random, the service still says nothing."""
    way = run.chance.choice(("hours", "pause", "walk"))
    run.pair(still=20 if way == "walk" else 70)
    run.configure_hook(settings=NEVER if way == "hours" else ALWAYS)
    if way == "pause":
        run.sql("INSERT INTO pauses VALUES (?, ?)", int(wall()) - 60, int(wall()) + 7200)
        run.allowed = False
    service = run.start("run")
    run.outcome.hit = run.strike("service", service, service.kill, talking=True)
    run.serve_once()
    run.settle()


# ------------------------------------------------------------------ where output goes


@kind("what is printed goes nowhere: a closed pipe, a full disk")
def closed_stdout(run: Run) -> None:
    """A closed pipe is no news, and a full disk is said in a line."""
    run.office()
    run.pair()
    words = run.chance.choice(
        (["export"], ["export", "--format", "json"], ["status"], ["week"], ["bands"], ["drivers"], ["sync"], ["--help"],
         ["db", "check"], ["config", "show"], ["month", "--json"], ["exercise", "--list"])
    )  # fmt: skip
    way = run.chance.choice(("|", "/dev/full"))
    command = run.start(*words, to=way)
    run.outcome.hit = True
    run.finish(command)
    run.must(command, 0, 1, 3, -signal.SIGPIPE)
    if len(command.err.read_text().splitlines()) > 1:
        run.broke(f"`{' '.join(words)}` says more than a line: {command.err.read_text()[:200]!r}")
    run.settle()
