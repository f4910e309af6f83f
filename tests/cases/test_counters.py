"""Counters that are not cleared at midnight, that start again, or that say what nobody can walk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from cases.kit import DAY, HOUR, MOST_A_MINUTE, life
from hipsync.conversation.session import collect, meet
from hipsync.core.timeline import AWAKE, MISSING, Source, Timeline, minute_of, timeline
from hipsync.driver import Session
from hipsync.errors import MalformedPacket
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Counter, Epoch
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.colmi import DRIVER as COLMI
from hipsync_devices.colmi import packets as colmi
from hipsync_devices.colmi.sim import ColmiRing
from hipsync_devices.huami.packets import RealtimeSteps
from hipsync_devices.infinitime import packets as infinitime
from hipsync_devices.moyoung.packets import Today

LONDON = ZoneInfo("Europe/London")
EVE, TODAY = "2026-01-05", "2026-01-06"


def at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=LONDON).astimezone(UTC)


def today(drawing: str) -> Timeline:
    """Return the timeline of 6 January in London, from a drawing such as `eve 22:00 9000, 00:10 9000, 07:00 0`."""
    counters: list[Counter] = []
    for reading in drawing.split(","):
        *eve, clock, steps = reading.split()
        counters.append(Counter(at(EVE if eve else TODAY, clock), int(steps)))
    midnight = at(TODAY, "00:00")
    return timeline([Source([], counters)], minute_of(midnight), minute_of(midnight + DAY), LONDON)


def walked(line: Timeline) -> int:
    return sum(line.steps) + sum(steps for _, steps in line.unplaced)


class Row(NamedTuple):
    """A day of a counter's readings, and the right number of steps for that day."""

    name: str
    drawing: str
    right: int


BEGUN = "eve 23:55 9000, 00:05 0"

DAYS = [
    Row(
        "host off 22:00 to 00:10, cleared at 07:00 (InfiniTime #1270)",
        "eve 22:00 9000, 00:10 9000, 07:00 0, 07:10 300",
        300,
    ),
    Row(
        "host off 22:00 to 07:00, then cleared (InfiniTime #1270)",
        "eve 22:00 9000, 07:00 9003, 07:01 0, 07:11 300",
        300,
    ),
    Row("host on, cleared a minute late", "eve 23:59 9000, 00:01 9000, 00:02 0, 00:12 200", 200),
    Row(
        "host on, cleared at 07:00, 40 steps in between",
        "eve 23:59 9000, 00:01 9000, 03:00 9040, 07:00 0, 07:10 300",
        340,
    ),
    Row(
        "never cleared, host off in the night (BangleApps #1216)",
        "eve 22:00 6553, 09:00 7327, 12:49 7389",
        836,
    ),
    Row("never cleared, host on all night (BangleApps #1216)", "eve 23:55 6553, 00:05 6553, 00:15 6560", 7),
    Row("restart at noon (InfiniTime #2293)", "11:50 4000, 11:55 4050, 12:05 10, 12:15 110", 4160),
    Row("one wrong high reading, then right again", "11:50 4000, 11:55 65535, 12:00 4010, 12:05 4020", 4020),
    Row("-1 as an unsigned number, once", "11:50 4000, 11:55 4294967295, 12:00 4010", 4010),
    Row("one wrong high reading", f"{BEGUN}, 11:50 4000, 11:55 65535, 12:00 4010, 12:05 4020", 4020),
    Row("-1 once", f"{BEGUN}, 11:50 4000, 11:55 4294967295, 12:00 4010", 4010),
    Row("wrong three times", f"{BEGUN}, 11:50 4000, 11:55 65535, 11:56 65535, 11:58 65535, 12:05 4020", 4020),
    Row("wrong at night, seen after midnight", "eve 23:50 9000, eve 23:55 65535, 00:05 10, 00:15 20", 20),
    Row("0 once, then right again", f"{BEGUN}, 11:50 4000, 11:55 0, 12:00 4010, 12:05 4020", 4010),
    Row("a sprint of five minutes", f"{BEGUN}, 11:50 4000, 11:55 5500", 5500),
    Row(
        "flight to New York, watch set at landing",
        "11:00 4000, 20:00 4600, 20:10 4700",
        4700,
    ),
]


