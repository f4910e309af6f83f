"""Cuts `tests/data/fitbit_minutes.csv.gz` out of a larger file of the same form: a week of three people.

`uv run python -m support.fitbit_sample` writes it again from `../shared/data`. The same zlib makes the same bytes.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from support.shared import DATA, LARGER

NAME = "fitbit_minutes.csv.gz"
DAYS = 7
WEEKS = {
    "3977333714": date(2016, 5, 6),
    "4020332650": date(2016, 5, 3),
    "8877689391": date(2016, 4, 18),
}
"""The first day of the week that is cut out, by the data set's number for a person."""


def cut(lines: Iterable[str]) -> Iterator[str]:
    """Yield the head of the file and its lines that belong to `WEEKS`, unchanged."""
    head, *rest = lines
    yield head
    for line in rest:
        person, at, *_ = line.split(",", 2)
        first = WEEKS.get(person)
        if first and first <= date.fromisoformat(at[:10]) < first + timedelta(days=DAYS):
            yield line


def packed(text: str) -> bytes:
    """Return the text as gzip without name and time, so that the same text makes the same bytes."""
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def main() -> None:
    with gzip.open(LARGER / NAME, "rt", newline="") as file:
        (DATA / NAME).write_bytes(packed("".join(cut(file))))


if __name__ == "__main__":
    main()
