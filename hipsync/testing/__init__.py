"""The kit for authors of drivers: what every driver must satisfy, a band without a radio, and captures that replay.

from hipsync.testing import check_driver
check_driver(DRIVER, MyBand)                    raises AssertionError, which names the rule that is broken

replay(capture("..."), DRIVER)                  the driver says what the host said in the capture
"""

from hipsync.testing.direct import DirectConnection, Kept, conversation, run
from hipsync.testing.rules import RULES, Case, check_driver

__all__ = ["RULES", "Case", "DirectConnection", "Kept", "check_driver", "conversation", "run"]
