"""The steps of a PineTime in Gadgetbridge's database, which has a row for each rise of the count and no other rows.

So minutes without a row are unknown: the watch may have been out of reach. A row with more steps than a minute can have
holds what was counted while nobody was connected, in an unknown minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from hipsync.driver import Samples
from hipsync.model import MINUTE
from hipsync_devices.samples import summed

TABLES: Mapping[str, Samples] = {
    "PINE_TIME_ACTIVITY_SAMPLE": Samples(("STEPS",), partial(summed, length=MINUTE, least=1))
}
