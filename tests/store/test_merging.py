"""Two computers store what they know of one wearer: whichever takes over from the other, both come to the same."""

from __future__ import annotations

import io
import itertools
import json
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.core.prompting import outcome
from hipsync.formats.json_archive import export_json, import_json, read_json
from hipsync.formats.meaning import COLUMNS
from hipsync.model import (
    MINUTE,
    Answer,
    Band,
    Counter,
    DeskTime,
    Draw,
    Exercise,
    Info,
    Occasion,
    Outing,
    Pause,
    Presence,
    Prompt,
    Wear,
    Where,
    WorkoutKind,
    ZoneChange,
)
from hipsync.service.answers import answer_prompt
from hipsync.service.state import State, families_of, settings_of, state_of
from hipsync.settings.config import Config
from hipsync.store import Store, StoredDay
from hipsync.store.columns import TABLES
from hipsync.store.identities import are_two
from hipsync.store.merging import LOCAL, RULES, Row
from hipsync.store.rows import TIMES
from support.builders import MONDAY
from support.stored import HOUR, NOW, SECOND, minute

ADDRESS = "C0:00:00:00:00:01"
LONDON = "Europe/London"
YEAR = timedelta(days=365)

WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("prompts", "answer"): tuple(Answer),
    ("prompts", "occasion"): tuple(Occasion),
    ("prompts", "exercise"): ("hip-extension", "hip-rotation"),
    ("prompts", "shown_where"): ("", "terminal", "desktop", "band", "terminal desktop", "desktop band command"),
    ("workouts", "kind"): tuple(WorkoutKind),
    ("presence", "state"): tuple(Presence),
    ("plans", "outing"): tuple(Outing),
    ("plans", "skipped"): ("2026-03-02", "2026-03-09"),
}
"""What may stand in those columns with text in which rows of one key can differ; in any other, two words."""
NUMBERS = st.integers(0, 4)
"""So few that rows often agree in some columns and differ in others."""


def cells(table: str, column: str) -> st.SearchStrategy[int | str | None]:
    """The cells that a column may have; `COLUMNS` says which of them may be missing."""
    what = COLUMNS[table][column]
    is_number = what.fits(0) or what.fits(1)
    found: st.SearchStrategy[Any] = NUMBERS if is_number else st.sampled_from(WORDS.get((table, column), ("a", "b")))
    return found if what.needed or column == "host" else st.none() | found


@st.composite
def some_rows(draw: st.DrawFn, table: str, count: int) -> list[Row]:
    """Rows of a table that have the same key."""
    key = {column: draw(cells(table, column)) for column in RULES[table].key}
    others = st.fixed_dictionaries(
        {column: cells(table, column) for column in COLUMNS[table] if column not in RULES[table].key}
    )
    return [{**key, **draw(others)} for _ in range(count)]


def obeys_the_laws(table: str, rows: list[Row]) -> None:
    merged, (one, two, three) = RULES[table].merged, rows
    assert merged(one, two) == merged(two, one)
    assert merged(one, one) == one
    assert merged(merged(one, two), three) == merged(one, merged(two, three))
    both = merged(one, two)
    assert merged(both, one) == both, "what is taken over once more changes nothing"
    assert both.keys() == one.keys()
    for column in RULES[table].key:
        assert both[column] == one[column]


@pytest.mark.parametrize("table", RULES)
def test_it_does_not_matter_who_begins_how_often_or_by_which_way(table: str) -> None:
    @given(some_rows(table, 3))
    def holds(rows: list[Row]) -> None:
        obeys_the_laws(table, rows)

    holds()


@pytest.mark.long
@settings(max_examples=10_000)
@given(st.data(), st.sampled_from(list(RULES)))
def test_so_it_is_for_ten_thousand_triples(data: st.DataObject, table: str) -> None:
    obeys_the_laws(table, data.draw(some_rows(table, 3)))


def test_every_table_has_a_rule_or_a_reason_to_stay() -> None:
    with Store.in_memory() as store, store.transaction() as db:
        tables = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    tables = {table for table in tables if table in TABLES}
    assert tables == {*RULES, *LOCAL, "bands", "epochs"}
    assert TIMES.keys() == RULES.keys(), "what is merged is exported"
    for table, columns in COLUMNS.items():
        assert {*RULES[table].key} <= columns.keys()


# ---------------------------------------------------------------- prompts, by hand

PROMPT: Row = {
    "at": 100, "due": 90, "exercise": "hip-extension", "sure": 1, "shown_where": "desktop", "shown": 1,
    "last_shown": 100, "answer": None, "answered_at": None, "snoozed_until": None, "occasion": "sitting",
    "sitting_minutes": 60, "host": "desk",
}  # fmt: skip


