"""The conversation with a device of standard services: it is only listened to, for such devices store nothing.

All times are the host's. The Physical Activity Monitor service is not used, for nobody can decode it with certainty:
its two open implementations disagree about headers, sessions and times, and do-it-yourself devices use its numbers for
layouts of their own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

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
BUZZ = timedelta(seconds=4)
"""How long to buzz: some devices do not stop by themselves."""
PATIENCE = 20
"""Malformed packets in a row that are ignored, as the services demand for single ones; more are an error."""


async def opened(link: Link, _: Session) -> Sequence[Reading]:
    """Set the device's clock and switch off its alarm for a lost link, where it allows that; its versions and battery.

    The serial number is not read: nothing needs it. Raises `DeviceError` if the device measures nothing of use.
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
    if battery is not None:
        with suppress(MalformedPacket):  # above 100: some devices send 255 for unknown
            readings.append(Charge(link.now(), packets.percent(battery)))
    return readings


async def watch(link: Link, _: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Minutes and wear, as `Minutes` makes them; when summer time begins or ends, the clock is set again.

    A minute is reported `FLOWING` after its end, when nothing more of it can come.
    """
    streams = await _subscribed(link)
    minutes, malformed, offset = Minutes(), 0, utc_offset(link)
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


async def _follow_summer_time(link: Link, offset: timedelta) -> timedelta:
    """Set the device's clock if the offset of the wearer's zone is another one now, which is returned."""
    if utc_offset(link) != offset:
        await _set_clock(link)
    return utc_offset(link)


async def nudge(link: Link, _: Session, message: Message) -> None:
    """Buzz for some seconds; such devices show no text. Raises `DeviceError` if the device cannot buzz.

    The service is named in each write, for Link Loss has an Alert Level too.
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
    """The streams that could be subscribed to. Raises the device's last refusal if there is none."""
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
    """Set the device to the wearer's wall clock, if its clock can be set, which the standard does not demand."""
    if link.has(gatt.CURRENT_TIME, packets.CURRENT_TIME_SERVICE):
        clock = packets.wall_clock(link.now().astimezone(link.zone))
        await _allowed(link.write(gatt.CURRENT_TIME, clock, response=True, service=packets.CURRENT_TIME_SERVICE))


async def _hush(link: Link) -> None:
    """Switch off the alarm for a lost link, for the link is lost whenever the wearer walks away."""
    alarm = await _value(link, gatt.ALERT_LEVEL, packets.LINK_LOSS)
    if alarm is not None and alarm != bytes([Level.NONE]):
        await _allowed(link.write(gatt.ALERT_LEVEL, bytes([Level.NONE]), response=True, service=packets.LINK_LOSS))


async def _text(link: Link, characteristic: str) -> str | None:
    value = await _value(link, characteristic, gatt.DEVICE_INFORMATION)
    return None if value is None else gatt.text(value)


async def _value(link: Link, characteristic: str, service: str) -> bytes | None:
    """The value of a characteristic; None if the device does not have it, or refuses the read."""
    return await _allowed(link.read(characteristic, service=service)) if link.has(characteristic, service) else None


async def _allowed(operation: Awaitable[T]) -> T | None:
    """The result of an operation; None if the device refuses it, for all of these are optional."""
    try:
        return await operation
    except (LinkLost, NoReply):
        raise
    except DeviceError:
        return None
