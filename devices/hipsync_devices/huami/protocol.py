"""What goes over characteristics of their own with a Huami band: fetch minutes, follow steps, buzz, show a text.

A fetch has rounds, and each asks for the minutes since an instant. The band announces how many it will send and from
when, sends them in numbered packets, and ends with a status::

    > 01 01 <since>          < 10 01 01 <count> <start>
    > 02                     < (data) 00 ..., 01 ..., 02 ...     < 10 02 01 [crc32]
    (stored now)
    > 03                     < 10 03 01                          only if the band may forget the minutes
    > 03 09, or 03 01        < 10 03 01                          newer generation, always: keep, or forget

The newer generation starts a round only when the one before is acknowledged, even if that was empty or spoilt.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from hipsync.driver import Link, Message, Session
from hipsync.errors import NoReply, UnexpectedReply
from hipsync.model import MINUTE, Answer, Counter, Epoch, Reading
from hipsync_devices import gatt
from hipsync_devices.huami import packets
from hipsync_devices.huami.chunked import TO_BAND, TO_PHONE
from hipsync_devices.huami.login import REPLY_WITHIN, reply_to
from hipsync_devices.huami.models import UNKNOWN, UNKNOWN_NEWER, Model, model_of, model_on, record_size
from hipsync_devices.huami.packets import RealtimeSteps, Reply, Round

NEEDS = frozenset(
    {
        (packets.AUTHENTICATION, b""),
        (TO_BAND, b""),
        (TO_PHONE, b""),
        (packets.FETCH, bytes([packets.START])),
        (packets.FETCH, bytes([packets.TRANSFER])),
        (packets.DATA, b""),
    }
)
"""What the steps depend on, in both generations; see `Driver.needs`."""
ROUND_WITHIN = timedelta(minutes=15)
"""The longest that the packets of a round may take; the minutes of several days take seconds."""
BETWEEN_ROUNDS = timedelta(seconds=1)
FIRST_FETCH = timedelta(days=100)
"""How far back the first fetch asks; the band begins with its oldest minute, from two to four weeks ago."""
TRIES = 3
"""How often one round is tried: a lost or doubled packet spoils it, but the band still has the minutes."""
MOST_ROUNDS = 1000
"""The most rounds of one sync, each of which takes a second. A round ends wherever the band was off; the next sync
fetches the rest."""
MOST_PACKETS = 2**16
"""The most packets of one round; 30 days at two records a packet need a third of them."""
NOTHING = Reply(packets.TRANSFER, packets.FETCH_NONE)
"""The answer "no data, or no more": some bands give it to the request, others when the transfer is to begin."""


# ------------------------------------------------------------------ stored minutes


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the minutes on the band since the last one stored here, a batch for each round.

    Only minutes that have ended by our clock are yielded. If the band's clock was wrong, so are its stamps, and nobody
    knows since when; `opened` has set it by now, so later minutes are right. Minutes stamped in the future stay on the
    band and end the sync, and the next sync continues after the last minute stored. Minutes stamped more than 100 days
    ago, or before the last one stored, are not fetched.

    The band keeps its minutes for other apps, unless `session.erase`. Then it may forget a round once all of it is
    stored, which a round with minutes from the future never is.
    """
    model = model_on(link, session.name)
    since = _whole_minute(session.since.get(Epoch, link.now() - FIRST_FETCH))
    size = record_size(model, await gatt.read_text(link, gatt.SOFTWARE_REVISION))
    await link.unsubscribe(packets.DATA, packets.FETCH)  # and forget what a fetch has left that was called off
    patience = REPLY_WITHIN
    for number in range(MOST_ROUNDS):
        if number:
            await link.pause(BETWEEN_ROUNDS)
        fetched = await _round(link, since, size, model)
        if fetched is None:
            break
        newest = link.now() - MINUTE
        epochs = [epoch for epoch in fetched if since <= epoch.start <= newest]
        if epochs:
            yield epochs
        forget = session.erase and 0 < len(epochs) == len(fetched)
        if not await _acknowledged(link, patience, forget=forget, newer=model.newer):
            patience = BETWEEN_ROUNDS  # it was silent once, and nobody needs its word
        if not fetched:
            break
        end = fetched[-1].end
        if end <= since or end > newest:
            break
        since = end
    await link.unsubscribe(packets.FETCH)


def _whole_minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


async def _round(link: Link, since: datetime, size: int, model: Model) -> list[Epoch] | None:
    """Fetch one round, which is what the band sends in answer to one request, and return its minutes.

    `size` is the bytes of a minute. The list is empty if the band announces a round without minutes, and the result is
    None if it has nothing since then.

    A spoilt round is tried again; after three tries, raises `SpoiltRound` or `NoReply`.
    """
    for left in reversed(range(TRIES)):
        try:
            return await _attempt(link, since, size, model)
        except (SpoiltRound, NoReply):
            if model.newer:
                with suppress(UnexpectedReply):  # in any case the round is spoilt
                    await _acknowledged(link, REPLY_WITHIN, forget=False, newer=True)
            if not left:
                raise
            await link.unsubscribe(packets.DATA, packets.FETCH)  # and forget late packets
            await link.pause(BETWEEN_ROUNDS)
    raise AssertionError("the last attempt returns or raises")


