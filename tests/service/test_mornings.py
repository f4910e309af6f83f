"""The service in the morning: a Mi Band's wearer gets up, the band is called now and then, and it is said once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.exercises import When, moves_for
from hipsync.host.clock import FastClock
from hipsync.model import (
    MINUTE,
    Answer,
    Epoch,
    Occasion,
    Outing,
    Pause,
    Prompt,
    Reading,
    State,
    Where,
    Workout,
    WorkoutKind,
)
from hipsync.service.answers import answer_prompt
from hipsync.service.service import Service
from hipsync.service.state import Settings, settings_of
from hipsync.settings.config import Config
from hipsync.simulated import SimulatedBand
from hipsync.store import Store
from hipsync.testing.direct import run
from hipsync_devices.huami.sim import MiBand
from hipsync_devices.infinitime.sim import PineTime
from support.builders import day
from support.machine import Machine
from support.world import KEY, NINE, World

LONDON = ZoneInfo("Europe/London")
HOUR = 60 * MINUTE


def local(text: str) -> datetime:
    """Such as "03-29 08:40", of 2026 in London."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=LONDON).astimezone(UTC)


def life(first: str, *until: tuple[str, str]) -> list[Epoch]:
    """What somebody did until each of some instants: sleep, sit, off, or walk: five minutes of it, and then sitting."""
    epochs: list[Epoch] = []
    start = local(first)
    for when, what in until:
        end = local(when)
        minutes = (end - start) // MINUTE
        drawing = f"{min(minutes, 5)}m walk, {max(minutes - 5, 0)}m sit" if what == "walk" else f"{minutes}m {what}"
        epochs += [epoch._replace(heart_rate=None if what == "off" else 60) for epoch in day(drawing, start)]
        start = end
    return epochs


@dataclass
class Lived:
    prompts: Sequence[Prompt]
    calls: Sequence[datetime]
    buzzed: Sequence[object] = field(default_factory=list[object])

    def of(self, occasion: Occasion) -> list[Prompt]:
        return [prompt for prompt in self.prompts if prompt.occasion is occasion]

    @property
    def mornings(self) -> list[Prompt]:
        return self.of(Occasion.MORNING)


def lived(
    epochs: Sequence[Epoch],
    *,
    settings: Settings | None = None,
    pause: Pause | None = None,
    answer: tuple[Answer, timedelta] | None = None,
    live: SimulatedBand | None = None,
    from_: datetime | None = None,
    away: datetime | None = None,
) -> Lived:
    """A Mi Band's wearer lives through it, and the service, from `from_` on; the first prompt may be answered."""
    start = from_ or epochs[0].start

    async def live_through(clock: FastClock) -> Lived:
        band = MiBand(epochs, now=start, zone=LONDON, secret=KEY)
        others = {} if live is None else {"watch": live}
        world = World(clock, band=band, **others)  # type: ignore[arg-type]  # simulated bands
        world.service = Service(
            world.store, settings or settings_of(Config(), LONDON.key), radio=world.wrist,
            drivers=world.service.connector.drivers,
            secret=lambda _: KEY, deliver=world.shown, now=clock.now,
        )  # fmt: skip
        if pause is not None:
            world.store.add_pause(pause)
        calls: list[datetime] = []
        planned = answer
        reach = world.wrist.reach

        def counted(band: object) -> object:
            calls.append(clock.now())
            return reach(band)  # type: ignore[arg-type]

        world.wrist.reach = counted  # type: ignore[method-assign, assignment]
        end = epochs[-1].end
        try:
            if away is not None:
                await world.run_until(away)
                world.wrist.away = {"band"}
            while clock.now() < end:
                await world.run_until(min(clock.now() + 5 * MINUTE, end) if planned else end)
                said = world.store.prompts(start, end)
                if planned is not None and said and said[0].answer is None and clock.now() >= said[0].at + planned[1]:
                    answer_prompt(world.store, said[0], planned[0], clock.now())
                    planned = None
        finally:
            await world.service.leave()
        return Lived(world.store.prompts(start, end + HOUR), calls, band.shown)

    return run(live_through, start)


