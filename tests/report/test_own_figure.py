"""An exercise of the user's own that has poses is drawn wherever the others are; without, its own drawing stays."""

from __future__ import annotations

from pathlib import Path

from hipsync.core.exercises import MOVES
from hipsync.core.figures import UPRIGHT, Key
from hipsync.core.own_figures import figure_of
from hipsync.core.routine import Moment, routine_of
from hipsync.core.skeleton import Swing
from hipsync.report.card import card
from hipsync.report.figure_icon import icon
from hipsync.report.figure_svg import moving, still
from hipsync.report.guide_screen import guide_screen
from hipsync.report.page.exercise import exercises_html
from hipsync.report.page.now import NowShown, Reminded, now_section
from hipsync.report.pen import Pen
from hipsync.service.figure_files import FigureFiles

POSES = tuple(Key(UPRIGHT._replace(right=Swing(flex, knee=5)), 2, 1, "Kick", "Hold") for flex in (0, -25))
PLAIN = MOVES[0]._replace(name="kick", title="Kick", drawing="  o_/\n  |", poses=())
DRAWN = PLAIN._replace(poses=POSES)
PEN = Pen(0, unicode=True, columns=80)
BRAILLE = {chr(code) for code in range(0x2801, 0x2900)}


def has_braille(lines: list[str]) -> bool:
    return bool(BRAILLE & {*"".join(lines)})


def test_on_the_card_of_a_reminder() -> None:
    assert has_braille(card("Time to get up", DRAWN, 10, 60, PEN))
    plain = card("Time to get up", PLAIN, 10, 60, PEN)
    assert not has_braille(plain)
    assert any("o_/" in line for line in plain)


def test_in_the_guide_which_goes_by_the_times_of_the_poses() -> None:
    routine = routine_of(DRAWN)
    shown = guide_screen(DRAWN, routine, Moment(running=True), PEN)
    assert has_braille(shown)
    assert any("Hold" in line for line in shown)
    # 1 s at rest, 2 s there, 2 s held (as the exercise says), 2 s back
    assert [phase.seconds for phase in routine.phases] == [1, 2, 2, 2]
    assert not has_braille(guide_screen(PLAIN, routine_of(PLAIN), Moment(running=True), PEN))


def test_on_the_page_of_exercises() -> None:
    figure = figure_of(DRAWN)
    assert figure is not None
    page = exercises_html([DRAWN])
    assert moving(figure) in page
    assert still(figure) in page
    assert '<svg class="figure' not in exercises_html([PLAIN])


def test_beside_an_open_reminder_on_the_page_of_today() -> None:
    figure = figure_of(DRAWN)
    assert figure is not None
    drawn, plain = (
        now_section(NowShown(["Sitting."], 65, 60, "15:09", Reminded(move, 10, True), False), "a-key")
        for move in (DRAWN, PLAIN)
    )
    assert still(figure) in drawn
    assert '<svg class="figure' not in plain


def test_beside_a_notice(tmp_path: Path) -> None:
    figure = figure_of(DRAWN)
    assert figure is not None
    file = FigureFiles(tmp_path / "figures").of(DRAWN)
    assert file is not None
    assert file.read_text() == icon(figure)
    assert FigureFiles(tmp_path / "figures").of(PLAIN) is None
