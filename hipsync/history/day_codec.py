"""Writes a judged day in few bytes and reads it without loss: the columns `kinds` and `facts` of the table `days`.

A month of days has to be read within milliseconds, so tuples are written as plain lists, in the order of their
fields. Instants are whole seconds since 1970. It reads only what it wrote itself: rows of another version are never
passed to it, and a checksum shows whether a row was damaged since.
"""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from typing import Any, NamedTuple

from hipsync.core.summary import JudgedDay, Piece
from hipsync.model import BandId, Break, EndedBy, Stretch


class Columns(NamedTuple):
    """What was judged of a day, as the columns `kinds` and `facts` of the table `days`."""

    kinds: bytes
    """`JudgedDay.kinds`, compressed by zlib."""
    facts: str
    """A checksum of both columns in hexadecimal digits, a space, and everything else as JSON."""


Resolutions = list[tuple[BandId, int]]
"""The bands that have data for a day, each with its finest resolution in minutes."""


def encoded(judged: JudgedDay, resolutions: Resolutions) -> Columns:
    """A judged day, and the bands that have data for it, as columns."""
    facts = {
        "complete_until": _seconds_or_none(judged.complete_until),
        "steps": judged.steps,
        "stretches": [_encoded_piece(piece) for piece in judged.stretches],
        "lengths": judged.lengths,
        "breaks": [(_seconds(start), _seconds(end), steps) for start, end, steps in judged.breaks],
        "bands": resolutions,
    }
    kinds, words = zlib.compress(judged.kinds), json.dumps(facts, separators=(",", ":"))
    return Columns(kinds, f"{_checksum(kinds, words)} {words}")


def decoded(kinds: bytes, facts: str) -> tuple[JudgedDay, Resolutions]:
    """The day and the bands that `encoded` was given. Raises `ValueError` if these are not the bytes that it wrote."""
    checksum, _, words = facts.partition(" ")
    if checksum != _checksum(kinds, words):
        raise ValueError("a stored day is damaged")
    values = json.loads(words)
    judged = JudgedDay(
        complete_until=_instant_or_none(values["complete_until"]),
        steps=values["steps"],
        kinds=zlib.decompress(kinds),
        stretches=[_decoded_piece(*piece) for piece in values["stretches"]],
        lengths=values["lengths"],
        breaks=[Break(_instant(start), _instant(end), steps) for start, end, steps in values["breaks"]],
    )
    return judged, [(BandId(band), minutes) for band, minutes in values["bands"]]


def _checksum(kinds: bytes, words: str) -> str:
    return f"{zlib.crc32(words.encode(), zlib.crc32(kinds)):08x}"


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _instant(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _seconds_or_none(instant: datetime | None) -> int | None:
    return None if instant is None else _seconds(instant)


def _instant_or_none(at_s: int | None) -> datetime | None:
    return None if at_s is None else _instant(at_s)


def _encoded_piece(piece: Piece) -> list[object]:
    """A piece as a list, without `prompted`, which is not part of a judgement."""
    start, end, minutes, ended_by, due, _, doubtful, whole = piece
    whole_values = whole and _encoded_stretch(whole)
    return [_seconds(start), _seconds(end), minutes, ended_by, _seconds_or_none(due), doubtful, whole_values]


def _decoded_piece(
    start: int, end: int, minutes: int, ended_by: str | None, due: int | None, doubtful: bool, whole: list[Any] | None
) -> Piece:
    return Piece(
        _instant(start),
        _instant(end),
        minutes,
        EndedBy(ended_by) if ended_by else None,
        _instant_or_none(due),
        prompted=False,
        doubtful=doubtful,
        whole=_decoded_stretch(*whole) if whole else None,
    )


def _encoded_stretch(whole: Stretch) -> list[object]:
    start, end, minutes, ended_by, due, sure, doubtful = whole
    return [_seconds(start), _seconds(end), minutes, ended_by, _seconds_or_none(due), sure, doubtful]


def _decoded_stretch(
    start: int, end: int, minutes: int, ended_by: str | None, due: int | None, sure: bool, doubtful: bool
) -> Stretch:
    by = EndedBy(ended_by) if ended_by else None
    return Stretch(_instant(start), _instant(end), minutes, by, _instant_or_none(due), sure, doubtful)
