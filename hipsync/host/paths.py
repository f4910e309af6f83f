"""The folders in which hipsync's files belong on this system. This module creates none of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_dir() -> Path:
    """Return the folder for the database, its backups and the keys."""
    if sys.platform == "linux":
        return _xdg("XDG_DATA_HOME", ".local/share")
    from platformdirs import user_data_path

    return user_data_path("hipsync", appauthor=False)


def config_dir() -> Path:
    """Return the folder for the settings file."""
    if sys.platform == "linux":
        return _xdg("XDG_CONFIG_HOME", ".config")
    from platformdirs import user_config_path

    return user_config_path("hipsync", appauthor=False)


def runtime_dir() -> Path:
    """Return the folder for sockets, which the system empties when the user logs out.

    On Linux, if there is no such folder, return the data folder.
    """
    if sys.platform == "linux":
        given = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
        return given / "hipsync" if given.is_absolute() else data_dir()
    from platformdirs import user_runtime_path

    return user_runtime_path("hipsync", appauthor=False)


def figures_dir() -> Path | None:
    """Return the folder for the figures of desktop notices; None where notice servers show no SVG files."""
    return runtime_dir() / "figures" if sys.platform == "linux" else None


def line_file() -> Path | None:
    """Return the file for the line of a status bar; None where the login session has no folder of its own."""
    given = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    return given / "hipsync" / "line" if given.is_absolute() else None


def _xdg(variable: str, in_home: str) -> Path:
    """Return hipsync's folder by the XDG base directory specification.

    It is in the folder that the environment variable names if that is an absolute path, and otherwise in the home.
    platformdirs knows these folders too, but takes 10 ms to import.
    """
    folder = Path(os.environ.get(variable, ""))
    return (folder if folder.is_absolute() else Path.home() / in_home) / "hipsync"
