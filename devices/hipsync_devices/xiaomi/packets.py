"""The messages of these bands: an envelope with a type and a number in it, and one body by type.

::

    1 type   2 id   3 account (type 1)   4 system (2)   9 notification (7)   10 fitness (8)   100 error, and no body

An answer has the type and id of its request, so one thing of a kind is asked at a time. Written `2/78`, it is type 2,
id 78; written `4{48{1}}`, it is field 1 inside field 48 inside field 4. Fields that the maker's files call required are
written even when they are 0.

Source: the field numbers of Gadgetbridge (xiaomi.proto) and AstroBox (protos/xiaomi) agree on all that is here; both
were run for `tests/vectors/xiaomi.json` (areas message, answer, login).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.driver import Message as Prompt
from hipsync.errors import MalformedPacket
from hipsync_devices import gatt
from hipsync_devices.xiaomi import protobuf as pb
from hipsync_devices.xiaomi.protobuf import Fields

ACCOUNT, SYSTEM, NOTIFICATION, FITNESS = 3, 4, 9, 10
"""The fields of the bodies."""
ERROR = 100


class Id(NamedTuple):
    """What a message is: its type, and its number within the type."""

    type: int
    number: int

    def __str__(self) -> str:
        return f"{self.type}/{self.number}"


NONCE, CONFIRM, TAP_WANTED = Id(1, 26), Id(1, 27), Id(1, 16)
BATTERY, DEVICE, CLOCK = Id(2, 1), Id(2, 2), Id(2, 3)
STATE, EVENT = Id(2, 78), Id(2, 79)
SHOW = Id(7, 0)
TODAY, PAST, FETCH, CONFIRM_FILES = Id(8, 1), Id(8, 2), Id(8, 3), Id(8, 5)
WORKOUT, LIVE_ON, LIVE = Id(8, 26), Id(8, 45), Id(8, 47)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of either side."""

    id: Id
    fields: Fields
    """The fields of the envelope."""

    @property
    def error(self) -> int:
        """The code with which the band refuses a request; 0 for none."""
        return self.fields.number(ERROR) or 0

    @classmethod
    def decode(cls, data: bytes) -> Message:
        """Decode an envelope. Raises `MalformedPacket`."""
        fields = Fields(data)
        kind, number = fields.number(1), fields.number(2)
        if kind is None:
            raise MalformedPacket("a message without a type", data)
        return cls(Id(kind, number or 0), fields)


def encode(id_: Id, body: bytes = b"") -> bytes:
    """Return a message; `body` is the field with its body, if it has one."""
    return pb.number(1, id_.type) + pb.number(2, id_.number) + body


# ------------------------------------------------------------------ the band itself


@dataclass(frozen=True, slots=True)
class Battery:
    percent: int
    charging: bool | None

    @classmethod
    def decode(cls, message: Message) -> Battery:
        """Decode an answer to 2/1: 4{2{1{1 percent, 2 state: 1 charging, 2 not, 3 full}}}. Raises `MalformedPacket`."""
        battery = message.fields.at(SYSTEM, 2, 1)
        percent = battery.number(1)
        if percent is None or percent > 100:
            raise MalformedPacket("no battery level", pb.varint(percent or 0))
        return cls(percent, {1: True, 2: False, 3: True}.get(battery.number(2) or 0))


@dataclass(frozen=True, slots=True)
class Device:
    serial: str | None
    firmware: str | None
    model: str | None

    @classmethod
    def decode(cls, message: Message) -> Device:
        """Decode the answer to 2/2: 4{3{1 serial, 2 firmware, 4 model code}}. Raises `MalformedPacket`."""
        device = message.fields.at(SYSTEM, 3)
        return cls(*(gatt.text(device.blob(field) or b"") for field in (1, 2, 4)))


@dataclass(frozen=True, slots=True)
class State:
    """What a band says of itself now (2/78), or what has changed (2/79); None is what it does not say."""

    charging: bool | None = None
    percent: int | None = None
    worn: bool | None = None
    asleep: bool | None = None
    workout_ended: bool = False
    """Whether a workout has just ended, so that its report can be fetched."""

    @classmethod
    def decode(cls, message: Message) -> State:
        """Decode the answer to 2/78: 4{48{1 charging, 2 percent, 3 worn, 4 asleep}}. Raises `MalformedPacket`."""
        state = message.fields.at(SYSTEM, 48)
        percent = state.number(2)
        return cls(
            _flag(state, 1),
            percent if percent is not None and percent <= 100 else None,
            _flag(state, 3),
            _flag(state, 4),
        )

    @classmethod
    def decode_event(cls, message: Message) -> State:
        """Decode 2/79: 4{49{1 charging, 2 wearing, 3 sleep, 5{1 sport, 2 state}}}: 1 began, 2 ended; charging 3 full.

        Only what has changed is there. A workout's state is 3 when it has ended. Raises `MalformedPacket`.
        """
        event = message.fields.at(SYSTEM, 49)
        charging, worn, asleep = ({1: True, 2: False}.get(event.number(field) or 0) for field in (1, 2, 3))
        if event.number(1) == 3:
            charging = True
        return cls(charging, None, worn, asleep, event.at(5).number(2) == 3)


