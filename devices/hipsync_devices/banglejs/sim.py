"""A simulated Bangle.js with the apps Android Integration and Health Tracking, as the watch behaves towards any client.

It runs no JavaScript: it knows the statements that phones send, and ignores all others. Its wearer takes all steps of
an epoch at the end of the epoch. Source: espruino/BangleApps at 0fe18ed and espruino/Espruino at c5ff787.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Unpack

from hipsync.driver import Advertisement
from hipsync.model import Epoch, State
from hipsync.simulated import HangUp, Notification, Refused, Service, Shown
from hipsync_devices import simulator
from hipsync_devices.banglejs import packets
from hipsync_devices.banglejs.commands import command_of
from hipsync_devices.banglejs.packets import (
    BLOCK,
    EPOCH,
    BlockEnded,
    Button,
    FetchEnded,
    FetchStarted,
    Measured,
    Pressed,
    Status,
    Version,
    Walked,
    ZoneSet,
)
from hipsync_devices.banglejs.sim_console import CAPACITY, InputBuffer, Reader
from hipsync_devices.banglejs.sim_health import Health, Record, floor
from hipsync_devices.simulator import READ_NOT_PERMITTED, WRITE_NOT_PERMITTED, Event, Given, Time, can

MTU = {1: 53, 2: 131}
"""The ATT MTU of each hardware version, in bytes."""
INTERVAL = timedelta(milliseconds=7.5)
"""The connection interval, in which one packet is sent."""
GREETING = timedelta(seconds=2)
LOADING = timedelta(seconds=1)
"""How long an app takes to start; during that time the watch reads no input."""
WINDOW = timedelta(seconds=0.5)
"""The time from the arrival of a message until its window is on the screen."""
LATEST_S = int((datetime(9900, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
"""The latest time to which a client can set the clock, in seconds since 1970; Python reckons up to 9999 only."""
LONGEST_S = 24 * 86400
"""The longest time between two live reports, in seconds."""
TICK = timedelta(microseconds=642)
"""What the watch's clock has of a millisecond whenever a program asks: `Date.now()` is hardly ever a whole number."""
AGAIN, RINGS_FOR = timedelta(seconds=4), timedelta(seconds=60)


@dataclass(slots=True)
class Faults(simulator.Faults):
    """What goes wrong on the watch or on the air; packets are numbered from 0 in each connection."""

    flow_every: int | None = None
    """The watch sends XOFF and XON each time after this many bytes of output; None for never."""
    noise: bytes = b""
    """The output of some app that stands before every line."""
    turn_away: bool = False
    """Whether the watch ends each connection at once."""


@dataclass(slots=True)
class _Ring:
    """A message on the screen: when it buzzes next and until when, and when the wearer answers it (None for never)."""

    number: int
    buzz_at: datetime
    until: datetime
    answer_at: datetime | None


