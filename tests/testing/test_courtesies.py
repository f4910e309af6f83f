"""The rule that a courtesy costs no steps finds the drivers that make one a condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hipsync.driver import Driver, Link, Session
from hipsync.model import Reading
from hipsync.testing.case import Case
from hipsync.testing.courtesies import a_silent_courtesy_costs_no_steps
from hipsync_devices._blueprint import DRIVER, packets
from hipsync_devices._blueprint.protocol import Wire
from hipsync_devices._blueprint.sim import BlueprintBand


async def opened_strictly(link: Link, _: Session) -> Sequence[Reading]:
    wire = Wire(link)
    await wire.open()
    await wire.ask(packets.SET_TIME, packets.encode_instant(link.now()))
    return []


async def opened_at_leisure(link: Link, session: Session) -> Sequence[Reading]:
    for _ in range(30):
        readings = await DRIVER.open(link, session)
    return readings


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
