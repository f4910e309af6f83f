"""What other commands ask of the running service, and what it answers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipsync.errors import Refused
from hipsync.host.lock import only_instance
from hipsync.model import Answer, Pause
from hipsync.service import alarm
from hipsync.service import control_client as control
from hipsync.service.answers import answer_prompt
from hipsync.service.clock_steps import Step
from hipsync.store import Store
from support.running_service import CLOCK, SECOND, Watched, serving, typed

pytestmark = pytest.mark.usefixtures("short_waits")


def test_a_snooze_is_seen_at_once_by_a_service_that_looks_seldom(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "LOOK_EVERY", timedelta(hours=1))

    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        with Store.open(database) as theirs:
            answer_prompt(theirs, service.said[0], Answer.SNOOZED, CLOCK.now(), SECOND)
        await asyncio.to_thread(control.look, database)
        await service.until(lambda service: len(service.said) == 2)

    assert serving(database, story).said[1].shown == 2


def test_a_pause_silences_the_running_service_and_resume_lets_it_speak(database: Path) -> None:
    async def story(service: Watched) -> None:
        await service.until(lambda service: bool(service.wakes))
        assert not service.said
        assert "Reminders come again." in await typed(database, "resume")
        await service.until(lambda service: len(service.said) == 1)

    with Store.open(database) as store:
        store.add_pause(Pause(CLOCK.now(), CLOCK.now() + timedelta(hours=1)))
    serving(database, story)


def test_status_is_asked_of_the_service_itself(database: Path) -> None:
    async def story(service: Watched) -> None:
        with only_instance(database):
            shown = await typed(database, "status")
        assert f"  Service    running (process {os.getpid()})\n" in shown

    serving(database, story)


def test_a_step_of_the_clock_is_told_by_status_and_doctor_with_its_date(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = Step(datetime(2027, 1, 4, 10, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC))
    forward = Step(datetime(1972, 1, 1, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC))

    def steps(_: alarm.Alarm) -> Sequence[Step]:
        return [forward, back]

    monkeypatch.setattr(alarm.Alarm, "steps", steps)
    monkeypatch.setenv("TZ", "UTC")

    async def story(service: Watched) -> None:
        with only_instance(database):
            texts.extend([await typed(database, "status"), await typed(database, "doctor")])
            shown.update(json.loads(await typed(database, "status", "--json")))

    texts: list[str] = []
    shown: dict[str, object] = {}
    serving(database, story)
    for text in texts:
        assert "put forward from 1972-01-01 00:00:00 to 2026-03-02 10:00:00" in text
        assert "put back from 2027-01-04 10:00:00 to 2026-03-02 10:00:00" in text
    assert shown["clock_steps"] == [
        {"was": "1972-01-01T00:00:00+00:00", "became": "2026-03-02T10:00:00+00:00"},
        {"was": "2027-01-04T10:00:00+00:00", "became": "2026-03-02T10:00:00+00:00"},
    ]


def test_a_status_bar_asks_the_service(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_the_database(_: object) -> dict[str, str]:
        return {"text": "by the database alone"}

    monkeypatch.setattr("hipsync.cli.status_line._by_database", by_the_database)
    lines: list[str] = []

    async def story(service: Watched) -> None:
        await service.until(lambda service: len(service.said) == 1)
        done = await typed(database, "status", "--line")
        lines.append(done)

    with only_instance(database):
        serving(database, story)
    assert lines[0].endswith(" - time to move\n")


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"do": "sync", "band": "nobody", "since": None}, 2),
        ({"do": "sync", "band": "data", "since": "soon"}, 2),
        ({"do": "sync", "band": "data", "since": "0001-01-01T00:00:00+14:00"}, 2),
        ({"do": "buzz", "band": "nobody"}, 2),
        ({"do": "sync", "band": 7}, 1),
        ({"do": "dance"}, 1),
        ({}, 1),
    ],
)
def test_what_the_service_cannot_do_is_refused(database: Path, question: control.Line, code: int) -> None:
    async def story(service: Watched) -> None:
        with pytest.raises(Refused) as caught:
            await asyncio.to_thread(control.ask, database, question)
        assert caught.value.code == code
        assert await asyncio.to_thread(control.ask, database, {"do": "status"})

    serving(database, story)


def test_it_does_one_thing_at_a_time(database: Path) -> None:
    """A sync that somebody asks for waits for the wake that runs."""
    order: list[str] = []

    async def story(service: Watched) -> None:
        started, go_on = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            started.set()
            await go_on.wait()
            order.append("wake")

        service.first = [slow]
        await started.wait()
        asking = asyncio.create_task(typed(database, "bands", "buzz", "data"))
        await asyncio.sleep(0.2)
        assert not asking.done()
        go_on.set()
        order.append((await asking).split(":")[0])

    serving(database, story)
    assert order == ["wake", "hipsync"]
