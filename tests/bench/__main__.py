"""Benchmarks of hipsync, each beside a floor that its own docstring defines. They are run in the folder `tests`.

    uv run python -m bench                  all of them: takes some minutes
    uv run python -m bench today sync       these
    uv run python -m bench --write          the same, written into docs/performance.md
    uv run python -m bench --check today    fails if a figure is worse by a fifth than what `known.json` says
    uv run python -m bench.growth           commands and copies after 1, 2, 5 and 10 years
    uv run python -m bench.fleet            1,000 wearers in a Postgres of their own; needs Debian's
    uv run python -m bench.gateway FILE     a day of 50 wearers on one gateway
    uv run python -m bench.peers            other programs beside the same floors, where they can be installed
    uv run python -m bench.activpal         the rule's prompts against posture sensors; needs ../shared/data
    uv run python -m bench.sleepers         prompts for sleepers, with and without a heart rate; needs ../shared/data
    uv run python -m bench.nights           evening hours that the rule of nights costs; needs ../shared/data
    uv run python -m bench.since FOLDER     every minute and prompt beside an earlier commit's; needs ../shared/data
    uv run python -m bench.repeated         lines that the simulated bands of two families share

    store       a year of minutes into SQLite, beside a plain executemany; bytes a minute
    today       the processes `hipsync today --json`, `status` and `status --line`, beside a script that fetches rows
    live        the first picture of `hipsync live`, beside a Textual app with one label
    month       the processes `hipsync week` and `month`, beside `today`; with days judged before, and without
    sync        30 days from a simulated band, beside a client that discards them plus a plain executemany
    summary     a day, each day of a year, and the look at a wake, beside fetching the same rows
    demo        `hipsync demo` of each family
    interchange a year in by CSV and JSON, beside a plain executemany, and out, beside fetchall; the page of a month
    bands       50 simulated bands of all families in one process, synced; memory a band above their own

A ratio is of figures of runs taken in turn, so that it means something on a busy machine too; milliseconds do not.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import bands, demo, interchange, live, month, store, summary, sync, today
from bench.figure import Figure, machine, markdown, table

BENCHES: Mapping[str, Callable[[Path], list[Figure]]] = {
    "store": store.figures,
    "today": today.figures,
    "live": live.figures,
    "month": month.figures,
    "sync": sync.figures,
    "summary": summary.figures,
    "demo": demo.figures,
    "bands": bands.figures,
    "interchange": interchange.figures,
}
KNOWN = Path(__file__).with_name("known.json")
"""The ratios that were measured when somebody last looked at them, by what they are of."""
WORSE = 1.2
"""A ratio that is more than so many times the known one has become worse."""
TRIES = 3
"""How often a benchmark is run before one of its figures counts as worse: what another program adds is never less."""
PAPER = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- begin: python -m bench --write -->", "<!-- end -->"


def main(words: Sequence[str]) -> int:
    names = [word for word in words if not word.startswith("--")]
    if unknown := {*names} - set(BENCHES) | {word for word in words if word.startswith("--")} - {"--check", "--write"}:
        print(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    chosen = names or list(BENCHES)
    with tempfile.TemporaryDirectory(prefix="hipsync-bench-") as folder:
        if "--check" in words:
            return _check(chosen, Path(folder))
        figures = [figure for name in chosen for figure in _measured(name, Path(folder))]
    print(table(figures))
    if "--write" in words:
        write(figures)
    return 0


def _measured(name: str, folder: Path) -> list[Figure]:
    print(f"{name} ...", file=sys.stderr)
    return BENCHES[name](folder)


def _check(names: Sequence[str], folder: Path) -> int:
    """Print the figures, and return 1 if one of them is worse than known however often it is measured."""
    known: dict[str, float] = json.loads(KNOWN.read_text("utf-8"))
    came = 0
    for name in names:
        best = {figure.what: figure for figure in _measured(name, folder)}
        for _ in range(TRIES - 1):
            if worse(list(best.values()), known):
                again = {figure.what: figure for figure in _measured(name, folder)}
                best = {what: min(each, again[what], key=lambda of: of.measured) for what, each in best.items()}
        print(table(list(best.values())))
        for what in worse(list(best.values()), known):
            print(f"WORSE than the {known[what]:g} that is known, by more than a fifth: {what}")
            came = 1
    return came


def worse(figures: Sequence[Figure], known: Mapping[str, float]) -> list[str]:
    """Return what has become worse than `known`; a figure that is not known is not."""
    return [each.what for each in figures if each.what in known and each.measured > WORSE * known[each.what]]


def write(figures: Sequence[Figure], paper: Path = PAPER) -> None:
    """Put the figures into the place that the paper has for them. Raises `ValueError` if it has none."""
    before, _, rest = paper.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{paper.name} has no place for the figures")
    paper.write_text(f"{before}{BEGIN}\n\n{machine()}.\n\n{markdown(figures)}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
