"""The frame of every page: its head, its one style sheet, its scripts, and the policy that allows nothing else.

A page needs nothing from outside itself. Styles and scripts stand in it, as they are in the files beside this one, and
the policy names each by its hash. So a page that was saved is the same page, and text that slips through is no script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Literal, NamedTuple

Script = Literal["page.js", "exercise.js"]
SCRIPTS: Sequence[Script] = ("page.js", "exercise.js")
VIEWS = (
    ("day", "Day", "today"),
    ("week", "Week", "today"),
    ("month", "Month", "today"),
    ("exercises", "Exercises", "all"),
)
"""The views that the bar at the top leads to: the word in the address, the one people read, and what is shown of it."""


class Follows(NamedTuple):
    """How often a page looks for news while it is in sight."""

    script_s: int
    """Seconds after which the script looks again."""
    reload_s: int | None
    """Seconds after which a browser without scripts loads the page anew; None for never, because somebody types."""


NOW = Follows(script_s=15, reload_s=60)
"""For a page that time changes."""


class Served(NamedTuple):
    """What a page needs to know of the server that it comes from, to ask it for more."""

    key: str
    """What its forms and its script send, so that the server knows them."""
    views: bool = True
    """Whether the server has the other views, to which a bar at the top leads; one without them ends with its page."""


def document(
    title: str,
    body: str,
    *,
    view: str = "",
    name: str = "",
    follows: Follows | None = None,
    scripts: Sequence[Script] = SCRIPTS[:1],
    served: Served | None = None,
    message: str = "",
    foot: str = "",
) -> str:
    """A whole page as HTML, from its DOCTYPE on. `body` and `foot` are HTML.

    `view` is one of `VIEWS`, or another word for a page that the bar does not lead to. `name` tells the script whether
    two pages show the same. `follows` says how often the page looks for news; None means never. `served` is None for a
    page in a file, and `message` is what its server says, as text.
    """
    key = f' data-key="{escape(served.key)}"' if served else ""
    key += ' data-closes="yes"' if served and not served.views else ""
    live, anew = _follows(follows) if follows and served else ("", "")
    bar = _bar(view) if served and served.views else ""
    status = f'<p class="message" id="message" role="status">{escape(message)}</p>\n' if served else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy()}">
{anew}<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{asset("page.css")}</style>
</head>
<body{key}>
{bar}<main data-page="{escape(name)}"{live}>
{status}{body}
</main>
{foot}
{"".join(f"<script>{asset(each)}</script>" for each in scripts)}
</body>
</html>
"""


def _follows(follows: Follows) -> tuple[str, str]:
    """What tells the script how often to look, and what tells a browser without scripts."""
    seconds = follows.reload_s
    anew = f'<noscript><meta http-equiv="refresh" content="{seconds}"></noscript>\n' if seconds else ""
    return f' data-follows="{follows.script_s}"', anew


def _bar(view: str) -> str:
    links = "".join(
        f'<a href="../{word}/{first}"{_current(word == view)}{_soft(word)}>{label}</a>' for word, label, first in VIEWS
    )
    return (
        '<header class="bar"><div><span class="brand">hip<b aria-hidden="true">&#9679;</b>sync</span>'
        f'<nav aria-label="Views">{links}</nav></div></header>\n'
    )


def _current(is_current: bool) -> str:
    return ' aria-current="page"' if is_current else ""


def _soft(word: str) -> str:
    """What has the script go to a view by itself; a page with another script is loaded whole."""
    return "" if word == "exercises" else " data-soft"


@cache
def asset(name: str) -> str:
    """The text of a file beside this one."""
    return Path(__file__).with_name(name).read_text("utf-8")


@cache
def policy() -> str:
    """The Content-Security-Policy of each page: its own style and scripts, and what it asks of whoever served it."""
    style, *scripts = (_hash(asset(name)) for name in ("page.css", *SCRIPTS))
    return (
        f"default-src 'none'; style-src {style}; script-src {' '.join(scripts)}; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
