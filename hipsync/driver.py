"""The interface of a driver: a matcher, a dialogue or a few coroutines over a narrow port, and tables of facts.

A driver does no I/O of its own, reads no clock and imports only this module, `model` and `errors`. It is an object
named `DRIVER`, which an entry point of the group `hipsync.drivers` names. UUIDs are full 128-bit strings in lower case
everywhere. The one rule: what a band sends cannot be trusted, so every failure is a `DeviceError`.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo

from hipsync.abilities import LONGEST_EPOCH_TO_JUDGE_BY, Abilities
from hipsync.errors import DeviceError
from hipsync.model import Answer, Epoch, Reading

__all__ = [
    "LONGEST_EPOCH_TO_JUDGE_BY",
    "MIDNIGHT",
    "OPENED",
    "Abilities",
    "Advertisement",
    "BandFile",
    "ClockSet",
    "Dialogue",
    "Driver",
    "Inbox",
    "LeftOut",
    "Link",
    "Message",
    "Received",
    "Row",
    "Samples",
    "Secret",
    "Session",
    "SleepTable",
    "Slept",
    "Spacing",
    "Undriven",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a band broadcasts before anybody connects. None of it can be trusted, because any device can send it."""

    name: str | None = None
    services: frozenset[str] = frozenset()
    service_data: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict[int, bytes])
    """The data after the company number, by that number, which the Bluetooth SIG assigns to a maker."""

    def __post_init__(self) -> None:
        """Drop the NULs that some bands pad their name with: they are no part of it, and no driver sees them."""
        if self.name is not None:
            object.__setattr__(self, "name", self.name.rstrip("\0"))  # frozen for everybody else


class Received(NamedTuple):
    """A notification: the UUID of its characteristic, the instant (UTC) at which it arrived, and its value."""

    uuid: str
    at: datetime
    data: bytes


class Inbox(Protocol[T]):
    """What `Dialogue.listen` puts aside for the other coroutines of a dialogue, in order."""

    def put(self, item: T) -> None:
        """Add an item. Raises `DeviceError` if more wait than any band sends."""
        ...

    async def take(self, timeout: timedelta) -> T:
        """Take the oldest item, waiting for one if need be. Raises `NoReply` if none has come within `timeout`.

        Raises `LinkLost` when the connection ends, and what ended `Dialogue.listen`.
        """
        ...

    def clear(self) -> None:
        """Drop all items that wait, such as an answer that came too late for an earlier question."""
        ...


class Link(Protocol):
    """An open connection to one band, as a dialogue or one coroutine of a driver sees it.

    Each has an inbox of its own: a notification goes to each one that has subscribed to its characteristic.
    The reads, writes and subscriptions of all coroutines are done one at a time. Any awaited call raises `LinkLost`
    when the connection ends, `NoReply` when a deadline passes, and `DeviceError` if the band refuses.
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
        """Return the present instant, in UTC. A driver takes the time from nowhere else."""
        ...

    def has(self, characteristic: str, service: str | None = None) -> bool:
        """Whether the band has this characteristic, in the given service; None means in any service."""
        ...

    async def read(self, characteristic: str, *, service: str | None = None) -> bytes:
        """Read and return the value of a characteristic. With `service` None, the first one that has it is meant."""
        ...

    async def write(
        self, characteristic: str, data: bytes, *, response: bool = False, service: str | None = None
    ) -> None:
        """Write a value to a characteristic; with `response`, wait until the band has acknowledged the write.

        With `service` None, the first service that has the characteristic is meant.
        """
        ...

    async def write_whole(
        self, characteristic: str, parts: Sequence[bytes], *, response: bool = False, service: str | None = None
    ) -> None:
        """Write the parts of one message to a characteristic, in order, with no other write to the band between them.

        A task that is cancelled meanwhile ends after the last part, so that the band never has half a message. The rest
        is as for `write`; after an error no further part is written.
        """
        ...

    def lock(self) -> AbstractAsyncContextManager[object]:
        """Return a new lock, for what must go on alone, such as a question with its answer: `async with lock:`.

        Those who wait for it are let in one at a time, in the order in which they came.
        """
        ...

    def inbox(self, of: type[T]) -> Inbox[T]:
        """Return a new, empty inbox for items of a type, into which one coroutine puts what another one waits for."""
        ...

    async def subscribe(self, *characteristics: str) -> None:
        """Subscribe to these characteristics, so that their notifications reach this coroutine's inbox."""
        ...

    async def unsubscribe(self, *characteristics: str) -> None:
        """End the subscription to these characteristics, and drop their notifications that are still in the inbox."""
        ...

    async def notification(self, *characteristics: str, timeout: timedelta) -> Received:
        """Take the oldest notification of any of these characteristics from the inbox, waiting for one if need be.

        Raises `NoReply` if none has arrived within `timeout`.
        """
        ...

    async def pause(self, length: timedelta) -> None:
        """Wait for this length of time. Raises `LinkLost` as soon as the connection ends."""
        ...

    async def bond(self) -> None:
        """Bond with the band. Does nothing on systems that bond only when the band asks for it."""
        ...


