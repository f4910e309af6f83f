"""`bands`: list the bands of the database; show, rename, forget or buzz one, and give it another key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App, band_named, checked_name
from hipsync.cli.completion import band_names
from hipsync.cli.saying import complain, say, tell_json, tell_rows
from hipsync.errors import ConfigError
from hipsync.host.interrupt import run_until_interrupted
from hipsync.text import clean, counted

if TYPE_CHECKING:
    from hipsync.core.days import Zones
    from hipsync.model import Band
    from hipsync.store import Store


@click.group("bands", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def bands_command(ctx: click.Context, as_json: bool) -> None:
    """List, rename, remove or buzz your bands.

    \b
    hipsync bands
    hipsync bands show desk-band
    hipsync bands rename "Mi Smart Band 5" desk-band
    hipsync bands forget desk-band --with-data
    """
    if ctx.invoked_subcommand is None:
        _list_bands(ctx.obj, as_json=as_json)


def _list_bands(app: App, *, as_json: bool) -> None:
    store = app.read_store()
    rows: list[dict[str, object]] = []
    zones = app.zones(store)
    if store is not None:
        with store:
            rows = [_band_json(store, band, app.now()) for band in store.bands()]
    if as_json:
        tell_json({"version": 1, "bands": rows})
        return
    lines: list[Sequence[str]] = []
    for row in rows:
        battery = "-" if row["battery_percent"] is None else f"{row['battery_percent']} %"
        simulated = "(simulated)" if row["simulated"] else ""
        last = row["last_sync"]
        synced = f"{zones.local(datetime.fromisoformat(str(last))):%d %b %H:%M}" if last else "never"
        lines.append((str(row["name"]), str(row["driver"]), f"battery {battery}", f"synced {synced}", simulated))
    tell_rows(lines)
    if not rows:
        say("No band yet: `hipsync pair` adds one, `hipsync import csv` makes one of a file.")


@bands_command.command("show")
@click.argument("name", shell_complete=band_names)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def show_command(app: App, name: str, as_json: bool) -> None:
    """Show all that hipsync stores about one band.

    \b
    hipsync bands show desk-band
    hipsync bands show desk-band --json
    """
    from hipsync.registry import abilities_of, drivers
    from hipsync.report.family_words import able_sentences

    with app.existing_store() as store:
        band = band_named(store, name)
        row, zones = _band_json(store, band, app.now()), app.zones(store)
    if as_json:
        tell_json({"version": 1, "band": row})
        return
    for label, text in _told(row, zones):
        say(f"  {label:<10}{text}", indent=12)
    if (able := abilities_of(band, drivers())) is not None:
        say(f"  {'Does':<10}{' '.join(able_sentences(able))}", indent=12)


def _told(row: Mapping[str, object], zones: Zones) -> Iterator[tuple[str, str]]:
    """A band as people read it: what is not there is a dash."""
    last, charge, firmware = row["last_sync"], row["battery_percent"], row["firmware"]
    yield "Name", clean(str(row["name"])) + (" (simulated)" if row["simulated"] else "")
    yield "Family", clean(str(row["driver"]))
    yield "Address", clean(str(row["address"])) if row["address"] else "-"
    yield "Battery", "-" if charge is None else f"{charge} %"
    yield "Firmware", clean(str(firmware)) if firmware else "-"
    yield "Synced", f"{zones.local(datetime.fromisoformat(str(last))):%a %d %b %Y, %H:%M}" if last else "never"


def _band_json(store: Store, band: Band, now: datetime) -> dict[str, object]:
    """Return a band as `bands --json` shows it; its texts are as the band sent them, and not yet safe to print."""
    charge, info = store.newest_charge(band.id, now=now), store.newest_info(band.id, now=now)
    last_sync = next((sync.started for sync in store.syncs(band.id, now=now) if sync.error is None), None)
    return {
        "name": band.name,
        "driver": band.driver,
        "address": band.address,
        "simulated": band.simulated,
        "battery_percent": None if charge is None else charge.percent,
        "firmware": None if info is None else info.firmware,
        "last_sync": None if last_sync is None else last_sync.isoformat(),
    }


@bands_command.command("rename")
@click.argument("name", shell_complete=band_names)
@click.argument("new")
@click.pass_obj
def rename_command(app: App, name: str, new: str) -> None:
    """Give a band another name.

    \b
    hipsync bands rename "Mi Smart Band 5" left
    """
    checked_name(new)
    with app.existing_store(to_write=True) as store:
        band = band_named(store, name)
        if any(other.name == new for other in store.bands()):
            raise ConfigError(f"there is a band {new!r} already: choose another name")
        app.keys().check()  # first: a file of keys that is refused must not leave the name changed and the key behind
        store.rename(band.id, new)
        app.keys().rename(band.name, new)
    say(f"{band.name!r} is now {new!r}.")


@bands_command.command("join")
@click.argument("name", shell_complete=band_names)
@click.argument("into", shell_complete=band_names)
@click.confirmation_option(prompt="Really join them? It cannot be undone")
@click.pass_obj
def join_command(app: App, name: str, into: str) -> None:
    """Let the data of one band be those of another, and remove the first.

    For what was imported under another name than the band has here. Where both have a minute, the larger number counts.
    The first band must not be paired.

    \b
    hipsync bands join "Galaxy Watch" watch
    """
    with app.existing_store(to_write=True) as store:
        band, other = band_named(store, name), band_named(store, into)
        if band.id == other.id:
            raise ConfigError("that is one band: name two")
        is_same = band.identity is not None and (band.driver, band.identity) == (other.driver, other.identity)
        if band.address is not None and not is_same:
            raise ConfigError(f"{band.name!r} is paired: `hipsync bands forget` first, or join the other way round")
        if band.simulated != other.simulated:
            raise ConfigError("a simulated band is not joined with a real one")
        done = store.join(band.id, other.id)
    say(f"{band.name!r} is now part of {other.name!r}: {counted(done.new, 'row')} were new there.")


@bands_command.command("forget")
@click.argument("name", shell_complete=band_names)
@click.option("--with-data", is_flag=True, help="Delete its data too, in the backups as well.")
@click.confirmation_option(prompt="Really remove it?")
@click.pass_obj
def forget_command(app: App, name: str, with_data: bool) -> None:
    """Unpair a band; its data stay unless --with-data is given.

    \b
    hipsync bands forget left
    hipsync bands forget left --with-data
    """
    with app.existing_store(to_write=True) as store:
        band, keys = band_named(store, name), app.keys()
        keys.check()
        if band.address is not None and keys.kept(band.driver, band.address).bond:
            drop_bond_of(band.address)
        keys.forget(band)  # first: if that fails, the command can be given again
        store.forget(band.id, app.now(), with_data=with_data)
    what = " with its data." if with_data else ". Its data stay; `--with-data` deletes them too."
    say(f"{band.name!r} is removed{what}")


def drop_bond_of(address: str) -> None:
    """Drop the bond that hipsync made with a band, or say that it could not be dropped."""
    from hipsync.radio.bluez import drop_bond

    if not run_until_interrupted(drop_bond(address)):
        click.echo("Bluetooth knows nothing of the band, so there was no bond to drop.", err=True)


@bands_command.command("buzz")
@click.argument("name", shell_complete=band_names)
@click.pass_obj
def buzz_command(app: App, name: str) -> None:
    """Let a band vibrate, to find it or to see that it works.

    \b
    hipsync bands buzz left
    """
    from hipsync.cli.sync import service_on
    from hipsync.service.control_client import ask

    async def buzz(store: Store, band: Band) -> None:
        async with service_on(app, store, [band]) as service:
            await service.buzz(band)

    with app.existing_store(to_write=True) as store:
        band = band_named(store, name)
        if ask(app.database, {"do": "buzz", "band": band.name}, within_s=None) is None:
            run_until_interrupted(buzz(store, band))
    say("Buzzed.")


@bands_command.command("key")
@click.argument("name", shell_complete=band_names)
@click.option("--key-file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def key_command(app: App, name: str, key_file: Path) -> None:
    """Give a band another key.

    It has a new one once it was paired again with its maker's app.

    \b
    hipsync bands key left --key-file key.txt
    """
    from hipsync.store.keys import key_from_file

    key, warning = key_from_file(key_file)
    if warning:
        complain(warning)
    from hipsync.cli.prompts import notify_service
    from hipsync.model import Trouble

    with app.existing_store(to_write=True) as store:
        band = band_named(store, name)
        app.keys().set(band.name, key)
        if band.address is not None:
            app.keys().drop_secret(band.driver, band.address)
        store.drop_remarks(band.id, Trouble.REFUSED)
        notify_service(store)
    say("The key is kept.")
