"""`hipsync sync --record FILE`: the file, the question before it, and the test that it replays."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import click

from hipsync.conversation.capture import Capture, capture_of
from hipsync.conversation.recording import Recording, without_name
from hipsync.conversation.session import Connection
from hipsync.driver import Driver
from hipsync.errors import ConfigError, DeviceError, InputError
from hipsync.service.contact import Radio
from hipsync.store import Band

WHAT = (
    "The file will hold what the band tells: steps, heart rate, sleep, with their times and your time zone.\n"
    "It will not hold the band's key, the login with it, its address, its serial number or your name for it."
)


class Record:
    """One recording, and what has to stand between a service and its radio for it."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._drivers: Mapping[str, Driver] = {}

    def drivers(self, drivers: Mapping[str, Driver]) -> Mapping[str, Driver]:
        self._drivers = drivers
        return {key: self.recording.driver(driver) for key, driver in drivers.items()}

    def radio(self, radio: Radio) -> Radio:
        return _Radio(radio, self.recording)

    def capture(self) -> Capture | None:
        """What was said, with a word on whether it replays; with the band's name only where it must be."""
        told = self.recording.capture
        if told is None:
            return None
        named = {"recorded": f"hipsync {version('hipsync')}", **told.notes}
        nameless, whole = without_name(told), told
        driver = self._drivers[told.driver]
        if (why := _why_not(nameless, driver)) is None:
            return _noted(nameless, named)
        if told.name and (why := _why_not(whole, driver)) is None:
            return _noted(whole, named)
        return _noted(whole, {**named, "replays": f"no: {why}"})


class _Radio:
    """`service.Radio` whose connections are recorded."""

    def __init__(self, radio: Radio, recording: Recording) -> None:
        self._radio, self._recording = radio, recording

    def reach(self, band: Band) -> AbstractAsyncContextManager[Connection]:
        return self._reached(band)

    @contextlib.asynccontextmanager
    async def _reached(self, band: Band) -> AsyncGenerator[Connection, None]:
        async with self._radio.reach(band) as connection:
            yield self._recording.connection(connection)


def _noted(told: Capture, notes: Mapping[str, str]) -> Capture:
    from dataclasses import replace

    return replace(told, notes=notes)


def _why_not(told: Capture, driver: Driver) -> str | None:
    """None if the driver says the same again when it is given the same."""
    from hipsync.testing.replay import replay

    try:
        replay(capture_of(told.text()), driver)
    except (AssertionError, DeviceError) as error:
        return " ".join(str(error).split())
    return None


@contextlib.contextmanager
def recorded(path: Path, bands: Sequence[Band], now: Callable[[], datetime], *, ask: bool) -> Generator[Record]:
    """A recording of what happens in the block, written to a new file when it ends, also if it ends in an error.

    Raises `ConfigError` before anything is done, and `InputError` if it could not be written: what was synced is stored
    by then.
    """
    if len(bands) != 1:
        raise ConfigError("--record takes the conversation with one band: name it, `hipsync sync NAME --record FILE`")
    _check_free(path)
    if ask:
        click.echo(WHAT, err=True)
        click.confirm(f"Write {path}?", abort=True, err=True)
    record = Record(Recording(bands[0].address, now))
    try:
        yield record
    finally:
        told = record.capture()
        if told is None:
            click.echo(f"Nothing was said, so {path} was not written.", err=True)
        else:
            write(path, told.text())
            replays = "it does not replay: " + told.notes["replays"] if "replays" in told.notes else "it replays"
            click.echo(f"{path}: {len(told.lines):,} lines; {replays}")


def _check_free(path: Path) -> None:
    try:
        path.lstat()
    except FileNotFoundError as error:
        if not path.parent.is_dir():
            raise ConfigError(f"there is no folder {path.parent}: name a file in one that is there") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    else:
        raise ConfigError(f"{path} is there already: name a file that is not")


def write(path: Path, text: str) -> None:
    """A new file, for its owner alone. Raises `InputError`; then nothing half written is left."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already: name a file that is not") from error
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; what the band told is stored") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror}; what the band told is stored") from error
