"""What a band was found to do is kept with it, whole, and decides whether its own words on wear count."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.abilities import Abilities
from hipsync.model import Band
from hipsync.store import Store
from hipsync.store.sense import CAN
from support.stored import band
from support.world import NINE

ABLE = st.builds(
    Abilities,
    history=st.none() | st.integers(1, 1440).map(lambda minutes: timedelta(minutes=minutes)),
    **{word: st.booleans() for word in CAN},
)


def test_there_is_a_word_for_each_ability_but_the_length_of_the_slots() -> None:
    assert {"history", *CAN} == {each.name for each in fields(Abilities)}


@given(ABLE | st.none(), ABLE | st.none())
def test_what_was_noted_last_is_what_is_read_and_the_check_finds_nothing(
    first: Abilities | None, last: Abilities | None
) -> None:
    with Store.in_memory() as store:
        number = band(store)
        for each in (first, last):
            store.note_abilities(number, each, family=Abilities())
        assert [each.abilities for each in store.bands()] == [last]
        assert store.check() == []


def flags(found: Band) -> tuple[bool, bool]:
    return found.vouches, found.reports_wear


@pytest.mark.parametrize(
    ("family", "own", "expected"),
    [
        pytest.param(True, True, (True, True), id="as its family"),
        pytest.param(True, False, (False, False), id="less than its family"),
        pytest.param(False, True, (True, True), id="its family says less"),
        pytest.param(False, False, (True, False), id="an import alone has vouched for it"),
    ],
)
def test_a_band_says_that_it_is_worn_if_it_was_found_to(family: bool, own: bool, expected: tuple[bool, bool]) -> None:
    with Store.in_memory() as store:
        added = store.add_band(name="b", driver="any", now=NINE, vouches=True, reports_wear=family)
        store.note_abilities(added.id, Abilities(wear=own), family=Abilities(wear=family))
        assert [flags(each) for each in store.bands()] == [expected]


def test_a_band_that_no_longer_says_whether_it_is_worn_is_not_believed_any_more_until_it_does() -> None:
    with Store.in_memory() as store:
        number = band(store)
        found: list[tuple[bool, bool]] = []
        for wear in (True, False, True):
            store.note_abilities(number, Abilities(wear=wear), family=Abilities())
            found += [flags(each) for each in store.bands()]
    assert found == [(True, True), (False, False), (True, True)]


@pytest.mark.parametrize("cell", ["can = 'fly'", "can = 7", "keeps = 0", "keeps = 'long'", "keeps = 1441"])
def test_a_cell_that_makes_no_sense_is_found(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "hipsync.db"
    with Store.open(path) as store:
        band(store)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE bands SET {cell}")  # noqa: S608  our own words
    with Store.open(path) as store:
        assert any("bands: 1 rows make no sense" in line for line in store.check())
