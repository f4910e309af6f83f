"""The conversation with a Huawei or Honor band: set it up, set its clock, fetch minutes and nights, poll steps, buzz.

Stored minutes come in windows of a day, from the oldest on::

    > 07/0C  from, to          < how many spans of sleep         > 07/0D  0, 1, 2 ...     < each
    > 07/0A  from, to          < how many records                > 07/0B  0, 1, 2 ...     < each
    (stored now)

Nothing is acknowledged, and the band forgets nothing by being asked. It does not tell whether it is worn. A minute that
it lists without steps is one in which it counted none; of a minute that it does not list, nothing is known.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from hipsync.driver import Abilities, Link, Message, Session
from hipsync.errors import DeviceError, MalformedPacket, NoReply, UnexpectedReply
from hipsync.model import MINUTE, Answer, Charge, Counter, Epoch, Info, Reading, State, Workout
from hipsync_devices import gatt
from hipsync_devices.huawei import frames, minutes, packets, setup, workouts
from hipsync_devices.huawei.channel import Channel
from hipsync_devices.huawei.login import Login
from hipsync_devices.huawei.minutes import Night, Record, Slept
from hipsync_devices.huawei.packets import Battery, Product
from hipsync_devices.huawei.records import SILENT, Memory, next_start
from hipsync_devices.live_counter import utc_offset

ABILITIES = Abilities(history=MINUTE, live=True, buzz=True, text=True, battery=True, sleep=True, heart_rate=True)
FIRST_FETCH = timedelta(days=14)
"""How far back the first fetch asks; the maker says that about a week is remembered."""
FIRST_WORKOUTS = timedelta(days=30)
WINDOW = timedelta(days=1)
"""The length of a window. A link that is lost costs the window that was being fetched, and no more."""
WAITED_FOR = timedelta(days=1)
"""How long after its end a record that is missing may still come, before those behind it are stored without it."""
RECORD = timedelta(hours=1)
"""The longest time that a record covers. A window is asked for by so much more, because it is unknown whether a record
is counted that begins before it."""
REVISED = timedelta(hours=3)
"""How long after its end a span of sleep may be listed. Minutes before `Session.since` are fetched again for it."""
LONGEST_NIGHT = timedelta(hours=16)
SETTLED = timedelta(seconds=5)
"""How long ago a minute must have ended: the band's clock is set in whole seconds, and may be a little behind."""
COURTESY_WITHIN = timedelta(seconds=5)
"""How long to wait for what no step depends on."""
SETUP_WITHIN = timedelta(seconds=3)
"""How long to wait for each of the six answers to a setup."""
POLL = timedelta(minutes=1)
BETWEEN_BUZZES = timedelta(seconds=4)
STEP = timedelta(seconds=1)

LOGIN = "5a000b000101", "5a003c000133", "5a004503", "5a005a03", "5a001503"
FIRST_MEETING = "5a00d903", "5a008a03", "5a005f03", "5a005b03"
RECORDS = "5a003800070a", "5a003000070b"
NEEDS = frozenset(
    {
        (frames.NOTIFY, b""),
        *((frames.WRITE, bytes.fromhex(begin)) for begin in (*LOGIN, *FIRST_MEETING, *RECORDS)),
    }
)
"""What the steps depend on, for a band with HiChain3; see `Driver.needs`. All messages of a kind have the same length:
link, negotiation, the last slice of each step of the two operations, count and record. The PIN is needed too, but comes
after a tap of the wearer, later than an answer that the kit withholds."""


