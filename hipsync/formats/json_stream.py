"""JSON that is read value by value, so that neither a long file nor a long line fills the memory.

It knows nothing of what the JSON is about. The one rule: no more than one value and one piece of text is held at a
time, and a value that is longer than any row is refused, whatever it would be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Protocol

from hipsync.errors import InputError
from hipsync.text import Json, clean

PIECE = 2**16
"""How many characters are read at a time."""
LONGEST_VALUE = 2**17
"""How many characters a value may have. The longest row that hipsync writes has some 2,000."""
_SPACE = re.compile(r"[ \t\n\r]*")


class Text(Protocol):
    """A text that can be read piece by piece, such as a file."""

    def read(self, size: int, /) -> str:
        """Read at most `size` characters; none are left if it returns no character."""
        ...


class JsonStream:
    """A JSON text of which the caller knows the form: it passes brackets and commas itself, and reads the values."""

    def __init__(self, file: Text) -> None:
        self._file, self._text, self._at = file, "", 0
        self._decoder = json.JSONDecoder()
        self.line = 1
        """The line in which the value that was read last begins, counted from 1."""
        self._lines_inside = 0
        """How many lines end inside the value that was read last."""

    def passes(self, text: str) -> bool:
        """Whether the text goes on with these characters, after any white space; if so, they are passed."""
        if not self._text.startswith(text, self._at):
            self._skip_space()
            while len(self._text) - self._at < len(text) and self._read():
                pass
            if not self._text.startswith(text, self._at):
                return False
        self._at += len(text)
        return True

    def at_end(self) -> bool:
        """Whether nothing but white space follows."""
        self._skip_space()
        return self._at == len(self._text)

    def value(self, missing: str) -> Json:
        """Read the next value. Raises `InputError`, which calls the text `missing` if it is no JSON, or too long."""
        self.line += self._lines_inside
        self._lines_inside = 0
        self._skip_space()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if self._grows():
                    continue
                raise InputError(
                    f"line {self.line} is {missing}: the file was changed, or cut off while it was written"
                ) from error
            if end < len(self._text) or not self._grows():  # a number may go on in the next piece
                self._lines_inside = self._text.count("\n", self._at, end)
                self._at = end
                found: Json = value
                return found

    def _grows(self) -> bool:
        """Whether another piece could be read for a value that is not too long yet."""
        return len(self._text) - self._at < LONGEST_VALUE and self._read()

    def _skip_space(self) -> None:
        if self._text[self._at : self._at + 1] > " ":  # no white space, which is much quicker to see so
            return
        while True:
            found = _SPACE.match(self._text, self._at)
            end = len(self._text) if found is None else found.end()
            self.line += self._text.count("\n", self._at, end)
            self._at = end
            if end < len(self._text) or not self._read():
                return

    def _read(self) -> bool:
        """Read another piece, and drop what was passed; return False at the end of the file."""
        if not (piece := self._file.read(PIECE)):
            return False
        self._text, self._at = self._text[self._at :] + piece, 0
        return True


def objects_in(stream: JsonStream) -> Iterator[dict[str, Json]]:
    """The objects of a list that is the whole text, one at a time. Raises `InputError` for anything else."""
    if not stream.passes("["):
        raise InputError("the file is no list of entries")
    more = not stream.passes("]")
    while more:
        entry = stream.value("no entry")
        if not isinstance(entry, dict):
            raise InputError(f"line {stream.line}: {clean(repr(entry)[:40])} is no entry")
        yield entry
        more = stream.passes(",")
        if not more and not stream.passes("]"):
            raise InputError(f"line {stream.line}: {_ENDLESS}")
    if not stream.at_end():
        raise InputError(f"line {stream.line}: {_ENDLESS}")


_ENDLESS = "the list of entries was cut off, or goes on after its end"
