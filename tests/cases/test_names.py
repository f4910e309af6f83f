"""Every name of the sheets in docs/protocols: who takes it, and what is said where nobody does.

The table of `names.json` has what other programs recognise, with how sure that is: H (two sources, or a log), M (one
good source), L (a guess). The names of Xiaomi's, Huawei's and Garmin's families are those of their own sheets.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import entry_points
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Advertisement, Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Reading
from hipsync.registry import claimants, drivers, family_of, refusal, undriven
from hipsync.testing.direct import run
from hipsync_devices.gatt import uuid16
from support.repository import ROOT

SHEET: Mapping[str, Sequence[Mapping[str, Any]]] = json.loads(
    (ROOT / "docs" / "protocols" / "names.json").read_text("utf-8")
)
HEART = "180d"
KNOWN = drivers()


def advertised(
    name: str | None, services: Sequence[str] = (), company: Mapping[str, str] | None = None
) -> Advertisement:
    return Advertisement(
        name,
        frozenset(uuid16(int(each, 16)) if len(each) == 4 else each for each in services),
        manufacturer_data={int(number, 16): bytes.fromhex(data) for number, data in (company or {}).items()},
    )


def takers(advertisement: Advertisement) -> list[str]:
    """The keys of the drivers that take it, without generic ones if another does."""
    found = claimants(advertisement, KNOWN)
    return [each.key for each in [each for each in found if not each.generic] or found]


def why(advertisement: Advertisement) -> str | None:
    return refusal(advertisement, KNOWN)


SURE = [
    pytest.param(advertised(entry["sample"], entry["advertises"]), entry["family"].partition(" ")[0], id=str(number))
    for number, entry in enumerate(SHEET["entries"])
    if entry["confidence"][:1] in {"H", "M"}
]


@pytest.mark.parametrize(("advertisement", "family"), SURE)
def test_a_name_that_is_sure_is_taken_by_its_family_and_by_no_other(advertisement: Advertisement, family: str) -> None:
    assert takers(advertisement) == [family]
    assert why(advertisement) is None


def test_the_sheet_has_as_many_sure_names_as_it_says() -> None:
    """Its summary: 46 of Huami's newer generation, 37 classic, 2, 2, 23 of Colmi, 24 of MoYoung, 12, 5 and 5."""
    assert len(SURE) == 46 + 37 + 2 + 2 + 23 + 24 + 12 + 5 + 5


ONLY_CONNECTED = ("R11_1A2B", "PineTime", None)
"""Lookalikes that nothing tells apart before they are connected; what is said then is in the tests below."""


@pytest.mark.parametrize("entry", SHEET["false_matches"], ids=lambda entry: str(entry["name"]))
def test_a_name_that_is_known_to_be_another_s_is_refused_in_one_sentence(entry: Mapping[str, Any]) -> None:
    advertisement = advertised(entry["name"], entry["advertises"], entry["company"])
    if entry["name"] in ONLY_CONNECTED:
        assert takers(advertisement) == entry["taken_by"]
        return
    wrong = entry["taken_by"]
    assert not set(takers(advertisement)) & set(wrong)
    if not takers(advertisement):  # as of `Amazfit Balance` there is a right one
        said = why(advertisement)
        assert said is not None
        assert "\n" not in said
        assert len(said) < 200


# ------------------------------------------------------------------ the three sheets


