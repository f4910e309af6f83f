"""The trial of whether reminders help: the seed of its draws, and what was drawn for each due reminder."""

from __future__ import annotations

from datetime import datetime

from hipsync.model import Draw, Trial
from hipsync.store.file import OpenFile, instant, latest_s, seconds
from hipsync.store.sense import SENSE
from hipsync.text import clean

LONGEST_SEED = 64
"""The most characters that are read of a seed, which may come from a file."""


class Trials(OpenFile):
    """The tables `trials` and `draws`."""

    def trial(self, now: datetime) -> Trial | None:
        """The trial whose seed is drawn from at `now`: the newest that is believed then; None if there is none."""
        sql = f"SELECT since, seed FROM trials WHERE since <= ? AND {SENSE['trials']} ORDER BY since DESC LIMIT 1"
        rows = self._rows(sql, latest_s(now))
        return Trial(instant(rows[0][0]), clean(rows[0][1], LONGEST_SEED)) if rows else None

    def add_trial(self, trial: Trial) -> None:
        """Store the seed of a trial. Raises `StoreError`."""
        with self.transaction() as db:
            db.execute("REPLACE INTO trials VALUES (?, ?)", (seconds(trial.since), trial.seed))

    def draws(self, start: datetime, end: datetime) -> list[Draw]:
        """What was drawn for reminders that were shown or withheld in `[start, end)`, in order of time."""
        rows = self._rows(
            f"SELECT start, at, due, withheld FROM draws WHERE at >= ? AND at < ? AND {SENSE['draws']} ORDER BY at",
            seconds(start), seconds(end),
        )  # fmt: skip
        return [Draw(instant(row[0]), instant(row[1]), instant(row[2]), bool(row[3])) for row in rows]

    def add_draw(self, draw: Draw) -> None:
        """Store what was drawn, in place of an earlier draw for a stretch of the same start. Raises `StoreError`."""
        with self.transaction() as db:
            db.execute(
                "REPLACE INTO draws VALUES (?, ?, ?, ?)",
                (seconds(draw.start), seconds(draw.at), seconds(draw.due), draw.withheld),
            )
