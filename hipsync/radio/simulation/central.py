"""A radio on Bumble's host: as in a real adapter any number of scans and connections, one attempt at a time.

Remedies for defects of Bumble are numbered as in the package's docstring.
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
"""Bumble itself waits for ever on both (defect 10)."""


@asynccontextmanager
async def central(
    source: TransportSource, sink: TransportSink, address: str, mtu: int
) -> AsyncGenerator[Central, None]:
    """A radio, powered on, on the controller behind these two. Raises Bumble's errors and `TimeoutError`."""
    radio = Central(source, sink, address, mtu)
    try:
        async with asyncio.timeout(RESET_S):
            await radio.device.power_on()
        yield radio
    finally:
        await power_off(radio.device)


async def power_off(device: Device) -> None:
    """Close what is open, and let the tasks end that Bumble started and nobody else awaits."""
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
    """Bumble's host, which drops what it cannot parse (defect 17)."""

    def on_packet(self, packet: bytes) -> None:
        try:
            super().on_packet(packet)
        except (struct.error, LookupError, ValueError, core.BaseBumbleError) as error:
            log.debug("a packet of %d bytes was dropped: %s", len(packet), error)


class Central:
    """A radio; `backend.doors` makes of it what Bleak wants."""

    def __init__(self, source: TransportSource, sink: TransportSink, address: str, mtu: int) -> None:
        """`address` is a static random one (defect 5); `mtu` the largest that it agrees to."""
        configuration = DeviceConfiguration(name="hipsync", address=hci.Address(address))
        self.device = Device(config=configuration, host=_Host(source, sink))
        self.device.on(Device.EVENT_ADVERTISEMENT, self._heard)
        self.mtu = mtu
        self.known: dict[str, hci.Address] = {}
        """By address as text: the address with its type, which Bumble needs to connect."""
        self._listeners: list[Callable[[Advertisement], None]] = []
        self._scanning, self._connecting = asyncio.Lock(), asyncio.Lock()

    def _heard(self, report: Advertisement) -> None:
        self.known[report.address.to_string(False)] = report.address
        for listener in list(self._listeners):
            listener(report)

    async def listen(self, listener: Callable[[Advertisement], None], *, active: bool) -> None:
        async with self._scanning:
            if not self._listeners:
                await self.device.start_scanning(active=active, filter_duplicates=False)
            self._listeners.append(listener)

    async def unlisten(self, listener: Callable[[Advertisement], None]) -> None:
        async with self._scanning:
            if listener in self._listeners:
                self._listeners.remove(listener)
                if not self._listeners and self.device.scanning:
                    await self.device.stop_scanning()

    async def connect(self, peer: hci.Address) -> Connection:
        """A connection; cancelling this leaves nothing pending in the controller (defect 2). Raises `BleakError`."""
        async with self._connecting:
            resolver = self.device.address_resolver
            bonded = resolver is not None and resolver.can_resolve_to(peer)
            if bonded:  # defect 12: keep up the scan that Bumble starts for it, and stops under everybody's feet
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
        with contextlib.suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(ABORT_S):
                if not self.device.is_le_connecting:
                    await asyncio.sleep(0.1)  # the command may be on its way
                if self.device.is_le_connecting or attempt.done():
                    await self.device.cancel_connection()  # type: ignore[no-untyped-call]  # pyright: ignore[reportUnknownMemberType]
                    await (await attempt).disconnect()  # it had won the race
        attempt.cancel()


def _nothing(_: Advertisement) -> None:
    return


def cancelled_from_outside() -> bool:
    """Somebody cancelled this task; Bumble raises the same error when a link drops (defect 3)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
