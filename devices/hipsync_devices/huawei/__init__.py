"""Huawei and Honor bands that speak the link protocol v2 ("LPv2") over Bluetooth LE.

Most watches of these makers speak it over classic Bluetooth alone, where hipsync does not reach them (`models`); their
days come from Gadgetbridge's database. The sleep that newer bands keep in files is not fetched.
"""

from hipsync.driver import Driver
from hipsync_devices.huawei.gadgetbridge import TABLES
from hipsync_devices.huawei.models import ADVICE, matches, refusal
from hipsync_devices.huawei.protocol import ABILITIES, NEEDS, Talk

DRIVER = Driver(
    key="huawei",
    label="Huawei Band 2-11, first Watch GT and Watch Fit, Honor Band 3-7",
    abilities=ABILITIES,
    sealed=True,
    secret=lambda _: "none",
    advice=ADVICE,
    matches=matches,
    needs=NEEDS,
    refusal=refusal,
    begin=Talk,
    gadgetbridge=TABLES,
)