XIAOMI_LOW_ENERGY = (
    "Xiaomi Smart Band 7 Pro", "Xiaomi Smart Band 8", "Xiaomi Smart Band 8 Active", "Xiaomi Band 8 Active",
    "Redmi Smart Band 2", "Redmi Smart Band 3", "Redmi Band Pro", "Redmi Watch 2", "Redmi Watch 2 Lite",
    "Redmi Watch 3", "Redmi Watch 3 Active", "Xiaomi Watch S1", "XiaomiWatchS1Active", "Xiaomi Band 9 Active",
    "Xiaomi Smart Band 9 Active", "Xiaomi Smart Band 9", "Xiaomi Smart Band 10", "Xiaomi Smart Band 10 Pro",
)  # fmt: skip
XIAOMI_OTHERS = (
    "Xiaomi Smart Band 11", "Xiaomi Smart Band 8 Pro", "Xiaomi Smart Band 9 Pro", "Redmi Watch 4", "Redmi Watch 5",
    "Redmi Watch 5 Active", "Redmi Watch 5 Lite", "Redmi Watch Move", "Redmi Watch 6", "Xiaomi Watch S1 Pro",
    "Xiaomi Watch S3", "Xiaomi Watch S4", "Xiaomi Watch 5", "Mi ColorS",
)  # fmt: skip
"""xiaomi.md, 1.1; each is followed by a space and four digits of the address."""
HUAWEI_LOW_ENERGY = (
    "honor band 3-", "honor band 4-", "honor band 5-", "honor band 6-", "honor band 7-", "huawei band 2-",
    "huawei band 2 pro-", "huawei band 3-", "huawei band 3 pro-", "huawei band 4-", "huawei band 4 pro-",
    "huawei band 3e-", "huawei band 4e-", "huawei band 6-", "huawei band 7-", "huawei band 8-", "huawei band 9-",
    "huawei band 10-", "huawei band 11-", "huawei band 11 pro-", "huawei watch gt-", "huawei watch gt 2e-",
    "huawei watch fit-", "honor watch-",
)  # fmt: skip
HUAWEI_CLASSIC = (
    "honor magicwatch 2-", "honor watch gs 3-", "honor watch gs pro-", "honor watch 4-", "honor watch 4 pro-",
    "huawei b6-", "huawei watch 3-", "huawei watch 3 pro-", "huawei watch 4-", "huawei watch 4 pro-", "huawei watch 5-",
    "huawei watch gt 2-", "huawei watch gt 2 pro-", "huawei watch gt 3-", "huawei watch gt 3 se-",
    "huawei watch gt 3 pro-", "huawei watch gt 4-", "huawei watch gt 5-", "huawei watch gt 5 pro-",
    "huawei watch gt 6-", "huawei watch gt 6 pro-", "huawei watch gt runner-", "huawei watch gt runner 2-",
    "huawei watch gt cyber-", "huawei watch fit 2-", "huawei watch fit 3-", "huawei watch fit 4-",
    "huawei watch fit 4 pro-", "huawei watch fit 5-", "huawei watch fit 5 pro-", "huawei watch d2-",
    "huawei watch ultimate-", "huawei watch ultimate 2-",
)  # fmt: skip
"""huawei.md, 1.1 and 1.2, in any case; three digits of the address follow the hyphen."""
GARMIN = (
    "vívosmart 3", "vívosmart 4", "vívosmart 5", "vívosport", "vívomove HR", "vívomove Style", "vívomove Trend",
    "vívomove Sport", "Lily 2", "Lily 2 Active", "vívoactive 3", "vívoactive3", "vívoactive 4", "vívoactive 4S",
    "vívoactive 5", "vívoactive 6", "vívoactive HR", "Venu", "Venu 2", "Venu 2S", "Venu 2 Plus", "Venu 3", "Venu 3S",
    "Venu X1", "Venu 4 - 45mm", "Venu Sq", "Venu Sq 2",
    *(
        f"Forerunner {each}"
        for each in (
            "35", "45", "55", "165", "165 Music", "170", "235", "245", "245 Music", "255", "255S", "255 Music",
            "255S Music", "265", "265S", "570", "620", "630", "645 Music", "735XT", "745", "920", "935", "945", "955",
            "965",
        )
    ),
    "Garmin Forerunner 265S", "Instinct", "Instinct Solar", "Instinct Dual Power", "Instinct Tactical",
    "Instinct Solar Tac", "Instinct Crossover", "Instinct 2", "Instinct 2S", "Instinct 2 Solar", "Instinct 2S Solar",
    "Instinct 2S Surf", "Instinct 2 SolTac", "Instinct 2X Sol", "Instinct 2X Solar", "Instinct 2X Tactical",
    "Instinct 3 - 45mm", "Instinct 3 - 45mm Tac", "Instinct E - 40mm", "fenix 3", "fenix 3 HR", "fenix 5", "fenix 5s",
    "fenix 5 Plus", "fenix 5X Plus", "fenix 6", "fenix 6 Pro", "fenix 6S Pro", "fenix 6X Pro", "fenix 6 Pro Sapphire",
    "fenix 6X Pro Solar", "fenix 7", "fenix 7S", "fenix 7X", "fenix 7 Pro", "fenix 8 - 47mm", "EPIX", "EPIX PRO - 47mm",
    "Enduro", "Enduro 3", "Swim 2", "Descent G1", "Descent G2", "Descent Mk3", "quatix 8 Pro", "tactix 7", "tactix 8",
    "MARQ Athlete", "UAT-4315", "UAT-4261",
)  # fmt: skip
"""garmin.md, 2.1."""
NOT_GARMIN_S_BANDS = ("Edge 530", "eTrex 32x", "GPSMAP 66", "HRMPro+:123456", "Approach S62", "Venus", "Instinctive")

OF_THREE = [
    *(("xiaomi", f"{model} 1A2B") for model in XIAOMI_LOW_ENERGY),
    ("xiaomi", "Xiaomi Band 9 Activ"),
    *(("huawei", f"{model}A1B") for model in HUAWEI_LOW_ENERGY),
    *(("huawei", f"{model}A1B".upper()) for model in HUAWEI_LOW_ENERGY),
    *(("garmin", name) for name in GARMIN),
]


@pytest.mark.parametrize(("family", "name"), OF_THREE)
def test_a_model_of_a_family_is_taken_by_its_driver(family: str, name: str) -> None:
    for services in ([], [HEART]):  # broadcasting a heart rate makes no strap of it
        assert takers(advertised(name, services)) == [family]


