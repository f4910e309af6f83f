"""The other process of the crash ring: a simulated Mi Band whose memory lives here, set to delete on acknowledgement.

    python band.py        says on stdout by which transport it is reached, then obeys lines on stdin:

    new SEED              a fresh band with 2,000 minutes; answers "ready"
    cut N                 end the link before the N-th notification from now on; answers "ready"
    held                  answers with JSON: the minutes that the band still holds and those it erased (Unix minutes)
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync_devices.huami.sim import MiBand

from hipsync.model import MINUTE, Epoch
from hipsync.simulation import Air, serve

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTES = 2000
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
ADDRESS = "C0:00:00:00:00:01"


def life(seed: int) -> list[Epoch]:
    noise = random.Random(seed)
    return [
        Epoch(NOW - (MINUTES - i) * MINUTE, MINUTE, noise.choice([0, 0, 0, noise.randrange(120)]), noise.randrange(200))
        for i in range(MINUTES)
    ]
