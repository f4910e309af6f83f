"""Leads through an exercise on a terminal: reads keys, keeps the time, and redraws one screen in place.

What the screen shows is `hipsync.report.guide_screen`, what a key does to the time is `hipsync.core.routine`. Here are
the loop that joins them, and the terminal itself: its size, its modes and its other screen, which leaves what stood
there before as it was.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from typing import NamedTuple, Protocol

from hipsync.core.exercises import Move
from hipsync.core.routine import Moment, Routine, after, is_over, place_of, repeated, routine_of, skipped, toggled
from hipsync.report.guide_screen import guide_screen
from hipsync.report.pen import Pen, pen_for

FRAMES_A_SECOND = 6
LONGEST_FRAME_S = 0.5
"""What a frame may add to the clock: one that took longer was the computer's sleep, and not the person's doing."""
QUESTION = "Did it hurt?   n no   y yes   (Enter: no)"
OTHER_SCREEN, FORMER_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""Switch to the terminal's other screen without a cursor, and back (xterm, "XTerm Control Sequences")."""
ARROWS = {"\x1b[C": "n", "\x1bOC": "n", "\x1b[D": "r", "\x1bOD": "r"}
"""What the right and the left arrow stand for."""


class End(Enum):
    """How a guided exercise ended."""

    DONE = auto()
    HURT = auto()
    LEFT = auto()
    """The person left, or went through no round of it."""


class Led(NamedTuple):
    """What came of an exercise."""

    end: End
    seconds: float
    """How long it took, stops included."""


class Screen(Protocol):
    """A terminal, as far as guiding needs one; a test passes its own."""

    def pen(self) -> Pen:
        """What it can show, and its size now."""
        ...

    def show(self, lines: Sequence[str]) -> None:
        """Replace all that it shows."""
        ...

    def key(self, within_s: float) -> str:
        """The next key that is pressed within this time, else an empty text; `q` once nobody can press one."""
        ...

    def bell(self) -> None:
        """Ring."""
        ...


def lead(move: Move, screen: Screen, clock: Callable[[], float] = time.monotonic) -> Led:
    """Lead through one exercise. Nothing is timed before the person starts it. `clock` counts seconds."""
    routine, moment = routine_of(move), Moment()
    begun = last = clock()
    shown: tuple[Moment, Pen] | None = None
    while not is_over(routine, moment):
        if shown != (moment, pen := screen.pen()):
            screen.show(guide_screen(move, routine, moment, pen))
            shown = moment, pen
        key = screen.key(1 / FRAMES_A_SECOND)
        now = clock()
        before, moment = moment, after(routine, moment, min(now - last, LONGEST_FRAME_S))
        last = now
        if _rings(routine, before, moment):
            screen.bell()
        match key:
            case "q":
                return Led(End.LEFT, now - begun)
            case "h":
                return Led(End.HURT, now - begun)
            case _:
                moment = _pressed(routine, before, moment, key)
    if not moment.finished:
        return Led(End.LEFT, clock() - begun)
    return Led(End.HURT if _asked_whether_it_hurt(move, screen) else End.DONE, clock() - begun)


def _pressed(routine: Routine, before: Moment, moment: Moment, key: str) -> Moment:
    """What a key makes of a moment; one that was meant for a round which is just over does nothing to the next."""
    if before.round != moment.round:
        return moment
    match key:
        case " " | "\r" | "\n":
            return toggled(routine, moment)
        case "n":
            return skipped(moment)
        case "r":
            return repeated(routine, moment)
        case _:
            return moment


def _rings(routine: Routine, before: Moment, moment: Moment) -> bool:
    """Whether something ended that one need not look at the screen for: a hold, or a round."""
    if before.round != moment.round or not (moment.running and routine.phases):
        return before.round != moment.round
    was, now = place_of(routine, before), place_of(routine, moment)
    return was.phase.held and was.phase.seconds >= 2 and was.phase is not now.phase


def _asked_whether_it_hurt(move: Move, screen: Screen) -> bool:
    screen.show(["", f" {screen.pen().bold(f'That was it: {move.title}.')}", "", f" {QUESTION}"])
    while (key := screen.key(3600)) not in {"y", "n", "\r", "\n", "q"}:
        pass
    return key == "y"


