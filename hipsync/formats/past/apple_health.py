"""Apple Health's export.xml: the samples that an iPhone has of steps, heart rate, sleep and workouts.

The root is HealthData, whose children are samples, one a line; the name of the file is in the phone's language. Times
are those of the phone's clock with its offset, so no zone is asked for. Seen in real files. Sources: the DTD of export
version 14, as it stands in Apple's framework HealthToolbox and, of version 12, in issue 14 of
k0rventen/apple-health-grafana; the description of a real file of 3.1 GB by neiltron/apple-health-mcp; the sample of
dogsheep/healthkit-to-sqlite. Children of a Correlation are no samples: says the DTD, they stand at the top as well.

iOS 16 wrote a DTD that is no XML, and texts may hold control characters (jameno/Simple-Apple-Health-XML-to-CSV, pull
request 3). So no parser sees the DTD, and such characters become spaces. The rest is for expat, piece by piece; what
hipsync has no use for is cut out before, at ten times its speed. The memory is bounded, whatever the file holds: by
`LONGEST_ELEMENT`, `MOST_NAMES` and `MOST_KNOWN`, some ten MiB.
"""

from __future__ import annotations

import re
import xml.parsers.expat
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import BinaryIO, TypeVar

from hipsync.errors import InputError
from hipsync.formats.past.reading import (
    DAY_S,
    HEAD_BYTES,
    HEART_RATES,
    NO_HEART_RATE,
    NO_LENGTH,
    NO_STEPS,
    TOO_LONG,
    TOO_MANY_STEPS,
    Form,
    Head,
    Reading,
    shown,
)
from hipsync.formats.past.said import Beat, Said, Slept, Trained, Walked
from hipsync.instants import latest
from hipsync.model import STEPS_A_MINUTE, WorkoutKind
from hipsync.text import clean

PIECE = 2**18
"""How many bytes are read at a time."""
LONGEST_ELEMENT = 2**20
"""How many bytes may lie between two tags' ends. A record has some 500, a note in a metadata entry a few thousand."""
DEEPEST = 100
"""How deep elements may lie in each other. Real ones lie five deep."""
MOST_NAMES = 10_000
"""How many different names of elements and attributes a file may have. The DTD has some hundred."""
MOST_KNOWN = 20_000
"""How many days, numbers and names of sources are remembered at a time. 50 years have 18,263 days."""
MOST_STEPS = STEPS_A_MINUTE * DAY_S // 60
"""The most steps of a record, which is a day long at most."""
UNIT = "in another unit than steps or beats a minute"
"""Why a row is left out, as the end of "3 rows"."""
INDOORS: Mapping[WorkoutKind, WorkoutKind] = {
    WorkoutKind.CYCLING: WorkoutKind.CYCLING_INDOOR,
    WorkoutKind.ROWING: WorkoutKind.ROWING_MACHINE,
}
"""What a workout is whose metadata says HKIndoorWorkout; any other is the same indoors and outdoors."""
KINDS: Mapping[str, WorkoutKind] = {
    "HKWorkoutActivityTypeCycling": WorkoutKind.CYCLING,
    "HKWorkoutActivityTypeRowing": WorkoutKind.ROWING,
    "HKWorkoutActivityTypeRunning": WorkoutKind.RUNNING,
    "HKWorkoutActivityTypeWalking": WorkoutKind.WALKING,
    "HKWorkoutActivityTypeHiking": WorkoutKind.WALKING,
}
"""The kinds of workouts by Apple's name (HKWorkoutActivityType). Every other one is `WorkoutKind.OTHER`."""
ASLEEP = "HKCategoryValueSleepAnalysisAsleep"
"""How each value of a sleep sample begins that means sleep: Asleep alone until iOS 15, then with a phase behind it."""

Attributes = dict[str, str]
T = TypeVar("T")
_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?+\s*+(?:<\?xml[^>]*+>)?+(?>\s*+<!--.*?-->)*+"
    rb"(?P<dtd>(?>\s*+<!DOCTYPE\s++HealthData\s*+\[.*?\]\s*+>)?+)"
    rb"(?>\s*+<!--.*?-->)*+\s*+<HealthData[\s/>]",
    re.DOTALL,
)
"""All that stands before the root, and the root's name. No part of it is tried twice: it is quick on any bytes."""
_OF_NO_USE = re.compile(
    rb'<(?:Record type="HK(?!QuantityTypeIdentifier(?:StepCount|HeartRate)"|CategoryTypeIdentifierSleepAnalysis")'
    rb'|MetadataEntry key="(?!HKIndoorWorkout")|InstantaneousBeatsPerMinute )[^>]*+(?<="/)>'
)
"""An element without children that says nothing here. One that is written in another way is left to expat."""
_UNREAD = re.compile(rb' (?:device|creationDate|sourceVersion)="[^"]*+"')
"""Attributes of no use, the longest of all."""
_CONTROLS = bytes(32 if byte < 32 and byte not in b"\0\t\n\r" else byte for byte in range(256))
"""Spaces in place of the control characters that XML forbids. A zero byte stays: only damage puts it there."""
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d ([+-])([01]\d|2[0-3])([0-5]\d)", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,2})?")
_HOURS = {f" {hour:02}": hour * 3600 for hour in range(24)}
_SECONDS = {f":{at // 60:02}:{at % 60:02}": at for at in range(60 * 60)}
"""Seconds since the hour began, by the minutes and seconds of a time."""


