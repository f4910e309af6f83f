"""Judges the days of a fleet's wearers, as they become dirty in Postgres, by the same rule as days at home.

Any number of processes may do that at once, on any computers: Postgres hands out wearers, one at a time, and what was
judged of one is there, with his days no longer dirty, in one transaction. So a process that is killed leaves nothing
half done, and the next one goes on.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.core.summary import KINDS, summed_up
from hipsync.core.timeline import minute_of
from hipsync.fleet.queue import Judged, Queue, Task
from hipsync.history.day_codec import encoded
from hipsync.history.past import AROUND_MINUTES
from hipsync.history.summaries import Judgement, judged_days
from hipsync.model import MINUTE, Desk

AROUND = AROUND_MINUTES * MINUTE
"""So long after its end a day is complete, unless a stretch runs on."""


class Told(NamedTuple):
    """What one process has judged."""

    days: int
    wearers: int
    """How often a wearer was taken from the queue."""


def judge(queue: Queue, now: datetime) -> Told:
    """Judge all days that are dirty at `now`, until none is left that nobody else has. Raises `FleetError`."""
    days = wearers = 0
    wait = False
    while True:
        with queue.next(now, wait=wait) as task:
            if task is None:
                if wait:
                    return Told(days, wearers)
            else:
                days += _judge(queue, task, now)
                wearers += 1
        wait = task is None  # whom another process had, it may have been killed over


def _judge(queue: Queue, task: Task, now: datetime) -> int:
    """Judge the dirty days of a task, and return how many were judged."""
    zones = Zones([], task.zone)
    spans = [zones.day(day) for day in task.days]
    begun = [span for span in spans if span.start < now]
    rule = rule_of(task.limit_minutes)
    found = list(judged_days(task.reported, rule, zones, begun, now))
    known = [row for each in found if (row := judged_row(each, rule, now)) is not None]
    empty = {each.span.date for each in found} - {row.day for row in known}
    later = {row.day: _again(row, now) for row in known if not row.complete}
    later |= {span.date: span.end + AROUND for span in spans if span.start >= now}
    queue.settle(task, known, sorted(empty), later)
    return len(found)


def rule_of(limit_minutes: int) -> Rule:
    """The rule by which a wearer's days are judged: that of hipsync, with his limit, and no computer's use."""
    return Rule(limit_minutes=limit_minutes, desk=Desk.OFF)


def judged_row(each: Judgement, rule: Rule, now: datetime) -> Judged | None:
    """A judged day as it is stored; None if nothing is known of it."""
    if each.judged.complete_until is None:
        return None
    numbers = summed_up(each.judged, each.span, now, limit_minutes=rule.limit_minutes)
    columns = encoded(each.judged, each.bands)
    return Judged(
        day=each.span.date,
        zone=each.span.zone.key,
        start=each.span.start,
        until=each.span.end,
        loaded_from=each.looked_from,
        loaded_until=each.looked_until,
        complete=minute_of(each.looked_until) < minute_of(now),
        minutes=tuple(numbers.minutes[kind] for kind in KINDS),
        steps=numbers.steps,
        limit_minutes=rule.limit_minutes,
        longest=numbers.longest_minutes,
        over_30=numbers.over_30,
        over_limit=numbers.over_limit,
        breaks=numbers.breaks,
        kinds=columns.kinds,
        facts=columns.facts,
    )


def _again(row: Judged, now: datetime) -> datetime:
    """When a day that is not complete is to be judged again, though nothing new came."""
    ready = row.until + AROUND + 2 * MINUTE
    return ready if ready > now else now + AROUND
