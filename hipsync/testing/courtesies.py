"""The rule that a courtesy costs no steps, and the connection that withholds courtesies.

A driver says in `Driver.needs` which answers its steps depend on. Everything else that it reads, writes, subscribes to
or waits for is a courtesy: the clock, the battery, versions, languages. The rule takes them away one by one, in each
way that real bands do it, and at last all of them together. The one rule: the steps of the undisturbed conversation
come then too, and within a minute of when they came in it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Message
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Counter, Epoch
from hipsync.simulated import SimulatedBand
from hipsync.testing.case import ENDS_WITHIN, NOON, Case, watched_for
from hipsync.testing.direct import DirectConnection, MemoryStore, run

SOON = timedelta(seconds=1)
"""The time after a write within which notifications are taken for its answer, unless something else is asked first."""
LATE = timedelta(seconds=12)
"""How much later a late answer comes: after every driver has given it up."""
COSTS = timedelta(minutes=1)
"""The most time that withheld courtesies may cost one contact."""
WATCHED = timedelta(minutes=20)
"""How long a band that the service stays connected to is watched in each conversation."""
SURELY = timedelta(minutes=3)
"""Readings of the first and last minutes of a watch are not compared: how long a burst waits depends on its begin."""
MTU = 247
"""The MTU of these conversations in bytes. A command then comes in one write, which is known by its beginning."""


class Manner(Enum):
    """How a band withholds a courtesy."""

    SILENT = "does not answer"
    LATE = "answers late"
    REFUSES = "refuses"
    NONSENSE = "answers nonsense"
    EMPTY = "answers with nothing"


MANNERS: Mapping[str, Collection[Manner]] = {
    ">": (Manner.SILENT, Manner.LATE, Manner.REFUSES, Manner.NONSENSE, Manner.EMPTY),
    "=": (Manner.REFUSES, Manner.NONSENSE, Manner.EMPTY),
    "+": (Manner.REFUSES,),
    "-": (Manner.REFUSES,),
}
"""The manners that make a difference to a write, a read, and the begin and end of a subscription."""


class Operation(NamedTuple):
    """Something that a driver did: its sign as in `MANNERS`, the characteristic, and the data of a write."""

    sign: str
    characteristic: str
    data: bytes = b""


@dataclass(slots=True)
class Withheld:
    """Which courtesies a band withholds, and how.

    If `number` is given, it is the operation with that number, counted from 0, and each later one that is equal to it,
    or of which `alike` says the same need: a message that is sealed never comes twice with the same bytes.
    If `absent` is given, it is everything about that characteristic, which the band does not have. If neither is given
    and `needs` is, it is everything that is not needed.
    """

    manner: Manner = Manner.SILENT
    number: int | None = None
    absent: str | None = None
    needs: Collection[tuple[str, bytes]] | None = None
    alike: Collection[tuple[str, bytes]] = ()
    done: list[Operation] = field(default_factory=list[Operation])
    """What the driver has done so far."""

    def takes(self, operation: Operation) -> bool:
        """Note what the driver does, and return whether it is withheld."""
        self.done.append(operation)
        if self.number is not None:
            same = len(self.done) > self.number and operation == self.done[self.number]
            return same or (len(self.done) > self.number + 1 and is_needed(operation, self.alike))
        if self.absent is not None:
            return operation.characteristic == self.absent
        return self.needs is not None and not is_needed(operation, self.needs)

    def __str__(self) -> str:
        if self.absent is not None:
            return f"without the characteristic {self.absent}"
        if self.number is None:
            return f"where the band {self.manner.value} whatever the steps do not need"
        sign, characteristic, data = self.done[self.number]
        return f"where the band {self.manner.value}: {sign} {characteristic} {data.hex()}".rstrip()


def is_needed(operation: Operation, needs: Collection[tuple[str, bytes]]) -> bool:
    """Whether an operation is among those that a driver says it needs."""
    return any(
        operation.characteristic == uuid and (operation.sign != ">" or operation.data.startswith(begin))
        for uuid, begin in needs
    )


class CurtConnection(DirectConnection):
    """A direct connection to a band that withholds courtesies."""

    def __init__(self, band: SimulatedBand, now: Callable[[], datetime], withheld: Withheld) -> None:
        super().__init__(band, now, mtu=MTU)
        self._withheld, self._clock = withheld, now
        self._until: datetime | None = None
        """The instant up to which notifications are the answer to a write that is withheld."""

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return characteristic != self._withheld.absent and super().has(characteristic, service)

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        if not self._withheld.takes(Operation("=", characteristic)):
            return await super().read(characteristic, service)
        if self._withheld.manner in {Manner.NONSENSE, Manner.EMPTY}:
            return self._spoilt(await super().read(characteristic, service))
        raise DeviceError(f"the band refused a read of {characteristic}")

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        taken = self._withheld.takes(Operation(">", characteristic, data))
        if taken and self._withheld.manner is Manner.REFUSES and response:
            raise DeviceError(f"the band refused a write to {characteristic}")
        self._until = self._clock() + SOON if taken else None
        await super().write(characteristic, data, response, service)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        if self._withheld.takes(Operation("+", characteristic)):
            raise DeviceError(f"the band refused a subscription to {characteristic}")
        await super().start_notify(characteristic, partial(self._arrived, callback))

    async def stop_notify(self, characteristic: str) -> None:
        if self._withheld.takes(Operation("-", characteristic)):
            raise DeviceError(f"the band refused the end of a subscription to {characteristic}")
        await super().stop_notify(characteristic)

    def _arrived(self, callback: Callable[[bytes], None], data: bytes) -> None:
        if self._until is None or self._clock() > self._until:
            callback(data)
        elif self._withheld.manner is Manner.LATE:
            asyncio.get_running_loop().call_later(LATE.total_seconds(), callback, data)
        elif self._withheld.manner in {Manner.NONSENSE, Manner.EMPTY}:
            callback(self._spoilt(data))

    def _spoilt(self, data: bytes) -> bytes:
        return b"" if self._withheld.manner is Manner.EMPTY else bytes(byte ^ 0xFF for byte in data)


@dataclass(frozen=True, slots=True)
class Came:
    """What a conversation brought, and how long it took without the time in which the band was only watched."""

    store: MemoryStore
    took: timedelta

    def walked(self, first: datetime, last: datetime) -> dict[tuple[datetime, timedelta], int]:
        """Return the steps of the epochs in `[first, last)` that have steps, by their start and length."""
        epochs = self.store.of(Epoch)
        return {(e.start, e.length): e.steps for e in epochs if e.steps and first <= e.start and e.end <= last}

    def counted(self, until: datetime) -> int:
        """Return the highest count up to an instant; -1 if there is none."""
        return max((counter.steps for counter in self.store.of(Counter) if counter.at <= until), default=-1)


def a_silent_courtesy_costs_no_steps(case: Case) -> None:
    """Whatever the driver does not declare as needed may be silent, late, refused, nonsense or absent: steps come.

    What it does declare must make a difference. A driver that declares nothing (`needs` is None) is not judged. The
    courtesies that are taken away one by one are the places of which `Case.every` leaves out some.
    """
    needs = case.driver.needs
    if needs is None:
        return
    plain = Withheld()
    usual = _talk(case, plain)
    idle: set[tuple[str, bytes]] = set()
    mattered: set[tuple[str, bytes]] = set()
    courtesies: list[Withheld] = []
    for number, operation in enumerate(plain.done):
        if operation in plain.done[:number]:
            continue
        if is_needed(operation, needs):
            silent = Manner.SILENT if operation.sign == ">" else Manner.REFUSES
            named = {need for need in needs if is_needed(operation, {need}) and (operation.sign == ">" or not need[1])}
            lost = _lost(usual, _attempt(case, Withheld(silent, number, alike=named)))
            (mattered if lost else idle).update(named)
            continue
        courtesies += [Withheld(manner, number) for manner in MANNERS[operation.sign]]
    assert idle <= mattered, f"declared as needed, and steps come without it: {idle - mattered}"
    optional = {operation.characteristic for operation in plain.done} - {uuid for uuid, _ in needs}
    courtesies += [Withheld(absent=characteristic) for characteristic in sorted(optional)]
    for withheld in case.some(courtesies):
        _check(case, usual, withheld)
    for manner in Manner:
        _check(case, usual, Withheld(manner, needs=needs))
    _check_nudge(case, Withheld(needs=needs))


def _check(case: Case, usual: Came, withheld: Withheld) -> None:
    try:
        came = _talk(case, withheld)
    except DeviceError as error:
        raise AssertionError(f"{withheld}: no steps, because {error}") from error
    assert not (why := _lost(usual, came)), f"{withheld}: {why}"
    assert came.took <= usual.took + COSTS, f"{withheld}: it took {came.took} instead of {usual.took}"


def _lost(usual: Came, came: Came | None) -> str:
    """Say which steps of the usual conversation are missing in another one; nothing if none are."""
    if came is None:
        return "nothing came"
    ended = max([NOON, *(each.at for each in usual.store.of(Counter)), *(e.end for e in usual.store.of(Epoch))])
    for first, last in ((datetime.min.replace(tzinfo=NOON.tzinfo), NOON), (NOON + SURELY, ended - SURELY)):
        expected, found = usual.walked(first, last), came.walked(first, last)
        missing = {key: steps for key, steps in expected.items() if found.get(key) != steps}
        if missing:
            return f"{len(missing)} of {len(expected)} epochs with steps did not come"
    if came.counted(ended) < usual.counted(max(ended - SURELY, NOON)):
        return "the count did not come, or is not up to date"
    if usual.counted(ended) >= 0 > came.counted(datetime.max.replace(tzinfo=NOON.tzinfo)):
        return "no count came"
    return ""


def _attempt(case: Case, withheld: Withheld) -> Came | None:
    with contextlib.suppress(DeviceError):
        return _talk(case, withheld)
    return None


def _talk(case: Case, withheld: Withheld) -> Came:
    """Fetch from a band, and watch it if the service would stay connected. Raises `DeviceError`."""

    async def story(clock: FastClock) -> Came:
        band, store = case.band(), MemoryStore()
        connection = CurtConnection(band, clock.now, withheld)
        talk, session = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now), case.session(band, store)
        try:
            async with (
                asyncio.timeout(ENDS_WITHIN.total_seconds()),
                dialogue(case.driver, talk, session, store.commit) as opened,
            ):
                await opened.fetch(store.commit)
                took = clock.now() - NOON
                if opened.held:
                    await watched_for(opened, store, WATCHED)
        finally:
            connection.drop()
        return Came(store, took)

    return run(story, NOON)


def _check_nudge(case: Case, withheld: Withheld) -> None:
    """Raise `AssertionError` if a band that acknowledges nothing does not buzz, or if that ends in an error."""

    async def story(clock: FastClock) -> None:
        band, store = case.band(), MemoryStore()
        connection = CurtConnection(band, clock.now, withheld)
        talk, session = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now), case.session(band, store)
        try:
            async with dialogue(case.driver, talk, session, store.commit) as opened:
                for strong in (False, True) if opened.can_nudge else ():
                    before = len(band.shown)
                    await opened.nudge(Message("Time to move", "Walk", strong=strong, asks=False))
                    assert len(band.shown) > before, f"{withheld}: nobody felt the nudge"
        except DeviceError as error:
            raise AssertionError(f"{withheld}: a nudge failed, because {error}") from error
        finally:
            connection.drop()

    run(story, NOON)
