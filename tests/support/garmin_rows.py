"""The rows of `vectors/garmin.json` by their ids: what others recorded, published or computed, each with its source."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from support.shared import VECTORS

ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row for row in json.loads((VECTORS / "garmin.json").read_text("utf-8"))["vectors"]
}


def frames(name: str) -> Sequence[bytes]:
    return [bytes.fromhex(text) for text in ROWS[name]["frames"]]


def frame(name: str) -> bytes:
    (only,) = frames(name)
    return only


def decoded(name: str) -> Any:
    return ROWS[name]["decoded"]
