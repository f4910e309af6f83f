"""MoYoung: bytes that others recorded or assert in their tests, against the codec."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.errors import MalformedPacket
from hipsync_devices.moyoung import packets
from hipsync_devices.moyoung.packets import Buckets, Frame, Notice, Today
from support import shared

VECTORS = {  # KOSPET: a reverse-engineering document of the Kospet TANK M1; DAFIT: Megh-Rana/DaFit_open at 762de7ec
    "moy-fee1-290": "220100f00000100000",  # DAFIT, docs/protocol/discovery.md
    "moy-fee1-342": "5601001b0100130000",  # the same
    "moy-fee1-266": "0a0100da00000c0000",  # KOSPET
    "moy-goal-reply": "feea20092610270000",  # KOSPET
    "moy-goal-set": "feea10091600002710",  # DAFIT, tests/test_protocol.py
    "moy-query-2e": "feea10052e",  # KOSPET
    "moy-reply-2e": "feea20062e01",  # KOSPET
    "moy-83": "feea2009833c320918",  # DAFIT, tests/test_protocol.py
    "moy-time": "feea100a311234567808",  # DAFIT, tests/test_protocol.py
    "moy-find": "feea200561",  # KOSPET
    "moy-notify": "feea201641806a616d70734669742074696e79203431",  # KOSPET
    "moy-train-detail": "feea2023b2030b7fa19769adac97692e0b0000a90a0000d90800008800560000004800",  # DAFIT, the same
    "moy-frame-v1": "feea10063101",  # jphein/moyoung-watch at 5faa39a4, client/tests/test_commands.py
    "moy-frame-v2": "feea20097400000009",  # the same
}
RECORDED = shared.VECTORS / "colmi-moyoung-fitpro-lefun.json"


def vector(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name])


def frame(name: str) -> Frame:
    held, whole = packets.taken(b"", vector(name))
    assert held == b""
    assert whole is not None
    return whole


def test_every_published_vector_of_the_family_is_used() -> None:
    published = json.loads(RECORDED.read_text())["vectors"]
    assert {v["id"]: "".join(v["frames"]) for v in published if v["family"] == "moyoung"} == VECTORS
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("test_moyoung*.py"))
    quoted = [name for name in VECTORS if f'("{name}")' in source or f'("{name}", ' in source]
    assert quoted == list(VECTORS)


class TestToday:
    @pytest.mark.parametrize(
        ("name", "today"),
        [
            ("moy-fee1-290", Today(290, 240, 16)),
            ("moy-fee1-342", Today(342, 283, 19)),
            ("moy-fee1-266", Today(266, 218, 12)),
        ],
    )
    def test_the_steps_of_a_day_are_steps_metres_and_kilocalories(self, name: str, today: Today) -> None:
        assert Today.decode(vector(name)) == today
        assert today.packet() == vector(name)

    def test_a_step_count_has_three_bytes(self) -> None:
        assert Today.decode(bytes.fromhex("a08601 000000 000000")).steps == 100_000

    @given(st.binary(max_size=12))
    def test_nine_bytes_decode_and_fewer_are_malformed(self, data: bytes) -> None:
        if len(data) >= 9:
            assert Today.decode(data).packet() == data[:9]
        else:
            with pytest.raises(MalformedPacket) as error:
                Today.decode(data)
            assert error.value.packet == data


class TestFrames:
    @pytest.mark.parametrize(
        ("name", "command", "payload"),
        [
            ("moy-goal-reply", 0x26, "10270000"),
            ("moy-reply-2e", 0x2E, "01"),
            ("moy-83", 0x83, "3c320918"),
            ("moy-find", 0x61, ""),
            ("moy-frame-v2", 0x74, "00000009"),
            ("moy-train-detail", 0xB2, "030b7fa19769adac97692e0b0000a90a0000d90800008800560000004800"),
        ],
    )
    def test_the_large_form_has_bit_five_and_the_length(self, name: str, command: int, payload: str) -> None:
        assert frame(name) == Frame(command, bytes.fromhex(payload))
        assert frame(name).packet() == vector(name)

    @pytest.mark.parametrize(
        ("name", "command", "payload"),
        [
            ("moy-goal-set", 0x16, "00002710"),
            ("moy-query-2e", 0x2E, ""),
            ("moy-time", 0x31, "1234567808"),
            ("moy-frame-v1", 0x31, "01"),
        ],
    )
    def test_the_small_form_is_ten(self, name: str, command: int, payload: str) -> None:
        assert frame(name) == Frame(command, bytes.fromhex(payload))
        assert frame(name).packet(small=True) == vector(name)

    def test_a_frame_of_257_bytes_has_the_high_bit_of_its_length_in_the_form(self) -> None:
        assert Frame(0x41, bytes(252)).packet()[:5].hex(" ") == "fe ea 21 01 41"

    def test_the_small_form_ends_at_255_bytes_and_the_large_one_at_4095(self) -> None:
        assert Frame(0x41, bytes(250)).packet(small=True)[:4].hex(" ") == "fe ea 10 ff"
        assert Frame(0x41, bytes(4090)).packet()[:4].hex(" ") == "fe ea 2f ff"
        with pytest.raises(ValueError, match="256"):
            Frame(0x41, bytes(251)).packet(small=True)
        with pytest.raises(ValueError, match="4096"):
            Frame(0x41, bytes(4091)).packet()

    @given(st.integers(0, 255), st.binary(max_size=300), st.integers(2, 60))
    def test_a_frame_in_pieces_is_whole_after_the_last_one(self, command: int, payload: bytes, size: int) -> None:
        sent = Frame(command, payload)
        data, held, got = sent.packet(), b"", None
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        if any(piece.startswith(b"\xfe\xea") for piece in pieces[1:]):
            return  # as a watch could not tell either
        for piece in pieces:
            assert got is None
            held, got = packets.taken(held, piece)
        assert (held, got) == (b"", sent)

    def test_a_piece_that_begins_a_frame_drops_the_unfinished_one(self) -> None:
        held, nothing = packets.taken(b"", vector("moy-notify")[:20])
        assert nothing is None
        assert packets.taken(held, vector("moy-reply-2e")) == (b"", Frame(0x2E, b"\x01"))

    @pytest.mark.parametrize(
        ("held", "piece"),
        [
            ("", ""),
            ("", "6d6f726520746578"),
            ("", "feea100461"),  # shorter than its own header
            ("", "feea300561"),  # no such form
        ],
    )
    def test_what_is_no_frame_is_malformed_and_carries_its_bytes(self, held: str, piece: str) -> None:
        with pytest.raises(MalformedPacket) as error:
            packets.taken(bytes.fromhex(held), bytes.fromhex(piece))
        assert error.value.packet.hex() == held + piece

    @pytest.mark.parametrize(("held", "piece"), [("", "feea2006610100"), ("feea200661", "0101")])
    def test_what_follows_a_frame_is_ignored(self, held: str, piece: str) -> None:
        assert packets.taken(bytes.fromhex(held), bytes.fromhex(piece)) == (b"", Frame(0x61, b"\x01"))

    @given(st.binary(max_size=40), st.binary(max_size=40))
    def test_pieces_of_any_bytes_are_taken_or_malformed(self, tail: bytes, piece: bytes) -> None:
        with contextlib.suppress(MalformedPacket):
            held, whole = packets.taken(b"", b"\xfe\xea" + tail)
            assert whole is None or (b"\xfe\xea" + tail).startswith(whole.packet(small=tail[0] == 0x10))
            held, _ = packets.taken(held, piece)
            assert len(held) < 4096

    def test_a_training_s_steps_stand_where_the_test_of_another_client_finds_them(self) -> None:
        # hipsync stores no trainings; 2862 s, 2729 steps, 2265 m, 136 kcal
        payload = frame("moy-train-detail").payload
        assert [int.from_bytes(payload[at : at + 4], "little") for at in (10, 14, 18)] == [2862, 2729, 2265]
        assert int.from_bytes(payload[22:24], "little") == 136


class TestTime:
    def test_the_time_is_big_endian_seconds_and_eight(self) -> None:
        # 0x12345678 is 5 September 1979, 22:51:36 UTC; eight hours later a new day has begun
        assert packets.time_of(frame("moy-time")) == datetime(1979, 9, 6, 6, 51, 36)  # noqa: DTZ001  a wall clock

    def test_a_wall_clock_is_sent_as_the_instant_at_which_it_is_so_late_in_gmt_plus_8(self) -> None:
        # the sheet's example: 15:48 anywhere is 07:48 UTC, 1784188080
        local = datetime(2026, 7, 16, 15, 48, tzinfo=UTC)
        assert packets.set_time(local).packet().hex() == "feea200a316a588cb008"

    @given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2105, 12, 31)))  # noqa: DTZ001
    def test_a_time_that_was_sent_is_understood_to_the_second(self, local: datetime) -> None:
        assert packets.time_of(packets.set_time(local)) == local.replace(microsecond=0)

    @pytest.mark.parametrize("payload", ["", "01", "12345678", "1234567807", "123456780800"])
    def test_a_time_of_another_shape_is_malformed(self, payload: str) -> None:
        with pytest.raises(MalformedPacket):
            packets.time_of(Frame(0x31, bytes.fromhex(payload)))


class TestNotices:
    def test_a_notification_is_its_type_and_its_text(self) -> None:
        assert Notice.decode(frame("moy-notify")) == Notice("jampsFit tiny 41", 0x80)
        assert Notice("jampsFit tiny 41", 0x80).frame().packet() == vector("moy-notify")

    def test_hipsync_s_own_type_is_other(self) -> None:
        # the sheet's example
        expected = "feea2016410b68697073796e633a5374616e64207570"
        assert Notice("hipsync:Stand up").frame().packet().hex() == expected

    def test_a_long_text_ends_with_its_last_whole_character(self) -> None:
        assert Notice("x" + "\N{LATIN SMALL LETTER E WITH ACUTE}" * 60).frame().payload[1:].decode() == "x" + (
            "\N{LATIN SMALL LETTER E WITH ACUTE}" * 49
        )

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=25), st.integers(0, 255))
    def test_a_notification_that_was_sent_is_understood(self, text: str, kind: int) -> None:
        assert Notice.decode(Notice(text, kind).frame()) == Notice(text, kind)


class TestBuckets:
    def test_buckets_are_a_part_and_pairs_of_bytes_little_endian(self) -> None:
        # by hand from the SDK's layout: part 1; 300 and 5 steps
        told = Frame(0x59, bytes.fromhex("01 2c01 0500"))
        assert Buckets.decode(told) == Buckets(1, (300, 5))
        assert Buckets(1, (300, 5)).frame() == told

    @given(st.integers(0, 255), st.binary(max_size=60))
    def test_buckets_of_any_bytes_decode_or_are_malformed(self, command: int, payload: bytes) -> None:
        given_frame = Frame(command, payload)
        if command == 0x59 and payload and payload[0] <= 3:
            assert payload.startswith(Buckets.decode(given_frame).frame().payload)
            assert len(Buckets.decode(given_frame).steps) == (len(payload) - 1) // 2
        else:
            with pytest.raises(MalformedPacket) as error:
                Buckets.decode(given_frame)
            assert error.value.packet == payload
