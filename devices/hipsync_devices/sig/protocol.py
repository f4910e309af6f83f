"""The conversation with a device that has standard services. It stores nothing, so the driver only listens to it.

All times are the host's. The Physical Activity Monitor service is not used, because nobody can decode it reliably: its
two open implementations disagree about headers, sessions and times, and home-made devices use its numbers for layouts
of their own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from hipsync.driver import Link, Message, Received, Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply
from hipsync.model import Charge, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.live_counter import utc_offset
from hipsync_devices.sig import packets
from hipsync_devices.sig.minutes import FLOWING, Minutes
from hipsync_devices.sig.packets import HeartRate, Level, Pace

T = TypeVar("T")

STREAMS = (gatt.HEART_RATE_MEASUREMENT, packets.RSC_MEASUREMENT)
NEEDS = frozenset({(packets.RSC_MEASUREMENT, b"")})
"""What the steps depend on; see `Driver.needs`."""
BUZZ = timedelta(seconds=4)
"""How long to let a device buzz before it is told to stop; some devices would never stop otherwise."""
PATIENCE = 20
"""How many malformed packets in a row are ignored; more are an error. The standard demands to ignore single ones."""


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """Set the device's clock and switch off its alarm for a lost link, where it allows that.

    Return its versions and battery level, as far as it reports them; the serial number is not read, because nothing
    needs it. Raises `DeviceError` if the device measures nothing of use.
    """
    if not any(link.has(stream) for stream in STREAMS):
        raise DeviceError("this device offers neither a heart rate nor a running speed as the standard has them")
    await _set_clock(link)
    await _hush(link)
    readings: list[Reading] = []
    firmware, hardware = await _text(link, packets.FIRMWARE_REVISION), await _text(link, gatt.HARDWARE_REVISION)
    if firmware or hardware:
        readings.append(Info(link.now(), firmware=firmware, hardware=hardware))
    battery = await _value(link, packets.BATTERY_LEVEL, packets.BATTERY_SERVICE)
    level = gatt.percent(battery or b"")
    if level is not None:
        readings.append(Charge(link.now(), level))
    return readings


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the readings that `Minutes` makes of the device's values: minutes, and whether it is worn.

    A minute is yielded ten seconds (`FLOWING`) after its end, because no later value can add to it. When the wearer's
    offset from UTC changes, the device's clock is set again.
    """
    streams = await _subscribed(link)
    minutes, malformed, offset = Minutes(), 0, _Offset(utc_offset(link), link.now())
    while True:
        readings: list[Reading] = []
        try:
            received = await link.notification(*streams, timeout=FLOWING)
        except NoReply:
            known_until = link.now()
        except LinkLost:
            if ended := minutes.finished(link.now()):
                yield ended
            raise
        else:
            known_until = received.at  # not now: more notifications may be waiting
            try:
                readings += _taken(minutes, received)
            except MalformedPacket:
                malformed += 1
                if malformed > PATIENCE:
                    raise
            else:
                malformed = 0
        readings += minutes.finished(known_until - FLOWING)
        if readings:
            yield readings
        offset = await _follow_summer_time(link, offset)


class _Offset(NamedTuple):
    """How far the wearer's zone was ahead of UTC, and when that was looked at."""

    value: timedelta
    at: datetime


async def _follow_summer_time(link: Link, known: _Offset) -> _Offset:
    """Set the device's clock if the wearer's offset from UTC has changed, and return what is known of it now.

    It is looked at every ten seconds, and not at each value, because the zone may come from a database.
    """
    if link.now() - known.at < FLOWING:
        return known
    now = _Offset(utc_offset(link), link.now())
    if now.value != known.value:
        await _set_clock(link)
    return now


async def nudge(link: Link, _: Session, message: Message) -> None:
    """Let the device buzz for four seconds; it cannot show the text. Raises `DeviceError` if the device cannot buzz.

    Each write names its service, because the service Link Loss has an Alert Level too.
    """
    if not link.has(gatt.ALERT_LEVEL, gatt.IMMEDIATE_ALERT):
        raise DeviceError("this device cannot buzz")
    level = Level.HIGH if message.strong else Level.MILD
    await link.write(gatt.ALERT_LEVEL, bytes([level]), service=gatt.IMMEDIATE_ALERT)
    await link.pause(BUZZ)
    await link.write(gatt.ALERT_LEVEL, bytes([Level.NONE]), service=gatt.IMMEDIATE_ALERT)


def _taken(minutes: Minutes, received: Received) -> Sequence[Reading]:
    if received.uuid == packets.RSC_MEASUREMENT:
        minutes.pace(received.at, Pace.decode(received.data))
        return []
    return minutes.heart(received.at, HeartRate.decode(received.data))


async def _subscribed(link: Link) -> Sequence[str]:
    """Subscribe to heart rate and pace, and return the UUIDs of those that the device has and allows.

    If there are none, raises the device's last refusal.
    """
    heard: list[str] = []
    refusal = DeviceError("this device measures nothing of use")
    for stream in STREAMS:
        if link.has(stream):
            try:
                await link.subscribe(stream)
            except (LinkLost, NoReply):
                raise
            except DeviceError as error:
                refusal = error
            else:
                heard.append(stream)
    if not heard:
        raise refusal
    return heard


async def _set_clock(link: Link) -> None:
    """Set the device's clock to the wearer's local time, if it can be set; the standard does not demand that it can."""
    if link.has(gatt.CURRENT_TIME, packets.CURRENT_TIME_SERVICE):
        clock = packets.wall_clock(link.now().astimezone(link.zone))
        await _allowed(link.write(gatt.CURRENT_TIME, clock, response=True, service=packets.CURRENT_TIME_SERVICE))


async def _hush(link: Link) -> None:
    """Switch off the device's alarm for a lost link, because the link is lost whenever the wearer walks away."""
    alarm = await _value(link, gatt.ALERT_LEVEL, packets.LINK_LOSS)
    if alarm is not None and alarm != bytes([Level.NONE]):
        await _allowed(link.write(gatt.ALERT_LEVEL, bytes([Level.NONE]), response=True, service=packets.LINK_LOSS))


async def _text(link: Link, characteristic: str) -> str | None:
    value = await _value(link, characteristic, gatt.DEVICE_INFORMATION)
    return None if value is None else gatt.text(value)


async def _value(link: Link, characteristic: str, service: str) -> bytes | None:
    """Read a characteristic and return its value; None if the device does not have it, or refuses the read."""
    return await _allowed(link.read(characteristic, service=service)) if link.has(characteristic, service) else None


async def _allowed(operation: Awaitable[T]) -> T | None:
    """Await an optional operation and return its result; None if the device refuses it.

    `LinkLost` and `NoReply` are raised.
    """
    try:
        return await operation
    except (LinkLost, NoReply):
        raise
    except DeviceError:
        return None
