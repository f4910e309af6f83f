"""The live screen: what it shows at once, which keys do something now, and that no key answers by accident."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from hipsync.cli.app import App
from hipsync.cli.live_screen import GUARD_S, Live, look_at
from hipsync.model import Answer, Prompt
from hipsync.store import Store
from support.builders import MONDAY, day
from support.machine import Machine

DRAWN = "7h sleep, 1h walk, 70m sit, 20m walk, 50m sit, 5m walk, 75m sit"
NOW = MONDAY + timedelta(hours=11, minutes=40)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path, NOW)
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    machine.band([each for each in day(DRAWN, MONDAY) if each.start < NOW])
    return machine


def remind(machine: Machine) -> Prompt:
    with Store.open(machine.database) as store:
        at = machine.now - timedelta(minutes=5)
        return store.add_prompt(Prompt(at, at, "hip-rotation", sure=True))


def answer_of(machine: Machine, prompt: Prompt) -> Answer | None:
    with Store.read(machine.database) as store:
        return store.prompt(prompt).answer


def live(machine: Machine, clock: Callable[[], float] = lambda: 0.0) -> Live:
    app = App(lambda: machine.now)
    app.db_path, app.config_path = machine.database, None
    return Live(app, look_at(app, 0), clock)


@pytest.fixture(autouse=True)
def toasts_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine seconds pass between a toast and the look at it."""
    monkeypatch.setattr(Live, "NOTIFICATION_TIMEOUT", 3600.0)


def text(pilot: Pilot[None], where: str) -> str:
    return str(pilot.app.query_one(where, Static).content)


