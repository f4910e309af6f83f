"""The interface of a driver: a matcher, a few coroutines over a narrow port, and tables of facts.

A driver does no I/O of its own, reads no clock and imports only this module, `model` and `errors`.
It is an object named `DRIVER` that an entry point of the group `hipsync.drivers` names.

UUIDs are full 128-bit strings in lower case everywhere.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from hipsync.model import Answer, Epoch, Reading


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a band says before anybody connects. All of it is a stranger's word."""

    name: str | None = None
    services: frozenset[str] = frozenset()
    service_data: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict[int, bytes])
    """By company number, without it."""


class Received(NamedTuple):
    """A notification, and when it arrived."""

    uuid: str
    at: datetime
    data: bytes


class Link(Protocol):
    """An open connection to one band, as one coroutine of a driver sees it.

    Each view has its own inbox: a notification goes to every view that subscribed. One write at a time.
    Any call raises `LinkLost` when the connection ends, and `NoReply` when a deadline passes.
    """

    @property
    def zone(self) -> ZoneInfo:
        """The wearer's zone."""
        ...

    @property
    def write_size(self) -> int:
        """Bytes that fit a write without response (and a notification)."""
        ...

    def now(self) -> datetime: ...

    def has(self, characteristic: str, service: str | None = None) -> bool: ...

    async def read(self, characteristic: str, *, service: str | None = None) -> bytes: ...

    async def write(
        self, characteristic: str, data: bytes, *, response: bool = False, service: str | None = None
    ) -> None: ...

    async def subscribe(self, *characteristics: str) -> None: ...

    async def unsubscribe(self, *characteristics: str) -> None: ...

    async def notification(self, *characteristics: str, timeout: timedelta) -> Received:
        """The next notification of any of these, in order of arrival, those that came before the call first."""
        ...

    async def pause(self, length: timedelta) -> None: ...

    async def bond(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Session:
    """What a conversation needs to know that the band does not tell."""

    name: str = ""
    """As the band advertised itself when it was paired."""
    secret: bytes | None = field(default=None, repr=False)
    since: Mapping[type[Reading], datetime] = field(default_factory=dict[type[Reading], datetime])
    """By type of reading, the end of the last one stored; absent if there is none."""
    pairing: bool = False
    """A first meeting: the wearer is there and may be asked for a tap."""
    erase: bool = False
    """The user wants the band to forget what is stored here. Off by default: other apps may want it too."""


@dataclass(frozen=True, slots=True)
class Message:
    """What the wearer should see. Neutral, for others see it too."""

    title: str
    body: str
    strong: bool = False
    asks: bool = True
    """Whether to wait for what the wearer does about it, with a band that can tell."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a family of bands can do; False and None mean it cannot, or nobody has proven it."""

    history: timedelta | None = None
    """Length of its stored epochs, or None if it keeps none that can be fetched."""
    live: bool = False
    buzz: bool = False
    text: bool = False
    answers: bool = False
    battery: bool = False
    wear: bool = False
    sleep: bool = False
    heart_rate: bool = False


TELLING = timedelta(minutes=30)
"""Longer epochs give totals only: nobody can say from them when somebody last moved (as `timeline.COARSE_MINUTES`)."""

Row = Mapping[str, int | None]
"""Cells by column."""


@dataclass(frozen=True, slots=True)
class Samples:
    """A table of activity samples of another program's database, and how its rows become epochs."""

    columns: Sequence[str]
    """That are read, besides the one of time."""
    epochs: Callable[[Iterator[tuple[datetime, Row]]], Iterator[Epoch]]
    """Of the rows of one band in the order of time; a row that says nothing, or nonsense, is left out."""


Secret = Literal["none", "own", "given"]
"""own: we choose a key and the wearer confirms with a tap; given: the user brings it from the vendor's app."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One family of bands.

    `sync` is an async generator of batches of readings, and **`yield` means stored**: the caller commits
    the batch before it resumes the generator. So whatever lets the band forget is written *after* the
    `yield`, never in a `finally`, and a crash at any point loses nothing.

    Only finished epochs are reported, the running one at most as a `Counter`. Every failure is a
    `DeviceError`; anything else is a bug.
    """

    key: str
    label: str
    abilities: Abilities
    secret: Callable[[Advertisement], Secret]
    matches: Callable[[Advertisement], bool]
    """Total and cheap: called for every advertisement on the air."""
    open: Callable[[Link, Session], Awaitable[Sequence[Reading]]]
    """Runs first on every connection: authenticate, set the clock; what the band says of itself."""
    sync: Callable[[Link, Session], AsyncGenerator[Sequence[Reading], None]] | None = None
    """Bounded: what is new since `session.since`, then end. None for a band without a memory."""
    watch: Callable[[Link, Session], AsyncGenerator[Sequence[Reading], None]] | None = None
    """Unbounded: readings as they happen, until the link is lost or the caller has enough."""
    nudge: Callable[[Link, Session, Message], Awaitable[Answer | None]] | None = None
    """Buzz and show; an answer if the band can give one."""
    advice: str = ""
    """For who pairs one: what it needs, and where on the band that is found. Empty where there is nothing to say."""
    generic: bool = False
    """For whatever keeps to a standard: it stands back where the driver of a family takes the band."""

    gadgetbridge: Mapping[str, Samples] = field(default_factory=dict[str, "Samples"])
    """By the table of Gadgetbridge's database in which it keeps samples of this family."""

    @property
    def held(self) -> bool:
        """Whether to stay connected to such a band: it can be watched, and keeps nothing to judge sitting by."""
        history = self.abilities.history
        return self.watch is not None and (history is None or history > TELLING)
