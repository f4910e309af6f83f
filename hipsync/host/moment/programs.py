"""Runs one of the desktop's own programs for a question, with a limit of time and of output."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

WITHIN_S = 2.0
LONGEST = 2**20
"""The most bytes of output that are read."""


async def output_of(command: Sequence[str], environment: Mapping[str, str]) -> bytes | None:
    """Return what a program prints; None if it is not there, fails, takes too long or prints too much."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
    )
    with contextlib.closing(pipe):
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,  # not a pipe of asyncio's, whose end `wait` would wait for
                stderr=asyncio.subprocess.DEVNULL,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            log.debug("%s: %s", command[0], error)
            return None
        finally:
            os.close(writing)
        return await _read(process, reader, command[0])


async def _read(process: asyncio.subprocess.Process, reader: asyncio.StreamReader, name: str) -> bytes | None:
    """Read all that a process prints until it ends, and see that it has ended. None as from `output_of`."""
    found, ended = b"", False
    try:
        async with asyncio.timeout(WITHIN_S):
            while more := await reader.read(LONGEST):
                found += more
                if len(found) > LONGEST:
                    return None
            await process.wait()
            ended = True
            return found if process.returncode == 0 else None
    except TimeoutError:
        log.debug("%s takes too long", name)
        return None
    finally:
        if not ended:
            with contextlib.suppress(ProcessLookupError):  # its children, too
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
