"""A toy family, driver and band: a stream of numbered frames, each acknowledged at once, sealed with keys of the login.

It is as Xiaomi's second generation is in what matters for a dialogue: counters and numbers live as long as the
connection, three frames may wait for their acknowledgement, and the band asks and reports at any moment. Nobody makes
it, and its cipher is worth nothing.

    a5a5 | kind | number | length u16 | CRC u16 | payload        kind 1 acknowledges, 3 has a message: plain or sealed
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple, Unpack

from hipsync.driver import Abilities, Advertisement, Driver, Inbox, Link, Message, Session
from hipsync.errors import MalformedPacket, NoReply, NotAuthorised, UnexpectedReply
from hipsync.model import MINUTE, Answer, Charge, Counter, Epoch, Reading
from hipsync.simulated import Complaint, Service, Shown
from hipsync_devices import gatt
from hipsync_devices.simulator import Client, ClientBand, Event, Given, Time, can, minutes

SERVICE, UP, DOWN = (f"5ea1000{n}-0000-4000-8000-00805f9b34fb" for n in (1, 2, 3))
SYNC, HEAD = b"\xa5\xa5", 8
ACKNOWLEDGES, MESSAGE = 1, 3
PLAIN, SEALED = 1, 2
NONCE, PROOF, WELCOME, BATTERY, CLOCK, FETCH, LIVE, STEPS, BUZZ, FORGET, TIME = range(11)
"""What a message is about; an answer has the number of its question. STEPS and TIME come unasked; TIME asks."""
SLOT = timedelta(minutes=10)
SECOND = timedelta(seconds=1)
REPLY_WITHIN = 10 * SECOND
WINDOW, REPEATS_AFTER, REPEATS = 3, 6 * SECOND, 3
ANSWERED_WITHIN = 20 * SECOND
A_PART = 10
"""How many slots are in one part of a fetch."""
BUZZES = 1
"""The bit of WELCOME that says that this band vibrates."""


class Frame(NamedTuple):
    kind: int
    number: int
    payload: bytes = b""

    def encode(self) -> bytes:
        head = bytes([self.kind, self.number]) + len(self.payload).to_bytes(2, "little")
        return SYNC + head + crc_hqx(self.payload, 0).to_bytes(2, "little") + self.payload


class Stream:
    """Frames out of bytes that are cut anywhere; what is no frame is skipped, and counted in `skipped`."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.skipped = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._bytes += data
        while (at := self._bytes.find(SYNC)) >= 0:
            self._skip(at)
            if len(self._bytes) < HEAD:
                return
            size = int.from_bytes(self._bytes[4:6], "little")
            if size > 1024:
                self._skip(1)
                continue
            if len(self._bytes) < HEAD + size:
                return
            payload = bytes(self._bytes[HEAD : HEAD + size])
            if crc_hqx(payload, 0) != int.from_bytes(self._bytes[6:8], "little"):
                self._skip(1)
                continue
            yield Frame(self._bytes[2], self._bytes[3], payload)
            del self._bytes[: HEAD + size]
        self._skip(max(len(self._bytes) - 1, 0))

    def _skip(self, count: int) -> None:
        self.skipped += count
        del self._bytes[:count]


