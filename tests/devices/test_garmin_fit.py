"""Real files of a vívosmart 4, and files that the simulated watch writes, through what reads them.

The real ones are in `tests/data/garmin-fit` (see its SOURCES.md). What they hold was read from their raw fields by
other hands: the rows of layer `fit` in `vectors/garmin.json`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from hipsync.errors import DeviceError, MalformedPacket
from hipsync.model import MINUTE, Epoch, Inactivity, State, Workout, WorkoutKind
from hipsync_devices.garmin import fit, minutes, monitoring, sim_fit, sim_memory, stored, workouts
from hipsync_devices.garmin.files import FIT, Entry, Holds
from hipsync_devices.garmin.monitoring import At, Monitoring, Run
from hipsync_devices.garmin.sim_fit import Day, Level, Minute
from support.repository import ROOT
from support.shared import VECTORS

FILES = ROOT / "tests" / "data" / "garmin-fit"
ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row
    for row in json.loads((VECTORS / "garmin.json").read_text("utf-8"))["vectors"]
    if row["layer"] == "fit" and row.get("file")
}
MONITORING = [
    "fit-vivosmart4-50673956133",
    "fit-vivosmart4-50675718946",
    "fit-vivosmart4-50676040675",
    "fit-vivosmart4-50676489169",
    "fit-vivosmart4-50699995054",
    "fit-vivosmart4-50708056399",
    "fit-vivosmart4-68432691503",
    "fit-vivosmart4-68484110985",
    "fit-vivosmart4-68520539240",
]
OTHERS = [
    "fit-vivosmart4-50673966218",
    "fit-vivosmart4-50675720851",
    "fit-vivosmart4-50675984291",
    "fit-vivosmart4-50676510320",
    "fit-vivosmart4-50700018686",
    "fit-vivosmart4-50708059938",
    "fit-vivosmart4-50731586667",
    "fit-vivosmart4-68484122559",
    "fit-vivosmart4-68520562673",
]
LISTED = Entry(file=1, type=FIT, subtype=Holds.MONITORING, number=1, flags=0, size=0, at=None)


def data(name: str) -> bytes:
    return (FILES / f"{name.removeprefix('fit-')}.fit").read_bytes()


def read(held: bytes) -> Monitoring:
    told = monitoring.decode(held)
    assert told is not None
    return told


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_all_files_are_here() -> None:
    assert sorted(ROWS) == sorted([*MONITORING, *OTHERS])
    assert len(list(FILES.glob("*.fit"))) == len(ROWS)


# ------------------------------------------------------------------ real files


@pytest.mark.parametrize("name", MONITORING)
def test_a_real_file_holds_what_others_read_in_it(name: str) -> None:
    told, want = read(data(name)), ROWS[name]["decoded"]
    runs = [
        [run.start, (run.end - run.start) / MINUTE, run.activity, run.intensity, run.steps,
         None if run.active is None else run.active.total_seconds()]
        for run in told.runs
    ]  # fmt: skip
    assert runs == [[at(start), *rest] for start, *rest in want["runs"]]
    assert sum(run.steps for run in told.runs) == want["steps_in_file"]
    assert {str(activity): cycles for activity, cycles in told.totals.items()} == want["totals_at_end"]
    assert len(told.heart_rates) == want["heart_rate_rows"]
    assert [[each.at, each.value] for each in told.heart_rates[:5]] == [
        [at(when), bpm] for when, bpm in want["first_heart_rates"]
    ]
    assert [[each.at, each.value] for each in told.move_bar] == [[at(when), level] for when, level in want["move_bar"]]
    assert told.offset == timedelta(seconds=want["utc_offset_s"])
    assert (told.id.product, told.id.created) == (want["product"], at(want["time_created"]))


@pytest.mark.parametrize("name", MONITORING)
def test_the_epochs_of_a_real_file_tile_it_and_keep_its_steps(name: str) -> None:
    told = read(data(name))
    epochs = minutes.epochs(told)
    assert epochs[0].start == at(ROWS[name]["decoded"]["start"])
    assert all(one.end == other.start for one, other in pairwise(epochs))
    assert epochs[-1].end == told.runs[-1].end
    assert sum(epoch.steps for epoch in epochs) == ROWS[name]["decoded"]["steps_in_file"]
    assert all(epoch.length <= 15 * MINUTE for epoch in epochs)


@pytest.mark.parametrize("name", OTHERS)
def test_a_real_file_of_another_kind_gives_no_minutes(name: str) -> None:
    assert monitoring.decode(data(name)) is None
    assert workouts.decode(data(name)) == []


def test_files_that_follow_each_other_go_on_with_their_totals() -> None:
    day = [read(data(name)) for name in MONITORING[-3:]]
    for one, other in pairwise(day):
        assert one.runs[-1].end == other.runs[0].start
    assert sum(run.steps for told in day for run in told.runs) == day[-1].totals[6] == 15027


def test_the_watchs_own_sit_alarm_comes_when_it_went_off() -> None:
    found = minutes.readings(read(data("fit-vivosmart4-68484110985")))
    alarms = [each.at for each in found if isinstance(each, Inactivity)]
    assert alarms == [at("2020-09-25T10:01:00Z"), at("2020-09-25T16:02:00Z")]


def test_nothing_that_is_not_over_is_told() -> None:
    until = at("2020-09-25T10:00:30Z")
    found = stored.read(LISTED, data("fit-vivosmart4-68484110985"), [], until)
    assert found
    assert all(each.end <= until for each in found if isinstance(each, Epoch))
    assert not [each for each in found if isinstance(each, Inactivity)]


# ------------------------------------------------------------------ runs and minutes by hand


START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def told(*runs: Run, pulses: Sequence[At] = ()) -> Monitoring:
    return Monitoring(fit.FileId(32, None, START), timedelta(), list(runs), list(pulses))


def run(first: float, last: float, activity: int, steps: int = 0, intensity: int = 0) -> Run:
    return Run(START + first * MINUTE, START + last * MINUTE, activity, intensity, steps)


def test_a_still_run_is_minutes_and_a_walk_is_one_epoch() -> None:
    pulses = [At(START + MINUTE, 61), At(START + 3 * MINUTE, 88), At(START + 4 * MINUTE, 90)]
    assert minutes.epochs(told(run(0, 2, 8, intensity=3), run(2, 4, 6, 150, 2), pulses=pulses)) == [
        Epoch(START, MINUTE, 0, 3, 61, kind=0x68, inferred=True),
        Epoch(START + MINUTE, MINUTE, 0, 3, None, kind=0x68, inferred=True),
        Epoch(START + 2 * MINUTE, 2 * MINUTE, 150, 2, 90, State.WALKING, 0x46),
    ]


def test_movement_without_steps_is_told_as_it_is() -> None:
    (epoch,) = minutes.epochs(told(run(0, 1, 0, intensity=4)))
    assert (epoch.steps, epoch.state, epoch.kind, epoch.inferred) == (0, None, 0x80, False)


def test_a_run_within_a_minute_gives_its_steps_to_the_next_one_or_to_the_last() -> None:
    epochs = minutes.epochs(told(run(0, 1, 8), run(1, 1.5, 6, 20), run(1.5, 2.2, 6, 30), run(2.2, 2.9, 6, 7)))
    assert [(epoch.start, epoch.length, epoch.steps) for epoch in epochs] == [
        (START, MINUTE, 0), (START + MINUTE, MINUTE, 57)
    ]  # fmt: skip


def test_cycling_of_ten_minutes_is_a_ride() -> None:
    rides = minutes.rides(told(run(0, 6, 2), run(6, 11, 2), run(11, 12, 8), run(12, 20, 2)).runs)
    assert rides == [Workout(WorkoutKind.CYCLING, START, START + 11 * MINUTE)]
    assert {epoch.state for epoch in minutes.epochs(told(run(0, 6, 2)))} == {State.CYCLING}


# ------------------------------------------------------------------ files that the simulated watch writes


def minute(place: int, activity: int, steps: int = 0, intensity: int = 0, pulse: int | None = 60) -> Minute:
    return Minute(START + place * MINUTE, activity, intensity, steps, pulse)


def written(minutes_of_it: Sequence[Minute], alarms: Sequence[Level] = (), totals: Any = ()) -> bytes:
    return sim_fit.monitoring(Day(7, START, 3600, dict(totals)), minutes_of_it, alarms)


def test_what_the_simulated_watch_writes_is_read() -> None:
    lived = [minute(0, 8), minute(1, 8), minute(2, 6, 80, 2), minute(3, 6, 90, 2), minute(4, 6, 70, 3), minute(5, 8)]
    file = read(written(lived, [Level(START + 2 * MINUTE, 1)], {6: (1000, 30), 1: (40, 1)}))
    assert [(one.start, one.end, one.activity, one.intensity, one.steps) for one in file.runs] == [
        (START, START + 2 * MINUTE, 8, 0, 0),
        (START + 2 * MINUTE, START + 4 * MINUTE, 6, 2, 170),
        (START + 4 * MINUTE, START + 5 * MINUTE, 6, 3, 70),
        (START + 5 * MINUTE, START + 6 * MINUTE, 8, 0, 0),
    ]
    assert file.totals == {6: 1240, 1: 40}
    assert file.move_bar == [At(START + 2 * MINUTE, 1)]
    assert file.heart_rates == [At(START + MINUTE, 60)]
    assert file.offset == timedelta(hours=1)


def test_a_walk_of_the_simulated_watch_is_cut_as_real_ones_are() -> None:
    file = read(written([minute(i, 6, 100) for i in range(20)]))
    assert [(one.end - one.start) / MINUTE for one in file.runs] == [15, 5]


def test_the_short_times_of_a_quiet_night_are_put_together() -> None:
    """Eight hours without a row, and a walk before and after: the low 16 bits wrap around."""
    lived = [minute(0, 6, 50), *(minute(i, 8, pulse=None) for i in range(1, 481)), minute(481, 6, 60)]
    file = read(written(lived))
    assert [(one.end - one.start) / MINUTE for one in file.runs] == [1, 480, 1]
    assert [one.steps for one in file.runs] == [50, 0, 60]


def test_an_activity_of_the_simulated_watch_is_read() -> None:
    for kind, (sport, sub_sport) in sim_memory.SPORTS.items():
        held = sim_fit.activity(3, START, START + 40 * MINUTE, sport, sub_sport)
        assert workouts.decode(held) == [Workout(kind, START, START + 40 * MINUTE)]
        assert monitoring.decode(held) is None


def test_the_simulated_memory_begins_a_file_at_local_midnight_and_after_a_gap() -> None:
    memory = sim_memory.Memory(timedelta(hours=1))
    evening = datetime(2026, 3, 2, 22, 58, tzinfo=UTC)
    for place in (0, 1, 2, 3, 9):
        memory.keep(evening + place * MINUTE, Epoch(evening, MINUTE, 100))
    memory.close()
    files = [read(each.data) for each in memory.stored.values()]
    assert [(file.runs[0].start, file.runs[-1].end, sum(one.steps for one in file.runs)) for file in files] == [
        (evening, evening + 2 * MINUTE, 200),
        (evening + 2 * MINUTE, evening + 4 * MINUTE, 200),
        (evening + 9 * MINUTE, evening + 10 * MINUTE, 100),
    ]
    assert [file.totals[6] for file in files] == [200, 200, 300]


# ------------------------------------------------------------------ files that no watch wrote


def sealed(head: bytes, body: bytes) -> bytes:
    held = head[:4] + len(body).to_bytes(4, "little") + head[8:12]
    whole = held + sim_fit.checksum(held).to_bytes(2, "little") + body
    return whole + sim_fit.checksum(whole).to_bytes(2, "little")


@pytest.mark.parametrize("name", ["fit-vivosmart4-50676489169", "fit-vivosmart4-50675718946"])
@pytest.mark.parametrize("inputs", [100, pytest.param(400, marks=pytest.mark.ring)])
def test_no_bytes_break_the_reader(name: str, inputs: int) -> None:
    whole, noise = data(name), random.Random(4)
    head, body = whole[:14], whole[14:-2]
    passed = 0
    for number in range(inputs):
        spoilt = bytearray(body)
        for _ in range(noise.choice([1, 1, 2, 6])):
            spoilt[noise.randrange(len(spoilt))] = noise.choice([0, 1, 0x40, 0x7F, 0xFF, noise.randrange(256)])
        held = sealed(head, bytes(spoilt)) if number % 4 else bytes(spoilt[: noise.randrange(len(spoilt))])
        try:
            file = monitoring.decode(held)
            workouts.decode(held)
        except DeviceError:
            continue
        if file is not None:
            passed += 1
            epochs = minutes.readings(file)
            assert len(epochs) < 6000
    assert passed > inputs / 5, "hardly any damage got as far as the rows"


def test_a_row_of_another_year_does_not_make_years_of_minutes() -> None:
    rows = [
        sim_fit.file_id(32, 1, START),
        sim_fit.STILL.row(sim_fit.seconds(START) + 60, 8),
        sim_fit.STILL.row(0xFFFFFFF0, 8),
        sim_fit.STILL.row(sim_fit.seconds(START) + 120, 8),
    ]
    assert [one.end for one in read(sim_fit.written(rows)).runs] == [START + MINUTE]


def test_a_file_of_many_days_is_refused() -> None:
    begun = sim_fit.seconds(START)
    rows = [sim_fit.file_id(32, 1, START), *(sim_fit.STILL.row(begun + i * 86_400, 8) for i in range(1, 9))]
    with pytest.raises(MalformedPacket, match="several days"):
        monitoring.decode(sim_fit.written(rows))


@pytest.mark.parametrize("held", [b"", b"\0", b"\x0e\x20\x54\x08\0\0\0\0.FIT\0\0", bytes(4000)])
def test_what_is_no_file_is_refused(held: bytes) -> None:
    with pytest.raises(MalformedPacket):
        monitoring.decode(held)
    with pytest.raises(MalformedPacket):
        workouts.decode(held)


def test_a_file_that_is_cut_off_is_refused_at_every_length() -> None:
    whole = data("fit-vivosmart4-50676040675")
    for length in range(len(whole)):
        with pytest.raises(MalformedPacket):
            monitoring.decode(whole[:length])


def test_two_files_in_one_are_refused() -> None:
    whole = data("fit-vivosmart4-50676040675")
    with pytest.raises(MalformedPacket):
        monitoring.decode(whole + whole)


def test_without_the_library_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="the extra garmin: `hipsync doctor` names the command"):
        monitoring.decode(data("fit-vivosmart4-50676040675"))
