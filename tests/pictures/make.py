"""The text of each picture. Nothing is random in them, and no clock is read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir
from datetime import UTC, date, datetime
from functools import cache
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from zoneinfo import ZoneInfo

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.core.figures import FIGURES
from hipsync.core.summary import DaySummary
from hipsync.demo import demo
from hipsync.history.summaries import summarise
from hipsync.model import MINUTE, Answer, Prompt, Where
from hipsync.office_day import office_day
from hipsync.report.figure_svg import moving, still
from hipsync.report.page.document import asset
from hipsync.report.pen import Pen, folded
from hipsync.report.terminal_day import day_text
from hipsync.store import Store

DEMO = "uv run hipsync demo"
COLUMNS, DAY, ZONE = 80, date(2026, 11, 20), "Europe/London"
ADVANCE, LEADING, MARGIN = 8.43, 18, 14
"""How wide a character and how high a line of the picture of a terminal is, and the room around them, in SVG units."""
COLOURS = {"136": "#c79a2e", "161": "#ff5f8a", "32": "#4aa3e8"}
"""The terminal's 256 colours that the program uses, on the picture's dark ground."""
GROUND = "#16191d"
ROWS = 34
"""How many lines the terminal of a recording has: the command's whole day stays in it."""
TYPED_S, PACE_S, STAYS_S = 1.6, 0.9, 9.0
"""For how long the command is typed, how long an event is alone, and how long the last picture stays."""
SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m")


@cache
def what_the_demo_prints() -> Sequence[str]:
    """The lines of `uv run hipsync --db demo.db demo --date 2026-11-20` on a terminal of 80 columns and 256 colours."""
    lines: list[str] = []
    with TemporaryDirectory() as folder, chdir(folder), patch.dict(os.environ, {"UV": "uv"}):
        demo(
            kind="huami", data=None, speed=None, seed=1, database=Path("demo.db"), today=DAY, zone=ZONE,
            echo=lines.append, pen=Pen(256, columns=COLUMNS),
        )  # fmt: skip
    return [shown for line in "\n".join(lines).splitlines() for shown in folded(line, COLUMNS, 7)]


PICTURES: Mapping[str, Callable[[], str]] = {
    "today.svg": lambda: terminal(day_text(a_day(), Pen(256, columns=COLUMNS)).splitlines(), "hipsync today"),
    "demo.svg": lambda: recording(what_the_demo_prints(), DEMO),
    "demo-still.svg": lambda: recording(what_the_demo_prints(), DEMO, moves=False),
    "hip-extension.svg": lambda: standing_alone(moving(FIGURES["hip-extension"])),
    "hip-extension-still.svg": lambda: standing_alone(still(FIGURES["hip-extension"])),
}
"""Each picture by the name of its file."""


def a_day() -> DaySummary:
    """A made-up office day up to the afternoon, an hour after the last movement but for some minutes."""
    epochs = office_day(DAY, ZoneInfo(ZONE))
    with Store.in_memory() as store:
        whole = datetime(2026, 11, 21, tzinfo=UTC)
        band = store.add_band(name="Mi Smart Band 5", driver="huami", address="C0:01", now=whole, vouches=True)
        store.append(band.id, epochs)
        zones = Zones([], ZONE)
        over = [
            piece
            for piece in summarise(store, Rule(), zones, DAY, whole).stretches
            if piece.due is not None and not piece.doubtful
        ]
        last = next(piece for piece in reversed(over) if piece.start.astimezone(ZoneInfo(ZONE)).hour < 14)
        assert last.due is not None
        now = last.due + 12 * MINUTE
        for piece in over:
            if piece.due is not None and piece.due < now:
                is_open = piece is last
                answer = None if is_open else Answer.MOVED
                at = None if is_open else piece.end
                store.add_prompt(
                    Prompt(
                        piece.due, piece.due, "hip-rotation" if is_open else "hip-extension", sure=True,
                        where=(Where.DESKTOP,), answer=answer, answered_at=at,
                    )
                )  # fmt: skip
        return summarise(store, Rule(), zones, DAY, now)


def terminal(lines: Sequence[str], title: str) -> str:
    """What a terminal shows, as SVG. Each line is as wide as its characters, whatever font the reader has."""
    drawn = "".join(_line(line, _base(number)) for number, line in enumerate(lines, 1))
    return _framed(_command(title) + drawn, len(lines) + 1, title)


