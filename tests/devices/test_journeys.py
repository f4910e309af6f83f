"""A wearer travels while the computer is off: each family's readings lie where they were walked, or nowhere."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.clock_sets import clock_sets
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.core.days import Zones
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.driver import Session
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Counter, Epoch, Info, Reading, State, ZoneChange
from hipsync.registry import drivers, simulator
from hipsync.simulated import SimulatedBand
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync_devices.colmi.sim import ColmiRing
from hipsync_devices.fitpro.sim import FitProBand
from hipsync_devices.infinitime.sim import PineTime
from hipsync_devices.lefun.sim import LefunBand
from hipsync_devices.moyoung.sim import MoYoungWatch
from support.builders import walked

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
FAMILIES = ("banglejs", "colmi", "fitpro", "huami", "infinitime", "lefun", "moyoung")


class Journey(NamedTuple):
    """Where a journey begins and ends, when the computer is closed and opened, and what the phone's app does."""

    begins: str
    ends: str
    closed: datetime
    opened: datetime
    app_sets: datetime | None = None
    """When the maker's app on the phone sets the band to the zone of arrival; None if it does not."""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(second=20, tzinfo=UTC)


LONDON, NEW_YORK, TOKYO, KATHMANDU = "Europe/London", "America/New_York", "Asia/Tokyo", "Asia/Kathmandu"
HONOLULU, AUCKLAND, LORD_HOWE = "Pacific/Honolulu", "Pacific/Auckland", "Australia/Lord_Howe"
TWELVE, THREE_FORTY, FOUR = utc("2026-01-06 12:00"), utc("2026-01-06 15:40"), utc("2026-01-06 16:00")
APP = utc("2026-01-06 17:30")
JOURNEYS = {
    "west": Journey(LONDON, NEW_YORK, FOUR, utc("2026-01-06 23:00")),
    "east": Journey(LONDON, TOKYO, FOUR, utc("2026-01-07 03:00")),
    "west, off the hour": Journey(LONDON, NEW_YORK, THREE_FORTY, utc("2026-01-06 23:37")),
    "east, off the hour": Journey(LONDON, TOKYO, THREE_FORTY, utc("2026-01-07 03:37")),
    "to Kathmandu": Journey(LONDON, KATHMANDU, TWELVE, utc("2026-01-06 23:10")),
    "from Kathmandu": Journey(KATHMANDU, LONDON, TWELVE, utc("2026-01-06 23:10")),
    "over the date line, west": Journey(HONOLULU, AUCKLAND, utc("2026-01-06 20:00"), utc("2026-01-07 06:00")),
    "over the date line, east": Journey(AUCKLAND, HONOLULU, utc("2026-01-06 20:00"), utc("2026-01-07 06:00")),
    "into summer time": Journey(LONDON, LONDON, utc("2026-03-28 20:00"), utc("2026-03-29 10:00")),
    "out of summer time": Journey(LONDON, LONDON, utc("2026-10-24 20:00"), utc("2026-10-25 10:00")),
    "Lord Howe": Journey(LORD_HOWE, LORD_HOWE, utc("2026-04-04 10:00"), utc("2026-04-04 22:00")),
    "west, and the app sets the band": Journey(LONDON, NEW_YORK, FOUR, utc("2026-01-06 23:00"), APP),
    "east, and the app sets the band": Journey(LONDON, TOKYO, FOUR, utc("2026-01-07 03:00"), APP),
}


class Told(NamedTuple):
    """What was walked, and what was stored of it."""

    life: Sequence[Epoch]
    kept: MemoryStore
    zones: Zones

    def walked(self, epoch: Epoch) -> int:
        return walked(self.life, epoch.start, epoch.end)

    def epochs(self) -> list[Epoch]:
        """As the store keeps them: of two with one key, that with more steps."""
        held: dict[tuple[datetime, timedelta], Epoch] = {}
        for epoch in self.kept.of(Epoch):
            key = (epoch.start, epoch.length)
            if key not in held or epoch.steps >= held[key].steps:
                held[key] = epoch
        return sorted(held.values())


