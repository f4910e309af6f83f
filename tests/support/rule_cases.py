"""The cases of the sitting rule in `tests/vectors/sitting-rule.json`, as minutes; the file explains its own fields."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from support.shared import VECTORS

Case = dict[str, Any]


class Minute(NamedTuple):
    steps: int
    state: str | None
    beats: bool
    """Whether there is a heart rate."""
    posture: str | None


def cases() -> list[Case]:
    published: list[Case] = json.loads((VECTORS / "sitting-rule.json").read_text("utf-8"))["cases"]
    return published


def minutes_of(case: Case) -> list[Minute | None]:
    """The minutes of a case that is not of slots, from 00:00 UTC on; None is a missing row."""
    steps: Sequence[int | str | None] = case["steps"]
    states = _words(case.get("said", ()))
    postures = _words(case.get("posture", ()))
    beats = "heartless" in case
    heartless = {at for start, end in case.get("heartless", ()) for at in range(start, end)}
    return [
        None
        if isinstance(n, str)
        else Minute(
            n or 0, "not_worn" if n is None else states.get(at), beats and at not in heartless, postures.get(at)
        )
        for at, n in enumerate(steps)
    ]


def _words(spans: Sequence[tuple[int, int, str]]) -> dict[int, str]:
    return {at: word for start, end, word in spans for at in range(start, end)}


def vouches(case: Case) -> bool:
    return bool(case.get("options", {}).get("vouches", True))


def trusts(case: Case) -> bool:
    return bool(case.get("options", {}).get("trust_posture", False))
