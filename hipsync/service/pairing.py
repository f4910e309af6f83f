"""Pairing: choose a band, log in, find out which band of the store it is, and fetch what it remembers.

The command line and the tests pair through `Pairing.pair`, and whoever pairs there is its `Person`. Of Bluetooth this
module knows only the port `PairingRadio`, and it does not know how a passkey is asked for.

The rule: nothing is stored before the driver has logged in. From then on the band is paired, whatever becomes of its
first fetch.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from hipsync.conversation.dialogue import OpenDialogue
from hipsync.driver import Abilities, Advertisement, Driver, Message, Secret, Session
from hipsync.errors import ConfigError, DeviceError, NotAuthorised
from hipsync.model import MINUTE, Band, Epoch, Info, Reading
from hipsync.registry import claimants, refusal
from hipsync.report.family_words import FIRST, Line, expected_epochs, family_lines
from hipsync.service.contact import keeping, shown_address, without_future
from hipsync.store import Store
from hipsync.store.keys import KeyFile
from hipsync.text import clean, counted

LISTEN_S = 10.0
"""Seconds to listen for real bands: one that saves its battery advertises every few seconds."""
LISTEN_TO_SIMULATED_S = 2.0
"""Seconds to listen for a simulated band, which advertises all the time."""
KEY_BYTES = 16
SHORTEST_SERIAL = 6
"""The fewest characters of a serial number that proves which band it is; many bands may share a shorter one."""
TAP = "Now tap yes on the band."
TURN_OFF = "Turn off Bluetooth on your phone, wake the band, and try again."


class InReach(Protocol):
    """A device that advertises, or that is connected to this computer."""

    @property
    def address(self) -> str:
        """The address by which the radio reaches the device."""
        ...

    @property
    def rssi_dbm(self) -> int | None:
        """The strength of its signal; None if it is connected, and so does not advertise."""
        ...

    @property
    def advertisement(self) -> Advertisement: ...


class FirstMeeting(Protocol):
    """An open connection to a band over which the driver has just logged in."""

    @property
    def address(self) -> str:
        """The band's permanent address. A band that changes its address reveals the permanent one only when bonded."""
        ...

    @property
    def dialogue(self) -> OpenDialogue:
        """The conversation in which the driver has logged in."""
        ...

    @property
    def readings(self) -> Sequence[Reading]:
        """What the band reported about itself during the log-in, such as its serial number."""
        ...

    @property
    def bonded(self) -> bool:
        """Whether this meeting made a bond that the computer did not have."""
        ...


class PairingRadio(Protocol):
    """The radio, as far as pairing needs it."""

    async def scan(self, seconds: float, enough: Callable[[InReach], bool]) -> Sequence[InReach]:
        """Listen for `seconds`, or until `enough` accepts a device; return the devices in reach.

        Raises `BluetoothUnavailable`.
        """
        ...

    async def forget(self, address: str) -> None:
        """Drop the bond that this computer has with the device, if there is one."""
        ...

    def meet(self, address: str, driver: Driver, session: Session) -> AbstractAsyncContextManager[FirstMeeting]:
        """Connect and log in, bonding if the band asks for it; disconnect at the end of the block.

        Raises `DeviceError` and `BluetoothUnavailable`. A bond that was made for a log-in that failed is dropped.
        """
        ...


