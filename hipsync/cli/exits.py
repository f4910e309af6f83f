"""The exit codes of every command, which scripts may rely on, and which error ends with which code.

A command that fails raises one of `hipsync.errors`. `hipsync.cli.Commands` prints its one line and ends with
`code_of(error)`. A command that has nothing to raise, because it did what it was asked, names its code itself.
"""

from __future__ import annotations

from hipsync.errors import BluetoothUnavailable, ConfigError, HipsyncError, Refused

FAILED = 1
"""Something went wrong that no other code names."""
USAGE = 2
"""A word, an option or a setting was wrong. Click ends with the same code."""
NOTHING_KNOWN = 3
"""The command worked, but nothing is known of the days that were asked for."""
NO_BLUETOOTH = 4
"""This computer has no usable Bluetooth now."""
NO_SERVICE = 5
"""The background service is not installed, does not run, or cannot be controlled."""
INTERRUPTED = 130
"""The user pressed Ctrl-C: 128 and the number of the signal, as shells count."""


def code_of(error: HipsyncError) -> int:
    """Return the exit code of a command that raised `error`."""
    if isinstance(error, Refused):
        return error.code
    if isinstance(error, ConfigError):
        return USAGE
    return NO_BLUETOOTH if isinstance(error, BluetoothUnavailable) else FAILED
