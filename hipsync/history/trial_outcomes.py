"""Who broke off after the reminders of a trial, and who did without one: draws and data of the store together.

Nothing of it is stored: late data, or a better rule, correct it by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hipsync.history.past import judged_past

if TYPE_CHECKING:
    from hipsync.core.bouts import Rule
    from hipsync.core.days import Zones
    from hipsync.core.trial import Compared
    from hipsync.model import Band, Draw
    from hipsync.store import Store

TOGETHER = timedelta(hours=6)
"""Draws that follow each other within this time are judged in one go, because each go loads hours around its draws."""


def trial_outcomes(
    store: Store, rule: Rule, zones: Zones, start: datetime, end: datetime, now: datetime, only_band: Band | None = None
) -> Compared:
    """Compare what was done after the draws of `[start, end)`, by data of all bands or of `only_band`, up to `now`."""
    from hipsync.core.trial import BROKE_OFF_WITHIN, broke_off, compared

    draws = store.draws(start, end)
    outcomes: list[bool | None] = []
    for run in _runs(draws):
        until = min(run[-1].at + BROKE_OFF_WITHIN, max(now, run[0].at))
        line, found, _ = judged_past(store, rule, zones, min(run[0].due, run[0].at), until, now, only_band)
        starts = [each.start for each in found.breaks]
        outcomes += [broke_off(draw, line, starts) for draw in run]
    return compared(draws, outcomes)


def _runs(draws: Sequence[Draw]) -> Iterator[Sequence[Draw]]:
    """The draws, in order of time, in runs without a gap of `TOGETHER` or more."""
    run: list[Draw] = []
    for draw in draws:
        if run and draw.at - run[-1].at >= TOGETHER:
            yield run
            run = []
        run.append(draw)
    if run:
        yield run
