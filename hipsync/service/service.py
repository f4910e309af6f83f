"""Collecting and judging, wired together.

`plan.next_wake(state, now)` says when something has to happen next, and `Service.wake(now)` does it; between them they
hold every decision. The scheduler of `hipsync run` and the fast clock of the demo loop over the same two. What does not
depend on what is judged is in `collecting`; how a band is contacted is for `contact`, how one is stayed connected to is
for `live`, how a prompt is shown is for `showing`. The
one rule: collecting and judging meet only in the store, so that a dead radio delays data and never the verdict on what
is known.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from hipsync.core.band_troubles import SILENT, remarks_due
from hipsync.core.prompting import outcome
from hipsync.core.speaking import Here
from hipsync.core.timeline import instant_of
from hipsync.driver import Driver
from hipsync.model import Answer, Band, BandId, Desk, Occasion, Remark, Trial, Trouble
from hipsync.service.band_facts import facts_of
from hipsync.service.clock_steps import MOST_TOLD, Step
from hipsync.service.collecting import Collecting
from hipsync.service.contact import Radio, Talk, Visits
from hipsync.service.notices import Notices
from hipsync.service.plan import asks_here, contact_at, may_come_early, next_wake, sat_down
from hipsync.service.showing import Deliver, Showing
from hipsync.service.state import Contacts, LastPast, Running, Settings, State, state_of
from hipsync.store import Store

log = logging.getLogger(__name__)

JUDGE_WITHIN = timedelta(seconds=90)
"""How long a wake waits for its bands. Then it judges what is known, even if a band has not sent everything yet."""
HERE_FOR_S = 50.0
"""Seconds for which an answer of this computer about its use holds. It is asked each minute while that matters."""

LOOKS_FOLLOW_S = 150.0
"""Seconds after which a look at this computer does not follow on the one before: much may have been between them."""

LONG_STEP = timedelta(hours=1)
"""A clock that was put forward by less shortens the day after which a silent band is remarked on, and that is no
matter."""


class Service(Collecting):
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
        look_here: Callable[[], Awaitable[Here]] | None = None,
        notices: Notices | None = None,
        keep: Callable[[Band, bytes], None] | None = None,
        speaks: Callable[[Occasion, bool], Awaitable[bool]] | None = None,
    ) -> None:
        """`notices` are those that `deliver` has shown on the desktop; without it none is withdrawn.

        `look_here` asks what is known of the wearer at this computer; without it, nothing is known, nor asked for.

        `deliver_quietly` is like `deliver`, but without a sound; without it, `deliver` does that too.

        `hear` returns which of the given bands are in reach now; without it, a band that went away is only retried.

        `keep` keeps a secret that a band handed over; without it, none can be kept.

        `speaks` says whether this computer, and none of the wearer's others, is to show what is due. It is given the
        occasion, and whether somebody is here. Without it, this computer always does.

        `show_remark` shows a remark on a band, such as a low battery; without it no remark is made.
        `show_damage` shows that the database is damaged. `passed` is as in `Clock`; without it, time passes by the
        clock of the event loop, and nobody sets the clock of `now`. `store_presence` stores what is known of the
        computer's use and waits in memory.
        """
        super().__init__(
            store, settings, radio=radio, drivers=drivers, secret=secret, now=now, hear=hear, show_damage=show_damage,
            passed=passed, keep=keep,
        )  # fmt: skip
        self._show_remark = show_remark
        self._showing, self._notices = Showing(store, deliver, deliver_quietly or deliver, now), notices
        self._look_here, self._speaks = look_here, speaks
        self._here, self._here_s = Here(), -HERE_FOR_S
        """What this computer answered last, and when, as `passed` counts."""
        self._last_past = LastPast()
        """What was judged at the last look."""
        self._asked_early: datetime | None = None
        """The start of the stretch for which the bands were asked so that its prompt may come early."""
        self._store_presence = store_presence
        self._skipped: list[Step] = []
        """Times that the clock skipped when it was put forward, in order."""
        self._put_forward_s: float | None = None
        """When the clock was put forward by `LONG_STEP` or more, as `passed` counts."""

    def state(self, now: datetime) -> State:
        """All that is known at `now`; every decision is based on it. Raises `StoreError`."""
        return self._state_after(None, now)

    def _state_after(self, before: State | None, now: datetime) -> State:
        """All that is known at `now`. The minutes of `before`, an earlier state at the same instant, serve again."""
        self.connector.retry_new_keys()
        notices = () if self._notices is None else self._notices.open()
        running = Running(
            tries=self._tries.last,
            skipped=self._skipped,
            here=self.here(),
            owed=self._showing.owed,
            asked_early=self._asked_early,
            notices=notices,
            last_past=self._last_past,
        )
        return state_of(self.store, self.settings, now, self._families, running, before)

    def here(self) -> Here | None:
        """What is known of the wearer at this computer, which is nothing if that was not asked lately.

        None if it is not asked at all.
        """
        if self._look_here is None or self.settings.rule.desk is Desk.OFF:
            return None
        return self._here if self._passed() - self._here_s < HERE_FOR_S else Here()

    async def _state_here(self, now: datetime, before: State | None = None) -> State:
        """All that is known at `now`, after asking this computer if its use matters and was not asked lately."""
        state = self.state(now) if before is None else self._state_after(before, now)
        if self._look_here is None or not asks_here(state, now) or self._passed() - self._here_s < HERE_FOR_S:
            return state
        lately = self._passed() - self._here_s < LOOKS_FOLLOW_S
        self._here = (await self._look_here()).after(self._here if lately else None)
        self._here_s = self._passed()
        return self._state_after(state, now)

    def clock_was_set(self, step: Step) -> None:
        """Reckon with a step of the computer's clock: in what it skipped nobody sat, and no band was silent.

        What it skipped before passes after all if it is put back. Conversations with live bands begin anew.
        """
        super().clock_was_set(step)
        cut = [each._replace(became=min(each.became, step.became)) for each in self._skipped]
        self._skipped = [each for each in cut if each.was < each.became][-MOST_TOLD:]
        if step.became > step.was:
            self._skipped.append(step)
        if step.became - step.was >= LONG_STEP:
            self._put_forward_s = self._passed()

    def look(self, now: datetime) -> tuple[datetime, State]:
        """When to wake next, by what is known at `now`; and that. Raises `StoreError`."""
        state = self.state(now)
        return next_wake(state, now), state

    def planned(self, band: Band, now: datetime) -> tuple[Contacts, datetime] | None:
        state = self.state(now)
        contacts = next((each for each in state.contacts if each.band.id == band.id), None)
        return None if contacts is None else (contacts, contact_at(contacts, state, now))

    async def wake(self, now: datetime) -> State:
        """Contact the bands that are due, settle open prompts, show what is due, and return the state after that.

        All bands are contacted at the same time. A band that fails, or whose driver does, is logged and tried again
        later. A contact that takes longer than `JUDGE_WITHIN` goes on in its own task. After a `StoreError` nothing is
        lost. A band that shows that it stores no minutes is stayed with from then on, so call `leave` at the end.
        """
        here = self.here()
        in_use = here is not None and here.is_there
        self.store.note_zone(now, self.settings.host_zone, self.settings.host, in_use=in_use)
        if self._store_presence is not None:
            self._store_presence()
        if self.settings.trial and self.store.trial(now) is None:
            self.store.add_trial(Trial(now, secrets.token_hex(16)))
        state = await self._state_here(now)
        due = [each for each in state.contacts if not each.live and contact_at(each, state, now) <= now]
        if may_come_early(state, now):
            self._asked_early = sat_down(state)
        if not due:
            return await self._judge(state, now, ())
        visits = Visits()
        for contacts in due:
            self.connector.visit(contacts, visits)
        try:
            await visits.wait_fetched(JUDGE_WITHIN)
            now = self._now()
            return await self._judge(await self._state_here(now), now, visits.open)
        finally:
            stays = any(talk.dialogue.held for talk in visits.open)
            visits.release.set()
            await asyncio.gather(*visits.holding_open, return_exceptions=True)
            if stays:  # it has shown that it keeps nothing: from now on it is live
                self.live.attend()

    async def leave(self) -> None:
        """End all visits, leave all live bands and withdraw all notices; what bands have sent is stored first."""
        await super().leave()
        if self._notices is not None:
            await self._notices.withdraw(self._notices.open())

    async def _judge(self, state: State, now: datetime, talks: Sequence[Talk]) -> State:
        """Settle open prompts, show what is due, also on the bands of `talks` and live ones; return the new state.

        `state` is the one at `now`, which is also stamped on what is stored: a clock that is put back meanwhile would
        stamp a prompt as shown long before it fell due.
        """
        if self.settle(state, now):
            state = await self._state_here(now, state)
        if state.to_withdraw and self._notices is not None:
            await self._notices.withdraw(state.to_withdraw)
            state = await self._state_here(now, state)
        talks = [*talks, *self.live.talks()]
        waits = state.held is not None and self._showing.to_show(state, talks) is None
        if (ours := await self._if_ours(state, now, talks, waits=waits)) is None:
            state = self.state(self._now())
            await self._remark(state)
            return state
        state = ours
        if state.draw is not None and state.draw.withheld and not waits:
            self.store.add_draw(state.draw)
            state = await self._state_here(now, state)
        if (due := self._showing.to_show(state, talks)) is not None:
            await self._showing.show(due, state, now, talks)
            state = self.state(self._now())
        elif (owed := state.notice()) is not None:
            await self._showing.show_owed(owed, state, now)
            state = self.state(self._now())
        await self._remark(state)
        return state

    async def _if_ours(self, state: State, now: datetime, talks: Sequence[Talk], *, waits: bool) -> State | None:
        """The state at `now`, made again if it was asked who speaks; None if another computer shows what is due here.

        `waits` is whether what is due has to wait, so that nothing is drawn for it.
        """
        due = self._showing.to_show(state, talks)
        is_withheld = state.draw is not None and state.draw.withheld and not waits
        if self._speaks is None or (due is None and not is_withheld):
            return state
        here = self.here()
        there = here is not None and here.is_there
        if not await self._speaks(Occasion.SITTING if due is None else due.occasion, there):
            return None
        return await self._state_here(now, state)

    def settle(self, state: State, now: datetime) -> bool:
        """Store the outcome of each unanswered prompt for which it is known by now; return whether there was any.

        One that is still to be shown as a notice is not ignored.
        """
        known = state.seen.line.known_until()
        settled = False
        for prompt in state.said:
            if prompt.answer is None:
                known_until = None if known is None else instant_of(known)
                if (became := outcome(prompt, state.seen.found, known_until, now)) is not None:
                    answer, at = became
                    if state.owed is not None and prompt == state.owed.prompt and answer is Answer.IGNORED:
                        continue
                    with self.store.transaction():
                        fresh = self.store.prompt(prompt)
                        if fresh.answer is None:  # the person, or another computer, may have answered since
                            self.store.update_prompt(fresh._replace(answer=answer, answered_at=at))
                    settled = True
        return settled

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
