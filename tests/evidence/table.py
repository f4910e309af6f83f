"""The tables of bands that nobody writes by hand: in `README.md` for wearers, in `docs/evidence.md` for authors.

They are made from the stored evidence and from what the drivers declare.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from evidence.measure import ours, text
from hipsync.driver import Driver
from hipsync.evidence import Proof, proof_of
from support.repository import ROOT

WEARERS, AUTHORS = ROOT / "README.md", ROOT / "docs" / "evidence.md"
BEGIN = "<!-- written by `uv run python -m evidence --write`: change the drivers or their tests, not this -->"
END = "<!-- end of what is written -->"
LEVELS = {
    "real band": "real bands",
    "recorded": "bytes that others recorded",
    "firmware": "the firmware's source",
    "published": "bytes that others published",
    "simulated": "simulated",
}


def wearers_table(told: Mapping[str, Any]) -> str:
    """Return in Markdown what a band of each family stores, and what hipsync can do with it."""
    lines = [_row(["band", "keeps", "live steps", "buzz", "shows the words", "proof"]), _row(["---"] * 6)]
    kept = text(told)
    for key, driver in sorted(ours().items(), key=lambda item: item[1].label.lower()):
        can = [
            "yes" if able else "no" for able in (driver.abilities.live, driver.abilities.buzz, driver.abilities.text)
        ]
        lines.append(_row([driver.label, _keeps(driver), *can, _levels(proof_of(key, kept))]))
    return "\n".join(lines)


def _keeps(driver: Driver) -> str:
    length = driver.abilities.history
    kept = "nothing" if length is None else f"steps of each {_minutes(length)}"
    return f"{kept}; `hipsync run` stays connected" if driver.held else kept


def _minutes(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    return "minute" if minutes == 1 else f"{minutes} minutes"


def _levels(proof: Proof) -> str:
    return ", ".join(LEVELS[level] for level in proof.levels) or "not stated"


def authors_tables(told: Mapping[str, Any]) -> str:
    """Return in Markdown what each family can do, how well that is proven, and which vectors are not met."""
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


def _history(driver: Driver) -> str:
    length = driver.abilities.history
    return "-" if length is None else f"{int(length.total_seconds()) // 60} min"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def written(readme: Path) -> str:
    """Return what is between the marks in the file. Raises `ValueError` if they are not there."""
    return _parts(readme)[1].strip("\n")


def write(told: Mapping[str, Any]) -> None:
    for readme, made in ((WEARERS, wearers_table(told)), (AUTHORS, authors_tables(told))):
        before, _, after = _parts(readme)
        readme.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", "utf-8")


def _parts(readme: Path) -> tuple[str, str, str]:
    """Return what is before the marks, between them and after them. Raises `ValueError` if they are not there."""
    before, begun, rest = readme.read_text("utf-8").partition(BEGIN)
    between, ended, after = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"{readme} has not both marks of what is written by `python -m evidence`")
    return before, between, after
