"""What differs between the bands of the classic protocol, as a table, and how they are told by their advertisement.

Source: public clients' tables of names, keys and record sizes; the Amazfit GTS, GTR and T-Rex changed the size of their
records with firmware 0.0.9.00, the GTR Lite with 1.0.0.33.
"""

from __future__ import annotations

from typing import NamedTuple

from hipsync.driver import Advertisement, Secret
from hipsync_devices.huami.packets import CRYPT, FEE0, FEE1


class Model(NamedTuple):
    """`prefix` is compared without regard to case."""

    prefix: str
    secret: Secret
    flag: int
    """Second byte of every message of the handshake."""
    crypt: int
    """CRYPT if the band uses the form of bands with a key from the maker."""
    record_size: int
    short_text: bool = False
    wide_from: tuple[int, ...] | None = None
    """The firmware from which records have eight bytes, where it changed."""


OWN: Secret = "own"
GIVEN: Secret = "given"

MODELS = (
    Model("MI Band 2", OWN, 0x08, 0, 4, short_text=True),
    Model("Mi Band HRX", OWN, 0x08, 0, 4, short_text=True),
    Model("Mi Band 3", OWN, 0x00, 0, 4),
    Model("Xiaomi Band 3", OWN, 0x00, 0, 4),
    Model("Mi Smart Band 4", GIVEN, 0x00, CRYPT, 4),
    Model("Mi Smart Band 5", GIVEN, 0x00, CRYPT, 8),
    Model("Mi Smart Band 6", GIVEN, 0x00, CRYPT, 8),
    Model("Mi Band 4", GIVEN, 0x00, CRYPT, 4),
    Model("Mi Band 5", GIVEN, 0x00, CRYPT, 8),
    Model("Mi Band 6", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Bip Watch", OWN, 0x08, 0, 4),
    Model("Amazfit Bip Lite", GIVEN, 0x00, CRYPT, 4),
    Model("Amazfit Bip S", GIVEN, 0x00, CRYPT, 4),
    Model("Amazfit Bip U", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Bip 3", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Band 5", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Band 2", OWN, 0x08, 0, 4),
    Model("Amazfit Band", OWN, 0x08, 0, 4),
    Model("Amazfit Cor 2", OWN, 0x08, 0, 4),
    Model("Amazfit Cor", OWN, 0x08, 0, 4),
    Model("Amazfit GTS 2", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTR 2", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit T-Rex Pro", GIVEN, 0x00, CRYPT, 8),
    Model("Zepp E", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Neo", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit X", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTR Lite", GIVEN, 0x00, CRYPT, 4, wide_from=(1, 0, 0, 33)),
    Model("Amazfit GTS", GIVEN, 0x00, CRYPT, 4, wide_from=(0, 0, 9, 1)),
    Model("Amazfit GTR", GIVEN, 0x00, CRYPT, 4, wide_from=(0, 0, 9, 1)),
    Model("Amazfit T-Rex", GIVEN, 0x00, CRYPT, 4, wide_from=(0, 0, 9, 1)),
    Model("Amazfit Verge L", GIVEN, 0x00, CRYPT, 4),
)
UNKNOWN = Model("", GIVEN, 0x00, CRYPT, 8)
LATER = (
    "Mi Smart Band 7",
    "Xiaomi Smart Band",
    "Amazfit Band 7",
    "Amazfit Bip 5",
    "Amazfit GTR 3",
    "Amazfit GTR 4",
    "Amazfit GTR Mini",
    "Amazfit GTS 3",
    "Amazfit GTS 4",
    "Amazfit T-Rex 2",
    "Amazfit T-Rex 3",
    "Amazfit T-Rex Ultra",
)
"""Bands with another login; their names begin like those above."""
FIRST = frozenset({"mi", "mi1a", "mi1s", "mi band"})
"""The first generation has the same service and another protocol."""


def model_of(name: str) -> Model:
    """The model with the longest name that this one begins with."""
    lower = name.casefold()
    fitting = [model for model in MODELS if lower.startswith(model.prefix.casefold())]
    return max(fitting, key=lambda model: len(model.prefix), default=UNKNOWN)


def record_size(model: Model, firmware: str | None) -> int:
    """Bytes a stored minute, as far as name and firmware (`V0.25.17.5`) tell."""
    if model.wide_from is None or not firmware:
        return model.record_size
    digits = firmware.lstrip("Vv").split(".")
    numbers = tuple(int(part) for part in digits if part.isascii() and part.isdecimal() and len(part) < 6)
    return 8 if len(numbers) == len(digits) and numbers >= model.wide_from else model.record_size


def matches(advertisement: Advertisement) -> bool:
    """A name of this generation, or its service under a name that speaks for nothing else."""
    name = (advertisement.name or "").casefold()
    if name in FIRST or any(name.startswith(later.casefold()) for later in LATER):
        return False
    if model_of(name) is not UNKNOWN:
        return True
    ours = {FEE0, FEE1}
    return not name and bool(ours & advertisement.services or FEE0 in advertisement.service_data)


def secret(advertisement: Advertisement) -> Secret:
    return model_of(advertisement.name or "").secret
