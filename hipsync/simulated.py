"""The interface of a simulated band: the other end of the wire, as a plain object.

It answers reads and writes, sends notifications, and has a clock of its own, which its server advances. Its module may
import `driver`, `model`, `errors` and its family's codec, and nothing else from hipsync. An entry point of the group
`hipsync.simulators` names its class, which must fit `Simulator`. The one rule: it treats any client as the real band
does, and does not suit itself to the driver of its family.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from hipsync.driver import Advertisement
from hipsync.model import Epoch

Property = Literal["read", "write", "write-without-response", "notify", "indicate"]


class Characteristic(NamedTuple):
    """A characteristic of a simulated band, and what a client may do with it."""

    uuid: str
    properties: frozenset[Property]


class Service(NamedTuple):
    """A GATT service of a simulated band."""

    uuid: str
    characteristics: tuple[Characteristic, ...]


class Notification(NamedTuple):
    """A value that the band sends. The server drops it unless the client has subscribed to the characteristic."""

    characteristic: str
    data: bytes


class HangUp(NamedTuple):
    """A request by the band to end the connection."""


class Shown(NamedTuple):
    """Something that the wearer felt or saw on the band, and when."""

    at: datetime
    text: str
    """The text that was shown; empty if the band only vibrated."""


class Complaint(NamedTuple):
    """Something that a band found wrong with how its client talks to it, and when.

    `what` is one of three. twice: it was acknowledged or answered more than once. interleaved: parts of one message
    came between those of another, or out of order. late: it was not acknowledged or answered within its time-out.
    """

    at: datetime
    what: Literal["twice", "interleaved", "late"]
    text: str


class Refused(Exception):  # an answer of the band, not a fault of ours
    """The band answers a read or write with an ATT error, whose number is `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error 0x{code:02x}")
        self.code = code


class SimulatedBand(Protocol):
    """One band on one wrist.

    The server calls `connected` and `disconnected` around a connection, and sets `mtu` while it lasts. It calls
    `advance` after each read, write and subscription, and whenever the instant `wake_at` has come. It sends what
    `advance` returns in that order, and like a real stack it drops a `Notification` that nobody has subscribed to.
    """

    mtu: int
    """The ATT MTU of the connection in bytes; 23 until the server sets another one."""
    shown: list[Shown]
    """What the wearer has felt and seen so far."""

    def advertisement(self) -> Advertisement:
        """What the band broadcasts while it is not connected."""
        ...

    def services(self) -> Sequence[Service]:
        """The band's services and characteristics, in the order of its GATT table."""
        ...

    def connected(self, now: datetime) -> None:
        """Called after a client has connected."""
        ...

    def disconnected(self, now: datetime) -> None:
        """Called after the connection has ended, whichever side ended it."""
        ...

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        """Return the value of a characteristic. Raises `Refused` if the band does not allow the read."""
        ...

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        """Receive a value; what the band then sends comes from `advance`. Raises `Refused` if the band rejects it."""
        ...

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        """Called after the client has subscribed to a characteristic, or (`subscribed` False) unsubscribed."""
        ...

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        """Let time pass up to `now`, and return what the band sends. `now` is never earlier than in the last call."""
        ...

    def wake_at(self) -> datetime | None:
        """The instant at which the band will next act without being asked; None if it waits for the client."""
        ...


@runtime_checkable
class Complaining(Protocol):
    """A simulated band that counts what its client does wrong; for families that have a dialogue."""

    complaints: list[Complaint]
    """What it has found wrong so far. Faults of the link are not told apart from faults of the client."""


class Simulator(Protocol):
    """Makes simulated bands of one family; in most families it is the band's class.

    `life` is what the wearer does, past and future. Epochs that have ended by `now` are in the band's memory, as far as
    such a band stores any and in its own encoding. Later ones happen as the clock advances. `zone` is the wearer's.
    `secret` is the key of a band that was paired already, or None. The same arguments make the same band.
    """

    def __call__(
        self, life: Sequence[Epoch], *, now: datetime, zone: ZoneInfo, secret: bytes | None = None
    ) -> SimulatedBand: ...