class Talk:
    """The dialogue with one band. It implements `hipsync.driver.Dialogue`."""

    def __init__(self, link: Link, session: Session, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._link, self._session = link, session
        self._channel = Channel(link, random, session)
        self._commands: frozenset[tuple[int, int]] = frozenset()
        channel = self._channel
        self._remembered_minutes = Memory(channel, minutes.COUNT_MINUTES, minutes.MINUTES, Record.decode)
        self._remembered_nights = Memory(
            channel, minutes.COUNT_SLEEP, minutes.SLEEP, Night.decode, within=COURTESY_WITHIN, tries=2
        )

    @property
    def abilities(self) -> Abilities:
        return ABILITIES

    async def listen(self) -> None:
        await self._channel.listen()

    # -------------------------------------------------------------- login, clock, setup, battery

    async def open(self) -> Sequence[Reading]:
        """Log in and set the clock, and return the band's versions, its serial number and its charge.

        A band that has just met hipsync for the first time is set up too, which takes some 20 seconds.
        """
        await self._channel.open()
        is_new = False
        if not self._channel.is_opened:
            login = await Login.of(self._channel, self._session)
            await login.log_in()
            is_new = login.is_new
        product = await gatt.courtesy(self._product())
        await gatt.courtesy(self._set_clock())
        self._commands = await gatt.courtesy(self._ask_commands()) or frozenset()
        if is_new:
            await self._set_up()
        told = Product(None, None, None, None) if product is None else product
        readings: list[Reading] = [Info(self._link.now(), told.firmware, told.hardware, told.serial)]
        if (battery := await gatt.courtesy(self._battery())) is not None:
            readings.append(Charge(self._link.now(), battery.percent, battery.charging))
        return readings

    async def _asked(self, what: tuple[int, int], body: bytes, within: timedelta = COURTESY_WITHIN) -> bytes:
        """Ask once for something that no step depends on."""
        return await self._channel.ask(what, body, within=within, tries=1)

    async def _product(self) -> Product:
        return Product.decode(await self._asked(packets.PRODUCT, packets.ASK_PRODUCT))

    async def _battery(self) -> Battery:
        return Battery.decode(await self._asked(packets.BATTERY, packets.ASK))

    async def _set_clock(self) -> None:
        """Set the clock to now and to the present offset of the wearer's zone; the band knows no summer time."""
        await self._asked(packets.TIME, packets.clock(self._link.now(), utc_offset(self._link)))

    async def _ask_commands(self) -> frozenset[tuple[int, int]]:
        asked = {workouts.SUPPORTED[0]: bytes([workouts.SUPPORTED[1]])}
        return packets.commands_in(await self._asked(packets.COMMANDS, packets.ask_commands(asked)), asked)

    async def _set_up(self) -> None:
        """Say what a band wants to hear after a reset, and answer what it asks until it is silent. See `setup`."""
        channel, now = self._channel, self._link.now()
        for what, body in (
            (packets.NAMES_OF_SERVICES, packets.ask_services()),
            (packets.COMMANDS, packets.ask_commands(packets.COMMANDS_OF)),
            (packets.CAPABILITIES, packets.ASK),
            (setup.SETTINGS, setup.ASK_SETTINGS),
            (setup.AGREEMENTS, setup.agreements(now)),
            (setup.ACTIVATE, setup.ACTIVE),
        ):
            await gatt.courtesy(self._asked(what, body, SETUP_WITHIN))
        await channel.say(setup.LAST_WORD, setup.last_word(self._session.name))
        begun = channel.served_at = self._link.now()
        while (passed := self._link.now() - begun) < setup.LONGEST:
            if passed >= setup.SHORTEST and self._link.now() - channel.served_at >= setup.QUIET:
                return
            await self._link.pause(STEP)

    # -------------------------------------------------------------- what the band remembers

    async def sync(self) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield the minutes since the last one stored, a batch for each day, and then the workouts since the last one.

        Only minutes are yielded that had ended when the band was asked. If the band's clock was wrong, so are its
        stamps, and nobody knows since when; `open` has set it by now, so later minutes are right.

        A record of the last day that is missing is asked for again at the next contact: nothing behind it is yielded,
        because the next contact begins where the last minute ends, and why it is missing is raised in the end.
        """
        now = await self._settled()
        since = self._session.since.get(Epoch, now - FIRST_FETCH).replace(second=0, microsecond=0)
        nights = await gatt.courtesy(self._nights(since - LONGEST_NIGHT, now)) or []
        revised = [span.start for span in nights if span.start < since and span.end > since - REVISED]
        start = min([since, *revised]).replace(second=0, microsecond=0)
        missing: DeviceError | None = None
        for begin, end in _windows(start, now):
            epochs, missing = await self._minutes(begin, end, nights)
            if epochs:
                yield epochs
            if missing is not None:
                break
        if workouts.SUPPORTED in self._commands and (found := await gatt.courtesy(self._workouts(now))):
            yield found
        if missing is not None:
            raise missing

    async def _settled(self) -> datetime:
        """Wait until the last minute is settled, and return the present instant.

        A reminder that is due when a minute ends would else come as late as the next contact.
        """
        now = self._link.now()
        if (early := SETTLED - timedelta(seconds=now.second, microseconds=now.microsecond)) > timedelta():
            await self._link.pause(early)
        return self._link.now()

    async def _nights(self, start: datetime, end: datetime) -> list[Slept]:
        found = await self._remembered_nights.fetch(start, end)
        return [span for night in found if isinstance(night, Night) for span in night.spans]

    async def _minutes(
        self, start: datetime, end: datetime, nights: Sequence[Slept]
    ) -> tuple[list[Epoch], DeviceError | None]:
        """Fetch the minutes of a window `[start, end)`, in order of time.

        They end before a record of the last day that is missing. Why it is missing is returned too; None if none is.
        """
        asked_at = self._link.now()
        listed = await self._remembered_minutes.fetch(start - RECORD, end - timedelta(seconds=1))
        found: dict[datetime, Epoch] = {}
        missing: DeviceError | None = None
        for number, record in enumerate(listed):
            if isinstance(record, DeviceError):
                behind = next_start(listed, number) or end
                if behind > start and asked_at - behind < WAITED_FOR:
                    missing = record
                    break
                continue
            for epoch in _epochs(record, nights):
                before = found.get(epoch.start)
                if start <= epoch.start < end and epoch.end <= asked_at - SETTLED and not _outdone(epoch, before):
                    found[epoch.start] = epoch
        return [found[at] for at in sorted(found)], missing

    async def _workouts(self, now: datetime) -> list[Workout]:
        """Fetch the workouts that began after the last one stored had ended. Those that make no sense are left out.

        Those behind one that the band does not tell wait for it for a day, because the next contact would pass it over.
        """
        last = self._session.since.get(Workout)
        since = now - FIRST_WORKOUTS if last is None else last + timedelta(seconds=1)
        listed = workouts.numbers(await self._channel.order(workouts.LIST, workouts.ask_list(since, now)))
        found: list[Workout] = []
        silent = 0
        for number in listed:
            try:
                workout = workouts.decode(await self._channel.ask(workouts.TOTALS, workouts.ask(number)), number)
            except MalformedPacket:
                continue
            except NoReply:
                silent += 1
                if silent == SILENT:
                    break
                continue
            if silent and now - workout.start < WAITED_FOR:
                break
            silent = 0
            if workout.end <= now:
                found.append(workout)
        return sorted(found, key=lambda workout: workout.end)

    # -------------------------------------------------------------- live, text

    async def watch(self) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield the total of today's steps, for which the band is asked every minute, and a charge that it tells."""
        told: datetime | None = None
        while True:
            readings: list[Reading] = []
            if self._channel.battery is not None and self._channel.battery[0] != told:
                told, battery = self._channel.battery
                readings.append(Charge(told, battery.percent, battery.charging))
            steps = packets.steps_today(await self._channel.order(packets.TOTALS, packets.ASK))
            yield [*readings, Counter(self._link.now(), steps)]
            await self._link.pause(POLL)

    async def nudge(self, message: Message) -> Answer | None:
        """Show the message, at which the band vibrates once, and twice if it is strong. The wearer cannot answer.

        A message is sent once, whether or not the band says that it has shown it. Raises `UnexpectedReply` if the band
        refuses it.
        """
        for number in range(2 if message.strong else 1):
            if number:
                await self._link.pause(BETWEEN_BUZZES)
            key = int(self._link.now().timestamp()) & 0xFFFF
            title, text = packets.line(message.title), packets.line(message.body)
            body = packets.notification(key, title, "", text, "hipsync")
            with suppress(NoReply):
                code = packets.result_of(await self._channel.ask(packets.NOTIFY, body, tries=1))
                if code not in {None, packets.OK}:
                    raise UnexpectedReply(f"the band refused the message with {code}")
        return None


def _epochs(record: Record, nights: Sequence[Slept]) -> Iterator[Epoch]:
    """Yield the minutes of a record whose steps are known. One without steps within a span of sleep is asleep."""
    for minute in record.minutes:
        if minute.steps is None:
            continue
        start = minute.start.replace(second=0)
        asleep = not minute.steps and any(span.start <= start < span.end for span in nights)
        yield Epoch(start, MINUTE, minute.steps, None, minute.heart_rate, State.ASLEEP if asleep else None)


def _windows(start: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the windows `[start, end)` of at most a day, the oldest first, of which the last one ends now.

    So only the last one reaches into the last day. None is yielded where there is no minute that has ended.
    """
    while start < now - SETTLED:
        end = now - (now - start - timedelta.resolution) // WINDOW * WINDOW
        yield start, end
        start = end


def _outdone(epoch: Epoch, before: Epoch | None) -> bool:
    """Whether the same minute came before with more steps."""
    return before is not None and before.steps > epoch.steps