class SpoiltRound(UnexpectedReply):
    """Raised when packets of a round were lost, doubled or damaged on the way; the band still has the minutes."""


async def _attempt(link: Link, since: datetime, size: int, model: Model) -> list[Epoch] | None:
    await link.subscribe(packets.FETCH)
    quarters = packets.quarters_of(since.astimezone(link.zone).utcoffset())
    await link.write(packets.FETCH, packets.encode_fetch(since, quarters))
    reply = await reply_to(link, packets.FETCH, packets.START, NOTHING)
    if reply == NOTHING or reply.status == packets.FETCH_REFUSED:
        return None  # "nothing to do": a Mi Band 5 answers so if it was asked just before
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
    size = _size(data, round_.count, size, sure=model not in {UNKNOWN, UNKNOWN_NEWER}, checked=_checked(data, end))
    return packets.decode_records(data, size, _whole_minute(round_.start), newer=model.newer)


async def _transfer(link: Link) -> tuple[bytes, Reply]:
    """Receive a round, and return the payload of all its packets in order and the status at its end.

    Raises `SpoiltRound` if a packet is missing or doubled, but only at the end of the round, so that the band is not
    asked again while it is still sending. Raises `NoReply` if the band falls silent.
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
    """Return whether a checksum proves that a round is complete; False if the band sent no checksum.

    Raises `SpoiltRound` if the checksum is wrong, or if the band ended the round with an error.
    """
    if end.status != packets.SUCCESS:
        raise SpoiltRound(f"the band broke off with status 0x{end.status:02x}")
    if len(end.payload) < 4:
        return False
    if end.payload[:4] != packets.checksum(data):
        raise SpoiltRound("the band's minutes do not fit their checksum")
    return True


def _size(data: bytes, count: int, size: int, *, sure: bool, checked: bool) -> int:
    """Return the length of a record in bytes: the one that fits the count or, if no packet can be missing, the model's.

    `count` is the announced number of records, though some bands may count bytes; `size` is the model's length, and
    `sure` says whether the model is known. Raises `SpoiltRound` if the count fits nothing, because then the last
    packets were lost, unless a checksum proves the round complete (`checked`). Four bytes a record from a model with
    eight are also refused then: half of the data may be missing.
    """
    if len(data) == 8 * count:
        return 8
    if len(data) == 4 * count and (checked or size == 4 or not sure):
        return 4
    if sure and (checked or len(data) == count) and not len(data) % size:
        return size
    raise SpoiltRound(f"the band announced {count} minutes and sent {len(data)} bytes")


async def _acknowledged(link: Link, patience: timedelta, *, forget: bool, newer: bool) -> bool:
    """Acknowledge a round if its generation wants that, and return whether the band answered within `patience`.

    `forget` lets the band forget the minutes. Nobody needs the answer: if the band took no acknowledgement, it says so
    when the next round is asked for. Raises `UnexpectedReply` if the band refuses the acknowledgement.
    """
    word = packets.encode_acknowledgement(forget=forget, newer=newer)
    if word is None:
        return True
    await link.write(packets.FETCH, word)
    reply = await gatt.courtesy(reply_to(link, packets.FETCH, packets.ACKNOWLEDGE, within=patience))
    if reply is not None and reply.status != packets.SUCCESS:
        raise UnexpectedReply(f"the band refused the acknowledgement: status 0x{reply.status:02x}")
    return reply is not None


# ------------------------------------------------------------------ live steps, buzz


async def watch(link: Link) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the total of today's steps: at once, whenever it changes, and at least every two minutes."""
    await link.subscribe(packets.REALTIME_STEPS)
    at, report = link.now(), await link.read(packets.REALTIME_STEPS)
    while True:
        yield [Counter(at, RealtimeSteps.decode(report).steps)]
        try:
            _, at, report = await link.notification(packets.REALTIME_STEPS, timeout=timedelta(minutes=2))
        except NoReply:
            at, report = link.now(), await link.read(packets.REALTIME_STEPS)


BUZZ = timedelta(seconds=1.5)
"""How long to let the band vibrate before it is told to stop; otherwise it would go on for about ten seconds."""


async def nudge(link: Link, session: Session, message: Message) -> Answer | None:
    """Vibrate, twice if the message is strong, then show the text. Return None, because the wearer cannot answer.

    Each write of an Alert Level names its service, because the service Link Loss has an Alert Level too.
    """
    for number in range(2 if message.strong else 1):
        if number:
            await link.pause(BUZZ)
        await link.write(gatt.ALERT_LEVEL, bytes([packets.VIBRATE]), service=gatt.IMMEDIATE_ALERT)
        await link.pause(BUZZ)
        await link.write(gatt.ALERT_LEVEL, bytes([packets.NO_ALERT]), service=gatt.IMMEDIATE_ALERT)
    if link.has(gatt.NEW_ALERT):
        short = model_of(session.name).short_text
        text = packets.encode_new_alert(message.title, message.body, link.write_size, short=short)
        await link.write(gatt.NEW_ALERT, text, response=True)
    return None
