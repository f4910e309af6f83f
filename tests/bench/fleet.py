"""Many wearers in one Postgres: shipping, shipping again, bytes a minute, and judging beside a plain loop.

    uv run python -m bench.fleet           1,000 wearers x 30 days: twenty minutes
    uv run python -m bench.fleet 100       fewer

The wearers are made up: still minutes, walks, nights, a heart rate now and then; fifty of them to a gateway. The floor
of judging is a loop over the same days that reads each gateway's own SQLite and stores nothing. Both are measured in
seconds of CPU, five times in turn, over the wearers of one gateway; the figure is of the medians. Then all are judged
by two processes, of which one is killed, and a digest of all days is compared with that of the loop. It is not in
`python -m bench`, because it wants Debian's Postgres.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from bench.figure import Figure, table
from hipsync.core.days import Zones
from hipsync.fleet.database import connected
from hipsync.fleet.judging import judge, rule_of
from hipsync.fleet.queue import Queue
from hipsync.fleet.shipping import ship
from hipsync.fleet.workers import judge_by
from hipsync.history.day_codec import decoded, encoded
from hipsync.history.summaries import judged_days
from hipsync.model import Band
from hipsync.store import Store
from support.postgres import Postgres, postgres

DAYS, OF_A_GATEWAY, TURNS = 30, 50, 5
KILLED_AFTER_S = 4.0
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
ZONES = Zones([], "UTC")
Digests = dict[tuple[str, str], str]
"""A digest for each day, by the mark of its band and its date."""


class OneBand:
    """A store of which only one band is seen: a wearer of many in one file."""

    def __init__(self, store: Store, band: Band) -> None:
        self._store, self._band = store, band

    def bands(self) -> list[Band]:
        return [self._band]

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def gateway(first: int, wearers: int) -> Store:
    """The database of a gateway that has heard so many wearers for `DAYS` days."""
    store = Store.in_memory()
    for number in range(first, first + wearers):
        noise = random.Random(number)
        address = f"C0:00:00:00:{number // 256:02X}:{number % 256:02X}"
        band = store.add_band(name=str(number), driver="huami", now=MONDAY, address=address)
        store.append_rows([(band.id, *minute) for minute in minutes(noise)])
    return store


def minutes(noise: random.Random) -> Iterator[tuple[int, int, int, None, int | None, int, None, None]]:
    """The minutes of a wearer as rows without the band: start, length, steps, heart rate and state."""
    begin_s, walking = int(MONDAY.timestamp()), 0
    for minute in range(DAYS * 1440):
        asleep = minute % 1440 < 7 * 60
        walking = max(walking - 1, 0) or (0 if asleep or noise.random() > 0.02 else noise.randrange(1, 12))
        steps = noise.randrange(20, 110) if walking else 0 if asleep or noise.random() < 0.9 else noise.randrange(1, 15)
        heart = 55 + noise.randrange(30) if steps or minute % 10 == 0 else None
        yield begin_s + 60 * minute, 1, steps, None, heart, 2 if asleep else 0, None, None


def loop(store: Store, now: datetime) -> Digests:
    """Judge all days of each band of a gateway, and store nothing."""
    from hipsync.fleet.band_days import shipped

    spans = [ZONES.day((MONDAY + timedelta(days=number)).date()) for number in range(DAYS)]
    found: Digests = {}
    for one in shipped(store.bands()):
        for each in judged_days(OneBand(store, one.band), rule_of(60), ZONES, spans, now):  # type: ignore[arg-type]
            columns = encoded(each.judged, each.bands)
            found[one.mark, each.span.date.isoformat()] = digest(columns.kinds, columns.facts)
    return found


def digest(kinds: bytes, facts: str) -> str:
    """Of a judged day, without the number of its band."""
    day, bands = decoded(kinds, facts)
    return hashlib.sha256(repr((day, [minutes for _, minutes in bands])).encode()).hexdigest()


def digests(db: psycopg.Connection) -> Digests:
    rows = db.execute(
        "SELECT pseudonym, day::text, kinds, facts FROM hipsync.judged JOIN hipsync.wearers ON id = wearer"
    )
    return {(mark.removeprefix("W"), day): digest(kinds, facts) for mark, day, kinds, facts in rows}


def hand_out(db: psycopg.Connection) -> None:
    """Each band gets a wearer of its own, whose pseudonym begins as its mark."""
    db.execute("INSERT INTO hipsync.wearers (pseudonym, zone) SELECT 'W' || left(mark, 60), 'UTC' FROM hipsync.bands"
               " WHERE id NOT IN (SELECT band FROM hipsync.worn)")  # fmt: skip
    db.execute("INSERT INTO hipsync.worn (band, wearer, since) SELECT b.id, w.id, '2020-01-01Z' FROM hipsync.bands AS b"
               " JOIN hipsync.wearers AS w ON w.pseudonym = 'W' || left(mark, 60)"
               " WHERE b.id NOT IN (SELECT band FROM hipsync.worn)")  # fmt: skip


def figures(server: Postgres, wearers: int) -> list[Figure]:
    new_s = again_s = 0.0
    known: Digests = {}
    one = gateway(0, min(wearers, OF_A_GATEWAY))
    now = present()
    ratio = plain_ms = worn_s = 0.0
    with closing(server.owner()) as db:
        for first in range(0, wearers, OF_A_GATEWAY):
            store = one if first == 0 else gateway(first, min(wearers - first, OF_A_GATEWAY))
            new_s += shipping_s(server, store)
            db.execute("DELETE FROM hipsync.receipts")  # so that all is sent again, as by another gateway
            again_s += shipping_s(server, store)
            hand_out(db)
            if first == 0:
                worn_s = handed_out_s(server, db, store)
                ratio, plain_ms = beside_the_loop(server, db, store, now)
            known |= loop(store, now)
            print(f"{first + OF_A_GATEWAY} wearers", file=sys.stderr)
        count, one_count = (number * DAYS * 1440 for number in (wearers, min(wearers, OF_A_GATEWAY)))
        db.execute("VACUUM FULL hipsync.band_days")
        size = db.execute("SELECT pg_total_relation_size('hipsync.band_days')").fetchone()
        assert size is not None
        judged_s = judged_by_two(server, now)
        there = {(mark[:60], day): found for (mark, day), found in digests(db).items()}
        assert there == {(mark[:60], day): found for (mark, day), found in known.items()}
    return [
        Figure(f"fleet: {wearers} wearers x {DAYS} days new, a second", count / new_s, "min"),
        Figure("fleet: the same sent again, a second", count / again_s, "min"),
        Figure("fleet: new of bands that somebody wears, a second", one_count / worn_s, "min"),
        Figure("fleet: band-days in Postgres, a minute", size[0] / count, "byte", aim=5),
        Figure("fleet: the loop, CPU a day", plain_ms, "ms"),
        Figure("fleet: judged by the queue, CPU with the server's, beside the loop", ratio, "x", aim=1.1),
        Figure("fleet: all judged by two processes, one killed; digests equal", judged_s, "s"),
    ]


def present() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the server's clock is this computer's


def shipping_s(server: Postgres, store: Store) -> float:
    began = time.perf_counter()
    with connected(server.dsn()) as database:
        ship(store, database, present())
    return time.perf_counter() - began


def handed_out_s(server: Postgres, db: psycopg.Connection, store: Store) -> float:
    """Seconds to ship what is new of bands that are handed out, so that days become dirty."""
    db.execute("DELETE FROM hipsync.receipts")
    db.execute("DELETE FROM hipsync.band_days")
    return shipping_s(server, store)


def beside_the_loop(server: Postgres, db: psycopg.Connection, store: Store, now: datetime) -> tuple[float, float]:
    """CPU seconds of judging by the queue over those of the loop, and milliseconds of the loop a day."""
    queue_s: list[float] = []
    loop_s: list[float] = []
    days = 0
    for turn in range(TURNS):
        db.execute("UPDATE hipsync.wearers SET limit_minutes = %s", [61 + turn])
        with connected(server.dsn()) as database:
            with database.transaction() as own:
                pid = own.info.backend_pid
            queue, began = Queue(database), time.process_time() + server_cpu_s(pid)
            days = judge(queue, now).days
            queue_s.append(time.process_time() + server_cpu_s(pid) - began)
        began = time.process_time()
        assert days == len(loop(store, now))
        loop_s.append(time.process_time() - began)
    db.execute("UPDATE hipsync.wearers SET limit_minutes = 60")
    plain = statistics.median(loop_s)
    return statistics.median(queue_s) / plain, plain / days * 1000


def server_cpu_s(pid: int) -> float:
    """The seconds of CPU that a process of the server has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def judged_by_two(server: Postgres, now: datetime) -> float:
    """Judge all by two processes, of which the second one is killed after a while; return the seconds."""
    began = time.perf_counter()
    threading.Thread(target=_kill_a_child, daemon=True).start()
    judge_by(server.dsn(), 2, now)
    return time.perf_counter() - began


def _kill_a_child() -> None:
    from multiprocessing import active_children

    while not active_children():
        time.sleep(0.05)
    time.sleep(KILLED_AFTER_S)
    for child in active_children():
        os.kill(child.pid or 0, signal.SIGKILL)


def main() -> None:
    wearers = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with postgres() as server:
        with connected(server.dsn()) as database:
            database.create()
        print(table(figures(server, wearers)))


if __name__ == "__main__":
    main()
