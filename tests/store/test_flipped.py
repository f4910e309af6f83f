"""Databases with flipped bytes, each read as after a crash: refused in one line, told, or right.

The bytes are flipped by a seeded generator, so that every run sees the same files. What is right comes from the rows
that were put in, not from the program.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from hipsync.model import Counter as Total
from hipsync.model import Exercise, Prompt, Wear
from hipsync.store import Store
from support.builders import MONDAY
from support.machine import Machine
from support.stored import NOW, minute

MINUTES = 4 * 1440
DAYS = [f"2026-03-0{day}" for day in (2, 3, 4, 5)]
PAGE = 4096
Flip = Callable[[bytearray, random.Random], None]


def steps_at(at: int) -> int:
    return at * 7 % 90 if at % 60 < 9 else 0


def one_bit(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def one_byte(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] = chance.randrange(256)


def some_bytes(content: bytearray, chance: random.Random) -> None:
    for _ in range(16):
        one_byte(content, chance)


def a_page(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content) // PAGE) * PAGE
    content[at : at + PAGE] = chance.randbytes(PAGE)


def a_page_of_another_place(content: bytearray, chance: random.Random) -> None:
    to, source = (chance.randrange(1, len(content) // PAGE) * PAGE for _ in range(2))
    content[to : to + PAGE] = content[source : source + PAGE]


def a_page_of_zeros(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content) // PAGE) * PAGE
    content[at : at + PAGE] = bytes(PAGE)


def cut_off(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


def the_header(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(100)] ^= 1 << chance.randrange(8)


def the_schema(content: bytearray, chance: random.Random) -> None:
    """A bit of the text that made a table or an index."""
    at = chance.choice([found.start() for found in re.finditer(b"CREATE (TABLE|INDEX)", content)])
    content[at + chance.randrange(-20, 250)] ^= 1 << chance.randrange(8)


def the_head_of_a_page(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content) // PAGE) * PAGE + chance.randrange(60)] ^= 1 << chance.randrange(8)


KINDS: list[Flip] = [
    one_bit, one_byte, some_bytes, a_page, a_page_of_another_place, a_page_of_zeros, cut_off, the_header, the_schema,
    the_head_of_a_page,
]  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose database has something in most tables."""
    machine = Machine(tmp_path, NOW)
    band = machine.band([minute(at, steps_at(at), heart_rate=60 + at % 40) for at in range(MINUTES)])
    with Store.open(machine.database) as store:
        for day in range(4):
            at = MONDAY + timedelta(days=day, hours=9)
            store.append(band, [Total(at, 0), Wear(at, True)])
            store.note_sync(band, at, at, 1440, None)
            store.add_prompt(Prompt(at, at, "hip-extension", sure=True))
            store.add_exercise(Exercise(at, "hip-extension", "guided"))
    return machine


def truth(machine: Machine) -> Mapping[str, object]:
    """What is right: by day its steps, as they were put in; and what the undamaged file says of the rest."""
    steps = {day: sum(map(steps_at, range(number * 1440, (number + 1) * 1440))) for number, day in enumerate(DAYS)}
    said = {day: json.loads(machine.told("day", day, "--json")) for day in DAYS}
    assert {day: said[day]["steps"] for day in DAYS} == steps
    return said


def outcome(machine: Machine, right: Mapping[str, object]) -> str:
    """What the first commands after a crash say of a file: refused, told, right; or wrong, where nothing was said."""
    wrong, refused, told = False, False, False
    for day in DAYS:
        done = machine.type("day", day, "--json")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            return f"traceback: {type(done.exception).__name__}: {done.exception}"
        if done.stderr.count("\n") > 1 or "Traceback" in done.stderr:
            return f"not one line: {done.stderr}"
        if done.stderr:
            refused, told = refused or not done.stdout, True
        elif not done.stdout or json.loads(done.stdout) != right[day]:
            wrong = True
    if wrong:
        checked = machine.type("db", "check")
        return "silently wrong" + (", and db check knows" if checked.exit_code else ", and nobody knows")
    return "refused" if refused else "told" if told else "right"


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.ring)])
def test_a_flipped_database_is_refused_told_or_right(machine: Machine, count: int) -> None:
    right = truth(machine)
    sound = machine.database.read_bytes()
    outcomes: dict[str, Counter[str]] = {kind.__name__: Counter() for kind in KINDS}
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        content = bytearray(sound)
        kind(content, random.Random(number))
        for file in machine.data.glob("hipsync.db*"):
            file.unlink()
        machine.database.write_bytes(bytes(content))
        outcomes[kind.__name__][outcome(machine, right)] += 1
    words = sorted({word for found in outcomes.values() for word in found})
    table = [f"{'flipped':<26}" + "".join(f"{word:>40.40}" for word in words)]
    table += [f"{kind:<26}" + "".join(f"{found[word]:>40}" for word in words) for kind, found in outcomes.items()]
    sys.stdout.write("\n".join(table) + "\n")
    unknown = {word for word in words if word not in {"refused", "told", "right", "silently wrong, and nobody knows"}}
    assert not unknown, "\n".join(table)
    assert sum(found["refused"] + found["told"] for found in outcomes.values()) > count / 4
