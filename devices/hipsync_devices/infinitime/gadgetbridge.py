"""The steps of a PineTime in Gadgetbridge's database, which has a row for each rise of the count and no other rows.

So minutes without a row are unknown: the watch may have been out of reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from hipsync.driver import Samples
from hipsync.model import MINUTE
from hipsync_devices.samples import summed

RISEN = range(1, 1001)
"""The numbers of steps that a row may have. More were counted while nobody was connected, in an unknown minute."""

TABLES: Mapping[str, Samples] = {
    "PINE_TIME_ACTIVITY_SAMPLE": Samples(("STEPS",), partial(summed, length=MINUTE, steps=RISEN))
}
