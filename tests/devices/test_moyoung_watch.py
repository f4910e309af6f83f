"""The simulated MoYoung watch: recorded bytes and conversations by hand, without the driver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.model import Epoch
from hipsync.radio.simulation.peripheral import advertising
from hipsync.simulated import HangUp, Notification, Refused
from hipsync_devices.gatt import uuid16
from hipsync_devices.moyoung.sim import Faults, MoYoungWatch
from support.builders import day

FEE1, FEE2, FEE3, FEA1, BATTERY = (uuid16(number) for number in (0xFEE1, 0xFEE2, 0xFEE3, 0xFEA1, 0x2A19))
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def worn(life: Sequence[Epoch] | str = "", now: datetime = NINE, *, zone: str = "UTC", **more: Any) -> MoYoungWatch:
    """A watch whose wearer lives as drawn from nine on, connected and subscribed to all it tells."""
    lived = (day(life, NINE) if life else []) if isinstance(life, str) else life
    band = MoYoungWatch(lived, now=now, zone=ZoneInfo(zone), **more)
    band.connected(now)
    for uuid in (FEE1, FEE3, BATTERY):
        band.on_subscribe(uuid, subscribed=True, now=now)
    return band


def told(band: MoYoungWatch, now: datetime = NINE, uuid: str = FEE3) -> list[str]:
    events = band.advance(now)
    return [event.data.hex() for event in events if isinstance(event, Notification) and event.characteristic == uuid]


def asked(band: MoYoungWatch, *pieces: str, now: datetime = NINE) -> list[str]:
    for piece in pieces:
        band.write(FEE2, "", bytes.fromhex(piece), now)
    return told(band, now)


def steps(band: MoYoungWatch, now: datetime) -> int:
    return int.from_bytes(band.read(FEE1, "", now)[:3], "little")


class TestOnTheAir:
    def test_it_advertises_as_a_fireboltt_and_all_of_it_fits(self) -> None:
        advert, response = advertising(worn().advertisement())
        # flags, FEEA, service data as recorded; maker 0xF0EF and the address, 28 bytes together
        assert advert.hex() == "0201060303eafe0a16eafe4545530304001009ffeff0c00000000001"
        assert response.hex() == "0409433230"

    def test_it_has_the_table_of_the_family(self) -> None:
        table = {
            service.uuid[4:8]: {c.uuid[4:8]: sorted(c.properties) for c in service.characteristics}
            for service in worn().services()
        }
        assert table["feea"]["fee1"] == ["notify", "read"]
        assert table["feea"]["fee2"] == ["write-without-response"]
        assert table["feea"]["fee3"] == ["notify"]
        assert table["fee7"]["fea1"] == ["notify", "read"]
        assert table["180f"]["2a19"] == ["notify", "read"]
        assert {"2a28", "2a29"} <= table["180a"].keys()

    def test_what_cannot_be_read_or_written_is_refused(self) -> None:
        with pytest.raises(Refused) as refused:
            worn().read(FEE2, "", NINE)
        assert refused.value.code == 0x02
        with pytest.raises(Refused) as refused:
            worn().write(FEE1, "", b"", NINE)
        assert refused.value.code == 0x03


class TestSteps:
    @pytest.mark.parametrize(
        ("figure", "recorded", "count"),
        [
            pytest.param({}, "220100f00000100000", 290, id="moy-fee1-290"),
            pytest.param({}, "5601001b0100130000", 342, id="moy-fee1-342"),
            # another watch, and a wearer with another stride
            pytest.param({"stride_mm": 820, "kcal_a_thousand": 46}, "0a0100da00000c0000", 266, id="moy-fee1-266"),
        ],
    )
    def test_a_walk_is_told_as_it_was_recorded(self, figure: dict[str, Any], recorded: str, count: int) -> None:
        band = worn(f"1m walk {count}", **figure)
        assert told(band, NINE + MINUTE, FEE1)[-1] == recorded
        assert band.read(FEE1, "", NINE + MINUTE).hex() == recorded
        assert band.read(FEA1, "", NINE + MINUTE).hex() == "07" + recorded

    def test_it_tells_every_two_seconds_of_a_walk_and_nothing_of_rest(self) -> None:
        band = worn("1m walk 60, 1m sit")
        assert len(told(band, NINE + MINUTE, FEE1)) == 30
        assert told(band, NINE + 2 * MINUTE, FEE1) == []

    def test_a_watch_that_never_notifies_is_only_read(self) -> None:
        band = worn("1m walk 60", notifies=False)
        assert told(band, NINE + MINUTE, FEE1) == []
        assert steps(band, NINE + MINUTE) == 60

    def test_the_count_begins_with_its_own_midnight(self) -> None:
        # in Kathmandu nine is 14:45; what was walked yesterday is over
        night = datetime(2026, 3, 2, 18, 15, tzinfo=UTC)
        life = [*day("1m walk 60", NINE), *day("1m walk 40", night - MINUTE), *day("1m walk 7", night)]
        band = worn(life, night - SECOND, zone="Asia/Kathmandu")
        assert steps(band, night - SECOND) == 60 + 38
        assert steps(band, night) == 0
        assert steps(band, night + MINUTE) == 7

    def test_a_restart_clears_the_count_and_ends_the_link(self) -> None:
        band = worn("1m walk 60, 1m walk 5")
        band.reboot(NINE + MINUTE)
        assert HangUp() in band.advance(NINE + MINUTE)
        band.connected(NINE + MINUTE)
        assert steps(band, NINE + 2 * MINUTE) == 5

    def test_the_battery_is_told_as_it_falls(self) -> None:
        assert told(worn(), NINE + 2 * HOUR, BATTERY) == ["56"]


class TestCommands:
    def test_a_goal_is_set_big_endian_and_told_little_endian_in_the_large_form(self) -> None:
        band = worn()
        assert asked(band, "feea100526") == ["feea20092610270000"]  # moy-goal-reply
        assert asked(band, "feea10091600001f40") == []
        assert asked(band, "feea100526") == ["feea200926401f0000"]  # 8000
        assert asked(band, "feea10091600002710", "feea200526") == ["feea20092610270000"]  # moy-goal-set

    def test_what_was_recorded_is_answered_as_it_was(self) -> None:
        assert asked(worn(), "feea10052e") == ["feea20062e01"]  # moy-query-2e, moy-reply-2e

    def test_the_sit_reminder_is_told_as_it_was_set(self) -> None:
        band = worn()
        assert asked(band, "feea200583") == ["feea2009833c320a16"]  # 60 minutes, 50 steps, 10 to 22 h
        assert asked(band, "feea2009733c320918", "feea200583") == ["feea2009833c320918"]  # moy-83
        assert asked(band, "feea20061d01", "feea20052d") == ["feea20062d01"]

    def test_the_clock_is_the_number_eight_hours_east(self) -> None:
        band = worn(clock_error=7 * MINUTE)
        assert band.wall_clock() == datetime(2026, 3, 2, 9, 7)  # noqa: DTZ001  a wall clock
        asked(band, "feea200a316a588cb008")  # the sheet's example
        assert band.wall_clock() == datetime(2026, 7, 16, 15, 48)  # noqa: DTZ001
        asked(band, "feea100a311234567808")  # moy-time: 22:51:36 UTC of 5 September 1979
        assert band.wall_clock() == datetime(1979, 9, 6, 6, 51, 36)  # noqa: DTZ001

    def test_it_buzzes_when_it_is_looked_for_and_shows_what_it_is_told(self) -> None:
        band = worn()
        asked(band, "feea200561")  # moy-find
        asked(band, "feea201641806a616d70734669742074696e79203431")  # moy-notify
        asked(band, "feea200641ff")  # the end of a call
        assert [shown.text for shown in band.shown] == ["", "jampsFit tiny 41"]
        band.silent = True
        asked(band, "feea200561")
        assert len(band.shown) == 2

    def test_a_command_comes_in_pieces_and_a_new_one_drops_an_unfinished_one(self) -> None:
        band = worn()
        asked(band, "feea201641806a616d7073466974", "2074696e79203431")
        asked(band, "feea201641806a616d7073466974", "feea200561")
        assert [shown.text for shown in band.shown] == ["jampsFit tiny 41", ""]

    @pytest.mark.parametrize(
        "nonsense",
        [
            "feea10063101",  # moy-frame-v1: a time of one byte
            "feea20097400000009",  # moy-frame-v2: a command it does not know
            "feea2006b205",
            "feea20055a",
            "",
            "ffff",
            "feea2004",
            "feea20065909",
            "feea20063303",
        ],
    )
    def test_what_it_does_not_understand_it_passes_over(self, nonsense: str) -> None:
        band = worn(buckets=48)
        assert asked(band, nonsense) == []
        assert band.shown == []
        assert band.wall_clock() == NINE.replace(tzinfo=None)
        assert asked(band, "feea10052e") == ["feea20062e01"]

    def test_a_watch_with_small_packets_knows_the_small_form_only(self) -> None:
        band = worn(small_only=True)
        assert asked(band, "feea20052e") == []
        assert asked(band, "feea10052e") == ["feea20062e01"]

    def test_yesterday_is_a_day_s_totals(self) -> None:
        # the sheet's example has 4321 steps, 3100 m and 170 kcal: 0.7175 m a step
        life = [Epoch(NINE - timedelta(days=1), MINUTE, 4321)]
        band = worn(life, stride_mm=718, kcal_a_thousand=40)
        band.mtu = 185
        (reply,) = asked(band, "feea20063301")
        # 4321 steps, 3102 m, 172 kcal
        assert reply == "feea200f3301e11000" + "1e0c00" + "ac0000"
        assert asked(band, "feea20063302") == ["feea200f3302" + "00" * 9]


class TestBuckets:
    def test_most_watches_do_not_know_them(self) -> None:
        assert asked(worn("1m walk 60"), "feea20065900", now=NINE + MINUTE) == []

    def test_a_day_is_two_answers_of_24_half_hours(self) -> None:
        at = NINE + HOUR + MINUTE
        band = worn("1m walk 60, 40m sit, 10m walk 30, 10m walk 10", at, buckets=48)
        band.mtu = 185
        # nine is half hour 18: 60 until 9:30; 300 and 9 times 10 until ten; 10 since
        assert asked(band, "feea20065900", now=at) == [
            "feea20365900" + "0000" * 18 + "3c00" + "8601" + "0a00" + "0000" * 3
        ]
        assert asked(band, "feea20065901", now=at) == ["feea20365901" + "0000" * 24]

    def test_or_of_12_hours(self) -> None:
        band = worn("1m walk 60, 40m sit, 10m walk 30", NINE + HOUR, buckets=24)
        band.mtu = 185
        assert asked(band, "feea20065900", now=NINE + HOUR) == ["feea201e5900" + "0000" * 9 + "6801" + "0000" * 2]

    def test_an_answer_longer_than_a_packet_comes_in_pieces_without_headers(self) -> None:
        pieces = asked(worn(buckets=48), "feea20065900")
        assert [len(piece) // 2 for piece in pieces] == [20, 20, 14]
        assert [piece[:4] for piece in pieces] == ["feea", "0000", "0000"]

    def test_yesterday_is_parts_two_and_three(self) -> None:
        band = worn(day("1m walk 60", NINE - timedelta(days=1)), buckets=48)
        band.mtu = 185
        assert asked(band, "feea20065902") == ["feea20365902" + "0000" * 18 + "3c00" + "0000" * 5]

    def test_half_hours_to_come_may_be_yesterday_s(self) -> None:
        band = worn(day("1m walk 60", NINE - timedelta(hours=23)), buckets=48)
        band.mtu = 185
        band.faults = Faults(stale_buckets=True)
        assert asked(band, "feea20065900")[0][12:] == "0000" * 20 + "3c00" + "0000" * 3


class TestFaults:
    def test_single_notifications_are_lost_doubled_and_withheld(self) -> None:
        band = worn("1m walk 30")
        band.faults = Faults(lose={0}, double={1}, stall_at=3)
        # one step every two seconds: 1 is lost, 2 comes twice, 3 once, then silence
        assert [told_[:2] for told_ in told(band, NINE + MINUTE, FEE1)] == ["02", "02", "03"]

    def test_the_watch_may_end_the_link(self) -> None:
        band = worn("1m walk 30")
        band.faults = Faults(hang_up_at=1)
        assert band.advance(NINE + 4 * SECOND)[1:] == [HangUp()]
