"""Completes `cli.md` when the site is built: every command with the help that it prints.

mkdocs-click would do this, but as of 0.9 it joins the example lines of a help text into one paragraph, and shows
`Sentinel.UNSET` as the default of every option since click 8.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from hipsync.cli import hipsync

WIDTH = 88
"""Columns of the help texts: as many as fit the page on a laptop."""


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """The page with the commands below its text; MkDocs calls this for each page."""
    return markdown if page.file.src_uri != "cli.md" else "\n".join([markdown, *_sections(hipsync, None)])


def _sections(command: click.Command, parent: click.Context | None) -> Iterator[str]:
    """A heading and the help of a command, then the same of the commands below it, in the order of `--help`."""
    settings: dict[str, Any] = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    name = command.name if parent is not None else "hipsync"
    ctx = click.Context(command, parent, info_name=name, **settings)
    level = 3 if parent is not None and parent.parent is not None else 2
    yield f"\n{'#' * level} {ctx.command_path}\n\n```text\n{click.unstyle(command.get_help(ctx))}\n```"
    if isinstance(command, click.Group):
        for each in command.list_commands(ctx):
            if (found := command.get_command(ctx, each)) is not None:
                yield from _sections(found, ctx)
