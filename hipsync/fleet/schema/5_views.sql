-- Version 5: the questions that a fleet answers, as views. Each is read with the rights of whoever asks, and so are the
-- tables below it: what their policies hide from a login, no view shows to it. Nothing that is not known counts as
-- sitting. The views look at one instant, the present, which a transaction may set to another by `hipsync.now`.

CREATE FUNCTION hipsync.present() RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(nullif(current_setting('hipsync.now', true), '')::timestamptz, now())
$$;

-- The days of each wearer, in minutes. `has_data`: at least eight hours are known in which he was awake and wore it.
CREATE VIEW hipsync.days WITH (security_invoker = true) AS
    SELECT who.pseudonym AS wearer, j.day, j.zone, j.complete, j.sitting, j.up, j.standing, j.asleep, j.not_worn,
        j.unknown, j.sitting + j.up + j.standing AS awake, j.steps, j.limit_minutes, j.longest, j.over_30, j.over_limit,
        j.breaks, j.sitting + j.up + j.standing >= 480 AS has_data
    FROM hipsync.judged AS j JOIN hipsync.wearers AS who ON who.id = j.wearer;

-- The weeks of each wearer, Monday to Sunday, by their Monday. `has_data`: at least four of its days have. `is_over`: all
-- its days are, where he lives. `sitting_a_day` is in minutes, for a day of 16 hours awake, as the band is not worn equally
-- long in two weeks; `breaks_an_hour` is by the hour of sitting.
CREATE VIEW hipsync.weeks WITH (security_invoker = true) AS
    WITH who AS MATERIALIZED (
        SELECT pseudonym, (hipsync.present() AT TIME ZONE zone)::date AS today FROM hipsync.wearers
    )
    SELECT d.wearer, d.day - extract(isodow FROM d.day)::integer + 1 AS week,
        count(*) FILTER (WHERE d.has_data)::integer AS days_with_data, count(*) FILTER (WHERE d.has_data) >= 4 AS has_data,
        d.day - extract(isodow FROM d.day)::integer + 8 <= who.today AS is_over,
        sum(d.sitting)::integer AS sitting, sum(d.awake)::integer AS awake,
        round(sum(d.sitting) * 960.0 / nullif(sum(d.awake), 0))::integer AS sitting_a_day,
        max(d.longest) AS longest, sum(d.breaks)::integer AS breaks,
        round(sum(d.breaks) * 60.0 / nullif(sum(d.sitting), 0), 2) AS breaks_an_hour,
        sum(d.over_30)::integer AS over_30, sum(d.over_limit)::integer AS over_limit,
        max(d.limit_minutes) AS limit_minutes, sum(d.steps)::bigint AS steps
    FROM hipsync.days AS d JOIN who ON who.pseudonym = d.wearer
    GROUP BY d.wearer, week, is_over;

