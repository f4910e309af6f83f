"""What was learned decides how a reminder is shown, and each one is predicted by the twin, which imports nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest

from cases.kit import ADDRESS, KEY, Away, Wrist
from hipsync.core.exercises import Move
from hipsync.core.policy import Policy
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Answer, Epoch, Occasion, Prompt, State, Where
from hipsync.registry import drivers
from hipsync.service.plan import next_wake
from hipsync.service.service import Service
from hipsync.service.showing import WALK_FIRST
from hipsync.service.state import Settings, settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import run
from hipsync_devices.huami.sim import MiBand
from support import follow_twin
from support.builders import MONDAY, day
from support.world import UTC_ZONE

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
SETTINGS = replace(settings_of(Config(morning=False), "UTC"), policy=Policy())
SITS = (8 * 60 + 5, 12 * 60 + 5, 13 * 60 + 30, 15 * 60 + 5)
"""The minutes of a day at which somebody sits down; each reminder comes an hour later, at 9, 13, 14 and 16 h."""
GOOD, BAD = 5, 22
"""How long they sit on after a reminder: one is followed within ten minutes, and one not even when it is repeated."""
USUAL = (GOOD, BAD, BAD, GOOD)


def life(ways: Sequence[Sequence[int]], first: datetime) -> list[Epoch]:
    """Return days in a row; each is given by how long somebody sat on after each reminder."""
    epochs: list[Epoch] = []
    for number, on in enumerate(ways):
        parts, at = list[str](), 0
        for begin, more in zip(SITS, on, strict=True):
            parts += [f"{begin - at}m walk 30", f"{60 + more}m sit"]
            at = begin + 60 + more
        parts.append(f"{1440 - at}m walk 30")
        epochs += [e._replace(state=e.state or State.SITTING) for e in day(", ".join(parts), first + number * DAY)]
    return epochs


class Showing(NamedTuple):
    at: datetime
    first: datetime
    quiet: bool
    strong: bool
    walk: bool


class Worker:
    """A service without a band in reach, woken whenever something could be due; what was shown, and how."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.store, self.now, self.showings = Store.in_memory(), MONDAY, list[Showing]()
        self.band = self.store.add_band(name="import", driver="csv", now=MONDAY, vouches=True, reports_wear=True)
        self.service = Service(
            self.store, settings, radio=Away(lambda: self.now), drivers=drivers(), secret=lambda _: None,
            deliver=self.aloud, deliver_quietly=self.quietly, now=lambda: self.now,
        )  # fmt: skip

    def note(self, prompt: Prompt, move: Move, *, quiet: bool, strong: bool) -> Sequence[Where]:
        self.showings.append(Showing(self.now, prompt.at, quiet, strong, WALK_FIRST in move.line))
        return [Where.DESKTOP]

    async def aloud(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        return self.note(prompt, move, quiet=False, strong=strong)

    async def quietly(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        return self.note(prompt, move, quiet=True, strong=strong)

    def live(self, ways: Sequence[Sequence[int]], first: datetime) -> None:
        self.store.append(self.band.id, life(ways, first))

        async def story(_: FastClock) -> None:
            for number in range(len(ways)):
                for begin in SITS:
                    for later in (60, 70, 80, 85):
                        self.now = first + number * DAY + (begin + later) * MINUTE
                        await self.service.wake(self.now)

        run(story, first)


def predicted(ways: dict[datetime, Sequence[int]]) -> list[Showing]:
    """Return every showing as the twin would have it, from the days alone."""
    past: list[follow_twin.Reminder] = []
    showings: list[Showing] = []
    for date, on in ways.items():
        for begin, more in zip(SITS, on, strict=True):
            at, number = date + (begin + 60) * MINUTE, len(past)
            quiet, walk = follow_twin.manner(at, past, number)
            showings.append(Showing(at, at, quiet, False, walk))
            last = at
            if more > 10:
                last = at + 10 * MINUTE
                quiet, walk = follow_twin.manner(last, [*past, follow_twin.Reminder(at, at, False)], number)
                showings.append(Showing(last, at, quiet, not quiet, walk))
            past.append(follow_twin.Reminder(at, last, at + more * MINUTE <= last + 10 * MINUTE))
    return showings


def test_the_twin_predicts_how_each_reminder_of_ten_weeks_is_shown() -> None:
    worker, lived = Worker(), dict[datetime, Sequence[int]]()
    for week in range(10):
        usual = USUAL if week != 7 else (BAD,) * 4
        ways = [usual, (GOOD, BAD, GOOD, GOOD) if week < 4 else usual]
        worker.live(ways, MONDAY + week * WEEK)
        lived.update({MONDAY + week * WEEK + n * DAY: each for n, each in enumerate(ways)})
    assert worker.showings == predicted(lived)
    quiet = [each for each in worker.showings if each.quiet]
    assert {(each.at.weekday(), each.at.hour) for each in quiet} == {(0, 14)}
    assert min(each.at for each in quiet) == MONDAY + 5 * WEEK + (14 * 60 + 40) * MINUTE
    assert {each.strong for each in quiet} == {False}
    walks = [each for each in worker.showings if each.walk]
    assert len({each.first for each in walks}) >= 3
    assert {(each.at - MONDAY) // WEEK for each in walks} <= {7, 8}


def ignored(store: Store) -> None:
    """Six Mondays on which a reminder at 13 and one at 14 h was ignored, and six that were followed."""
    band = store.add_band(name="past", driver="csv", now=MONDAY, vouches=True, reports_wear=True)
    for week in range(1, 7):
        past = MONDAY - week * WEEK
        store.append(band.id, life([USUAL], past))
        for begin, more in zip(SITS, USUAL, strict=True):
            at = past + (begin + 60) * MINUTE
            answer = Answer.DONE if more == GOOD else Answer.IGNORED
            store.add_prompt(Prompt(at, at, "hip-extension", sure=True, answer=answer, answered_at=at))


@pytest.mark.parametrize("buzzes", [True, False], ids=["a band that buzzes", "buzzing is off"])
def test_a_quiet_reminder_is_given_on_the_band_alone(buzzes: bool) -> None:
    async def story(clock: FastClock) -> tuple[list[str], list[Prompt], int]:
        band, notices = MiBand(life([USUAL], MONDAY), now=clock.now(), zone=UTC_ZONE, secret=KEY), list[str]()

        async def aloud(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
            del move, strong
            notices.append(f"{prompt.at:%H} aloud")
            return [Where.DESKTOP]

        async def quietly(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
            del move
            assert not strong
            notices.append(f"{prompt.at:%H} quietly")
            return [Where.DESKTOP]

        with Store.in_memory() as store:
            ignored(store)
            store.add_band(name="band", driver="huami", address=ADDRESS, now=MONDAY, vouches=True, reports_wear=True)
            service = Service(
                store, replace(SETTINGS, band=buzzes), radio=Wrist(band, clock.now), drivers=drivers(),
                secret=lambda _: KEY, deliver=aloud, deliver_quietly=quietly, now=clock.now,
            )  # fmt: skip
            while clock.now() < MONDAY + 17 * 60 * MINUTE:
                state = await service.wake(clock.now())
                await clock.sleep_until(max(next_wake(state, clock.now()), clock.now() + timedelta(seconds=1)))
            await service.leave()
            prompts = store.prompts(MONDAY, MONDAY + DAY)
        texts = sum(bool(shown.text) for shown in band.shown if shown.at.hour == 14)
        return notices, prompts, texts

    notices, prompts, texts = run(story, MONDAY + 8 * 60 * MINUTE)
    assert [(prompt.at.hour, prompt.occasion, prompt.shown) for prompt in prompts] == [
        (hour, Occasion.SITTING, 2 if hour in {13, 14} else 1) for hour in (9, 13, 14, 16)
    ]
    assert [notice for notice in notices if not notice.startswith("14")] == [
        "09 aloud",
        "13 aloud",
        "13 aloud",
        "16 aloud",
    ]
    if buzzes:
        assert (prompts[2].where, texts) == ((Where.BAND,), 2)
        assert not any(notice.startswith("14") for notice in notices)
    else:
        assert (prompts[2].where, texts) == ((Where.DESKTOP,), 0)
        assert [notice for notice in notices if notice.startswith("14")] == ["14 quietly"] * 2


@pytest.mark.parametrize("adapt", [True, False])
def test_nothing_is_adapted_if_that_is_not_wanted(adapt: bool) -> None:
    worker = Worker(replace(SETTINGS, adapt=adapt))
    ignored(worker.store)
    worker.live([(BAD,) * 4, (BAD,) * 4], MONDAY)
    assert len(worker.showings) == 16
    assert any(each.quiet for each in worker.showings) is adapt
    assert any(each.walk for each in worker.showings) is adapt
