"""Steps of a PineTime in Gadgetbridge's database: a row when the count rose, and none while it did not.

So minutes without a row are unknown: the watch may have been out of reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from hipsync.driver import Samples
from hipsync.model import MINUTE
from hipsync_devices.samples import summed

RISEN = range(1, 1001)
"""Steps of one notification. More were counted while nobody was connected, and belong to no one minute."""

TABLES: Mapping[str, Samples] = {
    "PINE_TIME_ACTIVITY_SAMPLE": Samples(("STEPS",), partial(summed, length=MINUTE, steps=RISEN))
}
