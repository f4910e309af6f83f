"""A simulated FitPro band, as it behaves towards any client.

It counts its wearer's steps into slots by its own clock, which knows no zone and no summer time, and may be wrong or
not set. It acknowledges every frame, even those that it ignores. It sends its history only to a client that has greeted
it and has acknowledged the three marks, and forgets the finished slots of a day once the day is acknowledged.

Some behaviour is a guess, because nobody has measured it. The band stores seven days and sends each in one frame. A
restart leaves the clock unset, starting at 2000. A slot that the clock passes twice adds up the steps of both times.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple, Unpack

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch
from hipsync.simulated import Service, Shown
from hipsync_devices import gatt, simulator
from hipsync_devices.fitpro import packets
from hipsync_devices.fitpro.packets import Ack, Data, Sleep, Slot, Steps, Total
from hipsync_devices.simulator import BOOT, Client, ClientBand, Event, Given, Time, WallClock, can, minutes

SLOT_MINUTES = 15
REMEMBERS = 7
"""The number of days that the band stores."""
MOST_STEPS = 0xFFF
"""The most steps that a slot can store, in twelve bits."""
MARKS = (0x07, 0x08, 0x10)
GREETING = frozenset((packets.SETTINGS, command) for command in (packets.HELLO, packets.SET_TIME, packets.READY))


@dataclass(slots=True)
class Faults(simulator.Faults):
    """What goes wrong in the firmware; the frames of a history are numbered from 0, which is its first mark."""

    refuse: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    """Commands, as group and number, that the band refuses: it acknowledges them with status 0."""
    deaf: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    """Commands, as group and number, that the band neither obeys nor acknowledges."""
    late_start: int = 0
    """How many requests for the history the band acknowledges without sending anything."""


class _Key(NamedTuple):
    """A slot by the band's clock, counted from midnight; `day` is None if the clock was not set at the time."""

    day: date | None
    number: int