@pytest.mark.parametrize("name", [*(f"{model} 1A2B" for model in XIAOMI_OTHERS), "Mi Watch Lite_1A2B"])
def test_a_xiaomi_model_of_which_nobody_knows_more_is_named_with_what_is_known(name: str) -> None:
    said = why(advertised(name, ["fe95"])) or ("xiaomi" if takers(advertised(name)) == ["xiaomi"] else "")
    assert "import from Gadgetbridge" in said or ("xiaomi" in KNOWN and said)


@pytest.mark.parametrize("name", HUAWEI_CLASSIC)
def test_a_model_that_speaks_classic_bluetooth_alone_is_named_as_that(name: str) -> None:
    for shown in (f"{name}A1B", f"{name}A1B".upper()):
        assert takers(advertised(shown, [HEART])) == []
        assert (why(advertised(shown)) or "").startswith(
            "not reachable over Bluetooth LE: import from Gadgetbridge (`hipsync import gadgetbridge FILE`)"
        )


@pytest.mark.parametrize(
    "name", [*NOT_GARMIN_S_BANDS, "HUAWEI FreeBuds 4-A1B", "honor band 8-A1B", "HUAWEI WATCH GT 4"]
)
def test_what_begins_alike_is_passed_over(name: str) -> None:
    assert takers(advertised(name)) == []
    assert why(advertised(name)) is None


def test_a_strap_of_garmin_s_is_a_strap() -> None:
    assert takers(advertised("HRMPro+:123456", [HEART], {"0x0087": "00"})) == ["sig"]


# ------------------------------------------------------------------ the table grows smaller by itself


def test_no_driver_takes_what_the_table_of_families_without_a_driver_holds() -> None:
    """Else the driver has come, and `_undriven` still names its models: move what is left and delete the file."""
    assert {point.name for point in entry_points(group="hipsync.undriven")} == undriven().keys()
    for key, family in undriven().items():
        assert key == family.key
        assert key not in KNOWN
        taken = [name for of, name in OF_THREE if of == family.key and takers(advertised(name))]
        assert taken == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Amazfit Balance", "huami"),
        ("Active 2 (Round)-1A2B", "huami"),
        ("Mi Smart Band 5", "huami"),
        ("R02_1A2B", "colmi"),
    ],
)
def test_a_family_is_found_by_a_name_alone(name: str, key: str) -> None:
    found = family_of(name, KNOWN)
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize("name", ["", "Polar H10 12345678", "Lamp", "WHOOP 4A0000000"])
def test_a_strap_s_name_is_no_family_s(name: str) -> None:
    assert family_of(name, KNOWN) is None


@pytest.mark.parametrize("services", [[], ["fee0"]])
def test_a_new_model_of_zepp_is_named_with_what_to_try(services: list[str]) -> None:
    said = why(advertised("Amazfit GTR 9", services))
    assert (said is not None and "`hipsync pair ADDRESS --driver huami` tries it" in said) is bool(services)


def test_a_scale_is_no_new_model_of_zepp() -> None:
    assert why(advertised("Amazfit Smart Scale", ["fee0", "181d"])) is None


# ------------------------------------------------------------------ what is said to who connects to a lookalike


class Stranger:
    """A connected device that has nothing of any family; it answers a request as a radio does."""

    write_size = 20

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return False

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        raise DeviceError(f"the band has no characteristic {characteristic}")

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        raise DeviceError(f"the band has no characteristic {characteristic}")

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        raise DeviceError(f"the band has no characteristic {characteristic}")

    async def stop_notify(self, characteristic: str) -> None:
        raise AssertionError

    async def bond(self) -> None:
        """It bonds, and shows nothing more."""


LOOKALIKES = [*((key, "R11_1A2B") for key in KNOWN), ("huami", "Amazfit Balance"), ("huami", "Amazfit Bip 6-1A2B")]


@pytest.mark.parametrize(("key", "name"), LOOKALIKES)
def test_who_connects_to_a_lookalike_is_told_so_in_one_sentence(key: str, name: str) -> None:
    """R11_1A2B with the firmware of Da Rings, a PineTime with wasp-os, and every other that shows only then.

    A Zepp watch's name leads to the login of its generation, which the device has not either.
    """

    async def story(clock: FastClock) -> str:
        async def commit(_: Sequence[Reading]) -> None:
            raise AssertionError("a stranger's word is not stored")

        talk = Conversation(Stranger(), zone=ZoneInfo("UTC"), now=clock.now)
        with pytest.raises(DeviceError) as caught:
            async with dialogue(KNOWN[key], talk, Session(name, bytes(16)), commit):
                pass
        return str(caught.value)

    said = run(story, datetime(2026, 3, 2, tzinfo=UTC))
    assert "no characteristic" not in said
    assert "\n" not in said
    assert re.search(
        r"another (model|make)|this is no|does not tell|offers neither|has not the|has no console|has none of the", said
    ), said
