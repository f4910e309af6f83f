"""`pair`: choose, log in, and only then write anything down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import textwrap
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from hipsync.cli.app import App, checked_name, host_zone
from hipsync.cli.bands import signal
from hipsync.cli.passkey import Terminal
from hipsync.conversation.session import Conversation, collect, meet, nudge
from hipsync.driver import Driver, Message, Session
from hipsync.errors import ConfigError, DeviceError, NoReply, NotAuthorised
from hipsync.model import Band, Epoch, Info, Reading
from hipsync.radio import connect as bluetooth
from hipsync.radio.bleak_radio import CONNECT_WITHIN, made_up
from hipsync.radio.bluez_agent import Agent, bonded, drop_bond, identity, pairing_agent
from hipsync.radio.connect import Seen
from hipsync.registry import claimants, drivers
from hipsync.store import Store
from hipsync.store.keys import key_from_file, parsed_key
from hipsync.text import clean

log = logging.getLogger(__name__)

LISTEN_S = 10.0
"""A band that saves its battery shows itself every few seconds."""
LISTEN_TO_SIMULATED_S = 2.0
LEAST_SERIAL = 6
LET_GO = "Let the phone's app go of the band first: switch the phone's Bluetooth off."
WHERE_KEYS_COME_FROM = (
    "This band only talks to whoever knows its key: 32 hexadecimal digits, made when it was paired with the maker's "
    "app. Tools such as huami-token fetch it from your account. Unpairing it in the app, or resetting it, makes the "
    "key invalid: then pair it with the app once more, and give the new key."
)
WHAT_A_TAP_DOES = (
    "The band will ask whether it may be paired: tap it when it vibrates. hipsync makes it a new key, so that the "
    "maker's app has to be paired with it again if you want that, too."
)
WIDTH = 80


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for."""

    address: str | None
    name: str | None
    kind: str | None
    key_file: Path | None
    again: bool = False
    """The band is known, perhaps by another address."""


async def pair(app: App, wanted: Wanted, simulate: str | None) -> None:
    """Pair a band in reach, or a simulated one. Raises `ConfigError`, `DeviceError`, `BluetoothUnavailable`."""
    known = drivers()
    if (wanted.kind or simulate) is not None and (wanted.kind or simulate) not in known:
        raise ConfigError(f"no driver {wanted.kind or simulate!r}: there are {', '.join(sorted(known))}")
    if wanted.name is not None:
        checked_name(wanted.name)
    _check_alike(app, simulated=simulate is not None)
    if wanted.again and wanted.address is None:
        raise ConfigError("which band is paired again? give its address (`hipsync bands show` tells it)")
    if simulate is None:
        if wanted.again and wanted.address is not None and await drop_bond(wanted.address):
            log.info("BlueZ has forgotten the band, with its bond")
        await _choose(app, bluetooth.SYSTEM, wanted, known, None)
        return
    from hipsync.radio.simulation import simulated_radio

    secret, address = os.urandom(16), _simulated_address(app, simulate)
    band = made_up(simulate, secret, ZoneInfo(host_zone()), app.now())
    async with simulated_radio([band], now=app.now, addresses=[address]) as air:
        await _choose(app, air.radio, Wanted(address, wanted.name, simulate, None), known, secret)


def _simulated_address(app: App, kind: str) -> str:
    """That of the simulated band of this kind, which is one, or the first that no other has."""
    store = app.read_store()
    if store is None:
        return _nth_address(1)
    with store:
        bands = store.bands()
    if (same := next((band for band in bands if band.simulated and band.driver == kind), None)) and same.address:
        return same.address
    taken = {band.address for band in bands}
    return next(each for each in map(_nth_address, range(1, len(bands) + 2)) if each not in taken)


def _nth_address(number: int) -> str:
    """A static random one."""
    return f"C0:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}"


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
        await pair_seen(app, store, radio, seen, wanted, known, simulated_key)


