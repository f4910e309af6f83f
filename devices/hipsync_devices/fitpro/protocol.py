"""The conversation with a FitPro band: greet it, set its clock, receive its history, buzz.

Each end acknowledges every frame of the other by its length::

    > CD 15/06 01                     asks for the history
    < DC 15/06 9
    < CD 15/07   15/08   15/10        three marks        > DC 15 8, for each
    < CD 15/02 <day> <slots>          one day
    (stored now)                                         > DC 15 <length>
    < CD 15/0C <day> <total>                             > DC 15 20
    (three seconds of silence: that was all)

The band forgets a day once it is acknowledged, and some bands are said to forget it as soon as it is sent. Sleep
(15/03) and heart rate (15/0E) are neither stored nor acknowledged. Sources disagree on what the kinds of sleep mean and
from when their minutes count, and an occasional pulse does not show whether the wearer was still.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone, tzinfo

from hipsync.driver import Link, Message, Session
from hipsync.errors import DeviceError, MalformedPacket, NoReply, UnexpectedReply
from hipsync.model import Answer as Answered
from hipsync.model import Epoch, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.clocks import has_moved, has_travelled, stamps_until
from hipsync_devices.fitpro import packets
from hipsync_devices.fitpro.packets import Ack, Data, Frame, Steps, Total
from hipsync_devices.fitpro.slots import Answer

NEEDS = frozenset(
    {
        (packets.NOTIFY, b""),
        (packets.WRITE, Data(packets.HISTORY, packets.SEND_HISTORY, b"\1").encode()),
        (packets.WRITE, bytes([packets.ACK])),
    }
)
"""What the steps depend on; see `Driver.needs`. The band sends its days after our acknowledgements of its marks."""
REPLY_WITHIN = timedelta(seconds=2)
TRIES = 2
BEGINS_WITHIN = timedelta(seconds=5)
"""How long to wait, after the request for the history, for the first mark of it."""
QUIET = timedelta(seconds=3)
"""The history counts as complete once no new frame has come for this long, because the band does not mark its end."""
BREATH = timedelta(milliseconds=200)
"""The pause between two commands of the greeting, and how long to wait for frames that follow an answer."""
TORN = timedelta(seconds=1)
"""If this long after the last piece of a frame a notification looks like the start of a frame, it is taken for one.

The unfinished frame before it is dropped.
"""
MOST_FRAMES = 500
"""The most different frames that are accepted in one sync, because no band stores more than a year of days."""
BUZZ = timedelta(seconds=3)
STRANGER = "the band has not the service of FitPro: it is another model, which hipsync cannot read"


class Wire:
    """Sends and receives whole frames over a link, which carries them in pieces."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._part = b""
        self._at = link.now()
        self._set_aside: deque[Data] = deque()
        self.spoilt: MalformedPacket | None = None
        """What was wrong with the first bytes that were no frame; None if there were none."""

    async def open(self) -> None:
        if not self._link.has(packets.NOTIFY) or not self._link.has(packets.WRITE):
            raise DeviceError(STRANGER)
        await self._link.subscribe(packets.NOTIFY)

    async def send(self, frame: Frame) -> None:
        data, size = frame.encode(), self._link.write_size
        for at in range(0, len(data), size):
            await self._link.write(packets.WRITE, data[at : at + size])

    async def order(self, command: Data, tries: int = TRIES) -> None:
        """Send a command and wait until the band acknowledges it. Raises `NoReply`, or `UnexpectedReply` on a refusal.

        Frames of data that come in the meantime are acknowledged if they are about the band itself; all others wait for
        `data`.
        """
        for _ in range(tries):
            await self.send(command)
            with suppress(NoReply):
                return _taken(await self._receipt(command, self._link.now() + REPLY_WITHIN))
        raise NoReply(f"the band did not take command {command.group:02X}/{command.command:02X}")

    async def _receipt(self, command: Data, until: datetime) -> Ack:
        """Wait for the band's acknowledgement of a command. Raises `NoReply` if it does not come by `until`."""
        while True:
            frame = await self._frame(until)
            if isinstance(frame, Ack):
                if (frame.group, frame.command) == (command.group, command.command):
                    return frame
            elif frame.group in {packets.QUERIES, packets.BAND_INFO}:
                await self.acknowledge(frame)
            else:
                self._set_aside.append(frame)

    async def acknowledge(self, frame: Data) -> None:
        await self.send(Ack(frame.group, packets.FROM_HOST, frame.total))

    async def data(self, until: datetime, asked: Data | None = None) -> Data:
        """Wait for the next frame of data and return it. Raises `NoReply` if none comes by `until`.

        If `asked` is given, raises `UnexpectedReply` if the band refuses that command, which it need not acknowledge.
        """
        if self._set_aside:
            return self._set_aside.popleft()
        while True:
            if isinstance(frame := await self._frame(until), Data):
                return frame
            if asked is not None and (frame.group, frame.command) == (asked.group, asked.command):
                _taken(frame)

    @property
    def torn(self) -> bool:
        """Whether the beginning of a frame has come, but not yet its end."""
        return bool(self._part)

    async def _frame(self, until: datetime) -> Frame:
        """Wait for the next whole frame. Bytes that are none are dropped, and `spoilt` says so."""
        while (frame := self._whole()) is None:
            received = await self._link.notification(packets.NOTIFY, timeout=max(until - self._link.now(), timedelta()))
            begins = received.data[:1] in {bytes([packets.DATA]), bytes([packets.ACK])}
            if begins and received.at - self._at > TORN:
                self._part = b""
            self._part += received.data
            self._at = received.at
        return frame

    def _whole(self) -> Frame | None:
        """Take a whole frame off the bytes that have come; None if there is none."""
        while self._part:
            taken = b""
            try:
                size = packets.frame_size(self._part)
                if size is None or len(self._part) < size:
                    return None
                taken = self._part[:size]
                return packets.decode_frame(taken)
            except MalformedPacket as problem:
                self.spoilt = self.spoilt or problem
                taken = taken or self._part
            finally:
                self._part = self._part[len(taken) :]
        return None


