"""Bytes of the Huami protocol (Mi Band 2 to 7, Amazfit), in both directions; `chunked` has the messages in chunks.

Numbers are little-endian. Source of the layouts: public clients and logs of these bands. Bytes that others recorded are
in `tests/devices`, each with its source. UUIDs `h:XXXX` have the vendor's base 0000XXXX-0000-3512-2118-0009af100700.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from struct import Struct, iter_unpack

from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Epoch, State
from hipsync_devices.gatt import uuid16


def vendor(number: int) -> str:
    """Return the full UUID of a 16-bit number on Huami's base UUID."""
    return f"0000{number:04x}-0000-3512-2118-0009af100700"


FEE0, FEE1 = uuid16(0xFEE0), uuid16(0xFEE1)
CONFIGURATION = vendor(0x0003)
FETCH = vendor(0x0004)
DATA = vendor(0x0005)
BATTERY = vendor(0x0006)
REALTIME_STEPS = vendor(0x0007)
AUTHENTICATION = vendor(0x0009)
FIRST_GENERATION, XIAOMI_V1, XIAOMI_V2 = uuid16(0xFF0F), uuid16(0x0051), uuid16(0x005E)
"""Characteristics of bands that speak something else: a Mi Band 1, and Xiaomi's own protocol in both its forms."""
EVENTS = vendor(0x0010)
CHUNKED = vendor(0x0020)

RESPONSE = 0x10
SUCCESS = 0x01
CRYPT = 0x80
"""The bit that is set in the operations of a login to a band whose key comes from the maker."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`10 <operation> <status> [payload]`: the band's answer to a step of the login or of a fetch."""

    operation: int
    """The number of the operation that is answered, without the bit `CRYPT`."""
    status: int
    payload: bytes = b""

    @classmethod
    def decode(cls, data: bytes) -> Reply:
        if len(data) < 3 or data[0] != RESPONSE:
            raise MalformedPacket("not an answer", data)
        return cls(data[1] & 0x0F, data[2], data[3:])

    def encode(self, crypt: int = 0) -> bytes:
        return bytes([RESPONSE, self.operation | crypt, self.status]) + self.payload


# ------------------------------------------------------------------ time

QUARTER = timedelta(minutes=15)
_STAMP = Struct("<HBBBBBb")


NEVER = datetime(2106, 2, 6, 6, 28, 16, tzinfo=UTC)
"""The instant that bands send, in their own offset, if their clock was never set."""


def encode_stamp(instant: datetime | None, quarters: int) -> bytes:
    """Encode an instant in eight bytes: the wall-clock time at an offset from UTC, and the offset.

    `quarters` is the offset in quarters of an hour, including summer time. None is encoded as `NEVER`.
    """
    local = (instant or NEVER).astimezone(timezone(quarters * QUARTER))
    return _STAMP.pack(local.year, local.month, local.day, local.hour, local.minute, local.second, quarters)


def decode_stamp(data: bytes) -> datetime | None:
    """Decode an eight-byte stamp to an instant in UTC, by the offset in the stamp itself; None if it was never set.

    `NEVER`, zeros, and any other year outside 2000 to 2099 count as never set. Raises `MalformedPacket`.
    """
    if len(data) != 8:
        raise MalformedPacket("a time stamp of Huami has eight bytes", data)
    year, month, day, hour, minute, second, quarters = _STAMP.unpack(data)
    if not 2000 <= year <= 2099:
        return None
    try:
        zone = timezone(quarters * QUARTER)
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except ValueError as error:
        raise MalformedPacket("not a date, or not an offset from UTC", data) from error


def quarters_of(offset: timedelta | None) -> int:
    """Return an offset from UTC as a whole number of quarters of an hour; None counts as 0."""
    return (offset or timedelta(0)) // QUARTER


SUMMER = 0x08
"""What the newer generation is told while summer time is in effect."""


@dataclass(frozen=True, slots=True)
class CurrentTime:
    """A Current Time (0x2A2B). `instant` is None if the clock was never set; `quarters` is the offset from UTC.

    The offset is in quarters of an hour, and holds summer time. `summer` says whether that is in effect; only the newer
    generation hears of it.
    """

    instant: datetime | None
    quarters: int
    summer: bool = False

    def encode(self) -> bytes:
        """Encode the time in eleven bytes, with the weekday (1 = Monday), but without fraction and reason."""
        if self.instant is None:
            return bytes(10) + self.quarters.to_bytes(1, "little", signed=True)
        local = self.instant.astimezone(timezone(self.quarters * QUARTER))
        stamp = encode_stamp(self.instant, self.quarters)
        return stamp[:7] + bytes([local.isoweekday(), 0, 0]) + stamp[7:]

    def encode_newer(self) -> bytes:
        """Encode the time in the form that the newer generation demands.

        Sunday is 0, the fraction of the second is in 256ths, and then 8 stands for summer time.
        """
        classic = self.encode()
        fraction = 0 if self.instant is None else self.instant.microsecond * 256 // 1_000_000
        return classic[:7] + bytes([classic[7] % 7, fraction, SUMMER if self.summer else 0]) + classic[10:]

    @classmethod
    def decode(cls, data: bytes) -> CurrentTime:
        if len(data) < 11:
            raise MalformedPacket("the clock has eleven bytes", data)
        quarters = int.from_bytes(data[10:11], "little", signed=True)
        return cls(decode_stamp(data[:7] + data[10:11]), quarters, data[9] == SUMMER)


