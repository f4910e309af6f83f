"""The first hour of a stranger with a band of each family: what they type, what they see, and that nothing misleads.

Each story is printed: `pytest -m ring -n 0 -s tests/cli/test_first_hour.py`.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from docs.test_words import NAMES, NOT_FOR_PEOPLE
from hipsync.cli.app import system_now
from hipsync.cli.passkey import Terminal
from hipsync.driver import LONGEST_EPOCH_TO_JUDGE_BY, Driver
from hipsync.model import MINUTE
from hipsync.office_day import office_days
from hipsync.registry import drivers
from hipsync.store import Store
from support.machine import Machine
from support.terminal import typed
from test_demo import due, minutes_of

FRIDAY = date(2026, 11, 20)
ANSWERS = {"Did it buzz? [Y/n]:": "y\n", "]:": "\n"}
"""They felt it, and take the name that is proposed."""


def story(machine: Machine, kind: str) -> dict[str, str]:
    """What each command of the first hour showed, by its first word."""
    told: dict[str, str] = {}
    for words in (
        ["pair", "--simulate", kind], ["today"], ["status"], ["exercise", "hip-extension", "--plain"], ["doctor"],
        ["bands"],
    ):  # fmt: skip
        code, shown = typed(machine, "--demo", *words, answers=ANSWERS)
        print(f"\n$ hipsync --demo {' '.join(words)}\n{shown}")
        assert "Traceback" not in shown
        assert code in ({0, 3} if words[0] == "today" else {0}), shown
        told[words[0]] = shown
    return told


def where_it_is_afternoon() -> str:
    """A zone in which it is between two and three now: by night a band with slots of an hour has no data of the day."""
    return f"Etc/GMT{system_now().hour - 14:+d}"  # the sign is that of POSIX: plus is west


@pytest.mark.ring
@pytest.mark.parametrize("driver", drivers().values(), ids=lambda driver: driver.key)
def test_the_first_hour_of_a_stranger(driver: Driver, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.environment["TZ"] = where_it_is_afternoon()
    told = {word: " ".join(shown.split()) for word, shown in story(machine, driver.key).items()}
    history, paired = driver.abilities.history, told["pair"]
    assert ("Did it buzz?" in paired) == (driver.abilities.buzz or driver.abilities.text)
    if history is not None:
        assert "No data yet" not in told["today"] + told["status"]  # none since the last slot is true in some minutes
    if history is None:
        assert "Keeps nothing. It counts steps only while hipsync is connected." in paired
        assert "This band keeps no history. Leave hipsync running: `hipsync --demo run`." in paired
        assert "Your band keeps nothing: leave hipsync running." in told["today"]
    elif history > LONGEST_EPOCH_TO_JUDGE_BY:
        assert "too long to see sitting by" in paired
        assert "itting for" not in told["today"] + told["status"]
        assert re.search(r"No minutes yet today, [\d,]+ steps\. \S+ reports once an hour: steps only", told["today"])
        assert "Minutes come only while hipsync runs." in told["today"]
        assert re.match(r"Steps only, no reminders: [\d,]+ steps today\. Minutes come while", told["status"])
    else:
        assert "Saved " in paired
        assert "hipsync can be off for days" in paired
        slot = history // MINUTE
        assert (f"reminders come up to {slot} min late, and a short break may not show" in paired) == (slot > 1)
        assert (f"reports {slot}-minute steps: short breaks may not show" in told["today"]) == (slot > 1)
    assert ("Needs its key (32 letters and digits). Where: hipsync pair --help-key" in paired) == (
        driver.key in {"huami", "xiaomi"}
    )
    assert paired.count("Now tap yes on the band.") == paired.count("(A practice band does that itself.)")
    assert ("Now tap yes" in paired) == (driver.key == "huawei"), "nobody could tap it"
    assert "hipsync --demo run be reminded in this terminal" in paired
    for shown in told.values():
        assert "hipsync service install" not in shown, "the service does not look at practice bands"
    assert "not running: no reminders" in told["status"]
    assert "not needed: every band is simulated or imported" in told["doctor"]
    assert "Next step: `hipsync --demo run`" in told["doctor"]
    assert "fail" not in told["doctor"].split()
    with Store.read(machine.data / "practice" / "hipsync.db") as store:
        name = store.bands()[0].name
    for words, shown in told.items():
        said = NAMES.sub("", shown.replace(name, "").replace(driver.advice, ""))
        found = NOT_FOR_PEOPLE.search(said)
        assert found is None or words in {"pair", "exercise"}, (words, found)


@pytest.mark.ring
@pytest.mark.parametrize("driver", drivers().values(), ids=lambda driver: driver.key)
def test_reminders_come_no_later_than_the_family_was_said_to_bring_them(driver: Driver, tmp_path: Path) -> None:
    """The day of the demo, on a fast clock; when they are due is calculated anew from the minutes of its wearer."""
    code, shown = typed(Machine(tmp_path), "demo", "--band", driver.key, "--date", f"{FRIDAY}")
    assert code == 0, shown
    print(shown)
    london = ZoneInfo("Europe/London")
    minutes = minutes_of(office_days(FRIDAY - timedelta(days=1), 2, london, 1))
    expected = [at.astimezone(london) for at in due(minutes, FRIDAY, london)]
    came = re.findall(r"(?m)^(\d\d:\d\d)  reminder: Time to move[.?] Sitting since \d\d:\d\d\.", shown)
    times = [datetime.combine(FRIDAY, time.fromisoformat(each), london) for each in came]
    history = driver.abilities.history
    slot = history if history is not None and MINUTE < history <= LONGEST_EPOCH_TO_JUDGE_BY else MINUTE
    late = [min((at - each for each in expected if each <= at), default=None) for at in times]
    assert times
    assert all(each is not None and each <= slot + MINUTE for each in late), (came, expected)
    assert len(times) == len(expected) or slot > MINUTE, "with slots, a spell that just fills the limit may not show"


async def test_six_digits_are_asked_for_with_the_time_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"123456\n")
    with os.fdopen(ours) as typing:
        monkeypatch.setattr(sys, "stdin", typing)
        terminal = Terminal()
        terminal.there = True
        assert await terminal.passkey() == 123456
    os.close(theirs)
    assert capsys.readouterr().out.startswith("Your band shows six digits; you have 30 s.")
