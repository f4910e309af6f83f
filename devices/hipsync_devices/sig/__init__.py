"""Devices that keep to the Bluetooth SIG's own services: chest straps, foot pods, watches that broadcast."""
