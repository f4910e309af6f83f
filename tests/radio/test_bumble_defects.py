"""The defects of Bumble that `hipsync.radio.simulation` lists: the names that each remedy hooks into are still there.

When one of these fails after an update of Bumble, see whether the defect is still there before the remedy is mended.
"""

from __future__ import annotations

# The insides of the remedies are what is looked at here.
# pyright: reportPrivateUsage=false
import inspect
import re

import pytest
from bumble import att, controller, core, gatt, hci
from bumble.controller import Controller, LegacyAdvertiser
from bumble.device import Connection, Device
from bumble.gatt_client import CharacteristicProxy, Client
from bumble.host import Host
from bumble.keys import KeyStore
from bumble.link import LocalLink
from bumble.smp import AddressResolver

import hipsync.radio.simulation
from hipsync.radio.simulation import Air
from hipsync.radio.simulation.air import SimulatedController, _Advertiser
from hipsync.radio.simulation.central import _Host
from hipsync.radio.simulation.lean import make_lean

OVERRIDES: list[tuple[int, type[object], type[object], str, str]] = [
    (1, Controller, SimulatedController, "on_hci_le_create_connection_cancel_command", "self, _command"),
    (5, LocalLink, Air, "send_acl_data", "self, sender_controller, destination_address, transport, data"),
    (6, LocalLink, Air, "send_ll_control_pdu", "self, sender_address, receiver_address, packet"),
    (7, Controller, SimulatedController, "on_hci_le_set_scan_enable_command", "self, command"),
    (14, LegacyAdvertiser, _Advertiser, "start", "self"),
    (14, LegacyAdvertiser, _Advertiser, "_on_timer_fired", "self"),
    (15, LocalLink, Air, "send_advertising_pdu", "self, sender_controller, packet"),
    (15, Controller, SimulatedController, "create_le_connection", "self, peer_address"),
    (15, Controller, SimulatedController, "on_hci_le_create_connection_command", "self, command"),
    (16, Controller, SimulatedController, "on_hci_reset_command", "self, _command"),
    (17, Host, _Host, "on_packet", "self, packet"),
]
"""The defect, Bumble's class, ours, the method, and its parameters in both."""

CALLS: list[tuple[int, type[object], str, str]] = [
    (1, Controller, "send_hci_packet", "self, packet"),
    (2, Device, "cancel_connection", "self, peer_address"),
    (3, Connection, "cancel_on_disconnection", "self, awaitable"),
    (4, Client, "send_request", "self, request"),
    (5, Controller, "on_link_acl_data", "self, sender_address, transport, data"),
    (6, Controller, "on_ll_control_pdu", "self, sender_address, packet"),
    (6, Controller, "on_le_disconnected", "self, connection, reason"),
    (10, Device, "power_on", "self"),
    (10, Connection, "disconnect", "self, reason"),
    (10, Connection, "pair", "self"),
    (11, CharacteristicProxy, "subscribe", "self, subscriber, prefer_notify"),
    (11, CharacteristicProxy, "unsubscribe", "self, subscriber, force"),
    (12, AddressResolver, "can_resolve_to", "self, address"),
    (12, Device, "stop_scanning", "self, legacy"),
    (13, gatt.CharacteristicValue, "__init__", "self, read, write"),
    (15, Controller, "on_ll_advertising_pdu", "self, packet"),
    (15, LocalLink, "find_le_controller", "self, address"),
]
"""The defect, Bumble's class, a method that the remedy calls or relies on to be called, and its parameters."""

HELD_BY_NAME = {2, 5, 7, 8, 9, 11, 12}
"""Those whose remedies hang on attributes, below."""


def parameters(owner: type[object], method: str) -> str:
    return ", ".join(inspect.signature(getattr(owner, method)).parameters)


def defects() -> list[int]:
    text = hipsync.radio.simulation.__doc__ or ""
    return [int(number) for number in re.findall(r"^ ?(\d+)  \S", text, re.MULTILINE)]


def test_every_defect_that_is_listed_is_watched_here() -> None:
    assert defects() == list(range(1, 18))
    assert {each[0] for each in (*OVERRIDES, *CALLS)} | HELD_BY_NAME == set(defects())


