"""What computers tell each other of a day: it comes in as it went out, and what cannot be right does not come in."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hipsync.errors import InputError
from hipsync.formats.meaning import COLUMNS
from hipsync.formats.shared import (
    FORM,
    LASTING,
    LONGEST_BYTES,
    OF_BAND,
    OF_WEARER,
    Received,
    band_days,
    digest_of,
    lasting,
    packed,
    received_band_day,
    received_lasting,
    received_wearer_day,
    unpacked,
    wearer_day,
)
from hipsync.history.summaries import summarise_days
from hipsync.model import (
    MINUTE,
    Answer,
    Charge,
    Counter,
    DeskTime,
    Draw,
    Epoch,
    Exercise,
    Info,
    Label,
    Pause,
    Posture,
    Presence,
    PresenceSpan,
    Prompt,
    State,
    Trial,
    Wear,
    Workout,
    WorkoutKind,
)
from hipsync.service.answers import answer_prompt
from hipsync.service.state import settings_of, zones_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.store.merging import RULES
from hipsync.store.rows import TIMES
from support.builders import MONDAY

DAY = MONDAY.date()
NOON = MONDAY + timedelta(hours=12)
EVENING = MONDAY + timedelta(hours=22)
ADDRESS = "C0:00:00:00:00:01"


@pytest.fixture
def store() -> Iterator[Store]:
    """A Monday with a row of every table, and a band with an address."""
    with Store.in_memory() as store:
        band = store.add_band(name="desk-band", driver="huami", address=ADDRESS, now=MONDAY, vouches=True)
        minutes = [Epoch(MONDAY + at * MINUTE, MINUTE, at % 7, at % 100, 60 + at % 40, kind=1) for at in range(1300)]
        minutes[5] = minutes[5]._replace(state=State.ASLEEP, inferred=True, posture=Posture.SITTING)
        store.append(band.id, minutes)
        ride = Workout(WorkoutKind.CYCLING, NOON, NOON + 20 * MINUTE)
        store.append(band.id, [Counter(NOON, 7), Wear(NOON, worn=True), Charge(NOON, 71), Info(NOON, "1.0"), ride])
        store.note_zone(MONDAY, "Europe/London", "desk")
        prompt = store.add_prompt(Prompt(NOON, NOON, "hip-extension", sure=True, last_shown=NOON, host="desk"))
        answer_prompt(store, prompt, Answer.DONE, NOON + MINUTE)
        store.add_label(Label(NOON, State.STANDING))
        store.add_pause(Pause(NOON, NOON + 9 * MINUTE))
        store.add_presence([PresenceSpan(NOON, NOON + 5 * MINUTE, Presence.USED)])
        store.stand_at_desk(DeskTime(NOON, NOON + 9 * MINUTE))
        store.add_exercise(Exercise(NOON, "hip-circles", "manual"))
        store.add_trial(Trial(NOON, "seed"))
        store.add_draw(Draw(NOON, NOON, NOON, withheld=True))
        yield store


def all_messages(store: Store, now: datetime = EVENING, day: date = DAY) -> list[Received]:
    """What another computer reads of all that this one tells of a day."""
    return [
        *(received_band_day(packed(said), day, now) for _, said in band_days(store, day, now)),
        *(received_wearer_day(packed(said), day, now) for said in [wearer_day(store, day, now)] if said),
        received_lasting(packed(lasting(store, now)), now),
    ]


def taken(store: Store, received: Received) -> int:
    with received.archive as archive:
        return archive.take(store, 50)


def rows(store: Store) -> Mapping[str, object]:
    """All that travels of a store."""
    return {
        "epochs": list(store.all_epochs(None, None)),
        **{table: list(store.rows_of(table, None, None)) for table in TIMES},
    }


def test_every_table_travels() -> None:
    assert sorted([*OF_BAND, *OF_WEARER, *LASTING]) == sorted(RULES)


def test_a_new_column_or_table_comes_with_a_new_form() -> None:
    """An older hipsync takes no column that it does not know; it says "newer" of a form above its own."""
    columns = {f"{table}.{column}" for table in (*OF_BAND, *OF_WEARER, *LASTING) for column in COLUMNS[table]}
    assert (FORM, len(columns)) == (2, 71), "raise FORM in hipsync/formats/shared.py, and write both numbers here"


def test_what_one_computer_tells_of_a_day_is_what_the_other_has_then_and_nothing_comes_twice(store: Store) -> None:
    with Store.in_memory() as other:
        assert sum(taken(other, each) for each in all_messages(store)) == 1300 + 5 + 8 + 2
        assert rows(other) == rows(store)
        (band,) = other.bands()
        assert (band.name, band.address, band.identity, band.vouches) == ("desk-band", None, ADDRESS, True)
        before = other.state_of_file()
        assert [taken(other, each) for each in all_messages(store)] == [0, 0, 0]
        assert other.state_of_file() == before, "what changes nothing touches nothing"
        assert [each.digest for each in all_messages(other)] == [each.digest for each in all_messages(store)]


def test_what_changes_nothing_makes_no_day_judged_anew_and_what_is_new_only_its_own(store: Store) -> None:
    settings = settings_of(Config(), "Europe/London")

    def judged() -> list[date]:
        with other.transaction() as db:
            starts = db.execute("SELECT start FROM days ORDER BY start").fetchall()
        return [datetime.fromtimestamp(start, UTC).date() for (start,) in starts]

    with Store.in_memory() as other:
        for each in all_messages(store):
            taken(other, each)
        days = [DAY + timedelta(days=number) for number in range(-9, 8)]
        later = EVENING + timedelta(days=30)
        summarise_days(other, settings.rule, zones_of(other, settings), days, later)
        assert (before := judged()) == days
        for each in all_messages(store):
            taken(other, each)
        assert judged() == before
        at = MONDAY + timedelta(days=6, hours=12)
        store.append(store.bands()[0].id, [Epoch(at, MINUTE, 50), Counter(at, 9), Charge(at, 70)])
        for each in all_messages(store, later, at.date()):
            taken(other, each)
        assert DAY - timedelta(days=7) in judged(), "a day a fortnight before is not judged anew"
        assert at.date() not in judged()


def test_a_day_of_minutes_takes_little_more_than_two_thousand_bytes(store: Store) -> None:
    """Minutes of a person: mostly still, some walks, a heart rate."""
    from random import Random

    noise, said = Random(1), list[Epoch]()
    for at in range(1440):
        walks = (at // 10) % 9 == 0
        said.append(Epoch(MONDAY + at * MINUTE, MINUTE, noise.randrange(120) if walks else 0, None, 60 + at % 7))
    with Store.in_memory() as other:
        band = other.add_band(name="b", driver="huami", address=ADDRESS, now=MONDAY)
        other.append(band.id, said)
        ((_, content),) = band_days(other, DAY, EVENING + timedelta(days=1))
        assert 500 < len(packed(content)) < 3000


def test_what_lies_in_the_future_by_our_clock_is_left_out_for_now_and_the_rest_is_taken(store: Store) -> None:
    (_, said), behind = band_days(store, DAY, EVENING)[0], NOON - timedelta(hours=1)
    with Store.in_memory() as other:
        found = received_band_day(packed(said), DAY, behind)
        assert found.left_out == 1300 - 11 * 60 - 6 + 5, "minutes of the next hours, and five readings at noon"
        taken(other, found)
        assert len(list(other.all_epochs(None, None))) == 11 * 60 + 6
        of_wearer = received_wearer_day(packed(wearer_day(store, DAY, EVENING)), DAY, behind)
        assert of_wearer.left_out == 8
        assert taken(other, of_wearer) == 0


def test_presence_travels_when_its_hour_is_over_since_it_grows_until_then(store: Store) -> None:
    assert "presence" not in wearer_day(store, DAY, NOON + 74 * MINUTE)
    assert wearer_day(store, DAY, NOON + 75 * MINUTE)["presence"] == {
        "start": [int(NOON.timestamp())], "until": [int(NOON.timestamp()) + 300], "state": ["used"],
    }  # fmt: skip


# -------------------------------------------------------------------- removed bands


def test_a_band_that_was_removed_here_does_not_come_back_and_one_that_was_removed_there_stays_until_asked(
    store: Store,
) -> None:
    with Store.in_memory() as other:
        messages = all_messages(store)
        for each in messages:
            taken(other, each)
        (band,) = other.bands()
        store.forget(store.bands()[0].id, EVENING, with_data=True)
        with received_lasting(packed(lasting(store, EVENING)), EVENING).archive as archive:
            assert [each.name for each, _ in archive.to_remove(other)] == ["desk-band"]
            archive.take(other, 50)
        assert len(list(other.all_epochs(None, None))) == 1300, "nobody was asked"
        assert other.forgotten() == {}
        for each in all_messages(other):
            taken(store, each)
        assert store.bands() == [], "it does not come back"
        other.forget(band.id, EVENING, with_data=True)
        assert rows(other) == rows(store)


def test_of_many_made_up_bands_no_more_than_the_most_are_taken() -> None:
    with Store.in_memory() as other:
        for number in range(5):
            with Store.in_memory() as some:
                band = some.add_band(name=f"b{number}", driver="x", address=f"C0:00:00:00:00:0{number}", now=MONDAY)
                some.append(band.id, [Epoch(NOON, MINUTE, 1)])
                ((_, said),) = band_days(some, DAY, EVENING)
            with received_band_day(packed(said), DAY, EVENING).archive as archive:
                if number < 3:
                    archive.take(other, 3)
                else:
                    with pytest.raises(InputError, match="3 bands already"):
                        archive.take(other, 3)
        assert len(other.bands()) == 3


# -------------------------------------------------------------------- strangers' bytes


def message(**content: object) -> bytes:
    return zlib.compress(json.dumps({"form": 1, **content}).encode())


BAND: dict[str, Any] = {
    "name": "b", "driver": "huami", "address": None, "advertised_name": "", "simulated": False, "vouches": True,
    "reports_wear": False, "added": MONDAY.isoformat(), "identity": ADDRESS,
}  # fmt: skip
ROW: dict[str, Any] = {"start": [0], "length": [1], "steps": [3], "inferred": [0]}
BOMB = zlib.compress(b" " * 100_000_000)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "no message"),
        (b"\x00\xff garbage", "no message"),
        (zlib.compress(b"\xff\xfe not text"), "no message"),
        (zlib.compress(b"[" * 100_000), "no message"),
        (zlib.compress(b'{"form": NaN}'), "no message"),
        (zlib.compress(b"[]"), "no message"),
        (message(form="1"), "no message"),
        (message(form=True), "no message"),
        (message(form=FORM + 1), "a newer hipsync sent it"),
        (message()[:-3], "cut off"),
        (message() + b"more", "cut off"),
        (bytes(LONGEST_BYTES + 1), "131,072 bytes"),
        (BOMB[:LONGEST_BYTES], "when it is unpacked"),
        (message(surprise={}), "knows no 'surprise'"),
        (message(epochs=ROW), "names no band"),
        (message(band={**BAND, "address": ADDRESS}), "has the address"),
        (message(band={**BAND, "name": "\x1b[31m"}), "cannot be called"),
        (message(band=BAND, epochs=[ROW]), "no columns"),
        (message(band=BAND, epochs={**ROW, "steps": 3}), "no columns"),
        (message(band=BAND, epochs={**ROW, "steps": []}), "not of one length"),
        (message(band=BAND, epochs={**ROW, "start": [1440]}), "that is no epoch"),
        (message(band=BAND, epochs={**ROW, "start": [-1]}), "that is no epoch"),
        (message(band=BAND, epochs={**ROW, "start": [True]}), "that is no epoch"),
        (message(band=BAND, epochs={**ROW, "steps": [10**400]}), "no epoch"),
        (message(band=BAND, epochs={**ROW, "steps": [1e300]}), "that is no epoch"),
        (message(band=BAND, epochs={**ROW, "steps": [-1]}), "steps -1 is not"),
        (message(band=BAND, epochs={**ROW, "heart_rate": ["60"]}), "that is no epoch"),
        (message(band=BAND, epochs={**ROW, "heart_rate": [999]}), "heart_rate 999"),
        (message(band=BAND, epochs={**ROW, "state": ["flying"]}), "that is no epoch"),
        (message(band=BAND, epochs={**ROW, "more": [1]}), "that is no epoch"),
        (message(band=BAND, epochs={name: [cell[0]] * 30_000 for name, cell in ROW.items()}), "too long"),
        (message(band=BAND, epochs={name: cell * 2 for name, cell in ROW.items()} | {"steps": [3, 4]}), "contradicts"),
        (message(band=BAND, counters={"at": [0], "steps": [1]}), "of another day"),
        (message(band=BAND, counters={"at": ["x"], "steps": [1]}), "at is"),
        (message(band=BAND, counters={"at": [int(NOON.timestamp())], "steps": [1], "x": [1]}), "there is no column"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_right_is_refused_in_one_line_and_nothing_of_it_is_taken(payload: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        received_band_day(payload, DAY, EVENING)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({}, "it says nothing"),
        ({"prompts": {}, "exercises": {"at": [], "name": []}}, "it says nothing"),
        ({"band": BAND}, "knows no 'band'"),
        ({"prompts": {"at": [int(NOON.timestamp())]}}, "prompts, row 1: due is missing"),
        ({"exercises": {"at": [0], "name": ["x"], "how": ["manual"], "hurt": [0]}}, "another day"),
        ({"forgotten": {"mark": ["x"], "at": [int(NOON.timestamp())]}}, "knows no 'forgotten'"),
    ],
)
def test_so_is_a_wearer_s_day(content: dict[str, object], why: str) -> None:
    with pytest.raises(InputError, match=why):
        received_wearer_day(message(**content), DAY, EVENING)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({}, "it says nothing"),
        ({"bands": [], "zones": {}}, "it says nothing"),
        ({"bands": {}}, "no list"),
        ({"bands": [1]}, "no bands"),
        ({"bands": [{**BAND, "address": ADDRESS}]}, "no bands"),
        ({"zones": {"host": ["x"], "since": [0], "zone": ["Mars/Olympus"]}}, "zones, row 1: zone is"),
        (
            {"imports": {"band": ["who"], "at": [0], "form": ["csv"], "source": ["x"]}},
            "names a band that is not in the message",
        ),
    ],
)
def test_so_is_what_lasts(content: dict[str, object], why: str) -> None:
    with pytest.raises(InputError, match=why):
        received_lasting(message(**content), EVENING)


def test_a_bomb_takes_no_more_memory_than_its_bound() -> None:
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(InputError):
        unpacked(BOMB[:LONGEST_BYTES])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_a_band_s_day_has_one_digest_whatever_the_band_is_called(store: Store) -> None:
    ((band, before),) = band_days(store, DAY, EVENING)
    store.rename(band.id, "another name")
    ((_, after),) = band_days(store, DAY, EVENING)
    assert before != after
    assert digest_of(before) == digest_of(after)
    store.append(band.id, [Epoch(NOON, MINUTE, 200)])
    ((_, more),) = band_days(store, DAY, EVENING)
    assert digest_of(more) != digest_of(after)
    assert datetime.fromisoformat(str(BAND["added"])).tzinfo == UTC