-- What was told last in each time for which a band was handed to a wearer: when it was heard, its newest charge, and by
-- which gateways it came. It reads band-days, which a doctor may not, and tells her of the wearers in her care alone. Two
-- days of a band are enough to find what was last: those before the last one lie whole in the time.
CREATE FUNCTION hipsync.last_told() RETURNS TABLE (
    worn bigint, heard timestamptz, charged_at timestamptz, percent smallint, charging boolean, gateways text[]
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH w AS MATERIALIZED (
        SELECT id, band, since, least(until, hipsync.present()) AS ends,
            (since AT TIME ZONE 'UTC')::date AS first, (least(until, hipsync.present()) AT TIME ZONE 'UTC')::date AS last
        FROM hipsync.worn WHERE wearer = ANY (hipsync.cared_for()) OR pg_has_role(session_user, current_user, 'MEMBER')
    )
    SELECT w.id, told.heard, charge.at, charge.percent, charge.charging, coalesce(came.gateways, '{}')
    FROM w
    LEFT JOIN LATERAL (
        SELECT max(each.at) AS heard FROM (
            SELECT d.day::timestamp AT TIME ZONE 'UTC' AS midnight, d.epochs, d.counters FROM hipsync.band_days AS d
            WHERE d.band = w.band AND d.day BETWEEN w.first AND w.last
                AND (cardinality((d.epochs).start) > 0 OR cardinality((d.counters).at) > 0)
            ORDER BY d.day DESC LIMIT 2
        ) AS d CROSS JOIN LATERAL (
            SELECT d.midnight + make_interval(mins => e.start + e.length), d.midnight + make_interval(mins => e.start)
                FROM unnest((d.epochs).start, (d.epochs).length) AS e (start, length)
            UNION ALL
            SELECT d.midnight + make_interval(secs => c.at), d.midnight + make_interval(secs => c.at)
                FROM unnest((d.counters).at) AS c (at)
        ) AS each (at, begun)
        WHERE each.begun >= w.since AND each.at <= w.ends
    ) AS told ON true
    LEFT JOIN LATERAL (
        SELECT d.day::timestamp AT TIME ZONE 'UTC' + make_interval(secs => c.at) AS at, c.percent, c.charging
        FROM hipsync.band_days AS d, unnest((d.charges).at, (d.charges).percent, (d.charges).charging)
            AS c (at, percent, charging)
        WHERE d.band = w.band AND d.day BETWEEN greatest(w.first, w.last - 31) AND w.last
            AND d.day::timestamp AT TIME ZONE 'UTC' + make_interval(secs => c.at) BETWEEN w.since AND w.ends
        ORDER BY 1 DESC LIMIT 1
    ) AS charge ON true
    LEFT JOIN (
        SELECT w.id, array_agg(DISTINCT x.gateway::text COLLATE "C") AS gateways
        FROM hipsync.worn AS w JOIN hipsync.receipts AS x ON x.band = w.band
            AND x.day BETWEEN (w.since AT TIME ZONE 'UTC')::date AND coalesce((w.until AT TIME ZONE 'UTC')::date, 'infinity')
        GROUP BY w.id
    ) AS came ON came.id = w.id
$$;

-- Each time for which a band was handed to somebody, with what was told last in it.
CREATE VIEW hipsync.handed WITH (security_invoker = true) AS
    SELECT who.pseudonym AS wearer, w.id AS worn, b.id AS band, b.driver AS kind, w.since, w.until,
        w.until IS NULL OR w.until > hipsync.present() AS is_worn, told.heard, told.charged_at, told.percent, told.charging,
        coalesce(told.gateways, '{}') AS gateways
    FROM hipsync.worn AS w
    JOIN hipsync.wearers AS who ON who.id = w.wearer
    JOIN hipsync.bands AS b ON b.id = w.band
    LEFT JOIN hipsync.last_told() AS told ON told.worn = w.id;

-- Who needs a word, and why: one row a reason, of those who take part. `no data`: no band of his was heard for three
-- days; `at` is when one was last, NULL for never. `battery`: the newest charge of a band that he wears is 15 % or less, and
-- it was not on the charger. `spells`: he sat through the limit more often than he is used to. `value` is how often in the
-- seven days up to yesterday, and `usual` the median of the four sevens before; both are for seven days, from days
-- that have data. A seven counts with four such days; three of the four before have to. He needs a word if it is half
-- above the usual or more, and two spells or more above it.
CREATE VIEW hipsync.attention WITH (security_invoker = true) AS
    WITH part AS MATERIALIZED (
        SELECT pseudonym AS wearer, added, (hipsync.present() AT TIME ZONE zone)::date AS today FROM hipsync.wearers
        WHERE left_on IS NULL OR left_on > (hipsync.present() AT TIME ZONE zone)::date
    ), sevens AS (
        SELECT p.wearer, (p.today - 1 - d.day) / 7 AS ago, sum(d.over_limit) * 7.0 / count(*) AS spells,
            max(d.limit_minutes) AS limit_minutes
        FROM part AS p JOIN hipsync.days AS d ON d.wearer = p.wearer AND d.day BETWEEN p.today - 35 AND p.today - 1
        WHERE d.has_data GROUP BY p.wearer, ago HAVING count(*) >= 4
    ), usual AS (
        SELECT wearer, percentile_cont(0.5) WITHIN GROUP (ORDER BY spells)::numeric AS spells
        FROM sevens WHERE ago > 0 GROUP BY wearer HAVING count(*) >= 3
    )
    SELECT p.wearer, 'no data' AS reason, max(h.heard) AS at, NULL::bigint AS band, NULL::numeric AS value,
        NULL::numeric AS usual, NULL::integer AS limit_minutes
    FROM part AS p LEFT JOIN hipsync.handed AS h ON h.wearer = p.wearer
    GROUP BY p.wearer, p.added
    HAVING coalesce(max(h.heard), p.added) <= hipsync.present() - interval '3 days'
    UNION ALL
    SELECT p.wearer, 'battery', h.charged_at, h.band, h.percent, NULL, NULL
    FROM part AS p JOIN hipsync.handed AS h ON h.wearer = p.wearer
    WHERE h.is_worn AND h.percent <= 15 AND h.charging IS NOT TRUE
    UNION ALL
    SELECT s.wearer, 'spells', NULL, NULL, round(s.spells, 1), round(u.spells, 1), s.limit_minutes
    FROM sevens AS s JOIN usual AS u ON u.wearer = s.wearer
    WHERE s.ago = 0 AND s.spells >= u.spells * 1.5 AND s.spells >= u.spells + 2;

-- The weeks of each wearer before and after the day on which he was treated first, each with its side. The week of that
-- day is on neither side, unless it is a Monday; weeks that are not over are left out. A wearer has a row without a week
-- if he has none, or no such day.
CREATE VIEW hipsync.before_after WITH (security_invoker = true) AS
    SELECT who.pseudonym AS wearer, who.treated, w.week,
        CASE WHEN w.week >= who.treated THEN 'after' WHEN w.week < who.treated THEN 'before' END AS side,
        CASE WHEN w.week >= who.treated THEN w.week - who.treated ELSE who.treated - w.week - 7 END / 7 AS apart,
        w.has_data, w.sitting, w.awake, w.breaks, w.over_30, w.over_limit, who.limit_minutes
    FROM hipsync.wearers AS who LEFT JOIN hipsync.weeks AS w
        ON w.wearer = who.pseudonym AND w.is_over AND (w.week >= who.treated OR w.week + 7 <= who.treated);

REVOKE ALL ON FUNCTION hipsync.present, hipsync.last_told FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hipsync.present, hipsync.last_told TO hipsync_doctor;
GRANT SELECT ON hipsync.days, hipsync.weeks, hipsync.handed, hipsync.attention, hipsync.before_after TO hipsync_doctor;