async def shows(pilot: Pilot[None], words: str) -> bool:
    """Whether the screen comes to show these words within half a minute. A toast is drawn a few messages later."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            while words not in screen(pilot):
                await pilot.pause()
    return words in screen(pilot)


def screen(pilot: Pilot[None]) -> str:
    """All that is on the screen, as text."""
    found = re.findall(r">([^<]*)</text>", pilot.app.export_screenshot())
    return " ".join("".join(found).replace("&#160;", " ").replace("▌", " ").split())


async def test_it_shows_the_spell_the_reminder_the_day_and_the_keys_that_work(machine: Machine) -> None:
    remind(machine)
    async with live(machine).run_test(size=(80, 24)) as pilot:
        assert text(pilot, "#why").startswith("Sitting for 1 h 15, since 10:25.")
        assert "Time to get up: standing hip circles" in text(pilot, "#say")
        assert "▄▄▄▄" in text(pilot, "#day")
        assert "2 spells over 60 min" in text(pilot, "#sum")
        await pilot.pause()
        shown = screen(pilot)
        for word in ("desk-band", "show me", "snooze", "pause", "quit"):
            assert word in shown
        assert "resume" not in shown


async def test_without_a_reminder_no_key_answers_and_none_is_offered(machine: Machine) -> None:
    async with live(machine).run_test(size=(80, 24)) as pilot:
        await pilot.press("d", "z", "s", "u", "e")
        assert "snooze" not in screen(pilot)
        with Store.read(machine.database) as store:
            assert store.prompts(MONDAY, NOW) == []


@pytest.mark.parametrize(
    ("key", "answer", "said"),
    [
        ("d", Answer.DONE, "Saved: standing hip circles."),
        ("z", Answer.SNOOZED, "Snoozed until 11:50."),
        ("s", Answer.SKIPPED, "Skipped. The next reminder comes after your next break."),
        ("u", Answer.STANDING, "Saved: you were standing."),
    ],
)
async def test_a_key_answers_and_says_what_happens_next(machine: Machine, key: str, answer: Answer, said: str) -> None:
    prompt = remind(machine)
    async with live(machine).run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press(key)
        assert await shows(pilot, said)
        assert not pilot.app.query_one("#card").has_class("open")
    assert answer_of(machine, prompt) is answer


async def test_a_key_pressed_just_as_a_reminder_appears_was_meant_for_something_else(machine: Machine) -> None:
    seconds = [0.0]
    shown = live(machine, lambda: seconds[0])
    async with shown.run_test(size=(80, 24)) as pilot:
        prompt = remind(machine)
        shown.look()
        await pilot.pause()
        assert pilot.app.query_one("#card").has_class("open")
        seconds[0] = GUARD_S - 0.1
        await pilot.press("d", "s")
        assert answer_of(machine, prompt) is None
        seconds[0] = GUARD_S
        await pilot.press("d")
        assert answer_of(machine, prompt) is Answer.DONE


async def test_a_reminder_that_was_open_already_can_be_answered_at_once(machine: Machine) -> None:
    prompt = remind(machine)
    async with live(machine).run_test(size=(80, 24)) as pilot:
        await pilot.press("d")
    assert answer_of(machine, prompt) is Answer.DONE


async def test_one_that_was_answered_elsewhere_goes_and_an_answer_too_late_says_so(machine: Machine) -> None:
    prompt = remind(machine)
    shown = live(machine)
    async with shown.run_test(size=(80, 24), notifications=True) as pilot:
        machine.told("skip")
        await pilot.press("d")
        assert await shows(pilot, "there is no open reminder")
        assert not pilot.app.query_one("#card").has_class("open")
    assert answer_of(machine, prompt) is Answer.SKIPPED


async def test_pause_and_resume_take_turns(machine: Machine) -> None:
    async with live(machine).run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("p")
        assert await shows(pilot, "Paused until 12:40.")
        assert await shows(pilot, "resume")
        await pilot.press("p")
        with Store.read(machine.database) as store:
            pause = store.pause(NOW)
            assert pause is not None
        await pilot.press("r")
        await pilot.pause()
        with Store.read(machine.database) as store:
            assert store.pause(NOW) is None


async def test_arrows_turn_the_days_and_never_go_beyond_today(machine: Machine) -> None:
    async with live(machine).run_test(size=(80, 24)) as pilot:
        await pilot.press("right")
        assert "Monday 2 March" not in text(pilot, "#day")
        await pilot.press("left")
        assert "Sunday 1 March 2026" in text(pilot, "#day")
        await pilot.press("left", "t")
        assert "2026" not in text(pilot, "#day")


async def test_the_week_and_the_keys_lie_above_and_go_away(machine: Machine) -> None:
    async with live(machine).run_test(size=(80, 24)) as pilot:
        await pilot.press("w")
        assert await shows(pilot, "Monday 2")
        await pilot.press("q")
        assert len(pilot.app.screen_stack) == 1
        await pilot.press("question_mark")
        assert await shows(pilot, "While a reminder is open")
        await pilot.press("escape", "q")
    assert not pilot.app.is_running


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (50, 40), (40, 12), (20, 5)])
async def test_it_fits_any_terminal(machine: Machine, size: tuple[int, int]) -> None:
    remind(machine)
    async with live(machine).run_test(size=size) as pilot:
        assert "1 h 15" in text(pilot, "#why")
        assert pilot.app.query_one("#figure").display == (size[1] >= 32)


async def test_a_database_that_is_gone_is_told_and_the_screen_stays(machine: Machine) -> None:
    shown = live(machine)
    async with shown.run_test(size=(80, 24), notifications=True) as pilot:
        for file in machine.data.iterdir():
            file.unlink()
        shown.look()
        assert await shows(pilot, "no database at")


async def test_hostile_names_are_text(machine: Machine, tmp_path: Path) -> None:
    other = Machine(tmp_path / "other", NOW)
    other.band([each for each in day(DRAWN, MONDAY) if each.start < NOW], name="[red]\x1b[31mx[/]")
    async with live(other).run_test(size=(80, 24)) as pilot:
        assert await shows(pilot, "[red]")


def test_it_is_for_a_terminal(machine: Machine) -> None:
    assert "`hipsync status` says the same" in machine.refused("live", code=2)


# ------------------------------------------------------------------ hipsync without a command


def test_bare_into_a_pipe_is_status_and_what_comes_next(machine: Machine) -> None:
    told = machine.told()
    assert told.startswith("Sitting for 1 h 15, since 10:25.")
    assert told.splitlines()[-1].startswith("Next: `hipsync today`")


def test_bare_on_a_new_machine_names_three_ways_to_begin(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    told = machine.told()
    assert [line.split()[0] for line in told.splitlines() if line.startswith("  ")] == ["1", "2", "3"]
    assert machine.files() == [], "nothing is made of it"
