"""The schema of the database, step by step. `PRAGMA user_version` counts the steps that a file has.

A step never changes once it is released. The module is imported only where a database is made or upgraded, because
sqlite-utils takes 80 ms to import.
"""

from __future__ import annotations

import contextlib
import sqlite3

from sqlite_utils import Database, Migrations

STEPS = Migrations("hipsync")

FIRST_TABLES = (
    """CREATE TABLE bands (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            driver TEXT NOT NULL,
            address TEXT,
            advertised_name TEXT NOT NULL,
            simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
            vouches INTEGER NOT NULL CHECK (vouches IN (0, 1)),
            reports_wear INTEGER NOT NULL CHECK (reports_wear IN (0, 1)),
            added INTEGER NOT NULL
        )""",
    """CREATE TABLE states (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)""",
    """INSERT INTO states VALUES (0, 'unsaid'), (1, 'sitting'), (2, 'asleep'), (3, 'not_worn'), (4, 'charging'),
            (5, 'standing'), (6, 'walking'), (7, 'running'), (8, 'cycling')""",
    """INSERT INTO states SELECT code + 16, name || ', inferred' FROM states""",
    """CREATE TABLE epochs (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            start INTEGER NOT NULL,
            length INTEGER NOT NULL,
            steps INTEGER NOT NULL CHECK (steps >= 0),
            intensity INTEGER,
            heart_rate INTEGER,
            state INTEGER NOT NULL,
            kind INTEGER,
            PRIMARY KEY (band, start, length)
        ) WITHOUT ROWID""",
    """CREATE TABLE counters (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            at INTEGER NOT NULL,
            steps INTEGER NOT NULL CHECK (steps >= 0),
            PRIMARY KEY (band, at)
        ) WITHOUT ROWID""",
    """CREATE TABLE wears (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            at INTEGER NOT NULL,
            worn INTEGER NOT NULL CHECK (worn IN (0, 1)),
            PRIMARY KEY (band, at)
        )""",
    """CREATE TABLE charges (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            at INTEGER NOT NULL,
            percent INTEGER NOT NULL,
            charging INTEGER,
            PRIMARY KEY (band, at)
        )""",
    """CREATE TABLE inactivities (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            at INTEGER NOT NULL,
            PRIMARY KEY (band, at)
        )""",
    """CREATE TABLE infos (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            at INTEGER NOT NULL,
            firmware TEXT, hardware TEXT, serial TEXT,
            PRIMARY KEY (band, at)
        )""",
    """CREATE TABLE syncs (
            id INTEGER PRIMARY KEY,
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            started INTEGER NOT NULL,
            ended INTEGER NOT NULL,
            epochs INTEGER NOT NULL,
            error TEXT
        )""",
    """CREATE INDEX syncs_by_band ON syncs (band, started)""",
    """CREATE TABLE zones (since INTEGER PRIMARY KEY, zone TEXT NOT NULL)""",
    """CREATE TABLE prompts (
            at INTEGER PRIMARY KEY,
            due INTEGER NOT NULL,
            exercise TEXT NOT NULL,
            sure INTEGER NOT NULL CHECK (sure IN (0, 1)),
            shown_where TEXT NOT NULL,
            shown INTEGER NOT NULL,
            last_shown INTEGER,
            answer TEXT,
            answered_at INTEGER,
            snoozed_until INTEGER
        )""",
    """CREATE TABLE exercises (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            name TEXT NOT NULL,
            how TEXT NOT NULL CHECK (how IN ('guided', 'prompt', 'manual')),
            hurt INTEGER NOT NULL CHECK (hurt IN (0, 1))
        )""",
    """CREATE INDEX exercises_by_time ON exercises (at)""",
    """CREATE VIEW minutes AS
            SELECT bands.name AS band, datetime(start, 'unixepoch') AS start_utc, length AS minutes, steps, intensity,
                heart_rate, states.name AS state, kind
            FROM epochs JOIN bands ON bands.id = epochs.band JOIN states ON states.code = epochs.state""",
)