async def pair_seen(
    app: App,
    store: Store,
    radio: bluetooth.Radio,
    seen: Seen,
    wanted: Wanted,
    known: Mapping[str, Driver],
    simulated_key: bytes | None,
) -> None:
    driver = _driver(seen, wanted, known)
    before = _known_band(store, seen, wanted, driver)
    if simulated_key is None:
        if driver.advice:
            say(driver.advice)
        key = _key(driver, seen, wanted)
    else:
        key = None if driver.secret(seen.advertisement) == "none" else simulated_key
    click.echo(f"Connecting to {seen.advertisement.name or seen.address} ({driver.label}) ...")
    async with bonding(radio, seen.address) as agent, contextlib.AsyncExitStack() as stack:
        session = Session(
            seen.advertisement.name or "",
            key,
            since=store.since(before.id) if before else {},
            pairing=simulated_key is None,
        )

        async def met(asked: Agent | None) -> tuple[Conversation, list[Reading]]:
            await stack.aclose()
            connection = await stack.enter_async_context(bluetooth.connect(radio, seen.address, CONNECT_WITHIN))
            conversation = Conversation(
                connection, zone=ZoneInfo(host_zone()), now=app.now, bonds=radio == bluetooth.SYSTEM
            )
            learnt: list[Reading] = []

            async def learn(batch: Sequence[Reading]) -> None:
                learnt.extend(batch)

            await _settled(meet(driver, conversation, session, learn), asked)
            return conversation, learnt

        try:
            conversation, learnt = await met(agent)
        except DeviceError as error:
            if agent is None or not await agent.made_a_bond():
                if isinstance(error, NotAuthorised):
                    raise NotAuthorised(f"{error}; nothing was written down") from error
                raise
            log.debug("once more, over the new bond")
            conversation, learnt = await met(None)
        if agent is not None:
            seen = replace(seen, address=await identity(seen.address))
        band = _written_down(app, store, seen, driver, wanted, before, key, learnt, simulated=simulated_key is not None)
        if key is not None:
            app.keys().set(band.name, key)
        store.note_zone(app.now(), host_zone())
        store.append(band.id, learnt)
        await _first_sync(app, store, driver, conversation, session, band)
    click.echo("Next: `hipsync today`, and `hipsync run` to be prompted.")


async def _first_sync(
    app: App, store: Store, driver: Driver, conversation: Conversation, session: Session, band: Band
) -> None:
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
        raise _HalfFetched(f"paired as {band.name!r}, but {error}: `hipsync sync` fetches the rest") from error
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


SETTLE_S = 10.0
"""Once BlueZ has its answer. It may keep back for half a minute what it held while it was bonding, or for ever after a
refusal; over a new connection it goes on at once."""


