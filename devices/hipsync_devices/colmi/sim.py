"""A simulated Colmi ring, as it behaves towards any client.

Some behaviour is a guess, because nobody has recorded it: how often the ring reports a walk, and that a restart loses
the clock and the total but not the stored hours. The simulated ring stores neither heart rates nor sleep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import NamedTuple, Unpack

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import Epoch
from hipsync.simulated import Service, Shown
from hipsync_devices import gatt
from hipsync_devices.colmi import packets
from hipsync_devices.colmi.packets import Battery, Big, Frame, HeartSettings, StepsHeader, StepsRecord, Totals, Walking
from hipsync_devices.simulator import BOOT, Client, ClientBand, Event, Given, Time, WallClock, can, walk

CAPABILITIES = bytes.fromhex("0000000200000000010020010030")
"""The payload with which an R11C answers the command that sets its clock."""
LATENCY, APART = timedelta(milliseconds=90), timedelta(milliseconds=10)
TWICE = 7
"""Every seventh event of a walk is sent twice, because real rings send some events twice."""
POWER_OFF, FACTORY_RESET = 0x08, 0xFF
READINGS, EVERY = 6, timedelta(seconds=1)
"""How many answers follow the start of a measurement, and the time between them; a client may end it sooner."""
MUTED = timedelta(seconds=60)
"""How long after a measurement began the ring reports no walk."""
START_MEASURING, GO_ON_MEASURING = 1, 3
NOT_WORN = 1


class _Slot(NamedTuple):
    day: date
    quarter: int


class ColmiRing(ClientBand):
    """A simulated Colmi ring on a finger. It has no key and no motor, so `shown` stays empty.

    It implements `hipsync.simulated.Simulator`.
    """

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        quarters: bool = False,
        reports_walks: bool = True,
        name: str = "R02_A1B2",
        **given: Unpack[Given],
    ) -> None:
        self.mtu, self.name = 23, name
        self.shown: list[Shown] = []
        self.flashes: list[datetime] = []
        """The instants at which a client made the ring flash its light."""
        self.reports_walks = reports_walks
        """Whether the ring sends its total during a walk without being asked."""
        self.battery = Battery(64, charging=False)
        self.heart = HeartSettings(enabled=True, minutes=30)
        self.width = 1 if quarters else 4
        """The length of the ring's slots, in quarters of an hour."""
        self.steps: dict[_Slot, int] = {}
        self._preferences = bytes.fromhex("020000001baf3c785a0000000000")
        self._goals = (packets.READ, *(8000).to_bytes(3, "little"))
        self._time = Time(given["now"], self._coming)
        self.wall_clock = WallClock(self._time, given)
        writable = {packets.WRITE: self._hear, packets.BIG_WRITE: self._hear_big}
        self._client = Client(self._time, self._live, self._readable, writable, self._forget_setting)
        self._walk = walk(life)
        self._day = self.wall_clock(self._walk[0].at if self._walk else None).date()
        self._today = self._walks_reported = 0
        self._was_set = False
        """Whether a client has set the clock during this connection."""
        self._measured_at: datetime | None = None
        self._live(given["now"])

    def _forget_setting(self) -> None:
        self._was_set, self._measured_at = False, None

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(name=self.name)

    def services(self) -> Sequence[Service]:
        small = can(packets.WRITE, "write", "write-without-response"), can(packets.NOTIFY, "notify")
        big = can(packets.BIG_WRITE, "write-without-response"), can(packets.BIG_NOTIFY, "notify")
        return (
            Service(gatt.DEVICE_INFORMATION, tuple(can(uuid, "read") for uuid in self._readable())),
            Service(packets.SERVICE, small),
            Service(packets.BIG_SERVICE, big),
        )

    def _readable(self) -> dict[str, bytes]:
        strings = {packets.FIRMWARE: b"RT02R_3.00.06_240523", packets.HARDWARE: b"R02_V3.0"}
        return {**strings, gatt.SYSTEM_ID: bytes(8)}

    def _hear(self, data: bytes) -> None:
        """Receive a command and obey it; a command with a wrong sum is ignored."""
        with suppress(MalformedPacket):
            self._obey(packets.decode_frame(data))

    def _hear_big(self, data: bytes) -> None:
        with suppress(MalformedPacket):
            self._send(packets.BIG_NOTIFY, Big(packets.decode_big(data).id, b"\0").encode())

    # ------------------------------------------------------------------ commands

    def _obey(self, frame: Frame) -> None:
        if frame.command == packets.SET_TIME and not self._was_set:
            self._was_set = True
            self._answer(Frame(packets.PACKET_SIZE, b"\xf4"))
        if frame.command == packets.MEASURE:
            self._measure(frame.payload)
            return
        if frame.command == packets.MEASURED:
            self._end_measurement()
        for number, answer in enumerate(self._answers(*frame)):
            self._answer(answer, number)

    def _measure(self, payload: bytes) -> None:
        """Answer the start of a measurement once a second, and once if the ring is not worn; end it at any other word.

        While it measures, the ring reports no walk.
        """
        self._end_measurement()
        kind, action = payload[0], payload[1]
        if action not in {START_MEASURING, GO_ON_MEASURING}:
            return
        self._measured_at = self._time.now
        if self.battery.charging:
            self._answer(Frame(packets.MEASURE, packets.Measured(kind, NOT_WORN, 0).payload()))
            return
        value = 72 if kind == 1 else 97
        for number in range(READINGS):
            answer = Frame(packets.MEASURE, packets.Measured(kind, 0, value).payload())
            self._send(packets.NOTIFY, answer.encode(), LATENCY + number * EVERY)

    def _end_measurement(self) -> None:
        self._client.recall(packets.NOTIFY, bytes([packets.MEASURE]))

    def _answers(self, command: int, payload: bytes) -> Sequence[Frame]:
        if command == packets.STEPS:
            return self._history(payload[0])
        if command in {POWER_OFF, FACTORY_RESET} and payload[:2] in {b"\1\0", b"\x66\x66"}:
            self._end(forget=command == FACTORY_RESET)
            return []
        if (reply := self._replies().get(command)) is None:
            return [Frame(command | packets.ERROR, bytes([packets.UNSUPPORTED]))]
        return [Frame(command, reply(payload))]

    def _replies(self) -> Mapping[int, Callable[[bytes], bytes]]:
        """Return, for each command that one frame answers, the function from its payload to that of the answer."""
        return {
            packets.SET_TIME: self._set_clock,
            packets.BATTERY: lambda _: self.battery.payload(),
            packets.PHONE: lambda _: b"",
            packets.PREFERENCES: self._prefer,
            packets.GOALS: self._goal,
            packets.BLINK: self._flash,
            packets.FIND: self._flash,
            packets.HEART_SETTINGS: self._heart,
            packets.HEART_LOG: lambda _: bytes([packets.NOTHING]),
            packets.TOTALS: lambda _: self._totals(),
            packets.MEASURED: lambda what: what[:1],
        }

    def _set_clock(self, payload: bytes) -> bytes:
        self.wall_clock.set(packets.time_of(payload))
        self._turn_day(self.wall_clock())
        return CAPABILITIES

    def _goal(self, payload: bytes) -> bytes:
        if payload[0] == packets.SET:
            self._goals = (packets.READ, *payload[1:])
        return bytes([payload[0], *self._goals[1:]])

    def _flash(self, payload: bytes) -> bytes:
        self.flashes.append(self._time.now)
        return payload

    def _totals(self) -> bytes:
        steps = self._today
        return Totals(steps, 0, steps * 58, steps * 3 // 4, steps // 80).payload()

    def _prefer(self, payload: bytes) -> bytes:
        if payload[0] == packets.SET:
            self._preferences = payload
            return payload[:1]
        return bytes([packets.READ]) + self._preferences[1:]

    def _heart(self, payload: bytes) -> bytes:
        if payload[0] == packets.SET:
            self.heart = HeartSettings.decode(payload)
            return payload[:2]
        return self.heart.payload()

    def _end(self, *, forget: bool) -> None:
        if forget:
            self.steps.clear()
            self._today = 0
        self._client.hang_up()

    def _history(self, ago: int) -> Sequence[Frame]:
        """Return the answer to command 0x43: the slots of a day that have steps, including the running one."""
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
        """The instant up to which the ring has lived."""
        return self._time.now

    def charge(self, now: datetime, *, on: bool) -> None:
        """Put the ring on its charger, or take it off. While it charges it counts no steps."""
        self._live(now)
        self.battery = Battery(self.battery.percent, on)
        self._send(packets.NOTIFY, Frame(packets.EVENT, bytes([packets.CHARGE]) + self.battery.payload()[:2]).encode())

    def reboot(self, now: datetime) -> None:
        """Restart the ring: it loses its clock, today's total and the connection, but keeps its stored hours."""
        self._live(now)
        self.wall_clock.set(BOOT)
        self._turn_day(self.wall_clock())
        self._today = 0
        self._client.hang_up()

    def _live(self, now: datetime) -> None:
        self._time.pass_until(now)
        self._turn_day(self.wall_clock())

    def _coming(self) -> Sequence[Event]:
        return [(self._walk[0].at, self._walked)] if self._walk else []

    def _walked(self) -> None:
        at, count = self._walk.popleft()
        wall = self.wall_clock(
            at - timedelta.resolution
        )  # the steps were taken before `at`: at a full hour they belong to the slot that ends
        self._turn_day(wall)
        if self.battery.charging:
            return
        slot = _Slot(wall.date(), (wall.hour * 4 + wall.minute // 15) // self.width * self.width)
        self.steps[slot] = min(self.steps.get(slot, 0) + count, 0xFFFF)
        self._today += count
        self._report()

    def _report(self) -> None:
        if not self.reports_walks or packets.NOTIFY not in self._client.subscribed:
            return
        if self._measured_at is not None and self._time.now < self._measured_at + MUTED:
            return
        self._walks_reported += 1
        event = Frame(packets.EVENT, Walking(self._today, self._today * 58, self._today * 3 // 4).payload()).encode()
        for _ in range(2 if self._walks_reported % TWICE == 0 else 1):
            self._client.send(packets.NOTIFY, event)

    def _turn_day(self, wall: datetime) -> None:
        if wall.date() != self._day:
            self._day, self._today = wall.date(), 0
            oldest = self._day - timedelta(days=packets.MOST_DAYS)
            if self._day.year > BOOT.year:
                self.steps = {slot: count for slot, count in self.steps.items() if slot.day >= oldest}

    # ------------------------------------------------------------------ out

    def _answer(self, frame: Frame, number: int = 0) -> None:
        self._send(packets.NOTIFY, frame.encode(), LATENCY + number * APART)

    def _send(self, characteristic: str, data: bytes, after: timedelta = LATENCY) -> None:
        self._client.send(characteristic, data, after=after)
