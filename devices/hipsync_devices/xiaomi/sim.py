"""Simulated Xiaomi bands, as they behave towards any client.

`SmartBand9Active`  the second generation: a stream with numbers, CTR
`SmartBand8`        the first one: a message at a time on each characteristic, CCM

Both keep their wearer's minutes, nights and workouts in files by their own clock, which may be wrong, and answer from
them. They say unasked what real ones say: that they are worn or not, that they want weather or music. The client need
not answer, but its receipts they await. A band without a key has no owner, and refuses every login.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import ClassVar, Unpack
from zoneinfo import ZoneInfo

from hipsync.driver import Advertisement
from hipsync.model import Epoch, State, Workout, WorkoutKind
from hipsync.simulated import Service, Shown
from hipsync_devices import gatt
from hipsync_devices.simulator import (
    GAIT,
    Client,
    ClientBand,
    Event,
    Faults,
    Given,
    Time,
    WallClock,
    can,
    minutes,
    walk,
)
from hipsync_devices.xiaomi import sim_files
from hipsync_devices.xiaomi.sim_files import DayFile
from hipsync_devices.xiaomi.sim_frames import FramesV1, FramesV2
from hipsync_devices.xiaomi.sim_messages import Said, SessionKeys, deep, heard, inside, raw, said, whole
from hipsync_devices.xiaomi.wire import SERVICE

VERSION_OF_FRAMES = gatt.uuid16(0x0050)
HEARD_EACH = 10 * GAIT / 4
"""How often the band reports live; a second by the vendor's clients, five and more by forks. Here it is 5 s."""
HANGS_UP_AFTER = timedelta(seconds=1)
"""How long after a refused login the band ends the connection."""
NOT_SUPPORTED, VERIFY_ERROR, NO_BOND = 1, 7, 4
QUARTER = timedelta(minutes=15)


class GivenXiaomi(Given, total=False):
    """The keyword arguments of the simulated bands of this family."""

    name: str
    seed: int
    workouts: Sequence[Workout]
    """What the wearer records on the band."""


