"""The adapter's side of a simulation: scans for bands and connects to them, on Bumble's host.

As on a real adapter, there can be any number of scans and connections, but only one attempt to connect at a time. This
module raises Bleak's errors but does not implement Bleak's interface, which `backend` adds. Workarounds for defects of
Bumble are numbered as in the package's docstring.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from bleak.exc import BleakError
from bumble import core, hci
from bumble.device import Advertisement, Connection, Device, DeviceConfiguration
from bumble.host import Host
from bumble.transport.common import TransportSink, TransportSource
from bumble.utils import AsyncRunner

log = logging.getLogger(__name__)

ABORT_S, RESET_S = 2.0, 10.0
"""Seconds to wait for the end of a connection or of an attempt to connect, and seconds to wait for a reset. Bumble
alone would wait for ever (defect 10)."""


@asynccontextmanager
async def central(
    source: TransportSource, sink: TransportSink, address: str, mtu: int
) -> AsyncGenerator[Central, None]:
    """Power on a central with this address, and switch it off at the end of the block.

    `source` and `sink` are the two directions of HCI to its controller. `mtu` is the largest MTU, in bytes, that it
    agrees to. Raises Bumble's errors and `TimeoutError`.
    """
    own = Central(source, sink, address, mtu)
    try:
        async with asyncio.timeout(RESET_S):
            await own.device.power_on()
        yield own
    finally:
        await power_off(own.device)


async def power_off(device: Device) -> None:
    """End a device's connections and switch it off. Then give those Bumble tasks that nobody awaits the time to end."""
    with contextlib.suppress(core.BaseBumbleError, TimeoutError):
        async with asyncio.timeout(ABORT_S):
            for connection in list(device.connections.values()):
                await connection.disconnect()
            await device.power_off()
    for _ in range(100):
        await asyncio.sleep(0)
        if not AsyncRunner.running_tasks:  # pyright: ignore[reportUnknownMemberType]  # Bumble's
            return


class _Host(Host):
    """Bumble's host, except that a packet that cannot be parsed is dropped instead of raising an error (defect 17)."""

    def on_packet(self, packet: bytes) -> None:
        try:
            super().on_packet(packet)
        except (struct.error, LookupError, ValueError, core.BaseBumbleError) as error:
            log.debug("a packet of %d bytes was dropped: %s", len(packet), error)


class Central:
    """A Bluetooth central in software. `backend.backends` makes the classes of Bleak's scanner and client for it."""

    def __init__(self, source: TransportSource, sink: TransportSink, address: str, mtu: int) -> None:
        """`address` is a static random one (defect 5). `mtu` is the largest MTU, in bytes, that this agrees to."""
        configuration = DeviceConfiguration(name="hipsync", address=hci.Address(address))
        self.device = Device(config=configuration, host=_Host(source, sink))
        self.device.on(Device.EVENT_ADVERTISEMENT, self._heard)
        self.mtu = mtu
        self.known: dict[str, hci.Address] = {}
        """By address as text, the address with its type of each device heard. Bumble needs the type to connect."""
        self._listeners: list[Callable[[Advertisement], None]] = []
        self._scanning, self._connecting = asyncio.Lock(), asyncio.Lock()

    def _heard(self, report: Advertisement) -> None:
        self.known[report.address.to_string(False)] = report.address
        for listener in list(self._listeners):
            listener(report)

    async def listen(self, listener: Callable[[Advertisement], None], *, active: bool) -> None:
        """Call `listener` for each advertisement from now on, until `unlisten`.

        Whether the scan is active depends on the first listener's `active` alone.
        """
        async with self._scanning:
            if not self._listeners:
                await self.device.start_scanning(active=active, filter_duplicates=False)
            self._listeners.append(listener)

    async def unlisten(self, listener: Callable[[Advertisement], None]) -> None:
        """Stop calling `listener`. The scan ends with the last listener."""
        async with self._scanning:
            if listener in self._listeners:
                self._listeners.remove(listener)
                if not self._listeners and self.device.scanning:
                    await self.device.stop_scanning()

    async def connect(self, peer: hci.Address) -> Connection:
        """Connect to a device. Cancelling this leaves no attempt pending in the controller (defect 2).

        Raises `BleakError`.
        """
        async with self._connecting:
            resolver = self.device.address_resolver
            bonded = resolver is not None and resolver.can_resolve_to(peer)
            if bonded:  # defect 12: a listener of our own keeps the scan going after Bumble's attempt
                await self.listen(_nothing, active=True)
            attempt = asyncio.ensure_future(self.device.connect(peer, timeout=None))
            try:
                return await asyncio.shield(attempt)
            except asyncio.CancelledError:
                await self._abort(attempt)
                if cancelled_from_outside():
                    raise
                raise BleakError("the controller went away") from None
            except (core.BaseBumbleError, hci.HCI_Error) as error:
                raise BleakError(f"failed to connect to {peer.to_string(False)}: {error}") from error
            finally:
                if bonded:
                    await self.unlisten(_nothing)

    async def _abort(self, attempt: asyncio.Future[Connection]) -> None:
        """End an attempt to connect, in the controller too. If it has succeeded meanwhile, end the connection."""
        with contextlib.suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(ABORT_S):
                if not self.device.is_le_connecting:
                    await asyncio.sleep(0.1)  # the command to connect may still be on its way
                if self.device.is_le_connecting or attempt.done():
                    await self.device.cancel_connection()  # type: ignore[no-untyped-call]  # pyright: ignore[reportUnknownMemberType]
                    await (await attempt).disconnect()  # it was connected before it was cancelled
        attempt.cancel()


def _nothing(_: Advertisement) -> None:
    return


def cancelled_from_outside() -> bool:
    """Whether the current task was cancelled. If not, a `CancelledError` in it means that a link is lost (defect 3)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
