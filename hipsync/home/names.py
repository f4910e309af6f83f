"""The names in the home: topics, and what Home Assistant knows devices by.

They never change, because the history that Home Assistant keeps hangs on them: a wearer's come from one setting, a
band's from its family and address. Nothing here opens a connection.
"""

from __future__ import annotations

from typing import NamedTuple

from hipsync.settings.config import Mqtt
from hipsync.together.topics import Topics, slug


class Names(NamedTuple):
    """The topics of one wearer on one host; both names are as `slug` makes them."""

    wearer: str
    host: str
    prefix: str = "homeassistant"

    @property
    def shared(self) -> Topics:
        """The topics at which this host meets the wearer's other ones."""
        return Topics(self.wearer, self.host)

    @property
    def device(self) -> str:
        """What Home Assistant knows the wearer's device by."""
        return f"hipsync_{self.wearer}"

    @property
    def base(self) -> str:
        """The beginning of all topics of the wearer."""
        return self.shared.base

    @property
    def state(self) -> str:
        return f"{self.base}/state"

    @property
    def prompt(self) -> str:
        return f"{self.base}/prompt"

    @property
    def do(self) -> str:
        """Where commands come."""
        return f"{self.base}/do"

    @property
    def birth(self) -> str:
        """Where Home Assistant says whether it is online."""
        return f"{self.prefix}/status"

    @property
    def client(self) -> str:
        """The client's name for the broker. It has the host in it, because of two with one name the older must go."""
        return f"hipsync-{self.wearer}-{self.host}"

    @property
    def run(self) -> str:
        """Where the program that was here last by the client's name wrote which one it is."""
        return f"{self.base}/run/{self.host}"

    @property
    def ask(self) -> str:
        """Where a message goes that only its sender waits for, after all that the broker kept."""
        return f"{self.base}/ask/{self.host}"

    def band_topic(self, key: str) -> str:
        """Where what is known of a band stands; `+` means all of them."""
        return f"{self.base}/band/{key}"

    def config(self, key: str | None = None) -> str:
        """Where a device is announced: the wearer's with None, else that of the band with this key."""
        return f"{self.prefix}/device/{self.device if key is None else self.band_device(key)}/config"

    def band_device(self, key: str) -> str:
        """What Home Assistant knows a band by."""
        return f"{self.device}_band_{key}"


def names_of(mqtt: Mqtt, account: str, host: str) -> Names:
    """The topics by the settings, for a user of this account on the computer of this name."""
    return Names(mqtt.wearer or slug(account) or "me", slug(host) or "host", mqtt.prefix)
