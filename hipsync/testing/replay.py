"""Captures (`hipsync.conversation.capture`) against both ends of the wire.

    readings = replay(capture(path), DRIVER)        the driver says what the host said, and this is what it made of it
    replay(capture(path), band)                     the simulated band says what the band said

Whatever differs is an `AssertionError` that names the line and both byte strings. Times are virtual: nothing waits.

**The driver** is given what the band said when it said it, each time after all that the host had done before; it must
do what the host did, in that order, to the end. It runs `open` and `sync`, or `sync` alone where the login is left out,
or a `story` of the caller's: `nudge`, or a part of a published log that is no whole conversation.

**The simulated band** is given what the host did, when it did it. What it answers to reads, and what it notifies on
each characteristic, must come in the same order and be the same, whenever it comes: another band is faster. A band is
made of what the driver read::

    readings = replay(told, DRIVER)
    life = [reading for reading in readings if isinstance(reading, Epoch)]
    replay(told, MyBand(life, now=told.start, zone=told.zone), varies={BATTERY: None, CLOCK: lambda data: data[:4]})

Deterministic are: refusals and acknowledgements, what a memory holds, how it is cut into packets. Not: levels of
batteries, running counters, challenges, versions, and whatever comes by itself. `varies` names those by characteristic,
with a function that gives the part to compare, or None for no part of it, then not even whether it comes. It works for
the driver's writes too. `streams` are characteristics whose notifications are one run of bytes, however it is cut.
Where the login is left out, `login` is a driver with a key of the caller's, which logs in before.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import overload

from hipsync.conversation.capture import Capture, capture_of
from hipsync.driver import Driver
from hipsync.model import Reading
from hipsync.simulated import SimulatedBand
from hipsync.testing.direct import run
from hipsync.testing.replay_band import hold
from hipsync.testing.replay_driver import Story, Varies, readings_of


def capture(path: str | Path) -> Capture:
    """A capture from its file. Raises `ValueError`, which names file and line, and `OSError`."""
    try:
        return capture_of(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


@overload
def replay(
    told: Capture,
    end: Driver,
    *,
    secret: bytes | None = None,
    story: Story | None = None,
    varies: Varies | None = None,
) -> list[Reading]: ...


@overload
def replay(
    told: Capture,
    end: SimulatedBand,
    *,
    varies: Varies | None = None,
    streams: Collection[str] = (),
    login: tuple[Driver, bytes] | None = None,
) -> None: ...


def replay(
    told: Capture,
    end: Driver | SimulatedBand,
    *,
    secret: bytes | None = None,
    story: Story | None = None,
    varies: Varies | None = None,
    streams: Collection[str] = (),
    login: tuple[Driver, bytes] | None = None,
) -> list[Reading] | None:
    """Raises `AssertionError` where either end differs from the capture, and what the driver raises of itself.

    A conversation that ended in an error must do so again; then what came before it is returned.
    """
    if isinstance(end, Driver):
        return run(lambda clock: readings_of(told, end, secret, story, varies or {}, clock), told.start)
    hold(told, end, varies or {}, streams, login)
    return None
