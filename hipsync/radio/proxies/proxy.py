"""One proxy: the connection to it, which is kept and made again, and what it says of itself.

ESPHome hangs up on all bands as soon as its one listener leaves, and answers nobody else. So hipsync listens to a proxy
as long as it uses it. A listener that vanished without a word is noticed by the proxy only minutes later; until then
another one is not heard, and has to ask again.

Source: ESPHome's components/bluetooth_proxy/bluetooth_proxy.cpp at e60be840.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Generator
from typing import Any, cast

from aioesphomeapi.client import APIClient
from aioesphomeapi.core import APIConnectionError
from aioesphomeapi.model import (
    BluetoothProxyFeature,
    BluetoothScannerMode,
    BluetoothScannerStateResponse,
    DeviceInfo,
)
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from bleak_esphome.backend.client import ESPHomeClient, ESPHomeClientData
from bleak_esphome.backend.device import ESPHomeBluetoothDevice
from bleak_esphome.backend.scanner import ESPHomeScanner

from hipsync.errors import ConfigError
from hipsync.radio.proxies import words
from hipsync.radio.proxies.heard import Heard, Report
from hipsync.radio.proxies.place import addresses, key_of, place
from hipsync.radio.ways import Fact, Way
from hipsync.settings.config import Proxy as ProxySettings
from hipsync.text import one_line

log = logging.getLogger(__name__)

WITHIN_S = 15.0
"""Seconds allowed for finding a proxy, connecting to it and learning what it can do."""
KEEPALIVE_S = 10.0
"""Seconds between two signs of life. A proxy that lost its power is missed four to five of them later."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 15.0
"""Seconds until the connection is tried again, doubled each time, up to the longest."""
ANSWERS_WITHIN_S = 5.0
"""Seconds in which a proxy that tells of its scanner (ESPHome 2025.5 or later) has told of it, if it tells us."""
SILENT_S = 30.0
"""Seconds without one advertisement after which an older proxy is taken to tell them to somebody else."""
ASK_AGAIN_S = 10.0
"""Seconds between two requests to be told of advertisements, while another program is told of them."""
LEAVE_WITHIN_S = 2.0

_RAW, _TELLS_OF_SCANNER = BluetoothProxyFeature.RAW_ADVERTISEMENTS, BluetoothProxyFeature.FEATURE_STATE_AND_MODE


class _NoPause:
    """What bleak-esphome's client wants of a scanner: to be told that it connects."""

    @contextlib.contextmanager
    def connecting(self) -> Generator[None]:
        yield


class _Session:
    """One connection to a proxy, from the answer to who it is until it ends."""

    def __init__(self, client: APIClient, info: DeviceInfo, name: str) -> None:
        assert client.api_version is not None  # noqa: S101  it is known once it has said who it is
        self.client = client
        self.flags = info.bluetooth_proxy_feature_flags_compat(client.api_version)
        self.slots = ESPHomeBluetoothDevice(name, name, available=True)
        self.tells_us = False
        """Whether it has shown that it tells us, and not somebody else, what it hears."""
        self.data = ESPHomeClientData(
            self.slots, client, info, client.api_version, name, cast("ESPHomeScanner", _NoPause())
        )

    @property
    def connects(self) -> bool:
        return bool(self.flags & BluetoothProxyFeature.ACTIVE_CONNECTIONS)

    def end(self) -> None:
        """Tell whoever has a connection to a band by it that this one has ended."""
        self.slots.async_set_unavailable()
        for gone in list(self.data.disconnect_callbacks):
            gone()
        self.data.disconnect_callbacks.clear()


