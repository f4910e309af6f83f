"""A day as text for a terminal: the answer first, then the ribbon, the longest spells, the reminders, one next step.

It counts nothing itself: all numbers come from `DaySummary`, all sentences from `day_words`. `day_facts` gives the same
as plain lines, for whoever listens to them or searches in them; `hours_text` draws each hour as a row of minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest

from hipsync.core.goals import Goals
from hipsync.core.period import awake_minutes
from hipsync.core.ribbon import Shade, ribbon
from hipsync.core.summary import KINDS, DaySummary, Piece, PromptOutcome
from hipsync.model import Kind
from hipsync.report import day_words as words
from hipsync.report.by_clock import clock, places, row_begins
from hipsync.report.day_ribbon import CELL_MINUTES, CELLS_PER_HOUR, day_ribbon
from hipsync.report.exercise_words import short_exercise_name
from hipsync.report.pen import GLYPHS, Pen, folded, padded, sentences, spread, wide, wrapped
from hipsync.text import counted, length

PEN, GOALS = Pen(), Goals()
HOUR_MINUTES = 60
HOURS_CELLS, HOURS_AROUND = (1, 2, 3), 15
"""How many minutes a column of `hours_text` may stand for, and the columns before and after its hour."""
MARGIN = "   "
WIDEST_ROW_HOURS = ((148, 12), (76, 6), (40, 3))
"""How many hours a row of the ribbon has in a terminal of at least so many columns; in a narrower one there is none."""
LEFT_COLUMNS = 32
"""The width of the list of spells, beside which the reminders stand."""
LONGEST_BAR = 12
"""A goal of more breaks than this is shown in digits alone."""
LISTED, LISTED_IN_LONG_DAY = 4, 3
"""How many spells and reminders are listed, and how many below a ribbon of three rows."""
LONG_RIBBON_MINUTES = 12 * 60
SHADE_WORDS = {
    Shade.SITTING: "sitting (estimated)",
    Shade.UP: "up",
    Shade.STANDING: "standing",
    Shade.ASLEEP: "asleep",
    Shade.NOT_WORN: "not worn",
    Shade.NO_DATA: "no data",
}
"""Each shade in words but the one past the limit, whose words name the limit."""
KIND_WORDS = dict(zip(KINDS, SHADE_WORDS.values(), strict=True))
"""Each kind of minute in words."""
HINT = (
    "`hipsync sync` fetches what a band remembers; one without a memory is seen only while hipsync runs. "
    "`hipsync import` reads a file."
)
NEXT_STEP = "  shows you how.   Or: hipsync done | snooze | skip"


def day_text(
    day: DaySummary,
    pen: Pen = PEN,
    *,
    goals: Goals = GOALS,
    zone: str | None = None,
    note: str = "",
    hint: str = HINT,
) -> str:
    """The text of a day; it ends with a line feed.

    `zone` is where the reader is: another one is named. `note` is a sentence above all that is said of the day, and
    `hint` what somebody can do who has no data.
    """
    lines: list[str | None] = [*_head(day, pen, zone), None]
    if note:
        lines += [*indented(note, pen), None]
    lines += indented(words.headline(day), pen, bold=True)
    if day.complete_until is None:
        lines += [line for band in day.bands for line in indented(words.slots(band, day.steps), pen)]
        return "\n".join(_fitted([*lines, None, *indented(hint, pen)], pen)) + "\n"
    lines += [line for text in _in_numbers(day, pen) for line in indented(text, pen)]
    lines += [None, *ribbon_lines(day, pen), None, *_lists(day, pen), None, *goal_lines(day, pen, goals)]
    if words.open_prompt(day) is not None:
        lines += [None, f"{MARGIN}{pen.bold('hipsync exercise')}{NEXT_STEP}"]
    return "\n".join(_fitted(lines, pen)) + "\n"


def _fitted(lines: Sequence[str | None], pen: Pen) -> Iterator[str]:
    """The lines with an empty one for each None, but without the last of these where a terminal has too few lines.

    The first line, which answers what was asked, stays on the screen so.
    """
    most = len(lines) if pen.lines is None else pen.lines - 2  # the prompt of the shell stands below
    kept = max(lines.count(None) - max(len(lines) - most, 0), 0)
    for line in lines:
        if line is not None:
            yield line
        elif kept:
            kept -= 1
            yield ""


def indented(text: str, pen: Pen, *, bold: bool = False) -> list[str]:
    """A text as lines behind the margin, as wide as the terminal allows."""
    lines = sentences(text, pen.columns - len(MARGIN))
    return [MARGIN + (pen.bold(line) if bold else line) for line in lines]


def below(lines: Iterable[str], pen: Pen, indent: int = 0) -> Iterator[str]:
    """Lines behind the margin, each on as many as it needs, the later ones behind `indent` more spaces."""
    for line in lines:
        yield from folded(f"{MARGIN}{line}", pen.columns, len(MARGIN) + min(indent, pen.columns // 3))


def _head(day: DaySummary, pen: Pen, zone: str | None) -> list[str]:
    there = f" ({day.zone})" if zone is not None and day.zone != zone else ""
    return spread(pen.bold(words.title(day)) + there, words.source(day), pen.columns)


def _in_numbers(day: DaySummary, pen: Pen) -> Iterator[str]:
    totals, long_day = words.totals(day), words.long_day(day)
    both = f"{totals}. {long_day}" if long_day else totals
    yield from [both] if wide(both) <= pen.columns - len(MARGIN) else filter(None, (totals, long_day))
    yield from filter(None, (words.slots(band, day.steps) for band in day.bands))


# ------------------------------------------------------------------ the ribbon


def ribbon_lines(day: DaySummary, pen: Pen, *, legend: bool = True) -> Iterator[str]:
    """The ribbon of a day in as many rows as the terminal needs, with its legend; nothing in a very narrow one."""
    hours = next((hours for columns, hours in WIDEST_ROW_HOURS if pen.columns >= columns), 0)
    if not hours:
        return
    found = day_ribbon(day, hours)
    marks = {number: _mark(outcome, pen) for number, outcome in found.reminders.items()}
    for row in found.rows:
        if row.words:
            yield MARGIN + row.words
            continue
        cells = range(row.first, row.last)
        yield MARGIN + pen.faint(_ruler(clock(found.begins, at * CELL_MINUTES) for at in cells[::CELLS_PER_HOUR]))
        yield MARGIN + pen.cells(found.drawn[row.first : row.last])
        if below := "".join(marks.get(number, " ") for number in cells).rstrip():
            yield MARGIN + below
    if legend:
        yield from ("", *_legend(day, found.drawn, marks, pen))


def _mark(outcome: PromptOutcome, pen: Pen) -> str:
    return pen.sign("▲" if words.got_up(outcome) else "△")


def _ruler(times: Iterable[str]) -> str:
    """A line with a mark for each hour; 09:00 loses its minutes."""
    return "".join(each.removesuffix(":00").ljust(CELLS_PER_HOUR) for each in times).rstrip()


def _legend(day: DaySummary, drawn: Iterable[Shade | None], marks: Mapping[int, str], pen: Pen) -> Iterator[str]:
    """What the shades and marks mean that occur."""
    known = {"▲": "reminder that got you up", "△": "reminder"}
    signs = [f"{pen.sign(each)} {known[each]}" for each in known if pen.sign(each) in marks.values()]
    scale = f"{CELL_MINUTES} min a column, breaks always show"
    yield from shade_legend(day.limit_minutes, drawn, scale, pen, signs)


def shade_legend(
    limit_minutes: int, drawn: Iterable[Shade | None], scale: str, pen: Pen, signs: Sequence[str] = ()
) -> Iterator[str]:
    """What the shades mean that occur, then some signs and how long a cell is."""
    seen = {*drawn}
    named = {**SHADE_WORDS, Shade.PAST: f"past {limit_minutes} min"}
    parts = [f"{pen.shaded(shade, pen.glyph(shade) * 2)} {named[shade]}" for shade in GLYPHS if shade in seen]
    room = pen.columns - len(MARGIN)
    yield from (MARGIN + line for line in (*wrapped(parts, room), *wrapped([*signs, pen.faint(scale)], room)))


# ------------------------------------------------------------------ the lists


def _lists(day: DaySummary, pen: Pen) -> Iterator[str]:
    """The longest spells, and the reminders beside them, or below them where the terminal is narrow."""
    most = LISTED_IN_LONG_DAY if len(day.kinds) > LONG_RIBBON_MINUTES and pen.lines is not None else LISTED
    spells = [f"  {_spell(day, piece, pen)}" for piece in words.longest(day, most)]
    shown = list(_reminders(day, pen, most))
    left = ["Longest sitting spells", *spells] if spells else []
    right = ["Reminders", *(f"  {line}" for line in shown)] if shown else []
    if pen.columns < WIDEST_ROW_HOURS[1][0] or not left:
        yield from (MARGIN + line for line in (*left, *right) if wide(MARGIN + line) <= pen.columns)
    else:
        for one, other in zip_longest(left, right, fillvalue=""):
            yield (MARGIN + padded(one, LEFT_COLUMNS) + other).rstrip()
    yield from indented(words.left_out(day), pen)


def _spell(day: DaySummary, piece: Piece, pen: Pen) -> str:
    over = f"  {pen.shaded(Shade.PAST, 'over')}" if words.is_over(day, piece) else ""
    whole = f"  {length(piece.whole.minutes)} in all" if piece.whole else ""
    return f"{length(piece.minutes):<6}  {words.span(day, piece)}{over or whole}"


def _reminders(day: DaySummary, pen: Pen, most: int) -> Iterator[str]:
    """The last reminders, with what came of them."""
    if (more := len(day.prompts) - most) > 0:
        most -= 1
        yield f"{counted(more + 1, 'earlier one')}: hipsync reminders"
    opened = words.open_prompt(day)
    for outcome in day.prompts[-most:]:
        came = words.answer(day, outcome)
        shown = pen.bold(came) if outcome.prompt == opened else came
        yield f"{words.clock(day, outcome.prompt.at)}  {words.what_for(outcome.prompt):<18}  {shown}"


def goal_lines(day: DaySummary, pen: Pen, goals: Goals) -> Iterator[str]:
    """The breaks of a day beside the goal, the spells that were kept short, and the steps."""
    goal, told = goals.breaks, f"{day.breaks}"
    if goal:
        told += f" of {goal}" if day.breaks <= goal else f", goal {goal}"
    bar = f"{pen.bar(day.breaks, goal)}  " if goal and goal <= LONGEST_BAR else ""
    parts = [f"Breaks  {bar}{told}", words.kept(day), f"{day.steps:,} {'step' if day.steps == 1 else 'steps'}"]
    yield from (MARGIN + line for line in wrapped([*filter(None, parts)], pen.columns - len(MARGIN)))


# ------------------------------------------------------------------ other forms


def hours_text(day: DaySummary, pen: Pen = PEN, *, zone: str | None = None, hint: str = HINT) -> str:
    """A day with a row for each hour and a column for each minute, or for a few where the terminal is narrow.

    It ends with a line feed.
    """
    begins = row_begins([day])
    cells = places(day, begins, 1)
    drawn = ribbon(day, cells)
    head = [*_head(day, pen, zone), "", *indented(words.headline(day), pen, bold=True), ""]
    rows = [(at, drawn[at : at + HOUR_MINUTES]) for at in range(0, len(drawn), HOUR_MINUTES)]
    known = [bool({*row} - {Shade.ASLEEP, Shade.NO_DATA, None}) for _, row in rows]
    if not any(known):
        return "\n".join([*head, *indented(hint if day.complete_until is None else words.NOTHING_AWAKE, pen)]) + "\n"
    first, last = known.index(True), len(known) - known[::-1].index(True)
    cell = next((each for each in HOURS_CELLS if HOURS_AROUND + HOUR_MINUTES // each <= pen.columns), HOURS_CELLS[-1])
    marks = range(0, HOUR_MINUTES, 10 * cell)
    lines = [f"{MARGIN}    {pen.faint(''.join(f':{at:02}'.ljust(10) for at in marks) + '  sat')}"]
    coarse = drawn if cell == 1 else ribbon(day, places(day, begins, cell))
    for at, row in rows[first:last]:
        sat = sum(shade in {Shade.SITTING, Shade.PAST} for shade in row)
        told = f"{sat:>2} min" if sat else ""
        shown = padded(pen.cells(coarse[at // cell : (at + HOUR_MINUTES) // cell]), HOUR_MINUTES // cell)
        lines.append(f"{MARGIN}{clock(begins, at)[:2]}  {shown}  {told}".rstrip())
    legend = shade_legend(day.limit_minutes, coarse, f"{cell} min a column", pen)
    return "\n".join([*head, *lines, "", *legend]) + "\n"


def day_facts(day: DaySummary, goals: Goals = GOALS) -> Iterator[str]:
    """The day in words, one fact per line, for whoever listens to the text or searches in it."""
    yield f"{words.title(day)}, {day.zone}"
    yield from filter(None, (words.source(day), words.headline(day)))
    if day.complete_until is None:
        yield HINT
        return
    yield from filter(None, (words.slots(band, day.steps) for band in day.bands))
    awake = awake_minutes(day.minutes)
    for kind in KINDS:
        share = f" of {length(awake)} awake" if kind is Kind.SITTING and awake else ""
        yield f"{KIND_WORDS[kind]}: {length(day.minutes[kind])}{share}"
    yield f"spells over {day.limit_minutes} min: {day.over_limit}"
    yield f"spells of 30 min or more: {day.over_30}"
    if day.usual_stretch_minutes is not None:
        yield f"longest spell: {length(day.longest_minutes)}"
        yield f"typical spell: {length(day.usual_stretch_minutes)} (half of your sitting is in spells up to this long)"
    yield f"breaks: {day.breaks}" + (f" (goal: {goals.breaks})" if goals.breaks else "")
    yield f"steps: {day.steps:,}"
    for piece in day.stretches:
        whole = f", {length(piece.whole.minutes)} in all" if piece.whole else ""
        over = ", over" if words.is_over(day, piece) and not piece.doubtful else ""
        doubt = ", the band may have been off" if piece.doubtful else ""
        yield f"spell: {words.span(day, piece)}, {length(piece.minutes)}{whole}{over}{doubt}"
    for outcome in day.prompts:
        prompt = outcome.prompt
        where = ", ".join(prompt.where) or "nowhere"
        name = short_exercise_name(prompt.exercise)
        occasion = f"{words.OCCASIONS[prompt.occasion]}, " if prompt.occasion in words.OCCASIONS else ""
        yield f"reminder: {words.clock(day, prompt.at)}, {occasion}{name}, {words.answer(day, outcome)}, shown: {where}"
    for done in day.exercises:
        name = short_exercise_name(done.name)
        yield f"exercise: {words.clock(day, done.at)}, {name}{', it hurt' if done.hurt else ''}"