def said(answer: str | None, at: int | None = None, **more: int | str | None) -> Row:
    return {**PROMPT, "answer": answer, "answered_at": at, **more}


ANSWERS = [
    said(None), said("ignored", 110), said("snoozed", 105, snoozed_until=115), said("moved", 103),
    said("skipped", 120), said("standing", 120), said("hurt", 120), said("done", 120), said("done", 121),
]  # fmt: skip
"""From the weakest to the strongest."""


@pytest.mark.parametrize(("weaker", "stronger"), list(itertools.combinations(ANSWERS, 2)))
def test_of_two_answers_the_one_that_says_more_stays(weaker: Row, stronger: Row) -> None:
    assert RULES["prompts"].merged(weaker, stronger) == stronger


def test_what_was_shown_again_since_a_snooze_waits_for_an_answer_again() -> None:
    again = said(None, shown=2, last_shown=116)
    for before in (said("ignored", 110), said("snoozed", 105, snoozed_until=115)):
        assert RULES["prompts"].merged(before, again) == again
    later = said("snoozed", 120, snoozed_until=130)
    assert RULES["prompts"].merged(later, again) == {**later, "shown": 2, "last_shown": 116}


def test_who_showed_it_first_is_known_and_every_place_where_it_was() -> None:
    other = {
        **said("done", 120),
        "at": 95,
        "host": "laptop",
        "exercise": "hip-rotation",
        "shown_where": "terminal band",
    }
    assert RULES["prompts"].merged(PROMPT, other) == {**other, "shown_where": "terminal desktop band"}


# ---------------------------------------------------------------- two computers


def computer(name: str = "band", address: str = ADDRESS) -> tuple[Store, Band]:
    store = Store.in_memory()
    band = store.add_band(name=name, driver="huami", address=address, now=MONDAY, vouches=True, reports_wear=True)
    store.note_zone(MONDAY - timedelta(days=30), LONDON)
    return store, band


def take_over(of: Store, to: Store, now: datetime = NOW + YEAR) -> None:
    text = io.StringIO()
    export_json(of, text, None, None, now)
    text.seek(0)
    with read_json(text, now) as archive:
        import_json(to, archive, now)


def whole(store: Store) -> dict[str, Any]:
    """All that a store holds, each table in an order of its own."""
    text = io.StringIO()
    export_json(store, text, None, None, NOW + YEAR)
    tables: dict[str, Any] = json.loads(text.getvalue())
    return {table: sorted(map(json.dumps, tables[table])) for table in ("bands", *TIMES, "epochs")}


SETTINGS = settings_of(Config(morning=False), LONDON)


