"""Xiaomi Smart Band 7 Pro to 10 and their kin: protobuf over two generations of frames, with a key of the maker's."""

from hipsync.driver import Driver
from hipsync_devices.xiaomi.gadgetbridge import TABLES
from hipsync_devices.xiaomi.models import ADVICE, matches, refusal
from hipsync_devices.xiaomi.protocol import ABILITIES, NEEDS, Band

DRIVER = Driver(
    key="xiaomi",
    label="Xiaomi Smart Band 7 Pro to 10, Redmi Smart Band and Watch",
    abilities=ABILITIES,
    secret=lambda _: "given",
    advice=ADVICE,
    matches=matches,
    needs=NEEDS,
    sealed=True,
    refusal=refusal,
    begin=Band,
    gadgetbridge=TABLES,
)