def _fits(head: Head) -> bool:
    return _PROLOG.match(head.start) is not None


def _read(file: BinaryIO, _head: Head, reading: Reading) -> Iterator[Said]:
    export = _Export(reading)
    for piece in _pieces(file):
        yield from export.said_in(piece)
    yield from export.said_in(b"", is_last=True)


FORM = Form("apple", "Apple Health", _fits, _read)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """The file in pieces that end where a tag ends, without its prolog, of which the line ends remain.

    Raises `InputError` if it is no such file, or if no tag ends for too long.
    """
    rest = b""
    while len(rest) < HEAD_BYTES and (some := file.read(HEAD_BYTES - len(rest))):
        rest += some
    if (prolog := _PROLOG.match(rest)) is None:
        raise InputError("this is no export.xml of Apple Health: it does not begin with <HealthData>")
    if b"<!ENTITY" in prolog["dtd"]:
        raise InputError("its DTD declares entities, which Apple Health does not: the file was changed")
    root = rest.rindex(b"<HealthData", 0, prolog.end())
    rest = b"\n" * rest.count(b"\n", 0, root) + rest[root:]
    while some := file.read(PIECE):
        end = some.rfind(b">") + 1
        if end:
            yield rest + some[:end]
            rest = some[end:]
        else:
            rest += some
        if len(rest) > LONGEST_ELEMENT:
            raise InputError(f"no tag ends for over {LONGEST_ELEMENT:,} bytes: the file is damaged")
    yield rest


def _useful(piece: bytes) -> bytes:
    """A piece of the file without elements and attributes of no use.

    Nothing is cut out if one of them holds a `<` or a line end: it is damaged, or it would change the lines' numbers.
    """
    left, cut = _OF_NO_USE.subn(b"", piece)
    left = _UNREAD.sub(b"", left)
    is_whole = piece.count(b"<") - left.count(b"<") == cut and piece.count(b"\n") == left.count(b"\n")
    return (left if is_whole else piece).translate(_CONTROLS)


