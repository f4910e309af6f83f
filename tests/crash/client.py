"""hipsync's process of the crash test: a sync for each line on stdin, in a child process that can be killed.

    FAMILY TRANSPORT DATABASE right|swapped      answers "PID", "open" when the radio is open, and "ended STATUS"

`swapped` is the error that the test must notice: the driver goes on before the batch is stored.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from crash.band import ADDRESS, KEY, NOW
from hipsync.core.exercises import Move
from hipsync.errors import HipsyncError
from hipsync.model import Prompt, Where
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.simulation import bumble_adapter
from hipsync.registry import drivers
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync_devices.huami import protocol
from support.swapped import committed_late

protocol.BETWEEN_ROUNDS *= 0
NAMES = {"huami": "Mi Smart Band 5", "xiaomi": "Xiaomi Smart Band 9 Active 21D0", "garmin": "v\u00edvosmart 5"}


async def nowhere(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
    return []


async def sync(family: str, transport: str, path: Path) -> None:
    known = drivers()
    with Store.open(path) as store:
        if not store.bands():
            store.add_band(
                name="band", driver=family, address=ADDRESS, advertised_name=NAMES[family], now=NOW, simulated=True
            )
        async with bumble_adapter(transport) as radio:
            print("open", flush=True)
            settings = replace(settings_of(Config(), "UTC"), erase=True)
            service = Service(
                store,
                settings,
                radio=BleakRadio(radio),
                drivers=known,
                secret=lambda _: KEY,
                deliver=nowhere,
                now=lambda: NOW,
            )
            async with service.connector.talk(store.bands()[0]):
                pass


def main() -> None:
    for line in sys.stdin:
        family, transport, path, order = line.split()
        pid = os.fork()
        if pid == 0:
            print(os.getpid(), flush=True)  # here, or its "open" may come first
            if order == "swapped":
                patch("hipsync.conversation.dialogue.all_committed", committed_late).start()  # the error, on purpose
            try:
                asyncio.run(sync(family, transport, Path(path)))
            except HipsyncError as error:
                print("failed", error, file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print("ended", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
