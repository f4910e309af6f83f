"""The database of colmi_r02_client: what its rows say, what is left out, and what no database may do."""

from __future__ import annotations

import io
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from formats.past.independent_colmi_client import said as said_independently
from fuzz.damage import damaged
from hipsync.errors import InputError
from hipsync.formats.past import colmi_client
from hipsync.formats.past.colmi_client import FORM
from hipsync.formats.past.reading import FUTURE, HEAD_BYTES, NO_HEART_RATE, TOO_MANY_STEPS, Head, Reading
from hipsync.formats.past.said import Beat, Said, Walked

NOW = datetime(2026, 12, 1, tzinfo=UTC)
EIGHT = 1_795_161_600
"""2026-11-20 08:00 UTC."""
SCHEMA = """
    CREATE TABLE rings (ring_id INTEGER NOT NULL, address VARCHAR NOT NULL, PRIMARY KEY (ring_id), UNIQUE (address));
    CREATE TABLE syncs (sync_id INTEGER NOT NULL, comment VARCHAR, ring_id INTEGER NOT NULL,
        timestamp DATETIME NOT NULL, PRIMARY KEY (sync_id));
    CREATE TABLE heart_rates (heart_rate_id INTEGER NOT NULL, reading INTEGER NOT NULL, timestamp DATETIME NOT NULL,
        ring_id INTEGER NOT NULL, sync_id INTEGER NOT NULL, PRIMARY KEY (heart_rate_id), UNIQUE (ring_id, timestamp));
    CREATE TABLE sport_details (sport_detail_id INTEGER NOT NULL, calories INTEGER NOT NULL, steps INTEGER NOT NULL,
        distance INTEGER NOT NULL, timestamp DATETIME NOT NULL, ring_id INTEGER NOT NULL, sync_id INTEGER NOT NULL,
        PRIMARY KEY (sport_detail_id), UNIQUE (ring_id, timestamp));
"""
"""As tests/database_schema.sql of tahnok/colmi_r02_client has it, without the foreign keys and the logs of sleep."""
RINGS = "INSERT INTO rings VALUES (1, 'aa:bb:cc:00:00:03'), (2, 'E7D8C4F2-0000-1111-2222-333344445555');"
STEPS = "INSERT INTO sport_details VALUES (NULL, 10, {}, 100, {}, {}, 1);"
RATES = "INSERT INTO heart_rates VALUES (NULL, {}, {}, {}, 1);"
AT_EIGHT = "'2026-11-20 08:00:00.000000'"


def made(folder: Path, *sql: str, schema: str = SCHEMA + RINGS) -> bytes:
    file = folder / "made.sqlite"
    file.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as db:
        db.executescript("PRAGMA synchronous = OFF;" + schema)
        for each in sql:
            db.executescript(each)
    return file.read_bytes()


def steps(number: object, at: str = AT_EIGHT, ring: object = 1) -> str:
    return STEPS.format(number, at, ring)


def rate(number: object, at: str = AT_EIGHT, ring: object = 1) -> str:
    return RATES.format(number, at, ring)


def a_reading() -> Reading:
    return Reading(None, NOW)


def read(data: bytes, reading: Reading | None = None) -> list[Said]:
    return list(FORM.read(io.BytesIO(data), Head("any", data[:HEAD_BYTES]), reading or a_reading()))


def refused(data: bytes) -> str:
    with pytest.raises(InputError) as error:
        read(data)
    return str(error.value)


# ------------------------------------------------------------------ what it says


def test_quarters_of_an_hour_and_heart_rates_of_two_rings(tmp_path: Path) -> None:
    data = made(
        tmp_path, steps(250), steps(0, "'2026-11-20 08:15:00.000000'"), steps(7, ring=2), rate(72), rate(61, ring=2)
    )
    assert FORM.fits(Head("ring_data.sqlite", data[:HEAD_BYTES]))
    other = "E7D8C4F2-0000-1111-2222-333344445555"
    assert read(data) == [
        Walked("AA:BB:CC:00:00:03", EIGHT, EIGHT + 900, 250),
        Walked("AA:BB:CC:00:00:03", EIGHT + 900, EIGHT + 1800, 0),
        Walked(other, EIGHT, EIGHT + 900, 7),
        Beat("AA:BB:CC:00:00:03", EIGHT, 72),
        Beat(other, EIGHT, 61),
    ]


