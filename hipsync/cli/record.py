"""`hipsync sync --record FILE`: record the conversation with one band, for those who mend its driver.

The person first reads what the file will hold, and may refuse. Before the recording is written it is replayed, because
it is of use as a test only if the driver says the same again. If it does not, a note in the file says why.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import click

from hipsync.cli.saying import say
from hipsync.conversation.capture import Capture, capture_of
from hipsync.conversation.recording import Recording, without_name
from hipsync.conversation.session import Connection
from hipsync.driver import Driver
from hipsync.errors import ConfigError, DeviceError, InputError
from hipsync.model import Band
from hipsync.service.contact import Radio

WHAT = (
    "The file will hold what the band sends: steps, heart rate, sleep, with their times and your time zone.\n"
    "It will not hold the band's key, the login with it, its address, its serial number or your name for it."
)


class Record:
    """One recording, and the radio and the drivers that a service must use to be recorded."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._drivers: Mapping[str, Driver] = {}

    def drivers(self, drivers: Mapping[str, Driver]) -> Mapping[str, Driver]:
        self._drivers = drivers
        return {key: self.recording.driver(driver) for key, driver in drivers.items()}

    def radio(self, radio: Radio) -> Radio:
        return _RecordedRadio(radio, self.recording)

    def capture(self) -> Capture | None:
        """Return the conversation, with a note if it does not replay; None if there was none.

        The band's name is left out, unless the driver needs it for the replay.
        """
        whole = self.recording.capture
        if whole is None:
            return None
        notes = {"recorded": f"hipsync {version('hipsync')}", **whole.notes}
        nameless, driver = without_name(whole), self._drivers[whole.driver]
        if (why := _why_no_replay(nameless, driver)) is None:
            return _with_notes(nameless, notes)
        if whole.name and (why := _why_no_replay(whole, driver)) is None:
            return _with_notes(whole, notes)
        return _with_notes(whole, {**notes, "replays": f"no: {why}"})


class _RecordedRadio:
    """The port `Radio` of a service; its connections are recorded."""

    def __init__(self, radio: Radio, recording: Recording) -> None:
        self._radio, self._recording = radio, recording

    def reach(self, band: Band) -> AbstractAsyncContextManager[Connection]:
        return self._reached(band)

    @contextlib.asynccontextmanager
    async def _reached(self, band: Band) -> AsyncGenerator[Connection, None]:
        async with self._radio.reach(band) as connection:
            yield self._recording.connection(connection)


def _with_notes(capture: Capture, notes: Mapping[str, str]) -> Capture:
    from dataclasses import replace

    return replace(capture, notes=notes)


def _why_no_replay(capture: Capture, driver: Driver) -> str | None:
    """Return how the driver departs from the recorded conversation; None if it says the same again."""
    from hipsync.testing.replay import replay

    try:
        replay(capture_of(capture.text()), driver)
    except (AssertionError, DeviceError) as error:
        return " ".join(str(error).split())
    return None


@contextlib.contextmanager
def recorded(path: Path, bands: Sequence[Band], now: Callable[[], datetime], *, ask: bool) -> Generator[Record]:
    """Record what happens in the block, and write it to a new file at the end, even if the block fails.

    Raises `ConfigError` before anything has happened, and `InputError` at the end if the file cannot be written. What
    was synced is in the database by then.
    """
    if len(bands) != 1:
        raise ConfigError("--record takes the conversation with one band: name it, `hipsync sync NAME --record FILE`")
    _check_free(path)
    if ask:
        say(WHAT, err=True)
        click.confirm(f"Write {path}?", abort=True, err=True)
    record = Record(Recording(bands[0].address, now))
    try:
        yield record
    finally:
        capture = record.capture()
        if capture is None:
            say(f"The band sent nothing, so {path} was not written.", err=True)
        else:
            write(path, capture.text())
            replays = "it does not replay: " + capture.notes["replays"] if "replays" in capture.notes else "it replays"
            say(f"{path}: {len(capture.lines):,} lines; {replays}")


def _check_free(path: Path) -> None:
    """Raise `ConfigError` unless a new file can be made at this path."""
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
    """Write a new file that only its owner can read. Raises `ConfigError` if it exists, and `InputError`.

    After an error no part of the file is left.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already: name a file that is not") from error
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; what the band sent is stored") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror}; what the band sent is stored") from error
