"""A `DaySummary` for machines and for people: JSON as `product.md` section 3 fixes it, text as section 4 asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from hipsync.model import Answer, EndedBy, Kind, Occasion, Prompt, Stretch
from hipsync.summary import KINDS, DaySummary, Hour, Minutes, Piece, PromptOutcome

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]

TWELVE_HOURS = 720
"""Minutes: what the source text says people often sit in a day; shown only beside the hours worn."""

# ------------------------------------------------------------------ JSON


def day_json(summary: DaySummary) -> Mapping[str, Json]:
    """The object of `day --json`, version 1. Instants carry the offset of the day's zone."""
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
        "hours": [_hour_json(hour, zone) for hour in summary.hours],
        "prompts": [prompt_json(outcome.prompt, zone, outcome.moved_within_minutes) for outcome in summary.prompts],
        "exercises": [
            {"at": _instant(done.at, zone), "name": done.name, "how": done.how, "hurt": done.hurt}
            for done in summary.exercises
        ],
    }


def prompt_json(prompt: Prompt, zone: ZoneInfo, moved_within_minutes: int | None = None) -> Mapping[str, Json]:
    """A prompt as the day's JSON and `prompts --json` show it."""
    return {
        "at": _instant(prompt.at, zone),
        "due": _instant(prompt.due, zone),
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


def _piece_json(piece: Piece, zone: ZoneInfo) -> Mapping[str, Json]:
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


def _whole_json(whole: Stretch, zone: ZoneInfo) -> Mapping[str, Json]:
    return {"from": _instant(whole.start, zone), "to": _instant(whole.end, zone), "minutes": whole.minutes}


def _hour_json(hour: Hour, zone: ZoneInfo) -> Mapping[str, Json]:
    local = hour.start.astimezone(zone)
    return {"hour": f"{local:%H:%M}", "from": local.isoformat(), **_minutes_json(hour.minutes)}


# ------------------------------------------------------------------ text

HOUR = timedelta(hours=1)
STRIP_CELL = 20
"""Minutes a character: a day of 24 hours is 72 of them, and fits 80 columns with its margin."""

Marks = Mapping[Kind, str]
UNICODE_MARKS: Marks = {
    Kind.SITTING: "█",
    Kind.UP: "▲",
    Kind.STANDING: "│",
    Kind.ASLEEP: "z",
    Kind.NOT_WORN: "╌",
    Kind.UNKNOWN: "·",
}
ASCII_MARKS: Marks = {
    Kind.SITTING: "#",
    Kind.UP: "^",
    Kind.STANDING: "|",
    Kind.ASLEEP: "z",
    Kind.NOT_WORN: "-",
    Kind.UNKNOWN: ".",
}
WORDS: Mapping[Kind, str] = {
    Kind.SITTING: "sitting (estimated)",
    Kind.UP: "up and about",
    Kind.STANDING: "standing",
    Kind.ASLEEP: "asleep",
    Kind.NOT_WORN: "not worn",
    Kind.UNKNOWN: "unknown",
}
COLOURS: Mapping[Kind, str] = {
    Kind.SITTING: "33",
    Kind.UP: "32",
    Kind.STANDING: "36",
    Kind.ASLEEP: "34",
    Kind.NOT_WORN: "90",
    Kind.UNKNOWN: "90",
}
ENDINGS: Mapping[EndedBy | None, str] = {
    EndedBy.MOVING: "",
    EndedBy.STANDING: ", then stood",
    EndedBy.ASLEEP: ", then slept",
    EndedBy.NOT_WORN: ", then not worn",
    EndedBy.UNKNOWN: ", then no data",
    None: ", goes on",
}
LISTED_STRETCHES = 5

Style = Literal["plain", "colour"]


def day_text(summary: DaySummary, *, style: Style = "plain", marks: Marks = UNICODE_MARKS) -> str:
    """The day for a terminal of 80 columns; `plain` has no escape sequences."""
    if summary.complete_until is None:
        return "\n".join([*_head(summary), "", f"  {advice(summary)}"]) + "\n"
    lines = [*_head(summary), "", *_strip(summary, style, marks), "", *_totals(summary), *_details(summary)]
    return "\n".join(lines) + "\n"


def day_facts(summary: DaySummary) -> Iterator[str]:
    """The day in words, one fact a line, for whoever listens to it or searches in it."""
    zone = ZoneInfo(summary.zone)
    yield from _head(summary)
    for kind in KINDS:
        yield f"{WORDS[kind]}: {length(summary.minutes[kind])}"
    yield f"steps: {summary.steps}"
    yield f"stretches of 30 min or more: {summary.over_30}"
    yield f"stretches of {summary.limit_minutes} min or more: {summary.over_limit}"
    yield f"longest stretch: {length(summary.longest_minutes)}"
    if summary.usual_stretch_minutes is not None:
        yield f"usual stretch: {length(summary.usual_stretch_minutes)}"
    yield f"breaks: {summary.breaks}"
    for piece in summary.stretches:
        yield f"stretch: {' '.join(_piece_line(piece, zone).split())}"
    for shown in summary.prompts:
        yield f"prompt: {' '.join(_prompt_line(shown, zone).split())}"
    for done in summary.exercises:
        yield f"exercise: {done.at.astimezone(zone):%H:%M} {done.name}{' (it hurt)' if done.hurt else ''}"
    yield advice(summary)


def _head(summary: DaySummary) -> Iterator[str]:
    zone = ZoneInfo(summary.zone)
    day = f"{summary.date:%A} {summary.date.day} {summary.date:%B %Y}"
    until = summary.complete_until
    if until is None:
        yield f"{day} ({summary.zone}): nothing is known of this day"
    elif until == summary.end:
        yield f"{day} ({summary.zone})"
    else:
        yield f"{day} ({summary.zone}), known up to {until.astimezone(zone):%H:%M}"
    bands = [
        f"{band.name}{' (simulated)' if band.simulated else ''}"
        + (f", in steps of {band.resolution_minutes} min" if band.resolution_minutes > 1 else "")
        for band in summary.bands
    ]
    if bands:
        yield "from " + "; ".join(bands)


def _strip(summary: DaySummary, style: Style, marks: Marks) -> Iterator[str]:
    zone = ZoneInfo(summary.zone)
    cells = [summary.kinds[at : at + STRIP_CELL] for at in range(0, len(summary.kinds), STRIP_CELL)]
    per_hour = 60 // STRIP_CELL
    length = int((summary.end - summary.start).total_seconds()) // 3600
    ruler = ""
    for hour in range(0, length, 3):
        ruler += f"{(summary.start + hour * HOUR).astimezone(zone):%H}".ljust(3 * per_hour)
    yield "  " + ruler.rstrip()
    yield "  " + "".join(_cell(cell, style, marks) for cell in cells)
    shown = [kind for kind in KINDS if any(cell and _main(cell) is kind for cell in cells)]
    yield "  " + "  ".join(f"{_coloured(marks[kind], kind, style)} {WORDS[kind]}" for kind in shown)


def _main(cell: bytes) -> Kind:
    return max(KINDS, key=lambda kind: cell.count(KINDS.index(kind)))


def _cell(cell: bytes, style: Style, marks: Marks) -> str:
    kind = _main(cell)
    return _coloured(marks[kind], kind, style)


def _coloured(text: str, kind: Kind, style: Style) -> str:
    return f"\x1b[{COLOURS[kind]}m{text}\x1b[0m" if style == "colour" else text


def _totals(summary: DaySummary) -> Iterator[str]:
    minutes = summary.minutes
    awake = minutes[Kind.SITTING] + minutes[Kind.UP] + minutes[Kind.STANDING]
    share = f" ({minutes[Kind.SITTING] * 100 // awake} %)" if awake else ""
    yield f"  sitting (estimated)  {length(minutes[Kind.SITTING]):>8}  of {length(awake)} worn and awake{share}"
    for kind in (Kind.UP, Kind.STANDING, Kind.ASLEEP, Kind.NOT_WORN, Kind.UNKNOWN):
        if minutes[kind] or kind is Kind.UP:
            steps = f"  {summary.steps:,} steps" if kind is Kind.UP else ""
            yield f"  {WORDS[kind]:<19}  {length(minutes[kind]):>8}{steps}"
    if minutes[Kind.SITTING] >= TWELVE_HOURS:
        yield f"  That is over 12 hours of sitting, in {length(awake)} that are known."


def _details(summary: DaySummary) -> Iterator[str]:
    zone = ZoneInfo(summary.zone)
    yield ""
    usual = f", usual {summary.usual_stretch_minutes} min" if summary.usual_stretch_minutes else ""
    yield (
        f"  stretches  {summary.over_30} of 30 min or more, {summary.over_limit} of {summary.limit_minutes} or more"
        f"{usual}; breaks {summary.breaks}"
    )
    if summary.stretches:
        yield "  (a stretch is the time since the last real movement, small moves included)"
    longest = sorted(summary.stretches, key=lambda piece: -piece.minutes)[:LISTED_STRETCHES]
    for piece in longest:
        yield f"    {_piece_line(piece, zone)}"
    if summary.prompts:
        yield ""
        yield "  prompts"
        for shown in summary.prompts:
            yield f"    {_prompt_line(shown, zone)}"
    if summary.exercises:
        yield ""
        yield "  exercises"
        for done in summary.exercises:
            yield f"    {done.at.astimezone(zone):%H:%M}  {done.name}{' (it hurt)' if done.hurt else ''}"
    yield ""
    yield f"  {advice(summary)}"


def _piece_line(piece: Piece, zone: ZoneInfo) -> str:
    return (
        f"{piece.minutes:>4} min  {piece.start.astimezone(zone):%H:%M}-{piece.end.astimezone(zone):%H:%M}"
        f"{'' if piece.whole and piece.ended_by is None else ENDINGS[piece.ended_by]}"
        f"{', doubtful: perhaps not worn' if piece.doubtful else ''}"
        f"{f', {piece.whole.minutes} min in all' if piece.whole else ''}"
    )


def _prompt_line(shown: PromptOutcome, zone: ZoneInfo) -> str:
    prompt = shown.prompt
    where = ", ".join(prompt.where) or "nowhere"
    came = [prompt.answer.value if prompt.answer else "no answer yet"]
    if shown.moved_within_minutes is not None:
        moved = f"moved after {shown.moved_within_minutes} min"
        came = [moved] if prompt.answer is Answer.MOVED else [*came, moved]
    said = occasion_words(prompt) + ", ".join(came)
    return f"{prompt.at.astimezone(zone):%H:%M}  {prompt.exercise:<20}  {where:<18}  {said}"


def occasion_words(prompt: Prompt) -> str:
    """What goes before the answer where prompts are listed; nothing for the usual ones."""
    return {Occasion.SITTING: "", Occasion.MORNING: "morning: ", Occasion.AFTER_CYCLING: "ride: "}[prompt.occasion]


def advice(summary: DaySummary) -> str:
    """One sentence on what to do next."""
    zone = ZoneInfo(summary.zone)
    running = summary.stretches[-1] if summary.stretches and summary.stretches[-1].ended_by is None else None
    if summary.until < summary.end and running is not None:
        whole = running.whole.minutes if running.whole else running.minutes
        since = (running.whole or running).start.astimezone(zone)
        if whole >= summary.limit_minutes:
            return f"Sitting since {since:%H:%M}: get up now and extend your hips."
        return f"Sitting since {since:%H:%M}: get up within {summary.limit_minutes - whole} min and extend your hips."
    if summary.complete_until is None:
        return "`hipsync sync` fetches data from a band, `hipsync import csv` from a file."
    if summary.over_limit:
        return (
            f"{summary.over_limit} stretch{'es' if summary.over_limit > 1 else ''} reached "
            f"{summary.limit_minutes} min: get up before that and extend your hips."
        )
    return f"No stretch reached {summary.limit_minutes} min. Keep it so: hips like to be extended often."


def length(minutes: int) -> str:
    """Minutes as people say them: `9 h 05`."""
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min"
