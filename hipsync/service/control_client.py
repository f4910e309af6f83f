"""The door to the running service: a socket that only its owner can open, one question and one answer a connection.

Both are a line of JSON::

    {"do": "sync", "bands": ["desk-band"], "since": null}
    {"bands": [{"name": "desk-band", "epochs": 42, ...}]}

What is kept in the database needs no door: commands write it there, and then say `{"do": "look"}`, so that the service
looks at once. An answer with `error` was refused, and has the exit code that the command ends with. Here is who asks;
`hipsync/service/control_server.py` answers. On the path of `status --line`, so it imports no asyncio.

Untried: Windows, where asyncio knows no such sockets; there the service looks at the database once a minute.
"""

# What JSON holds has any type until it was looked at.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from hipsync.errors import HipsyncError, Refused
from hipsync.host.paths import runtime_dir

Line = Mapping[str, object]
WITHIN_S = 5.0
"""For one end to say its line, and for the other to take it."""


def door(database: Path) -> Path:
    """The socket of the service on this database."""
    mark = hashlib.sha256(os.fsencode(database.absolute())).hexdigest()[:12]
    return runtime_dir() / f"{mark}.sock"


def ask(database: Path, question: Line, within_s: float | None = WITHIN_S) -> Line | None:
    """The running service's answer; None if no service runs there. Raises `Refused`, and `HipsyncError` if it hangs."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(WITHIN_S)
        try:
            client.connect(os.fspath(door(database)))
        except OSError:
            return None
        client.settimeout(within_s)
        try:
            client.sendall(json.dumps(question).encode() + b"\n")
            with client.makefile("rb") as answers:
                answer = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise HipsyncError("the running service gives no answer: see its log, or stop and start it") from error
    if not isinstance(answer, dict):
        raise HipsyncError("what answers for the service is not hipsync: stop it")
    if "error" in answer:
        raise Refused(str(answer["error"]), int(answer.get("code", 1)))
    return answer


def look(database: Path) -> None:
    """Let a running service see at once what was written into the database; without one there is nothing to do."""
    with contextlib.suppress(HipsyncError):
        ask(database, {"do": "look"}, 1.0)
