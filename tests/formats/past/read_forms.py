"""Reads a file by one form, as the import does."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hipsync.errors import InputError
from hipsync.formats.past.reading import HEAD_BYTES, Form, Head, Reading

NOW = datetime(2026, 12, 1, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def head_of(data: str | bytes, name: str = "export.csv") -> Head:
    return Head(name, (data.encode() if isinstance(data, str) else data)[:HEAD_BYTES])


def read(
    form: Form,
    data: str | bytes,
    name: str = "export.csv",
    *,
    zone: ZoneInfo | None = None,
    reading: Reading | None = None,
) -> list[tuple[object, ...]]:
    """What a file says, each thing with its sort in front."""
    raw = data.encode() if isinstance(data, str) else data
    said = form.read(io.BytesIO(raw), head_of(raw, name), reading or Reading(zone, NOW))
    return [(type(each).__name__, *each) for each in said]


def refusal(form: Form, data: str | bytes, name: str = "export.csv", zone: ZoneInfo | None = LONDON) -> str:
    """Why a file is refused; fails if it is not."""
    try:
        read(form, data, name, zone=zone)
    except InputError as error:
        return str(error)
    raise AssertionError("it was read")


def read_damaged(form: Form, data: bytes, name: str = "export.csv") -> str:
    """Why a damaged file is refused, "" if it is read; anything but one short line for a person fails."""
    try:
        read(form, data, name, zone=LONDON)
    except InputError as error:
        said = str(error)
        assert 0 < len(said) <= 300, said
        assert len(said.splitlines()) == 1, said
        return said
    return ""
