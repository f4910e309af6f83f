-- Version 2: who wore which band when, and the days of a wearer as they were judged.
-- What a band reported belongs to whom it was handed to at that time. A change of it makes the days dirty that it can
-- change, and whoever judges takes them from there. The two exclude each other by a lock on the wearer: while his days
-- are judged, a change of his readings waits; and while one is under way, nobody begins to judge.

CREATE TABLE hipsync.wearers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pseudonym text NOT NULL UNIQUE CHECK (pseudonym ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
    zone text NOT NULL CHECK (length(zone) BETWEEN 1 AND 64),       -- an IANA name
    limit_minutes smallint NOT NULL DEFAULT 60 CHECK (limit_minutes BETWEEN 10 AND 240),    -- the limit of the rule
    treated date,                                                   -- the first day with the exercises
    added timestamptz NOT NULL DEFAULT clock_timestamp(),
    left_on date                                                    -- the first day on which he takes part no more
);

CREATE TABLE hipsync.worn (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    band bigint NOT NULL REFERENCES hipsync.bands ON DELETE CASCADE,
    wearer bigint NOT NULL REFERENCES hipsync.wearers ON DELETE CASCADE,
    since timestamptz NOT NULL,
    until timestamptz CHECK (until > since),                        -- NULL: he wears it still
    EXCLUDE USING gist (int8range(band, band, '[]') WITH &&, tstzrange(since, until) WITH &&)
);
CREATE INDEX ON hipsync.worn (wearer);

CREATE TABLE hipsync.dirty (
    wearer bigint NOT NULL REFERENCES hipsync.wearers ON DELETE CASCADE,
    day date NOT NULL,
    due timestamptz NOT NULL DEFAULT '-infinity',                   -- not before then is there anything new to judge
    PRIMARY KEY (wearer, day)
);

CREATE TABLE hipsync.judged (
    wearer bigint NOT NULL REFERENCES hipsync.wearers ON DELETE CASCADE,
    day date NOT NULL,
    zone text NOT NULL,
    edition integer NOT NULL,           -- the version of the way of judging
    start timestamptz NOT NULL,
    until timestamptz NOT NULL,         -- the end of the day
    loaded_from timestamptz NOT NULL,   -- the readings that were looked at are those of [loaded_from, loaded_until)
    loaded_until timestamptz NOT NULL,
    complete boolean NOT NULL,          -- whether time alone changes nothing any more
    sitting integer NOT NULL,           -- minutes of the day so far, as are the next five
    up integer NOT NULL,
    standing integer NOT NULL,
    asleep integer NOT NULL,
    not_worn integer NOT NULL,
    unknown integer NOT NULL,
    steps bigint NOT NULL,
    limit_minutes integer NOT NULL,
    longest integer NOT NULL,           -- minutes of the longest stretch
    over_30 integer NOT NULL,           -- stretches of thirty minutes and more
    over_limit integer NOT NULL,        -- stretches of limit_minutes and more
    breaks integer NOT NULL,
    kinds bytea NOT NULL,               -- both as hipsync/history/day_codec.py writes them
    facts text NOT NULL,
    PRIMARY KEY (wearer, day)
);

-- Readings of one kind that are asked for beyond any time: what a counter or wear is, the one before it may decide.
CREATE INDEX ON hipsync.band_days (band, day) WHERE cardinality((counters).at) > 0;
CREATE INDEX ON hipsync.band_days (band, day) WHERE cardinality((wears).at) > 0;

-- The first instant after all that a band-day tells of; an epoch or a workout may end on the next day.
CREATE FUNCTION hipsync.reach(day date, e hipsync.epochs, r hipsync.workouts) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT day::timestamp AT TIME ZONE 'UTC' + make_interval(secs => greatest(86400,
        (SELECT max((start + length) * 60) FROM unnest((e).start, (e).length) AS x (start, length)),
        (SELECT max(start + length) FROM unnest((r).start, (r).length) AS x (start, length))))
$$;

