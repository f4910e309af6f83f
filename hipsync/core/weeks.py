"""How the weeks went: breaks in time, reminders that were answered, and sitting, week by week and half against half.

No trend is drawn. The later half of the weeks is set beside the earlier one, and what that says is decided by
`hipsync.core.halves`. Why they differ is not known from it: a holiday and a winter make weeks alike, too. See
docs/rule.md, "Over the weeks".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from hipsync.core.followed import LEARNED_FROM, was_answered
from hipsync.core.halves import Halves, halves
from hipsync.core.period import awake_minutes
from hipsync.core.shares import Share
from hipsync.core.summary import DaySummary, Piece
from hipsync.core.trial import BROKE_OFF_WITHIN
from hipsync.model import MINUTE, EndedBy, Kind, Occasion

LOOKED_BACK_WEEKS = LEARNED_FROM // timedelta(weeks=1)
"""How many weeks are looked at: those whose reminders are learned from, so most of their days were judged already."""
KNOWN_DAYS, KNOWN_DAY_MINUTES = 4, 8 * 60
"""A week is known if this many of its days have this much known time awake and worn each."""
DAY_AWAKE_MINUTES = 16 * 60
"""The length of the day that sitting is told for, because nobody wears a band equally long in two weeks."""
IN_TIME_MINUTES = BROKE_OFF_WITHIN // MINUTE
"""A break that begins in so many counted minutes after the limit was reached is one in time, as in a trial."""
WEEK_DAYS = 7


class Week(NamedTuple):
    """What is known of a week, Monday to Sunday."""

    first: date
    """Its Monday."""
    in_time: Share
    """Of the stretches that reached the limit, how many a break ended in time."""
    answered: Share
    """Of the reminders for sitting, how many were answered."""
    sitting: Share
    """Of the minutes awake and worn, how many were sat through."""


class Weeks(NamedTuple):
    """The known ones of some weeks that follow each other."""

    looked_at: int
    known: Sequence[Week]
    limit_minutes: int

    @property
    def in_time(self) -> Halves:
        return halves([week.in_time for week in self.known])

    @property
    def answered(self) -> Halves:
        return halves([week.answered for week in self.known])

    @property
    def sitting(self) -> Halves:
        return halves([week.sitting for week in self.known])


def week(days: Sequence[DaySummary], next_day: DaySummary) -> Week | None:
    """What is known of the seven days of a week; None if that is too little.

    The day after them shows what was done after a reminder that came late on the last one.
    """
    awake = [awake_minutes(day.minutes) for day in days]
    if sum(minutes >= KNOWN_DAY_MINUTES for minutes in awake) < KNOWN_DAYS:
        return None
    return Week(
        days[0].date,
        _share([each for day in days for each in _in_time(day)]),
        _share(list(_answered([*days, next_day]))),
        Share(sum(day.minutes[Kind.SITTING] for day in days), sum(awake)),
    )


def _share(outcomes: Sequence[bool]) -> Share:
    return Share(sum(outcomes), len(outcomes))


def _in_time(day: DaySummary) -> Iterator[bool]:
    """For each stretch that reached the limit and ends in the day, whether a break ended it in time.

    One that sleep, a band taken off or a hole ended before that time was over says nothing, and is left out.
    """
    for piece in day.stretches:
        minutes, ended_by = _end(piece)
        if minutes < day.limit_minutes or ended_by is None or piece.doubtful:
            continue
        late = minutes >= day.limit_minutes + IN_TIME_MINUTES
        if late or ended_by in {EndedBy.MOVING, EndedBy.STANDING}:
            yield not late


def _end(piece: Piece) -> tuple[int, EndedBy | None]:
    """The whole length of a stretch, and what ended it in this day; None if it goes on after that."""
    return (piece.whole or piece).minutes, piece.ended_by


def _answered(days: Sequence[DaySummary]) -> Iterator[bool]:
    """For each reminder for sitting of the first seven days, whether it was answered, where that is known."""
    for place, day in enumerate(days[:WEEK_DAYS]):
        for outcome in day.prompts:
            if outcome.prompt.occasion is Occasion.SITTING:
                answered = was_answered(outcome, days[place : place + 2])
                if answered is not None:
                    yield answered
