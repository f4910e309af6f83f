"""The conversation with a Xiaomi band of either generation: log in, set the clock, fetch files, follow steps, buzz.

A fetch lists the files of today and of earlier days, and asks for one after the other. Today's file of minutes grows,
so it is fetched again each time, with all its minutes. Which files are stored already shows by their starts: they
follow each other. Nights are fetched first, so that the minutes that follow carry the sleep. The band keeps its files
for other apps; with `Session.erase`, one of an earlier day is confirmed once it is stored, and the band may forget it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise

from hipsync.driver import Abilities, Link, Message, Session
from hipsync.errors import MalformedPacket, NoReply
from hipsync.model import DAY, MINUTE, Answer, Charge, Counter, Epoch, Info, Reading, State, Wear, Workout
from hipsync_devices import gatt
from hipsync_devices.live_counter import burst, worth_storing
from hipsync_devices.xiaomi import files, packets, v1, v2
from hipsync_devices.xiaomi.channel import Channel, Event
from hipsync_devices.xiaomi.files import FileId, Parts, What
from hipsync_devices.xiaomi.nights import decode_night
from hipsync_devices.xiaomi.packets import Id
from hipsync_devices.xiaomi.workouts import decode_workout

NEEDS = frozenset((uuid, b"") for uuid in (v1.TO_PHONE, v1.TO_BAND, v1.FILES, v2.TO_PHONE, v2.TO_BAND))
"""What the steps depend on, in both generations; see `Driver.needs`. Which message it is, the encryption hides."""
ABILITIES = Abilities(history=MINUTE, live=True, buzz=True, text=True, battery=True, sleep=True, heart_rate=True)
"""What these bands can do. Their stored minutes do not say whether they were worn, which they tell only while they are
connected, and they cannot be answered."""
COURTESY_WITHIN = timedelta(seconds=5)
"""How long to wait for an answer that no step depends on; some firmware gives none."""
FIRST_FETCH = timedelta(days=100)
"""How far back the first fetch goes; nobody says how long a band keeps its files."""
FIRST_PART_WITHIN, PART_WITHIN, FILE_WITHIN = timedelta(seconds=15), timedelta(seconds=10), timedelta(minutes=3)
TRIES = 2
SILENT_FILES = 3
"""How many files in a row may be listed and never come, before the fetch ends; a Smart Band 9 Active has done so."""
WAITED_FOR = timedelta(days=1)
"""How long after its end a file of minutes may still come, before those behind it are stored without it."""
MOST_FILES = 200
"""The most files of one fetch; a band adds about five a day."""
NIGHT_LATE = timedelta(hours=3)
"""How long after its end a night may be listed for the first time, so that its minutes are fetched once more."""
AT_LEAST_EACH = timedelta(minutes=2)
STRONG_AGAIN = timedelta(seconds=3)
"""How long after the first a strong message buzzes once more."""


class Band:
    """A driver's side of one connection with one band; a `hipsync.driver.Dialogue`."""

    def __init__(self, link: Link, session: Session) -> None:
        self._link, self._session = link, session
        self._channel = Channel(link, session)
        self._silent = 0
        """How many files in a row have not come."""
        self._wears: list[Wear] = []
        """What the band has said of wear and has not been yielded yet."""
        self._worked_out = False
        """Whether the band has said that a workout has ended, whose report has not been fetched yet."""

    @property
    def abilities(self) -> Abilities:
        return ABILITIES

    async def listen(self) -> None:
        await self._channel.listen()

    # ------------------------------------------------------------------ opening

    async def open(self) -> Sequence[Reading]:
        """Log in and set the clock, and return versions, serial number, battery level, and whether the band is worn."""
        await self._channel.open(self._session)
        within = COURTESY_WITHIN
        now = self._link.now().astimezone(self._link.zone)
        if await gatt.courtesy(self._asked(packets.encode_clock(now), packets.CLOCK, within)) is None:
            within = COURTESY_WITHIN / 2
        readings: list[Reading] = []
        device = Info(self._link.now())
        if (
            answer := await gatt.courtesy(self._asked(packets.encode(packets.DEVICE), packets.DEVICE, within))
        ) is not None:
            with suppress(MalformedPacket):
                said = packets.Device.decode(answer)
                device = device._replace(firmware=said.firmware, hardware=said.model, serial=said.serial)
        readings.append(device)
        return [*readings, *await self._state(within)]

    async def _asked(self, message: bytes, answer: Id, within: timedelta) -> packets.Message:
        return await self._channel.ask(message, answer, within=within)

    async def _state(self, within: timedelta) -> Sequence[Reading]:
        """Return the battery level and whether the band is worn, as far as it says so.

        If its state does not tell the level, the battery's own message is asked for.
        """
        told: list[Reading] = []
        asked = self._asked(packets.encode(packets.STATE), packets.STATE, within)
        if (answer := await gatt.courtesy(asked)) is not None:
            with suppress(MalformedPacket):
                state = packets.State.decode(answer)
                if state.worn is not None:
                    told.append(Wear(self._link.now(), state.worn))
                if state.percent is not None:
                    return [*told, Charge(self._link.now(), state.percent, state.charging)]
        asked = self._asked(packets.encode(packets.BATTERY), packets.BATTERY, within)
        if (answer := await gatt.courtesy(asked)) is not None:
            with suppress(MalformedPacket):
                battery = packets.Battery.decode(answer)
                told.append(Charge(self._link.now(), battery.percent, battery.charging))
        return told

    # ------------------------------------------------------------------ files

    async def sync(self) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield the minutes since the last one stored here, and the workouts since the last one, a batch for each file.

        Only minutes that have ended by our clock are yielded. Raises `NoReply` if the band lists files and sends none.
        """
        now, self._silent = self._link.now(), 0
        since = self._session.since.get(Epoch, now - FIRST_FETCH)
        past = await self._listed(packets.encode_past(), packets.PAST)
        listed = {id_.data: id_ for id_ in [*past, *await self._listed(packets.encode_today(), packets.TODAY)]}
        recent = [id_ for id_ in listed.values() if max(since - DAY, now - FIRST_FETCH) <= id_.start <= now + DAY]
        wanted = sorted(recent, key=lambda id_: id_.start)[-MOST_FILES:]
        stored: list[FileId] = []
        asleep, since = await self._slept(wanted, since, stored)
        async for batch in self._minutes(wanted, since, asleep, past):
            yield batch
        left = [minute for minute in sorted(asleep) if minute < self._session.since.get(Epoch, now - FIRST_FETCH)]
        if left:
            yield [Epoch(minute, MINUTE, 0, state=State.ASLEEP, inferred=True) for minute in left]
        async for workout in self._workouts(wanted, stored):
            yield [workout]
        for id_ in stored:
            await self._confirm(id_, past)

    async def _listed(self, message: bytes, answer: Id) -> list[FileId]:
        return [FileId.decode(id_) for id_ in packets.decode_ids(await self._channel.ask(message, answer))]

    async def _slept(
        self, wanted: Sequence[FileId], since: datetime, stored: list[FileId]
    ) -> tuple[set[datetime], datetime]:
        """Fetch the nights, and return the minutes asleep and the instant from which minutes are to be fetched.

        That is earlier than `since` if a night began before and ended a short while ago.
        """
        asleep: set[datetime] = set()
        begin = since
        for id_ in wanted:
            if id_.what not in {What.STAGES, What.SLEEP, What.SLEEP_REPORT}:
                continue
            body = await self._file(id_)
            if body is None:
                continue
            with suppress(MalformedPacket):
                night = decode_night(id_, body)
                stored.append(id_)
                if since - NIGHT_LATE < night.end <= self._link.now():
                    asleep.update(night.asleep())
                    begin = min(begin, night.start)
        return asleep, begin

    async def _minutes(
        self, wanted: Sequence[FileId], since: datetime, asleep: set[datetime], past: Collection[FileId]
    ) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield the minutes since then of each file, those asleep as such, and take these from `asleep`.

        A file ends at the latest where the next one begins. One of the last day that does not come is asked for again
        at the next contact: raises `NoReply`, because a later minute that is stored would have it passed over.
        """
        of_days = [id_ for id_ in wanted if id_.what is What.MINUTES]
        for id_, after in pairwise([*of_days, None]):
            if id_ is None or (after is not None and after.start <= since):
                continue
            body = await self._file(id_)
            if body is None:
                if after is not None and self._link.now() - after.start < WAITED_FOR:
                    raise NoReply("the band lists minutes of the last day, and does not send them")
                continue
            try:
                found = files.decode_minutes(id_, body)
            except MalformedPacket:
                continue
            now = self._link.now()
            epochs = [
                epoch._replace(state=State.ASLEEP) if epoch.start in asleep else epoch
                for epoch in found
                if since - MINUTE < epoch.start and epoch.end <= now
            ]
            asleep.difference_update(epoch.start for epoch in epochs)
            if epochs:
                yield epochs
            if all(epoch.end <= now for epoch in found):
                await self._confirm(id_, past)

    async def _workouts(self, wanted: Sequence[FileId], stored: list[FileId]) -> AsyncGenerator[Workout, None]:
        since = self._session.since.get(Workout)
        for id_ in wanted:
            if not id_.is_workout or (since is not None and id_.start < since):
                continue
            body = await self._file(id_)
            if body is None:
                continue
            with suppress(MalformedPacket):
                workout = decode_workout(id_, body)
                if workout is not None and workout.end <= self._link.now():
                    yield workout
                    stored.append(id_)

    async def _confirm(self, id_: FileId, past: Collection[FileId]) -> None:
        """Let the band forget a file of an earlier day that is stored, if it is to; never one that may still grow."""
        if self._session.erase and id_ in past:
            await self._channel.tell(packets.encode_confirm(id_.data))

    async def _file(self, id_: FileId) -> bytes | None:
        """Fetch a file and return its body; None if it does not come whole. Raises `NoReply` after several of these."""
        for _ in range(TRIES):
            with suppress(MalformedPacket, NoReply):
                body = files.body_of(await self._whole(id_), id_)
                self._silent = 0
                return body
        self._silent += 1
        if self._silent == SILENT_FILES:
            raise NoReply("the band lists files, and does not send them")
        return None

    async def _whole(self, id_: FileId) -> bytes:
        channel, parts, patience = self._channel, Parts(), FIRST_PART_WITHIN
        channel.parts.clear()
        channel.fetching = True
        until = self._link.now() + FILE_WITHIN
        try:
            await channel.tell(packets.encode_fetch(id_.data))
            while self._link.now() < until:
                file = parts.take(await channel.parts.take(patience))
                if file is not None:
                    return file
                patience = PART_WITHIN
        finally:
            channel.fetching = False
        raise NoReply("a file does not end")

    # ------------------------------------------------------------------ live steps, text

    async def watch(self) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield the total of today's steps: at once, whenever it changes, and at least every two minutes.

        That the band is put on or taken off is yielded with it. When a workout ends, the workouts of today are fetched
        and yielded, too.
        """
        channel = self._channel
        channel.events.clear()
        channel.watched = True
        told: Counter | None = None
        try:
            await channel.tell(packets.encode(packets.LIVE_ON))
            while True:
                try:
                    reports = await burst(self._link, self._next_count, self._link.now() + AT_LEAST_EACH)
                except NoReply:  # the band has forgotten that it is watched
                    await channel.tell(packets.encode(packets.LIVE_ON))
                    continue
                counters = worth_storing(reports)
                wears, self._wears = self._wears, []
                due = told is None or counters[-1].steps != told.steps or counters[-1].at - told.at >= AT_LEAST_EACH
                if due or wears:
                    told = counters[-1]
                    yield [*counters, *wears]
                if self._worked_out:
                    self._worked_out = False
                    listed = await gatt.courtesy(self._listed(packets.encode_today(), packets.TODAY))
                    async for workout in self._workouts(listed or [], []):
                        yield [workout]
        finally:
            channel.watched = False

    async def _next_count(self, until: datetime) -> Counter:
        while True:
            event = await self._channel.events.take(max(until - self._link.now(), timedelta()))
            with suppress(MalformedPacket):
                if event.message.id == packets.LIVE:
                    return Counter(event.at, packets.decode_live(event.message).steps)
                self._note(event)

    def _note(self, event: Event) -> None:
        """Keep what an event says of wear, and whether a workout has ended. Raises `MalformedPacket`."""
        if event.message.id == packets.EVENT:
            state = packets.State.decode_event(event.message)
            if state.worn is not None:
                self._wears.append(Wear(event.at, state.worn))
            self._worked_out = self._worked_out or state.workout_ended
        else:
            self._worked_out = self._worked_out or packets.decode_workout_ended(event.message)

    async def nudge(self, message: Message) -> Answer | None:
        """Show a text, with which the band buzzes, and once more if the message is strong; there is no answer."""
        now = self._link.now()
        shown = packets.encode_show(message, int(now.timestamp()) & 0x7FFF_FFFF, now.astimezone(self._link.zone))
        for number in range(2 if message.strong else 1):
            if number:
                await self._link.pause(STRONG_AGAIN)
            await self._channel.tell(shown)
        return None
