"""Pairing: choose a band, log in, find out which band of the store it is, and fetch what it remembers.

The command line and the tests pair through `Pairing.pair`, and whoever pairs there is its `Person`. Of Bluetooth this
module knows only the port `PairingRadio`, and it does not know how a passkey is asked for.

The rule: nothing is stored before the driver has logged in. From then on the band is paired, whatever becomes of its
first fetch.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hipsync.conversation.dialogue import OpenDialogue
from hipsync.driver import Abilities, Driver, Message, Secret, Session
from hipsync.errors import DeviceError, NotAuthorised
from hipsync.model import MINUTE, Band, Epoch, Reading
from hipsync.registry import claimants, refusal
from hipsync.report.family_words import FIRST, expected_epochs, family_lines
from hipsync.service.contact import keeping, shown_address, without_future
from hipsync.service.pairing_ports import FirstMeeting, InReach, PairingRadio, Person
from hipsync.service.which_band import (
    Newcomer,
    Wanted,
    driver_for,
    known_band,
    proven_band,
    recognised,
    shown_name,
)
from hipsync.store import Store
from hipsync.store.keys import KeyFile
from hipsync.text import clean, counted

LISTEN_S = 10.0
"""Seconds to listen for real bands: one that saves its battery advertises every few seconds."""
LISTEN_TO_SIMULATED_S = 2.0
"""Seconds to listen for a simulated band, which advertises all the time."""
KEY_BYTES = 16
TAP = "Now tap yes on the band."
TAPS_ITSELF = f"{TAP} (A practice band does that itself.)"
TURN_OFF = "Turn off Bluetooth on your phone, wake the band, and try again."


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
                self.person.show(f"{shown_name(device)}: {why}")
        if not bands:
            raise DeviceError(f"No band found. {TURN_OFF}")
        return bands[0] if len(bands) == 1 else await self.person.choose(bands)

    async def _pair_device(self, store: Store, device: InReach, wanted: Wanted) -> Band:
        driver, advertisement = driver_for(device, wanted, self.drivers), device.advertisement
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
            tap=lambda: self.person.show(TAP if self.simulated_key is None else TAPS_ITSELF),
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
            able = meeting.dialogue.own_abilities
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
                store.give_to_family(known.id, newcomer.driver.key, vouches=abilities.wear, reports_wear=abilities.wear)
                self.person.show_step(f"{known.name!r} is read as {newcomer.driver.label} from now on. Its data stay.")
        band = known or store.add_band(
            name=store.free_name(wanted.name or clean(advertised_name) or newcomer.driver.key),
            driver=newcomer.driver.key,
            address=newcomer.address,
            advertised_name=advertised_name,
            simulated=newcomer.simulated,
            vouches=abilities.wear,
            reports_wear=abilities.wear,
            now=self.now(),
        )
        store.note_abilities(band.id, newcomer.abilities, family=newcomer.driver.abilities)
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
        name = store.free_name(said)
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
