"""What the rule says of real people now, beside what an earlier commit said: every minute, stretch, break and prompt.

    git worktree add ../earlier 2e731d5
    uv run python -m bench.since ../earlier          needs ../shared/data; takes some minutes

Each of the eleven people of `fitbit_minutes.csv.gz` is judged as three bands would have seen them. *Steps alone*:
nothing else is reported. *Sleep and wear*: what the file knows of these is said, and believed. *Heart rate*: beside the
steps there is one in each minute of which the file says so, for some people by the hour. Every difference is counted
under its reason, and the first three of each are shown. A difference without a reason makes the command fail. The
reasons:

*worn*        a minute that was not worn holds 20 steps, or lies in a walk without a heart rate: it counts now
*after it*    a stretch or break begins or ends within 15 minutes of such a minute, over which no window reached before
*night*       stillness of 90 to 179 minutes that began at night is unknown, and its stretch doubtful
*no life*     a prompt that a heart rate alone had allowed comes later or not at all

Prompts are those that are shown first of each stretch, with the default hours, at the minute.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

SOURCE = Path(os.environ.get("HIPSYNC_SHARED") or Path(__file__).resolve().parents[3] / "shared") / "data"
BANDS = ("steps alone", "sleep and wear", "heart rate")
NEAR = 15
"""The longest window of the rule, in minutes."""
MINUTE = timedelta(minutes=1)


class Judged(NamedTuple):
    """One person as one band saw them; minutes are counted from their first one."""

    kinds: list[str]
    steps: list[int]
    """As the band counted them."""
    total: int
    stretches: dict[int, list[Any]]
    """By the first minute: end, counted minutes, what ended it, when a prompt was due, whether it is doubtful."""
    breaks: list[int]
    shown: list[int]


# ------------------------------------------------------------------ in the process of one commit


def _module(name: str) -> Any:
    """A module of hipsync's core, which once lay one folder higher."""
    try:
        return importlib.import_module(f"hipsync.core.{name}")
    except ModuleNotFoundError:
        return importlib.import_module(f"hipsync.{name}")


def _dump() -> Iterator[tuple[str, str, Judged]]:
    model = importlib.import_module("hipsync.model")
    states = {"asleep": model.State.ASLEEP, "not_worn": model.State.NOT_WORN, "": None}
    with gzip.open(SOURCE / "fitbit_minutes.csv.gz", "rt", newline="") as file:
        for person, lines in groupby(csv.DictReader(file), key=lambda line: line["pid"]):
            rows = list(lines)
            for band in BANDS:
                epochs = [
                    model.Epoch(
                        datetime.fromisoformat(row["t"]).replace(tzinfo=UTC),
                        MINUTE,
                        int(row["steps"]),
                        heart_rate=70 if band == "heart rate" and (row["hr"] or row["hr_in_hour"] == "1") else None,
                        state=states[_state(row)] if band == "sleep and wear" else None,
                    )
                    for row in rows
                ]
                yield band, person, _judged(epochs, band)


def _state(row: dict[str, str]) -> str:
    return "asleep" if row["in_bed"] == "1" else "not_worn" if row["worn"] == "0" else ""


def _judged(epochs: Sequence[Any], band: str) -> Judged:
    lines, bouts, summary = _module("timeline"), _module("bouts"), _module("summary")
    first, last = lines.minute_of(epochs[0].start), lines.minute_of(epochs[-1].end)
    says = band == "sleep and wear"
    source = lines.Source(epochs, vouches=band != "steps alone", reports_wear=says)
    line = lines.timeline([source], first, last, ZoneInfo("UTC"))
    found = bouts.bouts(line, bouts.Rule())

    def minute(instant: datetime | None) -> int | None:
        return None if instant is None else lines.minute_of(instant) - first

    return Judged(
        [str(summary.KINDS[kind]) for kind in summary.kinds_of(line)],
        [epoch.steps for epoch in epochs],
        sum(line.steps),
        {
            lines.minute_of(s.start) - first: [minute(s.end), s.minutes, s.ended_by, minute(s.due), s.doubtful]
            for s in found.stretches
        },
        [lines.minute_of(b.start) - first for b in found.breaks],
        [at - first for s in found.stretches if s.minutes >= 60 and (at := _shown(line, s)) is not None],
    )


def _shown(line: Any, stretch: Any) -> int | None:
    """The minute at whose start the first prompt of a stretch is shown; None if there is none."""
    lines, bouts, prompting = _module("timeline"), _module("bouts"), _module("prompting")
    hours: dict[int, Any] = {day: ((time(8 if day < 5 else 9), time(22)),) for day in range(7)}
    policy = prompting.Policy(hours=hours, lunch=((time(12, 30), time(13, 30)),))
    zones = _module("days").Zones([], "UTC")
    start = max(lines.minute_of(stretch.start) - 200, line.first)
    for minute in range(lines.minute_of(stretch.start) + 60, lines.minute_of(stretch.end) + 1):
        now = lines.instant_of(minute)
        if prompting.quiet_at(now, policy, zones) is None:
            cut = slice(start - line.first, minute - line.first)
            part = lines.Timeline(
                start, line.code[cut], line.flags[cut], line.steps[cut], line.width[cut], line.doubtful[cut]
            )
            found = bouts.bouts(part, bouts.Rule())
            if isinstance(prompting.verdict(part, found, [], policy, zones, now), prompting.Due):
                return minute
    return None


# ------------------------------------------------------------------ two commits side by side


