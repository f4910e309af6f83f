"""Which computers are believed in: those that told something. What others say is refused with one line for them all."""

from __future__ import annotations

import logging

import pytest

from hipsync.formats.shared import packed, wearer_day
from hipsync.model import Exercise
from hipsync.store import Store
from hipsync.together.intake import MOST_HOSTS, Intake
from hipsync.together.topics import Kind, Part, Topics
from support.builders import MONDAY
from support.computers import SetClock

CLOCK = SetClock()


@pytest.fixture
def intake() -> Intake:
    return Intake(Store.in_memory(), Topics("anna", "desk"), CLOCK.now, CLOCK.passed)


def said_by(host: str) -> Part:
    return Part(Kind.SAID, host, MONDAY.date())


def an_exercise(minute: int = 0) -> bytes:
    """What a computer tells of a day with one exercise."""
    with Store.in_memory() as store:
        store.add_exercise(Exercise(MONDAY.replace(minute=minute), "hip-circles", "manual"))
        return packed(wearer_day(store, MONDAY.date(), CLOCK.now()))


async def test_who_told_something_has_a_line_for_itself_and_all_others_share_one(
    intake: Intake, caplog: pytest.LogCaptureFixture
) -> None:
    for minute, host in enumerate(("laptop", "attic")):
        intake.put(said_by(host), an_exercise(minute))
        assert await intake.take_next() is True
    for _ in range(2):
        for host in ("laptop", "attic", "evil", "worse"):
            intake.put(said_by(host), b"garbage")
            assert await intake.take_next() is False
    warned = [each.getMessage().split()[3] for each in caplog.records if each.levelno == logging.WARNING]
    assert warned == ["laptop", "attic", "evil"]


async def test_nobody_takes_the_place_of_a_computer_by_garbage_or_by_saying_nothing(intake: Intake) -> None:
    for payload in (b"garbage", packed({})):
        for number in range(MOST_HOSTS):
            intake.put(said_by(f"host{number}"), payload)
            assert await intake.take_next() is False
    intake.put(said_by("laptop"), an_exercise())
    assert await intake.take_next() is True


async def test_of_more_computers_than_a_wearer_has_the_last_are_not_heard(intake: Intake) -> None:
    for number in range(MOST_HOSTS):
        intake.put(said_by(f"host{number}"), an_exercise(number))
        assert await intake.take_next() is True
    intake.put(said_by("laptop"), an_exercise(59))
    assert await intake.take_next() is None
