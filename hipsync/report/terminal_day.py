"""A day as text for a terminal: a strip of marks, totals, stretches, prompts, and one line on what to do next.

It counts nothing itself: all numbers come from `DaySummary`. Weeks and months are in `terminal_period.py`, which uses
the strips, words and totals of this module. `day_facts` gives the same as plain lines, for whoever listens to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from hipsync.core.period import awake_minutes
from hipsync.core.summary import KINDS, BandOfDay, DaySummary, Minutes, Piece, PromptOutcome
from hipsync.core.timeline import COARSE_MINUTES
from hipsync.model import Answer, EndedBy, Kind, Occasion, Prompt
from hipsync.text import length

LONG_DAY_MINUTES = 12 * 60
"""A day with at least this much sitting gets a remark, always beside the hours worn and awake (docs/rule.md)."""

HOUR = timedelta(hours=1)
STRIP_CELL_MINUTES = (10, 15, 20)
"""How many minutes a character of a strip may stand for; the smallest number that fits the terminal is used. With 20, a
day of 25 hours fits 80 columns with its margin."""
MARGIN = "  "
NARROWEST_COLUMNS = 80
"""Output is never made for fewer columns than this."""

Marks = Mapping[Kind, str]
"""The character that stands for each kind of minute in a strip."""
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
"""Each kind of minute in words."""
COLOURS: Mapping[Kind, str] = {
    Kind.SITTING: "33",
    Kind.UP: "32",
    Kind.STANDING: "36",
    Kind.ASLEEP: "34",
    Kind.NOT_WORN: "90",
    Kind.UNKNOWN: "90",
}
"""The number of an ANSI colour for each kind of minute."""
ENDINGS: Mapping[EndedBy | None, str] = {
    EndedBy.MOVING: "",
    EndedBy.STANDING: ", then stood",
    EndedBy.ASLEEP: ", then slept",
    EndedBy.NOT_WORN: ", then not worn",
    EndedBy.UNKNOWN: ", then no data",
    None: ", goes on",
}
"""The words after a stretch that say what ended it; the key None is for one that goes on."""
LISTED_STRETCHES = 5
"""How many of the longest stretches are listed."""
UNWORN = "No minute is known to be worn and awake, so of sitting nothing can be said."

Style = Literal["plain", "colour"]
"""Whether output has escape sequences for colours."""


def day_text(
    summary: DaySummary, *, style: Style = "plain", marks: Marks = UNICODE_MARKS, columns: int = NARROWEST_COLUMNS
) -> str:
    """The text of a day for a terminal with at least 80 `columns`; it ends with a line feed."""
    if summary.complete_until is None:
        return "\n".join([*_head(summary), "", f"  {advice(summary)}"]) + "\n"
    lines = [*_head(summary), "", *_strip(summary, style, marks, columns), ""]
    lines += [*totals(summary.minutes, summary.steps), *_long_day(summary.minutes), *_details(summary)]
    return "\n".join(lines) + "\n"


def day_facts(summary: DaySummary) -> Iterator[str]:
    """The day in words, one fact per line, for whoever listens to the text or searches in it."""
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
    if summary.bands:
        yield bands_line(summary.bands)


def bands_line(bands: Sequence[BandOfDay]) -> str:
    """A line that names the bands from which something is known, with their resolution if it is coarse."""
    return "from " + "; ".join(
        f"{band.name}{' (simulated)' if band.simulated else ''}{_coarse(band.resolution_minutes)}" for band in bands
    )


def _coarse(resolution_minutes: int) -> str:
    if resolution_minutes <= 1:
        return ""
    coarse = f", in steps of {resolution_minutes} min"
    return f"{coarse}: too coarse to tell sitting, steps alone count" if resolution_minutes > COARSE_MINUTES else coarse


def _strip(summary: DaySummary, style: Style, marks: Marks, columns: int) -> Iterator[str]:
    room = (columns - len(MARGIN)) * 3600
    length_s = (summary.end - summary.start).total_seconds()
    cell = next((cell for cell in STRIP_CELL_MINUTES if length_s * 60 / cell <= room), STRIP_CELL_MINUTES[-1])
    cells = _cells(summary.kinds, cell)
    yield MARGIN + ruler(summary, cell)
    yield MARGIN + strip(cells, style, marks)
    yield MARGIN + legend(cells, style, marks)


def ruler(day: DaySummary, cell_minutes: int) -> str:
    """The line above a strip of this day, with every third hour in local time."""
    zone = ZoneInfo(day.zone)
    hours = range(0, int((day.end - day.start).total_seconds()) // 3600, 3)
    return marked(((day.start + hour * HOUR).astimezone(zone).strftime("%H:%M") for hour in hours), cell_minutes)


def marked(times: Iterable[str], cell_minutes: int) -> str:
    """A line with a mark for each third hour of a strip; `times`, such as 09:00, lose their minutes if these are 0."""
    return "".join(each.removesuffix(":00").ljust(3 * 60 // cell_minutes) for each in times).rstrip()


def strip(cells: Sequence[bytes], style: Style, marks: Marks) -> str:
    """One character for each cell: that of its most frequent kind. A cell without minutes is a space."""
    return "".join(_coloured(marks[_main(cell)], _main(cell), style) if cell else " " for cell in cells)


def legend(cells: Iterable[bytes], style: Style, marks: Marks) -> str:
    """A line that explains the marks in strips that have these cells."""
    shown = {_main(cell) for cell in cells if cell}
    return "  ".join(f"{_coloured(marks[kind], kind, style)} {WORDS[kind]}" for kind in KINDS if kind in shown)


def _cells(kinds: bytes, cell_minutes: int) -> list[bytes]:
    return [kinds[at : at + cell_minutes] for at in range(0, len(kinds), cell_minutes)]


def _main(cell: bytes) -> Kind:
    """The most frequent kind in a cell; of two that are equally frequent, the first in `KINDS`."""
    return max(KINDS, key=lambda kind: cell.count(KINDS.index(kind)))


def _coloured(text: str, kind: Kind, style: Style) -> str:
    return f"\x1b[{COLOURS[kind]}m{text}\x1b[0m" if style == "colour" else text


def totals(minutes: Minutes, steps: int) -> Iterator[str]:
    """Lines with the minutes of each kind and the steps; sitting is shown beside the time worn and awake."""
    awake = awake_minutes(minutes)
    share = f" ({minutes[Kind.SITTING] * 100 // awake} %)" if awake else ""
    yield f"  sitting (estimated)  {length(minutes[Kind.SITTING]):>8}  of {length(awake)} worn and awake{share}"
    for kind in (Kind.UP, Kind.STANDING, Kind.ASLEEP, Kind.NOT_WORN, Kind.UNKNOWN):
        if minutes[kind] or kind is Kind.UP:
            walked = f"  {steps:,} steps" if kind is Kind.UP else ""
            yield f"  {WORDS[kind]:<19}  {length(minutes[kind]):>8}{walked}"


def _long_day(minutes: Minutes) -> Iterator[str]:
    if minutes[Kind.SITTING] >= LONG_DAY_MINUTES:
        yield f"  That is over 12 hours of sitting, in {length(awake_minutes(minutes))} that are known."


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
    answers = occasion_words(prompt) + ", ".join(came)
    return f"{prompt.at.astimezone(zone):%H:%M}  {prompt.exercise:<20}  {where:<18}  {answers}"


def occasion_words(prompt: Prompt) -> str:
    """The words before the answer to a listed prompt, which say what the prompt was for; empty for sitting."""
    words = {Occasion.MORNING: "morning: ", Occasion.AFTER_RIDE: "ride: ", Occasion.WARM_UP: "warm-up: "}
    return words.get(prompt.occasion, "")


def advice(summary: DaySummary) -> str:
    """One sentence for the person on what to do next, by what the day shows."""
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
    if not awake_minutes(summary.minutes):
        return UNWORN
    if summary.over_limit:
        return (
            f"{summary.over_limit} stretch{'es' if summary.over_limit > 1 else ''} reached "
            f"{summary.limit_minutes} min: get up before that and extend your hips."
        )
    return f"No stretch reached {summary.limit_minutes} min. Keep it so: hips like to be extended often."