-- Make the judged days of a wearer dirty that looked at readings of [first, last).
CREATE FUNCTION hipsync.soil_judged(wearer_ bigint, first timestamptz, last timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM hipsync.wearers WHERE id = wearer_ FOR KEY SHARE;      -- waits while he is judged
    IF FOUND THEN
        INSERT INTO hipsync.dirty (wearer, day)
            SELECT wearer_, day FROM hipsync.judged
            WHERE wearer = wearer_ AND loaded_from < last AND loaded_until > first
            ORDER BY day
            ON CONFLICT (wearer, day) DO UPDATE SET due = excluded.due WHERE dirty.due > excluded.due;
    END IF;
END $$;

-- Make the days of a wearer dirty of which a band told on these days of UTC while he wore it.
CREATE FUNCTION hipsync.soil_reported(worn_ bigint, first_day date, last_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wearer_ bigint;
BEGIN
    SELECT wearer INTO wearer_ FROM hipsync.worn WHERE id = worn_;
    PERFORM FROM hipsync.wearers WHERE id = wearer_ FOR KEY SHARE;
    IF FOUND THEN
        INSERT INTO hipsync.dirty (wearer, day)
            SELECT DISTINCT wearer_, generate_series(
                (told.first AT TIME ZONE told.zone)::date,
                ((told.last - interval '1 second') AT TIME ZONE told.zone)::date,
                '1 day'
            )::date AS day
            FROM (
                SELECT greatest(d.day::timestamp AT TIME ZONE 'UTC', w.since) AS first,
                    least(hipsync.reach(d.day, d.epochs, d.workouts), w.until) AS last, who.zone
                FROM hipsync.worn AS w JOIN hipsync.wearers AS who ON who.id = w.wearer
                JOIN hipsync.band_days AS d ON d.band = w.band AND d.day BETWEEN first_day AND last_day
                WHERE w.id = worn_
            ) AS told
            WHERE told.first < told.last ORDER BY day
            ON CONFLICT (wearer, day) DO UPDATE SET due = excluded.due WHERE dirty.due > excluded.due;
    END IF;
END $$;

CREATE FUNCTION hipsync.band_day_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counted CONSTANT boolean := NEW.counters IS DISTINCT FROM coalesce(OLD.counters, ROW('{}', '{}')::hipsync.counters);
    was_worn CONSTANT boolean := NEW.wears IS DISTINCT FROM coalesce(OLD.wears, ROW('{}', '{}')::hipsync.wears);
    begun CONSTANT timestamptz := NEW.day::timestamp AT TIME ZONE 'UTC';
    ended CONSTANT timestamptz := hipsync.reach(NEW.day, NEW.epochs, NEW.workouts);
    first timestamptz := begun;
    last timestamptz := ended;
    one record;
BEGIN
    IF counted THEN
        first := coalesce((SELECT max(day) FROM hipsync.band_days WHERE band = NEW.band AND day < NEW.day
            AND cardinality((counters).at) > 0)::timestamp AT TIME ZONE 'UTC', '-infinity');
        last := greatest(last, coalesce(((SELECT min(day) FROM hipsync.band_days WHERE band = NEW.band
            AND day > NEW.day AND cardinality((counters).at) > 0) + 1)::timestamp AT TIME ZONE 'UTC', 'infinity'));
    END IF;
    IF was_worn THEN
        first := least(first, coalesce((SELECT max(day) FROM hipsync.band_days WHERE band = NEW.band
            AND day < NEW.day AND cardinality((wears).at) > 0)::timestamp AT TIME ZONE 'UTC', '-infinity'));
        last := greatest(last, coalesce(((SELECT min(day) FROM hipsync.band_days WHERE band = NEW.band
            AND day > NEW.day AND cardinality((wears).at) > 0) + 1)::timestamp AT TIME ZONE 'UTC', 'infinity'));
    END IF;
    FOR one IN SELECT id, wearer FROM hipsync.worn
        WHERE band = NEW.band AND since < ended AND (until IS NULL OR until > begun) ORDER BY wearer
    LOOP
        PERFORM hipsync.soil_judged(one.wearer, first, last);
        PERFORM hipsync.soil_reported(one.id, NEW.day, NEW.day);
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OF epochs, counters, wears, workouts ON hipsync.band_days
    FOR EACH ROW EXECUTE FUNCTION hipsync.band_day_changed();

-- Which bands a wearer has decides about all his days.
CREATE FUNCTION hipsync.worn_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM hipsync.soil_judged(OLD.wearer, '-infinity', 'infinity'); END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM hipsync.soil_judged(NEW.wearer, '-infinity', 'infinity');
        PERFORM hipsync.soil_reported(NEW.id, (NEW.since AT TIME ZONE 'UTC')::date - 3,
            (coalesce(NEW.until, clock_timestamp()) AT TIME ZONE 'UTC')::date + 1);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON hipsync.worn
    FOR EACH ROW EXECUTE FUNCTION hipsync.worn_changed();

CREATE FUNCTION hipsync.band_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM hipsync.soil_judged(wearer, '-infinity', 'infinity') FROM
        (SELECT DISTINCT wearer FROM hipsync.worn WHERE band = NEW.id ORDER BY wearer) AS those;
    RETURN NULL;
END $$;
CREATE TRIGGER changed AFTER UPDATE OF vouches, reports_wear ON hipsync.bands
    FOR EACH ROW EXECUTE FUNCTION hipsync.band_changed();

-- In another zone he has other days.
CREATE FUNCTION hipsync.wearer_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.zone <> NEW.zone THEN
        DELETE FROM hipsync.judged WHERE wearer = NEW.id;
        DELETE FROM hipsync.dirty WHERE wearer = NEW.id;
        PERFORM hipsync.soil_reported(id, '-infinity', 'infinity') FROM hipsync.worn WHERE wearer = NEW.id;
    ELSE
        PERFORM hipsync.soil_judged(NEW.id, '-infinity', 'infinity');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER changed AFTER UPDATE OF zone, limit_minutes ON hipsync.wearers
    FOR EACH ROW WHEN (OLD.zone <> NEW.zone OR OLD.limit_minutes <> NEW.limit_minutes)
    EXECUTE FUNCTION hipsync.wearer_changed();

-- For whoever judges: a wearer who has dirty days due by then, locked until the transaction ends. One whom another one
-- holds is passed over, unless `wait` says to wait for him.
CREATE FUNCTION hipsync.next_wearer(by_ timestamptz, wait boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_ bigint;
BEGIN
    IF wait THEN
        SELECT id INTO found_ FROM hipsync.wearers WHERE id IN (SELECT wearer FROM hipsync.dirty WHERE due <= by_)
            ORDER BY id FOR UPDATE LIMIT 1;
    ELSE
        SELECT id INTO found_ FROM hipsync.wearers WHERE id IN (SELECT wearer FROM hipsync.dirty WHERE due <= by_)
            ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1;
    END IF;
    RETURN found_;
END $$;

-- For whoever judges: the band-days of [first, last) of each time for which a wearer had a band, and those nearest before
-- and after that have readings of its counter or changes of wear.
CREATE FUNCTION hipsync.heard(wearer_ bigint, first_ date, last_ date) RETURNS TABLE (
    worn bigint, day date, start smallint[], length smallint[], steps integer[], heart_rate integer[], state smallint[],
    posture text[], counted_at integer[], counted bigint[], worn_at integer[], is_worn boolean[],
    workout_start integer[], workout_length integer[], workout_kind text[]
) LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH mine AS (
        SELECT id, band, (since AT TIME ZONE 'UTC')::date AS first,
            coalesce((until AT TIME ZONE 'UTC')::date, 'infinity') AS last
        FROM hipsync.worn WHERE wearer = wearer_
    ), wanted AS (
        SELECT mine.id, d.band, d.day FROM mine JOIN hipsync.band_days AS d ON d.band = mine.band
            AND d.day >= greatest(first_, mine.first) AND d.day <= least(last_ - 1, mine.last)
        UNION SELECT mine.id, mine.band, (SELECT max(d.day) FROM hipsync.band_days AS d WHERE d.band = mine.band
            AND d.day < first_ AND d.day BETWEEN mine.first AND mine.last AND cardinality((d.counters).at) > 0) FROM mine
        UNION SELECT mine.id, mine.band, (SELECT min(d.day) FROM hipsync.band_days AS d WHERE d.band = mine.band
            AND d.day >= last_ AND d.day BETWEEN mine.first AND mine.last AND cardinality((d.counters).at) > 0) FROM mine
        UNION SELECT mine.id, mine.band, (SELECT max(d.day) FROM hipsync.band_days AS d WHERE d.band = mine.band
            AND d.day < first_ AND d.day BETWEEN mine.first AND mine.last AND cardinality((d.wears).at) > 0) FROM mine
    )
    SELECT wanted.id, d.day, (d.epochs).start, (d.epochs).length, (d.epochs).steps, (d.epochs).heart_rate,
        (d.epochs).state, (d.epochs).posture, (d.counters).at, (d.counters).steps, (d.wears).at, (d.wears).worn,
        (d.workouts).start, (d.workouts).length, (d.workouts).kind
    FROM wanted JOIN hipsync.band_days AS d ON d.band = wanted.band AND d.day = wanted.day
    ORDER BY wanted.id, d.day
$$;

DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'hipsync_judge') THEN
        CREATE ROLE hipsync_judge NOLOGIN;
    END IF;
END $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hipsync FROM PUBLIC;
GRANT USAGE ON SCHEMA hipsync TO hipsync_judge;
GRANT SELECT ON hipsync.wearers, hipsync.worn, hipsync.bands, hipsync.band_days TO hipsync_judge;
GRANT SELECT, INSERT, UPDATE, DELETE ON hipsync.dirty, hipsync.judged TO hipsync_judge;
GRANT EXECUTE ON FUNCTION hipsync.next_wearer, hipsync.heard, hipsync.schema_version TO hipsync_judge;
