"""A simulated sensor with standard services: a chest strap, a foot pod, or a watch that sends the values of both.

It stores nothing: values that no client listens to are lost. Its wearer walks at the beginning of a minute, at two
steps a second, or faster and all through the minute if it has more than 120 steps.

    steps    24                    130
    cadence  120 120 0 0 0 ...     130 130 130 ...      one value each `every`, for the time since the last one

Real sensors notify every second; an `every` of five seconds makes tests of a whole day short and keeps minutes exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Unpack

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch, State
from hipsync.simulated import Property, Refused, Service, Shown
from hipsync_devices import gatt, simulator
from hipsync_devices.sig import packets
from hipsync_devices.sig.packets import HeartRate, Level, Pace
from hipsync_devices.simulator import (
    INVALID_LENGTH,
    OUT_OF_RANGE,
    WRITE_NOT_PERMITTED,
    Client,
    ClientBand,
    Event,
    Given,
    Time,
    WallClock,
    can,
    shares,
)

BRISK = 120
"""The cadence of the wearer's walk, in steps a minute."""
STRIDE_CM = 75
MANUFACTURER, MODEL = gatt.uuid16(0x2A29), gatt.uuid16(0x2A24)
CHEST, WRIST = 1, 2
"""Body Sensor Locations: that of a strap, and that of a watch (GATT Specification Supplement, 3.24)."""
RUNNING_KNOWN = 0x0004
"""The bit of the RSC Feature which says that the flag "running" in a measurement has a meaning."""
CONTROL_NOT_SUPPORTED = 0x80
"""The error code with which the Heart Rate Control Point answers values that it does not support."""
BOOT = datetime(2020, 1, 1)  # noqa: DTZ001  a wall clock
"""The wall-clock time at which the sensor's clock starts after a restart."""
OFF = frozenset({State.NOT_WORN, State.CHARGING})

Kind = Literal["watch", "strap", "pod"]
Contact = Literal["felt", "unknown", "claimed"]
"""What the sensor reports about skin contact: `felt` the truth, `unknown` nothing, `claimed` that it always feels skin.

Some firmware claims it.
"""


@dataclass(slots=True)
class Faults(simulator.Faults):
    """What goes wrong in the firmware; notifications are numbered from 0 in each connection."""

    cut_short: set[int] = field(default_factory=set[int])
    """The numbers of those notifications that lack their last byte."""


