"""The codec of Huawei and Honor bands: what goes in comes out, and anything is a value or an error of the band."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.driver import Advertisement
from hipsync.errors import DeviceError, MalformedPacket, NotAuthorised, UnexpectedReply
from hipsync_devices.huawei import ciphers, hichain, minutes, models, packets, proofs, setup, tlv, workouts
from hipsync_devices.huawei.ciphers import Cipher
from hipsync_devices.huawei.frames import (
    NOTIFY,
    SERVICE,
    WRITE,
    Assembly,
    Message,
    checksum,
    frame_size,
    frames,
)
from hipsync_devices.huawei.hichain import Answer, Answered, Begun
from hipsync_devices.huawei.keys import Keys
from hipsync_devices.huawei.minutes import Minute, Night, Record, Slept
from hipsync_devices.huawei.packets import Battery, Bonded, LinkParameters, Product
from hipsync_devices.huawei.tlv import Field, Fields

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MESSAGES = st.builds(Message, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=1200))
FIELDS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)).filter(lambda field: field != (0, b"")))


# ------------------------------------------------------------------ fields


@given(st.integers(0, tlv.LONGEST))
def test_a_length_comes_out_as_it_went_in(number: int) -> None:
    assert tlv.decode_varint(tlv.varint(number)) == (number, len(tlv.varint(number)))


def test_the_longest_length_has_three_groups_and_there_is_no_longer_one() -> None:
    assert (tlv.varint(tlv.LONGEST), tlv.varint(0)) == (b"\xff\xff\x7f", b"\0")
    for number in (tlv.LONGEST + 1, -1):
        with pytest.raises(ValueError, match="no length"):
            tlv.varint(number)


@given(FIELDS, st.booleans())
def test_fields_come_out_as_they_went_in_padded_or_not(fields: list[tuple[int, bytes]], padded: bool) -> None:
    data = tlv.encode(*fields) + (b"\0" if padded else b"")
    assert Fields.decode(data).held == tuple(Field(*field) for field in fields)


@pytest.mark.parametrize("data", ["01", "0103ffff", "0180", "01808080", "0181818100"])
def test_a_field_that_is_cut_is_refused_with_its_bytes(data: str) -> None:
    with pytest.raises(MalformedPacket) as refused:
        Fields.decode(bytes.fromhex(data))
    assert refused.value.packet == bytes.fromhex(data)


def test_a_number_is_one_to_eight_bytes() -> None:
    fields = Fields.decode(tlv.encode((1, b"\x12\x34"), (2, b""), (3, bytes(9)), (4, b"\xff" * 8), (1, b"\5")))
    assert (fields.number(1), fields.number(4), fields.number(9, 7)) == (0x1234, (1 << 64) - 1, 7)
    assert fields.all(1) == [b"\x12\x34", b"\5"]
    for tag in (2, 3, 9):
        with pytest.raises(MalformedPacket):
            fields.number(tag)


# ------------------------------------------------------------------ frames


@given(st.lists(MESSAGES, max_size=4), st.integers(10, 1100), st.integers(1, 400))
def test_messages_come_out_as_they_went_in_however_they_are_cut(
    said: list[Message], slice_size: int, link_size: int
) -> None:
    cut = [frame for message in said for frame in frames(message, slice_size)]
    assert all(len(frame) <= max(slice_size, 9) for frame in cut)
    stream = b"".join(cut)
    assembly = Assembly()
    heard = [each for at in range(0, len(stream), link_size) for each in assembly.take(stream[at : at + link_size])]
    assert (heard, assembly.spoilt) == (said, None)


HOUR = Message(7, 11, bytes(range(256)) * 6)


@pytest.mark.parametrize(
    "order",
    [[1, 2, 3, 4, 5, 6], [0, 2, 3, 4, 5, 6], [0, 1, 1, 2, 3, 4, 5, 6], [0, 2, 1, 3, 4, 5, 6], [6], [0, 1, 2], [1]],
    ids=str,
)
def test_a_message_of_which_a_slice_is_lost_doubled_or_misplaced_is_dropped_and_the_next_is_whole(
    order: list[int],
) -> None:
    slices = frames(HOUR)
    assert len(slices) == 7
    assembly = Assembly()
    assert [each for number in order for each in assembly.take(slices[number])] == []
    assert [each for frame in slices for each in assembly.take(frame)] == [HOUR]


def test_a_message_of_more_than_256_slices_counts_on_from_0() -> None:
    slices = frames(HOUR, 12)
    assert [frame[4] for frame in slices[255:258]] == [255, 0, 1]
    assembly = Assembly()
    assert [each for frame in slices for each in assembly.take(frame)] == [HOUR]


def test_a_message_that_does_not_end_is_dropped() -> None:
    slices = frames(Message(7, 11, bytes(70_000)), 1022)
    assembly = Assembly()
    assert [each for frame in slices for each in assembly.take(frame)] == []
    assert assembly.spoilt is not None


def test_the_characteristics_and_commands_are_those_of_the_sheet() -> None:
    """As docs/protocols/huawei.md writes them in 2, 8.1 and 9; both ends of a simulated talk share the constants."""
    assert [each[4:8] for each in (SERVICE, WRITE, NOTIFY)] == ["fe86", "fe01", "fe02"]
    assert {each[8:] for each in (SERVICE, WRITE, NOTIFY)} == {"-0000-1000-8000-00805f9b34fb"}
    assert (minutes.COUNT_MINUTES, minutes.MINUTES) == ((7, 0x0A), (7, 0x0B))
    assert (minutes.COUNT_SLEEP, minutes.SLEEP) == ((7, 0x0C), (7, 0x0D))


@pytest.mark.parametrize(
    ("head", "size"),
    [("5a", None), ("5a00", None), ("5a0001", 6), ("5a7fff", 0x8004), ("", None)],
)
def test_the_length_of_a_frame_is_in_its_second_and_third_byte(head: str, size: int | None) -> None:
    assert frame_size(bytes.fromhex(head)) == size


@pytest.mark.parametrize("head", ["5a0000", "5a8000", "5affff", "5b0005", "00"])
def test_no_frame_is_empty_or_has_the_top_bit_of_its_length_set(head: str) -> None:
    with pytest.raises(MalformedPacket):
        frame_size(bytes.fromhex(head))


@pytest.mark.parametrize(("too_long", "heard"), [(0, 1), (1, 0)])
def test_a_message_of_64_kib_of_slices_is_put_together_and_no_longer_one(too_long: int, heard: int) -> None:
    """Each of the 65 slices counts with its number; service and command are in the first."""
    told = Message(7, 11, bytes((1 << 16) - 65 - 2 + too_long))
    slices = frames(told, 1022)
    assert len(slices) == 65
    (short,) = frames(Message(1, 8))
    assembly = Assembly()
    for before in (b"", short, slices[0], slices[0] + short):
        assembly.take(before)
        assert [each for frame in slices for each in assembly.take(frame)] == [told] * heard
        assembly.take(slices[0])
        assembly.forget()
        assert [each for frame in slices for each in assembly.take(frame)] == [told] * heard


@pytest.mark.parametrize("inside", ["00", "0001", "01", "02", "03", "04", "04000108", "ff000108", "02010108"])
def test_a_frame_without_a_command_or_of_no_kind_is_spoilt(inside: str) -> None:
    assembly = Assembly()
    head = bytes.fromhex("5a") + (len(inside) // 2).to_bytes(2, "big") + bytes.fromhex(inside)
    assert assembly.take(head + checksum(head).to_bytes(2, "big")) == []
    assert assembly.spoilt is not None


def test_what_waits_for_its_rest_can_be_forgotten() -> None:
    (whole,) = frames(Message(1, 8, packets.ASK))
    assembly = Assembly()
    assembly.take(whole[:7])
    assembly.forget()
    assert assembly.take(whole) == [Message(1, 8, packets.ASK)]


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_any_stream_is_messages_or_told_to_be_spoilt(stream: list[bytes]) -> None:
    assembly = Assembly()
    heard = [each for data in stream for each in assembly.take(data)]
    whole = b"".join(stream)
    assert all(each.body in whole for each in heard)
    assert assembly.spoilt is None or assembly.spoilt.packet in whole


# ------------------------------------------------------------------ ciphers

CIPHERS = Cipher(bytes(range(16)), gcm=False), Cipher(bytes(range(16)), gcm=True), Cipher(bytes(range(32)), gcm=True)


@given(st.sampled_from(CIPHERS), st.binary(max_size=400), st.binary(min_size=16, max_size=16))
def test_a_sealed_body_is_opened_with_its_key_alone(cipher: Cipher, body: bytes, iv: bytes) -> None:
    sealed = cipher.seal(body, iv)
    assert ciphers.is_sealed(sealed)
    assert ciphers.unsealed(sealed, cipher) == body
    with pytest.raises(MalformedPacket):
        ciphers.unsealed(sealed, None)
    if cipher.gcm:
        with pytest.raises(MalformedPacket):
            ciphers.unsealed(sealed, Cipher(bytes(len(cipher.key)), gcm=True))


@given(st.sampled_from(CIPHERS), st.binary(max_size=80), st.binary(max_size=20))
def test_any_sealed_bytes_are_a_body_or_malformed(cipher: Cipher, text: bytes, iv: bytes) -> None:
    body = tlv.encode((ciphers.SEALED, b"\1"), (ciphers.IV, iv), (ciphers.TEXT, text))
    carried = b""
    try:
        ciphers.unsealed(body, cipher)
    except MalformedPacket as error:
        carried = error.packet
    assert cipher.key not in carried


def test_a_body_in_plain_is_left_as_it_is() -> None:
    assert ciphers.unsealed(b"\1\1\x3d", CIPHERS[0]) == b"\1\1\x3d"


# ------------------------------------------------------------------ HiChain


def begun(operation: int) -> Begun:
    return Begun(operation, 1_700_000_000_123, "0123456789ABCDEF" * 2, bytes(32), bytes(range(16)), bytes(range(32)))


def said(number: int, payload: object, **outer: object) -> bytes:
    text = json.dumps({"message": number, "payload": payload, **outer}).encode() + b"\0"
    return tlv.encode((hichain.JSON, text), (hichain.OPERATION, b"\1"), (hichain.ENDED, b"\0"))


@pytest.mark.parametrize("operation", [hichain.BIND, hichain.AUTHENTICATE])
def test_a_greeting_has_what_the_sheet_lists(operation: int) -> None:
    fields = Fields.decode(begun(operation).greeting())
    told: dict[str, Any] = json.loads(fields.value(hichain.JSON))
    assert fields.number(hichain.OPERATION) == operation
    assert fields.value(hichain.REQUEST).hex() == "0000018bcfe5687b"
    assert told["message"] == {1: 1, 2: 17}[operation]
    payload = {
        "isoSalt": "000102030405060708090A0B0C0D0E0F",
        "seed": "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
        "peerAuthId": "3031323334353637383941424344454630313233343536373839414243444546",
        "operationCode": operation, "peerUserType": 0,
        "version": {"minVersion": "1.0.0", "currentVersion": "2.0.16"},
    }  # fmt: skip
    if operation == hichain.AUTHENTICATE:
        payload |= {"pkgName": "com.huawei.devicegroupmanage", "serviceType": hichain.GROUP, "keyLength": 32}
        assert told["isDeviceLevel"] is False
        assert "groupId" not in told
    else:
        assert (told["groupId"], told["requestId"]) == (hichain.GROUP, "1700000000123")
    assert told["payload"] == payload


# the worked example of the sheet, section 4.5
EXAMPLE = Begun(
    hichain.BIND, 0, "0123456789ABCDEF" * 2, hichain.root_of(b"123456"), bytes(range(0x20, 0x30)), bytes(range(32))
)


def test_the_worked_example_comes_out() -> None:
    made = Answered(EXAMPLE, bytes(range(0x30, 0x40)), b"PEER")
    assert EXAMPLE.root.hex() == "b187c709d8ac120a9354afaed772212ce96ce842aaee72dcf54f4350d5f234c3"
    assert made.band_token.hex() == "ab83f35178356a564461e9152f7038cba706e93572ff23260abe5ed6e4f53e3d"
    assert made.token.hex() == "acb3f51bd1ad4e31164a00fde3d4bdc8c9f4641e3f67c36eae101c3800658039"
    assert made.receipt.hex() == "5539be8b6bac12b8b54df2cd12e8a23a39f2c80842c70196a0f9e186e9339586"
    assert made.session.hex() == "529c48607aca765e6c32e32516af90fd90ca6e49ad8725d399fbd28fcab5abe3"
    assert made.traffic.hex() == "bebeb4db31015924dc2e5550faf8943aacb035091e778c56f039b9369967de5a"
    result = json.loads(Fields.decode(made.result(bytes(12))).value(hichain.JSON))
    assert result["payload"]["encResult"] == "74530EAA37474CF336E3DE4CEB0849BCFC5B4B16"
    pin = bytes.fromhex("e7e2008142df84e9c5aefd5adb048fd5")
    assert proofs.pin_of(proofs.OLD, pin, bytes(16), gcm=False) == b"123456"


def test_the_worked_examples_of_the_other_logins_come_out() -> None:
    nonces = bytes(range(0xA0, 0xB0)) + bytes(range(0x50, 0x60))
    classic = {version: proofs.classic(version, proofs.CHALLENGE, nonces).digest.hex()[:16] for version in (1, 2, 3)}
    assert classic == {1: "c61bb6d433c00f2c", 2: "39c24156d538dfdf", 3: "a9de8ce172b24b29"}
    lite = proofs.lite(proofs.NEW, proofs.CHALLENGE, nonces, b"123456", proofs.PBKDF2)
    assert lite.digest.hex() == "e80f7ee5d56172e29dd21a6e72b067bce2d50cce29dc93fdcdc2fe05edc3d97c"
    assert lite.inner[:16].hex() == "31d07a576108c7f1b1b174fd84e9d4bf"
    assert proofs.address_key(1, "01:23:45:67:89:AB").hex() == "1dc3e8a308af35056ca9ca18559b488b"
    assert proofs.address_key(3, "01:23:45:67:89:AB").hex() == "3c5e987fc223e513b03f030edd794e8d"


def greeted(**changed: object) -> bytes:
    made = Answered(EXAMPLE, bytes(16), b"PEER")
    payload = {"isoSalt": bytes(16).hex(), "peerAuthId": b"PEER".hex(), "token": made.band_token.hex()} | changed
    return said(0x8001, {name: value for name, value in payload.items() if value is not None})


def test_the_bands_proof_is_judged() -> None:
    assert Answered.of(EXAMPLE, Answer.decode(greeted())).band_identity == b"PEER"
    with pytest.raises(NotAuthorised, match="pair it again"):
        Answered.of(EXAMPLE, Answer.decode(greeted(token=bytes(32).hex())))
    with pytest.raises(NotAuthorised, match="pair it again"):
        Answered(EXAMPLE, bytes(16), b"PEER").judge(Answer.decode(said(0x8002, {"returnCodeMac": "00"})))


@pytest.mark.parametrize(
    "changed",
    [{"token": None}, {"isoSalt": "00"}, {"isoSalt": 5}, {"peerAuthId": "zz"}, {"token": ["00"]}],
    ids=str,
)
def test_an_answer_without_its_parts_is_malformed(changed: dict[str, object]) -> None:
    with pytest.raises(MalformedPacket):
        Answered.of(EXAMPLE, Answer.decode(greeted(**changed)))


@pytest.mark.parametrize(
    "body", [said(0x8080, {}), said(0x8001, {"errorCode": 3}), said(0x8001, {}, errorCode=-1)], ids=range(3)
)
def test_an_error_of_the_band_refuses_the_pairing(body: bytes) -> None:
    with pytest.raises(NotAuthorised, match="pair it again"):
        Answer.decode(body)


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{", b"\xff", b'{"payload":{}}', b'{"message":1}', b"[" * 5000, b"{}" + b" " * 9000, b"1" * 5000],
    ids=range(9),
)
def test_what_is_no_message_of_hichain_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedPacket):
        Answer.decode(tlv.encode((hichain.JSON, text), (hichain.ENDED, b"\0")))


def test_the_end_of_an_operation_has_no_json() -> None:
    body = tlv.encode((hichain.JSON, b"com.huawei.health"), (hichain.OPERATION, b"\2"), (hichain.ENDED, b"\2"))
    assert Answer.decode(body).ended == hichain.AUTHENTICATE


# ------------------------------------------------------------------ device


@pytest.mark.parametrize("version", [0, 5, 255])
def test_a_version_of_the_login_that_nobody_knows_is_told(version: int) -> None:
    with pytest.raises(UnexpectedReply, match=f"version {version}"):
        proofs.classic(version, proofs.CHALLENGE, bytes(32))


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (0, "0000"),
        (1, "0100"),
        (-5, "8500"),
        (5.5, "051e"),
        (5.75, "052d"),
        (-2.5, "821e"),
        (-9.5, "891e"),
        (14, "0e00"),
    ],
)
def test_a_zone_is_a_sign_hours_and_minutes(hours: float, expected: str) -> None:
    assert packets.zone_bytes(timedelta(hours=hours)).hex() == expected


def test_commands_are_read_in_the_order_of_the_request() -> None:
    asked = {0x17: b"\1", 0x07: b"\3\x0a"}
    body = tlv.encode((0x81, bytes.fromhex("020117 040101 020107 04020001".replace(" ", ""))))
    assert packets.commands_in(body, asked) == {(0x17, 1), (0x07, 0x0A)}
    services = tlv.encode((0x02, b"\1\0\1"))
    assert packets.services_in(services, b"\1\7\x17") == {1, 0x17}


def test_link_parameters_that_are_absent_have_their_defaults() -> None:
    """Some old bands tell the size of a write and their nonce alone."""
    body = tlv.encode((0x03, b"\0\x14"), (0x05, b"\0\3" + bytes(16)))
    link = LinkParameters.decode(body)
    assert (link.slice_size, link.link_size, link.interval, link.kind) == (244, 20, timedelta(), packets.CLASSIC)
    assert (link.gcm, link.negotiates) == (False, False)


@pytest.mark.parametrize("sizes", ["02020009 0302 0014", "020200f4 03020000", "02030f4240 03020014"])
def test_sizes_that_nothing_fits_into_are_refused(sizes: str) -> None:
    body = bytes.fromhex(sizes.replace(" ", "")) + tlv.encode((0x05, b"\0\1" + bytes(16)))
    with pytest.raises(MalformedPacket):
        LinkParameters.decode(body)


def test_a_battery_of_more_than_100_percent_is_refused() -> None:
    with pytest.raises(MalformedPacket):
        Battery.decode(bytes.fromhex("0101ff"))


# ------------------------------------------------------------------ minutes, nights, workouts


def record(*values: bytes, base: int = int(START.timestamp()), index: int = 3) -> bytes:
    held = [(0x84, value) for value in values]
    return tlv.encode((0x81, tlv.encode((2, index.to_bytes(2, "big")), (3, base.to_bytes(4, "big")), *held)))


def minute(offset: int, data: str) -> bytes:
    return tlv.encode((5, bytes([offset])), (6, bytes.fromhex(data)))


@pytest.mark.parametrize(("told", "number"), [("ffff", 0xFFFF), ("00ffff", 0xFFFF), ("0000", 0), ("010000", None)])
def test_records_are_counted_in_two_bytes(told: str, number: int | None) -> None:
    body = tlv.encode((0x81, tlv.encode((2, bytes.fromhex(told)))))
    if number is None:
        with pytest.raises(MalformedPacket):
            minutes.counted(body)
    else:
        assert minutes.counted(body) == number


def test_damaged_minutes_are_counted_and_what_can_be_read_of_them_is_kept() -> None:
    held = Record.decode(
        record(
            minute(0, "00"), minute(1, "4e0064"), minute(2, "0e00"), minute(3, ""), tlv.encode((5, b"\4")), b"\5",
            minute(6, "40505a"), minute(7, "80"), minute(255, "4050"),
        )
    )  # fmt: skip
    assert held.minutes == (
        Minute(START, 0, None),
        Minute(START + MINUTE, 100, None),
        Minute(START + 2 * MINUTE, None, None),
        Minute(START + 3 * MINUTE, None, None),
        Minute(START + 6 * MINUTE, 0, 80),
        Minute(START + 7 * MINUTE, 0, None),
        Minute(START + 255 * MINUTE, 0, 80),
    )
    assert held.damaged == 6


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("02ffff", (None, None, True)),
        ("02fffe", (0xFFFE, None, True)),
        ("4000", (0, None, True)),
        ("40ff", (0, None, True)),
        ("4001", (0, 1, True)),
        ("40fe", (0, 254, True)),
        ("3f00010002000300040005", (2, None, False)),
        ("3f0001000200030004000506", (2, None, True)),
        ("7f00010002000300040005064b", (2, 75, True)),
        ("8001", (0, None, False)),
        ("800162", (0, None, True)),
        ("c0033c6240", (0, 60, True)),
        ("c0033c62", (0, 60, False)),
    ],
)
def test_the_values_of_a_minute_have_the_widths_of_the_sheet(
    data: str, expected: tuple[int | None, int | None, bool]
) -> None:
    """docs/protocols/huawei.md, 8.2: two bytes each but for bits 20 and 40; then one for each bit of the second map."""
    assert minutes.decode_values(bytes.fromhex(data)) == expected


@pytest.mark.parametrize(("base", "offset", "whole"), [
    ("ffffffff", "ff", True), ("00ffffffff", "00ff", True), ("ffffffff", "0100", False), ("0100000000", "00", None),
])  # fmt: skip
def test_a_record_is_of_a_time_of_four_bytes_and_an_offset_of_one(base: str, offset: str, whole: bool | None) -> None:
    told = tlv.encode((5, bytes.fromhex(offset)), (6, b"\0"))
    body = tlv.encode((0x81, tlv.encode((2, b"\0\0"), (3, bytes.fromhex(base)), (0x84, told))))
    if whole is None:
        with pytest.raises(MalformedPacket):
            Record.decode(body)
    else:
        held = Record.decode(body)
        assert (held.damaged, len(held.minutes)) == ((0, 1) if whole else (1, 0))
        assert all(each.start == datetime.fromtimestamp(0xFFFF_FFFF + 255 * 60, UTC) for each in held.minutes)


@pytest.mark.parametrize("span", ["6907d20000", "6907d200000100"])
def test_a_span_of_sleep_has_six_bytes(span: str) -> None:
    held = tlv.encode((4, b"\7"), (5, bytes.fromhex(span)))
    with pytest.raises(MalformedPacket):
        Night.decode(tlv.encode((0x81, tlv.encode((2, b"\0\0"), (0x83, held)))))


def test_nights_are_light_and_deep_sleep() -> None:
    spans = [tlv.encode((4, bytes([kind])), (5, bytes.fromhex("6907d200") + b"\2\x30")) for kind in (6, 1, 7)]
    body = tlv.encode((0x81, tlv.encode((2, b"\0\1"), *((0x83, span) for span in spans))))
    start = datetime.fromtimestamp(0x6907D200, UTC)
    assert Night.decode(body).spans == (Slept(start, start + 560 * MINUTE),) * 2


@pytest.mark.parametrize(
    ("start", "end"), [(100, 100), (200, 100), (100, 100 + 86400), (0, 1 << 33)], ids=["none", "less", "a day", "ever"]
)
def test_a_workout_of_an_impossible_length_is_refused(start: int, end: int) -> None:
    body = tlv.encode((0x81, tlv.encode((2, b"\0\1"), (4, start.to_bytes(5, "big")), (5, end.to_bytes(5, "big")))))
    with pytest.raises(MalformedPacket):
        workouts.decode(body, 1)


def test_workouts_are_listed_once_each() -> None:
    numbers = b"".join(tlv.encode((0x85, tlv.encode((6, bytes([0, number]))))) for number in (4, 2, 4))
    assert workouts.numbers(tlv.encode((0x81, tlv.encode((2, b"\0\3")) + numbers))) == [4, 2]


@pytest.mark.parametrize(("number", "is_one"), [("ffff", True), ("00ffff", True), ("010000", False)])
def test_the_number_of_a_workout_has_two_bytes(number: str, is_one: bool) -> None:
    body = tlv.encode((0x81, tlv.encode((0x85, tlv.encode((6, bytes.fromhex(number)))))))
    if is_one:
        assert workouts.numbers(body) == [0xFFFF]
    else:
        with pytest.raises(MalformedPacket):
            workouts.numbers(body)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, "running"), (2, "walking"), (3, "cycling"), (4, "walking"), (5, "treadmill"), (6, "other"),
        (7, "cycling_indoor"), (8, "other"), (11, "running"), (13, "walking"), (14, "walking"), (21, "other"),
        (134, "other"), (135, "rowing_machine"), (141, "cycling_indoor"), (200, "rowing"), (213, "cycling"),
        (255, "other"), (0, "other"), (None, "other"),
    ],
)  # fmt: skip
def test_the_kind_of_a_workout_is_the_one_of_the_sheet(code: int | None, kind: str) -> None:
    """docs/protocols/workouts.md, 5: the type has one byte, and may be absent."""
    told = () if code is None else ((0x14, bytes([code])),)
    body = tlv.encode((0x81, tlv.encode((2, b"\1"), (4, b"\1\0"), (5, b"\1\1"), *told)))
    assert workouts.decode(body, 1).kind == kind


@pytest.mark.parametrize(("end", "is_one"), [("ffffffff", True), ("00ffffffff", True), ("0100000000", False)])
def test_the_stamps_of_a_workout_have_four_bytes(end: str, is_one: bool) -> None:
    body = tlv.encode((0x81, tlv.encode((2, b"\1"), (4, b"\xff\xff\xff\x00"), (5, bytes.fromhex(end)))))
    if is_one:
        assert workouts.decode(body, 1).end == datetime.fromtimestamp(0xFFFF_FFFF, UTC)
    else:
        with pytest.raises(MalformedPacket):
            workouts.decode(body, 1)


# ------------------------------------------------------------------ setup, keys, names


def test_what_a_band_asks_of_a_phone_is_answered_once_and_a_result_never() -> None:
    asked = Message(*packets.PHONE_INFO, tlv.encode(*((tag, b"") for tag in (0, 2, 4, 8, 0xF, 0x11, 0x15, 0x20))))
    told = setup.reply_to(asked)
    assert told is not None
    assert told.hex() == "02000400" + "08023134" + "11045f5e306c" + "1500" + "200100"
    granted = setup.reply_to(Message(*packets.PERMISSION, bytes.fromhex("01020003")))
    assert granted is not None
    assert granted.hex() == "01020003" + "02020001"
    assert setup.reply_to(Message(0x1A, 0x03, b"\1\1\1")) == packets.result(packets.OK)
    for quiet in ((0x1A, 0x03), packets.PHONE_INFO):
        assert setup.reply_to(Message(*quiet, packets.result(packets.OK))) is None
    for what in (packets.MOVED, (0x25, 0x03), (0x34, 0x01), (0x37, 0x01)):
        assert setup.reply_to(Message(*what, b"\1\1\1")) is None


def test_the_agreements_are_dated() -> None:
    blocks = list(Fields.decode(setup.agreements(START)).only(0x81).inside(0x82))
    assert [block.value(3) for block in blocks] == [b"device_information_management", b"user_license_agreement"]
    assert {block.value(6) for block in blocks} == {b"1793610000000"}
    assert setup.last_word("HUAWEI Band 10-ABC").hex() == "010101" + "0212" + b"HUAWEI Band 10-ABC".hex() + "030100"


def test_keys_are_kept_and_read_again() -> None:
    key = bytes(range(16))
    ours = Keys.of(key)
    assert re.fullmatch("FF:FF:FF(:[0-9A-F]{2}){3}", ours.phone)
    assert ours.serial == ours.phone.replace(":", "")[6:]
    assert re.fullmatch("[0-9A-F]{32}", ours.identity)
    assert (len(ours.session), len(ours.token)) == (16, 32)
    assert Keys.of(key) == ours != Keys.of(bytes(16))
    later = replace(ours, token=bytes(32))
    assert Keys.of(later.encode()) == later
    assert key.hex() not in repr(ours) + later.encode().hex()
    assert ours.session.hex() not in repr(ours)


@given(st.binary(max_size=120).filter(lambda kept: len(kept) != 16))
def test_keys_that_are_damaged_are_refused_without_a_word_of_them(kept: bytes) -> None:
    with pytest.raises(MalformedPacket) as refused:
        Keys.of(kept)
    assert refused.value.packet == b""


@pytest.mark.parametrize(
    ("name", "reachable", "classic_only"),
    [
        ("HUAWEI Band 8-1A2", True, False),
        ("HUAWEI  BAND 10-ABC", True, False),
        ("honor Band 4-ABC", True, False),
        ("HUAWEI WATCH GT-ABC", True, False),
        ("HUAWEI WATCH GT 2-ABC", False, True),
        ("HUAWEI WATCH GT 2e-ABC", True, False),
        ("HUAWEI WATCH GT 4-ABC", False, True),
        ("HUAWEI WATCH FIT 3-ABC", False, True),
        ("HUAWEI Band 8", False, False),
        ("HUAWEI Band 88-ABC", False, False),
        ("Xiaomi Smart Band 8 1A2B", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_a_name_is_a_models_with_its_hyphen(name: str | None, reachable: bool, classic_only: bool) -> None:
    assert (models.matches(Advertisement(name)), models.refusal(Advertisement(name)) is not None) == (
        reachable,
        classic_only,
    )


# ------------------------------------------------------------------ anything


def nested(tag: int, inner: list[tuple[int, bytes]]) -> bytes:
    return tlv.encode((0x81, tlv.encode(*inner, (tag, tlv.encode(*inner)))))


DECODERS: Sequence[Callable[[bytes], object]] = (
    LinkParameters.decode, Bonded.decode, Product.decode, Battery.decode, Record.decode, Night.decode, Answer.decode,
    packets.negotiated, packets.services_in, packets.steps_today, packets.result_of, minutes.counted,
    minutes.decode_values, workouts.numbers, lambda body: workouts.decode(body, 1),
    lambda body: packets.commands_in(body, packets.COMMANDS_OF), lambda body: setup.reply_to(Message(1, 0x10, body)),
    lambda body: setup.reply_to(Message(1, 0x38, body)),
)  # fmt: skip
SMALL = st.lists(st.tuples(st.integers(0, 9) | st.integers(0x81, 0x85) | st.just(0x7F), st.binary(max_size=6)))
NESTED = st.builds(nested, st.integers(0x81, 0x85), SMALL)


@pytest.mark.parametrize("decode", DECODERS, ids=range(len(DECODERS)))
@given(data=st.one_of(st.binary(max_size=60), SMALL.map(lambda fields: tlv.encode(*fields)), NESTED))
def test_any_bytes_are_a_value_or_an_error_of_the_band(decode: Callable[[bytes], object], data: bytes) -> None:
    carried = b""
    try:
        decode(data)
    except DeviceError as error:
        carried = error.packet if isinstance(error, MalformedPacket) else b""
    assert carried in data