NIGHTS = life(
    "03-27 12:00",
    ("03-27 22:30", "walk"),
    ("03-28 09:10", "sleep"),  # Saturday, hours from nine
    ("03-28 13:40", "walk"),
    ("03-28 14:40", "sleep"),  # a nap
    ("03-28 23:10", "walk"),
    ("03-29 09:40", "sleep"),  # the clocks went forward
    ("03-29 23:30", "walk"),
    ("03-30 03:10", "sleep"),
    ("03-30 03:16", "walk"),  # to the bathroom
    ("03-30 07:25", "sleep"),
    ("03-30 23:00", "walk"),
    ("03-31 06:30", "sleep"),  # too long before the hours
    ("03-31 23:00", "walk"),
    ("04-01 11:45", "sleep"),  # until noon
    ("04-01 23:00", "walk"),
    ("04-02 08:20", "off"),  # on the bedside table, and put on late
    ("04-02 23:00", "walk"),
)


@pytest.fixture(scope="module")
def nights() -> Lived:
    return lived(NIGHTS)


def test_after_each_night_it_is_said_once_within_the_hour_and_inside_the_hours(nights: Lived) -> None:
    walks = ["03-28 09:11", "03-29 09:41", "03-30 07:26", "04-01 11:46"]
    assert [prompt.due for prompt in nights.mornings] == [local(walk) for walk in walks]
    for prompt, opens in zip(
        nights.mornings, ["03-28 09:11", "03-29 09:41", "03-30 08:00", "04-01 11:46"], strict=True
    ):
        assert local(opens) <= prompt.at <= prompt.due + HOUR
    assert nights.mornings[2].at < local("03-30 08:01"), "held until the hours begin, and said then"


def test_it_is_for_the_morning_and_nobody_s_moving_is_an_answer_to_it(nights: Lived) -> None:
    good = {move.name for move in moves_for(When.MORNING)}
    assert {prompt.exercise for prompt in nights.mornings} <= good
    assert [prompt.answer for prompt in nights.mornings] == [Answer.IGNORED] * 4
    assert [prompt.shown for prompt in nights.mornings] == [1] * 4
    assert all(prompt.where == (Where.TERMINAL, Where.BAND) for prompt in nights.mornings)


@pytest.mark.ring
def test_the_hours_of_sitting_are_prompted_as_without_it(nights: Lived) -> None:
    without = lived(NIGHTS, settings=replace(settings_of(Config(), LONDON.key), morning=False))
    assert without.mornings == []
    assert [prompt.due for prompt in nights.of(Occasion.SITTING)] == [prompt.due for prompt in without.prompts]
    assert len(without.prompts) >= 6


def test_the_band_is_called_no_oftener_than_one_and_a_half_times_an_hour(nights: Lived) -> None:
    def inside(at: datetime) -> bool:
        there = at.astimezone(LONDON)
        return (8 if there.weekday() < 5 else 9) <= there.hour < 22

    hours = sum(inside(epoch.start) for epoch in NIGHTS) / 60
    assert sum(map(inside, nights.calls)) / hours <= 1.5
    mornings = [at for at in nights.calls if local("04-01 08:00") <= at <= local("04-01 12:00")]
    assert all(after - before >= 55 * MINUTE for before, after in pairwise(mornings)), "hourly until the wearer is up"


MORNING = life("03-03 00:00", ("03-03 08:30", "sleep"), ("03-03 12:00", "walk"))


def test_a_pause_holds_it_within_the_hour() -> None:
    (held,) = lived(MORNING, pause=Pause(local("03-03 07:00"), local("03-03 09:20"))).mornings
    assert local("03-03 09:20") <= held.at <= local("03-03 09:21")
    assert lived(MORNING, pause=Pause(local("03-03 07:00"), local("03-03 09:45"))).mornings == []


EARLY = life("03-03 00:00", ("03-03 07:30", "sleep"), ("03-03 09:00", "walk"))


def test_what_is_held_until_the_hours_begin_is_said_then_and_the_band_is_buzzed_though_no_other_prompt_is_near() -> (
    None
):
    outcome = lived(EARLY, from_=local("03-03 07:50"))
    (prompt,) = outcome.mornings
    assert local("03-03 08:00") <= prompt.at < local("03-03 08:01")
    assert prompt.where == (Where.TERMINAL, Where.BAND)
    assert outcome.buzzed


