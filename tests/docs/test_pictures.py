"""The pictures of the README are what the program shows now."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from pictures.make import pictures
from support.repository import ROOT

MADE = pictures()


@pytest.mark.parametrize("name", MADE)
def test_a_picture_is_what_the_program_shows(name: str) -> None:
    drawn = (ROOT / "docs" / "img" / name).read_text("utf-8")
    assert drawn == MADE[name], "stale: `uv run python -m pictures`"


@pytest.mark.parametrize("name", MADE)
def test_a_picture_is_well_formed_and_reaches_for_nothing(name: str) -> None:
    ET.fromstring(MADE[name])  # noqa: S314  our own
    assert set(re.findall(r"https?://[^\"' ]+", MADE[name])) <= {"http://www.w3.org/2000/svg"}
    assert "var(" not in MADE[name]


def test_the_readme_shows_each_of_them() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in MADE if f"docs/img/{name}" not in readme] == []


def test_today_shows_an_open_reminder() -> None:
    assert "Time to get up" in MADE["today.svg"]
