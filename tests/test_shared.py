"""What the tests read is whole, names nobody, and is missed in one line where it is not there."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from support import fitbit_sample, guest
from support.repository import ROOT
from support.shared import DATA, LARGER, VECTORS, needs_shared

SAMPLE = DATA / fitbit_sample.NAME
FILES = sorted(VECTORS.glob("*.json"))
NOBODY = {
    "aabbccddeeff", "001122334455", "0123456789ab", "ffffffffffcc", "ffffff123456",
    "6cb749123456",  # Huawei's own first half, and digits in a row
}  # fmt: skip
"""Addresses that no device has."""


# ------------------------------------------------------------------ minutes


def sample() -> dict[str, list[dict[str, str]]]:
    with gzip.open(SAMPLE, "rt", newline="") as file:
        return {person: list(rows) for person, rows in groupby(csv.DictReader(file), key=lambda row: row["pid"])}


def test_a_week_of_three_people_has_every_minute() -> None:
    assert list(sample()) == list(fitbit_sample.WEEKS)
    for person, rows in sample().items():
        start = datetime.combine(fitbit_sample.WEEKS[person], datetime.min.time())
        assert [datetime.fromisoformat(row["t"]) for row in rows] == [
            start + timedelta(minutes=i) for i in range(fitbit_sample.DAYS * 1440)
        ]


def test_the_week_has_sleep_and_time_without_the_band_and_a_heart_rate() -> None:
    has = {
        person: (
            any(row["in_bed"] == "1" for row in rows),
            any(row["worn"] == "0" for row in rows),
            any(row["hr"] for row in rows),
        )
        for person, rows in sample().items()
    }
    assert has == {
        "3977333714": (True, False, False), "4020332650": (True, True, False), "8877689391": (False, True, True),
    }  # fmt: skip


def test_a_cut_takes_the_days_of_a_week_and_no_others() -> None:
    head = "pid,t,steps\n"
    inside = ["3977333714,2016-05-06T00:00,1\n", "3977333714,2016-05-12T23:59,2\n"]
    outside = ["3977333714,2016-05-05T23:59,3\n", "3977333714,2016-05-13T00:00,4\n", "1624580081,2016-05-06T00:00,5\n"]
    assert list(fitbit_sample.cut([head, outside[0], *inside, *outside[1:]])) == [head, *inside]


@needs_shared(fitbit_sample.NAME)
def test_the_sample_is_what_the_larger_file_says_of_these_days() -> None:
    with gzip.open(LARGER / fitbit_sample.NAME, "rt", newline="") as larger, gzip.open(SAMPLE, "rt") as small:
        assert "".join(fitbit_sample.cut(larger)) == small.read()


# ------------------------------------------------------------------ bytes


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), "a name twice"
    return dict(pairs)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_vectors_has_each_name_once_and_a_source_for_each_row(path: Path) -> None:
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"), object_pairs_hook=once).get("vectors", [])
    names = [row["id"] for row in rows]
    assert len(set(names)) == len(names)
    assert not [row["id"] for row in rows if not row["source"]]


def said(path: Path) -> str:
    """All of a file, with the text that stands in its bytes."""
    text = path.read_text("utf-8")
    return text + "".join(
        bytes.fromhex(digits).decode("latin-1") for digits in re.findall(r'"((?:[0-9a-f]{2})+)"', text)
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_vectors_hold_no_address_of_a_device_and_no_host_or_folder(path: Path) -> None:
    found = re.findall(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", said(path))
    addresses = {address.replace(":", "").lower() for address in found}
    assert {address for address in addresses if not address.startswith("c00000")} <= NOBODY
    assert re.findall(r"https?://|index_id|(?<![\w.])/(?:work|root|home|tmp|Users)/", said(path)) == []


@pytest.mark.parametrize(
    ("file", "name", "numbers"),
    [
        ("huami-xiaomi.json", "sysid-mac", ["c00000", "ada59b"]),
        ("huami-xiaomi.json", "adv-bips-opaque-2", ["c000001794a2"]),
        ("huami-xiaomi.json", "adv-hr-125", ["aabbccddeeff"]),
        ("zepp.json", "zepp-adv-helio", ["aabbccddeeff"]),
        ("garmin.json", "cobs-split", ["d2029649"]),
        ("garmin.json", "gfdi-bad-crc", ["d2029649"]),
        ("garmin.json", "gfdi-devinfo-instinct2s", ["d2029649"]),
    ],
)
def test_an_address_or_a_unit_number_in_bytes_is_replaced(file: str, name: str, numbers: list[str]) -> None:
    rows: list[dict[str, Any]] = json.loads((VECTORS / file).read_text("utf-8"))["vectors"]
    (row,) = [row for row in rows if row["id"] == name]
    held = json.dumps(row.get("frames", row.get("bytes")))
    assert [number for number in numbers if number not in held] == []


def fit_rows() -> list[tuple[Path, str]]:
    rows: list[dict[str, Any]] = json.loads((VECTORS / "garmin.json").read_text("utf-8"))["vectors"]
    return [(VECTORS / row["file"], row["decoded"]["sha256"]) for row in rows if "file" in row]


def test_garmin_s_files_are_those_of_which_the_vectors_speak() -> None:
    rows = fit_rows()
    assert {path.resolve() for path, _ in rows} == set((DATA / "garmin-fit").glob("*.fit"))
    assert [path.name for path, digest in rows if hashlib.sha256(path.read_bytes()).hexdigest() != digest] == []


SERIAL = (1234567890).to_bytes(4, "little")


def test_garmin_s_files_have_a_serial_number_that_no_watch_has() -> None:
    """As `file_id` and `device_info` say it; that nothing else is personal was looked at with fitdecode."""
    assert [path.name for path, _ in fit_rows() if path.read_bytes().count(SERIAL) != 2] == []


# ------------------------------------------------------------------ what is not there

TWO = """
from support.shared import needs_shared

