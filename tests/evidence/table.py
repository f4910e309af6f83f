"""The tables of `docs/evidence.md`, which are made of the stored evidence and the drivers' abilities."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from evidence.measure import text
from hipsync.driver import Driver
from hipsync.evidence import proof_of
from hipsync.registry import OURS, drivers
from support.repository import ROOT

PAGE = ROOT / "docs" / "evidence.md"
BEGIN = "<!-- written by `uv run python -m evidence --write`: change the drivers or their tests, not this -->"
END = "<!-- end of what is written -->"


def tables(told: Mapping[str, Any]) -> str:
    """Markdown: what each family can do, how well that is proven, and which vectors are not met."""
    able = ["live", "buzz", "text", "answers", "battery", "wear", "sleep", "heart_rate"]
    head = ["family", "bands", "history", *(word.replace("_", " ") for word in able)]
    lines = [_row(head), _row(["---"] * len(head))]
    for key, driver in sorted(ours().items()):
        can = ["yes" if getattr(driver.abilities, word) else "-" for word in able]
        lines.append(_row([f"`{key}`", driver.label, _history(driver), *can]))
    lines += ["", "How well that is proven:", "", _row(["family", "proof"]), "|---|---|"]
    evidence = text(told)
    lines += [_row([f"`{key}`", proof_of(key, evidence).sentence()]) for key in sorted(ours())]
    lines += [
        "",
        "Vectors of these families that are not met:",
        "",
        _row(["family", "vectors", "why"]),
        "|---|---|---|",
    ]
    for key, family in sorted(told["families"].items()):
        whys: dict[str, list[str]] = {}
        for vector, why in family["not_met"].items():
            whys.setdefault(why, []).append(vector)
        lines += [_row([f"`{key}`", ", ".join(ids), why]) for why, ids in whys.items()]
    if absent := told["without_driver"]:
        without = ", ".join(f"{key} ({count})" for key, count in sorted(absent.items()))
        lines += ["", f"No driver yet, so their vectors wait: {without}."]
    return "\n".join(lines)


def ours() -> Mapping[str, Driver]:
    """The drivers that come with hipsync."""
    points = {point.name for point in entry_points(group="hipsync.drivers") if point.value.startswith(OURS)}
    return {key: driver for key, driver in drivers().items() if key in points}


def _history(driver: Driver) -> str:
    length = driver.abilities.history
    return "-" if length is None else f"{int(length.total_seconds()) // 60} min"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def written() -> str:
    """What stands between the marks now. Raises `ValueError` if they are not there."""
    return PAGE.read_text("utf-8").split(BEGIN)[1].split(END)[0].strip("\n")


def write(told: Mapping[str, Any]) -> None:
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables(told)}\n\n{END}{after}", "utf-8")
