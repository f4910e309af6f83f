"""Whatever a band says, wherever it says it: a `DeviceError` or nothing, and never a reading from the future."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.conversation.session import Connection, Conversation
from hipsync.conversation.stored import all_committed
from hipsync.driver import Message, Session
from hipsync.errors import DeviceError, MalformedPacket
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Epoch, Reading
from hipsync.simulated import HangUp, Notification
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync_devices.huami import packets
from hipsync_devices.huami.dialogue import Band
from hipsync_devices.huami.sim import MiBand
from support.huami_bands import KEY, first, uuid

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = st.sampled_from(["MI Band 2", "Mi Band 3", "Mi Smart Band 4", "Mi Smart Band 5", "Amazfit GTS", ""])
HEADS = [
    b"", b"\x10\x01\x01", b"\x10\x02\x01", b"\x10\x82\x01", b"\x10\x03\x01", b"\x10\x83\x01", b"\x10\x02\x04", b"\x00",
    b"\x10\x01\x01\x02\x00\x00\x00\xea\x07\x03\x02\x0b\x00\x00\x00", b"\x10\x01\x01\xff\xff\xff\xff\xea\x07\x03\x02",
]  # fmt: skip
DATA = st.one_of(
    st.binary(max_size=20),
    st.builds(bytes.__add__, st.sampled_from(HEADS), st.binary(max_size=16)),
    st.builds(bytes.__add__, st.sampled_from(HEADS), st.binary(min_size=16, max_size=16)),
)
CHARACTERISTICS = [uuid(short) for short in ("0004", "0005", "0007", "0009")]


class Noise:
    """A connection that answers each write with any bytes on any characteristic, and each read with any bytes."""

    write_size = 20

    def __init__(self, said: Sequence[tuple[str, bytes]], reads: Sequence[bytes], each: int) -> None:
        self.lost = asyncio.Event()
        self._said, self._reads, self._each = list(said), list(reads), each
        self._callbacks: dict[str, Callable[[bytes], None]] = {}

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return True

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        return self._reads.pop(0) if self._reads else b""

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        for said, value in self._said[: self._each]:
            if callback := self._callbacks.get(said):
                callback(value)
        del self._said[: self._each]

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self._callbacks[characteristic] = callback

    async def stop_notify(self, characteristic: str) -> None:
        self._callbacks.pop(characteristic, None)

    async def bond(self) -> None:
        return


def everything(connection_to: Callable[[FastClock], Connection], session: Session) -> list[Reading]:
    """All that is stored in a meeting, a sync, a minute of watching and a nudge; anything but a `DeviceError` fails.

    Each part is tried whether or not the one before went well, so that all of them hear the noise.
    """

    async def story(clock: FastClock) -> list[Reading]:
        connection = connection_to(clock)
        talk = Conversation(connection, zone=ZoneInfo("UTC"), now=clock.now)
        kept = MemoryStore()

        with talk.viewing() as link:
            band = Band(link, session)

            async def opened() -> None:
                kept.batches.append(list(await band.open()))

            async def watched() -> None:
                kept.batches.append(await first(band.watch(), 2))

            parts: tuple[Callable[[], Awaitable[object]], ...] = (
                opened,
                lambda: all_committed(kept.commit, band.sync()),
                watched,
                lambda: band.nudge(Message("a", "b")),
            )
            async with talk.beside(band.listen()):
                for part in parts:
                    try:
                        await part()
                    except DeviceError:
                        continue
        for reading in kept.readings:
            at = reading.end if isinstance(reading, Epoch) else reading.at
            assert at <= clock.now(), "a reading from the future"
        connection.lost.set()
        if isinstance(connection, DirectConnection):
            connection.drop()
        await asyncio.sleep(2)
        return kept.readings

    return run(story, NOW)


@settings(max_examples=100)
@given(
    said=st.lists(st.tuples(st.sampled_from(CHARACTERISTICS), DATA), max_size=30),
    reads=st.lists(st.binary(max_size=24), max_size=8),
    each=st.integers(1, 6),
    name=NAMES,
    erase=st.booleans(),
    pairing=st.booleans(),
)
def test_any_bytes_end_as_a_device_error_or_are_let_go(
    said: list[tuple[str, bytes]], reads: list[bytes], each: int, name: str, erase: bool, pairing: bool
) -> None:
    session = Session(name=name, secret=KEY, erase=erase, pairing=pairing)
    everything(lambda _: Noise(said, reads, each), session)


class Garbled(MiBand):
    """A good band but for one message and one read, and one message more than it should say."""

    replaced: tuple[int, bytes] = (-1, b"")
    added: tuple[int, str, bytes] = (-1, "", b"")
    misread: tuple[int, bytes] = (-1, b"")
    said = reads = 0

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        out: list[Notification | HangUp] = []
        for event in super().advance(now):
            if self.said == self.added[0]:
                out.append(Notification(*self.added[1:]))
            if isinstance(event, Notification) and self.said == self.replaced[0]:
                out.append(Notification(event.characteristic, self.replaced[1]))
            else:
                out.append(event)
            self.said += 1
        return out

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        self.reads += 1
        value = super().read(characteristic, service, now)
        return self.misread[1] if self.reads == self.misread[0] else value


@settings(max_examples=100)
@given(
    replaced=st.tuples(st.integers(0, 16), DATA),
    added=st.tuples(st.integers(0, 16), st.sampled_from(CHARACTERISTICS), DATA),
    misread=st.tuples(st.integers(1, 6), st.binary(max_size=24)),
    name=NAMES.filter(bool),
    erase=st.booleans(),
)
def test_one_wrong_word_of_a_good_band_stores_no_minute_twice_and_none_that_is_still_to_come(
    replaced: tuple[int, bytes], added: tuple[int, str, bytes], misread: tuple[int, bytes], name: str, erase: bool
) -> None:
    lived = [Epoch(NOW + (i - 40) * MINUTE, MINUTE, i) for i in range(40)]
    band = Garbled(lived, now=NOW, zone=ZoneInfo("UTC"), secret=KEY, name=name)
    band.replaced, band.added, band.misread = replaced, added, misread
    session = Session(name=name, secret=KEY, erase=erase)
    readings = everything(lambda clock: DirectConnection(band, clock.now), session)
    stored = [reading for reading in readings if isinstance(reading, Epoch)]
    assert len({epoch.start for epoch in stored}) == len(stored)
    assert len(band.erased) <= len(stored)


PACKETS: tuple[Callable[[bytes], object], ...] = (
    packets.decode_stamp,
    packets.CurrentTime.decode,
    packets.Reply.decode,
    packets.Round.decode,
    packets.Battery.decode,
    packets.RealtimeSteps.decode,
    packets.InactivityWarning.decode,
    packets.decode_heart_rate,
    packets.decode_system_id,
    packets.decode_event,
    packets.decode_config_reply,
    packets.decode_advertised_steps,
    packets.decode_advertised_heart_rate,
    lambda data: packets.decode_records(data, 8, NOW),
)


@given(st.sampled_from(PACKETS), st.one_of(st.binary(max_size=40), DATA))
def test_a_packet_is_read_or_malformed(decode: Callable[[bytes], object], data: bytes) -> None:
    with suppress(MalformedPacket):
        decode(data)
