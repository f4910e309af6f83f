"""What a terminal is drawn with."""

from __future__ import annotations

import pytest

from hipsync.core.ribbon import Shade
from hipsync.report.pen import COLOURS, GLYPHS, Pen, padded, sentences, spread, wide, wrapped


def luminance(red: int, green: int, blue: int) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [each / 255 for each in (red, green, blue)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("shade", COLOURS)
def test_a_colour_of_256_is_seen_on_white_and_on_black(shade: Shade) -> None:
    number = int(COLOURS[shade][1].removeprefix("38;5;")) - 16  # of the cube of six by six by six colours
    steps = (0, 95, 135, 175, 215, 255)
    colour = luminance(steps[number // 36], steps[number // 6 % 6], steps[number % 6])
    assert 1.05 / (colour + 0.05) >= 3.1
    assert (colour + 0.05) / 0.05 >= 3.1


def test_the_ribbon_is_told_by_glyphs_alone() -> None:
    drawn = [Shade.UP, Shade.UP, None, Shade.SITTING, Shade.PAST, None]
    assert Pen().cells(drawn) == "▁▁ ▄█"
    assert Pen(unicode=False).cells(drawn) == "__ =#"
    assert Pen(16).cells(drawn) == "\x1b[36m▁▁\x1b[0m \x1b[33m▄\x1b[0m\x1b[35m█\x1b[0m"
    assert {*GLYPHS} == {*Shade}


def test_a_bar_is_never_longer_than_its_goal() -> None:
    assert [Pen().bar(count, 4) for count in (0, 1, 4, 9)] == ["░░░░", "█░░░", "████", "████"]


def test_widths_leave_escape_sequences_out() -> None:
    assert wide("\x1b[38;5;32mup\x1b[0m!") == 3
    assert padded("\x1b[1mup\x1b[0m", 4) == "\x1b[1mup\x1b[0m  "
    assert spread("left", "right", 12) == ["left   right"]
    assert spread("left", "right", 10) == ["left", "right"]
    assert spread("left", "", 80) == ["left"]
    assert wrapped(["one", "two", "three"], 9, " ") == ["one two", "three"]
    assert sentences("", 9) == []
