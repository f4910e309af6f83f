"""A simulated sensor of standard services: a chest strap, a foot pod, or a watch that broadcasts both.

It keeps nothing: who does not listen has missed it. Its wearer walks in one go at the beginning of a minute, at two
steps a second or, where a minute holds more, all through it.

    steps    24                    130
    cadence  120 120 0 0 0 ...     130 130 130 ...      told every so often, about the time since it was told before

`every`: real sensors speak each second; five seconds keep a day that passes in a test short, and minutes exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch, State
from hipsync.simulated import Characteristic, HangUp, Notification, Property, Refused, Service, Shown
from hipsync_devices import gatt
from hipsync_devices.sig import packets
from hipsync_devices.sig.packets import HeartRate, Level, Pace

BRISK = 120
"""Steps a minute."""
STRIDE_CM = 75
MANUFACTURER, MODEL = gatt.uuid16(0x2A29), gatt.uuid16(0x2A24)
WRIST = 2
"""Body Sensor Location."""
TELLS_RUNNING = 0x0004
"""RSC Feature: the flag of running means something."""
READ_NOT_PERMITTED, WRITE_NOT_PERMITTED, INVALID_LENGTH = 0x02, 0x03, 0x0D
NOT_SUPPORTED, OUT_OF_RANGE = 0x80, 0xFF
"""Of the heart rate's control point; of values in general."""
OFF = frozenset({State.NOT_WORN, State.CHARGING})

Kind = Literal["watch", "strap", "pod"]
Contact = Literal["felt", "unknown", "claimed"]
"""How it tells of skin: as it is; not at all; or always, as some firmware does."""


@dataclass(slots=True)
class Faults:
    """What goes wrong in the firmware; notifications are counted from the connection on."""

    lose: set[int] = field(default_factory=set[int])
    double: set[int] = field(default_factory=set[int])
    cut_short: set[int] = field(default_factory=set[int])
    """Without their last byte."""
    stall_at: int | None = None
    hang_up_at: int | None = None


