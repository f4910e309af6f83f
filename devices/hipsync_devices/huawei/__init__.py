"""Huawei and Honor bands that speak the link protocol v2 ("LPv2") over Bluetooth LE.

Most watches of these makers speak it over classic Bluetooth alone, where hipsync does not reach them (`models`). The
sleep that newer bands keep in files is not fetched. No entry point names `DRIVER` yet.
"""

from hipsync.driver import Driver
from hipsync_devices.huawei.models import matches
from hipsync_devices.huawei.protocol import ABILITIES, NEEDS, Talk

DRIVER = Driver(
    key="huawei",
    label="Huawei Band 2-11 and Watch GT (1), Honor Band 3-7",
    abilities=ABILITIES,
    secret=lambda _: "none",
    matches=matches,
    needs=NEEDS,
    begin=Talk,
)
