"""`prompts.most_per_day`: a day has no more reminders than that, whatever they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest

from cases.kit import Away
from hipsync.core.exercises import Move
from hipsync.core.policy import Policy
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Draw, Occasion, Prompt, State, Where
from hipsync.registry import drivers
from hipsync.service.now import now_of
from hipsync.service.service import Service
from hipsync.service.state import Families, settings_of, state_of
from hipsync.service.status_text import other_reminders, sentences
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import run
from support.builders import MONDAY, day

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPELLS = "5m walk, 75m sit, 10m walk, 80m sit, 10m walk, 80m sit"


class Lived(NamedTuple):
    """What was shown, and what `status` said at the end."""

    prompts: list[Prompt]
    line: str
    others: list[str]


def lived(
    drawing: str, most: int | None, end: datetime, *, day_start: str = "00:00", draws: Sequence[Draw] = ()
) -> Lived:
    """Live through a drawing that begins at eight on Monday with at most so many reminders a day."""
    policy = Policy(most_per_day=most)
    start = datetime.strptime(day_start, "%H:%M").time()  # noqa: DTZ007  a time of day
    settings = replace(settings_of(Config(day_start=start), "UTC"), policy=policy)
    store, now = Store.in_memory(), [MONDAY + 8 * HOUR]
    band = store.add_band(name="import", driver="csv", now=MONDAY, vouches=True, reports_wear=True)
    store.append(band.id, [e._replace(state=e.state or State.SITTING) for e in day(drawing, MONDAY + 8 * HOUR)])
    for draw in draws:
        store.add_draw(draw)

    async def deliver(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        del prompt, move, strong
        return [Where.TERMINAL]

    async def story(_: FastClock) -> None:
        service = Service(
            store, settings, radio=Away(lambda: now[0]), drivers=drivers(), secret=lambda _: None, deliver=deliver,
            now=lambda: now[0],
        )  # fmt: skip
        while now[0] < end:
            await service.wake(now[0])
            now[0] += 5 * MINUTE

    run(story, now[0])
    state = state_of(store, settings, now[0], Families())
    return Lived(
        store.prompts(MONDAY, MONDAY + 9 * DAY),
        sentences(now_of(state, now[0], running=True))[0],
        list(other_reminders(state, now[0])),
    )


@pytest.mark.parametrize(("most", "expected"), [(None, 3), (3, 3), (2, 2), (1, 1)])
def test_a_day_has_no_more_and_a_second_showing_is_none_of_its_own(most: int | None, expected: int) -> None:
    prompts, line, _ = lived(SPELLS, most, MONDAY + 12 * HOUR + 15 * MINUTE)
    assert len(prompts) == expected
    assert [prompt.due - MONDAY for prompt in prompts] == [
        timedelta(minutes=8 * 60 + 65), timedelta(minutes=8 * 60 + 150), timedelta(minutes=8 * 60 + 240)
    ][:expected]  # fmt: skip
    assert [prompt.shown for prompt in prompts] == [2] * expected
    assert line.endswith("That was today's last reminder.") is (expected < 3)


def test_the_next_day_has_its_own() -> None:
    night = "5m walk, 75m sit, 14h walk, 5h sit"
    prompts = lived(night, 1, MONDAY + 28 * HOUR).prompts
    assert [prompt.at - MONDAY for prompt in prompts] == [timedelta(minutes=8 * 60 + 65), DAY + 20 * MINUTE]
    prompts = lived(night, 2, MONDAY + 28 * HOUR, day_start="04:00").prompts
    assert [prompt.at - MONDAY for prompt in prompts] == [timedelta(minutes=8 * 60 + 65), DAY + 20 * MINUTE]
    prompts = lived(night, 1, MONDAY + 29 * HOUR, day_start="04:00").prompts
    assert [prompt.at - MONDAY for prompt in prompts] == [timedelta(minutes=8 * 60 + 65), DAY + 4 * HOUR]


def test_what_a_trial_withheld_counts() -> None:
    first = MONDAY + 8 * HOUR + 5 * MINUTE
    draw = Draw(first, first + HOUR, first + HOUR, withheld=True)
    prompts = lived(SPELLS, 1, MONDAY + 12 * HOUR, draws=[draw]).prompts
    assert prompts == []
    prompts = lived(SPELLS, 1, MONDAY + 12 * HOUR, draws=[draw._replace(withheld=False)]).prompts
    assert len(prompts) == 1


def test_a_morning_prompt_is_one_of_them_and_is_not_held_for_tomorrow() -> None:
    drawing = "8h sleep, 5m walk, 65m sit, 5m walk, 70m sit"
    prompts = lived(drawing, 1, MONDAY + 19 * HOUR).prompts
    assert [prompt.occasion for prompt in prompts] == [Occasion.MORNING]
    with_earlier = "5m walk, 65m sit, 5m walk, 4h sleep, 10m walk"
    prompts, _, others = lived(with_earlier, 1, MONDAY + 13 * HOUR + 25 * MINUTE)
    assert [prompt.occasion for prompt in prompts] == [Occasion.SITTING]
    assert others == ["No morning reminder: you had today's last one."]
