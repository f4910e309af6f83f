"""Puts damaged packets and noise through a family's decoders, and in place of what its band sends in conversations."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from families.known import Fuzz, Packet
from fuzz.counted import counted
from fuzz.damage import damaged, noisy
from fuzz.talk import conversation
from hipsync.driver import Driver
from hipsync.errors import DeviceError
from hipsync.simulated import Simulator


@dataclass(slots=True)
class Tally:
    """How many inputs there were, and how far they got."""

    inputs: int = 0
    from_valid: int = 0
    """How many of `inputs` were valid frames that were damaged; the others are noise."""
    sealed: int = 0
    """How many of `inputs` got their damage or noise before a right checksum or length was made for them."""
    reached: int = 0
    """How many of `inputs` entered an innermost decoder."""
    decoded: int = 0
    """How many of `inputs` made an innermost decoder return a value."""
    talks: int = 0
    talked: int = 0
    """How many damaged packets came in place of what the band sent, or before it, in conversations."""
    talks_reached: int = 0
    """How many conversations entered an innermost decoder after a damaged packet."""


def decoded(declared: Fuzz, said: Sequence[Packet], inputs: int, tally: Tally, noise: random.Random) -> None:
    """Put `inputs` packets through the decoders. Any error but a `DeviceError` is raised, with the packet as a note."""
    frames = sorted(set(declared.frames(said)))
    by_kind: dict[object, list[Packet]] = {}
    for frame in frames:
        by_kind.setdefault(declared.kind(frame), []).append(frame)
    kinds = list(by_kind.values())
    with counted(declared.innermost) as count:
        for number in range(inputs):
            frame = noise.choice(noise.choice(kinds))
            wrong = partial(noisy if number % 2 else damaged, noise=noise)
            if declared.sealed is not None and number % 8 > 1:
                packet = declared.sealed(frame, wrong)
                tally.sealed += 1
            else:
                packet = (frame[0], wrong(frame[1]))
            tally.inputs += 1
            tally.from_valid += not number % 2
            entered, returned = count.entered, count.returned
            try:
                declared.read(*packet)
            except DeviceError:
                pass
            except Exception as error:
                error.add_note(f"{packet[0]} {packet[1].hex()}")
                raise
            tally.reached += count.entered > entered
            tally.decoded += count.returned > returned


def talked(
    driver: Driver, simulator: Simulator, declared: Fuzz, inputs: int, tally: Tally, noise: random.Random
) -> None:
    """Put at least `inputs` damaged packets in place of what a band sends, or before it.

    Any error but a `DeviceError` is raised.
    """
    with counted(declared.innermost) as count:
        while tally.talked < inputs:
            first: int | None = None
            share = noise.choice([0.05, 0.3, 0.9])

            def said(characteristic: str, data: bytes, share: float = share) -> Sequence[bytes]:
                nonlocal first
                if noise.random() > share:
                    return [data]
                first = count.entered if first is None else first
                tally.talked += 1
                wrong = noisy(data, noise) if noise.random() < 0.5 else damaged(data, noise)
                return [wrong, data] if noise.random() < 0.5 else [wrong]

            conversation(driver, simulator, said)
            tally.talks += 1
            tally.talks_reached += first is not None and count.entered > first
