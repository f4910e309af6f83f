"""Which driver a device is for, and which band of the store it is, when a band is paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hipsync.driver import Abilities, Advertisement, Driver
from hipsync.errors import ConfigError
from hipsync.model import Band, Info, Reading
from hipsync.registry import claimants, refusal
from hipsync.service.pairing_ports import InReach
from hipsync.store import Store
from hipsync.store.identities import is_serial
from hipsync.store.keys import KeyFile
from hipsync.text import clean


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


# ------------------------------------------------------------------ which driver


def recognised(devices: Sequence[InReach], drivers: Mapping[str, Driver]) -> Sequence[InReach]:
    """Return the devices that a driver of a family recognises; if there are none, those that a generic driver does."""
    taken = [(device, takers[0]) for device in devices if (takers := claimants(device.advertisement, drivers))]
    of_a_family = [device for device, driver in taken if not driver.generic]
    return of_a_family or [device for device, _ in taken]


def shown_name(device: InReach) -> str:
    """What a device calls itself, or else its address."""
    return clean(device.advertisement.name or "") or device.address


def driver_for(device: InReach, wanted: Wanted, drivers: Mapping[str, Driver]) -> Driver:
    """Return the driver that the person named, or else the first that recognises the device. Raises `ConfigError`."""
    if wanted.kind is not None:
        return drivers[wanted.kind]
    takers = claimants(device.advertisement, drivers)
    if not takers:
        if (why := refusal(device.advertisement, drivers)) is not None:
            raise ConfigError(f"{shown_name(device)}: {why}")
        raise ConfigError(f"no driver takes {device.address}: name one with --driver (`hipsync drivers` lists them)")
    return takers[0]


# ------------------------------------------------------------------ which band of the store


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
    number. Without such a band, one without address is taken that is known by the newcomer's. A name proves nothing:
    two people's bands of one kind have the same name.
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
    """Whether `band` holds what another program or computer stored of the band at this address, or what was kept of it.

    It has no address: it was imported, or removed without its data. `hipsync import gadgetbridge` stores the address as
    its serial number.
    """
    if band.address is not None or band.driver != driver.key:
        return False
    if band.identity == address.upper():
        return True
    info = store.newest_info(band.id)
    return info is not None and info.serial == address.upper()


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