def _taken(ack: Ack) -> None:
    if ack.status != 1:
        raise UnexpectedReply(f"the band refused command {ack.group:02X}/{ack.command:02X} with status {ack.status}")


# ------------------------------------------------------------------ greeting, clock, battery


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """Greet the band and set its clock, then return its firmware and its battery level, if it reports one."""
    await greet(link)
    firmware, model = await gatt.read_text(link, packets.FIRMWARE), await gatt.read_text(link, packets.MANUFACTURER)
    readings: list[Reading] = [Info(link.now(), firmware, model)]  # the manufacturer of an LH716 is `716`
    charge = await gatt.read_charge(link, packets.BATTERY)
    return readings if charge is None else [*readings, charge]


GREETING = (
    Data(packets.QUERIES, 0x0A),
    Data(packets.QUERIES, 0x0C),
    Data(packets.SETTINGS, packets.LANGUAGE, b"\1"),  # English
    Data(packets.SETTINGS, packets.READY, b"\1"),
    Data(packets.QUERIES, 0x01),
    Data(packets.QUERIES, 0x0F),
    Data(packets.QUERIES, packets.HARDWARE),
    Data(packets.BAND_INFO, packets.STRINGS),
)
"""The requests that the maker's app sends at every connection; without them a band sends no history. The answers are
not read, because nobody has published their bytes."""


async def greet(link: Link) -> None:
    """Send everything that a band wants to receive before it sends its history, and set its clock to local time.

    Nothing of it must be acknowledged: a band does not answer what it does not know, and some answer nothing at all.
    """
    wire = Wire(link)
    await wire.open()
    await gatt.courtesy(wire.order(Data(packets.SETTINGS, packets.HELLO, b"\2")))
    wall = link.now().astimezone(link.zone)
    await gatt.courtesy(wire.order(Data(packets.SETTINGS, packets.SET_TIME, packets.encode_time(wall))))
    for query in GREETING:
        await link.pause(BREATH)
        await gatt.courtesy(wire.order(query, tries=1))
        if query.command == packets.HARDWARE:
            await _answer(link, wire)
    await _answer(link, wire)
    await gatt.courtesy(link.unsubscribe(packets.NOTIFY))


async def _answer(link: Link, wire: Wire) -> None:
    """Acknowledge the frames that the band sends about itself, until none comes for 0.2 seconds (`BREATH`).

    A second request before the answer to the first is said to silence the band.
    """
    until = link.now() + BREATH
    with suppress(NoReply):
        while True:
            frame = await wire.data(until)
            if frame.group in {packets.QUERIES, packets.BAND_INFO}:
                await wire.acknowledge(frame)