OPENED = "68697073-796e-6300-6f70-656e65640000"
"""The characteristic of opened messages in a recording, and in the replay of one (`Session.is_opened`). A band that has
it is treated as any other, so that none can talk a driver out of its login."""


class ClockSet(NamedTuple):
    """hipsync set a band's clock at this instant, to the local time of this zone."""

    at: datetime
    zone: ZoneInfo


async def _keeps_nothing(_: bytes) -> None:
    raise DeviceError("there is nowhere to keep what this band hands over, so it was not paired")


async def _nobody_types(_: timedelta) -> int | None:
    return None


def _tells_nobody() -> None:
    """Nobody is there to tap the band."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a driver needs to know for one connection and cannot ask the band."""

    name: str = ""
    """The name by which the band advertised itself when it was paired."""
    secret: bytes | None = field(default=None, repr=False)
    """The band's key, or what the driver gave to `keep` before; None if there is neither."""
    since: Mapping[type[Reading], datetime] = field(default_factory=dict[type[Reading], datetime])
    """By type of reading, the instant at which the last stored one ends. A type with nothing stored is absent."""
    clock_sets: Sequence[ClockSet] = ()
    """When hipsync set the band's clock before this connection, the oldest first: an entry for each `Info` that the
    driver has reported, without those between two that set the same offset of the same zone. Until the next one, the
    clock stays on the offset of the last, wherever the wearer travels. Empty if it was never set, or nobody knows."""
    pairing: bool = False
    """Whether the band is being paired. Then the wearer is there, and the band may ask for a tap."""
    erase: bool = False
    """Whether the band is to delete what hipsync has stored. Off by default: other apps may want the data too."""
    address: str | None = None
    """The band's Bluetooth address, such as `C8:0F:10:80:D0:21`; None where the system hides it, as macOS does."""
    opened: Callable[[str, bytes], None] | None = field(default=None, repr=False, compare=False)
    """Takes each message after the login, for a recording of a family that is `Driver.sealed`; None without one.

    The first argument is ">" for what the host is about to seal and "<" for what was opened of the band's, in the order
    in which it is said and heard. No key, token, number or name is in what a driver gives here: it may be published."""
    is_opened: bool = False
    """Whether this is the replay of such a recording: then the driver skips login and seal, writes each message to
    `OPENED`, and hears each one there."""
    keep: Callable[[bytes], Awaitable[None]] = field(default=_keeps_nothing, repr=False, compare=False)
    """Keeps a secret that was born in this connection, of any length and in the driver's own form, and returns when it
    is on disk. Every later session has it as `secret`, also one that pairs the band again after a pairing that was
    killed. So a driver awaits it before it sends the last step that makes the band depend on the secret. Raises
    `DeviceError` if it cannot be kept."""
    tap: Callable[[], None] = field(default=_tells_nobody, repr=False, compare=False)
    """Tells the person that the band now waits for their tap or their yes, which may take up to 90 s. A driver calls it
    at that moment, and only while `pairing`."""
    passkey: Callable[[timedelta], Awaitable[int | None]] = field(default=_nobody_types, repr=False, compare=False)
    """Asks the person for the number of at most six digits that the band shows, for a login of the band's own, and
    returns it; None if nobody has typed it within this time, or nobody is there. Raises `LinkLost` if the connection
    ends meanwhile. A driver awaits it only while `pairing`, and never in `Dialogue.listen`."""

    def need_address(self) -> str:
        """Return the band's address. Raises `DeviceError` where the system hides it: for logins that need it."""
        if self.address is None:
            raise DeviceError(
                "the login of this band needs its Bluetooth address, and macOS hides that: pair it on Linux or Windows"
            )
        return self.address


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a band shows to its wearer. Its wording is neutral, because other people may see it."""

    title: str
    body: str
    strong: bool = False
    asks: bool = True
    """Whether to wait for the wearer's answer, if the band can send one."""

    @property
    def line(self) -> str:
        """The title and the body as one text, for a band that has one field for it; an empty body leaves the title."""
        return f"{self.title}: {self.body}" if self.body else self.title


