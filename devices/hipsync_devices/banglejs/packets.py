"""What a Bangle.js sends: lines of text over Nordic's UART service, most of them JSON.

Source unless a line says otherwise: espruino/BangleApps at 0fe18ed, `apps/android` 0.47 and `apps/health` 0.43, and
espruino/Espruino at c5ff787.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self

from hipsync.errors import MalformedPacket

log = logging.getLogger(__name__)

UART = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
WRITE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
NOTIFY = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"

BLOCK = timedelta(minutes=10)
ACTIVITIES = ("UNKNOWN", "NOT_WORN", "WALKING", "EXERCISE", "LIGHT_SLEEP", "DEEP_SLEEP")
"""The activities that a watch reports from firmware 2v26 on, in the order of their numbers in the watch's files."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
END = datetime(9999, 12, 31, tzinfo=UTC)
"""The latest time that a watch's clock may show; a clock that is centuries wrong is set like any other."""
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""The range of the times that are accepted from a watch. After its battery was empty, its clock starts at 1970."""


@dataclass(frozen=True, slots=True)
class Status:
    """`{"t":"status","bat":85,"chg":0}`: sent two seconds after a connection begins, and whenever a block ends.

    `percent` is the battery level, None if it is not one; `charging` is None if the watch does not report it.
    """

    percent: int | None
    charging: bool | None = None

    def encode(self) -> bytes:
        chg = {} if self.charging is None else {"chg": int(self.charging)}
        return to_json({"t": "status", "bat": self.percent, **chg})


@dataclass(frozen=True, slots=True)
class Version:
    """`{"t":"ver","fw":"2v29","hw":2}`: sent right after the first status, from Android Integration 0.30 on."""

    firmware: str
    hardware: str

    def encode(self) -> bytes:
        return to_json({"t": "ver", "fw": self.firmware, "hw": int(self.hardware)})


@dataclass(frozen=True, slots=True)
class Measured:
    """What the watch measured in a block: steps, heart rate, mean movement, and its guess at the activity.

    The heart rate is in beats a minute, 0 for none; the activity is one of `ACTIVITIES`, None from older firmware.
    """

    steps: int
    heart_rate: float = 0
    movement: float = 0
    activity: str | None = None

    def fields(self) -> dict[str, object]:
        act = {} if self.activity is None else {"act": self.activity}
        return {"stp": self.steps, "hrm": self.heart_rate, "mov": self.movement, **act}


@dataclass(frozen=True, slots=True)
class Block:
    """`{"t":"act","ts":...,"stp":..,"hrm":..,"mov":..,"act":".."}`: a stored block; `ts`: its end in ms since 1970."""

    end: datetime
    measured: Measured
    full: bool = field(default=True, compare=False)
    """Whether the line has all members that a watch writes. One without may be two halves of lines that still fit."""

    def encode(self) -> bytes:
        return to_json({"t": "act", "ts": milliseconds(self.end), **self.measured.fields()})


@dataclass(frozen=True, slots=True)
class BlockEnded:
    """`{"t":"act","stp":..,"hrm":..,"mov":..,"act":".."}`, a `Block` without `ts`: sent when a block has just ended."""

    measured: Measured

    def encode(self) -> bytes:
        return to_json({"t": "act", **self.measured.fields()})


@dataclass(frozen=True, slots=True)
class Walked:
    """`{"t":"act","stp":12,"hrm":0,"rt":1}`: the steps since the last such line or, in the first, since the request."""

    steps: int
    heart_rate: float = 0

    def encode(self) -> bytes:
        return to_json({"t": "act", "stp": self.steps, "hrm": self.heart_rate, "rt": 1})


@dataclass(frozen=True, slots=True)
class FetchStarted:
    """`{"t":"actfetch","state":"start"}`"""  # noqa: D400, D415  it is what is on the wire

    def encode(self) -> bytes:
        return to_json({"t": "actfetch", "state": "start"})


@dataclass(frozen=True, slots=True)
class FetchEnded:
    """`{"t":"actfetch","state":"end","count":144}`: sent after the last block of a fetch; counts the blocks sent."""

    blocks: int

    def encode(self) -> bytes:
        return to_json({"t": "actfetch", "state": "end", "count": self.blocks})


class Button(StrEnum):
    """The button that the wearer pressed on a message: OPEN is the tick, DISMISS the cross."""

    OPEN = "OPEN"
    DISMISS = "DISMISS"
    MUTE = "MUTE"
    REPLY = "REPLY"


@dataclass(frozen=True, slots=True)
class Pressed:
    """`{"t":"notify","id":1,"n":"DISMISS"}`"""  # noqa: D400, D415  it is what is on the wire

    id: int
    button: Button

    def encode(self) -> bytes:
        return to_json({"t": "notify", "id": self.id, "n": self.button.value})


@dataclass(frozen=True, slots=True)
class ZoneSet:
    """A note on the watch: the instant at which a driver last changed the watch's zone, and the offset before that.

    The offset is from UTC, east positive.
    """

    at: datetime
    before: timedelta

    def fields(self) -> dict[str, object]:
        return {"at": date_now(self.at), "from": _minutes(self.before)}


@dataclass(frozen=True, slots=True)
class Hello:
    """The answer to the command `HELLO`, which only a programmable watch gives.

    `clock` is the instant by the watch's clock; `zone_set` is None if no driver has changed the watch's zone.
    """

    firmware: str | None
    clock: datetime
    offset: timedelta
    """The watch's present offset from UTC, east positive."""
    status: Status
    zone_set: ZoneSet | None = None

    def encode(self) -> bytes:
        changed = self.zone_set
        note = {} if changed is None else {"z": changed.fields()}
        power = {"bat": self.status.percent, "chg": bool(self.status.charging)}
        clock = {"now": date_now(self.clock), "west": -_minutes(self.offset)}
        return to_json({"t": "hip", "v": self.firmware, **clock, **power, **note})


