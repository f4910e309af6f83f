"""The benchmarks run, at a tiny size. How fast is not asked here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import bands, interchange, live, month, store, summary, sync, today
from bench.__main__ import BEGIN, END, main, worse, write
from bench.figure import Figure, machine, table


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled byte code of the programs that are measured: of its own, and made once for all of them."""
    return tmp_path_factory.mktemp("compiled")


@pytest.mark.parametrize(
    ("figures", "minutes", "rows"),
    [
        (store.figures, 3000, 4),
        (today.figures, 3000, 3),
        (live.figures, 3000, 1),
        (month.figures, 50000, 3),
        (summary.figures, 3000, 3),
        (interchange.figures, 20000, 8),
    ],
)
def test_a_benchmark_of_the_store_runs(
    figures: Callable[[Path, int, int], list[Figure]], minutes: int, rows: int, tmp_path: Path, compiled: Path
) -> None:
    (tmp_path / "compiled").symlink_to(compiled)
    found = figures(tmp_path, minutes, 1)
    assert len(found) == rows
    assert all(figure.value > 0 for figure in found)


def test_both_sides_of_a_sync_receive_the_same(tmp_path: Path) -> None:
    found = sync.figures(tmp_path, 2500, 1)  # it raises if they do not
    assert [figure.ratio is not None for figure in found] == [True, True, False] * 2


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


def test_a_figure_is_worse_if_its_ratio_has_grown_by_more_than_a_fifth() -> None:
    known = {"fast": 1.5, "small": 20.0, "gone": 1.0}
    assert (
        worse([Figure("fast", 17.9, "s", 10.0), Figure("small", 24.0, "B"), Figure("new", 9.0, "s", 1.0)], known) == []
    )
    assert worse([Figure("fast", 18.1, "s", 10.0), Figure("small", 24.1, "B")], known) == ["fast", "small"]


def test_figures_are_written_into_their_place_and_nowhere_else(tmp_path: Path) -> None:
    paper = tmp_path / "performance.md"
    for kept in ("nothing yet", "an older table"):
        paper.write_text(f"before\n{BEGIN}\n{kept}\n{END}\nafter\n")
        write([Figure("fast", 1.5, "s", 1.0, 2.0)], paper)
        assert paper.read_text().splitlines() == [
            "before", BEGIN, "", f"{machine()}.", "",
            "| what | figure | baseline | ratio | aim |", "|---|---:|---:|---:|---:|",
            "| fast | 1.50 s | 1.00 | 1.50 | < 2 |", "", END, "after",
        ]  # fmt: skip
    paper.write_text("no place")
    with pytest.raises(ValueError, match="no place for the figures"):
        write([], paper)


def test_an_unknown_benchmark_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stroe"]) == 2
    assert (
        capsys.readouterr().err
        == "no benchmark stroe: there are store, today, live, month, sync, summary, demo, bands, interchange\n"
    )
