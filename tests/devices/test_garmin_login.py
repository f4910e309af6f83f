"""Garmin's own login for a link without a bond: both ends against another's numbers, and against each other.

The numbers are those of seofernando25/garmin-proto-lab at 501817c3: the rows of `vectors/garmin.json`, the layouts of
its `tests/test_auth_messages.py` at 2b6c3d67, and what its own code makes of the inputs of its
`tests/test_auth_protocol.py` and `tests/test_crypto.py`. Nobody has tried any of it on a watch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

import pytest

from hipsync.driver import Session
from hipsync.errors import DeviceError, MalformedPacket, NotAuthorised
from hipsync.model import Epoch, Reading
from hipsync_devices.garmin import cipher, login, sim_login
from hipsync_devices.garmin.authentication import Begin, LongTerm, Mode, Secure
from hipsync_devices.garmin.cipher import Seal
from hipsync_devices.garmin.gfdi import Answer, Frame, Said
from hipsync_devices.garmin.login import Exchange, Login, Step
from hipsync_devices.garmin.sim_login import DIGITS, JUST_WORKS, OUT_OF_BAND, Guard, SimLogin, crypted
from support.garmin_rows import decoded, frame

NOW = datetime(2026, 3, 2, 12, 0, 20, tzinfo=UTC)
raw = bytes.fromhex


# ------------------------------------------------------------------ the cipher, at both ends


Ciphered = Callable[[bytes, bytes], bytes]
Committed = Callable[[bytes, bytes, str], bytes]


@pytest.mark.parametrize("encrypt", [cipher.encrypt, crypted])
@pytest.mark.parametrize("decrypt", [cipher.decrypt, partial(crypted, back=True)])
def test_both_ciphers_have_the_numbers_of_another(encrypt: Ciphered, decrypt: Ciphered) -> None:
    told = decoded("auth-xxtea")
    key, plain = raw(told["key"]), raw(told["plain"])
    assert encrypt(plain, key) == frame("auth-xxtea")
    assert decrypt(frame("auth-xxtea"), key) == plain


@pytest.mark.parametrize("size", [8, 12, 20, 52, 104, 208, 212, 512])
def test_the_two_ciphers_are_one_whatever_the_length(size: int) -> None:
    """A longer message has fewer rounds, down to six from 53 words on."""
    plain, key = bytes(range(256)) * 2, raw("00112233445566778899aabbccddeeff")
    sealed = cipher.encrypt(plain[:size], key)
    assert sealed == crypted(plain[:size], key)
    assert cipher.decrypt(sealed, key) == crypted(sealed, key, back=True) == plain[:size]


@pytest.mark.parametrize("decrypt", [cipher.decrypt, partial(crypted, back=True)])
@pytest.mark.parametrize("size", [0, 4, 7, 9, 15])
def test_what_is_no_whole_block_is_refused(decrypt: Ciphered, size: int) -> None:
    with pytest.raises(MalformedPacket):
        decrypt(bytes(size), bytes(16))


@pytest.mark.parametrize("commit", [cipher.confirm, sim_login.commitment])
def test_both_confirm_as_another_does(commit: Committed) -> None:
    told = decoded("auth-confirm")
    assert commit(raw(told["passkey16"]), raw(told["random"]), told["mac"]) == frame("auth-confirm")


def test_the_keys_that_follow_are_those_of_another() -> None:
    told = decoded("auth-session-key")
    keys = raw(told["ltk"]), raw(told["first_argument"]), raw(told["second_argument"])
    assert cipher.session_key(*keys) == crypted(keys[1] + keys[2], keys[0]) == frame("auth-session-key")
    passkey = raw("30313233343536373839303132333435")  # tests/test_crypto.py, as the next value
    short = cipher.short_term_key(passkey, bytes(range(16)), bytes(range(16, 32)))
    assert short == raw("a1bc4d6278ccd769e8728d133916e32d")


def test_digits_are_a_number_of_four_bytes() -> None:
    assert cipher.passkey(123456) == raw("40e20100") + bytes(12)  # tests/test_auth_protocol.py
    assert cipher.passkey(0) == cipher.JUST_WORKS == bytes(16)


# ------------------------------------------------------------------ the seal

SEAL_KEY, MARK = raw("00112233445566778899aabbccddeeff"), raw("a1b2c3d4")
SEALED = [
    (3, "0b00bc1368656c6c6fde6c", "160048c617f9f97e5ebceec99c70b553c78d601f7f04"),
    (4, "0c009f13776f726c642144e1", "1a0001786544abc69df73af3341fd845264a917407cdf7caf567"),
    (2, "0b00bc1368656c6c6fde6c", "160012d73a93a72ed85f45e70c1e423cf614b645caed"),
]
"""Numbers, frames and sealed frames of `tests/test_crypto.py`, as its `src/garmin_proto_lab/secure_session.py` seals
them."""


def test_frames_are_sealed_as_another_seals_them() -> None:
    """A frame of twelve bytes is aligned, and padded by four zeros all the same."""
    ours = Seal(SEAL_KEY, MARK, bytes(4))
    said = [ours.seal(raw(SEALED[min(number, 4) - 3][1]) if number >= 3 else bytes(6)).hex() for number in range(5)]
    assert said[3:] == [SEALED[0][2], SEALED[1][2]]


def test_sealed_frames_are_opened_and_none_that_is_older_or_anybody_else_s() -> None:
    theirs = Seal(SEAL_KEY, bytes(4), MARK)
    first, second, older = SEALED
    assert theirs.open(raw(first[2])) == raw(first[1])
    assert theirs.open(raw(first[2])) == raw(first[1]), "an equal number is taken: P-0211"
    assert theirs.open(raw(second[2])) == raw(second[1])
    with pytest.raises(MalformedPacket, match="sent before"):
        theirs.open(raw(older[2]))
    for key, mark in ((bytes(16), MARK), (SEAL_KEY, bytes(4))):
        with pytest.raises(MalformedPacket, match="not the watch's"):
            Seal(key, bytes(4), mark).open(raw(second[2]))
    for wrong in (b"", b"\2\0", raw(first[2])[:-1], raw(first[2]) + bytes(4), raw(first[1])):
        with pytest.raises(MalformedPacket):
            theirs.open(wrong)


# ------------------------------------------------------------------ messages


def test_layouts_that_another_tests() -> None:
    """`tests/test_auth_messages.py`, but for modes, times and values that the dialogues below show."""
    assert Begin.decode(raw("090000aabb00")) == Begin(Mode.DIGITS, timedelta(seconds=30))
    assert Begin.decode(raw("000100000009")).mode == 9
    assert Begin.decode(raw("00ffff000000")).within == timedelta(seconds=90), "nobody is waited for so long"
    long = raw("000102030405060708090a0b0c0d0e0f"), raw("a1b21020304050607080")
    payload = b"\x77" + cipher.encrypt(long[0] + long[1] + raw("010203040506"), SEAL_KEY)
    assert LongTerm.decode(payload, SEAL_KEY) == LongTerm(*long)
    asked = cipher.encrypt(b"\7" + bytes(7) + raw("a1b2c3d401020304"), SEAL_KEY)
    assert Secure.decode(asked, SEAL_KEY) == Secure(7, raw("a1b2c3d4"))
    told = Secure(7, raw("11223344")).encode(SEAL_KEY, raw("55667788"))
    assert crypted(told, SEAL_KEY, back=True) == b"\7" + bytes(7) + raw("1122334455667788")


@pytest.mark.parametrize("kind", [5101, 5103])
def test_a_message_that_is_cut_off_is_refused(kind: int) -> None:
    with pytest.raises(MalformedPacket):
        Login(Session(pairing=True, address=PLACE), bytes).hear(Frame(kind, b"bad"))


def test_what_is_kept_are_26_bytes_that_no_error_and_no_log_shows() -> None:
    long = LongTerm.kept(bytes(range(26)))
    assert long == LongTerm(bytes(range(16)), bytes(range(16, 26)))
    assert long is not None
    assert long.encode() == bytes(range(26))
    assert repr(long.key) not in repr(long)
    assert [LongTerm.kept(bytes(size)) for size in (0, 15, 25, 27)] == [None] * 4


def test_no_word_for_a_step_of_the_login_shows_a_key() -> None:
    made = begun()
    made.answered(Answer(5104, rest=DONE + BY_DIGITS["watch"]))
    made.answered(Answer(5105, rest=DONE + WATCH_DRAWS[0]))
    step = made.hear(Frame(5107, BY_DIGITS["long"]))
    assert step.keep == LTK + NAME
    assert repr(LTK)[2:-1] not in repr(step)
    passkey = cipher.passkey(123456)
    assert repr(passkey) not in repr(Exchange(passkey, HOST_DRAWS[0], BY_DIGITS["host"]))
    assert repr(HOST_DRAWS[0]) not in repr(Exchange(passkey, HOST_DRAWS[0], BY_DIGITS["host"]))


# ------------------------------------------------------------------ one conversation, by another's numbers


class Drawn:
    """Random numbers that are known; each is of the length that is asked for."""

    def __init__(self, *values: bytes) -> None:
        self.left = list(values)

    def __call__(self, size: int) -> bytes:
        value = self.left.pop(0)
        assert len(value) == size
        return value


PLACE = "AA:BB:CC:DD:EE:FF"
LTK, NAME = bytes(range(0x40, 0x50)), b"\1\2" + bytes(range(0x50, 0x58))
HOST_DRAWS = bytes(range(0x80, 0x90)), bytes(range(0x70, 0x78)), b"HIV4", b"TAIL"
WATCH_DRAWS = bytes(range(0x10, 0x20)), LTK, NAME, bytes(6), bytes(range(0x60, 0x68)), b"\x99" * 8, b"DIV4", b"PEER"
NEGOTIATED, NEW, GOES_ON, DONE = raw("0001000000"), raw("000001000000"), raw("00ff"), raw("00")
BY_DIGITS = {
    "begin": raw("001e00000000"),
    "host": raw("1765bf823ab48dab697f1622cff68f33"),
    "watch": raw("57599d359092fa47217400a6ac0ab7d6"),
    "long": raw("00e312c2c158179140b1e3b0a6bad697fa00e8aaf00c8618209ef6364b9aa8f6a9"),
}
BY_NOTHING = {
    "begin": raw("001e00000001"),
    "host": raw("3b9e1480e2651a5c079099acd6c16802"),
    "watch": raw("8b1a975ef53784595357531b5b3e0a96"),
    "long": raw("0072040f81c08f6baf274579868ecb72fda1f0809d40550875031ccfb81db3f743"),
}
"""What goes over the air with the digits 123456 and with none, by those who say it: as that code makes it."""
VERIFIED = raw("005d1bc2b3ff88b3b5497b093685770ca941d8961209cf9d6f")
SECURE, SECURED = raw("8b1ef8611ace4a1fcad12a2c3d3dad52"), raw("40ec07c42ad3f07edc012cfbe0deaa1d")


def keyed(told: dict[str, bytes]) -> list[tuple[int, bytes, bytes]]:
    """The messages with the rest of their answers: the new pairing, and then the key of this connection."""
    return [
        (5101, NEGOTIATED, NEW), (5103, told["begin"], GOES_ON), (5104, told["host"], DONE + told["watch"]),
        (5105, HOST_DRAWS[0], DONE + WATCH_DRAWS[0]), (5106, DONE, b""), (5107, told["long"], DONE), *SESSION,
    ]  # fmt: skip


SESSION = [
    (5108, WATCH_DRAWS[4], DONE + HOST_DRAWS[1]), (5109, VERIFIED, DONE), (5111, SECURE, SECURED),
]  # fmt: skip
AGAIN = [(5101, NEGOTIATED, raw("000101000000")), (5102, NAME, DONE), *SESSION]
OF_HOST = {5102, 5104, 5105, 5106}
PAIRED = [(DIGITS, BY_DIGITS), (JUST_WORKS, BY_NOTHING)]


def of_host(messages: Sequence[tuple[int, bytes, bytes]], made: Login, digits: int) -> list[bytes | None]:
    """Say to the driver's end what a watch says, and check each word of it. Returns what it keeps, in order."""
    waiting: list[Frame] = []
    kept: list[bytes | None] = []
    for kind, payload, rest in messages:
        if kind in OF_HOST:
            assert waiting.pop(0) == Frame(kind, payload)
            step = made.answered(Answer(kind, Said.ACK, rest))
        else:
            step = made.hear(Frame(kind, payload))
            said, *more = step.frames
            assert Answer.decode(said.payload) == Answer(kind, Said.ACK, rest)
            waiting += more
            kept += [step.keep] if step.keep is not None else []
            step = made.typed(digits, made.wanted or 0) if step.asks else replace(step, frames=())
        assert step.error is None
        waiting += step.frames
    assert waiting == []
    return kept


