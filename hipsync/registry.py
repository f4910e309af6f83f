"""Drivers and simulators by entry point: hipsync's own, and those of other packages in the same way.

Nothing here knows a family of bands. The one rule: a package that does not import is logged and left out, and stops
nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from typing import Any

from hipsync.driver import Advertisement, Driver
from hipsync.errors import ConfigError
from hipsync.evidence import Proof, proof_of
from hipsync.simulated import Simulator

log = logging.getLogger(__name__)

OURS = "hipsync_devices."
"""The beginning of entry points that come with hipsync."""
EVIDENCE = "evidence.json"


def drivers() -> Mapping[str, Driver]:
    """All drivers by key; one that does not import, or is no `Driver`, is logged and left out."""
    found = {key: _loaded(point) for key, point in _chosen("hipsync.drivers").items()}
    good = {key: driver for key, driver in found.items() if isinstance(driver, Driver)}
    for key in found.keys() - good.keys():
        log.error("driver %s is left out: it is not a hipsync Driver, or failed to import", key)
    return good


def kinds() -> Sequence[str]:
    """The keys of all drivers in alphabetical order; none is imported for it."""
    return sorted(_chosen("hipsync.drivers"))


def simulator(key: str) -> Simulator:
    """The maker of simulated bands of one family. Raises `ConfigError` where there is none, or it does not import."""
    points = _chosen("hipsync.simulators")
    if key not in points:
        raise ConfigError(f"no simulated band of kind {key!r}: there are {', '.join(sorted(points))}")
    made: Simulator | None = _loaded(points[key])
    if made is None:
        raise ConfigError(f"the simulated band {key!r} failed to import: see the log with -v")
    return made


def proof(key: str) -> Proof:
    """How well a driver is proven, by the file `evidence.json` of the package that it comes from.

    Where the package has no such file, or there is no driver of this key, it is a `Proof` that states nothing.
    """
    point = _chosen("hipsync.drivers").get(key)
    if point is None:
        return Proof()
    try:
        return proof_of(key, files(point.module.partition(".")[0]).joinpath(EVIDENCE).read_text("utf-8"))
    except (OSError, ImportError, TypeError, UnicodeDecodeError):  # a package without such a file, or a single module
        return Proof()


def claimants(advertisement: Advertisement, known: Mapping[str, Driver]) -> Sequence[Driver]:
    """The drivers whose family a device belongs to, in order of key, generic ones last; the first one is offered.

    A driver that fails on the advertisement is logged and left out.
    """
    taken: list[Driver] = []
    for key in sorted(known, key=lambda key: (known[key].generic, key)):
        try:
            if known[key].matches(advertisement):
                taken.append(known[key])
        except Exception:
            log.exception("driver %s failed to judge an advertisement", key)
    return taken


def _chosen(group: str) -> Mapping[str, EntryPoint]:
    """The entry points of a group by key; of two with one key hipsync's own is taken, and the other logged."""
    chosen: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        rival = chosen.get(point.name)
        if rival is None or (point.value.startswith(OURS) and not rival.value.startswith(OURS)):
            chosen[point.name] = point
        if rival is not None and rival.value != point.value:
            loser = rival if chosen[point.name] is point else point
            log.warning("two entries %r in %s: %s is left out", point.name, group, loser.value)
    return chosen


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception:
        log.exception("%s could not be imported", point.value)
        return None
