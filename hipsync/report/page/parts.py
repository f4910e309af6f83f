"""The building blocks of the pages: sections, tables, and charts with words for those who cannot see them."""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from hipsync.core.ribbon import Shade
from hipsync.core.summary import DaySummary

HEIGHTS: dict[Shade, float] = {
    Shade.SITTING: 0.62,
    Shade.PAST: 1.0,
    Shade.UP: 0.2,
    Shade.STANDING: 0.34,
    Shade.ASLEEP: 0.08,
    Shade.NOT_WORN: 0.14,
    Shade.NO_DATA: 0.0,
}
"""Share of a row's height that each shade fills: the stiller, the higher, so that nothing depends on colours."""
CLASSES = {shade: shade.name.lower().replace("_", "-") for shade in Shade}
"""The class of each shade in the style sheet."""


def section(name: str, heading: str, content: str) -> str:
    """A part of a page under a heading, which the script renews by itself; `content` is HTML, and `name` is unique."""
    return f'<section id="{name}" data-live="yes"><h2>{heading}</h2>{content}</section>'


def side_by_side(*sections: str) -> str:
    """Sections beside each other where there is room; those that are empty are left out."""
    return f'<div class="two">{"".join(filter(None, sections))}</div>' if any(sections) else ""


def chart(name: str, described: str, pictures: str) -> str:
    """A chart that can be gone through by arrow keys. `pictures` are SVG, of which the page shows one; see `svg`."""
    return f'<div class="chart" id="{name}-chart" tabindex="0" role="group" aria-label="{escape(described, quote=True)}">{pictures}</div>'


def svg(kind: str, width: float, height: float, described: str, content: str) -> str:
    """A picture of a chart; `content` is SVG, and `kind` its classes, such as `wide` or `narrow`."""
    return f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(described, quote=True)}">{content}</svg>'


def bar(kind: str, x: float, width: float, bottom: float, height: float, told: str = "") -> str:
    """A bar that stands on `bottom`; `told` is what it means, in words."""
    words = f' data-t="{escape(told, quote=True)}"' if told else ""
    return f'<rect class="{kind}"{words} x="{x:.1f}" y="{bottom - height:.1f}" width="{max(width, 1):.1f}" height="{max(height, 1):.1f}" rx="1.5"/>'


def key(shade: Shade, words: str) -> str:
    """An entry of a legend."""
    height = max(HEIGHTS[shade] * 14, 2)
    return f'<li><svg viewBox="0 0 18 14" aria-hidden="true">{bar(CLASSES[shade], 1, 16, 14, height)}</svg>{words}</li>'


def html_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as HTML; the cells of `rows` are HTML already, and the first of each row is its heading."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption, quote=True)}">{"".join(_lines(caption, heads, rows))}</div>'


def folded_table(name: str, summary: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that is folded away until somebody opens it; the arguments are those of `html_table`, `name` is unique."""
    return f'<details id="{name}"><summary>{escape(summary)}</summary>{html_table(summary, heads, rows)}</details>'


def _lines(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"<table><caption>{escape(caption)}</caption><thead><tr>"
    yield from (f'<th scope="col">{escape(head)}</th>' if head else "<td></td>" for head in heads)
    yield "</tr></thead><tbody>"
    for first, *rest in rows:
        yield f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
    yield "</tbody></table>"


def day_name(day: DaySummary) -> str:
    """A short name of a day: `Mon 23 Mar`."""
    return f"{day.date:%a} {day.date.day} {day.date:%b}"


def percent(part: int, whole: int) -> str:
    """A share in whole percent, rounded down; `-` if the whole is 0."""
    return f"{part * 100 // whole} %" if whole else "-"
