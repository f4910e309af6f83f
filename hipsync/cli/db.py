"""`db`: look after the database: check it, copy it, put a copy back, erase days."""

from __future__ import annotations

from pathlib import Path

import click

from hipsync.cli.app import App
from hipsync.cli.saying import say, tell_json
from hipsync.errors import ConfigError, InputError, StoreError
from hipsync.text import counted


@click.group("db")
def db_command() -> None:
    """Back up, check or erase your data.

    \b
    hipsync db path
    hipsync db check
    hipsync db backup
    hipsync db restore backups/hipsync-20261120T090000.db
    hipsync db merge /media/stick/hipsync.db
    """


@db_command.command("path")
@click.pass_obj
def path_command(app: App) -> None:
    """Say where the database is.

    \b
    hipsync db path
    sqlite3 "$(hipsync db path)" "SELECT * FROM minutes LIMIT 5"
    """
    click.echo(app.database)


@db_command.command("check")
@click.pass_obj
def check_command(app: App) -> None:
    """Look for damage.

    Also for rows that make no sense, and for those that a wrong clock dated.

    \b
    hipsync db check
    """
    from hipsync.store.checked import remember

    with app.existing_store() as store:
        damage, strange, _ = store.findings()
        for line in (*damage, *strange, *([] if damage else store.notes(app.now()))):
            say(line)
    remember(app.database, app.now(), damage, strange)
    if damage:
        raise StoreError(
            f"{app.database} is damaged: `hipsync db restore FILE` puts a copy in its place, "
            "`hipsync export` writes what can be read"
        )
    if strange:
        raise StoreError(
            f"{app.database} holds rows that make no sense, which are left out: `hipsync export --format json` "
            "writes all others, for `hipsync import json` into a new file (--db FILE)"
        )
    say("Database OK.")


@db_command.command("backup")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_context
def backup_command(ctx: click.Context, file: Path | None) -> None:
    """Copy the database, also while the service runs.

    Without FILE the copy lies beside it, and the last seven are kept. The database is checked first: a damaged one is
    not copied, so that the good copies stay.

    \b
    hipsync db backup
    hipsync db backup /media/stick/hipsync.db
    """
    from hipsync.cli import exits
    from hipsync.store.checked import last_check

    app: App = ctx.obj
    with app.existing_store() as store:
        click.echo(store.backup(file, app.now()))
    app.checked = last_check(app.database)
    if app.damage_told() is not None:
        ctx.exit(exits.FAILED)


@db_command.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def restore_command(app: App, file: Path) -> None:
    """Put a backup in the place of the database.

    What was there is kept as a backup, too.

    \b
    hipsync db restore backups/hipsync-20261120T090000.db
    """
    from hipsync.host.lock import only_instance
    from hipsync.store import Store

    if app.database.exists() and file.samefile(app.database):
        raise ConfigError(f"{file} is the database itself: give a copy of it")
    with only_instance(app.database):
        set_aside = Store.restore(app.database, file, app.now())
    say(f"{app.database} is {file} now." + (f" What was there is kept: {set_aside}" if set_aside else ""))


@db_command.command("merge")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask before a band is removed that was removed there.")
@click.pass_obj
def merge_command(app: App, file: Path, yes: bool) -> None:
    """Take over what another computer's database holds.

    FILE is a copy that `hipsync db backup FILE` made there. What both have counts once: of a minute the larger numbers,
    of a reminder the answer. It may be given again, and in both directions.

    \b
    hipsync db merge /media/stick/hipsync.db
    """
    from hipsync.cli.app import host_zone
    from hipsync.cli.importing import stored_words
    from hipsync.cli.merging import remove_forgotten, say_more
    from hipsync.formats.landing import stored
    from hipsync.formats.other_database import read_database
    from hipsync.host.lock import only_import

    if app.database.exists() and file.samefile(app.database):
        raise ConfigError(f"{file} is the database itself: give that of another computer")
    if not file.is_file():  # on a pipe SQLite would wait for ever
        raise InputError(f"{file} is no regular file: give a copy that `hipsync db backup FILE` made")
    with read_database(file, app.now()) as archive, only_import(app.database), app.open_store() as store:
        remove_forgotten(app, store, [archive], yes=yes)
        (bands,) = stored(store, [archive], app.now(), host_zone)
        say(stored_words(sum(each.epochs for each in bands), sum(each.new for each in bands), "row"))
        say_more(store, archive)


@db_command.command("vacuum")
@click.pass_obj
def vacuum_command(app: App) -> None:
    """Give back the space of what was deleted.

    \b
    hipsync db vacuum
    """
    before = app.database.stat().st_size if app.database.exists() else 0
    with app.existing_store(to_write=True) as store:
        store.vacuum()
    say(f"{before:,} bytes before, {app.database.stat().st_size:,} now.")


@db_command.command("erase")
@click.option("--from", "since", metavar="DATE", help="From this day on; by default from the beginning.")
@click.option("--to", "until", metavar="DATE", help="Up to this day, not included; by default to the end.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def erase_command(app: App, since: str | None, until: str | None, yes: bool) -> None:
    """Erase all data of some days, in the backups too.

    \b
    hipsync db erase --from 2026-11-20 --to 2026-11-21
    hipsync db erase --to 2026-01-01
    """
    from datetime import UTC, datetime

    from hipsync.cli.dates import day_of

    if since is None and until is None:
        raise ConfigError(
            "say which days: --from DATE, --to DATE or both (`hipsync bands forget` is for all of a band)"
        )
    if app.config().mqtt.is_shared:
        raise ConfigError(
            "these days would come back from your other computers: on each `hipsync config set mqtt.share state`, then "
            "erase; `hipsync mqtt forget` clears the broker"
        )
    if app.config().gateway.is_shared:
        raise ConfigError(
            "these days would come back from your other computers: on each `hipsync config set gateway.share false`, "
            "then erase; the owner's `hipsync fleet computer LOGIN ''` for the last of them clears the fleet's database"
        )
    with app.existing_store(to_write=True) as store:
        zones = app.zones(store)
        today = zones.date_of(app.now())
        start = datetime.min.replace(tzinfo=UTC) if since is None else zones.day(day_of(since, today)).start
        end = datetime.max.replace(tzinfo=UTC) if until is None else zones.day(day_of(until, today)).start
        if end <= start:
            raise ConfigError("--to is not after --from: the day after --to is not erased, nor is that day itself")
        span = f"{'the beginning' if since is None else f'{zones.local(start):%a %d %b %Y %H:%M}'} to "
        span += "the end" if until is None else f"{zones.local(end):%a %d %b %Y %H:%M}"
        copies = len(store.backups())
        in_copies = f", and in {counted(copies, 'backup')}" if copies else ""
        if not yes:
            click.confirm(f"Erase everything from {span}{in_copies}?", abort=True)
        store.erase(start, end)
        set_aside = store.set_aside()
    say(f"Erased: from {span}{in_copies}.")
    if set_aside:
        say(f"Not erased, because they are damaged: delete {', '.join(map(str, set_aside))} yourself.", err=True)


@db_command.command("datasette")
def datasette_command() -> None:
    """Print what the tables mean, for Datasette.

    Datasette (https://datasette.io) shows a database in the browser.

    \b
    hipsync db datasette > hipsync.json
    datasette "$(hipsync db path)" --metadata hipsync.json
    """
    from hipsync.store.columns import datasette

    tell_json(datasette())
