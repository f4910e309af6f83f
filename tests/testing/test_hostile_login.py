"""Whatever answers a login, the band's key is told to nobody: not by radio, not in an error, not in the log."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest

from families.known import bands
from fuzz.damage import damaged, noisy
from fuzz.talk import KEY, NOON, ZONE, Spoilt
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.registry import drivers
from hipsync.testing.direct import MemoryStore, run
from hipsync_devices.huawei.keys import Keys

DRIVERS, BANDS = drivers(), bands()
WITH_KEY = [
    name
    for name, (key, made) in sorted(BANDS.items())
    if key == "huawei"
    or name == "garmin, own login"
    or DRIVERS[key].secret(made([], now=NOON, zone=ZONE, secret=KEY).advertisement()) != "none"
]
SECRETS = (KEY, Keys.of(KEY).session, Keys.of(KEY).token)
"""The key that the band is made with, and what a Huawei band and hipsync share because of it."""
TALKS = 24


class Met(NamedTuple):
    """What a login came to."""

    written: Sequence[bytes]
    error: BaseException | None


class Impostor:
    """Answers as the band does, up to a packet that is drawn, and from then on damages, drops and repeats."""

    def __init__(self, noise: random.Random) -> None:
        self._noise, self._before = noise, list[bytes]()
        self._honest = int(12 * noise.random() ** 3)  # some logins are over after two answers

    def __call__(self, _: str, data: bytes) -> Sequence[bytes]:
        self._before.append(data)
        if len(self._before) <= self._honest:
            return [data]
        match self._noise.randrange(6):
            case 0:
                return []
            case 1:
                return [data, self._noise.choice(self._before)]
            case 2:
                return [noisy(data, self._noise)]
            case 3:
                return [data]
            case _:
                return [damaged(data, self._noise)]


def met(name: str, seed: int) -> Met:
    key, made = BANDS[name]
    found: list[Met] = []

    async def story(clock: FastClock) -> None:
        band = made([], now=NOON, zone=ZONE, secret=KEY)
        connection, error = Spoilt(band, clock, Impostor(random.Random(seed))), None
        talk = Conversation(connection, zone=ZONE, now=clock.now)
        session = Session(name=band.advertisement().name or "", secret=KEY, address="C0:00:00:00:00:01")
        try:
            async with dialogue(DRIVERS[key], talk, session, MemoryStore().commit):
                pass
        except DeviceError as failed:
            error = failed
        finally:
            connection.drop()
        found.append(Met([data for _, data in connection.written], error))

    run(story, NOON)
    return found[0]


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def told(each: Met) -> str:
    """All that an error says, with the packets that it holds, in lower case."""
    return " ".join(f"{error} {error.args!r} {vars(error)!r}" for error in causes(each.error)).lower()


@pytest.mark.parametrize("name", WITH_KEY)
def test_hostile_answers_in_a_login_get_no_key(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    all_met = [met(name, seed) for seed in range(TALKS)]
    assert sum(each.error is not None for each in all_met) >= TALKS // 4, "too few logins failed to prove anything"
    radio = [b"".join(each.written) for each in all_met]
    texts = caplog.text.lower() + "".join(map(told, all_met))
    for secret in SECRETS:
        for form in (secret, secret[::-1]):
            assert not any(form in data for data in radio)
            assert form.hex() not in texts
            assert repr(form).lower() not in texts


def test_the_bands_with_a_key_are_those_of_four_families() -> None:
    assert {BANDS[name][0] for name in WITH_KEY} == {"garmin", "huami", "huawei", "xiaomi"}
