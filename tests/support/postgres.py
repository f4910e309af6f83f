"""A Postgres of its own in a folder of a test, behind a socket there, and the logins of a fleet.

It is Debian's. A test that wants it skips where it is not installed, unless `MUST` is set. Postgres refuses to run as
root: then it runs as the user `postgres`, whom Debian's package makes.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from support.mosquitto import Certificates, free_port

MUST = "HIPSYNC_POSTGRES_MUST"
"""This environment variable is set where Postgres was installed for the tests: one that is not found is a failure."""
WITHIN_S = 60
GATEWAYS = ("ward_1", "ward_2")


@cache
def programs() -> Path:
    """The folder of Postgres' programs. It skips the test where there is none, unless `MUST` is set."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path is not None:
        return Path(on_path).resolve().parent
    if MUST in os.environ:
        pytest.fail(f"{MUST} is set, and there is no Postgres", pytrace=False)
    pytest.skip("there is no Postgres here: apt-get install postgresql")


class Postgres:
    """A server that a test starts, stops, kills and starts again. Its data are gone with the block that made it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._data = folder, folder / "data"
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        folder.chmod(0o755)
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", "owner", "-E", "UTF8", "--locale=C", "--no-sync")
        lines = ("listen_addresses = ''", "fsync = off", "max_connections = 30", "timezone = 'Asia/Tokyo'", "")
        settings = "\n".join(lines)
        self._run("sh", "-c", f'printf "%s" "$1" >> "{self._data}/postgresql.conf"', "sh", settings, ours=False)

    def _run(self, program: str, *arguments: str | Path, ours: bool = True) -> None:
        user = None if self._user is None else self._user.pw_uid
        group = None if self._user is None else self._user.pw_gid
        command = [str(programs() / program) if ours else program, *map(str, arguments)]
        with (self.folder / "said").open("ab") as said:
            subprocess.run(
                command, check=True, stdout=said, stderr=said, timeout=WITHIN_S, cwd="/", user=user, group=group
            )

    def listen_with(self, certificates: Certificates) -> int:
        """From the next start on, also listen at a port of loopback, there with this certificate; return the port."""
        port = free_port()
        for name, source in (("server.crt", certificates.certificate), ("server.key", certificates.key)):
            target = self._data / name
            target.write_bytes(source.read_bytes())
            target.chmod(0o600)
            if self._user is not None:
                os.chown(target, self._user.pw_uid, self._user.pw_gid)
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(f"listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\n")
        return port

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-k {self.folder}"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        """Stop it; `immediate` is as if it was killed: nothing is finished, and it recovers at the next start."""
        self._run("pg_ctl", "-D", self._data, "-m", how, "-w", "stop")

    def wait_until_up(self) -> None:
        """Wait until it answers again, after it recovered."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            try:
                self.owner().close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return

    def until_some(self, count: LiteralString, *values: object) -> None:
        """Wait until what a query counts, with these values in it, is not zero."""
        deadline = time.monotonic() + WITHIN_S
        with self.owner() as db:
            while db.execute(count, values or None).fetchone() == (0,):
                assert time.monotonic() < deadline
                time.sleep(0.01)  # Postgres notifies nobody of what its sessions do

    def until_waits(self, query: str) -> None:
        """Wait until a session waits for a lock in such a query, in which `%` stands for anything."""
        self.until_some("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s", query)

    def kill_sessions(self) -> None:
        """Kill, as the system would, each process that serves a client; the server then throws out all others."""
        with self.owner() as db:
            pids = [pid for (pid,) in db.execute("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                                                 " AND backend_type = 'client backend'")]  # fmt: skip
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def dsn(self, login: str = "owner") -> str:
        return f"host={self.folder} user={login} dbname=postgres"

    def owner(self) -> psycopg.Connection:
        """A connection that may do everything, and for which each statement is a transaction."""
        return psycopg.connect(self.dsn(), autocommit=True)


@contextlib.contextmanager
def postgres() -> Generator[Postgres]:
    """A server that runs during the block. Its folder is not a test's own: the path of a socket has to be short."""
    programs()
    with tempfile.TemporaryDirectory(prefix="hipsync-pg-") as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                server.stop("immediate")
