"""The band's process of the crash test: a simulated band that deletes from its memory what is acknowledged.

It obeys lines on stdin and answers each with a line on stdout:

    new FAMILY SEED CUT MINUTES
                           a fresh band with so many minutes, which ends the link in place of its CUT-th notification
                           (-1: never); answers with the transport by which it is reached
    held                   answers with JSON: the minutes that a Mi Band still has, and those that it erased, counted
                           from 1970; for a band that forgets whole files, how many it has forgotten
    quit

A real Garmin watch only marks a file as handed over; here it deletes it, which is the worst that may come of that.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.model import MINUTE, Epoch
from hipsync.radio.simulation import serve
from hipsync.simulated import HangUp, Notification
from hipsync_devices.garmin.sim import GarminWatch
from hipsync_devices.garmin.sim_memory import Memory
from hipsync_devices.huami.sim import MiBand
from hipsync_devices.simulator import ClientBand
from hipsync_devices.xiaomi.sim import SmartBand9Active

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTES = 2000
OF_FILES = 4 * 1440
"""The minutes of a band that keeps them in files of a day."""
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
ADDRESS = "C0:00:00:00:00:01"
ROUND = 150
"""Minutes that the band sends in a round: few, so that a sync has many rounds with a commit and an acknowledgement."""


class Cut(ClientBand):
    """A band that ends the link in place of its notification number `cut_at`, once; -1 is never."""

    cut_at = -1
    said = 0

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        out: list[Notification | HangUp] = []
        for event in super().advance(now):
            if self.said == self.cut_at:
                self.cut_at = -1
                return [*out, HangUp()]
            self.said += 1
            out.append(event)
        return out

    def told(self) -> object:
        """What the band says of its memory."""
        raise NotImplementedError


class CutMiBand(Cut, MiBand):
    def told(self) -> object:
        held = {"held": self.memory(), "erased": self.erased}
        return {key: [int(at.timestamp()) // 60 for at in instants] for key, instants in held.items()}


class CutXiaomi(Cut, SmartBand9Active):
    def told(self) -> object:
        return len(self.confirmed)


class ForgetfulMemory(Memory):
    """A watch's memory that deletes what is marked as handed over."""

    forgotten = 0

    def archive(self, index: int) -> bool:
        self.forgotten += index in self.stored
        return self.stored.pop(index, None) is not None


class CutGarmin(Cut, GarminWatch):
    def __init__(self, life: Sequence[Epoch], *, now: datetime, zone: ZoneInfo) -> None:
        super().__init__([], now=now, zone=zone)
        self.memory = self.forgetful = ForgetfulMemory(timedelta())
        for epoch in life:
            self.memory.keep(epoch.start, epoch)

    def told(self) -> object:
        return self.forgetful.forgotten


def life(seed: int, minutes: int) -> list[Epoch]:
    noise = random.Random(seed)
    start = NOW - minutes * MINUTE
    return [Epoch(start + i * MINUTE, MINUTE, noise.randrange(120), noise.randrange(200)) for i in range(minutes)]


def made(family: str, seed: int, minutes: int) -> CutMiBand | CutXiaomi | CutGarmin:
    utc = ZoneInfo("UTC")
    if family == "xiaomi":
        return CutXiaomi(life(seed, minutes), now=NOW, zone=utc, secret=KEY)
    if family == "garmin":
        return CutGarmin(life(seed, minutes), now=NOW, zone=utc)
    return CutMiBand(life(seed, minutes), now=NOW, zone=utc, secret=KEY, deletes_on_ack=True, round_minutes=ROUND)


async def main() -> None:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        band: CutMiBand | CutXiaomi | CutGarmin | None = None
        while True:
            command, *words = (await loop.run_in_executor(None, sys.stdin.readline)).split() or ["quit"]
            if command == "new":
                await stack.aclose()
                band = made(words[0], int(words[1]), int(words[3]))
                band.cut_at = int(words[2])
                bands = serve([band], "tcp-server:127.0.0.1:0", lambda: NOW, addresses=[ADDRESS])
                print(await stack.enter_async_context(bands), flush=True)
            elif command == "held" and band is not None:
                print(json.dumps(band.told()), flush=True)
            else:
                return


if __name__ == "__main__":
    asyncio.run(main())
