-- Version 4: a wearer is erased. What stays is a tombstone for each time in which he wore a band: its mark, a hash, and
-- the time. By it `take` leaves out what a gateway brings of that time, and gateways erase it in their own files. The
-- locks are taken in one order, bands by their marks and then wearers, so that gateways and erasures do not deadlock.

CREATE TABLE hipsync.erasures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    who bytea NOT NULL,                 -- a hash of the pseudonym
    at timestamptz NOT NULL,
    removed jsonb NOT NULL,             -- how many rows of what
    remains jsonb NOT NULL DEFAULT '[]',    -- where bytes of it are still, in words
    finished timestamptz,               -- when the files of the tables held no byte of it any more
    backups_until date                  -- when the last copy of this Postgres with it will be gone, as the owner says
);
CREATE INDEX ON hipsync.erasures (who);

CREATE TABLE hipsync.erased (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    erasure bigint NOT NULL REFERENCES hipsync.erasures,
    mark text NOT NULL,
    since timestamptz NOT NULL,         -- whole seconds, as are the readings of gateways
    until timestamptz CHECK (until >= since),   -- NULL: until the band is handed to somebody
    whole boolean NOT NULL,             -- nobody else wore the band, so that it is gone
    at timestamptz NOT NULL,
    holders name[] NOT NULL             -- the gateways that had brought something of the band
);
CREATE INDEX ON hipsync.erased (mark);

CREATE TABLE hipsync.erasures_done (
    gateway name NOT NULL,
    erased bigint NOT NULL REFERENCES hipsync.erased,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    what jsonb NOT NULL,                -- numbers: rows, backups; kept: files that it cannot clean
    PRIMARY KEY (gateway, erased)
);
ALTER TABLE hipsync.erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.erased ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.erasures_done ENABLE ROW LEVEL SECURITY;

-- A second of a day of UTC.
CREATE FUNCTION hipsync.instant(day date, second integer) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT day::timestamp AT TIME ZONE 'UTC' + make_interval(secs => second)
$$;

