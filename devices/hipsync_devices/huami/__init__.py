"""Mi Band 2 to 5 and the Amazfit watches of that generation: the classic Huami protocol."""

from hipsync.driver import Abilities, Driver
from hipsync.model import MINUTE
from hipsync_devices.huami.models import matches, secret
from hipsync_devices.huami.protocol import nudge, opened, sync, watch

DRIVER = Driver(
    key="huami",
    label="Mi Band 2-5 and Amazfit of that generation",
    abilities=Abilities(
        history=MINUTE, live=True, buzz=True, text=True, battery=True, wear=True, sleep=True, heart_rate=True
    ),
    secret=secret,
    matches=matches,
    open=opened,
    sync=sync,
    watch=watch,
    nudge=nudge,
)
