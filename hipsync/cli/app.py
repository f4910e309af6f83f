"""What the commands share: where things are, the clock, the settings, the store."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hipsync.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from hipsync.core.bouts import Rule
    from hipsync.core.days import Zones
    from hipsync.model import Band
    from hipsync.service.plan import Settings
    from hipsync.settings.config import Config
    from hipsync.store import Store
    from hipsync.store.keys import KeyFile


def system_now() -> datetime:
    from datetime import UTC

    return datetime.now(UTC)  # noqa: TID251  the shell reads the clock


class App:
    """The options of the command line, resolved when they are asked for."""

    def __init__(self, now: Callable[[], datetime] = system_now) -> None:
        self.now = now
        self.db_path: Path | None = None
        self.config_path: Path | None = None
        self.verbose = False
        self.colour = not os.environ.get("NO_COLOR") and sys.stdout.isatty()

    @property
    def database(self) -> Path:
        if self.db_path is not None:
            return self.db_path
        from hipsync.host.paths import data_dir

        return data_dir() / "hipsync.db"

    @property
    def settings_file(self) -> Path:
        if self.config_path is not None:
            return self.config_path
        from hipsync.host.paths import config_dir

        return config_dir() / "config.toml"

    def config(self) -> Config:
        from hipsync.settings.file import load

        return load(self.settings_file, required=self.config_path is not None)

    def rule(self) -> Rule:
        return self.config().rule

    def zones(self, store: Store | None, host: str | None = None) -> Zones:
        from hipsync.core.days import Zones

        history = store.zones() if store is not None else []
        return Zones(history, host or (history[0].zone if history else host_zone()), self.config().day_start)

    def open_store(self) -> Store:
        """For writing; made if there is none. Raises `StoreError`."""
        from hipsync.store import Store

        return Store.open(self.database)

    def read_store(self, *, to_write: bool = False) -> Store | None:
        """For reading; None if there is no database yet, and none is made. Raises `StoreError`.

        With `to_write` for writing too, if the file can be written.
        """
        from hipsync.store import Store

        if not Store.exists(self.database):
            return None
        if to_write:
            with contextlib.suppress(StoreError):
                return Store.open(self.database)
        return Store.read(self.database)

    def existing_store(self, *, to_write: bool = False) -> Store:
        """For reading or writing what is there already. Raises `StoreError`."""
        from hipsync.store import Store

        if not Store.exists(self.database):
            raise StoreError(
                f"there is no database at {self.database}: `hipsync pair` or `hipsync import csv` makes one"
            )
        return Store.open(self.database) if to_write else Store.read(self.database)

    def paired_store(self) -> Store:
        """For writing, where a band is paired. Raises `ConfigError` where none is, and `StoreError`."""
        from hipsync.store import Store

        if Store.exists(self.database):
            store = Store.open(self.database)
            if any(band.address for band in store.bands()):
                return store
            store.close()
        raise ConfigError("no band is paired yet: `hipsync pair` does that")

    def keys(self) -> KeyFile:
        """The keys of the bands of this database, kept beside it."""
        from hipsync.store.keys import KeyFile

        return KeyFile(self.database.with_name("keys.json"))

    def settings(self) -> Settings:
        from hipsync.service.plan import settings_of

        return settings_of(self.config(), host_zone())


def band_of(store: Store, name: str) -> Band:
    """The band of this name or address. Raises `ConfigError` that lists those there are."""
    bands = store.bands()
    found = next((band for band in bands if name in {band.name, band.address}), None)
    if found is None:
        names = ", ".join(band.name for band in bands) or "none yet"
        raise ConfigError(f"no band {name!r} is known: there is {names}")
    return found


def checked_name(name: str) -> str:
    """What a user wants to call a band. Raises `ConfigError`."""
    from hipsync.text import clean

    if not name or clean(name) != name:
        message = f"{name[:80]!r} cannot be the name of a band: use up to 64 characters, all of them visible"
        raise ConfigError(message)
    return name


def host_zone() -> str:
    """The host's zone as an IANA name; by a link where there is one, for tzlocal takes 20 ms to import."""
    if not os.environ.get("TZ"):
        try:
            target = str(Path("/etc/localtime").readlink())
        except OSError:
            target = ""
        if "zoneinfo/" in target:
            return target.split("zoneinfo/", 1)[1]
    from tzlocal import get_localzone_name

    return get_localzone_name()
