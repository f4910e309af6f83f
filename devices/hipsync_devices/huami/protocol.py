"""The conversation with a classic Huami band: log in, set the clock, fetch minutes, listen, buzz.

A fetch goes in rounds. Each asks for the minutes since an instant; the band says how many it will send and from when,
sends them in numbered packets, and ends with a word on how it went::

    > 01 01 <since>          < 10 01 01 <count> <start>
    > 02                     < (data) 00 ..., 01 ..., 02 ...     < 10 02 01 [crc32]
    (stored now)
    > 03                     < 10 03 01                          only if the band may forget
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from hipsync.driver import Link, Message, Session
from hipsync.errors import DeviceError, MalformedPacket, NoReply, NotAuthorised, UnexpectedReply
from hipsync.model import MINUTE, Answer, Charge, Counter, Epoch, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.huami import packets
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.models import UNKNOWN, Model, model_of, record_size
from hipsync_devices.huami.packets import Battery, CurrentTime, RealtimeSteps, Reply, Round

TAP_WITHIN = timedelta(seconds=35)
"""The band asks for a tap for some 30 s."""
REPLY_WITHIN = timedelta(seconds=10)
"""Between two packets, and to an answer: as long as one patient client waits."""
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
    """Log in, set the clock; who the band is, and its battery."""
    await authenticate(link, session)
    info = Info(
        link.now(),
        firmware=await _string(link, gatt.SOFTWARE_REVISION),
        hardware=await _string(link, gatt.HARDWARE_REVISION),
        serial=await _string(link, gatt.SERIAL_NUMBER),
    )
    await set_clock(link)
    readings: list[Reading] = [info]
    if link.has(packets.BATTERY):
        report = await link.read(packets.BATTERY)
        with suppress(MalformedPacket):  # steps are worth more than a battery report of a firmware nobody has seen
            battery = Battery.decode(report)
            readings.append(Charge(link.now(), battery.percent, battery.charging))
    return readings


async def authenticate(link: Link, session: Session) -> None:
    """Prove that we know the key; store one first if this is a pairing with a band that takes ours."""
    if not link.has(packets.AUTHENTICATION):
        raise DeviceError("the band has no login of the kind that this driver speaks: is it another model?")
    if session.secret is None:
        raise NotAuthorised("the band's key is missing: give it with `hipsync bands key`")
    model = model_of(session.name)
    await link.subscribe(packets.AUTHENTICATION)
    if session.pairing and model.secret == "own":  # noqa: S105  a kind of secret, not one
        await _store_key(link, model, session.secret)
    request = bytes([packets.ASK_CHALLENGE | model.crypt, model.flag])
    await link.write(packets.AUTHENTICATION, request + (b"\x02\x01\x00" if model.crypt else b""))
    reply = await _reply(link, packets.AUTHENTICATION, packets.ASK_CHALLENGE)
    if reply.status == packets.AUTH_NO_KEY:
        raise NotAuthorised("the band holds no key: pair it first (with the maker's app, or `hipsync pair` and a tap)")
    if reply.status != packets.SUCCESS or len(reply.payload) != 16:
        raise UnexpectedReply(f"the band gave no challenge: status {reply.status}, {len(reply.payload)} bytes")
    proof = bytes([packets.ANSWER_CHALLENGE | model.crypt, model.flag]) + answer(session.secret, reply.payload)
    await link.write(packets.AUTHENTICATION, proof)
    _judge(await _reply(link, packets.AUTHENTICATION, packets.ANSWER_CHALLENGE))
    await link.unsubscribe(packets.AUTHENTICATION)


async def _store_key(link: Link, model: Model, key: bytes) -> None:
    await link.write(packets.AUTHENTICATION, bytes([packets.STORE_KEY, model.flag]) + key)
    try:
        reply = await _reply(link, packets.AUTHENTICATION, packets.STORE_KEY, within=TAP_WITHIN)
    except NoReply as error:
        raise NotAuthorised("nobody tapped the band in time: try again, and tap it when it vibrates") from error
    if reply.status not in {packets.SUCCESS, packets.AUTH_INITIALISED}:  # one client goes on after the second
        raise NotAuthorised(
            f"the band did not take a key (status {reply.status}): nobody tapped it in time, or it only takes the "
            "key of its maker's app (give that with --key-file)"
        )


def _judge(reply: Reply) -> None:
    match reply.status:
        case packets.SUCCESS:
            return
        case packets.AUTH_NO_KEY | packets.AUTH_WRONG_KEY:
            raise NotAuthorised(
                "wrong key: the band was paired anew since; give its key of now (`hipsync bands key`), "
                "or pair it again if it takes ours (`hipsync pair`)"
            )
        case packets.AUTH_NEEDS_2021:
            raise NotAuthorised("this band's firmware needs the newer login of Huami, which this driver does not speak")
        case _:
            raise UnexpectedReply(f"the band refused the login with status {reply.status}")


async def _reply(
    link: Link, characteristic: str, operation: int, or_else: Reply | None = None, within: timedelta = REPLY_WITHIN
) -> Reply:
    """The next answer to an operation, or `or_else`; answers to others are late ones, and let go. Raises `NoReply`."""
    until = link.now() + within
    while True:
        received = await link.notification(characteristic, timeout=max(until - link.now(), timedelta(0)))
        reply = Reply.decode(received.data)
        if reply.operation == operation or reply == or_else:
            return reply


async def _string(link: Link, characteristic: str) -> str | None:
    return gatt.text(await link.read(characteristic)) if link.has(characteristic) else None


async def set_clock(link: Link) -> None:
    """Local time with its offset. At every connection, for the band knows neither daylight saving nor journeys."""
    now = link.now()
    quarters = packets.quarters_of(now.astimezone(link.zone).utcoffset())
    await link.write(gatt.CURRENT_TIME, CurrentTime(now, quarters).encode(), response=True)


# ------------------------------------------------------------------ stored minutes


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The stored minutes since the last one that is stored here, a round a batch.

    Only finished minutes are reported, never one that lies ahead of our clock. A band whose clock was wrong stamped its
    minutes wrongly, and nobody knows since when. `opened` has set its clock right by now, so what it records from then
    on is right and found. What it stamped ahead of now stays on the band, unfetched where a round begins there, and is
    never asked past: the next sync goes on from the last minute stored, behind it. What it stamped more than 100 days
    ago, or before the last minute stored, is not asked for.

    The band's copy is kept, so that other apps find it, unless `session.erase`; then a round is acknowledged when all
    of it is stored, which a round with minutes from the future is not.
    """
    model = model_of(session.name)
    since = _whole_minute(session.since.get(Epoch, link.now() - FIRST_FETCH))
    size = record_size(model, await _string(link, gatt.SOFTWARE_REVISION))
    for number in range(MOST_ROUNDS):
        if number:
            await link.pause(BETWEEN_ROUNDS)
        fetched = await _round(link, since, size, sure=model is not UNKNOWN)
        if not fetched:
            break
        now = link.now()
        epochs = [epoch for epoch in fetched if since <= epoch.start <= now - MINUTE]
        if epochs:
            yield epochs
        if session.erase and len(epochs) == len(fetched):
            await _acknowledge(link)
        end = fetched[-1].end
        if end <= since or end > now - MINUTE:
            break
        since = end
    await link.unsubscribe(packets.FETCH)


