"""Our name at the broker, which only one program can have: whoever comes by it throws out the one that was there.

Two programs by one name would do that to each other for ever. So the one that was there first yields, and asks by
another name whether the other is still there. Not every broker says why it ends a connection (mosquitto 2.0.11 does
not), so each program leaves a mark of its own where it was.
"""

from __future__ import annotations

import secrets

from hipsync.errors import NameTaken
from hipsync.home.broker import Connection, connected
from hipsync.home.names import Names
from hipsync.home.place import Broker
from hipsync.home.words import NAME_TAKEN
from hipsync.together.channel import REFUSED
from hipsync.together.topics import ONLINE


class OwnName:
    """What one program knows of its name at one broker."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(8).encode()
        self._is_marked = False
        self.is_taken = False
        """Whether another program came by our name since we had it."""

    async def refuse_taken(self, broker: Broker, names: Names) -> None:
        """Raise `NameTaken` if another program took our name and is still there, and `BrokerError`."""
        if not self.is_taken:
            return
        async with connected(broker, f"{names.client}-asks-{self._mark.decode()}") as asking:
            kept = await asking.kept([names.shared.host_topic()], names.ask)
        if kept.get(names.shared.host_topic()) == ONLINE.encode():
            raise NameTaken(NAME_TAKEN)
        self.is_taken = self._is_marked = False

    async def leave_mark(self, connection: Connection, names: Names) -> None:
        """Leave our mark at the broker. Raises `NameTaken` if there is another's where ours was, and `BrokerError`."""
        kept = await connection.kept([names.run], names.ask)
        if self._is_marked and kept.get(names.run, self._mark) != self._mark:
            raise NameTaken(NAME_TAKEN)
        self._is_marked = await connection.publish(names.run, self._mark, retain=True) < REFUSED
