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

The rule sees what a band would see: the steps of each minute, None where asleep or not worn; and with posture given,
whether the minute was *upright*: at least 30 s of it not sitting, by the same sensor.

*Totals*: of each calendar day of a recording, the time sat by the sensor while awake and worn, beside the minutes of
the kind sitting with posture given. *Error*: the mean over days of their difference, whatever its sign.

A *wrist* is simulated from thigh steps as docs/rule.md says ("How a wrist is simulated"), with the seeds 0 to 11. Its
stray steps are drawn from `fitbit_minutes.csv.gz`. On so few people its figures spread widely, so that nothing but
their order means anything: steps alone, standing ends, ends and waives.

Each prompt of the default and of trusted posture is that of hipsync's own core too; if not, this command fails.

To compare with `docs/rule.md`: the first column of its table of all people is of such thigh steps, F1 only. Its 0.84
and 0.80, and 2.6 prompts per 16 h, are of the *calibrated wrist* (they make F1 .819, the second column).
"""

import csv
import gzip
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bench.nights import NO_WEAR
from hipsync.core import bouts
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import MINUTE, Epoch, State
from support.independent import TRUSTING, Line, Rule
from support.real_people import EVERYBODY, Row, read
from support.shared import LARGER

SOURCE = LARGER / "activpal_minutes.csv.gz"
LIMIT = 60
TOLERANCE = 10

START = datetime(2020, 1, 1, tzinfo=UTC)
"""Any whole minute: the rule knows no clock."""

PromptsOf = Callable[[list[int | None], list[bool]], list[int]]
"""From steps a minute (None: asleep or not worn), and whether each was upright, to rising indices of the minutes at
whose end a prompt is due."""


class Recording(NamedTuple):
    name: str
    steps: list[int | None]
    sitting: list[bool]
    upright: list[bool]
    dates: list[str]
    sat_s: list[int]
    """How long its wearer sat in each minute, awake and with the sensor worn."""


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
            recording = Recording(name, [], [], [], [], [])
            for line in lines:
                worn = line["in_bed"] == "0" and line["worn"] == "1"
                recording.steps.append(int(line["steps"]) if worn else None)
                recording.sitting.append(worn and int(line["sit_s"]) >= 30)
                recording.upright.append(worn and int(line["stand_s"]) + int(line["step_s"]) >= 30)
                recording.dates.append(line["t"][:10])
                recording.sat_s.append(int(line["sit_s"]) if worn else 0)
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
        prompts, stretches = prompts_of(recording.steps, recording.upright), due(recording.sitting)
        awake = sum(steps is not None for steps in recording.steps)
        one = Score(len(prompts), len(stretches), hits(prompts, stretches), awake)
        total = Score(*(a + b for a, b in zip(total, one, strict=True)))
    return total


def line_of(rule: Rule, steps: Sequence[int | None], upright: Sequence[bool]) -> Line:
    """Return the minutes as the independent calculation judges them, from a band that says sitting or standing."""
    rows: dict[datetime, tuple[int, str | None]] = {}
    for i, n in enumerate(steps):
        rows[START + i * MINUTE] = (0, "not_worn") if n is None else (n, "standing" if upright[i] else "sitting")
    return Line(rows, START + len(steps) * MINUTE, rule, vouches=True)


def independent(rule: Rule) -> PromptsOf:
    """Return the rule's prompts as the independent calculation finds them."""
    return lambda steps, upright: [prompt.minute for prompt in line_of(rule, steps, upright).prompts()]


def of_the_core(rule: bouts.Rule) -> PromptsOf:
    """Return the rule's prompts as hipsync finds them."""

    def prompts_of(steps: list[int | None], upright: list[bool]) -> list[int]:
        epochs = [
            Epoch(START + i * MINUTE, MINUTE, n or 0, state=State.NOT_WORN if n is None else _SAID[upright[i]])
            for i, n in enumerate(steps)
        ]
        first = minute_of(START)
        line = timeline([Source(epochs, vouches=True, reports_wear=True)], first, first + len(steps), ZoneInfo("UTC"))
        return [minute_of(s.due) - first - 1 for s in bouts.bouts(line, rule).stretches if s.due]

    return prompts_of


