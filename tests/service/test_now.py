"""One test a row of the state table: what people read of each state, and what a status bar shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from hipsync.core.policy import Busy
from hipsync.core.prompting import Reason
from hipsync.core.speaking import Here
from hipsync.model import MINUTE, Answer, Draw, Epoch, Pause, Prompt, State
from hipsync.service.now import Doing, Now, now_of
from hipsync.service.state import Families, Running, Settings, settings_of, state_of
from hipsync.service.status_text import bar, other_reminders, sentences
from hipsync.settings.config import Config
from hipsync.store import Store
from support.builders import day

HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
"""A Friday in London's winter: local time is UTC. The prompt hours are 8 to 22, lunch is 12:30 to 13:30."""
LONDON = settings_of(Config(), "Europe/London")
ASKED = "hipsync exercise | done | snooze | skip"


def at(clock: str) -> datetime:
    hours, minutes = clock.split(":")
    return MIDNIGHT + int(hours) * HOUR + int(minutes) * MINUTE


def from_(clock: str, drawing: str) -> list[Epoch]:
    """A drawing that begins at a time of the Friday; its wearer is awake by the band's word."""
    return [e._replace(state=e.state or State.SITTING) for e in day(drawing, at(clock))]


@dataclass
class Scene:
    """What the database holds, and what is known besides."""

    epochs: Sequence[Epoch] = ()
    prompt: Prompt | None = None
    pause: Pause | None = None
    draw: Draw | None = None
    here: Here | None = None
    settings: Settings = LONDON
    failed: Sequence[str] = ()
    """The times of failed contacts after the last that went well, which was at the end of the epochs."""
    bands: bool = True
    live: bool = False
    vouches: bool = True
    """Whether the band's own words say that it is worn and its wearer awake."""

    def now(self, clock: str, *, running: bool = True) -> Now:
        return self._of(at(clock), running=running)

    def _of(self, now: datetime, *, running: bool) -> Now:
        with Store.in_memory() as store:
            self._fill(store)
            state = state_of(
                store, self.settings, now, Families({"huami"} if self.live else ()), Running(here=self.here)
            )
            return now_of(state, now, running=running)

    def _fill(self, store: Store) -> None:
        if self.bands:
            band = store.add_band(
                name="Mi Smart Band 5",
                driver="huami",
                address="C0:00",
                now=MIDNIGHT,
                vouches=self.vouches,
                reports_wear=self.vouches,
            ).id
            if self.epochs:
                store.append(band, self.epochs)
                end = self.epochs[-1].end
                store.note_sync(band, end, end, 1, None)
            for each in self.failed:
                store.note_sync(band, at(each), at(each), 0, "not heard")
        if self.prompt is not None:
            store.add_prompt(self.prompt)
        if self.pause is not None:
            store.add_pause(self.pause)
        if self.draw is not None:
            store.add_draw(self.draw)

    def others(self, clock: str) -> list[str]:
        with Store.in_memory() as store:
            self._fill(store)
            state = state_of(store, self.settings, at(clock), Families(), Running(here=self.here))
            return list(other_reminders(state, at(clock)))


def prompt(clock: str, answer: Answer | None = None, answered: str = "", until: str = "") -> Prompt:
    return Prompt(
        at(clock), at(clock), "hip-rotation", sure=True, last_shown=at(clock), answer=answer,
        answered_at=at(answered) if answered else None, snoozed_until=at(until) if until else None,
    )  # fmt: skip


SAT = from_("15:00", "9m walk, 200m sit")
"""Sitting since 15:09."""


def until(clock: str) -> list[Epoch]:
    return [each for each in SAT if each.end <= at(clock)]


