"""The ports of pairing: the radio that finds and meets a band, and the person who is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from hipsync.conversation.dialogue import OpenDialogue
from hipsync.driver import Advertisement, Driver, Session
from hipsync.model import Reading
from hipsync.report.family_words import Line


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
