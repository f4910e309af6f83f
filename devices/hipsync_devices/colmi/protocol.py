"""The conversation with a Colmi ring: set its clock, fetch its hourly steps, then follow its total of the day.

Only one command is sent at a time, and its answers have its number. Frames that nobody asked for (0x2F, 0x73) may come
in between. Sleep is not fetched, nor is the log of heart rates, which does not show sitting. The commands that switch
the ring off or reset it are never sent.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from datetime import date, datetime, timedelta

from hipsync.driver import Link, Received, Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply, UnexpectedReply
from hipsync.model import Charge, Counter, Epoch, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.clocks import has_travelled, stamps_until
from hipsync_devices.colmi import packets
from hipsync_devices.colmi.hours import DAY, HOUR, Clock, epochs, is_ahead, width_of
from hipsync_devices.colmi.packets import Battery, Frame, StepsHeader, StepsRecord, Totals, Walking
from hipsync_devices.live_counter import burst, notifications, utc_offset, worth_storing

log = logging.getLogger(__name__)

NEEDS = frozenset(
    {(packets.NOTIFY, b""), (packets.WRITE, bytes([packets.STEPS])), (packets.WRITE, bytes([packets.TOTALS]))}
)
"""What the steps depend on; see `Driver.needs`."""
STRANGER = (
    "the ring has not the service of Colmi: it is of another make, such as Da Rings, jring, RWfit or SmartHealth, "
    "whose rings have the same names; hipsync cannot read it"
)
REPLY = timedelta(seconds=3)
TRIES = 2
DAY_WITHIN = timedelta(seconds=30)
"""The longest that the records of a day may take; the 97 parts of the longest one take a second."""
HEARTBEAT = timedelta(minutes=2)
"""The time between two requests for the total while the ring is silent. An answer proves that the link is alive, and
an unchanged total that the wearer is still. Some firmware may report nothing unless it is asked."""


class Wire:
    """Sends commands to a ring and receives the answers. A packet with a wrong sum is ignored, as by other clients."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def open(self) -> None:
        if not self._link.has(packets.WRITE) or not self._link.has(packets.NOTIFY):
            raise DeviceError(STRANGER)
        await self._link.subscribe(packets.NOTIFY)

    async def ask(self, request: Frame, tries: int = TRIES) -> bytes:
        """Send a command and return the payload of its answer.

        Raises `NoReply` after this many tries, and `UnexpectedReply` if the ring refuses the command.
        """
        for _ in range(tries):
            await self.send(request)
            with contextlib.suppress(NoReply):
                return await self.answer(request.command)
        raise NoReply(f"the ring does not answer command {request.command:02X}")

    def now(self) -> datetime:
        return self._link.now()

    async def send(self, request: Frame) -> None:
        await self._link.write(packets.WRITE, request.encode(), response=True)

    async def answer(self, command: int) -> bytes:
        """Wait for the next answer to a command and return its payload.

        Raises `NoReply` after three seconds, and `UnexpectedReply` if the ring refuses the command.
        """
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
    """Decode the frame in a notification; None if it is damaged."""
    try:
        return packets.decode_frame(received.data)
    except MalformedPacket as problem:
        log.debug("passed over: %s", problem)
        return None


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """Set the ring's clock to the wearer's local time, and return its versions and, if it reports one, its battery."""
    wire = Wire(link)
    await wire.open()
    await _set_clock(link, wire)
    battery = await _battery(wire)
    return [await _info(link), *_charges(link.now(), battery)]


async def _info(link: Link) -> Info:
    """Read the ring's versions. The reading's time stands for that of the setting of the clock, just before."""
    at = link.now()
    return Info(at, await gatt.read_text(link, packets.FIRMWARE), await gatt.read_text(link, packets.HARDWARE))


async def _battery(wire: Wire) -> Battery | None:
    """Ask for the battery; None if the ring does not report it, which is no reason to lose the steps."""
    with contextlib.suppress(MalformedPacket):
        answer = await gatt.courtesy(wire.ask(Frame(packets.BATTERY), tries=1))
        return None if answer is None else Battery.decode(answer)
    return None


