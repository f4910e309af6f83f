"""How commands of `fleet` come to the fleet's database."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from hipsync.cli.app import App
from hipsync.errors import ConfigError

if TYPE_CHECKING:
    from hipsync.fleet.database import Database

NEEDS_EXTRA = "this needs the extra `fleet`, which is not installed: {}"


def fleet_conninfo(app: App) -> str:
    """The connection string of the fleet's database. Raises `ConfigError` if nothing names one."""
    import os

    from hipsync.fleet.place import conninfo

    return conninfo(app.config().fleet, os.environ)


def connected_fleet(app: App) -> AbstractContextManager[Database]:
    """Return a connection to the fleet's database. Raises `ConfigError`, also if the extra is missing."""
    refuse_missing_extra()
    from hipsync.fleet.database import connected

    return connected(fleet_conninfo(app))


def refuse_missing_extra() -> None:
    """Raise `ConfigError` if the library for Postgres is not installed."""
    from importlib.util import find_spec

    if find_spec("psycopg") is None:
        from hipsync.host.installed import with_extra

        raise ConfigError(NEEDS_EXTRA.format(with_extra("fleet")))