_SAID = {True: State.STANDING, False: State.SITTING}
POSTURE: Mapping[str, tuple[Rule, float]] = {
    "steps alone": (Rule(), 0.796),
    "standing ends": (Rule(standing_ends=True), 0.874),
    "ends and waives": (TRUSTING, 0.914),
    "waives only": (Rule(sitting_waives=True), 0.836),
}
"""What of a posture is used, and the F1 on thigh steps in docs/rule.md."""
CORE = {"steps alone": bouts.Rule(), "ends and waives": bouts.Rule(trust_posture=True)}
WRISTS = {"calibrated wrist": (0.013, 0), "small bursts lost": (0.013, 10), "noisy wrist": (0.03, 5)}
"""The chance of stray steps in a minute without any, and how many steps a minute needs to be counted."""
SEEDS = range(12)


def stray_steps() -> list[int]:
    """Return the isolated steps of real wrists: 1 to 19, with two minutes without any on both sides, awake and worn."""
    found: list[int] = []
    for person, rows in read(EVERYBODY).items():
        if person not in NO_WEAR:
            fives = (rows[i - 2 : i + 3] for i in range(2, len(rows) - 2))
            found += [five[2].steps for five in fives if [row.steps > 0 for row in five] == ALONE and _awake(five)]
    return [steps for steps in found if steps < 20]


def _awake(rows: Sequence[Row]) -> bool:
    return all(row.state is None for row in rows)


ALONE = [False, False, True, False, False]


def wrist(recording: Recording, chance: float, least: int, stray: Sequence[int], seed: int) -> Recording:
    """Return a recording with the steps that a wrist would have counted."""
    draw = random.Random(f"{recording.name} {seed}")
    steps: list[int | None] = []
    for n in recording.steps:
        seen = n if n is None or n >= least else 0
        if seen == 0 and draw.random() < chance:
            seen = draw.choice(stray)
        steps.append(seen if seen is None else min(seen, 300))
    return recording._replace(steps=steps)


class Totals(NamedTuple):
    ratio: float
    error: float  # minutes a day


def totals(people: Sequence[Recording]) -> Totals:
    """Return how well the minutes of the kind sitting agree with the time sat, with posture given."""
    days: dict[tuple[str, str], list[float]] = {}
    for recording in people:
        line = line_of(TRUSTING, recording.steps, recording.upright)
        for i, day in enumerate(recording.dates):
            both = days.setdefault((recording.name, day), [0.0, 0.0])
            both[0] += line.kind(START + i * MINUTE) == "sitting"
            both[1] += recording.sat_s[i] / 60
    found = [both for both in days.values() if any(both)]
    ratio = sum(ours for ours, _ in found) / sum(true for _, true in found)
    return Totals(ratio, sum(abs(ours - true) for ours, true in found) / len(found))


def checked(people: Sequence[Recording]) -> dict[str, Score]:
    """Return the score of each use of posture. Raises `SystemExit` if the core prompts at another minute."""
    found: dict[str, Score] = {}
    for name, (rule, _) in POSTURE.items():
        found[name] = score(independent(rule), people)
        for recording in people:
            text, core = independent(rule), of_the_core(CORE[name]) if name in CORE else None
            if core and core(recording.steps, recording.upright) != text(recording.steps, recording.upright):
                raise SystemExit(f"{recording.name}, {name}: the core and the text differ")
    return found


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
recall 0.80 and 2.6 prompts per 16 h are of the default on a simulated wrist.
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
    return with_posture(people)


def with_posture(people: Sequence[Recording]) -> int:
    """Print what a trusted posture adds; return 1 if a figure is not that of docs/rule.md."""
    print(f"\n{'with posture given, F1':24}" + "".join(f"{name:>22}" for name in POSTURE))
    thigh = checked(people)
    print(f"{'thigh steps':24}" + "".join(f"{thigh[name].f1:22.3f}" for name in POSTURE))
    wrong = [name for name, (_, told) in POSTURE.items() if abs(thigh[name].f1 - told) > 0.01]
    if EVERYBODY.exists():
        stray = stray_steps()
        for name, (chance, least) in WRISTS.items():
            seeds = [checked([wrist(each, chance, least, stray, seed) for each in people]) for seed in SEEDS]
            f1 = {use: [scores[use].f1 for scores in seeds] for use in POSTURE}
            print(f"{name:24}" + "".join(f"{mean(f1[use]):15.3f} +-{stdev(f1[use]):.3f}" for use in POSTURE))
            steps, ends, both, _ = (mean(f1[use]) for use in POSTURE)
            wrong += [] if steps < ends < both else [name]
    total = totals(people)
    print(f"\ntotals with posture given: ratio {total.ratio:.3f}, error {total.error:.1f} min a day")
    wrong += ["totals"] if total.error > 10 else []
    if wrong:
        print(f"not as docs/rule.md says: {', '.join(wrong)}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
