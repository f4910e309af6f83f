"""What the wearer wants of a day. It is shown as a count, never as a fault."""

from __future__ import annotations

from typing import NamedTuple


class Goals(NamedTuple):
    """The goals of a day; None is no goal.

    - `breaks`: 8. A break in each hour of a day at a desk.
    """

    breaks: int | None = 8
