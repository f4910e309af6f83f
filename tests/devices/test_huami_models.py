"""Which bands the driver takes, what it knows of each, and how it reads a minute's kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.driver import Advertisement
from hipsync.model import State
from hipsync_devices.gatt import uuid16
from hipsync_devices.huami import DRIVER
from hipsync_devices.huami.models import MODELS, NEWER, Model, model_of, record_size
from hipsync_devices.huami.packets import FEE0, FEE1, decode_records, encode_record, state_of
from support.huami_bands import EVENING


def advertised(name: str | None, *services: str) -> Advertisement:
    return Advertisement(name=name, services=frozenset(services))


# The table of the models: name, bytes a minute, whose key, flag of the login, crypt bit.
@pytest.mark.parametrize(
    ("name", "size", "secret", "flag", "crypt"),
    [
        ("MI Band 2", 4, "own", 0x08, 0),
        ("Mi Band HRX", 4, "own", 0x08, 0),
        ("Amazfit Bip Watch", 4, "own", 0x08, 0),
        ("Amazfit Band", 4, "own", 0x08, 0),
        ("Amazfit Cor", 4, "own", 0x08, 0),
        ("Amazfit Band 2", 4, "own", 0x08, 0),
        ("Amazfit Cor 2", 4, "own", 0x08, 0),
        ("Mi Band 3", 4, "own", 0x00, 0),
        ("Mi Band 3i", 4, "own", 0x00, 0),
        ("Xiaomi Band 3", 4, "own", 0x00, 0),
        ("Mi Smart Band 4", 4, "given", 0x00, 0x80),
        ("Mi Band 4", 4, "given", 0x00, 0x80),
        ("Amazfit Bip Lite", 4, "given", 0x00, 0x80),
        ("Amazfit Bip S", 4, "given", 0x00, 0x80),
        ("Amazfit Bip S Lite", 4, "given", 0x00, 0x80),
        ("Amazfit Verge L", 4, "given", 0x00, 0x80),
        ("Amazfit GTS", 4, "given", 0x00, 0x80),
        ("Amazfit GTR", 4, "given", 0x00, 0x80),
        ("Amazfit GTR Lite", 4, "given", 0x00, 0x80),
        ("Amazfit T-Rex", 4, "given", 0x00, 0x80),
        ("Mi Smart Band 5", 8, "given", 0x00, 0x80),
        ("Amazfit Band 5", 8, "given", 0x00, 0x80),
        ("Mi Smart Band 6", 8, "given", 0x00, 0x80),
        ("Mi Band 6", 8, "given", 0x00, 0x80),
        ("Amazfit Bip U", 8, "given", 0x00, 0x80),
        ("Amazfit Bip U Pro", 8, "given", 0x00, 0x80),
        ("Amazfit Bip 3 Pro", 8, "given", 0x00, 0x80),
        ("Amazfit GTS 2 mini", 8, "given", 0x00, 0x80),
        ("Amazfit GTS 2e", 8, "given", 0x00, 0x80),
        ("Amazfit GTR 2e", 8, "given", 0x00, 0x80),
        ("Amazfit T-Rex Pro", 8, "given", 0x00, 0x80),
        ("Amazfit Neo", 8, "given", 0x00, 0x80),
        ("Amazfit X", 8, "given", 0x00, 0x80),
        ("Zepp E", 8, "given", 0x00, 0x80),
        ("Mi Band 2i", 4, "own", 0x08, 0),
        ("Bip S Lite", 4, "given", 0x00, 0x80),
        ("Amazfit Pop", 8, "given", 0x00, 0x80),
        ("Amazfit Pop Pro", 8, "given", 0x00, 0x80),
    ],
)
@pytest.mark.parametrize("suffix", ["", " C8:0F:10:80:D0:21", " D021", "-D021"])
def test_a_model_is_known_by_its_name_whatever_follows(
    name: str, size: int, secret: str, flag: int, crypt: int, suffix: str
) -> None:
    for shown in (name + suffix, name.upper() + suffix, name.lower() + suffix):
        assert DRIVER.matches(advertised(shown))
        assert DRIVER.secret(advertised(shown)) == secret
        model = model_of(shown)
        assert (record_size(model, None), model.flag, model.crypt) == (size, flag, crypt)


@pytest.mark.parametrize("name", ["Mi Smart Band 7", "Xiaomi Smart Band 7", "Amazfit Helio Strap", "Amazfit GTR 4"])
def test_a_proven_band_of_the_newer_generation_is_taken_and_needs_its_makers_key(name: str) -> None:
    for shown in (name, name + " A1B2", name.upper()):
        assert DRIVER.matches(advertised(shown))
        assert DRIVER.secret(advertised(shown)) == "given"
        assert (model_of(shown).login, record_size(model_of(shown), None)) == ("newer", 8)
    assert {model.login for model in MODELS if "Band 6" in model.prefix} == {"either"}
    assert {model.login for model in MODELS if "Band 5" in model.prefix} == {"classic"}


@pytest.mark.parametrize(
    "name",
    [
        "MI", "MI1A", "MI1S", "Mi Band",  # the first generation, with the same service
        "Mi Smart Band 7 Pro", "Xiaomi Smart Band 7 Pro A1B2", "Xiaomi Smart Band 8",  # another protocol
        "Amazfit GTR 5", "Amazfit GTS 5", "Amazfit T-Rex 4", "Amazfit Band 8", "Amazfit Cor 3", "Mi Smart Band 40",
        "Amazfit GTR 42mm", "Amazfit GTR 47mm", "Active 2", "Cheetah", "Amazfit Band 7X",  # nobody knows them
        "Amazfit", "Mi Watch", "Xiaomi", "InfiniTime", "My Band", "Zepp", "Band 3 of Mi",
    ],
)  # fmt: skip
def test_another_generation_or_maker_is_left_alone_even_with_the_service(name: str) -> None:
    assert not DRIVER.matches(advertised(name, FEE0, FEE1))


@pytest.mark.parametrize("name", NEWER)
def test_a_model_of_the_newer_generation_is_taken_if_it_has_the_service_beside_its_name(name: str) -> None:
    """docs/protocols/names.md: the plain words are too common, and a watch's side for calls has the name alone."""
    for shown in (name, f"{name}-1A2B", f"{name} A1B2", name.lower()):
        assert DRIVER.matches(advertised(shown, FEE0))
        assert DRIVER.matches(Advertisement(shown, service_data={FEE0: b""}))
        assert not DRIVER.matches(advertised(shown))
        assert not DRIVER.matches(advertised(shown, uuid16(0x180D)))
        assert DRIVER.secret(advertised(shown, FEE0)) == "given"
        assert (model_of(shown).login, record_size(model_of(shown), None)) == ("newer", 8)
    assert "the side of the watch for calls" in (DRIVER.refusal(advertised(f"{name}-1A2B")) or "")
    assert DRIVER.refusal(advertised(name, FEE0)) is None


