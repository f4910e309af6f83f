"""What becomes of two rows that are about the same thing: one pure function a table.

Two computers hear the same band, and both ask the same person. When what one of them stored comes to the other, each
row either is new there or meets one of the same key, and then `Rule.merged` makes one of the two. It does not matter
which computer begins, how often a row comes, or by which way: every rule is commutative, associative and idempotent.
The rule for epochs is SQL, because there are millions of them (`imports.MERGED`).

A prompt is the one row that changes in ways that no maximum tells::

    shown ──> ignored ──> shown again ──> snoozed ──> shown again ──> done
              └ open: the latest event counts ──────────────────┘    └ settled: stays, whatever came later

Of two that are settled the person's word counts more than what was found in the data. A snooze only puts off: who has
moved needs no reminder, so that MOVED settles, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hipsync.model import Answer, Where

Cell = int | str | None
Row = Mapping[str, Cell]


class Rule(NamedTuple):
    """How the rows of a table merge."""

    key: tuple[str, ...]
    """The columns by which two rows are about the same thing."""
    merged: Callable[[Row, Row], Row]
    """Makes one row of two that have the same key, and the same columns."""


def larger(one: Cell, other: Cell) -> Cell:
    """The larger of two cells of a column; where one is not known, the other one."""
    return max(one, other, key=_order)


def smaller(one: Cell, other: Cell) -> Cell:
    """The smaller of two cells of a column; where one is not known, the other one."""
    if one is None or other is None:
        return larger(one, other)
    return min(one, other, key=_order)


def by_column(*key: str, **cells: Callable[[Cell, Cell], Cell]) -> Rule:
    """The rule by which each column merges by itself; those that are not named are parts of the key."""

    def merged(one: Row, other: Row) -> Row:
        return {name: cells[name](cell, other[name]) if name in cells else cell for name, cell in one.items()}

    return Rule(key, merged)


def _order(cell: Cell) -> tuple[int, int, str]:
    """A total order of cells: what is not known, then numbers, then texts."""
    if cell is None:
        return (0, 0, "")
    return (1, cell, "") if isinstance(cell, int) else (2, 0, cell)


def _orders(row: Row, *names: str) -> tuple[tuple[int, int, str], ...]:
    return tuple(_order(row[name]) for name in names)


# -------------------------------------------------------------------- prompts

_BEGUN = ("at", "host", "exercise", "sure", "sitting_minutes")
"""The columns that say how a prompt was shown first."""
_SAID = ("answer", "answered_at", "snoozed_until")
_SETTLED = (Answer.MOVED, Answer.SKIPPED, Answer.STANDING, Answer.HURT, Answer.DONE)
"""The answers that nothing follows, those that count most last."""
_OPEN = (None, Answer.IGNORED, Answer.SNOOZED)
"""What may be said of a prompt that can be shown again: of one instant, the last counts most."""


def _prompt(one: Row, other: Row) -> Row:
    """One prompt of two for the same occasion at the same instant."""
    begun = min(one, other, key=lambda row: _orders(row, *_BEGUN))
    said = max(one, other, key=_said)
    places = {*str(one["shown_where"]).split(), *str(other["shown_where"]).split()}
    return {
        **one,
        **{name: begun[name] for name in _BEGUN},
        **{name: said[name] for name in _SAID},
        "shown_where": " ".join(place for place in Where if place in places),
        "shown": larger(one["shown"], other["shown"]),
        "last_shown": larger(one["last_shown"], other["last_shown"]),
    }


def _said(row: Row) -> tuple[object, ...]:
    """The place of what was said to a prompt in a total order of all that can be said to it.

    An open prompt counts by its last event: a snooze when it was asked for, all else when it was shown last.
    """
    answer = row["answer"]
    if answer in _SETTLED:
        return 1, (_SETTLED.index(Answer(str(answer))),), _orders(row, *_SAID[1:])
    shown = row["last_shown"]
    event = larger(shown, row["answered_at"]) if answer == Answer.SNOOZED else shown
    rank = _OPEN.index(None if answer is None else Answer(str(answer)))
    return 0, _order(event), rank, _orders(row, *_SAID[1:])


# -------------------------------------------------------------------- others


def _workout(one: Row, other: Row) -> Row:
    """The longer of two workouts of one start."""
    return max(one, other, key=lambda row: _orders(row, "until", "kind"))


_BAND_AT = ("band", "at")
RULES: Mapping[str, Rule] = {
    "zones": by_column("host", "since", zone=larger),
    "counters": by_column(*_BAND_AT, steps=larger),
    # Of a band that was on and off in one second, nobody knows which: unknown is never sitting.
    "wears": by_column(*_BAND_AT, worn=smaller),
    "charges": by_column(*_BAND_AT, percent=larger, charging=larger),
    "inactivities": by_column(*_BAND_AT),
    "workouts": Rule(("band", "start"), _workout),
    "infos": by_column(*_BAND_AT, firmware=larger, hardware=larger, serial=larger),
    "prompts": Rule(("occasion", "due"), _prompt),
    "labels": by_column("at", says=larger),
    "presence": by_column("start", "until", "state"),
    "desks": by_column("at", until=smaller),  # it is planned for a time, and only ever cut
    "pauses": by_column("at", until=larger),
    "plans": by_column("outing", "days", "clock", skipped=larger, added=larger, removed=larger),
    "exercises": by_column("at", "name", "how", hurt=larger),
    "trials": by_column("since", seed=larger),
    "draws": by_column("start", at=smaller, due=smaller, withheld=smaller),  # shown by one, it was not withheld
    "imports": by_column("band", "form", "source", "at", "since", "until", zone=larger),
    "forgotten": by_column("mark", at=larger),
}
"""The rule of each table whose rows go from one computer to another, epochs and bands apart."""
LOCAL = frozenset({"days", "remarks", "states", "syncs"})
"""The tables whose rows stay: what this computer tried and said, and what is made from the rest."""
