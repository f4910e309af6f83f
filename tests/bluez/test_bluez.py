"""The BlueZ ring: the product's own commands on a real BlueZ, for every kind of band that it knows.

`tests/bluez/guest` is the machine, `tests/bluez/ring.py` what runs there, on one boot, with the bands of
`tests/bluez/bands.py`. Only the radio waves are not real.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bluez.bands import NOT_REACHABLE, address, bands
from hipsync.cli.app import system_now
from hipsync.model import MINUTE, Epoch
from hipsync.office_day import office_days
from hipsync.registry import drivers
from support.guest import said_in_guest

TIMEOUT_S = 1800
KEY = "00112233445566778899aabbccddeeff"
LONGEST_NAME = 29
"""How many bytes of a name an advertisement holds: 31, without its length and its type."""
FUTURE = 90 * MINUTE
LATE_S = 75
"""What a band counts, it may tell a minute later."""
CADENCE_ROUNDING = 3
MOVING = 20
"""Steps from which on a minute that was seen in part is told (`hipsync_devices/sig/minutes.py`)."""
"""Steps that a minute of cadence may be off: it is a rate, and counts from when it arrives on a slow machine."""


@dataclass(frozen=True, slots=True)
class Ring:
    life: Sequence[Epoch]
    told: Any

    def of(self, name: str) -> Any:
        return self.told["bands"][name]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Ring:
    """One boot for all bands."""
    life = _life(system_now())
    told = _told(life, tmp_path_factory.mktemp("ring"))
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        print(f"\n{_table(told)}", flush=True)
    return Ring(life, told)


@pytest.mark.bluez
@pytest.mark.parametrize("name", bands())
def test_a_band_is_found_paired_read_and_buzzed_through_bluez(name: str, ring: Ring) -> None:
    worn, told, life = bands()[name], ring.of(name), ring.life
    driver = drivers()[worn.kind]
    found = {each["address"]: each for each in json.loads(ring.told["scan"]["out"])["devices"]}[address(name)]
    assert found["drivers"][0] == worn.kind
    name_of_band = worn.maker([], now=life[0].start, zone=ZoneInfo("UTC")).advertisement().name or ""
    assert found["name"] == name_of_band[:LONGEST_NAME]
    assert "error" not in told["link"]
    for what in ("pair", "sync", "again"):
        assert told[what]["status"] == 0, told[what]

    first, second = told["sync"]["stored"], told["again"]["stored"]
    if driver.abilities.history is not None:
        for each in ("sync", "again"):
            _same_minutes(told[each]["stored"]["epochs"], life, told[each]["at"])
        ended = max(start + 60 * length for start, length, _ in first["epochs"])
        assert [each for each in second["epochs"] if each[0] < ended] == first["epochs"]
    else:
        watched = told["watched"]
        for at, steps in watched["counters"]:
            assert _is_possible(life, at, steps), at
        if driver.sync is not None:
            assert first["counters"]
            last, before = watched["counters"][-1], second["counters"][-1]
            assert (_day(last[0]), last[1]) > (_day(before[0]), before[1]), "it was told nothing while it was watched"
        if name == "sig-strap":
            assert watched["wears"]
            assert all(worn for _, worn in watched["wears"])
        _told_of_minutes(name, watched["epochs"], life)

    buzz, felt = told["buzz"], [said for said in ring.told["shown"] if said.startswith(f"{name}: ")]
    if (driver.abilities.buzz or driver.abilities.text) and worn.buzzes:
        assert buzz["status"] == 0, buzz
        assert ("Here I am" if worn.texts else "it buzzes") in "\n".join(felt)
    else:
        assert buzz["status"] != 0
        assert "cannot buzz" in buzz["err"]
        assert buzz["err"].count("\n") == 1
        assert not felt


@pytest.mark.bluez
def test_a_watch_that_no_radio_reaches_is_named_with_what_to_do(ring: Ring) -> None:
    lines = [" ".join(line.split()) for line in ring.told["read"]["out"].splitlines()]
    (shown,) = [line for line in lines if line.startswith(NOT_REACHABLE)]
    why = "not reachable over Bluetooth LE: import from Gadgetbridge (`hipsync import gadgetbridge FILE`)"
    assert shown.endswith(f"dBm - HUAWEI WATCH GT 4-A1B {why}")
    found = {each["address"]: each for each in json.loads(ring.told["scan"]["out"])["devices"]}[NOT_REACHABLE]
    assert found["drivers"] == []


def _told_of_minutes(name: str, epochs: Sequence[tuple[int, int, int]], life: Sequence[Epoch]) -> None:
    """What a live band's minutes were, as far as it tells of minutes."""
    walked = {int(epoch.start.timestamp()): epoch.steps for epoch in life}
    if bands()[name].paces:
        assert epochs
    for number, (start, _, steps) in enumerate(epochs):
        if name == "sig-strap":
            assert steps == 0, start
        elif number in {0, len(epochs) - 1}:  # the connection began or ended in it: what was seen of it is told
            assert MOVING <= steps <= walked[start] + CADENCE_ROUNDING, start
        else:
            assert abs(steps - walked[start]) <= CADENCE_ROUNDING, start


