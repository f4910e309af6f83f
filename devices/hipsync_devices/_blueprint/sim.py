"""A simulated band of the blueprint family, as it behaves towards any client.

It is put together from the parts in `hipsync_devices.simulator`. A copy says here which behaviour is a guess, because
nobody has recorded it. In this one the band stores seven days, and a restart does nothing but end the connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Unpack

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch
from hipsync.simulated import Service, Shown
from hipsync_devices._blueprint import packets
from hipsync_devices._blueprint.packets import BEGINNING, SLOT, Frame, Slot
from hipsync_devices.simulator import Client, ClientBand, Event, Faults, Given, Time, can, minutes

KEEPS = timedelta(days=7)
"""How long the band stores a slot."""


class BlueprintBand(ClientBand):
    """A simulated band that nobody makes, without a key. It implements `hipsync.simulated.Simulator`."""

    def __init__(self, life: Sequence[Epoch], **given: Unpack[Given]) -> None:
        self.mtu, self.battery = 23, 80
        self.shown: list[Shown] = []
        self.faults = Faults()
        self._time = Time(given["now"], self._coming)
        self._client = Client(self._time, self._time.pass_until, writable={packets.WRITE: self._hear})
        self._ahead = given.get("clock_error", timedelta())
        """How far the band's clock is ahead of UTC."""
        self._slots: dict[datetime, int] = {}
        self._today = given["now"].astimezone(UTC).date(), 0
        self._life = minutes(life)
        self._time.pass_until(given["now"])

    def advertisement(self) -> Advertisement:
        return Advertisement(name="Blueprint", services=frozenset({packets.SERVICE}))

    def services(self) -> Sequence[Service]:
        return [Service(packets.SERVICE, (can(packets.WRITE, "write"), can(packets.NOTIFY, "notify")))]

    def _hear(self, data: bytes) -> None:
        """Receive a frame and answer it. Bytes that are no frame, and commands that are unknown, get no answer."""
        with suppress(MalformedPacket):
            command, payload = Frame.decode(data)
            for answer in self._answers(command, payload):
                self._send(Frame(command, answer))

    def _answers(self, command: int, payload: bytes) -> Sequence[bytes]:
        match command:
            case packets.SET_TIME:
                self._ahead = packets.decode_instant(payload) - self._time.now
                return [b""]
            case packets.BATTERY:
                return [bytes([self.battery])]
            case packets.FETCH:
                since = packets.decode_instant(payload)
                slots = [Slot(start, steps) for start, steps in sorted(self._slots.items()) if start >= since]
                return [*(slot.encode() for slot in slots), len(slots).to_bytes(2, "little")]
            case packets.FORGET:
                until = packets.decode_instant(payload)
                self._slots = {start: steps for start, steps in self._slots.items() if start >= until}
                return [b""]
            case packets.TOTAL:
                return [self._total()]
            case packets.BUZZ:
                self.shown.append(Shown(self._time.now, ""))
                return [b""]
            case _:
                return []

    def _total(self) -> bytes:
        return self._today[1].to_bytes(4, "little")

    def _send(self, frame: Frame) -> None:
        self._client.send(packets.NOTIFY, frame.encode(), faults=self.faults)

    def reboot(self, now: datetime) -> None:
        self._time.pass_until(now)
        self._client.hang_up()

    def _coming(self) -> Sequence[Event]:
        return [(self._life[0].end, self._count)] if self._life else []

    def _count(self) -> None:
        minute = self._life.popleft()
        wall = (minute.start + MINUTE / 2).astimezone(UTC) + self._ahead  # in its slot even if the clock is seconds off
        slot = wall - (wall - BEGINNING) % SLOT
        self._slots[slot] = min(self._slots.get(slot, 0) + minute.steps, 0xFFFF)
        self._slots.pop(slot - KEEPS, None)
        day, steps = self._today
        self._today = wall.date(), minute.steps + (steps if wall.date() == day else 0)
        if minute.steps:
            self._send(Frame(packets.TOTAL, self._total()))
