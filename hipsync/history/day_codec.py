"""A judged day in few bytes, and back, without loss: what the table `days` keeps."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from typing import Any, NamedTuple

from hipsync.core.summary import Judged, Piece
from hipsync.model import BandId, EndedBy, Stretch


class Packed(NamedTuple):
    """Both columns: the kinds compressed, the rest as JSON in which instants are seconds since 1970."""

    kinds: bytes
    facts: str


Resolutions = list[tuple[BandId, int]]
"""The bands that have data of the day, with their minutes."""


def packed(judged: Judged, resolutions: Resolutions) -> Packed:
    facts = {
        "complete_until": _s_or_none(judged.complete_until),
        "steps": judged.steps,
        "stretches": [_piece(piece) for piece in judged.stretches],
        "lengths": judged.lengths,
        "breaks": [_s(start) for start in judged.breaks],
        "bands": resolutions,
    }
    return Packed(zlib.compress(judged.kinds), json.dumps(facts, separators=(",", ":")))


def unpacked(kinds: bytes, facts: str) -> tuple[Judged, Resolutions]:
    """What was packed."""
    told = json.loads(facts)
    judged = Judged(
        complete_until=_at_or_none(told["complete_until"]),
        steps=told["steps"],
        kinds=zlib.decompress(kinds),
        stretches=[_piece_of(*values) for values in told["stretches"]],
        lengths=told["lengths"],
        breaks=[_at(at_s) for at_s in told["breaks"]],
    )
    return judged, [(BandId(band), minutes) for band, minutes in told["bands"]]


def _s(instant: datetime) -> int:
    return int(instant.timestamp())


def _at(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _s_or_none(instant: datetime | None) -> int | None:
    return None if instant is None else _s(instant)


def _at_or_none(at_s: int | None) -> datetime | None:
    return None if at_s is None else _at(at_s)


def _piece(piece: Piece) -> list[object]:
    start, end, minutes, ended_by, due, _, doubtful, whole = piece
    return [_s(start), _s(end), minutes, ended_by, _s_or_none(due), doubtful, whole and _stretch(whole)]


def _piece_of(
    start: int, end: int, minutes: int, ended_by: str | None, due: int | None, doubtful: bool, whole: list[Any] | None
) -> Piece:
    return Piece(
        _at(start),
        _at(end),
        minutes,
        EndedBy(ended_by) if ended_by else None,
        _at_or_none(due),
        prompted=False,
        doubtful=doubtful,
        whole=_stretch_of(*whole) if whole else None,
    )


def _stretch(whole: Stretch) -> list[object]:
    start, end, minutes, ended_by, due, sure, doubtful = whole
    return [_s(start), _s(end), minutes, ended_by, _s_or_none(due), sure, doubtful]


def _stretch_of(
    start: int, end: int, minutes: int, ended_by: str | None, due: int | None, sure: bool, doubtful: bool
) -> Stretch:
    by = EndedBy(ended_by) if ended_by else None
    return Stretch(_at(start), _at(end), minutes, by, _at_or_none(due), sure, doubtful)
