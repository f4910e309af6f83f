"""The radio: finding bands, pairing with them, connecting to them, real ones and simulated ones.

Nothing outside this room imports Bleak or Bumble. D-Bus is spoken here to BlueZ, and in `hipsync.host.sleep` to logind.
What a band's bytes mean is no business of this room: a driver talks over the connection that it opens.
"""