@STEPS()
def m001_first(db: Database) -> None:
    """Create the tables for bands, for what they reported, and for what the person was shown and did.

    Epochs and counters are WITHOUT ROWID tables keyed by band and time, which halves the file. The numbers 0 and 1 and
    NULL take no space in SQLite's records. So `length` is in minutes, and `state` and `inferred` share a column.
    """
    _execute(db, *FIRST_TABLES)


@STEPS()
def m002_pauses(db: Database) -> None:
    """Add the table of pauses: times without prompts."""
    _execute(db, "CREATE TABLE pauses (at INTEGER PRIMARY KEY, until INTEGER NOT NULL)")


@STEPS()
def m003_occasions(db: Database) -> None:
    """Add a column for what a prompt was for, and a table of the remarks shown, so that each is shown once."""
    _execute(
        db,
        """ALTER TABLE prompts ADD COLUMN occasion TEXT NOT NULL DEFAULT 'sitting'
            CHECK (occasion IN ('sitting', 'morning', 'after-cycling'))""",
        """CREATE TABLE remarks (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            what TEXT NOT NULL CHECK (what IN ('battery', 'no data', 'refused')),
            at INTEGER NOT NULL,
            PRIMARY KEY (band, what, at)
        ) WITHOUT ROWID""",
    )


@STEPS()
def m004_named_keys(db: Database) -> None:
    """Make foreign keys name the column that they mean, because Datasette fails on those that leave it to SQLite.

    Nothing on disk changes but the text of the schema.
    """
    _reword(db, "REFERENCES bands ON", "REFERENCES bands (id) ON")


@STEPS()
def m005_days(db: Database) -> None:
    """Add the cache of judged days. It is made from the rest, so every row may be deleted at any time."""
    _execute(
        db,
        """CREATE TABLE days (
            start INTEGER NOT NULL,
            until INTEGER NOT NULL,
            zone TEXT NOT NULL,
            of TEXT NOT NULL,
            judged_by TEXT NOT NULL,
            loaded_from INTEGER NOT NULL,
            loaded_until INTEGER NOT NULL,
            kinds BLOB NOT NULL,
            facts TEXT NOT NULL,
            PRIMARY KEY (start, until, zone, of)
        ) WITHOUT ROWID""",
    )


@STEPS()
def m006_labels(db: Database) -> None:
    """Add the table of what the person said of their own posture."""
    _execute(db, "CREATE TABLE labels (at INTEGER PRIMARY KEY, says TEXT NOT NULL)")


@STEPS()
def m007_presence(db: Database) -> None:
    """Add the table of what is known of the computer's use.

    The whole row is the key, so that a span which has grown since an export and the shorter one from that export can
    stand side by side.
    """
    _execute(
        db,
        """CREATE TABLE presence (
            start INTEGER NOT NULL,
            until INTEGER NOT NULL,
            state TEXT NOT NULL,
            PRIMARY KEY (start, until, state)
        ) WITHOUT ROWID""",
    )


@STEPS()
def m008_workouts(db: Database) -> None:
    """Add the table of workouts that bands recorded."""
    _execute(
        db,
        """CREATE TABLE workouts (
            band INTEGER NOT NULL REFERENCES bands (id) ON DELETE CASCADE,
            start INTEGER NOT NULL,
            until INTEGER NOT NULL,
            kind TEXT NOT NULL,
            PRIMARY KEY (band, start)
        )""",
    )


@STEPS()
def m009_plans(db: Database) -> None:
    """Add the table of the person's plans, and the warm-up to what prompts can be for."""
    _execute(
        db,
        """CREATE TABLE plans (
            id INTEGER PRIMARY KEY,
            outing TEXT NOT NULL,
            days TEXT NOT NULL,
            clock TEXT NOT NULL,
            skipped TEXT,
            added INTEGER NOT NULL,
            UNIQUE (outing, days, clock)
        )""",
    )
    _reword(db, "'morning', 'after-cycling')", "'morning', 'after-cycling', 'warm-up')")


