"""What the families share: the parts of simulated bands, and of drivers that hear a running total."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import hipsync_devices
from bench import repeated
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Counter, Epoch
from hipsync.registry import drivers, simulator
from hipsync.simulated import HangUp, Notification, Refused
from hipsync.testing import DirectConnection, conversation, run
from hipsync_devices.infinitime import packets
from hipsync_devices.live_counter import BURST, burst, notifications, worth_storing
from hipsync_devices.simulator import (
    READ_NOT_PERMITTED,
    WRITE_NOT_PERMITTED,
    Client,
    Event,
    Faults,
    Time,
    WallClock,
    minutes,
    shares,
    walk,
)

FOLDER = Path(hipsync_devices.__file__).parent
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_a_shared_file_sees_no_family(file: Path) -> None:
    families = {folder.name for folder in FOLDER.iterdir() if folder.is_dir()}
    imported = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [
        name
        for node in imported
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        if families & set(name.split("."))
    ]


PORT = ("advertisement", "services", "connected", "disconnected", "on_subscribe", "read", "write", "advance", "wake_at")


@pytest.mark.parametrize("key", sorted(drivers()))
def test_what_a_band_answers_can_be_overridden(key: str) -> None:
    """A test makes a band that misbehaves by overriding a method; an attribute of the same name would win over it."""
    band = simulator(key)([], now=NINE, zone=BERLIN, secret=None)
    assert [name for name in PORT if name in vars(band)] == []


class TestRepeatedLines:
    def test_the_simulated_bands_repeat_few(self) -> None:
        """Under 60 for the eight families of today: what repeats is the head of a constructor, and little more."""
        found = repeated.repeated(repeated.sources())
        assert 0 < sum(map(len, found.values())) < 60 / 8 * len({source.family for source in found})

    def test_a_run_of_four_lines_in_two_families_counts_whatever_stands_between(self, tmp_path: Path) -> None:
        four = '"""Head."""\nimport os\na = 1\n# why\nb = 2\n\n    # deeper\nc = 3  # what\nd = 4\n'
        for family, text in {
            "one": f"{four}e = 5\n",
            "two": f"x = 0\n{four}",
            "three": "a = 1\nb = 2\nc = 3\n",
        }.items():
            (tmp_path / family).mkdir()
            (tmp_path / family / "sim.py").write_text(text)
        found = repeated.repeated(repeated.sources(tmp_path))
        assert {source.family: sorted(found[source]) for source in found} == {
            "one": [0, 1, 2, 3],
            "two": [1, 2, 3, 4],
            "three": [],
        }

    def test_lines_twice_in_one_family_do_not_count(self, tmp_path: Path) -> None:
        (tmp_path / "one").mkdir()
        for name in ("sim.py", "sim_more.py"):
            (tmp_path / "one" / name).write_text("a = 1\nb = 2\nc = 3\nd = 4\n")
        assert [len(lines) for lines in repeated.repeated(repeated.sources(tmp_path)).values()] == [0, 0]


class TestTime:
    def test_what_comes_happens_in_order_and_may_bring_more(self) -> None:
        happened: list[tuple[str, datetime]] = []
        coming: list[Event] = []

        def happens(name: str, *then: Event) -> Event:
            def happen() -> None:
                happened.append((name, time.now))
                coming.remove(event)
                coming.extend(then)

            event = (NINE + (int(name[1:]) * SECOND), happen)
            return event

        time = Time(NINE, lambda: coming)
        coming += [happens("b3"), happens("a1", happens("c2")), happens("d3"), happens("e9")]
        time.pass_until(NINE + 5 * SECOND)
        assert [name for name, _ in happened] == ["a1", "c2", "b3", "d3"]
        assert [at for _, at in happened] == [NINE + number * SECOND for number in (1, 2, 3, 3)]
        assert (time.now, time.next_at()) == (NINE + 5 * SECOND, NINE + 9 * SECOND)

    def test_time_never_goes_back(self) -> None:
        time = Time(NINE, tuple[Event, ...])
        time.pass_until(NINE - SECOND)
        assert (time.now, time.next_at()) == (NINE, None)


class TestWallClock:
    def test_it_stays_on_the_offset_that_it_was_set_to(self) -> None:
        march = datetime(2026, 3, 28, 9, tzinfo=UTC)
        time = Time(march, tuple[Event, ...])
        clock = WallClock(time, {"now": march, "zone": BERLIN, "clock_error": SECOND})
        time.pass_until(march + timedelta(days=1))
        assert str(clock()) == "2026-03-29 10:00:01"  # summer time has begun: it is 11:00 there
        assert str(clock(march)) == "2026-03-28 10:00:01"
        clock.set(datetime(2000, 1, 1))  # noqa: DTZ001  a wall clock
        assert str(clock()) == "2000-01-01 00:00:00"
        assert clock.instant(datetime(2000, 1, 2)) == march + timedelta(days=2)  # noqa: DTZ001


def connected(*subscribed: str) -> Client:
    time = Time(NINE, tuple[Event, ...])
    client = Client(time, time.pass_until, lambda: {"2a19": b"\x40"})
    client.connected(NINE)
    for characteristic in subscribed:
        client.on_subscribe(characteristic, True, NINE)
    return client


class TestClient:
    def test_only_what_is_subscribed_to_is_sent(self) -> None:
        client = connected("2a37")
        client.send("2a37", b"\1")
        client.send("2a53", b"\2")
        client.on_subscribe("2a37", False, NINE)
        client.send("2a37", b"\3")
        assert client.advance(NINE) == [Notification("2a37", b"\1")]
        assert client.advance(NINE) == []

    def test_an_answer_may_take_its_time(self) -> None:
        client = connected("2a37")
        client.send("2a37", b"\1", after=2 * SECOND)
        assert client.wake_at() == NINE + 2 * SECOND
        assert client.advance(NINE + SECOND) == []
        assert client.advance(NINE + 2 * SECOND) == [Notification("2a37", b"\1")]

    @pytest.mark.parametrize(
        ("faults", "sent"),
        [
            (Faults(), "0123"),
            (Faults(lose={1, 3}), "02"),
            (Faults(double={2}), "01223"),
            (Faults(stall_at=2), "01"),
            (Faults(hang_up_at=2), "01.3"),  # the server ends the link at that point
        ],
    )
    def test_faults_go_by_the_number_of_the_notification(self, faults: Faults, sent: str) -> None:
        client = connected("2a37")
        for number in range(4):
            client.send("2a37", str(number).encode(), faults=faults)
        events: Sequence[Notification | HangUp] = client.advance(NINE)
        assert "".join("." if isinstance(each, HangUp) else each.data.decode() for each in events) == sent

    def test_what_cannot_be_read_or_written_is_refused_by_name(self) -> None:
        client = connected()
        assert client.read("2a19", "180f", NINE) == b"\x40"
        with pytest.raises(Refused) as read:
            client.read("2a37", "180d", NINE)
        with pytest.raises(Refused) as write:
            client.write("2a19", "180f", b"", NINE)
        assert (read.value.code, write.value.code) == (READ_NOT_PERMITTED, WRITE_NOT_PERMITTED)

    def test_a_new_connection_knows_nothing_of_the_one_before(self) -> None:
        client = connected("2a37")
        client.send("2a37", b"\1")
        client.disconnected(NINE)
        client.connected(NINE)
        assert (client.advance(NINE), client.subscribed, client.sent) == ([], set(), 0)


class TestWearer:
    def test_steps_are_spread_over_an_epoch_and_the_last_are_at_its_end(self) -> None:
        steps = walk([Epoch(NINE + MINUTE, MINUTE, 0), Epoch(NINE, MINUTE, 40)])
        assert sum(count for _, count in steps) == 40
        assert steps[-1].at == NINE + MINUTE
        assert {count for _, count in steps} == {1, 2}

    def test_shares_add_up(self) -> None:
        assert shares(10, 4) == [2, 3, 2, 3]
        assert shares(0, 3) == [0, 0, 0]
        assert shares(5, 0) == []

    def test_a_longer_epoch_is_still_minutes_and_one_with_its_steps(self) -> None:
        lived = minutes([Epoch(NINE + MINUTE, 2 * MINUTE, 7), Epoch(NINE, MINUTE, 1)])
        assert [(each.start, each.steps) for each in lived] == [
            (NINE, 1),
            (NINE + MINUTE, 0),
            (NINE + 2 * MINUTE, 7),
        ]


class TestLiveCounter:
    def test_a_total_is_stored_at_the_end_and_before_it_falls(self) -> None:
        counters = [Counter(NINE + number * SECOND, steps) for number, steps in enumerate([5, 9, 2, 2, 4])]
        assert [each.steps for each in worth_storing(counters)] == [9, 4]
        assert worth_storing([]) == []

    @pytest.mark.parametrize(("at_s", "together"), [([3, 12, 14], [3, 12]), ([8, 17.9, 18.1], [8, 17.9])])
    def test_a_burst_lasts_ten_seconds_from_its_first_report(self, at_s: list[float], together: list[float]) -> None:
        assert timedelta(seconds=10) == BURST
        assert run(lambda clock: burst_of(clock, at_s), NINE) == (together, at_s[0] + 10)

    def test_a_lost_link_ends_a_burst_and_loses_no_report(self) -> None:
        assert run(lambda clock: burst_of(clock, [3, 5, 8], lost_at_s=7), NINE) == ([3, 5], 7)


async def burst_of(clock: FastClock, at_s: list[float], lost_at_s: float = 60) -> tuple[list[float], float]:
    """Return when the reports of a burst came, and when it ended; all in seconds after nine o'clock."""
    band = simulator("infinitime")([], now=NINE, zone=BERLIN, secret=None)
    connection = DirectConnection(band, clock.now)
    link = conversation(connection, clock).view()
    await link.subscribe(packets.STEPS)
    for each in at_s:
        asyncio.get_running_loop().call_later(each, connection.flood, bytes(4))
    asyncio.get_running_loop().call_later(lost_at_s, connection.drop)
    reports = await burst(link, notifications(link, packets.STEPS), NINE + timedelta(minutes=1))
    connection.drop()
    return [(each.at - NINE).total_seconds() for each in reports], (clock.now() - NINE).total_seconds()
