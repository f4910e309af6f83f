"""InfiniTime: bytes that others recorded, and the simulated watch against them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import Epoch
from hipsync.radio.simulation.peripheral import advertising
from hipsync.simulated import HangUp, Notification, Refused
from hipsync_devices import gatt
from hipsync_devices.infinitime import DRIVER, packets
from hipsync_devices.infinitime.packets import Alert, Press
from hipsync_devices.infinitime.sim import RAW_MOTION, PineTime
from support import shared
from support.builders import day

MONDAY_9 = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
VECTORS = {  # InfiniTimeOrg/InfiniTime at 8250565, `doc/ble.md`, unless a line says otherwise
    "it-alert-simple": "00010054657374205469746c65005465737420426f6479",
    "it-alert-call": "0301004d617279",
    "it-callevent-0": "00",
    "it-callevent-1": "01",
    "it-fw-160": "312e362e30",
    "it-fw-1140": "312e31342e30",  # a published log of a watch with 1.14
    "it-steps-zero": "00000000",  # a published ESP32 firmware that imitates InfiniTime
    "it-steps-1000": "e8030000",  # by the layout; the value is from InfiniTimeOrg/InfiniTime issue 1270
    "it-alert-header-itd": "000100",  # Elara6331/itd at b79806e, infinitime/notifs.go
    "it-adv-115": "02010603030d18110723d1bcea5f782315deef121230150000",  # by hand from NimbleController.cpp
    "it-hr-0": "0000",  # by hand from HeartRateService.cpp: the flags are always 0
}
RECORDED = shared.VECTORS / "infinitime-banglejs-sig.json"


def vector(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name])


def watch(
    drawing: str = "", *, firmware: str = "1.16.0", start: datetime = MONDAY_9, zone: str = "UTC", **more: Any
) -> PineTime:
    """A watch whose wearer lives as drawn from `start` on, connected and subscribed to all it tells."""
    life: list[Epoch] = day(drawing, start) if drawing else []
    band = PineTime(life, now=start, zone=ZoneInfo(zone), firmware=firmware, **more)
    band.connected(start)
    for uuid in (packets.STEPS, packets.BATTERY, packets.EVENT):
        band.on_subscribe(uuid, subscribed=True, now=start)
    return band


def read(band: PineTime, uuid: str, now: datetime = MONDAY_9) -> bytes:
    return band.read(uuid, "", now)


def write(band: PineTime, uuid: str, data: str, now: datetime = MONDAY_9) -> None:
    band.write(uuid, "", bytes.fromhex(data), now)


def told(band: PineTime, now: datetime, uuid: str = packets.STEPS) -> list[bytes]:
    events = band.advance(now)
    return [event.data for event in events if isinstance(event, Notification) and event.characteristic == uuid]


def counts(values: Sequence[bytes]) -> list[int]:
    return [int.from_bytes(value, "little") for value in values]


def test_every_published_vector_of_the_family_is_used_here() -> None:
    published = json.loads(RECORDED.read_text())["vectors"]
    assert {v["id"]: v["hex"] for v in published if v["family"] == "infinitime"} == VECTORS
    source = Path(__file__).read_text()
    assert [name for name in VECTORS if source.count(f'vector("{name}")') == 0] == []


class TestPackets:
    def test_step_counts_are_four_bytes_little_endian(self) -> None:
        assert packets.steps(vector("it-steps-1000")) == 1000
        assert packets.steps(vector("it-steps-zero")) == 0
        assert packets.steps_packet(1000) == vector("it-steps-1000")

    def test_a_simple_alert_is_title_nul_body(self) -> None:
        alert = Alert("Test Title", "Test Body")
        assert alert.packet() == vector("it-alert-simple")
        assert Alert.decode(vector("it-alert-simple")) == alert

    def test_a_call_is_its_caller(self) -> None:
        assert Alert("Mary", call=True).packet() == vector("it-alert-call")
        assert Alert.decode(vector("it-alert-call")) == Alert("Mary", call=True)

    @pytest.mark.parametrize("category", ["00", "fa", "30"], ids=["SIG", "Gadgetbridge", "siglo"])
    def test_every_category_but_three_is_a_simple_alert(self, category: str) -> None:
        assert Alert.decode(bytes.fromhex(category + "0100") + b"Hi\0there") == Alert("Hi", "there")

    def test_a_simple_alert_without_nul_is_all_body(self) -> None:
        assert Alert.decode(b"\x00\x01\x00Stand up") == Alert("", "Stand up")

    def test_a_header_alone_is_no_alert(self) -> None:
        with pytest.raises(MalformedPacket):
            Alert.decode(vector("it-alert-header-itd"))

    def test_the_buttons_of_a_call(self) -> None:
        assert packets.press(vector("it-callevent-0")) is Press.DECLINED
        assert packets.press(vector("it-callevent-1")) is Press.ACCEPTED
        assert packets.press(b"\x02") is Press.MUTED  # doc/ble.md, the third value

    def test_firmware_is_told_by_its_revision(self) -> None:
        assert packets.firmware(vector("it-fw-160").decode()) == (1, 6, 0)
        assert packets.firmware(vector("it-fw-1140").decode()) == (1, 14, 0)

    @pytest.mark.parametrize(
        ("revision", "fresh"),
        [("1.16.0", True), ("1.16.1", True), ("2.0.0", True), ("1.15.0", False), ("1.9.0", False), ("1.2", False)],
    )
    def test_the_counter_is_fresh_in_the_dark_from_1_16_on(self, revision: str, fresh: bool) -> None:
        assert packets.firmware(revision).counts_in_the_dark is fresh

    @pytest.mark.parametrize("revision", ["", "develop", "v1.16.0", "1", "9" * 40])
    def test_a_fork_that_counts_otherwise_is_not_trusted_in_the_dark(self, revision: str) -> None:
        assert not packets.firmware(revision).counts_in_the_dark

    def test_the_clock_is_the_wearer_s_wall_clock_in_ten_bytes(self) -> None:
        # Sunday 29 March 2026 14:07:09.5: 0x07ea; day 7 of the week; half a second is 128/256
        local = datetime(2026, 3, 29, 14, 7, 9, 500_000, tzinfo=UTC)
        assert packets.wall_clock(local).hex(" ") == "ea 07 03 1d 0e 07 09 07 80 01"

    def test_month_thirteen_is_next_january(self) -> None:
        assert packets.wall_clock_of(bytes.fromhex("ea070d0200000001 0000")) == datetime(2027, 1, 2)  # noqa: DTZ001

    @pytest.mark.parametrize(
        ("zone", "at", "expected"),
        [
            ("Europe/Berlin", datetime(2026, 1, 15, tzinfo=UTC), "04 00"),
            ("Europe/Berlin", datetime(2026, 7, 15, tzinfo=UTC), "04 04"),
            ("America/New_York", datetime(2026, 1, 15, tzinfo=UTC), "ec 00"),
            ("Asia/Kathmandu", datetime(2026, 1, 15, tzinfo=UTC), "17 00"),  # 5:45
            ("Australia/Lord_Howe", datetime(2026, 1, 15, tzinfo=UTC), "2a 02"),  # 10:30, and half an hour of summer
        ],
    )
    def test_local_time_counts_quarter_hours(self, zone: str, at: datetime, expected: str) -> None:
        assert packets.local_time(at, ZoneInfo(zone)).hex(" ") == expected

    @given(st.binary(max_size=12))
    def test_a_packet_of_any_length_decodes_or_is_malformed(self, data: bytes) -> None:
        for decode in (packets.steps, gatt.percent, packets.press, packets.wall_clock_of, Alert.decode):
            with contextlib.suppress(MalformedPacket):
                decode(data)

    @pytest.mark.parametrize("size", [0, 1, 2, 3])
    def test_a_step_count_of_too_few_bytes_is_malformed(self, size: int) -> None:
        with pytest.raises(MalformedPacket):
            packets.steps(bytes(size))

    @pytest.mark.parametrize("more", ["07", "00000001"])
    def test_what_follows_a_step_count_is_ignored(self, more: str) -> None:
        assert packets.steps(bytes.fromhex("70170000" + more)) == 6000

    @given(st.text(), st.text(), st.booleans())
    def test_no_alert_exceeds_what_the_watch_keeps_or_is_cut_inside_a_character(
        self, title: str, body: str, call: bool
    ) -> None:
        packet = Alert(title, body, call).packet()
        assert len(packet) <= 3 + 99
        packet[3:].decode()

    def test_a_long_alert_ends_with_its_last_whole_character(self) -> None:
        # T and NUL leave 97 bytes: 48 characters of two bytes, and one byte that is left unused
        assert Alert("T", "é" * 60).packet()[3:] == b"T\0" + "é".encode() * 48


class TestWhatARadioSees:
    def test_the_advertisement_of_1_15_is_as_derived_from_its_source(self) -> None:
        advert, response = advertising(watch(firmware="1.15.0").advertisement())
        assert advert == vector("it-adv-115")
        assert response == bytes.fromhex("0b09496e66696e6954696d65")  # the name, in the scan response alone

    def test_before_1_15_the_heart_rate_service_is_not_advertised(self) -> None:
        advert, _ = advertising(watch(firmware="1.14.0").advertisement())
        assert advert == bytes.fromhex("020106110723d1bcea5f782315deef121230150000")

    def test_the_driver_takes_the_watch_under_each_of_its_names_and_nothing_else(self) -> None:
        assert DRIVER.matches(watch().advertisement())
        for name in ("Pinetime-JF", "PineTime"):
            assert DRIVER.matches(Advertisement(name=name))
        for other in (None, "", "infinitime", "InfiniTime2", "Mi Smart Band 5", "Y7S"):
            assert not DRIVER.matches(Advertisement(other, watch().advertisement().services))

    @pytest.mark.parametrize(
        ("firmware", "has_steps", "has_zone"),
        [("1.6.0", False, False), ("1.7.0", True, False), ("1.11.0", True, False), ("1.12.0", True, True)],
    )
    def test_the_table_grows_with_the_firmware(self, firmware: str, has_steps: bool, has_zone: bool) -> None:
        uuids = {c.uuid for service in watch(firmware=firmware).services() for c in service.characteristics}
        assert (packets.STEPS in uuids, packets.LOCAL_TIME in uuids) == (has_steps, has_zone)

    def test_it_tells_its_firmware(self) -> None:
        assert read(watch(firmware="1.6.0"), packets.FIRMWARE) == vector("it-fw-160")
        assert read(watch(firmware="1.14.0"), packets.FIRMWARE) == vector("it-fw-1140")

    def test_the_heart_rate_is_there_and_silent(self) -> None:
        band = watch("2h walk")
        band.on_subscribe(gatt.HEART_RATE_MEASUREMENT, subscribed=True, now=MONDAY_9)
        assert told(band, MONDAY_9 + 120 * MINUTE, gatt.HEART_RATE_MEASUREMENT) == []
        assert read(band, gatt.HEART_RATE_MEASUREMENT, MONDAY_9 + 120 * MINUTE) == vector("it-hr-0")

    def test_what_may_not_be_read_or_written_is_refused(self) -> None:
        for uuid in (gatt.NEW_ALERT, gatt.ALERT_LEVEL, packets.EVENT):
            with pytest.raises(Refused, match="0x02"):
                read(watch(), uuid)
        for uuid in (packets.STEPS, packets.BATTERY, packets.FIRMWARE):
            with pytest.raises(Refused, match="0x03"):
                write(watch(), uuid, "00")


class TestCounter:
    def test_it_starts_with_the_steps_since_local_midnight(self) -> None:
        # 100 steps a minute; in Berlin it is midnight at 23:00 UTC
        life = day("30m walk 100", datetime(2026, 3, 1, 22, 50, tzinfo=UTC))
        band = PineTime(life, now=MONDAY_9, zone=ZoneInfo("Europe/Berlin"))
        assert read(band, packets.STEPS) == bytes.fromhex("d0070000")  # 2,000

    def test_it_shows_the_vectors(self) -> None:
        band = watch("10m walk 100")
        assert read(band, packets.STEPS) == vector("it-steps-zero")
        assert read(band, packets.STEPS, MONDAY_9 + 10 * MINUTE) == vector("it-steps-1000")

    def test_only_a_change_is_notified_and_only_to_who_subscribed(self) -> None:
        band = watch("1m walk 3, 5m sit, 1m walk 2")
        assert counts(told(band, MONDAY_9 + 6 * MINUTE)) == [1, 2, 3]
        band.on_subscribe(packets.STEPS, subscribed=False, now=MONDAY_9 + 6 * MINUTE)
        assert told(band, MONDAY_9 + 7 * MINUTE) == []
        assert counts([read(band, packets.STEPS, MONDAY_9 + 7 * MINUTE)]) == [5]

    def test_from_1_16_on_midnight_is_told_at_once(self) -> None:
        start = datetime(2026, 3, 1, 23, 58, tzinfo=UTC)
        band = watch("1m walk 2, 2m sit, 1m walk 1", start=start)
        assert counts(told(band, start + 3 * MINUTE)) == [1, 2, 0]
        assert counts(told(band, start + 4 * MINUTE)) == [1]

    @pytest.mark.parametrize("firmware", ["1.7.0", "1.12.0", "1.15.0"])
    def test_before_1_16_the_counter_stands_while_the_screen_is_off(self, firmware: str) -> None:
        band = watch("10m walk 60", firmware=firmware)
        assert told(band, MONDAY_9 + 5 * MINUTE) == []
        assert counts([read(band, packets.STEPS, MONDAY_9 + 5 * MINUTE)]) == [0]
        band.look(MONDAY_9 + 5 * MINUTE, 10 * SECOND)
        assert counts(told(band, MONDAY_9 + 10 * MINUTE)) == [300, 302, 304, 306, 308]  # then it is dark again

    def test_before_1_16_midnight_waits_for_a_look_which_tells_yesterday_s_total_again(self) -> None:
        start = datetime(2026, 3, 1, 23, tzinfo=UTC)
        band = watch("10m walk 60, 2h sit, 5m walk 60", firmware="1.15.0", start=start)
        band.look(start + 10 * MINUTE)
        assert counts(told(band, start + 60 * MINUTE)) == [600]
        morning = start + 8 * 60 * MINUTE
        assert told(band, morning) == []
        assert counts([read(band, packets.STEPS, morning)]) == [600]  # of yesterday, and stale
        band.look(morning)
        assert counts(told(band, morning)) == [900]
        assert counts(told(band, morning + SECOND)) == [0]  # the steps of the night are gone

    def test_before_1_16_a_wearer_who_set_it_to_wake_by_motion_has_a_fresh_counter(self) -> None:
        band = watch("1m walk 2", firmware="1.14.0", wakes_on_motion=True)
        assert counts(told(band, MONDAY_9 + MINUTE)) == [1, 2]

    @pytest.mark.parametrize(("firmware", "fresh"), [("1.14.0", False), ("1.15.0", True)])
    def test_1_15_polls_for_who_subscribed_to_raw_motion(self, firmware: str, fresh: bool) -> None:
        band = watch("1m walk 2", firmware=firmware)
        band.on_subscribe(RAW_MOTION, subscribed=True, now=MONDAY_9)
        assert bool(told(band, MONDAY_9 + MINUTE)) is fresh

    def test_a_restart_clears_it_and_ends_the_link(self) -> None:
        band = watch("10m walk 60")
        band.reboot(MONDAY_9 + 5 * MINUTE)
        assert band.advance(MONDAY_9 + 5 * MINUTE)[-1] == HangUp()
        assert counts([read(band, packets.STEPS, MONDAY_9 + 5 * MINUTE)]) == [0]
        assert counts([read(band, packets.STEPS, MONDAY_9 + 10 * MINUTE)]) == [300]


class TestClock:
    def at(self, hour: int, minute: int, of_day: int = 3) -> str:
        return (bytes.fromhex("ea0703") + bytes([of_day, hour, minute, 0, 2, 0, 1])).hex()

    @pytest.mark.parametrize(
        ("before", "after", "cleared"),
        [
            ((22, 30), (0, 10), True),
            ((0, 10), (0, 20), False),  # inside hour 0
            ((23, 50), (7, 0), False),  # over midnight without ever seeing hour 0
            ((5, 0), (0, 30), True),  # the date plays no part
        ],
    )
    def test_a_clock_written_into_hour_0_clears_the_counter(
        self, before: tuple[int, int], after: tuple[int, int], cleared: bool
    ) -> None:
        band = watch("10m walk 60")
        write(band, gatt.CURRENT_TIME, self.at(*before))
        now = MONDAY_9 + 5 * MINUTE
        band.advance(now)
        write(band, gatt.CURRENT_TIME, self.at(*after), now)
        assert counts([read(band, packets.STEPS, now)]) == [0 if cleared else 300]

    @pytest.mark.parametrize("size", [0, 8, 9])
    def test_from_1_12_on_a_short_time_is_refused_and_changes_nothing(self, size: int) -> None:
        band = watch(firmware="1.12.0")
        with pytest.raises(Refused, match="0x0d"):
            write(band, gatt.CURRENT_TIME, self.at(22, 30)[: 2 * size])
        assert (band.wall_clock().hour, band.wall_clock().minute) == (9, 0)
        with pytest.raises(Refused, match="0x0d"):
            write(band, packets.LOCAL_TIME, "04")

    def test_before_1_12_nine_bytes_will_do_and_fewer_give_another_time(self) -> None:
        band = watch(firmware="1.11.0")
        write(band, gatt.CURRENT_TIME, self.at(22, 30)[:18])
        assert (band.wall_clock().hour, band.wall_clock().minute) == (22, 30)
        write(band, gatt.CURRENT_TIME, self.at(12, 15)[:10])
        assert (band.wall_clock().hour, band.wall_clock().minute) != (12, 15)

    def test_a_longer_time_is_taken_and_read_back_with_junk_in_bytes_7_and_9(self) -> None:
        band = watch(firmware="1.12.0")
        write(band, gatt.CURRENT_TIME, self.at(22, 30) + "ffff")
        value = read(band, gatt.CURRENT_TIME)
        assert value[:7].hex(" ") == "ea 07 03 03 16 1e 00"
        assert (len(value), value[8]) == (10, 0)
        assert value[7] not in range(1, 8)

    def test_the_quarter_hours_are_kept_until_a_restart(self) -> None:
        band = watch()
        write(band, packets.LOCAL_TIME, "0404")
        assert read(band, packets.LOCAL_TIME) == b"\x04\x04"
        band.reboot(MONDAY_9)
        assert read(band, packets.LOCAL_TIME) == b"\0\0"


class TestAlerts:
    def test_the_published_alerts_are_shown(self) -> None:
        band = watch()
        band.write(gatt.NEW_ALERT, "", vector("it-alert-simple"), MONDAY_9)
        band.write(gatt.NEW_ALERT, "", vector("it-alert-call"), MONDAY_9)
        assert [shown.text for shown in band.shown] == ["Test Title Test Body", "Mary"]

    def test_a_header_alone_is_ignored(self) -> None:
        band = watch()
        band.write(gatt.NEW_ALERT, "", vector("it-alert-header-itd"), MONDAY_9)
        assert band.alerts == []

    def test_ninety_nine_bytes_of_text_are_kept_even_inside_a_character(self) -> None:
        band = watch()
        band.write(gatt.NEW_ALERT, "", b"\x00\x01\x00T\0" + "é".encode() * 60, MONDAY_9)
        assert band.shown[0].text == "T " + "é" * 48 + "\ufffd"

    def test_every_alert_level_is_shown_none_too(self) -> None:
        band = watch()
        for level in ("00", "01", "02", "07"):
            write(band, gatt.ALERT_LEVEL, level)
        assert [shown.text for shown in band.shown] == ["Alert : None", "Alert : Mild", "Alert : High", ""]

    def test_a_wearer_who_wants_silence_sees_nothing(self) -> None:
        band = watch(press=Press.ACCEPTED)
        band.silent = True
        band.write(gatt.NEW_ALERT, "", vector("it-alert-call"), MONDAY_9)
        assert (band.shown, len(band.alerts)) == ([], 1)
        assert told(band, MONDAY_9 + MINUTE, packets.EVENT) == []

    def test_an_alert_lights_the_screen_so_that_old_firmware_looks(self) -> None:
        band = watch("10m walk 60", firmware="1.14.0")
        band.advance(MONDAY_9 + 5 * MINUTE)
        band.write(gatt.NEW_ALERT, "", vector("it-alert-simple"), MONDAY_9 + 5 * MINUTE)
        assert counts(told(band, MONDAY_9 + 5 * MINUTE)) == [300]

    @pytest.mark.parametrize(
        ("press", "value"), [(Press.DECLINED, b"\0"), (Press.ACCEPTED, b"\1"), (Press.MUTED, b"\2")]
    )
    def test_a_button_of_a_call_is_told_when_it_is_pressed(self, press: Press, value: bytes) -> None:
        band = watch(press=press, press_after=4 * SECOND)
        band.write(gatt.NEW_ALERT, "", vector("it-alert-call"), MONDAY_9)
        assert told(band, MONDAY_9 + 3 * SECOND, packets.EVENT) == []
        assert told(band, MONDAY_9 + 4 * SECOND, packets.EVENT) == [value]

    def test_nothing_is_told_of_a_simple_alert_or_after_the_ringing(self) -> None:
        band = watch(press=Press.ACCEPTED)
        band.write(gatt.NEW_ALERT, "", vector("it-alert-simple"), MONDAY_9)
        assert told(band, MONDAY_9 + MINUTE, packets.EVENT) == []
        late = watch(press=Press.ACCEPTED, press_after=8 * SECOND)
        late.write(gatt.NEW_ALERT, "", vector("it-alert-call"), MONDAY_9)
        assert told(late, MONDAY_9 + MINUTE, packets.EVENT) == []


def test_the_battery_is_told_as_it_falls() -> None:
    band = watch()
    assert read(band, packets.BATTERY) == b"\x57"  # 87
    assert told(band, MONDAY_9 + 119 * MINUTE, packets.BATTERY) == []
    assert told(band, MONDAY_9 + 120 * MINUTE, packets.BATTERY) == [b"\x56"]