Row = Mapping[str, int | None]
"""One row of a table, as the values of its cells by column; None is SQL's NULL."""
MIDNIGHT = "the wearer's midnight"
"""A column that no table has. Where `Samples.columns` names it, each row has there the last local midnight before its
time, in seconds since 1970, for totals that begin anew then."""


class LeftOut(NamedTuple):
    """Rows that give no epoch, and why."""

    why: str
    """The end of a sentence that begins with "12 rows", such as "without steps"."""
    rows: int = 1


class BandFile(NamedTuple):
    """What a file of a band holds: what a sync that fetched it would report, and besides that what is in the future."""

    source: str
    """The band, in words that are the same in all its files; no whole serial number, and no name of a person."""
    readings: Sequence[Reading | LeftOut]
    """A file with nothing that counts, such as one of settings, is one `LeftOut`."""


class Slept(NamedTuple):
    """The wearer slept in `[start, end)`; without `asleep`, was awake then, though a longer sleep covers it."""

    start: datetime
    end: datetime
    asleep: bool = True


@dataclass(frozen=True, slots=True)
class SleepTable:
    """A table in another program's database that says when wearers slept, while the samples beside it do not."""

    name: str
    columns: Sequence[str]
    """The columns to read, besides the one that holds the time. One that the table lacks is None in each row."""
    spans: Callable[[Iterator[tuple[datetime, Row]]], Iterator[Slept | LeftOut]]
    """Turns the rows of one band, in order of time, into spans, in order of their starts. Those that are told as
    `LeftOut` are counted for the user."""


@dataclass(frozen=True, slots=True)
class Samples:
    """How to read a table of activity samples in another program's database: which columns, and how to make epochs."""

    columns: Sequence[str]
    """The columns to read, besides the one that holds the time."""
    epochs: Callable[[Iterator[tuple[datetime, Row]]], Iterator[Epoch | LeftOut]]
    """Turns the rows of one band, in order of time, into epochs, one for each time. Rows with no data, or with
    impossible data, are left out; those that are told as `LeftOut` are counted for the user."""
    sleep: Sequence[SleepTable] = ()
    """Tables that say which of these epochs were asleep; those that the database lacks are passed over."""


