"""How hipsync draws in a terminal: glyphs, colours and widths, from what the terminal can do.

A shade is told by its glyph and its height; its colour only repeats that. Each of the 256 colours that are used has a
contrast of 3.1 or more on white and on black (`tests/report/test_pen.py` calculates it).
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal, NamedTuple, TextIO

from hipsync.core.ribbon import Shade

GLYPHS: Mapping[Shade, str] = {
    Shade.SITTING: "▄",
    Shade.PAST: "█",
    Shade.UP: "▁",
    Shade.STANDING: "▂",
    Shade.NOT_WORN: "╌",
    Shade.ASLEEP: "·",
    Shade.NO_DATA: "?",
}
"""One character for each shade, in the order of legends: the stiller the wearer, the higher it is."""
ASCII_GLYPHS: Mapping[Shade, str] = {
    Shade.SITTING: "=",
    Shade.PAST: "#",
    Shade.UP: "_",
    Shade.STANDING: ":",
    Shade.NOT_WORN: "-",
    Shade.ASLEEP: ".",
    Shade.NO_DATA: "?",
}
COLOURS: Mapping[Shade, tuple[str, str]] = {
    Shade.SITTING: ("33", "38;5;136"),
    Shade.PAST: ("35", "38;5;161"),
    Shade.UP: ("36", "38;5;32"),
    Shade.STANDING: ("36", "38;5;32"),
}
"""The escape sequences of a shade for terminals of 16 and of 256 colours; the others have the terminal's own colour."""
SIGNS = {"▲": "^", "△": "o", "█": "#", "░": "."}
"""What stands for other signs where only ASCII can be shown."""
Depth = Literal[0, 16, 256]
"""How many colours a terminal has; 0 is none, and no bold type either."""


class Pen(NamedTuple):
    """What a terminal can show."""

    depth: Depth = 0
    unicode: bool = True
    columns: int = 80
    lines: int | None = None
    """How many lines it has; None where text goes on, as in a file."""

    def glyph(self, shade: Shade) -> str:
        """The character that stands for a shade."""
        return (GLYPHS if self.unicode else ASCII_GLYPHS)[shade]

    def cells(self, drawn: Iterable[Shade | None]) -> str:
        """A line of a ribbon; a cell without minutes is a space."""
        return "".join(
            " " * len(run) if shade is None else self.shaded(shade, self.glyph(shade) * len(run))
            for shade, group in groupby(drawn)
            for run in [list(group)]
        ).rstrip()

    def shaded(self, shade: Shade, text: str) -> str:
        """A text in the colour of a shade."""
        if not self.depth or shade not in COLOURS:
            return text
        return f"\x1b[{COLOURS[shade][self.depth == 256]}m{text}\x1b[0m"

    def bold(self, text: str) -> str:
        """A text in bold type, for what is read first."""
        return f"\x1b[1m{text}\x1b[0m" if self.depth and text else text

    def faint(self, text: str) -> str:
        """A text in faint type, for what nobody has to read, such as a ruler."""
        return f"\x1b[2m{text}\x1b[0m" if self.depth and text else text

    def sign(self, sign: str) -> str:
        """One of `SIGNS`, or what stands for it."""
        return sign if self.unicode else SIGNS[sign]

    def bar(self, count: int, of: int) -> str:
        """A bar of `of` characters, of which `count` are filled."""
        filled = min(count, of)
        return self.shaded(Shade.UP, self.sign("█") * filled) + self.sign("░") * (of - filled)


def pen_for(stream: TextIO, *, colour: bool) -> Pen:
    """What a stream can show; 80 columns where it is no terminal, so that piped text does not depend on one.

    Without `colour` nothing has colours.
    """
    depth: Depth = 0 if not colour else 256 if _has_many_colours() else 16
    if not stream.isatty():
        return Pen(depth, shows_unicode(stream))
    import shutil

    columns, lines = shutil.get_terminal_size()
    return Pen(depth, shows_unicode(stream), columns, lines)


def _has_many_colours() -> bool:
    return "256color" in os.environ.get("TERM", "") or os.environ.get("COLORTERM") in {"truecolor", "24bit"}


def shows_unicode(stream: TextIO) -> bool:
    """Whether a terminal or file takes more than ASCII.

    The encoding alone does not say so: under LANG=C Python writes UTF-8 all the same (PEP 538).
    """
    writes_utf = (stream.encoding or "ascii").lower().startswith("utf")
    locale = os.environ.get("LC_ALL") or ""
    if not locale:
        ctype = os.environ.get("LC_CTYPE", "")
        set_by_python = ctype in {"", "C.UTF-8", "C.utf8"}
        locale = os.environ.get("LANG", "") if set_by_python else ctype
    is_plain = locale in {"", "C", "POSIX"} and sys.platform != "win32" and "PYTHONIOENCODING" not in os.environ
    return writes_utf and not is_plain


def wide(text: str) -> int:
    """How many columns a text takes that may have escape sequences for colours, and characters of two columns."""
    shown = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return len(shown) if shown.isascii() else sum(map(_columns_of, shown))


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def padded(text: str, columns: int) -> str:
    """A text with spaces after it, so that it takes this many columns."""
    return text + " " * (columns - wide(text))


def spread(left: str, right: str, columns: int) -> list[str]:
    """Two texts at the left and at the right end of one line, or on two lines if they do not fit."""
    room = columns - wide(left) - wide(right)
    if not right or room < 2:
        return [left, right] if right else [left]
    return [left + " " * room + right]


def sentences(text: str, columns: int) -> list[str]:
    """A text on as many lines as it needs, broken between words, or within one that is wider than a line."""
    words = (word[at : at + columns] for word in text.split() for at in range(0, len(word), columns))
    return wrapped([*words], columns, " ")


def wrapped(parts: Sequence[str], columns: int, between: str = "   ") -> list[str]:
    """Texts side by side, on as many lines as they need."""
    lines: list[str] = []
    for part in parts:
        if lines and wide(lines[-1]) + len(between) + wide(part) <= columns:
            lines[-1] += between + part
        else:
            lines.append(part)
    return lines


def folded(text: str, columns: int, indent: int = 0) -> list[str]:
    """A line on as many lines as it needs, the later ones behind `indent` spaces.

    It is broken between words. A command in backticks stays whole if it fits a line, and a longer word as it is, so
    that either can be copied.
    """
    words = re.findall(r"\s*(?:`[^`]*`|\S)+", text.rstrip())
    lines = [""]
    for word in _cut(words, columns - indent):
        if lines[-1].strip() and wide(lines[-1]) + wide(word) > columns:
            lines.append(" " * indent + word.lstrip())
        else:
            lines[-1] += word
    return lines


def _cut(words: Iterable[str], columns: int) -> Iterator[str]:
    """The words, those in backticks in several if they are wider than a line."""
    for word in words:
        yield from re.findall(r"\s*\S+", word) if wide(word.strip()) > columns else [word]


def aligned(rows: Sequence[Sequence[str]], columns: int, gap: str = "  ") -> list[str]:
    """Rows of cells as lines in which the cells stand below each other.

    Where that is wider than `columns`, each row takes as many lines as it needs, the later ones behind the gap.
    """
    widths = [max(map(wide, cells)) for cells in zip(*rows, strict=True)]
    lines = [gap.join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if max(map(wide, lines), default=0) <= columns:
        return lines
    found: list[str] = []
    for row in rows:
        first, *more = wrapped([*filter(None, row)], columns - len(gap), gap)
        found += [first, *(gap + line for line in more)]
    return found
