"""Captures (`hipsync.conversation.capture`) against both ends of the wire.

    readings = replay(capture(path), DRIVER)        the driver does what the host did; what it made of the answers
    replay(capture(path), band)                     the simulated band sends what the band sent

A capture is a conversation that somebody recorded, so it proves more than a driver and a simulator that agree. Times
are virtual: nothing waits. The one rule: whatever differs is an `AssertionError` that names the line of the capture and
both byte strings. `replay` says what is compared at each end.
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
from hipsync.testing.replay_band import check_band
from hipsync.testing.replay_driver import Story, Varies, readings_of


def capture(path: str | Path) -> Capture:
    """Read a capture from its file. Raises `ValueError`, which names file and line, and `OSError`."""
    try:
        return capture_of(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


@overload
def replay(
    recorded: Capture,
    end: Driver,
    *,
    secret: bytes | None = None,
    story: Story | None = None,
    varies: Varies | None = None,
) -> list[Reading]: ...


@overload
def replay(
    recorded: Capture,
    end: SimulatedBand,
    *,
    varies: Varies | None = None,
    streams: Collection[str] = (),
    login: tuple[Driver, bytes] | None = None,
) -> None: ...


def replay(
    recorded: Capture,
    end: Driver | SimulatedBand,
    *,
    secret: bytes | None = None,
    story: Story | None = None,
    varies: Varies | None = None,
    streams: Collection[str] = (),
    login: tuple[Driver, bytes] | None = None,
) -> list[Reading] | None:
    """Run one end of a recorded conversation again; the readings of a driver, nothing for a simulated band.

    Raises `AssertionError` where that end differs from the capture, and whatever the driver raises. A conversation that
    ended in an error must do so again; then the readings that came before it are returned.

    **A driver** receives what the band sent when it was sent, each time after all that the host had done before. It
    must do what the host did, in that order, to the end. It runs `open` and `sync`, or `sync` alone where the login is
    left out of the capture. A `story` runs in their place: a `nudge`, or the part of a conversation that a published
    log shows.

    **A simulated band** receives what the host did, when it was done. Its answers to reads, and its notifications on
    each characteristic, must be the same in the same order. When they come does not matter, for another band is faster.
    The band's life can be made of what the driver read::

        readings = replay(recorded, DRIVER)
        life = [reading for reading in readings if isinstance(reading, Epoch)]
        band = MyBand(life, now=recorded.start, zone=recorded.zone)
        replay(recorded, band, varies={BATTERY: None, CLOCK: lambda data: data[:4]})

    `varies` names the characteristics whose values no other band would repeat, with a function that returns the part to
    compare; None compares nothing, not even whether a value comes. Such are levels of batteries, running counters,
    challenges, versions, and whatever a band sends by itself. Refusals and acknowledgements, what a memory holds and
    how it is cut into packets are the same for all bands. For a driver, `varies` applies to its writes.

    `streams` are characteristics whose notifications are one run of bytes, however it is cut into packets. `login` is a
    driver with a key of the caller's, which logs in first where the login is left out of the capture.
    """
    if isinstance(end, Driver):
        return run(lambda clock: readings_of(recorded, end, secret, story, varies or {}, clock), recorded.start)
    check_band(recorded, end, varies or {}, streams, login)
    return None
