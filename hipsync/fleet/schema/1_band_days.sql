-- Version 1 of the schema `hipsync` in a fleet's Postgres: gateways ship. What a band reported on one day of UTC is one
-- row, its columns are arrays. Nobody but the owner touches the tables: a gateway may call the functions `take` and
-- `taken`, and they look at what it brings. The search path of every function ends with pg_temp: left out, it would
-- come first, and a login could put types of its own there.

CREATE SCHEMA hipsync;

CREATE TABLE hipsync.version (number integer NOT NULL, one boolean PRIMARY KEY DEFAULT true CHECK (one));
INSERT INTO hipsync.version VALUES (1);

CREATE TYPE hipsync.epochs AS (
    start smallint[],       -- the minute of the day
    length smallint[],      -- minutes
    steps integer[],
    intensity integer[],
    heart_rate integer[],
    state smallint[],       -- as in the table `epochs` of a gateway: 16 more if the band did not send the epoch
    kind integer[],
    posture text[]
);
CREATE TYPE hipsync.counters AS (at integer[], steps bigint[]);                     -- at: the second of the day
CREATE TYPE hipsync.wears AS (at integer[], worn boolean[]);
CREATE TYPE hipsync.charges AS (at integer[], percent smallint[], charging boolean[]);
CREATE TYPE hipsync.workouts AS (start integer[], length integer[], kind text[]);   -- both in seconds

CREATE TABLE hipsync.bands (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mark text NOT NULL UNIQUE CHECK (mark ~ '^[0-9a-f]{64}$'),  -- a hash of kind and address, never the address
    driver text NOT NULL CHECK (length(driver) <= 200 AND driver !~ '[[:cntrl:]]'),
    vouches boolean NOT NULL,
    reports_wear boolean NOT NULL,
    added timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE hipsync.band_days (
    band bigint NOT NULL REFERENCES hipsync.bands ON DELETE CASCADE,
    day date NOT NULL,
    epochs hipsync.epochs NOT NULL,
    counters hipsync.counters NOT NULL,
    wears hipsync.wears NOT NULL,
    charges hipsync.charges NOT NULL,
    workouts hipsync.workouts NOT NULL,
    changed timestamptz NOT NULL DEFAULT clock_timestamp(),     -- when a reading was added or completed last
    PRIMARY KEY (band, day)
);

-- What each gateway has brought, written in the transaction that stored it. A gateway is the login that it came by.
CREATE TABLE hipsync.receipts (
    gateway name NOT NULL,
    band bigint NOT NULL REFERENCES hipsync.bands ON DELETE CASCADE,
    day date NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 16),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (gateway, band, day)
);

-- The merge rule: of two rows of one key each column keeps the larger value by itself, and a value stays where the
-- other has none. So neither the order in which gateways come matters, nor how often they do.

CREATE FUNCTION hipsync.merged(one hipsync.epochs, other hipsync.epochs) RETURNS hipsync.epochs
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH rows AS (
        SELECT * FROM unnest((one).start, (one).length, (one).steps, (one).intensity, (one).heart_rate, (one).state,
            (one).kind, (one).posture) AS x (start, length, steps, intensity, heart_rate, state, kind, posture)
        UNION ALL
        SELECT * FROM unnest((other).start, (other).length, (other).steps, (other).intensity, (other).heart_rate,
            (other).state, (other).kind, (other).posture)
    ), kept AS (
        SELECT start, length, max(steps) AS steps, max(intensity) AS intensity, max(heart_rate) AS heart_rate,
            (max(state & 15) | bit_and(state & 16))::smallint AS state, max(kind) AS kind,
            max(posture COLLATE "C") AS posture
        FROM rows GROUP BY start, length ORDER BY start, length
    )
    SELECT ROW(coalesce(array_agg(start), '{}'), coalesce(array_agg(length), '{}'), coalesce(array_agg(steps), '{}'),
        coalesce(array_agg(intensity), '{}'), coalesce(array_agg(heart_rate), '{}'), coalesce(array_agg(state), '{}'),
        coalesce(array_agg(kind), '{}'), coalesce(array_agg(posture), '{}'))::hipsync.epochs FROM kept
$$;

CREATE FUNCTION hipsync.merged(one hipsync.counters, other hipsync.counters) RETURNS hipsync.counters
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH rows AS (
        SELECT * FROM unnest((one).at, (one).steps) AS x (at, steps)
        UNION ALL SELECT * FROM unnest((other).at, (other).steps)
    ), kept AS (SELECT at, max(steps) AS steps FROM rows GROUP BY at ORDER BY at)
    SELECT ROW(coalesce(array_agg(at), '{}'), coalesce(array_agg(steps), '{}'))::hipsync.counters FROM kept
