-- Version 3: who sees what. A doctor reads of the wearers in her care alone, a gateway ships the bands of its site alone,
-- and who a pseudonym is stands in another schema, for another role. The owner is bound by none of it, nor are the
-- functions that run with the owner's rights: each of them asks by itself who calls (session_user).

CREATE TABLE hipsync.care (
    login name NOT NULL,
    wearer bigint NOT NULL REFERENCES hipsync.wearers ON DELETE CASCADE,
    PRIMARY KEY (login, wearer)
);
CREATE INDEX ON hipsync.care (wearer);

-- A gateway without a row is of the site ''.
CREATE TABLE hipsync.sites (
    login name PRIMARY KEY,
    site text NOT NULL CHECK (site ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$')
);

CREATE FUNCTION hipsync.own_site() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT site FROM hipsync.sites WHERE login = session_user), '')
$$;

ALTER TABLE hipsync.bands ADD COLUMN site text NOT NULL DEFAULT '';     -- of those that are there
ALTER TABLE hipsync.bands ALTER COLUMN site SET DEFAULT hipsync.own_site();     -- of who brings it first

-- What `take` does, without looking at who calls.
ALTER FUNCTION hipsync.take RENAME TO take_in;

CREATE FUNCTION hipsync.take(
    mark_ text, driver_ text, vouches_ boolean, reports_wear_ boolean, day_ date, e hipsync.epochs,
    c hipsync.counters, w hipsync.wears, p hipsync.charges, r hipsync.workouts, digest_ bytea
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    became CONSTANT text := hipsync.take_in(mark_, driver_, vouches_, reports_wear_, day_, e, c, w, p, r, digest_);
BEGIN
    PERFORM FROM hipsync.bands WHERE mark = mark_ AND site <> hipsync.own_site();   -- not before: two may bring it at once
    IF FOUND THEN
        RAISE EXCEPTION 'the band %... is of another site', left(mark_, 12) USING ERRCODE = 'HS003';
    END IF;
    RETURN became;
END $$;

DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'hipsync_doctor') THEN
        CREATE ROLE hipsync_doctor NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'hipsync_names') THEN
        CREATE ROLE hipsync_names NOLOGIN;
    END IF;
END $$;

-- The wearers in the care of whoever asks.
CREATE FUNCTION hipsync.cared_for() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(wearer ORDER BY wearer), '{}') FROM hipsync.care WHERE login = session_user
$$;

-- The epochs of [first_, last_) of a wearer in the care of whoever asks. A doctor reads no band-day, because it can be of
-- two wearers; an epoch in which the band changed hands is nobody's.
CREATE FUNCTION hipsync.epochs_of(pseudonym_ text, first_ timestamptz, last_ timestamptz) RETURNS TABLE (
    band bigint, start timestamptz, minutes smallint, steps integer, heart_rate integer, state smallint, posture text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT w.band, x.begun, x.length, x.steps, x.heart_rate, x.state, x.posture
    FROM hipsync.wearers AS who
    JOIN hipsync.worn AS w ON w.wearer = who.id
    JOIN hipsync.band_days AS d ON d.band = w.band AND d.day BETWEEN
        (greatest(w.since, first_) AT TIME ZONE 'UTC')::date AND (least(w.until, last_) AT TIME ZONE 'UTC')::date
    CROSS JOIN LATERAL (
        SELECT d.day::timestamp AT TIME ZONE 'UTC' + start * interval '1 minute' AS begun, length, steps, heart_rate,
            state, posture
        FROM unnest((d.epochs).start, (d.epochs).length, (d.epochs).steps, (d.epochs).heart_rate, (d.epochs).state,
            (d.epochs).posture) AS y (start, length, steps, heart_rate, state, posture)
    ) AS x
    WHERE who.pseudonym = pseudonym_ AND who.id = ANY (hipsync.cared_for())
        AND x.begun >= greatest(w.since, first_) AND x.begun + x.length * interval '1 minute' <= least(w.until, last_)
    ORDER BY x.begun, w.band, x.length
$$;

ALTER TABLE hipsync.wearers ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.worn ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.bands ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.band_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.dirty ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.judged ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.care ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.sites ENABLE ROW LEVEL SECURITY;

CREATE POLICY judge ON hipsync.wearers FOR SELECT TO hipsync_judge USING (true);
CREATE POLICY judge ON hipsync.worn FOR SELECT TO hipsync_judge USING (true);
CREATE POLICY judge ON hipsync.bands FOR SELECT TO hipsync_judge USING (true);
CREATE POLICY judge ON hipsync.band_days FOR SELECT TO hipsync_judge USING (true);
CREATE POLICY judge ON hipsync.dirty TO hipsync_judge USING (true) WITH CHECK (true);
CREATE POLICY judge ON hipsync.judged TO hipsync_judge USING (true) WITH CHECK (true);

CREATE POLICY doctor ON hipsync.wearers FOR SELECT TO hipsync_doctor
    USING (id = ANY ((SELECT hipsync.cared_for())::bigint[]));
CREATE POLICY doctor ON hipsync.worn FOR SELECT TO hipsync_doctor
    USING (wearer = ANY ((SELECT hipsync.cared_for())::bigint[]));
CREATE POLICY doctor ON hipsync.dirty FOR SELECT TO hipsync_doctor
    USING (wearer = ANY ((SELECT hipsync.cared_for())::bigint[]));
CREATE POLICY doctor ON hipsync.judged FOR SELECT TO hipsync_doctor
    USING (wearer = ANY ((SELECT hipsync.cared_for())::bigint[]));
CREATE POLICY doctor ON hipsync.bands FOR SELECT TO hipsync_doctor
    USING (id IN (SELECT band FROM hipsync.worn));      -- of which she sees her wearers' alone

-- People's names. Their schema outlives `hipsync`, so that a list which somebody typed is not lost with it.
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'hipsync_names' AND nspowner <> current_user::regrole) THEN
        RAISE EXCEPTION 'the schema hipsync_names is another login''s: its owner has to drop it';
    END IF;
END $$;
CREATE SCHEMA IF NOT EXISTS hipsync_names;
CREATE TABLE IF NOT EXISTS hipsync_names.people (
    pseudonym text PRIMARY KEY CHECK (pseudonym ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200 AND name !~ '[[:cntrl:]]'),
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 2000)
);

-- All that who keeps the names learns of `hipsync`: it lies here, so that they need no right there.
CREATE OR REPLACE FUNCTION hipsync_names.pseudonyms() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pseudonym FROM hipsync.wearers ORDER BY pseudonym
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hipsync FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hipsync_names FROM PUBLIC;
REVOKE ALL ON FUNCTION hipsync.take_in FROM hipsync_gateway;
GRANT EXECUTE ON FUNCTION hipsync.take TO hipsync_gateway;
GRANT USAGE ON SCHEMA hipsync TO hipsync_doctor;
GRANT SELECT ON hipsync.wearers, hipsync.worn, hipsync.dirty, hipsync.judged TO hipsync_doctor;
GRANT SELECT (id, driver, vouches, reports_wear) ON hipsync.bands TO hipsync_doctor;    -- its mark is a hash of its address
GRANT EXECUTE ON FUNCTION hipsync.cared_for, hipsync.epochs_of, hipsync.schema_version TO hipsync_doctor;
GRANT USAGE ON SCHEMA hipsync_names TO hipsync_names;
GRANT SELECT, INSERT, UPDATE, DELETE ON hipsync_names.people TO hipsync_names;
GRANT EXECUTE ON FUNCTION hipsync_names.pseudonyms TO hipsync_names;
