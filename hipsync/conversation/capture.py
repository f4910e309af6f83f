"""A conversation with a band as text: readable, diffable, and exact enough to replay (`hipsync.testing.replay`).

This module knows no driver. The one rule: `capture_of` reads back what `Capture.text` writes, to the millisecond.

    # hipsync capture 1
    # driver: fitpro                                the key of the driver
    # recorded: hipsync 0.1.0                       or `source:` if somebody else published it
    # name: LH716                                   as the band advertised itself; absent if it does not matter
    # zone: Europe/London                           the wearer's time zone
    # start: 2026-11-20T12:00:20.000+00:00          when the connection was open; times are seconds since
    # write size: 20                                bytes that fit into a write without response
    # open: whole                                   or `left out`: the login is not in the capture
    # subscribed: 6e400003-b5a3-f393-e0a9-e50e24dcca9e      at the start, if the login is left out
    # since: Epoch 2026-11-20T11:45:00+00:00        end of what was stored already, by type of reading
    # erase: no                                     whether the band was to delete what was stored
    # has: 2a19 6e400002-b5a3-f393-e0a9-e50e24dcca9e 1802/2a06      characteristics of the band
    # has not: 2a24                                 characteristics that the driver looked for in vain
    # ended: well                                   or the kind of error, or `cut` if it stopped early
    0.000+0.031 + 6e400003                          the host subscribed (`-`: unsubscribed), which took 31 ms
    0.031+0.002 > 6e400002 cd00051a01100000         the host wrote (`>!`: and awaited the band's response)
    0.120 < 6e400003 cd0009...                      the band notified
    0.200+0.030 = 2a19 64                           the host read this value
    0.230+0.010 = 2a24 ! DeviceError                the host tried to read, and got this error instead
    0.300+1.200 bond                                the host bonded with the band
    9.500 lost                                      the band ended the connection

Of a family that seals what it says (`Driver.sealed`), the lines are opened messages on `hipsync.driver.OPENED`, and the
login is not among them.

A characteristic is written as the four hex digits that the Bluetooth SIG assigned, as the first eight digits of a UUID
if no other UUID begins with them, or as a whole UUID. If the host named the service too, both are written, as
`SERVICE/CHARACTERISTIC`. `.` is an empty value. What follows ` # ` is a remark. Head lines with other keys are remarks
too, so that published logs keep their source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, get_args
from zoneinfo import ZoneInfo

from hipsync.model import Reading

FORMAT = "hipsync capture 1"
SIG = "-0000-1000-8000-00805f9b34fb"
"""The end of every UUID that the Bluetooth SIG assigned as a number (Core specification, volume 3, part B, 2.5.1)."""
HOST = frozenset({"+", "-", ">", ">!", "=", "bond"})
"""The signs of lines that record what the host did."""
SIGNS = HOST | {"<", "lost"}
"""All signs that a line can have. Those that are not in `HOST` record what the band did."""
READINGS: Mapping[str, type[Reading]] = {kind.__name__: kind for kind in get_args(Reading)}
"""The types of readings by name."""

Place = tuple[str, str | None]
"""The UUID of a characteristic, and the UUID of its service; None if the host named no service."""


class Line(NamedTuple):
    """One line of a capture: something that the host or the band did."""

    at: timedelta
    """The time from the start of the capture to the beginning of what the line records."""
    sign: str
    """One of `SIGNS`."""
    place: Place = ("", None)
    data: bytes = b""
    """The value that was read, written or notified."""
    error: str | None = None
    """The name of the `DeviceError` class in which it ended; None if it succeeded."""
    took: timedelta = timedelta()
    """The time that it took; zero for what the band did."""
    number: int = 0
    """The number of the line in its file, counted from 1; 0 for a line that is in no file."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One conversation with a band, from the beginning of a connection or from the end of the login."""

    driver: str
    """The key of the driver."""
    start: datetime
    """The instant, in UTC, from which the lines count: the connection was open, or the login over if it is left out."""
    zone: ZoneInfo
    """The wearer's time zone."""
    lines: Sequence[Line]
    write_size: int = 20
    """How many bytes fit into a write without response."""
    name: str = ""
    """The name by which the band advertised itself; empty if it does not matter."""
    opened: bool = True
    """Whether the login is in the capture. If not, the lines begin with what follows the login."""
    subscribed: frozenset[str] = frozenset()
    """The characteristics that the host is subscribed to at the start, if the login is left out."""
    since: Mapping[type[Reading], datetime] = field(default_factory=dict[type[Reading], datetime])
    """By type of reading, the instant at which the last one ended that was stored before the conversation."""
    erase: bool = False
    """Whether the band was to delete the data that hipsync had stored."""
    has: frozenset[Place] = frozenset()
    """The characteristics of the band, as far as the driver asked for them or used them."""
    has_not: frozenset[Place] = frozenset()
    """The characteristics that the driver asked for and the band does not have."""
    ended: str = "well"
    """How the conversation ended: "well", the class name of the error, or "cut" if the recording stopped earlier."""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Other lines of the head by key, such as recorded, source, redacted and firmware."""

    def text(self) -> str:
        """Return the capture as the text of a file. Times are rounded to the millisecond."""
        short = _Short(self)
        head = [FORMAT, f"driver: {self.driver}", *(f"{key}: {value}" for key, value in self.notes.items())]
        if self.name:
            head.append(f"name: {self.name}")
        head += [
            f"zone: {self.zone.key}",
            f"start: {self.start.isoformat(timespec='milliseconds')}",
            f"write size: {self.write_size}",
            f"open: {'whole' if self.opened else 'left out'}",
            *(f"subscribed: {uuid}" for uuid in sorted(self.subscribed)),
            *(f"since: {kind.__name__} {at.isoformat()}" for kind, at in self.since.items()),
            f"erase: {'yes' if self.erase else 'no'}",
            *(f"has: {short.whole(place)}" for place in sorted(self.has | _used(self.lines), key=str)),
            *(f"has not: {short.whole(place)}" for place in sorted(self.has_not, key=str)),
            f"ended: {self.ended}",
        ]
        return "".join([*(f"# {line}\n" for line in head), *(f"{short.line(line)}\n" for line in self.lines)])


class _Short:
    """Writes the UUIDs of one capture in the shortest form that is unambiguous there."""

    def __init__(self, capture: Capture) -> None:
        uuids = {uuid for line in capture.lines for uuid in line.place if uuid}
        uuids |= {uuid for place in capture.has | capture.has_not for uuid in place if uuid}
        begins = [uuid[:8] for uuid in uuids]
        self._unique = {uuid: uuid[:8] for uuid in uuids if begins.count(uuid[:8]) == 1}

    def whole(self, place: Place) -> str:
        return "/".join(_sig(uuid) or uuid for uuid in reversed(place) if uuid)

    def line(self, line: Line) -> str:
        took = f"+{line.took.total_seconds():.3f}" if line.took else ""
        words = [f"{line.at.total_seconds():.3f}{took}", line.sign]
        if line.place[0]:
            words.append("/".join(_sig(uuid) or self._unique.get(uuid, uuid) for uuid in reversed(line.place) if uuid))
        if line.error is not None:
            words += ["!", line.error]
        elif line.sign in {">", ">!", "<", "="}:
            words.append(line.data.hex() or ".")
        return " ".join(words)


def _sig(uuid: str) -> str | None:
    return uuid[4:8] if uuid.startswith("0000") and uuid.endswith(SIG) else None


def capture_of(text: str) -> Capture:
    """Parse the text of a capture file. Raises `ValueError`, which names the line if one is to blame."""
    head, notes = _Head(), dict[str, str]()
    lines: list[Line] = []
    if text.partition("\n")[0].rstrip() != f"# {FORMAT}":
        raise ValueError(f"line 1: it must be `# {FORMAT}`")
    for number, written in enumerate(text.splitlines(), 1):
        try:
            if written.startswith("#"):
                head.take(written[1:].strip(), notes)
            elif words := written.split(" # ")[0].strip():
                lines.append(_line(words, number))
        except (ValueError, KeyError) as error:
            raise ValueError(f"line {number}: {error}") from error
    return _resolved(head.capture(lines, notes))


class _Head:
    """Collects the facts in the lines of the head, one line at a time."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.since: dict[type[Reading], datetime] = {}
        self.places: dict[str, set[Place]] = {"has": set(), "has not": set(), "subscribed": set()}

    def take(self, line: str, notes: dict[str, str]) -> None:
        key, colon, value = (part.strip() for part in line.partition(":"))
        if key in self.places and colon:
            self.places[key] |= {_place(word) for word in value.split()}
        elif key == "since":
            kind, at = value.split()
            self.since[READINGS[kind]] = _instant(at)
        elif key in {"driver", "zone", "start", "write size", "name", "open", "erase", "ended"}:
            self.facts[key] = value
        elif colon:
            notes[key] = value

    def capture(self, lines: Sequence[Line], notes: Mapping[str, str]) -> Capture:
        if missing := {"driver", "zone", "start"} - self.facts.keys():
            raise ValueError(f"the head does not say {', '.join(sorted(missing))}")
        return Capture(
            driver=self.facts["driver"],
            start=_instant(self.facts["start"]),
            zone=ZoneInfo(self.facts["zone"]),
            lines=lines,
            write_size=int(self.facts.get("write size", "20")),
            name=self.facts.get("name", ""),
            opened=self.facts.get("open", "whole") == "whole",
            subscribed=frozenset(uuid for uuid, _ in self.places["subscribed"]),
            since=self.since,
            erase=self.facts.get("erase", "no") == "yes",
            has=frozenset(self.places["has"]),
            has_not=frozenset(self.places["has not"]),
            ended=self.facts.get("ended", "well"),
            notes=notes,
        )


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return at.astimezone(UTC)


