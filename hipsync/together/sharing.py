"""Shares what this computer knows with the wearer's others, and asks them who shows a reminder.

What passes the messages is a `Channel`: a broker, or the database of a fleet. The past is asked for a day at a time,
because a broker keeps few messages waiting; and all of it again each hour, so that what was dropped on the way comes
after all. The one rule: whatever becomes of the channel, a reminder waits for seconds at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import AbstractAsyncContextManager
from functools import partial

from hipsync.ending import ended, in_thread
from hipsync.errors import HipsyncError, StoreError
from hipsync.formats.shared import LONGEST_BYTES, packed
from hipsync.host.clock import Clock
from hipsync.model import Occasion
from hipsync.store import Store
from hipsync.together.channel import REFUSED, Channel, Message, Subscription
from hipsync.together.claims import EXPIRES_S as CLAIM_EXPIRES_S
from hipsync.together.claims import Claim, Claims, claim_message, claim_of
from hipsync.together.intake import Intake
from hipsync.together.outgoing import EXPIRES_S, Reach, days_until, gathered
from hipsync.together.topics import ONLINE, Kind, Part, Topics

log = logging.getLogger(__name__)

Opened = Callable[[], AbstractAsyncContextManager[Channel]]

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""Seconds until the connection is tried again, doubled each time, up to the longest."""
LOOK_S = 1.0
"""Seconds between two looks at whether something was stored."""
RECENT_EVERY_S, ALL_EVERY_S = 60.0, 600.0
"""Seconds after which bands' days that changed are told: those of today and yesterday, and all. Those of today are told
at once when a reminder is due."""
ASK_EVERY_S, ASK_SOON_S = 3600.0, 300.0
"""Seconds after which all that the channel keeps is asked for again, and the same where something was not taken in."""
MARK_WITHIN_S, MARK_AGAIN_S = 5.0, 0.3
"""Seconds that the channel has to send what it keeps of a day, and the same once it did not say in time that it had."""
HEAD_START_S = 3.0
"""Seconds for which a computer with nobody at it lets others claim first."""
CLAIM_WITHIN_S = 2.0
"""Seconds that the channel has to pass on a claim. Then the computer speaks: twice is better than never."""
READY_WITHIN_S = 5.0
"""Seconds for which a computer that has just begun waits until it knows what the others have said."""
ROW_WITHIN_S = 3.0
"""Seconds for which a computer that lost waits for what the other one showed."""


