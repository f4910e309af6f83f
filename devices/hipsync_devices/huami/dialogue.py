"""One connection with a Huami band of either generation: it logs in, and finds out what this band can do.

A band of the newer generation lists its endpoints after the login. That list, and the characteristics that there are,
decide: steps and battery may be told by an endpoint or by a characteristic, and so may the buzz be asked for. What is
on neither list this band cannot do. Minutes are fetched over characteristics from all of them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hipsync.driver import Abilities, Link, Message, Session
from hipsync.errors import DeviceError, MalformedPacket
from hipsync.model import MINUTE, Answer, Charge, Info, Reading
from hipsync_devices import gatt
from hipsync_devices.huami import endpoints, live, packets, protocol
from hipsync_devices.huami.channel import Channel
from hipsync_devices.huami.login import authenticate, key_of, what_else
from hipsync_devices.huami.models import model_on
from hipsync_devices.huami.packets import Battery, CurrentTime
from hipsync_devices.live_counter import utc_offset

ABILITIES = Abilities(
    history=MINUTE, live=True, buzz=True, text=True, battery=True, wear=True, sleep=True, heart_rate=True
)
"""The most that a band of this family may do."""
BUZZ, BETWEEN_BUZZES = timedelta(seconds=0.5), timedelta(seconds=1.5)
"""How long a band lets itself be searched for, which is felt as one short buzz, and how long before a second one."""


class Band:
    """A driver's side of one connection with one band; a `hipsync.driver.Dialogue`."""

    def __init__(self, link: Link, session: Session) -> None:
        self._link, self._session = link, session
        self._channel = Channel(link)
        self._abilities = ABILITIES

    @property
    def abilities(self) -> Abilities:
        return self._abilities

    async def listen(self) -> None:
        await self._channel.listen()

    # ------------------------------------------------------------------ opening

    async def open(self) -> Sequence[Reading]:
        """Log in and set the clock, and return the band's versions, serial number and battery level.

        A battery report that makes no sense is left out, because it is no reason to lose the steps. Raises
        `DeviceError` for a device that logs in and tells steps in none of the ways that this driver knows.
        """
        link = self._link
        newer = model_on(link, self._session.name).newer
        battery = await (self._opened_newer() if newer else self._opened_classic())
        info = Info(
            link.now(),
            firmware=await gatt.read_text(link, gatt.SOFTWARE_REVISION),
            hardware=await gatt.read_text(link, gatt.HARDWARE_REVISION),
            serial=await gatt.read_text(link, gatt.SERIAL_NUMBER),
        )
        await self._set_clock(newer=newer)
        stores = link.has(packets.FETCH) and link.has(packets.DATA)
        self._abilities = replace(
            ABILITIES,
            history=MINUTE if stores else None,
            live=self._lists(endpoints.STEPS) or link.has(packets.REALTIME_STEPS),
            buzz=self._lists(endpoints.FIND) or link.has(gatt.ALERT_LEVEL, gatt.IMMEDIATE_ALERT),
            text=link.has(gatt.NEW_ALERT),
            battery=battery is not None,
        )
        if not stores and not self._abilities.live:
            raise DeviceError("the band does not tell its steps in a way that hipsync knows: it is another model")
        return [info] if battery is None else [info, Charge(link.now(), battery.percent, battery.charging)]

    def _lists(self, endpoint: int) -> bool:
        return endpoint in self._channel.services

    async def _opened_classic(self) -> Battery | None:
        await authenticate(self._link, self._session, self._channel)
        report = await gatt.read_optional(self._link, packets.BATTERY)
        with suppress(MalformedPacket):
            return None if report is None else Battery.decode(report)
        return None

    async def _opened_newer(self) -> Battery | None:
        """Log in to a band of the newer generation, and return its battery report; None if it gives none.

        Live steps are switched off first: a band goes on with them that an earlier connection has switched on.
        """
        if not Channel.on(self._link):
            raise DeviceError(what_else(self._link))
        await self._channel.log_in(key_of(self._session))
        await gatt.courtesy(self._channel.learn())
        if self._lists(endpoints.STEPS):
            await gatt.courtesy(self._channel.say(endpoints.STEPS, endpoints.STOP_STEPS))
        return await gatt.courtesy(self._channel.battery())

    async def _set_clock(self, *, newer: bool) -> None:
        """Set the band's clock to local time and its offset from UTC, over its endpoint if it has one.

        Every connection does so, because the band knows neither of summer time nor of journeys.
        """
        link, channel = self._link, self._channel
        now = link.now()
        summer = bool(now.astimezone(link.zone).dst())
        clock = CurrentTime(now, packets.quarters_of(utc_offset(link)), summer)
        if self._lists(endpoints.CLOCK):
            done = bytes([endpoints.CLOCK_SET, packets.SUCCESS])
            if await gatt.courtesy(channel.ask(endpoints.CLOCK, endpoints.encode_clock(clock), done)) is not None:
                return
        whole = replace(clock, instant=now.replace(microsecond=0))
        word = whole.encode_newer() if newer else whole.encode()
        await gatt.courtesy(link.write(gatt.CURRENT_TIME, word, response=True))

    # ------------------------------------------------------------------ what may follow

    def sync(self) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield the minutes since the last one stored; see `protocol.sync`."""
        return protocol.sync(self._link, self._session)

    def watch(self) -> AsyncGenerator[Sequence[Reading], None]:
        """Yield the total of today's steps as it grows, and whatever else the band tells."""
        if self._lists(endpoints.STEPS):
            return live.watch(self._link, self._channel)
        return protocol.watch(self._link)

    async def nudge(self, message: Message) -> Answer | None:
        """Vibrate, twice if the message is strong, and show the text if the band has text; there is no answer."""
        if self._link.has(gatt.ALERT_LEVEL, gatt.IMMEDIATE_ALERT) or not self._lists(endpoints.FIND):
            await protocol.nudge(self._link, self._session, message)
            return None
        for number in range(2 if message.strong else 1):
            if number:
                await self._link.pause(BETWEEN_BUZZES)
            try:
                await self._channel.ask(endpoints.FIND, bytes([endpoints.START_FIND]), bytes([endpoints.FIND_STARTED]))
                await self._link.pause(BUZZ)
            finally:  # whatever has happened: some bands would go on for a minute
                await self._channel.say(endpoints.FIND, bytes([endpoints.STOP_FIND]))
        return None
