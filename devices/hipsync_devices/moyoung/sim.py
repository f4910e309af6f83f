"""A simulated MoYoung watch, as it behaves towards any client.

Some behaviour is a guess, because nobody has recorded it: how often the watch notifies, what a restart clears, and
everything about the buckets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Unpack

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import Epoch
from hipsync.simulated import Service, Shown
from hipsync_devices import gatt, simulator
from hipsync_devices.gatt import uuid16
from hipsync_devices.moyoung import packets
from hipsync_devices.moyoung.packets import Buckets, Frame, Notice, Today
from hipsync_devices.simulator import Client, ClientBand, Event, Given, Time, WallClock, can, walk

WECHAT, WECHAT_STEPS, WECHAT_MAC = uuid16(0xFEE7), uuid16(0xFEA1), uuid16(0xFEC9)
MAC, SPECIAL, BULK = uuid16(0xFEE4), uuid16(0xFEE5), uuid16(0xFEE6)
ADDRESS = bytes.fromhex("c00000000001")
SET_GOAL, GOAL, SET_REMINDER, REMINDER, SET_REMINDER_HOURS, REMINDER_HOURS, PAST, FIND_OUT = (
    0x16, 0x26, 0x1D, 0x2D, 0x73, 0x83, 0x33, 0x2E,
)  # fmt: skip
"""Commands that hipsync does not use. What 0x2E asks for is unknown, but its answer was recorded."""
END_OF_CALL = 0xFF
SLOTS = 48
PERCENT = timedelta(hours=2)
"""How long one percent of the battery lasts, which makes eight days on a charge."""


@dataclass(slots=True)
class Faults(simulator.Faults):
    """What goes wrong on the air or in the firmware; notifications are numbered from 0 in each connection."""

    stale_buckets: bool = False
    """Whether the half-hour slots of today that still lie ahead hold yesterday's steps."""
    lost_bucket_steps: int = 0
    """The number of steps missing from the running half hour, because the firmware writes it late."""