async def _settled(meeting: Coroutine[object, object, None], agent: Agent | None) -> None:
    """The end of a meeting, which a question of BlueZ's may hold up. Raises `NoReply` if it stays held up."""
    work = asyncio.ensure_future(meeting)
    answered = asyncio.ensure_future(agent.answered.wait() if agent is not None else asyncio.Event().wait())
    try:
        await asyncio.wait({work, answered}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done() and agent is not None and not agent.unanswered:
            await asyncio.wait({work}, timeout=SETTLE_S)
        if not work.done():
            raise NoReply("the band did not go on after it was bonded: try again")
        work.result()
    finally:
        for task in (work, answered):
            task.cancel()
        await asyncio.wait({work, answered})


@contextlib.asynccontextmanager
async def bonding(radio: bluetooth.Radio, address: str) -> AsyncGenerator[Agent | None, None]:
    """Whatever BlueZ asks about this band is answered; a bond made for a pairing that failed does not stay.

    Raises what the block does, in words that tell of a passkey if one was asked.
    """
    if radio != bluetooth.SYSTEM:
        yield None
        return
    async with pairing_agent(address, Terminal()) as agent:
        try:
            yield agent
        except DeviceError as error:
            made = await bonded(address)
            if not agent.held and not isinstance(error, _HalfFetched):
                await drop_bond(address)
            if agent.unanswered:
                raise NotAuthorised(_UNANSWERED.format(address=address)) from error
            if agent.asked and not made:
                raise NotAuthorised(_WRONG_PASSKEY) from error
            raise


class _HalfFetched(DeviceError):
    """The band is paired, and what it remembers did not all come."""


_UNANSWERED = (
    "the band asks for a passkey, and nobody answered: give `hipsync pair {address}` in a terminal, and type the six "
    "digits that the band shows; nothing was written down"
)
_WRONG_PASSKEY = (
    "the band and this computer could not be bonded: the passkey was wrong, or came too late (a band waits 30 seconds "
    "for it); try again with what it shows then; nothing was written down"
)


def _known_band(store: Store, seen: Seen, wanted: Wanted, driver: Driver) -> Band | None:
    """The band that is paired again, by its address or by the name that the user gives. Raises `ConfigError`."""
    here = next((band for band in store.bands() if band.address == seen.address), None)
    if here is not None and not wanted.again:
        raise ConfigError(
            f"{seen.address} is paired already, as {here.name!r}: see `hipsync bands`; --again pairs it anew"
        )
    if here is None and wanted.again and wanted.name is not None:
        here = next((band for band in store.bands() if band.name == wanted.name), None)
    if here is not None and here.driver != driver.key:
        raise ConfigError(f"{here.name!r} is a band of kind {here.driver!r}, and this one is of kind {driver.key!r}")
    return here


def _written_down(
    app: App,
    store: Store,
    seen: Seen,
    driver: Driver,
    wanted: Wanted,
    before: Band | None,
    key: bytes | None,
    learnt: Sequence[Reading],
    *,
    simulated: bool,
) -> Band:
    """The band in the store: the one that it is known to be, or else a new one."""
    before = before or _proven(app, store, seen, driver, key, learnt, simulated=simulated)
    if before is not None:
        if before.address != seen.address:
            click.echo(f"This is {before.name!r}, by another address: what it told goes on.")
        store.move_band(before.id, seen.address, seen.advertisement.name or "")
        return before
    return store.add_band(
        name=_free_name(store, wanted.name or clean(seen.advertisement.name or "") or driver.key),
        driver=driver.key,
        address=seen.address,
        advertised_name=seen.advertisement.name or "",
        simulated=simulated,
        vouches=driver.abilities.wear or driver.abilities.sleep or driver.abilities.heart_rate,
        reports_wear=driver.abilities.wear,
        now=app.now(),
    )


def _proven(
    app: App,
    store: Store,
    seen: Seen,
    driver: Driver,
    key: bytes | None,
    learnt: Sequence[Reading],
    *,
    simulated: bool,
) -> Band | None:
    """The one band that this must be, though its address is another: it accepted that band's key, or has its serial.

    A name proves nothing: two people's bands of one kind have the same.
    """
    serials = {each.serial for each in learnt if isinstance(each, Info) and _is_serial(each.serial)}
    given = key is not None and driver.secret(seen.advertisement) == "given"

    def same(band: Band) -> bool:
        if band.driver != driver.key or band.simulated != simulated or band.address is None:
            return False
        info = store.newest_info(band.id)
        if band.address == seen.address:  # which a band that changes its address tells when it is bonded
            return True
        return (given and app.keys().secret(band) == key) or (info is not None and info.serial in serials)

    found = [band for band in store.bands() if same(band)] or [
        band for band in store.bands() if _is_import_of(store, band, seen.address, driver)
    ]
    return found[0] if len(found) == 1 else None


def _is_import_of(store: Store, band: Band, address: str, driver: Driver) -> bool:
    """Whether a band without an address is this one, as another program knew it (`import gadgetbridge`)."""
    if band.address is not None or band.driver != driver.key:
        return False
    info = store.newest_info(band.id)
    return info is not None and info.serial == address.upper()


def _is_serial(text: str | None) -> bool:
    """Not what makers put where there is none: nothing, zeros, one character over and over, 0123456789."""
    return text is not None and len(text) >= LEAST_SERIAL and len(set(text)) > 2 and text not in "01234567890123456789"


async def _chosen(radio: bluetooth.Radio, wanted: Wanted, known: Mapping[str, Driver], listen_s: float) -> Seen:
    if radio == bluetooth.SYSTEM:
        say(LET_GO)
    click.echo(f"Listening for {listen_s:g} s ..." if wanted.address is None else "Listening ...")

    def enough(seen: Seen) -> bool:
        """Also its name, which may come a little later."""
        named = wanted.kind is not None or bool(claimants(seen.advertisement, known))
        return wanted.address is not None and seen.address.upper() == wanted.address.upper() and named

    reached = await bluetooth.scan(radio, listen_s, enough)
    if wanted.address is not None:
        seen = next((seen for seen in reached if seen.address.upper() == wanted.address.upper()), None)
        if seen is None:
            message = (
                f"{wanted.address} is not in reach: wake the band, bring it near, and let the phone's app go of it "
                "(switch the phone's Bluetooth off)"
            )
            raise DeviceError(message)
        return seen
    found = choice(reached, known)
    if not found:
        raise DeviceError("no band in reach that a driver knows: wake it, and switch the phone's Bluetooth off")
    if len(found) == 1:
        return found[0]
    for number, seen in enumerate(found, 1):
        click.echo(f"{number}  {seen.address}  {signal(seen)}  {seen.advertisement.name or '(no name)'}")
    if not sys.stdin.isatty():
        raise ConfigError("several bands are in reach: give the address of one")
    return found[click.prompt("Which one", type=click.IntRange(1, len(found))) - 1]


def choice(reached: Sequence[Seen], known: Mapping[str, Driver]) -> Sequence[Seen]:
    """What to choose from: bands of a family, and where there is none, what keeps to a standard."""
    taken = [(seen, takers[0]) for seen in reached if (takers := claimants(seen.advertisement, known))]
    own = [seen for seen, driver in taken if not driver.generic]
    return own or [seen for seen, _ in taken]


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
        say(WHAT_A_TAP_DOES)
        return os.urandom(16)
    if need == "given":
        say(WHERE_KEYS_COME_FROM)
        if not sys.stdin.isatty():
            raise ConfigError("the band's key is needed: give a file with it (--key-file)")
        return parsed_key(click.prompt("Key", hide_input=True))
    return None


def say(text: str) -> None:
    """In lines that fit a terminal."""
    click.echo(textwrap.fill(clean(text, 1000), WIDTH))


def _free_name(store: Store, wish: str) -> str:
    taken = {band.name for band in store.bands()}
    if wish not in taken:
        return wish
    return next(name for name in (f"{wish} {number}" for number in range(2, 1000)) if name not in taken)
