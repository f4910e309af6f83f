"""The campaign's command line: shares the runs out, runs them in some threads, and prints what they came to."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import resource
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import campaign.kinds
from campaign.kinds import KINDS, Kind, LeftOut
from campaign.processes import Job
from campaign.run import Outcome, Run

SLOW_RUNS = 50
"""The most runs of a kind that takes over five seconds a run."""
HEAD = ("kind", "runs", "hit", "survived", "lost", "doubled", "prompts", "traces", "broken", "MiB", "s a run")


@dataclass
class Row:
    """What all runs of one kind came to."""

    kind: Kind
    outcomes: list[tuple[int, Outcome]] = field(default_factory=list[tuple[int, Outcome]])
    """(seed, outcome) of each run."""
    took_s: float = 0.0
    left_out: str | None = None

    def cells(self) -> list[str]:
        each = [outcome for _, outcome in self.outcomes]
        if self.left_out is not None:
            return [self.kind.name, f"LEFT OUT: {self.left_out}"]
        numbers = (
            len(each), sum(o.hit for o in each), sum(o.survived for o in each), sum(o.lost for o in each),
            sum(o.doubled for o in each), sum(o.prompts for o in each), sum(o.tracebacks for o in each),
            sum(len(o.broken) for o in each), max((o.peak for o in each), default=0) >> 20,
        )  # fmt: skip
        return [self.kind.name, *(f"{n:,}" for n in numbers), f"{self.took_s / max(len(each), 1):.2f}"]

    @property
    def is_red(self) -> bool:
        return any(not outcome.survived for _, outcome in self.outcomes)


def loaded() -> dict[str, Kind]:
    """Import every module of `campaign.kinds`, and return the kinds in order."""
    for module in pkgutil.iter_modules(campaign.kinds.__path__):
        importlib.import_module(f"campaign.kinds.{module.name}")
    return KINDS


class Plan:
    """Which run comes next, for all threads: each kind gets as many runs that are truly hit as any other."""

    def __init__(self, rows: Sequence[Row], runs: int, seed: int, within_s: float = float("inf")) -> None:
        """`runs` in all; a slow kind gets no more than `SLOW_RUNS`, and a tenth of them if there are few.

        No run begins more than `within_s` seconds from now.
        """
        self._until_s = time.monotonic() + within_s
        share = max(runs // len(rows), 1)
        slow = sum(not row.kind.quick for row in rows)
        self._slow_runs = min(max(share // 4, 1), SLOW_RUNS) if slow < len(rows) else share
        self._quick_left = max(runs - slow * self._slow_runs, len(rows) - slow)
        self._most = 3 * share
        self._rows, self._seed = rows, seed
        self._begun = {row.kind.name: 0 for row in rows}
        self.lock = threading.Lock()

    def next(self, *, slow: bool) -> tuple[Row, int] | None:
        """The next run as (its row, its seed), of slow kinds only or of quick ones only; None if there is none left."""
        with self.lock:
            open_rows = [row for row in self._rows if row.kind.quick is not slow and row.left_out is None]
            if slow:
                open_rows = [row for row in open_rows if self._begun[row.kind.name] < self._slow_runs]
            else:
                open_rows = [row for row in open_rows if self._begun[row.kind.name] < self._most]
                open_rows = open_rows if self._quick_left > 0 else []
            if not open_rows or time.monotonic() >= self._until_s:
                return None
            row = min(open_rows, key=self._worth)
            number = self._begun[row.kind.name]
            self._begun[row.kind.name] += 1
            self._quick_left -= not slow
            return row, self._seed + number

    def _worth(self, row: Row) -> int:
        """How many runs of a kind are hit, taking those under way for hit."""
        missed = sum(not outcome.hit for _, outcome in row.outcomes)
        return self._begun[row.kind.name] - missed


def one(job: Job, kind: Kind, seed: int, keep: bool) -> Outcome:
    """Make one run in a folder of its own. Raises `LeftOut`."""
    folder = Path(tempfile.mkdtemp(prefix=f"{kind.name}-{seed}-", dir=job.folder))
    run = Run(job, kind.name, seed, folder)
    left_out: LeftOut | None = None
    steps: tuple[Callable[[], None], ...] = (partial(kind.go, run), run.close)
    for step in steps:
        try:
            step()
        except LeftOut as lacking:
            left_out = lacking
        except Exception:  # noqa: BLE001  a run that cannot be judged is red, and the others go on
            run.broke("the run itself failed: " + " | ".join(traceback.format_exc().splitlines()[-3:]))
    if keep:
        print(f"kept: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    if left_out is not None:
        raise left_out
    return run.outcome


def work(folder: Path, plan: Plan, mutant: str | None, keep: bool, slow: bool) -> None:
    """Make runs until there are none left."""
    folder.mkdir()
    job = Job(folder, mutant)
    try:
        while (task := plan.next(slow=slow)) is not None:
            row, seed = task
            began = time.monotonic()
            try:
                outcome = one(job, row.kind, seed, keep)
            except LeftOut as lacking:
                row.left_out = str(lacking)
                continue
            with plan.lock:
                row.outcomes.append((seed, outcome))
                row.took_s += time.monotonic() - began
                if not outcome.survived:
                    report(row.kind, seed, outcome)
    finally:
        job.close()


def report(kind: Kind, seed: int, outcome: Outcome) -> None:
    """Say at once what a run has broken, and how to see it again."""
    counts = f"{outcome.lost} lost, {outcome.doubled} doubled, {outcome.prompts} prompts, {outcome.tracebacks} traces"
    print(
        f"RED --kind {kind.name} --seed {seed}: {counts}",
        *outcome.broken,
        *outcome.seen,
        sep="\n    ",
        file=sys.stderr,
        flush=True,
    )


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The table, with the widths that its cells need."""
    table = [list(HEAD), *(row.cells() for row in rows)]
    widths = [max(len(cells[i]) for cells in table if len(cells) == len(HEAD)) for i in range(len(HEAD))]
    widths[0] = max(len(cells[0]) for cells in table)
    for cells in table:
        if len(cells) < len(HEAD):
            yield f"{cells[0]:<{widths[0]}}  {cells[1]}"
        else:
            rest = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))
            yield f"{cells[0]:<{widths[0]}}  {rest}"


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """The table as docs/trust.md has it, with what each kind is."""
    yield "| " + " | ".join(("kind", "what happens", *HEAD[1:-1])) + " |"
    yield "|---" * 2 + "|--:" * (len(HEAD) - 2) + "|"
    for row in rows:
        cells = [*row.cells()[1:-1], *[""] * len(HEAD)] if row.left_out is None else [row.cells()[1], *[""] * len(HEAD)]
        yield "| " + " | ".join((f"`{row.kind.name}`", row.kind.what, *cells[: len(HEAD) - 2])) + " |"