class Person(Protocol):
    """Whoever pairs a band: somebody at a terminal, or the script of a test."""

    def show(self, line: str) -> None:
        """Show one line about what happens now."""
        ...

    def show_family(self, name: str, lines: Iterable[Line]) -> None:
        """Show what the family of the band `name` means, before anything is asked."""
        ...

    def show_step(self, line: str) -> None:
        """Show that something worked."""
        ...

    def show_count(self, epochs: int, of: int | None) -> None:
        """Show how many epochs have been fetched so far, of about how many; None if nobody knows."""
        ...

    async def has_buzzed(self) -> bool | None:
        """Return whether the band vibrated just now; None if nobody can be asked."""
        ...

    async def name_for(self, proposed: str) -> str:
        """Return what the band is to be called. Raises `ConfigError` for a name that none may have."""
        ...

    async def choose(self, devices: Sequence[InReach]) -> InReach:
        """Return which of several devices is to be paired. Raises `ConfigError` if nobody can be asked."""
        ...

    def given_key(self) -> bytes | None:
        """Return the band's key if it was given before anybody asked. Raises `ConfigError` if it is no key."""
        ...

    async def ask_key(self) -> bytes:
        """Ask for the band's key. Raises `ConfigError` if nobody can be asked, or the answer is no key."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """The band that somebody wants to pair, as far as they said which one."""

    address: str | None = None
    """The band's address; None means whichever is in reach, by the person's choice if there are several."""
    name: str | None = None
    """What the band is to be called; None means what it calls itself."""
    kind: str | None = None
    """The key of a driver; None means the first driver that recognises the band."""
    again: bool = False
    """Whether the band may be paired already, perhaps with another address."""

    def check(self, drivers: Mapping[str, Driver]) -> None:
        """Raise `ConfigError` if there is no such driver, or if no address says which band to pair again."""
        if self.kind is not None and self.kind not in drivers:
            raise ConfigError(f"no driver {self.kind!r}: there are {', '.join(sorted(drivers))}")
        if self.again and self.address is None:
            raise ConfigError("which band is paired again? give its address (`hipsync bands show` shows it)")


class Newcomer(NamedTuple):
    """A band over whose connection a driver has logged in, before anybody knows which band of the store it is."""

    driver: Driver
    advertisement: Advertisement
    address: str
    key: bytes | None
    readings: Sequence[Reading]
    simulated: bool
    abilities: Abilities | None = None
    """What this band can do; None means what its driver says of the family."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """What it takes to pair a band; `pair` does it."""

    person: Person
    radio: PairingRadio
    drivers: Mapping[str, Driver]
    open_store: Callable[[], Store]
    """Opens the database for writing, and makes it if there is none."""
    keys: KeyFile
    zone: str
    """The zone of this computer, an IANA name."""
    now: Callable[[], datetime]
    simulated_key: bytes | None = None
    """The key of a simulated band. None means that the band is a real one."""

    async def pair(self, wanted: Wanted) -> Band:
        """Pair a band and fetch what it remembers; return it as it is stored.

        Raises `ConfigError`, `BluetoothUnavailable`, `StoreError`, and `DeviceError`, after which the band is paired
        only if the message says so.
        """
        if wanted.again and wanted.address is not None:
            await self.radio.forget(wanted.address)
        device = await self._found(wanted)
        with self.open_store() as store:  # not before: where there is no Bluetooth, no file is made
            return await self._pair_device(store, device, wanted)

    async def _found(self, wanted: Wanted) -> InReach:
        """Return the device to pair. Raises `DeviceError` if it is not in reach."""
        listen_s = LISTEN_S if self.simulated_key is None else LISTEN_TO_SIMULATED_S
        self.person.show(f"Looking for {'bands' if wanted.address is None else wanted.address} ({listen_s:g} s) ...")

        def is_wanted(device: InReach) -> bool:
            return wanted.address is not None and device.address.upper() == wanted.address.upper()

        def enough(device: InReach) -> bool:
            """Whether this is the wanted band and its driver is known: its name may arrive later than its address."""
            return is_wanted(device) and (
                wanted.kind is not None or bool(claimants(device.advertisement, self.drivers))
            )

        devices = await self.radio.scan(listen_s, enough)
        if wanted.address is not None:
            if (device := next(filter(is_wanted, devices), None)) is not None:
                return device
            raise DeviceError(f"{wanted.address} does not answer. {TURN_OFF}")
        bands = recognised(devices, self.drivers)
        for device in devices:
            if (why := refusal(device.advertisement, self.drivers)) is not None:
                self.person.show(f"{_shown_name(device)}: {why}")
        if not bands:
            raise DeviceError(f"No band found. {TURN_OFF}")
        return bands[0] if len(bands) == 1 else await self.person.choose(bands)

    async def _pair_device(self, store: Store, device: InReach, wanted: Wanted) -> Band:
        driver, advertisement = _driver_for(device, wanted, self.drivers), device.advertisement
        known = known_band(store, device.address, wanted, driver, self.drivers)
        moves = known is not None and known.driver != driver.key
        need = driver.secret(advertisement)
        first = [FIRST] if self.simulated_key is None else []
        self.person.show_family(advertisement.name or device.address, [*family_lines(driver, need), *first])
        key = await self._key(need)
        kept = self.keys.kept(driver.key, device.address).secret
        session = Session(
            advertisement.name or "",
            kept if key is None else key,
            since=store.since(known.id, now=self.now()) if known and not moves else {},
            pairing=self.simulated_key is None or need == "none",
            address=shown_address(device.address),
            keep=keeping(lambda secret: self.keys.keep(driver.key, device.address, secret)),
            tap=lambda: self.person.show(TAP),
        )
        async with AsyncExitStack() as stack:
            try:
                meeting = await stack.enter_async_context(self.radio.meet(device.address, driver, session))
            except NotAuthorised as error:
                if self.keys.kept(driver.key, device.address).secret is not None:
                    raise
                raise NotAuthorised(f"{error}; nothing was written down") from error
            self.person.show_step("Connected" if key is None else "Connected, and the key is right")
            simulated = self.simulated_key is not None
            able = meeting.dialogue.abilities
            newcomer = Newcomer(driver, advertisement, meeting.address, key, meeting.readings, simulated, able)
            if key is not None and kept is not None and self.keys.kept(driver.key, device.address).secret == kept:
                self.keys.drop_secret(driver.key, device.address)  # the person's key is newer
            self._move_kept(device.address, meeting, newcomer)
            known = known or proven_band(store, self.keys, newcomer)
            band = self._stored(store, newcomer, known, wanted)
            await self._first_fetch(store, band, meeting.dialogue)
        # the connection is over: however long the person thinks, no band waits, and what came is stored
        return band if known is not None or wanted.name is not None else await self._named(store, band)

    def _move_kept(self, address: str, meeting: FirstMeeting, newcomer: Newcomer) -> None:
        """Keep for the band's permanent address what was kept for the one by which it was reached."""
        key, permanent = newcomer.driver.key, newcomer.address
        if meeting.bonded:
            self.keys.note_bond(key, address)
        self.keys.move_kept(key, address, permanent)

    async def _key(self, need: Secret) -> bytes | None:
        """Return the key to log in with: the one that the person gave, a new one, or None if the band needs none."""
        if self.simulated_key is not None:
            return None if need == "none" else self.simulated_key
        if (key := self.person.given_key()) is not None:
            return key
        if need == "own":
            return os.urandom(KEY_BYTES)
        if need == "given":
            return await self.person.ask_key()
        return None

    def _stored(self, store: Store, newcomer: Newcomer, known: Band | None, wanted: Wanted) -> Band:
        """Store the band with its key and what it reported about itself, and return it.

        `known` is the stored band that it was found to be; None adds a new one.
        """
        advertised_name, abilities = newcomer.advertisement.name or "", newcomer.abilities or newcomer.driver.abilities
        if known is not None:
            if known.address != newcomer.address:
                self.person.show_step(f"This is {known.name!r} with a new address. Its data continue.")
                if known.address is not None:
                    self.keys.drop_secret(known.driver, known.address)
            store.move_band(known.id, newcomer.address, advertised_name)
            if known.driver != newcomer.driver.key:
                wear = newcomer.driver.abilities.wear
                store.give_to_family(known.id, newcomer.driver.key, vouches=wear, reports_wear=wear)
                self.person.show_step(f"{known.name!r} is read as {newcomer.driver.label} from now on. Its data stay.")
        band = known or store.add_band(
            name=free_name(store, wanted.name or clean(advertised_name) or newcomer.driver.key),
            driver=newcomer.driver.key,
            address=newcomer.address,
            advertised_name=advertised_name,
            simulated=newcomer.simulated,
            vouches=abilities.wear,
            reports_wear=abilities.wear,
            now=self.now(),
        )
        if newcomer.key is not None:
            self.keys.set(band.name, newcomer.key)
        store.note_zone(self.now(), self.zone)
        store.append(band.id, without_future(band, newcomer.readings, self.now()))
        return band

    async def _named(self, store: Store, band: Band) -> Band:
        """Give a new band the name that the person says, and return it."""
        said = await self.person.name_for(band.name)
        if said == band.name:
            return band
        name = free_name(store, said)
        store.rename(band.id, name)
        self.keys.rename(band.name, name)
        return next(each for each in store.bands() if each.id == band.id)

    async def _first_fetch(self, store: Store, band: Band, dialogue: OpenDialogue) -> None:
        """Fetch all that the band remembers, and buzz it. Raises `DeviceError` if the fetch fails."""
        self.person.show_step("Clock set")
        epochs, started, now = 0, self.now(), dialogue.conversation.now
        first, last, expected = datetime.max.replace(tzinfo=UTC), started, expected_epochs(dialogue.abilities)

        async def commit(batch: Sequence[Reading]) -> None:
            nonlocal epochs, first
            batch = without_future(band, batch, now())
            await asyncio.to_thread(store.append, band.id, batch)
            found = [reading for reading in batch if isinstance(reading, Epoch)]
            epochs += len(found)
            first = min([first, *(epoch.start for epoch in found)])
            self.person.show_count(epochs, expected)

        try:
            await dialogue.fetch(commit)
        except DeviceError as error:
            store.note_sync(band.id, started, self.now(), epochs, str(error))
            raise DeviceError(f"paired as {band.name!r}, but {error}: `hipsync sync` fetches the rest") from error
        store.note_sync(band.id, started, self.now(), epochs, None)
        if epochs:
            days = _days(first.astimezone(ZoneInfo(self.zone)), last.astimezone(ZoneInfo(self.zone)))
            self.person.show_step(
                f"Saved {counted(epochs, 'minute' if _by_minute(dialogue.abilities) else 'slot')}, {days}"
            )
        elif expected is None:
            runs = "hipsync service install" if self.simulated_key is None else "hipsync --demo run"
            self.person.show(f"This band keeps no history. Leave hipsync running: `{runs}`.")
        else:
            self.person.show("The band had nothing to fetch yet.")
        if dialogue.can_nudge:
            await self._buzz(dialogue)

    async def _buzz(self, dialogue: OpenDialogue) -> None:
        """Have the band vibrate, and once more if the person did not feel it."""
        for _ in range(2):
            try:
                await dialogue.nudge(Message("hipsync", "paired", asks=False))
            except DeviceError as error:
                self.person.show(f"It did not buzz: {error}. Reminders will come on this computer only.")
                return
            if await self.person.has_buzzed() is not False:
                return
        self.person.show("Reminders will come on this computer only.")


