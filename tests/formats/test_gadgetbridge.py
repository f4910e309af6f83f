"""What Gadgetbridge stored comes in whole, as the bands' own drivers would have read it, once, and without harm."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipsync.model import MINUTE, Charge, Epoch, Info, State
from hipsync.store import Store
from hipsync.store.keys import KeyFile
from hipsync_devices.huami.packets import decode_records, encode_record
from support import shared
from support.builders import MONDAY
from support.machine import Machine
from support.stored import NOW

AT = int(MONDAY.timestamp())
ADDRESS = "C8:0F:10:80:D0:21"
KEY = "00112233445566778899aabbccddeeff"
HEAD = '"TIMESTAMP" INTEGER NOT NULL, "DEVICE_ID" INTEGER NOT NULL, "USER_ID" INTEGER NOT NULL'
TAIL = 'PRIMARY KEY ("TIMESTAMP", "DEVICE_ID") ON CONFLICT REPLACE) WITHOUT ROWID'
INTS = "INTEGER NOT NULL"
TABLES = {
    "MI_BAND_ACTIVITY_SAMPLE": ("RAW_INTENSITY", "STEPS", "RAW_KIND", "HEART_RATE"),
    "HUAMI_EXTENDED_ACTIVITY_SAMPLE": (
        "RAW_INTENSITY", "STEPS", "RAW_KIND", "HEART_RATE", "UNKNOWN1", "SLEEP", "DEEP_SLEEP", "REM_SLEEP"
    ),
    "PINE_TIME_ACTIVITY_SAMPLE": ("RAW_KIND", "STEPS", "HEART_RATE"),
    "BANGLE_JSACTIVITY_SAMPLE": ("RAW_INTENSITY", "STEPS", "RAW_KIND", "HEART_RATE"),
    "COLMI_ACTIVITY_SAMPLE": ("RAW_KIND", "STEPS", "HEART_RATE", "DISTANCE", "CALORIES"),
    "MAKIBES_HR3_ACTIVITY_SAMPLE": ("STEPS", "RAW_KIND", "HEART_RATE"),
}  # fmt: skip
"""As published (`docs/protocols/gadgetbridge-db.md`, section 4), in physical order."""

Fill = Callable[[sqlite3.Connection], object]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


def made(path: Path, fill: Fill, version: int = 92) -> Path:
    """A database of that schema, filled."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            'CREATE TABLE "DEVICE" ("_id" INTEGER PRIMARY KEY, "NAME" TEXT NOT NULL, "MANUFACTURER" TEXT NOT NULL,'
            ' "IDENTIFIER" TEXT NOT NULL UNIQUE, "TYPE" INTEGER NOT NULL, "TYPE_NAME" TEXT NOT NULL, "MODEL" TEXT,'
            ' "ALIAS" TEXT, "PARENT_FOLDER" TEXT)'
        )
        db.execute('CREATE TABLE "USER" ("_id" INTEGER PRIMARY KEY, "NAME" TEXT, "BIRTHDAY" INTEGER, "GENDER" INTEGER)')
        db.execute(
            'CREATE TABLE "DEVICE_ATTRIBUTES" ("_id" INTEGER PRIMARY KEY, "FIRMWARE_VERSION1" TEXT NOT NULL,'
            ' "FIRMWARE_VERSION2" TEXT, "VALID_FROM_UTC" INTEGER, "VALID_TO_UTC" INTEGER, "DEVICE_ID" INTEGER NOT NULL,'
            ' "VOLATILE_IDENTIFIER" TEXT)'
        )
        db.execute(
            'CREATE TABLE "BATTERY_LEVEL" ("TIMESTAMP" INTEGER NOT NULL, "DEVICE_ID" INTEGER NOT NULL, "LEVEL" INTEGER'
            ' NOT NULL, "BATTERY_INDEX" INTEGER NOT NULL, PRIMARY KEY ("TIMESTAMP", "DEVICE_ID", "BATTERY_INDEX"))'
        )
        for table, columns in TABLES.items():
            nullable = {"UNKNOWN1", "SLEEP", "DEEP_SLEEP", "REM_SLEEP"}
            own = ", ".join(f'"{column}" {"INTEGER" if column in nullable else INTS}' for column in columns)
            db.execute(f'CREATE TABLE "{table}" ({HEAD}, {own}, {TAIL}')
        db.execute(f"PRAGMA user_version = {version}")
        fill(db)
        db.commit()
    return path


