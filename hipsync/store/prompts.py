"""What was shown to the person, said, done and meant: prompts, labels, pauses, exercises, plans, remarks on bands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from hipsync.errors import StoreError
from hipsync.model import (
    WEEKDAYS,
    Answer,
    BandId,
    Exercise,
    Label,
    Occasion,
    Outing,
    Pause,
    Plan,
    Prompt,
    Remark,
    State,
    Trouble,
    Where,
)
from hipsync.store.file import OpenFile, instant, latest_s, seconds
from hipsync.store.sense import SENSE
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.store.merging import Cell

LONGEST_NAME = 300
"""The most characters that are read of the name of an exercise, which may be the user's own."""


class Prompts(OpenFile):
    """The tables `prompts`, `labels`, `pauses`, `exercises`, `plans` and `remarks`."""

    def prompts(self, start: datetime, end: datetime) -> list[Prompt]:
        """Prompts that were first shown in `[start, end)`, in order of time."""
        rows = self._rows(f"{_PROMPTS} AND at >= ? AND at < ? ORDER BY at", seconds(start), seconds(end))
        return [_prompt(row) for row in rows]

    def prompt(self, prompt: Prompt) -> Prompt:
        """Read a prompt again from the file, where it may have been answered since.

        Raises `StoreError` if it is not there any more.
        """
        rows = self._rows(f"{_PROMPTS} AND occasion = ? AND due = ?", prompt.occasion, seconds(prompt.due))
        if not rows:
            raise StoreError("the prompt is not in the database any more: was it replaced?")
        return _prompt(rows[0])

    def count_prompts(self, occasion: Occasion, before: datetime) -> int:
        """How many prompts for an occasion were first shown before an instant."""
        sql = f"SELECT count(*) FROM prompts WHERE {SENSE['prompts']} AND occasion = ? AND at < ?"
        ((count,),) = self._rows(sql, occasion, seconds(before))
        return int(count)

    def add_prompt(self, prompt: Prompt) -> Prompt:
        """Store a new prompt and return it as it is stored, with times in whole seconds.

        One that another computer showed for the same occasion merges with it (`merging.py`). Raises `StoreError`.
        """
        with self.transaction() as db:
            row = _prompt_row(prompt)
            for known in self._rows(f"{_PROMPTS} AND occasion = ? AND due = ?", prompt.occasion, seconds(prompt.due)):
                row = _merged(known, row)
            db.execute(f"REPLACE INTO prompts {_PROMPT_VALUES}", row)
        return self.prompt(prompt)

    def update_prompt(self, prompt: Prompt) -> None:
        """Store a prompt in place of the one of the same key. Raises `StoreError`."""
        with self.transaction() as db:
            db.execute(f"REPLACE INTO prompts {_PROMPT_VALUES}", _prompt_row(prompt))

    def labels(self, start: datetime, end: datetime) -> list[Label]:
        """What the person said of their own posture in `[start, end)`, in order of time."""
        sql = f"SELECT at, says FROM labels WHERE at >= ? AND at < ? AND {SENSE['labels']} ORDER BY at"
        return [Label(instant(at), State(says)) for at, says in self._rows(sql, seconds(start), seconds(end))]

    def add_label(self, label: Label) -> None:
        """Store what the person said of their own posture. Raises `StoreError`."""
        with self.transaction() as db:
            db.execute("REPLACE INTO labels VALUES (?, ?)", (seconds(label.at), label.says))

    def pause(self, now: datetime) -> Pause | None:
        """The pause that was asked for last, as far as is believed at `now`, if it is still on then; else None."""
        sql = f"SELECT at, until FROM pauses WHERE at <= ? AND {SENSE['pauses']} ORDER BY at DESC LIMIT 1"
        rows = self._rows(sql, latest_s(now))
        found = [Pause(instant(at), instant(until)) for at, until in rows if instant(until) > now]
        return found[0] if found else None

    def add_pause(self, pause: Pause) -> None:
        """Store a pause, which replaces an earlier one. A pause of no length ends the earlier one.

        One that is stored with a later instant, by a clock that was put back since, is an earlier one too.
        """
        with self.transaction() as db:
            db.execute("DELETE FROM pauses WHERE at > ?", (seconds(pause.at),))
            db.execute("REPLACE INTO pauses VALUES (?, ?)", (seconds(pause.at), seconds(pause.until)))

    def exercises(self, start: datetime, end: datetime) -> list[Exercise]:
        """Exercises that were done in `[start, end)`, in order of time."""
        rows = self._rows(
            f"SELECT at, name, how, hurt FROM exercises WHERE at >= ? AND at < ? AND {SENSE['exercises']}"
            " ORDER BY at, id",
            seconds(start), seconds(end),
        )  # fmt: skip
        return [Exercise(instant(r[0]), clean(r[1], LONGEST_NAME), str(r[2]), bool(r[3])) for r in rows]

    def add_exercise(self, done: Exercise) -> None:
        """Store an exercise that the person did. Raises `StoreError`."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO exercises (at, name, how, hurt) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET hurt = max(hurt, excluded.hurt)",
                (seconds(done.at), clean(done.name, LONGEST_NAME), done.how, done.hurt),
            )

    def hurt(self) -> list[str]:
        """The names of exercises that have hurt, which are not offered again."""
        sql = f"SELECT DISTINCT name FROM exercises WHERE hurt AND {SENSE['exercises']} ORDER BY name"
        return [clean(name, LONGEST_NAME) for (name,) in self._rows(sql)]

    def plans(self) -> list[Plan]:
        """All plans that were not removed, by number."""
        rows = self._rows(
            "SELECT id, outing, days, clock, skipped FROM plans"
            f" WHERE (removed IS NULL OR removed < added) AND {SENSE['plans']} ORDER BY id"
        )
        return [
            Plan(
                int(number),
                Outing(outing),
                tuple(at for at, day in enumerate(WEEKDAYS) if day in days.split(",")),
                time.fromisoformat(clock),
                None if skipped is None else date.fromisoformat(skipped),
            )
            for number, outing, days, clock, skipped in rows
        ]

    def add_plan(self, outing: Outing, days: Sequence[int], clock: time, now: datetime) -> Plan:
        """Store a plan, unless there is the same one already, and return it. Raises `StoreError`."""
        words = ",".join(day for at, day in enumerate(WEEKDAYS) if at in days)
        with self.transaction() as db:
            db.execute(
                "INSERT INTO plans (outing, days, clock, added) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET added = max(excluded.added, removed + 1), skipped = NULL WHERE removed >= added",
                (outing, words, f"{clock:%H:%M}", seconds(now)),
            )
        same = (outing, tuple(sorted(set(days))), clock)
        return next(plan for plan in self.plans() if (plan.outing, plan.days, plan.clock) == same)

    def remove_plan(self, plan: Plan, now: datetime) -> None:
        """Remove a plan: its row stays, and says so to other computers. Raises `StoreError`."""
        with self.transaction() as db:
            db.execute("UPDATE plans SET removed = max(added, ?) WHERE id = ?", (seconds(now), plan.number))

    def skip_plan(self, plan: Plan, day: date) -> None:
        """Leave a plan out on one local date, in place of any other on which it was to be. Raises `StoreError`."""
        with self.transaction() as db:
            db.execute("UPDATE plans SET skipped = ? WHERE id = ?", (day.isoformat(), plan.number))

    def remarked(self, band: BandId, *, now: datetime | None = None) -> dict[Trouble, datetime]:
        """When the last remark on each trouble of a band was shown, with `now` as far as is believed then."""
        rows = self._rows(
            f"SELECT what, max(at) FROM remarks WHERE band = ? AND at <= ? AND {SENSE['remarks']} GROUP BY what",
            band, latest_s(now),
        )  # fmt: skip
        return {Trouble(what): instant(at) for what, at in rows}

    def add_remark(self, remark: Remark, now: datetime) -> None:
        """Store that a remark was shown now."""
        with self.transaction() as db:
            db.execute("REPLACE INTO remarks VALUES (?, ?, ?)", (remark.band, remark.what, seconds(now)))

    def drop_remarks(self, band: BandId, what: Trouble) -> None:
        """Delete the remarks on a trouble that seems to be over, so that the next one is shown again."""
        with self.transaction() as db:
            db.execute("DELETE FROM remarks WHERE band = ? AND what = ?", (band, what))


_PROMPT_COLUMNS = (
    "at, due, exercise, sure, shown_where, shown, last_shown, answer, answered_at, snoozed_until, occasion,"
    " sitting_minutes, host"
)
_PROMPTS = f"SELECT {_PROMPT_COLUMNS} FROM prompts WHERE {SENSE['prompts']}"
_PROMPT_VALUES = f"({_PROMPT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _prompt(row: tuple[Any, ...]) -> Prompt:
    at, due, exercise, sure, where, shown, last_shown, answer, answered_at, snoozed_until, occasion, minutes, host = row
    return Prompt(
        at=instant(at),
        due=instant(due),
        exercise=clean(exercise, LONGEST_NAME),
        sure=bool(sure),
        where=tuple(Where(place) for place in str(where).split()),
        shown=int(shown),
        last_shown=None if last_shown is None else instant(last_shown),
        answer=None if answer is None else Answer(answer),
        answered_at=None if answered_at is None else instant(answered_at),
        snoozed_until=None if snoozed_until is None else instant(snoozed_until),
        occasion=Occasion(occasion),
        sitting_minutes=None if minutes is None else int(minutes),
        host=clean(host, LONGEST_NAME),
    )


def _merged(one: Sequence[Cell], other: Sequence[Cell]) -> tuple[Cell, ...]:
    """One row of two about the same prompt."""
    from hipsync.store.merging import RULES  # it is seldom needed

    names: list[str] = [*_PROMPT_COLUMNS.split(", ")]
    rows = (dict(zip(names, row, strict=True)) for row in (one, other))
    return tuple(RULES["prompts"].merged(*rows).values())


def _prompt_row(prompt: Prompt) -> tuple[Cell, ...]:
    return (
        seconds(prompt.at),
        seconds(prompt.due),
        prompt.exercise,
        prompt.sure,
        " ".join(prompt.where),
        prompt.shown,
        None if prompt.last_shown is None else seconds(prompt.last_shown),
        prompt.answer,
        None if prompt.answered_at is None else seconds(prompt.answered_at),
        None if prompt.snoozed_until is None else seconds(prompt.snoozed_until),
        prompt.occasion,
        prompt.sitting_minutes,
        clean(prompt.host, LONGEST_NAME),
    )
