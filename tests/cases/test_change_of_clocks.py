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
    """Noon's cell of the table alone says that nobody sat: the others have no night that could say so."""
    machine = lived(tmp_path, zone, middle)
    page = machine.home / "page.html"
    machine.type("week", middle.isoformat(), "--html", str(page))
    heads, *rows = Parsed(page.read_text()).tables[1]
    days = [middle - timedelta(days=1), middle]
    shown = [row for row in rows if row[0] in {f"{day:%a} {day.day}" for day in days}]
    assert len(shown) == 2
    for row in shown:
        assert [head for head, cell in zip(heads, row, strict=True) if cell == "0"] == ["12"]


@pytest.mark.parametrize("middle", [FORTH, BACK])
def test_noon_stands_under_noon_in_the_strips_of_the_page(tmp_path: Path, middle: date) -> None:
    machine = lived(tmp_path, "Europe/Rome", middle)
    page = machine.home / "page.html"
    machine.type("week", middle.isoformat(), "--html", str(page))
    text = page.read_text()
    axis, *strips = re.findall(r'<svg class="(?:wide|strip)" viewBox="0 0 600 .*?</svg>', text)
    (noon,) = re.findall(r'<text x="([\d.]+)" y="12">12</text>', axis)
    walked = [at for strip in strips for at in re.findall(r'<rect class="up" x="([\d.]+)"', strip)]
    assert len(walked) == 2, "Saturday and Sunday"
    assert {*walked} == {noon}


def test_a_page_of_days_that_begin_at_four_says_four(tmp_path: Path) -> None:
    machine = lived(tmp_path, "Europe/Rome", FORTH)
    machine.told("config", "set", "day.start", "04:00")
    page = machine.home / "page.html"
    machine.type("week", "2026-03-29", "--html", str(page))
    text = page.read_text()
    axis = re.findall(r'<svg class="wide" viewBox="0 0 600 .*?</svg>', text)[0]
    assert re.findall(r'y="12">([\d:]+)<', axis) == ["12", "14", "16", "18", "20", "22", "00", "02"]
    assert Parsed(text).tables[1][0][1:] == [f"{hour % 24:02}" for hour in range(12, 28)], "the day ends at four"