def _whole_minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


async def _round(link: Link, since: datetime, size: int, *, sure: bool) -> list[Epoch]:
    """The minutes of one round; empty if the band has none. A spoilt round is asked for again."""
    for left in reversed(range(TRIES)):
        try:
            return await _attempt(link, since, size, sure=sure)
        except (SpoiltRound, NoReply):
            if not left:
                raise
            await link.unsubscribe(packets.DATA, packets.FETCH)  # and forget what came late
            await link.pause(BETWEEN_ROUNDS)
    raise AssertionError("the last attempt returns or raises")


class SpoiltRound(UnexpectedReply):
    """Packets of a round were lost, doubled or damaged on the way; the band still has them."""


async def _attempt(link: Link, since: datetime, size: int, *, sure: bool) -> list[Epoch]:
    await link.subscribe(packets.FETCH)
    quarters = packets.quarters_of(since.astimezone(link.zone).utcoffset())
    await link.write(packets.FETCH, packets.encode_fetch(since, quarters))
    reply = await _reply(link, packets.FETCH, packets.START, NOTHING)
    if reply == NOTHING or reply.status == packets.FETCH_REFUSED:
        return []  # "nothing to do": a Mi Band 5 says so when it has just been asked
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
    size = _size(data, round_.count, size, sure=sure, checked=_checked(data, end))
    return packets.decode_records(data, size, _whole_minute(round_.start))


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


async def _acknowledge(link: Link) -> None:
    """Let the band forget the round that is stored now."""
    await link.write(packets.FETCH, bytes([packets.ACKNOWLEDGE]))
    reply = await _reply(link, packets.FETCH, packets.ACKNOWLEDGE)
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