class Bangle:
    """A simulated Bangle.js on a wrist, without a key. It implements `hipsync.simulated.Simulator`.

    `android` and `health` are the versions of its apps, as the number after `0.`; None if it lacks the app. In its past
    it had the offset from UTC that the zone has at `now`.
    """

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        hardware: int = 2,
        firmware: str = "2v29",
        android: int | None = 47,
        health: int | None = 43,
        programmable: bool = True,
        heart_sensor: bool = False,
        answer: Button | None = None,
        answer_after: timedelta = timedelta(seconds=5),
        widdst: bool = False,
        **given: Unpack[Given],
    ) -> None:
        self.mtu = 23
        self.buzzes: list[datetime] = []
        self.shown: list[Shown] = []
        self.asked: list[Mapping[str, object]] = []
        """The objects of all calls of `GB` that Android Integration received."""
        self.faults = Faults()
        self.battery = Status(85, charging=False)
        self.answer, self.answer_after, self.widdst = answer, answer_after, widdst
        self._hardware, self._firmware, self._android = hardware, firmware, android
        self._programmable, self._heart_sensor = programmable, heart_sensor
        self.health = None if health is None else Health(health)
        self._life = deque(sorted(life, key=lambda epoch: epoch.end))
        self._time = Time(self._life[0].start if self._life else given["now"], self._coming)
        self._error = given.get("clock_error", timedelta())
        self.offset: timedelta = given["now"].astimezone(given["zone"]).utcoffset() or timedelta()
        self._saved_offset: timedelta = self.offset
        self._note: ZoneSet | None = None
        self._open: list[Epoch] = []
        self._ends = floor(self.clock()) + BLOCK
        """The end of the open block by the watch's clock."""
        self._steps = 0
        self._connected = False
        self._forget_connection()
        self._live(given["now"])

    def _forget_connection(self) -> None:
        self._subscribed = False
        self._input = InputBuffer(CAPACITY[self._hardware])
        self._reader = Reader(programmable=self._programmable)
        self._out = bytearray()
        self._packet, self._next_packet = 0, self._time.now
        self._hangs_up = False
        self._greets_at: datetime | None = None
        self._busy_until: datetime | None = None
        self._report: tuple[datetime, timedelta, int] | None = None
        """When the next live report is due, the time between two, and the count at the last one; None if not asked."""
        self._window: tuple[datetime, int, str] | None = None
        self._ring: _Ring | None = None

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(name="Bangle.js a1b2", services=frozenset({packets.UART}))

    def services(self) -> Sequence[Service]:
        console = can(packets.WRITE, "write", "write-without-response"), can(packets.NOTIFY, "notify")
        return [Service(packets.UART, console)]

    def connected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()
        self._connected = True
        self._hangs_up = self.faults.turn_away
        self._greets_at = now + GREETING if self._android is not None else None

    def disconnected(self, now: datetime) -> None:
        self._live(now)
        self._forget_connection()
        self._connected = False

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        del characteristic
        self._live(now)
        self._subscribed = subscribed

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        del characteristic, service, now
        raise Refused(READ_NOT_PERMITTED)

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        del service
        self._live(now)
        if characteristic != packets.WRITE:
            raise Refused(WRITE_NOT_PERMITTED)
        self._input.put(data)
        self._hear()

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        self._live(now)
        self._out = bytearray(self._input.asked()) + self._out if self._subscribed else bytearray()
        said: list[Notification | HangUp] = []
        while self._out and self._next_packet <= now:
            said += self._packets()
        return [*said, HangUp()] if self._hangs_up else said

    def _packets(self) -> list[Notification]:
        size, number, faults = min(self.mtu, MTU[self._hardware]) - 3, self._packet, self.faults
        data = bytes(self._out[:size])
        del self._out[:size]
        self._packet += 1
        self._next_packet = max(self._next_packet, self._time.now - timedelta(seconds=1)) + INTERVAL
        if faults.hang_up_at is not None and number >= faults.hang_up_at:
            self._hangs_up = True
            return []
        silent = faults.stall_at is not None and number >= faults.stall_at
        return [] if silent else [Notification(packets.NOTIFY, data)] * faults.copies(number)

    def wake_at(self) -> datetime | None:
        """Return the earliest instant at which the watch may have something to send; None without a connection."""
        if not self._connected:
            return None
        if self._hangs_up or self._input.flow:
            return self._time.now
        times = [at for at, what in self._coming() if what != self._live_epoch]
        return min([*times, *([self._next_packet] if self._out else [])])

    # ------------------------------------------------------------------ what it receives

    def _hear(self) -> None:
        if self._busy_until is not None:
            return
        for statement, echoed in self._reader.read(self._input.take()):
            self._flush_echo()
            fields = command_of(statement.encode("latin-1"), strict=not self._programmable)
            if fields is not None:
                self._called(fields, statement.encode("latin-1"))
            elif self._programmable:
                self._run(statement)
            if echoed:
                self._print(b"=undefined\r\n>")
        self._flush_echo()

    def _flush_echo(self) -> None:
        echoed, self._reader.echoed = self._reader.echoed, b""
        self._print(echoed)

    def _called(self, fields: Mapping[str, object], call: bytes) -> None:
        """Obey a call of `GB` with these members; `call` is the call as it came."""
        if self._android is None:
            if self._programmable:
                self._print(b'>Uncaught ReferenceError: "GB" is not defined\r\n')
            return
        self.asked.append(fields)
        match fields.get("t"):
            case "act" if self._android >= 23:
                self._ask_live(fields)
            case "actfetch" if self._android >= 31:
                self._fetch(fields)
            case "notify" if isinstance(number := fields.get("id"), int):
                self._notified(number, fields)
            case "notify-":
                self._window = self._ring = None
            case "notify~" | "call" | "find":
                pass
            case _ if self._programmable:
                self._print(b"GB Unknown " + call.rstrip(b"; ")[3:-1] + b"\r\n")
            case _:
                pass

    def _ask_live(self, fields: Mapping[str, object]) -> None:
        seconds = fields.get("int")
        self._report = None
        if (fields.get("stp") or fields.get("hrm")) and isinstance(seconds, int | float) and seconds > 0:
            every = timedelta(seconds=min(max(seconds, 1), LONGEST_S))
            self._report = (self._time.now + every, every, self._steps)

    def _fetch(self, fields: Mapping[str, object]) -> None:
        self._say(FetchStarted().encode())
        since = fields.get("ts")
        if self.health is None or not isinstance(since, int | float):
            self._print(b"Uncaught Error: Module health not found\r\n")
            return
        blocks = list(self.health.fetch(since, self.clock(), self.offset, activity=(self._android or 0) >= 41))
        for block in blocks:
            self._say(block.encode())
        self._say(FetchEnded(len(blocks)).encode())

    def _notified(self, number: int, fields: Mapping[str, object]) -> None:
        if self._programmable:  # the app prints what it receives
            self._print(b'notify\r\n  "t": "notify",\r\n  "id": ' + str(number).encode() + b"\r\n }\r\n")
        if number:
            text = f"{fields.get('title', '')} {fields.get('body', '')}".strip()
            self._window = (self._time.now + WINDOW, number, text)

    def _run(self, statement: str) -> None:
        if when := re.search(r"\bsetTime\((\d+(?:\.\d+)?)\)", statement):
            self._set_time(EPOCH + timedelta(seconds=min(float(when[1]), LATEST_S)))
        if zone := re.search(r"\bE\.setTimeZone\((-?\d+(?:\.\d+)?)\)", statement):
            self._set_zone(timedelta(minutes=round(min(max(float(zone[1]), -24), 24) * 60)), statement)
        if stringified := re.fullmatch(r"Bluetooth\.println\(JSON\.stringify\(\{(.*)\}\)\);?", statement):
            self._print(b"\r\n" + self._stringified(stringified[1]) + b"\r\n")
        if re.match(r"Bangle\.buzz\(", statement):
            self.shown.append(Shown(self._time.now, ""))
            self.buzzes.append(self._time.now)

    def _set_time(self, clock: datetime) -> None:
        self._error = clock - self._time.now
        if self._ends != floor(clock) + BLOCK:  # a jump over the end of the block ends it early
            self._end_block()

    def _set_zone(self, offset: timedelta, statement: str) -> None:
        before = self.offset
        if self.widdst or offset == before:
            return
        self.offset = offset
        if "hipsync.json" in statement:
            self._note = ZoneSet(self.clock() + TICK, before)
        if "setting.json" in statement:
            self._saved_offset = offset

    def _stringified(self, members: str) -> bytes:
        note = self._note
        known: dict[str, object] = {
            "process.env.VERSION": self._firmware,
            "Date.now()": packets.date_now(self.clock() + TICK),
            "new Date().getTimezoneOffset()": -(self.offset // timedelta(minutes=1)),
            "E.getBattery()": self.battery.percent,
            "Bangle.isCharging()": bool(self.battery.charging),
            'require("Storage").readJSON("hipsync.json",1)': note and note.fields(),
        }
        expressions = "|".join([r'"\w*"', *map(re.escape, known)])
        found = re.findall(rf"(\w+):({expressions})", members)
        values = {name: known.get(value, value.strip('"')) for name, value in found}
        return packets.to_json({name: value for name, value in values.items() if value is not None})

    # ------------------------------------------------------------------ what it says

    def _print(self, data: bytes) -> None:
        if not self._subscribed or not data:
            return
        if not self._out:
            self._next_packet = max(self._next_packet, self._time.now)
        every = self.faults.flow_every or len(data)
        self._out += b"\x13\x11".join(data[at : at + every] for at in range(0, len(data), every))

    def _say(self, line: bytes) -> None:
        """Print a line, preceded by a line end that ends whatever was printed before."""
        self._print(self.faults.noise + b"\r\n" + line + b"\r\n")

    def _greet(self) -> None:
        self._greets_at = None
        self._say(self.battery.encode())
        if (self._android or 0) >= 30:
            self._say(Version(self._firmware, str(self._hardware)).encode())
        self._say(b'{"t":"force_calendar_sync","ids":[]}')

    # ------------------------------------------------------------------ time, and what happens

    def clock(self) -> datetime:
        """Return the instant that the watch takes for now."""
        return self._time.now + self._error

    def load_app(self, now: datetime) -> None:
        """Load an app, which restarts the interpreter: live reports, the greeting and an unsaved zone are forgotten."""
        self._live(now)
        self._report = self._greets_at = None
        self.offset = self._saved_offset
        self._busy_until = self._time.now + LOADING

    def reboot(self, now: datetime) -> None:
        """Restart the watch: it loses the open block and the connection, but keeps its clock and its files."""
        self._live(now)
        self._open, self._steps = [], 0
        self.offset = self._saved_offset
        self._hangs_up = self._connected

    def _live(self, now: datetime) -> None:
        self._time.pass_until(now)

    def _coming(self) -> Sequence[Event]:
        """Return the events to come; of those at the same instant, the one listed first happens first."""
        coming: list[Event] = []
        if self._life:
            coming.append((self._life[0].end, self._live_epoch))
        coming.append((self._ends - self._error, self._end_block))
        if self._report is not None:
            coming.append((self._report[0], self._report_steps))
        if self._greets_at is not None:
            coming.append((self._greets_at, self._greet))
        if self._busy_until is not None:
            coming.append((self._busy_until, self._ready))
        if self._window is not None:
            coming.append((self._window[0], self._open_window))
        if self._ring is not None:
            coming.append((self._ring.buzz_at, self._buzz))
            if self._ring.answer_at is not None:
                coming.append((self._ring.answer_at, self._press))
        return coming

    def _live_epoch(self) -> None:
        epoch = self._life.popleft()
        self._open.append(epoch)
        self._steps += epoch.steps

    def _end_block(self) -> None:
        lived, self._open = self._open, []
        self._ends = floor(self.clock()) + BLOCK
        if not lived:
            return  # the watch was off
        record, bpm = self._recorded(lived)
        if self.health is not None:
            self.health.file(self.clock(), self.offset, record)
        if self._connected and self._android is not None:
            movement = sum(epoch.intensity or 0 for epoch in lived) * 8 / len(lived)
            known = record.activity if self._android >= 40 else None
            self._say(BlockEnded(Measured(record.steps, bpm, movement, known)).encode())
            self._say(self.battery.encode())

    def _recorded(self, lived: Sequence[Epoch]) -> tuple[Record, float]:
        """Return the record of a block, and its mean heart rate in beats a minute; 0 if the sensor is off."""
        pulses = [epoch.heart_rate for epoch in lived if epoch.heart_rate] if self._heart_sensor else []
        best = sum(pulses) / len(pulses) if pulses else 0
        steps = sum(epoch.steps for epoch in lived)
        unworn = all(epoch.state in {State.NOT_WORN, State.CHARGING} for epoch in lived)
        running = any(epoch.state is State.RUNNING for epoch in lived)
        activity = "EXERCISE" if running else "WALKING" if steps > 200 else "NOT_WORN" if unworn else "UNKNOWN"
        record = Record(
            steps,
            bpm_min=int(best),  # the watch's least bpm stays 0, and then it stores the best one
            bpm_max=max(pulses, default=0),
            movement=sum(epoch.intensity or 0 for epoch in lived) * 8 // len(lived),
            battery=self.battery.percent or 0,
            charging=bool(self.battery.charging),
            temperature=25.5,
            activity=activity,
        )
        return record, round(best, 1)

    def _report_steps(self) -> None:
        if self._report is not None:
            due, every, before = self._report
            self._report = (due + every, every, self._steps)
            self._say(Walked(max(self._steps - before, 0)).encode())

    def _ready(self) -> None:
        self._busy_until = None
        self._hear()

    def _open_window(self) -> None:
        if self._window is not None:
            (at, number, text), self._window = self._window, None
            self.shown.append(Shown(at, text))
            answer_at = None if self.answer is None else at + self.answer_after
            self._ring = _Ring(number, at, at + RINGS_FOR, answer_at)
            self._report = self._greets_at = None
            self.offset = self._saved_offset
            self._busy_until = self._time.now + LOADING

    def _buzz(self) -> None:
        if self._ring is not None:
            self.buzzes.append(self._time.now)
            self._ring.buzz_at += AGAIN
            if self._ring.buzz_at > self._ring.until:
                self._ring = None

    def _press(self) -> None:
        if self._ring is not None and self.answer is not None:
            self._say(Pressed(self._ring.number, self.answer).encode())
            self._ring = None
