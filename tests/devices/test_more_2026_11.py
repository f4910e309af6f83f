"""Bytes of all eight families that were published by others and found later, against both ends.

They are the rows of `vectors/more-2026-11.json`, each with its source there. What a row says is written down here by
hand. A row that its collectors doubt proves nothing: a driver may read it as they do, or refuse it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, State
from hipsync.simulated import Notification
from hipsync_devices import gatt
from hipsync_devices.banglejs import commands
from hipsync_devices.banglejs import packets as banglejs
from hipsync_devices.banglejs.console import Lines
from hipsync_devices.banglejs.packets import BlockEnded, Button, Measured, Pressed, Status
from hipsync_devices.banglejs.sim import Bangle
from hipsync_devices.colmi import packets as colmi
from hipsync_devices.colmi.packets import StepsHeader, StepsRecord
from hipsync_devices.colmi.sim import ColmiRing
from hipsync_devices.fitpro import packets as fitpro
from hipsync_devices.fitpro.packets import Heart, Pulse, Sleep
from hipsync_devices.huami import chunked
from hipsync_devices.huami import packets as huami
from hipsync_devices.huami.chunked import Assembly, Message
from hipsync_devices.huami.packets import CurrentTime, RealtimeSteps
from hipsync_devices.huami.sim import MiBand
from hipsync_devices.infinitime import packets as infinitime
from hipsync_devices.infinitime.packets import Alert, Firmware
from hipsync_devices.infinitime.sim import PineTime
from hipsync_devices.lefun import packets as lefun
from hipsync_devices.lefun.sim import LefunBand
from hipsync_devices.moyoung import packets as moyoung
from hipsync_devices.moyoung.packets import Frame, Today
from hipsync_devices.moyoung.sim import MoYoungWatch
from hipsync_devices.sig.packets import HeartRate, Pace
from support.huami_bands import KEY, client
from support.shared import VECTORS

ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row for row in json.loads((VECTORS / "more-2026-11.json").read_text("utf-8"))["vectors"]
}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def frames(name: str) -> Sequence[bytes]:
    row = ROWS[name]
    held: str | list[str] = row.get("frames") or row.get("hex") or row["bytes"]
    return [bytes.fromhex(text) for text in ([held] if isinstance(held, str) else held)]


def frame(name: str) -> bytes:
    (only,) = frames(name)
    return only


def heard(band: Any, characteristic: str) -> list[bytes]:
    """What a simulated band has to say now on a characteristic."""
    events = band.advance(NOW)
    return [each.data for each in events if isinstance(each, Notification) and each.characteristic == characteristic]


def test_every_row_is_used_here() -> None:
    here = Path(__file__).read_text("utf-8")
    assert len(ROWS) == 30
    assert [name for name in ROWS if f'"{name}"' not in here] == []
    assert {name for name, row in ROWS.items() if "doubt" in row} == DOUBTED.keys()


# ------------------------------------------------------------------ Colmi


def test_a_battery_of_an_r06_is_read_and_said() -> None:
    told = colmi.decode_frame(frame("colmi-batt80-r06"))
    assert told.command == colmi.BATTERY
    assert colmi.Battery.decode(told.payload) == colmi.Battery(80, charging=False)
    ring = ColmiRing([], now=NOW, zone=LONDON)
    ring.connected(NOW)
    ring.on_subscribe(colmi.NOTIFY, True, NOW)
    ring.battery = colmi.Battery(80, charging=False)
    ring.write(colmi.WRITE, "", colmi.Frame(colmi.BATTERY).encode(), NOW)
    events = ring.advance(NOW + MINUTE)
    assert [each.data for each in events if isinstance(each, Notification)] == [frame("colmi-batt80-r06")]


def test_a_day_of_steps_that_came_unasked_is_read_and_written() -> None:
    day = date(2024, 11, 5)
    records = [  # quarter of the day, tens of small calories, steps, metres
        (36, 1445, 296, 206), (40, 509, 111, 73), (48, 175, 37, 25), (52, 4892, 944, 699), (56, 496, 126, 71),
        (60, 1644, 388, 235), (64, 996, 225, 142),
    ]  # fmt: skip
    expected: list[StepsHeader | StepsRecord] = [StepsHeader(7, new_calories=True)]
    expected += [StepsRecord(day, quarter, i, 7, *rest) for i, (quarter, *rest) in enumerate(records)]
    told = [colmi.decode_frame(each) for each in frames("colmi-steps-issue27")]
    assert {each.command for each in told} == {colmi.STEPS}
    assert [colmi.steps_of(each.payload) for each in told] == expected
    written = [colmi.Frame(colmi.STEPS, each.payload()).encode() for each in expected]
    assert written == frames("colmi-steps-issue27")


def test_a_turn_of_the_hand_is_a_frame_of_another_command() -> None:
    told = colmi.decode_frame(frame("colmi-remote-motion"))
    assert (told.command, told.payload[0], told.refused) == (2, 2, False)
    assert told.command not in {colmi.STEPS, colmi.TOTALS, colmi.EVENT, colmi.BATTERY}
    assert told.encode() == frame("colmi-remote-motion")


# ------------------------------------------------------------------ MoYoung


@pytest.mark.parametrize(
    ("name", "command", "payload", "small"),
    [
        ("moy-84-fireboltt", 0x84, "ffff40", False),
        ("moy-ab-none", 0xAB, "0200", False),
        ("moy-2b-form10", 0x2B, "0000901fff", True),
        ("moy-59-today", 0x59, "00", True),
        ("moy-time-icon4", 0x31, "6a853ea008", True),
        ("moy-time-uwatch2", 0x31, "5d989a9408", True),
    ],
)
def test_a_frame_of_either_form_is_read_and_written(name: str, command: int, payload: str, small: bool) -> None:
    assert moyoung.taken(b"", frame(name)) == (b"", Frame(command, bytes.fromhex(payload)))
    assert Frame(command, bytes.fromhex(payload)).packet(small=small) == frame(name)


def watch() -> MoYoungWatch:
    band = MoYoungWatch([], now=NOW, zone=LONDON, buckets=48)
    band.connected(NOW)
    band.on_subscribe(moyoung.REPLIES, True, NOW)
    return band


@pytest.mark.parametrize(
    ("name", "wall"),
    [
        ("moy-time-icon4", "2026-08-19 13:26:56"),
        ("moy-time-uwatch2", "2019-10-05 21:28:52"),
    ],
)
def test_a_time_is_that_of_a_wall_eight_hours_east(name: str, wall: str) -> None:
    shown = datetime.fromisoformat(wall)
    _, told = moyoung.taken(b"", frame(name))
    assert told is not None
    assert moyoung.time_of(told) == shown
    assert moyoung.set_time(shown).packet(small=True) == frame(name)
    band = watch()
    band.write(moyoung.COMMANDS, "", frame(name), NOW)
    assert band.wall_clock() == shown


def test_the_first_half_of_today_is_asked_for_as_the_app_asks() -> None:
    band = watch()
    band.write(moyoung.COMMANDS, "", frame("moy-59-today"), NOW)
    _, told = moyoung.taken(b"", b"".join(heard(band, moyoung.REPLIES)))
    assert told is not None
    assert (told.command, told.payload[0], len(told.payload)) == (0x59, 0, 1 + 24 * 2)


def test_steps_of_a_uwatch_2_are_steps_metres_and_kilocalories() -> None:
    assert Today.decode(frame("moy-fee1-7616")) == Today(7616, 6016, 421)
    assert Today(7616, 6016, 421).packet() == frame("moy-fee1-7616")


# ------------------------------------------------------------------ FitPro


def test_a_night_is_read_and_written() -> None:
    night = Sleep(date(2019, 9, 16), ((22 * 60, 2), (23 * 60, 1)))
    told = fitpro.decode_frame(frame("fit-sleep-20190916"))
    assert isinstance(told, fitpro.Data)
    assert (told.group, told.command, Sleep.decode(told.payload)) == (fitpro.HISTORY, fitpro.SLEEP, night)
    assert fitpro.Data(fitpro.HISTORY, fitpro.SLEEP, night.encode()).encode() == frame("fit-sleep-20190916")


@pytest.mark.parametrize(
    ("name", "pulse"),
    [
        ("fit-hr-t900-1", Pulse(20 * 3600 + 36 * 60 + 8, 98, (83, 116), 76)),
        ("fit-hr-t900-3", Pulse(20 * 3600 + 36 * 60 + 18, 97, (80, 115), 70)),
    ],
)
def test_a_pulse_is_read_and_written(name: str, pulse: Pulse) -> None:
    measured = Heart(date(2026, 8, 18), (pulse,))
    told = fitpro.decode_frame(frame(name))
    assert isinstance(told, fitpro.Data)
    assert (told.group, told.command, Heart.decode(told.payload)) == (fitpro.HISTORY, fitpro.HEART, measured)
    assert fitpro.Data(fitpro.HISTORY, fitpro.HEART, measured.encode()).encode() == frame(name)


# ------------------------------------------------------------------ Lefun


def test_a_battery_of_a_ring_is_read_and_said() -> None:
    charge = lefun.Frame(lefun.BATTERY, b"\x57", lefun.REPLY)
    assert charge.params[0] == 87
    assert lefun.Frame.decode(frame("lef-03-87")) == charge
    band = LefunBand([], now=NOW, zone=LONDON)
    band.connected(NOW)
    band.on_subscribe(lefun.NOTIFY, True, NOW)
    band.write(lefun.WRITE, "", lefun.Frame(lefun.BATTERY).encode(), NOW)
    assert heard(band, lefun.NOTIFY) == [frame("lef-03-87")]


def test_a_battery_with_a_wrong_check_is_refused() -> None:
    with pytest.raises(MalformedPacket) as refused:
        lefun.Frame.decode(frame("lef-03-badcrc"))
    assert refused.value.packet == frame("lef-03-badcrc")


# ------------------------------------------------------------------ InfiniTime


def test_a_firmware_whose_counter_stops_in_the_dark() -> None:
    pinetime = PineTime([], now=NOW, zone=LONDON, firmware="1.15.0")
    assert pinetime.read(infinitime.FIRMWARE, "", NOW) == frame("it-fw-1150")
    version = infinitime.firmware(frame("it-fw-1150").decode())
    assert version == Firmware(1, 15, 0)
    assert not version.counts_in_the_dark


def test_an_alert_without_its_third_byte_loses_a_letter() -> None:
    assert Alert.decode(frame("it-alert-2byte")) == Alert("", "i", call=False)
    pinetime = PineTime([], now=NOW, zone=LONDON)
    pinetime.connected(NOW)
    pinetime.write(gatt.NEW_ALERT, "", frame("it-alert-2byte"), NOW)
    assert [shown.text for shown in pinetime.shown] == ["i"]


# ------------------------------------------------------------------ Bangle.js


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bj-status-wasp", Status(50, charging=False)),
        ("bj-act-bare", BlockEnded(Measured(57))),
    ],
)
def test_a_line_of_another_watch_is_read(name: str, message: banglejs.Message) -> None:
    assert [banglejs.decode(line) for line in Lines().feed(frame(name))] == [message]


def test_a_message_of_another_client_is_shown() -> None:
    told = commands.command_of(frame("bj-notify-ciao"), strict=True)
    assert told is not None
    assert {name: told[name] for name in ("t", "id", "title", "body")} == {
        "t": "notify", "id": 1, "title": "Anna", "body": "Ciao!",
    }  # fmt: skip
    band = Bangle([], now=NOW, zone=LONDON)
    band.connected(NOW)
    band.on_subscribe(banglejs.NOTIFY, True, NOW)
    band.advance(NOW)
    band.write(banglejs.WRITE, banglejs.UART, b"\x10" + frame("bj-notify-ciao") + b"\n", NOW)
    band.advance(NOW + MINUTE)
    assert [shown.text for shown in band.shown] == ["Anna Ciao!"]


# ------------------------------------------------------------------ standard sensors


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hr-h7-78", HeartRate(78, intervals=(722, 712))),
        ("hr-whoop-103", HeartRate(103, intervals=(280, 282))),
    ],
)
def test_a_heart_rate_with_intervals_is_read_and_written(name: str, expected: HeartRate) -> None:
    assert HeartRate.decode(frame(name)) == expected
    assert expected.packet() == frame(name)


def test_a_lone_byte_after_the_intervals_is_passed_over() -> None:
    assert HeartRate.decode(frame("hr-odd-tail")) == HeartRate(60, intervals=(1024,))


def test_a_pace_without_stride_and_distance_is_read_and_written() -> None:
    pace = Pace(speed=3 * 256, cadence=170)  # 3 m/s
    assert Pace.decode(frame("rsc-noop-3")) == pace
    assert pace.packet() == frame("rsc-noop-3")


# ------------------------------------------------------------------ Huami


def test_realtime_steps_of_five_bytes_are_read_and_written() -> None:
    assert RealtimeSteps.decode(frame("steps-5byte-370")) == RealtimeSteps(370)
    assert RealtimeSteps(370).encode() == frame("steps-5byte-370")


def test_a_clock_that_a_client_wrote_is_read_and_taken() -> None:
    written = CurrentTime(datetime(2021, 5, 8, 16, 37, 23, tzinfo=UTC), 4)
    assert CurrentTime.decode(frame("time-write-amazfish-181")) == written
    assert written.encode() == frame("time-write-amazfish-181")
    phone = client(MiBand([], now=NOW, zone=LONDON, secret=KEY, name="MI Band 2"), NOW)
    phone.write("2A2B", frame("time-write-amazfish-181"))
    assert phone.read("2A2B") == frame("time-write-amazfish-181").hex()


def test_minutes_of_a_mi_band_4_are_still_and_one_of_them_has_a_heart_rate() -> None:
    posted = [  # rows-miband4-55: kind, intensity, steps, heart rate
        (80, 21, 0, 255), (80, 22, 0, 255), (80, 1, 0, 255), (80, 14, 0, 255), (80, 15, 0, 76), (80, 18, 0, 255),
    ]  # fmt: skip
    assert [(row["kind"], row["intensity"], row["steps"], row["hr"]) for row in ROWS["rows-miband4-55"]["decoded"]] == (
        posted
    )
    epochs = huami.decode_records(b"".join(bytes(row) for row in posted), 4, NOW)
    assert [(epoch.kind, epoch.intensity, epoch.steps) for epoch in epochs] == [row[:3] for row in posted]
    assert [epoch.heart_rate for epoch in epochs] == [None, None, None, None, 76, None]
    assert {epoch.state for epoch in epochs} == {State.SITTING}
    assert b"".join(huami.encode_record(*row, size=4) for row in posted) == b"".join(bytes(row) for row in posted)


def test_a_handle_may_be_zero() -> None:
    message = Message(0, 0x0082, bytes.fromhex("01020304"))
    assert Assembly().take(frame("chunk-handle-0")) == message
    assert chunked.encode(message, 20) == [frame("chunk-handle-0")]


# ------------------------------------------------------------------ rows in doubt

DOUBTED: dict[str, tuple[Callable[[bytes], object], object]] = {
    "lef-03-5b": (lefun.Frame.decode, lefun.Frame(lefun.BATTERY, b"\x57", 0x5B)),
    "bj-notify-lower": (lambda data: banglejs.decode(*Lines().feed(data)), Pressed(8231, Button.DISMISS)),
}
"""By row, what reads it, and what it means if its collectors are right."""


@pytest.mark.parametrize("name", DOUBTED)
def test_a_row_in_doubt_is_read_as_its_collectors_do_or_refused(name: str) -> None:
    decode, meant = DOUBTED[name]
    try:
        told = decode(frame(name))
    except MalformedPacket:
        return
    assert told == meant