@pytest.mark.parametrize("row", DAYS, ids=[row.name for row in DAYS])
def test_the_steps_of_a_day_are_those_that_were_walked_in_it(row: Row) -> None:
    """InfiniTime #1270: after midnight the watch still sends yesterday's total, until it is woken. InfiniTime #2293: a
    restart clears it; InfiniTime #787. BangleApps #1216: a counter that is not cleared at midnight at all."""
    assert walked(today(row.drawing)) == row.right


def no_steps(decode: Callable[[], int]) -> int | None:
    """Return the count that a live driver would take; None if the packet is refused."""
    try:
        return decode()
    except MalformedPacket:
        return None


def test_the_time_around_a_wrong_count_is_unknown() -> None:
    line = today(f"{BEGUN}, 11:50 4000, 11:55 65535, 12:00 4010, 12:05 4020")
    codes = {clock: line.code[minute_of(at(TODAY, clock)) - line.first] for clock in ("11:52", "11:57", "12:02")}
    assert codes == {"11:52": MISSING, "11:57": MISSING, "12:02": AWAKE}


@pytest.mark.parametrize(
    "decode",
    [
        pytest.param(lambda: infinitime.steps((2**29 + 6000).to_bytes(4, "little")), id="infinitime 2^29 + 6000"),
        pytest.param(lambda: infinitime.steps(b"\xff" * 4), id="infinitime -1"),
        pytest.param(lambda: RealtimeSteps.decode(b"\x0c" + b"\xff" * 12).steps, id="huami -1"),
        pytest.param(lambda: colmi.Totals.decode(b"\xff" * 14).steps, id="colmi -1"),
        pytest.param(lambda: Today.decode(b"\xff" * 9).steps, id="moyoung -1"),
    ],
)
def test_an_impossible_count_between_two_true_ones_adds_no_steps_and_leaves_its_time_unknown(
    decode: Callable[[], int],
) -> None:
    """InfiniTime #1789 (2^29), BangleApps #985 (2,000 km), Gadgetbridge #91 (-1)."""
    count = no_steps(decode)
    wrong = "" if count is None else f"11:55 {count},"
    line = today(f"eve 23:55 9000, 00:05 0, 11:40 4000, {wrong} 12:10 4010, 12:15 4020")
    assert walked(line) == 4020
    assert line.code[minute_of(at(TODAY, "11:52")) - line.first] == MISSING


def test_a_counter_that_jumps_and_stays_high_counts_what_is_walked_before_and_after() -> None:
    """InfiniTime #1789: the counter jumps by 2^29, and goes on from there."""
    jump = 2**29
    line = today(f"eve 23:55 9000, 00:05 0, 11:50 4000, 11:55 {jump + 4000}, 12:00 {jump + 4010}")
    assert walked(line) == 4010
    assert line.code[minute_of(at(TODAY, "11:52")) - line.first] == MISSING


def test_an_hour_of_a_ring_that_holds_more_than_anybody_walks_is_not_stored() -> None:
    """BangleApps #985 and Gadgetbridge #91 in the form of a Colmi ring: FFFF for the steps of one hour."""
    start = datetime(2026, 3, 2, 9, 0, 20, tzinfo=UTC)
    spoilt: list[bytes] = []

    def spoil(data: bytes) -> list[bytes]:
        record = data[0] == colmi.STEPS and data[1] not in {colmi.NOTHING, colmi.HEADER}
        if not record or spoilt:
            return [data]
        spoilt.append(data)
        return [colmi.Frame(colmi.STEPS, data[1:9] + b"\xff\xff" + data[11:15]).encode()]

    async def story(clock: FastClock) -> list[Epoch]:
        ring = ColmiRing(
            life(start.replace(second=0) - 6 * HOUR, 8 * HOUR, lambda i: 60 if i % 20 < 5 else 0),
            now=start,
            zone=ZoneInfo("UTC"),
        )
        connection, kept = DirectConnection(ring, clock.now), MemoryStore()
        connection.spoil = spoil
        talk = conversation(connection, clock)
        await meet(COLMI, talk, Session(), kept.commit)
        await collect(COLMI, talk, Session(), kept.commit)
        connection.drop()
        return kept.of(Epoch)

    hours = run(story, start)
    assert spoilt, "the ring told no hour"
    assert 900 in {hour.steps for hour in hours}, "the other hours are stored as they were"
    assert [hour for hour in hours if hour.steps > hour.length // MINUTE * MOST_A_MINUTE] == []
