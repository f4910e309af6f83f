"""The interface of a simulated band: the other end of the wire, as a plain object.

It answers reads and writes, sends notifications, and has a clock of its own, which whoever serves it advances. It may
import `driver`, `model`, `errors` and its family's codec, nothing else of hipsync. An entry point of the group
`hipsync.simulators` names its class, which must fit `Simulator`. The one rule: it behaves as the band does towards any
client, not as the driver beside it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol
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
    """A value that the band sends; the server drops it unless the client has subscribed."""

    characteristic: str
    data: bytes


class HangUp(NamedTuple):
    """The band ends the connection."""


class Shown(NamedTuple):
    """What the wearer felt or saw on the band."""

    at: datetime
    text: str
    """The text that was shown; empty where the band only vibrated."""


class Refused(Exception):  # an answer of the band, not a fault of ours
    """The band answers a read or write with an ATT error, whose number is `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error 0x{code:02x}")
        self.code = code


class SimulatedBand(Protocol):
    """One band on one wrist.

    Its server calls `connected` and `disconnected` around a connection, and sets `mtu` during it. It calls `advance`
    after each read, write and subscription, and whenever the instant `wake_at` has come. What `advance` returns is sent
    in that order; a `Notification` while nobody is subscribed is dropped, as by a real stack.
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
        """A client has connected."""
        ...

    def disconnected(self, now: datetime) -> None:
        """The connection has ended, whoever ended it."""
        ...

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        """The value of a characteristic. Raises `Refused`."""
        ...

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        """Receive a value, whose consequences come from `advance`. Raises `Refused`."""
        ...

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        """The client has subscribed to a characteristic, or ended its subscription."""
        ...

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        """All that the band sends up to `now`, which is never earlier than at the call before."""
        ...

    def wake_at(self) -> datetime | None:
        """The instant at which the band will next do something by itself; None if it waits for the client."""
        ...


class Simulator(Protocol):
    """What makes a simulated band, which is the band's class in most families.

    `life` is what the wearer does, past and future. Epochs that have ended by `now` are in the band's memory, as far as
    bands of this kind store any, and coded as they code them; the others happen as the clock advances. `zone` is where
    the wearer is. `secret` is the key of a band that was paired already. The same arguments make the same band.
    """

    def __call__(
        self, life: Sequence[Epoch], *, now: datetime, zone: ZoneInfo, secret: bytes | None = None
    ) -> SimulatedBand: ...
