"""The conversation with a MoYoung watch: a live step counter and, from some firmware, the half hours of today.

The counter runs from midnight by the watch's clock. Hourly buckets and totals of past days add nothing to it and are
not fetched; neither are sleep, heart rates and workouts. Half hours without steps are not reported, because a watch
that was switched off sends zeros too. Everything but the counter depends on the firmware, so the driver does without
whatever is not answered.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta

from hipsync.driver import Link, Message, Received, Session
from hipsync.errors import DeviceError, LinkLost, NoReply
from hipsync.model import Counter, Epoch, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.clocks import has_moved, has_travelled
from hipsync_devices.live_counter import burst, notifications, utc_offset, worth_storing
from hipsync_devices.moyoung import packets
from hipsync_devices.moyoung.packets import Buckets, Frame, Notice, Today

MAKER = "MOYOUNG"
"""The beginning of the maker's name that a watch gives; some watches give `MOYOUNG-V2`."""
NEEDS = frozenset({(packets.STEPS, b""), (packets.MANUFACTURER, b"")})
"""What the steps depend on; see `Driver.needs`. Without the maker's name it may be anything that advertises FEEA."""
HEARTBEAT = timedelta(minutes=1)
"""The time between two reads of the counter while the watch is silent. A read proves that the link is alive, and an
unchanged count that the wearer is still. Some watches never notify."""
REPLY = timedelta(seconds=3)
"""How long to wait for an answer; a watch that has not answered by then does not know the command."""
SMALL = 20
"""A watch whose packets have at most this many bytes may know only the small form of frames."""
HALF_HOUR = timedelta(minutes=30)
MOST = 30 * 250
"""The most steps that anybody can take in half an hour, at a sprinter's pace."""


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """Set the watch's clock, and return its firmware and, if it reports one, its battery level.

    Raises `DeviceError` for a watch of another maker, or one that does not report its steps.
    """
    maker = await gatt.read_text(link, packets.MANUFACTURER)
    if not (maker or "").startswith(MAKER) or not link.has(packets.STEPS):
        raise DeviceError(f"this is no MoYoung watch that tells its steps: its maker is {maker or 'not given'}")
    firmware = await gatt.read_text(link, gatt.SOFTWARE_REVISION)
    await _set_clock(link)
    info = Info(link.now(), firmware=firmware)
    charge = await gatt.read_charge(link, packets.BATTERY)
    return [info] if charge is None else [info, charge]


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the half hours since the last count stored, as far as they are certain, and then the count as it is now."""
    since = session.since.get(Counter)
    if since is not None and (epochs := await _half_hours(link, session, since)):
        yield epochs  # before the count, which moves `since`: after a lost link the half hours are asked for again
    yield [await _counter(link)]


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the count when it changes, and every minute while it does not; yield the battery when it is reported.

    When the wearer's offset from UTC changes, the clock is set again.
    """
    offset = utc_offset(link)
    for characteristic in (packets.STEPS, packets.BATTERY):
        with contextlib.suppress(DeviceError):  # a watch that cannot notify is read, and a read finds a lost link too
            await link.subscribe(characteristic)
    beat = link.now()  # read at once: a change just before the subscription would be missed
    while True:
        try:
            reports = await burst(link, notifications(link, packets.STEPS, packets.BATTERY), until=beat)
            readings = _readings(reports)
        except NoReply:
            beat = link.now() + HEARTBEAT
            readings = [await _counter(link)]
        yield readings
        if utc_offset(link) != offset:  # summer time began or ended
            offset = utc_offset(link)
            await _set_clock(link)


async def nudge(link: Link, _: Session, message: Message) -> None:
    """Show the text with one buzz; if the message is strong, buzz three times more. A silenced watch does neither.

    A text is only known in the form `title:body`, so a message without a body gets our name for its title.
    """
    title, body = (message.title, message.body) if message.body else ("hipsync", message.title)
    await _send(link, Notice(f"{title.replace(':', ' ')}:{body}").frame())
    if message.strong:
        await _send(link, Frame(packets.FIND))


