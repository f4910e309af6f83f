"""Days, weeks and months for programs, as JSON and CSV. The names and their meaning are fixed in docs/contract.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hipsync.core.summary import KINDS, DaySummary, Hour, Minutes, Piece
from hipsync.model import Prompt, Stretch
from hipsync.text import Json

if TYPE_CHECKING:
    from hipsync.core.followed import Learned
    from hipsync.core.halves import Halves
    from hipsync.core.period import PeriodSummary, Rates
    from hipsync.core.shares import Share
    from hipsync.core.trial import Compared
    from hipsync.core.weeks import Weeks
    from hipsync.report.period_facts import PeriodKind


def day_json(summary: DaySummary) -> dict[str, Json]:
    """The object that `day --json` prints, version 1. Instants have the offset of the day's zone."""
    zone = ZoneInfo(summary.zone)
    return {
        "version": 1,
        "date": summary.date.isoformat(),
        "zone": summary.zone,
        "from": _instant(summary.start, zone),
        "to": _instant(summary.end, zone),
        "complete_until": _instant(summary.complete_until, zone),
        "bands": [
            {"name": band.name, "simulated": band.simulated, "resolution_minutes": band.resolution_minutes}
            for band in summary.bands
        ],
        "minutes": _minutes_json(summary.minutes),
        "steps": summary.steps,
        "limit_minutes": summary.limit_minutes,
        "stretches": [_piece_json(piece, zone) for piece in summary.stretches],
        "longest_minutes": summary.longest_minutes,
        "over_30": summary.over_30,
        "over_limit": summary.over_limit,
        "breaks": summary.breaks,
        "usual_stretch_minutes": summary.usual_stretch_minutes,
        "hours": [_hour_json(hour, zone) for hour in summary.hours()],
        "prompts": [prompt_json(outcome.prompt, zone, outcome.moved_within_minutes) for outcome in summary.prompts],
        "exercises": [
            {"at": _instant(done.at, zone), "name": done.name, "how": done.how, "hurt": done.hurt}
            for done in summary.exercises
        ],
    }


def prompt_json(prompt: Prompt, zone: ZoneInfo, moved_within_minutes: int | None = None) -> dict[str, Json]:
    """A prompt as an object of `day --json` and `prompts --json`. Instants have the offset of `zone`."""
    return {
        "at": _instant(prompt.at, zone),
        "due": _instant(prompt.due, zone),
        "sitting_minutes": prompt.sitting_minutes,
        "occasion": prompt.occasion.value,
        "exercise": prompt.exercise,
        "where": [where.value for where in prompt.where],
        "sure": "high" if prompt.sure else "medium",
        "shown": prompt.shown,
        "answer": None if prompt.answer is None else prompt.answer.value,
        "answered_at": _instant(prompt.answered_at, zone),
        "moved_within_minutes": moved_within_minutes,
    }


def _instant(instant: datetime | None, zone: ZoneInfo) -> str | None:
    return None if instant is None else instant.astimezone(zone).isoformat()


def _minutes_json(minutes: Minutes) -> dict[str, Json]:
    return {kind.value: minutes[kind] for kind in KINDS}


def _piece_json(piece: Piece, zone: ZoneInfo) -> dict[str, Json]:
    return {
        "from": _instant(piece.start, zone),
        "to": _instant(piece.end, zone),
        "minutes": piece.minutes,
        "ended_by": None if piece.ended_by is None else piece.ended_by.value,
        "due": _instant(piece.due, zone),
        "prompted": piece.prompted,
        "doubtful": piece.doubtful,
        "whole": None if piece.whole is None else _whole_json(piece.whole, zone),
    }


def _whole_json(whole: Stretch, zone: ZoneInfo) -> dict[str, Json]:
    return {"from": _instant(whole.start, zone), "to": _instant(whole.end, zone), "minutes": whole.minutes}


def _hour_json(hour: Hour, zone: ZoneInfo) -> dict[str, Json]:
    local = hour.start.astimezone(zone)
    return {"hour": f"{local:%H:%M}", "from": local.isoformat(), **_minutes_json(hour.minutes)}


def period_json(
    period: PeriodSummary,
    kind: PeriodKind,
    before: PeriodSummary | None = None,
    trial: Compared | None = None,
    weeks: Weeks | None = None,
) -> dict[str, Json]:
    """The object that `week --json` and `month --json` print, version 1; `days` lists the objects of `day --json`.

    A month has the members `trial` and `weeks`, which are null if these are None. If `before` is given, the member
    `before` has the same members except `version` and `days`. The member `change` compares the two periods, and is null
    if too little is known of either.
    """
    from hipsync.core.period import change  # `hipsync today` waits for every import of this module

    found: dict[str, Json] = {"version": 1, **_period_json(period), "days": [day_json(day) for day in period.days]}
    if kind == "month":
        found["trial"] = None if trial is None else trial_json(trial)
        found["weeks"] = None if weeks is None else weeks_json(weeks)
    if before is not None:
        compared = change(period, before)
        found["before"] = _period_json(before)
        found["change"] = (
            None if compared is None else {"now": _rates_json(compared.now), "before": _rates_json(compared.before)}
        )
    return found


