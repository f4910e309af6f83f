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
from hipsync.core.period import PeriodSummary, period_summary
from hipsync.core.ribbon import ON_FEET, Shade
from hipsync.core.summary import KINDS, DaySummary
from hipsync.history.summaries import summarise_days
from hipsync.model import MINUTE, Answer, Exercise, Kind, Prompt, Where
from hipsync.report import day_words as words
from hipsync.report.day_ribbon import day_ribbon
from hipsync.report.page import View, page_html
from hipsync.report.page.document import SCRIPTS, asset
from hipsync.report.page.period import binned
from hipsync.report.page.ribbon import HOURS_PER_ROW, ribbon_section
from hipsync.store import Store
from hipsync.text import length
from support import real_people
from support.builders import day as drawn
from support.parsed_page import Parsed
from support.same_day import epochs_of

MONDAY = date(2026, 3, 23)
"""Of the week in which London's clocks go forward, on Sunday."""
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
EVIL = '<script>alert("1")</script>&\'"'
WEEK = "7h sleep, 1h walk, 70m sit, 20m walk, 2h sit, 20m gap, 3h sit, 1h walk, 50m off, 3h sit 1, 40m walk, 90m sit"
VIEWS: Sequence[View] = ("day", "week", "month")


@pytest.fixture(scope="module")
def week() -> PeriodSummary:
    return lived(7)


def lived(days: int, now: datetime = NOW) -> PeriodSummary:
    with Store.in_memory() as store:
        band = store.add_band(name=EVIL, driver="huami", address="C0:00", now=now, simulated=True, vouches=True)
        for number in range(days):
            start = datetime(2026, 3, 23, tzinfo=UTC) + timedelta(days=number)
            store.append(band.id, [each for each in drawn(WEEK, start) if each.start < now])
            at = start + timedelta(hours=10)
            answer = [None, *Answer][number % 7]
            if at < now:
                store.add_prompt(Prompt(at, at, EVIL, sure=True, where=(Where.DESKTOP, Where.BAND), answer=answer))
                store.add_exercise(Exercise(at + MINUTE, EVIL, "guided", hurt=number == 3))
        dates = [MONDAY + timedelta(days=number) for number in range(days)]
        return period_summary(summarise_days(store, Rule(), Zones([], "Europe/London"), dates, now))


def pages(week: PeriodSummary) -> dict[View, str]:
    one = period_summary(week.days[:1])
    return {
        "day": page_html(one, NOW, "day", last_days=week.days),
        "week": page_html(week, NOW, "week", previous=week),
        "month": page_html(week, NOW, "month"),
    }


@pytest.mark.parametrize("view", VIEWS)
def test_it_is_well_formed_and_says_what_it_is(week: PeriodSummary, view: View) -> None:
    page = pages(week)[view]
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


@pytest.mark.parametrize("view", VIEWS)
def test_every_picture_is_told_in_words_or_is_an_ornament(week: PeriodSummary, view: View) -> None:
    pictures = re.findall(r"<svg.*?</svg>", pages(week)[view])
    assert len(pictures) > 3
    for each in pictures:
        root = ET.fromstring(each)  # noqa: S314  our own
        assert root.get("aria-hidden") == "true" or (root.get("role") == "img" and root.get("aria-label"))


def test_the_numbers_of_the_days_are_those_of_the_summary(week: PeriodSummary) -> None:
    head, *rows = Parsed(pages(week)["week"]).tables[0]
    kinds = [kind for kind in KINDS if week.minutes[kind]]
    assert Kind.UNKNOWN in kinds
    assert len(rows) == 7
    for row, day in zip(rows, week.days, strict=True):
        cells = dict(zip(head, row, strict=True))
        assert [*row[1 : 1 + len(kinds)]] == [length(day.minutes[kind]) if day.minutes[kind] else "" for kind in kinds]
        assert cells["steps"] == f"{day.steps:,}"
        assert (cells["longest"], cells["breaks"]) == (length(day.longest_minutes), str(day.breaks))
        assert cells["over"] == str(day.over_limit)


def test_an_hour_of_which_most_has_no_data_has_no_number(week: PeriodSummary) -> None:
    heads, monday, *_ = Parsed(pages(week)["week"]).tables[1]
    cells = dict(zip(heads[1:], monday[1:], strict=True))
    assert cells["22"] == ""
    assert (cells["08"], cells["09"]) == ("60", "40")  # 70 minutes of sitting from 8 on, 20 of walking, sitting again


def test_the_hours_of_a_day_add_up_to_its_sitting(week: PeriodSummary) -> None:
    day = week.days[0]
    hours = Parsed(page_html(period_summary([day]), NOW, "day")).tables[1]
    assert hours[0] == ["hour", "sitting, min", "up, min", "a break"]
    assert sum(int(row[1]) for row in hours[1:]) == day.minutes[Kind.SITTING]