def device(db: sqlite3.Connection, number: int, address: str, name: str, alias: str | None = None) -> None:
    db.execute("INSERT INTO DEVICE VALUES (?, ?, 'Maker', ?, 0, 'TYPE', NULL, ?, NULL)", (number, name, address, alias))


def rows(db: sqlite3.Connection, table: str, number: int, cells: Sequence[tuple[int | None, ...]]) -> None:
    """Cells after the device and the user: stamp, then the columns of `TABLES`."""
    marks = ", ".join("?" * (len(TABLES[table]) + 3))
    db.executemany(f"INSERT INTO {table} VALUES ({marks})", [(at, number, 1, *rest) for at, *rest in cells])  # noqa: S608


MINUTES = [
    (0x01, 40, 12, 88), (0x50, 3, 0, 61), (0x5A, 0, 0, 255), (0x73, 0, 0, 0), (0x7A, 9, 0, 52), (0xF0, 2, 0, 50),
    (0x03, 0, 0, 255), (0x06, 0, 0, 255), (0x60, 30, 0, 70), (0x42, 200, 153, 120), (0x50, 8, 14, 66),
]  # fmt: skip
"""Kind, intensity, steps, heart rate; the high nibble is part of the kind."""


def mi_band(db: sqlite3.Connection) -> None:
    device(db, 1, ADDRESS, "Mi Smart Band 5", "my band")
    minutes = [(AT + 60 * i, raw, steps, kind, bpm) for i, (kind, raw, steps, bpm) in enumerate(MINUTES)]
    rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, minutes)
    db.execute("INSERT INTO BATTERY_LEVEL VALUES (?, 1, 87, 0)", (AT,))
    db.execute("INSERT INTO DEVICE_ATTRIBUTES VALUES (1, 'V1.0.2.66', NULL, ?, NULL, 1, NULL)", (AT * 1000,))


def imported(machine: Machine, fill: Fill, *words: str) -> str:
    file = made(machine.home / "Gadgetbridge.db", fill)
    done = machine.type("import", "gadgetbridge", str(file), *words)
    assert done.exit_code == 0, done.output
    return done.stdout


def stored(machine: Machine, name: str) -> list[Epoch]:
    with Store.read(machine.database) as store:
        band = next(band for band in store.bands() if band.name == name)
        return store.epochs(band.id, MONDAY - timedelta(days=1), MONDAY + timedelta(days=2))


@pytest.mark.parametrize("table", ["MI_BAND_ACTIVITY_SAMPLE", "HUAMI_EXTENDED_ACTIVITY_SAMPLE"])
def test_a_huami_band_s_minutes_are_those_that_its_driver_reads(table: str, machine: Machine) -> None:
    newer = table.startswith("HUAMI")

    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, ADDRESS, "Mi Band")
        more = (None, 0x80, 0, None) if newer else ()
        minutes = [(AT + 60 * i, raw, steps, kind, bpm, *more) for i, (kind, raw, steps, bpm) in enumerate(MINUTES)]
        rows(db, table, 1, minutes)

    assert imported(machine, fill) == "Mi Band: 11 rows read: 11 new.\n"
    raw = b"".join(bytes([kind, intensity, steps, bpm]) for kind, intensity, steps, bpm in MINUTES)
    assert stored(machine, "Mi Band") == decode_records(raw, 4, MONDAY, newer=newer)
    assert raw[:4] == encode_record(1, 40, 12, 88, 4)


def test_a_band_comes_with_its_name_its_battery_and_its_firmware(machine: Machine) -> None:
    assert imported(machine, mi_band) == "my band: 11 rows read: 11 new.\n"
    with Store.read(machine.database) as store:
        (band,) = store.bands()
        assert (band.name, band.driver, band.address, band.simulated) == ("my band", "huami", None, False)
        assert (band.vouches, band.reports_wear) == (True, True)
        assert store.newest_charge(band.id) == Charge(MONDAY, 87)
        info = store.newest_info(band.id)
        assert info is not None
        assert (info.firmware, info.serial) == ("V1.0.2.66", ADDRESS)


VECTORS = [
    each["decoded"]
    for each in json.loads((shared.VECTORS / "workouts.json").read_text("utf-8"))["vectors"]
    if each["area"] == "gadgetbridge"
]