def campaign_of(
    names: Sequence[str],
    runs: int,
    seed: int,
    jobs: int,
    mutant: str | None = None,
    *,
    keep: bool = False,
    within_s: float = float("inf"),
) -> list[Row]:
    """Make the runs, and return a row for each kind. The seeds count on from `seed`."""
    kinds = [loaded()[name] for name in names] or list(loaded().values())
    rows = [Row(kind) for kind in kinds]
    plan = Plan(rows, runs, seed, within_s)
    fast = Path("/dev/shm")  # noqa: S108  what is on the disk is said by the kinds, not by a real disk
    with tempfile.TemporaryDirectory(prefix="hipsync-campaign-", dir=fast if fast.is_dir() else None) as folder:
        Path(folder).chmod(0o755)
        slows = [False] * jobs + [True] * min(jobs, sum(not kind.quick for kind in kinds))  # slow ones mostly wait
        threads = [
            threading.Thread(target=work, args=(Path(folder) / str(number), plan, mutant, keep, slow))
            for number, slow in enumerate(slows)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if keep:
            shutil.copytree(folder, Path(tempfile.gettempdir()) / Path(folder).name, symlinks=True, ignore=_sockets)
    return rows


def _sockets(folder: str, names: list[str]) -> list[str]:
    """Return the names of the sockets among these files of a folder: they cannot be copied."""
    return [name for name in names if (Path(folder) / name).is_socket()]


def main() -> None:
    """Parse the arguments, run, print the table, and exit with 1 if anything is red."""
    parser = argparse.ArgumentParser(prog="python -m campaign", description="Strike real hipsync processes.")
    parser.add_argument("--runs", type=int, default=300, help="how many in all (300)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after so many (no limit)")
    parser.add_argument("--kind", action="append", default=[], choices=list(loaded()), help="only this kind")
    parser.add_argument("--seed", type=int, help="the first seed; with one --kind and no --runs, this run alone")
    cores = os.cpu_count() or 2
    parser.add_argument("--jobs", type=int, default=cores, help="runs at the same time (one a core)")
    parser.add_argument("--mutant", help="an error made on purpose: see campaign/mutants.py")
    parser.add_argument("--keep", action="store_true", help="keep the folders of the runs")
    parser.add_argument("--markdown", action="store_true", help="print the table as docs/trust.md has it")
    parser.add_argument("--list", action="store_true", help="list the kinds")
    given = parser.parse_args()
    if given.list:
        for each in loaded().values():
            print(f"{each.name:<24}{each.what}{'' if each.quick else ' (slow)'}")
        return
    runs = 1 if given.seed is not None and "--runs" not in " ".join(sys.argv) else given.runs
    began = time.monotonic()
    rows = campaign_of(
        given.kind, runs, given.seed or 0, given.jobs, given.mutant, keep=given.keep, within_s=60 * given.minutes
    )
    print(*(markdown if given.markdown else lines)(rows), sep="\n")
    total = sum(len(row.outcomes) for row in rows)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(each.ru_utime + each.ru_stime for each in used)
    minutes = (time.monotonic() - began) / 60
    print(
        f"{total:,} runs of {len(rows)} kinds in {minutes:.1f} minutes; {cpu_s / max(total, 1):.2f} s of a core a run"
    )
    sys.exit(any(row.is_red for row in rows))
