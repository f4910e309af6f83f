"""Bands: `scan`, `pair`, `bands`, `sync`, `drivers`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from hipsync.cli.app import App, band_of, checked_name
from hipsync.cli.completion import band_names, kinds
from hipsync.errors import ConfigError, DeviceError, Refused
from hipsync.model import Where
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.cli.record import Record
    from hipsync.driver import Driver
    from hipsync.evidence import Proof
    from hipsync.model import Band
    from hipsync.radio.connect import Seen
    from hipsync.service.service import Fetched, Service
    from hipsync.store import Store

EXIT_FAILED = 1
COLUMNS = 80


class DriverRow(TypedDict):
    """A driver in `drivers --json`."""

    key: str
    label: str
    abilities: dict[str, int | bool | None]
    proof: dict[str, object]
    """`hipsync.evidence.Proof`."""


@click.command("scan")
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(1, 120), help="How long to listen.")
@click.option("--all", "everything", is_flag=True, help="Devices that no driver takes, too.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def scan_command(app: App, seconds: float, everything: bool, as_json: bool) -> None:
    """List the bands in reach, and which driver would take each.

    \b
    hipsync scan
    hipsync scan --seconds 30 --all
    """
    from hipsync.radio.connect import SYSTEM, scan
    from hipsync.registry import claimants, drivers

    known = drivers()
    seen = asyncio.run(scan(SYSTEM, seconds))
    paired = _paired(app)
    rows = [(device, [driver.key for driver in claimants(device.advertisement, known)]) for device in seen]
    rows = [row for row in rows if everything or row[1] or row[0].address in paired]
    if as_json:
        listed = [
            {
                "address": device.address,
                "name": device.advertisement.name,
                "rssi_dbm": device.rssi_dbm,
                "connected": device.rssi_dbm is None,
                "drivers": takers,
                "paired": device.address in paired,
            }
            for device, takers in rows
        ]
        click.echo(json.dumps({"version": 1, "devices": listed}, indent=1))
        return
    for device, takers in rows:
        mark = "paired" if device.address in paired else ""
        name = device.advertisement.name or "(no name)"
        click.echo(
            f"{device.address}  {signal(device)}  {takers[0] if takers else '-':<12}  {name:<24}  {mark}".rstrip()
        )
    if not rows:
        click.echo(
            f"No band seen in {seconds:g} s. A band that is connected to a phone does not show itself: "
            "switch the phone's Bluetooth off, wake the band, and try again (--all lists every device)."
        )


def signal(device: Seen) -> str:
    """How strongly it is heard, nine characters wide."""
    return "connected" if device.rssi_dbm is None else f"{device.rssi_dbm:>5} dBm"


def _paired(app: App) -> set[str | None]:
    store = app.read_store()
    if store is None:
        return set()
    with store:
        return {band.address for band in store.bands()}


@click.command("pair")
@click.argument("address", required=False)
@click.option("--name", help="What to call it; by default the name it shows.")
@click.option("--driver", "kind", shell_complete=kinds, help="Which driver, where the scan does not tell.")
@click.option(
    "--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with the band's key."
)
@click.option("--again", is_flag=True, help="Anew, with a new bond or key; what it told is kept.")
@click.option(
    "--simulate",
    metavar="KIND",
    shell_complete=kinds,
    help="Pair a simulated band of this kind instead: no hardware needed.",
)
@click.pass_obj
def pair_command(
    app: App,
    address: str | None,
    name: str | None,
    kind: str | None,
    key_file: Path | None,
    again: bool,
    simulate: str | None,
) -> None:
    """Choose a band, log in, set its clock and fetch what it remembers.

    \b
    hipsync pair                                    choose from a scan
    hipsync pair C8:0F:10:80:D0:21 --name left
    hipsync pair C8:0F:10:80:D0:21 --again          after the band was reset, or has a new key
    hipsync pair --simulate huami                   try it without a band
    """
    from hipsync.cli.pairing import Wanted, pair

    asyncio.run(pair(app, Wanted(address, name, kind, key_file, again), simulate))


@click.command("sync")
@click.argument("names", nargs=-1, metavar="[BAND]...", shell_complete=band_names)
@click.option("--since", metavar="DATE", help="Fetch again from this day on, as far as the band remembers.")
@click.option(
    "--record",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write down the conversation with one band, for those who mend its driver.",
)
@click.option("--yes", is_flag=True, help="With --record: do not ask.")
@click.pass_obj
def sync_command(app: App, names: tuple[str, ...], since: str | None, record: Path | None, yes: bool) -> None:
    """Fetch what the bands have to tell, now.

    \b
    hipsync sync
    hipsync sync desk-band --since mon
    hipsync sync desk-band --record talk.txt     without key, address, serial number and names
    """
    with app.paired_store() as store, contextlib.ExitStack() as stack:
        bands = [band_of(store, name) for name in names] or [band for band in store.bands() if band.address]
        start = None
        if since is not None:
            from hipsync.cli.dates import day_of

            zones = app.zones(store)
            start = zones.day(day_of(since, zones.date_of(app.now()))).start
        kept, failed = None, None
        if record is not None:
            from hipsync.cli.record import recorded

            kept = stack.enter_context(recorded(record, bands, app.now, ask=not yes))
        else:
            failed = _sync_by_service(app.database, bands, start)
        if failed is None:
            failed = asyncio.run(_sync(app, store, bands, start, kept))
    if failed:
        sys.exit(EXIT_FAILED)


async def _sync(
    app: App, store: Store, bands: Sequence[Band], since: datetime | None, record: Record | None = None
) -> int:
    """How many bands failed."""
    failed = 0
    async with service_on(app, store, bands, record) as service:
        for band in bands:
            try:
                click.echo(f"{band.name}: {_fetched(await service.fetch(band, since))}")
            except DeviceError as error:
                failed += 1
                click.echo(f"hipsync: {band.name}: {error}", err=True)
        service.settle(service.state(app.now()), app.now())
    return failed


def _sync_by_service(database: Path, bands: Sequence[Band], since: datetime | None) -> int | None:
    """As `_sync`, by the service that runs on this database and holds the bands; None if none does."""
    from hipsync.service.control_client import ask
    from hipsync.service.service import Fetched

    failed = 0
    for band in bands:
        question = {"do": "sync", "band": band.name, "since": None if since is None else since.isoformat()}
        try:
            told = ask(database, question, within_s=None)
        except Refused as refused:
            failed += 1
            click.echo(f"hipsync: {band.name}: {refused}", err=True)
            continue
        if told is None:
            return None
        fetched = Fetched(int(str(told["epochs"])), history=bool(told["history"]), held=bool(told["held"]))
        click.echo(f"{band.name}: {_fetched(fetched)}")
    return failed


def _fetched(fetched: Fetched) -> str:
    if fetched.held:
        return "the service is connected to it, and stores what it tells as it comes"
    nothing = "nothing new" if fetched.history else "its counter, as it is now"
    return f"{fetched.epochs:,} epochs" if fetched.epochs else nothing


@contextlib.asynccontextmanager
async def service_on(
    app: App, store: Store, bands: Sequence[Band], record: Record | None = None
) -> AsyncGenerator[Service, None]:
    """A service that shows prompts nowhere: for one contact from the command line."""
    from zoneinfo import ZoneInfo

    from hipsync.cli.app import host_zone
    from hipsync.radio.bleak_radio import opened_radio
    from hipsync.registry import drivers
    from hipsync.service.service import Service

    async def nowhere(*_: object) -> list[Where]:
        return []

    keys = app.keys()
    store.note_zone(app.now(), host_zone())
    async with opened_radio(bands, keys.secret, ZoneInfo(host_zone()), app.now) as radio:
        yield Service(
            store,
            app.settings(),
            radio=radio if record is None else record.radio(radio),
            drivers=drivers() if record is None else record.drivers(drivers()),
            secret=keys.secret,
            deliver=nowhere,
            now=app.now,
        )


@click.group("bands", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def bands_command(ctx: click.Context, as_json: bool) -> None:
    """List the paired bands; show, rename, forget or buzz one.

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
            rows = [_band_json(store, band) for band in store.bands()]
    if as_json:
        click.echo(json.dumps({"version": 1, "bands": rows}, indent=1))
        return
    for row in rows:
        battery = "?" if row["battery_percent"] is None else f"{row['battery_percent']} %"
        simulated = "  (simulated)" if row["simulated"] else ""
        last = row["last_sync"]
        synced = f"{zones.local(datetime.fromisoformat(str(last))):%d %b %H:%M}" if last else "never"
        click.echo(f"{row['name']:<18}  {row['driver']:<10}  battery {battery:<5}  synced {synced}{simulated}")
    if not rows:
        click.echo("No band yet: `hipsync pair` adds one, `hipsync import csv` makes one of a file.")


