"""How well a rule's prompts agree with thigh-worn posture: precision and recall of the 60-minute alert.

Run: `uv run python -m bench.activpal`. The data lie beside the repository
(three people, four recordings, from the GPL R packages activpalProcessing, activPAL and Sojourn).

*A sitting minute* is awake (`in_bed` 0), worn, and sat through for at least half (`sit_s` >= 30; exactly 30 counts).
*A true stretch* is a run of 60 or more sitting minutes in a row within one recording; any other minute, in bed and not
worn included, ends it. It is due once, at its 60th minute, however long it lasts.
*A hit* is a prompt at most 10 minutes before or after that minute, 10 included. One prompt can hit only one stretch,
and the reverse. Of several candidates the earliest prompt takes the earliest stretch still free, which makes as many
hits as there can be. A second prompt near one stretch is a false one. Recordings are matched separately and then
pooled: precision = hits / prompts, recall = hits / true stretches, F1 their harmonic mean. Prompts per 16 h are
counted on awake, worn time.

The rule sees what a band would see: the steps of each minute, None where asleep or not worn.

To compare with `docs/rule.md`: its table's first column is of such thigh steps, F1 only. Its 0.84 and 0.80, and
2.6 prompts per 16 h, are of the *calibrated wrist* (they make F1 .819, the second column). How a wrist was simulated
is not written down, so the other columns cannot be calculated again here.
"""

import csv
import gzip
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from support.independent import Line, Rule
from support.shared import LARGER

SOURCE = LARGER / "activpal_minutes.csv.gz"
LIMIT = 60
TOLERANCE = 10

PromptsOf = Callable[[list[int | None]], list[int]]
"""From steps a minute (None: asleep or not worn) to rising indices of the minutes at whose end a prompt is due."""


class Recording(NamedTuple):
    name: str
    steps: list[int | None]
    sitting: list[bool]


class Score(NamedTuple):
    prompts: int
    stretches: int
    hits: int
    minutes: int  # awake and worn

    @property
    def precision(self) -> float:
        return self.hits / self.prompts if self.prompts else 0.0

    @property
    def recall(self) -> float:
        return self.hits / self.stretches if self.stretches else 0.0

    @property
    def f1(self) -> float:
        either = self.prompts + self.stretches
        return 2 * self.hits / either if either else 0.0

    @property
    def prompts_per_16h(self) -> float:
        return self.prompts / self.minutes * 16 * 60 if self.minutes else 0.0


def recordings(path: Path = SOURCE) -> list[Recording]:
    """Return the recordings in the order of the file, which has no missing rows."""
    found: list[Recording] = []
    with gzip.open(path, "rt", newline="") as file:
        for name, lines in groupby(csv.DictReader(file), key=lambda line: line["rec"]):
            recording = Recording(name, [], [])
            for line in lines:
                worn = line["in_bed"] == "0" and line["worn"] == "1"
                recording.steps.append(int(line["steps"]) if worn else None)
                recording.sitting.append(worn and int(line["sit_s"]) >= 30)
            found.append(recording)
    return found


def due(sitting: Sequence[bool]) -> list[int]:
    """Return the index of the 60th minute of every run of sitting minutes that is as long as that."""
    found: list[int] = []
    run = 0
    for i, sits in enumerate(sitting):
        run = run + 1 if sits else 0
        if run == LIMIT:
            found.append(i)
    return found


def hits(prompts: Sequence[int], stretches: Sequence[int]) -> int:
    """Return how many pairs at most `TOLERANCE` minutes apart there are, each index used once; both rise."""
    found = p = s = 0
    while p < len(prompts) and s < len(stretches):
        if abs(prompts[p] - stretches[s]) <= TOLERANCE:
            found, p, s = found + 1, p + 1, s + 1
        elif prompts[p] < stretches[s]:
            p += 1
        else:
            s += 1
    return found


def score(prompts_of: PromptsOf, people: Sequence[Recording] | None = None) -> Score:
    """Return how well a rule agrees with all recordings, or with those in `people`."""
    total = Score(0, 0, 0, 0)
    for recording in recordings() if people is None else people:
        prompts, stretches = prompts_of(recording.steps), due(recording.sitting)
        awake = sum(steps is not None for steps in recording.steps)
        one = Score(len(prompts), len(stretches), hits(prompts, stretches), awake)
        total = Score(*(a + b for a, b in zip(total, one, strict=True)))
    return total


def independent(rule: Rule) -> PromptsOf:
    """Return the rule's prompts as the independent calculation finds them."""
    start = datetime(2020, 1, 1, tzinfo=UTC)  # any whole minute: the rule knows no clock

    def prompts_of(steps: list[int | None]) -> list[int]:
        minutes = [start + timedelta(minutes=i) for i in range(len(steps))]
        rows = {at: (0, "not_worn") if n is None else (n, None) for at, n in zip(minutes, steps, strict=True)}
        line = Line(rows, start + timedelta(minutes=len(steps)), rule, vouches=True)
        return [prompt.minute for prompt in line.prompts()]

    return prompts_of


# The document's F1 on thigh steps beside each rule, from the table in `docs/rule.md`.
RULES: Mapping[str, tuple[PromptsOf, float]] = {
    "any minute with steps": (independent(Rule(break_steps=1, moves=0)), 0.830),
    "20 steps in 5 minutes": (independent(Rule(moves=0)), 0.765),
    "the default": (independent(Rule()), 0.831),
}
PUBLISHED_STRETCHES = 184


ABOVE = """\
Prompts after an hour of sitting, against a posture sensor on the thigh: {recordings} recordings of 3 people,
{hours} h awake and worn. A moment is when {limit} minutes of unbroken sitting are full; a hit is a prompt at most
{tolerance} minutes from it. Precision: the share of prompts that are hits; recall: of moments that are hit.
"""
BELOW = """
docs/rule.md: its F1 on thigh steps, from 13 recordings of 11 people with {stretches} moments. Its precision 0.84,
recall 0.80 and 2.6 prompts per 16 h are of the default on a simulated wrist, which is not tried here.
Why ours may differ: there are fewer people (one hit more or less is {one:.3f} of F1 here), and the document says
neither what a sitting minute is nor how prompts and moments are paired; see the docstring of this file."""


def main() -> int:
    if not SOURCE.exists():
        print(f"the recordings are not here: {SOURCE}", file=sys.stderr)
        return 1
    people = recordings()
    default = score(RULES["the default"][0], people)
    print(
        ABOVE.format(recordings=len(people), hours=default.minutes // 60, tolerance=TOLERANCE, limit=LIMIT),
    )
    print(
        f"{'what ends a stretch':24}{'prompts':>9}{'moments':>9}{'hits':>6}{'precision':>11}{'recall':>8}{'F1':>7}"
        f"{'rule.md':>12}{'per 16 h':>10}"
    )
    for name, (prompts_of, told) in RULES.items():
        s = score(prompts_of, people)
        print(
            f"{name:24}{s.prompts:9}{s.stretches:9}{s.hits:6}{s.precision:11.2f}{s.recall:8.2f}"
            f"{s.f1:7.3f}{told:12.3f}{s.prompts_per_16h:10.1f}"
        )
    print("\nthe default, by recording:")
    for recording in people:
        s = score(RULES["the default"][0], [recording])
        print(f"  {recording.name:12} {s.prompts:3} prompts {s.stretches:3} moments {s.hits:3} hits  F1 {s.f1:.3f}")
    print(BELOW.format(stretches=PUBLISHED_STRETCHES, one=2 / (default.prompts + default.stretches)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
