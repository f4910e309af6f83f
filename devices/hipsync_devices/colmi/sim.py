"""A simulated Colmi ring, as it behaves to any client.

What nobody has recorded is ours: how often it tells of a walk, that a restart keeps the hours and loses clock and
total, and that it has neither pulse nor sleep to tell.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import Epoch
from hipsync.simulated import Characteristic, HangUp, Notification, Property, Refused, Service, Shown
from hipsync_devices import gatt
from hipsync_devices.colmi import packets
from hipsync_devices.colmi.packets import Battery, Big, Frame, HeartSettings, StepsHeader, StepsRecord, Totals, Walking

CAPABILITIES = bytes.fromhex("0000000200000000010020010030")
"""Of an R11C, in answer to the time."""
LATENCY, APART = timedelta(milliseconds=90), timedelta(milliseconds=10)
GAIT = timedelta(seconds=2)
"""Between two events of a walk; a real ring tells about one a second."""
TWICE = 7
"""Each seventh event is told twice, as real ones now and then are."""
INSTANT = timedelta.resolution
"""The steps that it tells at an instant were walked before that."""
BOOT = datetime(2000, 1, 1, tzinfo=UTC)
POWER_OFF, FACTORY_RESET = 0x08, 0xFF
READ_NOT_PERMITTED, WRITE_NOT_PERMITTED = 0x02, 0x03


class _Walked(NamedTuple):
    at: datetime
    steps: int


class _Slot(NamedTuple):
    day: date
    quarter: int


class ColmiRing:
    """Fits `hipsync.simulated.Simulator`; it has no key, and no motor: `shown` stays empty."""

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        now: datetime,
        zone: ZoneInfo,
        secret: bytes | None = None,
        clock_error: timedelta = timedelta(0),
        quarters: bool = False,
        tells: bool = True,
        name: str = "R02_A1B2",
    ) -> None:
        del secret
        self.mtu = 23
        self.shown: list[Shown] = []
        self.flashes: list[datetime] = []
        """When its light was asked for."""
        self.name, self.tells = name, tells
        """`tells`: whether it says by itself what is walked."""
        self.battery = Battery(64, charging=False)
        self.heart = HeartSettings(enabled=True, minutes=30)
        self.width = 1 if quarters else 4
        """Of its slots, in quarters of an hour."""
        self.steps: dict[_Slot, int] = {}
        self._preferences = bytes.fromhex("020000001baf3c785a0000000000")
        self._goals = (packets.READ, *(8000).to_bytes(3, "little"))
        self._now = now
        self._ahead = (now.astimezone(zone).utcoffset() or timedelta()) + clock_error
        """Of its wall clock over UTC; it knows no zone."""
        self._walk = deque(sorted(_walked(life)))
        self._day = self._wall(self._walk[0].at if self._walk else now).date()
        self._today = self._told = 0
        self._forget_connection()
        self._live(now)

    def _forget_connection(self) -> None:
        self._subscribed: set[str] = set()
        self._outbox: list[tuple[datetime, Notification | HangUp]] = []
        self._was_set = False

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(name=self.name)

    def services(self) -> Sequence[Service]:
        def can(uuid: str, *properties: Property) -> Characteristic:
            return Characteristic(uuid, frozenset(properties))

        return (
            Service(
                gatt.DEVICE_INFORMATION,
                (can(packets.FIRMWARE, "read"), can(packets.HARDWARE, "read"), can(gatt.SYSTEM_ID, "read")),
            ),
            Service(
                packets.SERVICE,
                (can(packets.WRITE, "write", "write-without-response"), can(packets.NOTIFY, "notify")),
            ),
            Service(
                packets.BIG_SERVICE,
                (can(packets.BIG_WRITE, "write-without-response"), can(packets.BIG_NOTIFY, "notify")),
            ),
        )

    def connected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()

    def disconnected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        self._live(now)
        (self._subscribed.add if subscribed else self._subscribed.discard)(characteristic)

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        del service
        self._live(now)
        values = {
            packets.FIRMWARE: b"RT02R_3.00.06_240523",
            packets.HARDWARE: b"R02_V3.0",
            gatt.SYSTEM_ID: bytes(8),
        }
        if characteristic not in values:
            raise Refused(READ_NOT_PERMITTED)
        return values[characteristic]

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        """A command; one with a wrong sum is passed over in silence."""
        del service
        self._live(now)
        try:
            if characteristic == packets.BIG_WRITE:
                self._say(packets.BIG_NOTIFY, Big(packets.decode_big(data).id, b"\0").encode())
            elif characteristic == packets.WRITE:
                self._obey(packets.decode_frame(data))
            else:
                raise Refused(WRITE_NOT_PERMITTED)
        except MalformedPacket:
            return

    # ------------------------------------------------------------------ commands

    def _obey(self, frame: Frame) -> None:
        if frame.command == packets.SET_TIME and not self._was_set:
            self._was_set = True
            self._answer(Frame(packets.PACKET_SIZE, b"\xf4"))
        for number, answer in enumerate(self._answers(*frame)):
            self._answer(answer, number)

    def _answers(self, command: int, payload: bytes) -> Sequence[Frame]:
        match command:
            case packets.SET_TIME:
                self._set_clock(payload)
                return [Frame(command, CAPABILITIES)]
            case packets.BATTERY:
                return [Frame(command, self.battery.payload())]
            case packets.PHONE:
                return [Frame(command)]
            case packets.PREFERENCES:
                return [Frame(command, self._prefer(payload))]
            case packets.GOALS:
                if payload[0] == packets.SET:
                    self._goals = (packets.READ, *payload[1:])
                return [Frame(command, bytes([payload[0], *self._goals[1:]]))]
            case packets.BLINK | packets.FIND:
                self.flashes.append(self._now)
                return [Frame(command, payload)]
            case packets.HEART_SETTINGS:
                return [Frame(command, self._heart(payload))]
            case packets.HEART_LOG:
                return [Frame(command, bytes([packets.NOTHING]))]
            case packets.STEPS:
                return self._history(payload[0])
            case packets.TOTALS:
                steps = self._today
                return [Frame(command, Totals(steps, 0, steps * 58, steps * 3 // 4, steps // 80).payload())]
            case packets.MEASURE:
                return [Frame(command, packets.Measured(payload[0], 0, 72 if payload[0] == 1 else 97).payload())]
            case packets.MEASURED:
                return [Frame(command, payload[:1])]
            case 0x08 | 0xFF if payload[:2] in {b"\1\0", b"\x66\x66"}:
                self._end(forget=command == FACTORY_RESET)
                return []
            case _:
                return [Frame(command | packets.ERROR, bytes([packets.UNSUPPORTED]))]

    def _set_clock(self, payload: bytes) -> None:
        self._ahead = packets.time_of(payload) - self._now.replace(tzinfo=None)
        self._turn_day(self.wall_clock())

    def _prefer(self, payload: bytes) -> bytes:
        if payload[0] == packets.SET:
            self._preferences = payload
            return payload[:1]
        return bytes([packets.READ]) + self._preferences[1:]

    def _heart(self, payload: bytes) -> bytes:
        if payload[0] == packets.SET:
            self.heart = HeartSettings.of(payload)
            return payload[:2]
        return self.heart.payload()

    def _end(self, *, forget: bool) -> None:
        if forget:
            self.steps.clear()
            self._today = 0
        self._outbox.append((self._now, HangUp()))

    def _history(self, ago: int) -> Sequence[Frame]:
        """The slots of a day that have steps, the running one as far as it is."""
        day = self._day - timedelta(days=ago)
        slots = sorted(slot for slot in self.steps if slot.day == day)
        if not slots or ago > packets.MOST_DAYS:
            return [Frame(packets.STEPS, bytes([packets.NOTHING]))]
        count = len(slots)
        records = [
            StepsRecord(
                slot.day, slot.quarter, number, count, self.steps[slot] * 6, self.steps[slot], self.steps[slot] * 3 // 4
            )
            for number, slot in enumerate(slots)
        ]
        return [
            Frame(packets.STEPS, StepsHeader(count).payload()),
            *(Frame(packets.STEPS, r.payload()) for r in records),
        ]

    # ------------------------------------------------------------------ time, and what the wearer does

    @property
    def time(self) -> datetime:
        """The instant up to which it has lived."""
        return self._now

    def wall_clock(self) -> datetime:
        """What the ring takes for the time, without a zone."""
        return self._wall(self._now)

    def _wall(self, at: datetime) -> datetime:
        return at.replace(tzinfo=None) + self._ahead

    def charge(self, now: datetime, *, on: bool) -> None:
        """Put it on its charger, or take it off; what is walked meanwhile it does not count."""
        self._live(now)
        self.battery = Battery(self.battery.percent, on)
        self._say(packets.NOTIFY, Frame(packets.EVENT, bytes([packets.CHARGE]) + self.battery.payload()[:2]).encode())

    def reboot(self, now: datetime) -> None:
        """Clock, total and link are lost; the hours are not."""
        self._live(now)
        self._ahead = BOOT - self._now
        self._turn_day(self.wall_clock())
        self._today = 0
        self._outbox = [(self._now, HangUp())]

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        self._live(now)
        said = [each for at, each in self._outbox if at <= now]
        self._outbox = [(at, each) for at, each in self._outbox if at > now]
        return said

    def wake_at(self) -> datetime | None:
        if self._outbox:
            return min(at for at, _ in self._outbox)
        return self._walk[0].at if self._walk and self.tells and packets.NOTIFY in self._subscribed else None

    def _live(self, now: datetime) -> None:
        while self._walk and self._walk[0].at <= now:
            walked = self._walk.popleft()
            self._now = max(self._now, walked.at)
            self._count(walked)
            self._tell()
        self._now = max(now, self._now)
        self._turn_day(self.wall_clock())

    def _count(self, walked: _Walked) -> None:
        wall = self._wall(walked.at) - INSTANT
        self._turn_day(wall)
        if self.battery.charging:
            return
        slot = _Slot(wall.date(), (wall.hour * 4 + wall.minute // 15) // self.width * self.width)
        self.steps[slot] = min(self.steps.get(slot, 0) + walked.steps, 0xFFFF)
        self._today += walked.steps

    def _tell(self) -> None:
        if not self.tells or packets.NOTIFY not in self._subscribed or self.battery.charging:
            return
        self._told += 1
        event = Frame(packets.EVENT, Walking(self._today, self._today * 58, self._today * 3 // 4).payload()).encode()
        for _ in range(2 if self._told % TWICE == 0 else 1):
            self._outbox.append((self._now, Notification(packets.NOTIFY, event)))

    def _turn_day(self, wall: datetime) -> None:
        if wall.date() != self._day:
            self._day, self._today = wall.date(), 0
            oldest = self._day - timedelta(days=packets.MOST_DAYS)
            if self._day.year > BOOT.year:
                self.steps = {slot: count for slot, count in self.steps.items() if slot.day >= oldest}

    # ------------------------------------------------------------------ out

    def _answer(self, frame: Frame, number: int = 0) -> None:
        self._say(packets.NOTIFY, frame.encode(), LATENCY + number * APART)

    def _say(self, characteristic: str, data: bytes, after: timedelta = LATENCY) -> None:
        if characteristic in self._subscribed:
            self._outbox.append((self._now + after, Notification(characteristic, data)))


def _walked(life: Sequence[Epoch]) -> Iterator[_Walked]:
    """The steps of a life, spread evenly over each epoch; the last at its end."""
    for epoch in life:
        parts = epoch.length // GAIT if epoch.steps else 0
        for part in range(parts):
            count = epoch.steps * (part + 1) // parts - epoch.steps * part // parts
            if count:
                yield _Walked(epoch.start + (part + 1) * GAIT, count)
