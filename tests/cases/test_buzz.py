"""A characteristic that two services have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cases.kit import KEY
from hipsync.conversation.dialogue import dialogue
from hipsync.driver import Message, Session
from hipsync.host.clock import FastClock
from hipsync.simulated import Characteristic, Service
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices import gatt
from hipsync_devices.huami import DRIVER
from hipsync_devices.huami.sim import MiBand

NINE = datetime(2026, 3, 2, 9, 0, 20, tzinfo=UTC)
LINK_LOSS, IMMEDIATE_ALERT = gatt.uuid16(0x1803), gatt.uuid16(0x1802)


class TwoAlerts(MiBand):
    """A band that lists Link Loss, with an alert level of its own, before Immediate Alert."""

    def __init__(self) -> None:
        super().__init__([], now=NINE, zone=ZoneInfo("UTC"), secret=KEY)
        self.alerted: set[str] = set()
        """UUIDs of the services whose alert level was written."""

    def services(self) -> Sequence[Service]:
        alert = Characteristic(gatt.ALERT_LEVEL, frozenset({"read", "write"}))
        return [Service(LINK_LOSS, (alert,)), *super().services()]

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        if characteristic == gatt.ALERT_LEVEL:
            self.alerted.add(service)
        if service != LINK_LOSS:
            super().write(characteristic, service, data, now)


def test_a_buzz_goes_to_immediate_alert_where_link_loss_is_listed_first() -> None:
    """bleak #139: the wearer feels nothing of what is written to Link Loss."""

    async def story(clock: FastClock) -> set[str]:
        band = TwoAlerts()
        connection = DirectConnection(band, clock.now)
        talk, session = conversation(connection, clock), Session(name=band.name, secret=KEY)
        async with dialogue(DRIVER, talk, session, MemoryStore().commit) as opened:
            await opened.nudge(Message("Time to move", "Stand up"))
        connection.drop()
        return band.alerted

    assert run(story, NINE) == {IMMEDIATE_ALERT}