def of_watch(messages: Sequence[tuple[int, bytes, bytes]], guard: Guard) -> SimLogin:
    """Say to the watch's end what a host says, and check each word of it."""
    said: list[Frame] = []
    made = SimLogin(guard, lambda: NOW, said.append, said.append, lambda: pytest.fail("it hung up"))
    made.begin()
    for kind, payload, rest in messages:
        if kind in OF_HOST:
            assert made.hear(Frame(kind, payload))
            assert Answer.decode(said.pop(0).payload) == Answer(kind, Said.ACK, rest)
        else:
            assert said.pop(0) == Frame(kind, payload)
            made.answered(Answer(kind, Said.ACK, rest))
    assert said == []
    return made


@pytest.mark.parametrize(("mode", "told"), PAIRED)
def test_a_pairing_and_the_next_connection_have_the_bytes_of_another_at_the_host(
    mode: int, told: dict[str, bytes]
) -> None:
    made = Login(Session(pairing=True, address=PLACE), Drawn(*HOST_DRAWS))
    assert of_host(keyed(told), made, 123456) == [LTK + NAME]
    again = Login(Session(secret=LTK + NAME, address=PLACE), Drawn(*HOST_DRAWS[1:]))
    assert of_host(AGAIN, again, 0) == []


@pytest.mark.parametrize(("mode", "told"), PAIRED)
def test_a_pairing_and_the_next_connection_have_the_bytes_of_another_at_the_watch(
    mode: int, told: dict[str, bytes]
) -> None:
    shown: list[str] = []
    digits = [raw("40e20100")] if mode == DIGITS else []
    guard = Guard(mode, PLACE, shown.append, Random(1), draws=[*digits, *WATCH_DRAWS])
    made = of_watch(keyed(told), guard)
    assert shown == ["123456"] * len(digits)
    assert made.is_over
    assert (guard.owner.key, guard.owner.name) == (LTK, NAME)
    guard.draws = list(WATCH_DRAWS[4:])
    assert of_watch(AGAIN, guard).is_over
    host = Seal(crypted(WATCH_DRAWS[4] + HOST_DRAWS[1], LTK), b"HIV4", b"DIV4")
    frame = Frame(5050, b"\1\0").encode()
    assert made.opened(host.seal(frame)) == frame
    assert host.open(made.sealed(frame)) == frame


