"""A Bluetooth proxy in software: ESPHome's native API, in clear or encrypted, in front of a Bleak adapter.

It does what an ESP32 does, as far as hipsync can tell, with the messages that aioesphomeapi has. One client is told of
advertisements, the first that asks; it alone is answered about bands, and when it leaves, its bands are let go.
Requests to a band are done one after another.

Source: ESPHome's components/bluetooth_proxy and components/api (api_frame_helper_noise.cpp, api_connection.cpp).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Protocol

from aioesphomeapi import api_pb2, core
from aioesphomeapi.model import BluetoothProxyFeature as Feature
from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError, BleakGATTProtocolError
from cryptography.exceptions import InvalidTag
from noise.connection import NoiseConnection

from hipsync.radio.scan import Adapter
from hipsync.radio.simulation.air import Air
from hipsync.radio.simulation.backend import backends
from hipsync.radio.simulation.central import central
from hipsync.settings.config import Proxy as ProxySettings

pb: Any = api_pb2
"""The messages, whose classes are made at run time."""
HOST = "127.0.0.1"
KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()
MESSAGES: dict[int, Any] = vars(core)["MESSAGE_TYPE_TO_PROTO"]
NUMBERS = {message: number for number, message in MESSAGES.items()}
PROPERTIES = {"broadcast": 1, "read": 2, "write-without-response": 4, "write": 8, "notify": 16, "indicate": 32}
CCCD = "00002902-0000-1000-8000-00805f9b34fb"
NOT_CONNECTED, NO_CONNECTION, AUTHENTICATION_FAILED = -1, 0x85, 0x51
"""What ESP-IDF and ESPHome call errors; the first is ESPHome's own."""
ALL = (
    Feature.PASSIVE_SCAN | Feature.ACTIVE_CONNECTIONS | Feature.REMOTE_CACHING | Feature.PAIRING
    | Feature.CACHE_CLEARING | Feature.RAW_ADVERTISEMENTS | Feature.FEATURE_STATE_AND_MODE
)  # fmt: skip
PASSIVE = Feature.PASSIVE_SCAN | Feature.RAW_ADVERTISEMENTS | Feature.FEATURE_STATE_AND_MODE
OLDER = ALL & ~Feature.FEATURE_STATE_AND_MODE
"""As before ESPHome 2025.5: it does not say whether it tells somebody what it hears."""

Ask = Callable[[], Awaitable[None]]


class Frames(Protocol):
    """How messages are framed on one connection."""

    async def receive(self) -> tuple[int, bytes]:
        """Return the number and the bytes of the next message."""
        ...

    def framed(self, number: int, data: bytes) -> bytes: ...


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


class Clear:
    """Frames without encryption: a zero, the length, the number of the message."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    async def receive(self) -> tuple[int, bytes]:
        if (await self._reader.readexactly(1))[0] != 0:
            raise ConnectionAbortedError("Bad indicator byte")
        size, number = await self._varint(), await self._varint()
        return number, await self._reader.readexactly(size)

    def framed(self, number: int, data: bytes) -> bytes:
        return b"\0" + varint(len(data)) + varint(number) + data


class Sealed:
    """Frames encrypted with Noise (NNpsk0, 25519, ChaChaPoly, SHA256): a one, the length, what is sealed."""

    def __init__(self, reader: asyncio.StreamReader, key: str) -> None:
        self._reader = reader
        self._noise = NoiseConnection.from_name(b"Noise_NNpsk0_25519_ChaChaPoly_SHA256")
        self._noise.set_as_responder()
        self._noise.set_psks(base64.b64decode(key))
        self._noise.set_prologue(b"NoiseAPIInit\0\0")
        self._noise.start_handshake()

    async def _frame(self) -> bytes:
        head = await self._reader.readexactly(3)
        if head[0] != 1:
            raise ConnectionAbortedError("Bad indicator byte")
        return await self._reader.readexactly(int.from_bytes(head[1:], "big"))

    async def greet(self, write: Callable[[bytes], None], name: str, mac: str) -> None:
        """Shake hands. Raises `ConnectionAbortedError` with what the client is told if it has another key."""
        await self._frame()
        write(_in_frame(b"\1" + name.encode() + b"\0" + mac.encode() + b"\0"))
        hello = await self._frame()
        try:
            self._noise.read_message(hello[1:])
        except InvalidTag as error:
            raise ConnectionAbortedError("Handshake MAC failure") from error
        write(_in_frame(b"\0" + self._noise.write_message()))

    async def receive(self) -> tuple[int, bytes]:
        plain = self._noise.decrypt(await self._frame())
        return int.from_bytes(plain[:2], "big"), bytes(plain[4:])

    def framed(self, number: int, data: bytes) -> bytes:
        head = number.to_bytes(2, "big") + len(data).to_bytes(2, "big")
        return _in_frame(self._noise.encrypt(head + data))


def _in_frame(data: bytes) -> bytes:
    return b"\1" + len(data).to_bytes(2, "big") + data


class Client:
    """One program that is connected to the proxy."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.frames: Frames | None = None

    def send(self, message: Any) -> None:
        if self.frames is not None and not self.writer.is_closing():
            self.writer.write(self.frames.framed(NUMBERS[type(message)], message.SerializeToString()))

    def refuse(self, sealed: bool, why: str) -> None:
        """Say why the connection is refused before it is open, as ESPHome does."""
        self.writer.write(_in_frame(b"\1" + why.encode()) if sealed else b"\0" + why.encode())


