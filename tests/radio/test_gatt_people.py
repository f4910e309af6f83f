"""Real minutes in the memory of a simulated Mi Band, over GATT into a database, and out as `day --json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from hipsync.cli import hipsync
from hipsync.cli.app import App
from hipsync.core.exercises import Move
from hipsync.host.clock import FastClock, VirtualTimeLoop
from hipsync.model import Band, Epoch, Prompt, State, Where
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.scan import scan
from hipsync.radio.simulation import simulated_radio
from hipsync.registry import drivers
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync_devices.huami.sim import MiBand
from support import independent, real_people
from support.same_day import epochs_of, same_day

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
ADDRESS = "C0:00:00:00:00:01"
SAID: dict[State | None, set[State | None]] = {
    None: {State.SITTING, State.WALKING, None},
    State.ASLEEP: {State.ASLEEP},
    State.NOT_WORN: {State.NOT_WORN},
}
"""A Mi Band cannot say "awake, nothing more": still minutes are coded as sitting, others as walking."""


async def nowhere(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
    return []


def sync(band: MiBand, path: Path, start: datetime, times: int = 1) -> list[int]:
    """How many epochs each of the syncs brought into the database, which is made if it is not there."""
    loop = VirtualTimeLoop()
    clock = FastClock(loop, start)

    async def story() -> list[int]:
        async with simulated_radio([band], now=clock.now, addresses=[ADDRESS]) as air:
            assert [seen.address for seen in await scan(air.adapter, 2)] == [ADDRESS]
            with Store.open(path) as store:
                if not store.bands():
                    store.add_band(
                        name="band", driver="huami", address=ADDRESS, advertised_name=band.name, now=start,
                        simulated=True, vouches=True, reports_wear=True,
                    )  # fmt: skip
                service = Service(
                    store,
                    settings_of(Config(), "UTC"),
                    radio=BleakRadio(air.adapter),
                    drivers=drivers(),
                    secret=lambda _: KEY,
                    deliver=nowhere,
                    now=clock.now,
                )
                return [await once(service, store.bands()[0]) for _ in range(times)]

    async def once(service: Service, held: Band) -> int:
        async with service.connector.talk(held) as talk:
            return talk.epochs

    try:
        counts = loop.run_until_complete(story())
        loop.run_until_complete(loop.shutdown_default_executor())
        return counts
    finally:
        loop.close()


def day_json(path: Path, day: str, now: datetime) -> dict[str, Any]:
    done = CliRunner().invoke(hipsync, ["--db", str(path), "day", day, "--json", "--zone", "UTC"], obj=App(lambda: now))
    assert done.exit_code in {0, 3}, done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


def through_the_band(person: str, rows: list[real_people.Row], folder: Path) -> tuple[int, int, int, int]:
    """(minutes, days, stretches, prompts due) that were compared."""
    epochs = epochs_of(rows)
    now = rows[-1].at + timedelta(minutes=1)
    band = MiBand(epochs, now=now, zone=ZoneInfo("UTC"), secret=KEY)
    path, copy = folder / f"{person}.db", folder / f"{person}-csv.db"
    first, second = sync(band, path, now, times=2)
    assert (first, second) == (len(rows), 0)
    assert band.sent == len(rows), "a minute that is stored was asked for again"
    with Store.read(path) as store:
        stored = store.epochs(store.bands()[0].id, rows[0].at, now)
    compare(stored, epochs)

    file = folder / f"{person}.csv"
    with file.open("w", newline="") as out:
        real_people.write_csv(rows, out)
    done = CliRunner().invoke(
        hipsync, ["--db", str(copy), "import", "csv", str(file), "--band", "band"], obj=App(lambda: now)
    )
    assert done.exit_code == 0, done.output

    table = {row.at: (row.steps, row.state) for row in rows}
    days = stretches = prompts = 0
    for day in sorted({row.at.date() for row in rows}):
        ours = day_json(path, day.isoformat(), now + timedelta(days=1))
        theirs = independent.day_of_minutes(table, day, zone=ZoneInfo("UTC"), now=now + timedelta(days=1), vouches=True)
        same_day(ours, theirs, f"{person} {day}")
        imported = day_json(copy, day.isoformat(), now + timedelta(days=1))
        assert {**imported, "bands": ours["bands"]} == ours
        days, stretches, prompts = days + 1, stretches + len(ours["stretches"]), prompts + len(theirs["prompts"])
    return len(rows), days, stretches, prompts


def compare(stored: list[Epoch], source: list[Epoch]) -> None:
    assert [(e.start, e.length, e.steps, e.intensity, e.heart_rate) for e in stored] == [
        (e.start, e.length, e.steps, e.intensity, e.heart_rate) for e in source
    ]
    wrong = [(a.state, b.state) for a, b in zip(source, stored, strict=True) if b.state not in SAID[a.state]]
    assert not wrong


def test_one_person_s_week_arrives_whole(tmp_path: Path) -> None:
    week = real_people.weeks()[real_people.AT_HOME]
    through_the_band(real_people.AT_HOME, real_people.with_holes(week, seed=3)[:4000], tmp_path)


@real_people.needs_everybody
@pytest.mark.ring
@pytest.mark.parametrize("holes", [False, True], ids=["whole", "with holes"])
def test_everybody_s_week_arrives_whole(tmp_path: Path, holes: bool, capsys: pytest.CaptureFixture[str]) -> None:
    totals = [0, 0, 0, 0]
    for number, (person, week) in enumerate(real_people.weeks(real_people.EVERYBODY).items()):
        rows = real_people.with_holes(week, seed=number) if holes else week
        totals = [a + b for a, b in zip(totals, through_the_band(person, rows, tmp_path), strict=True)]
    with capsys.disabled():
        minutes, days, stretches, prompts = totals
        print(
            f"\n11 people{' with holes' if holes else ''}: {minutes:,} minutes, {days} days, {stretches:,} stretches, "
            f"{prompts} prompts due, equal to the independent calculation, by band and by CSV"
        )
