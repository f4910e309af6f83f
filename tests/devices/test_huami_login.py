"""The login of classic Huami bands, against conversations written down by hand and against the simulated band."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hipsync.driver import Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply, NotAuthorised, UnexpectedReply
from hipsync.model import Charge, Info
from hipsync_devices.huami.sim import MiBand
from support.huami_bands import CHALLENGE, EVENING, KEY, LOGIN, PROOF, Meeting, met, played, wrote

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOTHING_STORED = """
    P 0004  01 01 e6 07 09 06 15 26 00 08
    B 0004  10 01 01 00 00 00 00 e6 07 0c 0f 14 26 00 04
    """
"""100 days before, when Paris had summer time."""
KEY_BYTES = KEY.hex()
Tap = Callable[[], None]


def told(
    script: str, *, name: str = "Mi Band 3", pairing: bool = False, secret: bytes | None = KEY, tap: Tap = lambda: None
) -> Meeting:
    session = Session(name=name, secret=secret, pairing=pairing, tap=tap)
    return played(script, session, EVENING, zone="Europe/Paris")


def unpaired(name: str = "Mi Band 3", taps_after: timedelta | None = timedelta(seconds=20)) -> MiBand:
    return MiBand([], now=NOW, zone=ZoneInfo("UTC"), name=name, taps_after=taps_after)


def paired(name: str = "Mi Band 3") -> MiBand:
    return MiBand([], now=NOW, zone=ZoneInfo("UTC"), name=name, secret=KEY)


def test_a_band_that_knows_the_key_is_opened() -> None:
    meeting = told(LOGIN + NOTHING_STORED)
    assert meeting.error is None
    assert meeting.kept.readings == [Info(EVENING, firmware="V1.0.1.81")]


@pytest.mark.parametrize(
    ("name", "ask", "proof"),
    [
        ("MI Band 2", "02 08", "03 08"),
        ("Amazfit Bip Watch", "02 08", "03 08"),
        ("Mi Band 3", "02 00", "03 00"),
        ("Mi Smart Band 4", "82 00 02 01 00", "83 00"),
        ("Amazfit GTS", "82 00 02 01 00", "83 00"),
    ],
)
def test_each_model_is_asked_in_its_own_form(name: str, ask: str, proof: str) -> None:
    high = ask[0]  # the band echoes the operation, with its high bit
    meeting = told(
        f"""
        P 0009  {ask}
        B 0009  10 {high}2 01 {CHALLENGE.hex()}
        P 0009  {proof} {PROOF.hex()}
        B 0009  10 {high}3 04
        """,
        name=name,
    )
    assert isinstance(meeting.error, NotAuthorised)


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ("10 03 04", NotAuthorised, "wrong key"),
        ("10 03 08", NotAuthorised, "wrong key"),
        ("10 83 08", NotAuthorised, "wrong key"),
        ("10 03 07", NotAuthorised, "newer login"),
        ("10 03 05", UnexpectedReply, "status 5"),
        ("10 03", MalformedPacket, "10 03"),
        ("11 03 01", MalformedPacket, "11 03 01"),
    ],
)
def test_a_refused_proof_is_named(said: str, error: type[DeviceError], words: str) -> None:
    meeting = told(
        f"""
        P 0009  02 00
        B 0009  10 02 01 {CHALLENGE.hex()}
        P 0009  03 00 {PROOF.hex()}
        B 0009  {said}
        """
    )
    assert type(meeting.error) is error
    assert words in str(meeting.error)
    assert meeting.kept.readings == []


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("10 02 04", NotAuthorised),
        ("10 02 01", UnexpectedReply),
        ("10 02 01 00 11 22 33", UnexpectedReply),
        ("10 02 01" + 17 * " 00", UnexpectedReply),
        ("10 02 07", UnexpectedReply),
    ],
)
def test_without_a_challenge_nothing_is_proven(said: str, error: type[DeviceError]) -> None:
    meeting = told(f"P 0009  02 00\nB 0009  {said}")
    assert type(meeting.error) is error


def test_a_silent_login_ends_after_ten_seconds() -> None:
    assert type(told("P 0009  02 00").error) is NoReply


def test_answers_to_other_questions_do_not_hold_up_a_login_for_ever() -> None:
    babble = "wait 3\nB 0009  10 01 02\n" * 5
    too_late = f"B 0009  10 02 01 {CHALLENGE.hex()}"
    assert type(told(f"P 0009  02 00\n{babble}{too_late}").error) is NoReply


def test_a_late_refusal_of_a_key_does_not_fail_the_login() -> None:
    late = LOGIN.replace("B 0009  10 02 01", "B 0009  10 01 02\n    B 0009  10 02 01")
    assert told(late + NOTHING_STORED).error is None


def test_a_link_that_ends_in_the_login_is_lost() -> None:
    assert type(told("P 0009  02 00\nlost").error) is LinkLost


def test_without_a_key_nothing_is_written() -> None:
    meeting = told("", secret=None)
    assert isinstance(meeting.error, NotAuthorised)
    assert "hipsync bands key" in str(meeting.error)


# ------------------------------------------------------------------ a first meeting


@pytest.mark.parametrize("stored", ["10 01 01", "10 01 06"])
def test_a_tap_in_time_stores_our_key(stored: str) -> None:
    asked: list[None] = []
    script = f"P 0009  01 00 {KEY_BYTES}\nwait 29\nB 0009  {stored}\n" + LOGIN_LATER
    assert told(script, pairing=True, tap=lambda: asked.append(None)).error is None
    assert len(asked) == 1, "somebody is told when to tap"


def test_nobody_is_told_to_tap_a_band_that_knows_the_key() -> None:
    asked: list[None] = []
    assert told(LOGIN + NOTHING_STORED, tap=lambda: asked.append(None)).error is None
    assert asked == []


LOGIN_LATER = LOGIN.replace("14 26 35 04", "14 27 16 04") + NOTHING_STORED.replace("15 26 00 08", "15 27 00 08")
"""29 seconds later: 20:39:22."""


@pytest.mark.parametrize("said", ["10 01 02", "10 01 04"])
def test_a_refused_key_says_what_to_do(said: str) -> None:
    meeting = told(f"P 0009  01 00 {KEY_BYTES}\nwait 30\nB 0009  {said}", pairing=True)
    assert isinstance(meeting.error, NotAuthorised)
    assert "tapped" in str(meeting.error)
    assert "--key-file" in str(meeting.error)


def test_silence_instead_of_a_tap_is_named() -> None:
    meeting = told(f"P 0009  01 00 {KEY_BYTES}", pairing=True)
    assert isinstance(meeting.error, NotAuthorised)
    assert "tapped" in str(meeting.error)


def test_a_band_whose_key_comes_from_its_maker_is_never_given_ours() -> None:
    meeting = told("P 0009  82 00 02 01 00\nB 0009  10 82 04", name="Mi Smart Band 5", pairing=True)
    assert isinstance(meeting.error, NotAuthorised)


def test_a_known_band_is_not_asked_for_a_tap() -> None:
    assert b"\x01" not in {data[:1] for data in wrote(met(paired(), NOW), "0009")}


def test_a_simulated_band_takes_a_key_with_a_tap_and_keeps_it() -> None:
    band = unpaired()
    assert met(band, NOW, pairing=True).error is None
    assert [shown.text for shown in band.shown] == ["pairing"]
    assert met(band, NOW + timedelta(minutes=5)).error is None
    assert isinstance(met(band, NOW + timedelta(minutes=9), key=bytes(16)).error, NotAuthorised)


@pytest.mark.parametrize(("mute", "taps_after"), [(False, None), (True, None), (False, timedelta(seconds=40))])
def test_a_simulated_band_that_nobody_taps_stays_unpaired(mute: bool, taps_after: timedelta | None) -> None:
    band = unpaired(taps_after=taps_after)
    band.faults.mute_tap = mute
    assert isinstance(met(band, NOW, pairing=True).error, NotAuthorised)
    assert "holds no key" in str(met(band, NOW + timedelta(minutes=5)).error)


def test_a_simulated_band_that_only_takes_its_makers_key_says_so() -> None:
    meeting = met(unpaired("Mi Smart Band 5"), NOW, pairing=True, name="Mi Band 3")
    assert isinstance(meeting.error, NotAuthorised)
    assert "status 4" in str(meeting.error)


def test_a_simulated_band_with_newer_firmware_needs_the_newer_login() -> None:
    band = paired("Mi Smart Band 6")
    band.faults.refuse_login = 0x07
    assert "newer login" in str(met(band, NOW).error)


# ------------------------------------------------------------------ what a band says of itself


@pytest.mark.parametrize(
    ("report", "charges"),
    [
        (b"\x0f\x30", [Charge(EVENING, 48)]),
        (b"\x0f\x30\x01", [Charge(EVENING, 48, charging=True)]),
        (b"\x0f\x30\x00", [Charge(EVENING, 48, charging=False)]),
        (b"\x0f\xff\x00", []),
        (b"", []),
        (bytes.fromhex("0f3000e0070d1a12232c04e0070b1a172b3b0464"), []),  # a thirteenth month
    ],
)
def test_a_short_battery_report_is_read_and_a_senseless_one_does_not_keep_the_steps_away(
    report: bytes, charges: list[Charge]
) -> None:
    session = Session(name="Mi Band 3", secret=KEY)
    meeting = played(
        LOGIN + NOTHING_STORED, session, EVENING, zone="Europe/Paris", reads={"2A28": b"V1", "0006": report}
    )
    assert meeting.error is None
    assert meeting.kept.of(Charge) == charges


def test_a_terminal_is_never_shown_a_bands_control_characters() -> None:
    reads = {"2A28": b"V1.0\x00\x1b[31m.2\xff", "2A27": b"\x07\x08", "2A25": b" 5a6f\n"}
    session = Session(name="Mi Band 3", secret=KEY)
    meeting = played(LOGIN + NOTHING_STORED, session, EVENING, zone="Europe/Paris", reads=reads)
    assert meeting.kept.of(Info) == [Info(EVENING, firmware="V1.0[31m.2", hardware=None, serial="5a6f")]
