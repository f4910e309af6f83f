"""The first meeting with a band: connect, let the driver log in, and on Linux answer what BlueZ asks meanwhile.

A band may ask for a bond while the driver talks to it. BlueZ then asks its agent (`bluez_agent`), and the agent asks a
person. Meanwhile BlueZ may hold back the band's notifications. This module does not know what follows the log-in:
`service.pairing` does that over the open connection.

The rule: a bond that was made for a failed log-in is dropped again; once the driver has logged in, the bond stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.conversation.dialogue import OpenDialogue, dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Driver, Session
from hipsync.errors import DeviceError, NoReply, NotAuthorised
from hipsync.host.clock import steady
from hipsync.model import Reading
from hipsync.radio.bleak_radio import CONNECT_WITHIN
from hipsync.radio.bluez import bonded, drop_bond, identity
from hipsync.radio.bluez_agent import Agent, Person, pairing_agent
from hipsync.radio.connect import connect
from hipsync.radio.scan import SYSTEM_ADAPTER, Adapter, NearbyDevice, scan

log = logging.getLogger(__name__)

SETTLE_S = 10.0
"""Seconds to wait for the end of the log-in once BlueZ has the agent's answer. BlueZ can withhold notifications for up
to 30 s after bonding, and for ever after a refusal; a new connection is not affected."""
TAP_WITHIN_S = 90.0
"""Seconds to wait for the end of the log-in once the band waits for its wearer's tap (`Session.tap`), or for digits
that it shows: the most patient public client waits as long for a Huawei band."""
BONDED_WITHIN_S = 35.0
"""Seconds to wait for the bond that BlueZ asked a person about, once the driver has logged in: SMP gives up 30 s after
its last packet (Core specification, volume 3, part H, 3.4)."""

_UNANSWERED = (
    "the band asks for a passkey, and nobody answered: give `hipsync pair {address}` in a terminal, and type the six "
    "digits that the band shows"
)
_WRONG_PASSKEY = (
    "the band and this computer could not be bonded: the passkey was wrong, or came too late (a band waits 30 seconds "
    "for it); try again with what it shows then"
)


@dataclass(frozen=True, slots=True)
class FirstMeeting:
    """An open connection to a band over which the driver has just logged in."""

    address: str
    """The band's permanent address. A band that changes its address reveals the permanent one only when it bonds."""
    dialogue: OpenDialogue
    readings: Sequence[Reading]
    """What the band reported about itself during the log-in."""
    bonded: bool = False
    """Whether this meeting made a bond that the computer did not have."""


@dataclass(frozen=True, slots=True)
class FirstMeetings:
    """Implements the port `service.pairing_ports.PairingRadio`, on the system's Bluetooth or on a simulated adapter."""

    adapter: Adapter
    person: Person
    """The person who is asked for a passkey, by BlueZ or by a driver (`Session.passkey`)."""
    zone: ZoneInfo
    """The wearer's time zone, by which a driver sets the band's clock."""
    now: Callable[[], datetime]
    passed: Callable[[], float] | None = None
    """As in `Clock`; without it, a log-in and what follows go by `now`, whoever sets it."""

    @property
    def _is_systems(self) -> bool:
        return replace(self.adapter, name=None, proxies=None) == SYSTEM_ADAPTER

    async def scan(self, seconds: float, enough: Callable[[NearbyDevice], bool]) -> Sequence[NearbyDevice]:
        """Scan for `seconds` and return the devices found. The scan ends early once `enough` returns True for a device.

        Raises `BluetoothUnavailable`.
        """
        return await scan(self.adapter, seconds, enough)

    async def forget(self, address: str) -> None:
        """Make BlueZ forget the device and its bond. Does nothing on other systems, which offer no way to do so."""
        if self._is_systems and await drop_bond(address):
            log.info("BlueZ has forgotten the band, with its bond")

    def meet(self, address: str, driver: Driver, session: Session) -> AbstractAsyncContextManager[FirstMeeting]:
        """Connect and log in, bonding if the band asks for it; disconnect at the end of the block.

        Raises `DeviceError` and `BluetoothUnavailable`. If the passkey was wrong, or nobody typed it, the error is a
        `NotAuthorised` whose message says so.
        """
        if self._is_systems:
            return self._meet_real(address, driver, session)
        return self._meet_without_agent(address, driver, session)

    @contextlib.asynccontextmanager
    async def _meet_without_agent(
        self, address: str, driver: Driver, session: Session
    ) -> AsyncGenerator[FirstMeeting, None]:
        async with AsyncExitStack() as stack:
            yield await self._logged_in(stack, address, driver, Progress(session, self.person), None)

    @contextlib.asynccontextmanager
    async def _meet_real(self, address: str, driver: Driver, session: Session) -> AsyncGenerator[FirstMeeting, None]:
        """Meet a real band while an agent answers BlueZ. If a failed log-in made a bond, try again over the bond."""
        progress = Progress(session, self.person)
        async with pairing_agent(address, self.person) as agent, AsyncExitStack() as stack:
            try:
                try:
                    meeting = await self._logged_in(stack, address, driver, progress, agent)
                except DeviceError:
                    if not await agent.made_a_bond():
                        raise
                    log.debug("once more, over the new bond")
                    meeting = await self._logged_in(stack, address, driver, progress, None)
                await _await_bond(agent, address, meeting.dialogue.conversation)
            except DeviceError as error:
                await stack.aclose()
                if (why := await _undone(agent, address)) is not None:
                    raise NotAuthorised(why) from error
                raise
            made = not agent.had_bond and await bonded(address)
            yield FirstMeeting(await identity(address), meeting.dialogue, meeting.readings, made)

    async def _logged_in(
        self, stack: AsyncExitStack, address: str, driver: Driver, progress: Progress, agent: Agent | None
    ) -> FirstMeeting:
        """Close the connection in `stack`, open a new one there, log in, and return this meeting.

        Without an `agent` nobody answers if the band asks for a passkey. Raises as `connect` and `dialogue` do.
        """
        await stack.aclose()
        connection = await stack.enter_async_context(connect(self.adapter, address, CONNECT_WITHIN))
        now = self.now if self.passed is None else steady(self.now, self.passed)
        conversation = Conversation(connection, zone=self.zone, now=now, bonds=self._is_systems)
        readings: list[Reading] = []

        async def commit(batch: Sequence[Reading]) -> None:
            readings.extend(batch)

        log_in = stack.enter_async_context(dialogue(driver, conversation, progress.session_over(conversation), commit))
        return FirstMeeting(address, await _settled(log_in, agent, progress), readings)


