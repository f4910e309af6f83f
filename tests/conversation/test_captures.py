"""Conversations that others published, in hipsync's form, replayed at both ends (`hipsync/testing/replay.py`)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.capture import Capture
from hipsync.conversation.session import Conversation
from hipsync.conversation.stored import Commit
from hipsync.driver import Session
from hipsync.model import MINUTE, Epoch
from hipsync.registry import drivers
from hipsync.testing import capture, replay
from hipsync_devices.huami import DRIVER
from hipsync_devices.huami.channel import Channel
from hipsync_devices.huami.login import authenticate
from hipsync_devices.huami.packets import AUTHENTICATION, DATA, FETCH
from hipsync_devices.huami.sim import MiBand
from hipsync_devices.huami.sim_2021 import MiBand7
from support.repository import TESTS

FOLDER = TESTS / "captures"
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
PUBLISHED = bytes.fromhex("d88ca0fef504cc82735f15feb6bf9b1f")
"""The key in the log of notifymi."""
MIDNIGHT = datetime(2026, 9, 28, 22, tzinfo=UTC)


def capture_in(name: str) -> Capture:
    return capture(FOLDER / name)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.txt")), ids=lambda path: path.stem)
def test_a_capture_is_of_a_family_that_is_there_and_names_its_source(path: Path) -> None:
    recorded = capture(path)
    assert recorded.driver == path.parent.name
    assert recorded.driver in drivers()
    assert recorded.notes["source"]


def without_flag(data: bytes) -> bytes:
    return data[:1] + data[2:]


FLAGLESS = {AUTHENTICATION: without_flag}


async def login(conversation: Conversation, session: Session, commit: Commit) -> None:
    with conversation.viewing() as link:
        await authenticate(link, session, Channel(link))


def test_the_login_of_notifymi_is_ours_but_for_the_flag_of_that_phone() -> None:
    recorded = capture_in("huami/mi-band-2_login.txt")
    assert replay(recorded, DRIVER, secret=PUBLISHED, story=login, varies=FLAGLESS) == []
    with pytest.raises(
        AssertionError, match=r"line 12: the host wrote to 00000009\S+ 0200; the driver wrote \S+ \S+ 0208"
    ):
        replay(recorded, DRIVER, secret=PUBLISHED, story=login)


def test_another_key_than_that_of_notifymi_is_noticed() -> None:
    recorded = capture_in("huami/mi-band-2_login.txt")
    with pytest.raises(
        AssertionError, match=r"line 14: the host wrote to \S+ 0300ce1c\w+; the driver wrote to \S+ 0308"
    ):
        replay(recorded, DRIVER, secret=KEY, story=login, varies=FLAGLESS)


def test_the_simulated_mi_band_2_lets_notifymi_in() -> None:
    recorded = capture_in("huami/mi-band-2_login.txt")
    band = MiBand([], now=recorded.start, zone=recorded.zone, secret=PUBLISHED, name="MI Band 2")
    band.challenge = bytes.fromhex("689c1dd58a666f0f8c90a1a96e1ab3a3")
    replay(recorded, band)
    stranger = MiBand([], now=recorded.start, zone=recorded.zone, secret=KEY, name="MI Band 2")
    stranger.challenge = band.challenge = bytes.fromhex("689c1dd58a666f0f8c90a1a96e1ab3a3")
    with pytest.raises(AssertionError, match=r"line 15: on 00000009\S+ the band said 100301; the simulated one 1003"):
        replay(recorded, stranger)


THIRTY = [Epoch(MIDNIGHT + i * MINUTE, MINUTE, 2, 16, 70, kind=1) for i in range(30)]


def test_a_round_of_thirty_minutes_is_fetched_and_kept_on_the_band() -> None:
    readings = replay(capture_in("huami/helio-strap_round-of-thirty-minutes.txt"), DRIVER)
    assert [
        (each.start, each.steps, each.heart_rate, each.intensity) for each in readings if isinstance(each, Epoch)
    ] == [(each.start, each.steps, each.heart_rate, each.intensity) for each in THIRTY]


def test_the_simulated_band_of_that_generation_gives_the_same_round() -> None:
    recorded = capture_in("huami/helio-strap_round-of-thirty-minutes.txt")
    band = MiBand7(THIRTY, now=recorded.start, zone=ZoneInfo("Europe/Berlin"), secret=KEY, name="Amazfit Helio Strap")
    varies = {DATA: without_tails, FETCH: without_checksum}
    replay(recorded, band, login=(DRIVER, KEY), varies=varies)
    band = MiBand7(THIRTY[1:], now=recorded.start, zone=recorded.zone, secret=KEY, name="Amazfit Helio Strap")
    with pytest.raises(AssertionError, match=r"line 16: .* the band said 1001011e\w+; the simulated one 1001011d"):
        replay(recorded, band, login=(DRIVER, KEY), varies=varies)


def without_checksum(data: bytes) -> bytes:
    """The end of a round; the checksum is over the tails, too."""
    return data[:3] if data[:2] == b"\x10\x02" else data


def without_tails(data: bytes) -> bytes:
    """A packet without the last four bytes of each record: nobody knows what they mean, and bands fill them unlike."""
    return data[:1] + b"".join(data[at : at + 4] for at in range(1, len(data), 8))
