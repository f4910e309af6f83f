"""Garmin watches and bands of the last eight years or so: live steps, minutes from their files, and a buzz.

Older ones (Vivofit, the first vívomove) have another transport, which is not supported. Their files are read by a
library that is an extra; without it, steps are told while hipsync is connected, and the watch buzzes. A file that a
person copied from a watch is read in the same way (`watch_file`).
"""

from hipsync.driver import Driver
from hipsync_devices.garmin import watch_file
from hipsync_devices.garmin.fit import EXTRA, is_available
from hipsync_devices.garmin.gadgetbridge import TABLES
from hipsync_devices.garmin.names import matches
from hipsync_devices.garmin.protocol import ABILITIES, NEEDS, SPACING, GarminDialogue

DRIVER = Driver(
    key="garmin",
    label="Garmin watches and bands",
    abilities=ABILITIES,
    secret=lambda _: "none",
    matches=matches,
    needs=NEEDS,
    begin=GarminDialogue,
    gadgetbridge=TABLES,
    read_file=watch_file.read,
    spacing=SPACING,
    missing_extra=lambda: None if is_available() else EXTRA,
    sealed=True,
    advice="Garmin Connect on the phone may have to be paired again afterwards. Open the watch's pairing screen "
    "(Settings, Phone, Pair Phone), and type the six digits that it shows.",
)