# ------------------------------------------------------------------ what the band remembers


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the history that the band still has, a batch for each day, and at the end the still slots up to now.

    A day is acknowledged once all of it is stored. A day whose last slot is still running is not acknowledged, so that
    the band sends it again. A day with an impossible date, from a clock that was not set, is acknowledged although
    nothing of it can be stored; otherwise the band would send it every time. An acknowledgement names a frame only by
    its length, so none is sent for a length that an earlier frame, which the band must not forget, has too.
    """
    wire = Wire(link)
    await wire.open()
    asked = await _begin(link, wire)
    since = session.since.get(Epoch)
    travelled = has_travelled(session.clock_sets, link.zone, asked) or has_moved(session.clock_sets, since)
    stamps = stamps_until(session.clock_sets, session.since.get(Info), link.zone, asked)
    answer = Answer(asked, _clock(link, session), since, stamps, doubtful=travelled)
    seen: set[Data] = set()
    unacknowledged: set[int] = set()
    quiet = link.now() + QUIET
    while (frame := await _next(wire, quiet)) is not None:
        if frame not in seen:
            seen.add(frame)
            if len(seen) > MOST_FRAMES:
                raise UnexpectedReply("the band sends more than it could remember, and does not end")
            quiet = link.now() + QUIET
        epochs, settled = _heard(answer, frame, wire)
        if epochs:
            yield epochs
        if not settled:
            unacknowledged.add(frame.total)
        elif frame.total not in unacknowledged:
            await wire.acknowledge(frame)
    if wire.torn:
        raise NoReply("the band fell silent in the middle of a frame")
    if wire.spoilt is not None:
        raise wire.spoilt
    if still := answer.completed():
        yield still
    await gatt.courtesy(link.unsubscribe(packets.NOTIFY))


async def _begin(link: Link, wire: Wire) -> datetime:
    """Ask the band for its history, greet it once more if it does not announce it, and return when it was asked.

    Raises `NoReply` if it announces nothing after two tries, and `UnexpectedReply` if it refuses.
    """
    request = Data(packets.HISTORY, packets.SEND_HISTORY, b"\1")
    for left in reversed(range(TRIES)):
        asked = link.now()
        await wire.send(request)
        until = link.now() + BEGINS_WITHIN
        with suppress(NoReply):
            while True:
                frame = await wire.data(until, request)
                if frame.group == packets.HISTORY and frame.command in packets.MARKERS:
                    await wire.acknowledge(frame)
                    wire.spoilt = None  # what came before belongs to no answer
                    return asked
        if left:
            await greet(link)
            await link.subscribe(packets.NOTIFY)
    raise NoReply("the band did not begin to send what it remembers")


async def _next(wire: Wire, until: datetime) -> Data | None:
    try:
        return await wire.data(until)
    except NoReply:
        return None


def _heard(answer: Answer, frame: Data, wire: Wire) -> tuple[list[Epoch], bool]:
    """Return the epochs in a frame, and whether the band may forget the frame once they are stored.

    A spoilt frame has none and must not be forgotten, and from then on no slot is inferred to be still.
    """
    if frame.group != packets.HISTORY:
        return [], True
    answer.doubtful = answer.doubtful or wire.spoilt is not None
    try:
        if frame.command == packets.STEPS:
            steps = Steps.decode(frame.payload)
            return answer.packet(steps), answer.finished(steps)
        if frame.command == packets.TOTALS:
            answer.total(Total.decode(frame.payload))
    except MalformedPacket as problem:
        wire.spoilt, answer.doubtful = wire.spoilt or problem, True
        return [], False
    return [], frame.command == packets.TOTALS or frame.command in packets.MARKERS


def _clock(link: Link, session: Session) -> tzinfo:
    """Return the zone of the band's stamps: the offset from UTC at the last connection, which set the clock.

    The band knows no summer time. Before the first connection the maker's app set it, and the wearer's zone is taken.
    """
    met = session.since.get(Info)
    zone = session.clock_sets[-1].zone if session.clock_sets else link.zone
    offset = met.astimezone(zone).utcoffset() if met is not None else None
    return timezone(offset) if offset is not None else link.zone


# ------------------------------------------------------------------ buzz


async def nudge(link: Link, session: Session, message: Message) -> Answered | None:
    """Show the text and vibrate for three seconds, twice if the message is strong. The wearer cannot answer.

    The end of a vibration is sent twice to a band that does not acknowledge it, because it might otherwise buzz until
    somebody stops it.
    """
    del session
    wire = Wire(link)
    await wire.open()
    await gatt.courtesy(wire.order(packets.vibration(on=True), tries=1))
    await gatt.courtesy(wire.order(packets.notifications(), tries=1))
    await gatt.courtesy(wire.order(packets.notification(message.line), tries=1))
    for number in range(2 if message.strong else 1):
        if number:
            await link.pause(BUZZ)
        await wire.send(packets.find(on=True))
        await link.pause(BUZZ)
        with suppress(NoReply):
            await wire.order(packets.find(on=False))
    await gatt.courtesy(link.unsubscribe(packets.NOTIFY))
    return None