def test_workouts_come_with_their_kinds_and_those_that_cannot_be_are_counted(machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        mi_band(db)
        db.execute(
            'CREATE TABLE "BASE_ACTIVITY_SUMMARY" ("_id" INTEGER PRIMARY KEY, "NAME" TEXT, "START_TIME" INTEGER NOT'
            ' NULL, "END_TIME" INTEGER NOT NULL, "ACTIVITY_KIND" INTEGER NOT NULL, "DEVICE_ID" INTEGER NOT NULL)'
        )
        for number, each in enumerate(VECTORS):  # several begin at one time, as of several bands
            row, later = each["row"], 86_400_000 * number
            cells = (number, row["START_TIME"] + later, row["END_TIME"] + later, row["ACTIVITY_KIND"], 1)
            db.execute("INSERT INTO BASE_ACTIVITY_SUMMARY VALUES (?, NULL, ?, ?, ?, ?)", cells)
        ahead = int((NOW + timedelta(days=1)).timestamp()) * 1000
        for wrong in ((100, AT * 1000, AT * 1000), (101, AT * 1000 - 86_400_000, AT * 1000), (102, 1000, AT * 1000),
                      (103, ahead, ahead + 600_000)):  # fmt: skip
            db.execute("INSERT INTO BASE_ACTIVITY_SUMMARY VALUES (?, NULL, ?, ?, 128, 1)", wrong)

    imported(machine, fill)
    (machine.home / "Gadgetbridge.db").unlink()
    told = imported(machine, fill)
    assert "3 rows with what cannot be" in told
    assert "2 rows with a time that cannot be" in told
    with Store.read(machine.database) as store:
        found = store.workouts(store.bands()[0].id, datetime(2014, 1, 1, tzinfo=UTC), NOW)
    expected = [
        (each["kind"], datetime.fromisoformat(each["start"]) + number * timedelta(days=1))
        for number, each in enumerate(VECTORS)
        if "error" not in each
    ]
    assert len(expected) == 14
    assert [(each.kind, each.start) for each in found] == sorted(expected, key=lambda each: each[1])


def test_minutes_that_were_not_measured_are_none(machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, ADDRESS, "band")
        rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, [
            (AT, 5, -1, 1, 80), (AT + 60, 5, 3, -1, 80), (AT + 120, -1, 3, 1, -1), (AT + 180, 5, 256, 1, 80),
            (AT + 240, 5, 2, 300, 80),
        ])  # fmt: skip

    imported(machine, fill)
    assert stored(machine, "band") == [Epoch(MONDAY + 2 * MINUTE, MINUTE, 3, None, None, State.WALKING, 1)]


def test_milliseconds_are_known_by_their_size_and_impossible_times_are_left_out(machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, ADDRESS, "band")
        stamps = [AT, (AT + 60) * 1000, 0, 946_684_800, AT + 3 * 86400, 2**62]
        rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, [(at, 5, 7, 1, 80) for at in stamps])

    assert imported(machine, fill).endswith("Left out: 4 rows with a time that cannot be.\n")
    assert [epoch.start for epoch in stored(machine, "band")] == [MONDAY, MONDAY + MINUTE]


def test_what_lies_over_five_minutes_ahead_is_left_out_and_counted(machine: Machine) -> None:
    """Gadgetbridge #1335: after one row in the future the band is asked for nothing older."""
    now = int(NOW.timestamp())

    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, ADDRESS, "band")
        rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, [(at, 5, 7, 1, 80) for at in (now, now + 300, now + 360, now + 72_000)])
        battery = "INSERT INTO BATTERY_LEVEL (TIMESTAMP, DEVICE_ID, LEVEL, BATTERY_INDEX) VALUES (?, 1, 50, 0)"
        db.executemany(battery, [(now,), (now + 301,)])

    assert imported(machine, fill).endswith("Left out: 3 rows with a time that cannot be.\n")
    assert [epoch.start for epoch in stored(machine, "band")] == [NOW, NOW + 5 * MINUTE]
    with Store.read(machine.database) as store:
        assert store.newest_charge(store.bands()[0].id) == Charge(NOW, 50)


LIVE = "Left out: {} rows of live heart rate."


