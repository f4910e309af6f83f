"""The ways to reach simulated bands: in this process, or in another one through a Bumble transport.

`simulated_radio` puts bands and an adapter on one air in this process. `serve` puts bands on an air for other
processes, and those reach them with the adapter that `bumble_adapter` opens.
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
"""The MTU in bytes that many bands agree to. With it a notification fits into one link-layer packet of 251 bytes."""
_OWN_ADDRESS = "F0:00:00:00:00:01"
_FIRST_ADDRESS = "C0:00:00:00:00:01"
_TCP_SERVER = "tcp-server"
_FOR_A_HOST = frozenset({"vhci", "pty", "unix-server", "ws-server"})
"""Transports whose other end is a host that needs a controller. The other end of all others, `tcp-server` aside, is a
controller."""
_PUBLIC_ADDRESS = "02:00:00:00:00:01"
"""The public address of a controller that serves a host. Linux connects from that address; all zeros would mean that
there is none."""


@dataclass(frozen=True, slots=True)
class SimulatedRadio:
    """A simulated adapter, its air, and the addresses of the bands there, in the order in which they were given."""

    adapter: Adapter
    air: Air
    addresses: tuple[str, ...]

    def reception(self, band: int = 0) -> Reception:
        """Return the reception of one band, for changes. `band` is the position of its address, counted from 0."""
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
    """Put bands on the air, with an adapter that reaches them, until the end of the block. Works on any event loop.

    The bands take the time from `now`. Their `addresses` must be static random ones; by default they are
    C0:00:00:00:00:01, C0:00:00:00:00:02 and so on. `mtu` is the largest MTU, in bytes, that both sides agree to. With
    a `bond`, the bands refuse reads and writes until they are bonded. Raises `ConfigError` for an unfit address. If a
    simulator raised an error, that error is raised at the end of the block.
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
    """Open an adapter on the controller behind a Bumble transport, and close it at the end of the block.

    The `transport` is, for example, `tcp-client:127.0.0.1:6402`, where `serve` waits at that address. `mtu` is the
    largest MTU, in bytes, that the adapter agrees to. Raises `BluetoothUnavailable`.
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
    """Serve bands to other processes until the end of the block. Yields the transport through which they are reached.

    What happens depends on the kind of `transport`:

    - `tcp-server:HOST:PORT` (port 0 means any free port) waits for clients such as `bumble_adapter`. Each client gets
      its own controller on the bands' air, and the controller's links end when the client leaves for whatever reason.
    - `vhci` and other transports that lead to a host give that host one controller. Linux, for example, then has an
      adapter with the bands in reach.
    - Any other transport leads to a controller, such as the dongle at `usb:0`, and carries exactly one band. The band
      is on the air for whatever that controller reaches.

    The other arguments are those of `simulated_radio`. Raises `BluetoothUnavailable` and `ConfigError`. If a simulator
    raised an error, that error is raised at the end of the block.
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
    """Open a Bumble transport, which is closed with the stack. Raises `BluetoothUnavailable`."""
    try:
        opened = await open_transport(transport)
    except Exception as error:  # libusb, pyserial, gRPC ...: each kind of transport has its own errors
        raise BluetoothUnavailable(f"the transport {transport} cannot be opened: {_why(error)}") from error
    stack.push_async_callback(opened.close)
    return opened


def _no_controller(transport: str, error: Exception) -> BluetoothUnavailable:
    return BluetoothUnavailable(f"no Bluetooth controller answers at {transport}: {_why(error)}")


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _accept_clients(stack: AsyncExitStack, air: Air, transport: str) -> str:
    """Accept TCP clients until the stack is closed. Returns the transport with which a client connects to this server.

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
    """The Bluetooth host of another process. It has a controller on the bands' air while its TCP connection is open."""

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
        except core.BaseBumbleError:  # not HCI: the client takes this for another server
            self.send_away()

    def on_packet(self, packet: bytes) -> None:
        """Send the client an HCI packet. Its controller calls this method."""
        if self._transport is not None:
            self._transport.write(packet)

    def send_away(self) -> asyncio.Future[None]:
        """End the client's connection. Returns a future that is done once the connection is closed."""
        if self._transport is not None:
            self._transport.abort()
        return self._gone

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._clients.discard(self)
        self._air.take_off(self._controller)
        self._gone.set_result(None)
