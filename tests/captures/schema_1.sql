-- A database of schema 1: one band, a walked minute, one that the band vouched for, one of every other reading (Monday
-- 2 March 2026, 12:00 UTC), and what was said and done. As SQLite's dump writes it, with the version that it leaves out.
BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'hipsync','m001_first','2026-03-02 12:00:00+00:00');
CREATE TABLE bands (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            driver TEXT NOT NULL,
            address TEXT,
            advertised_name TEXT NOT NULL,
            simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
            vouches INTEGER NOT NULL CHECK (vouches IN (0, 1)),
            reports_wear INTEGER NOT NULL CHECK (reports_wear IN (0, 1)),
            added INTEGER NOT NULL
        );
INSERT INTO "bands" VALUES(1,'desk-band','huami','C0:00:00:00:00:01','Mi Smart Band 5',0,1,1,1772452800);
CREATE TABLE charges (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            at INTEGER NOT NULL,
            percent INTEGER NOT NULL,
            charging INTEGER,
            PRIMARY KEY (band, at)
        );
INSERT INTO "charges" VALUES(1,1772452800,9,NULL);
CREATE TABLE counters (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            at INTEGER NOT NULL,
            steps INTEGER NOT NULL CHECK (steps >= 0),
            PRIMARY KEY (band, at)
        ) WITHOUT ROWID;
INSERT INTO "counters" VALUES(1,1772452800,3);
CREATE TABLE epochs (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            start INTEGER NOT NULL,
            length INTEGER NOT NULL,
            steps INTEGER NOT NULL CHECK (steps >= 0),
            intensity INTEGER,
            heart_rate INTEGER,
            state INTEGER NOT NULL,
            kind INTEGER,
            PRIMARY KEY (band, start, length)
        ) WITHOUT ROWID;
INSERT INTO "epochs" VALUES(1,1772409600,1,30,41,88,6,1);
INSERT INTO "epochs" VALUES(1,1772409660,1,0,NULL,NULL,16,NULL);
CREATE TABLE exercises (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            name TEXT NOT NULL,
            how TEXT NOT NULL CHECK (how IN ('guided', 'prompt', 'manual')),
            hurt INTEGER NOT NULL CHECK (hurt IN (0, 1))
        );
INSERT INTO "exercises" VALUES(1,1772452801,'hip-extension','prompt',0);
CREATE TABLE inactivities (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            at INTEGER NOT NULL,
            PRIMARY KEY (band, at)
        );
INSERT INTO "inactivities" VALUES(1,1772452800);
CREATE TABLE infos (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            at INTEGER NOT NULL,
            firmware TEXT, hardware TEXT, serial TEXT,
            PRIMARY KEY (band, at)
        );
INSERT INTO "infos" VALUES(1,1772452800,'1.0',NULL,NULL);
CREATE TABLE prompts (
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
        );
INSERT INTO "prompts" VALUES(1772452800,1772452800,'hip-extension',1,'desktop band',1,NULL,'done',1772452801,NULL);
CREATE TABLE states (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
INSERT INTO "states" VALUES(0,'unsaid');
INSERT INTO "states" VALUES(1,'sitting');
INSERT INTO "states" VALUES(2,'asleep');
INSERT INTO "states" VALUES(3,'not_worn');
INSERT INTO "states" VALUES(4,'charging');
INSERT INTO "states" VALUES(5,'standing');
INSERT INTO "states" VALUES(6,'walking');
INSERT INTO "states" VALUES(7,'running');
INSERT INTO "states" VALUES(8,'cycling');
INSERT INTO "states" VALUES(16,'unsaid, inferred');
INSERT INTO "states" VALUES(17,'sitting, inferred');
INSERT INTO "states" VALUES(18,'asleep, inferred');
INSERT INTO "states" VALUES(19,'not_worn, inferred');
INSERT INTO "states" VALUES(20,'charging, inferred');
INSERT INTO "states" VALUES(21,'standing, inferred');
INSERT INTO "states" VALUES(22,'walking, inferred');
INSERT INTO "states" VALUES(23,'running, inferred');
INSERT INTO "states" VALUES(24,'cycling, inferred');
CREATE TABLE syncs (
            id INTEGER PRIMARY KEY,
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            started INTEGER NOT NULL,
            ended INTEGER NOT NULL,
            epochs INTEGER NOT NULL,
            error TEXT
        );
INSERT INTO "syncs" VALUES(1,1,1772452800,1772452801,2,NULL);
CREATE TABLE wears (
            band INTEGER NOT NULL REFERENCES bands ON DELETE CASCADE,
            at INTEGER NOT NULL,
            worn INTEGER NOT NULL CHECK (worn IN (0, 1)),
            PRIMARY KEY (band, at)
        );
INSERT INTO "wears" VALUES(1,1772452800,1);
CREATE TABLE zones (since INTEGER PRIMARY KEY, zone TEXT NOT NULL);
INSERT INTO "zones" VALUES(1772452800,'Europe/London');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX syncs_by_band ON syncs (band, started);
CREATE INDEX exercises_by_time ON exercises (at);
CREATE VIEW minutes AS
            SELECT bands.name AS band, datetime(start, 'unixepoch') AS start_utc, length AS minutes, steps, intensity,
                heart_rate, states.name AS state, kind
            FROM epochs JOIN bands ON bands.id = epochs.band JOIN states ON states.code = epochs.state;
PRAGMA user_version = 1;
COMMIT;
