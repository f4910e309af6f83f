"""Files in FIT form as an import reads them: as a sync does, as other hands do, and files that no watch wrote.

The real ones are in `tests/data/garmin-fit` (see its SOURCES.md), and nine activities in `vectors/workouts.json`.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from formats.past import independent_garmin_fit as independent
from hipsync.driver import BandFile, Driver
from hipsync.errors import InputError
from hipsync.formats.past import garmin_fit
from hipsync.formats.past.reading import FUTURE, TOO_LONG, TOO_MANY_STEPS, Head, Reading
from hipsync.formats.past.said import Beat, Moved, Said, Trained, Walked
from hipsync.model import MINUTE, Epoch, Workout, WorkoutKind
from hipsync.registry import drivers
from hipsync_devices.garmin import fit, sim_fit, stored, watch_file
from hipsync_devices.garmin.files import FIT, Entry, Holds
from hipsync_devices.garmin.sim_fit import Day, Minute
from support.repository import ROOT
from support.shared import VECTORS

FILES = sorted((ROOT / "tests" / "data" / "garmin-fit").glob("*.fit"))
MONITORING = [path for path in FILES if next(independent.messages(path.read_bytes()))[1][0] == 32]
OTHERS = [path for path in FILES if path not in MONITORING]
ACTIVITIES: dict[str, dict[str, Any]] = {
    row["id"]: row
    for row in json.loads((VECTORS / "workouts.json").read_text("utf-8"))["vectors"]
    if isinstance(row.get("bytes"), str)
    and bytes.fromhex(row["bytes"])[8:12] == b".FIT"
    and "workouts" in row["decoded"]
}
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
START_S = int(START.timestamp())
DRIVER = drivers({"garmin"})["garmin"]
LISTED = Entry(file=1, type=FIT, subtype=Holds.MONITORING, number=1, flags=0, size=0, at=None)
SOURCE = "Garmin 2927-7890"


def reading(driver: Driver | None = DRIVER, now: datetime = NOW) -> Reading:
    return Reading(None, now, {} if driver is None else {"garmin": driver})


def said(data: bytes, within: Reading | None = None) -> list[Said]:
    head = Head("whatever", data[:100])
    assert garmin_fit.fits(head)
    return list(garmin_fit.read(io.BytesIO(data), head, within or reading()))


def telling(told: BandFile) -> Driver:
    """A driver that reads the same in every file."""

    def read_file(_: bytes) -> BandFile:
        return told

    return replace(DRIVER, read_file=read_file)


@cache
def said_of(path: Path) -> list[Said]:
    within = reading()
    found = said(path.read_bytes(), within)
    assert not within.left_out
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def sealed(body: bytes, head: bytes = b"\x0e\x20\x54\x08\0\0\0\0.FIT") -> bytes:
    held = head[:4] + len(body).to_bytes(4, "little") + head[8:12]
    whole = held + sim_fit.checksum(held).to_bytes(2, "little") + body
    return whole + sim_fit.checksum(whole).to_bytes(2, "little")


def written(*minutes: Minute) -> bytes:
    return sim_fit.monitoring(Day(7, START, 0, {}), minutes, [])


def minute(place: int, activity: int, steps: int = 0) -> Minute:
    return Minute(START + place * MINUTE, activity, 1, steps, None)


# ------------------------------------------------------------------ real files


@pytest.mark.parametrize("path", MONITORING, ids=lambda path: path.stem)
def test_a_real_file_says_what_a_reader_by_hand_finds(path: Path) -> None:
    found, want = said_of(path), independent.minutes(path.read_bytes())
    assert [each[1:] for each in found if isinstance(each, Walked)] == want.walked
    assert {each.at_s: each.intensity for each in found if isinstance(each, Moved)} == want.moved
    assert {each.at_s: each.heart_rate for each in found if isinstance(each, Beat)} == want.beats
    assert {each.source for each in found} == {SOURCE}


@pytest.mark.parametrize("path", MONITORING, ids=lambda path: path.stem)
def test_an_import_says_the_same_as_a_sync_of_the_same_file(path: Path) -> None:
    want: list[Said] = []
    for each in stored.read(LISTED, path.read_bytes(), [], NOW):
        if isinstance(each, Epoch):
            start_s, end_s = int(each.start.timestamp()), int(each.end.timestamp())
            want.append(Walked(SOURCE, start_s, end_s, each.steps))
            for at_s in range(start_s, end_s, 60):
                want += [] if each.intensity is None else [Moved(SOURCE, at_s, each.intensity)]
                want += [] if each.heart_rate is None else [Beat(SOURCE, at_s, each.heart_rate)]
    assert said_of(path) == want


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_a_real_file_of_another_kind_is_counted(path: Path) -> None:
    within = reading()
    assert said(path.read_bytes(), within) == []
    assert dict(within.left_out) == {watch_file.OTHER: 1}


@pytest.mark.parametrize("name", ACTIVITIES)
def test_a_real_activity_says_the_workouts_that_others_read_in_it(name: str) -> None:
    found = said(bytes.fromhex(ACTIVITIES[name]["bytes"]))
    assert [each[1:] for each in found] == [
        (int(at(each["start"]).timestamp()), int(at(each["end"]).timestamp()), each["kind"])
        for each in ACTIVITIES[name]["decoded"]["workouts"]
    ]


# ------------------------------------------------------------------ what a watch may write


def test_a_walk_is_one_span_and_still_minutes_are_told_as_zero() -> None:
    found = said(written(minute(0, 8), minute(1, 6, 70), minute(2, 6, 80), minute(3, 8)))
    assert [each[1:] for each in found if isinstance(each, Walked)] == [
        (START_S, START_S + 60, 0),
        (START_S + 60, START_S + 180, 150),
        (START_S + 180, START_S + 240, 0),
    ]


def test_a_recorded_workout_comes_with_its_kind() -> None:
    held = sim_fit.activity(3, START, START + 40 * MINUTE, 2, 0)
    assert said(held) == [Trained(SOURCE, START_S, START_S + 2400, WorkoutKind.CYCLING)]


def test_compressed_times_are_understood() -> None:
    """After a row that tells its time whole come three of which the heads hold the low five bits of theirs."""
    begun = sim_fit.seconds(START) + 60
    rows = b"".join(bytes([0x80 | 3 << 5 | begun + later & 31, 8]) for later in (20, 40, 60))
    body = sim_fit.FILE_ID.definition() + sim_fit.file_id(32, 1, START)
    body += sim_fit.STILL.definition() + sim_fit.STILL.row(begun, 8)
    body += sim_fit.Layout(3, 55, ((24, 0x0D),)).definition() + rows
    assert [each[1:] for each in said(sealed(body)) if isinstance(each, Walked)] == [
        (START_S, START_S + 60, 0),
        (START_S + 60, START_S + 120, 0),
    ]


def test_a_row_of_all_the_fields_that_there_can_be_is_read() -> None:
    layout = sim_fit.Layout(3, 55, tuple((number, 0x02) for number in range(255)))
    body = sim_fit.FILE_ID.definition() + sim_fit.file_id(32, 1, START) + layout.definition() + bytes([3]) + bytes(255)
    body += sim_fit.STILL.definition() + sim_fit.STILL.row(sim_fit.seconds(START) + 60, 8)
    assert [each[1:] for each in said(sealed(body)) if isinstance(each, Walked)] == [(START_S, START_S + 60, 0)]


def test_times_of_a_clock_that_was_not_set_are_counted() -> None:
    begun = fit.instant(1000)
    rows = [sim_fit.file_id(32, 1, begun), *(sim_fit.STILL.row(1000 + 60 * i, 8) for i in range(1, 4))]
    within = reading()
    assert said(sim_fit.written(rows), within) == []
    assert list(within.left_out) == [watch_file.NEVER_SET]
    assert stored.read(LISTED, sim_fit.written(rows), [], NOW) == [], "and a sync has none of them"


def test_what_lies_in_the_future_is_counted() -> None:
    within = reading(now=START + 2 * MINUTE)
    found = said(written(*(minute(i, 8) for i in range(20))), within)
    assert max(each.end_s for each in found if isinstance(each, Walked)) <= START_S + 7 * 60
    assert within.left_out[FUTURE] == 13


def test_more_steps_than_anybody_walks_are_counted() -> None:
    within = reading()
    found = said(written(minute(0, 6, 90_000), minute(1, 8), minute(2, 6, 100)), within)
    assert [each.steps for each in found if isinstance(each, Walked)] == [0, 100]
    assert dict(within.left_out) == {TOO_MANY_STEPS: 1}


def test_two_watches_of_one_product_are_two_sources() -> None:
    heads = [fit.FileId(32, 2927, None, 1, serial) for serial in (1_234_567_890, 1_234_560_042)]
    assert [watch_file.source(each) for each in heads] == ["Garmin 2927-7890", "Garmin 2927-0042"]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (fit.FileId(32, None, None), "Garmin"),
        (fit.FileId(32, 2927, None, 1), "Garmin 2927"),
        (fit.FileId(32, None, None, 1, 7), "Garmin -0007"),
        (fit.FileId(4, 4, None, 260, 5), "FIT maker 260 4-0005"),
    ],
)
def test_a_source_always_has_a_name(head: fit.FileId, name: str) -> None:
    assert watch_file.source(head) == name


def test_a_name_from_a_driver_is_cleaned() -> None:
    told = BandFile("\x1b[31m\n", [Epoch(START, MINUTE, 3)])
    assert said(b"12345678.FIT", reading(telling(told))) == [Walked("[31m", START_S, START_S + 60, 3)]


# ------------------------------------------------------------------ what is missing


def test_without_the_library_the_command_that_installs_it_is_named() -> None:
    lacking = replace(DRIVER, missing_extra=lambda: "garmin")
    with pytest.raises(InputError, match=r"need the extra garmin: `.*garmin"):
        said(MONITORING[0].read_bytes(), reading(lacking))


@pytest.mark.parametrize("driver", [None, replace(DRIVER, read_file=None)])
def test_without_the_driver_it_says_so(driver: Driver | None) -> None:
    with pytest.raises(InputError, match="the driver that reads files of Garmin watches is missing"):
        said(MONITORING[0].read_bytes(), reading(driver))


# ------------------------------------------------------------------ files that no watch wrote


def refused(data: bytes) -> str:
    with pytest.raises(InputError) as raised:
        said(data)
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) <= 300
    return message


def test_only_what_says_fit_is_claimed() -> None:
    data = MONITORING[0].read_bytes()
    assert garmin_fit.fits(Head("", data))
    for other in (b"", data[:11], b"PK\3\4" + bytes(60), b'[{"steps": 1}]', data[:8] + b".fit" + data[12:]):
        assert not garmin_fit.fits(Head("1.fit", other))


def test_a_damaged_file_is_refused() -> None:
    data = MONITORING[3].read_bytes()
    assert said(data)
    wrong = bytes([*data[:-1], data[-1] ^ 1])
    gigabytes = data[:4] + (2**32 - 1).to_bytes(4, "little") + data[8:]
    for spoilt in (wrong, gigabytes, data[:-2], data[:200], data[:14], data[:12], data + data, data + b"\0"):
        assert "damaged" in refused(spoilt)


def test_only_the_beginning_of_a_file_of_another_kind_is_looked_at() -> None:
    within = reading()
    assert said(OTHERS[0].read_bytes()[:400], within) == []
    assert dict(within.left_out) == {watch_file.OTHER: 1}


def test_a_file_that_is_too_long_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    data, within = MONITORING[0].read_bytes(), reading()
    monkeypatch.setattr(garmin_fit, "LONGEST", len(data) - 1)
    assert said(data, within) == []
    assert dict(within.left_out) == {garmin_fit.TOO_LARGE: 1}
    monkeypatch.setattr(garmin_fit, "LONGEST", len(data))
    assert said(data)


@pytest.mark.parametrize("files", [MONITORING[2:3], pytest.param(MONITORING, marks=pytest.mark.ring)])
def test_no_damage_makes_it_fail_in_another_way(files: Sequence[Path]) -> None:
    noise, passed, counts = random.Random(16), 0, 200
    refusals: list[str] = []
    for number in range(counts):
        data = noise.choice(files).read_bytes()
        body = bytearray(data[14:-2])
        for _ in range(noise.choice([1, 1, 2, 6])):
            body[noise.randrange(len(body))] = noise.choice([0, 1, 0x40, 0x7F, 0xFF, noise.randrange(256)])
        if not number % 5:
            body += body[noise.randrange(len(body)) :]
        held = sealed(bytes(body)) if number % 4 else data[: noise.randrange(12, len(data))]
        try:
            found = said(held)
        except InputError as error:
            refusals.append(str(error))
            continue
        passed += 1
        assert len(found) < 10_000
    assert passed > counts / 5, "hardly any damage got as far as the rows"
    assert len(refusals) > counts / 5
    assert not [each for each in refusals if "\n" in each or len(each) > 300]


def test_a_workout_of_a_day_is_counted() -> None:
    told = BandFile("Garmin", [Workout(WorkoutKind.OTHER, START, START + timedelta(days=1))])
    within = reading(telling(told))
    assert said(b"12345678.FIT", within) == []
    assert dict(within.left_out) == {TOO_LONG: 1}
