"""`pair`: choose, log in, and only then write anything down."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from hipsync import bluetooth
from hipsync.bluetooth import Seen
from hipsync.cli.app import App, checked_name, host_zone
from hipsync.driver import Driver, Message, Session
from hipsync.errors import ConfigError, DeviceError, NotAuthorised
from hipsync.keys import key_from_file, parsed_key
from hipsync.model import Epoch, Reading
from hipsync.reach import CONNECT_WITHIN, made_up
from hipsync.registry import claimants, drivers
from hipsync.session import Conversation, collect, meet, nudge
from hipsync.store import Store
from hipsync.text import clean

SIMULATED_ADDRESS = "C0:00:00:00:00:01"
LISTEN_S = 10.0
"""A band that saves its battery shows itself every few seconds."""
LISTEN_TO_SIMULATED_S = 2.0
WHERE_KEYS_COME_FROM = (
    "This band only talks to whoever knows its key: 32 hexadecimal digits, made when it was paired with the maker's "
    "app. Tools such as huami-token fetch it from your account; unpairing in the app makes it invalid."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for."""

    address: str | None
    name: str | None
    kind: str | None
    key_file: Path | None


async def pair(app: App, wanted: Wanted, simulate: str | None) -> None:
    """Pair a band in reach, or a simulated one. Raises `ConfigError`, `DeviceError`, `BluetoothUnavailable`."""
    known = drivers()
    if (wanted.kind or simulate) is not None and (wanted.kind or simulate) not in known:
        raise ConfigError(f"no driver {wanted.kind or simulate!r}: there are {', '.join(sorted(known))}")
    if wanted.name is not None:
        checked_name(wanted.name)
    _check_alike(app, simulated=simulate is not None)
    if simulate is None:
        await _choose(app, bluetooth.SYSTEM, wanted, known, None)
        return
    from hipsync.simulation import simulated_radio

    secret = os.urandom(16)
    band = made_up(simulate, secret, ZoneInfo(host_zone()), app.now())
    async with simulated_radio([band], now=app.now, addresses=[SIMULATED_ADDRESS]) as air:
        await _choose(app, air.radio, Wanted(SIMULATED_ADDRESS, wanted.name, simulate, None), known, secret)


def _check_alike(app: App, *, simulated: bool) -> None:
    """Raises `ConfigError` where a simulated band would come beside a real one in the user's own database."""
    store = app.read_store() if app.db_path is None else None
    if store is not None:
        with store:
            if store.has_real() if simulated else store.has_simulated():
                raise ConfigError(
                    "a simulated band is not kept beside a real one: give another database with --db FILE"
                )


async def _choose(
    app: App, radio: bluetooth.Radio, wanted: Wanted, known: Mapping[str, Driver], simulated_key: bytes | None
) -> None:
    seen = await _chosen(radio, wanted, known, LISTEN_S if simulated_key is None else LISTEN_TO_SIMULATED_S)
    with app.open_store() as store:  # not before: where there is no Bluetooth no file is made
        await _pair(app, store, radio, seen, wanted, known, simulated_key)


