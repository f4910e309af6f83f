"""A power cut, played: what is on a disk that has kept everything that was synced, and of the rest a random part.

`cut.c`, loaded into hipsync's process, notes every write and sync. `after_cut` starts from the files as they were
before, applies the notes in order, and then undoes what no sync had brought to the disk:

- a write to a file that was not synced afterwards is kept, lost, or torn at a sector of 512 bytes, at random
- of what was made, renamed and unlinked after the last sync of any file, the first few are kept: file systems with a
  journal keep their order
- the index `-shm` is memory, and gone
"""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HEAD = struct.Struct("<B3xIQQQ")
SECTOR = 512
SOURCE = Path(__file__).with_name("cut.c")


@dataclass(frozen=True)
class Note:
    """One deed, as `cut.c` has noted it."""

    what: str
    path: str
    at: int
    data: bytes


@dataclass
class File:
    """A file while the deeds are played again: what is surely on the disk, and the deeds that may be lost."""

    sure: bytearray = field(default_factory=bytearray)
    loose: list[Note] = field(default_factory=list[Note])

    def sync(self) -> None:
        for note in self.loose:
            apply(self.sure, note, len(note.data))
        self.loose.clear()

    def cut(self, chance: random.Random) -> bytes:
        for note in self.loose:
            match chance.randrange(3):
                case 0:
                    apply(self.sure, note, len(note.data))
                case 1 if len(note.data) > SECTOR:
                    apply(self.sure, note, chance.randrange(1, len(note.data) // SECTOR + 1) * SECTOR)
                case _:
                    pass
        return bytes(self.sure)


def apply(content: bytearray, note: Note, size: int) -> None:
    """Do to a file's content what was noted, the first `size` bytes of it."""
    if note.what == "t":
        del content[note.at :]
        content.extend(bytes(note.at - len(content)))
    else:
        data = note.data[:size]
        content.extend(bytes(max(note.at - len(content), 0)))
        content[note.at : note.at + len(data)] = data


def built(folder: Path) -> Path | None:
    """Compile `cut.c` into a folder; return None if this machine has no compiler."""
    target = folder / "libcut.so"
    if not target.exists():
        if shutil.which("cc") is None:
            return None
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", target, SOURCE, "-ldl", "-lpthread"], check=True)
    return target


def notes(log: Path) -> Iterator[Note]:
    """Every whole note of a log, in order."""
    text = log.read_bytes() if log.exists() else b""
    at = 0
    while at + HEAD.size <= len(text):
        what, named, offset, size, _ = HEAD.unpack_from(text, at)
        at += HEAD.size
        path, data = text[at : at + named], text[at + named : at + named + size]
        at += named + (size if what in b"wr" else 0)
        if at <= len(text):
            yield Note(chr(what), path.decode(), offset, data)


def after_cut(before: Mapping[str, bytes], log: Path, chance: random.Random) -> Mapping[str, bytes]:
    """Return what is on the disk after the power went: content by path.

    `before` are the files, all synced, with which the log began.
    """
    files = {path: File(bytearray(content)) for path, content in before.items()}
    every = [note for note in notes(log) if not note.path.endswith("-shm")]
    last_sync = max((i for i, note in enumerate(every) if note.what == "s"), default=-1)
    loose_names = [i for i, note in enumerate(every) if note.what in "cur" and i > last_sync]
    kept = set(loose_names[: chance.randrange(len(loose_names) + 1)])
    for i, note in enumerate(every):
        if note.what in "cur":
            if i <= last_sync or i in kept:
                rename(files, note)
        elif note.path in files:
            if note.what == "s":
                files[note.path].sync()
            else:
                files[note.path].loose.append(note)
    return {path: file.cut(chance) for path, file in files.items()}


def rename(files: dict[str, File], note: Note) -> None:
    """Make, unlink or rename a file."""
    match note.what:
        case "c":
            files.setdefault(note.path, File())
        case "u":
            files.pop(note.path, None)
        case _:
            files[note.data.decode()] = files.pop(note.path, File())
