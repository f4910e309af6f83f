"""What `hipsync web` shows, and what its buttons do: the port `hipsync.report.web.Backend` on the database.

The database is opened for each request, because a service writes to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from hipsync.cli.app import App, is_missing
from hipsync.cli.page_pairing import PagePairing
from hipsync.core.exercises import MOVES, Move
from hipsync.errors import ConfigError
from hipsync.model import MINUTE, Answer, Occasion
from hipsync.report.page.document import Served
from hipsync.report.page.pair import pair_html
from hipsync.report.web import PAIR, PAIRS
from hipsync.text import clean

if TYPE_CHECKING:
    from datetime import datetime

    from hipsync.core.days import Zones
    from hipsync.report.page.now import NowShown
    from hipsync.service.now import Now
    from hipsync.store import Store

LONGEST_MESSAGE = 200
"""The most characters of a message on the page."""
LAST_DAYS = 14
ANSWERS = {
    "done": Answer.DONE,
    "snooze": Answer.SNOOZED,
    "skip": Answer.SKIPPED,
    "standing": Answer.STANDING,
}
"""The buttons that answer a reminder."""
Span = Literal["day", "week", "month"]
SPANS: Mapping[str, Span] = {"day": "day", "week": "week", "month": "month"}
"""The views that show days, by the word in the address."""


class Site:
    """The pages, and what their buttons do."""

    def __init__(self, app: App) -> None:
        self._app, self.pairing = app, PagePairing(app)

    def first(self) -> str:
        """Where whoever enters is led: to today, or to where a band is added if there is no database yet."""
        return PAIR if is_missing(self._app.database) else "day/today"

    def close(self) -> None:
        """End a pairing that runs."""
        self.pairing.close()

    def page(self, view: str, when: str, key: str, said: str) -> str:
        """The HTML of a view, as the port says."""
        served = Served(key)
        if view == "pair" or (view in SPANS and is_missing(self._app.database)):
            return pair_html(self.pairing.shown(), self.pairing.offered(), served, clean(said, LONGEST_MESSAGE))
        if view == "exercises":
            from hipsync.report.page.exercise import exercises_html

            return exercises_html(self._moves(when), served=served)
        if view not in SPANS:
            raise ConfigError(f"there is no view {view!r}")
        return self._period(SPANS[view], when, served, said)

    def _moves(self, first: str) -> Sequence[Move]:
        moves = [*MOVES, *self._app.config().own]
        return sorted(moves, key=lambda move: move.name != first)

    def _period(self, view: Span, when: str, served: Served, said: str) -> str:
        from hipsync.core.period import period_summary
        from hipsync.history.summaries import summarise_days
        from hipsync.report.page import Around, page_html
        from hipsync.report.page.now import now_section
        from hipsync.service.status_text import short

        app, now = self._app, self._app.now()
        with app.existing_store() as store:
            zones, rule = app.zones(store), app.rule()
            today = zones.date_of(now)
            days = days_of(view, when, today)
            shown = [day for day in days if day <= today] or days[:1]
            period = period_summary(summarise_days(store, rule, zones, days, now))
            earlier = days_of(view, (days[0] - timedelta(days=1)).isoformat(), today)
            previous = None
            if view == "week":
                previous = period_summary(summarise_days(store, rule, zones, earlier[: len(shown)], now))
            last_days = summarise_days(store, rule, zones, _last_days(shown[-1], today), now) if view == "day" else ()
            more = "" if view == "day" else _more(app, store, zones, view, days[-1])
            is_today = view == "day" and today in days
            top = now_section(self._now(store, now), served.key) if is_today else ""
            short_now = short(self._status(store)) if is_today else ""
        later = days[-1] + timedelta(days=1)
        around = Around(
            served, top, short_now, clean(said, LONGEST_MESSAGE), earlier[0], later if later <= today else None
        )
        return page_html(
            period, now, view, goals=app.goals(), previous=previous, last_days=last_days, more=more, around=around
        )

    def _status(self, store: Store) -> Now:
        from hipsync.cli.status_line import now_at

        return now_at(self._app, store)

    def _now(self, store: Store, now: datetime) -> NowShown:
        """What stands at the top of the page of today."""
        from hipsync.report.page.now import NowShown, Reminded
        from hipsync.service.status_text import sentences

        found = self._status(store)
        reminder = found.open
        move = None
        if reminder is not None:
            move = next((each for each in self._moves("") if each.name == reminder.exercise), None)
        return NowShown(
            said=sentences(found),
            minutes=found.sat,
            limit_minutes=found.limit,
            since="" if found.since is None else f"{found.zones.local(found.since):%H:%M}",
            reminder=None
            if move is None or reminder is None
            else Reminded(move, self._app.config().snooze // MINUTE, reminder.occasion is Occasion.SITTING),
            is_paused=store.pause(now) is not None,
        )

    def act(self, what: str, form: Mapping[str, str]) -> str:
        """Carry out what a button says, as the port says."""
        from hipsync.cli.exercise_page import exercised
        from hipsync.cli.prompts import answered, paused, resumed

        if what.startswith(PAIRS):
            return self.pairing.act(what, form)
        if what in ANSWERS:
            return answered(self._app, ANSWERS[what])
        match what:
            case "pause":
                return paused(self._app, ())
            case "resume":
                return resumed(self._app)
            case "exercised":
                return exercised(self._app, self._moves(""), form)
            case _:
                raise ConfigError(f"there is no {what!r} to do")


def _last_days(shown: date, today: date) -> list[date]:
    """The days to which the page of a day leads: a fortnight that ends with it, or a week after it."""
    last = min(today, shown + timedelta(days=LAST_DAYS // 2))
    return [last - timedelta(days=back) for back in reversed(range(LAST_DAYS))]


def _more(app: App, store: Store, zones: Zones, view: Span, last: date) -> str:
    """What was learned of reminders, and how the weeks up to a day went, as HTML."""
    from hipsync.history.learned import learned_by
    from hipsync.history.weeks import weeks_until
    from hipsync.report.page.learned import learned_section
    from hipsync.report.page.weeks import weeks_section

    config = app.config()
    learned = learned_section(learned_by(store, config.rule, zones, app.now()), adapts=config.adapt)
    weeks = weeks_section(weeks_until(store, app.rule(), zones, last, app.now())) if view == "month" else ""
    return learned + weeks


def days_of(span: Span, when: str, today: date) -> Sequence[date]:
    """Return the days meant by the words `when`. Raises `ConfigError`."""
    from hipsync.cli.dates import day_of, month_of, week_of

    return [day_of(when, today)] if span == "day" else (week_of if span == "week" else month_of)(when, today)
