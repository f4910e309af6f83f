"""The warm process of the campaign: it has hipsync imported, and forks a child for each command that a run starts.

The child is what the console script `hipsync` is, from `hipsync.cli.main` to the interpreter's own end. Two things
differ: simulated bands are reached in the band's process, and a Mi Band is not waited for between two rounds. Each
message on the socket is one JSON object, and so is each answer::

    {"argv": [...], "out": PATH, "err": PATH, ...}    start a command (the fields are those of `Order`)
    {"wait": PID}                                     its status and peak of memory; only asked once it has ended
    {"old": PATH}                                     make a database of the first schema
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import resource
import socket
import sqlite3
import sys
from collections.abc import AsyncGenerator
from typing import Any

import __main__
import hipsync
from campaign.mutants import MUTANTS
from hipsync.cli import main as hipsync_main
from hipsync.radio import bleak_radio
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.simulation import bumble_adapter
from hipsync.registry import drivers
from hipsync_devices.huami import protocol

drivers()
protocol.BETWEEN_ROUNDS *= 0

Order = dict[str, Any]
"""What a child is to be: `argv`, `out` and `err` (paths, or "|" for a pipe that nobody reads), `env` (added to ours),
`transport` (of the band), `file_limit` (bytes that a file may have), `memory_limit` (bytes), `powerless` (root is
refused what anybody is), `mutant` (a name of `MUTANTS`)."""


def serve(asked: socket.socket) -> None:
    """Answer messages until the other end is closed; in a child, return once the child is what was ordered."""
    while message := asked.recv(1 << 20):
        order: Order = json.loads(message)
        if "wait" in order:
            _, status, usage = os.wait4(order["wait"], 0)
            answer: dict[str, int] = {
                "code": os.waitstatus_to_exitcode(status),
                "peak": usage.ru_maxrss * 1024,
            }
        elif "old" in order:
            make_old(order["old"])
            answer = {}
        else:
            pid = os.fork()
            if pid == 0:
                asked.close()
                become(order)
                return
            answer = {"pid": pid}
        asked.send(json.dumps(answer).encode())
    sys.exit(0)


def become(order: Order) -> None:
    """Make this process the command that was ordered, ready for `hipsync.cli.main`."""
    for number, path in ((1, order["out"]), (2, order["err"])):
        if path == "|":
            unread, handle = os.pipe()
            os.close(unread)
        else:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(handle, number)
        os.close(handle)
    renew_streams()
    os.environ.update(order.get("env") or {})
    if (limit := order.get("file_limit")) is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if (limit := order.get("memory_limit")) is not None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if order.get("powerless"):
        drop_powers()
    if (transport := order.get("transport")) is not None:
        reach_by(str(transport))
    if (mutant := order.get("mutant")) is not None:
        MUTANTS[mutant]()
    sys.argv = ["hipsync", *order["argv"]]
    __main__.__package__ = ""  # else click says how a module is run


def renew_streams() -> None:
    """Make `sys.stdout` and `sys.stderr` as an interpreter does that is started with these files."""
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def drop_powers() -> None:
    """Give up all capabilities (capabilities(7)), so that permissions hold for root, too."""
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def reach_by(transport: str) -> None:
    """Let every command reach its bands in the band's process instead of making simulated ones of its own."""

    @contextlib.asynccontextmanager
    async def opened_radio(*_: object) -> AsyncGenerator[BleakRadio, None]:
        async with bumble_adapter(transport) as adapter:
            yield BleakRadio(adapter)

    bleak_radio.opened_radio = opened_radio  # type: ignore[assignment]


def make_old(path: str) -> None:
    """Make an empty database as the first released hipsync made it."""
    from sqlite_utils import Database

    from hipsync.store.migrations import STEPS

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        STEPS.apply(Database(db, execute_plugins=False), stop_before="m002_pauses")
        db.execute("PRAGMA user_version = 1")
        db.execute("PRAGMA journal_mode = WAL")


def import_all() -> None:
    """Import every module of hipsync, and what they import where it is used, so that a child need not."""
    ours = [module.name for module in pkgutil.walk_packages(hipsync.__path__, "hipsync.")]
    for name in (*ours, "uvicorn", "tomllib", "desktop_notifier", "tomlkit"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


if __name__ == "__main__":
    import_all()
    gc.collect()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
    hipsync_main()
