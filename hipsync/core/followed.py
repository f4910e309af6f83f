"""How often reminders are followed, by hour of the week, and what hipsync does about it.

A reminder for sitting is followed if it was answered with done, or if a break begins within ten minutes of its last
showing. What is learned is counted, never guessed: `hipsync why` shows every number. See docs/rule.md, "Learning".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.core.bouts import MOVED_WITHIN
from hipsync.core.shares import Share
from hipsync.core.summary import KINDS, DaySummary, PromptOutcome
from hipsync.model import MINUTE, Answer, Kind, Occasion

LEARNED_FROM = timedelta(weeks=12)
"""How much of the past is learned from: each hour of the week comes twelve times, and older habits are forgotten."""
PRIOR = Share(2, 4)
"""What an hour counts as before anything is known of it: the prior Beta(2, 2), as if 2 of 4 had been followed."""
FAILING_BELOW, FEWEST_IN_HOUR = 0.25, 6
"""An hour is failing if its estimate is below this after at least so many reminders."""
LAST_WEEK = timedelta(days=7)
FEW_BELOW, FEWEST_IN_WEEK = 0.3, 6
"""In a week, few reminders were followed if fewer than this share of at least so many were."""
_UNTOLD = frozenset({Kind.UNKNOWN, Kind.NOT_WORN, Kind.ASLEEP})
_OTHER_ANSWERS = frozenset({Answer.SNOOZED, Answer.SKIPPED, Answer.STANDING})
"""The answers of the person that do not say that they followed."""

HourOfWeek = tuple[int, int]
"""A local hour of the week: the weekday, with Monday as 0, and the hour from 0 to 23."""


class FollowUp(NamedTuple):
    """Whether a reminder was followed, with the local hour of the week in which it was first shown."""

    at: datetime
    hour: HourOfWeek
    followed: bool


class Learned(NamedTuple):
    """What was learned of a wearer's reminders."""

    hours: Mapping[HourOfWeek, Share]
    """For each hour of the week with reminders, how many of them were followed."""
    last_week: Share
    """The same for all reminders of the last seven days."""

    @property
    def suggests_walks(self) -> bool:
        """Whether every second reminder suggests a short walk before the exercise."""
        return few_followed(self.last_week)


def estimate(share: Share) -> float:
    """The mean of the posterior of a share: that of Beta(2 + followed, 2 + not followed)."""
    return (share.hits + PRIOR.hits) / (share.of + PRIOR.of)


def is_failing(share: Share) -> bool:
    """Whether reminders in an hour with this share are hardly ever followed."""
    return share.of >= FEWEST_IN_HOUR and estimate(share) < FAILING_BELOW


def is_quiet(hours: Mapping[HourOfWeek, Share], hour: HourOfWeek) -> bool:
    """Whether a reminder in this hour of the week is given quietly: this hour and the one before it are failing."""
    weekday, clock = hour
    before = (weekday, clock - 1) if clock else ((weekday - 1) % 7, 23)
    nothing = Share(0, 0)
    return is_failing(hours.get(hour, nothing)) and is_failing(hours.get(before, nothing))


def few_followed(share: Share) -> bool:
    """Whether few of a week's reminders were followed."""
    return share.of >= FEWEST_IN_WEEK and share.hits / share.of < FEW_BELOW


def learned(follow_ups: Sequence[FollowUp], now: datetime) -> Learned:
    """What follows from reminders up to `now`."""
    hours: dict[HourOfWeek, Share] = {}
    for each in follow_ups:
        hits, of = hours.get(each.hour, Share(0, 0))
        hours[each.hour] = Share(hits + each.followed, of + 1)
    return Learned(hours, share_of([each for each in follow_ups if each.at >= now - LAST_WEEK]))


def share_of(follow_ups: Sequence[FollowUp]) -> Share:
    """How many of these reminders were followed."""
    return Share(sum(each.followed for each in follow_ups), len(follow_ups))


def follow_ups(days: Sequence[DaySummary]) -> Iterator[FollowUp]:
    """For each reminder for sitting of these days, which are in order, whether it was followed.

    One that was not answered with done counts only if it is known what its wearer did: no minute from the first showing
    to ten minutes after the last one is unknown, not worn or asleep, or lies ahead. Withheld ones are no prompts.
    """
    for place, day in enumerate(days):
        for outcome in day.prompts:
            if outcome.prompt.occasion is not Occasion.SITTING:
                continue
            if (followed := _followed(outcome, days[place : place + 2])) is not None:
                local = outcome.prompt.at.astimezone(ZoneInfo(day.zone))
                yield FollowUp(outcome.prompt.at, (local.weekday(), local.hour), followed)


def was_answered(outcome: PromptOutcome, days: Sequence[DaySummary]) -> bool | None:
    """Whether its wearer answered a reminder in words, or followed it; None if that is not known.

    `days` are its own and the one after it.
    """
    return outcome.prompt.answer in _OTHER_ANSWERS or _followed(outcome, days)


def _followed(outcome: PromptOutcome, days: Sequence[DaySummary]) -> bool | None:
    """Whether a reminder was followed; None if that is not known. `days` are its own and the one after it."""
    prompt = outcome.prompt
    if prompt.answer in {Answer.DONE, Answer.HURT} or outcome.moved_within_minutes is not None:
        return True
    at, until = prompt.at.replace(second=0, microsecond=0), (prompt.last_shown or prompt.at) + MOVED_WITHIN
    while at + MINUTE <= until:
        kinds = [day.kinds[(at - day.start) // MINUTE] for day in days if day.start <= at < day.until]
        if not kinds or KINDS[kinds[0]] in _UNTOLD:
            return None
        at += MINUTE
    return False
