"""What both generations of frames have in common: a wire is a machine without I/O, and a conversation its hands.

::

    wire.say(message)      queues it                              wire.out           what is to be written, in order
    wire.hear(packet)      returns what came, queues receipts     wire.deadline      when to call late()
    wire.late(now)         asks or sends again, or gives up

A receipt is queued as soon as a packet is heard, whoever waits for what it holds. That a message was received says
nothing of an answer, nor that it was stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple, Protocol

from hipsync_devices.gatt import uuid16
from hipsync_devices.xiaomi.cipher import Keys

SERVICE = uuid16(0xFE95)
MOST_BYTES = 2**16
"""The most bytes of one message or frame, of either generation. The longest part of a file has a tenth of it."""


class Packet(NamedTuple):
    """Bytes of one write or notification, with its characteristic."""

    uuid: str
    data: bytes


class Kind(Enum):
    """What a band sends."""

    MESSAGE = auto()
    FILE = auto()
    """A part of a file of minutes, sleep or a workout."""
    BEGUN = auto()
    """The band has begun a session: the answer to ours or, if nobody asked, a new one that needs another login."""


class Heard(NamedTuple):
    """Something whole that came from the band, decrypted."""

    kind: Kind
    payload: bytes = b""
    sealed: bool = False
    """Whether it was encrypted: only a band that has proven its key can do that."""


class Wire(Protocol):
    """The frames of one connection. A wire is not used again after the connection."""

    keys: Keys | None
    """The keys of this connection, once the login has agreed on them."""
    out: list[Packet]
    """The packets that are to be written, in order. Whoever has written some deletes them at the front."""

    @property
    def notifies(self) -> tuple[str, ...]:
        """The characteristics to subscribe to before anything is written, as far as the band has them."""
        ...

    @property
    def device_type(self) -> int:
        """What the phone calls itself in the login."""
        ...

    @property
    def begun(self) -> bool:
        """Whether messages can be exchanged."""
        ...

    @property
    def idle(self) -> bool:
        """Whether the band has received everything that was said."""
        ...

    @property
    def deadline(self) -> datetime | None:
        """When `late` is to be called, unless a packet comes before; None if nothing is awaited."""
        ...

    def begin(self, now: datetime) -> None:
        """Queue what opens a session, if the generation has any."""
        ...

    def say(self, message: bytes, now: datetime, *, sealed: bool = True) -> None:
        """Queue a message; with `sealed` it is encrypted by the keys of the connection."""
        ...

    def hear(self, packet: Packet, now: datetime) -> Sequence[Heard]:
        """Take a notification, queue what it calls for, and return what is complete now.

        Raises `DeviceError` for one after which the connection is not worth keeping.
        """
        ...

    def late(self, now: datetime) -> None:
        """Do what the passed deadline calls for. Raises `NoReply` if the band has had its chances."""
        ...
