"""Damaged packets and noise through a family's decoders, and in place of what its band says in conversations."""

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
    """What came of the inputs."""

    inputs: int = 0
    from_valid: int = 0
    """Of them: valid frames, damaged."""
    sealed: int = 0
    """Of all: damaged, or noise put in, before the checksum or the length was made."""
    reached: int = 0
    """Inputs on which an innermost decoder was entered."""
    decoded: int = 0
    """Of them: on which it returned a value."""
    talks: int = 0
    talked: int = 0
    """Damaged packets in place of what the band said, in conversations."""
    talks_reached: int = 0
    """Conversations in which an innermost decoder was entered after such a packet."""


def decoded(declared: Fuzz, said: Sequence[Packet], inputs: int, tally: Tally, noise: random.Random) -> None:
    """So many through the decoders. Anything but a `DeviceError` is raised, with the packet as a note."""
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
    """So many in place of what the band said, or before it. Anything but a `DeviceError` is raised."""
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
