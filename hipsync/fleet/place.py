"""Where the fleet's database is: a connection string without a password, and what libpq finds by itself.

The one rule: a password stands in no setting, on no command line and in no message. libpq reads it from the file
~/.pgpass, from a service file, or from the environment.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from hipsync.errors import ConfigError
from hipsync.settings.config import Fleet

DEFAULTS = {"PGSSLMODE": "verify-full", "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "hipsync"}
"""What holds where neither the connection string, nor a service file, nor the environment says otherwise. The first
means that the server proves its name, over any way but a socket of this computer, for which libpq ignores it."""
NAMES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT", "PGUSER")
"""The variables of libpq of which one says that a database is meant."""


def is_named(fleet: Fleet, environment: Mapping[str, str]) -> bool:
    """Whether the settings, or libpq's own environment, name a database."""
    return bool(fleet.dsn) or any(environment.get(name) for name in NAMES)


def conninfo(fleet: Fleet, environment: MutableMapping[str, str]) -> str:
    """The connection string of the settings; empty if libpq's own environment says where to go.

    It adds `DEFAULTS` to the environment. Raises `ConfigError` if nothing names a database.
    """
    if not is_named(fleet, environment):
        raise ConfigError(
            "no fleet's database is named: `hipsync config set fleet.dsn 'host=db.example.org dbname=fleet'`"
        )
    for name, value in DEFAULTS.items():
        environment.setdefault(name, value)
    return fleet.dsn
