"""The simulated sensor against the driver, and as it behaves to anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.host.clock import FastClock
from hipsync.model import Epoch, State
from hipsync.office_day import office_days
from hipsync.radio.connect import connect
from hipsync.radio.scan import scan
from hipsync.radio.simulation import simulated_radio
from hipsync.radio.simulation.peripheral import advertising
from hipsync.simulated import Notification, Refused
from hipsync.testing.direct import DirectConnection, run
from hipsync_devices import gatt
from hipsync_devices.sig import DRIVER, packets
from hipsync_devices.sig.sim import Faults, Kind, Sensor
from support.builders import day
from support.sig_sensors import HEART, MINUTE, NINE, PACE, SECOND, Told, talk

UTC_ZONE = ZoneInfo("UTC")


def lived(drawing: str, start: datetime = NINE) -> list[Epoch]:
    """As drawn, with a pulse of 70."""
    return [epoch._replace(heart_rate=70) for epoch in day(drawing, start)]


def watched(
    band: Sensor,
    length: timedelta,
    start: datetime = NINE,
    *,
    zone: str = "UTC",
    cut_after: int | None = None,
    then: Sequence[tuple[timedelta, Callable[[datetime], None]]] = (),
    told: Told | None = None,
) -> Told:
    told = told or Told(start=start)

    async def story(clock: FastClock) -> None:
        connection = DirectConnection(band, clock.now)
        if cut_after is not None:
            connection.cut_after(cut_after)
        for after, happens in then:
            asyncio.get_running_loop().call_later(after.total_seconds(), happens, start + after)
        await talk(connection, clock, length, zone, told)
        connection.drop()

    run(story, start)
    return told


class TestWithTheDriver:
    @pytest.mark.parametrize(
        ("start", "zone"),
        [
            (datetime(2026, 11, 24, 6, tzinfo=UTC), "Europe/London"),
            (datetime(2026, 11, 24, 23, 30, tzinfo=UTC), "UTC"),  # midnight
            (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "Europe/London"),
            (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/London"),
        ],
    )
    def test_what_is_stored_is_what_was_lived(self, start: datetime, zone: str) -> None:
        # It can say steps, pulse and whether it is worn, for each minute that began after the connection.
        where = ZoneInfo(zone)
        life = office_days(start.astimezone(where).date(), 2, where, seed=1)
        band = Sensor(life, now=start, zone=where, clock_error=timedelta(minutes=7))
        told = watched(band, timedelta(hours=2, seconds=11), start, zone=zone)
        expected = [
            (e.start, e.steps, e.heart_rate, State.NOT_WORN if e.state is State.NOT_WORN else None)
            for e in life
            if start < e.start < start + timedelta(hours=2)
        ]
        stored = [(e.start, e.steps, e.heart_rate, e.state) for e in told.kept.of(Epoch) if e.start > start]
        assert len(expected) == 119
        assert stored == expected
        assert band.wall_clock().hour == (start + timedelta(hours=2)).astimezone(where).hour

    @pytest.mark.parametrize("kind", ["strap", "pod"])
    def test_a_strap_makes_no_epochs_and_a_pod_only_those_with_steps(self, kind: Kind) -> None:
        band = Sensor(lived("2m sit, 3m walk 90, 5m sit"), now=NINE, zone=UTC_ZONE, kind=kind)
        told = watched(band, 10 * MINUTE + 11 * SECOND)
        assert told.minutes == (
            [] if kind == "strap" else [(2, 90, None, None), (3, 90, None, None), (4, 90, None, None)]
        )
        assert len(told.wears) == (10 if kind == "strap" else 0)

    @pytest.mark.parametrize("number", range(0, 48, 3))
    def test_a_link_cut_anywhere_keeps_each_minute_that_was_over(self, number: int) -> None:
        band = Sensor(lived("5m walk 96"), now=NINE - 10 * SECOND, zone=UTC_ZONE)
        told = watched(band, 5 * MINUTE, NINE - 10 * SECOND, cut_after=number)
        told.start = NINE
        # two notifications every five seconds, the first pair at 08:59:55; the pair at 09:01:00 are 26 and 27
        over = 1 if number >= 26 else 0  # by then the minute has ended, and it was walked in
        assert told.minutes == [(0, 96, 70, None)][:over]

    def test_after_a_restart_of_the_sensor_no_step_is_made_up(self) -> None:
        band = Sensor(lived("10m walk 96"), now=NINE - 10 * SECOND, zone=UTC_ZONE)
        told = watched(band, 10 * MINUTE, NINE - 10 * SECOND, then=[(150 * SECOND, band.reboot)])
        watched(band, 3 * MINUTE + 11 * SECOND, NINE + 5 * MINUTE, told=told)
        told.start = NINE
        assert [(minute, steps) for minute, steps, _, _ in told.minutes if steps == 96] == [
            (minute, 96) for minute in (0, 1, 6, 7)
        ]
        assert all(minute in {0, 1, 5, 6, 7} for minute, *_ in told.minutes)

    def test_lost_doubled_and_broken_packets_change_no_minute(self) -> None:
        faults = Faults(lose={7}, double={12, 13}, cut_short={21})
        band = Sensor(lived("3m walk 120"), now=NINE - 10 * SECOND, zone=UTC_ZONE, faults=faults)
        told = watched(band, 2 * MINUTE + 25 * SECOND, NINE - 10 * SECOND)
        assert [epoch.steps for epoch in told.kept.of(Epoch)] == [120, 120]

    def test_a_sensor_that_falls_silent_is_neither_still_nor_off(self) -> None:
        band = Sensor(lived("9m sit"), now=NINE - 10 * SECOND, zone=UTC_ZONE, faults=Faults(stall_at=30))
        told = watched(band, 5 * MINUTE, NINE - 10 * SECOND)
        told.start = NINE
        assert (told.error, told.minutes) == (None, [(0, 0, 70, None)])


class TestToAnybody:
    def band(self, drawing: str = "1m walk 24, 1m off", **more: object) -> Sensor:
        band = Sensor(lived(drawing), now=NINE, zone=UTC_ZONE, **more)  # type: ignore[arg-type]
        band.connected(NINE)
        for uuid in (HEART, PACE):
            band.on_subscribe(uuid, subscribed=True, now=NINE)
        return band

    def test_it_speaks_of_the_time_since_it_spoke_before(self) -> None:
        told = [event for event in self.band().advance(NINE + 65 * SECOND) if isinstance(event, Notification)]
        heart = [event.data.hex() for event in told if event.characteristic == HEART]
        cadence = [event.data[3] for event in told if event.characteristic == PACE]
        assert heart == ["0646"] * 12 + ["0400"]
        assert cadence == [96, 96, 96] + [0] * 10  # 3 times 5 s of 96 a minute are 24

    def test_its_answers_are_the_vectors_where_it_is_like_them(self) -> None:
        assert self.band().read(packets.BODY_SENSOR_LOCATION, gatt.HEART_RATE, NINE) == bytes.fromhex("02")  # bsl-wrist
        strap = self.band(kind="strap")
        assert strap.read(packets.BODY_SENSOR_LOCATION, gatt.HEART_RATE, NINE) == b"\1"  # chest

    def test_the_same_number_in_two_services_is_two_alarms(self) -> None:
        band = self.band()
        band.write(gatt.ALERT_LEVEL, gatt.IMMEDIATE_ALERT, b"\2", NINE)
        assert (band.buzzing, band.read(gatt.ALERT_LEVEL, packets.LINK_LOSS, NINE)) == (True, b"\1")
        band.write(gatt.ALERT_LEVEL, packets.LINK_LOSS, b"\0", NINE)
        assert band.buzzing
        with pytest.raises(Refused, match="0x02"):
            band.read(gatt.ALERT_LEVEL, gatt.IMMEDIATE_ALERT, NINE)

    def test_a_lost_link_rings_unless_it_was_told_not_to(self) -> None:
        band = self.band()
        band.disconnected(NINE + SECOND)
        assert [shown.text for shown in band.shown] == ["link lost"]

    def test_a_clock_that_may_not_be_set_refuses(self) -> None:
        band = self.band(sets_clock=False)
        with pytest.raises(Refused, match="0x03"):
            band.write(gatt.CURRENT_TIME, packets.CURRENT_TIME_SERVICE, bytes.fromhex("e907010f0e1e2d032101"), NINE)

    @pytest.mark.parametrize("kind", ["watch", "strap", "pod"])
    def test_its_advertisement_fits(self, kind: Kind) -> None:
        band = Sensor([], now=NINE, zone=UTC_ZONE, kind=kind)
        assert all(len(part) <= 31 for part in advertising(band.advertisement()))
        assert DRIVER.matches(band.advertisement())


def test_over_gatt_it_is_found_hushed_and_watched() -> None:
    band = Sensor(office_days(date(2026, 3, 2), 1, UTC_ZONE), now=NINE, zone=UTC_ZONE)
    told = Told()

    async def story(clock: FastClock) -> None:
        async with simulated_radio([band], now=clock.now) as air:
            (seen,) = [seen for seen in await scan(air.adapter, 2) if DRIVER.matches(seen.advertisement)]
            async with connect(air.adapter, seen, 10 * SECOND) as connection:
                await talk(connection, clock, NINE + 4 * MINUTE + 11 * SECOND - clock.now(), "UTC", told)

    run(story, NINE)
    assert told.error is None
    assert band.shown == []  # the alarm of a lost link was switched off
    lived_in = [e for e in office_days(date(2026, 3, 2), 1, UTC_ZONE) if NINE + MINUTE <= e.start < NINE + 4 * MINUTE]
    assert [(e.start, e.steps) for e in told.kept.of(Epoch) if e.start > NINE] == [(e.start, e.steps) for e in lived_in]
