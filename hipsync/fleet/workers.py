"""Several processes that judge at once, each with a connection of its own.

They share nothing but Postgres, so that it does not matter if one of them is killed: what it had not finished, the
process that started them does in the end.
"""

from __future__ import annotations

import logging
from datetime import datetime
from multiprocessing import get_context

from hipsync.fleet.database import connected
from hipsync.fleet.judging import judge
from hipsync.fleet.queue import Queue

log = logging.getLogger(__name__)

MOST = 64
"""The most processes; Postgres allows a hundred connections unless it is told otherwise."""


def judge_by(conninfo: str, processes: int, now: datetime) -> None:
    """Judge all days that are dirty at `now` by so many processes, of which this is one. Raises `FleetError`."""
    others = [_SPAWN.Process(target=_work, args=(conninfo, now), daemon=True) for _ in range(processes - 1)]
    for other in others:
        other.start()
    try:
        _work(conninfo, now)
        for other in others:
            other.join()
    finally:
        for other in others:
            other.kill()
    if any(other.exitcode for other in others):
        log.warning("a process that judged ended before its time; what it had not finished is judged now")
        _work(conninfo, now)


_SPAWN = get_context("spawn")


def _work(conninfo: str, now: datetime) -> None:
    with connected(conninfo) as database:
        judge(Queue(database), now)
