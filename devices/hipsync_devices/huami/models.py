"""A table of the differences between the bands of this family, and how their advertisements are recognised.

Source: public clients' tables of names, keys and record sizes; docs/protocols/names.md has each name with what it rests
on. The Amazfit GTS, GTR and T-Rex changed the size of their records with firmware 0.0.9.00, the GTR Lite with 1.0.0.33.
The models of the newer generation differ in nothing that is needed here.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from hipsync.driver import Advertisement, Link, Secret
from hipsync_devices.gatt import uuid16
from hipsync_devices.huami.chunked import TO_BAND, TO_PHONE
from hipsync_devices.huami.packets import AUTHENTICATION, CRYPT, FEE0, FEE1

Login = Literal["classic", "newer", "either"]
"""The login of a model. `either`: newer firmware refuses the classic login, but is classic in everything else."""


class Model(NamedTuple):
    """A model of the family, whose bands are called `prefix`, in upper or lower case, with a part of the address."""

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
    common: bool = False
    """Whether others may use the name too, so that a band has to advertise the service FEE0 beside it."""

    @property
    def newer(self) -> bool:
        """Whether the model is of the newer generation in everything: login, clock, battery, acknowledgement, kinds."""
        return self.login == "newer"


OWN: Secret = "own"
GIVEN: Secret = "given"

NEWER = (
    "Active 2 (Round)", "Active 2 (Square)", "Active 2 NFC (Round)", "Active 2 NFC (Square)", "Active 2 NFC Square",
    "Active 2 Square", "Active 3 Premium", "Active Max", "Amazfit Active", "Amazfit Active 3 Premium",
    "Amazfit Active Edge", "Amazfit Active Max", "Amazfit Balance", "Amazfit Balance 2", "Amazfit Balance 2 XT",
    "Amazfit Band 7", "Amazfit Bip 5", "Amazfit Bip 5 Unity", "Amazfit Bip 6", "Amazfit Cheetah 2 Pro",
    "Amazfit Cheetah Pro", "Amazfit Cheetah R", "Amazfit Cheetah S", "Amazfit Falcon", "Amazfit GTR 3 Pro",
    "Amazfit GTR 4 LE", "Amazfit GTR Mini", "Amazfit GTS 3", "Amazfit GTS 4", "Amazfit GTS 4 Mini",
    "Amazfit GTS 4 mini New", "Amazfit Helio Ring", "Amazfit T-Rex 2", "Amazfit T-Rex 3", "Amazfit T-Rex Ultra",
    "Amazfit T-Rex Ultra 2", "Cheetah 2 Pro", "T-Rex 3 Pro (44mm)", "T-Rex 3 Pro (48mm)", "T-Rex Ultra 2",
)  # fmt: skip
"""Further models of the newer generation. Nobody has shown hipsync with one of them."""
MODELS = (
    Model("MI Band 2", OWN, 0x08, 0, 4, short_text=True),
    Model("Mi Band 2i", OWN, 0x08, 0, 4, short_text=True),
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
    Model("Amazfit Bip S Lite", GIVEN, 0x00, CRYPT, 4),
    Model("Bip S Lite", GIVEN, 0x00, CRYPT, 4),
    Model("Amazfit Bip U", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Bip U Pro", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Pop", GIVEN, 0x00, CRYPT, 8),  # sold elsewhere as the Bip U
    Model("Amazfit Pop Pro", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Bip 3", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Bip 3 Pro", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Band 5", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Band 2", OWN, 0x08, 0, 4),
    Model("Amazfit Band", OWN, 0x08, 0, 4),
    Model("Amazfit Cor 2", OWN, 0x08, 0, 4),
    Model("Amazfit Cor", OWN, 0x08, 0, 4),
    Model("Amazfit GTS 2", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTS 2 mini", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTS2 mini", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTS 2e", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTR 2", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTR 2e", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit T-Rex Pro", GIVEN, 0x00, CRYPT, 8),
    Model("Zepp E", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit Neo", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit X", GIVEN, 0x00, CRYPT, 8),
    Model("Amazfit GTR Lite", GIVEN, 0x00, CRYPT, 4, wide_from=(1, 0, 0, 33)),
    Model("Amazfit GTR L", GIVEN, 0x00, CRYPT, 4, wide_from=(1, 0, 0, 33)),
    Model("Amazfit GTS", GIVEN, 0x00, CRYPT, 4, wide_from=(0, 0, 9, 1)),
    Model("Amazfit GTR", GIVEN, 0x00, CRYPT, 4, wide_from=(0, 0, 9, 1)),
    Model("Amazfit T-Rex", GIVEN, 0x00, CRYPT, 4, wide_from=(0, 0, 9, 1)),
    Model("Amazfit Verge L", GIVEN, 0x00, CRYPT, 4),
    Model("Mi Smart Band 7", GIVEN, 0, 0, 8, login="newer"),
    Model("Xiaomi Smart Band 7", GIVEN, 0, 0, 8, login="newer"),
    Model("Amazfit Helio Strap", GIVEN, 0, 0, 8, login="newer"),
    Model("Amazfit GTR 3", GIVEN, 0, 0, 8, login="newer"),
    Model("Amazfit GTR 4", GIVEN, 0, 0, 8, login="newer"),
    *(Model(name, GIVEN, 0, 0, 8, login="newer", common=True) for name in NEWER),
)
UNKNOWN = Model("", GIVEN, 0x00, CRYPT, 8)
UNKNOWN_NEWER = Model("", GIVEN, 0, 0, 8, login="newer")
FIRST = frozenset({"mi", "mi1a", "mi1s", "mi band"})
"""The names of the first Mi Bands, in lower case, which have the same service but another protocol."""


END = re.compile(r"[ -]*|[ -]+[A-Z0-9]{4}|[ -]+([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
"""What may follow the model in a band's name: a part of the address, or all of it."""
CALLS = re.compile(r"-[A-Z0-9]{4}$")
"""The end of the name under which a watch of the newer generation shows its other radio, for calls."""
WEIGHT, BODY = uuid16(0x181D), uuid16(0x181B)
"""Services of scales, which have FEE0 as well."""