@STEPS()
def m010_desks(db: Database) -> None:
    """Add the table of times at which the user worked standing at this computer."""
    _execute(db, "CREATE TABLE desks (at INTEGER PRIMARY KEY, until INTEGER NOT NULL)")


@STEPS()
def m011_trial(db: Database) -> None:
    """Add the tables of a trial of whether reminders help: the seeds, and what was drawn for each due reminder."""
    _execute(
        db,
        "CREATE TABLE trials (since INTEGER PRIMARY KEY, seed TEXT NOT NULL)",
        """CREATE TABLE draws (
            start INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            due INTEGER NOT NULL,
            withheld INTEGER NOT NULL CHECK (withheld IN (0, 1))
        )""",
        "CREATE INDEX draws_by_time ON draws (at)",
    )


@STEPS()
def m012_sitting_minutes(db: Database) -> None:
    """Add to prompts how long their stretch was when they were shown: that varies since some are shown early."""
    _execute(db, "ALTER TABLE prompts ADD COLUMN sitting_minutes INTEGER")


@STEPS()
def m013_posture(db: Database) -> None:
    """Add a column for a posture that a band gives beside the state, and show it in the view.

    It holds a word, because only bands that give one pay for it: NULL takes one byte, and none in older rows.
    """
    _execute(
        db,
        "ALTER TABLE epochs ADD COLUMN posture TEXT",
        "DROP VIEW minutes",
        """CREATE VIEW minutes AS
            SELECT bands.name AS band, datetime(start, 'unixepoch') AS start_utc, length AS minutes, steps, intensity,
                heart_rate, states.name AS state, kind, posture
            FROM epochs JOIN bands ON bands.id = epochs.band JOIN states ON states.code = epochs.state""",
    )


@STEPS()
def m014_abilities(db: Database) -> None:
    """Add to bands what each was found to do. NULL means that nothing is known but what its family may do."""
    _execute(
        db,
        "ALTER TABLE bands ADD COLUMN keeps INTEGER",
        "ALTER TABLE bands ADD COLUMN can TEXT",
    )


@STEPS()
def m015_imports(db: Database) -> None:
    """Add to bands whether one is still arriving, which nobody sees; and the table of imports, with their zones."""
    _execute(
        db,
        "ALTER TABLE bands ADD COLUMN arriving INTEGER NOT NULL DEFAULT 0 CHECK (arriving IN (0, 1))",
        """CREATE TABLE imports (
            id INTEGER PRIMARY KEY,
            band INTEGER NOT NULL REFERENCES bands (id) ON DELETE CASCADE,
            at INTEGER NOT NULL,
            form TEXT NOT NULL,
            source TEXT NOT NULL,
            zone TEXT,
            since INTEGER,
            until INTEGER
        )""",
        "DROP VIEW minutes",
        """CREATE VIEW minutes AS
            SELECT bands.name AS band, datetime(start, 'unixepoch') AS start_utc, length AS minutes, steps, intensity,
                heart_rate, states.name AS state, kind, posture
            FROM epochs JOIN bands ON bands.id = epochs.band JOIN states ON states.code = epochs.state
            WHERE NOT arriving""",
    )


