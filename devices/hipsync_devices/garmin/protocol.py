"""The conversation with a Garmin watch: live steps over Multi-Link, and clock, battery, buzz and files over GFDI.

`GarminDialogue.listen` alone hears what the watch sends. It answers questions and pieces of files at once, and puts
aside what the others wait for. The minutes of a watch are in files. To ask for the directory ends the file that the
watch is writing, so that is done at most once in `SPACING`.

What is asked here has deadlines of its own; those of Garmin's app are 45 s for an answer and 90 s for all of a pairing
(garmin-proto-lab at 501817c3, `spec/PROTOCOL.md`).
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from hipsync.driver import OPENED, Abilities, Link, Message, Received, Session, Spacing
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply, NotAuthorised, UnexpectedReply
from hipsync.model import MINUTE, Charge, Counter, Epoch, Info, Reading, Workout
from hipsync.model import Answer as Reply
from hipsync_devices import gatt
from hipsync_devices.garmin import answers, cipher, cobs, files, fit, gfdi, live, login, multilink, opened, smart
from hipsync_devices.garmin.cipher import Seal
from hipsync_devices.garmin.files import Download, Holds, Transfer
from hipsync_devices.garmin.gfdi import Answer, Device, Event, Frame, Kind
from hipsync_devices.garmin.lane import ANSWERED, Lane
from hipsync_devices.garmin.login import Login, Step
from hipsync_devices.garmin.multilink import Number, Status
from hipsync_devices.garmin.nameless import Nameless
from hipsync_devices.garmin.notifications import CAPABILITY
from hipsync_devices.garmin.stored import newest_activity, read, wanted
from hipsync_devices.garmin.texts import ANSWERS, Texts
from hipsync_devices.live_counter import burst, utc_offset, worth_storing

ABILITIES = Abilities(history=MINUTE, live=True, buzz=True, text=True, answers=True, battery=True, heart_rate=True)
"""The most that these watches can do. They tell neither wear nor, in files that are read here, sleep."""
NEEDS = frozenset({(characteristic, b"") for lane in multilink.LANES for characteristic in lane})
"""What the steps depend on; see `Driver.needs`."""
SPACING = Spacing(timedelta(minutes=15), "it ends the file that it is writing")
"""How often the files are listed at most; each listing makes the watch begin another file."""
OPENED_WITHIN = timedelta(seconds=45)
PIECE = timedelta(seconds=30)
FOREVER = timedelta(days=1)
NOTIFY = tuple(notify for notify, _ in multilink.LANES)
HEARTBEAT = timedelta(minutes=1)
"""The time after which an unchanged count is told anew, if the watch is known to be there."""
ALIVE = timedelta(seconds=20)
"""A watch that was heard within this time is there; a heart rate comes each second or two."""
RINGS, RINGS_STRONG = 4, 10
"""For how many seconds the watch is searched for. Its wearer ends it with a button."""
ASKS_FOR, GLANCE = timedelta(seconds=60), timedelta(seconds=6)
"""How long a text stands that asks for an answer, and how long one is waited for that does not."""


class GarminDialogue:
    """One connection with a Garmin watch; see `driver.Dialogue`."""

    def __init__(self, link: Link, session: Session, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._link, self._session = link, session
        self._login = Login(session, random)
        self._seal: Seal | None = None
        """What seals the messages of GFDI after the watch's own login; None before that, and over a bond."""
        self._login_error: DeviceError | None = None
        """Why the watch may end the connection during its own login."""
        self._sending = link.lock()
        self._abilities = Abilities()
        self._tapping = False
        """Whether the login is over, so that messages may be recorded."""
        self._steps = b""
        """The message that has told steps last."""
        self._nameless: Nameless | None = Nameless()
        """What takes the names out of the file that comes, for a recording; None while the directory comes."""
        self._lane = Lane(link)
        self._stream = cobs.Stream()
        self._asking = link.lock()
        self._answers = link.inbox(Answer)
        self._awaited: int | None = None
        """The message whose answer somebody waits for."""
        self._pieces = link.inbox(bool)
        """Whether the file is whole, after the answer to each of its pieces is sent."""
        self._download: Download | None = None
        self._messages = link.inbox(bytes)
        self._assembly = smart.Assembly()
        self._request = 0
        self._ready = link.inbox(bool)
        """True once the watch knows who we are; False while it waits for the digits that it shows."""
        self._told_time = link.inbox(datetime)
        self._counts = link.inbox(Counter)
        self._watching = False
        self._counter: Counter | None = None
        self._device: Device | None = None
        self._heard_at: datetime | None = None
        self._smart_lock = link.lock()
        self._text_lock = link.lock()
        self._texts = Texts(link)
        self._can: frozenset[int] = frozenset()
        """The capabilities that the watch has told."""

    @property
    def abilities(self) -> Abilities:
        return self._abilities

    # ------------------------------------------------------------------ what the watch sends

    async def listen(self) -> None:
        """Hear and answer the watch until the connection ends."""
        while True:
            try:
                received = await self._link.notification(*NOTIFY, OPENED, timeout=FOREVER)
            except NoReply:
                continue
            if received.data:
                await self._packet(received)

    async def _packet(self, received: Received) -> None:
        if received.uuid == OPENED:
            if (told := opened.decode_steps(received.data)) is not None:
                self._count(Counter(received.at, live.Steps.decode(told).steps))
            else:
                await self._frame(opened.decode(received.data))
            return
        if received.data[0] == multilink.CONTROL:
            if await self._lane.control(received.data) == Number.GFDI:
                self._begin()
            return
        heard = await self._lane.hear(received.data)
        if heard is None:
            return
        self._heard_at = received.at
        if heard.service == Number.STEPS:
            self._steps = heard.data
            self._tap_steps()
            self._count(Counter(received.at, live.Steps.decode(heard.data).steps))
        elif heard.service == Number.GFDI:
            for held in self._stream.take(heard.data):
                await self._frame(Frame.decode(held) if self._seal is None else _unsealed(self._seal, held))

    def _begin(self) -> None:
        """Begin GFDI, for which the watch has given a handle."""
        self._stream, self._texts.are_wanted, self._seal = cobs.Stream(), False, None
        self._login.begin()

    def _count(self, counter: Counter) -> None:
        self._counter = counter
        if self._watching:
            self._counts.put(counter)

    def _tap_steps(self) -> None:
        """Give the last count of steps to a recording, which begins behind the login."""
        if self._tapping and self._steps and self._session.opened is not None:
            self._session.opened("<", opened.encode_steps(self._steps))

    def _tap(self, sign: str, frame: Frame) -> None:
        """Give a message to a recording, without what tells whose watch it is."""
        record = self._session.opened
        if self._tapping and record is not None and (told := opened.recorded(frame, self._nameless)) is not None:
            record(sign, told)

    async def _frame(self, frame: Frame) -> None:
        if self._seal is None and self._login.wants_sealed(frame):
            await self._log_in(Step(error=NotAuthorised(login.NO_KEY)))
        self._tap("<", frame)
        if frame.kind == Kind.ANSWER:
            await self._answered(Answer.decode(frame.payload))
        elif frame.kind == Kind.FILE_DATA:
            await self._piece(frame)
        elif frame.kind == Kind.PROTOBUF_RESPONSE:
            await self._response(frame)
        elif frame.kind in login.KINDS:
            await self._log_in(self._login.hear(frame))
        elif frame.kind in {Kind.NOTIFICATION_SUBSCRIPTION, Kind.NOTIFICATION_CONTROL}:
            await self._send_all(self._texts.hear(frame, 0 if self._seal is None else cipher.MOST_ADDED))
        else:
            await self._question(frame)

    async def _question(self, frame: Frame) -> None:
        """Answer what the watch asks of the host itself, and keep what it says of itself."""
        if frame.kind == Kind.DEVICE_INFORMATION:
            self._device = Device.decode(frame.payload)
            self._texts.longest = self._device.longest
        elif frame.kind == Kind.CONFIGURATION:
            self._can = gfdi.decode_capabilities(frame.payload)
        await self._send_all(answers.answer(frame, self._link.now(), utc_offset(self._link)))
        if frame.kind == Kind.CONFIGURATION:
            self._ready.put(True)
        elif frame.kind == Kind.CURRENT_TIME:
            self._told_time.put(self._link.now())

    async def _log_in(self, step: Step) -> None:
        """Do what the watch's own login needs next. Raises what ends it, and `DeviceError` if nothing can be kept."""
        self._login_error = step.error or step.blame
        if step.keep is not None:
            await self._session.keep(step.keep)
        for frame in step.frames:
            await self._send(frame, then=step.seal)
        if step.asks:
            self._ready.put(False)
        if step.error is not None:
            raise step.error

    async def _answered(self, answer: Answer) -> None:
        if answer.kind in login.ASKED:
            await self._log_in(self._login.answered(answer))
            return
        if answer.kind == Kind.NOTIFICATION_DATA:
            await self._send_all(self._texts.answered(answer))
        if answer.kind != self._awaited:
            return
        if answer.kind == Kind.DOWNLOAD and (size := files.announced(answer)) is not None:
            self._download = Download(size)  # here, because the first piece may come before anybody wakes up
        self._answers.put(answer)

    async def _piece(self, frame: Frame) -> None:
        if self._download is None:
            taken = files.Taken(Transfer.ABORT, 0)
        else:
            taken = self._download.take(files.Piece.decode(frame.payload))
        await self._send(gfdi.answered(frame, rest=taken.encode()))
        if self._download is not None:
            self._pieces.put(self._download.whole is not None)

    async def _response(self, frame: Frame) -> None:
        piece = smart.Piece.decode(frame.payload)
        await self._send(gfdi.answered(frame, rest=piece.receipt()))
        message = self._assembly.take(piece)
        if message is not None and piece.request == self._request:
            self._messages.put(message)

    # ------------------------------------------------------------------ what is sent

    async def _send(self, frame: Frame, *, then: Seal | None = None) -> None:
        """Send a message; `then` seals all that are sent and heard after it.

        Nothing but the login is sent while the watch claims our key and there is no seal.
        """
        if self._session.is_opened:
            await self._link.write(OPENED, opened.encode(frame))
            return
        self._tap(">", frame)
        async with self._sending:  # a seal counts, so what is sealed first is sent first
            if self._seal is None and self._login.must_seal(frame):
                return
            held = frame.encode()
            data = cobs.encode(held if self._seal is None else self._seal.seal(held))
            self._seal = then or self._seal
            await self._lane.send(Number.GFDI, data)

    async def _send_all(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            await self._send(frame)

    async def _ask(self, frame: Frame, timeout: timedelta = ANSWERED) -> Answer:
        """Send a frame and return its answer. Raises `NoReply`."""
        async with self._asking:
            self._answers.clear()
            self._awaited = frame.kind
            try:
                await self._send(frame)
                return await self._answers.take(timeout)
            finally:
                self._awaited = None

    async def _ask_smart(self, message: bytes) -> bytes:
        """Send a message in protobuf and return the answer in protobuf. Raises `NoReply`."""
        async with self._smart_lock:
            self._messages.clear()
            self._request = self._request % 0xFFFF + 1
            piece = smart.Piece(self._request, 0, len(message), message)
            await self._ask(Frame(Kind.PROTOBUF_REQUEST, piece.encode()))
            return await self._messages.take(ANSWERED)

    # ------------------------------------------------------------------ the login

    async def open(self) -> Sequence[Reading]:
        """Register live steps and GFDI, tell the time, and return the watch's version and battery level.

        Raises `NotBonded` for a watch that wants a bond which there is not, `NotAuthorised` if its own login fails, and
        `DeviceError` for one that gives no steps, because another program holds it.
        """
        if self._session.is_opened:
            await self._link.subscribe(OPENED)
            return await self._greeted()
        steps = await self._lane.find()
        if steps != Status.OK:
            raise DeviceError(f"this watch tells no steps (status {steps}): a phone may hold it, so try without it")
        if await self._lane.bonded(Number.GFDI) != Status.OK or not await self._is_ready():
            self._abilities = Abilities(live=True)
            return []
        self._tapping = True
        self._tap_steps()
        return await self._greeted()

    async def _greeted(self) -> Sequence[Reading]:
        """Tell the watch what it needs, and return what it tells of itself."""
        await self._greet()
        battery = await gatt.courtesy(self._battery())
        history, text = MINUTE if fit.is_available() else None, CAPABILITY in self._can
        self._abilities = replace(
            ABILITIES,
            history=history,
            battery=battery is not None,
            heart_rate=history is not None,
            text=text,
            answers=text,
        )
        return [self._info(), *([Charge(self._link.now(), battery)] if battery is not None else [])]

    async def _is_ready(self) -> bool:
        """Wait until the watch knows who we are; False if it says nothing at all over GFDI.

        The digits that the watch may show are asked for meanwhile. Raises `NoReply`, and what ends a login.
        """
        try:
            while not await self._ready.take(OPENED_WITHIN):
                if (wanted := self._login.wanted) is not None:
                    digits = await self._session.passkey(self._login.within)
                    await self._log_in(self._login.typed(digits, wanted))
        except LinkLost:
            if self._login_error is not None:
                raise self._login_error from None
            raise
        except NoReply:
            if self._device is not None or self._login.has_begun:
                raise
            return False
        return True

    async def _greet(self) -> None:
        """Tell the watch what it needs to go on, and the time."""
        await gatt.courtesy(self._ask(gfdi.settings({gfdi.AUTO_UPLOAD: True})))
        self._told_time.clear()
        await gatt.courtesy(self._ask(gfdi.event(Event.TIME_UPDATED)))
        await gatt.courtesy(self._told_time.take(ANSWERED))
        events = [Event.SYNC_READY]
        if self._session.pairing:  # a new watch stays in its setup until it is told so
            events += [Event.PAIR_COMPLETE, Event.SYNC_COMPLETE, Event.SETUP_WIZARD_COMPLETE]
        for event in events:
            await gatt.courtesy(self._ask(gfdi.event(event)))

    async def _battery(self) -> int | None:
        return smart.decode_battery(await self._ask_smart(smart.BATTERY_REQUEST))

    def _info(self) -> Info:
        device = self._device
        if device is None:
            return Info(self._link.now())
        model = gatt.text(f"{device.device} {device.model}".encode())
        return Info(self._link.now(), firmware=device.version, hardware=model)

    # ------------------------------------------------------------------ stored minutes

    async def sync(self) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield the steps so far and, unless the files were listed a moment ago, what the new ones hold.

        With `session.erase`, each file is marked as handed over once its readings are stored.
        """
        now, since = self._link.now(), self._session.since
        if self._counter is not None:
            yield [self._counter]
        if Epoch in since and now - since[Epoch] < SPACING.least:
            return
        directory = await self._fetch(files.DIRECTORY)
        if directory is None:
            raise UnexpectedReply("the watch does not list its files")
        listed = files.decode_directory(directory)
        begun = [each.at for each in listed if each.subtype == Holds.ACTIVITY and each.at is not None]
        for entry in [*newest_activity(listed, since.get(Workout)), *wanted(listed, since.get(Epoch))]:
            data = await self._fetch(entry.file)
            readings = [] if data is None else read(entry, data, begun, self._link.now())
            if readings:
                yield readings
                if self._session.erase and not entry.flags & files.ARCHIVED:
                    await gatt.courtesy(self._ask(files.archive(entry.file)))
        await gatt.courtesy(self._ask(gfdi.event(Event.SYNC_COMPLETE)))

    async def _fetch(self, index: int) -> bytes | None:
        """Return a file; None if the watch does not give it, now or a second later. Raises `NoReply`."""
        for again in (False, True):
            if again:
                await self._link.pause(timedelta(seconds=1))
            self._download = None
            self._nameless = None if index == files.DIRECTORY else Nameless()
            self._pieces.clear()
            if files.announced(await self._ask(files.download(index))) is not None:
                return await self._whole()
        return None

    async def _whole(self) -> bytes:
        """Return the file that is coming. Raises `NoReply` if it stops coming."""
        download = self._download
        if download is None:
            raise UnexpectedReply("the watch began no file")
        is_whole = not download.size
        while not is_whole:
            is_whole = await self._pieces.take(PIECE)
        return download.whole or b""

    # ------------------------------------------------------------------ live, and the buzz

    async def watch(self) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield the count when it changes, and each minute while it does not and the watch is known to be there."""
        link, offset = self._link, utc_offset(self._link)
        self._counts.clear()
        self._watching = True
        try:
            if self._counter is not None:
                yield [self._counter]
            await gatt.courtesy(self._lane.register(Number.HEART_RATE))
            beat = link.now() + HEARTBEAT
            while True:
                try:
                    counters = worth_storing(await burst(link, self._next_count, until=beat))
                except NoReply:
                    beat = link.now() + HEARTBEAT
                    counters = [await self._still()]
                yield counters
                if utc_offset(link) != offset:  # summer time began or ended
                    offset = utc_offset(link)
                    await gatt.courtesy(self._ask(gfdi.event(Event.TIME_UPDATED)))
        finally:
            self._watching = False

    async def _next_count(self, until: datetime) -> Counter:
        return await self._counts.take(max(until - self._link.now(), timedelta()))

    async def _still(self) -> Counter:
        """Return the count of a watch that has told no other for a minute.

        One whose heart rate came a moment ago is there, and would have told steps. Any other is asked, which is done by
        registering the service anew. Raises `NoReply` if it is not there.
        """
        now = self._link.now()
        if self._counter is not None and self._heard_at is not None and now - self._heard_at < ALIVE:
            return Counter(now, self._counter.steps)
        await self._lane.anew(Number.STEPS)
        return await self._counts.take(ANSWERED)

    async def nudge(self, message: Message) -> Reply | None:
        """Show a text and return the wearer's answer; or sound and vibrate as if the watch were searched for.

        A strong message does both, and one that the watch has not subscribed to the second. How a text makes itself
        felt is a setting of the watch. A text that was not answered in a minute is taken away again, because nobody
        would hear the answer. Raises `DeviceError` if the watch does not do it.
        """
        if message.strong or not self._texts.are_wanted:
            await self._search(RINGS_STRONG if message.strong else RINGS)
        return await self._show(message) if self._texts.are_wanted else None

    async def _search(self, seconds: int) -> None:
        """Let the watch show, sound and vibrate for so long. Raises `DeviceError` if it does not."""
        if not smart.decode_find(await self._ask_smart(smart.find(seconds))):
            raise UnexpectedReply("the watch does not let itself be searched for")
        await self._link.pause(timedelta(seconds=seconds))
        await gatt.courtesy(self._ask_smart(smart.FIND_CANCEL))

    async def _show(self, message: Message) -> Reply | None:
        """Show a text, and return what the wearer answers; None without an answer. Raises `NoReply`."""
        async with self._text_lock:
            await self._ask(self._texts.put(message))
            try:
                action = await self._texts.pressed.take(ASKS_FOR if message.asks else GLANCE)
            except NoReply:
                action = None
            removal = self._texts.take_away() if message.asks else None
            if removal is not None:
                await gatt.courtesy(self._ask(removal))
            return None if action is None else ANSWERS.get(action)


def _unsealed(seal: Seal, held: bytes) -> Frame:
    """Return the frame under a seal. Raises `MalformedPacket`, which holds what was sealed and not what is under it."""
    frame = seal.open(held)
    with suppress(MalformedPacket):
        return Frame.decode(frame)
    raise MalformedPacket("a sealed message of Garmin whose checksum is wrong", held)
