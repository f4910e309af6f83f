"""The live screen, drawn by Textual: it looks into the database again and again, and answers by keys.

What it says is made elsewhere: sentences by `service.status_text`, the ribbon by `report.terminal_day`, the figure by
`report.braille`. Textual takes long to import, so only `hipsync live` imports this module.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.text import Text
from textual.app import App as Textual
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Digits, Footer, Static

from hipsync.cli.app import App
from hipsync.cli.review import summary_of
from hipsync.core.exercises import MOVES, Move
from hipsync.errors import HipsyncError
from hipsync.model import Answer, Occasion
from hipsync.report.day_words import headline, title
from hipsync.report.live_text import card_lines, clock_text, head_text, in_short, meter_lines
from hipsync.report.pen import Pen, pen_for, shows_unicode
from hipsync.report.terminal_day import goal_lines, ribbon_lines

if TYPE_CHECKING:
    from datetime import datetime

    from textual.geometry import Size

    from hipsync.core.summary import DaySummary
    from hipsync.service.now import Now

LOOKS_EVERY_S, FRAMES_A_SECOND = 15.0, 6
GUARD_S = 1.0
"""A key that is pressed this soon after a reminder appeared was meant for something else."""
FIGURE_COLUMNS, FIGURE_ROWS, LOW = 20, 8, 32
"""The size of the figure, which a screen of fewer lines than the last leaves out."""
OLDEST_DAY = 3650
ANSWERS = {"done": Answer.DONE, "snooze": Answer.SNOOZED, "skip": Answer.SKIPPED, "standing": Answer.STANDING}
KEYS = """While a reminder is open:
  e  show me, step by step    d  done    z  snooze    s  skip    u  I was standing

Always:
  p  pause for an hour        r  end a pause
  \u2190  the day before         \u2192  the day after      t  today
  w  this week                ?  these keys         q  quit

