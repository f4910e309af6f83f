"""What is the matter with a band is said once, in words that say what to do, and again only after it was mended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from hipsync.core.band_troubles import BandFacts, remarks_due, troubles
from hipsync.core.days import Zones
from hipsync.core.policy import Policy
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Band, BandId, Charge, Pause, Remark, Trouble
from hipsync.service.control_client import Line
from hipsync.service.control_server import listening
from hipsync.service.delivery import Delivery
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import run
from hipsync_devices.huami.sim import MiBand
from support.builders import MONDAY, day
from support.machine import Machine
from support.world import KEY, NINE, SECOND, UTC_ZONE, World, listen_until

HOUR = 60 * MINUTE
ZONES = Zones([], "Europe/London")
OPEN = Policy()
TEN = MONDAY + 10 * HOUR
BAND = BandId(1)
WELL = BandFacts(
    band=BAND, name="desk-band", newest=TEN, in_vain=None, charge=Charge(TEN, 80), recharged=False, refused=False,
    reached=TEN, remarked={},
)  # fmt: skip


def remarks(facts: BandFacts, now: datetime = TEN, policy: Policy = OPEN, pause: Pause | None = None) -> list[str]:
    return [remark.text for remark in remarks_due([facts], policy, ZONES, now, pause)]


def empty(percent: int, *, charging: bool | None = None, at: datetime = TEN) -> BandFacts:
    return WELL._replace(charge=Charge(at, percent, charging))


def test_a_band_that_is_well_is_not_spoken_of() -> None:
    assert remarks(WELL) == []
    assert remarks(WELL._replace(charge=None)) == []


def test_a_low_battery_is_one_unless_it_charges_or_was_read_long_ago() -> None:
    assert remarks(empty(15)) == ["Charge desk-band: 15 %"]
    assert remarks(empty(16)) == []
    assert remarks(empty(9, charging=True)) == []
    assert remarks(empty(9, charging=False)) == ["Charge desk-band: 9 %"]
    assert remarks(empty(9), TEN + 24 * HOUR) == ["Charge desk-band: 9 %"]
    assert remarks(empty(9), TEN + 24 * HOUR + MINUTE) == []


def test_it_is_said_again_only_after_the_battery_was_charged() -> None:
    low = empty(9)._replace(remarked={Trouble.BATTERY: TEN - 48 * HOUR})
    assert remarks(low) == []
    assert remarks(low._replace(recharged=True)) == ["Charge desk-band: 9 %"]
    assert [remark.what for remark in troubles(low, ZONES, TEN)] == [Trouble.BATTERY], "status goes on saying it"


def test_a_day_without_data_is_one_if_it_was_tried_for_a_day() -> None:
    silent = WELL._replace(newest=TEN - 25 * HOUR, in_vain=TEN - 24 * HOUR)
    text = "No data from desk-band since Sun 09:00: is it in reach? `hipsync status` says more"
    assert remarks(silent) == [text]
    assert remarks(silent._replace(in_vain=TEN - 23 * HOUR)) == [], "the computer was off, or asleep"
    assert remarks(silent._replace(in_vain=None)) == []
    assert remarks(silent._replace(newest=TEN - 23 * HOUR, in_vain=TEN - 23 * HOUR)) == []


def test_it_is_said_again_only_after_data_came() -> None:
    silent = WELL._replace(newest=TEN - 25 * HOUR, in_vain=TEN - 24 * HOUR)
    assert remarks(silent._replace(remarked={Trouble.NO_DATA: TEN - 30 * HOUR})) != []
    assert remarks(silent._replace(remarked={Trouble.NO_DATA: TEN - HOUR})) == []


def test_a_refused_key_is_one_remark_a_streak_and_says_how_to_give_another() -> None:
    refused = WELL._replace(refused=True, reached=TEN - 5 * HOUR)
    assert remarks(refused) == [
        "desk-band refused its key: `hipsync bands key desk-band --key-file FILE` gives it another"
    ]
    assert remarks(refused._replace(remarked={Trouble.REFUSED: TEN - HOUR})) == []
    assert remarks(refused._replace(remarked={Trouble.REFUSED: TEN - 6 * HOUR})) != []
    assert remarks(refused._replace(remarked={Trouble.REFUSED: TEN - HOUR}, reached=None)) == []
    spaced = refused._replace(name="Mi Band's")
    assert remarks(spaced) == [
        "Mi Band's refused its key: `hipsync bands key 'Mi Band'\\''s' --key-file FILE` gives it another"
    ]


def test_a_refused_key_explains_why_no_data_come() -> None:
    both = WELL._replace(refused=True, newest=TEN - 25 * HOUR, in_vain=TEN - 24 * HOUR, reached=TEN - 25 * HOUR)
    assert [remark.what for remark in remarks_due([both], OPEN, ZONES, TEN)] == [Trouble.REFUSED]


def test_outside_the_hours_and_during_a_pause_it_waits() -> None:
    office = Policy(hours=settings_of(Config(), "UTC").policy.hours)
    low = empty(9)
    assert remarks(low, MONDAY + 7 * HOUR, office) == []
    assert remarks(low, MONDAY + 8 * HOUR, office) != []
    pause = Pause(TEN - MINUTE, TEN + MINUTE)
    assert remarks(low, TEN, pause=pause) == []
    assert remarks(low, TEN + MINUTE, pause=pause) != []


# ------------------------------------------------------------------ by the service


class Told(World):
    """A service that remarks, and what it remarked on: (minutes since nine, text)."""

    def listen_to(self, secret: Callable[[Band], bytes | None] = lambda _: KEY) -> list[tuple[int, str]]:
        shown: list[tuple[int, str]] = []

        async def tell(remark: Remark) -> None:
            shown.append((int((self.clock.now() - NINE) / MINUTE), remark.text))

        known = self.service.connector.drivers
        settings = self.service.settings
        self.service = Service(
            self.store, settings, radio=self.wrist, drivers=known, secret=secret,
            deliver=self.shown, now=self.clock.now, hear=self.wrist.hear, show_remark=tell,
        )  # fmt: skip
        return shown


def mi_band(**more: object) -> MiBand:
    life = day("3h sit", NINE - 3 * HOUR) + day("5m walk 100, 600h sit", NINE)[: 60 * 24 * 3]
    return MiBand(life, now=NINE, zone=UTC_ZONE, secret=KEY, **more)  # type: ignore[arg-type]


def test_a_band_that_is_away_is_remarked_on_after_a_day_once_also_by_the_next_run_and_again_after_data_came() -> None:
    async def story(clock: FastClock) -> tuple[Told, list[tuple[int, str]]]:
        world = Told(clock, band=mi_band())
        shown = world.listen_to()
        await world.run_until(NINE + 10 * MINUTE)
        world.wrist.away = {"band"}
        await world.run_until(NINE + 30 * HOUR)
        second = world.listen_to()  # the service starts anew
        await world.run_until(NINE + 32 * HOUR)
        assert second == []
        world.wrist.away.clear()
        await world.run_until(NINE + 34 * HOUR)
        world.wrist.away = {"band"}
        await world.run_until(NINE + 60 * HOUR)
        return world, [*shown, *second]

    _, shown = run(story, NINE)
    assert len(shown) == 2
    (first, text), (again, _) = shown
    assert 24 * 60 <= first <= 26 * 60  # 24 h after the first attempt in vain, seen by the next of them
    assert 58 * 60 <= again < 60 * 60  # away again since 34 h
    assert text.startswith("No data from band since Mon 09:")


def test_a_low_battery_is_remarked_on_once_until_it_was_charged() -> None:
    async def story(clock: FastClock) -> list[tuple[int, str]]:
        world = Told(clock, band=mi_band())
        shown = world.listen_to()
        world.wrist.away = {"band"}  # it would tell of a battery of its own
        band = world.store.bands()[0]
        for percent in (16, 15, 12, 30, 14, 31, 13, 12):
            world.store.append(band.id, [Charge(clock.now(), percent)])
            await world.service.wake(clock.now())
            await clock.sleep_until(clock.now() + MINUTE)
        return shown

    shown = run(story, NINE)
    assert shown == [(1, "Charge band: 15 %"), (6, "Charge band: 13 %")]


def test_a_new_key_is_tried_at_once_and_another_wrong_one_is_remarked_on_again() -> None:
    async def story(clock: FastClock) -> tuple[Told, list[tuple[int, str]]]:
        keys = [bytes(16)]
        world = Told(clock, band=mi_band())
        shown = world.listen_to(lambda _: keys[-1])
        await listen_until(world, NINE + 20 * MINUTE)
        band = world.store.bands()[0]
        assert world.wrist.minutes_of("band") == [0.0], "it is called hourly"
        keys.append(bytes(15) + b"\1")
        world.store.drop_remarks(band.id, Trouble.REFUSED)  # as `bands key` does
        await listen_until(world, NINE + 30 * MINUTE)
        keys.append(KEY)
        world.store.drop_remarks(band.id, Trouble.REFUSED)
        await listen_until(world, NINE + 40 * MINUTE)
        return world, shown

    world, shown = run(story, NINE)
    assert [minute for minute, _ in shown] == [0, 20]
    assert all(text.startswith("band refused its key") for _, text in shown)
    assert world.wrist.minutes_of("band")[:3] == [0.0, 20.0, 30.0]
    assert world.store.syncs(world.store.bands()[0].id)[0].error is None


# ------------------------------------------------------------------ on the command line


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    band = machine.band(day("30m sit", MONDAY + 9 * HOUR))
    with Store.open(machine.database) as store:
        store.append(band, [Charge(machine.now, 9)])
        store.note_sync(band, machine.now, machine.now, 30, None)
    return machine


def test_status_says_what_is_the_matter(machine: Machine) -> None:
    assert "  To do      Charge desk-band: 9 %" in machine.told("status").splitlines()
    assert '"text": "Charge desk-band: 9 %"' in machine.told("status", "--json")
    with Store.open(machine.database) as store:
        (band,) = store.bands()
        store.append(band.id, [Charge(machine.now + SECOND, 40)])
    assert "Charge" not in machine.told("status")


def test_a_refused_key_stays_in_status_until_there_is_another_or_the_band_takes_it(machine: Machine) -> None:
    with Store.open(machine.database) as store:
        (band,) = store.bands()
        store.note_sync(band.id, machine.now + MINUTE, machine.now + MINUTE, 0, "refused")
        store.add_remark(Remark(band.id, Trouble.REFUSED, ""), machine.now + MINUTE)
    machine.now += 2 * MINUTE
    assert "desk-band refused its key" in machine.told("status")
    key = machine.home / "key"
    key.write_text(KEY.hex())
    key.chmod(0o600)
    machine.told("bands", "key", "desk-band", "--key-file", str(key))
    assert "refused" not in machine.told("status").replace("    refused", "")


async def test_a_new_key_is_told_to_the_running_service(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", machine.environment["XDG_RUNTIME_DIR"])
    asked: list[Line] = []

    async def answer(question: Line) -> Line:
        asked.append(question)
        return {}

    key = machine.home / "key"
    key.write_text(KEY.hex())
    key.chmod(0o600)
    async with listening(machine.database, answer):
        await asyncio.to_thread(machine.told, "bands", "key", "desk-band", "--key-file", str(key))
    assert asked == [{"do": "look"}]


def test_a_remark_is_forgotten_with_its_band(machine: Machine) -> None:
    with Store.open(machine.database) as store:
        (band,) = store.bands()
        store.add_remark(Remark(band.id, Trouble.BATTERY, ""), machine.now)
        assert store.remarked(band.id) == {Trouble.BATTERY: machine.now}
        store.forget(band.id, machine.now, with_data=True)
        assert store.remarked(band.id) == {}


async def test_on_a_terminal_it_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.in_memory() as store:
        delivery = Delivery(store, lambda: TEN, Config(desktop=False))
        await delivery.show_remark(Remark(BAND, Trouble.BATTERY, "Charge desk-band: 9 %"))
    assert capsys.readouterr().out == "Battery low. Charge desk-band: 9 %\n"


def test_what_was_tried_before_the_newest_data_or_brought_some_was_not_in_vain() -> None:
    with Store.in_memory() as store:
        band = store.add_band(name="band", driver="huami", now=MONDAY, address="C0").id
        store.note_sync(band, TEN - HOUR, TEN - HOUR, 0, "out of reach")
        store.note_sync(band, TEN + SECOND, TEN + SECOND, 60, None)
        assert store.in_vain_since(band, TEN) is None
        store.note_sync(band, TEN + HOUR, TEN + HOUR, 0, None)
        store.note_sync(band, TEN + 2 * HOUR, TEN + 2 * HOUR, 3, "the link was lost")
        assert store.in_vain_since(band, TEN) == TEN + HOUR
        assert store.in_vain_since(band, TEN + HOUR) == TEN + 2 * HOUR
