"""Mi Band 2 to 7 and watches of Amazfit: the Huami protocol in both its generations.

A band of the newer generation says itself what it can do. Its text is not supported yet.
"""

from hipsync.driver import Driver
from hipsync_devices.huami.dialogue import ABILITIES, Band
from hipsync_devices.huami.gadgetbridge import TABLES
from hipsync_devices.huami.models import knows_name, matches, refusal, secret
from hipsync_devices.huami.protocol import NEEDS

DRIVER = Driver(
    key="huami",
    label="Mi Band 2-7, Amazfit bands and watches",
    abilities=ABILITIES,
    secret=secret,
    matches=matches,
    needs=NEEDS,
    begin=Band,
    gadgetbridge=TABLES,
    refusal=refusal,
    knows_name=knows_name,
)
