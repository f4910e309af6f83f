"""Ways to reach simulated bands: in this process, or in another one through a Bumble transport."""

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
from hipsync.radio.simulation.backend import doors
from hipsync.radio.simulation.central import central
from hipsync.radio.simulation.lean import make_lean
from hipsync.radio.simulation.peripheral import Bond, on_the_air
from hipsync.radio.simulation.reception import Reception
from hipsync.simulated import SimulatedBand

MTU = 247
"""What many bands agree to: one link-layer packet of 251 bytes a notification."""
_OWN_ADDRESS = "F0:00:00:00:00:01"
_FIRST_ADDRESS = "C0:00:00:00:00:01"
_TCP_SERVER = "tcp-server"
_FOR_A_HOST = frozenset({"vhci", "pty", "unix-server", "ws-server"})
"""Transports at whose other end somebody looks for a controller; at all others there is one."""
_PUBLIC_ADDRESS = "02:00:00:00:00:01"
"""Of the controller for a host that, as Linux does, connects from its public address; zero would be none."""


@dataclass(frozen=True, slots=True)
class SimulatedRadio:
    """A radio, the air, and where on it the bands are, in the order in which they were given."""

    adapter: Adapter
    air: Air
    addresses: tuple[str, ...]

    def reception(self, band: int = 0) -> Reception:
        """How one of the bands is received: the knobs that spoil it."""
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
    """Bands that live by `now`, and a radio that reaches them, on any event loop. With `bond` they ask for one.

    Without `addresses`, static random ones, the bands have C0:00:00:00:00:01 and so on. Raises `ConfigError`, and at
    the end what a band raised that it should not have.
    """
    make_lean()
    air = Air()
    async with AsyncExitStack() as stack:
        placed = await _on_the_air(stack, air, bands, addresses, now, mtu, bond)
        own = air.radio_controller("radio")
        stack.callback(air.take_off, own)
        radio = await stack.enter_async_context(central(own, own, _OWN_ADDRESS, mtu))
        yield SimulatedRadio(Adapter(*doors(radio)), air, placed)


async def _on_the_air(
    stack: AsyncExitStack,
    air: Air,
    bands: Sequence[SimulatedBand],
    addresses: Sequence[str] | None,
    now: Callable[[], datetime],
    mtu: int,
    bond: Bond | None = None,
) -> tuple[str, ...]:
    numbers = range(1, len(bands) + 1)
    placed = tuple(addresses or (f"C0:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}" for number in numbers))
    for address, band in zip(placed, bands, strict=True):
        _check(address)
        controller = air.band_controller(address)
        stack.callback(air.take_off, controller)
        await stack.enter_async_context(
            on_the_air(band, controller, controller, address=address, mtu=mtu, now=now, bond=bond)
        )
    return placed


def _check(address: str) -> None:
    """Raises `ConfigError` unless it is a static random address (Core specification, volume 6, part B, 1.3.2.1)."""
    if not re.fullmatch(r"[C-F][0-9A-F](:[0-9A-F]{2}){5}", address):
        raise ConfigError(f"{address!r} is no address for a simulated band: it must be like C0:00:00:00:00:01")


