"""`fleet wearer` and `fleet hand`: who takes part, and who wears which band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.cli.fleet_place import connected_fleet
from hipsync.cli.saying import say, tell_json, tell_rows
from hipsync.errors import ConfigError
from hipsync.text import clean

if TYPE_CHECKING:
    from datetime import date, datetime

ZONE = click.option("--zone", metavar="ZONE", help="The time zone of the wearer's days, such as Europe/London.")
LIMIT = click.option("--limit", metavar="MINUTES", help="How long to sit at most, 10m to 4h.")
TREATED = click.option("--treated", metavar="DATE", help="The first day with the exercises.")


@click.group("wearer")
def wearer_command() -> None:
    """Say who takes part, by pseudonyms.

    \b
    hipsync fleet wearer add P-014 --zone Europe/London
    hipsync fleet wearer list
    """


@wearer_command.command("add")
@click.argument("pseudonym")
@ZONE
@LIMIT
@TREATED
@click.pass_obj
def add_command(app: App, pseudonym: str, zone: str | None, limit: str | None, treated: str | None) -> None:
    """Add a wearer. Without --zone, the days are those of this computer's zone.

    \b
    hipsync fleet wearer add P-014 --zone Europe/London --limit 45m
    """
    from hipsync.cli.app import host_zone

    minutes = 60 if limit is None else _minutes(limit)
    with connected_fleet(app) as database:
        from hipsync.fleet.wearers import add_wearer

        add_wearer(database, pseudonym, zone or host_zone(), minutes, _date(app, treated))
    say(f"{pseudonym} takes part: `hipsync fleet hand BAND {pseudonym}` says which band.")


@wearer_command.command("change")
@click.argument("pseudonym")
@ZONE
@LIMIT
@TREATED
@click.option("--left", metavar="DATE", help="The first day on which the wearer takes part no more.")
@click.pass_obj
def change_command(
    app: App, pseudonym: str, zone: str | None, limit: str | None, treated: str | None, left: str | None
) -> None:
    """Change the zone, limit or dates of a wearer.

    \b
    hipsync fleet wearer change P-014 --treated 2026-03-02
    """
    values: dict[str, object] = {
        "zone": zone,
        "limit_minutes": None if limit is None else _minutes(limit),
        "treated": _date(app, treated),
        "left_on": _date(app, left),
    }
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        raise ConfigError("nothing is to be changed: give --zone, --limit, --treated or --left")
    with connected_fleet(app) as database:
        from hipsync.fleet.wearers import change_wearer

        change_wearer(database, pseudonym, given)
    judged_anew = (
        " The next `hipsync fleet judge` judges all days again." if {"zone", "limit_minutes"} & {*given} else ""
    )
    say(f"Changed {pseudonym}.{judged_anew}")


@wearer_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def list_command(app: App, as_json: bool) -> None:
    """List who takes part, and which bands they wear now.

    \b
    hipsync fleet wearer list
    """
    with connected_fleet(app) as database:
        from hipsync.fleet.wearers import all_wearers

        wearers = all_wearers(database)
    if as_json:
        rows = [{**one._asdict(), "treated": _iso(one.treated), "left_on": _iso(one.left_on)} for one in wearers]
        tell_json({"version": 1, "wearers": rows})
        return
    if not wearers:
        say("Nobody takes part yet: `hipsync fleet wearer add P-001`.")
        return
    head = ("wearer", "zone", "limit", "exercises since", "left", "bands", "computers")
    cells = [
        (one.pseudonym, one.zone, str(one.limit_minutes), _iso(one.treated) or "", _iso(one.left_on) or "",
         " ".join(mark[:12] for mark in one.bands), " ".join(map(clean, one.computers)))
        for one in wearers
    ]  # fmt: skip
    tell_rows([head, *cells])


@click.command("hand")
@click.argument("band")
@click.argument("wearer", required=False)
@click.option("--since", metavar="TIME", help="From when on: a day, or a time such as 2026-03-02T14:30. [default: now]")
@click.option("--until", metavar="TIME", help="Up to when; without it, until the band is handed on.")
@click.option("--back", is_flag=True, help="Nobody wears it from then on.")
@click.pass_obj
def hand_command(app: App, band: str, wearer: str | None, since: str | None, until: str | None, back: bool) -> None:
    """Say who wears a band, from when on.

    BAND is its name or address on this computer, or the first digits of its mark in Postgres. What it reported before
    and after belongs to others; times without a zone are in the wearer's.

    \b
    hipsync fleet hand "Mi Band 5" P-014 --since 2026-03-02T14:30
    hipsync fleet hand 4f01c9 P-015
    hipsync fleet hand 4f01c9 --back
    """
    if back == (wearer is not None):
        raise ConfigError("name the wearer, or say --back: `hipsync fleet hand BAND WEARER`")
    mark = _mark(app, band)
    with connected_fleet(app) as database:
        from hipsync.cli.app import host_zone
        from hipsync.fleet.wearers import hand, take_back, zone_of

        zone = host_zone() if wearer is None else zone_of(database, wearer)
        at = _instant(app, since, zone) or app.now()
        if wearer is None:
            done = take_back(database, mark, at)
            say(f"Nobody wears band {done.mark[:12]} from {_time(at, zone)} on.")
            return
        end = _instant(app, until, zone)
        done = hand(database, mark, wearer, at, end)
    worn_before = f", and {done.before} wore it until then" if done.before not in {None, wearer} else ""
    ends = " on" if end is None else f" until {_time(end, zone)}, and nobody afterwards"
    say(f"{wearer} wears band {done.mark[:12]} from {_time(at, zone)}{ends}{worn_before}.")


def _mark(app: App, band: str) -> str:
    """The mark, or the first digits of it, of a band that is named so here. Raises `ConfigError`."""
    import re

    from hipsync.fleet.band_days import shipped
    from hipsync.fleet.wearers import SHORTEST_MARK
    from hipsync.store import Store

    if Store.exists(app.database):
        with app.existing_store() as store:
            for one in shipped(store.bands()):
                if band == one.band.name or band.upper() == one.band.identity:
                    return one.mark
    if re.fullmatch(f"[0-9a-f]{{{SHORTEST_MARK},64}}", band):
        return band
    raise ConfigError(
        f"{band!r} is neither a band of this computer that is shipped, nor {SHORTEST_MARK} and more digits of a mark:"
        " `hipsync fleet ask bands` lists those"
    )


def _minutes(text: str) -> int:
    from hipsync.settings.values import minutes_between

    try:
        return minutes_between(10, 240)(text)
    except ConfigError as error:
        raise ConfigError(f"--limit {text}: {error}") from error


def _date(app: App, text: str | None) -> date | None:
    from hipsync.cli.dates import day_of

    return None if text is None else day_of(text, app.now().date())


def _instant(app: App, text: str | None, zone: str) -> datetime | None:
    """The instant that a person means, in a zone where none is given; None for no text. Raises `ConfigError`."""
    from datetime import datetime, time
    from zoneinfo import ZoneInfo

    from hipsync.cli.dates import day_of

    if text is None:
        return None
    if "T" in text and text[:1].isdigit():
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise ConfigError(f"{text!r} is no time: try 2026-03-02T14:30, or a day") from error
        return found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(zone))
    return datetime.combine(day_of(text, app.now().date()), time(0), ZoneInfo(zone))


def _time(at: datetime, zone: str) -> str:
    from zoneinfo import ZoneInfo

    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