class XiaomiBand(ClientBand):
    """What the simulated bands of both generations have in common."""

    name = ""
    model, firmware, serial = "", "", ""
    minutes_version = 3
    night_records = False
    """Whether nights are records of version 3, and not reports of version 6."""
    part_size = 200
    """How many bytes of a file come in one part."""
    frames_of: ClassVar[type[FramesV1 | FramesV2]]

    def __init__(self, life: Sequence[Epoch], **given: Unpack[GivenXiaomi]) -> None:
        self.mtu = 23
        self.shown: list[Shown] = []
        self.name = given.get("name", self.name)
        self.battery, self.charging = 83, False
        self.faults = Faults()
        self.never_sends: set[bytes] = set()
        """The ids of files that are listed, and never come."""
        self.fetches: list[bytes] = []
        """The ids of the files that clients have asked for, in order."""
        self.confirmed: list[bytes] = []
        """The ids of the files that clients have let the band forget."""
        self.tap_after: timedelta | None = None
        """How long the wearer takes to agree to another phone, if the band asks for that; None if it does not ask."""
        self.strange: list[str] = []
        """What clients have asked that the band does not know, as `type/id`."""
        self._random = random.Random(given.get("seed", 0))
        self._key = given.get("secret")
        self._time = Time(given["now"], self._coming)
        self.wall_clock = WallClock(self._time, given)
        self._quarters = round(_offset(given["now"], given["zone"]) / QUARTER)
        self._life = minutes(life)
        self._walk = walk(life)
        self._workouts = deque(sorted(given.get("workouts", ()), key=lambda each: each.end))
        self.files: dict[bytes, bytes] = {}
        """The files that are closed, by id, in the order in which they were."""
        self._day: DayFile | None = None
        self._night: list[Epoch] = []
        self._ride: list[Epoch] = []
        self._worn, self._asleep = True, False
        self._steps = 0
        self._steps_of: date = self.wall_clock().date()
        self._pulse = 0
        self._restarted: datetime | None = None
        """When the band was last restarted; the minute in which that was is not kept."""
        writable = {uuid: partial(self._written, uuid) for uuid in self.frames_of.uuids}
        self._client = Client(self._time, self._live, self._readable, writable, self._forget_connection)
        self._forget_connection()
        self._live(given["now"])

    def _forget_connection(self) -> None:
        self.frames = self.frames_of(self._send, self.hear, lambda: self.mtu - 3, lambda: self._time.now)
        self._nonces: tuple[bytes, bytes] | None = None
        self._confirm_by: tuple[datetime, Said] | None = None
        """When the wearer agrees to the phone, and what the phone proved itself by."""
        self._logged_in = False
        self._live_at: datetime | None = None
        self._hangs_up_at: datetime | None = None
        self._buzzing = False

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(name=self.name, services=frozenset({SERVICE}), service_data={SERVICE: bytes(5)})

    def services(self) -> Sequence[Service]:
        both = tuple(can(uuid, "write-without-response", "notify") for uuid in self.frames_of.uuids)
        return (
            Service(gatt.GENERIC_ACCESS, (can(gatt.DEVICE_NAME, "read"),)),
            Service(SERVICE, (can(VERSION_OF_FRAMES, "read"), *both)),
        )

    def _readable(self) -> dict[str, bytes]:
        return {VERSION_OF_FRAMES: bytes.fromhex("01000000"), gatt.DEVICE_NAME: self.name.encode()}

    # ------------------------------------------------------------------ messages

    def _written(self, uuid: str, data: bytes) -> None:
        self.frames.write(uuid, data)

    def _send(self, uuid: str, data: bytes) -> None:
        self._client.send(uuid, data, faults=self.faults)

    def say(self, kind: int, number: int, *body: tuple[int, bytes], sealed: bool = True) -> None:
        """Send a message, as an answer or unasked; unasked it needs a login."""
        if self._logged_in or not sealed:
            self.frames.say(said((1, kind), (2, number), *body), sealed=sealed)

    def hear(self, data: bytes, sealed: bool) -> None:
        """Take a message of the client; what is no message is ignored, and so is all but the login before the login."""
        try:
            message = heard(data)
            kind, number = whole(message, 1, -1), whole(message, 2)
            if kind == 1:
                self._greeted(number, inside(message, "3"))
            elif self._logged_in and sealed:
                self._asked(kind, number, message)
        except ValueError:
            return

    def _greeted(self, number: int, account: Said) -> None:
        if self._logged_in:
            return  # a second login on one connection is not answered
        if self._key is None:
            self.say(1, number, (3, said((3, NO_BOND))), sealed=False)
        elif number == 26 and len(theirs := raw(inside(account, "30"), 1)) == 16:
            ours = self._random.randbytes(16)
            self._nonces = (theirs, ours)
            proof = SessionKeys.of(self._key, theirs, ours).own_proof(theirs, ours)
            self.say(1, 26, (3, said((31, said((1, ours), (2, proof))))), sealed=False)
        elif number == 27 and self._nonces is not None:
            self._confirm_by = (self._time.now + (self.tap_after or timedelta()), inside(account, "32"))
            if self.tap_after is None:
                self._tapped()
            else:
                self.say(1, 16, sealed=False)

    def _tapped(self) -> None:
        if self._confirm_by is not None and self._key is not None and self._nonces is not None:
            _, confirm = self._confirm_by
            self._confirm_by = None
            self._judge(self._key, self._nonces, confirm)

    def _judge(self, key: bytes, nonces: tuple[bytes, bytes], confirm: Said) -> None:
        keys = SessionKeys.of(key, *nonces)
        if raw(confirm, 1) != keys.client_proof(*nonces) or keys.unccm(0, raw(confirm, 2)) is None:
            self.say(1, 27, (3, said((3, VERIFY_ERROR))), sealed=False)
            self._hangs_up_at = self._time.now + HANGS_UP_AFTER
            return
        self.say(1, 27, (3, said((33, said((1, 1), (2, 287036))))), sealed=False)
        self.frames.keys, self._logged_in = keys, True
        self.say(10, 5)  # it wants weather

    def _asked(self, kind: int, number: int, message: Said) -> None:
        answers: dict[tuple[int, int], Callable[[], None]] = {
            (2, 1): lambda: self.say(2, 1, deep("4.2.1", said((1, self.battery), (2, 1 if self.charging else 2)))),
            (2, 2): self._tell_device,
            (2, 3): lambda: self._set_clock(inside(message, "4.4")),
            (2, 18): lambda: self._find(whole(inside(message, "4"), 5, 1)),
            (2, 78): self._tell_state,
            (7, 0): lambda: self._show(inside(message, "9.3.1")),
            (8, 1): lambda: self._list(1, today=True),
            (8, 2): lambda: self._list(2, today=False),
            (8, 3): lambda: self._fetch(raw(inside(message, "10"), 2)),
            (8, 5): lambda: self._confirm(raw(inside(message, "10"), 3)),
            (8, 45): self._go_live,
            (8, 46): self._stop_live,
        }
        answer = answers.get((kind, number))
        if answer is not None:
            answer()
            return
        self.strange.append(f"{kind}/{number}")
        self.frames.say(said((1, kind), (2, number), (100, NOT_SUPPORTED)))

    def _tell_device(self) -> None:
        told = said((1, self.serial), (2, self.firmware), (3, ""), (4, self.model))
        self.say(2, 2, deep("4.3", told))
        self.say(2, 43)  # it asks how loud the phone rings

    def _tell_state(self) -> None:
        told = (1, int(self.charging)), (2, self.battery), (3, int(self._worn)), (4, int(self._asleep))
        self.say(2, 78, deep("4.48", said(*told)))

    def _set_clock(self, clock: Said) -> None:
        """Set the clock to local time, and remember how far that is from UTC."""
        day, time, zone = (inside(clock, field) for field in "123")
        wall = datetime(whole(day, 1), whole(day, 2), whole(day, 3), whole(time, 1), whole(time, 2), whole(time, 3))  # noqa: DTZ001  a wall clock
        zigzag = [whole(zone, field) for field in (1, 2)]
        self._quarters = sum(value // 2 if value % 2 == 0 else -(value + 1) // 2 for value in zigzag)
        self.wall_clock.set(wall)
        self._new_day_at(self._time.now)
        self.say(2, 3)

    def _find(self, mode: int) -> None:
        if mode == 0 and not self._buzzing:
            self.shown.append(Shown(self._time.now, ""))
        self._buzzing = mode == 0

    def _show(self, text: Said) -> None:
        """Show a text; one of an app without a name is not shown."""
        if raw(text, 2):
            words = [raw(text, field).decode("utf-8", "replace") for field in (3, 5)]
            self.shown.append(Shown(self._time.now, " ".join(words).strip()))

    # ------------------------------------------------------------------ files

    def _list(self, number: int, *, today: bool) -> None:
        """List the files that began today by the band's clock and its zone, or those of before."""
        if self._day is not None and self._began(self._day.id) != self.wall_clock().date():
            self._close_day()  # it is past midnight
        all_ids = [*self.files] + ([self._day.id] if self._day is not None else [])
        ids = [each for each in all_ids if (self._began(each) == self.wall_clock().date()) is today]
        self.say(8, number, deep("10", said((2, b"".join(ids)))))

    def _began(self, id_: bytes) -> object:
        stamp = int.from_bytes(id_[:4], "little") + 900 * int.from_bytes(id_[4:5], "little", signed=True)
        return datetime.fromtimestamp(stamp, UTC).date()

    def _fetch(self, ids: bytes) -> None:
        """Send the first file that is asked for, in parts; music is asked for in between."""
        id_ = ids[:7]
        self.fetches.append(id_)
        file = self._day.whole() if self._day is not None and self._day.id == id_ else self.files.get(id_)
        if file is None or id_ in self.never_sends:
            return
        parts = [file[at : at + self.part_size] for at in range(0, len(file), self.part_size)]
        for number, part in enumerate(parts, 1):
            self.frames.send_part(len(parts).to_bytes(2, "little") + number.to_bytes(2, "little") + part)
            if number == 1:
                self.say(18, 0)

    def _confirm(self, ids: bytes) -> None:
        """Forget files. A file of the day that is confirmed while it grows is lost, with what it grew by meanwhile."""
        for id_ in (ids[at : at + 7] for at in range(0, len(ids), 7)):
            self.confirmed.append(id_)
            self.files.pop(id_, None)
            if self._day is not None and self._day.id == id_:
                self._day = None

    # ------------------------------------------------------------------ live

    def _go_live(self) -> None:
        self._live_at = self._time.now + HEARD_EACH / 5
        self.say(8, 45)

    def _stop_live(self) -> None:
        self._live_at = None
        self.say(8, 46)

    def _report_live(self) -> None:
        self._live_at = self._time.now + HEARD_EACH
        self._new_day_at(self._time.now)
        counts = (1, self._steps), (2, 120), (3, self._steps * 7 // 10), (4, self._pulse), (5, 3), (6, 5)
        self.say(8, 47, deep("10.39", said(*counts)))

    # ------------------------------------------------------------------ time, and what the wearer does

    def reboot(self, now: datetime) -> None:
        """Restart the band: clock and files stay, the minute that runs is lost, and another file begins after it."""
        self._live(now)
        self._close_day()
        self._restarted = now
        self._client.hang_up()

    def _live(self, now: datetime) -> None:
        self._time.pass_until(now)

    def _coming(self) -> Sequence[Event]:
        coming: list[tuple[datetime | None, Callable[[], None]]] = [
            (self._walk[0].at if self._walk else None, self._walked),
            (self._life[0].end if self._life else None, self._minute),
            (self._workouts[0].end if self._workouts else None, self._worked_out),
            (self._live_at, self._report_live),
            (self._confirm_by[0] if self._confirm_by is not None else None, self._tapped),
            (self._hangs_up_at, self._hang_up),
        ]
        return [(at, happens) for at, happens in coming if at is not None] + self.frames.coming()

    def _hang_up(self) -> None:
        self._hangs_up_at = None
        self._client.hang_up()

    def _new_day_at(self, at: datetime) -> None:
        """Begin to count anew if an instant is on another day than the last steps, by the band's clock."""
        today = self.wall_clock(at).date()
        if today != self._steps_of:
            self._steps, self._steps_of = 0, today

    def _walked(self) -> None:
        walked = self._walk.popleft()
        self._new_day_at(walked.at - GAIT)  # the last steps of a day are counted at midnight
        self._steps += walked.steps

    def _stamp(self, at: datetime) -> int:
        """Return the unix time of an instant by the band's clock, at the nearest whole minute.

        A clock that is set to whole seconds is up to a second late, and so are the band's minutes.
        """
        seconds = (self.wall_clock(at) - self._quarters * QUARTER).replace(tzinfo=UTC).timestamp()
        return int((seconds + 30) // 60 * 60)

    def _minute(self) -> None:
        """Write down the minute that has just ended."""
        epoch = self._life.popleft()
        if self._restarted is not None and epoch.start < self._restarted < epoch.end:
            return
        start = self._stamp(epoch.start)
        day = self._day
        if day is not None and (start != day.end or self._new_day(start)):
            self._close_day()
            day = None
        if day is None:
            day = self._day = DayFile(start, self._quarters, self.minutes_version)
        day.add(epoch)
        self._pulse = epoch.heart_rate or 0
        self._note_state(epoch.state)
        self._night = self._run(self._night, epoch, State.ASLEEP, self._close_night)
        self._ride = self._run(self._ride, epoch, State.CYCLING, self._close_ride)

    def _new_day(self, start: int) -> bool:
        return (
            self._day is not None
            and (start + 900 * self._quarters) // 86400 != (self._day.end - 60 + 900 * self._quarters) // 86400
        )

    def _close_day(self) -> None:
        if self._day is not None:
            self.files[self._day.id] = self._day.whole()
        self._day = None

    def _run(self, run: list[Epoch], epoch: Epoch, state: State, close: Callable[[list[Epoch]], None]) -> list[Epoch]:
        """Return the minutes in one state that go on, and close the run that has ended."""
        follows = bool(run) and run[-1].end == epoch.start
        if run and (epoch.state is not state or not follows):
            close(run)
            run = []
        return [*run, epoch] if epoch.state is state else run

    def _close_night(self, run: list[Epoch]) -> None:
        bed, total = self._stamp(run[0].start), len(run)
        light, deep_sleep = total - total // 3 - total // 4, total // 3
        stages = [(stage, part) for stage, part in ((1, light), (2, deep_sleep), (3, total // 4)) if part]
        id_, file = sim_files.night(bed, stages, self._quarters, records=self.night_records)
        self.files[id_] = file

    def _close_ride(self, run: list[Epoch]) -> None:
        self._keep_workout(WorkoutKind.CYCLING, run[0].start, run[-1].end)

    def _worked_out(self) -> None:
        done = self._workouts.popleft()
        self._keep_workout(done.kind, done.start, done.end)

    def _keep_workout(self, kind: WorkoutKind, start: datetime, end: datetime) -> None:
        """Keep a workout's report, and tell the client that the workout has ended."""
        id_, file = sim_files.workout(kind, self._stamp(start), self._stamp(end), self._quarters)
        self.files[id_] = file
        self.say(2, 79, deep("4.49", said((5, said((1, sim_files.SPORTS[kind]), (2, 3))))))

    def _note_state(self, state: State | None) -> None:
        """Tell the client what has changed: charging, worn, asleep."""
        now = (state is State.CHARGING, state not in {State.NOT_WORN, State.CHARGING}, state is State.ASLEEP)
        before = (self.charging, self._worn, self._asleep)
        self.charging, self._worn, self._asleep = now
        changed = [
            (field, 1 if new else 2) for field, (old, new) in enumerate(zip(before, now, strict=True), 1) if old != new
        ]
        if changed:
            self.say(2, 79, deep("4.49", said(*changed)))


def _offset(now: datetime, zone: ZoneInfo) -> timedelta:
    return now.astimezone(zone).utcoffset() or timedelta()


class SmartBand9Active(XiaomiBand):
    """A simulated Smart Band 9 Active on a wrist. It implements `hipsync.simulated.Simulator`."""

    name = "Xiaomi Smart Band 9 Active 21D0"
    model, firmware, serial = "M2435B1", "2.3.151", "29000/A9HP00001"
    frames_of = FramesV2


class SmartBand8(XiaomiBand):
    """A simulated Smart Band 8 on a wrist. It implements `hipsync.simulated.Simulator`."""

    name = "Xiaomi Smart Band 8 21D0"
    model, firmware, serial = "", "2.1.0.7", "43000/F8HP00001"
    minutes_version = 2
    night_records = True
    frames_of = FramesV1