def _charges(at: datetime, battery: Battery | None) -> list[Charge]:
    """Return the battery as a reading, in a list; none if its level is not known."""
    if battery is None or battery.percent is None:
        return []
    return [Charge(at, battery.percent, battery.charging)]


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the hours that have ended since the last one stored, a batch for each day, and then the total of today.

    If nothing of the ring is stored yet and it has records more than an hour ahead of now, its clock was on another
    time, often UTC. All its records are at the wrong hours then, and none is stored. A ring that another app has set to
    another zone since is recognised by its records, too (`Clock.strange_until`).

    A ring that does not tell its total still tells its hours. If it does not tell a day, the days before it and the
    total are yielded, then the reason is raised.
    """
    wire = Wire(link)
    await wire.open()
    since = session.since.get(Epoch)
    contacts = [session.since[kind] for kind in (Counter, Info, Charge) if kind in session.since]
    contact = max(contacts, default=None)
    stamps = stamps_until(session.clock_sets, contact, link.zone, link.now())
    clock = Clock(link.zone, link.now(), contact, stamps.sets)
    battery = await _battery(wire)
    days, failed = await _days(wire, _oldest(clock, since))
    total = await gatt.courtesy(_totals(wire))
    records = {(each.day, each.quarter): each for sent in days for each in sent if clock.possible(each.day)}
    today = clock.now.astimezone(link.zone).date()
    if since is None and is_ahead([*records.values()], clock):
        log.debug("the ring has records of hours to come: its clock was another one, and they are not stored")
        records = {}
    strange = clock.strange_until([*records.values()])
    travelled = has_travelled(session.clock_sets, link.zone, clock.now)
    counted = sum(each.steps for each in records.values() if each.day == today)
    adds_up = total is not None and counted == total.steps
    width = width_of([*records.values()])
    for day in sorted({each.day for each in records.values()}):
        of_day = [each for each in records.values() if each.day == day]
        vouched = battery is not None and not battery.charging and (day != today or adds_up)
        vouched = vouched and not travelled and strange is None
        found = epochs(day, of_day, width, clock, since, vouched=vouched)
        if batch := [each for each in found if strange is None or each.start >= strange]:
            since = since or batch[0].start
            yield batch
    if total is not None:  # last: after an interruption the hours are asked for again from the last one stored
        yield [Counter(link.now(), total.steps)]
    if failed is not None:
        raise failed


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the total when it changes, and every two minutes while it does not; yield the battery when it is reported.

    While the ring is charging, its total is not reported, because it does not grow although the wearer may walk.
    """
    wire = Wire(link)
    await wire.open()
    offset, set_at = utc_offset(link), link.now()
    beat, charging = link.now(), False
    while True:
        try:
            readings, battery = _readings(await burst(link, notifications(link, packets.NOTIFY), until=beat))
        except NoReply:
            battery = await _battery(wire)
            changed = battery is not None and battery.charging != charging
            charges = _charges(link.now(), battery) if changed else []
            readings = [*charges, Counter(link.now(), (await _totals(wire)).steps)]
            beat = link.now() + HEARTBEAT
        charging = charging if battery is None else battery.charging
        if readings := [reading for reading in readings if not (charging and isinstance(reading, Counter))]:
            yield readings
        if utc_offset(link) != offset or link.now() - set_at >= DAY:  # summer time began or ended, or the clock drifts
            offset, set_at = utc_offset(link), link.now()
            await _set_clock(link, wire)
            yield [await _info(link)]


def _oldest(clock: Clock, since: datetime | None) -> int:
    """Return how many days back to ask: one more than is new, because the ring's midnight may differ from ours."""
    if since is None:
        return packets.MOST_DAYS
    today: date = clock.now.astimezone(clock.zone).date()
    past = (today - (since - HOUR).astimezone(clock.zone).date()).days + 1
    return min(max(past, 1), packets.MOST_DAYS)


async def _days(wire: Wire, oldest: int) -> tuple[list[Sequence[StepsRecord]], DeviceError | None]:
    """Fetch the records of each day from `oldest` days ago to today, and return them, the oldest day first.

    It ends before the first day that the ring does not tell, and returns why: a later sync asks for the rest.
    """
    days: list[Sequence[StepsRecord]] = []
    for ago in range(oldest, -1, -1):
        try:
            days.append(await _day(wire, ago))
        except LinkLost:
            raise
        except DeviceError as error:
            return days, error
    return days, None


async def _day(wire: Wire, ago: int) -> Sequence[StepsRecord]:
    """Fetch the records of the day `ago` days before today. An answer with a gap is dropped and asked for once more.

    Raises `NoReply` after two tries.
    """
    request = packets.steps_request(ago)
    for _ in range(TRIES):
        await wire.send(request)
        with contextlib.suppress(NoReply):
            if (records := await _records(wire)) is not None:
                return records
    raise NoReply(f"the ring does not tell the steps of {ago} days ago")


async def _records(wire: Wire) -> Sequence[StepsRecord] | None:
    """Receive one answer and return its records; None if a part of it is missing, or if it does not end.

    Raises `NoReply`.
    """
    header: StepsHeader | None = None
    records: list[StepsRecord] = []
    until = wire.now() + DAY_WITHIN
    while header is None or len(records) < header.count:
        if wire.now() > until:
            return None
        part = packets.steps_of(await wire.answer(packets.STEPS))
        if part is None:
            return []
        if isinstance(part, StepsHeader):
            header, records = part, []
        elif header is None or (records and part == records[-1]):
            continue  # the rest of an answer that was thrown away, or a part that came twice
        elif (part.number, part.count) == (len(records), header.count):
            records.append(part)
        else:
            return None
    return records


def _readings(reports: Sequence[Received]) -> tuple[list[Reading], Battery | None]:
    """Return the totals worth storing and the battery levels in the reports of a burst, and its last battery report."""
    counters: list[Counter] = []
    charges: list[Charge] = []
    battery = None
    for received in reports:
        frame = heard(received)
        if frame is None or frame.command != packets.EVENT:
            continue
        event = packets.event_of(frame.payload)
        if isinstance(event, Walking):
            counters.append(Counter(received.at, event.steps))
        elif isinstance(event, Battery):
            battery = event
            charges += _charges(received.at, event)
    return [*worth_storing(counters), *charges], battery


async def _totals(wire: Wire) -> Totals:
    return Totals.decode(await wire.ask(Frame(packets.TOTALS)))


async def _set_clock(link: Link, wire: Wire) -> None:
    """Set the ring's clock to local time, as the maker's app does; several other clients set it to UTC.

    Some rings take it without a word.
    """
    await gatt.courtesy(wire.ask(packets.set_time(link.now().astimezone(link.zone)), tries=1))