def _line(words: str, number: int) -> Line:
    when, sign, *rest = words.split()
    at, _, took = when.partition("+")
    if sign not in SIGNS:
        raise ValueError(f"{sign!r} is none of {' '.join(sorted(SIGNS))}")
    line = Line(timedelta(seconds=float(at)), sign, took=timedelta(seconds=float(took or 0)), number=number)
    if sign in {"bond", "lost"}:
        place, data = "", rest
    else:
        place, *data = rest
        line = line._replace(place=_place(place))
    if data[:1] == ["!"]:
        return line._replace(error=" ".join(data[1:]))
    return line._replace(data=bytes.fromhex("".join(data).replace(".", "")))


def _place(word: str) -> Place:
    *service, characteristic = word.lower().split("/")
    return _uuid(characteristic), _uuid(service[0]) if service else None


def _uuid(word: str) -> str:
    """Return the whole UUID for a word of four hex digits; a whole UUID, or its first eight digits, stays as it is.

    Raises `ValueError` for any other word.
    """
    if re.fullmatch("[0-9a-f]{4}", word):
        return f"0000{word}{SIG}"
    if not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}", word):
        raise ValueError(f"{word!r} is no characteristic")
    return word


def _resolved(capture: Capture) -> Capture:
    """Return the capture with every UUID in full, and with every characteristic that was used added to `has`.

    Raises `ValueError` if not exactly one UUID in the capture begins with the eight digits in a line.
    """
    known = {uuid for place in capture.has | capture.has_not for uuid in place if uuid and len(uuid) > 8}
    known |= {uuid for line in capture.lines for uuid in line.place if uuid and len(uuid) > 8}

    def whole(line: Line) -> Line:
        found: list[str | None] = []
        for uuid in line.place:
            if uuid and len(uuid) == 8:
                matches = [each for each in known if each.startswith(uuid)]
                if len(matches) != 1:
                    raise ValueError(f"line {line.number}: {len(matches)} UUIDs in the head begin with {uuid}, not one")
                found += matches
            else:
                found.append(uuid)
        return line._replace(place=(found[0] or "", found[1]))

    lines = [whole(line) for line in capture.lines]
    return replace(capture, lines=lines, has=capture.has | _used(lines))


def _used(lines: Sequence[Line]) -> frozenset[Place]:
    return frozenset(line.place for line in lines if line.place[0] and line.error is None)