-- The first whole second that is not before an instant.
CREATE FUNCTION hipsync.next_second(at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT date_trunc('second', at + interval '999999 microseconds')
$$;

-- Readings without those of the times `lost`; what lasts is left out if any of it lies there.

CREATE FUNCTION hipsync.without(lost tstzmultirange, day date, e hipsync.epochs) RETURNS hipsync.epochs
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ROW(coalesce(array_agg(start ORDER BY place), '{}'), coalesce(array_agg(length ORDER BY place), '{}'),
        coalesce(array_agg(steps ORDER BY place), '{}'), coalesce(array_agg(intensity ORDER BY place), '{}'),
        coalesce(array_agg(heart_rate ORDER BY place), '{}'), coalesce(array_agg(state ORDER BY place), '{}'),
        coalesce(array_agg(kind ORDER BY place), '{}'), coalesce(array_agg(posture ORDER BY place), '{}'))::hipsync.epochs
    FROM unnest((e).start, (e).length, (e).steps, (e).intensity, (e).heart_rate, (e).state, (e).kind, (e).posture)
        WITH ORDINALITY AS x (start, length, steps, intensity, heart_rate, state, kind, posture, place)
    WHERE NOT lost && tstzrange(hipsync.instant(day, start * 60), hipsync.instant(day, (start + length) * 60))
$$;

CREATE FUNCTION hipsync.without(lost tstzmultirange, day date, c hipsync.counters) RETURNS hipsync.counters
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ROW(coalesce(array_agg(at ORDER BY place), '{}'),
        coalesce(array_agg(steps ORDER BY place), '{}'))::hipsync.counters
    FROM unnest((c).at, (c).steps) WITH ORDINALITY AS x (at, steps, place)
    WHERE NOT lost @> hipsync.instant(day, at)
$$;

CREATE FUNCTION hipsync.without(lost tstzmultirange, day date, w hipsync.wears) RETURNS hipsync.wears
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ROW(coalesce(array_agg(at ORDER BY place), '{}'), coalesce(array_agg(worn ORDER BY place), '{}'))::hipsync.wears
    FROM unnest((w).at, (w).worn) WITH ORDINALITY AS x (at, worn, place)
    WHERE NOT lost @> hipsync.instant(day, at)
$$;

CREATE FUNCTION hipsync.without(lost tstzmultirange, day date, p hipsync.charges) RETURNS hipsync.charges
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ROW(coalesce(array_agg(at ORDER BY place), '{}'), coalesce(array_agg(percent ORDER BY place), '{}'),
        coalesce(array_agg(charging ORDER BY place), '{}'))::hipsync.charges
    FROM unnest((p).at, (p).percent, (p).charging) WITH ORDINALITY AS x (at, percent, charging, place)
    WHERE NOT lost @> hipsync.instant(day, at)
$$;

CREATE FUNCTION hipsync.without(lost tstzmultirange, day date, r hipsync.workouts) RETURNS hipsync.workouts
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ROW(coalesce(array_agg(start ORDER BY place), '{}'), coalesce(array_agg(length ORDER BY place), '{}'),
        coalesce(array_agg(kind ORDER BY place), '{}'))::hipsync.workouts
    FROM unnest((r).start, (r).length, (r).kind) WITH ORDINALITY AS x (start, length, kind, place)
    WHERE NOT lost && tstzrange(hipsync.instant(day, start), hipsync.instant(day, start + length))
$$;

CREATE FUNCTION hipsync.is_empty(
    e hipsync.epochs, c hipsync.counters, w hipsync.wears, p hipsync.charges, r hipsync.workouts
) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 0 = cardinality((e).start) + cardinality((c).at) + cardinality((w).at) + cardinality((p).at)
        + cardinality((r).start)
$$;

-- As before, without what is erased: a band-day of which nothing is left is 'erased', and leaves no trace. So is any of
-- a band that is gone, until the gateway has said that it forgot the band. Of a band of another site nothing is stored:
-- 'elsewhere'; so that it holds up no other band of that gateway.
CREATE OR REPLACE FUNCTION hipsync.take(
    mark_ text, driver_ text, vouches_ boolean, reports_wear_ boolean, day_ date, e hipsync.epochs,
    c hipsync.counters, w hipsync.wears, p hipsync.charges, r hipsync.workouts, digest_ bytea
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lost tstzmultirange;
    became text;
BEGIN
    PERFORM FROM hipsync.bands WHERE mark = mark_ FOR KEY SHARE;        -- waits while it is erased
    IF EXISTS (SELECT 1 FROM hipsync.bands WHERE mark = mark_ AND site <> hipsync.own_site()) THEN
        RETURN 'elsewhere';
    END IF;
    SELECT range_agg(tstzrange(since, until)) INTO lost FROM hipsync.erased WHERE mark = mark_;
    IF lost IS NOT NULL THEN
        IF (hipsync.is_sound(e) AND hipsync.is_sound(c, w, p, r)) IS NOT TRUE THEN
            RAISE EXCEPTION 'a band-day of % makes no sense', day_ USING ERRCODE = 'HS001';
        END IF;
        IF EXISTS (SELECT 1 FROM hipsync.erased AS x WHERE mark = mark_ AND whole AND NOT EXISTS
            (SELECT 1 FROM hipsync.erasures_done AS d WHERE d.erased = x.id AND d.gateway = session_user))
        THEN
            RETURN 'erased';
        END IF;
        IF lost && tstzrange(hipsync.instant(day_, 0), hipsync.reach(day_, e, r)) THEN
            e := hipsync.without(lost, day_, e);
            c := hipsync.without(lost, day_, c);
            w := hipsync.without(lost, day_, w);
            p := hipsync.without(lost, day_, p);
            r := hipsync.without(lost, day_, r);
            IF hipsync.is_empty(e, c, w, p, r) THEN RETURN 'erased'; END IF;
        END IF;
    END IF;
    became := hipsync.take_in(mark_, driver_, vouches_, reports_wear_, day_, e, c, w, p, r, digest_);
    PERFORM FROM hipsync.bands WHERE mark = mark_ AND site <> hipsync.own_site();   -- not before: two may bring it at once
    IF FOUND THEN
        RAISE EXCEPTION 'the band %... is of another site', left(mark_, 12) USING ERRCODE = 'HS003';
    END IF;
    RETURN became;
END $$;

-- What a gateway has to erase of the bands with these marks, and whether it has said that it did. Whoever knows a band's
-- address can ask: a gateway that once had a band has to learn of it, whatever its site is now.
CREATE FUNCTION hipsync.erasures(marks_ text[]) RETURNS TABLE (
    id bigint, mark text, since timestamptz, until timestamptz, whole boolean, at timestamptz, done boolean
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.id, e.mark, nullif(e.since, '-infinity'), e.until, e.whole, e.at, EXISTS (
        SELECT 1 FROM hipsync.erasures_done AS d
        WHERE d.gateway = session_user AND d.erased = e.id AND (d.what->>'kept')::integer = 0)
    FROM hipsync.erased AS e WHERE e.mark = ANY (marks_) ORDER BY e.id
$$;

-- A gateway says what it erased: rows, in how many backups too, and how many files it cannot clean.
CREATE FUNCTION hipsync.cleaned(erased_ bigint, rows_ bigint, backups_ integer, kept_ integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO hipsync.erasures_done AS old (gateway, erased, what)
        SELECT session_user, id, jsonb_build_object('rows', rows_, 'backups', backups_, 'kept', kept_)
        FROM hipsync.erased WHERE id = erased_ AND rows_ >= 0 AND backups_ >= 0 AND kept_ >= 0
        ON CONFLICT (gateway, erased) DO UPDATE SET at = excluded.at, what = jsonb_build_object(
            'rows', (old.what->>'rows')::bigint + rows_,    -- it may have been cut off when it had begun
            'backups', greatest((old.what->>'backups')::integer, backups_), 'kept', kept_)
$$;

-- A band that goes on is the next wearer's from when it is handed over, but not for a time before the erasure.
CREATE FUNCTION hipsync.handed_on() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE hipsync.erased SET until = hipsync.next_second(greatest(NEW.since, at, since))
        WHERE until IS NULL AND mark = (SELECT mark FROM hipsync.bands WHERE id = NEW.band);
    RETURN NULL;
END $$;
CREATE TRIGGER handed_on AFTER INSERT ON hipsync.worn FOR EACH ROW EXECUTE FUNCTION hipsync.handed_on();

-- Erase a wearer, and return the number of the erasure; NULL if there is none of this pseudonym. For the owner.
CREATE FUNCTION hipsync.erase(pseudonym_ text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wearer_ bigint;
    erasure_ bigint;
    now_ timestamptz;
    one record;
    lost tstzmultirange;
    found_ bigint;
    bands_ bigint := 0;
    cut_ bigint := 0;
    days_ bigint := 0;
    days_cut bigint := 0;
    receipts_ bigint := 0;
    judged_ bigint;
    worn_ bigint;
    names_ bigint;
BEGIN
    PERFORM FROM hipsync.bands WHERE id IN (SELECT w.band FROM hipsync.worn AS w JOIN hipsync.wearers AS who
        ON who.id = w.wearer WHERE who.pseudonym = pseudonym_) ORDER BY mark FOR UPDATE;
    SELECT id INTO wearer_ FROM hipsync.wearers WHERE pseudonym = pseudonym_ FOR UPDATE;    -- waits while he is judged
    IF NOT FOUND THEN RETURN NULL; END IF;
    PERFORM FROM hipsync.bands WHERE id IN (SELECT band FROM hipsync.worn WHERE wearer = wearer_)
        ORDER BY mark FOR UPDATE;       -- one may have been handed to him meanwhile
    now_ := hipsync.next_second(clock_timestamp());
    INSERT INTO hipsync.erasures (who, at, removed) VALUES (sha256(convert_to(pseudonym_, 'UTF8')), now_, '{}')
        RETURNING id INTO erasure_;
    FOR one IN
        SELECT b.id, b.mark,
            NOT EXISTS (SELECT 1 FROM hipsync.worn WHERE band = b.id AND wearer <> wearer_) AS whole,
            (SELECT coalesce(array_agg(DISTINCT gateway ORDER BY gateway), '{}') FROM hipsync.receipts
                WHERE band = b.id) AS holders
        FROM hipsync.bands AS b WHERE b.id IN (SELECT band FROM hipsync.worn WHERE wearer = wearer_) ORDER BY b.mark
    LOOP
        IF one.whole THEN
            INSERT INTO hipsync.erased (erasure, mark, since, until, whole, at, holders)
                VALUES (erasure_, one.mark, '-infinity', now_, true, now_, one.holders);
            SELECT days_ + count(*) INTO days_ FROM hipsync.band_days WHERE band = one.id;
            SELECT receipts_ + count(*) INTO receipts_ FROM hipsync.receipts WHERE band = one.id;
            bands_ := bands_ + 1;
        ELSE
            INSERT INTO hipsync.erased (erasure, mark, since, until, whole, at, holders)
                SELECT erasure_, one.mark, date_trunc('second', since), hipsync.next_second(until), false, now_, one.holders
                FROM hipsync.worn WHERE band = one.id AND wearer = wearer_;
            SELECT range_agg(tstzrange(since, until)) INTO lost FROM hipsync.erased
                WHERE erasure = erasure_ AND mark = one.mark;
            DELETE FROM hipsync.band_days   -- which is quicker than to cut all of it
                WHERE band = one.id AND lost @> tstzrange(hipsync.instant(day, 0), hipsync.reach(day, epochs, workouts));
            GET DIAGNOSTICS found_ = ROW_COUNT;
            days_ := days_ + found_;
            UPDATE hipsync.band_days SET epochs = hipsync.without(lost, day, epochs),
                counters = hipsync.without(lost, day, counters), wears = hipsync.without(lost, day, wears),
                charges = hipsync.without(lost, day, charges), workouts = hipsync.without(lost, day, workouts),
                changed = clock_timestamp()
                WHERE band = one.id AND lost && tstzrange(hipsync.instant(day, 0), hipsync.reach(day, epochs, workouts));
            GET DIAGNOSTICS found_ = ROW_COUNT;
            days_cut := days_cut + found_;
            DELETE FROM hipsync.band_days
                WHERE band = one.id AND hipsync.is_empty(epochs, counters, wears, charges, workouts);
            GET DIAGNOSTICS found_ = ROW_COUNT;
            days_ := days_ + found_;
            days_cut := days_cut - found_;
            DELETE FROM hipsync.receipts    -- a reading may last into the next day
                WHERE band = one.id AND lost && tstzrange(hipsync.instant(day, 0), hipsync.instant(day, 172800));
            GET DIAGNOSTICS found_ = ROW_COUNT;
            receipts_ := receipts_ + found_;
            cut_ := cut_ + 1;
        END IF;
    END LOOP;
    SELECT count(*) INTO judged_ FROM hipsync.judged WHERE wearer = wearer_;
    SELECT count(*) INTO worn_ FROM hipsync.worn WHERE wearer = wearer_;
    DELETE FROM hipsync_names.people WHERE pseudonym = pseudonym_;
    GET DIAGNOSTICS names_ = ROW_COUNT;
    DELETE FROM hipsync.wearers WHERE id = wearer_;
    DELETE FROM hipsync.bands WHERE mark IN (SELECT mark FROM hipsync.erased WHERE erasure = erasure_ AND whole);
    UPDATE hipsync.erasures SET removed = jsonb_build_object('bands', bands_, 'bands_cut', cut_, 'band_days', days_,
        'band_days_cut', days_cut, 'judged', judged_, 'worn', worn_, 'receipts', receipts_, 'names', names_)
        WHERE id = erasure_;
    RETURN erasure_;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hipsync FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hipsync.erasures, hipsync.cleaned TO hipsync_gateway;
