"""The processes of a run: helpers of the campaign, the commands that they start, and whoever supervises a service.

Nothing here imports hipsync, and nothing here judges.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

TESTS = Path(__file__).parent.parent
GRACE_S = 60.0
"""Seconds in which every command must end: one that does not, hangs."""
ANSWERS_WITHIN_S = 300.0
"""Seconds for a helper of the campaign to answer, its start included; a busy machine may need a minute for that."""


class Server:
    """A process of the campaign that answers a message with a message."""

    def __init__(self, module: str, errors: Path, env: Mapping[str, str]) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.errors, self.is_open = errors, True
        with errors.open("a") as stderr, theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                env={**os.environ, **env},
                cwd=TESTS,
            )

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer. Raises `RuntimeError` if none comes, and then this helper is of no use any more."""
        answer = b""
        with suppress(OSError):  # also a time-out: what came later would be taken for the next answer
            self._ours.settimeout(ANSWERS_WITHIN_S)
            self._ours.send(json.dumps(order).encode())
            answer = self._ours.recv(1 << 22)
        if not answer:
            self.close()
            raise RuntimeError(f"a helper died or hangs: {self.errors.read_text()[-2000:]}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def close(self) -> None:
        self.is_open = False
        self._ours.close()
        self._child.kill()
        self._child.wait()


class Job:
    """The helpers that the runs of one thread share: the band's process, and a warm process for each environment."""

    def __init__(self, folder: Path, mutant: str | None = None) -> None:
        self.folder, self.mutant = folder, mutant
        self.usual: dict[str, float] = {}
        """By work, the seconds that it takes if nothing is wrong, as far as known: the span for instants of faults."""
        self._servers: dict[str, Server] = {}
        self._spent: dict[str, int] = {}

    def server(self, module: str, name: str, env: Mapping[str, str] | None = None) -> Server:
        """Return the helper of this name; it is started when it is asked for first."""
        if name not in self._servers or not self._servers[name].is_open:
            path = os.pathsep.join(map(str, (TESTS.parent, TESTS.parent / "devices", TESTS)))
            clean = {"PYTHONPATH": path, "TZ": "UTC", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere", **(env or {})}
            self._servers[name] = Server(module, self.folder / f"{name}.err", clean)
        return self._servers[name]

    @property
    def band(self) -> Server:
        return self.server("campaign.band", "band")

    @property
    def warm(self) -> Server:
        return self.server("campaign.warm", "warm")

    def new_errors(self) -> list[str]:
        """Return what the helpers have printed on stderr since this was asked last."""
        found: list[str] = []
        for name, server in self._servers.items():
            text = server.errors.read_text("utf-8", "replace")
            found.append(text[self._spent.get(name, 0) :])
            self._spent[name] = len(text)
        return found

    def template(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return a folder that `make` fills once."""
        folder = self.folder / "templates" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            make(folder)
        return folder

    def close(self) -> None:
        for server in self._servers.values():
            server.close()


class Command:
    """A `hipsync` process that a run started."""

    def __init__(self, server: Server, pid: int, argv: Sequence[str], out: Path, err: Path) -> None:
        self.pid, self.argv, self.out, self.err = pid, argv, out, err
        self._server, self._began = server, time.monotonic()
        self._handle = os.pidfd_open(pid)
        self.lasted = 0.0
        self.code: int | None = None
        """The exit code, or the negative number of the signal that ended it; None while it runs."""
        self.peak = 0

    def ended(self, within_s: float = 0.0) -> bool:
        """Wait, and return whether it has ended by then."""
        if self.code is None and select.select([self._handle], [], [], max(within_s, 0.0))[0]:
            self.lasted = time.monotonic() - self._began
            told = self._server.ask({"wait": self.pid})
            self.code, self.peak = told["code"], told["peak"]
            os.close(self._handle)
        return self.code is not None

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal, and return whether the process was there to get it."""
        if self.ended():
            return False
        os.kill(self.pid, number)
        return True

    def kill(self) -> None:
        if self.signal(signal.SIGKILL):
            self.ended(GRACE_S)

    def said(self) -> str:
        """What it printed, on either stream."""
        return "".join(path.read_text("utf-8", "replace") for path in (self.out, self.err) if path.exists())


class Supervisor:
    """The other end of systemd's notifications, for a service that is started with `env`: it tells when it has looked.

    The service looks twice within systemd's watchdog time, which is a second here.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / f"notify-{len(list(folder.glob('notify-*')))}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.env = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1000000"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def forget(self) -> None:
        """Forget what the service has told so far."""
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self._socket.recv(4096)

    def hears(self, word: bytes, within_s: float = 10.0) -> bool:
        """Wait for a message with this word in it, and return whether it came in time."""
        end = time.monotonic() + within_s
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            with suppress(TimeoutError):
                told = self._socket.recv(4096)
                if word in told and b"STATUS=started" not in told:
                    return True
        return False