def recording(lines: Sequence[str], title: str, *, moves: bool = True) -> str:
    """What a terminal of `ROWS` lines shows while a command prints these, as SVG that begins again at its end.

    Who wants less motion sees its last picture, and so does everybody if it does not move. The lines and their order
    are the program's; the pace is made up.
    """
    times = list(_paced(lines))
    whole = times[-1] + STAYS_S
    appearing = [(at, [row for row, each in enumerate(times, 1) if each == at]) for at in dict.fromkeys(times)]
    typed = len(title) * ADVANCE
    rules = [f"g{{animation:{whole:g}s step-end infinite}}", *_typing(typed, len(title), whole)]
    scrolled, drawn = "0%{transform:none}", ""
    for number, (at, rows) in enumerate(appearing):
        share = f"{at * 100 / whole:.2f}%"
        rules.append(
            f"@keyframes a{number}{{0%{{opacity:0}}{share}{{opacity:1}}}}#a{number}{{animation-name:a{number}}}"
        )
        scrolled += f"{share}{{transform:translateY(-{_above(rows[-1]) * LEADING}px)}}"
        drawn += f'<g id="a{number}">{"".join(_line(lines[row - 1], _base(row)) for row in rows)}</g>'
    rules.append(f"@keyframes up{{{scrolled}}}#up{{animation-name:up}}")
    style = f"<style>@media (prefers-reduced-motion:no-preference){{{''.join(rules)}}}</style>" if moves else ""
    cover = f'<rect id="typed" x="{MARGIN + 2 * ADVANCE:.1f}" y="{MARGIN}" width="{typed:.0f}" height="{LEADING}"'
    inside = f'{_command(title)}{cover} fill="{GROUND}" opacity="0"/>{drawn}'
    clip = f'<clipPath id="in"><rect y="{MARGIN - 2}" width="100%" height="{ROWS * LEADING + 2}"/></clipPath>'
    moved = f'<g id="up" style="transform:translateY(-{_above(len(lines)) * LEADING}px)">{inside}</g>'
    return _framed(f'{style}{clip}<g clip-path="url(#in)">{moved}</g>', ROWS, title)


def _paced(lines: Sequence[str]) -> Iterator[float]:
    """When each line appears, in seconds: one event of the day after another, then all that follows them at once."""
    at_s, was_event = TYPED_S, False
    for line in lines:
        is_event = re.match(r"\d\d:\d\d ", line) is not None
        at_s += PACE_S if is_event or (was_event and not line) else 0
        was_event = is_event or (was_event and line.startswith("       "))
        yield at_s


def _typing(width: float, characters: int, whole: float) -> Iterator[str]:
    """The rules by which the command shows itself character by character, from below a cover that moves away."""
    share = TYPED_S * 100 / whole
    moved = f"transform:translateX({width:.0f}px)"
    yield f"@keyframes typed{{0%{{opacity:1;animation-timing-function:steps({characters})}}"
    yield f"{share:.2f}%{{opacity:1;{moved}}}{share + 0.01:.2f}%,to{{opacity:0;{moved}}}}}"
    yield f"#typed{{animation:typed {whole:g}s infinite}}"


def _above(lines: int) -> int:
    """How many lines have moved out of the terminal when so many are printed below the command."""
    return max(lines + 1 - ROWS, 0)


def _framed(drawn: str, rows: int, title: str) -> str:
    width, height = COLUMNS * ADVANCE + 2 * MARGIN, rows * LEADING + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">'
        f"<title>{escape(title)}</title>"
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="{GROUND}"/>{drawn}</svg>\n'
    )


def _command(title: str) -> str:
    return f'<text x="{MARGIN}" y="{_base(0):.1f}" fill="#7c8492">$ {escape(title)}</text>'


def _base(row: int) -> float:
    """The base line of a row; the command is row 0."""
    return MARGIN + (row + 0.7) * LEADING


def _line(line: str, y: float) -> str:
    return "".join(_run(text, style, at, y) for text, style, at in _runs(line))


def _runs(line: str) -> Iterator[tuple[str, str, int]]:
    """The parts of a line in one style each: the text, the style, and the column at which it begins."""
    at, style, column = 0, "", 0
    for found in [*SEQUENCE.finditer(line), None]:
        text = line[at : found.start() if found else None]
        if text.strip():
            lead = len(text) - len(text.lstrip())
            yield text.strip(), style, column + lead
        column += len(text)
        if found:
            style, at = found[1], found.end()


def _run(text: str, style: str, column: int, y: float) -> str:
    colour = COLOURS.get(style.rpartition(";")[2], "#a9b0ba" if style == "2" else "#e8eaed")
    weight = ' font-weight="700"' if style == "1" else ""
    x, long = MARGIN + column * ADVANCE, len(text) * ADVANCE
    place = f'x="{x:.1f}" y="{y:.1f}" textLength="{long:.1f}" lengthAdjust="spacingAndGlyphs"'
    return f'<text {place} fill="{colour}"{weight} xml:space="preserve">{escape(text)}</text>'


def standing_alone(figure: str) -> str:
    """A figure of the page as a file of its own, with the colours of the page for light and for dark."""
    css = asset("page.css")
    palettes = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", each)) for each in palettes[:2])
    rules = re.findall(r"(\.figure[^{]*)\{([^}]*)\}", css)
    own = [f"{selector.strip()} {{{body}}}" for selector, body in rules if re.search(r"(?:fill|stroke)\b", body)]

    def coloured(palette: Mapping[str, str]) -> str:
        return re.sub(r"var\(--([\w-]+)\)", lambda found: palette[found[1]], " ".join(own))

    style = f"<style>{coloured(light)} @media (prefers-color-scheme: dark) {{ {coloured(dark)} }}</style>"
    head, rest = figure.split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg">{style}{rest}\n'