@pytest.mark.parametrize("kind", [5101, 5103, 5107, 5108, 5109, 5111])
def test_a_simulated_watch_takes_no_answer_to_what_it_did_not_ask(kind: int) -> None:
    """Nor one answer twice."""
    said: list[Frame] = []
    guard = Guard(JUST_WORKS, PLACE, pytest.fail, Random(1))
    made = SimLogin(guard, lambda: NOW, said.append, said.append, lambda: pytest.fail("it hung up"))
    for rest in (DONE, GOES_ON, DONE + bytes(8), bytes(16)):
        made.answered(Answer(kind, rest=rest))
    assert (said, made.is_over, guard.owner.key) == ([], False, b"")
    made.begin()
    for _ in range(2):
        made.answered(Answer(5101, rest=NEW))
    assert [each.kind for each in said] == [5101, 5103]


# ------------------------------------------------------------------ what ends a login


def refused(step: Step, why: str) -> None:
    assert isinstance(step.error, NotAuthorised)
    assert str(step.error) == why


def told(made: Login, kind: int, payload: bytes) -> Answer:
    """What is answered to a message of the watch."""
    return Answer.decode(made.hear(Frame(kind, payload)).frames[0].payload)


def begun(*later: bytes, secret: bytes | None = None) -> Login:
    """A login whose digits were typed, and that waits for the watch's confirm value; it draws `later` after that."""
    made = Login(Session(secret=secret, pairing=True, address=PLACE), Drawn(HOST_DRAWS[0], *later))
    made.hear(Frame(5103, BY_DIGITS["begin"]))
    assert made.typed(123456, made.wanted or 0).frames == [Frame(5104, BY_DIGITS["host"])]
    return made