def _flag(fields: Fields, field: int) -> bool | None:
    value = fields.number(field)
    return None if value is None else value != 0


def encode_clock(now: datetime) -> bytes:
    """Return 2/3, which sets the clock to an aware instant in the zone that it is given in.

    4{4{1{1 year, 2 month, 3 day}, 2{1 h, 2 m, 3 s, 4 ms}, 3{1 standard offset, 2 its summer part, 3 name}, 4 0: 24 h}};
    both offsets are in quarter hours, as zigzag numbers.
    """
    summer = now.dst() or timedelta()
    standard = (now.utcoffset() or timedelta()) - summer
    day = pb.message(1, (pb.number(1, now.year), pb.number(2, now.month), pb.number(3, now.day)))
    time = pb.message(2, (pb.number(1, now.hour), pb.number(2, now.minute), pb.number(3, now.second), pb.number(4, 0)))
    zone = pb.message(
        3,
        (
            pb.zigzag(1, _quarters(standard)),
            pb.zigzag(2, _quarters(summer)),
            pb.blob(3, getattr(now.tzinfo, "key", "")),
        ),
    )
    return encode(CLOCK, pb.message(SYSTEM, (pb.message(4, (day, time, zone, pb.number(4, 0))),)))


def _quarters(offset: timedelta) -> int:
    return round(offset / timedelta(minutes=15))


# ------------------------------------------------------------------ texts


def encode_show(prompt: Prompt, number: int, now: datetime) -> bytes:
    """Return 7/0, which buzzes and shows a text; `now` is local time, and `number` is our own for the text.

    9{3{1{1 app, 2 its name, 3 title, 4 subtitle, 5 text, 6 time, 7 number, 9 group, 10 caller, 12 key}}}. The
    name of the app must not be empty, or nothing is shown.
    """
    shown = (
        pb.blob(1, "hipsync"), pb.blob(2, "hipsync"), pb.blob(3, prompt.title), pb.blob(4, ""), pb.blob(5, prompt.body),
        pb.blob(6, f"{now:%Y%m%dT%H%M%S}"), pb.number(7, number), pb.blob(9, ""), pb.blob(10, ""),
        pb.blob(12, f"hipsync-{number}"),
    )  # fmt: skip
    return encode(SHOW, pb.message(NOTIFICATION, (pb.message(3, (pb.message(1, shown),)),)))


# ------------------------------------------------------------------ live


class Live(NamedTuple):
    """What a band sends about once a second while it is asked to."""

    steps: int
    """Today's, by the band's clock."""
    heart_rate: int | None


def decode_live(message: Message) -> Live:
    """Decode 8/47: 10{39{1 steps today, 4 heart rate, 0 for none}}. Raises `MalformedPacket`."""
    live = message.fields.at(FITNESS, 39)
    steps, pulse = live.number(1), live.number(4)
    if steps is None or steps > MOST_STEPS_A_DAY:
        raise MalformedPacket("no total of steps", pb.varint(steps or 0))
    return Live(steps, pulse if pulse and pulse < 255 else None)


MOST_STEPS_A_DAY = 500_000
"""More steps than anybody makes in a day; a greater total is wrong."""


def decode_workout_ended(message: Message) -> bool:
    """Whether 8/26 says that a workout has just ended: 10{20{4 state}}, 3. Raises `MalformedPacket`."""
    return message.fields.at(FITNESS, 20).number(4) == 3


# ------------------------------------------------------------------ files


def encode_today() -> bytes:
    """Return 8/1, which asks for the ids of today's files."""
    return encode(TODAY, pb.message(FITNESS, (pb.message(5, (pb.number(1, 0),)),)))


def encode_past() -> bytes:
    """Return 8/2, which asks for the ids of the files of earlier days."""
    return encode(PAST)


def encode_fetch(file: bytes) -> bytes:
    """Return 8/3, which asks for one file by its id of seven bytes."""
    return encode(FETCH, pb.message(FITNESS, (pb.blob(2, file),)))


def encode_confirm(file: bytes) -> bytes:
    """Return 8/5, after which the band may forget a file. It is sent only once the file is stored, to erase it."""
    return encode(CONFIRM_FILES, pb.message(FITNESS, (pb.blob(3, file),)))


def decode_ids(message: Message) -> Sequence[bytes]:
    """Return the ids in an answer to 8/1 or 8/2, 10{2: seven bytes each, joined}, without those that are all zeros.

    Raises `MalformedPacket`.
    """
    joined = message.fields.at(FITNESS).blob(2) or b""
    if len(joined) % 7:
        raise MalformedPacket("ids of files have seven bytes each", joined)
    ids = (joined[at : at + 7] for at in range(0, len(joined), 7))
    return [each for each in dict.fromkeys(ids) if any(each)]
