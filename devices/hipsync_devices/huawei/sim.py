"""A simulated Huawei or Honor band, as it behaves towards any client.

It counts its wearer's minutes by its own clock, which runs in UTC and may be wrong, and starts its totals anew at
midnight by the offset that it was set to. It answers nothing but the login before the login, and nothing after it that
is not sealed. It says things that nobody asked for, in the same notification as an answer. It never tells whether it is
worn.

Some behaviour is a guess, because nobody has measured it: how long minutes are remembered, that records begin at whole
multiples of their length, that a night is listed once it is over, and what a restart leaves of the clock.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from hipsync.driver import Advertisement
from hipsync.model import MINUTE, Epoch, State, Workout, WorkoutKind
from hipsync.simulated import Service, Shown
from hipsync_devices import gatt, simulator
from hipsync_devices.huawei import frames, minutes, packets, setup, workouts
from hipsync_devices.huawei.keys import Keys
from hipsync_devices.huawei.sim_login import (
    BAND_10,
    HONOR_BAND_3,
    HONOR_BAND_4,
    HONOR_BAND_6,
    Login,
    Model,
    Owner,
)
from hipsync_devices.huawei.sim_memory import REMEMBERS, Memory, Sport, Stored
from hipsync_devices.huawei.sim_wire import Ear, Heard, Unreadable, fields, first, framed, number
from hipsync_devices.huawei.sim_wire import field as tagged
from hipsync_devices.simulator import Client, ClientBand, Event, Given, Time, can, walk
from hipsync_devices.simulator import minutes as minutes_of

UNKNOWN = 100_001
MUSIC, DATA_SYNC = (0x25, 0x03), (0x37, 0x01)
CHATTER = MUSIC, DATA_SYNC, packets.MOVED
"""What the band says unasked, in turn."""
EVERY = 7
"""How many answers of a chatty band lie between two things that it says unasked."""
BOOT = datetime(2000, 1, 1, tzinfo=UTC)
"""The time at which the clock starts again after a restart."""
CODES = {
    WorkoutKind.RUNNING: 1, WorkoutKind.WALKING: 2, WorkoutKind.CYCLING: 3, WorkoutKind.TREADMILL: 5,
    WorkoutKind.CYCLING_INDOOR: 7, WorkoutKind.ROWING_MACHINE: 135, WorkoutKind.ROWING: 200, WorkoutKind.OTHER: 255,
}  # fmt: skip
"""The band's own number for a kind of workout."""
HAS_BITS = bytes(16)
"""The bit field of capabilities: none of the optional ones."""


class More(TypedDict, total=False):
    """The keyword arguments of these bands besides those of all simulated bands."""

    name: str
    address: str
    taps_after: timedelta | None
    chatty: bool
    seed: int
    workouts: Sequence[Workout]
    """What the wearer records on the band."""


class GivenHuawei(Given, More):
    """All keyword arguments of these bands."""


@dataclass(slots=True)
class Faults(simulator.Faults):
    """What goes wrong in the firmware; notifications are numbered from 0 in each connection, messages too."""

    wrong_checksum: set[int] = field(default_factory=set[int])
    """The numbers of the messages whose last byte is wrong."""
    busy: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    """Commands that are answered with "busy" once."""
    deaf: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    """Commands that are never answered."""
    miscount: int = 0
    """What is added to every count of records."""
    other_index: int = 0
    """What is added to the index in a record."""
    silent_workouts: set[int] = field(default_factory=set[int])
    """The numbers of the workouts whose totals are never told."""
    instead: dict[tuple[tuple[int, int], datetime], bytes | None] = field(
        default_factory=dict[tuple[tuple[int, int], datetime], bytes | None]
    )
    """By command and minute, what is answered in the place of the record that holds the minute; None for nothing."""


