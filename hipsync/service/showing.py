"""Shows a prompt that is due: with which exercise, on which bands, how loudly; and stores where it was shown.

When something is due is decided elsewhere (`hipsync.service.plan`). A prompt is stored before it is shown, so that a
crash can repeat none. One that a band vibrated for while a notice had to wait is owed as a notice.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.exercises import Move, names_for, next_exercise, warm_up, wrist_name
from hipsync.core.followed import is_quiet
from hipsync.core.policy import BandText
from hipsync.core.prompting import Due
from hipsync.core.speaking import Here
from hipsync.driver import Message
from hipsync.errors import ConfigError, DeviceError
from hipsync.history.learned import learned_by
from hipsync.model import Occasion, Prompt, Where
from hipsync.service.answers import answer_prompt
from hipsync.service.contact import Talk
from hipsync.service.state import State
from hipsync.store import Store

log = logging.getLogger(__name__)

LOOK_BACK_FOR_EXERCISES = timedelta(days=7)
"""The next exercise differs from those of this much of the past, if there are enough exercises."""
WALK_FIRST = "Walk for two minutes first."
"""What a reminder suggests before its exercise. In HeartSteps (Klasnja 2019), suggestions to walk raised steps by 24 %;
for calls merely to stop sitting no effect could be shown."""

SHORT_WALK = "Short walk"
"""The name of `WALK_FIRST` on a wrist."""
NEUTRAL = "Time to move"
"""What a wrist shows where it names no exercise."""

Deliver = Callable[[Prompt, Move, bool], Awaitable[Sequence[Where]]]
"""Shows a prompt everywhere but on the band (strongly, if the last argument is true), and returns the places where it
was truly shown."""


class Manner(NamedTuple):
    """How a prompt is shown."""

    strong: bool
    quiet: bool = False
    """Whether it is given on the band alone, or without a band that vibrates as a notice without sound; then it is not
    a strong one, either."""
    walk: bool = False
    """Whether it suggests a short walk first."""
    band_first: bool = False
    """Whether it is shown elsewhere only if no band vibrated, because nobody is at this computer."""
    waits: bool = False
    """Whether it is shown nowhere else for now, even if no band vibrated."""


def on_wrist(move: Move, wanted: BandText, *, walk: bool) -> str:
    """What a band shows for a prompt, at most 20 characters; with `walk`, what comes first is a short walk."""
    if wanted is BandText.NEUTRAL:
        return NEUTRAL
    return SHORT_WALK if walk else wrist_name(move) or NEUTRAL


class Showing:
    """Shows prompts, and knows which of them are owed as a notice."""

    def __init__(self, store: Store, deliver: Deliver, deliver_quietly: Deliver, now: Callable[[], datetime]) -> None:
        """`deliver_quietly` is like `deliver`, but without a sound."""
        self._store, self._deliver, self._deliver_quietly, self._now = store, deliver, deliver_quietly, now
        self.owed: set[datetime] = set()
        """When prompts fell due that were shown on a band, and are still to be shown as a notice."""

    def to_show(self, state: State, talks: Sequence[Talk]) -> Due | None:
        """The prompt to show now, if any; what is held is one if a band of `talks` can vibrate for it."""
        if state.held is None:
            return state.due()
        can_vibrate = any(talk.dialogue.can_nudge for talk in talks)
        return state.held if state.settings.band and can_vibrate else None

    async def show(self, due: Due, state: State, now: datetime, talks: Sequence[Talk]) -> None:
        """Store a prompt that is due at `now`, show it, then store where it was shown.

        One that was answered since `state` was made is not shown.

        Raises `ConfigError` if no exercise is left for it, and `StoreError`.
        """
        manner = self._manner(due, state, now)
        move = self._move(due, state, manner)
        if (prompt := self._begun(due, state, now, move.name)) is None:
            return
        where = await self._present(prompt, move, talks, manner, state)
        self._note_shown(prompt, where)
        self.owed.discard(prompt.due)  # a second showing pays what the first one owed
        busy = state.here is not None and state.here.busy is not None
        if manner.waits and (not where or (busy and not manner.quiet)):
            self.owed.add(prompt.due)

    async def show_owed(self, prompt: Prompt, state: State, now: datetime) -> None:
        """Show a prompt as a notice, which it is owed, unless it is answered by now. Raises what `show` does."""
        self.owed.discard(prompt.due)
        fresh = self._store.prompt(prompt)
        if fresh.answer is not None:
            return
        due = Due(prompt.due, prompt.sure, again=prompt, occasion=prompt.occasion)
        manner = self._manner(due, state, now)
        move = self._move(due, state, manner)
        self._store.update_prompt(fresh._replace(last_shown=now))
        self._note_shown(prompt, await self._present(prompt, move, (), manner, state))

    def _begun(self, due: Due, state: State, now: datetime, exercise: str) -> Prompt | None:
        """Store that a prompt begins to be shown now, with what a trial drew for a new one, and return it.

        None if it was answered meanwhile, here or on another computer.
        """
        if due.again is not None:
            with self._store.transaction():
                fresh = self._store.prompt(due.again)
                if (fresh.answer, fresh.answered_at) != (due.again.answer, due.again.answered_at):
                    return None
                again = fresh._replace(shown=fresh.shown + 1, last_shown=now, answer=None, answered_at=None)
                self._store.update_prompt(again)
            return again
        host = state.settings.host
        new = Prompt(now, due.due, exercise, due.sure, last_shown=now, occasion=due.occasion, host=host)
        if due.occasion is Occasion.SITTING:
            new = new._replace(sitting_minutes=state.seen.found.age)
        with self._store.transaction():
            if state.draw is not None:
                self._store.add_draw(state.draw._replace(at=now))
            stored = self._store.add_prompt(new)
        return stored if stored.answer is None else None

    def _note_shown(self, prompt: Prompt, where: Sequence[Where]) -> None:
        """Store where a prompt was shown just now, in addition to where it was before."""
        with self._store.transaction():
            fresh = self._store.prompt(prompt)  # an answer may have come in meanwhile
            self._store.update_prompt(fresh._replace(where=tuple(dict.fromkeys([*fresh.where, *where]))))

    def _manner(self, due: Due, state: State, now: datetime) -> Manner:
        """How to show a prompt, by who is at this computer, by the settings, and by what was learned of earlier ones.

        Raises `StoreError`.
        """
        here = state.here or Here()
        waits = here.obstacle is not None
        manner = Manner(due.strong, band_first=waits or here.is_away, waits=waits)
        if not state.settings.adapt or due.occasion is not Occasion.SITTING:
            return manner
        known, local = learned_by(self._store, state.settings.rule, state.zones, now), state.zones.local(now)
        quiet = is_quiet(known.hours, (local.weekday(), local.hour))
        before = self._store.count_prompts(Occasion.SITTING, now if due.again is None else due.again.at)
        return manner._replace(quiet=quiet, walk=known.suggests_walks and before % 2 == 1)

    async def _present(
        self, prompt: Prompt, move: Move, talks: Sequence[Talk], manner: Manner, state: State
    ) -> list[Where]:
        """Show a prompt, and return where it was shown. A quiet one is a notice only if no band vibrated."""
        strong = manner.strong and not manner.quiet
        message = Message(on_wrist(move, state.settings.band_text, walk=manner.walk), "", strong=strong)
        if not state.settings.band:
            talks = ()
        if manner.quiet or manner.band_first:
            if await self._nudge(prompt, message, talks, state):
                return [Where.BAND]
            talks = ()  # they were tried
        if manner.waits:
            return []
        deliver = self._deliver_quietly if manner.quiet else self._deliver
        where = list(await deliver(prompt, move, strong))
        if await self._nudge(prompt, message, talks, state):
            where.append(Where.BAND)
        return where

    async def _nudge(self, prompt: Prompt, message: Message, talks: Sequence[Talk], state: State) -> bool:
        """Show a prompt on each of these bands that can vibrate, store its answer, and return whether any vibrated."""
        felt = False
        for talk in talks:
            if talk.dialogue.can_nudge:
                try:
                    answer = await talk.dialogue.nudge(message)
                except DeviceError as error:
                    log.warning("%s: it could not be buzzed: %s", talk.band.name, error)
                else:
                    felt = True
                    if answer is not None:
                        answer_prompt(self._store, prompt, answer, self._now(), state.settings.snooze)
        return felt

    def _move(self, due: Due, state: State, manner: Manner) -> Move:
        """The exercise for a prompt; its line says since when the wearer sits, and what to do before it.

        Raises `ConfigError` if every exercise for it is avoided or has hurt.
        """
        settings, hurt = state.settings, self._store.hurt()
        if due.occasion is Occasion.WARM_UP:
            move = warm_up(settings.avoid, hurt, settings.own)
        else:
            done = [each.exercise for each in self._store.prompts(due.due - LOOK_BACK_FOR_EXERCISES, due.due)]
            names = names_for(due.occasion, settings.exercises, settings.own)
            move = next_exercise(names, settings.avoid, done, hurt, settings.own)
        if move is None:
            raise ConfigError("no exercise is left: every one of exercises.set is avoided or has hurt")
        found = state.known.found
        sat = due.occasion is Occasion.SITTING and found.age > 0
        since = f"Sitting since {state.zones.local(found.stretches[-1].start):%H:%M}." if sat else ""
        return move._replace(line=" ".join(filter(None, (since, WALK_FIRST if manner.walk else "", move.line))))
