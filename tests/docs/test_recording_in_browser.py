"""The recording of the README in a real browser: it moves, and stands still for those who want that."""

from __future__ import annotations

import shutil

import pytest

from support.repository import ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is in the dependency group `screens`")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.ring,
    pytest.mark.enable_socket,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
]


@pytest.mark.parametrize(("motion", "command", "last_line"), [("no-preference", "1", "0"), ("reduce", "0", "1")])
def test_the_recording_begins_with_its_command_and_stands_still_if_asked(
    motion: str, command: str, last_line: str
) -> None:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(reduced_motion=motion)
        page.goto((ROOT / "docs" / "img" / "demo.svg").as_uri())
        running = page.evaluate("document.getAnimations().length")
        page.evaluate("for (const each of document.getAnimations()) { each.pause(); each.currentTime = 100 }")
        opacity = "getComputedStyle({}).opacity"
        assert (running > 0) == (motion == "no-preference")
        assert page.evaluate(opacity.format("document.getElementById('typed')")) == command
        assert page.evaluate(opacity.format("document.querySelector('#up > g:last-of-type')")) == last_line
        page.evaluate("for (const each of document.getAnimations()) each.currentTime = 20000")
        assert page.evaluate(opacity.format("document.querySelector('#up > g:last-of-type')")) == "1"
        browser.close()
