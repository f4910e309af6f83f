"""Both ends of a classic Huami conversation for tests: a played script for the driver, a logged-in client for the band.

Script(TEXT)          a `session.Connection` that plays a conversation written down by hand
met(connection, ...)  what a login and a fetch over it led to
client(band, now)     logs in to a simulated band by hand, without the driver
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Connection, Conversation
from hipsync.driver import Session
from hipsync.errors import DeviceError, LinkLost
from hipsync.host.clock import FastClock
from hipsync.model import Epoch, Reading
from hipsync.simulated import HangUp
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync_devices import gatt
from hipsync_devices.huami import DRIVER, packets
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.sim import MiBand

KEY = bytes.fromhex("d88ca0fef504cc82735f15feb6bf9b1f")
CHALLENGE = bytes.fromhex("689c1dd58a666f0f8c90a1a96e1ab3a3")
PROOF = bytes.fromhex("ce1c0135db39e61f1a27012fb907df3b")
"""The proof for `CHALLENGE` with `KEY`; all three are a Mi Band 2's own, as zviryatko/notifymi logged them."""

EVENING = datetime(2022, 12, 15, 19, 38, 53, tzinfo=UTC)
"""When the played conversations take place: 20:38:53 in Paris."""
LOGIN = f"""
    P 0009  02 00
    B 0009  10 02 01 {CHALLENGE.hex()}
    P 0009  03 00 {PROOF.hex()}
    B 0009  10 03 01
    P 2A2B  e6 07 0c 0f 14 26 35 04 00 00 04
    """
"""A log-in to a Mi Band 3, whose clock is then set to `EVENING` in Paris."""


def uuid(short: str) -> str:
    """Return the full UUID: a number like `2A2B` is on the Bluetooth base, one like `0009` on the vendor's."""
    number = int(short, 16)
    return gatt.uuid16(number) if number >= 0x1800 else packets.vendor(number)


class Script:
    """A connection that plays the band of a conversation, one step a line::

        P 0009  02 00        the phone must write this next; else the test fails
        B 0009  10 02 01     the band says this, if the phone has subscribed
        wait 3               seconds
        lost                 the band ends the connection

    What follows a `P` line happens once its bytes were written. Reads are answered from `reads`.
    """

    def __init__(self, text: str, reads: Mapping[str, bytes] | None = None, *, write_size: int = 20) -> None:
        self.lost = asyncio.Event()
        self.write_size = write_size
        self.wrong: list[str] = []
        self._lines = [line.strip() for line in text.splitlines() if line.strip()]
        self._reads = {uuid(short): data for short, data in (reads or {}).items()}
        self._callbacks: dict[str, Callable[[bytes], None]] = {}
        self._playing: list[asyncio.Task[None]] = []

    @property
    def left(self) -> list[str]:
        """The lines that were not played, and what was written in place of one."""
        return self._lines + self.wrong

    def has(self, characteristic: str, service: str | None = None) -> bool:
        known = {uuid(short) for short in ("0004", "0005", "0007", "0009", "2A2B", "2A06", "2A46")}
        return characteristic in known | set(self._reads)

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        return self._reads[characteristic]

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        if self.lost.is_set():
            raise LinkLost("the connection has ended")
        told = self._lines.pop(0).split() if self._lines else ["nothing"]
        if told[0] != "P" or uuid(told[1]) != characteristic or bytes.fromhex("".join(told[2:])) != data:
            self.wrong.append(f"wrote {characteristic[4:8]} {data.hex(' ')} where {' '.join(told)} was to come")
            self.drop()
            raise LinkLost("the script has ended")
        said: list[str] = []
        while self._lines and not self._lines[0].startswith("P"):
            said.append(self._lines.pop(0))
        self._playing.append(asyncio.ensure_future(self._play(said)))

    async def _play(self, said: list[str]) -> None:
        for line in said:
            word, *rest = line.split()
            if word == "wait":
                await asyncio.sleep(float(rest[0]))
            elif word == "lost":
                self.drop()
            elif callback := self._callbacks.get(uuid(rest[0])):
                callback(bytes.fromhex("".join(rest[1:])))

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self._callbacks[characteristic] = callback

    async def stop_notify(self, characteristic: str) -> None:
        self._callbacks.pop(characteristic, None)

    async def bond(self) -> None:
        return

    def drop(self) -> None:
        self.lost.set()

    def stop(self) -> None:
        """Stop playing the lines that are left."""
        for playing in self._playing:
            playing.cancel()


