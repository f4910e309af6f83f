"""Stops Bumble from formatting debug texts, which takes more than half of a simulation's CPU time."""

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
    """Replace Bumble's formatting of packets by short texts, once per process, unless its debug log is on (defect 9).

    Bumble colours and formats every packet for the debug log even when the log is off. This changes nothing except
    texts, and it is called only for simulations.
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
