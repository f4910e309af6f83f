"""Text of strangers: what JSON holds, and what is no JSON."""

from __future__ import annotations

import pytest

from hipsync.text import json_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"do": "sync", "bands": ["a", 1, 2.5, null, true]}', {"do": "sync", "bands": ["a", 1, 2.5, None, True]}),
        (b'"\xc3\xa9"', "\u00e9"),
        ('"\u00e9"'.encode("utf-16"), "\u00e9"),
        ("7", 7),
    ],
)
def test_json_of_reads_text_and_bytes(text: str | bytes, value: object) -> None:
    assert json_of(text) == value


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", b"\xff\xff", "[" * 100_000, '{"a":' * 100_000])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  of any kind: JSON's, UTF-8's, or ours
        json_of(text)