def lived(start: datetime, hours: int) -> list[Epoch]:
    """Each hour has three minutes of walking, within its first eight, at paces that tell it from the hours around."""
    paces = [20 + {0: 2, 6: 3, 7: 3}[i % 60] * (i // 60) if i % 60 in {0, 6, 7} else 0 for i in range(hours * 60)]
    return [
        Epoch(start + i * MINUTE, MINUTE, steps, 20, 70, State.WALKING if steps else None)
        for i, steps in enumerate(paces)
    ]


def told(kind: str, journey: Journey) -> Told:
    """Meet the band each hour from ten hours before the computer is closed, and for nine hours after it is opened."""
    start = journey.closed - 10 * HOUR
    zones = Zones([ZoneChange(start - DAY, journey.begins), ZoneChange(journey.opened, journey.ends)], journey.begins)
    life, kept, driver = lived(start.replace(minute=0, second=0) - 4 * HOUR, 60), MemoryStore(), drivers()[kind]

    async def visit(clock: FastClock, band: SimulatedBand) -> None:
        connection = DirectConnection(band, clock.now)
        talk = Conversation(connection, zone=zones.at(clock.now()), now=clock.now)
        since: dict[type[Reading], datetime] = {}
        for reading in kept.readings:
            at = reading.end if isinstance(reading, Epoch) else reading.at
            since[type(reading)] = max(at, since.get(type(reading), at))
        sets = clock_sets(sorted(info.at for info in kept.of(Info)), zones.at)
        secret = KEY if kind == "huami" else None
        name = band.advertisement().name or ""
        session = Session(name=name, secret=secret, since=since, clock_sets=sets)
        async with dialogue(driver, talk, session, kept.commit) as opened:
            await opened.fetch(kept.commit)
        connection.drop()

    async def story(clock: FastClock) -> None:
        band = simulator(kind)(life, now=start, zone=ZoneInfo(journey.begins), secret=KEY if kind == "huami" else None)
        visits = [start + i * HOUR for i in range(10)] + [journey.closed]
        visits += [journey.opened + i * HOUR for i in range(10)]
        visits += [journey.app_sets] if journey.app_sets else []
        for at in sorted(visits):
            while clock.now() < at:
                await clock.sleep_until(min(at, clock.now() + 10 * MINUTE))
                band.advance(clock.now())
            if at == journey.app_sets:
                wall = clock.now().astimezone(ZoneInfo(journey.ends)).replace(tzinfo=None)
                assert isinstance(band, ColmiRing | FitProBand | LefunBand | MoYoungWatch | PineTime)
                band.wall_clock.set(wall)
            else:
                await visit(clock, band)

    run(story, start)
    return Told(life, kept, zones)


SETTABLE = {"colmi", "fitpro", "infinitime", "lefun", "moyoung"}
"""Families whose clock an app sets in this test."""
WORDY = {
    "banglejs": {"east, off the hour", "out of summer time"},
    "huami": {"west", "east, off the hour", "from Kathmandu", "out of summer time"},
}
"""Families that send so much that only these journeys are for them here, and the others in the ring."""


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, marks=[pytest.mark.ring] if name not in WORDY.get(kind, JOURNEYS) else [])
        for kind in FAMILIES
        for name, journey in JOURNEYS.items()
        if kind in SETTABLE or journey.app_sets is None
    ],
)
def test_what_is_stored_of_a_journey_was_walked_then(kind: str, name: str) -> None:
    journey = JOURNEYS[name]
    story = told(kind, journey)
    epochs = story.epochs()
    wrong = [
        (f"{epoch.start:%d %H:%M}", epoch.length // MINUTE, epoch.steps, story.walked(epoch), epoch.inferred)
        for epoch in epochs
        if abs(epoch.steps - story.walked(epoch)) > 10
    ]
    assert wrong == []
    times = Tally(epoch.start + i * MINUTE for epoch in epochs for i in range(epoch.length // MINUTE))
    assert [at for at, count in times.items() if count > 1] == []
    first = minute_of(journey.closed - 34 * HOUR)
    line = timeline([Source(epochs, sorted(story.kept.of(Counter)))], first, first + 60 * 60, story.zones)
    total = sum(line.steps) + sum(steps for _, steps in line.unplaced)
    assert total <= sum(minute.steps for minute in story.life)
    assert total > 0
