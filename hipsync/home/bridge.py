"""Keeps the home in touch with `hipsync run`: connects, connects again, and says whether that works.

The broker may be away for days. Then nothing is sent and nothing waits to be sent: on return the home is told how
things are, not how they were. The log has one line when the connection is lost and one when it is back. The one rule:
nothing here ends the service, and no prompt waits for the home longer than `SHOW_WITHIN_S`.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from hipsync.core.exercises import Move
from hipsync.ending import ended
from hipsync.errors import BrokerError, ConfigError, HipsyncError, NameTaken
from hipsync.formats.shared import LONGEST_BYTES
from hipsync.home.commands import Command
from hipsync.home.messages import prompt_message
from hipsync.home.names import Names, names_of
from hipsync.home.obeying import obey
from hipsync.home.place import broker_of
from hipsync.home.telling import Telling
from hipsync.host.clock import Clock
from hipsync.host.installed import with_extra
from hipsync.host.name import host_name
from hipsync.model import Occasion, Prompt
from hipsync.service.now import Now
from hipsync.service.state import State
from hipsync.settings.config import Config, Mqtt
from hipsync.store import Store
from hipsync.text import Json
from hipsync.together.sharing import Sharing

if TYPE_CHECKING:
    from hipsync.home.own_name import OwnName
    from hipsync.home.session import Session

log = logging.getLogger(__name__)

SHOW_WITHIN_S = 2.0
"""Seconds that the broker has to take a prompt: the band must not wait for it."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""Seconds until the connection is tried again, doubled each time, up to the longest."""
TAKEN_WAIT_S = 60.0
"""Seconds until it is asked again whether another program that came by our name is still there."""
NEEDS_EXTRA = "Home Assistant needs an extra (aiomqtt): `{}`"
"""What is said where the library for MQTT is not installed; with the command that installs it."""
SHARED_BYTES = LONGEST_BYTES + 1000
"""The most bytes of a message between the wearer's computers, with its topic."""
SHARED_WAITING = 500
"""The most messages between them that wait to be looked at: a day of ten computers and fifty bands."""
LASTED_S = 60.0
"""Seconds after which a connection counts as one that works, so that the next wait is short again."""


def this_host(mqtt: Mqtt) -> Names:
    """The names by the settings, for this user on this computer."""
    try:
        account = getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        account = ""
    return names_of(mqtt, account, host_name())


