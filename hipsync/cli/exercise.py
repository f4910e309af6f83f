"""`exercise`: a hip exercise, step by step, at the pace of whoever does it.

On a terminal it guides, and stores the exercises that were finished. Into a pipe it prints the same steps, waits for
nothing and stores nothing. The exercises themselves are in `hipsync.core.exercises`.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from hipsync.cli.app import App
from hipsync.core.exercises import MOVES, SAFETY, Move, When, chosen, moves_for
from hipsync.errors import ConfigError

MOVING_S = 3
"""Seconds to move into a position, and out of it again: the exercise sheets ask for slow movements."""


@dataclass(frozen=True, slots=True)
class Guide:
    """The terminal and the clock, as far as guiding needs them; a test passes its own functions."""

    show: Callable[[str], None]
    """Shows a line."""
    ask: Callable[[str], str]
    """Asks a question and returns the line that was typed. Raises `KeyboardInterrupt` if the person leaves."""
    sleep: Callable[[float], None]
    """Waits for the given number of seconds."""
    bell: Callable[[], None]
    """Rings at the end of a hold, and of a side."""


def walk(move: Move, guide: Guide) -> bool:
    """Guide through one exercise, and return whether it hurt. Nothing starts before Enter is pressed."""
    describe(move, guide.show)
    guide.show(SAFETY)
    for side in range(move.sides):
        which = "" if move.sides == 1 else ("One side. " if side == 0 else "The other side. ")
        guide.ask(f"{which}Enter when you are ready. ")
        if move.hold_s:
            _holds(move, guide)
        else:
            guide.ask(f"{move.repetitions} times, following the steps, at your own pace. Enter when done. ")
        guide.bell()
    while (answer := guide.ask("Did it hurt? [y/N] ").strip().lower()) not in {"", "y", "yes", "n", "no"}:
        guide.show("Please answer y or n.")
    return answer in {"y", "yes"}


def _holds(move: Move, guide: Guide) -> None:
    for number in range(1, move.repetitions + 1):
        guide.show(f"{number} of {move.repetitions}: slowly there")
        guide.sleep(MOVING_S)
        guide.show(f"  stay for {move.hold_s} seconds")
        left = move.hold_s
        while left > 0:
            step = min(10, left)
            guide.sleep(step)
            left -= step
            if left:
                guide.show(f"  {left} more")
        guide.bell()
        guide.show("  and slowly back")
        guide.sleep(MOVING_S)


def describe(move: Move, show: Callable[[str], None], *, drawn: bool = True) -> None:
    """Show what an exercise is, what it is good for, and its steps; with its drawing if `drawn`."""
    show(f"{move.name}: {move.title}")
    show(f"  {move.why}")
    if drawn and move.drawing:
        show(f"\n{move.drawing}\n")
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
@click.option("--json", "as_json", is_flag=True, help="For programs; nothing is guided.")
@click.pass_obj
def exercise_command(app: App, name: str | None, listed: bool, seated: bool, silent: bool, as_json: bool) -> None:
    """Do an exercise, step by step.

    By default those for after an hour of sitting.

    \b
    hipsync exercise                  after an hour of sitting
    hipsync exercise warmup           before a walk or a run
    hipsync exercise cooldown         after cycling or rowing
    hipsync exercise hip-extension    this one
    hipsync exercise --list

    Nothing starts before you press Enter; Ctrl-C leaves, and only what you finished is written down. Into a pipe it
    prints the steps and writes nothing.
    """
    if listed and name is not None:
        raise ConfigError("say which exercise, or --list for all of them, not both")
    guided = not (listed or as_json) and sys.stdin.isatty() and sys.stdout.isatty()
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
        click.echo(json.dumps({"version": 1, "exercises": rows, "safety": SAFETY}, indent=1))
    elif guided:
        _guide(app, moves, silent=silent)
    else:
        show = _show_wrapped if sys.stdout.isatty() else click.echo
        for move in moves:
            describe(move, show, drawn=False)
        show(SAFETY)


def _guide(app: App, moves: Sequence[Move], *, silent: bool) -> None:
    from hipsync.cli.prompts import show_advice_after_pain

    bell = (lambda: None) if silent else (lambda: click.echo("\a", nl=False))
    guide = Guide(_show_wrapped, _typed_line, time.sleep, bell)
    for number, move in enumerate(moves):
        if number:
            guide.ask(f"Next: {move.title}. Enter to go on, Ctrl-C to leave. ")
        hurt, name = walk(move, guide), f"{move.title[:1].lower()}{move.title[1:]}"
        _store(app, move, hurt=hurt)
        if hurt:
            show_advice_after_pain(app, name)
            return
        click.echo(f"Saved: {name}.")


def _show_wrapped(text: str) -> None:
    """Show a sentence wrapped to the terminal's width, but a drawing as it is."""
    inner = "     " if text[2:3].isdigit() and text[3:4] == "." else "  "
    wide = min(shutil.get_terminal_size().columns, 100)
    click.echo(text if "\n" in text else textwrap.fill(text, wide, subsequent_indent=inner))


def _typed_line(question: str) -> str:
    click.echo(question, nl=False)
    line = sys.stdin.readline(1000)
    if not line:  # the end of input: the person left
        raise KeyboardInterrupt
    return line


def _hurt(app: App) -> Sequence[str]:
    with contextlib.ExitStack() as stack:
        store = app.read_store()
        return () if store is None else tuple(stack.enter_context(store).hurt())


def _store(app: App, move: Move, *, hurt: bool) -> None:
    """Store an exercise that was done; it answers the prompt that can be answered now if that asked for it."""
    from hipsync.cli.prompts import notify_service, standing
    from hipsync.model import Answer, Exercise
    from hipsync.service.answers import answer_prompt

    with app.open_store() as store:
        now = app.now()
        prompt = standing(store, now)
        if prompt is not None and prompt.exercise == move.name:
            answer_prompt(store, prompt, Answer.HURT if hurt else Answer.DONE, now, how="guided")
        else:
            store.add_exercise(Exercise(now, move.name, "guided", hurt))
        notify_service(store)
