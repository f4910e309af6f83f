"""Simulated Huawei and Honor bands: recorded conversations come out byte by byte, and any client is treated alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.model import MINUTE, Epoch, State, Workout, WorkoutKind
from hipsync_devices.huawei import ciphers, frames, hichain, minutes, packets, proofs, setup, tlv, workouts
from hipsync_devices.huawei.frames import Assembly, Message
from hipsync_devices.huawei.minutes import Minute, Night, Record, Slept
from hipsync_devices.huawei.packets import Battery, LinkParameters, Product
from hipsync_devices.huawei.sim import HonorBand, HonorBand4, HonorBand6, HuaweiBand
from hipsync_devices.huawei.sim_memory import Stored
from hipsync_devices.huawei.tlv import Fields
from support.huawei_bands import OURS, SECOND, Phone
from support.shared import VECTORS

ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row for row in json.loads((VECTORS / "huawei.json").read_text("utf-8"))["vectors"]
}
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
KINDS: dict[str, type[HuaweiBand]] = {
    "HiChain3": HuaweiBand, "classic": HonorBand, "classic in plain": HonorBand4, "lite": HonorBand6
}  # fmt: skip


def band(kind: str = "HiChain3", life: Sequence[Epoch] = (), *, paired: bool = True, **more: Any) -> HuaweiBand:
    return KINDS[kind](life, now=NOON, zone=UTC_ZONE, secret=OURS.encode() if paired else None, **more)


def logged_in(kind: str = "HiChain3", life: Sequence[Epoch] = (), *, mtu: int = 247, **more: Any) -> Phone:
    phone = Phone(band(kind, life, **more), NOON, mtu)
    if kind == "HiChain3":
        phone.log_in_by_hichain(first=False)
    else:
        phone.log_in_classic()
    return phone


def lived(*steps: int, before: datetime = NOON, **more: Any) -> list[Epoch]:
    """A life of minutes with these steps that ends at an instant."""
    start = before - len(steps) * MINUTE
    return [Epoch(start + at * MINUTE, MINUTE, count, **more) for at, count in enumerate(steps)]


# ------------------------------------------------------------------ recorded conversations

TALKS = {
    "talk-gb-normal-v1-first": "classic",
    "talk-gb-normal-v1-again": "classic",
    "talk-gb-normal-v3-first": "classic in plain",
    "talk-gb-normal-v3-again": "classic in plain",
    "talk-gb-lite-v3-pbkdf2-first": "lite",
    "talk-gb-lite-v3-pbkdf2-again": "lite",
    "talk-gb-hichain-v1-first": "HiChain3",
    "talk-gb-hichain-v1-again": "HiChain3",
}


def said_by(name: str, who: str) -> list[bytes]:
    return [bytes.fromhex(row[1]) for row in ROWS[name]["bytes"] if row[0] == who]


def drawn_in(name: str) -> list[bytes]:
    """The random bytes of the band of a conversation, in the order in which it drew them."""
    token = bytes.fromhex(ROWS[name]["decoded"].get("token", ""))
    assembly, draws = Assembly(), list[bytes]()
    for value in said_by(name, "B"):
        for message in assembly.take(value):
            draws += _drawn(message, token)
    return draws


def _drawn(message: Message, token: bytes) -> list[bytes]:
    if message.what == packets.LINK:
        return [LinkParameters.decode(message.body).nonce]
    fields = Fields.decode(message.body)
    if message.what == packets.PIN:
        return [fields.value(2)]
    if message.what == packets.HICHAIN and not fields.number(hichain.ENDED, 0):
        payload = json.loads(fields.value(hichain.JSON))["payload"]
        drawn = [bytes.fromhex(payload[key]) for key in ("isoSalt", "nonce") if key in payload]
        return [*drawn, token] if "encAuthToken" in payload else drawn
    return [fields.value(ciphers.IV)] if ciphers.is_sealed(message.body) else []


@pytest.mark.parametrize(("name", "kind"), TALKS.items())
def test_a_band_answers_another_client_as_in_its_conversation(name: str, kind: str) -> None:
    """Gadgetbridge's own requests; what the band draws by chance is given, and everything else is its own."""
    told = ROWS[name]["decoded"]
    it = band(kind, paired=False, chatty=False, address=told["mac"], taps_after=timedelta(0))
    it.battery, it.steps, it.draws = 61, 4290, drawn_in(name)
    it.memory.block = 1 << 30
    for number, (at, steps) in enumerate(told["minutes"]):
        it.memory.minutes[at // 60] = Stored(steps, 60 + number, 3 * number, 2 * number) if steps else Stored()
    if told["turn"] == "again" and kind == "HiChain3":
        it.owner.tokens = {told["identity"]: bytes.fromhex(told["token"])}
    elif told["turn"] == "again":
        it.owner.keys = {told["phone_mac"].encode(): bytes.fromhex(told["transaction_key"])}
    phone = Phone(it, NOON)
    for value in said_by(name, "P"):
        it.write(frames.WRITE, frames.SERVICE, value, NOON)
    phone.cipher = ciphers.Cipher(bytes.fromhex(told["transaction_key"]), gcm=kind == "HiChain3")
    phone.wait()
    assert [value.hex() for value in phone.values] == [value.hex() for value in said_by(name, "B")]
    assert [shown.text for shown in it.shown] == ["Hip\nHipsync\nStand"]
    assert it.draws == []


def test_every_conversation_is_played() -> None:
    assert set(TALKS) == {name for name, row in ROWS.items() if row["area"].startswith("talk-")}


# ------------------------------------------------------------------ login


def test_a_first_meeting_waits_for_the_wearer_and_hands_over_a_token() -> None:
    it = band(paired=False)
    phone = Phone(it, NOON)
    link = phone.link()
    assert phone.negotiate(link) == packets.FIRST_MEETING
    assert phone.say(packets.PIN, packets.ASK) == []
    assert phone.wait(SECOND) == []
    assert [each.what for each in phone.wait(SECOND)] == [packets.PIN]

    again = Phone(it, NOON + MINUTE)
    token = again.log_in_by_hichain(first=True)
    assert it.owner.tokens == {OURS.identity: token}
    later = Phone(it, NOON + 2 * MINUTE, keys=replace(OURS, token=token))
    assert later.log_in_by_hichain(first=False) == token


def test_a_wearer_who_never_taps_is_never_asked_for_more() -> None:
    phone = Phone(band(paired=False, taps_after=None), NOON)
    phone.negotiate(phone.link())
    assert phone.say(packets.PIN, packets.ASK) == []
    assert phone.wait(90 * SECOND) == []


def test_a_token_is_lost_by_a_reset_and_not_by_a_restart() -> None:
    it = band()
    Phone(it, NOON).log_in_by_hichain(first=False)
    it.reboot(NOON)
    Phone(it, NOON).log_in_by_hichain(first=False)
    it.reset(NOON)
    phone = Phone(it, NOON)
    assert phone.negotiate(phone.link()) == packets.FIRST_MEETING
    assert it.on_pair_screen


@pytest.mark.parametrize("kind", ["classic", "classic in plain", "lite"])
def test_a_bond_is_made_once_and_remembered(kind: str) -> None:
    it = band(kind, paired=False)
    assert Phone(it, NOON).log_in_classic() is False
    assert Phone(it, NOON).log_in_classic() is True
    other = replace(OURS, phone="FF:FF:FF:00:00:01", session=bytes(16))
    assert Phone(it, NOON, keys=other).log_in_classic() is False
    assert Phone(it, NOON).log_in_classic() is False, "the other phone's key has taken the place of ours"


BUSY = packets.result(packets.BUSY)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_answered_before_the_login(kind: str) -> None:
    phone = Phone(band(kind), NOON)
    phone.link()
    assert phone.ask(packets.BATTERY, packets.ASK) == BUSY


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_sealed_after_the_login_is_refused(kind: str) -> None:
    phone = logged_in(kind)
    assert phone.ask(packets.BATTERY, packets.ASK, sealed=False) == BUSY
    phone.say(packets.BATTERY, ciphers.Cipher(bytes(16), gcm=True).seal(packets.ASK, bytes(16)), sealed=False)
    assert phone.band.heard == []


@pytest.mark.parametrize("kind", ["classic", "lite", "HiChain3"])
def test_a_wrong_proof_is_refused(kind: str) -> None:
    phone = Phone(band(kind), NOON)
    link = phone.link()
    if link.negotiates:
        assert phone.ask(packets.AUTH, packets.auth(link.version, bytes(32), bytes(16))) == BUSY, "not negotiated"
        phone.negotiate(link)
    if kind == "lite":
        phone.pin(link)
    if kind == "HiChain3":
        begun = hichain.Begun(hichain.AUTHENTICATE, 1, OURS.identity, bytes(32), bytes(16), bytes(32))
        greeted = hichain.Answer.decode(phone.ask(packets.HICHAIN, begun.greeting()))
        salt, name = greeted.bytes("isoSalt"), greeted.bytes("peerAuthId")
        made = hichain.Answered(begun, salt, name)
        assert phone.ask(packets.HICHAIN, made.proof()) == BUSY
        assert phone.ask(packets.HICHAIN, made.result(bytes(12))) == BUSY
    else:
        assert phone.ask(packets.AUTH, packets.auth(link.version, bytes(32), bytes(16))) == BUSY
        assert phone.ask(packets.BOND_PARAMETERS, packets.bond_parameters("123456", "FF:FF:FF:12:34:56")) == BUSY
    assert phone.band.login.seal is None


def test_the_key_of_an_address_is_made_from_its_constants_and_fits_the_codec() -> None:
    """The simulated band goes from the two constants of the sheet, the codec from the table that follows from them."""
    for version in (1, 2, 3):
        it = band("classic")
        it.login.model = replace(it.model, version=version)
        assert it.login.address_key() == proofs.address_key(version, it.address)


# ------------------------------------------------------------------ wire


@pytest.mark.parametrize("mtu", [23, 60, 247, 517])
@pytest.mark.parametrize("kind", KINDS)
def test_notifications_are_as_long_as_link_and_mtu_allow(kind: str, mtu: int) -> None:
    phone = logged_in(kind, lived(*range(1, 120)), mtu=mtu)
    phone.band.memory.block = 240
    records = records_of(phone, NOON - 120 * MINUTE, NOON)
    assert [minute.steps for record in records for minute in record.minutes] == list(range(1, 120))
    assert max(map(len, phone.values)) == min(phone.band.model.link_size, mtu - 3)


def test_a_band_says_things_unasked_and_one_that_is_answered_comes_again() -> None:
    phone = logged_in()
    said = [each for _ in range(21) for each in phone.say(packets.BATTERY, packets.ASK)]
    unasked = [each.what for each in said if each.what != packets.BATTERY]
    assert unasked == [(0x37, 0x01), (0x01, 0x3D), (0x25, 0x03)]
    assert len(said) == 24
    again = phone.say(packets.MOVED, packets.result(packets.OK))
    assert (again, phone.band.answered_moves) == ([], 0), "a result is no answer to anything"
    assert [each.what for each in phone.say(packets.MOVED, b"\1\1\1")] == [packets.MOVED]
    assert phone.band.answered_moves == 1


def test_faults_are_where_they_are_set() -> None:
    phone = logged_in(chatty=False)
    phone.band.faults.busy = {packets.BATTERY}
    assert phone.ask(packets.BATTERY, packets.ASK) == BUSY
    assert Battery.decode(phone.ask(packets.BATTERY, packets.ASK)) == Battery(72, None)
    phone.band.faults.deaf = {packets.BATTERY}
    assert phone.say(packets.BATTERY, packets.ASK) == []
    phone.band.faults.deaf, phone.band.faults.wrong_checksum = set(), {phone.band.messages}
    assert phone.say(packets.BATTERY, packets.ASK) == []
    assert Battery.decode(phone.ask(packets.BATTERY, packets.ASK)) == Battery(72, None)


@pytest.mark.parametrize("data", ["00", "5a", "5affff", "5a0003000108", "5a000500010801000000", "5a0002030100" + "99"])
def test_bytes_that_are_no_frame_are_dropped(data: str) -> None:
    phone = logged_in()
    phone.band.write(frames.WRITE, frames.SERVICE, bytes.fromhex(data), NOON)
    assert phone.wait() == []


# ------------------------------------------------------------------ device


@pytest.mark.parametrize("kind", KINDS)
def test_a_band_tells_what_it_is_and_how_full(kind: str) -> None:
    phone = logged_in(kind)
    product = Product.decode(phone.ask(packets.PRODUCT, packets.ASK_PRODUCT))
    assert product == Product("6.0.0.125", "NA", "QXZ7S20C11000321", "KIM-B19")
    assert packets.result_of(phone.ask(packets.PRODUCT, b"\0\0")) == packets.WRONG_PARAMETER
    assert Battery.decode(phone.ask(packets.BATTERY, packets.ASK)) == Battery(72, None)
    assert packets.services_in(phone.ask(packets.NAMES_OF_SERVICES, packets.ask_services())) == {*packets.ALL_SERVICES}
    has = packets.commands_in(
        phone.ask(packets.COMMANDS, packets.ask_commands(packets.COMMANDS_OF)), packets.COMMANDS_OF
    )
    assert has >= {workouts.SUPPORTED, packets.BATTERY}
    assert packets.result_of(phone.ask((9, 1), packets.ASK)) == 100_001


def test_the_setup_ends_with_questions_and_their_answers_take_the_band_off_its_pair_screen() -> None:
    it = band(paired=False)
    phone = Phone(it, NOON)
    phone.log_in_by_hichain(first=True)
    assert phone.say(setup.LAST_WORD, setup.last_word(it.name)) == [], "never answered, and nothing else came before"
    for what, body in (
        (setup.SETTINGS, setup.ASK_SETTINGS), (setup.AGREEMENTS, setup.agreements(NOON)), (setup.ACTIVATE, setup.ACTIVE)
    ):  # fmt: skip
        assert packets.result_of(phone.ask(what, body)) == packets.OK
    asked = phone.say(setup.LAST_WORD, setup.last_word(it.name))
    assert [each.what for each in asked] == [packets.PHONE_INFO, packets.PERMISSION]
    assert it.on_pair_screen
    for each in asked:
        reply = setup.reply_to(each)
        assert reply is not None
        phone.say(each.what, reply)
    assert not it.on_pair_screen


def test_a_text_is_shown_with_all_its_lines() -> None:
    phone = logged_in()
    body = packets.notification(3, "Time to move", "hipsync", "Ten hip circles \u2026", "hipsync")
    assert packets.result_of(phone.ask(packets.NOTIFY, body)) == packets.OK
    assert [shown.text for shown in phone.band.shown] == ["Time to move\nhipsync\nTen hip circles \u2026"]


# ------------------------------------------------------------------ memory


def records_of(phone: Phone, start: datetime, end: datetime) -> list[Record]:
    count = minutes.counted(phone.ask(minutes.COUNT_MINUTES, minutes.count(start, end)))
    return [Record.decode(phone.ask(minutes.MINUTES, minutes.ask(index))) for index in range(count)]


def test_minutes_are_listed_as_they_were_lived_and_charging_leaves_a_hole() -> None:
    life = [
        *lived(0, 120, before=NOON - 3 * MINUTE, heart_rate=66),
        *lived(0, before=NOON - 2 * MINUTE, state=State.CHARGING),
        *lived(0, 0, state=State.NOT_WORN),
    ]
    phone = logged_in(life=life)
    listed = [minute for record in records_of(phone, NOON - 60 * MINUTE, NOON) for minute in record.minutes]
    assert listed == [
        Minute(NOON - 5 * MINUTE, 0, 66),
        Minute(NOON - 4 * MINUTE, 120, 66),
        Minute(NOON - 2 * MINUTE, 0, None),
        Minute(NOON - 1 * MINUTE, 0, None),
    ]


def test_the_running_minute_is_listed_half_full() -> None:
    phone = logged_in(life=lived(90, 60, before=NOON + MINUTE))
    phone.wait(20 * SECOND)
    (record,) = records_of(phone, NOON - MINUTE, NOON + MINUTE)
    assert [minute.steps for minute in record.minutes] == [90, 20]


def test_an_index_outside_of_the_window_is_refused_and_a_miscount_and_a_wrong_index_can_be_set() -> None:
    phone = logged_in(life=lived(*[1] * 100))
    count = minutes.counted(phone.ask(minutes.COUNT_MINUTES, minutes.count(NOON - 100 * MINUTE, NOON)))
    assert packets.result_of(phone.ask(minutes.MINUTES, minutes.ask(count))) == packets.OUTSIDE
    phone.band.faults.miscount, phone.band.faults.other_index = 2, 1
    assert minutes.counted(phone.ask(minutes.COUNT_MINUTES, minutes.count(NOON - 100 * MINUTE, NOON))) == count + 2
    assert Record.decode(phone.ask(minutes.MINUTES, minutes.ask(0))).index == 1


def test_a_night_is_listed_once_it_is_over_in_spans_of_light_and_deep_sleep() -> None:
    night = lived(*[0] * 200, before=NOON - 2 * MINUTE, state=State.ASLEEP)
    phone = logged_in(life=[*night, *lived(30, 30)])
    count = minutes.counted(phone.ask(minutes.COUNT_SLEEP, minutes.count(NOON - timedelta(days=1), NOON)))
    nights = [Night.decode(phone.ask(minutes.SLEEP, minutes.ask(index))) for index in range(count)]
    start = NOON - 202 * MINUTE
    assert [span for each in nights for span in each.spans] == [
        Slept(start, start + 90 * MINUTE),
        Slept(start + 90 * MINUTE, start + 180 * MINUTE),
        Slept(start + 180 * MINUTE, start + 200 * MINUTE),
    ]
    still = logged_in(life=night[:100])
    assert minutes.counted(still.ask(minutes.COUNT_SLEEP, minutes.count(NOON - timedelta(days=1), NOON))) == 0


def test_minutes_are_stamped_by_the_bands_own_clock_and_totals_begin_at_its_midnight() -> None:
    seven = timedelta(minutes=7)
    phone = logged_in(life=lived(50, 40), clock_error=seven)
    (record,) = records_of(phone, NOON, NOON + 10 * MINUTE)
    assert [minute.start for minute in record.minutes] == [NOON + 5 * MINUTE, NOON + 6 * MINUTE]
    assert packets.steps_today(phone.ask(packets.TOTALS, packets.ASK)) == 90
    said = phone.ask(packets.TIME, packets.clock(NOON, timedelta(hours=12)))
    assert Fields.decode(said).number(1) == int(NOON.timestamp())
    assert packets.steps_today(phone.ask(packets.TOTALS, packets.ASK)) == 0, "there it is midnight now"


def test_minutes_of_a_week_are_remembered() -> None:
    old = lived(*[7] * 10, before=NOON - timedelta(days=8))
    phone = logged_in(life=[*old, *lived(5)])
    assert [record.minutes for record in records_of(phone, NOON - timedelta(days=30), NOON)] == [
        (Minute(NOON - MINUTE, 5, None),)
    ]


def test_workouts_are_listed_in_their_window() -> None:
    phone = logged_in()
    phone.band.add_workout(3, NOON - 90 * MINUTE, NOON - 40 * MINUTE)
    phone.band.add_workout(135, NOON - 30 * MINUTE, NOON - 5 * MINUTE)
    phone.band.add_workout(None, NOON - timedelta(days=9), NOON - timedelta(days=9) + MINUTE)
    listed = workouts.numbers(phone.ask(workouts.LIST, workouts.ask_list(NOON - timedelta(days=1), NOON)))
    assert [workouts.decode(phone.ask(workouts.TOTALS, workouts.ask(number)), number) for number in listed] == [
        Workout(WorkoutKind.CYCLING, NOON - 90 * MINUTE, NOON - 40 * MINUTE),
        Workout(WorkoutKind.ROWING_MACHINE, NOON - 30 * MINUTE, NOON - 5 * MINUTE),
    ]
    last = workouts.decode(phone.ask(workouts.TOTALS, workouts.ask(3)), 3)
    assert (last.kind, last.end - last.start) == (WorkoutKind.OTHER, MINUTE)
    assert packets.result_of(phone.ask(workouts.TOTALS, workouts.ask(4))) == packets.OUTSIDE


def test_unknown_bits_of_a_minute_can_be_stored() -> None:
    phone = logged_in(life=lived(1, 1))
    stamp = int(NOON.timestamp()) // 60
    phone.band.memory.minutes[stamp - 1] = Stored(extra=bytes.fromhex("7f00010002000300040005061e"))
    (record,) = records_of(phone, NOON - 2 * MINUTE, NOON)
    assert record.minutes[1] == Minute(NOON - MINUTE, 2, 30)


def test_fields_of_the_simulated_band_have_the_lengths_of_the_codec() -> None:
    from hipsync_devices.huawei import sim_wire  # its writer and its reader are its own

    for size in (0, 1, 127, 128, 300, 16383, 16384, 70_000):
        value = bytes(size)
        assert sim_wire.field(0x84, value) == tlv.encode((0x84, value))
        assert sim_wire.fields(sim_wire.field(0x84, value) + sim_wire.field(1, b"x")) == [(0x84, value), (1, b"x")]
