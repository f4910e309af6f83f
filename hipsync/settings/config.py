"""What can be set, each setting with its default and the reason for it.

`Config` has values and knows no file: `file` reads and writes the user's TOML, `values` reads one value. The settings
of the sitting rule and of the prompts are the very `Rule` and `Policy` that `hipsync.core` judges by, so that a setting
has one name from the file to the judgement. The figures come from a comparison of the rule with thigh-worn posture
sensors on 11 people. `hipsync today` imports this module, so it imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING

from hipsync.core.bouts import Rule
from hipsync.core.policy import Policy, Windows

if TYPE_CHECKING:
    from hipsync.core.exercises import Move

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days of a week by their number: Monday is 0."""
_MONDAY_TO_FRIDAY: Windows = ((time(8), time(22)),)
_WEEKEND: Windows = ((time(9), time(22)),)
_RULE = Rule(limit_minutes=60, break_steps=20, break_window_minutes=5, moves=3, trust_posture=False)
_POLICY = Policy(
    limit_minutes=_RULE.limit_minutes,
    repeat_minutes=None,
    hours={**dict.fromkeys(range(5), _MONDAY_TO_FRIDAY), **dict.fromkeys((5, 6), _WEEKEND)},
    lunch=((time(12, 30), time(13, 30)),),
    stronger=True,
)


@dataclass(frozen=True, slots=True)
class Config:
    """The user's settings. Those of the sitting rule are in `rule`, those of when to prompt in `policy`."""

    rule: Rule = _RULE
    """What ends a sitting stretch, and how long one may be: the table `[sitting]`.

    - `limit_minutes`: 60, for the osteopath's advice is to get up at least that often. With the other defaults, prompts
      have a precision of 0.84 and a recall of 0.80 against measured posture.
    - `break_steps`: 20. Any number from 15 to 30 does as well. Fewer steps are movements of the arm, during which the
      heart rate rises by only 0.4 beats a minute; a higher number misses short walks.
    - `break_window_minutes`: Those steps must be taken within 5, so that "you walked" is true.
    - `moves`: 3 of the last 15 minutes with any step end a stretch too ("you kept moving a little"). This raises the
      F1 score by 0.033; 0 turns it off.
    - `trust_posture`: off. Whether a band's own report of standing ends a stretch; no data show yet that such reports
      are better than steps.
    """
    policy: Policy = _POLICY
    """When to prompt: the rule's limit, and four keys of the table `[prompts]`.

    - `limit_minutes`: the same as the rule's, without a key of its own.
    - `repeat_minutes`: from one prompt of a stretch to the next. Off, so that there is one a stretch; repeats made 8.3
      false prompts a day where wear and sleep were ignored.
    - `hours`: local times. 8 to 22 from Monday to Friday, 9 to 22 at the weekend; a prompt that falls due outside them
      is dropped.
    - `lunch`: local times without prompts; what falls due then is dropped. 12:30 to 13:30, as Huami's own inactivity
      alert has it.
    - `stronger`: on. An ignored prompt is shown once more if there was a sign of life since: the first can be gentle.
    """
    snooze: timedelta = timedelta(minutes=10)
    """How long a snoozed prompt waits: a coffee, the end of a call. An unanswered prompt waits as long."""
    desktop: bool = True
    """Whether prompts appear as notices on the desktop, where most sitting is done."""
    band: bool = True
    """Whether prompts buzz the band: the wrist is nearer than the screen."""
    command: tuple[str, ...] = ()
    """A program and its arguments; it is run for each prompt and gets it as JSON. Empty for none."""

    day_start: time = time(0)
    """The local time at which a day begins; for a night worker it may be later than midnight."""

    at_most_every: timedelta = timedelta(minutes=10)
    """The shortest time between two contacts with a band that no prompt needs: bands have small batteries."""
    at_least_every: timedelta = timedelta(hours=4)
    """The longest time between two contacts with a band, also while no prompt is near; no figure is older than this."""
    erase: bool = False
    """Whether a band is made to delete what hipsync has stored; off, so that other apps can still fetch it."""

    exercises: tuple[str, ...] = ("hip-extension", "hip-flexor-stretch", "hip-rotation")
    """Names or tags of the exercises that take turns. The defaults give back what sitting takes from the hips:
    extension and rotation."""
    avoid: tuple[str, ...] = ()
    """Names or tags of exercises never to show, such as internal-rotation after a hip replacement."""
    own: tuple[Move, ...] = ()
    """The user's own exercises, one table `[[exercises.own]]` each; `exercises` and `avoid` can name them."""
    morning: bool = True
    """Whether there is a prompt at the first movement after a night's sleep, in which the hips were bent for hours."""

    therapist_name: str = ""
    """Whom `hipsync done --hurt` names, with phone and address; empty, for hipsync recommends nobody by itself."""
    therapist_phone: str = ""
    """The therapist's telephone number, as one would dial it."""
    therapist_url: str = ""
    """The web page on which to make an appointment with the therapist."""
