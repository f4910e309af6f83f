"""Zero-step bouts of real people equal a calculation that shares no code with them (`science.md` section 3)."""

from __future__ import annotations

from itertools import groupby, product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import fragmentation, zero_runs
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import MINUTE, Epoch, State
from support import real_people


def bouts_of(rows: list[real_people.Row]) -> list[int]:
    """From the rows: the sleep and the time without the band cut away first, minutes that follow each other joined."""
    still = [row.at for row in rows if row.state is None and row.steps == 0]
    runs = groupby(enumerate(still), key=lambda numbered: numbered[1] - numbered[0] * MINUTE)
    return [len(list(run)) for _, run in runs]


def gini_of_pairs(lengths: list[int]) -> float:
    """By its definition: half of the mean difference of any two, in means. Counted by length, or it takes minutes."""
    counts = {length: lengths.count(length) for length in set(lengths)}
    apart = sum(abs(a - b) * n * m for (a, n), (b, m) in product(counts.items(), repeat=2))
    return apart / (2 * len(lengths) * sum(lengths))


@pytest.mark.parametrize(
    ("path", "people"),
    [(real_people.SAMPLE, 3), pytest.param(real_people.EVERYBODY, 11, marks=real_people.needs_everybody)],
)
def test_zero_step_bouts_agree_with_a_second_calculation(path: Path, people: int) -> None:
    compared = 0
    for person, rows in real_people.read(path).items():
        epochs = [Epoch(row.at, MINUTE, row.steps, state=State(row.state) if row.state else None) for row in rows]
        line = timeline(
            [Source(epochs, vouches=True, reports_wear=True)],
            minute_of(rows[0].at), minute_of(rows[-1].at) + 1, ZoneInfo("UTC"),
        )  # fmt: skip
        ours, theirs = fragmentation(zero_runs(line)), bouts_of(rows)
        assert ours is not None
        assert ours.over_30 == sum(length >= 30 for length in theirs), person
        assert ours.over_60 == sum(length >= 60 for length in theirs), person
        assert ours.mean_minutes == pytest.approx(sum(theirs) / len(theirs), rel=0.02), person
        assert ours.transition_rate == pytest.approx(len(theirs) / sum(theirs), rel=0.02), person
        assert ours.gini == pytest.approx(gini_of_pairs(theirs), rel=0.02), person
        compared += 1
    assert compared == people


def test_fragmentation_of_a_few_bouts() -> None:
    found = fragmentation([10, 10, 40, 60])
    assert found is not None
    assert found[:4] == (2, 1, 30.0, 1 / 30)
    assert found.gini == pytest.approx(0.375)
    alike = fragmentation([7, 7, 7])
    assert alike is not None
    assert alike.gini == pytest.approx(0)
    assert fragmentation([]) is None
