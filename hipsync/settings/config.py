"""The user's settings, each with its default and the reason for it.

`Config` holds values and knows no file: `file` reads and writes the user's TOML, and `values` reads one value. The
settings of the sitting rule and of the prompts are the same `Rule` and `Policy` that `hipsync.core` judges by, so a
setting keeps one name throughout. The figures come from a comparison of the rule with thigh-worn posture sensors on 11
people. `hipsync today` imports this module, so it imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from hipsync.core.bouts import Rule
from hipsync.core.goals import Goals
from hipsync.core.policy import BandText, Policy, Windows

if TYPE_CHECKING:
    from hipsync.core.exercises import Move

_MONDAY_TO_FRIDAY: Windows = ((time(8), time(22)),)
_WEEKEND: Windows = ((time(9), time(22)),)
_RULE = Rule()
_GOALS = Goals()
_POLICY = Policy(
    limit_minutes=_RULE.limit_minutes,
    repeat_minutes=None,
    early_minutes=10,
    hours={**dict.fromkeys(range(5), _MONDAY_TO_FRIDAY), **dict.fromkeys((5, 6), _WEEKEND)},
    lunch=((time(12, 30), time(13, 30)),),
    stronger=True,
)


class Share(StrEnum):
    """What this computer tells by the broker."""

    STATE = "state"
    """How things are now, for Home Assistant."""
    EVERYTHING = "everything"
    """All that is stored of the last weeks, too, for the wearer's other computers."""


class Mqtt(NamedTuple):
    """The broker by which Home Assistant hears what hipsync knows, and answers: the table `[mqtt]`."""

    host: str = ""
    """The broker's name or address. Empty, and so off, by default: nothing leaves this computer unasked."""
    port: int = 8883
    """8883, which is registered for MQTT over TLS; without TLS brokers listen at 1883."""
    tls: bool = True
    """Whether the connection is encrypted, and the broker proves its name. On, because a home network has many ears."""
    ca: str = ""
    """The path of a file with the certificate that signed the broker's. Empty for what the system trusts."""
    user: str = ""
    """The name to log in with; empty for none."""
    password_file: str = ""
    """The path of a file whose first line is the password. Only its owner may be able to read it. Empty for systemd's
    credential `mqtt-password`, or none. The password itself is no setting, because settings are shown."""
    wearer: str = ""
    """The name by which topics and entities are called. Empty for the name of this account. The history that Home
    Assistant keeps hangs on it, so it is better not changed, and the same on all computers of one wearer."""
    prefix: str = "homeassistant"
    """Where Home Assistant looks for devices; its own default."""
    share: Share = Share.STATE
    """What is told. Only how things are now, by default: the minutes of weeks leave this computer only if asked for."""

    @property
    def is_shared(self) -> bool:
        """Whether everything is shared with the wearer's other computers."""
        return bool(self.host) and self.share is Share.EVERYTHING


_MQTT = Mqtt()


class Proxy(NamedTuple):
    """An ESPHome Bluetooth proxy in another room, by which bands are reached, too: a table `[[radio.proxies]]`."""

    host: str
    """Its name or address in the network."""
    name: str = ""
    """What it is called in messages, mostly the room; empty for `host`."""
    port: int = 6053
    """6053, at which ESPHome listens unless its own configuration says otherwise."""
    key_file: str = ""
    """The path of a file with its encryption key, as in ESPHome's `api: encryption: key:`. Only its owner may be able
    to read it. Empty for a proxy that does not encrypt. The key itself is no setting, because settings are shown."""
    bands: tuple[str, ...] = ()
    """Addresses of bands that are reached by this proxy alone. A band that wants a bond needs that, because the bond
    lies in the one proxy that made it."""

    @property
    def called(self) -> str:
        """What messages call it."""
        return self.name or self.host


class Fleet(NamedTuple):
    """The Postgres in which what many wearers' bands reported comes together: the table `[fleet]`."""

    dsn: str = ""
    """How libpq is told where it is, such as `service=fleet`, without a password. Empty for what libpq's environment
    names, or none: nothing leaves this computer but by a command that says so."""


_FLEET = Fleet()


class Gateway(NamedTuple):
    """What `hipsync gateway run` does besides collecting: the table `[gateway]`."""

    prompt: bool = False
    """Whether it reminds, as `hipsync run` does, because all bands are of one wearer. Off, because the minutes of
    several wearers are nobody's day, and a ward needs no reminder on the screen of the computer in its cupboard."""
    share: bool = False
    """Whether, with `prompt`, it shares everything with the wearer's other computers, by the fleet's database. Off,
    because that holds more than what is shipped: reminders and answers, the names and the addresses of bands."""
    ship_minutes: int = 60
    """After how many minutes it ships again, as `hipsync fleet ship` does, if a fleet's database is named; 0 for never.
    An hour, because most bands are contacted every few hours."""

    @property
    def is_shared(self) -> bool:
        """Whether everything is shared with the wearer's other computers, by the fleet's database."""
        return self.prompt and self.share


_GATEWAY = Gateway()


