"""The domain in the field's words: what bands report, what it becomes, what was said and done.

Instants are aware datetimes in UTC, lengths are timedeltas, intervals are half-open `[start, end)`.
A step counter cannot tell sitting from standing still, so code says *stationary* for what the data
show; only text for people says "sitting".

Tuples rather than dataclasses: a month of a band's memory is 43,200 epochs, and a frozen dataclass takes five times as
long to make; it also takes a millisecond to define, for which `hipsync today` would wait.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, NewType

BandId = NewType("BandId", int)
"""Ours, and stable. A Bluetooth address is not: macOS gives each host another."""

MINUTE = timedelta(minutes=1)


class State(StrEnum):
    """What a band itself says of an epoch. The values are those of the CSV column `state`."""

    ASLEEP = "asleep"
    NOT_WORN = "not_worn"
    CHARGING = "charging"
    SITTING = "sitting"
    STANDING = "standing"
    WALKING = "walking"
    RUNNING = "running"
    CYCLING = "cycling"


class Epoch(NamedTuple):
    """Steps in `[start, start + length)`, with what else the band said of that time.

    Starts lie on whole minutes of UTC and lengths are whole minutes.
    """

    start: datetime
    length: timedelta
    steps: int
    intensity: int | None = None
    """The band's own scale; comparable only within one kind of band."""
    heart_rate: int | None = None
    """Beats a minute."""
    state: State | None = None
    kind: int | None = None
    """The band's own code for the epoch, whole, for a reading that knows better later."""
    inferred: bool = False
    """Not sent: the band omits still slots, and vouches for the part of the answer in which this one lies."""

    @property
    def end(self) -> datetime:
        """The first instant after the epoch."""
        return self.start + self.length


class Counter(NamedTuple):
    """A running total of steps, read at an instant. A smaller one than before is a reset, not negative steps."""

    at: datetime
    steps: int


class Wear(NamedTuple):
    """The band was put on, or taken off."""

    at: datetime
    worn: bool


class Charge(NamedTuple):
    """The band's battery."""

    at: datetime
    percent: int
    charging: bool | None = None


class Inactivity(NamedTuple):
    """The band's own sit alarm went off. Kept, and never merged into hipsync's verdict."""

    at: datetime


class Info(NamedTuple):
    """What the band says of itself. Text as the band sent it, control characters removed."""

    at: datetime
    firmware: str | None = None
    hardware: str | None = None
    serial: str | None = None


Reading = Epoch | Counter | Wear | Charge | Inactivity | Info
"""The only things a driver may report."""


class Kind(StrEnum):
    """Every known or unknown minute is exactly one of these; the values are the keys of `day --json`."""

    SITTING = "sitting"
    UP = "up"
    STANDING = "standing"
    ASLEEP = "asleep"
    NOT_WORN = "not_worn"
    UNKNOWN = "unknown"


class EndedBy(StrEnum):
    """What ended a stretch."""

    MOVING = "moving"
    STANDING = "standing"
    ASLEEP = "asleep"
    NOT_WORN = "not_worn"
    UNKNOWN = "unknown"


class Span(NamedTuple):
    """Consecutive minutes of one kind."""

    start: datetime
    end: datetime
    kind: Kind


class Stretch(NamedTuple):
    """A sitting stretch: the time since the last real movement.

    ::

        ~~~ walk ~~~|  still  | hole |    still     |~~~ walk ~~~
                    ^ start     not counted         ^ end
    """

    start: datetime
    end: datetime
    """End of its last counted minute."""
    minutes: int
    """Counted minutes; holes of up to ten minutes inside are not counted."""
    ended_by: EndedBy | None
    """None while it runs."""
    due: datetime | None
    """When its age reached the limit, which is when the prompt is due; None if it never did."""
    sure: bool
    """At `due`: at most one minute with steps in the hour before, so that still most likely means sitting."""
    doubtful: bool
    """Half of it or more is stillness that nobody vouches for (`science.md` section 2, item 3)."""


class Break(NamedTuple):
    """The movement that ends a stretch of eight minutes or more."""

    start: datetime
    end: datetime
    steps: int


class Answer(StrEnum):
    """What came of a prompt."""

    DONE = "done"
    SNOOZED = "snoozed"
    SKIPPED = "skipped"
    MOVED = "moved"
    IGNORED = "ignored"
    HURT = "hurt"


class Where(StrEnum):
    """Where a prompt was shown."""

    TERMINAL = "terminal"
    DESKTOP = "desktop"
    BAND = "band"
    COMMAND = "command"


class Occasion(StrEnum):
    """What a prompt is for."""

    SITTING = "sitting"
    """An hour of it is full."""
    MORNING = "morning"
    """The first movement after sleep."""
    AFTER_CYCLING = "after-cycling"
    """A ride is over."""


class Prompt(NamedTuple):
    """What was said to the person, where, and what came of it. One a stretch, unless repeats are on."""

    at: datetime
    """First shown."""
    due: datetime
    exercise: str
    sure: bool
    where: tuple[Where, ...] = ()
    shown: int = 1
    """How many times; the second showing is the stronger one."""
    last_shown: datetime | None = None
    answer: Answer | None = None
    answered_at: datetime | None = None
    snoozed_until: datetime | None = None
    occasion: Occasion = Occasion.SITTING


class Pause(NamedTuple):
    """Nothing is said in `[at, until)`; what falls due meanwhile is said at its end if the stretch still runs."""

    at: datetime
    until: datetime


class Exercise(NamedTuple):
    """An exercise that was done."""

    at: datetime
    name: str
    how: str
    """guided, prompt or manual."""
    hurt: bool = False


class Trouble(StrEnum):
    """What may be the matter with a band, for its wearer to mend."""

    BATTERY = "battery"
    NO_DATA = "no data"
    REFUSED = "refused"


class Remark(NamedTuple):
    """A word to the wearer about a band."""

    band: BandId
    what: Trouble
    text: str
    """What to do, in one line."""


class ZoneChange(NamedTuple):
    """From this instant on the host was in this zone (an IANA name)."""

    since: datetime
    zone: str


class Band(NamedTuple):
    """A paired band, or the source of an import (no address)."""

    id: BandId
    name: str
    driver: str
    address: str | None
    advertised_name: str
    simulated: bool
    vouches: bool
    """It reports wear, sleep or heart rate itself, so its stillness is never doubtful."""
    reports_wear: bool
    added: datetime


class Sync(NamedTuple):
    """One attempt to reach a band; `error` is None if it succeeded."""

    started: datetime
    ended: datetime
    epochs: int
    error: str | None
