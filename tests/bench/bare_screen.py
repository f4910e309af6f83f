"""The least that a Textual app must do to show a word: the baseline of `bench.live`."""

from textual.app import App, ComposeResult
from textual.widgets import Label


class Bare(App[None]):
    """One label."""

    def compose(self) -> ComposeResult:
        yield Label("bare")


def main() -> None:
    Bare().run()
