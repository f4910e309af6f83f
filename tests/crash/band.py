"""The band's process of the crash test: a simulated Mi Band that deletes from its memory what is acknowledged.

It obeys lines on stdin and answers each with a line on stdout:

    new SEED CUT    a fresh band with 2,000 minutes that ends the link in place of its CUT-th notification (-1: never);
                    answers with the transport by which it is reached
    held            answers with JSON: the minutes that it still has, and those that it erased, counted from 1970
    quit
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hipsync.model import MINUTE, Epoch
from hipsync.radio.simulation import serve
from hipsync.simulated import HangUp, Notification
from hipsync_devices.huami.sim import MiBand

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTES = 2000
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
ADDRESS = "C0:00:00:00:00:01"
ROUND = 150
"""Minutes that the band sends in a round: few, so that a sync has many rounds with a commit and an acknowledgement."""


class CutBand(MiBand):
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


def life(seed: int) -> list[Epoch]:
    noise = random.Random(seed)
    start = NOW - MINUTES * MINUTE
    return [Epoch(start + i * MINUTE, MINUTE, noise.randrange(120), noise.randrange(200)) for i in range(MINUTES)]


async def main() -> None:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        band: CutBand | None = None
        while True:
            command, *words = (await loop.run_in_executor(None, sys.stdin.readline)).split() or ["quit"]
            if command == "new":
                await stack.aclose()
                band = CutBand(
                    life(int(words[0])),
                    now=NOW,
                    zone=ZoneInfo("UTC"),
                    secret=KEY,
                    deletes_on_ack=True,
                    round_minutes=ROUND,
                )
                band.cut_at = int(words[1])
                bands = serve([band], "tcp-server:127.0.0.1:0", lambda: NOW, addresses=[ADDRESS])
                print(await stack.enter_async_context(bands), flush=True)
            elif command == "held" and band is not None:
                held = {"held": band.memory(), "erased": band.erased}
                print(json.dumps({key: [int(at.timestamp()) // 60 for at in held[key]] for key in held}), flush=True)
            else:
                return


if __name__ == "__main__":
    asyncio.run(main())