def test_a_name_that_was_cut_or_goes_on_has_the_settings_of_the_model_that_it_begins_with() -> None:
    """A band that was paired under such a name is read as before, though no new one is taken."""
    assert model_of("Mi Smart Band 5 of mine") == model_of("Mi Smart Band 5")
    assert not DRIVER.matches(advertised("Mi Smart Band 5 of mine", FEE0))


@pytest.mark.parametrize("name", [None, ""])
def test_a_band_that_says_only_its_service_is_taken_and_needs_its_key(name: str | None) -> None:
    for advertisement in (
        advertised(name, FEE0),
        advertised(name, FEE1),
        Advertisement(name=name, service_data={FEE0: bytes.fromhex("8d230000")}),
    ):
        assert DRIVER.matches(advertisement)
        assert DRIVER.secret(advertisement) == "given"
    assert not DRIVER.matches(advertised(name))
    assert not DRIVER.matches(advertised(name, uuid16(0xFEE7)))


@given(st.text(), st.sets(st.sampled_from([FEE0, FEE1, uuid16(0x180D)])))
def test_matching_takes_any_name(name: str, services: set[str]) -> None:
    assert DRIVER.matches(advertised(name, *services)) in {True, False}
    assert DRIVER.secret(advertised(name, *services)) in {"own", "given"}