$$;

-- Of a band that was on and off in one second nobody knows which: unknown is never sitting.
CREATE FUNCTION hipsync.merged(one hipsync.wears, other hipsync.wears) RETURNS hipsync.wears
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH rows AS (
        SELECT * FROM unnest((one).at, (one).worn) AS x (at, worn)
        UNION ALL SELECT * FROM unnest((other).at, (other).worn)
    ), kept AS (SELECT at, bool_and(worn) AS worn FROM rows GROUP BY at ORDER BY at)
    SELECT ROW(coalesce(array_agg(at), '{}'), coalesce(array_agg(worn), '{}'))::hipsync.wears FROM kept
$$;

CREATE FUNCTION hipsync.merged(one hipsync.charges, other hipsync.charges) RETURNS hipsync.charges
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH rows AS (
        SELECT * FROM unnest((one).at, (one).percent, (one).charging) AS x (at, percent, charging)
        UNION ALL SELECT * FROM unnest((other).at, (other).percent, (other).charging)
    ), kept AS (
        SELECT at, max(percent) AS percent, bool_or(charging) AS charging FROM rows GROUP BY at ORDER BY at
    )
    SELECT ROW(coalesce(array_agg(at), '{}'), coalesce(array_agg(percent), '{}'),
        coalesce(array_agg(charging), '{}'))::hipsync.charges FROM kept
$$;

-- Of two workouts of one start the longer one stays.
CREATE FUNCTION hipsync.merged(one hipsync.workouts, other hipsync.workouts) RETURNS hipsync.workouts
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH rows AS (
        SELECT * FROM unnest((one).start, (one).length, (one).kind) AS x (start, length, kind)
        UNION ALL SELECT * FROM unnest((other).start, (other).length, (other).kind)
    ), kept AS (
        SELECT DISTINCT ON (start) start, length, kind FROM rows ORDER BY start, length DESC, kind COLLATE "C" DESC
    )
    SELECT ROW(coalesce(array_agg(start), '{}'), coalesce(array_agg(length), '{}'),
        coalesce(array_agg(kind), '{}'))::hipsync.workouts FROM kept
$$;

-- Whether rows are in order, each key once, and in the range that a gateway's own store takes.
CREATE FUNCTION hipsync.is_sound(e hipsync.epochs) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT cardinality((e).start) = ALL (ARRAY[cardinality((e).length), cardinality((e).steps),
            cardinality((e).intensity), cardinality((e).heart_rate), cardinality((e).state), cardinality((e).kind),
            cardinality((e).posture)])
        AND NOT EXISTS (
            SELECT 1 FROM (
                SELECT start, length, steps, state, posture, lag(start * 2048 + length) OVER (ORDER BY place) AS before
                FROM unnest((e).start, (e).length, (e).steps, (e).state, (e).posture)
                    WITH ORDINALITY AS x (start, length, steps, state, posture, place)
            ) AS rows
            WHERE (start BETWEEN 0 AND 1439 AND length BETWEEN 1 AND 1440 AND steps >= 0 AND state BETWEEN 0 AND 24
                AND state & 15 < 9 AND (before IS NULL OR before < start * 2048 + length)
                AND (posture IS NULL OR posture IN ('sitting', 'standing', 'upright', 'lying'))) IS NOT TRUE
        )
$$;

CREATE FUNCTION hipsync.is_sound(times integer[], VARIADIC sizes integer[]) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT cardinality(times) = ALL (sizes) AND NOT EXISTS (
        SELECT 1 FROM (
            SELECT at, lag(at) OVER (ORDER BY place) AS before FROM unnest(times) WITH ORDINALITY AS x (at, place)
        ) AS rows
        WHERE (at BETWEEN 0 AND 86399 AND (before IS NULL OR before < at)) IS NOT TRUE
    )
$$;

CREATE FUNCTION hipsync.is_sound(c hipsync.counters, w hipsync.wears, p hipsync.charges, r hipsync.workouts)
RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT hipsync.is_sound((c).at, cardinality((c).steps))
        AND hipsync.is_sound((w).at, cardinality((w).worn))
        AND hipsync.is_sound((p).at, cardinality((p).percent), cardinality((p).charging))
        AND hipsync.is_sound((r).start, cardinality((r).length), cardinality((r).kind))
        AND coalesce(0 <= ALL ((c).steps), false) AND array_position((w).worn, NULL) IS NULL
        AND coalesce(0 <= ALL ((p).percent) AND 100 >= ALL ((p).percent), false)
        AND coalesce(0 < ALL ((r).length) AND 86400 > ALL ((r).length), false)
        AND array_position((r).kind, NULL) IS NULL
        AND (r).kind <@ ARRAY['cycling', 'cycling_indoor', 'rowing', 'rowing_machine', 'running', 'walking',
            'treadmill', 'other']
