"""The evidence of all families, from tests that run; as `devices/hipsync_devices/evidence.json` keeps it.

{"version": 1,
 "families": {"fitpro": {
    "vectors": {"recorded": {"fit-hr": "where it is from"}, "firmware": {}, "published": {}, "ours": {}},
    "not_met": {"some-vector": "why"},
    "captures": ["fitpro/lh716_day"],           replayed, by file
    "rules": ["a_second_sync_adds_nothing", ...], "rules_known": 10,
    "bluez": true,                              the product read and buzzed it through a real BlueZ
    "reported": []}},                           real bands that users told of
 "without_driver": {"lefun": 11}}               vectors of families that have none
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from evidence.known import NOT_MET, REPORTED
from evidence.plugin import WIRE
from evidence.vectors import KINDS, Vector, vectors
from hipsync.driver import Driver
from hipsync.registry import OURS, drivers
from hipsync.testing import RULES
from support.repository import ROOT

FILE = ROOT / "devices" / "hipsync_devices" / "evidence.json"
CAPTURES = ROOT / "tests" / "captures"
TESTS = ("tests/devices", "tests/conversation/test_captures.py")


def measured(*, rules: bool = True, bluez: bool = False, ring_told: Path | None = None) -> dict[str, Any]:
    """What the tests show now; without `rules` or `bluez`, that part is as it was. Raises `SystemExit` if one fails.

    `ring_told`: what the ring showed in a run of its own, `pytest -m bluez -n 0 -p evidence.plugin --evidence FILE`.
    """
    before: dict[str, Any] = read()["families"] if FILE.exists() else {}
    told = _run([*TESTS, *(["tests/devices/test_every_driver.py"] if rules else [])], "not ring and not bluez")
    met = met_by(told["seen"])
    if ring_told is not None:
        ring: list[str] = json.loads(ring_told.read_text("utf-8"))["bluez"]
    else:
        ring = _run(["tests/bluez/test_bluez.py"], "bluez")["bluez"] if bluez else []
    families: dict[str, Any] = {}
    published = _by_family(vectors())
    for key in ours():
        held = published.get(key, [])
        was = before.get(key, {})
        families[key] = {
            "vectors": {
                kind: {each.id: each.source for each in held if each.kind == kind and each.id in met} for kind in KINDS
            },
            "not_met": {each.id: NOT_MET.get(each.id, "") for each in held if each.id not in met},
            "captures": sorted(each for each in _captures(told["captures"]) if each.startswith(f"{key}/")),
            "rules": told["rules"].get(key, []) if rules else was.get("rules", []),
            "rules_known": len(RULES) if rules else was.get("rules_known", 0),
            "bluez": key in ring if bluez or ring_told else was.get("bluez", False),
            "reported": list(REPORTED.get(key, [])),
        }
    absent = {key: len(held) for key, held in published.items() if key not in families}
    return {"version": 1, "families": dict(sorted(families.items())), "without_driver": absent}


def ours() -> Mapping[str, Driver]:
    """The drivers that come with hipsync."""
    points = {point.name for point in entry_points(group="hipsync.drivers") if point.value.startswith(OURS)}
    return {key: driver for key, driver in drivers().items() if key in points}


def read() -> dict[str, Any]:
    """What is kept."""
    kept: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return kept


def text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def unexplained(told: Mapping[str, Any]) -> list[str]:
    """Vectors that are not met, and nobody says why."""
    return [each for family in told["families"].values() for each, why in family["not_met"].items() if not why]


def _run(paths: Sequence[str], marks: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        words = ["-q", "-p", "evidence.plugin", "--evidence", str(file), "-m", marks, *paths]
        done = subprocess.run([sys.executable, "-m", "pytest", "-n", "0", *words], cwd=ROOT, check=False)
        if done.returncode:
            sys.exit("there is no evidence where tests fail")
        told: dict[str, Any] = json.loads(file.read_text())
        return told


def _by_family(held: Sequence[Vector]) -> dict[str, list[Vector]]:
    by: dict[str, list[Vector]] = {}
    for each in held:
        by.setdefault(each.family, []).append(each)
    return by


def met_by(seen: Mapping[str, Mapping[str, Sequence[str]]]) -> set[str]:
    """The ids of vectors that a module names, and all of whose bytes went through their family's code in its tests."""
    met: set[str] = set()
    for module, families in seen.items():
        source = Path(module).read_text("utf-8")
        wire = families.get(WIRE, [])
        for family, values in families.items():
            held = {bytes.fromhex(value) for value in [*values, *wire]}
            met |= {
                each.id
                for each in vectors()
                if each.family == family and each.id in source and all(_in(value, held) for value in each.values)
            }
    return met - NOT_MET.keys()  # a byte or two is met by chance


def _in(value: bytes, held: set[bytes]) -> bool:
    """Whole, or as part of a longer run of bytes where it is too long to be in one by chance."""
    return value in held or (len(value) >= 8 and any(value in each for each in held if len(each) > len(value)))


def _captures(paths: Sequence[str]) -> set[str]:
    inside = (Path(path).resolve() for path in paths if Path(path).resolve().is_relative_to(CAPTURES))
    return {path.relative_to(CAPTURES).with_suffix("").as_posix() for path in inside}
