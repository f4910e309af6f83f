"""Where things belong on this system. platformdirs is imported when somebody asks."""

from __future__ import annotations

from pathlib import Path


def data_dir() -> Path:
    """The database, its backups and the keys."""
    from platformdirs import user_data_path

    return user_data_path("hipsync", appauthor=False)


def config_dir() -> Path:
    """The file of settings."""
    from platformdirs import user_config_path

    return user_config_path("hipsync", appauthor=False)