@asynccontextmanager
async def bumble_adapter(transport: str, *, mtu: int = MTU) -> AsyncGenerator[Adapter, None]:
    """The Bluetooth controller behind a Bumble transport, such as `tcp-client:127.0.0.1:6402` where `serve` waits.

    Raises `BluetoothUnavailable`.
    """
    async with AsyncExitStack() as stack:
        opened = await _opened(stack, transport)
        address = hci.Address.generate_static_address().to_string(False)
        try:
            radio = await stack.enter_async_context(central(opened.source, opened.sink, address, mtu))
        except (core.BaseBumbleError, hci.HCI_Error, TimeoutError) as error:
            raise _no_controller(transport, error) from error
        yield Adapter(*doors(radio))


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
    """Bands for other processes; yields the transport by which they are reached. With `bond` they ask for one.

    `tcp-server:HOST:PORT` (port 0: any free one) gives every client, such as `bumble_adapter`, a controller of its own
    on the bands' air, and ends its links when the client goes, however it goes. `vhci` and others at whose end
    there is a host give it one controller: Linux sees an adapter, with the bands in reach. At the end of any other
    transport is a controller (`usb:0`: a dongle), which carries one band to whatever that controller reaches.
    Raises `BluetoothUnavailable` and `ConfigError`, and at the end what a band raised that it should not have.
    """
    make_lean()
    kind = transport.partition(":")[0]
    async with AsyncExitStack() as stack:
        if kind != _TCP_SERVER and kind not in _FOR_A_HOST:
            await _on_a_controller(stack, bands, transport, addresses, now, mtu, bond)
            yield transport
            return
        air = Air()
        await _on_the_air(stack, air, bands, addresses, now, mtu, bond)
        if kind == _TCP_SERVER:
            yield await _tcp_server(stack, air, transport)
        else:
            opened = await _opened(stack, transport)
            controller = air.radio_controller(transport)
            controller.public_address = hci.Address(_PUBLIC_ADDRESS, hci.Address.PUBLIC_DEVICE_ADDRESS)
            stack.callback(air.take_off, controller)
            controller.set_packet_sink(opened.sink)
            opened.source.set_packet_sink(controller)
            yield transport


async def _on_a_controller(
    stack: AsyncExitStack,
    bands: Sequence[SimulatedBand],
    transport: str,
    addresses: Sequence[str] | None,
    now: Callable[[], datetime],
    mtu: int,
    bond: Bond | None,
) -> None:
    if len(bands) != 1:
        raise ConfigError(f"the controller behind {transport} carries one band, not {len(bands)}")
    (address,) = addresses or (_FIRST_ADDRESS,)
    _check(address)
    opened = await _opened(stack, transport)
    band = on_the_air(bands[0], opened.source, opened.sink, address=address, mtu=mtu, now=now, bond=bond)
    try:
        await stack.enter_async_context(band)
    except (core.BaseBumbleError, hci.HCI_Error, TimeoutError) as error:
        raise _no_controller(transport, error) from error


async def _opened(stack: AsyncExitStack, transport: str) -> Transport:
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


async def _tcp_server(stack: AsyncExitStack, air: Air, transport: str) -> str:
    """Open, until the stack is closed; how a client reaches it."""
    try:
        _, host, port = transport.split(":")
        guests: set[_Guest] = set()
        server = await asyncio.get_running_loop().create_server(lambda: _Guest(air, guests), host, int(port))
    except ValueError as error:
        raise ConfigError(f"{transport!r} is not a transport: write {_TCP_SERVER}:HOST:PORT") from error
    except OSError as error:
        raise BluetoothUnavailable(f"the transport {transport} cannot be opened: {_why(error)}") from error

    async def close() -> None:
        server.close()
        gone = [guest.send_away() for guest in guests]
        await server.wait_closed()
        await asyncio.gather(*gone)

    stack.push_async_callback(close)
    return f"tcp-client:{host}:{server.sockets[0].getsockname()[1]}"


class _Guest(asyncio.Protocol):
    """A process that looks for the bands: a controller on their air, for as long as its TCP connection stands."""

    def __init__(self, air: Air, guests: set[_Guest]) -> None:
        self._air, self._guests = air, guests
        self._controller = air.radio_controller("guest")
        self._parser = PacketParser(self._controller)
        self._transport: asyncio.Transport | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._controller.set_packet_sink(self)
        self._guests.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except core.BaseBumbleError:  # not HCI: somebody else's client
            self.send_away()

    def on_packet(self, packet: bytes) -> None:
        """Called by the controller with what it has for its host."""
        if self._transport is not None:
            self._transport.write(packet)

    def send_away(self) -> asyncio.Future[None]:
        """Done when it is gone."""
        if self._transport is not None:
            self._transport.abort()
        return self._gone

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._guests.discard(self)
        self._air.take_off(self._controller)
        self._gone.set_result(None)
