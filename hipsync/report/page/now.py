"""What is now, above the page of today: the clock of the running spell, and the reminder that waits for an answer.

Its buttons are forms, so that they work without a script.
"""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from hipsync.core.exercises import Move
from hipsync.core.own_figures import figure_of
from hipsync.report.figure_svg import moving, still
from hipsync.text import length

METER = 300


class Reminded(NamedTuple):
    """A reminder that waits for an answer."""

    move: Move
    snooze_minutes: int
    for_sitting: bool
    """Whether it says that its reader sat, so that they may answer that they stood."""


class NowShown(NamedTuple):
    """What the top of the page of today shows."""

    said: Sequence[str]
    """What `hipsync status` says."""
    minutes: int | None
    """How long the running spell is; None if none runs."""
    limit_minutes: int
    since: str
    """The local time at which the running spell began; empty if none runs."""
    reminder: Reminded | None
    is_paused: bool


def now_section(now: NowShown, key: str) -> str:
    """The top of the page of today as HTML; `key` is what its forms send."""
    parts = [_clock(now, key), *([_reminder(now.reminder, key)] if now.reminder else [])]
    alone = "" if now.reminder else " alone"
    return f'<section class="now{alone}" id="now" data-live="yes" aria-label="Now">{"".join(parts)}</section>'


def _clock(now: NowShown, key: str) -> str:
    pause = _form("resume", "Resume reminders", key) if now.is_paused else _form("pause", "Pause for an hour", key)
    buttons = f'<div class="buttons">{pause}</div>'
    if now.minutes is None:
        first, *more = now.said
        rest = "".join(f"<p>{escape(line)}</p>" for line in more)
        return f'<div><p class="clock words">{escape(first)}</p>{rest}{buttons}</div>'
    over = " over" if now.minutes >= now.limit_minutes else ""
    # the first sentence is the clock itself
    said = " ".join(now.said[:1]).split(". ", 1)[1:] if now.reminder is None else []
    rest = "".join(f"<p>{escape(line)}</p>" for line in said)
    return (
        f'<div><div class="clock{over}" role="timer">{length(now.minutes)}</div>'
        f"<strong>sitting, since {escape(now.since)}</strong>{_meter(now.minutes, now.limit_minutes)}{rest}{buttons}</div>"
    )


def _meter(minutes: int, limit: int) -> str:
    """A bar from 0 to the limit, or to where the spell is beyond it."""
    whole = max(minutes, limit)
    within, beyond = min(minutes, limit) * METER / whole, max(minutes - limit, 0) * METER / whole
    drawn = f'<rect class="track" width="{METER}" height="14" rx="3"/><rect class="sitting" width="{within:.1f}" height="14" rx="3"/>'
    if beyond:
        drawn += f'<rect class="past" x="{within + 2:.1f}" width="{max(beyond - 2, 1):.1f}" height="14" rx="3"/>'
    end = f"<span>{minutes}</span>" if beyond else ""
    return (
        f'<svg class="meter" viewBox="0 0 {METER} 14" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
        f'<div class="soft scale" aria-hidden="true"><span>0</span><span>limit {limit} min</span>{end}</div>'
    )


def _reminder(reminder: Reminded, key: str) -> str:
    move = reminder.move
    figure = figure_of(move)
    picture = f'<span class="both">{moving(figure)}{still(figure)}</span>' if figure else "<span></span>"
    name = f"{move.title[:1].lower()}{move.title[1:]}"
    buttons = [
        f'<a class="button first" id="show-me" href="../exercises/{escape(move.name)}">Show me</a>',
        _form("done", "Done", key),
        _form("snooze", f"Snooze {length(reminder.snooze_minutes)}", key),
        _form("skip", "Skip", key),
    ]
    if reminder.for_sitting:
        buttons.append(_form("standing", "I was standing", key, kind="link"))
    return (
        f'<div class="reminder">{picture}<div><h2>Time to get up: {escape(name)}</h2>'
        f'<p>{escape(" ".join(move.steps[:3]))}</p></div><div class="buttons">{"".join(buttons)}</div></div>'
    )


def _form(what: str, label: str, key: str, kind: str = "") -> str:
    shape = f' class="{kind}"' if kind else ""
    return (
        f'<form method="post" action="../do/{what}"><input type="hidden" name="key" value="{escape(key)}">'
        f'<button id="do-{what}"{shape}>{escape(label)}</button></form>'
    )
