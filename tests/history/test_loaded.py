"""What is cut from a longer time that was loaded is what the store gives of the shorter one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.core.timeline import Source, minute_of
from hipsync.history.loaded import Loaded, sources
from hipsync.model import (
    MINUTE,
    NOT_TOLD,
    Counter,
    Epoch,
    MinuteEpochs,
    Posture,
    Reading,
    State,
    Wear,
    Workout,
    WorkoutKind,
)
from hipsync.store import Store

START = datetime(2026, 3, 2, tzinfo=UTC)
FIRST, SPAN = minute_of(START), 600

PLACES = st.integers(0, SPAN)


@st.composite
def reading(draw: st.DrawFn) -> Reading:
    at = START + draw(PLACES) * MINUTE
    match draw(st.sampled_from(["minute"] * 5 + ["slot", "hours", "counter", "wear", "ride"])):
        case "minute":
            said = draw(st.sampled_from([None, *State])), draw(st.sampled_from([None, *Posture]))
            return Epoch(
                at, MINUTE, draw(st.integers(0, 400)), None, draw(st.sampled_from([None, 60])), said[0], posture=said[1]
            )
        case "slot":
            return Epoch(at, draw(st.sampled_from([2, 5, 15, 30])) * MINUTE, draw(st.integers(0, 90)))
        case "hours":
            return Epoch(at, draw(st.sampled_from([60, 240, 1440])) * MINUTE, draw(st.integers(0, 900)))
        case "counter":
            return Counter(at + timedelta(seconds=draw(st.integers(0, 59))), draw(st.integers(0, 900)))
        case "wear":
            return Wear(at + timedelta(seconds=draw(st.integers(0, 59))), draw(st.booleans()))
        case _:
            return Workout(WorkoutKind.CYCLING, at, at + draw(st.integers(1, 200)) * MINUTE)


def told(minutes: MinuteEpochs) -> dict[int, tuple[int, int]]:
    """What is told of each minute, whatever the column holds before and after."""
    told = enumerate(zip(minutes.steps, minutes.said, strict=True), minutes.first)
    return {minute: each for minute, each in told if each[1] != NOT_TOLD}


def parts(source: Source) -> tuple[object, ...]:
    return (
        list(source.epochs), list(source.counters), list(source.wears), list(source.workouts), told(source.minutes),
        source.vouches, source.reports_wear,
    )  # fmt: skip


@settings(max_examples=25)
@given(st.lists(reading(), max_size=40), st.lists(st.tuples(PLACES, PLACES, PLACES), min_size=8, max_size=16))
def test_a_part_is_what_the_store_gives(readings: list[Reading], asked: list[tuple[int, int, int]]) -> None:
    with Store.in_memory() as store:
        band = store.add_band(name="band", driver="none", now=START, vouches=False, reports_wear=False)
        store.append(band.id, readings)
        loaded = Loaded(store, [band], FIRST + 100, FIRST + SPAN - 100)
        for places in asked:
            since, first, last = sorted(FIRST + place for place in places)
            found = loaded.sources(first, last, since)
            expected = sources(store, [band], first, last, counters_from=since)
            assert list(map(parts, found)) == list(map(parts, expected))