async def _pair(
    app: App,
    store: Store,
    radio: bluetooth.Radio,
    seen: Seen,
    wanted: Wanted,
    known: Mapping[str, Driver],
    simulated_key: bytes | None,
) -> None:
    if any(band.address == seen.address for band in store.bands()):
        raise ConfigError(f"{seen.address} is paired already: see `hipsync bands`")
    driver = _driver(seen, wanted, known)
    if simulated_key is None:
        key = _key(driver, seen, wanted)
    else:
        key = None if driver.secret(seen.advertisement) == "none" else simulated_key
    name = _free_name(store, wanted.name or clean(seen.advertisement.name or "") or driver.key)
    click.echo(f"Connecting to {seen.advertisement.name or seen.address} ({driver.label}) ...")
    async with bluetooth.connect(radio, seen.address, CONNECT_WITHIN) as connection:
        conversation = Conversation(connection, zone=ZoneInfo(host_zone()), now=app.now)
        session = Session(seen.advertisement.name or "", key, pairing=simulated_key is None)
        learnt: list[Reading] = []

        async def learn(batch: Sequence[Reading]) -> None:
            learnt.extend(batch)

        try:
            await meet(driver, conversation, session, learn)
        except NotAuthorised as error:
            raise NotAuthorised(f"{error}; nothing was written down") from error
        band = store.add_band(
            name=name,
            driver=driver.key,
            address=seen.address,
            advertised_name=seen.advertisement.name or "",
            simulated=simulated_key is not None,
            vouches=driver.abilities.wear or driver.abilities.sleep or driver.abilities.heart_rate,
            reports_wear=driver.abilities.wear,
            now=app.now(),
        )
        if key is not None:
            app.keys().set(band.name, key)
        store.note_zone(app.now(), host_zone())
        store.append(band.id, learnt)
        click.echo("Logged in and set the clock. Fetching what the band remembers ...")
        count = 0

        async def keep(batch: Sequence[Reading]) -> None:
            nonlocal count
            await asyncio.to_thread(store.append, band.id, batch)
            count += sum(isinstance(reading, Epoch) for reading in batch)
            if sys.stderr.isatty():
                click.echo(f"\r{count:,} minutes", nl=False, err=True)

        started = app.now()
        try:
            await collect(driver, conversation, session, keep)
        except DeviceError as error:
            store.note_sync(band.id, started, app.now(), count, str(error))
            raise DeviceError(f"paired as {band.name!r}, but {error}: `hipsync sync` fetches the rest") from error
        store.note_sync(band.id, started, app.now(), count, None)
        if sys.stderr.isatty():
            click.echo("\r", nl=False, err=True)
        click.echo(f"Stored {count:,} epochs. The band is called {band.name!r}.")
        if driver.nudge is not None:
            try:
                await nudge(driver, conversation, session, Message("hipsync", "paired", asks=False))
                click.echo("It should have buzzed just now.")
            except DeviceError as error:
                click.echo(f"It did not buzz: {error}")
    click.echo("Next: `hipsync today`, and `hipsync run` to be prompted.")


async def _chosen(radio: bluetooth.Radio, wanted: Wanted, known: Mapping[str, Driver], listen_s: float) -> Seen:
    click.echo(f"Listening for {listen_s:g} s ...")
    reached = await bluetooth.scan(radio, listen_s)
    if wanted.address is not None:
        seen = next((seen for seen in reached if seen.address.upper() == wanted.address.upper()), None)
        if seen is None:
            message = (
                f"{wanted.address} is not in reach: wake the band, bring it near, and let the phone's app go of it "
                "(switch the phone's Bluetooth off)"
            )
            raise DeviceError(message)
        return seen
    found = [seen for seen in reached if claimants(seen.advertisement, known)]
    if not found:
        raise DeviceError("no band in reach that a driver knows: wake it, and switch the phone's Bluetooth off")
    if len(found) == 1:
        return found[0]
    for number, seen in enumerate(found, 1):
        click.echo(f"{number}  {seen.address}  {seen.rssi_dbm:>4} dBm  {seen.advertisement.name or '(no name)'}")
    if not sys.stdin.isatty():
        raise ConfigError("several bands are in reach: give the address of one")
    return found[click.prompt("Which one", type=click.IntRange(1, len(found))) - 1]


def _driver(seen: Seen, wanted: Wanted, known: Mapping[str, Driver]) -> Driver:
    if wanted.kind is not None:
        return known[wanted.kind]
    takers = claimants(seen.advertisement, known)
    if not takers:
        raise ConfigError(f"no driver takes {seen.address}: name one with --driver (`hipsync drivers` lists them)")
    return takers[0]


def _key(driver: Driver, seen: Seen, wanted: Wanted) -> bytes | None:
    need = driver.secret(seen.advertisement)
    if wanted.key_file is not None:
        key, warning = key_from_file(wanted.key_file)
        if warning:
            click.echo(f"hipsync: {warning}", err=True)
        return key
    if need == "own":
        click.echo("The band will ask whether it may be paired: tap it when it vibrates.")
        return os.urandom(16)
    if need == "given":
        click.echo(WHERE_KEYS_COME_FROM)
        if not sys.stdin.isatty():
            raise ConfigError("the band's key is needed: give a file with it (--key-file)")
        return parsed_key(click.prompt("Key", hide_input=True))
    return None


def _free_name(store: Store, wish: str) -> str:
    taken = {band.name for band in store.bands()}
    if wish not in taken:
        return wish
    return next(name for name in (f"{wish} {number}" for number in range(2, 1000)) if name not in taken)
