"""Zero-step bouts of real people equal a second calculation (docs/rule.md, "Words of the field")."""

from __future__ import annotations

from itertools import groupby, product
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.timeline import Source, minute_of, timeline, zero_runs
from hipsync.model import MINUTE, Epoch, State
from support import real_people


def bouts_of(rows: list[real_people.Row]) -> list[int]:
    """From the rows: the sleep and the time without the band cut away first, minutes that follow each other joined."""
    still = [row.at for row in rows if row.state is None and row.steps == 0]
    runs = groupby(enumerate(still), key=lambda numbered: numbered[1] - numbered[0] * MINUTE)
    return [len(list(run)) for _, run in runs]


class Measures(NamedTuple):
    """How sitting is broken up, by the definitions of research."""

    over_30: int
    over_60: int
    mean_minutes: float
    transition_rate: float
    gini: float

    @classmethod
    def from_lengths(cls, lengths: list[int]) -> Measures:
        return cls(
            sum(length >= 30 for length in lengths),
            sum(length >= 60 for length in lengths),
            sum(lengths) / len(lengths),
            len(lengths) / sum(lengths),
            gini(lengths),
        )


def gini(lengths: list[int]) -> float:
    """By its definition: half of the mean difference of any two, in means. Counted by length, or it takes minutes."""
    counts = {length: lengths.count(length) for length in set(lengths)}
    apart = sum(abs(a - b) * n * m for (a, n), (b, m) in product(counts.items(), repeat=2))
    return apart / (2 * len(lengths) * sum(lengths))


@pytest.mark.parametrize(
    ("path", "people"),
    [
        (real_people.SAMPLE, 3),
        pytest.param(real_people.EVERYBODY, 11, marks=[real_people.needs_everybody, pytest.mark.ring]),
    ],
)
def test_zero_step_bouts_agree_with_a_second_calculation(path: Path, people: int) -> None:
    compared = 0
    for person, rows in real_people.read(path).items():
        epochs = [Epoch(row.at, MINUTE, row.steps, state=State(row.state) if row.state else None) for row in rows]
        line = timeline(
            [Source(epochs, vouches=True, reports_wear=True)],
            minute_of(rows[0].at), minute_of(rows[-1].at) + 1, ZoneInfo("UTC"),
        )  # fmt: skip
        ours = Measures.from_lengths([end - start for start, end in zero_runs(line)])
        theirs = Measures.from_lengths(bouts_of(rows))
        assert ours[:2] == theirs[:2], person
        assert ours[2:] == pytest.approx(theirs[2:], rel=0.02), person
        compared += 1
    assert compared == people