@needs_shared("minutes.csv")
def test_one(): pass

@needs_shared("minutes.csv", "more.csv")
def test_two(): pass

def test_three(): pass
"""


def run(folder: Path, *files: str, must: bool = False) -> tuple[int, str]:
    """The exit code and the last lines of a run of `TWO` with these files of the larger data."""
    (folder / "data").mkdir()
    for file in files:
        (folder / "data" / file).touch()
    (folder / "test_two.py").write_text(TWO)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "support.shared", "-p", "no:cacheprovider", "-rf", "-c", os.devnull,
         "--rootdir", folder, folder],
        env={**os.environ, "HIPSYNC_SHARED": str(folder), "HIPSYNC_SHARED_MUST": str(int(must)),
             "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_a_test_without_its_file_skips_and_is_counted_in_one_line(tmp_path: Path) -> None:
    code, told = run(tmp_path, "minutes.csv")
    assert code == 0
    assert "2 passed, 1 skipped" in told
    assert told.count("1 test skipped for want of ../shared/data (larger data)") == 1


def test_with_its_files_nothing_skips_and_nothing_is_said(tmp_path: Path) -> None:
    code, told = run(tmp_path, "minutes.csv", "more.csv", must=True)
    assert (code, "3 passed" in told, "for want of" in told) == (0, True, False)


def test_where_the_files_must_be_there_one_that_is_not_fails(tmp_path: Path) -> None:
    code, told = run(tmp_path, "minutes.csv", must=True)
    assert code == 1
    assert "for want of ../shared/data (larger data): more.csv, which HIPSYNC_SHARED_MUST=1 asks for" in told
    assert "1 error" in told or "1 failed" in told


@pytest.mark.parametrize("must", [False, True])
def test_a_guest_that_cannot_run_skips_and_fails_where_it_must_run(
    must: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = tmp_path / "guest"
    none.write_text("#!/bin/sh\necho 'guest: not root' >&2\nexit 77\n")
    none.chmod(0o700)
    monkeypatch.setattr(guest, "GUEST", none)
    monkeypatch.delenv(guest.MUST, raising=False)
    if must:
        monkeypatch.setenv(guest.MUST, "1")
    with pytest.raises(AssertionError if must else pytest.skip.Exception, match="guest: not root"):
        guest.said_in_guest(["true"], 1)