def judged(store: Store, now: datetime) -> State:
    """What a service on this computer would do now, after it has settled what the data answer."""
    state = state_of(store, SETTINGS, now, families_of({}))
    for prompt in state.said:
        known = state.seen.line.known_until()
        until = None if known is None else MONDAY + (known - int(MONDAY.timestamp()) // 60) * MINUTE
        if prompt.answer is None and (became := outcome(prompt, state.seen.found, until, now)) is not None:
            store.update_prompt(prompt._replace(answer=became[0], answered_at=became[1]))
    return state_of(store, SETTINGS, now, families_of({}))


def test_an_answer_that_was_given_on_one_computer_counts_on_the_other() -> None:
    (here, mine), (there, theirs) = computer(), computer()
    for store, band in ((here, mine), (there, theirs)):
        store.append(band.id, [minute(645 + at, 100 if at < 10 else 0, heart_rate=60) for at in range(76)])
    ten = MONDAY + timedelta(hours=12)
    assert (judged(here, ten).due(), judged(there, ten).due()) != (None, None)
    due = judged(here, ten).due()
    assert due is not None
    prompt = here.add_prompt(Prompt(ten, due.due, "hip-extension", sure=True, last_shown=ten))
    take_over(here, there)
    assert judged(there, ten + MINUTE).due() is None, "it was said on the other one"
    answer_prompt(here, prompt, Answer.DONE, ten + 3 * MINUTE)
    take_over(here, there)
    for store, band in ((here, mine), (there, theirs)):
        store.append(band.id, [minute(721 + at, heart_rate=60) for at in range(39)])
    for minutes in (12, 22, 25, 39):
        for store in (here, there):
            state = judged(store, ten + minutes * MINUTE)
            assert state.due() is None
            assert [each.answer for each in state.said] == [Answer.DONE]
    (done,) = there.exercises(ten, ten + timedelta(hours=1))
    assert done == Exercise(ten + 3 * MINUTE, "hip-extension", "prompt")


def test_both_said_it_in_one_second_and_a_third_that_knows_says_it_too() -> None:
    (here, _), (there, _) = computer(), computer()
    for store, answer in ((here, Answer.DONE), (there, Answer.IGNORED)):
        prompt = store.add_prompt(Prompt(NOW, NOW, "hip-extension", sure=True, last_shown=NOW))
        store.update_prompt(prompt._replace(answer=answer, answered_at=NOW + MINUTE))
    take_over(here, there)
    take_over(there, here)
    assert whole(here) == whole(there)
    (both,) = there.prompts(NOW, NOW + SECOND)
    assert both.answer is Answer.DONE
    again = there.add_prompt(Prompt(NOW + SECOND, NOW, "hip-rotation", sure=True, where=(Where.BAND,)))
    assert (again.at, again.answer, again.where) == (NOW, Answer.DONE, (Where.BAND,))


def test_two_readings_of_one_minute_or_second_come_to_the_same_whatever_the_order() -> None:
    (here, mine), (there, theirs) = computer(), computer()
    here.append(mine.id, [minute(0, heart_rate=60, intensity=30), Counter(NOW, 100)])
    there.append(theirs.id, [minute(0, heart_rate=70, intensity=20), Counter(NOW, 90)])
    take_over(here, there)
    take_over(there, here)
    assert whole(here) == whole(there)
    assert here.counters(mine.id, NOW, NOW + SECOND) == [Counter(NOW, 100)]


def test_a_band_under_two_names_is_one_band() -> None:
    (here, mine), (there, theirs) = computer("work"), computer("home")
    here.append(mine.id, [minute(at, 3) for at in range(60)])
    there.append(theirs.id, [minute(at, 3) for at in range(30, 90)])
    take_over(there, here)
    (band,) = here.bands()
    assert (band.name, len(here.epochs(band.id, MONDAY, NOW))) == ("work", 90)


@pytest.mark.parametrize(("serial", "bands"), [("A1B2C3D4", 1), ("000000", 2), ("A1", 2)])
def test_a_serial_number_says_which_band_it_is_where_addresses_differ(serial: str, bands: int) -> None:
    (here, mine), (there, theirs) = computer("work"), computer("home", "C0:00:00:00:00:02")
    for store, band in ((here, mine), (there, theirs)):
        store.append(band.id, [Info(NOW, serial=serial)])
    take_over(there, here)
    assert len(here.bands()) == bands


def test_two_bands_of_one_name_stay_two() -> None:
    (here, mine), (there, theirs) = computer(), computer(address="C0:00:00:00:00:02")
    here.append(mine.id, [minute(0, 3)])
    there.append(theirs.id, [minute(0, 30)])
    take_over(there, here)
    take_over(there, here)
    assert [(band.name, band.address) for band in here.bands()] == [
        ("band", ADDRESS), ("band 2", "C0:00:00:00:00:02"),
    ]  # fmt: skip


def test_an_address_of_macos_proves_nothing() -> None:
    assert are_two(ADDRESS, "C0:00:00:00:00:02")
    assert not are_two(ADDRESS, ADDRESS)
    assert not are_two(ADDRESS, "6E400001-B5A3-F393-E0A9-E50E24DCCA9E")
    assert not are_two(ADDRESS, None)


def test_what_was_removed_with_its_data_does_not_come_back() -> None:
    (here, mine), (there, theirs) = computer(), computer()
    there.append(theirs.id, [minute(0, 3), Counter(NOW, 3)])
    here.forget(mine.id, NOW, with_data=True)
    take_over(there, here)
    assert here.bands() == []
    again = here.add_band(name="band", driver="huami", address=ADDRESS, now=NOW + MINUTE)
    take_over(there, here)
    assert here.epochs(again.id, MONDAY, NOW) == [], "what was removed stays so, though the band is paired again"
    take_over(here, there)
    assert len(there.bands()) == 1


def test_a_band_that_is_twice_in_one_database_comes_as_one_and_so_it_stays() -> None:
    (here, mine), there = computer("work"), Store.in_memory()
    twin = here.add_band(name="home", driver="huami", address=ADDRESS, now=MONDAY)
    here.append(mine.id, [minute(0, 3)])
    here.append(twin.id, [minute(1, 3), Counter(NOW, 3)])
    take_over(here, there)
    once = whole(there)
    assert (len(once["bands"]), len(once["epochs"]), len(once["counters"])) == (1, 2, 1)
    take_over(here, there)
    assert whole(there) == once


def test_who_removes_one_of_two_that_are_the_same_band_keeps_the_other() -> None:
    here, mine = computer("work")
    twin = here.add_band(name="home", driver="huami", address=ADDRESS, now=MONDAY)
    here.forget(mine.id, NOW, with_data=True)
    assert here.forgotten() == {}
    there = Store.in_memory()
    take_over(here, there)
    assert len(there.bands()) == 1
    here.forget(twin.id, NOW, with_data=True)
    assert len(here.forgotten()) == 1


def test_a_band_without_address_is_known_by_the_name_that_it_had_first() -> None:
    here, there = Store.in_memory(), Store.in_memory()
    band = here.add_band(name="old", driver="csv", now=MONDAY)
    here.append(band.id, [minute(0, 3)])
    take_over(here, there)
    here.rename(band.id, "older")
    take_over(here, there)
    assert [band.name for band in there.bands()] == ["old"]
    here.forget(band.id, NOW, with_data=True)
    take_over(there, here)
    assert here.bands() == []


def test_what_one_computer_knows_of_a_band_the_other_one_knows_too() -> None:
    here, there = Store.in_memory(), Store.in_memory()
    here.add_band(name="band", driver="huami", address=ADDRESS, now=MONDAY, vouches=True, reports_wear=True)
    there.add_band(name="band", driver="huami", now=MONDAY)
    take_over(here, there)
    (band,) = there.bands()
    assert (band.vouches, band.reports_wear, band.identity, band.address) == (True, True, ADDRESS, None)


def test_two_bands_of_one_name_stay_two_however_long_it_is() -> None:
    (here, _), (there, _) = computer("x" * 64), computer("x" * 64, "C0:00:00:00:00:02")
    take_over(there, here)
    take_over(there, here)
    assert [band.name for band in here.bands()] == ["x" * 64, "x" * 59 + " 2"]


def test_a_band_that_gets_a_number_is_not_taken_for_one_that_is_called_so_where_it_comes_from() -> None:
    (here, _), (there, theirs) = computer(), computer(address="C0:00:00:00:00:02")
    imported = there.add_band(name="band 2", driver="huami", now=MONDAY)
    there.append(theirs.id, [minute(0, 3)])
    there.append(imported.id, [minute(1, 3)])
    for _ in range(2):
        take_over(there, here)
        assert [(band.name, len(here.epochs(band.id, MONDAY, NOW))) for band in here.bands()] == [
            ("band", 0), ("band 2", 1), ("band 2 2", 1),
        ]  # fmt: skip


def test_places_in_an_order_of_their_own_come_to_the_same_everywhere() -> None:
    (here, _), (there, _) = computer(), computer()
    here.add_prompt(Prompt(NOW, NOW, "hip-extension", sure=True, where=(Where.BAND, Where.DESKTOP)))
    take_over(here, there)
    once = whole(there)
    take_over(here, there)
    assert whole(there) == once
    take_over(there, here)
    assert whole(here) == once


def test_an_exercise_whose_name_could_steer_a_terminal_comes_back_once() -> None:
    (here, _), (there, _) = computer(), computer()
    here.add_exercise(Exercise(NOW, "hip\x1b[31m", "guided"))
    take_over(here, there)
    take_over(there, here)
    assert len(here.exercises(NOW, NOW + SECOND)) == 1


def test_who_travels_is_in_another_zone_and_the_computer_at_home_does_not_turn_it_back() -> None:
    (here, _), (there, _) = computer(), computer()
    for store, host in ((here, "laptop"), (there, "desk")):
        store.note_zone(MONDAY, LONDON, host)
    here.note_zone(NOW, "America/New_York", "laptop")
    for hour in range(1, 5):
        take_over(here, there)
        there.note_zone(NOW + hour * 60 * MINUTE, LONDON, "desk")
        take_over(there, here)
        here.note_zone(NOW + hour * 60 * MINUTE + MINUTE, "America/New_York", "laptop")
    travelled = [ZoneChange(MONDAY - timedelta(days=30), LONDON), ZoneChange(NOW, "America/New_York")]
    assert (here.zones(), there.zones()) == (travelled, travelled)
    back = NOW + timedelta(days=2)
    there.note_zone(back, LONDON, "desk", in_use=True)
    there.note_zone(back + MINUTE, LONDON, "desk", in_use=True)
    assert there.zones() == [*travelled, ZoneChange(back, LONDON)]


def test_a_band_that_was_on_and_off_in_one_second_is_not_taken_for_worn() -> None:
    (here, mine), (there, theirs) = computer(), computer()
    here.append(mine.id, [Wear(NOW, worn=True)])
    there.append(theirs.id, [Wear(NOW, worn=False)])
    take_over(there, here)
    assert here.wears(mine.id, NOW, NOW + SECOND) == [Wear(NOW, worn=False)]


def test_standing_that_was_ended_early_does_not_go_on_by_an_older_copy() -> None:
    (here, _), (there, _) = computer(), computer()
    here.stand_at_desk(DeskTime(NOW, NOW + 60 * MINUTE))
    take_over(here, there)
    here.stand_at_desk(DeskTime(NOW + 20 * MINUTE, NOW + 20 * MINUTE))
    take_over(there, here)
    assert here.desk_times(NOW, NOW + YEAR) == [DeskTime(NOW, NOW + 20 * MINUTE)]
    take_over(here, there)
    assert there.desk_times(NOW, NOW + YEAR) == [DeskTime(NOW, NOW + 20 * MINUTE)]


def test_a_reminder_that_one_computer_showed_was_not_withheld() -> None:
    (here, _), (there, _) = computer(), computer()
    here.add_draw(Draw(MONDAY, NOW, NOW, withheld=True))
    there.add_draw(Draw(MONDAY, NOW + SECOND, NOW, withheld=False))
    take_over(there, here)
    assert here.draws(NOW, NOW + MINUTE) == [Draw(MONDAY, NOW, NOW, withheld=False)]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from("apdxeuc"), st.integers(0, 3), st.integers(0, 4)), max_size=12
    )
)
def test_three_computers_come_to_the_same_by_whatever_way(story: list[tuple[int, str, int, int]]) -> None:
    stores = [computer() for _ in range(3)]
    for who, what, when, how in story:
        store, band = stores[who]
        at = NOW + when * MINUTE
        match what:
            case "a":
                for prompt in store.prompts(NOW, NOW + YEAR)[:1]:
                    answer_prompt(store, prompt, list(Answer)[how], at)
            case "p":
                store.add_prompt(Prompt(at, NOW + how * MINUTE, "hip-extension", sure=True, last_shown=at))
            case "d":
                store.add_draw(Draw(MONDAY + how * MINUTE, at, NOW, withheld=how % 2 == 0))
            case "x":
                store.add_exercise(Exercise(at, "hip-extension", "guided", hurt=how == 0))
            case "u":
                store.add_pause(Pause(at, at + (how + 1) * MINUTE))
            case "c":
                store.append(band.id, [Counter(at, how)])
            case _:
                store.append(band.id, [minute(when, how, heart_rate=60 + how)])
    copies = [computer()[0] for _ in range(2)]
    for order, copy in zip(([0, 1, 2, 0], [2, 1, 0]), copies, strict=True):
        reduce(lambda _, who: take_over(stores[who][0], copy), order, None)
    assert whole(copies[0]) == whole(copies[1])


