"""The kinds of fault. A newcomer adds one in a function::

    @kind("what happens, in a few words", quick=True)
    def torn_paper(run: Run) -> None:
        run.pair(still=70)                     # a band with ten hours in its memory, the last 70 minutes still
        command = run.start("sync")
        run.outcome.hit = run.strike("sync", command, lambda: tear(run.db))
        run.finish(command)
        run.settle()                           # an ordinary sync must bring the rest, then all is compared

A function raises `LeftOut` if this machine lacks what it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from campaign.run import Run


class LeftOut(Exception):
    """This machine lacks what the kind needs; the text says what."""


@dataclass(frozen=True)
class Kind:
    """A kind of fault."""

    name: str
    what: str
    go: Callable[[Run], None]
    quick: bool
    """Whether a run takes less than five seconds; others are run fifty times at most."""


KINDS: dict[str, Kind] = {}
"""All kinds, by name."""


def kind(what: str, *, quick: bool = True) -> Callable[[Callable[[Run], None]], Callable[[Run], None]]:
    """Add a function to the kinds, under its own name with hyphens."""

    def add(go: Callable[[Run], None]) -> Callable[[Run], None]:
        name = go.__name__.replace("_", "-")
        KINDS[name] = Kind(name, what, go, quick)
        return go

    return add