@dataclass(frozen=True, slots=True)
class Other:
    """Any other JSON object; hipsync does not need it."""

    kind: str


@dataclass(frozen=True, slots=True)
class Text:
    """A line that is no JSON object: echo, a prompt, an error, or the output of an app."""

    text: str

    @property
    def no_android(self) -> bool:
        """Whether the line shows that the watch lacks Android Integration.

        Source: Gadgetbridge at a0948ee, `handleUartRxLine`.
        """
        return '"GB" is not defined' in self.text

    @property
    def unknown_command(self) -> bool:
        """Whether the line shows that Android Integration is too old for a command."""
        return self.text.lstrip(">").startswith("GB Unknown")


Message = Status | Version | Block | BlockEnded | Walked | FetchStarted | FetchEnded | Pressed | Hello | Other | Text


def decode(line: bytes) -> Message:
    """Decode a line, given without its line end. Raises `MalformedPacket` for an object that is torn or impossible."""
    if not line.startswith(b"{"):
        return Text(line.decode("latin-1"))
    try:
        return _meant(JsonObject.decode(line))
    except (ValueError, RecursionError) as error:
        raise MalformedPacket(f"a line that cannot be meant ({error})", line) from error


def _meant(said: JsonObject) -> Message:
    match said.text("t"):
        case "act":
            return _act(said)
        case "actfetch":
            return _fetch(said)
        case "notify":
            return Pressed(said.whole("id", 0, 2**53), Button(said.text("n")))
        case "status":
            return _status(said)
        case "ver":
            return Version(said.text("fw"), str(said.fields.get("hw", "")))
        case "hip":
            return _hello(said)
        case kind:
            return Other(kind)


def _act(said: JsonObject) -> Message:
    if said.flag("rt"):
        return Walked(said.whole("stp", 0, 0xFFFF), said.known("hrm", 0, 255) or 0)
    activity = said.known_text("act")
    measured = Measured(
        said.whole("stp", 0, 0xFFFF), said.known("hrm", 0, 255) or 0, said.known("mov", 0, 0xFFFF) or 0, activity
    )
    if "ts" not in said.fields:
        return BlockEnded(measured)
    end = said.instant("ts")
    if end.second or end.microsecond:
        raise ValueError("a block that ends within a minute")
    return Block(end, measured, full={"hrm", "mov"} <= said.fields.keys())