def test_a_made_up_month_says_what_an_independent_calculation_finds(tmp_path: Path) -> None:
    noise, reading = random.Random(25), a_reading()
    rows: list[str] = []
    for quarter in range(1500):
        at = datetime(2026, 11, 16, tzinfo=UTC) + timedelta(minutes=15 * quarter)
        rows.append(steps(noise.choice([0, 250, 900, 4500, 4501, -1]), f"'{at:%F %T.%f}'", 1 + quarter % 2))
        rows.append(rate(noise.choice([72, 0, -1, 19, 20, 250, 251]), f"'{at:%F %T.%f}'", 1 + quarter % 2))
    data = made(tmp_path, "BEGIN;" + "".join(rows) + "COMMIT;")
    wanted = list(said_independently(tmp_path / "made.sqlite", NOW))
    assert [(type(said).__name__, *said) for said in read(data, reading)] == [row for row in wanted if row is not None]
    assert sum(reading.left_out.values()) == wanted.count(None)
    assert len(reading.left_out) == 4


@pytest.mark.parametrize("at", ["'2026-11-20 08:00:00'", "'2026-11-20 08:00:00.9'", AT_EIGHT])
def test_a_time_may_have_parts_of_a_second(tmp_path: Path, at: str) -> None:
    assert read(made(tmp_path, steps(5, at))) == [Walked("AA:BB:CC:00:00:03", EIGHT, EIGHT + 900, 5)]


def test_no_rows_say_nothing(tmp_path: Path) -> None:
    assert read(made(tmp_path)) == []
    assert read(made(tmp_path, schema=SCHEMA)) == []


def test_columns_and_tables_of_later_versions_do_not_matter(tmp_path: Path) -> None:
    later = (
        "ALTER TABLE sport_details ADD COLUMN mood VARCHAR; CREATE TABLE sleep_logs (sleep_log_id INTEGER);"
        "CREATE VIEW some AS SELECT 1; ALTER TABLE rings ADD COLUMN name VARCHAR;"
        "INSERT INTO sport_details VALUES (NULL, 1, 5, 9, '2026-11-20 08:00:00.000000', 1, 1, 'good');"
    )
    assert read(made(tmp_path, later)) == [Walked("AA:BB:CC:00:00:03", EIGHT, EIGHT + 900, 5)]


def test_a_database_whose_last_writer_kept_a_log_is_read(tmp_path: Path) -> None:
    data = made(tmp_path, "PRAGMA journal_mode = WAL;", steps(5))
    assert data[18:20] == b"\2\2"
    assert len(read(data)) == 1


def test_an_address_is_clean_and_never_empty(tmp_path: Path) -> None:
    rings = "INSERT INTO rings VALUES (1, char(27) || '[31mx'), (2, char(8238)), (3, CAST(x'52ff' AS TEXT));"
    said = read(made(tmp_path, steps(5), steps(6, ring=2), steps(7, ring=3), schema=SCHEMA + rings))
    assert [each.source for each in said] == ["[31MX", "ring 2", "R\ufffd"]


def test_the_copy_is_gone_when_it_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, folder = made(tmp_path, steps(5), steps(6, ring=2)), tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    said = FORM.read(io.BytesIO(data), Head("any", data), a_reading())
    next(said)
    (copy,) = folder.glob("*/*")
    assert copy.parent.stat().st_mode & 0o077 == 0
    del said
    assert not list(folder.iterdir())


# ------------------------------------------------------------------ what is left out


def test_what_cannot_be_right_is_counted(tmp_path: Path) -> None:
    """A client that lost a packet stores -1, and steps of a quarter that is not over are not all of them."""
    reading, running = a_reading(), "'2026-11-30 23:55:00'"
    assert read(made(tmp_path, steps(4501), rate(-1), rate(0, running), steps(5, running)), reading) == []
    assert reading.left_out == {TOO_MANY_STEPS: 1, NO_HEART_RATE: 2, FUTURE: 1}


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (steps("'many'"), "row 1 of sport_details is wrong: steps is 'many', not a whole number"),
        (steps("5.5"), "steps is 5.5, not a whole number"),
        (steps("x'00ff'"), "steps is b'"),
        (steps(5, "'20.11.2026 08:00'"), "timestamp is '20.11.2026 08:00': it is not a time such as 2026-11-20"),
        (steps(5, "1795161600"), "timestamp is 1795161600: it is not a time such as"),
        (steps(5, "'2026-02-30 08:00:00'"), "timestamp is '2026-02-30 08:00:00': day is out of range"),
        (steps(5, "'1926-02-01 08:00:00'"), "timestamp is '1926-02-01 08:00:00': a time is not in the years 1970"),
        (steps(5, "'2026-11-20 08:00:00' || char(10)"), "it is not a time such as"),
        (steps(5, f"'{'9' * 10_000}'"), "it is not a time such as"),
        (steps(5, ring=3), "row 1 of sport_details is wrong: 3 is no ring of the table rings"),
        (rate("'fast'"), "row 1 of heart_rates is wrong: reading is 'fast'"),
        ("UPDATE rings SET address = x'ff' WHERE ring_id = 2", "rings holds 2 and b'"),
        ("DROP TABLE rings", "there is no table rings: this is no database of colmi_r02_client"),
        (
            "ALTER TABLE sport_details DROP COLUMN steps",
            "sport_details has no column steps: this hipsync does not know",
        ),
        (steps(5, f"printf('%.*c', {2**20 + 9}, 'x')"), "the database cannot be read: string or blob too big"),
    ],
)
def test_what_is_wrong_is_one_line_that_says_where(tmp_path: Path, sql: str, message: str) -> None:
    line = refused(made(tmp_path, sql))
    assert message in line
    assert len(line) <= 300
    assert line.isprintable()


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT i, i steps, i timestamp, 1 ring_id FROM n"