def test_a_random_number_that_was_not_confirmed_is_told_and_ends_it() -> None:
    made = begun()
    made.answered(Answer(5104, rest=DONE + BY_DIGITS["watch"]))
    step = made.answered(Answer(5105, rest=DONE + bytes(16)))
    assert step.frames == [Frame(5106, b"\1")]
    refused(step, login.NO_PROOF)
    late = made.hear(Frame(5107, BY_DIGITS["long"]))
    assert (Answer.decode(late.frames[0].payload).rest, late.keep) == (b"\1", None), "nothing is kept after that"


def test_a_watch_that_says_our_own_value_again_has_proved_nothing() -> None:
    step = begun().answered(Answer(5104, rest=DONE + BY_DIGITS["host"]))
    assert step.frames == ()
    refused(step, login.NO_PROOF)


def test_digits_that_the_watch_does_not_take_are_named() -> None:
    made = begun()
    made.answered(Answer(5104, rest=DONE + BY_DIGITS["watch"]))
    refused(made.answered(Answer(5105, rest=b"\2")), login.WRONG_DIGITS)


def test_a_value_that_is_cut_off_or_refused_ends_it() -> None:
    for answer in (Answer(5104, rest=DONE + bytes(15)), Answer(5104, rest=b"\1"), Answer(5104, Said.UNSUPPORTED)):
        with pytest.raises(MalformedPacket, match="does not go on"):
            begun().answered(answer)