# ------------------------------------------------------------------ authentication

STORE_KEY, ASK_CHALLENGE, ANSWER_CHALLENGE = 0x01, 0x02, 0x03
AUTH_REFUSED, AUTH_NO_KEY, AUTH_INITIALISED, AUTH_NEEDS_2021, AUTH_WRONG_KEY = 0x02, 0x04, 0x06, 0x07, 0x08


# ------------------------------------------------------------------ stored minutes

ACTIVITY = 0x01
START, TRANSFER, ACKNOWLEDGE = 0x01, 0x02, 0x03
KEEP, DROP = 0x09, 0x01
"""The second byte of an acknowledgement to the newer generation: the band is to keep the minutes, or to forget them."""
FETCH_REFUSED, FETCH_NONE, FETCH_OWED = 0x02, 0x04, 0x32
"""Statuses in the answers to a fetch. 0x02, to START: nothing to do now. 0x04, to TRANSFER: no data, or no more. 0x32,
to START: an earlier round is not acknowledged yet."""


def encode_fetch(since: datetime, quarters: int) -> bytes:
    """Return the request for the stored minutes from `since` on, stamped with the offset `quarters`.

    `since` is cut to the whole minute, because seconds upset at least one watch.
    """
    return bytes([START, ACTIVITY]) + encode_stamp(since.replace(second=0, microsecond=0), quarters)


@dataclass(frozen=True, slots=True)
class Round:
    """The band's announcement of a round: it will send `count` records, one for each minute from `start` on."""

    count: int
    start: datetime | None
    """None if the band has no minutes, and then `count` is 0."""

    @classmethod
    def decode(cls, payload: bytes) -> Round:
        """Decode the payload of an answer to START: 12 bytes, or 13 from later bands. Raises `MalformedPacket`."""
        if len(payload) < 12:
            raise MalformedPacket("the answer to a fetch has no count and start", payload)
        return cls(int.from_bytes(payload[:4], "little"), decode_stamp(payload[4:12]))

    def encode(self, quarters: int) -> bytes:
        return self.count.to_bytes(4, "little") + encode_stamp(self.start, quarters)


def encode_acknowledgement(*, forget: bool, newer: bool) -> bytes | None:
    """Return the acknowledgement of a round; None if none must be sent.

    The newer generation needs one after every round, or it refuses the next request; the acknowledgement says whether
    to keep the minutes. A classic band takes every acknowledgement as permission to forget them.
    """
    if newer:
        return bytes([ACKNOWLEDGE, DROP if forget else KEEP])
    return bytes([ACKNOWLEDGE]) if forget else None


def checksum(data: bytes) -> bytes:
    """Return the checksum that later bands send at the end of a round: the CRC-32/ISO-HDLC of its whole payload."""
    return zlib.crc32(data).to_bytes(4, "little")


def state_of(kind: int) -> State | None:
    """Return the state that a kind byte means, by its two nibbles; None if it shows neither posture, sleep nor wear.

    ========  =====================================================================================
    x6        on the charger
    x3        not on the wrist
    7x, Fx    a block of sleep
    x1        walking, at any pace; 12 and 22 too
    x2        running or a fast walk: 32 42 52 62
    50 5A     sitting or still, 5A with nothing new for five minutes; 5B and 5C awake and still, about to wake up
    60 6A     standing, or light movement without steps
    others    nothing certain: 00 and 0A "as before", 10 some slow steps, 1C woke up, 69 sleep was interrupted
    ========  =====================================================================================
    """
    high, low = kind >> 4, kind & 0x0F
    if low == 0x06:
        return State.CHARGING
    if low == 0x03:
        return State.NOT_WORN
    if high in {0x7, 0xF}:
        return State.ASLEEP
    if low == 0x01 or (low == 0x02 and high < 0x3):
        return State.WALKING
    if low == 0x02:
        return State.RUNNING
    if high == 0x5 and low in {0x0, 0xA, 0xB, 0xC}:
        return State.SITTING
    if high == 0x6 and low in {0x0, 0xA}:
        return State.STANDING
    return None


