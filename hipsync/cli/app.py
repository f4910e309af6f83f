"""What the commands share: where the files are, the clock, the settings and the store.

Each is resolved, and its module imported, when a command asks for it: `hipsync today` pays only for what it uses.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from hipsync.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from hipsync.core.bouts import Rule
    from hipsync.core.days import Zones
    from hipsync.core.goals import Goals
    from hipsync.model import Band
    from hipsync.radio.opened import RadioSettings
    from hipsync.service.state import Settings
    from hipsync.settings.config import Config
    from hipsync.store import Checked, Store
    from hipsync.store.keys import KeyFile

NO_ZONE = "nothing names this computer's time zone, so times are in UTC: set TZ or link /etc/localtime"
"""What is said where neither $TZ nor /etc names a zone. The clock of such a computer shows UTC too."""


def system_now() -> datetime:
    """Return the time of this computer's clock, in UTC."""
    from datetime import UTC

    return datetime.now(UTC)  # noqa: TID251  the shell reads the clock


class App:
    """The options that come before every command, such as `--db`, and what follows from them. `now` returns UTC."""

    def __init__(self, now: Callable[[], datetime] = system_now, *, own_process: bool = False) -> None:
        self.now = now
        self.own_process = own_process
        """Whether the whole process is this command's, so that it may say what libraries log."""
        self.db_path: Path | None = None
        self.is_practice = False
        """Whether the database is that of simulated bands, in a folder of its own: their keys are no real band's."""
        self.config_path: Path | None = None
        self.verbose = False
        self.checked: Checked | None = None
        """What the last check of the database found; None if that is not known."""
        self.colour = not os.environ.get("NO_COLOR") and sys.stdout.isatty()

    @property
    def database(self) -> Path:
        return _own_database() if self.db_path is None else self.db_path

    @property
    def line_file(self) -> Path | None:
        """The file for plain status bars; None for a database that is not the one that is used where none is named.

        There is one such file, so only one service writes it.
        """
        from hipsync.host.paths import line_file

        return line_file() if self.database.absolute() == _own_database() else None

    def practise(self) -> None:
        """Use the database of practice bands, where none was named."""
        if self.db_path is None:
            from hipsync.host.paths import data_dir

            self.db_path, self.is_practice = data_dir() / "practice" / "hipsync.db", True

    @property
    def settings_file(self) -> Path:
        if self.config_path is not None:
            return self.config_path
        from hipsync.host.paths import config_dir

        return config_dir() / "config.toml"

    def config(self) -> Config:
        """Return the settings of the file, or the defaults if there is none. Raises `ConfigError`."""
        if self._has_no_settings():  # the module that reads it imports slowly
            from hipsync.settings.config import Config

            return Config()
        from hipsync.settings.file import load

        return load(self.settings_file, required=self.config_path is not None)

    def rule(self) -> Rule:
        """Return the rule by which days are judged. Raises `ConfigError`.

        Without a file it is the default one. All other settings are then left undefined, because that takes long.
        """
        if self._has_no_settings():
            from hipsync.core.bouts import Rule

            return Rule()
        return self.config().rule

    def goals(self) -> Goals:
        """Return the goals of a day. Raises `ConfigError`."""
        if self._has_no_settings():
            from hipsync.core.goals import Goals

            return Goals()
        return self.config().goals

    def day_start(self) -> time:
        """Return the local time at which days begin. Raises `ConfigError`."""
        return time(0) if self._has_no_settings() else self.config().day_start

    def _has_no_settings(self) -> bool:
        """Whether there is no file of settings, and none was asked for."""
        return self.config_path is None and is_missing(self.settings_file)

    def zones(self, store: Store | None, host: str | None = None) -> Zones:
        """Return the zones that the wearer was in, from the store; if it has none, the zone `host`.

        `host` is an IANA name; None means this computer's zone.
        """
        from hipsync.core.days import Zones

        history = store.zones() if store is not None else []
        return Zones(history, host or (history[0].zone if history else host_zone()), self.day_start())

    def look_after_database(self) -> None:
        """Check the database if that is due: once a day, and after a crash. `checked` is then what was found."""
        if is_missing(self.database):
            return
        from hipsync.store import Store

        def running(database: Path) -> bool:
            from hipsync.host import lock

            return lock.running(database)

        with contextlib.suppress(OSError, StoreError):  # whoever opens the database is told why
            self.checked = Store.checked(self.database, self.now(), running)

    def damage_told(self) -> str | None:
        """Return what the last check of the database found, in one line; None if it found nothing."""
        return None if self.checked is None else self.checked.told(self.database)

    def open_store(self) -> Store:
        """Open the database for writing, and make it if there is none. Raises `StoreError`."""
        from hipsync.store import Store

        return Store.open(self.database)

    def read_store(self, *, to_write: bool = False) -> Store | None:
        """Open the database for reading. Return None, and make no file, if there is none. Raises `StoreError`.

        With `to_write` it is opened for writing if the file can be written, and otherwise for reading all the same.
        """
        if is_missing(self.database):
            return None
        from hipsync.store import Store

        if to_write:
            with contextlib.suppress(StoreError):
                return Store.open(self.database)
        return Store.read(self.database)

    def existing_store(self, *, to_write: bool = False) -> Store:
        """Open a database that is there already. Raises `StoreError` if there is none."""
        from hipsync.store import Store

        if not Store.exists(self.database):
            raise StoreError(self._nothing_here())
        return Store.open(self.database) if to_write else Store.read(self.database)

    def paired_store(self) -> Store:
        """Open the database for writing. Raises `ConfigError` if no band is paired in it, and `StoreError`."""
        from hipsync.store import Store

        if Store.exists(self.database):
            store = Store.open(self.database)
            if any(band.address for band in store.bands()):
                return store
            store.close()
        raise ConfigError(f"no band yet: {self.to_begin}")

    @property
    def to_begin(self) -> str:
        """What somebody types who has no band yet, in words that follow a colon."""
        return (
            "`hipsync pair --simulate huami` makes a practice band"
            if self.is_practice
            else "`hipsync pair` adds your band, `hipsync demo` shows how it works"
        )

    def _nothing_here(self) -> str:
        where = "nothing here yet" if self.db_path is None or self.is_practice else f"no database at {self.database}"
        return f"{where}: {self.to_begin}"

    def keys(self) -> KeyFile:
        """Return the file of the bands' keys, which lies beside the database."""
        from hipsync.store.keys import KeyFile

        return KeyFile(self.database.with_name("keys.json"))

    def radio(self) -> RadioSettings:
        """Return what the settings say of the radio. Raises `ConfigError`."""
        from hipsync.radio.opened import radio_settings

        return radio_settings(self.config())

    def settings(self) -> Settings:
        from hipsync.host.name import host_name
        from hipsync.service.state import settings_of

        return settings_of(self.config(), host_zone(), host_name())


