"""The driver for standard services, against sensors that say what is written here."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.test_sig import LEFT_ALONE, vector
from hipsync.conversation.session import Conversation, nudge
from hipsync.driver import Advertisement, Message, Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply
from hipsync.host.clock import FastClock
from hipsync.model import Charge, Info, State
from hipsync.testing.direct import run
from hipsync_devices import gatt
from hipsync_devices.gatt import uuid16
from hipsync_devices.sig import DRIVER, packets
from support.sig_sensors import (
    ALARMS,
    HEART,
    MINUTE,
    NINE,
    PACE,
    POD,
    SECOND,
    STRAP,
    Sensor,
    by_hand,
    each_second,
    offered,
)

BEGUN = NINE - 5 * SECOND
CLOCK = {(packets.CURRENT_TIME_SERVICE, gatt.CURRENT_TIME): bytes(10)}
DEVICE = {
    (gatt.DEVICE_INFORMATION, packets.FIRMWARE_REVISION): b"1.4.0\0",
    (gatt.DEVICE_INFORMATION, gatt.HARDWARE_REVISION): b"H9\x1b[31m",
    (gatt.DEVICE_INFORMATION, gatt.SERIAL_NUMBER): b"12345",
}
WORN, OFF, UNSURE, NOTHING = "0648", "0400", "0048", "0600"
"""Heart rates: 72 with contact, no contact, 72 of a sensor that cannot tell, contact and no rate."""
STILL, WALK, SPEED = "00000000", "0040015a", "00400100"
"""Paces: none, 90 steps a minute at 1.25 m/s, the same speed without a cadence."""


class TestOpening:
    def test_it_tells_firmware_hardware_and_battery_and_asks_for_no_serial_number(self) -> None:
        sensor = Sensor(STRAP, DEVICE)
        told = by_hand(sensor, length=SECOND)
        assert told.kept.readings == [Info(BEGUN, "1.4.0", "H9[31m"), Charge(BEGUN, 42)]
        assert gatt.SERIAL_NUMBER not in sensor.read_of
        assert sensor.written == []

    @pytest.mark.parametrize("name", ["bat-42", "bat-44", "bat-100", "bat-0"])
    def test_it_tells_the_battery_of_the_vectors(self, name: str) -> None:
        sensor = Sensor(STRAP, {(packets.BATTERY_SERVICE, packets.BATTERY_LEVEL): vector(name)})
        assert by_hand(sensor, length=SECOND).kept.of(Charge) == [Charge(BEGUN, int(name.removeprefix("bat-")))]

    @pytest.mark.parametrize("level", ["ff", "65", ""])
    def test_an_impossible_battery_is_left_out_and_the_rest_goes_on(self, level: str) -> None:
        sensor = Sensor(STRAP, {(packets.BATTERY_SERVICE, packets.BATTERY_LEVEL): bytes.fromhex(level)})
        told = by_hand(sensor, each_second(1, 70, HEART, WORN), 80 * SECOND)
        assert (told.error, told.kept.of(Charge)) == (None, [])
        assert told.wears == [(59.0, True)]

    def test_it_sets_the_wall_clock(self) -> None:
        # 09:30:00 in London on 1 July 2026, a Wednesday
        sensor = Sensor(STRAP, CLOCK)
        by_hand(sensor, length=SECOND, start=datetime(2026, 7, 1, 8, 30, 5, tzinfo=UTC))
        assert sensor.written == [("1805", "2a2b", "ea070701091e00030001", True)]

    def test_it_sets_the_clock_again_when_summer_time_begins(self) -> None:
        sensor = Sensor(STRAP, CLOCK)
        by_hand(sensor, length=MINUTE, start=datetime(2026, 3, 29, 0, 59, 50, tzinfo=UTC))
        # 00:59:45, and when ten silent seconds had passed for the second time
        assert [data for _, _, data, _ in sensor.written] == ["ea07031d003b2d070001", "ea07031d020005070001"]

    def test_what_it_may_not_read_or_write_is_left_out(self) -> None:
        shy = [gatt.CURRENT_TIME, packets.BATTERY_LEVEL, packets.FIRMWARE_REVISION, gatt.HARDWARE_REVISION]
        told = by_hand(Sensor(STRAP, CLOCK, DEVICE, refuses=shy), each_second(1, 70, HEART, WORN), 80 * SECOND)
        assert (told.error, told.kept.of(Info), told.kept.of(Charge)) == (None, [], [])
        assert told.wears == [(59.0, True)]

    @pytest.mark.parametrize(
        ("level", "written"),
        [("02", [("1803", "2a06", "00", True)]), ("01", [("1803", "2a06", "00", True)]), ("00", [])],
    )
    def test_it_switches_off_the_alarm_of_a_lost_link(
        self, level: str, written: list[tuple[str, str, str, bool]]
    ) -> None:
        sensor = Sensor(STRAP, ALARMS, {(packets.LINK_LOSS, gatt.ALERT_LEVEL): bytes.fromhex(level)})
        by_hand(sensor, length=SECOND)
        assert sensor.written == written

    def test_a_device_that_measures_nothing_of_use_is_refused(self) -> None:
        told = by_hand(Sensor(ALARMS, DEVICE))
        assert "neither a heart rate nor a running speed" in str(told.error)

    def test_one_stream_that_it_may_not_hear_leaves_the_other(self) -> None:
        told = by_hand(Sensor(STRAP, POD, refuses=[HEART]), each_second(0, 70, PACE, WALK), 80 * SECOND)
        assert (told.error, told.minutes) == (None, [(0, 90, None, None)])

    def test_a_device_that_lets_nothing_be_heard_is_refused(self) -> None:
        assert "refused" in str(by_hand(Sensor(STRAP, refuses=[HEART])).error)

    def test_what_is_left_alone_is_neither_read_nor_written_nor_heard(self) -> None:
        table = [offered(number, value) for number, value in LEFT_ALONE.values()]
        sensor = Sensor(STRAP, *table)
        says = [(float(i), uuid16(number), value) for i, (number, value) in enumerate(LEFT_ALONE.values())]
        told = by_hand(sensor, says)
        touched = {*sensor.read_of, *sensor.callbacks, *(uuid16(int(uuid, 16)) for _, uuid, _, _ in sensor.written)}
        assert touched == {packets.BATTERY_LEVEL, HEART}
        assert told.kept.readings == [Charge(BEGUN, 42)]


class TestWear:
    def test_each_minute_in_which_the_strap_felt_skin_and_a_pulse_is_told_and_no_steps_are_made_up(self) -> None:
        told = by_hand(Sensor(STRAP), each_second(0, 179, HEART, WORN), 200 * SECOND)
        assert told.wears == [(59, True), (119, True), (179, True)]
        assert told.minutes == []

    @pytest.mark.parametrize("data", [UNSURE, NOTHING, vector("hr-bangle-gatthrm").hex(), vector("hr-80").hex()])
    def test_contact_without_a_pulse_or_a_pulse_without_contact_is_no_word_of_wear(self, data: str) -> None:
        told = by_hand(Sensor(STRAP), each_second(0, 179, HEART, data), 200 * SECOND)
        assert (told.error, told.wears, told.minutes) == (None, [], [])

    def test_a_strap_is_off_after_half_a_minute_without_skin_since_the_first_moment_of_it(self) -> None:
        says = [*each_second(0, 70, HEART, WORN), *each_second(71, 170, HEART, OFF)]
        told = by_hand(Sensor(STRAP), says)
        assert sorted(told.wears) == [(59, True), (71, False)]

    @pytest.mark.parametrize("name", ["hr-nocontact-80", "hr-255-nocontact"])
    def test_without_skin_a_rate_is_worth_nothing(self, name: str) -> None:
        told = by_hand(Sensor(STRAP), each_second(5, 35, HEART, vector(name).hex()), MINUTE)
        assert told.wears == [(5, False)]

    def test_a_moment_without_skin_is_nothing(self) -> None:
        says = [*each_second(0, 60, HEART, WORN), *each_second(61, 90, HEART, OFF), *each_second(91, 179, HEART, WORN)]
        told = by_hand(Sensor(STRAP), says, 200 * SECOND)
        assert told.wears == [(59, True), (119, True), (179, True)]  # from 61 to 90 s are 29

    def test_two_words_of_missing_skin_far_apart_are_not_half_a_minute(self) -> None:
        told = by_hand(Sensor(STRAP), [(0, HEART, OFF), (20, HEART, OFF), (40, HEART, OFF)])
        assert told.wears == []

    def test_silence_is_not_taking_off(self) -> None:
        told = by_hand(Sensor(STRAP), each_second(0, 59, HEART, WORN), 10 * MINUTE)
        assert (told.error, told.wears) == (None, [(59, True)])


class TestSteps:
    def test_a_minute_of_walking_is_its_cadence_and_tells_in_time(self) -> None:
        told = by_hand(Sensor(POD), each_second(0, 130, PACE, WALK), 131 * SECOND)
        assert told.minutes == [(0, 90, None, None), (1, 90, None, None)]

    def test_a_value_every_five_seconds_is_enough(self) -> None:
        told = by_hand(Sensor(POD), [(second, PACE, WALK) for second in range(0, 131, 5)], 131 * SECOND)
        assert told.minutes == [(0, 90, None, None), (1, 90, None, None)]

    def test_a_pod_alone_never_tells_of_stillness(self) -> None:
        told = by_hand(Sensor(POD), [*each_second(0, 60, PACE, WALK), *each_second(61, 240, PACE, STILL)], 5 * MINUTE)
        assert told.minutes == [(0, 90, None, None)]

    def test_stillness_beside_a_pulse_is_a_minute_without_steps(self) -> None:
        says = [*each_second(0, 130, PACE, STILL), *each_second(0, 130, HEART, WORN)]
        told = by_hand(Sensor(STRAP, POD), says, 135 * SECOND)
        assert told.minutes == [(0, 0, 72, None), (1, 0, 72, None)]

    def test_a_pulse_of_a_sensor_that_cannot_feel_skin_vouches_too(self) -> None:
        says = [*each_second(0, 70, PACE, STILL), *each_second(0, 70, HEART, UNSURE)]
        told = by_hand(Sensor(STRAP, POD), says, 75 * SECOND)
        assert (told.minutes, told.wears) == ([(0, 0, 72, None)], [])

    def test_stillness_without_skin_is_not_worn(self) -> None:
        says = [*each_second(0, 70, PACE, STILL), *each_second(0, 70, HEART, OFF)]
        told = by_hand(Sensor(STRAP, POD), says, 75 * SECOND)
        assert told.minutes == [(0, 0, None, State.NOT_WORN)]

    @pytest.mark.parametrize("data", [NOTHING, vector("hr-bangle-gatthrm").hex()])
    def test_stillness_beside_contact_without_a_pulse_is_nobody_s(self, data: str) -> None:
        says = [*each_second(0, 70, PACE, STILL), *each_second(0, 70, HEART, data)]
        assert by_hand(Sensor(STRAP, POD), says, 75 * SECOND).minutes == []

    def test_silence_of_the_pod_is_not_stillness_though_the_pulse_goes_on(self) -> None:
        says = [*each_second(0, 5, PACE, STILL), *each_second(0, 190, HEART, WORN)]
        told = by_hand(Sensor(STRAP, POD), says, 200 * SECOND)
        assert told.minutes == []

    def test_a_gap_of_over_ten_seconds_leaves_stillness_unknown(self) -> None:
        pace = [(s, PACE, STILL) for s in range(71) if not 20 < s < 31]
        told = by_hand(Sensor(STRAP, POD), [*pace, *each_second(0, 70, HEART, WORN)], 75 * SECOND)
        assert told.minutes == []

    def test_a_minute_known_in_part_counts_if_it_was_walked_in(self) -> None:
        # 90 a minute: 14 s are 21 steps, 13 s are 19.5 or 20 steps, 12 s are 18
        for seconds, minutes in ((14, [(0, 21, None, None)]), (12, [])):
            told = by_hand(Sensor(POD), each_second(0, seconds, PACE, WALK), 75 * SECOND)
            assert told.minutes == minutes

    def test_a_few_steps_in_a_whole_minute_are_told(self) -> None:
        says = [*each_second(0, 10, PACE, STILL), *each_second(11, 14, PACE, WALK), *each_second(15, 70, PACE, STILL)]
        assert by_hand(Sensor(POD), says, 75 * SECOND).minutes == [(0, 6, None, None)]

    def test_speed_without_a_cadence_is_neither_steps_nor_stillness(self) -> None:
        says = [*each_second(0, 70, PACE, SPEED), *each_second(0, 70, HEART, WORN)]
        told = by_hand(Sensor(STRAP, POD), says, 75 * SECOND)
        assert told.minutes == []

    @pytest.mark.parametrize(
        ("name", "steps"),
        [("rsc-basic", 180), ("rsc-stride", 180), ("rsc-dist", 180), ("rsc-fast", 220), ("rsc-mandatory", 80)],
    )
    def test_a_minute_of_each_vector_is_its_cadence(self, name: str, steps: int) -> None:
        told = by_hand(Sensor(POD), each_second(0, 70, PACE, vector(name).hex()), 75 * SECOND)
        assert told.minutes == [(0, steps, None, None)]

    def test_a_walk_over_a_boundary_is_split_in_proportion(self) -> None:
        # values every 4 s at :02, :06 ...; the one at 62 s tells of two seconds of each minute
        says = [(second, PACE, WALK if second > 42 else STILL) for second in range(2, 140, 4)]
        told = by_hand(Sensor(POD), says, 145 * SECOND)
        # known from 2 s on; walked from 42 s on: 18 s and then a minute
        assert told.minutes == [(0, 27, None, None), (1, 90, None, None)]


class TestTrouble:
    def test_a_malformed_packet_is_dropped_and_the_next_fills_its_place(self) -> None:
        says = [(s, PACE, "0040" if s % 5 == 3 else WALK) for s in range(71)]
        told = by_hand(Sensor(POD), says, 75 * SECOND)
        assert (told.error, told.minutes) == (None, [(0, 90, None, None)])

    def test_many_in_a_row_end_the_conversation(self) -> None:
        fine = by_hand(
            Sensor(POD), [*each_second(0, 19, PACE, "0040"), (20, PACE, WALK), *each_second(21, 40, PACE, "")]
        )
        assert fine.error is None
        told = by_hand(Sensor(POD), each_second(0, 20, PACE, "0040"))
        assert isinstance(told.error, MalformedPacket)
        assert told.error.packet == bytes.fromhex("0040")

    def test_the_minutes_that_ended_before_a_link_was_lost_are_told(self) -> None:
        told = by_hand(Sensor(POD), each_second(0, 130, PACE, WALK), lost_after=124 * SECOND)
        assert isinstance(told.error, LinkLost)
        assert told.minutes == [(0, 90, None, None), (1, 90, None, None)]

    def test_the_minute_in_which_it_was_lost_is_not(self) -> None:
        told = by_hand(Sensor(POD), each_second(0, 130, PACE, WALK), lost_after=118 * SECOND)
        assert told.minutes == [(0, 90, None, None)]

    def test_packets_that_come_twice_count_once(self) -> None:
        says = sorted([*each_second(0, 70, PACE, WALK), *each_second(0, 70, PACE, WALK)])
        assert by_hand(Sensor(POD), says, 75 * SECOND).minutes == [(0, 90, None, None)]

    @settings(max_examples=60)
    @given(st.lists(st.tuples(st.floats(0, 170), st.sampled_from([HEART, PACE]), st.binary(max_size=20)), max_size=60))
    def test_whatever_is_said_nothing_but_a_device_error_comes_and_no_still_minute(
        self, noise: list[tuple[float, str, bytes]]
    ) -> None:
        told = by_hand(Sensor(STRAP, POD), [(at, uuid, data.hex()) for at, uuid, data in noise])
        assert told.error is None or isinstance(told.error, MalformedPacket)
        assert all(0 <= minute <= 2 and steps <= 255 for minute, steps, _, _ in told.minutes)

    def test_a_device_that_does_not_answer_is_given_up(self) -> None:
        class Mute(Sensor):
            async def read(self, characteristic: str, service: str | None = None) -> bytes:
                await asyncio.sleep(3600)
                return b""

        assert isinstance(by_hand(Mute(STRAP)).error, NoReply)


class TestNudging:
    @staticmethod
    def nudged(sensor: Sensor, *, strong: bool) -> timedelta:
        async def story(clock: FastClock) -> timedelta:
            talk = Conversation(sensor, zone=ZoneInfo("UTC"), now=clock.now)
            assert await nudge(DRIVER, talk, Session(), Message("Time to move", "Hip extension", strong=strong)) is None
            return clock.now() - NINE

        return run(story, NINE)

    @pytest.mark.parametrize(("strong", "name"), [(False, "ias-mild"), (True, "ias-high")])
    def test_it_buzzes_by_the_immediate_alert_and_stops_after_four_seconds(self, strong: bool, name: str) -> None:
        sensor = Sensor(STRAP, ALARMS)
        assert self.nudged(sensor, strong=strong) == 4 * SECOND
        assert sensor.written == [("1802", "2a06", vector(name).hex(), False), ("1802", "2a06", "00", False)]

    def test_an_alert_level_of_link_loss_alone_is_no_buzzer(self) -> None:
        sensor = Sensor(STRAP, {(packets.LINK_LOSS, gatt.ALERT_LEVEL): b"\0"})
        with pytest.raises(DeviceError, match="cannot buzz"):
            self.nudged(sensor, strong=True)
        assert sensor.written == []


@pytest.mark.parametrize(
    ("services", "taken"),
    [
        ({0x180D}, True),
        ({0x1814}, True),
        ({0x180D, 0x180F}, True),
        ({0x180F, 0x1802}, False),
        ({0x183E}, False),
        ((), False),
    ],
)
def test_a_device_is_told_by_what_it_measures(services: set[int], taken: bool) -> None:
    advertisement = Advertisement(name="Polar H10", services=frozenset(uuid16(number) for number in services))
    assert DRIVER.matches(advertisement) is taken