@dataclass(frozen=True, slots=True)
class Config:
    """The user's settings. Those of the sitting rule are in `rule`, and those that limit prompts are in `policy`."""

    rule: Rule = _RULE
    """What ends a sitting stretch, and how long one may last: the table `[sitting]`.

    - `limit_minutes`: 60, because the osteopath advises getting up at least once an hour. With the other defaults,
      prompts have a precision of 0.84 and a recall of 0.80 against measured posture.
    - `break_steps`: 20. Any number from 15 to 30 does equally well. Fewer steps are movements of the arm, during which
      the heart rate rises by only 0.4 beats a minute. A higher number misses short walks.
    - `break_window_minutes`: 5. The `break_steps` must be taken within this time, so that "you walked" is true.
    - `moves`: 3. This many minutes with any step, out of the last 15, end a stretch too ("you kept moving a little").
      That raises the F1 score by 0.033; 0 turns it off.
    - `desk`: sitting. Whether the user sits or stands at this computer. With off, the computer is not asked once a
      minute whether it is used. Most desks are for sitting.
    - `trust_posture`: off. Whether a posture that the band itself reports ends a stretch, waives stray steps and
      decides what counts as sitting. That raises the F1 score from 0.80 to 0.91 if the reports are right, but does
      harm if they miss a tenth: so only for a sensor on the thigh, or a band that was proven to know.
    """
    policy: Policy = _POLICY
    """When to prompt: the rule's limit, and seven keys in the table `[prompts]`.

    - `limit_minutes`: the same as `limit_minutes` in `rule`; it has no key of its own.
    - `repeat_minutes`: off. The minutes from one prompt to the next in the same stretch; off means one prompt for each
      stretch. When wear and sleep were ignored, hourly repeats made 8.3 false prompts a day.
    - `early_minutes`: 10, the key `early`. How much before the limit a prompt may be shown at a natural pause, such as
      the end of a call, so that it interrupts less. It needs a computer that says when it is used.
    - `hold`: a call, a full screen, do-not-disturb. What keeps a prompt off the screen until it ends; a band vibrates.
    - `hours`: 8 to 22 from Monday to Friday, 9 to 22 at the weekend. The local times at which prompts are allowed; a
      prompt that falls due outside them is dropped.
    - `lunch`: 12:30 to 13:30, as in Huami's own inactivity alert. Local times without prompts; a prompt that falls due
      then is dropped.
    - `most_per_day`: off. The most reminders a day; a second showing is none of its own. Off by default, because each
      hour of sitting counts, and `lunch`, `hours` and pauses are the better tools.
    - `stronger`: on. Whether an ignored prompt is shown once more if there has been a sign of life since. So the first
      prompt can be gentle.
    """
    activitywatch: bool = False
    """Whether ActivityWatch on this computer is asked when input came last, if the desktop does not say. Off by
    default, because it needs a network socket."""

    snooze: timedelta = timedelta(minutes=10)
    """How long a snoozed prompt waits: long enough for a coffee or the end of a call. Unanswered ones wait as long."""
    desktop: bool = True
    """Whether prompts appear as desktop notifications. On by default, because most sitting is done at a desk."""
    band: bool = True
    """Whether prompts make the band vibrate. On by default, because the wrist is nearer than the screen."""
    band_text: BandText = BandText.NEUTRAL
    """What the band shows while it vibrates, if it can show text. Neutral by default, because others see a wrist too;
    the exercise is named on the screen."""
    command: tuple[str, ...] = ()
    """A program and its arguments, run for each prompt, which it receives as JSON. Empty for none."""

    adapt: bool = True
    """Whether hipsync learns from how reminders are followed: quiet ones in hours in which hardly any is, and a walk
    suggested after a week in which few were. On by default: what is learned only makes reminders gentler."""
    trial: float = 0.0
    """The share of due reminders that are withheld, to find out whether reminders help; 0 is off. Off by default,
    because it costs reminders; `hipsync trial start` sets 0.1, so that nine in ten still come."""

    goals: Goals = _GOALS
    """What a good day is: the table `[goals]`. They are shown and nothing else; no reminder depends on them."""

    day_start: time = time(0)
    """The local time at which a day begins. A night worker may want it later than midnight."""

    at_most_every: timedelta = timedelta(minutes=10)
    """The shortest time between two contacts with a band that no prompt needs. Bands have small batteries."""
    at_least_every: timedelta = timedelta(hours=4)
    """The longest time between two contacts with a band in reach, even while no prompt is near. It bounds the age of
    every figure."""
    erase: bool = False
    """Whether a band is made to delete what hipsync has stored. Off by default: other apps can then still fetch it."""

    adapter: str = ""
    """The Bluetooth adapter to use, by its name (hci0) or its address, which stays when names change. Empty for all
    that are on: a band may be in reach of one alone."""
    local: bool = True
    """Whether this computer's own Bluetooth is used. On by default; off is for a computer that has none, with proxies
    in its place."""
    proxies: tuple[Proxy, ...] = ()
    """Bluetooth proxies in other rooms, each from one table `[[radio.proxies]]`. None by default: nothing goes through
    the network unasked."""

    exercises: tuple[str, ...] = ("hip-extension", "hip-flexor-stretch", "hip-rotation")
    """Names or tags of the exercises that take turns. The defaults restore what sitting takes from the hips: extension
    and rotation."""
    avoid: tuple[str, ...] = ()
    """Names or tags of exercises that are never shown, such as internal-rotation after a hip replacement."""
    own: tuple[Move, ...] = ()
    """The user's own exercises, each from one table `[[exercises.own]]`. `exercises` and `avoid` can name them."""
    morning: bool = True
    """Whether there is a prompt at the first movement after a night's sleep. The hips were bent for hours then."""

    mqtt: Mqtt = _MQTT
    """The broker of the home: the table `[mqtt]`."""
    fleet: Fleet = _FLEET
    """The database of many wearers: the table `[fleet]`."""
    gateway: Gateway = _GATEWAY
    """What a gateway does besides collecting: the table `[gateway]`."""

    therapist_name: str = ""
    """The therapist whom `hipsync done --hurt` names, with telephone number and web page. Empty by default,
    because hipsync recommends nobody of its own accord."""
    therapist_phone: str = ""
    """The therapist's telephone number, as it is dialled; empty for none."""
    therapist_url: str = ""
    """The web page for making an appointment with the therapist; empty for none."""
