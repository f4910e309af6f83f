"""The pictures of exercises as SVG are well-formed, move by one clock, and never leave their frame."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from hipsync.core.figures import FIGURES, length_s
from hipsync.report.figure_svg import moving, still

NAMES = list(FIGURES)


def numbers(points: str) -> list[float]:
    return [float(each) for each in re.findall(r"-?\d+\.?\d*", points)]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_well_formed_and_told_in_words(name: str) -> None:
    for drawn in (still(FIGURES[name]), moving(FIGURES[name])):
        root = ET.fromstring(drawn)  # noqa: S314  our own
        assert root.get("role") == "img"
        assert root.get("aria-label") == FIGURES[name].alt
        assert "style=" not in drawn, "the page's policy forbids it"
        assert len(drawn) < 16_000


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_is_ever_drawn_lies_in_the_frame(name: str) -> None:
    for drawn in (still(FIGURES[name]), moving(FIGURES[name])):
        root = ET.fromstring(drawn)  # noqa: S314
        left, top, width, height = numbers(root.get("viewBox") or "")
        for line in root.iter("polyline"):
            animated = next(iter(line), None)
            every = [
                line.get("points") or "",
                *(animated.get("values") or "" if animated is not None else "").split(";"),
            ]
            for each in filter(None, every):
                spots = numbers(each)
                assert left <= min(spots[::2]) <= max(spots[::2]) <= left + width
                assert top <= min(spots[1::2]) <= max(spots[1::2]) <= top + height


@pytest.mark.parametrize("name", NAMES)
def test_the_moving_one_goes_through_the_whole_cycle_and_ends_where_it_began(name: str) -> None:
    root = ET.fromstring(moving(FIGURES[name]))  # noqa: S314
    found = list(root.iter("animate"))
    assert found
    for each in found:
        values, times = (
            (each.get("values") or "").split(";"),
            [float(t) for t in (each.get("keyTimes") or "").split(";")],
        )
        assert len(values) == len(times)
        assert (times[0], times[-1]) == (0, 1)
        assert times == sorted(times)
        assert each.get("dur") == f"{length_s(FIGURES[name]):g}s"
        first, last = numbers(values[0]), numbers(values[-1])
        assert first == pytest.approx(last, abs=0.2)


def test_the_still_one_has_no_motion_and_shows_where_it_starts_and_goes() -> None:
    drawn = still(FIGURES["hip-extension"])
    assert "animate" not in drawn
    assert 'class="ghost"' in drawn
    assert drawn.count('class="arrow"') == 2
    assert "ghost" not in still(FIGURES["hip-rotation"]), "a circle has no start"
