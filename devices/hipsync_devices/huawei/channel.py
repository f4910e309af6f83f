"""Questions and answers over one connection: one question at a time, sealed after the login, asked again if need be.

An answer has the service and the command of its question, and no number. What comes unasked in between is answered at
once if the band wants that, and otherwise dropped. Nothing is ever answered twice, and an acknowledgement never.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from hipsync.driver import OPENED, Link, Session
from hipsync.errors import DeviceError, MalformedPacket, NoReply, NotAuthorised, UnexpectedReply
from hipsync_devices.huawei import opened, packets, setup
from hipsync_devices.huawei.ciphers import Cipher, Vectors, unsealed
from hipsync_devices.huawei.frames import LINK_SIZE, NOTIFY, SLICE_SIZE, WRITE, Assembly, Message, frames
from hipsync_devices.huawei.packets import Battery, LinkParameters

ANSWER_WITHIN = timedelta(seconds=10)
"""How long to wait for an answer; public clients needed up to 25 s on a busy band, and ask again before."""
TRIES = 3
BUSY_FOR = timedelta(seconds=1)
"""How long to wait before a band that says that it is busy is asked again."""
FOREVER = timedelta(days=1)
STRANGER = (
    "the device has not the service of Huawei and Honor bands: it is another model, or speaks classic Bluetooth alone; "
    "import from Gadgetbridge then (`hipsync import gadgetbridge FILE`)"
)
OTHER_KEY = "the band seals its messages with another key: it was paired with another phone since; pair it again"


class Channel:
    """Sends messages to one band and receives theirs, during one connection."""

    def __init__(self, link: Link, random: Callable[[int], bytes], session: Session | None = None) -> None:
        self._opened = None if session is None else session.opened
        self.is_opened = session is not None and session.is_opened
        """Whether messages come and go as a recording has them, without login, frames and seal."""
        self.link, self.random = link, random
        self.cipher: Cipher | None = None
        """What messages are sealed with; None before the end of the login."""
        self.vectors = Vectors(random)
        self.battery: tuple[datetime, Battery] | None = None
        """The charge that the band has told last without being asked, and when."""
        self.served_at = link.now()
        """When the band was last answered something that it asked."""
        self._slice_size, self._room = SLICE_SIZE, LINK_SIZE
        self._interval = timedelta()
        self._assembly = Assembly()
        self._lock = link.lock()
        self._answers = link.inbox(bytes)
        self._awaited: tuple[int, int] | None = None
        self._unreadable = False

    async def open(self) -> None:
        """Begin to receive. Raises `DeviceError` if the band has not the characteristics."""
        if self.is_opened:
            await self.link.subscribe(OPENED)
            return
        if not (self.link.has(WRITE) and self.link.has(NOTIFY)):
            raise DeviceError(STRANGER)
        await self.link.subscribe(NOTIFY)

    def use(self, parameters: LinkParameters) -> None:
        """Keep to the sizes and the pause that the band has told."""
        self._slice_size, self._room = parameters.slice_size, parameters.link_size
        self._interval = parameters.interval

    async def listen(self) -> None:
        """Receive until the connection ends: answers for whoever asked, and what the band asks itself."""
        while True:
            with suppress(NoReply):
                received = await self.link.notification(NOTIFY, OPENED, timeout=FOREVER)
                if received.uuid == OPENED:
                    await self._take(opened.decode(received.data), received.at)
                    continue
                for message in self._assembly.take(received.data):
                    await self._heard(message, received.at)

    async def _heard(self, message: Message, at: datetime) -> None:
        try:
            body = unsealed(message.body, None if message.what in packets.LOGIN else self.cipher)
        except MalformedPacket:
            self._unreadable = self._unreadable or message.what == self._awaited
            return
        if message.what not in packets.LOGIN and self.cipher is not None and self._opened is not None:
            self._opened("<", opened.recorded(message.what, body))
        await self._take(Message(*message.what, body), at)

    async def _take(self, message: Message, at: datetime) -> None:
        """Put an opened message where it is awaited, or answer it."""
        body = message.body
        if message.what == self._awaited:
            self._answers.put(body)
        elif message.what == packets.BATTERY_PUSHED:
            with suppress(MalformedPacket):
                self.battery = at, Battery.decode(body)
        elif self.cipher is not None or self.is_opened:
            await self._serve(Message(*message.what, body), at)

    async def _serve(self, asked: Message, at: datetime) -> None:
        """Answer what the band asks. It takes no lock: whoever holds that may wait for an answer of the band."""
        with suppress(MalformedPacket):
            reply = setup.reply_to(asked)
            if reply is not None:
                self.served_at = at
                await self.say(asked.what, reply)

    async def say(self, what: tuple[int, int], body: bytes) -> None:
        """Send a message that has no answer, as one piece."""
        if self.is_opened:
            await self.link.write(OPENED, opened.encode(what, body))
            return
        if what not in packets.LOGIN and self.cipher is not None:
            if self._opened is not None:
                self._opened(">", opened.recorded(what, body))
            body = self.cipher.seal(body, self.vectors.next())
        stream = b"".join(frames(Message(*what, body), self._slice_size))
        room = min(self._room, self.link.write_size)
        await self.link.write_whole(WRITE, [stream[at : at + room] for at in range(0, len(stream), room)])

    async def ask(
        self, what: tuple[int, int], body: bytes, *, within: timedelta = ANSWER_WITHIN, tries: int = TRIES
    ) -> bytes:
        """Ask, and return the body of the answer in plain; again up to `tries` times if the band is busy or silent.

        A band that stays busy says so in the answer. Raises `NotAuthorised` if its answers cannot be opened, and
        `NoReply`.
        """
        async with self._lock:
            self._unreadable = False
            for left in reversed(range(tries)):
                self._answers.clear()
                self._awaited = what
                await self.link.pause(self._interval)
                await self.say(what, body)
                try:
                    answer = await self._answers.take(within)
                except NoReply:
                    self._assembly.forget()  # a part of a frame whose rest was lost would swallow the next answer
                    if not left:
                        raise self._silence(what) from None
                    continue
                if packets.result_of(answer) != packets.BUSY or not left:
                    return answer
                await self.link.pause(BUSY_FOR)
        raise AssertionError("the last try returns or raises")

    def _silence(self, what: tuple[int, int]) -> DeviceError:
        if self._unreadable:
            return NotAuthorised(OTHER_KEY)
        return NoReply(f"the band did not answer {what[0]:02X}/{what[1]:02X}")

    async def order(
        self, what: tuple[int, int], body: bytes, *, within: timedelta = ANSWER_WITHIN, tries: int = TRIES
    ) -> bytes:
        """Ask as `ask` does. Raises `UnexpectedReply` too if the answer is any result but OK."""
        answer = await self.ask(what, body, within=within, tries=tries)
        code = packets.result_of(answer)
        if code not in {None, packets.OK}:
            raise UnexpectedReply(f"the band answered {what[0]:02X}/{what[1]:02X} with {code}")
        return answer
