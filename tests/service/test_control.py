"""The socket of the running service: who may ask on it, and what comes of noise."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from hipsync.errors import HipsyncError, Refused
from hipsync.service import control_client as control
from hipsync.service import control_server as server
from hipsync.service.control_client import Line, ask, look, socket_path
from hipsync.service.control_server import LONGEST_QUESTION, MOST_CLIENTS, listening

T = TypeVar("T")


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(control, "WITHIN_S", 1.0)
    monkeypatch.setattr(server, "WITHIN_S", 1.0)
    return tmp_path / "hipsync.db"


async def echo(question: Line) -> Line:
    return {"heard": question}


def while_listening(database: Path, story: Callable[[], T], answer: Callable[[Line], Awaitable[Line]] = echo) -> T:
    """What comes of a story in another thread while somebody answers."""

    async def served() -> T:
        async with listening(database, answer):
            return await asyncio.to_thread(story)

    return asyncio.run(served())


def raw(database: Path, said: bytes, *, leave: bool = False) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(os.fspath(socket_path(database)))
        client.sendall(said)
        return b"" if leave else client.makefile("rb").readline()


def test_a_question_has_an_answer_and_only_its_owner_may_ask(database: Path) -> None:
    def story() -> int:
        assert ask(database, {"do": "look", "ö": [1]}) == {"heard": {"do": "look", "ö": [1]}}
        return stat.S_IMODE(socket_path(database).stat().st_mode)

    assert while_listening(database, story) == 0o600
    assert stat.S_IMODE(socket_path(database).parent.stat().st_mode) == 0o700
    assert not socket_path(database).exists()


def test_where_no_service_runs_nobody_answers(database: Path) -> None:
    assert ask(database, {"do": "look"}) is None
    look(database)
    socket_path(database).parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(os.fspath(socket_path(database)))  # by a service that was killed
    assert ask(database, {"do": "look"}) is None
    assert while_listening(database, lambda: ask(database, {})) == {"heard": {}}


def test_two_databases_have_two_sockets(database: Path) -> None:
    assert socket_path(database) != socket_path(database.with_name("other.db"))


def test_a_refusal_carries_its_exit_code(database: Path) -> None:
    async def no(question: Line) -> Line:
        return {"error": "no band", "code": 2}

    def story() -> Refused:
        with pytest.raises(Refused, match="no band") as caught:
            ask(database, {"do": "sync"})
        look(database)
        return caught.value

    assert while_listening(database, story, no).code == 2


NOISE = {
    "bytes": b"\xff\xfe\n",
    "no JSON": b"status\n",
    "a list": b"[1]\n",
    "nothing": b"\n",
    "deep": b"[" * 10_000 + b"\n",
    "long": b"x" * (LONGEST_QUESTION * 3) + b"\n",
    "half a line, then silence": b'{"do": ',
}


@pytest.mark.parametrize("said", NOISE.values(), ids=NOISE.keys())
def test_noise_is_refused_and_the_next_one_is_heard(database: Path, said: bytes) -> None:
    def story() -> bytes:
        try:
            reply = raw(database, said)
        except ConnectionError:  # it was so long that nobody read it to its end
            reply = b'{"error": "hung up"}'
        assert ask(database, {}) == {"heard": {}}
        return reply

    assert "error" in json.loads(while_listening(database, story))


def test_one_that_leaves_and_many_that_hang_do_not_keep_others_out_for_long(database: Path) -> None:
    def story() -> None:
        raw(database, b'{"do": "look"}\n', leave=True)
        hanging = [socket.socket(socket.AF_UNIX) for _ in range(MOST_CLIENTS)]
        for client in hanging:
            client.connect(os.fspath(socket_path(database)))
        with pytest.raises(Refused, match="too many"):
            ask(database, {})
        for client in hanging:
            client.settimeout(5)
            assert b"no question" in client.recv(1000)
            client.close()
        assert ask(database, {}) == {"heard": {}}

    while_listening(database, story)


def test_a_service_that_does_not_answer_is_named(database: Path) -> None:
    async def never(question: Line) -> Line:
        await asyncio.Event().wait()
        return {}

    def story() -> None:
        with pytest.raises(HipsyncError, match="gives no answer"):
            ask(database, {}, within_s=0.1)

    while_listening(database, story, never)


KNOCK = """
import os, socket, sys
os.setuid(65534)
with socket.socket(socket.AF_UNIX) as client:
    client.settimeout(5)
    client.connect(sys.argv[1])
    try:
        client.sendall(b'{}\\n')
        print("turned away" if client.recv(100) == b"" else "answered")
    except ConnectionError:
        print("turned away")
"""


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can be somebody else")
def test_another_user_is_turned_away_even_if_the_file_lets_him_in(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story() -> list[str]:
        said: list[str] = []
        for mode in (0o600, 0o666):
            socket_path(database).chmod(mode)
            done = subprocess.run(
                [sys.executable, "-c", KNOCK, str(socket_path(database))], capture_output=True, text=True, check=False
            )
            said.append(done.stdout.strip() or done.stderr.splitlines()[-1].split(":")[0])
        return said

    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to others
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        socket_path(database).parent.mkdir()
        for place in (Path(folder), socket_path(database).parent):
            place.chmod(0o711)
        assert while_listening(database, story) == ["PermissionError", "turned away"]


def test_without_a_place_for_it_the_service_runs_all_the_same(
    database: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "run").write_text("a file in the way")
    assert while_listening(database, lambda: ask(database, {})) is None
    assert "other commands cannot reach this service" in caplog.text


SQUAT = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    os.umask(0)
    os.setuid(65534)
    server.bind(sys.argv[1])
    server.listen()
    print("ready", flush=True)
    client, _ = server.accept()
    with client:
        try:
            client.sendall(b'{"line": "all is well"}\\n')
            print("asked" if client.recv(100) else "not asked")
        except ConnectionError:
            print("not asked")
"""


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can be somebody else")
def test_what_another_user_answers_in_place_of_the_service_is_not_believed(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XDG_RUNTIME_DIR may point into a folder in which others write, and one of them was there first."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        socket_path(database).parent.mkdir()
        for place in (Path(folder), socket_path(database).parent):
            place.chmod(0o777)
        command = [sys.executable, "-c", SQUAT, str(socket_path(database))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
            with pytest.raises(HipsyncError, match="is not hipsync"):
                ask(database, {"do": "sync", "band": "desk-band"})
            assert other.stdout.read() == "not asked\n"
            assert other.wait(10) == 0


def test_an_answer_without_an_end_is_given_up(database: Path) -> None:
    def story() -> None:
        with pytest.raises(HipsyncError, match="gives no answer"):
            ask(database, {})

    async def endless(question: Line) -> Line:
        return {"much": "x" * (2 * control.LONGEST_ANSWER)}

    while_listening(database, story, endless)
