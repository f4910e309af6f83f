"""The rules for every driver, with the bands of the newer generation that the registry does not name.

They speak alike but for their log-in, their numbers and their endpoints, so that the rules that try many places are for
one with a few endpoints and one with all of them; those for the third one are in the ring. As in
`tests/testing/test_every_driver.py`, one place in twelve is tried here, and all of them in the ring.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hipsync.simulated import Simulator
from hipsync.testing.rules import RULES, SWEEPS, Case, Rule, a_link_cut_anywhere_loses_nothing
from hipsync.testing.transfers import a_spoilt_transfer_is_made_good
from hipsync_devices.huami import DRIVER
from hipsync_devices.huami.sim_2021 import MiBand6, MiBand7
from hipsync_devices.huami.sim_zepp import ActiveMax

SLOW = {a_link_cut_anywhere_loses_nothing, a_spoilt_transfer_is_made_good}
"""They log in anew for each of its notifications, with a key agreement in Python on both sides."""
IN_TWELVE = 12
BANDS: Mapping[str, Simulator] = {"MiBand6": MiBand6, "MiBand7": MiBand7, "ActiveMax": ActiveMax}


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        pytest.param(rule, name, id=f"{rule.__name__}-{name}")
        for rule in RULES
        for name in BANDS
        if rule not in SLOW and not (rule in SWEEPS and name == "MiBand6")
    ],
)
def test_the_driver_keeps_the_rule_with_a_band_of_the_newer_generation(rule: Rule, name: str) -> None:
    rule(Case(DRIVER, BANDS[name], every=IN_TWELVE, offset=list(BANDS).index(name)))


@pytest.mark.ring
@pytest.mark.parametrize("rule", SWEEPS, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", BANDS)
def test_the_driver_keeps_the_rule_at_every_place(rule: Rule, name: str) -> None:
    rule(Case(DRIVER, BANDS[name]))
