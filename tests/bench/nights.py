"""What it costs, in true evening hours, that stillness which begins at night is doubtful after 90 minutes and not 180.

Run: `uv run python -m bench.nights`. The data lie beside the repository (`fitbit_minutes.csv.gz`, Furberg and others
2016, CC0): the nine people of that file whose wear is no fixed window, as a band would see them that reports steps and
nothing else. Local times are taken as UTC.

A minute is *lost* if the rule now calls it unknown, called it sitting before, and its wearer was awake and wore the
band: where the file does not know wear, not being in bed is all that is asked, so that what is lost is over-estimated.
It is *gained* if the wearer was in bed or did not wear the band. *Before*: 180 minutes at any hour.
"""

from __future__ import annotations

import sys

from hipsync.core.days import Zones
from hipsync.core.timeline import DOUBTFUL_MINUTES, Source, minute_of, timeline, zero_runs
from hipsync.model import MINUTE
from support.real_people import EVERYBODY, Row, read
from support.same_day import epochs_of

NO_WEAR = {"8877689391", "2026352035"}
"""Their `worn` is a fixed window of the day (docs/rule.md, "The data")."""


def lost_and_gained(rows: list[Row]) -> tuple[int, int]:
    """How many minutes of one person are lost and gained."""
    epochs = [epoch._replace(heart_rate=None, state=None) for epoch in epochs_of(rows)]
    first, last = minute_of(rows[0].at), minute_of(rows[-1].at + MINUTE)
    line = timeline([Source(epochs)], first, last, Zones([], "UTC"))
    runs = [range(start, end) for start, end in zero_runs(line) if end - start < DOUBTFUL_MINUTES]
    awake = [rows[at].state is None for run in runs for at in run if line.doubtful[at]]
    return awake.count(True), awake.count(False)


def main() -> int:
    if not EVERYBODY.exists():
        print(f"the recordings are not here: {EVERYBODY}", file=sys.stderr)
        return 1
    print(f"{'person':12}{'days':>6}{'lost, h':>9}{'a day':>7}{'gained, h':>11}{'a day':>7}")
    total = [0, 0, 0]
    for person, rows in read(EVERYBODY).items():
        if person not in NO_WEAR:
            each = [len(rows) // 1440, *lost_and_gained(rows)]
            total = [a + b for a, b in zip(total, each, strict=True)]
            print(line_of(person, *each))
    print(line_of("all", *total))
    return 0


def line_of(name: str, days: int, lost: int, gained: int) -> str:
    return f"{name:12}{days:6}{lost / 60:9.1f}{lost / 60 / days:7.2f}{gained / 60:11.1f}{gained / 60 / days:7.2f}"


if __name__ == "__main__":
    sys.exit(main())