class _Export:
    """A file that is read: where in it the parser is, what was said since it was asked, and which cells are known."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._latest_s = int(latest(reading.now).timestamp())
        self._parser = xml.parsers.expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._fed = 0
        self._depth = 0
        self._said: list[Said] = []
        self._workout: Attributes | None = None
        self._is_indoors = False
        self._records: Mapping[str, Callable[[Attributes], Said | None]] = {
            "HKQuantityTypeIdentifierStepCount": self._walked,
            "HKQuantityTypeIdentifierHeartRate": self._beat,
            "HKCategoryTypeIdentifierSleepAnalysis": self._slept,
        }
        self._days: dict[str, int] = {}
        """When a day began, by its date and offset; only days that are possible as a whole."""
        self._numbers: dict[str, int] = {}
        self._names: dict[str, str] = {}

    def said_in(self, piece: bytes, *, is_last: bool = False) -> list[Said]:
        """What the next piece of the file says. Raises `InputError`, which names the line."""
        piece = _useful(piece)
        self._fed += len(piece)
        try:
            self._parser.Parse(piece, is_last)
        except xml.parsers.expat.ExpatError as error:
            why = xml.parsers.expat.ErrorString(error.code)
            raise InputError(f"line {error.lineno} is no XML ({why}): the file is damaged, or was cut off") from error
        if self._fed - self._parser.CurrentByteIndex > LONGEST_ELEMENT + PIECE:
            raise self._wrong(f"an element has over {LONGEST_ELEMENT:,} bytes")
        if len(self._parser.intern) > MOST_NAMES:
            raise self._wrong(f"there are over {MOST_NAMES:,} names of elements and attributes")
        said, self._said = self._said, []
        return said

    def _wrong(self, what: str) -> InputError:
        return InputError(f"line {self._parser.CurrentLineNumber}: {what}: the file is damaged, or was changed")

    def _begin(self, name: str, attributes: Attributes) -> None:
        self._depth += 1
        if self._depth == 2:
            if name == "Record":
                read = self._records.get(attributes.get("type", ""))
                if read is not None and (said := read(attributes)) is not None:
                    self._said.append(said)
            elif name == "Workout":
                self._workout, self._is_indoors = attributes, False
        elif self._depth == 3 and self._workout is not None and name == "MetadataEntry":
            if attributes.get("key") == "HKIndoorWorkout":
                self._is_indoors = attributes.get("value") == "1"
        elif self._depth > DEEPEST:
            raise self._wrong(f"elements lie over {DEEPEST} deep in each other")

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._depth == 1 and self._workout is not None:
            workout, self._workout = self._workout, None
            if (said := self._trained(workout)) is not None:
                self._said.append(said)

    def _walked(self, record: Attributes) -> Walked | None:
        """Steps; those of an instant belong to its second."""
        if (span := self._span(record)) is None or (steps := self._number(record, "count")) is None:
            return None
        if not 0 <= steps <= MOST_STEPS:
            self._reading.leave_out(NO_STEPS if steps < 0 else TOO_MANY_STEPS)
            return None
        start_s, end_s = span
        return Walked(self._source(record), start_s, max(end_s, start_s + 1), steps)

    def _beat(self, record: Attributes) -> Beat | None:
        """A heart rate at the instant at which its measuring began: it mostly has one instant."""
        if (span := self._span(record)) is None or (rate := self._number(record, "count/min")) is None:
            return None
        if rate not in HEART_RATES:
            self._reading.leave_out(NO_HEART_RATE)
            return None
        return Beat(self._source(record), span[0], rate)

    def _slept(self, record: Attributes) -> Slept | None:
        if not self._cell(record, "value").startswith(ASLEEP) or (span := self._lasting(record)) is None:
            return None
        return Slept(self._source(record), *span)

    def _trained(self, workout: Attributes) -> Trained | None:
        kind = KINDS.get(self._cell(workout, "workoutActivityType"), WorkoutKind.OTHER)
        if (span := self._lasting(workout)) is None:
            return None
        return Trained(self._source(workout), *span, INDOORS.get(kind, kind) if self._is_indoors else kind)

    def _cell(self, element: Attributes, name: str) -> str:
        if (cell := element.get(name)) is None:
            raise self._wrong(f"{element.get('type', 'a workout')[:100]!r} has no {name}")
        return cell

    def _source(self, element: Attributes) -> str:
        """The name of a source. Its spaces that do not break, such as that in "Apple Watch", become plain ones."""
        cell = self._cell(element, "sourceName")
        if (name := self._names.get(cell)) is None:
            name = clean(" ".join(cell.split())) or "Apple Health"
            _remember(self._names, cell, name)
        return name

    def _number(self, record: Attributes, unit: str) -> int | None:
        """The value of a record, rounded to a whole number; None if the record was left out for its unit."""
        if record.get("unit") != unit:
            self._reading.leave_out(UNIT)
            return None
        cell = self._cell(record, "value")
        if (number := self._numbers.get(cell)) is None:
            if not _NUMBER.fullmatch(cell):
                raise self._wrong(f"{shown(cell)} is not a number")
            number = round(float(cell))
            _remember(self._numbers, cell, number)
        return number

    def _lasting(self, element: Attributes) -> tuple[int, int] | None:
        """As `_span`, but an element without a length is left out too."""
        span = self._span(element)
        if span is not None and span[0] == span[1]:
            self._reading.leave_out(NO_LENGTH)
            return None
        return span

    def _span(self, element: Attributes) -> tuple[int, int] | None:
        """When an element begins and ends, in seconds since 1970; None if it was left out for that."""
        start, end = self._cell(element, "startDate"), self._cell(element, "endDate")
        try:
            start_s = self._days[start[:10] + start[19:]] + _HOURS[start[10:13]] + _SECONDS[start[13:19]]
            end_s = self._days[end[:10] + end[19:]] + _HOURS[end[10:13]] + _SECONDS[end[13:19]]
            are_possible = True
        except KeyError:
            start_s, end_s = self._seconds(start), self._seconds(end)
            are_possible = False
        if not 0 <= end_s - start_s <= DAY_S:
            self._reading.leave_out(TOO_LONG if start_s < end_s else NO_LENGTH)
            return None
        return (start_s, end_s) if are_possible or self._is_possible(start_s, end_s) else None

    def _is_possible(self, *instants_s: int) -> bool:
        """Whether each instant is believed; the first that is not is counted as left out."""
        try:
            return all(map(self._reading.is_possible, instants_s))
        except InputError as error:
            raise self._wrong(str(error)) from error

    def _seconds(self, cell: str) -> int:
        """The instant of a time such as 2026-11-20 08:00:17 +0000; its day is remembered if all of it is possible."""
        if (found := _TIME.fullmatch(cell)) is None:
            raise self._wrong(f"{shown(cell)} is not a time such as 2026-11-20 08:00:17 +0000")
        try:
            midnight = datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
        except ValueError as error:
            raise self._wrong(f"{cell} is no time of any calendar") from error
        ahead_s = int(found[5]) * 3600 + int(found[6]) * 60
        day_s = int(midnight.timestamp()) - (ahead_s if found[4] == "+" else -ahead_s)
        if 0 <= day_s <= self._latest_s - DAY_S:
            _remember(self._days, cell[:10] + cell[19:], day_s)
        return day_s + _HOURS[cell[10:13]] + _SECONDS[cell[13:19]]


def _remember(known: dict[str, T], cell: str, meaning: T) -> None:
    """Remember what a cell means; all is forgotten when it becomes too much, as the cells of a year differ little."""
    if len(cell) <= 100:
        if len(known) >= MOST_KNOWN:
            known.clear()
        known[cell] = meaning
