"""What a row that comes from a file may mean: whether its cells can be right, beyond being of the right type.

It knows no file and no database. The one rule: every import asks here, and so does every export, so that what goes
out can come in again. A row is its table and its cells, with instants in seconds since 1970 as they are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from hipsync.instants import latest
from hipsync.model import (
    DAY,
    MINUTE,
    STEPS_A_MINUTE,
    WEEKDAYS,
    Answer,
    Epoch,
    Occasion,
    Outing,
    Presence,
    State,
    Where,
    WorkoutKind,
)
from hipsync.store.sense import known_zone
from hipsync.text import clean, is_visible

YEARS = range(1970, 2100)
"""The years of UTC in which an instant may lie: any other comes from a clock that was never set, or from a slip."""
BEGINNING, END = datetime(YEARS[0], 1, 1, tzinfo=UTC), datetime(YEARS[-1] + 1, 1, 1, tzinfo=UTC)
LONGEST_MINUTES = 24 * 60
"""The longest epoch that a file may contain."""
HEART_RATES = range(1, 301)
"""The heart rates that an epoch may have, in beats a minute."""
INTENSITIES, KINDS = range(2**31 + 1), range(2**32 + 1)
LONGEST_PAUSE = timedelta(days=8)
"""The longest pause, or time of standing at a desk, of a file: the commands give seven days at most."""
LONGEST_SNOOZE = timedelta(days=50)
"""The longest time for which a prompt can be put off: `hipsync snooze` takes 999 hours and 9,999 minutes at most."""
LONGEST_PRESENCE = timedelta(hours=1)
"""The longest span of presence: hipsync stores each hour by itself."""
MOST_SITTING_MINUTES = 60 * 24 * 31
"""The most minutes of a stretch when its prompt was shown."""
LONGEST_NAME, LONGEST_TEXT = 64, 256
"""How many characters a name, or what a band says of itself, may have."""
SECOND = timedelta(seconds=1)
_LAST_S = int(END.timestamp()) - 1


def wrong_row(table: str, row: Mapping[str, object], now: datetime) -> str | None:
    """Why a row of an exported table cannot be right, in a few words that name the column; None if it can.

    `table` is one of `COLUMNS`. What lies in the future at `now` cannot be right, but for the end of a pause or snooze.
    """
    columns = COLUMNS[table]
    if unknown := row.keys() - columns.keys():
        return f"there is no column {min(unknown)[:40]!r}: the file is of another version of hipsync"
    for name, column in columns.items():
        cell = row.get(name)
        if cell is None:
            if column.needed:
                return f"{name} is missing"
        elif not column.fits(cell):
            return f"{name} is {_shown(cell)}, not {column.what}"
        elif column.stamp and isinstance(cell, int) and cell > latest(now).timestamp():
            return f"{name} is {datetime.fromtimestamp(cell, UTC).isoformat()}, which lies in the future"
    return _wrong_span(table, row)


def wrong_epoch(epoch: Epoch, now: datetime | None) -> str | None:
    """Why an epoch cannot be right, in a few words; None if it can. None for `now` allows the future."""
    if (why := wrong_start(epoch.start, now)) is not None:
        return why
    minutes = epoch.length // MINUTE
    if epoch.length % MINUTE or not 1 <= minutes <= LONGEST_MINUTES:
        return f"a length of {epoch.length} is not a whole number of minutes, up to {LONGEST_MINUTES}"
    numbers: Iterable[tuple[str, int | None, range]] = (
        ("steps", epoch.steps, range(STEPS_A_MINUTE * minutes + 1)),
        ("intensity", epoch.intensity, INTENSITIES),
        ("heart_rate", epoch.heart_rate, HEART_RATES),
        ("kind", epoch.kind, KINDS),
    )
    for name, value, likely in numbers:
        if value is not None and value not in likely:
            return f"{name} {value} is not a whole number from {likely[0]} to {likely[-1]}"
    return None


def wrong_start(start: datetime, now: datetime | None) -> str | None:
    """Why an epoch cannot begin at an instant of UTC; None if it can. None for `now` allows the future."""
    if not BEGINNING <= start < END:
        return f"is not in the years {YEARS[0]} to {YEARS[-1]} of UTC"
    if start.second or start.microsecond:
        return "does not lie on a whole minute"
    if now is not None and start > latest(now):
        return f"lies in the future: it is {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC by this computer's clock"
    return None


def starts(now: datetime | None) -> range:
    """The seconds since 1970 at which `wrong_start` lets an epoch begin."""
    end = END if now is None else min(END, latest(now) + SECOND)
    return range(0, (end - BEGINNING) // SECOND, 60)


class Column(NamedTuple):
    """What may stand in a column of an exported table."""

    fits: Callable[[object], bool]
    what: str
    """What belongs there, as the end of "it is not ..."."""
    needed: bool = True
    stamp: bool = False
    """Whether it is the instant at which something happened, so that it cannot lie in the future."""

    @property
    def optional(self) -> Column:
        return self._replace(needed=False)


def _number(first: int, last: int, what: str = "") -> Column:
    def fits(cell: object) -> bool:
        return isinstance(cell, int) and not isinstance(cell, bool) and first <= cell <= last

    return Column(fits, what or f"a whole number from {first:,} to {last:,}")


def _text(longest: int, least: int, what: str) -> Column:
    def fits(cell: object) -> bool:
        return isinstance(cell, str) and least <= len(cell) <= longest and is_visible(cell)

    return Column(fits, what)


def _word(words: Iterable[str]) -> Column:
    known = tuple(str(word) for word in words)

    def fits(cell: object) -> bool:
        return isinstance(cell, str) and cell in known

    return Column(fits, f"one of {', '.join(known)}")


def _is_zone(cell: object) -> bool:
    return isinstance(cell, str) and known_zone(cell)


def _are_places(cell: object) -> bool:
    words = cell.split(" ") if isinstance(cell, str) and cell else []
    return isinstance(cell, str) and len(set(words)) == len(words) and set(words) <= set(Where)


def _are_days(cell: object) -> bool:
    words = cell.split(",") if isinstance(cell, str) else []
    return bool(words) and words == [day for day in WEEKDAYS if day in words]


def _is_clock(cell: object) -> bool:
    try:
        return isinstance(cell, str) and f"{time.fromisoformat(cell):%H:%M}" == cell
    except ValueError:
        return False


def _is_date(cell: object) -> bool:
    try:
        found = date.fromisoformat(cell) if isinstance(cell, str) else None
    except ValueError:
        return False
    return found is not None and found.isoformat() == cell and found.year in YEARS


def _is_name(cell: object) -> bool:
    return isinstance(cell, str) and cell != "" and clean(cell, LONGEST_NAME) == cell


_INSTANT = _number(0, _LAST_S, f"an instant of the years {YEARS[0]} to {YEARS[-1]}, in seconds since 1970")
_STAMP = _INSTANT._replace(stamp=True)
_FLAG = _number(0, 1, "0 or 1")
_BAND = Column(_is_name, "the name of a band")
_SAID = _text(LONGEST_TEXT, 0, f"a text of at most {LONGEST_TEXT} visible characters").optional
_HOST = _text(LONGEST_NAME, 0, f"the name of a computer, of at most {LONGEST_NAME} visible characters").optional
_ZONE = Column(_is_zone, "a time zone such as Europe/London")
_WORD = _text(LONGEST_NAME, 1, f"a word of 1 to {LONGEST_NAME} visible characters")
_SOURCE = _text(LONGEST_TEXT, 1, f"a text of 1 to {LONGEST_TEXT} visible characters")
_NAME = _text(LONGEST_NAME, 1, f"a name of 1 to {LONGEST_NAME} visible characters")

COLUMNS: Mapping[str, Mapping[str, Column]] = {
    "zones": {"host": _HOST, "since": _STAMP, "zone": _ZONE},
    "counters": {"band": _BAND, "at": _STAMP, "steps": _number(0, 2**32)},
    "wears": {"band": _BAND, "at": _STAMP, "worn": _FLAG},
    "charges": {"band": _BAND, "at": _STAMP, "percent": _number(0, 100), "charging": _FLAG.optional},
    "inactivities": {"band": _BAND, "at": _STAMP},
    "workouts": {"band": _BAND, "start": _INSTANT, "until": _STAMP, "kind": _word(WorkoutKind)},
    "infos": {"band": _BAND, "at": _STAMP, "firmware": _SAID, "hardware": _SAID, "serial": _SAID},
    "prompts": {
        "at": _STAMP, "due": _STAMP, "exercise": _NAME, "sure": _FLAG,
        "shown_where": Column(_are_places, f"places with spaces between them, of {', '.join(Where)}"),
        "shown": _number(0, 100), "last_shown": _STAMP.optional, "answer": _word(Answer).optional,
        "answered_at": _STAMP.optional, "snoozed_until": _INSTANT.optional, "occasion": _word(Occasion),
        "sitting_minutes": _number(1, MOST_SITTING_MINUTES).optional, "host": _HOST,
    },
    "labels": {"at": _STAMP, "says": _word((State.STANDING,))},
    "presence": {"start": _INSTANT, "until": _STAMP, "state": _word(Presence)},
    "desks": {"at": _STAMP, "until": _INSTANT},
    "pauses": {"at": _STAMP, "until": _INSTANT},
    "plans": {
        "outing": _word(Outing), "days": Column(_are_days, "weekdays in order, such as tue,thu"),
        "clock": Column(_is_clock, "a time such as 18:00"),
        "skipped": Column(_is_date, "a date such as 2026-11-20").optional, "added": _STAMP,
        "removed": _STAMP.optional,
    },
    "exercises": {"at": _STAMP, "name": _NAME, "how": _word(("guided", "prompt", "manual")), "hurt": _FLAG},
    "trials": {"since": _STAMP, "seed": _text(LONGEST_NAME, 1, f"a text of 1 to {LONGEST_NAME} visible characters")},
    "draws": {"start": _STAMP, "at": _STAMP, "due": _STAMP, "withheld": _FLAG},
    "imports": {
        "band": _BAND, "at": _STAMP, "form": _WORD, "source": _SOURCE, "zone": _ZONE.optional,
        "since": _INSTANT.optional, "until": _INSTANT.optional,
    },
    "forgotten": {"mark": _WORD, "at": _STAMP},
}  # fmt: skip
"""What belongs into each column of the tables that an archive holds as rows, `id` apart."""


def _wrong_span(table: str, row: Mapping[str, object]) -> str | None:
    """Why a workout, a pause, a span of presence or a snooze cannot last as long as this row says; None if it can."""
    match table, row:
        case "workouts", {"start": int(at), "until": int(until)} if not 0 < until - at < DAY.total_seconds():
            return f"until is {until - at} seconds after start: a workout has a length, of less than a day"
        case "pauses" | "desks", {"at": int(at), "until": int(until)} if not (
            0 <= until - at <= LONGEST_PAUSE.total_seconds()
        ):
            what = "a pause" if table == "pauses" else "standing at a desk"
            return f"until is {until - at} seconds after at: {what} lasts {LONGEST_PAUSE.days} days at most"
        case "presence", {"start": int(at), "until": int(until)} if (
            at % 60 or until % 60 or not 60 <= until - at <= LONGEST_PRESENCE.total_seconds()
        ):
            return f"{at} to {until} is no span of whole minutes, up to {LONGEST_PRESENCE // MINUTE} of them"
        case "prompts", {"at": int(at), "snoozed_until": int(until)}:
            answered = row.get("answered_at")
            since = max(at, answered) if isinstance(answered, int) else at
            if until - since > LONGEST_SNOOZE.total_seconds():
                return f"snoozed_until is more than {LONGEST_SNOOZE.days} days after the prompt"
        case _:
            pass
    return None


def _shown(cell: object) -> str:
    """A cell of a stranger's file for one line of text: cut, and without characters that control a terminal."""
    try:
        return clean(repr(cell), 60)
    except ValueError:  # Python does not write a number of more than 4,300 digits
        return "a number without end"
