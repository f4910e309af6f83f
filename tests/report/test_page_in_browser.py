"""The pages in a real browser: for everybody, by keyboard alone, without a script, kept up to date, and quiet.

Playwright drives Debian's chromium; axe-core looks for what shuts people out.
"""

from __future__ import annotations

import random
import re
import shutil
import socket
import threading
import time
from collections.abc import Generator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from hipsync.cli.app import App
from hipsync.cli.site import Site
from hipsync.core.exercises import MOVES
from hipsync.core.routine import Moment, picture_s, place_of, routine_of
from hipsync.model import Answer, BandId, Epoch, Prompt
from hipsync.report.door import Door
from hipsync.report.page.document import Served as PageOf
from hipsync.report.page.exercise import exercises_html
from hipsync.report.page.pair import Asked, Found, Offered, PairingShown, Told, pair_html
from hipsync.report.web import application
from hipsync.store import Store
from support.builders import MONDAY, day
from support.machine import Machine

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is in the dependency group `screens`")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.ring,
    pytest.mark.enable_socket,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
]
LIVED = "7h sleep, 1h walk, 70m sit, 20m walk, 50m sit, 5m walk, 2h sit, 30m walk, 3h sit, 1h walk, 4h sit"
SIZES = [(1280, 900), (390, 844)]
ADDRESSES = (
    "day/today", "day/2026-02-24", "week/today", "month/today", "exercises/all", "exercises/hip-rotation", "pair/now",
)  # fmt: skip


class Served:
    """The site of a fortnight, with an open reminder, and a browser that looks at it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        app = App(lambda: machine.now)
        app.db_path, app.config_path = machine.database, None
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.door = Door(time.monotonic)
        port: int = self._socket.getsockname()[1]
        self.root = f"http://127.0.0.1:{port}"
        site = application(Site(app), port, self.door)
        self._server = uvicorn.Server(uvicorn.Config(site, log_level="error", lifespan="off", ws="none"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()

    def enter(self, page: Page) -> None:
        page.goto(f"{self.root}/?ticket={self.door.ticket(60)}")

    def at(self, address: str) -> str:
        return f"{self.root}/{self.door.word}/{address}"


def epochs_until(machine: Machine) -> list[Epoch]:
    days = (MONDAY + timedelta(days=number) for number in range(-13, 1))
    return [each for start in days for each in day(LIVED, start) if each.start < machine.now]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Served]:
    machine = Machine(tmp_path)
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    machine.now = MONDAY + timedelta(hours=15, minutes=10)  # 2 h 15 into a spell
    machine.band(epochs_until(machine), name="desk-band")
    with Store.open(machine.database) as store:
        at = machine.now - timedelta(minutes=5)
        store.add_prompt(Prompt(at, at, "hip-rotation", sure=True))
    served = Served(machine)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Quiet:
    """A tab that must say nothing on its console."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()
        assert self.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    served: Served, browser: Browser, scheme: str, size: tuple[int, int]
) -> None:
    width, height = size
    with Quiet(browser, viewport={"width": width, "height": height}, color_scheme=scheme) as page:
        served.enter(page)
        for address in ADDRESSES:
            page.goto(served.at(address))
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
            found = axe.Axe().run(page)
            assert found.violations_count == 0, f"{address}: {found.generate_report()}"


def test_axe_would_find_something(browser: Browser) -> None:
    with Quiet(browser) as page:
        page.set_content("<html><body><a href='x'></a><button></button><p style='color:#999'>faint</p></body></html>")
        assert axe.Axe().run(page).violations_count >= 3


