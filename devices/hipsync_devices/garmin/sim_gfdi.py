"""The side of a simulated Garmin watch that speaks GFDI: what it asks, and how it answers.

It begins by saying who it is, and says so again until it is answered; so with everything that it asks. Sources: the
sheet `docs/protocols/garmin.md`, sections 5 to 8, and the observation that an unanswered question comes again
(EroSagiri/PulseBridge at 05d91172).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from hipsync.errors import MalformedPacket
from hipsync_devices.garmin import cobs, files, gfdi, sim_fit, smart
from hipsync_devices.garmin.gfdi import Answer, Clock, Device, Frame, Kind, Said
from hipsync_devices.garmin.sim_login import NEGOTIATION, Guard, SimLogin
from hipsync_devices.garmin.sim_memory import Memory
from hipsync_devices.garmin.sim_texts import SUBSCRIPTION, TEXTS, Screen

AGAIN = timedelta(seconds=5)
"""After how long an unanswered question comes again; nobody has measured it."""
ROOM = 13
"""How many bytes of the longest message are not data of a file."""
CAPABILITIES = frozenset({0, 3, 4, 5, 6, 9, 29, 71, 76})
BATTERY_FIELD, PERCENT_FIELD = 3, 2
TIME_OF_REFERENCE = 0x1357
SYNC_MODE, SYNC_BITS = 1, frozenset({5, 21, 26})
FILE_TYPES = ((files.FIT, 4, "FIT_TYPE_4"), (files.FIT, 32, "FIT_TYPE_32"))


class Watch(Protocol):
    """What lies behind GFDI: the watch itself."""

    memory: Memory
    battery: int

    def clock(self) -> datetime:
        """The instant that the watch takes for now."""
        ...

    def set_clock(self, clock: Clock) -> None:
        """Set clock and offset, as the host has told."""
        ...

    choice: int | None
    """The number of the choice that the wearer takes under each text; None if they look on."""
    choice_after: timedelta

    def buzz(self, seconds: int) -> None:
        """Show, sound and vibrate for so long; 0 ends it."""
        ...

    def show(self, text: str) -> None:
        """Show a text, and vibrate as the wearer has set it."""
        ...


@dataclass(slots=True)
class GfdiFaults:
    """What goes wrong in the firmware; the pieces of files are numbered from 0 in each connection."""

    bad_crc: set[int] = field(default_factory=set[int])
    """Pieces whose running checksum is wrong the first time."""
    twice: set[int] = field(default_factory=set[int])
    """Pieces that come twice."""
    hang_up_at: int | None = None
    stall_at: int | None = None
    not_ready: int = 0
    """How many downloads are refused because the file is not ready."""
    can: frozenset[int] = CAPABILITIES
    """What the watch says that it can do."""
    refuses_texts: bool = False
    """Whether no piece of a text is taken."""
    mute: set[int] = field(default_factory=set[int])
    """Messages of the host that the watch does not answer."""


class Question(NamedTuple):
    """A message of the watch that is not answered yet, and when it comes again."""

    frame: Frame
    again: datetime


class Sending(NamedTuple):
    """A file on its way to the host."""

    data: bytes
    offset: int = 0
    crc: int = 0
    """The checksum of what is before `offset`."""

    def up_to(self, end: int) -> int:
        """Return the checksum of all that is before `end`."""
        if end < self.offset:
            return sim_fit.checksum(self.data[:end])
        return sim_fit.checksum(self.data[self.offset : end], self.crc)


class Peer:
    """GFDI over one handle, from its registration to its end."""

    def __init__(
        self,
        watch: Watch,
        device: Device,
        faults: GfdiFaults,
        now: Callable[[], datetime],
        out: Callable[[bytes], None],
        hang_up: Callable[[], None],
        *,
        authenticates: bool = False,
        guard: Guard | None = None,
    ) -> None:
        self._watch, self._device, self._faults = watch, device, faults
        self._now, self._out, self._hang_up = now, out, hang_up
        self._authenticates, self._guard = authenticates, guard
        self.login = SimLogin(guard, now, self._ask, self._tell, hang_up) if guard is not None else None
        """The watch's own login, which comes before everything else; None for a watch that has none, or is bonded."""
        self._stream = cobs.Stream()
        self._asked: dict[int, Question] = {}
        self._sending: Sending | None = None
        self._only_open = False
        self._piece = 0
        self._request = 0x40
        self.ready = False
        """Whether the host has told what it can do, so that the opening is over."""
        self.answers: Counter[int] = Counter()
        """How many answers came to each message of the watch."""
        self.stray: list[int] = []
        """The messages that the host answered although they did not wait for an answer any more."""
        self.broken = 0
        """How many frames came that were none."""
        self.host: Device | None = None
        self.can: frozenset[int] = frozenset()
        """What the host has said that it can do."""
        self.events: list[int] = []
        self.screen = Screen(now, self._ask, self._tell, watch.show, watch.choice, watch.choice_after)
        self._ask(Frame(Kind.DEVICE_INFORMATION, device.encode()))

    # ------------------------------------------------------------------ asking

    def _tell(self, frame: Frame) -> None:
        held = frame.encode()
        self._out(cobs.encode(held if self.login is None else self.login.sealed(held)))

    def _ask(self, frame: Frame) -> None:
        self._asked[frame.kind] = Question(frame, self._now() + AGAIN)
        self._tell(frame)

    def again_at(self) -> datetime | None:
        """Return when an unanswered question comes again; None if there is none."""
        return min((each.again for each in self._asked.values()), default=None)

    def ask_again(self) -> None:
        """Send again what was due for it."""
        for question in [each for each in self._asked.values() if each.again <= self._now()]:
            self._ask(question.frame)

    def ask(self, kind: int, payload: bytes) -> None:
        """Ask the host something, such as what it has not claimed to know."""
        self._ask(Frame(kind, payload))

    def offer(self) -> None:
        """Tell the host that there is something new."""
        held = gfdi.Synchronization(SYNC_MODE, SYNC_BITS)
        self._ask(Frame(Kind.SYNCHRONIZATION, held.encode()))

    # ------------------------------------------------------------------ hearing

    def hear(self, data: bytes) -> None:
        """Take bytes of the stream. What is no frame, or longer than a message may be, is dropped.

        The vendor's own receiver drops what is no frame, too; that it drops what is too long is our guess.
        """
        try:
            for held in self._stream.take(data):
                if len(held) > self._device.longest:
                    self.broken += 1
                else:
                    self._frame(Frame.decode(held if self.login is None else self.login.opened(held)))
        except MalformedPacket:
            self.broken += 1

    def _frame(self, frame: Frame) -> None:
        if frame.kind == Kind.ANSWER:
            self._answered(Answer.decode(frame.payload))
            return
        if frame.kind in self._faults.mute or (self.login is not None and self.login.hear(frame)):
            return
        answer: dict[int, Callable[[Frame], None]] = {
            Kind.CONFIGURATION: self._configured,
            Kind.DOWNLOAD: self._download,
            Kind.SET_FILE_FLAGS: self._archive,
            Kind.DIRECTORY_FILTER: self._filter,
            Kind.FILE_TYPES: self._file_types,
            Kind.SYSTEM_EVENT: self._event,
            Kind.PROTOBUF_REQUEST: self._protobuf,
            Kind.NOTIFICATION_UPDATE: self.screen.announced,
            Kind.NOTIFICATION_DATA: self._text,
            Kind.PROTOBUF_RESPONSE: self._acknowledge_piece,
            Kind.SETTINGS: lambda asked: self._tell(gfdi.answered(asked)),
        }
        answer.get(frame.kind, self._unknown)(frame)

    def _unknown(self, frame: Frame) -> None:
        self._tell(gfdi.answered(frame, Said.UNSUPPORTED))

    def _answered(self, answer: Answer) -> None:
        self.answers[answer.kind] += 1
        if answer.kind == Kind.FILE_DATA:
            self._next_piece(answer)
            return
        question = self._asked.pop(answer.kind, None)
        if question is None:
            self.stray.append(answer.kind)
            return
        if answer.kind == Kind.DEVICE_INFORMATION:
            with suppress(MalformedPacket):
                self.host = Device.decode(answer.rest)
            if self.login is not None:
                self.login.begin()
            elif self._authenticates:
                self._ask(Frame(Kind.AUTHENTICATION, NEGOTIATION))
            else:
                self._configure()
        elif self.login is not None and not self.login.is_over:
            self._log_in(self.login, answer)
        elif answer.kind == Kind.AUTHENTICATION:
            self._configure()
        elif answer.kind == Kind.CURRENT_TIME:
            self._clock(answer)

    def _log_in(self, login: SimLogin, answer: Answer) -> None:
        is_bare = self._guard is not None and answer.kind == self._guard.bare_after
        if not is_bare:
            login.answered(answer)
        if is_bare or login.is_over:
            self._configure()

    def _configure(self) -> None:
        self._ask(Frame(Kind.CONFIGURATION, gfdi.encode_capabilities(self._faults.can)))

    def _clock(self, answer: Answer) -> None:
        with suppress(MalformedPacket):
            clock = Clock.decode(answer.rest)
            if clock.reference == TIME_OF_REFERENCE:
                self._watch.set_clock(clock)

    # ------------------------------------------------------------------ answering

    def _configured(self, frame: Frame) -> None:
        with suppress(MalformedPacket):
            self.can = gfdi.decode_capabilities(frame.payload)
        self._tell(gfdi.answered(frame))
        if not self.ready:
            self.ready = True
            self._ask(Frame(Kind.CURRENT_TIME, TIME_OF_REFERENCE.to_bytes(4, "little")))
            if TEXTS in self.can & self._faults.can:
                self._ask(Frame(Kind.NOTIFICATION_SUBSCRIPTION, SUBSCRIPTION))

    def _text(self, frame: Frame) -> None:
        if self._faults.refuses_texts:
            self._tell(gfdi.answered(frame, rest=b"\2"))
        else:
            self.screen.piece(frame)

    def _event(self, frame: Frame) -> None:
        what = frame.payload[0] if frame.payload else 0xFF
        self.events.append(what)
        self._tell(gfdi.answered(frame))
        if what == gfdi.Event.TIME_UPDATED and self.ready and Kind.CURRENT_TIME not in self._asked:
            self._ask(Frame(Kind.CURRENT_TIME, TIME_OF_REFERENCE.to_bytes(4, "little")))

    def _file_types(self, frame: Frame) -> None:
        held = b"".join(bytes([kind, sub, len(name)]) + name.encode() for kind, sub, name in FILE_TYPES)
        self._tell(gfdi.answered(frame, rest=bytes([len(FILE_TYPES)]) + held))

    def _filter(self, frame: Frame) -> None:
        self._only_open = frame.payload[:1] == bytes([files.FILTER_OPEN])
        self._tell(gfdi.answered(frame, rest=b"\0"))

    def _archive(self, frame: Frame) -> None:
        index = int.from_bytes(frame.payload[:2], "little")
        done = frame.payload[2:3] == bytes([files.ARCHIVED]) and self._watch.memory.archive(index)
        rest = bytes([not done]) + frame.payload[:2] + bytes([files.READABLE | files.ARCHIVED])
        self._tell(gfdi.answered(frame, rest=rest))

    # ------------------------------------------------------------------ files

    def _download(self, frame: Frame) -> None:
        index = int.from_bytes(frame.payload[:2], "little")
        if self._faults.not_ready:
            self._faults.not_ready -= 1
            self._tell(gfdi.answered(frame, rest=bytes([5]) + bytes(4)))
            return
        held = self._watch.memory.stored.get(index)
        data = held.data if held is not None else None
        if index == files.DIRECTORY:
            data = self._watch.memory.directory(only_open=self._only_open)
        if data is None:
            self._tell(gfdi.answered(frame, rest=bytes([1]) + bytes(4)))
            return
        self._tell(gfdi.answered(frame, rest=b"\0" + len(data).to_bytes(4, "little")))
        self._sending = Sending(data)
        self._send_piece()

    def _send_piece(self) -> None:
        number, self._piece = self._piece, self._piece + 1
        if self._sending is None or (self._faults.stall_at is not None and number >= self._faults.stall_at):
            return
        if number == self._faults.hang_up_at:
            self._hang_up()
            return
        data, offset, _ = self._sending
        end = offset + self._device.longest - ROOM
        crc = self._sending.up_to(end) ^ (0x5555 if number in self._faults.bad_crc else 0)
        head = b"\0" + crc.to_bytes(2, "little") + offset.to_bytes(4, "little")
        for _ in range(2 if number in self._faults.twice else 1):
            self._tell(Frame(Kind.FILE_DATA, head + data[offset:end]))

    def _next_piece(self, answer: Answer) -> None:
        sending = self._sending
        if sending is None or len(answer.rest) < 5:
            self.stray.append(answer.kind)
            return
        how, offset = answer.rest[0], int.from_bytes(answer.rest[1:5], "little")
        end = min(sending.offset + self._device.longest - ROOM, len(sending.data))
        if how == files.Transfer.OK and offset != end:
            return  # an answer to a piece that came twice
        if how == files.Transfer.ABORT or (how == files.Transfer.OK and offset >= len(sending.data)):
            self._sending = None
            return
        self._sending = Sending(sending.data, offset, sending.up_to(offset))
        self._send_piece()

    # ------------------------------------------------------------------ protobuf

    def _acknowledge_piece(self, frame: Frame) -> None:
        with suppress(MalformedPacket):
            self._tell(gfdi.answered(frame, rest=smart.Piece.decode(frame.payload).receipt()))

    def _protobuf(self, frame: Frame) -> None:
        piece = smart.Piece.decode(frame.payload)
        found = dict(smart.decode(piece.data))
        reply = self._smart(found)
        receipt = piece.receipt() if reply is not None else piece.receipt(smart.DISCARDED, smart.UNKNOWN_REQUEST)
        self._tell(gfdi.answered(frame, rest=receipt))
        if reply is not None:
            told = smart.Piece(piece.request, 0, len(reply), reply)
            self._ask(Frame(Kind.PROTOBUF_RESPONSE, told.encode()))

    def _smart(self, found: dict[int, int | bytes]) -> bytes | None:
        """Return the answer to a message in protobuf; None if the watch does not know it."""
        device, find = found.get(smart.DEVICE), found.get(smart.FIND)
        if isinstance(device, bytes):
            level = smart.encode([(1, smart.OK_BATTERY), (PERCENT_FIELD, self._watch.battery)])
            return smart.encode([(smart.DEVICE, smart.encode([(BATTERY_FIELD, level)]))])
        if isinstance(find, bytes):
            asked = dict(smart.decode(find))
            wanted = asked.get(1)
            self._watch.buzz(_seconds(smart.decode(wanted)) if isinstance(wanted, bytes) else 0)
            return smart.encode([(smart.FIND, smart.encode([(2, smart.encode([(1, smart.OK_FIND)]))]))])
        return None

    def ask_protobuf(self, data: bytes) -> None:
        """Ask the host something in protobuf, as watches do for weather, music or a login."""
        self._request += 1
        piece = smart.Piece(self._request, 0, len(data), data)
        self._ask(Frame(Kind.PROTOBUF_REQUEST, piece.encode()))

    @property
    def waiting(self) -> Sequence[int]:
        """The messages of the watch that wait for an answer."""
        return list(self._asked)


def _seconds(fields: smart.Fields) -> int:
    told = dict(fields).get(1)
    return told if isinstance(told, int) else 1
