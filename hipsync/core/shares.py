"""Two shares, how far apart they are, and whether that says anything yet.

The interval of the difference is the hybrid score interval: method 10 of Newcombe, "Interval estimation for the
difference between independent proportions", Statistics in Medicine 17 (1998), 873-890. It is made of the two score
intervals of Wilson, so it stays inside -1 to 1 and is right for few reminders and for shares of 0 and 1 too.
"""

from __future__ import annotations

from enum import StrEnum
from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The quantile of the normal distribution for a two-sided interval of 95 %: what the interval that people see has."""
Z_SAYS = 3.0
"""The quantile from which a difference says something. People look at a trial again and again. With 1.96, 29 of 100
trials without any effect would seem to show one at some time; with 3, fewer than 5 do (a test counts them)."""
FEWEST = 10
"""With fewer observations than this on either side, a difference says nothing, whatever it is."""


class Share(NamedTuple):
    """How many of a number of observations went one way."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, from 0 to 1; None without observations."""
        return self.hits / self.of if self.of else None


class Interval(NamedTuple):
    """Where a value lies with a stated confidence; both ends are included."""

    low: float
    high: float


class Difference(NamedTuple):
    """The first of two shares less the second, and the interval in which it lies."""

    value: float
    low: float
    high: float


class Says(StrEnum):
    """What a difference of two shares says. The values are those of the key `says` in JSON."""

    NOTHING_YET = "nothing yet"
    HIGHER = "higher"
    """The first share is higher than the second."""
    LOWER = "lower"


def wilson(share: Share, z: float = Z_95) -> Interval:
    """Wilson's score interval of a share; 0 to 1 without observations."""
    hits, of = share
    if not of:
        return Interval(0.0, 1.0)
    middle = (hits + z * z / 2) / (of + z * z)
    half = z * sqrt(hits * (of - hits) / of + z * z / 4) / (of + z * z)
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def difference(first: Share, second: Share, z: float = Z_95) -> Difference | None:
    """The first share less the second, with Newcombe's hybrid score interval; None if either has no observations."""
    one, other = first.value, second.value
    if one is None or other is None:
        return None
    (low, high), (other_low, other_high) = wilson(first, z), wilson(second, z)
    below = sqrt((one - low) ** 2 + (other_high - other) ** 2)
    above = sqrt((high - one) ** 2 + (other - other_low) ** 2)
    return Difference(one - other, one - other - below, one - other + above)


def says(first: Share, second: Share) -> Says:
    """Whether the first share is surely higher or lower than the second, even for who looks after each observation."""
    found = difference(first, second, Z_SAYS)
    if found is None or min(first.of, second.of) < FEWEST or found.low <= 0 <= found.high:
        return Says.NOTHING_YET
    return Says.HIGHER if found.low > 0 else Says.LOWER
