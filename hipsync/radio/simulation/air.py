"""The air: the link layer between simulated bands and adapters, with the faults that a test asks for.

It does what a real link layer does. It keeps packets in order and loses one only with the whole connection. It ends a
connection whose peer has been silent for the supervision time-out. How well a band is received is its `Reception`. The
air does not look into packets, except to count notifications. Workarounds for defects of Bumble are numbered as in the
package's docstring.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from functools import partial

from bumble import core, hci, ll
from bumble.controller import Connection, Controller, LegacyAdvertiser
from bumble.link import LocalLink

from hipsync.errors import ConfigError
from hipsync.radio.simulation.reception import Reception

ADVERTISING_INTERVAL_S = 0.1
"""Seconds between two advertisements of a simulated band."""
_NOTIFICATIONS = (b"\x04\x00\x1b", b"\x04\x00\x1d")
"""Bytes 2 to 4, counted from 0, of an L2CAP frame with an ATT notification or indication: channel 4, and opcode 0x1B
or 0x1D (Core specification, volume 3, part F, 3.4.7)."""


class Air(LocalLink):
    """Carries advertisements and packets between the controllers of bands and adapters.

    `seed` determines which advertisements get lost.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Bumble's
        self._noise = random.Random(seed)
        self._receptions: dict[Controller, Reception] = {}

    def reception(self, address: str) -> Reception:
        """Return the reception of the band with this address, for changes. Raises `ConfigError` if it is unknown."""
        for controller, reception in self._receptions.items():
            if controller.random_address.to_string(False) == address.upper():
                return reception
        raise ConfigError(f"no simulated band has the address {address}")

    def band_controller(self, name: str) -> SimulatedController:
        """Create a controller for a band. `reception` then gives access to how well the band is received."""
        controller = SimulatedController(name, self)
        self._receptions[controller] = Reception(lambda: self.cut(controller))
        return controller

    def adapter_controller(self, name: str) -> SimulatedController:
        """Create a controller for an adapter, which scans for bands and connects to them."""
        return SimulatedController(name, self)

    def take_off(self, controller: Controller) -> None:
        """Remove a controller as if it were switched off: its links end on both sides, and its timers are cancelled."""
        self.cut(controller)
        controller.le_legacy_advertiser.stop()
        if reception := self._receptions.pop(controller, None):
            reception.forget()
        self.remove_controller(controller)

    def cut(self, controller: Controller, reason: int = hci.HCI_CONNECTION_TIMEOUT_ERROR) -> None:
        """End every link of a controller at once, on both sides; `reason` is an HCI error code."""
        for end, connection in list(self._ends(controller)):
            end.on_le_disconnected(connection, reason)

    def _ends(self, controller: Controller) -> Iterator[tuple[Controller, Connection]]:
        """Yield each end of each link of a controller. One end can be gone while the other still exists."""
        for each in self.controllers:
            for connection in each.le_connections.values():
                if each is controller or self.find_le_controller(connection.peer_address) is controller:
                    yield each, connection

    def anyone_listens(self) -> bool:
        """Whether any controller is scanning, or waiting for a band to connect to."""
        return any(each.le_scan_enable or each.pending_le_connection for each in self.controllers)

    def wake_advertisers(self) -> None:
        """Make every advertising band send now, and then at its interval, because a controller has begun to listen."""
        for each in self.controllers:
            if isinstance(each.le_legacy_advertiser, _Advertiser):
                each.le_legacy_advertiser.wake()

    def advertise(self, sender: Controller, advertiser: LegacyAdvertiser) -> None:
        """Deliver an advertisement to every other controller, unless it is out of range or gets lost."""
        reception = self._receptions.get(sender)
        if reception is None or not reception.in_range or self._noise.random() < reception.lost_adverts:
            return
        for each in self.controllers:
            if isinstance(each, SimulatedController) and each is not sender:
                asyncio.get_running_loop().call_soon(each.hear, advertiser, reception.rssi_dbm)

    def refusal(self, address: hci.Address) -> int | None:
        """The HCI error code with which a connection to this address fails; None if it succeeds."""
        band = self.find_le_controller(address)
        if band is None or (reception := self._receptions.get(band)) is None:
            return hci.HCI_CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
        if not band.le_legacy_advertiser.enabled:  # another adapter was faster (defect 15)
            return hci.HCI_CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
        return reception.refuse

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """Deliver a request to connect without delay, so that no other adapter gets the same band (defect 15)."""
        if isinstance(packet, ll.ConnectInd):
            target = self.find_le_controller(packet.advertiser_address)
            if target is not None and target is not sender_controller:
                target.on_ll_advertising_pdu(packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        sender, receiver = self.find_le_controller(sender_address), self.find_le_controller(receiver_address)
        if sender is not None and receiver is not None:  # else defect 6
            self._send(sender, receiver, partial(_control, receiver, sender_address, packet), 0)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection is None or receiver is None or transport != core.PhysicalTransport.LE:
            return
        reception = self._receptions.get(sender_controller)
        if reception is not None:
            if data[2:5] in _NOTIFICATIONS and reception.cuts_now():
                self._send(sender_controller, receiver, reception.drop, 0)
                return
            if reception.mangle is not None:
                data = reception.mangle(data)
        arrive = partial(_data, receiver, connection.self_address, data)  # not random_address: defect 5
        self._send(sender_controller, receiver, arrive, len(data))

    def _send(self, sender: Controller, receiver: Controller, arrive: Callable[[], None], size: int) -> None:
        if reception := self._receptions.get(sender):
            reception.from_band.send(arrive, size, reception.delay_s, reception.bytes_per_s)
        elif reception := self._receptions.get(receiver):
            reception.to_band.send(arrive)


def _control(receiver: Controller, sender: hci.Address, packet: ll.ControlPdu) -> None:
    if sender in receiver.le_connections:
        receiver.on_ll_control_pdu(sender, packet)


def _data(receiver: Controller, sender: hci.Address, data: bytes) -> None:
    if sender in receiver.le_connections:
        receiver.on_link_acl_data(sender, core.PhysicalTransport.LE, data)


class _Advertiser(LegacyAdvertiser):
    """Advertises only while a controller listens, so that no timer runs for the rest of a simulated day."""

    def __init__(self, controller: Controller, air: Air) -> None:
        super().__init__(controller)
        self._air = air

    def start(self) -> None:
        self.stop()
        self.enabled = True
        self.wake()

    def wake(self) -> None:
        """Start to advertise at once, if advertising is on and no timer for it is running."""
        if self.enabled and self.timer_handle is None:
            self.timer_handle = asyncio.get_running_loop().call_soon(self._on_timer_fired)

    def _on_timer_fired(self) -> None:
        self.timer_handle = None
        if self.enabled and self._air.anyone_listens():
            self._air.advertise(self.controller, self)
            loop = asyncio.get_running_loop()
            self.timer_handle = loop.call_later(ADVERTISING_INTERVAL_S, self._on_timer_fired)


_Report = hci.HCI_LE_Advertising_Report_Event


class SimulatedController(Controller):
    """Bumble's controller, corrected where its features or replies would mislead a host."""

    le_acl_data_packet_length = 251  # defect 8
    supported_max_tx_octets = supported_max_rx_octets = suggested_max_tx_octets = 251
    le_features = (  # Bumble gets extended advertising (defects 7, 14) and privacy wrong
        hci.LeFeatureMask.LE_ENCRYPTION | hci.LeFeatureMask.LE_PING | hci.LeFeatureMask.LE_DATA_PACKET_LENGTH_EXTENSION
    )

    def __init__(self, name: str, air: Air) -> None:
        super().__init__(name, link=air)  # pyright: ignore[reportUnknownMemberType]  # Bumble's
        self._air = air
        self.le_legacy_advertiser = _Advertiser(self, air)

    def hear(self, advertiser: LegacyAdvertiser, rssi_dbm: int) -> None:
        """Receive an advertisement, and the scan response if this controller scans actively (defect 7).

        Connects to the advertiser if this controller waits for it.
        """
        if not advertiser.enabled:
            return
        if self.le_scan_enable:
            self._report(_Report.EventType.ADV_IND, advertiser.address, advertiser.advertising_data, rssi_dbm)
            if self.le_scan_type:
                self._report(_Report.EventType.SCAN_RSP, advertiser.address, advertiser.scan_response_data, rssi_dbm)
        if (pending := self.pending_le_connection) and pending.peer_address == advertiser.address:
            self.create_le_connection(advertiser.address)

    def _report(
        self, kind: hci.HCI_LE_Advertising_Report_Event.EventType, address: hci.Address, data: bytes, rssi_dbm: int
    ) -> None:
        report = _Report.Report(
            event_type=_Report.EventType(kind),
            address_type=address.address_type,
            address=address,
            data=data,
            rssi=rssi_dbm,
        )
        self.send_hci_packet(_Report([report]))

    def create_le_connection(self, peer_address: hci.Address) -> None:
        if (status := self._air.refusal(peer_address)) is None:
            super().create_le_connection(peer_address)
        else:
            self.pending_le_connection = None
            self._not_connected(peer_address, status)

    def _not_connected(self, peer: hci.Address, status: int) -> None:
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=status,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=peer.address_type,
                peer_address=peer,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )

    def on_hci_le_create_connection_command(self, command: hci.HCI_LE_Create_Connection_Command) -> None:
        super().on_hci_le_create_connection_command(command)
        self._air.wake_advertisers()

    def on_hci_le_create_connection_cancel_command(self, _command: hci.HCI_Command) -> hci.HCI_StatusReturnParameters:
        """Cancel the attempt to connect, and report its end to the host (defect 1)."""
        if (pending := self.pending_le_connection) is not None:
            self.pending_le_connection = None
            unknown = hci.HCI_UNKNOWN_CONNECTION_IDENTIFIER_ERROR
            asyncio.get_running_loop().call_soon(self._not_connected, pending.peer_address, unknown)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_set_scan_enable_command(
        self,
        command: hci.HCI_LE_Set_Scan_Enable_Command,  # pyright: ignore[reportUnknownParameterType, reportMissingTypeArgument]
    ) -> hci.HCI_StatusReturnParameters:
        answer = super().on_hci_le_set_scan_enable_command(command)  # pyright: ignore[reportUnknownMemberType]
        self._air.wake_advertisers()
        return answer

    def on_hci_reset_command(self, _command: hci.HCI_Command) -> hci.HCI_StatusReturnParameters:
        """End the links, the scan, the advertising and the attempt to connect from before the reset (defect 16)."""
        self._air.cut(self)
        self.le_scan_enable = False
        self.pending_le_connection = None
        self.le_legacy_advertiser.stop()
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)
