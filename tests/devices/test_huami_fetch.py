"""Fetching stored minutes from classic Huami bands: conversations written down by hand, then the simulated band."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import Conversation
from hipsync.driver import Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply, UnexpectedReply
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Epoch, State
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync_devices.huami.models import model_on
from hipsync_devices.huami.sim import Faults, MiBand
from support.huami_bands import EVENING, KEY, LOGIN, Meeting, Script, meeting, met, played, uuid, wrote

EIGHT = datetime(2022, 12, 15, 19, 0, tzinfo=UTC)
"""20:00 in Paris."""
START = "10 01 01 06 00 00 00 e6 07 0c 0f 14 00 00 04"
ASK = "P 0004  01 01 e6 07 0c 0f 14 00 00 04"
ASK_AGAIN = "P 0004  01 01 e6 07 0c 0f 14 06 00 04"
NONE_LEFT = f"{ASK_AGAIN}\nB 0004  10 01 01 00 00 00 00 e6 07 0c 0f 14 06 00 04"
FIRST = "B 0005  00  50 08 00 ff  50 05 00 ff  5a 00 00 ff  60 1e 00 48"
SECOND = "B 0005  01  01 50 37 58  50 0a 00 ff"
END = "B 0004  10 02 01"
WHOLE = f"{ASK}\nB 0004  {START}\nP 0004  02\n{FIRST}\n{SECOND}\n{END}\n"
BEGIN = f"{ASK}\nB 0004  {START}\nP 0004  02\n"


def minute(number: int, steps: int, intensity: int, bpm: int | None, state: State, kind: int) -> Epoch:
    return Epoch(EIGHT + number * MINUTE, MINUTE, steps, intensity, bpm, state, kind)


SIX = [
    minute(0, 0, 8, None, State.SITTING, 0x50),
    minute(1, 0, 5, None, State.SITTING, 0x50),
    minute(2, 0, 0, None, State.SITTING, 0x5A),
    minute(3, 0, 30, 72, State.STANDING, 0x60),
    minute(4, 55, 80, 88, State.WALKING, 0x01),
    minute(5, 0, 10, None, State.SITTING, 0x50),
]
"""20:00 sit, 20:01 sit, 20:02 sedentary, 20:03 stand with pulse 72, 20:04 55 steps with pulse 88, 20:05 sit."""


def told(script: str, *, name: str = "Mi Band 3", erase: bool = False, kept: MemoryStore | None = None) -> Meeting:
    session = Session(name=name, secret=KEY, since={Epoch: EIGHT}, erase=erase)
    return played(LOGIN + script, session, EVENING, zone="Europe/Paris", kept=kept)


def test_a_round_is_stored_minute_by_minute_and_kept_on_the_band() -> None:
    told_ = told(WHOLE + NONE_LEFT)
    assert told_.error is None
    assert told_.epochs == SIX


def test_a_band_that_may_forget_is_told_so_once_the_round_is_stored() -> None:
    told_ = told(WHOLE + "P 0004  03\nB 0004  10 03 01\n" + NONE_LEFT, erase=True)
    assert told_.error is None
    assert told_.epochs == SIX


def test_a_refused_acknowledgement_is_an_error_and_the_round_stays_stored() -> None:
    told_ = told(WHOLE + "P 0004  03\nB 0004  10 03 02\n", erase=True)
    assert type(told_.error) is UnexpectedReply
    assert told_.epochs == SIX


def test_nothing_is_acknowledged_when_the_store_fails() -> None:
    kept = MemoryStore()
    kept.fail_at = 1  # the first batch is what the band says of itself
    with pytest.raises(OSError, match="disk full"):
        told(WHOLE, erase=True, kept=kept)  # which fails on any further write


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ("B 0004  10 01 02", None),
        ("B 0004  10 02 04", None),
        ("B 0004  10 01 04", UnexpectedReply),
        ("B 0004  10 01 32", UnexpectedReply),
        ("B 0004  10 01 01 06 00 00", MalformedPacket),
        ("B 0004  10 01", MalformedPacket),
        (f"B 0004  {START}\nP 0004  02\nB 0004  10 02 04", None),
        ("B 0004  10 01 01 00 00 00 00 00 00 00 00 00 00 00 00", None),
        ("B 0004  10 01 01 00 00 00 00 3a 08 02 05 16 1c 10 e0", None),
        ("lost", LinkLost),
    ],
)
def test_a_refused_fetch_stores_nothing(answers: str, error: type[DeviceError] | None) -> None:
    told_ = told(f"{ASK}\n{answers}", erase=True)
    assert (told_.error and type(told_.error)) is error
    assert told_.epochs == []


SPOILT = {
    "the first packet lost": f"{SECOND}\n{END}",
    "the first packet twice": f"{FIRST}\n{FIRST}\n{SECOND}\n{END}",
    "the last packet twice": f"{FIRST}\n{SECOND}\n{SECOND}\n{END}",
    "swapped": f"{SECOND}\n{FIRST}\n{END}",
    "the last packet lost": f"{FIRST}\n{END}",
    "all packets lost": END,
    "an empty packet": f"{FIRST}\nB 0005\n{SECOND}\n{END}",
    "a wrong checksum": f"{FIRST}\n{SECOND}\n{END} 00 00 00 00",
    "a bit of the data": f"{FIRST}\n{SECOND}\n{END} 4e 80 1c 83",
    "broken off": f"{FIRST}\nB 0004  10 02 32 00 00 00 00",
    "no more data in the middle": f"{FIRST}\nB 0004  10 02 04",
    "an end that is no success": f"{FIRST}\n{SECOND}\nB 0004  10 02 02",
    "stalled": FIRST,
    "stalled with babble": f"{FIRST}\nwait 5\nB 0004  10 03 01",
}


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=list(SPOILT))
def test_a_spoilt_round_is_asked_for_again_and_stored_once(spoilt: str) -> None:
    told_ = told(f"{BEGIN}{spoilt}\n{WHOLE}P 0004  03\nB 0004  10 03 01\n{NONE_LEFT}", erase=True)
    assert told_.error is None
    assert told_.epochs == SIX


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=list(SPOILT))
def test_a_round_that_is_spoilt_three_times_is_given_up_unstored_and_unacknowledged(spoilt: str) -> None:
    told_ = told(3 * f"{BEGIN}{spoilt}\n", erase=True)
    assert isinstance(told_.error, UnexpectedReply | NoReply)
    assert told_.epochs == []


def test_a_spoilt_round_is_heard_to_its_end_before_the_band_is_asked_again() -> None:
    # the script fails if the second request comes before the end of the first answer
    slow = f"{SECOND}\nwait 5\n{FIRST}\nwait 5\n{END}\n"
    assert told(f"{BEGIN}{slow}{WHOLE}{NONE_LEFT}").epochs == SIX


def test_what_a_stalled_band_says_too_late_is_not_taken_for_an_answer_to_the_next_request() -> None:
    late = "wait 10.5\nB 0004  10 02 04\n"  # half a second after we gave up, half a second before we ask again
    assert told(f"{BEGIN}{FIRST}\n{late}{WHOLE}{NONE_LEFT}").epochs == SIX


def test_the_round_that_was_given_up_is_found_by_the_next_sync() -> None:
    told(3 * f"{BEGIN}{SECOND}\n{END}\n")
    assert told(WHOLE + NONE_LEFT).epochs == SIX


def test_the_checksum_is_that_of_the_payload_without_counters() -> None:
    # crc32 of the 24 bytes of the six records, by an independent table-driven computation
    payload = bytes.fromhex("500800ff500500ff5a0000ff601e004801503758500a00ff")
    crc = 0xFFFFFFFF
    for byte in payload:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    right = (crc ^ 0xFFFFFFFF).to_bytes(4, "little").hex(" ")
    assert told(f"{BEGIN}{FIRST}\n{SECOND}\n{END} {right}\n{NONE_LEFT}").epochs == SIX


def test_records_may_be_cut_anywhere() -> None:
    first, second, third = "50 08 00 ff  50 05 00", "ff  5a 00 00 ff  60 1e 00 48  01 50 37 58  50 0a", "00 ff"
    cut = f"B 0005  00 {first}\nB 0005  01 {second}\nB 0005  02 {third}"
    assert told(f"{BEGIN}{cut}\n{END}\n{NONE_LEFT}").epochs == SIX


def test_late_words_of_an_earlier_round_are_let_go() -> None:
    late = WHOLE.replace(f"B 0004  {START}", f"B 0004  10 03 01\nB 0004  10 02 01\nB 0004  {START}")
    assert told(late + NONE_LEFT).epochs == SIX


def test_an_answer_in_another_offset_means_the_instant_that_it_says() -> None:
    # 21:00 at +02:00 is 20:00 in Paris
    assert told(WHOLE.replace(START, "10 01 01 06 00 00 00 e6 07 0c 0f 15 00 00 08") + NONE_LEFT).epochs == SIX


def test_a_round_may_begin_later_than_asked() -> None:
    # from 20:30 on: the six minutes after that, and the next request goes on behind them
    later = WHOLE.replace(START, "10 01 01 06 00 00 00 e6 07 0c 0f 14 1e 00 04")
    none = "P 0004  01 01 e6 07 0c 0f 14 24 00 04\nB 0004  10 01 02"
    told_ = told(later + none)
    assert [epoch.start - EIGHT for epoch in told_.epochs] == [timedelta(minutes=30 + i) for i in range(6)]


def test_a_round_may_begin_earlier_than_asked_and_is_not_stored_twice_nor_erased() -> None:
    # from 19:58 on: two minutes that lie before `since`
    earlier = WHOLE.replace(START, "10 01 01 06 00 00 00 e6 07 0c 0f 13 3a 00 04")
    none = "P 0004  01 01 e6 07 0c 0f 14 04 00 04\nB 0004  10 01 02"
    assert [epoch.start for epoch in told(earlier + none, erase=True).epochs] == [EIGHT + i * MINUTE for i in range(4)]


def test_a_band_that_does_not_move_on_is_left() -> None:
    # 19:50 to 19:56, all before `since`
    assert told(WHOLE.replace(START, "10 01 01 06 00 00 00 e6 07 0c 0f 13 32 00 04")).error is None


def test_only_finished_minutes_are_stored_and_the_band_keeps_the_round() -> None:
    # the last of six minutes is 20:38, which ends at 20:39:00; the band is met at 20:38:53
    now = WHOLE.replace(START, "10 01 01 06 00 00 00 e6 07 0c 0f 14 21 00 04")
    told_ = told(now, erase=True)
    assert [epoch.start for epoch in told_.epochs] == [EIGHT + (33 + i) * MINUTE for i in range(5)]


def test_minutes_from_the_future_are_not_fetched() -> None:
    # a year ahead; no transfer is asked for, nothing is acknowledged
    told_ = told(f"{ASK}\nB 0004  10 01 01 06 00 00 00 e7 07 0c 0f 14 00 00 04", erase=True)
    assert told_.error is None
    assert told_.epochs == []


# ------------------------------------------------------------------ size of a record and meaning of the count


EIGHT_BYTES = """
    B 0005  00  50 08 00 ff 04 00 80 00  50 05 00 ff 04 00 80 00
    B 0005  01  5a 00 00 ff 04 00 80 00  60 1e 00 48 04 00 80 00
    B 0005  02  01 50 37 58 04 00 80 00  50 0a 00 ff 04 00 80 00
    """
COUNTS_BYTES = "10 01 01 18 00 00 00 e6 07 0c 0f 14 00 00 04"  # 24
LOGIN_CRYPT = LOGIN.replace("P 0009  02 00", "P 0009  82 00 02 01 00").replace("P 0009  03", "P 0009  83")


def crypt(script: str, name: str) -> Meeting:
    session = Session(name=name, secret=KEY, since={Epoch: EIGHT})
    return played(LOGIN_CRYPT + script, session, EVENING, zone="Europe/Paris")


@pytest.mark.parametrize("name", ["Mi Smart Band 5", "Mi Smart Band 4", ""])
def test_eight_bytes_a_record_are_told_by_the_count(name: str) -> None:
    assert crypt(f"{BEGIN}{EIGHT_BYTES}{END}\n{NONE_LEFT}", name).epochs == SIX


@pytest.mark.parametrize("name", ["Mi Smart Band 4", ""])
def test_four_bytes_a_record_are_told_by_the_count(name: str) -> None:
    assert crypt(WHOLE + NONE_LEFT, name).epochs == SIX


def test_a_count_in_bytes_is_understood_where_the_model_is_known() -> None:
    assert told(WHOLE.replace(START, COUNTS_BYTES) + NONE_LEFT).epochs == SIX


def test_a_count_that_fits_nothing_is_refused_without_a_checksum() -> None:
    wrong = WHOLE.replace(START, "10 01 01 07 00 00 00 e6 07 0c 0f 14 00 00 04")
    assert isinstance(told(3 * wrong).error, UnexpectedReply)


def test_half_of_a_round_of_eight_bytes_is_not_taken_for_a_whole_one_of_four() -> None:
    twelve = "10 01 01 0c 00 00 00 e6 07 0c 0f 14 00 00 04"
    half = f"{BEGIN}{EIGHT_BYTES}{END}\n".replace(START, twelve)  # 48 bytes: six of eight, or twelve of four
    told_ = crypt(3 * half, "Mi Smart Band 5")
    assert isinstance(told_.error, UnexpectedReply)
    assert told_.epochs == []


# ------------------------------------------------------------------ bands that do not stop talking


class Babbler(Script):
    """Sends data packets for ever once a transfer is asked for, so many at a time."""

    def __init__(self, every_s: float, burst: int, data: bytes) -> None:
        super().__init__(f"{LOGIN}{BEGIN}", {"2A28": b"V1"})
        self._every_s, self._burst, self._data = every_s, burst, data

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        await super().write(characteristic, data, response, service)
        if data == b"\x02":
            self._playing.append(asyncio.ensure_future(self._babble()))

    async def _babble(self) -> None:
        number = 0
        while not self.lost.is_set() and (callback := self._callbacks.get(uuid("0005"))):
            for _ in range(self._burst):
                callback(bytes([number & 0xFF]) + self._data)
                number += 1
            await asyncio.sleep(self._every_s)


@pytest.mark.parametrize(
    ("every_s", "burst", "data"),
    [(9, 1, bytes(16)), (0.1, 500, bytes(16)), (0.1, 500, b""), (1, 5000, bytes(16))],
    ids=["a packet every nine seconds", "a flood", "a flood of empty packets", "more at a time than fit the inbox"],
)
def test_endless_data_end_as_an_error_within_a_quarter_of_an_hour(every_s: float, burst: int, data: bytes) -> None:
    async def story(clock: FastClock) -> tuple[DeviceError | None, datetime]:
        babbler = Babbler(every_s, burst, data)
        session = Session(name="Mi Band 3", secret=KEY, since={Epoch: EIGHT}, erase=True)
        ended = (await meeting(babbler, session, clock, zone="Europe/Paris")).error
        at = clock.now()
        babbler.drop()
        await asyncio.sleep(every_s)
        return ended, at

    error, ended = run(story, EVENING)
    assert isinstance(error, DeviceError)
    assert ended - EVENING <= timedelta(minutes=15, seconds=20)


def test_endless_wrong_answers_end_as_an_error() -> None:
    babble = 5 * "wait 9\nB 0004  10 03 01\n"
    assert type(told(3 * f"{ASK}\n{babble}").error) is NoReply


# ------------------------------------------------------------------ the simulated band

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def life(minutes: int, end: datetime = NOW, skip: frozenset[int] = frozenset()) -> list[Epoch]:
    """Minutes with steps that tell them apart from their neighbours."""
    start = end - minutes * MINUTE
    return [Epoch(start + i * MINUTE, MINUTE, i * 7 % 251) for i in range(minutes) if i not in skip]


def steps(lived: list[Epoch]) -> dict[datetime, int]:
    return {epoch.start: epoch.steps for epoch in lived}


def band(lived: list[Epoch], name: str = "Mi Band 3", now: datetime = NOW) -> MiBand:
    return MiBand(lived, now=now, zone=ZoneInfo("UTC"), secret=KEY, name=name)


def test_an_empty_memory_gives_nothing() -> None:
    meeting_ = met(band([]), NOW)
    assert (meeting_.error, meeting_.epochs) == (None, [])


def test_a_second_sync_asks_for_what_is_new_and_gets_nothing() -> None:
    lived = life(300)
    it = band(lived)
    kept = MemoryStore()
    met(it, NOW, kept=kept)
    again = met(it, NOW + timedelta(seconds=30), since=NOW, kept=kept)
    assert again.error is None
    assert again.steps == steps(lived)
    assert (it.sent, it.requests) == (300, [NOW - timedelta(days=100), NOW])


def test_a_band_is_asked_without_erasing_unless_that_is_wanted() -> None:
    it = band(life(100))
    assert b"\x03" not in wrote(met(it, NOW), "0004")
    assert (len(it.memory()), it.erased) == (100, [])


def test_a_band_that_may_forget_forgets_what_is_stored() -> None:
    lived = life(100)
    it = band(lived)
    assert met(it, NOW, erase=True).steps == steps(lived)
    assert (it.memory(), it.erased) == ([], sorted(steps(lived)))


@pytest.mark.parametrize("fail_at", [1, 2, 3])
def test_a_round_whose_commit_fails_stays_on_the_band(fail_at: int) -> None:
    lived = life(100)
    it = band(lived)
    it.round_minutes = 40
    kept = MemoryStore()
    kept.fail_at = fail_at
    with pytest.raises(OSError, match="disk full"):
        met(it, NOW, erase=True, kept=kept)
    stored = {epoch.start for epoch in kept.of(Epoch)}
    assert set(it.erased) == stored
    assert set(it.memory()) == steps(lived).keys() - stored
    assert len(stored) == (fail_at - 1) * 40


@pytest.mark.parametrize("erase", [False, True])
@pytest.mark.parametrize(("name", "minutes"), [("Mi Band 3", 100), ("Mi Smart Band 5", 60)])
def test_wherever_the_link_is_lost_the_next_sync_has_every_minute_once(name: str, minutes: int, erase: bool) -> None:
    lived = life(minutes)
    cuts = 0
    for cut in range(100):
        it, kept = band(lived, name), MemoryStore()
        it.round_minutes = 40

        def cut_there(connection: DirectConnection, cut: int = cut) -> None:
            connection.cut_after(cut)

        lost = met(it, NOW, erase=erase, kept=kept, spoil=cut_there)
        stored = lost.steps
        assert set(it.erased) <= stored.keys(), "the band forgot what is not stored"
        if lost.error is None:
            break
        cuts += 1
        assert type(lost.error) is LinkLost
        since = max(stored) + MINUTE if stored else None
        assert met(it, NOW + timedelta(seconds=20), since=since, erase=erase, kept=kept).steps == steps(lived)
    # two answers of the login; two control answers a round and its packets; acknowledgements; the last empty answer
    rounds = -(-minutes // 40)
    packets = minutes // (4 if name == "Mi Band 3" else 2)
    assert cuts == 2 + 2 * rounds + packets + (rounds if erase else 0)


@pytest.mark.parametrize(
    "fault",
    [
        *(Faults(lose={number}) for number in range(10)),
        *(Faults(double={number}) for number in range(10)),
        *(Faults(swap={number}) for number in range(9)),  # the tenth and last has no next
        *(Faults(stall_at=number) for number in range(10)),
        Faults(lose=set(range(5, 10))),
        Faults(bad_checksum=True),
        Faults(miscount=-1, bad_checksum=True),
    ],
)
@pytest.mark.parametrize("checksums", [False, True])
def test_a_fault_at_any_packet_costs_no_minute_and_doubles_none(fault: Faults, checksums: bool) -> None:
    lived = life(40)
    it = MiBand(lived, now=NOW, zone=ZoneInfo("UTC"), secret=KEY, name="Mi Band 3", checksums=checksums)
    it.faults = replace(fault)
    first = met(it, NOW, erase=True)
    assert first.error is None
    assert first.steps == steps(lived)
    unnoticed = fault == Faults(bad_checksum=True) and not checksums
    assert len(it.requests) == (1 if unnoticed else 2)


@pytest.mark.parametrize("number", range(10))
def test_a_band_that_hangs_up_at_any_packet_gives_all_at_the_next_meeting(number: int) -> None:
    lived = life(40)
    it = band(lived)
    it.faults.hang_up_at = number
    lost = met(it, NOW, erase=True)
    assert type(lost.error) is LinkLost
    assert (lost.epochs, it.erased) == ([], [])
    assert met(it, NOW + MINUTE, erase=True).steps == steps(lived)


@pytest.mark.parametrize(
    ("miscount", "checksums", "stored"), [(1, True, 40), (-1, True, 40), (1, False, 0), (-1, False, 0)]
)
def test_a_wrong_count_is_forgiven_where_a_checksum_vouches(miscount: int, checksums: bool, stored: int) -> None:
    it = MiBand(life(40), now=NOW, zone=ZoneInfo("UTC"), secret=KEY, name="Mi Band 3", checksums=checksums)
    it.faults.miscount, it.faults.times = miscount, 100
    assert len(met(it, NOW, erase=True).epochs) == stored == len(it.erased)


@pytest.mark.parametrize("status", [0x02, 0x04])
def test_a_band_that_refuses_now_is_asked_again_by_the_next_sync(status: int) -> None:
    it = band(life(40))
    it.faults.refuse_fetch = status
    assert met(it, NOW).epochs == []
    assert len(met(it, NOW + MINUTE).epochs) == 40


def test_hours_without_the_band_are_missing_and_nothing_else() -> None:
    lived = life(600, skip=frozenset(range(200, 440)))
    assert met(band(lived), NOW).steps == steps(lived)


def test_several_hundred_gaps_cost_a_round_each() -> None:
    lived = life(1600, skip=frozenset(i for i in range(1600) if i % 4 == 3))
    it = band(lived)
    assert met(it, NOW).steps == steps(lived)
    assert len(it.requests) == 400 + 1


@pytest.mark.parametrize(
    ("name", "mtu"),
    [
        ("Mi Band 3", 23),
        ("Mi Smart Band 5", 247),
        pytest.param("Mi Band 3", 247, marks=pytest.mark.ring),
        pytest.param("Mi Smart Band 5", 23, marks=pytest.mark.ring),
    ],
)
def test_a_full_memory_of_thirty_days_is_fetched(name: str, mtu: int) -> None:
    lived = life(30 * 24 * 60)
    it = band(lived, name)
    meeting_ = met(it, NOW, mtu=mtu)
    assert meeting_.error is None
    assert meeting_.steps == steps(lived)
    assert len(it.requests) == 22, "rounds of 2000"


def test_a_packet_counter_may_wrap_more_than_once() -> None:
    lived = life(3000)
    it = band(lived)
    it.round_minutes = 3000
    assert met(it, NOW).steps == steps(lived)  # 750 packets
    assert len(it.requests) == 1


def test_rounds_are_at_least_a_second_apart() -> None:
    asked: list[datetime] = []

    class Noted(MiBand):
        def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
            if data[:2] == b"\x01\x01":
                asked.append(now)
            super().write(characteristic, service, data, now)

    met(Noted(life(30), now=NOW, zone=ZoneInfo("UTC"), secret=KEY, round_minutes=10), NOW)
    assert len(asked) == 3
    assert min(b - a for a, b in pairwise(asked)) >= timedelta(seconds=1)


def test_a_band_that_knows_no_login_of_this_kind_is_another_model() -> None:
    class Bare(Script):
        def has(self, characteristic: str, service: str | None = None) -> bool:
            return False

    async def story(clock: FastClock) -> DeviceError | None:
        return (await meeting(Bare(""), Session(secret=KEY), clock)).error

    assert "another model" in str(run(story, NOW))


@pytest.mark.parametrize(
    ("name", "there", "what"),
    [
        ("", "0000ff0f", "a Mi Band of the first generation"),
        ("Mi Smart Band 4", "00000051", "Xiaomi's own protocol"),
        ("Amazfit Balance", "0000005e", "Xiaomi's own protocol"),
        ("Amazfit Balance", "", "another model, which hipsync cannot read"),
    ],
)
def test_who_connects_to_something_else_is_told_what_it_is(name: str, there: str, what: str) -> None:
    """docs/protocols/names.md, "After connecting": FF0F is a Mi Band 1; 0051 and 005e are Xiaomi's own protocol."""

    class Other(Script):
        def has(self, characteristic: str, service: str | None = None) -> bool:
            return bool(there) and characteristic.startswith(there)

    async def story(clock: FastClock) -> DeviceError | None:
        return (await meeting(Other(""), Session(name, KEY), clock)).error

    said = str(run(story, NOW))
    assert what in said
    assert "characteristic" not in said


@pytest.mark.parametrize(
    ("name", "there", "newer"),
    [
        ("Amazfit GTR 9", ("0016", "0017"), True),  # the newer generation has no classic login
        ("Amazfit GTR 9", ("0009", "0016", "0017"), False),
        ("Amazfit GTR 9", ("0009",), False),
        ("My watch", ("0016", "0017"), True),
        ("Mi Smart Band 6", ("0016", "0017"), False),  # a name that is known decides
        ("Amazfit Balance", ("0009",), True),
    ],
)
def test_a_model_that_nobody_knows_is_read_by_the_login_that_it_has(
    name: str, there: tuple[str, ...], newer: bool
) -> None:
    class Unknown(Script):
        def has(self, characteristic: str, service: str | None = None) -> bool:
            return characteristic in {uuid(short) for short in there}

    async def story(clock: FastClock) -> bool:
        conversation = Conversation(Unknown(""), zone=ZoneInfo("UTC"), now=clock.now)
        return model_on(conversation.view(), name).newer

    assert run(story, NOW) is newer
