"""The evidence that is kept is that of these drivers, rules and vectors, and the tables are made of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evidence import measure, table, vectors
from evidence.known import NOT_MET
from hipsync.evidence import Proof, proof_of
from hipsync.registry import drivers, proof
from hipsync.testing import RULES
from support.repository import ROOT

KEPT = measure.read()
STALE = "stale: `uv run python -m evidence --write`"


def test_the_tables_of_bands_are_made_of_the_evidence() -> None:
    assert table.written(table.WEARERS) == table.wearers_table(KEPT), STALE
    assert table.written(table.AUTHORS) == table.authors_tables(KEPT), STALE


@pytest.mark.parametrize("key", sorted(measure.ours()))
def test_each_family_has_evidence_that_it_keeps_every_rule(key: str) -> None:
    assert key in KEPT["families"], STALE
    assert sorted(KEPT["families"][key]["rules"]) == sorted(rule.__name__ for rule in RULES), STALE
    assert KEPT["families"][key]["rules_known"] == len(RULES), STALE


def test_each_vector_of_a_family_is_met_or_it_is_said_why_not() -> None:
    for key, family in KEPT["families"].items():
        kept = {kind: dict(held) for kind, held in family["vectors"].items()}
        published = [each for each in vectors.vectors() if each.family == key]
        left = {each.id for each in published} - family["not_met"].keys()
        assert left == {each for held in kept.values() for each in held}, STALE
        assert all(kept[each.kind][each.id] == each.source for each in published if each.id in left), STALE
        assert all(family["not_met"].values())
    counted = {each.family for each in vectors.vectors()} - KEPT["families"].keys()
    assert counted == KEPT["without_driver"].keys(), STALE
    assert not counted & drivers().keys(), STALE


def test_nobody_excuses_a_vector_that_is_not_there() -> None:
    assert NOT_MET.keys() <= {each.id for each in vectors.vectors()}


def test_the_captures_in_the_evidence_are_there() -> None:
    kept = {name for family in KEPT["families"].values() for name in family["captures"]}
    there = {path.relative_to(measure.CAPTURES).with_suffix("").as_posix() for path in measure.CAPTURES.rglob("*.txt")}
    assert kept == there, STALE


@pytest.mark.ring
def test_measured_anew_the_evidence_is_what_is_kept() -> None:
    """Without the kit's rules, which `testing/test_every_driver.py` runs, and of which each must be kept: see above."""
    done = subprocess.run(
        [sys.executable, "-m", "evidence", "--without-rules"],
        cwd=ROOT / "tests", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


# ------------------------------------------------------------------ proof


def test_a_driver_of_ours_states_its_proof() -> None:
    fitpro = proof("fitpro")
    assert (fitpro.level, fitpro.rules, fitpro.reported) == ("recorded", len(RULES), 0)
    assert fitpro.recorded == len(KEPT["families"]["fitpro"]["vectors"]["recorded"]) > 5
    assert proof("infinitime").level == "firmware"


def test_a_driver_that_nobody_knows_states_none() -> None:
    assert proof("nobody") == Proof()
    assert (Proof().level, Proof().sentence()) == ("not stated", "proof not stated")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"families": 5}', '{"families": {"x": {"vectors": {"recorded": 3}}}}', "\0"]
)
def test_a_file_that_makes_no_sense_states_none(text: str) -> None:
    assert proof_of("x", text) == Proof()


def test_the_level_is_the_strongest_that_holds() -> None:
    told = Proof(recorded=11, published=3, captures=2, rules=10, rules_known=10, bluez=True)
    assert (told.level, told.levels) == ("recorded", ("recorded", "published", "simulated"))
    assert told.sentence() == (
        "11 recordings that others made of bands, 3 published by others, 2 conversations of others, "
        "simulated (10 of 10 rules), on BlueZ; no real band yet"
    )
    assert Proof(rules=9, rules_known=10).level == "not stated"
    assert Proof(reported=1, recorded=1).level == "real band"


# ------------------------------------------------------------------ the measure itself


def test_a_vector_is_met_by_its_bytes_in_a_module_that_names_it_and_by_nothing_less(tmp_path: Path) -> None:
    published = next(each for each in vectors.vectors() if each.id == "fit-hr")
    module = tmp_path / "test_x.py"
    module.write_text("# fit-hr, fit-time")
    (value,) = [value.hex() for value in published.values]
    assert measure.met_by({str(module): {"fitpro": [value]}}) == {("fitpro", "fit-hr")}
    assert measure.met_by({str(module): {"fitpro": [value[:-2]]}}) == set()
    assert measure.met_by({str(module): {"huami": [value]}}) == set()
    module.write_text("# fit-time")
    assert measure.met_by({str(module): {"fitpro": [value]}}) == set()


def test_what_is_kept_is_written_as_it_would_be_now() -> None:
    assert measure.FILE.read_text("utf-8") == measure.text(KEPT)
    assert json.loads(measure.text(KEPT)) == KEPT
