"""A toy family, driver and band: several services over one pair of characteristics, and a band that asks back.

It is as Garmin's is in what matters for a dialogue: a service has a handle, which differs in each connection and may be
closed by the band at any time; messages come in parts that each begin with the handle; and the band asks, and repeats
its questions until they are answered. It lets in nobody but whoever has the token that it handed over at the pairing.
Nobody makes it.

    handle | bytes                                     handle 0 registers a service and closes a handle
    length u16 | word | number | content | sum u8      a message, over the handle of MESSAGES
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple, Unpack

from hipsync.driver import Abilities, Advertisement, Driver, Link, Session
from hipsync.driver import Message as Shown_
from hipsync.errors import DeviceError, MalformedPacket, NoReply, NotAuthorised
from hipsync.model import MINUTE, Answer, Charge, Counter, Epoch, Reading
from hipsync.simulated import Complaint, Service, Shown
from hipsync_devices import gatt
from hipsync_devices.simulator import Client, ClientBand, Event, Given, Time, can, minutes

SERVICE, UP, DOWN = (f"6a4e000{n}-0000-4000-8000-00805f9b34fb" for n in (1, 2, 3))
REGISTER, REGISTERED, CLOSED = 0, 1, 3
MESSAGES, STEPS = 1, 7
HELLO, TOKEN, CONFIRM, WELCOME, REFUSED, BATTERY, BUZZ, DEVICE, CLOCK, ANSWER = range(10, 20)
"""What a message is about; an answer bears the number of its question. DEVICE and CLOCK are questions of the band."""
SECOND = timedelta(seconds=1)
REPLY_WITHIN, TAP_WITHIN = 10 * SECOND, 90 * SECOND
TAPPED_AFTER = 20 * SECOND
ASKS_AGAIN, GIVES_UP = 5 * SECOND, 15 * SECOND
CAN_BUZZ = 1


class Message(NamedTuple):
    word: int
    number: int
    content: bytes = b""

    def encode(self) -> bytes:
        body = bytes([self.word, self.number]) + self.content
        return len(body).to_bytes(2, "little") + body + bytes([sum(body) & 0xFF])


class Stream:
    """Messages out of the bytes of one handle. It raises `MalformedPacket` for what is none, and starts afresh then."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        self._bytes += data
        while len(self._bytes) >= 2:
            size = int.from_bytes(self._bytes[:2], "little")
            if not 2 <= size <= 512:
                self._fail("a message of an impossible length")
            if len(self._bytes) < size + 3:
                return
            body, said = self._bytes[2 : size + 2], self._bytes[size + 2]
            if sum(body) & 0xFF != said:
                self._fail("a message with a wrong sum")
            self._bytes = self._bytes[size + 3 :]
            yield Message(body[0], body[1], body[2:])

    def _fail(self, why: str) -> None:
        data, self._bytes = self._bytes, b""
        raise MalformedPacket(why, data)


def parts(handle: int, data: bytes, size: int) -> list[bytes]:
    return [bytes([handle]) + data[at : at + size - 1] for at in range(0, len(data), size - 1)]


# ------------------------------------------------------------------ the driver


