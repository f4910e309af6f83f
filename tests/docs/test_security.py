"""The page on security names the tests that prove it, and they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from support.repository import ROOT

PAGE = ROOT / "docs" / "security.md"
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text())


def functions_in(file: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_the_page_names_is_there(file: str, name: str) -> None:
    assert name in functions_in(ROOT / file)


def test_every_claim_of_a_table_has_a_test_or_says_that_it_has_none() -> None:
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    assert len(NAMED) > 25
    for section in sections:
        rows = [row for row in section.splitlines() if row.startswith("| ")]
        if rows and "proven by" in rows[0]:
            for row in rows[1:]:
                last = row.strip("| ").split("|")[-1]
                assert "::test_" in last or "no test" in last or "(#the-page)" in row, row
