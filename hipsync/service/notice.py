"""The words of a notice: what a prompt or a remark says, and the labels of its buttons.

They are neutral, because other people may see them. How a notice is shown is known to `terminal`, `desktop` and
`user_command`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hipsync.core.exercises import Move
from hipsync.model import MINUTE, Answer, Occasion, Prompt, Remark, Trouble
from hipsync.text import clean, length

Buttons = Sequence[tuple[Answer, str]]
"""The buttons of a desktop notice, in their order: what a press answers, and the label."""
LONGEST = 200
"""The most characters of a title or a body, because a notice is read at a glance."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The words of a prompt or a remark. They are neutral, because other people may see them."""

    title: str
    body: str
    strong: bool = False
    picture: Path | None = None
    """A file that a notice server may show beside the words; None for none."""

    @property
    def line(self) -> str:
        """Both in one line, safe to show in a terminal."""
        title = clean(self.title, LONGEST)
        return f"{title if title.endswith(('.', '?')) else f'{title}.'} {clean(self.body, LONGEST)}"


def notice_of(prompt: Prompt, move: Move, *, strong: bool = False) -> Notice:
    """The notice for a prompt, with a question mark where the data leave a doubt."""
    match prompt.occasion:
        case Occasion.MORNING:
            title = "Good morning. Two minutes for your hips?"
        case Occasion.AFTER_RIDE:
            title = "After your ride: two minutes for your hips?"
        case Occasion.WARM_UP:
            title = "Before you go: warm up your hips"
        case Occasion.SITTING:
            title = "Time to move" if prompt.sure else "Time to move?"
    return Notice(title, move.line, strong)


def buttons_of(snooze: timedelta) -> Buttons:
    """The buttons of a notice for a prompt that is snoozed for so long. GNOME shows the first three of all."""
    return ((Answer.DONE, "Done"), (Answer.SNOOZED, f"Snooze {length(snooze // MINUTE)}"), (Answer.SKIPPED, "Skip"))


_TITLES = {Trouble.BATTERY: "Battery low", Trouble.NO_DATA: "No data", Trouble.REFUSED: "Key refused"}


def remark_of(remark: Remark) -> Notice:
    """The notice for a remark on a band."""
    return Notice(_TITLES[remark.what], remark.text)
