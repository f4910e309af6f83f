"""Bytes that other people recorded from bands of the classic protocol, or assert in their tests, against both ends.

The names in the parameter ids and comments are those of the collection the bytes come from; each has its source there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.driver import Session
from hipsync.errors import NotAuthorised
from hipsync.model import MINUTE, Charge, Epoch, State
from hipsync_devices.huami import packets
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.packets import Battery, CurrentTime, InactivityWarning, RealtimeSteps, Reply, Round
from hipsync_devices.huami.sim import MiBand
from support import shared
from support.huami_bands import CHALLENGE, KEY, Client, client, met, played, wrote

COLLECTION = shared.VECTORS / "huami-xiaomi.json"
OTHER_GENERATIONS = {
    "auth-2021", "chunked-2021", "config-000a", "xiaomi-file-id", "xiaomi-daily-details", "xiaomi-crypto", "xiaomi-spp",
}  # fmt: skip
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def minutes(rows: Sequence[tuple[int, int, int, int]], start: datetime) -> list[Epoch]:
    """(kind, intensity, steps, heart rate as sent) from a minute on."""
    return [
        Epoch(start + i * MINUTE, MINUTE, steps, intensity, None if bpm == 0xFF else bpm, kind=kind)
        for i, (kind, intensity, steps, bpm) in enumerate(rows)
    ]


def band(name: str = "MI Band 2", zone: str = "UTC", now: datetime = NOW, life: Sequence[Epoch] = ()) -> MiBand:
    return MiBand(life, now=now, zone=ZoneInfo(zone), secret=KEY, name=name)


# ------------------------------------------------------------------ login


@pytest.mark.parametrize(
    ("key", "challenge", "proof"),
    [
        pytest.param(
            "d88ca0fef504cc82735f15feb6bf9b1f", "689c1dd58a666f0f8c90a1a96e1ab3a3", "ce1c0135db39e61f1a27012fb907df3b",
            id="auth-mb2-notifymi",
        ),
        pytest.param(
            "c33d3ef72cd974853857f9201a65f252", "90983782d557b2f77c79d78630482154", "a20d47a3b2a1d0b35343950a79fa293d",
            id="auth-breakmi-1",
        ),
        pytest.param(
            "30313233343536373839404142434445", "689c1dd58a666f0f8c90a1a96e1ab3a3", "c956e66c1275359458666a8dcbf74845",
            id="auth-default-key-computed",
        ),
    ],
)  # fmt: skip
def test_a_challenge_has_the_recorded_answer_and_the_band_takes_it(key: str, challenge: str, proof: str) -> None:
    assert answer(bytes.fromhex(key), bytes.fromhex(challenge)).hex() == proof
    fourth = MiBand([], now=NOW, zone=ZoneInfo("UTC"), secret=bytes.fromhex(key), name="Mi Smart Band 4")
    fourth.challenge = bytes.fromhex(challenge)
    phone = Client(fourth, NOW, "0009")
    assert phone.write("0009", "8200020100") == ["0009 108201" + challenge]
    assert phone.write("0009", "8300" + proof) == ["0009 108301"]


# auth-mb2-notifymi: the frames of that log; the phone used flag 00
FRAMES = ("100201689c1dd58a666f0f8c90a1a96e1ab3a3", "0300ce1c0135db39e61f1a27012fb907df3b", "100301")


def test_the_band_says_the_frames_of_the_log() -> None:
    second = band()
    second.challenge = CHALLENGE
    phone = Client(second, NOW, "0009")
    assert phone.write("0009", "0200") == ["0009 " + FRAMES[0]]
    assert phone.write("0009", FRAMES[1]) == ["0009 " + FRAMES[2]]


def test_the_driver_writes_the_frame_of_the_log() -> None:
    third = band("Mi Band 3")  # which has that flag
    third.challenge = CHALLENGE
    meeting = met(third, NOW)
    assert [data.hex() for data in wrote(meeting, "0009")] == ["0200", FRAMES[1]]
    assert meeting.error is None


WRONG_ANSWER, WRONG_KEY_MB4, NO_KEY = "100304", "100308", "100204"  # auth-plain-flow-fail


@pytest.mark.parametrize(("name", "said"), [("MI Band 2", WRONG_ANSWER), ("Mi Smart Band 4", WRONG_KEY_MB4)])
def test_a_wrong_key_is_refused_with_the_code_of_the_model(name: str, said: str) -> None:
    phone = Client(band(name), NOW, "0009")
    phone.write("0009", "0200")
    assert phone.write("0009", "0300" + bytes(16).hex()) == ["0009 " + said]
    assert isinstance(met(band(name), NOW, key=bytes(16)).error, NotAuthorised)


def test_a_band_without_a_key_says_so() -> None:
    unpaired = MiBand([], now=NOW, zone=ZoneInfo("UTC"), name="MI Band 2")
    assert Client(unpaired, NOW, "0009").write("0009", "0208") == ["0009 " + NO_KEY]


# ------------------------------------------------------------------ time


@pytest.mark.parametrize(
    ("recorded", "instant", "quarters", "zone"),
    [
        pytest.param(
            "e207040f10142b0700000c", datetime(2018, 4, 15, 13, 20, 43, tzinfo=UTC), 12, "Europe/Moscow",
            id="time-read-mb2",
        ),
        pytest.param(
            "e6070c0f14263504000004", datetime(2022, 12, 15, 19, 38, 53, tzinfo=UTC), 4, "Europe/Paris",
            id="time-write-huami-paris",
        ),
    ],
)  # fmt: skip
def test_the_clock_is_written_and_read_as_recorded(recorded: str, instant: datetime, quarters: int, zone: str) -> None:
    assert CurrentTime.decode(bytes.fromhex(recorded)) == CurrentTime(instant, quarters)
    assert CurrentTime(instant, quarters).encode().hex() == recorded
    assert client(band(zone=zone, now=instant), instant).read("2A2B") == recorded

    meeting = met(band(zone="UTC", now=instant), instant, zone=zone)
    assert [data.hex() for data in wrote(meeting, "2A2B")] == [recorded]


# ts8-equal-1: one instant in two offsets
@pytest.mark.parametrize(("recorded", "quarters"), [("e1070a1d001c0008", 8), ("e1070a1c171c0004", 4)])
def test_two_offsets_of_one_instant_are_that_instant(recorded: str, quarters: int) -> None:
    instant = datetime(2017, 10, 28, 22, 28, tzinfo=UTC)
    assert packets.decode_stamp(bytes.fromhex(recorded)) == instant
    assert packets.encode_stamp(instant, quarters).hex() == recorded


# ------------------------------------------------------------------ fetch


FETCH_REQ_HK_2018 = "0101e207051f0b110020"


def test_the_request_of_a_log_from_hong_kong_is_written_and_understood() -> None:
    since = datetime(2018, 5, 31, 3, 17, tzinfo=UTC)  # fetch-req-hk-2018
    now = since + 10 * MINUTE
    hong_kong = band(zone="Asia/Hong_Kong", now=now)
    meeting = met(hong_kong, now, zone="Asia/Hong_Kong", since=since)
    assert [data.hex() for data in wrote(meeting, "0004")] == [FETCH_REQ_HK_2018]
    assert hong_kong.requests == [since]


@pytest.mark.parametrize(
    ("request_", "said", "start", "count", "quarters"),
    [
        pytest.param(
            "0101e6070c080f320001", "10010101080000e6070c080f32000100",
            datetime(2022, 12, 8, 15, 35, tzinfo=UTC), 2049, 1,
            id="start-mb7-2049",
        ),
        pytest.param(
            "0101ea07091e0b3700f0", "1001011e000000ea07091e0b3700f000",
            datetime(2026, 9, 30, 15, 55, tzinfo=UTC), 30, -16,
            id="start-helio-30",
        ),
        pytest.param(
            "0101ea07091d00000008", "1001011e000000ea07091d0000000800",
            datetime(2026, 9, 28, 22, 0, tzinfo=UTC), 30, 8,
            id="round-activity-30",
        ),
    ],
)  # fmt: skip
def test_start_answers_of_sixteen_bytes_are_read_and_given(
    request_: str, said: str, start: datetime, count: int, quarters: int
) -> None:
    reply = Reply.decode(bytes.fromhex(said))
    assert (reply.operation, reply.status) == (1, 1)
    assert Round.decode(reply.payload) == Round(count, start)
    assert packets.encode_fetch(start, quarters).hex() == request_

    now = start + count * MINUTE
    later = band("Mi Smart Band 5", now=now, life=minutes([(0x50, 0, 0, 0xFF)] * count, start))
    later.round_minutes = 2049
    later.faults.long_answers = True
    phone = client(later, now)
    phone.write("2A2B", CurrentTime(now, quarters).encode())
    assert phone.write("0004", request_) == ["0004 " + said]


REFUSED, BAD_REQUEST, NO_DATA = "100102", "100104", "100204"  # fetch-fail-codes


def test_the_codes_of_failed_fetches_are_read_and_said() -> None:
    codes = [Reply.decode(bytes.fromhex(said)) for said in (REFUSED, BAD_REQUEST, NO_DATA)]
    assert codes == [Reply(1, 2), Reply(1, 4), Reply(2, 4)]

    phone = client(band(), NOW)
    assert phone.write("0004", "02") == ["0004 " + NO_DATA], "no round is armed"
    assert phone.write("0004", "0155ea07091e0b370000") == ["0004 " + BAD_REQUEST], "no such kind of data"
    phone.band.faults.refuse_fetch, phone.band.faults.times = 0x02, 1
    assert phone.write("0004", "0101ea07091e0b370000") == ["0004 " + REFUSED]


def sent(life: Sequence[Epoch], name: str, mtu: int) -> list[str]:
    """The data packets of one round, asked for from the first minute of a life."""
    it = band(name, now=life[-1].end, life=life)
    it.mtu = mtu
    phone = client(it, life[-1].end)
    phone.write("0004", packets.encode_fetch(life[0].start, 0))
    return [line.removeprefix("0005 ") for line in phone.write("0004", "02") if line.startswith("0005")]


# data-mb2-691: packets 15 to 19 of a round
MB2_PACKETS = (
    "0f000200ff000700ff0a1400ff001a00ff", "100a1400ff001800ff000100ff0a1400ff", "110a1400ff000400ff000700ff000b00ff",
    "12000900ff000c00ff000b00ff000d00ff", "13000b00ff000600ff001700ff001c00ff",
)  # fmt: skip
MB2_ROWS = [
    (0, 2, 0, 255), (0, 7, 0, 255), (10, 20, 0, 255), (0, 26, 0, 255), (10, 20, 0, 255), (0, 24, 0, 255),
    (0, 1, 0, 255), (10, 20, 0, 255), (10, 20, 0, 255), (0, 4, 0, 255), (0, 7, 0, 255), (0, 11, 0, 255),
    (0, 9, 0, 255), (0, 12, 0, 255), (0, 11, 0, 255), (0, 13, 0, 255), (0, 11, 0, 255), (0, 6, 0, 255),
    (0, 23, 0, 255), (0, 28, 0, 255),
]  # fmt: skip
# data-amazfish-sleep: packets 98 and 99
SLEEP_PACKETS = ("62700000ff700000ff700000ff700000ff", "63700000ff700000ff700000ff700000ff")
# data-mb5-57: packet 1
MB5_PACKETS = ("01501900ff04008000500f00ff04008000",)


@pytest.mark.parametrize(
    ("name", "size", "recorded", "rows", "state"),
    [
        pytest.param("MI Band 2", 4, MB2_PACKETS, MB2_ROWS, None, id="data-mb2-691"),
        pytest.param("Mi Band 3", 4, SLEEP_PACKETS, [(112, 0, 0, 255)] * 8, State.ASLEEP, id="data-amazfish-sleep"),
        pytest.param(
            "Mi Smart Band 5", 8, MB5_PACKETS, [(80, 25, 0, 255), (80, 15, 0, 255)], State.SITTING, id="data-mb5-57"
        ),
    ],
)
def test_packets_of_real_rounds_are_read_and_sent(
    name: str, size: int, recorded: Sequence[str], rows: list[tuple[int, int, int, int]], state: State | None
) -> None:
    payload = b"".join(bytes.fromhex(packet)[1:] for packet in recorded)
    epochs = packets.decode_records(payload, size, NOW)
    assert [(epoch.kind, epoch.intensity, epoch.steps) for epoch in epochs] == [row[:3] for row in rows]
    assert {(epoch.heart_rate, epoch.state) for epoch in epochs} == {(None, state)}
    assert [epoch.start for epoch in epochs] == [NOW + i * MINUTE for i in range(len(rows))]

    first = bytes.fromhex(recorded[0])[0]
    before = first * (16 // size)
    life = minutes([(0x50, 1, 0, 0xFF)] * before + rows, NOW - (before + len(rows)) * MINUTE)
    assert sent(life, name, mtu=23)[first:] == list(recorded)


# round-activity-30: one notification of 241 bytes, and the end with its checksum
ROUND_30 = "00011002460000000001100246000000000110024600000000011002460000000001100246000000000110024600000000011002460000000001100246000000000110024600000000011002460000000001100246000000000110024600000000011002460000000001100246000000000110024600000000011002460000000001100246000000000110024600000000011002460000000001100246000000000110024600000000011002460000000001100246000000000110024600000000011002460000000001100246000000000110024600000000011002460000000001100246000000000110024600000000"  # noqa: E501
ROUND_30_END = "10020105385b31"


def test_a_round_of_thirty_is_stored_with_its_checksum() -> None:
    since = datetime(2026, 9, 28, 22, 0, tzinfo=UTC)
    now = since + 30 * MINUTE
    meeting = played(
        f"""
        P 0009  82 00 02 01 00
        B 0009  10 82 01 {CHALLENGE.hex()}
        P 0009  83 00 {answer(KEY, CHALLENGE).hex()}
        B 0009  10 83 01
        P 2A2B  ea 07 09 1d 00 1e 00 02 00 00 08
        P 0004  01 01 ea 07 09 1d 00 00 00 08
        B 0004  1001011e000000ea07091d0000000800
        P 0004  02
        B 0005  {ROUND_30}
        B 0004  {ROUND_30_END}
        """,
        Session(name="Mi Smart Band 5", secret=KEY, since={Epoch: since}),
        now,
        zone="Europe/Berlin",
        write_size=244,
    )
    assert meeting.error is None
    # kind 01, intensity 10, 2 steps, heart rate 46, all in hex
    assert meeting.epochs == [Epoch(since + i * MINUTE, MINUTE, 2, 16, 70, State.WALKING, 1) for i in range(30)]


def test_a_round_of_thirty_with_a_flipped_bit_does_not_fit_its_checksum() -> None:
    payload = bytes.fromhex(ROUND_30)[1:]
    assert packets.checksum(payload) == bytes.fromhex(ROUND_30_END)[3:]
    assert packets.checksum(bytes([payload[0] ^ 1]) + payload[1:]) != bytes.fromhex(ROUND_30_END)[3:]


def test_a_band_with_a_large_mtu_sends_thirty_minutes_of_eight_bytes_in_one_packet() -> None:
    life = minutes([(1, 0x10, 2, 70)] * 30, NOW - 30 * MINUTE)
    (packet,) = sent(life, "Mi Smart Band 5", mtu=247)
    assert len(bytes.fromhex(packet)) == 241
    # all but the last four bytes of a record, which the recorded round has as zeros and a Mi Band 5 does not
    assert [packet[i : i + 8] for i in range(2, 482, 16)] == [ROUND_30[i : i + 8] for i in range(2, 482, 16)]


# rows of issue #686: (intensity, steps, kind), heart rate 255 in all
@pytest.mark.parametrize(
    ("start", "rows", "states"),
    [
        pytest.param(
            datetime(2019, 2, 10, 5, 8, tzinfo=UTC),
            [(1, 0, 80), (31, 0, 80), (97, 0, 80), (58, 0, 80), (75, 0, 96), (52, 0, 96), (71, 0, 96), (66, 10, 80),
             (54, 0, 80), (58, 0, 96)],
            [State.SITTING] * 4 + [State.STANDING] * 3 + [None, State.SITTING, State.STANDING],
            id="rows-686-awake",
        ),
        pytest.param(  # 15:10 is not among the rows
            datetime(2019, 2, 10, 15, 11, tzinfo=UTC),
            [(58, 16, 1), (135, 71, 17), (202, 153, 66)],
            [State.WALKING, State.WALKING, State.RUNNING],
            id="rows-686-moving",
        ),
        pytest.param(
            datetime(2019, 2, 10, 15, 9, tzinfo=UTC), [(81, 14, 80)], [None], id="rows-686-moving with kind 50"
        ),
        pytest.param(
            datetime(2019, 2, 10, 9, 0, tzinfo=UTC),
            [(i, 0, 80) for i in (32, 23, 27, 41, 12, 36, 28, 21, 9, 15, 34, 18, 22, 30)],
            [State.SITTING] * 14,
            id="rows-686-desk",
        ),
    ],
)  # fmt: skip
def test_rows_that_a_wearer_posted_come_through_the_band_as_what_they_were(
    start: datetime, rows: list[tuple[int, int, int]], states: list[State | None]
) -> None:
    life = minutes([(kind, intensity, steps, 0xFF) for intensity, steps, kind in rows], start)
    meeting = met(band(now=life[-1].end, life=life), life[-1].end)
    assert [(epoch.intensity, epoch.steps, epoch.kind) for epoch in meeting.epochs] == rows
    assert [epoch.state for epoch in meeting.epochs] == states
    assert meeting.epochs[0].start == start
    assert all(epoch.heart_rate is None for epoch in meeting.epochs)


# ------------------------------------------------------------------ battery, steps, advertisement


BATT_MB2 = "0f3000e0070b1a12232c04e0070b1a172b3b0464"
# whole messages of a later protocol: 11 bytes of header, the operation 04, then the block of 20 bytes
BATT_MB7_34 = "0303004a00150000002900040f22003a080205161c10e03a080205161c10e000"
BATT_MB7_FULL_WORN = "0303009400150000002900040f6400e6070c0a0f1b34e0e6070c0a0f1b34e064"


@pytest.mark.parametrize(
    ("block", "zone", "expected"),
    [
        pytest.param(
            BATT_MB2, "Europe/Paris",
            Battery(48, False, datetime(2016, 11, 26, 17, 35, 44, tzinfo=UTC),
                    datetime(2016, 11, 26, 22, 43, 59, tzinfo=UTC), 100),
            id="batt-mb2",
        ),
        pytest.param(BATT_MB7_34[24:], "America/Los_Angeles", Battery(34, False, None, None, 0), id="batt-mb7-34"),
        pytest.param(
            BATT_MB7_FULL_WORN[24:], "America/Los_Angeles",
            Battery(100, False, datetime(2022, 12, 10, 23, 27, 52, tzinfo=UTC),
                    datetime(2022, 12, 10, 23, 27, 52, tzinfo=UTC), 100),
            id="batt-mb7-full-worn",
        ),
    ],
)  # fmt: skip
def test_batteries_of_real_bands_are_read_and_reported(block: str, zone: str, expected: Battery) -> None:
    assert Battery.decode(bytes.fromhex(block)) == expected
    now = datetime(2022, 12, 11, 12, tzinfo=UTC)  # both zones on winter time
    it = band(zone=zone, now=now)
    it.battery = expected
    assert client(it, now).read("0006") == block
    assert met(it, now).kept.of(Charge) == [Charge(now, expected.percent, charging=False)]


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        pytest.param("0c4c0000001f00000001000000", RealtimeSteps(76, 31, 1), id="steps-mb2-76"),
        pytest.param("0c130000000d00000001000000", RealtimeSteps(19, 13, 1), id="steps-mb6-19"),
        pytest.param("00b7010000", RealtimeSteps(439), id="five bytes, of an Amazfit Bip Lite (Gadgetbridge #1121)"),
    ],
)
def test_realtime_steps_are_read_and_said_in_both_lengths(recorded: str, expected: RealtimeSteps) -> None:
    assert RealtimeSteps.decode(bytes.fromhex(recorded)) == expected
    assert expected.encode().hex() == recorded
    it = band(life=[Epoch(NOW - 8 * MINUTE, MINUTE, expected.steps)])
    it.faults.short_steps = len(recorded) == 10
    said = client(it, NOW).read("0007")
    assert (said[:10], len(said)) == (recorded[:10], len(recorded)), "distance and energy are the simulator's own guess"


@pytest.mark.parametrize(
    ("service_data", "steps"),
    [pytest.param("ac1e0000", 7852, id="adv-steps-7852"), pytest.param("8d230000", 9101, id="adv-hr-125")],
)
def test_advertised_steps_are_read_and_sent(service_data: str, steps: int) -> None:
    assert packets.decode_advertised_steps(bytes.fromhex(service_data)) == steps
    walked = band(life=[Epoch(NOW - MINUTE, MINUTE, steps)])
    assert walked.advertisement().service_data[packets.FEE0].hex() == service_data


@pytest.mark.parametrize(
    ("manufacturer", "bpm"),
    [
        pytest.param("57010202017dffffffffffffffffffffffffff02aabbccddeeff", 125, id="adv-hr-125"),
        pytest.param("570100480967361d0078b09608774ca8df13e002c000001794a2", None, id="adv-bips-opaque-2"),
    ],
)
def test_advertised_heart_rates_are_read_from_the_plain_form_alone(manufacturer: str, bpm: int | None) -> None:
    data = bytes.fromhex(manufacturer)
    assert int.from_bytes(data[:2], "little") == packets.COMPANY
    assert packets.decode_advertised_heart_rate(data[2:]) == bpm


# ------------------------------------------------------------------ settings, device information, events


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        pytest.param(
            "08013c000900151e00000000", InactivityWarning(True, 60, ((9 * 60, 21 * 60 + 30),)), id="inact-60"
        ),
        pytest.param(
            "08003c000400150000000000", InactivityWarning(False, 60, ((4 * 60, 21 * 60),)), id="inact-default-off"
        ),
    ],
)  # fmt: skip
def test_settings_of_the_sit_alarm_are_read_and_written(recorded: str, expected: InactivityWarning) -> None:
    assert InactivityWarning.decode(bytes.fromhex(recorded)) == expected
    assert expected.encode().hex() == recorded


@pytest.mark.parametrize(
    ("written", "said", "echo"),
    [
        pytest.param("06170064655f4445", "1006170001", "061700", id="cfg-lang-ack"),
        pytest.param("06160000", "1006160001", "061600", id="cfg-16-ack"),
    ],
)
def test_settings_are_acknowledged_as_recorded(written: str, said: str, echo: str) -> None:
    assert client(band(), NOW, "0003").write("0003", written) == ["0003 " + said]
    assert packets.decode_config_reply(bytes.fromhex(said)) == (bytes.fromhex(echo), True)


def test_a_system_id_is_an_address() -> None:
    assert Client(band(), NOW).read("2A23") == "c00000fffeada59b"  # sysid-mac
    assert packets.decode_system_id(bytes.fromhex("c00000fffeada59b")) == "C0:00:00:AD:A5:9B"


def test_a_firmware_is_the_string_that_was_logged() -> None:
    it = MiBand([], now=NOW, zone=ZoneInfo("UTC"), secret=KEY, name="MI Band 2", firmware="V1.0.1.81")
    assert Client(it, NOW).read("2A28") == "56312e302e312e3831"  # fw-string


def test_an_mtu_is_announced_as_in_the_constant() -> None:
    assert packets.decode_event(bytes.fromhex("16f700")) == (packets.EVENT_MTU, 247)  # ev-mtu
    phone = client(band("Mi Smart Band 5"), NOW)
    phone.band.on_subscribe(packets.EVENTS, True, NOW)
    assert phone.hear() == ["0010 16f700"]


def test_sleep_and_taking_the_band_off_are_announced() -> None:
    states = [State.SITTING, State.ASLEEP, State.SITTING, State.NOT_WORN]  # ev-sleep
    life = [Epoch(NOW + i * MINUTE, MINUTE, 0, state=state) for i, state in enumerate(states)]
    phone = client(band(life=life), NOW, "0010")
    heard = [phone.hear(NOW + i * MINUTE) for i in range(1, 5)]
    assert heard == [[], ["0010 01"], ["0010 02"], ["0010 06"]]
    events = [packets.decode_event(bytes.fromhex(hex_)) for hex_ in ("01", "02", "06")]
    assert events == [(packets.EVENT_FELL_ASLEEP, None), (packets.EVENT_WOKE_UP, None), (packets.EVENT_NOT_WORN, None)]


# ------------------------------------------------------------------ the collection


def test_no_vector_of_this_generation_is_left_unused() -> None:
    here = Path(__file__).read_text()
    vectors = json.loads(COLLECTION.read_text())["vectors"]
    ours = [vector for vector in vectors if vector["area"] not in OTHER_GENERATIONS]
    assert len(ours) > 30
    unused = {vector["id"] for vector in ours if vector["id"] not in here}
    recorded = {text for vector in ours for text in re.findall(r'"([0-9a-f]{2,})"(?!:)', json.dumps(vector["bytes"]))}
    assert len(recorded) > 50
    absent = {text for text in recorded if text not in here}
    assert (unused, absent) == (set(), set())