class Sensor(ClientBand):
    """A simulated sensor that somebody wears, without a key. It implements `hipsync.simulated.Simulator`."""

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        kind: Kind = "watch",
        contact: Contact = "felt",
        every: timedelta = timedelta(seconds=5),
        sets_clock: bool = True,
        faults: Faults | None = None,
        **given: Unpack[Given],
    ) -> None:
        self.mtu, self.battery = 23, 64
        self.shown: list[Shown] = []
        self.kind, self.contact, self.every, self.sets_clock = kind, contact, every, sets_clock
        self.alarm = Level.MILD
        """How strongly the sensor alarms its wearer when the link is lost."""
        self.buzzing = False
        """Whether the sensor is buzzing; it does not stop until a client stops it."""
        self.faults = faults or Faults()
        self._life = {start: piece for epoch in life for start, piece in _pieces(epoch)}
        self._time = Time(given["now"], self._coming)
        self.wall_clock = WallClock(self._time, given)
        self._client = Client(self._time, self._time.pass_until, self._readable)

    def advertisement(self) -> Advertisement:
        name = {"watch": "HRun 2", "strap": "HR Strap 7", "pod": "Stride 1"}[self.kind]
        measures = {"watch": {gatt.HEART_RATE, packets.RUNNING}, "strap": {gatt.HEART_RATE}, "pod": {packets.RUNNING}}
        return Advertisement(name=name, services=frozenset(measures[self.kind]))

    def services(self) -> Sequence[Service]:
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

    def disconnected(self, now: datetime) -> None:
        self._client.disconnected(now)
        if self.kind == "watch" and self.alarm:
            self.shown.append(Shown(now, "link lost"))

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        if (service, characteristic) == (packets.LINK_LOSS, gatt.ALERT_LEVEL):
            return bytes([self.alarm])
        return self._client.read(characteristic, service, now)

    def _readable(self) -> dict[str, bytes]:
        return {
            **self._strings(),
            packets.BATTERY_LEVEL: bytes([self.battery]),
            packets.BODY_SENSOR_LOCATION: bytes([CHEST if self.kind == "strap" else WRIST]),
            packets.RSC_FEATURE: RUNNING_KNOWN.to_bytes(2, "little"),
            gatt.CURRENT_TIME: packets.wall_clock(self.wall_clock()),
        }

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        self._time.pass_until(now)
        if characteristic == gatt.ALERT_LEVEL:
            self._alert(service, data)
        elif characteristic == gatt.CURRENT_TIME and self.sets_clock:
            self._set_clock(data)
        elif characteristic == gatt.HEART_RATE_CONTROL:
            if data != b"\1":
                raise Refused(CONTROL_NOT_SUPPORTED)
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
                self.shown.append(Shown(self._time.now, ""))

    def _set_clock(self, data: bytes) -> None:
        if len(data) != 10:
            raise Refused(INVALID_LENGTH)
        try:
            self.wall_clock.set(packets.wall_clock_of(data))
        except MalformedPacket as malformed:
            raise Refused(OUT_OF_RANGE) from malformed

    def reboot(self, now: datetime) -> None:
        """Restart the sensor: it loses the link, its alarm is as from the factory, and its clock starts at `BOOT`."""
        self._time.pass_until(now)
        self.alarm, self.buzzing = Level.MILD, False
        self.wall_clock.set(BOOT)
        self._client.hang_up()

    def _next(self) -> datetime:
        """Return the instant of the next notification: the next whole multiple of `every`, never now."""
        now, beginning = self._time.now, datetime.min.replace(tzinfo=UTC)
        return now + self.every - (now - beginning) % self.every

    def _coming(self) -> Sequence[Event]:
        """Return the next notification as an event; no event while the client has no subscription."""
        return [(self._next(), self._speak)] if self._client.subscribed else []

    def _speak(self) -> None:
        start = (self._time.now - self.every).astimezone(UTC).replace(second=0, microsecond=0)
        minute = self._life.get(start, Epoch(start, MINUTE, 0, state=State.NOT_WORN))
        if gatt.HEART_RATE_MEASUREMENT in self._client.subscribed:
            self._send(gatt.HEART_RATE_MEASUREMENT, self._heart(minute).packet())
        if packets.RSC_MEASUREMENT in self._client.subscribed:
            self._send(packets.RSC_MEASUREMENT, self._pace(minute).packet())

    def _heart(self, minute: Epoch) -> HeartRate:
        worn = minute.state not in OFF
        contact = {"felt": worn, "unknown": None, "claimed": True}[self.contact]
        return HeartRate((minute.heart_rate or 0) if worn else 0, contact)

    def _pace(self, minute: Epoch) -> Pace:
        cadence = _cadence(minute.steps, (self._time.now - self.every - minute.start) // self.every, self.every)
        speed = cadence * STRIDE_CM * 256 // 6000
        return Pace(speed, cadence, running=cadence > 150)

    def _send(self, characteristic: str, data: bytes) -> None:
        short = self._client.sent in self.faults.cut_short
        self._client.send(characteristic, data[:-1] if short else data, faults=self.faults)


def _cadence(steps: int, part: int, every: timedelta) -> int:
    """Return the cadence, in steps a minute, in the part with number `part` (from 0) of a minute that has `steps`.

    The parts are `every` long, and over the whole minute their cadences make `steps`.
    """
    parts = MINUTE // every
    walked = min(parts, -(-steps * parts // BRISK))
    if part >= walked:
        return 0
    return shares(steps * parts, walked)[part]


def _pieces(epoch: Epoch) -> list[tuple[datetime, Epoch]]:
    """Split an epoch into minutes, each with its start; the steps are spread evenly over them."""
    starts = [epoch.start + i * MINUTE for i in range(epoch.length // MINUTE)]
    return [
        (start, epoch._replace(start=start, length=MINUTE, steps=steps))
        for start, steps in zip(starts, shares(epoch.steps, len(starts)), strict=True)
    ]
