"""A text above the live screen: the week, or what the keys do."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static


class More(ModalScreen[None]):
    """A text above the screen; any of some keys takes it away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,w,question_mark,enter", "dismiss", "back"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="more"):
            yield Static(Text.from_ansi(self._text))