def test_live_heart_rate_never_overwrites_the_band_s_own_minutes(machine: Machine) -> None:
    """Gadgetbridge adds a row every second while live heart rate is on: intensity -1, kind 1, off the whole minute."""

    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, ADDRESS, "Mi Band 5")
        own = [(AT + 60 * at, 30, 0, 96, 80) for at in range(10)]
        live = [(AT + 60 * at + second, -1, 0, 1, 81) for at in range(10) for second in (1, 2, 3)]
        rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, own + live)

    assert imported(machine, fill).splitlines() == ["Mi Band 5: 10 rows read: 10 new.", LIVE.format(30)]
    standing = [Epoch(MONDAY + at * MINUTE, MINUTE, 0, 30, 80, State.STANDING, 96) for at in range(10)]
    assert stored(machine, "Mi Band 5") == standing
    (machine.home / "Gadgetbridge.db").unlink()
    assert imported(machine, fill).splitlines() == [
        "Mi Band 5: 10 rows read: 0 new, 10 already stored.",
        LIVE.format(30),
    ]
    assert stored(machine, "Mi Band 5") == standing


def test_live_rows_lend_a_heart_rate_to_a_minute_that_has_none_and_make_no_minute(machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, ADDRESS, "band")
        rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, [
            (AT, 30, 0, 96, 255), (AT + 1, -1, 0, 1, 81), (AT + 2, -1, 0, 1, 83), (AT + 3, -1, 0, 1, -1),
            (AT + 61, -1, 9, 1, 90),
        ])  # fmt: skip

    assert imported(machine, fill).splitlines() == ["band: 1 row read: 1 new.", LIVE.format(3)]
    assert stored(machine, "band") == [Epoch(MONDAY, MINUTE, 0, 30, 83, State.STANDING, 96)]


def test_two_rows_of_a_mi_band_1_in_one_minute_are_added(machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, ADDRESS, "band")
        rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, [
            (AT + 1, 20, 9, 1, -1), (AT + 59, 30, 30, 17, 70), (AT + 119, 5, 200, 1, 0), (AT + 120, 5, 200, 1, 0),
            (AT + 178, 5, 201, 17, 0),
        ])  # fmt: skip

    first = imported(machine, fill)
    assert first == "band: 3 rows read: 3 new.\n"
    assert [(epoch.steps, epoch.kind, epoch.heart_rate) for epoch in stored(machine, "band")] == [
        (39, 17, 70), (200, 1, None), (201, 17, None)
    ]  # fmt: skip
    (machine.home / "Gadgetbridge.db").unlink()
    assert imported(machine, fill) == "band: 3 rows read: 0 new, 3 already stored.\n"


def test_two_tables_about_one_minute_agree_on_it_at_every_import(machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, ADDRESS, "band")
        rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, [(AT, 5, 7, 1, 80), (AT + 60, 5, 7, 1, 80), (AT * 1000, 6, 7, 17, 80)])
        rows(
            db,
            "HUAMI_EXTENDED_ACTIVITY_SAMPLE",
            1,
            [(AT, 5, 7, 17, 80, None, 0, 0, 0), (AT + 60, 5, 8, 1, 80, 0, 0, 0, 0)],
        )

    left_out = "Left out: 2 rows of a time that another row tells too."
    assert imported(machine, fill).splitlines() == ["band: 2 rows read: 2 new.", left_out]
    (machine.home / "Gadgetbridge.db").unlink()
    assert imported(machine, fill).splitlines() == ["band: 2 rows read: 0 new, 2 already stored.", left_out]
    told = [(epoch.steps, epoch.intensity, epoch.heart_rate, epoch.kind) for epoch in stored(machine, "band")]
    assert told == [(14, 5, 80, 17), (8, 5, 80, 1)]  # two rows of one table are added, and two tables are joined


def test_the_full_hours_of_a_ring_s_night_are_asleep(machine: Machine) -> None:
    """A night from 00:20 to 07:10, a nap within an hour, and one that never ended."""

    sunday = AT - 24 * 3600

    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, ADDRESS, "ring")
        rows(db, "COLMI_ACTIVITY_SAMPLE", 1, [(sunday + 3600 * hour, 1, 0, 0, 0, 0) for hour in range(16)])
        db.execute(f'CREATE TABLE "COLMI_SLEEP_SESSION_SAMPLE" ({HEAD}, "WAKEUP_TIME" INTEGER, {TAIL}')
        spans = [(20, 7 * 60 + 10), (14 * 60 + 5, 14 * 60 + 50), (15 * 60, None)]
        db.executemany(
            "INSERT INTO COLMI_SLEEP_SESSION_SAMPLE VALUES (?, 1, 1, ?)",
            [((sunday + 60 * a) * 1000, None if b is None else (sunday + 60 * b) * 1000) for a, b in spans],
        )

    assert imported(machine, fill).splitlines() == [
        "ring: 16 rows read: 16 new.", "Left out: 1 row with a sleep that cannot be."
    ]  # fmt: skip
    asleep = [
        (epoch.start - MONDAY + timedelta(days=1)) // timedelta(hours=1)
        for epoch in stored(machine, "ring")
        if epoch.state
    ]
    assert asleep == [1, 2, 3, 4, 5, 6]