def _by_minute(abilities: Abilities) -> bool:
    return abilities.history is not None and abilities.history <= MINUTE


def _days(first: datetime, last: datetime) -> str:
    """From which day to which, in local time: `Fri 13 to Fri 20 Nov`."""
    end = f"{last:%a} {last.day} {last:%b}"
    if first.date() == last.date():
        return end
    month = "" if (first.year, first.month) == (last.year, last.month) else f" {first:%b}"
    return f"{first:%a} {first.day}{month} to {end}"


def recognised(devices: Sequence[InReach], drivers: Mapping[str, Driver]) -> Sequence[InReach]:
    """Return the devices that a driver of a family recognises; if there are none, those that a generic driver does."""
    taken = [(device, takers[0]) for device in devices if (takers := claimants(device.advertisement, drivers))]
    of_a_family = [device for device, driver in taken if not driver.generic]
    return of_a_family or [device for device, _ in taken]


def _shown_name(device: InReach) -> str:
    """What a device calls itself, or else its address."""
    return clean(device.advertisement.name or "") or device.address


def _driver_for(device: InReach, wanted: Wanted, drivers: Mapping[str, Driver]) -> Driver:
    """Return the driver that the person named, or else the first that recognises the device. Raises `ConfigError`."""
    if wanted.kind is not None:
        return drivers[wanted.kind]
    takers = claimants(device.advertisement, drivers)
    if not takers:
        if (why := refusal(device.advertisement, drivers)) is not None:
            raise ConfigError(f"{_shown_name(device)}: {why}")
        raise ConfigError(f"no driver takes {device.address}: name one with --driver (`hipsync drivers` lists them)")
    return takers[0]


