"""Mi Band 2 to 7 and watches of Amazfit: the Huami protocol in both its generations.

Live steps and text of the newer generation are not supported, because nobody has recorded them. Such bands buzz if they
have the service Immediate Alert.
"""

from hipsync.driver import Abilities, Driver
from hipsync.model import MINUTE
from hipsync_devices.huami.gadgetbridge import TABLES
from hipsync_devices.huami.models import knows_name, matches, refusal, secret
from hipsync_devices.huami.protocol import NEEDS, nudge, opened, sync, watch

DRIVER = Driver(
    key="huami",
    label="Mi Band 2-7 and Amazfit of those generations",
    abilities=Abilities(
        history=MINUTE, live=True, buzz=True, text=True, battery=True, wear=True, sleep=True, heart_rate=True
    ),
    secret=secret,
    matches=matches,
    needs=NEEDS,
    open=opened,
    sync=sync,
    watch=watch,
    nudge=nudge,
    gadgetbridge=TABLES,
    refusal=refusal,
    knows_name=knows_name,
)