@contextmanager
def terminal_screen(*, colour: bool, silent: bool) -> Generator[Screen]:
    """The terminal of this process as a screen, and as it was before at the end."""
    keys = _WindowsKeys() if sys.platform == "win32" else _Keys()
    with keys.taken():
        yield Terminal(keys, colour=colour, silent=silent)


class KeySource(Protocol):
    """Where keys come from."""

    def key(self, within_s: float) -> str:
        """The next key that is pressed within this time, else an empty text; `q` once nobody can press one."""
        ...


class Terminal:
    """The port `Screen` on standard output."""

    def __init__(self, keys: KeySource, *, colour: bool, silent: bool) -> None:
        self._keys, self._colour, self._silent = keys, colour, silent
        self._columns, self._lines = 0, 0

    def pen(self) -> Pen:
        return pen_for(sys.stdout, colour=self._colour)

    def show(self, lines: Sequence[str]) -> None:
        columns, rows = shutil.get_terminal_size()
        cleared = "" if (columns, rows) == (self._columns, self._lines) else "\x1b[2J"
        self._columns, self._lines = columns, rows
        encoding = sys.stdout.encoding or "utf-8"
        text = "".join(f"{line}\x1b[K\n" for line in lines[: rows - 1])
        sys.stdout.write(f"{cleared}\x1b[H{text.encode(encoding, 'replace').decode(encoding)}\x1b[J")
        sys.stdout.flush()

    def key(self, within_s: float) -> str:
        return self._keys.key(within_s)

    def bell(self) -> None:
        if not self._silent:
            sys.stdout.write("\a")
            sys.stdout.flush()


class _Keys:
    """Keys of a POSIX terminal, one at a time and without Enter; Ctrl-C and Ctrl-Z keep their meaning."""

    def __init__(self) -> None:
        self._typed = ""

    @contextmanager
    def taken(self) -> Generator[None]:
        """Read keys, not lines, on the terminal's other screen; a process that is stopped gives both back meanwhile."""
        import termios
        import tty

        number = sys.stdin.fileno()
        former = termios.tcgetattr(number)

        def enter() -> None:
            tty.setcbreak(number)
            _write(OTHER_SCREEN)

        def leave() -> None:
            _write(FORMER_SCREEN)
            termios.tcsetattr(number, termios.TCSADRAIN, former)

        def stopped(which: int, frame: object) -> None:
            del frame
            leave()
            signal.signal(which, signal.SIG_DFL)
            os.kill(os.getpid(), which)  # it stops here, until it is brought back
            signal.signal(which, stopped)
            enter()

        before = signal.signal(signal.SIGTSTP, stopped)
        try:
            enter()
            yield
        finally:
            leave()
            signal.signal(signal.SIGTSTP, before)

    def key(self, within_s: float) -> str:
        if not self._typed:
            ready, _, _ = select.select([sys.stdin], [], [], within_s)
            if not ready:
                return ""
            try:
                typed = os.read(sys.stdin.fileno(), 64)
            except OSError:
                typed = b""  # the terminal is gone
            if not typed:
                return "q"
            self._typed = typed.decode("utf-8", "ignore")
        arrow = next((each for each in ARROWS if self._typed.startswith(each)), "")
        if self._typed.startswith("\x1b") and not arrow:
            self._typed = ""  # another key that sends more than one character
            return ""
        taken, self._typed = self._typed[: len(arrow) or 1], self._typed[len(arrow) or 1 :]
        return ARROWS.get(taken, taken.lower())


class _WindowsKeys:
    """Keys of a Windows console; nobody has tried it yet."""

    @contextmanager
    def taken(self) -> Generator[None]:
        _write(OTHER_SCREEN)
        try:
            yield
        finally:
            _write(FORMER_SCREEN)

    def key(self, within_s: float) -> str:
        if sys.platform != "win32":
            raise NotImplementedError
        import msvcrt

        until = time.monotonic() + within_s
        while not msvcrt.kbhit():
            if time.monotonic() >= until:
                return ""
            time.sleep(0.02)
        return msvcrt.getwch().lower()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
