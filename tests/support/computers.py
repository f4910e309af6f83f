"""Computers of one wearer at one broker: a store each, and what shares it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from functools import partial

from hipsync.fleet.sharing import FleetSharing
from hipsync.home.bridge import Bridge
from hipsync.home.names import Names
from hipsync.host.clock import SystemClock
from hipsync.model import MINUTE, Band, Epoch, Occasion, Prompt
from hipsync.service.home_port import Home
from hipsync.settings.config import Config, Mqtt, Share
from hipsync.store import Store
from hipsync.store.rows import TIMES
from hipsync.together.claims import Claim, Claims, claim_message
from support.mosquitto import Mosquitto
from support.postgres import Postgres

ADDRESS = "C0:00:00:00:00:01"


class SetClock(SystemClock):
    """A clock that is ahead of the true one by some time."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self._ahead, self._skipped_s = ahead, 0.0

    def passed(self) -> float:
        return super().passed() + self._skipped_s

    def skip(self, seconds: float) -> None:
        """Let so many seconds have passed, though the time of day stays."""
        self._skipped_s += seconds

    def now(self) -> datetime:
        return super().now() + self._ahead


class AnyComputer:
    """A computer with a band of the wearer."""

    home: Home
    """What shares it."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self.store, self.clock, self.looks = Store.in_memory(), SetClock(ahead), 0

    def band(self, name: str = "desk-band", address: str = ADDRESS) -> Band:
        """Pair a band, as of a month ago."""
        added = self.minute(-30 * 24 * 60)
        return self.store.add_band(name=name, driver="huami", address=address, now=added, vouches=True)

    def minute(self, at: int = 0) -> datetime:
        """The start of a minute, so many minutes after the running one."""
        return self.clock.now().replace(second=0, microsecond=0) + at * MINUTE

    def hear(self, band: Band, start: int, count: int, steps: int = 3) -> None:
        """Store so many minutes of a band, from `start` minutes after now on."""
        self.store.append(band.id, [Epoch(self.minute(start + at), MINUTE, steps) for at in range(count)])

    def prompt(self) -> Prompt:
        """Store a prompt that is shown now."""
        now = self.clock.now().replace(microsecond=0)
        return self.store.add_prompt(Prompt(now, now, "hip-extension", sure=True, last_shown=now, host="x"))

    def look(self) -> None:
        self.looks += 1

    def rows(self) -> Mapping[str, object]:
        """All that is shared of the store; bands have their names of here."""
        with self.store.snapshot():  # a thread may add a band on the way
            names = {band.name: band.identity for band in self.store.bands()}
            tables = {
                table: sorted(
                    repr({**row, "band": names.get(str(row.get("band")))})
                    for row in self.store.rows_of(table, None, None)
                )
                for table in TIMES
            }
            return {"epochs": sorted((names[n] or n, *e) for n, e in self.store.all_epochs(None, None)), **tables}

    async def speaks(self, occasion: Occasion = Occasion.SITTING, *, is_there: bool = True) -> bool:
        return await self.home.speaks(occasion, is_there=is_there)

    @contextlib.asynccontextmanager
    async def on(self) -> AsyncGenerator[None]:
        async with self.home.running(self.look):
            yield

    def sees(self, *others: str) -> bool:
        """Whether it shares, and these other computers are online."""
        told = self.home.told()
        return isinstance(told, dict) and told["sharing"] == [*others]


class Computer(AnyComputer):
    """A computer that shares by a broker."""

    def __init__(self, broker: Mosquitto, host: str, ahead: timedelta = timedelta()) -> None:
        super().__init__(ahead)
        mqtt = Mqtt(host="127.0.0.1", port=broker.port, tls=False, share=Share.EVERYTHING)
        config = Config(desktop=False, mqtt=mqtt)
        self.home = self.bridge = Bridge(self.store, self.clock, lambda: config, {}, lambda _: Names("anna", host))


class FleetComputer(AnyComputer):
    """A computer that shares by a fleet's database."""

    def __init__(self, server: Postgres, login: str, host: str, ahead: timedelta = timedelta()) -> None:
        super().__init__(ahead)
        inner = Bridge(self.store, self.clock, lambda: Config(desktop=False), {}, lambda _: Names("anna", host))
        self.home = self.sharing = FleetSharing(inner, self.store, self.clock, server.dsn(login), host)


class Noted(Claims):
    """Claims that say which ones they heard; `NOTED` has those of all computers."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Claim] = []
        NOTED.append(self)

    def heard(self, claim: Claim, passed_s: float) -> None:
        super().heard(claim, passed_s)
        self.all.append(claim)


NOTED: list[Noted] = []


async def one_speaks_each_time(
    desk: AnyComputer, laptop: AnyComputer, times: int, say: Callable[[bytes], Awaitable[object]]
) -> None:
    """Let a reminder be due on both within 30 ms, so many times, and expect that one speaks: each of them now and then.

    Their claims are `Noted`. `say` says a message where claims are said: who heard one heard all claims before it.
    """
    spread, by = random.Random(1), [0, 0]

    async def due(computer: AnyComputer) -> bool:
        await asyncio.sleep(spread.random() * 0.03)
        return await computer.speaks()

    for number in range(times):
        found = await asyncio.gather(due(desk), due(laptop))
        assert sorted(found) == [False, True], (number, found)
        by[found.index(True)] += 1
        end = Claim("fence", str(number), Occasion.WARM_UP)
        await say(claim_message(end, 0))
        await until(partial(_all_heard, end))
        for computer in (desk, laptop):
            computer.clock.skip(60)
    assert all(by)


def _all_heard(claim: Claim) -> bool:
    return all(each.all[-1:] == [claim] for each in NOTED)


async def both_on(stack: AsyncExitStack, desk: AnyComputer, laptop: AnyComputer) -> None:
    """Let both share until the stack is closed, and wait until they know what was said before."""
    await stack.enter_async_context(desk.on())
    await stack.enter_async_context(laptop.on())
    await until(lambda: desk.sees("laptop") and laptop.sees("desk"))
    await asyncio.gather(desk.speaks(Occasion.MORNING), laptop.speaks(Occasion.MORNING))
    for each in (desk, laptop):
        each.clock.skip(60)


async def until_speaks(computer: AnyComputer, within_s: float = 5.0) -> None:
    """Wait until a computer speaks that lost a reminder to one of which nothing more is heard."""
    async with asyncio.timeout(within_s):
        while not await computer.speaks():  # noqa: ASYNC110  each try waits for the other computer by itself
            await asyncio.sleep(0.05)


def equal(*computers: AnyComputer) -> bool:
    first, *others = [each.rows() for each in computers]
    return all(each == first for each in others)


async def until(holds: Callable[[], bool], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  what is waited for is in a store
            await asyncio.sleep(0.02)
