"""What commands say: to people, no line is wider than the terminal; to programs, JSON. Elsewhere lines stay whole.

Tables of numbers and files are printed as they are, by `click.echo`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO, cast

import click

HEAD = "hipsync: "
"""What stands before an error."""
USUAL = 80
"""The width of a terminal that does not know its own, and of prose in a file."""


def say(text: str, *, indent: int = 0, err: bool = False, prose: bool = False) -> None:
    """Print lines; on a terminal each is broken between words, with what follows behind `indent` spaces.

    With `prose` that is done elsewhere too, because nobody takes such lines apart.
    """
    columns = columns_of(sys.stderr if err else sys.stdout) or (USUAL if prose else None)
    if columns is None:
        click.echo(text, err=err)
        return
    from hipsync.report.pen import folded

    click.echo("\n".join(line for each in text.split("\n") for line in folded(each, columns, indent)), err=err)


def complain(text: str) -> None:
    """Print an error or a warning, which is one line where standard error is no terminal."""
    say(f"{HEAD}{text}", indent=2, err=True)


def tell_rows(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of cells, in columns where they fit the terminal."""
    from hipsync.report.pen import aligned

    for line in aligned(rows, columns_of(sys.stdout) or sys.maxsize):
        click.echo(line)


def tell_json(content: Mapping[str, object]) -> None:
    """Print an object for programs: a line for each of its values, or of a list of objects one for each of them.

    So one can read it and tell two of them apart, and it is written at once: Python takes ten times as long to indent.
    """
    import json  # only here: most commands have none to print

    def lines(value: object) -> str:
        items = cast("list[object]", value) if isinstance(value, list) else []
        if not any(isinstance(item, dict) for item in items):
            return json.dumps(value)
        return "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in items) + "\n ]"

    click.echo("{\n" + ",\n".join(f" {json.dumps(key)}: {lines(value)}" for key, value in content.items()) + "\n}")


def columns_of(stream: TextIO) -> int | None:
    """The width of a terminal; None if the stream is none, so that text in a file does not depend on one."""
    if not stream.isatty():
        return None
    import shutil  # only here: `hipsync today` need not wait for it

    here = os.get_terminal_size(stream.fileno())
    return shutil.get_terminal_size((here.columns or USUAL, here.lines)).columns