class Handles:
    """The dialogue; it implements `hipsync.driver.Dialogue`."""

    def __init__(self, link: Link, session: Session) -> None:
        self.link, self.session = link, session
        self.abilities = Abilities()
        self.answers = link.inbox(Message)
        self.ready = link.inbox(int)
        self.counts = link.inbox(Counter)
        self.asking = link.lock()
        self.handles: dict[int, int] = {}
        """By service."""
        self.watches = False
        self.number = 0

    async def listen(self) -> None:
        stream = Stream()
        await self.link.subscribe(DOWN)
        while True:
            received = await self.link.notification(DOWN, timeout=timedelta(days=1))
            handle, data = received.data[:1], received.data[1:]
            if handle == b"\0":
                await self.controlled(data)
            elif handle == bytes([self.handles.get(STEPS, 0)]) and len(data) == 4:
                self.counts.put(Counter(received.at, int.from_bytes(data, "little")))
            elif handle == bytes([self.handles.get(MESSAGES, 0)]):
                for message in stream.feed(data):
                    await self.heard(message)

    async def controlled(self, data: bytes) -> None:
        if len(data) != 3:
            raise MalformedPacket("a control packet has three bytes", data)
        what, service, handle = data
        if what == REGISTERED:
            self.handles[service] = handle
            self.ready.put(service)
        elif what == CLOSED and self.handles.pop(service, None) is not None:
            await self.register(service)

    async def register(self, service: int) -> None:
        await self.link.write_whole(UP, [bytes([0, REGISTER, service])])

    async def heard(self, message: Message) -> None:
        if message.word in {DEVICE, CLOCK}:
            now = int(self.link.now().timestamp()).to_bytes(4, "little")
            await self.write(Message(ANSWER, message.number, b"hipsync, a host" if message.word == DEVICE else now))
        elif message.word in {ANSWER, TOKEN, WELCOME, REFUSED}:
            self.answers.put(message)

    async def write(self, message: Message) -> None:
        if (handle := self.handles.get(MESSAGES)) is None:
            raise DeviceError("the band has closed its messages")
        await self.link.write_whole(UP, parts(handle, message.encode(), self.link.write_size))

    async def ask(self, word: int, content: bytes = b"", within: timedelta = REPLY_WITHIN) -> Message:
        async with self.asking:
            self.number = (self.number + 1) & 0xFF
            self.answers.clear()
            await self.write(Message(word, self.number, content))
            until = self.link.now() + within
            while (left := until - self.link.now()) > timedelta():
                answer = await self.answers.take(left)
                if answer.number == self.number:
                    return answer
            raise NoReply("the band did not answer")

    async def registered(self, service: int) -> None:
        await self.register(service)
        while await self.ready.take(REPLY_WITHIN) != service:
            pass

    async def open(self) -> Sequence[Reading]:
        await self.link.subscribe(DOWN)
        await self.registered(MESSAGES)
        welcome = await self.let_in()
        if welcome.word != WELCOME or len(welcome.content) != 1:
            raise NotAuthorised("the band belongs to somebody else: reset it, and pair it again")
        self.abilities = Abilities(live=True, buzz=bool(welcome.content[0] & CAN_BUZZ), battery=True)
        battery = await gatt.courtesy(self.ask(BATTERY))
        level = None if battery is None else gatt.percent(battery.content)
        return [] if level is None else [Charge(self.link.now(), level)]

    async def let_in(self) -> Message:
        token = self.session.secret
        if token is None and not self.session.pairing:
            raise NotAuthorised("the band is not paired: `hipsync pair` pairs it")
        if token is not None:
            said = await self.ask(HELLO, proof(token))
            if said.word != TOKEN or not self.session.pairing:
                return said
        self.session.tap()
        said = await self.ask(HELLO, b"", TAP_WITHIN)
        if said.word != TOKEN:
            return said
        await self.session.keep(said.content)
        return await self.ask(CONFIRM)

    async def sync(self) -> AsyncGenerator[Sequence[Reading], None]:
        raise AssertionError("it stores nothing")
        yield []

    async def watch(self) -> AsyncGenerator[Sequence[Reading], None]:
        self.counts.clear()
        await self.registered(STEPS)
        while True:
            try:
                yield [await self.counts.take(2 * MINUTE)]
            except NoReply:
                await self.ask(BATTERY)

    async def nudge(self, message: Shown_) -> Answer | None:
        await self.ask(BUZZ, message.body.encode()[:100])
        return None


def proof(token: bytes) -> bytes:
    return sha256(token).digest()[:16]


DRIVER = Driver(
    key="handles",
    label="Handles",
    abilities=Abilities(live=True, buzz=True, battery=True),
    secret=lambda _: "none",
    matches=lambda advertisement: SERVICE in advertisement.services,
    begin=Handles,
)


# ------------------------------------------------------------------ the band


