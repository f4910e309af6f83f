"""The vectors that others recorded or published, in `tests/vectors`: each has a family, its bytes and a source."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from support.shared import VECTORS

FILES = (
    "colmi-moyoung-fitpro-lefun.json", "huami-xiaomi.json", "infinitime-banglejs-sig.json", "more-2026-11.json",
    "garmin.json", "xiaomi.json", "zepp.json", "huawei.json",
)  # fmt: skip
OF_ONE_FAMILY = {"xiaomi.json": "xiaomi", "zepp.json": "huami", "huawei.json": "huawei"}
"""The files whose rows are all of one family, which they do not name."""
TEXTS = {"name", "gap_device_name"}
"""The keys of values that are texts, and not bytes in hexadecimal."""
NUMBERS = "services_16"
"""The key of the short numbers of services, which pass as full UUIDs only."""
PROOF = "-digest-"
"""What is in the id of a row whose byte strings are two values of 32 bytes each: a proof, and what it was made from."""
SIDES = {"phone": 2, "band": 2, "P": 1, "B": 1}
"""The words with which a frame of a conversation begins, for who sent it, and where among its parts its bytes are."""

RECORDED = {
    "capture", "recorded", "unit-test (captured)", "doc (captured)", "doc (captured init)",
    "real-log", "real-values-reframed", "user-posted-table",
}  # fmt: skip
"""The words by which the collections mark what came from a real band."""
OURS = {"computed", "computed-by-peer", "derived", "derived-from-sources", "peer-inputs-computed-outputs"}
"""The words by which they mark bytes that nobody else published."""
FIRMWARE = ("InfiniTimeOrg/InfiniTime@", "InfiniTime src ", "espruino/Espruino@", "espruino/BangleApps@")
"""How the name of a source begins if it is firmware. What it says, or what follows from it, is a kind of its own."""
KINDS = ("recorded", "firmware", "published", "ours")


@dataclass(frozen=True, slots=True)
class Vector:
    id: str
    family: str
    kind: str
    """One of `KINDS`."""
    source: str
    values: Sequence[bytes]
    """All of its byte strings; none if its collection has rows of figures in their place."""


@cache
def vectors() -> Sequence[Vector]:
    """Return the vectors of all bands, in the order of the files."""
    return [
        _vector(each, name) for name in FILES for each in json.loads((VECTORS / name).read_text("utf-8"))["vectors"]
    ]


def _vector(each: Mapping[str, Any], file: str) -> Vector:
    source = _source(each.get("source", ""))
    word = each.get("provenance") or each.get("origin") or each["kind"]
    family = OF_ONE_FAMILY.get(file) or each.get("family")
    family = family or ("xiaomi" if each["area"].startswith("xiaomi") else "huami")
    kind = "recorded" if word in RECORDED else "ours" if word in OURS else "published"
    if kind != "recorded" and source.startswith(FIRMWARE):
        kind = "firmware"
    held = each.get("frames", each.get("bytes", each.get("hex")))
    values = [bytes.fromhex(text) for text in _texts(held)]
    if PROOF in each["id"]:
        values = [half for value in values for half in (value[:32], value[32:])]
    return Vector(each["id"], family, kind, source, values)


def _source(source: str | Mapping[str, str] | Sequence[Mapping[str, str]]) -> str:
    if isinstance(source, str):
        return source.strip()
    if not isinstance(source, Mapping):
        return ", ".join(_source(each) for each in source)
    where = "@".join(source[key] for key in ("repo", "commit", "package") if key in source)
    return " ".join(part for part in (where, source.get("path", "")) if part)


def _texts(held: Any) -> Iterator[str]:
    if isinstance(held, int):
        return  # a counter or a size, which stands in no frame by itself
    if isinstance(held, str):
        yield held
    elif issubclass(type(held), list) and len(held) and isinstance(held[0], str) and held[0] in SIDES:
        yield held[SIDES[held[0]]]
    elif issubclass(type(held), dict):
        for name, each in held.items():
            if name == NUMBERS:
                continue
            texts = [each.encode().hex()] if name in TEXTS else list(_texts(each))
            yield from (text[4:] for text in texts) if name.endswith("_with_company_id") else texts
    elif held:
        for each in held:
            yield from _texts(each)
