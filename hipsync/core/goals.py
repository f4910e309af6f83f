"""What the wearer wants of a day. It is shown as a count, never as a fault."""

from __future__ import annotations

from typing import NamedTuple


class Goals(NamedTuple):
    """The goals of a day; None is no goal.

    - `breaks`: 8. A break in each hour of a day at a desk.
    - `over_limit`: 0. How many spells of sitting may pass the limit on a good day.
    """

    breaks: int | None = 8
    over_limit: int | None = 0
