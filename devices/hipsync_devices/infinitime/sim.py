"""A simulated PineTime with InfiniTime, as the watch behaves to any client.

Its chip counts steps whatever the screen does; the counter that Bluetooth shows is a copy, made whenever the firmware
polls the chip. Source: InfiniTimeOrg/InfiniTime at 8250565 and the tags 1.6.0 to 1.16.1, `src/systemtask/` and
`src/components/`.

    chip     ....||||....||||||..|     steps as they are walked
    polls    ++++        ++            always from 1.16 on; before, while the screen is on or motion wakes it
    counter  0   4       8 a           what reads return; a change is notified
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import Epoch
from hipsync.simulated import Characteristic, HangUp, Notification, Property, Refused, Service, Shown
from hipsync_devices import gatt
from hipsync_devices.infinitime import packets
from hipsync_devices.infinitime.packets import Alert, Press

FIRMWARE_UPDATE = "00001530-1212-efde-1523-785feabcd123"
RAW_MOTION = "00030002-78fc-48fe-8e23-433b3a1942d0"
FLAT = bytes.fromhex("000000000004")
"""Acceleration of a watch that lies on a table: 1024 a g, upwards."""
GAIT = timedelta(seconds=2)
"""The chip tells of steps in little bursts."""
POLL = timedelta(milliseconds=100)
RINGS_FOR = timedelta(seconds=7)
"""Also how long the screen shows an alert."""
PERCENT = timedelta(hours=2)
"""How long a hundredth of the battery lasts: eight days on a charge."""
LEVELS = {0: "None", 1: "Mild", 2: "High"}
READ_NOT_PERMITTED, WRITE_NOT_PERMITTED, INVALID_LENGTH = 0x02, 0x03, 0x0D


class _Walked(NamedTuple):
    at: datetime
    steps: int


class PineTime:
    """Fits `hipsync.simulated.Simulator`; it has no key. Just before `now` its wearer looked at it."""

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        now: datetime,
        zone: ZoneInfo,
        secret: bytes | None = None,
        firmware: str = "1.16.0",
        wakes_on_motion: bool = False,
        clock_error: timedelta = timedelta(0),
        press: Press | None = None,
        press_after: timedelta = timedelta(seconds=3),
    ) -> None:
        del secret
        self.mtu = 23
        self.shown: list[Shown] = []
        self.alerts: list[Alert] = []
        """All that it was told to show."""
        self.silent = False
        """The wearer switched notifications off: alerts are kept and not shown."""
        self.firmware, self.wakes_on_motion = firmware, wakes_on_motion
        self.press, self.press_after = press, press_after
        """The button that the wearer will press when it rings, and how soon."""
        self.battery = 87
        self._version = packets.firmware(firmware)
        self._now = now
        self._ahead = (now.astimezone(zone).utcoffset() or timedelta()) + clock_error
        """Of its wall clock over UTC; a watch knows no zone."""
        self._local_time = b"\0\0"
        midnight = self._next_midnight() - timedelta(days=1)
        self._walk = deque(walked for walked in _walked(life) if walked.at > midnight)
        self._chip = self._counter = 0
        while self._walk and self._walk[0].at <= now:
            self._chip += self._walk.popleft().steps
        self._counter = self._chip
        self._reset_at_next_poll = False
        self._cleared_at: datetime | None = None
        self._screen_until = now
        self._discharged_at = now + PERCENT
        self._forget_connection()

    def _forget_connection(self) -> None:
        self._subscribed: set[str] = set()
        self._outbox: list[Notification | HangUp] = []
        self._pressed_at: datetime | None = None

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        listed = {FIRMWARE_UPDATE, gatt.HEART_RATE} if self._version >= (1, 15) else {FIRMWARE_UPDATE}
        return Advertisement(name="InfiniTime", services=frozenset(listed))

    def services(self) -> Sequence[Service]:
        def can(uuid: str, *properties: Property) -> Characteristic:
            return Characteristic(uuid, frozenset(properties))

        clock = [can(gatt.CURRENT_TIME, "read", "write")]
        if self._strict:
            clock.append(can(packets.LOCAL_TIME, "read", "write"))
        found = [
            Service(gatt.DEVICE_INFORMATION, tuple(can(uuid, "read") for uuid in self._strings())),
            Service(gatt.uuid16(0x1805), tuple(clock)),
            Service(gatt.ALERT_NOTIFICATION, (can(gatt.NEW_ALERT, "write"), can(packets.EVENT, "notify"))),
            Service(gatt.uuid16(0x180F), (can(packets.BATTERY, "read", "notify"),)),
            Service(gatt.IMMEDIATE_ALERT, (can(gatt.ALERT_LEVEL, "write-without-response"),)),
            Service(gatt.HEART_RATE, (can(gatt.HEART_RATE_MEASUREMENT, "read", "notify"),)),
        ]
        if self._version >= (1, 7):
            counts = can(packets.STEPS, "read", "notify"), can(RAW_MOTION, "read", "notify")
            found.append(Service(packets.MOTION, counts))
        return found

    def _strings(self) -> dict[str, bytes]:
        return {
            gatt.uuid16(0x2A29): b"PINE64",
            gatt.uuid16(0x2A24): b"PineTime",
            gatt.SERIAL_NUMBER: b"0",
            packets.FIRMWARE: self.firmware.encode(),
            gatt.HARDWARE_REVISION: b"1.0.0",
            gatt.SOFTWARE_REVISION: b"InfiniTime",
        }

    def connected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()

    def disconnected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        self._live(now)
        (self._subscribed.add if subscribed else self._subscribed.discard)(characteristic)
        self._poll()

    # ------------------------------------------------------------------ reads and writes

    @property
    def _strict(self) -> bool:
        """From 1.12 on the length of a time is checked, and there is a Local Time Information."""
        return self._version >= (1, 12)

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        del service
        self._live(now)
        values = {
            **self._strings(),
            packets.STEPS: packets.steps_packet(self._counter),
            packets.BATTERY: bytes([self.battery]),
            packets.LOCAL_TIME: self._local_time,
            gatt.CURRENT_TIME: self._clock_with_junk(),
            gatt.HEART_RATE_MEASUREMENT: b"\0\0",  # no reading: Bluetooth cannot switch the sensor on
            RAW_MOTION: FLAT,
        }
        if characteristic not in values:
            raise Refused(READ_NOT_PERMITTED)
        return values[characteristic]

    def _clock_with_junk(self) -> bytes:
        """Weekday and reason are memory that nobody wrote."""
        clock = packets.wall_clock(self.wall_clock().replace(microsecond=0))
        return clock[:7] + b"\xc8" + clock[8:9] + b"\x5a"

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        del service
        self._live(now)
        if characteristic == gatt.CURRENT_TIME:
            self._set_clock(data)
        elif characteristic == packets.LOCAL_TIME:
            if len(data) < 2:
                raise Refused(INVALID_LENGTH)
            self._local_time = data[:2]
        elif characteristic == gatt.NEW_ALERT:
            if len(data) > 3:
                self._alert(Alert.of(data))
        elif characteristic == gatt.ALERT_LEVEL:
            level = LEVELS.get(data[0]) if data else None
            self._alert(Alert("", f"Alert : {level}" if level else ""))
        else:
            raise Refused(WRITE_NOT_PERMITTED)

    def _alert(self, alert: Alert) -> None:
        self.alerts.append(alert)
        if self.silent:
            return
        self.shown.append(Shown(self._now, f"{alert.title} {alert.body}".strip()))
        self.look(self._now, RINGS_FOR)
        if alert.call and self.press is not None and self.press_after < RINGS_FOR:
            self._pressed_at = self._now + self.press_after

    def _set_clock(self, data: bytes) -> None:
        """A new day is an hour 0 that comes after another hour, whatever the date."""
        if self._strict and len(data) < 10:
            raise Refused(INVALID_LENGTH)
        before = self.wall_clock()
        try:
            local = packets.wall_clock_of(data.ljust(10, b"\xff"))  # older firmware reads on into other memory
        except MalformedPacket:
            return
        self._ahead = local - self._now.replace(tzinfo=None)
        if before.hour != 0 and local.hour == 0:
            self._new_day()

    # ------------------------------------------------------------------ time, and what the wearer does

    def wall_clock(self) -> datetime:
        """What the watch shows, without a zone."""
        return self._now.replace(tzinfo=None) + self._ahead

    def look(self, now: datetime, length: timedelta = timedelta(seconds=15)) -> None:
        """The screen is on for so long."""
        self._live(now)
        self._screen_until = max(self._screen_until, self._now + length)
        self._poll()

    def reboot(self, now: datetime) -> None:
        """The count is gone and the link is lost; the clock goes on."""
        self._live(now)
        self._chip = self._counter = 0
        self._reset_at_next_poll, self._cleared_at, self._local_time = False, None, b"\0\0"
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

    def _coming(self) -> list[tuple[datetime, int, Callable[[], None]]]:
        """What will happen and when; at the same instant in the order of the numbers."""
        coming = [(self._next_midnight(), 2, self._new_day), (self._discharged_at, 4, self._discharge)]
        if self._walk:
            coming.append((self._walk[0].at, 1, self._step))
        if self._cleared_at is not None:
            coming.append((self._cleared_at, 0, self._clear))
        if self._pressed_at is not None:
            coming.append((self._pressed_at, 3, self._press))
        return coming

    def _next_midnight(self) -> datetime:
        local = self.wall_clock()
        return self._now + timedelta(days=1) - (local - local.replace(hour=0, minute=0, second=0, microsecond=0))

    def _step(self) -> None:
        self._chip += self._walk.popleft().steps
        self._poll()

    def _polls(self) -> bool:
        asleep = self._now >= self._screen_until
        raw = self._version >= (1, 15) and RAW_MOTION in self._subscribed
        return self._version.counts_in_the_dark or self.wakes_on_motion or raw or not asleep

    def _poll(self) -> None:
        if not self._polls() or self._cleared_at is not None:
            return
        if self._reset_at_next_poll:  # this look still sees the old total, though nothing may have changed
            self._reset_at_next_poll, self._cleared_at = False, self._now + POLL
            self._tell(self._chip)
        elif self._chip != self._counter:
            self._tell(self._chip)

    def _new_day(self) -> None:
        if self._version.counts_in_the_dark:
            self._clear()
        else:
            self._reset_at_next_poll = True
            self._poll()

    def _clear(self) -> None:
        self._chip, self._cleared_at = 0, None
        self._tell(0)

    def _discharge(self) -> None:
        self._discharged_at = self._now + PERCENT
        self.battery = max(self.battery - 1, 1)
        self._say(packets.BATTERY, bytes([self.battery]))

    def _press(self) -> None:
        self._pressed_at = None
        if self.press is not None:
            self._say(packets.EVENT, bytes([self.press]))

    def _tell(self, count: int) -> None:
        self._counter = count
        self._say(packets.STEPS, packets.steps_packet(count))

    def _say(self, characteristic: str, data: bytes) -> None:
        if characteristic in self._subscribed:
            self._outbox.append(Notification(characteristic, data))


def _walked(life: Sequence[Epoch]) -> Iterator[_Walked]:
    """The steps of a life, spread evenly over each epoch; the last at its end."""
    for epoch in sorted(life):
        parts = epoch.length // GAIT if epoch.steps else 0
        for part in range(parts):
            count = epoch.steps * (part + 1) // parts - epoch.steps * part // parts
            if count:
                yield _Walked(epoch.start + (part + 1) * GAIT, count)
