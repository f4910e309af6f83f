"""Simulated bands, in this process or served to another one, and the simulated adapter that reaches them.

    async with simulated_radio([band], now=clock.now) as simulated:
        found = await scan(simulated.adapter, 5)

The layers above the link layer are real ones, from Bumble: HCI, L2CAP, ATT, SMP. hipsync reaches a simulated band
through Bleak, as it reaches a real one. The modules named in the last column work around defects of Bumble 0.0.236. A
test fails when a name in Bumble that they rely on changes.

==  =============================================================================================  ==============
 1  the end of a cancelled attempt to connect is never reported                                    air
 2  cancelling `Device.connect` leaves the attempt pending in the controller                       central
 3  a lost link raises a bare `CancelledError` in a task that waits for a reply                    backend
 4  a late reply to a cancelled request is taken for the reply to the next one of the same kind    backend
 5  data are lost on a link that does not use the controller's random address                      air
 6  `disconnect` raises, and the link stays open, when the peer has left it already                air
 7  the scan response repeats the advertisement, and the signal is always -50 dBm                  air
 8  ACL packets have 27 bytes, so a full notification takes ten of them: five times slower         air
 9  every packet is formatted for the debug log even when the log is off                           lean
10  a reset, a disconnection and pairing have no time-out                                          central, backend
11  a subscription that the band refused stays registered                                          backend
12  connecting to a bonded band starts a scan; its end stops the scan of other listeners too       central
13  the server lets any client read and write any characteristic                                   peripheral
14  legacy advertising has the wrong interval, and runs timers even while nobody listens           air
15  two adapters that connect at once both believe that they are connected to the band             air
16  a reset resets nothing                                                                         air
17  a frame that is too short for its type raises in a callback of the event loop                  central
==  =============================================================================================  ==============
"""

from __future__ import annotations

from importlib.util import find_spec

from hipsync.errors import ConfigError

if find_spec("bumble") is None:
    from hipsync.host.installed import with_extra

    raise ConfigError(f"a simulated band needs an extra (Bumble): `{with_extra('demo')}`")

from hipsync.radio.simulation.air import Air
from hipsync.radio.simulation.peripheral import Bond
from hipsync.radio.simulation.radio import SimulatedRadio, bumble_adapter, serve, simulated_radio
from hipsync.radio.simulation.reception import Reception

__all__ = ["Air", "Bond", "Reception", "SimulatedRadio", "bumble_adapter", "serve", "simulated_radio"]
