"""The named questions to a fleet, and their answers as a table, as CSV and as JSON. Values in, values out.

Every answer is in order of the pseudonym: people are not ranked. What is not known is empty or `null`, never 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hipsync.core.halves import says
from hipsync.core.shares import Says
from hipsync.core.weeks import DAY_AWAKE_MINUTES, WEEK_DAYS
from hipsync.errors import ConfigError
from hipsync.fleet import answers
from hipsync.fleet.answers import Attention, DayRow, Handed, WeekRow
from hipsync.fleet.before_after import BeforeAfter, before_after
from hipsync.formats.csv_minutes import FORMULA
from hipsync.text import clean, length

if TYPE_CHECKING:
    from hipsync.core.halves import Halves
    from hipsync.core.shares import Share
    from hipsync.fleet.database import Snapshot
    from hipsync.text import Json

WEEKS = 4
"""For how many weeks a question is asked where nobody says otherwise, this one among them."""
SIDE_WEEKS = 12
"""The same for the weeks before a treatment, and for those after it: as many as `hipsync trial` looks at."""
MOST_WEEKS = 520
CHANCE = {Says.NOTHING_YET: "can be chance", Says.HIGHER: "more", Says.LOWER: "less"}


Value: TypeAlias = bool | int | float | str | date | datetime | Decimal | list[str] | None
"""What a row has under a key."""


class Answer(NamedTuple):
    """What came of a question."""

    rows: Sequence[Mapping[str, Value]]
    """For programs: each row by the keys of its columns, which docs/contract.md explains."""
    table: Sequence[Sequence[str]]
    """For people: rows of cells, the heads first; empty if nothing belongs into it."""
    lines: Sequence[str]
    """What is said below the table, or in its place."""


class Question(NamedTuple):
    """One that can be asked."""

    line: str
    """What it answers, in a line."""
    columns: Sequence[str]
    """The keys of its rows."""
    ask: Callable[[Snapshot, datetime, int | None], Answer]
    """It takes the present and for how many weeks it is asked, of which None is the usual number."""


def question(name: str) -> Question:
    """The question of this name. Raises `ConfigError` with the one that is most like it."""
    if name in QUESTIONS:
        return QUESTIONS[name]
    close = get_close_matches(name, QUESTIONS, 1, 0.5)
    hint = f"did you mean `{close[0]}`?" if close else "they are"
    every = "" if close else f" {', '.join(QUESTIONS)}"
    raise ConfigError(f"there is no question {clean(name, 40)!r}: {hint}{every}")


def as_json(name: str, at: datetime, answer: Answer) -> dict[str, object]:
    """An answer for programs, version 1."""
    rows = [{key: _json(value) for key, value in row.items()} for row in answer.rows]
    return {"version": 1, "question": name, "at": at.isoformat(), "rows": rows}


def as_csv(asked: Question, answer: Answer) -> str:
    """An answer for spreadsheets. A text that one would take for a formula has an apostrophe in front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(asked.columns)
    writer.writerows([_cell(row[key]) for key in asked.columns] for row in answer.rows)
    return text.getvalue()


def _json(value: Value) -> Json:
    match value:
        case Decimal():
            return float(value)
        case datetime() | date():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
        case _:
            return [*value]


def _cell(value: Value) -> str | int | float | None:
    match _json(value):
        case bool(yes):
            return int(yes)
        case None | int() | float() as number:
            return number
        case list(several):
            return _cell(" ".join(map(str, several)))
        case text:
            return f"'{text}" if FORMULA.match(str(text)) else str(text)


# ------------------------------------------------------------------ days and weeks


def first_week(now: datetime, weeks: int) -> date:
    """The Monday of the first of so many weeks, of which the last one has begun at `now` in UTC."""
    today = now.date()
    return today - timedelta(days=today.weekday() + WEEK_DAYS * (weeks - 1))


def _days(snapshot: Snapshot, now: datetime, weeks: int | None) -> Answer:
    rows = answers.days(snapshot, first_week(now, weeks or WEEKS))
    heads = ("wearer", "day", "sitting", "awake", "longest", "breaks", "over", "steps", "no data")
    table = [heads, *map(_day_cells, rows)]
    return Answer([_day(row) for row in rows], table if rows else [], [] if rows else ["No day is judged yet."])


def _day(row: DayRow) -> dict[str, Value]:
    return {
        "wearer": row.wearer, "day": row.day, "has_data": row.has_data, "complete": row.complete,
        "sitting": row.sitting, "up": row.up, "standing": row.standing, "asleep": row.asleep,
        "not_worn": row.not_worn, "unknown": row.unknown, "steps": row.steps, "limit_minutes": row.limit_minutes,
        "longest_minutes": row.longest, "over_30": row.over_30, "over_limit": row.over_limit, "breaks": row.breaks,
    }  # fmt: skip