# Above 0.0.9.00, and from 1.0.0.33 on.
@pytest.mark.parametrize(
    ("name", "firmware", "size"),
    [
        ("Amazfit GTS", "V0.0.9.00", 4),
        ("Amazfit GTS", "V0.0.9.01", 8),
        ("Amazfit GTR", "0.0.10.2", 8),
        ("Amazfit GTR", "V0.0.8.97", 4),
        ("Amazfit T-Rex", "V1.0.0.0", 8),
        ("Amazfit GTR Lite", "V1.0.0.32", 4),
        ("Amazfit GTR Lite", "V1.0.0.33", 8),
        ("Amazfit GTR Lite", "V0.0.9.99", 4),
        ("Amazfit GTS", None, 4),
        ("Amazfit GTS", "", 4),
        ("Amazfit GTS", "V9", 8),
        ("Amazfit GTR L", "V0.0.9.99", 4),
        ("Amazfit GTR L", "V1.0.0.33", 8),
        ("Amazfit GTS2 mini", "V0.0.1.1", 8),
        ("Amazfit GTS", "V0.0.9.x", 4),
        ("Amazfit GTS", "V9.²", 4),
        ("Amazfit GTS", "V" + "9" * 5000, 4),
        ("Amazfit GTS 2", "V0.0.1.1", 8),
        ("Mi Smart Band 4", "V1.0.9.90", 4),
    ],
)
def test_the_size_of_a_record_follows_the_firmware(name: str, firmware: str | None, size: int) -> None:
    assert record_size(model_of(name), firmware) == size


def test_no_name_of_the_table_is_hidden_by_another() -> None:
    found: list[Model] = [model_of(model.prefix) for model in MODELS]
    assert found == list(MODELS)


# ------------------------------------------------------------------ kinds


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ((0x01, 0x11, 0x21, 0x31, 0x12, 0x22, 0x41), State.WALKING),
        ((0x32, 0x42, 0x52, 0x62), State.RUNNING),
        ((0x06, 0x76), State.CHARGING),
        ((0x50, 0x5A, 0x5C, 0x5B), State.SITTING),
        ((0x60, 0x6A), State.STANDING),
        ((0x53, 0x73, 0x03, 0xF3), State.NOT_WORN),
        ((0x70, 0x79, 0x7A, 0x7C, 0x7B, 0x78), State.ASLEEP),
        ((0xF0, 0xF1, 0xF2, 0xF4, 0xF5, 0xF7, 0xF8, 0xF9, 0xFA, 0xFB), State.ASLEEP),
        ((0x00, 0x0A, 0x10, 0x1C, 0x69), None),
    ],
    ids=str,
)
def test_a_kind_says_what_people_found_it_to_mean(kinds: tuple[int, ...], state: State | None) -> None:
    assert {kind: state_of(kind) for kind in kinds} == dict.fromkeys(kinds, state)


def test_off_the_wrist_and_on_the_charger_go_before_sleep() -> None:
    for high in range(16):
        assert state_of(high << 4 | 0x3) is State.NOT_WORN
        assert state_of(high << 4 | 0x6) is State.CHARGING


def test_of_the_newer_generation_only_the_kinds_that_are_known_say_anything() -> None:
    known = {0x73: State.NOT_WORN, 0x76: State.CHARGING, 0x78: State.ASLEEP}  # 115, 118, 120
    unknown = (0x01, 0x11, 0x32, 0x40, 0x50, 0x5A, 0x60, 0x00)
    for kind, state in [*known.items(), *((kind, None) for kind in unknown)]:
        for steps in (0, 9):
            (epoch,) = decode_records(bytes([kind, 40, steps, 0xFF, 4, 0, 0x80, 0]), 8, EVENING, newer=True)
            assert (epoch.state, epoch.kind, epoch.steps) == (state, kind, steps)


def test_steps_overrule_a_kind_that_says_sitting_or_standing() -> None:
    for kind, state in ((0x50, State.SITTING), (0x5A, State.SITTING), (0x60, State.STANDING)):
        (still,) = decode_records(bytes([kind, 40, 0, 0xFF]), 4, EVENING)
        (stepped,) = decode_records(bytes([kind, 40, 14, 0xFF]), 4, EVENING)
        assert (still.state, stepped.state, stepped.steps) == (state, None, 14)


@pytest.mark.parametrize(("sent", "bpm"), [(0x00, None), (0xFF, None), (0x01, 1), (72, 72), (0xFE, 254)])
def test_a_heart_rate_of_00_or_ff_is_none(sent: int, bpm: int | None) -> None:
    (epoch,) = decode_records(bytes([0x50, 8, 0, sent, 4, 0, 0x80, 0]), 8, EVENING)
    assert epoch.heart_rate == bpm


@given(st.lists(st.binary(min_size=4, max_size=4), max_size=50), st.sampled_from([4, 8]))
def test_records_come_out_as_they_went_in(rows: list[bytes], size: int) -> None:
    data = b"".join(encode_record(row[0], row[1], row[2], row[3], size) for row in rows)
    assert len(data) == size * len(rows)
    out = [(epoch.kind, epoch.intensity, epoch.steps) for epoch in decode_records(data, size, EVENING)]
    assert out == [(row[0], row[1], row[2]) for row in rows]
