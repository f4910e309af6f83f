"""The figure of a notice is a whole file of its own, with its colours in it, and all of it lies on its card."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from hipsync.core.figures import FIGURES
from hipsync.report.figure_icon import CARD, icon
from hipsync.report.figure_svg import still

SVG = "{http://www.w3.org/2000/svg}"


def numbers(text: str) -> list[float]:
    return [float(each) for each in re.findall(r"-?\d+\.?\d*", text)]


@pytest.mark.parametrize("name", FIGURES)
def test_it_stands_alone_and_says_its_colours_itself(name: str) -> None:
    drawn = icon(FIGURES[name])
    root = ET.fromstring(drawn)  # noqa: S314  our own
    assert root.tag == f"{SVG}svg"
    assert root.get("width") == root.get("height")
    assert [word for word in ("class", "style", "var(", "href", "aria", "<text", "animate") if word in drawn] == []
    for line in root.iter(f"{SVG}polyline"):
        assert re.fullmatch("#[0-9a-f]{6}", line.get("stroke") or ""), "a line without a colour is not seen"
        assert line.get("stroke-width")
    for dot in root.iter(f"{SVG}circle"):
        assert re.fullmatch("#[0-9a-f]{6}", dot.get("fill") or "")


@pytest.mark.parametrize("name", FIGURES)
def test_it_has_a_light_ground_of_its_own_and_lies_on_it(name: str) -> None:
    root = ET.fromstring(icon(FIGURES[name]))  # noqa: S314
    left, top, width, height = numbers(root.get("viewBox") or "")
    card = root.find(f"{SVG}rect")
    assert card is not None
    assert [float(card.get(each) or 0) for each in ("x", "y", "width", "height")] == [left, top, width, height]
    assert card.get("fill") == CARD
    assert width == height
    for line in root.iter(f"{SVG}polyline"):
        spots = numbers(line.get("points") or "")
        assert left < min(spots[::2]) <= max(spots[::2]) < left + width
        assert top < min(spots[1::2]) <= max(spots[1::2]) < top + height


@pytest.mark.parametrize("name", FIGURES)
def test_it_draws_what_the_still_picture_draws(name: str) -> None:
    def lines(text: str) -> list[str]:
        return re.findall(r' (?:points|d|cx)="([^"]+)"', text)

    assert lines(icon(FIGURES[name])) == lines(still(FIGURES[name]))