def test_it_is_said_also_if_the_band_has_gone_out_of_reach_meanwhile() -> None:
    (prompt,) = lived(EARLY, from_=local("03-03 07:45"), away=local("03-03 07:46")).mornings
    assert local("03-03 08:00") <= prompt.at < local("03-03 08:02")
    assert prompt.where == (Where.TERMINAL,)


def test_late_data_about_a_morning_that_is_over_raise_none() -> None:
    assert lived(MORNING, from_=local("03-03 09:40")).mornings == []
    assert len(lived(MORNING, from_=local("03-03 09:20")).mornings) == 1


@pytest.mark.parametrize("answer", [Answer.DONE, Answer.HURT])
def test_an_answer_to_it_stays(answer: Answer) -> None:
    (prompt,) = lived(MORNING, answer=(answer, 5 * MINUTE)).mornings
    assert prompt.answer is answer


def test_snoozed_it_comes_back_when_the_snooze_ends() -> None:
    outcome = lived(MORNING, answer=(Answer.SNOOZED, MINUTE))
    (prompt,) = outcome.mornings
    assert prompt.shown == 2
    assert prompt.last_shown is not None
    assert timedelta() <= prompt.last_shown - prompt.at - 15 * MINUTE <= 2 * MINUTE  # pressed after 5 minutes
    assert any(timedelta() <= prompt.last_shown - call <= MINUTE for call in outcome.calls), (
        "it was not called for a buzz"
    )


def test_a_live_band_tells_at_once_that_somebody_is_up_who_another_band_says_has_slept() -> None:
    """The Mi Band is called at eight and at nine; the watch counts at 08:20."""
    epochs = life("03-03 00:00", ("03-03 08:20", "sleep"), ("03-03 10:00", "walk"))
    watch = PineTime([epoch._replace(state=None) for epoch in epochs], now=epochs[0].start, zone=LONDON)
    ((prompt,), buzzed) = (lived(epochs, live=watch).mornings, watch.shown)
    assert prompt.due - local("03-03 08:21") <= MINUTE
    assert timedelta() <= prompt.at - prompt.due <= 2 * MINUTE
    assert buzzed


def test_without_an_exercise_for_it_nothing_is_said() -> None:
    settings = replace(settings_of(Config(), LONDON.key), exercises=("seated",), avoid=("standing",))
    assert lived(MORNING, settings=settings).mornings == []


MINUTES_OF_A_RIDE = [Epoch(local("03-03 14:20") + i * MINUTE, MINUTE, 0, state=State.CYCLING) for i in range(25)]
A_ROW = Workout(WorkoutKind.ROWING_MACHINE, local("03-03 14:20"), local("03-03 14:45"))


@pytest.mark.parametrize(
    ("readings", "due"), [(MINUTES_OF_A_RIDE, "03-03 14:47"), ([A_ROW], "03-03 14:45")], ids=["a ride", "a row"]
)
def test_a_band_that_reports_rides_or_rows_is_prompted_after_one(readings: Sequence[Reading], due: str) -> None:
    """No driver here does: they come from an import."""
    epochs = life("03-03 14:00", ("03-03 17:00", "walk"))

    async def live_through(clock: FastClock) -> list[Prompt]:
        world = World(clock, band=MiBand(epochs, now=clock.now(), zone=LONDON, secret=KEY))
        data = world.store.add_band(name="data", driver="csv", now=clock.now(), vouches=True)
        world.store.append(data.id, readings)
        world.service.settings = settings_of(Config(), LONDON.key)
        await world.run_until(epochs[-1].end)
        return world.store.prompts(epochs[0].start, epochs[-1].end)

    said = [prompt for prompt in run(live_through, epochs[0].start) if prompt.occasion is Occasion.AFTER_RIDE]
    assert [(prompt.due, prompt.answer) for prompt in said] == [(local(due), Answer.IGNORED)]
    assert said[0].exercise in {move.name for move in moves_for(When.COOLDOWN)}


