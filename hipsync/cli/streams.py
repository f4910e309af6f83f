"""The standard streams of a command: missing from the start, or unable to take what is written to them.

A terminal that went away, a full disk behind a redirection and a closed pipe are no bugs: each ends the command with
one line, or with none if the reader just had enough.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import NoReturn

import click

from hipsync.cli import exits

UNWRITTEN = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EBADF", "EPIPE", "EAGAIN")
    if hasattr(errno, name)
)
"""Why a terminal, a pipe or a file takes no more output."""


def prepare() -> None:
    """Let the standard streams take any text: a terminal that cannot show a character shows a question mark.

    A stream that was closed before the start becomes a file that refuses to be read or written; words for standard
    error are dropped. Otherwise the next file that is opened, such as the database, takes its place.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            flags = os.O_WRONLY if name in {"stdin", "stderr"} else os.O_RDONLY
            descriptor = os.open(os.devnull, flags)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def flush() -> None:
    """Write what standard output still holds. Ends the program with an exit code if that fails."""
    try:
        sys.stdout.flush()
    except OSError as error:
        end_unwritten(error)


def end_unwritten(error: OSError) -> NoReturn:
    """Say why standard output took no more, unless its reader just went away, and end with an exit code.

    An error of anything else, which names a file or is of another kind, is raised again.
    """
    if error.filename is not None or error.errno not in UNWRITTEN:
        raise error
    _discard_output()
    if not isinstance(error, BrokenPipeError):
        with contextlib.suppress(OSError):
            click.echo(f"hipsync: cannot write: {error.strerror or error}", err=True)
    sys.exit(exits.FAILED)


def _discard_output() -> None:
    """Send what standard output still holds, and all that follows, nowhere: it can take no more."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        number, null = sys.stdout.fileno(), os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
