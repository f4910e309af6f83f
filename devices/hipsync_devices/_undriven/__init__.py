"""Families that hipsync knows by name and does not drive: why, what to do here, and how Gadgetbridge's tables are read.

One file a family, named by a line of `hipsync.undriven` in `pyproject.toml`. This folder is no family. When a driver
comes, its author moves `KEY_gadgetbridge.py` into the new folder, moves the models that no radio reaches into
`Driver.refusal`, and deletes the rest with its line: `tests/cases/test_names.py` fails until then.
"""

NOT_LE = "not reachable over Bluetooth LE: import from Gadgetbridge (`hipsync import gadgetbridge FILE`)"
"""Why a model with classic Bluetooth alone is refused. No program that goes by Bleak reaches it."""
NOT_YET = "hipsync cannot read it yet: import from Gadgetbridge (`hipsync import gadgetbridge FILE`)"
"""Why a model with Bluetooth LE is refused as long as its family has no driver."""
