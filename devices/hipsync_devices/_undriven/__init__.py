"""Families that hipsync knows by name and does not drive: why, what to do here, and how Gadgetbridge's tables are read.

One file a family, named by a line of `hipsync.undriven` in `pyproject.toml`. This folder is no family. When a driver
comes, its author moves `KEY_gadgetbridge.py` into the new folder, moves the models that no radio reaches into
`Driver.refusal`, and deletes the rest with its line: `tests/cases/test_names.py` fails until then.
"""
