"""The conversation with a Lefun band: its live total, the hours of a week, buzz and text.

The band answers every request except a text, with the same command::

    > AB 12 00                        < 5A 12 00 <day> <steps> <metres> <calories>     today so far; also unasked
    > AB 13 <days ago>                < 5A 13 <days ago> <total> <number> <start> <steps> ...     each record of a day
    > AB 04 01 <time>                 < 5A 04 01 01

Frames that break the protocol are ignored, as by other clients, because some bands send odd ones. Fetching makes the
band forget nothing. Sleep and heart rate are not fetched, because no recording of their bytes exists.

`sync` sets the clock after it has stored the hours that the clock has stamped. An `Info` records the time from which
all stamps share one offset: the first connection, the return of a lost clock, or a change of the wearer's offset.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial

from hipsync.driver import Link, Message, Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply, UnexpectedReply
from hipsync.model import Charge, Counter, Epoch, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.clocks import has_travelled, stamps_until
from hipsync_devices.lefun import packets
from hipsync_devices.lefun.hours import MOST, Answer, Clock, hours
from hipsync_devices.lefun.packets import Record, Total
from hipsync_devices.lefun.wire import Wire
from hipsync_devices.live_counter import burst, worth_storing

NEEDS = frozenset(
    {
        (packets.NOTIFY, b""),
        (packets.WRITE, bytes([packets.REQUEST, 5, packets.TOTAL])),
        (packets.WRITE, bytes([packets.REQUEST, 5, packets.ACTIVITY])),
    }
)
"""What the steps depend on; see `Driver.needs`."""
HEARTBEAT = timedelta(minutes=1)
"""The time between two requests for the total while the band is silent. An answer proves that the link is alive, and
an unchanged total that the wearer is still."""
SECOND = timedelta(seconds=1)
BUZZ = timedelta(seconds=4)
"""How long the band takes to buzz three times."""
CLOCKS_APART = timedelta(minutes=10)
"""How far the band's midnight may be from ours. If its clock is further off, its date is wrong within a day."""


# ------------------------------------------------------------------ what the band says of itself, and its clock


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """Return the band's battery level, if it reports one. Raises `DeviceError` for a band of another family."""
    wire = Wire(link)
    await wire.open()
    level = gatt.percent(await gatt.courtesy(wire.ask(packets.BATTERY, tries=1)) or b"")
    await gatt.courtesy(link.unsubscribe(packets.NOTIFY))
    return [] if level is None else [Charge(link.now(), level)]


async def _info(wire: Wire, since: datetime) -> Info:
    """Ask for the band's versions and return them, with `since` as their time; None in place of unknown versions."""
    with contextlib.suppress(MalformedPacket):
        versions = packets.Info.decode(await gatt.courtesy(wire.ask(packets.INFO, tries=1)) or b"")
        return Info(since, versions.firmware, versions.hardware)
    return Info(since)


async def _set_clock(link: Link, wire: Wire) -> None:
    """Set the band's clock to local time. Some units do not reply: only their stamps show whether they took it."""
    wall = link.now().astimezone(link.zone)
    await gatt.courtesy(wire.ask(packets.TIME, packets.set_time(wall).params))


def _hour_of(local: datetime) -> datetime:
    return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


async def _within_an_hour(link: Link) -> datetime:
    """Return the present instant, after a pause of one second if it lies in the first second of an hour on the clock.

    The store keeps whole seconds. A clock that was set at a full hour would seem to have shown that whole hour, though
    its first second belongs to the old setting.
    """
    now = link.now()
    if now < _hour_of(now.astimezone(link.zone)) + SECOND:
        await link.pause(SECOND)
        return link.now()
    return now


def _near(day: date | None, clock: Clock, now: datetime) -> bool:
    """Whether `day` is today's date by a clock that may be ten minutes off (`CLOCKS_APART`). None never is."""
    return day in {clock.today(now - CLOCKS_APART), clock.today(now + CLOCKS_APART)}