def _own_database() -> Path:
    """Return the database that is used where none is named."""
    from hipsync.host.paths import data_dir

    return data_dir() / "hipsync.db"


def band_named(store: Store, name: str) -> Band:
    """Return the band with this name or address. Raises `ConfigError`, which lists the names there are."""
    bands = store.bands()
    found = next((band for band in bands if name in {band.name, band.address}), None)
    if found is None:
        names = ", ".join(band.name for band in bands) or "none yet"
        raise ConfigError(f"no band {name!r}: you have {names}")
    return found


def checked_name(name: str) -> str:
    """Return a band's name as the user gave it. Raises `ConfigError` if it is empty, too long or not all visible."""
    from hipsync.text import clean

    if not name or clean(name) != name:
        message = f"{name[:80]!r} cannot be the name of a band: use up to 64 characters, all of them visible"
        raise ConfigError(message)
    return name


def host_zone() -> str:
    """Return this computer's zone as a name, such as Europe/London; see `hipsync.host.zone`.

    Where nothing names a zone, UTC is returned, and one line on stderr says so. Raises `ConfigError` if there is a zone
    that cannot be named.
    """
    from hipsync.host.zone import zone_of_host

    found = zone_of_host(os.environ.get("TZ"))
    if found is None:
        _say_once(NO_ZONE)
    return found or "UTC"


def _say_once(line: str) -> None:
    """Print a line on stderr unless this command has printed it already."""
    import click

    said = click.get_current_context().meta if click.get_current_context(silent=True) else {}
    if line not in said:
        said[line] = True
        from hipsync.cli.saying import complain

        complain(line)


def is_missing(file: Path) -> bool:
    """Return whether there is surely no such file; False too where the system does not let us look."""
    try:
        file.stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False