async def _half_hours(link: Link, session: Session, since: datetime) -> Sequence[Epoch]:
    """Return today's half hours with steps that begin at least half an hour after `since` and have ended.

    None are returned if the watch cannot prove them (`proven`), or once the wearer's offset has changed today, by
    summer time or a journey: nobody knows which half hour the watch counted twice. The half hour after `since`, the
    last count stored, is left out because a watch that was up to half an hour fast before its clock was set counted
    older steps into it. A watch that was hours wrong, or that another app has set to another zone, cannot be recognised
    on that day.
    """
    since += HALF_HOUR
    local = link.now().astimezone(link.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if midnight.utcoffset() != local.utcoffset() or has_travelled(session.clock_sets, link.zone, link.now()):
        return []
    if has_moved(session.clock_sets, midnight):
        return []
    over = (local - midnight) // HALF_HOUR
    first = max(-((midnight - since) // HALF_HOUR), 0)
    if first >= over:
        return []
    before = await _today(link)
    try:
        await link.subscribe(packets.REPLIES)
        halves = [await _part(link, number) for number in (0, 1)]
    except LinkLost:
        raise
    except DeviceError:  # silent, or something else: the watch does not know the command
        return []
    after = await _today(link)
    start = midnight.astimezone(UTC)
    steps = proven(halves, over, before.steps, after.steps)
    walked = [Epoch(start + at * HALF_HOUR, HALF_HOUR, count) for at, count in enumerate(steps) if count]
    return [epoch for epoch in walked if epoch.start >= since]


def proven(halves: Sequence[Buckets], over: int, at_least: int, at_most: int) -> Sequence[int]:
    """Return the steps of the `over` half hours of today that have ended; none unless the counter proves them.

    The proof is that each half of the day has 24 values, none of them up to the running half hour is impossibly high,
    and these add up to the counter, which was `at_least` before the answer and `at_most` after it. The values of half
    hours to come may be yesterday's and are ignored.
    """
    if [len(half.steps) for half in halves] != [24, 24]:
        return ()
    begun = [count for half in halves for count in half.steps][: over + 1]
    if max(begun) > MOST or not at_least <= sum(begun) <= at_most:
        return ()
    return begun[:over]


async def _part(link: Link, number: int) -> Buckets:
    """Ask for one part of the buckets, 0 to 3, and return it. Raises `NoReply`, and `MalformedPacket` for bad bytes."""
    await _send(link, Frame(packets.BUCKETS, bytes([number])))
    end, begun = link.now() + REPLY, b""
    while link.now() < end:
        piece = await link.notification(packets.REPLIES, timeout=end - link.now())
        begun, frame = packets.taken(begun, piece.data)
        if frame is not None and frame.command == packets.BUCKETS:
            buckets = Buckets.decode(frame)
            if buckets.part == number:
                return buckets
    raise NoReply("the watch speaks of other things")


def _readings(reports: Sequence[Received]) -> Sequence[Reading]:
    """Return the counts worth storing and the battery levels in the reports of a burst."""
    counters = [Counter(at, Today.decode(data).steps) for uuid, at, data in reports if uuid == packets.STEPS]
    return [*worth_storing(counters), *gatt.charges(reports, packets.BATTERY)]


async def _today(link: Link) -> Today:
    return Today.decode(await link.read(packets.STEPS))


async def _counter(link: Link) -> Counter:
    today = await _today(link)
    return Counter(link.now(), today.steps)


async def _send(link: Link, frame: Frame) -> None:
    """Write a command without response, as the maker's app does, and in pieces if it does not fit into one packet."""
    data = frame.packet(small=link.write_size <= SMALL)
    for at in range(0, len(data), link.write_size):
        await link.write(packets.COMMANDS, data[at : at + link.write_size])


async def _set_clock(link: Link) -> None:
    """Set the watch's clock to local time, if it takes commands."""
    await gatt.courtesy(_send(link, packets.set_time(link.now().astimezone(link.zone))))