# ------------------------------------------------------------------ which band of the store it is


def known_band(
    store: Store, address: str, wanted: Wanted, driver: Driver, drivers: Mapping[str, Driver]
) -> Band | None:
    """Return the stored band that is paired again: the one with this address, or else with the wanted name.

    None if the band is new to the store. Raises `ConfigError` if a band has this address and nobody wanted it paired
    again, or if it is of another kind. One that was paired as a standard sensor may turn out to be of any family.
    """
    known = next((band for band in store.bands() if band.address == address), None)
    if known is not None and not wanted.again:
        raise ConfigError(f"{known.name!r} is already paired. `--again` pairs it again and keeps its data.")
    if known is None and wanted.again and wanted.name is not None:
        known = next((band for band in store.bands() if band.name == wanted.name), None)
    if known is None or known.driver == driver.key:
        return known
    was_generic = known.driver in drivers and drivers[known.driver].generic
    if driver.generic or not was_generic or known.address != address:
        raise ConfigError(f"{known.name!r} is a band of kind {known.driver!r}, and this one is of kind {driver.key!r}")
    return known


def proven_band(store: Store, keys: KeyFile, newcomer: Newcomer) -> Band | None:
    """Return the one stored band that the newcomer must be, though it had another address; None if in doubt.

    The proof is that the newcomer took the key that a person once gave for that band, or that both have one serial
    number. Without such a band, one that was imported with the newcomer's address is taken. A name proves nothing: two
    people's bands of one kind have the same name.
    """
    serials = {info.serial for info in newcomer.readings if isinstance(info, Info) and is_serial(info.serial)}
    person_gave_key = newcomer.key is not None and newcomer.driver.secret(newcomer.advertisement) == "given"

    def same(band: Band) -> bool:
        if band.driver != newcomer.driver.key or band.simulated != newcomer.simulated or band.address is None:
            return False
        if band.address == newcomer.address:  # bonding has revealed it; the band had shown another address
            return True
        info = store.newest_info(band.id)
        return (person_gave_key and keys.secret(band) == newcomer.key) or (info is not None and info.serial in serials)

    found = [band for band in store.bands() if same(band)] or [
        band for band in store.bands() if is_import_of(store, band, newcomer.address, newcomer.driver)
    ]
    return found[0] if len(found) == 1 else None


