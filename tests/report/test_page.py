"""The page says what the JSON says, to everybody, and reaches for nothing outside itself."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.core.period import PeriodSummary, awake_minutes, period_summary
from hipsync.core.summary import KINDS
from hipsync.history.summaries import summarise_days
from hipsync.model import MINUTE, Answer, Exercise, Kind, Prompt, Where
from hipsync.report.page import page_html
from hipsync.report.page.charts import binned
from hipsync.report.page.style import STYLE
from hipsync.store import Store
from hipsync.text import length
from support.builders import day as drawn
from support.parsed_page import Parsed

MONDAY = date(2026, 3, 23)
"""Of the week in which London's clocks go forward, on Sunday."""
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
EVIL = '<script>alert("1")</script>&\'"'
WEEK = "7h sleep, 1h walk, 70m sit, 20m walk, 2h sit, 20m gap, 3h sit, 1h walk, 50m off, 3h sit 1, 40m walk, 90m sit"


@pytest.fixture(scope="module")
def week() -> PeriodSummary:
    return lived(7)


def lived(days: int) -> PeriodSummary:
    with Store.in_memory() as store:
        band = store.add_band(name=EVIL, driver="huami", address="C0:00", now=NOW, simulated=True, vouches=True)
        for number in range(days):
            start = datetime(2026, 3, 23, tzinfo=UTC) + timedelta(days=number)
            store.append(band.id, drawn(WEEK, start))
            at = start + timedelta(hours=10)
            answer = [None, *Answer][number % 7]
            store.add_prompt(Prompt(at, at, EVIL, sure=True, where=(Where.DESKTOP, Where.BAND), answer=answer))
            store.add_exercise(Exercise(at + MINUTE, EVIL, "guided", hurt=number == 3))
        dates = [MONDAY + timedelta(days=number) for number in range(days)]
        return period_summary(summarise_days(store, Rule(), Zones([], "Europe/London"), dates, NOW))


def test_it_is_well_formed_and_says_what_it_is(week: PeriodSummary) -> None:
    page = page_html(week, NOW, previous=week)
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    found = Parsed(page)
    tags = [tag for tag, _ in found.seen]
    assert tags.count("h1") == tags.count("main") == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attrs["id"] for _, attrs in found.seen if "id" in attrs]
    assert len(set(ids)) == len(ids)
    assert all(attrs.get("scope") in {"col", "row"} for tag, attrs in found.seen if tag == "th")


def test_every_chart_is_told_in_words_and_has_a_table(week: PeriodSummary) -> None:
    page = page_html(week, NOW)
    charts = re.findall(r"<svg viewBox.*?</svg>", page)
    assert len(charts) == 4
    for chart in charts:
        root = ET.fromstring(chart)  # noqa: S314  our own
        assert root.get("role") == "img"
        named = (root.get("aria-labelledby") or "").split()
        assert [each.get("id") for each in root if each.tag in {"title", "desc"}] == named
        assert all(each.text for each in root if each.tag in {"title", "desc"})
    for section in re.findall(r"<section>.*?</section>", page, re.DOTALL):
        assert "<table>" in section


def test_its_numbers_are_those_of_the_summary(week: PeriodSummary) -> None:
    found = Parsed(page_html(week, NOW))
    head, *rows = found.tables[0]
    kinds = [kind for kind in KINDS if week.minutes[kind]]
    assert Kind.UNKNOWN in kinds
    assert len(rows) == 7
    for row, day in zip(rows, week.days, strict=True):
        cells = dict(zip(head, row, strict=True))
        assert [*row[1 : 1 + len(kinds)]] == [length(day.minutes[kind]) if day.minutes[kind] else "" for kind in kinds]
        assert cells["steps"] == f"{day.steps:,}"
        assert (cells["longest"], cells["breaks"]) == (length(day.longest_minutes), str(day.breaks))
    hours = found.tables[1][1:]
    for row, day in zip(hours, week.days, strict=True):
        sat = [int(cell) for cell in row[1:] if cell]
        assert sat
        assert sum(sat) <= day.minutes[Kind.SITTING]
    lengths = {row[0]: int(row[1]) for row in found.tables[2][1:]}
    assert sum(lengths.values()) == len(week.lengths)
    assert lengths["60 to 89"] == sum(60 <= each < 90 for each in week.lengths)


def test_a_stretch_counts_in_the_bin_where_it_begins_to_fit() -> None:
    bins = binned([7, 8, 14, 15, 89, 90, 119, 120, 600])
    assert [(each.label, each.stretches, each.minutes) for each in bins] == [
        ("8 to 14", 2, 22),
        ("15 to 29", 1, 15),
        ("30 to 44", 0, 0),
        ("45 to 59", 0, 0),
        ("60 to 89", 1, 89),
        ("90 to 119", 2, 209),
        ("120 and more", 2, 720),
    ]


