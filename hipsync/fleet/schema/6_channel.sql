-- Version 6: the computers of one wearer tell each other what they know, and agree who of them speaks. To each wearer
-- belongs a channel of messages with numbers. Whoever says something holds the lock of the channel until it is there, so
-- that all hear the messages in the order of their numbers, and miss none. A notification says only that there is
-- something: LISTEN asks nobody for a right, but the name to listen at is a secret of the wearer's computers.

CREATE TABLE hipsync.computers (
    login name PRIMARY KEY,             -- a gateway's, which one wearer alone uses
    wearer bigint NOT NULL REFERENCES hipsync.wearers ON DELETE CASCADE
);
CREATE INDEX ON hipsync.computers (wearer);

CREATE TABLE hipsync.channels (
    wearer bigint PRIMARY KEY REFERENCES hipsync.wearers ON DELETE CASCADE,
    name text NOT NULL DEFAULT 'hipsync_' || replace(gen_random_uuid()::text, '-', ''),
    last bigint NOT NULL DEFAULT 0      -- the number of the newest message
);

CREATE TABLE hipsync.messages (
    wearer bigint NOT NULL REFERENCES hipsync.channels ON DELETE CASCADE,
    number bigint NOT NULL,
    topic text NOT NULL CHECK (length(topic) BETWEEN 1 AND 200),
    payload bytea NOT NULL CHECK (octet_length(payload) <= 131072),
    kept boolean NOT NULL,              -- for those who come later; of one topic there is one
    expires timestamptz NOT NULL,
    PRIMARY KEY (wearer, number)
);
CREATE UNIQUE INDEX ON hipsync.messages (wearer, topic) WHERE kept;
CREATE INDEX ON hipsync.messages (wearer, expires);

ALTER TABLE hipsync.computers ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.channels ENABLE ROW LEVEL SECURITY;
ALTER TABLE hipsync.messages ENABLE ROW LEVEL SECURITY;

-- The wearer whose computer asks.
CREATE FUNCTION hipsync.own_wearer() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_ CONSTANT bigint := (SELECT wearer FROM hipsync.computers WHERE login = session_user);
BEGIN
    IF found_ IS NULL THEN
        RAISE EXCEPTION '%', session_user USING ERRCODE = 'HS004';
    END IF;
    RETURN found_;
END $$;

-- Whether a topic is one of a filter, in which `+` stands for any one word.
CREATE FUNCTION hipsync.is_of(topic text, filter text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT NOT EXISTS (
        SELECT FROM unnest(string_to_array(topic, '/'), string_to_array(filter, '/')) AS x (word, wanted)
        WHERE word IS NULL OR wanted IS NULL OR (wanted <> '+' AND wanted <> word)
    )
$$;

-- Where to listen, and the number of the newest message.
CREATE FUNCTION hipsync.attend(OUT name text, OUT last bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wearer_ CONSTANT bigint := hipsync.own_wearer();
BEGIN
    INSERT INTO hipsync.channels (wearer) VALUES (wearer_) ON CONFLICT DO NOTHING;
    SELECT c.name, c.last INTO name, last FROM hipsync.channels AS c WHERE c.wearer = wearer_;
END $$;

-- Say something. What is kept takes the place of what was kept at the topic; an empty message only takes it away. A
-- message that is not kept is there for a minute, for those who are just asking.
CREATE FUNCTION hipsync.say(topic_ text, payload_ bytea, keep_ boolean, seconds_ integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wearer_ CONSTANT bigint := hipsync.own_wearer();
    kept_ CONSTANT boolean := keep_ AND payload_ <> '';
    number_ bigint;
    name_ text;
    now_ timestamptz;
BEGIN
    UPDATE hipsync.channels SET last = last + 1 WHERE wearer = wearer_ RETURNING last, name INTO number_, name_;
    now_ := clock_timestamp();          -- not before: it may have waited for the lock
    DELETE FROM hipsync.messages WHERE wearer = wearer_ AND expires <= now_;
    IF keep_ THEN
        DELETE FROM hipsync.messages WHERE wearer = wearer_ AND topic = topic_ AND kept;
    END IF;
    INSERT INTO hipsync.messages VALUES (wearer_, number_, topic_, payload_, kept_, CASE
        WHEN kept_ AND seconds_ IS NULL THEN 'infinity'
        WHEN kept_ THEN now_ + make_interval(secs => seconds_)
        ELSE now_ + make_interval(secs => least(coalesce(seconds_, 60), 60)) END);
    PERFORM pg_notify(name_, '');
END $$;

-- The messages after a number, of any of these filters; with `kept_`, those that are kept there, whatever their number.
CREATE FUNCTION hipsync.hear(after_ bigint, filters text[], kept_ boolean)
RETURNS TABLE (number bigint, topic text, payload bytea, kept boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.number, m.topic, m.payload, m.kept FROM hipsync.messages AS m
    WHERE m.wearer = hipsync.own_wearer() AND m.expires > clock_timestamp()
        AND CASE WHEN kept_ THEN m.kept ELSE m.number > after_ END
        AND EXISTS (SELECT FROM unnest(filters) AS f    -- the first is quick, and lets through too much at most
            WHERE m.topic LIKE replace(f, '+', '%') AND hipsync.is_of(m.topic, f))
    ORDER BY m.number
$$;

REVOKE ALL ON FUNCTION hipsync.own_wearer, hipsync.is_of, hipsync.attend, hipsync.say, hipsync.hear FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hipsync.attend, hipsync.say, hipsync.hear TO hipsync_gateway;