@pytest.mark.parametrize(
    ("theirs", "ours", "method", "expected"),
    [each[1:] for each in OVERRIDES],
    ids=[f"{number}-{method}" for number, _, _, method, _ in OVERRIDES],
)
def test_what_a_remedy_overrides_is_still_called_so(
    theirs: type[object], ours: type[object], method: str, expected: str
) -> None:
    assert method in vars(ours)
    assert parameters(theirs, method) == parameters(ours, method) == expected
    assert inspect.iscoroutinefunction(getattr(theirs, method)) == inspect.iscoroutinefunction(getattr(ours, method))


@pytest.mark.parametrize(
    ("theirs", "method", "expected"),
    [each[1:] for each in CALLS],
    ids=[f"{number}-{method}" for number, _, method, _ in CALLS],
)
def test_what_a_remedy_calls_still_takes_what_it_is_given(theirs: type[object], method: str, expected: str) -> None:
    assert parameters(theirs, method) == expected


def test_an_attempt_to_connect_can_be_asked_about() -> None:
    """Defect 2."""
    assert isinstance(Device.is_le_connecting, property)
    assert inspect.signature(Device.connect).parameters["timeout"].default is not inspect.Parameter.empty


def test_a_link_knows_its_own_address() -> None:
    """Defect 5."""
    assert "self_address" in controller.Connection.__dataclass_fields__


async def test_a_controller_holds_what_the_remedies_set() -> None:
    """Defects 7, 8, 14, 15, 16."""
    stock = Controller("stock", link=LocalLink())  # type: ignore[no-untyped-call]
    assert isinstance(stock.le_legacy_advertiser, LegacyAdvertiser)
    assert (stock.le_scan_enable, stock.pending_le_connection, stock.le_connections) == (False, None, {})
    assert hasattr(stock, "le_scan_type")
    ours = SimulatedController("ours", Air())
    assert stock.le_acl_data_packet_length == 27, "the defect is gone"
    assert ours.le_acl_data_packet_length == 251
    for name in ("supported_max_tx_octets", "supported_max_rx_octets", "suggested_max_tx_octets", "le_features"):
        assert hasattr(stock, name)
    assert not ours.le_features & hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
    assert {"event_type", "address_type", "address", "data", "rssi"} <= set(
        inspect.signature(hci.HCI_LE_Advertising_Report_Event.Report).parameters
    )


def test_every_packet_has_the_formatting_that_is_taken_out() -> None:
    """Defect 9."""
    make_lean()
    assert vars(att)["color"]("words", "red") == "words"
    assert str(hci.HCI_Disconnect_Command(connection_handle=1, reason=0x13)) == "HCI_Disconnect_Command"
    assert str(att.ATT_Read_Request(attribute_handle=1)) == "ATT_Read_Request"


async def test_a_proxy_holds_the_subscribers_that_a_refusal_must_clear() -> None:
    """Defect 11."""
    assert {"notification_subscribers", "indication_subscribers"} <= set(Client.__annotations__)
    client = object.__new__(Client)
    proxy = CharacteristicProxy[bytes](client, 3, 3, core.UUID("2A19"), 0)
    assert (proxy.subscribers, proxy.handle, proxy.client) == ({}, 3, client)


async def test_a_device_knows_its_bonds_and_whether_it_scans() -> None:
    """Defect 12."""
    alone = Device()
    assert alone.address_resolver is None
    assert alone.scanning is False
    assert isinstance(alone.keystore, KeyStore | None)


def test_a_subscription_and_a_disconnection_are_announced_under_these_names() -> None:
    """Defects 3 and 13, and the order of what a band says."""
    assert gatt.Characteristic.EVENT_SUBSCRIPTION == "subscription"
    assert Connection.EVENT_DISCONNECTION == "disconnection"
    assert Connection.EVENT_CONNECTION_ATT_MTU_UPDATE == "connection_att_mtu_update"
    assert Device.EVENT_CONNECTION == "connection"
    assert Device.EVENT_ADVERTISEMENT == "advertisement"
