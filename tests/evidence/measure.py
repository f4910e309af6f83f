"""Measures the evidence for all families by running tests, in the form of `devices/hipsync_devices/evidence.json`.

{"version": 1,
 "families": {"fitpro": {
    "vectors": {"recorded": {"fit-hr": "where it is from"}, "firmware": {}, "published": {}, "ours": {}},
    "not_met": {"some-vector": "why"},
    "captures": ["fitpro/lh716_day"],           replayed, by file
    "rules": ["a_second_sync_adds_nothing", ...], "rules_known": 10,
    "bluez": true,                              hipsync read and buzzed it through a real BlueZ
    "reported": []}},                           real bands that users reported
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

from evidence.known import NOT_MET, OF_TWO, REPORTED
from evidence.plugin import WIRE, may_meet
from evidence.vectors import KINDS, Vector, vectors
from hipsync.driver import Driver
from hipsync.registry import OURS, drivers
from hipsync.testing import RULES
from support.repository import ROOT

FILE = ROOT / "devices" / "hipsync_devices" / "evidence.json"
CAPTURES = ROOT / "tests" / "captures"
TESTS = [*sorted((ROOT / "tests" / "devices").glob("test_*.py")), ROOT / "tests" / "conversation" / "test_captures.py"]


def measured(*, rules: bool = True, bluez: bool = False, ring_told: Path | None = None) -> dict[str, Any]:
    """Return what the tests show now. Without `rules` or `bluez`, that part stays. Raises `SystemExit` if a test fails.

    `ring_told` is the file that `pytest -m bluez -n 0 -p evidence.plugin --evidence FILE` wrote in an earlier run; None
    if there is none.
    """
    before: dict[str, Any] = read()["families"] if FILE.exists() else {}
    watched = [str(module) for module in TESTS if may_meet(module)]
    told = _run(
        [*watched, *(["tests/testing/test_every_driver.py"] if rules else [])], "not ring and not long and not bluez"
    )
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
                kind: {each.id: each.source for each in held if each.kind == kind and (key, each.id) in met}
                for kind in KINDS
            },
            "not_met": {each.id: reason(each) for each in held if (key, each.id) not in met},
            "captures": sorted(each for each in _captures(told["captures"]) if each.startswith(f"{key}/")),
            "rules": told["rules"].get(key, []) if rules else was.get("rules", []),
            "rules_known": len(RULES) if rules else was.get("rules_known", 0),
            "bluez": key in ring if bluez or ring_told else was.get("bluez", False),
            "reported": list(REPORTED.get(key, [])),
        }
    absent = {key: len(held) for key, held in published.items() if key not in families}
    return {"version": 1, "families": dict(sorted(families.items())), "without_driver": absent}


def ours() -> Mapping[str, Driver]:
    """Return the drivers that come with hipsync, by key."""
    points = {point.name for point in entry_points(group="hipsync.drivers") if point.value.startswith(OURS)}
    return {key: driver for key, driver in drivers().items() if key in points}


def read() -> dict[str, Any]:
    """Return the stored evidence."""
    kept: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return kept


def text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def unexplained(told: Mapping[str, Any]) -> list[str]:
    """Return the ids of vectors that are not met and for which `NOT_MET` has no reason."""
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


def reason(each: Vector) -> str:
    """Return why a vector is not met; empty for one that should be."""
    return NOT_MET.get(each.id, "") if OF_TWO.get(each.id, each.family) == each.family else ""


def met_by(seen: Mapping[str, Mapping[str, Sequence[str]]]) -> set[tuple[str, str]]:
    """Return family and id of vectors that a module names, if its tests passed all their bytes through its code.

    Those with a reason are none: one or two bytes can be met by chance.
    """
    met: set[tuple[str, str]] = set()
    for module, families in seen.items():
        source = Path(module).read_text("utf-8")
        wire = families.get(WIRE, [])
        for family, values in families.items():
            held = {bytes.fromhex(value) for value in [*values, *wire]}
            met |= {
                (family, each.id)
                for each in vectors()
                if each.family == family and each.id in source and all(_in(value, held) for value in each.values)
                if not reason(each)
            }
    return met


def _in(value: bytes, held: set[bytes]) -> bool:
    """Whether `held` has the value, or a longer one with it inside if it is too long to be there by chance."""
    return value in held or (len(value) >= 8 and any(value in each for each in held if len(each) > len(value)))


def _captures(paths: Sequence[str]) -> set[str]:
    inside = (Path(path).resolve() for path in paths if Path(path).resolve().is_relative_to(CAPTURES))
    return {path.relative_to(CAPTURES).with_suffix("").as_posix() for path in inside}
