"""A simulated Mi Band of the classic generation, as it behaves towards any client; the newer one is in `sim_2021`.

It records its wearer's minutes by its own clock, which may be wrong, and answers from its memory. States for which a Mi
Band has no kind byte get the nearest one: cycling counts as walking (01), an unknown state as sitting (50) without
steps and as walking (01) with some. A minute stores at most 255 steps. The band knows no summer time: its offset is the
one that was set last.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Unpack

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch, State
from hipsync.simulated import Refused, Service, Shown
from hipsync_devices import gatt, simulator
from hipsync_devices.huami import packets
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.models import model_of, record_size
from hipsync_devices.huami.packets import Battery, CurrentTime, RealtimeSteps, Reply, Round
from hipsync_devices.huami.sim_memory import Memory
from hipsync_devices.simulator import (
    INVALID_LENGTH,
    REQUEST_NOT_SUPPORTED,
    UNLIKELY_ERROR,
    Client,
    ClientBand,
    Event,
    Given,
    Time,
    can,
    minutes,
)

LOGIN_WITHIN = timedelta(seconds=10)
ROUND = 2000
"""The most minutes that one request returns."""
TAP_TIMES_OUT = timedelta(seconds=30)
BAD_REQUEST = 0x04
USER_SETTINGS, ALERT_CONTROL = packets.vendor(0x0008), gatt.uuid16(0x2A44)
ANNOUNCED_MTU = 247


@dataclass(slots=True)
class Faults(simulator.Faults):
    """What goes wrong in the firmware; the packets of each round are numbered from 0."""

    swap: set[int] = field(default_factory=set[int])
    """The numbers of packets that change places with the next one."""
    bad_checksum: bool = False
    refuse_fetch: int | None = None
    """The status with which the band refuses a fetch, such as 0x02 or 0x04; None if it does not."""
    miscount: int = 0
    """The number that is added to the announced count of records."""
    foreign_offset: bool = False
    """Whether stamps in answers have an offset one hour ahead of the band's; their instant stays the same."""
    times: int = 1
    """How many fetches the faults above affect."""
    refuse_login: int | None = None
    """The status that answers a right proof, such as 0x07 from a Mi Band 6 with newer firmware; None for success."""
    mute_tap: bool = False
    """Whether the band neither accepts nor refuses a new key."""
    short_steps: bool = False
    """Whether live steps have five bytes, like those of an Amazfit Bip Lite."""
    long_answers: bool = False
    """Whether answers to a fetch have a sixteenth byte, like those of later firmware."""


