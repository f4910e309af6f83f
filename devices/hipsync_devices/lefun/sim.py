"""A simulated Lefun band, as it behaves towards any client.

It counts its wearer's steps into slots by its own clock, which knows no zone and no summer time. It ignores frames with
a wrong check byte, and commands that it does not know.

Some behaviour is a guess, because nobody has recorded it: how often the band reports its total, that it omits slots
without steps and sends the running slot too, and that a restart sets the clock to 2000 but clears no stored steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Unpack

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch
from hipsync.simulated import Service, Shown
from hipsync_devices import simulator
from hipsync_devices.lefun import packets
from hipsync_devices.lefun.packets import LAST_DAY, LONGEST, REPLY, SET, Frame, Piece, Record, Total
from hipsync_devices.simulator import BOOT, Client, ClientBand, Event, Given, Time, WallClock, can, walk

UNITS, PROFILE, FEATURES, SIT_REMINDER, DRINK_REMINDER, LANGUAGE = 0x02, 0x06, 0x08, 0x0B, 0x0C, 0x21
EXTENDED = 1 << 4
"""The flag in the kind of a text which says that a byte for the app precedes the words."""
VERSIONS = bytes.fromhex("ff2714f15031390201023219544a4450")
"""The answer of a real FT100 to the request for its versions."""
MOST_STEPS = 0xFFFF


@dataclass(slots=True)
class Faults(simulator.Faults):
    """What goes wrong on the air or in the firmware; notifications are numbered from 0 in each connection."""

    deaf: set[int] = field(default_factory=set[int])
    """Commands that the band neither obeys nor answers."""


class LefunBand(ClientBand):
    """A simulated Lefun band on a wrist, without a key. It implements `hipsync.simulated.Simulator`."""

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        name: str = "Lefun",
        slot: timedelta = 30 * MINUTE,
        omits_still: bool = True,
        pads: bool = False,
        reports_today: bool = True,
        **given: Unpack[Given],
    ) -> None:
        self.mtu, self.name, self.battery = 23, name, 87
        self.faults = Faults()
        self.shown: list[Shown] = []
        self.slot, self.omits_still, self.pads = slot, omits_still, pads
        """The length of a slot, whether slots without steps are omitted, and whether frames are padded to 20 bytes."""
        self.reports_today = reports_today
        """Whether the band answers with the true total of today; if not, it answers 0 until the day ends.

        One real device answers so. A total that the band sends without being asked is always true.
        """
        self.settings = {
            UNITS: bytes(3),
            PROFILE: bytes([0, 160, 50, 20]),
            FEATURES: bytes(2),
            SIT_REMINDER: b"\x3c",
            DRINK_REMINDER: b"\x3c",
            LANGUAGE: b"\0",
        }
        self._time = Time(given["now"], self._coming)
        self.wall_clock = WallClock(self._time, given)
        writable = {packets.WRITE: self._hear}
        self._client = Client(self._time, self._live, writable=writable, forget=self._forget_words)
        self._slots: dict[datetime, int] = {}
        """The steps of each slot, by its start on the band's wall clock."""
        self._words = b""
        """The beginning of a text whose last piece has not come yet."""
        self._lived = min((epoch.start for epoch in life), default=given["now"])
        """The instant up to which the band has counted; at first that is when its wearer put it on."""
        self._walk = walk(life)
        self._live(given["now"])

    def _forget_words(self) -> None:
        self._words = b""

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(name=self.name)

    def services(self) -> Sequence[Service]:
        return [
            Service(
                packets.SERVICE,
                (can(packets.NOTIFY, "notify"), can(packets.WRITE, "write", "write-without-response")),
            )
        ]

    # ------------------------------------------------------------------ commands

    def _hear(self, data: bytes) -> None:
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
                self.wall_clock.set(packets.decode_time(params[1:]))
                self._reply(command, bytes([SET, 1]))
            case packets.FIND, 0:
                self.shown.append(Shown(self._time.now, ""))
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
            before = self.settings[command] if command == UNITS else value
            self.settings[command] = bytes(old if new == 0xFF else new for old, new in zip(before, value, strict=True))
            self._reply(command, bytes([SET, 1]))
        elif op == packets.GET and not value:
            self._reply(command, bytes([op]) + self.settings[command])

    def _read_words(self, piece: Piece) -> None:
        text = piece.text[1:] if piece.kind & EXTENDED else piece.text
        self._words = text if piece.number == 1 else self._words + text
        if piece.number == piece.pieces:
            self.shown.append(Shown(self._time.now, self._words.decode(errors="replace")))

    def _total(self, days_ago: int, *, asked: bool) -> Total:
        day = self.wall_clock().date() - timedelta(days=days_ago)
        slots = [steps for start, steps in self._slots.items() if start.date() == day]
        if days_ago > LAST_DAY or (days_ago and not slots):
            return Total(days_ago, None)
        steps = 0 if asked and not days_ago and not self.reports_today else sum(slots)
        return Total(days_ago, day, steps, steps * 7 // 10, steps * 30)

    def _records(self, days_ago: int) -> Sequence[Record]:
        day = self.wall_clock().date() - timedelta(days=days_ago)
        slots = sorted((start, steps) for start, steps in self._slots.items() if start.date() == day)
        if not slots or days_ago > LAST_DAY:
            return [Record(days_ago)]
        return [
            Record(days_ago, len(slots), number, start, steps, steps * 7 // 10, steps * 30 & 0xFFFF)
            for number, (start, steps) in enumerate(slots, 1)
        ]

    # ------------------------------------------------------------------ time, and what the wearer does

    def reboot(self, now: datetime) -> None:
        """Restart the band: it loses its clock and the connection, but not its stored steps."""
        self._live(now)
        self.wall_clock.set(BOOT)
        self._client.hang_up()

    def _live(self, now: datetime) -> None:
        self._time.pass_until(now)
        self._begin_slots(now)

    def _coming(self) -> Sequence[Event]:
        return [(self._walk[0].at, self._walked)] if self._walk else []

    def _begin_slots(self, until: datetime) -> None:
        """Begin every slot up to `until` with 0 steps, if this band also stores slots without steps."""
        if not self.omits_still:
            start = self._slot(self.wall_clock(self._lived))
            while start < self.wall_clock(until):
                self._slots.setdefault(start, 0)
                start += self.slot
        self._lived = max(self._lived, until)

    def _walked(self) -> None:
        at, count = self._walk.popleft()
        self._begin_slots(at)
        wall = self.wall_clock(at - timedelta.resolution)  # taken before `at`: at a slot's end they belong to it
        slot = self._slot(wall)
        self._slots[slot] = min(self._slots.get(slot, 0) + count, MOST_STEPS)
        if packets.NOTIFY in self._client.subscribed:
            self._reply(packets.TOTAL, self._total(0, asked=False).encode())

    def _slot(self, wall: datetime) -> datetime:
        return wall - (wall - BOOT) % self.slot

    # ------------------------------------------------------------------ out

    def _reply(self, command: int, params: bytes) -> None:
        data = Frame(command, params, REPLY).encode()
        self._client.send(packets.NOTIFY, data.ljust(LONGEST, b"\0") if self.pads else data, faults=self.faults)
