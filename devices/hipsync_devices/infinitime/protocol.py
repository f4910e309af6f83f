"""The conversation with InfiniTime: a live step counter, no memory.

The counter runs from the watch's local midnight; a restart or setting the clock into hour 0 also clears it, and what
the watch counted before is gone. What happens while nobody is connected shows only as one difference.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from hipsync.driver import Link, Message, Received, Session
from hipsync.errors import DeviceError, LinkLost, NoReply
from hipsync.model import Answer, Charge, Counter, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.infinitime import packets
from hipsync_devices.infinitime.packets import Alert, Press

HEARTBEAT = timedelta(minutes=1)
"""Between reads of the counter while it is silent: proof that the link lives, and a reading for stillness."""
BURST = timedelta(seconds=10)
"""What is told within this time is reported together: the watch speaks every second or two of a walk."""
RINGING = timedelta(seconds=20)
"""A call screen stays for 7 s; if it is touched, until a button is pressed, for which this is time enough."""
ANSWERS = {Press.ACCEPTED: Answer.DONE, Press.DECLINED: Answer.SNOOZED, Press.MUTED: Answer.SKIPPED}


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """What the watch says of itself; sets its clock. Raises `DeviceError` for firmware that does not tell steps."""
    version = await _text(link, packets.FIRMWARE)
    if not link.has(packets.STEPS):
        raise DeviceError(
            f"firmware {version or 'without a number'} of this watch does not tell steps over Bluetooth: "
            "update it to InfiniTime 1.16 or later"
        )
    hardware = await _text(link, gatt.HARDWARE_REVISION)
    await _set_clock(link)
    battery = packets.percent(await link.read(packets.BATTERY))
    return [Info(link.now(), firmware=version, hardware=hardware), Charge(link.now(), battery)]


async def sync(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The counter as it is now; nothing from firmware before 1.16, whose answer may be hours old."""
    if await _is_fresh(link):
        yield [await _counter(link)]


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The counter as it changes, and from firmware 1.16 on every minute while it does not; the battery.

    Older firmware stops looking at its sensor while the screen is off, so that a counter that stands still says
    nothing. That it changed proves that the watch looked, and then it is right: the sensor itself never stops.
    """
    fresh = await _is_fresh(link)
    offset = _offset(link)
    await link.subscribe(packets.STEPS, packets.BATTERY)
    beat = link.now()  # at once: a change just before the subscription would be missed
    while True:
        try:
            told = await _burst(link, beat)
        except NoReply:
            beat = link.now() + HEARTBEAT
            counter = await _counter(link)
            readings: Sequence[Reading] = [counter] if fresh else []
        else:
            readings = _readings(told, fresh=fresh)
        if readings:
            yield readings
        if _offset(link) != offset:  # summer time began or ended
            offset = _offset(link)
            await _set_clock(link)


async def nudge(link: Link, _: Session, message: Message) -> Answer | None:
    """Show the words with one weak buzz; if strong, ring like a call, and the wearer may press a button."""
    if not message.strong:
        await link.write(gatt.NEW_ALERT, Alert(message.title, message.body).packet(), response=True)
        return None
    await link.subscribe(packets.EVENT)
    await link.write(gatt.NEW_ALERT, Alert(message.title, call=True).packet(), response=True)
    try:
        pressed = await link.notification(packets.EVENT, timeout=RINGING)
    except NoReply:
        return None
    return ANSWERS[packets.press(pressed.data)]


async def _burst(link: Link, until: datetime) -> Sequence[Received]:
    """What the watch tells: the first word, and all of the ten seconds after it. Raises `NoReply` if none came."""
    told = [await link.notification(packets.STEPS, packets.BATTERY, timeout=_left(link, until))]
    end = link.now() + BURST
    with contextlib.suppress(NoReply, LinkLost):  # what has come is reported first; the next call finds the link lost
        while True:
            told.append(await link.notification(packets.STEPS, packets.BATTERY, timeout=_left(link, end)))
    return told


def _readings(told: Sequence[Received], *, fresh: bool) -> list[Reading]:
    """The last count, and the battery. A count right before a reset too, or its last steps would be lost.

    Except on old firmware, where it may be yesterday's total: there the counter is cleared when the watch first looks
    after midnight, and that look still tells the total again.
    """
    counters = [Counter(at, packets.steps(data)) for uuid, at, data in told if uuid == packets.STEPS]
    charges = [Charge(at, packets.percent(data)) for uuid, at, data in told if uuid == packets.BATTERY]
    peaks = [here for here, after in pairwise(counters) if fresh and after.steps < here.steps]
    return [*peaks, *counters[-1:], *charges]


def _left(link: Link, until: datetime) -> timedelta:
    return max(until - link.now(), timedelta())


async def _counter(link: Link) -> Counter:
    data = await link.read(packets.STEPS)
    return Counter(link.now(), packets.steps(data))


async def _is_fresh(link: Link) -> bool:
    return packets.firmware(await _text(link, packets.FIRMWARE) or "").counts_in_the_dark


async def _text(link: Link, characteristic: str) -> str | None:
    return gatt.text(await link.read(characteristic)) if link.has(characteristic) else None


def _offset(link: Link) -> timedelta | None:
    return link.now().astimezone(link.zone).utcoffset()


async def _set_clock(link: Link) -> None:
    now = link.now()
    await link.write(gatt.CURRENT_TIME, packets.wall_clock(now.astimezone(link.zone)), response=True)
    if link.has(packets.LOCAL_TIME):
        await link.write(packets.LOCAL_TIME, packets.local_time(now, link.zone), response=True)
