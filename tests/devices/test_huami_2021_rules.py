"""The rules for every driver, with the bands of the newer generation that the registry does not name."""

from __future__ import annotations

import pytest

from hipsync.simulated import Simulator
from hipsync.testing.rules import RULES, Case, Rule, a_link_cut_anywhere_loses_nothing
from hipsync_devices.huami import DRIVER
from hipsync_devices.huami.sim_2021 import MiBand6, MiBand7


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_driver_keeps_the_rule_with_a_mi_band_7(rule: Rule) -> None:
    rule(Case(DRIVER, MiBand7))


@pytest.mark.parametrize(
    "rule",
    [
        # its notifications are those of a Mi Band 5, and of the Mi Band 7's login
        pytest.param(rule, marks=pytest.mark.ring) if rule is a_link_cut_anywhere_loses_nothing else rule
        for rule in RULES
    ],
    ids=lambda rule: rule.__name__,
)
def test_the_driver_keeps_the_rule_with_a_mi_band_6_of_newer_firmware(rule: Rule) -> None:
    simulator: Simulator = MiBand6
    rule(Case(DRIVER, simulator))
