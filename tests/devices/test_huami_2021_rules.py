"""The rules for every driver, with the bands of the newer generation that the registry does not name."""

from __future__ import annotations

import pytest

from hipsync.simulated import Simulator
from hipsync.testing.rules import RULES, Case, Rule, a_link_cut_anywhere_loses_nothing
from hipsync.testing.transfers import a_spoilt_transfer_is_made_good
from hipsync_devices.huami import DRIVER
from hipsync_devices.huami.sim_2021 import MiBand6, MiBand7

RULES_BY_TIME = [
    # they log in anew for each of its notifications, with a key agreement in Python on both sides
    pytest.param(rule, marks=pytest.mark.ring)
    if rule in {a_link_cut_anywhere_loses_nothing, a_spoilt_transfer_is_made_good}
    else rule
    for rule in RULES
]


@pytest.mark.parametrize("simulator", [MiBand6, MiBand7])
@pytest.mark.parametrize("rule", RULES_BY_TIME, ids=lambda rule: rule.__name__)
def test_the_driver_keeps_the_rule_with_a_band_of_the_newer_generation(rule: Rule, simulator: Simulator) -> None:
    rule(Case(DRIVER, simulator))