STATES: Sequence[State | None] = tuple(state_of(kind) for kind in range(256))
STEPPING: Sequence[State | None] = tuple(
    None if state in {State.SITTING, State.STANDING} else state for state in STATES
)
"""The state for each kind byte of a minute with steps, in which nobody counts as sitting or standing: a Mi Band 2
recorded minutes of 153 steps with kind 42, and of 14 steps with kind 50 (Gadgetbridge #686)."""
NEWER_STATES: Sequence[State | None] = tuple(
    state if state in {State.CHARGING, State.NOT_WORN, State.ASLEEP} else None for state in STATES
)
"""The state for each kind byte of the newer generation. Of its kinds only 73, 76 and 78 are known to mean the same as
in the classic one."""
NO_HEART_RATE = frozenset({0x00, 0xFF})
HEART_RATES: Sequence[int | None] = tuple(None if bpm in NO_HEART_RATE else bpm for bpm in range(256))


def decode_records(data: bytes, size: int, start: datetime, *, newer: bool = False) -> list[Epoch]:
    """Decode the records of a round, each of `size` bytes (4 or 8), to epochs; record i is minute i after `start`.

    A record is kind, intensity, steps and heart rate; of 8 bytes, the other four are about sleep. The kind byte is
    stored unchanged. Raises `MalformedPacket`.
    """
    if size not in {4, 8} or len(data) % size:
        raise MalformedPacket(f"the stored minutes are not records of {size} bytes", data)
    layout = "4B" if size == 4 else "4B4x"
    states, stepping = (NEWER_STATES, NEWER_STATES) if newer else (STATES, STEPPING)
    epochs: list[Epoch] = []
    at = start
    for kind, intensity, steps, bpm in iter_unpack(layout, data):
        of_kind = stepping if steps else states
        epochs.append(Epoch(at, MINUTE, steps, intensity, HEART_RATES[bpm], of_kind[kind], kind))
        at += MINUTE
    return epochs


def encode_record(kind: int, intensity: int, steps: int, bpm: int, size: int) -> bytes:
    """Encode the record of a minute in `size` bytes, 4 or 8.

    In dumps of a Mi Band 5, records of 8 bytes end in 04 00 80 00 while the wearer is awake, in 04 3b 80 00 asleep.
    """
    tail = b"" if size == 4 else b"\x04\x3b\x80\x00" if STATES[kind] is State.ASLEEP else b"\x04\x00\x80\x00"
    return bytes([kind, intensity, steps, bpm]) + tail


# ------------------------------------------------------------------ battery, realtime, events, settings


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery report (h:0006); levels are in percent.

    The stamps are None if the band never set them. A short report has neither stamps nor the last level, and the
    shortest does not say whether the band is charging.
    """

    percent: int
    charging: bool | None
    last_full: datetime | None = None
    last_charger_event: datetime | None = None
    last_level: int | None = None

    @classmethod
    def decode(cls, data: bytes) -> Battery:
        if len(data) < 2 or data[1] > 100:
            raise MalformedPacket("not a battery report", data)
        charging = bool(data[2]) if len(data) > 2 else None
        if len(data) < 20:
            return cls(data[1], charging)
        return cls(data[1], charging, decode_stamp(data[3:11]), decode_stamp(data[11:19]), data[19])

    def encode(self, quarters: int) -> bytes:
        stamps = encode_stamp(self.last_full, quarters) + encode_stamp(self.last_charger_event, quarters)
        return bytes([0x0F, self.percent, self.charging is True]) + stamps + bytes([self.last_level or 0])


@dataclass(frozen=True, slots=True)
class RealtimeSteps:
    """The steps since local midnight, with distance and energy if the band sends them; both are None if not."""

    steps: int
    metres: int | None = None
    kilocalories: int | None = None

    @classmethod
    def decode(cls, data: bytes) -> RealtimeSteps:
        if len(data) < 5 or (data[0] & 0x0C and len(data) < 13):
            raise MalformedPacket("not a report of steps", data)
        numbers = [int.from_bytes(data[at : at + 4], "little") for at in range(1, len(data) - 3, 4)]
        return cls(*numbers[:3]) if data[0] & 0x0C else cls(numbers[0])

    def encode(self) -> bytes:
        if self.metres is None or self.kilocalories is None:
            return b"\x00" + self.steps.to_bytes(4, "little")
        return b"\x0c" + b"".join(n.to_bytes(4, "little") for n in (self.steps, self.metres, self.kilocalories))


def decode_heart_rate(data: bytes) -> int | None:
    """Decode a Heart Rate Measurement of these bands, `00 <bpm>`, to beats a minute; None if they measured nothing.

    Raises `MalformedPacket`.
    """
    if len(data) < 2 or data[0] != 0:
        raise MalformedPacket("not a heart rate of Huami", data)
    return data[1] or None


def decode_system_id(data: bytes) -> str:
    """Decode the band's address from its System ID, which has FF FE in the middle. Raises `MalformedPacket`."""
    if len(data) != 8 or data[3:5] != b"\xff\xfe":
        raise MalformedPacket("not a system id made of an address", data)
    return ":".join(f"{byte:02X}" for byte in data[:3] + data[5:])


