"""A table of the differences between the bands of this family, and how their advertisements are recognised.

Source: public clients' tables of names, keys and record sizes. The Amazfit GTS, GTR and T-Rex changed the size of their
records with firmware 0.0.9.00, the GTR Lite with 1.0.0.33. Of the newer generation only those are listed from which
others have fetched minutes.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from hipsync.driver import Advertisement, Secret
from hipsync_devices.huami.packets import CRYPT, FEE0, FEE1

Login = Literal["classic", "newer", "either"]
"""The login of a model. `either`: newer firmware refuses the classic login, but is classic in everything else."""


class Model(NamedTuple):
    """A model of the family; the names of its bands begin with the words of `prefix`, in upper or lower case."""

    prefix: str
    secret: Secret
    flag: int
    """The second byte of every message of the classic login."""
    crypt: int
    """`CRYPT` if the login has the form of bands with a key from the maker, else 0."""
    record_size: int
    """The length in bytes of a stored minute, unless `wide_from` says otherwise."""
    short_text: bool = False
    """Whether the model shows texts only in the short form of a Mi Band 2."""
    wide_from: tuple[int, ...] | None = None
    """The first firmware whose records have eight bytes; None if no firmware has changed that."""
    login: Login = "classic"

    @property
    def newer(self) -> bool:
        """Whether the model is of the newer generation in everything: login, clock, battery, acknowledgement, kinds."""
        return self.login == "newer"


OWN: Secret = "own"
GIVEN: Secret = "given"

MODELS = (
    Model("MI Band 2", OWN, 0x08, 0, 4, short_text=True),
    Model("Mi Band HRX", OWN, 0x08, 0, 4, short_text=True),
    Model("Mi Band 3", OWN, 0x00, 0, 4),
    Model("Xiaomi Band 3", OWN, 0x00, 0, 4),
    Model("Mi Band 3i", OWN, 0x00, 0, 4),  # by our guess as the Mi Band 3; its maker numbers it in the same family
    Model("Mi Smart Band 4", GIVEN, 0x00, CRYPT, 4),
    Model("Mi Smart Band 5", GIVEN, 0x00, CRYPT, 8),
    Model("Mi Smart Band 6", GIVEN, 0x00, CRYPT, 8, login="either"),
    Model("Mi Band 4", GIVEN, 0x00, CRYPT, 4),
    Model("Mi Band 5", GIVEN, 0x00, CRYPT, 8),
    Model("Mi Band 6", GIVEN, 0x00, CRYPT, 8, login="either"),
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
    Model("Amazfit GTS 2e", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTR 2", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTR 2e", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit T-Rex Pro", GIVEN, 0x00, CRYPT, 8),
    Model("Zepp E", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Neo", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit X", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTR Lite", GIVEN, 0x00, CRYPT, 4, wide_from=(1, 0, 0, 33)),
    Model("Amazfit GTS", GIVEN, 0x00, CRYPT, 4, wide_from=(0, 0, 9, 1)),
    Model("Amazfit GTR", GIVEN, 0x00, CRYPT, 4, wide_from=(0, 0, 9, 1)),
    Model("Amazfit T-Rex", GIVEN, 0x00, CRYPT, 4, wide_from=(0, 0, 9, 1)),
    Model("Amazfit Verge L", GIVEN, 0x00, CRYPT, 4),
    Model("Mi Smart Band 7", GIVEN, 0, 0, 8, login="newer"),
    Model("Xiaomi Smart Band 7", GIVEN, 0, 0, 8, login="newer"),
    Model("Amazfit Helio Strap", GIVEN, 0, 0, 8, login="newer"),
    Model("Amazfit GTR 3", GIVEN, 0, 0, 8, login="newer"),
    Model("Amazfit GTR 4", GIVEN, 0, 0, 8, login="newer"),
)
UNKNOWN = Model("", GIVEN, 0x00, CRYPT, 8)
OTHERS = (
    "Mi Smart Band 7 Pro",
    "Xiaomi Smart Band",
    "Xiaomi Smart Band 7 Pro",
    "Amazfit Band 7",
    "Amazfit Bip 5",
    "Amazfit GTR 3 Pro",
    "Amazfit GTR Mini",
    "Amazfit GTS 3",
    "Amazfit GTS 4",
    "Amazfit T-Rex 2",
    "Amazfit T-Rex 3",
    "Amazfit T-Rex Ultra",
)
"""Bands with another protocol, or on which nobody has proven this one, although their names begin like those above."""
FIRST = frozenset({"mi", "mi1a", "mi1s", "mi band"})
"""The names of the first Mi Bands, in lower case, which have the same service but another protocol."""


def model_of(name: str) -> Model:
    """Return the model whose prefix is the longest one that a name begins with; `UNKNOWN` if none fits."""
    fitting = [model for model in MODELS if _begins(name, model.prefix)]
    return max(fitting, key=lambda model: len(model.prefix), default=UNKNOWN)


def _begins(name: str, prefix: str) -> bool:
    """Whether a name begins with the words of `prefix`: `Mi Smart Band 4C`, a Redmi band, is no `Mi Smart Band 4`."""
    folded, words = name.casefold(), prefix.casefold()
    return folded.startswith(words) and not folded[len(words) :][:1].isalnum()


def record_size(model: Model, firmware: str | None) -> int:
    """Return the length in bytes of a stored minute, by the model and the firmware, such as `V0.25.17.5`.

    If the firmware is None or cannot be read, it is that of the model.
    """
    if model.wide_from is None or not firmware:
        return model.record_size
    digits = firmware.lstrip("Vv").split(".")
    numbers = tuple(int(part) for part in digits if part.isascii() and part.isdecimal() and len(part) < 6)
    return 8 if len(numbers) == len(digits) and numbers >= model.wide_from else model.record_size


def matches(advertisement: Advertisement) -> bool:
    """Whether a band advertises a name of this family or, without any name, one of its services."""
    name = advertisement.name or ""
    model = model_of(name)
    longest = max((len(other) for other in OTHERS if _begins(name, other)), default=0)
    if name.casefold() in FIRST or longest > len(model.prefix):
        return False
    if model is not UNKNOWN:
        return True
    ours = {FEE0, FEE1}
    return not name and bool(ours & advertisement.services or FEE0 in advertisement.service_data)


def secret(advertisement: Advertisement) -> Secret:
    return model_of(advertisement.name or "").secret
