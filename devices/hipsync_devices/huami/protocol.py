"""The conversation with a Huami band of either generation: log in, set the clock, fetch minutes, listen, buzz.

A fetch goes in rounds. Each asks for the minutes since an instant; the band says how many it will send and from when,
sends them in numbered packets, and ends with a word on how it went::

    > 01 01 <since>          < 10 01 01 <count> <start>
    > 02                     < (data) 00 ..., 01 ..., 02 ...     < 10 02 01 [crc32]
    (stored now)
    > 03                     < 10 03 01                          only if the band may forget
    > 03 09, or 03 01        < 10 03 01                          newer generation: always; keep, or forget

The newer generation gives the next round only when the one before is acknowledged, even if it was empty or spoilt.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from hipsync.driver import Link, Message, Session
from hipsync.errors import MalformedPacket, NoReply, UnexpectedReply
from hipsync.model import MINUTE, Answer, Charge, Counter, Epoch, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.huami import packets
from hipsync_devices.huami.channel import Channel
from hipsync_devices.huami.login import REPLY_WITHIN, authenticate, key_of, reply_to
from hipsync_devices.huami.models import UNKNOWN, Model, model_of, record_size
from hipsync_devices.huami.packets import Battery, CurrentTime, RealtimeSteps, Reply, Round
from hipsync_devices.live_counter import utc_offset

ROUND_WITHIN = timedelta(minutes=15)
"""All packets of a round. Days of minutes need seconds; a band that is still at it by then babbles."""
BETWEEN_ROUNDS = timedelta(seconds=1)
FIRST_FETCH = timedelta(days=100)
"""How far back the first fetch asks; the band answers from its oldest minute (two to four weeks)."""
TRIES = 3
"""Of one round: a lost or doubled packet spoils it, and the band still has it."""
MOST_ROUNDS = 1000
"""In one sync, a second each: every time the band was off ends a round. What is left comes with the next sync."""
MOST_PACKETS = 2**16
"""In one round: 30 days at two records a packet are a third of this."""
NOTHING = Reply(packets.TRANSFER, packets.FETCH_NONE)
"""No data, or no more: some bands say so at once, others when the transfer shall begin."""


# ------------------------------------------------------------------ login, clock, battery


async def opened(link: Link, session: Session) -> Sequence[Reading]:
    """Log in, set the clock; who the band is, and its battery.

    Steps are worth more than a battery report of a firmware nobody has seen: one that makes no sense is left out.
    """
    newer = model_of(session.name).newer
    battery = await _opened_newer(link, session) if newer else await _opened_classic(link, session)
    info = Info(
        link.now(),
        firmware=await gatt.read_text(link, gatt.SOFTWARE_REVISION),
        hardware=await gatt.read_text(link, gatt.HARDWARE_REVISION),
        serial=await gatt.read_text(link, gatt.SERIAL_NUMBER),
    )
    await set_clock(link, newer=newer)
    return [info] if battery is None else [info, Charge(link.now(), battery.percent, battery.charging)]


async def _opened_classic(link: Link, session: Session) -> Battery | None:
    await authenticate(link, session)
    if not link.has(packets.BATTERY):
        return None
    report = await link.read(packets.BATTERY)
    with suppress(MalformedPacket):
        return Battery.decode(report)
    return None


async def _opened_newer(link: Link, session: Session) -> Battery | None:
    """Its other endpoints are not used, so nothing is heard of them after this."""
    channel, battery = Channel(link), None
    await channel.log_in(key_of(session))
    with suppress(MalformedPacket, NoReply):
        battery = await channel.battery()
    await channel.close()
    return battery


async def set_clock(link: Link, *, newer: bool = False) -> None:
    """Local time with its offset. At every connection, for the band knows neither daylight saving nor journeys."""
    clock = CurrentTime(link.now(), packets.quarters_of(utc_offset(link)))
    await link.write(gatt.CURRENT_TIME, clock.encode_newer() if newer else clock.encode(), response=True)


# ------------------------------------------------------------------ stored minutes


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The stored minutes since the last one that is stored here, a round a batch.

    Only finished minutes are reported, never one that lies ahead of our clock. A band whose clock was wrong stamped its
    minutes wrongly, and nobody knows since when. `opened` has set its clock right by now, so what it records from then
    on is right and found. What it stamped ahead of now stays on the band, unfetched where a round begins there, and is
    never asked past: the next sync goes on from the last minute stored, behind it. What it stamped more than 100 days
    ago, or before the last minute stored, is not asked for.

    The band's copy is kept, so that other apps find it, unless `session.erase`; then it may forget a round when all of
    it is stored, which a round with minutes from the future is not.
    """
    model = model_of(session.name)
    since = _whole_minute(session.since.get(Epoch, link.now() - FIRST_FETCH))
    size = record_size(model, await gatt.read_text(link, gatt.SOFTWARE_REVISION))
    for number in range(MOST_ROUNDS):
        if number:
            await link.pause(BETWEEN_ROUNDS)
        fetched = await _round(link, since, size, model)
        if fetched is None:
            break
        now = link.now()
        epochs = [epoch for epoch in fetched if since <= epoch.start <= now - MINUTE]
        if epochs:
            yield epochs
        await _acknowledge(link, forget=session.erase and 0 < len(epochs) == len(fetched), newer=model.newer)
        if not fetched:
            break
        end = fetched[-1].end
        if end <= since or end > now - MINUTE:
            break
        since = end
    await link.unsubscribe(packets.FETCH)


