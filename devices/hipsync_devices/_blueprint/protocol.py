"""The conversation with the blueprint's band: set its clock, fetch its slots, follow its total, buzz.

::

    > FETCH <since>            < FETCH <slot>, for each slot       < FETCH <how many>
    (stored now)
    > FORGET <until>           < FORGET                            only if the user wants the band to forget
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from hipsync.driver import Link, Message, Session
from hipsync.errors import DeviceError, MalformedPacket, NoReply, UnexpectedReply
from hipsync.model import Charge, Counter, Epoch, Reading
from hipsync_devices import gatt
from hipsync_devices._blueprint import packets
from hipsync_devices._blueprint.packets import SLOT, Frame, Slot
from hipsync_devices.live_counter import burst, worth_storing

REPLY_WITHIN = timedelta(seconds=3)
HEARTBEAT = timedelta(minutes=1)
"""The time between two requests for the total while the band is silent. An answer proves that the link is alive, and
an unchanged total that the wearer is still."""
NEEDS = frozenset(
    {(packets.NOTIFY, b""), (packets.WRITE, bytes([packets.FETCH])), (packets.WRITE, bytes([packets.TOTAL]))}
)
"""What the steps depend on; see `Driver.needs`. A band of this family may leave everything else unanswered."""
FIRST_FETCH = timedelta(days=7)
"""How far back to fetch from a band of which nothing is stored yet."""
MOST_SLOTS = 2 * FIRST_FETCH // SLOT
"""The most slots that one answer may have; a band that sends more is faulty."""


class Wire:
    """Sends and receives frames over a link. It ignores bytes that are no frame, and answers to other commands."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def open(self) -> None:
        if not self._link.has(packets.WRITE) or not self._link.has(packets.NOTIFY):
            raise DeviceError("the band does not have the service of this family: is it another model?")
        await self._link.subscribe(packets.NOTIFY)

    async def ask(self, command: int, payload: bytes = b"") -> bytes:
        """Send a command and return the payload of its answer. Raises `NoReply` if none comes within three seconds."""
        await self._link.write(packets.WRITE, Frame(command, payload).encode(), response=True)
        _, answer = await self.heard(command, self._link.now() + REPLY_WITHIN)
        return answer

    async def heard(self, command: int, until: datetime) -> tuple[datetime, bytes]:
        """Wait for the next frame of a command, and return when it came and its payload.

        Raises `NoReply` if none comes by `until`.
        """
        while (left := until - self._link.now()) > timedelta():
            received = await self._link.notification(packets.NOTIFY, timeout=left)
            with suppress(MalformedPacket):
                frame = Frame.decode(received.data)
                if frame.command == command:
                    return received.at, frame.payload
        raise NoReply(f"the band did not answer command {command:02X}")


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """Set the band's clock to UTC, and return its battery level, if it knows it; the steps depend on neither."""
    wire = Wire(link)
    await wire.open()
    await gatt.courtesy(wire.ask(packets.SET_TIME, packets.encode_instant(link.now())))
    level = gatt.percent(await gatt.courtesy(wire.ask(packets.BATTERY)) or b"")
    return [] if level is None else [Charge(link.now(), level)]


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the slots that have ended since the last one stored, or in the last week if none is stored.

    Once they are stored, the band is told to forget them, if the user wants that (`session.erase`).
    """
    wire = Wire(link)
    await wire.open()
    since = session.since.get(Epoch, link.now() - FIRST_FETCH)
    slots = await _slots(link, wire, since)
    epochs = [Epoch(slot.start, SLOT, slot.steps) for slot in slots if since <= slot.start <= link.now() - SLOT]
    if epochs:
        yield epochs  # stored when the next line runs
        if session.erase:
            await gatt.courtesy(wire.ask(packets.FORGET, packets.encode_instant(epochs[-1].end)))


async def _slots(link: Link, wire: Wire, since: datetime) -> Sequence[Slot]:
    """Fetch and return all slots from `since` on.

    Raises `UnexpectedReply` if a slot was lost on the way or came twice, or if there are more than `MOST_SLOTS`.
    """
    slots: list[Slot] = []
    payload = await wire.ask(packets.FETCH, packets.encode_instant(since))
    while isinstance(fetched := packets.decode_fetched(payload), Slot):
        slots.append(fetched)
        if len(slots) > MOST_SLOTS:
            raise UnexpectedReply("the band sends more slots than it was asked for")
        _, payload = await wire.heard(packets.FETCH, link.now() + REPLY_WITHIN)
    if fetched != len(slots):
        raise UnexpectedReply(f"the band sent {fetched} slots, and {len(slots)} arrived")
    return slots


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the total of today's steps whenever it changes, and every minute while it does not."""
    wire = Wire(link)
    await wire.open()

    async def next_by(until: datetime) -> Counter:
        at, payload = await wire.heard(packets.TOTAL, until)
        return Counter(at, packets.decode_steps(payload))

    beat = link.now()
    while True:
        try:
            counters = await burst(link, next_by, until=beat)
        except NoReply:
            beat = link.now() + HEARTBEAT
            steps = packets.decode_steps(await wire.ask(packets.TOTAL))
            counters = [Counter(link.now(), steps)]
        yield worth_storing(counters)


async def nudge(link: Link, _: Session, message: Message) -> None:
    """Let the band buzz once, or twice if the message is strong. Its words are not sent: the band cannot show them.

    A band that buzzes and does not say so has buzzed.
    """
    wire = Wire(link)
    await wire.open()
    for _number in range(2 if message.strong else 1):
        with suppress(NoReply):
            await wire.ask(packets.BUZZ)