def _period_json(period: PeriodSummary) -> dict[str, Json]:
    first, last = period.days[0], period.days[-1]
    return {
        "first": first.date.isoformat(),
        "last": last.date.isoformat(),
        "from": _instant(first.start, ZoneInfo(first.zone)),
        "to": _instant(last.end, ZoneInfo(last.zone)),
        "complete_until": _instant(period.complete_until, ZoneInfo(last.zone)),
        "minutes": _minutes_json(period.minutes),
        "steps": period.steps,
        "limit_minutes": last.limit_minutes,
        "longest_minutes": period.longest_minutes,
        "over_30": period.over_30,
        "over_limit": period.over_limit,
        "breaks": period.breaks,
        "usual_stretch_minutes": period.usual_stretch_minutes,
        "hours_awake": period.hours_awake,
        "hours_with_break": period.hours_with_break,
        "reminders": _followed_json(period.followed),
    }


def _rates_json(rates: Rates) -> dict[str, Json]:
    return {
        "awake_minutes": rates.awake_minutes,
        "sitting_minutes_per_hour": round(rates.sitting_minutes, 1),
        "breaks_per_hour": round(rates.breaks, 2),
        "over_limit_per_hour": round(rates.over_limit, 3),
    }


def trial_json(found: Compared) -> dict[str, Json]:
    """What a trial found, as `hipsync trial --json` prints it and as the member `trial` of `month --json`."""
    from hipsync.core.shares import difference, says

    apart = difference(found.reminded, found.withheld)
    return {
        "reminded": {"broke_off": found.reminded.hits, "of": found.reminded.of},
        "withheld": {"broke_off": found.withheld.hits, "of": found.withheld.of},
        "left_out": found.left_out,
        "difference_points": None if apart is None else round(apart.value * 100, 1),
        "interval_points": None if apart is None else [round(apart.low * 100, 1), round(apart.high * 100, 1)],
        "says": says(found.reminded, found.withheld).value,
    }


def weeks_json(found: Weeks) -> dict[str, Json]:
    """How the weeks went, as the member `weeks` of `trial --json` and `month --json`."""
    from hipsync.core.weeks import DAY_AWAKE_MINUTES

    return {
        "looked_at": found.looked_at,
        "known": [
            {
                "first": week.first.isoformat(),
                "breaks_in_time": _counts_json(week.in_time),
                "answered": _counts_json(week.answered),
                "sitting_minutes": _minutes_a_day(week.sitting),
            }
            for week in found.known
        ],
        "breaks_in_time": _halves_json(found.in_time),
        "answered": _halves_json(found.answered),
        "sitting": {
            "earlier_minutes": _minutes_a_day(found.sitting.earlier),
            "later_minutes": _minutes_a_day(found.sitting.later),
            **_apart_json(found.sitting, DAY_AWAKE_MINUTES, "minutes"),
        },
    }


def _halves_json(found: Halves) -> dict[str, Json]:
    return {
        "earlier": _counts_json(found.earlier),
        "later": _counts_json(found.later),
        **_apart_json(found, 100, "points"),
    }


def _apart_json(found: Halves, scale: int, unit: str) -> dict[str, Json]:
    from hipsync.core.halves import says

    apart = found.apart
    return {
        f"difference_{unit}": None if apart is None else round(apart.value * scale, 1),
        f"interval_{unit}": None if apart is None else [round(end * scale, 1) for end in apart.interval()],
        "says": says(found).value,
    }


def _counts_json(share: Share) -> dict[str, Json]:
    return {"count": share.hits, "of": share.of}


def _minutes_a_day(sitting: Share) -> int | None:
    from hipsync.core.weeks import DAY_AWAKE_MINUTES

    return None if sitting.value is None else round(sitting.value * DAY_AWAKE_MINUTES)


def learned_json(known: Learned) -> dict[str, Json]:
    """What was learned of reminders, as `hipsync why --json` prints it."""
    from hipsync.core.followed import estimate, is_failing, is_quiet

    return {
        "last_week": _followed_json(known.last_week),
        "suggests_walks": known.suggests_walks,
        "hours": [
            {
                "weekday": weekday + 1,
                "hour": f"{hour:02}:00",
                **_followed_json(share),
                "estimate": round(estimate(share), 3),
                "failing": is_failing(share),
                "quiet": is_quiet(known.hours, (weekday, hour)),
            }
            for (weekday, hour), share in sorted(known.hours.items())
        ],
    }


def _followed_json(share: Share) -> dict[str, Json]:
    return {"followed": share.hits, "of": share.of}


COLUMNS = (
    "date", "zone", "from", "to", "complete_until", *(kind.value for kind in KINDS), "steps", "limit_minutes",
    "longest_minutes", "over_30", "over_limit", "breaks", "usual_stretch_minutes",
)  # fmt: skip
"""The columns of the CSV, in order."""


def days_csv(days: Sequence[DaySummary]) -> Iterator[Sequence[Json]]:
    """Rows of the CSV: the header, then one row for each day, with the names and values of `day --json`."""
    yield COLUMNS
    for day in days:
        cells = {**day_json(day), **_minutes_json(day.minutes)}
        yield [cells[column] for column in COLUMNS]
