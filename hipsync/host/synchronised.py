"""Whether a folder is one that a program copies to other computers, file by file, as they change.

A database in use is two files or three, and such a program may copy one of them without the others: what it has at the
other end is old, or damaged. The signs are those that these programs leave in the topmost folder that they copy, or
the name that they give it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

_MARKS = {
    ".stfolder": "Syncthing",  # https://docs.syncthing.net/users/faq.html, "folder marker missing"
    ".dropbox": "Dropbox",
    ".dropbox.cache": "Dropbox",
    ".sync_*.db": "Nextcloud or ownCloud",  # the journal of their clients
    "._sync_*.db": "Nextcloud or ownCloud",
    ".sync": "Resilio Sync",
}
"""By file name, or a pattern of it, the program that leaves such a file."""
_NAMES = {
    "dropbox": "Dropbox", "onedrive": "OneDrive", "google drive": "Google Drive", "googledrive": "Google Drive",
    "icloud drive": "iCloud", "mobile documents": "iCloud", "nextcloud": "Nextcloud", "owncloud": "ownCloud",
    "seafile": "Seafile", "pclouddrive": "pCloud", "mega": "MEGA",
}  # fmt: skip
"""By the name of a folder in small letters, the program that makes it."""


def synchroniser_of(path: Path) -> str | None:
    """The program that seems to copy the folder of a file to other computers; None if none does.

    A folder that cannot be looked into has no sign.
    """
    for folder in path.absolute().parents:
        name = "" if folder == Path.home() else folder.name.lower()  # a person may be called Mega
        for known, program in _NAMES.items():
            if name == known or name.startswith((f"{known} - ", f"{known} (")):
                return program
        with contextlib.suppress(OSError):
            for mark, program in _MARKS.items():
                if next(folder.glob(mark), None) is not None:
                    return program
    return None