def test_an_hour_of_which_most_is_unknown_has_no_number(week: PeriodSummary) -> None:
    hours = Parsed(page_html(week, NOW)).tables[1]
    monday = dict(zip(hours[0][1:], hours[1][1:], strict=True))
    assert (monday["03"], monday["22"]) == ("", "")  # asleep; no data
    assert (monday["08"], monday["09"]) == ("60", "40")  # 70 minutes of sitting from 8 on, 20 of walking, sitting again
    assert len(hours[0]) == 25


def test_the_change_is_told_for_an_hour_worn(week: PeriodSummary) -> None:
    half = period_summary(week.days[:3])
    table = Parsed(page_html(week, NOW, previous=half)).tables[-3]
    cells = {row[0]: row[1:] for row in table[1:]}
    awake = awake_minutes(week.minutes)
    assert cells["sitting, of each hour awake and worn"][1] == f"{round(week.minutes[Kind.SITTING] * 60 / awake)} min"
    assert cells["awake and worn"] == [length(awake_minutes(half.minutes)), length(awake)]


def test_words_from_elsewhere_are_words(week: PeriodSummary) -> None:
    page = page_html(week, NOW)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(") >= 8


def test_it_reaches_for_nothing(week: PeriodSummary) -> None:
    page = page_html(week, NOW, previous=week)
    assert not re.search(
        r"https?:|//|@import|<script|<link|<iframe|<img|src=|href=|style=|on\w+=", page.split("</style>")[1]
    )
    assert re.findall(r"url\(([^)]*)\)", page) == ["#hatch"]
    allowed = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{allowed}'" in page


def test_a_month_is_small() -> None:
    assert len(page_html(lived(31), NOW).encode()) < 2**20


def test_of_days_without_data_it_says_so() -> None:
    with Store.in_memory() as store:
        nothing = period_summary(summarise_days(store, Rule(), Zones([], "UTC"), [MONDAY], NOW))
    page = page_html(nothing, NOW)
    Parsed(page)
    assert "Nothing is known of these days" in page
    assert "<svg" not in page


def test_a_short_day_is_drawn_short(week: PeriodSummary) -> None:
    """Sunday has 23 hours; each strip is as long as its day is known."""
    (chart,) = re.findall(r'<svg viewBox[^>]*"strips-title.*?</svg>', page_html(week, NOW))
    widths = [
        sum(float(width) for path in re.findall(r'd="([^"]*)"', row) for width in re.findall(r"h([\d.]+)v", path))
        for row in chart.split('class="row"')[1:]
    ]
    assert len(widths) == 7
    assert widths[6] / widths[0] == pytest.approx(23 / 24, rel=0.01)


# ------------------------------------------------------------------ colours


def palettes() -> list[dict[str, str]]:
    return [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    ]


def contrast(one: str, other: str) -> float:
    """By WCAG 2.2."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    brighter, darker = sorted((light(one), light(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_every_palette_can_be_read() -> None:
    found = palettes()
    assert len(found) == 3  # light, dark, paper
    for palette in found:
        for text, on in [
            ("ink", "paper"),
            ("soft", "paper"),
            ("ink", "panel"),
            ("soft", "panel"),
            *((f"text{n}", f"sat{n}") for n in range(4)),
        ]:
            assert contrast(palette[text], palette[on]) >= 4.5, (text, on)
        for mark in ("sitting", "up", "standing", "asleep", "not-worn"):
            assert contrast(palette[mark], palette["paper"]) >= 3, mark
    for answer in re.findall(r"\.answer-\w+ \{ fill: (#[0-9a-f]{6})", STYLE):
        assert contrast(answer, "#ffffff") >= 4.5


# ------------------------------------------------------------------ a browser


@pytest.mark.ring
@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium here")
def test_a_browser_says_nothing_and_prints_it(week: PeriodSummary, tmp_path: Path) -> None:
    file, shot, paper = tmp_path / "week.html", tmp_path / "week.png", tmp_path / "week.pdf"
    file.write_text(page_html(week, NOW, previous=week))
    chromium(tmp_path, f"--screenshot={shot}", "--window-size=390,2000", file.as_uri())
    assert shot.read_bytes()[:4] == b"\x89PNG"
    chromium(tmp_path, f"--print-to-pdf={paper}", "--no-pdf-header-footer", file.as_uri())
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", paper.read_bytes())) <= 4


def chromium(home: Path, *words: str) -> Sequence[str]:
    """It must say nothing on the console, and finds no way to the network."""
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--enable-logging=stderr", f"--user-data-dir={home / 'profile'}",
         "--host-resolver-rules=MAP * ~NOTFOUND", *words],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    messages = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert messages == []
    return messages
