"""The ways to reach simulated bands: in this process, or in another one through a Bumble transport.

`simulated_radio` puts bands and an adapter on one air in this process. `serve` puts bands on an air for other
processes, and `bumble_adapter` is the adapter with which such a process reaches them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from bumble import core, hci
from bumble.transport import open_transport
from bumble.transport.common import PacketParser, Transport

from hipsync.errors import BluetoothUnavailable, ConfigError
from hipsync.radio.scan import Adapter
from hipsync.radio.simulation.air import Air
from hipsync.radio.simulation.backend import backends
from hipsync.radio.simulation.central import central
from hipsync.radio.simulation.lean import make_lean
from hipsync.radio.simulation.peripheral import Bond, on_the_air
from hipsync.radio.simulation.reception import Reception
from hipsync.simulated import SimulatedBand

MTU = 247
"""The MTU in bytes that many bands agree to: a notification then fits one link-layer packet of 251 bytes."""
_OWN_ADDRESS = "F0:00:00:00:00:01"
_FIRST_ADDRESS = "C0:00:00:00:00:01"
_TCP_SERVER = "tcp-server"
_FOR_A_HOST = frozenset({"vhci", "pty", "unix-server", "ws-server"})
"""Transports at whose other end there is a host that needs a controller; at all others there is a controller."""
_PUBLIC_ADDRESS = "02:00:00:00:00:01"
"""The address of the controller of a host that connects from its public address, as Linux does; zero means none."""


@dataclass(frozen=True, slots=True)
class SimulatedRadio:
    """An adapter, the air that it is on, and the addresses of the bands there in the order in which they were given."""

    adapter: Adapter
    air: Air
    addresses: tuple[str, ...]

    def reception(self, band: int = 0) -> Reception:
        """How one of the bands is received, by its place among the addresses; to be changed at will."""
        return self.air.reception(self.addresses[band])


@asynccontextmanager
async def simulated_radio(
    bands: Sequence[SimulatedBand],
    *,
    now: Callable[[], datetime],
    addresses: Sequence[str] | None = None,
    mtu: int = MTU,
    bond: Bond | None = None,
) -> AsyncGenerator[SimulatedRadio, None]:
    """Put bands on the air, with an adapter that reaches them, until the end of the block; on any event loop.

    The bands see the time of `now`. Their `addresses` must be static random ones; by default they are
    C0:00:00:00:00:01 and so on. `mtu`, in bytes, is the largest that both sides agree to. With `bond` the bands ask for
    one. Raises `ConfigError` for an unfit address, and at the end the error of a simulator that raised one.
    """
    make_lean()
    air = Air()
    async with AsyncExitStack() as stack:
        placed = await _put_on_the_air(stack, air, bands, addresses, now, mtu, bond)
        own = air.adapter_controller("radio")
        stack.callback(air.take_off, own)
        powered_on = await stack.enter_async_context(central(own, own, _OWN_ADDRESS, mtu))
        yield SimulatedRadio(Adapter(*backends(powered_on)), air, placed)


async def _put_on_the_air(
    stack: AsyncExitStack,
    air: Air,
    bands: Sequence[SimulatedBand],
    addresses: Sequence[str] | None,
    now: Callable[[], datetime],
    mtu: int,
    bond: Bond | None = None,
) -> tuple[str, ...]:
    """Put bands on the air until the stack is closed, and return their addresses. Raises `ConfigError`."""
    numbers = range(1, len(bands) + 1)
    placed = tuple(addresses or (f"C0:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}" for number in numbers))
    for address, band in zip(placed, bands, strict=True):
        _check_address(address)
        controller = air.band_controller(address)
        stack.callback(air.take_off, controller)
        await stack.enter_async_context(
            on_the_air(band, controller, controller, address=address, mtu=mtu, now=now, bond=bond)
        )
    return placed


def _check_address(address: str) -> None:
    """Raise `ConfigError` unless this is a static random address (Core specification, volume 6, part B, 1.3.2.1)."""
    if not re.fullmatch(r"[C-F][0-9A-F](:[0-9A-F]{2}){5}", address):
        raise ConfigError(f"{address!r} is no address for a simulated band: it must be like C0:00:00:00:00:01")


@asynccontextmanager
async def bumble_adapter(transport: str, *, mtu: int = MTU) -> AsyncGenerator[Adapter, None]:
    """An adapter on the controller behind a Bumble transport, such as `tcp-client:127.0.0.1:6402` where `serve` waits.

    It works until the end of the block. `mtu`, in bytes, is the largest that it agrees to. Raises
    `BluetoothUnavailable`.
    """
    async with AsyncExitStack() as stack:
        opened = await _opened(stack, transport)
        address = hci.Address.generate_static_address().to_string(False)
        try:
            powered_on = await stack.enter_async_context(central(opened.source, opened.sink, address, mtu))
        except (core.BaseBumbleError, hci.HCI_Error, TimeoutError) as error:
            raise _no_controller(transport, error) from error
        yield Adapter(*backends(powered_on))


@asynccontextmanager
async def serve(
    bands: Sequence[SimulatedBand],
    transport: str,
    now: Callable[[], datetime],
    *,
    addresses: Sequence[str] | None = None,
    mtu: int = MTU,
    bond: Bond | None = None,
) -> AsyncGenerator[str, None]:
    """Serve bands to other processes until the end of the block. Yields the transport by which they are reached.

    What happens depends on the other end of `transport`:

    - `tcp-server:HOST:PORT` (port 0: any free one) waits for clients such as `bumble_adapter`. Each gets a controller
      of its own on the bands' air, and its links end when the client goes, however it goes.
    - `vhci` and other transports with a host at their end give that host one controller: Linux then sees an adapter
      with the bands in reach.
    - Any other transport has a controller at its end, such as the dongle of `usb:0`. It carries one band to whatever
      that controller reaches.

    The other arguments are those of `simulated_radio`. Raises `BluetoothUnavailable` and `ConfigError`, and at the end
    the error of a simulator that raised one.
    """
    make_lean()
    kind = transport.partition(":")[0]
    async with AsyncExitStack() as stack:
        if kind != _TCP_SERVER and kind not in _FOR_A_HOST:
            await _serve_on_controller(stack, bands, transport, addresses, now, mtu, bond)
            yield transport
            return
        air = Air()
        await _put_on_the_air(stack, air, bands, addresses, now, mtu, bond)
        if kind == _TCP_SERVER:
            yield await _accept_clients(stack, air, transport)
        else:
            opened = await _opened(stack, transport)
            controller = air.adapter_controller(transport)
            controller.public_address = hci.Address(_PUBLIC_ADDRESS, hci.Address.PUBLIC_DEVICE_ADDRESS)
            stack.callback(air.take_off, controller)
            controller.set_packet_sink(opened.sink)
            opened.source.set_packet_sink(controller)
            yield transport


async def _serve_on_controller(
    stack: AsyncExitStack,
    bands: Sequence[SimulatedBand],
    transport: str,
    addresses: Sequence[str] | None,
    now: Callable[[], datetime],
    mtu: int,
    bond: Bond | None,
) -> None:
    """Serve one band on the controller behind a transport until the stack is closed.

    Raises `BluetoothUnavailable` and `ConfigError`.
    """
    if len(bands) != 1:
        raise ConfigError(f"the controller behind {transport} carries one band, not {len(bands)}")
    (address,) = addresses or (_FIRST_ADDRESS,)
    _check_address(address)
    opened = await _opened(stack, transport)
    band = on_the_air(bands[0], opened.source, opened.sink, address=address, mtu=mtu, now=now, bond=bond)
    try:
        await stack.enter_async_context(band)
    except (core.BaseBumbleError, hci.HCI_Error, TimeoutError) as error:
        raise _no_controller(transport, error) from error


async def _opened(stack: AsyncExitStack, transport: str) -> Transport:
    """Open a Bumble transport until the stack is closed. Raises `BluetoothUnavailable`."""
    try:
        opened = await open_transport(transport)
    except Exception as error:  # libusb, pyserial, gRPC ...: each kind of transport has errors of its own
        raise BluetoothUnavailable(f"the transport {transport} cannot be opened: {_why(error)}") from error
    stack.push_async_callback(opened.close)
    return opened


def _no_controller(transport: str, error: Exception) -> BluetoothUnavailable:
    return BluetoothUnavailable(f"no Bluetooth controller answers at {transport}: {_why(error)}")


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _accept_clients(stack: AsyncExitStack, air: Air, transport: str) -> str:
    """Accept TCP clients until the stack is closed, and return the transport by which a client reaches this.

    Raises `BluetoothUnavailable` and `ConfigError`.
    """
    try:
        _, host, port = transport.split(":")
        clients: set[_RemoteHost] = set()
        server = await asyncio.get_running_loop().create_server(lambda: _RemoteHost(air, clients), host, int(port))
    except ValueError as error:
        raise ConfigError(f"{transport!r} is not a transport: write {_TCP_SERVER}:HOST:PORT") from error
    except OSError as error:
        raise BluetoothUnavailable(f"the transport {transport} cannot be opened: {_why(error)}") from error

    async def close() -> None:
        server.close()
        gone = [client.send_away() for client in clients]
        await server.wait_closed()
        await asyncio.gather(*gone)

    stack.push_async_callback(close)
    return f"tcp-client:{host}:{server.sockets[0].getsockname()[1]}"


class _RemoteHost(asyncio.Protocol):
    """Another process's Bluetooth host: it has a controller on the bands' air while its TCP connection stands."""

    def __init__(self, air: Air, clients: set[_RemoteHost]) -> None:
        self._air, self._clients = air, clients
        self._controller = air.adapter_controller("client")
        self._parser = PacketParser(self._controller)
        self._transport: asyncio.Transport | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._controller.set_packet_sink(self)
        self._clients.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except core.BaseBumbleError:  # not HCI: a client of something else
            self.send_away()

    def on_packet(self, packet: bytes) -> None:
        """Send the client an HCI packet, for which its controller calls this."""
        if self._transport is not None:
            self._transport.write(packet)

    def send_away(self) -> asyncio.Future[None]:
        """End the client's connection. Returns a future that is done when it has gone."""
        if self._transport is not None:
            self._transport.abort()
        return self._gone

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._clients.discard(self)
        self._air.take_off(self._controller)
        self._gone.set_result(None)
