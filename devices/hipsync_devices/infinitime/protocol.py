"""The conversation with InfiniTime: a live step counter, no memory.

The counter runs from the watch's local midnight; a restart or setting the clock into hour 0 also clears it, and what
the watch counted before is gone. What happens while nobody is connected shows only as one difference.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hipsync.driver import Link, Message, Received, Session
from hipsync.errors import DeviceError, LinkLost, NoReply
from hipsync.model import Answer, Charge, Counter, Info, Reading
from hipsync_devices.infinitime import packets
from hipsync_devices.infinitime.packets import Alert, Firmware, Press

HEARTBEAT = timedelta(minutes=1)
"""Between reads of the counter while it is silent: proof that the link lives, and a reading for stillness."""
SPACING = timedelta(seconds=10)
"""Between two reports of somebody who walks; the watch would speak every second or two."""
EVIDENCE = timedelta(minutes=3)
"""How long a change of the counter proves, on old firmware, that the watch polls its sensor."""
SETTLE = timedelta(seconds=2)
"""Old firmware clears its counter at the first poll after midnight, after telling yesterday's total again."""
RINGING = timedelta(seconds=8)
"""A call screen stays for about 7 s, unless it is touched."""
ANSWERS = {Press.ACCEPTED: Answer.DONE, Press.DECLINED: Answer.SNOOZED, Press.MUTED: Answer.SKIPPED}


async def open_(link: Link, _: Session) -> Sequence[Reading]:
    """What the watch says of itself; sets its clock. Raises `DeviceError` for firmware that does not tell steps."""
    version = packets.text(await link.read(packets.FIRMWARE))
    if not link.has(packets.STEPS):
        raise DeviceError(
            f"InfiniTime {version or 'of this age'} does not tell steps over Bluetooth: update the watch, best to 1.16"
        )
    hardware = packets.text(await link.read(packets.HARDWARE)) if link.has(packets.HARDWARE) else None
    await _set_clock(link)
    battery = packets.percent(await link.read(packets.BATTERY))
    return [Info(link.now(), firmware=version or None, hardware=hardware), Charge(link.now(), battery)]


async def sync(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The counter as it is now; nothing from firmware before 1.16, of which a single reading may be hours old."""
    if (await _firmware(link)).counts_in_the_dark:
        yield [await _counter(link)]


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The counter as it changes, and every minute while it does not; the battery as it changes."""
    version = await _firmware(link)
    tally = Tally(link.zone, fresh=version.counts_in_the_dark)
    settle = timedelta() if version.counts_in_the_dark else SETTLE
    offset = _offset(link)
    await link.subscribe(packets.STEPS, packets.BATTERY)
    beat = link.now()  # at once: a change between the last read and the subscription would be missed
    while True:
        try:
            burst = await _burst(link, beat, settle)
        except NoReply:
            beat = link.now() + HEARTBEAT
            if _offset(link) != offset:  # summer time began or ended
                offset = _offset(link)
                await _set_clock(link)
            if believed := tally.believed([await _counter(link)]):
                yield believed
        else:
            counters = [Counter(at, packets.steps(data)) for uuid, at, data in burst if uuid == packets.STEPS]
            charges = [Charge(at, packets.percent(data)) for uuid, at, data in burst if uuid == packets.BATTERY]
            readings: list[Reading] = [*tally.believed(counters), *charges]
            if readings:
                yield readings
            await link.pause(SPACING)


async def nudge(link: Link, _: Session, message: Message) -> Answer | None:
    """Show the words with one weak buzz; if strong, ring like a call, and the wearer may press a button."""
    if not message.strong:
        await link.write(packets.NEW_ALERT, Alert(message.title, message.body).packet(), response=True)
        return None
    await link.subscribe(packets.EVENT)
    await link.write(packets.NEW_ALERT, Alert(message.title, call=True).packet(), response=True)
    try:
        pressed = await link.notification(packets.EVENT, timeout=RINGING)
    except NoReply:
        answer = None
    else:
        answer = ANSWERS[packets.press(pressed.data)]
    await link.unsubscribe(packets.EVENT)
    return answer


class Tally:
    """Tells which readings of the counter can be believed.

    From 1.16 on all of them (`fresh`). Before that a counter that stands still may mean that the wearer does, or that
    the watch does not look: then a reading counts only if it differs from the one before, or if another did so within
    `EVIDENCE`. Where nothing is believed the time stays unknown, which is not sitting.
    """

    def __init__(self, zone: ZoneInfo, *, fresh: bool) -> None:
        self._zone, self._fresh = zone, fresh
        self._last: Counter | None = None
        self._changed: datetime | None = None

    def believed(self, burst: Sequence[Counter]) -> list[Counter]:
        """Of readings that came at once, in order: the last one, and those before a reset, if they can be believed.

        On old firmware a value right before a reset is yesterday's total told again, and is left out.
        """
        last = self._last
        new = [counter for counter in burst if last is None or counter.at >= last.at]
        peaks = [here for here, after in pairwise([*new, None]) if here and (not after or after.steps < here.steps)]
        return [counter for counter in (peaks if self._fresh else peaks[-1:]) if self._believable(counter)]

    def _believable(self, counter: Counter) -> bool:
        last, self._last = self._last, counter
        if self._fresh:
            return True
        if last is None:
            return False
        if counter.steps != last.steps:
            self._changed = counter.at
        elif counter.steps and self._day(counter) != self._day(last):
            self._changed = None  # a counter that outlives midnight was not looked at
        return self._changed is not None and counter.at - self._changed <= EVIDENCE

    def _day(self, counter: Counter) -> int:
        return counter.at.astimezone(self._zone).toordinal()


async def _burst(link: Link, until: datetime, settle: timedelta) -> Sequence[Received]:
    """What comes at once: the first notification, and all until `settle` later. Raises `NoReply` if none came."""
    of = (packets.STEPS, packets.BATTERY)
    burst = [await link.notification(*of, timeout=_left(link, until))]
    end = link.now() + settle
    with contextlib.suppress(NoReply, LinkLost):  # what has come is reported first; the next call finds the link lost
        while True:
            burst.append(await link.notification(*of, timeout=_left(link, end)))
    return burst


def _left(link: Link, until: datetime) -> timedelta:
    return max(until - link.now(), timedelta())


async def _counter(link: Link) -> Counter:
    data = await link.read(packets.STEPS)
    return Counter(link.now(), packets.steps(data))


async def _firmware(link: Link) -> Firmware:
    return packets.firmware(packets.text(await link.read(packets.FIRMWARE)))


def _offset(link: Link) -> timedelta | None:
    return link.now().astimezone(link.zone).utcoffset()


async def _set_clock(link: Link) -> None:
    now = link.now()
    await link.write(packets.CURRENT_TIME, packets.wall_clock(now.astimezone(link.zone)), response=True)
    if link.has(packets.LOCAL_TIME):
        await link.write(packets.LOCAL_TIME, packets.local_time(now, link.zone), response=True)