def _day_cells(row: DayRow) -> Sequence[str]:
    if not row.awake:
        return (row.wearer, f"{row.day}", "-", "-", "-", "-", "-", f"{row.steps:,}", length(row.unknown))
    return (
        row.wearer, f"{row.day}", length(row.sitting), length(row.awake), _minutes(row.longest), f"{row.breaks}",
        f"{row.over_limit}", f"{row.steps:,}", length(row.unknown),
    )  # fmt: skip


def _weeks(snapshot: Snapshot, now: datetime, weeks: int | None) -> Answer:
    rows = answers.weeks(snapshot, first_week(now, weeks or WEEKS))
    heads = ("wearer", "week of", "days", "awake", "sitting a day", "longest", "breaks/h", "over")
    lines = [
        f"days: with 8 h or more awake and worn; sitting a day: of {DAY_AWAKE_MINUTES // 60} h awake",
        "breaks/h: by the hour of sitting; over: spells of the limit and more",
    ]
    table = [heads, *map(_week_cells, rows)]
    return Answer([_week(row) for row in rows], table if rows else [], lines if rows else ["No week is judged yet."])


def _week(row: WeekRow) -> dict[str, Value]:
    return {
        "wearer": row.wearer, "week": row.week, "days_with_data": row.days_with_data, "has_data": row.has_data,
        "is_over": row.is_over, "awake_minutes": row.awake, "sitting_minutes": row.sitting,
        "sitting_minutes_a_day": row.sitting_a_day, "longest_minutes": row.longest, "breaks": row.breaks,
        "breaks_an_hour": row.breaks_an_hour, "over_30": row.over_30, "over_limit": row.over_limit,
        "limit_minutes": row.limit_minutes, "steps": row.steps,
    }  # fmt: skip


def _week_cells(row: WeekRow) -> Sequence[str]:
    if not row.awake:
        return (row.wearer, f"{row.week}", f"{row.days_with_data}", "-", "-", "-", "-", "-")
    return (
        row.wearer, f"{row.week}", f"{row.days_with_data}", length(row.awake), _minutes(row.sitting_a_day),
        _minutes(row.longest), _number(row.breaks_an_hour), f"{row.over_limit}",
    )  # fmt: skip


# ------------------------------------------------------------------ who needs a word


def _attention(snapshot: Snapshot, now: datetime, weeks: int | None) -> Answer:  # noqa: ARG001  it is always of now
    rows = answers.attention(snapshot)
    table = [("wearer", "why"), *((row.wearer, why(row, now)) for row in rows)]
    told = [{**row._asdict(), "why": why(row, now)} for row in rows]
    return Answer(told, table if rows else [], [] if rows else ["Nobody needs a word."])


def why(row: Attention, now: datetime, zone: tzinfo = UTC) -> str:
    """Why somebody needs a word, as people read it, with times of this zone."""
    match row.reason:
        case "no data":
            return (
                "no data yet"
                if row.at is None
                else f"no data for {(now - row.at).days} days, since {_instant(row.at, zone)}"
            )
        case "battery":
            return f"battery of band {row.band}: {row.value} %, on {_instant(row.at, zone)}"
        case "spells":
            value, usual = (f"{float(number or 0):.3g}" for number in (row.value, row.usual))
            return f"{value} spells over {row.limit_minutes} min in 7 days, {usual} as a rule"


# ------------------------------------------------------------------ before and after


def _before_after(snapshot: Snapshot, now: datetime, weeks: int | None) -> Answer:  # noqa: ARG001  by his own day
    found = list(before_after(answers.sides(snapshot, weeks or SIDE_WEEKS)))
    compared = [each for each in found if not each.why_not]
    heads = ("wearer", "treated", "weeks", "before", "after", "difference", "")
    table = [heads, *map(_side_cells, compared)]
    lines = [
        f"before, after: sitting in a day of {DAY_AWAKE_MINUTES // 60} h awake; difference: in minutes, 95 % interval"
    ]
    others = [f"{each.wearer} is not compared: {each.why_not}" for each in found if each.why_not]
    return Answer(
        [_sides(each) for each in found],
        table if compared else [],
        [*(lines if compared else ()), *others] if found else ["No wearer is here yet."],
    )


def _sides(each: BeforeAfter) -> dict[str, Value]:
    sitting, kept = each.sitting, each.kept
    return {
        "wearer": each.wearer, "treated": each.treated, "limit_minutes": each.limit_minutes,
        "compared": not each.why_not, "why_not": each.why_not or None,
        "weeks_before": each.weeks_before, "weeks_after": each.weeks_after,
        **_difference("sitting", sitting, DAY_AWAKE_MINUTES),
        "sitting_minutes_before": _of_day(sitting.earlier), "sitting_minutes_after": _of_day(sitting.later),
        **_difference("kept", kept, 100),
        "kept_before": kept.earlier.hits, "kept_before_of": kept.earlier.of,
        "kept_after": kept.later.hits, "kept_after_of": kept.later.of,
        "breaks_an_hour_before": each.breaks_before, "breaks_an_hour_after": each.breaks_after,
    }  # fmt: skip