def judged_by(folder: Path) -> dict[tuple[str, str], Judged]:
    """What the code in a folder makes of everybody. Raises `CalledProcessError` if it cannot."""
    asked = [sys.executable, __file__, "--dump"]
    done = subprocess.run(asked, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, check=True)
    found: dict[tuple[str, str], Judged] = {}
    for text in done.stdout.splitlines():
        band, person, where, judged = json.loads(text)
        assert Path(where).is_relative_to(folder), f"the code of {where} answered for {folder}"
        judged[3] = {int(start): rest for start, rest in judged[3].items()}
        found[band, person] = Judged(*judged)
    return found


class Difference(NamedTuple):
    reason: str
    text: str


def differences(old: Judged, new: Judged) -> Iterator[Difference]:
    """Every difference between two judgements of one person, with its reason, or with `unexplained`."""
    worn = {at for at, kinds in enumerate(zip(old.kinds, new.kinds, strict=True)) if _is_worn(old, at, *kinds)}
    night = {at for at, kinds in enumerate(zip(old.kinds, new.kinds, strict=True)) if kinds == ("sitting", "unknown")}

    def near(*minutes: int | None) -> bool:
        return any(m is not None and worn.intersection(range(m - NEAR, m + NEAR + 1)) for m in minutes)

    for at, (before, after) in enumerate(zip(old.kinds, new.kinds, strict=True)):
        if before != after:
            still = at in night and _night_run(new, at)
            reason = "worn" if at in worn else "night" if still else "after it" if near(at) else "unexplained"
            yield Difference(f"minute: {reason}", f"minute {at}, {new.steps[at]} steps: {before} -> {after}")
    for start in sorted(old.stretches.keys() | new.stretches.keys()):
        was, now = old.stretches.get(start), new.stretches.get(start)
        if was != now:
            ends = [each[0] for each in (was, now) if each is not None]
            dark = was is not None and now is not None and was[:-1] == now[:-1] and night & set(range(start, now[0]))
            reason = "night" if dark else "after it" if near(start, *ends) else "unexplained"
            yield Difference(f"stretch: {reason}", f"from {start}: {was} -> {now}")
    for at in sorted(set(old.breaks) ^ set(new.breaks)):
        yield Difference(f"break: {'after it' if near(at) else 'unexplained'}", f"{at}: {'+-'[at in old.breaks]}")
    for at in sorted(set(old.shown) ^ set(new.shown)):
        yield Difference(f"prompt: {_why_shown(old, new, at)}", f"{at}: {'+-'[at in old.shown]}")
    if old.total != new.total:
        gained = sum(new.steps[at] for at in worn)
        reason = "worn" if new.total - old.total == gained else "unexplained"
        yield Difference(f"total: {reason}", f"{old.total} -> {new.total} steps")


def _is_worn(old: Judged, at: int, before: str, after: str) -> bool:
    """Whether a minute that was not worn lies in a walk of at least 20 steps in 5 minutes, and counts now."""
    windows = (old.steps[max(at - back, 0) : at - back + 5] for back in range(5))
    return before == "not_worn" and after != before and any(sum(five) >= 20 for five in windows)


def _night_run(new: Judged, at: int) -> bool:
    """Whether a minute lies in 90 to 179 minutes without a step."""
    first = last = at
    while first and not new.steps[first - 1]:
        first -= 1
    while last + 1 < len(new.steps) and not new.steps[last + 1]:
        last += 1
    return 90 <= last + 1 - first < 180


def _why_shown(old: Judged, new: Judged, at: int) -> str:
    """Why a prompt is shown in another minute, or not any more."""
    stretches = old.stretches if at in old.shown else new.stretches
    start, stretch = next((s, rest) for s, rest in stretches.items() if s < at <= rest[0])
    if new.stretches.get(start) != stretch and old.stretches.get(start) != new.stretches.get(start):
        return "after it"
    later = [shown for shown in new.shown if start < shown <= stretch[0]]
    return "no life" if at not in new.shown or (later and min(later) >= at) else "unexplained"


def main(folder: Path) -> int:
    if not (SOURCE / "fitbit_minutes.csv.gz").exists():
        print(f"the recordings are not here: {SOURCE}", file=sys.stderr)
        return 1
    before, after = judged_by(folder.resolve()), judged_by(Path(__file__).resolve().parents[2])
    bad = 0
    for band in BANDS:
        found: dict[str, list[str]] = defaultdict(list)
        people = [person for each, person in before if each == band]
        for person in people:
            for reason, text in differences(before[band, person], after[band, person]):
                found[reason].append(f"{person} {text}")
        minutes = sum(len(before[band, person].kinds) for person in people)
        prompts = [sum(len(judged[band, person].shown) for person in people) for judged in (before, after)]
        print(f"\n{band}: {minutes} minutes of {len(people)} people, {prompts[0]} -> {prompts[1]} prompts")
        for reason, texts in sorted(found.items()):
            print(f"  {len(texts):6} {reason:24}{'; '.join(texts[:3])}")
            bad += len(texts) if "unexplained" in reason else 0
        if not found:
            print("         no difference")
    return int(bad > 0)


if __name__ == "__main__":
    if sys.argv[1:] == ["--dump"]:
        for each in _dump():
            print(json.dumps([each[0], each[1], importlib.import_module("hipsync").__file__, each[2]]))
    elif len(sys.argv) == 2:
        sys.exit(main(Path(sys.argv[1])))
    else:
        sys.exit(__doc__)