In the first second after a reminder appears its keys do nothing:
you were typing something else."""


class Look(NamedTuple):
    """What was found in the database at one look."""

    now: Now
    day: DaySummary
    """The day that is shown, which need not be today."""
    said: list[str]
    move: Move | None
    """The exercise of the open reminder; None if none is open."""
    showing: datetime | None
    """When that reminder was shown last; None if none is open."""
    may_have_stood: bool
    is_paused: bool


class Live(Textual[None]):
    """The screen."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "hipsync"
    CSS = """
    Screen { background: ansi_default; color: ansi_default; }
    #head { height: 1; text-style: bold; padding: 0 1; }
    #now { height: auto; margin: 1 3 0 3; }
    Digits { width: 20; height: 3; display: none; }
    Digits.sat { display: block; }
    Digits.over { color: ansi_magenta; }
    #why { width: 1fr; height: auto; }
    #card { height: auto; margin: 1 2 0 2; padding: 0 1; border: round ansi_magenta; display: none; }
    #card.open { display: block; }
    #figure { width: 23; height: auto; }
    #say { width: 1fr; height: auto; }
    #day { height: auto; margin: 1 0 0 0; }
    #sum { height: auto; margin: 1 0 0 0; }
    Footer { background: ansi_default; }
    More { align: center middle; background: ansi_default; }
    #more { width: auto; max-width: 100%; max-height: 90%; height: auto; border: round ansi_default; padding: 0 1; }
    #more Static { width: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "show_me", "show me"),
        Binding("d", "answer('done')", "done"),
        Binding("z", "answer('snooze')", "snooze"),
        Binding("s", "answer('skip')", "skip"),
        Binding("u", "answer('standing')", "I was standing", show=False),
        Binding("p", "pause", "pause"),
        Binding("r", "resume", "resume"),
        Binding("left", "turn(-1)", "day before", show=False),
        Binding("right", "turn(1)", "day after", show=False),
        Binding("t", "turn(0)", "today", show=False),
        Binding("w", "week", "week"),
        Binding("question_mark", "keys", "keys"),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, app: App, first: Look, clock: Callable[[], float] = time.monotonic) -> None:
        """`first` is what is shown at once; `clock` counts seconds that never go back."""
        super().__init__(ansi_color=True)
        self._app, self._clock = app, clock
        self._days_back = 0
        self._frame_s = 0.0
        self._appeared: float | None = None
        """When the open reminder appeared on this screen; None while none is open, and for one that was open before."""
        self._look = first
        self._drawn_for: Size | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        with Horizontal(id="now"):
            yield Digits(id="clock")
            yield Static(id="why")
        with Horizontal(id="card"):
            yield Static(id="figure")
            yield Static(id="say")
        yield Static(id="day")
        yield Static(id="sum")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.draw()
        self.set_interval(LOOKS_EVERY_S, self.look)
        self.set_interval(1 / FRAMES_A_SECOND, self.draw_figure)

    def on_resize(self) -> None:
        """Draw anew what was drawn for another size."""
        if self._drawn_for not in {None, self.size}:
            self.draw()

    # -------------------------------------------------------------- what is shown

    def look(self) -> None:
        """Look into the database, and draw what is there; what is wrong with it is a toast."""
        before = self._look
        try:
            self._look = found = look_at(self._app, self._days_back)
        except HipsyncError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if found.showing is None:
            self._appeared = None
        elif found.showing != before.showing:
            self._appeared = self._clock()
            self.bell()
        self.draw()

    def draw(self) -> None:
        """Draw what was found at the last look."""
        found = self._look
        if not self._is_in_front():
            return
        pen, self._drawn_for = self._pen(), self.size
        self.query_one("#head", Static).update(Text(f"hipsync   {head_text(found.day)}"[: pen.columns - 2]))
        self._draw_now(found, pen)
        card = self.query_one("#card", Horizontal)
        card.set_class(found.move is not None, "open")
        if found.move is not None:
            room = pen.columns - 8 - (FIGURE_COLUMNS + 3 if self._has_figure(found) else 0)
            self._write("#say", card_lines(found.move, room, pen))
        told = [f"   {title(found.day)}. {headline(found.day)}"] if self._days_back else []
        self._write("#day", [*told, *ribbon_lines(found.day, pen, legend=pen.lines is not None and pen.lines > LOW)])
        sums = [f"   {line}" for line in in_short(found.day)]
        self._write("#sum", [*sums, *goal_lines(found.day, pen, self._app.goals())])
        self.draw_figure()
        self.refresh_bindings()

    def _draw_now(self, found: Look, pen: Pen) -> None:
        digits, minutes = self.query_one("#clock", Digits), found.now.sat
        digits.set_class(minutes is not None, "sat")
        digits.set_class(found.now.is_over, "over")
        digits.update(clock_text(minutes))
        first = [] if minutes is None else meter_lines(minutes, found.now.limit, pen)
        lines = [*found.said[:1], *first] if found.move is not None else [*found.said, *first]
        self._write("#why", lines)

    def draw_figure(self) -> None:
        """Draw the next moment of the figure of an open reminder."""
        found = self._look
        if not self._is_in_front():
            return
        figure = self.query_one("#figure", Static)
        figure.display = self._has_figure(found)
        if found.move is None or not figure.display:
            return
        from hipsync.core.figures import length_s
        from hipsync.core.own_figures import figure_of
        from hipsync.report.braille import picture

        if (drawn := figure_of(found.move)) is None:
            return
        self._frame_s = (self._frame_s + 1 / FRAMES_A_SECOND) % length_s(drawn)
        lines = picture(drawn, self._frame_s, FIGURE_COLUMNS, FIGURE_ROWS, self._pen())
        self._write("#figure", lines)

    def _is_in_front(self) -> bool:
        """Whether the screen itself is shown: not a text above it, and not while it begins or ends."""
        return len(self.screen_stack) == 1 and bool(self.query("#figure"))

    def _has_figure(self, found: Look) -> bool:
        if found.move is None or self.size.height < LOW or not self._pen().unicode:
            return False
        from hipsync.core.own_figures import figure_of

        return figure_of(found.move) is not None

    def _write(self, where: str, lines: list[str]) -> None:
        self.query_one(where, Static).update(Text.from_ansi("\n".join(lines)))

    def _pen(self) -> Pen:
        import sys

        own = pen_for(sys.__stdout__ or sys.stdout, colour=self._app.colour)
        return own._replace(
            unicode=own.unicode or shows_unicode(sys.stdout), columns=self.size.width, lines=self.size.height
        )

    # -------------------------------------------------------------- what keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key does something now; the foot shows only those."""
        found = self._look
        if action == "answer":
            stood = parameters == ("standing",)
            return found.move is not None and (found.may_have_stood or not stood)
        if action == "show_me":
            return found.move is not None
        if action in {"pause", "resume"}:
            return found.is_paused == (action == "resume")
        return True

    def action_answer(self, what: str) -> None:
        """Answer the open reminder."""
        from hipsync.cli.prompts import answered

        if not self._is_guarded():
            self._say(lambda: answered(self._app, ANSWERS[what]))

    def action_pause(self) -> None:
        """Pause reminders for an hour."""
        from hipsync.cli.prompts import paused

        self._say(lambda: paused(self._app, ()))

    def action_resume(self) -> None:
        """End a pause."""
        from hipsync.cli.prompts import resumed

        self._say(lambda: resumed(self._app))

    def action_show_me(self) -> None:
        """Lead through the exercise of the open reminder, on the terminal itself."""
        from hipsync.cli.exercise import guide

        found = self._look
        if found.move is None or self._is_guarded():
            return
        try:
            with self.suspend():
                told = guide(self._app, [found.move], silent=False)
        except SuspendNotSupported:
            told = ["Leave with q, and type `hipsync exercise`."]
        self._say(lambda: "\n".join(told))

    def action_turn(self, days: int) -> None:
        """Show another day: the one before, the one after, or today."""
        self._days_back = min(max(self._days_back - days, 0), OLDEST_DAY) if days else 0
        self.look()

    def action_week(self) -> None:
        """Show this week above the screen."""
        from hipsync.cli.review import period_of
        from hipsync.report.terminal_week import week_text

        week, before = period_of(self._app, "week", "this", None, None)
        pen = self._pen()
        self._show_above(week_text(week, pen._replace(columns=pen.columns - 6), before=before))

    def action_keys(self) -> None:
        """Show what the keys do."""
        self._show_above(KEYS)

    def _show_above(self, told: str) -> None:
        from hipsync.cli.live_more import More

        self.push_screen(More(told), callback=lambda _: self.draw())

    def _is_guarded(self) -> bool:
        return self._appeared is not None and self._clock() - self._appeared < GUARD_S

    def _say(self, does: Callable[[], str]) -> None:
        """Do something, and say what came of it, or why nothing did."""
        try:
            self.notify(does(), markup=False)
        except HipsyncError as error:
            self.notify(str(error), severity="error", markup=False)
        self.look()


def look_at(app: App, days_back: int) -> Look:
    """What is found in the database now. Raises `HipsyncError`."""
    from hipsync.cli.status_line import now_at
    from hipsync.service.status_text import sentences

    with app.existing_store() as store:
        now = now_at(app, store)
        is_paused = store.pause(app.now()) is not None
        day = app.zones(store).date_of(app.now()) - timedelta(days=days_back)
    opened = now.open
    moves = (*MOVES, *app.config().own) if opened is not None else ()
    return Look(
        now=now,
        day=summary_of(app, day.isoformat(), None, None),
        said=sentences(now),
        move=next((move for move in moves if opened is not None and move.name == opened.exercise), None),
        showing=None if opened is None else opened.last_shown or opened.at,
        may_have_stood=opened is not None and opened.occasion is Occasion.SITTING,
        is_paused=is_paused,
    )