def is_import_of(store: Store, band: Band, address: str, driver: Driver) -> bool:
    """Whether `band` holds what another program stored of the band at this address.

    An imported band has no address; `hipsync import gadgetbridge` stores the address as its serial number.
    """
    if band.address is not None or band.driver != driver.key:
        return False
    info = store.newest_info(band.id)
    return info is not None and info.serial == address.upper()


def is_serial(text: str | None) -> bool:
    """Whether a serial number tells bands apart. Makers without any send zeros, repetitions or 0123456789."""
    if text is None or len(text) < SHORTEST_SERIAL:
        return False
    return len(set(text)) > 2 and text not in "01234567890123456789"


def free_name(store: Store, wish: str) -> str:
    """Return the name `wish`, with a number after it if another band has that name."""
    taken = {band.name for band in store.bands()}
    if wish not in taken:
        return wish
    return next(name for name in (f"{wish} {number}" for number in range(2, 1000)) if name not in taken)


# ------------------------------------------------------------------ simulated bands


def simulated_address(bands: Sequence[Band], kind: str) -> str:
    """Return the address for a simulated band of this kind: the one it was paired with before, or the first free one.

    It is a static random address, by its first two bits.
    """
    paired = next((band.address for band in bands if band.simulated and band.driver == kind and band.address), None)
    if paired is not None:
        return paired
    taken = {band.address for band in bands}
    numbered = (f"C0:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}" for number in range(1, len(bands) + 2))
    return next(address for address in numbered if address not in taken)