class Progress:
    """What the log-ins of one meeting have come to, so that a second one goes on from where the first one was."""

    def __init__(self, session: Session, person: Person) -> None:
        self._session, self._person = session, person
        self.waits_for_person = False
        """Whether the band has begun to wait for its wearer's tap, or for digits that are typed here."""

    def session_over(self, conversation: Conversation) -> Session:
        """Return the session for the next log-in, over this conversation, with what was kept in earlier ones."""

        async def passkey(within: timedelta) -> int | None:
            self.waits_for_person = True
            try:
                return await conversation.run(self._person.passkey(), within.total_seconds())
            except NoReply:
                return None

        return replace(self._session, keep=self._keep, tap=self._tap, passkey=passkey)

    async def _keep(self, secret: bytes) -> None:
        await self._session.keep(secret)
        self._session = replace(self._session, secret=secret)

    def _tap(self) -> None:
        self.waits_for_person = True
        self._session.tap()


async def _await_bond(agent: Agent, address: str, conversation: Conversation) -> None:
    """Return once the bond is made that BlueZ asked a person about; at once if it asked nothing.

    A driver can log in without a bond, where only what follows needs one. Raises `LinkLost` if the link ends first,
    which is how a band answers a wrong passkey, and `NoReply` after `BONDED_WITHIN_S` or a refusal.
    """

    async def made() -> None:
        while not await bonded(address):
            if agent.unanswered:
                raise NoReply("the band was not bonded")
            await asyncio.sleep(0.2)

    if agent.asked:
        await conversation.run(made(), BONDED_WITHIN_S)


async def _undone(agent: Agent, address: str) -> str | None:
    """Drop the bond unless it is older than this pairing.

    Returns the message if the log-in failed for want of the right passkey, and None if it failed for another reason.
    """
    made = await bonded(address)
    if not agent.had_bond:
        await drop_bond(address)
    if agent.unanswered:
        return _UNANSWERED.format(address=address)
    return _WRONG_PASSKEY if agent.asked and not made else None


async def _settled(
    log_in: Coroutine[object, object, OpenDialogue], agent: Agent | None, progress: Progress
) -> OpenDialogue:
    """Return the dialogue that a log-in opens.

    Raises what the log-in raises, and `NoReply` if the log-in has not ended `SETTLE_S` after the agent's answer to
    BlueZ, or `TAP_WITHIN_S` later if the band waits for its wearer. After a refusal it raises `NoReply` at once. With
    no agent there is no time limit.
    """
    work = asyncio.ensure_future(log_in)
    answered = asyncio.ensure_future(agent.answered.wait() if agent is not None else asyncio.Event().wait())
    try:
        await asyncio.wait({work, answered}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done() and agent is not None and not agent.unanswered:
            await asyncio.wait({work}, timeout=SETTLE_S)
            if progress.waits_for_person:
                await asyncio.wait({work}, timeout=TAP_WITHIN_S)
        if not work.done():
            raise NoReply("the band did not go on after it was bonded: try again")
        return work.result()
    finally:
        for task in (work, answered):
            task.cancel()
        await asyncio.wait({work, answered})
