"""Keys of bands, in two files that only their owner can read, and that nobody else may be able to write.

`keys.json` has the keys that a person gave or hipsync chose, by the name of the band. `secrets.json` beside it has what
was born in a connection and is kept before the band has a name (`Session.keep`), by driver and address: a secret of any
length, and whether hipsync made the bond with the band. Versions before it leave that file alone. A key never appears
in the database, in a log, or in an argument of a command. Whoever has the key has the band.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hipsync.errors import ConfigError
from hipsync.private import refuse_writable, replacing
from hipsync.text import json_of

if TYPE_CHECKING:
    from hipsync.model import Band

AGAIN = "mend or remove it, and give the keys again"
PAIR_AGAIN = "mend or remove it, and pair the bands again"
SHAPE = "a key is 32 hexadecimal digits, such as 00112233445566778899aabbccddeeff, with or without 0x before it"


class Kept(NamedTuple):
    """What is kept of a band by its driver and address."""

    secret: bytes | None = None
    bond: bool = False
    """Whether hipsync made the bond that this computer has with the band."""


class KeyFile:
    """The files of keys and of kept secrets. A missing file means that there are none.

    All methods raise `ConfigError` if a file cannot be read or written, is not a file of keys, belongs to somebody
    else, or can be written by others.
    """

    def __init__(self, path: Path) -> None:
        """`path` is that of the file of keys; the one of kept secrets lies beside it."""
        self.path = path
        self.secrets_path = path.with_name("secrets.json")

    def secret(self, band: Band) -> bytes | None:
        """The secret that was kept for a band, or else its key; None if there is neither."""
        if band.address is not None and (secret := self.kept(band.driver, band.address).secret) is not None:
            return secret
        key = self._read().get(band.name)
        return None if key is None else bytes.fromhex(key)

    def check(self) -> None:
        """Check that both files can be read and are files of keys, and change nothing."""
        self._read()
        self._read_kept()

    def kept(self, driver: str, address: str) -> Kept:
        """What is kept of the band at an address."""
        return self._read_kept().get(_place(driver, address), Kept())

    def keep(self, driver: str, address: str, secret: bytes) -> None:
        """Keep a secret of the band at an address, in place of an earlier one; on disk when this returns."""
        kept = self._read_kept()
        place = _place(driver, address)
        self._write_kept({**kept, place: kept.get(place, Kept())._replace(secret=secret)})

    def keep_of(self, band: Band, secret: bytes) -> None:
        """Keep a secret of a stored band, in place of an earlier one."""
        if band.address is not None:
            self.keep(band.driver, band.address, secret)

    def note_bond(self, driver: str, address: str) -> None:
        """Note that hipsync made the bond with the band at an address."""
        kept = self._read_kept()
        place = _place(driver, address)
        self._write_kept({**kept, place: kept.get(place, Kept())._replace(bond=True)})

    def move_kept(self, driver: str, address: str, new: str) -> None:
        """Keep what is kept of the band at an address for its new address, in place of what is kept for that."""
        kept = self._read_kept()
        if address != new and (moved := kept.pop(_place(driver, address), None)) is not None:
            self._write_kept({**kept, _place(driver, new): moved})

    def drop_secret(self, driver: str, address: str) -> None:
        """Delete the secret that is kept of the band at an address, if there is one: a person gave another key."""
        kept = self._read_kept()
        place = _place(driver, address)
        if (was := kept.pop(place, Kept())).secret is not None:
            self._write_kept({**kept, place: Kept(bond=True)} if was.bond else kept)

    def forget(self, band: Band) -> None:
        """Delete the key of a band, and all that is kept of it."""
        if band.address is not None:
            kept = self._read_kept()
            if kept.pop(_place(band.driver, band.address), None) is not None:
                self._write_kept(kept)
        self.delete(band.name)

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
        content = _content(self.path, AGAIN)
        keys = {name: key for name, key in content.items() if isinstance(key, str) and _is_key(key)}
        if len(keys) == len(content):
            return keys
        raise ConfigError(f"{self.path} is not a file of keys: {AGAIN}")

    def _write(self, keys: dict[str, str]) -> None:
        _replace(self.path, keys)

    def _read_kept(self) -> dict[str, Kept]:
        content = _content(self.secrets_path, PAIR_AGAIN)
        kept = {place: each for place, value in content.items() if (each := _kept_of(value)) is not None}
        if len(kept) == len(content):
            return kept
        raise ConfigError(f"{self.secrets_path} is not a file of secrets: {PAIR_AGAIN}")

    def _write_kept(self, kept: Mapping[str, Kept]) -> None:
        def value(each: Kept) -> dict[str, object]:
            return {"secret": None if each.secret is None else each.secret.hex(), "bond": each.bond}

        _replace(self.secrets_path, {place: value(each) for place, each in kept.items()})


def _place(driver: str, address: str) -> str:
    return f"{driver} {address.upper()}"


def _kept_of(value: object) -> Kept | None:
    """What is kept, as it is written; None if it is not written as that."""
    match value:
        case {"secret": str(secret), "bond": bool(bond)} if re.fullmatch(r"(?:[0-9a-f]{2})*", secret):
            return Kept(bytes.fromhex(secret), bond)
        case {"secret": None, "bond": bool(bond)}:
            return Kept(None, bond)
        case _:
            return None


def _content(path: Path, mend: str) -> Mapping[str, object]:
    """Return the JSON object of a file, which is empty if there is no file.

    Raises `ConfigError`, which ends with how to `mend` it.
    """
    try:
        with path.open("rb") as file:
            refuse_writable(path, file.fileno(), "it could give a band another key")
            content = json_of(file.read().decode("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {mend}") from error
    if isinstance(content, dict):
        return content
    raise ConfigError(f"{path} is not a file of {'keys' if mend == AGAIN else 'secrets'}: {mend}")


def _replace(path: Path, content: Mapping[str, object]) -> None:
    """Write a new file, which takes the place of the old one only when it is complete; on disk when this returns."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(path) as fresh, fresh.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        if os.name == "posix":  # the name of the new file, too
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; the key was not kept") from error


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
