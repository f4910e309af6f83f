"""Bytes of the newer generation that others recorded, or assert in their tests, against the codec.

The names in the parameter ids and comments are those of the collection the bytes come from; each has its source there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipsync.errors import MalformedPacket
from hipsync_devices.huami import chunked, ecdh, endpoints
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.chunked import Assembly, Keys, Message, Receipt
from hipsync_devices.huami.endpoints import Challenge, Hello, Proof, Setting, Settings
from hipsync_devices.huami.packets import Battery, CurrentTime
from support import shared

COLLECTION = shared.VECTORS / "huami-xiaomi.json"
AREAS = {"auth-2021", "chunked-2021", "config-000a"}

# auth2021-keys
PHONE_PRIVATE = bytes.fromhex("0102030405060708090a0b0c0d0e0f101112131415161718")
BAND_PRIVATE = bytes.fromhex("8182838485868788898a8b8c8d8e8f909192939495969798")
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
RANDOM = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
PHONE_PUBLIC = bytes.fromhex(
    "a1e4ad02c2a44ea24152962c140ea063c69b2e5c07000000cd5073a06d67b78a3bc5f519ab85fb9cf5855dc801000000"
)
BAND_PUBLIC = bytes.fromhex(
    "a331157749a909f067ad232a5c17ab6f2172c30c00000000f4f55b1adffc66c5f35f29c25f89da0773fd256a05000000"
)
SHARED = bytes.fromhex(
    "31d23329561ac3f28c544c3567c749dcfb57ab1b0100000006e817314f23798dedfcf21468607012e19ec7be04000000"
)
SESSION_KEY = bytes.fromhex("8c456e0623922fab73ce01a0cdddeeff")
PROOFS = ("e85541bb232f07099089753d86c0ddf0", "e0f4c3cc1c86767bdd1670a21d60d54f")

# auth2021-hello-mtu23
HELLO = (
    "030100010034000000820004020002a1e4ad02c2", "0300000101a44ea24152962c140ea063c69b2e5c",
    "030000010207000000cd5073a06d67b78a3bc5f5", "030600010319ab85fb9cf5855dc801000000",
)  # fmt: skip
# auth2021-band-answer-computed
BAND_ANSWER = "0303000100430000008200100401f0f1f2f3f4f5f6f7f8f9fafbfcfdfeffa331157749a909f067ad232a5c17ab6f2172c30c00000000f4f55b1adffc66c5f35f29c25f89da0773fd256a05000000"  # noqa: E501
# chunk-encrypted-time-computed
TIME_CHUNKS = (
    "03090004000c0000004700b5d3d4d7294c648c92", "03080004016cc44f4248e8bb7b8598840d9b155d",
    "030e0004026e6095aa988f52d8",
)  # fmt: skip
TIME_PAYLOAD = "05ea07091e0c223803000808"
TIME_SEQUENCE = "32d23329"
KEYS = Keys(SESSION_KEY, 691262001)


def joined(*chunks: str, keys: Keys | None = None) -> Message | None:
    """What the last of these chunks completes."""
    assembly = Assembly()
    assembly.keys = keys
    return [assembly.take(bytes.fromhex(chunk)) for chunk in chunks][-1]


def drawn(number: bytes) -> int:
    return ecdh.private_key(lambda count: number[:count])


# ------------------------------------------------------------------ key agreement


def test_private_keys_make_the_public_keys_and_the_secret_that_the_others_computed() -> None:
    phone, band = drawn(PHONE_PRIVATE), drawn(BAND_PRIVATE)
    assert ecdh.public_key(phone) == PHONE_PUBLIC
    assert ecdh.public_key(band) == BAND_PUBLIC
    assert ecdh.shared_secret(phone, BAND_PUBLIC) == SHARED
    assert ecdh.shared_secret(band, PHONE_PUBLIC) == SHARED


def test_session_key_number_and_proofs_are_those_of_the_exchange() -> None:
    assert Keys.agreed(SHARED, KEY) == Keys(SESSION_KEY, 691262001)
    assert (answer(KEY, RANDOM).hex(), answer(SESSION_KEY, RANDOM).hex()) == PROOFS


def test_a_point_times_the_order_less_one_is_its_mirror_image() -> None:
    order = 0x40000000000000000000292FE77E70C12A4234C33  # FIPS 186-4, D.1.3.2
    x, y = ecdh.BASE
    assert ecdh.times(1, ecdh.BASE) == (x, y)
    assert ecdh.times(order - 1, ecdh.BASE) == (x, x ^ y)
    with pytest.raises(MalformedPacket):
        ecdh.times(order, ecdh.BASE)


@settings(max_examples=10)
@given(st.integers(1 << 81, (1 << 162) - 1), st.integers(1 << 81, (1 << 162) - 1))
def test_both_ends_agree(one: int, other: int) -> None:
    assert ecdh.shared_secret(one, ecdh.public_key(other)) == ecdh.shared_secret(other, ecdh.public_key(one))


@given(st.integers(1, (1 << 163) - 1))
def test_a_number_times_its_inverse_is_one(bits: int) -> None:
    polynomial = ecdh.spread(bits)
    assert ecdh.gathered(polynomial) == bits
    assert ecdh.product(polynomial, ecdh.inverse(polynomial)) == 1


@pytest.mark.parametrize(
    ("low_bits", "taken"),
    [(1 << 81, 1 << 81), ((1 << 81) - 1, None), (1 << 162, None), ((1 << 192) - 1, (1 << 162) - 1)],
)
def test_a_private_key_has_82_to_162_bits(low_bits: int, taken: int | None) -> None:
    draws = [PHONE_PRIVATE, low_bits.to_bytes(24, "little")]
    expected = taken if taken is not None else 0x01_14_13_12_11_10_0F_0E_0D_0C_0B_0A_09_08_07_06_05_04_03_02_01
    assert ecdh.private_key(lambda _: draws.pop()) == expected


@pytest.mark.parametrize(
    "public",
    [
        b"", BAND_PUBLIC[:47], BAND_PUBLIC + b"\0", bytes(48), b"\xff" * 48,
        bytes([BAND_PUBLIC[0] ^ 1]) + BAND_PUBLIC[1:], BAND_PUBLIC[:24] + bytes(24),
        bytes(24) + BAND_PUBLIC[24:],  # no point of order two either
        BAND_PUBLIC[:23] + b"\1" + BAND_PUBLIC[24:],
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_point_of_the_curve_is_refused_with_its_bytes(public: bytes) -> None:
    with pytest.raises(MalformedPacket) as refused:
        ecdh.shared_secret(drawn(PHONE_PRIVATE), public)
    assert refused.value.packet == public


# ------------------------------------------------------------------ chunks


def test_the_hello_is_cut_and_joined_as_in_the_exchange() -> None:
    hello = Message(1, 0x0082, Hello(PHONE_PUBLIC).encode())
    assert len(hello.payload) == 0x34
    assert [chunk.hex() for chunk in chunked.encode(hello, 20)] == list(HELLO)
    assert joined(*HELLO) == hello
    assert Hello.decode(hello.payload) == Hello(PHONE_PUBLIC)


def test_the_bands_answer_is_cut_and_joined_as_in_the_exchange() -> None:
    said = Message(1, 0x0082, Challenge(RANDOM, BAND_PUBLIC).encode())
    assert [chunk.hex() for chunk in chunked.encode(said, 244, wants_receipt=False)] == [BAND_ANSWER]
    assert joined(BAND_ANSWER) == said
    assert Challenge.decode(said.payload) == Challenge(RANDOM, BAND_PUBLIC)


def test_an_encrypted_message_is_cut_and_joined_as_computed_elsewhere() -> None:
    clock = CurrentTime(datetime(2026, 9, 30, 10, 34, 56, tzinfo=UTC), 8, summer=True)
    message = Message(4, 0x0047, endpoints.encode_clock(clock), encrypted=True)
    sequence = int.from_bytes(bytes.fromhex(TIME_SEQUENCE), "little")
    assert message.payload.hex() == TIME_PAYLOAD
    assert [chunk.hex() for chunk in chunked.encode(message, 20, KEYS, sequence)] == list(TIME_CHUNKS)
    assert joined(*TIME_CHUNKS, keys=KEYS) == message
    assert endpoints.decode_clock(message.payload) == clock


def test_a_receipt_is_the_one_asserted() -> None:
    assert Receipt(1, 0).encode().hex() == "0400010100"  # chunk-ack
    assert Receipt.decode(bytes.fromhex("0400010100")) == Receipt(1, 0)
    owed = [chunked.receipt_for(bytes.fromhex(chunk)) for chunk in (*HELLO, BAND_ANSWER, "", "04", "0306")]
    assert owed == [None, None, None, Receipt(1, 3), None, None, None, None]


@pytest.mark.parametrize(
    ("chunk", "battery"),
    [
        pytest.param(
            "0303004a00150000002900040f22003a080205161c10e03a080205161c10e000", Battery(34, False, None, None, 0),
            id="batt-mb7-34",
        ),
        pytest.param(
            "0303009400150000002900040f6400e6070c0a0f1b34e0e6070c0a0f1b34e064",
            Battery(100, False, datetime(2022, 12, 10, 23, 27, 52, tzinfo=UTC),
                    datetime(2022, 12, 10, 23, 27, 52, tzinfo=UTC), 100),
            id="batt-mb7-full-worn",
        ),
    ],
)  # fmt: skip
def test_battery_reports_of_a_real_mi_band_7_are_read_and_written(chunk: str, battery: Battery) -> None:
    message = joined(chunk)
    assert message is not None
    assert (message.endpoint, message.encrypted) == (0x0029, False)
    assert endpoints.decode_battery(message.payload) == battery
    again = Message(message.handle, 0x0029, endpoints.encode_battery(battery, -32))
    assert [each.hex() for each in chunked.encode(again, 244, wants_receipt=False)] == [chunk]


def test_a_setting_is_read_and_written_as_asserted() -> None:
    recorded = bytes.fromhex("0508030001130b01")  # zepp-config-write
    assert Settings.decode(recorded) == Settings(8, 3, (Setting(0x13, 0x0B, 1),))
    assert Settings(8, 3, (Setting(0x13, 0x0B, 1),)).encode() == recorded


def test_the_clock_of_a_thursday_and_of_a_sunday_is_as_the_newer_generation_wants_it() -> None:
    # of an older client's unit test, in Paris, which says 08 in winter too; the others by hand: the 18th was a Sunday
    thursday, sunday = datetime(2022, 12, 15, 19, 38, 53, tzinfo=UTC), datetime(2022, 12, 18, 12, 0, 0, tzinfo=UTC)
    assert CurrentTime(thursday, 4, summer=True).encode_newer().hex() == "e6070c0f14263504000804"
    assert CurrentTime(thursday, 4).encode_newer().hex() == "e6070c0f14263504000004"
    assert CurrentTime(sunday, 0).encode_newer().hex() == "e6070c120c000000000000"


# ------------------------------------------------------------------ what holds of any


PAYLOADS = st.binary(max_size=600)
BYTES16, BYTES48 = st.binary(min_size=16, max_size=16), st.binary(min_size=48, max_size=48)


@given(
    st.integers(0, 255), st.integers(0, 0xFFFF), PAYLOADS, st.booleans(), st.integers(20, 244), st.integers(0, 2**32)
)
def test_a_message_comes_out_as_it_went_in(
    handle: int, endpoint: int, payload: bytes, sealed: bool, room: int, sequence: int
) -> None:
    message = Message(handle, endpoint, payload, sealed)
    chunks = chunked.encode(message, room, KEYS, sequence)
    assert all(len(chunk) <= room for chunk in chunks)
    assert joined(*(chunk.hex() for chunk in chunks), keys=KEYS) == message


@pytest.mark.parametrize(
    "chunks",
    [
        [1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 1, 2, 3], [0, 2, 1, 3], [0, 1, 2, 2, 3], [3], [0, 1, 2],
    ],
    ids=str,
)  # fmt: skip
def test_a_message_of_which_a_chunk_is_lost_doubled_or_misplaced_is_dropped_and_the_next_is_whole(
    chunks: list[int],
) -> None:
    assembly = Assembly()
    assert {assembly.take(bytes.fromhex(HELLO[number])) for number in chunks} == {None}
    made = [assembly.take(bytes.fromhex(chunk)) for chunk in HELLO]
    assert made == [None, None, None, Message(1, 0x0082, Hello(PHONE_PUBLIC).encode())]


def test_a_chunk_of_another_message_does_not_complete_this_one() -> None:
    assert joined(*HELLO[:3], HELLO[3].replace("03060001", "03060002")) is None


def test_a_message_never_grows_beyond_256_chunks() -> None:
    assembly = Assembly()
    assembly.take(bytes.fromhex("03010001000000ffff8200"))
    for number in range(1, 256):
        assembly.take(bytes([3, 0, 0, 1, number]) + bytes(15))
    assert assembly.take(bytes([3, 2, 0, 1, 0]) + bytes(15)) is None
    with pytest.raises(ValueError, match="too many"):
        chunked.encode(Message(1, 0x0082, bytes(9 + 255 * 15 + 1)), 20)


@pytest.mark.parametrize(
    "chunk",
    [
        "", "03", "03030001", "04030001000000000082", "03010001003400000082",
        "03030001003400000082000402",  # 52 bytes announced, two sent
        "030b00010001000000820000",  # encrypted, and no login yet
    ],
)  # fmt: skip
def test_what_is_no_chunk_is_refused(chunk: str) -> None:
    with pytest.raises(MalformedPacket):
        joined(chunk)


@pytest.mark.parametrize("spoilt", ["another key", "another handle", "a changed byte", "a length that is too long"])
def test_an_encrypted_message_that_is_not_what_was_sent_is_refused(spoilt: str) -> None:
    first = TIME_CHUNKS[0]
    if spoilt == "a changed byte":
        first = first[:-2] + "93"
    if spoilt == "a length that is too long":
        first = first.replace("0c000000", "20000000")
    chunks = [first, *TIME_CHUNKS[1:]]
    if spoilt == "another handle":
        chunks = [chunk[:6] + "05" + chunk[8:] for chunk in chunks]
    keys = Keys(bytes(16), 0) if spoilt == "another key" else KEYS
    with pytest.raises(MalformedPacket):
        joined(*chunks, keys=keys)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_chunk_a_part_of_one_or_malformed(data: bytes) -> None:
    assembly = Assembly()
    assembly.keys = KEYS
    try:
        message = assembly.take(data)
        said = message.payload if message is not None else b""
    except MalformedPacket as error:
        said = error.packet
    assert said in data


@given(BYTES16, BYTES48)
def test_the_words_of_the_login_come_out_as_they_went_in(random: bytes, public: bytes) -> None:
    assert Hello.decode(Hello(public).encode()) == Hello(public)
    assert Challenge.decode(Challenge(random, public).encode()) == Challenge(random, public)
    assert Proof.decode(Proof(random, public[:16]).encode()) == Proof(random, public[:16])


@given(st.dictionaries(st.integers(0, 0xFFFF), st.booleans(), max_size=60))
def test_a_list_of_services_comes_out_as_it_went_in(services: dict[int, bool]) -> None:
    assert endpoints.decode_services(endpoints.encode_services(services)) == services


SETTINGS = st.one_of(
    st.builds(Setting, st.integers(0, 255), st.sampled_from([0x0B, 0x10]), st.integers(0, 0xFF)),
    st.builds(Setting, st.integers(0, 255), st.sampled_from([0x01, 0x30]), st.integers(0, 0xFFFF)),
    st.builds(Setting, st.integers(0, 255), st.just(0x03), st.integers(0, 0xFFFF_FFFF)),
)


@given(st.integers(0, 255), st.integers(0, 255), st.lists(SETTINGS, max_size=9).map(tuple))
def test_settings_come_out_as_they_went_in(group: int, version: int, settings: tuple[Setting, ...]) -> None:
    assert Settings.decode(Settings(group, version, settings).encode()) == Settings(group, version, settings)


@pytest.mark.parametrize(
    "decode",
    [
        Hello.decode, Challenge.decode, Proof.decode, Receipt.decode, Settings.decode, endpoints.decode_services,
        endpoints.decode_battery, endpoints.decode_clock,
    ],
)  # fmt: skip
@given(
    data=st.one_of(
        st.binary(max_size=70),
        st.builds(bytes.__add__, st.sampled_from([b"\x04", b"\x05", b"\x10\x04\x01"]), st.binary(max_size=66)),
    )
)
def test_any_bytes_are_a_value_or_malformed(decode: Callable[[bytes], object], data: bytes) -> None:
    carried = b""
    try:
        decode(data)
    except MalformedPacket as error:
        carried = error.packet
    assert carried in data


# ------------------------------------------------------------------ the collection


def test_no_vector_of_the_newer_generation_is_left_unused() -> None:
    here = Path(__file__).read_text()
    vectors = json.loads(COLLECTION.read_text())["vectors"]
    ours = [vector for vector in vectors if vector["area"] in AREAS or vector["id"].startswith("batt-mb7")]
    assert len(ours) == 8
    unused = {vector["id"] for vector in ours if vector["id"] not in here}
    recorded = {text for vector in ours for text in re.findall(r'"([0-9a-f]{8,})"(?!:)', json.dumps(vector["bytes"]))}
    assert len(recorded) > 15
    absent = {text for text in recorded if text not in here}
    assert (unused, absent) == (set(), set())