def _fetch(said: JsonObject) -> Message:
    match said.text("state"):
        case "start":
            return FetchStarted()
        case "end":
            return FetchEnded(said.whole("count", 0, 0xFFFFFF))
        case state:
            raise ValueError(f"no such state: {state!r}")


def _status(said: JsonObject) -> Status:
    percent, charging = said.known("bat", 0, 100), said.known("chg", 0, 1)
    return Status(None if percent is None else round(percent), None if charging is None else charging == 1)


def _hello(said: JsonObject) -> Message:
    clock = EPOCH + said.number("now", 0, milliseconds(END)) * MILLISECOND
    offset = timedelta(minutes=-said.whole("west", -1440, 1440))
    return Hello(said.known_text("v"), clock, offset, _status(said), _zone_set(said.inner("z")))


def _zone_set(note: JsonObject | None) -> ZoneSet | None:
    """Return the note; None if the watch has none, or one that no driver writes, which is logged."""
    if note is None:
        return None
    try:
        return ZoneSet(note.instant("at"), timedelta(minutes=note.whole("from", -1440, 1440)))
    except ValueError as error:
        log.warning("the watch's note about its zone cannot be read, so older blocks are not corrected: %s", error)
        return None


@dataclass(frozen=True, slots=True)
class JsonObject:
    """The members of a JSON object. Asking for a member that is absent or out of range raises `ValueError`."""

    fields: Mapping[str, object]

    @classmethod
    def decode(cls, line: bytes) -> Self:
        said: object = json.loads(line.decode("latin-1"), object_hook=cls, parse_constant=_no_number)
        if not isinstance(said, cls):
            raise ValueError("no object")  # noqa: TRY004  it is the line that is wrong
        return said

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise ValueError(f"no text {name!r}")  # noqa: TRY004
        return value

    def number(self, name: str, least: float, most: float) -> float:
        """Return the number `name` in `[least, most]`.

        Raises `ValueError` for anything else; the watch sends null for a number that is not finite.
        """
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"no number {name!r} between {least} and {most}")
        return value

    def known(self, name: str, least: float, most: float) -> float | None:
        """Return the number `name`, or true as 1 and false as 0; None for all else, because no step depends on it."""
        value = self.fields.get(name)
        return value if isinstance(value, int | float) and least <= value <= most else None

    def known_text(self, name: str) -> str | None:
        """Return the text `name`; None if it is absent or no text, because no step depends on it."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else None

    def whole(self, name: str, least: int, most: int) -> int:
        value = self.number(name, least, most)
        if value != math.floor(value):
            raise ValueError(f"{name!r} is not whole")
        return int(value)

    def flag(self, name: str) -> bool:
        """Return whether a member is true or 1; False if it is absent, null, false or 0.

        Raises `ValueError` for any other value.
        """
        value = self.fields.get(name)
        if value is not None and (not isinstance(value, int | float) or value not in {0, 1}):
            raise ValueError(f"{name!r} is neither yes nor no")
        return bool(value)

    def inner(self, name: str) -> JsonObject | None:
        value = self.fields.get(name)
        return value if isinstance(value, JsonObject) else None

    def instant(self, name: str) -> datetime:
        """Return the instant `name`, in milliseconds since 1970 with any fraction, as a watch's `Date.now()` has it."""
        return EPOCH + self.number(name, milliseconds(EARLIEST), milliseconds(LATEST)) * MILLISECOND


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def milliseconds(instant: datetime) -> int:
    return (instant - EPOCH) // MILLISECOND


def date_now(instant: datetime) -> float:
    """Return what `Date.now()` is at an instant: milliseconds since 1970, a float with fractions of a millisecond.

    Source: espruino/Espruino at c5ff787, `src/jswrap_date.c`.
    """
    return (instant - EPOCH) / MILLISECOND


def _minutes(offset: timedelta) -> int:
    return offset // timedelta(minutes=1)


def to_json(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
