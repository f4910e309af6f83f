"""What the fleet's database answers to its named questions: rows of the views of `schema/5_views.sql`.

Each row is about one wearer. They are in order of his pseudonym, so that nobody is first or last for what he did.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, LiteralString, NamedTuple

from hipsync.fleet.judged import JudgedRow

if TYPE_CHECKING:
    from hipsync.fleet.database import Snapshot


class DayRow(NamedTuple):
    """A day of a wearer, of the view `days`; all but steps and counts are minutes."""

    wearer: str
    day: date
    sitting: int
    up: int
    standing: int
    asleep: int
    not_worn: int
    unknown: int
    awake: int
    """Sitting, up and standing together."""
    steps: int
    limit_minutes: int
    longest: int
    over_30: int
    over_limit: int
    breaks: int
    has_data: bool
    complete: bool


class WeekRow(NamedTuple):
    """A week of a wearer, of the view `weeks`; all but steps and counts are minutes."""

    wearer: str
    week: date
    """Its Monday."""
    days_with_data: int
    has_data: bool
    is_over: bool
    awake: int
    sitting: int
    sitting_a_day: int | None
    """For a day of 16 hours awake; None of a week in which nobody was awake."""
    longest: int
    breaks: int
    breaks_an_hour: Decimal | None
    """By the hour of sitting; None without any."""
    over_30: int
    over_limit: int
    limit_minutes: int
    steps: int


class Handed(NamedTuple):
    """A time for which a band was handed to a wearer, of the view `handed`."""

    wearer: str
    band: int
    kind: str
    since: datetime
    until: datetime | None
    is_worn: bool
    heard: datetime | None
    charged_at: datetime | None
    percent: int | None
    charging: bool | None
    gateways: list[str]


class Attention(NamedTuple):
    """Why a wearer needs a word, of the view `attention`."""

    wearer: str
    reason: Literal["no data", "battery", "spells"]
    at: datetime | None
    band: int | None
    value: Decimal | None
    usual: Decimal | None
    limit_minutes: int | None


class SideRow(NamedTuple):
    """A week of a wearer before or after his treatment began, of the view `before_after`."""

    wearer: str
    treated: date | None
    week: date | None
    """None if he has no such week; then the next ones are None, too."""
    side: Literal["before", "after"] | None
    has_data: bool | None
    sitting: int | None
    awake: int | None
    breaks: int | None
    over_30: int | None
    over_limit: int | None
    limit_minutes: int


def days(snapshot: Snapshot, since: date) -> list[DayRow]:
    """The days from this one on."""
    return snapshot.rows(DayRow, 'hipsync.days WHERE day >= %(since)s ORDER BY wearer COLLATE "C", day', since=since)


def weeks(snapshot: Snapshot, since: date) -> list[WeekRow]:
    """The weeks that begin on this day or later."""
    return snapshot.rows(
        WeekRow, 'hipsync.weeks WHERE week >= %(since)s ORDER BY wearer COLLATE "C", week', since=since
    )


def attention(snapshot: Snapshot) -> list[Attention]:
    """Who needs a word now."""
    return snapshot.rows(Attention, 'hipsync.attention ORDER BY wearer COLLATE "C", reason, band')


def sides(snapshot: Snapshot, weeks: int) -> list[SideRow]:
    """So many weeks before and after each treatment; a wearer without any has one row."""
    source: LiteralString = (
        'hipsync.before_after WHERE week IS NULL OR apart < %(weeks)s ORDER BY wearer COLLATE "C", week'
    )
    return snapshot.rows(SideRow, source, weeks=weeks)


def handed(snapshot: Snapshot) -> list[Handed]:
    """Which band was handed to whom, those that are worn no more among them."""
    return snapshot.rows(Handed, 'hipsync.handed ORDER BY wearer COLLATE "C", since, band')


class Wearer(NamedTuple):
    """Somebody who takes part, or did."""

    pseudonym: str
    zone: str
    """An IANA name."""
    limit_minutes: int
    treated: date | None
    left_on: date | None
    """The first day on which he takes part no more."""


def wearers(snapshot: Snapshot) -> list[Wearer]:
    """All wearers."""
    return snapshot.rows(Wearer, 'hipsync.wearers ORDER BY pseudonym COLLATE "C"')


def judged(snapshot: Snapshot, pseudonym: str, first: date, last: date) -> list[JudgedRow]:
    """The judged days `[first, last)` of a wearer."""
    return snapshot.rows(
        JudgedRow,
        "(SELECT pseudonym, day, j.zone, start, until, j.limit_minutes, kinds, facts FROM hipsync.judged AS j"
        " JOIN hipsync.wearers AS who ON who.id = j.wearer) AS each"
        " WHERE pseudonym = %(pseudonym)s AND day >= %(first)s AND day < %(last)s ORDER BY day",
        pseudonym=pseudonym,
        first=first,
        last=last,
    )