def test_what_is_left_out_is_counted_by_its_reason_in_every_family(machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, ADDRESS, "band")
        rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, [(AT, 5, -1, 1, 80), (AT + 60, 5, 256, 1, 80), (0, 5, 1, 1, 80)])
        device(db, 2, "AA:00:00:00:00:01", "PineTime")
        rows(db, "PINE_TIME_ACTIVITY_SAMPLE", 2, [(AT, 0, 0, 0), (AT + 60, 0, 301, 0), (AT + 121, 0, 200, 0),
                                                  (AT + 140, 0, 200, 0), (AT + 180, 0, 300, 0)])  # fmt: skip
        device(db, 3, "AA:00:00:00:00:02", "Bangle.js")
        rows(
            db, "BANGLE_JSACTIVITY_SAMPLE", 3, [(AT, -1, -1, 0, 0), (AT + 600, -1, 3001, 0, 0), (AT + 601, -1, 3, 0, 0)]
        )
        device(db, 4, "AA:00:00:00:00:03", "R02")
        rows(db, "COLMI_ACTIVITY_SAMPLE", 4, [(AT, 1, -1, 0, 0, 0), (AT + 3600, 1, 18_001, 0, 0, 0)])

    assert imported(machine, fill).splitlines() == [
        "band: no rows read.",
        "PineTime: 1 row read: 1 new.",
        "Bangle.js: no rows read.",
        "R02: no rows read.",
        "Left out: 1 row between the watch's own blocks of ten minutes.",
        "Left out: 1 row with a time that cannot be.",
        "Left out: 5 rows with more steps than anybody walks in that time.",
        "Left out: 1 row with what no such band sends.",
        "Left out: 4 rows without steps.",
    ]
    out = machine.home / "out.csv"
    assert machine.type("export", "-o", str(out)).exit_code == 0
    assert machine.told("--db", str(machine.home / "other.db"), "import", "csv", str(out)).startswith(
        "1 line read: 1 new"
    )