def _difference(what: str, halves: Halves, scale: int) -> dict[str, Value]:
    """Later less earlier, with its interval and with what it says; None where too few weeks are there."""
    keys = (f"{what}_difference", f"{what}_low", f"{what}_high")
    if halves.apart is None:
        return {**dict.fromkeys(keys), f"{what}_says": says(halves).value}
    values = (halves.apart.value, *halves.apart.interval())
    return {
        **{key: round(value * scale) or 0 for key, value in zip(keys, values, strict=True)},
        f"{what}_says": says(halves).value,
    }


def _side_cells(each: BeforeAfter) -> Sequence[str]:
    difference, low, high, word = _difference("", each.sitting, DAY_AWAKE_MINUTES).values()
    return (
        each.wearer, f"{each.treated}", f"{each.weeks_before}+{each.weeks_after}",
        _minutes(_of_day(each.sitting.earlier)), _minutes(_of_day(each.sitting.later)),
        f"{difference:+} ({low:+} to {high:+})", CHANCE[Says(str(word))],
    )  # fmt: skip


def _of_day(share: Share) -> int | None:
    return None if share.value is None else round(share.value * DAY_AWAKE_MINUTES)


# ------------------------------------------------------------------ bands


def _bands(snapshot: Snapshot, now: datetime, weeks: int | None) -> Answer:  # noqa: ARG001  those of now
    rows = [row for row in answers.handed(snapshot) if row.is_worn]
    heads = ("wearer", "band", "kind", "last data (UTC)", "battery", "gateways")
    table = [heads, *map(_band_cells, rows)]
    return Answer([_band(row) for row in rows], table if rows else [], [] if rows else ["Nobody wears a band."])


def _band(row: Handed) -> dict[str, Value]:
    return {
        "wearer": row.wearer, "band": row.band, "kind": row.kind, "since": row.since, "until": row.until,
        "heard": row.heard, "battery_percent": row.percent, "charging": row.charging, "charged_at": row.charged_at,
        "gateways": row.gateways,
    }  # fmt: skip


def _band_cells(row: Handed) -> Sequence[str]:
    heard = "no data yet" if row.heard is None else f"{row.heard:%Y-%m-%d %H:%M}"
    battery = "-" if row.percent is None else f"{row.percent} %"
    return (row.wearer, f"{row.band}", clean(row.kind, 16), heard, battery, clean(" ".join(row.gateways), 40) or "-")


def _minutes(minutes: int | None) -> str:
    return "-" if minutes is None else length(minutes)


def _number(number: Decimal | None) -> str:
    return "-" if number is None else f"{number:.1f}"


def _instant(at: datetime | None, zone: tzinfo) -> str:
    if at is None:
        return ""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M}{' UTC' if zone is UTC else ''}"


def _keys(names: str) -> Sequence[str]:
    return names.split()


QUESTIONS: Mapping[str, Question] = {
    "weeks": Question(
        "each wearer's weeks: sitting, longest spell, breaks, spells over the limit",
        _keys("wearer week days_with_data has_data is_over awake_minutes sitting_minutes sitting_minutes_a_day"
              " longest_minutes breaks breaks_an_hour over_30 over_limit limit_minutes steps"),
        _weeks,
    ),
    "days": Question(
        "each wearer's days: minutes of each kind, steps, spells, breaks",
        _keys("wearer day has_data complete sitting up standing asleep not_worn unknown steps limit_minutes"
              " longest_minutes over_30 over_limit breaks"),
        _days,
    ),
    "attention": Question(
        "who needs a word now, each with its reason",
        _keys("wearer reason at band value usual limit_minutes why"),
        _attention,
    ),
    "before-after": Question(
        "each wearer's weeks before the treatment beside those after it",
        _keys("wearer treated limit_minutes compared why_not weeks_before weeks_after sitting_difference sitting_low"
              " sitting_high sitting_says sitting_minutes_before sitting_minutes_after kept_difference kept_low"
              " kept_high kept_says kept_before kept_before_of kept_after kept_after_of breaks_an_hour_before"
              " breaks_an_hour_after"),
        _before_after,
    ),
    "bands": Question(
        "who wears which band now, its last data, its battery, and its gateways",
        _keys("wearer band kind since until heard battery_percent charging charged_at gateways"),
        _bands,
    ),
}  # fmt: skip
"""The questions by their names, in the order of the list."""