def test_a_pairing_by_another_way_is_refused_in_a_line() -> None:
    for mode in (OUT_OF_BAND, 9):
        step = Login(Session(pairing=True, address=PLACE), bytes).hear(Frame(5103, bytes(5) + bytes([mode])))
        assert [Answer.decode(each.payload).rest for each in step.frames] == [bytes([0, mode])]
        refused(step, login.BY_ANOTHER_WAY)
    told = Login(Session(pairing=True, address=PLACE), bytes).hear(Frame(5112, bytes(16)))
    assert [Answer.decode(each.payload).rest for each in told.frames] == [b"\1"], "P-0203"


def test_nobody_is_asked_for_digits_unless_the_watch_is_paired() -> None:
    for told in (BY_DIGITS, BY_NOTHING):
        made = Login(Session(secret=LTK + NAME, address=PLACE), bytes)
        refused(made.hear(Frame(5103, told["begin"])), login.NOT_PAIRED)


@pytest.mark.parametrize("kind", [5103, 5107, 5108, 5109, 5111, 5112])
def test_where_no_key_is_kept_and_nobody_pairs_the_login_is_not_supported(kind: int) -> None:
    """A watch with a bond goes on after that, as after any question that is not known."""
    step = Login(Session(address=PLACE), bytes).hear(Frame(kind, bytes(33)))
    assert [Answer.decode(each.payload) for each in step.frames] == [Answer(kind, Said.UNSUPPORTED)]
    assert step.error is None


def test_without_the_watch_s_address_there_is_no_pairing_and_it_says_why() -> None:
    with pytest.raises(DeviceError, match="macOS hides"):
        Login(Session(pairing=True), bytes).hear(Frame(5103, BY_DIGITS["begin"]))


def test_a_key_that_the_watch_cannot_show_ends_it() -> None:
    made = Login(Session(secret=LTK + NAME, address=PLACE), Drawn(*HOST_DRAWS[1:]))
    made.hear(Frame(5108, WATCH_DRAWS[4]))
    step = made.hear(Frame(5109, bytes(25)))
    assert Answer.decode(step.frames[0].payload).rest == b"\2"
    refused(step, login.NO_KEY)
    unverified = made.hear(Frame(5111, SECURE))
    assert Answer.decode(unverified.frames[0].payload).status == Said.UNSUPPORTED
    assert unverified.seal is None


def test_once_the_key_is_claimed_only_the_login_and_who_it_is_are_taken_in_plain() -> None:
    """A watch with a bond, which does not know message 5102, claims nothing."""
    plain = [Frame(5101, NEGOTIATED), Frame(5024), Frame(5000, Answer(5102).encode())]
    sealed = [Frame(5050, b"\1\0"), Frame(5043), Frame(5034), Frame(5000, Answer(5026).encode())]
    for said, claims in ((Answer(5102, Said.ACK, DONE), True), (Answer(5102, Said.UNSUPPORTED), False)):
        made = Login(Session(secret=LTK + NAME, address=PLACE), bytes)
        made.hear(plain[0])
        assert not any(made.wants_sealed(each) for each in plain + sealed)
        made.answered(said)
        made.begin()
        assert [made.wants_sealed(each) for each in plain + sealed] == [False] * 3 + [claims] * 4


