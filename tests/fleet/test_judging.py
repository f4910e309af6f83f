"""A wearer's days in Postgres are those that hipsync judges at home, however and in whatever order they came there."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from psycopg import sql

from hipsync.core.days import Zones
from hipsync.errors import FleetError
from hipsync.fleet.database import connected
from hipsync.fleet.judging import Told, judge, rule_of
from hipsync.fleet.queue import Queue
from hipsync.fleet.shipping import ship
from hipsync.fleet.wearers import add_wearer, change_wearer, hand, take_back
from hipsync.fleet.workers import judge_by
from hipsync.history.day_codec import decoded
from hipsync.history.summaries import JUDGED_AS, judged_days
from hipsync.model import MINUTE, Charge, Counter, Epoch, Posture, Reading, State, Wear, Workout, WorkoutKind
from hipsync.store import Store
from support.builders import MONDAY
from support.postgres import Postgres

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONDON = "Europe/London"
NOW = MONDAY + 60 * DAY
"""When all days are judged; long after them, so that they are over."""
Days = Mapping[date, Any]


def local(**bands: Sequence[Reading]) -> Store:
    """A gateway's database, with a band of an address for each name and what it reported."""
    store = Store.in_memory()
    for number, (name, readings) in enumerate(bands.items()):
        address = f"C0:00:00:00:00:{number:02X}"
        says = number == 0  # so that both kinds of bands are there: one says when it is worn
        band = store.add_band(name=name, driver="huami", now=MONDAY, address=address, vouches=says, reports_wear=says)
        store.append(band.id, readings)
    return store


def marks(fleet: Postgres) -> list[str]:
    """The marks of all bands there, in the order in which a gateway has them that heard them all."""
    from hipsync.store.identities import mark_of

    known = [mark_of("huami", f"C0:00:00:00:00:{number:02X}") for number in range(8)]
    with fleet.owner() as db:
        there = {mark for (mark,) in db.execute("SELECT mark FROM hipsync.bands")}
    return [mark for mark in known if mark in there]


def shipped(fleet: Postgres, store: Store) -> None:
    with connected(fleet.dsn("ward_1")) as database:
        ship(store, database, datetime.now(UTC))  # noqa: TID251  the server's clock is this computer's


def judged(fleet: Postgres, now: datetime = NOW, login: str = "judge") -> Told:
    with connected(fleet.dsn(login)) as database:
        return judge(Queue(database), now)


def days_there(fleet: Postgres, pseudonym: str = "P-1") -> Days:
    """Each judged day of a wearer, without the numbers of its bands, which are of that database."""
    with fleet.owner() as db:
        rows = db.execute(
            "SELECT day, start, until, kinds, facts FROM hipsync.judged JOIN hipsync.wearers ON id = wearer"
            " WHERE pseudonym = %s",
            [pseudonym],
        ).fetchall()
    return {day: (start.astimezone(UTC), until.astimezone(UTC), *_known(kinds, facts))
            for day, start, until, kinds, facts in rows}  # fmt: skip


def _known(kinds: bytes, facts: str) -> tuple[Any, list[int]]:
    day, bands = decoded(kinds, facts)
    return day, [minutes for _, minutes in bands]


def days_here(store: Store, zone: str = LONDON, now: datetime = NOW, limit_minutes: int = 60) -> Days:
    """The same of a wearer whose bands are all those of a database: each day of which anything is known."""
    zones = Zones([], zone)
    first = zones.date_of(MONDAY - DAY)
    spans = [zones.day(first + at * DAY) for at in range(40)]
    return {
        each.span.date: (each.span.start, each.span.end, each.judged._replace(running=None),
                         [minutes for _, minutes in each.bands])
        for each in judged_days(store, rule_of(limit_minutes), zones, [s for s in spans if s.start < now], now)
        if each.judged.complete_until is not None
    }  # fmt: skip


def seeds(few: Iterable[int], more: Iterable[int]) -> list[Any]:
    """A few seeds for the default tests, and more for `--long`."""
    return [*few, *(pytest.param(seed, marks=pytest.mark.long) for seed in more)]


