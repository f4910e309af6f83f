"""Collecting and judging, wired together.

`plan.next_wake(state, now)` says when something has to happen next, and `Service.wake(now)` does it; between them they
hold every decision. The scheduler of `hipsync run` and the fast clock of the demo loop over the same two. How a band is
contacted is for `contact`, and how one is stayed connected to is for `live`. The one rule: collecting and judging meet
only in the store, so that a dead radio delays data and never the verdict on what is known.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.core.band_troubles import SILENT, remarks_due
from hipsync.core.exercises import Move, names_for, next_exercise, warm_up
from hipsync.core.followed import is_quiet
from hipsync.core.prompting import Due, outcome
from hipsync.core.timeline import instant_of
from hipsync.driver import Driver, Message
from hipsync.errors import BluetoothUnavailable, ConfigError, Damaged, DeviceError
from hipsync.history.learned import learned_by
from hipsync.model import Band, BandId, Draw, Occasion, Prompt, Remark, Trial, Trouble, Where
from hipsync.service.answers import answer_prompt
from hipsync.service.band_facts import facts_of
from hipsync.service.clock_steps import MOST_TOLD, Step
from hipsync.service.contact import Connector, Radio, Talk, Tries, Visits
from hipsync.service.live import LiveBands
from hipsync.service.plan import (
    LISTEN_SELDOM,
    LastTry,
    Settings,
    State,
    backup_due,
    contact_at,
    contacts_of,
    listens,
    live_kinds,
    state_of,
    zones_of,
)
from hipsync.store import Store
from hipsync.store.checked import last_check

log = logging.getLogger(__name__)

JUDGE_WITHIN = timedelta(seconds=90)
"""How long a wake waits for its bands. Then it judges what is known, even if a band has not sent everything yet."""
LOOK_BACK_FOR_EXERCISES = timedelta(days=7)
"""The next exercise differs from those of this much of the past, if there are enough exercises."""

LONG_STEP = timedelta(hours=1)
"""A clock that was put forward by less shortens the day after which a silent band is remarked on, and that is no
matter."""

Deliver = Callable[[Prompt, Move, bool], Awaitable[Sequence[Where]]]
"""Shows a prompt everywhere but on the band (strongly, if the last argument is true), and returns the places where it
was truly shown."""


WALK_FIRST = "Walk for two minutes first."
"""What a reminder suggests before its exercise. In HeartSteps (Klasnja 2019), suggestions to walk raised steps by 24 %;
for calls merely to stop sitting no effect could be shown."""


class Manner(NamedTuple):
    """How a prompt is shown."""

    strong: bool
    quiet: bool = False
    """Whether it is given on the band alone, or without a band that vibrates as a notice without sound; then it is not
    a strong one, either."""
    walk: bool = False
    """Whether it suggests a short walk first."""


class Fetched(NamedTuple):
    """The result of one contact that a person asked for."""

    epochs: int
    history: bool
    """Whether bands of this kind store any epochs."""
    held: bool
    """Whether the service stays connected to this band, so that nothing had to be fetched."""


class Service:
    """Contacts bands when they are due, judges what is stored, and shows prompts. Only one `wake` may run at a time."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        radio: Radio,
        drivers: Mapping[str, Driver],
        secret: Callable[[Band], bytes | None],
        deliver: Deliver,
        now: Callable[[], datetime],
        hear: Callable[[Sequence[Band]], Awaitable[Collection[BandId]]] | None = None,
        show_remark: Callable[[Remark], Awaitable[object]] | None = None,
        show_damage: Callable[[], Awaitable[object]] | None = None,
        passed: Callable[[], float] | None = None,
        store_presence: Callable[[], None] | None = None,
        deliver_quietly: Deliver | None = None,
    ) -> None:
        """`deliver_quietly` is as `deliver`, without a sound; without it, `deliver` does that too.

        `hear` returns which of the given bands are in reach now; without it, a band that went away is only retried.

        `show_remark` shows a remark on a band, such as a low battery; without it no remark is made.
        `show_damage` shows that the database is damaged. `passed` is as in `Clock`; without it, time passes by the
        clock of the event loop, and nobody sets the clock of `now`. `store_presence` stores what is known of the
        computer's use and waits in memory.
        """
        self.store = store
        self.settings = settings
        """May be replaced between two wakes."""
        self._deliver, self._now, self._hear, self._show_remark = deliver, now, hear, show_remark
        self._deliver_quietly = deliver_quietly or deliver
        self._show_damage = show_damage
        self._store_presence = store_presence
        self._damage: str | None = None
        """What is wrong with the database, as it was told last; None if nothing is."""
        self._live_kinds, self._tries = live_kinds(drivers), Tries()
        self._passed = passed or _loop_s
        self._listened_s: float | None = None
        self._skipped: list[Step] = []
        """Times that the clock skipped when it was put forward, in order."""
        self._put_forward_s: float | None = None
        """When the clock was put forward by `LONG_STEP` or more, as `passed` counts."""
        self.connector = Connector(
            store,
            self._tries,
            radio=radio,
            drivers=drivers,
            secret=secret,
            settings=lambda: self.settings,
            now=now,
            passed=passed,
        )
        self.live = LiveBands(store, self.connector, self._tries, self._live_kinds, state=self.state, now=now)

    def state(self, now: datetime) -> State:
        """All that is known at `now`; every decision is based on it. Raises `StoreError`."""
        self.connector.retry_new_keys()
        return state_of(self.store, self.settings, now, self._live_kinds, self._tries.last, self._skipped)

    def clock_was_set(self, step: Step) -> None:
        """Reckon with a step of the computer's clock: in what it skipped nobody sat, and no band was silent.

        What it skipped before passes after all if it is put back. Conversations with live bands begin anew.
        """
        self.live.begin_anew()
        cut = [each._replace(became=min(each.became, step.became)) for each in self._skipped]
        self._skipped = [each for each in cut if each.was < each.became][-MOST_TOLD:]
        if step.became > step.was:
            self._skipped.append(step)
        if step.became - step.was >= LONG_STEP:
            self._put_forward_s = self._passed()

    async def wake(self, now: datetime) -> State:
        """Contact the bands that are due, settle open prompts, show what is due, and return the state after that.

        All bands are contacted at the same time. A band that fails, or whose driver does, is logged and tried again
        later. A contact that takes longer than `JUDGE_WITHIN` goes on in its own task. After a `StoreError` nothing is
        lost.
        """
        self.store.note_zone(now, self.settings.host_zone)
        if self._store_presence is not None:
            self._store_presence()
        if self.settings.trial and self.store.trial(now) is None:
            self.store.add_trial(Trial(now, secrets.token_hex(16)))
        state = self.state(now)
        due = [each for each in state.contacts if not each.live and contact_at(each, state, now) <= now]
        if not due:
            return await self._judge(state, now, ())
        visits = Visits()
        for contacts in due:
            self.connector.visit(contacts, visits)
        try:
            await visits.wait_fetched(JUDGE_WITHIN)
            now = self._now()
            return await self._judge(self.state(now), now, visits.open)
        finally:
            visits.release.set()
            await asyncio.gather(*visits.holding_open, return_exceptions=True)

    async def leave(self) -> None:
        """End all visits and disconnect from all live bands; what they have sent is stored first."""
        await asyncio.gather(self.live.leave(), self.connector.leave())

    async def fetch(self, band: Band, since: datetime | None = None) -> Fetched:
        """Contact a band now, unless the service stays connected to it: such a band sends everything unasked.

        `since` is as for `Connector.talk`. Raises `DeviceError`, `BluetoothUnavailable`, `ConfigError`, `StoreError`.
        """
        if await self.live.talk_with(band) is not None:
            return Fetched(0, history=False, held=True)
        await self.connector.wait_visit(band)
        async with self.connector.talk(band, since) as talk:
            return Fetched(talk.epochs, history=talk.dialogue.driver.abilities.history is not None, held=False)

    async def buzz(self, band: Band) -> None:
        """Make a band vibrate, over the open connection if there is one. Raises what `fetch` raises."""
        message = Message("hipsync", "Here I am", asks=False)
        if (live := await self.live.talk_with(band)) is not None:
            await live.dialogue.nudge(message)
            return
        async with self.connector.talk(band) as talk:
            await talk.dialogue.nudge(message)

    async def _judge(self, state: State, now: datetime, talks: Sequence[Talk]) -> State:
        """Settle open prompts, show what is due, also on the bands of `talks` and live ones; return the new state.

        `state` is the one at `now`, which is also stamped on what is stored: a clock that is put back meanwhile would
        stamp a prompt as shown long before it fell due.
        """
        if self.settle(state, now):
            state = self.state(now)
        if state.draw is not None and state.draw.withheld:
            self.store.add_draw(state.draw)
            state = self.state(now)
        if (due := state.due()) is not None:
            await self._prompt(due, now, [*talks, *self.live.talks()], state.draw)
            state = self.state(self._now())
        await self._remark(state)
        return state

    def settle(self, state: State, now: datetime) -> bool:
        """Store the outcome of each unanswered prompt for which it is known by now; return whether there was any."""
        known = state.seen.line.known_until()
        settled = False
        for prompt in state.said:
            if prompt.answer is None:
                known_until = None if known is None else instant_of(known)
                if (became := outcome(prompt, state.seen.found, known_until, now)) is not None:
                    answer, at = became
                    self.store.update_prompt(prompt._replace(answer=answer, answered_at=at))
                    settled = True
        return settled

    async def _prompt(self, due: Due, now: datetime, talks: Sequence[Talk], draw: Draw | None) -> None:
        """Store a prompt that is due at `now`, with what was drawn for it; show it, then store where it was shown."""
        move, manner = self._move(due), self._manner(due, now)
        if due.again is None:
            with self.store.transaction():
                prompt = self.store.add_prompt(
                    Prompt(now, due.due, move.name, due.sure, last_shown=now, occasion=due.occasion)
                )
                if draw is not None:
                    self.store.add_draw(draw._replace(at=now))
        else:
            prompt = due.again._replace(shown=due.again.shown + 1, last_shown=now, answer=None, answered_at=None)
            self.store.update_prompt(prompt)
        if manner.walk:
            move = replace(move, line=f"{WALK_FIRST} {move.line}")
        where = await self._present(prompt, move, talks, manner)
        fresh = self.store.prompt(prompt)  # an answer may have come in meanwhile
        self.store.update_prompt(fresh._replace(where=tuple(dict.fromkeys([*prompt.where, *where]))))

    def _manner(self, due: Due, now: datetime) -> Manner:
        """How to show a prompt, by the settings and by what was learned of earlier ones. Raises `StoreError`."""
        if not self.settings.adapt or due.occasion is not Occasion.SITTING:
            return Manner(due.strong)
        zones = zones_of(self.store, self.settings)
        known, local = learned_by(self.store, self.settings.rule, zones, now), zones.local(now)
        quiet = is_quiet(known.hours, (local.weekday(), local.hour))
        before = self.store.count_prompts(Occasion.SITTING, now if due.again is None else due.again.at)
        return Manner(due.strong, quiet, known.suggests_walks and before % 2 == 1)

    async def _present(self, prompt: Prompt, move: Move, talks: Sequence[Talk], manner: Manner) -> list[Where]:
        """Show a prompt, and return where it was shown. A quiet one is a notice only if no band vibrated."""
        if manner.quiet:
            if self.settings.band and await self._nudge(prompt, move, talks, strong=False):
                return [Where.BAND]
            return list(await self._deliver_quietly(prompt, move, False))
        where = list(await self._deliver(prompt, move, manner.strong))
        if self.settings.band and await self._nudge(prompt, move, talks, strong=manner.strong):
            where.append(Where.BAND)
        return where

    def _move(self, due: Due) -> Move:
        """The exercise for a prompt. Raises `ConfigError` if every exercise for it is avoided or has hurt."""
        avoid, hurt, own = self.settings.avoid, self.store.hurt(), self.settings.own
        if due.occasion is Occasion.WARM_UP:
            move = warm_up(avoid, hurt, own)
        else:
            done = [prompt.exercise for prompt in self.store.prompts(due.due - LOOK_BACK_FOR_EXERCISES, due.due)]
            move = next_exercise(names_for(due.occasion, self.settings.exercises, own), avoid, done, hurt, own)
        if move is None:
            raise ConfigError("no exercise is left: every one of exercises.set is avoided or has hurt")
        return move

    async def _nudge(self, prompt: Prompt, move: Move, talks: Sequence[Talk], *, strong: bool) -> bool:
        """Show a prompt on each of these bands that can vibrate, store its answer, and return whether any vibrated."""
        message = Message("Time to move", move.title, strong=strong)
        felt = False
        for talk in talks:
            if talk.dialogue.driver.nudge is not None:
                try:
                    answer = await talk.dialogue.nudge(message)
                except DeviceError as error:
                    log.warning("%s: it could not be buzzed: %s", talk.band.name, error)
                else:
                    felt = True
                    if answer is not None:
                        answer_prompt(self.store, prompt, answer, self._now(), self.settings.snooze)
        return felt

    async def _remark(self, state: State) -> None:
        """Store and show each remark that is due on what is wrong with a band, so that it is shown only once."""
        if self._show_remark is None:
            return
        now = self._now()
        due = remarks_due(
            facts_of(self.store, state.contacts, now), state.settings.policy, state.zones, now, self.store.pause(now)
        )
        silent_s = SILENT.total_seconds()
        if self._put_forward_s is not None and self._passed() - self._put_forward_s < silent_s:
            due = [remark for remark in due if remark.what is not Trouble.NO_DATA]
        for remark in due:
            self.store.add_remark(remark, now)
            log.warning("%s", remark.text)
            await self._show_remark(remark)

    async def listen(self) -> bool:
        """Listen for bands that went away, and return whether one is in reach again. It is then due at once."""
        now = self._now()
        contacts = contacts_of(self.store, self._live_kinds, self._tries.last, now)
        passed = self._passed()
        waited = LISTEN_SELDOM if self._listened_s is None else timedelta(seconds=passed - self._listened_s)
        away = [each.band for each in contacts if listens(each, waited, now)]
        if self._hear is None or not away:
            return False
        self._listened_s = passed
        try:
            heard = await self._hear(away)
        except BluetoothUnavailable as error:
            log.debug("no band can be heard: %s", error)
            return False
        back = [
            band for band in away if band.id in heard and self._tries.last.get(band.id, LastTry.AWAY) is LastTry.AWAY
        ]
        for band in back:
            log.info("%s: it is back in reach", band.name)
        self._tries.mark_back(back)
        return bool(back)

    async def backup(self) -> None:
        """Copy the database if that is due, which checks it. What was found is logged and shown once.

        Raises `StoreError`.
        """
        now = self._now()
        if self.store.path is None:
            return
        try:
            if backup_due(self.store.backed_up(now=now), zones_of(self.store, self.settings), now):
                copy = await asyncio.to_thread(self.store.backup, None, now)
                log.info("the database was copied to %s", copy)
        except Damaged as error:  # it is tried again in an hour
            log.debug("%s", error)
            await self._tell_damage(str(error))
            return
        checked = last_check(self.store.path)
        await self._tell_damage(None if checked is None else checked.told(self.store.path))

    async def _tell_damage(self, found: str | None) -> None:
        """Log and show what is wrong with the database, unless that was done already; None means nothing is."""
        if found is not None and self._damage is None:
            log.error("%s", found)
            if self._show_damage is not None:
                await self._show_damage()
        self._damage = found


def _loop_s() -> float:
    """Seconds by the clock of the running event loop."""
    return asyncio.get_running_loop().time()