def test_what_comes_without_a_key_is_answered_so() -> None:
    made = Login(Session(pairing=True, address=PLACE), bytes)
    for kind, size in ((5107, 33), (5108, 8), (5109, 25)):
        assert Answer.decode(made.hear(Frame(kind, bytes(size))).frames[0].payload).rest == b"\1"


def test_a_watch_that_asks_for_a_share_again_gets_the_same_one() -> None:
    made = Login(Session(secret=LTK + NAME, address=PLACE), Drawn(*HOST_DRAWS[1:]))
    first, second = (made.hear(Frame(5108, WATCH_DRAWS[4])) for _ in range(2))
    assert first == second


def test_a_new_long_term_key_makes_a_new_session_key() -> None:
    """Also if the watch's share were the same as before it handed the key over."""
    made = begun(b"12345678", b"abcdefgh", secret=bytes(26))
    made.answered(Answer(5104, rest=DONE + BY_DIGITS["watch"]))
    made.answered(Answer(5105, rest=DONE + WATCH_DRAWS[0]))
    assert told(made, 5108, WATCH_DRAWS[4]).rest == DONE + b"12345678"
    made.hear(Frame(5107, BY_DIGITS["long"]))
    assert told(made, 5109, bytes(25)) == Answer(5109, rest=b"\1"), "that of the key before is gone"
    assert told(made, 5108, WATCH_DRAWS[4]).rest == DONE + b"abcdefgh"


def test_one_long_term_key_is_taken_by_each_proof() -> None:
    made = begun()
    made.answered(Answer(5104, rest=DONE + BY_DIGITS["watch"]))
    made.answered(Answer(5105, rest=DONE + WATCH_DRAWS[0]))
    assert made.hear(Frame(5107, BY_DIGITS["long"])).keep == LTK + NAME
    assert made.hear(Frame(5107, BY_DIGITS["long"])).keep is None
    assert told(made, 5107, BY_DIGITS["long"]) == Answer(5107, rest=b"\1")


def test_the_key_of_a_watch_that_was_read_is_not_replaced_without_digits() -> None:
    """One that was kept in a pairing that did not end is, because nobody could forget it."""
    begin = Frame(5103, BY_NOTHING["begin"])
    read: dict[type[Reading], datetime] = {Epoch: NOW}
    made = Login(Session(secret=LTK + NAME, pairing=True, address=PLACE, since=read), Drawn(*HOST_DRAWS))
    step = made.hear(begin)
    assert [Answer.decode(each.payload).rest for each in step.frames] == [b"\0\1"]
    refused(step, login.KEY_IS_KEPT)
    for session in (
        Session(pairing=True, address=PLACE, since=read),
        Session(secret=LTK + NAME, pairing=True, address=PLACE),
    ):
        assert Login(session, Drawn(*HOST_DRAWS)).hear(begin).error is None
    by_digits = made.hear(Frame(5103, BY_DIGITS["begin"]))
    assert (by_digits.asks, by_digits.error) == (True, None)


def test_a_watch_that_begins_anew_while_digits_are_typed_is_not_told_the_old_ones() -> None:
    made = Login(Session(pairing=True, address=PLACE), Drawn(*HOST_DRAWS))
    assert made.hear(Frame(5103, BY_DIGITS["begin"])).asks
    wanted = made.wanted or 0
    made.hear(Frame(5101, NEGOTIATED))
    assert made.wanted is None
    assert made.typed(123456, wanted) == Step()


def test_digits_for_an_earlier_beginning_are_not_for_a_later_one() -> None:
    made = Login(Session(pairing=True, address=PLACE), Drawn(*HOST_DRAWS))
    made.hear(Frame(5103, BY_DIGITS["begin"]))
    first = made.wanted
    made.hear(Frame(5103, BY_DIGITS["begin"]))
    assert first is not None
    assert made.typed(123456, first) == Step()
    second = made.wanted
    assert second is not None
    assert made.typed(123456, second).frames == [Frame(5104, BY_DIGITS["host"])]
    assert made.wanted is None


def test_a_watch_of_another_cipher_is_answered_as_one_with_a_bond() -> None:
    made = Login(Session(secret=LTK + NAME, address=PLACE), bytes)
    (said,) = made.hear(Frame(5101, raw("0002000000"))).frames
    assert Answer.decode(said.payload).rest == raw("000002000000")
