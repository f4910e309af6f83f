"""The simulated Mi Band by itself: what a band of the classic protocol does to any client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.model import MINUTE, Epoch, State
from hipsync.simulated import Refused
from hipsync_devices.huami import sim_memory
from hipsync_devices.huami.sim import MiBand
from support.huami_bands import CHALLENGE, KEY, PROOF, Client, client, uuid

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SINCE_ELEVEN = "0101ea0703020b000000"


def band(life: list[Epoch] | None = None, name: str = "Mi Band 3") -> MiBand:
    return MiBand(life or [], now=NOW, zone=ZoneInfo("UTC"), secret=KEY, name=name)


def still(start: datetime, minutes: int) -> list[Epoch]:
    return [Epoch(start + i * MINUTE, MINUTE, 0) for i in range(minutes)]


def test_a_client_that_does_not_log_in_is_dropped_after_ten_seconds() -> None:
    phone = Client(band(), NOW, "0009")
    assert phone.band.wake_at() == NOW + 10 * SECOND
    phone.hear(NOW + 9.9 * SECOND)
    assert not phone.hung_up
    phone.hear(NOW + 10 * SECOND)
    assert phone.hung_up


def test_a_client_that_logged_in_is_not_dropped() -> None:
    phone = client(band(), NOW)
    phone.hear(NOW + timedelta(hours=1))
    assert not phone.hung_up


def test_a_login_does_not_outlive_its_connection() -> None:
    phone = client(band(still(NOW - MINUTE, 1)), NOW)
    phone.band.disconnected(NOW)
    again = Client(phone.band, NOW, "0009", "0004")
    assert again.write("0004", SINCE_ELEVEN) == []


def test_before_the_login_only_device_information_login_and_buzz_are_served() -> None:
    phone = Client(band(still(NOW - MINUTE, 1)), NOW, "0003", "0004", "0005", "0007", "0009", "2A2B")
    assert bytes.fromhex(phone.read("2A28")) == b"V1.0.2.66"
    for short in ("2A2B", "0006", "0007"):
        with pytest.raises(Refused):
            phone.read(short)
    for short, written in (
        ("0004", SINCE_ELEVEN), ("0004", "02"), ("0004", "03"), ("0003", "06160000"), ("2A46", "05014869"),
        ("2A2B", "ea0703010c000007000000"),
    ):  # fmt: skip
        assert phone.write(short, written) == []
    assert phone.band.shown == []
    assert phone.band.clock() == NOW
    phone.write("2A06", "03")
    assert [shown.text for shown in phone.band.shown] == [""]


def test_each_challenge_is_new() -> None:
    phone = Client(band(), NOW, "0009")
    assert phone.write("0009", "0200") != phone.write("0009", "0200")


def test_an_answer_without_a_challenge_is_refused_even_if_it_was_right_once() -> None:
    phone = Client(band(name="Mi Smart Band 4"), NOW, "0009")
    phone.band.challenge = CHALLENGE
    assert phone.write("0009", b"\x03\x00" + PROOF) == ["0009 100304"]
    phone.write("0009", "0200")
    assert phone.write("0009", b"\x03\x00" + PROOF) == ["0009 100301"]
    assert phone.write("0009", b"\x03\x00" + PROOF) == ["0009 100304"]


def test_a_clock_written_right_behind_a_right_answer_is_taken() -> None:
    phone = Client(band(), NOW, "0009")
    phone.band.challenge = CHALLENGE
    phone.write("0009", "0200")
    phone.band.write(uuid("0009"), "", b"\x03\x00" + PROOF, NOW)
    phone.band.write(uuid("2A2B"), "", bytes.fromhex("ea0703020d000001000004"), NOW)
    assert phone.hear() == ["0009 100301"]
    assert phone.read("2A2B") == "ea0703020d000001000004"


def test_a_clock_of_the_wrong_length_is_refused() -> None:
    phone = client(band(), NOW)
    with pytest.raises(Refused):
        phone.write("2A2B", "ea07130d")


def test_a_fetch_goes_through_its_states() -> None:
    phone = client(band(still(NOW - 2 * MINUTE, 2)), NOW)
    asked = "0101ea0703020b3a0000"  # 11:58
    armed = ["0004 10010102000000ea0703020b3a0000"]
    assert phone.write("0004", "02") == ["0004 100204"], "idle"
    assert phone.write("0004", asked) == armed
    sent = ["0005 00500000ff500000ff", "0004 100201"]
    assert phone.write("0004", "02") == sent
    assert phone.write("0004", "02") == ["0004 100204"], "sent already"
    assert phone.write("0004", asked) == armed, "not acknowledged, so still there"
    assert phone.write("0004", "02") == sent
    assert phone.write("0004", "03") == ["0004 100301"]
    assert phone.write("0004", asked) == ["0004 10010100000000ea0703020b3a0000"]


def test_an_acknowledgement_without_a_round_erases_nothing() -> None:
    phone = client(band(still(NOW - 2 * MINUTE, 2)), NOW)
    phone.write("0004", "03")
    phone.write("0004", "0101ea0703020b3a0000")
    phone.write("0004", "03")
    assert len(phone.band.memory()) == 2


def test_since_before_the_memory_means_its_oldest_minute_and_since_after_now_means_none() -> None:
    phone = client(band(still(NOW - 2 * MINUTE, 2)), NOW)
    assert phone.write("0004", "0101e907010100000000") == ["0004 10010102000000ea0703020b3a0000"]
    assert phone.write("0004", "0101ea0703020d000000") == ["0004 10010100000000ea0703020d000000"]


def test_since_after_now_means_none_even_if_a_wrong_clock_stamped_minutes_there() -> None:
    it = MiBand(
        still(NOW - 2 * MINUTE, 2), now=NOW, zone=ZoneInfo("UTC"), secret=KEY, clock_error=timedelta(hours=2)
    )  # which holds 13:58 and 13:59
    phone = client(it, NOW)
    phone.write("2A2B", "ea0703020c000001000000")
    assert phone.write("0004", "0101ea0703020d000000") == ["0004 10010100000000ea0703020d000000"]
    assert phone.write("0004", SINCE_ELEVEN) == ["0004 10010102000000ea0703020d3a0000"]


def test_a_round_has_two_thousand_minutes_at_most_and_none_beyond_a_gap() -> None:
    long_ago = NOW - 3000 * MINUTE
    phone = client(band(still(long_ago, 2500)), NOW)
    (said,) = phone.write("0004", "0101e907010100000000")
    assert said[11:19] == "d0070000"
    phone = client(band([*still(long_ago, 7), *still(long_ago + 8 * MINUTE, 5)]), NOW)
    (said,) = phone.write("0004", "0101e907010100000000")
    assert said[11:19] == "07000000"


def test_the_oldest_minutes_make_room_whatever_was_missed_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim_memory, "CAPACITY", 100)
    it = band([*still(NOW - 400 * MINUTE, 90), *still(NOW - 30 * MINUTE, 30)])
    assert len(it.memory()) == 100
    assert it.memory()[0] == NOW - 380 * MINUTE


def test_a_minute_that_the_clock_passed_twice_is_a_new_one_in_the_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim_memory, "CAPACITY", 3)
    memory = sim_memory.Memory(4)
    for steps, number in enumerate([0, 1, 0, 2, 3]):
        memory.keep(NOW + number * MINUTE, Epoch(NOW, MINUTE, steps, kind=1))
    assert list(memory) == [NOW, NOW + 2 * MINUTE, NOW + 3 * MINUTE]
    assert memory.payload([NOW]) == bytes.fromhex("010002ff")


@pytest.mark.parametrize(
    ("epoch", "record"),
    [
        (Epoch(NOW - MINUTE, MINUTE, 0, state=State.SITTING), "500000ff"),
        (Epoch(NOW - MINUTE, MINUTE, 0, state=State.STANDING), "600000ff"),
        (Epoch(NOW - MINUTE, MINUTE, 100, 120, 90, State.WALKING), "0178645a"),
        (Epoch(NOW - MINUTE, MINUTE, 300, 400, None, State.RUNNING), "32ffffff"),
        (Epoch(NOW - MINUTE, MINUTE, 0, state=State.NOT_WORN), "730000ff"),
        (Epoch(NOW - MINUTE, MINUTE, 0, state=State.CHARGING), "060000ff"),
        (Epoch(NOW - MINUTE, MINUTE, 0, state=State.ASLEEP), "700000ff"),
        (Epoch(NOW - MINUTE, MINUTE, 0), "500000ff"),
        (Epoch(NOW - MINUTE, MINUTE, 7), "010007ff"),
        (Epoch(NOW - MINUTE, MINUTE, 7, kind=0x5A, state=State.WALKING), "5a0007ff"),
    ],
)
def test_a_minute_is_coded_by_the_nearest_kind(epoch: Epoch, record: str) -> None:
    phone = client(band([epoch]), NOW)
    phone.write("0004", SINCE_ELEVEN)
    assert phone.write("0004", "02") == [f"0005 00{record}", "0004 100201"]


def test_a_longer_epoch_is_still_minutes_and_one_with_its_steps() -> None:
    phone = client(band([Epoch(NOW - 3 * MINUTE, 3 * MINUTE, 40, state=State.WALKING)]), NOW)
    phone.write("0004", SINCE_ELEVEN)
    assert phone.write("0004", "02")[0] == "0005 00010000ff010000ff010028ff"


def test_steps_are_pushed_only_to_a_client_that_subscribed() -> None:
    walk = [Epoch(NOW + i * MINUTE, MINUTE, 50) for i in range(3)]
    phone = client(band(walk), NOW)
    assert phone.hear(NOW + MINUTE) == []
    phone.band.on_subscribe(uuid("0007"), True, phone.now)
    assert phone.hear(NOW + 2 * MINUTE) == ["0007 0c640000004600000004000000"]
    phone.band.on_subscribe(uuid("0007"), False, phone.now)
    assert phone.hear(NOW + 3 * MINUTE) == []


def test_the_day_turns_by_the_clock_that_was_written() -> None:
    phone = client(band([Epoch(NOW - MINUTE, MINUTE, 500)]), NOW, "0007")
    phone.write("2A2B", "ea07030217363b0100002e")  # 23:54:59 at +11:30: some 25 minutes ahead
    phone.hear(NOW + 5 * MINUTE)
    assert phone.read("0007")[2:6] == "f401"
    phone.hear(NOW + 6 * MINUTE)
    assert phone.read("0007")[2:6] == "0000"


def test_the_wearer_is_asked_once_and_the_band_stays_for_the_tap() -> None:
    unpaired = MiBand([], now=NOW, zone=ZoneInfo("UTC"), name="Mi Band 3", taps_after=25 * SECOND)
    phone = Client(unpaired, NOW, "0009")
    assert phone.write("0009", "0100" + KEY.hex()) == []
    assert phone.hear(NOW + 24 * SECOND) == []
    assert phone.hear(NOW + 25 * SECOND) == ["0009 100101"]
    assert not phone.hung_up


def test_nobody_taps_and_the_key_is_refused_after_thirty_seconds() -> None:
    unpaired = MiBand([], now=NOW, zone=ZoneInfo("UTC"), name="Mi Band 3", taps_after=None)
    phone = Client(unpaired, NOW, "0009")
    phone.write("0009", "0100" + KEY.hex())
    assert phone.hear(NOW + 30 * SECOND) == ["0009 100102"]


def test_a_band_of_a_makers_key_takes_no_other() -> None:
    unpaired = MiBand([], now=NOW, zone=ZoneInfo("UTC"), name="Mi Smart Band 5")
    assert Client(unpaired, NOW, "0009").write("0009", "0100" + KEY.hex()) == ["0009 100104"]


def test_the_battery_is_reported_with_unset_stamps() -> None:
    # 87 %, and 2106-02-06 06:28:16 twice, as bands write "never"
    assert client(band(), NOW).read("0006") == "0f57003a080206061c10003a080206061c100064"


def test_a_band_that_reboots_misses_the_minutes_in_which_it_was_off_and_no_others() -> None:
    start = datetime(2026, 11, 20, 10, tzinfo=UTC)
    life = [Epoch(start + i * timedelta(minutes=1), timedelta(minutes=1), 10) for i in range(10)]
    band = MiBand(life, now=start, zone=ZoneInfo("UTC"), secret=bytes(16))
    band.reboot(start + timedelta(minutes=4, seconds=30))
    band.advance(start + timedelta(minutes=10))
    assert [(at - start) // timedelta(minutes=1) for at in band.memory()] == [0, 1, 2, 3, 6, 7, 8, 9]
