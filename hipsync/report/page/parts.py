"""The building blocks of the page: tables, and charts with words for those who cannot see them."""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from hipsync.core.summary import DaySummary

LEFT, WIDTH, ROW = 86, 960, 30
"""The x at which the rows of a chart begin, the width of a chart, and the height of a row, in SVG units."""


def svg(name: str, title: str, desc: str, height: float, content: str) -> str:
    """A chart with its title and its description, which screen readers read; `content` is SVG, and `name` is unique."""
    return (
        f'<div class="chart"><svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(desc)}</desc>{content}</svg></div>'
    )


def html_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as HTML; the cells of `rows` are HTML already, and the first of each row is its heading."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">{"".join(_lines(caption, heads, rows))}</div>'


def folded_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that is folded away until somebody opens it; the arguments are those of `html_table`."""
    return f"<details><summary>{escape(caption)}, as a table</summary>{html_table(caption, heads, rows)}</details>"


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


def many(count: int, one: str, more: str) -> str:
    """A number with its noun: `1 prompt`, `1,200 prompts`."""
    return f"{count:,} {one if count == 1 else more}"


def percent(part: int, whole: int) -> str:
    """A share in whole percent, rounded down; `unknown` if the whole is 0."""
    return f"{part * 100 // whole} %" if whole else "unknown"
