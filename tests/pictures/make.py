"""The text of each picture. Nothing is random in them, and no clock is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from html import escape
from zoneinfo import ZoneInfo

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.core.figures import FIGURES
from hipsync.core.summary import DaySummary
from hipsync.history.summaries import summarise
from hipsync.model import MINUTE, Answer, Prompt, Where
from hipsync.office_day import office_day
from hipsync.report.figure_svg import moving, still
from hipsync.report.page.document import asset
from hipsync.report.pen import Pen
from hipsync.report.terminal_day import day_text
from hipsync.store import Store

DAY, ZONE = date(2026, 11, 20), "Europe/London"
ADVANCE, LEADING, MARGIN = 8.43, 18, 14
"""How wide a character and how high a line of the picture of a terminal is, and the room around them, in SVG units."""
COLOURS = {"136": "#c79a2e", "161": "#ff5f8a", "32": "#4aa3e8"}
"""The terminal's 256 colours that the program uses, on the picture's dark ground."""
SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m")


def pictures() -> Mapping[str, str]:
    """Each picture by the name of its file."""
    return {
        "today.svg": terminal(day_text(a_day(), Pen(256, columns=80)).splitlines(), "hipsync today"),
        "hip-extension.svg": standing_alone(moving(FIGURES["hip-extension"])),
        "hip-extension-still.svg": standing_alone(still(FIGURES["hip-extension"])),
    }


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
    width = 80 * ADVANCE + 2 * MARGIN
    height = (len(lines) + 1) * LEADING + 2 * MARGIN
    drawn = "".join(_line(line, MARGIN + (number + 1.7) * LEADING) for number, line in enumerate(lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">'
        f"<title>{escape(title)}</title>"
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#16191d"/>'
        f'<text x="{MARGIN}" y="{MARGIN + 8}" fill="#7c8492">$ {escape(title)}</text>{drawn}</svg>\n'
    )


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
