"""The benchmarks run, at a tiny size. How fast is not asked here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import bands, demo, interchange, live, month, store, summary, sync, today
from bench.__main__ import main
from bench.figure import Figure, table


@pytest.mark.parametrize(
    ("figures", "minutes", "rows"),
    [
        (store.figures, 3000, 4),
        (today.figures, 3000, 1),
        (live.figures, 3000, 1),
        (month.figures, 90000, 2),
        (summary.figures, 3000, 2),
        (interchange.figures, 90000, 3),
    ],
)
def test_a_benchmark_of_the_store_runs(
    figures: Callable[[Path, int, int], list[Figure]], minutes: int, rows: int, tmp_path: Path
) -> None:
    found = figures(tmp_path, minutes, 1)
    assert len(found) == rows
    assert all(figure.value > 0 for figure in found)


def test_both_sides_of_a_sync_receive_the_same(tmp_path: Path) -> None:
    assert all(figure.ratio for figure in sync.figures(tmp_path, 2500, 1)[::2][:2])  # it raises if they do not


@pytest.mark.ring
def test_the_demo_is_timed(tmp_path: Path) -> None:
    assert demo.figures(tmp_path, 1)[0].value > 0


@pytest.mark.ring
def test_fifty_bands_are_synced_in_one_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = bands.figures(tmp_path)  # it raises if a band was not synced, or told other steps than its wearer's
    with capsys.disabled():
        print(f"\n{table(found)}")
    assert all(figure.value >= 0 for figure in found)


def test_the_table_tells_ratios_and_what_missed_its_aim() -> None:
    figures = [
        Figure("fast", 1.5, "s", 1.0, 2.0),
        Figure("slow", 30.0, "ms", 10.0, 2.0),
        Figure("small", 22.34, "B", aim=24),
        Figure("large", 24.0, "B", aim=24),
        Figure("alone", 0.25, "s"),
    ]
    assert table(figures).splitlines()[1:] == [
        "what   figure      baseline  ratio           aim",
        "fast     1.50  s       1.00   1.50           < 2",
        "slow     30.0  ms      10.0   3.00   < 2  MISSED",
        "small    22.3  B                            < 24",
        "large    24.0  B                    < 24  MISSED",
        "alone    0.25  s",
    ]


def test_an_unknown_benchmark_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stroe"]) == 2
    assert (
        capsys.readouterr().err
        == "no benchmark stroe: there are store, today, live, month, sync, summary, demo, bands, interchange\n"
    )
