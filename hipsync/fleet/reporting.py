"""Writes the pages of a fleet into a folder: one page is made after the other, so memory does not grow with wearers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

from hipsync.core.weeks import WEEK_DAYS
from hipsync.errors import FleetError
from hipsync.fleet import answers
from hipsync.fleet.answers import Wearer
from hipsync.fleet.asking import SIDE_WEEKS, first_week
from hipsync.fleet.before_after import before_after
from hipsync.fleet.database import Snapshot
from hipsync.fleet.folders import refuse_foreign, replacing_folder, write_private
from hipsync.fleet.judged import summaries, zone_of
from hipsync.fleet.pages import WEEKS, Shown, file_name, index_page, wearer_page
from hipsync.text import clean

WHAT = "the pages of hipsync fleet report"
PAGES = "wearers"
"""The folder of the wearers' pages."""
PSEUDONYM = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
"""What may be a part of a path: the schema has the same rule, and a stranger's database may have another."""
Row = TypeVar("Row")


class Told(NamedTuple):
    """What came of a report."""

    wearers: int
    attention: int
    """How many need a word."""
    nameless: int
    """How many names are of nobody who is there."""


def report(snapshot: Snapshot, folder: Path, names: Mapping[str, str], now: datetime) -> Told:
    """Write the pages of all wearers that the login sees, in place of an earlier report.

    Raises `ConfigError` if the folder is not ours or cannot be written, and `FleetError`; then the earlier one stays.
    """
    refuse_foreign(folder, WHAT, _is_ours)
    shown = list(_shown(snapshot, names, now))
    compared = {each.wearer: each for each in before_after(answers.sides(snapshot, SIDE_WEEKS))}
    with replacing_folder(folder, WHAT) as fresh:
        (fresh / PAGES).mkdir(mode=0o700)
        for each in shown:
            zone = zone_of(each.who.zone)
            first = first_week(now.astimezone(zone), WEEKS)
            last = first + timedelta(days=WEEK_DAYS * WEEKS)
            rows = answers.judged(snapshot, each.who.pseudonym, first, last)
            days = list(summaries(rows, each.who.zone, each.who.limit_minutes, first, WEEK_DAYS * WEEKS, now))
            page = wearer_page(each, days, compared.get(each.who.pseudonym), now, zone)
            write_private(fresh / PAGES / file_name(each.who.pseudonym), page.encode())
        write_private(fresh / "index.html", index_page(shown, first_week(now, 1), now).encode())
    here = {each.who.pseudonym for each in shown}
    return Told(len(shown), sum(bool(each.attention) for each in shown), len(names.keys() - here))


def _is_ours(file: Path) -> bool:
    return file == Path("index.html") or (file.parent == Path(PAGES) and file.suffix == ".html")


def _shown(snapshot: Snapshot, names: Mapping[str, str], now: datetime) -> Iterable[Shown]:
    attention = _by(answers.attention(snapshot), attrgetter("wearer"))
    bands = _by((each for each in answers.handed(snapshot) if each.is_worn), attrgetter("wearer"))
    weeks = _by(answers.weeks(snapshot, first_week(now, SIDE_WEEKS)), attrgetter("wearer"))
    for who in answers.wearers(snapshot):
        key = _checked(who).pseudonym
        yield Shown(who, names.get(key, ""), attention.get(key, ()), bands.get(key, ()), weeks.get(key, ()))


def _by(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, Sequence[Row]]:
    """Rows that are in order of a key, by it."""
    return {name: list(group) for name, group in groupby(rows, key)}


def _checked(who: Wearer) -> Wearer:
    if not PSEUDONYM.fullmatch(who.pseudonym):
        raise FleetError(f"the fleet's database has a pseudonym {clean(who.pseudonym)!r}, which can be no file's name")
    return who
