"""Live steps, buzz and text of classic Huami bands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.conversation.dialogue import dialogue
from hipsync.driver import Message, Session
from hipsync.errors import LinkLost, MalformedPacket
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Counter, Epoch
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.huami import DRIVER, packets
from hipsync_devices.huami.sim import MiBand
from support.huami_bands import KEY, first, uuid

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@asynccontextmanager
async def connected(band: MiBand, clock: FastClock) -> AsyncGenerator[DirectConnection]:
    connection = DirectConnection(band, clock.now)
    yield connection
    connection.drop()
    await asyncio.sleep(0)


def watched(band: MiBand, start: datetime, count: int, zone: str = "UTC") -> list[Counter]:
    async def story(clock: FastClock) -> list[Counter]:
        async with connected(band, clock) as connection:
            session = Session(name=band.name, secret=KEY)
            talk = conversation(connection, clock, zone)
            async with dialogue(DRIVER, talk, session, MemoryStore().commit) as opened:
                assert opened.begun is not None
                readings = await first(opened.begun.watch(), count)
        return [reading for reading in readings if isinstance(reading, Counter)]

    return run(story, start)


@pytest.mark.parametrize("short", [False, True], ids=["13 bytes", "5 bytes"])
def test_steps_are_reported_as_they_happen(short: bool) -> None:
    walked = [Epoch(NOW - MINUTE, MINUTE, 400), Epoch(NOW, MINUTE, 90), Epoch(NOW + MINUTE, MINUTE, 110)]
    band = MiBand(walked, now=NOW, zone=ZoneInfo("UTC"), secret=KEY, name="Mi Band 3")
    band.faults.short_steps = short
    assert watched(band, NOW, 4) == [
        Counter(NOW, 400), Counter(NOW + MINUTE, 490), Counter(NOW + 2 * MINUTE, 600),
        Counter(NOW + 4 * MINUTE, 600),  # asked for, after two minutes of silence
    ]  # fmt: skip


def test_the_total_starts_anew_at_the_bands_own_midnight() -> None:
    midnight = datetime(2026, 3, 2, 18, 15, tzinfo=UTC)  # in Kathmandu
    start = midnight - 2 * MINUTE
    walked = [Epoch(start - HOUR, MINUTE, 1000), *(Epoch(start + i * MINUTE, MINUTE, 100) for i in range(4))]
    band = MiBand(walked, now=start, zone=ZoneInfo("Asia/Kathmandu"), secret=KEY, name="Mi Band 3")
    seen = watched(band, start, 5, "Asia/Kathmandu")
    # at midnight the minute that ends there is counted and gone at once
    assert [(counter.at - midnight, counter.steps) for counter in seen] == [
        (-2 * MINUTE, 1000), (-MINUTE, 1100), (0 * MINUTE, 0), (MINUTE, 100), (2 * MINUTE, 200),
    ]  # fmt: skip


def test_a_day_turns_without_a_single_step() -> None:
    band = MiBand([Epoch(NOW, MINUTE, 700)], now=NOW + HOUR, zone=ZoneInfo("UTC"), secret=KEY, name="Mi Band 3")
    assert watched(band, NOW + HOUR, 1) == [Counter(NOW + HOUR, 700)]
    assert watched(band, NOW + 13 * HOUR, 1) == [Counter(NOW + 13 * HOUR, 0)]


@pytest.mark.parametrize("packet", ["", "00", "00b70100", "0cb7010000", "0c4c0000001f000000010000"])
def test_steps_of_another_length_are_malformed(packet: str) -> None:
    with pytest.raises(MalformedPacket):
        packets.RealtimeSteps.decode(bytes.fromhex(packet))


# ------------------------------------------------------------------ buzz and text


class NotedBand(MiBand):
    """Notes what is written, and when, in seconds since `NOW`."""

    noted: list[tuple[float, str, bytes]]

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        self.noted.append(((now - NOW).total_seconds(), characteristic, data))
        super().write(characteristic, service, data, now)


def band_named(name: str) -> NotedBand:
    band = NotedBand([], now=NOW, zone=ZoneInfo("UTC"), secret=KEY, name=name)
    band.noted = []
    return band


def nudged(band: NotedBand, message: Message, mtu: int = 23) -> list[tuple[float, str, bytes]]:
    """What is written for a message, behind the login."""

    async def story(clock: FastClock) -> None:
        async with connected(band, clock) as connection:
            band.mtu = mtu
            talk = conversation(connection, clock)
            session = Session(name=band.name, secret=KEY)
            async with dialogue(DRIVER, talk, session, MemoryStore().commit) as opened:
                band.noted.clear()
                await opened.nudge(message)

    run(story, NOW)
    return band.noted


def test_a_prompt_vibrates_for_a_moment_and_shows_title_and_text() -> None:
    band = band_named("Mi Band 3")
    text = bytes.fromhex("fa010b") + b"Time to move\0Hips\0"
    assert nudged(band, Message("Time to move", "Hips"), mtu=100) == [
        (0.0, uuid("2A06"), b"\x03"), (1.5, uuid("2A06"), b"\x00"), (1.5, uuid("2A46"), text),
    ]  # fmt: skip
    assert [shown.text for shown in band.shown] == ["", "Time to move Hips"]


def test_a_strong_prompt_vibrates_twice() -> None:
    noted = nudged(band_named("Mi Band 3"), Message("a", "b", strong=True))
    assert [(at, data) for at, short, data in noted if short == uuid("2A06")] == [
        (0.0, b"\x03"), (1.5, b"\x00"), (3.0, b"\x03"), (4.5, b"\x00"),
    ]  # fmt: skip


def test_a_mi_band_2_gets_the_short_form() -> None:
    noted = nudged(band_named("MI Band 2"), Message("Time to move", "Stand up"))
    assert noted[-1][2] == b"\x05\x01" + b"Time to move Stand"  # 18 bytes of text at most


def test_without_a_text_a_blank_is_sent_for_a_bip_s_restarts_on_an_empty_one() -> None:
    assert nudged(band_named("Amazfit Bip S"), Message("Hips", ""))[-1][2] == bytes.fromhex("fa010b") + b"Hips\0 \0"
    assert nudged(band_named("MI Band 2"), Message("", ""))[-1][2] == b"\x05\x01 "


@given(title=st.text(max_size=60), body=st.text(max_size=60), room=st.integers(20, 244), short=st.booleans())
def test_a_text_fits_is_never_empty_and_has_no_half_character(title: str, body: str, room: int, short: bool) -> None:
    title, body = title.replace("\0", ""), body.replace("\0", "")
    text = packets.encode_new_alert(title, body, room, short=short)
    assert len(text) <= (min(room, 20) if short else room)
    if short:
        assert text[:2] == b"\x05\x01"
        shown = text[2:].decode()
        assert shown
        assert shown == " " or f"{title} {body}".strip().startswith(shown)
    else:
        assert (text[:3], text[-1:]) == (b"\xfa\x01\x0b", b"\0")
        shown_title, shown_body = text[3:-1].decode().split("\0")
        assert title.startswith(shown_title)
        assert shown_body
        assert shown_body == " " or body.startswith(shown_body)


def test_a_band_that_nobody_logged_in_to_shows_no_text() -> None:
    band = band_named("Mi Band 3")

    async def story(clock: FastClock) -> None:
        async with connected(band, clock) as connection:
            talk = conversation(connection, clock)
            session = Session(name=band.name, secret=KEY)
            async with dialogue(DRIVER, talk, session, MemoryStore().commit, log_in=False) as opened:
                await opened.nudge(Message("a", "b"))

    run(story, NOW)
    assert [shown.text for shown in band.shown] == [""]


def test_a_band_that_is_gone_cannot_be_buzzed() -> None:
    async def story(clock: FastClock) -> None:
        async with connected(band_named("Mi Band 3"), clock) as connection:
            talk = conversation(connection, clock)
            session = Session(name="Mi Band 3", secret=KEY)
            async with dialogue(DRIVER, talk, session, MemoryStore().commit) as opened:
                connection.drop()
                with pytest.raises(LinkLost):
                    await opened.nudge(Message("a", "b"))

    run(story, NOW)
