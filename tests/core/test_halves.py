"""Two halves of weeks: quantiles as they are printed, differences by hand, and what too little says."""

from __future__ import annotations

from math import sqrt

import pytest

from hipsync.core.halves import CONFIDENCE, FEWEST_WEEKS, Apart, halves, says, t_quantile
from hipsync.core.shares import Interval, Says, Share

THREE_SIGMA = 0.9973002039367398
GUM = {
    1: (12.71, 235.80), 2: (4.30, 19.21), 3: (3.18, 9.22), 4: (2.78, 6.62), 5: (2.57, 5.51), 6: (2.45, 4.90),
    7: (2.36, 4.53), 8: (2.31, 4.28), 9: (2.26, 4.09), 10: (2.23, 3.96), 11: (2.20, 3.85), 12: (2.18, 3.76),
    13: (2.16, 3.69), 14: (2.14, 3.64), 15: (2.13, 3.59), 16: (2.12, 3.54), 17: (2.11, 3.51), 18: (2.10, 3.48),
    19: (2.09, 3.45), 20: (2.09, 3.42), 25: (2.06, 3.33), 30: (2.04, 3.27), 40: (2.02, 3.20), 50: (2.01, 3.16),
    100: (1.984, 3.077),
}  # fmt: skip
"""Table G.2 of the "Guide to the expression of uncertainty in measurement" (JCGM 100:2008): 95 % and 99.73 %."""


@pytest.mark.parametrize("freedom", GUM)
def test_the_quantiles_are_those_of_the_printed_table(freedom: int) -> None:
    digits = 3 if freedom == 100 else 2
    found = tuple(round(t_quantile(confidence, freedom), digits) for confidence in (CONFIDENCE, THREE_SIGMA))
    assert found == GUM[freedom]


EARLIER = [Share(2, 4), Share(1, 4), Share(3, 4), Share(2, 4)]
"""8 of 16. They differ from a half by 0, 1, 1 and 0: 2 / 16^2 * 4 / 3 is .0104; 10 of 20 alone are .25 / 20 = .0125."""
LATER = [Share(4, 10), Share(6, 10), Share(9, 10), Share(9, 10)]
"""28 of 40. They differ from .7 by 3, 1, 2 and 2: 18 / 40^2 * 4 / 3 is .015, and 30 of 44 alone are .0049."""


def test_a_difference_by_hand() -> None:
    found = halves([*EARLIER, *LATER])
    assert (found.earlier, found.later) == (Share(8, 16), Share(28, 40))
    assert found.apart is not None
    assert found.apart == pytest.approx(Apart(0.2, sqrt(0.0125 + 0.015), 6))
    assert found.apart.interval() == pytest.approx(Interval(0.2 - 2.4469 * 0.16583, 0.2 + 2.4469 * 0.16583), abs=1e-4)
    assert says(found) is Says.NOTHING_YET


def test_an_odd_week_belongs_to_the_later_half() -> None:
    found = halves([*EARLIER, Share(100, 100), *LATER])
    assert (found.earlier, found.later) == (Share(8, 16), Share(128, 140))
    assert found.apart is not None
    assert found.apart.freedom == 7


def test_a_week_without_any_is_no_observation() -> None:
    nothing = [Share(0, 0)] * 2
    assert halves([*EARLIER, *nothing, *LATER, *nothing]).apart == halves([*EARLIER, *LATER]).apart
    assert halves([Share(1, 2)] * 3 + [Share(0, 0)] + [Share(1, 2)] * 4).apart is None


@pytest.mark.parametrize("weeks", range(2 * FEWEST_WEEKS))
def test_few_weeks_have_no_difference_and_say_nothing(weeks: int) -> None:
    found = halves([Share(0, 500)] * (weeks // 2) + [Share(500, 500)] * (weeks - weeks // 2))
    assert (found.apart, says(found)) == (None, Says.NOTHING_YET)


def test_what_a_difference_says() -> None:
    low, high = [Share(n, 1000) for n in (490, 500, 510, 500)], [Share(n, 1000) for n in (690, 700, 710, 700)]
    assert says(halves([*low, *high])) is Says.HIGHER
    assert says(halves([*high, *low])) is Says.LOWER
    assert says(halves([*low, *low])) is Says.NOTHING_YET
    assert says(halves([Share(0, 30)] * 4 + [Share(30, 30)] * 4)) is Says.HIGHER


def test_what_the_interval_of_three_standard_errors_leaves_out_does_not_yet_say_anything() -> None:
    """The difference is .05, its error .01; with 6 degrees of freedom 4.90 of them are 99.73 %, and 5.96 are 99.9 %."""
    found = halves([Share(2500, 10_000)] * 4)._replace(apart=Apart(0.05, 0.01, 6))
    assert found.apart is not None
    assert found.apart.interval(THREE_SIGMA).low > 0
    assert says(found) is Says.NOTHING_YET
    assert says(found._replace(apart=Apart(0.0597, 0.01, 6))) is Says.HIGHER


@pytest.mark.parametrize("weeks", [4, 6, 8])
def test_a_few_observations_that_agree_by_chance_say_nothing(weeks: int) -> None:
    """Two of three in each week, then three of three: the weeks do not differ at all, and that is chance."""
    found = halves([Share(2, 3)] * weeks + [Share(3, 3)] * weeks)
    assert found.apart is not None
    assert found.apart.error > 0
    assert says(found) is Says.NOTHING_YET


def test_no_share_is_further_away_than_all_and_none_is_certain() -> None:
    """None of 4 counts as 2 of 8, and 4 of 4 as 6 of 8: the variance of each is 3 / 4 * 1 / 4 / 8, or .0234."""
    found = halves([Share(0, 1)] * 4 + [Share(1, 1)] * 4)
    assert found.apart is not None
    assert found.apart.error == pytest.approx(sqrt(2 * 3 / 128))
    assert found.apart.interval(0.9999).high == 1.0
    assert says(found) is Says.NOTHING_YET
