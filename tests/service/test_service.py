"""When the band is called: as late as every prompt can still be on time, and seldom else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.core.prompting import Due, Quiet, Reason, verdict
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.driver import Spacing
from hipsync.history.past import Past
from hipsync.model import Band, BandId, Occasion, Prompt
from hipsync.service.plan import backup_due, contact_at, listens, next_wake
from hipsync.service.state import Contacts, LastTry, Settings, State, expected, settings_of, until_known, zones_of
from hipsync.settings.config import Config
from hipsync.store import Store
from support.builders import MONDAY, day

MINUTE = timedelta(minutes=1)
HOURS = dict.fromkeys(range(7), ((time(8), time(22)),))
SETTINGS = Settings(
    rule=Rule(),
    policy=Policy(hours=HOURS, lunch=((time(12, 30), time(13, 30)),)),
    at_most_every=10 * MINUTE,
    at_least_every=timedelta(hours=4),
)


def at(hour: float) -> datetime:
    return MONDAY + timedelta(hours=hour)


def state(drawing: str, start: datetime, now: datetime, *, said: tuple[Prompt, ...] = (), failures: int = 0) -> State:
    """What is known at `now` of a band that was last called when its data end."""
    epochs = [epoch._replace(heart_rate=70) for epoch in day(drawing, start)]
    line = timeline([Source(epochs, reports_wear=True)], minute_of(start), minute_of(now), ZoneInfo("UTC"))
    found, zones = bouts(line, Rule()), Zones([], "UTC")
    band = Band(
        id=BandId(1), name="band", driver="huami", address="C0", advertised_name="Mi", simulated=False,
        vouches=True, reports_wear=True, added=MONDAY,
    )  # fmt: skip
    called, past = epochs[-1].end, Past(line, found, line.first)
    known = until_known(past)
    return State(
        contacts=[Contacts(band, called, called, failures)],
        seen=past,
        known=known,
        said=said,
        verdict=verdict(line, found, said, SETTINGS.policy, zones, now),
        expected=expected(known, said, SETTINGS, zones),
        zones=zones,
        settings=SETTINGS,
    )


def test_after_a_walk_the_band_is_called_an_hour_later() -> None:
    now = at(10)
    assert next_wake(state("5m sit, 55m walk", at(9), now), now) == at(11)


def test_while_sitting_it_is_called_when_the_prompt_could_be_due() -> None:
    now = at(10)
    assert next_wake(state("20m walk, 40m sit", at(9), now), now) == at(10) + 20 * MINUTE


def test_a_prompt_due_within_ten_minutes_is_not_delayed_by_at_most_every() -> None:
    now = at(10)
    assert next_wake(state("3m walk, 57m sit", at(9), now), now) == at(10) + 3 * MINUTE


def test_the_hour_is_not_forgotten_while_the_band_is_silent() -> None:
    called = at(10)
    for minutes in (0, 5, 12, 19):
        now = called + minutes * MINUTE
        assert next_wake(state("20m walk, 40m sit", at(9), now), now) == called + 20 * MINUTE


def test_what_is_due_is_said_now() -> None:
    now = at(10)
    found = state("1m walk, 60m sit", at(9) - MINUTE, now)
    assert isinstance(found.verdict, Due)
    assert next_wake(found, now) == now


def test_at_night_it_waits_for_the_prompt_hours_but_not_longer_than_at_least_every() -> None:
    now = at(22)
    assert next_wake(state("2h sit, 2h walk", at(18), now), now) == at(26)
    late = at(29)  # 05:00, asleep
    assert next_wake(state("3h sleep", at(26), late), late) == at(32)


def test_in_the_morning_it_is_called_hourly_until_the_wearer_is_up() -> None:
    now = at(8)
    assert next_wake(state("8h sleep", at(0), now), now) == at(9)


def test_over_lunch_it_waits_until_a_prompt_is_possible() -> None:
    now = at(12)
    assert next_wake(state("15m walk, 45m sit", at(11), now), now) == at(12.25)
    noon = at(11.75)
    assert next_wake(state("15m walk", at(11.5), noon), noon) == at(13.5)


def test_after_a_prompt_it_is_called_ten_minutes_later_then_with_the_next_hour() -> None:
    asked = Prompt(at(10), at(10), "hip-extension", sure=True)
    found = state("60m sit", at(9), at(10), said=(asked,))
    assert found.verdict == Quiet(Reason.ASKED, at(10) + 10 * MINUTE)
    assert next_wake(found, at(10)) == at(10) + 10 * MINUTE
    from hipsync.model import Answer

    done = asked._replace(answer=Answer.DONE)
    later = state("70m sit", at(9), at(10) + 10 * MINUTE, said=(done,))
    assert next_wake(later, at(10) + 10 * MINUTE) == at(11) + 10 * MINUTE


@pytest.mark.parametrize(("failures", "minutes"), [(1, 2), (2, 4), (3, 8), (6, 60), (50, 60)])
def test_a_band_out_of_reach_is_tried_after_growing_delays(failures: int, minutes: int) -> None:
    found = state("60m walk", at(9), at(10), failures=failures)
    again = contact_at(found.contacts[0], found, at(10))
    assert at(10) + minutes * MINUTE * 0.9 <= again <= at(10) + minutes * MINUTE
    assert again == contact_at(found.contacts[0], found, at(10))  # whoever asks is told the same


@pytest.mark.parametrize(
    ("drawing", "alone", "spaced"),
    [
        pytest.param("1m walk, 60m sit", 10, 15, id="what it sent decided nothing, so it is asked again"),
        pytest.param("3m walk, 57m sit", 3, 3, id="a reminder may be due, for which it counts and vibrates meanwhile"),
        pytest.param("60m walk", 60, 60, id="long from now"),
    ],
)
def test_a_band_that_each_fetch_disturbs_is_asked_for_news_no_sooner_than_its_driver_says(
    drawing: str, alone: int, spaced: int
) -> None:
    found = state(drawing, at(9), at(10))
    (contacts,) = found.contacts
    assert contacts.attempted is not None
    for spacing, minutes in ((None, alone), (Spacing(15 * MINUTE, "it ends a file"), spaced)):
        again = contact_at(contacts._replace(spacing=spacing), found, contacts.attempted)
        assert again == contacts.attempted + minutes * MINUTE


def test_a_due_reminder_for_the_morning_does_not_make_it_be_fetched_from_each_minute() -> None:
    found = state("20m walk", at(9), at(10))._replace(occasions={Occasion.MORNING: Due(at(9), sure=True)})
    (contacts,) = found.contacts
    assert contacts.attempted is not None
    for spacing, minutes in ((None, 1), (Spacing(15 * MINUTE, "it ends a file"), 15)):
        again = contact_at(contacts._replace(spacing=spacing), found, contacts.attempted)
        assert again == contacts.attempted + minutes * MINUTE


def test_two_bands_out_of_reach_are_not_tried_in_step() -> None:
    found = state("60m walk", at(9), at(10), failures=6)
    other = found.contacts[0]._replace(band=found.contacts[0].band._replace(id=BandId(2)))
    assert contact_at(found.contacts[0], found, at(10)) != contact_at(other, found, at(10))


@pytest.mark.parametrize("failures", [1, 2, 50])
def test_a_band_that_refuses_the_key_is_tried_hourly(failures: int) -> None:
    found = state("60m walk", at(9), at(10), failures=failures)
    assert contact_at(found.contacts[0]._replace(last_try=LastTry.REFUSED), found, at(10)) == at(11)


def test_a_band_that_is_back_in_reach_is_called_at_once() -> None:
    found = state("60m walk", at(9), at(10), failures=50)
    assert contact_at(found.contacts[0]._replace(last_try=LastTry.BACK), found, at(10)) == at(10)


@pytest.mark.parametrize(
    ("failures", "last_try", "reached", "every"),
    [
        (1, LastTry.AWAY, at(9.5), 1),
        (9, LastTry.AWAY, at(9.5), 1),
        (9, LastTry.AWAY, at(9), 5),  # an hour and longer ago
        (9, LastTry.AWAY, None, 5),
        (9, None, at(9.5), 1),  # a run that has just begun does not know why
        (9, LastTry.FAILED, at(9.5), None),  # it was in reach
        (9, LastTry.REFUSED, at(9.5), None),
        (9, LastTry.BACK, at(9.5), None),
        (0, None, at(9.5), None),
    ],
)
def test_a_band_that_went_away_is_listened_for(
    failures: int, last_try: LastTry | None, reached: datetime | None, every: int | None
) -> None:
    found = state("60m walk", at(9), at(10), failures=failures)
    contacts = found.contacts[0]._replace(last_try=last_try, reached=reached)
    ago = [minutes for minutes in range(10) if listens(contacts, minutes * MINUTE, at(10))]
    assert ago == ([] if every is None else [*range(every, 10)])


def test_a_prompt_shown_in_the_middle_of_a_minute_is_asked_about_when_one_is_over() -> None:
    """Ten minutes and two seconds later a band knows of ten minutes only: the answer would take two contacts."""
    asked = Prompt(at(10) + timedelta(seconds=2), at(10), "hip-extension", sure=True)
    found = state("60m sit", at(9), at(10) + MINUTE / 2, said=(asked,))
    assert contact_at(found.contacts[0], found, at(10) + MINUTE / 2) == at(10) + 11 * MINUTE


def test_a_band_that_was_never_called_is_called_now() -> None:
    found = state("60m walk", at(9), at(10))
    fresh = found.contacts[0]._replace(attempted=None)
    assert contact_at(fresh, found, at(10)) == at(10)


@pytest.mark.parametrize(
    ("newest", "now", "due"),
    [
        (None, at(10), True),
        (at(9), at(10), False),
        (at(9), at(23.9), False),
        (at(9), at(24.1), True),
        (at(9), at(24 * 8), True),
        (at(10), at(9), False),  # the clock was set back
    ],
)
def test_the_database_is_to_be_copied_once_a_day(newest: datetime | None, now: datetime, due: bool) -> None:
    assert backup_due(newest, Zones([], "Europe/London"), now) is due


def test_without_a_band_it_looks_again_within_at_least_every() -> None:
    found = state("60m walk", at(9), at(10))._replace(contacts=[], verdict=Quiet(Reason.NO_DATA))
    assert next_wake(found, at(10)) == at(14)


def test_a_prompt_that_is_held_is_said_on_time_without_a_band_to_call() -> None:
    held = {Occasion.MORNING: Quiet(Reason.OUTSIDE_HOURS, at(10.2))}
    found = state("60m walk", at(9), at(10))._replace(contacts=[], occasions=held)
    assert next_wake(found, at(10)) == at(10.2)
    due = found._replace(occasions={Occasion.MORNING: Due(at(10), sure=True, occasion=Occasion.MORNING)})
    assert next_wake(due, at(10)) == at(10)


def test_the_days_of_the_service_begin_when_the_user_says() -> None:
    settings = replace(settings_of(Config(), "UTC"), day_start=time(4))
    with Store.in_memory() as store:
        zones = zones_of(store, settings)
    assert zones.date_of(datetime(2026, 3, 3, 3, 59, tzinfo=UTC)) == date(2026, 3, 2)
    assert zones.date_of(datetime(2026, 3, 3, 4, tzinfo=UTC)) == date(2026, 3, 3)
