"""Counts lines of simulated bands that are in another family too: what families share should be written once.

    uv run python -m bench.repeated             how many lines there are, and how many are repeated
    uv run python -m bench.repeated --where     and each run of repeated lines

It reads the files `*/sim*.py` in `devices/hipsync_devices`, without docstrings, comments, imports and blank lines. A
line is repeated if it is in a run of four lines that another family has too. `_blueprint` is no family.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FAMILIES = Path(__file__).resolve().parents[2] / "devices" / "hipsync_devices"
RUN = 4


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a family, with its lines of code as `(number, text)`, without indentation."""

    family: str
    name: str
    lines: tuple[tuple[int, str], ...]

    def runs(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yield each run of four consecutive lines, after the index of its first line."""
        texts = [text for _, text in self.lines]
        for at in range(len(texts) - RUN + 1):
            yield at, tuple(texts[at : at + RUN])


def sources(folder: Path = FAMILIES) -> list[Source]:
    return [
        Source(path.parent.name, path.name, code(path.read_text("utf-8")))
        for path in sorted(folder.glob("*/sim*.py"))
        if not path.parent.name.startswith("_")
    ]


def code(text: str) -> tuple[tuple[int, str], ...]:
    """Return `(number, text)` of the lines that are left without docstrings, comments, imports and blank lines."""
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Expr(ast.Constant(str())):
                skipped.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            case _:
                pass
    bare = list(text.splitlines())
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            bare[row - 1] = bare[row - 1][:column]
    left = ((number, line.strip()) for number, line in enumerate(bare, 1) if number not in skipped)
    return tuple((number, line) for number, line in left if line)


def repeated(held: Sequence[Source]) -> Mapping[Source, set[int]]:
    """Return for each source the indices of its repeated lines."""
    families: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for source in held:
        for _, run in source.runs():
            families[run].add(source.family)
    return {
        source: {at + more for at, run in source.runs() if len(families[run]) > 1 for more in range(RUN)}
        for source in held
    }


def main(words: Sequence[str]) -> None:
    held = sources()
    marked = repeated(held)
    print(f"{len(held)} files, {sum(len(source.lines) for source in held)} lines, ", end="")
    print(f"{sum(map(len, marked.values()))} repeated in another family")
    for source, indices in marked.items():
        print(f"{source.family}/{source.name}: {len(indices)} of {len(source.lines)}")
        if "--where" in words:
            for index in sorted(indices):
                number, text = source.lines[index]
                print(f"    {number:4} {text}")


if __name__ == "__main__":
    main(sys.argv[1:])
