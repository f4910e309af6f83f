"""Damages bytes, or replaces them by noise, with a seeded random generator."""

from __future__ import annotations

import random


def damaged(data: bytes, noise: random.Random) -> bytes:
    """Return the data with bytes changed, cut out or repeated."""
    match noise.randrange(8):
        case 0:
            return data[: noise.randrange(len(data) + 1)]
        case 1:
            at, end = sorted(noise.randrange(len(data) + 1) for _ in range(2))
            return data[:at] + data[end:]
        case 2:
            return data + data
        case 3:
            at, end = sorted(noise.randrange(len(data) + 1) for _ in range(2))
            return data[:end] + data[at:end] + data[end:]
        case _:
            changed = bytearray(data)
            for _ in range(noise.choice([1, 1, 1, 2, 4])):
                if changed:
                    changed[noise.randrange(len(changed))] = noise.choice([0, 1, 0x7F, 0xFF, noise.randrange(256)])
            return bytes(changed)


def noisy(data: bytes, noise: random.Random) -> bytes:
    """Return noise, which may begin with the first bytes of the data, twelve at most."""
    kept = noise.choice([0, 0, 1, 2, 3, 6, 12])
    return data[:kept] + noise.randbytes(noise.choice([noise.randrange(24), max(len(data) - kept, 0) % 300]))
