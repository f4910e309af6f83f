"""A simulated MoYoung watch, as it behaves to any client.

What nobody has recorded is our choice and says so: how often it notifies, what a restart clears, and the buckets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import Epoch
from hipsync.simulated import Characteristic, HangUp, Notification, Property, Refused, Service, Shown
from hipsync_devices import gatt
from hipsync_devices.gatt import uuid16
from hipsync_devices.moyoung import packets
from hipsync_devices.moyoung.packets import Buckets, Frame, Notice, Today

WECHAT, WECHAT_STEPS, WECHAT_MAC = uuid16(0xFEE7), uuid16(0xFEA1), uuid16(0xFEC9)
MAC, SPECIAL, BULK = uuid16(0xFEE4), uuid16(0xFEE5), uuid16(0xFEE6)
ADDRESS = bytes.fromhex("c00000000001")
SET_GOAL, GOAL, SET_REMINDER, REMINDER, SET_REMINDER_HOURS, REMINDER_HOURS, PAST, FIND_OUT = (
    0x16, 0x26, 0x1D, 0x2D, 0x73, 0x83, 0x33, 0x2E,
)  # fmt: skip
"""Commands that hipsync does not use; what 0x2E asks nobody knows, but what it answered."""
END_OF_CALL = 0xFF
SLOTS = 48
GAIT = timedelta(seconds=2)
"""Between two notifications of a walk; our choice."""
INSTANT = timedelta.resolution
"""The steps that it tells at an instant were walked before that."""
PERCENT = timedelta(hours=2)
"""How long a hundredth of the battery lasts: eight days on a charge."""
READ_NOT_PERMITTED, WRITE_NOT_PERMITTED = 0x02, 0x03


@dataclass(slots=True)
class Faults:
    """What goes wrong in the air or the firmware; notifications are counted from 0 in each connection."""

    lose: set[int] = field(default_factory=set[int])
    double: set[int] = field(default_factory=set[int])
    stall_at: int | None = None
    """From this one on nothing is said any more."""
    hang_up_at: int | None = None
    stale_buckets: bool = False
    """Half hours to come hold what they held yesterday."""
    lost_bucket_steps: int = 0
    """Left out of the running half hour: the firmware writes it late."""


class _Walked(NamedTuple):
    at: datetime
    steps: int


class MoYoungWatch:
    """Fits `hipsync.simulated.Simulator`; it has no key."""

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        now: datetime,
        zone: ZoneInfo,
        secret: bytes | None = None,
        name: str = "C20",
        firmware: str = "MOY-EES3-2.0.4",
        buckets: Literal[0, 24, 48] = 0,
        notifies: bool = True,
        small_only: bool = False,
        clock_error: timedelta = timedelta(0),
        stride_mm: int = 828,
        kcal_a_thousand: int = 56,
    ) -> None:
        del secret
        self.mtu = 23
        self.shown: list[Shown] = []
        self.faults = Faults()
        self.silent = False
        """The wearer wants no disturbance: it neither shows nor buzzes."""
        self.name, self.firmware, self.buckets = name, firmware, buckets
        """`buckets`: how many a day has in its answers; 0: it does not know the command."""
        self.notifies, self.small_only = notifies, small_only
        """Whether it tells of steps, and whether it takes frames of the small form only, as a P22B1 does."""
        self.battery = 87
        self._stride_mm, self._kcal_a_thousand = stride_mm, kcal_a_thousand
        self._goal, self._reminder, self._reminder_hours = 10_000, 0, bytes([60, 50, 10, 22])
        self._now = now
        self._ahead = (now.astimezone(zone).utcoffset() or timedelta()) + clock_error
        """Of its wall clock over UTC; a watch knows no zone."""
        self._discharged_at = now + PERCENT
        self._walk = deque(sorted(_walked(life)))
        self._day: date = self._wall(self._walk[0].at if self._walk else now).date()
        self._today, self._slots, self._yesterday = 0, [0] * SLOTS, [0] * SLOTS
        while self._walk and self._walk[0].at <= now:
            self._count(self._walk.popleft())
        self._turn_day(self.wall_clock())
        self._forget_connection()

    def _forget_connection(self) -> None:
        self._subscribed: set[str] = set()
        self._outbox: list[Notification | HangUp] = []
        self._held = b""
        self._said = 0

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        """As of a FireBoltt on the air, under another name."""
        return Advertisement(
            name=self.name,
            services=frozenset({packets.FEEA}),
            service_data={packets.FEEA: bytes.fromhex("45455303040010")},
            manufacturer_data={0xF0EF: ADDRESS},
        )

    def services(self) -> Sequence[Service]:
        def can(uuid: str, *properties: Property) -> Characteristic:
            return Characteristic(uuid, frozenset(properties))

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

    def connected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()

    def disconnected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        self._live(now)
        (self._subscribed.add if subscribed else self._subscribed.discard)(characteristic)

    # ------------------------------------------------------------------ reads and commands

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        del service
        self._live(now)
        values = {
            packets.MANUFACTURER: b"MOYOUNG-V2",
            gatt.SOFTWARE_REVISION: self.firmware.encode(),
            packets.BATTERY: bytes([self.battery]),
            packets.STEPS: self.totals(self._today).packet(),
            WECHAT_STEPS: b"\x07" + self.totals(self._today).packet(),
            MAC: ADDRESS,
            WECHAT_MAC: ADDRESS,
        }
        if characteristic not in values:
            raise Refused(READ_NOT_PERMITTED)
        return values[characteristic]

    def totals(self, steps: int) -> Today:
        """Metres and kilocalories are computed from the steps and the wearer's figure."""
        return Today(steps, steps * self._stride_mm // 1000, steps * self._kcal_a_thousand // 1000)

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        """A command, or a piece of one; what is none, and what it does not know, is passed over in silence."""
        del service
        self._live(now)
        if characteristic in {SPECIAL, BULK}:
            return
        if characteristic != packets.COMMANDS:
            raise Refused(WRITE_NOT_PERMITTED)
        if self.small_only and data.startswith(packets.MAGIC) and data[2:3] != b"\x10":
            return
        try:
            self._held, frame = packets.taken(self._held, data)
            if frame is not None:
                self._obey(frame)
        except MalformedPacket:
            self._held = b""

    def _obey(self, frame: Frame) -> None:
        command, payload = frame
        if command == packets.SET_TIME:
            self._ahead = packets.time_of(frame) - self._now.replace(tzinfo=None)
            self._turn_day(self.wall_clock())
        elif command == packets.FIND:
            self._show("")
        elif command == packets.NOTIFY:
            notice = Notice.of(frame)
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
            # the day before yesterday is empty: it was never worn then
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
            self._say(packets.REPLIES, data[at : at + room])

    def _show(self, text: str) -> None:
        if not self.silent:
            self.shown.append(Shown(self._now, text))

    # ------------------------------------------------------------------ time, and what the wearer does

    def wall_clock(self) -> datetime:
        """What the watch shows, without a zone."""
        return self._wall(self._now)

    def _wall(self, at: datetime) -> datetime:
        return at.replace(tzinfo=None) + self._ahead

    def reboot(self, now: datetime) -> None:
        """The day's count is gone and the link is lost; the clock goes on. Our choice."""
        self._live(now)
        self._today, self._slots = 0, [0] * SLOTS
        self._outbox.append(HangUp())

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        self._live(now)
        out, self._outbox = self._outbox, []
        return out

    def wake_at(self) -> datetime | None:
        """When it will next say something, at the earliest."""
        if not self._subscribed and not self._outbox:
            return None
        return self._now if self._outbox else min(self._coming())[0]

    def _live(self, now: datetime) -> None:
        while (event := min(self._coming()))[0] <= now:
            self._now = event[0]
            event[2]()
        self._now = max(now, self._now)
        self._turn_day(self.wall_clock())

    def _coming(self) -> list[tuple[datetime, int, Callable[[], None]]]:
        """What will happen and when; at the same instant in the order of the numbers."""
        coming = [(self._discharged_at, 2, self._discharge)]
        if self._walk:
            coming.append((self._walk[0].at, 1, self._step))
        return coming

    def _count(self, walked: _Walked) -> None:
        local = self._wall(walked.at) - INSTANT
        self._turn_day(local)
        self._today += walked.steps
        self._slots[_slot(local)] += walked.steps

    def _step(self) -> None:
        self._count(self._walk.popleft())
        if self.notifies:
            totals = self.totals(self._today).packet()
            self._say(packets.STEPS, totals)
            self._say(WECHAT_STEPS, b"\x07" + totals)

    def _turn_day(self, local: datetime) -> None:
        """Another date, by midnight or by being set, begins a day; it is not notified, for nobody walks. Our choice."""
        if (day := local.date()) != self._day:
            self._yesterday = self._slots if day == self._day + timedelta(days=1) else [0] * SLOTS
            self._day, self._today, self._slots = day, 0, [0] * SLOTS

    def _discharge(self) -> None:
        self._discharged_at = self._now + PERCENT
        self.battery = max(self.battery - 1, 1)
        self._say(packets.BATTERY, bytes([self.battery]))

    def _say(self, characteristic: str, data: bytes) -> None:
        if characteristic not in self._subscribed:
            return
        number, self._said = self._said, self._said + 1
        if number == self.faults.hang_up_at:
            self._outbox.append(HangUp())
        elif self.faults.stall_at is None or number < self.faults.stall_at:
            times = 0 if number in self.faults.lose else 2 if number in self.faults.double else 1
            self._outbox += [Notification(characteristic, data)] * times


def _slot(local: datetime) -> int:
    return local.hour * 2 + local.minute // 30


def _walked(life: Sequence[Epoch]) -> Iterator[_Walked]:
    """The steps of a life, spread evenly over each epoch; the last at its end."""
    for epoch in life:
        parts = epoch.length // GAIT if epoch.steps else 0
        for part in range(parts):
            count = epoch.steps * (part + 1) // parts - epoch.steps * part // parts
            if count:
                yield _Walked(epoch.start + (part + 1) * GAIT, count)
