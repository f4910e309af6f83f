"""A simulated Mi Band of the classic protocol, as a band behaves to any client.

It records its wearer's minutes by its own clock, which may be wrong, and answers from its memory. What a Mi Band cannot
say is coded by the nearest kind: cycling as walking (01); an unsaid state as sitting (50) without steps, walking (01)
with some. More than 255 steps a minute are 255.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.driver import Advertisement
from hipsync.model import MINUTE, Epoch, State
from hipsync.simulated import Characteristic, HangUp, Notification, Property, Refused, Service, Shown
from hipsync_devices import gatt
from hipsync_devices.huami import packets
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.models import model_of
from hipsync_devices.huami.packets import AuthReply, Battery, CurrentTime, FetchReply, RealtimeSteps, Round

LOGIN_WITHIN = timedelta(seconds=10)
RETENTION = timedelta(days=30)
ROUND = 2000
"""Minutes at most that one request returns."""
TAP_TIMES_OUT = timedelta(seconds=30)
KINDS: dict[State | None, int] = {
    State.SITTING: 0x50,
    State.STANDING: 0x60,
    State.WALKING: 0x01,
    State.RUNNING: 0x32,
    State.CYCLING: 0x01,
    State.NOT_WORN: 0x73,
    State.CHARGING: 0x06,
    State.ASLEEP: 0x70,
}
REQUEST_NOT_SUPPORTED, INVALID_LENGTH, WRITE_NOT_PERMITTED, UNLIKELY = 0x06, 0x0D, 0x03, 0x0E


@dataclass(slots=True)
class Faults:
    """What goes wrong in the firmware; the packet numbers are those of a round."""

    lose: set[int] = field(default_factory=set[int])
    double: set[int] = field(default_factory=set[int])
    stall_at: int | None = None
    hang_up_at: int | None = None
    bad_checksum: bool = False
    refuse_fetch: int | None = None
    """Status of the answer to a fetch, such as 0x02 or 0x04."""
    miscount: int = 0
    """Added to the announced count."""
    foreign_offset: bool = False
    """Answers carry an offset that differs from the request's by an hour, for the same instant."""
    times: int = 1
    """For how many rounds they last."""


@dataclass(frozen=True, slots=True)
class _Minute:
    record: bytes
    steps: int


