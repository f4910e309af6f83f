"""What lies in a file, a ZIP, a gzip or a folder, and what none of them may do to this computer."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from hipsync.errors import InputError
from hipsync.formats import containers
from hipsync.formats.containers import files_in, parts_of


def zipped(files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def contents(file: Path) -> dict[str, bytes]:
    """What lies in a file, by name, each read twice, for a part can be opened as often as one likes."""
    found: dict[str, bytes] = {}
    for part in parts_of(file, "given"):
        with part.opened() as first, part.opened() as second:
            found[part.name] = first.read()
            assert second.read() == found[part.name]
        assert found[part.name].startswith(part.head.start)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_a_file_by_itself_is_one_part(file: Path) -> None:
    file.write_bytes(b"a,b\n1,2\n")
    assert contents(file) == {"given": b"a,b\n1,2\n"}


def test_a_zip_in_a_zip_and_a_gzip_in_it_are_opened_in_order_of_names(file: Path) -> None:
    inner = zipped({"x/deep.csv": b"deep"})
    file.write_bytes(zipped({"b.csv": b"b" * 200_000, "a/in.zip": inner, "c.csv.gz": gzip.compress(b"c")}))
    assert contents(file) == {
        "given/a/in.zip/x/deep.csv": b"deep",
        "given/b.csv": b"b" * 200_000,
        "given/c.csv.gz": b"c",
    }
    heads = [(part.head.name, part.is_inside) for part in parts_of(file, "given")]
    assert heads == [("deep.csv", True), ("b.csv", True), ("c.csv", True)]


def test_zips_lie_in_each_other_twice_at_most(file: Path) -> None:
    innermost = zipped({"end.csv": b"end"})
    file.write_bytes(zipped({"one.zip": zipped({"two.zip": innermost})}))
    assert contents(file) == {"given/one.zip/two.zip": innermost}


def test_a_file_that_unpacks_to_more_than_any_export_holds_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "UNPACKED_OF_ANY", 1000)
    for packed in (zipped({"zeros": bytes(20_000_000)}), gzip.compress(bytes(20_000_000))):
        file.write_bytes(packed)
        with pytest.raises(InputError, match="given unpacks to more than any real export holds"):
            contents(file)


def test_a_zip_with_a_password_says_what_to_do(file: Path) -> None:
    content = bytearray(zipped({"a.csv": b"1"}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match="given is locked with a password: unpack it with that, then give the folder"):
        list(parts_of(file, "given"))


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_a_damaged_zip_is_refused_or_read_and_never_another_error(file: Path, at: int) -> None:
    content = bytearray(zipped({"a.csv": b"steps" * 50, "b.csv": bytes(range(256))}))
    content[at % len(content)] ^= 0x5A
    file.write_bytes(content[: len(content) - (at % 3)])
    with suppress(InputError):
        contents(file)


def test_a_damaged_gzip_is_one_line(file: Path) -> None:
    packed = gzip.compress(b"steps" * 5000)
    for damaged in (packed[:-9], packed[:30], packed[:10] + b"\xff" * 20):
        file.write_bytes(damaged)
        with pytest.raises(InputError, match="given is damaged, or packed in an unknown way"):
            contents(file)


def test_too_many_files_are_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MOST_PARTS", 3)
    file.write_bytes(zipped({str(number): b"" for number in range(4)}))
    with pytest.raises(InputError, match="given holds more than 3 files"):
        list(parts_of(file, "given"))
    folder = file.with_name("folder")
    folder.mkdir()
    for number in range(4):
        (folder / str(number)).write_bytes(b"")
    with pytest.raises(InputError, match="folder holds more than 3 files"):
        files_in(folder)


def test_a_folder_is_its_regular_files_and_no_links_or_pipes(tmp_path: Path) -> None:
    inner = tmp_path / "b"
    inner.mkdir()
    for file in (tmp_path / "c", inner / "a"):
        file.write_bytes(b"1")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("c")
    (inner / "up").symlink_to(tmp_path, target_is_directory=True)
    assert files_in(tmp_path) == [tmp_path / "c", inner / "a"]
