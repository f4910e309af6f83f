"""The part of the page with what was learned of reminders: the numbers of `hipsync why`."""

from __future__ import annotations

from html import escape

from hipsync.core.followed import Learned
from hipsync.report.page.parts import folded_table, section
from hipsync.report.terminal_learned import WEEKS, hour_lines, rule_lines, week_lines


def learned_section(known: Learned, *, adapts: bool) -> str:
    """What was learned, as a section of the page; empty if nothing was. `adapts` is the setting `prompts.adapt`."""
    if not known.hours:
        return ""
    lines = "".join(f"<p>{escape(line)}</p>" for line in week_lines(known, adapts=adapts))
    rules = "".join(f"<p>{escape(line)}</p>" for line in rule_lines())
    how = f'<details id="learned-how"><summary>How this is calculated</summary>{rules}</details>'
    rows = [[escape(cell) for cell in each] for each in hour_lines(known, adapts=adapts)]
    caption = f"Reminders by hour of the week, in the last {WEEKS} weeks"
    table = folded_table("learned-table", caption, ("hour", "followed", "estimate", "what follows"), rows)
    return section("learned", "Learned from your reminders", lines + table + how)
