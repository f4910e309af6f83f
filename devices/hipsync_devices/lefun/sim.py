"""A simulated Lefun band, as it behaves to any client.

It counts its wearer's steps into slots of its own clock, which knows no zone and no daylight saving. What it was not
built for, and what does not pass its check, it passes over in silence.

What nobody has recorded is our choice: how often it tells its total, that slots without steps are omitted, that the
slot that runs is told as it stands, and what a restart does: the clock begins in the year 2000, the memory stays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch
from hipsync.simulated import Characteristic, HangUp, Notification, Refused, Service, Shown
from hipsync_devices.lefun import packets
from hipsync_devices.lefun.packets import LAST_DAY, LONGEST, REPLY, SET, Frame, Piece, Record, Total

UNITS, PROFILE, FEATURES, SIT_REMINDER, DRINK_REMINDER, LANGUAGE = 0x02, 0x06, 0x08, 0x0B, 0x0C, 0x21
EXTENDED = 1 << 4
"""In the kind of a text: a byte with the app comes before the words."""
VERSIONS = bytes.fromhex("ff2714f15031390201023219544a4450")
"""As an FT100 told them."""
GAIT = timedelta(seconds=2)
"""Between two totals of a walk."""
INSTANT = timedelta.resolution
"""The steps that it tells at an instant were walked before that."""
BOOT = datetime(2000, 1, 1, tzinfo=UTC)
MOST_STEPS = 0xFFFF
READ_NOT_PERMITTED, WRITE_NOT_PERMITTED = 0x02, 0x03


@dataclass(slots=True)
class Faults:
    """What goes wrong in the air or the firmware; notifications are counted from 0 in each connection."""

    lose: set[int] = field(default_factory=set[int])
    double: set[int] = field(default_factory=set[int])
    stall_at: int | None = None
    """From this one on nothing is said any more."""
    hang_up_at: int | None = None
    deaf: set[int] = field(default_factory=set[int])
    """Commands that it does not answer."""


class _Walked(NamedTuple):
    at: datetime
    steps: int


class LefunBand:
    """Fits `hipsync.simulated.Simulator`; it has no key."""

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        now: datetime,
        zone: ZoneInfo,
        secret: bytes | None = None,
        name: str = "Lefun",
        slot: timedelta = 30 * MINUTE,
        omits_still: bool = True,
        pads: bool = False,
        tells_today: bool = True,
        clock_error: timedelta = timedelta(0),
    ) -> None:
        del secret
        self.mtu = 23
        self.shown: list[Shown] = []
        self.faults = Faults()
        self.name, self.battery = name, 87
        self.slot, self.omits_still, self.pads = slot, omits_still, pads
        """`pads`: all it says has 20 bytes."""
        self.tells_today = tells_today
        """Else it answers 0 for today until the day has closed, as one ring does; unasked it tells the truth."""
        self.settings = {
            UNITS: bytes(3),
            PROFILE: bytes([0, 160, 50, 20]),
            FEATURES: bytes(2),
            SIT_REMINDER: b"\x3c",
            DRINK_REMINDER: b"\x3c",
            LANGUAGE: b"\0",
        }
        self._now = now
        self._ahead = (now.astimezone(zone).utcoffset() or timedelta()) + clock_error
        """Of its wall clock over UTC."""
        self._slots: dict[datetime, int] = {}
        """Steps by wall clock, written as if it were UTC."""
        self._forget_connection()
        lived = sorted(life)
        self._lived = min((epoch.start for epoch in lived), default=now)
        """Until when it has counted; it was not worn before."""
        self._walk = deque(sorted(_walked(lived)))
        self._live(now)

    def _forget_connection(self) -> None:
        self._subscribed = False
        self._outbox: list[Notification | HangUp] = []
        self._said = 0
        self._words = b""

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(name=self.name)

    def services(self) -> Sequence[Service]:
        return [
            Service(
                packets.SERVICE,
                (
                    Characteristic(packets.NOTIFY, frozenset({"notify"})),
                    Characteristic(packets.WRITE, frozenset({"write", "write-without-response"})),
                ),
            )
        ]

    def connected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()

    def disconnected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        self._live(now)
        if characteristic == packets.NOTIFY:
            self._subscribed = subscribed

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        del characteristic, service
        self._live(now)
        raise Refused(READ_NOT_PERMITTED)

    # ------------------------------------------------------------------ commands

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        del service
        self._live(now)
        if characteristic != packets.WRITE:
            raise Refused(WRITE_NOT_PERMITTED)
        with suppress(MalformedPacket):
            frame = Frame.decode(data)
            if frame.mark == packets.REQUEST and frame.command not in self.faults.deaf:
                self._obey(frame.command, frame.params)

    def _obey(self, command: int, params: bytes) -> None:
        if command in self.settings and params:
            self._setting(command, params[0], params[1:])
            return
        match command, len(params):
            case packets.INFO, 0:
                self._reply(command, VERSIONS)
            case packets.BATTERY, 0:
                self._reply(command, bytes([self.battery]))
            case packets.TIME, 7 if params[0] == SET:
                wall = packets.decode_time(params[1:]).replace(tzinfo=UTC)
                self._ahead = wall - self._now
                self._reply(command, bytes([SET, 1]))
            case packets.FIND, 0:
                self.shown.append(Shown(self._now, ""))
                self._reply(command, b"\1")
            case packets.TOTAL, 1:
                self._reply(command, self._total(params[0], asked=True).encode())
            case packets.ACTIVITY, 1:
                for record in self._records(params[0]):
                    self._reply(command, record.encode())
            case packets.TEXT, _:
                self._read_words(Piece.decode(params))
            case _:
                return

    def _setting(self, command: int, op: int, value: bytes) -> None:
        if op == SET and len(value) == len(self.settings[command]):
            held = self.settings[command] if command == UNITS else value
            self.settings[command] = bytes(old if new == 0xFF else new for old, new in zip(held, value, strict=True))
            self._reply(command, bytes([SET, 1]))
        elif op == packets.GET and not value:
            self._reply(command, bytes([op]) + self.settings[command])

    def _read_words(self, piece: Piece) -> None:
        text = piece.text[1:] if piece.kind & EXTENDED else piece.text
        self._words = text if piece.number == 1 else self._words + text
        if piece.number == piece.pieces:
            self.shown.append(Shown(self._now, self._words.decode(errors="replace")))

    def _total(self, days_ago: int, *, asked: bool) -> Total:
        day = self.clock().date() - timedelta(days=days_ago)
        slots = [steps for start, steps in self._slots.items() if start.date() == day]
        if days_ago > LAST_DAY or (days_ago and not slots):
            return Total(days_ago, None)
        steps = 0 if asked and not days_ago and not self.tells_today else sum(slots)
        return Total(days_ago, day, steps, steps * 7 // 10, steps * 30)

    def _records(self, days_ago: int) -> Sequence[Record]:
        day = self.clock().date() - timedelta(days=days_ago)
        slots = sorted((start, steps) for start, steps in self._slots.items() if start.date() == day)
        if not slots or days_ago > LAST_DAY:
            return [Record(days_ago)]
        return [
            Record(
                days_ago, len(slots), number, start.replace(tzinfo=None), steps, steps * 7 // 10, steps * 30 & 0xFFFF
            )
            for number, (start, steps) in enumerate(slots, 1)
        ]

    # ------------------------------------------------------------------ time, and what the wearer does

    def clock(self) -> datetime:
        """Its wall clock, written as if it were UTC."""
        return self._now + self._ahead

    def reboot(self, now: datetime) -> None:
        """The clock is lost and the link; the memory is not."""
        self._live(now)
        self._ahead = BOOT - self._now
        self._outbox.append(HangUp())

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        self._live(now)
        out, self._outbox = self._outbox, []
        return out

    def wake_at(self) -> datetime | None:
        if self._outbox:
            return self._now
        return self._walk[0].at if self._subscribed and self._walk else None

    def _live(self, now: datetime) -> None:
        while self._walk and self._walk[0].at <= now:
            walked = self._walk.popleft()
            self._pass(walked.at)
            self._count(walked)
        self._pass(now)

    def _pass(self, now: datetime) -> None:
        """Time goes by; a band that tells still slots too begins each as it comes."""
        if not self.omits_still:
            start = self._slot(self._lived + self._ahead)
            while start < now + self._ahead:
                self._slots.setdefault(start, 0)
                start += self.slot
        self._now = max(self._now, now)
        self._lived = max(self._lived, now)

    def _count(self, walked: _Walked) -> None:
        wall = walked.at + self._ahead - INSTANT
        slot = self._slot(wall)
        self._slots[slot] = min(self._slots.get(slot, 0) + walked.steps, MOST_STEPS)
        oldest = wall.date() - timedelta(days=LAST_DAY)
        self._slots = {start: steps for start, steps in self._slots.items() if start.date() >= oldest}
        if self._subscribed and walked.at >= self._now:
            self._reply(packets.TOTAL, self._total(0, asked=False).encode())

    def _slot(self, wall: datetime) -> datetime:
        return wall - (wall - BOOT) % self.slot

    # ------------------------------------------------------------------ out

    def _reply(self, command: int, params: bytes) -> None:
        if not self._subscribed:
            return
        number, self._said = self._said, self._said + 1
        data = Frame(command, params, REPLY).encode()
        if self.pads:
            data = data.ljust(LONGEST, b"\0")
        if number == self.faults.hang_up_at:
            self._outbox.append(HangUp())
        elif self.faults.stall_at is None or number < self.faults.stall_at:
            times = 0 if number in self.faults.lose else 2 if number in self.faults.double else 1
            self._outbox += [Notification(packets.NOTIFY, data)] * times


def _walked(life: Sequence[Epoch]) -> Iterator[_Walked]:
    """The steps of a life, spread evenly over each epoch; the last at its end."""
    for epoch in life:
        parts = epoch.length // GAIT if epoch.steps else 0
        for part in range(parts):
            count = epoch.steps * (part + 1) // parts - epoch.steps * part // parts
            if count:
                yield _Walked(epoch.start + (part + 1) * GAIT, count)
