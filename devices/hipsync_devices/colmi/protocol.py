"""The conversation with a Colmi ring: set its clock, ask for its hours, then follow its total of the day.

One command is under way at a time; its answers have its number. Words that nobody asked for (2F, 73) may come between.
Left alone: the pulse, whose log says nothing of sitting, and sleep. Power off and reset are never sent.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from datetime import date, datetime, timedelta

from hipsync.driver import Link, Received, Session
from hipsync.errors import DeviceError, MalformedPacket, NoReply, UnexpectedReply
from hipsync.model import Charge, Counter, Epoch, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.colmi import packets
from hipsync_devices.colmi.hours import DAY, HOUR, Clock, epochs, is_ahead, width_of
from hipsync_devices.colmi.packets import Battery, Frame, StepsHeader, StepsRecord, Totals, Walking
from hipsync_devices.live_counter import burst, notifications, utc_offset, worth_storing

log = logging.getLogger(__name__)

REPLY = timedelta(seconds=3)
TRIES = 2
HEARTBEAT = timedelta(minutes=2)
"""Between two questions for the total while the ring says nothing: proof that the link lives, and a reading for
stillness; some firmware may tell nothing by itself."""


class Wire:
    """Commands and their answers. A packet whose sum is wrong is passed over, as other clients do."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def open(self) -> None:
        if not self._link.has(packets.WRITE) or not self._link.has(packets.NOTIFY):
            raise DeviceError("the ring has not the service of Colmi: is it another model?")
        await self._link.subscribe(packets.NOTIFY)

    async def ask(self, request: Frame) -> bytes:
        """The payload of the answer. Raises `NoReply` after the second try, `UnexpectedReply` on a refusal."""
        for _ in range(TRIES):
            await self.send(request)
            with contextlib.suppress(NoReply):
                return await self.answer(request.command)
        raise NoReply(f"the ring does not answer command {request.command:02X}")

    async def send(self, request: Frame) -> None:
        await self._link.write(packets.WRITE, request.encode(), response=True)

    async def answer(self, command: int) -> bytes:
        """The next one to a command. Raises `NoReply`, and `UnexpectedReply` on a refusal."""
        until = self._link.now() + REPLY
        while (left := until - self._link.now()) > timedelta():
            received = await self._link.notification(packets.NOTIFY, timeout=left)
            frame = heard(received)
            if frame is None or frame.command & ~packets.ERROR != command:
                continue
            if frame.refused:
                raise UnexpectedReply(f"the ring refused command {command:02X}")
            return frame.payload
        raise NoReply(f"the ring does not answer command {command:02X}")


