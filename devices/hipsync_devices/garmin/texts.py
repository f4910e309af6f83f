"""The text of the host's that stands on a Garmin watch: its pieces on their way, and what the wearer answers.

`GarminDialogue.listen` tells it what the watch sends, and sends what it returns. It waits for nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from hipsync.driver import Link, Message
from hipsync.model import Answer
from hipsync_devices.garmin import gfdi, notifications
from hipsync_devices.garmin.gfdi import Frame, Kind, Said
from hipsync_devices.garmin.notifications import (
    DISMISS,
    FIRST_ACTION,
    HAS_ACTIONS,
    PIECE_SIZE,
    TAKEN,
    Action,
    Announcement,
    Change,
    Notice,
    Piece,
    Pressed,
    Wanted,
)

RIGHT, BELOW = 2, 1
"""Where a choice stands, of which sources do not agree: see docs/protocols/garmin.md, 10."""
ACTIONS = (
    Action(FIRST_ACTION, RIGHT, "Done"),
    Action(FIRST_ACTION + 1, BELOW, "Snooze"),
    Action(DISMISS, BELOW, "Skip"),
)
ANSWERS = {FIRST_ACTION: Answer.DONE, FIRST_ACTION + 1: Answer.SNOOZED, DISMISS: Answer.SKIPPED}
HEAD = 12
"""How many bytes of a message 5035 are not text."""
UNKNOWN_COMMAND = bytes([0, 160])


class Texts:
    """The texts of one connection, of which the last one counts."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.are_wanted = False
        """Whether the watch has subscribed."""
        self.longest = PIECE_SIZE + HEAD
        """The most bytes of a message that the watch takes."""
        self.pressed = link.inbox(int)
        """The actions that the wearer has chosen for the text that stands."""
        self._notice: Notice | None = None
        self._number = 0
        self._coming: deque[Piece] = deque()

    def put(self, message: Message) -> Frame:
        """Make a message the text that stands, and return its announcement."""
        now = self._link.now()
        self._number = number = max(self._number + 1, int((now - gfdi.EPOCH).total_seconds()))  # a new one for ever
        actions = ACTIONS if message.asks else ()
        self._notice = Notice(number, message.title, message.body, now.astimezone(self._link.zone), actions)
        self.pressed.clear()
        told = Announcement(Change.ADDED, number, host_flags=HAS_ACTIONS if message.asks else 0)
        return Frame(Kind.NOTIFICATION_UPDATE, told.encode())

    def take_away(self) -> Frame | None:
        """Forget the text that stands, and return what removes it from the watch; None if none stands."""
        notice, self._notice = self._notice, None
        if notice is None:
            return None
        return Frame(Kind.NOTIFICATION_UPDATE, Announcement(Change.REMOVED, notice.number, host_flags=0).encode())

    def hear(self, frame: Frame, added: int = 0) -> Sequence[Frame]:
        """Return what to send when the watch subscribes, or asks or tells something of a text, in order.

        `added` is by how many bytes a message is longer under the seal. Raises `MalformedPacket`.
        """
        if frame.kind == Kind.NOTIFICATION_SUBSCRIPTION:
            self.are_wanted = frame.payload[:1] == b"\1"
            return [gfdi.answered(frame, rest=b"\0" + frame.payload[:2].ljust(2, b"\0"))]
        told = notifications.decode_control(frame.payload)
        if told is None:
            return [gfdi.answered(frame, Said.NAK, UNKNOWN_COMMAND)]
        notice = self._notice
        if notice is not None and told.number == notice.number:
            if isinstance(told, Pressed):
                self.pressed.put(told.action)
            else:
                self._begin(notice, told, self.longest - HEAD - added)
        return [gfdi.answered(frame, rest=TAKEN), *(self._next() if isinstance(told, Wanted) else [])]

    def _begin(self, notice: Notice, wanted: Wanted, room: int) -> None:
        """Cut what is wanted into pieces of so many bytes, or of one if there is no room."""
        size = max(min(PIECE_SIZE, room), 1)
        self._coming = deque(notifications.pieces(notice.content(wanted.parts), size))

    def _next(self) -> Sequence[Frame]:
        return [Frame(Kind.NOTIFICATION_DATA, self._coming.popleft().encode())] if self._coming else []

    def answered(self, answer: gfdi.Answer) -> Sequence[Frame]:
        """Return what to send when the watch has answered a piece: the next one, unless it refuses this one."""
        if answer.status != Said.ACK or answer.rest[:1] != b"\0":
            self._coming.clear()
        return self._next()
