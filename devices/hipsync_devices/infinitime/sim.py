"""A simulated PineTime with InfiniTime, as the watch behaves towards any client.

Its chip counts steps whether the screen is on or off. The counter that Bluetooth shows is a copy, made whenever the
firmware polls the chip. Source: InfiniTimeOrg/InfiniTime at 8250565 and the tags 1.6.0 to 1.16.1, `src/systemtask/` and
`src/components/`.

    chip     ....||||....||||||..|     steps as they are taken
    polls    ++++        ++            always from 1.16 on; before, while the screen is on or motion may wake it
    counter  0   4       8 a           what reads return, in hexadecimal; a change is notified
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Unpack

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import Epoch
from hipsync.simulated import Refused, Service, Shown
from hipsync_devices import gatt
from hipsync_devices.infinitime import packets
from hipsync_devices.infinitime.packets import Alert, Press
from hipsync_devices.simulator import INVALID_LENGTH, Client, ClientBand, Event, Given, Time, WallClock, can, walk

FIRMWARE_UPDATE = "00001530-1212-efde-1523-785feabcd123"
RAW_MOTION = "00030002-78fc-48fe-8e23-433b3a1942d0"
FLAT = bytes.fromhex("000000000004")
"""The acceleration that a watch measures on a table, in 1/1024 g: 1 g upwards."""
POLL = timedelta(milliseconds=100)
"""The time from one poll of the step sensor to the next."""
RINGS_FOR = timedelta(seconds=7)
"""How long the watch rings, and how long the screen shows an alert."""
PERCENT = timedelta(hours=2)
"""How long one percent of the battery lasts, which makes eight days on a charge."""
LEVELS = {0: "None", 1: "Mild", 2: "High"}


class PineTime(ClientBand):
    """A simulated PineTime on a wrist, without a key. Its counter is up to date at `now`, and the screen is off.

    It implements `hipsync.simulated.Simulator`.
    """

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        firmware: str = "1.16.0",
        wakes_on_motion: bool = False,
        press: Press | None = None,
        press_after: timedelta = timedelta(seconds=3),
        **given: Unpack[Given],
    ) -> None:
        self.mtu, self.battery = 23, 87
        self.shown: list[Shown] = []
        self.alerts: list[Alert] = []
        """All alerts that the watch has received, whether or not it showed them."""
        self.silent = False
        """Whether the wearer has switched notifications off, so that alerts are not shown."""
        self.firmware, self.wakes_on_motion = firmware, wakes_on_motion
        self.press, self.press_after = press, press_after
        """The button that the wearer presses when the watch rings, and how long after; None for no button."""
        self._version = packets.firmware(firmware)
        now = given["now"]
        self._time = Time(now, self._coming)
        self.wall_clock = WallClock(self._time, given)
        writable = {
            gatt.CURRENT_TIME: self._set_clock, packets.LOCAL_TIME: self._set_local_time,
            gatt.NEW_ALERT: self._show_alert, gatt.ALERT_LEVEL: self._show_level,
        }  # fmt: skip
        self._client = Client(self._time, self._time.pass_until, self._readable, writable, self._forget_press)
        self._local_time = b"\0\0"
        midnight = self._next_midnight() - timedelta(days=1)
        self._walk = walk(life)
        self._chip = 0
        while self._walk and self._walk[0].at <= now:
            at, count = self._walk.popleft()
            self._chip += count if at > midnight else 0
        self._counter = self._chip
        self._reset_at_next_poll = False
        self._cleared_at: datetime | None = None
        self._pressed_at: datetime | None = None
        self._screen_until = now
        self._discharged_at = now + PERCENT

    def _forget_press(self) -> None:
        self._pressed_at = None

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        listed = {FIRMWARE_UPDATE, gatt.HEART_RATE} if self._version >= (1, 15) else {FIRMWARE_UPDATE}
        return Advertisement(name="InfiniTime", services=frozenset(listed))

    def services(self) -> Sequence[Service]:
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

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        self._client.on_subscribe(characteristic, subscribed, now)
        self._poll()

    # ------------------------------------------------------------------ reads and writes

    @property
    def _strict(self) -> bool:
        """Whether the firmware is 1.12 or later, which checks the length of a time and has Local Time Information."""
        return self._version >= (1, 12)

    def _readable(self) -> dict[str, bytes]:
        return {
            **self._strings(),
            packets.STEPS: packets.steps_packet(self._counter),
            packets.BATTERY: bytes([self.battery]),
            packets.LOCAL_TIME: self._local_time,
            gatt.CURRENT_TIME: self._clock_with_junk(),
            gatt.HEART_RATE_MEASUREMENT: b"\0\0",  # no reading: Bluetooth cannot switch the sensor on
            RAW_MOTION: FLAT,
        }

    def _clock_with_junk(self) -> bytes:
        """Return the Current Time as the watch sends it: weekday and reason are whatever was in its memory."""
        clock = packets.wall_clock(self.wall_clock().replace(microsecond=0))
        return clock[:7] + b"\xc8" + clock[8:9] + b"\x5a"

    def _set_local_time(self, data: bytes) -> None:
        if len(data) < 2:
            raise Refused(INVALID_LENGTH)
        self._local_time = data[:2]

    def _show_alert(self, data: bytes) -> None:
        if len(data) > 3:
            self._alert(Alert.decode(data))

    def _show_level(self, data: bytes) -> None:
        level = LEVELS.get(data[0]) if data else None
        self._alert(Alert("", f"Alert : {level}" if level else ""))

    def _alert(self, alert: Alert) -> None:
        self.alerts.append(alert)
        if self.silent:
            return
        self.shown.append(Shown(self._time.now, f"{alert.title} {alert.body}".strip()))
        self.look(self._time.now, RINGS_FOR)
        if alert.call and self.press is not None and self.press_after < RINGS_FOR:
            self._pressed_at = self._time.now + self.press_after

    def _set_clock(self, data: bytes) -> None:
        """Set the clock. A new day begins if that changes the hour from any other to 0, whatever the date is."""
        if self._strict and len(data) < 10:
            raise Refused(INVALID_LENGTH)
        before = self.wall_clock()
        with suppress(MalformedPacket):
            self.wall_clock.set(packets.wall_clock_of(data.ljust(10, b"\xff")))  # older firmware reads on in its memory
            if before.hour != 0 and self.wall_clock().hour == 0:
                self._new_day()

    # ------------------------------------------------------------------ time, and what the wearer does

    def look(self, now: datetime, length: timedelta = timedelta(seconds=15)) -> None:
        """Let the wearer look at the watch, whose screen is then on for at least `length`."""
        self._time.pass_until(now)
        self._screen_until = max(self._screen_until, self._time.now + length)
        self._poll()

    def reboot(self, now: datetime) -> None:
        """Restart the watch: it loses today's count and the connection, but its clock keeps running."""
        self._time.pass_until(now)
        self._chip = self._counter = 0
        self._reset_at_next_poll, self._cleared_at, self._local_time = False, None, b"\0\0"
        self._client.hang_up()

    def _coming(self) -> Sequence[Event]:
        """Return the events to come; of those at the same instant, the one listed first happens first."""
        coming: list[tuple[datetime | None, Callable[[], None]]] = [
            (self._cleared_at, self._clear),
            (self._walk[0].at if self._walk else None, self._walked),
            (self._next_midnight(), self._new_day),
            (self._pressed_at, self._press),
            (self._discharged_at, self._discharge),
        ]
        return [(at, happens) for at, happens in coming if at is not None]

    def _next_midnight(self) -> datetime:
        midnight = self.wall_clock().replace(hour=0, minute=0, second=0, microsecond=0)
        return self.wall_clock.instant(midnight + timedelta(days=1))

    def _walked(self) -> None:
        self._chip += self._walk.popleft().steps
        self._poll()

    def _polls(self) -> bool:
        asleep = self._time.now >= self._screen_until
        raw = self._version >= (1, 15) and RAW_MOTION in self._client.subscribed
        return self._version.counts_in_the_dark or self.wakes_on_motion or raw or not asleep

    def _poll(self) -> None:
        if not self._polls() or self._cleared_at is not None:
            return
        if self._reset_at_next_poll:  # this poll still reports the old total, even if nothing changed
            self._reset_at_next_poll, self._cleared_at = False, self._time.now + POLL
            self._set_counter(self._chip)
        elif self._chip != self._counter:
            self._set_counter(self._chip)

    def _new_day(self) -> None:
        if self._version.counts_in_the_dark:
            self._clear()
        else:
            self._reset_at_next_poll = True
            self._poll()

    def _clear(self) -> None:
        self._chip, self._cleared_at = 0, None
        self._set_counter(0)

    def _discharge(self) -> None:
        self._discharged_at += PERCENT
        self.battery = max(self.battery - 1, 1)
        self._client.send(packets.BATTERY, bytes([self.battery]))

    def _press(self) -> None:
        self._pressed_at = None
        if self.press is not None:
            self._client.send(packets.EVENT, bytes([self.press]))

    def _set_counter(self, count: int) -> None:
        self._counter = count
        self._client.send(packets.STEPS, packets.steps_packet(count))