@bands_command.command("show")
@click.argument("name", shell_complete=band_names)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def show_command(app: App, name: str, as_json: bool) -> None:
    """Show all that is known of one band.

    \b
    hipsync bands show desk-band
    hipsync bands show desk-band --json
    """
    with app.existing_store() as store:
        row = _band_json(store, band_of(store, name))
    if as_json:
        click.echo(json.dumps({"version": 1, "band": row}, indent=1))
        return
    for key, value in row.items():
        click.echo(f"{key.replace('_', ' ')}: {'unknown' if value is None else clean(str(value))}")


def _band_json(store: Store, band: Band) -> dict[str, object]:
    charge, info = store.newest_charge(band.id), store.newest_info(band.id)
    reached = next((sync.started for sync in store.syncs(band.id) if sync.error is None), None)
    return {
        "name": band.name,
        "driver": band.driver,
        "address": band.address,
        "simulated": band.simulated,
        "battery_percent": None if charge is None else charge.percent,
        "firmware": None if info is None else info.firmware,
        "last_sync": None if reached is None else reached.isoformat(),
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
        band = band_of(store, name)
        if any(other.name == new for other in store.bands()):
            raise ConfigError(f"there is a band {new!r} already: choose another name")
        store.rename(band.id, new)
        app.keys().rename(band.name, new)
    click.echo(f"{band.name!r} is now {new!r}.")


@bands_command.command("forget")
@click.argument("name", shell_complete=band_names)
@click.option("--with-data", is_flag=True, help="Delete what it told, too, in the backups as well.")
@click.confirmation_option(prompt="Really forget it?")
@click.pass_obj
def forget_command(app: App, name: str, with_data: bool) -> None:
    """Unpair a band; its data stay unless --with-data is given.

    \b
    hipsync bands forget left
    hipsync bands forget left --with-data
    """
    with app.existing_store(to_write=True) as store:
        band = band_of(store, name)
        app.keys().delete(band.name)  # first: while the band is there the command can be given again
        store.forget(band.id, with_data=with_data)
    click.echo(f"{band.name!r} is forgotten{' with its data' if with_data else '; its data are kept'}.")


@bands_command.command("buzz")
@click.argument("name", shell_complete=band_names)
@click.pass_obj
def buzz_command(app: App, name: str) -> None:
    """Let a band vibrate, to find it or to see that it works.

    \b
    hipsync bands buzz left
    """
    from hipsync.service.control_client import ask

    async def buzz(store: Store, band: Band) -> None:
        async with service_on(app, store, [band]) as service:
            await service.buzz(band)

    with app.existing_store(to_write=True) as store:
        band = band_of(store, name)
        if ask(app.database, {"do": "buzz", "band": band.name}, within_s=None) is None:
            asyncio.run(buzz(store, band))
    click.echo("Buzzed.")


@bands_command.command("key")
@click.argument("name", shell_complete=band_names)
@click.option("--key-file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def key_command(app: App, name: str, key_file: Path) -> None:
    """Give a band another key, after it was paired anew with the maker's app.

    \b
    hipsync bands key left --key-file key.txt
    """
    from hipsync.store.keys import key_from_file

    key, warning = key_from_file(key_file)
    if warning:
        click.echo(f"hipsync: {warning}", err=True)
    from hipsync.cli.prompts import look
    from hipsync.model import Trouble

    with app.existing_store(to_write=True) as store:
        band = band_of(store, name)
        app.keys().set(band.name, key)
        store.drop_remarks(band.id, Trouble.REFUSED)
        look(store)
    click.echo("The key is kept.")


@click.command("drivers")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def drivers_command(as_json: bool) -> None:
    """List the drivers, what each can do, and how well it is proven.

    \b
    hipsync drivers
    hipsync drivers --json
    """
    from hipsync.registry import drivers, proof

    known = drivers()
    if as_json:
        rows = [_driver_json(known[key], proof(key)) for key in sorted(known)]
        click.echo(json.dumps({"version": 1, "drivers": rows}, indent=1))
        return
    for key in sorted(known):
        for number, line in enumerate(_driver_lines(known[key], proof(key))):
            click.echo(f"{'' if number else key:<12}  {line}")


def _driver_lines(driver: Driver, proof: Proof) -> list[str]:
    import textwrap

    row = _driver_json(driver, proof)["abilities"]
    minutes = row.pop("history_minutes")
    able = [word.replace("_", " ") for word, can in row.items() if can]
    history = f"keeps history, {minutes} min a slot" if minutes else "keeps no history"
    told = [clean(driver.label, 200), "; ".join([history, *([", ".join(able)] if able else [])]), proof.sentence()]
    return [line for part in told for line in textwrap.wrap(part, COLUMNS - 14)]


def _driver_json(driver: Driver, proof: Proof) -> DriverRow:
    able = driver.abilities
    minutes = None if able.history is None else int(able.history.total_seconds()) // 60
    return {
        "key": driver.key,
        "label": driver.label,
        "abilities": {
            "history_minutes": minutes,
            "live": able.live,
            "buzz": able.buzz,
            "text": able.text,
            "answers": able.answers,
            "battery": able.battery,
            "wear": able.wear,
            "sleep": able.sleep,
            "heart_rate": able.heart_rate,
        },
        "proof": {
            "level": proof.level,
            "levels": list(proof.levels),
            "vectors": {
                "recorded": proof.recorded,
                "firmware": proof.firmware,
                "published": proof.published,
                "ours": proof.ours,
                "not_met": proof.not_met,
            },
            "captures": proof.captures,
            "rules": proof.rules,
            "rules_known": proof.rules_known,
            "bluez": proof.bluez,
            "reported": proof.reported,
        },
    }