$$;

-- The last instant that a band-day tells of.
CREATE FUNCTION hipsync.newest(
    day date, e hipsync.epochs, c hipsync.counters, w hipsync.wears, p hipsync.charges, r hipsync.workouts
) RETURNS timestamptz LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT day::timestamp AT TIME ZONE 'UTC' + make_interval(secs => coalesce(max(second), 0)) FROM (
        SELECT unnest((e).start) * 60 UNION ALL SELECT unnest((c).at) UNION ALL SELECT unnest((w).at)
        UNION ALL SELECT unnest((p).at) UNION ALL SELECT unnest((r).start)
    ) AS seconds (second)
$$;

-- Store or merge one band-day, and write its receipt; say what became of it: new, changed, or same.
CREATE FUNCTION hipsync.take(
    mark_ text, driver_ text, vouches_ boolean, reports_wear_ boolean, day_ date, e hipsync.epochs,
    c hipsync.counters, w hipsync.wears, p hipsync.charges, r hipsync.workouts, digest_ bytea
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number bigint;
    before hipsync.band_days;
    after hipsync.band_days;
    became text := 'same';
BEGIN
    IF (hipsync.is_sound(e) AND hipsync.is_sound(c, w, p, r)) IS NOT TRUE THEN
        RAISE EXCEPTION 'a band-day of % makes no sense', day_ USING ERRCODE = 'HS001';
    END IF;
    IF hipsync.newest(day_, e, c, w, p, r) > clock_timestamp() + interval '15 minutes' THEN
        RAISE EXCEPTION 'a band-day of % lies ahead of now', day_ USING ERRCODE = 'HS002';
    END IF;
    INSERT INTO hipsync.bands (mark, driver, vouches, reports_wear) VALUES (mark_, driver_, vouches_, reports_wear_)
        ON CONFLICT DO NOTHING;
    UPDATE hipsync.bands SET vouches = vouches OR vouches_, reports_wear = reports_wear OR reports_wear_
        WHERE mark = mark_ AND (vouches < vouches_ OR reports_wear < reports_wear_);
    SELECT id INTO STRICT number FROM hipsync.bands WHERE mark = mark_;
    INSERT INTO hipsync.band_days VALUES (number, day_, e, c, w, p, r) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        became := 'new';
    ELSE
        SELECT * INTO STRICT before FROM hipsync.band_days WHERE band = number AND day = day_ FOR UPDATE;
        after := before;
        IF before.epochs IS DISTINCT FROM e THEN after.epochs := hipsync.merged(before.epochs, e); END IF;
        IF before.counters IS DISTINCT FROM c THEN after.counters := hipsync.merged(before.counters, c); END IF;
        IF before.wears IS DISTINCT FROM w THEN after.wears := hipsync.merged(before.wears, w); END IF;
        IF before.charges IS DISTINCT FROM p THEN after.charges := hipsync.merged(before.charges, p); END IF;
        IF before.workouts IS DISTINCT FROM r THEN after.workouts := hipsync.merged(before.workouts, r); END IF;
        IF after IS DISTINCT FROM before THEN
            UPDATE hipsync.band_days SET epochs = after.epochs, counters = after.counters, wears = after.wears,
                charges = after.charges, workouts = after.workouts, changed = clock_timestamp()
                WHERE band = number AND day = day_;
            became := 'changed';
        END IF;
    END IF;
    INSERT INTO hipsync.receipts AS old_receipt (gateway, band, day, digest)
        VALUES (session_user, number, day_, digest_)
        ON CONFLICT (gateway, band, day) DO UPDATE SET digest = excluded.digest, at = excluded.at
        WHERE old_receipt.digest <> excluded.digest;
    RETURN became;
END $$;

-- What the gateway that asks has brought already.
CREATE FUNCTION hipsync.taken() RETURNS TABLE (mark text, day date, digest bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT b.mark, x.day, x.digest FROM hipsync.receipts AS x JOIN hipsync.bands AS b ON b.id = x.band
    WHERE x.gateway = session_user
$$;

CREATE FUNCTION hipsync.schema_version() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT number FROM hipsync.version $$;

DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'hipsync_gateway') THEN
        CREATE ROLE hipsync_gateway NOLOGIN;
    END IF;
END $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hipsync FROM PUBLIC;
GRANT USAGE ON SCHEMA hipsync TO hipsync_gateway;
GRANT EXECUTE ON FUNCTION hipsync.take, hipsync.taken, hipsync.schema_version TO hipsync_gateway;
