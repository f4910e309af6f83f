"""A change of the code that judges a day comes with a new `JUDGED_AS`: else stored days are wrong after an upgrade."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from hipsync.history.summaries import JUDGED_AS
from support.repository import ROOT

DIGESTS = {
    1: "bb0edfb6df08059e",
    2: "6c0b616e351ccd46",
    3: "19f33ac44847a527",
    4: "332553bb45d39f08",
    5: "428ce45498093f3c",
    6: "4b503fd5f76dabb1",
    7: "ff70b917e4f331f7",
    8: "bca8f9bc353144ac",
    9: "9bfdb7f918e11e4f",
    10: "6412c0d52cdf7b3f",
    11: "45741ea57698ae03",
    12: "fb529ea8dff61a17",
    13: "72f17e0da4758766",
}
"""For each version, the digest of the code that judged."""

BEGIN = ("hipsync.history.summaries", "hipsync.store.readings", "hipsync.store.judged_days")
ROOMS = ("hipsync.core.", "hipsync.history.", "hipsync.model")
"""What those of BEGIN import from these rooms judges, too; the rest of the store and the shell do not."""


def imported(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source_of(module))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def source_of(module: str) -> str:
    return (ROOT / Path(*module.split("."))).with_suffix(".py").read_text("utf-8")


def judging_modules() -> set[str]:
    found, todo = set[str](), list(BEGIN)
    while todo:
        module = todo.pop()
        if module not in found:
            found.add(module)
            todo += [each for each in imported(module) if each.startswith(ROOMS)]
    return found


Tree: TypeAlias = ast.AST | list["Tree"] | str | bytes | float | complex | None


def shape(node: Tree) -> object:
    """A tree without docstrings, positions and what is empty: the same for every version of Python."""
    if isinstance(node, list):
        return [shape(each) for each in node if not is_left_out(each)]
    if isinstance(node, ast.AST):
        fields = {name: shape(value) for name, value in ast.iter_fields(node) if name not in {"ctx", "kind"}}
        return [type(node).__name__, *[[name, value] for name, value in fields.items() if value not in (None, [])]]
    return None if node is None else repr(node)


def is_left_out(node: Tree) -> bool:
    match node:
        case ast.Expr(value=ast.Constant(value=str())):  # a docstring
            return True
        case ast.Assign(targets=[ast.Name(id="JUDGED_AS")]):  # else raising it would change the digest once more
            return True
        case _:
            return False


def digest_of(sources: dict[str, str]) -> str:
    shapes = [(name, shape(ast.parse(source))) for name, source in sorted(sources.items())]
    return hashlib.sha256(repr(shapes).encode()).hexdigest()[:16]


def test_the_code_that_judges_is_that_of_its_version() -> None:
    digest = digest_of({module: source_of(module) for module in judging_modules()})
    assert DIGESTS.get(JUDGED_AS) == digest, (
        "The code that judges a day was changed. Days that are stored already were judged by the old code. Raise "
        f"JUDGED_AS in hipsync/history/summaries.py by one, and add its digest {digest!r} to DIGESTS here. Do so for a "
        "mere renaming, too: judging a month anew takes a second, and a wrong day stays wrong."
    )


def test_no_digest_is_changed_later() -> None:
    assert list(DIGESTS) == list(range(1, JUDGED_AS + 1))
    assert len(set(DIGESTS.values())) == len(DIGESTS)


def test_what_a_judgement_rests_upon_is_found() -> None:
    core = {
        f"hipsync.core.{name}"
        for name in (
            "columns", "said", "wear", "timeline", "counters", "unplaced", "nights", "bouts", "summary", "days",
        )
    }  # fmt: skip
    assert judging_modules() == {
        *core, *BEGIN, "hipsync.model",
        *(f"hipsync.history.{name}" for name in ("past", "loaded", "day_codec", "port")),
    }  # fmt: skip


CODE = 'def f(x: int) -> int:\n    """Doc."""\n    return x + 1\n'


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ('# why\ndef f(x: int) -> int:\n\n    """Another."""\n    return (x + 1)\n', True),
        (CODE.replace("+ 1", "+ 2"), False),
        (CODE.replace("x + 1", "x - 1"), False),
        (CODE.replace("+ 1", "+ None"), False),
        (CODE + "LIMIT = 8\n", False),
    ],
)
def test_a_comment_is_no_change_and_a_number_is_one(other: str, same: bool) -> None:
    assert (digest_of({"m": CODE}) == digest_of({"m": other})) == same
