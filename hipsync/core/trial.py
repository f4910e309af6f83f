"""A trial of whether reminders help: which reminders are withheld, and who broke off with and without one.

Of the reminders for sitting that are due, a share is withheld, drawn at random. A withheld reminder is shown nowhere,
and nothing else is shown in its stretch. Whether its wearer broke off all the same is found in the data, as it is for
those that were shown. So the two groups differ by chance and by the reminder alone. See docs/rule.md, "Does it help?".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.bouts import Bouts
from hipsync.core.prompting import Due, Quiet, Reason, prompts_for
from hipsync.core.shares import Share
from hipsync.core.timeline import ASLEEP, MISSING, NOT_WORN, Timeline, instant_of, minute_of
from hipsync.instants import latest
from hipsync.model import MINUTE, Draw, Prompt, Stretch, Trial

BROKE_OFF_WITHIN = timedelta(minutes=15)
"""A break that begins this soon after a reminder, or after the moment of a withheld one, counts as breaking off."""
_UNTOLD = bytes([MISSING, NOT_WORN, ASLEEP])
"""The codes of minutes that say nothing of whether somebody got up because of a reminder."""


def withholds(seed: str, start: datetime, share: float) -> bool:
    """Whether the reminder for the stretch that begins at `start` is withheld; `share` of all are.

    It depends on nothing else, so a restart, a crash or a second look draws the same.
    """
    from hashlib import sha256

    digest = sha256(f"{seed} {minute_of(start)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def next_draw(
    judged: Due | Quiet,
    found: Bouts,
    prompts: Sequence[Prompt],
    draws: Sequence[Draw],
    trial: Trial | None,
    share: float,
    now: datetime,
) -> Draw | None:
    """What is drawn now for a reminder that is due and for whose stretch nothing was drawn or shown yet.

    `judged` is the verdict on the running stretch. None if nothing is to be drawn, as without a trial.
    """
    if trial is None or not share or not isinstance(judged, Due) or judged.again is not None:
        return None
    stretch = found.stretches[-1]
    if prompts_for(stretch, prompts, now) or _draws_for(stretch, draws, now):
        return None
    return Draw(stretch.start, now, judged.due, withholds(trial.seed, stretch.start, share))


def unless_withheld(judged: Due | Quiet, found: Bouts, draws: Sequence[Draw], now: datetime) -> Due | Quiet:
    """The verdict on the running stretch; a `Quiet` in the place of what is due if its reminder was withheld.

    `draws` are all so far, in order of time. Late data can join two stretches, each with a draw: the later one counts.
    """
    if isinstance(judged, Quiet):
        return judged
    last = _draws_for(found.stretches[-1], draws, now)[-1:]
    return Quiet(Reason.WITHHELD) if any(draw.withheld for draw in last) else judged


def _draws_for(stretch: Stretch, draws: Sequence[Draw], now: datetime) -> list[Draw]:
    """Those of the draws, in order of time, that were made for this stretch, or for a part of it."""
    return [draw for draw in draws if stretch.start < draw.due <= latest(now)]


class Compared(NamedTuple):
    """Who broke off after the reminders of a trial, and who broke off without one."""

    reminded: Share
    withheld: Share
    left_out: int
    """How many draws count on neither side, because what was done in their 15 minutes is not known."""


def broke_off(draw: Draw, line: Timeline, breaks: Iterable[datetime]) -> bool | None:
    """Whether a break began within `BROKE_OFF_WITHIN` after a draw; None if that is not known.

    The time is counted in whole minutes, from the minute of the draw on. `breaks` are the starts of all breaks on the
    timeline, in order. It is not known if a minute before the break, or before the end of that time, is missing, not
    worn or asleep; or if the stretch was over when it was drawn, which late data show.
    """
    first = minute_of(draw.at)
    last = first + BROKE_OFF_WITHIN // MINUTE
    began = next((each for each in breaks if min(draw.due, instant_of(first)) <= each < instant_of(last)), None)
    if began is not None:
        last = minute_of(began)
    codes = line.code[max(first - line.first, 0) : max(last - line.first, 0)]
    if not line.first <= first <= last or len(codes) < last - first or any(code in _UNTOLD for code in codes):
        return None
    return began is not None


def compared(draws: Sequence[Draw], outcomes: Sequence[bool | None]) -> Compared:
    """Count the outcomes of draws, as `broke_off` gives them, on either side."""
    sides: dict[bool, list[bool]] = {False: [], True: []}
    for draw, outcome in zip(draws, outcomes, strict=True):
        if outcome is not None:
            sides[draw.withheld].append(outcome)
    reminded, withheld = (Share(sum(sides[side]), len(sides[side])) for side in (False, True))
    return Compared(reminded, withheld, len(draws) - reminded.of - withheld.of)
