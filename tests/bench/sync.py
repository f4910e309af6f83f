"""Fetching 30 days of minutes from a simulated Mi Band, beside a client that throws them away.

One process, a Bluetooth stack in software (`hipsync.radio.simulation`), 43,200 records of eight bytes in rounds of
2,000. At MTU 247, which later bands agree to, 30 records fit a notification; at MTU 23, where older ones stay, two.
Both run on an event loop whose pauses take no time, and are measured from the end of the login to the last reply.

*Ours*: `OpenDialogue.fetch` as `hipsync sync` runs it: the driver over its link, packets in order and checked, records
decoded, each round stored in SQLite by a thread before the next is asked for.

*Baseline*: a `BleakClient` on the same kind of band, on the same radio, which has logged in, and asks for the same
rounds. Its callback for the records does nothing, and they arrive in as many notifications. Added is the CPU that
SQLite needs to store these minutes, by a plain `executemany` of ready rows. The second line of an MTU is beside the
client alone, which stores nothing.

The ratio is of CPU time, the least of all runs, which are made in turn: waiting and other programs add nothing to it.
The simulated link delivers 30 records in the time of one packet; on the air the same bytes take a band from seconds to
minutes.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from bench import year
from bench.figure import Figure
from bench.store import connected, insert, rows_of
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Session
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Reading
from hipsync.radio.connect import connect
from hipsync.radio.scan import find
from hipsync.radio.simulation import SimulatedRadio, simulated_radio
from hipsync.testing.direct import run
from hipsync_devices.huami import DRIVER, packets
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.models import model_of
from hipsync_devices.huami.sim import MiBand

RUNS = 5
AIMS = {23: 1.4, 247: 1.75}
MONTH = 30 * 1440
NAME = "Mi Smart Band 5"
"""A band with records of eight bytes."""
KEY = bytes(range(16))
UTC_ZONE = ZoneInfo("UTC")
WITHIN = timedelta(seconds=30)


class Cost(NamedTuple):
    """The CPU time of one run, and how many notifications it received."""

    cpu_s: float
    """CPU seconds of the whole process, threads included."""
    notifications: int


def figures(folder: Path, minutes: int = MONTH, runs: int = RUNS) -> list[Figure]:
    return [figure for mtu in (23, 247) for figure in at_mtu(mtu, folder, minutes, runs)]


def at_mtu(mtu: int, folder: Path, minutes: int, runs: int) -> list[Figure]:
    now = year.system_now()
    ours: list[Cost] = []
    theirs: list[Cost] = []
    inserts_s: list[float] = []
    for number in range(runs):
        path = folder / f"sync-{mtu}-{number}.db"
        ours.append(run(partial(stored, minutes=minutes, path=path, mtu=mtu), now))
        theirs.append(run(partial(discarded, minutes=minutes, mtu=mtu), now))
        inserts_s.append(inserted_s(path, folder / f"again-{mtu}-{number}.db"))
    received = {cost.notifications for cost in ours + theirs}
    if len(received) > 1:
        raise AssertionError(f"the two sides did not receive the same: {sorted(received)} notifications")
    own_s, discarded_s = _cpu_s(ours), _cpu_s(theirs)
    floor_s = discarded_s + min(inserts_s)
    return [
        Figure(f"sync: {minutes:,} minutes at MTU {mtu}, CPU", own_s, "s", floor_s, AIMS[mtu]),
        Figure("sync: the same, beside a client that stores nothing", own_s, "s", discarded_s),
        Figure("sync: what is above the floor, a day", (own_s - floor_s) / minutes * 1440 * 1e3, "ms"),
    ]


def _cpu_s(costs: Sequence[Cost]) -> float:
    return min(cost.cpu_s for cost in costs)


def inserted_s(stored_at: Path, path: Path) -> float:
    """Return the CPU seconds of storing the minutes of a file in another one, by the baseline of `bench.store`."""
    rows = rows_of(stored_at)
    year.opened(path)[0].close()
    with closing(connected(path)) as db:
        start_s = time.process_time()
        insert(db, rows)
        return time.process_time() - start_s


async def stored(clock: FastClock, minutes: int, path: Path, mtu: int) -> Cost:
    """Sync as `hipsync sync` does, and return what that cost."""
    store, held = year.opened(path)

    async def commit(batch: Sequence[Reading]) -> None:
        await asyncio.to_thread(store.append, held, batch)

    session = Session(name=NAME, secret=KEY)
    async with on_the_air(clock, minutes, mtu) as air:
        with store:
            async with connect(air.adapter, air.addresses[0], WITHIN) as connection:
                conversation = Conversation(connection, zone=UTC_ZONE, now=clock.now)
                async with dialogue(DRIVER, conversation, session, commit) as opened:
                    cost = await cost_of(opened.fetch(commit), air)
            kept = len(store.epochs(held, clock.now() - minutes * MINUTE - MINUTE, clock.now()))
    if kept != minutes:
        raise AssertionError(f"{kept} of {minutes} minutes arrived")
    return cost


async def discarded(clock: FastClock, minutes: int, mtu: int) -> Cost:
    """Receive the same minutes as a client that discards them, and return what that cost."""
    async with on_the_air(clock, minutes, mtu) as air:
        seen = await find(air.adapter, air.addresses[0], WITHIN)
        if seen is None:
            raise AssertionError("the band does not advertise")
        async with BleakClient(seen.bleak_device, backend=air.adapter.client) as client:
            await log_in(client)
            return await cost_of(discard(client, clock.now(), minutes), air)


async def log_in(client: BleakClient) -> None:
    replies: asyncio.Queue[bytes] = asyncio.Queue()
    model = model_of(NAME)

    def replied(_: BleakGATTCharacteristic, data: bytearray) -> None:
        replies.put_nowait(bytes(data))

    await client.start_notify(packets.AUTHENTICATION, replied)
    request = bytes([packets.ASK_CHALLENGE | model.crypt, model.flag, 2, 1, 0])
    await client.write_gatt_char(packets.AUTHENTICATION, request, response=False)
    challenge = (await replies.get())[3:]
    proof = bytes([packets.ANSWER_CHALLENGE | model.crypt, model.flag]) + answer(KEY, challenge)
    await client.write_gatt_char(packets.AUTHENTICATION, proof, response=False)
    await replies.get()


async def discard(client: BleakClient, now: datetime, minutes: int) -> None:
    """Ask for one round of records after another, and wait for the end of each."""
    replies: asyncio.Queue[bytes] = asyncio.Queue()

    def replied(_: BleakGATTCharacteristic, data: bytearray) -> None:
        replies.put_nowait(bytes(data))

    await client.start_notify(packets.FETCH, replied)
    await client.start_notify(packets.DATA, lambda _characteristic, _data: None)
    left = minutes
    while left:
        await client.write_gatt_char(packets.FETCH, packets.encode_fetch(now - left * MINUTE, 0), response=False)
        left -= int.from_bytes((await replies.get())[3:7], "little")
        await client.write_gatt_char(packets.FETCH, bytes([packets.TRANSFER]), response=False)
        await replies.get()


@asynccontextmanager
async def on_the_air(clock: FastClock, minutes: int, mtu: int) -> AsyncGenerator[SimulatedRadio, None]:
    """Yield a radio in reach of a band that was paired before and remembers the last `minutes` minutes."""
    life = year.epochs(minutes)
    band = MiBand(life, now=life[-1].end, zone=UTC_ZONE, secret=KEY, name=NAME)
    async with simulated_radio([band], now=clock.now, mtu=mtu) as air:
        yield air


async def cost_of(work: Awaitable[None], air: SimulatedRadio) -> Cost:
    before = air.reception().notified
    gc.collect()
    gc.freeze()  # the month in the band's memory, which a process that syncs with a real band does not hold
    cpu_s = time.process_time()
    await work
    return Cost(time.process_time() - cpu_s, air.reception().notified - before)