class Proxy:
    """A proxy, whose connection is kept from `start` to `stop`."""

    def __init__(
        self, settings: ProxySettings, report: Callable[[], Report | None], passed: Callable[[], float]
    ) -> None:
        """`report` returns who is told of advertisements now, if anybody is; `passed` is a clock that nobody sets."""
        self.settings, self.name = settings, settings.called
        self.heard = Heard(self.name, passed)
        self.tried = asyncio.Event()
        """Set once it was reached and tells us what it hears, or is known not to."""
        self._report, self._passed = report, passed
        self._session: _Session | None = None
        self._trouble: str | None = words.NOT_YET.format(place(settings))
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # -------------------------------------------------------------- what others ask

    @property
    def _open(self) -> _Session | None:
        """The connection, as long as it is open: it may end a moment before that is noted."""
        return self._session if self._session is not None and self._session.client.is_connected else None

    @property
    def reached(self) -> bool:
        return self._open is not None

    @property
    def trouble(self) -> str | None:
        """What is wrong, in a line that does not name it; None if nothing is."""
        return self._lost() if self._session is not None and self._open is None else self._trouble

    def fact(self) -> Fact:
        """Return how things are with it."""
        session = self._open
        return Fact(
            self.name,
            session is not None,
            bool(self.settings.key_file),
            session is not None and session.tells_us,
            session is not None and session.connects,
            0 if session is None else session.slots.ble_connections_free,
            0 if session is None else session.slots.ble_connections_limit,
            self.trouble,
        )

    def way(self, address: str) -> Way | None:
        """Return the way to a band by this proxy, if it heard it lately and could connect to it if it were free."""
        return self.heard.way(address) if self._open is not None else None

    def obstacle(self) -> str | None:
        """Return why it can make no further connection, in a line that does not name it; None if it can."""
        session = self._open
        if session is None:
            return self.trouble
        if not session.connects:
            return words.PASSIVE
        if not session.slots.ble_connections_free:
            return words.full(session.slots.ble_connections_limit)
        return None

    def client(self, device: BLEDevice, gone: Callable[[], None] | None, within_s: float) -> ESPHomeClient:
        """Return bleak-esphome's client for a band, not yet connected. `gone` is called when a connection ends.

        Raises `BleakError` if the proxy is away.
        """
        session = self._open
        if session is None:
            raise BleakError(f"{self.name}: {self.trouble}")
        number = int(device.address.replace(":", ""), 16)
        session.slots.cache.clear_gatt_services_cache(number)  # a band that was updated meanwhile has other ones
        session.slots.cache.clear_gatt_mtu_cache(number)
        return ESPHomeClient(device, client_data=session.data, disconnected_callback=gone, timeout=within_s)

    async def while_reached(self, work: Coroutine[object, object, None]) -> None:
        """Do some work, and end it as soon as the connection to the proxy ends: bleak-esphome would wait on.

        Raises what the work raises, and `BleakError` if the connection has ended.
        """
        doing, ended = asyncio.ensure_future(work), asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({doing, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise BleakError(f"{self.name}: {self._lost()}")
            doing.result()
        finally:
            for each in (doing, ended):
                each.cancel()
            await asyncio.wait({doing, ended})

    # -------------------------------------------------------------- the connection

    def start(self) -> None:
        """Begin to keep the connection."""
        self._task = asyncio.create_task(self._keep(), name=f"proxy {self.name}")

    async def stop(self) -> None:
        """End the connection, and with it those to bands."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def _keep(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._visit()
                wait_s = FIRST_WAIT_S
            except (APIConnectionError, OSError, ConfigError) as error:
                self._note(words.words(self.settings, error))
            except Exception as error:  # a bug here, or in what a stranger's bytes were given to, ends one connection
                log.exception("a bug in hipsync; the proxy %s is tried again", self.name)
                self._note(words.words(self.settings, error))
            self.tried.set()
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _note(self, trouble: str | None) -> None:
        """Note what is wrong now, and log a line if that is new."""
        trouble = None if trouble is None else one_line(trouble)
        if trouble != self._trouble:
            if trouble is not None:
                log.info("the proxy %s: %s", self.name, trouble)
            elif self._session is not None:
                log.info("the proxy %s listens", self.name)
        self._trouble = trouble

    async def _visit(self) -> None:
        """Connect once, and stay until the connection ends.

        Raises `APIConnectionError`, `OSError` and `ConfigError` if it cannot be reached, or is of no use.
        """
        self._ended.clear()
        client: APIClient | None = None
        try:
            async with asyncio.timeout(WITHIN_S):
                client = await self._connected()
                session = _Session(client, await client.device_info(), self.name)
            self._refuse_useless(session)
            self._session = session
            await self._listen(session)
        finally:
            self._leave()
            if client is not None:
                with contextlib.suppress(APIConnectionError, TimeoutError):
                    async with asyncio.timeout(LEAVE_WITHIN_S):
                        await client.disconnect()
                client.force_disconnect()

    async def _connected(self) -> APIClient:
        settings = self.settings
        key = key_of(settings)

        async def ended(_: bool) -> None:
            self._ended.set()

        client = APIClient(
            settings.host, settings.port, client_info="hipsync", keepalive=KEEPALIVE_S, noise_psk=key,
            addresses=await addresses(settings), provide_time=False,
        )  # fmt: skip
        try:
            await client.connect(on_stop=ended, log_errors=False)
        except BaseException:
            client.force_disconnect()
            raise
        return client

    def _refuse_useless(self, session: _Session) -> None:
        if not session.flags:
            raise ConfigError(words.NO_PROXY)
        if not session.flags & _RAW:
            raise ConfigError(words.TOO_OLD)

    def _lost(self) -> str:
        return f"the connection to {place(self.settings)} was lost"

    def _leave(self) -> None:
        session, self._session = self._session, None
        self.heard.forget()
        if session is not None:
            if self._ended.is_set():
                self._note(self._lost())
            session.end()

    async def _listen(self, session: _Session) -> None:
        """Let it tell what it hears, until the connection ends. Raises `APIConnectionError`."""

        def on_advertisements(told: Any) -> None:
            report = self._report()
            for each in told.advertisements:
                self.heard.note(each.address, each.rssi, each.address_type, each.data, report)
            self._is_told(session)

        def on_scanner(state: BluetoothScannerStateResponse) -> None:
            self._is_told(session)
            if state.mode is BluetoothScannerMode.PASSIVE:  # most bands tell their name only when asked
                session.client.bluetooth_scanner_set_mode(BluetoothScannerMode.ACTIVE)

        client: Any = session.client  # the classes of its messages are made at run time
        if session.connects:
            client.subscribe_bluetooth_connections_free(session.slots.async_update_ble_connection_limits)
        if session.flags & _TELLS_OF_SCANNER:
            client.subscribe_bluetooth_scanner_state(on_scanner)
        client.subscribe_bluetooth_le_raw_advertisements(on_advertisements)
        says_so = bool(session.flags & _TELLS_OF_SCANNER)
        patience_s = ANSWERS_WITHIN_S if says_so else SILENT_S
        while not await self._has_ended(patience_s):
            if session.tells_us:
                await self._ended.wait()
                return
            self._note(words.ADOPTED if says_so else words.SILENT)
            self.tried.set()
            client.subscribe_bluetooth_le_raw_advertisements(on_advertisements)
            patience_s = ASK_AGAIN_S

    async def _has_ended(self, within_s: float) -> bool:
        """Wait until the connection ends, for `within_s` seconds at most, and return whether it has."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._ended.wait()
        return self._ended.is_set()

    def _is_told(self, session: _Session) -> None:
        if not session.tells_us and self._session is session:
            session.tells_us = True
            self._note(None)
            self.tried.set()
