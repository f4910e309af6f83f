"""`exercise`: a hip exercise, step by step, at the pace of who does it.

On a terminal it guides and writes down what was finished; into a pipe it prints the same steps, waits for nothing and
writes nothing.
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
from datetime import timedelta

import click

from hipsync.cli.app import App
from hipsync.core.exercises import MOVES, SAFETY, Move, When, chosen, moves_for
from hipsync.errors import ConfigError

MOVING_S = 3
"""Seconds left for the way there, and for the way back: slowly is how the sheets want it."""


@dataclass(frozen=True, slots=True)
class Guide:
    """The terminal and the clock, as far as guiding needs them."""

    say: Callable[[str], None]
    ask: Callable[[str], str]
    """A question -> the line typed. Raises `KeyboardInterrupt` if somebody leaves."""
    sleep: Callable[[float], None]
    """Seconds."""
    bell: Callable[[], None]
    """At the end of a hold, and of a side."""


def walk(move: Move, guide: Guide) -> bool:
    """Guide through one exercise; whether it hurt. Nothing starts before Enter."""
    show(move, guide.say)
    guide.say(SAFETY)
    for side in range(move.sides):
        which = "" if move.sides == 1 else ("One side. " if side == 0 else "The other side. ")
        guide.ask(f"{which}Enter when you are ready. ")
        if move.hold_s:
            _holds(move, guide)
        else:
            guide.ask(f"{move.repetitions} times, following the steps, at your own pace. Enter when done. ")
        guide.bell()
    while (said := guide.ask("Did it hurt? [y/N] ").strip().lower()) not in {"", "y", "yes", "n", "no"}:
        guide.say("Please answer y or n.")
    return said in {"y", "yes"}


def _holds(move: Move, guide: Guide) -> None:
    for number in range(1, move.repetitions + 1):
        guide.say(f"{number} of {move.repetitions}: slowly there")
        guide.sleep(MOVING_S)
        guide.say(f"  stay for {move.hold_s} seconds")
        left = move.hold_s
        while left > 0:
            step = min(10, left)
            guide.sleep(step)
            left -= step
            if left:
                guide.say(f"  {left} more")
        guide.bell()
        guide.say("  and slowly back")
        guide.sleep(MOVING_S)


def show(move: Move, say: Callable[[str], None], *, drawn: bool = True) -> None:
    """What it is, what for, and how."""
    say(f"{move.name}: {move.title}")
    say(f"  {move.why}")
    if drawn and move.drawing:
        say(f"\n{move.drawing}\n")
    for number, step in enumerate(move.steps, 1):
        say(f"  {number}. {step}")
    say("")


def asked_for(
    word: str | None,
    names: Sequence[str],
    avoid: Sequence[str],
    hurt: Sequence[str],
    own: Sequence[Move] = (),
    *,
    seated: bool,
) -> Sequence[Move]:
    """The exercises of a name, or of a moment without what is avoided or has hurt. Raises `ConfigError`.

    After an hour of sitting they are those of `names`, the user's set; seated ones may lie outside it.
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
    """Do hip exercises, step by step; by default those for after an hour of sitting.

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
        say = _say if sys.stdout.isatty() else click.echo
        for move in moves:
            show(move, say, drawn=False)
        say(SAFETY)


def _guide(app: App, moves: Sequence[Move], *, silent: bool) -> None:
    from hipsync.cli.prompts import tell_hurt

    guide = Guide(_say, _line, time.sleep, (lambda: None) if silent else (lambda: click.echo("\a", nl=False)))
    for number, move in enumerate(moves):
        if number:
            guide.ask(f"Next: {move.title}. Enter to go on, Ctrl-C to leave. ")
        hurt = walk(move, guide)
        _log(app, move, hurt=hurt)
        if hurt:
            tell_hurt(app, move.name)
            return
        click.echo(f"Done: {move.name}. Well moved.")


def _say(text: str) -> None:
    """A drawing keeps its lines; a sentence breaks between words."""
    inner = "     " if text[2:3].isdigit() and text[3:4] == "." else "  "
    wide = min(shutil.get_terminal_size().columns, 100)
    click.echo(text if "\n" in text else textwrap.fill(text, wide, subsequent_indent=inner))


def _line(question: str) -> str:
    click.echo(question, nl=False)
    line = sys.stdin.readline(1000)
    if not line:  # the end of input: somebody left
        raise KeyboardInterrupt
    return line


def _hurt(app: App) -> Sequence[str]:
    with contextlib.ExitStack() as stack:
        store = app.read_store()
        return () if store is None else tuple(stack.enter_context(store).hurt())


def _log(app: App, move: Move, *, hurt: bool) -> None:
    """Write it down; if the standing prompt asked for it, that is answered, and it is one exercise."""
    from hipsync.cli.prompts import STANDS_FOR, look
    from hipsync.model import Answer, Exercise
    from hipsync.service.answers import answer_prompt, standing_prompt

    with app.open_store() as store:
        now = app.now()
        prompt = standing_prompt(store.prompts(now - STANDS_FOR, now + timedelta(seconds=1)))
        if prompt is not None and prompt.exercise == move.name:
            answer_prompt(store, prompt, Answer.HURT if hurt else Answer.DONE, now, how="guided")
        else:
            store.add_exercise(Exercise(now, move.name, "guided", hurt))
        look(store)