def test_contrast_as_it_is_drawn(served: Served, browser: Browser) -> None:
    """axe measures text; here are the bars, against what they stand on, in both schemes."""
    for scheme, worst in (("light", 3.1), ("dark", 3.1)):
        with Quiet(browser, color_scheme=scheme) as page:
            served.enter(page)
            for shade in ("sitting", "past", "up"):
                fill = page.locator(f"#ribbon-chart svg.wide rect.{shade}").first.evaluate(
                    "e => getComputedStyle(e).fill"
                )
                paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
                assert contrast(fill, paper) >= worst, (scheme, shade)


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    brighter, darker = sorted((light(one), light(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def press_until(page: Page, selector: str, key: str = "Tab", most: int = 80) -> None:
    """Press a key until the focus is on an element."""
    for _ in range(most):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_by_keyboard_alone_last_tuesday_is_read_and_a_reminder_answered(served: Served, browser: Browser) -> None:
    with Quiet(browser) as page:
        served.enter(page)
        press_until(page, ".days a[href$='2026-02-24']")
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:has-text('Tuesday 24 February 2026')")
        assert page.evaluate("document.activeElement.tagName") == "H1", "a screen reader says where it is"
        press_until(page, "#ribbon-chart")
        page.keyboard.press("ArrowRight")
        first = page.locator("#day output").text_content()
        page.keyboard.press("ArrowRight")
        assert first == "00:00-07:00: asleep, 7 h"
        assert page.locator("#day output").text_content() == "07:00-08:00: up and about, 1 h"
        page.go_back()
        page.wait_for_selector("h1:has-text('Monday 2 March 2026')")
        press_until(page, "#do-snooze")
        page.keyboard.press("Enter")
        page.wait_for_selector("#message:has-text('Snoozed until 15:20.')")
        assert not page.locator(".reminder").count()
    with Store.read(served.machine.database) as store:
        (prompt,) = store.prompts(MONDAY, served.machine.now)
        assert prompt.answer is Answer.SNOOZED


OWN = """
[exercises]
set = ["wall-slide"]
[[exercises.own]]
name = "wall-slide"
title = "Wall slide"
line = "Wall slide: back to the wall, 5 times."
why = "My therapist says so."
steps = ["Stand with your back to the wall.", "Slide down a little and up again."]
when = ["hour"]
repetitions = 2
hold_s = 1
"""


def test_by_keyboard_alone_an_exercise_is_done_and_saved(served: Served, browser: Browser) -> None:
    served.machine.settings.parent.mkdir(parents=True)
    served.machine.settings.write_text(OWN)
    served.machine.settings.chmod(0o600)
    with Quiet(browser) as page:
        served.enter(page)
        page.goto(served.at("exercises/wall-slide"))
        cue = page.locator(".exercise:not([hidden]) .cue")
        assert cue.text_content() == "Ready?"
        page.keyboard.press("Space")
        cue.filter(has_text="Slowly there").wait_for()
        page.keyboard.press("Space")
        assert cue.text_content() == "Paused"
        page.keyboard.press("Space")
        cue.filter(has_text="Did it hurt?").wait_for(timeout=40_000)  # 2 times 7 seconds
        page.keyboard.press("Space")
        cue.filter(has_text="Saved: wall slide.").wait_for()
    with Store.read(served.machine.database) as store:
        done = store.exercises(MONDAY, served.machine.now + timedelta(days=1))
        assert [(each.name, each.how, each.hurt) for each in done] == [("wall-slide", "guided", False)]


def test_it_hurts_stops_at_once_and_is_saved(served: Served, browser: Browser) -> None:
    with Quiet(browser) as page:
        served.enter(page)
        page.locator("#show-me").click()
        page.wait_for_selector(".exercise:not([hidden]) h2:has-text('Standing hip circles')")
        page.keyboard.press("Space")
        page.keyboard.press("h")
        page.locator('.cue:has-text("won\'t suggest standing hip circles")').wait_for()
    with Store.read(served.machine.database) as store:
        (prompt,) = store.prompts(MONDAY, served.machine.now)
        assert (prompt.answer, store.hurt()) == (Answer.HURT, ["hip-rotation"])


def moments() -> Sequence[tuple[str, Moment]]:
    drawn = random.Random(14)
    found: list[tuple[str, Moment]] = []
    for move in MOVES:
        routine = routine_of(move)
        edges = [0.0, routine.repetition_s, routine.round_s - 0.01]
        found += [
            (move.name, Moment(drawn.randrange(len(routine.rounds)), round(seconds, 2), running=True))
            for seconds in [*edges, *(drawn.uniform(0, routine.round_s) for _ in range(12))]
        ]
    return found


def test_the_page_counts_as_the_terminal_does(browser: Browser, tmp_path: Path) -> None:
    """The script's clock means the same phase, repetition and moment of the picture as `hipsync.core.routine`."""
    file, moves = tmp_path / "exercises.html", {move.name: move for move in MOVES}
    file.write_text(exercises_html(MOVES))
    with Quiet(browser) as page:
        page.goto(file.as_uri())
        for name, moment in moments():
            routine = routine_of(moves[name])
            place = place_of(routine, moment)
            page.evaluate("hash => { location.hash = hash }", f"{name}@{moment.round},{moment.seconds},running")
            page.wait_for_function("n => !document.getElementById(n).hidden", arg=name)
            shown = page.locator(f"#{name}")
            shown.locator(".cue", has_text=place.phase.cue).wait_for()
            picture = page.evaluate("n => document.querySelector(`#${n} .moving`).getCurrentTime()", name)
            assert picture == pytest.approx(min(picture_s(routine, moment), routine.cycle_s - 0.001), abs=0.002)
            dots = shown.locator(".dots")
            if dots.count():
                assert dots.get_attribute("aria-label") == f"{place.repetition + 1} of {routine.repetitions}"
            mirrored = "mirrored" in (shown.locator(".picture").get_attribute("class") or "")
            assert mirrored == routine.rounds[moment.round].mirrored
            left = routine.seconds - moment.round * routine.round_s - moment.seconds
            assert (shown.locator(".left").text_content() or "").endswith(f"{int(left) // 60}:{int(left) % 60:02} left")


def test_who_wants_no_motion_sees_a_still_picture_and_cues_all_the_same(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "exercises.html"
    file.write_text(exercises_html(MOVES))
    with Quiet(browser, reduced_motion="reduce") as page:
        page.goto(file.as_uri())
        assert page.locator("#hip-extension .still").is_visible()
        assert not page.locator("#hip-extension .moving").is_visible()
        page.keyboard.press("Space")
        page.locator("#hip-extension .cue:has-text('Stand tall')").wait_for()
        page.locator("#hip-extension .cue:has-text('Leg back, slowly')").wait_for(timeout=10_000)


def test_without_a_script_links_and_buttons_work_and_every_exercise_is_there(served: Served, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    served.enter(page)
    page.locator(".bar a:has-text('Week')").click()
    page.locator(".week a:has-text('Mon 2')").click()
    assert "Monday 2 March 2026" in (page.locator("h1").text_content() or "")
    page.goto(served.at("day/today"))
    assert page.locator(".still").first.is_visible() or page.locator(".moving").first.is_visible()
    page.locator("#do-done").click()
    assert "Saved: standing hip circles." in (page.locator("#message").text_content() or "")
    page.goto(served.at("exercises/all"))
    assert page.locator(".exercise:visible").count() == len(MOVES)
    assert not page.locator(".guide:visible").count()
    context.close()


def test_the_page_keeps_itself_up_to_date_without_a_reload(served: Served, browser: Browser) -> None:
    with Quiet(browser) as page:
        served.enter(page)
        page.evaluate("window.mine = 1")
        page.locator("#ribbon-table summary").click()
        page.locator("#do-skip").focus()
        assert page.locator(".clock").text_content() == "2 h 15"
        assert page.title().startswith("2 h 15")
        served.machine.now += timedelta(minutes=6)
        with Store.open(served.machine.database) as store:
            store.append(
                BandId(1),
                [
                    each
                    for each in epochs_until(served.machine)
                    if each.start >= served.machine.now - timedelta(minutes=6)
                ],
            )
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.locator(".clock:has-text('2 h 21')").wait_for()
        assert page.title().startswith("2 h 21")
        assert page.evaluate("window.mine") == 1, "it was loaded anew"
        assert page.locator("#ribbon-table").get_attribute("open") is not None
        assert page.evaluate("document.activeElement.id") == "do-skip"


def test_the_page_asks_for_nothing_while_nobody_looks(served: Served, browser: Browser) -> None:
    asked: list[str] = []
    with Quiet(browser) as page:
        served.enter(page)
        page.on("request", lambda request: asked.append(request.url))
        page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(500)
    assert asked == []


def test_a_site_that_ended_says_so_in_words(served: Served, browser: Browser) -> None:
    context = browser.new_context()  # the browser says on its console that nobody answers
    page = context.new_page()
    served.enter(page)
    served.stop()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator("#message:has-text('`hipsync web` has ended')").wait_for()
    context.close()


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"contrast": "more"}])
def test_nothing_is_lost_in_forced_colours(served: Served, browser: Browser, media: dict[str, Any]) -> None:
    with Quiet(browser) as page:
        page.emulate_media(**media)
        served.enter(page)
        fills = {
            shade: page.locator(f"#ribbon-chart svg.wide rect.{shade}").first.evaluate("e => getComputedStyle(e).fill")
            for shade in ("sitting", "past", "up")
        }
        assert len({*fills.values()}) == 3


def test_by_keyboard_alone_a_practice_band_is_added(served: Served, browser: Browser) -> None:
    """Nothing is asked for by the page that is not answered, and what is typed stays while the page looks for news."""
    with Quiet(browser) as page:
        served.enter(page)
        press_until(page, "#add-band")
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:has-text('Add a band')")
        page.evaluate("window.mine = 1")
        press_until(page, "#kind")
        page.keyboard.type("PineTime")
        press_until(page, "#do-practise")
        page.keyboard.press("Enter")
        page.locator("#asked:has-text('Did it buzz?')").wait_for(timeout=60_000)
        assert page.locator("#steps .family").count() == 3
        assert page.evaluate("document.activeElement.id") == "yes", "the answer is one key away"
        page.keyboard.press("Enter")
        page.locator("label:has-text('A name for it')").wait_for()
        assert page.evaluate("document.activeElement.id") == "answer"
        page.keyboard.press("Control+a")
        page.keyboard.type("my watch")
        page.wait_for_timeout(2500)  # the page looks for news each second
        assert page.locator("#answer").input_value() == "my watch"
        page.keyboard.press("Enter")
        page.locator("h2:has-text('my watch is ready')").wait_for()
        press_until(page, "#day")
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:has-text('Monday 2 March 2026')")
    with Store.read(served.machine.database) as store:
        assert {band.name for band in store.bands()} == {"desk-band", "my watch"}


ASKED = {
    "idle": PairingShown(),
    "found": PairingShown(
        found=[
            Found("C8:0F:10:80:D0:21", "Mi Smart Band 5", "Mi Band", "-60 dBm", "desk"),
            Found("C8:0F:10:80:D0:22", "W" * 64, "Colmi ring", "connected"),
        ]
    ),
    "key": PairingShown(
        busy=True, told=[Told("name", "Mi Smart Band 5"), Told("family", "every minute", "Keeps")],
        asked=Asked(1, "key", "The band's key", wrong="that is no key: 32 letters and digits"),
    ),
    "felt": PairingShown(busy=True, told=[Told("step", "Connected")], asked=Asked(2, "felt", "Did it buzz?")),
    "fetching": PairingShown(busy=True, fetched=(1200, 10080)),
    "failed": PairingShown(failed="No band found. Turn off Bluetooth on your phone, wake the band, and try again."),
    "paired": PairingShown(paired="desk"),
}  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_axe_finds_nothing_while_a_band_is_added(
    browser: Browser, tmp_path: Path, scheme: str, size: tuple[int, int]
) -> None:
    width, height = size
    with Quiet(browser, viewport={"width": width, "height": height}, color_scheme=scheme) as page:
        page.add_init_script("Object.defineProperty(document, 'hidden', {value: true})")  # nobody serves it news
        for name, shown in ASKED.items():
            file = tmp_path / f"{name}.html"
            file.write_text(pair_html(shown, Offered([("huami", "Mi Band")], reminders=True), PageOf("x"), ""))
            page.goto(file.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            found = axe.Axe().run(page)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"
