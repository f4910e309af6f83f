"""Apple Health's export.xml: what its samples say, what is left out, and what no file may do."""

from __future__ import annotations

import io
import random
import re
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.child import child
from formats.past.independent_apple_health import said as said_independently
from formats.past.made_apple_health import DTD, Long, export
from fuzz.damage import damaged
from hipsync.errors import InputError
from hipsync.formats.past import apple_health
from hipsync.formats.past.apple_health import FORM, LONGEST_ELEMENT, MOST_NAMES
from hipsync.formats.past.reading import (
    FUTURE,
    HEAD_BYTES,
    NO_LENGTH,
    NO_STEPS,
    TOO_LONG,
    TOO_MANY_STEPS,
    Head,
    Reading,
)
from hipsync.formats.past.said import Beat, Said, Slept, Trained, Walked
from hipsync.model import WorkoutKind
from support.shared import DATA

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
EIGHT = 1_795_161_600
"""2026-11-20 08:00 UTC."""
REAL = (DATA / "apple-health.xml").read_bytes()
"""Lines of a real file; whose they are is in tests/data/README.md."""


def read(xml: bytes, reading: Reading | None = None) -> list[Said]:
    file = io.BytesIO(xml)
    return list(FORM.read(file, Head("anything", xml[:HEAD_BYTES]), reading or a_reading()))


def a_reading(now: datetime = datetime(2026, 12, 1, tzinfo=UTC)) -> Reading:
    return Reading(None, now)


def around(*elements: str, dtd: str = "") -> bytes:
    body = "".join(f" {each}\n" for each in elements)
    return f'{dtd}<HealthData locale="de_DE">\n{body}</HealthData>\n'.encode()


def record(what: str = "QuantityTypeIdentifierStepCount", **cells: str) -> str:
    """A record from 08:00:00 on for a minute, with some attributes changed, or without those that are ""."""
    all_cells = {
        "type": f"HK{what}", "sourceName": "iPhone", "unit": "count", "startDate": "2026-11-20 08:00:00 +0000",
        "endDate": "2026-11-20 08:01:00 +0000", "value": "90",
    } | cells  # fmt: skip
    written = " ".join(f'{name}="{cell}"' for name, cell in all_cells.items() if cell)
    return f"<Record {written}/>"


def steps_of(name: str, start: str, end: str, value: str) -> str:
    return record(
        sourceName=name, startDate=f"2026-11-20 {start} +0000", endDate=f"2026-11-20 {end} +0000", value=value
    )


SAMPLE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    + around(
        '<ExportDate value="2026-11-21 09:00:00 +0000"/>',
        steps_of("iPhone", "08:00:17", "08:07:41", "400"),
        steps_of("Watch", "08:00:17", "08:01:41", "90"),
        steps_of("Watch", "08:01:17", "08:04:41", "250"),
        steps_of("iPhone", "08:30:17", "08:31:41", "12"),
    ).decode()
)


def refused(xml: bytes) -> str:
    with pytest.raises(InputError) as error:
        read(xml)
    return str(error.value)


# ------------------------------------------------------------------ what it says


def test_the_steps_of_two_sources_that_overlap() -> None:
    assert read(SAMPLE.encode()) == [
        Walked("iPhone", EIGHT + 17, EIGHT + 461, 400),
        Walked("Watch", EIGHT + 17, EIGHT + 101, 90),
        Walked("Watch", EIGHT + 77, EIGHT + 281, 250),
        Walked("iPhone", EIGHT + 1817, EIGHT + 1901, 12),
    ]


def test_lines_of_a_real_file() -> None:
    assert read(REAL) == [
        Beat("Apple Watch", 1_536_571_735, 72),
        Trained("Apple Watch", 1_479_133_541, 1_479_133_852, WorkoutKind.RUNNING),
    ]


@pytest.mark.parametrize("seed", range(2))
def test_a_file_of_all_sorts_says_what_an_independent_calculation_finds(seed: int) -> None:
    xml, reading = export(400, seed), a_reading(NOW)
    wanted = list(said_independently(xml, NOW))
    assert [(type(said).__name__, *said) for said in read(xml, reading)] == [row for row in wanted if row is not None]
    assert sum(reading.left_out.values()) == wanted.count(None)
    assert len(reading.left_out) == 6
    assert {row[0] for row in wanted if row} == {"Walked", "Beat", "Slept", "Trained"}