@dataclass
class Meeting:
    """How a login and a fetch over one connection ended."""

    kept: MemoryStore
    error: DeviceError | None
    connection: Connection

    @property
    def epochs(self) -> list[Epoch]:
        return self.kept.of(Epoch)

    @property
    def steps(self) -> dict[datetime, int]:
        """The steps by minute; fails if a minute was stored twice."""
        out = {epoch.start: epoch.steps for epoch in self.epochs}
        assert len(out) == len(self.epochs), "a minute was stored twice"
        return out


async def meeting(
    connection: Connection, session: Session, clock: FastClock, *, zone: str = "UTC", kept: MemoryStore | None = None
) -> Meeting:
    """Log in and fetch over one connection."""
    kept = MemoryStore() if kept is None else kept
    conversation = Conversation(connection, zone=ZoneInfo(zone), now=clock.now)
    error = None
    try:
        async with dialogue(DRIVER, conversation, session, kept.commit) as talk:
            await talk.fetch(kept.commit)
    except DeviceError as raised:
        error = raised
    return Meeting(kept, error, connection)


def played(
    script: str,
    session: Session,
    start: datetime,
    *,
    zone: str = "UTC",
    write_size: int = 20,
    reads: Mapping[str, bytes] | None = None,
    kept: MemoryStore | None = None,
) -> Meeting:
    """Meet a band that says what a script says, and nothing else."""

    async def story(clock: FastClock) -> Meeting:
        connection = Script(script, reads or {"2A28": b"V1.0.1.81"}, write_size=write_size)
        try:
            met = await meeting(connection, session, clock, zone=zone, kept=kept)
        finally:
            connection.stop()
        assert connection.left == []
        return met

    return run(story, start)


def met(
    band: MiBand,
    start: datetime,
    *,
    zone: str = "UTC",
    mtu: int = 23,
    since: datetime | None = None,
    erase: bool = False,
    key: bytes | None = KEY,
    pairing: bool = False,
    name: str | None = None,
    kept: MemoryStore | None = None,
    spoil: Callable[[DirectConnection], object] | None = None,
) -> Meeting:
    """Meet a simulated band at `start`; `since` is the end of what is stored, None for nothing."""
    session = Session(
        name=band.name if name is None else name,
        secret=key,
        since={} if since is None else {Epoch: since},
        pairing=pairing,
        erase=erase,
    )

    async def story(clock: FastClock) -> Meeting:
        connection = DirectConnection(band, clock.now, mtu=mtu)
        if spoil is not None:
            spoil(connection)
        try:
            return await meeting(connection, session, clock, zone=zone, kept=kept)
        finally:
            connection.drop()
            await asyncio.sleep(0)

    return run(story, start)


def wrote(meeting: Meeting, short: str) -> list[bytes]:
    """Return what was written to one characteristic of a simulated band, in order."""
    assert isinstance(meeting.connection, DirectConnection)
    return [data for characteristic, data in meeting.connection.written if characteristic == uuid(short)]


class Client:
    """A phone that is connected to a simulated band and writes one packet at a time."""

    def __init__(self, band: MiBand, now: datetime, *subscribed: str) -> None:
        self.band, self.now = band, now
        self.hung_up = False
        band.connected(now)
        for short in subscribed:
            band.on_subscribe(uuid(short), True, now)

    def write(self, short: str, data: str | bytes) -> list[str]:
        """Write, and return what the band says to that: `characteristic bytes`, in hex."""
        raw = data if isinstance(data, bytes) else bytes.fromhex(data)
        self.band.write(uuid(short), "", raw, self.now)
        return self.hear()

    def read(self, short: str) -> str:
        return self.band.read(uuid(short), "", self.now).hex()

    def hear(self, now: datetime | None = None) -> list[str]:
        self.now = now or self.now
        events = self.band.advance(self.now)
        self.hung_up = self.hung_up or any(isinstance(event, HangUp) for event in events)
        return [f"{event.characteristic[4:8]} {event.data.hex()}" for event in events if not isinstance(event, HangUp)]


def client(band: MiBand, now: datetime, *subscribed: str, key: bytes = KEY) -> Client:
    """Return a phone that is logged in by the plain form and subscribed to fetches; it does not set the clock."""
    phone = Client(band, now, "0009", "0004", "0005", *subscribed)
    band.challenge = CHALLENGE
    assert phone.write("0009", "0200") == ["0009 100201" + CHALLENGE.hex()]
    assert phone.write("0009", b"\x03\x00" + answer(key, CHALLENGE)) == ["0009 100301"]
    return phone


async def first(readings: AsyncGenerator[Sequence[Reading], None], count: int) -> list[Reading]:
    """Return at least `count` readings of an async generator, or all if it ends sooner, and close it."""
    out: list[Reading] = []
    async with contextlib.aclosing(readings) as batches:
        async for batch in batches:
            out += batch
            if len(out) >= count:
                return out
    return out
