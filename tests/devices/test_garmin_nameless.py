"""What a recording holds of a watch's files: the same minutes and workouts, and nothing that tells whose they are."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from hipsync_devices.garmin import monitoring, sim_fit, workouts
from hipsync_devices.garmin.files import Piece
from hipsync_devices.garmin.gfdi import crc16
from hipsync_devices.garmin.nameless import Nameless
from support.repository import ROOT

FILES = sorted((ROOT / "tests" / "data" / "garmin-fit").glob("*.fit"))
SERIAL = struct.pack("<I", 1_234_567_890)
"""The number that stands in these files in place of the real one (SOURCES.md)."""


def pieces(held: bytes, sizes: Sequence[int]) -> list[Piece]:
    """The file as a watch sends it, cut into pieces of these sizes in turn."""
    found: list[Piece] = []
    at = 0
    while at < len(held):
        end = at + sizes[len(found) % len(sizes)]
        found.append(Piece(crc16(held[:end]), at, held[at:end]))
        at = end
    return found


def cleaned(held: bytes, sizes: Sequence[int] = (501,)) -> bytes:
    """The file without names, put together from its pieces, each of which fits what came before."""
    nameless, found = Nameless(), b""
    for piece in pieces(held, sizes):
        clean = nameless.piece(piece)
        assert (clean.offset, len(clean.data), clean.flags) == (len(found), len(piece.data), piece.flags)
        found += clean.data
        assert clean.crc == crc16(found)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_real_file_says_the_same_without_its_number_and_its_checksum_is_right(path: Path) -> None:
    held = path.read_bytes()
    found = cleaned(held)
    assert SERIAL in held
    assert SERIAL not in found
    assert crc16(found) == 0, "a file with its checksum behind it leaves no remainder"
    before, after = monitoring.decode(held), monitoring.decode(found)
    if before is not None:
        before.id = before.id._replace(serial=None)
    assert before == after
    assert workouts.decode(held) == workouts.decode(found)


def test_it_does_not_matter_how_a_file_is_cut() -> None:
    held = FILES[0].read_bytes()
    whole = cleaned(held)
    assert cleaned(held, [1]) == whole
    for seed in range(5):
        sizes = [random.Random(seed + i).randint(1, 40) for i in range(50)]
        assert cleaned(held, sizes) == whole, seed


def activity() -> bytes:
    """A file with each kind of field that tells of a person: text, place, number, profile, somebody's program."""
    texts = bytes([0x40, 0, 0, 26, 0, 1, 8, 9, 0x07]) + bytes([0]) + b"Kim's run"
    places = bytes([0x41, 0, 0, 20, 0, 3, 0, 4, 0x85, 1, 4, 0x85, 3, 1, 0x02]) + bytes([1]) + b"LATILONG\x47"
    numbers = bytes([0x42, 0, 1, 0, 23, 2, 3, 4, 0x8C, 21, 2, 0x8B]) + bytes([2]) + b"SERIAN"
    profile = bytes([0x43, 0, 0, 3, 0, 2, 0, 3, 0x07, 1, 1, 0x02]) + bytes([3]) + b"Kim\x2a"
    others = bytes([0x64, 0, 0, 20, 0, 1, 3, 1, 0x02, 1, 0, 5, 0]) + bytes([4]) + b"\x48owned"
    again = bytes([0xA1]) + b"LATILONG\x49"  # with a compressed time, for the layout of places
    records = texts + places + numbers + profile + others + again
    head = struct.pack("<BBHI4s", 14, 0x20, 2132, len(records), b".FIT")
    held = head + struct.pack("<H", sim_fit.checksum(head)) + records
    return held + struct.pack("<H", sim_fit.checksum(held))


@pytest.mark.parametrize("sizes", [[400], [1], [7, 3]])
def test_texts_places_numbers_profiles_and_what_programs_add_are_taken_out(sizes: list[int]) -> None:
    held = activity()
    found = cleaned(held, sizes)
    for named in (b"Kim", b"run", b"LATI", b"LONG", b"SERI", b"AN", b"\x2a", b"owned"):
        assert named in held
        assert named not in found, named
    assert [each in found for each in (b"\x47", b"\x48", b"\x49")] == [True] * 3, "heart rates stay"
    assert crc16(found) == 0


def test_a_piece_that_is_wrong_stays_wrong_and_one_that_comes_again_is_as_it_was() -> None:
    first, second, *_ = pieces(FILES[0].read_bytes(), [200])
    nameless = Nameless()
    clean = nameless.piece(first)
    assert nameless.piece(first) == clean
    wrong = nameless.piece(second._replace(crc=second.crc ^ 1))
    assert wrong.crc != crc16(clean.data + wrong.data)
    assert not any(wrong.data), "what is wrong may be anything"
    right = nameless.piece(second)
    assert right.crc == crc16(clean.data + right.data)


@pytest.mark.parametrize("held", [b"no file at all, but Kim's diary", bytes([14]) + b"x" * 60, bytes([12, 0, 0, 0])])
def test_what_is_no_such_file_is_taken_out_but_for_its_head(held: bytes) -> None:
    assert cleaned(held, [5])[14:] == bytes(max(len(held) - 14, 0))


def test_a_row_whose_layout_nobody_told_ends_what_is_kept() -> None:
    held = bytearray(activity())
    held[14] = 0x0F  # a row of layout 15
    assert not any(cleaned(bytes(held))[15:])
