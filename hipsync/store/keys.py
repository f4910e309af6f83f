"""Keys of bands, in a file of their own that only its owner can read, and that nobody else may be able to write.

A key never appears in the database, in a log, or in an argument of a command. Whoever has the key has the band.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from hipsync.errors import ConfigError
from hipsync.private import refuse_writable, replacing
from hipsync.text import json_of

if TYPE_CHECKING:
    from hipsync.model import Band

SHAPE = "a key is 32 hexadecimal digits, such as 00112233445566778899aabbccddeeff, with or without 0x before it"


class KeyFile:
    """The file of keys, by the name of the band. A missing file means that there are no keys.

    All methods raise `ConfigError` if the file cannot be read or written, is not a file of keys, belongs to somebody
    else, or can be written by others.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def secret(self, band: Band) -> bytes | None:
        """The key of a band; None if there is none."""
        key = self._read().get(band.name)
        return None if key is None else bytes.fromhex(key)

    def check(self) -> None:
        """Check that the file can be read and is a file of keys, and change nothing."""
        self._read()

    def set(self, name: str, key: bytes) -> None:
        """Store the key of the band of this name."""
        self._write({**self._read(), name: key.hex()})

    def delete(self, name: str) -> None:
        """Delete the key of the band of this name, if there is one."""
        keys = self._read()
        if keys.pop(name, None) is not None:
            self._write(keys)

    def rename(self, name: str, new: str) -> None:
        """Store the key of a band, if it has one, under the band's new name."""
        keys = self._read()
        if (key := keys.pop(name, None)) is not None:
            self._write({**keys, new: key})

    def _read(self) -> dict[str, str]:
        try:
            with self.path.open("rb") as file:
                refuse_writable(self.path, file.fileno(), "it could give a band another key")
                content = json_of(file.read().decode("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self.path} cannot be read: mend or remove it, and give the keys again") from error
        if isinstance(content, dict):
            keys = {name: key for name, key in content.items() if isinstance(key, str) and _is_key(key)}
            if len(keys) == len(content):
                return keys
        raise ConfigError(f"{self.path} is not a file of keys: mend or remove it, and give the keys again")

    def _write(self, keys: dict[str, str]) -> None:
        """Write a new file, which takes the place of the old one only when it is complete."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(self.path) as fresh, fresh.open("w", encoding="utf-8") as file:
                json.dump(keys, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be written: {error.strerror}; the key was not kept") from error


def _is_key(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None


def parsed_key(text: str) -> bytes:
    """The 16 bytes of a key that a user typed or has in a file.

    Raises `ConfigError` if the text is not a key; the error does not repeat the text.
    """
    digits = re.sub(r"[\s:-]", "", text).lower().removeprefix("0x")
    if not _is_key(digits):
        raise ConfigError(f"that is no key: {SHAPE}")
    return bytes.fromhex(digits)


def key_from_file(path: Path) -> tuple[bytes, str | None]:
    """Read a key from the user's file, and return it with a warning (or None) if others can read the file.

    Raises `ConfigError` if the file cannot be read, contains no key, or can be written by others.
    """
    try:
        with path.open("rb") as file:
            refuse_writable(path, file.fileno(), "it could give the band another key")
            text = file.read(4096)
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    shared = os.name == "posix" and mode & 0o077
    warning = f"{path} can be read by others: chmod 600 it, for who has the key has the band" if shared else None
    try:
        return parsed_key(text.decode("utf-8-sig", "replace")), warning
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
