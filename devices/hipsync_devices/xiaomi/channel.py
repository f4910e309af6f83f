"""One connection with a band of either generation: who listens, who asks, and how a login goes.

`listen` alone takes notifications. It acknowledges at once, also what nobody waits for, and puts the rest where the
others wait: answers, parts of files, events. Whoever asks has the band to itself until the answer comes, because an
answer is known by nothing but the kind of its question.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from hipsync.driver import OPENED, Inbox, Link, Session
from hipsync.errors import DeviceError, MalformedPacket, NoReply, NotAuthorised, UnexpectedReply
from hipsync_devices.xiaomi import login, opened, packets, v1, v2
from hipsync_devices.xiaomi.cipher import NONCE
from hipsync_devices.xiaomi.packets import Id, Message
from hipsync_devices.xiaomi.v1 import WireV1
from hipsync_devices.xiaomi.v2 import WireV2
from hipsync_devices.xiaomi.wire import SERVICE, Heard, Kind, Packet, Wire

NOTIFIES = (*WireV1.notifies, *WireV2.notifies, OPENED)
TICK = timedelta(seconds=5)
"""How often `listen` looks whether a deadline has passed, while the band is silent."""
ANSWER_WITHIN = timedelta(seconds=10)
TAP_WITHIN = timedelta(seconds=30)
"""How long a band waits until its wearer agrees to another phone."""
EVENTS = frozenset({packets.EVENT, packets.LIVE, packets.WORKOUT})
NOT_REACHABLE = (
    "the band has none of the connections that hipsync knows (characteristics 51 to 53, or 5e and 5f): if it was just "
    "bonded, try again; else only classic Bluetooth reaches it, and `hipsync import` reads Gadgetbridge's data"
)
NO_ANSWER = (
    "the band does not answer: switch off the Bluetooth of the phone that it is paired with, and try again; if that "
    "does not help, restart the band (never unbind or reset it, which destroys its key)"
)


class Event(NamedTuple):
    """Something that the band said unasked, and when."""

    at: datetime
    message: Message


class Channel:
    """The messages of one connection, in both directions."""

    def __init__(self, link: Link, session: Session | None = None) -> None:
        self._link = link
        self._opened = None if session is None else session.opened
        self._wire: Wire | None = None
        self._writing, self._asking = link.lock(), link.lock()
        self._asked: Collection[Id] = ()
        """The ids of the messages that somebody waits for now."""
        self._answers: Inbox[Message] = link.inbox(Message)
        self._begun: Inbox[bool] = link.inbox(bool)
        self._received: Inbox[bool] = link.inbox(bool)
        self._telling = False
        """Whether somebody waits until the band has received all that was said."""
        self.parts: Inbox[bytes] = link.inbox(bytes)
        """The parts of the file that is being fetched."""
        self.fetching = False
        self.events: Inbox[Event] = link.inbox(Event)
        """What the band says unasked, while `watched`."""
        self.watched = False

    # ------------------------------------------------------------------ listening

    async def listen(self) -> None:
        """Receive what the band sends, until the connection ends. Raises `DeviceError`."""
        while True:
            try:
                received = await self._link.notification(*NOTIFIES, timeout=TICK)
            except NoReply:
                received = None
            if (wire := self._wire) is None:
                continue
            heard = wire.hear(Packet(received.uuid, received.data), received.at) if received is not None else ()
            if wire.deadline is not None and wire.deadline <= self._link.now():
                wire.late(self._link.now())
            await self._flush(wire)  # the receipts come first, whoever waits for what was heard
            for each in heard:
                if each.sealed and self._opened is not None:
                    self._opened("<", opened.recorded(each.kind, each.payload))
                self._sort(each, self._link.now() if received is None else received.at)
            if self._telling and wire.idle:
                self._telling = False
                self._received.put(True)

    def _sort(self, heard: Heard, at: datetime) -> None:
        """Put aside what somebody waits for, and drop the rest. Raises `DeviceError` if the band began anew."""
        if heard.kind is Kind.BEGUN:
            if self._wire is not None and self._wire.keys is not None:
                raise DeviceError("the band has begun the connection anew, because it missed receipts")
            self._begun.put(True)
        elif heard.kind is Kind.FILE:
            if self.fetching and heard.sealed:
                self.parts.put(heard.payload)
        else:
            self._sort_message(heard, at)

    def _sort_message(self, heard: Heard, at: datetime) -> None:
        try:
            message = Message.decode(heard.payload)
        except MalformedPacket:
            return
        if not heard.sealed and message.id.type != packets.NONCE.type:
            return  # only the login is unencrypted
        if message.id in self._asked:
            self._answers.put(message)
        elif message.id in EVENTS and self.watched:
            self.events.put(Event(at, message))

    # ------------------------------------------------------------------ saying

    async def _flush(self, wire: Wire) -> None:
        """Write what is to be written, a run for one characteristic as one; what was written is deleted."""
        async with self._writing:
            while wire.out:
                uuid, packets_ = next(groupby(wire.out, key=attrgetter("uuid")))
                run = [packet.data for packet in packets_]
                await self._link.write_whole(uuid, run, service=None if uuid == OPENED else SERVICE)
                del wire.out[: len(run)]

    def _open_wire(self) -> Wire:
        if self._wire is None:
            raise DeviceError("the connection has not been opened")
        return self._wire

    async def ask(
        self, message: bytes, *answers: Id, sealed: bool = True, within: timedelta = ANSWER_WITHIN
    ) -> Message:
        """Say a message, and return the first message of the band with one of these ids.

        Raises `NoReply`, and `UnexpectedReply` if the band answers with an error.
        """
        async with self._asking:
            return await self._ask(message, answers, sealed=sealed, within=within)

    async def _ask(self, message: bytes, answers: Collection[Id], *, sealed: bool, within: timedelta) -> Message:
        wire = self._open_wire()
        self._answers.clear()
        self._asked = answers
        try:
            if sealed and self._opened is not None:
                self._opened(">", opened.recorded(Kind.MESSAGE, message))
            wire.say(message, self._link.now(), sealed=sealed)
            await self._flush(wire)
            answer = await self._answers.take(within)
        finally:
            self._asked = ()
        if answer.error:
            raise UnexpectedReply(f"the band refuses {answer.id} with error {answer.error}")
        return answer

    async def tell(self, message: bytes) -> None:
        """Say a message that has no answer, and return when the band has received it. Raises `NoReply`."""
        async with self._asking:
            wire = self._open_wire()
            self._received.clear()
            if self._opened is not None:
                self._opened(">", opened.recorded(Kind.MESSAGE, message))
            wire.say(message, self._link.now())
            self._telling = True
            try:
                await self._flush(wire)
                if not wire.idle:
                    await self._received.take(ANSWER_WITHIN)
            finally:
                self._telling = False

    # ------------------------------------------------------------------ opening

    async def open(self, session: Session) -> None:
        """Find out which frames the band speaks, begin, and log in with the band's key.

        Raises `NotAuthorised` if the key is missing or wrong, and `DeviceError` for any other failure.
        """
        if session.is_opened:
            self._wire = opened.WireOpened()
            await self._link.subscribe(OPENED)
            return
        if session.secret is None:
            raise NotAuthorised("the band's key is missing: give it with `hipsync bands key`")
        wire = self._generation()
        if wire is None:
            await self._link.bond()  # some bands show their services only over a bond
            wire = self._generation()
        if wire is None:
            raise DeviceError(NOT_REACHABLE)
        self._wire = wire
        await self._link.subscribe(*(uuid for uuid in wire.notifies if self._link.has(uuid, SERVICE)))
        wire.begin(self._link.now())
        await self._flush(wire)
        try:
            if not wire.begun:
                await self._begun.take(ANSWER_WITHIN)
            await self._log_in(wire, session.secret, session)
        except NoReply as error:
            raise NoReply(NO_ANSWER) from error

    def _generation(self) -> Wire | None:
        """Return the wire for the characteristics that the band has; None if it has neither generation's."""
        size = self._link.write_size
        if all(self._link.has(uuid, SERVICE) for uuid in (v1.TO_PHONE, v1.TO_BAND, v1.FILES)):
            return WireV1(size)
        return WireV2(size) if all(self._link.has(uuid, SERVICE) for uuid in (v2.TO_PHONE, v2.TO_BAND)) else None

    async def _log_in(self, wire: Wire, key: bytes, session: Session) -> None:
        nonce = secrets.token_bytes(NONCE)
        said = await self.ask(login.encode_nonce(nonce), packets.NONCE, sealed=False)
        wire.keys = login.agreed(key, nonce, said)
        confirm = login.encode_confirm(wire.keys, wire.device_type)
        async with self._asking:
            answer = await self._ask(confirm, (packets.CONFIRM, packets.TAP_WANTED), sealed=False, within=ANSWER_WITHIN)
            if answer.id == packets.TAP_WANTED:
                if session.pairing:
                    session.tap()
                self._asked = (packets.CONFIRM,)
                answer = await self._answers.take(TAP_WITHIN)
        login.confirmed(answer)