def test_before_a_plan_the_band_is_called_and_buzzed_and_what_it_has_stored_may_withdraw_the_warm_up() -> None:
    """On the second day the run begins sixteen minutes early, which only the band knows."""
    early = life("03-03 12:00", ("03-04 17:44", "walk"))
    epochs = [*early, *day("30m walk 150", early[-1].end), *life("03-04 18:14", ("03-04 19:00", "sit"))]

    async def live_through(clock: FastClock) -> tuple[list[Prompt], list[float]]:
        world = World(clock, band=MiBand(epochs, now=clock.now(), zone=LONDON, secret=KEY))
        world.service.settings = settings_of(Config(), LONDON.key)
        world.store.add_plan(Outing.RUN, (1, 2), time(18), clock.now())
        await world.run_until(epochs[-1].end)
        return world.store.prompts(epochs[0].start, epochs[-1].end), [at for _, at in world.wrist.calls]

    shown, calls = run(live_through, epochs[0].start)
    (prompt,) = [each for each in shown if each.occasion is Occasion.WARM_UP]
    assert prompt.due == local("03-03 17:50") <= prompt.at < local("03-03 17:51")
    assert (prompt.exercise, prompt.where) == ("hip-rotation", (Where.TERMINAL, Where.BAND))
    for opens in (prompt.due, prompt.due + timedelta(days=1)):
        assert any(0 <= at - (opens - NINE) / MINUTE < 1 for at in calls)


def test_what_hurt_is_offered_by_no_prompt_again_neither_in_the_morning_nor_for_sitting() -> None:
    epochs = [
        *MORNING,
        *life("03-03 12:00", ("03-03 22:00", "walk"), ("03-04 08:30", "sleep"), ("03-04 12:00", "walk")),
    ]
    outcome = lived(epochs, answer=(Answer.HURT, MINUTE))
    first, *later = outcome.prompts
    assert first.occasion is Occasion.MORNING
    assert len(outcome.mornings) == 2
    assert len(later) >= 3
    assert first.exercise not in {prompt.exercise for prompt in later}


# ------------------------------------------------------------------ on the command line


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """On Tuesday at 07:50, twenty minutes after its owner got up."""
    machine = Machine(tmp_path)
    machine.band(life("03-03 00:00", ("03-03 07:30", "sleep"), ("03-03 07:50", "walk")))
    return machine


def test_status_says_what_becomes_of_the_morning_prompt(machine: Machine) -> None:
    assert "             Morning reminder: at 08:00." in machine.told("status").splitlines()
    assert json.loads(machine.told("status", "--json"))["occasions"] == {"morning": "outside the prompt hours"}
    machine.now = local("03-03 08:00")
    assert "             Morning reminder: now." in machine.told("status").splitlines()
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text("[exercises]\nmorning = false\n")
    machine.settings.chmod(0o600)
    assert "orning" not in machine.told("status")


def test_prompts_and_the_day_say_what_each_was_for_and_the_answers_work_on_it(machine: Machine) -> None:
    at = local("03-03 08:00")
    machine.now = at + 2 * MINUTE
    walk = life("03-03 07:50", ("03-03 08:00", "sit"), ("03-03 08:02", "walk"))
    with Store.open(machine.database) as store:
        store.append(store.bands()[0].id, walk)
        store.add_prompt(
            Prompt(
                at, local("03-03 07:31"), "hip-extension", sure=True, where=(Where.DESKTOP,), occasion=Occasion.MORNING
            )
        )
    assert machine.told("done") == "Saved: standing hip extension.\n"
    assert machine.told("prompts").split()[-2:] == ["morning:", "done"]
    for command in (["prompts"], ["day"]):
        (prompt,) = json.loads(machine.told(*command, "--json"))["prompts"]
        assert (prompt["occasion"], prompt["answer"], prompt["moved_within_minutes"]) == ("morning", "done", None)
    assert "08:00  morning             done" in machine.told("day")


def test_a_stretch_is_not_prompted_by_what_was_said_for_the_morning(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.band(life("03-03 00:00", ("03-03 08:10", "sleep"), ("03-03 09:40", "walk")))
    at = local("03-03 08:20")
    asked = Prompt(at, at, "hip-extension", sure=True)
    for occasion, expected in ((Occasion.MORNING, False), (Occasion.SITTING, True)):
        with Store.open(machine.database) as store:
            (store.add_prompt if occasion is Occasion.MORNING else store.update_prompt)(
                asked._replace(occasion=occasion)
            )
        (stretch,) = json.loads(machine.told("day", "--json"))["stretches"]
        assert (stretch["minutes"], stretch["prompted"]) == (85, expected)
