"""The kit for authors of drivers: what every driver must satisfy, a band without a radio, and captures that replay.

from hipsync.testing import capture, check_driver, replay
check_driver(DRIVER, MyBand)                    raises AssertionError, which names the rule that is broken

told = capture("tests/captures/mine/model_what.txt")    as `hipsync sync --record` writes them
readings = replay(told, DRIVER)                 the driver says what the host said in it; what it made of the answers
replay(told, MyBand(readings, ...))             the simulated band says what the band said in it (`testing.replay`)
"""

from hipsync.testing.direct import DirectConnection, Kept, conversation, run
from hipsync.testing.replay import capture, replay
from hipsync.testing.rules import RULES, Case, check_driver

__all__ = ["RULES", "Case", "DirectConnection", "Kept", "capture", "check_driver", "conversation", "replay", "run"]