@pytest.fixture
def people(fleet: Postgres) -> Postgres:
    """A fleet with a login that may judge, and two wearers in London."""
    with fleet.owner() as db:
        db.execute("DO $$ BEGIN CREATE ROLE judge LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        db.execute("GRANT hipsync_judge TO judge")
    with connected(fleet.dsn()) as database:
        for pseudonym in ("P-1", "P-2"):
            add_wearer(database, pseudonym, LONDON, 60, None)
    return fleet


def handed(fleet: Postgres, pseudonym: str = "P-1", since: datetime = MONDAY - 30 * DAY) -> None:
    """All bands that are there belong to a wearer from an instant on."""
    with connected(fleet.dsn()) as database:
        for mark in marks(fleet):
            hand(database, mark, pseudonym, since, None)


def noisy(noise: random.Random, days: int) -> list[Reading]:
    """Readings of all kinds as no band sends them together, with gaps, and long stretches."""
    found: list[Reading] = []
    at = MONDAY + noise.randrange(1440) * MINUTE
    total = 0
    while at < MONDAY + days * DAY:
        length = noise.choice([1, 1, 1, 1, 15, 60, 600])
        for _ in range(noise.randrange(1, 400)):
            if at >= MONDAY + days * DAY:
                break
            steps = noise.choice([0, 0, 0, 0, noise.randrange(1, 90)])
            state = noise.choice([None, None, None, State.SITTING, State.ASLEEP, State.NOT_WORN])
            posture = noise.choice([None, None, None, Posture.UPRIGHT])
            heart = noise.choice([None, None, noise.randrange(50, 90)])
            found.append(Epoch(at, length * MINUTE, min(steps, length * 90), heart_rate=heart, state=state,
                               posture=posture, inferred=noise.random() < 0.01))  # fmt: skip
            total += steps
            if noise.random() < 0.05:
                found.append(Counter(at + noise.randrange(60) * timedelta(seconds=1), total))
            if noise.random() < 0.01:
                found.append(Wear(at, worn=noise.random() < 0.6))
            if noise.random() < 0.003:
                found.append(Workout(noise.choice(list(WorkoutKind)), at, at + noise.randrange(5, 200) * MINUTE))
            at += length * MINUTE
        at += noise.randrange(0, 3000) * MINUTE
    return [*found, Charge(MONDAY, 50)]


def busy(days: int) -> list[Reading]:
    """A minute after the other with a walk each two hours, quarters of an hour, a counter, changes of wear."""
    found: list[Reading] = []
    for at in range(days * 1440):
        start, walks = MONDAY + at * MINUTE, at % 120 < 7
        found.append(Epoch(start, MINUTE, 80 if walks else 0, heart_rate=70 if at % 5 == 0 else None))
        if at % 15 == 0:
            found.append(Epoch(start, 15 * MINUTE, 3))
        if at % 200 == 0:
            found += [Counter(start, at * 5), Wear(start, worn=at % 1400 != 0)]
    return found


def sparse(noise: random.Random, days: int) -> list[Reading]:
    """A counter that is read seldom, changes of wear that are days apart, and minutes now and then."""
    found: list[Reading] = [Charge(MONDAY, 50)]
    at, total = MONDAY, 0
    while at < MONDAY + days * DAY:
        kind = noise.randrange(4)
        if kind == 0:
            total = noise.choice([total, total + noise.randrange(3000), noise.randrange(500)])
            found.append(Counter(at, total))
        elif kind == 1:
            found.append(Wear(at, worn=noise.random() < 0.5))
        else:
            found += [Epoch(at + number * MINUTE, MINUTE, 0) for number in range(noise.randrange(300))]
        at += noise.choice([10 * MINUTE, HOUR, 12 * HOUR, 40 * HOUR])
    return found


@pytest.mark.parametrize("seed", seeds(range(4), range(4, 16)))
def test_days_of_any_readings_are_those_judged_at_home(people: Postgres, seed: int) -> None:
    noise = random.Random(seed)
    with local(one=noisy(noise, 24), other=noisy(noise, 12)) as store:
        shipped(people, store)
        handed(people)
        assert judged(people).days > 0
        assert days_there(people) == days_here(store)


@pytest.mark.parametrize("seed", seeds(range(4), range(4, 16)))
def test_what_comes_late_is_judged_anew_where_it_matters(people: Postgres, seed: int) -> None:
    """The bands are handed out first, and then readings come in any order, with judging in between."""
    noise = random.Random(100 + seed)
    readings = {name: noisy(noise, 20) for name in ("one", "other")}
    with local(one=readings["one"][:1], other=readings["other"][:1]) as store:
        shipped(people, store)
        handed(people)
        parts = [(band, readings[band.name][at : at + 300]) for band in store.bands() for at in range(0, 9000, 300)]
        noise.shuffle(parts)
        for band, part in parts:
            store.append(band.id, part)
            if noise.random() < 0.4:
                shipped(people, store)
            if noise.random() < 0.3:
                judged(people)
        shipped(people, store)
        judged(people)
        assert days_there(people) == days_here(store)
        assert judged(people) == Told(0, 0)


@pytest.mark.parametrize("seed", seeds((2, 8, 13, 14, 19), range(20, 60)))
def test_a_counter_or_a_change_of_wear_that_comes_late_is_judged_anew_days_off(people: Postgres, seed: int) -> None:
    noise = random.Random(seed)
    readings = sparse(noise, 20)
    seldom = [each for each in readings if isinstance(each, Counter | Wear)]
    late = noise.sample(seldom, min(3, len(seldom)))
    with local(one=[each for each in readings if each not in late]) as store:
        shipped(people, store)
        handed(people)
        judged(people)
        for reading in late:
            store.append(store.bands()[0].id, [reading])
            shipped(people, store)
            judged(people)
            assert days_there(people) == days_here(store)


def test_what_was_told_long_before_holds_still(people: Postgres) -> None:
    """A band that was taken off, and whose minutes come a month later, is not worn; its counter goes on."""
    later = MONDAY + 30 * DAY
    minutes = [Epoch(later + at * MINUTE, MINUTE, 0) for at in range(600)]
    with local(one=[Wear(MONDAY, worn=False), Counter(MONDAY, 100), *minutes, Counter(later + HOUR, 100)]) as store:
        shipped(people, store)
        handed(people)
        judged(people)
        assert days_there(people) == days_here(store)
    with people.owner() as db:
        found = db.execute("SELECT not_worn, sitting FROM hipsync.judged WHERE day = %s", [later.date()]).fetchone()
    assert found == (600, 0)


def test_a_band_that_changes_hands_belongs_to_whom_it_was_handed(people: Postgres) -> None:
    """What lies across the hour of the change is nobody's, and what the counter grew meanwhile neither."""
    change = MONDAY + 2 * DAY + 10 * HOUR + 7 * MINUTE
    readings = busy(5)
    with local(one=readings) as store:
        shipped(people, store)
        handed(people)
        judged(people)
        with connected(people.dsn()) as database:
            assert hand(database, marks(people)[0], "P-2", change, None).before == "P-1"
        judged(people)

    def between(since: datetime, until: datetime) -> list[Reading]:
        return [each for each in readings if since <= _start(each) < until and _end(each) <= until]

    for pseudonym, kept in (("P-1", between(MONDAY, change)), ("P-2", between(change, NOW))):
        with local(one=kept) as own:
            assert days_there(people, pseudonym) == days_here(own), pseudonym
            assert days_here(own)


def _start(reading: Reading) -> datetime:
    return reading.start if isinstance(reading, Epoch | Workout) else getattr(reading, "at")  # noqa: B009


def _end(reading: Reading) -> datetime:
    return reading.end if isinstance(reading, Epoch | Workout) else _start(reading)


def test_a_band_that_is_taken_back_and_a_wearer_who_never_had_it(people: Postgres) -> None:
    with local(one=busy(4)) as store:
        shipped(people, store)
        handed(people)
        judged(people)
        assert days_there(people)
        with connected(people.dsn()) as database:
            take_back(database, marks(people)[0], MONDAY - 40 * DAY)
        judged(people)
    assert (days_there(people), days_there(people, "P-2")) == ({}, {})


@pytest.mark.parametrize(("values", "zone", "limit"), [
    ({"zone": "Asia/Kolkata"}, "Asia/Kolkata", 60),
    ({"limit_minutes": 45}, LONDON, 45),
    ({"zone": "America/St_Johns", "limit_minutes": 90}, "America/St_Johns", 90),
])  # fmt: skip
def test_another_zone_or_limit_judges_all_days_anew(
    people: Postgres, values: dict[str, object], zone: str, limit: int
) -> None:
    with local(one=noisy(random.Random(7), 8)) as store:
        shipped(people, store)
        handed(people)
        judged(people)
        with connected(people.dsn()) as database:
            change_wearer(database, "P-1", values)
        assert judged(people).days
        assert days_there(people) == days_here(store, zone, limit_minutes=limit)


def test_days_of_an_older_program_and_a_band_that_is_known_better_are_judged_anew(people: Postgres) -> None:
    with local(one=busy(4), other=sparse(random.Random(8), 3)) as store:
        shipped(people, store)
        handed(people)
        judged(people)
        with people.owner() as db:
            db.execute("UPDATE hipsync.judged SET edition = %s", [JUDGED_AS - 1])
        with connected(people.dsn("judge")) as database:
            Queue(database).mark_outdated()
        assert judged(people).days == len(days_there(people)) > 2
        with people.owner() as db:
            assert db.execute("SELECT DISTINCT edition FROM hipsync.judged").fetchall() == [(JUDGED_AS,)]
            db.execute("UPDATE hipsync.bands SET vouches = true, reports_wear = true")
        assert judged(people).days == len(days_there(people))


def test_a_day_that_is_not_over_is_judged_again_when_it_is(people: Postgres) -> None:
    noon = MONDAY + 12 * HOUR
    with local(one=[Epoch(MONDAY + at * MINUTE, MINUTE, at % 7) for at in range(24 * 60)]) as store:
        shipped(people, store)
        handed(people)
        assert judged(people, noon).days == 1
        assert judged(people, noon + HOUR) == Told(0, 0)
        assert days_there(people) == days_here(store, now=noon)
        with people.owner() as db:
            assert db.execute("SELECT complete, unknown + sitting + up FROM hipsync.judged").fetchone() == (False, 720)
        assert judged(people, noon + 3 * DAY).days == 1
        assert days_there(people) == days_here(store, now=noon + 3 * DAY)
        with people.owner() as db:
            assert db.execute("SELECT bool_and(complete) FROM hipsync.judged").fetchone() == (True,)
            assert db.execute("SELECT count(*) FROM hipsync.dirty").fetchone() == (0,)


def test_what_is_shipped_while_days_are_judged_is_judged_too(people: Postgres) -> None:
    """Two gateways ship the halves of everything in small parts, while two others judge again and again."""
    noise = random.Random(9)
    readings = {name: noisy(noise, 10) for name in ("one", "other")}
    with local(one=readings["one"][:1], other=readings["other"][:1]) as store:
        shipped(people, store)
    handed(people)
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    judges = [context.Process(target=_judge_on, args=(people.dsn("judge"), stop), daemon=True) for _ in range(2)]
    senders = [context.Process(target=_send, args=(people.dsn(login), readings, half), daemon=True)
               for half, login in enumerate(("ward_1", "ward_2"))]  # fmt: skip
    for process in (*judges, *senders):
        process.start()
    for process in senders:
        process.join(120)
    stop.set()
    for process in judges:
        process.join(120)
    assert [process.exitcode for process in (*senders, *judges)] == [0, 0, 0, 0]
    judged(people)
    with local(**readings) as whole:
        assert days_there(people) == days_here(whole)


def _send(dsn: str, readings: Mapping[str, Sequence[Reading]], half: int) -> None:
    with local(one=readings["one"][:1], other=readings["other"][:1]) as store, connected(dsn) as database:
        for at in range(0, max(map(len, readings.values())), 200):
            for band in store.bands():
                store.append(band.id, readings[band.name][at : at + 200][half::2])
            ship(store, database, datetime.now(UTC))  # noqa: TID251


def _judge_on(dsn: str, stop: Any) -> None:
    while not stop.is_set():
        with connected(dsn) as database:
            judge(Queue(database), NOW)


@pytest.mark.ring
def test_a_process_that_is_killed_leaves_nothing_half_judged(people: Postgres) -> None:
    """Sixteen are killed at random on the way; then two end what is left, as a plain loop would have."""
    readings = [noisy(random.Random(number), 20) for number in range(4)]
    with local(**{f"band {number}": each for number, each in enumerate(readings)}) as store:
        shipped(people, store)
        for number, mark in enumerate(marks(people)):
            with connected(people.dsn()) as database:
                hand(database, mark, f"P-{1 + number % 2}", MONDAY - DAY, None)
        noise = random.Random(10)
        context = multiprocessing.get_context("spawn")
        never = context.Event()
        for _ in range(16):
            one = context.Process(target=_judge_on, args=(people.dsn("judge"), never), daemon=True)
            one.start()
            people.until_some("SELECT count(*) FROM pg_stat_activity WHERE usename = 'judge'")
            time.sleep(noise.random() * 0.2)
            os.kill(one.pid or 0, signal.SIGKILL)
            one.join()
            with people.owner() as db:  # so that there is something to do for each of them
                db.execute("UPDATE hipsync.wearers SET limit_minutes = %s", [noise.randrange(10, 240)])
        with people.owner() as db:
            db.execute("UPDATE hipsync.wearers SET limit_minutes = 60")
        judge_by(people.dsn("judge"), 2, NOW)
    for pseudonym, first in (("P-1", 0), ("P-2", 1)):
        with Store.in_memory() as kept:
            for number in (first, first + 2):
                says = number == 0
                band = kept.add_band(name=str(number), driver="huami", now=MONDAY, vouches=says, reports_wear=says)
                kept.append(band.id, readings[number])
            assert days_there(people, pseudonym) == days_here(kept), pseudonym
    with people.owner() as db:
        assert db.execute("SELECT count(*) FROM hipsync.dirty").fetchone() == (0,)


@pytest.mark.parametrize("table", ["wearers", "dirty", "band_days", "judged"])
def test_a_session_that_the_server_ends_is_one_line_and_the_next_one_goes_on(people: Postgres, table: str) -> None:
    with local(one=noisy(random.Random(11), 30)) as store:
        shipped(people, store)
        handed(people)
        with people.owner() as holder, holder.transaction(), ThreadPoolExecutor() as beside:
            holder.execute(sql.SQL("LOCK TABLE hipsync.{} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
            judging = beside.submit(judged, people)
            people.until_some(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE usename = 'judge' AND wait_event_type = 'Lock'"
            )
            with pytest.raises(FleetError, match=r"^[^\n]+$"):
                judging.result()
        judged(people)
        assert days_there(people) == days_here(store)