def _whole_minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


async def _round(link: Link, since: datetime, size: int, model: Model) -> list[Epoch] | None:
    """The minutes of one round, none if the band has none; None if it began none. A spoilt one is asked for again."""
    for left in reversed(range(TRIES)):
        try:
            return await _attempt(link, since, size, model)
        except (SpoiltRound, NoReply):
            if model.newer:
                with suppress(NoReply, UnexpectedReply):  # whatever comes of it, the round is spoilt
                    await _acknowledge(link, forget=False, newer=True)
            if not left:
                raise
            await link.unsubscribe(packets.DATA, packets.FETCH)  # and forget what came late
            await link.pause(BETWEEN_ROUNDS)
    raise AssertionError("the last attempt returns or raises")


class SpoiltRound(UnexpectedReply):
    """Packets of a round were lost, doubled or damaged on the way; the band still has them."""


async def _attempt(link: Link, since: datetime, size: int, model: Model) -> list[Epoch] | None:
    await link.subscribe(packets.FETCH)
    quarters = packets.quarters_of(since.astimezone(link.zone).utcoffset())
    await link.write(packets.FETCH, packets.encode_fetch(since, quarters))
    reply = await reply_to(link, packets.FETCH, packets.START, NOTHING)
    if reply == NOTHING or reply.status == packets.FETCH_REFUSED:
        return None  # "nothing to do": a Mi Band 5 says so when it has just been asked
    if model.newer and reply.status == packets.FETCH_OWED:
        raise SpoiltRound("the band gives nothing before an earlier round is acknowledged")
    if reply.status != packets.SUCCESS:
        raise UnexpectedReply(f"the band refuses to send its minutes: status 0x{reply.status:02x}")
    round_ = Round.decode(reply.payload)
    if not round_.count or round_.start is None or round_.start >= link.now():
        return []
    await link.subscribe(packets.DATA)
    await link.write(packets.FETCH, bytes([packets.TRANSFER]))
    data, end = await _transfer(link)
    await link.unsubscribe(packets.DATA)
    if end == NOTHING and not data:
        return []
    size = _size(data, round_.count, size, sure=model is not UNKNOWN, checked=_checked(data, end))
    return packets.decode_records(data, size, _whole_minute(round_.start), newer=model.newer)


