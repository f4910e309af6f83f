"""The campaign itself: its judge is right on cases made by hand and knows nothing of hipsync; each mutant is seen."""

from __future__ import annotations

import csv
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from campaign import judge
from campaign.power import HEAD, after_cut
from campaign.run import stamp
from campaign.table import campaign_of, loaded
from support.repository import ROOT, TESTS

TRUTH = {"band": {100: 5, 101: 0, 102: 7}}


def database(path: Path, *rows: tuple[str, int, int, int]) -> Path:
    """Make a database with these (band, minute, length, steps)."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE bands (id INTEGER PRIMARY KEY, name TEXT)")
        db.execute("CREATE TABLE epochs (band INTEGER, start INTEGER, length INTEGER, steps INTEGER)")
        names = sorted({name for name, *_ in rows})
        db.executemany("INSERT INTO bands VALUES (?, ?)", enumerate(names))
        values = [(names.index(name), minute * 60, length, steps) for name, minute, length, steps in rows]
        db.executemany("INSERT INTO epochs VALUES (?, ?, ?, ?)", values)
    return path


def test_the_judge_sees_what_is_lost_and_what_is_doubled(tmp_path: Path) -> None:
    right = judge.stored(database(tmp_path / "right", ("band", 100, 1, 5), ("band", 101, 1, 0), ("band", 102, 1, 7)))
    assert (judge.lost(TRUTH, right), judge.doubled(TRUTH, right)) == (0, 0)
    short = judge.stored(database(tmp_path / "short", ("band", 100, 1, 5), ("band", 102, 1, 6)))
    assert (judge.lost(TRUTH, short), judge.doubled(TRUTH, short)) == (2, 0)
    twice = judge.stored(database(tmp_path / "twice", ("band", 100, 1, 5), ("band", 100, 3, 5), ("copy", 100, 1, 5)))
    assert judge.doubled(TRUTH, twice) == 2


def test_the_judge_reads_an_export_as_it_reads_a_database(tmp_path: Path) -> None:
    with (tmp_path / "x.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerows([("timestamp", "steps", "band"), *((stamp(at), n, "band") for at, n in TRUTH["band"].items())])
    found = judge.exported(tmp_path / "x.csv")
    assert (judge.lost(TRUTH, found), judge.doubled(TRUTH, found)) == (0, 0)


def test_the_judge_allows_one_prompt_after_an_hour_of_sitting_and_no_other() -> None:
    sat, moved = dict.fromkeys(range(60), 0), dict.fromkeys(range(60), 0) | {30: 8}
    assert judge.wrong_prompts(sat, ["once"], allowed=True) == 0
    assert judge.wrong_prompts(sat, ["once", "twice"], allowed=True) == 1
    assert judge.wrong_prompts(sat, ["in quiet time"], allowed=False) == 1
    assert judge.wrong_prompts(moved, ["too early"], allowed=True) == 1


def test_the_judge_counts_tracebacks_on_any_stream() -> None:
    text = "hipsync: one line\nTraceback (most recent call last):\n  x\nTask exception was never retrieved\n"
    assert judge.troubles([text, "fine"]) == 2


def test_judge_and_campaign_import_nothing_of_hipsync() -> None:
    """An error of hipsync must not be able to hide itself in the judge."""
    asked = "import sys, campaign.table as t; t.loaded(); print([m for m in sys.modules if m.startswith('hipsync')])"
    done = subprocess.run([sys.executable, "-c", asked], cwd=TESTS, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def note(what: str, path: str, at: int = 0, data: bytes = b"") -> bytes:
    return HEAD.pack(ord(what), len(path), at, len(data), 0) + path.encode() + data


def test_a_power_cut_keeps_what_was_synced_and_may_lose_the_rest(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(
        note("w", "/a", 0, b"synced")
        + note("s", "/a")
        + note("w", "/a", 0, b"LOOSE!")
        + note("c", "/b")
        + note("u", "/a")
    )
    cuts = [after_cut({"/a": b"before"}, log, random.Random(seed)) for seed in range(60)]
    assert {cut["/a"] for cut in cuts if "/a" in cut} == {b"synced", b"LOOSE!"}
    assert {tuple(sorted(cut)) for cut in cuts} == {("/a",), ("/a", "/b"), ("/b",)}  # names are kept in their order


def test_there_are_kinds_enough_and_the_page_has_each_of_them() -> None:
    assert len(loaded()) >= 25
    page = (ROOT / "docs" / "trust.md").read_text("utf-8")
    assert [name for name, kind in loaded().items() if f"| `{name}` | {kind.what}" not in page] == []


def test_a_few_runs_lose_nothing() -> None:
    (row,) = campaign_of(["kill-sync"], 2, 0, 1)
    assert [outcome.survived for _, outcome in row.outcomes] == [True, True]


@pytest.mark.ring
@pytest.mark.parametrize(
    ("mutant", "kind", "runs"),
    [
        ("commit-after-acknowledge", "kill-sync", 12),
        ("no-fsync", "power-cut-unsynced", 12),
        ("prompts-not-stored-first", "kill-prompt", 6),
        ("backup-unchecked", "page-overwritten", 4),
        ("since-unclamped", "future-rows", 3),
    ],
)
def test_an_error_on_purpose_is_seen(mutant: str, kind: str, runs: int) -> None:
    (wrong,) = campaign_of([kind], runs, 0, 2, mutant)
    assert wrong.is_red
    (right,) = campaign_of([kind], runs, 0, 2)
    assert not right.is_red, "it is red without the mutant, too"
