"""Huawei and Honor bands that speak the link protocol v2 ("LPv2") over Bluetooth LE.

The codec and the simulated band are here; there is no `DRIVER` yet, so nothing is registered.
"""