async def _transfer(link: Link) -> tuple[bytes, Reply]:
    """The payload of all packets in order, and the band's last word on it. Raises `SpoiltRound`.

    A spoilt round is heard to its end, so that the band is not asked anew while it sends.
    """
    data = bytearray()
    number, whole = 0, True
    until = link.now() + ROUND_WITHIN
    while number < MOST_PACKETS and link.now() < until:
        received = await link.notification(packets.DATA, packets.FETCH, timeout=REPLY_WITHIN)
        if received.uuid == packets.DATA:
            whole = whole and received.data[:1] == bytes([number & 0xFF])
            data += received.data[1:]
            number += 1
        elif (reply := Reply.decode(received.data)).operation == packets.TRANSFER:
            if not whole:
                raise SpoiltRound("a packet of the band was lost, or came twice")
            return bytes(data), reply
    raise UnexpectedReply("the band sends more than it could have stored, and does not end")


def _checked(data: bytes, end: Reply) -> bool:
    """Whether a checksum says that a round is whole; False if the band sent none. Raises `SpoiltRound`."""
    if end.status != packets.SUCCESS:
        raise SpoiltRound(f"the band broke off with status 0x{end.status:02x}")
    if len(end.payload) < 4:
        return False
    if end.payload[:4] != packets.checksum(data):
        raise SpoiltRound("the band's minutes do not fit their checksum")
    return True


def _size(data: bytes, count: int, size: int, *, sure: bool, checked: bool) -> int:
    """Bytes a record: what fits the count; else what the model says, if nothing can have been lost.

    Some bands may count bytes. A count that fits neither means that the last packets were lost, unless a checksum
    says otherwise. So may four bytes a record from a model of eight: half of them may be missing.
    """
    if len(data) == 8 * count:
        return 8
    if len(data) == 4 * count and (checked or size == 4 or not sure):
        return 4
    if sure and (checked or len(data) == count) and not len(data) % size:
        return size
    raise SpoiltRound(f"the band announced {count} minutes and sent {len(data)} bytes")


async def _acknowledge(link: Link, *, forget: bool, newer: bool) -> None:
    """Let the band forget the round that is stored now, or tell it to keep it if it wants to be told."""
    word = packets.encode_acknowledgement(forget=forget, newer=newer)
    if word is None:
        return
    await link.write(packets.FETCH, word)
    reply = await reply_to(link, packets.FETCH, packets.ACKNOWLEDGE)
    if reply.status != packets.SUCCESS:
        raise UnexpectedReply(f"the band refused the acknowledgement: status 0x{reply.status:02x}")


# ------------------------------------------------------------------ live steps, buzz


async def watch(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The running total of the day, now and whenever it changes, and at least every two minutes."""
    del session
    await link.subscribe(packets.REALTIME_STEPS)
    at, report = link.now(), await link.read(packets.REALTIME_STEPS)
    while True:
        yield [Counter(at, RealtimeSteps.decode(report).steps)]
        try:
            _, at, report = await link.notification(packets.REALTIME_STEPS, timeout=timedelta(minutes=2))
        except NoReply:
            at, report = link.now(), await link.read(packets.REALTIME_STEPS)


BUZZ = timedelta(seconds=1.5)
"""The band would vibrate for some ten seconds by itself."""


async def nudge(link: Link, session: Session, message: Message) -> Answer | None:
    """Vibrate, twice if strong, then show the text. These bands give no answer."""
    for number in range(2 if message.strong else 1):
        if number:
            await link.pause(BUZZ)
        await link.write(gatt.ALERT_LEVEL, bytes([packets.VIBRATE]))
        await link.pause(BUZZ)
        await link.write(gatt.ALERT_LEVEL, bytes([packets.NO_ALERT]))
    if link.has(gatt.NEW_ALERT):
        short = model_of(session.name).short_text
        text = packets.encode_new_alert(message.title, message.body, link.write_size, short=short)
        await link.write(gatt.NEW_ALERT, text, response=True)
    return None
