"""The screen of a simulated Garmin watch: what it asks of a text, what it shows, and what its wearer presses.

It reads the bytes itself and not by the driver's reader. Source: `docs/protocols/garmin.md`, section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.errors import MalformedPacket
from hipsync_devices.garmin.gfdi import Frame, Kind, answered
from hipsync_devices.garmin.sim_fit import checksum

TEXTS = 6
"""The capability for texts; a watch subscribes to them if the host has claimed it."""
SUBSCRIPTION = b"\1\0"
TITLE, BODY, DATE, ACTIONS = 1, 3, 5, 127
ASKED = bytes([TITLE, 150, 0, BODY, 0xBC, 2, DATE, ACTIONS, 20, 3, 0])
"""The parts that it asks for: a title of 150 bytes at most, a text of 700, the date, and three choices of 20 each."""
HAS_CHOICES = 2


class Press(NamedTuple):
    """What the wearer chooses of a text, and when: the number of the text and of the choice."""

    at: datetime
    number: int
    choice: int


@dataclass(slots=True)
class Screen:
    """Texts on the watch, and the wearer in front of it."""

    now: Callable[[], datetime]
    ask: Callable[[Frame], None]
    tell: Callable[[Frame], None]
    show: Callable[[str], None]
    choice: int | None
    """The number of the choice that the wearer always takes, if it is offered; None if they look on."""
    after: timedelta
    """How long the wearer takes for it."""
    stands: dict[int, Mapping[int, str]] = field(default_factory=dict[int, Mapping[int, str]])
    """The choices under each text that stands, by the number of the text."""
    press: Press | None = None
    _content: bytes = b""
    _is_new: bool = False

    def announced(self, frame: Frame) -> None:
        """Take message 5033: ask what is new, and drop what is removed."""
        if len(frame.payload) < 9:
            raise MalformedPacket("an announcement that is cut off", frame.payload)
        change, number, host = frame.payload[0], frame.payload[4:8], frame.payload[8]
        self.tell(answered(frame))
        if change == 2:
            self.stands.pop(int.from_bytes(number, "little"), None)
            if self.press is not None and self.press.number == int.from_bytes(number, "little"):
                self.press = None
            return
        self._content, self._is_new = b"", change == 0
        asked = ASKED if host & HAS_CHOICES else ASKED[:7]
        self.ask(Frame(Kind.NOTIFICATION_CONTROL, b"\0" + number + asked))

    def piece(self, frame: Frame) -> None:
        """Take message 5035: a piece of the text that was asked for last."""
        if len(frame.payload) < 6:
            raise MalformedPacket("a piece that is cut off", frame.payload)
        total, crc, offset = (int.from_bytes(frame.payload[at : at + 2], "little") for at in (0, 2, 4))
        held = self._content + frame.payload[6:]
        if offset != len(self._content) or checksum(held) != crc or len(held) > total:
            self.tell(answered(frame, rest=b"\2"))
            return
        self._content = held
        self.tell(answered(frame, rest=b"\0"))
        if len(held) == total:
            self._whole(int.from_bytes(held[1:5], "little"), _parts(held[5:]))

    def _whole(self, number: int, parts: Mapping[int, bytes]) -> None:
        title, body = (parts.get(each, b"").decode("utf-8", "replace") for each in (TITLE, BODY))
        offered = self.stands[number] = choices(parts.get(ACTIONS) or b"\0")
        if self._is_new:
            self.show(f"{title}: {body}" if body else title)
        if self.choice is not None and self.choice in offered:
            self.press = Press(self.now() + self.after, number, self.choice)

    def pressed(self) -> None:
        """Let the wearer choose what they have made up their mind to."""
        press, self.press = self.press, None
        if press is not None:
            self.stands.pop(press.number, None)
            held = b"\x80" + press.number.to_bytes(4, "little") + bytes([press.choice])
            self.ask(Frame(Kind.NOTIFICATION_CONTROL, held))


def _parts(rest: bytes) -> Mapping[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 3 <= len(rest):
        end = at + 3 + int.from_bytes(rest[at + 1 : at + 3], "little")
        found[rest[at]], at = rest[at + 3 : end], end
    return found


def choices(held: bytes) -> Mapping[int, str]:
    """The labels of the choices by their numbers: `u8 count | {u8 number | u8 place | u8 length | label}`."""
    found: dict[int, str] = {}
    at = 1
    while at + 3 <= len(held) and len(found) < held[0]:
        end = at + 3 + held[at + 2]
        found[held[at]], at = held[at + 3 : end].decode("utf-8", "replace"), end
    return found
