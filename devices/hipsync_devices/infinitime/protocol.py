"""The conversation with InfiniTime: a live step counter, no stored steps.

The counter runs from the watch's local midnight. A restart, or setting the clock into hour 0, clears it too, and what
it counted before is lost. The steps while nobody was connected show only as one difference.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta

from hipsync.driver import Link, Message, Received, Session
from hipsync.errors import DeviceError, NoReply
from hipsync.model import Answer, Charge, Counter, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.infinitime import packets
from hipsync_devices.infinitime.packets import Alert, Press
from hipsync_devices.live_counter import burst, notifications, utc_offset, worth_storing

HEARTBEAT = timedelta(minutes=1)
"""Between reads of the counter while the watch is silent: a read proves that the link is alive and the wearer still."""
RINGING = timedelta(seconds=20)
"""How long to wait for a button. A call screen stays for 7 s, or once it is touched until a button is pressed."""
ANSWERS = {Press.ACCEPTED: Answer.DONE, Press.DECLINED: Answer.SNOOZED, Press.MUTED: Answer.SKIPPED}


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """Set the watch's clock; its versions and battery. Raises `DeviceError` for firmware that does not report steps."""
    version = await gatt.read_text(link, packets.FIRMWARE)
    if not link.has(packets.STEPS):
        raise DeviceError(
            f"firmware {version or 'without a number'} of this watch does not tell steps over Bluetooth: "
            "update it to InfiniTime 1.16 or later"
        )
    hardware = await gatt.read_text(link, gatt.HARDWARE_REVISION)
    await _set_clock(link)
    battery = packets.percent(await link.read(packets.BATTERY))
    return [Info(link.now(), firmware=version, hardware=hardware), Charge(link.now(), battery)]


async def sync(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The count as it is now; nothing from firmware before 1.16, whose answer may be hours old."""
    if await _is_fresh(link):
        yield [await _counter(link)]


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The count as it changes, and from firmware 1.16 on every minute while it does not; the battery as reported.

    Older firmware does not poll its sensor while the screen is off, so a count that stays the same proves nothing. A
    count that changed is right, for the watch has just polled the sensor, which itself never stops.
    """
    fresh = await _is_fresh(link)
    offset = utc_offset(link)
    await link.subscribe(packets.STEPS, packets.BATTERY)
    beat = link.now()  # read at once: a change just before the subscription would be missed
    while True:
        try:
            reports = await burst(link.now, notifications(link, packets.STEPS, packets.BATTERY), until=beat)
        except NoReply:
            beat = link.now() + HEARTBEAT
            counter = await _counter(link)
            readings: Sequence[Reading] = [counter] if fresh else []
        else:
            readings = _readings(reports, fresh=fresh)
        if readings:
            yield readings
        if utc_offset(link) != offset:  # summer time began or ended
            offset = utc_offset(link)
            await _set_clock(link)


async def nudge(link: Link, _: Session, message: Message) -> Answer | None:
    """Show the text with one weak buzz; if strong, ring like a call, which the wearer may answer with a button."""
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


def _readings(reports: Sequence[Received], *, fresh: bool) -> list[Reading]:
    """The counts worth storing, and the battery, of a burst.

    On old firmware a count right before a reset may be yesterday's total, and only the last is stored: the counter is
    cleared when the watch first polls its sensor after midnight, and that poll still reports the old total.
    """
    counters = [Counter(at, packets.steps(data)) for uuid, at, data in reports if uuid == packets.STEPS]
    charges = [Charge(at, packets.percent(data)) for uuid, at, data in reports if uuid == packets.BATTERY]
    return [*(worth_storing(counters) if fresh else counters[-1:]), *charges]


async def _counter(link: Link) -> Counter:
    data = await link.read(packets.STEPS)
    return Counter(link.now(), packets.steps(data))


async def _is_fresh(link: Link) -> bool:
    return packets.firmware(await gatt.read_text(link, packets.FIRMWARE) or "").counts_in_the_dark


async def _set_clock(link: Link) -> None:
    now = link.now()
    await link.write(gatt.CURRENT_TIME, packets.wall_clock(now.astimezone(link.zone)), response=True)
    if link.has(packets.LOCAL_TIME):
        await link.write(packets.LOCAL_TIME, packets.local_time(now, link.zone), response=True)
