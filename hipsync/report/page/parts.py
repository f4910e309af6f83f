"""What the page is put together from: charts, each with words for who does not see it, and tables."""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from hipsync.core.summary import DaySummary

LEFT, WIDTH, ROW = 86, 960, 30
"""Of a chart: where its rows begin, its width, and the height of a row, in SVG's units."""


def svg(name: str, title: str, desc: str, height: float, content: str) -> str:
    return (
        f'<div class="chart"><svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(desc)}</desc>{content}</svg></div>'
    )


def table_of(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">{"".join(_lines(caption, heads, rows))}</div>'


def details_of(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f"<details><summary>{escape(caption)}, as a table</summary>{table_of(caption, heads, rows)}</details>"


def _lines(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"<table><caption>{escape(caption)}</caption><thead><tr>"
    yield from (f'<th scope="col">{escape(head)}</th>' if head else "<td></td>" for head in heads)
    yield "</tr></thead><tbody>"
    for first, *rest in rows:
        yield f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
    yield "</tbody></table>"


def day_name(day: DaySummary) -> str:
    return f"{day.date:%a} {day.date.day} {day.date:%b}"


def many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def percent(part: int, whole: int) -> str:
    return f"{part * 100 // whole} %" if whole else "unknown"
