"""What a simulated band stores: minutes in records of a block each, spans of sleep, and workouts.

It stamps them by its own clock. A minute in which it was off or on its charger is in no record. One in which it lay on
a table is listed like any other, because the band does not tell. The window of indices is the one counted last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hipsync_devices.huawei.sim_wire import field as tagged
from hipsync_devices.huawei.sim_wire import number

BLOCK = 34
"""How many minutes a record covers; the one that was recorded has 34."""
REMEMBERS = 7 * 24 * 60
"""How many minutes back the band remembers, by its own clock. It is a guess: the maker says about a week."""
NAP = 90
"""The longest span of one type of sleep that the band writes, in minutes."""
LIGHT, DEEP, BOUT = 6, 7, 1


class Stored(NamedTuple):
    """A minute as the band stores it; None for what it did not measure."""

    steps: int = 0
    heart_rate: int | None = None
    calories: int = 0
    metres: int = 0
    extra: bytes | None = None
    """The data in the place of all the others, such as those with unknown bits; None for the usual ones."""

    def data(self) -> bytes:
        """Return the bitmap and its values: nothing for a minute without steps and pulse."""
        if self.extra is not None:
            return self.extra
        bitmap, values = 0, b""
        if self.steps:
            bitmap = 0x0E
            values = b"".join(value.to_bytes(2, "big") for value in (self.steps, self.calories, self.metres))
        if self.heart_rate is not None:
            bitmap, values = bitmap | 0x40, values + bytes([self.heart_rate])
        return bytes([bitmap]) + values


class Span(NamedTuple):
    """A span of sleep, or of a bout of activity; the start is in seconds since 1970 by the band's clock."""

    start: int
    minutes: int
    kind: int


class Sport(NamedTuple):
    """A workout; start and end are in seconds since 1970 by the band's clock."""

    number: int
    start: int
    end: int
    kind: int | None

    def listed(self) -> bytes:
        return tagged(0x85, number(6, self.number, 2), number(7, 0, 2), number(8, 0, 2))

    def totals(self) -> bytes:
        told = number(2, self.number, 2) + number(3, 1, 1) + number(4, self.start, 4) + number(5, self.end, 4)
        told += number(0x12, self.end - self.start, 4)
        return tagged(0x81, told if self.kind is None else told + number(0x14, self.kind, 1))


@dataclass(slots=True)
class Memory:
    block: int = BLOCK
    minutes: dict[int, Stored] = field(default_factory=dict[int, Stored])
    """By the minute since 1970 at which each began, by the band's clock."""
    spans: list[Span] = field(default_factory=list[Span])
    sports: list[Sport] = field(default_factory=list[Sport])
    _window: list[list[int]] = field(default_factory=list[list[int]])
    """The minutes of each record that was counted last."""
    _listed: dict[int, Stored] = field(default_factory=dict[int, Stored])
    _nights: list[Span] = field(default_factory=list[Span])

    def forget_before(self, minute: int) -> None:
        for old in [each for each in self.minutes if each < minute]:
            del self.minutes[old]
        self.spans = [span for span in self.spans if span.start >= minute * 60]

    def add(self, minute: int, stored: Stored) -> None:
        """Store a minute. One that comes twice, because the clock was set back, has the steps of both."""
        before = self.minutes.get(minute)
        self.minutes[minute] = stored._replace(steps=stored.steps + before.steps) if before is not None else stored

    def sleep(self, start: int, minutes: int) -> None:
        """Store a night that has ended, in spans of light and deep sleep in turn."""
        for count, at in enumerate(range(0, minutes, NAP)):
            self.spans.append(Span(start + at * 60, min(NAP, minutes - at), DEEP if count % 2 else LIGHT))

    def count_minutes(self, start: int, end: int, running: tuple[int, Stored] | None) -> int:
        """Count the records with a minute in [start, end] (seconds), and remember them as the window.

        `running` is the minute that has not ended yet, as far as it is known; a band lists it too.
        """
        held = self.minutes if running is None else self.minutes | {running[0]: running[1]}
        self._listed = held
        blocks: dict[int, list[int]] = {}
        for minute in sorted(held):
            if start - self.block * 60 <= minute * 60 <= end + self.block * 60:
                blocks.setdefault(minute // self.block, []).append(minute)
        self._window = [block for block in blocks.values() if any(start <= minute * 60 <= end for minute in block)]
        return len(self._window)

    def record(self, index: int, wrong_by: int = 0) -> bytes | None:
        """Return the record with an index of the window, which it tells `wrong_by` too high; None if it is outside."""
        if index >= len(self._window):
            return None
        block = self._window[index]
        listed = (
            tagged(0x84, number(5, minute - block[0], 1), tagged(6, self._listed[minute].data())) for minute in block
        )
        return tagged(0x81, number(2, index + wrong_by, 2), number(3, block[0] * 60, 4), *listed)

    def minutes_of(self, index: int) -> Sequence[int]:
        """Return the minutes since 1970 that the record with an index of the window holds; none if it is outside."""
        return self._window[index] if index < len(self._window) else ()

    def count_nights(self, start: int, end: int) -> int:
        self._nights = [span for span in self.spans if start <= span.start <= end]
        return len(self._nights)

    def night(self, index: int) -> bytes | None:
        if index >= len(self._nights):
            return None
        span = self._nights[index]
        times = tagged(5, span.start.to_bytes(4, "big"), span.minutes.to_bytes(2, "big"))
        return tagged(0x81, number(2, index, 2), tagged(0x83, number(4, span.kind, 1), times))

    def minutes_of_night(self, index: int) -> range:
        """Return the minutes since 1970 of the span with an index of the window; none if it is outside."""
        if index >= len(self._nights):
            return range(0)
        start = self._nights[index].start // 60
        return range(start, start + self._nights[index].minutes)

    def listed_sports(self, start: int, end: int) -> bytes:
        found: Sequence[Sport] = [sport for sport in self.sports if start <= sport.start <= end]
        return tagged(0x81, number(2, len(found), 2), *(sport.listed() for sport in found))

    def sport(self, number_: int) -> bytes | None:
        return next((sport.totals() for sport in self.sports if sport.number == number_), None)