# ------------------------------------------------------------------ hours


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the hours since the last one stored, and the total as it is now.

    A band whose clock had stopped reports a wrong day, and has stamped the steps since then wrongly. So its clock is
    set first, and no still hours are inferred. If the records are not as expected, the total is yielded all the same.
    """
    wire = Wire(link)
    await wire.open()
    now = link.now()
    stamps = stamps_until(session.clock_sets, session.since.get(Counter), link.zone, now)
    clock = Clock.of(link.zone, session.since.get(Info), session.clock_sets, stamps)
    day = (await wire.total()).day
    right = _near(day, clock, now)
    lost = day is not None and not right
    if lost:
        yield [await _info(wire, now)]
        await _set_clock(link, wire)
    since = session.since.get(Epoch)
    today = day if day is not None and right else Clock(link.zone).today(link.now())
    answer = await _answer(wire, today, clock.today(since) if since is not None else date.min)
    infer = right and not has_travelled(session.clock_sets, link.zone, now)
    if epochs := hours(answer, clock, asked=now, since=since, infer=infer):
        yield epochs
    if not lost:
        if clock.began is None:
            yield [await _info(wire, _hour_of(now.astimezone(link.zone)))]
        elif clock.offset(now) != Clock(link.zone).offset(now):
            yield [await _info(wire, await _within_an_hour(link))]
        await _set_clock(link, wire)
    if counter := await _counter(link, wire):
        yield [counter[1]]
    await gatt.courtesy(link.unsubscribe(packets.NOTIFY))


async def _answer(wire: Wire, today: date, first: date) -> Answer:
    """Fetch the days from `first` to today, the oldest first, and return what came.

    It stops before the first day with unexpected or missing records: a later sync asks for the rest.
    """
    slots: dict[date, dict[datetime, int]] = {}
    still = None
    try:
        for days_ago in range(min((today - first).days, packets.LAST_DAY), -1, -1):
            expected = today - timedelta(days=days_ago)
            sent = _slots(await wire.records(days_ago))
            total = await wire.total(days_ago)
            days = {stamp.date() for stamp in sent} or {total.day or expected}
            if days != {expected} or total.day not in {expected, None}:
                raise UnexpectedReply("the band told of another day")
            if total.steps and sum(sent.values()) > total.steps:
                raise UnexpectedReply("the records of a day have more steps than the day")
            slots[expected] = sent
            if not days_ago and not sent and total.day is not None and not total.steps:
                still = total.day
    except LinkLost:
        raise
    except DeviceError:  # silent, or something else: the days before that are good
        pass
    return Answer(slots, still)


def _slots(records: Sequence[Record]) -> dict[datetime, int]:
    """Return the steps of a day's records by the start of their slots.

    Raises `UnexpectedReply` if they cannot be a day: if slots are doubled or out of order, or have too many steps.
    """
    slots = {record.start: record.steps for record in records if record.start is not None}
    stamps = list(slots)
    if len(slots) != len(records) or stamps != sorted(stamps) or max(slots.values(), default=0) > MOST:
        raise UnexpectedReply("these are not the slots of a day")
    return slots


# ------------------------------------------------------------------ the total


async def _counter(link: Link, wire: Wire) -> tuple[Total, Counter] | None:
    """Ask for today's total and return it. None if it is of another day, or a 0 that the records do not confirm.

    One band answers 0 until the day ends.
    """
    total, now = await wire.total(), link.now()
    if not _near(total.day, Clock(link.zone), now):
        return None
    if not total.steps:
        try:
            if any(record.steps for record in await wire.records(0)):
                return None
        except LinkLost:
            raise
        except DeviceError:  # nothing confirms the zero
            return None
    return total, Counter(now, total.steps)


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield today's total when it changes, and every minute while it does not.

    It ends when the wearer's offset from UTC changes: the next connection then fetches the hours and sets the clock.
    """
    wire, totals = Wire(link), Totals(link)
    await wire.open()
    offset = Clock(link.zone).offset(link.now())
    beat = link.now() + HEARTBEAT
    if first := await _counter(link, wire):
        totals.last = first[0]
        yield [first[1]]
    while Clock(link.zone).offset(link.now()) == offset:
        try:
            readings = totals.readings(await burst(link, partial(_next_total, wire), until=beat))
        except NoReply:
            beat = link.now() + HEARTBEAT
            total = await wire.total()
            readings = totals.readings([(link.now(), total)])
        yield readings


async def _next_total(wire: Wire, until: datetime) -> tuple[datetime, Total]:
    while True:
        at, params = await wire.heard(packets.TOTAL, until)
        with contextlib.suppress(MalformedPacket):
            return at, Total.decode(params)


class Totals:
    """Decides which totals of one connection are believed.

    Totals of another day are not, nor are totals below an earlier one of the same day, because only midnight resets
    them. A zero is believed only after another total was, because one band answers 0 until the day ends; `watch` begins
    with a total that the records confirm.
    """

    def __init__(self, link: Link) -> None:
        self._clock = Clock(link.zone)
        self.last = Total(0, None)
        """The last total that was believed; its `day` is None if none was."""

    def readings(self, burst: Sequence[tuple[datetime, Total]]) -> Sequence[Reading]:
        """Return the totals of a burst that are believed and worth storing."""
        return worth_storing([Counter(at, total.steps) for at, total in burst if self._believed(at, total)])

    def _believed(self, at: datetime, total: Total) -> bool:
        if total.days_ago or total.day is None or not _near(total.day, self._clock, at):
            return False
        if self.last.day is None:
            if not total.steps:
                return False
        elif (total.day, total.steps) < (self.last.day, self.last.steps):
            return False
        self.last = total
        return True


# ------------------------------------------------------------------ buzz


async def nudge(link: Link, _: Session, message: Message) -> None:
    """Show the text and buzz three times; if the message is strong, buzz three times more.

    The band acknowledges the buzzes, but not the text. A unit that does not acknowledge them buzzes all the same.
    """
    wire = Wire(link)
    await wire.open()
    for piece in packets.pieces(message.line):
        await wire.send(packets.TEXT, piece.encode())
    for number in range(2 if message.strong else 1):
        if number:
            await link.pause(BUZZ)
        with contextlib.suppress(NoReply):
            if await wire.ask(packets.FIND, tries=1) != b"\1":
                raise UnexpectedReply("the band does not buzz")
    await gatt.courtesy(link.unsubscribe(packets.NOTIFY))
