"""How a connection with a Garmin watch begins: a lane that is free, a bond if the watch wants one, and the handles.

A `Lane` is the host's side of Multi-Link in one connection. `GarminDialogue.listen` gives it each packet. What a
service says is somebody else's business.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hipsync.driver import Link
from hipsync.errors import DeviceError, NotBonded
from hipsync_devices import gatt
from hipsync_devices.garmin import multilink
from hipsync_devices.garmin.channels import Channels, Heard
from hipsync_devices.garmin.multilink import AllClosed, Closed, Number, Registered, Status

ANSWERED = timedelta(seconds=15)
"""How long to wait for an answer of Multi-Link, or of GFDI to a request that needs no person."""
REGISTERED_AGAIN = 8
"""How many times in one connection a service is registered again that the watch has closed."""


class Lane:
    """The pair of characteristics that is taken in one connection, and the handles on it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._write = multilink.LANES[0][1]
        self._channels = Channels()
        self._controls = link.inbox(object)
        self._again = 0
        self._registering: Counter[int] = Counter()
        """How many answers the watch owes to registrations, by the number of the service."""

    async def find(self) -> int:
        """Register live steps on the first lane that is free, and return the status of the last one that was tried.

        Raises `DeviceError` if there is no lane, as in older watches.
        """
        status: int | None = None
        for notify, write in multilink.LANES:
            if not (self._link.has(notify) and self._link.has(write)):
                continue
            self._write = write
            await self._link.subscribe(notify)
            await gatt.courtesy(self._close_all())
            status = await self.bonded(Number.STEPS)
            if status != Status.IN_USE:
                break
        if status is None:
            raise DeviceError(
                "another make, or a Garmin of before 2017 or so: it has not the characteristics of Multi-Link"
            )
        return status

    async def bonded(self, service: int) -> int:
        """Register a service, after a bond if the watch wants one, and return the status. Raises `NotBonded`."""
        status = await self.register(service)
        if status == Status.PENDING_AUTHENTICATION:
            await self._link.bond()
            status = await self.register(service)
        if status == Status.PENDING_AUTHENTICATION:
            raise NotBonded("this watch wants to be paired: open its pairing screen")
        return status

    async def register(self, service: int) -> int:
        """Register a service, and return the status with which the watch answers. Raises `NoReply`."""
        self._controls.clear()
        await self._ask_for(service)
        until = self._link.now() + ANSWERED
        while True:
            told = await self._controls.take(max(until - self._link.now(), timedelta()))
            if isinstance(told, Registered) and told.service == service:
                return told.status

    async def anew(self, service: int) -> None:
        """Close the handle of a service if it has one, and register it once more. Raises `NoReply`."""
        if (request := self._channels.close(service)) is not None:
            await self._link.write(self._write, request)
        await self.register(service)

    async def _close_all(self) -> None:
        """Close the handles of an earlier connection. A watch that does not answer may be held by a phone."""
        self._channels.clear()
        self._controls.clear()
        await self._link.write(self._write, multilink.close_all())
        while not isinstance(await self._controls.take(ANSWERED), AllClosed):
            pass

    async def control(self, data: bytes) -> int | None:
        """Take a control packet, and return the number of the service that it gives a handle; None for any other.

        A service that the watch has closed unasked is registered again, and a handle that nobody asked for is not
        taken. Raises `MalformedPacket`, and `DeviceError` if the watch closes services on and on.
        """
        told = multilink.decode_control(data)
        if told.client != multilink.OURS:
            return None  # another program on the same connection
        if isinstance(told, Registered):
            if not self._registering[told.service]:
                return None
            self._registering[told.service] -= 1
        given: int | None = None
        if isinstance(told, Registered) and told.status == Status.OK:
            self._channels.registered(told)
            given = told.service
        elif isinstance(told, Closed) and self._channels.closed(told):
            await self._closed(told.service)
            return None
        if not isinstance(told, multilink.Unknown | Closed):
            self._controls.put(told)
        return given

    async def _closed(self, service: int) -> None:
        self._again += 1
        if self._again > REGISTERED_AGAIN:
            raise DeviceError("the watch closes again and again what was opened")
        await self._ask_for(service)

    async def _ask_for(self, service: int) -> None:
        self._registering[service] += 1
        await self._link.write(self._write, multilink.register(service))

    async def hear(self, packet: bytes) -> Heard | None:
        """Return what a packet carries, and tell a reliable handle that it has come; None if its handle is nobody's.

        Raises `MalformedPacket`.
        """
        heard = self._channels.hear(packet)
        if heard is not None and heard.receipt is not None:
            await self._link.write(self._write, heard.receipt)
        return heard

    async def send(self, service: int, data: bytes) -> None:
        """Send some data to a service; nothing if the watch has closed it."""
        packets = self._channels.packets(service, data, self._link.write_size)
        if packets:
            await self._link.write_whole(self._write, packets)
