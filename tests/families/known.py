"""What tests must know about a family beyond what its driver says: `FAMILY` in the module `families.KEY`.

A new family brings its own module. Without one, its bands are taken to have no peculiarity.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from operator import itemgetter

from hipsync.errors import DeviceError
from hipsync.registry import drivers, simulator
from hipsync.simulated import Simulator

Packet = tuple[str, bytes]
"""A characteristic's UUID, and the value that was read from it or that it notified."""


@dataclass(frozen=True, slots=True)
class Fuzz:
    """How damaged packets are put through the decoders of a family (`fuzz.inputs`)."""

    read: Callable[[str, bytes], object]
    """Decodes a packet as the driver does."""
    innermost: Sequence[str]
    """The decoders that give bytes their meaning: names in `hipsync_devices`, like `colmi.packets:Totals.decode`."""
    frames: Callable[[Sequence[Packet]], list[Packet]] = list
    """Turns the packets of a conversation into those that `read` takes, such as whole frames."""
    sealed: Callable[[Packet, Callable[[bytes], bytes]], Packet] | None = None
    """Damages the inside of a packet, then makes its checksum or length right again; None if packets have neither."""
    kind: Callable[[Packet], object] = itemgetter(0)
    """Returns the kind of a frame. Kinds are drawn equally often, so that a frequent one does not crowd out others."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Another kind of simulated band of the same family."""

    made: Simulator
    fuzz: Fuzz


@dataclass(frozen=True, slots=True)
class Family:
    """The peculiarities of a family; each default is the plain case."""

    fuzz: Fuzz | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    """The other kinds by name, besides the one that the registry makes."""

    omits_still: bool = False
    """Whether it sends no slot without steps, so that nothing is known before the first slot that it sends."""
    loses_a_fall_hour: bool = False
    """Whether in autumn, when clocks go back, the hour after its zone was set is unknown."""
    knows_no_zone: bool = False
    """Whether after a change of clocks the hour in which its clock is set, and the next one, are unknown."""
    vouches_for_whole_days: bool = False
    """Whether its slots without steps are unknown on a day with two UTC offsets, or whose total a restart lost."""

    tells_runs: bool = False
    """Whether minutes with steps come in runs of several minutes, and not one by one."""

    tells_workouts: bool = False
    """Whether its simulated bands take `workouts`, which their wearer records."""

    streams: Collection[str] = ()
    """Characteristics whose notifications are one stream of bytes, cut anywhere (`hipsync.testing.replay`)."""
    counters: Collection[str] = ()
    """Characteristics with a running total of steps, which a band made from the stored epochs does not repeat."""
    stored_coarser: bool = False
    """Whether less is stored than the band sent, so that a band made from the stored epochs sends something else."""


def family(key: str) -> Family:
    if find_spec(f"families.{key}") is None:
        return Family()
    known: Family = importlib.import_module(f"families.{key}").FAMILY
    return known


def bands() -> dict[str, tuple[str, Simulator]]:
    """Return the family's key and the simulator of every kind of band, by its name, such as `huami, Mi Band 7`."""
    registered = {key: (key, simulator(key)) for key in drivers()}
    return registered | {
        f"{key}, {name}": (key, kind.made) for key in registered for name, kind in family(key).kinds.items()
    }


def fuzz_of(name: str) -> Fuzz:
    """Return the `Fuzz` of a kind of band; by default all of its family's decoders of bytes alone, none innermost."""
    key, _, kind = name.partition(", ")
    known = family(key)
    declared = known.kinds[kind].fuzz if kind else known.fuzz
    return declared or Fuzz(_each(tuple(_decoders(key))), ())


def _each(decoders: Sequence[Callable[[bytes], object]]) -> Callable[[str, bytes], None]:
    def read(_: str, data: bytes) -> None:
        for decode in decoders:
            with contextlib.suppress(DeviceError):
                decode(data)

    return read


def _decoders(key: str) -> Generator[Callable[[bytes], object]]:
    """Yield the functions named `decode...` and the class methods `decode` that take bytes and nothing else."""
    module = importlib.import_module(f"hipsync_devices.{key}.packets")
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) == module.__name__:
            found = [getattr(thing, "decode", None)] if inspect.isclass(thing) else []
            found += [thing] if inspect.isfunction(thing) and name.startswith("decode") else []
            for decode in filter(callable, found):
                if [each.annotation for each in inspect.signature(decode).parameters.values()] == ["bytes"]:
                    yield decode
