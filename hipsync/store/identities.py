"""By what a band is known again on another computer, where it may have another name and another number."""

from __future__ import annotations

import re

from hipsync.text import is_visible

LONGEST_IDENTITY = 200
"""How many characters an identity may have."""
SHORTEST_SERIAL = 6
"""The fewest characters of a serial number that proves which band it is; many bands may share a shorter one."""
NAMED = "name:"
"""How the identity of a band begins that is only its name when it was added: any other says more."""
_ADDRESS = re.compile("(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")


def identity_of(address: str | None, name: str, *, simulated: bool) -> str | None:
    """By what each computer knows a band again of which no more is known: its address, or else its name.

    None for a simulated band, which is known by its present name alone.
    """
    return None if simulated else address.upper() if address is not None else f"{NAMED}{name}"


def mark_of(driver: str, identity: str | None) -> str:
    """The mark of a band that was removed with its data: a hash, so that its address does not stand there.

    It is empty if the band has no identity.
    """
    from hashlib import sha256

    return "" if identity is None else sha256(f"{driver}\n{identity}".encode()).hexdigest()


def is_identity(text: str) -> bool:
    """Whether a text that comes from a file can be an identity."""
    return 0 < len(text) <= LONGEST_IDENTITY and is_visible(text)


def are_two(one: str | None, other: str | None) -> bool:
    """Whether two identities prove that it is not the same band.

    Only two Bluetooth addresses do: macOS gives each computer an address of its own.
    """
    return one != other and all(each is not None and _ADDRESS.fullmatch(each) for each in (one, other))


def is_serial(text: str | None) -> bool:
    """Whether a serial number tells bands apart. Makers without any send zeros, repetitions or 0123456789."""
    if text is None or len(text) < SHORTEST_SERIAL:
        return False
    return len(set(text)) > 2 and text not in "01234567890123456789"