PAUSED = Pause(at("14:00"), at("15:27"))
HELD = Here(busy=Busy.DO_NOT_DISTURB)
ROWS = {
    "sitting": (
        Scene(until("15:43")), "15:43",
        ["Sitting for 34 min, since 15:09. Next reminder at 16:09."], "34 min", "sitting",
    ),
    "sitting, the limit near": (
        Scene(until("15:59")), "15:59",
        ["Sitting for 50 min, since 15:09. Next reminder at 16:09."], "50 min", "soon",
    ),
    "due": (
        Scene(until("16:09")), "16:09",
        ["Sitting for 1 h, since 15:09. Time to get up."], "1 h - time to move", "over",
    ),
    "waiting for an answer": (
        Scene(until("16:18"), prompt("16:09")), "16:18",
        ["Sitting for 1 h 09, since 15:09.", "Reminder from 16:09 is open: standing hip circles.", f"  {ASKED}"],
        "1 h 09 - time to move", "over",
    ),
    "snoozed": (
        Scene(until("16:23"), prompt("16:09", Answer.SNOOZED, "16:21", "16:31")), "16:23",
        ["Sitting for 1 h 14, since 15:09. Snoozed until 16:31."], "1 h 14, again 16:31", "over",
    ),
    "done": (
        Scene(until("16:29"), prompt("16:09", Answer.DONE, "16:12")), "16:29",
        ["Sitting for 1 h 20, since 15:09. Done at 16:12; next reminder after your next break."], "1 h 20", "over",
    ),
    "skipped": (
        Scene(until("16:29"), prompt("16:09", Answer.SKIPPED, "16:10")), "16:29",
        ["Sitting for 1 h 20, since 15:09. Skipped at 16:10; next reminder after your next break."], "1 h 20", "over",
    ),
    "ignored twice": (
        Scene(until("16:35"), prompt("16:09", Answer.IGNORED, "16:29")._replace(shown=2)), "16:35",
        ["Sitting for 1 h 26, since 15:09. No answer to the reminder at 16:09; next reminder after your next break."],
        "1 h 26", "over",
    ),
    "lunch": (
        Scene(from_("12:00", "10m walk, 45m sit")), "12:55",
        ["Sitting for 45 min, since 12:10. No reminder over lunch."], "45 min", "sitting",
    ),
    "the limit reached over lunch": (
        Scene(from_("11:30", "10m walk, 70m sit")), "12:50",
        ["Sitting for 1 h 10, since 11:40. No reminder over lunch."], "1 h 10", "quiet",
    ),
    "the limit was reached over lunch": (
        Scene(from_("11:30", "10m walk, 160m sit")), "14:20",
        ["Sitting for 2 h 40, since 11:40. No reminder in this spell: it passed 60 min over lunch."],
        "2 h 40", "quiet",
    ),
    "the hours end before the limit": (
        Scene(from_("21:10", "10m walk, 30m sit")), "21:50",
        ["Sitting for 30 min, since 21:20. No reminders until Sat 09:00."], "30 min", "sitting",
    ),
    "outside the hours": (
        Scene(from_("21:40", "10m walk, 40m sit")), "22:30",
        ["Sitting for 40 min, since 21:50. No reminders until Sat 09:00."], "40 min", "quiet",
    ),
    "the limit reached outside the hours": (
        Scene(from_("21:40", "10m walk, 70m sit")), "23:00",
        ["Sitting for 1 h 10, since 21:50. No reminders until Sat 09:00."], "1 h 10", "quiet",
    ),
    "held: do not disturb": (
        Scene(until("16:14"), here=HELD), "16:14",
        ["Sitting for 1 h 05, since 15:09. The reminder waits: do not disturb is on."], "1 h 05, waits", "quiet",
    ),
    "held: a call": (
        Scene(until("16:14"), here=Here(busy=Busy.CALL)), "16:14",
        ["Sitting for 1 h 05, since 15:09. The reminder waits: you are in a call."], "1 h 05, waits", "quiet",
    ),
    "held: a full screen": (
        Scene(until("16:14"), here=Here(busy=Busy.FULL_SCREEN)), "16:14",
        ["Sitting for 1 h 05, since 15:09. The reminder waits: a window fills the screen."], "1 h 05, waits", "quiet",
    ),
    "held: the screen is locked": (
        Scene(until("16:14"), here=Here(locked=True)), "16:14",
        ["Sitting for 1 h 05, since 15:09. The reminder waits: the screen is locked."], "1 h 05, waits", "quiet",
    ),
    "withheld by a trial": (
        Scene(until("16:14"), draw=Draw(at("15:09"), at("16:09"), at("16:09"), withheld=True)), "16:14",
        ["Sitting for 1 h 05, since 15:09. No reminder in this spell."], "1 h 05", "over",
    ),
    "enough for today": (
        Scene(
            until("16:14"), prompt("11:00", Answer.DONE, "11:01"),
            settings=replace(LONDON, policy=replace(LONDON.policy, most_per_day=1)),
        ), "16:14",
        ["Sitting for 1 h 05, since 15:09. That was today's last reminder."], "1 h 05", "over",
    ),
    "paused": (
        Scene(from_("14:00", "7m walk, 30m sit"), pause=PAUSED), "14:37",
        ["Paused until 15:27. Sitting for 30 min, since 14:07."], "paused to 15:27", "paused",
    ),
    "paused and up": (
        Scene(from_("14:00", "30m walk"), pause=PAUSED), "14:30",
        ["Paused until 15:27. You are up, since 14:00."], "paused to 15:27", "paused",
    ),
    "up": (
        Scene(from_("13:00", "122m sit, 12m walk")), "15:14",
        ["You are up, since 15:02."], "up", "up",
    ),
    "riding": (
        Scene([*from_("16:00", "10m walk"), *(
            Epoch(at("16:10") + n * MINUTE, MINUTE, 0, state=State.CYCLING) for n in range(20)
        )]), "16:30",
        ["You are riding, since 16:10."], "riding", "up",
    ),
    "asleep": (
        Scene([Epoch(at("00:10") + n * MINUTE, MINUTE, 0, state=State.ASLEEP) for n in range(300)]), "05:10",
        ["Asleep since 00:10."], "asleep", "quiet",
    ),
    "not worn": (
        Scene(from_("18:00", "40m walk, 30m off")), "19:10",
        ["Your band is off your wrist, since 18:40."], "band off", "quiet",
    ),
    "no sign of life": (
        Scene([e._replace(state=None) for e in from_("11:00", "125m walk, 200m sit")]), "16:25",
        ["No movement since 13:05. Is the band on your wrist?"], "no movement 13:05", "unknown",
    ),
    "not asked since": (
        Scene(until("15:21")), "15:40",
        ["Sitting for 12 min at the last sync, 15:21. Next sync 16:09."], "12 min at 15:21", "unknown",
    ),
    "up when asked last": (
        Scene(from_("15:00", "20m walk")), "15:40",
        ["You were up at the last sync, 15:20. Next sync 16:20."], "up at 15:20", "unknown",
    ),
    "out of reach": (
        Scene(from_("14:00", "20m walk"), failed=("14:48",)), "14:49",
        ["No data since 14:20: hipsync cannot connect to Mi Smart Band 5. Trying again at 14:50."],
        "no data 14:20", "unknown",
    ),
    "watched, and silent": (
        Scene(from_("14:00", "20m walk"), live=True), "14:49",
        ["No data since 14:20."], "no data 14:20", "unknown",
    ),
    "nothing yet": (
        Scene(), "14:49", ["No data in the last day."], "no data", "unknown",
    ),
    "slots of an hour": (
        Scene([Epoch(at("08:00") + n * HOUR, HOUR, 431) for n in range(6)]), "14:20",
        ["Steps only, no reminders: 2,586 steps today."], "2,586 steps", "unknown",
    ),
    "no band": (
        Scene(bands=False), "14:20",
        ["No band yet. `hipsync pair`, or `hipsync demo` to look around."], "no band", "off",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_the_state_table(name: str) -> None:
    scene, clock, told, short, style = ROWS[name]
    now = scene.now(clock)
    assert sentences(now) == told
    shown = bar(now)
    assert (shown["text"], shown["class"], shown["tooltip"]) == (short, style, "\n".join(told))
    assert 0 <= int(shown["percentage"]) <= 100


def test_a_service_that_does_not_run_promises_nothing() -> None:
    now = Scene(until("15:43")).now("15:43", running=False)
    assert sentences(now) == ["Sitting for 34 min, since 15:09."]
    assert (bar(now)["text"], bar(now)["class"], bar(now)["percentage"]) == ("34 min, off", "off", 56)
    gone = Scene(from_("14:00", "20m walk"), failed=("14:48",)).now("14:49", running=False)
    assert sentences(gone) == ["No data since 14:20: hipsync cannot connect to Mi Smart Band 5."]


def test_minutes_are_unknown_and_not_nought_while_nobody_sits() -> None:
    assert ROWS["up"][0].now("15:14").minutes is None
    assert ROWS["nothing yet"][0].now("14:49").minutes is None
    now = ROWS["waiting for an answer"][0].now("16:18")
    assert (now.minutes, now.limit, now.is_over, now.doing) == (69, 60, True, Doing.SITTING)
    assert now.open is not None
    assert now.open.at == at("16:09")


def test_every_reason_for_silence_while_somebody_sits_has_words() -> None:
    """Of these, each stands in a row above or cannot be while a spell runs."""
    told = {scene.now(clock).reason for scene, clock, *_ in ROWS.values()}
    of_other_occasions = {
        Reason.NO_SLEEP, Reason.NOT_UP, Reason.UNSEEN, Reason.TOO_EARLY, Reason.RIDING, Reason.TOO_LATE, Reason.PLANNED,
        Reason.BEGUN,
    }  # fmt: skip
    assert told >= set(Reason) - of_other_occasions


NIGHT = [Epoch(at("00:00") + n * MINUTE, MINUTE, 0, state=State.ASLEEP) for n in range(420)]


@pytest.mark.parametrize(
    ("epochs", "clock", "told"),
    [
        (NIGHT, "07:00", ["Morning reminder: when you get up."]),
        ([*NIGHT, *from_("07:00", "10m walk")], "07:10", ["Morning reminder: at 08:00."]),
        ([*NIGHT, *from_("07:00", "10m walk")], "08:01", ["Morning reminder: now."]),
        ([*NIGHT, *from_("07:00", "10m walk")], "08:11", ["No morning reminder: it is too late for it now."]),
        (from_("09:00", "30m walk"), "09:30", ["No morning reminder: no night's sleep was recorded."]),
        ([*NIGHT, *from_("09:00", "30m walk")], "09:30", ["No morning reminder: your getting up was not recorded."]),
    ],
    ids=["asleep", "before the hours", "due", "too late", "no sleep", "unseen"],
)
def test_the_other_occasions(epochs: Sequence[Epoch], clock: str, told: list[str]) -> None:
    assert Scene(epochs).others(clock) == told


def test_an_occasion_that_is_held_says_why() -> None:
    scene = Scene([*NIGHT, *from_("07:00", "3m sit, 62m walk")], here=Here(locked=True))
    assert scene.others("08:03") == ["Morning reminder waits: the screen is locked."]


def test_where_the_band_may_be_off_nobody_is_said_to_sit_whatever_else_keeps_a_reminder_away() -> None:
    """A night without a word of sleep: outside the hours, with no service, nobody has moved since the evening."""
    still = day("8h walk, 5h sit", at("08:00") - 13 * HOUR)
    found = Scene(still, live=True, vouches=False).now("07:50", running=False)
    assert (found.doing, found.sat) == (Doing.STILL, None)
    assert sentences(found)[0].startswith("No movement since ")
    assert "Sitting for" not in " ".join(sentences(found))


def test_sleep_of_which_nothing_came_for_hours_is_no_sleep_that_goes_on() -> None:
    scene = Scene(NIGHT)
    assert (scene.now("11:00").doing, scene.now("11:10").doing) == (Doing.ASLEEP, Doing.ASLEEP), (
        "a sync is due by 11:00"
    )
    assert scene.now("11:11").doing is Doing.NO_DATA
    assert sentences(scene.now("19:00", running=False)) == ["No data since 07:00."]