class StandIn:
    """The proxy. What it is may be changed at any time; what counts in the beginning does so for the next client."""

    def __init__(self, adapter: Adapter, name: str = "bedroom", *, slots: int = 3, features: int = ALL) -> None:
        self.adapter, self.name, self.slots, self.features = adapter, name, slots, int(features)
        self.mac = "AA:BB:CC:00:00:01"
        self.key: str | None = None
        self.nearer_db = 0
        """What is added to the strength of every signal, as if it stood nearer."""
        self.mtu: int | None = None
        """The MTU that it says, in place of the one that was agreed."""
        self.adopted = False
        """Whether another program was told of advertisements first, and stays."""
        self.bonds = True
        """Whether it can bond with the bands here: none of them shows a passkey."""
        self.lies: Sequence[Any] | None = None
        """The services that it tells of in place of a band's own."""
        self.on_connect: Callable[[], None] = lambda: None
        """Called when it is asked to connect to a band."""
        self.on_write: Callable[[], None] = lambda: None
        """Called when it is asked to write to a band."""
        self.asked: Counter[str] = Counter()
        self.links: dict[int, BleakClient] = {}
        self.most_links = 0
        self.scans_actively = False
        self.port = 0
        self._listener: Client | None = None
        self._clients: set[Client] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._orders: dict[int, asyncio.Lock] = {}
        self._scanner: BleakScanner | None = None
        self._server: asyncio.Server | None = None

    def settings(self, **changed: Any) -> ProxySettings:
        """The settings by which it is reached."""
        return ProxySettings(HOST, self.name, self.port)._replace(**changed)

    # -------------------------------------------------------------- its life

    async def start(self) -> None:
        """Listen, at the same port as before if it did."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Lose power: every connection ends, and nothing listens any more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for client in list(self._clients):
            client.writer.transport.abort()
        await self._let_go()
        for task in self._tasks:
            task.cancel()  # what is asked of a band that is gone is answered late or never
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _let_go(self) -> None:
        """Stop listening, and hang up on all bands."""
        self._listener = None
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            await scanner.stop()
        for number in list(self.links):
            link = self.links.pop(number)
            with contextlib.suppress(BleakError, TimeoutError):
                await link.disconnect()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # it lost its power between this connection and this line
            writer.transport.abort()
            return
        client = Client(writer)
        self._clients.add(client)
        sealed = self.key is not None
        try:
            if self.key is not None:
                frames = Sealed(reader, self.key)
                await frames.greet(writer.write, self.name, self.mac.replace(":", "").lower())
                client.frames = frames
            else:
                client.frames = Clear(reader)
            while True:
                number, data = await client.frames.receive()
                message = MESSAGES[number]()
                message.ParseFromString(data)
                self._do(client, message)
        except ConnectionAbortedError as why:
            client.refuse(sealed, str(why))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._clients.discard(client)
            writer.close()
            if self._listener is client:
                await self._let_go()

    def _do(self, client: Client, message: Any) -> None:
        name = type(message).__name__
        self.asked[name] += 1
        task = asyncio.create_task(self._done(client, name, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _done(self, client: Client, name: str, message: Any) -> None:
        does = getattr(self, f"_{_snake(name)}")
        if not name.startswith("BluetoothGATT"):
            await does(client, message)
            return
        async with self._orders.setdefault(message.address, asyncio.Lock()):
            try:
                await does(client, message)
            except (BleakError, KeyError, TimeoutError) as error:
                code = NOT_CONNECTED if isinstance(error, KeyError) else NO_CONNECTION
                if isinstance(error, BleakGATTProtocolError):
                    code = int(error.code)
                handle = getattr(message, "handle", 0)
                self._tell(pb.BluetoothGATTErrorResponse(address=message.address, handle=handle, error=code))

    def _tell(self, message: Any) -> None:
        """Send to the one client that is told of bands."""
        if self._listener is not None:
            self._listener.send(message)

    # -------------------------------------------------------------- about itself

    async def _hello_request(self, client: Client, message: Any) -> None:
        client.send(pb.HelloResponse(api_version_major=1, api_version_minor=14, server_info=self.name, name=self.name))

    async def _authentication_request(self, client: Client, message: Any) -> None:
        client.send(pb.AuthenticationResponse())

    async def _device_info_request(self, client: Client, message: Any) -> None:
        client.send(
            pb.DeviceInfoResponse(
                name=self.name, friendly_name=self.name, mac_address=self.mac, bluetooth_mac_address=self.mac,
                esphome_version="2026.10.0", model=self.name, bluetooth_proxy_feature_flags=self.features,
            )
        )  # fmt: skip

    async def _ping_request(self, client: Client, message: Any) -> None:
        client.send(pb.PingResponse())

    async def _disconnect_request(self, client: Client, message: Any) -> None:
        client.send(pb.DisconnectResponse())
        client.writer.close()

    async def _subscribe_bluetooth_connections_free_request(self, client: Client, message: Any) -> None:
        client.send(self._free())

    def _free(self) -> Any:
        return pb.BluetoothConnectionsFreeResponse(
            free=max(self.slots - len(self.links), 0), limit=self.slots, allocated=list(self.links)
        )

    # -------------------------------------------------------------- what it hears

    async def _subscribe_bluetooth_le_advertisements_request(self, client: Client, message: Any) -> None:
        if self.adopted or self._listener is not None:
            return
        self._listener = client
        self._scanner = BleakScanner(self._heard, backend=self.adapter.scanner)
        await self._scanner.start()
        if self.features & Feature.FEATURE_STATE_AND_MODE:
            self._tell(self._state())

    def _state(self) -> Any:
        mode = pb.BLUETOOTH_SCANNER_MODE_ACTIVE if self.scans_actively else pb.BLUETOOTH_SCANNER_MODE_PASSIVE
        return pb.BluetoothScannerStateResponse(
            state=pb.BLUETOOTH_SCANNER_STATE_RUNNING, mode=mode, configured_mode=pb.BLUETOOTH_SCANNER_MODE_PASSIVE
        )

    async def _bluetooth_scanner_set_mode_request(self, client: Client, message: Any) -> None:
        self.scans_actively = message.mode == pb.BLUETOOTH_SCANNER_MODE_ACTIVE
        self._tell(self._state())

    def _heard(self, device: BLEDevice, data: AdvertisementData) -> None:
        report = data.platform_data[0]
        if report.is_scan_response and not self.scans_actively and self.features & Feature.FEATURE_STATE_AND_MODE:
            return
        self.says(device.address, data.rssi + self.nearer_db, bytes(report.data))

    def says(self, address: str, rssi_dbm: int, data: bytes, kind_of_address: int = 1) -> None:
        """Tell of an advertisement, whoever sent it."""
        each = pb.BluetoothLERawAdvertisement(
            address=number_of(address), rssi=rssi_dbm, address_type=kind_of_address, data=data
        )
        self._tell(pb.BluetoothLERawAdvertisementsResponse(advertisements=[each]))

    # -------------------------------------------------------------- connections to bands

    async def _bluetooth_device_request(self, client: Client, message: Any) -> None:
        kinds, kind = pb.BluetoothDeviceRequestType, message.request_type
        if kind in {
            kinds.Value(f"BLUETOOTH_DEVICE_REQUEST_TYPE_CONNECT_V3_WITH{cache}_CACHE") for cache in ("", "OUT")
        }:
            await self._connect(message.address)
        elif kind == kinds.Value("BLUETOOTH_DEVICE_REQUEST_TYPE_DISCONNECT"):
            link = self.links.get(message.address)
            if link is not None:
                await link.disconnect()
            self._gone(message.address, 0)
        elif kind == kinds.Value("BLUETOOTH_DEVICE_REQUEST_TYPE_PAIR"):
            await self._pair(message.address)

    async def _connect(self, number: int) -> None:
        self.on_connect()
        if len(self.links) >= self.slots or not self.features & Feature.ACTIVE_CONNECTIONS:
            self._tell(pb.BluetoothDeviceConnectionResponse(address=number, connected=False, error=NO_CONNECTION))
            return
        link = BleakClient(
            address_of(number), backend=self.adapter.client, disconnected_callback=lambda _: self._gone(number, 8)
        )
        self.links[number] = link
        self.most_links = max(self.most_links, len(self.links))
        self._tell(self._free())
        try:
            await link.connect()
        except (BleakError, TimeoutError):
            self._gone(number, 0x3E)
            return
        if self.links.get(number) is not link:  # it lost its power meanwhile
            await link.disconnect()
            return
        self._tell(pb.BluetoothDeviceConnectionResponse(address=number, connected=True, mtu=self.mtu or link.mtu_size))

    def _gone(self, number: int, error: int) -> None:
        self.links.pop(number, None)
        self._tell(pb.BluetoothDeviceConnectionResponse(address=number, connected=False, error=error))
        self._tell(self._free())

    async def _pair(self, number: int) -> None:
        try:
            link = self.links[number] if self.bonds else BleakClient(address_of(number), backend=self.adapter.client)
            await link.pair()
        except (BleakError, KeyError, TimeoutError):
            self._tell(pb.BluetoothDevicePairingResponse(address=number, paired=False, error=AUTHENTICATION_FAILED))
        else:
            self._tell(pb.BluetoothDevicePairingResponse(address=number, paired=True))

    async def _bluetooth_gatt_get_services_request(self, client: Client, message: Any) -> None:
        if self.lies is not None:
            self._tell(pb.BluetoothGATTGetServicesResponse(address=message.address, services=self.lies))
            self._tell(pb.BluetoothGATTGetServicesDoneResponse(address=message.address))
            return
        for service in self.links[message.address].services:
            found = pb.BluetoothGATTService(uuid=halves(service.uuid), handle=service.handle)
            for each in service.characteristics:
                found.characteristics.append(_characteristic(each))
            self._tell(pb.BluetoothGATTGetServicesResponse(address=message.address, services=[found]))
        self._tell(pb.BluetoothGATTGetServicesDoneResponse(address=message.address))

    def _found(self, message: Any) -> BleakGATTCharacteristic:
        return self.links[message.address].services.characteristics[message.handle]

    async def _bluetooth_gatt_read_request(self, client: Client, message: Any) -> None:
        data = await self.links[message.address].read_gatt_char(self._found(message))
        self._tell(pb.BluetoothGATTReadResponse(address=message.address, handle=message.handle, data=bytes(data)))

    async def _bluetooth_gatt_write_request(self, client: Client, message: Any) -> None:
        self.on_write()
        link = self.links[message.address]
        await link.write_gatt_char(self._found(message), message.data, response=message.response)
        if message.response:
            self._tell(pb.BluetoothGATTWriteResponse(address=message.address, handle=message.handle))

    async def _bluetooth_gatt_write_descriptor_request(self, client: Client, message: Any) -> None:
        self._tell(pb.BluetoothGATTWriteResponse(address=message.address, handle=message.handle))

    async def _bluetooth_gatt_notify_request(self, client: Client, message: Any) -> None:
        link, address, handle = self.links[message.address], message.address, message.handle

        def notified(_: BleakGATTCharacteristic, data: bytearray) -> None:
            self._tell(pb.BluetoothGATTNotifyDataResponse(address=address, handle=handle, data=bytes(data)))

        if message.enable:
            await link.start_notify(self._found(message), notified)
        else:
            await link.stop_notify(self._found(message))
        self._tell(pb.BluetoothGATTNotifyResponse(address=address, handle=handle))


def _snake(name: str) -> str:
    """The name of a message as the names of methods are."""
    return re.sub("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _characteristic(each: BleakGATTCharacteristic) -> Any:
    made = pb.BluetoothGATTCharacteristic(
        uuid=halves(each.uuid), handle=each.handle, properties=sum(PROPERTIES.get(name, 0) for name in each.properties)
    )
    descriptors = {descriptor.uuid: descriptor.handle for descriptor in each.descriptors}
    if {"notify", "indicate"} & set(each.properties):
        descriptors.setdefault(CCCD, each.handle + 1)
    for name, handle in descriptors.items():
        made.descriptors.append(pb.BluetoothGATTDescriptor(uuid=halves(name), handle=handle))
    return made


def halves(name: str) -> list[int]:
    number = uuid.UUID(name).int
    return [number >> 64, number & (1 << 64) - 1]


def number_of(address: str) -> int:
    return int(address.replace(":", ""), 16)


def address_of(number: int) -> str:
    return ":".join(f"{number:012X}"[at : at + 2] for at in range(0, 12, 2))


@contextlib.asynccontextmanager
async def stand_in(air: Air, number: int = 1, name: str = "bedroom", **how: Any) -> AsyncGenerator[StandIn]:
    """A proxy with a controller of its own on this air, during the block. `number` tells several apart."""
    own = air.adapter_controller(name)
    try:
        async with central(own, own, f"F0:00:00:00:01:{number:02X}", 247) as powered_on:
            proxy = StandIn(Adapter(*backends(powered_on)), name, **how)
            proxy.mac = f"AA:BB:CC:00:00:{number:02X}"
            await proxy.start()
            try:
                yield proxy
            finally:
                await proxy.die()
    finally:
        air.take_off(own)
