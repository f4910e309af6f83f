"""Bumble without its debug texts."""

from __future__ import annotations

import functools
import logging
import sys

from bumble import att, hci, l2cap

_PACKETS: tuple[type[object], ...] = (
    hci.HCI_Object,
    hci.HCI_Packet,
    hci.HCI_Command,
    hci.HCI_Event,
    hci.HCI_AclDataPacket,
    hci.HCI_Extended_Event,
    hci.HCI_LE_Meta_Event,
    att.ATT_PDU,
    l2cap.L2CAP_Control_Frame,
)


@functools.cache
def make_lean() -> None:
    """Take the formatting out of Bumble, once a process, unless its log is wanted.

    Bumble colours and formats every packet for its debug log, also when nobody reads it: more than half of the CPU of
    a simulated sync. Only simulations do this, and it changes nothing but texts.
    """
    if logging.getLogger("bumble").isEnabledFor(logging.DEBUG):
        return
    for name, module in list(sys.modules.items()):
        if name.startswith("bumble.") and "color" in vars(module):
            vars(module)["color"] = _plain
    for kind in _PACKETS:
        for each in (kind, *kind.__subclasses__()):
            type.__setattr__(each, "__str__", _name)


def _plain(text: str, *_: object, **__: object) -> str:
    return text


def _name(packet: object) -> str:
    return type(packet).__name__