class MiBand(ClientBand):
    """A simulated Mi Band on a wrist. Without a `secret` it is not paired yet, and stores a key after a tap.

    It implements `hipsync.simulated.Simulator`.
    """

    serial = b"5a6f01b20c33"
    """The serial number, which differs in each simulated model, as it does in real bands."""
    default_name, default_firmware = "Mi Smart Band 5", "V1.0.2.66"

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        name: str | None = None,
        firmware: str | None = None,
        record_bytes: int | None = None,
        checksums: bool | None = None,
        deletes_on_ack: bool = True,
        taps_after: timedelta | None = timedelta(seconds=2),
        round_minutes: int = ROUND,
        seed: int = 0,
        **given: Unpack[Given],
    ) -> None:
        self.mtu = 23
        self.name, self.firmware = name or self.default_name, firmware or self.default_firmware
        self.shown: list[Shown] = []
        self.faults = Faults()
        self.erased: list[datetime] = []
        """The minutes, by the band's clock, that it forgot after an acknowledgement."""
        self.requests: list[datetime] = []
        """The instant from which each request for minutes asked for them, in order."""
        self.sent = 0
        """The number of records that the band has sent."""
        self.battery = Battery(87, charging=False, last_level=100)
        self.challenge: bytes | None = None
        """The next challenge that the band will give; None for a random one."""
        self.deletes_on_ack, self.taps_after, self.round_minutes = deletes_on_ack, taps_after, round_minutes
        self._model = model_of(self.name)
        self._memory = Memory(record_bytes or record_size(self._model, self.firmware))
        self._checksums = self._memory.size == 8 if checksums is None else checksums
        self._key = given.get("secret")
        self._random = random.Random(seed)
        self._time = Time(given["now"], self._coming)
        self._clock_error = given.get("clock_error", timedelta())
        self._quarters = packets.quarters_of(given["now"].astimezone(given["zone"]).utcoffset())
        self._life = minutes(life)
        self._today = 0
        self._off: tuple[datetime, datetime] | None = None
        self._day = self._local(self.clock()).date()
        self._state: State | None = None
        self._client = Client(self._time, self._live, forget=self._forget_connection)
        self._forget_connection()
        self._live(given["now"])

    def _forget_connection(self) -> None:
        self._connected_at: datetime | None = None
        self._authenticated = False
        self._given: bytes | None = None
        self._tap: tuple[datetime, bytes] | None = None
        self._armed: list[datetime] = []
        self._delivered: list[datetime] = []
        self._fault = Faults()

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(
            name=self.name,
            services=frozenset({packets.FEE0}),
            service_data={packets.FEE0: self._today.to_bytes(4, "little")},
        )

    def services(self) -> Sequence[Service]:
        return (
            Service(gatt.GENERIC_ACCESS, (can(gatt.DEVICE_NAME, "read"),)),
            Service(
                gatt.DEVICE_INFORMATION,
                tuple(can(uuid, "read") for uuid in self._strings()),
            ),
            Service(
                packets.FEE0,
                (
                    can(gatt.CURRENT_TIME, "read", "write", "notify"),
                    can(packets.CONFIGURATION, "write", "write-without-response", "notify"),
                    can(packets.FETCH, "write-without-response", "notify"),
                    can(packets.DATA, "notify"),
                    can(packets.BATTERY, "read", "notify"),
                    can(packets.REALTIME_STEPS, "read", "notify"),
                    can(USER_SETTINGS, "write", "notify"),
                    can(packets.EVENTS, "write", "notify"),
                    can(packets.CHUNKED, "write-without-response"),
                ),
            ),
            Service(
                packets.FEE1,
                (can(packets.AUTHENTICATION, "write-without-response", "read", "notify"),),
            ),
            Service(
                gatt.HEART_RATE,
                (
                    can(gatt.HEART_RATE_MEASUREMENT, "notify"),
                    can(gatt.HEART_RATE_CONTROL, "write"),
                ),
            ),
            Service(gatt.IMMEDIATE_ALERT, (can(gatt.ALERT_LEVEL, "write-without-response"),)),
            Service(
                gatt.ALERT_NOTIFICATION,
                (can(gatt.NEW_ALERT, "write"), can(ALERT_CONTROL, "write")),
            ),
        )

    def _strings(self) -> dict[str, bytes]:
        return {
            gatt.SERIAL_NUMBER: self.serial,
            gatt.HARDWARE_REVISION: b"V0.44.17.2",
            gatt.SOFTWARE_REVISION: self.firmware.encode(),
            gatt.SYSTEM_ID: bytes.fromhex("c00000fffeada59b"),
            gatt.PNP_ID: bytes.fromhex("01570102000100"),
        }

    def connected(self, now: datetime) -> None:
        self._client.connected(now)
        self._connected_at = now

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        self._client.on_subscribe(characteristic, subscribed, now)
        if subscribed and characteristic == packets.EVENTS and self._model.secret == "given":  # noqa: S105
            self._event(packets.EVENT_MTU, ANNOUNCED_MTU.to_bytes(2, "little"))

    # ------------------------------------------------------------------ reads and writes

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        del service
        self._live(now)
        if characteristic == gatt.DEVICE_NAME:
            return self.name.encode()
        if (text := self._strings().get(characteristic)) is not None:
            return text
        if characteristic == packets.AUTHENTICATION:
            return b""
        if not self._authenticated:
            raise Refused(UNLIKELY_ERROR)
        if characteristic == packets.BATTERY:
            return self.battery.encode(self._quarters)
        if characteristic == gatt.CURRENT_TIME:
            return CurrentTime(self.clock(), self._quarters).encode()
        if characteristic == packets.REALTIME_STEPS:
            return self._realtime()
        raise Refused(REQUEST_NOT_SUPPORTED)

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        del service
        self._live(now)
        if characteristic == packets.AUTHENTICATION:
            self._log_in(data)
        elif characteristic == gatt.ALERT_LEVEL:
            if data[:1] not in {b"", b"\x00"}:
                self.shown.append(Shown(self._time.now, ""))
        elif not self._authenticated:
            return  # a client that has not logged in is ignored
        elif characteristic == gatt.NEW_ALERT:
            self._show(data)
        elif characteristic == gatt.CURRENT_TIME:
            self._set_clock(data)
        elif characteristic == packets.FETCH:
            self._control(data)
        elif characteristic == packets.CONFIGURATION:
            self._client.send(packets.CONFIGURATION, packets.config_reply(data))

    def _show(self, data: bytes) -> None:
        if len(data) < 3 or not data[1]:
            return
        text = data[3:] if data[0] == packets.CUSTOM else data[2:]
        self.shown.append(Shown(self._time.now, " ".join(text.decode("utf-8", "replace").split("\0")).strip()))

    def _set_clock(self, data: bytes) -> None:
        try:
            clock = CurrentTime.decode(data.ljust(11, b"\0"))
        except MalformedPacket as error:
            raise Refused(INVALID_LENGTH) from error
        if clock.instant is not None:
            self._clock_error = clock.instant - self._time.now
            if abs(self._clock_error) < timedelta(seconds=2):
                self._clock_error = timedelta(0)
            self._quarters = clock.quarters

    # ------------------------------------------------------------------ login

    def _log_in(self, data: bytes) -> None:
        if len(data) < 2:
            return
        operation, crypt = data[0] & 0x0F, data[0] & packets.CRYPT
        if operation == packets.STORE_KEY:
            self._ask_for_tap(data)
        elif operation == packets.ASK_CHALLENGE:
            self._give_challenge(crypt)
        elif operation == packets.ANSWER_CHALLENGE:
            self._judge(data[2:], crypt)

    def _ask_for_tap(self, data: bytes) -> None:
        if self._model.secret == "given" or len(data) != 18:  # noqa: S105
            self._reply(packets.STORE_KEY, packets.AUTH_NO_KEY, 0)
            return
        self.shown.append(Shown(self._time.now, "pairing"))
        self._tap = (self._time.now, data[2:18])

    def _give_challenge(self, crypt: int) -> None:
        if self._key is None:
            self._reply(packets.ASK_CHALLENGE, packets.AUTH_NO_KEY, crypt)
            return
        self._given, self.challenge = self.challenge or self._random.randbytes(16), None
        self._reply(packets.ASK_CHALLENGE, packets.SUCCESS, crypt, self._given)

    def _judge(self, proof: bytes, crypt: int) -> None:
        given, self._given = self._given, None
        status = packets.AUTH_NO_KEY
        if given is not None and self._key is not None:
            fourth = self._model.prefix.endswith("Band 4")
            wrong = packets.AUTH_WRONG_KEY if fourth else packets.AUTH_NO_KEY
            right = packets.SUCCESS if self.faults.refuse_login is None else self.faults.refuse_login
            status = right if proof == answer(self._key, given) else wrong
        self._authenticated = status == packets.SUCCESS
        self._reply(packets.ANSWER_CHALLENGE, status, crypt)

    def _reply(self, operation: int, status: int, crypt: int, payload: bytes = b"") -> None:
        self._client.send(packets.AUTHENTICATION, Reply(operation, status, payload).encode(crypt))

    # ------------------------------------------------------------------ fetch

    def _control(self, data: bytes) -> None:
        if data[:1] == bytes([packets.START]):
            self._arm(data)
        elif data == bytes([packets.TRANSFER]):
            self._send()
        elif data[:1] == bytes([packets.ACKNOWLEDGE]):
            self._acknowledged()

    def _arm(self, data: bytes) -> bool:
        """Answer a request for a round, and return whether a round has begun, even an empty one."""
        self._delivered, self._armed = [], []
        self._fault = self.faults if self.faults.times > 0 else Faults()
        self.faults.times -= 1
        if self._fault.refuse_fetch is not None:
            self._client.send(packets.FETCH, Reply(packets.START, self._fault.refuse_fetch).encode())
            return False
        since = None
        with suppress(MalformedPacket):
            since = packets.decode_stamp(data[2:10]) if data[1:2] == bytes([packets.ACTIVITY]) else None
        if since is None:
            self._client.send(packets.FETCH, Reply(packets.START, BAD_REQUEST).encode())
            return False
        self.requests.append(since)
        if since <= self.clock():
            self._armed = self._memory.run(since.replace(second=0), self.round_minutes)
        quarters = self._offset_of_answers(data) + (4 if self._fault.foreign_offset else 0)
        count = len(self._armed) + (self._fault.miscount if self._armed else 0)
        start = Round(count, self._armed[0] if self._armed else since).encode(quarters)
        longer = b"\0" if self.faults.long_answers else b""
        self._client.send(packets.FETCH, Reply(packets.START, packets.SUCCESS, start + longer).encode())
        return True

    def _offset_of_answers(self, request: bytes) -> int:
        """Return the offset from UTC of the stamps in an answer, in quarters of an hour."""
        del request
        return self._quarters

    def _send(self) -> None:
        if not self._armed:
            self._client.send(packets.FETCH, Reply(packets.TRANSFER, packets.FETCH_NONE).encode())
            return
        data, fault = self._memory.payload(self._armed), self._fault
        room = max((self.mtu - 4) // self._memory.size, 1) * self._memory.size
        numbers = list(range(-(-len(data) // room)))
        for first in fault.swap & set(numbers[:-1]):
            numbers[first], numbers[first + 1] = numbers[first + 1], numbers[first]
        for place, number in enumerate(numbers):
            if place == fault.stall_at:
                return
            if place == fault.hang_up_at:
                self._client.hang_up()
                return
            packet = bytes([number & 0xFF]) + data[number * room : (number + 1) * room]
            for _ in range(fault.copies(number)):
                self._client.send(packets.DATA, packet)
        checksum = packets.checksum(data if not fault.bad_checksum else data + b"\0") if self._checksums else b""
        self._client.send(packets.FETCH, Reply(packets.TRANSFER, packets.SUCCESS, checksum).encode())
        self.sent += len(self._armed)
        self._delivered, self._armed = self._armed, []

    def _acknowledged(self) -> None:
        if self.deletes_on_ack:
            self.erased += self._memory.forget(self._delivered)
        self._delivered = []
        self._client.send(packets.FETCH, Reply(packets.ACKNOWLEDGE, packets.SUCCESS).encode())

    def memory(self) -> list[datetime]:
        """Return the minutes that the band has stored, by its own clock."""
        return list(self._memory)

    # ------------------------------------------------------------------ time

    def clock(self) -> datetime:
        """Return the instant that the band takes for now."""
        return self._time.now + self._clock_error

    def _local(self, instant: datetime) -> datetime:
        return instant.astimezone(timezone(self._quarters * packets.QUARTER))

    def reboot(self, now: datetime, off: timedelta = MINUTE) -> None:
        """Restart the band: it loses the connection, the login and the minutes while it is off, and nothing else.

        That nothing else is lost is our guess.
        """
        self._live(now)
        self._off = now, now + off
        self._client.forget()
        self._client.hang_up()

    def _live(self, now: datetime) -> None:
        """Record the minutes up to `now`, and do what is due by then: send steps, take a tap, end a late login."""
        before = self._today
        self._time.pass_until(now)
        self._turn_day(self.clock())
        if self._today != before and self._authenticated and packets.REALTIME_STEPS in self._client.subscribed:
            self._client.send(packets.REALTIME_STEPS, self._realtime())
        if self._tap is not None and not self.faults.mute_tap:
            self._settle_tap(*self._tap)
        if self._login_ends is not None and self._login_ends <= now:
            self._connected_at = None
            self._client.hang_up()

    def _coming(self) -> Sequence[Event]:
        return [(self._life[0].end, self._record)] if self._life else []

    def _record(self) -> None:
        epoch = self._life.popleft()
        if self._off is not None and epoch.start < self._off[1] and self._off[0] < epoch.end:
            return
        stamp = epoch.start + self._clock_error
        self._turn_day(stamp)
        self._today += epoch.steps
        self._memory.keep(stamp, epoch)
        if epoch.state is not self._state:
            if State.ASLEEP in {epoch.state, self._state}:
                asleep = epoch.state is State.ASLEEP
                self._event(packets.EVENT_FELL_ASLEEP if asleep else packets.EVENT_WOKE_UP)
            if epoch.state is State.NOT_WORN:
                self._event(packets.EVENT_NOT_WORN)
            self._state = epoch.state

    def _turn_day(self, stamp: datetime) -> None:
        if (day := self._local(stamp).date()) != self._day:
            self._day, self._today = day, 0

    def _event(self, event: int, value: bytes = b"") -> None:
        if self._authenticated and packets.EVENTS in self._client.subscribed:
            self._client.send(packets.EVENTS, bytes([event]) + value)

    @property
    def _login_ends(self) -> datetime | None:
        if self._connected_at is None or self._authenticated:
            return None
        return (self._tap[0] + TAP_TIMES_OUT if self._tap is not None else self._connected_at) + LOGIN_WITHIN

    def _settle_tap(self, asked: datetime, key: bytes) -> None:
        if self.taps_after is not None and self._time.now >= asked + self.taps_after:
            self._key, self._tap, self._connected_at = key, None, self._time.now
            self._reply(packets.STORE_KEY, packets.SUCCESS, 0)
        elif self._time.now >= asked + TAP_TIMES_OUT:
            self._tap, self._connected_at = None, self._time.now
            self._reply(packets.STORE_KEY, packets.AUTH_REFUSED, 0)

    def wake_at(self) -> datetime | None:
        times = [self._login_ends]
        if self._tap is not None and not self.faults.mute_tap:
            times.append(self._tap[0] + min(self.taps_after or TAP_TIMES_OUT, TAP_TIMES_OUT))
        if self._authenticated and packets.REALTIME_STEPS in self._client.subscribed and self._life:
            times.append(self._life[0].end)
        return min((instant for instant in times if instant is not None), default=None)

    def _realtime(self) -> bytes:
        if self.faults.short_steps:
            return RealtimeSteps(self._today).encode()
        return RealtimeSteps(self._today, self._today * 7 // 10, self._today // 25).encode()