class Sharing:
    """What is shared by one channel."""

    def __init__(self, store: Store, clock: Clock, topics: Topics, look: Callable[[], None]) -> None:
        """`look` lets the service look at once at what came from another computer."""
        self._store, self._clock, self._topics, self._look = store, clock, topics, look
        self._intake = Intake(store, topics, clock.now, clock.passed)
        self._claims, self._run = Claims(), secrets.token_hex(8)
        self._link: _Link | None = None
        self._ready = asyncio.Event()
        """Whether all that the channel kept was heard once, or a connection failed."""
        self.why: str | None = None
        """Why nothing is shared now; None if all is well, or nothing was tried yet."""

    @contextlib.asynccontextmanager
    async def sharing(self, opened: Opened) -> AsyncGenerator[None, None]:
        """Share during the block. `opened` opens the channel; it is called again whenever that was lost."""
        task = asyncio.create_task(self._keep(opened), name="share")
        try:
            yield
        finally:
            await ended(task)

    def trouble(self) -> str | None:
        """What keeps this computer and the others from being equal; None if nothing does."""
        if self.why is not None:
            return f"nothing is shared: {self.why}"
        try:
            removed = self._intake.removed()
        except HipsyncError:  # the service meets and reports it
            return None
        names = ", ".join(repr(band.name) for band, _ in removed)
        if not removed:
            return None
        return (
            f"{names}: removed with its data on another computer; `hipsync bands forget NAME --with-data` does so here"
        )

    def refused(self) -> Collection[str]:
        """The topics at which the channel does not let us write."""
        return () if self._link is None else self._link.refused

    def others(self) -> list[str] | None:
        """The wearer's other computers that are online; None while nothing can be shared."""
        return None if self._link is None else sorted(self._link.others)

    async def speaks(self, occasion: Occasion, *, is_there: bool) -> bool:
        """Whether this computer is the one to show a reminder of an occasion; `is_there` is whether a person is at it.

        It takes some seconds at most, and is true if the channel is away. It raises nothing.
        """
        try:
            return await self._is_first(occasion, is_there=is_there)
        except HipsyncError as error:
            log.debug("nobody says who shows a reminder: %s", error)
            return True

    async def _is_first(self, occasion: Occasion, *, is_there: bool) -> bool:
        """As `speaks`. Raises `HipsyncError` if the channel is lost on the way."""
        await self._until_ready()
        link, passed = self._link, self._clock.passed
        if link is None or self._claims.waited_in_vain(occasion, passed()):
            self._claims.speak(occasion)
            return True
        mine = Claim(self._topics.host, self._run, occasion)
        if self._claims.holder(occasion, passed()) is None and not is_there and link.others:
            link.hurry()  # where somebody is, they must know the minutes by which it is due
            await link.until_claimed(occasion, HEAD_START_S)
        if self._claims.holder(occasion, passed()) is None:
            await link.claim(mine, int(self._clock.now().timestamp()))
        if self._claims.holder(occasion, passed()) in {None, mine}:
            self._claims.speak(occasion)
            return True
        self._claims.lose(occasion, passed())
        await link.until_taken(ROW_WITHIN_S)
        return False

    async def _until_ready(self) -> None:
        """Wait until this computer has heard what the others said before it began; not if the channel is away."""
        if self.why is None and not self._ready.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READY_WITHIN_S):
                    await self._ready.wait()

    async def _keep(self, opened: Opened) -> None:
        """Connect, again and again, until it is cancelled."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._connect(opened)
            except HipsyncError as error:
                log.log(logging.DEBUG if self.why else logging.WARNING, "nothing is shared: %s", error)
                self.why = str(error)
                self._ready.set()
            except Exception as error:  # a bug must not end the service, nor the home's part of it
                log.exception("a bug in hipsync; the service goes on")
                self.why = str(error)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _connect(self, opened: Opened) -> None:
        async with opened() as channel:
            log.info("everything is shared with the wearer's other computers")
            self.why = None
            self._intake.forget_held()
            self._link = _Link(channel, self._topics, self._store, self._clock, self._claims, self._intake, self._look)
            try:
                await self._link.run(self._ready)
            finally:
                self._link = None


class _Link:
    """One connection, until it is lost."""

    def __init__(
        self,
        channel: Channel,
        topics: Topics,
        store: Store,
        clock: Clock,
        claims: Claims,
        intake: Intake,
        look: Callable[[], None],
    ) -> None:
        self._channel, self._topics, self._store, self._clock = channel, topics, store, clock
        self._claims, self._intake, self._look = claims, intake, look
        self.others: set[str] = set()
        """The wearer's other computers that are online."""
        self._mark, self._marked, self._dropped = b"", asyncio.Event(), 0
        self._hurry = asyncio.Event()
        self._heard, self._claimed, self._taken = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._too_long: set[Part] = set()
        self.refused: set[str] = set()
        """Topics at which the channel does not let us write."""

    async def run(self, ready: asyncio.Event) -> None:
        """Serve the connection; `ready` is set when all that the channel kept was taken in.

        Raises `HipsyncError` when it is lost.
        """
        topics = self._topics
        live = [topics.claim, topics.ask, *(topics.part_topics(kind) for kind in Kind)]
        await self._channel.subscribe([Subscription(topic, kept=False) for topic in live])
        await self._channel.subscribe([Subscription(topics.host_topic("+"))])
        work = {"hear": self._hear(), "take in": self._keep_taking(), "ask and send": self._ask_and_tell(ready)}
        tasks = {asyncio.create_task(each, name=name) for name, each in work.items()}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await ended(*tasks)

    def hurry(self) -> None:
        """Tell what bands told lately now, and not after a while."""
        self._hurry.set()

    # -------------------------------------------------------------- who speaks

    async def claim(self, mine: Claim, at_s: int) -> None:
        """Claim, and wait for the first claim for the occasion that the channel passes on, or for `CLAIM_WITHIN_S`."""
        with contextlib.suppress(HipsyncError, TimeoutError):
            async with asyncio.timeout(CLAIM_WITHIN_S):
                message = claim_message(mine, at_s)
                await self._channel.publish(self._topics.claim, message, retain=False, expires_s=CLAIM_EXPIRES_S)
                await self.until_claimed(mine.occasion, CLAIM_WITHIN_S)

    async def until_claimed(self, occasion: Occasion, within_s: float) -> None:
        """Wait until somebody has claimed for an occasion, for so many seconds at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._claims.holder(occasion, self._clock.passed()) is None:
                    self._claimed.clear()
                    await self._claimed.wait()

    async def until_taken(self, within_s: float) -> None:
        """Wait until something that another computer told has changed the store, for so many seconds at most."""
        self._taken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._taken.wait()

    # -------------------------------------------------------------- hearing

    async def _hear(self) -> None:
        async for message in self._channel.messages():
            if message.topic == self._topics.claim:
                self._hear_claim(message)
            elif message.topic == self._topics.ask:
                if message.payload == self._mark:
                    self._marked.set()
            elif (host := self._topics.host_of(message.topic)) is not None:
                if host != self._topics.host:
                    (self.others.add if message.payload == ONLINE.encode() else self.others.discard)(host)
            elif (part := self._topics.part_of(message.topic)) is not None:
                self._intake.put(part, message.payload)
                self._heard.set()

    def _hear_claim(self, message: Message) -> None:
        claim = None if message.retained else claim_of(message.payload)
        if claim is not None:
            self._claims.heard(claim, self._clock.passed())
            self._claimed.set()

    async def _keep_taking(self) -> None:
        """Take in what was heard, one part after the other."""
        while True:
            self._heard.clear()
            while (changed := await self._intake.take_next()) is not None:
                if changed:
                    self._taken.set()
                    self._look()
                await asyncio.sleep(0)
            await self._heard.wait()

    # -------------------------------------------------------------- asking and telling

    async def _ask_and_tell(self, ready: asyncio.Event) -> None:
        await self._ask()
        ready.set()
        asked_s = all_s = recent_s = self._clock.passed()
        seen, waits = await self._tell(Reach.ALL), Reach.SAID
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._hurry.wait()
            passed = self._clock.passed()
            if passed - asked_s >= (ASK_EVERY_S if self._has_all else ASK_SOON_S):
                await self._ask()
                asked_s = passed
            with contextlib.suppress(StoreError):  # it is locked: the service meets and reports it
                if self._known() != seen:
                    seen, waits = await self._tell(Reach.SAID), Reach.ALL
                if waits is Reach.ALL and passed - all_s >= ALL_EVERY_S:
                    seen, waits = await self._tell(Reach.ALL), Reach.SAID
                    all_s = recent_s = passed
                elif self._hurry.is_set() or (waits is Reach.ALL and passed - recent_s >= RECENT_EVERY_S):
                    self._hurry.clear()
                    seen, recent_s = await self._tell(Reach.RECENT), passed

    async def _ask(self) -> None:
        """Ask for all that the channel keeps, a day at a time, and wait until it is taken in."""
        self._dropped = self._channel.dropped
        self._intake.begin_anew()
        ours, within_s = self._topics, MARK_WITHIN_S
        days = [
            [ours.part_topics(kind, day) for kind in (Kind.SAID, Kind.DAY)] for day in days_until(self._clock.now())
        ]
        for topics in [[ours.part_topics(Kind.LASTS)], *days]:
            self._mark = secrets.token_hex(8).encode()
            self._marked.clear()
            await self._channel.subscribe([Subscription(topic) for topic in topics])
            await self._channel.publish(ours.ask, self._mark, retain=False)
            try:
                async with asyncio.timeout(within_s):
                    await self._marked.wait()
            except TimeoutError:  # the channel lets us not write or read there
                within_s = MARK_AGAIN_S
            if topics in days:
                await self._channel.unsubscribe(topics)
            await self._intake.until_taken()

    @property
    def _has_all(self) -> bool:
        """Whether all that the channel sent since it was asked last was heard and taken in."""
        return self._intake.is_whole and self._dropped == self._channel.dropped

    def _known(self) -> object:
        """What changes if there may be something to tell. Raises `StoreError`."""
        return self._store.state_of_file(), self._intake.removed()

    async def _tell(self, reach: Reach) -> object:
        """Tell what the channel does not hold yet, and return what was known before. Raises `StoreError`."""
        seen, now = self._known(), self._clock.now()
        removed = {band.id for band, _ in self._intake.removed()}
        found = await in_thread(lambda: gathered(self._store, self._topics.host, removed, now, reach))
        held = self._intake.held
        for part, content, digest in found.to_tell(held):
            await self._put(part, await in_thread(partial(packed, content)), digest)
        for part in found.to_take_back(held):
            await self._put(part, b"", None)
        return seen

    async def _put(self, part: Part, payload: bytes, digest: str | None) -> None:
        topic = self._topics.part_topic(part)
        if len(payload) > LONGEST_BYTES:
            level = logging.DEBUG if part in self._too_long else logging.WARNING
            log.log(level, "%s is too long to be shared: %d bytes", topic, len(payload))
            self._too_long.add(part)
            return
        expires_s = None if part.kind is Kind.LASTS else EXPIRES_S
        code = await self._channel.publish(topic, payload, retain=True, expires_s=expires_s)
        if code < REFUSED:
            self._intake.held.note(part, digest)
        elif topic not in self.refused:
            self.refused.add(topic)
            level = logging.WARNING if len(self.refused) == 1 else logging.DEBUG
            log.log(level, "not shared: hipsync may not write to %s; `hipsync status` says more", topic)
