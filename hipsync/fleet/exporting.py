"""The export for researchers: a folder a wearer, in it a file of Parquet a month. Only those are written that changed.

The folder has what the login sees. So a wearer who was erased has no folder any more after the next export.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from hipsync.errors import FleetError, InputError
from hipsync.fleet import months_asked as asked
from hipsync.fleet.database import Snapshot
from hipsync.fleet.folders import kept_folder
from hipsync.fleet.month_files import metadata_of, write_month
from hipsync.fleet.months import FORM, Handed, MonthMark, columns, mark_of, others
from hipsync.private import own_folder
from hipsync.text import Json, clean

WHAT = "the months of hipsync fleet export parquet"
PSEUDONYM = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
MONTH = re.compile(r"(\d{4}-\d{2})\.parquet")
HALF = re.compile(r"\.\d{4}-\d{2}\.parquet\.[0-9a-f]{16}\.new")
"""What a killed export can leave behind: a file that was to become a month."""


class Told(NamedTuple):
    """What came of an export."""

    written: int
    """How many files were new or changed."""
    same: int
    removed: int
    """How many files are gone, whose wearer or month is no more."""
    left: Sequence[str]
    """Folders of wearers who are no more, in which something lies that no export wrote."""


def export(snapshot: Snapshot, folder: Path) -> Told:
    """Bring the folder to what the database has. Raises `ConfigError` if it is not ours or cannot be written."""
    handed = {name: list(group) for name, group in groupby(asked.handed(snapshot), attrgetter("wearer"))}
    months = {name: list(group) for name, group in groupby(asked.months(snapshot), attrgetter("wearer"))}
    judged = {(mark.wearer, mark.month): mark.digest for mark in asked.judged_marks(snapshot)}
    who = asked.wearers(snapshot)
    for each in who:
        if not PSEUDONYM.fullmatch(each.pseudonym):
            raise FleetError(
                f"the fleet's database has a pseudonym {clean(each.pseudonym)!r}, which can be no folder's name"
            )
    written = same = removed = 0
    with kept_folder(folder, WHAT):
        if not who and any(folder.glob("wearer=*")):
            raise FleetError(f"this login sees no wearer, so that all in {folder} would be removed: nothing was")
        for each in who:
            place, mine = folder / f"wearer={each.pseudonym}", handed.get(each.pseudonym, [])
            wanted = months.get(each.pseudonym, [])
            if wanted:
                own_folder(place)
            for month in wanted:
                mark = mark_of(
                    each.zone, each.limit_minutes, month, judged.get((each.pseudonym, month.month), ""), mine
                )
                file = place / f"{month.month:%Y-%m}.parquet"
                if _has(file, mark):
                    same += 1
                else:
                    _write(snapshot, file, each, month, mark, mine)
                    written += 1
            removed += _removed(place, {f"{month.month:%Y-%m}" for month in wanted})
        gone = [
            place
            for place in folder.glob("wearer=*")
            if place.name.removeprefix("wearer=") not in {w.pseudonym for w in who}
        ]
        removed += sum(_removed(place, set()) for place in gone)
    return Told(written, same, removed, sorted(str(place) for place in gone if place.exists()))


def _has(file: Path, mark: str) -> bool:
    """Whether a file is there that was made of what the mark stands for."""
    if not file.exists():
        return False
    try:
        return metadata_of(file).get("mark") == mark
    except InputError:
        return False


def _write(
    snapshot: Snapshot, file: Path, who: asked.Who, month: MonthMark, mark: str, handed: Sequence[Handed]
) -> None:
    days = asked.heard(snapshot, who.pseudonym, month.month)
    by_number = {one.worn: one for one in handed}
    told: dict[str, Json] = {
        "form": FORM, "mark": mark, "wearer": who.pseudonym, "month": f"{month.month:%Y-%m}", "zone": who.zone,
        "limit_minutes": who.limit_minutes, "changed": month.changed.isoformat(),
        "handed": [_told(one) for one in handed], "others": others(days, by_number),
    }  # fmt: skip
    write_month(file, columns(days, by_number, asked.judged(snapshot, who.pseudonym, month.month)), told)


def _told(one: Handed) -> Json:
    return {
        "worn": one.worn, "band": one.band, "kind": one.driver, "vouches": one.vouches,
        "reports_wear": one.reports_wear, "since": one.since.isoformat(),
        "until": None if one.until is None else one.until.isoformat(),
    }  # fmt: skip


def _removed(place: Path, months: set[str]) -> int:
    """Remove the files of a wearer's other months, and what was left half written; return how many months that were.

    The folder is removed too if it is empty then.
    """
    count = 0
    if not place.is_dir() or place.is_symlink():
        return 0
    for file in sorted(place.iterdir()):
        month = MONTH.fullmatch(file.name)
        if (month is not None and month[1] not in months) or HALF.fullmatch(file.name):
            file.unlink()
            count += month is not None
    if not months and not any(place.iterdir()):
        place.rmdir()
    return count
