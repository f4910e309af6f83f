"""Finds drivers and simulators by their entry points, hipsync's own and those of other packages alike.

This module knows no family of bands. The one rule: a package that fails to import is logged and left out, and never
stops the program.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from typing import Any, TypeVar

from hipsync.driver import Abilities, Advertisement, Driver, Undriven
from hipsync.errors import ConfigError
from hipsync.evidence import Proof, proof_of
from hipsync.model import Band
from hipsync.simulated import Simulator

log = logging.getLogger(__name__)

S = TypeVar("S")
T = TypeVar("T")

OURS = "hipsync_devices."
"""The module prefix of the entry points that come with hipsync."""
EVIDENCE = "evidence.json"


def drivers(only: Collection[str] | None = None) -> Mapping[str, Driver]:
    """Import and return all drivers, or those with a key in `only`, by key.

    One that fails to import or is no `Driver` is logged and left out.
    """
    points = _chosen("hipsync.drivers")
    found = {key: _loaded(point) for key, point in points.items() if only is None or key in only}
    good = {key: driver for key, driver in found.items() if isinstance(driver, Driver)}
    for key in found.keys() - good.keys():
        log.error("driver %s is left out: it is not a hipsync Driver, or failed to import", key)
    return good


@cache
def undriven() -> Mapping[str, Undriven]:
    """Import and return the families that hipsync knows by name and has no driver for, by key.

    One that fails to import is logged and left out, as is one whose key is that of a driver.
    """
    points = _chosen("hipsync.undriven")
    found = {key: _loaded(points[key]) for key in points.keys() - _chosen("hipsync.drivers").keys()}
    return {key: family for key, family in sorted(found.items()) if isinstance(family, Undriven)}


def abilities_of(band: Band, known: Mapping[str, Driver]) -> Abilities | None:
    """Return what a band can do: what it has shown itself, or else what its family may do.

    None for a band whose driver is not among the `known` ones, and for one that was imported or forgotten.
    """
    if band.address is None or (driver := known.get(band.driver)) is None:
        return None
    return band.abilities or driver.abilities


def families() -> Mapping[str, Driver | Undriven]:
    """Return all families that hipsync knows, by key, with a driver or without one."""
    return {**undriven(), **drivers()}


def kinds() -> Sequence[str]:
    """Return the keys of all drivers in alphabetical order, without importing any."""
    return sorted(_chosen("hipsync.drivers"))


def driver_key(kind: str) -> str:
    """Return the key of the driver for a kind of simulated band, such as `xiaomi` for `xiaomi` and for `xiaomi-8`.

    A kind that nobody knows is returned as it is.
    """
    key = kind.rpartition("-")[0]
    return key if kind not in (known := _chosen("hipsync.drivers")) and key in known else kind


def simulator(key: str) -> Simulator:
    """Import and return a kind of simulated band. Raises `ConfigError` if there is none or it fails to import.

    The first kind of a family has the key of the driver, and others begin with it: see `driver_key`.
    """
    points = _chosen("hipsync.simulators")
    if key not in points:
        raise ConfigError(f"no simulated band of kind {key!r}: there are {', '.join(sorted(points))}")
    made: Simulator | None = _loaded(points[key])
    if made is None:
        raise ConfigError(f"the simulated band {key!r} failed to import: see the log with -v")
    return made


def proof(key: str) -> Proof:
    """Return how well a driver is proven, according to the file `evidence.json` of its package.

    If the package has no such file, or there is no driver with this key, the result is an empty `Proof`.
    """
    point = _chosen("hipsync.drivers").get(key)
    if point is None:
        return Proof()
    try:
        return proof_of(key, files(point.module.partition(".")[0]).joinpath(EVIDENCE).read_text("utf-8"))
    except (OSError, ImportError, TypeError, UnicodeDecodeError):  # a package without such a file, or a single module
        return Proof()


def claimants(advertisement: Advertisement, known: Mapping[str, Driver]) -> Sequence[Driver]:
    """Return the drivers in `known` that recognise a device, in order of key, generic ones last.

    Users are offered the first one. A device that a family refuses is left to none of the generic ones. A driver that
    raises an exception is logged and left out.
    """
    taken = [
        known[key] for key in sorted(known) if not known[key].generic and _judged(known[key].matches, advertisement)
    ]
    if not taken and _refused(advertisement, known) is not None:
        return []
    return taken + [driver for driver in _generic(known) if _judged(driver.matches, advertisement)]


def refusal(advertisement: Advertisement, known: Mapping[str, Driver]) -> str | None:
    """Return why no driver takes a device that hipsync knows: what it is, and what to do here, to follow its name.

    None for a device that a driver in `known` takes, and for one that nobody knows.
    """
    if claimants(advertisement, known) or (why := _refused(advertisement, known)) is None:
        return None
    broadcast = next((each.key for each in _generic(known) if _judged(each.matches, advertisement)), None)
    return why if broadcast is None else f"{why}; `--driver {broadcast}` takes only what it broadcasts"


def family_of(name: str, known: Mapping[str, Driver]) -> Driver | None:
    """Return the driver of the family whose model has this name; None if there is none, or if it is generic."""
    return next(
        (
            known[key]
            for key in sorted(known)
            if not known[key].generic
            and (_judged(known[key].knows_name, name) or _judged(known[key].matches, Advertisement(name)))
        ),
        None,
    )


def _refused(advertisement: Advertisement, known: Mapping[str, Driver]) -> str | None:
    """What the first family that refuses a device says."""
    families: Sequence[Driver | Undriven] = [*(known[key] for key in sorted(known)), *undriven().values()]
    return next(filter(None, (_judged(family.refusal, advertisement) for family in families)), None)


def _generic(known: Mapping[str, Driver]) -> Sequence[Driver]:
    return [known[key] for key in sorted(known) if known[key].generic]


def _judged(judge: Callable[[S], T], seen: S) -> T | None:
    """What a driver says of a name or an advertisement; None if it fails, which is logged."""
    try:
        return judge(seen)
    except Exception:  # a driver is strangers' code
        log.exception("%s failed to judge a device", getattr(judge, "__module__", "a driver"))
        return None


@cache
def _chosen(group: str) -> Mapping[str, EntryPoint]:
    """Return the entry points of a group by key, which are looked up once: that reads the metadata of every package.

    Of two with the same key, hipsync's own is chosen, or else the first one. The other is logged.
    """
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
