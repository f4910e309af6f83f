"""The rules of the kit find the drivers that break them: a courtesy as a condition, false senses, lost lines."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from hipsync.driver import Driver, Link, Message, Session
from hipsync.errors import LinkLost
from hipsync.model import Answer, Epoch, Reading
from hipsync.testing.case import Case
from hipsync.testing.courtesies import a_silent_courtesy_costs_no_steps
from hipsync.testing.rules import a_link_cut_anywhere_loses_nothing, a_nudge_is_harmless, its_senses_are_true
from hipsync.testing.transfers import a_spoilt_transfer_is_made_good
from hipsync_devices._blueprint import DRIVER, packets
from hipsync_devices._blueprint.protocol import FIRST_FETCH, REPLY_WITHIN, Wire
from hipsync_devices._blueprint.sim import BlueprintBand


async def opened_strictly(link: Link, _: Session) -> Sequence[Reading]:
    wire = Wire(link)
    await wire.open()
    await wire.ask(packets.SET_TIME, packets.encode_instant(link.now()))
    return []


async def opened_at_leisure(link: Link, session: Session) -> Sequence[Reading]:
    for _ in range(30):
        await DRIVER.open(link, session)
    return []


@pytest.mark.parametrize(
    ("driver", "complaint"),
    [
        (replace(DRIVER, open=opened_strictly), "no steps, because the band did not answer within 3 s"),
        (replace(DRIVER, open=opened_at_leisure), r"it took 0:0\d:"),
        (replace(DRIVER, needs={*(DRIVER.needs or ()), (packets.WRITE, bytes([packets.SET_TIME]))}), "without it"),
    ],
    ids=["the clock is a condition", "silence costs minutes", "the clock is declared"],
)
def test_a_driver_that_makes_a_courtesy_a_condition_is_found(driver: Driver, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        a_silent_courtesy_costs_no_steps(Case(driver, BlueprintBand))


@pytest.mark.parametrize(
    "able",
    [{"wear": True}, {"sleep": True}, {"heart_rate": True}],
    ids=["wear", "sleep", "heart rate"],
)
def test_a_sense_that_is_only_claimed_is_found(able: dict[str, bool]) -> None:
    boasting = replace(DRIVER, abilities=replace(DRIVER.abilities, **able))  # type: ignore[arg-type]  # all are bools
    with pytest.raises(AssertionError, match="the abilities say"):
        its_senses_are_true(Case(boasting, BlueprintBand))


def test_an_answer_that_nobody_could_give_is_found() -> None:
    async def nudge(link: Link, session: Session, message: Message) -> Answer:
        assert DRIVER.nudge is not None
        await DRIVER.nudge(link, session, message)
        return Answer.DONE

    with pytest.raises(AssertionError, match="no ability to answer"):
        a_nudge_is_harmless(Case(replace(DRIVER, nudge=nudge), BlueprintBand))


def test_a_driver_that_skips_what_was_lost_is_found() -> None:
    async def skipping(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
        wire = Wire(link)
        await wire.open()
        slots: list[Epoch] = []
        payload = await wire.ask(packets.FETCH, packets.encode_instant(link.now() - FIRST_FETCH))
        while isinstance(slot := packets.decode_fetched(payload), packets.Slot):
            slots.append(Epoch(slot.start, packets.SLOT, slot.steps))
            _, payload = await wire.heard(packets.FETCH, link.now() + REPLY_WITHIN)
        since = session.since.get(Epoch, slots[0].start)
        yield [slot for slot in slots if slot.start >= since and slot.end <= link.now()]

    with pytest.raises(AssertionError, match="lost: 1 epochs are missing"):
        a_spoilt_transfer_is_made_good(Case(replace(DRIVER, sync=skipping), BlueprintBand))


@pytest.mark.parametrize("least", [0, 10, 15])
def test_a_driver_of_a_held_band_that_gives_up_a_fetch_is_found_wherever_the_link_was_cut(least: int) -> None:
    """It fetches nothing in the conversation after one that was cut when so many slots had come."""
    came = 0

    async def giving_up(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
        nonlocal came
        before, came = came, 0
        if before > least:
            return
        wire = Wire(link)
        await wire.open()
        try:
            payload = await wire.ask(packets.FETCH, packets.encode_instant(link.now() - FIRST_FETCH))
            slots: list[Epoch] = []
            while isinstance(slot := packets.decode_fetched(payload), packets.Slot):
                slots.append(Epoch(slot.start, packets.SLOT, slot.steps))
                came += 1
                _, payload = await wire.heard(packets.FETCH, link.now() + REPLY_WITHIN)
        except LinkLost:
            return
        came = 0
        yield [slot for slot in slots if slot.end <= link.now()]

    abilities = replace(DRIVER.abilities, history=timedelta(hours=1))
    held = replace(DRIVER, sync=giving_up, abilities=abilities)
    assert held.held
    with pytest.raises(AssertionError, match=r"cut at notification \d+: \d+ epochs never came"):
        a_link_cut_anywhere_loses_nothing(Case(held, BlueprintBand))
