"""A wearer's days judged again from an export: another store behind the judgement, which needs no Postgres.

A folder of `fleet export parquet` has all that the judgement asks for. So after a change of the rule the years of many
wearers can be judged by any number of processes or computers, a folder each. They share nothing, so that whatever was
lost with one of them is simply done again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.errors import InputError
from hipsync.fleet.heard import HeardDay, Worn
from hipsync.fleet.judged import zone_of
from hipsync.fleet.judging import judged_row, rule_of
from hipsync.fleet.month_files import metadata_of, read_month
from hipsync.fleet.months import DAY_MINUTES, Columns
from hipsync.fleet.queue import Judged
from hipsync.fleet.reported import ReportedDays
from hipsync.history.summaries import judged_days
from hipsync.store.readings import INFERRED
from hipsync.text import Json

MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])\.parquet")
_EPOCH = date(1970, 1, 1)
_DAY = timedelta(days=1)
_AT_ONCE = 3
"""How many months are kept that were read: a day asks for its neighbours, and for two weeks before."""


class Exported(NamedTuple):
    """A wearer as his folder has him."""

    pseudonym: str
    zone: str
    """An IANA name, which there is."""
    limit_minutes: int
    days: Sequence[date]
    """All days that can have any data, in order."""
    reported: ReportedDays


def judged_again(folder: Path, now: datetime, rule: Rule | None = None) -> list[Judged]:
    """All days of a wearer of which anything is known at `now`, in order, as they are judged from his folder.

    `rule` is that of hipsync with the wearer's limit, unless another one is given. Raises `InputError` if the folder is
    none of an export.
    """
    who = exported(folder)
    zones, by = Zones([], who.zone), rule or rule_of(who.limit_minutes)
    spans = [zones.day(day) for day in who.days if day <= zones.date_of(now)]
    found = judged_days(who.reported, by, zones, spans, now)
    return [row for each in found if (row := judged_row(each, by, now)) is not None]


def digest_of(days: Sequence[Judged]) -> str:
    """A digest of judged days: two judgements that differ in any minute, spell or number have another one."""
    return sha256("\n".join(map(repr, days)).encode()).hexdigest()


def exported(folder: Path) -> Exported:
    """A wearer by his folder. Raises `InputError` if it is none of an export."""
    files = {_month_of(file): file for file in folder.glob("*.parquet") if MONTH.fullmatch(file.name)}
    if not files:
        raise InputError(f"{folder} is no folder of a wearer: it has no month")
    told = {month: metadata_of(files[month]) for month in sorted(files)}
    first, last = min(files), max(files)
    try:
        newest = told[last]
        worn = [_worn(_object(each)) for each in _list(newest["handed"])]
        others = [_other(_object(each)) for month in told.values() for each in _list(month["others"])]
        pseudonym, zone, limit = str(newest["wearer"]), str(newest["zone"]), int(str(newest["limit_minutes"]))
        bands = {int(str(_object(each)["worn"])): int(str(_object(each)["band"])) for each in _list(newest["handed"])}
    except (KeyError, ValueError, InputError) as error:
        raise InputError(f"{folder} does not say whose bands it is of: export it again") from error
    zone_of(zone)
    begin, end = first - _DAY, (last + 32 * _DAY).replace(day=1) + _DAY
    days = [begin + at * _DAY for at in range((end - begin).days)]
    heard = _Heard(files, worn, bands, {(other.worn, other.day): other for other in others})
    return Exported(pseudonym, zone, limit, days, ReportedDays(worn, heard.fetch))


class _Other(NamedTuple):
    """What a band reported on a day that is no epoch."""

    worn: int
    day: date
    counters: list[list[int]]
    wears: list[list[int]]
    workouts: list[tuple[int, int, str]]


class _Heard:
    """The band-days of a wearer by the files of his months."""

    def __init__(
        self,
        files: Mapping[date, Path],
        worn: Sequence[Worn],
        bands: Mapping[int, int],
        others: Mapping[tuple[int, date], _Other],
    ) -> None:
        """`files` are by the first day of their month, `bands` has the number of the band of each `worn`."""
        self._files, self._worn, self._bands, self._others = files, worn, bands, others
        self._read: dict[date, Mapping[tuple[int, date], HeardDay]] = {}

    def fetch(self, first: date, last: date) -> list[HeardDay]:
        """As `reported.Fetch` says."""
        wanted = {key for key in self._others if first <= key[1] < last}
        for worn in self._worn:
            wanted |= {(worn.id, day) for day in self._nearest(worn.id, first, last)}
        days = {day.replace(day=1) for day in (first + at * _DAY for at in range((last - first).days))}
        for month in days | {day.replace(day=1) for _, day in wanted}:
            wanted |= {key for key in self._month(month) if first <= key[1] < last}
        return [
            self._month(day.replace(day=1)).get((worn, day)) or self._heard(worn, day) for worn, day in sorted(wanted)
        ]

    def _nearest(self, worn: int, first: date, last: date) -> Iterator[date]:
        counted = sorted(day for (number, day), other in self._others.items() if number == worn and other.counters)
        changed = sorted(day for (number, day), other in self._others.items() if number == worn and other.wears)
        yield from [day for day in counted if day < first][-1:]
        yield from [day for day in counted if day >= last][:1]
        yield from [day for day in changed if day < first][-1:]

    def _month(self, month: date) -> Mapping[tuple[int, date], HeardDay]:
        """The days of a month that have epochs."""
        if month not in self._read:
            while len(self._read) >= _AT_ONCE:
                del self._read[min(self._read)]
            rows = read_month(self._files[month])[0] if month in self._files else None
            self._read[month] = {} if rows is None else self._days(rows)
        return self._read[month]

    def _days(self, rows: Columns) -> dict[tuple[int, date], HeardDay]:
        places: dict[tuple[int, int], list[int]] = {}
        for at, (start, band) in enumerate(zip(rows.start, rows.band, strict=True)):
            places.setdefault((start // DAY_MINUTES, band), []).append(at)
        found: dict[tuple[int, date], HeardDay] = {}
        for (day, band), those in places.items():
            for worn in self._worn:
                his = [at for at in those if self._bands[worn.id] == band and _is_in(worn, rows.start[at] * 60)]
                if his:
                    key = worn.id, _EPOCH + day * _DAY
                    found[key] = self._heard(*key, rows, his)
        return found

    def _heard(self, worn: int, day: date, rows: Columns | None = None, places: Sequence[int] = ()) -> HeardDay:
        """A band-day, with the epochs at these places of the rows of its month."""
        other = self._others.get((worn, day), _Other(worn, day, [], [], []))
        epochs: list[list[int]] = [[], [], [], []]
        heart_rate: list[int | None] = []
        posture: list[str | None] = []
        if rows is not None:
            states = ((rows.state[at], rows.inferred[at]) for at in places)
            epochs = [
                [rows.start[at] % DAY_MINUTES for at in places],
                [rows.length[at] for at in places],
                [rows.steps[at] for at in places],
                [(0 if state is None else state + 1) + INFERRED * inferred for state, inferred in states],
            ]
            heart_rate, posture = [rows.heart_rate[at] for at in places], [rows.posture[at] for at in places]
        start, length, steps, state = epochs
        return HeardDay(
            worn, day, start, length, steps, heart_rate, state, posture,
            [at for at, _ in other.counters], [steps for _, steps in other.counters],
            [at for at, _ in other.wears], [bool(is_on) for _, is_on in other.wears],
            [at for at, _, _ in other.workouts], [lasts for _, lasts, _ in other.workouts],
            [kind for _, _, kind in other.workouts],
        )  # fmt: skip


def _is_in(worn: Worn, at_s: int) -> bool:
    return worn.since.timestamp() <= at_s and (worn.until is None or at_s < worn.until.timestamp())


def _month_of(file: Path) -> date:
    return date.fromisoformat(f"{file.name[:7]}-01")


def _worn(told: Mapping[str, Json]) -> Worn:
    until = told["until"]
    return Worn(
        int(str(told["worn"])),
        str(told["kind"]),
        bool(told["vouches"]),
        bool(told["reports_wear"]),
        datetime.fromisoformat(str(told["since"])),
        None if until is None else datetime.fromisoformat(str(until)),
    )


def _other(told: Mapping[str, Json]) -> _Other:
    return _Other(
        int(str(told["worn"])),
        date.fromisoformat(str(told["day"])),
        [[int(str(each)) for each in _list(pair)] for pair in _list(told["counters"])],
        [[int(str(at)), bool(is_on)] for at, is_on in map(_list, _list(told["wears"]))],
        [(int(str(at)), int(str(lasts)), str(kind)) for at, lasts, kind in map(_list, _list(told["workouts"]))],
    )


def _list(value: Json) -> list[Json]:
    """A value as a list. Raises `InputError` if it is none."""
    if not isinstance(value, list):
        raise InputError("no list")
    return value


def _object(value: Json) -> dict[str, Json]:
    """A value as an object. Raises `InputError` if it is none."""
    if not isinstance(value, dict):
        raise InputError("no object")
    return value