class FitProBand(ClientBand):
    """A simulated FitPro band on a wrist, without a key. It implements `hipsync.simulated.Simulator`."""

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        keeps_until_acknowledged: bool = True,
        waits_for_each: bool = False,
        newest_first: bool = False,
        name: str = "LH716",
        **given: Unpack[Given],
    ) -> None:
        self.mtu, self.name, self.battery = 23, name, 87
        self.shown: list[Shown] = []
        self.faults = Faults()
        self.may_vibrate = self.shows_notifications = True
        self.keeps_until_acknowledged = keeps_until_acknowledged
        """Whether the band keeps slots until they are acknowledged; if not, it forgets finished ones when sent."""
        self.waits_for_each, self.newest_first = waits_for_each, newest_first
        self.nights: list[Sleep] = []
        """The nights that the band sends after the steps; it never forgets them."""
        self.steps: dict[_Key, int] = {}
        self.forgotten: dict[_Key, int] = {}
        self._time = Time(given["now"], self._coming)
        self.wall_clock = WallClock(self._time, given)
        self._client = Client(
            self._time, self._live, self._readable, {packets.WRITE: self._hear}, self._forget_connection
        )
        self._is_set = True
        self._life = minutes(life)
        self._today: tuple[date | None, int] = (self._day(self.wall_clock()), 0)
        self._forget_connection()
        self._live(given["now"])

    def _forget_connection(self) -> None:
        self._heard = b""
        self._greeted: set[tuple[int, int]] = set()
        self._waiting: list[Data] = []
        """The frames that were sent and are not acknowledged yet."""
        self._queue: list[Data] = []
        """The frames to send once the marks are acknowledged; with `waits_for_each`, one after the other."""
        self._number = 0
        self._stalled = False

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(name=self.name)

    def services(self) -> Sequence[Service]:
        commands = can(packets.WRITE, "write", "write-without-response"), can(packets.NOTIFY, "notify")
        return (
            Service(packets.BATTERY_SERVICE, (can(packets.BATTERY, "read", "notify"),)),
            Service(gatt.DEVICE_INFORMATION, (can(packets.MANUFACTURER, "read"), can(packets.FIRMWARE, "read"))),
            Service(packets.SERVICE, commands),
        )

    def _readable(self) -> dict[str, bytes]:
        return {packets.BATTERY: bytes([self.battery]), packets.MANUFACTURER: b"716", packets.FIRMWARE: b"1.0.7"}

    def _hear(self, data: bytes) -> None:
        """Receive a piece of a frame, and obey each frame that is complete. Bytes that are no frame are dropped."""
        self._heard += data
        try:
            while (size := packets.frame_size(self._heard)) is not None and len(self._heard) >= size:
                whole, self._heard = self._heard[:size], self._heard[size:]
                frame = packets.decode_frame(whole)
                if isinstance(frame, Ack):
                    self._acknowledged(frame)
                else:
                    self._command(frame)
        except MalformedPacket:
            self._heard = b""

    # ------------------------------------------------------------------ commands

    def _command(self, frame: Data) -> None:
        what = (frame.group, frame.command)
        self._greeted.add(what)  # what the client sends is its greeting, whatever the band makes of it
        if what in self.faults.deaf:
            return
        self._send(Ack(frame.group, frame.command, frame.total, int(what not in self.faults.refuse)))
        if what in self.faults.refuse:
            return
        if frame.group == packets.SETTINGS:
            self._change(frame.command, frame.payload)
        elif what == (packets.QUERIES, packets.HARDWARE):
            self._send_data(Data(packets.QUERIES, packets.HARDWARE, b"\5LH716\x05V1.07"))
        elif what == (packets.BAND_INFO, packets.STRINGS):
            if not any(waiting.group == packets.QUERIES for waiting in self._waiting):
                self._send_data(Data(packets.BAND_INFO, packets.STRINGS, bytes(14) + b"\5LH716"))
        elif what == (packets.HISTORY, packets.SEND_HISTORY):
            self._begin()

    def _change(self, command: int, payload: bytes) -> None:
        """Obey a command of the group `SETTINGS`; unknown commands do nothing."""
        match command:
            case packets.SET_TIME:
                self._set_clock(payload)
            case packets.FIND if payload[:1] == b"\1" and self.may_vibrate:
                self.shown.append(Shown(self._time.now, ""))
            case packets.NOTIFICATION if self.shows_notifications and len(payload) > 3:
                self.shown.append(Shown(self._time.now, packets.notification_text(payload)))
            case packets.VIBRATION:
                self.may_vibrate = any(payload)
            case packets.NOTIFICATIONS:
                self.shows_notifications = any(payload)
            case _:
                return

    def _set_clock(self, payload: bytes) -> None:
        with suppress(MalformedPacket):
            self.wall_clock.set(packets.decode_time(payload))
            self._is_set = True
            self._turn_day()

    # ------------------------------------------------------------------ history

    def _begin(self) -> None:
        """Send the three marks of a history to a client that has greeted the band; the rest waits in `_queue`."""
        if not self._greeted >= GREETING:
            return
        if self.faults.late_start > 0:
            self.faults.late_start -= 1
            return
        self._number, self._stalled = 0, False
        self._waiting = [frame for frame in self._waiting if frame.group != packets.HISTORY]
        self._queue = self._answer()
        for mark in MARKS:
            self._send_data(Data(packets.HISTORY, mark))

    def _answer(self) -> list[Data]:
        days = sorted({key.day for key in self.steps}, key=lambda day: day or date.min, reverse=self.newest_first)
        frames = [Data(packets.HISTORY, packets.STEPS, self._packet(day).encode()) for day in days]
        frames += [Data(packets.HISTORY, packets.SLEEP, night.encode()) for night in self.nights]
        return [*frames, self._total()]

    def _packet(self, day: date | None) -> Steps:
        sent = sorted((key.number, count) for key, count in self.steps.items() if key.day == day)
        return Steps(day, tuple(Slot(number, count, count * 7 // 10, count * 25) for number, count in sent))

    def _total(self) -> Data:
        day, count = self._today
        return Data(packets.HISTORY, packets.TOTALS, Total(day, count, count * 7 // 10, count // 25).encode())

    def _acknowledged(self, ack: Ack) -> None:
        """Take an acknowledgement for the oldest waiting frame of its group and length."""
        for frame in self._waiting:
            if (frame.group, frame.total) == (ack.group, ack.total):
                self._waiting.remove(frame)
                if (frame.group, frame.command) == (packets.HISTORY, packets.STEPS):
                    self._forget(Steps.decode(frame.payload))
                break
        self._go_on()

    def _go_on(self) -> None:
        def must_wait() -> bool:
            return any(
                frame.group == packets.HISTORY and (self.waits_for_each or frame.command in packets.MARKERS)
                for frame in self._waiting
            )

        while self._queue and not must_wait():
            frame = self._queue.pop(0)
            self._send_data(frame)
            if frame.command == packets.STEPS and not self.keeps_until_acknowledged:
                self._forget(Steps.decode(frame.payload))

    def _forget(self, sent: Steps) -> None:
        """Forget the slots that were sent, except the running one and those whose steps have changed since."""
        for slot in sent.slots:
            key = _Key(sent.day, slot.number)
            if key != self._slot(self.wall_clock()) and self.steps.get(key) == slot.steps:
                self.forgotten[key] = self.steps.pop(key)

    # ------------------------------------------------------------------ time

    def reboot(self, now: datetime) -> None:
        """Restart the band: it loses its clock and the connection, but not its stored steps."""
        self._live(now)
        self._is_set = False
        self.wall_clock.set(BOOT)
        self._turn_day()
        self._client.hang_up()

    def _live(self, now: datetime) -> None:
        """Count the minutes up to `now`, and send a changed total to a subscribed client that has greeted the band."""
        before = self._today
        self._time.pass_until(now)
        self._turn_day()
        if self._today != before and self._greeted >= GREETING and packets.NOTIFY in self._client.subscribed:
            self._send_data(self._total())

    def _coming(self) -> Sequence[Event]:
        return [(self._life[0].end, self._count)] if self._life else []

    def _count(self) -> None:
        minute = self._life.popleft()
        middle = self.wall_clock(minute.start + MINUTE / 2)  # in its slot even if the clock is some seconds off
        self._turn_day(middle)
        if minute.steps:
            key = self._slot(middle)
            self.steps[key] = min(self.steps.get(key, 0) + minute.steps, MOST_STEPS)
            self._today = (self._today[0], self._today[1] + minute.steps)

    def _turn_day(self, wall: datetime | None = None) -> None:
        if (day := self._day(wall or self.wall_clock())) != self._today[0]:
            self._today = (day, 0)
        if day is not None:
            oldest = day - timedelta(days=REMEMBERS - 1)
            for key in [key for key in self.steps if key.day is not None and key.day < oldest]:
                del self.steps[key]

    def _slot(self, wall: datetime) -> _Key:
        return _Key(self._day(wall), (wall.hour * 60 + wall.minute) // SLOT_MINUTES)

    def _day(self, wall: datetime) -> date | None:
        return wall.date() if self._is_set else None

    # ------------------------------------------------------------------ out

    def _send_data(self, frame: Data) -> None:
        """Send a frame of data, and remember it until the client acknowledges it."""
        if self._stalled or (frame.group == packets.HISTORY and self._is_at_fault()):
            return
        copies = 1
        if frame.group == packets.HISTORY:
            copies = self.faults.copies(self._number)
            self._number += 1
        self._waiting.append(frame)
        for _ in range(copies):
            self._send(frame)

    def _is_at_fault(self) -> bool:
        if self._number == self.faults.hang_up_at:
            self.faults.hang_up_at = None
            self._client.hang_up()
            return True
        if self._number == self.faults.stall_at:
            self.faults.stall_at, self._stalled = None, True
        return self._stalled

    def _send(self, frame: packets.Frame) -> None:
        data, room = frame.encode(), self.mtu - 3
        for at in range(0, len(data), room):
            self._client.send(packets.NOTIFY, data[at : at + room])
