"""Epochs of an import on their way in, and the rule by which they are merged."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.errors import StoreError
from hipsync.formats.landing import Landing
from hipsync.model import MINUTE, BandId, Charge, Epoch, Posture, State, Wear
from hipsync.store import Store
from hipsync.store.file import insert_rows
from hipsync.store.imports import MERGED, NewBand
from hipsync.store.readings import EpochRow, epoch_rows
from support.builders import MONDAY
from support.stored import NOW, minute

EPOCHS = st.builds(
    Epoch,
    st.just(MONDAY),
    st.just(MINUTE),
    st.integers(0, 2),
    st.none() | st.integers(0, 2),
    st.none() | st.integers(60, 62),
    st.none() | st.sampled_from(State),
    st.none() | st.integers(0, 2),
    st.booleans(),
    st.none() | st.sampled_from(Posture),
)


def merged(*epochs: Epoch) -> list[Epoch]:
    """What a band has after imports of these epochs, one after the other."""
    with Store.in_memory() as store:
        band = store.add_band(name="desk", driver="csv", now=NOW).id
        for epoch in epochs:
            arriving = store.add_arriving(NOW)
            store.arrive(epoch_rows(arriving, [epoch]))
            store.merge(arriving, band)
        store.drop_arriving()
        return store.epochs(band, MONDAY, MONDAY + timedelta(days=1))


def laws(a: Epoch, b: Epoch, c: Epoch) -> None:
    (ab,), (ba,) = merged(a, b), merged(b, a)
    (bc,) = merged(b, c)
    assert ab == ba
    assert merged(a, a) == [a]
    assert merged(ab, c) == merged(a, bc)
    for each in (a, b):
        assert ab.steps >= each.steps
        assert not ab.inferred or each.inferred
        for column in ("intensity", "heart_rate", "state", "kind", "posture"):
            assert getattr(each, column) is None or getattr(ab, column) is not None


@given(EPOCHS, EPOCHS, EPOCHS)
def test_merging_knows_no_order_no_grouping_and_no_repetition(a: Epoch, b: Epoch, c: Epoch) -> None:
    laws(a, b, c)


def test_so_it_is_for_ten_thousand_triples() -> None:
    """The SQL alone, without a store around it, which takes a hundred times as long."""
    dice = random.Random(18)
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE TABLE epochs ({COLUMNS}, PRIMARY KEY (band, start, length))")

        def put(order: str, rows: Sequence[EpochRow]) -> None:
            """Let a row of each triple come to those of its bands that are called so."""
            numbered = [(f"{number} {order}", *row[1:]) for number, row in enumerate(rows)]
            insert_rows(db, "INSERT INTO epochs", numbered, MERGED)

        def found(order: str) -> list[EpochRow]:
            sql = f"SELECT {COLUMNS} FROM epochs WHERE band LIKE '% ' || ? ORDER BY CAST(band AS INTEGER)"  # noqa: S608
            return [(0, *row[1:]) for row in db.execute(sql, (order,))]

        a, b, c = ([a_row(dice) for _ in range(10_000)] for _ in range(3))
        for order, rounds in {"ab": [a, b], "ba": [b, a], "aa": [a, a], "bc": [b, c], "ab-c": [a, b, c]}.items():
            for rows in rounds:
                put(order, rows)
        put("a-bc", a)
        put("a-bc", found("bc"))
        assert found("ab") == found("ba")
        assert found("ab-c") == found("a-bc")
        assert found("aa") == a


COLUMNS = "band, start, length, steps, intensity, heart_rate, state, kind, posture"


def a_row(dice: random.Random) -> EpochRow:
    """A row for one and the same minute, with values that often agree."""
    (row,) = epoch_rows(
        BandId(0),
        [
            Epoch(
                MONDAY, MINUTE, dice.randrange(3), dice.choice([None, 0, 1]), dice.choice([None, 60, 61]),
                dice.choice([None, *State]), dice.choice([None, 0, 1]), dice.random() < 0.5,
                dice.choice([None, *Posture]),
            )
        ],
    )  # fmt: skip
    return row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hipsync.db"


def load(store: Store, count: int) -> BandId:
    with Landing(store, NOW) as landing:
        return landing.load(
            lambda to: iter([epoch_rows(to, [minute(at, 1) for at in range(count)])]), NewBand("watch", "csv", NOW)
        )


def test_nobody_sees_what_is_still_arriving(path: Path) -> None:
    with Store.open(path) as store:
        arriving = store.add_arriving(NOW)
        store.arrive(
            epoch_rows(arriving, [minute(at, 1, state=State.ASLEEP, posture=Posture.LYING) for at in range(5)])
        )
        assert not store.has_states()
        assert not store.has_postures()
        assert (store.bands(), store.newest(), store.oldest(), list(store.all_epochs(None, None))) == (
            [],
            None,
            None,
            [],
        )
        assert sqlite3.connect(path).execute("SELECT count(*) FROM minutes").fetchone() == (0,)
        band, done = store.become(arriving, NewBand("watch", "csv", NOW, vouches=True))
        assert (band.name, band.vouches, done) == ("watch", True, (5, 0))
        assert [each.name for each in store.bands()] == ["watch"]
        assert len(list(store.all_epochs(None, None))) == 5


def test_an_import_that_fails_or_was_killed_leaves_nothing_behind(path: Path) -> None:
    def broken(to: BandId) -> Iterator[list[EpochRow]]:
        yield epoch_rows(to, [minute(0, 1)])
        raise KeyboardInterrupt

    with Store.open(path) as store:
        with pytest.raises(KeyboardInterrupt), Landing(store, NOW) as landing:
            landing.load(broken, NewBand("watch", "csv", NOW))
        store.arrive(epoch_rows(store.add_arriving(NOW), [minute(at, 1) for at in range(50)]))  # and was killed
    with Store.open(path) as store:
        load(store, 3)
        db = sqlite3.connect(path)
        assert db.execute("SELECT count(*) FROM epochs").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM bands").fetchone() == (0,)


def test_an_import_that_is_stored_does_not_fail_because_its_leavings_stay(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise StoreError("the disk is full")

    with Store.open(path) as store:
        desk = store.add_band(name="desk", driver="csv", now=NOW)
        with Landing(store, NOW) as landing:
            arriving = landing.load(lambda to: iter([epoch_rows(to, [minute(0, 1)])]), desk)
            assert landing.land(arriving, desk).new == 1
            monkeypatch.setattr(store, "drop_arriving", full)
        assert store.bands() == [desk]
        assert store.epochs(desk.id, MONDAY, NOW) == [minute(0, 1)]


def test_many_epochs_that_are_dropped_are_dropped_bit_by_bit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipsync.store.imports.AT_ONCE", 7)
    with Store.open(path) as store:
        load(store, 50)
        assert sqlite3.connect(path).execute("SELECT count(*) FROM epochs").fetchone() == (0,)


def test_between_two_transactions_the_lock_is_free_for_a_service(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(path) as store, closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as service:
        desk = store.add_band(name="desk", driver="huami", now=NOW).id
        stored: list[int] = []

        def fetch(_seconds: float) -> None:
            at = MONDAY.timestamp() + 60 * len(stored)
            service.execute("INSERT INTO epochs (band, start, length, steps, state) VALUES (?, ?, 1, 7, 0)", (desk, at))
            stored.append(1)

        monkeypatch.setattr("hipsync.formats.landing.sleep", fetch)
        with Landing(store, NOW) as landing:
            batches = [[minute(at, 1)] for at in range(5)]
            new = NewBand("watch", "csv", NOW)
            landing.land(landing.load(lambda to: (epoch_rows(to, batch) for batch in batches), new), new)
        assert len(stored) == 5
        assert [epoch.steps for epoch in store.epochs(desk, MONDAY, MONDAY + timedelta(days=1))] == [7] * 5


def test_joined_bands_have_what_both_had_and_one_name(path: Path) -> None:
    with Store.open(path) as store:
        watch = store.add_band(name="watch", driver="huami", address="C0:00", now=NOW).id
        export = store.add_band(name="export", driver="csv", now=NOW).id
        store.append(watch, [minute(0, 5), Charge(MONDAY, 80)])
        store.append(export, [minute(0, 3, heart_rate=70), minute(1, 4), Charge(MONDAY, 70), Wear(MONDAY, worn=True)])
        store.note_import(export, NOW, "apple", "Watch", None)
        assert store.join(export, watch) == (2, 0)
        assert [band.name for band in store.bands()] == ["watch"]
        day = (MONDAY, MONDAY + timedelta(days=1))
        assert store.epochs(watch, *day) == [minute(0, 5, heart_rate=70), minute(1, 4)]
        assert store.wears(watch, *day) == [Wear(MONDAY, worn=True)]
        assert store.newest_charge(watch) == Charge(MONDAY, 80)
        assert store.check() == []


@given(st.lists(EPOCHS, max_size=4), st.lists(EPOCHS, max_size=4))
def test_what_is_trimmed_would_have_changed_nothing(before: list[Epoch], after: list[Epoch]) -> None:
    def at_minutes(epochs: list[Epoch]) -> list[Epoch]:
        return [epoch._replace(start=MONDAY + number * MINUTE) for number, epoch in enumerate(epochs)]

    with Store.in_memory() as store:
        store_before, arrived = at_minutes(before), at_minutes(after)
        band = store.add_band(name="desk", driver="csv", now=NOW).id
        store.append(band, store_before)
        arriving = store.add_arriving(NOW)
        store.arrive(epoch_rows(arriving, arrived))
        known = store.trim(arriving, band)
        left = store.epochs(arriving, MONDAY, MONDAY + timedelta(days=1))
        assert known + len(left) == len(arrived)
        assert store.merge(arriving, band) == (len(left), 0)
        again = store.add_arriving(NOW)
        store.arrive(epoch_rows(again, arrived))
        assert store.merge(again, band) == (0, len(arrived))


def test_trimming_goes_by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipsync.store.imports.AT_ONCE", 3)
    with Store.in_memory() as store:
        band = store.add_band(name="desk", driver="csv", now=NOW).id
        store.append(band, [minute(at, 1) for at in range(0, 20, 2)])
        arriving = store.add_arriving(NOW)
        store.arrive(epoch_rows(arriving, [minute(at, 1) for at in range(20)]))
        assert store.trim(arriving, band) == 10
        assert len(store.epochs(arriving, MONDAY, MONDAY + timedelta(days=1))) == 10
