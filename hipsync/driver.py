"""The interface of a driver: a matcher, a few coroutines over a narrow port, and tables of facts.

A driver does no I/O of its own, reads no clock and imports only this module, `model` and `errors`. It is an object
named `DRIVER`, which an entry point of the group `hipsync.drivers` names. UUIDs are full 128-bit strings in lower case
everywhere. The one rule: what a band sends is a stranger's word, so every failure is a `DeviceError`.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from hipsync.model import Answer, Epoch, Reading


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a band broadcasts before anybody connects. All of it is a stranger's word."""

    name: str | None = None
    services: frozenset[str] = frozenset()
    service_data: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict[int, bytes])
    """Data by the maker's company number; the number itself is not part of the data."""


class Received(NamedTuple):
    """A notification of a characteristic, and the instant at which it arrived."""

    uuid: str
    at: datetime
    data: bytes


class Link(Protocol):
    """An open connection to one band, as one coroutine of a driver sees it.

    Every coroutine has an inbox of its own: a notification goes to all that subscribed to its characteristic. Reads,
    writes and subscriptions of all coroutines are done one at a time. Any call raises `LinkLost` when the connection
    ends, `NoReply` when a deadline passes, and `DeviceError` where the band refuses.
    """

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that the wearer is in."""
        ...

    @property
    def write_size(self) -> int:
        """How many bytes fit into a write without response, and into a notification."""
        ...

    def now(self) -> datetime:
        """The instant, in UTC; a driver asks nobody else for the time."""
        ...

    def has(self, characteristic: str, service: str | None = None) -> bool:
        """Whether the band has a characteristic, in any service or in this one."""
        ...

    async def read(self, characteristic: str, *, service: str | None = None) -> bytes:
        """The value of a characteristic."""
        ...

    async def write(
        self, characteristic: str, data: bytes, *, response: bool = False, service: str | None = None
    ) -> None:
        """Write a value; with `response`, wait until the band has acknowledged it."""
        ...

    async def subscribe(self, *characteristics: str) -> None:
        """Let the notifications of these characteristics come into this coroutine's inbox."""
        ...

    async def unsubscribe(self, *characteristics: str) -> None:
        """Receive no more notifications of these characteristics, and drop those in the inbox."""
        ...

    async def notification(self, *characteristics: str, timeout: timedelta) -> Received:
        """The next notification of any of these, in order of arrival, those that came before the call first."""
        ...

    async def pause(self, length: timedelta) -> None:
        """Wait for so long; raises `LinkLost` as soon as the connection ends."""
        ...

    async def bond(self) -> None:
        """Bond with the band, where the system does that on request."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """What a driver needs to know for one connection and cannot ask the band."""

    name: str = ""
    """The name by which the band advertised itself when it was paired."""
    secret: bytes | None = field(default=None, repr=False)
    """The band's key; None where it has none."""
    since: Mapping[type[Reading], datetime] = field(default_factory=dict[type[Reading], datetime])
    """By type of reading, the end of the last one that is stored; a type is absent if there is none."""
    pairing: bool = False
    """Whether the band is being paired, so that the wearer is there and may be asked for a tap."""
    erase: bool = False
    """Whether the user wants the band to forget what is stored here. Off by default: other apps may want it too."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a band shows to its wearer. Its words are neutral, because others see them too."""

    title: str
    body: str
    strong: bool = False
    asks: bool = True
    """Whether to wait for the wearer's answer, where the band can send one."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a family of bands can do. False and None mean that it cannot, or that nobody has proven it."""

    history: timedelta | None = None
    """Length of the epochs that it stores, or None if it stores none that can be fetched."""
    live: bool = False
    """It can be watched: it sends readings as they happen."""
    buzz: bool = False
    """It vibrates on request."""
    text: bool = False
    """It shows the text of a message."""
    answers: bool = False
    """Its wearer can answer a message on it."""
    battery: bool = False
    """It reports the charge of its battery."""
    wear: bool = False
    """It reports whether it is worn."""
    sleep: bool = False
    """It reports when its wearer sleeps."""
    heart_rate: bool = False
    """It reports heart rates."""


LONGEST_EPOCH_TO_JUDGE_BY = timedelta(minutes=30)
"""Longer epochs give totals only: from them nobody can say when somebody last moved.
`core.timeline.COARSE_MINUTES` is the same limit."""

Row = Mapping[str, int | None]
"""The cells of a row by column."""


@dataclass(frozen=True, slots=True)
class Samples:
    """A table of activity samples of another program's database, and how its rows become epochs."""

    columns: Sequence[str]
    """The columns that are read, besides the one of time."""
    epochs: Callable[[Iterator[tuple[datetime, Row]]], Iterator[Epoch]]
    """Makes epochs of the rows of one band, which come in the order of time. A row that says nothing, or nonsense, is
    left out."""


Secret = Literal["none", "own", "given"]
"""How a band comes by its key. none: it has no key. own: we choose one, and the wearer confirms it with a tap. given:
the user brings it from the maker's app."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One family of bands.

    `sync` is an async generator of batches of readings, and **`yield` means stored**: the caller commits the batch
    before it resumes the generator. So whatever lets the band forget is written *after* the `yield`, never in a
    `finally`, and a crash at any point loses nothing.

    Only finished epochs are reported; of a running one, at most its `Counter`. Every failure is a `DeviceError`;
    anything else is a bug.
    """

    key: str
    """The name by which the family is known in commands, the database and entry points."""
    label: str
    """The name of the family as people know it."""
    abilities: Abilities
    secret: Callable[[Advertisement], Secret]
    """Returns how a band comes by its key, by what it advertises."""
    matches: Callable[[Advertisement], bool]
    """Returns whether a band is of this family. It is called for every advertisement on the air, so it is quick, and
    raises nothing."""
    open: Callable[[Link, Session], Awaitable[Sequence[Reading]]]
    """Runs first on every connection: logs in, sets the clock, and returns what the band reports of itself."""
    sync: Callable[[Link, Session], AsyncGenerator[Sequence[Reading], None]] | None = None
    """Yields what is new since `session.since`, then ends. None for a band without a memory."""
    watch: Callable[[Link, Session], AsyncGenerator[Sequence[Reading], None]] | None = None
    """Yields readings as they happen, until the link is lost or the caller closes it."""
    nudge: Callable[[Link, Session, Message], Awaitable[Answer | None]] | None = None
    """Lets the band vibrate and show a message; returns the wearer's answer, if the band can send one."""
    advice: str = ""
    """For whoever pairs such a band: what it needs, and where on the band that is found."""
    generic: bool = False
    """Whether the driver is for any device that keeps to a standard. A driver of a family comes before it."""

    gadgetbridge: Mapping[str, Samples] = field(default_factory=dict[str, "Samples"])
    """How to read the samples of this family, by the table of Gadgetbridge's database that holds them."""

    @property
    def held(self) -> bool:
        """Whether to stay connected to such a band: it can be watched, and stores nothing to judge sitting by."""
        history = self.abilities.history
        return self.watch is not None and (history is None or history > LONGEST_EPOCH_TO_JUDGE_BY)


def __getattr__(name: str) -> object:
    if name != "TELLING":
        raise AttributeError(f"hipsync.driver has no {name!r}")
    warnings.warn("hipsync.driver.TELLING is called LONGEST_EPOCH_TO_JUDGE_BY now", DeprecationWarning, stacklevel=2)
    return LONGEST_EPOCH_TO_JUDGE_BY
