"""A trial in the running service: what is withheld is shown nowhere, and each reminder is drawn once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.kit import ADDRESS, KEY, Away, Wrist
from hipsync.core.exercises import Move
from hipsync.core.policy import Policy
from hipsync.core.prompting import Quiet, Reason
from hipsync.core.trial import withholds
from hipsync.errors import StoreError
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Answer, Draw, Epoch, Prompt, State, Trial, Where
from hipsync.registry import drivers
from hipsync.service.answers import answer_prompt
from hipsync.service.now import now_of
from hipsync.service.plan import next_wake
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.service.status_text import sentences
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import run
from hipsync_devices.huami.sim import MiBand
from support.builders import MONDAY, day
from support.machine import Machine
from support.world import UTC_ZONE

NINE = MONDAY + timedelta(hours=9)
SPELL = 80 * MINUTE
"""From one start of sitting to the next: 75 minutes of sitting, and 5 of walking."""
SPELLS = 12
SEED = "a seed"
SETTINGS = replace(settings_of(Config(morning=False, trial=0.5), "UTC"), policy=Policy())
STARTS = [NINE + number * SPELL for number in range(SPELLS)]
WITHHELD = [withholds(SEED, start, 0.5) for start in STARTS]
LIFE = [
    epoch._replace(state=State.SITTING)
    for epoch in day("5m walk, " + ", ".join(["75m sit, 5m walk"] * SPELLS), NINE - 5 * MINUTE)
]


class Days:
    """A store, a clock that a test sets, and a service that may be started anew; what was shown, and when."""

    def __init__(self, life: Sequence[Epoch] = LIFE) -> None:
        self.store, self.now = Store.in_memory(), NINE
        self.band = self.store.add_band(name="import", driver="csv", now=MONDAY, vouches=True, reports_wear=True)
        self.store.append(self.band.id, life)
        self.store.add_trial(Trial(MONDAY, SEED))
        self.shown: list[datetime] = []
        self.settings = SETTINGS
        self.fails = False
        self.start()

    def start(self) -> None:
        self.service = Service(
            self.store, self.settings, radio=Away(lambda: self.now), drivers=drivers(), secret=lambda _: None,
            deliver=self.deliver, now=lambda: self.now,
        )  # fmt: skip

    async def deliver(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        del move, strong
        self.shown.append(prompt.due)
        if self.fails:
            raise StoreError("the process dies here")
        return [Where.TERMINAL]

    def pass_to(self, end: datetime, *, step: timedelta = 5 * MINUTE, restart: bool = False) -> None:
        async def story(_: FastClock) -> None:
            while self.now < end:
                if restart:
                    self.start()
                await self.service.wake(self.now)
                self.now += step

        run(story, self.now)

    def draws(self) -> list[Draw]:
        return self.store.draws(MONDAY, MONDAY + timedelta(days=9))


def dues(*, withheld: bool) -> list[datetime]:
    return [start + 60 * MINUTE for start, drawn in zip(STARTS, WITHHELD, strict=True) if drawn is withheld]


EXPECTED = [
    Draw(start, start + 60 * MINUTE, start + 60 * MINUTE, drawn) for start, drawn in zip(STARTS, WITHHELD, strict=True)
]
assert 3 <= sum(WITHHELD) <= 9


@pytest.mark.parametrize("restart", [False, True], ids=["one run", "a restart each time"])
def test_what_is_drawn_is_withheld_and_nothing_else(restart: bool) -> None:
    days = Days()
    days.pass_to(NINE + SPELLS * SPELL, restart=restart)
    assert sorted(set(days.shown)) == dues(withheld=False)
    assert days.draws() == EXPECTED
    assert [prompt.due for prompt in days.store.prompts(MONDAY, MONDAY + timedelta(days=9))] == dues(withheld=False)


def test_a_withheld_reminder_gets_no_repeat_and_no_second_showing() -> None:
    first = WITHHELD.index(True)
    long = day("5m walk, 400m sit", STARTS[first] - 5 * MINUTE)
    days = Days([epoch._replace(state=State.SITTING) for epoch in long])
    days.settings = replace(SETTINGS, policy=Policy(repeat_minutes=30, stronger=True))
    days.now = STARTS[first]
    days.start()
    days.pass_to(STARTS[first] + 400 * MINUTE)
    assert (days.shown, days.draws()) == ([], [EXPECTED[first]])
    days.settings = replace(days.settings, trial=0.0)
    days.start()
    days.now = STARTS[first] + 300 * MINUTE
    days.pass_to(STARTS[first] + 400 * MINUTE)
    assert days.shown == [], "a trial that is stopped ends no stretch"


def test_a_shown_reminder_is_repeated_without_another_draw() -> None:
    first = WITHHELD.index(False)
    days = Days([e._replace(state=State.SITTING) for e in day("5m walk, 400m sit", STARTS[first] - 5 * MINUTE)])
    days.settings = replace(SETTINGS, policy=Policy(repeat_minutes=60, stronger=True))
    days.now = STARTS[first]
    days.start()
    days.pass_to(STARTS[first] + 400 * MINUTE)
    assert len(days.shown) > 6
    assert days.draws() == [EXPECTED[first]]


def test_a_process_that_dies_while_it_shows_draws_no_second_time() -> None:
    days = Days()
    days.fails = True
    for _ in range(SPELLS * 16):
        days.start()
        try:
            days.pass_to(days.now + 5 * MINUTE)
        except StoreError:
            days.now += 5 * MINUTE
    assert days.draws() == EXPECTED


def test_what_cannot_be_stored_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    days, first = Days(), WITHHELD.index(False)

    def full(draw: Draw) -> None:
        del draw
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(days.store, "add_draw", full)
        for minute in range(60, 74):
            days.now = STARTS[first] + minute * MINUTE
            with pytest.raises(StoreError):
                days.pass_to(days.now + MINUTE)
    assert (days.shown, days.draws()) == ([], [])
    assert days.store.prompts(MONDAY, MONDAY + timedelta(days=9)) == []
    days.now = STARTS[first] + 74 * MINUTE
    days.pass_to(STARTS[first] + 75 * MINUTE)
    assert days.draws() == [EXPECTED[first]._replace(at=STARTS[first] + 74 * MINUTE)]
    assert days.shown == [EXPECTED[first].due]


def test_late_data_draw_no_second_time() -> None:
    """What came at 10:30 moves the start of a stretch for which was drawn at 10:00."""
    for drawn in (False, True):
        first = WITHHELD.index(drawn)
        start = STARTS[first]
        days = Days([e._replace(state=State.SITTING) for e in day("5m walk, 100m sit", start - 5 * MINUTE)])
        days.now = start
        days.pass_to(start + 70 * MINUTE)
        late = [Epoch(start + n * MINUTE, MINUTE, 50, heart_rate=70) for n in range(-5, 4)]
        days.store.append(days.band.id, late)
        days.pass_to(start + 100 * MINUTE)
        assert days.draws() == [EXPECTED[first]]
        assert set(days.shown) == (set() if drawn else {EXPECTED[first].due})


def test_the_words_are_true_and_do_not_say_why() -> None:
    days = Days()
    days.now = STARTS[WITHHELD.index(True)] + 59 * MINUTE
    told: list[str] = []
    for _ in range(10):
        days.now += MINUTE
        told.append(sentences(now_of(days.service.state(days.now), days.now, running=True))[0].partition(". ")[2])
        days.pass_to(days.now + timedelta(seconds=1), step=timedelta(seconds=1))
        told.append(sentences(now_of(days.service.state(days.now), days.now, running=True))[0].partition(". ")[2])
    assert set(told) == {"No reminder in this spell."}
    state = days.service.state(days.now)
    assert (state.verdict, state.expected) == (Quiet(Reason.WITHHELD), Quiet(Reason.WITHHELD))
    assert next_wake(state, days.now) > days.now


def test_without_a_seed_the_service_makes_one() -> None:
    days = Days()
    days.store.erase(MONDAY, NINE)
    assert days.store.trial(NINE) is None
    days.pass_to(NINE + 2 * MINUTE)
    trial = days.store.trial(days.now)
    assert trial is not None
    assert len(trial.seed) == 32
    assert trial.since == NINE
    days.settings = replace(SETTINGS, trial=0.0)
    assert Store.in_memory().trial(NINE) is None


def test_a_band_does_not_vibrate_for_what_is_withheld() -> None:
    async def story(clock: FastClock) -> tuple[int, list[Draw]]:
        band = MiBand(LIFE, now=NINE, zone=UTC_ZONE, secret=KEY)
        with Store.in_memory() as store:
            store.add_band(name="band", driver="huami", address=ADDRESS, now=NINE, vouches=True)
            store.add_trial(Trial(MONDAY, SEED))

            async def deliver(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
                del move, strong
                answer_prompt(store, prompt, Answer.SKIPPED, clock.now())
                return []

            service = Service(
                store, SETTINGS, radio=Wrist(band, clock.now), drivers=drivers(), secret=lambda _: KEY,
                deliver=deliver, now=clock.now,
            )  # fmt: skip
            while clock.now() < NINE + SPELLS * SPELL:
                state = await service.wake(clock.now())
                await clock.sleep_until(max(next_wake(state, clock.now()), clock.now() + timedelta(seconds=1)))
            await service.leave()
            return sum(bool(shown.text) for shown in band.shown), store.draws(MONDAY, MONDAY + timedelta(days=9))

    texts, draws = run(story, NINE)
    assert [(draw.start, draw.withheld) for draw in draws] == list(zip(STARTS, WITHHELD, strict=True))
    assert texts == WITHHELD.count(False)


def test_nothing_that_people_read_names_what_is_withheld(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    start = STARTS[WITHHELD.index(True)]
    epochs = [e._replace(state=State.SITTING) for e in day("5m walk, 75m sit", start - 5 * MINUTE)]
    machine.band(epochs)
    with Store.open(machine.database) as store:
        store.add_trial(Trial(MONDAY, SEED))
        store.add_draw(Draw(start, start + 60 * MINUTE, start + 60 * MINUTE, withheld=True))
    for words in (["status"], ["status", "--line"], ["today"], ["today", "--plain"], ["prompts"], ["week"]):
        assert "withh" not in machine.told(*words)
    status = json.loads(machine.told("status", "--json"))
    assert (status["reason"], status["until"]) == ("no reminder in this stretch", None)
    assert json.loads(machine.told("prompts", "--json"))["prompts"] == []
    machine.refused("done", code=2)
