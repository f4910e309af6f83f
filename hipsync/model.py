"""The domain in the field's words: what bands report, what follows from it, and what the person was shown and did.

Instants are aware datetimes in UTC, lengths are timedeltas, intervals are half-open `[start, end)`. A step counter
cannot tell sitting from standing still. So code says *stationary* or *stretch* for what the data show, and only text
for people says "sitting".

These are tuples and not dataclasses. A month of a band's memory is 43,200 epochs, and a frozen dataclass takes five
times as long to make. It also takes a millisecond to define, for which `hipsync today` would wait.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, NewType

if TYPE_CHECKING:
    from hipsync.abilities import Abilities

BandId = NewType("BandId", int)
"""hipsync's own number for a band, which never changes. Its Bluetooth address may: on macOS, each host sees another
one."""

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The words for the weekdays, at the index of their number: Monday is 0."""
STEPS_A_MINUTE = 300
"""The most steps that anybody makes in a minute, at a sprinter's pace. A count that grows faster is wrong."""


def is_possible(steps: int, length: timedelta) -> bool:
    """Whether somebody can have made these steps within this time: the one limit for every band and every import."""
    return 0 <= steps <= STEPS_A_MINUTE * (length / MINUTE)


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


class Posture(StrEnum):
    """What a band measured of its wearer's posture, beside the state. The values are those of the CSV column `posture`.

    UPRIGHT is for a sensor that does not tell standing from walking.
    """

    SITTING = "sitting"
    STANDING = "standing"
    UPRIGHT = "upright"
    LYING = "lying"


class Epoch(NamedTuple):
    """The steps in `[start, start + length)`, and everything else that the band reported for that time.

    Starts lie on whole minutes of UTC, and lengths are whole minutes.
    """

    start: datetime
    length: timedelta
    steps: int
    intensity: int | None = None
    """How much the band was moved, on its own scale: comparable only within one kind of band."""
    heart_rate: int | None = None
    """Beats a minute."""
    state: State | None = None
    kind: int | None = None
    """The band's own code for the epoch, complete, so that a later version can read more from it."""
    inferred: bool = False
    """Whether the band did not send this epoch: some bands leave slots without steps out of an answer that is
    complete."""
    posture: Posture | None = None
    """It says nothing of wear and sleep, and counts only where a posture is trusted (`sitting.trust_posture`)."""

    @property
    def end(self) -> datetime:
        """The first instant after the epoch."""
        return self.start + self.length


STATES: tuple[State | None, ...] = (
    None,
    State.SITTING,
    State.ASLEEP,
    State.NOT_WORN,
    State.CHARGING,
    State.STANDING,
    State.WALKING,
    State.RUNNING,
    State.CYCLING,
)
"""The states: the index of each is its code in `MinuteEpochs.said` and in stored epochs. A new one comes at the end."""
POSTURES: tuple[Posture | None, ...] = (None, *Posture)
"""The postures: the index of each is its code in `MinuteEpochs.said`."""
POSTURE_SHIFT, PULSE, NOT_TOLD = 4, 128, 15
"""The rest of a byte of `MinuteEpochs.said`: how far the code of the posture is shifted, the bit of a heart rate, and
the whole byte of a minute of which there is no epoch."""


class MinuteEpochs(NamedTuple):
    """A band's epochs of one minute as columns, with a place for each minute from `first` on, told or not.

    A day has 1,440. To read and judge two columns takes a fraction of the time of as many values of `Epoch`. They hold
    what a judgement needs, and no more.
    """

    first: int = 0
    """The minute of the first place, counted from 1970-01-01 00:00 UTC."""
    steps: Sequence[int] = ()
    """The steps of each minute; 0 where there is no epoch."""
    said: bytes = b""
    """What the band said of each minute, as `said` makes it; NOT_TOLD where there is no epoch."""


def said(state: State | None, posture: Posture | None, heart_rate: int | None) -> int:
    """The byte of `MinuteEpochs.said` for an epoch: its state, its posture, and whether it has a heart rate above 0."""
    return STATES.index(state) | POSTURES.index(posture) << POSTURE_SHIFT | (PULSE if (heart_rate or 0) > 0 else 0)


class Counter(NamedTuple):
    """A running total of steps, read at an instant. A smaller value than before means a reset, not negative steps."""

    at: datetime
    steps: int


class Wear(NamedTuple):
    """The band was put on (`worn`), or taken off."""

    at: datetime
    worn: bool


class Charge(NamedTuple):
    """How full the band's battery was."""

    at: datetime
    percent: int
    charging: bool | None = None
    """Whether the band was on its charger; None if it does not say."""