@pytest.mark.parametrize(
    ("table", "row", "there"),
    [
        ("counters", {"at": 600, "steps": 5}, False),
        ("counters", {"at": 2900, "steps": 5}, True),
        ("wears", {"at": 600, "worn": 0}, False),
        ("wears", {"at": 2900, "worn": 0}, True),
        ("workouts", {"start": 600, "until": 630, "kind": "cycling"}, False),
        ("workouts", {"start": 2900, "until": 2930, "kind": "cycling"}, True),
        ("charges", {"at": 600, "percent": 50}, True),
    ],
)
def test_a_row_of_a_band_that_is_merged_has_the_days_judged_again_that_it_can_change(
    table: str, row: dict[str, int | str], there: bool
) -> None:
    """Times are in minutes since Monday. The band was read at the end of Tuesday, up to which an earlier row counts."""
    day = timedelta(days=1)
    moved = {
        name: int((MONDAY + int(cell) * MINUTE).timestamp()) if name in {"at", "start", "until"} else cell
        for name, cell in row.items()
    }
    with Store.in_memory() as store:
        band = store.add_band(name="band", driver="infinitime", now=MONDAY)
        store.append(band.id, [Counter(MONDAY + 2 * day, 3), Wear(MONDAY + 2 * day, True)])
        stored = StoredDay(MONDAY, MONDAY + day, "UTC", None, "rule", MONDAY - HOUR, MONDAY + day + HOUR, b"", "")
        store.store_days([stored], store.mark())
        assert store.merge_rows(table, [{**moved, "band": "band"}], {"band": band.id}) == 1
        assert bool(store.stored_days(MONDAY, MONDAY + day, None, "rule")) is there
