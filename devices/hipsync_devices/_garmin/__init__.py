"""Garmin watches and bands: what is known of their bytes, both ends. No driver uses it yet, so it is no family."""