@pytest.mark.parametrize("piece", [1, 7, 100, 1000])
def test_it_does_not_matter_where_the_pieces_end(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    xml = export(100)
    wanted = read(xml)
    monkeypatch.setattr(apple_health, "PIECE", piece)
    assert read(xml) == wanted


@pytest.mark.parametrize(
    ("value", "sleeps"),
    [
        ("Asleep", True), ("AsleepUnspecified", True), ("AsleepCore", True), ("AsleepDeep", True), ("AsleepREM", True),
        ("InBed", False), ("Awake", False),
    ],
)  # fmt: skip
def test_sleep_is_each_value_that_says_asleep(value: str, sleeps: bool) -> None:
    sleep = record("CategoryTypeIdentifierSleepAnalysis", unit="", value=f"HKCategoryValueSleepAnalysis{value}")
    assert read(around(sleep)) == ([Slept("iPhone", EIGHT, EIGHT + 60)] if sleeps else [])


@pytest.mark.parametrize(
    ("sport", "inside", "kind"),
    [
        ("Cycling", "1", WorkoutKind.CYCLING_INDOOR), ("Cycling", "0", WorkoutKind.CYCLING),
        ("Cycling", "", WorkoutKind.CYCLING), ("Rowing", "1", WorkoutKind.ROWING_MACHINE),
        ("Rowing", "", WorkoutKind.ROWING), ("Running", "1", WorkoutKind.RUNNING),
        ("Walking", "1", WorkoutKind.WALKING), ("Hiking", "0", WorkoutKind.WALKING), ("Yoga", "1", WorkoutKind.OTHER),
        ("SomethingOfTomorrow", "", WorkoutKind.OTHER),
    ],
)  # fmt: skip
def test_a_workout_has_its_kind_and_knows_whether_it_was_indoors(sport: str, inside: str, kind: WorkoutKind) -> None:
    entry = f'<MetadataEntry key="HKIndoorWorkout" value="{inside}"/>' if inside else ""
    workout = (
        f'<Workout workoutActivityType="HKWorkoutActivityType{sport}" sourceName="Watch"'
        f' startDate="2026-11-20 08:00:00 +0000" endDate="2026-11-20 08:30:00 +0000">{entry}</Workout>'
    )
    after = workout.replace(entry, "").replace("08:", "09:")
    assert read(around(workout, after))[0] == Trained("Watch", EIGHT, EIGHT + 1800, kind)
    assert "INDOOR" not in str(read(around(workout, after))[1])


def test_what_lies_in_a_correlation_stands_at_the_top_too_and_counts_once() -> None:
    inner = record()
    assert len(read(around(inner, f'<Correlation type="HKCorrelationTypeIdentifierFood">{inner}</Correlation>'))) == 1


def test_a_year_of_zero_steps_is_said() -> None:
    assert read(around(record(value="0"))) == [Walked("iPhone", EIGHT, EIGHT + 60, 0)]


def test_steps_of_an_instant_belong_to_its_second() -> None:
    at = "2026-11-20 08:00:00 +0000"
    assert read(around(record(endDate=at, value="5"))) == [Walked("iPhone", EIGHT, EIGHT + 1, 5)]


def test_heart_rates_have_decimals_and_one_unit() -> None:
    what, reading = "QuantityTypeIdentifierHeartRate", a_reading()
    beats = [record(what, unit="count/min", value=value) for value in ("58.16669845581055", "72", "0", "301", "6.1e1")]
    assert read(around(*beats, record(what, unit="count/s", value="1.2")), reading) == [
        Beat("iPhone", EIGHT, rate) for rate in (58, 72, 61)
    ]
    assert sorted(reading.left_out.values()) == [1, 2]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Apple\u00a0Watch", "Apple Watch"),
        ("“Ring” &amp; &quot;Band&quot;", '“Ring” & "Band"'),
        ("a\vb", "a b"),
        ("\u200f \u202e", "Apple Health"),
        ("x" * 300, "x" * 64),
    ],
)
def test_a_source_has_a_clean_name(written: str, name: str) -> None:
    assert read(around(record(sourceName=written))) == [Walked(name, EIGHT, EIGHT + 60, 90)]


def test_each_time_has_its_own_offset() -> None:
    """As a phone in Sydney, Delhi and New York would write 08:00 UTC, and both hours of an autumn night in Berlin."""
    starts = {
        "2026-11-20 19:00:00 +1100": EIGHT, "2026-11-20 13:30:00 +0530": EIGHT, "2026-11-20 03:00:00 -0500": EIGHT,
        "2026-10-25 02:30:00 +0200": 1_792_888_200, "2026-10-25 02:30:00 +0100": 1_792_891_800,
    }  # fmt: skip
    said = read(around(*(record(startDate=start, endDate=start) for start in starts)))
    assert said == [Walked("iPhone", at_s, at_s + 1, 90) for at_s in starts.values()]


