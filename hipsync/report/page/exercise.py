"""The page of exercises: each is guided through by one clock, for figure, cue, bar and sound (`exercise.js`).

Without a script, and on paper, it shows a still picture and the steps of each exercise. What the script goes by stands in
the page as JSON: the phases, repetitions and rounds of `hipsync.core.routine`.
"""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from hipsync.core.exercises import SAFETY, Move
from hipsync.core.own_figures import figure_of
from hipsync.core.routine import OWN_PACE, Routine, routine_of
from hipsync.report.figure_svg import moving, still
from hipsync.report.page.document import Served, document


def exercises_html(moves: Sequence[Move], *, served: Served | None = None) -> str:
    """The whole page as HTML, from its DOCTYPE on, with these exercises, the first of them in view.

    With `served`, an exercise that is done is told to the server. `moves` must not be empty.
    """
    picks = "".join(_pick(move) for move in moves)
    others = f'<h2>Exercises</h2><nav class="pick" aria-label="Exercises">{picks}</nav>' if len(moves) > 1 else ""
    body = (
        f'<h1 class="hidden" tabindex="-1">Exercises</h1>{"".join(map(_exercise, moves))}'
        f'<p class="soft">{SAFETY}</p>{others}'
    )
    return document(
        f"{moves[0].title} - hipsync",
        body,
        view="exercises",
        name=f"exercises {moves[0].name}",
        scripts=("exercise.js",),
        served=served,
    )


def _pick(move: Move) -> str:
    figure = figure_of(move)
    picture = still(figure) if figure else ""
    return f'<a href="#{escape(move.name)}">{picture}<span>{escape(move.title)}</span></a>'


def _exercise(move: Move) -> str:
    routine, name = routine_of(move), escape(move.name)
    rounds = "".join(f"<li>{escape(each.name)}</li>" for each in routine.rounds if each.name)
    steps = "".join(f"<li>{escape(step)}</li>" for step in move.steps)
    dots = routine.repetitions if 1 < routine.repetitions <= 10 and routine.phases else 0
    return (
        f'<article class="exercise" id="{name}" aria-labelledby="{name}-title"><div class="stage">'
        f'<div class="picture">{_picture(move)}</div><div>'
        f'<h2 id="{name}-title">{escape(move.title)}</h2><p>{escape(move.line)}</p>'
        f'<div class="guide"><ul class="rounds">{rounds}</ul>'
        '<div class="cue" aria-live="polite"></div><div class="progress" aria-hidden="true"><i></i></div>'
        f'<div class="left soft"><span></span><span></span></div>{_dots(dots)}'
        '<div class="buttons"><button class="first" data-do="go">Start<kbd>space</kbd></button>'
        '<button data-do="next">Next<kbd>&#8594;</kbd></button><button data-do="hurt">It hurts<kbd>h</kbd></button>'
        '<button data-do="sound" aria-pressed="false">Sound off</button></div></div></div></div>'
        f"<h3>How to do it</h3><ol>{steps}</ol>"
        f'<p class="soft">{escape(move.why)}</p>'
        f'<script type="application/json">{_json(move, routine)}</script></article>'
    )


def _picture(move: Move) -> str:
    figure = figure_of(move)
    if figure is None:
        return f'<pre class="sketch" aria-hidden="true">{escape(move.drawing)}</pre>' if move.drawing else ""
    return f'<div class="both">{moving(figure)}{still(figure)}</div>'


def _dots(count: int) -> str:
    if not count:
        return ""
    circles = "".join(f'<circle cx="{12 + 24 * at}" cy="12" r="8"/>' for at in range(count))
    return f'<svg class="dots" viewBox="0 0 240 24" preserveAspectRatio="xMinYMid" role="img" aria-label="">{circles}</svg>'


def _json(move: Move, routine: Routine) -> str:
    """What the script goes by, with no `<` in it that could end the element."""
    known = {
        "name": move.name,
        "title": move.title,
        "repetitions": routine.repetitions,
        "cycle": routine.cycle_s,
        "pace": OWN_PACE,
        "phases": [phase._asdict() for phase in routine.phases],
        "rounds": [each._asdict() for each in routine.rounds],
    }
    return json.dumps(known).replace("<", "\\u003c")