class Sensor:
    """Fits `hipsync.simulated.Simulator`; it has no key."""

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        now: datetime,
        zone: ZoneInfo,
        secret: bytes | None = None,
        kind: Kind = "watch",
        contact: Contact = "felt",
        every: timedelta = timedelta(seconds=5),
        sets_clock: bool = True,
        clock_error: timedelta = timedelta(0),
        faults: Faults | None = None,
    ) -> None:
        del secret
        self.mtu = 23
        self.shown: list[Shown] = []
        self.kind, self.contact, self.every, self.sets_clock = kind, contact, every, sets_clock
        self.battery = 64
        self.alarm = Level.MILD
        """What it does when the link is lost."""
        self.buzzing = False
        """Until it is told to stop."""
        self.faults = faults or Faults()
        self._life = {start: piece for epoch in life for start, piece in _pieces(epoch)}
        self._now = now
        self._ahead = (now.astimezone(zone).utcoffset() or timedelta()) + clock_error
        """Of its wall clock over UTC; it knows no zone."""
        self._forget_connection()

    def _forget_connection(self) -> None:
        self._subscribed: set[str] = set()
        self._outbox: list[Notification | HangUp] = []
        self._said = 0

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        name = {"watch": "HRun 2", "strap": "HR Strap 7", "pod": "Stride 1"}[self.kind]
        measures = {"watch": {gatt.HEART_RATE, packets.RUNNING}, "strap": {gatt.HEART_RATE}, "pod": {packets.RUNNING}}
        return Advertisement(name=name, services=frozenset(measures[self.kind]))

    def services(self) -> Sequence[Service]:
        def can(uuid: str, *properties: Property) -> Characteristic:
            return Characteristic(uuid, frozenset(properties))

        clock: tuple[Property, ...] = ("read", "write") if self.sets_clock else ("read",)
        found = [
            Service(gatt.DEVICE_INFORMATION, tuple(can(uuid, "read") for uuid in self._strings())),
            Service(packets.BATTERY_SERVICE, (can(packets.BATTERY_LEVEL, "read"),)),
        ]
        if self.kind != "pod":
            heart = can(gatt.HEART_RATE_MEASUREMENT, "notify"), can(packets.BODY_SENSOR_LOCATION, "read")
            found.append(Service(gatt.HEART_RATE, (*heart, can(gatt.HEART_RATE_CONTROL, "write"))))
        if self.kind != "strap":
            pace = can(packets.RSC_MEASUREMENT, "notify"), can(packets.RSC_FEATURE, "read")
            found.append(Service(packets.RUNNING, pace))
        if self.kind == "watch":
            found += [
                Service(packets.CURRENT_TIME_SERVICE, (can(gatt.CURRENT_TIME, *clock),)),
                Service(packets.LINK_LOSS, (can(gatt.ALERT_LEVEL, "read", "write"),)),
                Service(gatt.IMMEDIATE_ALERT, (can(gatt.ALERT_LEVEL, "write-without-response"),)),
            ]
        return found

    def _strings(self) -> dict[str, bytes]:
        return {
            MANUFACTURER: b"Simulated",
            MODEL: self.kind.encode(),
            gatt.HARDWARE_REVISION: b"2",
            packets.FIRMWARE_REVISION: b"1.0.3",
        }

    def connected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()

    def disconnected(self, now: datetime) -> None:
        self._live(now)
        if self.kind == "watch" and self.alarm:
            self.shown.append(Shown(self._now, "link lost"))
        self._forget_connection()

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        self._live(now)
        (self._subscribed.add if subscribed else self._subscribed.discard)(characteristic)

    # ------------------------------------------------------------------ reads and writes

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        self._live(now)
        values = {
            **self._strings(),
            packets.BATTERY_LEVEL: bytes([self.battery]),
            packets.BODY_SENSOR_LOCATION: bytes([WRIST]),
            packets.RSC_FEATURE: TELLS_RUNNING.to_bytes(2, "little"),
            gatt.CURRENT_TIME: packets.wall_clock(self.wall_clock()),
        }
        if service == packets.LINK_LOSS:
            values[gatt.ALERT_LEVEL] = bytes([self.alarm])
        if characteristic not in values:
            raise Refused(READ_NOT_PERMITTED)
        return values[characteristic]

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        self._live(now)
        if characteristic == gatt.ALERT_LEVEL:
            self._alert(service, data)
        elif characteristic == gatt.CURRENT_TIME and self.sets_clock:
            self._set_clock(data)
        elif characteristic == gatt.HEART_RATE_CONTROL:
            if data != b"\1":
                raise Refused(NOT_SUPPORTED)
        else:
            raise Refused(WRITE_NOT_PERMITTED)

    def _alert(self, service: str, data: bytes) -> None:
        try:
            level = packets.level(data)
        except MalformedPacket as malformed:
            raise Refused(OUT_OF_RANGE) from malformed
        if service == packets.LINK_LOSS:
            self.alarm = level
        else:
            self.buzzing = bool(level)
            if self.buzzing:
                self.shown.append(Shown(self._now, ""))

    def _set_clock(self, data: bytes) -> None:
        if len(data) != 10:
            raise Refused(INVALID_LENGTH)
        try:
            self._ahead = packets.wall_clock_of(data) - self._now.replace(tzinfo=None)
        except MalformedPacket as malformed:
            raise Refused(OUT_OF_RANGE) from malformed

    # ------------------------------------------------------------------ time

    def wall_clock(self) -> datetime:
        """What the device shows, without a zone."""
        return self._now.replace(tzinfo=None) + self._ahead

    def reboot(self, now: datetime) -> None:
        """The link is lost, the alarm is as it was made, and the clock stands at its first day."""
        self._live(now)
        self.alarm, self.buzzing = Level.MILD, False
        self._ahead = datetime(2020, 1, 1) - self._now.replace(tzinfo=None)  # noqa: DTZ001  a wall clock
        self._outbox.append(HangUp())

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        self._live(now)
        out, self._outbox = self._outbox, []
        return out

    def wake_at(self) -> datetime | None:
        if self._outbox:
            return self._now
        return self._next() if self._subscribed else None

    def _next(self) -> datetime:
        """Of the grid on which it speaks."""
        beginning = datetime.min.replace(tzinfo=UTC)
        return self._now + self.every - (self._now - beginning) % self.every

    def _live(self, now: datetime) -> None:
        while (then := self._next()) <= now:
            self._now = then
            if self._subscribed:
                self._speak()
            else:
                self._now = max(now - self.every, then)  # nobody listens
        self._now = max(now, self._now)

    def _speak(self) -> None:
        start = (self._now - self.every).astimezone(UTC).replace(second=0, microsecond=0)
        minute = self._life.get(start, Epoch(start, MINUTE, 0, state=State.NOT_WORN))
        if gatt.HEART_RATE_MEASUREMENT in self._subscribed:
            self._say(gatt.HEART_RATE_MEASUREMENT, self._heart(minute).packet())
        if packets.RSC_MEASUREMENT in self._subscribed:
            self._say(packets.RSC_MEASUREMENT, self._pace(minute).packet())

    def _heart(self, minute: Epoch) -> HeartRate:
        worn = minute.state not in OFF
        contact = {"felt": worn, "unknown": None, "claimed": True}[self.contact]
        return HeartRate((minute.heart_rate or 0) if worn else 0, contact)

    def _pace(self, minute: Epoch) -> Pace:
        cadence = _cadence(minute.steps, (self._now - self.every - minute.start) // self.every, self.every)
        speed = cadence * STRIDE_CM * 256 // 6000
        return Pace(speed, cadence, running=cadence > 150)

    def _say(self, characteristic: str, data: bytes) -> None:
        number, faults = self._said, self.faults
        self._said += 1
        if faults.stall_at is not None and number >= faults.stall_at:
            return
        if number == faults.hang_up_at:
            self._outbox.append(HangUp())
        if number not in faults.lose:
            said = Notification(characteristic, data[:-1] if number in faults.cut_short else data)
            self._outbox += [said] * (2 if number in faults.double else 1)


def _cadence(steps: int, part: int, every: timedelta) -> int:
    """Steps a minute in one part of a minute; over the minute they make `steps`."""
    parts = MINUTE // every
    walked = min(parts, -(-steps * parts // BRISK))
    if part >= walked:
        return 0
    total = steps * parts
    return total * (part + 1) // walked - total * part // walked


def _pieces(epoch: Epoch) -> list[tuple[datetime, Epoch]]:
    """An epoch's minutes, its steps spread evenly."""
    count = epoch.length // MINUTE
    return [
        (
            epoch.start + i * MINUTE,
            epoch._replace(length=MINUTE, steps=epoch.steps * (i + 1) // count - epoch.steps * i // count),
        )
        for i in range(count)
    ]