@pytest.mark.parametrize(
    "xml",
    [
        SAMPLE.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + SAMPLE.encode(),
        SAMPLE.replace('<?xml version="1.0" encoding="UTF-8"?>\n', DTD).encode(),
        SAMPLE.replace("?>\n", "?>\n<!-- one -->\n<!-- ]> two -->\n").encode(),
        re.sub(r'(type="\w+") (.*) (value="\d+")', r"\3 \2 \1", SAMPLE).encode(),
        SAMPLE.replace("/>", "\n  />").encode(),
        SAMPLE.replace("/>", ' some="thing new"/>').replace(" <Ex", " <New><New/></New>\n <Ex").encode(),
        SAMPLE.replace('"', "'").encode(),
    ],
    ids=["CRLF", "BOM", "a DTD that is no XML", "comments", "another order", "lines", "something new", "quotes"],
)
def test_it_may_be_written_in_another_way(xml: bytes) -> None:
    assert FORM.fits(Head("导出.xml", xml))
    assert read(xml) == read(SAMPLE.encode())


def test_a_file_without_samples_says_nothing() -> None:
    assert read(b"<HealthData/>") == []
    assert read(around(dtd=DTD)) == []


# ------------------------------------------------------------------ what is left out


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"endDate": "2026-11-21 08:00:01 +0000"}, TOO_LONG),
        ({"endDate": "4001-01-01 00:00:00 +0000"}, TOO_LONG),
        ({"endDate": "2026-11-20 07:59:59 +0000"}, NO_LENGTH),
        ({"unit": "km"}, "in another unit than steps or beats a minute"),
        ({"value": "-1"}, NO_STEPS),
        ({"value": "432001"}, TOO_MANY_STEPS),
        ({"startDate": "2026-12-24 08:00:00 +0000", "endDate": "2026-12-24 08:00:00 +0000"}, FUTURE),
    ],
)
def test_a_record_that_cannot_be_right_is_counted(cells: dict[str, str], why: str) -> None:
    reading = a_reading()
    assert read(around(record(**cells), record()), reading) == [Walked("iPhone", EIGHT, EIGHT + 60, 90)]
    assert reading.left_out == {why: 1}


def test_a_day_that_is_not_over_is_believed_until_now() -> None:
    reading = Reading(None, datetime(2026, 11, 20, 8, 2, tzinfo=UTC))
    later = record(endDate="2026-11-20 08:07:01 +0000")
    assert read(around(record(), later, record()), reading) == [Walked("iPhone", EIGHT, EIGHT + 60, 90)] * 2
    assert reading.left_out == {FUTURE: 1}


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("element", "line"),
    [
        (record(value="many"), "line 3: 'many' is not a number"),
        (record(value="nan"), "line 3: 'nan' is not a number"),
        (record(value="9" * 5000), "line 3: '9999"),
        (record(value=""), "line 3: 'HKQuantityTypeIdentifierStepCount' has no value"),
        (record(sourceName=""), "has no sourceName"),
        (record(endDate=""), "has no endDate"),
        (record(startDate="2026-11-20 8:00:00 am +0000"), "is not a time such as 2026-11-20 08:00:17 +0000"),
        (record(startDate="2026-11-20 24:00:00 +0000"), "is not a time such as"),
        (record(startDate="202\uff16-11-20 08:00:00 +0000"), "is not a time such as"),
        (record(startDate="2026-02-30 08:00:00 +0000"), "line 3: 2026-02-30 08:00:00 +0000 is no time of any calendar"),
        (
            record(startDate="1926-02-01 08:00:00 +0000", endDate="1926-02-01 08:00:00 +0000"),
            "line 3: a time is not in",
        ),
        (record()[:-2], "line 4 is no XML"),
        (record() + "</HealthData>", "line 4 is no XML"),
        ("<Record &bomb;/>", "line 3 is no XML"),
        ("&bomb;", "line 3 is no XML (undefined entity)"),
        ("<!DOCTYPE HealthData>", "line 3 is no XML"),
        ("\0", "line 3 is no XML"),
        ("<Me>" * 150 + "</Me>" * 150, "line 3: elements lie over 100 deep"),
        ("".join(f"<a{n}/>" for n in range(MOST_NAMES + 1)), f"there are over {MOST_NAMES:,} names"),
        ('<Me a="' + "x" * 2 * LONGEST_ELEMENT + '"/>', f"no tag ends for over {LONGEST_ELEMENT:,} bytes"),
        ('<Me a="' + ">" * 4 * LONGEST_ELEMENT + '"/>', f"an element has over {LONGEST_ELEMENT:,} bytes"),
        ("<!--" + ">" * 4 * LONGEST_ELEMENT + "-->", f"an element has over {LONGEST_ELEMENT:,} bytes"),
    ],
)
def test_what_is_damaged_is_one_line_that_says_where(element: str, line: str) -> None:
    message = refused(around(record(), element))
    assert line in message
    assert len(message) <= 300


