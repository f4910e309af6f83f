"""A simulated Garmin watch on a wrist, as it behaves towards any client.

It has three lanes of Multi-Link, live steps and heart rate, GFDI, and a memory of files. Its GATT table is that of a
Forerunner 255 (EroSagiri/PulseBridge at 18f2befa, `docs/multilink-services.md`), its files are those of a vívosmart 4.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple, Unpack

from hipsync.driver import Advertisement
from hipsync.model import MINUTE, Epoch, Workout
from hipsync.simulated import Service, Shown
from hipsync_devices import gatt
from hipsync_devices.garmin import live, multilink
from hipsync_devices.garmin.gfdi import Clock, Device
from hipsync_devices.garmin.multilink import CONTROL, AllClosed, Closed, Number, Registered, Status
from hipsync_devices.garmin.reliable import RELIABLE, Ends, Packet
from hipsync_devices.garmin.sim_gfdi import GfdiFaults, Peer
from hipsync_devices.garmin.sim_login import DIGITS, Guard
from hipsync_devices.garmin.sim_memory import Memory
from hipsync_devices.simulator import Client, ClientBand, Event, Given, Time, can, minutes, walk

LANES = (multilink.LANES[0], multilink.LANES[1], multilink.LANES[-1])
SERVICES = frozenset({1, 2, 4, 6, 7, 8, 9, 10, 12, 13, 15, 16, 17, 19, 20, 21, 22, 24, 28})
"""The services that a Forerunner 255 told (`ml-query-00-fr255` in `tests/vectors/garmin.json`). Here only three do
anything; the others are as silent as that watch's were at rest."""
BEAT = timedelta(seconds=2)
"""The interval at which a heart rate comes; a real watch sends one or two in that time."""
SECOND = timedelta(seconds=1)
FIRST_HANDLE = 0x23
GOAL = 8000
UNIT = 1_234_567_890


class Handle(NamedTuple):
    """A service that a client has registered on one lane."""

    lane: int
    service: int
    client: bytes
    ends: Ends | None = None
    """What a reliable handle has sent and expects."""


@dataclass(slots=True)
class LinkFaults:
    """What goes wrong below GFDI."""

    phone_holds: bool = False
    """Whether another client has the watch, which then does not answer when all handles are to be closed."""
    status: int = Status.OK
    """How every registration is answered; anything but `Status.OK` gives no handle."""
    refused: set[int] = field(default_factory=set[int])
    """Services whose registration is rejected."""
    mute: bool = False
    """Whether GFDI is given a handle and then says nothing."""
    reliable: bool = False
    """Whether each handle is a reliable one, whatever was asked."""


