"""Simulated bands, in this process or served to another one, and the adapter that reaches them.

    async with simulated_radio([band], now=clock.now) as simulated:
        found = await scan(simulated.adapter, 5)

Above the link layer everything is real and Bumble's: HCI, L2CAP, ATT, SMP. The application reaches a band through
Bleak, as it reaches a real one. The modules named in this list work around defects of Bumble 0.0.236; a test fails when
a name that they rely on changes.

==  =============================================================================================  ==============
 1  an attempt to connect that is cancelled is never reported as ended                             air
 2  cancelling `Device.connect` leaves the attempt pending in the controller                       central
 3  a lost link shows as a bare `CancelledError` in whoever waits for a reply                      backend
 4  the late reply to a cancelled request is given to the next one of the same kind                backend
 5  data are lost on a link whose own address is not the controller's random one                   air
 6  `disconnect` raises, and stays connected, when the peer has left the link                      air
 7  the scan response repeats the advertisement, the signal is always -50 dBm                      air
 8  ACL packets of 27 bytes: each full notification becomes ten packets, five times slower         air
 9  every packet is formatted for a log that is off                                                lean
10  no time-out on a reset, a disconnection or pairing                                             central, backend
11  a refused subscription stays registered                                                        backend
12  connecting to a bonded band starts a scan, and ends it for every other listener too            central
13  the server lets any client read and write any characteristic                                   peripheral
14  the interval of legacy advertising is wrong; it costs timers while nobody listens              air
15  two adapters that connect at once both believe that they are connected to the band             air
16  a reset resets nothing                                                                         air
17  a frame that is too short for its type raises in a callback of the event loop                  central
==  =============================================================================================  ==============
"""

from __future__ import annotations

from importlib.util import find_spec

from hipsync.errors import ConfigError

if find_spec("bumble") is None:
    raise ConfigError("simulated bands need Bumble, which is not installed: pip install 'hipsync[demo]'")

from hipsync.radio.simulation.air import Air
from hipsync.radio.simulation.peripheral import Bond
from hipsync.radio.simulation.radio import SimulatedRadio, bumble_adapter, serve, simulated_radio
from hipsync.radio.simulation.reception import Reception

__all__ = ["Air", "Bond", "Reception", "SimulatedRadio", "bumble_adapter", "serve", "simulated_radio"]