def test_a_database_of_families_that_nobody_knows_names_its_tables_with_their_rows(machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        device(db, 4, "AA:00:00:00:00:04", "Makibes")
        rows(db, "MAKIBES_HR3_ACTIVITY_SAMPLE", 4, [(AT, 1, 2, 3)])

    file = made(machine.home / "Gadgetbridge.db", fill)
    assert machine.refused("import", "gadgetbridge", str(file), code=1).endswith(
        "; it has 1 rows of MAKIBES_HR3_ACTIVITY_SAMPLE"
    )


def test_the_other_families(machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        device(db, 1, "AA:00:00:00:00:01", "PineTime")
        rows(
            db,
            "PINE_TIME_ACTIVITY_SAMPLE",
            1,
            [(AT + 10, 0, 7, 0), (AT + 50, 0, 5, 0), (AT + 61, 0, 9, 0), (AT + 200, 0, 0, 0)],
        )
        device(db, 2, "AA:00:00:00:00:02", "Bangle.js 1234")
        rows(db, "BANGLE_JSACTIVITY_SAMPLE", 2, [
            (AT, -1, 120, 0, 66), (AT + 600, -1, 0, 8, -1), (AT + 1200, -1, 3, 4, 255), (AT + 1801, 9, 8, 1, 70)
        ])  # fmt: skip
        device(db, 3, "AA:00:00:00:00:03", "R02_1234")
        rows(db, "COLMI_ACTIVITY_SAMPLE", 3, [
            (AT, 1, 100, 0, 70, 5), (AT + 900, 1, 50, 0, 40, 2), (AT + 3600, 1, 0, 0, 0, 0)
        ])  # fmt: skip
        device(db, 4, "AA:00:00:00:00:04", "Makibes")
        rows(db, "MAKIBES_HR3_ACTIVITY_SAMPLE", 4, [(AT, 1, 2, 3)])

    message = imported(machine, fill)
    assert message.splitlines()[-1] == "Left out: 1 row of MAKIBES_HR3_ACTIVITY_SAMPLE, which no driver reads."
    assert stored(machine, "PineTime") == [Epoch(MONDAY, MINUTE, 12), Epoch(MONDAY + MINUTE, MINUTE, 9)]
    ten = timedelta(minutes=10)
    assert stored(machine, "Bangle.js 1234") == [
        Epoch(MONDAY, ten, 120, None, 66),
        Epoch(MONDAY + ten, ten, 0, state=State.NOT_WORN),
        Epoch(MONDAY + 2 * ten, ten, 3, state=State.ASLEEP),
    ]
    hour = timedelta(hours=1)
    assert stored(machine, "R02_1234") == [Epoch(MONDAY, hour, 150), Epoch(MONDAY + hour, hour, 0)]
    with Store.read(machine.database) as store:
        assert {band.name: band.driver for band in store.bands()} == {
            "PineTime": "infinitime", "Bangle.js 1234": "banglejs", "R02_1234": "colmi"
        }  # fmt: skip


def test_a_second_import_adds_nothing_and_a_later_one_what_is_new(machine: Machine) -> None:
    imported(machine, mi_band)
    (machine.home / "Gadgetbridge.db").unlink()
    assert imported(machine, mi_band) == "my band: 11 rows read: 0 new, 11 already stored.\n"
    (machine.home / "Gadgetbridge.db").unlink()
    machine.told("bands", "rename", "my band", "left")

    def later(db: sqlite3.Connection) -> None:
        mi_band(db)
        rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, [(AT + 6000, 5, 7, 1, 80)])

    assert imported(machine, later) == "left: 12 rows read: 1 new, 11 already stored.\n"
    with Store.read(machine.database) as store:
        assert len(store.bands()) == 1


def test_a_band_that_is_paired_gets_its_minutes(machine: Machine) -> None:
    machine.band(name="paired", address=ADDRESS)
    assert imported(machine, mi_band) == "paired: 11 rows read: 11 new.\n"


def test_two_bands_of_one_name_are_two(machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        for number in (1, 2):
            device(db, number, f"AA:00:00:00:00:0{number}", "band")
            rows(db, "MI_BAND_ACTIVITY_SAMPLE", number, [(AT, 5, number, 1, 80)])

    imported(machine, fill)
    assert [epoch.steps for epoch in stored(machine, "band")] == [1]
    assert [epoch.steps for epoch in stored(machine, "band 2")] == [2]


def zipped(machine: Machine, members: dict[str, bytes]) -> str:
    path = machine.home / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return str(path)


def test_a_zip_is_read_and_keys_are_taken_only_when_asked(machine: Machine) -> None:
    database = made(machine.home / "plain", mi_band).read_bytes()
    preferences = json.dumps({"a": [{"authkey": f"0x{KEY.upper()}"}]}).encode()
    file = zipped(machine, {
        "gadgetbridge.json": b"{}", f"preferences/device_{ADDRESS}.json": preferences,
        "database/Gadgetbridge": database,
    })  # fmt: skip
    keys = KeyFile(machine.database.with_name("keys.json"))
    assert machine.type("import", "gadgetbridge", file).stdout == "my band: 11 rows read: 11 new.\n"
    assert not keys.path.exists()
    data = machine.type("import", "gadgetbridge", file, "--with-keys").stdout
    assert data.splitlines()[1] == "my band: its key was taken."
    assert KEY not in data
    with Store.read(machine.database) as store:
        assert keys.secret(store.bands()[0]) == bytes.fromhex(KEY)


def test_an_older_schema_is_read_and_a_strange_one_met_with_a_word(machine: Machine) -> None:
    def old(db: sqlite3.Connection) -> None:
        mi_band(db)
        db.execute("ALTER TABLE DEVICE DROP COLUMN ALIAS")
        db.execute("DROP TABLE BATTERY_LEVEL")
        db.execute("DROP TABLE DEVICE_ATTRIBUTES")

    assert imported(machine, old) == "Mi Smart Band 5: 11 rows read: 11 new.\n"

    def strange(db: sqlite3.Connection) -> None:
        mi_band(db)
        db.execute("ALTER TABLE MI_BAND_ACTIVITY_SAMPLE RENAME COLUMN STEPS TO PACES")

    file = made(machine.home / "newer.db", strange, version=200)
    message = machine.refused("import", "gadgetbridge", str(file), code=1)
    assert message.startswith(
        f"{file}: the table MI_BAND_ACTIVITY_SAMPLE has no column STEPS: this hipsync does not know that version"
    )


def long(db: sqlite3.Connection) -> None:
    device(db, 1, ADDRESS, "band")
    rows(db, "MI_BAND_ACTIVITY_SAMPLE", 1, [(AT + 60 * i, 5, 7, 1, 80) for i in range(9000)])


def wordy(db: sqlite3.Connection) -> None:
    mi_band(db)
    db.execute("UPDATE MI_BAND_ACTIVITY_SAMPLE SET STEPS = 'many' WHERE STEPS = 153")


def broken(machine: Machine, what: str) -> Path:
    path = machine.home / "broken"
    if what == "text":
        path.write_text("dear diary\n" * 100)
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "torn":
        made(path, long)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif what == "another program's":
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE songs (name)")
    elif what == "views":
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE VIEW DEVICE AS SELECT 1 AS _id, 'x' AS NAME, 'y' AS IDENTIFIER")
    elif what == "words for numbers":
        made(path, wordy)
    elif what == "no bands":
        made(path, lambda _: None)
    elif what == "a zip of nothing":
        zipfile.ZipFile(path, "w").close()
    return path


@pytest.mark.parametrize(
    "where", ["NAME", "MANUFACTURER", "ALIAS", "FIRMWARE_VERSION1"], ids=["name", "maker", "alias", "firmware"]
)
def test_bytes_that_are_no_text_cost_nothing_but_their_characters(where: str, machine: Machine) -> None:
    def fill(db: sqlite3.Connection) -> None:
        mi_band(db)
        table = "DEVICE_ATTRIBUTES" if where == "FIRMWARE_VERSION1" else "DEVICE"
        db.execute(f"UPDATE {table} SET {where} = CAST(X'6D79DF62' AS TEXT)")  # noqa: S608

    assert f"{len(MINUTES)} rows read" in imported(machine, fill)
    assert len(machine.told("bands").splitlines()) == 1


def test_a_schema_that_is_no_text_is_one_line(machine: Machine) -> None:
    path = made(machine.home / "broken", mi_band)
    path.write_bytes(path.read_bytes().replace(b'TABLE "USER"', b'TABL\xdf "USER"'))
    assert "cannot be read" in machine.refused("import", "gadgetbridge", str(path), code=1)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("text", "is neither a database nor a ZIP"),
        ("empty", "is neither a database nor a ZIP"),
        ("torn", "the database cannot be read: database disk image is malformed"),
        ("another program's", "this is no database of Gadgetbridge"),
        ("views", "this is no database of Gadgetbridge"),
        ("words for numbers", "where numbers belong"),
        ("no bands", "holds no minutes of a band that a driver knows"),
        ("a zip of nothing", "holds no database"),
    ],
)
def test_what_is_no_export_is_one_line_and_nothing_is_imported(what: str, message: str, machine: Machine) -> None:
    machine.band([Epoch(MONDAY, MINUTE, 5)])
    machine.now = NOW
    before = machine.told("export"), machine.told("bands")
    file = broken(machine, what)
    bytes_before = file.read_bytes()
    assert message in machine.refused("import", "gadgetbridge", str(file), code=1)
    assert (machine.told("export"), machine.told("bands")) == before
    assert file.read_bytes() == bytes_before
    assert [path.name for path in machine.home.iterdir() if path.name.startswith("broken")] == ["broken"]


def test_a_band_that_was_imported_goes_on_when_it_is_paired(machine: Machine) -> None:
    from hipsync.registry import drivers
    from hipsync.service.which_band import is_import_of

    imported(machine, mi_band)
    with Store.open(machine.database) as store:
        (band,) = store.bands()
        assert is_import_of(store, band, ADDRESS.lower(), drivers()["huami"])
        assert not is_import_of(store, band, "C8:0F:10:80:D0:22", drivers()["huami"])
        assert not is_import_of(store, band, ADDRESS, drivers()["fitpro"])
        store.append(band.id, [Info(datetime(2026, 3, 3, tzinfo=UTC), serial="0123456789AB")])
        assert not is_import_of(store, band, ADDRESS, drivers()["huami"])