def heard(received: Received) -> Frame | None:
    """A packet; None if it is damaged."""
    try:
        return packets.decode_frame(received.data)
    except MalformedPacket as problem:
        log.debug("passed over: %s", problem)
        return None


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """What the ring says of itself; sets its clock to the wearer's."""
    wire = Wire(link)
    await wire.open()
    await _set_clock(link, wire)
    battery = Battery.of(await wire.ask(Frame(packets.BATTERY)))
    info = Info(link.now(), await gatt.read_text(link, packets.FIRMWARE), await gatt.read_text(link, packets.HARDWARE))
    return [info, Charge(link.now(), battery.percent, battery.charging)]


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The hours that have ended since the last one stored, a day at a time, and the total of today.

    A ring of which nothing is stored and that tells of hours to come was on another clock, often UTC: what it
    remembers is at the wrong hours and is left.
    """
    wire = Wire(link)
    await wire.open()
    since = session.since.get(Epoch)
    contacts = [session.since[kind] for kind in (Counter, Info, Charge) if kind in session.since]
    clock = Clock(link.zone, link.now(), max(contacts, default=None))
    charging = Battery.of(await wire.ask(Frame(packets.BATTERY))).charging
    days = [await _day(wire, ago) for ago in range(_oldest(clock, since), -1, -1)]
    total = await _totals(wire)
    records = {(each.day, each.quarter): each for told in days for each in told if clock.possible(each.day)}
    today = clock.now.astimezone(link.zone).date()
    if since is None and is_ahead([*records.values()], clock):
        log.debug("the ring tells of hours to come: its clock was another one, and its memory is left")
        records = {}
    adds_up = sum(each.steps for each in records.values() if each.day == today) == total.steps
    width = width_of([*records.values()])
    for day in sorted({each.day for each in records.values()}):
        of_day = [each for each in records.values() if each.day == day]
        vouched = not charging and (day != today or adds_up)
        if batch := epochs(day, of_day, width, clock, since, vouched=vouched):
            since = since or batch[0].start
            yield batch
    yield [Counter(link.now(), total.steps)]  # last: an interrupted history is asked for again from its own end


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The total as it changes, and every two minutes while it does not; the battery.

    No total while the ring is charged: it stays the same then, and that is no stillness of its wearer's.
    """
    wire = Wire(link)
    await wire.open()
    offset, set_at = utc_offset(link), link.now()
    beat, charging = link.now(), False
    while True:
        try:
            readings = _readings(await burst(link.now, notifications(link, packets.NOTIFY), until=beat))
        except NoReply:
            battery = Battery.of(await wire.ask(Frame(packets.BATTERY)))
            changed, charging = battery.charging != charging, battery.charging
            charges = [Charge(link.now(), battery.percent, charging)] if changed else []
            readings = [*charges, Counter(link.now(), (await _totals(wire)).steps)]
            beat = link.now() + HEARTBEAT
        charging = next((bool(r.charging) for r in reversed(readings) if isinstance(r, Charge)), charging)
        if readings := [reading for reading in readings if not (charging and isinstance(reading, Counter))]:
            yield readings
        if utc_offset(link) != offset or link.now() - set_at >= DAY:  # summer time began or ended, or the clock drifts
            offset, set_at = utc_offset(link), link.now()
            await _set_clock(link, wire)


def _oldest(clock: Clock, since: datetime | None) -> int:
    """Days ago from which on to ask: one more than what is new, for the midnights may differ."""
    if since is None:
        return packets.MOST_DAYS
    today: date = clock.now.astimezone(clock.zone).date()
    past = (today - (since - HOUR).astimezone(clock.zone).date()).days + 1
    return min(max(past, 1), packets.MOST_DAYS)


async def _day(wire: Wire, ago: int) -> Sequence[StepsRecord]:
    """The records of a day. An answer with a hole is thrown away and asked for again, once."""
    request = packets.steps_request(ago)
    for _ in range(TRIES):
        await wire.send(request)
        with contextlib.suppress(NoReply):
            if (told := await _records(wire)) is not None:
                return told
    raise NoReply(f"the ring does not tell the steps of {ago} days ago")


async def _records(wire: Wire) -> Sequence[StepsRecord] | None:
    """None if a part is missing. Raises `NoReply`."""
    header: StepsHeader | None = None
    told: list[StepsRecord] = []
    while header is None or len(told) < header.count:
        part = packets.steps_of(await wire.answer(packets.STEPS))
        if part is None:
            return []
        if isinstance(part, StepsHeader):
            header, told = part, []
        elif header is None or (told and part == told[-1]):
            continue  # the rest of an answer that was thrown away; said twice
        elif (part.number, part.count) == (len(told), header.count):
            told.append(part)
        else:
            return None
    return told


def _readings(told: Sequence[Received]) -> list[Reading]:
    """The totals worth storing, and the battery."""
    counters: list[Counter] = []
    charges: list[Reading] = []
    for received in told:
        frame = heard(received)
        if frame is None or frame.command != packets.EVENT:
            continue
        event = packets.event_of(frame.payload)
        if isinstance(event, Walking):
            counters.append(Counter(received.at, event.steps))
        elif isinstance(event, Battery):
            charges.append(Charge(received.at, event.percent, event.charging))
    return [*worth_storing(counters), *charges]


async def _totals(wire: Wire) -> Totals:
    return Totals.of(await wire.ask(Frame(packets.TOTALS)))


async def _set_clock(link: Link, wire: Wire) -> None:
    """To local time, as the maker's app does; several other clients write UTC."""
    await wire.ask(packets.set_time(link.now().astimezone(link.zone)))
