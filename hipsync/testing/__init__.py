"""A kit for authors of drivers: the rules that every driver must satisfy, bands without a radio, and captures.

    from hipsync.testing import capture, check_driver, replay

    check_driver(DRIVER, MyBand)                raises an error if the driver breaks a rule

    recorded = capture("tests/captures/mine/model_what.txt")        a file that `hipsync sync --record` wrote
    readings = replay(recorded, DRIVER)         checks that the driver does what the host did; returns its readings
    replay(recorded, MyBand(readings, ...))     checks that the simulated band sends what the band sent

The kit knows no family of bands and no radio. The one rule: a fault is an AssertionError that says where it is.
"""

from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, renamed, run
from hipsync.testing.replay import capture, replay
from hipsync.testing.rules import RULES, Case, check_driver

__all__ = [
    "RULES",
    "Case",
    "DirectConnection",
    "MemoryStore",
    "capture",
    "check_driver",
    "conversation",
    "replay",
    "run",
]


def __getattr__(name: str) -> object:
    return renamed(name)
