"""A database of Gadgetbridge with the tables of Xiaomi, Huawei and Garmin, and a day of epochs written as each of them.

No minute of these bands says whether it was worn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from hipsync.model import Epoch, State
from hipsync.store import Store
from support.builders import MONDAY
from support.machine import Machine

HOUR = timedelta(hours=1)
TUESDAY = MONDAY + 24 * HOUR
NOW = TUESDAY + 9 * HOUR
DEVICE = (
    'CREATE TABLE "DEVICE" ("_id" INTEGER PRIMARY KEY, "NAME" TEXT NOT NULL, "MANUFACTURER" TEXT NOT NULL,'
    ' "IDENTIFIER" TEXT NOT NULL UNIQUE, "TYPE" INTEGER NOT NULL)'
)
KEY = '"TIMESTAMP" INTEGER NOT NULL, "DEVICE_ID" INTEGER NOT NULL, "USER_ID" INTEGER NOT NULL'
COLUMNS: Mapping[str, Sequence[str]] = {
    "XIAOMI_ACTIVITY_SAMPLE": ("RAW_INTENSITY", "STEPS", "RAW_KIND", "HEART_RATE", "STRESS", "SPO2"),
    "XIAOMI_SLEEP_TIME_SAMPLE": ("WAKEUP_TIME", "IS_AWAKE"),
    "XIAOMI_SLEEP_STAGE_SAMPLE": ("STAGE",),
    "HUAWEI_ACTIVITY_SAMPLE": (
        "OTHER_TIMESTAMP", "SOURCE", "RAW_KIND", "RAW_INTENSITY", "STEPS", "CALORIES", "DISTANCE", "SPO", "HEART_RATE"
    ),
    "GARMIN_ACTIVITY_SAMPLE": (
        "RAW_INTENSITY", "STEPS", "RAW_KIND", "HEART_RATE", "DISTANCE_CM", "ACTIVE_CALORIES"
    ),
    "GARMIN_EVENT_SAMPLE": ("EVENT", "EVENT_TYPE", "DATA"),
    "GARMIN_SLEEP_STAGE_SAMPLE": ("STAGE",),
}  # fmt: skip
"""As published (docs/protocols/gadgetbridge-db.md, huawei.md 15), after the stamp, the device and the user."""
Cells = tuple[int | None, ...]
Rows = Mapping[str, Sequence[Cells]]
"""By table: stamp, then the columns of `COLUMNS`."""


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def made(path: Path, rows: Rows, name: str = "watch") -> Path:
    with closing(sqlite3.connect(path)) as db:
        db.execute(DEVICE)
        db.execute("INSERT INTO DEVICE VALUES (1, ?, 'Maker', 'C8:0F:10:80:D0:21', 0)", (name,))
        for table, columns in COLUMNS.items():
            db.execute(f'CREATE TABLE "{table}" ({KEY}, {", ".join(columns)})')
            marks = ", ".join("?" * (len(columns) + 3))
            cells = [(at, 1, 1, *rest) for at, *rest in rows.get(table, ())]
            db.executemany(f"INSERT INTO {table} VALUES ({marks})", cells)  # noqa: S608  names of this test
        db.commit()
    return path


def imported(machine: Machine, rows: Rows) -> str:
    file = made(machine.home / "Gadgetbridge.db", rows)
    done = machine.type("import", "gadgetbridge", str(file))
    assert done.exit_code == 0, done.output
    file.unlink()
    return done.stdout


def stored(machine: Machine) -> list[Epoch]:
    with Store.read(machine.database) as store:
        (band,) = store.bands()
        return store.epochs(band.id, MONDAY - 48 * HOUR, NOW)


# ------------------------------------------------------------------ a day, drawn once and written three times


Spans = list[tuple[datetime, datetime]]


def sleeps(epochs: Sequence[Epoch]) -> Spans:
    found: Spans = []
    for state, group in groupby(epochs, key=lambda epoch: epoch.state):
        part = list(group)
        if state is State.ASLEEP:
            found.append((part[0].start, part[-1].end))
    return found


def xiaomi(epochs: Sequence[Epoch]) -> Rows:
    """A minute is steps and a heart rate (0: none); sleep is a table of its own, in milliseconds."""
    return {
        "XIAOMI_ACTIVITY_SAMPLE": [
            (seconds(each.start), -1, each.steps, 0, each.heart_rate or 0, None, None) for each in epochs
        ],
        "XIAOMI_SLEEP_TIME_SAMPLE": [
            (seconds(start) * 1000, seconds(end) * 1000, 0) for start, end in sleeps(epochs)
        ],
    }  # fmt: skip


def huawei(epochs: Sequence[Epoch]) -> Rows:
    """Every span twice, there and back; kind 6 and 7 are light and deep sleep."""
    spans = [
        (each.start, each.end, 0x0B, -1, each.steps, each.heart_rate or -1) for each in epochs
    ] + [(start, end, 0x0D, 6, -1, -1) for start, end in sleeps(epochs)]  # fmt: skip
    return {
        "HUAWEI_ACTIVITY_SAMPLE": [
            (seconds(a), seconds(b), source, kind, -1, steps, -1, -1, -1, bpm)
            for start, end, source, kind, steps, bpm in spans
            for a, b in ((start, end), (end, start))
        ]
    }


def garmin(epochs: Sequence[Epoch]) -> Rows:
    """A row at the end of each minute: walking has the total of the day, all else no total (-1)."""
    rows: list[Cells] = []
    total, when = 0, epochs[0].start.date()
    for each in epochs:
        if each.start.date() != when:
            total, when = 0, each.start.date()
        total += each.steps
        walked = (3, total, 0x20) if each.steps else (0, -1, 1)
        rows.append((seconds(each.end), *walked, each.heart_rate or -1, -1, -1))
    events = [
        (seconds(at) * 1000, 74, what, 0) for span in sleeps(epochs) for what, at in enumerate(span)
    ]  # fmt: skip
    return {"GARMIN_ACTIVITY_SAMPLE": rows, "GARMIN_EVENT_SAMPLE": events}
