"""The radio: finds bands, pairs with them and connects to them, whether they are real or simulated.

No other package of hipsync imports Bleak or Bumble. This one speaks D-Bus to BlueZ; only `hipsync.host.sleep` speaks it
too, to logind. The radio does not know what a band's bytes mean: a driver talks over the connection that is open.
"""