class HuaweiBand(ClientBand):
    """A simulated band with HiChain3 on a wrist, such as a Band 10. It implements `hipsync.simulated.Simulator`.

    `secret` is what a client keeps of a band that it was paired with (`keys.Keys`).
    """

    model: Model = BAND_10
    default_name = "HUAWEI Band 10-A1B"

    def __init__(self, life: Sequence[Epoch], **given: Unpack[GivenHuawei]) -> None:
        self.mtu = 23
        self.name = given.get("name", self.default_name)
        self.address = given.get("address", "C0:00:00:00:00:01")
        self.taps_after = given.get("taps_after", timedelta(seconds=2))
        """How long after the question the wearer taps yes; None if never."""
        self.chatty = given.get("chatty", True)
        """Whether the band says things that nobody asked for."""
        self.battery, self.firmware, self.serial = 72, "6.0.0.125", "QXZ7S20C11000321"
        self.shown: list[Shown] = []
        self.faults = Faults()
        self.owner = Owner()
        self.memory = Memory()
        self.draws: list[bytes] = []
        """The next random bytes that the band draws; when they are used up, it draws its own."""
        self.on_pair_screen = True
        """Whether the band still shows that it wants to be paired."""
        self.heard: list[tuple[int, int]] = []
        """What clients have asked since they logged in, in order, in all connections."""
        self.answered_moves = 0
        """How often a client answered the message that must not be answered."""
        self._random = random.Random(given.get("seed", 0))
        self._time = Time(given["now"], self._coming)
        self._ahead = given.get("clock_error", timedelta())
        self._offset = given["now"].astimezone(given["zone"]).utcoffset() or timedelta()
        self._life, self._walk = minutes_of(life), walk(life)
        self._workouts = deque(sorted(given.get("workouts", ()), key=lambda each: each.end))
        self._asleep: list[int] = []
        self.steps = 0
        """The steps since the band's midnight."""
        self._today = self._local(self._life[0].start if self._life else given["now"]).date()
        self._client = Client(self._time, self._live, self._readable, {frames.WRITE: self._hear}, self._forget)
        self._take_over(given.get("secret"))
        self._forget()
        self._live(given["now"])

    def _take_over(self, secret: bytes | None) -> None:
        """Begin as a band that was paired already, with whoever kept this."""
        if secret is None:
            return
        kept = Keys.of(secret)
        self.on_pair_screen = False
        self.owner.keys, self.owner.tokens = {kept.phone.encode(): kept.session}, {kept.identity: kept.token}

    def _forget(self) -> None:
        self._ear = Ear()
        self.login = Login(self.model, self.address, self.owner, self._draw)
        self.messages = self._answers = 0
        self._setup: set[tuple[int, int]] = set()
        self._out: list[bytes] = []

    def _draw(self, size: int) -> bytes:
        return self.draws.pop(0) if self.draws else self._random.randbytes(size)

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(name=self.name, services=frozenset({frames.SERVICE}))

    def services(self) -> Sequence[Service]:
        return (
            Service(gatt.DEVICE_INFORMATION, tuple(can(uuid, "read") for uuid in self._readable())),
            Service(
                frames.SERVICE,
                (can(frames.WRITE, "write", "write-without-response"), can(frames.NOTIFY, "notify")),
            ),
        )

    def _readable(self) -> dict[str, bytes]:
        return {gatt.SOFTWARE_REVISION: self.firmware.encode(), gatt.HARDWARE_REVISION: b"NA"}

    def _hear(self, data: bytes) -> None:
        """Receive bytes of the client, and send the answers to them."""
        for heard in self._ear.hear(data):
            self._message(heard)
        self._flush()

    def _flush(self, after: timedelta = timedelta()) -> None:
        """Send the frames that wait, cut as the link wants it. A chatty band joins them to one stream before."""
        room = min(self.model.link_size, self.mtu - 3)
        streams, self._out = [b"".join(self._out)] if self.chatty else self._out, []
        for stream in streams:
            for at in range(0, len(stream), room):
                self._client.send(frames.NOTIFY, stream[at : at + room], after=after, faults=self.faults)

    # ------------------------------------------------------------------ messages

    def _message(self, heard: Heard) -> None:
        what = (heard.service, heard.command)
        if what in self.faults.deaf:
            return
        if what in self.faults.busy:
            self.faults.busy.discard(what)
            self._refuse(what, packets.BUSY)
            return
        try:
            if what in packets.LOGIN:
                self._logging_in(what, heard)
            elif self.login.seal is None:
                self._refuse(what, packets.BUSY)
            else:
                self._serve(what, self.login.seal.opened(heard.body))
        except Unreadable:
            self._refuse(what, packets.BUSY)

    def _logging_in(self, what: tuple[int, int], heard: Heard) -> None:
        if what == packets.HICHAIN and self.chatty:
            self._say(MUSIC)
        body = self.login.answer(heard)
        if self.login.wants_tap and self.on_pair_screen:
            if self.taps_after is not None:
                self._send(what, body, sealed=False)
                self._flush(self.taps_after)
            return
        self._send(what, body, sealed=False)

    def _serve(self, what: tuple[int, int], body: bytes) -> None:
        found = fields(body)
        self.heard.append(what)
        if any(tag == packets.RESULT for tag, _ in found):
            return
        if what in {packets.PHONE_INFO, packets.PERMISSION}:
            self._setup.add(what)
            if self._setup >= {packets.PHONE_INFO, packets.PERMISSION}:
                self.on_pair_screen = False
            return
        if what == packets.MOVED:
            self.answered_moves += 1
            self._say(packets.MOVED)
            return
        self._chat()
        for answer in self._answers_to(what, found):
            self._send(what, answer, sealed=not self.model.plain_answers)

    def _answers_to(self, what: tuple[int, int], found: list[tuple[int, bytes]]) -> Iterator[bytes]:
        known: dict[tuple[int, int], Callable[[list[tuple[int, bytes]]], bytes | None]] = {
            packets.TIME: self._set_clock, packets.PRODUCT: self._product,
            packets.BATTERY: lambda _: number(1, self.battery, 1), packets.TOTALS: lambda _: self._totals(),
            packets.NAMES_OF_SERVICES: lambda asked: tagged(2, b"\1" * len(first(asked, 1))),
            packets.COMMANDS: self._commands, packets.CAPABILITIES: lambda _: tagged(1, HAS_BITS),
            minutes.COUNT_MINUTES: self._count_minutes, minutes.MINUTES: self._minutes,
            minutes.COUNT_SLEEP: self._count_nights, minutes.SLEEP: self._night, workouts.LIST: self._sports,
            workouts.TOTALS: self._sport, packets.NOTIFY: self._show,
            setup.LAST_WORD: self._ask_phone, **dict.fromkeys(
                (setup.SETTINGS, setup.AGREEMENTS, setup.ACTIVATE), lambda _: number(packets.RESULT, packets.OK, 4)
            ),
        }  # fmt: skip
        if what in {setup.SETTINGS, setup.AGREEMENTS, setup.ACTIVATE}:
            self._setup.add(what)
        if what not in known:
            yield number(packets.RESULT, UNKNOWN, 4)
        elif (answer := known[what](found)) is not None:
            yield answer

    def _refuse(self, what: tuple[int, int], code: int) -> None:
        self._send(what, number(packets.RESULT, code, 4), sealed=False)

    def _send(self, what: tuple[int, int], body: bytes, *, sealed: bool) -> None:
        if sealed and self.login.seal is not None:
            body = self.login.seal.sealed(self._draw(16), body)
        cut = framed(Heard(*what, body), self.model.slice_size)
        if self.messages in self.faults.wrong_checksum:
            cut[-1] = cut[-1][:-1] + bytes([cut[-1][-1] ^ 1])
        self.messages += 1
        self._out += cut

    def _chat(self) -> None:
        """Say something unasked before every seventh answer; it travels in the same notification."""
        self._answers += 1
        if self.chatty and self._answers % EVERY == 0:
            self._say(CHATTER[self._answers // EVERY % len(CHATTER)])

    def _say(self, what: tuple[int, int]) -> None:
        self._send(what, number(1, 1, 1), sealed=not self.model.plain_answers)

    def push(self, what: tuple[int, int], body: bytes, now: datetime) -> None:
        """Send a message unasked, under seal after a login."""
        self._live(now)
        self._send(what, body, sealed=True)
        self._flush()

    # ------------------------------------------------------------------ device

    def _set_clock(self, found: list[tuple[int, bytes]]) -> bytes:
        told, zone = int.from_bytes(first(found, 1), "big"), first(found, 2)
        self._ahead = datetime.fromtimestamp(told, UTC) - self._time.now
        offset = timedelta(hours=zone[0] & 0x7F, minutes=zone[1])
        self._offset = -offset if zone[0] & 0x80 else offset
        self._turn_day()
        return number(1, told, 4)

    def _product(self, found: list[tuple[int, bytes]]) -> bytes:
        if any(tag == 0 for tag, _ in found):
            return number(packets.RESULT, packets.WRONG_PARAMETER, 4)
        texts = (
            (3, b"NA"),
            (7, self.firmware.encode()),
            (9, self.serial.encode()),
            (0x0A, b"KIM-B19".ljust(16, b"\0")),
        )
        asked = {tag for tag, _ in found} | {3}
        return b"".join(tagged(tag, text) for tag, text in texts if tag in asked)

    def _commands(self, found: list[tuple[int, bytes]]) -> bytes:
        asked = fields(first(found, 0x81))
        told = (tagged(2, value) if tag == 2 else tagged(4, b"\1" * len(value)) for tag, value in asked)
        return tagged(0x81, *told)

    def _totals(self) -> bytes:
        steps = self.steps
        kcal, metres = steps // 32, steps * 652 // 1000
        walked = number(4, 1, 1) + number(5, steps, 4) + number(6, kcal, 2) + number(7, metres, 4)
        return tagged(0x81, number(2, kcal, 4), tagged(0x83, walked))

    def _show(self, found: list[tuple[int, bytes]]) -> bytes:
        lines = fields(first(fields(first(found, 0x84)), 0x8C))
        texts = [first(fields(line), 0x10).decode("utf-8", "replace") for tag, line in lines if tag == 0x8D]
        self.shown.append(Shown(self._time.now, "\n".join(texts)))
        return number(packets.RESULT, packets.OK, 4)

    def _ask_phone(self, _: list[tuple[int, bytes]]) -> None:
        """Ask what a phone is asked once; this message itself is never answered."""
        if self._setup >= {setup.SETTINGS, setup.AGREEMENTS, setup.ACTIVATE}:
            self._send(packets.PHONE_INFO, b"".join(tagged(tag) for tag in (2, 4, 8, 0x0F, 0x11, 0x15)), sealed=True)
            self._send(packets.PERMISSION, number(1, 3, 2), sealed=True)

    # ------------------------------------------------------------------ memory

    def _count_minutes(self, found: list[tuple[int, bytes]]) -> bytes:
        start, end = (int.from_bytes(first(found, tag), "big") for tag in (3, 4))
        count = self.memory.count_minutes(start, end, self._running())
        return tagged(0x81, number(2, count + self.faults.miscount if count else 0, 2))

    def _minutes(self, found: list[tuple[int, bytes]]) -> bytes | None:
        index = int.from_bytes(first(fields(first(found, 0x81)), 2), "big")
        told = _or_outside(self.memory.record(index, self.faults.other_index))
        return self._instead(minutes.MINUTES, told, self.memory.minutes_of(index))

    def _count_nights(self, found: list[tuple[int, bytes]]) -> bytes:
        start, end = (int.from_bytes(first(found, tag), "big") for tag in (3, 4))
        return tagged(0x81, number(2, self.memory.count_nights(start, end), 2))

    def _night(self, found: list[tuple[int, bytes]]) -> bytes | None:
        index = int.from_bytes(first(fields(first(found, 0x81)), 2), "big")
        told = _or_outside(self.memory.night(index))
        return self._instead(minutes.SLEEP, told, self.memory.minutes_of_night(index))

    def _instead(self, what: tuple[int, int], told: bytes, of: Container[int]) -> bytes | None:
        """Return what the band says in the place of a record of these minutes, if anything is wrong with it."""
        faults = self.faults.instead.items()
        wrong = [answer for (of_what, at), answer in faults if of_what == what and self._stamp(at) in of]
        return wrong[0] if wrong else told

    def _sports(self, found: list[tuple[int, bytes]]) -> bytes:
        asked = fields(first(found, 0x81))
        start, end = (int.from_bytes(first(asked, tag), "big") for tag in (3, 4))
        return self.memory.listed_sports(start, end)

    def _sport(self, found: list[tuple[int, bytes]]) -> bytes | None:
        asked = int.from_bytes(first(fields(first(found, 0x81)), 2), "big")
        return None if asked in self.faults.silent_workouts else _or_outside(self.memory.sport(asked))

    def add_workout(self, kind: int | None, start: datetime, end: datetime) -> None:
        """Let the wearer have recorded a workout, with the band's own number for its kind; None if it tells none."""
        began, ended = (int((at + self._ahead).timestamp()) for at in (start, end))
        self.memory.sports.append(Sport(len(self.memory.sports) + 1, began, ended, kind))

    # ------------------------------------------------------------------ time

    def reset(self, now: datetime) -> None:
        """Reset the band to what it was in its box: it forgets its owner and all data, and ends the connection."""
        self._live(now)
        self.owner.tokens, self.owner.keys = {}, {}
        self.memory, self.on_pair_screen = Memory(self.memory.block), True
        self._client.hang_up()

    def reboot(self, now: datetime) -> None:
        """Restart the band: it loses its clock and the connection, but neither its owner nor its minutes."""
        self._live(now)
        self._ahead = BOOT - now
        self._turn_day()
        self._client.hang_up()

    def _live(self, now: datetime) -> None:
        self._time.pass_until(now)
        self._turn_day()

    def _coming(self) -> Sequence[Event]:
        steps: list[Event] = [(self._walk[0].at, self._step)] if self._walk else []
        ended: list[Event] = [(self._workouts[0].end, self._work_out)] if self._workouts else []
        return steps + ended + ([(self._life[0].end, self._count)] if self._life else [])

    def _work_out(self) -> None:
        done = self._workouts.popleft()
        self.add_workout(CODES[done.kind], done.start, done.end)

    def _step(self) -> None:
        self._turn_day()
        self.steps += self._walk.popleft().steps

    def _count(self) -> None:
        """Store the minute that has just ended, and the night that ended with the one before."""
        minute = self._life.popleft()
        stamp = self._stamp(minute.start)
        asleep = minute.state is State.ASLEEP
        if self._asleep and not (asleep and stamp == self._asleep[-1] + 1):
            self.memory.sleep(self._asleep[0] * 60, len(self._asleep))
            self._asleep = []
        if asleep:
            self._asleep.append(stamp)
        if minute.state is not State.CHARGING:
            self.memory.add(stamp, _stored(minute, minute.steps))
        self.memory.forget_before(stamp - REMEMBERS)

    def _running(self) -> tuple[int, Stored] | None:
        """Return the minute that is running, with the steps so far; None if nobody wears the band in it."""
        now = self._time.now
        if not self._life or not self._life[0].start <= now or self._life[0].state is State.CHARGING:
            return None
        minute = self._life[0]
        return self._stamp(minute.start), _stored(minute, minute.steps * int((now - minute.start) / MINUTE * 60) // 60)

    def _stamp(self, start: datetime) -> int:
        """Return the minute since 1970 by the band's clock, which may be some seconds off ours."""
        return round((start + self._ahead).timestamp() / 60)

    def _local(self, at: datetime) -> datetime:
        return at + self._ahead + self._offset

    def _turn_day(self) -> None:
        if (day := self._local(self._time.now).date()) != self._today:
            self._today, self.steps = day, 0


class HonorBand(HuaweiBand):
    """A simulated Honor Band 3: the classic login, AES-CBC and writes of 20 bytes."""

    model = HONOR_BAND_3
    default_name = "honor Band 3-A1B"


class HonorBand4(HuaweiBand):
    """A simulated Honor Band 4: the classic login in its third version, and answers in plain."""

    model = HONOR_BAND_4
    default_name = "honor Band 4-A1B"


class HonorBand6(HuaweiBand):
    """A simulated Honor Band 6 that logs in by HiChain lite."""

    model = HONOR_BAND_6
    default_name = "honor Band 6-A1B"


def _stored(minute: Epoch, steps: int) -> Stored:
    pulse = minute.heart_rate if minute.heart_rate is not None and 0 < minute.heart_rate < 0xFF else None
    return Stored(min(steps, 0xFFFE), pulse, steps * 4, steps * 652 // 1000)


def _or_outside(body: bytes | None) -> bytes:
    return number(packets.RESULT, packets.OUTSIDE, 4) if body is None else body
