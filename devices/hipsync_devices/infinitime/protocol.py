"""The conversation with InfiniTime: a live step counter, no stored steps.

The counter runs from midnight by the watch's clock. It is also cleared, and its steps lost, by a restart or when the
clock is set into hour 0. Steps taken while nobody was connected show only as a higher count.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta

from hipsync.driver import Link, Message, Received, Session
from hipsync.errors import DeviceError, NoReply
from hipsync.model import Answer, Counter, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.infinitime import packets
from hipsync_devices.infinitime.packets import Alert, Press
from hipsync_devices.live_counter import burst, notifications, utc_offset, worth_storing

NEEDS = frozenset({(packets.STEPS, b"")})
"""What the steps depend on; see `Driver.needs`."""
HEARTBEAT = timedelta(minutes=1)
"""The time between two reads of the counter while the watch is silent. A read proves that the link is alive, and an
unchanged count that the wearer is still."""
RINGING = timedelta(seconds=20)
"""How long to wait for a button. A call screen stays for 7 s or, once it is touched, until a button is pressed."""
ANSWERS = {Press.ACCEPTED: Answer.DONE, Press.DECLINED: Answer.SNOOZED, Press.MUTED: Answer.SKIPPED}


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """Set the watch's clock, and return its versions and, if it knows it, its battery level.

    Raises `DeviceError` for firmware that does not report steps.
    """
    version = await gatt.read_text(link, packets.FIRMWARE)
    if not link.has(packets.STEPS):
        raise DeviceError(
            f"firmware {version or 'without a number'} of this watch does not tell steps over Bluetooth: "
            "update it to InfiniTime 1.16 or later"
        )
    hardware = await gatt.read_text(link, gatt.HARDWARE_REVISION)
    await _set_clock(link)
    charge = await gatt.read_charge(link, packets.BATTERY)
    info = Info(link.now(), firmware=version, hardware=hardware)
    return [info] if charge is None else [info, charge]


async def sync(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the count as it is now, but nothing with firmware before 1.16, whose count may be hours old."""
    if await _is_fresh(link):
        yield [await _counter(link)]


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the count when it changes, and from firmware 1.16 on every minute while it does not; yield the battery too.

    Older firmware does not poll its sensor while the screen is off, so an unchanged count proves nothing. A changed
    count is right: the watch has just polled the sensor, which never stops counting. When the wearer's offset from UTC
    changes, the clock is set again.
    """
    fresh = await _is_fresh(link)
    offset = utc_offset(link)
    for characteristic in (packets.STEPS, packets.BATTERY):
        with contextlib.suppress(DeviceError):  # a watch that cannot notify is read, and a read finds a lost link too
            await link.subscribe(characteristic)
    beat = link.now()  # read at once: a change just before the subscription would be missed
    while True:
        try:
            reports = await burst(link, notifications(link, packets.STEPS, packets.BATTERY), until=beat)
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
    """Show the text with one weak buzz; if the message is strong, ring like a call and wait for a button.

    Return the wearer's answer, or None if no button was pressed or the message is not strong.
    """
    if not message.strong:
        await link.write(gatt.NEW_ALERT, Alert(message.title, message.body).packet(), response=True)
        return None
    await gatt.courtesy(link.subscribe(packets.EVENT))  # who cannot answer still feels it
    await link.write(gatt.NEW_ALERT, Alert(message.title, call=True).packet(), response=True)
    try:
        pressed = await link.notification(packets.EVENT, timeout=RINGING)
    except NoReply:
        return None
    return ANSWERS[packets.press(pressed.data)]


def _readings(reports: Sequence[Received], *, fresh: bool) -> list[Reading]:
    """Return the counts worth storing and the battery levels in the reports of a burst.

    Firmware before 1.16 (`fresh` is false) clears the counter when it first polls its sensor after midnight, and that
    poll still reports yesterday's total. So only the last count of a burst is stored then.
    """
    counters = [Counter(at, packets.steps(data)) for uuid, at, data in reports if uuid == packets.STEPS]
    charges = gatt.charges(reports, packets.BATTERY)
    return [*(worth_storing(counters) if fresh else counters[-1:]), *charges]


async def _counter(link: Link) -> Counter:
    data = await link.read(packets.STEPS)
    return Counter(link.now(), packets.steps(data))


async def _is_fresh(link: Link) -> bool:
    return packets.firmware(await gatt.read_text(link, packets.FIRMWARE) or "").counts_in_the_dark


async def _set_clock(link: Link) -> None:
    now = link.now()
    clock = packets.wall_clock(now.astimezone(link.zone))
    await gatt.courtesy(link.write(gatt.CURRENT_TIME, clock, response=True))
    if link.has(packets.LOCAL_TIME):
        await gatt.courtesy(link.write(packets.LOCAL_TIME, packets.local_time(now, link.zone), response=True))