class Dialogue(Protocol):
    """A driver's side of one connection, in which keys, counters, sequence numbers and handles live as long as that.

    `Driver.begin` makes it, and hipsync runs it: `listen` in a task of its own from the beginning to the end, and
    beside it first `open`, then `sync`, `watch` and `nudge` as they are wanted. `nudge` may run at the same time as
    `sync` or `watch`. All share one `Link`, and only `listen` takes notifications from it; it acknowledges and answers
    at once, and puts the rest into inboxes (`Link.inbox`), where the others wait.

    An error that ends `listen` is raised wherever the others wait, and so ends the connection.
    """

    @property
    def abilities(self) -> Abilities:
        """What this band can do, which is known once `open` has returned: a part of `Driver.abilities`."""
        ...

    async def listen(self) -> None:
        """Receive and answer what the band sends, until the connection ends.

        It waits for nothing that only `listen` itself could bring, such as the answer to a question of its own.
        """
        ...

    async def open(self) -> Sequence[Reading]:
        """Log in, set the band's clock, and return what the band reports about itself."""
        ...

    def sync(self) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield the readings that are new since `session.since`, and end. `yield` means stored, as for `Driver.sync`.

        It is called only if `abilities.history` is given.
        """
        ...

    def watch(self) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield readings as they happen, until the connection ends. It is called only if `abilities.live`."""
        ...

    async def nudge(self, message: Message) -> Answer | None:
        """Make the band vibrate and show a message, and return the wearer's answer, or None without an answer.

        It is called only if `abilities.buzz` or `abilities.text`.
        """
        ...


Secret = Literal["none", "own", "given"]
"""What to ask before connecting, for the band's key. none: nothing, as there is no key, or one is born at the pairing
(`Session.keep`). own: nothing, as hipsync chooses one, and the wearer confirms it by a tap. given: the user copies it
from the maker's app."""


async def _has_no_open(_: Link, __: Session) -> Sequence[Reading]:
    raise TypeError("this driver has a dialogue (`Driver.begin`), and no `open` of its own")


def _refuses_nothing(_: Advertisement) -> str | None:
    return None


def _knows_no_name(_: str) -> bool:
    return False


