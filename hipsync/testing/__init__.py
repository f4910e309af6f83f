"""The kit for authors of drivers: the rules that every driver must satisfy, a band without a radio, and captures.

    from hipsync.testing import capture, check_driver, replay

    check_driver(DRIVER, MyBand)                raises AssertionError, which names the rule that is broken

    recorded = capture("tests/captures/mine/model_what.txt")        a file that `hipsync sync --record` wrote
    readings = replay(recorded, DRIVER)         the driver does what the host did; what it made of the band's answers
    replay(recorded, MyBand(readings, ...))     the simulated band sends what the band sent (`hipsync.testing.replay`)

The kit knows no family of bands and no radio. The one rule: whatever is wrong is an AssertionError that says where.
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
