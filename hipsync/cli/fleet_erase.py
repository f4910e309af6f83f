"""`fleet erase`: a wearer is erased, here and in time on each gateway, and a receipt says where."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipsync.cli import exits
from hipsync.cli.app import App
from hipsync.cli.fleet_place import connected_fleet
from hipsync.cli.saying import say, tell_json
from hipsync.errors import ConfigError
from hipsync.text import clean, counted

if TYPE_CHECKING:
    from datetime import date

    from hipsync.fleet.database import Database
    from hipsync.fleet.erasing import Erasure

WORDS = {
    "bands": ("band", "bands"), "bands_cut": ("time of a band that goes on", "times of bands that go on"),
    "band_days": ("band-day", "band-days"), "band_days_cut": ("band-day in part", "band-days in part"),
    "judged": ("judged day", "judged days"), "receipts": ("receipt", "receipts"), "names": ("name", "names"),
}  # fmt: skip
"""What people read of what was removed from Postgres."""
BY_AGE = "copies of Postgres, its archived log, and the logs of all these computers"


@click.command("erase")
@click.argument("pseudonym")
@click.option("--parquet", type=click.Path(exists=True, file_okay=False, path_type=Path), help="An export, also there.")
@click.option("--backups-until", metavar="DATE", help="When the last copy of this Postgres with it will be gone.")
@click.option("--receipt", is_flag=True, help="Change nothing: show the receipt as of now.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def fleet_erase_command(
    ctx: click.Context,
    pseudonym: str,
    parquet: Path | None,
    backups_until: str | None,
    receipt: bool,
    as_json: bool,
    yes: bool,
) -> None:
    """Erase a wearer, as the owner of the database.

    Gateways erase their part at their next `fleet ship`. If it was cut off, or to see which have, call it again.

    \b
    hipsync fleet erase P-017
    hipsync fleet erase P-017 --parquet /srv/export --backups-until 2027-01-31
    hipsync fleet erase P-017 --receipt
    """
    app: App = ctx.obj
    from hipsync.cli.dates import day_of

    until = None if backups_until is None else day_of(backups_until, app.now().date())
    with connected_fleet(app) as database:
        from hipsync.fleet.erasing import erasures_of, finish, remove_export

        folders = 0
        if not receipt:
            number = _erased(database, pseudonym, yes=yes)
            folders = 0 if parquet is None else remove_export(parquet, pseudonym)
            finish(database, number, until)
        found = erasures_of(database, pseudonym)
    if not found:
        raise ConfigError(f"nobody called {clean(pseudonym, 80)!r} was erased")
    if as_json:
        tell_json({"version": 1, "erasures": [_json(one) for one in found], "parquet_folders": folders})
    else:
        for one in found:
            _tell(pseudonym, one)
        if parquet is not None and not receipt:
            say(f"  Parquet: {counted(folders, 'folder')} in {parquet}", indent=11)
    if not receipt and found[0].finished is None:
        ctx.exit(exits.FAILED)


def _erased(database: Database, pseudonym: str, *, yes: bool) -> int:
    """Return the number of the erasure to finish: one that was cut off, or a new one, or the last one of this name."""
    from hipsync.fleet.erasing import erase, erasures_of, lives

    alive, before = lives(database, pseudonym), erasures_of(database, pseudonym)
    if before and (before[0].finished is None or not alive):
        if alive:
            say(
                f"This finishes the erasure of {_time(before[0].at)}. Somebody has that pseudonym again, and stays.",
                err=True,
            )
        return before[0].number
    if not alive:
        raise ConfigError(f"there is no wearer {clean(pseudonym, 80)!r}: `hipsync fleet wearer list` shows them")
    if not yes:
        click.confirm(f"Erase all of {pseudonym}? It cannot be undone", abort=True)
    number = erase(database, pseudonym)
    if number is None:
        raise ConfigError(f"{pseudonym} was erased by another program just now: call this again for the receipt")
    return number


def _tell(pseudonym: str, one: Erasure) -> None:
    """Print a receipt."""
    say(f"{pseudonym} is erased since {_time(one.at)}.")
    gone = ", ".join(counted(one.removed[key], *words) for key, words in WORDS.items() if one.removed.get(key))
    say(f"  Postgres: {gone or 'nothing but the wearer'}", indent=12)
    for each in one.remains:
        say(f"  Postgres still holds bytes of it: {each}.", indent=12)
    for done in one.done:
        kept = f"; {counted(done.kept, 'file')} there it cannot clean, delete by hand" if done.kept else ""
        rows, backups = counted(done.rows, "row"), counted(done.backups, "backup")
        say(f"  {done.gateway}: {rows}, also in {backups}, {_time(done.at)}{kept}", indent=12)
    for gateway in one.unseen:
        say(f"  {gateway}: not seen since; it holds it until its next `hipsync fleet ship`", indent=12)
    say(f"  By age alone: {BY_AGE}{_until(one.backups_until)}", indent=12)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _until(day: date | None) -> str:
    return ", at a time that you did not say (--backups-until)" if day is None else f", until {day:%Y-%m-%d}"


def _json(one: Erasure) -> dict[str, object]:
    return {
        "at": one.at.astimezone(UTC).isoformat(),
        "removed": dict(one.removed),
        "remains": list(one.remains),
        "finished": None if one.finished is None else one.finished.astimezone(UTC).isoformat(),
        "backups_until": None if one.backups_until is None else one.backups_until.isoformat(),
        "gateways": [{**each._asdict(), "at": each.at.astimezone(UTC).isoformat()} for each in one.done],
        "not_seen": list(one.unseen),
    }
