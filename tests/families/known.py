"""What tests must know of a family that its driver does not say: `FAMILY` of the module `families.KEY`.

A new family brings a module of its own; without one, its bands are taken to have no peculiarity.
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
"""A characteristic, and the value that was read from it or that it notified."""


@dataclass(frozen=True, slots=True)
class Fuzz:
    """How damaged packets are put through the decoders of a family (`fuzz.inputs`)."""

    read: Callable[[str, bytes], object]
    """Does with a packet what the driver does."""
    innermost: Sequence[str]
    """Where bytes get their meaning: dotted names below `hipsync_devices`, such as `colmi.packets:Totals.decode`."""
    frames: Callable[[Sequence[Packet]], list[Packet]] = list
    """The packets of a conversation as `read` takes them."""
    sealed: Callable[[Packet, Callable[[bytes], bytes]], Packet] | None = None
    """A packet with its inside damaged, and then its checksum or length made anew; None where there are none."""
    kind: Callable[[Packet], object] = itemgetter(0)
    """Frames of a kind of which there are many do not crowd out the others."""


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
    """By name, besides the kind that the registry names."""

    omits_still: bool = False
    """It sends no slot without steps: before the first one that it sends nothing is known."""
    loses_a_fall_hour: bool = False
    """In autumn the hour after its zone was set is unknown."""
    knows_no_zone: bool = False
    """After a change of clocks the hour in which its clock is set, and the next, are unknown."""
    vouches_for_whole_days: bool = False
    """Its still slots are unknown on a day of two offsets, and on one of which a restart lost the total."""

    streams: Collection[str] = ()
    """Characteristics whose notifications are one run of bytes, however it is cut (`hipsync.testing.replay`)."""
    counters: Collection[str] = ()
    """Characteristics with a running count of steps, which another band's life does not repeat."""
    stored_coarser: bool = False
    """Less is stored than the band sent, so that no band made of it sends the same."""


def family(key: str) -> Family:
    if find_spec(f"families.{key}") is None:
        return Family()
    known: Family = importlib.import_module(f"families.{key}").FAMILY
    return known


def bands() -> dict[str, tuple[str, Simulator]]:
    """Every kind of band by its name, `huami, Mi Band 7`: its family, and what makes a simulated one."""
    registered = {key: (key, simulator(key)) for key in drivers()}
    return registered | {
        f"{key}, {name}": (key, kind.made) for key in registered for name, kind in family(key).kinds.items()
    }


def fuzz_of(name: str) -> Fuzz:
    """What is declared of a kind of band; else all decoders of its family that take bytes alone, none as innermost."""
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
    """Functions named `decode...`, and class methods `decode`, that take bytes and nothing else."""
    module = importlib.import_module(f"hipsync_devices.{key}.packets")
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) == module.__name__:
            found = [getattr(thing, "decode", None)] if inspect.isclass(thing) else []
            found += [thing] if inspect.isfunction(thing) and name.startswith("decode") else []
            for decode in filter(callable, found):
                if [each.annotation for each in inspect.signature(decode).parameters.values()] == ["bytes"]:
                    yield decode
