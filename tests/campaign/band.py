"""The band's process of the campaign: a simulated Mi Band that deletes from its memory what is acknowledged.

It obeys messages on a socket, one JSON object each, and answers each::

    {"do": "new", ...}     a fresh band (the fields are those of `Wish`); answers {"transport": ...}
    {"do": "held"}         {"held": minutes in its memory, "erased": those acknowledged, "shown": texts that it showed}
    {"do": "gone"}         the band's controller ends every connection, and takes no new one
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hipsync.host.clock import SystemClock
from hipsync.model import MINUTE, Epoch, State
from hipsync.radio.simulation import serve
from hipsync.simulated import HangUp, Notification
from hipsync_devices.huami import packets
from hipsync_devices.huami.sim import MiBand

NOW = SystemClock().now
ADDRESS = "C0:00:00:00:00:01"


@dataclass(slots=True)
class Wish:
    """What a band is to be like, and what it does wrong. A notification is counted from 0; -1 is never."""

    key: str
    """The band's key in hexadecimal digits."""
    minutes: Sequence[tuple[int, int]] = ()
    """Its memory: (minute since 1970, steps)."""
    gone: Sequence[int] = ()
    """Those of the minutes that it has forgotten already."""
    round: int = 60
    cut_at: int = -1
    """The notification in whose place the link ends, once."""
    stall_at: int = -1
    """The notification from which on the band is silent, until its connection ends, once."""
    noise_from: int = -1
    """The notification from which on what it sends is replaced by noise, until its connection ends, once."""
    refuse: int = 0
    """How many fetches it refuses."""
    credulous: bool = False
    """Whether it lets in everybody, whatever the proof, as an impostor would."""
    seed: int = 0


class Faulty(MiBand):
    """A Mi Band that cuts, stalls or sends noise at a notification."""

    wish = Wish("")
    said = 0
    silent = False
    leaked = False
    """Whether a client has sent the band its key."""

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        self.leaked = self.leaked or bytes.fromhex(self.wish.key) in data
        super().write(characteristic, service, data, now)

    def _judge(self, proof: bytes, crypt: int) -> None:
        if self.wish.credulous:
            self._authenticated = True
            self._reply(packets.ANSWER_CHALLENGE, packets.SUCCESS, crypt)
        else:
            super()._judge(proof, crypt)

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        out: list[Notification | HangUp] = []
        for event in super().advance(now):
            number, self.said = self.said, self.said + 1
            if number == self.wish.cut_at:
                return [*out, HangUp()]
            self.silent = self.silent or number == self.wish.stall_at
            if not self.silent:
                out.append(self._garbled(event, number))
        return out

    def _garbled(self, event: Notification | HangUp, number: int) -> Notification | HangUp:
        if isinstance(event, HangUp) or not 0 <= self.wish.noise_from <= number:
            return event
        noise = random.Random(f"{self.wish.seed} {number}")
        data = bytearray(event.data)
        match noise.randrange(5):
            case 0:
                data = bytearray(noise.randbytes(noise.randrange(21)))
            case 1:
                data = data[: noise.randrange(len(data) + 1)]
            case 2:
                data += noise.randbytes(noise.randrange(1, 5))
            case _:
                if data:
                    data[noise.randrange(min(len(data), 15))] ^= 1 << noise.randrange(8)
        return event._replace(data=bytes(data))

    def disconnected(self, now: datetime) -> None:
        self.wish.noise_from, self.silent = -1, False
        self.wish.stall_at = -1 if self.said > self.wish.stall_at else self.wish.stall_at
        super().disconnected(now)


def made(wish: Wish) -> Faulty:
    """Return a band with this memory and these faults."""
    gone = frozenset(wish.gone)
    life = [
        Epoch(
            datetime.fromtimestamp(at * 60, UTC), MINUTE, steps, 20 + steps, 70,
            State.WALKING if steps else State.SITTING,
        )
        for at, steps in wish.minutes
        if at not in gone
    ]  # fmt: skip
    now = NOW()
    late = max((each.end for each in life), default=now) - now
    band = Faulty(
        life, now=now + max(late, timedelta(0)), zone=ZoneInfo("UTC"), secret=bytes.fromhex(wish.key),
        deletes_on_ack=True, round_minutes=wish.round,
    )  # fmt: skip
    band.wish = wish
    if wish.refuse:
        band.faults.refuse_fetch, band.faults.times = 0x04, wish.refuse
    return band


def told(band: Faulty) -> Mapping[str, Any]:
    minutes = {"held": band.memory(), "erased": band.erased}
    return {
        **{key: [int(at.timestamp()) // 60 for at in each] for key, each in minutes.items()},
        "shown": [shown.text for shown in band.shown if shown.text],
        "said": band.said,
        "leaked": band.leaked,
    }


async def main(asked: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    asked.setblocking(False)
    async with AsyncExitStack() as stack:
        band: Faulty | None = None
        while message := await loop.sock_recv(asked, 1 << 22):
            order = json.loads(message)
            answer: Mapping[str, Any] = {}
            match order.pop("do"):
                case "new":
                    await stack.aclose()
                    band = made(Wish(**order))
                    bands = serve([band], "tcp-server:127.0.0.1:0", NOW, addresses=[ADDRESS])
                    answer = {"transport": await stack.enter_async_context(bands)}
                case "gone":
                    await stack.aclose()
                case "held" if band is not None:
                    answer = told(band)
                case _:
                    raise ValueError(message)
            await loop.sock_sendall(asked, json.dumps(answer).encode())


if __name__ == "__main__":
    asyncio.run(main(socket.socket(fileno=int(sys.argv[1]))))