def _life(now: datetime) -> list[Epoch]:
    """An office day, yesterday's too, up to now; from then on so many steps in each minute that a watcher sees them."""
    days = office_days(now.date() - timedelta(days=1), 2, ZoneInfo("UTC"))
    past = [epoch for epoch in days if epoch.end <= now]
    future = [Epoch(past[-1].end + i * MINUTE, MINUTE, 40 + i % 7) for i in range(FUTURE // MINUTE)]
    return [*past, *future]


def _is_possible(life: Sequence[Epoch], at: float, steps: int) -> bool:
    """Whether a count that was read about this instant can be right."""
    least, most = (sum(_walked(life, at + by)) for by in (-LATE_S, LATE_S))
    if _day(at - LATE_S) != _day(at + LATE_S):  # the count begins anew meanwhile
        return steps >= least or steps <= most
    return least <= steps <= most


def _walked(life: Sequence[Epoch], at: float) -> Iterator[int]:
    """The steps of each minute of the day up to this instant, without the running one."""
    return (epoch.steps for epoch in life if epoch.start.date() == _day(at) and epoch.end.timestamp() <= at)


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _told(life: Sequence[Epoch], folder: Path) -> Any:
    """What `ring.py` told; skips where there can be no guest."""
    with (folder / "minutes.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "steps"])
        rows.writerows([epoch.start.isoformat(), epoch.steps] for epoch in life)
    key = folder / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    said = said_in_guest([sys.executable, "-m", "bluez.ring", folder / "minutes.csv", key], TIMEOUT_S)
    return json.loads(said.splitlines()[-1])


def _table(told: Any) -> str:
    """Seconds of each step, attempts to connect, and minutes stored."""
    heads = ("found", "connect", "tries", "pair", "sync", "again", "buzz")
    rows = [" ".join([f"{'seconds':<11}", *(f"{head:>7}" for head in heads), "stored"])]
    for name, each in told["bands"].items():
        link, epochs = each["link"], each["again"]["stored"].get("epochs", [])
        spent = [link.get(key, "?") for key in ("found_s", "connect_s", "attempts")]
        spent += [each[what]["s"] for what in ("pair", "sync", "again", "buzz")]
        live = each["watched"]
        kept = f"{sum(length for _, length, _ in epochs)} minutes"
        if live:
            kept = f"live: {len(live['epochs'])} minutes, {len(live['counters'])} counts"
        rows.append(" ".join([f"{name:<11}", *(f"{each:>7}" for each in spent), kept]))
    return "\n".join([f"scan of all: {told['scan']['s']} s", *rows])


def _same_minutes(stored: Sequence[tuple[int, int, int]], life: Sequence[Epoch], at: float) -> None:
    """Each slot holds the steps of its minutes, none with steps is missing, and only the running slot may be."""
    assert stored
    walked = {int(epoch.start.timestamp()): epoch.steps for epoch in life}
    for start, length, steps in stored:
        assert steps == sum(walked.get(start + 60 * i, 0) for i in range(length)), datetime.fromtimestamp(start, UTC)
    end = max(start + 60 * length for start, length, _ in stored)
    assert sum(steps for *_, steps in stored) == sum(steps for start, steps in walked.items() if start < end)
    assert end <= at
    assert at - end < 3600


def test_a_slot_that_lost_steps_is_noticed() -> None:
    life = [Epoch(datetime(2026, 11, 20, 10, tzinfo=UTC) + i * MINUTE, MINUTE, i) for i in range(20)]
    start = int(life[0].start.timestamp())
    at = life[-1].end.timestamp()
    _same_minutes([(start, 15, 105)], life, at)  # 0 + 1 + ... + 14
    for wrong in ([(start, 15, 104)], [(start + 900, 5, 85)], []):
        with pytest.raises(AssertionError):
            _same_minutes(wrong, life, at)
