"""Makes the pictures of the README from the program itself, so that they cannot show what it does not.

    uv run python -m pictures        writes docs/img; a test says when that is due

`today.svg` is what `hipsync today` prints on a terminal of 256 colours, on a made-up day, with an open reminder.
`demo.svg` is a recording of `hipsync demo`; browsers do not tell a picture that less motion is wanted, so the README
names its still then. `hip-extension.svg` and its still are the figures of the exercise page, with their colours.
"""

from __future__ import annotations

from pathlib import Path

from pictures.make import PICTURES
from support.repository import ROOT

FOLDER = ROOT / "docs" / "img"


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in PICTURES.items():
        (folder / name).write_text(made(), "utf-8")
        print(f"written: {folder / name}")


if __name__ == "__main__":
    main()
