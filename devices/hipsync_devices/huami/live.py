"""What a band of the newer generation tells while it is watched: its steps, and now and then that it feels a pulse.

The total is of the band's local day. It is told about once a minute, also while it does not change. A pulse shows that
the band is worn; it is felt for at most half a minute in each ten, because the light behind it takes much of a battery.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from hipsync.driver import Link
from hipsync.errors import DeviceError, MalformedPacket, NoReply
from hipsync.model import Charge, Counter, Reading, Wear
from hipsync_devices import gatt
from hipsync_devices.huami import endpoints, packets
from hipsync_devices.huami.channel import Channel, Told
from hipsync_devices.live_counter import burst, worth_storing

TICK = timedelta(seconds=10)
"""How often to look what is due while the band tells nothing, and to say that it is to go on measuring a pulse."""
AT_LEAST_EACH = timedelta(minutes=2)
"""The longest time without a total, after which the band is asked for it."""
PULSE_EACH, PULSE_FOR = timedelta(minutes=10), timedelta(seconds=30)
PULSES = range(20, 251)
"""The possible heart rates in beats a minute."""


async def watch(link: Link, channel: Channel) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the total of today's steps at once, whenever the band tells it, and at least every two minutes.

    Yield a battery level that the band tells, too, and that it is worn when it feels a pulse. Raises `NoReply` if the
    band tells nothing for two minutes and does not answer then.
    """
    channel.told.clear()
    channel.watched = True
    pulse = Pulse(link, channel)
    counted_at = link.now()
    try:
        if (total := await gatt.courtesy(_total(link, channel))) is not None:
            yield [total]
        await gatt.courtesy(channel.ask(endpoints.STEPS, endpoints.TELL_STEPS, bytes([endpoints.TELLS_STEPS])))
        while True:
            readings = _readings(await _told(link, channel))
            if any(isinstance(each, Counter) for each in readings):
                counted_at = link.now()
            elif link.now() - counted_at >= AT_LEAST_EACH:
                counted_at = link.now()
                readings = [*readings, await _total(link, channel)]
            if readings:
                yield readings
            await pulse.look(felt=any(isinstance(each, Wear) for each in readings))
    finally:
        channel.watched = False
        with suppress(DeviceError):  # the link may be gone; the next connection says it again
            await channel.say(endpoints.STEPS, endpoints.STOP_STEPS)
            await pulse.stop()


async def _total(link: Link, channel: Channel) -> Counter:
    said = await channel.ask(endpoints.STEPS, bytes([endpoints.ASK]), bytes([endpoints.ANSWER]))
    return Counter(link.now(), endpoints.decode_steps(said).steps)


async def _told(link: Link, channel: Channel) -> Sequence[Told]:
    async def next_by(until: datetime) -> Told:
        return await channel.told.take(max(until - link.now(), timedelta()))

    with suppress(NoReply):
        return await burst(link, next_by, link.now() + TICK)
    return ()


def _readings(told: Sequence[Told]) -> Sequence[Reading]:
    """Return the totals that are worth storing, and the rest, of all that makes sense in a burst."""
    found: list[Reading] = []
    for each in told:
        with suppress(MalformedPacket):
            found += _read(each)
    counters = [each for each in found if isinstance(each, Counter)]
    return [*worth_storing(counters), *(each for each in found if not isinstance(each, Counter))]


def _read(told: Told) -> Sequence[Reading]:
    """Return what one message says; nothing if it is none of those that matter here. Raises `MalformedPacket`."""
    if told.endpoint is None:
        return [Wear(told.at, worn=True)] if packets.decode_heart_rate(told.payload) in PULSES else []
    if told.endpoint == endpoints.STEPS:
        return [Counter(told.at, endpoints.decode_steps(told.payload).steps)]
    if told.endpoint == endpoints.BATTERY:
        battery = endpoints.decode_battery(told.payload)
        return [Charge(told.at, battery.percent, battery.charging)]
    return []


class Pulse:
    """When the heart rate is measured: from the beginning on and each ten minutes, until a pulse was felt."""

    def __init__(self, link: Link, channel: Channel) -> None:
        self._link, self._channel = link, channel
        self._can = endpoints.HEART_RATE in channel.services and link.has(gatt.HEART_RATE_MEASUREMENT)
        self._since: datetime | None = None
        """When the last measurement began; None before the first."""
        self._measures = False

    async def look(self, *, felt: bool) -> None:
        """Begin a measurement, go on with it, or end it, as is due; `felt` says that a pulse was felt just now."""
        now = self._link.now()
        if self._measures:
            if felt or (self._since is not None and now - self._since >= PULSE_FOR):
                await self.stop()
            else:
                await self._channel.say(endpoints.HEART_RATE, endpoints.GO_ON_MEASURING)
        elif self._can and (self._since is None or now - self._since >= PULSE_EACH):
            self._can = await self._subscribed()
            if self._can:
                self._since, self._measures = now, True
                await self._channel.say(endpoints.HEART_RATE, endpoints.MEASURE_HEART)

    async def _subscribed(self) -> bool:
        """Whether the band lets its heart rate be followed; a band that does not is asked no more."""
        try:
            await self._link.subscribe(gatt.HEART_RATE_MEASUREMENT)
        except NoReply:
            raise
        except DeviceError:
            return False
        return True

    async def stop(self) -> None:
        """End the measurement, if there is one."""
        if self._measures:
            self._measures = False
            await self._channel.say(endpoints.HEART_RATE, endpoints.STOP_MEASURING)