@STEPS()
def m016_merging(db: Database) -> None:
    """Key what two computers may both store by what it is about, so that it can be merged (`merging.py`).

    Of prompts that are about the same, the one stays that was answered, or shown more often; the oldest time of showing
    counts. The computer that stored older rows is not known, and is written as ''.

    No table is renamed: SQLite refuses that if a view of the user's own names a table that is gone meanwhile.
    """
    columns = "at, due, exercise, sure, shown_where, shown, last_shown, answer, answered_at, snoozed_until"
    settled = "answer IN ('done', 'hurt', 'standing', 'skipped', 'moved')"
    _execute(
        db,
        "CREATE TEMP TABLE old_prompts AS SELECT * FROM prompts",
        "CREATE TEMP TABLE old_exercises AS SELECT * FROM exercises",
        "CREATE TEMP TABLE old_zones AS SELECT * FROM zones",
        "DROP TABLE prompts",
        "DROP TABLE exercises",
        "DROP TABLE zones",
        """CREATE TABLE prompts (
            at INTEGER NOT NULL,
            due INTEGER NOT NULL,
            exercise TEXT NOT NULL,
            sure INTEGER NOT NULL CHECK (sure IN (0, 1)),
            shown_where TEXT NOT NULL,
            shown INTEGER NOT NULL,
            last_shown INTEGER,
            answer TEXT,
            answered_at INTEGER,
            snoozed_until INTEGER,
            occasion TEXT NOT NULL CHECK (occasion IN ('sitting', 'morning', 'after-cycling', 'warm-up')),
            sitting_minutes INTEGER,
            host TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (occasion, due)
        )""",
        f"""INSERT OR IGNORE INTO prompts ({columns}, occasion, sitting_minutes)
            SELECT min(at) OVER (PARTITION BY occasion, due), {columns.removeprefix("at, ")}, occasion, sitting_minutes
            FROM old_prompts ORDER BY ifnull({settled}, 0) DESC, shown DESC, at""",
        "CREATE INDEX prompts_by_time ON prompts (at)",
        """CREATE TABLE exercises (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            name TEXT NOT NULL,
            how TEXT NOT NULL CHECK (how IN ('guided', 'prompt', 'manual')),
            hurt INTEGER NOT NULL CHECK (hurt IN (0, 1)),
            UNIQUE (at, name, how)
        )""",
        """INSERT OR IGNORE INTO exercises SELECT min(id), at, name, how, max(hurt) FROM old_exercises
            GROUP BY at, name, how ORDER BY min(id)""",
        """CREATE TABLE zones (
            host TEXT NOT NULL DEFAULT '',
            since INTEGER NOT NULL,
            zone TEXT NOT NULL,
            PRIMARY KEY (host, since)
        )""",
        "INSERT OR IGNORE INTO zones SELECT '', since, zone FROM old_zones ORDER BY since",
        "ALTER TABLE bands ADD COLUMN identity TEXT",
        "UPDATE bands SET identity = ifnull(upper(address), 'name:' || name) WHERE NOT simulated",
        """CREATE TABLE forgotten (
            mark TEXT PRIMARY KEY,
            at INTEGER NOT NULL
        )""",
        *(f"DROP TABLE temp.old_{table}" for table in ("prompts", "exercises", "zones")),
    )


@STEPS()
def m017_removed_plans(db: Database) -> None:
    """Keep a plan that was removed, with the time of it, so that it is removed on another computer, too."""
    _execute(db, "ALTER TABLE plans ADD COLUMN removed INTEGER")


def _reword(db: Database, before: str, after: str) -> None:
    """Replace words of the schema by others, as SQLite lets a constraint be changed; no row is looked at.

    That is section 7 of https://sqlite.org/lang_altertable.html.
    """
    ((version,),) = db.execute("PRAGMA schema_version").fetchall()  # pyright: ignore[reportUnknownMemberType]
    old, new = (words.replace("'", "''") for words in (before, after))
    _execute(
        db,
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}')",
        f"PRAGMA schema_version = {int(version) + 1}",
        "PRAGMA writable_schema = OFF",
    )


def _execute(db: Database, *statements: str) -> None:
    for statement in statements:
        db.execute(statement)  # pyright: ignore[reportUnknownMemberType]  sqlite-utils types its rows loosely


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the steps that the file lacks, in one transaction, so that two processes at once create one schema.

    Raises whatever a step raises, and then the file is as it was.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        db = Database(connection, execute_plugins=False)
        STEPS.apply(db)
        connection.execute(f"PRAGMA user_version = {len(STEPS.applied(db))}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled back already
            connection.execute("ROLLBACK")
        raise
