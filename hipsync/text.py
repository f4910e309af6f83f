"""Text from strangers: cleaned so that it is safe to show, or read as JSON.

This is the lowest layer of hipsync, so every other module may use it. It knows no band, no file and no terminal; it
only takes text and returns text or plain values.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
"""A value that JSON can express. `match` and `isinstance` narrow it, so that nothing read from a file has the type
Any."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that `clean` removes, because in a terminal they move the cursor, change colours, or make
one name look like another. They are controls (C0, C1), format characters (among them those that turn the direction of
writing), halves of surrogate pairs, private and unassigned code points, and line and paragraph separators."""

_BREAKS = {ord(character): " " for character in "\t\n\v\f\r\x85\u2028\u2029"}
LONGEST_LINE = 2000
"""The most characters of a line: more than any message of ours has, and few enough to scroll past."""


def clean(text: str, limit: int = 64) -> str:
    """The text without invisible characters or those that control a terminal, trimmed and cut to `limit` characters."""
    shown = (character for character in text if unicodedata.category(character) not in _UNSEEN)
    return "".join(shown).strip()[:limit].rstrip()


def one_line(text: str, limit: int = LONGEST_LINE) -> str:
    """The text as one line that is safe to show in a terminal or a log: as `clean`, with spaces for line ends and tabs.

    It is cut to `limit` characters.
    """
    return clean(text.translate(_BREAKS), limit)


def length(minutes: int) -> str:
    """A number of minutes as people say it: `45 min`, `9 h 05`, `12 h`."""
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if not hours else f"{hours} h {rest:02d}" if rest else f"{hours} h"


def counted(count: int, one: str, more: str = "") -> str:
    """A number with its noun: `no breaks`, `1 break`, `1,200 breaks`. Without `more`, the plural ends in s."""
    return f"{count or 'no'} {one}" if count == 1 else f"{f'{count:,}' if count else 'no'} {more or f'{one}s'}"


def is_visible(text: str) -> bool:
    """Whether `clean` would remove no character of the text, wherever it stands."""
    return not any(unicodedata.category(character) in _UNSEEN for character in text)


def json_of(text: str | bytes) -> Json:
    """The value of a JSON text; bytes are read as UTF-8, UTF-16 or UTF-32.

    Raises `ValueError` if the text is not JSON, not in one of these encodings, or nested too deeply to be read.
    """
    try:
        value: Json = json.loads(text)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    return value
