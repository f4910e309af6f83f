"""The pictures of the README are what the program shows now."""

from __future__ import annotations

import re
from functools import cache
from xml.etree import ElementTree as ET

import pytest

from hipsync.report.pen import wide
from pictures.make import PICTURES, what_the_demo_prints
from support.repository import ROOT

RECORDING_BYTES = 150_000


@cache
def made(name: str) -> str:
    return PICTURES[name]()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_the_program_shows(name: str) -> None:
    drawn = (ROOT / "docs" / "img" / name).read_text("utf-8")
    assert drawn == made(name), "stale: `uv run python -m pictures`"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_well_formed_and_reaches_for_nothing(name: str) -> None:
    ET.fromstring(made(name))  # noqa: S314  our own
    assert set(re.findall(r"https?://[^\"' ]+", made(name))) <= {"http://www.w3.org/2000/svg"}
    assert "var(" not in made(name)


def test_the_readme_shows_each_of_them() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in PICTURES if f"docs/img/{name}" not in readme] == []


def test_today_shows_an_open_reminder() -> None:
    assert "Time to get up" in made("today.svg")


def test_the_recording_shows_each_line_that_the_demo_prints() -> None:
    shown = [text.text for text in ET.fromstring(made("demo.svg")).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314
    words = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in what_the_demo_prints()]
    assert shown[0] == "$ uv run hipsync demo"
    assert "".join("".join(words).split()) == "".join("".join(filter(None, shown[1:])).split())
    assert max(map(wide, words)) <= 80
    assert any("reminder: Time to move." in line for line in words)
    assert words[-1] == "See it again:  uv run hipsync --db demo.db day 2026-11-20"


def test_the_recording_is_small_and_begins_again() -> None:
    assert len(made("demo.svg").encode()) < RECORDING_BYTES
    assert "s step-end infinite}" in made("demo.svg")


def test_nothing_moves_for_those_who_want_less_motion() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", made("demo.svg"))
    assert style.startswith("@media (prefers-reduced-motion:no-preference){")
    assert style.count("{") == style.count("}")
    assert made("demo.svg").replace(f"<style>{style}</style>", "") == made("demo-still.svg")
    assert "animat" not in made("demo-still.svg")