def model_of(name: str) -> Model:
    """Return the model of a name, or else the one whose words it begins with; `UNKNOWN` if there is none."""
    fitting = [model for model in MODELS if _begins(name, model.prefix)]
    return known_model(name) or max(fitting, key=lambda model: len(model.prefix), default=UNKNOWN)


def known_model(name: str) -> Model | None:
    """Return the model whose name this is in full; None if it is that of none."""
    folded = name.casefold()
    fitting = [
        model
        for model in MODELS
        if folded.startswith(model.prefix.casefold()) and END.fullmatch(name[len(model.prefix) :])
    ]
    return max(fitting, key=lambda model: len(model.prefix), default=None)


def model_on(link: Link, name: str) -> Model:
    """Return the model at the other end: by its name, and if nobody knows that, by the login that it has."""
    known = known_model(name)
    if known is None and not link.has(AUTHENTICATION) and link.has(TO_BAND) and link.has(TO_PHONE):
        return UNKNOWN_NEWER
    return known or model_of(name)


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
    if not name:
        return _has_service(advertisement, FEE0, FEE1)
    model = known_model(name)
    if model is None:
        return False
    return _has_service(advertisement, FEE0) or not (model.common or (model.newer and CALLS.search(name)))


def knows_name(name: str) -> bool:
    return known_model(name) is not None


def refusal(advertisement: Advertisement) -> str | None:
    """Why a device that looks like one of this family is not taken; None for every other device."""
    name = advertisement.name or ""
    model = known_model(name)
    if name.casefold() in FIRST and _has_service(advertisement, FEE0, FEE1):
        return "a Mi Band of the first generation has another protocol: hipsync cannot read it"
    if model is not None:
        if model.newer and CALLS.search(name):
            return "this is the side of the watch for calls: choose its other entry, or wake the watch and scan again"
        return None
    if _has_service(advertisement, FEE0) and not {WEIGHT, BODY} & advertisement.services:
        return "a Zepp or Amazfit model that hipsync does not know: `hipsync pair ADDRESS --driver huami` tries it"
    return None


def _has_service(advertisement: Advertisement, *services: str) -> bool:
    return any(each in advertisement.services or each in advertisement.service_data for each in services)


def secret(advertisement: Advertisement) -> Secret:
    return model_of(advertisement.name or "").secret