class MiBand:
    """Fits `hipsync.simulated.Simulator`. `secret` None: not paired yet, a key can be stored with a tap."""

    def __init__(
        self,
        life: Sequence[Epoch],
        *,
        now: datetime,
        zone: ZoneInfo,
        secret: bytes | None = None,
        name: str = "Mi Smart Band 5",
        firmware: str = "V1.0.2.66",
        record_size: int | None = None,
        checksums: bool | None = None,
        deletes_on_ack: bool = True,
        clock_error: timedelta = timedelta(0),
        taps_after: timedelta | None = timedelta(seconds=2),
        seed: int = 0,
    ) -> None:
        self.mtu = 23
        self.shown: list[Shown] = []
        self.faults = Faults()
        self.erased: list[datetime] = []
        """Minutes, by the band's clock, that it forgot on an acknowledgement."""
        self.requests: list[datetime] = []
        """Since when it was asked for minutes."""
        self.sent = 0
        """Records sent."""
        self.deletes_on_ack, self.taps_after, self.battery = deletes_on_ack, taps_after, 87
        self.name, self.firmware = name, firmware
        self._model = model_of(name)
        self._size = record_size or self._model.record_size
        self._checksums = self._size == 8 if checksums is None else checksums
        self._key, self._zone = secret, zone
        self._random = random.Random(seed)
        self._now = now
        self._clock_error = clock_error
        self._quarters = packets.quarters_of(now.astimezone(zone).utcoffset())
        self._life = sorted(_minutes(life))
        self._lived = 0
        self._memory: dict[datetime, _Minute] = {}
        self._today = 0
        self._forget_connection()
        self.advance(now)

    def _forget_connection(self) -> None:
        self._subscribed: set[str] = set()
        self._outbox: list[Notification | HangUp] = []
        self._connected_at: datetime | None = None
        self._authenticated = False
        self._challenge: bytes | None = None
        self._tap: tuple[datetime, bytes] | None = None
        self._armed: list[datetime] | None = None
        self._delivered: list[datetime] = []

    # ------------------------------------------------------------------ what a radio sees

    def advertisement(self) -> Advertisement:
        return Advertisement(
            name=self.name,
            services=frozenset({packets.FEE0}),
            service_data={packets.FEE0: self._today.to_bytes(4, "little")},
        )

    def services(self) -> Sequence[Service]:
        def characteristic(uuid: str, *properties: Property) -> Characteristic:
            return Characteristic(uuid, frozenset(properties))

        return (
            Service(gatt.GENERIC_ACCESS, (characteristic(gatt.DEVICE_NAME, "read"),)),
            Service(
                gatt.DEVICE_INFORMATION,
                tuple(characteristic(uuid, "read") for uuid in self._strings()),
            ),
            Service(
                packets.FEE0,
                (
                    characteristic(gatt.CURRENT_TIME, "read", "write", "notify"),
                    characteristic(packets.CONFIGURATION, "write", "write-without-response", "notify"),
                    characteristic(packets.FETCH, "write-without-response", "notify"),
                    characteristic(packets.DATA, "notify"),
                    characteristic(packets.BATTERY, "read", "notify"),
                    characteristic(packets.REALTIME_STEPS, "read", "notify"),
                    characteristic(packets.EVENTS, "write", "notify"),
                    characteristic(packets.CHUNKED, "write-without-response"),
                ),
            ),
            Service(
                packets.FEE1,
                (characteristic(packets.AUTHENTICATION, "write-without-response", "read", "notify"),),
            ),
            Service(
                gatt.HEART_RATE,
                (
                    characteristic(gatt.HEART_RATE_MEASUREMENT, "notify"),
                    characteristic(gatt.HEART_RATE_CONTROL, "write"),
                ),
            ),
            Service(gatt.IMMEDIATE_ALERT, (characteristic(gatt.ALERT_LEVEL, "write-without-response"),)),
            Service(gatt.ALERT_NOTIFICATION, (characteristic(gatt.NEW_ALERT, "write"),)),
        )

    def _strings(self) -> dict[str, bytes]:
        return {
            gatt.SERIAL_NUMBER: b"5a6f01b20c33",
            gatt.HARDWARE_REVISION: b"V0.44.17.2",
            gatt.SOFTWARE_REVISION: self.firmware.encode(),
            gatt.SYSTEM_ID: bytes.fromhex("c12edafffeada59b"),
            gatt.PNP_ID: bytes.fromhex("01570102000100"),
        }

    def connected(self, now: datetime) -> None:
        self._forget_connection()
        self._connected_at = now

    def disconnected(self, now: datetime) -> None:
        del now
        self._forget_connection()

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None:
        del now
        (self._subscribed.add if subscribed else self._subscribed.discard)(characteristic)

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
        if characteristic == packets.BATTERY:
            return Battery(self.battery, charging=False, last_level=100).encode(self._quarters)
        if not self._authenticated:
            raise Refused(UNLIKELY)
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
                self.shown.append(Shown(self._now, ""))
        elif characteristic == gatt.NEW_ALERT:
            self._show(data)
        elif characteristic == gatt.CURRENT_TIME and (self._authenticated or self._challenge is not None):
            self._set_clock(data)  # one client writes the clock right behind its answer to the challenge
        elif not self._authenticated:
            return  # ignored until somebody has logged in
        elif characteristic == packets.FETCH:
            self._control(data)
        elif characteristic == packets.CONFIGURATION:
            self._say(packets.CONFIGURATION, packets.config_reply(data))

    def _show(self, data: bytes) -> None:
        if len(data) < 3 or not data[1]:
            return
        text = data[3:] if data[0] == packets.CUSTOM else data[2:]
        self.shown.append(Shown(self._now, " ".join(text.decode("utf-8", "replace").split("\0")).strip()))

    def _set_clock(self, data: bytes) -> None:
        try:
            clock = CurrentTime.decode(data.ljust(11, b"\0"))
        except Exception as error:
            raise Refused(INVALID_LENGTH) from error
        if clock.instant is not None:
            self._clock_error = clock.instant - self._now
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
            self._judge(data[2:18], crypt)

    def _ask_for_tap(self, data: bytes) -> None:
        if self._model.secret == "given" or len(data) != 18:  # noqa: S105
            self._reply(packets.STORE_KEY, packets.AUTH_NO_KEY, 0)
            return
        self.shown.append(Shown(self._now, "pairing"))
        self._tap = (self._now, data[2:18])

    def _give_challenge(self, crypt: int) -> None:
        if self._key is None:
            self._reply(packets.ASK_CHALLENGE, packets.AUTH_NO_KEY, crypt)
            return
        self._challenge = self._random.randbytes(16)
        self._reply(packets.ASK_CHALLENGE, packets.SUCCESS, crypt, self._challenge)

    def _judge(self, proof: bytes, crypt: int) -> None:
        right = self._key is not None and self._challenge is not None and proof == answer(self._key, self._challenge)
        wrong = packets.AUTH_WRONG_KEY if self._model.prefix == "Mi Smart Band 4" else packets.AUTH_NO_KEY
        self._authenticated = right
        self._reply(packets.ANSWER_CHALLENGE, packets.SUCCESS if right else wrong, crypt)

    def _reply(self, operation: int, status: int, crypt: int, payload: bytes = b"") -> None:
        self._say(packets.AUTHENTICATION, AuthReply(operation, status, payload).encode(crypt))

    # ------------------------------------------------------------------ fetch

    def _control(self, data: bytes) -> None:
        if data[:1] == bytes([packets.START]):
            self._arm(data)
        elif data == bytes([packets.TRANSFER]):
            self._send()
        elif data[:1] == bytes([packets.ACKNOWLEDGE]):
            self._acknowledged()

    def _arm(self, data: bytes) -> None:
        self._delivered, self._armed = [], None
        if self.faults.refuse_fetch is not None:
            self._say(packets.FETCH, FetchReply(packets.START, self.faults.refuse_fetch, b"").encode())
            return
        since = packets.decode_stamp(data[2:10]) if len(data) >= 10 and data[1] == packets.ACTIVITY else None
        if since is None:
            self._say(packets.FETCH, FetchReply(packets.START, 0x04, b"").encode())
            return
        self.requests.append(since)
        held = sorted(minute for minute in self._memory if minute >= since.replace(second=0))
        run = held[:1]
        for minute in held[1:ROUND]:
            if minute != run[-1] + MINUTE:
                break  # a round has no gaps: what the band slept through is a jump of the next round's start
            run.append(minute)
        self._armed = run
        quarters = self._quarters + (4 if self.faults.foreign_offset else 0)
        count = len(run) + (self.faults.miscount if run else 0)
        answer_ = Round(count, run[0] if run else since).encode(quarters)
        self._say(packets.FETCH, FetchReply(packets.START, packets.SUCCESS, answer_).encode())

    def _send(self) -> None:
        if not self._armed:
            self._say(packets.FETCH, FetchReply(packets.TRANSFER, 0x04, b"").encode())
            return
        data = b"".join(self._memory[minute].record for minute in self._armed)
        room = max((self.mtu - 4) // self._size, 1) * self._size
        faults = self.faults if self.faults.times > 0 else Faults()
        self.faults.times -= 1
        for number, at in enumerate(range(0, len(data), room)):
            if number == faults.stall_at:
                return
            if number == faults.hang_up_at:
                self._outbox.append(HangUp())
                return
            packet = bytes([number & 0xFF]) + data[at : at + room]
            for _ in range(0 if number in faults.lose else 2 if number in faults.double else 1):
                self._say(packets.DATA, packet)
        checksum = packets.checksum(data if not faults.bad_checksum else data + b"\0") if self._checksums else b""
        self._say(packets.FETCH, FetchReply(packets.TRANSFER, packets.SUCCESS, checksum).encode())
        self.sent += len(self._armed)
        self._delivered, self._armed = self._armed, None

    def _acknowledged(self) -> None:
        if self.deletes_on_ack:
            for minute in self._delivered:
                if self._memory.pop(minute, None) is not None:
                    self.erased.append(minute)
        self._delivered = []
        self._say(packets.FETCH, FetchReply(packets.ACKNOWLEDGE, packets.SUCCESS, b"").encode())

    def memory(self) -> list[datetime]:
        """The minutes that it holds, by its own clock."""
        return sorted(self._memory)

    # ------------------------------------------------------------------ time

    def clock(self) -> datetime:
        """What the band believes the time to be."""
        return self._now + self._clock_error

    def reboot(self) -> None:
        """The link is lost, the memory stays."""
        self._outbox.append(HangUp())

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        self._live(now)
        out, self._outbox = self._outbox, []
        return out

    def _live(self, now: datetime) -> None:
        """Record the minutes that have passed, and do what is due."""
        before = self._today
        while self._lived < len(self._life) and self._life[self._lived].end <= now:
            self._record(self._life[self._lived])
            self._lived += 1
        self._now = max(now, self._now)
        if self._today != before and self._authenticated and packets.REALTIME_STEPS in self._subscribed:
            self._say(packets.REALTIME_STEPS, self._realtime())
        if self._tap is not None:
            self._settle_tap(*self._tap)
        if self._login_ends is not None and self._login_ends <= now:
            self._connected_at = None
            self._outbox.append(HangUp())

    def _record(self, epoch: Epoch) -> None:
        stamp = epoch.start + self._clock_error
        local = stamp + self._quarters * packets.QUARTER
        if local.hour == local.minute == 0:
            self._today = 0
        self._today += epoch.steps
        self._memory[stamp] = _Minute(_coded(epoch, self._size), epoch.steps)
        self._memory.pop(stamp - RETENTION, None)

    @property
    def _login_ends(self) -> datetime | None:
        if self._connected_at is None or self._authenticated:
            return None
        return (self._tap[0] + TAP_TIMES_OUT if self._tap is not None else self._connected_at) + LOGIN_WITHIN

    def _settle_tap(self, asked: datetime, key: bytes) -> None:
        if self.taps_after is not None and self._now >= asked + self.taps_after:
            self._key, self._tap, self._connected_at = key, None, self._now
            self._reply(packets.STORE_KEY, packets.SUCCESS, 0)
        elif self._now >= asked + TAP_TIMES_OUT:
            self._tap, self._connected_at = None, self._now
            self._reply(packets.STORE_KEY, packets.AUTH_REFUSED, 0)

    def wake_at(self) -> datetime | None:
        times = [self._login_ends]
        if self._tap is not None:
            times.append(self._tap[0] + min(self.taps_after or TAP_TIMES_OUT, TAP_TIMES_OUT))
        if self._authenticated and packets.REALTIME_STEPS in self._subscribed and self._lived < len(self._life):
            times.append(self._life[self._lived].end)
        return min((instant for instant in times if instant is not None), default=None)

    def _realtime(self) -> bytes:
        if self._size == 4 and self._model.short_text is False and self._model.secret == "own":  # noqa: S105
            return RealtimeSteps(self._today).encode()
        return RealtimeSteps(self._today, self._today * 7 // 10, self._today // 25).encode()

    def _say(self, characteristic: str, data: bytes) -> None:
        self._outbox.append(Notification(characteristic, data))


def _minutes(life: Sequence[Epoch]) -> Iterator[Epoch]:
    """Minute epochs of any life: the steps of a longer epoch lie in its last minute."""
    for epoch in life:
        count = epoch.length // MINUTE
        for i in range(count):
            last = i == count - 1
            yield epoch._replace(start=epoch.start + i * MINUTE, length=MINUTE, steps=epoch.steps if last else 0)


def _coded(epoch: Epoch, size: int) -> bytes:
    steps = min(epoch.steps, 0xFF)
    kind = epoch.kind if epoch.kind is not None else KINDS.get(epoch.state, 0x01 if steps else 0x50)
    if epoch.state is State.SITTING and steps:
        kind = 0x50
    return packets.encode_record(kind, min(epoch.intensity or 0, 0xFF), steps, epoch.heart_rate or 0xFF, size)