class Spacing(NamedTuple):
    """How often the stored epochs of a band may be fetched at most, because each time disturbs it."""

    least: timedelta
    """The least time between two fetches. A band that is contacted in between tells what it counts, and vibrates."""
    why: str
    """What each fetch does to the band, as words for people that follow "each time, "."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One family of bands.

    It has either `begin`, if anything lives as long as the connection (keys, counters, sequence numbers, handles, or
    questions of the band that must be answered at any time), or else `open`, `sync`, `watch` and `nudge`, each of which
    runs by itself with a `Link` of its own.

    `sync` is an async generator of batches of readings, and **`yield` means stored**: the caller commits the batch
    before it resumes the generator. So a command that lets the band delete data is written *after* the `yield`, and
    never in a `finally`. Then a crash at any point loses nothing.

    Only finished epochs are reported; while one is running, at most a `Counter` is. Every failure is a `DeviceError`;
    any other exception is a bug.
    """

    key: str
    """The name by which the family is known in commands, the database and entry points."""
    label: str
    """The name of the family as people know it."""
    abilities: Abilities
    """The most that a band of this family may do. What one band does may be less (`Dialogue.abilities`)."""
    secret: Callable[[Advertisement], Secret]
    """Returns what to ask before connecting, judging by what the band advertises."""
    matches: Callable[[Advertisement], bool]
    """Returns whether a device belongs to this family. It is called for every advertisement on the air, so it is quick
    and raises nothing."""
    open: Callable[[Link, Session], Awaitable[Sequence[Reading]]] = _has_no_open
    """Runs first on every connection: logs in, sets the band's clock, and returns what it reports about itself."""
    sync: Callable[[Link, Session], AsyncGenerator[Sequence[Reading], None]] | None = None
    """Yields the readings that are new since `session.since`, and ends. None for a band that stores no readings."""
    watch: Callable[[Link, Session], AsyncGenerator[Sequence[Reading], None]] | None = None
    """Yields readings as they happen, until the link is lost or the caller closes the generator. None if the band sends
    none unasked."""
    nudge: Callable[[Link, Session, Message], Awaitable[Answer | None]] | None = None
    """Makes the band vibrate and show a message, and returns the wearer's answer, or None without an answer. The field
    is None if the band can do neither."""
    advice: str = ""
    """Advice for pairing such a band: what the user needs, and where to find it on the band."""
    needs: Collection[tuple[str, bytes]] | None = None
    """What the steps depend on: characteristics, each with the beginning of the writes to it that a band must answer.

    A characteristic that is read or subscribed to has an empty beginning. A band may leave everything else unanswered,
    refuse it or not have it, and its steps come all the same: the kit tries that. None if the author does not say.
    """
    missing_extra: Callable[[], str | None] = lambda: None
    """Returns the extra of hipsync that the family's stored minutes need and this computer has not; None if nothing is
    missing. Without it `Dialogue.abilities` has no history."""
    sealed: bool = False
    """Whether what passes between host and band is encrypted, or tells whose it is in bytes that cannot be changed.

    Then a recording (`hipsync sync --record`) holds only the messages that the driver gives to `Session.opened`, and
    the driver can talk by these messages alone (`Session.is_opened`)."""
    spacing: Spacing | None = None
    """How often the stored epochs may be fetched at most. hipsync plans by it; a driver that may be asked oftener all
    the same, by a person, keeps it too. None for a band that a fetch does not disturb."""
    generic: bool = False
    """Whether the driver is for any device that follows a standard. A driver for one family takes precedence."""

    gadgetbridge: Mapping[str, Samples] = field(default_factory=dict[str, "Samples"])
    """How to read this family's samples from Gadgetbridge's database, by the name of the table that holds them."""
    read_file: Callable[[bytes], BandFile] | None = None
    """Reads a file that a person copied from such a band, or has from its maker. Raises `MalformedPacket` if it is
    damaged, and `DeviceError` without the extra. None for a family of which nobody has files."""
    begin: Callable[[Link, Session], Dialogue] | None = None
    """Begins a dialogue, which does nothing yet, over a new connection. None if the driver has `open` instead."""
    refusal: Callable[[Advertisement], str | None] = _refuses_nothing
    """Returns why a device that `matches` does not take is none of this family's, though it looks like one or is known
    by name: what it is, and what to do here, as words that follow its name and a colon. None for every other device."""
    knows_name: Callable[[str], bool] = _knows_no_name
    """Returns whether a name alone is that of a model of this family, for bands that `matches` knows by more than that.
    By it a band is found that was paired with a generic driver, when nothing but its name is stored."""

    @property
    def held(self) -> bool:
        """Whether to stay connected to bands of this family of which nothing else is known (`Abilities.held`)."""
        live = self.abilities.live if self.begin is not None else self.watch is not None
        return replace(self.abilities, live=live).held


@dataclass(frozen=True, slots=True)
class Undriven:
    """A family of bands that hipsync knows by name, and has no driver for; entry points of `hipsync.undriven` name it.

    It is asked only about a device that no driver of a family takes. When its driver comes, what it holds moves there.
    """

    key: str
    """The key that its driver would have. Bands imported from Gadgetbridge are stored under it, so that a driver that
    comes later goes on with their data."""
    label: str
    refusal: Callable[[Advertisement], str | None]
    """As `Driver.refusal`, for every device of this family."""
    abilities: Abilities = field(default_factory=Abilities)
    """What its stored minutes say."""
    gadgetbridge: Mapping[str, Samples] = field(default_factory=dict[str, "Samples"])
    """As `Driver.gadgetbridge`."""


def __getattr__(name: str) -> object:
    if name != "TELLING":
        raise AttributeError(f"hipsync.driver has no {name!r}")
    warnings.warn("hipsync.driver.TELLING is called LONGEST_EPOCH_TO_JUDGE_BY now", DeprecationWarning, stacklevel=2)
    return LONGEST_EPOCH_TO_JUDGE_BY
