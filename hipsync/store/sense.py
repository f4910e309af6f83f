"""Which rows make sense: one condition in SQL for each table, and the only place that says so.

A file may hold anything: flipped bits, rows of another program, NULL or text where a number belongs. The one rule:
every reader takes only rows for which the condition of their table holds, and `checks.strange_in` counts all others. So
what makes no sense is unknown, and never a number. SQLite compares NULL with nothing, and puts every number before
every text, so a range alone refuses both; `typeof` refuses fractions.

It is on the path of `hipsync today`, which reads some thousand epochs. So their condition is one expression that takes
little time for a row. The plus before a column keeps SQLite from searching by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from hipsync.model import (
    DAY,
    WEEKDAYS,
    Answer,
    Occasion,
    Outing,
    Posture,
    Presence,
    State,
    Trouble,
    Where,
    WorkoutKind,
)

FIRST_S, LAST_S = -62_104_060_800, 253_339_228_799
"""The first and the last second, since 1970, that can be stored: the years 2 to 9997. In a year more at either end, a
local time could be one that Python cannot express."""
CAN = ("live", "buzz", "text", "answers", "battery", "wear", "sleep", "heart_rate")
"""The words of the column `bands.can`: the names of the abilities (`hipsync.abilities`) that a band has or has not."""
LARGEST = 2**48
"""No number of any band is as large as this."""


def _instant(column: str) -> str:
    return f"typeof({column}) = 'integer' AND +{column} BETWEEN {FIRST_S} AND {LAST_S}"


def _number(column: str, first: int, last: int) -> str:
    return f"typeof({column}) = 'integer' AND +{column} BETWEEN {first} AND {last}"


def _maybe(column: str, condition: str) -> str:
    return f"({column} IS NULL OR ({condition}))"


def _text(*columns: str) -> str:
    return " AND ".join(f"typeof({column}) = 'text'" for column in columns)


def _one_of(column: str, words: Iterable[str]) -> str:
    return f"+{column} IN ({', '.join(repr(str(word)) for word in words)})"


def _words(column: str, words: Iterable[str], between: str) -> str:
    """A column holds these words with one character between them, and no other; it may be empty."""
    rest = f"'{between}' || {column} || '{between}'"
    for word in words:
        rest = f"replace({rest}, '{between}{word}{between}', '{between}')"
    return f"{_text(column)} AND trim({rest}, '{between}') = ''"


_FLAG = "({0} = 0 OR {0} = 1)"
_OTHERS = ("intensity", "heart_rate", "kind")
_SUM = "+".join(["start", "length", "steps", "state", *(f"ifnull({column}, 0)" for column in _OTHERS)])

SENSE: Mapping[str, str] = {
    "bands": f"{_number('id', 1, LARGEST)} AND {_text('name', 'driver', 'advertised_name')} AND"
    f" {_maybe('address', _text('address'))} AND {_FLAG.format('simulated')} AND {_FLAG.format('vouches')} AND"
    f" {_FLAG.format('reports_wear')} AND {_instant('added')} AND {_maybe('keeps', _number('keeps', 1, 1440))} AND"
    f" {_maybe('can', _words('can', CAN, ' '))} AND {_FLAG.format('arriving')} AND"
    f" {_maybe('identity', _text('identity'))}",
    "epochs": f"typeof({_SUM}) = 'integer' AND +start BETWEEN {FIRST_S} AND {LAST_S} AND start % 60 = 0 AND"
    f" +length BETWEEN 1 AND 1440 AND +steps BETWEEN 0 AND {LARGEST} AND +state BETWEEN 0 AND 24 AND state & 15 < 9"
    " AND "
    + " AND ".join(f"ifnull({column}, 0) BETWEEN -{LARGEST} AND {LARGEST}" for column in _OTHERS)
    + f" AND {_maybe('posture', _one_of('posture', Posture))}",
    "counters": f"{_instant('at')} AND {_number('steps', 0, LARGEST)}",
    "wears": f"{_instant('at')} AND {_FLAG.format('worn')}",
    "charges": f"{_instant('at')} AND {_number('percent', 0, 100)} AND {_maybe('charging', _FLAG.format('charging'))}",
    "inactivities": _instant("at"),
    "workouts": f"{_instant('start')} AND {_instant('until')} AND until > start AND"
    f" until - start < {int(DAY.total_seconds())} AND {_one_of('kind', WorkoutKind)}",
    "infos": _instant("at")
    + "".join(f" AND {_maybe(column, _text(column))}" for column in ("firmware", "hardware", "serial")),
    "syncs": f"{_instant('started')} AND {_instant('ended')} AND {_number('epochs', 0, LARGEST)} AND"
    f" {_maybe('error', _text('error'))}",
    "imports": f"{_instant('at')} AND {_text('form', 'source')} AND {_maybe('zone', _text('zone'))} AND"
    f" {_maybe('since', _instant('since'))} AND {_maybe('until', _instant('until'))}",
    "zones": f"{_instant('since')} AND {_text('host', 'zone')}",
    "forgotten": f"{_instant('at')} AND {_text('mark')}",
    "prompts": f"{_instant('at')} AND {_instant('due')} AND {_text('exercise')} AND {_FLAG.format('sure')} AND"
    f" {_words('shown_where', Where, ' ')} AND {_number('shown', 1, LARGEST)} AND"
    f" {_maybe('answer', _one_of('answer', Answer))} AND {_one_of('occasion', Occasion)} AND"
    f" {_text('host')}"
    + "".join(f" AND {_maybe(at, _instant(at))}" for at in ("last_shown", "answered_at", "snoozed_until"))
    + f" AND {_maybe('sitting_minutes', _number('sitting_minutes', 1, LARGEST))}",
    "labels": f"{_instant('at')} AND {_one_of('says', (State.STANDING,))}",
    "presence": f"{_instant('start')} AND {_instant('until')} AND start % 60 = 0 AND until % 60 = 0"
    f" AND until - start BETWEEN 60 AND 3600 AND {_one_of('state', Presence)}",
    "desks": f"{_instant('at')} AND {_instant('until')}",
    "pauses": f"{_instant('at')} AND {_instant('until')}",
    "plans": f"{_number('id', 1, LARGEST)} AND {_one_of('outing', Outing)} AND {_words('days', WEEKDAYS, ',')} AND"
    f" days <> '' AND {_text('clock')} AND clock GLOB '[0-2][0-9]:[0-5][0-9]' AND clock < '24:00' AND"
    f" {_maybe('skipped', _text('skipped') + ' AND date(skipped) IS skipped')} AND {_instant('added')}"
    f" AND {_maybe('removed', _instant('removed'))}",
    "trials": f"{_instant('since')} AND {_text('seed')}",
    "draws": f"{_instant('start')} AND {_instant('at')} AND {_instant('due')} AND {_FLAG.format('withheld')}",
    "exercises": f"{_instant('at')} AND {_text('name')} AND {_one_of('how', ('guided', 'prompt', 'manual'))} AND"
    f" {_FLAG.format('hurt')}",
    "days": " AND ".join(_instant(at) for at in ("start", "until", "loaded_from", "loaded_until"))
    + f" AND {_text('zone', 'facts')} AND typeof(kinds) = 'blob'",
    "remarks": f"{_instant('at')} AND {_one_of('what', Trouble)}",
}
"""By table, the condition for rows that make sense. Zones are also asked of the system's tables, by `Bands.zones`."""


@lru_cache(maxsize=1000)
def known_zone(name: str) -> bool:
    """Whether the system knows a time zone of this name."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there, no name of a file at all, a folder such as "Europe"
        return False
    return True