def test_a_spell_counts_in_the_bin_where_it_begins_to_fit() -> None:
    bins = binned([7, 8, 14, 15, 89, 90, 119, 120, 600])
    assert [(each.label, each.spells, each.minutes) for each in bins] == [
        ("8 to 14", 2, 22),
        ("15 to 29", 1, 15),
        ("30 to 44", 0, 0),
        ("45 to 59", 0, 0),
        ("60 to 89", 1, 89),
        ("90 to 119", 2, 209),
        ("120 and more", 2, 720),
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_words_from_elsewhere_are_words(week: PeriodSummary, view: View) -> None:
    page = pages(week)[view]
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(" in page


@pytest.mark.parametrize("view", VIEWS)
def test_it_reaches_for_nothing_and_runs_only_what_its_policy_names(week: PeriodSummary, view: View) -> None:
    page = pages(week)[view]
    without = page
    for own in (asset("page.css"), *map(asset, SCRIPTS)):
        without = without.replace(own, "")
    outside = re.sub(r'href="\.\./(day|exercises)/[\w-]+"', "", without)
    assert not re.search(r"https?:|//|@import|<link|<iframe|<img|src=|href=|style=|\bon\w+=", outside)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    for kind, texts in (("style", re.findall(r"<style>(.*?)</style>", page, re.DOTALL)),
                        ("script", re.findall(r"<script>(.*?)</script>", page, re.DOTALL))):  # fmt: skip
        assert texts
        for text in texts:
            hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert re.search(rf"{kind}-src [^;]*'sha256-{re.escape(hashed)}'", policy)
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_a_day_is_under_100_kilobytes_and_a_month_under_a_megabyte(week: PeriodSummary) -> None:
    assert len(pages(week)["day"].encode()) < 100_000
    month = lived(31)
    assert len(page_html(month, NOW, "month").encode()) < 2**20


@pytest.mark.parametrize("view", VIEWS)
def test_of_days_without_data_it_says_so(view: View) -> None:
    dates = [MONDAY + timedelta(days=number) for number in range({"day": 1, "week": 7, "month": 31}[view])]
    with Store.in_memory() as store:
        nothing = period_summary(summarise_days(store, Rule(), Zones([], "UTC"), dates, NOW))
    page = page_html(nothing, NOW, view)
    Parsed(page)
    assert "No data for" in page
    assert "<svg" not in page


# ------------------------------------------------------------------ the ribbon


SHADES = {shade.name.lower().replace("_", "-"): shade for shade in Shade}


def shades_drawn(page: str, kind: str) -> list[tuple[float, float, Shade]]:
    """The bars of one picture of the ribbon: their left and right edges, and their shade."""
    (picture,) = re.findall(rf'<svg class="{kind}".*?</svg>', page)
    return [
        (float(x), float(x) + float(width), SHADES[shade])
        for shade, x, width in re.findall(
            r'<rect class="([\w-]+)"[^>]* x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', picture
        )
    ]


def same_as_in_the_terminal(day: DaySummary) -> None:
    """Each cell of the terminal's ribbon lies in a bar of its shade, at its place; where it has none, there is none."""
    found = day_ribbon(day, HOURS_PER_ROW)
    rows = [(row.first, row.last) for row in found.rows if not row.words]
    if not rows:
        return
    first, last = rows[0][0], rows[-1][0] + HOURS_PER_ROW * 12
    bars = shades_drawn(ribbon_section(day), "wide")
    scale = 938 / (last - first)
    for cell in range(first, min(last, len(found.drawn))):
        middle = 1 + (cell + 0.5 - first) * scale
        shown = [shade for left, right, shade in bars if left - 0.3 <= middle <= right + 0.3]
        expected = found.drawn[cell]
        assert shown == ([] if expected in {None, Shade.NO_DATA} else [expected]), cell


def test_the_page_draws_the_cells_of_the_terminal(week: PeriodSummary) -> None:
    for day in week.days:
        same_as_in_the_terminal(day)
    for at in (9, 16):
        same_as_in_the_terminal(lived(1, datetime(2026, 3, 23, at, 21, tzinfo=UTC)).days[0])


def test_of_real_people_too_and_each_break_and_long_spell_is_there() -> None:
    for rows in real_people.weeks(real_people.SAMPLE).values():
        for day in real_days(list(rows)):
            same_as_in_the_terminal(day)
            section = ribbon_section(day)
            if 'class="chart"' not in section:
                continue
            shown = {shade for _, _, shade in shades_drawn(section, "wide")}
            assert not day.breaks or ON_FEET & shown
            if any(words.is_over(day, piece) and not piece.doubtful for piece in day.stretches if not piece.whole):
                assert Shade.PAST in shown
                assert "past the limit" in section


def real_days(rows: list[real_people.Row]) -> Sequence[DaySummary]:
    first, last = rows[0].at.date(), rows[-1].at.date()
    with Store.in_memory() as store:
        band = store.add_band(name="a band", driver="huami", address="C0:00", now=NOW, simulated=False, vouches=True)
        store.append(band.id, epochs_of(rows))
        dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return summarise_days(store, Rule(), Zones([], "UTC"), dates, rows[-1].at + timedelta(days=1))


def test_the_table_of_the_day_says_what_the_ribbon_says(week: PeriodSummary) -> None:
    section = ribbon_section(week.days[0])
    bars = {each.split(": ", 1)[0] for each in re.findall(r'<rect class="[\w-]+" data-t="([^"]*)"', section)}
    rows = {row[0] for row in Parsed(section).tables[0][1:]}
    assert bars <= rows
    assert "08:00-09:10" in rows


# ------------------------------------------------------------------ colours


def palettes() -> list[dict[str, str]]:
    return [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", asset("page.css"), re.DOTALL)
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
            *((text, on) for text in ("ink", "soft", "act", "past") for on in ("paper", "card")),
            ("on-act", "act"),
            *((f"text{n}", f"sat{n}") for n in range(4)),
        ]:
            assert contrast(palette[text], palette[on]) >= 4.5, (text, on)
        for mark in ("sitting", "past", "up", "quiet"):
            assert contrast(palette[mark], palette["paper"]) >= 3.1, mark
        assert contrast(palette["goes"], palette["card"]) >= 3.1


# ------------------------------------------------------------------ a browser


@pytest.mark.ring
@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium here")
def test_a_browser_says_nothing_and_prints_it(week: PeriodSummary, tmp_path: Path) -> None:
    file, shot, paper = tmp_path / "week.html", tmp_path / "week.png", tmp_path / "week.pdf"
    file.write_text(pages(week)["week"])
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
