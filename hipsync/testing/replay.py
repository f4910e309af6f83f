"""Replays captures (`hipsync.conversation.capture`) to test either end of the connection.

    readings = replay(capture(path), DRIVER)        checks that the driver does what the host did; returns its readings
    replay(capture(path), band)                     checks that the simulated band sends what the band sent

A capture is a conversation that somebody recorded, so it proves more than a driver and a simulator that agree. Time is
virtual: nothing really waits. The one rule: every difference is an `AssertionError` that names the line of the capture
and both byte strings. The docstring of `replay` says what is compared at each end.
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
    """Read a capture from a file. Raises `ValueError`, which names the file and the line, and `OSError`."""
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
    """Run one end of a recorded conversation again. Returns the readings of a driver, or None for a simulated band.

    Raises `AssertionError` where that end differs from the capture, and whatever the driver raises. A conversation that
    ended in an error must end in the same error again; then the readings that came before it are returned.

    **A driver** receives what the band sent, at the recorded time, but never before it has done what the host had done
    by then. It must do what the host did, in the same order, to the end. Its `open` and `sync` are run, or `sync` alone
    if the login is left out of the capture. A `story` runs in their place, such as a `nudge`, or the part of a
    conversation that a published log shows. `secret` is the driver's key, or None.

    **A simulated band** receives what the host did, at the recorded time. Its answers to reads, and its notifications
    on each characteristic, must be the same in the same order. When they come does not matter, because some bands are
    faster than others. The band's life can be made from what the driver read::

        readings = replay(recorded, DRIVER)
        life = [reading for reading in readings if isinstance(reading, Epoch)]
        band = MyBand(life, now=recorded.start, zone=recorded.zone)
        replay(recorded, band, varies={BATTERY: None, CLOCK: lambda data: data[:4]})

    `varies` lists the characteristics whose values no other band would repeat, each with a function that returns the
    part to compare. None in its place compares nothing, not even whether a value comes. Examples are battery levels,
    running counters, challenges, versions, and whatever a band sends without being asked. Refusals, acknowledgements,
    and the contents of the memory with its division into packets are the same for all bands. For a driver, `varies`
    applies to its writes.

    `streams` lists characteristics whose notifications form one run of bytes, whatever its division into packets.
    `login` is a driver with a key of the caller's choice. If given, it logs in to the simulated band first, for a
    capture without the login. A capture of opened messages (`Driver.sealed`) is played to a simulated band by such a
    driver: it logs in and fetches, and what it opens of the band's is compared. The key may be empty.
    """
    if isinstance(end, Driver):
        return run(lambda clock: readings_of(recorded, end, secret, story, varies or {}, clock), recorded.start)
    check_band(recorded, end, varies or {}, streams, login)
    return None