class Inactivity(NamedTuple):
    """The band's own sit alarm went off. It is stored, and never merged into hipsync's verdict."""

    at: datetime


class WorkoutKind(StrEnum):
    """What sort of a workout it was, as its wearer chose. Sports that have no word here are OTHER."""

    CYCLING = "cycling"
    CYCLING_INDOOR = "cycling_indoor"
    ROWING = "rowing"
    ROWING_MACHINE = "rowing_machine"
    RUNNING = "running"
    WALKING = "walking"
    TREADMILL = "treadmill"
    OTHER = "other"


RIDES = frozenset({WorkoutKind.CYCLING, WorkoutKind.CYCLING_INDOOR, WorkoutKind.ROWING, WorkoutKind.ROWING_MACHINE})
"""The workouts that keep the hips bent and make few steps. In docs/rule.md each of them is called a ride."""


class Workout(NamedTuple):
    """The band recorded a workout in `[start, end)`; never its track, pulse or distance."""

    kind: WorkoutKind
    start: datetime
    end: datetime

    @property
    def at(self) -> datetime:
        """The instant at which the whole of it is known, as the other readings have one: its end."""
        return self.end

    @property
    def is_possible(self) -> bool:
        """Whether it has a length, and one of less than a day."""
        return timedelta() < self.end - self.start < DAY


class Info(NamedTuple):
    """What the band says about itself. The text is as the band sent it, without control characters."""

    at: datetime
    firmware: str | None = None
    hardware: str | None = None
    serial: str | None = None


Reading = Epoch | Counter | Wear | Charge | Inactivity | Workout | Info
"""The only things that a driver may report."""


class Kind(StrEnum):
    """The six kinds of minutes: each minute of a day is exactly one. The values are the keys of `day --json`."""

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
    """Consecutive minutes of one kind, `[start, end)`."""

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
    """The end of its last counted minute."""
    minutes: int
    """How many minutes count. Gaps of up to ten minutes in the data lie inside a stretch, but do not count."""
    ended_by: EndedBy | None
    """What ended it; None while it runs."""
    due: datetime | None
    """When its age had reached the limit and the data allowed a prompt; None if that never happened."""
    sure: bool
    """Whether, at `due`, being still most likely meant sitting: at most one minute of the hour before had steps."""
    doubtful: bool
    """Whether at least half of it is long stillness for which nothing vouches: the band may have lain on a table
    (docs/rule.md, "Wear and doubtful stillness")."""


class Break(NamedTuple):
    """The movement that ends a stretch of eight minutes or more, `[start, end)`."""

    start: datetime
    end: datetime
    steps: int


class Answer(StrEnum):
    """What came of a prompt. MOVED and IGNORED are found in the data; the others come from the person."""

    DONE = "done"
    SNOOZED = "snoozed"
    SKIPPED = "skipped"
    MOVED = "moved"
    IGNORED = "ignored"
    HURT = "hurt"
    STANDING = "standing"
    """The person stood when the prompt was for sitting."""


class Where(StrEnum):
    """Where a prompt was shown. COMMAND is the user's own program (`prompts.command`), MQTT is Home Assistant."""

    TERMINAL = "terminal"
    DESKTOP = "desktop"
    BAND = "band"
    COMMAND = "command"
    MQTT = "mqtt"


class Occasion(StrEnum):
    """What a prompt is for."""

    SITTING = "sitting"
    """A sitting stretch has reached the limit."""
    MORNING = "morning"
    """The person has moved for the first time after sleep."""
    AFTER_RIDE = "after-cycling"
    """A ride is over: a bicycle ride, or a row. The word is older than the rows, and stays in what programs read."""
    WARM_UP = "warm-up"
    """A walk, a run or a visit to the gym is planned, and begins soon."""


class Prompt(NamedTuple):
    """A request to move that was shown to the person: when, where, and what came of it.

    There is one prompt per stretch, unless repeats are on. Its occasion and `due` are its own: one that another
    computer showed for the same occasion is the same prompt.
    """

    at: datetime
    """When it was first shown."""
    due: datetime
    """When its occasion came, such as the limit of a stretch; it may have been shown later. For one that was shown
    before the limit, at a natural pause, it is when it was shown."""
    exercise: str
    """The name of the exercise that it proposes."""
    sure: bool
    """Whether being still most likely meant sitting; see `Stretch.sure`."""
    where: tuple[Where, ...] = ()
    shown: int = 1
    """How many times it was shown. If it was ignored the first time, the second showing is a stronger one."""
    last_shown: datetime | None = None
    answer: Answer | None = None
    answered_at: datetime | None = None
    snoozed_until: datetime | None = None
    occasion: Occasion = Occasion.SITTING
    sitting_minutes: int | None = None
    """How many minutes of its stretch counted when it was first shown; None for another occasion, and if it was shown
    before version 0.3."""
    host: str = ""
    """The name of the computer that showed it first; empty if that is not known."""

    @property
    def key(self) -> tuple[Occasion, datetime]:
        """What it is about: no two prompts have this in common."""
        return self.occasion, self.due