@pytest.mark.parametrize(
    "instead",
    [
        f"CREATE VIEW sport_details AS {ENDLESS}",
        "CREATE VIRTUAL TABLE sport_details USING fts5 (steps, timestamp, ring_id)",
    ],
)
def test_what_only_looks_like_a_table_is_not_asked(tmp_path: Path, instead: str) -> None:
    assert "there is no table sport_details" in refused(made(tmp_path, "DROP TABLE sport_details", instead))


def test_a_column_that_is_calculated_is_not_asked(tmp_path: Path) -> None:
    column = "ALTER TABLE sport_details ADD COLUMN steps INTEGER AS (length(hex(zeroblob(400000))))"
    dropped = "ALTER TABLE sport_details DROP COLUMN steps"
    assert "sport_details has no column steps" in refused(made(tmp_path, dropped, column))


@pytest.mark.parametrize(
    ("bound", "message"),
    [("LARGEST", "the database has over 0 MiB"), ("MOST_ROWS", "over 1 rows"), ("MOST_RINGS", "over 1 rings")],
)
def test_no_database_is_too_large(tmp_path: Path, bound: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = made(tmp_path, steps(5), steps(6, ring=2))
    monkeypatch.setattr(colmi_client, bound, 1)
    assert message in refused(data)


def test_other_files_do_not_fit(tmp_path: Path) -> None:
    gadgetbridge = made(tmp_path, schema="CREATE TABLE DEVICE (_id INTEGER); CREATE TABLE COLMI_STRESS_SAMPLE (x);")
    for start in (b"", b"sport_details rings", gadgetbridge, b"PK\x03\x04" + made(tmp_path)):
        assert not FORM.fits(Head("ring_data.sqlite", start[:HEAD_BYTES]))
    assert "this is no database of colmi_r02_client" in refused(gadgetbridge)
    assert refused(b"date,steps\n" * 100) == "the database cannot be read: file is not a database"
    assert "there is no table rings" in refused(b"")


ODD = (
    "UPDATE sport_details SET steps = 'x'",
    "UPDATE sport_details SET steps = 1.5 WHERE steps = 3",
    "UPDATE sport_details SET steps = -9223372036854775808",
    "UPDATE sport_details SET timestamp = CAST(x'ff00' AS TEXT) WHERE steps = 3",
    "UPDATE heart_rates SET reading = 10.0, timestamp = x'00'",
    "UPDATE rings SET address = '' WHERE ring_id = 1",
    "UPDATE rings SET address = CAST(x'ff00fe' AS TEXT)  WHERE ring_id = 1",
    "UPDATE sport_details SET ring_id = 1e300 WHERE steps = 3",
)


def damages(folder: Path, noise: random.Random) -> Iterator[bytes]:
    rows = [steps(n, f"'2026-11-20 {n // 4:02}:{n % 4 * 15:02}:00.000000'") for n in range(90)]
    whole = made(folder, "BEGIN;" + "".join(rows) + rate(72) + "COMMIT;")
    while True:
        if noise.randrange(5):
            yield damaged(whole, noise)
        else:
            (folder / "odd.sqlite").write_bytes(whole)
            with closing(sqlite3.connect(folder / "odd.sqlite")) as db:
                db.executescript("PRAGMA synchronous = OFF;" + noise.choice(ODD))
            yield (folder / "odd.sqlite").read_bytes()


def message_of(data: bytes) -> str:
    """The message of the refusal of a database; "" if it is read."""
    try:
        read(data)
    except InputError as error:
        return str(error)
    return ""


def test_damage_is_refused_in_one_line_or_read(tmp_path: Path) -> None:
    made_up = damages(tmp_path, random.Random(25))
    messages = [message_of(next(made_up)) for _ in range(200)]
    assert all(len(message) <= 300 and message.isprintable() for message in messages)
    assert 40 < messages.count("") < 160
