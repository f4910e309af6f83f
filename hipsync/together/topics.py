"""The topics at which the computers of one wearer tell each other what they know.

They never change: computers with different versions of hipsync meet there. Nothing here opens a connection.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from hipsync.model import Band

LONGEST = 32
"""The most characters of a wearer's or a host's name in a topic."""
ONLINE, OFFLINE = "online", "offline"
"""What a host's topic says."""


class Kind(StrEnum):
    """What computers of one wearer tell each other; the values are the words in their topics."""

    DAY = "day"
    """What a band told on a UTC day."""
    SAID = "said"
    """What the wearer did and was told on a UTC day."""
    LASTS = "lasts"
    """What lasts, whatever its day."""


class Part(NamedTuple):
    """What one message between the computers of a wearer is about."""

    kind: Kind
    host: str
    """The host that tells it."""
    day: date | None = None
    band: str | None = None
    """The band's key."""

    @property
    def subject(self) -> tuple[Kind, date | None, str | None]:
        """What it is about, whoever tells it."""
        return self.kind, self.day, self.band


class Topics(NamedTuple):
    """The topics of one wearer for one host; both names are as `slug` makes them."""

    wearer: str
    host: str

    @property
    def base(self) -> str:
        """The beginning of all topics of the wearer."""
        return f"hipsync/{self.wearer}"

    @property
    def claim(self) -> str:
        """Where a host says that it wants to show a reminder."""
        return f"{self.base}/claim"

    @property
    def ask(self) -> str:
        """Where a message goes that only its sender waits for, after all that was kept."""
        return f"{self.base}/ask/{self.host}/share"

    def host_topic(self, host: str | None = None) -> str:
        """Where a host says whether it is online; None means this one, `+` all of them."""
        return f"{self.base}/host/{self.host if host is None else host}"

    def host_of(self, topic: str) -> str | None:
        """The host whose topic this is; None if it is none that hipsync would make."""
        host = topic.removeprefix(self.host_topic(""))
        return host if host and topic == self.host_topic(host) and host == slug(host) else None

    def part_topics(self, kind: Kind, day: date | None = None) -> str:
        """Where all hosts tell parts of a kind, those of one day or of all."""
        of_day = "+" if day is None else day.isoformat()
        return "/".join([self.base, kind, "+", *{Kind.DAY: ["+", of_day], Kind.SAID: [of_day], Kind.LASTS: []}[kind]])

    def part_topic(self, part: Part) -> str:
        """Where a part of what is shared stands."""
        day = None if part.day is None else part.day.isoformat()
        return "/".join([self.base, part.kind, part.host, *(each for each in (part.band, day) if each is not None)])

    def part_of(self, topic: str) -> Part | None:
        """What a topic is about; None if it is none that hipsync would make."""
        kind, host, *rest = [*topic.removeprefix(f"{self.base}/").split("/"), ""][:5]
        band = rest[0] if len(rest) == 3 else None
        try:
            day = date.fromisoformat(rest[-2]) if len(rest) > 1 else None
            part = Part(Kind(kind), host, day, band)
        except ValueError:
            return None
        shape = {Kind.DAY: (True, True), Kind.SAID: (True, False), Kind.LASTS: (False, False)}[part.kind]
        is_ours = host and host == slug(host) and (day is not None, band is not None) == shape
        is_key = band is None or re.fullmatch("[0-9a-f]{10}", band)
        return part if is_ours and is_key and topic == self.part_topic(part) else None


def slug(text: str) -> str:
    """A name of at most 32 characters of a-z, 0-9, - and _, which may stand in a topic; empty if nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_-]+", "_", plain)[:LONGEST].strip("_-")


def band_key(band: Band) -> str:
    """What a band is called in topics. It is the same on each computer that knows the band, and holds no address."""
    return sha256(f"{band.driver} {(band.identity or band.address or band.name).upper()}".encode()).hexdigest()[:10]