def test_an_element_of_no_use_that_swallowed_another_is_refused() -> None:
    energy = record("QuantityTypeIdentifierActiveEnergyBurned")
    assert "line 3 is no XML" in refused(around(record(), energy[:60] + record()))


def test_a_line_is_counted_right_after_what_was_cut_out() -> None:
    energy = record("QuantityTypeIdentifierActiveEnergyBurned")
    xml = around(energy, energy.replace(" unit", "\n unit"), record(value="many"), dtd=DTD)
    lines = xml[: xml.index(b"many")].count(b"\n")
    assert refused(xml).startswith(f"line {lines + 1}: ")


def test_a_dtd_that_declares_entities_is_refused() -> None:
    bomb = '<!DOCTYPE HealthData [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    assert "declares entities" in refused(around(record(sourceName="&b;"), dtd=bomb))


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b'<?xml version="1.0"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3"><HealthData/></ClinicalDocument>',
        b"<HealthDataOfAnother>",
        b"date,steps\n2026-11-20,<HealthData>",
        SAMPLE.encode("utf-16"),
        b"PK\x03\x04" + SAMPLE.encode(),
        b"<!DOCTYPE ClinicalDocument []><HealthData>",
        b"<!-- <HealthData> ",
    ],
)
def test_other_files_do_not_fit(start: bytes) -> None:
    assert not FORM.fits(Head("export.xml", start))
    assert "this is no export.xml of Apple Health" in refused(start)


@pytest.mark.parametrize(
    "start",
    [b"<!---->" * 9000 + b"<", b"<!DOCTYPE HealthData [" + b"]> " * 20_000, b" " * HEAD_BYTES, b"<!--" * 16_000],
)
def test_no_beginning_of_a_file_takes_long(start: bytes) -> None:
    """A pattern that went back would take hours for these."""
    assert not FORM.fits(Head("export.xml", start))


def message_of(xml: bytes) -> str:
    """The message of the refusal of a file; "" if it is read."""
    try:
        read(xml)
    except InputError as error:
        return str(error)
    return ""


def damages(noise: random.Random) -> Iterator[bytes]:
    lines = export(40, at=datetime(2026, 11, 1, 22, tzinfo=UTC)).splitlines(keepends=True)
    while True:
        changed = list(lines)
        match noise.randrange(6):
            case 0:
                yield b"".join(lines)[: noise.randrange(12_000)]
            case 1:
                at = noise.randrange(len(changed))
                changed[at:at] = changed[at - 3 : at + 3]
                yield b"".join(changed)
            case 2:
                yield re.sub(rb'(\w+="[^"]*") (\w+="[^"]*")', rb"\2 \1", b"".join(lines))
            case 3:
                text = b"".join(lines).decode().replace("UTF-8", "ISO-8859-1")
                yield text.encode(noise.choice(["utf-16", "cp1252", "utf-8-sig", "utf-32-le"]), "replace")
            case 4:
                cells = re.findall(rb'"[^"]*"', b"".join(lines))
                yield b"".join(lines).replace(noise.choice(cells), noise.choice(cells))
            case _:
                yield damaged(b"".join(lines), noise)


def test_damage_is_refused_in_one_line_or_read() -> None:
    made = damages(random.Random(19))
    messages = [message_of(next(made)) for _ in range(200)]
    assert all(len(message) <= 300 and message.isprintable() for message in messages)
    assert 40 < messages.count("") < 160


# ------------------------------------------------------------------ how large a file may be


def test_a_longer_file_takes_no_more_memory() -> None:
    """Of the longer one 1,300 more rows are said, which would take 180 KB if they were kept."""
    peaks: list[int] = []
    for megabytes in (1, 3):
        tracemalloc.start()
        try:
            assert sum(1 for _ in FORM.read(io.BufferedReader(Long(megabytes)), Head("", b""), a_reading())) > 0
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] - peaks[0] < 60_000


def test_what_is_forgotten_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    xml = export(300)
    wanted = read(xml)
    monkeypatch.setattr(apple_health, "MOST_KNOWN", 3)
    assert read(xml) == wanted


@pytest.mark.ring
def test_a_gigabyte_is_read_in_less_than_200_mib() -> None:
    script = Path(__file__).with_name("made_apple_health.py")
    assert child([sys.executable, str(script), "1000"]).peak_mib < 200
