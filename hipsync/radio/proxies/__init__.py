"""ESPHome Bluetooth proxies: ESP32s in other rooms that hear bands and connect to them, reached by the network.

    rooms = Rooms(config.proxies)
    ...                            rooms.scanner and rooms.client are backends for Bleak
    await rooms.close()

bleak-esphome's client does the connections. Its way through habluetooth's manager is not taken: that hands on each
advertisement from the nearest proxy alone and old ones as new, and opens sockets of the kernel's for adapters that
Bleak has already. The one rule: what a proxy says is a stranger's word until it is parsed, and is never shown as it is.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec

from hipsync.errors import ConfigError

if find_spec("bleak_esphome") is None:
    from hipsync.host.installed import with_extra

    raise ConfigError(f"Bluetooth proxies need an extra (bleak-esphome): `{with_extra('proxies')}`")

from hipsync.radio.proxies.rooms import Rooms

for name in ("aioesphomeapi", "bleak_esphome", "habluetooth"):
    logging.getLogger(name).setLevel(logging.CRITICAL)  # they log what bands say, and our lines name the trouble

__all__ = ["Rooms"]
