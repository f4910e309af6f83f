"""Intervals of shares: the values of the paper, a second calculation, and what they are worth on made-up people."""

from __future__ import annotations

import random
from math import sqrt

import pytest

from hipsync.core.shares import FEWEST, Says, Share, difference, says, wilson

NEWCOMBE = [
    ((56, 70, 48, 80), 0.0524, 0.3339),
    ((9, 10, 3, 10), 0.1705, 0.8090),
    ((6, 7, 2, 7), 0.0582, 0.8062),
    ((5, 56, 0, 29), -0.0381, 0.1926),
    ((0, 10, 0, 20), -0.1611, 0.2775),
    ((0, 10, 0, 10), -0.2775, 0.2775),
    ((10, 10, 0, 20), 0.6791, 1.0000),
    ((10, 10, 0, 10), 0.6075, 1.0000),
]
"""Table II of Newcombe 1998: the eight contrasts, and the limits of method 10 as printed there."""


@pytest.mark.parametrize(("counts", "low", "high"), NEWCOMBE)
def test_the_limits_are_those_of_the_paper(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    hits, of, other_hits, other_of = counts
    found = difference(Share(hits, of), Share(other_hits, other_of))
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def limit(hits: int, of: int, start: float, end: float) -> float:
    """Return where the score test gives 1.96 between two shares, one inside and one outside the interval."""
    for _ in range(60):
        middle = (start + end) / 2
        spread = sqrt(middle * (1 - middle) / of)
        inside = spread > 0 and abs(hits / of - middle) / spread < 1.9599639845
        start, end = (middle, end) if inside else (start, middle)
    return (start + end) / 2


def newcombe(hits: int, of: int, other_hits: int, other_of: int) -> tuple[float, float]:
    """Return the interval by a second way: each score interval is searched for, and not calculated."""
    p, q = hits / of, other_hits / other_of
    low, high = limit(hits, of, p, 0.0), limit(hits, of, p, 1.0)
    other_low, other_high = limit(other_hits, other_of, q, 0.0), limit(other_hits, other_of, q, 1.0)
    return p - q - sqrt((p - low) ** 2 + (other_high - q) ** 2), p - q + sqrt((high - p) ** 2 + (q - other_low) ** 2)


def test_a_second_calculation_agrees() -> None:
    for counts in [(3, 9, 1, 9), (50, 84, 3, 9), (1, 500, 20, 40), (17, 18, 1, 3)]:
        found = difference(Share(*counts[:2]), Share(*counts[2:]))
        assert found is not None
        assert (found.low, found.high) == pytest.approx(newcombe(*counts), abs=1e-7)
        assert found.value == counts[0] / counts[1] - counts[2] / counts[3]


def test_without_observations_there_is_no_difference() -> None:
    assert difference(Share(0, 0), Share(1, 2)) is None
    assert difference(Share(1, 2), Share(0, 0)) is None
    assert Share(0, 0).value is None
    assert wilson(Share(0, 0)) == (0.0, 1.0)
    assert says(Share(0, 0), Share(0, 0)) is Says.NOTHING_YET


def test_what_a_difference_says() -> None:
    assert says(Share(51, 84), Share(3, 9)) is Says.NOTHING_YET
    assert says(Share(600, 900), Share(40, 100)) is Says.HIGHER
    assert says(Share(300, 900), Share(60, 100)) is Says.LOWER
    assert says(Share(900, 900), Share(0, FEWEST - 1)) is Says.NOTHING_YET
    assert says(Share(900, 900), Share(0, FEWEST)) is Says.HIGHER
    # 54.0 % and 40 %: the interval of 95 % leaves 0 out, and that of three standard errors does not
    first, second = Share(486, 900), Share(40, 100)
    usual = difference(first, second)
    assert usual is not None
    assert usual.low > 0
    assert says(first, second) is Says.NOTHING_YET


@pytest.mark.parametrize("withheld", [20, 100])
@pytest.mark.parametrize(("p", "q"), [(0.6, 0.4), (0.35, 0.15), (0.9, 0.7)])
def test_the_interval_covers_an_effect_of_twenty_points(withheld: int, p: float, q: float) -> None:
    covered, widths, yardsticks = 0, 0.0, 0.0
    for seed in range(1000):
        chance = random.Random(seed)
        hits = sum(chance.random() < p for _ in range(9 * withheld))
        other = sum(chance.random() < q for _ in range(withheld))
        found = difference(Share(hits, 9 * withheld), Share(other, withheld))
        assert found is not None
        covered += found.low <= 0.2 <= found.high
        if not seed % 50:
            low, high = newcombe(hits, 9 * withheld, other, withheld)
            widths, yardsticks = widths + found.high - found.low, yardsticks + high - low
    assert 930 <= covered <= 975
    assert widths <= 1.2 * yardsticks


def ever_said(seed: int, p: float, q: float, withheld: int) -> Says:
    """Return what a trial says first to somebody who looks after each reminder; one in ten is withheld."""
    chance = random.Random(seed)
    hits = of = other_hits = other_of = 0
    while other_of < withheld:
        if chance.random() < 0.1:
            other_hits, other_of = other_hits + (chance.random() < q), other_of + 1
        else:
            hits, of = hits + (chance.random() < p), of + 1
        if (said := says(Share(hits, of), Share(other_hits, other_of))) is not Says.NOTHING_YET:
            return said
    return Says.NOTHING_YET


@pytest.mark.ring
def test_who_looks_all_the_time_is_seldom_told_of_an_effect_that_is_none() -> None:
    fooled = sum(ever_said(seed, 0.5, 0.5, 200) is not Says.NOTHING_YET for seed in range(500))
    helped = sum(ever_said(seed, 0.6, 0.4, 100) is Says.HIGHER for seed in range(200))
    assert fooled <= 25
    assert helped >= 160
