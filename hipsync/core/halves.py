"""The earlier and the later half of some weeks: a share in each, how far apart they are, and what that says.

Things of one week are alike: who is at home sits more all the week. So a week is one observation, however many
reminders or minutes it holds, and the interval comes from how much weeks differ from each other. The share of a half is
that of all its weeks together, and its variance is that of a ratio of sums (Cochran, "Sampling Techniques", 1977,
section 6.3), but never below that of so many independent observations. The interval is that of Student's t.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import atan, cos, pi, sin, sqrt
from typing import NamedTuple

from hipsync.core.shares import Interval, Says, Share

CONFIDENCE = 0.95
"""The confidence of the interval that people see."""
SAYS_CONFIDENCE = 0.999
"""The confidence from which a difference says something. It is more than that of three standard errors, from which a
trial says something: here three things are read at once, and week after week. With three standard errors, 55 of 500
years in which nothing changes would seem to show a change of one of the three at some time; with this, 18 do (a test
counts them)."""
FEWEST_WEEKS = 4
"""With fewer weeks than this in either half, a difference says nothing, whatever it is, and none is shown."""


class Apart(NamedTuple):
    """How far the later half is above the earlier one."""

    value: float
    error: float
    """Its standard error."""
    freedom: int
    """The degrees of freedom of that."""

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """Where the true difference lies with this confidence. It is one of two shares, so between -1 and 1."""
        half = t_quantile(confidence, self.freedom) * self.error
        return Interval(max(self.value - half, -1.0), min(self.value + half, 1.0))


class Halves(NamedTuple):
    """A share in the earlier and in the later half of some weeks."""

    earlier: Share
    later: Share
    apart: Apart | None
    """None if either half has fewer than `FEWEST_WEEKS` weeks with observations."""


def halves(weeks: Sequence[Share]) -> Halves:
    """Halve weeks that are in order of time, each with its share; of an odd number the later half has one more."""
    middle = len(weeks) // 2
    return side_by_side(weeks[:middle], weeks[middle:])


def side_by_side(earlier: Sequence[Share], later: Sequence[Share]) -> Halves:
    """The same for weeks that something else than their number divides, such as the begin of a treatment."""
    return Halves(_together(earlier), _together(later), _apart(earlier, later))


def says(found: Halves) -> Says:
    """Whether the share of the later half is surely higher or lower, even for who looks every week."""
    if found.apart is None:
        return Says.NOTHING_YET
    low, high = found.apart.interval(SAYS_CONFIDENCE)
    if low <= 0 <= high:
        return Says.NOTHING_YET
    return Says.HIGHER if low > 0 else Says.LOWER


def _together(weeks: Sequence[Share]) -> Share:
    return Share(sum(week.hits for week in weeks), sum(week.of for week in weeks))


def _apart(earlier: Sequence[Share], later: Sequence[Share]) -> Apart | None:
    """The difference of two halves, by the weeks in them that have observations; None if these are too few."""
    first, second = ([week for week in half if week.of] for half in (earlier, later))
    if min(len(first), len(second)) < FEWEST_WEEKS:
        return None
    one, other = _together(first), _together(second)
    error = sqrt(_variance(first, one) + _variance(second, other))
    return Apart(other.hits / other.of - one.hits / one.of, error, len(first) + len(second) - 2)


def _variance(weeks: Sequence[Share], whole: Share) -> float:
    """The variance of the share of weeks taken together, by how much they differ from it.

    Few observations can agree by chance. So it is at least that of one share with two hits and two misses more (Agresti
    and Coull 1998), which is never 0.
    """
    share, count = whole.hits / whole.of, len(weeks)
    spread = sum((week.hits - share * week.of) ** 2 for week in weeks)
    least = (whole.hits + 2) / (whole.of + 4)
    return max(spread / whole.of**2 * count / (count - 1), least * (1 - least) / (whole.of + 4))


@lru_cache(maxsize=100)
def t_quantile(confidence: float, freedom: int) -> float:
    """The value that Student's t, with so many degrees of freedom, stays below in size with this probability."""
    low, high = 0.0, 1e6
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _t_within(middle, freedom) < confidence else (low, middle)
    return high


def _t_within(value: float, freedom: int) -> float:
    """The probability that the absolute value of Student's t is below `value`.

    Source: Abramowitz and Stegun 1972, 26.7.3 and 26.7.4.
    """
    angle = atan(value / sqrt(freedom))
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for number in range(2 + odd, freedom - 1, 2):
        term *= (number - 1) / number * cos(angle) ** 2
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