class Cipher:
    """One direction of a connection: the n-th message is sealed with the n-th key."""

    def __init__(self, key: bytes) -> None:
        self._key, self._count = key, 0

    def seal(self, message: bytes) -> bytes:
        return self._crypt(message) + sha256(self._key + message).digest()[:4]

    def open(self, sealed: bytes) -> bytes:
        message = self._crypt(sealed[:-4])
        if sha256(self._key + message).digest()[:4] != sealed[-4:]:
            raise MalformedPacket("a message that was sealed with another key, or out of turn", sealed)
        return message

    def _crypt(self, data: bytes) -> bytes:
        stream = b"".join(
            sha256(self._key + bytes([self._count & 0xFF, n])).digest() for n in range(len(data) // 32 + 1)
        )
        self._count += 1
        return bytes(a ^ b for a, b in zip(data, stream, strict=False))


def proof(key: bytes, mine: bytes, theirs: bytes) -> bytes:
    return sha256(key + mine + theirs).digest()[:8]


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


# ------------------------------------------------------------------ the driver


class Sealed:
    """The dialogue; it implements `hipsync.driver.Dialogue`."""

    def __init__(self, link: Link, session: Session) -> None:
        self.link, self.session = link, session
        self.abilities = Abilities()
        self.answers: dict[int, Inbox[bytes]] = {}
        self.steps: Inbox[Counter] = link.inbox(Counter)
        self.sending, self.asking = link.lock(), link.lock()
        self.sent = self.expected = 0
        self.up: Cipher | None = None
        self.down: Cipher | None = None

    async def listen(self) -> None:
        stream = Stream()
        await self.link.subscribe(DOWN)
        while True:
            received = await self.link.notification(DOWN, timeout=timedelta(days=1))
            for frame in stream.feed(received.data):
                if frame.kind == MESSAGE:
                    await self.received(received.at, frame)

    async def received(self, at: datetime, frame: Frame) -> None:
        ahead = (frame.number - self.expected) & 0xFF
        if 0 < ahead < 128:
            return  # one before it was lost: the band sends both again
        await self.link.write_whole(UP, cut(Frame(ACKNOWLEDGES, frame.number).encode(), self.link.write_size))
        if ahead == 0:
            self.expected = (self.expected + 1) & 0xFF
            await self.deliver(at, frame.payload)

    async def deliver(self, at: datetime, payload: bytes) -> None:
        if self.down is not None and payload[:1] == bytes([SEALED]):
            payload = payload[:1] + self.down.open(payload[1:])
        if len(payload) < 2:
            raise MalformedPacket("a message without a word", payload)
        about, content = payload[1], payload[2:]
        if about == TIME:
            await self.post(TIME, int(self.link.now().timestamp()).to_bytes(4, "little"))
        elif about == STEPS:
            if len(content) != 4:
                raise MalformedPacket("steps have four bytes", content)
            self.steps.put(Counter(at, int.from_bytes(content, "little")))
        elif about in self.answers:
            self.answers[about].put(content)

    async def post(self, about: int, content: bytes = b"") -> None:
        """Send a message, and wait for nothing: `listen` may call it."""
        async with self.sending:  # numbers and keys are used in the order in which the messages go out
            message = bytes([about]) + content
            sealed = self.up is not None
            payload = bytes([SEALED if sealed else PLAIN]) + (self.up.seal(message) if self.up is not None else message)
            frame = Frame(MESSAGE, self.sent & 0xFF, payload)
            self.sent += 1
            await self.write(frame.encode())

    async def write(self, data: bytes) -> None:
        await self.link.write_whole(UP, cut(data, self.link.write_size))

    async def ask(self, about: int, content: bytes = b"") -> bytes:
        async with self.asking:
            return await self.asked(about, content)

    async def asked(self, about: int, content: bytes) -> bytes:
        answers = self.answers[about] = self.link.inbox(bytes)
        await self.post(about, content)
        return await answers.take(REPLY_WITHIN)

    async def open(self) -> Sequence[Reading]:
        await self.link.subscribe(DOWN)
        key, mine = self.session.secret or b"", self.link.now().isoformat().encode()[-8:].rjust(8)
        answer = await self.ask(NONCE, mine)
        theirs, said = answer[:8], answer[8:]
        if said != proof(key, mine, theirs):
            raise NotAuthorised("wrong key: give the band's key of now (`hipsync bands key`)")
        welcome = await self.ask(PROOF, proof(key, theirs, mine))
        self.up, self.down = Cipher(b"up" + key + mine + theirs), Cipher(b"down" + key + mine + theirs)
        if len(welcome) != 1:
            raise MalformedPacket("a welcome has one byte", welcome)
        self.abilities = Abilities(history=SLOT, live=True, buzz=bool(welcome[0] & BUZZES), battery=True)
        await gatt.courtesy(self.ask(CLOCK, int(self.link.now().timestamp()).to_bytes(4, "little")))
        level = gatt.percent(await gatt.courtesy(self.ask(BATTERY)) or b"")
        return [] if level is None else [Charge(self.link.now(), level)]

    async def sync(self) -> AsyncGenerator[Sequence[Reading], None]:
        since = self.session.since.get(Epoch, self.link.now() - timedelta(days=7))
        async with self.asking:
            slots = await self.fetched(since)
        epochs = [Epoch(start, SLOT, steps) for start, steps in slots if since <= start <= self.link.now() - SLOT]
        if epochs:
            yield epochs
            if self.session.erase:
                await gatt.courtesy(self.ask(FORGET, int(epochs[-1].end.timestamp()).to_bytes(4, "little")))

    async def fetched(self, since: datetime) -> list[tuple[datetime, int]]:
        slots: list[tuple[datetime, int]] = []
        part = await self.asked(FETCH, int(since.timestamp()).to_bytes(4, "little"))
        for number in range(1, 200):
            if len(part) % 6 != 2 or part[0] != number & 0xFF:
                raise UnexpectedReply("a part of a fetch is missing, or torn")
            for row in cut(part[2:], 6):
                start = datetime.fromtimestamp(int.from_bytes(row[:4], "little"), UTC)
                if (start - datetime(1970, 1, 1, tzinfo=UTC)) % SLOT:
                    raise MalformedPacket("a slot that begins within one", row)
                slots.append((start, int.from_bytes(row[4:], "little")))
            if part[1]:
                return slots
            part = await self.answers[FETCH].take(REPLY_WITHIN)
        raise UnexpectedReply("the band sends more slots than a week has")

    async def watch(self) -> AsyncGenerator[Sequence[Reading], None]:
        await self.ask(LIVE)
        while True:
            try:
                yield [await self.steps.take(2 * MINUTE)]
            except NoReply:
                await self.ask(LIVE)

    async def nudge(self, message: Message) -> Answer | None:
        await self.ask(BUZZ, message.title.encode()[:200])
        return None


DRIVER = Driver(
    key="sealed",
    label="Sealed",
    abilities=Abilities(history=SLOT, live=True, buzz=True, battery=True),
    secret=lambda _: "given",
    matches=lambda advertisement: SERVICE in advertisement.services,
    begin=Sealed,
)


# ------------------------------------------------------------------ the band


class SealedBand(ClientBand):
    """The simulated band, which counts what its client does wrong."""

    def __init__(self, life: Sequence[Epoch], *, buzzes: bool = True, **given: Unpack[Given]) -> None:
        self.mtu = 23
        self.shown: list[Shown] = []
        self.complaints: list[Complaint] = []
        self._key, self._buzzes = given.get("secret") or b"", buzzes
        self._time = Time(given["now"], self._coming)
        self._client = Client(self._time, self._time.pass_until, writable={UP: self._hear}, forget=self._forget)
        self._slots: dict[datetime, int] = {}
        self._today = given["now"].astimezone(UTC).date(), 0
        self._life = minutes(life)
        self._forget()
        self._time.pass_until(given["now"])

    def _forget(self) -> None:
        self._stream, self._skipped = Stream(), 0
        self._sent = self._expected = 0
        self._queue: list[bytes] = []
        self._unacknowledged: dict[int, tuple[datetime, int, bytes]] = {}
        """By number: when it was sent last, how often, and its bytes."""
        self._acknowledged: dict[int, int] = {}
        """How many acknowledgements of a number came since it was sent first."""
        self._nonces = b""
        self._up: Cipher | None = None
        self._down: Cipher | None = None
        self._live = False
        self._asked: datetime | None = None
        self._asks_at = self._time.now + 7 * SECOND

    def advertisement(self) -> Advertisement:
        return Advertisement(name="Sealed", services=frozenset({SERVICE}))

    def services(self) -> Sequence[Service]:
        return [Service(SERVICE, (can(UP, "write-without-response"), can(DOWN, "notify")))]

    def _complain(self, what: Literal["twice", "interleaved", "late"], text: str) -> None:
        self.complaints.append(Complaint(self._time.now, what, text))

    # what it hears

    def _hear(self, data: bytes) -> None:
        for frame in self._stream.feed(data):
            if frame.kind == ACKNOWLEDGES:
                self._hear_acknowledged(frame.number)
            elif frame.kind == MESSAGE:
                self._hear_message(frame)
        if self._stream.skipped > self._skipped:
            self._skipped = self._stream.skipped
            self._complain("interleaved", f"{self._skipped} bytes that are no frame")

    def _hear_acknowledged(self, number: int) -> None:
        _, times, _ = self._unacknowledged.pop(number, (self._time.now, 1, b""))
        self._acknowledged[number] = self._acknowledged.get(number, 0) + 1
        if self._acknowledged[number] > times:
            self._complain("twice", f"frame {number} was acknowledged {self._acknowledged[number]} times")
        self._pump()

    def _hear_message(self, frame: Frame) -> None:
        self._send(Frame(ACKNOWLEDGES, frame.number).encode())
        if frame.number != self._expected:
            return
        self._expected = (self._expected + 1) & 0xFF
        try:
            message = frame.payload[1:]
            if self._up is not None:
                message = self._up.open(message)
            if message:
                self._answer(message[0], message[1:])
        except MalformedPacket as error:
            self._complain("interleaved", str(error))

    def _answer(self, about: int, content: bytes) -> None:
        if about in {NONCE, PROOF}:
            self._log_in(about, content)
        elif self._up is not None:
            answers: dict[int, Callable[[bytes], None]] = {
                BATTERY: lambda _: self._say(BATTERY, b"\x50"),
                CLOCK: lambda _: self._say(CLOCK),
                FETCH: self._tell,
                LIVE: self._go_live,
                BUZZ: self._buzz,
                FORGET: self._forget_slots,
                TIME: self._hear_time,
            }
            if (answer := answers.get(about)) is not None:
                answer(content)

    def _log_in(self, about: int, content: bytes) -> None:
        mine, theirs = self._nonces[:8], self._nonces[8:]
        if about == NONCE:
            theirs = b"band" + self._sent.to_bytes(4, "little")
            self._nonces = content + theirs
            self._say(NONCE, theirs + proof(self._key, content, theirs))
        elif content == proof(self._key, theirs, mine):
            self._say(PROOF, bytes([BUZZES if self._buzzes else 0]))
            self._up, self._down = (Cipher(each + self._key + self._nonces) for each in (b"up", b"down"))
        else:
            self._client.hang_up()

    def _go_live(self, _: bytes) -> None:
        self._live = True
        self._say(LIVE)
        self._say(STEPS, self._today[1].to_bytes(4, "little"))

    def _buzz(self, content: bytes) -> None:
        if self._buzzes:
            self.shown.append(Shown(self._time.now, content.decode("utf-8", "replace")))
            self._say(BUZZ)

    def _forget_slots(self, content: bytes) -> None:
        until = datetime.fromtimestamp(int.from_bytes(content, "little"), UTC)
        self._slots = {start: steps for start, steps in self._slots.items() if start >= until}
        self._say(FORGET)

    def _hear_time(self, _: bytes) -> None:
        if self._asked is None:
            self._complain("twice", "it was told the time, which it had not asked")
        self._asked = None

    def _tell(self, content: bytes) -> None:
        since = datetime.fromtimestamp(int.from_bytes(content, "little"), UTC)
        rows = [
            int(start.timestamp()).to_bytes(4, "little") + min(steps, 0xFFFF).to_bytes(2, "little")
            for start, steps in sorted(self._slots.items())
            if start >= since
        ]
        parts = cut(b"".join(rows), 6 * A_PART) or [b""]
        for number, part in enumerate(parts, 1):
            self._say(FETCH, bytes([number & 0xFF, number == len(parts)]) + part)

    # what it says

    def _say(self, about: int, content: bytes = b"") -> None:
        message = bytes([about]) + content
        self._queue.append(
            bytes([PLAIN]) + message if self._down is None else bytes([SEALED]) + self._down.seal(message)
        )
        self._pump()

    def _pump(self) -> None:
        while self._queue and len(self._unacknowledged) < WINDOW:
            number = self._sent & 0xFF
            self._sent += 1
            data = Frame(MESSAGE, number, self._queue.pop(0)).encode()
            self._unacknowledged[number] = (self._time.now, 1, data)
            self._acknowledged[number] = 0
            self._send(data)

    def _send(self, data: bytes) -> None:
        for part in cut(data, self.mtu - 3):
            self._client.send(DOWN, part)

    def _repeat(self) -> None:
        number, (_, times, data) = min(self._unacknowledged.items(), key=lambda item: item[1][0])
        self._complain("late", f"frame {number} was not acknowledged within {REPEATS_AFTER}")
        if times > REPEATS:
            self._unacknowledged.clear()
            self._client.hang_up()
            return
        self._unacknowledged[number] = (self._time.now, times + 1, data)
        self._send(data)

    def _ask(self) -> None:
        if self._asked is not None:
            self._complain("late", "nobody told it the time")
        self._asked, self._asks_at = self._time.now, self._time.now + 3 * MINUTE
        self._say(TIME)

    def _wait_over(self) -> None:
        self._complain("late", "nobody told it the time")
        self._asked = None

    # its life

    def _coming(self) -> Sequence[Event]:
        events: list[Event] = []
        if self._life:
            events.append((self._life[0].end, self._count))
        if self._client.subscribed and self._up is not None:
            events.append((self._asks_at, self._ask))
            if self._asked is not None:
                events.append((self._asked + ANSWERED_WITHIN, self._wait_over))
        if self._client.subscribed and self._unacknowledged:
            first = min(at for at, _, _ in self._unacknowledged.values())
            events.append((first + REPEATS_AFTER, self._repeat))
        return events

    def _count(self) -> None:
        minute = self._life.popleft()
        slot = minute.start - (minute.start - datetime(1970, 1, 1, tzinfo=UTC)) % SLOT
        self._slots[slot] = self._slots.get(slot, 0) + minute.steps
        day, steps = self._today
        today = minute.start.astimezone(UTC).date()
        self._today = today, minute.steps + (steps if today == day else 0)
        if minute.steps and self._live:
            self._say(STEPS, self._today[1].to_bytes(4, "little"))
