"""The steps of a Colmi ring in Gadgetbridge's database, as hours, because no ring was seen to record finer slots."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from hipsync.driver import Samples
from hipsync_devices.colmi.hours import HOUR
from hipsync_devices.samples import summed

TABLES: Mapping[str, Samples] = {"COLMI_ACTIVITY_SAMPLE": Samples(("STEPS",), partial(summed, length=HOUR))}
