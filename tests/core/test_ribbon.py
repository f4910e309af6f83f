"""The ribbon of a day: what a person looks for in it is there, however short it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.core.bouts import Bouts, Rule, bouts
from hipsync.core.days import Zones
from hipsync.core.ribbon import Shade, plain_ribbon, ribbon, shades
from hipsync.core.summary import KINDS, DaySummary, day_summary
from hipsync.core.timeline import Source, minute_of, timeline
from hipsync.model import MINUTE, Epoch, Kind
from hipsync.report.by_clock import places, row_begins
from support import real_people
from support.builders import MONDAY, day
from support.same_day import epochs_of

LETTERS = {
    Shade.SITTING: "s", Shade.PAST: "P", Shade.UP: "u", Shade.STANDING: "t", Shade.ASLEEP: "z", Shade.NOT_WORN: "n",
    Shade.NO_DATA: "?", None: " ",
}  # fmt: skip
ON_FEET = {Shade.UP, Shade.STANDING}


def summed(
    epochs: Sequence[Epoch], *, limit: int = 60, zone: str = "UTC", when: date = date(2026, 3, 2), vouches: bool = True
) -> tuple[DaySummary, Bouts]:
    span, rule = Zones([], zone).day(when), Rule(limit_minutes=limit)
    line = timeline(
        [Source(epochs, vouches=vouches)], minute_of(span.start) - 1440, minute_of(span.end) + 1440, ZoneInfo(zone)
    )
    found = bouts(line, rule)
    return day_summary(line, found, span, span.end + timedelta(days=2), limit_minutes=limit), found


def cells_of(day: DaySummary, minutes: int = 5) -> list[list[int]]:
    return places(day, row_begins([day]), minutes)


def drawn(drawing: str) -> str:
    told, _ = summed(day(drawing))
    return "".join(LETTERS[shade] for shade in ribbon(told, cells_of(told))).rstrip("?")


def test_a_shade_has_the_code_of_its_kind() -> None:
    names = {Kind.UNKNOWN: "NO_DATA"}
    assert [Shade(code).name for code in range(6)] == [names.get(kind, kind.name) for kind in KINDS]


def test_a_break_of_a_minute_is_seen() -> None:
    assert drawn("60m walk, 42m sit, 1m walk 25, 57m sit") == "u" * 12 + "s" * 8 + "u" + "s" * 11


def test_two_breaks_in_one_cell_share_it() -> None:
    told = drawn("60m walk, 40m sit, 1m walk 25, 8m sit, 1m walk 25, 60m sit")
    assert told.strip("u").count("u") == 2
    assert drawn("60m walk, 36m sit, 1m walk 25, 2m sit, 1m walk 25, 40m sit").strip("u").count("u") == 1


def test_past_the_limit_is_seen_though_a_break_has_its_cell() -> None:
    # The limit is full at 1:00 + 60, and the spell ends two minutes later, by a break that fills the cell's rest.
    told = drawn("60m walk, 62m sit, 2m walk, 30m sit")
    assert told == "u" * 12 + "s" * 11 + "P" + "u" + "s" * 6


def test_a_spell_just_as_long_as_the_limit_has_a_cell_past_it() -> None:
    assert drawn("60m walk, 60m sit, 5m walk") == "u" * 12 + "s" * 11 + "P" + "u"


def test_a_band_off_for_a_minute_is_seen_unless_a_break_is_there() -> None:
    assert drawn("60m walk, 42m sit, 1m off, 17m sit") == "u" * 12 + "s" * 8 + "n" + "s" * 3
    assert drawn("60m walk, 42m sit, 1m walk 25, 1m off, 16m sit") == "u" * 12 + "s" * 8 + "u" + "s" * 3


def test_without_the_band_and_without_data_nothing_is_past_the_limit() -> None:
    told, _ = summed(day("50m sit, 2h gap, 50m sit, 2h off"))
    assert Shade.PAST not in shades(told)


def test_a_rest_of_a_spell_in_the_first_cell_of_a_day_leaves_it_to_the_break() -> None:
    told, _ = summed(day("3m walk, 63m sit, 1m walk 25, 40m sit", MONDAY - timedelta(minutes=63)))
    drawn = ribbon(told, cells_of(told))
    assert shades(told)[:4] == bytes([Shade.PAST] * 3 + [Shade.UP])
    assert drawn[:2] == [Shade.UP, Shade.SITTING]


def test_the_part_after_midnight_of_a_spell_is_past_the_limit_from_its_first_minute() -> None:
    told, _ = summed(day("3m walk, 90m sit, 5m walk", MONDAY - timedelta(minutes=70)))
    assert shades(told)[:23] == bytes([Shade.PAST] * 23)
    told, _ = summed(day("3m walk, 90m sit, 5m walk", MONDAY - timedelta(minutes=33)))
    assert shades(told)[:60] == bytes([Shade.SITTING] * 30 + [Shade.PAST] * 30)


def keeps_the_law(
    told: DaySummary, found: Bouts, drawn: Sequence[Shade | None], cells: Sequence[Sequence[int]]
) -> None:
    """Hold the ribbon against the stretches and breaks themselves."""

    def touched(start: datetime, end: datetime) -> set[Shade | None]:
        minutes = range((start - told.start) // MINUTE, (end - told.start) // MINUTE)
        return {shade for shade, cell in zip(drawn, cells, strict=True) if any(at in minutes for at in cell)}

    for each in found.breaks:
        if told.start <= each.start < told.until:
            assert touched(each.start, min(each.end, told.until)) & ON_FEET, each
    cell = max(map(len, cells)) * MINUTE
    for stretch in found.stretches:
        ends_here = told.start < stretch.end <= told.end
        is_a_rest = stretch.start < told.start and stretch.end - told.start < cell  # a break may have its only cell
        if stretch.minutes >= told.limit_minutes and not stretch.doubtful and ends_here and not is_a_rest:
            assert Shade.PAST in touched(max(stretch.start, told.start), stretch.end), stretch


def test_the_hour_that_is_skipped_is_empty() -> None:
    start = datetime(2026, 3, 28, 20, tzinfo=UTC)
    told, _ = summed(day("30h walk", start), zone="Europe/Rome", when=date(2026, 3, 29))
    drawn = ribbon(told, cells_of(told))
    assert drawn == [Shade.UP] * 24 + [None] * 12 + [Shade.UP] * (len(drawn) - 36)


PARTS = st.lists(
    st.tuples(
        st.sampled_from(["sit", "sit", "sit", "walk", "walk 4", "walk 1", "stand", "off", "sleep", "gap"]),
        st.integers(1, 130),
    ),
    min_size=1,
    max_size=60,
)


@given(PARTS, st.sampled_from([10, 20, 45, 60, 90]), st.sampled_from([5, 10, 20]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_law_holds_on_random_days(parts: list[tuple[str, int]], limit: int, cell: int, vouches: bool) -> None:
    epochs = day(", ".join(f"{minutes}m {what}" for what, minutes in parts))
    told, found = summed(epochs, limit=max(limit, 2 * cell), vouches=vouches)
    cells = cells_of(told, cell)
    keeps_the_law(told, found, ribbon(told, cells), cells)


@pytest.mark.parametrize("when", [date(2026, 3, 29), date(2026, 10, 25)], ids=["spring", "autumn"])
def test_the_law_holds_when_the_clocks_change(when: date) -> None:
    start = datetime(when.year, when.month, when.day, tzinfo=UTC) - timedelta(hours=2)
    told, found = summed(
        day(", ".join(["37m sit, 1m walk 25, 71m sit, 4m walk"] * 16), start), zone="Europe/London", when=when
    )
    cells = cells_of(told)
    keeps_the_law(told, found, ribbon(told, cells), cells)


@pytest.mark.parametrize(
    "path",
    [
        real_people.SAMPLE,
        pytest.param(real_people.EVERYBODY, marks=[pytest.mark.long, real_people.needs_everybody]),
    ],
    ids=["three people", "everybody"],
)
def test_the_law_holds_on_real_days(path: Path) -> None:
    days = 0
    for rows in real_people.weeks(path).values() if path == real_people.SAMPLE else real_people.read(path).values():
        first, last = rows[0].at.date(), rows[-1].at.date()
        for number in range((last - first).days + 1):
            told, found = summed(epochs_of(list(rows)), when=first + timedelta(days=number))
            cells = cells_of(told)
            keeps_the_law(told, found, ribbon(told, cells), cells)
            days += 1
    assert days >= 21


def test_a_cell_of_equal_parts_shows_what_matters_more() -> None:
    told, _ = summed(day("60m walk, 10m sit, 10m walk"))
    assert plain_ribbon(told, [range(60, 80)]) == [Shade.UP]
