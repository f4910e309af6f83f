"""Weeks and months on the day when clocks change (case 06): steps from 12:00 to 12:59 local on three days."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.model import MINUTE, Epoch
from hipsync.store import Store
from support.machine import Machine
from support.parsed_page import Parsed

FORTH, BACK = date(2026, 3, 29), date(2026, 10, 25)
HALF_FORTH, HALF_BACK = date(2026, 10, 4), date(2026, 4, 5)  # Lord Howe


def lived(tmp_path: Path, zone: str, middle: date) -> Machine:
    """Return a machine with steps in each minute from 12:00 to 12:59, on a day, the one before and the one after."""
    machine, where = Machine(tmp_path), ZoneInfo(zone)
    start = datetime.combine(middle - timedelta(days=1), time(0), where).astimezone(UTC)
    end = datetime.combine(middle + timedelta(days=2), time(0), where).astimezone(UTC)
    minutes = [start + at * MINUTE for at in range((end - start) // MINUTE)]
    with Store.open(machine.database) as store:
        band = store.add_band(name="a", driver="csv", now=start).id
        store.append(band, [Epoch(at, MINUTE, 50 if at.astimezone(where).hour == 12 else 0) for at in minutes])
    machine.now = end + timedelta(days=1)
    machine.environment["TZ"] = zone
    return machine


@pytest.mark.parametrize(
    ("zone", "middle"),
    [("Europe/Rome", FORTH), ("Europe/Rome", BACK), ("Australia/Lord_Howe", HALF_FORTH),
     ("Australia/Lord_Howe", HALF_BACK), ("America/Havana", date(2026, 3, 8)), ("America/Havana", date(2026, 11, 1))],
)  # fmt: skip
def test_noon_stands_under_noon_in_the_terminal(tmp_path: Path, zone: str, middle: date) -> None:
    lines = lived(tmp_path, zone, middle).told("week", middle.isoformat()).splitlines()
    (head,) = [line for line in lines if "sat over breaks" in line]
    noon, two = head.index(" 12 ") + 1, head.index(" 14 ") + 1
    labels = {f"{day:%a} {day.day:>2}" for day in (middle - timedelta(days=1), middle, middle + timedelta(days=1))}
    rows = [line for line in lines if line[1:7] in labels and "▁" in line]
    assert len(rows) == 3 - (middle.weekday() == 6)
    for row in rows:
        assert [at for at, mark in enumerate(row) if mark == "▁"] == [*range(noon, noon + (two - noon) // 2)]


@pytest.mark.parametrize(
    ("zone", "middle"),
    [("Europe/Rome", FORTH), ("Europe/Rome", BACK), ("Australia/Lord_Howe", HALF_FORTH),
     ("Australia/Lord_Howe", HALF_BACK)],
)  # fmt: skip
def test_noon_stands_under_noon_on_the_page(tmp_path: Path, zone: str, middle: date) -> None:
    """Noon's cell of the table shows no minute of sitting, and its neighbours 60."""
    machine = lived(tmp_path, zone, middle)
    page = machine.home / "page.html"
    machine.type("week", middle.isoformat(), "--html", str(page))
    heads, *rows = Parsed(page.read_text()).tables[1]
    noon = heads.index("12")
    for row in rows:
        if row[0] in {f"{middle:%a} {middle.day}", f"{middle - timedelta(days=1):%a} {middle.day - 1}"}:
            assert row[noon - 1 : noon + 2] == ["60", "0", "60"]


@pytest.mark.parametrize("middle", [FORTH, BACK])
def test_noon_stands_under_noon_in_the_strips_of_the_page(tmp_path: Path, middle: date) -> None:
    machine = lived(tmp_path, "Europe/Rome", middle)
    page = machine.home / "page.html"
    machine.type("week", middle.isoformat(), "--html", str(page))
    (chart,) = re.findall(r'<svg viewBox[^>]*"strips-title.*?</svg>', page.read_text())
    (noon,) = re.findall(r'<text x="([\d.]+)" y="14" class="axis">12:00', chart)
    walked = re.findall(r'class="kind-up" d="M([\d.]+) [\d.]+h([\d.]+)', chart)
    assert len(walked) == 2, "Saturday and Sunday"
    assert {at for at, _ in walked} == {noon}


def test_a_page_of_days_that_begin_at_four_says_four(tmp_path: Path) -> None:
    machine = lived(tmp_path, "Europe/Rome", FORTH)
    machine.told("config", "set", "day.start", "04:00")
    page = machine.home / "page.html"
    machine.type("week", "2026-03-29", "--html", str(page))
    (chart,) = re.findall(r'<svg viewBox[^>]*"strips-title.*?</svg>', page.read_text())
    assert re.findall(r'y="14" class="axis">([\d:]+)', chart) == [
        "04:00", "07:00", "10:00", "13:00", "16:00", "19:00", "22:00", "01:00",
    ]  # fmt: skip
    assert Parsed(page.read_text()).tables[1][0][1:4] == ["04", "05", "06"]