class GarminWatch(ClientBand):
    """A simulated Garmin watch on a wrist. A bond is the business of the radio.

    It has no key unless it `pairs_by` one of the modes of its own login (`sim_login`), for a link without a bond. It
    implements `hipsync.simulated.Simulator`.
    """

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        name: str = "v\u00edvosmart 5",
        longest: int = 520,
        workouts: Sequence[Workout] = (),
        authenticates: bool = False,
        pairs_by: int | None = None,
        address: str = "C0:00:00:00:00:01",
        choice: int | None = None,
        choice_after: timedelta = timedelta(seconds=5),
        seed: int = 1,
        **given: Unpack[Given],
    ) -> None:
        self.mtu, self.name, self.battery = 23, name, 78
        self.shown: list[Shown] = []
        self.link_faults, self.faults = LinkFaults(), GfdiFaults()
        self.device = Device(150, 3889, UNIT, 1412, longest, name, name, "hipsync")
        self._authenticates = authenticates
        self.guard = None if pairs_by is None else Guard(pairs_by, address, self.show, random.Random(seed))
        """What lets hosts in, over a link without a bond; None for a watch that lets in all, or is bonded."""
        if self.guard is not None and (kept := given.get("secret")) is not None:
            self.guard.take_over(kept)
        self.choice, self.choice_after = choice, choice_after
        self._random = random.Random(seed)
        self._time = Time(given["now"], self._coming)
        self._clock_error = given.get("clock_error", timedelta())
        self.memory = Memory(given["now"].astimezone(given["zone"]).utcoffset() or timedelta())
        self._life, self._walk = minutes(life), walk(life)
        self._workouts = sorted(workouts, key=lambda each: each.end)
        self._today, self._day = 0, date.min
        self._off: tuple[datetime, datetime] | None = None
        self._handles: dict[int, Handle] = {}
        self.peer: Peer | None = None
        """The other end of GFDI; None while no client has registered it."""
        self.peers: list[Peer] = []
        """All of them so far, the last one included."""
        self.closes_unasked: list[int] = []
        """Services that were closed by `close_unasked`."""
        writable = {write: self._writer(lane) for lane, (_, write) in enumerate(LANES)}
        writable |= {notify: self._ignore for notify, _ in LANES} | {multilink.QUERY: self._query}
        self._asked = 0
        self._client = Client(self._time, self._live, self._readable, writable, self._forget)
        self._pulse: int | None = None
        self._beat_at: datetime | None = None
        self._live(given["now"])

    def _forget(self) -> None:
        self._handles.clear()
        self.peer, self._beat_at = None, None
        self._next_handle = FIRST_HANDLE + self._random.randrange(0x60)

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(name=self.name)

    def services(self) -> Sequence[Service]:
        told = can(multilink.QUERY, "read", "write", "write-without-response")
        pairs = [
            each
            for notify, write in LANES
            for each in (
                can(notify, "read", "write", "write-without-response", "notify"),
                can(write, "write", "write-without-response"),
            )
        ]
        return [
            Service(gatt.GENERIC_ACCESS, (can(gatt.DEVICE_NAME, "read"),)),
            Service(multilink.SERVICE, (told, *pairs)),
            Service(gatt.HEART_RATE, (can(gatt.HEART_RATE_MEASUREMENT, "notify"),)),
        ]

    def _readable(self) -> dict[str, bytes]:
        answers = {
            0: bytes([0]) + sum(1 << number for number in SERVICES).to_bytes(4, "little"),
            2: b"\x02\x01\x02\x02",
            3: b"\x03" + self.device.product.to_bytes(2, "little") + bytes(6),
        }
        return {
            gatt.DEVICE_NAME: self.name.encode(),
            multilink.QUERY: answers.get(self._asked, bytes([self._asked])),
            **{notify: b"" for notify, _ in LANES},
        }

    def _ignore(self, data: bytes) -> None:
        """Take a write that a real watch allows, and of which nobody knows what it does."""

    def _query(self, data: bytes) -> None:
        self._asked = data[0] if data else 0

    # ------------------------------------------------------------------ Multi-Link

    def _writer(self, lane: int) -> Callable[[bytes], None]:
        return lambda data: self._written(lane, data)

    def _written(self, lane: int, data: bytes) -> None:
        if not data:
            return
        if data[0] == CONTROL:
            self._control(lane, data)
            return
        handle, heard = self._handles.get(data[0]), data[1:]
        if data[0] & RELIABLE and len(data) > 1:
            found = [held for held in self._handles.values() if held.ends is not None and held.ends.is_for(data)]
            if found and found[0].ends is not None:
                handle, heard = found[0], found[0].ends.take(Packet.decode(data))
        if handle is not None and handle.lane == lane and handle.service == Number.GFDI and self.peer is not None:
            self.peer.hear(heard)

    def _control(self, lane: int, data: bytes) -> None:
        kind, client, rest = data[1] if len(data) > 1 else 0xFF, data[2:10].ljust(8, b"\0"), data[10:]
        service = int.from_bytes(rest[:2], "little")
        if kind == multilink.CLOSE_ALL and not self.link_faults.phone_holds:
            for number in [number for number, held in self._handles.items() if held.lane == lane]:
                self._drop(number)
            self._say(lane, AllClosed(client).encode())
        elif kind == multilink.REGISTER:
            self._register(lane, client, service)
        elif kind == multilink.CLOSE and len(rest) > 2:
            self._drop(rest[2])
            self._say(lane, Closed(client, service, rest[2]).encode())

    def _register(self, lane: int, client: bytes, service: int) -> None:
        status = self.link_faults.status
        if service not in SERVICES:
            status = Status.INVALID
        elif service in self.link_faults.refused:
            status = Status.REJECTED
        elif any(held.service == service and held.client != client for held in self._handles.values()):
            status = Status.IN_USE
        if status != Status.OK:
            self._say(lane, Registered(client, service, status).encode())
            return
        for number in [number for number, held in self._handles.items() if held.service == service]:
            self._drop(number)
        number, self._next_handle = self._next_handle, self._next_handle + 1
        reliable = self.link_faults.reliable
        self._handles[number] = Handle(lane, service, client, Ends(number) if reliable else None)
        self._say(lane, Registered(client, service, Status.OK, number, reliable).encode())
        if service == Number.STEPS:
            self._tell(Number.STEPS, live.Steps(self._today, GOAL).encode())
        elif service == Number.HEART_RATE:
            self._beat_at = self._time.now + BEAT
        elif service == Number.GFDI and not self.link_faults.mute:
            self.peer = Peer(
                self,
                self.device,
                self.faults,
                lambda: self._time.now,
                lambda held: self._tell(Number.GFDI, held),
                self._client.hang_up,
                authenticates=self._authenticates,
                guard=self.guard,
            )
            self.peers.append(self.peer)

    def _drop(self, number: int) -> None:
        held = self._handles.pop(number, None)
        if held is None:
            return
        if held.service == Number.GFDI:
            self.peer = None
        elif held.service == Number.HEART_RATE:
            self._beat_at = None

    def close_unasked(self, service: int) -> None:
        """Close a service that a client has registered, as watches do at times."""
        for number in [number for number, held in self._handles.items() if held.service == service]:
            held = self._handles[number]
            self._drop(number)
            self.closes_unasked.append(service)
            self._say(held.lane, Closed(held.client, service, number).encode())

    def say(self, data: bytes) -> None:
        """Send a packet on the first lane, whoever has which handle."""
        self._say(0, data)

    def _say(self, lane: int, data: bytes) -> None:
        self._client.send(LANES[lane][0], data)

    def _tell(self, service: int, data: bytes) -> None:
        for number, held in self._handles.items():
            if held.service == service:
                cut = multilink.pieces(number, data, self.mtu - 3)
                for packet in cut if held.ends is None else held.ends.send(data, self.mtu - 3):
                    self._say(held.lane, packet)

    # ------------------------------------------------------------------ what GFDI asks of the watch

    def clock(self) -> datetime:
        return self._time.now + self._clock_error

    def set_clock(self, clock: Clock) -> None:
        """Set the clock as a host has told; a jump ends the file that is being written."""
        error = clock.instant - self._time.now
        if abs(error - self._clock_error) >= timedelta(seconds=2):
            self.memory.close()
            self._clock_error = timedelta() if abs(error) < timedelta(seconds=2) else error
        self.memory.ahead = clock.offset

    def buzz(self, seconds: int) -> None:
        if seconds:
            self.shown.append(Shown(self._time.now, ""))

    def show(self, text: str) -> None:
        self.shown.append(Shown(self._time.now, text))

    # ------------------------------------------------------------------ time, and what the wearer does

    def reboot(self, now: datetime, off: timedelta = MINUTE) -> None:
        """Restart the watch: it loses the connection and the minutes while it is off, and nothing else.

        That nothing else is lost is our guess.
        """
        self._live(now)
        self._off = now, now + off
        self._client.forget()
        self._client.hang_up()

    def _live(self, now: datetime) -> None:
        self._time.pass_until(now)
        if (day := (self.clock() + self.memory.ahead).date()) != self._day:
            self._new_day(day)

    def _new_day(self, day: date) -> None:
        self._day = day
        if self._today:
            self._today = 0
            self._tell(Number.STEPS, live.Steps(0, GOAL).encode())

    def _coming(self) -> Sequence[Event]:
        again = self.peer.again_at() if self.peer is not None else None
        press = self.peer.screen.press if self.peer is not None else None
        login = self.peer.login if self.peer is not None else None
        coming: list[tuple[datetime | None, Callable[[], None]]] = [
            (self._walk[0].at if self._walk else None, self._walked),
            (self._life[0].end if self._life else None, self._record),
            (self._workouts[0].end if self._workouts else None, self._recorded),
            (self._beat_at, self._beat),
            (again, self._ask_again),
            (press.at if press is not None else None, self._pressed),
            (login.ends_at if login is not None else None, self._gave_up),
        ]
        return [(at, happens) for at, happens in coming if at is not None]

    def _ask_again(self) -> None:
        if self.peer is not None:
            self.peer.ask_again()

    def _pressed(self) -> None:
        if self.peer is not None:
            self.peer.screen.pressed()

    def _gave_up(self) -> None:
        """End the connection, because nobody has typed the digits."""
        if self.peer is not None and self.peer.login is not None:
            self.peer.login.ends_at = None
            self.peer.login.hang_up()

    def _walked(self) -> None:
        walked = self._walk.popleft()
        if self._is_off(walked.at, walked.at):
            return
        taken = walked.at - SECOND  # the steps of the two seconds before midnight count for the day before
        if (day := (taken + self._clock_error + self.memory.ahead).date()) != self._day:
            self._new_day(day)
        self._today += walked.steps
        self._tell(Number.STEPS, live.Steps(self._today, GOAL).encode())

    def _is_off(self, start: datetime, end: datetime) -> bool:
        return self._off is not None and start < self._off[1] and self._off[0] < end

    def _record(self) -> None:
        epoch = self._life.popleft()
        if self._is_off(epoch.start, epoch.end):
            return
        self._pulse = epoch.heart_rate
        stamp = epoch.start + self._clock_error
        self.memory.keep(stamp.replace(second=0, microsecond=0), epoch)

    def _recorded(self) -> None:
        workout = self._workouts.pop(0)
        start, end = workout.start + self._clock_error, workout.end + self._clock_error
        self.memory.record(Workout(workout.kind, start, end))

    def _beat(self) -> None:
        self._beat_at = self._time.now + BEAT
        self._tell(Number.HEART_RATE, live.HeartRate(self._pulse, 51).encode())


class UnbondedWatch(GarminWatch):
    """A watch that lets a host in by its own login alone, with digits on its screen."""

    def __init__(self, life: Sequence[Epoch], *, workouts: Sequence[Workout] = (), **given: Unpack[Given]) -> None:
        super().__init__(life, workouts=workouts, pairs_by=DIGITS, **given)
