"""One wake of the service: what fails in it, and what must happen all the same."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hipsync.conversation.session import Connection
from hipsync.core.exercises import Move
from hipsync.core.policy import Policy
from hipsync.driver import Abilities, Driver, Link, Session
from hipsync.errors import BluetoothUnavailable, DeviceError, HipsyncError, LinkLost, StoreError
from hipsync.model import MINUTE, Answer, Band, Charge, Epoch, Prompt, Reading, Where
from hipsync.service.answers import answer_prompt
from hipsync.service.plan import next_wake
from hipsync.service.service import Service
from hipsync.service.showing import Showing
from hipsync.service.state import State, families_of, settings_of, state_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import DirectConnection
from support.plain_band import PlainBand

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Radio:
    """Bands that are there at once; one of them may be out of reach."""

    def __init__(self, unreachable: HipsyncError | None = None) -> None:
        self._unreachable = unreachable

    @asynccontextmanager
    async def reach(self, band: Band) -> AsyncGenerator[Connection, None]:
        if self._unreachable is not None:
            raise self._unreachable
        connection = DirectConnection(PlainBand(), lambda: NOW)
        yield connection
        connection.drop()


def driver(key: str, fails: Exception | None) -> Driver:
    async def open_(link: Link, session: Session) -> Sequence[Reading]:
        if fails is not None:
            raise fails
        return [Charge(NOW, 50)]

    return Driver(key, key, Abilities(), lambda _: "none", lambda _: True, open_)


def woken(store: Store, drivers: dict[str, Driver], radio: Radio) -> tuple[list[Prompt], datetime]:
    """What was said by a wake at `NOW`, and when the next is due, with an hour and a half of sitting in the store."""
    said: list[Prompt] = []

    async def deliver(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        said.append(prompt)
        return [Where.TERMINAL]

    data = store.add_band(name="data", driver="csv", now=NOW, vouches=True, reports_wear=True)
    walked = [Epoch(NOW - (100 - i) * MINUTE, MINUTE, 100, heart_rate=90) for i in range(10)]
    sat = [Epoch(NOW - (90 - i) * MINUTE, MINUTE, 0, heart_rate=60) for i in range(90)]
    store.append(data.id, walked + sat)
    for number, name in enumerate(("first", "second", "third"), 1):
        store.add_band(name=name, driver=name, address=f"C0:00:00:00:00:0{number}", now=NOW)
    service = Service(
        store,
        replace(settings_of(Config(), "UTC"), policy=Policy()),
        radio=radio,
        drivers=drivers,
        secret=lambda _: None,
        deliver=deliver,
        now=lambda: NOW,
    )
    return said, next_wake(asyncio.run(service.wake(NOW)), NOW)


def test_a_bug_in_one_driver_and_a_missing_one_delay_neither_the_others_nor_the_verdict(
    caplog: pytest.LogCaptureFixture,
) -> None:
    drivers = {"first": driver("first", KeyError("a bug")), "third": driver("third", None)}
    with Store.in_memory() as store:
        said, due = woken(store, drivers, Radio())
        assert len(said) == 1
        errors = {band.name: [sync.error for sync in store.syncs(band.id)] for band in store.bands()}
    assert errors["first"] == ["KeyError: 'a bug'"]
    assert errors["second"][0] is not None
    assert errors["second"][0].startswith("no driver 'second'")
    assert errors["third"] == [None]
    assert due == NOW + 2 * MINUTE, "the delays grow for a driver with a bug, too"
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.exc_info is not None for record in warnings] == [True, False]


@pytest.mark.parametrize("failure", [BluetoothUnavailable("it is switched off"), LinkLost("gone")])
def test_a_dead_radio_does_not_delay_the_verdict(failure: HipsyncError) -> None:
    names = ("first", "second", "third")
    with Store.in_memory() as store:
        said, due = woken(store, {name: driver(name, None) for name in names}, Radio(failure))
        assert len(said) == 1
        assert due == NOW + 2 * MINUTE


def test_a_store_that_fails_ends_the_wake() -> None:
    with Store.in_memory() as store:
        with pytest.raises(StoreError, match="full"):
            woken(store, {"first": driver("first", StoreError("the disk is full"))}, Radio())
        first = next(band for band in store.bands() if band.name == "first")
        assert store.syncs(first.id) == []


@pytest.mark.parametrize("wrong", [datetime(2099, 1, 1, tzinfo=UTC), NOW + timedelta(minutes=20)])
def test_what_a_band_claims_of_the_future_is_left_out_and_does_not_stop_the_next_sync(wrong: datetime) -> None:
    asked: list[datetime | None] = []

    async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
        asked.append(session.since.get(Epoch))
        yield [Epoch(NOW - MINUTE, MINUTE, 7), Epoch(wrong, MINUTE, 9), Charge(wrong, 50)]

    liar = replace(driver("first", None), sync=sync, abilities=Abilities(history=MINUTE))
    with Store.in_memory() as store:
        band = store.add_band(name="first", driver="first", address="C0:00:00:00:00:01", now=NOW)
        store.append(band.id, [Epoch(datetime(2098, 1, 1, tzinfo=UTC), MINUTE, 1)])  # stored when our clock was wrong
        service = Service(
            store, settings_of(Config(), "UTC"), radio=Radio(), drivers={"first": liar}, secret=lambda _: None,
            deliver=nowhere, now=lambda: NOW,
        )  # fmt: skip
        for _ in range(2):
            asyncio.run(fetched(service, band))
        assert asked == [None, NOW], "the row of 2098 is no mark: at first all is asked for"
        assert store.epochs(band.id, NOW - timedelta(hours=1), NOW + timedelta(hours=1)) == [
            Epoch(NOW - MINUTE, MINUTE, 7)
        ]
        assert store.newest_charge(band.id) == Charge(NOW, 50)


def sitting(store: Store, minutes: int) -> None:
    """Store ten minutes of walking, and then sitting from an hour and a half before `NOW` to some minutes after it."""
    data = store.add_band(name="data", driver="csv", now=NOW, vouches=True, reports_wear=True)
    walked = [Epoch(NOW - (100 - i) * MINUTE, MINUTE, 100, heart_rate=90) for i in range(10)]
    sat = [Epoch(NOW - (90 - i) * MINUTE, MINUTE, 0, heart_rate=60) for i in range(90 + minutes)]
    store.append(data.id, walked + sat)


def state_at(store: Store, now: datetime) -> State:
    return state_of(store, settings_of(Config(), "UTC"), now, families_of({}))


def shown_late(store: Store, state: State, now: datetime) -> list[Prompt]:
    """Show what a state says is due, though the store may know better by now; return what was shown."""
    said: list[Prompt] = []

    async def deliver(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        said.append(prompt)
        return [Where.TERMINAL]

    due = state.due()
    assert due is not None
    asyncio.run(Showing(store, deliver, deliver, lambda: now).show(due, state, now, ()))
    return said


def test_a_prompt_that_was_shown_and_answered_elsewhere_just_now_is_not_shown() -> None:
    with Store.in_memory() as store:
        sitting(store, 0)
        state = state_at(store, NOW)
        due = state.due()
        assert due is not None
        other = Prompt(NOW - MINUTE, due.due, "hip-rotation", sure=True, answer=Answer.DONE, answered_at=NOW)
        store.update_prompt(other)
        assert shown_late(store, state, NOW) == []
        assert store.prompt(other).answer is Answer.DONE


def test_an_answer_that_comes_just_before_a_second_showing_stays() -> None:
    with Store.in_memory() as store:
        sitting(store, 11)
        (prompt,) = shown_late(store, state_at(store, NOW), NOW)
        store.update_prompt(prompt._replace(answer=Answer.SNOOZED, answered_at=NOW, snoozed_until=NOW + 10 * MINUTE))
        later = NOW + 11 * MINUTE
        state = state_at(store, later)
        answer_prompt(store, prompt, Answer.DONE, later)
        assert shown_late(store, state, later) == []
        assert store.prompt(prompt).answer is Answer.DONE


def test_what_the_data_say_of_a_prompt_does_not_undo_what_the_person_said_just_now() -> None:
    with Store.in_memory() as store:
        sitting(store, 40)
        (prompt,) = shown_late(store, state_at(store, NOW), NOW)
        later = NOW + 40 * MINUTE
        before = state_at(store, later)
        answer_prompt(store, prompt, Answer.DONE, NOW + MINUTE)
        service = Service(
            store, settings_of(Config(), "UTC"), radio=Radio(), drivers={}, secret=lambda _: None, deliver=nowhere,
            now=lambda: later,
        )  # fmt: skip
        assert service.settle(before, later), "it had no answer when the state was made"
        assert store.prompt(prompt).answer is Answer.DONE


async def nowhere(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
    return []


async def fetched(service: Service, band: Band) -> None:
    await service.fetch(band)


def test_a_computer_that_does_not_know_the_time_calls_nobody() -> None:
    then = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
    with Store.in_memory() as store:
        band = store.add_band(name="first", driver="first", address="C0:00:00:00:00:01", now=then)
        service = Service(
            store, settings_of(Config(), "UTC"), radio=Radio(), drivers={"first": driver("first", None)},
            secret=lambda _: None, deliver=nowhere, now=lambda: then,
        )  # fmt: skip
        with pytest.raises(DeviceError, match="this computer believes it is 1970-01-01: set its clock first"):
            asyncio.run(service.fetch(band))
