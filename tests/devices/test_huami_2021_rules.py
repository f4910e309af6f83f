"""The rules for every driver, with the bands of the newer generation that the registry does not name.

They speak alike but for their log-in, their numbers and their endpoints, so that the rules that try many places are for
one with a few endpoints and one with all of them; those for the third one are in the ring.
"""

from __future__ import annotations

import pytest

from hipsync.simulated import Simulator
from hipsync.testing.courtesies import a_silent_courtesy_costs_no_steps
from hipsync.testing.rules import RULES, SWEEPS, Case, Rule, a_link_cut_anywhere_loses_nothing
from hipsync.testing.transfers import a_spoilt_transfer_is_made_good
from hipsync_devices.huami import DRIVER
from hipsync_devices.huami.sim_2021 import MiBand6, MiBand7
from hipsync_devices.huami.sim_zepp import ActiveMax

SLOW = {a_link_cut_anywhere_loses_nothing, a_spoilt_transfer_is_made_good}
"""They log in anew for each of its notifications, with a key agreement in Python on both sides."""
MANY = {*SWEEPS, a_silent_courtesy_costs_no_steps}


BY_TIME = [
    pytest.param(
        rule,
        band,
        marks=[pytest.mark.ring] if rule in SLOW or (rule in MANY and band is MiBand6) else [],
        id=f"{rule.__name__}-{band.__name__}",
    )
    for rule in RULES
    for band in (MiBand6, MiBand7, ActiveMax)
]


@pytest.mark.parametrize(("rule", "simulator"), BY_TIME)
def test_the_driver_keeps_the_rule_with_a_band_of_the_newer_generation(rule: Rule, simulator: Simulator) -> None:
    rule(Case(DRIVER, simulator))
