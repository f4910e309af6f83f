"""How a command asks the running service: over a socket that only its owner can open, one question per connection.

Question and answer are one line of JSON each::

    {"do": "sync", "band": "desk-band", "since": null}
    {"epochs": 42, "history": true, "held": false}

What a command stores in the database needs no question: the command writes it, then sends `{"do": "look"}`, so that the
service looks at once. An answer with `error` is a refusal, with the `code` that the command exits with. This module
asks, and `control_server` answers. `status --line` imports it, so it imports no asyncio.

Untried: Windows, where asyncio knows no such sockets. There the service looks at the database twice a minute.
"""

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
from hipsync.host.peer import is_ours
from hipsync.text import Json, json_of

Line = dict[str, Json]
"""A question or an answer: an object that is sent as one line of JSON."""
WITHIN_S = 5.0
"""Seconds that each end has to send its line, and as many to receive the other's."""

LONGEST_ANSWER = 2**20
"""The most bytes of an answer that are read."""
NOT_HIPSYNC = "what answers for the service is not hipsync: stop it"


def socket_path(database: Path) -> Path:
    """The path of the socket on which the service for this database listens."""
    mark = hashlib.sha256(os.fsencode(database.absolute())).hexdigest()[:12]
    return runtime_dir() / f"{mark}.sock"


def ask(database: Path, question: Mapping[str, Json], within_s: float | None = WITHIN_S) -> Line | None:
    """Send a question to the running service and return its answer; None if no service runs on this database.

    The answer may take `within_s` seconds; None sets no limit. Raises `Refused` with the service's reason and exit
    code, and `HipsyncError` if no proper answer comes in time.
    """
    if not hasattr(socket, "AF_UNIX"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(WITHIN_S)
        try:
            client.connect(os.fspath(socket_path(database)))
        except OSError:
            return None
        if not is_ours(client):
            raise HipsyncError(NOT_HIPSYNC)
        client.settimeout(within_s)
        try:
            client.sendall(json.dumps(question).encode() + b"\n")
            with client.makefile("rb") as lines:
                answer = json_of(lines.readline(LONGEST_ANSWER))
        except (OSError, ValueError) as error:
            raise HipsyncError("the running service gives no answer: see its log, or stop and start it") from error
    if not isinstance(answer, dict):
        raise HipsyncError(NOT_HIPSYNC)
    if "error" in answer:
        code = answer.get("code")
        raise Refused(str(answer["error"]), code if isinstance(code, int) else 1)
    return answer


def look(database: Path) -> None:
    """Have a running service read at once what was written into the database. Without one, nothing happens."""
    with contextlib.suppress(HipsyncError):
        ask(database, {"do": "look"}, 1.0)