class Pause(NamedTuple):
    """A time `[at, until)` without prompts.

    A prompt that falls due then is shown afterwards if its stretch still runs.
    """

    at: datetime
    until: datetime


class Label(NamedTuple):
    """What the person said of their own posture at an instant. It is stored, and changes the kind of no minute."""

    at: datetime
    says: State


class Presence(StrEnum):
    """What is known of a minute at this computer. A minute of which nothing is known has none of these."""

    USED = "used"
    """There was input at this computer, by its user."""
    IDLE = "idle"
    """There was none."""
    LOCKED = "locked"
    """The screen was locked."""


class Desk(StrEnum):
    """How the user works at this computer; OFF means that hipsync does not ask it whether it is used."""

    SITTING = "sitting"
    STANDING = "standing"
    OFF = "off"


class DeskTime(NamedTuple):
    """A time `[at, until)` at which the user worked standing at this computer."""

    at: datetime
    until: datetime


class PresenceSpan(NamedTuple):
    """Whole minutes `[start, until)` of one kind at this computer."""

    start: datetime
    until: datetime
    presence: Presence


class Outing(StrEnum):
    """What a person plans to do, for which the hips are to be warm."""

    RUN = "run"
    WALK = "walk"
    GYM = "gym"


class Plan(NamedTuple):
    """The person means to go for an outing at one time of day, on some days of every week."""

    number: int
    """hipsync's own number for it, by which it is named on the command line."""
    outing: Outing
    days: tuple[int, ...]
    """The weekdays in order, Monday being 0."""
    clock: time
    """When it begins, in local time wherever the person is."""
    skipped: date | None = None
    """The local date on which it is left out once; None if there is none."""


class Trial(NamedTuple):
    """A trial of whether reminders help: from `since` on, some that are due are withheld, drawn by this seed."""

    since: datetime
    seed: str


class Draw(NamedTuple):
    """What was drawn for one due reminder of a trial. Each sitting stretch is drawn for at most once."""

    start: datetime
    """The start of the stretch, as it was known then."""
    at: datetime
    """When the reminder was shown, or would have been."""
    due: datetime
    withheld: bool


class Exercise(NamedTuple):
    """An exercise that the person did."""

    at: datetime
    name: str
    how: str
    """What led to it: guided, prompt or manual."""
    hurt: bool = False


class Trouble(StrEnum):
    """A trouble with a band that its wearer can mend."""

    BATTERY = "battery"
    NO_DATA = "no data"
    REFUSED = "refused"
    """The band does not accept hipsync's key."""


class Remark(NamedTuple):
    """One line to the wearer about a band that needs something."""

    band: BandId
    what: Trouble
    text: str
    """What to do, in one line."""


class ZoneChange(NamedTuple):
    """The host is in this time zone (an IANA name) from this instant on."""

    since: datetime
    zone: str


class Band(NamedTuple):
    """A paired band, or the source of an import."""

    id: BandId
    name: str
    driver: str
    """The key of the driver for its kind of band, also for an import from Gadgetbridge; `csv` for other imports."""
    address: str | None
    """Its Bluetooth address on this host; None for an import, and for a band that was unpaired."""
    advertised_name: str
    simulated: bool
    vouches: bool
    """Whether all its minutes are believed to be a person's; else only those near a heart rate or a word of its own."""
    reports_wear: bool
    """Whether it says itself when it is not worn."""
    added: datetime
    abilities: "Abilities | None" = None
    """What this band was found to do when it was last connected; None if that is not known, so that it counts as its
    family."""
    identity: str | None = None
    """By what each computer knows it again: the address at which it was paired, in capitals, form and source of an
    import, or the name that it had first. None for a simulated band."""


class Sync(NamedTuple):
    """One attempt to reach a band, `[started, ended]`."""

    started: datetime
    ended: datetime
    epochs: int
    """How many epochs it brought that were new."""
    error: str | None
    """Why it failed, in one line; None if it succeeded."""
