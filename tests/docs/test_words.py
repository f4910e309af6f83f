"""What people read has one word for each thing: a spell, a reminder, a break, minutes, no data.

Looked at are all texts of the rooms that people meet, but for docstrings that click does not print, and what stands in
backticks, where names of commands, settings and keys keep their words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.repository import ROOT

NOT_FOR_PEOPLE = re.compile(
    r"\b(stretch|stretches|bouts?|prompts?|prompted|epochs?|readings?|moving|told|tells?|known|unknown|said|let go"
    r"|devices?|wearables?|not heard|anew|in reach|of whom|reached)\b",
    re.IGNORECASE,
)
"""Words of the code, and some that only a translation would use."""
ROOMS = ("cli", "home", "report", "service")
NAMES = re.compile(r"`[^`]*`|hip-flexor stretch|prompts\.[a-z_.-]+|device-width", re.IGNORECASE)
"""Names of commands, exercises and settings, in which such a word may stand."""
LEFT_OUT = ROOT / "hipsync" / "home" / "discovery.py"
"""Names of entities in Home Assistant, which were agreed on before, and on which people's automations hang."""


def texts(file: Path) -> Iterator[str]:
    """The texts of a file that have more than one word; of docstrings only those that click prints as help."""
    tree = ast.parse(file.read_text("utf-8"))
    silent = {
        id(statement.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in node.body
        if isinstance(statement, ast.Expr) and not _is_help_of(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            text = NAMES.sub("", node.value)
            if " " in text.strip():
                yield text


def _is_help_of(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any("command" in ast.unparse(each) for each in node.decorator_list)


def strange(file: Path) -> list[str]:
    return [f"{found[0]!r} in {text!r}" for text in texts(file) if (found := NOT_FOR_PEOPLE.search(text))]


FILES = [
    ROOT / "hipsync" / "demo.py",
    *(file for room in ROOMS for file in sorted((ROOT / "hipsync" / room).rglob("*.py")) if file != LEFT_OUT),
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT / "hipsync")))
def test_texts_have_the_words_that_people_use(file: Path) -> None:
    assert strange(file) == []


def test_a_text_with_such_a_word_is_found(tmp_path: Path) -> None:
    code = 'def f():\n    """No prompt."""\n    return "no prompt stands", "`hipsync prompts` lists them", "prompt"\n'
    (tmp_path / "some.py").write_text(code)
    assert strange(tmp_path / "some.py") == ["'prompt' in 'no prompt stands'"]
