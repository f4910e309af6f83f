"""`exercise`: a hip exercise, step by step, at the pace of whoever does it.

On a terminal it guides (`hipsync.cli.guided`), and stores the exercises that were finished; in a browser it does the
same (`hipsync.cli.exercise_page`). Into a pipe it prints the steps, waits for nothing and stores nothing. The exercises
themselves are in `hipsync.core.exercises`.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from hipsync.cli.app import App
from hipsync.cli.exercised import store_exercise
from hipsync.cli.saying import say, tell_json
from hipsync.core.exercises import MOVES, SAFETY, Move, When, chosen, moves_for
from hipsync.errors import ConfigError


def describe(move: Move, show: Callable[[str], None]) -> None:
    """Show what an exercise is, what it is good for, and its steps."""
    show(f"{move.name}: {move.title}")
    show(f"  {move.why}")
    for number, step in enumerate(move.steps, 1):
        show(f"  {number}. {step}")
    show("")


def asked_for(
    word: str | None,
    names: Sequence[str],
    avoid: Sequence[str],
    hurt: Sequence[str],
    own: Sequence[Move] = (),
    *,
    seated: bool,
) -> Sequence[Move]:
    """Return the exercise of this name, or those for a moment (`hour`, `morning` ...), in the order to do them.

    Those for a moment leave out what the user avoids and what has hurt. After an hour of sitting they are those of
    `names`, the user's set; with `seated` they may come from outside it. Raises `ConfigError` if none is left.
    """
    if (named := next((move for move in (*MOVES, *own) if move.name == word), None)) is not None:
        if seated and "seated" not in named.tags:
            raise ConfigError(f"{named.name} is not done seated: leave out --seated, or the name")
        return [named]
    try:
        when = When(word or "hour")
    except ValueError as error:
        known = ", ".join([*(move.name for move in (*MOVES, *own)), *When])
        raise ConfigError(f"no exercise {word!r}: there are {known}") from error
    good = [move.name for move in moves_for(when, own)]
    among = names if when is When.HOUR and not seated else good
    found = [
        move for move in chosen(among, avoid, hurt, own) if move.name in good and (not seated or "seated" in move.tags)
    ]
    if not found:
        kind = "seated exercise" if seated else "exercise"
        raise ConfigError(f"no {kind} is left for {when.value}: `hipsync exercise --list` shows all there are")
    return found


@click.command("exercise")
@click.argument("name", required=False, metavar="[NAME|hour|morning|warmup|cooldown]")
@click.option("--list", "listed", is_flag=True, help="All exercises, with how to do them.")
@click.option("--seated", is_flag=True, help="Only what is done on a chair.")
@click.option("--silent", is_flag=True, help="No bell at the end of a hold.")
@click.option("--plain", is_flag=True, help="The steps as lines; nothing is guided.")
@click.option("--page", is_flag=True, help="Guided in the browser: figure, cues, and sound if you like.")
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="Write that page to a file.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; nothing is guided.")
@click.pass_obj
def exercise_command(
    app: App,
    name: str | None,
    listed: bool,
    seated: bool,
    silent: bool,
    plain: bool,
    page: bool,
    html: Path | None,
    as_json: bool,
) -> None:
    """Do an exercise, step by step.

    By default those for after an hour of sitting.

    \b
    hipsync exercise                  after an hour of sitting
    hipsync exercise warmup           before a walk or a run
    hipsync exercise cooldown         after cycling or rowing
    hipsync exercise hip-extension    this one
    hipsync exercise --list
    hipsync exercise --page           in the browser

    Nothing starts before you press space, and only what you finished is saved. Into a pipe it prints the steps and
    saves nothing.
    """
    if listed and name is not None:
        raise ConfigError("say which exercise, or --list for all of them, not both")
    if sum([plain, page, as_json, html is not None]) > 1:
        raise ConfigError("--plain, --page, --html and --json exclude each other: choose one")
    guided = not (listed or as_json or plain) and sys.stdin.isatty() and sys.stdout.isatty()
    config = app.config()
    if listed:
        moves: Sequence[Move] = [move for move in (*MOVES, *config.own) if not seated or "seated" in move.tags]
    else:
        moves = asked_for(name, config.exercises, config.avoid, _hurt(app), config.own, seated=seated)
    if as_json:
        rows = [
            {
                "name": move.name,
                "title": move.title,
                "why": move.why,
                "steps": list(move.steps),
                "when": [when.value for when in move.when],
                "tags": list(move.tags),
                "repetitions": move.repetitions,
                "sides": move.sides,
                "hold_seconds": move.hold_s,
            }
            for move in moves
        ]
        tell_json({"version": 1, "exercises": rows, "safety": SAFETY})
    elif page:
        from hipsync.cli.exercise_page import open_page

        open_page(app, _those_first(moves, config.own))
    elif html is not None:
        from hipsync.cli.files import write_page
        from hipsync.report.page.exercise import exercises_html

        write_page(html, exercises_html(moves))
    elif guided:
        for line in guide(app, moves, silent=silent):
            click.echo(line)
    else:
        for move in moves:
            describe(move, _show)
        say(SAFETY)


def _those_first(moves: Sequence[Move], own: Sequence[Move]) -> Sequence[Move]:
    """All exercises, those that were asked for before the others."""
    return [*moves, *(move for move in (*MOVES, *own) if move not in moves)]


def guide(app: App, moves: Sequence[Move], *, silent: bool) -> list[str]:
    """Lead through these exercises on the terminal, and return what came of them, in lines.

    Each is stored as soon as it is done.
    """
    from hipsync.cli.guided import End, lead, terminal_screen
    from hipsync.cli.prompts import advice_after_pain

    told: list[str] = []
    with terminal_screen(colour=app.colour, silent=silent) as screen:
        for move in moves:
            led, name = lead(move, screen), f"{move.title[:1].lower()}{move.title[1:]}"
            if led.end is End.LEFT:
                return [*told, f"Left {name}; nothing is saved of it."]
            store_exercise(app, move.name, hurt=led.end is End.HURT)
            if led.end is End.HURT:
                return [*told, advice_after_pain(app, name)]
            told.append(f"Saved: {name}, {_took(led.seconds)}.")
    return told


def _took(seconds: float) -> str:
    """A length of minutes and seconds: `1 min 58 s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _show(text: str) -> None:
    """Show a sentence as wide as the terminal, with what follows below its words, but a drawing as it is."""
    if "\n" in text:
        click.echo(text)
    else:
        say(text, indent=5 if text[2:3].isdigit() and text[3:4] == "." else 2)


def _hurt(app: App) -> Sequence[str]:
    with contextlib.ExitStack() as stack:
        store = app.read_store()
        return () if store is None else tuple(stack.enter_context(store).hurt())
