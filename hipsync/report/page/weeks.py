"""The part of the page of a month with how the weeks went: the numbers of `hipsync trial`."""

from __future__ import annotations

from html import escape

from hipsync.core.weeks import Weeks
from hipsync.report.page.parts import folded_table, html_table, section
from hipsync.report.terminal_weeks import HEADS, half_lines, head_line, rule_lines, week_rows


def weeks_section(found: Weeks | None) -> str:
    """How the weeks went, as a section of the page; empty if no week is known."""
    if found is None:
        return ""
    parts = [f"<p>{escape(head_line(found))}</p>"]
    if halves := [[escape(cell) for cell in each] for each in half_lines(found)]:
        table = html_table(
            "Earlier weeks and later ones", ("", "first, then last", "difference", "what it says"), halves
        )
        parts.append(f'<div class="words">{table}</div>')
    weeks = [[escape(cell) for cell in each] for each in week_rows(found)]
    parts += [f"<p>{escape(line)}</p>" for line in rule_lines(found)]
    table = folded_table("weeks-table", "Every week with data", HEADS, weeks)
    return section("weeks", "Over the weeks", "".join(parts) + table)
