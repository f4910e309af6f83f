"""Bytes of Huawei and Honor bands that others recorded, assert or computed, against the codec, layer by layer.

They are the rows of `vectors/huawei.json` and the Huawei rows of `vectors/workouts.json`, each with its source there.
Those of ciphers and logins are in `test_huawei_login_vectors.py`, and whole conversations (`talk-...`) are played
against the simulated band in `test_huawei_sim.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.errors import MalformedPacket
from hipsync.model import MINUTE, Workout, WorkoutKind
from hipsync_devices.huawei import minutes, packets, setup, tlv, workouts
from hipsync_devices.huawei.frames import Assembly, Message, checksum, frames
from hipsync_devices.huawei.minutes import Minute, Night, Record, Slept
from hipsync_devices.huawei.packets import Battery, Product
from hipsync_devices.huawei.tlv import Fields
from support.huawei_rows import CONTRADICTED, ROWS, message, parts, plain, says

# ------------------------------------------------------------------ fields, checksums, frames

VARINTS = (
    "gb-varint-0", "gb-varint-127", "gb-varint-128", "gb-varint-300", "gb-varint-671", "gb-varint-1022",
    "gb-varint-8192", "gb-varint-16384", "gb-varint-65535", "zyv-varint-0", "zyv-varint-127", "zyv-varint-128",
    "zyv-varint-16383", "zyv-varint-16384",
)  # fmt: skip
CHECKSUMS = "gb-crc-313233343536373839", "gb-crc-empty", "gb-crc-5a", "shiroi-crc"
SLICES = (
    "gb-frame-slice244-value0", "gb-frame-slice244-value234", "gb-frame-slice244-value235",
    "gb-frame-slice244-value237", "gb-frame-slice244-value500", "gb-frame-slice512-value700",
    "gb-frame-slice64-value300", "gb-frame-slice20-value60",
)  # fmt: skip


@pytest.mark.parametrize("name", VARINTS)
def test_lengths_are_written_and_read(name: str) -> None:
    (value,) = parts(name)
    assert tlv.varint(says(name)["value"]) == value
    assert tlv.decode_varint(value) == (says(name)["value"], len(value))


def test_a_length_of_more_than_three_groups_is_refused() -> None:
    number = says("gb-varint-2097152")["value"]
    with pytest.raises(ValueError, match="no length"):
        tlv.varint(number)
    with pytest.raises(MalformedPacket):
        tlv.decode_varint(bytes.fromhex("81808000"))


@pytest.mark.parametrize("name", CHECKSUMS)
def test_a_checksum_is_the_one_computed(name: str) -> None:
    (data,) = parts(name)
    assert f"{checksum(data):04x}" == says(name)["crc_hex"]


@pytest.mark.parametrize("name", SLICES)
def test_a_message_is_cut_and_joined(name: str) -> None:
    told = says(name)
    value = bytes((7 * index + 3) & 255 for index in range(told["value_length"]))
    said = Message(told["service"], told["command"], tlv.encode((told["tlv_tag"], value)))
    assert frames(said, told["slice_size"]) == parts(name)
    assert message(name) == said
    assert Fields.decode(said.body).find(told["tlv_tag"]) == value


def test_slices_without_a_cipher_are_those_of_the_test_elsewhere() -> None:
    name = "gbtest-huaweipacket-UnencryptedSlicedSerialize-expected"
    assert frames(Message(1, 2, bytes.fromhex(says(name)["plain_tlv"])), 16) == parts(name)
    assert message(name) == Message(1, 2, bytes.fromhex(says(name)["plain_tlv"]))


def test_two_frames_in_one_notification_are_two_messages() -> None:
    (data,) = parts("gb-two-in-one")
    assert Assembly().take(data) == [Message(7, 3, b"\1\0")] * 2
    assert len(data) - says("gb-two-in-one")["bytes_left"] == len(data) // 2


def test_a_frame_with_a_wrong_checksum_is_dropped_and_told() -> None:
    (data,) = parts("gb-refuse-bad-crc")
    assembly = Assembly()
    assert assembly.take(data) == []
    assert assembly.spoilt is not None
    assert assembly.spoilt.packet == data
    assert assembly.take(bytes.fromhex("5a0005000703010022 55")) == [Message(7, 3, b"\1\0")]


def test_fields_within_fields_are_read() -> None:
    (data,) = parts("zyv-command-nested")
    assert Fields.decode(data).only(0x84).only(0x8C).only(0x8D).find(0x01) == b"abc"


# ------------------------------------------------------------------ clock, device, totals

CLOCKS = (
    "gb-time-UTC-1700000000", "gb-time-Europe-Berlin-1720000000", "gb-time-America-New_York-1720000000",
    "gb-time-Asia-Kolkata-1700000000", "gb-time-Asia-Kathmandu-1700000000", "gb-time-Pacific-Auckland-1700000000",
)  # fmt: skip


def clock_frames(name: str) -> list[bytes]:
    now = datetime.fromtimestamp(says(name)["epoch"], UTC)
    offset = now.astimezone(ZoneInfo(says(name)["zone"])).utcoffset()
    assert offset is not None
    return frames(Message(*packets.TIME, packets.clock(now, offset)))


@pytest.mark.parametrize("name", CLOCKS)
def test_the_clock_is_set(name: str) -> None:
    assert clock_frames(name) == parts(name)


def test_half_hours_below_zero_are_hours_and_minutes_of_the_magnitude() -> None:
    name = "gb-time-Pacific-Marquesas-1700000000"
    (ours,), (theirs,) = clock_frames(name), parts(name)
    assert (ours[-4:-2].hex(), theirs[-4:-2].hex()) == ("891e", "89e2")
    assert ours[:-4] == theirs[:-4]


def test_the_clock_of_the_test_elsewhere_is_set() -> None:
    name = "gbtest-deviceconfig-TimeRequest-serialized"
    assert packets.clock(datetime.fromtimestamp(0x6164AB03, UTC), timedelta(hours=2)) == plain(name)


def test_the_bands_own_time_is_in_its_answer() -> None:
    assert Fields.decode(plain("gb-time-answer")).number(0x01) == says("gb-time-answer")["band_time"]


@pytest.mark.parametrize(
    ("name", "what", "body"),
    [
        ("gb-battery-request", packets.BATTERY, packets.ASK),
        ("gb-product-request", packets.PRODUCT, packets.ASK_PRODUCT),
        ("gb-services-request", packets.NAMES_OF_SERVICES, packets.ask_services()),
        ("gb-totals-request", packets.TOTALS, packets.ASK),
    ],
)
def test_requests_are_those_of_a_public_client(name: str, what: tuple[int, int], body: bytes) -> None:
    assert frames(Message(*what, body)) == parts(name)
    assert body.hex() == says(name)["plain_tlv"]


def test_commands_are_asked_about_as_elsewhere() -> None:
    asked = {1: packets.COMMANDS_OF[1], 2: packets.COMMANDS_OF[2], 4: b"\1"}
    name = "gbtest-deviceconfig-SupportedCommandsRequest-expectedSerialized"
    theirs = Fields.decode(plain(name)).only(0x81).held
    ours = Fields.decode(packets.ask_commands(asked)).only(0x81).held
    assert [each.tag for each in ours] == [each.tag for each in theirs]
    assert ours[2:] == theirs[2:]
    assert set(theirs[1].value) <= set(ours[1].value)  # the sheet's list for service 1 is newer, and has one more


@pytest.mark.parametrize(
    "name",
    [
        "gbtest-deviceconfig-SupportedCommandsResponseException02-rawSupportedCommands",
        "gbtest-deviceconfig-SupportedCommandsResponseException04-rawSupportedCommands",
    ],
)
def test_commands_without_a_part_are_refused(name: str) -> None:
    with pytest.raises(MalformedPacket):
        packets.commands_in(plain(name), packets.COMMANDS_OF)


def test_services_without_their_field_are_refused() -> None:
    with pytest.raises(MalformedPacket):
        packets.services_in(plain("gbtest-deviceconfig-SupportedServicesResponseException-rawSupportedServices"))


def test_a_product_is_read() -> None:
    name = "gbtest-deviceconfig-ProductInformationResponse-rawProductInformation"
    assert Product.decode(plain(name)) == Product("1.0.10.78", "NA", None, "Crius")
    without = "gbtest-deviceconfig-ProductInformationResponseException0A-rawProductInformation"
    assert Product.decode(plain(without)) == Product("1.0.10.78", "NA", None, None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gb-battery-answer-01013d-cbc", Battery(61, None)),
        ("gb-battery-answer-010164-plain", Battery(100, None)),
        ("gb-battery-answer-010100-plain", Battery(0, None)),
        ("gb-battery-answer-010100-cbc", Battery(0, None)),
        ("gb-battery-answer-01013d02023d5003020100-cbc", Battery(61, charging=True)),
        ("gb-battery-pushed", Battery(88, None)),
    ],
)
def test_a_battery_is_read_in_plain_and_sealed(name: str, expected: Battery) -> None:
    assert Battery.decode(plain(name)) == expected
    assert expected.percent == says(name)["percent"]


@pytest.mark.parametrize(
    "name", ["gb-result-100000", "gb-result-100004", "gb-result-100007", "gb-result-106489", "gb-result-115001"]
)
def test_a_result_is_read(name: str) -> None:
    said, code = message(name), says(name)["code"]
    assert packets.result_of(said.body) == code
    assert packets.result(code) == said.body


def test_a_band_8_says_that_it_is_busy() -> None:
    (body,) = parts("band8-busy")
    assert packets.result_of(body) == says("band8-busy")["code"] == packets.BUSY


def test_the_steps_of_a_day_are_the_sum_over_its_activities() -> None:
    (body,) = parts("zyv-totals")
    assert packets.steps_today(body) == sum(each.get("steps", 0) for each in says("zyv-totals")["activities"]) == 624


def test_the_first_settings_are_asked_for_as_the_makers_app_does() -> None:
    (asked,) = parts("band11pro-setting-related")
    assert tlv.encode(*Fields.decode(asked).held) == setup.ASK_SETTINGS


# ------------------------------------------------------------------ minutes

COUNTS = ("gb-step-count-request", "gb-sleep-count-request")
RECORDS = "gb-step-record-hour-slice244", "gb-step-record-hour-slice1022", "gb-step-record-hour-gcm"
VALUES: dict[str, tuple[int | None, int | None, bool]] = {
    "gb-minute-00": (0, None, True),
    "gb-minute-0e007801900050": (120, None, True),
    "gb-minute-02ffff": (None, None, True),
    "gb-minute-020000": (0, None, True),
    "gb-minute-0a00640050": (100, None, True),
    "gb-minute-8003623c": (0, None, True),
    "gb-minute-c0014862": (0, 72, True),
    "gb-minute-4000": (0, None, True),
    "gb-minute-40ff": (0, None, True),
    "gb-minute-2001": (0, None, True),
    "gb-minute-7e0001000200030004055a": (1, 90, True),
    "gb-minute-01000e": (0, None, True),
    "gb-minute-0e00": (None, None, False),
    "gb-minute-7f00010002000300040005061e": (2, 30, True),
    "gb-minute-ff0f000100020003000400050607640a0b0c": (2, 7, True),
    "gb-minute-080002": (0, None, True),
    "gb-minute-8000": (0, None, True),
    "shiroi-minutes-1": (100, 80, True),
    "shiroi-minutes-3": (100, None, False),
}
"""Steps, heart rate, and whether all is there. Steps that a minute does not tell, where a peer says -1, are 0."""


@pytest.mark.parametrize("name", COUNTS)
def test_records_are_counted(name: str) -> None:
    told = says(name)
    start, end = (datetime.fromtimestamp(told[key], UTC) for key in ("from", "to"))
    what = minutes.COUNT_MINUTES if "step" in name else minutes.COUNT_SLEEP
    assert frames(Message(*what, minutes.count(start, end))) == parts(name)


@pytest.mark.parametrize("name", ["gb-step-data-request-1", "gb-step-data-request-255", "gb-step-data-request-1000"])
def test_a_record_is_asked_for(name: str) -> None:
    assert frames(Message(*minutes.MINUTES, minutes.ask(says(name)["index"]))) == parts(name)


def test_a_window_never_begins_before_2000() -> None:
    """A test elsewhere asks from 1970, which is said to upset some bands."""
    name = "gbtest-fitnessdata-MessageCountRequest-sleepSerialized"
    asked = minutes.count(datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(0x01020304, UTC))
    assert Fields.decode(plain(name)).number(0x03) == 0
    assert [Fields.decode(asked).number(tag) for tag in (3, 4)] == [946684800, 946684800]


def test_a_record_of_the_test_elsewhere_is_asked_for() -> None:
    assert minutes.ask(0x1337) == plain("gbtest-fitnessdata-MessageDataRequest-expectedStep")


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("gb-step-count-answer-1", 1),
        ("gb-step-count-answer-40", 40),
        ("gb-step-count-answer-32767", 32767),
        ("gbtest-fitnessdata-MessageCountResponse-rawSleep", 0x1337),
        ("gbtest-fitnessdata-MessageCountResponse-rawStep", 0x1337),
    ],
)
def test_a_count_is_read(name: str, count: int) -> None:
    assert minutes.counted(plain(name)) == count


@pytest.mark.parametrize(("name", "expected"), VALUES.items())
def test_the_values_of_a_minute_are_read(name: str, expected: tuple[int | None, int | None, bool]) -> None:
    (data,) = parts(name)
    assert minutes.decode_values(data) == expected
    told = says(name)
    peer = {key: value for key, value in told.items() if value != -1}
    for key, value in (("steps_signed16", expected[0]), ("steps", expected[0]), ("heart_rate_signed8", expected[1])):
        if key in peer and (key, peer[key]) != ("heart_rate_signed8", 0):  # a heart rate of 0 is none
            assert value == peer[key]
    assert expected[2] == (not told.get("error") and "rest" not in told)


@pytest.mark.parametrize("name", ["gb-minute-offset-59", "gb-minute-offset-127", "gb-minute-offset-255"])
def test_an_offset_has_no_sign(name: str) -> None:
    (minute,) = Record.decode(plain(name)).minutes
    assert minute.start.timestamp() == says(name)["unsigned_reading"]
    assert (says(name)["peer_says"] == says(name)["unsigned_reading"]) == (name not in CONTRADICTED)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_of_an_hour_is_read(name: str) -> None:
    told, record = says(name), Record.decode(plain(name))
    base = datetime.fromtimestamp(told["base"], UTC)
    assert record.index == told["index"]
    assert [minute.start for minute in record.minutes] == [base + offset * MINUTE for offset in range(60)]
    assert [minute.steps for minute in record.minutes] == [steps or 0 for steps in told["steps"]]
    assert record.damaged == 0


def test_a_night_of_a_band_11_pro_is_34_minutes_without_steps() -> None:
    (inside,) = parts("band11pro-record9")
    record = Record.decode(tlv.encode((0x81, inside)))
    told = says("band11pro-record9")
    base = datetime(2026, 8, 22, 1, 58, tzinfo=UTC)
    assert base.timestamp() == told["base"]
    assert record == Record(9, tuple(Minute(base + offset * MINUTE, 0, None) for offset in range(34)), 0)


def test_records_of_the_tests_elsewhere_are_read() -> None:
    start = datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)
    one = Record.decode(plain("gbtest-fitnessdata-MessageDataStepResponseSingleByte-raw"))
    assert one == Record(1, (Minute(start, 0, None), Minute(start + MINUTE, 0, 2)), 0)
    spo2 = Record.decode(plain("gbtest-fitnessdata-SpoData-raw"))
    at = datetime.fromtimestamp(0xCAFEBEEF, UTC)
    assert spo2 == Record(0x1337, (Minute(at, 0, None),), 0)


@pytest.mark.parametrize("name", ["gb-sleep-record-1699963200", "gb-sleep-record-1699970000"])
def test_a_span_of_sleep_is_read(name: str) -> None:
    told = says(name)
    start = datetime.fromtimestamp(told["start"], UTC)
    assert Night.decode(plain(name)).spans == (Slept(start, start + told["minutes"] * MINUTE),)


def test_a_span_that_is_no_sleep_is_left_out() -> None:
    assert Night.decode(plain("gbtest-fitnessdata-MessageDataSleepResponse-raw")) == Night(0x1337, ())


# ------------------------------------------------------------------ text


def test_a_reminder_is_the_message_of_a_public_client() -> None:
    told = says("gb-notification-hip")
    body = packets.notification(told["id"], told["title"], told["sender"], told["text"], told["app"])
    assert frames(Message(*packets.NOTIFY, body)) == parts("gb-notification-hip")


def test_a_long_reminder_is_the_one_of_a_public_client() -> None:
    told = says("gb-notification-long")
    text = "0123456789" * (told["text_length"] // 10)
    body = packets.notification(told["id"], "Hip", "Hipsync", text, "hipsync")
    assert frames(Message(*packets.NOTIFY, body), 512) == parts("gb-notification-long")


# ------------------------------------------------------------------ workouts

WORKOUTS = (
    "huawei-totals-type-1", "huawei-totals-type-2", "huawei-totals-type-135", "huawei-totals-type-141",
    "huawei-totals-type-200", "huawei-totals-type-134", "huawei-totals-type-255", "huawei-totals-type-None",
)  # fmt: skip


def test_workouts_are_listed() -> None:
    start, end = (datetime.fromtimestamp(says("huawei-count-request")[key], UTC) for key in ("from", "to"))
    assert frames(Message(*workouts.LIST, workouts.ask_list(start, end))) == parts("huawei-count-request")
    theirs = plain("huawei-workout-count-request")
    assert workouts.ask_list(datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(0x01020304, UTC)) == theirs


def test_the_list_counts_and_not_its_count() -> None:
    told = says("huawei-workout-count-response")
    assert workouts.numbers(plain("huawei-workout-count-response")) == [each["number"] for each in told["workouts"]]
    assert told["count"] == 4919


def test_a_workout_is_asked_for() -> None:
    assert workouts.ask(4919) == plain("huawei-workout-totals-request")


@pytest.mark.parametrize("name", WORKOUTS)
def test_a_workout_is_read(name: str) -> None:
    told = says(name)
    start, end = (datetime.fromisoformat(told[key]) for key in ("start", "end"))
    assert workouts.decode(message(name).body, told["number"]) == Workout(WorkoutKind(told["kind"]), start, end)
    with pytest.raises(MalformedPacket):
        workouts.decode(message(name).body, told["number"] + 1)


def test_a_band_may_refuse_to_list_workouts() -> None:
    assert packets.result_of(message("huawei-count-error").body) == says("huawei-count-error")["error"]


# ------------------------------------------------------------------ the collection


def test_no_vector_is_left_unused() -> None:
    modules = ("test_huawei_vectors.py", "test_huawei_login_vectors.py", "test_huawei_sim.py")
    here = "".join(Path(__file__).with_name(name).read_text("utf-8") for name in modules)
    unused = {name for name in ROWS if f'"{name}"' not in here}
    assert len(ROWS) > 250
    assert unused == set()
    assert ROWS.keys() >= CONTRADICTED.keys()
