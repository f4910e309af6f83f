"""The interface of a simulated band: the other end of the wire, as a plain object.

It answers reads and writes, emits notifications, and has a clock of its own that whoever serves it
advances. It may import `driver`, `model`, `errors` and its family's codec, nothing else of hipsync.
An entry point of the group `hipsync.simulators` names its class, which must fit `Simulator`.
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
    uuid: str
    properties: frozenset[Property]


class Service(NamedTuple):
    uuid: str
    characteristics: tuple[Characteristic, ...]


class Notification(NamedTuple):
    """The band sends a value; dropped by the server unless the client subscribed."""

    characteristic: str
    data: bytes


class HangUp(NamedTuple):
    """The band ends the connection."""


class Shown(NamedTuple):
    """What the wearer felt or saw."""

    at: datetime
    text: str
    """Empty for a bare buzz."""


class Refused(Exception):  # an answer of the band, not a fault of ours
    """The band answers a read or write with an ATT error."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error 0x{code:02x}")
        self.code = code


class SimulatedBand(Protocol):
    """One band on one wrist.

    The server calls `connected` and `disconnected` around a connection, keeps `mtu` current, calls
    `advance` after each read, write and subscription and whenever `wake_at` has come, and sends what
    `advance` returns, in order. A `Notification` while nobody subscribed is dropped, as by a real stack.
    """

    mtu: int
    """ATT MTU of the connection; 23 until told otherwise."""
    shown: list[Shown]

    def advertisement(self) -> Advertisement: ...

    def services(self) -> Sequence[Service]: ...

    def connected(self, now: datetime) -> None: ...

    def disconnected(self, now: datetime) -> None: ...

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        """The value; raises `Refused`."""
        ...

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        """Take a value; raises `Refused`. What it leads to comes from `advance`."""
        ...

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None: ...

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        """All that the band says up to `now`, which never goes backwards."""
        ...

    def wake_at(self) -> datetime | None:
        """When the band will next do something by itself; None if it waits for the client."""
        ...


class Simulator(Protocol):
    """What makes a band: its wearer's life, past and future, the time now, and whose wrist.

    Epochs of `life` that have ended by the band's clock are in its memory, as far as that kind of band
    keeps any, and coded as it codes them; the rest happen as the clock advances. `secret` is the key of
    a band that was paired already. The same arguments always make the same band.
    """

    def __call__(
        self, life: Sequence[Epoch], *, now: datetime, zone: ZoneInfo, secret: bytes | None = None
    ) -> SimulatedBand: ...
