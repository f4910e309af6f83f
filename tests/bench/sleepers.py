"""How many prompts sleepers and bands on a table get, and how many a waking wearer keeps.

Run: `uv run python -m bench.sleepers`. The data lie beside the repository (`fitbit_minutes.csv.gz`, Furberg and others
2016, CC0): the two people of that file whose wear is known and was no fixed window.

*Steps alone*: the band reports the steps of each minute and nothing else. *Heart rate only*: it also has a heart rate
in every minute of an hour in which the file has one, and knows neither sleep nor wear. The truth is hidden from the
rule: a prompt is *false* if its wearer is in bed or does not wear the band in the minute in which it is shown, else
*true*.
*One hour after opening*: all prompts in just that minute after the prompt hours began, and in brackets the false ones.
Local times are taken as UTC. Hours and lunch are those of the default settings; they are tried once more from 6:00 on
every day, because these two people are mostly up at 8:00. Second showings are not counted.

*Before*: by the independent calculation, in which a heart rate is a sign of life too, as it was up to 0.6. *After*: by
the same with steps alone as a sign of life, and the core's own verdict, asked every minute, must show the same prompts
in the same minutes: if not, this command fails. It fails too if a false prompt is left one hour after opening, or with
the default hours any prompt.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import NamedTuple

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.prompting import Due, quiet_at, verdict
from hipsync.core.timeline import Source, Timeline, instant_of, minute_of, timeline
from hipsync.model import MINUTE, Epoch
from hipsync.settings.config import Config
from support import independent
from support.real_people import EVERYBODY

PEOPLE = ("4020332650", "5577150313")
DEFAULT = Config().policy
POLICIES = {"8:00": DEFAULT, "6:00": replace(DEFAULT, hours=dict.fromkeys(range(7), ((time(6), time(22)),)))}
"""The prompt hours that are tried, by when they begin on Monday."""
UTC_ONLY = Zones([], "UTC")
WINDOW_MINUTES = 200
"""How much before a stretch the verdict looks at: more than the 180 minutes of a sign of life."""


class Minute(NamedTuple):
    at: datetime
    steps: int
    beats: bool
    here: bool
    """Whether its wearer was awake and wore the band."""


class Shown(NamedTuple):
    """What was shown to one person in the whole time, as the minutes at whose end it was."""

    false: Sequence[datetime]
    true: Sequence[datetime]


def people() -> dict[str, list[Minute]]:
    with gzip.open(EVERYBODY, "rt", newline="") as file:
        return {
            person: [
                Minute(
                    datetime.fromisoformat(line["t"]).replace(tzinfo=UTC),
                    int(line["steps"]),
                    line["hr_in_hour"] not in {"", "0"},
                    line["in_bed"] == "0" and line["worn"] == "1",
                )
                for line in lines
            ]
            for person, lines in groupby(csv.DictReader(file), key=lambda line: line["pid"])
            if person in PEOPLE
        }


def by_the_text(minutes: Sequence[Minute], policy: Policy, *, heart: bool, heart_is_life: bool) -> list[datetime]:
    """When prompts are shown by the independent calculation."""
    told = {each.at: (each.steps, heart and each.beats) for each in minutes}
    off = independent.taken_off(told) if heart else set[datetime]()
    rows = {at: (steps, "not_worn" if at in off else None) for at, (steps, _) in told.items()}
    line = independent.Line(rows, minutes[-1].at + MINUTE, independent.Rule(), vouches=heart)
    beats = [heart_is_life and told[line.origin + i * MINUTE][1] for i in range(len(line.rows))]

    def in_hours(instant: datetime) -> bool:
        return any(start <= instant.time() < end for start, end in policy.hours[instant.weekday()])

    def at_lunch(instant: datetime) -> bool:
        return any(start <= instant.time() < end for start, end in policy.lunch)

    return [call.owed for call in independent.calls(line, lambda i: line.steps[i] > 0 or beats[i], in_hours, at_lunch)]


def by_the_core(minutes: Sequence[Minute], policy: Policy, *, heart: bool) -> list[datetime]:
    """When prompts are shown by `verdict`, asked at the end of each minute of a stretch until it is due."""
    epochs = [Epoch(m.at, MINUTE, m.steps, heart_rate=70 if heart and m.beats else None) for m in minutes]
    first, last = minute_of(epochs[0].start), minute_of(epochs[-1].end)
    line = timeline([Source(epochs, vouches=heart)], first, last, UTC_ONLY.at(epochs[0].start))
    found = [stretch for stretch in bouts(line, Rule()).stretches if stretch.minutes >= policy.limit_minutes]
    return [at for stretch in found if (at := _first_due(line, stretch.start, stretch.end, policy)) is not None]


def _first_due(line: Timeline, start: datetime, end: datetime, policy: Policy) -> datetime | None:
    for minute in range(minute_of(start) + policy.limit_minutes, minute_of(end) + 1):
        now = instant_of(minute)
        if quiet_at(now, policy, UTC_ONLY) is None:
            known = _part(line, minute_of(start) - WINDOW_MINUTES, minute)
            if isinstance(verdict(known, bouts(known, Rule()), [], policy, UTC_ONLY, now), Due):
                return now
    return None


def _part(line: Timeline, first: int, last: int) -> Timeline:
    """The minutes `[first, last)` of a timeline, or from its own first."""
    first = max(first, line.first)
    cut = slice(first - line.first, last - line.first)
    return Timeline(first, line.code[cut], line.flags[cut], line.steps[cut], line.width[cut], line.doubtful[cut])


def judged(minutes: Sequence[Minute], shown: Sequence[datetime]) -> Shown:
    """Each prompt as false or true, by the minute that it was shown at the end of."""
    here = {each.at + MINUTE: each.here for each in minutes}
    return Shown([at for at in shown if not here[at]], [at for at in shown if here[at]])


def one_hour_after_opening(instant: datetime, policy: Policy) -> bool:
    opens = {datetime.combine(instant.date(), start, UTC) for start, _ in policy.hours[instant.weekday()]}
    return instant - timedelta(hours=1) in opens


class Figures(NamedTuple):
    days: int
    false: int
    at_opening: int
    false_at_opening: int
    true: int


def figures(policy: Policy, everybody: Sequence[Sequence[Minute]], shown: Sequence[Sequence[datetime]]) -> Figures:
    """The figures of several people together; `shown` are the prompts of each."""
    found = [judged(minutes, times) for minutes, times in zip(everybody, shown, strict=True)]
    false, true = [at for each in found for at in each.false], [at for each in found for at in each.true]
    return Figures(
        sum(len({each.at.date() for each in minutes}) for minutes in everybody),
        len(false),
        sum(one_hour_after_opening(at, policy) for at in (*false, *true)),
        sum(one_hour_after_opening(at, policy) for at in false),
        len(true),
    )


def before_and_after(everybody: Sequence[Sequence[Minute]], policy: Policy, *, heart: bool) -> tuple[Figures, Figures]:
    """The figures of one kind of band. Raises `SystemExit` if the core shows another prompt than the text."""
    before = [by_the_text(minutes, policy, heart=heart, heart_is_life=True) for minutes in everybody]
    after = [by_the_text(minutes, policy, heart=heart, heart_is_life=False) for minutes in everybody]
    for person, text, core in zip(PEOPLE, after, (by_the_core(m, policy, heart=heart) for m in everybody), strict=True):
        if differ := sorted(set(core) ^ set(text)):
            raise SystemExit(f"{person}: the core and the text differ at {', '.join(map(str, differ))}")
    return figures(policy, everybody, before), figures(policy, everybody, after)


def rows() -> Iterator[tuple[str, Figures, Figures]]:
    everybody = list(people().values())
    for opens, policy in POLICIES.items():
        for name, heart in (("heart rate only", True), ("steps alone", False)):
            yield f"{name}, from {opens}", *before_and_after(everybody, policy, heart=heart)


def main() -> int:
    if not EVERYBODY.exists():
        print(f"the recordings are not here: {EVERYBODY}", file=sys.stderr)
        return 1
    print(f"{'':34}{'false':>7}{'a day':>8}{'1 h after opening':>19}{'true':>7}{'lost':>6}")
    wrong = 0
    for name, before, after in rows():
        for when, each in (("before", before), ("after", after)):
            opening = f"{each.at_opening} ({each.false_at_opening})"
            print(
                f"{name:27}{when:7}{each.false:7}{each.false / each.days:8.3f}{opening:>19}{each.true:7}"
                f"{before.true - each.true:6}"
            )
        wrong += after.false_at_opening + (after.at_opening if name.endswith("8:00") else 0)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
