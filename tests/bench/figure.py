"""What a benchmark found, and a table of it."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Figure(NamedTuple):
    """One line of the table. With a `baseline` the aim is for the ratio to it; smaller is better in every line."""

    what: str
    value: float
    unit: str
    baseline: float | None = None
    aim: float | None = None
    """The limit under which the ratio must stay, or the value if there is no baseline; None sets none."""

    @property
    def ratio(self) -> float | None:
        return None if self.baseline is None else self.value / self.baseline

    @property
    def measured(self) -> float:
        """What the aim is for: the ratio, or the value where there is no baseline."""
        return self.value if self.ratio is None else self.ratio

    @property
    def missed(self) -> bool:
        return self.aim is not None and self.measured >= self.aim


HEAD = ("what", "figure", "", "baseline", "ratio", "aim")


def table(figures: Sequence[Figure]) -> str:
    """Return a table with a line a figure, below the machine and the heads of the columns."""
    rows = [HEAD, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [machine()]
    for what, value, unit, *numbers in rows:
        cells = [what.ljust(widths[0]), value.rjust(widths[1]), unit.ljust(widths[2])]
        cells += [cell.rjust(width) for cell, width in zip(numbers, widths[3:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown(figures: Sequence[Figure]) -> str:
    """Return the same as a table in Markdown."""
    rows = [HEAD, *(_cells(figure) for figure in figures)]
    joined = [[what, f"{value} {unit}".strip(), *rest] for what, value, unit, *rest in rows]
    lines = [f"| {' | '.join(cells)} |" for cells in joined]
    return "\n".join([lines[0], "|---|" + "---:|" * (len(joined[0]) - 1), *lines[1:]])


def _cells(figure: Figure) -> tuple[str, ...]:
    def number(value: float | None, digits: int) -> str:
        return "" if value is None else f"{value:.{digits}f}"

    digits = 2 if figure.value < 10 else 1
    aim = "" if figure.aim is None else f"< {figure.aim:g}{'  MISSED' if figure.missed else ''}"
    return (
        figure.what,
        number(figure.value, digits),
        figure.unit,
        number(figure.baseline, digits),
        number(figure.ratio, 2),
        aim,
    )


def machine() -> str:
    """Return the CPUs and the Python version, without which no figure means anything."""
    return f"{os.cpu_count()} CPUs ({platform.machine()}), {platform.system()}, Python {platform.python_version()}"


def alternating(ours: Callable[[], T], theirs: Callable[[], T], times: int) -> tuple[list[T], list[T]]:
    """Run the two in turn, `times` each, and return their results. A machine that slows down thus slows both."""
    pairs = [(ours(), theirs()) for _ in range(times)]
    return [own for own, _ in pairs], [other for _, other in pairs]


def least(times: int, *works: Callable[[], float]) -> list[float]:
    """Run these in turn, `times` each, and return the least result of each: what other programs added least to."""
    rounds = [[work() for work in works] for _ in range(times)]
    return [min(each) for each in zip(*rounds, strict=True)]


class Cost(NamedTuple):
    """The time of one call. CPU time is the whole process's, and stops while it waits for the disk or its turn."""

    cpu_s: float
    wall_s: float


def cost(work: Callable[[], object]) -> Cost:
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    work()
    return Cost(time.process_time() - cpu_s, time.perf_counter() - wall_s)


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of one call in seconds."""
    return cost(work).wall_s


def cpu_ms(work: Callable[[], object]) -> float:
    """Return the CPU time of one call in milliseconds."""
    return cost(work).cpu_s * 1e3


def process_ms(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Run a command whose output nobody reads, and return the milliseconds of CPU that it took.

    Raises `RuntimeError` if it fails.
    """
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as started:
        _, status, used = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode:
        raise RuntimeError(f"{command} ended with {started.returncode}")
    return (used.ru_utime + used.ru_stime) * 1e3