EVENT_FELL_ASLEEP, EVENT_WOKE_UP, EVENT_NOT_WORN, EVENT_MTU = 0x01, 0x02, 0x06, 0x16


def decode_event(data: bytes) -> tuple[int, int | None]:
    """Decode the number of an event, and the ATT MTU if it announces one, else None. Raises `MalformedPacket`."""
    if not data:
        raise MalformedPacket("an event without a number", data)
    if data[0] != EVENT_MTU:
        return data[0], None
    if len(data) < 3:
        raise MalformedPacket("an MTU event without an MTU", data)
    return data[0], int.from_bytes(data[1:3], "little")


@dataclass(frozen=True, slots=True)
class InactivityWarning:
    """The setting of the band's own inactivity alarm, which cannot be read. hipsync writes it only when asked to."""

    enabled: bool
    threshold_minutes: int
    windows: tuple[tuple[int, int], ...]
    """The times of day in which the band may warn: at most two `[from, to)`, in minutes after its local midnight."""

    def encode(self) -> bytes:
        edges = [edge for window in self.windows for edge in window]
        hours = bytes(number for edge in edges for number in divmod(edge, 60))
        return bytes([0x08, int(self.enabled), self.threshold_minutes, 0]) + hours.ljust(8, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> InactivityWarning:
        if len(data) != 12 or data[0] != 0x08 or data[1] > 1:
            raise MalformedPacket("not a setting of the sit alarm", data)
        edges = [data[at] * 60 + data[at + 1] for at in range(4, 12, 2)]
        windows = tuple(window for window in ((edges[0], edges[1]), (edges[2], edges[3])) if window != (0, 0))
        return cls(bool(data[1]), data[2], windows)


def config_reply(write: bytes, status: int = SUCCESS) -> bytes:
    """Return a band's answer to a written setting: `10`, the first three bytes of the command, and a status."""
    return bytes([RESPONSE]) + write[:3] + bytes([status])


def decode_config_reply(data: bytes) -> tuple[bytes, bool]:
    """Decode a band's answer to a setting: the first bytes of the command, and whether the band accepted it.

    Raises `MalformedPacket`.
    """
    if len(data) < 3 or data[0] != RESPONSE:
        raise MalformedPacket("not an answer to a setting", data)
    return data[1:-1], data[-1] == SUCCESS


# ------------------------------------------------------------------ advertisement

COMPANY = 0x0157


def decode_advertised_steps(service_data: bytes) -> int:
    """Decode today's steps from the service data that a band advertises under FEE0. Raises `MalformedPacket`."""
    if len(service_data) < 2:
        raise MalformedPacket("no steps in the service data", service_data)
    return int.from_bytes(service_data[:4], "little")


def decode_advertised_heart_rate(manufacturer: bytes) -> int | None:
    """Decode the heart rate in advertised manufacturer data, which begin after the company number.

    None if there is no heart rate, or if the form of the data is not certain.
    """
    if len(manufacturer) < 24 or manufacturer[0] != 0x02 or manufacturer[3] in NO_HEART_RATE:
        return None
    return manufacturer[3]


# ------------------------------------------------------------------ alerts

NO_ALERT, MESSAGE_ALERT, CALL_ALERT, VIBRATE = 0x00, 0x01, 0x02, 0x03
CUSTOM, SMS = 0xFA, 0x05
APP_ICON = 0x0B


def encode_new_alert(title: str, body: str, room: int, *, short: bool) -> bytes:
    """Return the alert that shows a text, in at most `room` bytes; `short` is a Mi Band 2's form, of 18 bytes of text.

    An empty body is sent as a space, because an empty one makes a Bip S restart.
    """
    if short:
        return bytes([SMS, 0x01]) + (cut(f"{title} {body}".strip(), min(18, room - 2)) or b" ")
    head = bytes([CUSTOM, 0x01, APP_ICON]) + cut(title, max(room - 6, 0)) + b"\0"
    return head + (cut(body, max(room - len(head) - 1, 1)) or b" ") + b"\0"


def cut(text: str, limit: int) -> bytes:
    """Encode a text in UTF-8 and cut it to at most `limit` bytes, without splitting a character."""
    return text.encode()[:limit].decode("utf-8", "ignore").encode()
