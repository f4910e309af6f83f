"""A stream of bytes that can be read from its beginning once more, although what it comes from cannot: a pipe, a ZIP.

What is read for the first time is kept, in memory and beyond a megabyte in a temporary file, until `settle`.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from hipsync.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

IN_MEMORY = 2**20
"""How many bytes are kept in memory."""


class Replayed(io.RawIOBase):
    """A stream to read, which leaves the one that it comes from open: a context manager that forgets what it kept."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._keeps = file, True
        self._kept = tempfile.SpooledTemporaryFile[bytes](IN_MEMORY)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        part = self._kept.read(len(view))
        if not part:
            part = self._file.read(len(view))
            if self._keeps:
                self._keep(part)
        view[: len(part)] = part
        return len(part)

    def again(self) -> None:
        """Go back to the beginning."""
        self._kept.seek(0)

    def settle(self) -> None:
        """Go back to the beginning for the last time."""
        self._kept.seek(0)
        self._keeps = False

    def start(self, length: int) -> bytes:
        """The first bytes, fewer than `length` if there are no more; the stream is at its beginning afterwards."""
        found = b""
        while len(found) < length and (part := self.read(length - len(found))):
            found += part
        self.again()
        return found

    @contextmanager
    def text(self, encoding: str) -> Generator[io.TextIOWrapper, None, None]:
        """The rest of the stream as text, with line ends as they are; this stays open afterwards."""
        buffered = io.BufferedReader(self, 2**16)
        text = io.TextIOWrapper(buffered, encoding=encoding, newline="")
        try:
            yield text
        finally:
            text.detach()
            buffered.detach()

    def _keep(self, part: bytes) -> None:
        try:
            self._kept.write(part)
        except OSError as error:
            raise InputError(f"it needs room for a temporary copy, and there is none: {error.strerror}") from error