class HandlesBand(ClientBand):
    """The simulated band, which counts what its client does wrong. With a `secret` it was paired with that before."""

    def __init__(self, life: Sequence[Epoch], *, buzzes: bool = True, **given: Unpack[Given]) -> None:
        self.mtu = 23
        self.shown: list[Shown] = []
        self.complaints: list[Complaint] = []
        self.token, self._buzzes = given.get("secret"), buzzes
        self._tokens = 0
        self._time = Time(given["now"], self._coming)
        self._client = Client(self._time, self._time.pass_until, writable={UP: self._hear}, forget=self._forget)
        self._today = given["now"].astimezone(UTC).date(), 0
        self._life = minutes(life)
        self._connections = 0
        self._forget()
        self._time.pass_until(given["now"])

    def _forget(self) -> None:
        self._connections += 1
        self._next = 0x20 + 7 * self._connections % 0x40
        self._handles: dict[int, int] = {}
        self._stream = Stream()
        self._offered: bytes | None = None
        self._let_in = False
        self._later: list[tuple[datetime, Callable[[], None]]] = []
        self._open: dict[int, tuple[datetime, datetime, Message]] = {}
        """Its open questions by number: when each was asked first, and last."""
        self._asked = 0x80
        self._asks_at = self._time.now + 4 * SECOND
        self._closes_at = self._time.now + 7 * MINUTE

    def advertisement(self) -> Advertisement:
        return Advertisement(name="Handles", services=frozenset({SERVICE}))

    def services(self) -> Sequence[Service]:
        return [Service(SERVICE, (can(UP, "write-without-response"), can(DOWN, "notify")))]

    def _complain(self, what: Literal["twice", "interleaved", "late"], text: str) -> None:
        self.complaints.append(Complaint(self._time.now, what, text))

    def _hear(self, data: bytes) -> None:
        if data[:2] == bytes([0, REGISTER]) and len(data) == 3:
            self._next = self._handles[data[2]] = self._next + 1
            self._client.send(DOWN, bytes([0, REGISTERED, data[2], self._next]))
            if data[2] == STEPS:
                self._tell_steps()
        elif data[:1] == bytes([self._handles.get(MESSAGES, 0)]):
            try:
                for message in self._stream.feed(data[1:]):
                    self._answer(message)
            except MalformedPacket as error:
                self._complain("interleaved", str(error))

    def _answer(self, message: Message) -> None:
        word, number, content = message
        match word:
            case _ if word == HELLO:
                self._greet(number, content)
            case _ if word == CONFIRM and self._offered is not None:
                self.token, self._let_in = self._offered, True
                self._say(Message(WELCOME, number, bytes([CAN_BUZZ if self._buzzes else 0])))
            case _ if word == ANSWER:
                if self._open.pop(number, None) is None:
                    self._complain("twice", f"question {number} was answered once more")
            case _ if not self._let_in:
                return
            case _ if word == BATTERY:
                self._say(Message(ANSWER, number, b"\x50"))
            case _ if word == BUZZ and self._buzzes:
                self.shown.append(Shown(self._time.now, content.decode("utf-8", "replace")))
                self._say(Message(ANSWER, number))
            case _:
                pass

    def _greet(self, number: int, content: bytes) -> None:
        if self.token is not None:
            self._let_in = content == proof(self.token)
            known = Message(WELCOME, number, bytes([CAN_BUZZ if self._buzzes else 0]))
            self._say(known if self._let_in else Message(REFUSED, number))
        elif content:  # it knows nobody, and says so by offering a token at once
            self._say(Message(TOKEN, number))
        else:
            self._later.append((self._time.now + TAPPED_AFTER, lambda: self._tapped(number)))

    def _tapped(self, number: int) -> None:
        self._tokens += 1
        self._offered = sha256(self._tokens.to_bytes(2, "little")).digest()[:26]
        self._say(Message(TOKEN, number, self._offered))

    def _say(self, message: Message) -> None:
        if (handle := self._handles.get(MESSAGES)) is not None:
            for part in parts(handle, message.encode(), self.mtu - 3):
                self._client.send(DOWN, part)

    def _tell_steps(self) -> None:
        if (handle := self._handles.get(STEPS)) is not None and self._let_in:
            self._client.send(DOWN, bytes([handle]) + self._today[1].to_bytes(4, "little"))

    def _ask(self) -> None:
        self._asked = 0x80 | (self._asked + 1) & 0x7F
        question = Message(CLOCK if self._asked % 2 else DEVICE, self._asked, b"whoever is connected to it")
        self._open[self._asked] = (self._time.now, self._time.now, question)
        self._asks_at = self._time.now + 2 * MINUTE
        self._say(question)

    def _ask_again(self) -> None:
        number, (first, _, question) = min(self._open.items(), key=lambda item: item[1][1])
        self._complain("late", f"question {number} was not answered within {ASKS_AGAIN}")
        if self._time.now - first >= GIVES_UP:
            self._client.hang_up()
            del self._open[number]
            return
        self._open[number] = (first, self._time.now, question)
        self._say(question)

    def _close(self) -> None:
        self._closes_at = self._time.now + 7 * MINUTE
        if self._handles.pop(STEPS, None) is not None:
            self._client.send(DOWN, bytes([0, CLOSED, STEPS, 0]))

    def _coming(self) -> Sequence[Event]:
        events: list[Event] = []
        if self._life:
            events.append((self._life[0].end, self._count))
        if self._later:
            at, then = self._later[0]
            events.append((at, lambda: (self._later.pop(0), then())[1]))
        if self._client.subscribed and MESSAGES in self._handles:
            events += [(self._asks_at, self._ask), (self._closes_at, self._close)]
            if self._open:
                events.append((min(last for _, last, _ in self._open.values()) + ASKS_AGAIN, self._ask_again))
        return events

    def _count(self) -> None:
        minute = self._life.popleft()
        day, steps = self._today
        today = minute.start.astimezone(UTC).date()
        self._today = today, minute.steps + (steps if today == day else 0)
        if minute.steps:
            self._tell_steps()