class MoYoungWatch(ClientBand):
    """A simulated MoYoung watch on a wrist, without a key. It implements `hipsync.simulated.Simulator`."""

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        name: str = "C20",
        firmware: str = "MOY-EES3-2.0.4",
        buckets: Literal[0, 24, 48] = 0,
        notifies: bool = True,
        small_only: bool = False,
        stride_mm: int = 828,
        kcal_a_thousand: int = 56,
        **given: Unpack[Given],
    ) -> None:
        self.mtu, self.battery = 23, 87
        self.faults = Faults()
        self.shown: list[Shown] = []
        self.silent = False
        """Whether the wearer has silenced the watch, so that it neither shows texts nor buzzes."""
        self.name, self.firmware, self.buckets = name, firmware, buckets
        """`buckets` is the number of slots that a day has in the watch's answers; 0 if it does not know the command."""
        self.notifies, self.small_only = notifies, small_only
        """Whether the watch notifies steps, and whether it accepts only the small form of frames, as a P22B1 does."""
        self._stride_mm, self._kcal_a_thousand = stride_mm, kcal_a_thousand
        self._goal, self._reminder, self._reminder_hours = 10_000, 0, bytes([60, 50, 10, 22])
        self._time = Time(given["now"], self._coming)
        self.wall_clock = WallClock(self._time, given)
        writable = {packets.COMMANDS: self._hear, SPECIAL: _ignore, BULK: _ignore}
        self._client = Client(self._time, self._live, self._readable, writable, self._forget_part)
        self._discharged_at = given["now"] + PERCENT
        self._walk = walk(life)
        self._day = self.wall_clock(self._walk[0].at if self._walk else None).date()
        self._today, self._slots, self._yesterday = 0, [0] * SLOTS, [0] * SLOTS
        self._part = b""
        """The beginning of a frame whose end has not come yet."""
        self._live(given["now"])

    def _forget_part(self) -> None:
        self._part = b""

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        """Return what a Fire-Boltt watch was recorded to advertise, with another name and address."""
        return Advertisement(
            name=self.name,
            services=frozenset({packets.FEEA}),
            service_data={packets.FEEA: bytes.fromhex("45455303040010")},
            manufacturer_data={0xF0EF: ADDRESS},
        )

    def services(self) -> Sequence[Service]:
        return [
            Service(gatt.DEVICE_INFORMATION, (can(packets.MANUFACTURER, "read"), can(gatt.SOFTWARE_REVISION, "read"))),
            Service(uuid16(0x180F), (can(packets.BATTERY, "read", "notify"),)),
            Service(gatt.HEART_RATE, (can(gatt.HEART_RATE_MEASUREMENT, "notify"),)),
            Service(
                packets.FEEA,
                (
                    can(packets.STEPS, "read", "notify"),
                    can(packets.COMMANDS, "write-without-response"),
                    can(packets.REPLIES, "notify"),
                    can(MAC, "read"),
                    can(SPECIAL, "write-without-response"),
                    can(BULK, "write-without-response"),
                ),
            ),
            Service(WECHAT, (can(WECHAT_STEPS, "read", "notify"), can(WECHAT_MAC, "read"))),
        ]

    # ------------------------------------------------------------------ reads and commands

    def _readable(self) -> dict[str, bytes]:
        return {
            packets.MANUFACTURER: b"MOYOUNG-V2",
            gatt.SOFTWARE_REVISION: self.firmware.encode(),
            packets.BATTERY: bytes([self.battery]),
            packets.STEPS: self.totals(self._today).packet(),
            WECHAT_STEPS: b"\x07" + self.totals(self._today).packet(),
            MAC: ADDRESS,
            WECHAT_MAC: ADDRESS,
        }

    def totals(self, steps: int) -> Today:
        """Return the totals for a number of steps; the metres and kilocalories for each step are constant."""
        return Today(steps, steps * self._stride_mm // 1000, steps * self._kcal_a_thousand // 1000)

    def _hear(self, data: bytes) -> None:
        """Receive a command or a piece of one; the watch ignores commands that it does not know."""
        if self.small_only and data.startswith(packets.MAGIC) and data[2:3] != b"\x10":
            return
        try:
            self._part, frame = packets.taken(self._part, data)
            if frame is not None:
                self._obey(frame)
        except MalformedPacket:
            self._part = b""

    def _obey(self, frame: Frame) -> None:
        command, payload = frame
        if command == packets.SET_TIME:
            self.wall_clock.set(packets.time_of(frame))
            self._turn_day(self.wall_clock())
        elif command == packets.FIND:
            self._show("")
        elif command == packets.NOTIFY:
            notice = Notice.decode(frame)
            if notice.kind != END_OF_CALL:
                self._show(notice.text)
        elif command == SET_GOAL and len(payload) == 4:
            self._goal = int.from_bytes(payload, "big")
        elif command == SET_REMINDER and len(payload) == 1:
            self._reminder = payload[0]
        elif command == SET_REMINDER_HOURS and len(payload) == 4:
            self._reminder_hours = payload
        elif (answer := self._answer(command, payload)) is not None:
            self._reply(answer)

    def _answer(self, command: int, payload: bytes) -> Frame | None:
        if command == packets.BUCKETS:
            return self._buckets(payload[0]) if len(payload) == 1 and payload[0] < 4 and self.buckets else None
        if command == PAST:
            # the day before yesterday is empty: the watch was not worn then
            totals = {b"\1": sum(self._yesterday), b"\2": 0}
            return Frame(PAST, payload + self.totals(totals[payload]).packet()) if payload in totals else None
        values = {
            GOAL: self._goal.to_bytes(4, "little"),
            REMINDER: bytes([self._reminder]),
            REMINDER_HOURS: self._reminder_hours,
            FIND_OUT: b"\x01",
        }
        return Frame(command, values[command]) if command in values else None

    def _buckets(self, part: int) -> Frame:
        at = _slot(self.wall_clock())
        to_come = self._yesterday[at + 1 :] if self.faults.stale_buckets else [0] * (SLOTS - at - 1)
        late = max(self._slots[at] - self.faults.lost_bucket_steps, 0)
        halves = self._yesterday if part > 1 else [*self._slots[:at], late, *to_come]
        width = SLOTS // self.buckets
        values = [sum(halves[i : i + width]) for i in range(0, SLOTS, width)]
        half = len(values) // 2
        return Buckets(part, tuple(values[:half] if part % 2 == 0 else values[half:])).frame()

    def _reply(self, frame: Frame) -> None:
        data, room = frame.packet(), self.mtu - 3
        for at in range(0, len(data), room):
            self._send(packets.REPLIES, data[at : at + room])

    def _show(self, text: str) -> None:
        if not self.silent:
            self.shown.append(Shown(self._time.now, text))

    # ------------------------------------------------------------------ time, and what the wearer does

    def reboot(self, now: datetime) -> None:
        """Restart the watch: by our guess it loses today's count and the connection, but its clock keeps running."""
        self._live(now)
        self._today, self._slots = 0, [0] * SLOTS
        self._client.hang_up()

    def _live(self, now: datetime) -> None:
        self._time.pass_until(now)
        self._turn_day(self.wall_clock())

    def _coming(self) -> Sequence[Event]:
        discharge: Event = self._discharged_at, self._discharge
        return [(self._walk[0].at, self._walked), discharge] if self._walk else [discharge]

    def _walked(self) -> None:
        at, count = self._walk.popleft()
        local = self.wall_clock(
            at - timedelta.resolution
        )  # the steps were taken before `at`: at a full hour they belong to the slot that ends
        self._turn_day(local)
        self._today += count
        self._slots[_slot(local)] += count
        if self.notifies:
            totals = self.totals(self._today).packet()
            self._send(packets.STEPS, totals)
            self._send(WECHAT_STEPS, b"\x07" + totals)

    def _turn_day(self, local: datetime) -> None:
        """Begin a new day if the clock shows another date, at midnight or after being set.

        By our guess the watch does not notify the new count of 0.
        """
        if (day := local.date()) != self._day:
            self._yesterday = self._slots if day == self._day + timedelta(days=1) else [0] * SLOTS
            self._day, self._today, self._slots = day, 0, [0] * SLOTS

    def _discharge(self) -> None:
        self._discharged_at += PERCENT
        self.battery = max(self.battery - 1, 1)
        self._send(packets.BATTERY, bytes([self.battery]))

    def _send(self, characteristic: str, data: bytes) -> None:
        self._client.send(characteristic, data, faults=self.faults)


def _ignore(_: bytes) -> None:
    """Accept a write that has no effect."""


def _slot(local: datetime) -> int:
    return local.hour * 2 + local.minute // 30