class Bridge:
    """The home, as the service sees it: it is told, and shown prompts. Off while no host is set."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        config: Callable[[], Config],
        families: Mapping[str, str],
        names: Callable[[Mqtt], Names] = this_host,
    ) -> None:
        """`config` returns the user's settings of now. `families` is as for `Telling`."""
        self._store, self._clock, self._config, self._names = store, clock, config, names
        self._telling = Telling(store, families)
        self._state: State | None = None
        self._session: Session | None = None
        self._changed = asyncio.Event()
        self._mqtt = Mqtt()
        """The settings by which the connection is kept."""
        self._why: str | None = None
        """Why there is no connection; None if there is one, or none was tried yet."""
        self._wait_s = FIRST_WAIT_S
        self._name: OwnName | None = None
        """What is known of our name at the broker; None until the first connection by these settings."""
        self._sharing: Sharing | None = None
        """What is shared with the wearer's other computers; None if nothing is."""

    # -------------------------------------------------------------- what the service asks

    def tell(self, state: State, now: Now) -> None:
        """Tell the home what is known now, as soon as that is due. It raises nothing and waits for nothing."""
        self._state = state
        self._telling.note(state, now)
        if self._session is not None:
            self._session.wake()
        if self._config().mqtt != self._mqtt:
            self._changed.set()

    async def show(self, prompt: Prompt, move: Move, strong: bool) -> bool:
        """Show a prompt in the home, and return whether it was: the broker took it, and Home Assistant is online."""
        session, state = self._session, self._state
        if session is None or state is None:
            return False
        try:
            async with asyncio.timeout(SHOW_WITHIN_S):
                return await session.show(prompt_message(prompt, move, state.zones, strong=strong))
        except (BrokerError, TimeoutError) as error:
            log.debug("the home was not shown a reminder: %s", error)
            return False

    async def speaks(self, occasion: Occasion, *, is_there: bool) -> bool:
        """Whether this computer, and none of the wearer's others, is to show a reminder that is due here."""
        if self._sharing is None or self._why is not None:
            return True
        return await self._sharing.speaks(occasion, is_there=is_there)

    def told(self) -> Json:
        """How things are with the broker, as an answer of the service; null if no host is set."""
        mqtt = self._config().mqtt
        if not mqtt.host:
            return None
        others = None if self._sharing is None else self._sharing.others()
        online = None if self._session is None else self._session.home_online
        return {
            "broker": f"{mqtt.host}:{mqtt.port}",
            "connected": self._session is not None,
            "home_assistant": None if online is None else "online" if online else "offline",
            "trouble": self.trouble(),
            "sharing": None if others is None else list[Json](others),
        }

    def trouble(self) -> str | None:
        """What keeps the home from being told; None if nothing does, or if no host is set."""
        if not self._config().mqtt.host:
            return None
        if self._session is not None and self._session.refused:
            return f"the broker refuses {', '.join(sorted(self._session.refused))}: `hipsync mqtt check` says more"
        if self._sharing is not None and (refused := self._sharing.refused()):  # hundreds, if it refuses any
            return f"the broker refuses {min(refused)}: `hipsync mqtt check` says more"
        return self._why or (None if self._sharing is None else self._sharing.trouble())

    @contextlib.asynccontextmanager
    async def running(self, look: Callable[[], None]) -> AsyncGenerator[None, None]:
        """Keep in touch with the home during the block. `look` lets the service look at once what an answer changed."""
        task = asyncio.create_task(self._keep(look), name="home")
        try:
            yield
        finally:
            await ended(task)

    # -------------------------------------------------------------- the connection

    async def _keep(self, look: Callable[[], None]) -> None:
        while True:
            self._changed.clear()
            self._mqtt = self._config().mqtt
            self._wait_s, self._why = FIRST_WAIT_S, None
            self._name = self._sharing = None
            work = self._keep_connected(look) if self._mqtt.host else asyncio.Event().wait()
            await _until(self._changed, asyncio.create_task(work, name="broker"))

    async def _keep_connected(self, look: Callable[[], None]) -> None:
        """Connect, again and again, until it is cancelled because the settings changed, or the service ends."""
        while True:
            begun = self._clock.passed()
            try:
                await self._connect(look)
            except HipsyncError as error:
                await asyncio.sleep(self._next_wait_s(error, self._clock.passed() - begun))
            except Exception as error:  # a bug must not end the service, nor the home's part of it
                log.exception("a bug in hipsync; the service goes on")
                await asyncio.sleep(self._next_wait_s(error, 0))

    def _next_wait_s(self, error: Exception, lasted_s: float) -> float:
        """Note why the connection ended, and return after how many seconds to try again."""
        log.log(logging.DEBUG if self._why else logging.WARNING, "Home Assistant hears nothing: %s", error)
        self._why = str(error)
        if lasted_s >= LASTED_S:
            self._wait_s = FIRST_WAIT_S
        if isinstance(error, NameTaken) and self._name is not None:
            self._name.is_taken = True
            return TAKEN_WAIT_S
        wait, self._wait_s = self._wait_s, min(2 * self._wait_s, LONGEST_WAIT_S)
        return wait

    async def _connect(self, look: Callable[[], None]) -> None:
        """Connect once, and serve the connection until it is lost. Raises `BrokerError`, and `ConfigError`."""
        try:
            from hipsync.home.broker import connected
            from hipsync.home.own_name import OwnName
            from hipsync.home.session import Session
        except ImportError as error:
            raise ConfigError(NEEDS_EXTRA.format(with_extra("mqtt"))) from error

        def do(command: Command) -> str:
            came = obey(self._store, command, self._clock.now(), self._config().snooze)
            look()
            return came

        name = self._name = self._name or OwnName()
        broker, names = broker_of(self._mqtt), self._names(self._mqtt)
        if self._mqtt.is_shared:
            self._sharing = self._sharing or Sharing(self._store, self._clock, names.shared, look)
        await name.refuse_taken(broker, names)
        async with connected(broker, names.client, names.shared.host_topic()) as connection:
            await name.leave_mark(connection, names)
            log.info("connected to the broker %s, for Home Assistant", broker.place)
            self._why = None
            session = Session(
                connection, names, version("hipsync"), self._telling, do, self._clock.now, self._clock.passed
            )
            self._session = session
            try:
                share = partial(
                    connected, broker, f"{names.client}-share", largest=SHARED_BYTES, waiting=SHARED_WAITING
                )
                async with contextlib.nullcontext() if self._sharing is None else self._sharing.sharing(share):
                    await session.run()
            finally:
                self._session = None


async def _until(event: asyncio.Event, work: asyncio.Task[object]) -> None:
    """Let work go on until an event, or until we are cancelled; then it is cancelled, and waited for."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({waiting, work}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await ended(waiting, work)
