"""`exercise`: one is shown, or walked through side by side, at the wearer's own pace."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.errors import ConfigError
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.exercises import Move
    from hipsync.store import Store

WEEK = timedelta(days=7)
"""In which exercises take turns."""
SIDES = {1: ("",), 2: ("left", "right")}


@click.command("exercise")
@click.argument("name", required=False, metavar="[NAME | morning | warmup | cooldown]")
@click.option("--list", "listed", is_flag=True, help="All exercises, with how to do them.")
@click.option("--seated", is_flag=True, help="One that you can do without standing up.")
@click.option("--silent", is_flag=True, help="No bell at the end of a hold.")
@click.option("--json", "as_json", is_flag=True, help="For programs: show, and walk through nothing.")
@click.pass_obj
def exercise_command(app: App, name: str | None, listed: bool, seated: bool, silent: bool, as_json: bool) -> None:
    """Walk through a hip exercise: the one whose turn it is, or what is good for the moment.

    \b
    hipsync exercise                 after an hour of sitting
    hipsync exercise morning         first thing in the morning
    hipsync exercise warmup          before walking or running
    hipsync exercise cooldown        after cycling
    hipsync exercise hip-rotation    this one
    hipsync exercise --list          all of them, to read

    You start each side with Enter, so nothing hurries you. On a pipe it shows the exercise and waits for nothing.
    """
    from hipsync.exercises import MOVES, SAFETY

    if listed and (name is not None or seated):
        raise ConfigError("say which exercise, or --list for all of them, not both")
    moves = MOVES if listed else _chosen(app, name, seated=seated)
    if as_json:
        click.echo(json.dumps({"version": 1, "exercises": [_row(move) for move in moves], "safety": SAFETY}, indent=1))
    elif listed or not (sys.stdin.isatty() and sys.stdout.isatty()):
        for move in moves:
            click.echo("\n".join([f"{move.name}: {move.title}", *_explained(move), ""]))
        click.echo(_fitted(SAFETY))
    else:
        guide = Guide(click.echo, _asked, _waited, bell=not silent)
        click.echo(f"{_fitted(SAFETY)}\nCtrl-C ends it at any time.\n")
        for move in moves:
            _written_down(app, move, hurt=guide.through(move))


def _chosen(app: App, name: str | None, *, seated: bool) -> Sequence[Move]:
    """Without what the user avoids and what has hurt, unless it is named. Raises `ConfigError`."""
    from hipsync.exercises import MOVES, When, chosen, moves_for, next_exercise

    store = app.read_store()
    hurt, done = _past(app, store)
    config = app.config()
    if name in list(When):
        able = chosen([move.name for move in moves_for(When(name))], config.avoid, hurt)
        moves = [move for move in able if not seated or "seated" in move.tags]
    elif name is not None:
        moves = [move for move in MOVES if move.name == name]
        if not moves:
            words = ", ".join([*(move.name for move in MOVES), *When])
            raise ConfigError(f"no exercise {name!r}: there are {words}")
    else:
        turn = next_exercise(["seated"] if seated else config.exercises, config.avoid, done, hurt)
        moves = [turn] if turn is not None else []
    if not moves:
        raise ConfigError("no such exercise is left: each is avoided, or has hurt; --list shows all of them")
    return moves


def _past(app: App, store: Store | None) -> tuple[Sequence[str], Sequence[str]]:
    """Names of what has hurt, and of what was done of late."""
    if store is None:
        return [], []
    with store:
        now = app.now()
        return store.hurt(), [each.name for each in store.exercises(now - WEEK, now)]


def _explained(move: Move) -> list[str]:
    steps = [f"  {number}. {step}" for number, step in enumerate(move.steps, 1)]
    return [_fitted(f"  {move.why}", 2), *(_fitted(step, 5) for step in steps)]


def _fitted(line: str, indent: int = 0) -> str:
    """In as many lines as the terminal wants; a pipe gets it whole."""
    if not sys.stdout.isatty():
        return line
    import shutil
    import textwrap

    return textwrap.fill(line, min(shutil.get_terminal_size().columns, 100), subsequent_indent=" " * indent)


def _row(move: Move) -> dict[str, object]:
    return {
        "name": move.name,
        "title": move.title,
        "why": move.why,
        "steps": list(move.steps),
        "tags": list(move.tags),
        "repetitions": move.repetitions,
        "sides": move.sides,
        "hold_seconds": move.hold_s,
    }


# ------------------------------------------------------------------ walking through


@dataclass(frozen=True, slots=True)
class Guide:
    """Says, asks and waits; all three are given, so that a test takes no time."""

    say: Callable[[str], object]
    ask: Callable[[str], str]
    """What is typed after a question."""
    wait: Callable[[str, int], None]
    """Count so many seconds down, visibly, after these words, on the same line."""
    bell: bool = True

    def through(self, move: Move) -> bool:
        """To the end of the exercise; whether it hurt."""
        self.say("\n".join([move.title, *_explained(move), ""]))
        self.say(move.drawing + "\n")
        for side in SIDES.get(move.sides, ("",) * move.sides):
            self.ask(f"{f'The {side} side: ' if side else ''}Enter when you are ready ")
            if not move.hold_s:
                self.ask(f"  {move.repetitions} times, slowly; Enter when you are done ")
                continue
            for number in range(1, move.repetitions + 1):
                self.wait(f"  {number} of {move.repetitions}: hold", move.hold_s)
                if number < move.repetitions:
                    self.wait(", back", REST_S)
                self.say("")
            self.say("  Done.\a" if self.bell else "  Done.")
        return self.ask("Did it hurt? [y/N] ").strip().lower() in {"y", "yes"}


REST_S = 3
"""To lower a leg slowly, between two holds."""


def _asked(question: str) -> str:
    return str(click.prompt(question, default="", show_default=False, prompt_suffix=""))


def _waited(words: str, seconds: int) -> None:
    import time

    short = seconds < 10
    click.echo(words, nl=False)
    for left in range(seconds, 0, -1):
        click.echo(f" {left}" if short else f"\r{words} {left:>2} s", nl=False)
        time.sleep(1)


def _written_down(app: App, move: Move, *, hurt: bool) -> None:
    """In the database, if there is one; the prompt that stands is answered by it."""
    from hipsync.cli.prompts import hurt_lines, look_at, standing
    from hipsync.model import Answer, Exercise
    from hipsync.service import answer_prompt
    from hipsync.store import Store

    if Store.exists(app.database):
        with app.existing_store(to_write=True) as store:
            now = app.now()
            done = Exercise(now, move.name, "guided", hurt=hurt)
            if (prompt := standing(store, now)) is not None:
                answer_prompt(store, prompt, Answer.HURT if hurt else Answer.DONE, now, done=done)
            else:
                store.add_exercise(done)
            look_at(store)
    for line in hurt_lines(app, move.name) if hurt else [f"Well moved: {clean(move.title)} is written down."]:
        click.echo(line)
